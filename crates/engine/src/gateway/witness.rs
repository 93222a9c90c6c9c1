//! The sampled witness: now and then a read that a batch has answered is asked again alone, and compared.
//!
//! Nobody waits for it, and it costs what is left over: it looks at the budget first, and keeps a distance.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use linchpin_core::gateway::witness::{Finding, compare};
use linchpin_core::schedule::lanes::Lane;
use linchpin_core::schedule::{Snapshot, WindowSnapshot};
use linchpin_core::time::Mono;
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::routes::Route;

use super::{Asked, Counters, request};
use crate::clock::Clock;
use crate::dispatch::Dispatch;
use crate::tasks::Tasks;

/// Of so many reads that batches answered, one is looked at.
pub const ONE_IN: u32 = 64;
/// The least time between two of them.
pub const DISTANCE: Duration = Duration::from_secs(10);
/// A window of which more than this share is used is not idle, in percent.
const IDLE_PERCENT: u32 = 50;
/// How long a second call may wait for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks again.
pub(super) struct Witness {
    tasks: Tasks,
    dispatch: Dispatch,
    clock: Arc<dyn Clock>,
    counters: Arc<Counters>,
    next: Mutex<Mono>,
}

impl Witness {
    pub(super) fn new(tasks: Tasks, dispatch: Dispatch, clock: Arc<dyn Clock>, counters: Arc<Counters>) -> Self {
        Self { tasks, dispatch, clock, counters, next: Mutex::default() }
    }

    /// Looks at an answer that was cut out of a batch, if its turn has come. `dice` is any number.
    pub(super) fn look(&self, asked: &Asked, route: &Route, told: &Answer, dice: u32) {
        if !dice.is_multiple_of(ONE_IN) || !self.is_time() {
            return;
        }
        // The same call, but without hurry: nobody waits for it.
        let mut again = request(asked, route);
        again.lane = Lane::Reporting;
        again.passage = None;
        again.deadline = Some(PATIENCE);
        again.origin.cause = Some("witness".to_owned());
        let (dispatch, counters, told) = (self.dispatch.clone(), Arc::clone(&self.counters), told.clone());
        self.tasks.spawn("witness", async move {
            if !dispatch.snapshot().await.is_some_and(|snapshot| is_idle(&snapshot)) {
                return;
            }
            let call = again.call.clone();
            match dispatch.call(again).await {
                Ok(alone) => note(&counters, compare(&told, &alone), &call),
                Err(error) => tracing::debug!(code = error.code(), "a witness was not heard"),
            }
        });
    }

    fn is_time(&self) -> bool {
        let now = self.clock.now().mono;
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if now < *next {
            return false;
        }
        *next = now + DISTANCE;
        true
    }
}

fn note(counters: &Counters, finding: Finding, call: &linchpin_hubspot::call::Call) {
    let add = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
    match finding {
        Finding::Same => {
            add(&counters.witnessed);
        }
        Finding::Differs(part) => {
            add(&counters.witnessed);
            add(&counters.differed);
            // The path names a record, and is nobody's name; values stay out.
            tracing::warn!(path = call.path, ?part, "a batch told another thing than a single call");
        }
        Finding::Nothing => {}
    }
}

/// Whether nobody waits, and enough is left in every window.
fn is_idle(snapshot: &Snapshot) -> bool {
    let idle = |window: &WindowSnapshot| {
        let waiting: usize = Lane::ALL.into_iter().map(|lane| *window.waiting.get(lane)).sum();
        waiting == 0 && u64::from(window.used) * 100 <= u64::from(window.limit) * u64::from(IDLE_PERCENT)
    };
    snapshot.backing_off == 0 && snapshot.windows.iter().all(idle)
}
