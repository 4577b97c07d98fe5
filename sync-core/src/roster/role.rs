//! Roles: as what someone stands on a student's team.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// As what a person stands on a student's team, or, for the last two, in the organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Speech-language pathologist.
    Slp,
    /// Occupational therapist.
    Ot,
    /// Physical therapist.
    Pt,
    /// School psychologist.
    Psy,
    /// Special-education teacher.
    Set,
    /// Case manager: owns the plan and answers for the team's record.
    Cm,
    /// Paraprofessional, under a supervisor.
    Para,
    /// Therapy assistant (SLPA, COTA, PTA), under a supervisor.
    Asst,
    /// Inclusion coordinator: reviews where nobody on the team can.
    Coord,
    /// Administrator: accounts, devices and grants, never content.
    Admin,
}

/// A text that names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a role: one of slp ot pt psy set cm para asst coord admin is expected")]
pub struct UnknownRole;

impl Role {
    /// All roles, in the order of the book.
    pub const ALL: [Self; 10] = [
        Self::Slp,
        Self::Ot,
        Self::Pt,
        Self::Psy,
        Self::Set,
        Self::Cm,
        Self::Para,
        Self::Asst,
        Self::Coord,
        Self::Admin,
    ];

    /// Returns the role's short name, as scripts and imports write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Slp => "slp",
            Self::Ot => "ot",
            Self::Pt => "pt",
            Self::Psy => "psy",
            Self::Set => "set",
            Self::Cm => "cm",
            Self::Para => "para",
            Self::Asst => "asst",
            Self::Coord => "coord",
            Self::Admin => "admin",
        }
    }

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

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.name() == text).ok_or(UnknownRole)
    }
}
