//! One attempt: who makes it, and how the owner hears of its end whatever happens.

use std::pin::Pin;
use std::sync::Weak;
use std::task::{Context, Poll};

use linchpin_core::schedule::PermitId;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::door::Door;
use crate::tasks::Tasks;
use crate::upstream::{Cause, CauseKind, Outcome};

/// How an attempt ended.
pub(super) type Ended = (PermitId, Outcome);

/// The name under which attempts run.
pub(super) const NAME: &str = "attempt";

/// What makes an attempt.
type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An attempt in the hands of the caller whom it is for: made as part of its task, without one of its own. If the
/// caller leaves, a task takes it over: what has left for HubSpot is waited for.
pub(super) struct Attempt {
    tasks: Tasks,
    work: Option<Work>,
}

impl Attempt {
    pub(super) fn new(tasks: Tasks, work: impl Future<Output = ()> + Send + 'static) -> Self {
        let work = tasks.guarded(NAME, work);
        Self { tasks, work: Some(Box::pin(work)) }
    }
}

impl Future for Attempt {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(work) = &mut self.work else { return Poll::Ready(()) };
        let polled = work.as_mut().poll(context);
        if polled.is_ready() {
            self.work = None;
        }
        polled
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        // Without a runtime it breaks off, and says so.
        if let Some(work) = self.work.take().filter(|_| Handle::try_current().is_ok()) {
            self.tasks.spawn(NAME, work);
        }
    }
}

/// Tells the owner of the end, even if the attempt panics or is dropped.
pub(super) struct Report {
    permit: PermitId,
    ended: mpsc::Sender<Ended>,
    door: Weak<Door>,
    done: bool,
}

impl Report {
    pub(super) fn new(permit: PermitId, ended: mpsc::Sender<Ended>, door: Weak<Door>) -> Self {
        Self { permit, ended, door, done: false }
    }

    /// The attempt came to this.
    pub(super) async fn tell(mut self, outcome: Outcome) {
        self.done = true;
        // The owner outlives its attempts, or does not care any more.
        drop(self.ended.send((self.permit, outcome)).await);
        if let Some(door) = self.door.upgrade() {
            door.work();
        }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if !self.done {
            let cause = Cause { kind: CauseKind::Abandoned, detail: "the attempt broke off".to_owned() };
            // If the channel is full, the scheduler gives the attempt up by itself, later.
            drop(self.ended.try_send((self.permit, Outcome::Lost(cause))));
            // Not at once: it may be the owner itself who drops it.
            if let Some(door) = self.door.upgrade() {
                door.look();
            }
        }
    }
}
