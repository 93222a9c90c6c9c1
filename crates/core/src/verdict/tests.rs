//! The verdict as a table of recorded and documented answers, and its promises as properties.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;

fn answered(status: u16, body: &str) -> Outcome {
    Outcome::Answered(Answer { status, headers: HeaderMap::new(), body: Bytes::copy_from_slice(body.as_bytes()) })
}

fn waiting(status: u16, seconds: &'static str) -> Outcome {
    let headers = HeaderMap::from_iter([(http::header::RETRY_AFTER, HeaderValue::from_static(seconds))]);
    Outcome::Answered(Answer { status, headers, body: Bytes::new() })
}

fn attempt(effect: Effect) -> Attempt {
    let cost = CostClass::Ordinary;
    Attempt { effect, once: false, cost, number: 1, deadline: None, app: AppKind::Private, renewed: false }
}

fn judge(outcome: &Outcome, attempt: &Attempt) -> Verdict {
    verdict(outcome, attempt, Mono(0), &mut ChaCha8Rng::seed_from_u64(3))
}

fn seconds(from: u64, to: u64) -> std::ops::RangeInclusive<Duration> {
    Duration::from_secs(from)..=Duration::from_secs(to)
}

const TEN_SECONDLY: &str = r#"{"status":"error","message":"You have reached your ten_secondly_rolling limit.","errorType":"RATE_LIMIT","policyName":"TEN_SECONDLY_ROLLING"}"#;
const TEN_BY_MESSAGE: &str =
    r#"{"status":"error","message":"You have reached your ten_secondly_rolling limit.","category":"RATE_LIMITS"}"#;
const SEARCH_2022: &str =
    r#"{"status":"error","message":"You have reached your secondly limit.","category":"RATE_LIMITS"}"#;
const SEARCH_2026: &str =
    r#"{"status":"error","message":"You have reached your secondly limit.","errorType":"RATE_LIMIT"}"#;
const DAILY: &str = r#"{"status":"error","message":"You have reached your daily limit.","policyName":"DAILY"}"#;
const RATE_AS_500: &str = r#"{"status":"error","message":"Internal error","category":"RATE_LIMITS"}"#;
const INTERNAL: &str = r#"{"correlationId":"x","message":"internal error","status":"error"}"#;
const HTML: &str = "<!DOCTYPE html><title>502 Bad Gateway</title>";

#[test]
fn limits_are_known_by_policy_then_by_message() {
    let table = [
        (429, TEN_SECONDLY, Some(Policy::TenSecondly), seconds(1, 10)),
        (429, TEN_BY_MESSAGE, Some(Policy::TenSecondly), seconds(1, 10)),
        (429, SEARCH_2022, Some(Policy::Secondly), seconds(1, 1)),
        (429, SEARCH_2026, Some(Policy::Secondly), seconds(1, 1)),
        (429, HTML, None, seconds(0, 1)),
        (429, "", None, seconds(0, 1)),
        (500, RATE_AS_500, None, seconds(0, 1)),
    ];
    for (status, body, limit, wait) in table {
        for effect in [Effect::Safe, Effect::Idempotent, Effect::Unsafe] {
            match judge(&answered(status, body), &attempt(effect)) {
                Verdict::Retry { after, why: Why::RateLimited(named) } => {
                    assert_eq!(named, limit, "{body}");
                    assert!(wait.contains(&after), "{body}: {after:?}");
                }
                other => panic!("{body}: {other:?}"),
            }
        }
    }
}

#[test]
fn spent_day_is_parked_and_not_waited_for() {
    let verdict = judge(&answered(429, DAILY), &attempt(Effect::Unsafe));
    assert_eq!(verdict, Verdict::Park { after: None, why: Why::RateLimited(Some(Policy::Daily)) });
}

#[test]
fn budget_learns_the_limit_even_when_the_body_names_none() {
    let limit = |outcome: Outcome, cost| learned(&outcome, cost).limited;
    assert_eq!(limit(answered(429, ""), CostClass::Search), Some(Policy::Secondly));
    assert_eq!(limit(answered(429, HTML), CostClass::Ordinary), Some(Policy::TenSecondly));
    assert_eq!(limit(answered(429, SEARCH_2022), CostClass::Ordinary), Some(Policy::Secondly));
    assert_eq!(limit(answered(500, RATE_AS_500), CostClass::Ordinary), Some(Policy::TenSecondly));
    assert_eq!(limit(answered(500, INTERNAL), CostClass::Ordinary), None);
    assert_eq!(limit(answered(200, TEN_SECONDLY), CostClass::Ordinary), None);
}

#[test]
fn wait_that_hubspot_asks_for_is_kept() {
    let wait = |outcome: &Outcome| match judge(outcome, &attempt(Effect::Safe)) {
        Verdict::Retry { after, .. } => after,
        other => panic!("{other:?}"),
    };
    assert_eq!(wait(&waiting(429, "7")), Duration::from_secs(7));
    assert_eq!(wait(&waiting(477, "30")), Duration::from_secs(30));
    assert_eq!(wait(&answered(477, "")), MIGRATION_WAIT);
    assert!(seconds(2, 4).contains(&wait(&answered(423, ""))));
    assert!(wait(&waiting(503, "9")) >= Duration::from_secs(9));
    let day = Duration::from_secs(86_400);
    let parked = judge(&waiting(477, "86400"), &attempt(Effect::Safe));
    assert_eq!(parked, Verdict::Park { after: Some(day), why: Why::Migrating });
}

