//! Bodies that are not the JSON that belongs there, and values that cannot be.

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};

use super::super::school::{maya, person};
use super::{Beside, CANARY, NOBODY, Row, row};

/// A route that takes JSON, with a body that is complete and would do.
pub(super) struct Takes {
    pub path: &'static str,
    pub good: String,
    /// Whether it takes no body at all, too.
    optional: bool,
}

fn takes(path: &'static str, good: Value) -> Takes {
    Takes { path, good: good.to_string(), optional: false }
}

pub(super) fn a_grant() -> Value {
    json!({"student": maya(), "person": person("tom"), "role": "set", "from": "2026-08-20", "reason": "r"})
}

pub(super) fn an_end() -> Value {
    json!({"on": "2026-08-20", "reason": "r"})
}

fn routes() -> Vec<Takes> {
    let maybe = |path, good| Takes { optional: true, ..takes(path, good) };
    vec![
        takes("/v1/holds/admit", json!({"holds": []})),
        takes("/v1/holds/decline", json!({"holds": [], "reason": "r"})),
        takes("/v1/import", json!({"files": {}})),
        takes("/v1/grants", a_grant()),
        takes("/v1/grants/{id}/end", an_end()),
        takes("/v1/guardians", json!({"student": maya(), "name": "Lu"})),
        maybe("/v1/guardians/{id}/restrict", json!({"lift": false})),
        maybe("/v1/devices/{id}/revoke", json!({"lost": true})),
        takes("/v1/pair", json!({"code": "c", "public_key": "k", "tablet": NOBODY})),
    ]
}

pub(super) fn bodies(beside: &Beside) -> Vec<Row> {
    let mut rows = Vec::new();
    for Takes { path, good, optional } in routes() {
        let mut spoiled: Vec<(&str, Vec<u8>)> = vec![
            ("that is words", CANARY.into()),
            ("that is a list", "[]".into()),
            ("that is a list of what belongs there", listed(&good).into()),
            ("that is null", "null".into()),
            ("that is a number", "7".into()),
            ("that breaks off", good[..good.len() - 1].into()),
            ("that comes twice", format!("{good}{good}").into()),
            ("that is no text", vec![0xff, 0xfe, 0x00, 0x80]),
            ("with a zero byte", vec![0]),
            ("of spaces alone", b"   ".to_vec()),
            ("that nests deep", "[".repeat(2_000).into()),
            ("whose field nests deep", format!("{{\"{CANARY}\":{}", "{\"a\":".repeat(500)).into()),
            ("in CBOR", vec![0xa1, 0x61, 0x61, 0x01]),
            ("behind a byte order mark", format!("\u{feff}{good}").into()),
            ("with a field twice", twice(&good).into()),
        ];
        if !optional {
            spoiled.push(("that is empty", Vec::new()));
            spoiled.push(("without fields", b"{}".to_vec()));
        }
        // An app that is newer than the server may say more when it pairs.
        if path != "/v1/pair" {
            spoiled.push(("with an unknown field", format!("{{\"{CANARY}\":1,{}", &good[1..]).into()));
        }
        for (what, body) in spoiled {
            let request = beside.by_admin(Method::POST, path, body);
            rows.push(row(format!("{path}: a body {what}"), request, 400, "bad_json"));
        }
    }
    rows
}

/// The fields' values in a list, without their names.
fn listed(good: &str) -> String {
    let fields: serde_json::Map<String, Value> = serde_json::from_str(good).unwrap();
    Value::Array(fields.into_iter().map(|(_, value)| value).collect()).to_string()
}

/// The object with its first field a second time.
fn twice(good: &str) -> String {
    let fields: serde_json::Map<String, Value> = serde_json::from_str(good).unwrap();
    let (name, value) = fields.into_iter().next().unwrap();
    format!("{{\"{name}\":{value},{}", &good[1..])
}

/// Sends a good body in which one field is another.
fn changed(
    beside: &Beside,
    path: &str,
    good: &Value,
    field: &str,
    value: Value,
) -> axum::http::Request<Body> {
    let mut body = good.clone();
    body[field] = value;
    beside.by_admin(Method::POST, path, body.to_string())
}

pub(super) fn grants(beside: &Beside) -> Vec<Row> {
    let mut rows = Vec::new();
    let long = "r".repeat(5_000);
    for (what, field, value, status, code) in [
        ("a day that is none", "from", json!("2026-02-30"), 400, "bad_json"),
        ("a day in another order", "from", json!("20-08-2026"), 400, "bad_json"),
        ("a day that is a number", "from", json!(20_260_820), 400, "bad_json"),
        ("an empty day", "from", json!(""), 400, "bad_json"),
        ("no day", "from", Value::Null, 400, "bad_json"),
        ("a last day before the first", "to", json!("2026-08-19"), 422, "invalid_value"),
        ("a role that is none", "role", json!(CANARY), 400, "bad_json"),
        ("a role that is on no team", "role", json!("admin"), 422, "invalid_value"),
        ("a role that is a list", "role", json!([]), 400, "bad_json"),
        ("an unknown student", "student", json!(CANARY), 404, "not_found"),
        ("an empty student", "student", json!(""), 404, "not_found"),
        ("an unknown person", "person", json!(CANARY), 404, "not_found"),
        ("a person that is a number", "person", json!(7), 400, "bad_json"),
        ("an unknown supervisor", "supervisor", json!(CANARY), 404, "not_found"),
        ("an empty reason", "reason", json!(""), 422, "invalid_value"),
        ("a reason of five thousand letters", "reason", json!(long), 422, "invalid_value"),
    ] {
        let request = changed(beside, "/v1/grants", &a_grant(), field, value);
        rows.push(row(format!("a grant with {what}"), request, status, code));
    }
    rows
}

pub(super) fn guardians(beside: &Beside) -> Vec<Row> {
    let good = json!({"student": maya(), "name": "Lu"});
    let mut rows = Vec::new();
    let long = "n".repeat(5_000);
    for (what, field, value, status, code) in [
        ("an unknown student", "student", json!(CANARY), 404, "not_found"),
        ("a student that is a list", "student", json!([]), 400, "bad_json"),
        ("an empty name", "name", json!(""), 422, "invalid_value"),
        ("a name of spaces", "name", json!("  "), 422, "invalid_value"),
        ("a name that is a number", "name", json!(7), 400, "bad_json"),
        ("a name of five thousand letters", "name", json!(long), 422, "invalid_value"),
        ("a language of five thousand letters", "language", json!(long), 422, "invalid_value"),
        ("an empty language", "language", json!(""), 422, "invalid_value"),
        ("a language that is a number", "language", json!(7), 400, "bad_json"),
    ] {
        let request = changed(beside, "/v1/guardians", &good, field, value);
        rows.push(row(format!("an invitation with {what}"), request, status, code));
    }
    for (what, path, body) in [
        ("restricting", "/v1/guardians/{id}/restrict", "{\"lift\":false}"),
        ("lifting the restriction of", "/v1/guardians/{id}/restrict", "{\"lift\":true}"),
        ("ending", "/v1/guardians/{id}/end", ""),
    ] {
        let request = beside.by_admin(Method::POST, path, body);
        rows.push(row(format!("{what} a guardian that nobody is"), request, 404, "not_found"));
    }
    rows
}
