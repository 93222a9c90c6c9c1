//! Dead letters over HTTP: `/linchpin/v1/dead-letters`, for whoever shows the admin key.
//!
//! The only part of the admin interface that changes anything. Nothing is sent to HubSpot from here: a replay makes an
//! open operation, and that goes the way of all others.

use bytes::Bytes;
use http::header::{ALLOW, HeaderValue};
use http::{HeaderMap, Method};
use linchpin_core::gateway::dead::Guard;
use linchpin_core::gateway::operation::{REQUEST_BYTES_MAX, WriteId};
use linchpin_engine::gateway::CALLER_PREFIX;
use linchpin_engine::gateway::operations::{Operations, ReplayError};
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::version::decoded;
use linchpin_ports::dead_letters::Filter;
use linchpin_ports::store::StoreError;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::admin::dead_letters::{DeadLetters, PAGE, PAGE_MAX, PATH, ReplayWanted, ReplayedLetters, detail, summary};
use crate::admin::shapes::Problem;
use crate::admin::{self, json};
use crate::gateway::Face;

const JSON: &str = "application/json";

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    All,
    ReplayAll,
    One(WriteId),
    Body(WriteId),
    Replay(WriteId),
}

impl Place {
    /// The methods that it takes.
    fn methods(&self) -> &'static str {
        match self {
            Self::All => "GET",
            Self::One(_) => "GET, DELETE",
            Self::Body(_) => "PUT",
            Self::ReplayAll | Self::Replay(_) => "POST",
        }
    }
}

