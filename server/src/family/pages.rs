//! The pages and forms: each handler looks who asks, asks the doors or the engine, and answers with a page.
//!
//! | Route | What |
//! | --- | --- |
//! | `GET /family/{guardian}` | where a guardian signs in; it changes nothing, whoever opens it |
//! | `POST /family/{guardian}/redeem` | an invitation becomes a passphrase and a session |
//! | `POST /family/{guardian}/sign-in`, `.../sign-out` | a session |
//! | `GET /family/{guardian}/page` | the child's page, for whose session it is; for everybody else there is none |
//! | `GET /family/style.css` | the stylesheet of them all |

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Form};
use serde::Deserialize;
use sync_core::document::slot::ContentHash;
use sync_core::exchange::server::entry::LogEntry;
use sync_core::ids::{GuardianId, StudentId};
use sync_core::kv::KvError;
use sync_core::projection::family::{FamilyEntry, FamilyPage, family_page};
use sync_core::sensitive::Sensitive;
use tower_http::compression::CompressionLayer;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::account::{Doors, NotLetIn, TRIES_SPAN_MS, Token, VIEWS_SPAN_MS, is_open};
use super::browser::{cleared_cookie, cookie, guarded, is_own_form, token_of};
use super::invitation::sign_in_path;
use super::passphrase::{NotAPassphrase, PASSPHRASE_CHARS_MAX, PASSPHRASE_CHARS_MIN, Passphrase};
use super::text::{Arguments, Text};
use super::view::{ClosedTemplate, Frame, PageTemplate, RestoredTemplate, SignInTemplate};
use crate::engine::{Engine, EngineError, Publishing, Ruling};
use crate::http::address::Address;
use crate::http::{ApiError, Code, RETRY_AFTER_S};

/// Bytes of a form: a code and two passphrases, with room for their encoding.
pub const FORM_BYTES_MAX: usize = 8 * 1024;
/// Seconds after which a browser may look again whether a restored server was confirmed.
const RESTORED_RETRY_SECONDS: i64 = 60 * 60;
/// Times that a page is read again because something was published meanwhile.
const READS_MAX: usize = 8;

/// Routes with limits of their own.
pub const LIMITS: [(&str, usize); 3] = [
    ("/family/{guardian}/redeem", FORM_BYTES_MAX),
    ("/family/{guardian}/sign-in", FORM_BYTES_MAX),
    ("/family/{guardian}/sign-out", FORM_BYTES_MAX),
];

/// Where the stylesheet is. A changed stylesheet gets another number, so that no browser shows a page in the old one.
pub(super) const STYLE_PATH: &str = "/family/style.css?v=1";
const STYLE: &str = include_str!("../../templates/family/style.css");

/// Returns the routes of the families' pages.
pub fn router(engine: Arc<Engine>) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(letter))
        .routes(routes!(sign_in_page))
        .routes(routes!(page))
        .routes(routes!(redeem))
        .routes(routes!(sign_in))
        .routes(routes!(sign_out))
        .layer(from_fn_with_state(Arc::clone(&engine), unless_restored))
        .routes(routes!(style))
        .layer(CompressionLayer::new())
        .with_state(Arc::new(Doors::new(engine)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Wish {
    /// The language to say it in, as a tag.
    language: Option<String>,
}

#[derive(Deserialize, ToSchema)]
struct SignInForm {
    #[schema(value_type = String)]
    passphrase: Sensitive<String>,
}

#[derive(Deserialize, ToSchema)]
struct RedeemForm {
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
/// Sends the stylesheet of the pages.
#[utoipa::path(
    get,
    path = "/family/style.css",
    tag = "families",
    operation_id = "family_style",
    responses(
        (status = 200, description = "The stylesheet.", body = String, content_type = "text/css; charset=utf-8"),
    ),
)]
async fn style() -> Response {
    let mut response = STYLE.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    // It is the same for everybody, and says nothing of anybody.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
    response
}

/// Shows nobody anything while a restored server waits to be confirmed: who may see what is what has to be looked at.
async fn unless_restored(
    State(engine): State<Arc<Engine>>,
    Query(wish): Query<Wish>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if !engine.index().restored()?.is_some_and(|restored| restored.waiting) {
        return Ok(next.run(request).await);
    }
    let headers = request.headers();
    let template = RestoredTemplate { frame: Frame::in_language(wanted(&wish, headers)) };
    let mut response = html(StatusCode::SERVICE_UNAVAILABLE, &template, headers);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(RESTORED_RETRY_SECONDS));
    Ok(response)
}

