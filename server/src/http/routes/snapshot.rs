//! Whole documents, in pieces where the line is slow.
//!
//! The entity tag is the hash of the bytes, so that a download that broke off goes on (`Range` with `If-Range`) exactly as long as the
//! same bytes are served.

use std::ops::Range;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::header::{ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use sync_core::exchange::message::Cursor;
use sync_core::ids::DocumentId;
use utoipa::IntoParams;

use super::caller::{Caller, bearer, not_waiting};
use crate::engine::{Engine, Snapshot};
use crate::http::{ApiError, Code};

const SEQ: HeaderName = HeaderName::from_static("x-carryover-seq");
const INCARNATION: HeaderName = HeaderName::from_static("x-carryover-incarnation");
const MARK: HeaderName = HeaderName::from_static("x-carryover-mark");

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SnapshotQuery {
    /// The place in the log up to which the document is to be complete, at least.
    #[serde(default)]
    at_least: u64,
}

/// Sends a whole document, or a part of its bytes.
///
/// Rights are looked up at each request. `If-None-Match`, `Range` and `If-Range` are understood.
#[utoipa::path(
    get,
    path = "/v1/documents/{document}/snapshot",
    tag = "tablet",
    operation_id = "snapshot",
    params(("document" = String, Path, description = "The document's id.", example = "01ARZ3NDEKTSV4RRFFQ69G5FAV"), SnapshotQuery),
    security(("device_token" = [])),
    responses(
    (status = 200, description = "The saved document.", body = String, content_type = "application/octet-stream", headers(("x-carryover-seq" = u64, description = "The place in the log up to which it is complete."), ("x-carryover-incarnation" = u32, description = "Which life of the document it is."), ("x-carryover-mark" = String, description = "The log at that place, as a cursor: the tablet shows it with its next exchange."), ("etag" = String, description = "The hash of the bytes."))),
    (status = 206, description = "The part that was asked for.", body = String, content_type = "application/octet-stream"),
    (status = 304, description = "It is as the tablet has it."),
    ),
    extensions(("x-refusals" = json!(["not_found", "device_revoked", "invalid_value", "range_not_satisfiable", "waiting_for_confirmation"]))),
)]
pub(super) async fn snapshot(
    State(engine): State<Arc<Engine>>,
    Path(document): Path<String>,
    Query(query): Query<SnapshotQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Caller::Device(device) = bearer(&engine, &headers)? else { return Err(Code::NotFound.into()) };
    not_waiting(&engine, &device)?;
    let document: DocumentId = document.parse().map_err(|_| Code::NotFound)?;
    let delivers = |snapshot: &Snapshot| match asked(&headers, &tag(snapshot), snapshot.bytes.len()) {
        Asked::Whole | Asked::Part(_) => true,
        Asked::Nothing | Asked::Beyond => false,
    };
    let snapshot = engine.snapshot(device.person, device.id, document, query.at_least, delivers).await?;
    let mark = engine.mark_at(snapshot.seq)?;
    respond(&snapshot, &mark, &headers)
}

/// What of the bytes is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    Nothing,
    Whole,
    Part(Range<usize>),
    Beyond,
}

fn respond(snapshot: &Snapshot, mark: &Cursor, headers: &HeaderMap) -> Result<Response, ApiError> {
    let tag = tag(snapshot);
    let length = snapshot.bytes.len();
    let part = asked(headers, &tag, length);
    let (status, body) = match part.clone() {
        Asked::Nothing => (StatusCode::NOT_MODIFIED, Bytes::new()),
        Asked::Whole => (StatusCode::OK, whole(snapshot)),
        Asked::Part(range) => (StatusCode::PARTIAL_CONTENT, whole(snapshot).slice(range)),
        Asked::Beyond => return Err(Code::RangeNotSatisfiable.into()),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let answer = response.headers_mut();
    answer.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    answer.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    answer.insert(ETAG, HeaderValue::try_from(&tag).map_err(|_| Code::Internal)?);
    answer.insert(SEQ, snapshot.seq.into());
    answer.insert(INCARNATION, snapshot.incarnation.into());
    answer.insert(MARK, HeaderValue::try_from(mark.to_text()).map_err(|_| Code::Internal)?);
    if let Asked::Part(range) = part {
        let range = format!("bytes {}-{}/{length}", range.start, range.end.saturating_sub(1));
        answer.insert(CONTENT_RANGE, HeaderValue::try_from(range).map_err(|_| Code::Internal)?);
    }
    Ok(response)
}

/// Returns the entity tag of a snapshot.
fn tag(snapshot: &Snapshot) -> String {
    let hex = snapshot.hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("\"{hex}\"")
}

fn whole(snapshot: &Snapshot) -> Bytes {
    Bytes::from_owner(Arc::clone(&snapshot.bytes))
}

fn asked(headers: &HeaderMap, tag: &str, length: usize) -> Asked {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if text(IF_NONE_MATCH).is_some_and(|tags| tags.split(',').any(|known| known.trim() == tag)) {
        return Asked::Nothing;
    }
    // Other bytes than those that the first part was of: from the start.
    if text(IF_RANGE).is_some_and(|known| known.trim() != tag) {
        return Asked::Whole;
    }
    text(RANGE).map_or(Asked::Whole, |range| part(range, length))
}

/// Reads one range of bytes (RFC 9110, 14.1.2). Several at once, or another unit, may be answered with the whole, and are.
fn part(range: &str, length: usize) -> Asked {
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Asked::Whole;
    };
    let number = |text: &str| text.trim().parse::<usize>().ok();
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(length),
        (Some(first), None) if last.trim().is_empty() => first..length,
        (None, Some(suffix)) if first.trim().is_empty() => length.saturating_sub(suffix)..length,
        _ => return Asked::Whole,
    };
    if range.is_empty() { Asked::Beyond } else { Asked::Part(range) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_as_the_standard_says() {
        for (range, part_of_ten) in [
            ("bytes=0-", Asked::Part(0..10)),
            ("bytes=3-5", Asked::Part(3..6)),
            ("bytes=9-99", Asked::Part(9..10)),
            ("bytes=-4", Asked::Part(6..10)),
            ("bytes=-99", Asked::Part(0..10)),
            ("bytes=10-", Asked::Beyond),
            ("bytes=-0", Asked::Beyond),
            ("bytes=5-3", Asked::Whole),
            ("bytes=0-1,3-4", Asked::Whole),
            ("lines=0-1", Asked::Whole),
            ("bytes=x-", Asked::Whole),
            ("bytes=-", Asked::Whole),
        ] {
            assert_eq!(part(range, 10), part_of_ten, "{range}");
        }
    }

    #[test]
    fn conditions_come_first() {
        let headers = |pairs: &[(HeaderName, &str)]| -> HeaderMap {
            pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
        };
        let part = (RANGE, "bytes=3-5");
        assert_eq!(asked(&headers(&[part.clone(), (IF_RANGE, "\"a\"")]), "\"a\"", 10), Asked::Part(3..6));
        assert_eq!(asked(&headers(&[part.clone(), (IF_RANGE, "\"b\"")]), "\"a\"", 10), Asked::Whole);
        assert_eq!(asked(&headers(&[part, (IF_NONE_MATCH, "\"b\", \"a\"")]), "\"a\"", 10), Asked::Nothing);
        assert_eq!(asked(&headers(&[]), "\"a\"", 10), Asked::Whole);
    }
}
