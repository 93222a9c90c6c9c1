//! How far each subscriber has come in each log, how it stands with it, and what could not be delivered.

use async_trait::async_trait;
use linchpin_core::subscribers::deliver::{Reason, Trouble};
use linchpin_core::time::Wall;
use linchpin_hubspot::id::Install;
use serde::{Deserialize, Serialize};

use crate::store::StoreError;

/// Where a subscriber that was not known before begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Begin {
    /// After the newest event of every log.
    #[default]
    Now,
    /// With the oldest event of every log.
    Oldest,
}

/// That nothing is sent, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// Why.
    pub reason: Reason,
    /// Since when.
    pub since: Wall,
}

/// One subscriber's way through the log of one install.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Whose log.
    pub install: Install,
    /// The subscriber's name.
    pub name: String,
    /// Which writing of the feed this is: ascends with each.
    pub revision: u64,
    /// All events up to this place are dealt with.
    pub place: u64,
    /// The rest.
    pub state: FeedState,
}

/// How it stands with a feed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FeedState {
    /// None while it is enabled.
    pub disabled: Option<Disabled>,
    /// How it stands with the delivery whose turn it is.
    pub trouble: Trouble,
    /// Events that arrived.
    pub delivered: u64,
    /// Events that were forgotten before they could be sent.
    pub missed: u64,
    /// Dead deliveries that are kept.
    pub dead: u64,
}

/// A delivery that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dead {
    /// The place of its first event.
    pub first: u64,
    /// The place of its last event; those between that the subscriber wants belong to it.
    pub last: u64,
    /// How many events it has.
    pub events: u64,
    /// The last status; none if there was no answer.
    pub status: Option<u16>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up.
    pub died_at: Wall,
}

/// The memory of subscribers.
#[async_trait]
pub trait Subscribers: Send + Sync {
    /// Makes a subscriber known. One that was not known before has a feed of every log that there is, which begins where
    /// `begin` says; for one that is known, nothing changes. A log that comes later is told from its first event.
    async fn register(&self, name: &str, begin: Begin) -> Result<(), StoreError>;

    /// A subscriber's feed of an install. One that was never written is at place and revision zero.
    async fn feed(&self, install: Install, name: &str) -> Result<Feed, StoreError>;

    /// Writes a feed, under the next revision, if its revision is still the stored one. Gives the new revision; none
    /// if somebody else has written it since: nothing changes then.
    async fn save(&self, feed: &Feed) -> Result<Option<u64>, StoreError>;

    /// Writes a feed like [`save`](Self::save), and a dead delivery with it: both or neither. `dead` of the feed grows
    /// by one, unless a delivery with the same first event is kept already, which it replaces.
    async fn bury(&self, feed: &Feed, dead: &Dead) -> Result<Option<u64>, StoreError>;

    /// Up to `limit` dead deliveries of a feed whose first event lies beyond a place, in order.
    async fn dead(&self, install: Install, name: &str, after: u64, limit: u16) -> Result<Vec<Dead>, StoreError>;

    /// Forgets a dead delivery by its first event. The feed's `dead` falls by one, and it has the next revision. Says
    /// whether there was one.
    async fn exhume(&self, install: Install, name: &str, first: u64) -> Result<bool, StoreError>;
}
