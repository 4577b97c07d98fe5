//! Refusals: that something was refused, for those who answer for it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Serialize;
use sync_core::document::name::DocumentKind;
use sync_core::ids::{DeviceId, PersonId, StudentId};
use utoipa::ToSchema;

use super::caller::bearer;
use super::holds::viewer;
use crate::engine::Engine;
use crate::engine::refusals::RefusalRow;
use crate::http::ApiError;

#[derive(Serialize, ToSchema)]
pub(super) struct Refusals {
    /// The newest first, at most 20 of one device and 1,000 of all.
    refusals: Vec<Refusal>,
}

/// An envelope that was refused. What it said is evidence in the log, and stands here for nobody.
#[derive(Serialize, ToSchema)]
struct Refusal {
    /// Its place in the log.
    seq: u64,
    /// Whose device sent it; null if that is not known here.
    #[schema(value_type = Option<String>)]
    author: Option<PersonId>,
    #[schema(value_type = String)]
    device: DeviceId,
    /// About whom it was; null if there is no such document.
    #[schema(value_type = Option<String>)]
    student: Option<StudentId>,
    /// The kind of the document; null if there is no such document.
    #[schema(value_type = Option<String>)]
    document: Option<DocumentKind>,
    /// Why, as a stable code.
    code: String,
}

/// Lists what was refused.
///
/// An administrator sees all of it, a coordinator what concerns the school, anybody else the own. It is kept as evidence, and its author's
/// tablet keeps it, too.
#[utoipa::path(
    get,
    path = "/v1/refusals",
    tag = "review",
    operation_id = "list_refusals",
    security(("token" = []), ("device_token" = [])),
    responses((status = 200, description = "What was refused.", body = Refusals)),
    extensions(("x-refusals" = json!(["waiting_for_confirmation"]))),
)]
pub(super) async fn list(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
) -> Result<Json<Refusals>, ApiError> {
    let viewer = viewer(&engine, &bearer(&engine, &headers)?)?;
    let refusals = engine.refusals(viewer).await?;
    Ok(Json(Refusals { refusals: refusals.into_iter().map(view).collect() }))
}

fn view(row: RefusalRow) -> Refusal {
    let (student, document) = row.document.unzip();
    Refusal { seq: row.seq, author: row.author, device: row.device, student, document, code: row.code }
}
