//! `hold list`, `hold show`, `hold admit`, `hold decline`.

use clap::Subcommand;
use serde_json::json;

use super::Remote;
use super::list::listed;
use crate::commands::Outcome;

/// What a line about a hold says.
const FIELDS: [&str; 7] = ["id", "state", "reason", "late", "what", "present", "proposed"];

#[derive(Debug, Subcommand)]
pub(in crate::commands) enum Hold {
    /// List what waits
    List,
    /// Show one hold
    Show {
        /// The hold
        #[arg(value_name = "ID")]
        hold: String,
    },
    /// Let holds stand
    Admit {
        /// The holds
        #[arg(value_name = "ID", required = true)]
        holds: Vec<String>,
    },
    /// Decline holds
    Decline {
        /// The holds
        #[arg(value_name = "ID", required = true)]
        holds: Vec<String>,
        /// Why; their authors read it
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

impl Hold {
    pub(super) fn run(&self, remote: &Remote) -> Outcome {
        let answer = match self {
            Self::List => remote.get(&["holds"], &[])?,
            Self::Show { hold } => remote.get(&["holds", hold], &[])?,
            Self::Admit { holds } => remote.post(&["holds", "admit"], &[], &json!({ "holds": holds }))?,
            Self::Decline { holds, reason } => {
                remote.post(&["holds", "decline"], &[], &json!({"holds": holds, "reason": reason}))?
            }
        };
        listed(answer, "holds", &FIELDS)
    }
}
