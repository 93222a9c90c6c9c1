//! What the end of one attempt means: accept, try again, give up, wait for another day, ask a human.
//!
//! A decider: pure, and the one place where an outcome is judged. It never says what to do about a refused record; a
//! 400 or a 404 is an answer like any other.
//!
//! Invariant: a call whose repeat may create a second record is never repeated once HubSpot may have seen it, except
//! when HubSpot said that it did nothing (429, 423, 477, 401).

use std::time::Duration;

use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::call::{CostClass, Effect};
use linchpin_hubspot::limits::RateHeaders;
use rand_core::Rng;
use serde_json::Value;

use crate::schedule::budget::{Learned, Policy};
use crate::schedule::limits::AppKind;
use crate::schedule::retry::{ATTEMPTS_MAX, INTERNAL_ERROR_ATTEMPTS_MAX, backoff, up_to};
use crate::time::Mono;

/// The wait after a 429 of a limit by the second.
pub const SECONDLY_WAIT: Duration = Duration::from_secs(1);

/// The longest wait after a 429 of the ten-second window.
pub const TEN_SECONDLY_WAIT: Duration = Duration::from_secs(10);

/// The shortest wait after a 423 (HubSpot's errors page: at least two seconds).
pub const LOCKED_WAIT: Duration = Duration::from_secs(2);

/// The wait after a 477 that names none.
pub const MIGRATION_WAIT: Duration = Duration::from_secs(60);

/// A wait that HubSpot asks for and that is longer than this is not spent in memory: the call is parked.
pub const WAIT_MAX: Duration = Duration::from_secs(300);

/// The longest body that is parsed as an error.
pub const ERROR_BODY_MAX: usize = 256 * 1024;

/// How one attempt on the wire ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// HubSpot answered, with any status.
    Answered(Answer),
    /// Nothing left this machine: HubSpot cannot have seen the call.
    NotSent(Cause),
    /// The call left, or may have left, and no whole answer came back: nobody knows what HubSpot did.
    Lost(Cause),
}

/// Why there is no answer. Holds no secret and no personal value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {detail}")]
pub struct Cause {
    /// The step that failed.
    pub kind: CauseKind,
    /// What the system said about it, for a human.
    pub detail: String,
}

/// The step that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum CauseKind {
    /// The call could not be put together (URL or header that is none).
    #[error("the request could not be built")]
    Build,
    /// No connection: name, route, refusal, TLS.
    #[error("no connection")]
    Connect,
    /// The answer did not come in time.
    #[error("no answer in time")]
    Timeout,
    /// The connection ended before the answer was whole.
    #[error("the connection ended early")]
    Closed,
    /// The answer was larger than the limit for bodies, or could not be decompressed.
    #[error("the answer could not be read")]
    Body,
    /// There is no credential that could be used: none is configured, or it is dead.
    #[error("no usable credential")]
    Credential,
    /// The attempt was abandoned from our side (shutdown, a panic, a caller that left).
    #[error("the attempt was abandoned")]
    Abandoned,
}

/// What must be known of a call to judge its outcome.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// What a repeat would do.
    pub effect: Effect,
    /// There may be no repeat, whatever it would do.
    pub once: bool,
    /// What it costs.
    pub cost: CostClass,
    /// The number of this attempt, from one.
    pub number: u32,
    /// When the caller stops waiting.
    pub deadline: Option<Mono>,
    /// What kind of app the credential belongs to: only OAuth tokens can be renewed.
    pub app: AppKind,
    /// Whether the token was already renewed for this call.
    pub renewed: bool,
}

/// Why an attempt is repeated or parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// A limit was exceeded; which one, if HubSpot says.
    RateLimited(Option<Policy>),
    /// The records are locked by other writes (423).
    Locked,
    /// The account is being moved (477).
    Migrating,
    /// HubSpot failed (5xx, or 408).
    Failed(u16),
    /// No answer came, and a repeat does no harm.
    Lost,
    /// Nothing was sent.
    NotSent,
    /// The token has expired and can be renewed.
    TokenExpired,
}

/// Why there will be no more attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Enough {
    /// There were as many as there may be.
    Attempts,
    /// The next one would come after the caller's deadline.
    Deadline,
}

