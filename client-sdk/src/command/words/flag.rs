//! What a person should look at, a sentence for each.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{list, name, text, who};
use crate::roster::Roster;
use crate::view;

/// Occurrences of one thing that an overview lists; whoever looks at the student's record sees them all.
const LISTED_MAX: usize = 5;

/// Says the flags of one student, each with what can be done about it.
pub(super) fn of_student(flags: &[Json], roster: &Roster) -> String {
    say(flags, roster, usize::MAX)
}

/// Says the flags of many students, by name, and of each thing no more than a few.
pub(super) fn of_all(flags: &[Json], roster: &Roster) -> String {
    say(flags, roster, LISTED_MAX)
}

fn say(flags: &[Json], roster: &Roster, listed: usize) -> String {
    // Two sessions of one service that share time are told as such, and not once more as two of one person.
    let pair = |flag: &Json| (text(flag, "record"), text(flag, "other"));
    let doubled: BTreeSet<(String, String)> =
        flags.iter().filter(|flag| flag["what"] == "duplicate").map(pair).collect();
    let said_better = |flag: &Json| flag["what"] == "sessions_overlap" && doubled.contains(&pair(flag));
    let told: Vec<&Json> = flags.iter().filter(|flag| !said_better(flag)).collect();
    let mut words = String::new();
    for same in told.chunk_by(|one, other| heading(one) == heading(other)) {
        let Some(first) = same.first() else { continue };
        let ask = if first["asks"] == true { "to decide" } else { "look at" };
        let of = name(first, roster).map_or_else(String::new, |name| format!(", {name}"));
        words.push_str(&format!("{ask}{of}: {}\n", sentence(first)));
        for flag in same.iter().take(listed) {
            words.push_str(&occurrence(flag, roster));
        }
        if let Some(more) = same.len().checked_sub(listed).filter(|more| *more > 0) {
            words
                .push_str(&format!("  and {more} more: see `record --student {}`\n", text(first, "student")));
        }
    }
    words
}

fn heading(flag: &Json) -> [&Json; 4] {
    ["student", "what", "kind", "field"].map(|name| &flag[name])
}

/// Says when and by whom it was, with the ids to do something about it, and who said what of it since.
fn occurrence(flag: &Json, roster: &Roster) -> String {
    let people: Vec<String> = list(flag, "by")
        .iter()
        .filter_map(|person| person.as_str()?.parse().ok())
        .map(|person| view::who(roster, person))
        .collect();
    let by = if people.is_empty() { String::new() } else { format!(", by {}", people.join(" and ")) };
    let other = if flag["other"].is_null() { String::new() } else { format!(" [{}]", text(flag, "other")) };
    let mut told = format!("  {}{by}  [{}]{other}\n", minute(flag, "at"), text(flag, "record"));
    for said in list(flag, "said") {
        let by = who(roster, said, "by");
        let (field, at) = (text(said, "field"), minute(said, "at"));
        told.push_str(&format!("    {field}: {} by {by}, {at}\n", said["value"]));
    }
    told
}

/// Returns a moment to the minute.
fn minute(json: &Json, name: &str) -> String {
    let at = text(json, name);
    at.get(..16).map_or_else(|| "some time".into(), |minute| minute.replace('T', " "))
}

fn sentence(flag: &Json) -> String {
    let kind = match text(flag, "kind") {
        kind if kind.is_empty() => "record".into(),
        kind => kind,
    };
    match text(flag, "what").as_str() {
        "unfit" => format!("{} of this {kind} cannot be what it says, and counts as none", text(flag, "field")),
        "faulty" => format!("this {kind} lacks something that it needs, or contradicts itself"),
        "twin" => format!("this {kind} was finished twice, and differently; `void` the one that is wrong"),
        "target_missing" => "somebody changed or signed a record that is not here; it changes nothing".into(),
        "unreadable" => "a change or signature that nobody can understand; it is kept, and changes nothing".into(),
        "not_editable" => format!("somebody changed what cannot be changed in this {kind}; it changes nothing"),
        "no_reason" => format!("this {kind} was changed after it had been signed, and no reason was given"),
        "void_beside_amendment" => format!(
            "this {kind} was removed, and it was changed; `void` it again to leave it so, or bring it back as changed with \
             `amend ID --set void=false`"
        ),
        "clock_off" => {
            format!("the tablet's clock was off by more than a day when this {kind} was logged; check its date")
        }
        "newer" => "a newer version said something here that this one does not know; it is kept. Update this tablet"
            .into(),
        "unassigned_goal" => format!("this {kind} is of a goal that is not given to its author"),
        "unknown_goal" => format!("this {kind} is of a goal that stands in no plan here"),
        "segments_overlap" => "two segments of this session share time; `amend` the one that is wrong".into(),
        "sessions_overlap" => "two sessions of one person share time".into(),
        "duplicate" => {
            "two sessions of one service share time, perhaps one that was logged twice; `void` the one that is wrong".into()
        }
        "mode_mismatch" => "a part of this session was in another mode than its service promises".into(),
        "missed_beside_delivered" => {
            "a session was missed on a day on which one of its service was delivered; `void` what is wrong".into()
        }
        "made_up_already" => {
            "this session makes up for a miss that an earlier one has made up for, and counts as extra service".into()
        }
        "same_events_or_shared" => {
            "two people recorded one goal at the same time, perhaps the same events; only the first of the two counts".into()
        }
        other => other.replace('_', " "),
    }
}
