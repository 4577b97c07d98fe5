//! What a person should look at, a sentence for each.

use serde_json::Value as Json;

use super::{list, text, who};
use crate::roster::Roster;

/// Says each flag: what it is, what can be done about it, and the ids to do it with.
pub(super) fn lines(flags: &[Json], roster: &Roster) -> Vec<String> {
    let told = flags.iter().filter(|flag| !told_better(flags, flag));
    told.map(|flag| line(flag, roster)).collect()
}

/// Returns whether another flag says the same of the same two sessions, and more.
fn told_better(flags: &[Json], flag: &Json) -> bool {
    let same = |other: &&Json| other["record"] == flag["record"] && other["other"] == flag["other"];
    flag["what"] == "sessions_overlap" && flags.iter().filter(same).any(|other| other["what"] == "duplicate")
}

fn line(flag: &Json, roster: &Roster) -> String {
    let ask = if flag["asks"] == true { "to decide" } else { "look at" };
    let other = if flag["other"].is_null() { String::new() } else { format!(" [{}]", text(flag, "other")) };
    let mut told = format!("{ask}: {}  [{}]{other}", sentence(flag), text(flag, "record"));
    for said in list(flag, "said") {
        let at = text(said, "at");
        let (day, by) = (at.get(..16).unwrap_or(&at).replace('T', " "), who(roster, said, "by"));
        told.push_str(&format!("\n  {}: {} by {by}, {day}", text(said, "field"), said["value"]));
    }
    told
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
