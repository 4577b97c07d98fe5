//! The gate on trial: whatever it lets through must do a document no harm.
//!
//! Tests and fuzzers hand mutated changes to [`Trial::check`]. A refusal is always fine. What is accepted is stored as the server would
//! (verbatim or issued) on a small document, and then everything that will ever be done with that document is done.

pub mod form;
pub mod index;
pub mod mutate;
mod oracle;

use std::collections::BTreeMap;

use automerge::{Automerge, Change};

use crate::document::change::{Encoded, Position, encode, outline, read};
use crate::document::container::Containers;
use crate::document::copy::{CopyError, Opened, apply, build, guarded, view};
use crate::document::founding::founding;
use crate::document::rehearsal::rehearse_on;
use crate::document::slot::{Fields, Slot, SlotKey, Value};
use crate::gate::issue::{Tip, issue};
use crate::gate::refusal::Refusal;
use crate::gate::shape::shape_change;
use crate::gate::trial::index::Index;
use crate::gate::verbatim::{History, Oddity, fits};
use crate::ids::{DeviceId, DocumentId, PersonId};
use crate::kv::KvError;
use crate::time::Moment;

/// The document of the trial.
pub const DOCUMENT: DocumentId = DocumentId([7; 16]);
/// Its founding steps; the second is there to be missing among a change's ancestors.
pub const STEPS: &[&[&str]] =
    &[&["edits", "issued", "missed", "observations", "sessions", "signatures"], &["later"]];
/// The member who writes.
pub const MEMBER: PersonId = PersonId([1; 16]);
/// The member's devices: two have written before, the third has not.
pub const DEVICES: [DeviceId; 3] = [DeviceId([0xd1; 16]), DeviceId([0x0d; 16]), DeviceId([0xd3; 16])];
/// The server's actor.
pub const SERVER: [u8; 16] = [0x5e; 16];

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It was refused.
    Refused(Refusal),
    /// One of its slots stands already: it would be stored as it stands, or held as a twin.
    Stands,
    /// It was stored as it came.
    Verbatim,
    /// Its slots were issued.
    Issued(Oddity),
}

