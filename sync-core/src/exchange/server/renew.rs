//! New lives of a document: what it says is made again on its founding, without what must not be in it.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::change::{ChangeHash, outline};
use crate::document::collect::slots_of_change;
use crate::document::copy::{slots_of_document, snapshot};
use crate::document::founding::founding_of;
use crate::document::name::{DocumentKind, DocumentName};
use crate::document::schema::RecordKind;
use crate::document::slot::{ContentHash, Slot, SlotKey, Value};
use crate::envelope::Evidence;
use crate::exchange::message::{HoldReason, HoldState};
use crate::exchange::server::apply::containers;
use crate::exchange::server::desk::{Desk, DeskError};
use crate::exchange::server::entry::{Hold, LogEntry, Origin};
use crate::exchange::server::hold::hold_id;
use crate::exchange::server::index::Index;
use crate::exchange::server::reply::LogRead;
use crate::ids::{ActId, DeviceId, DocumentId, HoldId, PersonId, first_16};
use crate::kv::KvError;

/// What stands for the app of an act that was set aside.
const APP: &str = "set aside";

/// Returns the stored changes of a document's present life, with their places in the log.
///
/// # Errors
/// [`KvError`] where index or log cannot be read.
pub fn changes_of(
    index: &Index<'_>,
    log: &dyn LogRead,
    document: DocumentId,
) -> Result<Vec<(u64, Vec<u8>)>, KvError> {
    let mut changes = Vec::new();
    for seq in index.changes(document, 0, log.end(), usize::MAX)? {
        changes.extend(log.change(seq)?.map(|change| (seq, change)));
    }
    Ok(changes)
}

/// Finds the changes without which a document can be opened, by their places: each is the first with which it cannot, and what was
/// written on it falls with it, though not what that says.
pub fn culprits(document: DocumentId, kind: DocumentKind, changes: &[(u64, Vec<u8>)]) -> BTreeSet<u64> {
    let founding: Vec<Vec<u8>> =
        founding_of(kind, document).into_iter().map(|founding| founding.bytes).collect();
    let opens = |changes: &[&(u64, Vec<u8>)]| {
        let all = founding.iter().chain(changes.iter().map(|(_, change)| change));
        snapshot(all.map(Vec::as_slice)).is_ok_and(|saved| slots_of_document(document, &saved).is_ok())
    };
    let (mut rest, mut bad): (Vec<&(u64, Vec<u8>)>, BTreeSet<u64>) =
        (changes.iter().collect(), BTreeSet::new());
    while !opens(&rest) {
        // The shortest beginning that does not open ends with a culprit.
        let (mut low, mut high) = (0, rest.len());
        while low < high {
            let middle = low.midpoint(high);
            if opens(&rest[..=middle]) { low = middle + 1 } else { high = middle }
        }
        let Some(culprit) = rest.get(low).copied() else { break };
        bad.insert(culprit.0);
        let mut fallen: BTreeSet<ChangeHash> = hash_of(&culprit.1).into_iter().collect();
        rest.retain(|change| {
            let falls = change.0 == culprit.0
                || outline(&change.1)
                    .is_ok_and(|outline| outline.deps.iter().any(|dep| fallen.contains(dep)));
            if falls {
                fallen.extend(hash_of(&change.1));
            }
            !falls
        });
    }
    bad
}

/// Returns whether a slot is the server's note of how the record beside it came in.
pub(crate) fn is_note(slot: &Slot) -> bool {
    slot.container == RecordKind::Issued.container()
}

/// Returns the records that the notes among these slots mark late.
pub(crate) fn late_among(slots: &[Slot]) -> BTreeSet<SlotKey> {
    let late = |slot: &&Slot| is_note(slot) && slot.leaf("late") == Some(&Value::Flag(true));
    slots.iter().filter(late).map(|note| note.key).collect()
}

fn hash_of(change: &[u8]) -> Option<ChangeHash> {
    outline(change).ok().map(|outline| outline.hash)
}

