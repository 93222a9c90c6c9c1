//! Promised writes: kept before their callers are told so, made in the order of acceptance, and kept until a day after
//! their end.
//!
//! What becomes of each is decided by [`linchpin_core::gateway::operation`]; here is who does it, and who waits. The
//! store knows of every step before the next one: a crash at any moment leaves a state that says what to do. Those that
//! end without success, and without somebody who is told so, are [`dead`] letters.

mod dead;
mod forms;
mod make;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use linchpin_core::gateway::dead::reason;
use linchpin_core::gateway::operation::{
    Board, Digest, End, Event, IdempotencyKey, KEPT, Move, OPEN_MAX, Progress, Repeat, Restart, State, Write, WriteId,
    repeat, restart,
};
use linchpin_core::time::{Mono, Wall};
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::id::Install;
use linchpin_ports::dead_letters::DeadLetters;
use linchpin_ports::operations::{Accepted, Ending, Operations as Store};
use linchpin_ports::store::{Refusal, StoreError};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tokio::sync::{Notify, oneshot, watch};

pub use self::dead::{Counts, ReplayError, Replayed};
pub use self::forms::kept_answer;
use self::forms::written;
use super::{Asked, Gateway};
use crate::clock::Clock;
use crate::dispatch::DispatchError;
use crate::tasks::Tasks;

/// How often old ends are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// How many old ends are removed in one step, so that others' writes go between.
const SWEEP_STEP: usize = 500;
/// The pause after a failure of the store.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// How often a key is looked at that changes its meaning meanwhile.
const LOOKS_MAX: usize = 4;

/// What a try has come to, for those who wait.
pub type Outcome = Arc<Result<Answer, DispatchError>>;

/// What is built upon.
pub struct OperationParts {
    /// Where calls go.
    pub gateway: Arc<Gateway>,
    /// The account.
    pub install: Install,
    /// Where promised writes are kept.
    pub store: Arc<dyn Store>,
    /// Where those of them are kept that ended without success.
    pub letters: Arc<dyn DeadLetters>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Begins the dice that spread tries.
    pub seed: u64,
}

/// A write that is to be promised.
pub struct Promise {
    /// The write.
    pub asked: Asked,
    /// What the caller calls it.
    pub key: Option<IdempotencyKey>,
    /// What it is, for comparing repeats.
    pub digest: Digest,
    /// Whether the caller does not wait.
    pub acknowledged: bool,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is kept, and will be made.
    New(WriteId),
    /// It is a repeat of this one.
    Known(WriteId),
    /// Its key stands for another write. Nothing is kept.
    Other,
}

/// Why a write is not promised. Nothing is sent for it.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// Too many are open.
    #[error("{OPEN_MAX} operations are open already")]
    Full,
    /// The store cannot keep it.
    #[error("the operation cannot be kept")]
    Store(#[from] StoreError),
    /// Linchpin is stopping.
    #[error("shutting down")]
    Shutdown,
}

/// What is known of a write after waiting for it.
#[derive(Debug)]
pub enum Waited {
    /// It has come to this just now.
    Told(Outcome),
    /// It had ended before.
    Ended(Box<Write>),
    /// It is still open.
    Open,
}

/// Promised writes.
pub struct Operations {
    desk: Arc<Desk>,
    tasks: Tasks,
}

struct Desk {
    parts: OperationParts,
    board: Mutex<Board>,
    /// For those who wait; of open writes only.
    ends: Mutex<BTreeMap<WriteId, watch::Sender<Option<Outcome>>>>,
    /// Writes whose callers are about to wait for them.
    expected: Mutex<BTreeSet<WriteId>>,
    counts: Mutex<Counts>,
    dice: Mutex<ChaCha8Rng>,
    /// Held by whoever makes a dead letter an open write.
    reviving: tokio::sync::Mutex<()>,
    changed: Notify,
    closed: AtomicBool,
}

