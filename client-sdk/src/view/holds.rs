//! What waits for review: the person's own work, and others' that this person may review.

use serde_json::{Value as Json, json};
use sync_core::document::schema::RecordKind;
use sync_core::exchange::client::state::{ActRow, ActState};
use sync_core::exchange::message::{HoldState, HoldView};
use sync_core::ids::HoldId;
use sync_core::record::{Record, Shown, ShownRecord, main_of, waiting};

use crate::deeds::Desk;
use crate::trouble::Trouble;

/// Returns the holds as of the last exchange.
///
/// # Errors
/// The store's.
pub fn holds(desk: &Desk<'_>) -> Result<Vec<Json>, Trouble> {
    let mut all: Vec<Json> =
        desk.tablet().holds()?.iter().map(|hold| view(desk, hold)).collect::<Result<_, _>>()?;
    for act in desk.tablet().acts()? {
        all.extend(without_view(desk, &act)?);
    }
    Ok(all)
}

/// Returns one of them.
///
/// # Errors
/// The store's.
pub fn hold(desk: &Desk<'_>, id: HoldId) -> Result<Option<Json>, Trouble> {
    if let Some(hold) = desk.tablet().hold(id)? {
        return view(desk, &hold).map(Some);
    }
    match desk.tablet().acts()?.iter().find(|act| act.state == ActState::Held(id)) {
        Some(act) => without_view(desk, act),
        None => Ok(None),
    }
}

/// Returns an own act that is held, and of which the server has told no more than that: such as after handing in.
pub(super) fn without_view(desk: &Desk<'_>, act: &ActRow) -> Result<Option<Json>, Trouble> {
    let ActState::Held(id) = act.state else { return Ok(None) };
    if desk.tablet().hold(id)?.is_some() {
        return Ok(None);
    }
    let target = act.slots.iter().find_map(|slot| slot.leaf("target")?.as_text().map(str::to_owned));
    Ok(Some(json!({
        "id": id,
        "student": act.name.subject,
        "record": target.or_else(|| act.slots.first().map(|slot| slot.key.to_string())),
        "author": desk.roster.profile.person,
        "mine": true,
        "reason": Json::Null,
        "what": act.slots.first().and_then(|slot| RecordKind::of_container(&slot.container)).map(RecordKind::word),
        "field": Json::Null,
        "present": Json::Null,
        "proposed": Json::Null,
        "state": "waiting",
        "late": Json::Null,
    })))
}

/// Returns one hold in its stable fields.
///
/// # Errors
/// The store's.
pub fn view(desk: &Desk<'_>, hold: &HoldView) -> Result<Json, Trouble> {
    desk.with_record(hold.name.subject, |record| Ok(fields(desk, record, hold)))
}

fn fields(desk: &Desk<'_>, record: &Record<'_>, hold: &HoldView) -> Json {
    let would = waiting(record, hold.name.id(), &hold.slots);
    let about = main_of(&would);
    let zone = &record.zone;
    let made = about.filter(|about| about.field.is_none()).and_then(|about| {
        let slot = hold.slots.iter().find(|slot| slot.key == about.record)?;
        Some(json!(ShownRecord { kind: about.kind, fields: &slot.fields, zone }))
    });
    let of_field = |value: Option<&sync_core::document::slot::Value>| {
        let about = about?;
        Some(json!(Shown { kind: about.kind, path: about.field.as_deref()?, value: value?, zone }))
    };
    json!({
        "id": hold.id,
        "student": hold.name.subject,
        "record": about.map(|about| about.record.to_string()),
        "author": hold.author,
        "mine": hold.author == desk.roster.profile.person,
        "reason": hold.reason.name(),
        "what": about.map(|about| about.what(would.len())),
        "field": about.and_then(|about| about.field.clone()),
        "present": of_field(about.and_then(|about| about.present.as_ref())),
        "proposed": of_field(about.and_then(|about| about.proposed.as_ref())).or(made),
        "state": hold.state.name(),
        "reviewer": reviewer(&hold.state),
        "declined_because": declined_because(&hold.state),
        "late": hold.late,
        "received": zone.rfc3339(hold.received),
    })
}

fn reviewer(state: &HoldState) -> Json {
    match state {
        HoldState::Admitted { by } | HoldState::Declined { by, .. } => json!(by),
        HoldState::Waiting | HoldState::Withdrawn => Json::Null,
    }
}

fn declined_because(state: &HoldState) -> Json {
    if let HoldState::Declined { reason, .. } = state { json!(reason) } else { Json::Null }
}
