//! What no client of ours sends: every row has a name, and the exact status and code of its answer.
//!
//! Each row runs against the whole router. Whatever it is answered, the answer is the one envelope of all refusals (or, for a family's
//! browser, a page), says nothing of what was sent, leaves the log as long as it was, and an honest request right behind it is served.

mod addresses;
mod browsers;
mod bytes;
mod credentials;
mod envelopes;
mod exchanges;
mod json;
mod pairing;
mod parameters;

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, StatusCode};
use serde_json::Value;
use sync_core::document::name::{DocumentKind, DocumentName};
use sync_core::document::slot::SlotKey;
use sync_core::roster::DeviceState;

use super::school::{School, Tablet, bytes as body_of, in_json};
use crate::auth::assertion::{Assertion, SCHEME};

/// Rows that the table must have: it only grows.
const ROWS_MIN: usize = 500;
/// A word that stands in every body that could be echoed; no answer may have it.
const CANARY: &str = "canary7";
/// A well-formed id that nobody has.
const NOBODY: &str = "00000000000000000000000001";

/// What a row is answered with.
#[derive(Clone, Copy)]
enum Answer {
    /// The envelope, with this code.
    Code(&'static str),
    /// A page for a browser.
    Page,
}

/// One row.
struct Row {
    name: String,
    request: Request<Body>,
    status: u16,
    answer: Answer,
}

/// The school, who asks, and whose work must be there after all of it.
struct Beside {
    school: School,
    admin: String,
    coordinator: String,
    ana: Tablet,
    ben: Tablet,
    /// The device that sends what nobody should.
    hostile: Tablet,
    log: DocumentName,
    logged: SlotKey,
}

impl Beside {
    async fn new() -> Self {
        let school = School::new().await;
        let log = school.document(DocumentKind::Log, None);
        let (mut ana, mut ben) = (school.tablet("ana", 1).await, school.tablet("ben", 1).await);
        let mut hostile = school.tablet("ana", 2).await;
        ana.sync(&school).await;
        let logged = ana.log(&log, "slp");
        for tablet in [&mut ana, &mut ben, &mut hostile] {
            tablet.sync(&school).await;
        }
        let (admin, coordinator) = (school.admin_token(None), school.admin_token(Some("cora")));
        Self { school, admin, coordinator, ana, ben, hostile, log, logged }
    }

    fn log_end(&self) -> u64 {
        self.school.engine.reader().end().seq
    }

    /// Runs a row, and returns what is wrong with its answer.
    async fn run(&self, row: Row) -> Option<String> {
        let before = self.log_end();
        let response = self.school.send(row.request).await;
        let status = response.status().as_u16();
        let kind = response.headers().get("content-type").cloned();
        let body = body_of(response).await;
        let text = String::from_utf8_lossy(&body).into_owned();
        let answered = match row.answer {
            Answer::Code(code) => {
                let error = serde_json::from_slice::<Value>(&body).unwrap_or_default()["error"].clone();
                let says = |field: &str| error[field].as_str().is_some_and(|text| !text.is_empty());
                error["code"] == code
                    && says("message")
                    && says("help")
                    && kind == Some(HeaderValue::from_static("application/json"))
            }
            Answer::Page => kind == Some(HeaderValue::from_static("text/html; charset=utf-8")),
        };
        let grown = self.log_end() - before;
        let healthy = self.is_healthy().await;
        let right = status == row.status && answered && !text.contains(CANARY) && healthy && grown == 0;
        let wrong = || format!("{}: {status} {text} (healthy: {healthy}, log: +{grown})", row.name);
        (!right).then(wrong)
    }

    async fn is_healthy(&self) -> bool {
        let (status, people) = in_json(self.school.get("/v1/people", &self.admin).await).await;
        status == StatusCode::OK && people["people"].as_array().is_some_and(|people| people.len() == 5)
    }

