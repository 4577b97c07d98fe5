//! `device code`, `device list`, `device revoke`.

use clap::Subcommand;
use serde_json::json;

use super::Remote;
use super::list::listed;
use crate::commands::{Done, Outcome};

#[derive(Debug, Subcommand)]
pub(in crate::commands) enum Device {
    /// Make a code with which a person pairs one device
    Code {
        /// The person
        #[arg(value_name = "PERSON")]
        person: String,
    },
    /// List devices
    List {
        /// Of this person
        #[arg(long, value_name = "ID")]
        person: Option<String>,
    },
    /// End a device's access; it may still hand in what it has
    Revoke {
        /// The device
        #[arg(value_name = "DEVICE")]
        device: String,
        /// It is out of its person's hands
        #[arg(long)]
        lost: bool,
    },
}

impl Device {
    pub(super) fn run(&self, remote: &Remote) -> Outcome {
        match self {
            Self::Code { person } => {
                let answer = remote.post(&["people", person, "code"], &[], &json!({}))?;
                let text = |name: &str| answer[name].as_str().unwrap_or_default();
                let words = format!("{} (until {})", text("code"), text("expires"));
                Ok(Done { words, json: answer })
            }
            Self::List { person } => {
                let query: Vec<(&str, &str)> = person.iter().map(|id| ("person", id.as_str())).collect();
                let fields = ["id", "person", "state", "last_contact"];
                listed(remote.get(&["devices"], &query)?, "devices", &fields)
            }
            Self::Revoke { device, lost } => {
                let answer = remote.post(&["devices", device, "revoke"], &[], &json!({ "lost": lost }))?;
                let words = format!("revoked: {}", answer["device"].as_str().unwrap_or_default());
                Ok(Done { words, json: answer })
            }
        }
    }
}
