//! Ids and parameters that are none, or nobody's.

use axum::body::Body;
use axum::http::Method;

use serde_json::{Value, json};

use super::json::an_end;
use super::{Beside, NOBODY, Row, row};
use crate::import::FILES_MAX;

pub(super) fn ids(beside: &Beside) -> Vec<Row> {
    let mut rows = Vec::new();
    let long = "7".repeat(3_000);
    for (what, id, status, code) in [
        ("nobody's", NOBODY, 404, "not_found"),
        ("too short", "7", 404, "not_found"),
        ("too long", "000000000000000000000000001", 404, "not_found"),
        ("in small letters", "01arz3ndektsv4rrffq69g5fav", 404, "not_found"),
        ("beyond 128 bits", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", 404, "not_found"),
        ("with a letter that is none", "01ARZ3NDEKTSV4RRFFQ69G5FAU", 404, "not_found"),
        ("a zero byte", "%00", 404, "not_found"),
        ("two dots", "%2e%2e", 404, "not_found"),
        ("a slash", "%2F", 404, "not_found"),
        ("no text", "%ff", 400, "bad_request"),
        ("very long", long.as_str(), 404, "not_found"),
        ("a letter of another script", "%D0%B0", 404, "not_found"),
    ] {
        let (admin, ana) = (beside.admin.as_str(), beside.ana.token.as_str());
        let end = an_end().to_string();
        for (kind, method, path, token, body) in [
            ("document", Method::GET, "/v1/documents/{}/snapshot", ana, ""),
            ("hold", Method::GET, "/v1/holds/{}", admin, ""),
            ("grant", Method::POST, "/v1/grants/{}/end", admin, end.as_str()),
            ("device", Method::POST, "/v1/devices/{}/revoke", admin, ""),
            ("person", Method::POST, "/v1/people/{}/code", admin, ""),
            ("guardian", Method::POST, "/v1/guardians/{}/end", admin, ""),
        ] {
            let request = beside.with(token, method, &path.replace("{}", id), body.to_owned());
            rows.push(row(format!("the id of a {kind}, {what}"), request, status, code));
        }
    }
    rows
}

pub(super) fn queries(beside: &Beside) -> Vec<Row> {
    let mut rows = Vec::new();
    for (path, status, code) in [
        ("/v1/grants?student=canary7", 404, "not_found"),
        ("/v1/grants?person=canary7", 404, "not_found"),
        ("/v1/grants?canary7=1", 400, "bad_request"),
        ("/v1/grants?student=maya&student=maya", 400, "bad_request"),
        ("/v1/grants?student=%ff", 404, "not_found"),
        ("/v1/guardians?student=canary7", 404, "not_found"),
        ("/v1/guardians?canary7=1", 400, "bad_request"),
        ("/v1/devices?person=canary7", 404, "not_found"),
        ("/v1/devices?canary7=1", 400, "bad_request"),
        ("/v1/devices?person=", 404, "not_found"),
    ] {
        rows.push(row(
            format!("GET {path}"),
            beside.by_admin(Method::GET, path, Body::empty()),
            status,
            code,
        ));
    }
    let snapshot = format!("/v1/documents/{}/snapshot", beside.log.id());
    let by_ana = |path: &str| beside.with(&beside.ana.token, Method::GET, path, Body::empty());
    for at_least in ["canary7", "-1", "18446744073709551616", "1.5", ""] {
        let request = by_ana(&format!("{snapshot}?at_least={at_least}"));
        rows.push(row(format!("a snapshot at least '{at_least}'"), request, 400, "bad_request"));
    }
    let beyond = by_ana(&format!("{snapshot}?at_least=18446744073709551615"));
    rows.push(row("a snapshot beyond the end of the log", beyond, 422, "invalid_value"));
    for range in ["bytes=999999999-", "bytes=-0", "bytes=18446744073709551614-18446744073709551615"] {
        let mut request = by_ana(&snapshot);
        request.headers_mut().insert("range", range.parse().unwrap());
        rows.push(row(format!("a snapshot's {range}"), request, 416, "range_not_satisfiable"));
    }
    rows
}

pub(super) fn imports(beside: &Beside) -> Vec<Row> {
    let post = |path: &str, body: &'static str| beside.by_admin(Method::POST, path, body);
    let mut rows = Vec::new();
    for dry_run in ["canary7", "1", "TRUE", ""] {
        let path = format!("/v1/import?dry_run={dry_run}");
        rows.push(row(format!("POST {path}"), post(&path, r#"{"files":{}}"#), 400, "bad_request"));
    }
    rows.push(row(
        "an import with an unknown parameter",
        post("/v1/import?dryrun=true", r#"{"files":{}}"#),
        400,
        "bad_request",
    ));
    for (what, files, status, code) in [
        ("no base64", r#"{"files":{"schools.csv":"canary7!"}}"#, 400, "bad_json"),
        // Who sends it has to find it: a file is named as it came.
        ("an unknown file", r#"{"files":{"pupils.csv":""}}"#, 422, "invalid_value"),
        ("an empty file", r#"{"files":{"schools.csv":""}}"#, 422, "invalid_value"),
        ("a file of zero bytes", r#"{"files":{"schools.csv":"AAAAAA=="}}"#, 422, "invalid_value"),
        ("a file without its columns", r#"{"files":{"schools.csv":"Y2FuYXJ5Nw=="}}"#, 422, "invalid_value"),
        ("files that are a list", r#"{"files":[]}"#, 400, "bad_json"),
        ("a file that is a number", r#"{"files":{"schools.csv":7}}"#, 400, "bad_json"),
        ("a file twice", r#"{"files":{"schools.csv":"","schools.csv":""}}"#, 400, "bad_json"),
    ] {
        rows.push(row(format!("an import with {what}"), post("/v1/import", files), status, code));
    }
    let files: serde_json::Map<String, Value> =
        (0..=FILES_MAX).map(|number| (format!("{number}.csv"), "".into())).collect();
    let many = beside.by_admin(Method::POST, "/v1/import", json!({ "files": files }).to_string());
    rows.push(row("an import with more files than any has", many, 413, "too_large"));
    rows
}
