//! The journal: what is written down of a live session, and how it is read back.

use serde::{Deserialize, Serialize};
use sync_core::document::slot::SlotKey;
use sync_core::document::word::{Place, Routine};
use sync_core::exchange::codec;
use sync_core::ids::{ActId, LiveId, StudentId, derive};
use sync_core::kv::KvError;
use sync_core::roster::reading::Roles;
use sync_core::service::line::Mode;
use sync_core::time::Moment;
use ulid::Ulid;

use crate::store::{State, Table, Writes};
use crate::trouble::Trouble;

/// Students in one live session.
pub const STUDENTS_MAX: usize = 60;
/// Events in one live session: a tap every second for a school day.
pub const EVENTS_MAX: u64 = 30_000;

/// Live sessions' keys begin with this; live id and event number follow.
const LIVE: u8 = b'L';

/// Somebody in a live session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Student {
    /// Who.
    pub id: StudentId,
    /// The service line that the session is held under, for this student.
    pub service: Option<SlotKey>,
    /// As what the person was on this student's team when it began.
    pub roles: Roles,
}

/// How a live session began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// What all its ids follow from.
    pub seed: [u8; 16],
    /// Who is in it.
    pub students: Vec<Student>,
    /// In or out of the classroom: the schema's word.
    pub mode: String,
    /// Where: the schema's word.
    pub place: String,
    /// During which part of the class's day.
    pub routine: Option<String>,
    /// When.
    pub at: Moment,
}

/// How a trial went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trial {
    /// The answer was right.
    Correct,
    /// It was wrong.
    Incorrect,
    /// There was none: an opportunity like the others, and not correct.
    NoResponse,
}

/// Something that happened in a live session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// Something was seen so many times.
    Tap {
        /// Of whom.
        student: StudentId,
        /// For which goal.
        goal: SlotKey,
        /// How often.
        n: u32,
    },
    /// The student had a try.
    Trial {
        /// Who.
        student: StudentId,
        /// At which goal.
        goal: SlotKey,
        /// How it went.
        trial: Trial,
    },
    /// The last event that still counted counts no more.
    Undo,
    /// The student left before the others: what is logged of the session ends here for this student.
    Left {
        /// Who.
        student: StudentId,
        /// When.
        at: Moment,
    },
    /// The student is in the session no more, and has a record of it already.
    Gone {
        /// Who.
        student: StudentId,
    },
}

/// A live session as it was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// Which one.
    pub id: LiveId,
    /// How it began.
    pub start: Start,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// The number that the next event gets.
    pub next: u64,
}

impl Start {
    /// Returns the mode; none where a newer version wrote it.
    pub fn mode(&self) -> Option<Mode> {
        Mode::from_code(&self.mode)
    }

    /// Returns the place; none where a newer version wrote it.
    pub fn place(&self) -> Option<Place> {
        Place::from_code(&self.place)
    }

    /// Returns the routine, if there is one that is known here.
    pub fn routine(&self) -> Option<Routine> {
        self.routine.as_deref().and_then(Routine::from_code)
    }

    /// Returns an id that follows from the seed alone, and sorts by the start.
    pub fn id(&self, purpose: &str, parts: &[&[u8]]) -> Ulid {
        let drawn = derive(purpose, &[&[self.seed.as_slice()], parts].concat());
        let at = u64::try_from(self.at.0).unwrap_or_default();
        Ulid::from_parts(at, u128::from_be_bytes(drawn))
    }

    /// Returns the act that finishing makes for a student.
    pub fn act(&self, student: StudentId) -> ActId {
        ActId::from(self.id("live act", &[&student.0]))
    }
}

impl Live {
    /// Returns those who are still in the session.
    pub fn present(&self) -> impl Iterator<Item = &Student> {
        let gone = |student: StudentId| {
            self.events.iter().any(|event| matches!(event, Event::Gone { student: gone } if *gone == student))
        };
        self.start.students.iter().filter(move |student| !gone(student.id))
    }

    /// Returns when a student left, if before the end.
    pub fn left(&self, student: StudentId) -> Option<Moment> {
        self.events.iter().find_map(|event| match event {
            Event::Left { student: left, at } if *left == student => Some(*at),
            Event::Left { .. }
            | Event::Tap { .. }
            | Event::Trial { .. }
            | Event::Undo
            | Event::Gone { .. } => None,
        })
    }
}

