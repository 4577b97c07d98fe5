//! The end of the log in memory: what came last is what most replies are made of.
//!
//! After a morning's uploads every reply consists of changes that were written a moment ago, each wanted by a few people. Read from the
//! disk, every one of them costs a frame with all that stands beside it. So the last of them are kept here, and of each document that
//! was written in since the start the places of its changes: most documents of most people have nothing new.
//!
//! > It says nothing that is not durable, and it says that nothing is new only where it has heard of everything.
//!
//! It hears of each frame on the writing thread, in the log's order, after the sync. Readers may know of a newer end than it does, for a
//! moment; then, and about everything before its first frame, it is silent, and index and log are asked.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sync_core::exchange::server::entry::LogEntry;
use sync_core::ids::DocumentId;

use crate::store::Appended;

/// Bytes of changes that are kept.
const BYTES_MAX: usize = 8 * 1024 * 1024;
/// Documents whose last change is known: many times what a district writes in between two starts of its server.
const DOCUMENTS_MAX: usize = 65_536;

/// Places of changes that are known, of all documents together.
const PLACES_MAX: usize = 262_144;

/// The end of a log.
pub(super) struct Tail(Mutex<Known>);

struct Known {
    /// Every change behind this place was heard of ...
    from: u64,
    /// ... up to this one.
    until: u64,
    /// The documents that were written in meanwhile.
    documents: BTreeMap<DocumentId, Places>,
    /// How many places that are.
    places: usize,
    /// The last changes, in their order.
    changes: VecDeque<(u64, Vec<u8>)>,
    bytes: usize,
}

/// Where a document was written in.
#[derive(Default)]
struct Places {
    /// The last place.
    last: u64,
    /// The places of all changes.
    changes: Vec<u64>,
    /// Whether something else was written than changes: another life began, or it went.
    anew: bool,
}

impl Known {
    fn at(from: u64, until: u64) -> Self {
        Self { from, until, documents: BTreeMap::new(), places: 0, changes: VecDeque::new(), bytes: 0 }
    }

    /// Whether it is known what was written after `after` and up to `end`.
    fn covers(&self, after: u64, end: u64) -> bool {
        after >= self.from && end <= self.until
    }
}

/// What one frame wrote in documents: how manyeth record, in which document, and the bytes if it is a change.
pub(super) type Written = Vec<(u64, DocumentId, Option<Vec<u8>>)>;

/// Takes out of what was decided what was written in documents: changes, and lives of them that began.
pub(super) fn written(entries: Vec<LogEntry>) -> Written {
    let change = |(at, entry)| match entry {
        LogEntry::Changed { document, change, .. } => Some((at, document, Some(change))),
        LogEntry::Replaced { document, .. } | LogEntry::Gone { document } => Some((at, document, None)),
        LogEntry::Organisation(_)
        | LogEntry::Calendar(_)
        | LogEntry::School(_)
        | LogEntry::Person(_)
        | LogEntry::Student(_)
        | LogEntry::Guardian(_)
        | LogEntry::Grant(_)
        | LogEntry::Day(_)
        | LogEntry::Code { .. }
        | LogEntry::Device { .. }
        | LogEntry::DeviceState { .. }
        | LogEntry::Founded { .. }
        | LogEntry::Held { .. }
        | LogEntry::HoldState { .. }
        | LogEntry::Refused { .. }
        | LogEntry::Begin { .. }
        | LogEntry::Review { .. }
        | LogEntry::End { .. }
        | LogEntry::Fact { .. }
        | LogEntry::Delivered { .. }
        | LogEntry::Imported { .. }
        | LogEntry::Family(_)
        | LogEntry::Restored { .. }
        | LogEntry::Confirmed { .. }
        | LogEntry::Certified { .. }
        | LogEntry::Policy { .. }
        | LogEntry::Audit { .. }
        | LogEntry::Horizon { .. } => None,
    };
    (0..).zip(entries).filter_map(change).collect()
}

impl Tail {
    /// Begins at the log's present end.
    pub(super) fn at(end: u64) -> Self {
        Self(Mutex::new(Known::at(end, end)))
    }

    /// Hears what became durable next.
    pub(super) fn hear(&self, appended: Appended, written: Written) {
        let mut known = self.known();
        let too_much = known.documents.len() > DOCUMENTS_MAX || known.places > PLACES_MAX;
        if appended.first != known.until + 1 || too_much {
            // Something was missed, or too much is known: it begins anew.
            *known = Known::at(appended.first - 1, known.until);
        }
        known.until = appended.last;
        for (at, document, change) in written {
            let seq = appended.first + at;
            known.places += 1;
            let places = known.documents.entry(document).or_default();
            places.last = seq;
            match change {
                Some(change) => {
                    places.changes.push(seq);
                    known.bytes += change.len();
                    known.changes.push_back((seq, change));
                }
                None => places.anew = true,
            }
        }
        while known.bytes > BYTES_MAX
            && let Some((_, change)) = known.changes.pop_front()
        {
            known.bytes -= change.len();
        }
    }

