//! Dead letters as the admin interface shows them, and their part of its description.
//!
//! Invariant: what a list shows ([`DeadLetter`]) holds no record's value; bodies, answers, paths and HubSpot's own words
//! are in [`DeadLetterDetail`] alone.

#![expect(clippy::struct_field_names, reason = "the names are those of the JSON")]

use std::collections::BTreeMap;

use http::Method;
use linchpin_core::gateway::dead::{self, Guard, LETTERS_KEPT, LETTERS_MAX, Reason};
use linchpin_core::gateway::operation::{End, Event, Kept, State, Write};
use linchpin_core::gateway::usage::Kind;
use linchpin_engine::gateway::caller_name;
use linchpin_hubspot::routes;
use linchpin_ports::dead_letters::Letter;
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::BASE;
use super::openapi::{problem, reference};
use super::view::name_of;

/// Where they are.
pub(crate) const PATH: &str = "/linchpin/v1/dead-letters";
/// Letters of one page of the list, at most.
pub const PAGE_MAX: usize = 1_000;
/// Letters of one page of the list, if nothing is said.
pub const PAGE: usize = 100;

/// Promised writes that ended without success.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeadLetters {
    /// The newest first.
    pub dead_letters: Vec<DeadLetter>,
    /// How many there are in all, whatever was asked for.
    pub total: u64,
    /// What to give as `before` for the next page; null if there is none.
    pub next: Option<u64>,
}

/// A promised write that ended without success, without anything that may be a person's.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeadLetter {
    /// Its name, which is that of the operation.
    pub id: String,
    /// Where all of it is.
    pub url: String,
    /// Who asked for it.
    pub caller: String,
    /// In which lane.
    pub lane: String,
    /// What was called: the operation and the object type.
    pub route: String,
    /// `refused`, `partly_done`, `unknown` or `given_up`.
    pub outcome: String,
    /// HubSpot's status, if it answered.
    pub status: Option<u16>,
    /// Why there is no answer: a code, with a page in docs/errors.
    pub code: Option<String>,
    /// What happened, and in which fields.
    pub reason: String,
    /// What to do about it.
    pub to_do: String,
    /// The fields that it is about.
    pub fields: Vec<String>,
    /// When it was accepted, in milliseconds since 1970.
    pub accepted_ms: i64,
    /// When it ended, in milliseconds since 1970.
    pub ended_ms: i64,
    /// How often it was tried.
    pub tries: u32,
    /// Whether its body was edited since it was last sent.
    pub edited: bool,
    /// Why a replay needs `even_if_done`: `may_exist` (nobody knows whether HubSpot did it) or `partly_done`.
    pub guard: Option<String>,
}

/// All of a dead letter.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeadLetterDetail {
    /// What the list shows of it.
    #[serde(flatten)]
    pub letter: DeadLetter,
    /// HubSpot's own words. They may quote values.
    pub said: Option<String>,
    /// What a replay sends.
    pub request: DeadRequest,
    /// The body that was promised, if it was edited since.
    pub first_body: Option<Value>,
    /// What HubSpot answered last.
    pub answer: Option<DeadAnswer>,
    /// Everything that happened to it, the oldest first.
    pub history: Vec<HistoryEvent>,
}

/// The request of a dead letter.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeadRequest {
    /// The method.
    pub method: String,
    /// Path and query; values of parameters that may be secrets are left out.
    pub target: String,
    /// The headers, without those that may be secrets.
    pub headers: BTreeMap<String, String>,
    /// How many bytes the body has.
    pub bytes: u64,
    /// The body: JSON as it is, anything else as text.
    pub body: Value,
}

/// HubSpot's answer to a dead letter.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeadAnswer {
    /// The status.
    pub status: u16,
    /// What HubSpot's support asks for.
    pub correlation_id: Option<String>,
    /// How many bytes the body had.
    pub bytes: u64,
    /// The body: JSON as it is, anything else as text; null if it was too large to keep.
    pub body: Option<Value>,
}

/// Something that happened to a promised write.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct HistoryEvent {
    /// `tried`, `interrupted` (Linchpin ended while it was on its way), `edited` or `replayed`.
    pub event: String,
    /// When, or when it began, in milliseconds since 1970.
    pub at_ms: i64,
    /// When a try ended.
    pub ended_ms: Option<i64>,
    /// HubSpot's status, if it answered.
    pub status: Option<u16>,
    /// Why there is no answer.
    pub code: Option<String>,
    /// What HubSpot's support asks for.
    pub correlation_id: Option<String>,
    /// In words.
    pub note: String,
}

