//! Creations of a type without a unique property, when their outcome is not known.

use std::sync::Arc;

use linchpin_core::schedule::limits::Tier;
use linchpin_core::sync::run::{Run, RunState};
use linchpin_engine::sync::{Applied, SyncError, Unwatched, apply, plan};
use linchpin_ports::faulty::{self, Fault, Method, Script};
use linchpin_simulator::SimOptions;
use linchpin_store_sqlite::SqliteStore;
use linchpin_trials::desk::{Desk, compile, sources};
use linchpin_trials::tables::Tables;
use tokio_util::sync::CancellationToken;

const MAPPING: &str = r"
sync:
  entries:
    things:
      source: shop
      table: things
      key: id
      object: products
      identity: {content: [name, price]}
      fields: {name: name, price: price}
";

const ROWS: usize = 150;

struct World {
    desk: Desk,
    script: Script,
    tables: Tables,
}

impl World {
    async fn begin() -> Self {
        let store = SqliteStore::in_memory().expect("a store");
        let (stores, script) = faulty::wrap(store.stores());
        let desk = Desk::start(SimOptions::default(), Tier::Professional, stores).await;
        let tables = Tables::default();
        let rows: Vec<[String; 3]> =
            (0..ROWS).map(|id| [id.to_string(), format!("Thing {}", id / 2), "5".to_owned()]).collect();
        let rows: Vec<Vec<&str>> = rows.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
        let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
        tables.set("things", &["id", "name", "price"], &rows);
        Self { desk, script, tables }
    }

    async fn plan(&self) -> Run {
        let (_, compiled, portal) = compile(&self.desk, MAPPING).await;
        let sources = sources("shop", Arc::new(self.tables.clone()));
        plan(&self.desk.context, &compiled, &portal, &sources, &Unwatched).await.expect("a plan")
    }

    async fn apply(&self, run: &Run) -> Result<Applied, SyncError> {
        let (_, compiled, _) = compile(&self.desk, MAPPING).await;
        apply(&self.desk.context, &compiled, run.id, &Unwatched, &CancellationToken::new()).await
    }

    async fn products(&self) -> usize {
        self.desk.control("GET", "/_control/dump/products", "").await.lines().count()
    }

    async fn fault(&self, rule: &str) {
        self.desk.control("POST", "/_control/faults", rule).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_made_while_a_run_is_interrupted_does_not_double_its_creations() {
    let world = World::begin().await;
    let run = world.plan().await;
    // HubSpot makes them, and the process dies before it has written that down.
    world.script.fail(Method::QueueSettle, Fault::Before);
    world.apply(&run).await.expect_err("the store fails");
    let made = world.products().await;
    assert!(made > 0, "nothing was made before the failure");
    world.plan().await;
    let open = world.desk.context.stores.runs.open_run(world.desk.context.install).await.expect("the open run");
    assert_eq!(open.map(|run| (run.id, run.state)), Some((run.id, RunState::Applying)));
    world.apply(&run).await.expect("the interrupted run ends");
    assert_eq!(world.products().await, ROWS);
    assert!(world.plan().await.plan.is_some_and(|plan| plan.is_empty()));
}

#[tokio::test(start_paused = true)]
async fn creations_that_always_fail_are_given_up_and_said_so() {
    let world = World::begin().await;
    world.fault(r#"{"method": "POST", "path": "/crm/objects/*/products/batch/create", "fault": {"kind": "status", "status": 500}}"#).await;
    let run = world.plan().await;
    let applied = world.apply(&run).await.expect("the run ends");
    assert_eq!((applied.created, applied.rejected), (0, ROWS as u64));
    let rejected = world.desk.context.stores.runs.rejected(world.desk.context.install, run.id, 0, 1).await;
    assert_eq!(rejected.expect("the rejected rows")[0].rejection.code, "LP3003");
    assert_eq!(world.products().await, 0);
}

#[tokio::test(start_paused = true)]
async fn creations_that_happened_behind_a_gateway_error_are_found() {
    let world = World::begin().await;
    world.fault(r#"{"method": "POST", "path": "/crm/objects/*/products/batch/create", "times": 2, "fault": {"kind": "status", "status": 504, "executed": true}}"#).await;
    let run = world.plan().await;
    let applied = world.apply(&run).await.expect("the run ends");
    assert_eq!((applied.created, applied.recovered, applied.rejected), (ROWS as u64, ROWS as u64, 0));
    assert_eq!(world.products().await, ROWS);
}
