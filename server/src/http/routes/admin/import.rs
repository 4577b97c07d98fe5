//! The roster's import.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::admin::import::{ApplyError, KnownHere, apply};
use crate::engine::{Engine, Ruling};
use crate::http::routes::caller::administrator;
use crate::http::{ApiError, Code};
use crate::import::{FILES_MAX, ImportError, read};

#[derive(Deserialize)]
pub(super) struct How {
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImportRequest {
    files: BTreeMap<String, String>,
}

pub(super) async fn import(
    State(engine): State<Arc<Engine>>,
    Query(how): Query<How>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let by = administrator(&engine, &headers)?;
    let request: ImportRequest = serde_json::from_slice(&body).map_err(|_| Code::BadJson)?;
    let files = unpacked(request)?;
    let reading = Arc::clone(&engine);
    // Reading large tables takes longer than an async worker should be kept.
    let roster = tokio::task::spawn_blocking(move || {
        read(&files, &KnownHere::new(reading.organisation(), reading.index()))
    });
    let roster = roster.await.map_err(|_| Code::Internal)?.map_err(|errors| refused(&errors))?;
    let applied = engine.decide(move |desk| match apply(desk, &roster) {
        Ok(report) if how.dry_run => Ok(Ruling::Void(Ok(report))),
        Ok(report) => {
            if report.created + report.changed > 0 {
                crate::admin::audit(desk, by, "import", "roster")?;
            }
            Ok(Ruling::Stands(Ok(report)))
        }
        Err(ApplyError::Rows(errors)) => Ok(Ruling::Void(Err(errors))),
        Err(ApplyError::Desk(error)) => Err(error),
    });
    let report = applied.await?.map_err(|errors| refused(&errors))?;
    Ok(Json(json!({
        "created": report.created,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "errors": [],
        "dry_run": how.dry_run,
        "rows": report.rows,
    })))
}

fn unpacked(request: ImportRequest) -> Result<BTreeMap<String, Vec<u8>>, ApiError> {
    if request.files.len() > FILES_MAX {
        return Err(ApiError::new(Code::TooLarge).message("an import has eight files"));
    }
    let unpack =
        |(name, text): (String, String)| Ok((name, STANDARD.decode(text).map_err(|_| Code::BadJson)?));
    request.files.into_iter().map(unpack).collect()
}

fn refused(errors: &[ImportError]) -> ApiError {
    let errors = serde_json::to_value(errors).unwrap_or_default();
    ApiError::new(Code::InvalidValue)
        .message("the files have errors; nothing was changed")
        .help("correct what is listed, and import again")
        .detail("errors", errors)
}