/// What to do about an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the answer, whatever it says.
    Accept,
    /// Try again.
    Retry {
        /// Not before so long.
        after: Duration,
        /// Why.
        why: Why,
    },
    /// Stop trying.
    GiveUp {
        /// Why no more.
        enough: Enough,
        /// What the last attempt met.
        why: Why,
    },
    /// Nothing can be done for long: put the work away.
    Park {
        /// How long HubSpot asks for; none if the day's end decides.
        after: Option<Duration>,
        /// Why.
        why: Why,
    },
    /// The credential is dead: only a person can help.
    AskHuman,
    /// HubSpot may have done it, and a repeat may do it twice: find out before anything else.
    Unknown,
}

/// What can be read of an error body, without ever failing: HubSpot has several shapes, and answers HTML and nothing
/// as well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ErrorView {
    category: String,
    policy: String,
    message: String,
}

impl ErrorView {
    fn parse(body: &[u8]) -> Self {
        if body.len() > ERROR_BODY_MAX {
            return Self::default();
        }
        let Ok(body) = serde_json::from_slice::<Value>(body) else { return Self::default() };
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
        let errors_category =
            body.pointer("/errors/0/category").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
        let category = Some(text("category")).filter(|category| !category.is_empty()).unwrap_or(errors_category);
        Self { category, policy: text("policyName"), message: text("message") }
    }

    /// The limit that a 429 is about: by its policy, else by its message.
    fn limit(&self) -> Option<Policy> {
        let named = |text: &str| {
            let table =
                [("ten_secondly", Policy::TenSecondly), ("secondly", Policy::Secondly), ("daily", Policy::Daily)];
            table.into_iter().find(|(name, _)| text.contains(name)).map(|(_, policy)| policy)
        };
        named(&self.policy).or_else(|| named(&self.message))
    }
}

/// Whether an answer is a refusal for going too fast. HubSpot also says so with a 500.
fn is_rate_limited(answer: &Answer, error: &ErrorView) -> bool {
    answer.status == 429 || (answer.status == 500 && error.category == "rate_limits")
}

/// What an outcome teaches the budget.
pub fn learned(outcome: &Outcome, cost: CostClass) -> Learned {
    let Outcome::Answered(answer) = outcome else { return Learned::default() };
    let headers = RateHeaders::read(&answer.headers);
    if answer.status != 429 && answer.status != 500 {
        return Learned { headers, limited: None };
    }
    let error = ErrorView::parse(&answer.body);
    let by_cost = match cost {
        CostClass::Ordinary | CostClass::AssociationBatch => Policy::TenSecondly,
        CostClass::Search | CostClass::Token | CostClass::Journal => Policy::Secondly,
    };
    let limited = is_rate_limited(answer, &error).then(|| error.limit().unwrap_or(by_cost));
    Learned { headers, limited }
}

/// What an outcome says about the health of HubSpot and the way there: what breakers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answered, if only to refuse.
    Alive,
    /// It failed, or could not be reached.
    Trouble,
    /// Nothing: the attempt ended on our side.
    Unseen,
}

/// Reads an outcome as a sign of health.
pub fn health(outcome: &Outcome) -> Health {
    match outcome {
        Outcome::Answered(answer) => {
            let failed = is_failure(answer.status) && !is_rate_limited(answer, &ErrorView::parse(&answer.body));
            if failed { Health::Trouble } else { Health::Alive }
        }
        Outcome::NotSent(cause) => match cause.kind {
            CauseKind::Build | CauseKind::Credential | CauseKind::Abandoned => Health::Unseen,
            CauseKind::Connect | CauseKind::Timeout | CauseKind::Closed | CauseKind::Body => Health::Trouble,
        },
        Outcome::Lost(cause) if cause.kind == CauseKind::Abandoned => Health::Unseen,
        Outcome::Lost(_) => Health::Trouble,
    }
}

fn is_failure(status: u16) -> bool {
    matches!(status, 408 | 500 | 502..=504 | 507..=599)
}

/// Whether an answer that stood after all attempts passes by itself, and how long that takes at least: what a durable
/// write may wait for. A failure of HubSpot's own tells nothing about what it did, so only a write that may be repeated
/// waits for its end.
pub fn passes(status: u16, repeatable: bool) -> Option<Duration> {
    match status {
        423 => Some(LOCKED_WAIT),
        429 => Some(TEN_SECONDLY_WAIT),
        477 => Some(MIGRATION_WAIT),
        status if repeatable && is_failure(status) => Some(Duration::ZERO),
        _ => None,
    }
}

