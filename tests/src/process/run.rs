//! Running a program to its end, within a bound.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::clock::now;

/// How long anything may take before the test fails, in seconds. Far above what is usual: other tests run beside this one.
pub const WAIT_S_MAX: u64 = 90;
/// How often is looked whether it has happened, in milliseconds.
const STEP_MS: u64 = 4;

/// What became of a program.
#[derive(Debug, Clone)]
pub struct Ran {
    /// Its exit status; none where a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it said to people.
    pub stderr: String,
}

impl Ran {
    /// Returns itself if the program was content.
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }
}

/// Returns where a program of the workspace lies: beside the test that asks, where cargo puts both.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let mut folders = test.ancestors().skip(1).take(3);
    folders.find_map(|folder| Some(folder.join(name)).filter(|path| path.is_file())).unwrap_or_else(|| {
        panic!("{name} is not built: run `cargo build --workspace --bins --features testing`")
    })
}

/// Asks until there is an answer, and fails the test when there is none in time.
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < Duration::from_secs(WAIT_S_MAX), "waited in vain: {what}");
        thread::sleep(Duration::from_millis(STEP_MS));
    }
}

/// Ends the process with itself.
#[derive(Debug)]
pub(super) struct Guard(pub(super) Child);

impl Guard {
    /// Waits for the end.
    pub(super) fn wait(&mut self, what: &str) -> ExitStatus {
        eventually(what, || self.0.try_wait().unwrap())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A program that goes on until it ends or is stopped; killed with the value.
#[derive(Debug)]
pub(super) struct Running {
    what: String,
    child: Guard,
    stdout: JoinHandle<String>,
    stderr: JoinHandle<String>,
}

impl Running {
    /// Starts a program.
    pub(super) fn start(command: &mut Command) -> Self {
        let what = format!("{command:?}");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Guard(command.spawn().unwrap());
        let (stdout, stderr) = (gather(child.0.stdout.take()), gather(child.0.stderr.take()));
        Self { what, child, stdout, stderr }
    }

    /// Returns whether it has not ended by itself.
    pub(super) fn goes_on(&mut self) -> bool {
        self.child.0.try_wait().unwrap().is_none()
    }

    /// Sends it a signal, by its name without `SIG`.
    pub(super) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Waits for the end.
    pub(super) fn end(mut self) -> Ran {
        let status = self.child.wait(&self.what);
        Ran { code: status.code(), stdout: self.stdout.join().unwrap(), stderr: self.stderr.join().unwrap() }
    }
}

/// Runs a program to its end.
pub(super) fn run(command: &mut Command) -> Ran {
    Running::start(command).end()
}

/// Sends a process a signal, by its name without `SIG`.
pub(super) fn signal(process: &Guard, name: &str) {
    run(Command::new("kill").args([&format!("-{name}"), &process.0.id().to_string()])).ok();
}

/// Reads beside, so that no pipe fills up.
fn gather(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut text = Vec::new();
        pipe.unwrap().read_to_end(&mut text).unwrap();
        String::from_utf8_lossy(&text).into_owned()
    })
}

/// Takes a command line apart as a shell would: at spaces, but not within single quotes.
pub fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}
