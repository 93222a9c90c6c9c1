//! Follows the log of events and keeps the mirror true.
//!
//! One task reads the logs in chunks, folds the events on the same record, and writes what they come to together with
//! its place, so that a crash repeats a chunk and nothing else. Records that must be read are wishes in the store: up to a
//! hundred of one type leave as one call. What is believed is decided by [`linchpin_core::follow`]; what is here loads,
//! asks and writes down. All writing is done by that one task, so a decision is never made from an old state.

mod chunk;
mod counts;
mod read;
mod settle;
mod sightings;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use linchpin_core::follow::known::Held;
use linchpin_core::follow::want::GATHER;
use linchpin_core::sync::plan::BATCH_MAX;
use linchpin_hubspot::id::{AppId, Install, ObjectType};
use linchpin_hubspot::version::ApiVersion;
use linchpin_ports::event_log::EventLog;
use linchpin_ports::follow::{Follow, Outlook};
use linchpin_ports::store::StoreError;
use tokio::sync::mpsc;

pub use self::counts::Counts;
use self::counts::{Counters, add};
pub use self::read::Moment;
use self::read::{Landed, Question};
pub use self::sightings::{SIGHTINGS_MAX, Sighting, Sightings};
use crate::clock::Clock;
use crate::dispatch::Dispatch;
use crate::news::News;
use crate::tasks::Tasks;

/// Events that are folded and written down as one.
pub const CHUNK_EVENTS: u16 = 500;
/// Chunks that are followed before records are read although there is more: what is far behind is caught up with first,
/// since later events may make reads needless.
pub const CHUNKS_AHEAD_MAX: u32 = 20;
/// Calls that are under way at a time.
pub const READS_IN_FLIGHT: usize = 4;
/// How often the logs are looked at if nobody says that there is more.
pub const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The pause after a failure of the store.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// What is built upon.
pub struct FollowParts {
    /// The account, and the app whose credential reads; the mirror is its mirror.
    pub install: Install,
    /// The apps whose logs are followed.
    pub logs: Vec<AppId>,
    /// What is mirrored: types, and their properties.
    pub objects: BTreeMap<ObjectType, Held>,
    /// The log.
    pub events: Arc<dyn EventLog>,
    /// Where it is written down.
    pub follow: Arc<dyn Follow>,
    /// The door to HubSpot.
    pub dispatch: Dispatch,
    /// The style of paths.
    pub version: ApiVersion,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Wakes when something new is in the logs.
    pub news: News,
}

/// A handle to the task that follows.
pub struct Follower {
    counters: Arc<Counters>,
    sightings: Sightings,
}

impl Follower {
    /// Begins to follow. Ends when `tasks` shuts down.
    pub fn start(tasks: &Tasks, parts: FollowParts) -> Self {
        let counters = Arc::new(Counters::default());
        let (to, brought) = mpsc::channel(SIGHTINGS_MAX);
        let sightings = Sightings { process: Arc::default(), to };
        let process = Arc::clone(&sightings.process);
        let worker = Worker { parts, counters: Arc::clone(&counters), process };
        let stop = tasks.stopping();
        tasks.spawn("follow", async move {
            // What is under way may be asked again without harm.
            if stop.run_until_cancelled(worker.work(brought)).await.is_none() {
                tracing::debug!("following ends");
            }
        });
        Self { counters, sightings }
    }

    /// The way of what others read into the mirror.
    pub fn sightings(&self) -> Sightings {
        self.sightings.clone()
    }

    /// What has been done since the start.
    pub fn counts(&self) -> Counts {
        self.counters.read()
    }
}

struct Worker {
    parts: FollowParts,
    counters: Arc<Counters>,
    /// The number of this process, once it is known.
    process: Arc<OnceLock<u64>>,
}

type Flight<'a> = Pin<Box<dyn Future<Output = Landed> + Send + 'a>>;

