//! Reading a map through an overlay, as if that had been applied.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::store::index::Overlay;
use sync_core::kv::{KvError, KvRead, Pair};

/// Returns the pairs of a map with start <= key < end; none if start is not below end.
pub(crate) fn pairs_within<'a, V>(
    map: &'a BTreeMap<Vec<u8>, V>,
    start: &[u8],
    end: &[u8],
) -> impl DoubleEndedIterator<Item = (&'a Vec<u8>, &'a V)> {
    let bounds = (Bound::Included(start), Bound::Excluded(end));
    // A map panics when asked for a range that ends before it starts.
    (start < end).then(|| map.range::<[u8], _>(bounds)).into_iter().flatten()
}

/// Reads a range through an overlay.
pub(crate) fn merge_range(
    overlay: &Overlay,
    below: &(impl KvRead + ?Sized),
    start: &[u8],
    end: &[u8],
    limit: usize,
) -> Result<Vec<Pair>, KvError> {
    let over: Vec<_> = pairs_within(overlay, start, end).collect();
    // Each overlaid key can hide at most one pair below.
    let mut merged: BTreeMap<_, _> =
        below.range(start, end, limit.saturating_add(over.len()))?.into_iter().collect();
    // A pair beyond what was read below would leave a gap before it, but only where the limit cuts anyway.
    for (key, value) in over {
        match value {
            Some(value) => merged.insert(key.clone(), value.clone()),
            None => merged.remove(key),
        };
    }
    Ok(merged.into_iter().take(limit).collect())
}

/// Reads the last pair of a range through an overlay.
pub(crate) fn merge_last(
    overlay: &Overlay,
    below: &(impl KvRead + ?Sized),
    start: &[u8],
    end: &[u8],
) -> Result<Option<Pair>, KvError> {
    let over =
        pairs_within(overlay, start, end).rev().find_map(|(key, value)| Some((key.clone(), value.clone()?)));
    let mut before = end.to_vec();
    let under = loop {
        match below.last(start, &before)? {
            Some((key, _)) if overlay.contains_key(&key) => before = key,
            other => break other,
        }
    };
    Ok(over.into_iter().chain(under).max_by(|a, b| a.0.cmp(&b.0)))
}