    /// Lets a colleague log a session, and the first hear of it; returns how much the log grew by that.
    async fn exchange(&mut self) -> u64 {
        let (log, school) = (&self.log, &self.school);
        let before = school.engine.reader().end().seq;
        let later = self.ben.log(log, "ot");
        assert_eq!(self.ben.sync(school).await.stored, 1);
        self.ana.sync(school).await;
        for key in [&self.logged, &later] {
            assert!(self.ana.has(log.id(), key) && self.ben.has(log.id(), key));
        }
        school.engine.reader().end().seq - before
    }

    fn signed(&self, path: &str, assertion: &Assertion, body: Vec<u8>) -> Request<Body> {
        let header = format!("{SCHEME} {}", assertion.signed_by(self.hostile.key()));
        ask(Method::POST, path).header("authorization", header).body(Body::from(body)).unwrap()
    }

    /// Bytes that the hostile device signed, under a counter of their own.
    fn sent(&self, path: &str, counter: u64, body: Vec<u8>) -> Request<Body> {
        let profile = &self.hostile.profile;
        self.signed(path, &Assertion::of(profile.org.0, profile.device.0, counter, &body), body)
    }

    fn with(&self, token: &str, method: Method, path: &str, body: impl Into<Body>) -> Request<Body> {
        let request = ask(method, path).header("authorization", format!("Bearer {token}"));
        request.body(body.into()).unwrap()
    }

    /// A request of an administrator.
    fn by_admin(&self, method: Method, path: &str, body: impl Into<Body>) -> Request<Body> {
        self.with(&self.admin, method, path, body)
    }
}

fn ask(method: Method, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path.replace("{id}", NOBODY))
}

fn bare(method: Method, path: &str) -> Request<Body> {
    ask(method, path).body(Body::empty()).unwrap()
}

fn row(name: impl Into<String>, request: Request<Body>, status: u16, code: &'static str) -> Row {
    Row { name: name.into(), request, status, answer: Answer::Code(code) }
}

fn page(name: impl Into<String>, request: Request<Body>, status: u16) -> Row {
    Row { name: name.into(), request, status, answer: Answer::Page }
}

/// Runs the rows between two exchanges of others, which are as they always were; returns how many rows there are.
async fn check(beside: &mut Beside, rows: Vec<Row>) -> usize {
    beside.exchange().await;
    let usual = beside.exchange().await;
    let rows = run(beside, rows).await;
    assert_eq!(beside.exchange().await, usual, "nothing was left over to be written");
    rows
}

async fn run(beside: &Beside, rows: Vec<Row>) -> usize {
    let names: BTreeSet<String> = rows.iter().map(|row| row.name.clone()).collect();
    assert_eq!(names.len(), rows.len(), "a name twice");
    let mut wrong = Vec::new();
    for row in rows {
        wrong.extend(beside.run(row).await);
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    names.len()
}

#[tokio::test]
async fn every_malformed_request_has_its_answer() {
    let mut beside = Beside::new().await;
    let tables = [
        addresses::wrong_methods(),
        addresses::unknown(),
        credentials::rows(&beside),
        json::bodies(&beside),
        json::grants(&beside),
        json::guardians(&beside),
        bytes::sizes(&beside),
        bytes::packings(&beside),
        exchanges::bytes(&beside),
        exchanges::assertions(&beside),
        exchanges::requests(&beside),
        parameters::ids(&beside),
        parameters::queries(&beside),
        parameters::imports(&beside),
        browsers::rows(),
    ];
    let rows = check(&mut beside, tables.into_iter().flatten().collect()).await;
    assert!(rows >= ROWS_MIN, "{rows}");
}

#[tokio::test]
async fn tokens_end_with_their_time_and_their_device() {
    let beside = Beside::new().await;
    let device = beside.ana.profile.device;
    beside.school.set_state(device, DeviceState::Lost).await;
    let lost = beside.with(&beside.ana.token, Method::GET, "/v1/holds", Body::empty());
    run(&beside, vec![row("the token of a lost device", lost, 403, "device_revoked")]).await;
    let Beside { school, admin: old, .. } = beside;
    let school = school.restart_at("2026-12-20T09:00:00-06:00");
    let (status, answer) = in_json(school.get("/v1/people", &old).await).await;
    assert_eq!((status, &answer["error"]["code"]), (StatusCode::UNAUTHORIZED, &"token_expired".into()));
}
