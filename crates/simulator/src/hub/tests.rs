//! Tests of the hub: when calls are counted, what faults do, and that a seed decides everything.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use serde_json::{Value, json};

use super::*;
use crate::LATENCY_MS_MAX;
use crate::{Tier, ledger::Entry, limits::WindowModel};

const NOON: Millis = Millis(1_763_726_400_000);
const CONTACTS: &str = "/crm/v3/objects/contacts";

struct Bench {
    hub: Hub,
    dice: ChaCha8Rng,
}

fn options() -> SimOptions {
    SimOptions { tokens: vec![TokenSpec::new("pat-good", 7)], seed: 1, ..SimOptions::default() }
}

fn bench(options: &SimOptions) -> Bench {
    let mut dice = ChaCha8Rng::seed_from_u64(options.seed);
    Bench { hub: Hub::new(options, NOON, &mut dice).unwrap(), dice }
}

fn request(method: Method, path: &str, body: &str) -> ApiRequest {
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer pat-good"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    ApiRequest { method, path: path.into(), query: String::new(), headers, body: Bytes::from(body.to_owned()) }
}

fn list() -> ApiRequest {
    request(Method::GET, CONTACTS, "")
}

fn search() -> ApiRequest {
    request(Method::POST, "/crm/v3/objects/contacts/search", "{}")
}

fn create(email: &str) -> ApiRequest {
    let body = json!({"properties": {"email": email}});
    request(Method::POST, CONTACTS, &body.to_string())
}

impl Bench {
    fn arm(&mut self, fault: Value) {
        let rule: FaultRule = serde_json::from_value(fault).unwrap();
        self.hub.arm_faults(vec![rule]).unwrap();
    }

    fn arrive(&mut self, request: ApiRequest, at: i64) -> CallId {
        self.hub.arrive(request, Millis(NOON.0 + at), &mut self.dice)
    }

    fn advance(&mut self, to: i64) -> Vec<(CallId, Outcome)> {
        self.hub.advance(Millis(NOON.0 + to), &mut self.dice);
        self.hub.take_answers()
    }

    /// One call, alone, to its end.
    fn call(&mut self, request: ApiRequest) -> Outcome {
        let now = self.hub.now.0 - NOON.0;
        self.arrive(request, now);
        self.advance(now + 1_000_000).remove(0).1
    }

    fn answer(&mut self, request: ApiRequest) -> ApiAnswer {
        match self.call(request) {
            Outcome::Answered(answer) => answer,
            other => panic!("no answer: {other:?}"),
        }
    }

    fn entries(&self) -> Vec<Entry> {
        self.hub.ledger().snapshot().entries().cloned().collect()
    }

    fn contacts(&self) -> usize {
        self.hub.portal(self.hub.first_portal()).unwrap().dump("contacts").map(|records| records.len()).unwrap()
    }
}

#[test]
fn a_call_is_counted_inside_its_latency_and_answered_at_its_end() {
    let mut bench = bench(&SimOptions { latency_ms: 100, tier: Tier::Unlimited, ..options() });
    for at in 0..500 {
        bench.arrive(list(), at * 10);
    }
    bench.advance(1_000_000);
    let entries = bench.entries();
    assert_eq!(entries.len(), 500);
    assert!(entries.iter().all(|entry| entry.arrived <= entry.time && entry.time <= entry.answered));
    // The moment is neither always the arrival nor always the answer.
    assert!(entries.iter().any(|entry| entry.time.0 - entry.arrived.0 > 30));
    assert!(entries.iter().any(|entry| entry.answered.0 - entry.time.0 > 30));
}

#[test]
fn answers_come_when_they_are_due_and_not_before() {
    let mut bench = bench(&SimOptions { latency_ms: 100, ..options() });
    let id = bench.arrive(list(), 0);
    let mut waits = 0;
    while let Some(due) = bench.hub.next_due() {
        assert!(bench.hub.take_answers().is_empty());
        bench.hub.advance(due, &mut bench.dice);
        waits += 1;
    }
    assert!(waits <= 2, "counted, then answered");
    assert_eq!(bench.hub.take_answers().iter().map(|(id, _)| *id).collect::<Vec<_>>(), [id]);
    assert_eq!(bench.hub.in_flight(), 0);
}

