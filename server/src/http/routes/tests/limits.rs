//! What one caller may spend, and that another beside it loses nothing by it: neither a colleague behind the same address, nor anybody else.

use std::net::SocketAddr;

use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::channel::Channel;
use serde_json::Value;
use sync_core::document::name::DocumentKind;
use sync_core::exchange::codec;
use sync_core::exchange::message::Reply;
use sync_core::exchange::server::receive::{RECOVERED_MAX, REFUSED_BYTES_MAX, WAITING_MAX};

use super::school::{School, Tablet, bytes};
use crate::auth::assertion::{Assertion, SCHEME};
use crate::engine::{DEVICE_BYTES_MAX, DEVICE_REQUESTS_MAX, HAND_IN_MAX, PAIRING_SPAN_MS, PAIRING_WRONG_MAX};
use crate::family::{
    ADDRESS_TRIES_MAX, GUARDIAN_TRIES_MAX, HASHED_AT_ONCE_MAX, HASHES_WAITING_MAX, TRIES_SPAN_MS, VIEWS_MAX,
};
use crate::http::door::{
    ADDRESS_BODIES_BYTES_MAX, ADDRESS_REFUSALS_MAX, ADDRESS_REFUSED_BYTES_MAX, ADDRESS_SPAN_MS,
};
use crate::http::{BODIES_BYTES_MAX, BODY_BYTES_MAX, REQUESTS_MAX};

const SCHOOLS: &str = "203.0.113.9:1";
const ELSEWHERE: &str = "198.51.100.7:1";

/// Sends a request from an address, and returns its status, code and when to come again.
async fn sent(school: &School, from: &str, mut request: Request<Body>) -> (u16, String, Option<u64>) {
    request.extensions_mut().insert(ConnectInfo(from.parse::<SocketAddr>().unwrap()));
    let response = school.send(request).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body: Value = serde_json::from_slice(&bytes(response).await).unwrap_or_default();
    let code = body["error"]["code"].as_str().unwrap_or_default().to_owned();
    (status, code, retry_after(&headers))
}

fn retry_after(headers: &HeaderMap) -> Option<u64> {
    headers.get("retry-after").map(|seconds| seconds.to_str().unwrap().parse().unwrap())
}

fn upload(bytes: usize) -> Request<Body> {
    Request::post("/v1/exchange").body(Body::from(vec![0; bytes])).unwrap()
}

/// A request of a device, under a counter of its own.
fn signed(tablet: &Tablet, path: &str, counter: u64, body: Vec<u8>) -> Request<Body> {
    let profile = &tablet.profile;
    let assertion = Assertion::of(profile.org.0, profile.device.0, counter, &body);
    let header = format!("{SCHEME} {}", assertion.signed_by(tablet.key()));
    Request::post(path).header("authorization", header).body(Body::from(body)).unwrap()
}

/// A school with a healthy tablet, which logs a session each time that it is asked, and exchanges it from the school's address.
struct Healthy {
    school: School,
    tablet: Tablet,
    counter: u64,
    stored: usize,
}

impl Healthy {
    async fn new() -> Self {
        let school = School::new().await;
        let mut tablet = school.tablet("ana", 1).await;
        tablet.sync(&school).await;
        Self { school, tablet, counter: 100, stored: 0 }
    }

    async fn logs_a_session(&mut self) {
        let log = self.school.document(DocumentKind::Log, None);
        self.tablet.log(&log, "slp");
        self.counter += 1;
        let outgoing = self.tablet.compose();
        let body = codec::encode(&outgoing.request);
        let mut request = signed(&self.tablet, "/v1/exchange", self.counter, body);
        request.extensions_mut().insert(ConnectInfo(SCHOOLS.parse::<SocketAddr>().unwrap()));
        let response = self.school.send(request).await;
        assert_eq!(response.status(), StatusCode::OK);
        let reply: Reply = codec::decode(&bytes(response).await).unwrap();
        let (writes, brought) = sync_core::exchange::client::reply::take(
            &self.tablet.store,
            &outgoing,
            &reply,
            sync_core::time::Moment(0),
        )
        .unwrap();
        self.tablet.store.apply(writes);
        self.stored += brought.stored;
    }
}

