//! POSTs: how many events and how many at a time, signatures, retries, faults, workflow actions.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use linchpin_simulator::model::ChurnSpec;
use linchpin_simulator::webhooks::{
    Delivery, DeliveryOutcome, DeliverySpec, Signatures, WebhookError, WebhookFaults, WebhookSpec, WorkflowAction,
};
use serde_json::{Value, json};

use super::{APP, Bench, PORTAL, SECRET, TARGET, app, at_once, body, spec};

/// `count` contacts by one call for each hundred.
fn create_many(bench: &mut Bench, count: usize) {
    let inputs: Vec<Value> = (0..count).map(|_| json!({"properties": {}})).collect();
    for chunk in inputs.chunks(100) {
        bench.call(Method::POST, "/crm/v3/objects/contacts/batch/create", &json!({"inputs": chunk}));
    }
}

#[test]
fn a_post_has_at_most_a_hundred_events_and_ten_are_under_way_at_a_time() {
    let mut bench = Bench::listening_to(&["contact.creation"]);
    create_many(&mut bench, 1_250);
    let first = bench.later(0);
    assert_eq!(first.len(), 10);
    assert!(first.iter().all(|delivery| body(delivery).len() == 100));
    assert!(bench.later(0).is_empty(), "an eleventh waits for a place");
    bench.answer(&first[3], 200);
    let next = bench.later(0);
    assert_eq!((next.len(), body(&next[0]).len()), (1, 100));
    for delivery in first.iter().chain(&next) {
        bench.answer(delivery, 204);
    }
    let rest: usize = bench.later(0).iter().map(|delivery| body(delivery).len()).sum();
    assert_eq!(rest, 150);
}

#[test]
fn a_delivery_waits_for_its_delay_and_what_one_call_did_travels_together() {
    let delivery = DeliverySpec { delay_ms: [500, 1_500], ..DeliverySpec::default() };
    let mut bench = Bench::new(WebhookSpec { delivery: Some(delivery), ..spec(&["contact.creation"]) });
    create_many(&mut bench, 40);
    assert!(bench.later(499).is_empty());
    let mut seen = Vec::new();
    for _ in 0..1_002 {
        seen.extend(bench.later(1));
    }
    assert_eq!(seen.iter().map(|delivery| body(delivery).len()).collect::<Vec<_>>(), [40]);
}

#[test]
fn a_refused_delivery_comes_again_with_a_higher_attempt_number_ten_times_within_a_day() {
    for outcome in [DeliveryOutcome::status(400), DeliveryOutcome::status(503), DeliveryOutcome::Failed] {
        let mut bench = Bench::listening_to(&["contact.creation"]);
        bench.create("contacts", &json!({}));
        let begun = bench.now;
        let mut attempts = Vec::new();
        let mut gaps = Vec::new();
        let mut last = begun;
        while let Some(due) = bench.hub.next_due() {
            for delivery in bench.later(due.0 - bench.now) {
                attempts.push(body(&delivery)[0]["attemptNumber"].as_u64().unwrap());
                gaps.push(bench.now - last);
                last = bench.now;
                bench.end(&delivery, &outcome);
            }
        }
        assert_eq!(attempts, (0..=10).collect::<Vec<_>>());
        assert!(bench.now - begun <= 86_400_000, "all within a day");
        assert!(bench.now - begun > 86_400_000 / 3, "spread over a good part of it");
        assert!(gaps.windows(2).skip(2).all(|pair| pair[1] * 4 > pair[0]), "{gaps:?}");
        let counts = bench.hub.webhook_counts();
        assert_eq!((counts.failed, counts.delivered, counts.sent), (1, 0, 11));
    }
}

#[test]
fn the_retries_shrink_to_the_time_that_is_given() {
    let delivery = DeliverySpec { retry_over_ms: 5_000, retries: 4, ..at_once() };
    let mut bench = Bench::new(WebhookSpec { delivery: Some(delivery), ..spec(&["contact.creation"]) });
    bench.create("contacts", &json!({}));
    let begun = bench.now;
    let mut posts = Vec::new();
    let mut deliveries = bench.later(0);
    loop {
        for delivery in deliveries {
            posts.push(bench.now - begun);
            bench.answer(&delivery, 500);
        }
        let Some(due) = bench.hub.next_due() else { break };
        deliveries = bench.later(due.0 - bench.now);
    }
    assert_eq!(posts.len(), 5);
    assert!(posts.last() <= Some(&5_000), "{posts:?}");
}

