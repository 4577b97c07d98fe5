//! What `carryover` does: on the machine itself, and with `--server` from anywhere.
//!
//! Answers go to standard output: a line for people, or with `--json` one object and nothing else. Progress and warnings go to standard
//! error. Every command takes `--keys` and `--clock`; see [`Outcome`] for the exit status.

mod announce;
mod backup;
mod demo;
mod init;
mod outcome;
mod rebuild;
mod remote;
mod restore;
mod serve;
mod token;
mod verify;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

pub use announce::{Announced, announcement};
pub use outcome::{CommandError, Done, Exit, Outcome};
pub use serve::{Listening, serve_engine};

use crate::auth::keys::default_folder;
use crate::clock::{Clock, ClockSetting};
use crate::engine::Settings;
use crate::telemetry::{FILTER_DEFAULT, LogFormat};

/// The server of Carryover, and its administration from anywhere.
#[derive(Debug, Parser)]
#[command(name = "carryover", version, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Print one JSON object on standard output, and nothing else there
    #[arg(long, global = true)]
    json: bool,
    /// The server that a command speaks to
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
    /// The token to speak to it with
    #[arg(long, global = true, value_name = "TOKEN")]
    token: Option<String>,
    /// The folder with the server's keys [default: the data folder's name with .keys]
    #[arg(long, global = true, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// Start the clock at an instant (RFC 3339), or shift it (+3d, -90m)
    #[arg(long, global = true, value_name = "TIME", allow_hyphen_values = true)]
    clock: Option<ClockSetting>,
    /// What is logged to standard error
    #[arg(long, global = true, value_name = "FILTER", default_value = FILTER_DEFAULT)]
    log: String,
    /// Log one JSON object per line
    #[arg(long, global = true)]
    log_json: bool,
}

impl Common {
    /// Returns the program's clock, running.
    pub fn clock(&self) -> Clock {
        Clock::start(self.clock.unwrap_or_default())
    }

    /// Returns the folder of the keys to a data folder.
    pub fn keys(&self, data: &Path) -> PathBuf {
        self.keys.clone().unwrap_or_else(|| default_folder(data))
    }

    /// Returns where an engine finds what it serves.
    pub fn settings(&self, data: &Path) -> Settings {
        Settings {
            data: data.to_owned(),
            keys: self.keys(data),
            clock: self.clock(),
            verbatim: true,
            policy: None,
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Found an empty organisation
    Init(init::Init),
    /// Found the demo district, if the folder is empty, and serve it
    Demo(demo::Demo),
    /// Serve what is in the data folder, until told to stop
    Serve(serve::Serve),
    /// Administration that needs only the keys
    #[command(subcommand)]
    Admin(Admin),
    /// Check every record of every file; also beside a running server
    Verify(verify::Verify),
    /// Build the index anew from the log
    Rebuild(rebuild::Rebuild),
    /// Copy the data, also beside a running server; the keys are left out
    Backup(backup::Backup),
    /// Make a data folder of a backup; needs the keys
    Restore(restore::Restore),
    #[command(flatten)]
    Remote(remote::RemoteCommand),
}

#[derive(Debug, Subcommand)]
enum Admin {
    /// Make a token for scripts: an administrator's, or that of a coordinator or case manager
    Token(token::Token),
}

/// Runs the program with the process's arguments.
pub fn run() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let json = arguments.iter().any(|argument| argument == "--json");
    let (json, outcome) = match Cli::try_parse_from(&arguments) {
        Ok(cli) => (cli.common.json, carry_out(&cli)),
        // Help and version are answers, and go to standard output as they are.
        Err(error) if !error.use_stderr() || !json => {
            return match error.print() {
                Ok(()) if !error.use_stderr() => ExitCode::SUCCESS,
                Ok(()) | Err(_) => Exit::Usage.into(),
            };
        }
        Err(error) => {
            let message = error.to_string();
            // The first paragraph says what is wrong; usage and hints follow.
            let what: Vec<&str> =
                message.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
            let what = what.join(" ").trim_start_matches("error: ").to_owned();
            let help = "run with --help for what each command takes";
            (true, Err(CommandError::new(Exit::Usage, "usage", what, help)))
        }
    };
    outcome::print(json, outcome)
}

fn carry_out(cli: &Cli) -> Outcome {
    let format = if cli.common.log_json { LogFormat::Json } else { LogFormat::Text };
    crate::telemetry::init(format, &cli.common.log)
        .map_err(|error| CommandError::of(Exit::Usage, "log_filter", &error, "see --log"))?;
    match &cli.command {
        Command::Init(command) => command.run(&cli.common),
        Command::Demo(command) => command.run(&cli.common),
        Command::Serve(command) => command.run(&cli.common),
        Command::Admin(Admin::Token(command)) => command.run(&cli.common),
        Command::Verify(command) => command.run(&cli.common),
        Command::Rebuild(command) => command.run(),
        Command::Backup(command) => command.run(&cli.common),
        Command::Restore(command) => command.run(&cli.common),
        Command::Remote(command) => command.run(&cli.common),
    }
}
