//! Holds: seeing and deciding them.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value as JsonValue;
use sync_core::document::slot::Value;
use sync_core::exchange::server::review::{DECIDED_MAX, Review};
use sync_core::ids::{HoldId, PersonId, StudentId};
use sync_core::record::{Shown, ShownRecord, Waiting, main_of};
use utoipa::ToSchema;

use super::caller::{Caller, anyone, bearer, not_restored, not_waiting};
use crate::engine::Engine;
use crate::engine::holds::{Seen, Verdict, Viewer};
use crate::http::body::object;
use crate::http::{ApiError, Code};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AdmitRequest {
    /// Holds to decide about, 1 to 1,000.
    #[schema(value_type = Vec<String>)]
    holds: Vec<HoldId>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeclineRequest {
    /// Holds to decide about, 1 to 1,000.
    #[schema(value_type = Vec<String>)]
    holds: Vec<HoldId>,
    /// What the author is told.
    reason: String,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Holds {
    holds: Vec<HoldRow>,
}

/// A hold; what the viewer may not see is null, and so is what cannot be read.
#[derive(Serialize, ToSchema)]
struct HoldRow {
    #[schema(value_type = String)]
    id: HoldId,
    #[schema(value_type = String)]
    student: StudentId,
    /// The record that it makes or changes.
    record: Option<String>,
    #[schema(value_type = Option<String>)]
    author: Option<PersonId>,
    /// Whether it is the viewer's own.
    mine: Option<bool>,
    reason: &'static str,
    /// What it would do, in words.
    what: Option<String>,
    /// The field that it changes.
    field: Option<String>,
    /// The value that stands, of any type.
    #[schema(value_type = Value)]
    present: Option<JsonValue>,
    /// The value that is proposed, of any type.
    #[schema(value_type = Value)]
    proposed: Option<JsonValue>,
    /// `waiting`, `admitted`, `declined` or `withdrawn`.
    state: &'static str,
    /// Whether it came after its author's grant had ended.
    late: Option<bool>,
}

/// Lists the holds that the caller may review, and the caller's own.
///
/// An administrator sees that they exist, and not what is in them.
#[utoipa::path(
    get,
    path = "/v1/holds",
    tag = "review",
    operation_id = "list_holds",
    security(("token" = []), ("device_token" = [])),
    responses((status = 200, description = "The holds.", body = Holds)),
    extensions(("x-refusals" = json!(["waiting_for_confirmation"]))),
)]
pub(super) async fn list(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
) -> Result<Json<Holds>, ApiError> {
    let viewer = viewer(&engine, &bearer(&engine, &headers)?)?;
    Ok(Json(Holds { holds: engine.holds(viewer).await?.iter().map(view).collect() }))
}

