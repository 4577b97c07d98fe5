//! Power cuts: a program dies at a place, or at any moment, and what anybody was told is still true.
//!
//! `ROUNDS` sets how many rounds each test of random moments does, and `DICE` which moments; `make soak` does many more than `make test`, and
//! others each time.

mod access;
mod damage;
mod half;
mod server;
mod tablet;
mod told;

use std::collections::BTreeSet;

use client_sdk::store::{State, Store};
use client_sdk::trouble::Trouble;
use serde_json::Value;
use sync_core::exchange::client::state;
use sync_core::random::Random;
use tests::process::{Tablet, World};

/// Rounds of one test of random moments unless `ROUNDS` says otherwise.
const ROUNDS_DEFAULT: usize = 10;

fn number<N: std::str::FromStr>(name: &str) -> Option<N> {
    std::env::var(name).ok().and_then(|number| number.parse().ok())
}

fn rounds() -> usize {
    number("ROUNDS").unwrap_or(ROUNDS_DEFAULT)
}

/// Returns how many rounds a test does at each named place: 4, unless `ROUNDS_AT_A_PLACE` says otherwise.
fn rounds_at_a_place() -> usize {
    number("ROUNDS_AT_A_PLACE").unwrap_or(4)
}

/// Begins a test's own numbers, which `DICE` makes others.
pub(crate) fn dice(of_test: u64) -> Random {
    Random::of(number::<u64>("DICE").unwrap_or_default().wrapping_add(of_test))
}

/// Logs a session of its own minute, and returns its id.
pub(super) fn log(tablet: &Tablet, nth: usize) -> String {
    let (hour, minute) = (8 + nth / 60 % 8, nth % 60);
    let logged = tablet.ok(&format!(
        "log --student s1 --mode push-in --place hallway --start 2026-10-12T{hour:02}:{minute:02}:00-05:00 --minutes 1 \
         --goal g1 --count {nth} --seconds 60"
    ));
    logged["session"].as_str().unwrap().to_owned()
}

/// Returns the sessions in a student's record, each of which must be there once and with its one observation.
pub(crate) fn sessions(tablet: &Tablet) -> BTreeSet<String> {
    let record = tablet.record("s1");
    let ids = |name: &str, field: &str| {
        let list = record[name].as_array().unwrap();
        let ids: BTreeSet<String> = list.iter().map(|one| one[field].as_str().unwrap().to_owned()).collect();
        assert_eq!(ids.len(), list.len(), "something is there twice: {record}");
        ids
    };
    let sessions = ids("sessions", "id");
    assert_eq!(ids("observations", "session"), sessions, "no act stands in part");
    sessions
}

/// Looks into a tablet's folder, as its own program does.
pub(crate) fn look_into<T>(tablet: &Tablet, look: impl FnOnce(&state::Tablet<'_>) -> T) -> T {
    let store = Store::open(tablet.store()).unwrap();
    let looked = store.read(|state: &State<'_>| Ok::<_, Trouble>(look(&state::Tablet(state))));
    looked.unwrap()
}

/// What everybody who may ask is told: every list of the administrator's, and two members' views of a student.
fn everything(world: &World, tablets: &[&Tablet]) -> Vec<Value> {
    let mut answers: Vec<Value> = ["person list", "student list", "grant list", "device list", "hold list"]
        .into_iter()
        .map(|line| world.admin(line))
        .collect();
    // When a device was last heard of is no part of what it was told.
    for device in answers[3]["devices"].as_array_mut().unwrap() {
        device.as_object_mut().unwrap().remove("last_contact");
    }
    for tablet in tablets {
        answers.push(tablet.record("s1"));
        answers.push(tablet.ok("caseload"));
        answers.push(tablet.ok("holds"));
    }
    answers
}
