//! The pages and forms: each handler looks who asks, asks the doors or the engine, and answers with a page.
//!
//! | Route | What |
//! | --- | --- |
//! | `GET /family/{guardian}` | where a guardian signs in; it changes nothing, whoever opens it |
//! | `POST /family/{guardian}/redeem` | an invitation becomes a passphrase and a session |
//! | `POST /family/{guardian}/sign-in`, `.../sign-out` | a session |
//! | `GET /family/{guardian}/page` | the child's page, for whose session it is; for everybody else there is none |
//! | `GET /family/style.css` | the stylesheet of them all |

mod answer;
mod sign_in;

use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use sync_core::document::slot::ContentHash;
use sync_core::exchange::server::entry::LogEntry;
use sync_core::ids::{GuardianId, StudentId};
use sync_core::kv::KvError;
use sync_core::projection::family::{FamilyEntry, FamilyPage, family_page};
use tower_http::compression::CompressionLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::account::{Doors, VIEWS_SPAN_MS, is_open};
use super::browser::token_of;
use super::invitation::sign_in_path;
use super::text::Text;
use super::view::{Frame, PageTemplate, RestoredTemplate};
use crate::engine::{Engine, EngineError, Publishing, Ruling};
use crate::http::ApiError;
use answer::{Wish, closed, html, wanted, welcome};

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
pub(in crate::family) const STYLE_PATH: &str = "/family/style.css?v=1";
const STYLE: &str = include_str!("../../../templates/family/style.css");

/// Returns the routes of the families' pages.
pub fn router(engine: Arc<Engine>) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(letter))
        .routes(routes!(sign_in::sign_in_page))
        .routes(routes!(page))
        .routes(routes!(sign_in::redeem))
        .routes(routes!(sign_in::sign_in))
        .routes(routes!(sign_in::sign_out))
        .layer(from_fn_with_state(Arc::clone(&engine), unless_restored))
        .routes(routes!(style))
        .layer(CompressionLayer::new())
        .with_state(Arc::new(Doors::new(engine)))
}

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