/// Shows a hold.
#[utoipa::path(
    get,
    path = "/v1/holds/{hold}",
    tag = "review",
    operation_id = "show_hold",
    params(("hold" = String, Path, description = "The hold's id.", example = "01ARZ3NDEKTSV4RRFFQ69G5FAV")),
    security(("token" = []), ("device_token" = [])),
    responses((status = 200, description = "The hold, as the only one of a list.", body = Holds)),
    extensions(("x-refusals" = json!(["not_found", "waiting_for_confirmation"]))),
)]
pub(super) async fn show(
    State(engine): State<Arc<Engine>>,
    Path(hold): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Holds>, ApiError> {
    let viewer = viewer(&engine, &bearer(&engine, &headers)?)?;
    let id = hold.parse().map_err(|_| Code::NotFound)?;
    let seen = engine.hold(viewer, id).await?.ok_or(Code::NotFound)?;
    Ok(Json(Holds { holds: vec![view(&seen)] }))
}

/// Admits holds: what they say comes to stand, in their authors' names.
///
/// Holds that build on each other are admitted together.
#[utoipa::path(
    post,
    path = "/v1/holds/admit",
    tag = "review",
    operation_id = "admit_holds",
    request_body(content = AdmitRequest, example = json!({"holds": ["01ARZ3NDEKTSV4RRFFQ69G5FAV"]})),
    security(("token" = []), ("device" = [])),
    responses((status = 200, description = "The holds as they are now.", body = Holds)),
    extensions(("x-refusals" = json!(["bad_json", "forbidden", "not_found", "conflict", "invalid_value", "waiting_for_confirmation", "storage_full"]))),
)]
pub(super) async fn admit(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Holds>, ApiError> {
    let caller = anyone(&engine, &headers, &body)?;
    let request: AdmitRequest = object(&body)?;
    decide(&engine, &caller, request.holds, Verdict::Admit).await
}

/// Declines holds, with a reason that their authors are told.
#[utoipa::path(
    post,
    path = "/v1/holds/decline",
    tag = "review",
    operation_id = "decline_holds",
    request_body(content = DeclineRequest, example = json!({"holds": ["01ARZ3NDEKTSV4RRFFQ69G5FAV"], "reason": "this was another student's session"})),
    security(("token" = []), ("device" = [])),
    responses((status = 200, description = "The holds as they are now.", body = Holds)),
    extensions(("x-refusals" = json!(["bad_json", "forbidden", "not_found", "conflict", "invalid_value", "waiting_for_confirmation", "storage_full"]))),
)]
pub(super) async fn decline(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Holds>, ApiError> {
    let caller = anyone(&engine, &headers, &body)?;
    let request: DeclineRequest = object(&body)?;
    decide(&engine, &caller, request.holds, Verdict::Decline(request.reason)).await
}

async fn decide(
    engine: &Arc<Engine>,
    caller: &Caller,
    ids: Vec<HoldId>,
    verdict: Verdict,
) -> Result<Json<Holds>, ApiError> {
    let viewer = viewer(engine, caller)?;
    let Viewer::Person(reviewer) = viewer else { return Err(Code::Forbidden.into()) };
    match engine.review(reviewer, ids.clone(), verdict).await? {
        Review::Decided(_) => {
            let mut holds = Vec::new();
            for id in ids {
                holds.extend(engine.hold(viewer, id).await?.as_ref().map(view));
            }
            Ok(Json(Holds { holds }))
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
        Review::Gone(hold) => Err(ApiError::new(Code::Conflict)
            .message("the record that a hold is for was destroyed")
            .help("decline it, so that its author is told")
            .detail("hold", hold.to_string())),
        Review::Invalid => Err(ApiError::new(Code::InvalidValue).message(format!(
            "a decision names 1 to {DECIDED_MAX} holds, and a reason is neither empty nor long"
        ))),
    }
}

/// Returns as whom a caller looks at what was not simply stored.
pub(super) fn viewer(engine: &Engine, caller: &Caller) -> Result<Viewer, ApiError> {
    match caller {
        Caller::Administrator(_) => Ok(Viewer::Administrator),
        Caller::Person(person) => {
            not_restored(engine)?;
            Ok(Viewer::Person(person.id))
        }
        Caller::Device(device) => {
            not_waiting(engine, device)?;
            Ok(Viewer::Person(device.person))
        }
    }
}

/// Returns a hold in the fields that scripts know; what the viewer may not see, or cannot be read, is null.
fn view(seen: &Seen) -> HoldRow {
    let (hold, mine, would, zone) = match seen {
        Seen::Exists(hold) => (hold, None, &[][..], None),
        Seen::Whole { hold, mine, would, zone } => (hold, Some(*mine), &would[..], Some(zone)),
    };
    let about = main_of(would);
    let made = about.filter(|about| about.field.is_none()).and_then(|about| {
        let slot = hold.slots.iter().find(|slot| slot.key == about.record)?;
        plain(ShownRecord { kind: about.kind, fields: &slot.fields, zone: zone? })
    });
    // It goes to somebody who may read the record.
    let of_field = |about: &Waiting, value: &Value| {
        let path = about.field.as_deref().unwrap_or_default();
        plain(Shown { kind: about.kind, path, value, zone: zone? })
    };
    HoldRow {
        id: hold.id,
        student: hold.name.subject,
        record: about.map(|about| about.record.to_string()),
        author: about.map(|_| hold.author),
        mine,
        reason: hold.reason.name(),
        what: about.map(|about| about.what(would.len())),
        field: about.and_then(|about| about.field.clone()),
        present: about.and_then(|about| of_field(about, about.present.as_ref()?)),
        proposed: about.and_then(|about| of_field(about, about.proposed.as_ref()?)).or(made),
        state: hold.state.name(),
        late: about.map(|_| hold.late),
    }
}

fn plain(shown: impl Serialize) -> Option<JsonValue> {
    serde_json::to_value(shown).ok()
}
