//! What stands in one field of one record: the first value and the edits that nothing has replaced.
//!
//! ```text
//! record   statement "A"        said by the record itself
//!   ^  ^
//!   |  +-- edit e1  "B"         replaces the record's value
//!   +----- edit e2  "C"         replaces the record's value, made without knowing e1
//!                               e1 and e2 stand, and differ: a conflict, until an edit replaces both
//! ```
//!
//! > The values of a field are those that no edit of the same record and field replaces. An edit that is part of a cycle
//! > replaces nothing.
//!
//! Nothing here goes by time: clocks of tablets are wrong. Where several values stand, one is shown as effective by
//! [`prefer`](super::prefer), and all are kept.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::slot::{SlotKey, Value};
use crate::ids::PersonId;
use crate::seeded::{Bug, seeded};
use crate::time::Moment;

/// One standing value, and who said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The edit, or for the first value the record itself. An edit that resolves names it in `replaces`.
    pub id: SlotKey,
    /// The value. None: the record was made without this field.
    pub value: Option<Value>,
    /// When the author's tablet said it was.
    pub claimed_at: Option<Moment>,
    /// The same, corrected by what the tablet's clock was off: for showing.
    pub at: Option<Moment>,
    /// Whether it came in late, after the end of its author's grant.
    pub late: bool,
    /// Whether the value is one that the field can have. One that is not is shown, and counts as none.
    pub fits: bool,
}

impl Said {
    /// Returns whose value it is.
    pub fn by(&self) -> PersonId {
        self.id.member
    }
}

/// An edit of the field that a register is made for.
#[derive(Debug, Clone)]
pub(super) struct Replacing {
    pub(super) said: Said,
    pub(super) replaces: BTreeSet<SlotKey>,
}

/// The standing values of one field, at least one, in the order of the hashes of their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    standing: Vec<Said>,
    effective: Option<Value>,
    said_again: bool,
}

impl Register {
    /// Makes the register of a field from its first value and all edits of it.
    pub(super) fn new(
        first: Said,
        edits: Vec<Replacing>,
        effective: impl FnOnce(&[Said]) -> Option<Value>,
    ) -> Self {
        let replaced = replaced(&edits);
        let said_again = said_again(&edits, &replaced);
        let said = std::iter::once(first).chain(edits.into_iter().map(|edit| edit.said));
        let mut standing: Vec<Said> = said.filter(|said| !replaced.contains(&said.id)).collect();
        if standing.len() > 1 {
            standing.sort_by_cached_key(|said| (super::prefer::hash_of(&said.id), said.id));
        }
        let effective = effective(&standing);
        Self { standing, effective, said_again }
    }

    /// Returns every standing value.
    pub fn standing(&self) -> &[Said] {
        &self.standing
    }

    /// Returns the value that counts, if one fits.
    pub fn effective(&self) -> Option<&Value> {
        self.effective.as_ref()
    }

    /// Returns whether a value stands that somebody gave in an edit, and somebody who had seen it gave once more.
    pub(super) fn is_said_again(&self) -> bool {
        self.said_again
    }

    /// Returns whether several values stand that differ. Several that are equal are one agreement.
    pub fn differs(&self) -> bool {
        self.standing.windows(2).any(|pair| matches!(pair, [one, other] if one.value != other.value))
    }
}

/// Returns whether an edit stands that replaces another one of the same value.
fn said_again(edits: &[Replacing], replaced: &BTreeSet<SlotKey>) -> bool {
    if edits.len() < 2 {
        return false;
    }
    let values: BTreeMap<SlotKey, &Option<Value>> =
        edits.iter().map(|edit| (edit.said.id, &edit.said.value)).collect();
    let mut standing = edits.iter().filter(|edit| !replaced.contains(&edit.said.id));
    standing.any(|edit| edit.replaces.iter().any(|id| values.get(id) == Some(&&edit.said.value)))
}

/// Returns the ids of the values that edits replace.
fn replaced(edits: &[Replacing]) -> BTreeSet<SlotKey> {
    if seeded(Bug::ReplacesIgnored) {
        return BTreeSet::new();
    }
    if seeded(Bug::UnseenReplaced) {
        let last = edits.iter().map(|edit| edit.said.id).max();
        return edits.iter().map(|edit| edit.said.id).filter(|id| Some(*id) != last).collect();
    }
    let index: BTreeMap<SlotKey, usize> =
        edits.iter().enumerate().map(|(n, edit)| (edit.said.id, n)).collect();
    let edges: Vec<Vec<usize>> = edits
        .iter()
        .map(|edit| edit.replaces.iter().filter_map(|id| index.get(id).copied()).collect())
        .collect();
    let cyclic = on_cycles(&edges);
    let counted = edits.iter().zip(cyclic).filter(|(_, cyclic)| !cyclic);
    counted.flat_map(|(edit, _)| edit.replaces.iter().copied()).collect()
}

/// Returns for each node whether it lies on a cycle: Tarjan's strongly connected components, without recursion, since a
/// chain of edits may be long.
fn on_cycles(edges: &[Vec<usize>]) -> Vec<bool> {
    const UNSEEN: usize = usize::MAX;
    let mut order = vec![UNSEEN; edges.len()];
    let mut low = vec![0; edges.len()];
    let mut open = vec![false; edges.len()];
    let mut cyclic = vec![false; edges.len()];
    let mut stack = Vec::new();
    let mut seen = 0;
    for root in 0..edges.len() {
        let mut path = if order[root] == UNSEEN { vec![(root, 0)] } else { Vec::new() };
        while let Some((node, next)) = path.pop() {
            if next == 0 {
                (order[node], low[node], open[node]) = (seen, seen, true);
                seen += 1;
                stack.push(node);
            } else if let Some(&child) = edges[node].get(next - 1)
                && open[child]
            {
                low[node] = low[node].min(low[child]);
            }
            if let Some(&child) = edges[node].get(next) {
                path.push((node, next + 1));
                if order[child] == UNSEEN {
                    path.push((child, 0));
                }
            } else if low[node] == order[node] {
                let alone = stack.last() == Some(&node) && !edges[node].contains(&node);
                while let Some(member) = stack.pop() {
                    open[member] = false;
                    cyclic[member] = !alone;
                    if member == node {
                        break;
                    }
                }
            }
        }
    }
    cyclic
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_are_found_and_what_hangs_on_them_is_none() {
        // 0 -> 1 -> 2 -> 1, 2 -> 3, 4 -> 4, 5 alone
        let edges = [vec![1], vec![2], vec![1, 3], vec![], vec![4], vec![]];
        assert_eq!(on_cycles(&edges), [false, true, true, false, true, false]);
    }

    #[test]
    fn a_long_chain_is_no_cycle_and_no_deep_stack() {
        let edges: Vec<Vec<usize>> = (0..100_000).map(|n| if n > 0 { vec![n - 1] } else { vec![] }).collect();
        assert!(on_cycles(&edges).iter().all(|cyclic| !cyclic));
    }
}
