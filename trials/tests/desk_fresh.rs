//! Reads that allow an age, answered from the mirror, on one simulated clock: never older than is allowed, and never from
//! before a write that has returned.
#![expect(clippy::indexing_slicing, reason = "a test that finds nothing there is to fail")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AGE, CACHE_CONTROL, HeaderValue};
use http::{HeaderMap, Method};
use linchpin_core::follow::known::Held;
use linchpin_core::gateway::cache::{SETTLES, UNSURE};
use linchpin_core::ingress::keys;
use linchpin_core::schedule::lanes::Lane;
use linchpin_core::schedule::limits::Tier;
use linchpin_core::time::Mono;
use linchpin_engine::dispatch::DispatchError;
use linchpin_engine::follow::{FollowParts, Follower};
use linchpin_engine::gateway::{Asked, CACHE_HEADER, Coalesce, Gateway, MirrorParts, Writes};
use linchpin_engine::news::Bell;
use linchpin_engine::tasks::Tasks;
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::event;
use linchpin_hubspot::id::ObjectType;
use linchpin_hubspot::version::ApiVersion;
use linchpin_ports::event_log::{NewEvent, Teller};
use linchpin_ports::store::Stores;
use linchpin_simulator::SimOptions;
use linchpin_simulator::model::IndexLag;
use linchpin_store_sqlite::SqliteStore;
use linchpin_trials::desk::{Desk, TOKEN};
use linchpin_trials::parameters::parameter;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};

const HELD: [&str; 4] = ["city", "createdate", "email", "phone"];
/// How many workloads are tried, unless `LINCHPIN_TRIAL_SEEDS` says otherwise.
const SEEDS: u64 = 3;
const RECORDS: usize = 5;
const WRITES: u64 = 12;
const READERS: u64 = 6;
const READS: u64 = 40;

/// A process of the gateway with its mirror.
struct Process {
    gateway: Gateway,
    follower: Follower,
    tasks: Tasks,
}

impl Process {
    async fn start(desk: &Desk, stores: &Stores, bell: &Bell) -> Self {
        let (tasks, install, clock) = (Tasks::new(), desk.context.install, Arc::clone(&desk.context.clock));
        let objects = BTreeMap::from([(ObjectType::new("contacts"), Held::new(HELD))]);
        let parts = FollowParts {
            install,
            logs: vec![install.app],
            objects: objects.clone(),
            events: Arc::clone(&stores.events),
            follow: Arc::clone(&stores.follow),
            dispatch: desk.dispatch.clone(),
            version: ApiVersion::default(),
            clock: Arc::clone(&clock),
            news: bell.listen(),
        };
        let follower = Follower::start(&tasks, parts);
        let mirror = MirrorParts {
            install,
            writes: Arc::new(Writes::new(objects.keys().cloned(), Arc::clone(&clock))),
            objects,
            mirror: Arc::clone(&stores.mirror),
            sightings: follower.sightings(),
        };
        let gateway = Gateway::new(desk.dispatch.clone(), install, Coalesce::Proven, clock, 5).with_mirror(mirror);
        let process = Self { gateway, follower, tasks };
        while process.follower.sightings().process().is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        process
    }
}

struct Scene {
    desk: Desk,
    stores: Stores,
    bell: Bell,
    process: Process,
}

