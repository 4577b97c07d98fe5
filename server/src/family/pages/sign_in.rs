//! Signing in and out: the forms, and what becomes of them.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::rejection::FormRejection;
use axum::extract::{Path, Query, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Form};
use serde::Deserialize;
use sync_core::ids::GuardianId;
use sync_core::sensitive::Sensitive;
use utoipa::ToSchema;

use super::answer::{Wish, closed, see_other, wanted, welcome};
use super::session_of;
use crate::engine::EngineError;
use crate::family::account::{Doors, NotLetIn, TRIES_SPAN_MS, Token};
use crate::family::browser::{cleared_cookie, cookie, is_own_form, token_of};
use crate::family::invitation::sign_in_path;
use crate::family::passphrase::{NotAPassphrase, PASSPHRASE_CHARS_MAX, PASSPHRASE_CHARS_MIN, Passphrase};
use crate::family::text::{Arguments, Text};
use crate::http::address::Address;
use crate::http::{ApiError, Code, RETRY_AFTER_S};

#[derive(Deserialize, ToSchema)]
pub(super) struct SignInForm {
    #[schema(value_type = String)]
    passphrase: Sensitive<String>,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct RedeemForm {
    /// The one-time code of the letter.
    #[schema(value_type = String)]
    invitation: Sensitive<String>,
    #[schema(value_type = String)]
    passphrase: Sensitive<String>,
    /// The passphrase once more.
    #[schema(value_type = String)]
    again: Sensitive<String>,
}

type Peer = Option<Extension<Address>>;

/// Shows where a guardian signs in. It changes nothing, whoever opens it.
#[utoipa::path(
    get,
    path = "/family/{guardian}",
    tag = "families",
    operation_id = "family_sign_in_page",
    params(("guardian" = String, Path, description = "The guardian's id.", example = "01ARZ3NDEKTSV4RRFFQ69G5FAV"), Wish),
    responses(
        (status = 200, description = "The page to sign in, which looks the same for a guardian whom nobody knows.", body = String, content_type = "text/html; charset=utf-8"),
        (status = 303, description = "The guardian is signed in: to the page."),
        (status = 404, description = "There is nothing to see: unknown, forbidden and restricted look the same.", body = String, content_type = "text/html; charset=utf-8"),
        (status = 503, description = "A restored server waits to be confirmed.", body = String, content_type = "text/html; charset=utf-8"),
    ),
)]
pub(super) async fn sign_in_page(
    State(doors): State<Arc<Doors>>,
    Path(guardian): Path<String>,
    Query(wish): Query<Wish>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let text = wanted(&wish, &headers);
    let Ok(guardian) = guardian.parse() else { return Ok(closed(None, text, &headers)) };
    if session_of(&doors, guardian, &headers)?.is_some() {
        return Ok(see_other(&format!("{}/page", sign_in_path(guardian)), None, &headers));
    }
    Ok(welcome(guardian, text, None, StatusCode::OK, &headers))
}

/// Turns an invitation into a passphrase and a session.
#[utoipa::path(
    post,
    path = "/family/{guardian}/redeem",
    tag = "families",
    operation_id = "family_redeem",
    params(("guardian" = String, Path, description = "The guardian's id.", example = "01ARZ3NDEKTSV4RRFFQ69G5FAV"), Wish),
    request_body(content = RedeemForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 303, description = "Signed in, with a cookie: to the page."),
        (status = 400, description = "Not the form of this page.", body = String, content_type = "text/html; charset=utf-8"),
        (status = 403, description = "It did not work, or the form is another site's.", body = String, content_type = "text/html; charset=utf-8"),
        (status = 404, description = "There is nothing to see: unknown, forbidden and restricted look the same.", body = String, content_type = "text/html; charset=utf-8"),
        (status = 422, description = "The passphrase is too short, too long, or not the same twice.", body = String, content_type = "text/html; charset=utf-8"),
        (status = 429, description = "Too many tries.", body = String, content_type = "text/html; charset=utf-8"),
        (status = 503, description = "A restored server waits to be confirmed, or too many passphrases wait to be looked at.", body = String, content_type = "text/html; charset=utf-8"),
    ),
)]
pub(super) async fn redeem(
    State(doors): State<Arc<Doors>>,
    Path(guardian): Path<String>,
    Query(wish): Query<Wish>,
    peer: Peer,
    headers: HeaderMap,
    form: Result<Form<RedeemForm>, FormRejection>,
) -> Response {
    let text = wanted(&wish, &headers);
    let (guardian, form) = match asked(&guardian, form, text, &headers) {
        Ok(asked) => asked,
        Err(answer) => return *answer,
    };
    let passphrase = match Passphrase::chosen(&form.passphrase, &form.again) {
        Ok(passphrase) => passphrase,
        Err(why) => {
            let wrong = not_a_passphrase(why, text);
            return welcome(guardian, text, Some(wrong), StatusCode::UNPROCESSABLE_ENTITY, &headers);
        }
    };
    let let_in = doors.redeem(address(peer), guardian, &form.invitation, passphrase).await;
    let_in_or_not(let_in, guardian, &wish, text, &headers)
}

