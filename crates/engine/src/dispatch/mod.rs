//! The one door: every call to HubSpot goes through a [`Dispatch`].
//!
//! One [`Scheduler`](linchpin_core::schedule::Scheduler) decides, and one at a time does what it says and tells it what
//! happened: whoever brings a call or an outcome, or a task where something has to be waited for. The handle is cheap
//! to clone.
//!
//! Invariants: nothing is sent without a permit; nothing is sent later than what the store was told beforehand (so
//! that a crash at any instant is followed by a full window); every call that was taken gets exactly one answer.

mod attempt;
mod door;
mod error;
mod horizon;
mod owner;
mod ride;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use linchpin_core::gateway::join::Joined;
use linchpin_core::schedule::caller::Share as Weight;
use linchpin_core::schedule::coalesce::Join;
use linchpin_core::schedule::lanes::Lane;
use linchpin_core::schedule::limits::{AppKind, Limits};
use linchpin_core::schedule::{Snapshot, Ticket};
use linchpin_core::time::Wall;
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::call::Call;
use linchpin_hubspot::id::{Install, PortalId};
use linchpin_ports::budget::BudgetRecords;
use linchpin_ports::credentials::Credentials;
use linchpin_ports::store::StoreError;
use tokio::sync::{mpsc, oneshot};

use self::attempt::Attempt;
use self::door::{Door, Held};
pub use self::error::{DispatchError, Unresolved};
use self::owner::Owner;
use self::ride::Ride;
pub use self::ride::{Place, Share, Shared};
use crate::clock::Clock;
use crate::echo::Echoes;
use crate::tasks::Tasks;
use crate::upstream::{Begun, Passage, Upstream};

/// Messages that may wait for the owner; whoever sends more waits.
const INBOX_MAX: usize = 1_024;

/// Where a call comes from: carried along, and shown to people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Who asked (`sync`, `gateway:<key name>`).
    pub caller: String,
    /// The run it belongs to, if any.
    pub run: Option<String>,
    /// What caused it (an operation, an event), if known.
    pub cause: Option<String>,
    /// The trace it belongs to, if any.
    pub trace: Option<String>,
}

/// A call that somebody wants to make.
#[derive(Clone, Debug)]
pub struct CallRequest {
    /// With whose credential.
    pub install: Install,
    /// How much of a hurry.
    pub lane: Lane,
    /// The call.
    pub call: Call,
    /// How long the caller waits; none waits for ever.
    pub deadline: Option<Duration>,
    /// Where it comes from.
    pub origin: Origin,
    /// What of it may flow past; none if all is held.
    pub passage: Option<Arc<Passage>>,
    /// Whether the caller's own task makes the attempts of a call that leaves with no other: it saves a task for each.
    /// Only for callers that are polled whenever they are woken: who is not holds up the call.
    pub drives: bool,
}

impl CallRequest {
    /// A call without a deadline and of no particular origin.
    pub fn new(install: Install, lane: Lane, call: Call) -> Self {
        Self { install, lane, call, deadline: None, origin: Origin::default(), passage: None, drives: false }
    }
}

/// When the days of accounts end.
pub trait DayEnds: Send + Sync {
    /// The next midnight in the account's time zone, if the zone is known.
    fn day_ends(&self, portal: PortalId, now: Wall) -> Option<Wall>;
}

/// Nobody knows any zone: days end at midnight UTC.
#[derive(Clone, Copy, Debug, Default)]
pub struct UtcDays;

impl DayEnds for UtcDays {
    fn day_ends(&self, _portal: PortalId, now: Wall) -> Option<Wall> {
        const DAY_MS: i64 = 86_400_000;
        Some(Wall(now.0 - now.0.rem_euclid(DAY_MS) + DAY_MS))
    }
}

/// What the door is built from.
pub struct Parts {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Sends.
    pub upstream: Arc<dyn Upstream>,
    /// Where tokens come from.
    pub credentials: Arc<dyn Credentials>,
    /// Where windows are remembered.
    pub records: Arc<dyn BudgetRecords>,
    /// When days end.
    pub days: Arc<dyn DayEnds>,
    /// The seed of the dice that spread retries.
    pub seed: u64,
}

/// A handle to the one door. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Dispatch {
    inbox: mpsc::Sender<Message>,
    door: Arc<Door>,
    _held: Arc<Held>,
}

