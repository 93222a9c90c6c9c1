//! The door with a HubSpot of a few lines behind it, on paused time.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method};
use linchpin_core::schedule::Permit;
use linchpin_core::schedule::limits::Tier;
use linchpin_core::schedule::record::Stored;
use linchpin_core::time::Mono;
use linchpin_hubspot::call::{Auth, Content, CostClass, Effect, Family};
use linchpin_hubspot::id::AppId;
use linchpin_ports::budget::BudgetRecord;
use linchpin_ports::credentials::{CredentialsError, StaticCredentials, Token};

use super::*;
use crate::clock::TokioClock;
use crate::upstream::{Cause, CauseKind, Outcome};

const INSTALL: Install = Install { portal: PortalId(7), app: AppId(1) };
const START: Wall = Wall(1_800_000_000_000);

/// Answers what it was told to, path by path; 200 when it was told nothing more.
#[derive(Default)]
struct Script {
    answers: Mutex<BTreeMap<String, Vec<Reaction>>>,
    sent: Mutex<Vec<(Mono, String)>>,
    clock: Mutex<Option<Arc<TokioClock>>>,
    at_once: AtomicUsize,
}

#[derive(Clone)]
enum Reaction {
    Status(u16, &'static str),
    Lost,
    Refuse,
    Panic,
    Hang(Duration),
}

#[async_trait]
impl Upstream for Script {
    async fn send(&self, _permit: Permit, _token: &Token, call: &Call) -> Outcome {
        let now = self.clock.lock().unwrap().as_ref().unwrap().now().mono;
        self.sent.lock().unwrap().push((now, call.path.clone()));
        self.at_once.fetch_add(1, Ordering::Relaxed);
        let reaction = self.answers.lock().unwrap().get_mut(&call.path).and_then(Vec::pop);
        tokio::time::sleep(Duration::from_millis(100)).await;
        let cause = |kind| Cause { kind, detail: "test".to_owned() };
        match reaction.unwrap_or(Reaction::Status(200, "{}")) {
            Reaction::Status(status, body) => Outcome::Answered(answer(status, body)),
            Reaction::Lost => Outcome::Lost(cause(CauseKind::Timeout)),
            Reaction::Refuse => Outcome::NotSent(cause(CauseKind::Connect)),
            Reaction::Panic => panic!("on purpose"),
            Reaction::Hang(wait) => {
                tokio::time::sleep(wait).await;
                Outcome::Answered(answer(200, "{}"))
            }
        }
    }
}

fn answer(status: u16, body: &'static str) -> Answer {
    Answer { status, headers: HeaderMap::new(), body: Bytes::from_static(body.as_bytes()) }
}

/// Remembers in memory, and can be out of order.
#[derive(Default)]
struct Records {
    saved: Mutex<BTreeMap<Install, BudgetRecord>>,
    broken: std::sync::atomic::AtomicBool,
}

#[async_trait]
impl BudgetRecords for Records {
    async fn load(&self, install: Install) -> Result<Option<BudgetRecord>, StoreError> {
        Ok(self.saved.lock().unwrap().get(&install).cloned())
    }

    async fn save(&self, install: Install, record: BudgetRecord) -> Result<(), StoreError> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable { intent: "save a budget", source: "full".into() });
        }
        self.saved.lock().unwrap().insert(install, record);
        Ok(())
    }
}

struct Dead;

#[async_trait]
impl Credentials for Dead {
    async fn token(&self, install: Install) -> Result<Token, CredentialsError> {
        Err(CredentialsError::Dead(install))
    }
}

struct Door {
    dispatch: Dispatch,
    tasks: Tasks,
    script: Arc<Script>,
    records: Arc<Records>,
    clock: Arc<TokioClock>,
    /// Whether callers make their attempts themselves.
    drives: bool,
}

impl Door {
    async fn open() -> Self {
        let records = Arc::default();
        Self::open_with(records, Arc::new(StaticCredentials::private_app("pat".into())), START).await
    }

