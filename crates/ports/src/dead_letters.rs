//! Promised writes that ended without success, kept for a person to look at, to correct, and to send again.
//!
//! They are the writes that [`Operations::settle`](crate::operations::Operations::settle) was given a reason for.

use async_trait::async_trait;
use bytes::Bytes;
use linchpin_core::gateway::operation::{Write, WriteId};
use linchpin_core::time::Wall;
use linchpin_hubspot::id::Install;

use crate::store::StoreError;

/// Which dead letters are meant. Everything that is named must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those that HubSpot answered with this status.
    pub status: Option<u16>,
    /// Those of this caller.
    pub caller: Option<String>,
}

/// A dead letter with its bodies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The write.
    pub write: Write,
    /// The body that was promised, if it has been edited since.
    pub first_body: Option<Bytes>,
}

/// Where dead letters are kept.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// Those that fit the filter and have a number below `before`, the highest first; no bodies are read.
    async fn list(
        &self,
        install: Install,
        filter: &Filter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Write)>, StoreError>;

    /// How many there are.
    async fn count(&self, install: Install) -> Result<u64, StoreError>;

    /// One, with its bodies; none if it is not there, or no dead letter.
    async fn letter(&self, install: Install, id: &WriteId) -> Result<Option<Letter>, StoreError>;

    /// Gives one another body, and notes it in its history. The body that was promised is kept beside it. Refused if it is
    /// no dead letter.
    async fn edit(&self, install: Install, id: &WriteId, body: Bytes, now: Wall) -> Result<(), StoreError>;

    /// Makes one an accepted write again, with its name, its key and its history, due now, not yet tried, and with a
    /// number above all others, which is told. Refused if it is no dead letter.
    async fn replay(&self, install: Install, id: &WriteId, now: Wall) -> Result<u64, StoreError>;

    /// Makes one a write that has simply ended: headers, bodies and reason are gone, and it is forgotten like others.
    /// Refused if it is no dead letter.
    async fn discard(&self, install: Install, id: &WriteId) -> Result<(), StoreError>;

    /// Discards those that ended at `until` or before, and of the others all but the newest `keep`, the oldest first and at
    /// most `limit`; tells how many.
    async fn discard_old(&self, install: Install, until: Wall, keep: usize, limit: usize) -> Result<usize, StoreError>;
}
