//! What each route takes and answers, for programs and for people: made of the descriptions that stand at the handlers.
//!
//! What is true of many routes is said once, here: which refusals belong to a route that takes a body, or a token, or anything at all. A
//! handler names only its own, by their codes.

mod page;

use std::sync::{Arc, OnceLock};

use askama::Template as _;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value, json};
use tower_http::compression::CompressionLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::page::Page;
use crate::http::{ApiError, Code};

/// Where a handler's description names the codes of its refusals; taken out when they are written down.
const REFUSALS: &str = "x-refusals";
/// Nothing but our own stylesheet.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";
const STYLE: &str = include_str!("../../../templates/docs/style.css");
/// The methods that a path may take, in the order in which they are shown.
pub(super) const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The whole description, made once.
pub(super) struct Description {
    json: Bytes,
    page: Option<String>,
}

impl Description {
    /// Completes what the handlers say.
    pub(super) fn of(described: OpenApi) -> Self {
        let document = complete(serde_json::to_value(described).unwrap_or_default());
        let page = Page::of(&document).render().ok();
        Self { json: document.to_string().into(), page }
    }
}

/// The description, from when all routes are known. It is the state of these routes alone: as a layer it would cost every request a box.
pub(super) type Described = Arc<OnceLock<Description>>;

/// Returns the routes that describe the others, and themselves.
pub(super) fn router(described: &Described) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(document))
        .routes(routes!(docs))
        .routes(routes!(style))
        .layer(CompressionLayer::new())
        .with_state(Arc::clone(described))
}

/// Sends this description, as OpenAPI 3.1.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "description",
    operation_id = "openapi",
    responses((status = 200, description = "The description.", body = serde_json::Value)),
)]
async fn document(State(described): State<Described>) -> Result<Response, ApiError> {
    let description = described.get().ok_or(Code::Internal)?;
    let kind = HeaderValue::from_static("application/json");
    Ok(([(CONTENT_TYPE, kind)], description.json.clone()).into_response())
}

/// Shows this description to a person.
#[utoipa::path(
    get,
    path = "/docs",
    tag = "description",
    operation_id = "docs",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html; charset=utf-8")),
)]
async fn docs(State(described): State<Described>) -> Result<Response, ApiError> {
    let page = described.get().and_then(|description| description.page.clone()).ok_or(Code::Internal)?;
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    let policy = HeaderValue::from_static(POLICY);
    Ok(([(CONTENT_TYPE, kind), (CONTENT_SECURITY_POLICY, policy)], page).into_response())
}

/// Sends the stylesheet of the page.
#[utoipa::path(
    get,
    path = "/docs/style.css",
    tag = "description",
    operation_id = "docs_style",
    responses((status = 200, description = "The stylesheet.", body = String, content_type = "text/css; charset=utf-8")),
)]
async fn style() -> Response {
    let kind = HeaderValue::from_static("text/css; charset=utf-8");
    let kept = HeaderValue::from_static("public, max-age=86400");
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, kept)], STYLE).into_response()
}

/// Writes down what is true of many routes.
fn complete(mut document: Value) -> Value {
    document["info"] = json!({
        "title": "Carryover",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Offline-first sync of the records of students with disabilities. Ids are ULIDs; where one is asked for, the external id \
            of a person, student or guardian does, too. Times are RFC 3339 with offset, dates are school-local. Every refusal is \
            {\"error\": {\"code\", \"message\", \"help\"}}: the code is stable, the others are for people.",
        "license": { "name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE") },
    });
    document["tags"] = tags();
    let schemes = json!({
        "token": { "type": "http", "scheme": "bearer", "description": "A token of `carryover admin token`: an administrator's, or that coordinator's or case manager's." },
        "device_token": { "type": "http", "scheme": "bearer", "description": "A token that an exchange has handed out, good for five minutes." },
        "device": { "type": "apiKey", "in": "header", "name": "Authorization", "description": "`Carryover-Device` and an assertion: the device's signature over the body and a counter that only rises." },
        "family": { "type": "apiKey", "in": "cookie", "name": "carryover_family", "description": "The session of a guardian's browser." },
    });
    document["components"]["securitySchemes"] = schemes;
    document["components"]["schemas"]["Refusal"] = refusal_schema();
    let Some(paths) = document["paths"].as_object_mut() else { return document };
    for operations in paths.values_mut() {
        for method in METHODS {
            if let Some(operation) = operations.get_mut(method) {
                complete_operation(operation);
            }
        }
    }
    document
}

