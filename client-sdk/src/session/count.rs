//! What the events of a live session come to.

use std::collections::BTreeMap;

use sync_core::document::slot::SlotKey;
use sync_core::ids::StudentId;

use super::live::{Event, Trial};

/// What was counted for one goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Times seen.
    Times(u64),
    /// Tries, and those that were right.
    Tries {
        /// Right ones.
        correct: u64,
        /// All of them.
        of: u64,
    },
}

impl Counted {
    /// Returns how many events that is.
    pub fn n(self) -> u64 {
        match self {
            Self::Times(n) | Self::Tries { of: n, .. } => n,
        }
    }
}

/// One student's count for one goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Who.
    pub student: StudentId,
    /// Which goal.
    pub goal: SlotKey,
    /// What was counted.
    pub counted: Counted,
}

/// Returns the events that count: an undo takes the last one before it that did.
fn standing(events: &[Event]) -> Vec<&Event> {
    let mut standing = Vec::new();
    for event in events {
        match event {
            Event::Tap { .. } | Event::Trial { .. } => standing.push(event),
            Event::Undo => drop(standing.pop()),
        }
    }
    standing
}

/// Returns what events come to, by student and goal. A goal of which everything was undone has no count; one at which both taps and tries were
/// counted has two.
pub fn counts(events: &[Event]) -> Vec<Tally> {
    let mut times: BTreeMap<(StudentId, SlotKey), u64> = BTreeMap::new();
    let mut tries: BTreeMap<(StudentId, SlotKey), (u64, u64)> = BTreeMap::new();
    for event in standing(events) {
        match event {
            Event::Tap { student, goal, n } => {
                *times.entry((*student, *goal)).or_default() += u64::from(*n);
            }
            Event::Trial { student, goal, trial } => {
                let (correct, of) = tries.entry((*student, *goal)).or_default();
                *of += 1;
                *correct += u64::from(*trial == Trial::Correct);
            }
            Event::Undo => {}
        }
    }
    let times = times.into_iter().map(|(whose, n)| (whose, Counted::Times(n)));
    let tries = tries.into_iter().map(|(whose, (correct, of))| (whose, Counted::Tries { correct, of }));
    let tally = |((student, goal), counted)| Tally { student, goal, counted };
    let mut counts: Vec<Tally> = times.chain(tries).map(tally).collect();
    counts.sort_by_key(|tally| (tally.student, tally.goal));
    counts
}

/// Returns whether there is an event to undo.
pub(crate) fn can_undo(events: &[Event]) -> bool {
    !standing(events).is_empty()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sync_core::ids::PersonId;
    use ulid::Ulid;

    use super::*;

    const STUDENT: StudentId = StudentId([1; 16]);

    fn goal(n: u8) -> SlotKey {
        SlotKey::new(PersonId([2; 16]), Ulid::from_bytes([n; 16]))
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            (0..2u8, 1..4u32).prop_map(|(g, n)| Event::Tap { student: STUDENT, goal: goal(g), n }),
            (1..3u8, 0..3u8).prop_map(|(g, t)| Event::Trial {
                student: STUDENT,
                goal: goal(g),
                trial: [Trial::Correct, Trial::Incorrect, Trial::NoResponse][usize::from(t)],
            }),
            Just(Event::Undo),
        ]
    }

    proptest! {
        /// An event and its undo leave the counts as they were, wherever they come.
        #[test]
        fn an_undone_event_was_never_there(events in proptest::collection::vec(event(), 0..40), one in event()) {
            prop_assume!(one != Event::Undo);
            let before = counts(&events);
            let after = counts(&[events, vec![one, Event::Undo]].concat());
            prop_assert_eq!(before, after);
        }

        /// Without undos, every tap and try is in the counts, whatever the order, and also where a goal has both.
        #[test]
        fn every_event_is_counted(events in proptest::collection::vec(event(), 0..40)) {
            let events: Vec<Event> = events.into_iter().filter(|event| *event != Event::Undo).collect();
            let expected: u64 = events.iter().map(|event| match event {
                Event::Tap { n, .. } => u64::from(*n),
                Event::Trial { .. } => 1,
                Event::Undo => 0,
            }).sum();
            let forward = counts(&events);
            prop_assert_eq!(forward.iter().map(|tally| tally.counted.n()).sum::<u64>(), expected);
            prop_assert_eq!(forward, counts(&events.into_iter().rev().collect::<Vec<_>>()));
        }
    }

    #[test]
    fn no_answer_is_an_opportunity_and_not_correct() {
        let trial = |trial| Event::Trial { student: STUDENT, goal: goal(2), trial };
        let events = [Trial::Correct, Trial::NoResponse, Trial::Incorrect].map(trial);
        assert_eq!(counts(&events)[0].counted, Counted::Tries { correct: 1, of: 3 });
        assert!(!can_undo(&[Event::Undo]), "there is nothing of one's own to undo");
    }
}
