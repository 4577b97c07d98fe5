//! Administration, for an administrator's token.
//!
//! | Route | What |
//! | --- | --- |
//! | `POST /v1/import?dry_run=true` | `{"files":{name: base64}}`: applies all of it, or says what to change |
//! | `GET /v1/people`, `GET /v1/students` | who is here |
//! | `GET /v1/grants?student=&person=`, `POST /v1/grants`, `POST /v1/grants/{grant}/end` | places on teams |
//! | `POST /v1/people/{person}/code` | a pairing code |
//! | `GET /v1/guardians?student=`, `POST /v1/guardians`, `POST /v1/guardians/{guardian}/restrict`, `.../end` | guardians |
//! | `GET /v1/devices?person=`, `POST /v1/devices/{device}/revoke` | devices |
//! | `GET /v1/restored`, `POST /v1/restored/confirm` | what a restored server waits for |

mod devices;
mod grants;
mod guardians;
mod import;
mod people;
mod restored;

use std::sync::Arc;

use sync_core::ids::PersonId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::engine::Engine;
use crate::http::{ApiError, Code};

/// Bytes of an import's body: a district's files, a third larger for their encoding.
pub(super) const IMPORT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of any other request of an administrator.
pub(super) const REQUEST_BYTES_MAX: usize = 16 * 1024;

/// Routes with limits of their own.
pub(super) const LIMITS: [(&str, usize); 9] = [
    ("/v1/import", IMPORT_BYTES_MAX),
    ("/v1/grants", REQUEST_BYTES_MAX),
    ("/v1/grants/{grant}/end", REQUEST_BYTES_MAX),
    ("/v1/guardians", REQUEST_BYTES_MAX),
    ("/v1/guardians/{guardian}/restrict", REQUEST_BYTES_MAX),
    ("/v1/guardians/{guardian}/end", REQUEST_BYTES_MAX),
    ("/v1/people/{person}/code", REQUEST_BYTES_MAX),
    ("/v1/devices/{device}/revoke", REQUEST_BYTES_MAX),
    ("/v1/restored/confirm", REQUEST_BYTES_MAX),
];

pub(super) fn router() -> OpenApiRouter<Arc<Engine>> {
    OpenApiRouter::default()
        .routes(routes!(import::import))
        .routes(routes!(people::people))
        .routes(routes!(people::students))
        .routes(routes!(devices::code))
        .routes(routes!(grants::list, grants::add))
        .routes(routes!(grants::end))
        .routes(routes!(guardians::list, guardians::invite))
        .routes(routes!(guardians::restrict))
        .routes(routes!(guardians::end))
        .routes(routes!(devices::list))
        .routes(routes!(devices::revoke))
        .routes(routes!(restored::status))
        .routes(routes!(restored::confirm))
}

/// Returns the person who is named, by either id.
fn person(engine: &Engine, named: &str) -> Result<PersonId, ApiError> {
    let person = crate::admin::person_named(&engine.index(), engine.organisation(), named)?;
    Ok(person.ok_or_else(|| ApiError::new(Code::NotFound).message("there is no such person"))?.id)
}
