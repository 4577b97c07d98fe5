//! The program `carryover` as scripts see it: what it prints, how it exits, and that it stops when told to.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic, in its helpers too")]

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

fn carryover(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_carryover"));
    command.args(arguments);
    command
}

fn run(arguments: &[&str]) -> Output {
    carryover(arguments).output().unwrap()
}

/// Runs a command with `--json`, and returns its status and the one object that it printed.
fn json(arguments: &[&str]) -> (i32, Value) {
    let output = carryover(arguments).arg("--json").output().unwrap();
    (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap())
}

/// A server that is killed where a test forgets it.
struct Serving(Child);

impl Serving {
    fn start(data: &str, announce: &Path) -> (Self, Value) {
        let file = announce.to_str().unwrap();
        let mut command =
            carryover(&["serve", "--data", data, "--listen", "127.0.0.1:0", "--announce", file, "--json"]);
        let serving = Self(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
        for _ in 0..600 {
            if let Ok(text) = std::fs::read_to_string(announce) {
                // It appears whole or not at all.
                return (serving, serde_json::from_str(&text).unwrap());
            }
            sleep(Duration::from_millis(50));
        }
        panic!("the server did not announce itself");
    }

    fn stop(mut self, signal: &str) -> (i32, Vec<u8>) {
        let told = Command::new("kill").args([signal, &self.0.id().to_string()]).status().unwrap();
        assert!(told.success());
        let status = self.0.wait().unwrap().code().unwrap();
        let mut printed = Vec::new();
        std::io::Read::read_to_end(&mut self.0.stdout.take().unwrap(), &mut printed).unwrap();
        (status, printed)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended as it should.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn an_organisation_is_founded_served_checked_and_rebuilt() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lake");
    let data = path.to_str().unwrap();
    let (status, founded) = json(&["init", "--data", data, "--name", "Lake", "--zone", "America/Chicago"]);
    assert_eq!(status, 0, "{founded}");
    assert!(folder.path().join("lake.keys").is_dir());
    let (status, again) = json(&["init", "--data", data, "--name", "Lake", "--zone", "America/Chicago"]);
    assert_eq!((status, &again["error"]["code"]), (2, &Value::from("exists")));
    let announce = folder.path().join("announced.json");
    let (serving, announced) = Serving::start(data, &announce);
    assert!(announced["server"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    for list in ["people", "students", "guardians"] {
        assert_eq!(announced[list], serde_json::json!([]), "{list}");
    }
    let (status, token) = json(&["admin", "token", "--data", data]);
    assert_eq!(status, 0, "beside a running server");
    assert_eq!(token["token"].as_str().unwrap().split('.').count(), 3);
    let (status, found) = json(&["verify", "--data", data]);
    assert_eq!((status, &found["running"], &found["sound"]), (0, &true.into(), &true.into()), "{found}");
    let (status, busy) = json(&["serve", "--data", data, "--listen", "127.0.0.1:0"]);
    assert_eq!((status, &busy["error"]["code"]), (1, &Value::from("in_use")));
    let (status, printed) = serving.stop("-TERM");
    assert_eq!(status, 0);
    let printed: Value = serde_json::from_slice(&printed).unwrap();
    assert_eq!(printed["server"], announced["server"], "one object, and nothing else");
    let (status, rebuilt) = json(&["rebuild", "--data", data]);
    assert_eq!((status, &rebuilt["seq"]), (0, &found["seq"]));
    std::fs::remove_file(&announce).unwrap();
    let (serving, _) = Serving::start(data, &announce);
    assert_eq!(serving.stop("-INT").0, 0);
}

#[test]
fn damage_is_named_and_nothing_is_served_over_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lake");
    let data = path.to_str().unwrap();
    assert!(run(&["init", "--data", data, "--name", "Lake", "--zone", "America/Chicago"]).status.success());
    let segment = path.join("log/00000001.seg");
    let mut bytes = std::fs::read(&segment).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let (status, found) = json(&["verify", "--data", data]);
    assert_eq!((status, &found["sound"]), (1, &false.into()));
    assert_eq!(found["faults"][0]["file"], segment.to_str().unwrap());
    assert_eq!(found["faults"][0]["seqs"], serde_json::json!([1, 2]));
    let (status, refused) = json(&["serve", "--data", data, "--listen", "127.0.0.1:0"]);
    assert_eq!((status, &refused["error"]["code"]), (1, &Value::from("damaged")));
}

#[test]
fn what_cannot_be_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lake");
    let data = path.to_str().unwrap();
    for (arguments, code) in [
        (&["init", "--data", data, "--name", "Lake", "--zone", "Mars/Olympus"][..], "bad_zone"),
        (&["init", "--data", data, "--name", " ", "--zone", "America/Chicago"], "bad_name"),
        (&["serve", "--data", data, "--listen", "127.0.0.1:0"], "not_founded"),
        (&["serve", "--data", data], "usage"),
        (&["--clock", "tomorrow", "verify", "--data", data], "usage"),
        (&[], "usage"),
    ] {
        let (status, answer) = json(arguments);
        assert_eq!((status, &answer["error"]["code"]), (2, &Value::from(code)), "{arguments:?}");
        for field in ["message", "help"] {
            assert!(!answer["error"][field].as_str().unwrap().is_empty(), "{arguments:?}");
        }
    }
    assert!(!path.exists());
    assert_eq!(run(&["--help"]).status.code(), Some(0));
    assert_eq!(run(&["serve", "--nonsense"]).status.code(), Some(2));
}
