//! Webhooks that lose events, and a journal that has them: `linchpin serve` reads it, is killed while it does, finds
//! that it was away for too long, or is not let in at all.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::time::Duration;

use http::Method;
use linchpin_trials::binary;
use linchpin_trials::hearing::{App, Hearing, JOURNAL};
use serde_json::{Value, json};

const APP: App = App { id: 7_008, client: "client-1", secret: "pat-test-secret-of-7008" };
const KILLS: u32 = 3;
const LIMIT: Duration = Duration::from_secs(150);

struct Scene(Hearing);

impl Deref for Scene {
    type Target = Hearing;

    fn deref(&self) -> &Hearing {
        &self.0
    }
}

impl Scene {
    /// A simulator whose app has webhooks with these faults, and a journal in small files.
    fn new(faults: &Value, client: &str) -> Self {
        let App { id, secret, .. } = APP;
        let sections = format!(
            "webhooks: {{apps: {{'{id}': {{secret: {secret}, \
             journal: {{client_id: {client}, poll: 1s, compare_after: 10s}}}}}}}}\n"
        );
        let scene = Hearing::new(&["--oauth-app", &format!("{}:{secret}", APP.client)], &sections);
        let subscriptions = [
            json!({"eventType": "contact.creation"}),
            json!({"eventType": "contact.deletion"}),
            json!({"eventType": "contact.merge"}),
            json!({"eventType": "contact.propertyChange", "propertyName": "city"}),
        ];
        let delivery = json!({"retry_over_ms": 20_000, "delay_ms": [0, 0], "batch": 20});
        let journal = json!({"publish_ms": 300, "file_events": 40});
        scene.subscribe(APP, &subscriptions, json!({"faults": faults, "delivery": delivery, "journal": journal}));
        scene.subscribe_journal(APP, &["CREATE", "UPDATE", "DELETE", "MERGE"], &["city"]);
        Self(scene)
    }

    fn churn(&self, changes: u64) {
        self.0.churn(&json!({"changes": changes, "creations": changes / 10, "deletions": changes / 40,
            "merges": changes / 200, "property": "city", "per_second": 250}));
    }

    /// What happened, with the number of what webhooks lost.
    fn happened(&self) -> (BTreeMap<String, u64>, u64) {
        let (mut changes, mut lost) = (BTreeMap::new(), 0);
        self.0.happened(|happened| {
            lost += u64::from(happened.fate == "lost");
            *changes.entry(happened.change).or_default() += 1;
        });
        (changes, lost)
    }

    /// How many changes the log has from the journal alone.
    fn told_by_journal(&self) -> u64 {
        let count = self.number(&format!("select count(*) from event where teller = {JOURNAL}"));
        count.and_then(|count| u64::try_from(count).ok()).expect("a count")
    }

    /// What is in the log.
    fn logged(&self) -> BTreeMap<String, u64> {
        let mut changes = BTreeMap::new();
        self.0.logged(|logged| *changes.entry(logged.change).or_default() += 1);
        changes
    }

    /// Waits until the log holds what happened, each change once.
    fn agree(&self) {
        let (happened, _) = self.happened();
        let agreed = binary::until(LIMIT, || self.logged().len() >= happened.len());
        let logged = self.logged();
        let missing: Vec<&String> = happened.keys().filter(|change| !logged.contains_key(*change)).collect();
        assert!(agreed && missing.is_empty(), "{} of {} are missing: {missing:?}", missing.len(), happened.len());
        let strange: Vec<_> =
            logged.iter().filter(|(change, times)| **times > 1 || !happened.contains_key(*change)).collect();
        assert!(strange.is_empty(), "twice, or never happened: {strange:?}");
    }

    fn metrics(&self) -> String {
        self.server().text(Method::GET, "/metrics", None)
    }
}

#[test]
fn what_webhooks_lost_is_in_the_log_once_however_often_the_reader_is_killed() {
    let scene = Scene::new(&json!({"lose": 0.1, "duplicate": 0.1, "span_ms": 1000}), APP.client);
    scene.simulator.seed(&json!({"contacts": 300}));
    let mut process = scene.serve();
    scene.churn(3_000);
    for kill in 1..=KILLS {
        // The journal must have told something that nobody else had before each kill.
        let before = scene.told_by_journal();
        assert!(binary::until(LIMIT, || scene.told_by_journal() > before), "kill {kill}; err: {}", process.err());
        process.kill();
        process = scene.serve();
    }
    scene.settle(LIMIT);
    scene.agree();
    let (happened, lost) = scene.happened();
    assert!(happened.len() > 3_000 && lost > 100, "{} and {lost}", happened.len());
    assert!(scene.told_by_journal() >= lost, "what was lost came from the journal");
    assert_eq!(scene.simulator.rate_limited(), 0);
    process.kill();
}

