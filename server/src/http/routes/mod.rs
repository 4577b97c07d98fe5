//! The routes: each handler parses, asks the engine, answers.
//!
//! | Route | Who | What |
//! | --- | --- | --- |
//! | `GET /live`, `GET /ready` | anybody | whether the process runs; whether it serves |
//! | `POST /v1/pair` | whoever has a code | `pair` |
//! | `POST /v1/exchange` | a device in use | `exchange` |
//! | `POST /v1/hand-in` | any known device | `exchange` |
//! | `GET /v1/documents/{document}/snapshot` | a device in use, whose person reads it | `snapshot` |
//! | `GET /v1/holds`, `GET /v1/holds/{hold}`, `POST /v1/holds/admit`, `POST /v1/holds/decline` | who may review | `holds` |
//! | `GET /v1/refusals` | whose it is, the coordinator, an administrator | `refusals` |
//! | `/family/...` | guardians, in a browser | [`family`](crate::family) |
//! | `/v1/import`, `/v1/people` ... | an administrator | `admin` |
//! | `GET /openapi.json`, `GET /docs` | anybody | what each route takes and answers, out of this code | `description` |
//!
//! What somebody may not know exists is answered as if it did not.

mod admin;
pub mod caller;
mod description;
mod exchange;
mod health;
mod holds;
mod pair;
pub mod refusal;
mod refusals;
mod snapshot;

use std::sync::Arc;

use axum::Router;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::description::{Described, Description};
use crate::engine::Engine;
use crate::http::Limits;

/// Bytes of a pairing request: a code, a key and two names.
pub const PAIR_BYTES_MAX: usize = 4 * 1024;
/// Bytes of a decision about holds: a thousand ids and a reason.
pub const DECISION_BYTES_MAX: usize = 64 * 1024;

/// Whoever watches the server may ask from the address of a proxy, or of a school, where somebody else asks in vain.
const WATCHED: [&str; 2] = ["/live", "/ready"];

/// Returns the limits of these routes.
pub fn limits() -> Limits {
    let mut limits = Limits { always_open: &WATCHED, ..Limits::default() };
    limits.body_bytes_max_by_route.extend([
        ("/v1/pair", PAIR_BYTES_MAX),
        ("/v1/holds/admit", DECISION_BYTES_MAX),
        ("/v1/holds/decline", DECISION_BYTES_MAX),
    ]);
    limits.body_bytes_max_by_route.extend(admin::LIMITS);
    limits.body_bytes_max_by_route.extend(crate::family::LIMITS);
    limits
}

/// Returns all routes, without the shell around them.
pub fn router(engine: Arc<Engine>) -> Router {
    let description = Described::default();
    let (router, described) = described(engine, &description).split_for_parts();
    description.get_or_init(|| Description::of(described));
    router
}

/// Each route with its description, which stands at its handler.
fn described(engine: Arc<Engine>, description: &Described) -> OpenApiRouter {
    let exchanges = OpenApiRouter::default()
        .routes(routes!(exchange::exchange))
        .routes(routes!(exchange::hand_in))
        // Ids, times and hashes hardly get smaller by trying harder, and trying costs more than all else in a large reply.
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest));
    let families = crate::family::router(Arc::clone(&engine));
    OpenApiRouter::default()
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(pair::pair))
        .routes(routes!(snapshot::snapshot))
        .routes(routes!(holds::list))
        .routes(routes!(holds::admit))
        .routes(routes!(holds::decline))
        .routes(routes!(holds::show))
        .routes(routes!(refusals::list))
        .merge(exchanges)
        .merge(admin::router())
        .with_state(engine)
        .merge(families)
        .merge(description::router(description))
}

#[cfg(test)]
mod tests;
