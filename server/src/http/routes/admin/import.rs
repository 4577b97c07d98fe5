//! The roster's import.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::admin::import::{ApplyError, KnownHere, RowChange, apply};
use crate::engine::{Engine, Ruling};
use crate::http::body::object;
use crate::http::routes::caller::administrator;
use crate::http::{ApiError, Code};
use crate::import::{FILES_MAX, ImportError, read};

/// A parameter that is misspelt is refused: what was meant as a trial would be done.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct How {
    /// Only says what would change.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ImportRequest {
    /// The files by their names, each in base64.
    #[serde(deserialize_with = "each_once")]
    files: BTreeMap<String, String>,
}

/// What an import has changed.
#[derive(Serialize, ToSchema)]
pub(super) struct Imported {
    created: u64,
    changed: u64,
    unchanged: u64,
    /// None: with errors nothing is changed, and the refusal has them.
    errors: Vec<String>,
    dry_run: bool,
    /// The first rows that made a difference.
    rows: Vec<RowChange>,
}

/// Imports the district's roster: all of it, or nothing.
///
/// Importing again what is there changes nothing. Where files have errors, the refusal lists them in `error.errors`, each with `file`, `line`, `column`, `code` and `message`.
#[utoipa::path(
    post,
    path = "/v1/import",
    tag = "administration",
    operation_id = "import",
    params(How),
    request_body(content = ImportRequest, example = json!({"files": {"schools.csv": "ZXh0ZXJuYWxfaWQsbmFtZQpsYWtlLWVsLExha2UgRWxlbWVudGFyeQo="}})),
    security(("token" = [])),
    responses((status = 200, description = "What has changed.", body = Imported)),
    extensions(("x-refusals" = json!(["bad_request", "bad_json", "invalid_value", "too_large", "storage_full"]))),
)]
pub(super) async fn import(
    State(engine): State<Arc<Engine>>,
    Query(how): Query<How>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Imported>, ApiError> {
    let by = administrator(&engine, &headers)?;
    let request: ImportRequest = object(&body)?;
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
    Ok(Json(Imported {
        created: report.created,
        changed: report.changed,
        unchanged: report.unchanged,
        errors: Vec::new(),
        dry_run: how.dry_run,
        rows: report.rows,
    }))
}

fn unpacked(request: ImportRequest) -> Result<BTreeMap<String, Vec<u8>>, ApiError> {
    if request.files.len() > FILES_MAX {
        return Err(ApiError::new(Code::TooLarge).message("the import has more files than one may have"));
    }
    let unpack =
        |(name, text): (String, String)| Ok((name, STANDARD.decode(text).map_err(|_| Code::BadJson)?));
    request.files.into_iter().map(unpack).collect()
}

/// Reads the files of an import, of which none may be there twice: one of the two would go unread.
fn each_once<'de, D: Deserializer<'de>>(files: D) -> Result<BTreeMap<String, String>, D::Error> {
    struct Files;
    impl<'de> Visitor<'de> for Files {
        type Value = BTreeMap<String, String>;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("files by their names")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut files = BTreeMap::new();
            while let Some((name, text)) = map.next_entry()? {
                if files.insert(name, text).is_some() {
                    return Err(A::Error::custom("a file twice"));
                }
            }
            Ok(files)
        }
    }
    files.deserialize_map(Files)
}

fn refused(errors: &[ImportError]) -> ApiError {
    let errors = serde_json::to_value(errors).unwrap_or_default();
    ApiError::new(Code::InvalidValue)
        .message("the files have errors; nothing was changed")
        .help("correct what is listed, and import again")
        .detail("errors", errors)
}
