//! Addresses that nothing stands at, and methods that an address does not take.

use axum::http::Method;

use super::{Row, bare, row};

/// Every route with what it takes, as `routes::router` has them.
pub(super) const ROUTES: &[(&str, &[Method])] = &[
    ("/live", &[Method::GET]),
    ("/ready", &[Method::GET]),
    ("/v1/pair", &[Method::POST]),
    ("/v1/exchange", &[Method::POST]),
    ("/v1/hand-in", &[Method::POST]),
    ("/v1/documents/{id}/snapshot", &[Method::GET]),
    ("/v1/holds", &[Method::GET]),
    ("/v1/holds/{id}", &[Method::GET]),
    ("/v1/holds/admit", &[Method::POST]),
    ("/v1/holds/decline", &[Method::POST]),
    ("/v1/import", &[Method::POST]),
    ("/v1/people", &[Method::GET]),
    ("/v1/students", &[Method::GET]),
    ("/v1/people/{id}/code", &[Method::POST]),
    ("/v1/grants", &[Method::GET, Method::POST]),
    ("/v1/grants/{id}/end", &[Method::POST]),
    ("/v1/guardians", &[Method::GET, Method::POST]),
    ("/v1/guardians/{id}/restrict", &[Method::POST]),
    ("/v1/guardians/{id}/end", &[Method::POST]),
    ("/v1/devices", &[Method::GET]),
    ("/v1/devices/{id}/revoke", &[Method::POST]),
    ("/v1/restored", &[Method::GET]),
    ("/v1/restored/confirm", &[Method::POST]),
];

/// The routes of a family's browser.
const PAGES: &[(&str, &[Method])] = &[
    ("/family", &[Method::GET]),
    ("/family/{id}", &[Method::GET]),
    ("/family/{id}/page", &[Method::GET]),
    ("/family/{id}/redeem", &[Method::POST]),
    ("/family/{id}/sign-in", &[Method::POST]),
    ("/family/{id}/sign-out", &[Method::POST]),
    ("/family/style.css", &[Method::GET]),
];

/// The other methods of every route.
pub(super) fn wrong_methods() -> Vec<Row> {
    let mut rows = Vec::new();
    for (path, taken) in ROUTES.iter().chain(PAGES) {
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            if !taken.contains(&method) {
                let request = bare(method.clone(), path);
                rows.push(row(format!("{method} {path}"), request, 405, "method_not_allowed"));
            }
        }
    }
    rows
}

pub(super) fn unknown() -> Vec<Row> {
    let paths = [
        "/",
        "/v1",
        "/v1/",
        "/v2/exchange",
        "/V1/people",
        "/v1/People",
        "/v1/people/",
        "//v1/people",
        "/v1//people",
        "/v1/documents",
        "/v1/documents/{id}",
        "/v1/documents/{id}/snapshot/",
        "/v1/people/{id}",
        "/v1/grants/{id}",
        "/v1/guardians/{id}",
        "/v1/devices/{id}",
        "/v1/../v1/people",
        "/v1/%70eople/x/y",
        "/favicon.ico",
        "/.env",
        "/admin",
        "/canary7",
        "/v1/exchange/x",
        "/v1/pair;x=1",
        "/family/",
        "/family/{id}/",
        "/family/{id}/page/x",
        "/families",
        "/v1/restored/",
        "/v1/restored/confirm/x",
        "/v1/%2e%2e/people",
        "/v1/people%00",
        "/live/",
        "/ready/x",
    ];
    let bare = |path: &&str| row(format!("GET {path}"), bare(Method::GET, path), 404, "not_found");
    paths.iter().map(bare).collect()
}
