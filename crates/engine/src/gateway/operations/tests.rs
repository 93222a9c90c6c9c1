//! Promised writes with a HubSpot of a few lines behind them, on paused time, through crashes at any moment.

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method};
use linchpin_core::schedule::Permit;
use linchpin_core::schedule::lanes::Lane;
use linchpin_core::schedule::limits::{AppKind, Limits, Tier};
use linchpin_core::verdict::{Cause, CauseKind};
use linchpin_hubspot::call::Call;
use linchpin_hubspot::id::{AppId, PortalId};
use linchpin_ports::credentials::{StaticCredentials, Token};
use linchpin_ports::faulty::{self, Fault, Method as On};
use linchpin_ports::store::Stores;
use linchpin_store_sqlite::SqliteStore;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::clock::TokioClock;
use crate::dispatch::{Dispatch, Parts, UtcDays};
use crate::gateway::Coalesce;
use crate::upstream::{Outcome as Sent, Upstream};

pub(super) const INSTALL: Install = Install { portal: PortalId(7), app: AppId(1) };
/// HubSpot has done it after this time.
const EFFECT: Duration = Duration::from_millis(50);
/// It has said so after that much more.
const ANSWER: Duration = Duration::from_millis(50);
/// The window of ten seconds counts as full after a crash.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// What a HubSpot has done; it outlives us. What a path ends with says how it goes.
#[derive(Clone, Default)]
pub(super) struct Hub {
    done: Arc<Mutex<Vec<String>>>,
    /// While it is set, paths of trouble are as good as others.
    pub(super) well: Arc<AtomicBool>,
}

impl Hub {
    pub(super) fn done(&self) -> Vec<String> {
        self.done.lock().unwrap().clone()
    }
}

fn status(path: &str, body: &[u8], well: bool) -> u16 {
    match path.rsplit('/').next() {
        Some("refused") if !body.starts_with(b"{") => 400,
        _ if body.windows(3).any(|part| part == b"bad") => 400,
        Some("busy") if !well => 429,
        Some("poison") if !well => 503,
        _ => 201,
    }
}

#[async_trait]
impl Upstream for Hub {
    async fn send(&self, _permit: Permit, _token: &Token, call: &Call) -> Sent {
        tokio::time::sleep(EFFECT).await;
        let (body, well) = (call.body.clone().unwrap_or_default(), self.well.load(Ordering::Relaxed));
        let path = call.path.split('?').next().unwrap_or_default();
        let status = status(path, &body, well);
        if status < 400 {
            self.done.lock().unwrap().push(format!("{} {} {}", call.method, call.path, String::from_utf8_lossy(&body)));
        }
        tokio::time::sleep(ANSWER).await;
        if path.ends_with("/lost") && !well {
            return Sent::Lost(Cause { kind: CauseKind::Closed, detail: "reset".to_owned() });
        }
        let body = if status < 400 { &b"{\"id\":\"1\"}"[..] } else { b"{\"category\":\"VALIDATION_ERROR\"}" };
        Sent::Answered(Answer { status, headers: HeaderMap::new(), body: Bytes::from_static(body) })
    }
}

/// One life of the process.
pub(super) struct Life {
    pub(super) operations: Operations,
    pub(super) tasks: Tasks,
}

impl Life {
    pub(super) async fn begin(hub: &Hub, stores: &Stores, wall: Wall) -> Self {
        Self::begin_with(hub, stores, wall, Coalesce::Proven).await
    }

