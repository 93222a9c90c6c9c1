//! Faults on demand: which calls go wrong, and how.
//!
//! Pure: rules are data, matching needs the call and, for a probability, the dice. Every rule whose pattern fits sees
//! the call, so that `nth` counts matching calls and not rolls; latency adds up, of the other kinds the first wins.

use http::Method;
use rand_core::Rng;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    dice,
    envelope::{self, Envelope},
    model::{decode, encode},
    wire::{ApiAnswer, Millis},
};

/// The rules that may be armed at once.
pub const FAULT_RULES_MAX: usize = 1_000;
/// The longest delay that a rule may ask for, in milliseconds: HubSpot's edge gives up after 100 s.
pub const FAULT_DELAY_MS_MAX: u64 = 600_000;

/// One rule: which calls, when, and what happens to them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Only calls of this method; any without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only calls of this path: a prefix, or a pattern of the whole path if it holds `*` (one segment) or `**` (any
    /// number of them).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Only the nth matching call, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// Each matching call with this probability, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// At most so many times; without it, forever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// What happens.
    pub fault: Fault,
}

/// What may happen to a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The call takes longer.
    Latency {
        /// By so many milliseconds.
        ms: u64,
    },
    /// The call is answered with a status of its own choice: 502 to 526 as HTML from the edge, others as JSON.
    Status {
        /// The HTTP status, 400 to 599.
        status: u16,
        /// Sent as `Retry-After`, in seconds. 477 has one hour without it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_s: Option<u64>,
        /// Whether the call is executed all the same, as behind a 504.
        #[serde(default)]
        executed: bool,
        /// Another body than the usual one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<String>,
    },
    /// The call is refused as by a rate limit.
    RateLimit {
        /// Whose.
        policy: ForcedPolicy,
        /// Whether it is answered 500 with category `RATE_LIMITS`, as clients have seen now and then, and not 429.
        #[serde(default)]
        as_500: bool,
    },
    /// The connection is cut before anything happens. With braces, as serde lets any key pass beside a bare name.
    Reset {},
    /// The call is executed, and the connection is cut before a byte of the answer.
    LostAnswer {
        /// Only so many milliseconds after the cut: a client that looks at once finds nothing yet. It is counted on
        /// the limits at its usual moment.
        #[serde(default, skip_serializing_if = "is_zero")]
        executed_after_ms: u64,
    },
    /// The head of the answer comes in time and its body in drops.
    SlowBody {
        /// From the first byte to the last, in milliseconds.
        over_ms: u64,
    },
}

/// The limit that a forced 429 names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForcedPolicy {
    /// `TEN_SECONDLY_ROLLING`
    TenSecondly,
    /// The search limit.
    Secondly,
    /// `DAILY`
    Daily,
}

/// Why a rule is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FaultRuleError {
    /// There are too many.
    #[error("at most {FAULT_RULES_MAX} fault rules can be armed at once; clear some with DELETE /_control/faults")]
    TooMany,
    /// The method is none.
    #[error("`method` is not an HTTP method: {0}")]
    Method(String),
    /// The path does not begin with a slash.
    #[error("`path` must begin with a slash: {0}")]
    Path(String),
    /// The counter begins at one.
    #[error("`nth` and `times` count from 1")]
    Zero,
    /// The probability is none.
    #[error("`probability` must be between 0 and 1")]
    Probability,
    /// The status is no error.
    #[error("`status` must be between 400 and 599, not {0}")]
    Status(u16),
    /// The delay is too long.
    #[error("a delay of {0} ms is longer than {FAULT_DELAY_MS_MAX} ms")]
    Delay(u64),
}

impl FaultRule {
    /// Makes a rule for every call.
    pub fn always(fault: Fault) -> Self {
        Self { method: None, path: None, nth: None, probability: None, times: None, fault }
    }

