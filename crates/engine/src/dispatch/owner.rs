//! The owner of the scheduler.
//!
//! It tells the scheduler what has come (messages, outcomes, the time), and does what the scheduler says; it decides
//! nothing itself. Attempts are made by their callers or by tasks of their own, as many as there are permits.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Duration;

use linchpin_core::schedule::budget::{Ask, Lease, Scope};
use linchpin_core::schedule::caller::{Caller, CallerId, Share};
use linchpin_core::schedule::limits::{AppKind, Limits};
use linchpin_core::schedule::{Action, End, Permit, Scheduler, Submission, Ticket};
use linchpin_core::time::{Mono, Now};
use linchpin_hubspot::call::{Auth, Call};
use linchpin_hubspot::id::Install;
use linchpin_ports::credentials::{Credentials, CredentialsError, Token};
use linchpin_ports::store::StoreError;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tokio::sync::{mpsc, oneshot};

use super::attempt::{self, Attempt, Ended, Report};
use super::door::Door;
use super::error::told;
use super::horizon::Horizons;
use super::{
    CallRequest, DispatchError, Leaving, Message, Parts, Pending, PendingCalls, Place, Reply, Ride, Shared, Told, Way,
    With,
};
use crate::echo::Echoes;
use crate::tasks::Tasks;
use crate::upstream::{Cause, CauseKind, Outcome, Passages, Upstream};

/// Outcomes that may wait for the owner.
const OUTCOMES_MAX: usize = 1_024;

/// Messages and outcomes that are taken in one go, before what they lead to is done.
const GO_MAX: usize = 64;

/// How long the end waits for what is on its way.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(30);

/// How long after a failure the store is asked again for a lease.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// What has to wait for the store.
enum Slow {
    Install { install: Install, kind: AppKind, limits: Limits, done: oneshot::Sender<Result<(), StoreError>> },
    Lease { scope: Scope, permits: u32 },
}

pub(super) struct Owner {
    tasks: Tasks,
    /// Where attempts bring their outcomes to.
    door: Weak<Door>,
    parts: Parts,
    scheduler: Scheduler<ChaCha8Rng>,
    horizons: Horizons,
    pending: PendingCalls,
    messages: mpsc::Receiver<Message>,
    ended: mpsc::Sender<Ended>,
    outcomes: mpsc::Receiver<Ended>,
    /// Leases that the store could not be told about, and when to try again.
    unleased: BTreeMap<Scope, (u32, Mono)>,
    /// Left to the task.
    slow: VecDeque<Slow>,
    /// Until when the task sleeps, if nobody wakes it; none for ever.
    sleeps_until: Option<Mono>,
    /// Where writes are noted, if they are.
    echoes: Option<Arc<Echoes>>,
    /// Of callers that have more than one, by name.
    shares: BTreeMap<String, Share>,
}

impl Owner {
    pub(super) fn new(tasks: Tasks, parts: Parts, messages: mpsc::Receiver<Message>, door: Weak<Door>) -> Self {
        let (ended, outcomes) = mpsc::channel(OUTCOMES_MAX);
        Self {
            tasks,
            door,
            scheduler: Scheduler::new(ChaCha8Rng::seed_from_u64(parts.seed)),
            horizons: Horizons::new(Arc::clone(&parts.records)),
            parts,
            pending: BTreeMap::new(),
            messages,
            ended,
            outcomes,
            unleased: BTreeMap::new(),
            slow: VecDeque::new(),
            sleeps_until: None,
            echoes: None,
            shares: BTreeMap::new(),
        }
    }

    /// Takes what lies ready, and does what it leads to: a busy door looks at its timers once for all of it.
    pub(super) fn work(&mut self) {
        let now = self.now();
        for _ in 0..GO_MAX {
            if let Ok((permit, outcome)) = self.outcomes.try_recv() {
                self.scheduler.handle_outcome(permit, outcome, now);
            } else if let Ok(message) = self.messages.try_recv() {
                self.on_message(message, now);
            } else {
                break;
            }
        }
        self.act();
    }

    /// Whether the task has to look: something waits for the store, is due before the task wakes, or lies there still.
    pub(super) fn needs_the_task(&self) -> bool {
        let due = self.next();
        let sleeps_on = due.is_none_or(|due| self.sleeps_until.is_some_and(|until| until <= due));
        !self.slow.is_empty() || !sleeps_on || !self.outcomes.is_empty() || !self.messages.is_empty()
    }