#[tokio::test]
async fn a_hostile_uploader_takes_nothing_from_a_healthy_one_behind_the_same_address() {
    let mut healthy = Healthy::new().await;
    let (mut refused, mut turned_away) = (0, 0);
    for round in 0..20 {
        for _ in 0..50 {
            match sent(&healthy.school, SCHOOLS, upload(10)).await {
                (401, code, None) if code == "unauthorized" => refused += 1,
                (429, code, Some(wait_s)) if code == "rate_limited" => {
                    assert!((1..=ADDRESS_SPAN_MS as u64 / 1_000).contains(&wait_s));
                    turned_away += 1;
                }
                other => panic!("round {round}: {other:?}"),
            }
        }
        healthy.logs_a_session().await;
    }
    assert_eq!((refused, turned_away), (ADDRESS_REFUSALS_MAX, 1_000 - ADDRESS_REFUSALS_MAX));
    assert_eq!(healthy.stored, 20, "every session of the healthy one came through");
    assert_eq!(sent(&healthy.school, SCHOOLS, upload(10)).await.0, 429, "a stranger like any other");
    assert_eq!(sent(&healthy.school, ELSEWHERE, upload(10)).await.0, 401);
}

#[tokio::test]
async fn whoever_watches_the_server_is_answered_whatever_came_from_the_address() {
    let healthy = Healthy::new().await;
    let school = &healthy.school;
    for _ in 0..ADDRESS_REFUSALS_MAX {
        assert_eq!(sent(school, SCHOOLS, upload(10)).await.0, 401);
    }
    let ask = |method: &str, path: &str, body: Vec<u8>| {
        Request::builder().method(method).uri(path).body(Body::from(body)).unwrap()
    };
    let end = school.engine.reader().end().seq;
    for _ in 0..100 {
        for path in ["/live", "/ready"] {
            assert_eq!(sent(school, SCHOOLS, ask("GET", path, Vec::new())).await.0, 200, "{path}");
        }
    }
    assert_eq!(school.engine.reader().end().seq, end, "answering leaves nothing behind");
    for (method, path, bytes) in [
        ("POST", "/ready", 0),
        ("GET", "/ready", 10),
        ("GET", "/ready/", 0),
        ("GET", "/openapi.json", 0),
        ("GET", "/v1/holds", 0),
    ] {
        let (status, code, wait_s) = sent(school, SCHOOLS, ask(method, path, vec![0; bytes])).await;
        assert_eq!((status, code.as_str()), (429, "rate_limited"), "{method} {path} with {bytes} bytes");
        assert!(wait_s.is_some(), "{method} {path}");
    }
}

#[tokio::test]
async fn bytes_that_were_sent_in_vain_are_counted_by_address() {
    let mut healthy = Healthy::new().await;
    let uploads = ADDRESS_REFUSED_BYTES_MAX / BODY_BYTES_MAX as u64;
    for _ in 0..uploads {
        assert_eq!(sent(&healthy.school, SCHOOLS, upload(BODY_BYTES_MAX)).await.0, 401);
    }
    let (status, code, wait_s) = sent(&healthy.school, SCHOOLS, upload(10)).await;
    assert_eq!((status, code.as_str()), (429, "rate_limited"));
    assert!(wait_s.is_some());
    healthy.logs_a_session().await;
    assert_eq!(healthy.stored, 1);
    assert_eq!(sent(&healthy.school, ELSEWHERE, upload(10)).await.0, 401);
}

#[tokio::test]
async fn uploads_that_stall_hold_no_more_than_their_addresss_share() {
    let mut healthy = Healthy::new().await;
    let mut stalled = Vec::new();
    for _ in 0..ADDRESS_BODIES_BYTES_MAX / BODY_BYTES_MAX {
        let (mut sender, body) = Channel::<Bytes>::new(1);
        let mut request = Request::post("/v1/exchange").body(Body::new(body)).unwrap();
        request.extensions_mut().insert(ConnectInfo(SCHOOLS.parse::<SocketAddr>().unwrap()));
        let router = healthy.school.router.clone();
        let upload = tokio::spawn(tower::ServiceExt::oneshot(router, request));
        // The channel holds one frame: when it takes the second, the first is held.
        sender.send_data(vec![0; BODY_BYTES_MAX - 1].into()).await.unwrap();
        sender.send_data(vec![0].into()).await.unwrap();
        stalled.push((sender, upload));
    }
    tokio::task::yield_now().await;
    let (status, code, wait_s) = sent(&healthy.school, SCHOOLS, upload(BODY_BYTES_MAX)).await;
    assert_eq!((status, code.as_str()), (429, "rate_limited"));
    assert!(wait_s.is_some());
    healthy.logs_a_session().await;
    assert_eq!(healthy.stored, 1, "who proves who asks has the whole budget");
    assert_eq!(sent(&healthy.school, ELSEWHERE, upload(BODY_BYTES_MAX)).await.0, 401, "another address, too");
    for (sender, upload) in stalled {
        drop(sender);
        assert_eq!(upload.await.unwrap().unwrap().status(), StatusCode::UNAUTHORIZED);
    }
    let (status, ..) = sent(&healthy.school, SCHOOLS, upload(10)).await;
    assert_eq!(status, 429, "what was refused counts when it is over");
}

