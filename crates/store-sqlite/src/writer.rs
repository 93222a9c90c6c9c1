//! One writer, many writers' work: group commit, on a thread of its own or inline.
//!
//! Requests that arrive while a commit is running share the next transaction, so one flush of the disk serves them all.
//! Each runs in a savepoint: a refused one leaves nothing behind and spoils nobody. No answer leaves before the commit.

use std::sync::Arc;

use linchpin_ports::store::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::fault::Fault;

const BEGIN: &str = "begin immediate";
const BEGIN_READING: &str = "begin deferred";
const COMMIT: &str = "commit";
const ROLLBACK: &str = "rollback";
const SAVEPOINT: &str = "savepoint request";
const RELEASE: &str = "release request";
const UNDO: &str = "rollback to request";

/// Work for a connection, with somebody who waits for its outcome.
pub(crate) trait Job: Send {
    /// Does the work and keeps its outcome; says whether it succeeded.
    fn run(&mut self, connection: &Connection) -> bool;

    /// Hands over the outcome, or the reason why it came to nothing after all.
    fn answer(self: Box<Self>, failed: Option<&Arc<Fault>>);
}

/// A job made of a closure.
pub(crate) struct Request<T, F> {
    intent: &'static str,
    work: Option<F>,
    outcome: Option<Result<T, Fault>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Request<T, F>
where
    T: Send + 'static,
    F: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
{
    /// Pairs work with the place where its outcome is awaited.
    pub(crate) fn pair(intent: &'static str, work: F) -> (Box<dyn Job>, oneshot::Receiver<Result<T, StoreError>>) {
        let (reply, answer) = oneshot::channel();
        (Box::new(Self { intent, work: Some(work), outcome: None, reply }), answer)
    }
}

impl<T, F> Job for Request<T, F>
where
    T: Send + 'static,
    F: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
{
    fn run(&mut self, connection: &Connection) -> bool {
        let Some(work) = self.work.take() else { return false };
        let outcome = work(connection);
        let succeeded = outcome.is_ok();
        self.outcome = Some(outcome);
        succeeded
    }

    fn answer(self: Box<Self>, failed: Option<&Arc<Fault>>) {
        let intent = self.intent;
        let answer = match (self.outcome, failed) {
            // A refusal stays a refusal, whatever became of the transaction around it.
            (Some(Err(fault)), _) => Err(fault.during(intent)),
            (_, Some(shared)) => {
                Err(StoreError::Unavailable { intent, source: Box::new(SharedFault(Arc::clone(shared))) })
            }
            (Some(Ok(value)), None) => Ok(value),
            (None, None) => Err(closed(intent)),
        };
        // A caller that has left does not want its answer; the work is done all the same.
        drop(self.reply.send(answer));
    }
}

/// One cause that several requests share.
#[derive(Debug, thiserror::Error)]
#[error("the transaction was not committed")]
struct SharedFault(#[source] Arc<Fault>);

/// The store's threads are gone.
#[derive(Debug, thiserror::Error)]
#[error("the store is closed")]
struct Closed;

/// The error of a request that nobody will answer.
pub(crate) fn closed(intent: &'static str) -> StoreError {
    StoreError::Unavailable { intent, source: Box::new(Closed) }
}

/// Runs jobs in one transaction and answers them after its commit.
pub(crate) fn commit_together(connection: &Connection, mut jobs: Vec<Box<dyn Job>>) {
    // Left open only by a job that panicked.
    abandon(connection);
    let failed = run_together(connection, &mut jobs).err().map(Arc::new);
    abandon(connection);
    for job in jobs {
        job.answer(failed.as_ref());
    }
}

fn run_together(connection: &Connection, jobs: &mut [Box<dyn Job>]) -> Result<(), Fault> {
    execute(connection, BEGIN)?;
    for job in jobs {
        execute(connection, SAVEPOINT)?;
        // Some failures (a full disk) make SQLite undo the whole transaction: then the savepoint is gone as well, the
        // next statement fails, and everyone is told.
        if !job.run(connection) {
            execute(connection, UNDO)?;
        }
        execute(connection, RELEASE)?;
    }
    execute(connection, COMMIT)
}

/// Ends a transaction that must not outlive its failure; if even this fails, the next `begin` says so.
fn abandon(connection: &Connection) {
    if !connection.is_autocommit() {
        drop(connection.execute_batch(ROLLBACK));
    }
}

fn execute(connection: &Connection, sql: &str) -> Result<(), Fault> {
    connection.prepare_cached(sql)?.execute(())?;
    Ok(())
}

/// Runs a reading job in a transaction of its own, so that all its statements see one moment.
pub(crate) fn read_alone(connection: &Connection, mut job: Box<dyn Job>) {
    abandon(connection);
    let failed = execute(connection, BEGIN_READING)
        .and_then(|()| {
            job.run(connection);
            execute(connection, COMMIT)
        })
        .err()
        .map(Arc::new);
    abandon(connection);
    job.answer(failed.as_ref());
}
