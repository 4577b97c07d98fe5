//! Holds: what waits, for whom, and what comes in by itself once what it builds on stands.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::name::{DocumentKind, DocumentName};
use crate::document::schema::RecordKind;
use crate::document::slot::{ContentHash, Fields, Slot, SlotKey, Value};
use crate::exchange::message::{HoldReason, HoldState};
use crate::exchange::server::apply::known_standing;
use crate::exchange::server::desk::{Desk, DeskError};
use crate::exchange::server::entry::{Hold, LogEntry, Origin};
use crate::exchange::server::index::Index;
use crate::exchange::server::look_up::look_up;
use crate::gate::policy::{self, Known, Place};
use crate::ids::{ActId, DocumentId, HoldId, PersonId, derive};
use crate::kv::KvError;
use crate::roster::reading::Roles;
use crate::seeded::{Bug, seeded};

/// What earlier acts of the same envelope have made known, standing or not.
pub(crate) type Earlier = BTreeMap<SlotKey, Known>;

/// Returns the id of the hold of these slots of an act: the same ones always have the same.
pub fn hold_id(document: DocumentId, act: ActId, slots: &[Slot]) -> HoldId {
    let hashes: Vec<ContentHash> = slots.iter().map(Slot::content_hash).collect();
    let mut parts: Vec<&[u8]> = vec![&document.0, &act.0];
    parts.extend(hashes.iter().map(|hash| hash.0.as_slice()));
    HoldId(derive("hold", &parts))
}

/// Returns what is known of a record of this document: as it stands, as an earlier act has it, or as it is held.
pub(crate) fn known(
    index: &Index<'_>,
    document: DocumentId,
    earlier: &Earlier,
    key: &SlotKey,
) -> Result<Option<Known>, KvError> {
    if let Some(known) = known_standing(index, document, key)? {
        return Ok(Some(known));
    }
    if let Some(known) = earlier.get(key) {
        return Ok(Some(known.clone()));
    }
    let holds = index.held(document, key)?;
    let slot = holds.iter().flat_map(|hold| &hold.slots).find(|slot| slot.key == *key);
    // What a held assignment names is looked up one step deep only: its goal stands or is held itself.
    let Some(slot) = slot else { return Ok(None) };
    look_up(|goal| known_standing(index, document, goal), |find| policy::known_of(slot, find))
}

/// Returns whether `person`, standing on the team in these roles, may decide about a hold: a case manager, or whoever has the right that
/// the act lacked; never its author.
///
/// # Errors
/// [`KvError`]: the index could not be read.
pub fn may_review(index: &Index<'_>, person: PersonId, roles: &Roles, hold: &Hold) -> Result<bool, KvError> {
    if person == hold.author || roles.is_empty() {
        return Ok(false);
    }
    if roles.contains(&crate::roster::role::Role::Cm) {
        return Ok(true);
    }
    // What the author did for the own record, the reviewer would do for the reviewer's own.
    let kind = if hold.name.kind == DocumentKind::Own { DocumentKind::Log } else { hold.name.kind };
    let policy = index.policy()?;
    let place = Place { policy, kind, member: None, author: person, roles, year_closed: false };
    let document = hold.document();
    let find = |key: &SlotKey| {
        let known = known(index, document, &Earlier::new(), key)?;
        let owner = |known: &Known| if known.owner == hold.author { person } else { known.owner };
        Ok(known.map(|known| Known { owner: owner(&known), ..known }))
    };
    look_up(find, |find| hold.slots.iter().all(|slot| policy::lacks(&place, slot, find).is_none()))
}