impl Scene {
    async fn new(seed: u64, contacts: usize) -> Self {
        let stores = SqliteStore::in_memory().expect("a store").stores();
        let mut options = SimOptions { seed, latency_ms: 100, ..SimOptions::default() };
        options.portal.index_lag = IndexLag::Off;
        let desk = Desk::start(options, Tier::Professional, stores.clone()).await;
        desk.control("POST", "/_control/seed", &json!({"contacts": contacts}).to_string()).await;
        let bell = Bell::default();
        let process = Process::start(&desk, &stores, &bell).await;
        // The list of properties is read once, whoever asks.
        let scene = Self { desk, stores, bell, process };
        let id = scene.ids().await[0].clone();
        scene.read(&format!("/crm/v3/objects/contacts/{id}?properties=city"), "").await;
        scene.desk.control("POST", "/_control/reset", r#"{"stats": true}"#).await;
        scene
    }

    async fn ids(&self) -> Vec<String> {
        let dump = self.desk.control("GET", "/_control/dump/contacts", "").await;
        let id = |line: &str| serde_json::from_str::<Value>(line).ok()?.get("id")?.as_str().map(str::to_owned);
        dump.lines().filter_map(id).collect()
    }

    fn asked(&self, method: Method, target: &str, body: &Value, cache: &str) -> Asked {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        if !cache.is_empty() {
            headers.insert(CACHE_CONTROL, HeaderValue::from_str(cache).expect("a header"));
        }
        Asked {
            install: self.desk.context.install,
            lane: Lane::Interactive,
            deadline: None,
            caller: "trial".to_owned(),
            method,
            target: target.to_owned(),
            headers,
            body: if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) },
            joined: Arc::default(),
            passage: None,
        }
    }

    async fn call(&self, method: Method, target: &str, body: &Value, cache: &str) -> Result<Answer, DispatchError> {
        self.process.gateway.answer(self.asked(method, target, body, cache)).await
    }

    async fn read(&self, target: &str, cache: &str) -> Answer {
        self.call(Method::GET, target, &Value::Null, cache).await.expect("an answer")
    }

    async fn batch(&self, ids: &[&String], properties: &[&str], cache: &str) -> Answer {
        let inputs: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
        let body = json!({"inputs": inputs, "properties": properties});
        self.call(Method::POST, "/crm/v3/objects/contacts/batch/read", &body, cache).await.expect("an answer")
    }

    /// What a program gets that calls HubSpot itself.
    async fn direct(&self, method: &str, target: &str, body: &Value) -> Bytes {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("http://simulator{target}"))
            .header("authorization", format!("Bearer {TOKEN}"))
            .header("content-type", "application/json")
            .body(if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) })
            .expect("a request");
        let answer = self.desk.simulator.call(request).await.expect("an answer");
        assert!(answer.status().is_success(), "{answer:?}");
        answer.into_body()
    }

    /// Somebody else writes, by a path of its own; nobody is told.
    async fn write_elsewhere(&self, id: &str, city: &str) {
        let body = json!({"properties": {"city": city}});
        self.direct("PATCH", &format!("/crm/objects/2026-03/contacts/{id}"), &body).await;
    }

    async fn write(&self, id: &str, city: &str) -> Result<Answer, DispatchError> {
        let body = json!({"properties": {"city": city}});
        self.call(Method::PATCH, &format!("/crm/v3/objects/contacts/{id}"), &body, "").await
    }

    /// Keeps an event of a change, as the ingress does.
    async fn tell(&self, id: &str, city: &str, occurred_at_ms: i64) {
        let install = self.desk.context.install;
        let told = json!({"eventId": 1, "subscriptionId": 2, "portalId": install.portal.0, "appId": install.app.0,
            "occurredAt": occurred_at_ms, "subscriptionType": "contact.propertyChange",
            "objectId": id.parse::<u64>().expect("an id"), "propertyName": "city", "propertyValue": city});
        let raw = Bytes::from(told.to_string());
        let (delivery, change) = keys::keys(&event::read_one(&raw).expect("an event"));
        let now = self.desk.context.clock.now().wall;
        let event = NewEvent {
            install,
            teller: Teller::Webhook,
            occurred_at: now,
            kind: "propertyChange".to_owned(),
            object_type: None,
            record: None,
            property: None,
            delivery,
            change,
            echo: None,
            raw,
        };
        self.stores.events.accept(vec![event], now).await.expect("it is kept");
        self.bell.ring();
    }

    fn now(&self) -> Mono {
        self.desk.context.clock.now().mono
    }

    async fn requests(&self) -> u64 {
        self.desk.stat("requests").await
    }

    /// Lets what was read arrive in the mirror.
    async fn held(&self) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    async fn end(self) {
        self.process.tasks.shutdown().await.expect("no task panicked");
        self.desk.close().await;
    }
}

fn word(answer: &Answer) -> &str {
    answer.headers.get(CACHE_HEADER).map_or("", |word| word.to_str().expect("text"))
}

