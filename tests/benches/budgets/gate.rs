//! One change through the gate: everything between its bytes and the writes of the index, without its signature.
//!
//! The anchor is what anybody pays who looks at a change at all: parsing it and comparing its hash with its checksum. A change has one
//! observation; each is on top of the one before, as a tablet sends them that syncs after every one.

use automerge::Change;
use ed25519_dalek::Signer as _;
use sync_core::document::change::{ActorTip, Encoded, Position, encode};
use sync_core::document::name::{DocumentKind, DocumentName};
use sync_core::document::slot::ContentHash;
use sync_core::envelope::{Body, Content, ENVELOPE_VERSION, Envelope, Evidence};
use sync_core::exchange::message::Outcome;
use sync_core::exchange::server::apply::containers;
use sync_core::exchange::server::check::check;
use sync_core::exchange::server::desk::{Conditions, Decided, Desk, Secret, ServerRun};
use sync_core::exchange::server::entry::{LogEntry, Organisation, Origin};
use sync_core::exchange::server::index::Index;
use sync_core::ids::{DeviceId, GrantId, LogId, OrgId, PersonId, TabletId};
use sync_core::key::DeviceKey;
use sync_core::kv::Memory;
use sync_core::roster::role::Role;
use sync_core::roster::{Device, DeviceState, Grant};
use sync_core::time::{Moment, Zone};

use crate::measure::{Failed, median, micros, timed};
use crate::records::{Author, FIRST_DAY_MS};
use crate::report::{Bound, Row, show};
use crate::school::{YEAR, student};
use crate::tablet::signing_key;

const ORG: OrgId = OrgId([1; 16]);
const PERSON: PersonId = PersonId([2; 16]);
const SHORT: usize = 1_500;
const LONG: usize = 10_000;
/// Changes that are timed together.
const BATCH: usize = 256;
/// Runs of each figure: they are short, and other work on the same core shows even in the processor's time.
const RUNS: usize = 25;

/// Measures the rows of the gate.
pub fn measure() -> Result<Vec<Row>, Failed> {
    let mut short = Bench::with(SHORT)?;
    let mut long = Bench::with(LONG)?;
    let (mut anchor, mut verbatim, mut issued, mut longer) = (vec![], vec![], vec![], vec![]);
    for _ in 0..RUNS {
        let batch = short.batch(BATCH)?;
        anchor.push(batch.parse_and_hash()?);
        verbatim.push(batch.through_the_gate(&short, true)?);
        issued.push(batch.through_the_gate(&short, false)?);
        longer.push(long.batch(BATCH)?.through_the_gate(&long, true)?);
    }
    let bytes = short.batch(BATCH)?.bytes_each();
    let (anchor, verbatim, issued, longer) =
        (median(&anchor), median(&verbatim), median(&issued), median(&longer));
    Ok(vec![
        Row::ratio("14", "one change through the gate, 1,500 observations", verbatim, anchor, " µs")
            .bounds(Bound::AtMost(4.0), Bound::AtMost(1.5))
            .note(format!(
                "against parse and hash alone; the signature is not counted; {} a change",
                show(bytes, " B")
            )),
        Row::ratio("14", "the same issued instead of stored verbatim", issued, anchor, " µs")
            .bounds(Bound::AtMost(8.0), Bound::AtMost(3.0)),
        Row::ratio("15", "the same verbatim at 10,000 observations", longer, verbatim, " µs")
            .bounds(Bound::AtMost(1.5), Bound::AtMost(1.1)),
    ])
}

/// An index in memory with one document, and the tablet that writes in it.
struct Bench {
    index: Memory,
    next: u64,
    name: DocumentName,
    key: ed25519_dalek::SigningKey,
    device: DeviceId,
    author: Author,
    position: Position,
}

/// Changes on top of one another, signed each by itself.
struct Batch {
    changes: Vec<Encoded>,
    envelopes: Vec<Envelope>,
    key: ed25519_dalek::SigningKey,
    device: DeviceId,
}

fn conditions(verbatim: bool) -> Conditions {
    Conditions {
        now: Moment(FIRST_DAY_MS),
        log: LogId([3; 16]),
        secret: Secret([4; 32]),
        run: ServerRun([5; 16]),
        verbatim,
    }
}

impl Bench {
    /// Makes a document with so many observations, each in a change of its own.
    fn with(observations: usize) -> Result<Self, Failed> {
        let key = signing_key(b"gate");
        let public = key.verifying_key().to_bytes();
        let device = DeviceId::of_key(&public);
        let log = DocumentKind::Log;
        let name =
            DocumentName { org: ORG, kind: log, subject: student(0), period: YEAR.to_owned(), member: None };
        let mut index = Memory::default();
        let zone = Zone::named("America/Chicago")?;
        let organisation = Organisation { id: ORG, name: "Lakeview".to_owned(), zone };
        let mut desk = Desk::found(&index, organisation, conditions(true))?;
        let tablet = TabletId([6; 16]);
        let device_row =
            Device { id: device, key: public, person: PERSON, tablet, state: DeviceState::Active };
        desk.emit(LogEntry::Device { device: device_row, code: ContentHash([7; 16]) })?;
        // A team of four, as most students have.
        for (at, role) in (0u8..).zip([Role::Slp, Role::Ot, Role::Set, Role::Cm]) {
            desk.set_grant(Grant {
                id: GrantId([at; 16]),
                student: student(0),
                person: if at == 0 { PERSON } else { PersonId([100 + at; 16]) },
                role,
                from: "2026-08-20".parse()?,
                to: None,
                supervisor: None,
                reason: "caseload".to_owned().into(),
            })?;
        }
        let state = desk.index().document(name.id())?.ok_or("the document was not founded")?;
        let position =
            Position::next(device.0, None, &state.head_hashes(), state.max_op, Moment(FIRST_DAY_MS));
        let decided = desk.decide();
        let next = 1 + decided.entries.len() as u64;
        index.apply(decided.writes);
        let author = Author::new(PERSON, "slp", 1);
        let mut bench = Self { index, next, name, key, device, author, position };
        bench.fill(observations)?;
        Ok(bench)
    }

