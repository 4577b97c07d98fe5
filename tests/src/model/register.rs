//! What stands in one field: the values that no edit of that field has taken the place of.

use std::collections::{BTreeMap, BTreeSet};

use super::Edit;

/// Returns the values that stand, by the ids of those who said them. The first value has the record's own id and is written as "first".
///
/// An edit from which one can come back to itself takes the place of nothing.
pub fn values(target: &str, edits: &BTreeMap<String, Edit>) -> BTreeMap<String, String> {
    let counted = edits.iter().filter(|(id, _)| !comes_back(id, edits));
    let replaced: BTreeSet<&String> = counted.flat_map(|(_, edit)| &edit.replaces).collect();
    let first = (target.to_owned(), "first".to_owned());
    let later = edits.iter().map(|(id, edit)| (id.clone(), edit.value.clone()));
    std::iter::once(first).chain(later).filter(|(id, _)| !replaced.contains(id)).collect()
}

fn comes_back(id: &String, edits: &BTreeMap<String, Edit>) -> bool {
    let mut seen = BTreeSet::new();
    let mut next: Vec<&String> = edits[id].replaces.iter().collect();
    while let Some(at) = next.pop() {
        if at == id {
            return true;
        }
        if seen.insert(at) {
            next.extend(edits.get(at).into_iter().flat_map(|edit| &edit.replaces));
        }
    }
    false
}
