//! Requests that nobody should send: the simulator answers each, or closes the connection, and goes on.
//!
//! What it is not: a search for wrong answers. A seed repeats a round; a failing one is printed.

mod mutate;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Once,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::Method;
use linchpin_simulator::{
    Hub, Running, SimOptions, Simulator, Tier, TokenSpec,
    hub::Outcome,
    model::SeedSpec,
    wire::{ApiAnswer, ApiRequest, Millis},
};
use mutate::Mutator;
use proptest::prelude::*;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{Mutex, MutexGuard},
    task::JoinSet,
    time::timeout,
};

use crate::{CONTACTS, NOON, TOKEN};

/// Requests of one round.
const ROUND: usize = 60;
/// How long a connection may stay open after its last byte.
const PATIENCE: Duration = Duration::from_secs(20);

/// Panics of the whole process: of any thread and any task, in our code or in a dependency's, caught or not.
static PANICS: AtomicUsize = AtomicUsize::new(0);

/// Counts from now on; what panicked before is forgotten.
///
/// Tests of one process take turns: the one that panics on purpose would be counted by the others.
async fn count_panics() -> MutexGuard<'static, ()> {
    static ONCE: Once = Once::new();
    static TURN: Mutex<()> = Mutex::const_new(());
    let turn = TURN.lock().await;
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.fetch_add(1, Ordering::SeqCst);
            usual(info);
        }));
    });
    PANICS.store(0, Ordering::SeqCst);
    turn
}

/// Fails if anything has panicked, whether or not an answer showed it.
fn assert_no_panic(seed: u64) {
    assert_eq!(PANICS.load(Ordering::SeqCst), 0, "seed {seed}: something panicked");
}

/// Without limits, so that a refusal hides nothing.
fn options(seed: u64) -> SimOptions {
    let mut options =
        SimOptions { tier: Tier::Unlimited, tokens: vec![TokenSpec::new(TOKEN, 7)], seed, ..SimOptions::default() };
    options.start.seed = Some(SeedSpec { contacts: 5, companies: 3, deals: 2, owners: 1, ..SeedSpec::default() });
    options
}

/// The answers of a round by the first digit of their status.
type Digits = BTreeMap<u16, usize>;

fn ask(hub: &mut Hub, dice: &mut ChaCha8Rng, request: ApiRequest, now: i64) -> ApiAnswer {
    hub.arrive(request, Millis(now), dice);
    hub.advance(Millis(now), dice);
    let mut answers = hub.take_answers();
    assert_eq!(answers.len(), 1, "a call has one answer");
    match answers.remove(0).1 {
        Outcome::Answered(answer) => answer,
        other => panic!("no answer: {other:?}"),
    }
}

fn is_sound(answer: &ApiAnswer) -> bool {
    let is_json =
        answer.headers.get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    (200..600).contains(&answer.status)
        && (!is_json || serde_json::from_slice::<serde::de::IgnoredAny>(&answer.body).is_ok())
}

