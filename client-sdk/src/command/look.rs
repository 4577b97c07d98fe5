//! Looking: what this tablet has.

use serde_json::json;
use sync_core::exchange::client::purge::seen;
use sync_core::exchange::client::state::Tablet;
use sync_core::ids::HoldId;

use super::args::{RecordArgs, StatusArgs};
use super::{Answer, Tools, words};
use crate::roster::Roster;
use crate::store::Writes;
use crate::trouble::Trouble;
use crate::view::{self, Sight};

pub(super) fn caseload(tools: &Tools) -> Result<Answer, Trouble> {
    let json = tools.look(|desk, _| view::caseload::caseload(desk))?;
    let words = words::caseload(json["students"].as_array().map(Vec::as_slice).unwrap_or_default());
    Ok(Answer::done(json, words))
}

pub(super) fn record(tools: &Tools, args: &RecordArgs) -> Result<Answer, Trouble> {
    tools.look(|desk, local| {
        let student = desk.roster.student(&args.student);
        let sight = view::sight(desk, local, student)?;
        let day = args.week.unwrap_or_else(|| desk.roster.today(desk.now));
        let json = view::record::record(desk, student, sight, day)?;
        let words = words::record(&json, &desk.roster);
        let answer = Answer::done(json, words);
        Ok(match sight {
            Sight::Whole => answer,
            Sight::Left => answer.with_trouble(&Trouble::AccessEnded),
        })
    })
}

pub(super) fn conflicts(tools: &Tools) -> Result<Answer, Trouble> {
    tools.look(|desk, _| {
        let conflicts = view::conflicts::conflicts(desk)?;
        let flags = view::flags::to_decide(desk)?;
        let words = words::conflicts(&conflicts, &flags, &desk.roster);
        Ok(Answer::done(json!({ "conflicts": conflicts, "flags": flags }), words))
    })
}

pub(super) fn status(tools: &Tools, args: &StatusArgs) -> Result<Answer, Trouble> {
    if args.forget_damage {
        tools.store.forget_damage()?;
    }
    tools.store.read(|state| {
        let roster = Roster::read(state)?;
        let status = view::status::status(state)?;
        let answer = Answer::done(status.json(&roster), status.words(&roster));
        Ok(answer)
    })
}

pub(super) fn holds(tools: &Tools) -> Result<Answer, Trouble> {
    let answer = tools.look(|desk, _| {
        let holds = view::holds::holds(desk)?;
        let words = words::holds(&holds, &desk.roster);
        Ok(Answer::done(json!({ "holds": holds }), words))
    })?;
    note_seen(tools, None)?;
    Ok(answer)
}

pub(super) fn hold(tools: &Tools, id: &HoldId) -> Result<Answer, Trouble> {
    let answer = tools.look(|desk, _| {
        let json = view::holds::hold(desk, *id)?.ok_or_else(|| Trouble::unknown("hold"))?;
        let words = words::hold(&json, &desk.roster);
        Ok(Answer::done(json!({ "holds": [json] }), words))
    })?;
    note_seen(tools, Some(id))?;
    Ok(answer)
}

/// Notes that the person was shown this hold, or all of them: a decided one is let go with the next exchange.
fn note_seen(tools: &Tools, only: Option<&HoldId>) -> Result<(), Trouble> {
    tools.store.update(|state| {
        let mut writes = Writes::new();
        for hold in Tablet(state).holds()?.iter().filter(|hold| only.is_none_or(|only| hold.id == *only)) {
            writes.core(seen(state, hold.id)?);
        }
        Ok::<_, Trouble>((writes, ()))
    })
}