fn key(id: LiveId, number: Option<u64>) -> Vec<u8> {
    let mut key = vec![LIVE];
    key.extend(id.0);
    key.extend(number.map(u64::to_be_bytes).into_iter().flatten());
    key
}

/// Reads the journal.
#[derive(Clone, Copy)]
pub struct Journal<'a>(pub &'a State<'a>);

impl Journal<'_> {
    /// Returns all open live sessions, in the order of their ids, which is that of their starts.
    ///
    /// # Errors
    /// [`KvError`].
    pub fn open(&self) -> Result<Vec<Live>, KvError> {
        let mut open: Vec<Live> = Vec::new();
        for (key, value) in self.0.scan_in(Table::Journal, &[LIVE])? {
            let (id, number) = split(&key).ok_or(KvError::Damaged("journal"))?;
            if number == 0 {
                open.push(Live { id, start: read(&value)?, events: Vec::new(), next: 1 });
            } else if let Some(live) = open.last_mut().filter(|live| live.id == id) {
                live.events.push(read(&value)?);
                live.next = number + 1;
            }
        }
        Ok(open)
    }

    /// Returns the live session that is meant: the named one, or the only one.
    ///
    /// # Errors
    /// [`Trouble::Value`] where there is none, or more than one and none was named.
    pub fn meant(&self, id: Option<LiveId>) -> Result<Live, Trouble> {
        let mut open = self.open()?;
        match id {
            Some(id) => open.into_iter().find(|live| live.id == id).ok_or_else(|| {
                Trouble::value("no such live session is open", "see which are open with `live`")
            }),
            None if open.len() > 1 => {
                Err(Trouble::value("several live sessions are open", "say which one with `--live ID`"))
            }
            None => {
                open.pop().ok_or_else(|| Trouble::value("no live session is open", "begin one with `start`"))
            }
        }
    }
}

fn split(key: &[u8]) -> Option<(LiveId, u64)> {
    let (_, rest) = key.split_first()?;
    let (id, number) = rest.split_first_chunk::<16>()?;
    Some((LiveId(*id), u64::from_be_bytes(number.try_into().ok()?)))
}

pub(super) fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, KvError> {
    codec::from_bytes(bytes).map_err(|_| KvError::Damaged("journal"))
}

/// Begins a live session.
pub fn begin(writes: &mut Writes, start: &Start) -> LiveId {
    let id = LiveId::from(start.id("live", &[]));
    writes.put(Table::Journal, key(id, Some(0)), codec::to_bytes(start));
    id
}

/// Writes down an event.
///
/// # Errors
/// [`Trouble::Value`] where the session has [`EVENTS_MAX`] already.
pub fn note(writes: &mut Writes, live: &mut Live, event: Event) -> Result<(), Trouble> {
    if live.next > EVENTS_MAX {
        return Err(Trouble::value(
            "this session has as many events as one can have",
            "finish it and begin another",
        ));
    }
    writes.put(Table::Journal, key(live.id, Some(live.next)), codec::to_bytes(&event));
    live.next += 1;
    live.events.push(event);
    Ok(())
}

/// Removes a live session's journal.
pub(super) fn close(writes: &mut Writes, live: &Live) {
    for number in 0..live.next {
        writes.delete(Table::Journal, key(live.id, Some(number)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_event_that_a_session_can_have_is_taken_and_the_next_one_is_told_so() {
        let start = Start {
            seed: [1; 16],
            students: Vec::new(),
            mode: "push-in".into(),
            place: "hallway".into(),
            routine: None,
            at: Moment(0),
        };
        let mut live =
            Live { id: LiveId::from(start.id("live", &[])), start, events: Vec::new(), next: EVENTS_MAX };
        let mut writes = Writes::new();
        note(&mut writes, &mut live, Event::Undo).unwrap();
        let refused = note(&mut writes, &mut live, Event::Undo).unwrap_err();
        assert_eq!(refused.exit_code(), 2);
        assert!(refused.to_string().contains("as many events as one can have"), "{refused}");
        assert_eq!((live.next, live.events.len()), (EVENTS_MAX + 1, 1), "and nothing of it is noted");
    }
}
