//! The scheduler's inner steps: who is let in, who goes next, and how an end is told.

use std::collections::BTreeMap;
use std::time::Duration;

use rand_core::Rng;

use super::breaker::{Circuit, Gate};
use super::budget::{Policy, Room, Scope};
use super::caller::{Caller, CallerId};
use super::coalesce::JoinKey;
use super::day::DAY_PROBE;
use super::lanes::{Lane, PerLane};
use super::lines::has_place;
use super::pool::Next;
use super::{Action, End, Gathered, Job, QUEUE_MAX, Refused, Scheduler, State, Submission, Ticket};
use crate::time::{Mono, Now, Wall};
use crate::verdict::{Enough, Outcome, Verdict, Why};

/// Windows with fewer permits keep none for interactive work.
const RESERVE_FROM: u32 = 50;

impl Submission {
    pub(super) fn circuit(&self) -> Circuit {
        (self.install, self.family)
    }
}

impl Job {
    pub(super) fn new(submission: Submission, state: State) -> Self {
        Self {
            submission,
            state,
            attempts: 0,
            renewed: false,
            renew_next: false,
            cancelled: false,
            trouble: None,
            batch: None,
        }
    }

    pub(super) fn has_not_left(&self) -> bool {
        match self.state {
            State::Queued | State::Gathering | State::BackingOff(_) => true,
            State::OnItsWay => false,
        }
    }

    /// In whose lines it waits.
    pub(super) fn callers(&self) -> &[Caller] {
        self.batch.as_ref().map_or(std::slice::from_ref(&self.submission.caller), |batch| &batch.callers)
    }

    fn scope(&self) -> Scope {
        Scope::of(self.submission.install, self.submission.cost)
    }
}

impl<D: Rng> Scheduler<D> {
    pub(super) fn next_ticket(&mut self) -> Ticket {
        self.tickets_made += 1;
        Ticket(self.tickets_made)
    }

    pub(super) fn take_asks(&mut self) {
        while let Some(ask) = self.budget.poll_ask() {
            self.actions.push_back(Action::Ask(ask));
        }
    }

    /// Whether a submission may wait here.
    pub(super) fn admit(&mut self, wanted: &Submission, scope: Scope, now: Now) -> Result<(), Refused> {
        if self.shutting_down {
            return Err(Refused::Shutdown);
        }
        let room = self.budget.room(wanted.install, wanted.cost, now);
        self.take_asks();
        let (free, changes) = match room {
            Room::Unknown => return Err(Refused::UnknownInstall),
            Room::DaySpent { until } => return Err(Refused::DayExhausted { until }),
            Room::Free(free) => (free, None),
            Room::Full { until } => (0, until),
        };
        let (pool, limit) = (self.pools.get(&scope), *QUEUE_MAX.get(wanted.lane));
        let waits = pool.is_none_or(|pool| pool.has_place(wanted.lane, wanted.caller.id, limit));
        let gathered = self.gathered.get(wanted.lane);
        let gathers = wanted.join.is_none() || has_place(gathered.total(), gathered.of(wanted.caller.id), limit);
        if !waits || !gathers {
            return Err(Refused::QueueFull { limit });
        }
        let Some(deadline) = wanted.deadline else { return Ok(()) };
        let ahead = pool.map_or(0, |pool| pool.ahead_of(wanted.lane, wanted.caller));
        let mut earliest = now.mono + self.time_for(scope, ahead, free);
        earliest = earliest.max(changes.unwrap_or_default());
        if let Gate::ShutUntil(until) = self.breakers.gate(wanted.circuit(), now.mono) {
            earliest = earliest.max(until);
        }
        if earliest > deadline { Err(Refused::Deadline { wait: earliest - now.mono }) } else { Ok(()) }
    }