    fn validate(&self) -> Result<(), FaultRuleError> {
        if let Some(method) = &self.method
            && (Method::from_bytes(method.as_bytes()).is_err() || method.bytes().any(|byte| byte.is_ascii_lowercase()))
        {
            return Err(FaultRuleError::Method(method.clone()));
        }
        if let Some(path) = &self.path
            && !path.starts_with('/')
        {
            return Err(FaultRuleError::Path(path.clone()));
        }
        if self.nth == Some(0) || self.times == Some(0) {
            return Err(FaultRuleError::Zero);
        }
        if self.probability.is_some_and(|probability| !(0.0..=1.0).contains(&probability)) {
            return Err(FaultRuleError::Probability);
        }
        match self.fault {
            Fault::Status { status, .. } if !(400..600).contains(&status) => Err(FaultRuleError::Status(status)),
            Fault::Latency { ms } | Fault::SlowBody { over_ms: ms } | Fault::LostAnswer { executed_after_ms: ms }
                if ms > FAULT_DELAY_MS_MAX =>
            {
                Err(FaultRuleError::Delay(ms))
            }
            Fault::Latency { .. }
            | Fault::SlowBody { .. }
            | Fault::Status { .. }
            | Fault::RateLimit { .. }
            | Fault::Reset {}
            | Fault::LostAnswer { .. } => Ok(()),
        }
    }

    fn fits(&self, method: &Method, path: &str) -> bool {
        self.method.as_deref().is_none_or(|wanted| wanted == method.as_str())
            && self.path.as_deref().is_none_or(|pattern| path_fits(&canonical(pattern), path))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(ms: &u64) -> bool {
    *ms == 0
}

/// What the rules say to one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) extra_latency_ms: u64,
    /// Never `Fault::Latency`.
    pub(crate) fault: Option<Fault>,
}

/// A rule and its history.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Armed {
    id: u64,
    rule: FaultRule,
    seen: u64,
    fired: u64,
}

/// All rules, in the order in which they were armed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    armed: Vec<Armed>,
    last_id: u64,
}

impl Faults {
    /// Arms rules: all, or none and the first reason.
    pub(crate) fn arm(&mut self, rules: Vec<FaultRule>) -> Result<(), FaultRuleError> {
        if self.armed.len() + rules.len() > FAULT_RULES_MAX {
            return Err(FaultRuleError::TooMany);
        }
        rules.iter().try_for_each(FaultRule::validate)?;
        for rule in rules {
            self.last_id += 1;
            self.armed.push(Armed { id: self.last_id, rule, seen: 0, fired: 0 });
        }
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
        self.armed.clear();
    }

    /// Disarms one rule; false when there is none of that number.
    pub(crate) fn disarm(&mut self, id: u64) -> bool {
        let before = self.armed.len();
        self.armed.retain(|armed| armed.id != id);
        self.armed.len() < before
    }

    pub(crate) fn list(&self) -> &[Armed] {
        &self.armed
    }

    /// Decides about one call.
    pub(crate) fn strike(&mut self, method: &Method, path: &str, dice: &mut dyn Rng) -> Trouble {
        let mut trouble = Trouble::default();
        if self.armed.is_empty() {
            return trouble;
        }
        let path = &canonical(path);
        for armed in &mut self.armed {
            if !armed.rule.fits(method, path) {
                continue;
            }
            armed.seen += 1;
            let spent = armed.rule.times.is_some_and(|times| armed.fired >= times);
            let turn = armed.rule.nth.is_none_or(|nth| nth == armed.seen);
            if spent || !turn || !armed.rule.probability.is_none_or(|odds| dice::chance(dice, odds)) {
                continue;
            }
            match &armed.rule.fault {
                Fault::Latency { ms } => trouble.extra_latency_ms += ms,
                _ if trouble.fault.is_some() => continue,
                fault => trouble.fault = Some(fault.clone()),
            }
            armed.fired += 1;
        }
        trouble
    }
}

impl Fault {
    /// The name in the ledger.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Latency { .. } => "latency",
            Self::Status { .. } => "status",
            Self::RateLimit { .. } => "rate_limit",
            Self::Reset {} => "reset",
            Self::LostAnswer { .. } => "lost_answer",
            Self::SlowBody { .. } => "slow_body",
        }
    }
}

