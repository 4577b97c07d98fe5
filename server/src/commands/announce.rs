//! What `--announce` writes when the server answers: all that a script needs to begin.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use sync_core::ids::PersonId;
use sync_core::roster::DeviceState;

use crate::auth::keys::system_random;
use crate::auth::token::ADMIN_TOKEN_DAYS_DEFAULT;
use crate::engine::{Engine, EngineError, PersonRow, StudentRow};

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
    /// Guardians with their invitations.
    pub guardians: Vec<Value>,
}

impl Announced {
    /// Returns the code of a person, named as the roster does.
    pub fn pairing_code(&self, external_id: &str) -> Option<&str> {
        let person = self.people.iter().find(|person| person.person.external_id == external_id)?;
        person.pairing_code.as_deref()
    }
}

/// Composes the announcement, with a new pairing code for everybody who has no device in use; near a full disk without codes.
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
    Ok(Announced { server: url.to_owned(), admin_token, people, students, guardians: Vec::new() })
}