    /// How long it takes at the limit's rate until those ahead, and one more, have left.
    fn time_for(&self, scope: Scope, ahead: usize, free: u32) -> Duration {
        let Some(view) = self.budget.view(scope) else { return Duration::ZERO };
        let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
        if ahead < free {
            return Duration::ZERO;
        }
        (view.span / view.limit.max(1)).saturating_mul(ahead - free)
    }

    /// Puts a batch of the key into its lane if one is due, and none waits there yet.
    pub(super) fn gather(&mut self, key: &JoinKey, now: Now) {
        if let Some(unit) = self.gathering.get(key).copied() {
            self.hurry(key, unit);
            return;
        }
        if !self.coalescer.is_due(key, now.mono) || self.is_held_back(key, now.mono) {
            // What is held back may have to wait for a write as well, that leaves in the meantime.
            return self.coalescer.hold(key);
        }
        let oldest = self.coalescer.oldest(key).and_then(|ticket| self.jobs.get(&ticket));
        let Some(mut submission) = oldest.map(|job| job.submission.clone()) else { return };
        submission.join = None;
        submission.deadline = None;
        let unit = self.next_ticket();
        self.gathering.insert(key.clone(), unit);
        let mut job = Job::new(submission, State::Queued);
        let callers = self.callers_of(self.coalescer.inputs(key));
        job.batch = Some(Gathered { key: key.clone(), sealed: None, members: Vec::new(), callers });
        self.jobs.insert(unit, job);
        self.requeue(unit, now);
    }

    /// Whether the key's next batch gathers for a while, because its window fills up.
    fn is_held_back(&self, key: &JoinKey, now: Mono) -> bool {
        let Some(until) = self.rhythm.held_until(key, now) else { return false };
        let newest = self.coalescer.newest(key).and_then(|ticket| self.jobs.get(&ticket));
        let in_time = newest.and_then(|job| job.submission.deadline).is_none_or(|deadline| deadline > until);
        in_time && !self.coalescer.is_full(key)
    }

    /// The callers of these submissions, each once.
    fn callers_of(&self, tickets: impl Iterator<Item = Ticket>) -> Vec<Caller> {
        let callers = tickets.filter_map(|ticket| self.jobs.get(&ticket)).map(|job| job.submission.caller);
        let each: BTreeMap<CallerId, Caller> = callers.map(|caller| (caller.id, caller)).collect();
        each.into_values().collect()
    }

    /// A waiting batch goes into the line of whoever joins it, and into the lane of its most urgent input.
    fn hurry(&mut self, key: &JoinKey, unit: Ticket) {
        let newest = self.coalescer.newest(key).and_then(|ticket| self.jobs.get(&ticket));
        let newest = newest.map(|job| (job.submission.lane, job.submission.caller));
        let (Some((urgent, caller)), Some(job)) = (newest, self.jobs.get_mut(&unit)) else { return };
        let (scope, circuit, before) = (job.scope(), job.submission.circuit(), job.submission.lane);
        let Some(batch) = &mut job.batch else { return };
        let pool = self.pools.entry(scope).or_default();
        if pool.stand(before, circuit, unit, caller) {
            batch.callers.push(caller);
        }
        if urgent < before {
            pool.remove(before, circuit, unit, &batch.callers);
            pool.push(urgent, circuit, unit, &batch.callers);
            job.submission.lane = urgent;
        }
    }

    /// Back into the lane, at the place of its age.
    pub(super) fn requeue(&mut self, ticket: Ticket, now: Now) {
        let Some(job) = self.jobs.get_mut(&ticket) else { return };
        job.state = State::Queued;
        let scope = job.scope();
        self.line_up(ticket);
        self.pump(scope, now);
    }

    fn line_up(&mut self, ticket: Ticket) {
        let Some(job) = self.jobs.get(&ticket) else { return };
        let (lane, circuit) = (job.submission.lane, job.submission.circuit());
        self.pools.entry(job.scope()).or_default().push(lane, circuit, ticket, job.callers());
    }