/// Whether a path is one of dead letters.
pub(crate) fn is_path(path: &str) -> bool {
    path.strip_prefix(PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn place(path: &str) -> Option<Place> {
    let rest = path.strip_prefix(PATH)?;
    if rest.is_empty() {
        return Some(Place::All);
    }
    let rest = rest.strip_prefix('/')?;
    let (name, what) = rest.split_once('/').map_or((rest, None), |(name, what)| (name, Some(what)));
    let id = WriteId(name.to_owned());
    match (name, what) {
        ("", _) => None,
        ("replay", None) => Some(Place::ReplayAll),
        (_, None) => Some(Place::One(id)),
        (_, Some("body")) => Some(Place::Body(id)),
        (_, Some("replay")) => Some(Place::Replay(id)),
        (_, Some(_)) => None,
    }
}

impl Face {
    /// The refusal of whoever may not handle dead letters.
    pub(crate) fn dead_letters_refused(&self, head: &http::request::Parts) -> Option<Problem> {
        self.admin.authorize(&head.headers).err()
    }

    /// Dead letters, looked at or handled.
    pub(crate) async fn dead_letters(&self, head: &http::request::Parts, body: Bytes) -> Answer {
        let path = head.uri.path();
        if let Some(problem) = self.dead_letters_refused(head) {
            return admin::problem(&problem);
        }
        let (Some(place), Some(operations)) = (place(path), self.operations.as_ref()) else {
            return admin::problem(&Problem::new(404, "LP5203", format!("nothing of Linchpin is at {path}")));
        };
        let methods = place.methods();
        let done = match (place, &head.method) {
            (Place::All, &Method::GET) => list(operations, head.uri.query().unwrap_or_default()).await,
            (Place::One(id), &Method::GET) => show(operations, &id).await,
            (Place::One(id), &Method::DELETE) => discard(operations, &id).await,
            (Place::Body(id), &Method::PUT) => edit(operations, &id, body).await,
            (Place::Replay(id), &Method::POST) => replay(operations, &id, &body).await,
            (Place::ReplayAll, &Method::POST) => replay_all(operations, &body).await,
            _ => Err(Problem::new(405, "LP5204", format!("{path} takes {methods}"))),
        };
        let mut answer = done.unwrap_or_else(|problem| admin::problem(&problem));
        if answer.status == 405 {
            answer.headers.insert(ALLOW, HeaderValue::from_static(methods));
        }
        answer
    }
}

async fn list(operations: &Operations, query: &str) -> Result<Answer, Problem> {
    let Query { filter, before, limit } = Query::read(query)?;
    // One more than is shown tells whether there are more.
    let mut found = operations.letters(&filter, before, limit + 1).await.map_err(|error| unusable(&error))?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().map(|(seq, _)| *seq).filter(|_| more);
    let total = operations.letter_count().await.map_err(|error| unusable(&error))?;
    let dead_letters = found.iter().filter_map(|(_, write)| summary(write)).collect();
    Ok(json(200, JSON, &DeadLetters { dead_letters, total, next }))
}

async fn show(operations: &Operations, id: &WriteId) -> Result<Answer, Problem> {
    let letter = operations.letter(id).await.map_err(|error| unusable(&error))?;
    let detail = letter.as_ref().and_then(detail).ok_or_else(|| nothing(id))?;
    Ok(json(200, JSON, &detail))
}

async fn edit(operations: &Operations, id: &WriteId, body: Bytes) -> Result<Answer, Problem> {
    if body.len() > REQUEST_BYTES_MAX {
        let why = format!("the body has {} bytes, and may have {REQUEST_BYTES_MAX}", body.len());
        return Err(Problem::new(413, "LP5313", why));
    }
    if let Err(wrong) = serde_json::from_slice::<IgnoredAny>(&body) {
        // The parser's words quote nothing of the body.
        return Err(Problem::new(422, "LP5313", format!("the body is no JSON: {wrong}")));
    }
    if !operations.edit(id, body).await.map_err(|error| unusable(&error))? {
        return Err(nothing(id));
    }
    tracing::info!(operation = %id, "a dead letter is edited");
    show(operations, id).await
}

async fn discard(operations: &Operations, id: &WriteId) -> Result<Answer, Problem> {
    if !operations.discard(id).await.map_err(|error| unusable(&error))? {
        return Err(nothing(id));
    }
    tracing::info!(operation = %id, "a dead letter is dropped");
    Ok(Answer { status: 204, headers: HeaderMap::new(), body: Bytes::new() })
}

async fn replay(operations: &Operations, id: &WriteId, body: &Bytes) -> Result<Answer, Problem> {
    let wanted = wanted(body)?;
    if wanted.status.is_some() || wanted.caller.is_some() {
        let why = format!("`status` and `caller` choose among many: POST {PATH}/replay takes them");
        return Err(Problem::new(400, "LP5314", why));
    }
    operations.replay(id, wanted.even_if_done).await.map_err(|error| not_replayed(id, &error))?;
    tracing::info!(operation = %id, "a dead letter is replayed");
    Ok(json(202, JSON, &ReplayedLetters { replayed: vec![id.0.clone()], guarded: Vec::new(), full: false }))
}

async fn replay_all(operations: &Operations, body: &Bytes) -> Result<Answer, Problem> {
    let ReplayWanted { status, caller, even_if_done } = wanted(body)?;
    let filter = Filter { status, caller: caller.as_deref().map(stored_name) };
    let done = operations.replay_all(&filter, even_if_done).await;
    let done = done.map_err(|error| not_replayed(&WriteId(String::new()), &error))?;
    tracing::info!(replayed = done.again.len(), guarded = done.guarded.len(), "dead letters are replayed");
    let names = |ids: Vec<WriteId>| ids.into_iter().map(|id| id.0).collect();
    let shape = ReplayedLetters { replayed: names(done.again), guarded: names(done.guarded), full: done.full };
    Ok(json(202, JSON, &shape))
}

/// What the body of a replay says; nothing is all there is to say.
fn wanted(body: &Bytes) -> Result<ReplayWanted, Problem> {
    if body.is_empty() {
        return Ok(ReplayWanted::default());
    }
    // An array would be read as the members in their order: an empty one would replay everything.
    let read = serde_json::from_slice::<Map<String, Value>>(body).map(Value::Object).and_then(serde_json::from_value);
    read.map_err(|wrong| Problem::new(400, "LP5314", format!("the body is not understood: {wrong}")))
}

fn stored_name(caller: &str) -> String {
    format!("{CALLER_PREFIX}{caller}")
}

fn nothing(id: &WriteId) -> Problem {
    Problem::new(404, "LP5311", format!("there is no dead letter {id}"))
}

fn unusable(error: &StoreError) -> Problem {
    tracing::error!(error = error as &dyn std::error::Error, "dead letters cannot be read or changed");
    Problem::new(503, "LP5309", "the store cannot be used".to_owned())
}

fn not_replayed(id: &WriteId, error: &ReplayError) -> Problem {
    match error {
        ReplayError::NotThere => nothing(id),
        ReplayError::Guarded(Guard::MayExist) => {
            let why = "nobody knows whether HubSpot did it: what it creates may be there already";
            Problem::new(409, "LP5312", why.to_owned())
        }
        ReplayError::Guarded(Guard::PartlyDone) => {
            let why = "HubSpot did a part of this batch: the whole of it would do that part twice";
            Problem::new(409, "LP5312", why.to_owned())
        }
        ReplayError::Full => Problem::new(429, "LP5304", error.to_string()),
        ReplayError::Shutdown => Problem::new(503, "LP5205", error.to_string()),
        ReplayError::Store(error) => unusable(error),
    }
}

/// What is asked of the list.
#[derive(Debug, PartialEq, Eq)]
struct Query {
    filter: Filter,
    before: Option<u64>,
    limit: usize,
}

impl Query {
    fn read(text: &str) -> Result<Self, Problem> {
        let mut query = Self { filter: Filter::default(), before: None, limit: PAGE };
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decoded(value);
            let wrong = |expected: &str| Problem::new(400, "LP5314", format!("`{name}`: expected {expected}"));
            match name {
                "status" => {
                    query.filter.status = Some(value.parse().map_err(|_| wrong("an HTTP status such as 400"))?);
                }
                "caller" => query.filter.caller = Some(stored_name(&value)),
                "before" => query.before = Some(value.parse().map_err(|_| wrong("`next` of the page before"))?),
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit));
                    query.limit = limit.ok_or_else(|| wrong(&format!("a number from 1 to {PAGE_MAX}")))?;
                }
                _ => return Err(Problem::new(400, "LP5314", "known are status, caller, before and limit".to_owned())),
            }
        }
        Ok(query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_what_is_done() {
        let id = || WriteId("018f".to_owned());
        for (path, expected) in [
            ("", Some(Place::All)),
            ("/018f", Some(Place::One(id()))),
            ("/018f/body", Some(Place::Body(id()))),
            ("/018f/replay", Some(Place::Replay(id()))),
            ("/replay", Some(Place::ReplayAll)),
            ("/", None),
            ("//body", None),
            ("/018f/other", None),
            ("/018f/body/more", None),
        ] {
            assert_eq!(place(&format!("{PATH}{path}")), expected, "{path}");
        }
        assert!(is_path(PATH) && is_path("/linchpin/v1/dead-letters/1") && !is_path("/linchpin/v1/dead-lettersx"));
    }

    #[test]
    fn a_query_is_understood_or_refused() {
        let read = Query::read("status=400&caller=night%20ly&before=7&limit=5").unwrap();
        let filter = Filter { status: Some(400), caller: Some("gateway:night ly".to_owned()) };
        assert_eq!(read, Query { filter, before: Some(7), limit: 5 });
        assert_eq!(Query::read("").unwrap().limit, PAGE);
        for wrong in ["status=many", "limit=0", "limit=1001", "before=x", "stat=400", "status"] {
            assert_eq!(Query::read(wrong).unwrap_err().code, "LP5314", "{wrong}");
        }
    }

    #[test]
    fn the_body_of_a_replay_is_understood_or_refused() {
        assert!(!wanted(&Bytes::new()).unwrap().even_if_done);
        assert!(wanted(&Bytes::from_static(br#"{"even_if_done":true}"#)).unwrap().even_if_done);
        for wrong in ["{", r#"{"even":true}"#, "[]", r#"{"status":"400"}"#] {
            assert_eq!(wanted(&Bytes::from_static(wrong.as_bytes())).unwrap_err().code, "LP5314", "{wrong}");
        }
    }
}
