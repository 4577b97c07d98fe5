//! The drill of the book, line by line as it is printed there.

use std::net::TcpListener;
use std::process::Command;

use tests::process::{World, program};

use super::back_up;
use crate::kills::log;

const PAGE: &str = include_str!("../../../../docs/src/operations/backup.md");

/// Returns the lines to type of a section.
fn lines(section: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("## {section}\n")).expect("the section is there");
    let (_, rest) = rest.split_once("```sh\n").expect("it has lines to type");
    rest.split_once("```").expect("they end").0
}

#[test]
fn the_drill_of_the_book_does_what_it_says() {
    let world = World::new();
    let ana = world.tablet("slp1");
    log(&ana, 0);
    ana.ok("sync");
    let backup = world.folder("backups").join("monday");
    back_up(&world.installation, &backup);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let script = lines("The drill")
        .replace("/srv/carryover/data", &world.installation.data().display().to_string())
        .replace("/backups/2026-10-16", &backup.display().to_string())
        .replace("/tmp/drill", &world.folder("drills").join("drill").display().to_string())
        .replace("8699", &free);
    let programs = program("carryover").parent().unwrap().to_owned();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let ran = Command::new("sh").args(["-eu", "-c", &script]).env("PATH", path).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    for expected in ["restored ", "sound: ", "restored from a backup", "Maribel Quintero"] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert_eq!(world.folder("drills").read_dir().unwrap().count(), 0, "nothing of it is left");
    // The real server has noticed nothing: neither now nor at its next start.
    let port = world.with_server(tests::process::Server::port);
    world.take_server().stop();
    world.set_server(world.installation.serve_on(port));
    assert_eq!(world.admin("restored status")["waiting_for_confirmation"], false);
    ana.ok("sync");
}
