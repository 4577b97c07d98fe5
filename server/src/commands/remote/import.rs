//! `import DIR`: the roster's files, all of them or none.

use std::io::{Write as _, stderr};
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde_json::{Map, Value, json};

use super::Remote;
use crate::commands::{CommandError, Done, Exit, Outcome};
use crate::import::read_folder;

#[derive(Debug, Args)]
pub(in crate::commands) struct Import {
    /// The folder with the CSV files
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Say what would be, and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl Import {
    pub(super) fn run(&self, remote: &Remote, json: bool) -> Outcome {
        let files = read_folder(&self.folder).map_err(|error| {
            CommandError::of(Exit::Usage, "unreadable_folder", &error, "name the folder with the CSV files")
        })?;
        let packed: Map<String, Value> =
            files.into_iter().map(|(name, bytes)| (name, STANDARD.encode(bytes).into())).collect();
        let dry_run = if self.dry_run { "true" } else { "false" };
        let answer = remote.post(&["import"], &[("dry_run", dry_run)], &json!({ "files": packed }));
        let answer = answer.map_err(|error| with_errors(error, json))?;
        let would = if self.dry_run { "would be " } else { "" };
        let words = format!(
            "{would}created {}, {would}changed {}, unchanged {}",
            answer["created"], answer["changed"], answer["unchanged"]
        );
        Ok(Done { words, json: answer })
    }
}

/// Lists the errors beside the refusal: as fields for programs, as lines for people.
fn with_errors(error: CommandError, json: bool) -> CommandError {
    let errors = error.detail("errors").cloned().unwrap_or_else(|| json!([]));
    if !json {
        for one in errors.as_array().into_iter().flatten() {
            let text = |name: &str| one[name].as_str().unwrap_or_default();
            let place = format!("{}, line {}, column {}", text("file"), one["line"], one["column"]);
            // Nobody is left to tell where standard error is gone.
            let _ = writeln!(stderr(), "{place}: {}", text("message"));
        }
    }
    error.with(json!({"created": 0, "changed": 0, "unchanged": 0, "errors": errors}))
}
