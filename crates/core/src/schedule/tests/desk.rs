//! The desk: a scheduler, a server that counts calls as simply as can be, and a heap of what happens when.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::call::{CostClass, Effect, Family};
use linchpin_hubspot::id::{AppId, Install, PortalId};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::schedule::budget::{Ask, Lease, Past};
use crate::schedule::caller::Caller;
use crate::schedule::lanes::Lane;
use crate::schedule::limits::{AppKind, Limits, Tier};
use crate::schedule::{Action, End, PermitId, Scheduler, Submission, Ticket};
use crate::time::{Mono, Now, Wall};
use crate::verdict::{Cause, CauseKind, Outcome};

pub(super) const INSTALL: Install = Install { portal: PortalId(7), app: AppId(1) };

/// How a server may count its windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counting {
    /// The last ten seconds, to the microsecond.
    Exact,
    /// The current second and the nine before it.
    Seconds,
}

/// A server that remembers every call and counts by looking at all of them.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) counting: Counting,
    pub(super) burst: usize,
    pub(super) search: usize,
    /// When each call was counted, by cost class, and whether it was refused.
    pub(super) ledger: BTreeMap<CostClass, Vec<Mono>>,
    pub(super) refused: u64,
}

impl Server {
    pub(super) fn new(counting: Counting, burst: usize) -> Self {
        Self { counting, burst, search: 5, ledger: BTreeMap::new(), refused: 0 }
    }

    /// Counts a call. Returns its status, and how many the burst window holds.
    pub(super) fn count(&mut self, cost: CostClass, now: Mono) -> (u16, usize) {
        let (limit, seconds) = match cost {
            CostClass::Search => (self.search, 1),
            _ => (self.burst, 10),
        };
        let calls = self.ledger.entry(cost).or_default();
        let second = |at: Mono| at.0 / 1_000_000;
        let inside = calls.iter().rev().take_while(|at| match self.counting {
            // The edge counts: the stricter reading.
            Counting::Exact => now - **at <= Duration::from_secs(seconds),
            Counting::Seconds => second(now) - second(**at) < seconds,
        });
        let used = inside.count() + 1;
        calls.push(now);
        if used > limit {
            self.refused += 1;
            return (429, used);
        }
        (200, used)
    }

    /// The number of calls counted in every ten seconds between two moments, from second to second.
    pub(super) fn full_windows(&self, cost: CostClass, from: Mono, to: Mono) -> Vec<usize> {
        let before = |moment: u64| self.ledger[&cost].partition_point(|at| at.0 < moment);
        let starts = (from.0..=to.0 - 10_000_000).step_by(1_000_000);
        starts.map(|start| before(start + 10_000_000) - before(start)).collect()
    }
}

#[derive(Debug)]
enum Event {
    Arrive(Submission),
    Count(Option<PermitId>, CostClass, Duration),
    Answer(PermitId, Outcome),
}

/// A run.
pub(super) struct Desk {
    pub(super) scheduler: Scheduler<ChaCha8Rng>,
    pub(super) server: Server,
    pub(super) now: Mono,
    pub(super) epoch: Wall,
    /// How long each interactive or other call waited from its arrival until it left, by lane.
    pub(super) waits: BTreeMap<Lane, Vec<Duration>>,
    pub(super) ends: BTreeMap<Ticket, End>,
    pub(super) sent: BTreeMap<Ticket, u32>,
    pub(super) latency: Duration,
    /// One attempt in so many loses its answer after the server has counted it; none if zero.
    pub(super) lose_one_in: u64,
    pub(super) with_headers: bool,
    /// A bulk call always waits.
    pub(super) saturate: Option<Submission>,
    events: BTreeMap<(Mono, u64), Event>,
    arrived: BTreeMap<Ticket, (Mono, Lane, CostClass)>,
    dice: ChaCha8Rng,
    numbers: u64,
}

pub(super) fn call(lane: Lane) -> Submission {
    Submission {
        install: INSTALL,
        caller: Caller::default(),
        lane,
        cost: CostClass::Ordinary,
        effect: Effect::Safe,
        family: Family::Objects,
        deadline: None,
        join: None,
        once: false,
    }
}

impl Desk {
    pub(super) fn new(counting: Counting, tier: Tier, seed: u64) -> Self {
        let limits = Limits::of(tier, AppKind::Private, 0);
        let mut desk = Self {
            scheduler: Scheduler::new(ChaCha8Rng::seed_from_u64(seed)),
            server: Server::new(counting, usize::try_from(limits.burst.permits).unwrap()),
            now: Mono(0),
            epoch: Wall(1_800_000_000_000),
            waits: BTreeMap::new(),
            ends: BTreeMap::new(),
            sent: BTreeMap::new(),
            latency: Duration::from_millis(100),
            lose_one_in: 0,
            with_headers: true,
            saturate: None,
            events: BTreeMap::new(),
            arrived: BTreeMap::new(),
            dice: ChaCha8Rng::seed_from_u64(seed ^ 0xdead),
            numbers: 0,
        };
        desk.install(limits, &Past::Fresh);
        desk
    }

    pub(super) fn install(&mut self, limits: Limits, past: &Past) {
        let now = self.moment();
        self.scheduler.handle_install(INSTALL, (AppKind::Private, limits), past, now);
        self.act();
    }

