//! Days at school, told with the real programs: what `carryover` and `carryover-tablet` say to a script, and nothing else, is looked at.
//!
//! Stories that have a number in the domain's list of acceptance scenarios bear it in their names.

pub(crate) mod caseload;
mod demo;
mod edits;
pub(crate) mod family;
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
mod watching;

use std::collections::BTreeSet;

use serde_json::Value;
use sync_core::document::name::DocumentName;
use sync_core::exchange::message::Entry;
use sync_core::ids::DocumentId;
use tests::process::http::{Answer, send};
use tests::process::{BareDevice, World};

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

/// A member's device that speaks to the server by itself, and what it may read there.
struct Reader {
    url: String,
    token: String,
    /// The documents of which the exchange told it, with their students.
    told: Vec<DocumentName>,
}

impl Reader {
    fn paired(world: &World, person: &str, seed: u8) -> Self {
        let code = text(&world.admin(&format!("device code {person}"))["code"]).to_owned();
        let url = world.url();
        let (reply, token) = BareDevice::pair(&url, &code, seed).exchange();
        let told = reply.entries.iter().filter_map(|entry| match entry {
            Entry::Begin { name, .. } => Some(name.clone()),
            _ => None,
        });
        Self { url, token, told: told.collect() }
    }

    /// Asks for a document's snapshot.
    fn asks_for(&self, document: DocumentId) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let path = format!("/v1/documents/{document}/snapshot");
        send(&self.url, "GET", &path, &[("authorization", &bearer)], b"")
    }
}

/// Checks that a stranger gets nothing of what a member of the team gets: each document is answered as one that nobody has.
fn is_nothing_to_a_stranger(member: &Reader, stranger: &Reader, team: &[&DocumentName]) {
    let unknown = stranger.asks_for(DocumentId([7; 16]));
    assert_eq!((unknown.status, &*unknown.refusal()), (404, "not_found"));
    for name in team {
        let whole = member.asks_for(name.id());
        assert_eq!(whole.status, 200, "who may read it gets it: {whole:?}");
        assert!(!whole.body.is_empty());
        assert!(!stranger.told.contains(name), "nor was the stranger told of it");
        let nothing = stranger.asks_for(name.id());
        assert_eq!((nothing.status, &nothing.body), (404, &unknown.body), "not a byte: {nothing:?}");
    }
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
