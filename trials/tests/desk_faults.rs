//! Everything goes wrong, then heals: every row and association is there exactly once.
//!
//! HubSpot loses answers after the write, cuts connections, answers 500, 502, 423 and 429; the store fails before and
//! after its writes. A run that stops is taken up again, as an operator would.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use linchpin_core::schedule::limits::Tier;
use linchpin_core::sync::row::{Cell, Row};
use linchpin_engine::sync::{Sources, SyncError, Unwatched, apply, plan};
use linchpin_ports::faulty::{self, Fault, Method, Script};
use linchpin_ports::source::{Read, RowReader, Select, Source, SourceError, Table};
use linchpin_simulator::SimOptions;
use linchpin_store_sqlite::SqliteStore;
use linchpin_trials::desk::{Desk, compile, sources};
use linchpin_trials::tables::Pages;
use linchpin_trials::{figure, parameters::parameter};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

const USERS: i64 = 230;
const THINGS: i64 = 340;

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
    users:
      source: shop
      table: users
      key: id
      object: contacts
      identity: {unique: trial_user_id, create: {label: Trial user id}}
      fields: {trial_user_id: id, firstname: name}
    orders:
      source: shop
      table: orders
      key: id
      object: deals
      identity: {unique: trial_order_id, create: {label: Trial order id}}
      fields: {trial_order_id: id, dealname: name}
      associations:
        - {to: users, key: user}
";

/// Users, one order each, and products of which every fourth has the content of another.
struct Shop;

impl Shop {
    fn rows(table: &str) -> (Arc<[String]>, Vec<Vec<Cell>>) {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let text = |text: String| Cell::Text(text);
        match table {
            "users" => {
                (names(&["id", "name"]), (0..USERS).map(|id| vec![Cell::Int(id), text(format!("User {id}"))]).collect())
            }
            "orders" => (
                names(&["id", "name", "user"]),
                (0..USERS).map(|id| vec![Cell::Int(id), text(format!("Order {id}")), Cell::Int(id)]).collect(),
            ),
            _ => (names(&["id", "name", "price"]), (0..THINGS).map(|id| thing(id).to_vec()).collect()),
        }
    }
}

fn thing(id: i64) -> [Cell; 3] {
    let twin = if id % 4 == 3 { id - 1 } else { id };
    [Cell::Int(id), Cell::Text(format!("Thing {twin}")), Cell::Int(twin % 7)]
}

#[async_trait]
impl Source for Shop {
    async fn tables(&self) -> Result<Vec<Table>, SourceError> {
        Ok(Vec::new())
    }

    async fn columns(&self, _select: &Select) -> Result<Vec<String>, SourceError> {
        Ok(Vec::new())
    }

    async fn open(&self, select: &Select) -> Result<Box<dyn RowReader>, SourceError> {
        let (Select::Table(table) | Select::Query(table)) = select;
        let (columns, rows) = Self::rows(table);
        let reads = rows.into_iter().map(|cells| Read::Row(Row::new(Arc::clone(&columns), cells))).collect();
        Ok(Box::new(Pages(reads)))
    }
}

const TROUBLE: &str = r#"[
    {"method": "POST", "path": "/crm", "probability": 0.10, "fault": {"kind": "lost_answer"}},
    {"probability": 0.03, "fault": {"kind": "reset"}},
    {"probability": 0.03, "fault": {"kind": "status", "status": 502}},
    {"probability": 0.03, "fault": {"kind": "status", "status": 500, "executed": true}},
    {"probability": 0.02, "fault": {"kind": "status", "status": 423}},
    {"probability": 0.02, "fault": {"kind": "rate_limit", "policy": "ten_secondly"}}
]"#;

/// Answers are lost, and the write is done only seconds later: while its outcome is looked for, or just before.
const LATE: &str = r#"[
    {"method": "POST", "path": "/crm/**/batch/create", "probability": 0.4, "times": 4,
     "fault": {"kind": "lost_answer", "executed_after_ms": 9500}},
    {"method": "POST", "path": "/crm/**/batch/*", "probability": 0.15,
     "fault": {"kind": "lost_answer", "executed_after_ms": 4000}},
    {"probability": 0.03, "fault": {"kind": "status", "status": 502}}
]"#;

/// Store failures that stop a run: before the write, and after it (the answer of the store is lost).
fn break_the_store(script: &Script, seed: u64) {
    let skip = usize::try_from(seed % 5).unwrap_or(0);
    script.pass(Method::QueueSettle, skip);
    script.fail(Method::QueueSettle, if seed.is_multiple_of(2) { Fault::Before } else { Fault::After });
    script.pass(Method::QueueClaim, 3 + skip);
    script.fail(Method::QueueClaim, Fault::After);
}

async fn attempt(desk: &Desk, sources: &Sources) -> Result<bool, SyncError> {
    let (_, compiled, portal) = compile(desk, MAPPING).await;
    let stop = CancellationToken::new();
    let open = desk.context.stores.runs.open_run(desk.context.install).await?;
    let run = match open {
        Some(run) if run.state == linchpin_core::sync::run::RunState::Applying => run,
        _ => plan(&desk.context, &compiled, &portal, sources, &Unwatched).await?,
    };
    let empty = run.plan.as_ref().is_some_and(linchpin_core::sync::run::Plan::is_empty);
    let applied = apply(&desk.context, &compiled, run.id, &Unwatched, &stop).await?;
    assert_eq!(applied.rejected, 0, "nothing is wrong with any row");
    Ok(empty)
}

