//! Webhooks that lose events, and a journal that has them: `linchpin serve` reads it, is killed while it does, finds
//! that it was away for too long, or is not let in at all.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::Duration;

use http::Method;
use linchpin_trials::binary::{self, Running};
use linchpin_trials::control::Control;
use linchpin_trials::simulator::{self, Simulator, TOKEN};
use linchpin_trials::workplace::Workplace;
use serde_json::{Value, json};

const PORTAL: u64 = 48_151_623;
const APP: u64 = 7_008;
const CLIENT: &str = "client-1";
const SECRET: &str = "pat-test-secret-of-7008";
const ADMIN_KEY: &str = "pat-test-admin-1";
const KILLS: u32 = 3;
const START_LIMIT: Duration = Duration::from_secs(60);
const LIMIT: Duration = Duration::from_secs(150);

struct Scene {
    simulator: Simulator,
    place: Workplace,
    listen: String,
}

impl Scene {
    /// A simulator whose app has webhooks with these faults, and a journal in small files.
    fn new(faults: &Value, client: &str) -> Self {
        let oauth_app = format!("{CLIENT}:{SECRET}");
        let simulator = Simulator::start(&["--index-lag", "off", "--oauth-app", &oauth_app]);
        let free = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let listen = free.local_addr().expect("it listens").to_string();
        drop(free);
        let place = Workplace::new();
        place.write_config(&format!(
            "hubspot: {{token: {TOKEN}, base_url: '{}', tier: professional}}\nstore: state.db\n\
             gateway: {{listen: '{listen}', admin: {{key: {ADMIN_KEY}}}}}\n\
             webhooks: {{apps: {{'{APP}': {{secret: {SECRET}, \
             journal: {{client_id: {client}, poll: 1s, compare_after: 10s}}}}}}}}\n",
            simulator.base()
        ));
        let scene = Self { simulator, place, listen };
        scene.subscribe(faults);
        scene
    }

    fn subscribe(&self, faults: &Value) {
        let control = self.simulator.control();
        let subscriptions = json!([
            {"eventType": "contact.creation"}, {"eventType": "contact.deletion"}, {"eventType": "contact.merge"},
            {"eventType": "contact.propertyChange", "propertyName": "city"},
        ]);
        let app = json!({"app_id": APP, "client_secret": SECRET, "subscriptions": subscriptions, "portals": [PORTAL],
            "target_url": format!("http://{}/webhooks/hubspot/{APP}", self.listen)});
        let order = json!({"apps": [app], "faults": faults, "delivery": {"retry_over_ms": 20_000, "delay_ms": [0, 0],
            "batch": 20}, "journal": {"publish_ms": 300, "file_events": 40}});
        control.json(Method::POST, "/_control/webhooks", Some(&order));
        let scope = "developer.webhooks_journal.subscriptions.write";
        let form = format!("grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}&scope={scope}");
        let issued = control.form("/oauth/2026-03/token", &form);
        let token = issued.get("access_token").and_then(Value::as_str).expect("a token");
        let subscription = json!({"subscriptionType": "OBJECT", "portalId": PORTAL, "objectTypeId": "0-1",
            "actions": ["CREATE", "UPDATE", "DELETE", "MERGE"], "properties": ["city"]});
        let journal = Control::new(self.simulator.base(), token);
        journal.json(Method::POST, "/webhooks-journal/subscriptions/2026-03", Some(&subscription));
    }

    fn serve(&self) -> Running {
        let mut process = self.place.start(&["serve"]);
        let up = binary::until(START_LIMIT, || simulator::address(&process.out()).is_some() || process.has_ended());
        assert!(up && !process.has_ended(), "it does not serve; out: {}; err: {}", process.out(), process.err());
        process
    }

    fn churn(&self, changes: u64) {
        let churn = json!({"changes": changes, "creations": changes / 10, "deletions": changes / 40,
            "merges": changes / 200, "property": "city", "per_second": 250});
        self.simulator.control().json(Method::POST, "/_control/churn", Some(&churn));
    }

    /// Waits until everything has happened, and nothing is on its way any more but to a server that is not there.
    fn settle(&self, pointers: &[&str]) {
        let webhooks = || self.simulator.control().json(Method::GET, "/_control/webhooks", None);
        let settled = binary::until(LIMIT, || {
            let state = webhooks();
            pointers.iter().all(|pointer| state.pointer(pointer).and_then(Value::as_u64) == Some(0))
        });
        assert!(settled, "{}", webhooks());
    }

    /// What happened, as the simulator knows it; with the lost ones apart.
    fn happened(&self) -> (BTreeMap<Told, u64>, u64) {
        let events = self.simulator.control().lines("/_control/webhooks/events");
        let lost = events.iter().filter(|event| event.get("fate").and_then(Value::as_str) == Some("lost")).count();
        (counted(events.iter().filter_map(|event| event.get("event")).map(told)), lost as u64)
    }

    fn store(&self) -> rusqlite::Connection {
        let store = rusqlite::Connection::open(self.place.path("state.db")).expect("the store opens");
        store.busy_timeout(Duration::from_secs(5)).expect("a timeout");
        store
    }

    /// How many changes the log has from the journal alone.
    fn told_by_journal(&self) -> u64 {
        let count = "select count(*) from event where teller = 2";
        let count: i64 = self.store().query_row(count, (), |row| row.get(0)).expect("a count");
        u64::try_from(count).expect("a count is no debt")
    }

