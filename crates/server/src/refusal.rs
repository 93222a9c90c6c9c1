//! Answers of our own, in HubSpot's envelope, so that every client of HubSpot reads them.
//!
//! Their shape decides what the official clients do next. `@hubspot/api-client` retries a 429 only if its `policyName`
//! is `TEN_SECONDLY_ROLLING` (HubSpot/hubspot-api-nodejs, `RetryDecorator`), and any 5xx; `hubspot-sdk` heeds
//! `Retry-After` up to a minute and `x-should-retry`. So a refusal that passes by itself looks like a rate limit, and one
//! that does not carries `x-should-retry: false`.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use linchpin_core::gateway::access::Denied;
use linchpin_core::gateway::account::Spent;
use linchpin_core::time::Wall;
use linchpin_engine::dispatch::DispatchError;
use linchpin_hubspot::answer::Answer;
use serde_json::{Map, Value};

/// Tells generated clients whether to try again.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
/// When a repeat of a call makes sense that has not ended.
const REPEAT_AFTER: Duration = Duration::from_secs(1);
/// What an overloaded gateway asks for: the length of HubSpot's window.
const WINDOW: Duration = Duration::from_secs(10);

/// Why there is no answer of HubSpot, as an answer.
pub(crate) fn of(error: &DispatchError, now: Wall, correlation: &str) -> Answer {
    let code = error.code();
    let told = format!("Linchpin {code}: {error}");
    let refusal = match error {
        // What HubSpot said to the dead credential is the best explanation.
        DispatchError::DeadToken(Some(answer)) => return answer.as_ref().clone(),
        DispatchError::DeadToken(None) => Refusal::new(401, told).never(),
        DispatchError::Overloaded { .. } => Refusal::rate(told, WINDOW),
        DispatchError::Deadline { wait } => Refusal::rate(told, (*wait).unwrap_or(WINDOW)),
        DispatchError::DayExhausted { until } | DispatchError::Migrating { until } => {
            Refusal::new(429, told).with("policyName", "DAILY").after(*until - now).never()
        }
        DispatchError::Unreachable(_) => Refusal::new(502, told),
        // Trying again might do it twice, and some clients try every 5xx again.
        DispatchError::Unknown(_) => Refusal::new(424, told).never(),
        DispatchError::Shutdown => Refusal::new(503, told).after(Duration::from_secs(1)),
        DispatchError::UnknownInstall => Refusal::new(500, told).never(),
        // RFC 9111, section 5.2.1.7.
        DispatchError::NotHeld => Refusal::new(504, told).never(),
    };
    refusal.answer(correlation)
}

/// Why there is no answer of HubSpot, in a word for counters.
pub(crate) fn reason(error: &DispatchError) -> &'static str {
    match error {
        DispatchError::Unknown(_) => "unknown",
        DispatchError::Unreachable(_) => "unreachable",
        DispatchError::DeadToken(_) => "dead_token",
        DispatchError::DayExhausted { .. } => "day_exhausted",
        DispatchError::Migrating { .. } => "migrating",
        DispatchError::Deadline { .. } => "deadline",
        DispatchError::Shutdown => "shutdown",
        DispatchError::Overloaded { .. } => "overloaded",
        DispatchError::UnknownInstall => "unknown_install",
        DispatchError::NotHeld => "not_held",
    }
}

/// The caller may not make this call. In the form in which HubSpot says that a token lacks a scope.
pub(crate) fn denied(why: &Denied) -> Refusal {
    Refusal::new(403, format!("Linchpin LP5101: {why}")).with("category", "MISSING_SCOPES").never()
}

/// The caller has made its calls of the day. In the form in which HubSpot says that the account's day is spent.
pub(crate) fn spent(why: &Spent, now: Wall) -> Refusal {
    Refusal::new(429, format!("Linchpin LP5102: {why}"))
        .with("errorType", "RATE_LIMIT")
        .with("policyName", "DAILY")
        .after(why.until - now)
        .never()
}

/// No more unknown tokens can be kept apart at once.
pub(crate) fn crowded(why: &str) -> Refusal {
    Refusal::rate(format!("Linchpin LP5103: {why}"), WINDOW)
}

/// The key of this write stands for another one.
pub(crate) fn other_write() -> Refusal {
    let message = "Linchpin LP5301: this Idempotency-Key has been used for another method, path or body";
    Refusal::new(422, message.to_owned()).with("category", "VALIDATION_ERROR").never()
}

/// Nothing of an unknown token is kept, so nothing can be promised to it.
pub(crate) fn no_promise_to_guests() -> Refusal {
    let message = "Linchpin LP5302: respond-async needs the key of a caller below `gateway.callers`, or the configured \
                   HubSpot token: nothing of another token is kept";
    Refusal::new(400, message.to_owned()).with("category", "VALIDATION_ERROR").never()
}

/// No key.
pub(crate) fn bad_key(why: &str) -> Refusal {
    Refusal::new(400, format!("Linchpin LP5303: Idempotency-Key: {why}")).with("category", "VALIDATION_ERROR").never()
}

/// Too many operations are open.
pub(crate) fn many_open(why: &str) -> Refusal {
    Refusal::rate(format!("Linchpin LP5304: {why}"), WINDOW)
}

/// The first under this key has not ended.
pub(crate) fn in_progress() -> Refusal {
    let message = "Linchpin LP5305: the call with this Idempotency-Key is still being made";
    Refusal::new(409, message.to_owned()).after(REPEAT_AFTER)
}

