//! `admin token`: a token for scripts, made with the keys alone, so also beside a running server.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use sync_core::ids::{OrgId, PersonId};

use super::{CommandError, Common, Done, Exit, Outcome};
use crate::auth::keys::{ServerKeys, system_random};
use crate::auth::token::{ADMIN_TOKEN_DAYS_DEFAULT, Tokens};
use crate::engine::OpenEngineError;
use crate::register::{OwnError, owner};

#[derive(Debug, Args)]
pub(super) struct Token {
    /// The data folder
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// In this person's name: an id, or the external id of the import
    #[arg(long = "as", value_name = "PERSON")]
    person: Option<String>,
    /// How long it is good for
    #[arg(long, value_name = "N", default_value_t = ADMIN_TOKEN_DAYS_DEFAULT)]
    days: u32,
}

impl Token {
    pub(super) fn run(&self, common: &Common) -> Outcome {
        let keys = common.keys(&self.data);
        let opened = ServerKeys::open(&keys).map_err(OpenEngineError::from)?;
        let owner = owner(&keys).map_err(OwnError::from).map_err(OpenEngineError::from)?;
        let organisation = owner.ok_or_else(|| OpenEngineError::NotFounded(self.data.clone()))?;
        let tokens = Tokens::new(organisation.0, opened.access(), &[]).map_err(OpenEngineError::from)?;
        let person = self.person.as_deref().map(|person| person_of(organisation, person));
        let mut id = [0; 16];
        system_random(&mut id).map_err(OpenEngineError::from)?;
        let clock = common.clock();
        let token = tokens
            .issue_admin(person.map(|person| person.to_string()).as_deref(), self.days, id, clock.now_s())
            .map_err(|error| CommandError::of(Exit::Usage, "bad_token", &error, "choose other --days"))?;
        Ok(Done { json: json!({"token": token, "person": person, "days": self.days}), words: token })
    }
}

/// Whether there is such a person is for the server to say, each time the token is used.
fn person_of(organisation: OrgId, named: &str) -> PersonId {
    named.parse().unwrap_or_else(|_| PersonId::imported(organisation, named))
}