    /// The same with what waits for the store; how long the task may sleep then, if not for ever.
    pub(super) async fn work_slowly(&mut self) -> Option<Duration> {
        self.scheduler.handle_timeout(self.now());
        self.lease_again().await;
        self.work();
        while let Some(slow) = self.slow.pop_front() {
            match slow {
                Slow::Install { install, kind, limits, done } => {
                    let outcome = self.install(install, (kind, limits)).await;
                    // Whoever asked may have left.
                    drop(done.send(outcome));
                }
                Slow::Lease { scope, permits } => self.lease(scope, permits).await,
            }
            self.work();
        }
        self.sleeps_until = self.next();
        self.timer()
    }

    fn now(&self) -> Now {
        self.parts.clock.now()
    }

    /// When something is due.
    fn next(&self) -> Option<Mono> {
        let unleased = self.unleased.values().map(|(_, at)| *at).min();
        self.scheduler.poll_timeout().into_iter().chain(unleased).min()
    }

    /// How long until something is due.
    fn timer(&self) -> Option<Duration> {
        // Timers of the runtime count milliseconds, and round up.
        Some(self.next()? - self.now().mono)
    }

    fn on_message(&mut self, message: Message, now: Now) {
        match message {
            Message::Install { install, kind, limits, done } => {
                self.slow.push_back(Slow::Install { install, kind, limits, done });
            }
            Message::Call { request, way, reply } => self.submit(*request, way, reply, now),
            Message::DayEnds { portal, ends } => self.scheduler.handle_day_ends(portal, ends),
            Message::Forget { install } => {
                self.horizons.forget(install);
                self.scheduler.handle_forget(install, now);
            }
            Message::Echoes { echoes } => self.echoes = Some(echoes),
            Message::Shares { shares } => self.shares = shares,
            Message::Snapshot { reply } => {
                let snapshot = self.scheduler.look(now);
                // Whoever asked may have left.
                drop(reply.send(snapshot));
            }
        }
    }

    async fn install(&mut self, install: Install, terms: (AppKind, Limits)) -> Result<(), StoreError> {
        let past = self.horizons.load(install).await?;
        self.horizons.register(install);
        self.scheduler.handle_install(install, terms, &past, self.now());
        Ok(())
    }

    fn submit(&mut self, request: CallRequest, way: Way, reply: Reply, now: Now) {
        let CallRequest { install, lane, call, deadline, origin, passage, drives } = request;
        let share = self.shares.get(&origin.caller).copied().unwrap_or_default();
        let submission = Submission {
            install,
            caller: Caller { id: CallerId::of(&origin.caller), share },
            lane,
            cost: if let Way::Batch(joined) = &way { joined.cost } else { call.cost },
            effect: call.effect,
            family: call.family,
            deadline: deadline.map(|wait| now.mono + wait),
            join: way.join().cloned(),
            once: passage.as_ref().is_some_and(|passage| passage.is_once()),
        };
        match self.scheduler.handle_submit(submission, now) {
            Ok(ticket) => {
                let with = With::Nobody;
                let pending = Pending { call: Arc::new(call), install, origin, reply, way, with, passage, drives };
                self.pending.insert(ticket, pending);
            }
            Err(refused) => drop(reply.send(Told::End(Err(DispatchError::from(refused))))),
        }
    }

    /// Does what the scheduler says.
    fn act(&mut self) {
        while let Some(action) = self.scheduler.poll_action() {
            match action {
                Action::Send { permit, tickets, attempt, .. } => self.send(permit, &tickets, attempt),
                Action::Finish { ticket, end } => {
                    if let Some(pending) = self.pending.remove(&ticket) {
                        // A caller that has left needs no answer.
                        let shared = told(end).map(|answer| match pending.with {
                            With::Nobody => Shared::Alone(answer),
                            With::Another => Shared::Along(answer),
                            With::Others(ride, index, first) => Shared::Place(Place { ride, index, first, answer }),
                        });
                        drop(pending.reply.send(Told::End(shared)));
                    }
                }
                Action::Ask(Ask::Lease { scope, permits }) => self.slow.push_back(Slow::Lease { scope, permits }),
                Action::Ask(Ask::DayEnds { portal }) => {
                    let ends = self.parts.days.day_ends(portal, self.now().wall);
                    if let Some(ends) = ends {
                        self.scheduler.handle_day_ends(portal, ends);
                    }
                }
            }
        }
    }