#[tokio::test]
async fn a_device_has_so_many_requests_and_its_neighbour_its_own() {
    let mut healthy = Healthy::new().await;
    let mut hostile = healthy.school.tablet("ben", 1).await;
    hostile.sync(&healthy.school).await;
    let spent = 1; // The exchange that gave it its token.
    let holds = |token: &str| {
        Request::get("/v1/holds")
            .header("authorization", format!("Bearer {token}"))
            .body(Body::empty())
            .unwrap()
    };
    for _ in 0..DEVICE_REQUESTS_MAX - spent {
        assert_eq!(sent(&healthy.school, SCHOOLS, holds(&hostile.token)).await.0, 200);
    }
    let (status, code, wait_s) = sent(&healthy.school, SCHOOLS, holds(&hostile.token)).await;
    assert_eq!((status, code.as_str()), (429, "rate_limited"));
    assert!((1..=60).contains(&wait_s.unwrap()));
    let exchange = signed(&hostile, "/v1/exchange", 500, codec::encode(&hostile.compose().request));
    assert_eq!(sent(&healthy.school, ELSEWHERE, exchange).await.0, 429, "wherever it asks from");
    healthy.logs_a_session().await;
    assert_eq!(healthy.stored, 1);
    let log = healthy.school.document(DocumentKind::Log, None);
    assert_eq!(hostile.stored().unsent().unwrap(), 0);
    hostile.log(&log, "ot");
    assert_eq!(hostile.stored().unsent().unwrap(), 1, "what it logs is safe on it");
}

#[tokio::test]
async fn a_device_has_so_many_bytes() {
    let mut healthy = Healthy::new().await;
    let mut hostile = healthy.school.tablet("ben", 1).await;
    hostile.sync(&healthy.school).await;
    let uploads = DEVICE_BYTES_MAX / BODY_BYTES_MAX as u64;
    for counter in 0..=uploads {
        let body = vec![0; BODY_BYTES_MAX];
        let (status, code, wait_s) =
            sent(&healthy.school, SCHOOLS, signed(&hostile, "/v1/exchange", 500 + counter, body)).await;
        if counter < uploads {
            assert_eq!((status, code.as_str()), (400, "unsupported_version"), "{counter}");
        } else {
            assert_eq!((status, code.as_str()), (429, "rate_limited"));
            assert!(wait_s.is_some());
        }
    }
    healthy.logs_a_session().await;
    assert_eq!(healthy.stored, 1);
}

#[tokio::test]
async fn handing_in_has_a_limit_of_its_own() {
    let school = School::new().await;
    let mut ana = school.tablet("ana", 1).await;
    ana.sync(&school).await;
    for counter in 0..=HAND_IN_MAX {
        let body = codec::encode(&ana.compose().request);
        let (status, _, wait_s) =
            sent(&school, SCHOOLS, signed(&ana, "/v1/hand-in", 500 + counter, body)).await;
        let expected = if counter < HAND_IN_MAX { (200, false) } else { (429, true) };
        assert_eq!((status, wait_s.is_some()), expected, "{counter}");
    }
    let request = signed(&ana, "/v1/exchange", 900, codec::encode(&ana.compose().request));
    assert_eq!(sent(&school, SCHOOLS, request).await.0, 200, "exchanging is apart from it");
}

