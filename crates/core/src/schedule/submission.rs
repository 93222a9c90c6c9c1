//! What goes into the scheduler and what comes out of it.

use std::time::Duration;

use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::call::{CostClass, Effect, Family};
use linchpin_hubspot::id::Install;

use super::breaker::{Circuit, State};
use super::budget::{Ask, DayScope, Scope};
use super::caller::Caller;
use super::coalesce::Join;
use super::lanes::{Lane, PerLane};
use super::permit::Permit;
use crate::time::{Mono, Wall};
use crate::verdict::{Cause, Why};

/// The name of a submitted call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(crate) u64);

/// A call that wants to leave. The scheduler never sees the call itself, only what decides about its turn.
#[derive(Clone, Debug)]
pub struct Submission {
    /// With whose credential.
    pub install: Install,
    /// Who makes it: callers of one lane take turns, by their shares.
    pub caller: Caller,
    /// How much of a hurry.
    pub lane: Lane,
    /// Which limits it draws on.
    pub cost: CostClass,
    /// What a repeat would do.
    pub effect: Effect,
    /// Which breaker it belongs to.
    pub family: Family,
    /// When its caller stops waiting.
    pub deadline: Option<Mono>,
    /// Which batches it may join, if any.
    pub join: Option<Join>,
    /// There is one attempt and no more: what is sent cannot be sent again.
    pub once: bool,
}

/// Why a submission was not taken. Nothing was queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The lane's queue is full.
    #[error("too many calls wait already ({limit})")]
    QueueFull {
        /// The queue's limit.
        limit: usize,
    },
    /// Its turn would come after its deadline.
    #[error("the call could leave in {wait:?} at the earliest, after its deadline")]
    Deadline {
        /// The time to wait.
        wait: Duration,
    },
    /// The account's calls of the day are used up.
    #[error("the account's calls of the day are used up")]
    DayExhausted {
        /// When the day ends.
        until: Wall,
    },
    /// The install was never registered.
    #[error("the install is not known")]
    UnknownInstall,
    /// The scheduler is shutting down.
    #[error("shutting down")]
    Shutdown,
}

/// How a submission ended. Every accepted one ends exactly once.
#[derive(Clone, Debug)]
pub enum End {
    /// HubSpot's answer, whatever it says. For a joined call, the answer of the whole batch.
    Answered(Answer),
    /// HubSpot may have done it, and a repeat may do it twice.
    Unknown {
        /// Its last answer, if there was one (5xx).
        answer: Option<Answer>,
        /// Why there is no answer, if there is none.
        cause: Option<Cause>,
    },
    /// No answer after all attempts, and nothing was done that a repeat would double.
    Unreachable(Cause),
    /// The credential is dead: only a person can help. HubSpot's refusal, if it was asked.
    DeadToken(Option<Answer>),
    /// Put away until a moment: the day is spent, or the account is being moved.
    Parked {
        /// Until when.
        until: Wall,
        /// Why.
        why: Why,
    },
    /// Its deadline passed, or the next attempt would come after it.
    Deadline,
    /// It was cancelled before it left.
    Cancelled,
    /// The scheduler shut down before it left.
    Shutdown,
}

/// What came of cancelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It had not left; it never will.
    Removed,
    /// It has left: it runs to its end, without another attempt.
    OnItsWay,
    /// It has ended already.
    Ended,
}

/// What the shell has to do.
#[derive(Debug)]
pub enum Action {
    /// Put a call on the wire, and report its end under the permit's id.
    Send {
        /// The right to do so.
        permit: Permit,
        /// The submissions that leave with it, as one batch if they are several.
        tickets: Vec<Ticket>,
        /// The number of the attempt, from one.
        attempt: u32,
        /// Whether the token must be renewed first.
        renew_token: bool,
    },
    /// Tell a caller how it ended.
    Finish {
        /// Which submission.
        ticket: Ticket,
        /// How.
        end: End,
    },
    /// Get something for the budget.
    Ask(Ask),
}

/// How many submissions may wait in each lane of a window. When so many do, a quarter as many places are left, for
/// callers who have fewer waiting than there are free: one that has filled a lane does not shut it for the others.
pub const QUEUE_MAX: PerLane<usize> = PerLane::new([2_000, 10_000, 20_000, 2_000]);

/// What a window looks like to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowSnapshot {
    /// Whose window.
    pub scope: Scope,
    /// Permits that count now.
    pub used: u32,
    /// Permits in the window.
    pub limit: u32,
    /// Submissions that wait, by lane.
    pub waiting: PerLane<usize>,
}

/// What a day's counter looks like to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaySnapshot {
    /// Whose day.
    pub scope: DayScope,
    /// Calls counted today, those in flight among them.
    pub used: u64,
    /// Calls of a day that are ours.
    pub limit: u64,
    /// When the day ends, if that is known.
    pub ends: Option<Wall>,
}

/// What the scheduler looks like to people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Every window.
    pub windows: Vec<WindowSnapshot>,
    /// Every day's counter.
    pub days: Vec<DaySnapshot>,
    /// Calls on the wire.
    pub in_flight: usize,
    /// Calls that wait for another attempt.
    pub backing_off: usize,
    /// Calls that wait for others to share a batch with.
    pub gathering: usize,
    /// Breakers that are not closed, or have failures.
    pub breakers: Vec<(Circuit, State)>,
    /// Totals since the start.
    pub totals: Totals,
}

/// Totals since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Submissions accepted.
    pub accepted: u64,
    /// Submissions refused.
    pub refused: u64,
    /// Attempts on the wire.
    pub sent: u64,
    /// Attempts beyond a call's first.
    pub retries: u64,
    /// Answers that refused for going too fast, of windows that only we use.
    pub rate_limited: u64,
    /// The same for windows shared with apps that we do not see.
    pub rate_limited_foreign: u64,
}
