//! Gives an interrupted run up, so that a fresh plan can be made.
//!
//! The next plan finds by content or by unique key what the run has made. Nothing of that is looked for here, and
//! nothing is taken back in HubSpot.

use linchpin_core::sync::operation::Action;
use linchpin_core::sync::run::{Run, RunId, RunState};

use super::{Context, SyncError, Watch};

/// Drops a run that is planned or was interrupted while it was applied; its links stay.
///
/// If the answers of creations were lost it waits first, until HubSpot cannot be working on them any more
/// ([`super::Options::lost_write_settles`]): a plan made earlier would not see those records and make them twice.
/// Dropping the future leaves the run as it is.
///
/// # Errors
/// The store fails, or refuses because the run is being planned, is finished or unknown: [`SyncError::Store`].
pub async fn abandon(context: &Context, run: RunId, watch: &dyn Watch) -> Result<Run, SyncError> {
    let known = context.stores.runs.get(context.install, run).await?;
    if known.state == RunState::Applying {
        wait_for_creations(context, run, watch).await?;
    }
    Ok(context.stores.runs.abandon(context.install, run).await?)
}

async fn wait_for_creations(context: &Context, run: RunId, watch: &dyn Watch) -> Result<(), SyncError> {
    let in_doubt = context.stores.queue.in_doubt(context.install, run).await?;
    let creations = in_doubt.iter().filter(|claimed| matches!(claimed.operation.action, Action::Create { .. }));
    let rows = creations.count();
    if rows > 0 {
        // From now, not from the claim: a call may have waited long for its turn before it was sent, and when it was
        // lost is not known any more.
        watch.note(&format!("waiting until the outcome of {rows} creations can be known"));
        tokio::time::sleep(context.options.lost_write_settles).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use async_trait::async_trait;
    use linchpin_core::schedule::Permit;
    use linchpin_core::schedule::lanes::Lane;
    use linchpin_core::sync::operation::Operation;
    use linchpin_core::time::Mono;
    use linchpin_hubspot::call::Call;
    use linchpin_hubspot::version::ApiVersion;
    use linchpin_ports::conformance::fixtures::{INSTALL, NOW, applying, claim, operation, planned, run};
    use linchpin_ports::credentials::{StaticCredentials, Token};
    use linchpin_ports::store::{Refusal, StoreError};
    use linchpin_store_sqlite::{Executor, SqliteStore};

    use super::*;
    use crate::clock::{Clock, TokioClock};
    use crate::dispatch::{Dispatch, Parts, UtcDays};
    use crate::hub::Hub;
    use crate::sync::{Options, Unwatched};
    use crate::tasks::Tasks;
    use crate::upstream::{Outcome, Upstream};

    /// HubSpot is not asked anything.
    struct Nobody;

    #[async_trait]
    impl Upstream for Nobody {
        async fn send(&self, _permit: Permit, _token: &Token, call: &Call) -> Outcome {
            panic!("{} is called", call.path)
        }
    }

    /// A context whose clock shows so much more than the moment at which the fixtures claim.
    fn context(folder: &tempfile::TempDir, later: Duration) -> Context {
        let options = linchpin_store_sqlite::Options { executor: Executor::Inline, ..Default::default() };
        let stores = SqliteStore::open(folder.path().join("store.db"), options).unwrap().stores();
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::new(NOW + later));
        let parts = Parts {
            clock: Arc::clone(&clock),
            upstream: Arc::new(Nobody),
            credentials: Arc::new(StaticCredentials::private_app("pat".into())),
            records: Arc::clone(&stores.budget),
            days: Arc::new(UtcDays),
            seed: 5,
        };
        let dispatch = Dispatch::start(&Tasks::new(), parts);
        let hub = Hub::new(dispatch, INSTALL, ApiVersion::V3, Lane::Bulk, "test");
        Context { install: INSTALL, stores, hub, clock, options: Options::default() }
    }

    fn creation(seq: u64) -> Operation {
        let action = Action::Create { properties: std::collections::BTreeMap::new(), content: Vec::new() };
        Operation { action, ..operation(run(1), seq) }
    }

    #[tokio::test(start_paused = true)]
    async fn lost_creations_are_given_time_before_their_run_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let context = context(&folder, Duration::from_secs(4));
        applying(&context.stores, run(1), (0..3).map(creation)).await;
        assert_eq!(claim(&context.stores, run(1), 2).await.len(), 2);
        assert_eq!(abandon(&context, run(1), &Unwatched).await.unwrap().state, RunState::Dropped);
        let waited = context.clock.now().mono;
        assert!(
            (Mono(10_000_000)..Mono(10_100_000)).contains(&waited),
            "however long ago they were claimed: {waited:?}"
        );
        assert_eq!(context.stores.runs.open_run(INSTALL).await.unwrap(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_waited_for_where_no_creation_is_in_doubt() {
        let folder = tempfile::tempdir().unwrap();
        let context = context(&folder, Duration::ZERO);
        applying(&context.stores, run(1), [operation(run(1), 0), creation(1)]).await;
        assert_eq!(claim(&context.stores, run(1), 1).await.len(), 1, "an upsert is harmless to repeat");
        planned(&context.stores, run(2), []).await;
        for number in [1, 2] {
            assert_eq!(abandon(&context, run(number), &Unwatched).await.unwrap().state, RunState::Dropped);
        }
        assert_eq!(context.clock.now().mono, Mono(0));
        let unknown = abandon(&context, run(9), &Unwatched).await;
        assert!(matches!(unknown, Err(SyncError::Store(StoreError::Refused(Refusal::UnknownRun(_))))), "{unknown:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_loses_patience_keeps_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let context = context(&folder, Duration::ZERO);
        applying(&context.stores, run(1), [creation(0)]).await;
        claim(&context.stores, run(1), 1).await;
        let waiting = tokio::time::timeout(Duration::from_secs(3), abandon(&context, run(1), &Unwatched)).await;
        assert!(waiting.is_err());
        let kept = context.stores.runs.open_run(INSTALL).await.unwrap().map(|run| run.state);
        assert_eq!(kept, Some(RunState::Applying));
    }
}
