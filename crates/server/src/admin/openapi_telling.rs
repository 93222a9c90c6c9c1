//! The part of the description that is about events and subscribers.

use schemars::SchemaGenerator;
use serde_json::{Value, json};

use super::BASE;
use super::openapi::{problem, reference};
use crate::telling::shapes::{Changed, Dead, EventPage, Replay, Subscribers};

/// A path: method, path below the base, name, shape, summary, and the parameters of its query.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static [&'static str]);

const ROWS: [Row; 6] = [
    (
        "get",
        "/events",
        "events",
        "EventPage",
        "Events, as they come (`text/event-stream`, resumed by `Last-Event-ID`) or a page of them \
         (`Accept: application/json`).",
        &["after", "since", "objectType", "kind", "property", "portal", "app", "limit"],
    ),
    ("get", "/subscribers", "subscribers", "Subscribers", "Who is told of events, and how far each has come.", &[]),
    ("get", "/subscribers/{name}/dead", "deadDeliveries", "Dead", "Deliveries that were given up.", &[]),
    (
        "post",
        "/subscribers/{name}/enable",
        "enableSubscriber",
        "Changed",
        "Lets a disabled subscriber have its events again, from where it stopped.",
        &[],
    ),
    (
        "post",
        "/subscribers/{name}/resume",
        "resumeSubscriber",
        "Changed",
        "Sends a subscriber back, or ahead, and enables it.",
        &["after", "since", "portal", "app"],
    ),
    (
        "post",
        "/subscribers/{name}/replay",
        "replayDeadDeliveries",
        "Replay",
        "Sends dead deliveries once more, the oldest first, a hundred at most.",
        &[],
    ),
];

/// The paths.
pub(super) fn paths() -> impl Iterator<Item = (String, Value)> {
    ROWS.into_iter().map(|row| (format!("{BASE}{}", row.1), path(row)))
}

/// Their shapes.
pub(super) fn shapes(generator: &mut SchemaGenerator) {
    generator.subschema_for::<EventPage>();
    generator.subschema_for::<Subscribers>();
    generator.subschema_for::<Dead>();
    generator.subschema_for::<Changed>();
    generator.subschema_for::<Replay>();
}

fn path((method, path, id, shape, summary, query): Row) -> Value {
    let mut parameters: Vec<Value> = query.iter().map(|name| parameter(name)).collect();
    if path.contains("{name}") {
        parameters.push(json!({"name": "name", "in": "path", "required": true, "schema": {"type": "string"}}));
    }
    let json = json!({"schema": reference(shape)});
    let mut content = json!({"application/json": json});
    if shape == "EventPage" {
        parameters.push(json!({"name": "Last-Event-ID", "in": "header", "schema": {"type": "integer"}}));
        content = json!({"application/json": json, "text/event-stream": {"schema": {"type": "string"}}});
    }
    json!({method: {
        "operationId": id,
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": {"description": summary, "content": content},
            "400": problem("The question is malformed (LP5401)."),
            "401": problem("No key was shown (LP5202)."),
            "403": problem("The credential is not the admin key (LP5202)."),
            "404": problem("No admin key is configured (LP5201), or there is no such subscriber (LP5404)."),
            "503": problem("The store cannot be read (LP5403), or too many streams are open (LP5402)."),
        },
    }})
}

fn parameter(name: &str) -> Value {
    let schema = match name {
        "after" | "portal" | "app" => json!({"type": "integer", "minimum": 0}),
        "limit" => json!({"type": "integer", "minimum": 1, "maximum": 500}),
        "since" => json!({"type": "string", "format": "date-time"}),
        _ => json!({"type": "array", "items": {"type": "string"}}),
    };
    json!({"name": name, "in": "query", "schema": schema})
}
