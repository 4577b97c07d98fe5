//! The remote commands against a server in this process, as a script would use them.

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Parser as _;
use serde_json::Value;
use sync_core::time::Zone;
use tokio::sync::watch;

use super::super::{Cli, Command, CommandError, Exit, Outcome};
use crate::clock::{Clock, ClockSetting};
use crate::engine::{Engine, Founding, Settings};
use crate::http::{bind, routes, serve, shell};

const START: &str = "2026-11-20T09:00:00-06:00";
const FILES: [(&str, &str); 5] = [
    ("schools.csv", "external_id,name\noak,Oak Elementary\n"),
    (
        "people.csv",
        "external_id,name,email,school,role\np1,Ana Sample,,oak,slp\np2,Ben Sample,,oak,para\np/3,Cora Sample,,,coord\n",
    ),
    ("students.csv", "external_id,display_name,grade,school,home_language\ns1,Maya Sample,3,oak,es\n"),
    ("team.csv", "student,person,role,from\ns1,p1,slp,2026-08-24\n"),
    (
        "goals.csv",
        "external_id,student,discipline,statement,kind,direction,target,assigned\ng1,s1,slp,Says /r/,percent,increase,80,p1\n",
    ),
];

/// A served organisation, and the folder that is imported.
struct Office {
    folder: tempfile::TempDir,
    engine: Arc<Engine>,
    server: String,
    token: String,
    runtime: tokio::runtime::Runtime,
    stop: watch::Sender<bool>,
}

impl Office {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            data: folder.path().join("data"),
            keys: folder.path().join("data.keys"),
            clock: Clock::start(START.parse::<ClockSetting>().unwrap()),
            verbatim: true,
            policy: None,
        };
        let zone = Zone::named("America/Chicago").unwrap();
        Engine::found(&settings, Founding { name: "Lake".into(), zone }).unwrap();
        let engine = Engine::open(&settings).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let (stop, stopping) = watch::channel(false);
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let address = {
            let _inside = runtime.enter();
            let listener = bind(any).unwrap();
            let address = listener.local_addr().unwrap();
            let router =
                shell(routes::router(Arc::clone(&engine)), routes::limits(), Arc::clone(&engine) as _);
            drop(runtime.spawn(serve(listener, router, routes::limits(), stopping)));
            address
        };
        let token = engine.tokens().issue_admin(None, 1, [9; 16], engine.now_s()).unwrap();
        std::fs::create_dir(folder.path().join("csv")).unwrap();
        for (name, text) in FILES {
            std::fs::write(folder.path().join("csv").join(name), text).unwrap();
        }
        Self { folder, engine, server: format!("http://{address}"), token, runtime, stop }
    }

    fn with_district() -> Self {
        let office = Self::new();
        office.import(&[]).unwrap();
        office
    }

    fn run(&self, arguments: &[&str]) -> Result<Value, CommandError> {
        self.run_as(&self.token, arguments)
    }

    fn run_as(&self, token: &str, arguments: &[&str]) -> Result<Value, CommandError> {
        run(&[&["--json", "--server", &self.server, "--token", token], arguments].concat())
    }

    fn import(&self, more: &[&str]) -> Result<Value, CommandError> {
        let csv = self.folder.path().join("csv");
        self.run(&[&["import", csv.to_str().unwrap()], more].concat())
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join("csv").join(name), text).unwrap();
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.engine.close();
    }
}

fn run(arguments: &[&str]) -> Result<Value, CommandError> {
    let cli = Cli::try_parse_from(["carryover"].iter().chain(arguments)).unwrap();
    let Command::Remote(command) = &cli.command else { panic!("not a remote command") };
    let outcome: Outcome = command.run(&cli.common);
    outcome.map(|done| done.json)
}

