//! A live session: who is in it, how it began, and what can happen in it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sync_core::document::slot::SlotKey;
use sync_core::document::word::{Place, Routine};
use sync_core::ids::{ActId, LiveId, StudentId, derive};
use sync_core::roster::reading::Roles;
use sync_core::service::line::Mode;
use sync_core::time::Moment;
use ulid::Ulid;

/// Students in one live session.
pub const STUDENTS_MAX: usize = 60;
/// Events in one live session: a tap every second for a school day.
pub const EVENTS_MAX: u64 = 30_000;

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
}

impl Event {
    /// Returns of whom it was seen, where it is of one student.
    pub(super) fn student(&self) -> Option<StudentId> {
        match self {
            Self::Tap { student, .. } | Self::Trial { student, .. } => Some(*student),
            Self::Undo => None,
        }
    }
}

/// A live session, without what was counted in it: an event is written down behind the last one, and none is read for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// Which one.
    pub id: LiveId,
    /// How it began.
    pub start: Start,
    /// Who left before the others, and when: what is logged of the session ends there for this student.
    pub left: BTreeMap<StudentId, Moment>,
    /// Who is in it no more, and has a record of it already.
    pub gone: BTreeSet<StudentId>,
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
    /// Returns those of whom the session is still to be logged: all who have no record of it yet.
    pub fn present(&self) -> impl Iterator<Item = &Student> {
        self.start.students.iter().filter(|student| !self.gone.contains(&student.id))
    }

    /// Returns whether something can still be seen of a student in this session.
    pub fn is_here(&self, student: StudentId) -> bool {
        self.present().any(|present| present.id == student) && !self.left.contains_key(&student)
    }
}
