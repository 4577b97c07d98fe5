//! Review: what becomes of a hold by somebody's decision.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::schema::{REASON_CHARS_MAX, RecordKind, check_record};
use crate::document::slot::{Slot, SlotKey, Value};
use crate::exchange::message::{HoldReason, HoldState};
use crate::exchange::server::desk::{Desk, DeskError};
use crate::exchange::server::entry::Hold;
use crate::exchange::server::hold::may_review;
use crate::gate::policy;
use crate::ids::{HoldId, PersonId};
use crate::roster::reading::{Roles, may_read};
use crate::roster::role::Role;

/// Holds that one decision may name.
pub const DECIDED_MAX: usize = 1_000;

/// What a decision about holds comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Review {
    /// Each hold with the state that it has now. What had been decided before is as it was.
    Decided(Vec<(HoldId, HoldState)>),
    /// There is no such hold for this person.
    Unknown(HoldId),
    /// The hold builds on another that is held: decide about that one with it, or first.
    BuildsOn {
        /// The hold that was to be admitted.
        hold: HoldId,
        /// The records that it builds on and that do not stand.
        bases: Vec<SlotKey>,
    },
    /// A value of it cannot be as it is: correct it first, then admit both.
    NeedsCorrection {
        /// The hold.
        hold: HoldId,
        /// Which value, in a few words.
        fault: String,
    },
    /// What the hold is for was destroyed and does not come back: it can be declined, and not be admitted.
    Gone(HoldId),
    /// A decision names [`DECIDED_MAX`] holds at the most, and a reason is not empty and has no more than [`REASON_CHARS_MAX`] characters.
    Invalid,
}

