//! HubSpot delivers to `linchpin serve`, which is killed again and again: whatever happened is in its log once.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use http::Method;
use linchpin_trials::binary::{self, Running};
use linchpin_trials::control::Control;
use linchpin_trials::simulator::{Simulator, TOKEN};
use linchpin_trials::workplace::Workplace;
use serde_json::{Value, json};

const SECRET: &str = "pat-test-secret-of-7007";
const CHANGES: u64 = 3_000;
const KILLS: usize = 5;
const DELIVERY_LIMIT: Duration = Duration::from_secs(120);

struct Scene {
    simulator: Simulator,
    place: Workplace,
    listen: String,
}

impl Scene {
    /// A simulator whose app 7007 delivers to a server that is not started yet.
    fn new(faults: &Value) -> Self {
        let simulator = Simulator::start(&["--index-lag", "off"]);
        let free = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let listen = free.local_addr().expect("it listens").to_string();
        drop(free);
        let place = Workplace::new();
        place.write_config(&format!(
            "hubspot: {{token: {TOKEN}, base_url: '{}', tier: professional}}\nstore: state.db\n\
             gateway: {{listen: '{listen}'}}\nwebhooks: {{apps: {{'7007': {{secret: {SECRET}}}}}}}\n",
            simulator.base()
        ));
        let subscriptions = json!([
            {"eventType": "contact.creation"}, {"eventType": "contact.deletion"}, {"eventType": "contact.merge"},
            {"eventType": "contact.propertyChange", "propertyName": "city"},
        ]);
        let app = json!({"app_id": 7007, "client_secret": SECRET, "subscriptions": subscriptions,
            "target_url": format!("http://{listen}/webhooks/hubspot/7007")});
        let order = json!({"apps": [app], "faults": faults,
            "delivery": {"retry_over_ms": 20_000, "delay_ms": [0, 0], "batch": 20}});
        simulator.control().json(Method::POST, "/_control/webhooks", Some(&order));
        Self { simulator, place, listen }
    }

    fn serve(&self) -> Running {
        self.place.serve(&[]).0
    }

    fn webhooks(&self) -> Value {
        self.simulator.control().json(Method::GET, "/_control/webhooks", None)
    }

    fn taken(&self) -> u64 {
        self.webhooks().pointer("/counts/taken").and_then(Value::as_u64).expect("the counts are told")
    }

    /// Waits until nothing is on its way any more.
    fn settle(&self) {
        let number = |state: &Value, pointer: &str| state.pointer(pointer).and_then(Value::as_u64);
        let settled = binary::until(DELIVERY_LIMIT, || {
            let state = self.webhooks();
            let left = ["/pending/events_waiting", "/pending/posts_under_way", "/churn_left"];
            left.iter().all(|pointer| number(&state, pointer) == Some(0))
        });
        assert!(settled, "{}", self.webhooks());
    }

    /// What happened, as the simulator knows it, without what it was told never to deliver.
    fn happened(&self) -> BTreeMap<Told, u64> {
        let events = self.simulator.control().lines("/_control/webhooks/events");
        let fates = |event: &Value| event.get("fate").and_then(Value::as_str).map(str::to_owned);
        assert!(events.iter().all(|event| fates(event).is_some_and(|fate| fate == "delivered")), "all is delivered");
        counted(events.iter().filter_map(|event| event.get("event")).map(told))
    }

    /// What is in the log.
    fn logged(&self) -> BTreeMap<Told, u64> {
        let store = rusqlite::Connection::open(self.place.path("state.db")).expect("the store opens");
        let mut bodies = store.prepare("select substr(body, 2) from event order by place").expect("a query");
        let bodies = bodies.query_map((), |row| row.get::<_, Vec<u8>>(0)).expect("rows");
        let events: Vec<Value> =
            bodies.map(|body| serde_json::from_slice(&body.expect("a row")).expect("an event is JSON")).collect();
        counted(events.iter().map(told))
    }
}

/// An event without what differs between deliveries: its kind, record, moment, property and value.
type Told = [String; 5];

fn told(event: &Value) -> Told {
    let member = |name: &str| event.get(name).map(ToString::to_string).unwrap_or_default();
    ["subscriptionType", "objectId", "occurredAt", "propertyName", "propertyValue"].map(member)
}

fn counted(events: impl Iterator<Item = Told>) -> BTreeMap<Told, u64> {
    let mut counts = BTreeMap::new();
    for told in events {
        *counts.entry(told).or_default() += 1;
    }
    counts
}

#[test]
fn every_change_is_in_the_log_once_however_often_the_server_is_killed() {
    let scene = Scene::new(&json!({"duplicate": 0.1, "reorder": 0.2, "span_ms": 2000, "unheard": 0.05}));
    scene.simulator.seed(&json!({"contacts": 300}));
    let mut process = scene.serve();
    let churn = json!({"changes": CHANGES, "creations": 200, "deletions": 50, "merges": 10, "property": "city",
        "per_second": 300});
    scene.simulator.control().json(Method::POST, "/_control/churn", Some(&churn));
    for kill in 1..=KILLS {
        // More must have come in before each kill than before the last.
        let enough = CHANGES * kill as u64 / (KILLS as u64 + 2);
        assert!(binary::until(DELIVERY_LIMIT, || scene.taken() >= enough), "{}", scene.webhooks());
        process.kill();
        process = scene.serve();
    }
    scene.settle();
    process.kill();
    let (happened, logged) = (scene.happened(), scene.logged());
    assert!(happened.len() as u64 > CHANGES, "{}", happened.len());
    let missing: Vec<&Told> = happened.keys().filter(|told| !logged.contains_key(*told)).collect();
    assert!(missing.is_empty(), "lost: {missing:?}");
    let strange: Vec<_> = logged.iter().filter(|(told, times)| **times > 1 || !happened.contains_key(*told)).collect();
    assert!(strange.is_empty(), "twice, or never happened: {strange:?}");
    let counts = scene.webhooks();
    assert!(counts.pointer("/counts/duplicated").and_then(Value::as_u64) > Some(0), "{counts}");
    assert!(counts.pointer("/counts/unheard").and_then(Value::as_u64) > Some(0), "{counts}");
}

#[test]
fn a_delivery_that_is_forged_is_refused_and_leaves_nothing() {
    let scene = Scene::new(&json!({"wrong_signature": 1.0}));
    let process = scene.serve();
    scene.simulator.seed(&json!({"contacts": 1}));
    let churn = json!({"changes": 5, "creations": 0, "property": "city"});
    scene.simulator.control().json(Method::POST, "/_control/churn", Some(&churn));
    let refused = || scene.webhooks().pointer("/counts/by_status/401").and_then(Value::as_u64).unwrap_or_default();
    assert!(binary::until(DELIVERY_LIMIT, || refused() > 0), "{}", scene.webhooks());
    // Neither is anything else taken at these paths, nor passed on to HubSpot.
    let before = scene.simulator.requests();
    let stranger = Control::new(&format!("http://{}", scene.listen), TOKEN);
    for path in ["/webhooks/hubspot/7008", "/webhooks/workflow/x", "/webhooks/hubspot/7007/more"] {
        let (status, text) = stranger.call(Method::POST, path, Some(&json!([])));
        assert_eq!(status.as_u16(), 404, "{path}: {text}");
    }
    assert_eq!(scene.simulator.requests(), before);
    process.kill();
    assert!(scene.logged().is_empty());
    assert!(Path::new(&scene.place.path("state.db")).exists());
}