/// Says that the address of the letter is needed.
#[utoipa::path(
    get,
    path = "/family",
    tag = "families",
    operation_id = "family_letter",
    params(Wish),
    responses(
        (status = 404, description = "There is nothing to see: unknown, forbidden and restricted look the same.", body = String, content_type = "text/html; charset=utf-8"),
        (status = 503, description = "A restored server waits to be confirmed.", body = String, content_type = "text/html; charset=utf-8"),
    ),
)]
async fn letter(Query(wish): Query<Wish>, headers: HeaderMap) -> Response {
    closed(None, wanted(&wish, &headers), &headers)
}

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
async fn sign_in_page(
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
async fn redeem(
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
async fn sign_in(
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
async fn sign_out(
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

/// Shows the child's page to whose session it is.
#[utoipa::path(
    get,
    path = "/family/{guardian}/page",
    tag = "families",
    operation_id = "family_page",
    params(("guardian" = String, Path, description = "The guardian's id.", example = "01ARZ3NDEKTSV4RRFFQ69G5FAV"), Wish),
    security(("family" = [])),
    responses(
        (status = 200, description = "The page.", body = String, content_type = "text/html; charset=utf-8"),
        (status = 404, description = "There is nothing to see: unknown, forbidden and restricted look the same.", body = String, content_type = "text/html; charset=utf-8"),
        (status = 429, description = "Looked at too often.", body = String, content_type = "text/html; charset=utf-8"),
        (status = 503, description = "A restored server waits to be confirmed.", body = String, content_type = "text/html; charset=utf-8"),
    ),
)]
async fn page(
    State(doors): State<Arc<Doors>>,
    Path(guardian): Path<String>,
    Query(wish): Query<Wish>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let text = wanted(&wish, &headers);
    let Ok(guardian) = guardian.parse() else { return Ok(closed(None, text, &headers)) };
    let shown = match session_of(&doors, guardian, &headers)? {
        Some(session) if doors.may_view(guardian) => view(doors.engine(), guardian, session).await?,
        Some(_) => {
            let mut response = welcome(
                guardian,
                text,
                Some(text.say("wrong-busy")),
                StatusCode::TOO_MANY_REQUESTS,
                &headers,
            );
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(VIEWS_SPAN_MS / 1_000));
            return Ok(response);
        }
        None => None,
    };
    let Some((page, language)) = shown else { return Ok(closed(Some(guardian), text, &headers)) };
    let text = wish.language.as_deref().and_then(Text::written).or_else(|| Text::written(&language));
    let text = text.unwrap_or_else(Text::usual);
    let template = PageTemplate::of(&page, text, sign_in_path(guardian));
    Ok(html(StatusCode::OK, &template, &headers))
}

/// Reads a child's page as it is published, and puts into the log that this guardian was shown it. None where the guardian may not see it.
async fn view(
    engine: &Arc<Engine>,
    guardian: GuardianId,
    session: ContentHash,
) -> Result<Option<(FamilyPage, String)>, EngineError> {
    let Some(known) = engine.index().guardian(guardian)? else { return Ok(None) };
    let student = known.student;
    for _ in 0..READS_MAX {
        match engine.publish_to_family(student).await? {
            // What was published before can be read as ever.
            Publishing::Current | Publishing::NewsWait => {}
        }
        let reading = Arc::clone(engine);
        let (page, published) = engine.aside(move || Ok(read(&reading, student)?)).await?;
        let viewed = engine
            .decide_from_reserve(move |desk| {
                let (index, time) = (desk.index(), desk.conditions().now);
                // Rights, and what is shown, are as they are in this turn.
                let still = index.guardian(guardian)?.is_some_and(|known| known.student == student);
                if !still || !is_open(&index, guardian, &session, time)? || page.is_none() {
                    return Ok(Ruling::Void(Some(None)));
                }
                if index.last_published(student)? != published {
                    return Ok(Ruling::Void(None));
                }
                desk.emit(LogEntry::Family(FamilyEntry::Viewed { guardian, student, time }))?;
                Ok(Ruling::Stands(Some(page)))
            })
            .await?;
        if let Some(viewed) = viewed {
            return Ok(viewed.map(|page| (page, known.language)));
        }
    }
    Err(EngineError::Busy)
}

fn read(engine: &Engine, student: StudentId) -> Result<(Option<FamilyPage>, u64), KvError> {
    let index = engine.index();
    let published = index.last_published(student)?;
    Ok((family_page(&index, student, engine.today()?)?, published))
}

fn session_of(
    doors: &Doors,
    guardian: GuardianId,
    headers: &HeaderMap,
) -> Result<Option<ContentHash>, KvError> {
    token_of(headers).map(|token| doors.session(guardian, &token)).transpose().map(Option::flatten)
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

fn wanted(wish: &Wish, headers: &HeaderMap) -> &'static Text {
    let wished = wish.language.as_deref().and_then(Text::written);
    let accepted = headers.get("accept-language").and_then(|value| value.to_str().ok());
    wished.or_else(|| accepted.and_then(Text::accepted)).unwrap_or_else(Text::usual)
}

fn address(peer: Peer) -> IpAddr {
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Extension(Address(from))| from)
}

fn welcome(
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
fn closed(guardian: Option<GuardianId>, text: &'static Text, headers: &HeaderMap) -> Response {
    let template = ClosedTemplate { frame: Frame::in_language(text), path: guardian.map(sign_in_path) };
    html(StatusCode::NOT_FOUND, &template, headers)
}

fn html(status: StatusCode, template: &impl Template, headers: &HeaderMap) -> Response {
    match template.render() {
        Ok(page) => {
            let kind = HeaderValue::from_static("text/html; charset=utf-8");
            guarded((status, [(CONTENT_TYPE, kind)], page).into_response(), headers)
        }
        Err(_) => ApiError::from(Code::Internal).into_response(),
    }
}

fn see_other(path: &str, cookie: Option<String>, headers: &HeaderMap) -> Response {
    let mut response = guarded(StatusCode::SEE_OTHER.into_response(), headers);
    if let Ok(path) = HeaderValue::try_from(path) {
        response.headers_mut().insert(LOCATION, path);
    }
    if let Some(cookie) = cookie.and_then(|cookie| HeaderValue::try_from(cookie).ok()) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}
