//! Who works at the scheduler: whoever brings something, and a task for what takes time.
//!
//! A call that comes, and an outcome, is put into its channel, and then whoever brought it does all that lies ready: on
//! its own thread, without waiting for another task to wake. If somebody is at it already, the task is told to look
//! once more afterwards. The task alone waits: for timers, for the store, for the end.
//!
//! Invariants: one works at a time; messages are taken in the order in which they came; while the store is being told
//! of what may leave, nothing leaves.

use std::convert::Infallible;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, Notify, oneshot};

use super::owner::Owner;
use crate::tasks::Tasks;

/// The owner of the scheduler, and the one who works.
pub(super) struct Door {
    /// None once it has ended, and while somebody works: if they break off, it is gone, and with it what every caller
    /// waits for.
    owner: Mutex<Option<Box<Owner>>>,
    /// Wakes the task.
    look: Notify,
}

/// Ends the task when no handle is left.
pub(super) type Held = oneshot::Sender<Infallible>;

impl Door {
    /// Opens the door, with a task for what takes time.
    pub(super) fn open(tasks: &Tasks, owner: impl FnOnce(Weak<Self>) -> Owner) -> (Arc<Self>, Held) {
        let door = Arc::new_cyclic(|door| Self {
            owner: Mutex::new(Some(Box::new(owner(Weak::clone(door))))),
            look: Notify::new(),
        });
        let (held, left) = oneshot::channel();
        tasks.spawn("dispatch", Arc::clone(&door).run(tasks.clone(), left));
        (door, held)
    }

    /// Does what lies ready, or leaves it to the one who is at it.
    pub(super) fn work(&self) {
        let Ok(mut place) = self.owner.try_lock() else { return self.look.notify_one() };
        let Some(mut owner) = place.take() else { return };
        owner.work();
        self.leave(place, owner);
    }

    /// Makes room for the next one.
    fn leave(&self, mut place: MutexGuard<'_, Option<Box<Owner>>>, owner: Box<Owner>) {
        let more = owner.needs_the_task();
        *place = Some(owner);
        drop(place);
        if more {
            self.look.notify_one();
        }
    }

    /// Waits for what only waiting brings, until the end.
    async fn run(self: Arc<Self>, tasks: Tasks, mut left: oneshot::Receiver<Infallible>) {
        let stop = tasks.stopping();
        let mut wait = None;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _nobody = &mut left => break,
                () = self.look.notified() => {}
                () = sleep(wait) => {}
            }
            let mut place = self.owner.lock().await;
            // Somebody broke off in the middle of their work: every caller has been told.
            let Some(mut owner) = place.take() else { return };
            wait = owner.work_slowly().await;
            self.leave(place, owner);
        }
        let owner = self.owner.lock().await.take();
        if let Some(owner) = owner {
            owner.close().await;
        }
    }
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").finish_non_exhaustive()
    }
}

async fn sleep(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}