/// The answer of a `Status` fault. The bodies of 423 and 477 are not recorded anywhere: the plain envelope stands in.
pub(crate) fn status_answer(
    status: u16,
    retry_after_s: Option<u64>,
    body: Option<&str>,
    now: Millis,
    dice: &mut dyn Rng,
) -> ApiAnswer {
    let mut answer = match (body, status) {
        (Some(body), _) => envelope::verbatim(status, body.to_owned()),
        (None, 502..=526) => envelope::html(status, edge_title(status)),
        (None, 423) => Envelope::new(423, "The resource is locked.").answer(now, dice),
        (None, 477) => Envelope::new(477, "This account is being migrated.").answer(now, dice),
        (None, 500) => Envelope::new(500, "internal error").answer(now, dice),
        (None, _) => Envelope::new(status, "There was a problem with the request.").answer(now, dice),
    };
    let wait = retry_after_s.or((status == 477).then_some(3_600));
    if let Some(seconds) = wait {
        answer.headers.insert(http::header::RETRY_AFTER, seconds.into());
    }
    answer
}

fn edge_title(status: u16) -> &'static str {
    match status {
        502 => "Bad Gateway",
        503 => "Service Temporarily Unavailable",
        504 => "Gateway Time-out",
        521 => "Web server is down",
        522 => "Connection timed out",
        523 => "Origin is unreachable",
        524 => "Origin Time-out",
        _ => "Error",
    }
}

/// A path or a pattern with every escape written in one way, so that another spelling is no other path.
fn canonical(path: &str) -> String {
    let segment = |text: &str| if matches!(text, "*" | "**") { text.to_owned() } else { encode(&decode(text, false)) };
    let segments: Vec<String> = path.split('/').map(segment).collect();
    segments.join("/")
}

