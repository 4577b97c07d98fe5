//! Changing one's mind: amending, removing, certifying, deciding, taking back.

use std::collections::BTreeSet;

use serde_json::json;
use sync_core::document::deed::Deed;
use sync_core::document::schema::{RecordKind, VOID};
use sync_core::document::slot::{SlotKey, Value};
use sync_core::exchange::client::withdrawal;
use sync_core::exchange::message::HoldState;
use sync_core::ids::HoldId;
use sync_core::record::State;
use sync_core::sensitive::Sensitive;

use super::args::{AmendArgs, GoalArgs, ResolveArgs, SetArgs, VoidArgs};
use super::{Answer, Tools};
use crate::chance::Chance;
use crate::deeds::{Desk, Standing};
use crate::fields;
use crate::trouble::Trouble;
use crate::view;

pub(super) fn amend(tools: &Tools, args: &AmendArgs) -> Result<Answer, Trouble> {
    let reason = reason(&args.reason)?;
    tools.on_desk(|desk, _, _, chance| {
        let standing = named(desk, &args.what.id)?;
        set_all(desk, &standing, &args.what.set, Some(&reason), chance)?;
        Ok(saved("record", standing.slot.key, "Saved on this tablet: the change"))
    })
}

pub(super) fn void(tools: &Tools, args: &VoidArgs) -> Result<Answer, Trouble> {
    let reason = reason(&args.reason)?;
    tools.on_desk(|desk, _, _, chance| {
        let standing = named(desk, &args.id)?;
        let deed = Deed::Void {
            target: standing.slot.key,
            kind: kind_of(&standing)?,
            replaces: desk.replaced(&standing, VOID)?,
            reason: Some(reason.clone()),
        };
        desk.make(standing.name.subject, &deed, chance)?;
        Ok(saved("record", standing.slot.key, "Saved on this tablet: removed"))
    })
}

pub(super) fn certify(tools: &Tools, ids: &[String]) -> Result<Answer, Trouble> {
    tools.on_desk(|desk, _, _, chance| {
        let mut certified = Vec::new();
        for id in ids {
            let standing = named(desk, id)?;
            let target = standing.slot.key;
            let covers = desk.with_record(standing.name.subject, |record| {
                let entry =
                    record.stands_in(standing.name.id(), target).ok_or_else(|| Trouble::unknown("record"))?;
                if let Some(session) = record.sessions.iter().find(|session| session.head.id == entry.id())
                    && matches!(session.state, State::Draft | State::Void)
                {
                    let help = "finish it with `amend ID --set state=complete --reason TEXT`";
                    return Err(Trouble::value(
                        format!("a {} session cannot be certified", session.state.word()),
                        help,
                    ));
                }
                record.covers(&entry.id()).ok_or_else(|| Trouble::unknown("record"))
            })?;
            desk.make(standing.name.subject, &Deed::Certify { target, covers }, chance)?;
            certified.push(target.to_string());
        }
        let json = json!({"record": certified.first(), "records": certified});
        Ok(Answer::done(json, "Saved on this tablet: certified."))
    })
}

pub(super) fn goal(tools: &Tools, args: &GoalArgs) -> Result<Answer, Trouble> {
    let statement = args.statement.as_ref().map(|text| format!("statement={text}"));
    let target = args.target.as_ref().map(|text| format!("target={text}"));
    let set: Vec<String> = statement.into_iter().chain(target).collect();
    tools.on_desk(|desk, _, _, chance| {
        let key = desk.roster.record(RecordKind::Goal, &args.id);
        let standing = match desk.standing(key)? {
            Some(standing) => standing,
            None => desk.unread_goal(key).ok_or_else(|| Trouble::unknown("goal"))?,
        };
        if standing.slot.container != RecordKind::Goal.container() {
            return Err(Trouble::unknown("goal"));
        }
        set_all(desk, &standing, &set, None, chance)?;
        Ok(saved("goal", key, "Saved on this tablet: the goal's change"))
    })
}

pub(super) fn resolve(tools: &Tools, args: &ResolveArgs) -> Result<Answer, Trouble> {
    tools.on_desk(|desk, _, _, chance| {
        let conflict = view::conflicts::find(desk, args.id)?;
        let kind = conflict.record.kind;
        let value = match (args.keep, &args.value) {
            (Some(n), _) => {
                let kept = n.checked_sub(1).and_then(|n| conflict.values.get(n));
                let kept = kept.ok_or_else(|| {
                    Trouble::value(
                        format!("there is no value {n}"),
                        format!("keep one of 1 to {}, as `conflicts` numbers them", conflict.values.len()),
                    )
                })?;
                kept.value.clone().ok_or_else(|| {
                    Trouble::value(
                        "that value is nothing at all",
                        "give the value that it is to be with --value",
                    )
                })?
            }
            (None, Some(text)) => fields::read(kind, &conflict.field, text)?,
            (None, None) => {
                return Err(Trouble::value("no decision was given", "give --keep N or --value V"));
            }
        };
        let deed = Deed::Edit {
            target: conflict.record.key,
            kind,
            field: conflict.field.clone(),
            value,
            replaces: conflict.replaces().into_iter().collect(),
            reason: None,
        };
        let student = standing_at(desk, conflict.record.key)?.name.subject;
        desk.make(student, &deed, chance)?;
        Ok(saved("record", conflict.record.key, "Saved on this tablet: decided"))
    })
}