    /// Sends whatever may leave now, and notes when to look again.
    pub(super) fn pump(&mut self, scope: Scope, now: Now) {
        loop {
            let step = self.next_step(scope, now);
            self.take_asks();
            match step {
                Step::Send(next) if self.send(next, now) => {}
                Step::Send(_) => return,
                Step::Park(ticket, until) => {
                    let end = End::Parked { until, why: Why::RateLimited(Some(Policy::Daily)) };
                    self.finish(ticket, &end, now);
                }
                Step::Wait(wake) => return self.set_wake(scope, wake),
            }
        }
    }

    fn set_wake(&mut self, scope: Scope, wake: Option<Mono>) {
        let Some(pool) = self.pools.get_mut(&scope) else { return };
        if pool.wake == wake {
            return;
        }
        if let Some(old) = pool.wake {
            self.wakes.remove(&(old, scope));
        }
        pool.wake = wake;
        self.wakes.extend(wake.map(|at| (at, scope)));
    }

    fn next_step(&mut self, scope: Scope, now: Now) -> Step {
        let mut may_go = PerLane::new([None; 4]);
        let mut wake: Option<Mono> = None;
        let mut contended = false;
        for lane in Lane::ALL {
            let Some(pool) = self.pools.get(&scope) else { return Step::Wait(None) };
            let head = pool.head(lane, &self.breakers, now.mono);
            wake = wake.into_iter().chain(head.opens).min();
            let Some(next) = head.next else { continue };
            match self.turn(scope, next.ticket, contended, now) {
                Turn::Now => {
                    *may_go.get_mut(lane) = Some(next);
                    contended |= !lane.is_background();
                }
                Turn::At(at) => wake = wake.into_iter().chain(at).min(),
                Turn::NotToday(until) => return Step::Park(next.ticket, until),
            }
        }
        let lanes = PerLane::new(Lane::ALL.map(|lane| may_go.get(lane).is_some()));
        let chosen = self.pools.get(&scope).and_then(|pool| pool.turns.choose(lanes));
        match chosen.and_then(|lane| *may_go.get(lane)) {
            Some(next) => Step::Send(next),
            None => Step::Wait(wake),
        }
    }

    /// When the head of a lane may leave. `contended` says that foreground work may leave now as well: turns decide
    /// then, and pace and reserve would only starve the background lanes.
    fn turn(&mut self, scope: Scope, ticket: Ticket, contended: bool, now: Now) -> Turn {
        let (Some(job), Some(pool)) = (self.jobs.get(&ticket), self.pools.get(&scope)) else { return Turn::At(None) };
        let Submission { install, lane, cost, .. } = job.submission;
        match self.budget.room(install, cost, now) {
            Room::DaySpent { until } => return Turn::NotToday(until),
            Room::Full { until } => return Turn::At(until),
            Room::Unknown => return Turn::At(None),
            Room::Free(_) if contended || !lane.is_background() => return Turn::Now,
            Room::Free(_) => {}
        }
        let Some(view) = self.budget.view(scope) else { return Turn::At(None) };
        let shares = self.budget.shares(install);
        let kept = view.limit >= RESERVE_FROM && pool.expects_foreground(now.mono);
        let reserve = if kept { shares.reserve } else { 0 };
        match pool.pace.next(&view, shares.bulk_burst_percent, reserve, now.mono) {
            Some(at) if at <= now.mono => Turn::Now,
            // A permit that comes back before quickens the pace.
            paced => Turn::At(paced.into_iter().chain(view.next_release).min()),
        }
    }

