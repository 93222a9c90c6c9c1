//! HubSpot's webhooks keep the mirror of `linchpin serve` true, however they come, and however often it is killed.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::Duration;

use http::Method;
use linchpin_trials::binary::{self, Running};
use linchpin_trials::control::Control;
use linchpin_trials::figure;
use linchpin_trials::simulator::{self, Simulator, TOKEN};
use linchpin_trials::workplace::Workplace;
use serde_json::{Value, json};

const SECRET: &str = "pat-test-secret-of-7007";
const CHANGES: u64 = 3_000;
const KILLS: u64 = 4;
const FORGOTTEN: usize = 5;
const PROPERTIES: [&str; 5] = ["city", "email", "firstname", "lastname", "phone"];
const START_LIMIT: Duration = Duration::from_secs(60);
const DELIVERY_LIMIT: Duration = Duration::from_secs(180);

struct Scene {
    simulator: Simulator,
    place: Workplace,
    listen: String,
}

/// Ids and values: of each record that is there, the configured properties that have one.
type Records = BTreeMap<String, BTreeMap<String, String>>;

impl Scene {
    fn new() -> Self {
        let simulator = Simulator::start(&["--index-lag", "off"]);
        let free = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let listen = free.local_addr().expect("it listens").to_string();
        drop(free);
        let place = Workplace::new();
        let properties = PROPERTIES.join(", ");
        place.write_config(&format!(
            "hubspot: {{token: {TOKEN}, base_url: '{}', tier: professional}}\nstore: state.db\n\
             gateway: {{listen: '{listen}'}}\nwebhooks: {{apps: {{'7007': {{secret: {SECRET}}}}}}}\n\
             mirror: {{objects: {{contacts: {{properties: [{properties}]}}}}}}\n",
            simulator.base()
        ));
        let fates = ["creation", "deletion", "merge", "restore", "privacyDeletion"];
        let fates = fates.map(|fate| json!({"eventType": format!("contact.{fate}")}));
        let values = PROPERTIES.map(|name| json!({"eventType": "contact.propertyChange", "propertyName": name}));
        let subscriptions: Vec<Value> = fates.into_iter().chain(values).collect();
        let app = json!({"app_id": 7007, "client_secret": SECRET, "subscriptions": subscriptions,
            "target_url": format!("http://{listen}/webhooks/hubspot/7007")});
        let faults = json!({"duplicate": 0.1, "reorder": 0.2, "span_ms": 3000, "unheard": 0.05});
        let order = json!({"apps": [app], "faults": faults, "read_gap_ms": 1500,
            "delivery": {"retry_over_ms": 20_000, "delay_ms": [0, 300], "batch": 20}});
        simulator.control().json(Method::POST, "/_control/webhooks", Some(&order));
        Self { simulator, place, listen }
    }

    fn serve(&self) -> Running {
        let mut process = self.place.start(&["serve"]);
        let up = binary::until(START_LIMIT, || simulator::address(&process.out()).is_some() || process.has_ended());
        assert!(up && !process.has_ended(), "it does not serve; out: {}; err: {}", process.out(), process.err());
        process
    }

    fn churn(&self, order: &Value) {
        self.simulator.control().json(Method::POST, "/_control/churn", Some(order));
    }

    fn webhooks(&self) -> Value {
        self.simulator.control().json(Method::GET, "/_control/webhooks", None)
    }

    fn taken(&self) -> u64 {
        self.webhooks().pointer("/counts/taken").and_then(Value::as_u64).expect("the counts are told")
    }