#[test]
fn what_webhooks_missed_is_counted() {
    let scene = Scene::new(&json!({"lose": 0.1, "duplicate": 0.1, "span_ms": 500}), APP.client);
    scene.simulator.seed(&json!({"contacts": 50}));
    let process = scene.serve();
    scene.churn(600);
    scene.settle(LIMIT);
    scene.agree();
    let (happened, lost) = scene.happened();
    let sum = |journal: &Value, name: &str| {
        let kinds = journal.get(name).and_then(Value::as_object).expect("kinds and counts");
        kinds.values().filter_map(Value::as_u64).sum::<u64>()
    };
    let all = |journal: &Value| {
        let both = journal.get("told_by_both").and_then(Value::as_u64).expect("a count");
        both + sum(journal, "missed_by_webhooks") + sum(journal, "missed_by_journal")
    };
    let compared = binary::until(LIMIT, || all(&scene.journal()) >= happened.len() as u64);
    let journal = scene.journal();
    assert!(compared, "{journal}");
    assert_eq!(sum(&journal, "missed_by_webhooks"), lost, "{journal}");
    assert_eq!(sum(&journal, "missed_by_journal"), 0, "{journal}");
    assert_eq!(journal.get("state"), Some(&json!("caught_up")), "{journal}");
    let metrics = scene.metrics();
    let missed =
        format!("linchpin_journal_missed_total{{app=\"{}\",by=\"webhooks\",kind=\"propertyChange\"}} ", APP.id);
    assert!(metrics.contains(&missed), "{metrics}");
    assert!(metrics.contains(&format!("linchpin_journal_up{{app=\"{}\"}} 1\n", APP.id)), "{metrics}");
    process.kill();
}

#[test]
fn an_expired_offset_is_a_gap_and_the_oldest_entry_is_next() {
    let scene = Scene::new(&json!({"lose": 1.0}), APP.client);
    scene.simulator.seed(&json!({"contacts": 20}));
    let process = scene.serve();
    scene.churn(100);
    scene.settle(LIMIT);
    scene.agree();
    process.kill();
    let earlier =
        "update journal set place = '01a0f0d6-0000-7000-8000-000000000000', read_until = read_until - 4*86400000";
    assert_eq!(scene.store().execute(earlier, ()).expect("the store is written"), 1);
    scene.churn(100);
    scene.settle(LIMIT);
    let process = scene.serve();
    scene.agree();
    let journal = scene.journal();
    assert_eq!(journal.get("gaps"), Some(&json!(1)), "{journal}");
    let span = |name: &str| journal.pointer(&format!("/last_gap/{name}")).and_then(Value::as_i64).expect("a gap");
    assert!(span("until_ms") - span("from_ms") > 3 * 86_400_000, "{journal}");
    assert!(scene.metrics().contains(&format!("linchpin_journal_gaps_total{{app=\"{}\"}} 1\n", APP.id)));
    assert_eq!(process.err().matches("LP6202").count(), 1, "{}", process.err());
    process.kill();
    // It is told once, and remembered.
    let process = scene.serve();
    let read = binary::until(LIMIT, || scene.journal().get("state") == Some(&json!("caught_up")));
    let journal = scene.journal();
    assert!(read && journal.get("gaps") == Some(&json!(0)), "{journal}");
    assert!(journal.get("last_gap").is_some_and(Value::is_object), "{journal}");
    process.kill();
}

#[test]
fn without_access_webhooks_alone_go_on() {
    let scene = Scene::new(&json!({}), "client-of-nobody");
    scene.simulator.seed(&json!({"contacts": 20}));
    let process = scene.serve();
    scene.churn(50);
    scene.settle(LIMIT);
    scene.agree();
    let refused = binary::until(LIMIT, || scene.journal().get("state") == Some(&json!("no_access")));
    let journal = scene.journal();
    assert!(refused && journal.get("code") == Some(&json!("LP6201")), "{journal}");
    assert_eq!(process.err().matches("LP6201").count(), 1, "{}", process.err());
    assert!(!process.err().contains(APP.secret) && !process.err().contains("client-of-nobody"), "{}", process.err());
    process.kill();
}
