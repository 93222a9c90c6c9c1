//! Calls as they are kept, and outcomes as they are judged and noted: from one form to the other, and nothing decided.

use std::sync::Arc;
use std::time::Duration;

use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use linchpin_core::gateway::operation::{Came, Kept, Progress, Request, State, Tried, Write, WriteId};
use linchpin_core::time::Wall;
use linchpin_core::verdict::CauseKind;
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::errors::HubSpotError;
use linchpin_hubspot::id::Install;
use linchpin_ports::store::StoreError;

use super::Promise;
use crate::dispatch::DispatchError;
use crate::gateway::Asked;

pub(super) fn written(promise: &Promise, id: WriteId, now: Wall) -> Write {
    let Promise { asked, key, digest, acknowledged } = promise;
    let deadline = asked.deadline.filter(|_| !acknowledged);
    let request = Request {
        lane: asked.lane,
        deadline_ms: deadline.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
        method: asked.method.as_str().to_owned(),
        target: asked.target.clone(),
        headers: kept_headers(&asked.headers),
        body: asked.body.clone(),
    };
    Write {
        id,
        caller: asked.caller.clone(),
        key: key.clone(),
        digest: *digest,
        acknowledged: *acknowledged,
        request,
        accepted: now,
        state: State::Accepted,
        progress: Progress { tries: 0, due: now, past: Vec::new() },
        dead: None,
    }
}

/// What is asked for a write: what it says, or what is sent for it and others.
pub(super) fn asked(install: Install, write: &Write, request: Request) -> Result<Asked, StoreError> {
    let damaged = || StoreError::Corrupt { table: "promise", column: "request", key: write.id.0.clone() };
    let Request { lane, deadline_ms, method, target, headers, body } = request;
    Ok(Asked {
        install,
        lane,
        deadline: deadline_ms.map(Duration::from_millis),
        caller: write.caller.clone(),
        method: Method::from_bytes(method.as_bytes()).map_err(|_| damaged())?,
        target,
        headers: headers_of(&headers).ok_or_else(damaged)?,
        body,
        joined: Arc::default(),
        passage: None,
    })
}

fn kept_headers(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}

fn headers_of(kept: &[(String, Vec<u8>)]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in kept {
        headers.append(HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_bytes(value).ok()?);
    }
    Some(headers)
}

/// HubSpot's answer as it was kept; none if its body was too large to keep.
pub fn kept_answer(kept: &Kept) -> Option<Answer> {
    let (body, headers) = (kept.body.clone()?, headers_of(&kept.headers)?);
    Some(Answer { status: kept.status, headers, body })
}

pub(super) fn tried(outcome: &Result<Answer, DispatchError>) -> Tried {
    let kept =
        |answer: &Answer| Tried::Answered(Kept::of(answer.status, kept_headers(&answer.headers), answer.body.clone()));
    match outcome {
        Ok(answer) => kept(answer),
        Err(DispatchError::DeadToken(Some(answer))) => kept(answer),
        Err(DispatchError::Unknown(_)) => Tried::Unknown,
        Err(error @ (DispatchError::DayExhausted { until } | DispatchError::Migrating { until })) => {
            Tried::Failed { code: error.code(), until: Some(*until), hopeless: false }
        }
        Err(error) => Tried::Failed { code: error.code(), until: None, hopeless: is_hopeless(error) },
    }
}

/// Whether the same call would fail the same way: it cannot be put together, or there is no credential for it.
fn is_hopeless(error: &DispatchError) -> bool {
    match error {
        DispatchError::Unreachable(cause) => cause.kind == CauseKind::Build,
        DispatchError::DeadToken(_) | DispatchError::UnknownInstall => true,
        DispatchError::Unknown(_)
        | DispatchError::DayExhausted { .. }
        | DispatchError::Migrating { .. }
        | DispatchError::Deadline { .. }
        | DispatchError::Shutdown
        | DispatchError::Overloaded { .. }
        | DispatchError::NotHeld => false,
    }
}

/// What came of a try, for its history: no value of a record.
pub(super) fn came(outcome: &Result<Answer, DispatchError>, at: Wall) -> Came {
    let of_answer = |answer: &Answer| {
        let error = HubSpotError::from_answer(answer);
        let note = if answer.status < 400 { format!("HubSpot answered {}", answer.status) } else { error.to_string() };
        Came { at, status: Some(answer.status), code: None, correlation: error.correlation_id, note }
    };
    match outcome {
        Ok(answer) => of_answer(answer),
        Err(error) => {
            let answered = match error {
                DispatchError::DeadToken(Some(answer)) => Some(of_answer(answer)),
                DispatchError::Unknown(unresolved) => unresolved.answer.as_ref().map(of_answer),
                _ => None,
            };
            let note = match error {
                DispatchError::Unknown(unresolved) => unresolved.to_string(),
                DispatchError::Unreachable(cause) => format!("{error}: {cause}"),
                _ => error.to_string(),
            };
            let answered = answered.unwrap_or_default();
            Came { at, code: Some(error.code().to_owned()), note, ..answered }
        }
    }
}
