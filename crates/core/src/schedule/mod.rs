//! When each call may leave: budget, lanes, coalescer, breaker and retry as small machines, and the scheduler that
//! composes them.
//!
//! The scheduler is told what is wanted ([`Submission`]), what happened ([`Outcome`]) and the time; it answers with
//! [`Action`]s. It never sees a call's path, body or token.
//!
//! Invariants: every accepted submission ends in exactly one [`Action::Finish`]; every [`Action::Send`] carries a
//! permit that is already counted; the trouble of one install or family holds up no other; within a lane, every caller
//! who has something waiting gets its share of the turns.

pub mod breaker;
pub mod budget;
pub mod caller;
pub mod coalesce;
mod day;
pub mod lanes;
pub mod limits;
pub(crate) mod lines;
mod permit;
mod pool;
pub mod record;
pub mod retry;
mod rhythm;
mod seats;
mod submission;
mod turns;
mod window;

mod flow;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use linchpin_hubspot::id::{Install, PortalId};
use rand_core::Rng;

pub use permit::{Permit, PermitId};
pub use submission::{
    Action, Cancelled, DaySnapshot, End, QUEUE_MAX, Refused, Snapshot, Submission, Ticket, Totals, WindowSnapshot,
};

use self::breaker::Breakers;
use self::budget::{Budget, Lease, Past, Scope};
use self::caller::Caller;
use self::coalesce::{BatchId, Coalescer, JoinKey};
use self::lanes::PerLane;
use self::limits::{AppKind, Limits};
use self::lines::Lines;
use self::pool::Pool;
use self::record::WindowRecord;
use self::rhythm::Rhythm;
use crate::time::{Mono, Now, Wall};
use crate::verdict::{self, Attempt, Health, Outcome};

#[derive(Debug)]
enum State {
    Queued,
    Gathering,
    BackingOff(Mono),
    OnItsWay,
}

#[derive(Debug)]
struct Job {
    submission: Submission,
    state: State,
    attempts: u32,
    /// The token was renewed for this call.
    renewed: bool,
    /// The next attempt begins with renewing the token.
    renew_next: bool,
    cancelled: bool,
    /// Why the last attempt brought no answer.
    trouble: Option<verdict::Cause>,
    /// Only of a batch: its key until it is sealed, and its members from then on.
    batch: Option<Gathered>,
}

#[derive(Debug)]
struct Gathered {
    key: JoinKey,
    sealed: Option<BatchId>,
    members: Vec<Ticket>,
    /// Everybody with an input in it: in their lines it waits.
    callers: Vec<Caller>,
}

/// Decides when each call leaves, and what its end means. One for all installs of a process.
#[derive(Debug)]
pub struct Scheduler<D> {
    dice: D,
    budget: Budget,
    breakers: Breakers,
    coalescer: Coalescer,
    rhythm: Rhythm,
    kinds: BTreeMap<Install, AppKind>,
    pools: BTreeMap<Scope, Pool>,
    jobs: BTreeMap<Ticket, Job>,
    on_wire: BTreeMap<PermitId, Ticket>,
    /// Batches that wait in a pool, not yet sealed.
    gathering: BTreeMap<JoinKey, Ticket>,
    /// How many submissions gather, by lane and caller.
    gathered: PerLane<Lines>,
    backoffs: BTreeSet<(Mono, Ticket)>,
    deadlines: BTreeSet<(Mono, Ticket)>,
    wakes: BTreeSet<(Mono, Scope)>,
    actions: VecDeque<Action>,
    tickets_made: u64,
    totals: Totals,
    shutting_down: bool,
    /// An input ended without leaving: another key's write of its record may be free.
    freed: bool,
    seen: Mono,
}

impl<D: Rng> Scheduler<D> {
    /// A scheduler without installs. The dice are used for backoff only.
    pub fn new(dice: D) -> Self {
        Self {
            dice,
            budget: Budget::default(),
            breakers: Breakers::default(),
            coalescer: Coalescer::default(),
            rhythm: Rhythm::default(),
            kinds: BTreeMap::new(),
            pools: BTreeMap::new(),
            jobs: BTreeMap::new(),
            on_wire: BTreeMap::new(),
            gathering: BTreeMap::new(),
            gathered: PerLane::default(),
            backoffs: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            wakes: BTreeSet::new(),
            actions: VecDeque::new(),
            tickets_made: 0,
            totals: Totals::default(),
            shutting_down: false,
            freed: false,
            seen: Mono::default(),
        }
    }

    /// Registers an install, with what an earlier process left behind for it.
    pub fn handle_install(&mut self, install: Install, (kind, limits): (AppKind, Limits), past: &Past, now: Now) {
        self.kinds.insert(install, kind);
        self.budget.handle_install(install, limits, past, now);
        self.take_asks();
    }