    /// The local shell grants the whole window, for as long as the store has been told of.
    async fn lease(&mut self, scope: Scope, permits: u32) {
        let now = self.now();
        let scheduler = &self.scheduler;
        match self.horizons.extend(scope, now, |install| scheduler.record(install, now)).await {
            Ok(until) => {
                self.unleased.remove(&scope);
                let now = self.now();
                self.scheduler.handle_lease(scope, Lease { permits, until: Some(until) }, now);
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the store does not take the next calls");
                self.unleased.insert(scope, (permits, now.mono + STORE_RETRY));
            }
        }
    }

    async fn lease_again(&mut self) {
        let now = self.now().mono;
        let due: Vec<(Scope, u32)> = self
            .unleased
            .iter()
            .filter(|(_, (_, at))| *at <= now)
            .map(|(scope, (permits, _))| (*scope, *permits))
            .collect();
        for (scope, permits) in due {
            self.lease(scope, permits).await;
        }
    }

    fn send(&mut self, permit: Permit, tickets: &[Ticket], attempt: u32) {
        let leaving = match tickets {
            [ticket] if self.pending.get(ticket).is_some_and(Pending::is_alone) => self.alone(*ticket),
            several => self.together(several),
        };
        let Some(Leaving { call, install, caller, writers, passages }) = leaving else {
            return self.scheduler.handle_withdrawn(permit.id(), self.now());
        };
        tracing::debug!(install = %install, method = %call.method, attempt, caller, calls = tickets.len(), "a call leaves");
        let credentials: Arc<dyn Credentials> = Arc::clone(&self.parts.credentials);
        let upstream: Arc<dyn Upstream> = Arc::clone(&self.parts.upstream);
        let (echoes, clock) = (self.echoes.clone(), Arc::clone(&self.parts.clock));
        let passages = Passages::of(passages, self.tasks.stopping());
        let report = Report::new(permit.id(), self.ended.clone(), Weak::clone(&self.door));
        let work = async move {
            // What proves by its own body or query who asks needs no token, and may be how one is got.
            let token = match call.auth {
                Auth::Bearer => credentials.token(install).await,
                Auth::Inside => Ok(Token::unneeded()),
            };
            // Bodies are read here, beside the door: it has no time for them.
            let wall = || clock.now().wall;
            let noted = echoes.as_ref().map(|echoes| echoes.note(install.portal, &writers, wall()));
            let outcome = match token {
                Ok(token) => upstream.send_past(permit, &token, &call, &passages).await,
                Err(error) => no_token(&error),
            };
            if let (Some(echoes), Some(noted)) = (&echoes, &noted) {
                echoes.handle_outcome(noted, &outcome, wall());
            }
            report.tell(outcome).await;
        };
        match tickets {
            [ticket] if self.pending.get(ticket).is_some_and(|pending| pending.drives) => {
                self.hand_over(*ticket, Attempt::new(self.tasks.clone(), work));
            }
            _several => self.tasks.spawn(attempt::NAME, work),
        }
    }

    /// Leaves an attempt to the caller whom it is for.
    fn hand_over(&mut self, ticket: Ticket, attempt: Attempt) {
        if let Some(pending) = self.pending.get_mut(&ticket) {
            let (reply, next) = oneshot::channel();
            let waiting = std::mem::replace(&mut pending.reply, reply);
            // If the caller has left meanwhile, a task makes it.
            drop(waiting.send(Told::Go(attempt, next)));
        }
    }

    /// A call that leaves by itself; none if its caller has left.
    fn alone(&self, ticket: Ticket) -> Option<Leaving> {
        let pending = self.pending.get(&ticket)?;
        let Pending { call, install, reply, origin, passage, .. } = pending;
        let (caller, passages) = (origin.caller.clone(), passage.iter().cloned().collect());
        let writers = self.writers([pending]);
        (!reply.is_closed()).then(|| Leaving { call: Arc::clone(call), install: *install, caller, writers, passages })
    }

