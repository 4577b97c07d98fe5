//! Deeds: what a person can do, each with a name and typed inputs, and the one way from there to slots.
//!
//! A [`Deed`] is what was meant ("log this session", "void that record"). [`act`](act::act) turns it into an [`Act`](act::Act), the slots
//! that say it in one document; [`document_for`](home::document_for) says in which; [`expect`](expect::expect) says whether the server
//! would let it stand, so that a tablet never offers what would be held. Whatever a deed is given that cannot be is found here, by the
//! schema's own checks and the field's name, before anything is made.
//!
//! Nothing here knows a clock or draws an id: a live session draws its ids when it begins, and finishing it twice makes the same slots.

pub mod act;
pub mod expect;
pub mod home;
mod record;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::document::schema::RecordKind;
use crate::document::slot::{ContentHash, SlotKey, Value};
use crate::document::word::{Direction, Discipline, Observer, Place, PlanKind, Routine, SessionState};
use crate::ids::PersonId;
use crate::measure::value::{Measure, Value as Figures};
use crate::sensitive::Sensitive;
use crate::service::line::{Mode, Period};
use crate::service::missed::Reason;
use crate::time::Moment;

/// Observations that one deed can log with a session.
///
/// With every note as long as it may be, in the widest script, the act still fits into one change.
pub const OBSERVATIONS_MAX: usize = 40;

/// A stretch of a session in one mode and place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSegment {
    /// In or out of the classroom.
    pub mode: Mode,
    /// Where.
    pub place: Place,
    /// During which part of the class's day.
    pub routine: Option<Routine>,
    /// When it began.
    pub start: Moment,
    /// How long it was, in minutes.
    pub minutes: i64,
}

/// The group in which a session was given. Each student's record has it, none names the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGroup {
    /// What the sessions of the group share.
    pub id: String,
    /// How many students were in it.
    pub size: i64,
}

/// A measurement of a goal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewObservation {
    /// The goal.
    pub goal: SlotKey,
    /// The figures, of the kind that the goal is measured by.
    pub value: Figures,
    /// Whether the figures are the goal's or those of a second observer.
    pub observer: Observer,
    /// When watching began.
    pub start: Moment,
    /// What is to be said beside them.
    pub note: Option<Sensitive<String>>,
}

/// What a person can do in one student's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Logs a session, and what was observed in it.
    LogSession {
        /// The service line that it was given under.
        service: Option<SlotKey>,
        /// Its stretches in the order in which they were, at most [`SEGMENTS_MAX`](crate::document::schema::SEGMENTS_MAX).
        segments: Vec<NewSegment>,
        /// The group, where there was one.
        group: Option<NewGroup>,
        /// The missed session that it makes up for.
        make_up_for: Option<SlotKey>,
        /// What is to be said of it.
        note: Option<Sensitive<String>>,
        /// Whether it is finished.
        state: SessionState,
        /// What was observed, at most [`OBSERVATIONS_MAX`].
        observations: Vec<NewObservation>,
    },
    /// Logs that a session did not take place.
    LogMissed {
        /// The service line that promised it.
        service: SlotKey,
        /// The school day.
        date: Date,
        /// Why it did not.
        reason: Reason,
        /// What is to be said of it.
        note: Option<Sensitive<String>>,
    },
    /// Logs an observation by itself, or adds one to a session that stands.
    Observe {
        /// The session in which it was made.
        session: Option<SlotKey>,
        /// What was observed.
        observation: NewObservation,
    },
    /// Changes one value of a record: an amendment, a correction, or a conflict that is settled.
    Edit {
        /// The record.
        target: SlotKey,
        /// What kind of record it is.
        kind: RecordKind,
        /// The path of the value, such as `segments.1.minutes`.
        field: String,
        /// What it is to be.
        value: Value,
        /// The values that the author saw and that this one takes the place of: ids of edits, or the target's own.
        replaces: BTreeSet<SlotKey>,
        /// Why.
        reason: Option<Sensitive<String>>,
    },
    /// Removes a record: it is kept and counts for nothing.
    Void {
        /// The record.
        target: SlotKey,
        /// What kind of record it is.
        kind: RecordKind,
        /// As of an edit.
        replaces: BTreeSet<SlotKey>,
        /// Why.
        reason: Option<Sensitive<String>>,
    },
    /// Takes a removal back.
    Reinstate {
        /// The record.
        target: SlotKey,
        /// What kind of record it is.
        kind: RecordKind,
        /// As of an edit: the removals that are taken back.
        replaces: BTreeSet<SlotKey>,
        /// Why.
        reason: Option<Sensitive<String>>,
    },
    /// States that a record is true as it stands.
    Certify {
        /// The record.
        target: SlotKey,
        /// The hash of what it and its observations say now.
        covers: ContentHash,
    },
    /// Adds a version of the learner plan.
    AddPlanVersion {
        /// What kind of plan.
        kind: PlanKind,
        /// The first day in force.
        from: Date,
        /// The last day in force, included.
        to: Option<Date>,
    },
    /// Adds a promised service.
    AddService {
        /// Whose service it is.
        discipline: Discipline,
        /// In or out of the classroom.
        mode: Mode,
        /// Where, if the plan says so.
        place: Option<Place>,
        /// Sessions promised in each period.
        sessions: i64,
        /// The period of the promise.
        period: Period,
        /// Minutes of each session.
        minutes: i64,
        /// The first day in force.
        from: Date,
        /// The last day in force, included.
        to: Option<Date>,
    },
    /// Adds a goal.
    AddGoal {
        /// Whose goal it is.
        discipline: Discipline,
        /// By which figures it is measured.
        measure: Measure,
        /// Which way its figure should go.
        direction: Direction,
        /// What it says.
        statement: Sensitive<String>,
        /// The same for everybody, the family too.
        plain_statement: Option<Sensitive<String>>,
        /// The figure to reach, in thousandths of what is shown (80% is 80,000).
        target_thousandths: i64,
        /// By when.
        target_date: Option<Date>,
        /// The figure at the start, in thousandths.
        baseline_thousandths: Option<i64>,
        /// When that was measured.
        baseline_date: Option<Date>,
        /// When it counts as reached.
        criterion: Option<Sensitive<String>>,
    },
    /// Gives a goal to a person to work on.
    Assign {
        /// The goal.
        goal: SlotKey,
        /// The person.
        person: PersonId,
    },
    /// Opens a shared tally, for several people's taps on one goal.
    OpenTally {
        /// The goal.
        goal: SlotKey,
        /// When counting began.
        start: Moment,
    },
    /// Adds this member's taps to a tally, or takes some of them back.
    Tap {
        /// The tally.
        tally: SlotKey,
        /// How many; below zero for an undo.
        n: i64,
    },
}

impl Deed {
    /// Returns how many records the deed makes, and so how many ids it takes.
    pub fn records(&self) -> usize {
        if let Self::LogSession { observations, .. } = self { 1 + observations.len() } else { 1 }
    }
}
