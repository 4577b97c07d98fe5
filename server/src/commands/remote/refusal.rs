//! `refusal list`.

use clap::Subcommand;

use super::Remote;
use super::list::listed;
use crate::commands::Outcome;

/// What a line about a refusal says.
const FIELDS: [&str; 6] = ["seq", "code", "author", "device", "student", "document"];

#[derive(Debug, Subcommand)]
pub(in crate::commands) enum Refusal {
    /// List what was refused, the newest first: from whom, for what, and why
    List,
}

impl Refusal {
    pub(super) fn run(&self, remote: &Remote) -> Outcome {
        let answer = match self {
            Self::List => remote.get(&["refusals"], &[])?,
        };
        listed(answer, "refusals", &FIELDS)
    }
}