#[test]
fn without_latency_a_call_is_answered_at_once() {
    let mut bench = bench(&options());
    bench.arrive(list(), 5);
    assert_eq!(bench.advance(5).len(), 1);
}

#[test]
fn the_same_seed_and_arrivals_give_the_same_bytes_whenever_the_driver_wakes() {
    let run = |wakes: &[i64]| {
        let mut bench = bench(&SimOptions { latency_ms: 80, ..options() });
        bench.arm(json!({"probability": 0.3, "fault": {"kind": "lost_answer"}}));
        let mut outcomes = Vec::new();
        for at in 0..60 {
            bench.arrive(create(&format!("person{at}@example.com")), at * 20);
            for wake in wakes {
                outcomes.extend(bench.advance(at * 20 + wake));
            }
        }
        outcomes.extend(bench.advance(1_000_000));
        (format!("{outcomes:?}"), bench.entries())
    };
    let lazy = run(&[]);
    assert_eq!(lazy, run(&[]));
    assert_eq!(lazy, run(&[1, 7, 19]));
}

#[test]
fn the_ten_seconds_refuse_the_next_call_with_the_body_that_sdks_know() {
    for window in [WindowModel::Exact, WindowModel::Seconds] {
        let mut bench = bench(&SimOptions { window, ..options() });
        for _ in 0..190 {
            bench.arrive(list(), 0);
        }
        bench.arrive(list(), 1);
        let outcomes = bench.advance(1);
        let Outcome::Answered(last) = &outcomes.last().unwrap().1 else { panic!() };
        let body: Value = serde_json::from_slice(&last.body).unwrap();
        assert_eq!((last.status, &body["policyName"]), (429, &json!("TEN_SECONDLY_ROLLING")));
        assert_eq!(last.headers["x-hubspot-ratelimit-remaining"], "0");
        let entries = bench.entries();
        assert_eq!(entries[0].counted.names().collect::<Vec<_>>(), ["burst", "day"]);
        assert_eq!(entries[190].counted.names().collect::<Vec<_>>(), ["day"]);
        assert_eq!(bench.hub.ledger().stats().rate_limited, 1);
    }
}

#[test]
fn the_date_of_an_answer_is_that_of_the_simulated_clock() {
    let mut bench = bench(&options());
    bench.arm(json!({"fault": {"kind": "latency", "ms": 2_000}}));
    bench.arrive(list(), 0);
    let Outcome::Answered(answer) = bench.advance(60_000).remove(0).1 else { panic!() };
    assert_eq!(answer.headers["date"], "Fri, 21 Nov 2025 12:00:02 GMT");
}

#[test]
fn printing_a_hub_or_a_request_shows_no_token_and_no_record() {
    let mut bench = bench(&SimOptions { latency_ms: 100, ..options() });
    bench.arrive(list(), 0);
    bench.arrive(create("ada@example.com"), 0);
    let printed = format!("{:?} {:?}", bench.hub, list());
    assert!(printed.contains("in_flight: 2"), "{printed}");
    assert!(!printed.contains("pat-good") && !printed.contains("ada@"), "{printed}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_ledger_shows_no_window_above_its_limit_and_no_refusal_below_it(
        gaps in proptest::collection::vec(0_i64..60, 300..700),
        seed in any::<u64>(),
        window in prop_oneof![Just(WindowModel::Exact), Just(WindowModel::Seconds)],
    ) {
        let mut bench = bench(&SimOptions { latency_ms: 120, window, seed, ..options() });
        let mut at = 0;
        for (number, gap) in gaps.iter().enumerate() {
            at += gap;
            bench.arrive(if number % 9 == 0 { search() } else { list() }, at);
        }
        bench.advance(1_000_000);
        let entries = bench.entries();
        for (bucket, limit, span) in [(Counted::BURST, 190, 10_000), (Counted::SEARCH, 5, 1_000)] {
            for (place, entry) in entries.iter().enumerate() {
                let inside = |other: &&Entry| other.counted.contains(bucket) && match window {
                    WindowModel::Exact => other.time.0 > entry.time.0 - span,
                    WindowModel::Seconds => other.time.0.div_euclid(1_000) > (entry.time.0 - span).div_euclid(1_000),
                };
                let before = entries[..place].iter().filter(inside).count();
                let of_this_bucket = entry.route.ends_with("search") == (bucket == Counted::SEARCH);
                prop_assert!(!of_this_bucket || (before < limit) == (entry.status != Some(429)), "{entry:?} {before}");
                prop_assert!(before <= limit);
            }
        }
    }
}