fn tags() -> Value {
    json!([
        { "name": "tablet", "description": "What a tablet asks: bodies are CBOR, as the chapter on the protocol says." },
        { "name": "review", "description": "Work that waits for somebody to decide." },
        { "name": "administration", "description": "People, places on teams, devices, guardians and the roster, for an administrator's token." },
        { "name": "families", "description": "Pages and forms for a guardian's browser." },
        { "name": "health", "description": "Whether the server runs and serves." },
        { "name": "description", "description": "This description." },
    ])
}

fn refusal_schema() -> Value {
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    json!({
        "type": "object",
        "description": "Why a request was not done, and what can be. Some codes bring more fields.",
        "required": ["error"],
        "properties": { "error": {
            "type": "object",
            "required": ["code", "message", "help"],
            "properties": {
                "code": { "type": "string", "enum": codes, "description": "For programs: it never changes its meaning." },
                "message": { "type": "string", "description": "What happened." },
                "help": { "type": "string", "description": "What you can do." },
            },
        }},
    })
}

fn complete_operation(operation: &mut Value) {
    for content in contents(operation) {
        describe_bytes(content);
    }
    let mut codes = vec![Code::RateLimited, Code::Overloaded, Code::Internal];
    let own = operation.as_object_mut().and_then(|operation| operation.remove(REFUSALS)).unwrap_or_default();
    let own = own.as_array().into_iter().flatten().filter_map(Value::as_str);
    codes.extend(own.filter_map(Code::named));
    // A language twice, a path that is no text: whatever the framework reads may be none.
    if operation.get("parameters").is_some() {
        codes.push(Code::BadRequest);
    }
    if operation.get("requestBody").is_some() {
        codes.extend([Code::BadRequest, Code::TooLarge, Code::UnsupportedMedia, Code::Timeout]);
    }
    let schemes = operation["security"].as_array().into_iter().flatten().filter_map(Value::as_object);
    for scheme in schemes.flat_map(Map::keys).cloned().collect::<Vec<String>>() {
        match scheme.as_str() {
            "token" => {
                codes.extend([Code::Unauthorized, Code::TokenInvalid, Code::TokenExpired, Code::Forbidden])
            }
            "device_token" => {
                codes.extend([
                    Code::Unauthorized,
                    Code::TokenInvalid,
                    Code::TokenExpired,
                    Code::DeviceRevoked,
                ]);
            }
            "device" => codes.extend([
                Code::Unauthorized,
                Code::AssertionInvalid,
                Code::UnsupportedVersion,
                Code::StaleAssertion,
            ]),
            _ => {}
        }
    }
    if operation["tags"] != json!(["description"]) && operation["operationId"] != "live" {
        codes.extend([Code::StorageFailed, Code::StorageDamaged, Code::NotReady]);
    }
    codes.sort_unstable();
    codes.dedup();
    for code in codes {
        refuse(&mut operation["responses"], code);
    }
}

/// Returns the contents of an operation's bodies, asked and answered.
fn contents(operation: &mut Value) -> Vec<&mut Value> {
    let Some(operation) = operation.as_object_mut() else { return Vec::new() };
    let mut contents = Vec::new();
    for (name, part) in operation {
        match name.as_str() {
            "requestBody" => contents.extend(part.get_mut("content")),
            "responses" => {
                let answers = part.as_object_mut().into_iter().flat_map(Map::values_mut);
                contents.extend(answers.filter_map(|answer| answer.get_mut("content")));
            }
            _ => {}
        }
    }
    contents
}

/// Says of bytes that they are bytes.
fn describe_bytes(content: &mut Value) {
    for kind in ["application/cbor", "application/octet-stream"] {
        if let Some(media) = content.get_mut(kind) {
            media["schema"] = json!({ "type": "string", "format": "binary" });
        }
    }
}

/// Adds a refusal to the answers of its status.
fn refuse(responses: &mut Value, code: Code) {
    let status = code.status().as_u16().to_string();
    let answer = &mut responses[&status];
    let words = answer["description"].as_str().unwrap_or_default();
    let said = format!("`{}`: {}.", code.as_str(), code.message());
    answer["description"] = Value::from(if words.is_empty() { said } else { format!("{words}\n{said}") });
    answer["content"]["application/json"]["schema"] = json!({ "$ref": "#/components/schemas/Refusal" });
    if code.is_passing() {
        answer["headers"]["Retry-After"] =
            json!({ "schema": { "type": "integer" }, "description": "In how many seconds to come again." });
    }
}
