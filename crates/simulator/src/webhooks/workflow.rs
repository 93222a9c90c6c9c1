//! The webhook action of a workflow: one request for one enrolled record, with rules of its own for trying again.
//!
//! A 4xx ends it, except a 429, whose `Retry-After` counts milliseconds; anything else is tried again. How often is not
//! documented for this action; as for a workflow's code, a minute later first, then in doubling gaps of at most eight
//! hours, for three days.

use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde_json::Value;

use super::delivery::DeliveryOutcome;
use crate::wire::Millis;

/// The actions that may wait or be under way.
pub(super) const ACTIONS_MAX: usize = 10_000;
/// How long the receiver may take.
pub(super) const ACTION_TIMEOUT_MS: u64 = 30_000;
const FIRST_GAP_MS: i64 = 60_000;
const GAP_MS_MAX: i64 = 8 * 3_600_000;
const TRIED_FOR_MS: i64 = 3 * 86_400_000;
/// The time over which retries of events are spread; the action's shrink in the same proportion.
const USUAL_RETRY_MS: i64 = 86_400_000;

/// The body of `POST /_control/webhooks/workflow`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkflowAction {
    /// The app whose secret signs it.
    pub app_id: u64,
    /// Where it goes.
    pub url: String,
    /// `POST` without a word, or `GET`, which sends no body.
    #[serde(default)]
    pub method: ActionMethod,
    /// The body, any JSON.
    #[serde(default)]
    pub body: Value,
}

/// How a workflow asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum ActionMethod {
    /// With a body.
    #[default]
    #[serde(rename = "POST")]
    Post,
    /// Without one.
    #[serde(rename = "GET")]
    Get,
}

/// An action on its way.
#[derive(Clone, Debug)]
pub(super) struct Action {
    pub(super) secret: String,
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) body: Bytes,
    pub(super) begun: Millis,
    pub(super) attempt: u32,
}

/// What comes after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Done,
    Failed,
    Again(Millis),
}

impl Action {
    /// Decides what an outcome means; `retry_over_ms` shortens the gaps as it does those of events.
    pub(super) fn next(&self, outcome: &DeliveryOutcome, retry_over_ms: u64, now: Millis) -> Next {
        let scale = |ms: i64| {
            let scaled = i128::from(ms) * i128::from(retry_over_ms) / i128::from(USUAL_RETRY_MS);
            i64::try_from(scaled).unwrap_or(i64::MAX)
        };
        let doubled = FIRST_GAP_MS.saturating_mul(1_i64.checked_shl(self.attempt.min(20)).unwrap_or(i64::MAX));
        let gap = match outcome {
            DeliveryOutcome::Answered { status: 200..=299, .. } => return Next::Done,
            DeliveryOutcome::Answered { status: 429, retry_after } => {
                let asked = retry_after.as_deref().and_then(|text| text.trim().parse::<i64>().ok());
                asked.filter(|ms| *ms >= 0).unwrap_or_else(|| scale(doubled.min(GAP_MS_MAX)))
            }
            DeliveryOutcome::Answered { status: 400..=499, .. } => return Next::Failed,
            DeliveryOutcome::Answered { .. } | DeliveryOutcome::Failed | DeliveryOutcome::TimedOut => {
                scale(doubled.min(GAP_MS_MAX))
            }
        };
        let at = now.0.saturating_add(gap);
        if at - self.begun.0 > scale(TRIED_FOR_MS) { Next::Failed } else { Next::Again(Millis(at)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(attempt: u32) -> Action {
        let url = "http://localhost/".to_owned();
        Action { secret: "s".into(), method: Method::POST, url, body: Bytes::new(), begun: Millis(0), attempt }
    }

    #[test]
    fn a_workflow_action_tries_again_after_a_429_and_a_5xx_and_after_no_other_4xx() {
        let day = 86_400_000;
        let next = |attempt: u32, outcome: DeliveryOutcome, now: i64| action(attempt).next(&outcome, day, Millis(now));
        assert_eq!(next(0, DeliveryOutcome::status(204), 0), Next::Done);
        for status in [400, 401, 404, 410] {
            assert_eq!(next(0, DeliveryOutcome::status(status), 0), Next::Failed);
        }
        let asked = DeliveryOutcome::Answered { status: 429, retry_after: Some("1500".into()) };
        assert_eq!(next(3, asked, 10), Next::Again(Millis(1_510)));
        assert_eq!(next(0, DeliveryOutcome::status(429), 0), Next::Again(Millis(60_000)));
        assert_eq!(next(1, DeliveryOutcome::status(503), 0), Next::Again(Millis(120_000)));
        assert_eq!(next(0, DeliveryOutcome::TimedOut, 5), Next::Again(Millis(60_005)));
        assert_eq!(next(20, DeliveryOutcome::Failed, 0), Next::Again(Millis(8 * 3_600_000)));
        assert_eq!(next(20, DeliveryOutcome::Failed, 3 * 86_400_000), Next::Failed);
    }

    #[test]
    fn its_gaps_shrink_with_those_of_events() {
        let next = action(0).next(&DeliveryOutcome::Failed, 8_640, Millis(0));
        assert_eq!(next, Next::Again(Millis(6)));
        assert_eq!(action(0).next(&DeliveryOutcome::Failed, 8_640, Millis(26_000)), Next::Failed);
    }
}
