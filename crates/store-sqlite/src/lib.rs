//! Remembers, in one embedded SQLite file.
//!
//! One connection writes, a few read; a transaction is one method of a port and never leaves this crate. What a method
//! returned as written is on the disk (WAL, `synchronous=FULL`). A lock file beside the store makes sure that one
//! process owns it. Not here: what to write and when, which is the engine's business.

use std::path::Path;
use std::sync::Arc;

use linchpin_hubspot::id::Install;
use linchpin_ports::store::{StoreError, Stores};
use rusqlite::Connection;

mod budget;
mod census;
mod changes;
mod checkpoint;
mod codec;
mod connections;
mod dead_letters;
mod events;
mod fault;
mod follow;
mod journal;
mod links;
mod litter;
mod mirror;
mod operations;
mod owner;
mod queue;
mod rejected;
mod runs;
mod schema;
#[cfg(test)]
mod statements;
mod subscribers;
mod tally;
mod writer;

pub use linchpin_ports::executor::Executor;

use changes::{Changes, Recent};
use connections::Connections;
use fault::Fault;
use writer::Request;

/// How many connections read at the same time, unless told otherwise.
pub const READERS_DEFAULT: usize = 2;

/// How a store is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where the blocking work runs.
    pub executor: Executor,
    /// How many connections read at the same time; at least one. Without effect inline.
    pub readers: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { executor: Executor::Threads, readers: READERS_DEFAULT }
    }
}

/// A store in one file. Dropping it waits for the writes that it was asked for.
pub struct SqliteStore {
    connections: Connections,
    changes: Arc<Changes>,
}

impl SqliteStore {
    /// Opens the store at `path` and brings its schema up to date; makes it if there is none.
    ///
    /// # Errors
    /// `Refused` when another process owns the store, a newer program wrote it, or the file is something else;
    /// `Unavailable` when it cannot be opened, made or migrated.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Arc<Self>, StoreError> {
        let opened = Connections::open(path.as_ref(), options).map_err(|fault| fault.during("open"))?;
        Ok(Arc::new(Self::of(opened)))
    }

    /// Opens a store that lives in memory and works inline: for tests and trials.
    ///
    /// # Errors
    /// `Unavailable` when SQLite has no memory to give.
    pub fn in_memory() -> Result<Arc<Self>, StoreError> {
        let opened = Connections::in_memory().map_err(|fault| fault.during("open"))?;
        Ok(Arc::new(Self::of(opened)))
    }

    fn of((connections, changes): (Connections, Arc<Changes>)) -> Self {
        Self { connections, changes }
    }

    /// This store behind every port.
    pub fn stores(self: &Arc<Self>) -> Stores {
        Stores {
            runs: Arc::<Self>::clone(self),
            queue: Arc::<Self>::clone(self),
            links: Arc::<Self>::clone(self),
            mirror: Arc::<Self>::clone(self),
            budget: Arc::<Self>::clone(self),
            events: Arc::<Self>::clone(self),
            journals: Arc::<Self>::clone(self),
            operations: Arc::<Self>::clone(self),
            follow: Arc::<Self>::clone(self),
            dead_letters: Arc::<Self>::clone(self),
            subscribers: Arc::<Self>::clone(self),
        }
    }

    /// Runs work in a transaction that writes; durable when it returns.
    async fn write<T, F>(&self, intent: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let (job, answer) = Request::pair(intent, work);
        self.connections.write(intent, job).await?;
        answer.await.map_err(|_| writer::closed(intent))?
    }

    /// Runs work in a transaction that adds to the log of events or takes from it; durable when it returns.
    async fn write_log<T, F>(&self, intent: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &mut Recent) -> Result<T, Fault> + Send + 'static,
    {
        let changes = Arc::clone(&self.changes);
        self.write(intent, move |tx| changes.with(tx, |recent| work(tx, recent))).await
    }

    /// Runs work in a transaction that reads one moment of the store.
    async fn read<T, F>(&self, intent: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let (job, answer) = Request::pair(intent, work);
        self.connections.read(intent, job).await?;
        answer.await.map_err(|_| writer::closed(intent))?
    }

    /// Deletes what finished and dropped runs of an install have left, in steps, so that others' writes go between.
    async fn sweep(&self, install: Install) -> Result<(), StoreError> {
        while self.write("forget old operations", move |tx| litter::sweep_step(tx, install)).await? {}
        Ok(())
    }
}
