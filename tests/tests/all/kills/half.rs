//! Power fails in the middle of a frame: what belongs together is there whole, or not at all.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use tests::process::{Ran, Tablet, World};

use super::{log, sessions};

/// Appends of one start among which the one in question is, at the latest.
const APPENDS_MAX: usize = 12;

/// What stands at the end of the log that is no whole frame; nothing where all is whole.
fn torn(world: &World) -> Vec<u8> {
    let verified = world.installation.carryover("--json verify --data", &[]).ok();
    let verified: Value = serde_json::from_str(&verified.stdout).unwrap();
    let tail = &verified["torn_tail"];
    let Some(file) = tail["file"].as_str() else { return Vec::new() };
    let bytes = fs::read(world.installation.data().join("log").join(file)).unwrap();
    let offset = usize::try_from(tail["offset"].as_u64().unwrap()).unwrap();
    bytes[offset..].to_vec()
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Lets the server die within its first append, its second, and so on, while something is done that belongs together, until it is done.
/// One of the marks stands in the first half of what is written for it.
fn dies_within(
    world: &World,
    marks: &[&str],
    mut act: impl FnMut(u16),
    mut is_done: impl FnMut(&str) -> bool,
) {
    let port = world.with_server(tests::process::Server::port);
    let mut met = 0;
    for nth in 1.. {
        assert!(nth <= APPENDS_MAX, "it was not done; are the programs built with the feature `testing`?");
        world.take_server().kill();
        let at = format!("mid_append:{nth}");
        let mut server = world.installation.serve_until(port, &at);
        act(port);
        let died = server.has_died();
        drop(server);
        let torn = torn(world);
        assert_eq!(died, !torn.is_empty(), "{at}: half of it is there");
        let here = marks.iter().any(|mark| has(&torn, mark));
        met += usize::from(here);
        world.set_server(world.installation.serve_on(port));
        let done = is_done(&at);
        assert!(!(done && here), "{at}: half of it was written, and it is done");
        if done {
            break;
        }
    }
    assert_eq!(met, 1, "it is one frame, and power failed in it once");
    world.take_server().stop();
    world.installation.verify().ok();
}

/// Returns what waits on the server, and what stands there.
fn standing(world: &World, carla: &Tablet) -> (usize, BTreeSet<String>) {
    carla.ok("sync");
    let holds = world.admin("hold list")["holds"].clone();
    let waiting = holds.as_array().unwrap().iter().filter(|hold| hold["state"] == "waiting").count();
    (waiting, sessions(carla))
}

#[test]
fn half_a_frame_of_an_admission() {
    let world = World::new();
    let (ana, carla, ben) = (world.tablet("slp1"), world.tablet("cm1"), world.tablet("para1"));
    let late: BTreeSet<String> = (0..2).map(|nth| log(&ben, nth)).collect();
    let grant = world.grant("s1", "para1");
    world.admin(&format!("grant end {grant} --on 2026-10-14 --reason 'moved to another class'"));
    assert_eq!(ben.run("sync").json["held"], 2);
    ana.ok("sync");
    let holds = ana.ok("holds")["holds"].clone();
    let ids: Vec<&str> = holds.as_array().unwrap().iter().map(|hold| hold["id"].as_str().unwrap()).collect();
    let line = format!("admit {}", ids.join(" "));
    let act = |_| drop(ana.run(&line));
    let is_done = |at: &str| match standing(&world, &carla) {
        (2, standing) if standing.is_empty() => false,
        (0, standing) if standing == late => true,
        half => panic!("{at}: {half:?}"),
    };
    let marks: Vec<&str> = late.iter().map(|session| session.rsplit('/').next().unwrap()).collect();
    dies_within(&world, &marks, act, is_done);
}

/// Newcomers, as the roster says it from one day on.
const NEWCOMERS: [(&str, &str); 4] = [
    ("people.csv", "external_id,name,email,school,role\nslp3,Noor Haddad,,oak,slp\n"),
    (
        "students.csv",
        "external_id,display_name,grade,school,home_language\n\
         s7,Leocadia Brandt,2,oak,\ns8,Ilse Kramer,2,oak,\ns9,Tobias Funk,2,oak,\n",
    ),
    (
        "team.csv",
        "student,person,role,from,to,supervisor,reason\n\
         s7,slp3,slp,2026-08-24,,,caseload\ns8,slp3,slp,2026-08-24,,,caseload\ns9,slp3,slp,2026-08-24,,,caseload\n",
    ),
    (
        "services.csv",
        "external_id,student,discipline,mode,place,sessions,period,minutes,from,to\n\
         v7,s7,slp,push-in,general-class,2,week,30,2026-08-24,\nv9,s9,slp,push-in,general-class,2,week,30,2026-08-24,\n",
    ),
];

fn counts(world: &World) -> [usize; 3] {
    [("person", "people"), ("student", "students"), ("grant", "grants")]
        .map(|(one, all)| world.admin(&format!("{one} list"))[all].as_array().unwrap().len())
}

#[test]
fn half_a_frame_of_an_import() {
    let world = World::new();
    let csv = world.folder("newcomers");
    for (name, text) in NEWCOMERS {
        fs::write(csv.join(name), text).unwrap();
    }
    let token = world.with_server(|server| server.token.clone());
    let act = |port| {
        let line =
            format!("--json --server http://127.0.0.1:{port} --token {token} import '{}'", csv.display());
        drop::<Ran>(world.installation.run(&line));
    };
    let before = counts(&world);
    let [people, students, grants] = before;
    let after = [people + 1, students + 3, grants + 3];
    let is_done = |at: &str| {
        let now = counts(&world);
        assert!(now == before || now == after, "{at}: {now:?}");
        now == after
    };
    dies_within(&world, &["Leocadia Brandt"], act, is_done);
}
