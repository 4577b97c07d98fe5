//! Who is who: people, students, dated grants, devices, terms. These are the server's facts, never part of a document.

pub mod calendar;
pub mod reading;
pub mod role;
pub mod version;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::ids::{DeviceId, GrantId, GuardianId, OrgId, PersonId, SchoolId, StudentId, TabletId, derive};
use crate::roster::role::Role;
use crate::sensitive::Sensitive;

/// A member of staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Who it is.
    pub id: PersonId,
    /// What the district's roster calls this person.
    pub external_id: String,
    /// The name that colleagues see.
    pub name: Sensitive<String>,
    /// An e-mail address, for administrators.
    pub email: Sensitive<String>,
    /// The school at which the person works; none for all.
    pub school: Option<SchoolId>,
    /// What the person is in the organisation. It gives no right over any student but a coordinator's reviews.
    pub role: Role,
}

/// A student.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Student {
    /// Who it is.
    pub id: StudentId,
    /// What the district's roster calls this student.
    pub external_id: String,
    /// The name that the team sees.
    pub display_name: Sensitive<String>,
    /// The grade, as CEDS codes it.
    pub grade: String,
    /// The student's school.
    pub school: Option<SchoolId>,
    /// The language spoken at home, as BCP 47.
    pub home_language: String,
}

/// A school.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct School {
    /// Which school it is.
    pub id: SchoolId,
    /// What the district's roster calls it.
    pub external_id: String,
    /// Its name.
    pub name: String,
}

/// A guardian of one student. Guardians have no documents; what they see is projected for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guardian {
    /// Who it is.
    pub id: GuardianId,
    /// What the district's roster calls this guardian.
    pub external_id: String,
    /// Whose guardian.
    pub student: StudentId,
    /// The guardian's name.
    pub name: Sensitive<String>,
    /// The language that pages for this guardian are in.
    pub language: String,
    /// A court order keeps the student's record from this guardian.
    pub restricted: bool,
}

/// A person's dated place on a student's team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Which grant it is.
    pub id: GrantId,
    /// On whose team.
    pub student: StudentId,
    /// Whose place.
    pub person: PersonId,
    /// As what.
    pub role: Role,
    /// The first day, included.
    pub from: Date,
    /// The last day, included; open where none.
    pub to: Option<Date>,
    /// Who signs for the work of an assistant or a paraprofessional.
    pub supervisor: Option<PersonId>,
    /// Why the place was given, and, once it was ended by hand, why it ended.
    pub reason: Sensitive<String>,
}

/// Where a grant stands on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GrantState {
    /// Its first day lies ahead.
    Coming,
    /// It is in force.
    Current,
    /// Its last day is over.
    Ended,
}

impl Grant {
    /// Returns the id of the grant of this place from this day on: whoever gives the same place twice gives it once.
    pub fn id_of(org: OrgId, student: StudentId, person: PersonId, role: Role, from: Date) -> GrantId {
        let from = from.to_string();
        let parts: [&[u8]; 5] = [&org.0, &student.0, &person.0, role.code().as_bytes(), from.as_bytes()];
        GrantId(derive("grant", &parts))
    }

    /// Returns where the grant stands on `today`, a school day in the organisation's zone.
    pub fn state(&self, today: Date) -> GrantState {
        if self.to.is_some_and(|last| last < today || last < self.from) {
            GrantState::Ended
        } else if today < self.from {
            GrantState::Coming
        } else {
            GrantState::Current
        }
    }
}

/// Whether a device may still speak for its person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceState {
    /// It is in use.
    Active,
    /// An administrator ended it: it may hand in what it has, and nothing is sent to it.
    Revoked,
    /// It is out of its person's hands: as revoked, and what it hands in says so to the reviewer.
    Lost,
    /// It was paired in what a restore has lost, and shows its certificate: it may send again what was receipted, nothing is sent to it, and
    /// the rest waits on it until an administrator has confirmed it.
    Unconfirmed,
}

/// One person's profile on one tablet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// The hash of its public key.
    pub id: DeviceId,
    /// Its ed25519 public key.
    #[serde(with = "serde_bytes")]
    pub key: [u8; 32],
    /// For whom it speaks.
    pub person: PersonId,
    /// On which tablet the profile lives.
    pub tablet: TabletId,
    /// Whether it still may.
    pub state: DeviceState,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_day_is_included() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        let grant = Grant {
            id: GrantId([0; 16]),
            student: StudentId([0; 16]),
            person: PersonId([0; 16]),
            role: Role::Para,
            from: day("2026-09-01"),
            to: Some(day("2026-11-20")),
            supervisor: None,
            reason: Sensitive::default(),
        };
        for (today, state) in [
            ("2026-08-31", GrantState::Coming),
            ("2026-09-01", GrantState::Current),
            ("2026-11-20", GrantState::Current),
            ("2026-11-21", GrantState::Ended),
        ] {
            assert_eq!(grant.state(day(today)), state, "{today}");
        }
        let withdrawn = Grant { to: Some(day("2026-08-01")), ..grant };
        assert_eq!(withdrawn.state(day("2026-07-01")), GrantState::Ended, "ended before it began");
    }
}
