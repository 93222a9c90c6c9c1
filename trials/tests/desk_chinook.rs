//! Chinook, on the simulated clock, without sockets.

use std::sync::Arc;

use linchpin_core::schedule::limits::Tier;
use linchpin_core::sync::run::Plan;
use linchpin_engine::sync::{Applied, Sources, Unwatched, apply, plan};
use linchpin_simulator::SimOptions;
use linchpin_sources::SqliteSource;
use linchpin_store_sqlite::SqliteStore;
use linchpin_trials::desk::{Desk, compile, sources};
use linchpin_trials::parameters::shared;
use tokio_util::sync::CancellationToken;

const MAPPING: &str = include_str!("../../examples/chinook/linchpin.yaml");

/// The sample database, if it is on this machine.
fn chinook() -> Option<Sources> {
    let path = shared("Chinook on the simulated clock")?.join("data/chinook.sqlite");
    let source = SqliteSource::open("shop", path).expect("the sample database opens");
    Some(sources("shop", Arc::new(source.with_executor(linchpin_ports::executor::Executor::Inline))))
}

async fn sync(desk: &Desk, sources: &Sources) -> (Plan, Applied) {
    let (_, compiled, portal) = compile(desk, MAPPING).await;
    let run = plan(&desk.context, &compiled, &portal, sources, &Unwatched).await.expect("a plan");
    let stop = CancellationToken::new();
    let applied = apply(&desk.context, &compiled, run.id, &Unwatched, &stop).await.expect("it is applied");
    (run.plan.expect("a sealed run has its plan"), applied)
}

#[tokio::test(start_paused = true)]
async fn chinook_is_synced_once_and_a_lost_store_is_rebuilt_from_hubspot() {
    let Some(sources) = chinook() else { return };
    let store = SqliteStore::in_memory().expect("a store");
    let options = SimOptions { latency_ms: 100, ..SimOptions::default() };
    let desk = Desk::start(options, Tier::Professional, store.stores()).await;
    let (first, applied) = sync(&desk, &sources).await;
    assert_eq!(applied.created, 10 + 59 + 3_503 + 412 + 2_240);
    assert_eq!(applied.associated, 10 + 412 + 70 + 2_240);
    assert_eq!(applied.rejected, 0);
    assert!(first.cost.write_calls <= 106, "{} write calls", first.cost.write_calls);

    let (second, _) = sync(&desk, &sources).await;
    assert!(second.is_empty(), "{second:#?}");

    let simulator = desk.close().await;
    let fresh = SqliteStore::in_memory().expect("a store");
    let desk = Desk::beside(simulator, 2, Tier::Professional, fresh.stores()).await;
    let (rebuilt, _) = sync(&desk, &sources).await;
    assert!(rebuilt.is_empty(), "{rebuilt:#?}");
    assert_eq!(desk.stat("rate_limited").await, 0);
}
