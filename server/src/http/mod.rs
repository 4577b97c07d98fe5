//! The shell around every route: what is true of a request before a handler sees it, and of each
//! answer after one made it.
//!
//! [`shell`] wraps a router of handlers, and [`serve`] puts it on a socket. Tests call the wrapped
//! router in process. From the outside in:
//!
//! ```text
//! socket        accepts up to a number of connections, gives headers 30 s         listen
//!  log line     request id, method, route and outcome; never a path or a query    middleware
//!  headers      nosniff, no-store, no referrer                                    middleware
//!  envelope     every refusal is {"error":{"code","message","help"}}              error
//!  panic        becomes a 500 with the envelope                                   error
//!  door         an address that asked too much in vain: 429 for strangers there   door
//!  gzip         request bodies are unpacked                                       body
//!  body         read whole within 60 s and its route's limit                      body
//!  turn         a bounded number of handlers at once, else 503                    middleware
//! handler
//! ```
//!
//! The body is read before a handler's turn comes, so that a slow sender costs a socket and what it
//! has sent so far, and never a turn.

pub mod address;
pub mod authorization;
pub mod body;
pub mod door;
pub mod error;
pub mod listen;
mod middleware;
pub mod routes;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::decompression::RequestDecompressionLayer;

pub use door::Porter;
pub use error::{ApiError, Code, RETRY_AFTER_S};
pub use listen::{Drained, bind, serve};
pub use middleware::RequestId;

/// Every limit of the shell in one place; tests pass smaller ones.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Open connections. More wait in the kernel's backlog.
    pub connections_max: usize,
    /// How long a client may take over the headers of a request, or be idle between two.
    pub header_read: Duration,
    /// How long it may take over a body.
    pub body_read: Duration,
    /// The largest body, in bytes, after unpacking.
    pub body_bytes_max: usize,
    /// Routes (as written in the router, `/v1/import`) with a limit of their own, in bytes.
    pub body_bytes_max_by_route: BTreeMap<&'static str, usize>,
    /// The bodies of all requests together, in bytes.
    pub bodies_bytes_max: usize,
    /// Of these, what strangers behind one address may have, in bytes.
    pub address_bodies_bytes_max: usize,
    /// Paths that are answered whatever came from an address, if they are asked for without a body: they cost next to nothing.
    pub always_open: &'static [&'static str],
    /// Proxies in front of the server, beside those on this machine: they say who asks.
    pub proxies: Vec<IpAddr>,
    /// Handlers at work at once.
    pub requests_max: usize,
    /// How long requests in flight may go on when the server is told to stop.
    pub drain: Duration,
}

/// Open connections unless said otherwise: a district's tablets with their live sockets.
pub const CONNECTIONS_MAX: usize = 10_000;
/// The time for headers that clients are promised.
pub const HEADER_READ: Duration = Duration::from_secs(30);
/// The time for a body that clients are promised.
pub const BODY_READ: Duration = Duration::from_secs(60);
/// The largest body unless its route says otherwise: many times a day's work of one tablet.
pub const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// All bodies together.
pub const BODIES_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Handlers at work at once.
pub const REQUESTS_MAX: usize = 512;
/// The time to finish what is in flight, well below what service managers wait before they kill.
pub const DRAIN: Duration = Duration::from_secs(10);

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: CONNECTIONS_MAX,
            header_read: HEADER_READ,
            body_read: BODY_READ,
            body_bytes_max: BODY_BYTES_MAX,
            body_bytes_max_by_route: BTreeMap::new(),
            bodies_bytes_max: BODIES_BYTES_MAX,
            address_bodies_bytes_max: door::ADDRESS_BODIES_BYTES_MAX,
            always_open: &[],
            proxies: Vec::new(),
            requests_max: REQUESTS_MAX,
            drain: DRAIN,
        }
    }
}

/// Wraps a router of handlers with everything that holds for all of them. `porter` knows who proves who asks.
pub fn shell(router: Router, limits: Limits, porter: Arc<dyn Porter>) -> Router {
    let door = Arc::new(door::Door::new(porter, &limits));
    let entrance = Arc::new(middleware::Entrance::new(&limits));
    let ids = middleware::RequestIds::new();
    // One stack, put around each route once: as layers of their own, each would box those within and clone the box for every request. What
    // only changes an answer is a function on it, for the same reason.
    let layers = ServiceBuilder::new()
        .layer(from_fn_with_state(ids, middleware::logged))
        .map_response(middleware::secured)
        .map_response(error::in_envelope)
        .map_response(|response: axum::http::Response<_>| response.map(Body::new))
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(from_fn_with_state(door, door::at_the_door))
        .layer(RequestDecompressionLayer::new())
        .map_request(|request: axum::http::Request<_>| request.map(Body::new))
        .layer(from_fn_with_state(entrance, middleware::entered))
        // The framework's own limit of bodies is below ours, which have been kept before.
        .layer(DefaultBodyLimit::disable());
    router.fallback(error::not_found).method_not_allowed_fallback(error::method_not_allowed).layer(layers)
}

#[cfg(test)]
mod tests;
