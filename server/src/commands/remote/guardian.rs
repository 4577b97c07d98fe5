//! `guardian invite`, `guardian list`, `guardian restrict`, `guardian end`.

use clap::Subcommand;
use serde_json::{Value, json};

use super::Remote;
use super::list::listed;
use crate::commands::{Done, Outcome};

#[derive(Debug, Subcommand)]
pub(in crate::commands) enum Guardian {
    /// Invite a guardian of a student, or the same one again
    Invite {
        /// The student
        #[arg(long, value_name = "ID")]
        student: String,
        /// The guardian's name
        #[arg(long)]
        name: String,
        /// The language of the page, such as en or es [default: the language spoken at home]
        #[arg(long)]
        language: Option<String>,
    },
    /// List guardians
    List {
        /// Of this student
        #[arg(long, value_name = "ID")]
        student: Option<String>,
    },
    /// Keep everything from a guardian, from the next request on
    Restrict {
        /// The guardian
        #[arg(value_name = "GUARDIAN")]
        guardian: String,
        /// Lift a restriction that was set by hand; the roster's stays
        #[arg(long)]
        lift: bool,
    },
    /// End a guardian's access for good
    End {
        /// The guardian
        #[arg(value_name = "GUARDIAN")]
        guardian: String,
    },
}

impl Guardian {
    pub(super) fn run(&self, remote: &Remote) -> Outcome {
        match self {
            Self::Invite { student, name, language } => {
                let body = json!({"student": student, "name": name, "language": language});
                let answer = remote.post(&["guardians"], &[], &body)?;
                Ok(invited(remote, &answer))
            }
            Self::List { student } => {
                let query: Vec<(&str, &str)> = student.iter().map(|id| ("student", id.as_str())).collect();
                let fields = ["id", "external_id", "student", "name", "language", "state"];
                listed(remote.get(&["guardians"], &query)?, "guardians", &fields)
            }
            Self::Restrict { guardian, lift } => {
                let body = json!({ "lift": lift });
                let answer = remote.post(&["guardians", guardian, "restrict"], &[], &body)?;
                Ok(named(answer, if *lift { "restriction lifted: " } else { "restricted: " }))
            }
            Self::End { guardian } => {
                Ok(named(remote.post(&["guardians", guardian, "end"], &[], &json!({}))?, "ended: "))
            }
        }
    }
}

/// The server answers under any name, so the address that was asked is the one that is given on.
fn invited(remote: &Remote, answer: &Value) -> Done {
    let text = |name: &str| answer[name].as_str().unwrap_or_default();
    let url = remote.beside(text("sign_in_path"));
    Done {
        words: format!("{url}\n{} (until {})", text("invitation"), text("expires")),
        json: json!({
            "guardian": answer["guardian"],
            "sign_in_url": url,
            "invitation": answer["invitation"],
            "expires": answer["expires"],
        }),
    }
}

fn named(answer: Value, words: &str) -> Done {
    Done { words: format!("{words}{}", answer["guardian"].as_str().unwrap_or_default()), json: answer }
}
