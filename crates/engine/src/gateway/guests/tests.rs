//! Guests before a HubSpot of a few lines, on paused time.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use linchpin_core::schedule::Permit;
use linchpin_core::schedule::budget::Scope;
use linchpin_core::schedule::lanes::Lane;
use linchpin_hubspot::call::Call;
use secrecy::ExposeSecret;
use tokio::task::JoinSet;

use super::*;
use crate::clock::TokioClock;
use crate::upstream::Outcome;

const START: Wall = Wall(1_800_000_000_000);

/// Answers everything, and remembers when which token came with which path.
struct Recorder {
    sent: Mutex<Vec<(Mono, String, String)>>,
    headers: HeaderMap,
    clock: Arc<TokioClock>,
}

#[async_trait]
impl Upstream for Recorder {
    async fn send(&self, _permit: Permit, token: &Token, call: &Call) -> Outcome {
        let seen = (self.clock.now().mono, token.secret.expose_secret().to_owned(), call.path.clone());
        self.sent.lock().unwrap().push(seen);
        tokio::time::sleep(Duration::from_millis(20)).await;
        Outcome::Answered(Answer { status: 200, headers: self.headers.clone(), body: Bytes::new() })
    }
}

#[derive(Default)]
struct Records(Mutex<BTreeMap<Install, BudgetRecord>>);

#[async_trait]
impl BudgetRecords for Records {
    async fn load(&self, install: Install) -> Result<Option<BudgetRecord>, StoreError> {
        Ok(self.0.lock().unwrap().get(&install).cloned())
    }

    async fn save(&self, install: Install, record: BudgetRecord) -> Result<(), StoreError> {
        self.0.lock().unwrap().insert(install, record);
        Ok(())
    }
}

struct House {
    guests: Arc<Guests>,
    upstream: Arc<Recorder>,
    records: Arc<Records>,
    tasks: Tasks,
}

async fn house(records: Arc<Records>, headers: HeaderMap) -> House {
    let (tasks, clock) = (Tasks::new(), Arc::new(TokioClock::new(START)));
    let upstream = Arc::new(Recorder { sent: Mutex::default(), headers, clock: Arc::clone(&clock) });
    let parts = GuestParts {
        writes: None,
        clock,
        upstream: Arc::clone(&upstream) as Arc<dyn Upstream>,
        records: Arc::clone(&records) as Arc<dyn BudgetRecords>,
        seed: 1,
    };
    House { guests: Arc::new(Guests::open(&tasks, parts).await.unwrap()), upstream, records, tasks }
}

fn shown(number: u64) -> Shown {
    let mut hash = [7; 32];
    hash[..8].copy_from_slice(&number.to_be_bytes());
    Shown { hash, secret: format!("token-{number}").into(), kind: CredentialKind::PrivateApp }
}

fn asked(path: String) -> Asked {
    Asked {
        install: Install { portal: PortalId(1), app: AppId(1) },
        lane: Lane::Interactive,
        deadline: None,
        caller: "guest".to_owned(),
        method: Method::GET,
        target: path,
        headers: HeaderMap::new(),
        body: Bytes::new(),
        joined: Arc::default(),
        passage: None,
    }
}

/// Calls of several guests at once.
async fn call(house: &House, guests: u64, each: u64) {
    let mut calls = JoinSet::new();
    for number in (0..each).flat_map(|_| 0..guests) {
        let guests = Arc::clone(&house.guests);
        calls.spawn(async move {
            let path = format!("/crm/v3/objects/contacts/{}?properties=email", number + 1);
            guests.answer(shown(number), asked(path)).await.unwrap()
        });
    }
    assert!(calls.join_all().await.iter().all(|answer| answer.status == 200));
}

fn sent_within(house: &House, token: &str, seconds: u64) -> usize {
    let sent = house.upstream.sent.lock().unwrap();
    sent.iter().filter(|(at, by, _)| by == token && at.0 < seconds * 1_000_000).count()
}

