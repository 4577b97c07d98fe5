//! Holds: what may be held, who may decide, and which of them must not wait any longer.

use std::collections::BTreeSet;

use sync_core::ids::{HoldId, PersonId};

use super::rights::{self, Place};
use super::{Act, Hold, Model, Said, Verdict, Wrong, bare};

impl Model {
    /// Is shown a hold that was made, or made again.
    ///
    /// # Errors
    /// A hold of what stands, or of a decided one.
    pub fn was_held(&mut self, hold: Hold) -> Result<(), Wrong> {
        let Hold { id, document, ref slots, .. } = hold;
        if self.holds.get(&id).is_some_and(|hold| hold.verdict != Verdict::Waiting) {
            return Err(format!("the decided hold {id} was held again"));
        }
        if let Some(slot) = slots.iter().find(|slot| self.said(document, slot)) {
            return Err(format!("{} is held, and stands", slot.key));
        }
        if let Some(slot) = slots.iter().find(|slot| hold.recovered && !self.ever_stood(document, slot)) {
            return Err(format!("{} is recovered, and never stood", slot.key));
        }
        for slot in slots {
            let place = (document, slot.key.clone());
            self.held.entry(place).or_default().insert(slot.content.clone());
        }
        self.holds.insert(id, hold);
        Ok(())
    }

    /// Is shown what a hold became.
    ///
    /// # Errors
    /// A second decision, one by somebody without the right, an admission that nobody may have made.
    pub fn was_decided(&mut self, id: HoldId, verdict: Verdict, day: i64) -> Result<(), Wrong> {
        let Some(hold) = self.holds.get(&id).cloned() else { return Err(format!("no hold {id} was made")) };
        if hold.verdict == verdict {
            return Ok(());
        }
        if hold.verdict != Verdict::Waiting {
            return Err(format!("hold {id} was decided twice: {:?}, then {verdict:?}", hold.verdict));
        }
        match &verdict {
            Verdict::Admitted(Some(by)) | Verdict::Closed(Some(by)) => {
                let coordinates = self.coordinates(*by);
                let other = *by != hold.author || self.corrects(&hold, *by);
                if !other || !(self.reads(*by, hold.document, day) || coordinates) {
                    return Err(format!("hold {id} was decided by somebody who may not"));
                }
            }
            Verdict::Admitted(None) => {
                // It came in by itself: then it must have waited for nothing but what it built on, or have stood before.
                for slot in hold.slots.iter().filter(|slot| !self.ever_stood(hold.document, slot)) {
                    let mut acts = self.candidates(hold.document, &slot.key);
                    if !acts.any(|act| act.author == hold.author && self.lacks(act, day).is_none()) {
                        return Err(format!("hold {id} came in by itself, without the right"));
                    }
                }
            }
            Verdict::Waiting | Verdict::Closed(None) => {}
        }
        if matches!(verdict, Verdict::Admitted(_))
            && let Some(slot) = hold.slots.iter().find(|slot| !self.said(hold.document, slot))
        {
            return Err(format!("hold {id} was admitted, and {} does not stand", slot.key));
        }
        self.holds.insert(id, Hold { verdict, ..hold });
        Ok(())
    }

    /// Returns whether somebody may review a hold on a day: who reads the document, is not the author, and is the case manager or has
    /// the right that the act lacked. What its author did for the own record the reviewer would do for the reviewer's own.
    pub fn reviews(&self, person: PersonId, id: HoldId, day: i64) -> bool {
        let Some(hold) = self.holds.get(&id) else { return false };
        let Some(document) = self.documents.get(&hold.document) else { return false };
        if person == hold.author || !self.reads(person, hold.document, day) {
            return false;
        }
        let places = self.places(person, document.student, day);
        if places.contains(&Place::CaseManager) {
            return true;
        }
        let kind = if document.kind == rights::Kind::Own { rights::Kind::Log } else { document.kind };
        let could = |act: &Act| {
            let mut target = act.deed.target().map(|key| self.target(act.document, key));
            if let Some(Some(target)) = &mut target
                && target.owner == hold.author
            {
                target.owner = person;
            }
            rights::may(kind, false, &places, person, &act.deed, target.as_ref())
        };
        let says = |act: &&Act, said: &Said| act.slots.iter().any(|slot| slot == said);
        hold.slots.iter().all(|slot| {
            let mut acts = self.candidates(hold.document, &slot.key);
            acts.any(|act| act.author == hold.author && says(&act, slot) && could(act))
        })
    }

    /// Returns the holds that wait only because the model has seen nobody decide.
    pub fn waiting(&self) -> impl Iterator<Item = (HoldId, PersonId)> {
        let waits = |hold: &&Hold| hold.verdict == Verdict::Waiting;
        self.holds.iter().filter(move |(_, hold)| waits(hold)).map(|(id, hold)| (*id, hold.author))
    }

    /// Returns the verdict on a hold.
    pub fn verdict(&self, id: HoldId) -> Option<&Verdict> {
        self.holds.get(&id).map(|hold| &hold.verdict)
    }

    /// Returns whether all that a hold builds on is here, standing or held.
    pub fn knows_bases(&self, id: HoldId) -> bool {
        let Some(hold) = self.holds.get(&id) else { return false };
        let acts = hold.slots.iter().flat_map(|slot| self.candidates(hold.document, &slot.key));
        acts.flat_map(|act| &act.bases).all(|base| {
            let place = (hold.document, bare(base).to_owned());
            self.stands(hold.document, base).is_some() || self.held.contains_key(&place)
        })
    }

    /// Checks that nothing waits only for what stands.
    ///
    /// # Errors
    /// The first hold that should have come in.
    pub fn nothing_is_stuck(&self, only_on_top: &BTreeSet<HoldId>) -> Result<(), Wrong> {
        for id in only_on_top {
            let Some(hold) = self.holds.get(id).filter(|hold| hold.verdict == Verdict::Waiting) else {
                continue;
            };
            let own: BTreeSet<&String> = hold.slots.iter().map(|slot| &slot.key).collect();
            let acts = hold.slots.iter().flat_map(|slot| self.candidates(hold.document, &slot.key));
            let open = acts
                .flat_map(|act| &act.bases)
                .any(|base| !own.contains(base) && self.stands(hold.document, base).is_none());
            if !open {
                return Err(format!("hold {id} waits for nothing"));
            }
        }
        Ok(())
    }

    /// Returns whether a hold is somebody's own correction of a wrong value that the same person has just admitted.
    fn corrects(&self, hold: &Hold, by: PersonId) -> bool {
        let wrong = |key: &String| {
            let mut acts = self.candidates(hold.document, key);
            acts.any(|act| act.bad && act.author != by) && self.stands(hold.document, key).is_some()
        };
        hold.slots.iter().all(|slot| {
            let mut acts = self.candidates(hold.document, &slot.key);
            acts.any(|act| act.edit.is_some() && act.bases.iter().any(wrong))
        })
    }

    fn coordinates(&self, person: PersonId) -> bool {
        self.grants.values().any(|grant| grant.person == person && grant.place == Place::Coordinator)
    }
}
