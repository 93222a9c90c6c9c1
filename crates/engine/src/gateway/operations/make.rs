//! One try of a promised write, or of several that are sent as one: what came of it is noted for each.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use linchpin_core::gateway::dead::{is_success, reason};
use linchpin_core::gateway::operation::{Event, Merge, Next, Request, Start, State, Write, handle_try};
use linchpin_core::verdict::passes;
use linchpin_ports::operations::Ending;
use linchpin_ports::store::StoreError;

use super::forms::{asked, came, tried};
use super::{Desk, Outcome, STORE_PAUSE};
use crate::dispatch::DispatchError;

/// What follows a try.
#[derive(Clone, Copy)]
enum After {
    /// It has ended.
    Ended,
    /// It goes again, after a pause.
    Again(Duration),
    /// It goes again, by itself.
    Alone,
    /// It was not sent.
    NotSent,
}

impl Desk {
    /// Makes writes once, as one call if there are several, and notes what came of it.
    pub(super) async fn make(&self, starts: &[Start]) {
        let after = match self.attempt(starts).await {
            Ok(after) => after,
            Err(error) => {
                for Start { id, .. } in starts {
                    tracing::error!(operation = %id, error = &error as &dyn std::error::Error, "an operation has to wait");
                }
                vec![After::Again(STORE_PAUSE); starts.len()]
            }
        };
        let now = self.parts.clock.now().mono;
        // In one step: the first of them holds back the others.
        let mut board = self.board();
        for (Start { seq, id, .. }, after) in starts.iter().zip(after) {
            match after {
                After::Again(pause) => board.handle_again(*seq, pause, now),
                After::Alone => board.handle_alone(*seq, now),
                After::NotSent => board.handle_not_sent(*seq),
                After::Ended => {
                    board.handle_end(*seq);
                    self.ends().remove(id);
                    self.expected().remove(id);
                }
            }
        }
        drop(board);
        self.changed.notify_one();
    }

    /// One try. What follows for each.
    async fn attempt(&self, starts: &[Start]) -> Result<Vec<After>, StoreError> {
        let (mut after, mut writes, mut merge) = (Vec::new(), Vec::new(), None::<Merge>);
        for start in starts {
            let Some(write) = self.open(start).await? else {
                after.push(Some(After::Ended));
                continue;
            };
            match &mut merge {
                None => merge = Some(Merge::new(&write)),
                Some(merge) => {
                    if !merge.add(&write) {
                        break;
                    }
                }
            }
            after.push(None);
            writes.push(write);
        }
        after.resize(starts.len(), Some(After::NotSent));
        let Some(merge) = merge else { return Ok(vec![After::Ended; starts.len()]) };
        let mut followed = self.send(&writes, merge.into_request()).await?.into_iter();
        Ok(after.into_iter().map(|known| known.or_else(|| followed.next()).unwrap_or(After::NotSent)).collect())
    }

    /// A write as it is kept, if it has not ended.
    async fn open(&self, start: &Start) -> Result<Option<Write>, StoreError> {
        let write = self.parts.store.get(self.parts.install, &start.id).await?;
        let Some(mut write) = write.filter(|write| !matches!(write.state, State::Ended { .. })) else {
            return Ok(None);
        };
        write.progress.tries = start.tries;
        Ok(Some(write))
    }

    /// Sends a request for these writes, and notes for each what came of it.
    async fn send(&self, writes: &[Write], request: Request) -> Result<Vec<After>, StoreError> {
        let (store, install) = (&self.parts.store, self.parts.install);
        let Some(first) = writes.first() else { return Ok(Vec::new()) };
        let (asked, at) = (asked(install, first, request)?, self.now());
        // Others are noted as sent by a try that went no further.
        let accepted = writes.iter().filter(|write| write.state == State::Accepted);
        try_join_all(accepted.map(|write| store.send(install, &write.id))).await?;
        let outcome: Outcome = Arc::new(self.parts.gateway.answer(asked).await);
        if matches!(*outcome, Err(DispatchError::Shutdown)) {
            // They are made after the next start.
            self.closed.store(true, Ordering::Relaxed);
            for write in writes {
                self.put_back(&write.id, self.now(), None).await;
                self.tell(&write.id, Arc::clone(&outcome));
            }
            return Ok(vec![After::Again(Duration::ZERO); writes.len()]);
        }
        let mut came = came(&outcome, self.now());
        if writes.len() > 1 {
            came.note = format!("{}; sent as one with {} other changes to the record", came.note, writes.len() - 1);
        }
        let event = Event::Tried { at, came };
        if writes.len() > 1 && is_refused(&outcome) {
            // Perhaps one of them is wrong, and the others are not.
            join_all(writes.iter().map(|write| self.put_back(&write.id, at, Some(event.clone())))).await;
            return Ok(vec![After::Alone; writes.len()]);
        }
        let after = join_all(writes.iter().map(|write| self.follow(write.clone(), &outcome, event.clone()))).await;
        if outcome.is_ok() {
            self.counts().merged += after.iter().skip(1).filter(|after| matches!(after, After::Ended)).count() as u64;
        }
        Ok(after)
    }

    /// Notes what came of a try for one write.
    async fn follow(&self, mut write: Write, outcome: &Outcome, event: Event) -> After {
        let next = handle_try(&write, tried(outcome), write.progress.tries, self.now(), &mut *self.dice());
        match next {
            Next::End(end) => {
                write.progress.push(event.clone());
                let dead = (!is_success(&end) && !self.is_awaited(&write)).then(|| reason(&write, &end));
                self.settle(&write.id, Ending { end, event: Some(event), dead }).await;
                self.tell(&write.id, Arc::clone(outcome));
                After::Ended
            }
            Next::Again(pause) => {
                self.put_back(&write.id, self.now() + pause, Some(event)).await;
                After::Again(pause)
            }
        }
    }
}

/// Whether HubSpot refused a change, for a reason that does not pass by itself.
fn is_refused(outcome: &Outcome) -> bool {
    matches!(&**outcome, Ok(answer) if answer.status >= 400 && passes(answer.status, true).is_none())
}
