//! Promised writes, as callers meet them: `Prefer: respond-async` (RFC 7240), `Idempotency-Key`, and the URL of an
//! operation.
//!
//! A preference that does not apply (to a read) is ignored, as its standard says. A key that cannot be kept is refused:
//! its caller counts on it.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use http::{HeaderMap, Method};
use linchpin_core::gateway::operation::{
    Digest as RequestDigest, End, IdempotencyKey, NotAKey, REQUEST_BYTES_MAX, State, Write, WriteId,
};
use linchpin_core::gateway::usage::Kind;
use linchpin_engine::dispatch::{DispatchError, Unresolved};
use linchpin_engine::gateway::operations::{Outcome, Promise, TakeError, Taken, Waited, kept_answer};
use linchpin_engine::gateway::{Asked, WAIT_MAX, caller_name};
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::call::Effect;
use linchpin_hubspot::routes;
use linchpin_ports::store::StoreError;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::admin::shapes::{self, Problem};
use crate::admin::view::name_of;
use crate::admin::{self, BASE};
use crate::callers::Known;
use crate::gateway::Face;
use crate::refusal::{self, Refusal};

/// How a caller says that it does not want to wait.
const PREFER: HeaderName = HeaderName::from_static("prefer");
/// How it is told that it need not.
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// How a caller names a write.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// How it is told that it gets what an earlier call got.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The preference.
const RESPOND_ASYNC: &str = "respond-async";
/// How long a repeat waits for the end of the first, unless it says how long.
const REPEAT_PATIENCE: Duration = Duration::from_secs(30);
/// How many operations the list shows.
const LISTED: usize = 100;

/// What became of a call that may want a promise.
pub(crate) enum Promised {
    /// It wants none.
    No(Asked),
    /// Our own answer: it is accepted, or refused.
    Ours(Answer),
    /// HubSpot's answer.
    HubSpots(Answer),
}

/// Whether a call wants a promise: its body is kept, and so it does not flow past.
pub(crate) fn is_wished(headers: &HeaderMap) -> bool {
    prefers_async(headers) || headers.contains_key(IDEMPOTENCY_KEY)
}

/// The name of an operation, if the path is that of one.
pub(crate) fn named(path: &str) -> Option<WriteId> {
    let name = path.strip_prefix(BASE)?.strip_prefix("/operations/")?;
    (!name.is_empty() && !name.contains('/')).then(|| WriteId(name.to_owned()))
}

fn url(id: &WriteId) -> String {
    format!("{BASE}/operations/{id}")
}

/// Whether one of the preferences is not to wait.
fn prefers_async(headers: &HeaderMap) -> bool {
    let named = |one: &str| one.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case(RESPOND_ASYNC));
    let values = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(named)
}

fn key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, NotAKey> {
    let mut shown = headers.get_all(IDEMPOTENCY_KEY).iter();
    let key = shown.next().map(|value| IdempotencyKey::new(value.as_bytes())).transpose()?;
    // Two keys on one call are none.
    if shown.next().is_some() { Err(NotAKey) } else { Ok(key) }
}

