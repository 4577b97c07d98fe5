//! The server's program: an installation on a disk, and the process that serves it.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::clock::SchoolClock;
use super::district::ZONE;
use super::run::{Guard, Ran, eventually, program, run, signal, words};

/// A data folder and its keys, whether or not they are being served.
#[derive(Debug, Clone)]
pub struct Installation {
    folder: PathBuf,
    clock: SchoolClock,
    /// The size of the disk that the folder is to be; none for the machine's own.
    disk_bytes: Option<u64>,
}

impl Installation {
    /// Founds an empty organisation below a folder.
    pub fn found(folder: &Path, clock: SchoolClock) -> Self {
        Self::at(folder, clock).founded()
    }

    /// As [`Self::found`], on a disk of its own of so many bytes, as the programs are told; keys and data lie on it.
    pub fn found_on_a_disk(folder: &Path, clock: SchoolClock, bytes: u64) -> Self {
        Self { disk_bytes: Some(bytes), ..Self::at(folder, clock) }.founded()
    }

    fn founded(self) -> Self {
        self.carryover(&format!("init --name 'Oak District' --zone {ZONE} --data"), &[]).ok();
        self
    }

    /// Returns what was copied of an installation.
    pub fn at(folder: &Path, clock: SchoolClock) -> Self {
        Self { folder: folder.to_owned(), clock, disk_bytes: None }
    }

    /// Returns the same installation at another time.
    #[must_use]
    pub fn at_time(self, clock: SchoolClock) -> Self {
        Self { clock, ..self }
    }

    /// Returns the folder that all of it lies in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Runs a command of the machine itself; the line ends where the data folder belongs.
    pub fn carryover(&self, line: &str, env: &[(&str, &str)]) -> Ran {
        run(self.command(line).envs(env.iter().copied()))
    }

    /// Runs a command that names its folders itself.
    pub fn run(&self, line: &str) -> Ran {
        run(&mut self.bare(line))
    }

    /// Returns the keys folder.
    pub fn keys(&self) -> PathBuf {
        self.folder.join("data.keys")
    }

    /// Checks every record of every file, and whatever stands beside them.
    pub fn verify(&self) -> Ran {
        self.carryover("verify --data", &[])
    }

    /// Serves on a port of the system's choice.
    pub fn serve(&self) -> Server {
        self.serve_on(0)
    }

    /// Serves on a port (0: any).
    pub fn serve_on(&self, port: u16) -> Server {
        self.announced_by("serve", port)
    }

    /// Serves on a port (0: any), under a version of the policy.
    pub fn serve_under(&self, policy: u32, port: u16) -> Server {
        self.announced_by(&format!("serve --policy {policy}"), port)
    }

    /// Founds the demo district where there is nothing, and serves it.
    pub fn serve_demo(&self) -> Server {
        self.serve_demo_on(0, "")
    }

    /// Serves the demo district on a port (0: any), as these options say.
    pub fn serve_demo_on(&self, port: u16, options: &str) -> Server {
        self.announced_by(&format!("demo {options}"), port)
    }

    fn announced_by(&self, command: &str, port: u16) -> Server {
        let announce = self.folder.join("announced.json");
        // What the last run announced is not true any more.
        drop(fs::remove_file(&announce));
        let mut child = self.start(command, port, &format!("--announce '{}'", announce.display()), &[]);
        let announced = eventually("the server's announcement", || {
            if let Some(status) = child.0.try_wait().unwrap() {
                panic!("the server ended with {status}: {}", self.said());
            }
            fs::read(&announce).ok()
        });
        let announced: Value = serde_json::from_slice(&announced).unwrap();
        let text = |name: &str| announced[name].as_str().unwrap().trim_end_matches('/').to_owned();
        Server { url: text("server"), token: text("admin_token"), announced, child, clock: self.clock }
    }

    /// Serves on a port and dies when it comes to a place, `after_sync:2` say, which may be before it answers anybody.
    ///
    /// It announces nothing: the codes that it would make come to those places, too.
    pub fn serve_until(&self, port: u16, place: &str) -> Doomed {
        self.doomed(port, &[("CARRYOVER_CRASH_AT", place)])
    }

