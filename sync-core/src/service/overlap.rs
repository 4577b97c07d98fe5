//! Sessions of one line that share time: perhaps one session, logged twice.

use std::collections::BTreeSet;

use super::make_up::Counted;

/// Returns the sessions that share time with another one.
pub(super) fn overlapping<Id: Ord + Clone>(sessions: &[Counted<'_, Id>]) -> BTreeSet<Id> {
    let mut spans: Vec<(i64, i64, &Id)> = Vec::new();
    for counted in sessions {
        let of_session = counted.session.segments.iter().map(|segment| segment.span());
        spans.extend(
            of_session.filter(|(start, end)| start < end).map(|(from, to)| (from, to, &counted.session.id)),
        );
    }
    spans.sort_unstable();
    let mut found = BTreeSet::new();
    // It is enough to look at the span that reaches furthest so far: whatever else is still open shares time with
    // that one and was found when the later of the two began.
    let mut furthest: Option<(i64, &Id)> = None;
    for (start, end, id) in spans {
        if let Some((reach, holder)) = furthest
            && start < reach
            && holder != id
        {
            found.extend([holder.clone(), id.clone()]);
        }
        if furthest.is_none_or(|(reach, _)| reach < end) {
            furthest = Some((end, id));
        }
    }
    found
}
