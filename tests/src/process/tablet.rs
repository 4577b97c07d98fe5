//! The tablet's program.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::clock::SchoolClock;
use super::network::Network;
use super::run::{Guard, Ran, Running, program, run, words};

/// What a command said.
#[derive(Debug, Clone)]
pub struct Said {
    /// The exit status; none where a signal ended it.
    pub code: Option<i32>,
    /// The one object on standard output; null where there was none.
    pub json: Value,
    /// What it said to people.
    pub stderr: String,
}

/// One person's tablet: a store, and the network between it and the server.
#[derive(Debug)]
pub struct Tablet {
    /// Whose it is, by external id.
    pub person: String,
    /// What is between it and the server.
    pub network: Network,
    store: PathBuf,
    clock: SchoolClock,
    at: Option<String>,
}

impl Tablet {
    /// Unpacks a tablet whose store lies in a folder.
    pub fn new(person: &str, store: &Path, network: Network, clock: SchoolClock) -> Self {
        Self { person: person.to_owned(), network, store: store.to_owned(), clock, at: None }
    }

    /// Sets its clock to an instant, at which every command then begins; without one it shows the world's time.
    pub fn set_clock(&mut self, at: Option<&str>) {
        self.at = at.map(str::to_owned);
    }

    /// Returns the folder of everything it keeps.
    pub fn store(&self) -> &Path {
        &self.store
    }

    /// Runs a command, whatever comes of it.
    pub fn run(&self, line: &str) -> Said {
        said(line, run(self.command(line).arg("--json")))
    }

    /// Runs a command that must be done, and returns what it printed.
    pub fn ok(&self, line: &str) -> Value {
        self.exits(0, line)
    }

    /// Runs a command that must end with this status, and returns what it printed.
    pub fn exits(&self, code: i32, line: &str) -> Value {
        let said = self.run(line);
        assert_eq!(said.code, Some(code), "{}: {line}: {said:#?}", self.person);
        said.json
    }

    /// Returns what a command says to people, in words.
    pub fn in_words(&self, line: &str) -> String {
        run(&mut self.command(line)).ok().stdout
    }

    /// Runs a command that is told to die at a place.
    pub fn run_crashing(&self, at: &str, line: &str) -> Said {
        said(line, run(self.command(line).arg("--json").env("CARRYOVER_CRASH_AT", at)))
    }

    /// Runs a command on a medium on which the store cannot grow any more.
    pub fn run_full(&self, line: &str) -> Said {
        said(line, run(self.command(line).arg("--json").env("CARRYOVER_FULL_MEDIUM", "1")))
    }

    /// Runs a command, and kills it as soon as it has printed its answer, which is returned.
    pub fn run_killed_after_answer(&self, line: &str) -> Value {
        let mut command = self.command(line);
        command.arg("--json").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = Guard(command.spawn().unwrap());
        let mut answer = String::new();
        BufReader::new(child.0.stdout.take().unwrap()).read_line(&mut answer).unwrap();
        child.0.kill().unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    /// Starts a command and leaves it running; it is killed with the value.
    pub fn start(&self, line: &str) -> impl Drop + use<> {
        let mut command = self.command(line);
        command.arg("--json").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Guard(command.spawn().unwrap())
    }

    /// Starts `sync --watch`, which goes on until it is stopped.
    pub fn watch(&self) -> Watching {
        Watching(Running::start(self.command("sync --watch").arg("--json")))
    }

    /// Returns a student's effective record.
    pub fn record(&self, student: &str) -> Value {
        self.ok(&format!("record --student {student}"))
    }

    /// Returns where in its files a text stands, as it is or in capitals or small letters.
    pub fn files_with(&self, text: &str) -> Vec<PathBuf> {
        let wanted = text.to_lowercase();
        let mut found = Vec::new();
        let mut folders = vec![self.store.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if holds(&fs::read(&path).unwrap(), wanted.as_bytes()) {
                    found.push(path);
                }
            }
        }
        found
    }

    fn command(&self, line: &str) -> Command {
        let clock = self.at.clone().unwrap_or_else(|| self.clock.text());
        let mut command = Command::new(program("carryover-tablet"));
        command.arg("--store").arg(&self.store).args(["--clock", &clock]).args(words(line));
        command
    }
}

/// A tablet that keeps in step by itself; killed with the value.
#[derive(Debug)]
pub struct Watching(Running);

impl Watching {
    /// Returns whether it is still at it.
    pub fn goes_on(&mut self) -> bool {
        self.0.goes_on()
    }

    /// Waits until it has ended by itself, and returns what it said.
    pub fn end(self) -> Said {
        said("sync --watch", self.0.end())
    }

    /// Stops it by a signal (`TERM`, as a service manager does, or `INT`, as a person at a keyboard does), and returns what it said at its end.
    pub fn stop(self, signal: &str) -> Said {
        self.0.signal(signal);
        said("sync --watch", self.0.end())
    }
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.to_ascii_lowercase().windows(wanted.len()).any(|window| window == wanted)
}

fn said(line: &str, ran: Ran) -> Said {
    let json = if ran.stdout.trim().is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{line}: {error}: {ran:#?}"))
    };
    Said { code: ran.code, json, stderr: ran.stderr }
}