    /// Serves, raises the horizon to the end of the log at once, and dies when it comes to a place.
    pub fn raise_horizon_until(&self, port: u16, place: &str) -> Doomed {
        self.doomed(port, &[("CARRYOVER_CRASH_AT", place), ("CARRYOVER_ABOVE_HORIZON", "0")])
    }

    /// Serves until what is tried at a place fails, the second time at `log_sync:2` say.
    pub fn serve_failing(&self, port: u16, place: &str) -> Doomed {
        self.doomed(port, &[("CARRYOVER_FAIL_AT", place)])
    }

    fn doomed(&self, port: u16, env: &[(&str, &str)]) -> Doomed {
        let mut child = self.start("serve", port, "", env);
        eventually("the server to listen or to die", || {
            let died = child.0.try_wait().unwrap().is_some();
            (died || TcpStream::connect(("127.0.0.1", port)).is_ok()).then_some(())
        });
        Doomed(child)
    }

    fn start(&self, command: &str, port: u16, more: &str, env: &[(&str, &str)]) -> Guard {
        let log = File::options().create(true).append(true).open(self.folder.join("server.log")).unwrap();
        let mut command = self.command(&format!("{command} --listen 127.0.0.1:{port} {more} --data"));
        command.envs(env.iter().copied());
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        Guard(command.spawn().unwrap())
    }

    /// Returns what all servers here have said so far.
    pub fn said(&self) -> String {
        fs::read_to_string(self.folder.join("server.log")).unwrap_or_default()
    }

    fn command(&self, line: &str) -> Command {
        let mut command = self.bare(line);
        command.arg(self.data());
        command
    }

    fn bare(&self, line: &str) -> Command {
        let mut command = Command::new(program("carryover"));
        command.args(["--clock", &self.clock.text()]).args(words(line));
        if let Some(bytes) = self.disk_bytes {
            command.env("CARRYOVER_SMALL_DISK", format!("{bytes}:{}", self.folder.display()));
        }
        command
    }
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    /// Where it answers, without a slash behind.
    pub url: String,
    /// An administrator's token.
    pub token: String,
    /// The whole announcement.
    pub announced: Value,
    child: Guard,
    clock: SchoolClock,
}

impl Server {
    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.url.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// Runs a remote command as the administrator and returns its end.
    pub fn run(&self, line: &str) -> Ran {
        self.run_as(&self.token, line)
    }

    /// Runs a remote command with a token.
    pub fn run_as(&self, token: &str, line: &str) -> Ran {
        run(Command::new(program("carryover"))
            .args(["--json", "--clock", &self.clock.text(), "--server", &self.url, "--token", token])
            .args(words(line)))
    }

    /// Runs a remote command as the administrator and returns what it printed.
    pub fn ok(&self, line: &str) -> Value {
        let ran = self.run(line).ok();
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{line}: {error}: {ran:#?}"))
    }

    /// Ends it as a power cut would.
    pub fn kill(self) {
        drop(self);
    }

    /// Ends it as a service manager would, and expects it to be content.
    pub fn stop(mut self) {
        signal(&self.child, "TERM");
        let status = self.child.wait("the server's end");
        assert_eq!(status.code(), Some(0), "SIGTERM is a clean stop");
    }
}

/// A server that dies or fails at a place.
#[derive(Debug)]
pub struct Doomed(Guard);

impl Doomed {
    /// Returns whether it has died already.
    pub fn has_died(&mut self) -> bool {
        self.0.0.try_wait().unwrap().is_some()
    }

    /// Waits until it has ended by itself, and returns its exit status.
    pub fn wait_for_end(mut self) -> Option<i32> {
        self.0.wait("the server's end").code()
    }

    /// Waits until it is dead, after somebody has found out.
    pub fn wait_for_death(mut self) {
        assert!(!self.0.wait("the server's death").success());
    }
}
