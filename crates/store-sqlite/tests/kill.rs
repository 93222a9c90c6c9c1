//! A real process is killed at random moments; what it had acknowledged is there.
//!
//! The test starts itself again as the victim, which claims and settles as fast as it can and prints the place of every
//! settlement that the store has acknowledged.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use linchpin_core::sync::desired::SourceKey;
use linchpin_core::sync::operation::Ended;
use linchpin_core::sync::run::RunState;
use linchpin_hubspot::id::RecordId;
use linchpin_ports::conformance::fixtures::{
    INSTALL, NOW, again, applying, claim, entry, link, operation, run, settle,
};
use linchpin_ports::store::Stores;
use linchpin_store_sqlite::{Options, SqliteStore};

/// Says to the test binary that it is the victim, and where the store is.
const VICTIM: &str = "LINCHPIN_STORE_KILL_TEST";

/// How many operations there are; more than the victims settle before they die.
const OPERATIONS: u64 = 4_000;

const KILLS: u64 = 6;

/// How many operations a victim claims at once.
const BATCH: u16 = 5;

fn open(path: &Path) -> Stores {
    SqliteStore::open(path, Options::default()).unwrap().stores()
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_minus_nine() {
    if let Some(path) = std::env::var_os(VICTIM) {
        settle_until_killed(Path::new(&path)).await;
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    applying(&open(&path), run(1), (0..OPERATIONS).map(|seq| operation(run(1), seq))).await;
    let mut acknowledged = BTreeSet::new();
    for kill in 0..KILLS {
        // The moments differ by how much the victim has told before it dies, and by where the machine is just then.
        acknowledged.extend(run_victim(&path, 7 + 23 * kill));
        let stores = open(&path);
        assert_eq!(stores.runs.get(INSTALL, run(1)).await.unwrap().state, RunState::Applying);
        check(&stores, &acknowledged).await;
        let doubt = stores.queue.in_doubt(INSTALL, run(1)).await.unwrap();
        assert!(doubt.len() <= usize::from(BATCH), "{} in doubt after one kill", doubt.len());
        settle(&stores, &doubt, &again(NOW, "p", u16::MAX)).await;
    }
    assert!(acknowledged.len() as u64 > KILLS * 7);
}

/// Starts a victim and kills it as soon as it has told of some settlements; gives all that it told.
fn run_victim(path: &Path, settlements: u64) -> Vec<u64> {
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "what_was_acknowledged_survives_kill_minus_nine", "--nocapture"])
        .env(VICTIM, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = Vec::new();
    let mut killed = false;
    for line in BufReader::new(victim.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some(seq) = line.strip_prefix("settled ") else { continue };
        told.push(seq.parse().unwrap());
        if !killed && told.len() as u64 >= settlements {
            victim.kill().unwrap();
            killed = true;
        }
    }
    assert!(killed, "the victim ended by itself");
    victim.wait().unwrap();
    told
}

async fn settle_until_killed(path: &Path) {
    let stores = open(path);
    let mut out = std::io::stdout();
    loop {
        let claimed = claim(&stores, run(1), BATCH).await;
        assert!(!claimed.is_empty(), "nothing left to settle: the test wants more operations");
        for claimed in &claimed {
            let seq = claimed.operation.id.seq;
            let linked = link(&format!("k{seq}"), seq + 1, "name");
            let ended = Ended::Done { link: Some(linked), association: None, created: Some(true) };
            settle(&stores, std::slice::from_ref(claimed), &ended).await;
            // One write: a line is told whole or not at all.
            out.write_all(format!("settled {seq}\n").as_bytes()).unwrap();
            out.flush().unwrap();
        }
    }
}

async fn check(stores: &Stores, acknowledged: &BTreeSet<u64>) {
    let keys: Vec<SourceKey> = acknowledged.iter().map(|seq| SourceKey(format!("k{seq}"))).collect();
    let links = stores.links.get(INSTALL, &entry("people"), &keys).await.unwrap();
    for (seq, link) in acknowledged.iter().zip(links) {
        assert_eq!(link.map(|link| link.record), Some(RecordId(seq + 1)), "operation {seq}");
    }
    // A settlement may be on the disk and not told, but never told and not on the disk, and never twice.
    let outlook = stores.queue.outlook(INSTALL, run(1)).await.unwrap();
    let settled = OPERATIONS - outlook.waiting - outlook.sent;
    assert_eq!(settled, stores.links.revision(INSTALL).await.unwrap(), "each settlement counted once");
    assert!(settled >= acknowledged.len() as u64);
    assert_eq!(settled, stores.links.count(INSTALL, &entry("people")).await.unwrap());
}