/// Returns whether a hold builds on something that nobody here knows: whatever else it lacks, it goes to its author only, until that
/// comes. Who may decide about it cannot be said before.
fn builds_on_unknown(index: &Index<'_>, hold: &Hold) -> Result<bool, KvError> {
    let document = hold.document();
    let own: BTreeSet<SlotKey> = hold.slots.iter().map(|slot| slot.key).collect();
    for base in hold.slots.iter().flat_map(policy::builds_on).filter(|base| !own.contains(base)) {
        if known(index, document, &Earlier::new(), &base)?.is_none() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns whether somebody else's hold is shown to `person`, standing on the team in these roles: she may decide about it, and there is
/// something to decide. What a restore has lost and only copies have comes back through coordinators, many at once.
pub(crate) fn is_shown(
    index: &Index<'_>,
    person: PersonId,
    roles: &Roles,
    hold: &Hold,
) -> Result<bool, KvError> {
    let of_the_team = hold.reason != HoldReason::Recovered;
    Ok(of_the_team && may_review(index, person, roles, hold)? && !builds_on_unknown(index, hold)?)
}

/// Returns the slot that stands beside an issued one and says how it came in: under the same key, in the container that only the server
/// writes.
pub(crate) fn issued_note(hold: &Hold, slot: &Slot, reviewer: Option<PersonId>, desk: &Desk<'_>) -> Slot {
    let now = desk.conditions().now.0;
    let mut fields = Fields::from([
        ("act".into(), Value::from(hold.act.to_string())),
        ("at".into(), now.into()),
        ("offset".into(), 0.into()),
        ("device".into(), hold.device.to_string().into()),
        ("envelope".into(), hold.envelope.to_string().into()),
        ("why".into(), hold.reason.name().into()),
        ("time".into(), now.into()),
        ("late".into(), (hold.late && !seeded(Bug::IssuedWithoutLateness)).into()),
    ]);
    fields.extend(reviewer.map(|reviewer| ("reviewer".into(), reviewer.to_string().into())));
    Slot { container: RecordKind::Issued.container().into(), key: slot.key, fields }
}

impl Desk<'_> {
    /// Returns who is told of a hold: its author, and whoever may review it now.
    pub(crate) fn told_of(&self, hold: &Hold) -> Result<Vec<PersonId>, DeskError> {
        let index = self.index();
        let mut told = BTreeSet::from([hold.author]);
        for (person, reading) in index.readers(hold.document())? {
            if is_shown(&index, person, &reading.roles, hold)? {
                told.insert(person);
            }
        }
        Ok(told.into_iter().collect())
    }

    /// Returns whether a hold builds on something that nobody here knows.
    pub(crate) fn builds_on_unknown(&self, hold: &Hold) -> Result<bool, DeskError> {
        Ok(builds_on_unknown(&self.index(), hold)?)
    }

    /// Changes the state of a hold, and tells whom it concerns.
    pub(crate) fn set_hold_state(&mut self, hold: &Hold, state: HoldState) -> Result<u64, DeskError> {
        let to = self.told_of(hold)?;
        self.emit(LogEntry::HoldState { hold: hold.id, state, to })
    }

    /// Gives a decided state to every waiting hold that builds on these slots, and to what builds on those.
    pub(crate) fn take_along(
        &mut self,
        document: DocumentId,
        slots: &[Slot],
        state: &HoldState,
    ) -> Result<(), DeskError> {
        let mut bases: Vec<SlotKey> = slots.iter().map(|slot| slot.key).collect();
        while let Some(base) = bases.pop() {
            // A base that stands in spite of it, as another's or an earlier one, goes on carrying what builds on it.
            if self.index().slot(document, &base)?.is_some() {
                continue;
            }
            for hold in self.index().on_top(document, &base)? {
                self.set_hold_state(&hold, state.clone())?;
                bases.extend(hold.slots.iter().map(|slot| slot.key));
            }
        }
        Ok(())
    }

    /// Tells what waits for these slots that they are here now, though held: who may review what builds on them can be said from now on,
    /// and if they are decided already, so is that.
    pub(crate) fn make_known(
        &mut self,
        document: DocumentId,
        slots: &[Slot],
        state: &HoldState,
    ) -> Result<(), DeskError> {
        if *state != HoldState::Waiting {
            return self.take_along(document, slots, state);
        }
        for slot in slots {
            for hold in self.index().on_top(document, &slot.key)? {
                self.tell_again(&hold)?;
            }
        }
        Ok(())
    }

    /// Tells every reader of a document how a hold on it stands: the right to review it has changed for some, and the reply to each says
    /// what is so now.
    fn tell_again(&mut self, hold: &Hold) -> Result<(), DeskError> {
        let to = self.all_concerned(hold)?;
        self.emit(LogEntry::HoldState { hold: hold.id, state: hold.state.clone(), to })?;
        Ok(())
    }

    fn all_concerned(&self, hold: &Hold) -> Result<Vec<PersonId>, DeskError> {
        let readers = self.index().readers(hold.document())?.into_iter().map(|(person, _)| person);
        Ok(readers.chain([hold.author]).collect::<BTreeSet<PersonId>>().into_iter().collect())
    }

    /// Judges the waiting holds whose only reason was that what they build on did not stand, now that these slots do: in the order of
    /// their arrival, with the roster of this moment, and on with what builds on those. What waits for other reasons, too, goes on waiting;
    /// who may review it can be another now.
    pub(crate) fn release(
        &mut self,
        document: DocumentId,
        name: &DocumentName,
        slots: &[SlotKey],
    ) -> Result<(), DeskError> {
        let mut bases: Vec<SlotKey> = slots.to_vec();
        while !bases.is_empty() {
            let mut ready: BTreeMap<u64, Hold> = BTreeMap::new();
            for base in std::mem::take(&mut bases) {
                for hold in self.index().on_top(document, &base)? {
                    if hold.only_on_top {
                        ready.insert(hold.seq, hold);
                    } else {
                        self.tell_again(&hold)?;
                    }
                }
            }
            for hold in ready.into_values() {
                bases.extend(self.judge_again(name, &hold)?);
            }
        }
        Ok(())
    }

    fn judge_again(&mut self, name: &DocumentName, hold: &Hold) -> Result<Vec<SlotKey>, DeskError> {
        let device = self.index().device(hold.device)?.map(|device| device.state);
        let ground = self.ground(name, hold.author, device)?;
        let slots: Vec<&Slot> = hold.slots.iter().collect();
        let judged = match &hold.receipt {
            Some(_) => self.judge_by_receipt(hold.document(), &slots, &Earlier::new())?,
            None => self.judge_slots(hold.document(), name, &ground, &slots, &Earlier::new())?,
        };
        match judged.reason {
            Some(HoldReason::OnTop) => Ok(Vec::new()),
            Some(reason) => {
                let again = Hold {
                    reason,
                    only_on_top: false,
                    fault: judged.fault,
                    late: hold.late || judged.late,
                    ..hold.clone()
                };
                let to = self.all_concerned(&again)?;
                self.emit(LogEntry::Held { hold: Box::new(again), to })?;
                Ok(Vec::new())
            }
            None => {
                self.issue_hold(name, hold, None)?;
                Ok(hold.slots.iter().map(|slot| slot.key).collect())
            }
        }
    }

    /// Issues a hold's slots, with the note of how they came in beside each, and closes it.
    pub(crate) fn issue_hold(
        &mut self,
        name: &DocumentName,
        hold: &Hold,
        by: Option<PersonId>,
    ) -> Result<u64, DeskError> {
        let document = name.id();
        if hold.reason == HoldReason::Recovered {
            self.found_again(name)?;
        }
        let mut slots = Vec::new();
        for slot in &hold.slots {
            let content = slot.content_hash();
            let mut slot = slot.clone();
            match self.index().slot(document, &slot.key)? {
                // It came to stand meanwhile, for example by a second device of its author.
                Some(standing) if standing.hash == content => continue,
                Some(_) => slot.key = SlotKey { twin: Some(content), ..slot.key },
                None => {}
            }
            slots.push(issued_note(hold, &slot, by, self));
            slots.push(slot);
        }
        let seq = if slots.is_empty() {
            self.next()
        } else {
            let policy = self.policy().number();
            self.issue(
                name,
                &slots,
                &Origin::Issued { envelopes: Vec::new(), admitted: vec![hold.id], policy },
            )?
        };
        self.set_hold_state(hold, HoldState::Admitted { by })?;
        Ok(seq)
    }
}
