//! One envelope for every refusal: `{"error":{"code","message","help"}}`.
//!
//! `code` is for programs and never changes its meaning, `message` says what happened, `help` says
//! what the reader can do. All codes stand in the one table below, with their statuses. What an
//! extractor, a layer or the router itself refuses in its own words is put into the envelope on its
//! way out, so that no handler has to think of it.
//!
//! Messages carry nothing of the request: what did not parse may have been somebody's note.

use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::Json;
use axum::http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

/// How long a client is asked to wait where the refusal itself does not know better, in seconds.
/// Clients add jitter of their own.
pub const RETRY_AFTER_S: u64 = 5;

/// Writes the enum, the list of all codes and what belongs to each from one table.
macro_rules! codes {
    ($($variant:ident = $code:literal, $status:ident, $message:literal, $help:literal;)*) => {
        /// What went wrong, for programs: stable for good.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code { $(#[doc = $message] $variant,)* }

        impl Code {
            /// Every code there is.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code as it crosses.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The HTTP status that it is answered with.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            /// Returns the code that crosses as this, if there is one.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.as_str() == name)
            }

            /// What happened, where nothing more exact is said.
            pub fn message(self) -> &'static str {
                match self { $(Self::$variant => $message,)* }
            }

            /// What to do, where nothing more exact is said.
            pub fn help(self) -> &'static str {
                match self { $(Self::$variant => $help,)* }
            }
        }
    };
}

codes! {
    BadRequest = "bad_request", BAD_REQUEST,
        "the request could not be read", "check the address, its parameters and the headers";
    BadJson = "bad_json", BAD_REQUEST,
        "the body is not the JSON that belongs here", "check the body against the description of this route";
    BadCbor = "bad_cbor", BAD_REQUEST,
        "the body is not the CBOR that belongs here", "check the body against the protocol";
    UnsupportedVersion = "unsupported_version", BAD_REQUEST,
        "this version of the protocol is not spoken here", "update the older side; nothing is lost meanwhile";
    Unauthorized = "unauthorized", UNAUTHORIZED,
        "this needs a token or a paired device", "send an Authorization header";
    TokenInvalid = "token_invalid", UNAUTHORIZED,
        "the token is not valid here", "get a new token of this server";
    TokenExpired = "token_expired", UNAUTHORIZED,
        "the token has expired", "get a new token";
    AssertionInvalid = "assertion_invalid", UNAUTHORIZED,
        "the device's signature is not valid here", "pair the device with this server; its work is safe on it";
    Forbidden = "forbidden", FORBIDDEN,
        "this is not allowed here", "ask the case manager or an administrator";
    DeviceRevoked = "device_revoked", FORBIDDEN,
        "this device's access has ended", "its unsent work can still be handed in; ask an administrator";
    PairingCodeInvalid = "pairing_code_invalid", FORBIDDEN,
        "this pairing code is not good, or not any more", "check the code, or ask for a new one";
    PairingCodeUsed = "pairing_code_used", GONE,
        "this pairing code was used before", "ask for a new one; a code pairs one device";
    PairingCodeExpired = "pairing_code_expired", GONE,
        "this pairing code's time is over", "ask for a new one";
    NotFound = "not_found", NOT_FOUND,
        "there is nothing here", "check the address; it may also be that you may not see it";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED,
        "this address does not take this method", "the Allow header names those that it takes";
    Timeout = "timeout", REQUEST_TIMEOUT,
        "the body took too long to arrive", "send it again, in smaller parts if the line is slow";
    Conflict = "conflict", CONFLICT,
        "this no longer fits what is stored", "read what is there now, and decide again";
    StaleAssertion = "stale_assertion", CONFLICT,
        "this assertion was used before, for something else", "sign the request again with a counter above the last one";
    PreconditionFailed = "precondition_failed", PRECONDITION_FAILED,
        "this has changed since it was read", "read it again";
    TooLarge = "too_large", PAYLOAD_TOO_LARGE,
        "the body is too large", "send less at once";
    UnsupportedMedia = "unsupported_media", UNSUPPORTED_MEDIA_TYPE,
        "this kind of body or encoding is not understood here", "check Content-Type, and use gzip or no Content-Encoding";
    RangeNotSatisfiable = "range_not_satisfiable", RANGE_NOT_SATISFIABLE,
        "there is nothing at this range", "ask again from the start";
    InvalidValue = "invalid_value", UNPROCESSABLE_ENTITY,
        "a value cannot be as it is", "correct the value; nothing was changed";
    RateLimited = "rate_limited", TOO_MANY_REQUESTS,
        "too many tries", "wait as long as Retry-After says";
    QuotaExceeded = "quota_exceeded", TOO_MANY_REQUESTS,
        "too much of this device is waiting for review", "have what waits reviewed; the rest is safe on the device";
    Internal = "internal", INTERNAL_SERVER_ERROR,
        "something went wrong in the server", "try again; if it stays, give the administrator the request id";
    Overloaded = "overloaded", SERVICE_UNAVAILABLE,
        "the server has too much to do right now", "try again as Retry-After says";
    NotReady = "not_ready", SERVICE_UNAVAILABLE,
        "the server is not ready", "try again as Retry-After says";
    WaitingForConfirmation = "waiting_for_confirmation", SERVICE_UNAVAILABLE,
        "the server was restored and waits for an administrator", "work is safe on the device and is sent when it goes on";
    StorageFailed = "storage_failed", SERVICE_UNAVAILABLE,
        "the server could not write to its disk", "nothing was taken in; try again as Retry-After says";
    StorageDamaged = "storage_damaged", SERVICE_UNAVAILABLE,
        "something that is stored cannot be read", "nothing was taken in; tell the administrator, for whom the server's log names the place";
    StorageFull = "storage_full", INSUFFICIENT_STORAGE,
        "the server's disk is almost full: it takes nothing new, and can be read as ever",
        "work is safe where it was made and is sent when there is room; tell the administrator";
}