/// Judges the end of one attempt.
pub fn verdict(outcome: &Outcome, attempt: &Attempt, now: Mono, dice: &mut impl Rng) -> Verdict {
    let proposal = match outcome {
        Outcome::Answered(answer) => judge_answer(answer, attempt, dice),
        Outcome::NotSent(cause) if cause.kind == CauseKind::Build => {
            // The same call would fail the same way.
            Verdict::GiveUp { enough: Enough::Attempts, why: Why::NotSent }
        }
        Outcome::NotSent(cause) if cause.kind == CauseKind::Credential => Verdict::AskHuman,
        Outcome::NotSent(_) => Verdict::Retry { after: backoff(attempt.number, dice), why: Why::NotSent },
        Outcome::Lost(_) => repeat_or_unknown(attempt, Why::Lost, dice),
    };
    let Verdict::Retry { after, why } = proposal else { return proposal };
    let attempts_max = if why == Why::Failed(500) { INTERNAL_ERROR_ATTEMPTS_MAX } else { ATTEMPTS_MAX };
    if attempt.once || attempt.number >= attempts_max {
        return Verdict::GiveUp { enough: Enough::Attempts, why };
    }
    if attempt.deadline.is_some_and(|deadline| now + after > deadline) {
        return Verdict::GiveUp { enough: Enough::Deadline, why };
    }
    if after > WAIT_MAX {
        return Verdict::Park { after: Some(after), why };
    }
    proposal
}

fn judge_answer(answer: &Answer, attempt: &Attempt, dice: &mut impl Rng) -> Verdict {
    let asked = retry_after(answer);
    match answer.status {
        401 => match attempt.app {
            AppKind::Public if !attempt.renewed => Verdict::Retry { after: Duration::ZERO, why: Why::TokenExpired },
            AppKind::Public | AppKind::Private => Verdict::AskHuman,
        },
        423 => {
            let after = LOCKED_WAIT.max(asked.unwrap_or_default()) + up_to(LOCKED_WAIT, dice);
            Verdict::Retry { after, why: Why::Locked }
        }
        477 => Verdict::Retry { after: asked.unwrap_or(MIGRATION_WAIT), why: Why::Migrating },
        429 | 500 => {
            let error = ErrorView::parse(&answer.body);
            if is_rate_limited(answer, &error) {
                judge_rate_limit(error.limit(), asked, attempt.number, dice)
            } else {
                repeat_or_unknown(attempt, Why::Failed(answer.status), dice)
            }
        }
        status if is_failure(status) => {
            let verdict = repeat_or_unknown(attempt, Why::Failed(status), dice);
            match (verdict, asked) {
                (Verdict::Retry { after, why }, Some(asked)) => Verdict::Retry { after: after.max(asked), why },
                (verdict, _) => verdict,
            }
        }
        _ => Verdict::Accept,
    }
}

fn judge_rate_limit(limit: Option<Policy>, asked: Option<Duration>, number: u32, dice: &mut impl Rng) -> Verdict {
    let why = Why::RateLimited(limit);
    let own = match limit {
        Some(Policy::Daily) => return Verdict::Park { after: asked, why },
        Some(Policy::Secondly) => SECONDLY_WAIT,
        Some(Policy::TenSecondly) => SECONDLY_WAIT.max(up_to(TEN_SECONDLY_WAIT, dice)),
        None => match asked {
            Some(asked) => asked,
            None => backoff(number, dice),
        },
    };
    Verdict::Retry { after: own.max(asked.unwrap_or_default()), why }
}

/// HubSpot may have done the call.
fn repeat_or_unknown(attempt: &Attempt, why: Why, dice: &mut impl Rng) -> Verdict {
    match attempt.effect {
        // A write that would be repeated if it could be is as unknown to its caller as any other.
        Effect::Idempotent if attempt.once => Verdict::Unknown,
        Effect::Safe | Effect::Idempotent => Verdict::Retry { after: backoff(attempt.number, dice), why },
        Effect::Unsafe => Verdict::Unknown,
    }
}

/// `Retry-After` in seconds. HubSpot documents it for 477 only; honoured wherever it stands.
fn retry_after(answer: &Answer) -> Option<Duration> {
    let seconds = answer.headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests;