#[test]
fn failures_are_repeated_only_where_a_repeat_does_no_harm() {
    let cause = |kind| Cause { kind, detail: String::new() };
    let mut outcomes: Vec<Outcome> = [408, 500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526]
        .into_iter()
        .flat_map(|status| ["", HTML, INTERNAL].map(|body| answered(status, body)))
        .collect();
    outcomes.extend([CauseKind::Timeout, CauseKind::Closed, CauseKind::Body].map(|kind| Outcome::Lost(cause(kind))));
    for outcome in outcomes {
        assert_eq!(health(&outcome), Health::Trouble);
        assert_eq!(judge(&outcome, &attempt(Effect::Unsafe)), Verdict::Unknown, "{outcome:?}");
        for effect in [Effect::Safe, Effect::Idempotent] {
            let verdict = judge(&outcome, &attempt(effect));
            assert!(matches!(verdict, Verdict::Retry { .. }), "{outcome:?}: {verdict:?}");
        }
    }
    let unsent = Outcome::NotSent(cause(CauseKind::Connect));
    assert!(matches!(judge(&unsent, &attempt(Effect::Unsafe)), Verdict::Retry { why: Why::NotSent, .. }));
}

#[test]
fn refusals_are_answers() {
    for status in [200, 201, 204, 207, 302, 400, 403, 404, 405, 409, 413, 414, 415, 437, 501] {
        let outcome = answered(status, INTERNAL);
        assert_eq!(judge(&outcome, &attempt(Effect::Idempotent)), Verdict::Accept, "{status}");
        assert_eq!(health(&outcome), Health::Alive, "{status}");
    }
}

#[test]
fn refused_token_is_renewed_once_if_it_can_be() {
    let refused = answered(401, r#"{"category":"EXPIRED_AUTHENTICATION"}"#);
    assert_eq!(judge(&refused, &attempt(Effect::Safe)), Verdict::AskHuman);
    let oauth = Attempt { app: AppKind::Public, ..attempt(Effect::Unsafe) };
    assert_eq!(judge(&refused, &oauth), Verdict::Retry { after: Duration::ZERO, why: Why::TokenExpired });
    assert_eq!(judge(&refused, &Attempt { renewed: true, ..oauth }), Verdict::AskHuman);
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    let bodies =
        prop::sample::select(vec![TEN_SECONDLY, SEARCH_2022, DAILY, RATE_AS_500, INTERNAL, HTML, "", "[]", "7"]);
    let lost = Outcome::Lost(Cause { kind: CauseKind::Timeout, detail: String::new() });
    let unsent = Outcome::NotSent(Cause { kind: CauseKind::Connect, detail: String::new() });
    prop_oneof![
        4 => (100_u16..600, bodies).prop_map(|(status, body)| answered(status, body)),
        1 => prop::collection::vec(any::<u8>(), 0..40)
            .prop_map(|body| Outcome::Answered(Answer { status: 500, headers: HeaderMap::new(), body: body.into() })),
        1 => Just(lost),
        1 => Just(unsent),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn unsafe_call_is_never_repeated_once_it_may_have_happened(outcome in any_outcome(), seed: u64) {
        let verdict = verdict(&outcome, &attempt(Effect::Unsafe), Mono(0), &mut ChaCha8Rng::seed_from_u64(seed));
        let refused = match &outcome {
            Outcome::Answered(answer) => {
                matches!(answer.status, 401 | 423 | 429 | 477)
                    || answer.status == 500 && answer.body.windows(11).any(|text| text == b"RATE_LIMITS")
            }
            Outcome::NotSent(_) => true,
            Outcome::Lost(_) => false,
        };
        prop_assert!(refused || !matches!(verdict, Verdict::Retry { .. }), "{outcome:?}: {verdict:?}");
    }

    #[test]
    fn no_attempt_comes_after_the_tenth_or_after_the_deadline(
        outcome in any_outcome(), number in 1_u32..14, deadline in 0_u64..20_000_000, seed: u64,
    ) {
        let attempt = Attempt { number, deadline: Some(Mono(deadline)), ..attempt(Effect::Safe) };
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        if let Verdict::Retry { after, .. } = verdict(&outcome, &attempt, Mono(0), &mut dice) {
            prop_assert!(number < ATTEMPTS_MAX);
            prop_assert!(Mono(0) + after <= Mono(deadline));
        }
    }
}

#[test]
fn what_may_be_sent_once_is_never_sent_again() {
    let lost = Outcome::Lost(Cause { kind: CauseKind::Closed, detail: String::new() });
    let not_sent = Outcome::NotSent(Cause { kind: CauseKind::Connect, detail: String::new() });
    let failed = |why| Verdict::GiveUp { enough: Enough::Attempts, why };
    let limited = Why::RateLimited(Some(Policy::TenSecondly));
    for (outcome, safe, write) in [
        (lost, failed(Why::Lost), Verdict::Unknown),
        (not_sent, failed(Why::NotSent), failed(Why::NotSent)),
        (answered(503, ""), failed(Why::Failed(503)), Verdict::Unknown),
        (answered(429, TEN_SECONDLY), failed(limited), failed(limited)),
        (answered(423, ""), failed(Why::Locked), failed(Why::Locked)),
        (answered(400, ""), Verdict::Accept, Verdict::Accept),
    ] {
        for (effect, expected) in [(Effect::Safe, safe), (Effect::Idempotent, write), (Effect::Unsafe, write)] {
            assert_eq!(judge(&outcome, &Attempt { once: true, ..attempt(effect) }), expected, "{outcome:?} {effect:?}");
        }
    }
}