/// The gate let something through that harms a document.
#[derive(Debug, thiserror::Error)]
pub enum Harm {
    /// The document does not survive it.
    #[error("the document does not survive it")]
    Document(#[from] CopyError),
    /// The document does not say what the gate reported.
    #[error("the document says something else than the gate reported")]
    Content,
    /// Automerge reads other slots, or another place in history, or would or would not write these bytes.
    #[error("automerge reads it otherwise")]
    Misread,
    /// Delivered in another order, the same changes say something else.
    #[error("another order of delivery gives another document")]
    Order,
    /// What the gate accepted could not be issued.
    #[error("accepted slots cannot be issued")]
    Issue(#[from] crate::document::change::EncodeError),
    /// The index of the trial failed.
    #[error(transparent)]
    Index(#[from] KvError),
}

/// A small document with its history, and changes that honest tablets would send to it next.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Where the document's maps are.
    pub containers: Containers,
    /// The history that the gate checks against.
    pub index: Index,
    /// Honest changes, each with the device that would sign it.
    pub samples: Vec<(DeviceId, Encoded)>,
    changes: Vec<Vec<u8>>,
    document: Automerge,
    before: Opened,
}

/// Returns a slot of the trial's member; the same number gives the same slot.
pub fn slot(container: &str, number: u8) -> Slot {
    let counts = Fields::from([("correct".into(), i64::from(number).into()), ("of".into(), 300.into())]);
    let first = Fields::from([("minutes".into(), 30.into()), ("mode".into(), "push-in".into())]);
    let segments = Fields::from([("1".into(), first.into())]);
    let fields = Fields::from([
        ("act".into(), "01KA0000000000000000000000".into()),
        ("at".into(), Value::Int(1_795_000_000_000)),
        ("done".into(), true.into()),
        ("note".into(), "a short note".into()),
        ("segments".into(), segments.into()),
        ("value".into(), counts.into()),
    ]);
    let key = SlotKey::new(MEMBER, ulid::Ulid::from_bytes([number; 16]));
    Slot { container: container.to_owned(), key, fields }
}

impl Trial {
    /// Founds the document, and lets two devices write on it side by side.
    ///
    /// # Errors
    /// [`Harm`]: the honest changes themselves do harm.
    pub fn new() -> Result<Self, Harm> {
        let containers = Containers::of(DOCUMENT, STEPS);
        let founding = founding(DOCUMENT, STEPS);
        let mut index = Index::new(containers.founder);
        let mut changes = Vec::new();
        let mut keep = |change: &Encoded, index: &mut Index| -> Result<(), Harm> {
            index.add(&outline(&change.bytes).map_err(CopyError::Unreadable)?);
            changes.push(change.bytes.clone());
            Ok(())
        };
        let (mut max_op, mut last) = (0, Vec::new());
        for change in &founding {
            keep(change, &mut index)?;
            (max_op, last) = (change.max_op, vec![change.hash]);
        }
        for (number, device) in (1u8..).zip(&DEVICES[..2]) {
            let position = Position::next(device.0, None, &last, max_op, Moment(1_000));
            let change = encode(&containers, &position, &[slot("observations", number)])?;
            keep(&change, &mut index)?;
        }
        let heads = index.heads()?;
        let mut samples = Vec::new();
        for (number, device) in (10u8..).step_by(10).zip(DEVICES) {
            let tip = index.actor(&device.0)?;
            let position = Position::next(device.0, tip, &heads, index.max_op(), Moment(1_795_000_000_000));
            let slots =
                [slot("observations", number), slot("sessions", number + 1), slot("later", number + 2)];
            samples.push((device, encode(&containers, &position, &slots)?));
            // Made before anything of the others had arrived, by a device that knew only the first founding step.
            if tip.is_none()
                && let Some(first) = founding.first()
            {
                let position = Position::next(device.0, tip, &[first.hash], first.max_op, Moment(0));
                samples.push((device, encode(&containers, &position, &[slot("edits", number)])?));
            }
        }
        let document = build(changes.iter().map(Vec::as_slice))?;
        let before = view(&document, containers.founder)?;
        Ok(Self { containers, index, samples, changes, document, before })
    }

    /// Lets a change through the gate, stores what is accepted, and does with the document all that will ever be done with it.
    ///
    /// # Errors
    /// [`Harm`]: the gate must have refused this.
    pub fn check(&self, device: DeviceId, bytes: &[u8]) -> Result<Outcome, Harm> {
        let answer = shape_change(bytes, &self.containers, MEMBER, device);
        if !oracle::agrees(&answer, bytes, &self.containers, MEMBER) {
            return Err(Harm::Misread);
        }
        let shaped = match answer {
            Ok(shaped) => shaped,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let stands = |slot: &Slot| {
            self.before.slots.iter().any(|old| old.container == slot.container && old.key == slot.key)
        };
        if shaped.slots().iter().any(stands) {
            return Ok(Outcome::Stands);
        }
        let (slots, wrapping) = shaped.into_parts();
        let fit =
            wrapping.as_ref().map_or(Ok(Err(Oddity::NotWhole)), |wrapping| fits(wrapping, &self.index))?;
        let (outcome, stored) = match (fit, wrapping) {
            (Ok(_), Some(wrapping)) => (Outcome::Verbatim, vec![wrapping.bytes]),
            (fit, _) => {
                let tip = Tip { heads: self.index.heads()?, max_op: self.index.max_op(), actor: None };
                let issued = issue(&self.containers, &tip, SERVER, Moment(1_000), &slots)?;
                let odd = fit.err().unwrap_or(Oddity::NotWhole);
                (Outcome::Issued(odd), issued.into_iter().map(|change| change.bytes).collect())
            }
        };
        self.store(&stored, slots)?;
        Ok(outcome)
    }

    /// Stores changes, and checks that the document says what it said before, and these slots, and nothing else.
    fn store(&self, stored: &[Vec<u8>], slots: Vec<Slot>) -> Result<(), Harm> {
        let mut expected: BTreeMap<(String, String), Slot> = BTreeMap::new();
        for slot in self.before.slots.iter().cloned().chain(slots) {
            expected.insert((slot.container.clone(), slot.key.to_string()), slot);
        }
        let expected: Vec<Slot> = expected.into_values().collect();
        let founder = self.containers.founder;
        let (applied, loaded) = guarded(|| {
            let mut document = self.document.clone();
            let mut loaded = None;
            for change in stored {
                loaded = Some(view(&rehearse_on(&mut document, change)?, founder)?);
            }
            Ok((view(&document, founder)?, loaded))
        })?;
        if applied.slots != expected || loaded.as_ref() != Some(&applied) {
            return Err(Harm::Content);
        }
        let backwards = guarded(|| {
            let mut document = Automerge::new();
            let changes: Vec<Change> =
                self.changes.iter().chain(stored).rev().map(|bytes| read(bytes)).collect::<Result<_, _>>()?;
            // One by one, so that each of them has to wait for its ancestors.
            for change in changes {
                document.apply_changes([change]).map_err(CopyError::Refused)?;
            }
            apply(&mut document, Vec::new())?;
            view(&document, founder)
        })?;
        if backwards == applied { Ok(()) } else { Err(Harm::Order) }
    }
}