#[test]
fn a_lost_answer_has_really_written() {
    let mut bench = bench(&options());
    bench.arm(json!({"nth": 1, "fault": {"kind": "lost_answer"}}));
    assert!(matches!(bench.call(create("a@example.com")), Outcome::AnswerLost));
    assert_eq!(bench.contacts(), 1);
    let entry = bench.entries().remove(0);
    assert_eq!((entry.status, entry.fault), (Some(201), Some("lost_answer")));
}

#[test]
fn a_reset_call_does_nothing_and_counts_nowhere() {
    let mut bench = bench(&options());
    bench.arm(json!({"times": 1, "fault": {"kind": "reset"}}));
    assert!(matches!(bench.call(create("a@example.com")), Outcome::Reset));
    assert_eq!(bench.contacts(), 0);
    let entry = bench.entries().remove(0);
    assert_eq!((entry.status, entry.counted), (None, Counted::NONE));
    assert_eq!(bench.hub.ledger().stats().requests, 0);
    assert_eq!(bench.answer(create("a@example.com")).status, 201);
}

#[test]
fn a_status_fault_writes_only_when_told_to() {
    let mut bench = bench(&options());
    bench.arm(json!({"nth": 1, "fault": {"kind": "status", "status": 503}}));
    bench.arm(json!({"nth": 2, "fault": {"kind": "status", "status": 504, "executed": true}}));
    assert_eq!(bench.answer(create("a@example.com")).status, 503);
    assert_eq!(bench.contacts(), 0);
    let answer = bench.answer(create("a@example.com"));
    assert!(answer.status == 504 && answer.body.starts_with(b"<html>"));
    assert_eq!(bench.contacts(), 1);
}

#[test]
fn a_forced_429_names_its_policy_and_costs_a_unit_of_the_day() {
    let mut bench = bench(&options());
    bench.arm(json!({"fault": {"kind": "rate_limit", "policy": "daily"}}));
    let answer = bench.answer(list());
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, &body["policyName"]), (429, &json!("DAILY")));
    assert_eq!(bench.entries()[0].counted, Counted::DAY);
}

#[test]
fn a_rate_limit_may_also_be_answered_500() {
    let mut bench = bench(&options());
    bench.arm(json!({"fault": {"kind": "rate_limit", "policy": "secondly", "as_500": true}}));
    let answer = bench.answer(search());
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, &body["category"]), (500, &json!("RATE_LIMITS")));
    assert_eq!(body["message"], "You have reached your secondly limit.");
    assert_eq!(bench.entries()[0].counted, Counted::DAY);
}

#[test]
fn remaining_jumps_inside_a_burst_only_where_several_counters_are_chosen() {
    for (remaining_counters, jumps) in [(1, false), (3, true)] {
        let mut bench = bench(&SimOptions { remaining_counters, ..options() });
        for _ in 0..191 {
            bench.arrive(list(), 0);
        }
        let answers: Vec<ApiAnswer> = bench
            .advance(0)
            .into_iter()
            .filter_map(|(_, outcome)| if let Outcome::Answered(answer) = outcome { Some(answer) } else { None })
            .collect();
        let remaining = |answer: &ApiAnswer| {
            answer.headers["x-hubspot-ratelimit-remaining"].to_str().unwrap().parse::<u32>().unwrap()
        };
        let rises = answers.windows(2).any(|pair| remaining(&pair[1]) > remaining(&pair[0]));
        assert_eq!(rises, jumps, "{remaining_counters} counters");
        let refused: Vec<bool> = answers.iter().map(|answer| answer.status == 429).collect();
        assert_eq!(refused.iter().position(|refused| *refused), Some(190), "the limit itself does not change");
    }
}

#[test]
fn every_answer_of_the_api_has_its_standing_headers() {
    let mut bench = bench(&options());
    let gone = request(Method::DELETE, "/crm/v3/objects/contacts/5", "");
    for (request, has_body) in [(list(), true), (request(Method::GET, "/crm/v3/objects/no", ""), true), (gone, false)] {
        let answer = bench.answer(request);
        assert_eq!(answer.headers["access-control-allow-credentials"], "false");
        assert!(answer.headers.contains_key("strict-transport-security"));
        assert_eq!(answer.headers.contains_key("vary"), has_body);
    }
    bench.arm(json!({"fault": {"kind": "status", "status": 502}}));
    assert!(!bench.answer(list()).headers.contains_key("strict-transport-security"), "the edge has its own");
}