    /// Forgets an install. What of it has not left ends as cancelled, and what is on its way comes home uncounted: let
    /// an install be idle for longer than any window and any attempt before.
    pub fn handle_forget(&mut self, install: Install, now: Now) {
        let mut waiting = Vec::new();
        for (ticket, job) in self.jobs.iter_mut().filter(|(_, job)| job.submission.install == install) {
            // Nothing of it is sent again.
            job.cancelled = true;
            waiting.extend(job.has_not_left().then_some(*ticket));
        }
        for ticket in waiting {
            self.coalescer.handle_cancel(ticket);
            self.finish(ticket, &End::Cancelled, now);
        }
        for scope in self.budget.handle_forget(install) {
            if let Some(at) = self.pools.remove(&scope).and_then(|pool| pool.wake) {
                self.wakes.remove(&(at, scope));
            }
        }
        self.breakers.forget(install);
        self.kinds.remove(&install);
    }

    /// Takes a lease that was asked for.
    pub fn handle_lease(&mut self, scope: Scope, lease: Lease, now: Now) {
        self.budget.handle_lease(scope, lease);
        self.pump(scope, now);
        self.gather_freed(now);
    }

    /// Says when the account's running day ends.
    pub fn handle_day_ends(&mut self, portal: PortalId, ends: Wall) {
        self.budget.handle_day_ends(portal, ends);
    }

    /// Takes a submission, or says at once why not.
    pub fn handle_submit(&mut self, submission: Submission, now: Now) -> Result<Ticket, Refused> {
        let scope = Scope::of(submission.install, submission.cost);
        if let Err(refused) = self.admit(&submission, scope, now) {
            self.totals.refused += 1;
            return Err(refused);
        }
        self.totals.accepted += 1;
        let ticket = self.next_ticket();
        if let Some(deadline) = submission.deadline {
            self.deadlines.insert((deadline, ticket));
        }
        self.pools.entry(scope).or_default().note_arrival(submission.lane, now.mono);
        if let Some(join) = submission.join.clone() {
            self.coalescer.handle_join(ticket, &join, now.mono);
            self.gathered.get_mut(submission.lane).add(submission.caller);
            self.jobs.insert(ticket, Job::new(submission, State::Gathering));
            self.gather(&join.key, now);
        } else {
            let Submission { lane, caller, .. } = submission;
            self.pools.entry(scope).or_default().push(lane, submission.circuit(), ticket, &[caller]);
            self.jobs.insert(ticket, Job::new(submission, State::Queued));
        }
        self.pump(scope, now);
        self.gather_freed(now);
        Ok(ticket)
    }

    /// The caller leaves. Only what has not been sent is removed.
    pub fn handle_cancel(&mut self, ticket: Ticket, now: Now) -> Cancelled {
        let Some(job) = self.jobs.get_mut(&ticket) else { return Cancelled::Ended };
        job.cancelled = true;
        match job.state {
            State::OnItsWay => Cancelled::OnItsWay,
            State::Queued | State::Gathering | State::BackingOff(_) => {
                self.freed |= self.coalescer.handle_cancel(ticket);
                self.finish(ticket, &End::Cancelled, now);
                self.gather_freed(now);
                Cancelled::Removed
            }
        }
    }

    /// Reports how an attempt ended. A permit that is not out is ignored: its attempt was taken for lost before.
    pub fn handle_outcome(&mut self, permit: PermitId, outcome: Outcome, now: Now) {
        let Some(ticket) = self.on_wire.remove(&permit) else { return };
        let Some(job) = self.jobs.get_mut(&ticket) else { return };
        let Submission { install, cost, effect, .. } = job.submission;
        let scope = Scope::of(install, cost);
        let learned = verdict::learned(&outcome, cost);
        match outcome {
            Outcome::NotSent(_) => self.budget.handle_unsent(permit),
            Outcome::Answered(_) | Outcome::Lost(_) => self.budget.handle_end(permit, &learned, now),
        };
        if learned.limited.is_some() {
            match scope {
                Scope::Search(_) => self.totals.rate_limited_foreign += 1,
                Scope::Burst(_) | Scope::Association(_) | Scope::Token(_) | Scope::Journal(_) => {
                    self.totals.rate_limited += 1;
                }
            }
        }
        let circuit = job.submission.circuit();
        let attempt = Attempt {
            effect,
            once: job.submission.once,
            cost,
            number: job.attempts,
            deadline: job.submission.deadline,
            app: self.kinds.get(&install).copied().unwrap_or(AppKind::Private),
            renewed: job.renewed,
        };
        match verdict::health(&outcome) {
            Health::Alive => self.breakers.handle_success(circuit),
            Health::Trouble => self.breakers.handle_failure(circuit, now.mono),
            Health::Unseen => self.breakers.handle_unseen(circuit, now.mono),
        }
        let verdict = verdict::verdict(&outcome, &attempt, now.mono, &mut self.dice);
        self.apply(ticket, verdict, outcome, now);
        self.pump(scope, now);
        self.gather_freed(now);
    }