impl Desk<'_> {
    /// Sets stored changes of a document aside, by their places in the log: it cannot be opened with them. It begins a new life without
    /// them, in which all the rest is said again, and what they said waits as their authors' holds.
    ///
    /// # Errors
    /// [`DeskError`]; the desk is to be thrown away then.
    pub fn set_aside(
        &mut self,
        log: &dyn LogRead,
        document: DocumentId,
        bad: &BTreeSet<u64>,
    ) -> Result<(), DeskError> {
        let state = self.index().document(document)?.ok_or(KvError::Damaged("document"))?;
        let mut without = Vec::new();
        for seq in bad {
            let LogEntry::Changed { change, .. } = log.entry(*seq)? else { continue };
            let slots = self.said_by(&state.name, &change)?;
            let records = slots.iter().filter(|slot| !is_note(slot));
            without.extend(records.map(|slot| (slot.key, slot.content_hash())));
        }
        self.renew(log, document, state.incarnation + 1, &without)
    }

    fn said_by(&self, name: &DocumentName, change: &[u8]) -> Result<Vec<Slot>, DeskError> {
        let steps = self.index().document(name.id())?.map_or(0, |state| state.steps);
        Ok(slots_of_change(&containers(name, steps), change).map_err(|_| KvError::Damaged("change"))?)
    }

    /// Returns the holds of what a change said and its document says no more. `late` has what was marked late as it came in.
    fn aside(
        &self,
        name: &DocumentName,
        change: &[u8],
        slots: Vec<Slot>,
        late: &BTreeSet<SlotKey>,
    ) -> Result<Vec<Hold>, DeskError> {
        let outline = outline(change).map_err(|_| KvError::Damaged("change"))?;
        let mut acts: BTreeMap<(PersonId, ActId), (Vec<Slot>, bool)> = BTreeMap::new();
        for slot in slots {
            let act = slot.act().unwrap_or_else(|| ActId::from(slot.key.record));
            let key = SlotKey { twin: None, ..slot.key };
            let (slots, was_late) = acts.entry((key.member, act)).or_default();
            *was_late |= late.contains(&slot.key);
            slots.push(Slot { key, ..slot });
        }
        let hold = |((author, act), (slots, late)): ((PersonId, ActId), (Vec<Slot>, bool))| Hold {
            id: hold_id(name.id(), act, &slots),
            name: name.clone(),
            author,
            device: DeviceId(outline.actor),
            act,
            slots,
            reason: HoldReason::SetAside,
            only_on_top: false,
            receipt: None,
            fault: None,
            late,
            envelope: ContentHash(first_16(&outline.hash.0)),
            evidence: Evidence { seen: None, app: APP.to_owned() },
            received: self.conditions().now,
            seq: 0,
            policy: self.policy().number(),
            state: HoldState::Waiting,
        };
        Ok(acts.into_iter().map(hold).collect())
    }

    /// Begins a life of a document in which everything is said again but `without`. What stood of that waits from then on as its authors'
    /// holds: whoever hears of the new life from the register has nothing else of it. Of a document that is not known here it is noted that
    /// it will be founded in that life.
    pub(crate) fn renew(
        &mut self,
        log: &dyn LogRead,
        document: DocumentId,
        incarnation: u32,
        without: &[(SlotKey, ContentHash)],
    ) -> Result<(), DeskError> {
        let Some(state) = self.index().document(document)? else {
            self.emit(LogEntry::Replaced { document, incarnation, without: without.to_vec() })?;
            return Ok(());
        };
        let (mut stays, mut goes) = (Vec::new(), Vec::new());
        for (_, change) in changes_of(&self.index(), log, document)? {
            let out = |slot: &Slot| without.contains(&(slot.key, slot.content_hash()));
            let (said, rest): (Vec<Slot>, Vec<Slot>) =
                self.said_by(&state.name, &change)?.into_iter().partition(out);
            stays.extend(rest);
            if !said.is_empty() {
                goes.push((change, said));
            }
        }
        // The server's note stands under the key of the record beside which it stands.
        let gone: BTreeSet<SlotKey> = goes.iter().flat_map(|(_, said)| said).map(|slot| slot.key).collect();
        let late = late_among(&stays);
        stays.retain(|slot| !(is_note(slot) && gone.contains(&slot.key)));
        let mut holds: BTreeMap<HoldId, Hold> = BTreeMap::new();
        for (change, said) in goes {
            let aside = self.aside(&state.name, &change, said, &late)?;
            holds.extend(aside.into_iter().map(|hold| (hold.id, hold)));
        }
        self.emit(LogEntry::Replaced { document, incarnation, without: without.to_vec() })?;
        if !stays.is_empty() {
            self.issue(&state.name, &stays, &Origin::Renewed)?;
        }
        for hold in holds.into_values() {
            let to = self.told_of(&hold)?;
            self.emit(LogEntry::Held { hold: Box::new(hold), to })?;
        }
        Ok(())
    }
}
