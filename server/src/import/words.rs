//! The closed lists of words that a roster is written in.

use std::fmt;
use std::str::FromStr;

/// A word that is not on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not one of the words that may stand here")]
pub struct UnknownWord;

/// A closed list of words, each with the way it is written.
pub(super) trait Word: FromStr<Err = UnknownWord> + 'static {
    /// The words as written, in the order in which people are told of them.
    const WRITTEN: &'static [&'static str];
}

/// Declares an enum whose variants are words. They are written in small letters and read in any case,
/// because spreadsheets and people capitalise `SLP`.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &[$name] = &[$($name::$variant,)+];

            /// Returns the word as it is written.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }
        }

        impl Word for $name {
            const WRITTEN: &'static [&'static str] = &[$($word,)+];
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                Self::ALL.iter().copied().find(|word| word.as_str().eq_ignore_ascii_case(text)).ok_or(UnknownWord)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// What a person is employed as, and what a member is on a student's team.
    Role {
        /// Speech-language pathologist.
        Slp = "slp",
        /// Occupational therapist.
        Ot = "ot",
        /// Physical therapist.
        Pt = "pt",
        /// School psychologist.
        Psy = "psy",
        /// Special-education teacher.
        Set = "set",
        /// Case manager.
        Cm = "cm",
        /// Paraprofessional.
        Para = "para",
        /// Assistant of a therapist: SLPA, COTA, PTA.
        Asst = "asst",
        /// Inclusion coordinator.
        Coord = "coord",
        /// Administrator of the records.
        Admin = "admin",
    }
}

impl Role {
    /// Returns whether this is a clinician: one who may plan, and supervise others.
    pub fn is_clinician(self) -> bool {
        match self {
            Role::Slp | Role::Ot | Role::Pt | Role::Psy | Role::Set | Role::Cm => true,
            Role::Para | Role::Asst | Role::Coord | Role::Admin => false,
        }
    }

    /// Returns whether records made in this role wait for a supervisor's signature.
    pub fn needs_supervisor(self) -> bool {
        match self {
            Role::Para | Role::Asst => true,
            Role::Slp
            | Role::Ot
            | Role::Pt
            | Role::Psy
            | Role::Set
            | Role::Cm
            | Role::Coord
            | Role::Admin => false,
        }
    }
}

words! {
    /// The profession that a goal or a service belongs to.
    Discipline {
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
    /// How progress towards a goal is measured.
    Kind {
        /// How often a behaviour occurs.
        Count = "count",
        /// A short standard sample of a skill.
        Probe = "probe",
        /// The share of trials that were correct, 0 to 100.
        Percent = "percent",
    }
}

words! {
    /// Which way a goal's figure is to move.
    Direction {
        /// Up.
        Increase = "increase",
        /// Down.
        Decrease = "decrease",
    }
}

words! {
    /// How a service is delivered.
    Mode {
        /// Within the general-education class.
        PushIn = "push-in",
        /// Outside it.
        PullOut = "pull-out",
        /// With the adults around the student.
        Consult = "consult",
    }
}

words! {
    /// Where a service is delivered.
    Place {
        /// The student's own class.
        GeneralClass = "general-class",
        /// A room for special instruction.
        ResourceRoom = "resource-room",
        /// Any quiet space.
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
    /// The period in which a service's sessions are promised.
    Period {
        /// A school day.
        Day = "day",
        /// A week from Monday.
        Week = "week",
        /// A cycle of the school's timetable.
        Cycle = "cycle",
        /// A calendar month.
        Month = "month",
        /// A quarter of the school year.
        Quarter = "quarter",
        /// A term.
        Term = "term",
        /// A school year.
        Year = "year",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_written_as_the_contract_lists_them() {
        assert_eq!(Role::WRITTEN.join(" "), "slp ot pt psy set cm para asst coord admin");
        assert_eq!(Discipline::WRITTEN.join(" "), "slp ot pt psy set");
        assert_eq!(Kind::WRITTEN.join(" "), "count probe percent");
        assert_eq!(Direction::WRITTEN.join(" "), "increase decrease");
        assert_eq!(Mode::WRITTEN.join(" "), "push-in pull-out consult");
        assert_eq!(
            Place::WRITTEN.join(" "),
            "general-class resource-room quiet-space hallway playground cafeteria gym bus remote other"
        );
        assert_eq!(Period::WRITTEN.join(" "), "day week cycle month quarter term year");
    }

    #[test]
    fn words_are_read_in_any_case_and_nothing_else_is() {
        assert_eq!("SLP".parse(), Ok(Role::Slp));
        assert_eq!("Push-In".parse(), Ok(Mode::PushIn));
        for text in ["", "slpa", "push in", "ſlp"] {
            assert_eq!(text.parse::<Role>(), Err(UnknownWord), "{text:?}");
        }
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(*role));
        }
    }

    #[test]
    fn nobody_both_supervises_and_is_supervised() {
        for role in Role::ALL {
            assert!(!(role.is_clinician() && role.needs_supervisor()), "{role}");
        }
        let clinicians: Vec<_> = Role::ALL.iter().filter(|role| role.is_clinician()).collect();
        assert_eq!(clinicians.len(), 6);
    }
}