/// Signs a guardian in.
#[utoipa::path(
    post,
    path = "/family/{guardian}/sign-in",
    tag = "families",
    operation_id = "family_sign_in",
    params(("guardian" = String, Path, description = "The guardian's id.", example = "01ARZ3NDEKTSV4RRFFQ69G5FAV"), Wish),
    request_body(content = SignInForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 303, description = "Signed in, with a cookie: to the page."),
        (status = 400, description = "Not the form of this page.", body = String, content_type = "text/html; charset=utf-8"),
        (status = 403, description = "It did not work, or the form is another site's.", body = String, content_type = "text/html; charset=utf-8"),
        (status = 404, description = "There is nothing to see: unknown, forbidden and restricted look the same.", body = String, content_type = "text/html; charset=utf-8"),
        (status = 429, description = "Too many tries.", body = String, content_type = "text/html; charset=utf-8"),
        (status = 503, description = "A restored server waits to be confirmed, or too many passphrases wait to be looked at.", body = String, content_type = "text/html; charset=utf-8"),
    ),
)]
pub(super) async fn sign_in(
    State(doors): State<Arc<Doors>>,
    Path(guardian): Path<String>,
    Query(wish): Query<Wish>,
    peer: Peer,
    headers: HeaderMap,
    form: Result<Form<SignInForm>, FormRejection>,
) -> Response {
    let text = wanted(&wish, &headers);
    let (guardian, form) = match asked(&guardian, form, text, &headers) {
        Ok(asked) => asked,
        Err(answer) => return *answer,
    };
    let let_in = doors.sign_in(address(peer), guardian, Passphrase::tried(form.passphrase)).await;
    let_in_or_not(let_in, guardian, &wish, text, &headers)
}

/// Ends a session.
#[utoipa::path(
    post,
    path = "/family/{guardian}/sign-out",
    tag = "families",
    operation_id = "family_sign_out",
    params(("guardian" = String, Path, description = "The guardian's id.", example = "01ARZ3NDEKTSV4RRFFQ69G5FAV")),
    responses(
        (status = 303, description = "Signed out: to the page to sign in."),
        (status = 404, description = "There is nothing to see: unknown, forbidden and restricted look the same.", body = String, content_type = "text/html; charset=utf-8"),
        (status = 503, description = "A restored server waits to be confirmed.", body = String, content_type = "text/html; charset=utf-8"),
    ),
)]
pub(super) async fn sign_out(
    State(doors): State<Arc<Doors>>,
    Path(guardian): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let text = wanted(&Wish { language: None }, &headers);
    let Ok(guardian) = guardian.parse() else { return Ok(closed(None, text, &headers)) };
    if !is_own_form(&headers) {
        return Ok(closed(Some(guardian), text, &headers));
    }
    if let Some(token) = token_of(&headers) {
        doors.sign_out(guardian, &token).await?;
    }
    Ok(see_other(&sign_in_path(guardian), Some(cleared_cookie(guardian)), &headers))
}

/// Returns the guardian and the form, or the answer to what is not one of ours.
fn asked<F>(
    guardian: &str,
    form: Result<Form<F>, FormRejection>,
    text: &'static Text,
    headers: &HeaderMap,
) -> Result<(GuardianId, F), Box<Response>> {
    let Ok(guardian) = guardian.parse() else { return Err(Box::new(closed(None, text, headers))) };
    let wrong = |status| Box::new(welcome(guardian, text, Some(text.say("wrong-form")), status, headers));
    if !is_own_form(headers) {
        return Err(wrong(StatusCode::FORBIDDEN));
    }
    match form {
        Ok(Form(form)) => Ok((guardian, form)),
        Err(_) => Err(wrong(StatusCode::BAD_REQUEST)),
    }
}

fn let_in_or_not(
    let_in: Result<Result<Token, NotLetIn>, EngineError>,
    guardian: GuardianId,
    wish: &Wish,
    text: &'static Text,
    headers: &HeaderMap,
) -> Response {
    let refused = |id, status| welcome(guardian, text, Some(text.say(id)), status, headers);
    match let_in {
        Ok(Ok(token)) => {
            let wished = wish.language.as_deref().and_then(Text::written);
            let wished = wished.map(|text| format!("?language={}", text.tag())).unwrap_or_default();
            let path = format!("{}/page{wished}", sign_in_path(guardian));
            see_other(&path, Some(cookie(guardian, &token, headers)), headers)
        }
        Ok(Err(NotLetIn::Wrong)) => refused("wrong-sign-in", StatusCode::FORBIDDEN),
        Ok(Err(NotLetIn::TooOften)) => {
            let mut response = refused("wrong-too-often", StatusCode::TOO_MANY_REQUESTS);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(TRIES_SPAN_MS / 1_000));
            response
        }
        Err(EngineError::Busy) => {
            let mut response = refused("wrong-busy", StatusCode::SERVICE_UNAVAILABLE);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
            // For the log line; a person reads the page.
            response.extensions_mut().insert(Code::Overloaded);
            response
        }
        Err(error) => ApiError::from(error).into_response(),
    }
}

fn not_a_passphrase(why: NotAPassphrase, text: &'static Text) -> String {
    let with = |id, chars: usize| {
        let places: &Arguments<'_> = &[("n", chars.to_string().into())];
        text.with(id, places)
    };
    match why {
        NotAPassphrase::TooShort => with("wrong-too-short", PASSPHRASE_CHARS_MIN),
        NotAPassphrase::TooLong => with("wrong-too-long", PASSPHRASE_CHARS_MAX),
        NotAPassphrase::Differs => text.say("wrong-differs"),
    }
}

fn address(peer: Peer) -> IpAddr {
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Extension(Address(from))| from)
}
