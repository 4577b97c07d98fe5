//! Holds: seeing and deciding them.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Map, Value as JsonValue, json};
use sync_core::document::schema::{RecordKind, in_thousandths};
use sync_core::document::slot::{ACT, AT, Fields, OFFSET, Value};
use sync_core::exchange::server::entry::Hold;
use sync_core::exchange::server::review::{DECIDED_MAX, Review};
use sync_core::ids::HoldId;
use sync_core::measure::thousandths::Thousandths;
use sync_core::record::{Waiting, main_of};

use super::caller::{Caller, anyone, bearer, not_waiting};
use crate::engine::Engine;
use crate::engine::holds::{Seen, Verdict, Viewer};
use crate::http::body::object;
use crate::http::{ApiError, Code};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdmitRequest {
    holds: Vec<HoldId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeclineRequest {
    holds: Vec<HoldId>,
    reason: String,
}

pub(super) async fn list(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
) -> Result<Json<JsonValue>, ApiError> {
    let viewer = viewer(&engine, &bearer(&engine, &headers)?)?;
    let holds: Vec<JsonValue> = engine.holds(viewer).await?.iter().map(view).collect();
    Ok(Json(json!({ "holds": holds })))
}

pub(super) async fn show(
    State(engine): State<Arc<Engine>>,
    Path(hold): Path<String>,
    headers: HeaderMap,
) -> Result<Json<JsonValue>, ApiError> {
    let viewer = viewer(&engine, &bearer(&engine, &headers)?)?;
    let id = hold.parse().map_err(|_| Code::NotFound)?;
    let seen = engine.hold(viewer, id).await?.ok_or(Code::NotFound)?;
    Ok(Json(json!({ "holds": [view(&seen)] })))
}

pub(super) async fn admit(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<JsonValue>, ApiError> {
    let caller = anyone(&engine, &headers, &body)?;
    let request: AdmitRequest = object(&body)?;
    decide(&engine, &caller, request.holds, Verdict::Admit).await
}

pub(super) async fn decline(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<JsonValue>, ApiError> {
    let caller = anyone(&engine, &headers, &body)?;
    let request: DeclineRequest = object(&body)?;
    decide(&engine, &caller, request.holds, Verdict::Decline(request.reason)).await
}

async fn decide(
    engine: &Arc<Engine>,
    caller: &Caller,
    ids: Vec<HoldId>,
    verdict: Verdict,
) -> Result<Json<JsonValue>, ApiError> {
    let viewer = viewer(engine, caller)?;
    let Viewer::Person(reviewer) = viewer else { return Err(Code::Forbidden.into()) };
    match engine.review(reviewer, ids.clone(), verdict).await? {
        Review::Decided(_) => {
            let mut holds = Vec::new();
            for id in ids {
                holds.extend(engine.hold(viewer, id).await?.as_ref().map(view));
            }
            Ok(Json(json!({ "holds": holds })))
        }
        Review::Unknown(hold) => Err(ApiError::new(Code::NotFound).detail("hold", hold.to_string())),
        Review::BuildsOn { hold, bases } => {
            let bases: Vec<String> = bases.iter().map(ToString::to_string).collect();
            Err(ApiError::new(Code::Conflict)
                .message("a hold builds on another that is held")
                .help("decide about that one with it, or first")
                .detail("hold", hold.to_string())
                .detail("bases", bases))
        }
        Review::NeedsCorrection { hold, fault } => Err(ApiError::new(Code::Conflict)
            .message("a value cannot be as it is")
            .help("correct it first, then admit both")
            .detail("hold", hold.to_string())
            .detail("fault", fault)),
        Review::Invalid => Err(ApiError::new(Code::InvalidValue).message(format!(
            "a decision names 1 to {DECIDED_MAX} holds, and a reason is neither empty nor long"
        ))),
    }
}

fn viewer(engine: &Engine, caller: &Caller) -> Result<Viewer, ApiError> {
    match caller {
        Caller::Administrator(_) => Ok(Viewer::Administrator),
        Caller::Person(person) => Ok(Viewer::Person(person.id)),
        Caller::Device(device) => {
            not_waiting(engine, device)?;
            Ok(Viewer::Person(device.person))
        }
    }
}

/// Returns a hold in the fields that scripts know; what the viewer may not see is null.
fn view(seen: &Seen) -> JsonValue {
    match seen {
        Seen::Exists(hold) => fields(hold, None, &[]),
        Seen::Whole { hold, mine, would } => fields(hold, Some(*mine), would),
    }
}

fn fields(hold: &Hold, mine: Option<bool>, would: &[Waiting]) -> JsonValue {
    let about = main_of(would);
    let made = about.filter(|about| about.field.is_none()).and_then(|about| {
        let slot = hold.slots.iter().find(|slot| slot.key == about.record)?;
        Some(without_frame(about.kind, &slot.fields))
    });
    let of_field =
        |about: &Waiting, value: &Value| shown(about.kind, about.field.as_deref().unwrap_or(""), value);
    let present = about.and_then(|about| Some(of_field(about, about.present.as_ref()?)));
    let proposed = about.and_then(|about| Some(of_field(about, about.proposed.as_ref()?))).or(made);
    json!({
        "id": hold.id,
        "student": hold.name.subject,
        "record": about.map(|about| about.record.to_string()),
        "author": about.map(|_| hold.author),
        "mine": mine,
        "reason": hold.reason.name(),
        "what": about.map(|about| about.what(would.len())),
        "field": about.and_then(|about| about.field.clone()),
        "present": present,
        "proposed": proposed,
        "state": hold.state.name(),
        "late": about.map(|_| hold.late),
    })
}

fn without_frame(kind: Option<RecordKind>, fields: &Fields) -> JsonValue {
    let own = fields.iter().filter(|(name, _)| ![ACT, AT, OFFSET].contains(&name.as_str()));
    JsonValue::Object(own.map(|(name, value)| (name.clone(), shown(kind, name, value))).collect())
}

/// Returns the value of a field as people write it: a figure that is stored in thousandths as a decimal.
fn shown(kind: Option<RecordKind>, field: &str, value: &Value) -> JsonValue {
    match value {
        Value::Int(figure) if kind.is_some_and(|kind| in_thousandths(kind, field)) => {
            json!(Thousandths(*figure))
        }
        Value::Flag(_) | Value::Int(_) | Value::Text(_) | Value::Map(_) => plain(value),
    }
}

/// Returns a slot's value as JSON has it. It goes to somebody who may read the record.
fn plain(value: &Value) -> JsonValue {
    match value {
        Value::Flag(flag) => JsonValue::from(*flag),
        Value::Int(int) => JsonValue::from(*int),
        Value::Text(text) => JsonValue::from(text.as_str()),
        Value::Map(map) => JsonValue::Object(
            map.iter().map(|(name, value)| (name.clone(), plain(value))).collect::<Map<_, _>>(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_shown_as_people_write_it() {
        let goal = Some(RecordKind::Goal);
        assert_eq!(shown(goal, "target", &Value::Int(80_000)), json!(80));
        assert_eq!(shown(goal, "baseline", &Value::Int(12_500)), json!(12.5));
        assert_eq!(shown(Some(RecordKind::Session), "segments.1.minutes", &Value::Int(30)), json!(30));
    }
}
