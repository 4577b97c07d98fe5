//! The door: how much one address may ask in vain.
//!
//! Behind one address may be a school. So an address is charged only for what is refused of those who prove nothing, and whoever proves
//! who asks is let in whatever others behind the same address do: that caller has [limits of its own](crate::engine::Engine::spend).
//!
//! ```text
//! refused requests     in a span of time           then 429 for strangers from there
//! their bytes          in a span of time           then 429 for strangers from there
//! bytes in memory      at any moment               then 429 for the stranger who sends more
//! ```
//!
//! The first two are looked at before a body is read. What says whether the server is well has [no part](Limits::always_open) in them: it is
//! asked by whoever watches the server, from wherever that is.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONNECTION};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use sync_core::time::Moment;

use super::Limits;
use super::address::{Address, address_of};
use super::error::{ApiError, Code};
use crate::engine::Limiter;

/// Refused requests of strangers from one address in [`ADDRESS_SPAN_MS`]: a hall full of people who mistype.
pub const ADDRESS_REFUSALS_MAX: u64 = 600;
/// Bytes of bodies of refused requests of strangers from one address in [`ADDRESS_SPAN_MS`].
pub const ADDRESS_REFUSED_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The span in which they are counted, in milliseconds.
pub const ADDRESS_SPAN_MS: i64 = 60_000;
/// Bytes of strangers' bodies from one address in memory at once: a quarter of what all may have.
pub const ADDRESS_BODIES_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Knows callers by what they show.
pub trait Porter: Send + Sync + 'static {
    /// Returns the time that limits go by.
    fn now(&self) -> Moment;
    /// Returns whether the headers prove who asks.
    fn knows(&self, headers: &HeaderMap) -> bool;
}

/// What is counted by address.
pub(super) struct Door {
    porter: Arc<dyn Porter>,
    limits: Limits,
    refusals: Limiter<Address>,
    refused_bytes: Limiter<Address>,
    held: Mutex<BTreeMap<Address, usize>>,
}

impl Door {
    pub(super) fn new(porter: Arc<dyn Porter>, limits: &Limits) -> Self {
        Self {
            porter,
            limits: limits.clone(),
            refusals: Limiter::new(ADDRESS_REFUSALS_MAX, ADDRESS_SPAN_MS),
            refused_bytes: Limiter::new(ADDRESS_REFUSED_BYTES_MAX, ADDRESS_SPAN_MS),
            held: Mutex::default(),
        }
    }
}

/// One request on its way through the door.
pub(super) struct Visit {
    door: Arc<Door>,
    address: Address,
    proof: HeaderMap,
    known: OnceLock<bool>,
    received: AtomicU64,
}

impl Visit {
    /// Whether the caller proves who asks: looked at once, and only where something depends on it.
    fn is_known(&self) -> bool {
        *self.known.get_or_init(|| self.door.porter.knows(&self.proof))
    }

    /// Returns a purse for a body: what is held of it counts until the purse is dropped.
    pub(super) fn purse(self: &Arc<Self>) -> Purse {
        Purse { visit: Arc::clone(self), bytes: 0 }
    }
}

/// What one body takes of its address's share of the memory.
pub(super) struct Purse {
    visit: Arc<Visit>,
    bytes: usize,
}

impl Purse {
    /// Takes so many bytes more, unless a stranger would have more than the share of one address.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), ApiError> {
        self.visit.received.fetch_add(bytes as u64, Ordering::Relaxed);
        let door = &self.visit.door;
        let mut held = door.held.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = held.entry(self.visit.address).or_default();
        *of_address += bytes;
        self.bytes += bytes;
        let beyond = *of_address > door.limits.address_bodies_bytes_max;
        drop(held);
        if beyond && !self.visit.is_known() {
            return Err(ApiError::from(Code::RateLimited).message("too much comes from this address at once"));
        }
        Ok(())
    }
}

impl Drop for Purse {
    fn drop(&mut self) {
        let mut held = self.visit.door.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_address) = held.get_mut(&self.visit.address) {
            *of_address = of_address.saturating_sub(self.bytes);
            if *of_address == 0 {
                held.remove(&self.visit.address);
            }
        }
    }
}

/// Lets a request in, unless it is a stranger's from an address that has asked too much in vain; charges the address for what is refused.
pub(super) async fn at_the_door(State(door): State<Arc<Door>>, mut request: Request, next: Next) -> Response {
    let Some(address) = address_of(&request, &door.limits.proxies) else { return next.run(request).await };
    request.extensions_mut().insert(address);
    let mut proof = HeaderMap::new();
    for header in request.headers().get_all(AUTHORIZATION) {
        proof.append(AUTHORIZATION, header.clone());
    }
    let (known, received) = (OnceLock::new(), AtomicU64::new(0));
    let visit = Arc::new(Visit { door: Arc::clone(&door), address, proof, known, received });
    let now = door.porter.now();
    let wait_s = door.refusals.wait_s(&address, now).max(door.refused_bytes.wait_s(&address, now));
    if let Some(wait_s) = wait_s
        && !is_always_open(&door.limits, &request)
        && !visit.is_known()
    {
        let refusal = ApiError::from(Code::RateLimited)
            .message("too many requests from this address were refused")
            .retry_after_s(wait_s);
        let mut response = refusal.into_response();
        // A body may be on its way that nobody is going to read.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        return response;
    }
    request.extensions_mut().insert(Arc::clone(&visit));
    let response = next.run(request).await;
    if is_in_vain(response.status()) && !visit.is_known() {
        // It may have come long ago, and others have begun a span since: one that began later than now would be over.
        let now = door.porter.now();
        door.refusals.count(address, now);
        door.refused_bytes.spend(address, visit.received.load(Ordering::Relaxed), now);
    }
    response
}

/// Whether a request is answered whatever came from its address.
fn is_always_open(limits: &Limits, request: &Request) -> bool {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    reads && limits.always_open.contains(&request.uri().path()) && HttpBody::is_end_stream(request.body())
}

/// Whether a request was refused for what it was, and not for what the server is just now.
fn is_in_vain(status: StatusCode) -> bool {
    status.is_client_error()
}