    async fn open_with(records: Arc<Records>, credentials: Arc<dyn Credentials>, wall: Wall) -> Self {
        let (tasks, script, clock) = (Tasks::new(), Arc::<Script>::default(), Arc::new(TokioClock::new(wall)));
        *script.clock.lock().unwrap() = Some(Arc::clone(&clock));
        let parts = Parts {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            upstream: Arc::clone(&script) as Arc<dyn Upstream>,
            credentials,
            records: Arc::clone(&records) as Arc<dyn BudgetRecords>,
            days: Arc::new(UtcDays),
            seed: 5,
        };
        let dispatch = Dispatch::start(&tasks, parts);
        dispatch.install(INSTALL, AppKind::Private, Limits::of(Tier::Starter, AppKind::Private, 0)).await.unwrap();
        Self { dispatch, tasks, script, records, clock, drives: false }
    }

    /// One whose attempts are made by tasks, and one whose callers make them.
    async fn open_both() -> [Self; 2] {
        [Self::open().await, Self { drives: true, ..Self::open().await }]
    }

    fn will(&self, path: &str, reactions: &[Reaction]) {
        let reversed = reactions.iter().rev().cloned().collect();
        self.script.answers.lock().unwrap().insert(path.to_owned(), reversed);
    }

    fn attempts(&self, path: &str) -> usize {
        self.script.sent.lock().unwrap().iter().filter(|(_, sent)| sent == path).count()
    }

    async fn call(&self, path: &str, effect: Effect) -> Result<Answer, DispatchError> {
        self.dispatch.call(CallRequest { drives: self.drives, ..request(path, effect) }).await
    }
}

fn request(path: &str, effect: Effect) -> CallRequest {
    let call = Call {
        method: Method::POST,
        path: path.to_owned(),
        query: Vec::new(),
        body: None,
        content: Content::Json,
        auth: Auth::Bearer,
        cost: CostClass::Ordinary,
        effect,
        family: Family::Objects,
        object_type: None,
        verbatim: None,
    };
    CallRequest::new(INSTALL, Lane::Bulk, call)
}

#[tokio::test(start_paused = true)]
async fn callers_have_their_shares_by_the_names_of_their_calls() {
    let door = Door::open().await;
    door.dispatch.share_turns([("heavy".to_owned(), Weight::try_from(3).unwrap())].into()).await;
    let of = |caller: &str| {
        let origin = Origin { caller: caller.to_owned(), ..Origin::default() };
        let request = CallRequest { lane: Lane::Realtime, origin, ..request(&format!("/{caller}"), Effect::Safe) };
        let dispatch = door.dispatch.clone();
        async move { dispatch.call(request).await }
    };
    // The window holds a hundred; the others wait.
    let calls = std::iter::repeat_n("flood", 200).chain(std::iter::repeat_n("heavy", 30)).map(of);
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(Result::is_ok));
    let sent = door.script.sent.lock().unwrap();
    let of_heavy = |from: usize, until: usize| sent[from..until].iter().filter(|(_, path)| path == "/heavy").count();
    assert_eq!((of_heavy(0, 100), of_heavy(100, 230)), (0, 30));
    assert!((28..=30).contains(&of_heavy(100, 140)), "{}", of_heavy(100, 140));
}

#[tokio::test(start_paused = true)]
async fn refusals_of_hubspot_are_answers() {
    let door = Door::open().await;
    for status in [201, 207, 400, 403, 404, 409] {
        door.will("/a", &[Reaction::Status(status, "{}")]);
        assert_eq!(door.call("/a", Effect::Unsafe).await.unwrap().status, status);
    }
    assert_eq!(door.attempts("/a"), 6, "one attempt each");
}

#[tokio::test(start_paused = true)]
async fn lost_answer_is_repeated_only_where_it_does_no_harm() {
    for door in Door::open_both().await {
        door.will("/safe", &[Reaction::Lost, Reaction::Status(502, "<html>"), Reaction::Refuse]);
        assert_eq!(door.call("/safe", Effect::Idempotent).await.unwrap().status, 200);
        assert_eq!(door.attempts("/safe"), 4);
        door.will("/create", &[Reaction::Refuse, Reaction::Lost]);
        let error = door.call("/create", Effect::Unsafe).await.unwrap_err();
        assert!(matches!(&error, DispatchError::Unknown(unresolved) if unresolved.cause.is_some()), "{error}");
        assert_eq!(door.attempts("/create"), 2, "the first attempt never left");
    }
}

