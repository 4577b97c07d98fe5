//! The words of the schema that are types: where, in which routine, of which discipline.
//!
//! Modes, periods and reasons are told apart by the account of [minutes](crate::service), kinds of figures by
//! [progress science](crate::measure); these here only stand in records.

use crate::document::schema::RecordKind;
use crate::word::words;

words! {
    /// Where a segment of a session, or a promised service, takes place.
    pub enum Place {
        /// The student's own class.
        GeneralClass = "general-class",
        /// A room for special instruction.
        ResourceRoom = "resource-room",
        /// Any other quiet space.
        QuietSpace = "quiet-space",
        /// On the way.
        Hallway = "hallway",
        /// Outdoors.
        Playground = "playground",
        /// At meals.
        Cafeteria = "cafeteria",
        /// The gymnasium.
        Gym = "gym",
        /// The school bus.
        Bus = "bus",
        /// By video or telephone.
        Remote = "remote",
        /// Anywhere else.
        Other = "other",
    }
}

words! {
    /// The part of the class's day into which a segment falls.
    pub enum Routine {
        /// Everybody is taught together.
        WholeGroup = "whole-group",
        /// A few are taught together.
        SmallGroup = "small-group",
        /// Children work at stations.
        Center = "center",
        /// Circle time.
        Circle = "circle",
        /// Between two activities, waiting in line.
        Transition = "transition",
        /// Walking from room to room.
        Hallway = "hallway",
        /// The break.
        Recess = "recess",
        /// The meal.
        Lunch = "lunch",
        /// Coming in.
        Arrival = "arrival",
        /// Going home.
        Dismissal = "dismissal",
        /// Art, music, sport.
        Specials = "specials",
    }
}

words! {
    /// The profession that a goal or a service line belongs to.
    pub enum Discipline {
        /// Speech and language.
        Slp = "slp",
        /// Occupational therapy.
        Ot = "ot",
        /// Physical therapy.
        Pt = "pt",
        /// Psychology.
        Psy = "psy",
        /// Specially designed instruction.
        Set = "set",
    }
}

words! {
    /// Which way a goal's figure should go.
    pub enum Direction {
        /// Up: a skill.
        Increase = "increase",
        /// Down: a behaviour to be replaced.
        Decrease = "decrease",
    }
}

words! {
    /// What kind of learner plan it is.
    pub enum PlanKind {
        /// Individualized education program.
        Iep = "iep",
        /// Accommodation plan under section 504.
        Section504 = "504",
        /// Multi-tiered system of supports.
        Mtss = "mtss",
        /// English learner.
        El = "el",
        /// Social and emotional learning.
        Sel = "sel",
    }
}

words! {
    /// Whether a session is finished. What else can be said of it (certified, void) is folded from other records.
    pub enum SessionState {
        /// Begun and left unfinished; its author finishes it by edits.
        Draft = "draft",
        /// Finished.
        Complete = "complete",
    }
}

words! {
    /// Whose figures count, where two watch the same.
    pub enum Observer {
        /// The one whose figures are the goal's.
        Primary = "primary",
        /// A second, independent one, whose figures are compared with the first and never summed.
        Reliability = "reliability",
    }
}

impl RecordKind {
    /// Returns what a kind of record is called among people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::PlanVersion => "plan version",
            Self::Service => "service",
            Self::Goal => "goal",
            Self::Assignment => "assignment",
            Self::Session => "session",
            Self::Missed => "missed session",
            Self::Observation => "observation",
            Self::Tally => "tally",
            Self::Tap => "tap",
            Self::Edit => "edit",
            Self::Signature => "signature",
            Self::Issued => "note of the server",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::schema::{self, RecordKind, Type, editable_leaf};
    use crate::measure::value::Measure;
    use crate::service::line::{Mode, Period};
    use crate::service::missed::Reason;

    #[test]
    fn the_types_have_the_words_of_the_schema() {
        assert_eq!(Place::CODES, schema::PLACES);
        assert_eq!(Routine::CODES, schema::ROUTINES);
        assert_eq!(Discipline::CODES, schema::DISCIPLINES);
        assert_eq!(Direction::CODES, schema::DIRECTIONS);
        assert_eq!(PlanKind::CODES, schema::PLAN_KINDS);
        assert_eq!(Mode::CODES, schema::MODES);
        assert_eq!(Period::CODES, schema::PERIODS);
        assert_eq!(Reason::CODES, schema::REASONS);
        assert_eq!(Measure::CODES, schema::MEASURES);
        let Some(Type::Choice(states)) = editable_leaf(RecordKind::Session, "state") else { panic!() };
        assert_eq!(SessionState::CODES, states);
        let observer = RecordKind::Observation.fields().iter().find(|field| field.name == "observer");
        let Some(Type::Choice(observers)) = observer.map(|field| field.ty) else { panic!() };
        assert_eq!(Observer::CODES, observers);
    }
}
