//! The log forgets, in steps, so that what comes in goes between.
//!
//! Retention wins: an event that is too old goes, whether or not a subscriber has got it; a feed that comes too late
//! counts what it has missed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use linchpin_core::time::Wall;
use linchpin_hubspot::id::Install;
use linchpin_ports::event_log::EventLog;
use linchpin_ports::store::StoreError;

use crate::clock::Clock;
use crate::tasks::Tasks;

/// How long events are kept where nothing else is said.
pub const KEEP_DEFAULT: Duration = Duration::from_secs(30 * 24 * 3_600);
/// The shortest time that events may be kept: HubSpot repeats a delivery for a day and its journal tells of three, and
/// a change is recognised only while it is in the log.
pub const KEEP_MIN: Duration = Duration::from_secs(4 * 24 * 3_600);
/// Between two looks.
pub const EVERY: Duration = Duration::from_secs(600);
/// Events that one step forgets.
pub const STEP: u16 = 500;
/// Between two steps.
pub const STEP_PAUSE: Duration = Duration::from_millis(50);
/// Installs that are listed at a time.
const INSTALLS: u16 = 1_000;

/// What has been forgotten since the start.
#[derive(Clone, Debug, Default)]
pub struct Forgotten(Arc<AtomicU64>);

impl Forgotten {
    /// How many events.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Starts the task that forgets what is older than `keep`.
pub fn open(tasks: &Tasks, log: Arc<dyn EventLog>, clock: Arc<dyn Clock>, keep: Duration) -> Forgotten {
    let (forgotten, stop) = (Forgotten::default(), tasks.stopping());
    let count = forgotten.clone();
    tasks.spawn("retention", async move {
        let forget_all = async {
            loop {
                let Wall(now) = clock.now().wall;
                let before = Wall(now.saturating_sub(i64::try_from(keep.as_millis()).unwrap_or(i64::MAX)));
                if let Err(error) = forget(log.as_ref(), before, &count).await {
                    tracing::warn!(%error, "old events are not forgotten yet");
                }
                tokio::time::sleep(EVERY).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = forget_all => {}
        }
    });
    forgotten
}

/// Forgets what came in before a moment, everywhere.
async fn forget(log: &dyn EventLog, before: Wall, count: &Forgotten) -> Result<(), StoreError> {
    let mut after: Option<Install> = None;
    loop {
        let installs = log.installs(after, INSTALLS).await?;
        for install in &installs {
            loop {
                let gone = log.forget(*install, before, STEP).await?;
                count.0.fetch_add(gone, Ordering::Relaxed);
                if gone < u64::from(STEP) {
                    break;
                }
                tokio::time::sleep(STEP_PAUSE).await;
            }
        }
        after = installs.last().copied();
        if installs.len() < usize::from(INSTALLS) {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use linchpin_ports::conformance::events::event;
    use linchpin_ports::conformance::fixtures::{INSTALL, OTHER};
    use linchpin_ports::event_log::NewEvent;
    use linchpin_store_sqlite::SqliteStore;

    use super::*;
    use crate::clock::TokioClock;

    #[tokio::test(start_paused = true)]
    async fn what_is_too_old_goes_from_every_log_and_the_newest_stays() {
        let log = SqliteStore::in_memory().unwrap().stores().events;
        let clock = Arc::new(TokioClock::new(Wall(1_700_000_000_000)));
        let events = |install| (1..=1_200).map(move |number| NewEvent { install, ..event(number) });
        log.accept(events(INSTALL).chain(events(OTHER)).collect(), clock.now().wall).await.unwrap();
        let tasks = Tasks::new();
        let forgotten = open(&tasks, Arc::clone(&log), clock, KEEP_MIN);
        tokio::time::sleep(KEEP_MIN.saturating_sub(Duration::from_secs(1))).await;
        assert_eq!(forgotten.count(), 0);
        tokio::time::sleep(2 * EVERY).await;
        assert_eq!(forgotten.count(), 2 * 1_199);
        for install in [INSTALL, OTHER] {
            let left: Vec<u64> = log.read(install, 0, 9).await.unwrap().iter().map(|event| event.place).collect();
            assert_eq!(left, [1_200]);
        }
        tasks.shutdown().await.unwrap();
    }
}
