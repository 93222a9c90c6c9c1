//! The faulty wrapper around a real store: what the two kinds of fault leave behind.

use linchpin_core::sync::run::RunState;
use linchpin_ports::conformance::fixtures::{INSTALL, NOW, applying, claim, done, operation, run, seqs, settlement};
use linchpin_ports::faulty::{self, Fault, Method};
use linchpin_ports::store::{Refusal, StoreError};
use linchpin_store_sqlite::SqliteStore;

fn unavailable<T>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Unavailable { .. }))
}

#[tokio::test]
async fn a_fault_before_leaves_nothing_and_a_fault_after_leaves_the_effect() {
    let (stores, script) = faulty::wrap(SqliteStore::in_memory().unwrap().stores());
    applying(&stores, run(1), (0..2).map(|seq| operation(run(1), seq))).await;
    let claimed = claim(&stores, run(1), 2).await;
    script.fail(Method::QueueSettle, Fault::Before);
    script.fail(Method::QueueSettle, Fault::After);
    let settle = async || stores.queue.settle(INSTALL, settlement(&claimed, &done()), NOW).await;
    assert!(unavailable(&settle().await));
    assert_eq!(stores.queue.in_doubt(INSTALL, run(1)).await.unwrap(), claimed);
    assert!(unavailable(&settle().await));
    assert_eq!(stores.queue.in_doubt(INSTALL, run(1)).await.unwrap(), []);
    assert!(matches!(settle().await, Err(StoreError::Refused(Refusal::NotClaimed(_)))));
    assert!(script.is_spent());
}

#[tokio::test]
async fn a_run_whose_abandoning_went_unanswered_is_abandoned_again() {
    let (stores, script) = faulty::wrap(SqliteStore::in_memory().unwrap().stores());
    applying(&stores, run(1), [operation(run(1), 0)]).await;
    script.fail(Method::RunsAbandon, Fault::Before);
    script.fail(Method::RunsAbandon, Fault::After);
    for state in [RunState::Applying, RunState::Dropped] {
        assert!(unavailable(&stores.runs.abandon(INSTALL, run(1)).await));
        assert_eq!(stores.runs.get(INSTALL, run(1)).await.unwrap().state, state);
    }
    assert_eq!(stores.runs.abandon(INSTALL, run(1)).await.unwrap().state, RunState::Dropped);
    assert!(script.is_spent());
}

#[tokio::test]
async fn a_claim_whose_answer_is_lost_is_found_in_doubt() {
    let (stores, script) = faulty::wrap(SqliteStore::in_memory().unwrap().stores());
    applying(&stores, run(1), (0..3).map(|seq| operation(run(1), seq))).await;
    script.pass(Method::QueueClaim, 1);
    script.fail(Method::QueueClaim, Fault::After);
    assert_eq!(seqs(&claim(&stores, run(1), 1).await), [0]);
    assert!(!script.is_spent());
    assert!(unavailable(&stores.queue.claim(INSTALL, run(1), 1, NOW).await));
    assert_eq!(seqs(&stores.queue.in_doubt(INSTALL, run(1)).await.unwrap()), [0, 1]);
    assert!(script.is_spent());
}

#[tokio::test]
async fn a_fault_of_one_method_leaves_the_others_alone() {
    let (stores, script) = faulty::wrap(SqliteStore::in_memory().unwrap().stores());
    script.fail(Method::LinksRevision, Fault::Before);
    applying(&stores, run(1), [operation(run(1), 0)]).await;
    assert!(unavailable(&stores.links.revision(INSTALL).await));
    assert_eq!(stores.links.revision(INSTALL).await.unwrap(), 0);
}
