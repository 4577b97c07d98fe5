//! Roles: as what someone stands on a student's team.

use serde::{Deserialize, Serialize};

use crate::word::words;

words! {
    /// As what a person stands on a student's team, or, for the last two, in the organisation.
    #[derive(Hash, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Role {
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
        /// Case manager: owns the plan and answers for the team's record.
        Cm = "cm",
        /// Paraprofessional, under a supervisor.
        Para = "para",
        /// Therapy assistant (SLPA, COTA, PTA), under a supervisor.
        Asst = "asst",
        /// Inclusion coordinator: reviews where nobody on the team can.
        Coord = "coord",
        /// Administrator: accounts, devices and grants, never content.
        Admin = "admin",
    }
}

impl Role {
    /// Returns whether the role is a clinician's: reads `plan` and `log` whole and logs in `log`.
    pub fn is_clinician(self) -> bool {
        match self {
            Self::Slp | Self::Ot | Self::Pt | Self::Psy | Self::Set | Self::Cm => true,
            Self::Para | Self::Asst | Self::Coord | Self::Admin => false,
        }
    }

    /// Returns whether the role works under a supervisor, in an `own` document.
    pub fn is_supervised(self) -> bool {
        match self {
            Self::Para | Self::Asst => true,
            Self::Slp
            | Self::Ot
            | Self::Pt
            | Self::Psy
            | Self::Set
            | Self::Cm
            | Self::Coord
            | Self::Admin => false,
        }
    }

    /// Returns whether the role can be given on a student's team at all.
    pub fn is_on_teams(self) -> bool {
        self.is_clinician() || self.is_supervised()
    }

    /// Returns the discipline whose goals are this role's own, as goals name it.
    ///
    /// A case manager is usually the special-education teacher, whose discipline that role has.
    pub fn discipline(self) -> Option<&'static str> {
        match self {
            Self::Slp => Some("slp"),
            Self::Ot => Some("ot"),
            Self::Pt => Some("pt"),
            Self::Psy => Some("psy"),
            Self::Set | Self::Cm => Some("set"),
            Self::Para | Self::Asst | Self::Coord | Self::Admin => None,
        }
    }
}
