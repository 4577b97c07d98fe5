//! Who asks is not said, or not truly.

use axum::body::Body;
use axum::http::{HeaderValue, Method};

use super::addresses::ROUTES;
use super::{Beside, Row, ask, bare, row};

/// What anybody may ask.
const OPEN: [&str; 3] = ["/live", "/ready", "/v1/pair"];
/// What only a device may ask that signs what it sends.
const SIGNED: [&str; 2] = ["/v1/exchange", "/v1/hand-in"];

pub(super) fn rows(beside: &Beside) -> Vec<Row> {
    let mut rows = Vec::new();
    for (path, methods) in ROUTES.iter().filter(|(path, _)| !OPEN.contains(path)) {
        for method in *methods {
            let named = |who: &str| format!("{method} {path} {who}");
            rows.push(row(named("by nobody"), bare(method.clone(), path), 401, "unauthorized"));
            let basic = ask(method.clone(), path).header("authorization", "Basic YTpi");
            let basic = basic.body(Body::empty()).unwrap();
            rows.push(row(named("with a password"), basic, 401, "unauthorized"));
            let forged = beside.with("e30.e30.e30", method.clone(), path, Body::empty());
            let code = if SIGNED.contains(path) { "unauthorized" } else { "token_invalid" };
            rows.push(row(named("with a forged token"), forged, 401, code));
            if path.starts_with("/v1/holds") || path.ends_with("/snapshot") || SIGNED.contains(path) {
                continue;
            }
            for (who, token) in [("a device", &beside.ana.token), ("a coordinator", &beside.coordinator)] {
                let request = beside.with(token, method.clone(), path, Body::empty());
                rows.push(row(named(&format!("by {who}")), request, 403, "forbidden"));
            }
        }
    }
    rows.extend(tokens(beside));
    rows
}

fn tokens(beside: &Beside) -> Vec<Row> {
    let get = |token: &str| beside.with(token, Method::GET, "/v1/people", Body::empty());
    let twisted = beside.admin.replace('.', ".A");
    let unsigned = beside.admin.rsplit_once('.').map(|(signed, _)| format!("{signed}.")).unwrap();
    let long = "a".repeat(5_000);
    let mut rows = vec![
        row("a token that was bent", get(&twisted), 401, "token_invalid"),
        row("a token without its signature", get(&unsigned), 401, "token_invalid"),
        row("an empty token", get(""), 401, "token_invalid"),
        row("a token of three dots", get("..."), 401, "token_invalid"),
        row("a token of five thousand letters", get(&long), 401, "token_invalid"),
    ];
    for path in SIGNED {
        let request = beside.by_admin(Method::POST, path, "x");
        rows.push(row(format!("POST {path} with an administrator's token"), request, 401, "unauthorized"));
    }
    let two = ask(Method::GET, "/v1/people").header("authorization", format!("Bearer {}", beside.admin));
    let two = two.header("authorization", "Bearer x").body(Body::empty()).unwrap();
    rows.push(row("two authorizations", two, 401, "unauthorized"));
    let raw = HeaderValue::from_bytes(b"Bearer \xff\xfe").unwrap();
    let raw = ask(Method::GET, "/v1/people").header("authorization", raw).body(Body::empty()).unwrap();
    rows.push(row("an authorization that is no text", raw, 401, "unauthorized"));
    let snapshot = beside.by_admin(Method::GET, "/v1/documents/{id}/snapshot", Body::empty());
    rows.push(row("a snapshot for an administrator", snapshot, 404, "not_found"));
    let empty = bare(Method::GET, "/v1/documents//snapshot");
    rows.push(row("a snapshot of an empty id, for nobody", empty, 401, "unauthorized"));
    rows
}
