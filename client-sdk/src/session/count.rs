//! What the events of a live session come to.

use std::collections::BTreeMap;

use sync_core::document::slot::SlotKey;
use sync_core::ids::StudentId;

use super::journal::{Event, Live, Trial};

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
            Event::Left { .. } | Event::Gone { .. } => {}
        }
    }
    standing
}

/// Returns the counts of a live session, by student and goal. A goal of which everything was undone has none.
pub fn counts(live: &Live) -> Vec<Tally> {
    let mut counts: BTreeMap<(StudentId, SlotKey), Counted> = BTreeMap::new();
    for event in standing(&live.events) {
        match event {
            Event::Tap { student, goal, n } => {
                let count = counts.entry((*student, *goal)).or_insert(Counted::Times(0));
                if let Counted::Times(times) = count {
                    *times += u64::from(*n);
                }
            }
            Event::Trial { student, goal, trial } => {
                let count = counts.entry((*student, *goal)).or_insert(Counted::Tries { correct: 0, of: 0 });
                if let Counted::Tries { correct, of } = count {
                    *of += 1;
                    *correct += u64::from(*trial == Trial::Correct);
                }
            }
            Event::Undo | Event::Left { .. } | Event::Gone { .. } => {}
        }
    }
    let tally = |((student, goal), counted)| Tally { student, goal, counted };
    counts.into_iter().map(tally).collect()
}

/// Returns whether there is an event to undo.
pub(crate) fn can_undo(live: &Live) -> bool {
    !standing(&live.events).is_empty()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sync_core::ids::{LiveId, PersonId};
    use sync_core::time::Moment;
    use ulid::Ulid;

    use super::super::journal::Start;
    use super::*;

    const STUDENT: StudentId = StudentId([1; 16]);

    fn goal(n: u8) -> SlotKey {
        SlotKey::new(PersonId([2; 16]), Ulid::from_bytes([n; 16]))
    }

    fn live(events: Vec<Event>) -> Live {
        let start = Start {
            seed: [0; 16],
            students: Vec::new(),
            mode: "push-in".into(),
            place: "gym".into(),
            routine: None,
            at: Moment(0),
        };
        Live { id: LiveId([0; 16]), start, next: events.len() as u64 + 1, events }
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            (0..2u8, 1..4u32).prop_map(|(g, n)| Event::Tap { student: STUDENT, goal: goal(g), n }),
            (2..4u8, 0..3u8).prop_map(|(g, t)| Event::Trial {
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
            let before = counts(&live(events.clone()));
            let after = counts(&live([events, vec![one, Event::Undo]].concat()));
            prop_assert_eq!(before, after);
        }

        /// Without undos, every tap and try is in the counts, whatever the order.
        #[test]
        fn every_event_is_counted(events in proptest::collection::vec(event(), 0..40)) {
            let events: Vec<Event> = events.into_iter().filter(|event| *event != Event::Undo).collect();
            let expected: u64 = events.iter().map(|event| match event {
                Event::Tap { n, .. } => u64::from(*n),
                Event::Trial { .. } => 1,
                Event::Undo | Event::Left { .. } | Event::Gone { .. } => 0,
            }).sum();
            let forward = counts(&live(events.clone()));
            prop_assert_eq!(forward.iter().map(|tally| tally.counted.n()).sum::<u64>(), expected);
            prop_assert_eq!(forward, counts(&live(events.into_iter().rev().collect())));
        }
    }

    #[test]
    fn no_answer_is_an_opportunity_and_not_correct() {
        let trial = |trial| Event::Trial { student: STUDENT, goal: goal(2), trial };
        let events = [Trial::Correct, Trial::NoResponse, Trial::Incorrect].map(trial).to_vec();
        assert_eq!(counts(&live(events))[0].counted, Counted::Tries { correct: 1, of: 3 });
        assert!(!can_undo(&live(vec![Event::Undo])), "there is nothing of one's own to undo");
    }
}