    /// The one call of those whose callers still wait, and each one's place in it; none if nobody does. Who has left
    /// is left out: somebody who asked again meanwhile would otherwise be served twice.
    fn together(&mut self, tickets: &[Ticket]) -> Option<Leaving> {
        let waits = |ticket: &Ticket| self.pending.get(ticket).is_some_and(|pending| !pending.reply.is_closed());
        let seated: Vec<Ticket> = tickets.iter().filter(|ticket| waits(ticket)).copied().collect();
        let first = seated.first().and_then(|ticket| self.pending.get(ticket))?;
        let (install, caller) = (first.install, first.origin.caller.clone());
        if let Way::Alone | Way::Same(_) = first.way {
            let (call, writers) = (Arc::clone(&first.call), self.writers([first]));
            let passage = |ticket| self.pending.get(ticket).and_then(|pending| pending.passage.clone());
            let passages = seated.iter().map(passage).collect::<Option<_>>().unwrap_or_default();
            for ticket in seated.iter().skip(1) {
                self.seat(*ticket, With::Another);
            }
            return Some(Leaving { call, install, caller, writers, passages });
        }
        let writers = self.writers(seated.iter().filter_map(|ticket| self.pending.get(ticket)));
        let calls = seated.iter().filter_map(|ticket| self.pending.get(ticket));
        let (ride, places) = Ride::new(calls.filter_map(|pending| match &pending.way {
            Way::Batch(joined) => Some(Arc::clone(joined)),
            Way::Alone | Way::Same(_) => None,
        }));
        let ride = Arc::new(ride);
        let call = Arc::new(ride.call()?);
        for (nth, (place, ticket)) in places.into_iter().zip(seated).enumerate() {
            self.seat(ticket, With::Others(Arc::clone(&ride), place, nth == 0));
        }
        Some(Leaving { call, install, caller, writers, passages: Vec::new() })
    }

    /// Who writes what with a call that leaves; nothing while nobody notes it.
    fn writers<'a>(&self, calls: impl IntoIterator<Item = &'a Pending>) -> Vec<(String, Arc<Call>)> {
        let writer = |pending: &Pending| (pending.origin.caller.clone(), Arc::clone(&pending.call));
        if self.echoes.is_some() { calls.into_iter().map(writer).collect() } else { Vec::new() }
    }

    fn seat(&mut self, ticket: Ticket, with: With) {
        if let Some(pending) = self.pending.get_mut(&ticket) {
            pending.with = with;
        }
    }

    /// Lets what is on its way come home, and leaves a picture of the windows behind.
    pub(super) async fn close(mut self) {
        self.scheduler.handle_shutdown(self.now());
        self.refuse_the_rest().await;
        self.act();
        let deadline = self.now().mono + SHUTDOWN_GRACE;
        while !self.scheduler.is_idle() {
            let left = deadline - self.now().mono;
            let wait = self.timer().map_or(left, |timer| timer.min(left));
            tokio::select! {
                biased;
                Some((permit, outcome)) = self.outcomes.recv() => self.scheduler.handle_outcome(permit, outcome, self.now()),
                () = tokio::time::sleep(wait) => self.scheduler.handle_timeout(self.now()),
            }
            self.act();
            if self.now().mono >= deadline {
                return self.give_up();
            }
        }
        self.remember().await;
    }

    /// Calls that lie in the inbox have not left: each is told so by the scheduler, which takes nothing any more.
    async fn refuse_the_rest(&mut self) {
        self.messages.close();
        let now = self.now();
        while let Some(message) = self.messages.recv().await {
            match message {
                Message::Call { request, way, reply } => self.submit(*request, way, reply, now),
                Message::Install { .. }
                | Message::DayEnds { .. }
                | Message::Forget { .. }
                | Message::Echoes { .. }
                | Message::Shares { .. }
                | Message::Snapshot { .. } => {}
            }
        }
    }

    /// What had not left was refused when the shutdown began: whatever still has no answer is on its way.
    fn give_up(&mut self) {
        tracing::warn!(calls = self.pending.len(), "calls are still on their way at the end");
        for pending in std::mem::take(&mut self.pending).into_values() {
            let cause = Cause { kind: CauseKind::Abandoned, detail: "the door closed before the answer".to_owned() };
            // A caller that has left needs no answer.
            let unknown = told(End::Unknown { answer: None, cause: Some(cause) });
            drop(pending.reply.send(Told::End(unknown.map(Shared::Alone))));
        }
    }

    async fn remember(&self) {
        let now = self.now();
        for install in self.horizons.installs() {
            let window = self.scheduler.record(install, now);
            if let Err(error) = self.horizons.close(install, window, now).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "the next start will wait ten seconds");
            }
        }
    }
}

fn no_token(error: &CredentialsError) -> Outcome {
    Outcome::NotSent(Cause { kind: CauseKind::Credential, detail: error.to_string() })
}