#[tokio::test(start_paused = true)]
async fn attempt_that_panics_counts_as_lost() {
    for door in Door::open_both().await {
        door.will("/safe", &[Reaction::Panic]);
        assert_eq!(door.call("/safe", Effect::Safe).await.unwrap().status, 200);
        door.will("/create", &[Reaction::Panic]);
        assert!(matches!(door.call("/create", Effect::Unsafe).await, Err(DispatchError::Unknown(_))));
        assert!(door.tasks.shutdown().await.is_err(), "and the panic is not hidden");
    }
}

#[tokio::test(start_paused = true)]
async fn dead_credentials_say_so_without_a_call() {
    let door = Door::open_with(Arc::default(), Arc::new(Dead), START).await;
    assert!(matches!(door.call("/a", Effect::Safe).await, Err(DispatchError::DeadToken(None))));
    assert_eq!(door.attempts("/a"), 0);
    let door = Door::open().await;
    door.will("/a", &[Reaction::Status(401, "{}")]);
    assert!(matches!(door.call("/a", Effect::Safe).await, Err(DispatchError::DeadToken(Some(_)))));
}

#[tokio::test(start_paused = true)]
async fn spent_day_ends_calls_until_midnight() {
    let door = Door::open().await;
    let daily = r#"{"policyName":"DAILY","message":"You have reached your daily limit."}"#;
    door.will("/a", &[Reaction::Status(429, daily)]);
    let midnight = Wall(START.0 - START.0 % 86_400_000 + 86_400_000);
    for _ in 0..2 {
        let error = door.call("/a", Effect::Safe).await.unwrap_err();
        assert!(matches!(error, DispatchError::DayExhausted { until } if until == midnight), "{error}");
    }
    assert_eq!(door.attempts("/a"), 1);
    tokio::time::sleep(midnight - START).await;
    assert_eq!(door.call("/a", Effect::Safe).await.unwrap().status, 200);
}

#[tokio::test(start_paused = true)]
async fn unreachable_server_is_one_clear_error() {
    let door = Door::open().await;
    door.will("/a", &vec![Reaction::Refuse; 20]);
    assert!(matches!(door.call("/a", Effect::Unsafe).await, Err(DispatchError::Unreachable(_))));
    assert_eq!(door.attempts("/a"), 10);
}

#[tokio::test(start_paused = true)]
async fn deadline_is_kept_and_the_reason_is_told() {
    for (reaction, told) in [(Reaction::Refuse, "LP3011"), (Reaction::Status(503, "{}"), "LP3015")] {
        let door = Door::open().await;
        door.will("/a", &vec![reaction; 20]);
        let call = CallRequest { deadline: Some(Duration::from_secs(4)), ..request("/a", Effect::Safe) };
        assert_eq!(door.dispatch.call(call).await.unwrap_err().code(), told);
        assert!(door.clock.now().mono <= Mono(4_200_000));
    }
}

