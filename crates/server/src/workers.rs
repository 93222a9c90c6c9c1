//! Threads that serve connections, each with a runtime of its own.
//!
//! What a call costs is mostly memory that it touches and threads that it wakes. So a connection stays with one thread
//! for its whole life: its calls, and what they do alone. Only what they do together with others' may run on any thread.

use std::io;
use std::sync::mpsc;
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

/// The name of the threads, as tools for processes show it.
const NAME: &str = "connections";

/// The threads. When this is dropped they are told to end, and whatever still runs there goes with them.
#[derive(Debug)]
pub struct Workers(Vec<Worker>);

#[derive(Debug)]
struct Worker {
    runtime: Handle,
    /// The connections that it serves.
    open: TaskTracker,
    _until_dropped: oneshot::Sender<()>,
}

impl Workers {
    /// Starts so many threads, at least one, each with a stack of so many bytes.
    ///
    /// # Errors
    /// The operating system gives no more threads, or no more files.
    pub fn start(threads: usize, stack_bytes: usize) -> io::Result<Self> {
        (0..threads.max(1)).map(|_| Worker::start(stack_bytes)).collect::<io::Result<_>>().map(Self)
    }

    /// Leaves a connection to the thread that has the fewest.
    pub(crate) fn spawn(&self, connection: impl Future<Output = ()> + Send + 'static) {
        if let Some(Worker { runtime, open, .. }) = self.0.iter().min_by_key(|worker| worker.open.len()) {
            open.spawn_on(connection, runtime);
        }
    }
}

impl Worker {
    fn start(stack_bytes: usize) -> io::Result<Self> {
        let (until_dropped, dropped) = oneshot::channel::<()>();
        let (tell, told) = mpsc::channel();
        thread::Builder::new().name(NAME.to_owned()).stack_size(stack_bytes).spawn(move || {
            let runtime = match Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                // Whoever starts it waits for this.
                Err(error) => return drop(tell.send(Err(error))),
            };
            drop(tell.send(Ok(runtime.handle().clone())));
            // Never sent, only dropped.
            drop(runtime.block_on(dropped));
            runtime.shutdown_background();
        })?;
        let runtime = told.recv().map_err(io::Error::other)??;
        Ok(Self { runtime, open: TaskTracker::new(), _until_dropped: until_dropped })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::future::poll_fn;
    use std::task::Poll;

    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test]
    async fn connections_are_spread_over_threads_and_what_they_start_stays_there() {
        let workers = Workers::start(2, 1 << 20).unwrap();
        let (seen, mut places) = tokio::sync::mpsc::unbounded_channel();
        let (end, _) = tokio::sync::broadcast::channel::<()>(1);
        for _ in 0..6 {
            let (seen, mut ended) = (seen.clone(), end.subscribe());
            workers.spawn(async move {
                let here = thread::current().id();
                let started = JoinSet::from_iter([poll_fn(|_| Poll::Ready(thread::current().id()))]);
                let there = started.join_all().await;
                seen.send((here, there)).unwrap();
                ended.recv().await.unwrap_err();
            });
        }
        drop(seen);
        let mut threads = Vec::new();
        for _ in 0..6 {
            let (here, there) = places.recv().await.unwrap();
            assert_eq!(there, [here]);
            threads.push(here);
        }
        let different: BTreeSet<String> = threads.iter().map(|thread| format!("{thread:?}")).collect();
        assert_eq!(different.len(), 2);
        for thread in &threads {
            assert_eq!(threads.iter().filter(|other| *other == thread).count(), 3);
        }
        assert!(workers.0.iter().all(|worker| worker.open.len() == 3));
        // When the workers go, what runs there goes too.
        drop(workers);
        while places.recv().await.is_some() {}
        drop(end);
    }
}
