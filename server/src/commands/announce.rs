//! What `--announce` writes when the server answers: all that a script needs to begin.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use sync_core::ids::{GuardianId, PersonId, StudentId};
use sync_core::kv::KvError;
use sync_core::roster::DeviceState;

use crate::auth::keys::system_random;
use crate::auth::token::ADMIN_TOKEN_DAYS_DEFAULT;
use crate::engine::{Engine, EngineError, PersonRow, StudentRow};
use crate::family::{invite_all, sign_in_path};

/// How long a pairing code in an announcement is good for, in milliseconds: a week, in which a district is set up.
pub const ANNOUNCED_CODE_LIFE_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// A person, as announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AnnouncedPerson {
    #[serde(flatten)]
    person: PersonRow,
    /// A code for one use; none for who has a device in use.
    pairing_code: Option<String>,
}

/// A guardian, as announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AnnouncedGuardian {
    id: GuardianId,
    student: StudentId,
    /// The name. The announcement goes to whoever keeps the roster.
    name: String,
    /// Where the guardian signs in.
    sign_in_url: String,
    /// An invitation for one use; none for who has redeemed one, or may see nothing.
    invitation: Option<String>,
}

/// The announcement.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Announced {
    /// The server's address.
    pub server: String,
    /// A token of the administrator's.
    pub admin_token: String,
    /// Everybody who works here.
    pub people: Vec<AnnouncedPerson>,
    /// All students.
    pub students: Vec<StudentRow>,
    /// All guardians.
    pub guardians: Vec<AnnouncedGuardian>,
}

impl Announced {
    /// Returns the code of a person, named as the roster does.
    pub fn pairing_code(&self, external_id: &str) -> Option<&str> {
        let person = self.people.iter().find(|person| person.person.external_id == external_id)?;
        person.pairing_code.as_deref()
    }

    /// Returns where a guardian of a student, named as the roster does, signs in, and the invitation; none where nobody is invited.
    pub fn invitation(&self, external_id: &str) -> Option<(&str, &str)> {
        let student = self.students.iter().find(|student| student.external_id == external_id)?.id;
        let mut guardians = self.guardians.iter().filter(|guardian| guardian.student == student);
        guardians.find_map(|guardian| Some((guardian.sign_in_url.as_str(), guardian.invitation.as_deref()?)))
    }
}

/// Composes the announcement, with a new pairing code for everybody who has no device in use, and invitations; near a full disk without
/// either.
pub async fn announcement(engine: &Arc<Engine>, url: &str) -> Result<Announced, EngineError> {
    let mut id = [0; 16];
    system_random(&mut id).map_err(|error| EngineError::Storage(error.to_string()))?;
    let admin_token = engine
        .tokens()
        .issue_admin(None, ADMIN_TOKEN_DAYS_DEFAULT, id, engine.now_s())
        .map_err(|error| EngineError::Storage(error.to_string()))?;
    let in_use = engine.index().devices()?.into_iter().filter(|device| device.state == DeviceState::Active);
    let equipped: BTreeSet<PersonId> = in_use.map(|device| device.person).collect();
    let mut people = Vec::new();
    for person in engine.people()? {
        let pairing_code = if equipped.contains(&person.id) {
            None
        } else {
            match engine.new_code(person.id, ANNOUNCED_CODE_LIFE_MS).await {
                Err(EngineError::DiskFull) => None,
                given => given?.map(|new| new.code.to_string()),
            }
        };
        people.push(AnnouncedPerson { person, pairing_code });
    }
    let students = engine.students().await?;
    let guardians = guardians(engine, url).await?;
    Ok(Announced { server: url.to_owned(), admin_token, people, students, guardians })
}

async fn guardians(engine: &Arc<Engine>, url: &str) -> Result<Vec<AnnouncedGuardian>, EngineError> {
    let index = engine.index();
    let all = index.guardians()?;
    let waits = |id| -> Result<bool, KvError> { Ok(index.may_see(id)? && index.account(id)?.is_none()) };
    let mut waiting = Vec::new();
    for guardian in &all {
        if waits(guardian.id)? {
            waiting.push(guardian.id);
        }
    }
    let given = match invite_all(engine, waiting, ANNOUNCED_CODE_LIFE_MS).await {
        Err(EngineError::DiskFull) => Vec::new(),
        given => given?,
    };
    let announced = all.into_iter().map(|guardian| AnnouncedGuardian {
        id: guardian.id,
        student: guardian.student,
        sign_in_url: format!("{url}{}", sign_in_path(guardian.id)),
        invitation: given.iter().find(|one| one.guardian == guardian.id).map(|one| one.code.to_string()),
        name: guardian.name.into_inner(),
    });
    Ok(announced.collect())
}
