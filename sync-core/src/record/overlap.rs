//! Which spans share time, in one pass over them in order.

use super::entry::RecordRef;

/// Returns pairs of records of one group whose spans share time: every record that shares time with any other is in one.
///
/// A span is the group, its first millisecond, the first one after, and the record.
pub(super) fn sharing<G: Ord>(mut spans: Vec<(G, i64, i64, RecordRef)>) -> Vec<(RecordRef, RecordRef)> {
    spans.sort_unstable();
    let mut pairs = Vec::new();
    // It is enough to look at the span that reaches furthest so far: whatever else is still open shares time with that one,
    // and was found when the later of the two began.
    let mut furthest: Option<&(G, i64, i64, RecordRef)> = None;
    for span in &spans {
        let (group, start, end, record) = span;
        let holder = furthest.filter(|(holders, ..)| holders == group);
        if let Some((_, _, reach, other)) = holder
            && start < reach
            && other != record
        {
            pairs.push((*other.min(record), *other.max(record)));
        }
        if holder.is_none_or(|(_, _, reach, _)| reach < end) {
            furthest = Some(span);
        }
    }
    pairs
}