/// One round against a hub of its own; how its answers were.
fn round_in_process(seed: u64) -> Digits {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let mut hub = Hub::new(&options(seed), NOON, &mut dice).unwrap();
    let mut mutator = Mutator::new(ChaCha8Rng::seed_from_u64(!seed));
    let mut digits = Digits::new();
    let mut now = NOON.0;
    for number in 0..ROUND {
        let draft = mutator.draft();
        now += i64::try_from(mutator.below(4_000)).unwrap();
        let answer = ask(&mut hub, &mut dice, draft.request(), now);
        assert!(is_sound(&answer), "seed {seed}, request {number}: {} to {draft:?}", answer.status);
        *digits.entry(answer.status / 100).or_default() += 1;
    }
    let made = ask(&mut hub, &mut dice, plain(r#"{"properties":{"firstname":"Ada"}}"#), now);
    assert_eq!(made.status, 201, "seed {seed}: an ordinary call after the round");
    digits
}

fn plain(body: &str) -> ApiRequest {
    let mut draft = mutate::corpus().remove(0);
    (draft.method, draft.path, draft.query) = (Method::POST.to_string(), CONTACTS.to_owned(), String::new());
    draft.body = body.as_bytes().to_vec();
    draft.request()
}

/// Bytes of a connection: good requests, changed ones, mangled ones, and what is no HTTP at all.
fn bytes_of_a_connection(mutator: &mut Mutator) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..=mutator.below(3) {
        let mut draft = mutator.draft().bytes();
        if mutator.below(2) == 0 {
            mutator.mangle(&mut draft);
        }
        bytes.extend(draft);
    }
    match mutator.below(12) {
        0 => [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &bytes].concat(),
        1 => [[0x16, 3, 1, 2, 0].as_slice(), &bytes].concat(),
        2 => {
            let text = String::from_utf8_lossy(&bytes).replace("content-length:", "transfer-encoding: chunked\r\nx:");
            text.into_bytes()
        }
        3 => {
            let text = String::from_utf8_lossy(&bytes).replace("content-length: ", "content-length: 9");
            text.into_bytes()
        }
        _ => bytes,
    }
}

/// One connection; whether it was closed in time. What comes back is read to its end.
async fn connect(addr: SocketAddr, bytes: &[u8]) -> Option<usize> {
    let mut socket = TcpStream::connect(addr).await.unwrap();
    let talk = async {
        // The other side may close while we still write: that is an answer too.
        if socket.write_all(bytes).await.is_ok() {
            socket.shutdown().await.ok();
        }
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await.ok();
        answer.len()
    };
    timeout(PATIENCE, talk).await.ok()
}

async fn round_on_a_socket(running: &Running, seed: u64, connections: usize) {
    let mut mutator = Mutator::new(ChaCha8Rng::seed_from_u64(seed));
    for number in 0..connections {
        let bytes = bytes_of_a_connection(&mut mutator);
        let closed = connect(running.addr, &bytes).await;
        assert!(closed.is_some(), "seed {seed}, connection {number} stays open: {}", String::from_utf8_lossy(&bytes));
    }
    let body = serde_json::json!({"properties": {"firstname": "Ada"}});
    let socket = TcpStream::connect(running.addr).await.unwrap();
    let made = crate::http::send(socket, crate::post(CONTACTS, &body)).await.unwrap();
    assert_eq!(made.status(), 201, "seed {seed}: an ordinary call after the round");
    let body: Value = serde_json::from_slice(made.body()).unwrap();
    assert_eq!(body["properties"]["firstname"], "Ada");
    assert_no_panic(seed);
}

fn anywhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

#[test]
fn every_request_of_the_corpus_is_answered_as_it_stands() {
    let mut dice = ChaCha8Rng::seed_from_u64(1);
    let mut hub = Hub::new(&options(1), NOON, &mut dice).unwrap();
    let mut good = 0;
    let corpus = mutate::corpus();
    for draft in &corpus {
        let answer = ask(&mut hub, &mut dice, draft.request(), NOON.0);
        assert!(is_sound(&answer), "{draft:?}");
        good += usize::from(answer.status < 300);
    }
    assert!(good * 2 > corpus.len(), "most of the corpus is good: {good} of {}", corpus.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_request_breaks_the_hub(seed in any::<u64>()) {
        let digits = round_in_process(seed);
        prop_assert_eq!(digits.values().sum::<usize>(), ROUND);
        prop_assert!(!digits.contains_key(&1) && !digits.contains_key(&3));
    }

    #[test]
    fn no_path_query_header_or_body_breaks_the_hub(
        method in "[A-Z]{1,7}",
        path in "/(crm|oauth|\\PC{0,9})(/\\PC{0,12}){0,7}",
        query in "\\PC{0,40}",
        header in proptest::collection::vec(any::<u8>(), 0..40),
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut dice = ChaCha8Rng::seed_from_u64(1);
        let mut hub = Hub::new(&options(1), NOON, &mut dice).unwrap();
        let mut draft = mutate::corpus().remove(0);
        draft.headers.push(("x-any".to_owned(), header.clone()));
        draft.headers.push(("host".to_owned(), header));
        (draft.method, draft.path, draft.query, draft.body) = (method, path, query, body);
        let answer = ask(&mut hub, &mut dice, draft.request(), NOON.0);
        prop_assert!(is_sound(&answer));
    }
}

#[tokio::test]
async fn no_bytes_break_the_server() {
    let _turn = count_panics().await;
    let running = Simulator::start(&options(3), anywhere()).await.unwrap();
    for seed in 0..4 {
        round_on_a_socket(&running, seed, 40).await;
    }
    running.stop().await;
    assert_no_panic(3);
}

#[tokio::test]
async fn a_panic_of_any_thread_or_task_is_counted_wherever_it_happens() {
    let _turn = count_panics().await;
    assert_no_panic(0);
    let thread = std::thread::Builder::new().spawn(|| panic!("on purpose, in a thread")).unwrap();
    assert!(thread.join().is_err());
    assert_eq!(PANICS.load(Ordering::SeqCst), 1);
    let mut tasks = JoinSet::<()>::new();
    tasks.spawn(async { panic!("on purpose, in a task") });
    assert!(tasks.join_next().await.unwrap().is_err());
    assert_eq!(PANICS.load(Ordering::SeqCst), 2);
    // Nobody asks what became of this one, and the panic is the library's.
    let (tell, told) = tokio::sync::oneshot::channel::<()>();
    tasks.spawn(async move {
        let _tells_at_the_end = tell;
        drop(bytes::Bytes::new().slice(1..2));
    });
    assert!(told.await.is_err());
    assert_eq!(PANICS.load(Ordering::SeqCst), 3);
    assert!(std::panic::catch_unwind(|| assert_no_panic(0)).is_err(), "a round would fail");
}

pub(crate) fn number(name: &str, default: u64) -> u64 {
    let given = std::env::var_os(name).and_then(|text| text.into_string().ok());
    given.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text}")))
}

/// What was done until the time was over.
#[derive(Default)]
struct Totals {
    rounds: u64,
    digits: Digits,
    connections: usize,
}

async fn rounds_without_end(totals: &mut Totals, first: u64) {
    loop {
        // A server of its own for every few rounds, so that what a seed does depends on little before it.
        let running = Simulator::start(&options(first + totals.rounds), anywhere()).await.unwrap();
        for _ in 0..10 {
            let seed = first + totals.rounds;
            for (digit, count) in round_in_process(seed) {
                *totals.digits.entry(digit).or_default() += count;
            }
            round_on_a_socket(&running, seed, 20).await;
            totals.connections += 20;
            totals.rounds += 1;
        }
        running.stop().await;
        assert_no_panic(first + totals.rounds - 1);
    }
}

#[tokio::test]
#[ignore = "runs for minutes: cargo xtask soak --only fuzz"]
async fn fuzzing_for_a_stated_time_finds_no_panic() {
    let _turn = count_panics().await;
    let seconds = number("LINCHPIN_TRIAL_SECONDS", 600);
    let first = number("LINCHPIN_TRIAL_SEED", 1);
    println!("seeds from {first} on; repeat one with LINCHPIN_TRIAL_SEED");
    let mut totals = Totals::default();
    let ended = timeout(Duration::from_secs(seconds), rounds_without_end(&mut totals, first)).await;
    assert!(ended.is_err() && totals.rounds > 0, "it ends by the clock");
    println!("figure: seconds asked for = {seconds}");
    println!("figure: seeds = {first} to {}", first + totals.rounds - 1);
    println!("figure: requests in process = {}", totals.digits.values().sum::<usize>());
    for (digit, count) in totals.digits {
        println!("figure: of these answered {digit}xx = {count}");
    }
    println!("figure: connections with mangled bytes = {}", totals.connections);
    println!("figure: panics = {}", PANICS.load(Ordering::SeqCst));
    assert_no_panic(first + totals.rounds - 1);
}