#[tokio::test]
async fn a_device_fills_its_quota_of_refused_bytes_and_no_more() {
    let school = School::new().await;
    let mut ben = school.tablet("ben", 1).await;
    ben.sync(&school).await;
    let mut hostile = school.tablet("ana", 1).await;
    hostile.sync(&school).await;
    let mut request = hostile.compose().request;
    let refused = sync_core::envelope::Envelope { body: vec![0; 500 * 1024], signature: [0; 64] };
    request.envelopes = vec![refused; 8];
    let body = codec::encode(&request);
    let mut answers = Vec::new();
    for counter in 0..=REFUSED_BYTES_MAX / (8 * 500 * 1024) + 1 {
        answers.push(
            sent(&school, SCHOOLS, signed(&hostile, "/v1/exchange", 500 + counter, body.clone())).await,
        );
    }
    let (status, code, wait_s) = answers.pop().unwrap();
    assert_eq!((status, code.as_str()), (429, "quota_exceeded"));
    assert!(wait_s.unwrap() >= 60, "somebody has to review first");
    assert!(answers.iter().all(|(status, ..)| *status == 200));
    // Of all that came from one device so many are listed, and no more: they hide nobody else's.
    let listed = school.engine.refusals(crate::engine::holds::Viewer::Administrator).await.unwrap();
    assert_eq!(listed.len(), crate::engine::refusals::REFUSALS_OF_DEVICE_MAX);
    let end = school.engine.reader().end().seq;
    assert_eq!(sent(&school, SCHOOLS, signed(&hostile, "/v1/exchange", 900, body)).await.0, 429);
    assert_eq!(school.engine.reader().end().seq, end, "the log does not grow by it any more");
    ben.log(&school.document(DocumentKind::Log, None), "ot");
    assert_eq!(ben.sync(&school).await.stored, 1);
}

#[tokio::test]
async fn a_body_may_be_as_large_as_the_limits_say() {
    let school = School::new().await;
    let limits = super::super::limits();
    let by_route = limits.body_bytes_max_by_route.iter().map(|(route, bytes_max)| (*route, *bytes_max));
    // The largest comes last: who sends it in vain has used up what the address may send.
    let mut by_route: Vec<_> = by_route.chain([("/v1/exchange", limits.body_bytes_max)]).collect();
    by_route.sort_by_key(|(_, bytes_max)| *bytes_max);
    for (route, bytes_max) in by_route {
        for (from, bytes, too_large) in [(SCHOOLS, bytes_max, false), (ELSEWHERE, bytes_max + 1, true)] {
            let path = route.replace(['{', '}'], "");
            let form = ("content-type", "application/x-www-form-urlencoded");
            let request =
                Request::post(path).header(form.0, form.1).body(Body::from(vec![0; bytes])).unwrap();
            let (status, ..) = sent(&school, from, request).await;
            assert_eq!(status == 413, too_large, "{route}: {status} to {bytes} bytes");
        }
    }
}

#[test]
fn the_book_tells_every_limit() {
    let book = include_str!("../../../../../docs/src/operations/limits.md");
    let mib = |bytes: u64| format!("{} MiB", bytes / 1024 / 1024);
    let row = |code: &str, figures: &[String]| {
        let told =
            |line: &&str| line.contains(code) && figures.iter().all(|figure| line.contains(figure.as_str()));
        assert!(book.lines().find(told).is_some(), "{code} {figures:?}");
    };
    row("rate_limited", &[ADDRESS_REFUSALS_MAX.to_string(), "refused requests of strangers".into()]);
    row("rate_limited", &[mib(ADDRESS_REFUSED_BYTES_MAX), "bodies of those requests".into()]);
    row("rate_limited", &[mib(ADDRESS_BODIES_BYTES_MAX as u64), "at once".into()]);
    row("rate_limited", &[DEVICE_REQUESTS_MAX.to_string(), "requests".into()]);
    row("rate_limited", &[mib(DEVICE_BYTES_MAX), "bodies".into()]);
    row("rate_limited", &[HAND_IN_MAX.to_string(), "handing in".into()]);
    row(
        "rate_limited",
        &[
            PAIRING_WRONG_MAX.to_string(),
            (PAIRING_SPAN_MS / 60_000).to_string(),
            "wrong pairing codes".into(),
        ],
    );
    row(
        "page",
        &[GUARDIAN_TRIES_MAX.to_string(), (TRIES_SPAN_MS / 60_000).to_string(), "one guardian".into()],
    );
    row("page", &[ADDRESS_TRIES_MAX.to_string(), "one address".into()]);
    row(
        "page",
        &[HASHED_AT_ONCE_MAX.to_string(), HASHES_WAITING_MAX.to_string(), "wait".into(), "503".into()],
    );
    row("page", &[VIEWS_MAX.to_string(), "views".into()]);
    row("quota_exceeded", &[WAITING_MAX.to_string(), "wait for review".into()]);
    row("quota_exceeded", &[RECOVERED_MAX.to_string(), "recovered acts".into()]);
    row("quota_exceeded", &[mib(REFUSED_BYTES_MAX), "refused".into()]);
    row("too_large", &[mib(BODY_BYTES_MAX as u64)]);
    row("overloaded", &[mib(BODIES_BYTES_MAX as u64)]);
    row("overloaded", &[REQUESTS_MAX.to_string()]);
}
