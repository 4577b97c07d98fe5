//! Missed sessions: records without minutes, and who bears what was not delivered.
//!
//! The defaults follow the letters of the federal office (OSEP to Balkman, 1995 and 2008; OSEP of 8 March 2007):
//! a student's own absence puts no general duty on the school while the service was available; what the school
//! itself caused is owed. A state or district may decide the rest; where the default leaves it to them it counts
//! as owed until they have, which protects the child.

use jiff::civil::Date;

use crate::word::words;

words! {
    /// Why a session did not take place.
    pub enum Reason {
        /// Not at school.
        StudentAbsent = "student_absent",
        /// Present, would not take part.
        StudentRefused = "student_refused",
        /// Field trip, assembly, exam, other class need.
        StudentUnavailableSchool = "student_unavailable_school",
        /// Nurse, office, early pick-up.
        StudentUnavailableOther = "student_unavailable_other",
        /// Sick, leave, vacancy.
        ProviderAbsent = "provider_absent",
        /// Plan meeting, training, evaluation duties.
        ProviderMeeting = "provider_meeting",
        /// Cover not found.
        NoSubstitute = "no_substitute",
        /// A day without school, known in advance.
        SchoolClosedPlanned = "school_closed_planned",
        /// Snow, power.
        SchoolClosedEmergency = "school_closed_emergency",
        /// The class changed its plan, a testing window.
        ScheduleConflict = "schedule_conflict",
        /// Scheduled, and nothing recorded after five school days.
        NotLogged = "not_logged",
    }
}

/// Who bears a missed session, before anybody has decided otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Liability {
    /// Nobody: the service was available.
    None,
    /// The school.
    Owed,
    /// State or district policy decides.
    Policy,
    /// There was no session to miss.
    NotScheduled,
    /// Nobody has said what happened.
    Unknown,
}

impl Liability {
    /// Returns whether the minutes count as owed. What policy has not decided does.
    #[must_use]
    pub fn counts_as_owed(self) -> bool {
        match self {
            Self::Owed | Self::Policy => true,
            Self::None | Self::NotScheduled | Self::Unknown => false,
        }
    }
}

impl Reason {
    /// Returns who bears it by default.
    #[must_use]
    pub fn liability(self) -> Liability {
        match self {
            Self::StudentAbsent | Self::StudentRefused => Liability::None,
            Self::StudentUnavailableSchool
            | Self::ProviderAbsent
            | Self::ProviderMeeting
            | Self::NoSubstitute
            | Self::ScheduleConflict => Liability::Owed,
            Self::StudentUnavailableOther | Self::SchoolClosedEmergency => Liability::Policy,
            Self::SchoolClosedPlanned => Liability::NotScheduled,
            Self::NotLogged => Liability::Unknown,
        }
    }
}

/// A session that did not take place. It has no minutes; what it was planned for is what the line promised.
///
/// It is an occurrence of its own: a session delivered on the same day under the same line does not settle it,
/// only a make-up that names it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed<Id> {
    /// The missed session.
    pub id: Id,
    /// The line that promised it.
    pub line: Id,
    /// Its school-local date.
    pub date: Date,
    /// Why it was missed.
    pub reason: Reason,
    /// Whether the record is void and counts for nothing.
    pub void: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_default_liability() {
        let table = [
            ("student_absent", Liability::None),
            ("student_refused", Liability::None),
            ("student_unavailable_school", Liability::Owed),
            ("student_unavailable_other", Liability::Policy),
            ("provider_absent", Liability::Owed),
            ("provider_meeting", Liability::Owed),
            ("no_substitute", Liability::Owed),
            ("school_closed_planned", Liability::NotScheduled),
            ("school_closed_emergency", Liability::Policy),
            ("schedule_conflict", Liability::Owed),
            ("not_logged", Liability::Unknown),
        ];
        let ours = Reason::ALL.map(|reason| (reason.code(), reason.liability()));
        assert_eq!(ours, table);
    }

    #[test]
    fn a_code_is_read_back_and_an_unknown_one_is_none() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(reason));
        }
        assert_eq!(Reason::from_code("eclipse"), None);
    }

    #[test]
    fn what_policy_has_not_decided_counts_as_owed() {
        let owed = [
            Liability::None,
            Liability::Owed,
            Liability::Policy,
            Liability::NotScheduled,
            Liability::Unknown,
        ]
        .map(Liability::counts_as_owed);
        assert_eq!(owed, [false, true, true, false, false]);
    }
}
