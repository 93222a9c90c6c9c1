//! Dead letters, as operators handle them: looked at, edited, replayed, dropped; and how many writes ended how.
//!
//! What may be replayed is decided by [`linchpin_core::gateway::dead`]. A replay is durable before it is made, like
//! every promise.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use linchpin_core::gateway::dead::{Guard, LETTERS_KEPT, LETTERS_MAX, guard, is_success};
use linchpin_core::gateway::operation::{End, OPEN_MAX, State, Write, WriteId};
use linchpin_core::time::Wall;
use linchpin_ports::dead_letters::{Filter, Letter};
use linchpin_ports::store::{Refusal, StoreError};
use tokio::sync::{oneshot, watch};

use super::{Desk, Operations, SWEEP_STEP};

/// Letters of one page, when many are replayed.
const PAGE: usize = 100;

/// Promised writes since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Accepted, replays among them.
    pub accepted: u64,
    /// Ended with success.
    pub done: u64,
    /// Answered with a refusal or a failure.
    pub refused: u64,
    /// Ended, and nobody knows how.
    pub unknown: u64,
    /// Not done, and not tried any more.
    pub given_up: u64,
    /// Done by a call that did another one's work as well.
    pub merged: u64,
    /// Open now.
    pub waiting: u64,
}

impl Counts {
    pub(super) fn handle_end(&mut self, end: &End) {
        *match end {
            End::Answered(_) if is_success(end) => &mut self.done,
            End::Answered(_) => &mut self.refused,
            End::Unknown => &mut self.unknown,
            End::GivenUp { .. } => &mut self.given_up,
        } += 1;
    }
}

/// Why a dead letter is not replayed. Nothing is sent.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It is not there, or no dead letter any more.
    #[error("there is no such dead letter")]
    NotThere,
    /// It could do something twice.
    #[error("a replay could do something twice")]
    Guarded(Guard),
    /// Too many operations are open.
    #[error("{OPEN_MAX} operations are open already")]
    Full,
    /// Linchpin is stopping.
    #[error("shutting down")]
    Shutdown,
    /// The store cannot do it.
    #[error("the store cannot be used")]
    Store(#[from] StoreError),
}

/// What became of many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// These are accepted again.
    pub again: Vec<WriteId>,
    /// These could do something twice.
    pub guarded: Vec<WriteId>,
    /// Whether some are left because too many operations are open.
    pub full: bool,
}

impl Operations {
    /// What was counted.
    pub fn counts(&self) -> Counts {
        let waiting = self.desk.board().len() as u64;
        Counts { waiting, ..*self.desk.counts() }
    }