impl Operations {
    /// Takes up what was promised before, and begins to work. Ends when `tasks` shuts down.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn open(tasks: &Tasks, parts: OperationParts) -> Result<Self, StoreError> {
        let dice = Mutex::new(ChaCha8Rng::seed_from_u64(parts.seed));
        let desk = Desk {
            parts,
            board: Mutex::default(),
            ends: Mutex::default(),
            expected: Mutex::default(),
            counts: Mutex::default(),
            dice,
            reviving: tokio::sync::Mutex::default(),
            changed: Notify::new(),
            closed: AtomicBool::new(false),
        };
        desk.resume().await?;
        let desk = Arc::new(desk);
        tasks.spawn("operations", Arc::clone(&desk).work(tasks.clone()));
        Ok(Self { desk, tasks: tasks.clone() })
    }

    /// Promises a write: it is durably kept when this returns. It is made whether or not its caller stays.
    ///
    /// # Errors
    /// It is not promised: see [`TakeError`].
    pub async fn take(&self, promise: Promise) -> Result<Taken, TakeError> {
        let (reply, taken) = oneshot::channel();
        let desk = Arc::clone(&self.desk);
        // A caller that leaves now would otherwise leave a write that is kept and that nobody makes.
        self.tasks.spawn("operation kept", async move {
            if let Err(Ok(Taken::New(id))) = reply.send(desk.take(promise).await) {
                // It has left, and its write is made all the same.
                desk.expected().remove(&id);
            }
        });
        taken.await.unwrap_or(Err(TakeError::Shutdown))
    }

    /// Waits for the end of a write, but no longer than this.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn wait(&self, id: &WriteId, patience: Duration) -> Result<Waited, StoreError> {
        let receiver = self.desk.ends().get(id).map(watch::Sender::subscribe);
        self.desk.expected().remove(id);
        if let Some(mut receiver) = receiver {
            match tokio::time::timeout(patience, receiver.wait_for(Option::is_some)).await {
                Err(_) => return Ok(Waited::Open),
                Ok(Ok(outcome)) => {
                    if let Some(outcome) = outcome.clone() {
                        return Ok(Waited::Told(outcome));
                    }
                }
                // It has ended between two looks: the store knows.
                Ok(Err(_)) => {}
            }
        }
        let write = self.get(id).await?;
        Ok(match write {
            Some(write) if matches!(write.state, State::Ended { .. }) => Waited::Ended(Box::new(write)),
            Some(_) | None => Waited::Open,
        })
    }

    /// A write by its name.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn get(&self, id: &WriteId) -> Result<Option<Write>, StoreError> {
        self.desk.parts.store.get(self.desk.parts.install, id).await
    }

    /// The last writes, the newest first, without bodies.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn recent(&self, limit: usize) -> Result<Vec<Write>, StoreError> {
        self.desk.parts.store.recent(self.desk.parts.install, limit).await
    }
}

impl Desk {
    async fn resume(&self) -> Result<(), StoreError> {
        let (store, install) = (&self.parts.store, self.parts.install);
        for (seq, mut write) in store.open(install).await? {
            let event = Event::Interrupted { at: self.now() };
            match restart(&write) {
                Restart::Leave => continue,
                Restart::Unknown => {
                    tracing::warn!(operation = %write.id, "nobody knows whether HubSpot did it: it is not sent again");
                    write.progress.push(event.clone());
                    let dead = Some(reason(&write, &End::Unknown));
                    let ending = Ending { end: End::Unknown, event: Some(event), dead };
                    store.settle(install, &write.id, ending, self.now()).await?;
                    self.counts().unknown += 1;
                    continue;
                }
                Restart::Send if write.state == State::Sent => {
                    store.put_back(install, &write.id, self.now(), Some(event)).await?;
                    write.progress.due = self.now();
                }
                Restart::Send => {}
            }
            self.ends().insert(write.id.clone(), watch::Sender::default());
            let Progress { tries, due, .. } = write.progress;
            self.put(seq, &write);
            self.board().handle_known(seq, tries, self.mono(due));
        }
        Ok(())
    }

    /// A moment of the wall clock on the other one.
    fn mono(&self, wall: Wall) -> Mono {
        let now = self.parts.clock.now();
        now.mono + (wall - now.wall)
    }

    async fn take(&self, promise: Promise) -> Result<Taken, TakeError> {
        let (store, install) = (&self.parts.store, self.parts.install);
        for _ in 0..LOOKS_MAX {
            if self.closed.load(Ordering::Relaxed) {
                return Err(TakeError::Shutdown);
            }
            if self.board().len() >= OPEN_MAX {
                return Err(TakeError::Full);
            }
            let write = written(&promise, WriteId(self.parts.gateway.correlation()), self.now());
            let known = match self.accept(&write).await? {
                Accepted::New(seq) => {
                    self.counts().accepted += 1;
                    if !write.acknowledged {
                        self.expected().insert(write.id.clone());
                    }
                    self.put(seq, &write);
                    self.changed.notify_one();
                    return Ok(Taken::New(write.id));
                }
                Accepted::Known(known) => known,
            };
            match repeat(&known, &promise.digest, self.now()) {
                Repeat::Other => return Ok(Taken::Other),
                Repeat::Wait | Repeat::Told => return Ok(Taken::Known(known.id)),
                Repeat::Again => match store.drop_given_up(install, &known.id).await {
                    // Another repeat was faster.
                    Ok(()) | Err(StoreError::Refused(Refusal::WriteState(_))) => {}
                    Err(error) => return Err(error.into()),
                },
                Repeat::New => self.sweep().await?,
            }
        }
        Err(TakeError::Full)
    }

