//! The exchange, and handing in.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use sync_core::exchange::codec;
use sync_core::exchange::message::Request;
use sync_core::roster::Device;
use utoipa::IntoParams;

use super::caller::{certified, in_use, signed_or_certified, too_often};
use crate::crash::crash_point;
use crate::engine::{Answered, Engine};
use crate::http::{ApiError, Code};

/// The media type of requests and replies.
const CBOR: &str = "application/cbor";
/// The header with the token for the downloads that follow.
const TOKEN: HeaderName = HeaderName::from_static("x-carryover-token");

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ExchangeQuery {
    /// Bytes of entries that the tablet's line carries; none: as many as a reply may have.
    room: Option<usize>,
}

/// Exchanges: brings what a tablet has, and takes what is new for it.
#[utoipa::path(
    post,
    path = "/v1/exchange",
    tag = "tablet",
    operation_id = "exchange",
    params(ExchangeQuery),
    request_body(content = String, content_type = "application/cbor", description = "A request of the protocol, behind two bytes of version."),
    security(("device" = [])),
    responses((status = 200, description = "A reply of the protocol.", body = String, content_type = "application/cbor", headers(("x-carryover-token" = String, description = "A token for the downloads that follow. None while a restored server waits.")))),
    extensions(("x-refusals" = json!(["bad_cbor", "device_revoked", "quota_exceeded", "waiting_for_confirmation", "not_ready", "storage_full"]))),
)]
pub(super) async fn exchange(
    State(engine): State<Arc<Engine>>,
    Query(query): Query<ExchangeQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let device = in_use(signed_or_certified(&engine, &headers, &body).await?)?;
    let request: Request = codec::decode(&body)?;
    // Where nothing may be sent down, there is nothing to fetch either.
    let token = if engine.waits_for_confirmation(&device)? { None } else { Some(token(&engine, &device)?) };
    let mut response = answer(engine.exchange(device, request, query.room).await?)?;
    response.headers_mut().extend(token.map(|token| (TOKEN, token)));
    Ok(response)
}

/// Hands in what was made on a device, whatever has become of its access.
///
/// Without an `Authorization` header the certificate in the request says whose device it was, and only what was sealed is looked at.
#[utoipa::path(
    post,
    path = "/v1/hand-in",
    tag = "tablet",
    operation_id = "hand_in",
    request_body(content = String, content_type = "application/cbor", description = "A request of the protocol, behind two bytes of version."),
    security(("device" = []), ()),
    responses((status = 200, description = "A reply with fates, and nothing else.", body = String, content_type = "application/cbor")),
    extensions(("x-refusals" = json!(["bad_cbor", "quota_exceeded", "waiting_for_confirmation", "not_ready", "storage_full"]))),
)]
pub(super) async fn hand_in(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let (device, request) = if headers.contains_key(AUTHORIZATION) {
        (signed_or_certified(&engine, &headers, &body).await?, codec::decode(&body)?)
    } else {
        // Neither person nor key: a locked tablet hands in what it has sealed, and says what it was shown of the log, from which it learns what
        // a restored server has lost. Nothing else is looked at. Of a body that is none, nobody is told more than that he proves nothing.
        let request: Request = codec::decode(&body).map_err(|_| Code::Unauthorized)?;
        let device = certified(&engine, &request).await?;
        let bare = Request::bare(request.org, request.device, request.cursor, request.clock);
        let Request { sealed, heard, mark, trail, .. } = request;
        (device, Request { sealed, heard, mark, trail, ..bare })
    };
    engine.may_hand_in(device.id).map_err(too_often)?;
    answer(engine.hand_in(device, request).await?)
}

fn answer(answered: Answered) -> Result<Response, ApiError> {
    match answered {
        Answered::Reply(reply) => {
            let bytes = codec::encode(&*reply);
            crash_point("before_reply");
            Ok(([(CONTENT_TYPE, CBOR)], bytes).into_response())
        }
        Answered::Not(unanswered) => Err(unanswered.into()),
    }
}

fn token(engine: &Engine, device: &Device) -> Result<HeaderValue, ApiError> {
    let token = engine.token_for(device).map_err(|_| Code::Internal)?;
    HeaderValue::try_from(token).map_err(|_| Code::Internal.into())
}