fn exit(result: Result<Value, CommandError>) -> Exit {
    result.unwrap_err().exit()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

#[test]
fn an_import_is_made_once_and_a_dry_run_never() {
    let office = Office::new();
    let dry = office.import(&["--dry-run"]).unwrap();
    assert_eq!((&dry["created"], &dry["changed"], &dry["unchanged"]), (&7.into(), &0.into(), &0.into()));
    let people = office.run(&["person", "list"]).unwrap();
    assert_eq!(people["people"].as_array().unwrap().len(), 0);
    assert_eq!(office.import(&[]).unwrap()["created"], 7);
    assert_eq!(office.import(&[]).unwrap()["unchanged"], 7);
    let people = office.run(&["person", "list"]).unwrap();
    let ana = people["people"].as_array().unwrap().iter().find(|person| person["external_id"] == "p1");
    assert_eq!((text(ana.unwrap(), "role"), text(ana.unwrap(), "school")), ("slp", "oak"));
    let students = office.run(&["student", "list"]).unwrap();
    let maya = &students["students"][0];
    assert_eq!((text(maya, "display_name"), &maya["goals"][0]["target"]), ("Maya Sample", &80.into()));
    assert_eq!(text(&maya["team"][0], "role"), "slp");
}

#[test]
fn an_import_with_errors_says_where_and_changes_nothing() {
    let office = Office::new();
    office.write("students.csv", "external_id,display_name\ns1,\n");
    let error = office.import(&[]).unwrap_err();
    assert_eq!((error.exit(), error.found().unwrap()["errors"].as_array().unwrap().len()), (Exit::Usage, 1));
    let first = &error.found().unwrap()["errors"][0];
    assert_eq!(
        (text(first, "file"), &first["line"], text(first, "code")),
        ("students.csv", &2.into(), "required")
    );
    assert_eq!(office.engine.index().people().unwrap().len(), 0);
    office.write("students.csv", FILES[2].1);
    office.import(&[]).unwrap();
    office.write("goals.csv", &FILES[4].1.replace(",slp,", ",ot,"));
    let error = office.import(&[]).unwrap_err();
    assert_eq!(text(&error.found().unwrap()["errors"][0], "code"), "goal_fixed", "beside what is there");
    assert_eq!(exit(run_missing_folder(&office)), Exit::Usage);
}

fn run_missing_folder(office: &Office) -> Result<Value, CommandError> {
    office.run(&["import", "/nowhere/at/all"])
}

#[test]
fn a_grant_is_in_force_when_the_command_returns() {
    let office = Office::with_district();
    let add = |supervisor: &[&str], role: &str| {
        let given =
            ["grant", "add", "--student", "s1", "--person", "p2", "--role", role, "--from", "2026-09-01"];
        office.run(&[&given[..], supervisor, &["--reason", "aide"]].concat())
    };
    assert_eq!(exit(add(&[], "para")), Exit::Usage, "nobody would sign");
    assert_eq!(exit(add(&["--supervisor", "p2"], "para")), Exit::Usage);
    assert_eq!(exit(add(&[], "coord")), Exit::Usage);
    let grant = add(&["--supervisor", "p1"], "para").unwrap();
    assert_eq!(add(&["--supervisor", "p1"], "para").unwrap(), grant, "given twice it is one");
    let state = || {
        let list = office.run(&["grant", "list", "--student", "s1", "--person", "p2"]).unwrap();
        assert_eq!(list["grants"].as_array().unwrap().len(), 1);
        text(&list["grants"][0], "state").to_owned()
    };
    assert_eq!(state(), "current");
    let end =
        |on: &str| office.run(&["grant", "end", text(&grant, "grant"), "--on", on, "--reason", "moved away"]);
    end("2026-11-20").unwrap();
    assert_eq!(state(), "current", "the last day is included");
    end("2026-11-18").unwrap();
    assert_eq!(state(), "ended");
    assert_eq!(exit(end("2026-11-19")), Exit::Usage, "ending gives no day back");
    assert_eq!(
        exit(office.run(&["grant", "end", "g", "--on", "2026-11-19", "--reason", "x"])),
        Exit::NotAllowed
    );
    assert_eq!(exit(office.run(&["grant", "list", "--student", "nobody"])), Exit::NotAllowed);
}

#[test]
fn a_code_pairs_a_device_that_can_be_revoked_and_is_lost_for_good() {
    let office = Office::with_district();
    let code = office.run(&["device", "code", "p/3"]).unwrap();
    assert!(text(&code, "expires").ends_with("-06:00"));
    let key = ed25519_dalek::SigningKey::from_bytes(&[5; 32]).verifying_key().to_bytes();
    let request = crate::engine::PairingRequest {
        code: crate::auth::pairing::PairingCode::parse(text(&code, "code")).unwrap(),
        key,
        tablet: sync_core::ids::TabletId([6; 16]),
    };
    let address = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    office.runtime.block_on(office.engine.pair(address, request)).unwrap().unwrap();
    let device = || {
        let list = office.run(&["device", "list", "--person", "p/3"]).unwrap();
        let device = list["devices"][0].clone();
        (text(&device, "id").to_owned(), text(&device, "state").to_owned())
    };
    let (id, state) = device();
    assert_eq!(state, "active");
    for (lost, state) in [(&[][..], "revoked"), (&["--lost"][..], "lost"), (&[][..], "lost")] {
        office.run(&[&["device", "revoke", &id], lost].concat()).unwrap();
        assert_eq!(device().1, state);
    }
    assert_eq!(exit(office.run(&["device", "code", "nobody"])), Exit::NotAllowed);
    assert_eq!(exit(office.run(&["device", "revoke", "nothing"])), Exit::NotAllowed);
}

#[test]
fn holds_are_listed_and_decided_by_who_may() {
    let office = Office::with_district();
    assert_eq!(office.run(&["hold", "list"]).unwrap()["holds"].as_array().unwrap().len(), 0);
    let nothing = ulid::Ulid::from(7_u128).to_string();
    assert_eq!(exit(office.run(&["hold", "show", &nothing])), Exit::NotAllowed);
    assert_eq!(
        exit(office.run(&["hold", "admit", &nothing])),
        Exit::NotAllowed,
        "an administrator decides none"
    );
    let cora = sync_core::ids::PersonId::imported(office.engine.organisation(), "p/3").to_string();
    let token = office.engine.tokens().issue_admin(Some(&cora), 1, [8; 16], office.engine.now_s()).unwrap();
    assert_eq!(
        exit(office.run_as(&token, &["hold", "decline", &nothing, "--reason", "no"])),
        Exit::NotAllowed
    );
    assert_eq!(office.run_as(&token, &["hold", "list"]).unwrap()["holds"].as_array().unwrap().len(), 0);
    for command in [&["person", "list"][..], &["student", "list"], &["grant", "list"], &["device", "list"]] {
        assert_eq!(exit(office.run_as(&token, command)), Exit::NotAllowed, "{command:?}");
    }
}

#[test]
fn what_is_no_server_of_ours_is_told_apart() {
    let office = Office::new();
    assert_eq!(exit(office.run_as("nonsense", &["person", "list"])), Exit::NotAllowed);
    assert_eq!(exit(run(&["person", "list"])), Exit::Usage, "no server named");
    assert_eq!(exit(run(&["--server", "ftp://x", "--token", "t", "person", "list"])), Exit::Usage);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("http://{closed}");
    assert_eq!(exit(run(&["--server", &nobody, "--token", "t", "person", "list"])), Exit::Unreachable);
}
