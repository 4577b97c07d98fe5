//! Request bodies: read whole, in time and within bounds, before a handler's turn comes.
//!
//! Three bounds hold at once. One body may have so many bytes, a number that a route may set for
//! itself, counted after unpacking, so that a small gzip bomb is a large body. It must have arrived
//! within a time. And all bodies in memory together have a budget, of which strangers behind one
//! address have a share, so that many senders of large bodies are told to come back instead of
//! filling the memory of everybody else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, MatchedPath, Request};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Limits;
use super::door::{Purse, Visit};
use super::error::{ApiError, Code};

/// The bounds, and what is left of the common budget.
pub(super) struct Bodies {
    read: Duration,
    bytes_max: usize,
    bytes_max_by_route: BTreeMap<&'static str, usize>,
    /// One permit per byte.
    budget: Arc<Semaphore>,
}

impl Bodies {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            read: limits.body_read,
            bytes_max: limits.body_bytes_max,
            bytes_max_by_route: limits.body_bytes_max_by_route.clone(),
            budget: Arc::new(Semaphore::new(limits.bodies_bytes_max.min(Semaphore::MAX_PERMITS))),
        }
    }

    fn bytes_max_for(&self, request: &Request) -> usize {
        request
            .extensions()
            .get::<MatchedPath>()
            .and_then(|route| self.bytes_max_by_route.get(route.as_str()))
            .copied()
            .unwrap_or(self.bytes_max)
    }

    /// Reads a request's body, and returns the request with all of it.
    pub(super) async fn read_whole(&self, request: Request) -> Result<(Request, Held), ApiError> {
        let bytes_max = self.bytes_max_for(&request);
        let purse = request.extensions().get::<Arc<Visit>>().map(Visit::purse);
        let (parts, body) = request.into_parts();
        if body.is_end_stream() {
            return Ok((Request::from_parts(parts, Body::empty()), (None, None)));
        }
        let collected = tokio::time::timeout(self.read, collect(body, bytes_max, &self.budget, purse)).await;
        let (bytes, held) = collected.map_err(|_| ApiError::from(Code::Timeout))??;
        Ok((Request::from_parts(parts, Body::from(bytes)), held))
    }
}

/// What a body takes of the common budget, and of its address's share, until it is dropped.
pub(super) type Held = (Option<OwnedSemaphorePermit>, Option<Purse>);

async fn collect(
    mut body: Body,
    bytes_max: usize,
    budget: &Arc<Semaphore>,
    mut purse: Option<Purse>,
) -> Result<(Bytes, Held), ApiError> {
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(too_large(bytes_max));
    }
    let mut bytes = Vec::new();
    let mut held: Option<OwnedSemaphorePermit> = None;
    while let Some(frame) = body.frame().await {
        // The sender broke off, or what it sent is not the gzip that it said.
        let frame = frame.map_err(|_| ApiError::from(Code::BadRequest).message("the body broke off"))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > bytes_max {
            return Err(too_large(bytes_max));
        }
        if let Some(purse) = &mut purse {
            purse.take(data.len())?;
        }
        let share = u32::try_from(data.len()).map_err(|_| too_large(bytes_max))?;
        let share = Arc::clone(budget).try_acquire_many_owned(share).map_err(|_| Code::Overloaded)?;
        match &mut held {
            Some(held) => held.merge(share),
            None => held = Some(share),
        }
        bytes.extend_from_slice(&data);
    }
    Ok((Bytes::from(bytes), (held, purse)))
}

fn too_large(bytes_max: usize) -> ApiError {
    ApiError::from(Code::TooLarge).detail("bytes_max", bytes_max as u64)
}

/// Reads an object of JSON. What does not parse is refused by place, never by content.
///
/// A list is none, even where its values would do: which of them is which would hang on the order in which the server names its fields.
pub fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(
            ApiError::from(Code::BadJson).message("the body is not the JSON that belongs here: no object")
        );
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let place = format!(
            "the body is not the JSON that belongs here: line {}, column {}",
            error.line(),
            error.column()
        );
        ApiError::from(Code::BadJson).message(place)
    })
}

/// A body that is an object of JSON.
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        object(&whole(request).await?).map(Self)
    }
}

/// Takes the body that the shell has read. The framework's own limit does not apply: each route's
/// has been kept already.
async fn whole(request: Request) -> Result<Bytes, ApiError> {
    let body = request.into_body().collect().await.map_err(|_| ApiError::from(Code::BadRequest))?;
    Ok(body.to_bytes())
}