#[test]
fn a_receiver_that_is_silent_too_long_gets_it_again() {
    for timeout_ms in [10_000, 5_000] {
        let delivery = DeliverySpec { timeout_ms, ..at_once() };
        let mut bench = Bench::new(WebhookSpec { delivery: Some(delivery), ..spec(&["contact.creation"]) });
        bench.create("contacts", &json!({}));
        let first = bench.later(0).remove(0);
        assert_eq!(first.headers["x-hubspot-timeout-millis"], timeout_ms.to_string().as_str());
        let timeout = i64::try_from(timeout_ms).unwrap();
        bench.later(timeout - 1);
        assert_eq!(bench.hub.webhook_counts().timed_out, 0);
        bench.later(1);
        assert_eq!(bench.hub.webhook_counts().timed_out, 1);
        // An answer that comes after all is not heard any more.
        bench.answer(&first, 200);
        assert_eq!(bench.hub.webhook_counts().taken, 0);
        let again = bench.next_posts();
        assert_eq!(body(&again[0])[0]["attemptNumber"], 1);
    }
}

#[test]
fn the_headers_are_those_of_recorded_deliveries() {
    let table = [(Signatures::V1AndV3, true, true), (Signatures::V1, true, false), (Signatures::V3, false, true)];
    for (signatures, first, third) in table {
        let delivery = DeliverySpec { signatures, ..at_once() };
        let mut bench = Bench::new(WebhookSpec { delivery: Some(delivery), ..spec(&["contact.creation"]) });
        bench.create("contacts", &json!({}));
        let delivery = bench.later(0).remove(0);
        assert_eq!((delivery.method.as_str(), delivery.url.as_str()), ("POST", TARGET));
        let has = |name: &str| delivery.headers.contains_key(name);
        assert_eq!((has("x-hubspot-signature"), has("x-hubspot-signature-version")), (first, first));
        assert_eq!((has("x-hubspot-signature-v3"), has("x-hubspot-request-timestamp")), (third, third));
        assert_eq!(delivery.headers["content-type"], "application/json");
        assert_eq!(delivery.headers["accept"], "*/*");
        assert_eq!(delivery.headers["x-hubspot-timeout-millis"], "10000");
        assert!(delivery.headers["user-agent"].to_str().unwrap().starts_with("HubSpot Connect 2.0 "));
        if first {
            assert_eq!(delivery.headers["x-hubspot-signature-version"], "v1");
        }
        if third {
            assert_eq!(delivery.headers["x-hubspot-request-timestamp"], bench.now.to_string().as_str());
        }
    }
}

/// Runs an order of changes to its end against a receiver that takes everything, and returns what it got.
fn run(bench: &mut Bench, changes: u64) -> Vec<Value> {
    let churn = ChurnSpec { changes, creations: 50, ..ChurnSpec::default() };
    bench.hub.start_churn(PORTAL, churn).unwrap();
    let mut got = Vec::new();
    while let Some(due) = bench.hub.next_due() {
        for delivery in bench.later((due.0 - bench.now).max(0)) {
            got.extend(body(&delivery));
            bench.answer(&delivery, 200);
        }
    }
    got
}

const CITY: [&str; 3] = ["contact.propertyChange:city", "contact.propertyChange:phone", "contact.propertyChange:state"];

fn key(event: &Value) -> String {
    let parts = ["subscriptionId", "eventId", "objectId", "occurredAt", "propertyName"];
    parts.map(|name| event[name].to_string()).join("/")
}

#[test]
fn loss_duplication_and_reordering_are_counted_event_by_event() {
    let faults = WebhookFaults { lose: 0.1, duplicate: 0.2, reorder: 0.3, span_ms: 60_000, ..WebhookFaults::default() };
    let mut bench = Bench::new(WebhookSpec { faults: Some(faults), ..spec(&CITY) });
    let got = run(&mut bench, 5_000);
    let counts = bench.hub.webhook_counts().clone();
    assert!((4_500..=5_200).contains(&counts.events), "{counts:?}");
    let share = |part: u64| part * 100 / counts.events;
    assert!((7..=13).contains(&share(counts.lost)), "{counts:?}");
    assert!(
        (14..=22).contains(&share(counts.duplicated)) && (23..=31).contains(&share(counts.reordered)),
        "{counts:?}"
    );
    assert_eq!(counts.delivered + counts.lost, counts.events);
    assert_eq!(u64::try_from(got.len()).unwrap(), counts.delivered + counts.duplicated);
    let distinct: BTreeSet<String> = got.iter().map(key).collect();
    assert_eq!(u64::try_from(distinct.len()).unwrap(), counts.delivered);
    let mut inversions = 0;
    for pair in got.windows(2) {
        inversions += usize::from(pair[0]["occurredAt"].as_i64() > pair[1]["occurredAt"].as_i64());
    }
    assert!(inversions > 100, "later events overtake: {inversions}");
    let fates: BTreeMap<String, u64> = bench.hub.webhook_events().fold(BTreeMap::new(), |mut fates, line| {
        *fates.entry(line["fate"].as_str().unwrap().to_owned()).or_default() += 1;
        fates
    });
    assert_eq!(fates, BTreeMap::from([("delivered".into(), counts.delivered), ("lost".into(), counts.lost)]));
    for line in bench.hub.webhook_events() {
        let was_got = distinct.contains(&key(&line["event"]));
        assert_eq!(was_got, line["fate"] == "delivered", "{line}");
    }
}

