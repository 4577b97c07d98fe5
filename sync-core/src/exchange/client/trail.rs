//! What a tablet has seen of the log, in few places: by them a server that was restored can tell how much of it the two share.
//!
//! The id of a log and a place in it do not say enough. A folder that was set back in silence goes on under the same id, and where no
//! tablet finds it out in time there are two different entries at one place, one of which a backup has. So what is shared is *proven*: by
//! the log's running hash at a place that the tablet was shown.

use serde::{Deserialize, Serialize};

use crate::exchange::client::state::{Tablet, key, put};
use crate::exchange::message::{Cursor, Place, Receipt, Reply};
use crate::ids::LogId;
use crate::kv::{KvError, Overlay};

/// The life of the log that a tablet was told last, and places of it that it was shown: everything that has a receipt of that life lies at
/// the last of them or before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trail {
    /// Which life.
    pub log: LogId,
    /// The places, the last one at the end; the farther behind it, the fewer.
    pub places: Vec<Place>,
}

impl Trail {
    fn walk(&mut self, place: Place) {
        if self.places.last().is_some_and(|last| last.seq >= place.seq) {
            return;
        }
        let end = place.seq;
        self.places.push(place);
        // Of all at about the same distance from the end the one farthest away stays: as the end moves on, it has others before it.
        let mut taken = None;
        self.places.retain(|place| {
            let distance = (end - place.seq).checked_ilog2();
            let first = taken != Some(distance);
            taken = Some(distance);
            first
        });
    }
}

/// What a tablet knows of the lives of the server's log: how much of what it was told is in the present one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ancestry {
    /// The present log.
    pub log: LogId,
    /// Each life that this tablet was told of before, with the last place of which it is certain that the present one has it, too.
    pub shared: Vec<(LogId, u64)>,
    /// Whether the server waits for an administrator to confirm it: until then it takes nothing new.
    pub waiting: bool,
}

impl Ancestry {
    /// Returns whether what a receipt says still stands in the present log.
    pub fn has(&self, receipt: &Receipt) -> bool {
        let shared = self.shared.iter().find(|(log, _)| *log == receipt.log);
        receipt.log == self.log || shared.is_some_and(|(_, until)| receipt.seq <= *until)
    }

    /// Returns what is known when a new life begins that has what the tablet was told up to `until`.
    fn goes_on_as(known: Option<Self>, trail: Option<&Trail>, log: LogId, until: u64, waiting: bool) -> Self {
        let mut shared = known.map(|known| known.shared).unwrap_or_default();
        shared.iter_mut().for_each(|(_, place)| *place = until.min(*place));
        shared.extend(trail.map(|trail| (trail.log, until)));
        Self { log, shared, waiting }
    }
}

/// Notes the places that a reply shows.
pub(crate) fn walk(sheet: &mut Overlay<'_>, reply: &Reply) -> Result<(), KvError> {
    [&reply.cursor, &reply.mark].into_iter().flatten().try_for_each(|cursor| walk_to(sheet, cursor))
}

/// Notes a place that was shown.
pub(crate) fn walk_to(sheet: &mut Overlay<'_>, cursor: &Cursor) -> Result<(), KvError> {
    // What a life shows that this tablet has not gone over to yet does not belong to what it knows of the other.
    if Tablet(sheet).trail_wanted()? {
        return Ok(());
    }
    let known = Tablet(sheet).trail()?.filter(|trail| trail.log == cursor.log);
    let mut trail = known.unwrap_or(Trail { log: cursor.log, places: Vec::new() });
    trail.walk(Place { seq: cursor.seq, running: cursor.running });
    put(sheet, key::meta("trail"), &trail);
    Ok(())
}

/// Goes over to another life of the log, which has what this tablet was told up to a place.
pub(crate) fn goes_on_as(
    sheet: &mut Overlay<'_>,
    log: LogId,
    until: u64,
    waiting: bool,
) -> Result<Ancestry, KvError> {
    let (known, trail) = (Tablet(sheet).ancestry()?, Tablet(sheet).trail()?);
    let ancestry = Ancestry::goes_on_as(known, trail.as_ref(), log, until, waiting);
    let mut places = trail.map(|trail| trail.places).unwrap_or_default();
    places.retain(|place| place.seq <= until);
    put(sheet, key::meta("trail"), &Trail { log, places });
    put(sheet, key::meta("ancestry"), &ancestry);
    Ok(ancestry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::message::TRAIL_MAX;

    const LOGS: [LogId; 3] = [LogId([1; 16]), LogId([2; 16]), LogId([3; 16])];

    fn place(seq: u64) -> Place {
        Place { seq, running: [0; 8] }
    }

    fn walked(steps: impl Iterator<Item = u64>) -> Vec<u64> {
        let mut trail = Trail { log: LOGS[0], places: Vec::new() };
        steps.for_each(|seq| trail.walk(place(seq)));
        trail.places.iter().map(|place| place.seq).collect()
    }

    #[test]
    fn a_trail_is_short_and_loses_little() {
        for (step, end) in [(1, 3_000), (7, 20_000), (999, 5_000_000)] {
            let places = walked((1..=end / step).map(|at| at * step));
            assert!(places.len() <= TRAIL_MAX && places.is_sorted());
            let (last, first) = (*places.last().unwrap(), places[0]);
            assert_eq!((last, first), (end / step * step, step));
            // Wherever two lives part, a place before that is at most about four times as far from the end, five with what the steps leave.
            for parted in (first..last).step_by(101) {
                let proven = *places.iter().rfind(|seq| **seq <= parted).unwrap();
                assert!(last - proven <= 5 * (last - parted) + step, "{parted} {proven} of {last}");
            }
        }
    }

    #[test]
    fn the_longest_trail_is_within_the_bound() {
        let doubling = (0..64).map(|at| u64::MAX - (u64::MAX >> at));
        let places = walked(doubling.chain([u64::MAX]));
        assert!(places.len() <= TRAIL_MAX, "{}", places.len());
    }

    #[test]
    fn a_place_is_noted_once_and_never_an_earlier_one() {
        assert_eq!(walked([5, 5, 3, 6].into_iter()), [5, 6]);
    }

    #[test]
    fn what_was_lost_once_is_not_believed_again() {
        let trail = |log| Trail { log, places: Vec::new() };
        let monday = Ancestry::goes_on_as(None, Some(&trail(LOGS[0])), LOGS[1], 40, true);
        assert_eq!(monday.shared, [(LOGS[0], 40)]);
        let receipt = |log, seq| Receipt { log, seq, keyed: [0; 16] };
        assert!(monday.has(&receipt(LOGS[0], 40)) && !monday.has(&receipt(LOGS[0], 41)));
        assert!(monday.has(&receipt(LOGS[1], 900)));
        let later = Ancestry::goes_on_as(Some(monday), Some(&trail(LOGS[1])), LOGS[2], 60, true);
        assert_eq!(later.shared, [(LOGS[0], 40), (LOGS[1], 60)]);
        let third = Ancestry::goes_on_as(Some(later), Some(&trail(LOGS[2])), LogId([4; 16]), 30, true);
        assert_eq!(third.shared, [(LOGS[0], 30), (LOGS[1], 30), (LOGS[2], 30)], "all of them come before");
    }
}
