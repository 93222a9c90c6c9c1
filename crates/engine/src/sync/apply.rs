//! Applies exactly the plan: claims batches, keeps a bounded number in flight, writes down how each ended.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use linchpin_core::sync::operation::{Action, AssociationChange, Ended, OperationState};
use linchpin_core::sync::plan::BATCH_MAX;
use linchpin_core::sync::run::{Run, RunId, RunState};
use linchpin_core::sync::settle::put_back;
use linchpin_core::time::Wall;
use linchpin_mapping::Compiled;
use linchpin_ports::queue::{Claimed, Outlook, Settlement};
use linchpin_ports::store::StoreError;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::batch::{self, Sent};
use super::resolve::Doubt;
use super::{Context, SyncError, Watch, resolve, schema};

/// How many batches are written down as one: what a crash at the worst moment repeats beside the calls on the wire.
pub const CHECKPOINT_BATCHES_MAX: usize = 8;

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// Records that HubSpot made.
    pub created: u64,
    /// Records that were changed (an upsert that found its record included).
    pub updated: u64,
    /// Associations made.
    pub associated: u64,
    /// Associations removed.
    pub dissociated: u64,
    /// Rows and associations that HubSpot refused, in this run and when planning it.
    pub rejected: u64,
    /// Calls asked for while applying.
    pub calls: u64,
    /// Creations whose answer was lost and that were found to have happened.
    pub recovered: u64,
    /// How long applying took.
    pub millis: u64,
}

/// Applies a planned run, or resumes one that was interrupted. Returns when every operation is done or rejected.
///
/// # Errors
/// See [`SyncError`]. Everything that was in flight has been settled or stays in doubt, to be resolved by the next
/// call; nothing is lost and nothing is made twice.
pub async fn apply(
    context: &Context,
    compiled: &Compiled,
    run: RunId,
    watch: &dyn Watch,
    stop: &CancellationToken,
) -> Result<Applied, SyncError> {
    let context = &Context { hub: context.hub.for_run(&run.to_string()), ..context.clone() };
    let began = context.clock.now().mono;
    let calls_before = context.hub.calls();
    let known = context.stores.runs.get(context.install, run).await?;
    if known.mapping != compiled.fingerprint {
        return Err(SyncError::OtherMapping { run: run.to_string() });
    }
    let resumed = known.state == RunState::Applying;
    if resumed {
        watch.note("going on with a run that was interrupted");
    }
    // Before the run starts: whoever may not create properties is left with a plan, not with half a run.
    schema::create_key_properties(context, compiled, watch).await?;
    let started = context.stores.runs.start(context.install, run).await?;
    let mut applier = Applier::new(context, compiled, started, watch).await?;
    // What was claimed when the process ended may have been on the wire.
    applier.doubt = resumed.then(|| (context.clock.now().wall, Doubt::Restarted));
    applier.work(stop).await?;
    context.stores.runs.finish(context.install, run).await?;
    let mut applied = applier.applied;
    applied.calls = context.hub.calls() - calls_before;
    applied.millis = u64::try_from((context.clock.now().mono - began).as_millis()).unwrap_or(u64::MAX);
    Ok(applied)
}

type Flight<'a> = Pin<Box<dyn Future<Output = Result<Sent, SyncError>> + Send + 'a>>;

struct Applier<'a> {
    context: &'a Context,
    compiled: &'a Compiled,
    run: RunId,
    watch: &'a dyn Watch,
    applied: Applied,
    done: u64,
    total: u64,
    /// Since when a creation is in doubt: nothing more is claimed until it is resolved.
    doubt: Option<(Wall, Doubt)>,
}

impl<'a> Applier<'a> {
    async fn new(
        context: &'a Context,
        compiled: &'a Compiled,
        run: Run,
        watch: &'a dyn Watch,
    ) -> Result<Self, StoreError> {
        let progress = context.stores.runs.progress(context.install, run.id).await?;
        let total = progress.values().sum();
        let settled = |state: OperationState| matches!(state, OperationState::Done | OperationState::Rejected);
        let done = progress.iter().filter(|((.., state), _)| settled(*state)).map(|(_, count)| count).sum();
        let rejected = run.plan.iter().flat_map(|plan| &plan.entries).map(|entry| entry.counts.rejected).sum();
        let applied = Applied { rejected, ..Applied::default() };
        Ok(Self { context, compiled, run: run.id, watch, applied, done, total, doubt: None })
    }

    async fn work(&mut self, stop: &CancellationToken) -> Result<(), SyncError> {
        let mut flights: FuturesUnordered<Flight<'a>> = FuturesUnordered::new();
        let mut halt: Option<SyncError> = None;
        loop {
            if halt.is_none() && stop.is_cancelled() {
                halt = Some(SyncError::Stopped);
            }
            if halt.is_none() && self.doubt.is_none() {
                self.take_off(&mut flights).await?;
            }
            if let Some(landed) = land(&mut flights).await? {
                self.settle(landed.settlement).await?;
                halt = halt.or(landed.stop);
                continue;
            }
            if let Some(error) = halt {
                return Err(error);
            }
            if let Some((since, doubt)) = self.doubt {
                self.resolve(since, doubt, stop).await?;
                continue;
            }
            let outlook = self.context.stores.queue.outlook(self.context.install, self.run).await?;
            if self.is_over(outlook, stop).await {
                return Ok(());
            }
        }
    }