    /// Returns the change that stands at `seq`, if it is among the last.
    pub(super) fn change(&self, seq: u64) -> Option<Vec<u8>> {
        let known = self.known();
        let at = known.changes.binary_search_by_key(&seq, |(at, _)| *at).ok()?;
        known.changes.get(at).map(|(_, change)| change.clone())
    }

    /// Returns whether it is certain that nothing was written in a document after `after` and up to `end`.
    pub(super) fn is_unchanged(&self, document: DocumentId, after: u64, end: u64) -> bool {
        let known = self.known();
        known.covers(after, end) && known.documents.get(&document).is_none_or(|places| places.last <= after)
    }

    /// Returns the places of a document's changes after `after` and up to `end`, if that is certain and nothing else was written in it.
    pub(super) fn changes(&self, document: DocumentId, after: u64, end: u64) -> Option<Vec<u64>> {
        let known = self.known();
        if !known.covers(after, end) {
            return None;
        }
        let Some(places) = known.documents.get(&document) else { return Some(Vec::new()) };
        let from = places.changes.partition_point(|seq| *seq <= after);
        let until = places.changes.partition_point(|seq| *seq <= end);
        if places.anew { None } else { places.changes.get(from..until).map(<[u64]>::to_vec) }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: DocumentId = DocumentId([1; 16]);
    const OTHER: DocumentId = DocumentId([2; 16]);

    fn frame(first: u64, last: u64) -> Appended {
        Appended { first, last }
    }

    #[test]
    fn what_was_written_is_known_and_nothing_else_is_said() {
        let tail = Tail::at(10);
        tail.hear(frame(11, 12), vec![(1, ONE, Some(vec![7]))]);
        assert_eq!((tail.change(11), tail.change(12)), (None, Some(vec![7])));
        assert!(!tail.is_unchanged(ONE, 11, 12) && tail.is_unchanged(ONE, 12, 12));
        assert!(tail.is_unchanged(OTHER, 10, 12));
        assert!(!tail.is_unchanged(OTHER, 9, 12), "what came before the start is not known");
        assert!(!tail.is_unchanged(OTHER, 10, 13), "what came since is not known yet");
    }

    #[test]
    fn changes_are_found_between_two_places() {
        let tail = Tail::at(10);
        tail.hear(frame(11, 13), vec![(0, ONE, Some(vec![7])), (2, ONE, Some(vec![8]))]);
        assert_eq!(tail.changes(ONE, 10, 13), Some(vec![11, 13]));
        assert_eq!((tail.changes(ONE, 11, 13), tail.changes(ONE, 10, 12)), (Some(vec![13]), Some(vec![11])));
        assert_eq!(tail.changes(OTHER, 10, 13), Some(vec![]));
        assert_eq!((tail.changes(ONE, 9, 13), tail.changes(ONE, 10, 14)), (None, None));
        tail.hear(frame(14, 14), vec![(0, ONE, None)]);
        assert_eq!(tail.changes(ONE, 10, 14), None, "another life: its beginning stands among the changes");
    }

    #[test]
    fn a_document_that_began_anew_is_not_unchanged() {
        let tail = Tail::at(10);
        let replaced = LogEntry::Replaced { document: ONE, incarnation: 1, without: Vec::new() };
        tail.hear(frame(11, 11), written(vec![replaced]));
        assert!(!tail.is_unchanged(ONE, 10, 11) && tail.is_unchanged(OTHER, 10, 11));
        assert_eq!(tail.change(11), None, "it is no change: who tells it reads it in the log");
    }

    #[test]
    fn a_frame_that_was_missed_is_not_taken_for_silence() {
        let tail = Tail::at(10);
        tail.hear(frame(11, 11), vec![(0, ONE, Some(vec![7]))]);
        tail.hear(frame(13, 13), Vec::new());
        assert!(!tail.is_unchanged(OTHER, 11, 13), "frame 12 may have been about it");
        assert!(tail.is_unchanged(OTHER, 12, 13));
        assert_eq!(tail.change(11), None);
    }

    #[test]
    fn the_oldest_changes_make_room() {
        let tail = Tail::at(0);
        let half = vec![0; BYTES_MAX / 2];
        (1..=3).for_each(|seq| tail.hear(frame(seq, seq), vec![(0, ONE, Some(half.clone()))]));
        assert_eq!((tail.change(1), tail.change(3)), (None, Some(half)));
        assert!(!tail.is_unchanged(ONE, 0, 3), "that it was written in is still known");
    }

    #[test]
    fn with_too_many_documents_it_begins_anew() {
        let tail = Tail::at(0);
        let documents = 0..=DOCUMENTS_MAX as u64;
        let written = documents.map(|n| (n, DocumentId((u128::from(n) + 9).to_be_bytes()), None));
        let last = DOCUMENTS_MAX as u64 + 1;
        tail.hear(frame(1, last), written.collect());
        assert!(tail.is_unchanged(ONE, 0, last));
        tail.hear(frame(last + 1, last + 1), Vec::new());
        assert!(!tail.is_unchanged(ONE, 0, last + 1) && tail.is_unchanged(ONE, last, last + 1));
    }
}
