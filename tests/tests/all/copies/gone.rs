//! What a copy of the past still has and nobody may have again: a record with which its document could not be opened, and what was destroyed.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use server::clock::Clock;
use server::engine::{Engine, Ruling, Settings};
use sync_core::document::change::{ChangeHash, Position, encode};
use sync_core::document::founding::containers_of;
use sync_core::document::name::{DocumentKind, DocumentName};
use sync_core::document::slot::ContentHash;
use sync_core::envelope::Evidence;
use sync_core::exchange::server::entry::{LogEntry, Origin};
use sync_core::ids::DocumentId;
use sync_core::time::Moment;
use tests::process::{BareDevice, Server, Tablet, World, http};

use super::{back_up, restore_and_serve};
use crate::kills::{log, look_into, sessions};

/// Says in the log what no route says: with the engine itself, on the real folder, while nobody serves it.
fn at_the_machine(world: &World, say: impl FnOnce(&Engine) -> LogEntry) {
    let port = world.with_server(Server::port);
    world.take_server().stop();
    let settings = Settings {
        data: world.installation.data(),
        keys: world.installation.keys(),
        clock: Clock::start(world.clock.text().parse().unwrap()),
        verbatim: true,
        policy: None,
    };
    let engine = Engine::open(&settings).unwrap();
    let entry = say(&engine);
    let deciding = engine.decide(move |desk| desk.emit(entry).map(Ruling::Stands));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(deciding).unwrap();
    engine.close();
    assert_eq!(Arc::strong_count(&engine), 1, "nobody else has it open");
    drop(engine);
    world.set_server(world.installation.serve_on(port));
}

/// Puts what a tablet has not sent yet into the log, as a change with which its document cannot be opened: it builds on something that
/// nobody has, as a fault of ours might. Returns the document.
fn poison(world: &World, tablet: &Tablet) -> DocumentId {
    let act = look_into(tablet, |tablet| tablet.acts().unwrap().pop().unwrap());
    let (document, kind) = (act.name.id(), act.name.kind);
    at_the_machine(world, |engine| {
        let state = engine.index().document(document).unwrap().unwrap();
        let mut position = Position::next([77; 16], None, &state.head_hashes(), state.max_op, Moment(0));
        position.deps.push(ChangeHash([9; 32]));
        let change = encode(&containers_of(kind, document), &position, &act.slots).unwrap().bytes;
        let origin = Origin::Verbatim {
            envelope: ContentHash([0; 16]),
            signature: [0; 64],
            evidence: Evidence { seen: None, app: "a fault".into() },
            policy: 1,
        };
        LogEntry::Changed { document, change, origin }
    });
    document
}

/// Fetches a document as a new tablet of the case manager's would, and returns which life of it came.
fn life_of(world: &World, document: DocumentId) -> String {
    let code = world.admin("device code cm1")["code"].as_str().unwrap().to_owned();
    let device = BareDevice::pair(&world.url(), &code, 7);
    let (_, token) = device.exchange();
    let bearer = format!("Bearer {token}");
    let path = format!("/v1/documents/{document}/snapshot");
    let answer = http::send(&world.url(), "GET", &path, &[("authorization", &bearer)], b"");
    assert_eq!(answer.status, 200, "whoever asks waits, and gets it: {answer:?}");
    answer.headers["x-carryover-incarnation"].clone()
}

fn holds(world: &World) -> Vec<(String, String)> {
    let holds = world.admin("hold list")["holds"].clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    holds.as_array().unwrap().iter().map(|hold| (text(&hold["reason"]), text(&hold["state"]))).collect()
}

