//! The program `carryover-tablet`: a tablet without a screen, for scripts and tests.
//!
//! Only `pair`, `sync`, `admit` and `decline` use the network. Every other command reads and writes the folder alone, and what it prints
//! as done is on the medium.

mod answer;
mod args;
mod edit;
mod live;
mod log;
mod look;
mod network;
mod tally;
mod words;

use std::io::Write as _;
use std::process::ExitCode;

pub use answer::Answer;
use args::{Cli, Command};
use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _};

use crate::clock::Clock;
use crate::code::Code;
use crate::deeds::LocalPolicy;
use crate::tools::Tools;
use crate::trouble::Trouble;

/// Runs the program.
pub fn main() -> ExitCode {
    let words: Vec<std::ffi::OsString> = std::env::args_os().collect();
    let json = words.iter().any(|word| word == "--json");
    let parsed = Cli::command().try_get_matches_from(words).and_then(|matches| {
        let cli = Cli::from_arg_matches(&matches)?;
        Ok((cli, matches))
    });
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return usage(json, &error),
    };
    match run(cli, &matches) {
        Ok(answer) => answer.print(json),
        Err(trouble) => Answer::of_trouble(&trouble).print(json),
    }
}

fn usage(json: bool, error: &clap::Error) -> ExitCode {
    if !error.use_stderr() || !json {
        // Help and version go to standard output and are no failure.
        drop(error.print());
        return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
    }
    let none_given = [ErrorKind::MissingSubcommand, ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand]
        .contains(&error.kind());
    let message = if none_given {
        "no command was given".to_owned()
    } else {
        // What is wrong may take several lines, such as one for each argument that is missing; how to use it comes behind.
        let text = error.to_string();
        let what = text.split("\n\n").next().unwrap_or_default();
        let what: Vec<&str> = what.lines().map(str::trim).collect();
        what.join(" ").trim_start_matches("error: ").to_owned()
    };
    Answer::failed(Code::Usage.as_str(), &message, "see `carryover-tablet --help`", 2).print(json)
}

fn run(cli: Cli, matches: &clap::ArgMatches) -> Result<Answer, Trouble> {
    let policy = if cli.no_local_policy { LocalPolicy::Skipped } else { LocalPolicy::Kind };
    let tools = &Tools::open(&cli.store, Clock::start(cli.clock.unwrap_or_default()), policy)?;
    if tools.store.was_mended()
        && let Some(damage) = tools.store.damage()?
    {
        let _ = writeln!(std::io::stderr(), "{}", damage.words());
    }
    let inner = matches.subcommand().map(|(_, inner)| inner);
    match cli.command {
        Command::Pair(args) => network::pair(tools, &args),
        Command::Sync(args) => network::sync(tools, &args),
        Command::Admit(args) => network::admit(tools, &args.ids),
        Command::Decline(args) => network::decline(tools, &args.ids, &args.reason),
        Command::Caseload => look::caseload(tools),
        Command::Record(args) => look::record(tools, &args),
        Command::Conflicts => look::conflicts(tools),
        Command::Status(args) => look::status(tools, &args),
        Command::Holds => look::holds(tools),
        Command::Hold(args) => look::hold(tools, &args.id),
        Command::Log(args) => log::session(tools, &args, inner),
        Command::Missed(args) => log::missed(tools, &args),
        Command::Amend(args) => edit::amend(tools, &args),
        Command::Void(args) => edit::void(tools, &args),
        Command::Certify(args) => edit::certify(tools, &args.ids),
        Command::Goal(args) => edit::goal(tools, &args),
        Command::Resolve(args) => edit::resolve(tools, &args),
        Command::Withdraw(args) => edit::withdraw(tools, &args.id),
        Command::Correct(args) => edit::correct(tools, &args),
        Command::Tally(command) => tally::run(tools, &command.command),
        Command::Start(args) => live::start(tools, &args),
        Command::Tap(args) => live::tap(tools, &args),
        Command::Trial(args) => live::trial(tools, &args),
        Command::Undo(args) => live::undo(tools, args.live),
        Command::Live(args) => live::show(tools, args.live),
        Command::Leave(args) => live::leave(tools, &args),
        Command::Finish(args) => live::finish(tools, &args),
    }
}
