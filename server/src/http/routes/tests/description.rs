//! The description says what the router does: every route of it and none besides, every code, and examples that are answered as it says.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request};
use serde_json::Value;

use super::super::description::METHODS;
use super::school::{School, bytes, in_json};
use super::*;
use crate::clock::{Clock, ClockSetting};
use crate::demo::{Size, found};
use crate::engine::Settings;
use crate::http::shell;

/// The id that stands in examples for one that is drawn.
const EXAMPLE_ID: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

async fn document_of(school: &School) -> Value {
    in_json(school.get("/openapi.json", "").await).await.1
}

/// Every operation: method, path, and what is said of it.
fn operations(document: &Value) -> Vec<(Method, String, Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                all.push((method.to_uppercase().parse().unwrap(), path.clone(), operation.clone()));
            }
        }
    }
    all
}

#[tokio::test]
async fn every_route_is_described_and_nothing_else_is() {
    let school = School::new().await;
    let document = document_of(&school).await;
    let described: BTreeSet<String> = document["paths"].as_object().unwrap().keys().cloned().collect();
    // What the router itself says of its routes, where it is asked to show itself.
    let shown = format!("{:?}", super::super::router(std::sync::Arc::clone(&school.engine)));
    let routed: BTreeSet<String> = shown
        .split('"')
        .filter(|text| text.starts_with('/') && text.len() > 1 && !text.contains("__private"))
        .map(str::to_owned)
        .collect();
    assert_eq!(routed, described);
    let taken: BTreeSet<(String, Method)> =
        operations(&document).into_iter().map(|(method, path, _)| (path, method)).collect();
    for path in &described {
        for method in METHODS {
            let method: Method = method.to_uppercase().parse().unwrap();
            let uri = path.replace(['{', '}'], "");
            let request = Request::builder().method(method.clone()).uri(uri).body(Body::empty()).unwrap();
            let is_taken = school.send(request).await.status() != 405;
            assert_eq!(is_taken, taken.contains(&(path.clone(), method.clone())), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn every_code_is_listed_and_every_name_of_one_is_a_code() {
    let school = School::new().await;
    let raw = super::super::described(std::sync::Arc::clone(&school.engine), &Default::default())
        .split_for_parts()
        .1;
    let raw = serde_json::to_value(raw).unwrap();
    for (method, path, operation) in operations(&raw) {
        for code in operation["x-refusals"].as_array().into_iter().flatten() {
            assert!(Code::named(code.as_str().unwrap()).is_some(), "{method} {path}: {code}");
        }
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}");
    }
    let document = document_of(&school).await;
    let listed =
        &document["components"]["schemas"]["Refusal"]["properties"]["error"]["properties"]["code"]["enum"];
    let all: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(serde_json::from_value::<Vec<String>>(listed.clone()).unwrap(), all);
    let ids: Vec<Value> =
        operations(&document).iter().map(|(.., said)| said["operationId"].clone()).collect();
    assert_eq!(ids.iter().map(Value::to_string).collect::<BTreeSet<_>>().len(), ids.len(), "an id twice");
    assert!(!document.to_string().contains("x-refusals"));
}

#[tokio::test]
async fn a_person_can_read_it_and_nothing_comes_from_elsewhere() {
    let school = School::new().await;
    let document = document_of(&school).await;
    let response = school.get("/docs", "").await;
    assert_eq!(response.status(), StatusCode::OK);
    let policy = header(response.headers(), "content-security-policy").to_owned();
    let page = String::from_utf8(bytes(response).await).unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'self';"), "{policy}");
    for word in ["<script", "http://", "https://", "style=", "onclick"] {
        assert!(!page.contains(word), "{word}");
    }
    for (method, path, said) in operations(&document) {
        assert!(page.contains(&format!("<code>{path}</code>")), "{method} {path}");
        assert!(page.contains(&format!("id=\"{}\"", said["operationId"].as_str().unwrap())));
    }
    for code in Code::ALL {
        assert!(page.contains(&format!("<code>{}</code>", code.as_str())));
    }
    let style = school.get("/docs/style.css", "").await;
    assert_eq!(header(style.headers(), "content-type"), "text/css; charset=utf-8");
}

/// The demo district, small, with its router.
struct Demo {
    engine: std::sync::Arc<Engine>,
    router: axum::Router,
    _folder: tempfile::TempDir,
}

impl Demo {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::start("2026-11-22T09:00:00-06:00".parse::<ClockSetting>().unwrap());
        let (data, keys) = (folder.path().join("data"), folder.path().join("data.keys"));
        let settings = Settings { data, keys, clock, verbatim: true, policy: None };
        found(&settings, Size { students: 5, weeks: 2 }).unwrap();
        let engine = Engine::open(&settings).unwrap();
        let router = super::super::router(std::sync::Arc::clone(&engine));
        let router = shell(router, super::super::limits(), std::sync::Arc::clone(&engine) as _);
        Self { engine, router, _folder: folder }
    }

    async fn send(&self, request: Request<Body>) -> (u16, HeaderMap, Vec<u8>) {
        let response = tower::ServiceExt::oneshot(self.router.clone(), request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        (status, headers, bytes(response).await)
    }

    fn token(&self, person: Option<&str>) -> String {
        self.engine.tokens().issue_admin(person, 1, [9; 16], self.engine.now_s()).unwrap()
    }

    /// The last id of a list, as whoever has this token sees it.
    async fn last(&self, list: &str, token: &str) -> String {
        let request = Request::get(format!("/v1/{list}")).header("authorization", format!("Bearer {token}"));
        let (_, _, body) = self.send(request.body(Body::empty()).unwrap()).await;
        let rows: Value = serde_json::from_slice(&body).unwrap();
        let rows = rows[list].as_array().unwrap();
        // One of the district's grants has ended, and which of them comes last is drawn anew each time.
        let last = rows.iter().rfind(|row| row["to"].is_null()).unwrap();
        last["id"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn every_example_is_answered_as_described() {
    let demo = Demo::new();
    let (_, _, body) = demo.send(Request::get("/openapi.json").body(Body::empty()).unwrap()).await;
    let document: Value = serde_json::from_slice(&body).unwrap();
    let admin = demo.token(None);
    let people = demo.engine.people().unwrap();
    let person = |external: &str| people.iter().find(|person| person.external_id == external).unwrap().id;
    let reviewer = demo.token(Some(&person("cm-1").to_string()));
    let mut answered = 0;
    for (method, path, said) in operations(&document) {
        let content = said["requestBody"]["content"].as_object().and_then(|content| content.iter().next());
        let body = match content {
            None => String::new(),
            Some((kind, media)) if kind == "application/json" => match (&media["example"], path.as_str()) {
                (Value::Null, "/v1/pair") => {
                    let code = demo.engine.new_code(person("slp-1"), 60_000).await.unwrap().unwrap();
                    let schema = resolved(&document, &media["schema"]);
                    let fields = schema["properties"].as_object().unwrap().iter();
                    let mut example: serde_json::Map<String, Value> = fields
                        .filter_map(|(name, field)| Some((name.clone(), field.get("example")?.clone())))
                        .collect();
                    example.insert("code".into(), code.code.to_string().into());
                    Value::Object(example).to_string()
                }
                (Value::Null, _) => panic!("{method} {path} has no example"),
                (example, _) => example.to_string(),
            },
            // Bytes and forms: those that tablets and browsers send are tested with tablets and browsers.
            Some(_) => continue,
        };
        let is_review = path.starts_with("/v1/holds");
        let token = if is_review { &reviewer } else { &admin };
        if path == "/v1/documents/{document}/snapshot" {
            continue;
        }
        let real = match path.as_str() {
            _ if is_review => demo.last("holds", token).await,
            _ if path.contains("{grant}") => demo.last("grants", token).await,
            _ if path.contains("{device}") => demo.last("devices", token).await,
            _ => demo.last("guardians", token).await,
        };
        let mut uri = path.clone();
        for parameter in said["parameters"].as_array().into_iter().flatten().filter(|one| one["in"] == "path")
        {
            let name = parameter["name"].as_str().unwrap();
            uri = uri.replace(&format!("{{{name}}}"), parameter["example"].as_str().unwrap());
        }
        let uri = uri.replace(EXAMPLE_ID, &real);
        let body = if path == "/v1/pair" { body } else { body.replace(EXAMPLE_ID, &real) };
        let request = Request::builder().method(method.clone()).uri(&uri);
        let request = request.header("authorization", format!("Bearer {token}"));
        let (status, headers, got) = demo.send(request.body(Body::from(body)).unwrap()).await;
        let answer = &said["responses"][status.to_string()];
        let text = String::from_utf8_lossy(&got);
        assert!(answer.is_object(), "{method} {uri}: {status} is not described: {text}");
        // A page for nobody in particular is a 404; everything else of the examples comes off.
        assert!(status < 400 || path.starts_with("/family"), "{method} {uri}: {status} {text}");
        let kind = headers.get("content-type").map(|kind| kind.to_str().unwrap()).unwrap_or_default();
        let media = &answer["content"][kind];
        assert!(status == 303 || media.is_object(), "{method} {uri}: {kind} is not described");
        if kind == "application/json" {
            fits(&document, &media["schema"], &serde_json::from_slice(&got).unwrap(), &uri);
        }
        answered += 1;
    }
    assert!(answered >= 25, "{answered}");
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let name = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/components/schemas/"));
    name.map_or(schema, |name| &document["components"]["schemas"][name])
}

/// Asserts that a value is what a schema says: types, needed fields, and no field that is not described.
fn fits(document: &Value, schema: &Value, value: &Value, at: &str) {
    let schema = resolved(document, schema);
    if let Some(choices) = schema["oneOf"].as_array() {
        let one = if value.is_null() {
            choices.iter().find(|choice| choice["type"] == "null")
        } else {
            choices.iter().find(|choice| choice["type"] != "null")
        };
        return fits(document, one.unwrap_or_else(|| panic!("{at}: null")), value, at);
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return,
    };
    let is = |kind: &&str| match *kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{at}: {other}"),
    };
    assert!(kinds.iter().any(is), "{at}: {value} is no {kinds:?}");
    for item in value.as_array().into_iter().flatten() {
        fits(document, &schema["items"], item, &format!("{at}[]"));
    }
    let Some(fields) = value.as_object() else { return };
    for needed in schema["required"].as_array().into_iter().flatten() {
        assert!(fields.contains_key(needed.as_str().unwrap()), "{at}: no {needed}");
    }
    if let Some(known) = schema["properties"].as_object() {
        for (name, field) in fields {
            let described = known.get(name).unwrap_or_else(|| panic!("{at}: {name} is not described"));
            fits(document, described, field, &format!("{at}.{name}"));
        }
    }
}
