use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Mutex;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Path, Query, Request};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use http_body_util::BodyExt as _;
use http_body_util::channel::{Channel, Sender};
use serde_json::{Value, json};
use sync_core::time::Moment;
use tokio::sync::Notify;
use tower::ServiceExt as _;

use super::body::JsonBody;
use super::*;

#[derive(serde::Deserialize)]
struct Counted {
    number: u8,
}

async fn typed_json(JsonBody(counted): JsonBody<Counted>) -> String {
    counted.number.to_string()
}

async fn panicking() -> String {
    panic!("something about a student")
}

fn routes() -> Router {
    Router::new()
        .route("/plain", get(|| async { "plain" }))
        .route("/students/{student}", get(|_: Path<u32>| async { "a student" }))
        .route("/query", get(|_: Query<BTreeMap<String, u8>>| async { "fine" }))
        .route("/length", post(|body: Bytes| async move { body.len().to_string() }))
        .route("/import", post(|body: Bytes| async move { body.len().to_string() }))
        .route("/json", post(typed_json))
        .route("/id", get(|Extension(id): Extension<RequestId>| async move { id.to_string() }))
        .route("/panics", get(panicking))
        .route("/bare", get(|| async { StatusCode::IM_A_TEAPOT }))
        .route("/broken", get(|| async { (StatusCode::BAD_GATEWAY, "the inner workings") }))
        .route("/later", get(|| async { (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "17")], "later") }))
        .route(
            "/packed",
            get(|| async { (StatusCode::BAD_REQUEST, [(CONTENT_ENCODING, "gzip")], gzip(b"in short")) }),
        )
        .route("/page", get(|| async { (StatusCode::NOT_FOUND, Html("<p>gone</p>")) }))
        .route("/kept", get(|| async { ([(CACHE_CONTROL, "private, no-cache")], "snapshot") }))
        .route("/full", get(|| async { ApiError::from(Code::StorageFull).retry_after_s(60) }))
}

/// Knows nobody.
pub(super) struct Nobody;

impl Porter for Nobody {
    fn now(&self) -> Moment {
        Moment(0)
    }

    fn knows(&self, _: &HeaderMap) -> bool {
        false
    }
}

fn app(limits: Limits) -> Router {
    shell(routes(), limits, Arc::new(Nobody))
}

async fn ask(app: &Router, method: &str, path: &str, body: impl Into<Body>) -> Response {
    let request = Request::builder().method(method).uri(path).body(body.into()).unwrap();
    app.clone().oneshot(request).await.unwrap()
}

async fn get_from(app: &Router, path: &str) -> Response {
    ask(app, "GET", path, Body::empty()).await
}

