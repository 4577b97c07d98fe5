//! Fates: what the server may tell the author of an act, and that in the end each act has come to something.

use std::collections::BTreeSet;

use sync_core::ids::{ActId, DocumentId};

use super::rights::{self, Rules};
use super::{Act, Fate, Grant, Hold, Model, Said, Wrong};

impl Model {
    /// Is shown the fate that the server gave to an act. `first` is the first place in the log of what was decided with it.
    ///
    /// # Errors
    /// A fate that nothing justifies.
    pub fn was_told(
        &mut self,
        day: i64,
        first: u64,
        document: DocumentId,
        act: ActId,
        fate: &Fate,
    ) -> Result<(), Wrong> {
        let mut why = format!("{act} of nobody");
        let numbers: Vec<usize> = (0..self.acts.len())
            .filter(|at| self.acts[*at].id == act && self.acts[*at].document == document)
            .collect();
        // What an attacker sends need not be an act at all; nobody is missing anything where it is refused.
        if numbers.is_empty() && *fate == Fate::Refused {
            return Ok(());
        }
        for at in numbers {
            match self.judged(day, first, &self.acts[at], fate) {
                Ok(()) => {
                    if *fate == Fate::Refused {
                        self.refused.insert((document, act));
                    }
                    return Ok(());
                }
                Err(wrong) => why = format!("{wrong} ({:?})", self.acts[at].deed),
            }
        }
        Err(format!("{fate:?} is no fate for {why}"))
    }

    /// Checks that no act is lost: each stands, is held, was refused, or is still on a tablet.
    ///
    /// # Errors
    /// The first that is nowhere.
    pub fn nothing_is_lost(&self, on_tablets: &BTreeSet<(DocumentId, ActId)>) -> Result<(), Wrong> {
        for act in self.acts.iter().filter(|act| act.kept) {
            let place = (act.document, act.id);
            if on_tablets.contains(&place) || self.refused.contains(&place) {
                continue;
            }
            for slot in &act.slots {
                let held = self.held.get(&(act.document, slot.key.clone()));
                if !self.said(act.document, slot) && !held.is_some_and(|held| held.contains(&slot.content)) {
                    return Err(format!("{} of {:?} is nowhere", slot.key, act.deed));
                }
            }
        }
        Ok(())
    }

    fn judged(&self, day: i64, first: u64, act: &Act, fate: &Fate) -> Result<(), Wrong> {
        let (document, lacks) = (act.document, self.lacks(act, day));
        match fate {
            Fate::Stored => match act.slots.iter().find(|slot| !self.said(document, slot)) {
                Some(slot) => Err(format!("{}, which does not stand", slot.key)),
                None => Ok(()),
            },
            Fate::Refused if act.kept && self.ever_given(act) => Err("an honest act".into()),
            Fate::Refused => Ok(()),
            Fate::Held { waiting: false, .. } => Ok(()),
            Fate::Held { reason, .. } => {
                let other = |slot: &Said| {
                    self.stands(document, &slot.key).is_some_and(|stands| stands.content != slot.content)
                };
                let reason = reason.as_str();
                if act.slots.iter().any(other) && reason == "twin" {
                    return Ok(());
                }
                // What is left of an act of which something is held goes the way of that; a resend is answered as it was first.
                let before = |slot: &Said| {
                    let held = self.held.get(&(document, slot.key.clone()));
                    held.is_some_and(|held| held.contains(&slot.content))
                };
                let missing = |base: &&String| {
                    let stands = self.stands(document, base.as_str());
                    stands.is_none_or(|stands| stands.seq >= first)
                };
                let on_top = act.bases.iter().any(|base| missing(&base));
                match lacks {
                    Some(reasons) if reasons.contains(&reason) => Ok(()),
                    None if reason == "on_top" && on_top => Ok(()),
                    // It was held before, for a reason that may have passed since.
                    _ if act.slots.iter().any(before) && self.old_news(act) => Ok(()),
                    // A target that is not known here has no owner and no discipline to go by.
                    Some(_) if reason == "on_top" && on_top => Ok(()),
                    lacks => Err(format!("an act that lacks {lacks:?}, on top: {on_top}")),
                }
            }
        }
    }

    fn old_news(&self, act: &Act) -> bool {
        let same = |hold: &Hold| {
            hold.document == act.document
                && hold.slots.iter().any(|held| act.slots.iter().any(|slot| slot.key == held.key))
        };
        self.holds.values().any(same)
    }

    /// Returns whether the act's document was ever given to its author, by whatever rules.
    fn ever_given(&self, act: &Act) -> bool {
        let Some(document) = self.documents.get(&act.document) else { return false };
        let given = |grant: &Grant| {
            let place = BTreeSet::from([grant.place]);
            grant.person == act.author
                && grant.student == document.student
                && [Rules::First, Rules::Second].into_iter().any(|rules| {
                    rights::reads(rules, document.kind, document.member == Some(act.author), &place)
                })
        };
        self.grants.values().any(given)
    }
}
