//! `person list` and `student list`.

use clap::Subcommand;
use serde_json::Value;

use super::Remote;
use crate::commands::{Done, Outcome};

#[derive(Debug, Subcommand)]
pub(in crate::commands) enum Person {
    /// List everybody
    List,
}

#[derive(Debug, Subcommand)]
pub(in crate::commands) enum Student {
    /// List all students with teams, goals and service lines
    List,
}

impl Person {
    pub(super) fn run(&self, remote: &Remote) -> Outcome {
        let Self::List = self;
        listed(remote.get(&["people"], &[])?, "people", &["external_id", "role", "name", "school"])
    }
}

impl Student {
    pub(super) fn run(&self, remote: &Remote) -> Outcome {
        let Self::List = self;
        listed(remote.get(&["students"], &[])?, "students", &["external_id", "display_name"])
    }
}

/// Answers with a list, a line of these fields for each row.
pub(super) fn listed(answer: Value, list: &str, fields: &[&str]) -> Outcome {
    let rows = answer[list].as_array().map(Vec::as_slice).unwrap_or_default();
    let line = |row: &Value| fields.iter().map(|field| cell(&row[*field])).collect::<Vec<_>>().join("  ");
    let mut lines: Vec<String> = rows.iter().map(line).collect();
    if lines.is_empty() {
        lines.push(format!("no {list}"));
    }
    Ok(Done { words: lines.join("\n"), json: answer })
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}