    /// Takes back a permit that nothing was sent with, because everybody who wanted it has left. Their calls end as
    /// cancelled.
    pub fn handle_withdrawn(&mut self, permit: PermitId, now: Now) {
        let Some(ticket) = self.on_wire.remove(&permit) else { return };
        self.budget.handle_unsent(permit);
        let Some(job) = self.jobs.get(&ticket) else { return };
        let (circuit, scope) = (job.submission.circuit(), Scope::of(job.submission.install, job.submission.cost));
        self.breakers.handle_unseen(circuit, now.mono);
        self.finish(ticket, &End::Cancelled, now);
        self.pump(scope, now);
        self.gather_freed(now);
    }

    /// Refuses what comes, and ends what has not left. What is on its way runs to its end, without another attempt.
    pub fn handle_shutdown(&mut self, now: Now) {
        self.shutting_down = true;
        let waiting: Vec<Ticket> = self.jobs.iter().filter(|(_, job)| job.has_not_left()).map(|(t, _)| *t).collect();
        // All leave the coalescer before the first end: a batch that ends frees its records, and lets others go.
        for ticket in &waiting {
            self.coalescer.handle_cancel(*ticket);
        }
        for ticket in waiting {
            self.finish(ticket, &End::Shutdown, now);
        }
    }

    /// Does what time has made due.
    pub fn handle_timeout(&mut self, now: Now) {
        self.seen = now.mono;
        for permit in self.budget.handle_timeout(now) {
            let cause = verdict::Cause { kind: verdict::CauseKind::Abandoned, detail: "never reported".to_owned() };
            self.handle_outcome(permit, Outcome::Lost(cause), now);
        }
        self.take_asks();
        while let Some((at, ticket)) = self.deadlines.first().copied().filter(|(at, _)| *at <= now.mono) {
            self.deadlines.remove(&(at, ticket));
            let Some(job) = self.jobs.get_mut(&ticket).filter(|job| job.has_not_left()) else { continue };
            // Why there is no answer says more than that the time is up.
            let end = job.trouble.take().map_or(End::Deadline, End::Unreachable);
            self.freed |= self.coalescer.handle_cancel(ticket);
            self.finish(ticket, &end, now);
        }
        while let Some((at, ticket)) = self.backoffs.first().copied().filter(|(at, _)| *at <= now.mono) {
            self.backoffs.remove(&(at, ticket));
            self.requeue(ticket, now);
        }
        let over = self.rhythm.handle_timeout(now.mono);
        for key in over.into_iter().chain(self.coalescer.due(now.mono)) {
            self.gather(&key, now);
        }
        while let Some((at, scope)) = self.wakes.first().copied().filter(|(at, _)| *at <= now.mono) {
            self.wakes.remove(&(at, scope));
            if let Some(pool) = self.pools.get_mut(&scope) {
                pool.wake = None;
            }
            self.pump(scope, now);
        }
        self.gather_freed(now);
    }

    /// Lets writes go on that waited for one that never left.
    fn gather_freed(&mut self, now: Now) {
        while std::mem::take(&mut self.freed) {
            for key in self.coalescer.due(now.mono) {
                self.gather(&key, now);
            }
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub fn poll_timeout(&self) -> Option<Mono> {
        let backoff = self.backoffs.first().map(|(at, _)| *at);
        let deadline = self.deadlines.first().map(|(at, _)| *at);
        let wake = self.wakes.first().map(|(at, _)| *at);
        // A key whose time is over and that is not due waits for a record, not for the clock.
        let gathering = self.coalescer.poll_timeout().filter(|at| *at > self.seen);
        let rhythm = self.rhythm.poll_timeout();
        [backoff, deadline, wake, gathering, rhythm, self.budget.poll_timeout()].into_iter().flatten().min()
    }

    /// The next thing that the shell has to do.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// What a later process must know of this install: for an orderly end.
    pub fn record(&self, install: Install, now: Now) -> WindowRecord {
        self.budget.record(install, now)
    }

    /// Whether nothing waits and nothing is on its way.
    pub fn is_idle(&self) -> bool {
        self.jobs.is_empty()
    }

    /// What the scheduler looks like at this moment: permits that have come back since the last call count as free.
    pub fn look(&mut self, now: Now) -> Snapshot {
        self.budget.advance(now);
        self.take_asks();
        self.snapshot()
    }

    /// What the scheduler looked like at its last input.
    pub fn snapshot(&self) -> Snapshot {
        let windows = self.budget.windows.keys().filter_map(|scope| {
            let (used, limit) = self.budget.figures(*scope)?;
            let waiting = self.pools.get(scope).map_or_else(PerLane::default, Pool::waiting);
            Some(WindowSnapshot { scope: *scope, used, limit, waiting })
        });
        let days = self.budget.days.iter().map(|(scope, day)| {
            let (used, limit, ends) = day.figures();
            DaySnapshot { scope: *scope, used, limit, ends }
        });
        Snapshot {
            windows: windows.collect(),
            days: days.collect(),
            gathering: self.coalescer.waiting(),
            in_flight: self.on_wire.len(),
            backing_off: self.backoffs.len(),
            breakers: self.breakers.iter().collect(),
            totals: self.totals,
        }
    }
}
