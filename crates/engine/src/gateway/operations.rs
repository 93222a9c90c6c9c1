//! Promised writes: kept before their callers are told so, made in the order of acceptance, and kept until a day after
//! their end.
//!
//! What becomes of each is decided by [`linchpin_core::gateway::operation`]; here is who does it, and who waits. The
//! store knows of every step before the next one: a crash at any moment leaves a state that says what to do.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use linchpin_core::gateway::operation::{
    Board, Digest, End, IdempotencyKey, KEPT, Kept, Move, Next, OPEN_MAX, Repeat, Request, Restart, State, Tried,
    Write, WriteId, handle_try, repeat, restart,
};
use linchpin_core::time::Wall;
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::id::Install;
use linchpin_ports::operations::{Accepted, Operations as Store};
use linchpin_ports::store::{Refusal, StoreError};
use tokio::sync::{Notify, oneshot, watch};

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
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
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
    changed: Notify,
    closed: AtomicBool,
}

impl Operations {
    /// Takes up what was promised before, and begins to work. Ends when `tasks` shuts down.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn open(tasks: &Tasks, parts: OperationParts) -> Result<Self, StoreError> {
        let desk = Desk {
            parts,
            board: Mutex::default(),
            ends: Mutex::default(),
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
            // If it has left, its write is made all the same.
            drop(reply.send(desk.take(promise).await));
        });
        taken.await.unwrap_or(Err(TakeError::Shutdown))
    }

    /// Waits for the end of a write, but no longer than this.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn wait(&self, id: &WriteId, patience: Duration) -> Result<Waited, StoreError> {
        let receiver = self.desk.ends().get(id).map(watch::Sender::subscribe);
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
        for (seq, write) in store.open(install).await? {
            match restart(&write) {
                Restart::Leave => continue,
                Restart::Unknown => {
                    tracing::warn!(operation = %write.id, "nobody knows whether HubSpot did it: it is not sent again");
                    let end = End::Unknown;
                    store.settle(install, &write.id, end, self.now()).await?;
                    continue;
                }
                Restart::Send if write.state == State::Sent => store.put_back(install, &write.id).await?,
                Restart::Send => {}
            }
            self.ends().insert(write.id.clone(), watch::Sender::default());
            self.board().add(seq, write.id, &write.request);
        }
        Ok(())
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
                    self.board().add(seq, write.id.clone(), &write.request);
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
                Move::Start { seq, id, tries } => {
                    let desk = Arc::clone(&self);
                    tasks.spawn("operation", async move { desk.make(seq, &id, tries).await });
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

    /// Makes a write once, and notes what came of it.
    async fn make(&self, seq: u64, id: &WriteId, tries: u32) {
        match self.attempt(id, tries).await {
            Ok(None) => {
                self.board().handle_end(seq);
                self.ends().remove(id);
            }
            Ok(Some(pause)) => self.board().handle_again(seq, pause, self.parts.clock.now().mono),
            Err(error) => {
                tracing::error!(operation = %id, error = &error as &dyn std::error::Error, "an operation has to wait");
                self.board().handle_again(seq, STORE_PAUSE, self.parts.clock.now().mono);
            }
        }
        self.changed.notify_one();
    }

    /// One try. The pause before the next, if there is one.
    async fn attempt(&self, id: &WriteId, tries: u32) -> Result<Option<Duration>, StoreError> {
        let (store, install) = (&self.parts.store, self.parts.install);
        let Some(write) = store.get(install, id).await? else { return Ok(None) };
        match write.state {
            State::Accepted => store.send(install, id).await?,
            // Noted by a try that went no further.
            State::Sent => {}
            State::Ended { .. } => return Ok(None),
        }
        let asked = asked(install, &write)?;
        let outcome: Outcome = Arc::new(self.parts.gateway.answer(asked).await);
        if matches!(*outcome, Err(DispatchError::Shutdown)) {
            // It is made after the next start.
            self.closed.store(true, Ordering::Relaxed);
            self.put_back(id).await;
            self.tell(id, outcome);
            return Ok(Some(Duration::ZERO));
        }
        match handle_try(&write, tried(&outcome), tries, self.now()) {
            Next::End(end) => {
                self.settle(id, end).await;
                self.tell(id, outcome);
                Ok(None)
            }
            Next::Again(pause) => {
                self.put_back(id).await;
                Ok(Some(pause))
            }
        }
    }

    /// In this process it is known that it did not happen. If the store does not learn it, a crash makes it unknown.
    async fn put_back(&self, id: &WriteId) {
        if let Err(error) = self.parts.store.put_back(self.parts.install, id).await {
            tracing::warn!(operation = %id, error = &error as &dyn std::error::Error, "it stays noted as sent");
        }
    }

    /// Notes an end, as long as it takes.
    async fn settle(&self, id: &WriteId, end: End) {
        let (store, install) = (&self.parts.store, self.parts.install);
        while let Err(error) = store.settle(install, id, end.clone(), self.now()).await {
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
        Ok(())
    }

    fn now(&self) -> Wall {
        self.parts.clock.now().wall
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ends(&self) -> MutexGuard<'_, BTreeMap<WriteId, watch::Sender<Option<Outcome>>>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn written(promise: &Promise, id: WriteId, now: Wall) -> Write {
    let Promise { asked, key, digest, acknowledged } = promise;
    let deadline = asked.deadline.filter(|_| !acknowledged);
    let request = Request {
        lane: asked.lane,
        deadline_ms: deadline.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
        method: asked.method.as_str().to_owned(),
        target: asked.target.clone(),
        headers: kept_headers(&asked.headers),
        body: asked.body.clone(),
    };
    Write {
        id,
        caller: asked.caller.clone(),
        key: key.clone(),
        digest: *digest,
        acknowledged: *acknowledged,
        request,
        accepted: now,
        state: State::Accepted,
    }
}

fn asked(install: Install, write: &Write) -> Result<Asked, StoreError> {
    let damaged = || StoreError::Corrupt { table: "promise", column: "request", key: write.id.0.clone() };
    let Request { lane, deadline_ms, method, target, headers, body } = write.request.clone();
    Ok(Asked {
        install,
        lane,
        deadline: deadline_ms.map(Duration::from_millis),
        caller: write.caller.clone(),
        method: Method::from_bytes(method.as_bytes()).map_err(|_| damaged())?,
        target,
        headers: headers_of(&headers).ok_or_else(damaged)?,
        body,
        joined: Arc::default(),
        passage: None,
    })
}

fn kept_headers(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}

fn headers_of(kept: &[(String, Vec<u8>)]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in kept {
        headers.append(HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_bytes(value).ok()?);
    }
    Some(headers)
}

/// HubSpot's answer as it was kept; none if its body was too large to keep.
pub fn kept_answer(kept: &Kept) -> Option<Answer> {
    let (body, headers) = (kept.body.clone()?, headers_of(&kept.headers)?);
    Some(Answer { status: kept.status, headers, body })
}

fn tried(outcome: &Result<Answer, DispatchError>) -> Tried {
    let kept =
        |answer: &Answer| Tried::Answered(Kept::of(answer.status, kept_headers(&answer.headers), answer.body.clone()));
    match outcome {
        Ok(answer) => kept(answer),
        Err(DispatchError::DeadToken(Some(answer))) => kept(answer),
        Err(DispatchError::Unknown(_)) => Tried::Unknown,
        Err(error @ (DispatchError::DayExhausted { until } | DispatchError::Migrating { until })) => {
            Tried::Failed { code: error.code(), until: Some(*until) }
        }
        Err(error) => Tried::Failed { code: error.code(), until: None },
    }
}

#[cfg(test)]
mod tests;