    /// Puts a write that is kept on the board.
    fn put(&self, seq: u64, write: &Write) {
        self.board().add(seq, write, self.parts.gateway.merges());
    }

    /// Keeps a write; from before it is kept on, whoever knows its name can wait for it.
    async fn accept(&self, write: &Write) -> Result<Accepted, StoreError> {
        let (store, install) = (&self.parts.store, self.parts.install);
        self.ends().insert(write.id.clone(), watch::Sender::default());
        let accepted = match store.accept(install, write.clone()).await {
            // Perhaps only the answer was lost: then it is there, and somebody must make it.
            Err(error @ StoreError::Unavailable { .. }) => {
                let open = store.open(install).await.unwrap_or_default();
                open.iter().find(|(_, open)| open.id == write.id).map(|(seq, _)| Accepted::New(*seq)).ok_or(error)
            }
            accepted => accepted,
        };
        if !matches!(accepted, Ok(Accepted::New(_))) {
            self.ends().remove(&write.id);
        }
        accepted
    }

    async fn work(self: Arc<Self>, tasks: Tasks) {
        let stop = tasks.stopping();
        let mut sweep_at = self.parts.clock.now().mono;
        while !self.closed.load(Ordering::Relaxed) && !stop.is_cancelled() {
            let now = self.parts.clock.now().mono;
            if now >= sweep_at {
                if let Err(error) = self.sweep().await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "old operations stay for now");
                }
                sweep_at = now + SWEEP_EVERY;
            }
            let next = self.board().next(now);
            let until = match next {
                Move::Start(starts) => {
                    let desk = Arc::clone(&self);
                    tasks.spawn("operation", async move { desk.make(&starts).await });
                    continue;
                }
                Move::Wait(due) => due.min(sweep_at),
                Move::Idle => sweep_at,
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.changed.notified() => {}
                () = tokio::time::sleep(until - now) => {}
            }
        }
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Whether somebody waits for the end of a write, and is told.
    fn is_awaited(&self, write: &Write) -> bool {
        let waits = self.ends().get(&write.id).is_some_and(|end| end.receiver_count() > 0);
        !write.acknowledged && (waits || self.expected().contains(&write.id))
    }

    /// In this process it is known that it did not happen. If the store does not learn it, a crash makes it unknown.
    async fn put_back(&self, id: &WriteId, due: Wall, event: Option<Event>) {
        if let Err(error) = self.parts.store.put_back(self.parts.install, id, due, event).await {
            tracing::warn!(operation = %id, error = &error as &dyn std::error::Error, "it stays noted as sent");
        }
    }

    /// Notes an end, as long as it takes.
    async fn settle(&self, id: &WriteId, ending: Ending) {
        let (store, install) = (&self.parts.store, self.parts.install);
        self.counts().handle_end(&ending.end);
        if ending.dead.is_some() {
            tracing::warn!(operation = %id, "an operation is a dead letter: `linchpin dlq list` says why");
        }
        while let Err(error) = store.settle(install, id, ending.clone(), self.now()).await {
            // Only the answer of an earlier settlement was lost.
            if matches!(error, StoreError::Refused(Refusal::WriteState(_))) {
                return;
            }
            tracing::error!(operation = %id, error = &error as &dyn std::error::Error, "the end of an operation is not kept yet");
            if self.closed.load(Ordering::Relaxed) {
                return;
            }
            tokio::time::sleep(STORE_PAUSE).await;
        }
    }

    fn tell(&self, id: &WriteId, outcome: Outcome) {
        if let Some(end) = self.ends().get(id) {
            end.send_replace(Some(outcome));
        }
    }

    async fn sweep(&self) -> Result<(), StoreError> {
        let until = Wall(self.now().0.saturating_sub(i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX)));
        while self.parts.store.forget(self.parts.install, until, SWEEP_STEP).await? == SWEEP_STEP {}
        self.sweep_letters().await
    }

    fn now(&self) -> Wall {
        self.parts.clock.now().wall
    }

    fn expected(&self) -> MutexGuard<'_, BTreeSet<WriteId>> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn dice(&self) -> MutexGuard<'_, ChaCha8Rng> {
        self.dice.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ends(&self) -> MutexGuard<'_, BTreeMap<WriteId, watch::Sender<Option<Outcome>>>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