/// HubSpot has answered, and its answer cannot be told again.
pub(crate) fn answer_not_kept(status: u16, bytes: u64) -> Refusal {
    let message = format!(
        "Linchpin LP5306: this call has been made and HubSpot answered {status}; its answer of {bytes} bytes was too large to keep"
    );
    Refusal::new(410, message).never()
}

/// Too large to be kept until it is made.
pub(crate) fn too_large_to_promise(limit: usize) -> Refusal {
    let message = format!("Linchpin LP5307: a call with Idempotency-Key or respond-async has at most {limit} bytes");
    Refusal::new(413, message).never()
}

/// The store does not do its work. Nothing was sent.
pub(crate) fn not_kept() -> Refusal {
    let message = "Linchpin LP5309: the operation cannot be kept, so it is not made";
    Refusal::new(503, message.to_owned()).after(REPEAT_AFTER)
}

/// An answer in the making.
pub(crate) struct Refusal {
    status: u16,
    message: String,
    members: Vec<(&'static str, &'static str)>,
    retry_after: Option<Duration>,
    never: bool,
}

impl Refusal {
    pub(crate) fn new(status: u16, message: String) -> Self {
        Self { status, message, members: Vec::new(), retry_after: None, never: false }
    }

    /// A limit that passes after a while.
    fn rate(message: String, wait: Duration) -> Self {
        Self::new(429, message).with("errorType", "RATE_LIMIT").with("policyName", "TEN_SECONDLY_ROLLING").after(wait)
    }

    /// Why, in a word for counters.
    pub(crate) fn reason(&self) -> &'static str {
        match self.status {
            401 => "credential",
            403 => "forbidden",
            404 => "no_such_path",
            409 => "in_progress",
            410 => "answer_not_kept",
            413 => "too_large",
            422 => "key_reused",
            429 => "caller_limit",
            503 => "not_kept",
            _ => "malformed",
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.members.push((name, value));
        self
    }

    fn after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// Trying again does not help.
    pub(crate) fn never(self) -> Self {
        Self { never: true, ..self }
    }

    pub(crate) fn answer(self, correlation: &str) -> Answer {
        let mut members = Map::from_iter([("status".into(), "error".into()), ("message".into(), self.message.into())]);
        members.insert("correlationId".to_owned(), correlation.into());
        members.extend(self.members.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))));
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=utf-8"));
        if let Ok(value) = HeaderValue::from_str(correlation) {
            headers.insert("x-hubspot-correlation-id", value);
        }
        if let Some(wait) = self.retry_after {
            // In whole seconds, never too early.
            headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)));
        }
        if self.never {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        Answer { status: self.status, headers, body: Bytes::from(Value::Object(members).to_string()) }
    }
}

/// A business conflict: `hubspot-sdk` would try it twice more.
pub(crate) fn advise(answer: &mut Answer) {
    if answer.status == StatusCode::CONFLICT.as_u16() {
        answer.headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
    }
}

#[cfg(test)]
mod tests {
    use linchpin_engine::dispatch::Unresolved;

    use super::*;

    fn body(answer: &Answer) -> Value {
        serde_json::from_slice(&answer.body).unwrap()
    }

    #[test]
    fn a_refusal_that_passes_looks_like_a_rate_limit_and_says_how_long() {
        let full = of(&DispatchError::Overloaded { limit: 5 }, Wall(0), "id-1");
        assert_eq!((full.status, &full.headers[RETRY_AFTER]), (429, &HeaderValue::from_static("10")));
        assert_eq!(body(&full)["policyName"], "TEN_SECONDLY_ROLLING");
        assert_eq!(body(&full)["correlationId"], "id-1");
        assert!(body(&full)["message"].as_str().unwrap().contains("LP3017"));
        let late = of(&DispatchError::Deadline { wait: Some(Duration::from_millis(2_100)) }, Wall(0), "id");
        assert_eq!(late.headers[RETRY_AFTER], "3");
    }

    #[test]
    fn what_a_caller_may_not_do_reads_like_hubspots_own_refusal_and_is_not_tried_again() {
        let denied = denied(&Denied::Unnamed).answer("id");
        assert_eq!((denied.status, &body(&denied)["category"]), (403, &Value::from("MISSING_SCOPES")));
        assert!(body(&denied)["message"].as_str().unwrap().starts_with("Linchpin LP5101: "));
        let spent = spent(&Spent { quota: 5, until: Wall(7_200_500) }, Wall(0)).answer("id");
        assert_eq!((spent.status, &body(&spent)["policyName"]), (429, &Value::from("DAILY")));
        assert_eq!(spent.headers[RETRY_AFTER], "7201");
        assert!([denied, spent].iter().all(|answer| answer.headers[SHOULD_RETRY] == "false"));
        let crowded = crowded("full").answer("id");
        assert_eq!((crowded.status, &body(&crowded)["policyName"]), (429, &Value::from("TEN_SECONDLY_ROLLING")));
        assert!(!crowded.headers.contains_key(SHOULD_RETRY));
    }

    #[test]
    fn what_trying_again_would_harm_says_so() {
        let unknown = Unresolved { answer: None, cause: None };
        let cases = [
            (DispatchError::Unknown(Box::new(unknown)), 424),
            (DispatchError::DayExhausted { until: Wall(7_200_000) }, 429),
            (DispatchError::UnknownInstall, 500),
        ];
        for (error, status) in cases {
            let answer = of(&error, Wall(0), "id");
            assert_eq!((answer.status, &answer.headers[SHOULD_RETRY]), (status, &HeaderValue::from_static("false")));
        }
        let mut conflict = Refusal::new(409, "exists".to_owned()).answer("id");
        advise(&mut conflict);
        assert_eq!(conflict.headers[SHOULD_RETRY], "false");
    }
}