/// What a caller is told.
enum Told {
    /// Its call leaves now: make the attempt, and listen on.
    Go(Attempt, oneshot::Receiver<Self>),
    /// The end.
    End(Result<Shared, DispatchError>),
}

/// Where a caller is told.
type Reply = oneshot::Sender<Told>;

/// What the owner is told from outside.
enum Message {
    Install { install: Install, kind: AppKind, limits: Limits, done: oneshot::Sender<Result<(), StoreError>> },
    Call { request: Box<CallRequest>, way: Way, reply: Reply },
    DayEnds { portal: PortalId, ends: Wall },
    Forget { install: Install },
    Echoes { echoes: Arc<Echoes> },
    Shares { shares: BTreeMap<String, Weight> },
    Snapshot { reply: oneshot::Sender<Snapshot> },
}

impl Dispatch {
    /// Opens the door. It closes when `tasks` shuts down: what has not left is refused, what is on its way is waited
    /// for, and the windows are remembered.
    pub fn start(tasks: &Tasks, parts: Parts) -> Self {
        let (inbox, messages) = mpsc::channel(INBOX_MAX);
        let (door, held) = Door::open(tasks, |door| Owner::new(tasks.clone(), parts, messages, door));
        Self { inbox, door, _held: Arc::new(held) }
    }

    /// Hands a message over, and does what lies ready.
    async fn bring(&self, message: Message) -> Result<(), Closed> {
        self.inbox.send(message).await.map_err(|_| Closed)?;
        self.door.work();
        Ok(())
    }

    /// Registers an install, or changes its limits. Nothing can be sent for an install before.
    ///
    /// # Errors
    /// The record of its last windows could not be read; the install is not registered then.
    pub async fn install(&self, install: Install, kind: AppKind, limits: Limits) -> Result<(), InstallError> {
        let (done, outcome) = oneshot::channel();
        let message = Message::Install { install, kind, limits, done };
        self.bring(message).await.map_err(|Closed| InstallError::Shutdown)?;
        outcome.await.map_err(|_| InstallError::Shutdown)?.map_err(InstallError::Store)
    }

    /// Makes one call, when its turn comes, and as often as it takes and is safe.
    ///
    /// Whatever HubSpot finally answers is an answer: 400, 404 and 409 as well, and a 5xx that stayed after the last
    /// attempt of a call that may be repeated. Dropping the future takes the call back if it has not left.
    ///
    /// If the answer flows past, what is returned is its head, and its body lies in the call's passage.
    ///
    /// # Errors
    /// There is no answer: see [`DispatchError`].
    pub async fn call(&self, request: CallRequest) -> Result<Answer, DispatchError> {
        match self.send(request, Way::Alone).await? {
            Shared::Alone(answer) | Shared::Along(answer) | Shared::Place(Place { answer, .. }) => Ok(answer),
            // Not of a call that shares with nobody.
            Shared::Apart => Err(forgotten()),
        }
    }

    /// The same for a call that may share a batch with others: it leaves at once if nothing of its kind is on its way,
    /// and otherwise with all that gathered meanwhile.
    ///
    /// # Errors
    /// There is no answer: see [`DispatchError`].
    pub async fn call_joined(&self, request: CallRequest, joined: Joined) -> Result<Shared, DispatchError> {
        self.send(request, Way::Batch(Arc::new(joined))).await
    }

    /// The same for a call whose answer serves all who ask the very same: those that gather under one key and record
    /// leave as one call, as the first of them made it, and each gets its answer. None joins a call that has left.
    ///
    /// With `writes`, a record and a key of its own a call shares with nobody, and waits its turn to write the record.
    ///
    /// # Errors
    /// There is no answer: see [`DispatchError`].
    pub async fn call_same(&self, request: CallRequest, join: Join) -> Result<Shared, DispatchError> {
        self.send(request, Way::Same(join)).await
    }

    async fn send(&self, request: CallRequest, way: Way) -> Result<Shared, DispatchError> {
        let (reply, told) = oneshot::channel();
        let begun = request.passage.as_ref().map(|passage| passage.watch());
        let message = Message::Call { request: Box::new(request), way, reply };
        self.bring(message).await.map_err(|Closed| DispatchError::Shutdown)?;
        let begins = async {
            match begun {
                Some(begun) => begun.await.ok(),
                None => None,
            }
        };
        tokio::select! {
            biased;
            Some(begun) = begins => Ok(match begun {
                Begun::Here(answer) => Shared::Alone(answer),
                Begun::Apart => Shared::Apart,
            }),
            answer = answered(told) => answer,
        }
    }

