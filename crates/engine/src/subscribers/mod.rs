//! Tells other programs of events: for each subscriber and each log, one feed that walks through the log.
//!
//! What is in the log is read by place, a page at a time, so a slow subscriber costs no memory. How far a feed has come
//! is on the disk after each delivery; a crash between sending and writing that down sends once more. Not here: what
//! follows from how an attempt went ([`linchpin_core::subscribers::deliver`]).

mod feed;
mod orders;
mod parcel;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use linchpin_core::subscribers::deliver::Outcome;
use linchpin_core::subscribers::filter::Filter;
use linchpin_core::subscribers::sign::SigningSecret;
use linchpin_core::time::Wall;
use linchpin_hubspot::id::Install;
use linchpin_ports::event_log::EventLog;
use linchpin_ports::store::StoreError;
use linchpin_ports::subscribers::{Begin, Feed, Subscribers as Memory};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use tokio::sync::Notify;

pub use self::orders::{Moved, REPLAYED_MAX, Replayed};
pub use self::parcel::deliver;
use crate::clock::Clock;
use crate::echo::Echoes;
use crate::news::News;
use crate::outbound::Way;
use crate::tasks::Tasks;

/// The most subscribers of a configuration.
pub const SUBSCRIBERS_MAX: usize = 100;
/// The most feeds, over all subscribers and logs; further logs are not told, and that is logged.
pub const FEEDS_MAX: usize = 5_000;
/// How long a feed sleeps at most when nothing wakes it.
pub const POLL: Duration = Duration::from_secs(5);
/// The pause after the store has failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// Installs that are listed at a time.
const INSTALLS: u16 = 1_000;

/// Who is to be told.
#[derive(Clone, Debug)]
pub struct Subscriber {
    /// Its name, which is also its place's.
    pub name: String,
    /// What deliveries are signed with, the present secret first.
    pub secrets: Vec<SigningSecret>,
    /// What it wants.
    pub filter: Filter,
    /// Of whose writes it wants no echoes: its own callers of the gateway.
    pub ignored_callers: BTreeSet<String>,
    /// The most events of a delivery; none for one event at a time, in the form of one.
    pub batch: Option<u16>,
    /// Where it begins when it is new.
    pub begin: Begin,
}

/// What the telling is built from.
pub struct SubscriberParts {
    /// What is told.
    pub log: Arc<dyn EventLog>,
    /// How far each has come.
    pub memory: Arc<dyn Memory>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Changes when something new is in the log.
    pub news: News,
    /// Knows what was written of late.
    pub echoes: Arc<Echoes>,
    /// For the dice.
    pub seed: u64,
}

/// What has happened since the start, of one feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    /// Attempts that were answered with 2xx.
    pub arrived: u64,
    /// Attempts with any other answer.
    pub refused: u64,
    /// Attempts without an answer.
    pub silent: u64,
}

/// One feed, as it is now.
#[derive(Clone, Debug)]
pub struct Status {
    /// How it stands.
    pub feed: Feed,
    /// The newest event of its log.
    pub last: u64,
    /// What it has tried since the start.
    pub attempts: Attempts,
}

/// The telling. Cheap to clone.
#[derive(Clone)]
pub struct Subscribers {
    shared: Arc<Shared>,
}

struct Shared {
    parts: SubscriberParts,
    known: BTreeMap<String, Arc<Known>>,
    dice: Mutex<ChaCha8Rng>,
    attempts: Mutex<BTreeMap<(String, Install), Attempts>>,
    /// Since when all is known of what was told.
    opened: Wall,
}

/// A subscriber and the way to it.
struct Known {
    subscriber: Subscriber,
    way: Arc<dyn Way>,
    /// Somebody has changed one of its feeds.
    changed: Notify,
}