    /// Lets one submission, or a whole batch, leave. False if there was no permit after all.
    fn send(&mut self, Next { ticket, caller }: Next, now: Now) -> bool {
        let Some(job) = self.jobs.get(&ticket) else { return false };
        let Submission { install, lane, cost, .. } = job.submission;
        let (scope, circuit) = (job.scope(), job.submission.circuit());
        if let Some(pool) = self.pools.get_mut(&scope) {
            pool.remove(lane, circuit, ticket, job.callers());
        }
        let Some(tickets) = self.seal(ticket, now) else { return true };
        let Some(permit) = self.budget.take(install, cost, now) else {
            self.line_up(ticket);
            return false;
        };
        if let Some(pool) = self.pools.get_mut(&scope) {
            pool.took(lane, caller, now.mono);
        }
        self.breakers.handle_send(circuit);
        self.on_wire.insert(permit.id(), ticket);
        let view = self.budget.view(scope);
        let Some(job) = self.jobs.get_mut(&ticket) else { return false };
        if let (Some(gathered), Some(view)) = (&job.batch, view) {
            self.rhythm.handle_send(&gathered.key, tickets.len(), &view, now.mono);
        }
        job.state = State::OnItsWay;
        job.attempts += 1;
        self.totals.sent += 1;
        self.totals.retries += u64::from(job.attempts > 1);
        let renew_token = std::mem::take(&mut job.renew_next);
        self.actions.push_back(Action::Send { permit, tickets, attempt: job.attempts, renew_token });
        true
    }

    /// The submissions that leave under a ticket: itself, or the members of its batch, which nothing joins any more.
    /// None if the batch has nobody left.
    fn seal(&mut self, ticket: Ticket, now: Now) -> Option<Vec<Ticket>> {
        let Some(gathered) = self.jobs.get(&ticket)?.batch.as_ref() else { return Some(vec![ticket]) };
        if gathered.sealed.is_some() {
            return Some(gathered.members.clone());
        }
        let key = gathered.key.clone();
        self.gathering.remove(&key);
        let jobs = &self.jobs;
        let caller_of = |ticket| jobs.get(&ticket).map_or_else(Caller::default, |job| job.submission.caller);
        let Some(batch) = self.coalescer.seal_by(&key, now.mono, caller_of) else {
            self.jobs.remove(&ticket);
            return None;
        };
        let mut deadline = Some(Mono::default());
        for member in &batch.tickets {
            let Some(member) = self.jobs.get_mut(member) else { continue };
            member.state = State::OnItsWay;
            self.gathered.get_mut(member.submission.lane).remove(member.submission.caller.id);
            // The batch is worth repeating as long as anybody waits for it.
            deadline = deadline.zip(member.submission.deadline).map(|(a, b)| a.max(b));
        }
        let callers = self.callers_of(batch.tickets.iter().copied());
        let job = self.jobs.get_mut(&ticket)?;
        job.submission.deadline = deadline;
        // A repeat may have to wait for its turn, or for the breaker.
        self.deadlines.extend(deadline.map(|at| (at, ticket)));
        job.batch = Some(Gathered { key, sealed: Some(batch.id), members: batch.tickets.clone(), callers });
        Some(batch.tickets)
    }

    /// Does what the verdict on an attempt says.
    pub(super) fn apply(&mut self, ticket: Ticket, verdict: Verdict, outcome: Outcome, now: Now) {
        let end = match verdict {
            Verdict::Retry { after, why } => {
                if let (Some(job), Outcome::NotSent(cause) | Outcome::Lost(cause)) =
                    (self.jobs.get_mut(&ticket), outcome)
                {
                    job.trouble = Some(cause);
                }
                return self.retry(ticket, after, why, now);
            }
            Verdict::GiveUp { enough: Enough::Deadline, .. } => match outcome {
                Outcome::NotSent(cause) | Outcome::Lost(cause) => End::Unreachable(cause),
                Outcome::Answered(_) => End::Deadline,
            },
            Verdict::Park { after, why } => {
                let until = match (after, self.day_spent_until(ticket, now)) {
                    (Some(after), _) => now.wall + after,
                    (None, Some(until)) => until,
                    (None, None) => now.wall + DAY_PROBE,
                };
                End::Parked { until, why }
            }
            Verdict::Accept | Verdict::GiveUp { enough: Enough::Attempts, .. } => match outcome {
                Outcome::Answered(answer) => End::Answered(answer),
                Outcome::NotSent(cause) | Outcome::Lost(cause) => End::Unreachable(cause),
            },
            Verdict::AskHuman | Verdict::Unknown => match (verdict, outcome) {
                (Verdict::AskHuman, Outcome::Answered(answer)) => End::DeadToken(Some(answer)),
                (Verdict::AskHuman, Outcome::NotSent(_) | Outcome::Lost(_)) => End::DeadToken(None),
                (_, Outcome::Answered(answer)) => End::Unknown { answer: Some(answer), cause: None },
                (_, Outcome::NotSent(cause) | Outcome::Lost(cause)) => {
                    End::Unknown { answer: None, cause: Some(cause) }
                }
            },
        };
        self.finish(ticket, &end, now);
    }

