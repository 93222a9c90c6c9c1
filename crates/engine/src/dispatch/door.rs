//! Who works at the scheduler: whoever brings something, and a task for what takes time.
//!
//! A call that comes, and an outcome, is put into its channel, and then whoever brought it does all that lies ready: on
//! its own thread, without waiting for another task to wake. Whoever finds somebody at it waits for that moment, which
//! is shorter than waking anybody. The task alone waits for what takes long: timers, the store, the end; what comes
//! while it has the scheduler, it looks at afterwards.
//!
//! Invariants: one works at a time; messages are taken in the order in which they came; while the store is being told
//! of what may leave, nothing leaves.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use super::owner::Owner;
use crate::tasks::Tasks;

/// The owner of the scheduler, and the one who works.
pub(super) struct Door {
    /// Held for as long as work takes that waits for nothing.
    place: Mutex<Place>,
    /// Wakes the task.
    look: Notify,
}

/// Where the owner is.
enum Place {
    /// Here: whoever comes may work.
    Here(Box<Owner>),
    /// With the task, which waits for the store. `called`: something was brought meanwhile.
    Away { called: bool },
    /// It has ended, or somebody works at it: if they break off, it is gone, and with it what every caller waits for.
    Gone,
}

/// Ends the task when no handle is left.
pub(super) type Held = oneshot::Sender<Infallible>;

impl Door {
    /// Opens the door, with a task for what takes time.
    pub(super) fn open(tasks: &Tasks, owner: impl FnOnce(Weak<Self>) -> Owner) -> (Arc<Self>, Held) {
        let door = Arc::new_cyclic(|door| Self {
            place: Mutex::new(Place::Here(Box::new(owner(Weak::clone(door))))),
            look: Notify::new(),
        });
        let (held, left) = oneshot::channel();
        tasks.spawn("dispatch", Arc::clone(&door).run(tasks.clone(), left));
        (door, held)
    }

    /// Does what lies ready, or leaves it to the task if that is at it.
    pub(super) fn work(&self) {
        let mut place = self.place();
        match std::mem::replace(&mut *place, Place::Gone) {
            Place::Here(mut owner) => {
                owner.work();
                let more = owner.needs_the_task();
                *place = Place::Here(owner);
                drop(place);
                if more {
                    self.look();
                }
            }
            Place::Away { .. } => *place = Place::Away { called: true },
            Place::Gone => {}
        }
    }

    /// Has the task look at what lies there.
    pub(super) fn look(&self) {
        self.look.notify_one();
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
            // Somebody broke off in the middle of their work: every caller has been told.
            let Some(mut owner) = self.take(Place::Away { called: false }) else { return };
            wait = owner.work_slowly().await;
            self.bring_back(owner);
        }
        if let Some(owner) = self.take(Place::Gone) {
            owner.close().await;
        }
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the owner out, for as long as it takes.
    fn take(&self, leaving: Place) -> Option<Box<Owner>> {
        let mut place = self.place();
        match std::mem::replace(&mut *place, Place::Gone) {
            Place::Here(owner) => {
                *place = leaving;
                Some(owner)
            }
            Place::Away { .. } | Place::Gone => None,
        }
    }

    fn bring_back(&self, owner: Box<Owner>) {
        let needed = owner.needs_the_task();
        let was = std::mem::replace(&mut *self.place(), Place::Here(owner));
        if needed || matches!(was, Place::Away { called: true }) {
            self.look();
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
