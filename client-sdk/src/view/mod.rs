//! What is shown: the record, the caseload, conflicts, holds and the tablet's own standing, as JSON with stable names.

pub mod caseload;
pub mod conflicts;
pub mod flags;
pub mod holds;
pub mod record;
pub mod status;

use serde_json::{Value as Json, json};
use sync_core::document::slot::SlotKey;
use sync_core::ids::StudentId;
use sync_core::kv::KvError;
use sync_core::projection::facts::StudentFact;

use crate::deeds::Desk;
use crate::roster::Roster;
use crate::trouble::Trouble;

/// Whether, and how, a student may be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// The person is on the team.
    Whole,
    /// The person was, and is not any more.
    Left,
}

/// Returns how a student may be looked at. One who is unknown and one who may not be seen look alike.
///
/// # Errors
/// [`Trouble::NotAllowed`], or the store's.
pub fn sight(desk: &Desk<'_>, local: &crate::local::Local<'_>, student: StudentId) -> Result<Sight, Trouble> {
    let today = desk.roster.today(desk.now);
    if !desk.roster.roles_on(student, today).is_empty() {
        return Ok(Sight::Whole);
    }
    let own = || -> Result<bool, KvError> {
        let acts = desk.tablet().acts()?.iter().any(|act| act.name.subject == student);
        let person = desk.roster.profile.person;
        Ok(acts
            || desk
                .tablet()
                .holds()?
                .iter()
                .any(|hold| hold.name.subject == student && hold.author == person))
    };
    if desk.roster.ended_by(student, today) || local.has_left(student)? || own()? {
        return Ok(Sight::Left);
    }
    Err(Trouble::unknown("student"))
}

/// Returns a key as it is shown, if there is one.
pub(crate) fn key(key: Option<SlotKey>) -> Json {
    key.map_or(Json::Null, |key| json!(key.to_string()))
}

/// Returns a student's name, for the screen of somebody on the team.
pub(crate) fn name_of(fact: &StudentFact) -> &str {
    fact.display_name.expose()
}

/// Returns what a person is called, for the screen of a colleague.
pub fn who(roster: &Roster, person: sync_core::ids::PersonId) -> String {
    if person == roster.profile.person {
        "you".into()
    } else if person == sync_core::ids::PersonId::organisation(roster.profile.org) {
        "the district's roster".into()
    } else {
        roster.name_of(person).map_or_else(|| format!("somebody ({person})"), str::to_owned)
    }
}
