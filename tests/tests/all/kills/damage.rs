//! A tablet's files are damaged, and the tablet goes on.

use std::fs;
use std::path::Path;

use sync_core::random::{Random, bent};
use tests::process::{Said, Tablet, World, copy};

use super::{dice, log, rounds, sessions};

/// Sessions that the tablet had sent before.
const SENT: usize = 3;

/// Damages one of a tablet's files, and says how.
fn damage(store: &Path, dice: &mut Random) -> String {
    let mut files: Vec<_> = fs::read_dir(store).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.is_file() && fs::metadata(path).unwrap().len() > 0);
    files.sort();
    let path = dice.pick(&files).unwrap();
    let sound = fs::read(path).unwrap();
    let at = dice.below(sound.len());
    let (bytes, how) = bent(&sound, at, dice);
    fs::write(path, bytes).unwrap();
    format!("{}: {how}", path.file_name().unwrap().to_string_lossy())
}

/// Returns what a tablet says of its own work: whether some of it may be gone.
fn says_that_work_is_gone(said: &Said) -> bool {
    said.stderr.contains("Gone: ") || said.stderr.contains("cannot be told")
}

/// Lets a tablet exchange until nothing waits; one that has lost what pairing gave it says so, and is paired again.
fn exchange(world: &World, tablet: &Tablet, said: &Said, case: &str) {
    let synced = tablet.run("sync --until-done");
    if synced.json["error"]["code"] == "not_paired" {
        assert!(
            said.stderr.contains("this tablet's own notes") || said.stderr.contains("cannot be told"),
            "{case}: {said:?}"
        );
        let code = world.admin(&format!("device code {}", tablet.person));
        tablet.ok(&format!(
            "pair --server {} --code {}",
            tablet.network.url(),
            code["code"].as_str().unwrap()
        ));
        tablet.ok("sync --until-done");
    } else {
        assert_eq!(synced.code, Some(0), "{case}: {said:?} {synced:?}");
    }
}

#[test]
fn a_damaged_tablet_says_what_is_gone_and_gets_the_rest_back() {
    let world = World::new();
    let (ana, carla) = (world.tablet("slp1"), world.tablet("cm1"));
    for nth in 0..SENT {
        log(&ana, nth);
    }
    ana.ok("sync --until-done");
    let (mut gone, mut damaged) = (0, 0);
    for round in 0..rounds() {
        let mut dice = dice(round as u64);
        let tablet = world.unpaired("slp1");
        copy(ana.store(), tablet.store());
        let nth = SENT + round;
        let logged = if round % 2 == 0 {
            log(&tablet, nth)
        } else {
            let (hour, minute) = (8 + nth / 60 % 8, nth % 60);
            let line = format!(
                "log --student s1 --mode push-in --place hallway --start 2026-10-12T{hour:02}:{minute:02}:00-05:00 \
                 --minutes 1 --goal g1 --count {nth} --seconds 60"
            );
            tablet.run_killed_after_answer(&line)["session"].as_str().unwrap().to_owned()
        };
        let case = format!("round {round}, {}", damage(tablet.store(), &mut dice));
        let said = tablet.run("status");
        damaged += usize::from(!said.stderr.is_empty());
        exchange(&world, &tablet, &said, &case);
        carla.ok("sync");
        let at_school = sessions(&carla);
        assert_eq!(sessions(&tablet), at_school, "{case}: {said:?}");
        if !at_school.contains(&logged) {
            assert!(says_that_work_is_gone(&said), "{case}: a session is gone, and not a word: {said:?}");
            gone += 1;
        }
    }
    println!(
        "{damaged} of {} tablets were damaged, {gone} had lost a session that they had not sent",
        rounds()
    );
}
