//! The program of the chapter on the SDK, against a real server.

use std::process::Command;

use tests::process::World;

use crate::book::is_shown;

const CHAPTER: &str = include_str!("../../../../docs/src/sdk.md");

#[test]
fn the_program_of_the_book_does_a_morning() {
    let world = World::new();
    let carla = world.tablet("cm1");
    let code = world.admin("device code slp1");
    let folder = world.folder("own").join("tablet");
    let mut program = Command::new(env!("CARGO_BIN_EXE_morning"));
    program.arg(&folder).args([
        &world.url(),
        code["code"].as_str().unwrap(),
        "s1",
        "g1",
        &world.clock.text(),
    ]);
    let ran = program.output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let said = String::from_utf8(ran.stdout).unwrap();
    let (_, shown) = CHAPTER.split_once("```text\n").expect("the chapter says what it prints");
    let shown: Vec<String> = shown.lines().take_while(|line| *line != "```").map(str::to_owned).collect();
    assert!(is_shown(&shown, &said.lines().collect::<Vec<_>>()), "{said}");
    // What it made is there for a colleague, and its case manager is asked.
    carla.ok("sync");
    assert_eq!(carla.record("s1")["sessions"].as_array().unwrap().len(), 2);
    let holds = carla.ok("holds");
    assert_eq!(holds["holds"][0]["reason"], "proposal", "{holds}");
    // The folder is one like any other.
    let again = program.output().unwrap();
    assert!(!again.status.success(), "it was paired already: {again:?}");
}