async fn dump(desk: &Desk, object: &str) -> Vec<Value> {
    let text = desk.control("GET", &format!("/_control/dump/{object}"), "").await;
    text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
}

/// How often each value (or joined values) stands in the dump.
fn census(records: &[Value], properties: &[&str]) -> BTreeMap<String, usize> {
    let mut census = BTreeMap::new();
    for record in records {
        let text = |name: &&str| {
            record.pointer(&format!("/properties/{name}")).and_then(Value::as_str).unwrap_or("-").to_owned()
        };
        *census.entry(properties.iter().map(text).collect::<Vec<_>>().join("|")).or_default() += 1;
    }
    census
}

async fn check(desk: &Desk) {
    let expected: BTreeMap<String, usize> = (0..USERS).map(|id| (id.to_string(), 1)).collect();
    let deals = dump(desk, "deals").await;
    assert_eq!(census(&dump(desk, "contacts").await, &["trial_user_id"]), expected);
    assert_eq!(census(&deals, &["trial_order_id"]), expected);
    let mut things = BTreeMap::new();
    for id in 0..THINGS {
        let [_, name, price] = thing(id).map(|cell| cell.to_text().unwrap_or_default());
        *things.entry(format!("{name}|{price}")).or_default() += 1;
    }
    assert_eq!(census(&dump(desk, "products").await, &["name", "price"]), things);
    for deal in deals {
        let contacts = deal.get("associations").and_then(Value::as_array).map_or(0, |all| {
            all.iter().filter(|one| one["toObjectType"].as_str().is_some_and(|to| to.starts_with("contact"))).count()
        });
        assert_eq!(contacts, 1, "each deal has its contact: {deal}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_row_is_there_once_whatever_goes_wrong() {
    let seeds = parameter("SEEDS", 6);
    let (mut stops, mut lost) = (0, 0);
    for seed in 0..seeds {
        let store = SqliteStore::in_memory().expect("a store");
        let (stores, script) = faulty::wrap(store.stores());
        let options = SimOptions { seed, latency_ms: 120, ..SimOptions::default() };
        let desk = Desk::start(options, Tier::Professional, stores).await;
        let sources = sources("shop", Arc::new(Shop));
        // The portal is surveyed in peace; trouble begins with the first plan.
        let _ = compile(&desk, MAPPING).await;
        desk.control("POST", "/_control/faults", TROUBLE).await;
        break_the_store(&script, seed);
        for _ in 0..10 {
            match tokio::time::timeout(Duration::from_secs(3_600), attempt(&desk, &sources)).await {
                Ok(Ok(true)) => break,
                Ok(Ok(false)) => {}
                Ok(Err(error)) => {
                    stops += 1;
                    eprintln!("seed {seed}: stopped: {error}");
                }
                Err(tokio::time::error::Elapsed { .. }) => panic!("seed {seed}: a run takes longer than an hour"),
            }
        }
        desk.control("DELETE", "/_control/faults", "").await;
        let healed = async { while !attempt(&desk, &sources).await.expect("nothing goes wrong any more") {} };
        tokio::time::timeout(Duration::from_secs(3_600), healed).await.expect("it converges within an hour");
        check(&desk).await;
        let ledger = desk.control("GET", "/_control/ledger", "").await;
        lost += ledger.lines().filter(|line| line.contains("lost_answer")).count();
    }
    figure("seeds", seeds);
    figure("runs that stopped and were taken up again", stops);
    figure("answers lost after the write", lost);
    assert!(lost > 0, "the trial lost no answer");
}

#[tokio::test(start_paused = true)]
async fn writes_that_are_done_long_after_their_answer_was_lost_make_no_duplicate() {
    let seeds = parameter("SEEDS", 4);
    let (mut late, mut creations) = (0, 0);
    for seed in 0..seeds {
        let store = SqliteStore::in_memory().expect("a store");
        let options = SimOptions { seed, latency_ms: 120, ..SimOptions::default() };
        let desk = Desk::start(options, Tier::Professional, store.stores()).await;
        let sources = sources("shop", Arc::new(Shop));
        let _ = compile(&desk, MAPPING).await;
        desk.control("POST", "/_control/faults", LATE).await;
        let troubled = async {
            let mut rounds = 0..10;
            while rounds.next().is_some() && !matches!(attempt(&desk, &sources).await, Ok(true)) {}
        };
        tokio::time::timeout(Duration::from_secs(3_600), troubled).await.expect("no run takes longer than an hour");
        desk.control("DELETE", "/_control/faults", "").await;
        let healed = async { while !attempt(&desk, &sources).await.expect("nothing goes wrong any more") {} };
        tokio::time::timeout(Duration::from_secs(3_600), healed).await.expect("it converges within an hour");
        // Whatever is still on its way comes now.
        tokio::time::sleep(Duration::from_secs(60)).await;
        check(&desk).await;
        for line in desk.control("GET", "/_control/ledger", "").await.lines() {
            let entry: Value = serde_json::from_str(line).expect("a line of the ledger");
            let is_late = entry["executed"].as_i64() > entry["answered"].as_i64();
            late += u64::from(is_late);
            creations += u64::from(is_late && entry["route"] == "POST /crm/objects/2026-03/products/batch/create");
        }
    }
    figure("seeds", seeds);
    figure("batches done after their answer was lost", late);
    figure("creations without a unique key among them", creations);
    assert!(creations > 0, "no creation was done late");
}