    /// Says when the running day of an account ends.
    pub async fn day_ends(&self, portal: PortalId, ends: Wall) {
        // A door that is closed needs no day.
        drop(self.bring(Message::DayEnds { portal, ends }).await);
    }

    /// Forgets an install that has been idle for longer than any window lasts and any attempt may take.
    pub async fn forget(&self, install: Install) {
        // A door that is closed has forgotten all.
        drop(self.bring(Message::Forget { install }).await);
    }

    /// Notes from now on what is written through this door, so that its echoes are recognised. Otherwise nothing is.
    pub async fn note_writes(&self, echoes: Arc<Echoes>) {
        // A door that is closed writes nothing.
        drop(self.inbox.send(Message::Echoes { echoes }).await);
    }

    /// Gives callers their shares of the turns in a lane, by the names that stand in the [`Origin`]s of their calls,
    /// from now on. All others have [`Weight::MIN`].
    pub async fn share_turns(&self, shares: BTreeMap<String, Weight>) {
        // A door that is closed gives nobody a turn.
        drop(self.inbox.send(Message::Shares { shares }).await);
    }

    /// What the scheduler looks like now; none when the door is closed.
    pub async fn snapshot(&self) -> Option<Snapshot> {
        let (reply, snapshot) = oneshot::channel();
        self.bring(Message::Snapshot { reply }).await.ok()?;
        snapshot.await.ok()
    }
}

/// Makes the attempts that are left to the caller, until there is an answer.
async fn answered(mut told: oneshot::Receiver<Told>) -> Result<Shared, DispatchError> {
    let mut attempt = None;
    loop {
        let makes = async {
            match &mut attempt {
                Some(attempt) => attempt.await,
                None => std::future::pending().await,
            }
        };
        let heard = tokio::select! {
            biased;
            heard = &mut told => heard,
            () = makes => {
                attempt = None;
                continue;
            }
        };
        match heard {
            Ok(Told::Go(begun, next)) => (attempt, told) = (Some(begun), next),
            Ok(Told::End(answer)) => return answer,
            // Taken, and then forgotten: the owner broke off, and nobody knows whether the call had left.
            Err(_) => return Err(forgotten()),
        }
    }
}

/// The door takes nothing any more.
struct Closed;

fn forgotten() -> DispatchError {
    DispatchError::Unknown(Box::new(Unresolved { answer: None, cause: None }))
}

/// Why an install could not be registered.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The door is closed.
    #[error("shutting down")]
    Shutdown,
    /// Its record could not be read.
    #[error("the record of the last calls cannot be read")]
    Store(#[source] StoreError),
}

/// With whom a call may leave.
enum Way {
    /// With nobody.
    Alone,
    /// As an input of a batch.
    Batch(Arc<Joined>),
    /// As one call with all who ask the same.
    Same(Join),
}

impl Way {
    fn join(&self) -> Option<&Join> {
        match self {
            Self::Alone => None,
            Self::Batch(joined) => Some(&joined.join),
            Self::Same(join) => Some(join),
        }
    }
}

/// What the owner keeps of a call until its end.
struct Pending {
    call: Arc<Call>,
    install: Install,
    origin: Origin,
    reply: Reply,
    way: Way,
    with: With,
    passage: Option<Arc<Passage>>,
    drives: bool,
}

/// One call that leaves.
struct Leaving {
    call: Arc<Call>,
    install: Install,
    caller: String,
    /// Whose calls leave with it, as each made its own, if writes are noted.
    writers: Vec<(String, Arc<Call>)>,
    /// Of those whom its answer serves as it is, if each can take a stream.
    passages: Vec<Arc<Passage>>,
}

/// With whom a call has left.
enum With {
    /// By itself, or first of those that ask the same; or not yet.
    Nobody,
    /// As what another asked.
    Another,
    /// In a batch, with its place there, and whether it began the batch.
    Others(Arc<Ride>, usize, bool),
}

impl Pending {
    /// Whether it is sent as it is when nothing else leaves with it. What costs another thing alone was admitted for
    /// the batch's price.
    fn is_alone(&self) -> bool {
        match &self.way {
            Way::Alone | Way::Same(_) => true,
            Way::Batch(joined) => joined.cost == self.call.cost,
        }
    }
}

/// Calls by their tickets.
type PendingCalls = BTreeMap<Ticket, Pending>;