fn digest(asked: &Asked) -> RequestDigest {
    let mut digest = Sha256::new();
    for part in [asked.method.as_str().as_bytes(), asked.target.as_bytes(), &asked.body] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

impl Face {
    /// Promises what its caller wishes to be promised, if it is a write.
    pub(crate) async fn promise(
        &self,
        head: &http::request::Parts,
        known: &Known,
        is_guest: bool,
        asked: Asked,
    ) -> Promised {
        let is_write = || routes::classify(&asked.method, &asked.target).effect != Effect::Safe;
        let operations = self.operations.as_ref().filter(|_| is_write());
        let Some(operations) = operations else { return Promised::No(asked) };
        let later = prefers_async(&head.headers);
        if is_guest && !later {
            // HubSpot gets it, as it gets everything else of theirs.
            return Promised::No(asked);
        }
        let promise = match wanted(head, is_guest, later, asked) {
            Ok(promise) => promise,
            Err(refusal) => {
                known.account().handle_refused();
                return Promised::Ours(self.refuse(refusal));
            }
        };
        let deadline = promise.asked.deadline;
        let (id, repeated) = match operations.take(promise).await {
            Ok(Taken::New(id)) => (id, false),
            Ok(Taken::Known(id)) => (id, true),
            Ok(Taken::Other) => {
                known.account().handle_refused();
                return Promised::Ours(self.refuse(refusal::other_write()));
            }
            Err(error) => return Promised::Ours(self.not_taken(known, &error)),
        };
        if later {
            known.account().handle_answer(202, false);
            return Promised::Ours(self.accepted(&id, repeated).await);
        }
        let patience = deadline.unwrap_or(if repeated { REPEAT_PATIENCE } else { WAIT_MAX });
        let told = match operations.wait(&id, patience).await {
            Ok(waited) => told(waited),
            Err(error) => return Promised::Ours(self.not_taken(known, &TakeError::Store(error))),
        };
        self.tell(known, told, repeated)
    }

    fn tell(&self, known: &Known, told: Told, repeated: bool) -> Promised {
        match told {
            Told::Answer(mut answer) => {
                if repeated {
                    answer.headers.insert(REPLAYED, HeaderValue::from_static("true"));
                }
                known.account().handle_answer(answer.status, false);
                Promised::HubSpots(answer)
            }
            Told::Refusal(refusal) => {
                known.account().handle_refused();
                Promised::Ours(self.refuse(refusal))
            }
            Told::Nothing(outcome) => {
                let (now, correlation) = (self.clock.now().wall, self.gateway.correlation());
                known.account().handle_unanswered();
                Promised::Ours(match outcome.as_ref() {
                    Ok(answer) => answer.clone(),
                    Err(error) => {
                        self.count(refusal::reason(error));
                        refusal::of(error, now, &correlation)
                    }
                })
            }
        }
    }

    fn not_taken(&self, known: &Known, error: &TakeError) -> Answer {
        known.account().handle_refused();
        match error {
            TakeError::Full => self.refuse(refusal::many_open(&error.to_string())),
            TakeError::Shutdown => {
                refusal::of(&DispatchError::Shutdown, self.clock.now().wall, &self.gateway.correlation())
            }
            TakeError::Store(cause) => {
                tracing::error!(error = cause as &dyn std::error::Error, "an operation cannot be kept");
                self.refuse(refusal::not_kept())
            }
        }
    }

    /// 202: it will be made.
    async fn accepted(&self, id: &WriteId, repeated: bool) -> Answer {
        let known = match &self.operations {
            Some(operations) if repeated => operations.get(id).await.ok().flatten(),
            Some(_) | None => None,
        };
        let state = known.map_or("accepted", |write| state_name(&write.state));
        let url = url(id);
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        headers.insert(PREFERENCE_APPLIED, HeaderValue::from_static(RESPOND_ASYNC));
        if let Ok(location) = HeaderValue::from_str(&url) {
            headers.insert(LOCATION, location);
        }
        if repeated {
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        let body = json!({"id": id.0, "state": state, "url": url});
        Answer { status: 202, headers, body: Bytes::from(body.to_string()) }
    }

    /// An operation, for whoever asked for it and for whoever shows the admin key.
    pub(crate) async fn operation(&self, head: &http::request::Parts) -> Answer {
        match self.look_up(head).await {
            Ok(operation) => admin::json(200, "application/json", &operation),
            Err(problem) => admin::problem(&problem),
        }
    }

    /// The last operations.
    pub(crate) async fn listed(&self) -> Answer {
        let recent = match &self.operations {
            Some(operations) => operations.recent(LISTED).await,
            None => Ok(Vec::new()),
        };
        match recent {
            Ok(writes) => {
                let operations = writes.iter().map(summary).collect();
                admin::json(200, "application/json", &shapes::Operations { operations })
            }
            Err(error) => admin::problem(&unreadable(&error)),
        }
    }

    /// The refusal of a question for an operation that nobody known asks, or in a wrong way.
    pub(crate) fn operation_refused(&self, head: &http::request::Parts) -> Option<Problem> {
        self.viewer(head).err()
    }

    /// Whose operations whoever asks may see; none for all.
    fn viewer(&self, head: &http::request::Parts) -> Result<Option<&Known>, Problem> {
        if self.admin.authorize(&head.headers).is_err() {
            let known = crate::gateway::shown(&head.headers).and_then(|secret| self.callers.find(secret));
            let why = || "an operation is shown to the caller that asked for it".to_owned();
            return known.map(Some).ok_or_else(|| Problem::new(401, "LP5310", why())).and_then(|known| {
                only_reading(head)?;
                Ok(known)
            });
        }
        only_reading(head)?;
        Ok(None)
    }

    async fn look_up(&self, head: &http::request::Parts) -> Result<shapes::Operation, Problem> {
        let viewer = self.viewer(head)?;
        let nothing = || Problem::new(404, "LP5308", "there is no such operation of yours".to_owned());
        let (id, operations) = (named(head.uri.path()).ok_or_else(nothing)?, self.operations.as_ref());
        let found = operations.ok_or_else(nothing)?.get(&id).await.map_err(|error| unreadable(&error))?;
        let theirs = |write: &Write| viewer.is_none_or(|known| known.caller.name == caller_name(&write.caller));
        let write = found.filter(theirs).ok_or_else(nothing)?;
        Ok(self.shape(head, &write))
    }

    fn shape(&self, head: &http::request::Parts, write: &Write) -> shapes::Operation {
        let mut operation = summary(write);
        if let State::Ended { end: End::Answered(kept), .. } = &write.state {
            let answer = kept_answer(kept).map(|answer| self.polished(head, answer, true));
            operation.answer = Some(shapes::OperationAnswer {
                status: kept.status,
                bytes: kept.bytes,
                kept: answer.is_some(),
                headers: answer.as_ref().map(|answer| texts(&answer.headers)).unwrap_or_default(),
                body: answer.map(|answer| body(&answer)),
            });
        }
        operation
    }
}

fn unreadable(error: &StoreError) -> Problem {
    tracing::error!(error = error as &dyn std::error::Error, "operations cannot be read");
    Problem::new(503, "LP5309", "the store cannot be read".to_owned())
}

fn only_reading(head: &http::request::Parts) -> Result<(), Problem> {
    let path = head.uri.path();
    if head.method == Method::GET {
        return Ok(());
    }
    Err(Problem::new(405, "LP5204", format!("{path} can only be read: use GET")))
}

/// What is to be promised.
fn wanted(head: &http::request::Parts, is_guest: bool, later: bool, mut asked: Asked) -> Result<Promise, Refusal> {
    if is_guest {
        return Err(refusal::no_promise_to_guests());
    }
    let key = key(&head.headers).map_err(|why| refusal::bad_key(&why.to_string()))?;
    if asked.body.len() > REQUEST_BYTES_MAX {
        return Err(refusal::too_large_to_promise(REQUEST_BYTES_MAX));
    }
    asked.headers.remove(IDEMPOTENCY_KEY);
    if later {
        asked.headers.remove(PREFER);
    }
    let digest = digest(&asked);
    Ok(Promise { asked, key, digest, acknowledged: later })
}

/// What a caller is told who has waited.
enum Told {
    Answer(Answer),
    Refusal(Refusal),
    /// HubSpot gave no answer.
    Nothing(Outcome),
}

fn told(waited: Waited) -> Told {
    match waited {
        Waited::Open => Told::Refusal(refusal::in_progress()),
        Waited::Told(outcome) => match outcome.as_ref() {
            Ok(answer) => Told::Answer(answer.clone()),
            Err(DispatchError::DeadToken(Some(answer))) => Told::Answer(answer.as_ref().clone()),
            Err(_) => Told::Nothing(outcome),
        },
        Waited::Ended(write) => match write.state {
            State::Ended { end: End::Answered(kept), .. } => match kept_answer(&kept) {
                Some(answer) => Told::Answer(answer),
                None => Told::Refusal(refusal::answer_not_kept(kept.status, kept.bytes)),
            },
            State::Ended { end: End::Unknown, .. } => {
                let unresolved = Unresolved { answer: None, cause: None };
                Told::Nothing(Outcome::new(Err(DispatchError::Unknown(Box::new(unresolved)))))
            }
            // Given up just now: the next repeat tries it again.
            State::Ended { end: End::GivenUp { .. }, .. } | State::Accepted | State::Sent => {
                Told::Refusal(refusal::in_progress())
            }
        },
    }
}

/// An operation without its answer.
fn summary(write: &Write) -> shapes::Operation {
    let method = Method::from_bytes(write.request.method.as_bytes()).unwrap_or_default();
    let route = Kind::new("", &routes::classify(&method, &write.request.target)).route;
    let (ended_ms, code) = match &write.state {
        State::Ended { at, end: End::GivenUp { code } } => (Some(at.0), Some(code.clone())),
        State::Ended { at, end: End::Unknown } => (Some(at.0), Some("LP3010".to_owned())),
        State::Ended { at, end: End::Answered(_) } => (Some(at.0), None),
        State::Accepted | State::Sent => (None, None),
    };
    shapes::Operation {
        id: write.id.0.clone(),
        url: url(&write.id),
        state: state_name(&write.state).to_owned(),
        caller: caller_name(&write.caller).to_owned(),
        lane: name_of(&write.request.lane),
        route,
        accepted_ms: write.accepted.0,
        ended_ms,
        tries: write.progress.tries,
        due_ms: (write.state == State::Accepted && write.progress.tries > 0).then_some(write.progress.due.0),
        dead_letter: write.dead.is_some(),
        code,
        answer: None,
    }
}

fn state_name(state: &State) -> &'static str {
    match state {
        State::Accepted => "accepted",
        State::Sent => "sent",
        State::Ended { end: End::Answered(_), .. } => "done",
        State::Ended { end: End::Unknown, .. } => "unknown",
        State::Ended { end: End::GivenUp { .. }, .. } => "given_up",
    }
}

fn texts(headers: &HeaderMap) -> BTreeMap<String, String> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

/// JSON as it is, anything else as text.
fn body(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&answer.body).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).fold(
            HeaderMap::new(),
            |mut all, (name, value)| {
                all.append(name, value);
                all
            },
        )
    }

    #[test]
    fn a_preference_is_found_among_others() {
        for (value, expected) in [
            ("respond-async", true),
            ("Respond-Async", true),
            ("return=minimal, respond-async;x=1", true),
            ("wait=10,respond-async", true),
            ("respond-asynchronously", false),
            ("wait=10", false),
            ("", false),
        ] {
            assert_eq!(prefers_async(&headers(&[("prefer", value)])), expected, "{value}");
        }
        assert!(prefers_async(&headers(&[("prefer", "wait=5"), ("prefer", "respond-async")])));
    }

    #[test]
    fn two_keys_on_one_call_are_none() {
        assert_eq!(key(&HeaderMap::new()), Ok(None));
        assert!(key(&headers(&[("idempotency-key", "a")])).is_ok_and(|key| key.is_some()));
        assert_eq!(key(&headers(&[("idempotency-key", "a"), ("idempotency-key", "a")])), Err(NotAKey));
        assert_eq!(key(&headers(&[("idempotency-key", "")])), Err(NotAKey));
    }

    #[test]
    fn only_names_of_operations_are_paths_of_operations() {
        assert_eq!(named("/linchpin/v1/operations/018f"), Some(WriteId("018f".to_owned())));
        for path in
            ["/linchpin/v1/operations", "/linchpin/v1/operations/", "/linchpin/v1/operations/1/2", "/operations/1"]
        {
            assert_eq!(named(path), None, "{path}");
        }
    }
}
