//! Writes that the gateway has promised to make.

use async_trait::async_trait;
use linchpin_core::gateway::dead::Reason;
use linchpin_core::gateway::operation::{End, Event, Write, WriteId};
use linchpin_core::time::Wall;
use linchpin_hubspot::id::Install;

use crate::store::StoreError;

/// What became of a write that was to be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is durably there, under this number: numbers ascend in the order of acceptance.
    New(u64),
    /// Its caller has used its key before, for this one; nothing was written.
    Known(Box<Write>),
}

/// How a write has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Its end.
    pub end: End,
    /// What is noted in its history.
    pub event: Option<Event>,
    /// Why it is a dead letter, if it is to be one.
    pub dead: Option<Reason>,
}

impl Ending {
    /// An end that somebody was told.
    pub fn of(end: End) -> Self {
        Self { end, event: None, dead: None }
    }
}

/// Where promised writes are kept.
#[async_trait]
pub trait Operations: Send + Sync {
    /// Keeps a write in state `Accepted`, unless its caller has one under the same key: of two that come at once, one is
    /// new. Writes without a key never meet.
    async fn accept(&self, install: Install, write: Write) -> Result<Accepted, StoreError>;

    /// Notes that an accepted write may be on its way from now on, and counts the try. Refused if it is not `Accepted`.
    async fn send(&self, install: Install, id: &WriteId) -> Result<(), StoreError>;

    /// Notes that a sent write did not happen and waits again, until `due`, and adds an event to its history, if one is
    /// given. Refused if it is not `Sent`.
    async fn put_back(&self, install: Install, id: &WriteId, due: Wall, event: Option<Event>)
    -> Result<(), StoreError>;

    /// Writes the end of a sent write, with its event and its reason. A dead letter keeps its body, and its headers without
    /// secrets; of others both are forgotten. Refused if it is not `Sent`.
    async fn settle(&self, install: Install, id: &WriteId, ending: Ending, now: Wall) -> Result<(), StoreError>;

    /// Removes a write that was given up, so that its key can be used again; also a dead letter, for its caller sends it
    /// again. Refused if it was not given up.
    async fn drop_given_up(&self, install: Install, id: &WriteId) -> Result<(), StoreError>;

    /// A write by its name.
    async fn get(&self, install: Install, id: &WriteId) -> Result<Option<Write>, StoreError>;

    /// All writes that have not ended, with their numbers, in the order of acceptance; the bodies of their requests are not
    /// read.
    async fn open(&self, install: Install) -> Result<Vec<(u64, Write)>, StoreError>;

    /// The last writes, the newest first; no bodies are read.
    async fn recent(&self, install: Install, limit: usize) -> Result<Vec<Write>, StoreError>;

    /// Removes writes that ended at `until` or before, at most `limit`; tells how many. Dead letters stay, and only their
    /// keys can be used again.
    async fn forget(&self, install: Install, until: Wall, limit: usize) -> Result<usize, StoreError>;
}
