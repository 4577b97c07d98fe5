//! What stands: what may come to stand and on what, and what a document says in the end.

use std::collections::{BTreeMap, BTreeSet};

use sync_core::ids::DocumentId;

use super::words::Standing;
use super::{Act, Model, Said, Way, Wrong, bare, register};

impl Model {
    /// Is shown what came to stand with one entry of the log.
    ///
    /// # Errors
    /// What must not stand.
    pub fn came_to_stand(
        &mut self,
        seq: u64,
        day: i64,
        document: DocumentId,
        slots: &[Said],
        way: &Way,
    ) -> Result<(), Wrong> {
        for slot in slots {
            let place = (document, slot.key.clone());
            if self.standing.contains_key(&place) {
                return Err(format!("{} stands already and came again at {seq}", slot.key));
            }
            let late = !self.candidates(document, &slot.key).any(|act| self.reads(act.author, document, day));
            let standing = Standing { content: slot.content.clone(), seq, late };
            if *way == Way::Renewed && self.anew.remove(&place).as_ref() != Some(&slot.content) {
                return Err(format!("{} is said again at {seq}, and did not stand", slot.key));
            }
            if *way == Way::Again && !self.ever_stood(document, slot) {
                return Err(format!("{} stands again at {seq}, and never stood", slot.key));
            }
            self.standing.insert(place, standing);
            self.ever.insert((document, bare(&slot.key).to_owned(), slot.content.clone()));
        }
        for slot in slots {
            let makes = |act: &&Act| {
                act.slots.iter().any(|made| made.key == bare(&slot.key) && made.content == slot.content)
            };
            let made: Vec<&Act> = self.candidates(document, &slot.key).filter(makes).collect();
            if made.is_empty() {
                return Err(format!("{} stands at {seq}, and nobody made it so", slot.key));
            }
            if *way == Way::Renewed {
                continue;
            }
            let twin = slot.key != bare(&slot.key);
            if twin && (*way == Way::Straight || self.stands(document, bare(&slot.key)).is_none()) {
                return Err(format!("{} stands as a twin of nothing", slot.key));
            }
            if *way == Way::Straight && !made.iter().any(|act| self.lacks(act, day).is_none()) {
                let why: Vec<_> = made.iter().map(|act| (self.lacks(act, day), &act.deed)).collect();
                return Err(format!("{} stands at {seq} in spite of {why:?}", slot.key));
            }
            for base in made.iter().flat_map(|act| &act.bases) {
                if self.stands(document, base).is_none() {
                    return Err(format!("{} stands at {seq} on {base}, which does not", slot.key));
                }
            }
        }
        Ok(())
    }

    /// Is shown that a document begins a new life without some records.
    pub fn begins_anew(&mut self, document: DocumentId, without: &BTreeSet<String>) {
        let all: Vec<_> = self.standing.keys().filter(|(of, _)| *of == document).cloned().collect();
        for place in all {
            if let Some(standing) = self.standing.remove(&place).filter(|_| !without.contains(&place.1)) {
                self.anew.insert(place, standing.content);
            }
        }
    }

    /// Checks that all of a document was said again in its new life.
    ///
    /// # Errors
    /// The first record that was not.
    pub fn nothing_is_missing(&self) -> Result<(), Wrong> {
        match self.anew.keys().next() {
            Some((document, key)) => Err(format!("{key} of {document} was not said again")),
            None => Ok(()),
        }
    }

    /// Checks that the server's document says what the model saw come to stand, and nothing else.
    ///
    /// # Errors
    /// The first difference.
    pub fn document_is(&self, document: DocumentId, slots: &[Said]) -> Result<(), Wrong> {
        let from = (document, String::new());
        let mine = self.standing.range(from..).take_while(|((of, _), _)| *of == document);
        let mine: BTreeMap<&str, &Vec<u8>> =
            mine.map(|((_, key), standing)| (key.as_str(), &standing.content)).collect();
        let theirs: BTreeMap<&str, &Vec<u8>> =
            slots.iter().map(|slot| (slot.key.as_str(), &slot.content)).collect();
        if mine == theirs { Ok(()) } else { Err(format!("{document} says something else than was let in")) }
    }

    /// Returns the values that stand in a field of a record, by their ids.
    pub fn values(&self, document: DocumentId, target: &str, field: &str) -> BTreeMap<String, String> {
        let of = |act: &&Act| {
            act.document == document
                && act.edit.as_ref().is_some_and(|edit| edit.target == target && edit.field == field)
        };
        let mut edits = BTreeMap::new();
        for act in self.acts.iter().filter(of) {
            for (slot, edit) in act.slots.iter().zip(&act.edit) {
                let from = (document, slot.key.clone());
                let under = self
                    .standing
                    .range(from..)
                    .take_while(|((of, key), _)| *of == document && bare(key) == slot.key);
                for ((_, key), standing) in under {
                    if standing.content == slot.content {
                        edits.insert(key.clone(), edit.clone());
                    }
                }
            }
        }
        register::values(target, &edits)
    }

    /// Returns the goals that stand, by document and key.
    pub fn goals(&self) -> Vec<(DocumentId, String)> {
        let goal = |(document, key): &&(DocumentId, String)| {
            self.candidates(*document, key).any(|act| act.discipline.is_some())
        };
        self.standing.keys().filter(goal).cloned().collect()
    }

    /// Returns whether a record that stands came from somebody who could read nothing there that day.
    pub fn came_late(&self, document: DocumentId, key: &str) -> Option<bool> {
        self.stands(document, key).map(|standing| standing.late)
    }

    pub(super) fn stands(&self, document: DocumentId, key: &str) -> Option<&Standing> {
        self.standing.get(&(document, key.to_owned()))
    }

    /// Returns whether exactly this stands, under its own key or as a twin.
    pub(super) fn said(&self, document: DocumentId, slot: &Said) -> bool {
        let from = (document, slot.key.clone());
        let mut under =
            self.standing.range(from..).take_while(|((of, key), _)| *of == document && bare(key) == slot.key);
        under.any(|(_, standing)| standing.content == slot.content)
    }

    pub(super) fn ever_stood(&self, document: DocumentId, slot: &Said) -> bool {
        self.ever.contains(&(document, bare(&slot.key).to_owned(), slot.content.clone()))
    }
}