impl Subscribers {
    /// Makes the subscribers known and begins to tell them.
    ///
    /// # Errors
    /// The store fails.
    pub async fn open(
        tasks: &Tasks,
        subscribers: Vec<(Subscriber, Arc<dyn Way>)>,
        parts: SubscriberParts,
    ) -> Result<Self, StoreError> {
        let mut known = BTreeMap::new();
        for (subscriber, way) in subscribers {
            parts.memory.register(&subscriber.name, subscriber.begin).await?;
            let name = subscriber.name.clone();
            known.insert(name, Arc::new(Known { subscriber, way, changed: Notify::new() }));
        }
        let dice = Mutex::new(ChaCha8Rng::seed_from_u64(parts.seed));
        let opened = parts.clock.now().wall;
        let shared = Arc::new(Shared { parts, known, dice, attempts: Mutex::default(), opened });
        if !shared.known.is_empty() {
            let (stop, all, each) = (tasks.stopping(), Arc::clone(&shared), tasks.clone());
            tasks.spawn("subscribers", async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = begin_feeds(&all, &each) => {}
                }
            });
        }
        Ok(Self { shared })
    }

    /// The names of all, in order.
    pub fn names(&self) -> Vec<&str> {
        self.shared.known.keys().map(String::as_str).collect()
    }

    /// Where a subscriber listens: scheme, host and port.
    pub fn target(&self, name: &str) -> Option<String> {
        self.shared.known.get(name).map(|known| known.way.shown())
    }

    /// Every feed, as it is now.
    ///
    /// # Errors
    /// The store fails.
    pub async fn statuses(&self) -> Result<Vec<Status>, StoreError> {
        let Shared { parts, known, attempts, .. } = &*self.shared;
        let mut statuses = Vec::new();
        if known.is_empty() {
            return Ok(statuses);
        }
        for install in installs(parts.log.as_ref()).await? {
            let last = parts.log.last(install).await?;
            for name in known.keys() {
                let feed = parts.memory.feed(install, name).await?;
                let key = (name.clone(), install);
                let attempts = attempts.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
                statuses.push(Status { feed, last, attempts: attempts.unwrap_or_default() });
            }
        }
        statuses.sort_by(|one, other| one.feed.name.cmp(&other.feed.name));
        Ok(statuses)
    }
}

impl Shared {
    fn roll(&self) -> u64 {
        self.dice.lock().unwrap_or_else(PoisonError::into_inner).next_u64()
    }

    fn count(&self, name: &str, install: Install, outcome: Outcome) {
        let mut all = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let attempts = all.entry((name.to_owned(), install)).or_default();
        match outcome {
            Outcome::Answered { status: 200..=299, .. } => attempts.arrived += 1,
            Outcome::Answered { .. } => attempts.refused += 1,
            Outcome::Silent | Outcome::Forbidden => attempts.silent += 1,
        }
    }
}

/// All installs that have events, as many as there may be feeds.
async fn installs(log: &dyn EventLog) -> Result<Vec<Install>, StoreError> {
    let mut all: Vec<Install> = Vec::new();
    loop {
        let page = log.installs(all.last().copied(), INSTALLS).await?;
        all.extend(&page);
        if page.len() < usize::from(INSTALLS) || all.len() >= FEEDS_MAX {
            return Ok(all);
        }
    }
}

/// Begins a feed for every log, those that come later too.
async fn begin_feeds(shared: &Arc<Shared>, tasks: &Tasks) {
    let (mut begun, mut full) = (BTreeSet::new(), false);
    let mut news = shared.parts.news.clone();
    let most = FEEDS_MAX / shared.known.len().max(1);
    loop {
        let found = installs(shared.parts.log.as_ref()).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the logs are not listed");
            Vec::new()
        });
        for install in found {
            if begun.contains(&install) {
                continue;
            }
            if begun.len() >= most {
                let first = !std::mem::replace(&mut full, true);
                first.then(|| tracing::warn!(most = FEEDS_MAX, "there are more logs than feeds: some are not told"));
                break;
            }
            begun.insert(install);
            shared.known.values().for_each(|known| begin_feed(shared, tasks, known, install));
        }
        news.wait(POLL).await;
    }
}

fn begin_feed(shared: &Arc<Shared>, tasks: &Tasks, known: &Arc<Known>, install: Install) {
    let (stop, shared, known) = (tasks.stopping(), Arc::clone(shared), Arc::clone(known));
    tasks.spawn("subscriber", async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = feed::walk(&shared, &known, install) => {}
        }
    });
}
