//! The description as a page for people: each route with what it takes, what it answers, and an example.

use askama::Template;
use serde_json::Value;

use super::METHODS;
use crate::http::Code;

/// How deep a body's fields are listed.
const DEPTH_MAX: usize = 4;

#[derive(Template)]
#[template(path = "docs/page.html")]
pub(super) struct Page {
    title: String,
    lead: String,
    groups: Vec<Group>,
    codes: Vec<CodeRow>,
}

/// Routes that belong together.
struct Group {
    name: String,
    description: String,
    operations: Vec<Operation>,
}

/// One method of one route.
struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    text: String,
    who: String,
    parameters: Vec<Row>,
    takes: Option<Takes>,
    answers: Vec<Answer>,
}

/// A body that a route takes.
struct Takes {
    kind: String,
    rows: Vec<Row>,
    example: Option<String>,
}

/// What one status means.
struct Answer {
    status: String,
    lines: Vec<String>,
    kind: String,
    rows: Vec<Row>,
}

/// A field or parameter.
struct Row {
    name: String,
    kind: String,
    needed: bool,
    text: String,
}

/// A code of refusals.
struct CodeRow {
    code: &'static str,
    status: u16,
    message: &'static str,
    help: &'static str,
}

impl Page {
    pub(super) fn of(document: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let groups = document["tags"].as_array().into_iter().flatten().map(|tag| Group {
            name: text(&tag["name"]),
            description: text(&tag["description"]),
            operations: operations(document, &text(&tag["name"])),
        });
        let codes = Code::ALL.iter().map(|code| CodeRow {
            code: code.as_str(),
            status: code.status().as_u16(),
            message: code.message(),
            help: code.help(),
        });
        Self {
            title: text(&document["info"]["title"]),
            lead: text(&document["info"]["description"]),
            groups: groups.collect(),
            codes: codes.collect(),
        }
    }
}

fn operations(document: &Value, tag: &str) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            let operation = &item[method];
            if operation["tags"][0] == tag {
                found.push(Operation::of(document, method, path, operation));
            }
        }
    }
    found
}

impl Operation {
    fn of(document: &Value, method: &str, path: &str, operation: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let parameters = operation["parameters"].as_array().into_iter().flatten().map(|parameter| Row {
            name: text(&parameter["name"]),
            kind: format!("{}, {}", text(&parameter["in"]), kind_of(document, &parameter["schema"])),
            needed: parameter["required"] == true,
            text: text(&parameter["description"]),
        });
        let body = &operation["requestBody"];
        let takes =
            body["content"].as_object().and_then(|content| content.iter().next()).map(|(kind, media)| {
                Takes {
                    kind: kind.clone(),
                    rows: rows_of(document, &media["schema"]),
                    example: (!media["example"].is_null()).then(|| pretty(&media["example"])),
                }
            });
        let answers = operation["responses"].as_object().into_iter().flatten().map(|(status, answer)| {
            let content = answer["content"].as_object().and_then(|content| content.iter().next());
            let is_refusal = status.starts_with(['4', '5']);
            Answer {
                status: status.clone(),
                lines: text(&answer["description"]).lines().map(|line| line.replace('`', "")).collect(),
                kind: content.map(|(kind, _)| kind.clone()).unwrap_or_default(),
                // Refusals look alike, and are told once.
                rows: content
                    .filter(|_| !is_refusal)
                    .map(|(_, media)| rows_of(document, &media["schema"]))
                    .unwrap_or_default(),
            }
        });
        let schemes = operation["security"].as_array().into_iter().flatten().filter_map(Value::as_object);
        let who: Vec<String> = schemes
            .map(|scheme| scheme.keys().next().map_or("anybody".to_owned(), |name| name.replace('_', " ")))
            .collect();
        Self {
            id: text(&operation["operationId"]),
            method: method.to_uppercase(),
            path: path.to_owned(),
            summary: text(&operation["summary"]),
            text: text(&operation["description"]).replace('`', ""),
            who: if who.is_empty() { "anybody".to_owned() } else { who.join(", or ") },
            parameters: parameters.collect(),
            takes,
            answers: answers.collect(),
        }
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn rows_of(document: &Value, schema: &Value) -> Vec<Row> {
    let mut rows = Vec::new();
    add_rows(document, schema, "", DEPTH_MAX, &mut rows);
    rows
}

fn add_rows(document: &Value, schema: &Value, prefix: &str, depth: usize, rows: &mut Vec<Row>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let schema = resolved(document, schema);
    let needed: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let inner = resolved(document, field);
        rows.push(Row {
            name: format!("{prefix}{name}"),
            kind: kind_of(document, field),
            needed: needed.contains(&name.as_str()),
            text: field["description"]
                .as_str()
                .or(inner["description"].as_str())
                .unwrap_or_default()
                .to_owned(),
        });
        if inner["type"] == "array" {
            add_rows(document, &inner["items"], &format!("{prefix}{name}[]."), depth, rows);
        } else {
            add_rows(document, inner, &format!("{prefix}{name}."), depth, rows);
        }
    }
}

/// Follows a reference to a named schema; of one that may also be null, what it is otherwise.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let otherwise =
        schema["oneOf"].as_array().and_then(|choices| choices.iter().find(|choice| choice["type"] != "null"));
    let schema = otherwise.unwrap_or(schema);
    let name = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/components/schemas/"));
    name.map_or(schema, |name| &document["components"]["schemas"][name])
}

fn kind_of(document: &Value, schema: &Value) -> String {
    let inner = resolved(document, schema);
    let one = |kind: &str| match kind {
        "array" => format!("list of {}", kind_of(document, &inner["items"])),
        "null" => "or nothing".to_owned(),
        "object" => "object".to_owned(),
        other => inner["format"].as_str().map_or(other.to_owned(), |format| format!("{other} ({format})")),
    };
    match &inner["type"] {
        Value::String(kind) => one(kind),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).map(one).collect::<Vec<_>>().join(" "),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => "anything".to_owned(),
    }
}