    async fn begin_with(hub: &Hub, stores: &Stores, wall: Wall, coalesce: Coalesce) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::new(wall));
        let tasks = Tasks::new();
        let parts = Parts {
            clock: Arc::clone(&clock),
            upstream: Arc::new(hub.clone()),
            credentials: Arc::new(StaticCredentials::private_app("pat".into())),
            records: Arc::clone(&stores.budget),
            days: Arc::new(UtcDays),
            seed: 5,
        };
        let dispatch = Dispatch::start(&tasks, parts);
        let limits = Limits::of(Tier::Professional, AppKind::Private, 0);
        dispatch.install(INSTALL, AppKind::Private, limits).await.unwrap();
        let seed = wall.0.unsigned_abs();
        let gateway = Arc::new(Gateway::new(dispatch, INSTALL, coalesce, Arc::clone(&clock), seed));
        let (store, letters) = (Arc::clone(&stores.operations), Arc::clone(&stores.dead_letters));
        let parts = OperationParts { gateway, install: INSTALL, store, letters, clock, seed };
        Self { operations: Operations::open(&tasks, parts).await.unwrap(), tasks }
    }

    pub(super) async fn take(&self, promise: Promise) -> WriteId {
        match self.operations.take(promise).await.unwrap() {
            Taken::New(id) => id,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn end(&self, id: &WriteId) -> End {
        match self.operations.wait(id, PATIENCE).await.unwrap() {
            Waited::Open => panic!("it is open"),
            Waited::Told(_) | Waited::Ended(_) => {}
        }
        let State::Ended { end, .. } = self.operations.get(id).await.unwrap().unwrap().state else { panic!("open") };
        end
    }
}

pub(super) fn promise(method: Method, target: &str, body: &'static str, key: Option<&str>) -> Promise {
    let asked = Asked {
        install: INSTALL,
        lane: Lane::Bulk,
        deadline: None,
        caller: "billing".to_owned(),
        method,
        target: target.to_owned(),
        headers: HeaderMap::new(),
        body: Bytes::from_static(body.as_bytes()),
        joined: Arc::default(),
        passage: None,
    };
    let key = key.map(|key| IdempotencyKey::new(key.as_bytes()).unwrap());
    let digest = Sha256::digest(body).into();
    Promise { asked, key, digest, acknowledged: true }
}

pub(super) fn create(body: &'static str, key: Option<&str>) -> Promise {
    promise(Method::POST, "/crm/v3/objects/contacts", body, key)
}

pub(super) fn update(body: &'static str) -> Promise {
    promise(Method::PATCH, "/crm/v3/objects/contacts/901", body, None)
}

pub(super) fn stores() -> Stores {
    SqliteStore::in_memory().unwrap().stores()
}

/// Runs one life; when it returns, the process is gone with all it was about to do.
pub(super) fn live<T>(life: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(life)
}

pub(super) const BEGIN: Wall = Wall(1_800_000_000_000);
pub(super) const LATER: Wall = Wall(1_800_000_060_000);

/// What HubSpot has done, and how a write has ended, if the process dies so long after it was promised.
fn crashed(promise: impl Fn() -> Promise, after: Duration) -> (Vec<String>, End) {
    let (hub, stores) = (Hub::default(), stores());
    let id = live(async {
        let life = Life::begin(&hub, &stores, BEGIN).await;
        let id = life.take(promise()).await;
        tokio::time::sleep(after).await;
        id
    });
    let end = live(async { Life::begin(&hub, &stores, LATER).await.end(&id).await });
    (hub.done(), end)
}

#[test]
fn a_write_that_is_safe_to_repeat_is_done_after_a_crash_at_any_moment() {
    for after in (0..=140).step_by(5) {
        let (done, end) = crashed(|| update("Graz"), Duration::from_millis(after));
        assert!(matches!(&end, End::Answered(kept) if kept.status == 201), "{after} ms: {end:?}");
        // Twice, where it had happened and nobody was told.
        assert!((1..=2).contains(&done.len()), "{after} ms: {done:?}");
        assert!(done.iter().all(|call| call == "PATCH /crm/v3/objects/contacts/901 Graz"), "{done:?}");
    }
}

#[test]
fn a_creation_never_happens_twice_and_is_unknown_only_if_it_may_have_left() {
    let mut unknown = 0;
    for after in (0..=140).step_by(5) {
        let (done, end) = crashed(|| create("Ana", None), Duration::from_millis(after));
        assert!(done.len() <= 1, "{after} ms: {done:?}");
        match end {
            End::Answered(_) => assert_eq!(done.len(), 1, "{after} ms"),
            End::Unknown => unknown += 1,
            End::GivenUp { code } => panic!("{after} ms: {code}"),
        }
    }
    assert!(unknown > 0, "no crash met it on its way");
}

#[test]
fn what_was_accepted_and_not_sent_is_sent_once_after_a_crash() {
    let (hub, stores) = (Hub::default(), stores());
    let (faulty, script) = faulty::wrap(stores.clone());
    // The store does not let it go for as long as the process lives.
    for _ in 0..100 {
        script.fail(On::OperationsSend, Fault::Before);
    }
    let id = live(async {
        let life = Life::begin(&hub, &faulty, BEGIN).await;
        let id = life.take(create("Ana", None)).await;
        tokio::time::sleep(Duration::from_secs(20)).await;
        id
    });
    assert!(hub.done().is_empty());
    let end = live(async { Life::begin(&hub, &stores, LATER).await.end(&id).await });
    assert!(matches!(end, End::Answered(_)), "{end:?}");
    assert_eq!(hub.done(), ["POST /crm/v3/objects/contacts Ana"]);
}

#[test]
fn a_store_that_fails_or_loses_its_answer_doubles_nothing_while_the_process_lives() {
    for (on, fault) in [
        (On::OperationsAccept, Fault::After),
        (On::OperationsSend, Fault::Before),
        (On::OperationsSend, Fault::After),
        (On::OperationsSettle, Fault::Before),
        (On::OperationsSettle, Fault::After),
    ] {
        let (hub, (stores, script)) = (Hub::default(), faulty::wrap(stores()));
        live(async {
            let life = Life::begin(&hub, &stores, BEGIN).await;
            script.fail(on, fault);
            let id = life.take(create("Ana", Some("k"))).await;
            assert!(matches!(life.end(&id).await, End::Answered(_)), "{on:?} {fault:?}");
        });
        assert!(script.is_spent(), "{on:?} {fault:?}");
        assert_eq!(hub.done().len(), 1, "{on:?} {fault:?}");
    }
    let (hub, (stores, script)) = (Hub::default(), faulty::wrap(stores()));
    live(async {
        let life = Life::begin(&hub, &stores, BEGIN).await;
        script.fail(On::OperationsAccept, Fault::Before);
        let refused = life.operations.take(create("Ana", Some("k"))).await;
        assert!(matches!(refused, Err(TakeError::Store(_))), "{refused:?}");
        tokio::time::sleep(PATIENCE).await;
    });
    assert!(hub.done().is_empty(), "nothing is sent that is not kept");
}

#[test]
fn repeats_under_a_key_get_the_end_of_the_first() {
    let (hub, stores) = (Hub::default(), stores());
    let first = live(async {
        let life = Life::begin(&hub, &stores, BEGIN).await;
        let repeats = (0..8).map(|_| life.operations.take(create("Ana", Some("k"))));
        let taken = futures_util::future::join_all(repeats).await;
        let ids: Vec<WriteId> = taken
            .into_iter()
            .map(|taken| match taken.unwrap() {
                Taken::New(id) | Taken::Known(id) => id,
                Taken::Other => panic!("it is the same"),
            })
            .collect();
        assert!(ids.iter().all(|id| *id == ids[0]));
        assert_eq!(life.operations.take(create("Bea", Some("k"))).await.unwrap(), Taken::Other);
        let open = life.operations.wait(&ids[0], Duration::from_millis(1)).await.unwrap();
        assert!(matches!(open, Waited::Open), "{open:?}");
        let told = life.operations.wait(&ids[0], PATIENCE).await.unwrap();
        let Waited::Told(outcome) = told else { panic!("{told:?}") };
        assert_eq!(outcome.as_ref().as_ref().unwrap().status, 201);
        ids[0].clone()
    });
    live(async {
        let life = Life::begin(&hub, &stores, LATER).await;
        let again = life.operations.take(create("Ana", Some("k"))).await.unwrap();
        assert_eq!(again, Taken::Known(first.clone()), "after a restart, too");
        assert!(matches!(life.operations.wait(&first, PATIENCE).await.unwrap(), Waited::Ended(_)));
        // A day later the key is free.
        tokio::time::sleep(KEPT).await;
        let new = life.take(create("Bea", Some("k"))).await;
        assert!(matches!(life.end(&new).await, End::Answered(_)));
        assert_eq!(life.operations.get(&first).await.unwrap(), None);
    });
    assert_eq!(hub.done(), ["POST /crm/v3/objects/contacts Ana", "POST /crm/v3/objects/contacts Bea"]);
}

#[test]
fn a_caller_that_leaves_while_its_write_is_kept_leaves_it_to_us() {
    let (hub, stores) = (Hub::default(), stores());
    live(async {
        let life = Life::begin(&hub, &stores, BEGIN).await;
        let left = tokio::time::timeout(Duration::ZERO, life.operations.take(create("Ana", Some("k")))).await;
        assert!(left.is_err(), "it has left");
        tokio::time::sleep(PATIENCE).await;
    });
    assert_eq!(hub.done().len(), 1);
}

#[test]
fn writes_of_one_record_are_made_in_the_order_of_acceptance_across_an_orderly_end() {
    let (hub, stores) = (Hub::default(), stores());
    let bodies = ["a", "b", "c", "d", "e", "f"];
    let ids = live(async {
        let life = Life::begin(&hub, &stores, BEGIN).await;
        let mut ids = Vec::new();
        for body in bodies {
            ids.push(life.take(update(body)).await);
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
        life.tasks.shutdown().await.unwrap();
        let refused = life.operations.take(update("late")).await;
        assert!(matches!(refused, Err(TakeError::Shutdown)), "{refused:?}");
        ids
    });
    let before = hub.done().len();
    assert!((1..bodies.len()).contains(&before), "{before}");
    live(async {
        let life = Life::begin(&hub, &stores, LATER).await;
        for id in &ids {
            assert!(matches!(life.end(id).await, End::Answered(_)));
        }
    });
    assert_eq!(hub.done(), bodies.map(|body| format!("PATCH /crm/v3/objects/contacts/901 {body}")));
}

const CHANGES: [&str; 4] = [
    r#"{"properties":{"city":"Graz"}}"#,
    r#"{"properties":{"city":"Linz","zip":"4020"}}"#,
    r#"{"properties":{"zip":"4030"}}"#,
    r#"{"properties":{"name":"Ana"}}"#,
];

/// What a record holds after all that HubSpot has done.
fn values(hub: &Hub) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for call in hub.done() {
        let body: serde_json::Value = serde_json::from_str(call.splitn(3, ' ').nth(2).unwrap()).unwrap();
        for (name, value) in body["properties"].as_object().unwrap() {
            values.insert(name.clone(), value.as_str().unwrap().to_owned());
        }
    }
    values
}

fn last_values() -> BTreeMap<String, String> {
    [("city", "Linz"), ("name", "Ana"), ("zip", "4030")].map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

#[test]
fn changes_of_a_record_that_wait_for_an_earlier_one_are_sent_as_one() {
    let (hub, stores) = (Hub::default(), stores());
    let counts = live(async {
        let life = Life::begin(&hub, &stores, BEGIN).await;
        let ids = futures_util::future::join_all(CHANGES.map(|body| life.take(update(body)))).await;
        for id in &ids {
            let end = life.end(id).await;
            assert!(matches!(&end, End::Answered(kept) if kept.status == 201), "{end:?}");
        }
        life.operations.counts()
    });
    let merged = r#"{"properties":{"city":"Linz","name":"Ana","zip":"4030"}}"#;
    let calls = [CHANGES[0], merged].map(|body| format!("PATCH /crm/v3/objects/contacts/901 {body}"));
    assert!(hub.done() == calls || hub.done() == [calls[1].clone()], "{:?}", hub.done());
    assert_eq!((counts.done, counts.merged), (4, 4 - hub.done().len() as u64));
}

#[test]
fn without_coalescing_each_change_is_a_call_of_its_own() {
    let (hub, stores) = (Hub::default(), stores());
    live(async {
        let life = Life::begin_with(&hub, &stores, BEGIN, Coalesce::Off).await;
        for id in futures_util::future::join_all(CHANGES.map(|body| life.take(update(body)))).await {
            life.end(&id).await;
        }
    });
    assert_eq!(hub.done(), CHANGES.map(|body| format!("PATCH /crm/v3/objects/contacts/901 {body}")));
}

#[test]
fn one_that_is_refused_among_others_takes_none_of_them_along() {
    let (hub, stores) = (Hub::default(), stores());
    live(async {
        let life = Life::begin(&hub, &stores, BEGIN).await;
        let bad = r#"{"properties":{"age":"bad"}}"#;
        let bodies = [CHANGES[0], CHANGES[1], bad, CHANGES[2], CHANGES[3]];
        let ids = futures_util::future::join_all(bodies.map(|body| life.take(update(body)))).await;
        for (id, body) in ids.iter().zip(bodies) {
            let end = life.end(id).await;
            let status = if body == bad { 400 } else { 201 };
            assert!(matches!(&end, End::Answered(kept) if kept.status == status), "{body}: {end:?}");
        }
        let letter = life.operations.letter(&ids[2]).await.unwrap().unwrap();
        let Event::Tried { came, .. } = &letter.write.progress.past[0] else { panic!("{letter:?}") };
        assert!(came.note.contains("sent as one with"), "{}", came.note);
        assert_eq!(life.operations.letter_count().await.unwrap(), 1);
    });
    assert_eq!(values(&hub), last_values());
}

#[test]
fn changes_that_are_sent_as_one_survive_a_crash_at_any_moment() {
    for after in (0..=260).step_by(5) {
        let (hub, stores) = (Hub::default(), stores());
        let ids = live(async {
            let life = Life::begin(&hub, &stores, BEGIN).await;
            let ids = futures_util::future::join_all(CHANGES.map(|body| life.take(update(body)))).await;
            tokio::time::sleep(Duration::from_millis(after)).await;
            ids
        });
        live(async {
            let life = Life::begin(&hub, &stores, LATER).await;
            for id in &ids {
                assert!(matches!(life.end(id).await, End::Answered(_)), "{after} ms");
            }
        });
        assert_eq!(values(&hub), last_values(), "{after} ms: {:?}", hub.done());
        assert!(hub.done().len() <= 4, "{after} ms: {:?}", hub.done());
    }
}
