//! What a command prints, and how it ends.

use std::io::{Write as _, stderr, stdout};
use std::process::ExitCode;

use serde_json::{Value as Json, json};

use crate::trouble::Trouble;

/// What a command has to say.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// For scripts.
    pub json: Json,
    /// For people.
    pub words: String,
    /// The exit status.
    pub exit: u8,
}

impl Answer {
    /// Says that it is done.
    pub fn done(json: Json, words: impl Into<String>) -> Self {
        Self { json, words: words.into(), exit: 0 }
    }

    /// Says what kept it from being done.
    pub fn failed(code: &str, message: &str, help: &str, exit: u8) -> Self {
        Self {
            json: json!({"error": {"code": code, "message": message, "help": help}}),
            words: format!("{}.\n{}.", capital(message), capital(help)),
            exit,
        }
    }

    /// Says what kept it from being done.
    pub fn of_trouble(trouble: &Trouble) -> Self {
        Self::failed(trouble.code(), &trouble.to_string(), &trouble.help(), trouble.exit_code())
    }

    /// Puts what is known beside what went wrong; of the two exit statuses the higher one counts.
    #[must_use]
    pub fn with_trouble(mut self, trouble: &Trouble) -> Self {
        let failed = Self::of_trouble(trouble);
        if let (Json::Object(known), Json::Object(error)) = (&mut self.json, failed.json) {
            known.extend(error);
        }
        self.words = format!("{}\n{}", self.words, failed.words);
        // Something wrong with this program or its folder is said even where work was held as well.
        self.exit = self.exit.max(failed.exit);
        self
    }

    /// Prints it, and returns how the program ends.
    pub fn print(self, json: bool) -> ExitCode {
        // Where nobody reads any more, as behind `| head`, there is nobody to tell: what was done is done.
        let _ = if json {
            writeln!(stdout(), "{}", self.json)
        } else if self.exit == 0 || self.json.get("error").is_none() {
            writeln!(stdout(), "{}", self.words)
        } else {
            writeln!(stderr(), "{}", self.words)
        };
        let _ = stdout().flush();
        ExitCode::from(self.exit)
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