#[test]
fn a_delay_holds_events_back_and_an_unheard_answer_sends_them_again() {
    let faults = WebhookFaults { delay: 1.0, delay_ms: 30_000, unheard: 1.0, ..WebhookFaults::default() };
    let mut bench = Bench::new(WebhookSpec { faults: Some(faults), ..spec(&["contact.creation"]) });
    bench.create("contacts", &json!({}));
    assert!(bench.later(29_999).is_empty());
    let first = bench.later(1).remove(0);
    bench.answer(&first, 200);
    bench
        .hub
        .configure_webhooks(WebhookSpec { faults: Some(WebhookFaults::default()), ..WebhookSpec::default() })
        .unwrap();
    let second = bench.next_posts().remove(0);
    bench.answer(&second, 200);
    assert_eq!(body(&second)[0]["attemptNumber"], 1);
    let counts = bench.hub.webhook_counts();
    assert_eq!((counts.events, counts.delivered, counts.taken, counts.unheard), (1, 1, 2, 1));
}

#[test]
fn the_same_seed_gives_the_same_posts_byte_for_byte() {
    let posts = || {
        let faults =
            WebhookFaults { lose: 0.1, duplicate: 0.3, reorder: 0.3, span_ms: 900, ..WebhookFaults::default() };
        let mut bench = Bench::new(WebhookSpec { faults: Some(faults), ..spec(&CITY) });
        run(&mut bench, 300)
    };
    assert_eq!(posts(), posts());
}

#[test]
fn a_wrongly_signed_post_is_counted_and_comes_again_signed_well() {
    let faults = WebhookFaults { wrong_signature: 1.0, ..WebhookFaults::default() };
    let mut bench = Bench::new(WebhookSpec { faults: Some(faults), ..spec(&["contact.creation"]) });
    bench.create("contacts", &json!({}));
    let forged = bench.later(0).remove(0);
    let signature = |delivery: &Delivery| delivery.headers["x-hubspot-signature"].to_str().unwrap().to_owned();
    assert_ne!(signature(&forged), super::sockets::sha256_hex(&[SECRET.as_bytes(), &forged.body]));
    bench.answer(&forged, 401);
    bench
        .hub
        .configure_webhooks(WebhookSpec { faults: Some(WebhookFaults::default()), ..WebhookSpec::default() })
        .unwrap();
    let again = bench.next_posts().remove(0);
    assert_eq!(signature(&again), super::sockets::sha256_hex(&[SECRET.as_bytes(), &again.body]));
    assert_eq!(bench.hub.webhook_counts().wrong_signatures, 1);
}