#[test]
fn every_limit_that_passes_by_itself_is_known_to_hubspots_own_client() {
    for policy in ["ten_secondly", "secondly"] {
        let mut bench = bench(&options());
        bench.arm(json!({"fault": {"kind": "rate_limit", "policy": policy}}));
        let body: Value = serde_json::from_slice(&bench.answer(list()).body).unwrap();
        let by_policy = body["policyName"] == "TEN_SECONDLY_ROLLING";
        let by_message = body["message"] == "You have reached your secondly limit.";
        assert!(by_policy || by_message, "{body}");
    }
}

#[test]
fn reads_at_an_honest_pace_pass_where_searches_are_refused() {
    let mut bench = bench(&options());
    for call in 0..438 {
        let at = call * 55;
        bench.arrive(if call % 4 == 0 { search() } else { list() }, at);
    }
    bench.advance(1_000_000);
    let is_refused = |entry: &&Entry| entry.status == Some(429);
    let entries = bench.entries();
    let refused: Vec<&Entry> = entries.iter().filter(is_refused).collect();
    assert_eq!(refused.len(), 0, "4.5 searches per second are within their limit");
    for call in 0..30 {
        bench.arrive(search(), 2_000_000 + call * 100);
        bench.arrive(list(), 2_000_000 + call * 100);
    }
    bench.advance(3_000_000);
    let refused: Vec<Entry> = bench.entries().into_iter().filter(|entry| entry.status == Some(429)).collect();
    assert!(!refused.is_empty() && refused.iter().all(|entry| entry.route.ends_with("search")));
}

#[test]
fn a_flood_of_calls_is_mostly_refused_by_the_ten_seconds() {
    let mut bench = bench(&options());
    let calls = 371 * 3;
    for call in 0..calls {
        // Eight at a time, each of 60 ms.
        bench.arrive(list(), call / 8 * 60);
    }
    bench.advance(1_000_000);
    let refused = bench.entries().iter().filter(|entry| entry.status == Some(429)).count();
    assert_eq!(refused, usize::try_from(calls).unwrap() - 190);
}

#[test]
fn extra_latency_delays_and_a_slow_body_says_how_slow() {
    let mut bench = bench(&options());
    bench.arm(json!({"fault": {"kind": "latency", "ms": 700}}));
    bench.arm(json!({"fault": {"kind": "slow_body", "over_ms": 900}}));
    bench.arrive(list(), 0);
    assert!(bench.advance(699).is_empty());
    assert!(matches!(bench.advance(700)[0].1, Outcome::Slowly { over_ms: 900, .. }));
}

#[test]
fn strangers_are_answered_401_and_counted_nowhere() {
    let mut bench = bench(&options());
    let mut missing = list();
    missing.headers.remove(header::AUTHORIZATION);
    let mut unknown = list();
    unknown.headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer nonsense"));
    bench.hub.add_credential("dead".into(), Credential::private_app(bench.hub.first_portal(), 8));
    assert!(bench.hub.revoke("dead"));
    let mut dead = list();
    dead.headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer dead"));
    for stranger in [missing, unknown, dead] {
        let answer = bench.answer(stranger);
        assert_eq!(answer.status, 401);
        assert!(!answer.headers.contains_key("x-hubspot-ratelimit-max"));
    }
    let entries = bench.entries();
    assert_eq!(entries.iter().map(|entry| &*entry.credential).collect::<Vec<_>>(), ["none", "unknown", "dead"]);
    assert!(entries.iter().all(|entry| entry.counted == Counted::NONE));
}

#[test]
fn a_missing_scope_is_a_403_that_names_it() {
    let scopes = Some(vec!["crm.objects.contacts.read".to_owned()]);
    let tokens = vec![TokenSpec { scopes, ..TokenSpec::new("pat-good", 7) }];
    let mut bench = bench(&SimOptions { tokens, ..options() });
    assert_eq!(bench.answer(list()).status, 200);
    let answer = bench.answer(create("a@example.com"));
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer.status, 403);
    assert_eq!(body["errors"][0]["context"]["requiredGranularScopes"][0], "crm.objects.contacts.write");
    assert_eq!(bench.contacts(), 0);
}

