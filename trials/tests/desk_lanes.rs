//! A sync's bulk work and callers of all four lanes share one budget: nobody in a hurry waits long, nobody starves, and
//! the limit is used.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use linchpin_core::schedule::limits::Tier;
use linchpin_engine::gateway::Coalesce;
use linchpin_engine::sync::{Applied, Unwatched, apply, plan};
use linchpin_server::gateway::{Face, LANE_HEADER};
use linchpin_simulator::model::IndexLag;
use linchpin_simulator::{SimOptions, WindowModel};
use linchpin_store_sqlite::SqliteStore;
use linchpin_trials::desk::{Desk, compile, sources};
use linchpin_trials::generated::{MAPPING, Users};
use linchpin_trials::ledger::Entry;
use linchpin_trials::transparency::wanted::{Wanted, face};
use linchpin_trials::{figure, parameters::parameter};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const SEED: u64 = 3;
/// Calls of a Professional private app in ten seconds.
const LIMIT: usize = 190;
const WINDOW_MS: i64 = 10_000;
/// The lanes, and how many milliseconds lie between two calls of theirs on average.
const LANES: [(&str, u64); 4] = [("interactive", 330), ("realtime", 700), ("bulk", 900), ("reporting", 2_500)];
/// No background call waits longer while foreground work leaves it its turns.
const BACKGROUND_WAIT_MAX_MS: i64 = 60_000;

async fn sync(desk: &Desk, rows: i64) -> Applied {
    let (_, compiled, portal) = compile(desk, MAPPING).await;
    let sources = sources("made_up", Arc::new(Users { rows }));
    let run = plan(&desk.context, &compiled, &portal, &sources, &Unwatched).await.expect("a plan");
    let stop = CancellationToken::new();
    apply(&desk.context, &compiled, run.id, &Unwatched, &stop).await.expect("it is applied")
}

/// What one call of a lane took, in milliseconds, by the path that nobody else calls.
type Taken = Vec<(String, i64)>;

/// Callers of one lane, each of whom reads a record that nobody else reads, one of them after the other.
async fn callers(desk: &Desk, face: &Face, ids: Vec<String>, (lane, every_ms): (&str, u64)) -> Taken {
    let clock = &desk.context.clock;
    let calls = ids.into_iter().enumerate().map(|(number, id)| async move {
        let number = number as u64;
        // Uneven: now and then two come together.
        let at = 3_000 + number * every_ms + number * 379 % (every_ms * 2);
        tokio::time::sleep(Duration::from_millis(at)).await;
        let path = format!("/crm/v3/objects/contacts/{id}");
        let mut request = Wanted::get(path.clone()).request();
        request.headers_mut().insert(LANE_HEADER, lane.parse().expect("a header"));
        let before = clock.now().mono;
        let answer = face.respond(request).await;
        assert_eq!(answer.status(), 200, "{lane}: {path}");
        (path, i64::try_from((clock.now().mono - before).as_millis()).expect("a short time"))
    });
    futures_util::future::join_all(calls).await
}

async fn ledger(desk: &Desk) -> Vec<Entry> {
    let text = desk.control("GET", "/_control/ledger", "").await;
    text.lines().map(|line| serde_json::from_str(line).expect("a line of the ledger")).collect()
}

/// What each call waited beyond the time that the simulator had it, ascending.
fn waits(taken: &Taken, ledger: &[Entry]) -> Vec<i64> {
    let had: BTreeMap<&str, i64> =
        ledger.iter().map(|entry| (entry.path.as_str(), entry.answered - entry.arrived)).collect();
    let mut waits: Vec<i64> =
        taken.iter().map(|(path, took)| took - had.get(path.as_str()).expect("made on both")).collect();
    waits.sort_unstable();
    waits
}

/// The calls in each window of ten seconds side by side, while the sync writes.
fn full_windows(ledger: &[Entry]) -> Vec<usize> {
    let writes = ledger.iter().filter(|entry| entry.is_write()).map(|entry| entry.time);
    let (Some(first), Some(last)) = (writes.clone().min(), writes.max()) else { return Vec::new() };
    let mut times: Vec<i64> =
        ledger.iter().filter(|entry| !entry.path.ends_with("/search")).map(|entry| entry.time).collect();
    times.sort_unstable();
    let before = |moment: i64| times.partition_point(|time| *time < moment);
    let starts = (first + 2 * WINDOW_MS..=last - WINDOW_MS).step_by(10_000);
    starts.map(|start| before(start + WINDOW_MS) - before(start)).collect()
}

