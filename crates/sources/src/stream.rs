//! Rows on demand from a thread: the cursor of a database borrows its connection, so both stay where they were made.
//!
//! The thread works only while somebody waits for it: at most one chunk exists at a time. Inline, the caller blocks
//! until the thread has answered, so a simulated clock cannot run ahead of it.

use std::sync::mpsc as blocking;
use std::thread::Builder;

use async_trait::async_trait;
use linchpin_ports::executor::Executor;
use linchpin_ports::source::{Read, RowReader, SourceError};
use tokio::sync::oneshot;

use crate::cause;

type Chunk = Result<Vec<Read>, SourceError>;

/// The reading side's half, on its own thread.
pub(crate) struct Opening {
    opened: Reply<Result<(), SourceError>>,
    requests: blocking::Receiver<Request>,
}

struct Request {
    max: usize,
    reply: Reply<Chunk>,
}

impl Opening {
    /// Says that there is nothing to read, and why.
    pub(crate) fn fail(self, error: SourceError) {
        self.opened.send(Err(error));
    }

    /// Says that reading can begin, and answers until nobody asks any more or reading breaks off.
    pub(crate) fn serve(self, mut next: impl FnMut(usize) -> Chunk) {
        self.opened.send(Ok(()));
        while let Ok(Request { max, reply }) = self.requests.recv() {
            let chunk = next(max);
            let broken = chunk.is_err();
            reply.send(chunk);
            if broken {
                return;
            }
        }
    }
}

/// Starts a reading thread and waits until it says that it can read.
pub(crate) async fn start(
    executor: Executor,
    source: &str,
    work: impl FnOnce(Opening) + Send + 'static,
) -> Result<Box<dyn RowReader>, SourceError> {
    let (requests, waiting) = blocking::sync_channel(1);
    let (opened, answer) = reply(executor);
    spawn(source, move || work(Opening { opened, requests: waiting }))?;
    let reader = ThreadReader { source: source.to_owned(), executor, requests };
    answer.wait().await.ok_or_else(|| reader.stopped())??;
    Ok(Box::new(reader))
}

/// Runs something that blocks once.
pub(crate) async fn once<T: Send + 'static>(
    executor: Executor,
    source: &str,
    work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    match executor {
        Executor::Inline => work(),
        Executor::Threads => {
            let (sender, answer) = oneshot::channel();
            // A caller that has left does not want its answer.
            spawn(source, move || drop(sender.send(work())))?;
            answer.await.map_err(|_| stopped(source))?
        }
    }
}

/// The one place of the sources that makes threads.
fn spawn(source: &str, work: impl FnOnce() + Send + 'static) -> Result<(), SourceError> {
    match Builder::new().name("source-reader".to_owned()).spawn(work) {
        Ok(_detached) => Ok(()),
        Err(error) => Err(SourceError::Open { name: source.to_owned(), source: Box::new(error) }),
    }
}

fn stopped(source: &str) -> SourceError {
    SourceError::Query {
        name: source.to_owned(),
        what: "any more rows".to_owned(),
        source: cause("the reading broke off before; open the selection again"),
    }
}

struct ThreadReader {
    source: String,
    executor: Executor,
    requests: blocking::SyncSender<Request>,
}

impl ThreadReader {
    fn stopped(&self) -> SourceError {
        stopped(&self.source)
    }
}

#[async_trait]
impl RowReader for ThreadReader {
    async fn next(&mut self, max: usize) -> Result<Vec<Read>, SourceError> {
        let (reply, answer) = reply(self.executor);
        self.requests.send(Request { max, reply }).map_err(|_| self.stopped())?;
        answer.wait().await.ok_or_else(|| self.stopped())?
    }
}

enum Reply<T> {
    Task(oneshot::Sender<T>),
    Blocked(blocking::SyncSender<T>),
}

enum Answer<T> {
    Task(oneshot::Receiver<T>),
    Blocked(blocking::Receiver<T>),
}

fn reply<T>(executor: Executor) -> (Reply<T>, Answer<T>) {
    match executor {
        Executor::Threads => {
            let (sender, receiver) = oneshot::channel();
            (Reply::Task(sender), Answer::Task(receiver))
        }
        Executor::Inline => {
            let (sender, receiver) = blocking::sync_channel(1);
            (Reply::Blocked(sender), Answer::Blocked(receiver))
        }
    }
}

impl<T> Reply<T> {
    /// A caller that has left does not want its answer.
    fn send(self, value: T) {
        match self {
            Self::Task(sender) => drop(sender.send(value)),
            Self::Blocked(sender) => drop(sender.send(value)),
        }
    }
}

impl<T> Answer<T> {
    /// The answer; `None` if nobody will give it.
    async fn wait(self) -> Option<T> {
        match self {
            Self::Task(receiver) => receiver.await.ok(),
            Self::Blocked(receiver) => receiver.recv().ok(),
        }
    }
}