    /// How many dead letters there are.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn letter_count(&self) -> Result<u64, StoreError> {
        self.desk.parts.letters.count(self.desk.parts.install).await
    }

    /// Dead letters, the newest first, without bodies.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn letters(
        &self,
        filter: &Filter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Write)>, StoreError> {
        self.desk.parts.letters.list(self.desk.parts.install, filter, before, limit).await
    }

    /// One dead letter, with its bodies.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn letter(&self, id: &WriteId) -> Result<Option<Letter>, StoreError> {
        self.desk.parts.letters.letter(self.desk.parts.install, id).await
    }

    /// Gives a dead letter another body; whether it is there.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn edit(&self, id: &WriteId, body: Bytes) -> Result<bool, StoreError> {
        let (letters, install) = (&self.desk.parts.letters, self.desk.parts.install);
        there(letters.edit(install, id, body, self.desk.now()).await)
    }

    /// Drops a dead letter; whether it was there.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn discard(&self, id: &WriteId) -> Result<bool, StoreError> {
        there(self.desk.parts.letters.discard(self.desk.parts.install, id).await)
    }

    /// Sends a dead letter again: it is durably an open operation when this returns. What could be done twice is only done
    /// if the operator says so.
    ///
    /// # Errors
    /// See [`ReplayError`].
    pub async fn replay(&self, id: &WriteId, even_if_done: bool) -> Result<(), ReplayError> {
        let letter = self.letter(id).await?.ok_or(ReplayError::NotThere)?;
        let State::Ended { end, .. } = &letter.write.state else { return Err(ReplayError::NotThere) };
        if let Some(guard) = guard(&letter.write, end).filter(|_| !even_if_done) {
            return Err(ReplayError::Guarded(guard));
        }
        let (reply, revived) = oneshot::channel();
        let (desk, id) = (Arc::clone(&self.desk), id.clone());
        // Whoever leaves now would otherwise leave a write that is open and that nobody makes.
        self.tasks.spawn("operation replayed", async move { drop(reply.send(desk.revive(&id, &letter.write).await)) });
        revived.await.unwrap_or(Err(ReplayError::Shutdown))
    }

    /// Sends all dead letters again that fit a filter, but those that could do something twice.
    ///
    /// # Errors
    /// The store cannot be used; what was replayed so far is.
    pub async fn replay_all(&self, filter: &Filter, even_if_done: bool) -> Result<Replayed, ReplayError> {
        let (mut all, mut before) = (Replayed::default(), None);
        loop {
            let page = self.letters(filter, before, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(all) };
            // Those that die again meanwhile have higher numbers.
            before = Some(*last);
            for (_, write) in page {
                match self.replay(&write.id, even_if_done).await {
                    Ok(()) => all.again.push(write.id),
                    Err(ReplayError::Guarded(_)) => all.guarded.push(write.id),
                    Err(ReplayError::Full) => return Ok(Replayed { full: true, ..all }),
                    // Somebody else was faster.
                    Err(ReplayError::NotThere) => {}
                    Err(error @ (ReplayError::Shutdown | ReplayError::Store(_))) => return Err(error),
                }
            }
        }
    }
}

fn there(done: Result<(), StoreError>) -> Result<bool, StoreError> {
    match done {
        Ok(()) => Ok(true),
        Err(StoreError::Refused(Refusal::WriteState(_))) => Ok(false),
        Err(error) => Err(error),
    }
}

impl Desk {
    /// Makes a dead letter an open write again.
    async fn revive(&self, id: &WriteId, write: &Write) -> Result<(), ReplayError> {
        let (letters, install) = (&self.parts.letters, self.parts.install);
        // One after the other: what is open below is then on the board, or nobody makes it.
        let _turn = self.reviving.lock().await;
        if self.closed.load(Ordering::Relaxed) {
            return Err(ReplayError::Shutdown);
        }
        if self.board().len() >= OPEN_MAX {
            return Err(ReplayError::Full);
        }
        let seq = match letters.replay(install, id, self.now()).await {
            Ok(seq) => seq,
            Err(StoreError::Refused(Refusal::WriteState(_))) => return Err(ReplayError::NotThere),
            // Perhaps only the answer was lost: then it is open, and somebody must make it.
            Err(error) => {
                let open = self.parts.store.open(install).await.unwrap_or_default();
                let lost = |found: &WriteId| found == id && !self.board().has(id);
                let found = open.iter().find(|(_, open)| lost(&open.id)).map(|(seq, _)| *seq);
                found.ok_or(ReplayError::Store(error))?
            }
        };
        self.ends().insert(id.clone(), watch::Sender::default());
        self.counts().accepted += 1;
        self.put(seq, write);
        self.changed.notify_one();
        Ok(())
    }

    /// Discards what is too old, and what is too much.
    pub(super) async fn sweep_letters(&self) -> Result<(), StoreError> {
        let (letters, install) = (&self.parts.letters, self.parts.install);
        let kept = i64::try_from(LETTERS_KEPT.as_millis()).unwrap_or(i64::MAX);
        let until = Wall(self.now().0.saturating_sub(kept));
        loop {
            let discarded = letters.discard_old(install, until, LETTERS_MAX, SWEEP_STEP).await?;
            if discarded > 0 {
                tracing::warn!(discarded, "dead letters are too old or too many: the oldest are dropped");
            }
            if discarded < SWEEP_STEP {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests;