    fn day_spent_until(&mut self, ticket: Ticket, now: Now) -> Option<Wall> {
        let Submission { install, cost, .. } = self.jobs.get(&ticket)?.submission;
        match self.budget.room(install, cost, now) {
            Room::DaySpent { until } => Some(until),
            Room::Free(_) | Room::Full { .. } | Room::Unknown => None,
        }
    }

    fn retry(&mut self, ticket: Ticket, after: Duration, why: Why, now: Now) {
        let Some(job) = self.jobs.get_mut(&ticket) else { return };
        if job.cancelled {
            return self.finish(ticket, &End::Cancelled, now);
        }
        if self.shutting_down {
            return self.finish(ticket, &End::Shutdown, now);
        }
        if why == Why::TokenExpired {
            job.renewed = true;
            job.renew_next = true;
        }
        let at = now.mono + after;
        job.state = State::BackingOff(at);
        self.backoffs.insert((at, ticket));
    }

    /// Ends a submission, or all members of a batch, and forgets it.
    pub(super) fn finish(&mut self, ticket: Ticket, end: &End, now: Now) {
        let Some(job) = self.jobs.remove(&ticket) else { return };
        if let Some(deadline) = job.submission.deadline {
            self.deadlines.remove(&(deadline, ticket));
        }
        match job.state {
            State::Queued => {
                if let Some(pool) = self.pools.get_mut(&job.scope()) {
                    pool.remove(job.submission.lane, job.submission.circuit(), ticket, job.callers());
                }
            }
            State::BackingOff(at) => {
                self.backoffs.remove(&(at, ticket));
            }
            State::Gathering => self.gathered.get_mut(job.submission.lane).remove(job.submission.caller.id),
            State::OnItsWay => {}
        }
        let Some(batch) = job.batch else {
            self.actions.push_back(Action::Finish { ticket, end: end.clone() });
            return;
        };
        // Whoever waits for a batch that never leaves ends as it does.
        let waiting = if batch.sealed.is_none() { self.coalescer.take_waiting(&batch.key) } else { Vec::new() };
        self.freed |= !waiting.is_empty();
        for member in batch.members.into_iter().chain(waiting) {
            self.finish(member, end, now);
        }
        match batch.sealed {
            Some(sealed) => {
                self.coalescer.handle_return(sealed);
                for key in self.coalescer.due(now.mono) {
                    self.gather(&key, now);
                }
            }
            None => {
                self.gathering.remove(&batch.key);
            }
        }
    }
}

/// What can be done for a window now.
enum Step {
    /// This one leaves.
    Send(Next),
    /// This one cannot leave today.
    Park(Ticket, Wall),
    /// Nothing, before that moment or another input.
    Wait(Option<Mono>),
}

/// When one submission may leave.
enum Turn {
    /// Now, if its lane has the turn.
    Now,
    /// Then, or after another input.
    At(Option<Mono>),
    /// Not before the day ends.
    NotToday(Wall),
}
