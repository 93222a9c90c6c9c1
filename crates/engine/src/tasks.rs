//! Background tasks with a name and an end.
//!
//! The only place that spawns. Shutdown is asked for once, seen by all, and waited for; a task that panics is logged
//! with its name and reported at the end.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Spawns tasks and waits for them. Cheap to clone; all clones share the tasks.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    panicked: Arc<Mutex<Vec<&'static str>>>,
}

/// Tasks that panicked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these tasks panicked: {}", .0.join(", "))]
pub struct Panicked(pub Vec<&'static str>);

impl Tasks {
    /// No tasks yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a task. Whoever needs its result is given a channel by it.
    #[expect(clippy::disallowed_methods, reason = "this is Tasks::spawn")]
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(self.tracker.track_future(self.guarded(name, task)));
    }

    /// A part of another task whose panic is logged and reported as if it were one.
    pub fn guarded(
        &self,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        let panicked = Arc::clone(&self.panicked);
        async move {
            if AssertUnwindSafe(task).catch_unwind().await.is_err() {
                tracing::error!(task = name, "a task panicked");
                panicked.lock().unwrap_or_else(PoisonError::into_inner).push(name);
            }
        }
    }

    /// A token that is cancelled when shutdown begins.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Begins the shutdown, and waits until every task has ended.
    ///
    /// # Errors
    /// The names of the tasks that panicked since the start.
    pub async fn shutdown(&self) -> Result<(), Panicked> {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        let names = self.panicked.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if names.is_empty() { Ok(()) } else { Err(Panicked(names)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn shutdown_waits_for_tasks_and_names_those_that_panicked() {
        let tasks = Tasks::new();
        let ended = Arc::new(Mutex::new(false));
        let (seen, stop) = (Arc::clone(&ended), tasks.stopping());
        tasks.spawn("patient", async move {
            stop.cancelled().await;
            tokio::task::yield_now().await;
            *seen.lock().unwrap() = true;
        });
        tasks.spawn("clumsy", async { panic!("on purpose") });
        assert_eq!(tasks.shutdown().await, Err(Panicked(vec!["clumsy"])));
        assert!(*ended.lock().unwrap());
    }
}
