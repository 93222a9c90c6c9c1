//! The budget, on the simulated clock: no 429 under either window model, and the limit is used.

use std::sync::Arc;
use std::time::Duration;

use linchpin_core::schedule::lanes::Lane;
use linchpin_core::schedule::limits::Tier;
use linchpin_engine::sync::{Applied, Unwatched, apply, plan};
use linchpin_hubspot::id::ObjectType;
use linchpin_hubspot::objects::{Fields, List};
use linchpin_simulator::model::IndexLag;
use linchpin_simulator::{SimOptions, WindowModel};
use linchpin_store_sqlite::SqliteStore;
use linchpin_trials::desk::{Desk, compile, sources};
use linchpin_trials::generated::{MAPPING, Users};
use linchpin_trials::ledger::Entry;
use linchpin_trials::{figure, parameters::parameter};
use tokio_util::sync::CancellationToken;

/// Calls of a Professional private app in ten seconds.
const LIMIT: usize = 190;
const WINDOW_MS: i64 = 10_000;

fn options(seed: u64, window: WindowModel) -> SimOptions {
    let mut options = SimOptions { seed, window, latency_ms: 100, ..SimOptions::default() };
    options.portal.index_lag = IndexLag::Off;
    options
}

async fn desk(options: SimOptions) -> Desk {
    let store = SqliteStore::in_memory().expect("a store");
    Desk::start(options, Tier::Professional, store.stores()).await
}

async fn sync(desk: &Desk, rows: i64) -> Applied {
    let (_, compiled, portal) = compile(desk, MAPPING).await;
    let sources = sources("made_up", Arc::new(Users { rows }));
    let run = plan(&desk.context, &compiled, &portal, &sources, &Unwatched).await.expect("a plan");
    let stop = CancellationToken::new();
    apply(&desk.context, &compiled, run.id, &Unwatched, &stop).await.expect("it is applied")
}

async fn ledger(desk: &Desk) -> Vec<Entry> {
    let text = desk.control("GET", "/_control/ledger", "").await;
    text.lines().map(|line| serde_json::from_str(line).expect("a line of the ledger")).collect()
}

/// The calls counted in each window of ten seconds after the second, while there is work; windows begin `step_ms` apart.
fn full_windows(ledger: &[Entry], step_ms: usize) -> Vec<usize> {
    let mut times: Vec<i64> = ledger.iter().filter(|entry| entry.is_write()).map(|entry| entry.time).collect();
    times.sort_unstable();
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return Vec::new() };
    let starts = (first + 2 * WINDOW_MS..=last - WINDOW_MS).step_by(step_ms);
    let before = |moment: i64| times.partition_point(|time| *time < moment);
    starts.map(|start| before(start + WINDOW_MS) - before(start)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_large_sync_uses_the_limit_and_never_passes_it() {
    let rows = parameter("ROWS", 60_000);
    for window in [WindowModel::Exact, WindowModel::Seconds] {
        let desk = desk(options(1, window)).await;
        let applied = sync(&desk, rows).await;
        assert_eq!(applied.created, u64::try_from(rows).unwrap_or(0));
        let limited = desk.stat("rate_limited").await;
        assert_eq!(limited, 0, "429s in the {window:?} model");
        let ledger = ledger(&desk).await;
        let windows = full_windows(&ledger, 10_000);
        let least = windows.iter().min().copied().unwrap_or(0);
        let sliding = full_windows(&ledger, 100).into_iter().min().unwrap_or(0);
        figure(&format!("{window:?}: 429s"), limited);
        figure(&format!("{window:?}: full windows of ten seconds looked at"), windows.len());
        figure(&format!("{window:?}: least calls in one of them, of {LIMIT}"), least);
        figure(&format!("{window:?}: least calls in any ten seconds, looked at every 100 ms"), sliding);
        figure(&format!("{window:?}: minutes of simulated time"), format!("{:.1}", minutes(applied.millis)));
        assert!(!windows.is_empty(), "the sync is too short for a full window");
        if window == WindowModel::Exact {
            assert!(least * 100 >= LIMIT * 97, "only {least} of {LIMIT} calls in some ten seconds: {windows:?}");
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn minutes(millis: u64) -> f64 {
    millis as f64 / 60_000.0
}

#[tokio::test(start_paused = true)]
async fn interactive_calls_hardly_wait_while_a_sync_saturates_the_limit() {
    let desk = desk(options(2, WindowModel::Exact)).await;
    let hub = desk.hub(Lane::Interactive);
    let read = || List { object_type: ObjectType::new("contacts"), limit: 1, after: None, fields: Fields::default() };
    let rows: i64 = parameter("ROWS", 60_000);
    let bulk = sync(&desk, rows);
    let watch = async {
        let mut taken = Vec::new();
        // Beside the sync from its third second on, for as long as it lasts: three calls a second, uneven.
        tokio::time::sleep(Duration::from_secs(3)).await;
        for number in 0..rows / 1_000 {
            tokio::time::sleep(Duration::from_millis(50 + (number.unsigned_abs() * 379) % 400)).await;
            let before = desk.context.clock.now().mono;
            hub.send(&read()).await.expect("an answer");
            taken.push(millis(desk.context.clock.now().mono - before));
        }
        taken
    };
    let (applied, taken) = tokio::join!(bulk, watch);
    assert!(applied.millis > 23_000, "the sync ended before the interactive calls did");
    assert_eq!(desk.stat("rate_limited").await, 0);
    let mut waits = waits(&taken, &ledger(&desk).await);
    waits.sort_unstable();
    let at = |share: usize| waits.get((waits.len() * share / 100).min(waits.len() - 1)).copied().unwrap_or(i64::MAX);
    figure("interactive calls beside a sync", waits.len());
    figure("interactive, median wait, ms", at(50));
    figure("interactive, p99 wait, ms", at(99));
    assert!(at(99) < 300, "interactive calls waited {} ms", at(99));
}

/// What each call took beyond the time that the simulator had it. They were made one after the other, so the last calls
/// of their kind in the ledger are theirs, in order.
fn waits(taken: &[i64], ledger: &[Entry]) -> Vec<i64> {
    let lists = ledger.iter().filter(|entry| entry.route.starts_with("GET ") && entry.path.ends_with("/contacts"));
    let mut had: Vec<(i64, i64)> = lists.map(|entry| (entry.arrived, entry.answered - entry.arrived)).collect();
    had.sort_unstable();
    let own = had.split_off(had.len() - taken.len());
    taken.iter().zip(own).map(|(taken, (_, had))| taken - had).collect()
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_twice_gives_the_same_bytes() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let desk = desk(options(7, WindowModel::Exact)).await;
        sync(&desk, 2_000).await;
        let ledger = desk.control("GET", "/_control/ledger", "").await;
        let dump = desk.control("GET", "/_control/dump/contacts", "").await;
        assert_eq!(dump.lines().count(), 2_000);
        runs.push((ledger, dump));
    }
    assert!(runs[0] == runs[1], "two runs of one seed differ");
}