/// The backup is from before the fault, or has it.
fn comes_back(backup_has_it: bool) {
    let world = World::new();
    let (ana, dov, carla) = (world.tablet("slp1"), world.tablet("ot1"), world.tablet("cm1"));
    let before = log(&ana, 0);
    for tablet in [&ana, &dov, &carla] {
        tablet.ok("sync");
    }
    let backup = world.folder("backups").join("yesterday");
    if !backup_has_it {
        back_up(&world.installation, &backup);
    }
    let bad = log(&ana, 1);
    let document = poison(&world, &ana);
    assert_eq!(ana.ok("sync")["stored"], 1, "what it says stands already");
    dov.ok("sync");
    if backup_has_it {
        back_up(&world.installation, &backup);
    }
    let after = log(&carla, 2);
    carla.ok("sync");
    assert_eq!(life_of(&world, document), "1");
    assert!(world.installation.said().contains("were set aside"), "it is said loudly");
    let waits = [("set_aside".to_owned(), "waiting".to_owned())];
    assert_eq!(holds(&world), waits, "it is its author's hold");
    restore_and_serve(&world, &backup);

    // One tablet has the document as it was.
    assert_eq!(sessions(&dov), [before.clone(), bad.clone()].into());
    assert_eq!(dov.run("sync").code, Some(3));
    assert_eq!(world.admin("restored status")["recovered"], 0, "it is not taken");
    for tablet in [&carla, &ana] {
        assert_eq!(tablet.run("sync").code, Some(3));
    }
    world.admin("restored confirm");
    let all = |expected: &[&String]| {
        for tablet in [&ana, &dov, &carla, &ana, &dov] {
            tablet.run("sync --until-done");
        }
        for tablet in [&ana, &dov, &carla, &world.tablet("ot1")] {
            let expected = expected.iter().map(|session| (*session).clone()).collect();
            assert_eq!(sessions(tablet), expected, "{}", tablet.person);
        }
    };
    all(&[&before, &after]);
    assert_eq!(holds(&world), waits, "no receipt and no copy brings it back");
    assert_eq!(life_of(&world, document), "1");

    let told = carla.ok("holds");
    let told = told["holds"].as_array().unwrap();
    let [hold] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(hold["record"], bad);
    carla.ok(&format!("admit {}", hold["id"].as_str().unwrap()));
    all(&[&before, &after, &bad]);
    world.take_server().stop();
    world.installation.verify().ok();
}

#[test]
fn came_back_from_the_dead() {
    comes_back(false);
}

#[test]
fn came_back_from_the_dead_with_the_backup_itself() {
    comes_back(true);
}

/// In the notes of what is destroyed.
const SAID: &str = "aubergine";

/// Logs a session with a note for the student whose record is destroyed.
fn log_doomed(tablet: &Tablet, hour: u8) {
    tablet.ok(&format!(
        "log --student s2 --mode push-in --place hallway --start 2026-10-12T{hour:02}:00:00-05:00 --minutes 1 --note '{SAID}'"
    ));
}

#[test]
fn what_was_destroyed_after_the_copy_stays_destroyed() {
    let world = World::new();
    let (ana, carla) = (world.tablet("slp1"), world.tablet("cm1"));
    let kept = log(&ana, 0);
    log_doomed(&ana, 9);
    for tablet in [&ana, &carla] {
        tablet.ok("sync");
    }
    let backup = world.folder("backups").join("yesterday");
    back_up(&world.installation, &backup);
    // And something that the copy does not have, of which the tablet has a receipt.
    log_doomed(&ana, 10);
    for tablet in [&ana, &carla] {
        tablet.ok("sync");
    }
    let student = world.student("s2")["id"].as_str().unwrap().parse().unwrap();
    let is_it = |name: &DocumentName| name.subject == student && name.kind == DocumentKind::Log;
    let copies = look_into(&ana, |tablet| tablet.copies().unwrap());
    // Next term's is founded already, and empty.
    let document = copies.iter().find(|copy| is_it(&copy.name) && copy.changes > 0).unwrap().name.id();
    at_the_machine(&world, |_| LogEntry::Gone { document });
    carla.ok("sync");
    let nowhere = Vec::<PathBuf>::new();
    assert_eq!(carla.files_with(SAID), nowhere, "its copy has ended");
    assert_ne!(ana.files_with(SAID), nowhere, "this tablet was away, and has it still");
    restore_and_serve(&world, &backup);

    assert_eq!(ana.run("sync").code, Some(3));
    let status = world.admin("restored status");
    assert_eq!(
        (&status["recovered"], &status["resent"]),
        (&0.into(), &0.into()),
        "it is not taken: {status}"
    );
    world.admin("restored confirm");
    for tablet in [&ana, &carla] {
        tablet.run("sync --until-done");
    }
    for tablet in [&ana, &carla, &world.tablet("cm1")] {
        assert_eq!(tablet.files_with(SAID), nowhere, "{}", tablet.person);
        assert_eq!(tablet.record("s2")["sessions"], serde_json::json!([]), "{}", tablet.person);
        assert_eq!(sessions(tablet), [kept.clone()].into(), "{}: all else is there", tablet.person);
    }
    assert_eq!(holds(&world), []);
    world.take_server().stop();
    world.installation.verify().ok();
}