#[tokio::test(start_paused = true)]
async fn each_token_leaves_with_its_own_calls_alone_and_is_not_kept() {
    let house = house(Arc::default(), HeaderMap::new()).await;
    call(&house, 20, 5).await;
    let sent = house.upstream.sent.lock().unwrap().clone();
    assert_eq!(sent.len(), 100, "none of them in a batch");
    for (_, token, path) in sent {
        let number: u64 = token.trim_start_matches("token-").parse().unwrap();
        assert_eq!(path, format!("/crm/v3/objects/contacts/{}", number + 1), "{token}");
    }
    assert_eq!(house.guests.len(), 20);
    assert!(house.guests.book.guests().values().all(|guest| guest.token.is_none() && guest.calls == 0));
    let unknown = house.guests.book.token(install_of(&shown(3).hash)).await;
    assert!(matches!(unknown, Err(CredentialsError::Unknown(_))), "nobody can use it any more");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_takes_its_token_along() {
    let house = house(Arc::default(), HeaderMap::new()).await;
    let one = house.guests.answer(shown(1), asked("/a".to_owned()));
    assert!(tokio::time::timeout(Duration::from_millis(5), one).await.is_err(), "it left before the answer");
    assert!(house.guests.book.guests().values().all(|guest| guest.token.is_none() && guest.calls == 0));
}

#[tokio::test(start_paused = true)]
async fn guests_have_budgets_of_their_own_and_the_strictest_until_headers_say_more() {
    let house = house(Arc::default(), HeaderMap::new()).await;
    call(&house, 2, 150).await;
    for token in ["token-0", "token-1"] {
        assert_eq!((sent_within(&house, token, 10), sent_within(&house, token, 60)), (100, 150), "{token}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_headers_say_counts_from_the_next_lease_on() {
    let number = |value| HeaderValue::from_static(value);
    let headers = [("x-hubspot-ratelimit-max", number("190")), ("x-hubspot-ratelimit-remaining", number("189"))];
    let headers = headers.into_iter().map(|(name, value)| (http::HeaderName::from_static(name), value)).collect();
    let house = house(Arc::default(), headers).await;
    call(&house, 1, 1).await;
    tokio::time::sleep(Duration::from_secs(80)).await;
    call(&house, 1, 190).await;
    assert_eq!(sent_within(&house, "token-0", 90), 191);
}

#[tokio::test(start_paused = true)]
async fn the_number_of_guests_is_bounded_and_the_one_silent_longest_goes() {
    let house = house(Arc::default(), HeaderMap::new()).await;
    for number in 0..GUESTS_MAX as u64 {
        house.guests.answer(shown(number), asked("/a".to_owned())).await.unwrap();
    }
    let refused = house.guests.answer(shown(1_000), asked("/a".to_owned())).await;
    assert!(matches!(refused, Err(GuestError::Full)), "all were here a moment ago");
    tokio::time::sleep(IDLE).await;
    let late = house.guests.answer(shown(1_000), asked("/a".to_owned())).await;
    assert_eq!(late.unwrap().status, 200);
    assert_eq!(house.guests.len(), GUESTS_MAX);
    assert!(!house.guests.book.guests().contains_key(&install_of(&shown(0).hash)));
    // Who was forgotten comes back as anybody new, and the door has no more windows than guests.
    house.guests.answer(shown(0), asked("/a".to_owned())).await.unwrap();
    assert_eq!(house.guests.len(), GUESTS_MAX);
    let snapshot = house.guests.dispatch.snapshot().await.unwrap();
    let bursts = snapshot.windows.iter().filter(|window| matches!(window.scope, Scope::Burst(_)));
    assert_eq!(bursts.count(), GUESTS_MAX);
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_the_windows_are_full_for_a_while_and_one_row_remembers_all_guests() {
    let first = house(Arc::default(), HeaderMap::new()).await;
    call(&first, 3, 2).await;
    let remembered = first.records.0.lock().unwrap().clone();
    assert_eq!(remembered.keys().collect::<Vec<_>>(), [&REMEMBERED_AS]);
    // It ends without a record: the row says that it may have sent for a minute.
    let second = house(Arc::clone(&first.records), HeaderMap::new()).await;
    call(&second, 1, 1).await;
    assert_eq!((sent_within(&second, "token-0", 10), sent_within(&second, "token-0", 15)), (0, 1));
    // A guest that comes later need not wait.
    let before = second.upstream.sent.lock().unwrap().len();
    tokio::time::sleep(Duration::from_secs(30)).await;
    let asked = second.guests.answer(shown(9), asked("/a".to_owned()));
    tokio::time::timeout(Duration::from_secs(1), asked).await.unwrap().unwrap();
    assert_eq!(second.upstream.sent.lock().unwrap().len(), before + 1);
    first.tasks.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_second_token_with_the_install_of_another_stays_outside() {
    let house = house(Arc::default(), HeaderMap::new()).await;
    house.guests.answer(shown(1), asked("/a".to_owned())).await.unwrap();
    let mut other = shown(1);
    other.hash[31] ^= 1;
    assert!(matches!(house.guests.answer(other, asked("/a".to_owned())).await, Err(GuestError::Full)));
}
