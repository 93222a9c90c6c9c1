//! Events are followed into the mirror, on one simulated clock, and reads are shared.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use linchpin_core::follow::known::Held;
use linchpin_core::ingress::keys;
use linchpin_core::schedule::limits::Tier;
use linchpin_core::time::Wall;
use linchpin_engine::follow::{Counts, FollowParts, Follower};
use linchpin_engine::news::Bell;
use linchpin_engine::tasks::Tasks;
use linchpin_hubspot::event;
use linchpin_hubspot::id::{ObjectType, RecordId};
use linchpin_hubspot::version::ApiVersion;
use linchpin_ports::event_log::{NewEvent, Teller};
use linchpin_ports::faulty::{Fault, Method, Script, wrap};
use linchpin_ports::mirror::MirrorRecord;
use linchpin_ports::store::Stores;
use linchpin_simulator::SimOptions;
use linchpin_simulator::model::IndexLag;
use linchpin_store_sqlite::SqliteStore;
use linchpin_trials::desk::{Desk, TOKEN};
use serde_json::{Value, json};

/// What is done is done by then.
const SETTLED: Duration = Duration::from_secs(120);

struct Scene {
    desk: Desk,
    stores: Stores,
    script: Script,
    follower: Follower,
    news: Bell,
    tasks: Tasks,
}

impl Scene {
    async fn new(contacts: u64) -> Self {
        let (stores, script) = wrap(SqliteStore::in_memory().expect("a store").stores());
        let mut options = SimOptions { seed: 5, latency_ms: 100, ..SimOptions::default() };
        options.portal.index_lag = IndexLag::Off;
        let desk = Desk::start(options, Tier::Professional, stores.clone()).await;
        desk.control("POST", "/_control/seed", &json!({"contacts": contacts}).to_string()).await;
        desk.control("POST", "/_control/reset", r#"{"stats": true}"#).await;
        let (tasks, news) = (Tasks::new(), Bell::default());
        let follower = Follower::start(&tasks, parts(&desk, &stores, &news));
        Self { desk, stores, script, follower, news, tasks }
    }

    /// Keeps events, as the ingress does.
    async fn tell(&self, events: &[Value]) {
        let events = events.iter().map(|told| {
            let raw = Bytes::from(told.to_string());
            let known = event::read_one(&raw);
            let (delivery, change) = known.as_ref().map_or_else(|_| keys::keys_of_bytes(&raw), keys::keys);
            NewEvent {
                install: self.desk.context.install,
                teller: Teller::Webhook,
                occurred_at: self.now(),
                kind: "any".to_owned(),
                object_type: None,
                record: None,
                property: None,
                delivery,
                change,
                echo: None,
                raw,
            }
        });
        self.stores.events.accept(events.collect(), self.now()).await.expect("they are kept");
        self.news.ring();
    }

    fn now(&self) -> Wall {
        self.desk.context.clock.now().wall
    }

    fn event(&self, kind: &str, id: u64, more: &Value) -> Value {
        let install = self.desk.context.install;
        let mut told = json!({"eventId": 1, "subscriptionId": 2, "portalId": install.portal.0, "appId": install.app.0,
            "occurredAt": self.now().0, "subscriptionType": kind, "objectId": id});
        let more = more.as_object().expect("an object").clone();
        told.as_object_mut().expect("an object").extend(more);
        told
    }

    fn city(&self, id: u64, value: &str) -> Value {
        self.event("contact.propertyChange", id, &json!({"propertyName": "city", "propertyValue": value}))
    }

    /// A call as another program makes it.
    async fn call(&self, method: &str, id: u64, body: &Value) {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("http://simulator/crm/v3/objects/contacts/{id}"))
            .header("authorization", format!("Bearer {TOKEN}"))
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_string()))
            .expect("a request");
        let answer = self.desk.simulator.call(request).await.expect("an answer");
        assert!(answer.status().is_success(), "{answer:?}");
    }

    /// Waits until nothing is left to do.
    async fn settled(&self) -> Counts {
        let began = self.desk.context.clock.now().mono;
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let last = self.stores.events.last(self.desk.context.install).await.expect("the log is read");
            let place = self.stores.follow.place(self.desk.context.install, self.desk.context.install.app).await;
            let left = self.stores.follow.outlook(self.desk.context.install).await.expect("it is read");
            if place.expect("it is read") == last && left.waiting == 0 {
                return self.follower.counts();
            }
            let waited = self.desk.context.clock.now().mono - began;
            assert!(waited < SETTLED, "{left:?} {:?}", self.follower.counts());
        }
    }

    async fn shown(&self, id: u64) -> Option<MirrorRecord> {
        let contacts = ObjectType::new("contacts");
        let mut found = self.stores.mirror.get(self.desk.context.install, &contacts, &[RecordId(id)]).await;
        found.as_mut().expect("the mirror is read").remove(0)
    }

    /// The city that the mirror shows of a live record.
    async fn city_of(&self, id: u64) -> Option<String> {
        let record = self.shown(id).await.filter(|record| !record.archived)?;
        record.properties.get("city").cloned().flatten()
    }

    async fn ids(&self) -> Vec<u64> {
        let dump = self.desk.control("GET", "/_control/dump/contacts", "").await;
        let id = |line: &str| serde_json::from_str::<Value>(line).ok()?.get("id")?.as_str()?.parse().ok();
        dump.lines().filter_map(id).collect()
    }

    async fn end(self) {
        self.tasks.shutdown().await.expect("no task panicked");
        self.desk.close().await;
    }
}

