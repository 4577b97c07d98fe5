//! `grant add`, `grant end`, `grant list`.

use clap::{Args, Subcommand};
use jiff::civil::Date;
use serde_json::{Value, json};
use sync_core::roster::role::Role;

use super::Remote;
use super::list::listed;
use crate::commands::{Done, Outcome};

#[derive(Debug, Subcommand)]
pub(in crate::commands) enum Grant {
    /// Give a person a place on a student's team
    Add(Add),
    /// End a place with its last day, which may be past
    End(End),
    /// List places
    List(List),
}

#[derive(Debug, Args)]
pub(in crate::commands) struct Add {
    /// The student
    #[arg(long, value_name = "ID")]
    student: String,
    /// The person
    #[arg(long, value_name = "ID")]
    person: String,
    /// As what: slp ot pt psy set cm para asst
    #[arg(long)]
    role: Role,
    /// The first day
    #[arg(long, value_name = "DATE")]
    from: Date,
    /// The last day, included
    #[arg(long, value_name = "DATE")]
    to: Option<Date>,
    /// Who signs for an assistant or paraprofessional
    #[arg(long, value_name = "ID")]
    supervisor: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, Args)]
pub(in crate::commands) struct End {
    /// The grant
    #[arg(value_name = "GRANT")]
    grant: String,
    /// The last day, included
    #[arg(long, value_name = "DATE")]
    on: Date,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, Args)]
pub(in crate::commands) struct List {
    /// Of this student
    #[arg(long, value_name = "ID")]
    student: Option<String>,
    /// Of this person
    #[arg(long, value_name = "ID")]
    person: Option<String>,
}

impl Grant {
    pub(super) fn run(&self, remote: &Remote) -> Outcome {
        match self {
            Self::Add(add) => {
                let body = json!({
                    "student": add.student,
                    "person": add.person,
                    "role": add.role,
                    "from": add.from,
                    "to": add.to,
                    "supervisor": add.supervisor,
                    "reason": add.reason,
                });
                Ok(named(remote.post(&["grants"], &[], &body)?, "given: "))
            }
            Self::End(end) => {
                let body = json!({"on": end.on, "reason": end.reason});
                let answer = remote.post(&["grants", &end.grant, "end"], &[], &body)?;
                Ok(named(answer, "ended: "))
            }
            Self::List(list) => {
                let query = [("student", list.student.as_deref()), ("person", list.person.as_deref())];
                let query: Vec<(&str, &str)> =
                    query.into_iter().filter_map(|(name, id)| Some((name, id?))).collect();
                let fields = ["id", "student", "person", "role", "from", "to", "state"];
                listed(remote.get(&["grants"], &query)?, "grants", &fields)
            }
        }
    }
}

fn named(answer: Value, words: &str) -> Done {
    Done { words: format!("{words}{}", answer["grant"].as_str().unwrap_or_default()), json: answer }
}
