//! Days at school, told with the real programs: what `carryover` and `carryover-tablet` say to a script, and nothing else, is looked at.
//!
//! Stories that have a number in the domain's list of acceptance scenarios bear it in their names.

pub(crate) mod caseload;
mod edits;
mod family;
mod flags;
mod groups;
mod holds;
mod hour;
mod kinds;
mod late;
mod live;
mod minutes;
mod offline;
mod orders;
mod policy;
mod refusals;
mod sdk;
mod tallies;
mod tampered;

use std::collections::BTreeSet;

use serde_json::Value;

/// Returns the members of a list.
fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("not a list: {value}"))
}

/// Returns a text.
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

/// Returns the ids in a list, each of which must be there once.
fn ids(value: &Value) -> BTreeSet<String> {
    let ids: BTreeSet<String> = list(value).iter().map(|one| text(&one["id"]).to_owned()).collect();
    assert_eq!(ids.len(), list(value).len(), "something is there twice: {value}");
    ids
}

/// Returns the one member of a list with this id.
fn with_id<'a>(value: &'a Value, id: &str) -> &'a Value {
    list(value).iter().find(|one| one["id"] == id).unwrap_or_else(|| panic!("no {id} in {value}"))
}

/// Logs half an hour of push-in on a day of the stories' week, and returns the session's id.
fn log_session(tablet: &tests::process::Tablet, student: &str, start: &str) -> String {
    let logged = tablet.ok(&format!(
        "log --student {student} --mode push-in --place general-class --start {start} --minutes 30"
    ));
    text(&logged["session"]).to_owned()
}

/// Checks a frequency count: its taps exactly, and its seconds as far as they are the story's.
///
/// Each program's clock runs on from where the story set it, so how long the programs took to start is in the difference of two of them.
fn counted(value: &Value, taps: u64, seconds: i64) {
    const START_S: i64 = 5;
    assert_eq!(value["count"], taps, "{value}");
    let watched = value["seconds"].as_i64().unwrap();
    assert!(
        (seconds - START_S..=seconds + START_S).contains(&watched),
        "{watched} s, and the story took {seconds}"
    );
}
