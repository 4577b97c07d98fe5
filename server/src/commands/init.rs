//! `init`: founds an empty organisation.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use sync_core::time::Zone;

use super::{CommandError, Common, Done, Exit, Outcome};
use crate::engine::{Engine, Founding};

/// Characters of an organisation's name.
pub const NAME_CHARS_MAX: usize = 200;

#[derive(Debug, Args)]
pub(super) struct Init {
    /// The data folder; made if need be
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The organisation's name
    #[arg(long)]
    name: String,
    /// The time zone of its school days, such as America/Chicago
    #[arg(long, value_name = "TZ")]
    zone: String,
}

impl Init {
    pub(super) fn run(&self, common: &Common) -> Outcome {
        let usage = |code, message: String, help| CommandError::new(Exit::Usage, code, message, help);
        let name = self.name.trim();
        if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
            let message = format!("a name has 1 to {NAME_CHARS_MAX} characters");
            return Err(usage("bad_name", message, "choose another --name"));
        }
        let zone = Zone::named(&self.zone).map_err(|error| {
            usage("bad_zone", error.to_string(), "spell --zone as the IANA database does")
        })?;
        let founding = Founding { name: name.to_owned(), zone };
        let organisation = Engine::found(&common.settings(&self.data), founding)?;
        let keys = common.keys(&self.data);
        Ok(Done {
            json: json!({"organisation": organisation, "data": self.data, "keys": keys}),
            words: format!(
                "founded {organisation}\n  data: {}\n  keys: {} (keep a copy apart from the data's backups)",
                self.data.display(),
                keys.display()
            ),
        })
    }
}