pub(super) fn withdraw(tools: &Tools, id: &HoldId) -> Result<Answer, Trouble> {
    tools.on_desk(|desk, _, _, _| {
        let hold = own_hold(desk, *id)?;
        if hold.state == HoldState::Waiting {
            desk.add(withdrawal::withdraw(*id));
        }
        let json = json!({"holds": [view::holds::view(desk, &hold)?]});
        Ok(Answer::done(json, "Saved on this tablet: it is taken back with the next sync."))
    })
}

pub(super) fn correct(tools: &Tools, args: &SetArgs) -> Result<Answer, Trouble> {
    tools.on_desk(|desk, _, _, chance| {
        let key = match args.id.parse::<HoldId>() {
            Ok(id) => record_of(desk, id)?,
            Err(_) => args.id.parse::<SlotKey>().map_err(|_| Trouble::unknown("hold"))?,
        };
        let standing = standing_at(desk, key)?;
        desk.correct(key)?;
        set_all(desk, &standing, &args.set, None, chance)?;
        Ok(saved("record", key, "Saved on this tablet: the correction"))
    })
}

fn own_hold(desk: &Desk<'_>, id: HoldId) -> Result<sync_core::exchange::message::HoldView, Trouble> {
    let hold = desk.tablet().hold(id)?.filter(|hold| hold.author == desk.roster.profile.person);
    hold.ok_or_else(|| Trouble::unknown("hold"))
}

/// Returns the record that a hold makes; of a held edit, the one that it changes.
fn record_of(desk: &Desk<'_>, id: HoldId) -> Result<SlotKey, Trouble> {
    let hold = desk.tablet().hold(id)?.ok_or_else(|| Trouble::unknown("hold"))?;
    let slot = hold.slots.first().ok_or_else(|| Trouble::unknown("hold"))?;
    let target = slot.leaf("target").and_then(Value::as_text).and_then(|text| text.parse().ok());
    Ok(target.unwrap_or(slot.key))
}

fn named(desk: &Desk<'_>, id: &str) -> Result<Standing, Trouble> {
    let key = id.parse().map_err(|_| Trouble::unknown("record"));
    match key {
        Ok(key) => standing_at(desk, key),
        // Of what the import calls by a name of its own, goals and services are meant.
        Err(unknown) => {
            for kind in [RecordKind::Goal, RecordKind::Service] {
                if let Some(standing) = desk.standing(desk.roster.record(kind, id))? {
                    return Ok(standing);
                }
            }
            Err(unknown)
        }
    }
}

fn standing_at(desk: &Desk<'_>, key: SlotKey) -> Result<Standing, Trouble> {
    desk.standing(key)?.ok_or_else(|| Trouble::unknown("record"))
}

fn kind_of(standing: &Standing) -> Result<RecordKind, Trouble> {
    RecordKind::of_container(&standing.slot.container).ok_or_else(|| {
        Trouble::value("this record is from a newer version of the app", "update this app to change it")
    })
}

/// Sets fields, each with an act of its own, so that each has a fate of its own.
fn set_all(
    desk: &mut Desk<'_>,
    standing: &Standing,
    set: &[String],
    reason: Option<&Sensitive<String>>,
    chance: &mut dyn Chance,
) -> Result<(), Trouble> {
    let kind = kind_of(standing)?;
    let mut seen = BTreeSet::new();
    for text in set {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            Trouble::value(format!("{text} sets nothing"), "give FIELD=VALUE, such as minutes=25")
        })?;
        let field = fields::path_of(kind, &standing.slot, name)?;
        if !seen.insert(field.clone()) {
            return Err(Trouble::value(format!("{field} is set twice"), "give each field once"));
        }
        let value = fields::read(kind, &field, value)?;
        let replaces = desk.replaced(standing, &field)?;
        let deed =
            Deed::Edit { target: standing.slot.key, kind, field, value, replaces, reason: reason.cloned() };
        desk.make(standing.name.subject, &deed, chance)?;
    }
    Ok(())
}

fn reason(text: &str) -> Result<Sensitive<String>, Trouble> {
    if text.trim().is_empty() {
        return Err(Trouble::value("the reason is empty", "say in a few words why"));
    }
    Ok(Sensitive::new(text.to_owned()))
}

fn saved(name: &str, key: SlotKey, words: &str) -> Answer {
    Answer::done(json!({ name: key.to_string() }), format!("{words} ({key})."))
}
