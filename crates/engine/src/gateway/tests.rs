//! The gateway with a HubSpot of a few lines behind it, on paused time.

use async_trait::async_trait;
use linchpin_core::schedule::Permit;
use linchpin_core::schedule::limits::{AppKind, Limits, Tier};
use linchpin_core::time::Wall;
use linchpin_hubspot::id::{AppId, PortalId};
use linchpin_ports::budget::{BudgetRecord, BudgetRecords};
use linchpin_ports::credentials::{StaticCredentials, Token};
use linchpin_ports::store::StoreError;
use serde_json::{Value, json};

use super::*;
use crate::clock::TokioClock;
use crate::dispatch::{Parts, UtcDays};
use crate::upstream::{Outcome, Upstream};

const INSTALL: Install = Install { portal: PortalId(7), app: AppId(1) };
const LIVES: Duration = Duration::from_secs(600);
const LATENCY: Duration = Duration::from_millis(100);

/// Answers after [`LATENCY`], and notes what came when.
struct Hub {
    clock: Arc<TokioClock>,
    sent: Mutex<Vec<(Duration, String)>>,
    /// What a single read says of `city`; a batch says Graz.
    city: &'static str,
}

impl Hub {
    fn said(&self, call: &Call) -> (u16, Value) {
        let record = |id: &str, city: &str| json!({"id": id, "properties": {"city": city}, "updatedAt": "2026-01-01"});
        if call.path.ends_with("/batch/read") {
            let body: Value = serde_json::from_slice(call.body.as_ref().unwrap()).unwrap();
            let ids = body["inputs"].as_array().unwrap().iter().map(|input| input["id"].as_str().unwrap());
            return (
                200,
                json!({"status": "COMPLETE", "results": ids.map(|id| record(id, "Graz")).collect::<Vec<_>>()}),
            );
        }
        if call.path.contains("/properties/") {
            let city =
                json!({"name": "city", "label": "City", "type": "string", "fieldType": "text", "groupName": "x"});
            return (200, json!({"results": [city]}));
        }
        (200, record(call.path.rsplit('/').next().unwrap(), self.city))
    }
}

#[async_trait]
impl Upstream for Hub {
    async fn send(&self, _permit: Permit, _token: &Token, call: &Call) -> Outcome {
        let at = Duration::from_micros(self.clock.now().mono.0);
        self.sent.lock().unwrap().push((at, format!("{} {}", call.method, call.path)));
        tokio::time::sleep(LATENCY).await;
        let (status, body) = self.said(call);
        let kind = HeaderValue::from_static("application/json;charset=utf-8");
        let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, kind)]);
        Outcome::Answered(Answer { status, headers, body: Bytes::from(body.to_string()) })
    }
}

struct Forgetful;

#[async_trait]
impl BudgetRecords for Forgetful {
    async fn load(&self, _install: Install) -> Result<Option<BudgetRecord>, StoreError> {
        Ok(None)
    }

    async fn save(&self, _install: Install, _record: BudgetRecord) -> Result<(), StoreError> {
        Ok(())
    }
}

struct Desk {
    gateway: Gateway,
    hub: Arc<Hub>,
    tasks: Tasks,
}

impl Desk {
    async fn open(coalesce: Coalesce, city: &'static str) -> Self {
        let clock = Arc::new(TokioClock::new(Wall(1_800_000_000_000)));
        let hub = Arc::new(Hub { clock: Arc::clone(&clock), sent: Mutex::default(), city });
        let tasks = Tasks::new();
        let parts = Parts {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            upstream: Arc::clone(&hub) as Arc<dyn Upstream>,
            credentials: Arc::new(StaticCredentials::private_app("pat".into())),
            records: Arc::new(Forgetful),
            days: Arc::new(UtcDays),
            seed: 5,
        };
        let dispatch = Dispatch::start(&tasks, parts);
        let limits = Limits::of(Tier::Professional, AppKind::Private, 0);
        dispatch.install(INSTALL, AppKind::Private, limits).await.unwrap();
        Self { gateway: Gateway::new(dispatch, INSTALL, coalesce, clock, 5), hub, tasks }
    }

    async fn ask(&self, method: Method, target: &str, body: &'static str) -> Answer {
        let asked = Asked {
            install: INSTALL,
            lane: Lane::Interactive,
            deadline: None,
            caller: "test".to_owned(),
            method,
            target: target.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::from_static(body.as_bytes()),
            joined: Arc::default(),
            passage: None,
        };
        self.gateway.answer(asked).await.unwrap()
    }

    async fn get(&self, target: &str) -> Answer {
        self.ask(Method::GET, target, "").await
    }

    fn sent(&self) -> Vec<String> {
        self.hub.sent.lock().unwrap().iter().map(|(_, call)| call.clone()).collect()
    }
}

