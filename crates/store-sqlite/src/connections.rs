//! The connections of a store and who works on them: threads in production, the caller under simulated time.
//!
//! Both ways take the same jobs through the same transactions; only the place where they run differs.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use linchpin_ports::executor::Executor;
use linchpin_ports::store::StoreError;
use rusqlite::Connection;
use tokio::sync::mpsc;

use crate::Options;
use crate::changes::Changes;
use crate::checkpoint::{self, Mover, Rest};
use crate::fault::Fault;
use crate::owner::{self, Ownership};
use crate::schema;
use crate::writer::{self, Job};

/// How many requests share one commit at most, and how many may wait for the writer before callers wait to ask.
const GROUP_MAX: usize = 1024;

/// How many readings may wait before callers wait to ask.
const READS_WAITING_MAX: usize = 1024;

/// A store's connections.
pub(crate) enum Connections {
    /// On threads of their own.
    Threads(Threads),
    /// On the caller's task.
    Inline(Inline),
}

/// A writer thread, one that moves what it wrote to its place, and some readers.
pub(crate) struct Threads {
    // Both are gone while the threads are being joined: a closed channel is what ends them.
    writes: Option<mpsc::Sender<Box<dyn Job>>>,
    reads: Option<mpsc::Sender<Box<dyn Job>>>,
    handles: Vec<JoinHandle<()>>,
    _ownership: Ownership,
}

/// One connection for everything.
pub(crate) struct Inline {
    connection: Mutex<Connection>,
    _ownership: Option<Ownership>,
}

impl Connections {
    pub(crate) fn open(path: &Path, options: Options) -> Result<(Self, Arc<Changes>), Fault> {
        let ownership = Ownership::take(path)?;
        owner::make_private_file(path)?;
        let mut writer = schema::open_writer(path)?;
        let changes = Changes::of(&mut writer)?;
        let connections = match options.executor {
            Executor::Inline => Self::Inline(Inline { connection: Mutex::new(writer), _ownership: Some(ownership) }),
            Executor::Threads => {
                let readers =
                    (0..options.readers.max(1)).map(|_| schema::open_reader(path)).collect::<Result<Vec<_>, _>>()?;
                let (rest, mover) = checkpoint::beside(&mut writer, path)?;
                Self::Threads(Threads::start((writer, rest), mover, readers, ownership)?)
            }
        };
        Ok((connections, changes))
    }

    pub(crate) fn in_memory() -> Result<(Self, Arc<Changes>), Fault> {
        let mut connection = schema::open_memory()?;
        let changes = Changes::of(&mut connection)?;
        Ok((Self::Inline(Inline { connection: Mutex::new(connection), _ownership: None }), changes))
    }

    /// Hands a job to the writer; returns as soon as it is in the queue, or waits for room there.
    pub(crate) async fn write(&self, intent: &'static str, job: Box<dyn Job>) -> Result<(), StoreError> {
        match self {
            Self::Threads(threads) => send(threads.writes.as_ref(), intent, job).await,
            Self::Inline(inline) => {
                inline.with(|connection| writer::commit_together(connection, vec![job]));
                Ok(())
            }
        }
    }

    /// Hands a job to a reader.
    pub(crate) async fn read(&self, intent: &'static str, job: Box<dyn Job>) -> Result<(), StoreError> {
        match self {
            Self::Threads(threads) => send(threads.reads.as_ref(), intent, job).await,
            Self::Inline(inline) => {
                inline.with(|connection| writer::read_alone(connection, job));
                Ok(())
            }
        }
    }
}

impl Inline {
    fn with(&self, work: impl FnOnce(&Connection)) {
        // What a job that panicked has left open, the next one abandons: the poison tells nothing.
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        work(&connection);
    }
}

impl Threads {
    fn start(
        (writer, rest): (Connection, Rest),
        mover: Mover,
        readers: Vec<Connection>,
        ownership: Ownership,
    ) -> Result<Self, Fault> {
        let (writes, write_queue) = mpsc::channel(GROUP_MAX);
        let (reads, read_queue) = mpsc::channel(READS_WAITING_MAX);
        let read_queue = Arc::new(Mutex::new(read_queue));
        let mut threads = Self { writes: Some(writes), reads: Some(reads), handles: Vec::new(), _ownership: ownership };
        threads.spawn("store-writer", move || write_until_closed(&writer, &rest, write_queue))?;
        threads.spawn("store-mover", move || mover.run())?;
        for reader in readers {
            let queue = Arc::clone(&read_queue);
            threads.spawn("store-reader", move || read_until_closed(&reader, &queue))?;
        }
        Ok(threads)
    }

    /// SQLite blocks, so it gets threads: the one place of the store that makes any, and never under simulated time.
    fn spawn(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Fault> {
        self.handles.push(Builder::new().name(name.to_owned()).spawn(work)?);
        Ok(())
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.writes = None;
        self.reads = None;
        for handle in self.handles.drain(..) {
            // A thread that panicked has told its callers by dropping their answers.
            drop(handle.join());
        }
    }
}

async fn send(
    queue: Option<&mpsc::Sender<Box<dyn Job>>>,
    intent: &'static str,
    job: Box<dyn Job>,
) -> Result<(), StoreError> {
    let Some(queue) = queue else { return Err(writer::closed(intent)) };
    queue.send(job).await.map_err(|_| writer::closed(intent))
}

fn write_until_closed(connection: &Connection, rest: &Rest, mut queue: mpsc::Receiver<Box<dyn Job>>) {
    let mut group = Vec::with_capacity(GROUP_MAX);
    while queue.blocking_recv_many(&mut group, GROUP_MAX) > 0 {
        writer::commit_together(connection, std::mem::take(&mut group));
        rest.finish(connection);
    }
}

fn read_until_closed(connection: &Connection, queue: &Mutex<mpsc::Receiver<Box<dyn Job>>>) {
    // One reader waits in the queue, the others wait for its place: the lock is not held while reading.
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        let Some(job) = job else { return };
        writer::read_alone(connection, job);
    }
}