/// Whether a canonical path fits a canonical pattern.
fn path_fits(pattern: &str, path: &str) -> bool {
    if !pattern.contains('*') {
        return path.starts_with(pattern);
    }
    let pattern: Vec<&str> = pattern.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    // One row of the usual table: `reach[i]` says whether the pattern so far fits the first `i` segments.
    let mut reach = vec![false; path.len() + 1];
    if let Some(start) = reach.first_mut() {
        *start = true;
    }
    for part in pattern {
        reach = match part {
            "**" => reach
                .iter()
                .scan(false, |any, &here| {
                    *any |= here;
                    Some(*any)
                })
                .collect(),
            part => std::iter::once(false)
                .chain(path.iter().zip(&reach).map(|(segment, &here)| here && (part == "*" || part == *segment)))
                .collect(),
        };
    }
    reach.last() == Some(&true)
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    use super::*;

    fn strikes(rule: FaultRule, calls: usize) -> Vec<bool> {
        let mut dice = ChaCha8Rng::seed_from_u64(1);
        let mut faults = Faults::default();
        faults.arm(vec![rule]).unwrap();
        (0..calls).map(|_| faults.strike(&Method::GET, "/a", &mut dice).fault.is_some()).collect()
    }

    #[test]
    fn paths_fit_by_prefix_or_by_pattern() {
        let table = [
            ("/crm/v3", "/crm/v3/objects", true),
            ("/crm/v3", "/crm/v4/objects", false),
            ("/crm/v3/objects/*/batch/*", "/crm/v3/objects/deals/batch/read", true),
            ("/crm/v3/objects/*", "/crm/v3/objects/deals/batch/read", false),
            ("/crm/**/batch/*", "/crm/objects/2026-03/deals/batch/read", true),
            ("/crm/**/batch/read", "/crm/v3/objects/deals/batch/create", false),
            ("/crm/**", "/crm/v3", true),
            ("/**/read", "/read", true),
        ];
        for (pattern, path, expected) in table {
            assert_eq!(path_fits(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn a_path_with_escapes_is_struck_like_the_plain_one() {
        let table = [
            ("/crm/v3/objects/contacts", "/crm/v3/objects/%63ontacts/search", true),
            ("/crm/**/search", "/crm/%763/objects/contacts/%73earch", true),
            ("/settings/v3/users/rey@x.test", "/settings/v3/users/rey%40x.test", true),
            ("/settings/v3/users/rey%40x.test", "/settings/v3/users/rey@x.test", true),
            ("/crm/v3/objects/*", "/crm/v3/objects/a%2Fb", true),
            ("/crm/v3/objects/a/b", "/crm/v3/objects/a%2Fb", false),
        ];
        for (pattern, path, expected) in table {
            let mut faults = Faults::default();
            let rule = FaultRule { path: Some(pattern.to_owned()), ..FaultRule::always(Fault::Reset) };
            faults.arm(vec![rule]).unwrap();
            let mut dice = ChaCha8Rng::seed_from_u64(1);
            assert_eq!(faults.strike(&Method::GET, path, &mut dice).fault.is_some(), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn nth_times_and_probability_choose_the_calls() {
        let rule = FaultRule::always(Fault::Reset {});
        assert_eq!(strikes(FaultRule { nth: Some(2), ..rule.clone() }, 4), [false, true, false, false]);
        assert_eq!(strikes(FaultRule { times: Some(2), ..rule.clone() }, 4), [true, true, false, false]);
        let often = strikes(FaultRule { probability: Some(0.25), ..rule.clone() }, 1_000);
        let hits = often.iter().filter(|hit| **hit).count();
        assert!((200..300).contains(&hits), "{hits}");
        assert_eq!(strikes(FaultRule { method: Some("POST".into()), ..rule }, 2), [false, false]);
    }

    #[test]
    fn one_rule_is_disarmed_by_its_number_and_numbers_are_not_used_again() {
        let mut faults = Faults::default();
        faults.arm(vec![FaultRule::always(Fault::Reset {}); 3]).unwrap();
        assert!(faults.disarm(2) && !faults.disarm(2));
        faults.arm(vec![FaultRule::always(Fault::Reset {})]).unwrap();
        assert_eq!(faults.list().iter().map(|armed| armed.id).collect::<Vec<_>>(), [1, 3, 4]);
    }

    #[test]
    fn latency_adds_up_and_of_the_others_the_first_wins() {
        let mut dice = ChaCha8Rng::seed_from_u64(1);
        let mut faults = Faults::default();
        let kinds = [
            Fault::Latency { ms: 5 },
            Fault::Reset {},
            Fault::LostAnswer { executed_after_ms: 0 },
            Fault::Latency { ms: 7 },
        ];
        faults.arm(kinds.into_iter().map(FaultRule::always).collect()).unwrap();
        let trouble = faults.strike(&Method::GET, "/a", &mut dice);
        assert_eq!(trouble, Trouble { extra_latency_ms: 12, fault: Some(Fault::Reset {}) });
    }

    #[test]
    fn a_bad_rule_arms_nothing() {
        let good = FaultRule::always(Fault::Reset {});
        let bad = [
            FaultRule { method: Some("get".into()), ..good.clone() },
            FaultRule { path: Some("crm".into()), ..good.clone() },
            FaultRule { nth: Some(0), ..good.clone() },
            FaultRule { probability: Some(1.5), ..good.clone() },
            FaultRule::always(Fault::Latency { ms: FAULT_DELAY_MS_MAX + 1 }),
            FaultRule::always(Fault::LostAnswer { executed_after_ms: FAULT_DELAY_MS_MAX + 1 }),
            FaultRule::always(Fault::Status { status: 200, retry_after_s: None, executed: false, body: None }),
        ];
        for rule in bad {
            let mut faults = Faults::default();
            assert!(faults.arm(vec![good.clone(), rule.clone()]).is_err(), "{rule:?}");
            assert!(faults.list().is_empty());
        }
    }

    #[test]
    fn the_edge_answers_in_html_and_the_api_in_json() {
        let mut dice = ChaCha8Rng::seed_from_u64(1);
        for (status, html, retry_after) in
            [(500, false, None), (423, false, None), (477, false, Some("3600")), (502, true, None), (524, true, None)]
        {
            let answer = status_answer(status, None, None, Millis(0), &mut dice);
            assert_eq!(answer.status, status);
            assert_eq!(answer.body.starts_with(b"<html>"), html, "{status}");
            let header = answer.headers.get("retry-after").map(|value| value.to_str().unwrap());
            assert_eq!(header, retry_after, "{status}");
        }
    }

    #[test]
    fn rules_read_as_json_and_a_misspelt_key_is_refused() {
        let text = r#"{"path":"/crm","nth":3,"fault":{"kind":"status","status":503}}"#;
        let rule: FaultRule = serde_json::from_str(text).unwrap();
        assert_eq!(rule.nth, Some(3));
        let plain: FaultRule = serde_json::from_str(r#"{"fault":{"kind":"lost_answer"}}"#).unwrap();
        assert_eq!(plain.fault, Fault::LostAnswer { executed_after_ms: 0 });
        assert!(serde_json::from_str::<FaultRule>(r#"{"pth":"/crm","fault":{"kind":"reset"}}"#).is_err());
    }
}