impl Desk<'_> {
    /// Returns whether a person may decide about a hold today: from the team, or, where nobody there can, as coordinator of the
    /// student's school.
    ///
    /// # Errors
    /// [`DeskError::Index`].
    pub fn reviews(&self, person: PersonId, hold: &Hold) -> Result<bool, DeskError> {
        if hold.reason == HoldReason::Recovered {
            return Ok(person != hold.author && self.coordinates(person, hold)?);
        }
        let index = self.index();
        let roles = self.roles_on(person, hold.name.subject, self.today())?;
        if may_read(self.policy(), &hold.name, person, &roles) && may_review(&index, person, &roles, hold)? {
            return Ok(true);
        }
        Ok(person != hold.author && self.coordinates(person, hold)? && !self.team_reviews(hold)?)
    }

    /// Returns whether a person is a coordinator at the school of the hold's student: sees what its holds would do.
    ///
    /// # Errors
    /// [`DeskError::Index`].
    pub fn coordinates(&self, person: PersonId, hold: &Hold) -> Result<bool, DeskError> {
        let Some(person) = self.index().person(person)?.filter(|person| person.role == Role::Coord) else {
            return Ok(false);
        };
        // Of a student whom nobody has named there is no coordinator either.
        let Some(student) = self.index().student(hold.name.subject)? else { return Ok(false) };
        let school = student.school;
        Ok(person.school.is_none() || person.school == school)
    }

    fn team_reviews(&self, hold: &Hold) -> Result<bool, DeskError> {
        let (index, today) = (self.index(), self.today());
        // What was destroyed has left every tablet, and its holds with it.
        if index.is_gone(hold.document())? {
            return Ok(false);
        }
        let people: BTreeSet<PersonId> =
            index.team(hold.name.subject)?.into_iter().map(|grant| grant.person).collect();
        for person in people {
            let roles: Roles = self.roles_on(person, hold.name.subject, today)?;
            if may_read(self.policy(), &hold.name, person, &roles)
                && may_review(&index, person, &roles, hold)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Admits holds: their slots are issued as their authors made them, with everything that waited for nothing but them.
    ///
    /// All or none, of one student or many; the order in which they are named does not matter.
    ///
    /// # Errors
    /// [`DeskError`]; the desk is to be thrown away then, and after any answer but [`Review::Decided`], too.
    pub fn admit(&mut self, reviewer: PersonId, ids: &[HoldId]) -> Result<Review, DeskError> {
        let mut chosen: BTreeMap<HoldId, Hold> = BTreeMap::new();
        for id in ids {
            match self.hold_to_admit(reviewer, *id, ids)? {
                Some(hold) => drop(chosen.insert(*id, hold)),
                None => return Ok(Review::Unknown(*id)),
            }
        }
        if ids.is_empty() || ids.len() > DECIDED_MAX {
            return Ok(Review::Invalid);
        }
        let waiting: Vec<Hold> =
            chosen.into_values().filter(|hold| hold.state == HoldState::Waiting).collect();
        for hold in &waiting {
            if self.index().is_gone(hold.document())? {
                return Ok(Review::Gone(hold.id));
            }
        }
        let mut order: Vec<Hold> = Vec::new();
        let mut rest = waiting;
        // Bases before what builds on them; what is left over when nothing moves any more builds on something that is not admitted.
        loop {
            let (ready, later): (Vec<_>, Vec<_>) = {
                let mut ready = Vec::new();
                let mut later = Vec::new();
                for hold in rest {
                    if self.missing_bases(&hold, &order)?.is_empty() {
                        ready.push(hold)
                    } else {
                        later.push(hold)
                    }
                }
                (ready, later)
            };
            let stuck = ready.is_empty();
            order.extend(ready);
            rest = later;
            if rest.is_empty() || stuck {
                break;
            }
        }
        if let Some(hold) = rest.first() {
            return Ok(Review::BuildsOn { hold: hold.id, bases: self.missing_bases(hold, &order)? });
        }
        for hold in &order {
            if let Some(fault) = self.uncorrected(hold, &order)? {
                return Ok(Review::NeedsCorrection { hold: hold.id, fault });
            }
        }
        for hold in order.iter().filter(|hold| hold.author == reviewer) {
            if !self.is_needed(hold, &order)? {
                return Ok(Review::Unknown(hold.id));
            }
        }
        for hold in &order {
            // It may have come in with one before it.
            if self.index().hold(hold.id)?.is_some_and(|now| now.state == HoldState::Waiting) {
                self.issue_hold(&hold.name, hold, Some(reviewer))?;
                let keys: Vec<SlotKey> = hold.slots.iter().map(|slot| slot.key).collect();
                self.release(hold.document(), &hold.name, &keys)?;
            }
        }
        self.states(ids)
    }

    /// Declines holds, with a reason that their authors read; what builds on them goes along.
    ///
    /// # Errors
    /// As [`Desk::admit`].
    pub fn decline(&mut self, reviewer: PersonId, ids: &[HoldId], reason: &str) -> Result<Review, DeskError> {
        if ids.is_empty()
            || ids.len() > DECIDED_MAX
            || reason.trim().is_empty()
            || reason.chars().count() > REASON_CHARS_MAX
        {
            return Ok(Review::Invalid);
        }
        for id in ids {
            if self.hold_for(reviewer, *id)?.is_none() {
                return Ok(Review::Unknown(*id));
            }
        }
        let along = HoldState::Declined { by: None, reason: reason.to_owned() };
        for id in ids {
            let Some(hold) = self.index().hold(*id)?.filter(|hold| hold.state == HoldState::Waiting) else {
                continue;
            };
            self.set_hold_state(
                &hold,
                HoldState::Declined { by: Some(reviewer), reason: reason.to_owned() },
            )?;
            self.take_along(hold.document(), &hold.slots, &along)?;
        }
        self.states(ids)
    }

    /// Takes back a hold, for its author. What was decided first stands.
    ///
    /// # Errors
    /// [`DeskError`]; the desk is to be thrown away then.
    pub fn withdraw(&mut self, author: PersonId, id: HoldId) -> Result<(), DeskError> {
        let Some(hold) = self.index().hold(id)?.filter(|hold| hold.author == author) else { return Ok(()) };
        if hold.state == HoldState::Waiting {
            self.set_hold_state(&hold, HoldState::Withdrawn)?;
            self.take_along(hold.document(), &hold.slots, &HoldState::Withdrawn)
        } else {
            // The author is told once more how it stands; the tablet asked because it did not know.
            let to = vec![author];
            self.emit(super::entry::LogEntry::HoldState { hold: id, state: hold.state, to })?;
            Ok(())
        }
    }

    fn hold_for(&self, reviewer: PersonId, id: HoldId) -> Result<Option<Hold>, DeskError> {
        let Some(hold) = self.index().hold(id)? else { return Ok(None) };
        Ok(self.reviews(reviewer, &hold)?.then_some(hold))
    }

    /// As [`Self::hold_for`], and the reviewer's own edits of what needs correction and is admitted with them, each with a reason.
    fn hold_to_admit(
        &self,
        reviewer: PersonId,
        id: HoldId,
        ids: &[HoldId],
    ) -> Result<Option<Hold>, DeskError> {
        let Some(hold) = self.index().hold(id)? else { return Ok(None) };
        if hold.author != reviewer {
            return self.hold_for(reviewer, id);
        }
        let roles = self.roles_on(reviewer, hold.name.subject, self.today())?;
        let reads =
            may_read(self.policy(), &hold.name, reviewer, &roles) || self.coordinates(reviewer, &hold)?;
        let reasoned = |slot: &Slot| {
            let reason = slot.leaf("reason").and_then(Value::as_text);
            slot.container == RecordKind::Edit.container()
                && reason.is_some_and(|reason| !reason.trim().is_empty())
        };
        if !reads || !hold.slots.iter().all(reasoned) {
            return Ok(None);
        }
        for base in ids {
            let Some(base) = self.hold_for(reviewer, *base)? else { continue };
            if self.corrects(&hold, &base) {
                return Ok(Some(hold));
            }
        }
        Ok(None)
    }

    /// Returns whether all edits of a hold are about what another one makes, in which a value is wrong.
    fn corrects(&self, edits: &Hold, base: &Hold) -> bool {
        let made = |key: &SlotKey| base.slots.iter().any(|slot| slot.key == *key);
        base.fault.is_some()
            && base.document() == edits.document()
            && edits.slots.iter().all(|edit| policy::builds_on(edit).iter().any(made))
    }

    /// Returns whether something that is admitted with these edits would be wrong without them: a reviewer's own are let in for nothing
    /// else.
    fn is_needed(&self, edits: &Hold, order: &[Hold]) -> Result<bool, DeskError> {
        let others: Vec<Hold> = order.iter().filter(|hold| hold.id != edits.id).cloned().collect();
        for base in others.iter().filter(|base| self.corrects(edits, base)) {
            if self.uncorrected(base, &others)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn states(&self, ids: &[HoldId]) -> Result<Review, DeskError> {
        let mut states = Vec::new();
        for id in ids {
            states.extend(self.index().hold(*id)?.map(|hold| (*id, hold.state)));
        }
        Ok(Review::Decided(states))
    }

    fn missing_bases(&self, hold: &Hold, with: &[Hold]) -> Result<Vec<SlotKey>, DeskError> {
        let (index, document) = (self.index(), hold.document());
        let made = |key: &SlotKey| {
            let mut makers = with.iter().chain([hold]).filter(|maker| maker.document() == document);
            makers.any(|maker| maker.slots.iter().any(|slot| slot.key == *key))
        };
        let mut missing = Vec::new();
        for base in hold.slots.iter().flat_map(policy::builds_on) {
            if index.slot(document, &base)?.is_none() && !made(&base) {
                missing.push(base);
            }
        }
        Ok(missing)
    }

    /// Returns which value of a hold is still wrong when the edits of it that are admitted with it, or wait for nothing but it, are made.
    fn uncorrected(&self, hold: &Hold, with: &[Hold]) -> Result<Option<String>, DeskError> {
        if hold.fault.is_none() {
            return Ok(None);
        }
        let document = hold.document();
        for slot in &hold.slots {
            let Some(kind) = RecordKind::of_container(&slot.container) else { return Ok(hold.fault.clone()) };
            let released = self.index().on_top(document, &slot.key)?.into_iter();
            let released = released.filter(|top| top.only_on_top && top.state == HoldState::Waiting);
            let mut corrected = slot.clone();
            for edit in released.chain(with.iter().cloned()).flat_map(|top| top.slots) {
                apply_edit(&mut corrected, &edit);
            }
            if let Err(fault) = check_record(kind, &corrected) {
                return Ok(Some(fault.to_string()));
            }
        }
        // The record is right, but an edit of it may be what was wrong: such a one is admitted only with one that replaces it.
        let edits_are_wrong = hold.slots.iter().all(|slot| slot.container == RecordKind::Edit.container());
        for slot in hold.slots.iter().filter(|_| edits_are_wrong) {
            if !self.replaced(hold, slot, with)? {
                return Ok(hold.fault.clone());
            }
        }
        Ok(None)
    }

    fn replaced(&self, hold: &Hold, edit: &Slot, with: &[Hold]) -> Result<bool, DeskError> {
        let text = edit.key.to_string();
        let replaces = |slot: &Slot| {
            slot.leaf("replaces").and_then(Value::as_map).is_some_and(|map| map.contains_key(&text))
        };
        let on_top = self.index().on_top(hold.document(), &edit.key)?;
        let mut tops = on_top.iter().filter(|top| top.only_on_top).chain(with);
        Ok(tops.any(|top| top.slots.iter().any(replaces)))
    }
}

/// Sets the leaf that an edit names, if it names this record.
fn apply_edit(record: &mut Slot, edit: &Slot) {
    let text = |path: &str| edit.leaf(path).and_then(Value::as_text);
    let (Some(target), Some(field), Some(value)) = (text("target"), text("field"), edit.leaf("value")) else {
        return;
    };
    if edit.container != RecordKind::Edit.container() || target != record.key.to_string() {
        return;
    }
    let mut steps: Vec<&str> = field.split('.').collect();
    let Some(last) = steps.pop() else { return };
    let mut at = &mut record.fields;
    for step in steps {
        match at.get_mut(step) {
            Some(Value::Map(inner)) => at = inner,
            Some(Value::Flag(_) | Value::Int(_) | Value::Text(_)) | None => return,
        }
    }
    if field != crate::document::schema::VOID {
        at.insert(last.to_owned(), value.clone());
    }
}