async fn text(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// Asserts the envelope, whole, and returns what is in it.
async fn refused(response: Response, code: Code) -> Value {
    assert_eq!(response.status(), code.status());
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    let body: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
    let error = body["error"].clone();
    assert_eq!(error["code"], code.as_str());
    for field in ["message", "help"] {
        let text = error[field].as_str().unwrap();
        assert!(!text.is_empty() && !text.ends_with('.'), "{text}");
    }
    error
}

/// A body that arrives as the test sends it.
fn arriving() -> (Sender<Bytes>, Body) {
    let (sender, body) = Channel::new(1);
    (sender, Body::new(body))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

async fn post_gzip(app: &Router, path: &str, body: Vec<u8>) -> Response {
    let request = Request::post(path).header(CONTENT_ENCODING, "gzip").body(Body::from(body)).unwrap();
    app.clone().oneshot(request).await.unwrap()
}

#[test]
fn codes_are_told_apart_and_look_alike() {
    let mut seen = std::collections::BTreeSet::new();
    for code in Code::ALL {
        assert!(seen.insert(code.as_str()), "{code:?} twice");
        assert!(code.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{code:?}");
        let status = code.status();
        assert!(status.is_client_error() || status.is_server_error(), "{code:?}");
    }
}

#[tokio::test]
async fn every_code_is_answered_in_the_envelope() {
    for code in Code::ALL {
        let response = ApiError::from(*code).into_response();
        let status = response.status();
        let waits = response.headers().contains_key(RETRY_AFTER);
        assert_eq!(waits, [429, 503, 507].contains(&status.as_u16()), "{code:?}");
        assert_eq!(response.headers().contains_key(WWW_AUTHENTICATE), status == 401, "{code:?}");
        refused(response, *code).await;
    }
}

#[tokio::test]
async fn details_add_fields_and_replace_none() {
    let error = ApiError::from(Code::Conflict).message("said otherwise").help("do this");
    let error = error.detail("last_counter", 7).detail("code", "forged");
    let error = refused(error.into_response(), Code::Conflict).await;
    let expected =
        json!({"code": "conflict", "message": "said otherwise", "help": "do this", "last_counter": 7});
    assert_eq!(error, expected);
}

#[tokio::test]
async fn an_unknown_path_and_a_wrong_method_are_in_the_envelope() {
    let app = app(Limits::default());
    refused(get_from(&app, "/nowhere").await, Code::NotFound).await;
    refused(ask(&app, "POST", "/nowhere", "body").await, Code::NotFound).await;
    let response = ask(&app, "DELETE", "/plain", Body::empty()).await;
    assert_eq!(response.headers()[ALLOW], "GET,HEAD");
    refused(response, Code::MethodNotAllowed).await;
}

#[tokio::test]
async fn head_has_no_body_and_options_names_the_methods() {
    let app = app(Limits::default());
    let response = ask(&app, "HEAD", "/plain", Body::empty()).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(text(response).await, "");
    let response = ask(&app, "OPTIONS", "/json", Body::empty()).await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(response.headers()[ALLOW], "POST");
    refused(ask(&app, "OPTIONS", "/nowhere", Body::empty()).await, Code::NotFound).await;
}

#[tokio::test]
async fn what_others_refuse_in_their_own_words_is_put_in_the_envelope() {
    let app = app(Limits::default());
    refused(get_from(&app, "/students/ava").await, Code::BadRequest).await;
    refused(get_from(&app, "/query?a=500").await, Code::BadRequest).await;
    let error = refused(post_gzip(&app, "/length", b"no gzip".to_vec()).await, Code::BadRequest).await;
    assert_eq!(error["message"], "the body broke off");
    let request = Request::post("/length").header(CONTENT_ENCODING, "br").body(Body::from("x")).unwrap();
    refused(app.clone().oneshot(request).await.unwrap(), Code::UnsupportedMedia).await;
    let response = get_from(&app, "/later").await;
    assert_eq!(response.headers()[RETRY_AFTER], "17", "the headers stay");
    refused(response, Code::NotReady).await;
    for (path, status) in [("/bare", 418), ("/broken", 502)] {
        let response = get_from(&app, path).await;
        assert_eq!(response.status().as_u16(), status, "the status stays");
        let body: Value = serde_json::from_str(&text(response).await).unwrap();
        assert_eq!(body["error"]["code"], if status == 418 { "bad_request" } else { "internal" });
        assert!(!body.to_string().contains("inner workings"));
    }
}

#[tokio::test]
async fn a_refusal_that_came_packed_is_not_said_to_be_packed_in_the_envelope() {
    let response = get_from(&app(Limits::default()), "/packed").await;
    assert!(!response.headers().contains_key(CONTENT_ENCODING));
    refused(response, Code::BadRequest).await;
}

#[tokio::test]
async fn a_deliberate_page_or_refusal_stays() {
    let app = app(Limits::default());
    let response = get_from(&app, "/page").await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(text(response).await, "<p>gone</p>");
    let response = get_from(&app, "/full").await;
    assert_eq!(response.headers()[RETRY_AFTER], "60");
    refused(response, Code::StorageFull).await;
}

#[tokio::test]
async fn a_panic_is_a_500_that_tells_nothing() {
    let app = app(Limits::default());
    let error = refused(get_from(&app, "/panics").await, Code::Internal).await;
    assert!(!error.to_string().contains("student"));
    assert_eq!(get_from(&app, "/plain").await.status(), StatusCode::OK, "and the next request is served");
}

#[tokio::test]
async fn a_body_that_does_not_parse_is_refused_by_place_alone() {
    let app = app(Limits::default());
    assert_eq!(text(ask(&app, "POST", "/json", " {\"number\":7}").await).await, "7");
    for body in ["{", "{\"number\":\"Ava\"}", "{\"number\":256}", "{\"number\":7} 8", "{\"Ava\":7}"] {
        let error = refused(ask(&app, "POST", "/json", body).await, Code::BadJson).await;
        assert!(error["message"].as_str().unwrap().contains("line 1, column"), "{error}");
        assert!(!error.to_string().contains("Ava"));
    }
    for body in ["", "[7]", "7", "\"Ava\""] {
        let error = refused(ask(&app, "POST", "/json", body).await, Code::BadJson).await;
        assert!(error["message"].as_str().unwrap().ends_with("no object"), "{body}: {error}");
    }
}

#[tokio::test]
async fn a_body_may_be_as_large_as_its_route_says() {
    let by_route = BTreeMap::from([("/import", 20)]);
    let limits = Limits { body_bytes_max: 10, body_bytes_max_by_route: by_route, ..Limits::default() };
    let app = app(limits);
    for (path, bytes_max) in [("/length", 10), ("/import", 20)] {
        let fits = ask(&app, "POST", path, vec![0; bytes_max]).await;
        assert_eq!(text(fits).await, bytes_max.to_string());
        let response = ask(&app, "POST", path, vec![0; bytes_max + 1]).await;
        assert_eq!(response.headers()[CONNECTION], "close");
        let error = refused(response, Code::TooLarge).await;
        assert_eq!(error["bytes_max"], bytes_max as u64);
    }
}

#[tokio::test]
async fn a_body_of_unsaid_length_is_counted_as_it_comes() {
    let app = app(Limits { body_bytes_max: 10, ..Limits::default() });
    let (mut sender, body) = arriving();
    let asked = tokio::spawn(async move { ask(&app, "POST", "/length", body).await });
    sender.send_data(Bytes::from_static(b"sixsix")).await.unwrap();
    sender.send_data(Bytes::from_static(b"sixsix")).await.unwrap();
    refused(asked.await.unwrap(), Code::TooLarge).await;
}

#[tokio::test]
async fn gzip_is_unpacked_and_counted_unpacked() {
    let app = app(Limits { body_bytes_max: 100_000, ..Limits::default() });
    assert_eq!(text(post_gzip(&app, "/length", gzip(&[0; 100_000])).await).await, "100000");
    let bomb = gzip(&[0; 100_001]);
    assert!(bomb.len() < 1_000);
    refused(post_gzip(&app, "/length", bomb).await, Code::TooLarge).await;
}

#[tokio::test(start_paused = true)]
async fn a_body_must_arrive_in_time() {
    let app = app(Limits::default());
    let (mut sender, body) = arriving();
    let began = tokio::time::Instant::now();
    let asked = tokio::spawn(async move { ask(&app, "POST", "/length", body).await });
    // A byte now and then is not enough.
    let dripping = tokio::spawn(async move {
        while sender.send_data(Bytes::from_static(b"x")).await.is_ok() {
            tokio::time::sleep(Duration::from_secs(7)).await;
        }
    });
    let response = asked.await.unwrap();
    assert_eq!(began.elapsed().as_secs(), BODY_READ.as_secs());
    assert_eq!(response.headers()[CONNECTION], "close");
    refused(response, Code::Timeout).await;
    dripping.await.unwrap();
}

#[tokio::test]
async fn bodies_share_a_budget_and_give_it_back() {
    let app = app(Limits { bodies_bytes_max: 10, ..Limits::default() });
    let (mut sender, body) = arriving();
    let first = tokio::spawn({
        let app = app.clone();
        async move { ask(&app, "POST", "/length", body).await }
    });
    sender.send_data(Bytes::from_static(b"sixsix")).await.unwrap();
    // The channel holds one frame: when it takes a second, the first is in the budget.
    sender.send_data(Bytes::from_static(b"x")).await.unwrap();
    sender.send_data(Bytes::from_static(b"x")).await.unwrap();
    let response = ask(&app, "POST", "/length", "four").await;
    assert!(response.headers().contains_key(RETRY_AFTER));
    refused(response, Code::Overloaded).await;
    drop(sender);
    assert_eq!(text(first.await.unwrap()).await, "8");
    assert_eq!(text(ask(&app, "POST", "/length", "0123456789").await).await, "10");
}

#[tokio::test]
async fn handlers_beyond_the_limit_are_put_off_and_slow_bodies_take_no_turn() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = get({
        let (begun, go_on) = (Arc::clone(&begun), Arc::clone(&go_on));
        move || async move {
            begun.notify_one();
            go_on.notified().await;
            "done"
        }
    });
    let app = shell(
        routes().route("/slow", slow),
        Limits { requests_max: 1, ..Limits::default() },
        Arc::new(Nobody),
    );
    let (sender, body) = arriving();
    let uploading = tokio::spawn({
        let app = app.clone();
        async move { ask(&app, "POST", "/length", body).await }
    });
    let working = tokio::spawn({
        let app = app.clone();
        async move { get_from(&app, "/slow").await }
    });
    begun.notified().await;
    let response = get_from(&app, "/plain").await;
    assert_eq!(response.headers()[RETRY_AFTER], error::RETRY_AFTER_S.to_string());
    refused(response, Code::Overloaded).await;
    go_on.notify_one();
    assert_eq!(text(working.await.unwrap()).await, "done");
    assert_eq!(get_from(&app, "/plain").await.status(), StatusCode::OK);
    drop(sender);
    assert_eq!(text(uploading.await.unwrap()).await, "0");
}

#[tokio::test]
async fn every_answer_has_an_id_of_the_servers_own_and_careful_headers() {
    let app = app(Limits::default());
    let request = Request::get("/id").header("x-request-id", "theirs").body(Body::empty()).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_ne!(id, "theirs");
    assert_eq!(text(response).await, id, "the handler knows it, too");
    for path in ["/id", "/nowhere", "/panics"] {
        let response = get_from(&app, path).await;
        assert_ne!(response.headers()["x-request-id"].to_str().unwrap(), id);
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert_eq!(response.headers()["referrer-policy"], "no-referrer");
        assert!(response.headers().contains_key("content-security-policy"));
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    }
    assert_eq!(get_from(&app, "/kept").await.headers()[CACHE_CONTROL], "private, no-cache");
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_names_the_route_and_never_the_path_or_query() {
    let captured = Captured::default();
    let lines = tracing_subscriber::fmt().with_ansi(false).with_writer({
        let captured = captured.clone();
        move || captured.clone()
    });
    let _guard = tracing::subscriber::set_default(lines.finish());
    let app = app(Limits::default());
    get_from(&app, "/students/ava-marie?note=sad").await;
    get_from(&app, "/ava-marie/sad").await;
    ask(&app, "AVA-MARIE", "/plain", Body::empty()).await;
    ask(&app, "POST", "/json", "\"ava-marie\"").await;
    let log = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("route=\"/students/{student}\""), "{log}");
    assert!(log.contains("route=\"none\"") && log.contains("method=\"other\""), "{log}");
    assert!(log.contains("code=\"bad_json\"") && log.contains("status=404"), "{log}");
    assert!(!log.to_lowercase().contains("ava-marie") && !log.contains("sad"), "{log}");
    assert_eq!(log.lines().count(), 4, "one line for each request: {log}");
}

#[test]
fn limits_are_as_promised() {
    let limits = Limits::default();
    assert_eq!(limits.header_read, Duration::from_secs(30));
    assert_eq!(limits.body_read, Duration::from_secs(60));
    assert!(limits.bodies_bytes_max >= limits.body_bytes_max);
}

/// A clock that the test turns.
#[derive(Default)]
struct Turned(std::sync::atomic::AtomicI64);

impl Porter for Turned {
    fn now(&self) -> Moment {
        Moment(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }

    fn knows(&self, _: &HeaderMap) -> bool {
        false
    }
}

#[tokio::test]
async fn a_refusal_that_took_long_is_counted_when_it_is_given() {
    let clock = Arc::new(Turned::default());
    let app = shell(routes(), Limits::default(), Arc::clone(&clock) as _);
    let from = |mut request: Request| {
        request.extensions_mut().insert(ConnectInfo("203.0.113.9:1".parse::<SocketAddr>().unwrap()));
        app.clone().oneshot(request)
    };
    let nowhere = || Request::get("/nowhere").body(Body::empty()).unwrap();
    let (mut sender, body) = arriving();
    let slow = tokio::spawn(from(Request::post("/nowhere").body(body).unwrap()));
    // The first frame is taken from the channel: the request is at work.
    sender.send_data(Bytes::from_static(b"a")).await.unwrap();
    sender.send_data(Bytes::from_static(b"b")).await.unwrap();
    clock.0.store(1, std::sync::atomic::Ordering::SeqCst);
    for _ in 0..door::ADDRESS_REFUSALS_MAX {
        assert_eq!(from(nowhere()).await.unwrap().status(), StatusCode::NOT_FOUND);
    }
    assert_eq!(from(nowhere()).await.unwrap().status(), StatusCode::TOO_MANY_REQUESTS);
    drop(sender);
    assert_eq!(slow.await.unwrap().unwrap().status(), StatusCode::NOT_FOUND);
    assert_eq!(
        from(nowhere()).await.unwrap().status(),
        StatusCode::TOO_MANY_REQUESTS,
        "what came before the span has not ended it"
    );
}
