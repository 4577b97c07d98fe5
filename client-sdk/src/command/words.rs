//! What is shown, in words for people: names where scripts get ids, and what something is about before the id to name it by.

mod flag;

use serde_json::Value as Json;
use sync_core::ids::PersonId;

use crate::roster::Roster;
use crate::view;

/// Says who is on a caseload.
pub(super) fn caseload(students: &[Json]) -> String {
    let mut words = String::new();
    for student in students {
        let roles: Vec<String> = list(student, "roles").iter().map(plain).collect();
        let known_as = format!("{}, {}", text(student, "external_id"), roles.join(" and "));
        line(&mut words, &format!("{} ({known_as})", text(student, "display_name")));
        for service in list(student, "services") {
            let promised = format!(
                "{} x {} minutes a {}, {}",
                service["sessions"],
                service["minutes"],
                text(service, "period"),
                text(service, "mode")
            );
            line(
                &mut words,
                &format!("  {}: {promised}  [{}]", text(service, "discipline"), text(service, "id")),
            );
        }
        for goal in list(student, "goals") {
            let target =
                if goal["target"].is_null() { String::new() } else { format!(", to {}", goal["target"]) };
            let measure = format!("{}{target}", text(goal, "kind"));
            line(&mut words, &format!("  {} ({measure})  [{}]", text(goal, "statement"), text(goal, "id")));
        }
    }
    or(words, "Nobody is on your caseload yet. Sync first.")
}

/// Says what is in a student's record, day by day.
pub(super) fn record(record: &Json, roster: &Roster) -> String {
    let mut days: Vec<(String, String)> = Vec::new();
    for session in list(record, "sessions") {
        let start = text(session, "start");
        let mut what = format!(
            "{}: {} minutes {}, {}, by {}  [{}]",
            start.get(..16).unwrap_or(&start).replace('T', " "),
            session["minutes"],
            text(session, "mode"),
            text(session, "state").replace('_', " "),
            who(roster, session, "author"),
            text(session, "id")
        );
        for observation in list(record, "observations") {
            if observation["session"] == session["id"] {
                what.push_str(&format!("\n    {}", figures(record, observation)));
            }
        }
        days.push((start, what));
    }
    for missed in list(record, "missed") {
        let (date, reason) = (text(missed, "date"), text(missed, "reason").replace('_', " "));
        days.push((date.clone(), format!("{date}: missed, {reason}  [{}]", text(missed, "id"))));
    }
    days.sort();
    let mut words: String = days.iter().map(|(_, what)| format!("{what}\n")).collect();
    for observation in list(record, "observations").iter().filter(|one| one["session"].is_null()) {
        line(
            &mut words,
            &format!("{}, by {}", figures(record, observation), who(roster, observation, "author")),
        );
    }
    for row in record["minutes"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let owed = if row["owed"] == 0 { String::new() } else { format!(", {} owed", row["owed"]) };
        let of = format!("{} of {} minutes{owed}", row["delivered"], row["mandated"]);
        line(&mut words, &format!("week of {}: {of}  [{}]", text(row, "week"), text(row, "service")));
    }
    for conflict in list(record, "conflicts") {
        let (what, id) = (text(conflict, "what"), text(conflict, "id"));
        line(
            &mut words,
            &format!("{} values for {what}: see `conflicts`  [{id}]", list(conflict, "values").len()),
        );
    }
    words.push_str(&flag::of_student(list(record, "flags"), roster));
    for waiting in list(record, "waiting_for_review") {
        line(&mut words, &format!("waiting for review: {}{}", text(waiting, "what"), because(waiting)));
    }
    or(words, "Nothing is recorded yet.")
}

/// Says where people disagree, and what else somebody is to decide.
pub(super) fn conflicts(conflicts: &[Json], flags: &[Json], roster: &Roster) -> String {
    let mut words = String::new();
    for conflict in conflicts {
        let of = name(conflict, roster).map_or_else(String::new, |name| format!(", {name}"));
        line(&mut words, &format!("{}{of}  [{}]", text(conflict, "what"), text(conflict, "id")));
        for value in list(conflict, "values") {
            line(
                &mut words,
                &format!("  {}: {} by {}", value["n"], value["value"], who(roster, value, "by")),
            );
        }
    }
    if !words.is_empty() {
        line(&mut words, "Decide with `resolve ID --keep N`, or with `--value V` for another one.");
    }
    words.push_str(&flag::of_all(flags, roster));
    or(words, "No values differ, and nothing is to be decided.")
}

/// Says what waits for review.
pub(super) fn holds(holds: &[Json], roster: &Roster) -> String {
    let mut words = String::new();
    for hold in holds {
        let whose =
            if hold["mine"] == true { "yours".into() } else { format!("by {}", who(roster, hold, "author")) };
        let of = name(hold, roster).map_or_else(String::new, |name| format!(", {name}"));
        let what = format!("{}{of}, {whose}: {}", text(hold, "what"), state(hold));
        line(&mut words, &format!("{what}  [{}]", text(hold, "id")));
    }
    or(words, "Nothing waits for review.")
}

/// Says what one hold would make or change.
pub(super) fn hold(hold: &Json, roster: &Roster) -> String {
    let mut words = format!("{} by {}: {}.", text(hold, "what"), who(roster, hold, "author"), state(hold));
    if hold["late"] == true {
        words.push_str(" It came late: after the author's place on the team had ended.");
    }
    if !hold["field"].is_null() {
        words.push_str(&format!("\nNow: {}\nProposed: {}", hold["present"], hold["proposed"]));
    }
    words
}

fn figures(record: &Json, observation: &Json) -> String {
    let of = list(record, "goals").iter().find(|goal| goal["id"] == observation["goal"]);
    let of = of.map_or_else(|| text(observation, "goal"), |goal| text(goal, "statement"));
    let value = &observation["value"];
    let said = match text(observation, "kind").as_str() {
        "count" => format!("{} times in {} s", value["count"], value["seconds"]),
        "percent" => format!("{} of {}", value["correct"], value["of"]),
        "probe" => format!("{} tried, {} wrong, {} s", value["attempted"], value["errors"], value["seconds"]),
        _ => value.to_string(),
    };
    format!("{said}: {of}")
}

/// Says where a hold stands.
fn state(hold: &Json) -> String {
    match text(hold, "state").as_str() {
        "waiting" => format!("waiting for review{}", because(hold)),
        "declined" => format!("declined: {}", text(hold, "declined_because")),
        other => other.to_owned(),
    }
}

/// Says why something waits. Of what was handed in after the device's access had ended, nothing was told but that it does.
fn because(hold: &Json) -> String {
    hold["reason"].as_str().map_or_else(String::new, |reason| format!(" ({})", reason.replace('_', " ")))
}

fn who(roster: &Roster, json: &Json, name: &str) -> String {
    let person: Option<PersonId> = text(json, name).parse().ok();
    person.map_or_else(|| "somebody".into(), |person| view::who(roster, person))
}

/// Returns the name of the student that something is about.
fn name<'a>(json: &Json, roster: &'a Roster) -> Option<&'a str> {
    let student = roster.students.get(&text(json, "student").parse().ok()?)?;
    Some(view::name_of(student))
}

fn or(words: String, nothing: &str) -> String {
    if words.is_empty() { nothing.into() } else { words.trim_end().into() }
}

fn list<'a>(json: &'a Json, name: &str) -> &'a [Json] {
    json[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(json: &Json, name: &str) -> String {
    plain(&json[name])
}

fn plain(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        other @ (Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_)) => other.to_string(),
    }
}

fn line(words: &mut String, text: &str) {
    words.push_str(text);
    words.push('\n');
}