    fn fill(&mut self, observations: usize) -> Result<(), Failed> {
        let mut desk = Desk::new(&self.index, self.next, conditions(true))?;
        for change in self.author.clone().changes(&self.name, &mut self.position, observations)? {
            let origin = Origin::Issued { envelopes: Vec::new(), admitted: Vec::new(), policy: 1 };
            desk.emit(LogEntry::Changed { document: self.name.id(), change: change.bytes, origin })?;
        }
        let Decided { entries, writes } = desk.decide();
        self.next += entries.len() as u64;
        self.index.apply(writes);
        Ok(())
    }

    /// Makes changes on top of what stands; they are not stored.
    fn batch(&mut self, count: usize) -> Result<Batch, Failed> {
        // Other ids than those of the records that stand.
        self.author = Author::new(PERSON, "slp", 2 + self.next + count as u64);
        let changes = self.author.changes(&self.name, &mut self.position.clone(), count)?;
        let sign = |change: &Encoded| {
            let body = Body {
                version: ENVELOPE_VERSION,
                org: ORG,
                document: self.name.id(),
                device: self.device,
                content: Content::Change(change.bytes.clone()),
                evidence: Evidence {
                    seen: Some((LogId([3; 16]), 1_000)),
                    app: "carryover-tablet 0.1.0".to_owned(),
                },
            };
            Envelope::sign(&body, &self.key)
        };
        let envelopes = changes.iter().map(sign).collect();
        Ok(Batch { changes, envelopes, key: self.key.clone(), device: self.device })
    }
}

impl Author {
    /// Makes changes of one observation each, and moves the position behind them.
    pub fn changes(
        &mut self,
        name: &DocumentName,
        position: &mut Position,
        count: usize,
    ) -> Result<Vec<Encoded>, Failed> {
        let places = containers(name, u32::MAX);
        let mut changes = Vec::with_capacity(count);
        for _ in 0..count {
            let (_, slots) = self.observation(0);
            let change = encode(&places, position, &slots)?;
            let tip = ActorTip { seq: position.seq, hash: change.hash };
            *position =
                Position::next(position.actor, Some(tip), &[change.hash], change.max_op, position.time);
            changes.push(change);
        }
        Ok(changes)
    }
}

impl Batch {
    fn bytes_each(&self) -> f64 {
        let bytes: usize = self.changes.iter().map(|change| change.bytes.len()).sum();
        bytes as f64 / self.changes.len().max(1) as f64
    }

    /// Returns the microseconds that reading a change and comparing its hash with its checksum takes.
    fn parse_and_hash(&self) -> Result<f64, Failed> {
        let (time, ()) = timed(|| {
            for change in &self.changes {
                let read = Change::from_bytes(change.bytes.clone())?;
                if change.bytes.get(4..8) != read.hash().0.get(..4) {
                    return Err("a checksum is wrong".into());
                }
            }
            Ok(())
        })?;
        Ok(micros(time) / self.changes.len() as f64)
    }

    /// Returns the microseconds that a change takes from its envelope to the writes of the index, its signature not counted.
    fn through_the_gate(&self, bench: &Bench, verbatim: bool) -> Result<f64, Failed> {
        // A server has looked at the key before.
        let key = self.public()?;
        let keys = |_: &[u8; 32]| Some(key.clone());
        let (time, decided) = timed(|| {
            let mut desk = Desk::new(&bench.index, bench.next, conditions(verbatim))?;
            for envelope in &self.envelopes {
                let checked = check(&Index(&bench.index), &keys, envelope.clone())?;
                let fates = desk.receive(self.device, checked)?;
                if fates.iter().any(|fate| fate.outcome != Outcome::Stored) {
                    return Err("an honest change was not stored".into());
                }
            }
            Ok(desk.decide())
        })?;
        let stored = |entry: &&LogEntry| {
            let LogEntry::Changed { origin, .. } = entry else { return false };
            matches!(origin, Origin::Verbatim { .. }) == verbatim
        };
        if decided.entries.iter().filter(stored).count() != self.envelopes.len() {
            return Err("a change was not stored as it was to be".into());
        }
        Ok((micros(time) - micros(self.signatures()?)) / self.envelopes.len() as f64)
    }

    /// Returns what looking at the signatures takes: of as many texts of the same lengths.
    fn signatures(&self) -> Result<std::time::Duration, Failed> {
        let key = self.public()?;
        let signed =
            self.envelopes.iter().map(|envelope| (&envelope.body, self.key.sign(&envelope.body).to_bytes()));
        let signed: Vec<_> = signed.collect();
        let (time, ()) = timed(|| {
            for (body, signature) in &signed {
                if !key.signed(body, signature) {
                    return Err("an honest signature does not fit".into());
                }
            }
            Ok(())
        })?;
        Ok(time)
    }

    fn public(&self) -> Result<DeviceKey, Failed> {
        DeviceKey::of(self.key.verifying_key().as_bytes()).ok_or_else(|| "a key that is none".into())
    }
}
