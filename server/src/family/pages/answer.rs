//! What every handler of the pages answers with, and in which language.

use askama::Template;
use axum::http::header::{CONTENT_TYPE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sync_core::ids::GuardianId;
use utoipa::IntoParams;

use crate::family::browser::guarded;
use crate::family::invitation::sign_in_path;
use crate::family::passphrase::PASSPHRASE_CHARS_MIN;
use crate::family::text::Text;
use crate::family::view::{ClosedTemplate, Frame, SignInTemplate};
use crate::http::{ApiError, Code};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wish {
    /// The language to say it in, as a tag.
    pub(super) language: Option<String>,
}

/// Returns the language that was asked for, or else one that the browser accepts.
pub(super) fn wanted(wish: &Wish, headers: &HeaderMap) -> &'static Text {
    let wished = wish.language.as_deref().and_then(Text::written);
    let accepted = headers.get("accept-language").and_then(|value| value.to_str().ok());
    wished.or_else(|| accepted.and_then(Text::accepted)).unwrap_or_else(Text::usual)
}

/// Answers with the page to sign in, which says what went wrong, if something did.
pub(super) fn welcome(
    guardian: GuardianId,
    text: &'static Text,
    wrong: Option<String>,
    status: StatusCode,
    headers: &HeaderMap,
) -> Response {
    let chars = PASSPHRASE_CHARS_MIN.to_string();
    let choose = text.with("sign-in-new-passphrase", &[("n", chars.into())]);
    let frame = Frame::in_language(text);
    html(status, &SignInTemplate { frame, path: sign_in_path(guardian), wrong, choose }, headers)
}

/// Answers whoever may see nothing: unknown, forbidden and restricted look the same.
pub(super) fn closed(guardian: Option<GuardianId>, text: &'static Text, headers: &HeaderMap) -> Response {
    let template = ClosedTemplate { frame: Frame::in_language(text), path: guardian.map(sign_in_path) };
    html(StatusCode::NOT_FOUND, &template, headers)
}

pub(super) fn html(status: StatusCode, template: &impl Template, headers: &HeaderMap) -> Response {
    match template.render() {
        Ok(page) => {
            let kind = HeaderValue::from_static("text/html; charset=utf-8");
            guarded((status, [(CONTENT_TYPE, kind)], page).into_response(), headers)
        }
        Err(_) => ApiError::from(Code::Internal).into_response(),
    }
}

pub(super) fn see_other(path: &str, cookie: Option<String>, headers: &HeaderMap) -> Response {
    let mut response = guarded(StatusCode::SEE_OTHER.into_response(), headers);
    if let Ok(path) = HeaderValue::try_from(path) {
        response.headers_mut().insert(LOCATION, path);
    }
    if let Some(cookie) = cookie.and_then(|cookie| HeaderValue::try_from(cookie).ok()) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}