/// Which dead letters to replay. Everything that is named must fit; with nothing, all are meant.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayWanted {
    /// Those that HubSpot answered with this status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Those of this caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// Also those that HubSpot may have done already: somebody has looked.
    #[serde(default)]
    pub even_if_done: bool,
}

/// What became of a replay.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ReplayedLetters {
    /// These are open operations again.
    pub replayed: Vec<String>,
    /// These could be done twice, and are left: look in HubSpot first, then say `even_if_done`.
    pub guarded: Vec<String>,
    /// Whether some are left because too many operations are open: replay again later.
    pub full: bool,
}

/// What a list shows of a dead letter.
pub(crate) fn summary(write: &Write) -> Option<DeadLetter> {
    let State::Ended { at, end } = &write.state else { return None };
    let Reason { what, to_do, fields } = write.dead.clone()?;
    let method = Method::from_bytes(write.request.method.as_bytes()).unwrap_or_default();
    let guard = dead::guard(write, end);
    let (outcome, status, code) = match end {
        End::Answered(kept) => (if kept.status == 207 { "partly_done" } else { "refused" }, Some(kept.status), None),
        End::Unknown => ("unknown", None, Some("LP3010".to_owned())),
        End::GivenUp { code } => ("given_up", None, Some(code.clone())),
    };
    Some(DeadLetter {
        id: write.id.0.clone(),
        url: format!("{PATH}/{}", write.id),
        caller: caller_name(&write.caller).to_owned(),
        lane: name_of(&write.request.lane),
        route: Kind::new("", &routes::classify(&method, &write.request.target)).route,
        outcome: outcome.to_owned(),
        status,
        code,
        reason: what,
        to_do,
        fields,
        accepted_ms: write.accepted.0,
        ended_ms: at.0,
        tries: write.progress.tries,
        edited: write.progress.is_edited(),
        guard: guard.map(|guard| guard_name(guard).to_owned()),
    })
}

fn guard_name(guard: Guard) -> &'static str {
    match guard {
        Guard::MayExist => "may_exist",
        Guard::PartlyDone => "partly_done",
    }
}

/// All of a dead letter.
pub(crate) fn detail(letter: &Letter) -> Option<DeadLetterDetail> {
    let write = &letter.write;
    let kept = match &write.state {
        State::Ended { end: End::Answered(kept), .. } => Some(kept),
        State::Ended { end: End::Unknown | End::GivenUp { .. }, .. } | State::Accepted | State::Sent => None,
    };
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    Some(DeadLetterDetail {
        letter: summary(write)?,
        said: kept.and_then(dead::said),
        request: DeadRequest {
            method: write.request.method.clone(),
            target: dead::shown_target(&write.request.target),
            headers: write.request.headers.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
            bytes: write.request.body.len() as u64,
            body: body(&write.request.body),
        },
        first_body: letter.first_body.as_deref().map(body),
        answer: kept.map(answer),
        history: write.progress.past.iter().map(event).collect(),
    })
}

fn answer(kept: &Kept) -> DeadAnswer {
    DeadAnswer {
        status: kept.status,
        correlation_id: dead::correlation(kept),
        bytes: kept.bytes,
        body: kept.body.as_deref().map(body),
    }
}

