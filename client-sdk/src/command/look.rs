//! Looking: what this tablet has.

use serde_json::{Value as Json, json};
use sync_core::exchange::client::state::Tablet;
use sync_core::ids::HoldId;

use super::args::RecordArgs;
use super::{Answer, Tools};
use crate::roster::Roster;
use crate::trouble::Trouble;
use crate::view::{self, Sight};

pub(super) fn caseload(tools: &Tools) -> Result<Answer, Trouble> {
    let json = tools.look(|desk, _| view::caseload::caseload(desk))?;
    let mut words = String::new();
    for student in list(&json, "students") {
        line(&mut words, &format!("{} ({})", text(student, "display_name"), text(student, "id")));
        for goal in list(student, "goals") {
            line(&mut words, &format!("  goal {}: {}", text(goal, "id"), text(goal, "statement")));
        }
    }
    if words.is_empty() {
        words.push_str("Nobody is on your caseload yet. Sync first.");
    }
    Ok(Answer::done(json, words.trim_end()))
}

pub(super) fn record(tools: &Tools, args: &RecordArgs) -> Result<Answer, Trouble> {
    tools.look(|desk, local| {
        let student = desk.roster.student(&args.student);
        let sight = view::sight(desk, local, student)?;
        let day = args.week.unwrap_or_else(|| desk.roster.day_of(desk.now));
        let json = view::record::record(desk, student, sight, day)?;
        let words = record_words(&json);
        let answer = Answer::done(json, words);
        Ok(match sight {
            Sight::Whole => answer,
            Sight::Left => answer.with_trouble(&Trouble::AccessEnded),
        })
    })
}

fn record_words(record: &Json) -> String {
    let mut words = String::new();
    for session in list(record, "sessions") {
        let parts = [text(session, "start"), text(session, "mode"), text(session, "state")].join(", ");
        line(
            &mut words,
            &format!("session {}: {parts}, {} minutes", text(session, "id"), session["minutes"]),
        );
    }
    for missed in list(record, "missed") {
        let parts = [text(missed, "date"), text(missed, "reason")].join(", ");
        line(&mut words, &format!("missed {}: {parts}", text(missed, "id")));
    }
    for observation in list(record, "observations") {
        line(&mut words, &format!("observation of {}: {}", text(observation, "goal"), observation["value"]));
    }
    for conflict in list(record, "conflicts") {
        line(
            &mut words,
            &format!(
                "two values for {}: decide with resolve {}",
                text(conflict, "what"),
                text(conflict, "id")
            ),
        );
    }
    for waiting in list(record, "waiting_for_review") {
        line(
            &mut words,
            &format!("waiting for review: {} ({})", text(waiting, "what"), text(waiting, "reason")),
        );
    }
    if words.is_empty() { "Nothing is recorded yet.".into() } else { words.trim_end().into() }
}

pub(super) fn conflicts(tools: &Tools) -> Result<Answer, Trouble> {
    let conflicts = tools.look(|desk, _| view::conflicts::conflicts(desk))?;
    let mut words = String::new();
    for conflict in &conflicts {
        line(&mut words, &format!("{}: {}", text(conflict, "id"), text(conflict, "what")));
        for value in list(conflict, "values") {
            line(&mut words, &format!("  {}: {} by {}", value["n"], value["value"], text(value, "by")));
        }
    }
    if words.is_empty() {
        words.push_str("No values differ.");
    }
    Ok(Answer::done(json!({ "conflicts": conflicts }), words.trim_end()))
}

pub(super) fn status(tools: &Tools) -> Result<Answer, Trouble> {
    tools.store.read(|state| {
        let roster = Roster::read(state)?;
        let status = view::status::status(state)?;
        let answer = Answer::done(status.json(&roster), status.words(&roster));
        Ok(answer)
    })
}

pub(super) fn holds(tools: &Tools) -> Result<Answer, Trouble> {
    let holds = tools.look(|desk, _| view::holds::holds(desk))?;
    let mut words = String::new();
    for hold in &holds {
        let mine = if hold["mine"] == true { "yours" } else { "to review" };
        line(
            &mut words,
            &format!("{} ({mine}): {}, {}", text(hold, "id"), text(hold, "what"), state_words(hold)),
        );
    }
    if words.is_empty() {
        words.push_str("Nothing waits for review.");
    }
    Ok(Answer::done(json!({ "holds": holds }), words.trim_end()))
}

pub(super) fn hold(tools: &Tools, id: &HoldId) -> Result<Answer, Trouble> {
    let answer = tools.look(|desk, _| {
        let hold = desk.tablet().hold(*id)?.ok_or_else(|| Trouble::unknown("hold"))?;
        let json = view::holds::view(desk, &hold)?;
        let mut words = format!(
            "{} by {}: {}.",
            text(&json, "what"),
            view::who(&desk.roster, hold.author),
            state_words(&json)
        );
        if hold.late {
            words.push_str(" It came late: after the author's place on the team had ended.");
        }
        if !json["field"].is_null() {
            line(&mut words, "");
            line(&mut words, &format!("Now: {}", json["present"]));
            line(&mut words, &format!("Proposed: {}", json["proposed"]));
        }
        Ok(Answer::done(json!({ "holds": [json] }), words.trim_end()))
    })?;
    Ok(answer)
}

/// Says in words where a hold stands.
fn state_words(hold: &Json) -> String {
    match text(hold, "state").as_str() {
        "waiting" => format!("waiting for review ({})", text(hold, "reason")),
        "declined" => format!("declined: {}", text(hold, "declined_because")),
        other => other.to_owned(),
    }
}

/// Reads whether the store is paired, for commands that must not be done twice.
pub(super) fn is_paired(tools: &Tools) -> Result<bool, Trouble> {
    tools.store.read(|state| Ok::<_, Trouble>(Tablet(state).profile()?.is_some()))
}

fn list<'a>(json: &'a Json, name: &str) -> &'a [Json] {
    json[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(json: &Json, name: &str) -> String {
    match &json[name] {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        other @ (Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_)) => other.to_string(),
    }
}

fn line(words: &mut String, text: &str) {
    words.push_str(text);
    words.push('\n');
}
