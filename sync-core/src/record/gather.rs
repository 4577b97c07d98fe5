//! Brings what stands in a student's documents together, whatever order it came in and however often.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Place;

use crate::document::name::DocumentName;
use crate::document::schema::{RecordKind, steps};
use crate::document::slot::{ContentHash, Slot, SlotKey};
use crate::ids::DocumentId;

/// Slots of one document that the reader has. The same document may come in several sources, such as a tablet's copy
/// and its own acts that are on their way.
#[derive(Debug, Clone)]
pub struct Source<'a, I> {
    /// The document.
    pub name: &'a DocumentName,
    /// What stands in it, in any order.
    pub slots: I,
}

/// The slots of one document, each once.
pub(super) struct Document<'a> {
    pub(super) name: &'a DocumentName,
    pub(super) id: DocumentId,
    pub(super) slots: BTreeMap<(&'a str, SlotKey), Cow<'a, Slot>>,
    /// Slots whose key already stood here with another content.
    clashes: BTreeMap<(&'a str, SlotKey), Vec<&'a Slot>>,
}

/// Returns the documents by name, with every slot of them once.
pub(super) fn gather<'a, I: IntoIterator<Item = &'a Slot>>(
    sources: impl IntoIterator<Item = Source<'a, I>>,
) -> Vec<Document<'a>> {
    let mut documents: BTreeMap<&DocumentName, Document<'a>> = BTreeMap::new();
    for source in sources {
        let document = documents.entry(source.name).or_insert_with(|| Document::empty(source.name));
        source.slots.into_iter().for_each(|slot| document.take(slot));
    }
    documents.into_values().map(Document::tell_twins_apart).collect()
}

impl<'a> Document<'a> {
    fn empty(name: &'a DocumentName) -> Self {
        Self { name, id: name.id(), slots: BTreeMap::new(), clashes: BTreeMap::new() }
    }

    fn take(&mut self, slot: &'a Slot) {
        let place = (slot.container.as_str(), slot.key);
        match self.slots.entry(place) {
            Place::Vacant(free) => drop(free.insert(Cow::Borrowed(slot))),
            Place::Occupied(stands) if stands.get().fields == slot.fields => {}
            Place::Occupied(_) => self.clashes.entry(place).or_default().push(slot),
        }
    }

    /// Gives one content of each doubtful key the key itself and the others their twins' keys.
    ///
    /// No document holds a key twice; a tablet's own act may, until the server has answered it. Which one keeps the key
    /// must not depend on which came first, so it is the one with the lower content hash.
    fn tell_twins_apart(mut self) -> Self {
        for ((container, key), others) in std::mem::take(&mut self.clashes) {
            let Some(first) = self.slots.remove(&(container, key)) else { continue };
            let mut contents: BTreeMap<ContentHash, Cow<'a, Slot>> = BTreeMap::new();
            for slot in std::iter::once(first).chain(others.into_iter().map(Cow::Borrowed)) {
                match contents.entry(slot.content_hash()) {
                    Place::Vacant(free) => drop(free.insert(slot)),
                    // Equal content, said at two times: one of them, always the same.
                    Place::Occupied(mut stands) if slot.fields < stands.get().fields => {
                        stands.insert(slot);
                    }
                    Place::Occupied(_) => {}
                }
            }
            let twin_of = |hash| SlotKey { twin: Some(hash), ..key };
            // What was admitted as a twin stands under that key already.
            let admitted = |hash: &ContentHash| self.slots.contains_key(&(container, twin_of(*hash)));
            let keeper = contents.keys().find(|hash| !admitted(hash)).or(contents.keys().next()).copied();
            for (hash, slot) in contents {
                if Some(hash) == keeper {
                    self.slots.insert((container, key), slot);
                } else {
                    let twin = || Cow::Owned(Slot { key: twin_of(hash), ..slot.into_owned() });
                    self.slots.entry((container, twin_of(hash))).or_insert_with(twin);
                }
            }
        }
        self
    }

    /// Returns the kind of the records in a container, none where this version knows no such container here.
    pub(super) fn kind_of(&self, container: &str) -> Option<RecordKind> {
        let founded = steps(self.name.kind).iter().any(|step| step.contains(&container));
        if founded { RecordKind::of_container(container) } else { None }
    }
}