fn parts(desk: &Desk, stores: &Stores, news: &Bell) -> FollowParts {
    let install = desk.context.install;
    FollowParts {
        install,
        logs: vec![install.app],
        objects: BTreeMap::from([(ObjectType::new("contacts"), Held::new(["city", "phone"]))]),
        events: Arc::clone(&stores.events),
        follow: Arc::clone(&stores.follow),
        dispatch: desk.dispatch.clone(),
        version: ApiVersion::default(),
        clock: Arc::clone(&desk.context.clock),
        news: news.listen(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_property_events_on_forty_unknown_records_cost_one_call() {
    let scene = Scene::new(60).await;
    let ids: Vec<u64> = scene.ids().await.into_iter().take(40).collect();
    assert_eq!(ids.len(), 40);
    // In several deliveries, as HubSpot does.
    for part in 0..4 {
        let events: Vec<Value> =
            (0..25).map(|n| scene.city(ids[(part * 25 + n) % 40], &format!("City {part} {n}"))).collect();
        scene.tell(&events).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let counts = scene.settled().await;
    assert_eq!((scene.desk.stat("requests").await, counts.calls, counts.asked, counts.events), (1, 1, 40, 100));
    assert_eq!(scene.city_of(ids[0]).await.as_deref(), Some("City 3 5"));
    // From now on they are known: no event costs a call.
    tokio::time::sleep(Duration::from_secs(5)).await;
    scene.tell(&ids.iter().map(|id| scene.city(*id, "Oslo")).collect::<Vec<_>>()).await;
    let counts = scene.settled().await;
    assert_eq!((scene.desk.stat("requests").await, counts.direct), (1, 40));
    for id in ids {
        assert_eq!(scene.city_of(id).await.as_deref(), Some("Oslo"));
    }
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_missing_right_after_its_event_is_asked_again() {
    let scene = Scene::new(1).await;
    scene.desk.control("POST", "/_control/webhooks", r#"{"read_gap_ms": 4000}"#).await;
    scene.desk.control("POST", "/_control/seed", r#"{"contacts": 1}"#).await;
    let id = *scene.ids().await.iter().max().expect("a record");
    scene.tell(&[scene.event("contact.creation", id, &json!({}))]).await;
    let counts = scene.settled().await;
    assert!(counts.again >= 2 && counts.gone == 0, "{counts:?}");
    assert!(scene.shown(id).await.is_some_and(|record| !record.archived));
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_is_believed_only_after_the_bin_was_looked_into() {
    let scene = Scene::new(3).await;
    let ids = scene.ids().await;
    scene.tell(&ids.iter().map(|id| scene.city(*id, "Oslo")).collect::<Vec<_>>()).await;
    scene.settled().await;
    // Archived, and nobody tells of it; the other never was.
    scene.call("DELETE", ids[0], &Value::Null).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let hidden = |id| scene.city(id, "REDACTED");
    scene.tell(&[hidden(ids[0]), hidden(ids[1]), hidden(987_654_321)]).await;
    let counts = scene.settled().await;
    assert_eq!(counts.gone, 2, "{counts:?}");
    assert!(counts.again >= 10, "{counts:?}");
    let archived = scene.shown(ids[0]).await.expect("it is held");
    assert!(archived.archived && archived.properties.contains_key("city"), "{archived:?}");
    assert!(scene.shown(987_654_321).await.is_none());
    // The hidden value of the other was read.
    assert_ne!(scene.city_of(ids[1]).await.as_deref(), Some("REDACTED"));
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_understood_or_not_mirrored_stops_nothing() {
    let scene = Scene::new(1).await;
    let id = scene.ids().await[0];
    let other = scene.event("company.creation", 5, &json!({}));
    let association = json!({"associationType": "CONTACT_TO_COMPANY", "fromObjectId": id, "toObjectId": 5,
        "associationRemoved": false});
    let association = scene.event("contact.associationChange", id, &association);
    let broken = scene.event("contact.propertyChange", id, &json!({}));
    scene.tell(&[json!(7), json!({"portalId": "?"}), broken, other, association, scene.city(id, "Rome")]).await;
    let counts = scene.settled().await;
    assert_eq!((counts.events, counts.asked), (6, 1));
    assert_eq!(scene.city_of(id).await.as_deref(), Some("Rome"));
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_anywhere_loses_nothing() {
    let scene = Scene::new(5).await;
    let ids = scene.ids().await;
    let methods = [
        Method::FollowPlace,
        Method::FollowKnown,
        Method::FollowAdvance,
        Method::FollowClaim,
        Method::FollowSettle,
        Method::FollowOutlook,
        Method::EventsRead,
        Method::EventsLast,
    ];
    for (round, fault) in [Fault::Before, Fault::After].into_iter().enumerate() {
        for method in methods {
            scene.script.fail(method, fault);
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        let city = format!("City {round}");
        for id in &ids {
            scene.call("PATCH", *id, &json!({"properties": {"city": city}})).await;
        }
        scene.tell(&ids.iter().map(|id| scene.city(*id, "REDACTED")).collect::<Vec<_>>()).await;
        tokio::time::sleep(Duration::from_secs(30)).await;
        // A claim whose answer was lost is given back by the next process.
        scene.stores.follow.begin(scene.desk.context.install).await.expect("it is given back");
        scene.settled().await;
        assert!(scene.script.is_spent());
        for id in &ids {
            assert_eq!(scene.city_of(*id).await.as_deref(), Some(city.as_str()));
        }
    }
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_hubspot_that_fails_is_asked_later() {
    let scene = Scene::new(2).await;
    let ids = scene.ids().await;
    scene.call("PATCH", ids[0], &json!({"properties": {"city": "Oslo"}})).await;
    let rule = json!([{"method": "POST", "path": "/crm/", "probability": 1.0,
        "fault": {"kind": "status", "status": 403}}]);
    scene.desk.control("POST", "/_control/faults", &rule.to_string()).await;
    scene.tell(&[scene.city(ids[0], "Oslo")]).await;
    tokio::time::sleep(Duration::from_secs(100)).await;
    let counts = scene.follower.counts();
    assert!((2..=6).contains(&counts.failed), "{counts:?}");
    assert!(scene.shown(ids[0]).await.is_none());
    scene.desk.control("DELETE", "/_control/faults", "").await;
    scene.settled().await;
    assert_eq!(scene.city_of(ids[0]).await.as_deref(), Some("Oslo"));
    scene.end().await;
}