    /// An install of which nobody has called before.
    pub(super) fn install_as(&mut self, install: Install, limits: Limits) {
        let now = self.moment();
        self.scheduler.handle_install(install, (AppKind::Private, limits), &Past::Fresh, now);
        self.act();
    }

    pub(super) fn moment(&self) -> Now {
        let wall = Wall(self.epoch.0 + i64::try_from(self.now.0 / 1_000).unwrap());
        Now { mono: self.now, wall }
    }

    pub(super) fn arrive(&mut self, at: Mono, submission: Submission) {
        self.schedule(at, Event::Arrive(submission));
    }

    pub(super) fn submit(&mut self, submission: Submission) -> Option<Ticket> {
        let (lane, cost) = (submission.lane, submission.cost);
        let ticket = self.scheduler.handle_submit(submission, self.moment()).ok()?;
        self.arrived.insert(ticket, (self.now, lane, cost));
        self.act();
        Some(ticket)
    }

    /// A call that was killed with its process: the server may count it still.
    pub(super) fn kill(&mut self) {
        self.events.retain(|_, event| matches!(event, Event::Count(..)));
        for event in self.events.values_mut() {
            if let Event::Count(permit, ..) = event {
                *permit = None;
            }
        }
        self.forget();
    }

    /// Another process begins: tickets are numbered anew.
    pub(super) fn forget(&mut self) {
        self.arrived.clear();
        self.ends.clear();
    }

    pub(super) fn run_until(&mut self, end: Mono) {
        self.top_up();
        loop {
            let event = self.events.first_key_value().map(|((at, _), _)| *at);
            let timer = self.scheduler.poll_timeout();
            let Some(next) = [event, timer].into_iter().flatten().min().filter(|at| *at <= end) else { break };
            self.now = self.now.max(next);
            if timer.is_some_and(|at| at <= self.now) {
                self.scheduler.handle_timeout(self.moment());
            } else if let Some((_, event)) = self.events.pop_first() {
                self.happen(event);
            }
            self.act();
            self.top_up();
        }
        self.now = end;
    }

    /// Keeps a few bulk calls waiting.
    fn top_up(&mut self) {
        let Some(bulk) = self.saturate.clone() else { return };
        let waiting = |desk: &Self| desk.scheduler.snapshot().windows.iter().map(|w| *w.waiting.get(bulk.lane)).sum();
        let missing = 300_usize.saturating_sub(waiting(self));
        for _ in 0..if missing > 100 { missing } else { 0 } {
            self.submit(bulk.clone());
        }
    }

    fn schedule(&mut self, at: Mono, event: Event) {
        self.numbers += 1;
        self.events.insert((at, self.numbers), event);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrive(submission) => {
                self.submit(submission);
            }
            Event::Count(permit, cost, rest) => {
                let (status, used) = self.server.count(cost, self.now);
                let answer = self.answer(status, used, cost);
                let lost = self.lose_one_in > 0 && self.dice.next_u64().is_multiple_of(self.lose_one_in);
                let outcome = if lost {
                    Outcome::Lost(Cause { kind: CauseKind::Closed, detail: String::new() })
                } else {
                    Outcome::Answered(answer)
                };
                if let Some(permit) = permit {
                    self.schedule(self.now + rest, Event::Answer(permit, outcome));
                }
            }
            Event::Answer(permit, outcome) => self.scheduler.handle_outcome(permit, outcome, self.moment()),
        }
    }

    fn answer(&self, status: u16, used: usize, cost: CostClass) -> Answer {
        let mut headers = HeaderMap::new();
        if self.with_headers && cost == CostClass::Ordinary {
            headers.insert("x-hubspot-ratelimit-max", self.server.burst.into());
            headers.insert("x-hubspot-ratelimit-remaining", self.server.burst.saturating_sub(used).into());
        }
        Answer { status, headers, body: Bytes::new() }
    }

    fn note_sent(&mut self, tickets: &[Ticket]) {
        for ticket in tickets {
            *self.sent.entry(*ticket).or_default() += 1;
        }
    }

    fn act(&mut self) {
        while let Some(action) = self.scheduler.poll_action() {
            match action {
                Action::Send { permit, tickets, .. } => {
                    let ticket = tickets[0];
                    self.note_sent(&tickets);
                    let (at, lane, cost) = self.arrived[&ticket];
                    self.waits.entry(lane).or_default().push(self.now - at);
                    // Between a fifth and nine fifths of the mean; counted anywhere in between.
                    let mean = u64::try_from(self.latency.as_micros()).unwrap();
                    let whole = mean / 5 + self.dice.next_u64() % (mean * 8 / 5 + 1);
                    let until_count = self.dice.next_u64() % (whole + 1);
                    let rest = Duration::from_micros(whole - until_count);
                    self.schedule(
                        self.now + Duration::from_micros(until_count),
                        Event::Count(Some(permit.id()), cost, rest),
                    );
                }
                Action::Finish { ticket, end } => {
                    self.arrived.remove(&ticket);
                    assert!(self.ends.insert(ticket, end).is_none(), "{ticket:?} ended twice");
                }
                Action::Ask(Ask::Lease { scope, permits }) => {
                    self.scheduler.handle_lease(scope, Lease { permits, until: None }, self.moment());
                }
                Action::Ask(Ask::DayEnds { portal }) => {
                    let ends = Wall(self.epoch.0 + 86_400_000);
                    self.scheduler.handle_day_ends(portal, ends);
                }
            }
        }
    }
}
