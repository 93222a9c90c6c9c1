//! Writes that the gateway has promised to make.

use async_trait::async_trait;
use linchpin_core::gateway::operation::{End, Write, WriteId};
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

/// Where promised writes are kept.
#[async_trait]
pub trait Operations: Send + Sync {
    /// Keeps a write in state `Accepted`, unless its caller has one under the same key: of two that come at once, one is
    /// new. Writes without a key never meet.
    async fn accept(&self, install: Install, write: Write) -> Result<Accepted, StoreError>;

    /// Notes that an accepted write may be on its way from now on. Refused if it is not `Accepted`.
    async fn send(&self, install: Install, id: &WriteId) -> Result<(), StoreError>;

    /// Notes that a sent write did not happen and waits again. Refused if it is not `Sent`.
    async fn put_back(&self, install: Install, id: &WriteId) -> Result<(), StoreError>;

    /// Writes the end of a sent write, and forgets the headers and the body of its request. Refused if it is not `Sent`.
    async fn settle(&self, install: Install, id: &WriteId, end: End, now: Wall) -> Result<(), StoreError>;

    /// Removes a write that was given up, so that its key can be used again. Refused if it was not given up.
    async fn drop_given_up(&self, install: Install, id: &WriteId) -> Result<(), StoreError>;

    /// A write by its name.
    async fn get(&self, install: Install, id: &WriteId) -> Result<Option<Write>, StoreError>;

    /// All writes that have not ended, with their numbers, in the order of acceptance; the bodies of their requests are not
    /// read.
    async fn open(&self, install: Install) -> Result<Vec<(u64, Write)>, StoreError>;

    /// The last writes, the newest first; no bodies are read.
    async fn recent(&self, install: Install, limit: usize) -> Result<Vec<Write>, StoreError>;

    /// Removes writes that ended at `until` or before, at most `limit`; tells how many.
    async fn forget(&self, install: Install, until: Wall, limit: usize) -> Result<usize, StoreError>;
}
