//! How a command ends: an answer or an error, in words or as JSON, and an exit status that scripts can rely on.

use std::error::Error;
use std::io::{Write as _, stderr, stdout};
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::auth::keys::KeysError;
use crate::engine::{FoundError, OpenEngineError};
use crate::register::OwnError;
use crate::store::OpenError;

/// The exit status of a command that did not do what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Anything that no other status names.
    Failed,
    /// A usage, or a value that cannot be: nothing was made.
    Usage,
    /// The server could not be reached.
    Unreachable,
    /// Not allowed here: nothing was made.
    NotAllowed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Unreachable => 3,
            Exit::NotAllowed => 7,
        })
    }
}

/// What a command answers. A command that answered while it ran has nothing more to say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Done {
    /// For programs.
    pub json: Value,
    /// For people.
    pub words: String,
}

/// Why a command did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandError {
    exit: Exit,
    code: String,
    message: String,
    help: String,
    /// What was found out all the same.
    found: Option<Box<Value>>,
    /// What a server's refusal says beside the three.
    details: Option<Box<Value>>,
}

/// How a command ends.
pub type Outcome = Result<Done, CommandError>;

impl CommandError {
    /// Makes an error: a stable code, what happened, and what to do.
    pub fn new(exit: Exit, code: &str, message: impl Into<String>, help: &str) -> Self {
        Self {
            exit,
            code: code.into(),
            message: message.into(),
            help: help.into(),
            found: None,
            details: None,
        }
    }

    /// Makes an error of one of the library's, with all that it says of its causes.
    pub fn of(exit: Exit, code: &str, error: &dyn Error, help: &str) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_words = cause.to_string();
            if !message.ends_with(&cause_words) {
                message = format!("{message}: {cause_words}");
            }
            source = cause.source();
        }
        Self::new(exit, code, message, help)
    }

    /// Adds what a server's refusal says beside code, message and help.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.details = Some(Box::new(details));
        self
    }

    /// Returns the exit status.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Returns what was found out all the same.
    pub fn found(&self) -> Option<&Value> {
        self.found.as_deref()
    }

    /// Returns one thing of what a server's refusal says.
    pub fn detail(&self, name: &str) -> Option<&Value> {
        self.details.as_ref()?.get(name)
    }

    /// Adds what was found out all the same: its fields stand beside `error`.
    #[must_use]
    pub fn with(mut self, found: Value) -> Self {
        self.found = Some(Box::new(found));
        self
    }
}

impl From<OpenEngineError> for CommandError {
    fn from(error: OpenEngineError) -> Self {
        let (exit, code, help) = match &error {
            OpenEngineError::Keys(KeysError::Missing(_)) => {
                (Exit::Failed, "keys_missing", "put the keys folder back, or name it with --keys")
            }
            OpenEngineError::Keys(_) | OpenEngineError::Own(OwnError::Unreadable(_)) => {
                (Exit::Failed, "keys", "the message names the file; put the keys folder back from its copy")
            }
            OpenEngineError::Own(OwnError::OtherKeys(_)) => {
                (Exit::Failed, "other_keys", "name the right folder with --keys")
            }
            OpenEngineError::Register(_) => (
                Exit::Failed,
                "keys",
                "the message names the file; if it is damaged, a copy of the keys folder has another one",
            ),
            OpenEngineError::NotFounded(_) => (Exit::Usage, "not_founded", "run `carryover init` first"),
            OpenEngineError::Store(OpenError::Locked(_)) => {
                (Exit::Failed, "in_use", "another carryover serves this folder: stop it first")
            }
            OpenEngineError::Store(OpenError::Damaged { .. }) => (
                Exit::Failed,
                "damaged",
                "nothing was changed; run `carryover verify`, then restore from a backup",
            ),
            OpenEngineError::Store(OpenError::Missing { .. }) => {
                (Exit::Usage, "no_data", "check --data, or run `carryover init`")
            }
            OpenEngineError::Entry { .. } => (Exit::Failed, "damaged", "run `carryover verify`"),
            OpenEngineError::Store(_)
            | OpenEngineError::CatchUp(_)
            | OpenEngineError::Read(_)
            | OpenEngineError::Desk(_)
            | OpenEngineError::Append(_)
            | OpenEngineError::Sync(_)
            | OpenEngineError::System(_)
            | OpenEngineError::Own(OwnError::Io(_))
            | OpenEngineError::Tokens(_) => (Exit::Failed, "storage", "check the disk, then try again"),
        };
        Self::of(exit, code, &error, help)
    }
}

impl From<FoundError> for CommandError {
    fn from(error: FoundError) -> Self {
        match error {
            FoundError::Exists(_) => {
                Self::of(Exit::Usage, "exists", &error, "name another folder with --data")
            }
            FoundError::Open(error) => error.into(),
        }
    }
}

/// Prints an outcome and returns the process's status.
pub(super) fn print(json: bool, outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(done) => {
            match (json, &done.json) {
                (_, Value::Null) => {}
                (true, answer) => say(answer),
                (false, _) => say(&done.words),
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            if json {
                let mut object = match error.found.map(|found| *found) {
                    Some(Value::Object(found)) => found,
                    Some(_) | None => serde_json::Map::new(),
                };
                let fields = json!({"code": error.code, "message": error.message, "help": error.help});
                object.insert("error".into(), fields);
                say(Value::Object(object).to_string());
            } else {
                // Nobody is left to tell where standard error is gone.
                let _ = writeln!(stderr(), "error: {}\n  help: {}", error.message, error.help);
            }
            error.exit.into()
        }
    }
}

/// Prints a line on standard output; a reader that went away is no failure of the command.
pub(super) fn say(line: impl std::fmt::Display) {
    let mut out = stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Says something to people beside the answer, on standard error.
pub(super) fn warn(line: impl std::fmt::Display) {
    // Nobody is left to tell where standard error is gone.
    let _ = writeln!(stderr(), "warning: {line}");
}
