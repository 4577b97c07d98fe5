//! The core of Carryover, shared by tablets and server: a function of its inputs.
//!
//! Specialists log sessions and observations offline; a server admits or holds each of them by its author's place on that student's
//! team. Everything that decides something about that is here, and nothing here reads a clock, a disk, a socket or a source of
//! randomness: `now`, ids and keys come in as arguments. So the tablet, the server, a report and a simulation of a whole school run the
//! very same code.
//!
//! The nouns, from the bottom up:
//!
//! - a **[slot](document::slot)** is a record, made once under `<member>/<ulid>` and never touched again; a change of mind is another
//!   slot, an *edit*;
//! - a **[document]** is an automerge document of nothing but slots, one per student, read audience and period;
//! - a **[deed](document::deed)** is what a person does, an *act* the slots that it makes in one document;
//! - the **[gate]** turns bytes from outside into a list of new slots, or refuses them, before automerge sees them;
//! - an **[envelope]** is what a device signs;
//! - the **[exchange]** is one request and one reply for the whole caseload: fates for the acts, and what is new;
//! - a **fate** is what became of an act: *stored*, *held* for review, or *refused*;
//! - the **[record]** is one student's effective record, folded out of the slots, with disagreements as values in it.
//!
//! # A day's work, in small
//!
//! ```
//! use ed25519_dalek::SigningKey;
//! use sync_core::document::deed::{Deed, act::{Author, Stamp, act}};
//! use sync_core::document::name::{DocumentKind, DocumentName};
//! use sync_core::document::slot::ContentHash;
//! use sync_core::exchange::client::{outbox, state::{Profile, Tablet}, view};
//! use sync_core::exchange::message::Outcome;
//! use sync_core::exchange::server::{answer, desk::{Conditions, Desk, Secret, ServerRun}, index::Index};
//! use sync_core::exchange::server::{entry::{LogEntry, Organisation}, reply::LogRead};
//! use sync_core::ids::*;
//! use sync_core::key::DeviceKey;
//! use sync_core::kv::{KvError, Memory};
//! use sync_core::roster::{Device, DeviceState, Grant, role::Role};
//! use sync_core::time::{Zone, moment_from_rfc3339};
//!
//! /// What stands in the server's log: here a list, in the server a file.
//! struct Log(Vec<LogEntry>);
//!
//! impl LogRead for Log {
//!     fn entry(&self, seq: u64) -> Result<LogEntry, KvError> {
//!         let at = usize::try_from(seq).ok().and_then(|seq| seq.checked_sub(1));
//!         at.and_then(|at| self.0.get(at)).cloned().ok_or(KvError::Damaged("no such entry"))
//!     }
//!     fn end(&self) -> u64 { self.0.len() as u64 }
//!     fn running(&self, seq: u64) -> Result<Option<[u8; 8]>, KvError> { Ok((seq <= self.end()).then(|| seq.to_be_bytes())) }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (org, student, slp) = (OrgId([1; 16]), StudentId([2; 16]), PersonId([3; 16]));
//! let key = SigningKey::from_bytes(&[4; 32]);
//! let public = key.verifying_key().to_bytes();
//! let now = moment_from_rfc3339("2026-11-20T15:05:00Z").ok_or("an instant")?;
//! let conditions =
//!     Conditions { now, log: LogId([5; 16]), secret: Secret([6; 32]), run: ServerRun([7; 16]), verbatim: true };
//!
//! // A server: an organisation, a device, and a place on a student's team. The log gets the entries, the index their writes.
//! let mut index = Memory::default();
//! let empty = Memory::default();
//! let founded = Organisation { id: org, name: "Lakeview".into(), zone: Zone::named("America/Chicago")? };
//! let mut desk = Desk::found(&empty, founded, conditions)?;
//! let device = Device {
//!     id: DeviceId::of_key(&public), key: public, person: slp, tablet: TabletId([8; 16]), state: DeviceState::Active,
//! };
//! desk.emit(LogEntry::Device { device: device.clone(), code: ContentHash([0; 16]) })?;
//! desk.set_grant(Grant {
//!     id: GrantId([9; 16]), student, person: slp, role: Role::Slp,
//!     from: "2026-08-20".parse()?, to: None, supervisor: None, reason: "caseload".to_owned().into(),
//! })?;
//! let next = desk.next();
//! let decided = desk.decide();
//! index.apply(decided.writes);
//! let log = Log(decided.entries);
//!
//! // A tablet, in a hallway: a goal is written, and kept before anything else happens.
//! let mut store = Memory::default();
//! store.apply(view::paired(&Profile { org, person: slp, device: device.id }));
//! let plan = DocumentName { org, kind: DocumentKind::Plan, subject: student, period: "2026-27".into(), member: None };
//! let goal = Deed::AddGoal {
//!     discipline: "slp".parse()?, measure: "percent".parse()?, direction: "increase".parse()?,
//!     statement: "answers questions about a story".to_owned().into(), plain_statement: None,
//!     target_thousandths: 80_000, target_date: None, baseline_thousandths: None, baseline_date: None, criterion: None,
//! };
//! let author = Author { member: slp, role: Role::Slp };
//! let mut drawn = [ulid::Ulid::from(10_u128)].into_iter();
//! let made = act(&goal, plan.id(), &author, Stamp { at: now, offset_ms: 0 }, &mut drawn, ActId([11; 16]))?;
//! let writes = outbox::keep(&store, &plan, made.id, made.slots, None)?;
//! store.apply(writes);
//! assert_eq!(Tablet(&store).unsent()?, 1);
//!
//! // Back in the network: the request brings the act, and the server gives it its fate.
//! let outgoing = outbox::compose(&store, &key, "example", now, &|_| false)?;
//! let checked = answer::check_request(&Index(&index), &log, &conditions, &DeviceKey::of, &|_| None, &device, outgoing.request)??;
//! let mut desk = Desk::new(&index, next, conditions)?;
//! let taken = desk.take(checked)?;
//! assert_eq!(taken.fates[0].outcome, Outcome::Stored);
//! # Ok(())
//! # }
//! ```

pub mod clock;
pub mod document;
pub mod envelope;
pub mod exchange;
pub mod gate;
pub mod ids;
pub mod key;
pub mod kv;
pub mod measure;
pub mod projection;
#[cfg(any(test, feature = "testing"))]
pub mod random;
pub mod record;
pub mod roster;
pub mod sealing;
pub mod seeded;
pub mod sensitive;
pub mod service;
pub mod time;
pub mod word;