fn age(answer: &Answer) -> Option<u64> {
    answer.headers.get(AGE)?.to_str().ok()?.parse().ok()
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).expect("JSON")
}

#[tokio::test(start_paused = true)]
async fn an_answer_out_of_the_mirror_is_the_one_that_hubspot_gives_byte_for_byte() {
    let scene = Scene::new(1, 3).await;
    let ids = scene.ids().await;
    for odd in ["Zürich \"quoted\" \\ / \u{1F600}", ""] {
        scene.write_elsewhere(&ids[0], odd).await;
        for path in ["/crm/v3/objects/contacts", "/crm/objects/2026-03/contacts", "/crm/v3/objects/0-1"] {
            for properties in ["city", "email,phone", "createdate", "phone,city,email,createdate"] {
                let target = format!("{path}/{}?properties={properties}", ids[0]);
                let direct = scene.direct("GET", &target, &Value::Null).await;
                let answer = scene.read(&target, "max-age=3600").await;
                assert_eq!(answer.body, direct, "{target} by way of HubSpot");
                scene.held().await;
                let kept = scene.read(&target, "max-age=3600").await;
                assert_eq!((word(&kept), kept.status), ("hit; source=mirror", 200), "{target}");
                assert_eq!(kept.body, direct, "{target} out of the mirror");
                assert_eq!(kept.headers["content-type"], "application/json;charset=utf-8");
                assert!(kept.headers.contains_key("x-hubspot-correlation-id"));
            }
        }
        tokio::time::sleep(Duration::from_secs(3_601)).await;
    }
    // A batch, its records by id; another version's form is not taken for this one's.
    let all: Vec<&String> = ids.iter().collect();
    for wanted in ["miss; source=mirror", "hit; source=mirror"] {
        let answer = scene.batch(&all, &["city", "email"], "max-age=3600").await;
        let body = json!({"inputs": ids.iter().map(|id| json!({"id": id})).collect::<Vec<_>>(), "properties": ["city", "email"]});
        let direct: Value =
            serde_json::from_slice(&scene.direct("POST", "/crm/v3/objects/contacts/batch/read", &body).await)
                .expect("JSON");
        let by_id = |answer: &Value| -> BTreeMap<String, String> {
            let results = answer["results"].as_array().expect("results");
            results.iter().map(|one| (one["id"].to_string(), one.to_string())).collect()
        };
        let told = json_of(&answer);
        assert_eq!((word(&answer), by_id(&told)), (wanted, by_id(&direct)));
        let keys = |answer: &Value| answer.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
        assert_eq!((keys(&told), &told["status"]), (keys(&direct), &json!("COMPLETE")));
        scene.held().await;
    }
    let newer = scene.read(&format!("/crm/objects/2026-09/contacts/{}?properties=city", ids[0]), "max-age=3600").await;
    assert_eq!(word(&newer), "miss; source=mirror");
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn reads_that_allow_an_age_cost_one_call_in_that_time_and_others_what_they_always_cost() {
    let scene = Scene::new(2, 40).await;
    let ids = scene.ids().await;
    for round in 0..10 {
        for id in &ids {
            let answer = scene.read(&format!("/crm/v3/objects/contacts/{id}?properties=email"), "max-age=600").await;
            assert_eq!(answer.status, 200);
        }
        // Other properties of the same records, and batches of them, need no further call.
        let some: Vec<&String> = ids.iter().skip(round).take(20).collect();
        assert_eq!(word(&scene.batch(&some, &["city", "phone"], "max-age=600").await), "hit; source=mirror");
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    let saved = scene.process.gateway.saved();
    assert_eq!((scene.requests().await, saved.mirrored.hits, saved.mirrored.misses), (40, 9 * 40 + 10, 40));
    assert_eq!((saved.mirrored.records, scene.process.follower.counts().seen), (9 * 40 + 200, 40));
    let target = format!("/crm/v3/objects/contacts/{}?properties=email", ids[0]);
    let held = scene.read(&target, "max-age=600").await;
    assert!(age(&held).is_some_and(|age| (90..=200).contains(&age)), "{:?}", age(&held));
    // Without a word, and with one that asks HubSpot, HubSpot is asked; and so it is for what is not held.
    let associations = format!("{target}&associations=companies");
    let phone = format!("/crm/v3/objects/contacts/{}?properties=email,lastname", ids[0]);
    for (target, cache) in [
        (&target, ""),
        (&target, "no-cache"),
        (&target, "max-age=0"),
        (&target, "no-store, max-age=600"),
        (&target, "max-age=5"),
        (&associations, "max-age=600"),
        (&phone, "max-age=600"),
    ] {
        let before = scene.requests().await;
        let answer = scene.read(target, cache).await;
        assert_eq!((scene.requests().await - before, age(&answer)), (1, None), "{target} {cache}");
    }
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn who_wants_only_what_is_held_is_told_if_nothing_is() {
    let scene = Scene::new(3, 2).await;
    let ids = scene.ids().await;
    let target = format!("/crm/v3/objects/contacts/{}?properties=email", ids[0]);
    let only = |target: String, cache: &'static str| {
        let asked = scene.asked(Method::GET, &target, &Value::Null, cache);
        scene.process.gateway.answer(asked)
    };
    let refused = |outcome: Result<Answer, DispatchError>| matches!(outcome, Err(DispatchError::NotHeld));
    assert!(refused(only(target.clone(), "only-if-cached, max-age=60").await));
    scene.read(&target, "max-age=60").await;
    scene.held().await;
    assert_eq!(
        word(&only(target.clone(), "only-if-cached, max-age=60").await.expect("it is held")),
        "hit; source=mirror"
    );
    assert!(refused(only(target.clone(), "only-if-cached").await), "no age is allowed");
    assert!(refused(only(target.replace("email", "lastname"), "only-if-cached, max-age=60").await));
    scene.write(&ids[0], "Rome").await.expect("an answer");
    assert!(refused(only(target.clone(), "only-if-cached, max-age=60").await), "it has just been written");
    assert_eq!(scene.process.gateway.saved().mirrored.refused, 4);
    // Other calls are none of a cache's business.
    let list = only("/crm/v3/objects/contacts?limit=1".to_owned(), "only-if-cached").await;
    assert_eq!(list.expect("an answer").status, 200);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_event_ends_what_is_held_and_silence_does_not_make_it_younger() {
    let scene = Scene::new(4, 2).await;
    let ids = scene.ids().await;
    let target = format!("/crm/v3/objects/contacts/{}?properties=city", ids[0]);
    scene.read(&target, "max-age=60").await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(word(&scene.read(&target, "max-age=60").await), "hit; source=mirror");
    scene.write_elsewhere(&ids[0], "Oslo").await;
    scene.tell(&ids[0], "Oslo", scene.desk.context.clock.now().wall.0).await;
    scene.held().await;
    let answer = scene.read(&target, "max-age=60").await;
    assert_eq!((word(&answer), &json_of(&answer)["properties"]["city"]), ("miss; source=mirror", &json!("Oslo")));
    // That read may have been made before the event, by HubSpot's clock: it is held once that is out of the question.
    tokio::time::sleep(Duration::from_secs(10)).await;
    scene.read(&target, "max-age=60").await;
    scene.held().await;
    assert_eq!(word(&scene.read(&target, "max-age=60").await), "hit; source=mirror");
    // A change that no webhook tells: it is seen when the allowed age is over, and not later.
    scene.write_elsewhere(&ids[0], "Rome").await;
    let mut old = 0;
    for second in 0..70 {
        let answer = scene.read(&target, "max-age=60").await;
        let shown = json_of(&answer)["properties"]["city"].clone();
        if shown == json!("Oslo") {
            assert!(word(&answer).starts_with("hit") && age(&answer).is_some_and(|age| age <= 60), "{second}");
            old += 1;
        } else {
            assert_eq!(shown, json!("Rome"));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!((50..=61).contains(&old), "{old} answers were old");
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_process_shows_nothing_until_writes_of_the_last_one_are_over() {
    let mut scene = Scene::new(5, 1).await;
    let target = format!("/crm/v3/objects/contacts/{}?properties=city", scene.ids().await[0]);
    scene.read(&target, "max-age=3600").await;
    scene.held().await;
    assert_eq!(word(&scene.read(&target, "max-age=3600").await), "hit; source=mirror");
    scene.process.tasks.shutdown().await.expect("no task panicked");
    scene.process = Process::start(&scene.desk, &scene.stores, &scene.bell).await;
    for _ in 0..UNSURE.as_secs() / 10 {
        assert_eq!(word(&scene.read(&target, "max-age=3600").await), "bypass; source=mirror");
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let answer = scene.read(&target, "max-age=3600").await;
    assert_eq!(word(&answer), "miss; source=mirror", "what another process has read is of no known age");
    scene.held().await;
    assert_eq!(word(&scene.read(&target, "max-age=3600").await), "hit; source=mirror");
    scene.end().await;
}

/// What is known for sure of the numbers that are written into one record: ascending, one after the other.
#[derive(Debug, Default)]
struct Truth {
    /// Numbers whose writing through the gateway has returned, and when.
    returned: Vec<(Mono, u64)>,
    /// Numbers that somebody else has written, and when.
    elsewhere: Vec<(Mono, u64)>,
}

impl Truth {
    /// The least number that a read may show which begins now and allows this age.
    fn least(&self, now: Mono, allowed: Duration) -> u64 {
        let before = |all: &[(Mono, u64)], until: Mono| {
            all.iter().filter(|(at, _)| *at <= until).map(|(_, number)| *number).max().unwrap_or(0)
        };
        let then = Mono(now.0.saturating_sub(u64::try_from(allowed.as_micros()).unwrap_or(u64::MAX)));
        before(&self.returned, now).max(before(&self.elsewhere, then))
    }
}

struct World {
    scene: Scene,
    ids: Vec<String>,
    truths: Vec<Mutex<Truth>>,
}

impl World {
    fn truth(&self, record: usize) -> std::sync::MutexGuard<'_, Truth> {
        self.truths[record].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes ascending numbers into a record, through the gateway and elsewhere, told and not told.
    async fn write(&self, record: usize, mut dice: ChaCha8Rng) {
        for number in 1..=WRITES {
            tokio::time::sleep(Duration::from_millis(u64::from(dice.next_u32() % 60_000))).await;
            match dice.next_u32() % 6 {
                0 | 1 => self.write_elsewhere(record, number, &mut dice).await,
                way => self.write_here(record, number, way).await,
            }
        }
    }

    async fn write_elsewhere(&self, record: usize, number: u64, dice: &mut ChaCha8Rng) {
        let (id, city) = (&self.ids[record], number.to_string());
        self.scene.write_elsewhere(id, &city).await;
        self.truth(record).elsewhere.push((self.scene.now(), number));
        let at_ms = self.scene.desk.context.clock.now().wall.0;
        if !dice.next_u32().is_multiple_of(3) {
            tokio::time::sleep(Duration::from_millis(u64::from(dice.next_u32() % 3_000))).await;
            self.scene.tell(id, &city, at_ms).await;
        }
    }

    /// By a single call, or by a batch that names the record by its id or by its address.
    async fn write_here(&self, record: usize, number: u64, way: u32) {
        let (id, city) = (&self.ids[record], number.to_string());
        let email = format!("record-{record}@example.com");
        let batch = async |verb: &str, input: Value| {
            let target = format!("/crm/v3/objects/contacts/batch/{verb}");
            self.scene.call(Method::POST, &target, &json!({"inputs": [input]}), "").await
        };
        let values = json!({"city": city});
        let outcome = match way {
            2 => batch("update", json!({"id": id, "properties": values})).await,
            3 => batch("upsert", json!({"id": email, "idProperty": "email", "properties": values})).await,
            _ => self.scene.write(id, &city).await,
        };
        if outcome.is_ok_and(|answer| answer.status < 300) {
            self.truth(record).returned.push((self.scene.now(), number));
        }
    }

    /// Reads records, alone and together, and demands that nothing is older than may be. Says how many it was shown.
    async fn read(&self, mut dice: ChaCha8Rng) -> u64 {
        for _ in 0..READS {
            tokio::time::sleep(Duration::from_millis(u64::from(dice.next_u32() % 12_000))).await;
            let allowed = [1_u64, 15, 120, 900][usize::try_from(dice.next_u32() % 4).expect("few")];
            let first = usize::try_from(dice.next_u32()).expect("it fits") % RECORDS;
            let many = dice.next_u32().is_multiple_of(3);
            let wanted: Vec<usize> = if many { vec![first, (first + 1) % RECORDS] } else { vec![first] };
            let cache = format!("max-age={allowed}");
            let (began, most) = (self.scene.now(), Duration::from_secs(allowed));
            let least: Vec<u64> = wanted.iter().map(|record| self.truth(*record).least(began, most)).collect();
            let ids: Vec<&String> = wanted.iter().map(|record| &self.ids[*record]).collect();
            let answer = if many {
                self.scene.batch(&ids, &["city", "email"], &cache).await
            } else {
                self.scene.read(&format!("/crm/v3/objects/contacts/{}?properties=city", ids[0]), &cache).await
            };
            assert!(age(&answer).is_none_or(|age| age <= allowed));
            let told = json_of(&answer);
            let all = told.get("results").and_then(Value::as_array).cloned().unwrap_or_else(|| vec![told.clone()]);
            assert_eq!(all.len(), wanted.len(), "{told}");
            for (id, least) in ids.iter().zip(least) {
                let shown = all.iter().find(|one| one["id"] == json!(id)).expect("it is told");
                let number: u64 = shown["properties"]["city"].as_str().and_then(|city| city.parse().ok()).unwrap_or(0);
                assert!(
                    number >= least,
                    "{id} shows {number}, and {least} was written before; allowed {allowed} s, {} {:?}",
                    word(&answer),
                    age(&answer)
                );
            }
        }
        READS
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_shown_what_was_before_a_write_or_is_older_than_allowed() {
    let (mut reads, mut hits, mut requests) = (0, 0, 0);
    for seed in 0..parameter("SEEDS", SEEDS) {
        let scene = Scene::new(seed, RECORDS).await;
        let ids = scene.ids().await;
        for (record, id) in ids.iter().enumerate() {
            let body = json!({"properties": {"email": format!("record-{record}@example.com"), "city": "0"}});
            scene.direct("PATCH", &format!("/crm/v3/objects/contacts/{id}"), &body).await;
        }
        let faults = json!([
            {"method": "PATCH", "path": "/crm/v3/", "probability": 0.1, "fault": {"kind": "lost_answer"}},
            {"method": "POST", "path": "/crm/v3/objects/contacts/batch/u", "probability": 0.1, "fault": {"kind": "lost_answer"}},
            {"path": "/crm/v3/", "probability": 0.2, "fault": {"kind": "latency", "ms": 2500}}]);
        scene.desk.control("POST", "/_control/faults", &faults.to_string()).await;
        scene.desk.control("POST", "/_control/reset", r#"{"stats": true}"#).await;
        let world = World { truths: ids.iter().map(|_| Mutex::default()).collect(), scene, ids };
        let dice = |number: u64| ChaCha8Rng::seed_from_u64(seed * 100 + number);
        let writers = (0_u64..).zip(0..RECORDS).map(|(number, record)| world.write(record, dice(number)));
        let readers = (0..READERS).map(|number| world.read(dice(50 + number)));
        let (_, read) = tokio::join!(futures_util::future::join_all(writers), futures_util::future::join_all(readers));
        reads += read.iter().sum::<u64>();
        hits += world.scene.process.gateway.saved().mirrored.hits;
        requests += world.scene.requests().await;
        world.scene.end().await;
    }
    linchpin_trials::figure("reads", reads);
    linchpin_trials::figure("hits", hits);
    linchpin_trials::figure("requests", requests);
    // Records that are written all the time are shown less often; but shown they are.
    assert!(hits > reads / 10, "{hits} of {reads}");
    assert!(SETTLES < Duration::from_secs(60), "or a record that is written each minute would never be shown");
}