#[test]
fn a_workflow_action_carries_any_body_and_the_second_signature() {
    let mut bench = Bench::new(spec(&[]));
    let fire = |bench: &mut Bench, order: Value| {
        let action: WorkflowAction = serde_json::from_value(order).unwrap();
        bench.hub.fire_workflow_action(action).unwrap();
        bench.later(0).remove(0)
    };
    let url = "http://127.0.0.1:9/workflow?x=1";
    let order = json!({"app_id": APP, "url": url, "body": {"any": ["thing", 1]}});
    let post = fire(&mut bench, order);
    assert_eq!((post.method.as_str(), &*post.body), ("POST", br#"{"any":["thing",1]}"#.as_slice()));
    assert_eq!(post.headers["x-hubspot-signature-version"], "v2");
    let expected = super::sockets::sha256_hex(&[SECRET.as_bytes(), b"POST", url.as_bytes(), &post.body]);
    assert_eq!(post.headers["x-hubspot-signature"], expected.as_str());
    assert!(!post.headers.contains_key("x-hubspot-signature-v3"));
    bench.answer(&post, 404);
    assert!(bench.hub.next_due().is_none(), "a 404 is final");

    let get = fire(&mut bench, json!({"app_id": APP, "url": url, "method": "GET"}));
    assert_eq!((get.method.as_str(), get.body.len()), ("GET", 0));
    bench.end(&get, &DeliveryOutcome::Answered { status: 429, retry_after: Some("1200".into()) });
    assert!(bench.later(1_199).is_empty());
    let again = bench.later(1).remove(0);
    bench.answer(&again, 200);
    assert!(bench.hub.next_due().is_none());
}

#[test]
fn the_test_button_sends_its_sample() {
    let mut bench = Bench::listening_to(&["contact.propertyChange:city", "contact.creation"]);
    bench.hub.send_test_webhook(APP).unwrap();
    let event = bench.told().remove(0);
    assert_eq!((&event["eventId"], &event["objectId"]), (&json!(100), &json!(123)));
    assert_eq!((&event["propertyName"], &event["propertyValue"]), (&json!("message"), &json!("sample-value")));
    assert_eq!(bench.hub.webhook_counts().events, 0, "nothing has happened");
    bench.hub.configure_webhooks(spec(&["contact.creation"])).unwrap();
    bench.hub.send_test_webhook(APP).unwrap();
    assert_eq!(bench.told()[0]["changeFlag"], "NEW");
    assert!(bench.hub.send_test_webhook(5).is_err());
}

#[test]
fn busy_people_do_as_much_as_they_are_told_at_the_pace_that_they_are_told() {
    let kinds =
        ["contact.creation", "contact.deletion", "contact.restore", "contact.merge", "contact.associationChange"];
    let mut bench = Bench::listening_to(&[&kinds[..], &CITY[..]].concat());
    bench.create("companies", &json!({"name": "Alpha"}));
    let order = ChurnSpec {
        changes: 400,
        creations: 200,
        deletions: 40,
        restorations: 20,
        associations: 60,
        merges: 10,
        per_second: Some(100),
        ..ChurnSpec::default()
    };
    bench.hub.start_churn(PORTAL, order.clone()).unwrap();
    let begun = bench.now;
    let mut kinds_seen = BTreeSet::new();
    while bench.hub.churn_left() > 0 {
        let due = bench.hub.next_due().unwrap();
        for delivery in bench.later((due.0 - bench.now).max(0)) {
            kinds_seen
                .extend(body(&delivery).iter().map(|event| event["subscriptionType"].as_str().unwrap().to_owned()));
            bench.answer(&delivery, 200);
        }
    }
    let took = bench.now - begun;
    assert!((7_200..=7_400).contains(&took), "730 deeds at 100 a second took {took} ms");
    for kind in kinds.iter().chain(["contact.propertyChange"].iter()) {
        assert!(kinds_seen.contains(*kind), "{kind} in {kinds_seen:?}");
    }
    let wrong = ChurnSpec { property: Some("createdate".into()), ..order.clone() };
    assert!(bench.hub.start_churn(PORTAL, wrong).unwrap_err().contains("createdate"));
    assert!(bench.hub.start_churn(PORTAL, ChurnSpec { object_type: Some("ghosts".into()), ..order }).is_err());
    assert!(bench.hub.start_churn(1, ChurnSpec::default()).is_err());
}

#[test]
fn a_specification_that_makes_no_sense_changes_nothing_and_says_why() {
    let mut bench = Bench::listening_to(&["contact.creation"]);
    let mut refuse = |spec: WebhookSpec, part: &str| {
        let error = bench.hub.configure_webhooks(spec).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
        error
    };
    let with = |change: &dyn Fn(&mut linchpin_simulator::webhooks::WebhookAppSpec)| {
        let mut app = app(&["contact.deletion"]);
        change(&mut app);
        WebhookSpec { apps: vec![app], ..WebhookSpec::default() }
    };
    refuse(with(&|app| app.client_secret = None), "client_secret");
    refuse(with(&|app| app.client_secret = Some("two words".into())), "client_secret");
    refuse(with(&|app| app.target_url = Some("ftp://a.test/".into())), "no target");
    refuse(with(&|app| app.target_url = Some("http://a.test/#x".into())), "no target");
    refuse(with(&|app| app.max_concurrent_requests = 0), "between 1 and 1000");
    refuse(with(&|app| app.portals = vec![5]), "portal 5");
    refuse(with(&|app| app.subscriptions[0].event_type = "contact.explosion".into()), "contact.explosion");
    let faults = |lose: f64| WebhookSpec {
        faults: Some(WebhookFaults { lose, ..WebhookFaults::default() }),
        ..WebhookSpec::default()
    };
    assert_eq!(refuse(faults(1.5), "lose"), WebhookError::Probability("lose"));
    refuse(faults(f64::NAN), "lose");
    let delivery = |change: &dyn Fn(&mut DeliverySpec)| {
        let mut delivery = at_once();
        change(&mut delivery);
        WebhookSpec { delivery: Some(delivery), ..WebhookSpec::default() }
    };
    refuse(delivery(&|delivery| delivery.batch = 101), "batch");
    refuse(delivery(&|delivery| delivery.delay_ms = [5, 4]), "delay_ms");
    refuse(delivery(&|delivery| delivery.timeout_ms = u64::MAX), "timeout_ms");
    bench.create("contacts", &json!({}));
    assert_eq!(bench.told()[0]["subscriptionType"], "contact.creation", "the old app is still there");
}