#[test]
fn an_escaped_path_needs_the_same_scope_and_draws_on_the_same_limit() {
    let scopes = Some(vec!["crm.objects.companies.read".to_owned()]);
    let tokens = vec![TokenSpec { scopes, ..TokenSpec::new("pat-good", 7) }];
    let mut narrow = bench(&SimOptions { tokens, ..options() });
    let mut wide = bench(&options());
    let paths = [
        "/crm/v3/objects/contacts/search",
        "/crm/v3/objects/%63ontacts/search",
        "/crm/v3/objects/contacts/%73earch",
        "/crm/%76%33/%6fbjects/CONTACTS/search",
    ];
    for path in paths {
        let search = request(Method::POST, path, "{}");
        assert_eq!(narrow.answer(search.clone()).status, 403, "{path}");
        assert_eq!(wide.answer(search).status, 200, "{path}");
    }
    assert_eq!(wide.answer(list()).status, 200);
    let entries = wide.entries();
    assert!(entries[..3].iter().all(|entry| &*entry.route == "POST /crm/v3/objects/contacts/search"), "{entries:?}");
    assert!(entries[..4].iter().all(|entry| entry.counted == entries[0].counted), "{entries:?}");
    assert_ne!(entries[0].counted, entries[4].counted, "a search draws on other counters");
}

#[test]
fn a_token_in_an_escaped_path_is_not_written_down() {
    let mut bench = bench(&options());
    assert_eq!(bench.answer(request(Method::GET, "/%6fauth/v1/access-token%73/CKsecret", "")).status, 404);
    assert!(!format!("{:?}", bench.entries()).contains("CKsecret"));
}

#[test]
fn token_info_tells_who_a_token_is_without_any_limit() {
    let mut bench = bench(&options());
    let mut info = request(
        Method::POST,
        "/oauth/v2/private-apps/get/access-token-info",
        &json!({"tokenKey": "pat-good"}).to_string(),
    );
    info.headers.remove(header::AUTHORIZATION);
    let answer = bench.answer(info.clone());
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, &body["hubId"], &body["appId"]), (200, &json!(48_151_623), &json!(7)));
    assert!(!body["scopes"].as_array().unwrap().is_empty());
    assert_eq!(bench.entries()[0].counted, Counted::NONE);
    info.body = Bytes::from_static(b"{\"tokenKey\":\"other\"}");
    assert_eq!(bench.answer(info).status, 404);
}

#[test]
fn the_daily_use_is_a_copy_of_up_to_five_minutes() {
    let mut bench = bench(&options());
    let usage = |bench: &mut Bench, at: i64| -> Value {
        bench.arrive(request(Method::GET, "/account-info/v3/api-usage/daily/private-apps", ""), at);
        let Outcome::Answered(answer) = bench.advance(at).remove(0).1 else { panic!() };
        let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
        body["results"][0].take()
    };
    let first = usage(&mut bench, 0);
    assert_eq!((&first["usageLimit"], &first["currentUsage"]), (&json!(625_000), &json!(1)));
    assert_eq!((&first["fetchStatus"], &first["resetsAt"]), (&json!("SUCCESS"), &json!("2025-11-22T05:00:00Z")));
    let copy = usage(&mut bench, 299_999);
    assert_eq!((&copy["currentUsage"], &copy["fetchStatus"]), (&json!(1), &json!("CACHED")));
    assert_eq!(usage(&mut bench, 300_000)["currentUsage"], json!(3));
}

#[test]
fn a_long_address_is_a_414_of_the_edge() {
    let mut bench = bench(&options());
    let answer = bench.answer(ApiRequest { query: "a".repeat(URI_BYTES_MAX), ..list() });
    assert!(answer.status == 414 && answer.body.starts_with(b"<html>"));
}

