//! A server in a process of its own, and what it takes: processor's time and memory, as the system counts them.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use sync_core::time::Zone;
use tests::process::program;

use crate::measure::Failed;
use crate::school::EVENING;

/// The system's ticks of processor's time a second; Linux shows all programs the same, whatever it counts by itself.
const TICKS_PER_S: u64 = 100;
/// How far the two ways of counting may be apart: a tick at either end of either kind of time.
const TICKS_APART_MAX: Duration = Duration::from_millis(40);
/// How often is looked whether a server has come to rest.
const STEP: Duration = Duration::from_millis(50);
/// The processor's time in such a step, below which it has.
const REST: Duration = Duration::from_millis(2);
const HOUR_MS: i64 = 3_600_000;
/// Steps at rest after which it is believed: longer than a server puts work off. Ours applies rows to its index after a quarter of a
/// second, and sled tidies up every half one.
const RESTING_STEPS: u32 = 14;

/// A server that runs until it is dropped.
pub struct Program {
    child: Child,
    /// Where it answers.
    pub url: String,
}

/// The processor's time of a process so far.
#[derive(Debug, Clone, Copy)]
pub struct Spent {
    /// In nanoseconds, of the threads that live.
    threads: Duration,
    /// In ticks, of all threads that ever were and of children that ended.
    all: Duration,
}

impl Program {
    /// Serves what is in a school's folder.
    pub fn carryover(folder: &Path) -> Result<Self, Failed> {
        let mut command = Command::new(program("carryover"));
        // Later than anything that was done in the folder.
        let clock = Zone::named("UTC")?.rfc3339(EVENING.plus_ms(HOUR_MS));
        command.args(["--json", "--clock", &clock, "--keys"]).arg(folder.join("keys"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(folder.join("data"));
        // One line for each request, as it is served anywhere; where the lines go is not what is measured.
        command.stderr(Stdio::null());
        let mut started = Self::start(&mut command)?;
        let said: serde_json::Value = serde_json::from_str(&started.url)?;
        started.url = said["server"].as_str().ok_or("the server does not say where it answers")?.to_owned();
        Ok(started)
    }

    /// Starts the floor; with `check` it parses each change and verifies its hash.
    pub fn floor(file: &Path, check: bool) -> Result<Self, Failed> {
        let floor = option_env!("CARGO_BIN_EXE_floor")
            .ok_or("built without the feature `bench`: run `make bench`")?;
        Self::start(Command::new(floor).arg(file).args(check.then_some("--check")))
    }

    fn start(command: &mut Command) -> Result<Self, Failed> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut said = BufReader::new(child.stdout.take().ok_or("no pipe")?);
        let mut started = Self { child, url: String::new() };
        said.read_line(&mut started.url)?;
        started.url.truncate(started.url.trim_end().len());
        match started.url.is_empty() {
            true => Err("a server ended before it answered".into()),
            false => Ok(started),
        }
    }

    /// Returns the processor's time that it has taken so far.
    pub fn spent(&self) -> Result<Spent, Failed> {
        let mut threads = Duration::ZERO;
        for task in fs::read_dir(self.file("task"))? {
            // A thread may end while it is looked at.
            let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
            threads += Duration::from_nanos(number(text.split_whitespace().next())?);
        }
        let text = fs::read_to_string(self.file("stat"))?;
        // The name of the program stands in brackets, and may have spaces in it.
        let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = (11..15).map(|field| number(fields.get(field).copied())).sum::<Result<u64, Failed>>()?;
        Ok(Spent { threads, all: Duration::from_millis(ticks * 1000 / TICKS_PER_S) })
    }

    /// Waits until it has nothing left to do: work put off belongs to whatever caused it.
    pub fn rest(&self) -> Result<(), Failed> {
        let (mut before, mut resting) = (self.spent()?, 0);
        while resting < RESTING_STEPS {
            thread::sleep(STEP);
            let now = self.spent()?;
            resting = if now.since(before) < REST { resting + 1 } else { 0 };
            before = now;
        }
        Ok(())
    }

    /// Returns the memory that it has at the moment, in MiB.
    pub fn resident_mib(&self) -> Result<f64, Failed> {
        self.status("VmRSS:")
    }

    /// Returns the most memory that it ever had, in MiB.
    pub fn peak_mib(&self) -> Result<f64, Failed> {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> Result<f64, Failed> {
        let text = fs::read_to_string(self.file("status"))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let kib = number(line.and_then(|line| line.split_whitespace().next()))?;
        Ok(kib as f64 / 1024.0)
    }

    fn file(&self, name: &str) -> String {
        format!("/proc/{}/{name}", self.child.id())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Spent {
    /// Returns the time since then, as exactly as it is known: where a thread has ended in between, its time is only in the ticks.
    pub fn since(self, then: Self) -> Duration {
        let threads = self.threads.saturating_sub(then.threads);
        let all = self.all.saturating_sub(then.all);
        if threads.abs_diff(all) <= TICKS_APART_MAX { threads } else { all }
    }
}

fn number(text: Option<&str>) -> Result<u64, Failed> {
    Ok(text.ok_or("the system does not say")?.parse()?)
}
