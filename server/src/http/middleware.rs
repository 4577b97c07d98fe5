//! The layers that know nothing of what is asked: request ids and the log line, headers that make
//! browsers careful, and a bound on the handlers at work.
//!
//! A log line names the route as the router has it (`/v1/students/{student}`), never the path or
//! the query that were sent, no header, and nothing of a body. A request can be found by its id,
//! which is on the answer, too.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::Limits;
use super::body::Bodies;
use super::error::{ApiError, Code};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What the log says for a path that no route matches.
const NO_ROUTE: &str = "none";

/// The name of one request in log lines, to the client and in audit records. The server always
/// gives its own: one that came from outside could be anything, and anybody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

impl fmt::Display for RequestId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Numbers requests, behind a draw that tells one start of the server from the next.
#[derive(Clone)]
pub(super) struct RequestIds {
    start: u32,
    next: Arc<AtomicU64>,
}

impl RequestIds {
    pub(super) fn new() -> Self {
        // Without a random source ids repeat from start to start, and the log's times tell them apart.
        Self { start: getrandom::u32().unwrap_or_default(), next: Arc::default() }
    }

    fn next(&self) -> RequestId {
        RequestId(format!("{:08x}-{:x}", self.start, self.next.fetch_add(1, Ordering::Relaxed)))
    }
}

/// Gives the request its id, and writes the one log line about it.
pub(super) async fn logged(State(ids): State<RequestIds>, mut request: Request, next: Next) -> Response {
    let id = ids.next();
    let route = request.extensions().get::<MatchedPath>().map(|route| route.as_str().to_owned());
    let span = tracing::info_span!(
        "request",
        request_id = %id,
        method = known(request.method()),
        route = route.as_deref().unwrap_or(NO_ROUTE),
    );
    request.extensions_mut().insert(id.clone());
    let began = Instant::now();
    async move {
        let mut response = next.run(request).await;
        let status = response.status();
        let code = response.extensions().get::<Code>().map(|code| code.as_str());
        let latency_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        if status.is_server_error() {
            tracing::warn!(status = status.as_u16(), code, latency_ms, "request failed");
        } else {
            tracing::info!(status = status.as_u16(), code, latency_ms, "request answered");
        }
        if let Ok(id) = HeaderValue::try_from(id.0) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        response
    }
    .instrument(span)
    .await
}

/// A method's name where it is a usual one. Others are the client's own words.
fn known(method: &Method) -> &str {
    match method.as_str() {
        name @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => name,
        _ => "other",
    }
}

/// Sets headers for browsers where the handler has not set its own: guess no type, keep no copy,
/// tell nobody where the reader came from, and run nothing.
pub(super) fn secured(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

/// What stands before every handler: the body's bounds, and the turns that handlers take.
pub(super) struct Entrance {
    bodies: Bodies,
    turns: Semaphore,
}

impl Entrance {
    pub(super) fn new(limits: &Limits) -> Self {
        let turns = Semaphore::new(limits.requests_max.min(Semaphore::MAX_PERMITS));
        Self { bodies: Bodies::new(limits), turns }
    }
}

/// Reads the body, and then lets a handler work if there is a turn for it. Otherwise the client is
/// asked to come back: a queue would only make everybody wait until they give up. The body's part of
/// the budget is given back when the answer has been made.
pub(super) async fn entered(State(entrance): State<Arc<Entrance>>, request: Request, next: Next) -> Response {
    let (request, _held) = match entrance.bodies.read_whole(request).await {
        Ok(read) => read,
        Err(refusal) => return refusal.into_response(),
    };
    match entrance.turns.try_acquire() {
        Ok(_turn) => next.run(request).await,
        Err(_) => ApiError::from(Code::Overloaded).into_response(),
    }
}