#[tokio::test(start_paused = true)]
async fn many_calls_at_once_stay_within_the_window() {
    let door = Door { drives: true, ..Door::open().await };
    let calls = (0..350).map(|_| door.call("/many", Effect::Safe));
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|answer| answer.status == 200)));
    let sent: Vec<Mono> = door.script.sent.lock().unwrap().iter().map(|(at, _)| *at).collect();
    assert_eq!(sent.len(), 350);
    for window in sent.windows(101) {
        assert!(window[100] - window[0] >= Duration::from_secs(10), "101 calls within ten seconds");
    }
    let took = door.clock.now().mono;
    assert!(took < Mono(36_000_000), "350 calls at ten a second, the first hundred in advance: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn caller_that_leaves_takes_its_call_back() {
    for door in Door::open_both().await {
        let calls: Vec<_> = (0..150).map(|_| door.call("/many", Effect::Safe)).collect();
        let all = futures_util::future::join_all(calls);
        drop(tokio::time::timeout(Duration::from_millis(500), all).await);
        tokio::time::sleep(Duration::from_secs(60)).await;
        let sent = door.attempts("/many");
        assert!(sent < 100, "only what had left before: {sent}");
        assert_eq!(door.dispatch.snapshot().await.unwrap().in_flight, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_left_is_waited_for_when_its_caller_has_gone() {
    for door in Door::open_both().await {
        door.will("/slow", &[Reaction::Hang(Duration::from_secs(5))]);
        let call = tokio::time::timeout(Duration::from_secs(1), door.call("/slow", Effect::Unsafe)).await;
        assert!(call.is_err(), "the caller goes");
        assert_eq!(door.dispatch.snapshot().await.unwrap().in_flight, 1);
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(door.dispatch.snapshot().await.unwrap().in_flight, 0);
        assert_eq!(door.attempts("/slow"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_leaves_before_the_store_knows_and_nothing_after() {
    let records = Arc::<Records>::default();
    records.broken.store(true, Ordering::Relaxed);
    let door =
        Door::open_with(Arc::clone(&records), Arc::new(StaticCredentials::private_app("pat".into())), START).await;
    let waiting = tokio::time::timeout(Duration::from_secs(20), door.call("/a", Effect::Safe)).await;
    assert!(waiting.is_err(), "the store is broken");
    assert_eq!(door.attempts("/a"), 0);
    records.broken.store(false, Ordering::Relaxed);
    for _ in 0..40 {
        door.call("/b", Effect::Safe).await.unwrap();
        let saved = records.saved.lock().unwrap()[&INSTALL].clone();
        assert!(saved.may_send_until >= door.clock.now().wall);
        assert!(matches!(Stored::from_bytes(&saved.window.unwrap()), Ok(Stored::Running(_))));
        tokio::time::sleep(Duration::from_secs(7)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn shutdown_waits_for_what_is_on_its_way_and_leaves_a_picture() {
    for door in Door::open_both().await {
        door.will("/slow", &[Reaction::Hang(Duration::from_secs(5))]);
        let slow = door.call("/slow", Effect::Unsafe);
        let stop = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            door.tasks.shutdown().await
        };
        let (answer, stopped) = tokio::join!(slow, stop);
        assert_eq!(answer.unwrap().status, 200);
        assert_eq!(stopped, Ok(()));
        assert!(matches!(door.call("/late", Effect::Safe).await, Err(DispatchError::Shutdown)));
        let left = door.records.saved.lock().unwrap()[&INSTALL].window.clone().unwrap();
        assert!(matches!(Stored::from_bytes(&left), Ok(Stored::Left(_))));
    }
}

#[tokio::test(start_paused = true)]
async fn next_process_goes_on_at_once_after_an_orderly_end_and_waits_after_a_crash() {
    let first = Door::open().await;
    first.call("/a", Effect::Safe).await.unwrap();
    let crashed = Arc::new(Records::default());
    *crashed.saved.lock().unwrap() = first.records.saved.lock().unwrap().clone();
    first.tasks.shutdown().await.unwrap();
    let end = first.clock.now().wall;
    for (records, at_least, at_most) in [(Arc::clone(&first.records), 0, 1), (crashed, 10, 13)] {
        let credentials = Arc::new(StaticCredentials::private_app("pat".into()));
        let next = Door::open_with(records, credentials, end).await;
        next.call("/a", Effect::Safe).await.unwrap();
        let took = next.clock.now().mono.0 / 1_000_000;
        assert!((at_least..=at_most).contains(&took), "{took} s");
    }
}

#[tokio::test(start_paused = true)]
async fn call_that_was_on_its_way_when_the_door_gave_up_is_unknown_and_one_that_had_not_left_is_not() {
    for door in Door::open_both().await {
        door.will("/create", &[Reaction::Hang(Duration::from_secs(300))]);
        let on_its_way = door.call("/create", Effect::Unsafe);
        let crowd = futures_util::future::join_all((0..150).map(|_| door.call("/crowd", Effect::Unsafe)));
        let stop = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            drop(tokio::time::timeout(Duration::from_secs(60), door.tasks.shutdown()).await);
        };
        let (created, crowd, ()) = tokio::join!(on_its_way, crowd, stop);
        assert!(matches!(created, Err(DispatchError::Unknown(_))), "{created:?}");
        let waiting = crowd.iter().filter(|answer| matches!(answer, Err(DispatchError::Shutdown))).count();
        let left = door.attempts("/crowd");
        assert!(waiting > 0 && left > 0, "{waiting} waiting, {left} left");
        assert_eq!(waiting + left, 150, "whoever is told that the call was not made can rely on it");
    }
}

/// A clock that stops the owner in the middle of its work.
struct Trap(Arc<TokioClock>, std::sync::atomic::AtomicBool);

impl Clock for Trap {
    fn now(&self) -> linchpin_core::time::Now {
        assert!(!self.1.load(Ordering::Relaxed), "on purpose");
        self.0.now()
    }
}

#[tokio::test(start_paused = true)]
async fn call_that_was_taken_by_an_owner_that_panics_is_unknown() {
    let clock = Arc::new(TokioClock::new(START));
    let (tasks, script, trap) =
        (Tasks::new(), Arc::<Script>::default(), Arc::new(Trap(Arc::clone(&clock), false.into())));
    *script.clock.lock().unwrap() = Some(clock);
    script.answers.lock().unwrap().insert("/create".to_owned(), vec![Reaction::Hang(Duration::from_secs(5))]);
    let parts = Parts {
        clock: Arc::clone(&trap) as Arc<dyn Clock>,
        upstream: Arc::clone(&script) as Arc<dyn Upstream>,
        credentials: Arc::new(StaticCredentials::private_app("pat".into())),
        records: Arc::<Records>::default(),
        days: Arc::new(UtcDays),
        seed: 5,
    };
    let dispatch = Dispatch::start(&tasks, parts);
    dispatch.install(INSTALL, AppKind::Private, Limits::of(Tier::Starter, AppKind::Private, 0)).await.unwrap();
    let spring = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        trap.1.store(true, Ordering::Relaxed);
    };
    let (created, ()) = tokio::join!(dispatch.call(request("/create", Effect::Unsafe)), spring);
    assert!(matches!(created, Err(DispatchError::Unknown(_))), "{created:?}");
    let late = dispatch.call(request("/create", Effect::Unsafe)).await;
    assert!(matches!(late, Err(DispatchError::Shutdown)), "a closed door takes nothing: {late:?}");
    assert_eq!(script.sent.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_crash_forgets_at_most_the_calls_of_one_horizon_of_the_day() {
    let first = Door::open().await;
    for _ in 0..30 {
        first.call("/a", Effect::Safe).await.unwrap();
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    let left_behind = first.records.saved.lock().unwrap().clone();
    let used_by_the_next = async |wall, waits: bool| {
        let records = Arc::new(Records { saved: Mutex::new(left_behind.clone()), ..Records::default() });
        let credentials = Arc::new(StaticCredentials::private_app("pat".into()));
        let next = Door::open_with(Arc::clone(&records), credentials, wall).await;
        next.call("/a", Effect::Safe).await.unwrap();
        assert_eq!(next.clock.now().mono.0 >= 10_000_000, waits, "the windows count as full all the same");
        next.tasks.shutdown().await.unwrap();
        let left = records.saved.lock().unwrap()[&INSTALL].window.clone().unwrap();
        let left: serde_json::Value = serde_json::from_slice(&left[1..]).unwrap();
        left.pointer("/days/0/1").and_then(serde_json::Value::as_u64).unwrap()
    };
    let now = first.clock.now().wall;
    let counted = used_by_the_next(now, true).await;
    assert!((25..=31).contains(&counted), "{counted}");
    let tomorrow = now + Duration::from_secs(24 * 3600);
    assert_eq!(used_by_the_next(tomorrow, false).await, 1, "yesterday's calls are yesterday's");
}
