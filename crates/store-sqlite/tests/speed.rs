//! How fast the store plans and applies half a million operations: a measurement, run by hand in release.
//!
//! `cargo xtask bench --only store` runs it and writes the report.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]
#![expect(clippy::print_stdout, reason = "a measurement is for people to read")]

use std::collections::BTreeMap;
use std::time::Duration;

use linchpin_core::sync::link::Agreed;
use linchpin_core::sync::operation::Ended;
use linchpin_core::sync::run::Plan;
use linchpin_ports::conformance::fixtures::{INSTALL, NOW, chunk, claim, contact, link, operation, run};
use linchpin_ports::queue::{Claimed, Settlement};
use linchpin_ports::store::Stores;
use linchpin_store_sqlite::{Options, SqliteStore};

const OPERATIONS: u64 = 500_000;
const CHUNK: u64 = 1_000;
const BATCH: u16 = 100;

#[expect(clippy::disallowed_methods, reason = "a measurement asks the machine's clock")]
async fn timed(what: &str, work: impl Future<Output = ()>) -> Duration {
    let began = std::time::Instant::now();
    work.await;
    let took = began.elapsed();
    let rate = u128::from(OPERATIONS) * 1_000_000 / took.as_micros().max(1);
    println!("figure: {what} = {OPERATIONS} in {took:.2?}, {rate} a second");
    took
}

#[tokio::test]
#[ignore = "a measurement, for release builds"]
async fn half_a_million_operations() {
    let folder = tempfile::tempdir().unwrap();
    let stores = SqliteStore::open(folder.path().join("store.sqlite"), Options::default()).unwrap().stores();
    stores.runs.begin(INSTALL, run(1), 7, NOW).await.unwrap();
    timed("extend", async {
        for first in (0..OPERATIONS).step_by(usize::try_from(CHUNK).unwrap()) {
            let operations = (first..first + CHUNK).map(|seq| operation(run(1), seq));
            stores.runs.extend(INSTALL, run(1), chunk(operations)).await.unwrap();
        }
    })
    .await;
    stores.runs.seal(INSTALL, run(1), Plan::default()).await.unwrap();
    stores.runs.start(INSTALL, run(1)).await.unwrap();
    timed("claim and settle", apply(&stores)).await;
    timed("finish", async {
        stores.runs.finish(INSTALL, run(1)).await.unwrap();
    })
    .await;
}

async fn apply(stores: &Stores) {
    loop {
        let claimed = claim(stores, run(1), BATCH).await;
        if claimed.is_empty() {
            return;
        }
        let ended = claimed.iter().map(|claimed| (claimed.operation.id, linked(claimed))).collect();
        let mirror =
            claimed.iter().map(|claimed| contact(claimed.operation.id.seq + 1, &[("firstname", Some("name"))]));
        let settlement = Settlement { ended, mirror: mirror.collect() };
        stores.queue.settle(INSTALL, settlement, NOW).await.unwrap();
    }
}

fn linked(claimed: &Claimed) -> Ended {
    let seq = claimed.operation.id.seq;
    let agreed = Agreed { answered: Some(format!("name {seq}")), sent: None };
    let base = BTreeMap::from([("firstname".to_owned(), agreed)]);
    let link = linchpin_core::sync::link::Link { base, ..link(&format!("k{seq}"), seq + 1, "name") };
    Ended::Done { link: Some(link), association: None, created: Some(true) }
}