/// JSON as it is, anything else as text.
fn body(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

fn event(event: &Event) -> HistoryEvent {
    let plain = |event: &str, at_ms, note: String| HistoryEvent {
        event: event.to_owned(),
        at_ms,
        ended_ms: None,
        status: None,
        code: None,
        correlation_id: None,
        note,
    };
    match event {
        Event::Tried { at, came } => HistoryEvent {
            ended_ms: Some(came.at.0),
            status: came.status,
            code: came.code.clone(),
            correlation_id: came.correlation.clone(),
            ..plain("tried", at.0, came.note.clone())
        },
        Event::Interrupted { at } => plain("interrupted", at.0, "Linchpin ended while it was on its way".to_owned()),
        Event::Edited { at, bytes_before, bytes_after } => {
            plain("edited", at.0, format!("the body had {bytes_before} bytes, and has {bytes_after}"))
        }
        Event::Replayed { at } => plain("replayed", at.0, "an operator sent it again".to_owned()),
    }
}

/// The paths of the description.
pub(super) fn paths() -> Map<String, Value> {
    let paths = [
        (PATH.to_owned(), json!({"get": list_path()})),
        (format!("{PATH}/{{id}}"), json!({"get": show_path(), "delete": drop_path()})),
        (format!("{PATH}/{{id}}/body"), json!({"put": edit_path()})),
        (format!("{PATH}/{{id}}/replay"), json!({"post": replay_path()})),
        (format!("{PATH}/replay"), json!({"post": replay_all_path()})),
    ];
    debug_assert!(PATH.starts_with(BASE));
    Map::from_iter(paths)
}

/// The shapes of the description.
pub(super) fn shapes(generator: &mut SchemaGenerator) {
    generator.subschema_for::<DeadLetters>();
    generator.subschema_for::<DeadLetterDetail>();
    generator.subschema_for::<ReplayWanted>();
    generator.subschema_for::<ReplayedLetters>();
}

fn content(shape: &str) -> Value {
    json!({"application/json": {"schema": reference(shape)}})
}

fn responses(good: (&str, Value), others: &[(&str, &str)]) -> Value {
    let mut all = Map::from_iter([(good.0.to_owned(), good.1)]);
    let common = [
        ("401", "No key was shown (LP5202)."),
        ("403", "The credential is not the admin key (LP5202)."),
        ("503", "The store cannot be used (LP5309), or the gateway is stopping (LP5205)."),
    ];
    all.extend(common.iter().chain(others).map(|(status, what)| ((*status).to_owned(), problem(what))));
    Value::Object(all)
}

fn id() -> Value {
    json!({"name": "id", "in": "path", "required": true, "schema": {"type": "string"}})
}

const NONE: (&str, &str) = ("404", "There is no such dead letter (LP5311), or the interface is closed (LP5201).");

fn list_path() -> Value {
    let days = LETTERS_KEPT.as_secs() / (24 * 60 * 60);
    let summary = format!(
        "Promised writes that ended without success, the newest first. They are kept for {days} days, at most {LETTERS_MAX}."
    );
    let query = |name: &str, kind: &str, what: &str| json!({"name": name, "in": "query", "description": what, "schema": {"type": kind}});
    json!({
        "operationId": "dead-letters",
        "summary": summary,
        "parameters": [
            query("status", "integer", "Those that HubSpot answered with this status."),
            query("caller", "string", "Those of this caller."),
            query("before", "integer", "`next` of the page before."),
            query("limit", "integer", &format!("At most so many; {PAGE} if nothing is said, never more than {PAGE_MAX}.")),
        ],
        "responses": responses(
            ("200", json!({"description": summary, "content": content("DeadLetters")})),
            &[("400", "A parameter is not understood (LP5314)."), ("404", "No admin key is configured (LP5201).")],
        ),
    })
}

fn show_path() -> Value {
    let summary = "A dead letter with its request, HubSpot's answer and its history. It holds records' values.";
    json!({
        "operationId": "dead-letter",
        "summary": summary,
        "parameters": [id()],
        "responses": responses(("200", json!({"description": summary, "content": content("DeadLetterDetail")})), &[NONE]),
    })
}

fn drop_path() -> Value {
    json!({
        "operationId": "drop-dead-letter",
        "summary": "Drops a dead letter with its bodies, for good.",
        "parameters": [id()],
        "responses": responses(("204", json!({"description": "It is gone."})), &[NONE]),
    })
}

fn edit_path() -> Value {
    json!({
        "operationId": "edit-dead-letter",
        "summary": "Gives a dead letter another body. The body that was promised is kept beside it.",
        "parameters": [id()],
        "requestBody": {"required": true, "content": {"application/json": {"schema": {}}}},
        "responses": responses(
            ("200", json!({"description": "The dead letter as it is now.", "content": content("DeadLetterDetail")})),
            &[NONE, ("413", "The body is too large (LP5313)."), ("422", "The body is no JSON (LP5313).")],
        ),
    })
}

fn replay_path() -> Value {
    let wanted = json!({"description": "`even_if_done` alone counts here.", "required": false, "content": content("ReplayWanted")});
    json!({
        "operationId": "replay-dead-letter",
        "summary": "Sends a dead letter again: it is an open operation under its old URL.",
        "parameters": [id()],
        "requestBody": wanted,
        "responses": responses(
            ("202", json!({"description": "It will be made.", "content": content("ReplayedLetters")})),
            &[NONE, ("400", "The body is not understood (LP5314)."), ("409", "It could be done twice (LP5312)."),
                ("429", "Too many operations are open (LP5304).")],
        ),
    })
}

fn replay_all_path() -> Value {
    let wanted = json!({"required": false, "content": content("ReplayWanted")});
    json!({
        "operationId": "replay-dead-letters",
        "summary": "Sends all dead letters again that fit, but those that could be done twice.",
        "requestBody": wanted,
        "responses": responses(
            ("202", json!({"description": "What will be made, and what not.", "content": content("ReplayedLetters")})),
            &[("400", "The body is not understood (LP5314)."), ("404", "No admin key is configured (LP5201).")],
        ),
    })
}