    /// Claims and sends batches until enough are in flight, or none may be claimed.
    async fn take_off(&self, flights: &mut FuturesUnordered<Flight<'a>>) -> Result<(), StoreError> {
        while flights.len() < self.context.options.batches_in_flight {
            let now = self.context.clock.now().wall;
            let queue = &self.context.stores.queue;
            let Some(batch) = queue.claim(self.context.install, self.run, BATCH_MAX, now).await? else { break };
            self.watch.applying(self.done, self.total, stage_name(&batch));
            flights.push(Box::pin(batch::send(self.context, self.compiled, batch)));
        }
        Ok(())
    }

    /// Whether everything is settled; waits if something is due later.
    async fn is_over(&mut self, outlook: Outlook, stop: &CancellationToken) -> bool {
        if outlook.sent > 0 {
            self.doubt = Some((self.context.clock.now().wall, Doubt::Lost));
            return false;
        }
        if outlook.waiting == 0 {
            return true;
        }
        // Due times have whole milliseconds: one more makes sure that the time has come.
        let due = outlook.next_due.map_or(Duration::ZERO, |due| due - self.context.clock.now().wall);
        pause(due + Duration::from_millis(1), stop).await;
        false
    }

    async fn settle(&mut self, settlement: Settlement) -> Result<(), SyncError> {
        for (_, ended) in &settlement.ended {
            self.count(ended);
        }
        let now = self.context.clock.now().wall;
        self.context.stores.queue.settle(self.context.install, settlement, now).await?;
        self.watch.applying(self.done, self.total, "");
        Ok(())
    }

    fn count(&mut self, ended: &Ended) {
        match ended {
            Ended::Done { association: Some(AssociationChange::Made(_)), .. } => self.applied.associated += 1,
            Ended::Done { association: Some(AssociationChange::Removed(_)), .. } => self.applied.dissociated += 1,
            Ended::Done { created: Some(true), .. } => self.applied.created += 1,
            Ended::Done { .. } => self.applied.updated += 1,
            Ended::Rejected(_) => self.applied.rejected += 1,
            Ended::Again { .. } => return,
            Ended::Unknown => {
                // The latest loss counts: what was sent before it has had longer.
                self.doubt = Some((self.context.clock.now().wall, Doubt::Lost));
                return;
            }
        }
        self.done += 1;
    }

    /// Clears up what may or may not have been done: the harmless goes back into the queue, the outcome of creations is
    /// found out.
    async fn resolve(&mut self, since: Wall, doubt: Doubt, stop: &CancellationToken) -> Result<(), SyncError> {
        const WHY: &str = "the process ended before the answer came";
        let in_doubt = self.context.stores.queue.in_doubt(self.context.install, self.run).await?;
        let (creations, harmless): (Vec<Claimed>, Vec<Claimed>) = in_doubt.into_iter().partition(is_creation);
        let now = self.context.clock.now().wall;
        let ended =
            harmless.iter().map(|claimed| (claimed.operation.id, put_back(&claimed.operation, now, WHY))).collect();
        self.settle(Settlement { ended, mirror: Vec::new() }).await?;
        if !creations.is_empty() {
            // From the loss, not from the claim: a call may have waited long for its turn, and HubSpot may be at it still.
            let wait = (since + self.context.options.lost_write_settles) - self.context.clock.now().wall;
            if !wait.is_zero() {
                let rows = creations.len();
                self.watch.note(&format!("waiting until the outcome of {rows} creations can be known"));
                pause(wait, stop).await;
            }
            if stop.is_cancelled() {
                return Err(SyncError::Stopped);
            }
            let settlement = resolve::creations(self.context, self.compiled, creations, doubt).await?;
            let found = settlement.ended.iter().filter(|(_, ended)| matches!(ended, Ended::Done { .. })).count();
            self.applied.recovered += u64::try_from(found).unwrap_or(u64::MAX);
            self.settle(settlement).await?;
        }
        self.doubt = None;
        Ok(())
    }
}

/// Waits for a batch to come back, and takes along whatever else has: they are written down as one, before anything new
/// is sent. `None` when nothing is in flight.
async fn land(flights: &mut FuturesUnordered<Flight<'_>>) -> Result<Option<Sent>, SyncError> {
    let Some(first) = flights.next().await else { return Ok(None) };
    let mut landed = first?;
    for _ in 1..CHECKPOINT_BATCHES_MAX {
        let Some(Some(next)) = flights.next().now_or_never() else { break };
        let Sent { settlement, stop } = next?;
        landed.settlement.ended.extend(settlement.ended);
        landed.settlement.mirror.extend(settlement.mirror);
        landed.stop = landed.stop.or(stop);
    }
    Ok(Some(landed))
}

/// Waits, unless somebody asks to stop.
async fn pause(wait: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(wait) => {}
        () = stop.cancelled() => {}
    }
}

fn is_creation(claimed: &Claimed) -> bool {
    matches!(claimed.operation.action, Action::Create { .. })
}

fn stage_name(batch: &[Claimed]) -> &str {
    batch.first().and_then(|claimed| claimed.operation.pack.split('#').next()).unwrap_or_default()
}
