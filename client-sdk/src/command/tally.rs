//! Shared tallies.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use sync_core::document::deed::Deed;
use sync_core::document::schema::RecordKind;
use sync_core::document::slot::SlotKey;
use sync_core::ids::{PersonId, StudentId};

use super::args::{TallyCommand, TallyTaps};
use super::log::nothing_made;
use super::{Answer, Tools};
use crate::deeds::Desk;
use crate::session::{Journal, tap_tally};
use crate::trouble::Trouble;

pub(super) fn run(tools: &Tools, command: &TallyCommand) -> Result<Answer, Trouble> {
    match command {
        TallyCommand::Open { student, goal } => open(tools, student, goal),
        TallyCommand::Add(taps) => tap(tools, taps, i64::from(taps.n)),
        TallyCommand::Undo(taps) => tap(tools, taps, -i64::from(taps.n)),
        TallyCommand::Show { tally } => show(tools, tally),
    }
}

fn open(tools: &Tools, student: &str, goal: &str) -> Result<Answer, Trouble> {
    let keys = tools.on_desk(|desk, _, _, chance| {
        let student = desk.roster.student(student);
        let goal = desk.roster.record(RecordKind::Goal, goal);
        let start = desk.now;
        desk.make(student, &Deed::OpenTally { goal, start }, chance)
    })?;
    let tally = keys.first().ok_or_else(nothing_made)?.to_string();
    Ok(Answer::done(json!({ "tally": tally }), format!("Saved on this tablet: tally {tally}.")))
}

fn tap(tools: &Tools, taps: &TallyTaps, n: i64) -> Result<Answer, Trouble> {
    tools.on_desk(|desk, local, writes, chance| {
        let (key, student) = found(desk, &taps.tally)?;
        let me = desk.roster.profile.person;
        let journal = Journal(local.0);
        let mut by = totals(desk, journal, key, student)?;
        let own = by.get(&me).copied().unwrap_or(0);
        if n < 0 && own < n.abs() {
            let message = format!("you have {own} of your own on this tally");
            return Err(Trouble::value(message, "take back as many as you have added, or fewer"));
        }
        // Whoever may open a tally may tap on it; the same check, before anything is written down.
        let trial = Deed::Tap { tally: key, n };
        let mut draft = Desk::over(local.0, desk.now, tools.policy)?;
        draft.make(student, &trial, chance)?;
        tap_tally(writes, journal, desk, student, key, n, chance)?;
        *by.entry(me).or_default() += n;
        Ok(answer(key, &by))
    })
}

fn show(tools: &Tools, tally: &str) -> Result<Answer, Trouble> {
    tools.look(|desk, local| {
        let (key, student) = found(desk, tally)?;
        Ok(answer(key, &totals(desk, Journal(local.0), key, student)?))
    })
}

fn found(desk: &Desk<'_>, text: &str) -> Result<(SlotKey, StudentId), Trouble> {
    let key: SlotKey = text.parse().map_err(|_| Trouble::unknown("tally"))?;
    let standing = desk.standing(key)?.filter(|found| found.slot.container == RecordKind::Tally.container());
    standing.map(|found| (key, found.name.subject)).ok_or_else(|| Trouble::unknown("tally"))
}

/// Returns everybody's taps, the person's own that were not sent yet among them.
fn totals(
    desk: &Desk<'_>,
    journal: Journal<'_>,
    key: SlotKey,
    student: StudentId,
) -> Result<BTreeMap<PersonId, i64>, Trouble> {
    let mut by = desk.with_record(student, |record| {
        let tally = record.tallies.iter().find(|tally| tally.head.key() == key);
        let by = tally.map(|tally| &tally.by).into_iter().flatten();
        Ok(by.map(|(person, n)| (*person, i64::try_from(*n).unwrap_or(i64::MAX))).collect::<BTreeMap<_, _>>())
    })?;
    if let Some(tapped) = journal.tapped_on(&key)? {
        let own = by.entry(desk.roster.profile.person).or_default();
        *own = own.saturating_add(tapped.n).max(0);
    }
    Ok(by)
}

fn answer(key: SlotKey, by: &BTreeMap<PersonId, i64>) -> Answer {
    let total: i64 = by.values().sum();
    let people: Vec<Json> = by.iter().map(|(person, n)| json!({"person": person, "n": n})).collect();
    Answer::done(
        json!({"tally": key.to_string(), "total": total, "by": people}),
        format!("{total} together."),
    )
}
