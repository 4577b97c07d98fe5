//! Versions of the policy: the rules by which a place on the team reads and writes.
//!
//! All of them are built in. Which one is in force is an entry of the log, the first where none was ever logged; what was judged by one is
//! never judged again by another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A version of the policy that this build knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub enum PolicyVersion {
    /// What the access matrix says.
    #[default]
    V1,
    /// Narrower: paraprofessionals have no tallies, and therapy assistants no plan.
    V2,
}

/// A version of the policy that this build does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("policy {0} is not built in: {known} are", known = PolicyVersion::all_in_words())]
pub struct UnknownPolicy(pub String);

impl PolicyVersion {
    /// All versions, the oldest first.
    pub const ALL: [Self; 2] = [Self::V1, Self::V2];

    /// Returns the number by which logs, verdicts and messages name the version.
    pub const fn number(self) -> u32 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }

    /// Returns the version by which a tablet goes where the server has named this one: a newer one than it knows is judged by the server
    /// alone, and meanwhile the newest that is known is the nearest.
    pub fn nearest(named: u32) -> Self {
        let mut newest_first = Self::ALL.into_iter().rev();
        newest_first.find(|version| version.number() <= named).unwrap_or_default()
    }

    /// Returns whether a therapy assistant reads the student's plan.
    pub(crate) fn gives_assistants_the_plan(self) -> bool {
        match self {
            Self::V1 => true,
            Self::V2 => false,
        }
    }

    /// Returns whether a paraprofessional reads the student's tallies.
    pub(crate) fn gives_paras_tallies(self) -> bool {
        match self {
            Self::V1 => true,
            Self::V2 => false,
        }
    }

    fn all_in_words() -> String {
        Self::ALL.map(|version| version.to_string()).join(" and ")
    }
}

impl From<PolicyVersion> for u32 {
    fn from(version: PolicyVersion) -> Self {
        version.number()
    }
}

impl TryFrom<u32> for PolicyVersion {
    type Error = UnknownPolicy;

    fn try_from(number: u32) -> Result<Self, UnknownPolicy> {
        let known = Self::ALL.into_iter().find(|version| version.number() == number);
        known.ok_or_else(|| UnknownPolicy(number.to_string()))
    }
}

impl FromStr for PolicyVersion {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<Self, UnknownPolicy> {
        let known = Self::ALL.into_iter().find(|version| version.to_string() == text);
        known.ok_or_else(|| UnknownPolicy(text.to_owned()))
    }
}

impl fmt::Display for PolicyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::codec;

    #[test]
    fn a_version_is_read_as_it_is_written_and_no_other_is() {
        for version in PolicyVersion::ALL {
            assert_eq!(version.to_string().parse(), Ok(version));
            assert_eq!(codec::from_bytes::<PolicyVersion>(&codec::to_bytes(&version)).unwrap(), version);
        }
        for unknown in ["0", "3", "", "two", "01"] {
            let error = unknown.parse::<PolicyVersion>().unwrap_err();
            assert_eq!(error.to_string(), format!("policy {unknown} is not built in: 1 and 2 are"));
        }
        assert!(codec::from_bytes::<PolicyVersion>(&codec::to_bytes(&3_u32)).is_err());
    }

    #[test]
    fn a_tablet_stays_with_the_newest_version_that_it_knows() {
        let nearest = [0, 1, 2, 3, u32::MAX].map(PolicyVersion::nearest);
        let [oldest, newest] = PolicyVersion::ALL;
        assert_eq!(nearest, [oldest, oldest, newest, newest, newest]);
    }
}