async fn judge(window: WindowModel, rows: i64) {
    let mut options = SimOptions { seed: SEED, window, latency_ms: 100, ..SimOptions::default() };
    options.portal.index_lag = IndexLag::Off;
    let store = SqliteStore::in_memory().expect("a store");
    let desk = Desk::start(options, Tier::Professional, store.stores()).await;
    desk.control("POST", "/_control/seed", &json!({"contacts": 1_000}).to_string()).await;
    let dump = desk.control("GET", "/_control/dump/contacts", "").await;
    let id = |line: &str| serde_json::from_str::<Value>(line).ok()?.get("id")?.as_str().map(str::to_owned);
    let mut ids: Vec<String> = dump.lines().filter_map(id).collect();
    let face = face(&desk, Coalesce::Proven, SEED);
    // As long as the sync lasts: a batch of a hundred rows is a call.
    let lasts_ms = u64::try_from(rows).expect("rows") * 10_000 / 100 / LIMIT as u64;
    let mut share = |every_ms: u64| ids.split_off(ids.len() - usize::try_from(lasts_ms / every_ms).expect("few"));
    let [interactive, realtime, bulk, reporting] = LANES.map(|lane| (share(lane.1), lane));
    let (applied, a, b, c, d) = tokio::join!(
        sync(&desk, rows),
        callers(&desk, &face, interactive.0, interactive.1),
        callers(&desk, &face, realtime.0, realtime.1),
        callers(&desk, &face, bulk.0, bulk.1),
        callers(&desk, &face, reporting.0, reporting.1),
    );
    assert_eq!(applied.created, u64::try_from(rows).expect("rows"));
    assert_eq!(desk.stat("rate_limited").await, 0, "429s in the {window:?} model");
    let ledger = ledger(&desk).await;
    for (taken, (lane, _)) in [a, b, c, d].iter().zip(LANES) {
        let waits = waits(taken, &ledger);
        let at = |percent: usize| *waits.get((waits.len() * percent / 100).min(waits.len() - 1)).expect("some waited");
        figure(&format!("{window:?}, {lane}: calls"), waits.len());
        figure(&format!("{window:?}, {lane}: median and p99 wait, ms"), format!("{} and {}", at(50), at(99)));
        if lane == "interactive" {
            assert!(at(99) < 300, "interactive calls waited {} ms", at(99));
        }
        assert!(at(100) < BACKGROUND_WAIT_MAX_MS, "the lane {lane} starves: {} ms", at(100));
    }
    let windows = full_windows(&ledger);
    let (least, all) = (windows.iter().min().copied().unwrap_or(0), windows.iter().sum::<usize>());
    figure(&format!("{window:?}: windows of ten seconds looked at"), windows.len());
    figure(&format!("{window:?}: calls in all of them, of {}", LIMIT * windows.len()), all);
    figure(&format!("{window:?}: least calls in one of them, of {LIMIT}"), least);
    if window == WindowModel::Exact {
        assert!(!windows.is_empty(), "the sync is too short for a full window");
        assert!(all * 100 >= LIMIT * windows.len() * 97, "less than 97% of the budget is used: {windows:?}");
        // One that begins and ends between two bursts has a few less.
        assert!(least * 100 >= LIMIT * 95, "only {least} of {LIMIT} calls in some ten seconds: {windows:?}");
    }
}

/// Whether the limit is used is looked at here: under the stricter model less of it can be.
#[tokio::test(start_paused = true)]
async fn all_lanes_get_on_beside_a_sync_in_exact_windows() {
    judge(WindowModel::Exact, parameter("ROWS", 70_000)).await;
}

#[tokio::test(start_paused = true)]
async fn all_lanes_get_on_beside_a_sync_in_windows_of_whole_seconds() {
    judge(WindowModel::Seconds, parameter("ROWS", 20_000)).await;
}