impl Worker {
    async fn work(&self, mut brought: mpsc::Receiver<Sighting>) {
        self.begin().await;
        let mut flights: FuturesUnordered<Flight<'_>> = FuturesUnordered::new();
        let (mut news, mut ahead) = (self.parts.news.clone(), 0);
        loop {
            news.note();
            let more = match self.follow_logs().await {
                Ok(more) => more,
                Err(error) => {
                    self.rest(&error).await;
                    continue;
                }
            };
            ahead = if more && ahead < CHUNKS_AHEAD_MAX { ahead + 1 } else { 0 };
            let next = if ahead > 0 { Ok(None) } else { self.take_off(&mut flights).await };
            let wait = match next {
                _ if more => Duration::ZERO,
                Ok(wait) => wait.unwrap_or(LOOK_EVERY).min(LOOK_EVERY),
                Err(error) => {
                    self.rest(&error).await;
                    continue;
                }
            };
            let landed = if more {
                flights.next().now_or_never().flatten()
            } else {
                tokio::select! {
                    Some(landed) = flights.next() => Some(landed),
                    Some(sighting) = brought.recv() => {
                        self.take_in(sighting, &mut brought).await;
                        None
                    }
                    () = news.wait(wait) => None,
                }
            };
            if let Some(landed) = landed {
                flights.extend(self.land(landed).await.map(|question| self.fly(question)));
            }
        }
    }

    async fn begin(&self) {
        loop {
            match self.parts.follow.begin(self.parts.install).await {
                Ok(process) => {
                    self.process.get_or_init(|| process);
                    return;
                }
                Err(error) => self.rest(&error).await,
            }
        }
    }

    /// Writes down what callers' reads have brought: as one what is about one type.
    async fn take_in(&self, first: Sighting, brought: &mut mpsc::Receiver<Sighting>) {
        let mut next = Some(first);
        while let Some(mut sighting) = next.take() {
            for _ in 1..BATCH_MAX {
                let Ok(more) = brought.try_recv() else { break };
                if !sighting.is_like(&more) {
                    next = Some(more);
                    break;
                }
                sighting.join(more);
            }
            add(&self.counters.seen, sighting.len());
            self.land(sighting.landed()).await;
        }
    }

    /// Claims and asks until enough is under way or nothing is due; says how long until something is.
    async fn take_off<'a>(
        &'a self,
        flights: &mut FuturesUnordered<Flight<'a>>,
    ) -> Result<Option<Duration>, StoreError> {
        let (follow, install) = (&self.parts.follow, self.parts.install);
        while flights.len() < READS_IN_FLIGHT {
            let now = self.parts.clock.now().wall;
            let Some(wanted) = follow.claim(install, now, now + GATHER, BATCH_MAX).await? else {
                let Outlook { waiting, next_due } = follow.outlook(install).await?;
                self.counters.waiting.store(waiting, Ordering::Relaxed);
                // Due times have whole milliseconds: one more makes sure that the time has come.
                return Ok(next_due.map(|due| (due - self.parts.clock.now().wall) + Duration::from_millis(1)));
            };
            flights.push(self.fly(Question::live(wanted)));
        }
        Ok(None)
    }

    fn fly(&self, question: Question) -> Flight<'_> {
        Box::pin(self.ask(question))
    }

    /// Writes down what a call brought, however often that takes: nobody else gives its wishes back. What is to be asked
    /// next is returned.
    async fn land(&self, landed: Landed) -> Option<Question> {
        loop {
            match self.settle(&landed).await {
                Ok(next) => return next,
                Err(error) => self.rest(&error).await,
            }
        }
    }

    async fn rest(&self, error: &StoreError) {
        report(error);
        tokio::time::sleep(STORE_PAUSE).await;
    }
}

fn report(error: &StoreError) {
    let error = error as &dyn std::error::Error;
    tracing::error!(code = "LP6007", error, "the mirror cannot be written or read: trying again");
}