    /// What is in the log.
    fn logged(&self) -> BTreeMap<Told, u64> {
        let store = self.store();
        let mut bodies = store.prepare("select substr(body, 2) from event order by place").expect("a query");
        let bodies = bodies.query_map((), |row| row.get::<_, Vec<u8>>(0)).expect("rows");
        let events: Vec<Value> =
            bodies.map(|body| serde_json::from_slice(&body.expect("a row")).expect("an event is JSON")).collect();
        counted(events.iter().map(told))
    }

    /// Waits until the log holds what happened, each change once.
    fn agree(&self) {
        let (happened, _) = self.happened();
        let agreed = binary::until(LIMIT, || self.logged().len() >= happened.len());
        let logged = self.logged();
        let missing: Vec<&Told> = happened.keys().filter(|told| !logged.contains_key(*told)).collect();
        assert!(agreed && missing.is_empty(), "{} of {} are missing: {missing:?}", missing.len(), happened.len());
        let strange: Vec<_> =
            logged.iter().filter(|(told, times)| **times > 1 || !happened.contains_key(*told)).collect();
        assert!(strange.is_empty(), "twice, or never happened: {strange:?}");
    }

    /// What the admin interface says of the journal.
    fn journal(&self) -> Value {
        let admin = Control::new(&format!("http://{}", self.listen), ADMIN_KEY);
        let all = admin.json(Method::GET, "/linchpin/v1/journals", None);
        all.pointer("/journals/0").cloned().expect("a journal is read")
    }

    fn metrics(&self) -> String {
        Control::new(&format!("http://{}", self.listen), TOKEN).text(Method::GET, "/metrics", None)
    }
}

/// An event without what differs between those who tell it: its kind, record, moment, property and value.
type Told = [String; 5];

fn told(event: &Value) -> Told {
    let member = |name: &str| event.get(name).map(ToString::to_string).unwrap_or_default();
    let kind = member("subscriptionType");
    let kind = kind.split_once('.').map_or(kind.clone(), |(_, what)| what.to_owned());
    [kind, member("objectId"), member("occurredAt"), member("propertyName"), member("propertyValue")]
}

fn counted(events: impl Iterator<Item = Told>) -> BTreeMap<Told, u64> {
    let mut counts = BTreeMap::new();
    for told in events {
        *counts.entry(told).or_default() += 1;
    }
    counts
}

const ALL: [&str; 3] = ["/pending/events_waiting", "/pending/posts_under_way", "/churn_left"];

#[test]
fn what_webhooks_lost_is_in_the_log_once_however_often_the_reader_is_killed() {
    let scene = Scene::new(&json!({"lose": 0.1, "duplicate": 0.1, "span_ms": 1000}), CLIENT);
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
    scene.settle(&ALL);
    scene.agree();
    let (happened, lost) = scene.happened();
    assert!(happened.len() > 3_000 && lost > 100, "{} and {lost}", happened.len());
    assert!(scene.told_by_journal() >= lost, "what was lost came from the journal");
    assert_eq!(scene.simulator.rate_limited(), 0);
    process.kill();
}

#[test]
fn what_webhooks_missed_is_counted() {
    let scene = Scene::new(&json!({"lose": 0.1, "duplicate": 0.1, "span_ms": 500}), CLIENT);
    scene.simulator.seed(&json!({"contacts": 50}));
    let process = scene.serve();
    scene.churn(600);
    scene.settle(&ALL);
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
    let missed = format!("linchpin_journal_missed_total{{app=\"{APP}\",by=\"webhooks\",kind=\"propertyChange\"}} ");
    assert!(metrics.contains(&missed), "{metrics}");
    assert!(metrics.contains(&format!("linchpin_journal_up{{app=\"{APP}\"}} 1\n")), "{metrics}");
    process.kill();
}

#[test]
fn an_expired_offset_is_a_gap_and_the_oldest_entry_is_next() {
    let scene = Scene::new(&json!({"lose": 1.0}), CLIENT);
    scene.simulator.seed(&json!({"contacts": 20}));
    let process = scene.serve();
    scene.churn(100);
    scene.settle(&ALL);
    scene.agree();
    process.kill();
    let earlier =
        "update journal set place = '01a0f0d6-0000-7000-8000-000000000000', read_until = read_until - 4*86400000";
    assert_eq!(scene.store().execute(earlier, ()).expect("the store is written"), 1);
    scene.churn(100);
    scene.settle(&ALL);
    let process = scene.serve();
    scene.agree();
    let journal = scene.journal();
    assert_eq!(journal.get("gaps"), Some(&json!(1)), "{journal}");
    let span = |name: &str| journal.pointer(&format!("/last_gap/{name}")).and_then(Value::as_i64).expect("a gap");
    assert!(span("until_ms") - span("from_ms") > 3 * 86_400_000, "{journal}");
    assert!(scene.metrics().contains(&format!("linchpin_journal_gaps_total{{app=\"{APP}\"}} 1\n")));
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
    scene.settle(&ALL);
    scene.agree();
    let refused = binary::until(LIMIT, || scene.journal().get("state") == Some(&json!("no_access")));
    let journal = scene.journal();
    assert!(refused && journal.get("code") == Some(&json!("LP6201")), "{journal}");
    assert_eq!(process.err().matches("LP6201").count(), 1, "{}", process.err());
    assert!(!process.err().contains(SECRET) && !process.err().contains("client-of-nobody"), "{}", process.err());
    process.kill();
}