#[test]
fn each_portal_counts_for_itself() {
    let mut bench = bench(&options());
    let mut second = SimOptions { tier: Tier::Free, tokens: vec![TokenSpec::new("second", 7)], ..options() };
    second.portal.portal_id = 99;
    bench.hub.add_portal(&second, &mut bench.dice).unwrap();
    let mut other = list();
    other.headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer second"));
    for _ in 0..190 {
        bench.arrive(list(), 0);
    }
    let id = bench.arrive(other, 0);
    let outcomes = bench.advance(0);
    let (_, Outcome::Answered(answer)) = outcomes.iter().find(|(found, _)| *found == id).unwrap() else { panic!() };
    assert_eq!((answer.status, &answer.headers["x-hubspot-ratelimit-max"]), (200, &HeaderValue::from(100)));
}

#[test]
fn bad_options_are_refused_with_a_reason() {
    let mut dice = ChaCha8Rng::seed_from_u64(1);
    let mut zone = options();
    zone.portal.time_zone = "Mars/Olympus".into();
    let twice = vec![TokenSpec::new("x", 1), TokenSpec::new("x", 2)];
    let table = [
        (zone, "unknown time zone"),
        (SimOptions { latency_ms: LATENCY_MS_MAX + 1, ..options() }, "latency"),
        (SimOptions { tokens: vec![TokenSpec::new("a b", 1)], ..options() }, "visible ASCII"),
        (SimOptions { tokens: twice, ..options() }, "given twice"),
    ];
    for (options, part) in table {
        let error = Hub::new(&options, NOON, &mut dice).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn without_a_token_one_is_made_from_the_dice() {
    let tokens = |seed| bench(&SimOptions { tokens: Vec::new(), seed, ..SimOptions::default() }).hub.tokens();
    assert!(tokens(1)[0].starts_with("pat-na1-"));
    assert_eq!(tokens(1), tokens(1));
    assert_ne!(tokens(1), tokens(2));
}

#[test]
fn a_lost_write_may_be_done_long_after_its_connection_was_cut() {
    let mut bench = bench(&options());
    bench.arm(json!({"times": 1, "fault": {"kind": "lost_answer", "executed_after_ms": 8_000}}));
    bench.arrive(create("a@example.com"), 100);
    assert!(matches!(bench.advance(100)[..], [(_, Outcome::AnswerLost)]), "the caller knows at once");
    assert_eq!((bench.hub.in_flight(), bench.hub.next_due()), (0, Some(Millis(NOON.0 + 8_100))));
    bench.advance(8_099);
    assert_eq!(bench.contacts(), 0, "a client that looks now finds nothing");
    bench.advance(8_100);
    assert_eq!(bench.contacts(), 1);
    let entry = bench.entries().remove(0);
    assert_eq!((entry.status, entry.fault), (Some(201), Some("lost_answer")));
    assert_eq!((entry.time.0 - NOON.0, entry.executed.0 - NOON.0), (100, 8_100));
    assert_eq!(entry.counted, Counted::BURST.and(Counted::DAY), "counted when it was let in");
}

#[test]
fn a_late_write_meets_what_was_written_meanwhile() {
    let mut bench = bench(&options());
    bench.arm(json!({"times": 1, "fault": {"kind": "lost_answer", "executed_after_ms": 8_000}}));
    bench.arrive(create("a@example.com"), 0);
    bench.arrive(create("a@example.com"), 1_000);
    let Outcome::Answered(second) = bench.advance(1_000).remove(1).1 else { panic!() };
    assert_eq!(second.status, 201);
    bench.advance(8_000);
    assert_eq!(bench.contacts(), 1);
    assert_eq!(bench.entries().iter().map(|entry| entry.status).collect::<Vec<_>>(), [Some(201), Some(409)]);
}

#[test]
fn a_late_write_was_let_in_already_and_nothing_refuses_it_any_more() {
    let mut bench = bench(&options());
    bench.arm(json!({"times": 2, "fault": {"kind": "lost_answer", "executed_after_ms": 5_000}}));
    bench.arrive(create("a@example.com"), 0);
    let mut stranger = create("b@example.com");
    stranger.headers.remove(header::AUTHORIZATION);
    bench.arrive(stranger, 0);
    assert_eq!(bench.advance(0).len(), 2);
    for _ in 0..189 {
        bench.arrive(list(), 4_000);
    }
    bench.advance(4_000);
    assert!(bench.hub.revoke("pat-good"));
    bench.advance(5_000);
    assert_eq!(bench.contacts(), 1, "the one that was let in, not the stranger's");
    assert_eq!(bench.hub.ledger().stats().by_status, BTreeMap::from([(200, 189), (201, 1), (401, 1)]));
}