async fn after(wait: u64, call: impl Future<Output = Answer>) -> Answer {
    tokio::time::sleep(Duration::from_millis(wait)).await;
    call.await
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_leaves_takes_no_answer_from_those_who_ask_the_same() {
    let desk = Desk::open(Coalesce::Proven, "Graz").await;
    let target = "/crm/v3/objects/contacts/901?associations=companies";
    let (first, second, third) = (desk.get(target), after(10, desk.get(target)), after(20, desk.get(target)));
    // It would lead the second call, and leaves before that goes; another leaves while it is on its way.
    let early = tokio::time::timeout(Duration::from_millis(50), after(5, desk.get(target)));
    let late = tokio::time::timeout(Duration::from_millis(150), after(6, desk.get(target)));
    let (first, second, third, early, late) = futures_util::join!(first, second, third, early, late);
    assert!(early.is_err() && late.is_err(), "they had no answer yet");
    assert!([first, second, third].iter().all(|answer| answer.status == 200));
    assert_eq!(desk.sent(), ["GET /crm/v3/objects/contacts/901"; 2]);
}

#[tokio::test(start_paused = true)]
async fn writes_of_one_record_take_turns_unless_nothing_is_to_be_touched() {
    let writes =
        [("/crm/v3/objects/contacts/1", 0), ("/crm/objects/2026-03/0-1/1", 1), ("/crm/v3/objects/contacts/2", 2)];
    for (coalesce, expected) in [(Coalesce::Proven, [0, 100, 2]), (Coalesce::Off, [0, 1, 2])] {
        let desk = Desk::open(coalesce, "Graz").await;
        let body = r#"{"properties":{"city":"Linz"}}"#;
        let all = writes.map(|(path, wait)| after(wait, desk.ask(Method::PATCH, path, body)));
        futures_util::future::join_all(all).await;
        let sent = desk.hub.sent.lock().unwrap().clone();
        for ((path, _), expected) in writes.iter().zip(expected) {
            let at = sent.iter().find(|(_, call)| call.ends_with(path)).map(|(at, _)| at.as_millis());
            assert!(at.is_some_and(|at| (expected..expected + 5).contains(&at)), "{coalesce:?} {path}: {at:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_whose_caller_has_left_may_still_happen_and_nothing_is_kept_meanwhile() {
    let Desk { gateway, hub, tasks } = Desk::open(Coalesce::Proven, "Graz").await;
    let desk = Desk { gateway: gateway.with_cache(LIVES), hub, tasks };
    let target = "/crm/v3/properties/contacts";
    let told = async || desk.get(target).await.headers.get(CACHE_HEADER).cloned().unwrap();
    assert_eq!((told().await, told().await), ("miss".parse().unwrap(), "hit".parse().unwrap()));
    let left = tokio::time::timeout(Duration::from_millis(10), desk.ask(Method::POST, target, "{}")).await;
    assert!(left.is_err());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(told().await, "bypass");
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!((told().await, told().await), ("miss".parse().unwrap(), "hit".parse().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_says_another_thing_than_a_single_call_is_noticed() {
    for (city, differs) in [("Graz", false), ("Linz", true)] {
        let Desk { gateway, hub, tasks } = Desk::open(Coalesce::Proven, city).await;
        let gateway = gateway.with_witness(&tasks);
        let desk = Desk { gateway, hub, tasks };
        for _ in 0..8 {
            let targets: Vec<String> =
                (1..=90).map(|id| format!("/crm/v3/objects/contacts/{id}?properties=city")).collect();
            futures_util::future::join_all(targets.iter().map(|target| desk.get(target))).await;
            tokio::time::sleep(WITNESS_DISTANCE).await;
        }
        let saved = desk.gateway.saved();
        assert!((1..=8).contains(&saved.witnessed), "{saved:?}");
        assert_eq!(saved.differed, if differs { saved.witnessed } else { 0 });
        let singles = desk.sent().iter().filter(|call| call.starts_with("GET /crm/v3/objects")).count();
        assert_eq!(u64::try_from(singles).unwrap(), 8 + saved.witnessed, "the first of each round, and the witness");
        desk.tasks.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_known_about_properties_is_asked_anew_after_a_change_of_theirs() {
    let desk = Desk::open(Coalesce::Proven, "Graz").await;
    let lists = || desk.sent().iter().filter(|call| *call == "GET /crm/v3/properties/contacts").count();
    let read = "/crm/v3/objects/contacts/901?properties=city";
    desk.get(read).await;
    desk.get(read).await;
    assert_eq!(lists(), 1);
    desk.ask(Method::DELETE, "/crm/v3/properties/contacts/city", "").await;
    desk.get(read).await;
    assert_eq!(lists(), 2);
}