    fn metric(&self, name: &str) -> u64 {
        let page = Control::new(&format!("http://{}", self.listen), TOKEN).text(Method::GET, "/metrics", None);
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).expect("the metric is there")
    }

    /// Waits until nothing is on its way any more, and nothing is left to be followed or read.
    fn settle(&self) {
        let number = |state: &Value, pointer: &str| state.pointer(pointer).and_then(Value::as_u64);
        let delivered = binary::until(DELIVERY_LIMIT, || {
            let state = self.webhooks();
            let left = ["/pending/events_waiting", "/pending/posts_under_way", "/churn_left"];
            left.iter().all(|pointer| number(&state, pointer) == Some(0))
        });
        assert!(delivered, "{}", self.webhooks());
        let followed = binary::until(DELIVERY_LIMIT, || self.left() == (0, 0));
        assert!(followed, "{:?}", self.left());
    }

    fn left(&self) -> (i64, i64) {
        (self.unfollowed(), self.count("select count(*) from wanted"))
    }

    fn unfollowed(&self) -> i64 {
        self.count("select (select max(place) from event where portal > 0) - (select max(place) from follow_place)")
    }

    fn count(&self, query: &str) -> i64 {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let store = rusqlite::Connection::open_with_flags(self.place.path("state.db"), flags).expect("the store opens");
        store.busy_timeout(Duration::from_secs(5)).expect("it waits");
        store.query_row(query, (), |row| row.get::<_, Option<i64>>(0)).expect("a count").unwrap_or(i64::MAX)
    }

    /// What HubSpot holds.
    fn there(&self) -> Records {
        let of = |record: linchpin_trials::records::Record| {
            let values = record.properties.into_iter().filter(|(name, _)| PROPERTIES.contains(&name.as_str()));
            (record.id, values.collect())
        };
        self.simulator.dump("contacts").into_iter().map(of).collect()
    }

    /// What the mirror holds, of records that are there or of those that are not.
    fn mirrored(&self, archived: bool) -> Records {
        let store = rusqlite::Connection::open(self.place.path("state.db")).expect("the store opens");
        let query = "select record, substr(properties, 2) from mirror where object_type = 'contacts' and archived = ?1";
        let mut rows = store.prepare(query).expect("a query");
        let rows =
            rows.query_map([archived], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))).expect("rows");
        let values = |blob: Vec<u8>| {
            let values: BTreeMap<String, Option<String>> = serde_json::from_slice(&blob).expect("values are JSON");
            values
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.filter(|text| !text.is_empty())?)))
                .collect()
        };
        rows.map(|row| row.map(|(id, blob)| (id.to_string(), values(blob))).expect("a row")).collect()
    }

    /// What the log and the follower have of a record.
    fn story(&self, id: &str) -> Vec<String> {
        let store = rusqlite::Connection::open(self.place.path("state.db")).expect("the store opens");
        let query = "select place || ' ' || kind || ' ' || coalesce(property, '') || ' ' || occurred_at from event
            where record = ?1 union all select cast(substr(known, 2) as text) from followed where record = ?1";
        let mut lines = store.prepare(query).expect("a query");
        let lines = lines.query_map([id.parse::<i64>().expect("an id")], |row| row.get(0)).expect("rows");
        let told = self.simulator.control().lines("/_control/webhooks/events");
        let told = told
            .iter()
            .filter(|line| line.pointer("/event/objectId").is_some_and(|found| found.as_u64() == id.parse().ok()));
        lines.map(|line| line.expect("a row")).chain(told.map(ToString::to_string)).collect()
    }

    /// Deletes some contacts for good.
    fn forget(&self) -> Vec<String> {
        let ids: Vec<String> = self.there().into_keys().take(FORGOTTEN).collect();
        for id in &ids {
            let body = json!({"objectId": id});
            self.simulator.control().text(Method::POST, "/crm/v3/objects/contacts/gdpr-delete", Some(&body));
        }
        ids
    }
}

#[test]
fn the_mirror_ends_as_hubspot_is_however_events_come_and_whenever_it_is_killed() {
    let scene = Scene::new();
    let mut process = scene.serve();
    // What is seeded nobody tells of; what people create is told.
    scene.churn(&json!({"creations": 300}));
    scene.settle();
    let churn = json!({"changes": CHANGES, "creations": 200, "deletions": 80, "restorations": 40, "merges": 20,
        "per_second": 200});
    scene.churn(&churn);
    let mut forgotten = Vec::new();
    for kill in 1..=KILLS {
        // More must have come in before each kill than before the last.
        let enough = CHANGES * kill / (KILLS + 2);
        assert!(binary::until(DELIVERY_LIMIT, || scene.taken() >= enough), "{}", scene.webhooks());
        forgotten.extend(scene.forget());
        process.kill();
        process = scene.serve();
    }
    scene.settle();
    for name in ["events_total", "direct_total", "calls_total", "asked_total", "asked_again_total", "gone_total"] {
        figure(name, scene.metric(&format!("linchpin_follow_{name}")));
    }
    process.kill();
    let (there, mirrored) = (scene.there(), scene.mirrored(false));
    let differ: Vec<_> = there
        .keys()
        .chain(mirrored.keys())
        .filter(|id| there.get(*id) != mirrored.get(*id))
        .map(|id| (id, there.get(id), mirrored.get(id), scene.story(id)))
        .collect();
    assert!(differ.is_empty(), "{} of {} differ: {:?}", differ.len(), there.len(), &differ[..differ.len().min(5)]);
    let gone = scene.mirrored(true);
    assert!(gone.values().any(|values| !values.is_empty()), "what lies in the bin keeps its values");
    assert_eq!(forgotten.len(), FORGOTTEN * usize::try_from(KILLS).expect("few"));
    let kept: Vec<&String> =
        forgotten.iter().filter(|id| gone.get(*id).is_some_and(|values| !values.is_empty())).collect();
    assert!(kept.is_empty(), "forgotten persons whose values are kept: {kept:?}");
    // Most changes cost no call.
    assert!(scene.simulator.requests() < CHANGES / 4, "{}", scene.simulator.requests());
}