impl Code {
    /// The code for a refusal that only has a status. Several codes may share one; the one meant
    /// here is the least specific.
    fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthorized,
            StatusCode::FORBIDDEN => Self::Forbidden,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::REQUEST_TIMEOUT => Self::Timeout,
            StatusCode::CONFLICT => Self::Conflict,
            StatusCode::PRECONDITION_FAILED => Self::PreconditionFailed,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMedia,
            StatusCode::RANGE_NOT_SATISFIABLE => Self::RangeNotSatisfiable,
            StatusCode::UNPROCESSABLE_ENTITY => Self::InvalidValue,
            StatusCode::TOO_MANY_REQUESTS => Self::RateLimited,
            StatusCode::SERVICE_UNAVAILABLE => Self::NotReady,
            StatusCode::INSUFFICIENT_STORAGE => Self::StorageFull,
            status if status.is_server_error() => Self::Internal,
            _ => Self::BadRequest,
        }
    }

    /// Whether the same request may succeed later, as it is.
    pub(super) fn is_passing(self) -> bool {
        matches!(
            self.status(),
            StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::INSUFFICIENT_STORAGE
                | StatusCode::TOO_MANY_REQUESTS
        )
    }
}

/// A refusal on its way to the client.
#[derive(Clone, Debug)]
pub struct ApiError {
    code: Code,
    message: Cow<'static, str>,
    help: Cow<'static, str>,
    retry_after_s: Option<u64>,
    details: BTreeMap<&'static str, Value>,
}

impl ApiError {
    /// Refuses with the code's own words.
    pub fn new(code: Code) -> Self {
        Self {
            code,
            message: Cow::Borrowed(code.message()),
            help: Cow::Borrowed(code.help()),
            retry_after_s: code.is_passing().then_some(RETRY_AFTER_S),
            details: BTreeMap::new(),
        }
    }

    /// Says more exactly what happened, without anything that the request contained.
    #[must_use]
    pub fn message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = message.into();
        self
    }

    /// Says more exactly what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<Cow<'static, str>>) -> Self {
        self.help = help.into();
        self
    }

    /// Says when to come back, in seconds.
    #[must_use]
    pub fn retry_after_s(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Adds a field to the envelope, for programs. It cannot replace one of the three.
    #[must_use]
    pub fn detail(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        if !["code", "message", "help"].contains(&name) {
            self.details.insert(name, value.into());
        }
        self
    }

    /// What it is, for programs.
    pub fn code(&self) -> Code {
        self.code
    }
}

impl From<Code> for ApiError {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

#[derive(Serialize)]
struct Envelope<'a> {
    error: Fields<'a>,
}

#[derive(Serialize)]
struct Fields<'a> {
    code: &'a str,
    message: &'a str,
    help: &'a str,
    #[serde(flatten)]
    details: &'a BTreeMap<&'static str, Value>,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let envelope = Envelope {
            error: Fields {
                code: self.code.as_str(),
                message: &self.message,
                help: &self.help,
                details: &self.details,
            },
        };
        let mut response = (self.code.status(), Json(envelope)).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        match self.code.status() {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Carryover-Device, Bearer"));
            }
            // The rest of the body may still be on its way; nobody is going to read it.
            StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        // For the log line, which is written in one place.
        response.extensions_mut().insert(self.code);
        response
    }
}

/// Answers what no route matches.
pub(super) async fn not_found() -> ApiError {
    Code::NotFound.into()
}

/// Answers a route that does not take this method; the router adds the `Allow` header. `OPTIONS`
/// asks for nothing but that header.
pub(super) async fn method_not_allowed(method: Method) -> Response {
    if method == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        ApiError::from(Code::MethodNotAllowed).into_response()
    }
}

/// Answers for a handler that panicked. What it said stays unsaid: it may hold somebody's data.
pub(super) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    ApiError::from(Code::Internal).into_response()
}

/// Puts refusals that came as plain text, or as nothing, into the envelope. A page or a JSON body
/// is somebody's deliberate answer and stays.
pub(super) fn in_envelope(response: Response) -> Response {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || is_deliberate(&response) {
        return response;
    }
    let mut enveloped = ApiError::from(Code::of_status(status)).into_response();
    *enveloped.status_mut() = status;
    for (name, value) in response.headers() {
        // What was said of the body was said of the other one.
        if ![CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING].contains(name) {
            enveloped.headers_mut().insert(name, value.clone());
        }
    }
    enveloped
}

fn is_deliberate(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/json") || kind.starts_with("text/html"))
}
