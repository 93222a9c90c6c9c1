//! Which limits a call draws on, and whether it may leave now: a set of scoped counters.
//!
//! Burst windows belong to an app in an account; searches, association batches and days to an account; the token
//! endpoint and the journal to an app. The cost class of a call names its counters.
//!
//! Not here: whose turn it is ([`lanes`](super::lanes)), and what an answer means ([`verdict`](crate::verdict)).
//!
//! Invariants: a [`Permit`] is counted before it exists; it stays counted until a span after its attempt was reported,
//! unless it was reported as unsent; headers never raise what is left, unless the limits are assumed; nothing leaves
//! without a lease.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use linchpin_hubspot::call::CostClass;
use linchpin_hubspot::id::{AppId, Install, PortalId};
use linchpin_hubspot::limits::{DayCounter, RateHeaders, RollingCounter, draws_on};
use serde::{Deserialize, Serialize};

use super::day::Day;
use super::lanes::WindowView;
use super::limits::{Limits, Rate, Shares};
use super::permit::{Permit, PermitId};
use super::record::WindowRecord;
use super::window::Window;
use crate::time::{Mono, Now, Wall};

/// How long an attempt may stay unreported before it is taken for lost. Longer than any timeout of the wire.
pub const ATTEMPT_MAX: Duration = Duration::from_secs(180);

/// How long after an unclean end the window counts as full, beyond its span: for what was still on its way.
pub const RESTART_MARGIN: Duration = Duration::from_secs(2);

/// How long before its end a lease is asked for again.
pub const LEASE_AHEAD: Duration = Duration::from_micros(LEASE_AHEAD_MICROS);

const LEASE_AHEAD_MICROS: u64 = 10_000_000;

/// A cost class for each kind of window.
const SCOPED: [CostClass; 5] =
    [CostClass::Ordinary, CostClass::Search, CostClass::AssociationBatch, CostClass::Token, CostClass::Journal];

/// How long nothing is sent in a window of seconds after it answered 429.
pub const SECONDLY_PAUSE: Duration = Duration::from_secs(1);

/// A rolling window, by whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Ordinary calls of an app in an account.
    Burst(Install),
    /// Searches of an account.
    Search(PortalId),
    /// Association batches and label calls of an account.
    Association(PortalId),
    /// The token endpoint, for an app.
    Token(AppId),
    /// The webhooks journal, for an app.
    Journal(AppId),
}

impl Scope {
    /// The window that a call of an install draws on.
    pub fn of(install: Install, cost: CostClass) -> Self {
        match draws_on(cost).rolling {
            RollingCounter::Burst => Self::Burst(install),
            RollingCounter::Search => Self::Search(install.portal),
            RollingCounter::Association => Self::Association(install.portal),
            RollingCounter::Token => Self::Token(install.app),
            RollingCounter::Journal => Self::Journal(install.app),
        }
    }
}

/// A counter of calls in a day, by whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayScope {
    /// Everything but the token endpoint and the journal.
    Account(PortalId),
    /// Association batches and label calls.
    Association(PortalId),
}

/// What an earlier process left behind for an install.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Past {
    /// Nobody ever called with this credential from here.
    Fresh,
    /// A process ended without a record; it may have sent calls until this moment.
    Crashed {
        /// The latest moment at which it may have sent.
        may_send_until: Wall,
        /// What it had counted when it last told: only the days of it hold.
        days: Option<WindowRecord>,
    },
    /// An orderly end left an exact picture.
    Recorded(WindowRecord),
}

/// What the shell is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A part of a window's limit. A local shell grants all of it at once and for ever.
    Lease {
        /// Which window.
        scope: Scope,
        /// How many permits a span.
        permits: u32,
    },
    /// When the account's running day ends.
    DayEnds {
        /// Which account.
        portal: PortalId,
    },
}

/// A part of a window's limit, granted to this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// How many permits a span.
    pub permits: u32,
    /// Until when; for ever if none. Permits already given out stay good.
    pub until: Option<Mono>,
}

/// Whether a call may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// So many may leave now.
    Free(u32),
    /// None may, until an answer comes or this moment passes.
    Full {
        /// When the window next changes by itself.
        until: Option<Mono>,
    },
    /// None may before the account's day ends.
    DaySpent {
        /// When that is, as far as we know.
        until: Wall,
    },
    /// The install was never registered.
    Unknown,
}

/// Which limit HubSpot says was exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Policy {
    /// By the second: today only search.
    Secondly,
    /// The burst window.
    TenSecondly,
    /// The day.
    Daily,
}

/// What an attempt taught us about the limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Learned {
    /// The rate headers.
    pub headers: RateHeaders,
    /// The limit that was exceeded, if the answer was a 429 (or its like).
    pub limited: Option<Policy>,
}

#[derive(Clone, Copy, Debug)]
struct Attempt {
    install: Install,
    cost: CostClass,
    since: Now,
    /// Permits of the window that had come back by then.
    released: u64,
}

/// The budget of every install of this process.
#[derive(Debug, Default)]
pub struct Budget {
    installs: BTreeMap<Install, Limits>,
    pub(super) windows: BTreeMap<Scope, Window>,
    pub(super) days: BTreeMap<DayScope, Day>,
    leases: BTreeMap<Scope, Mono>,
    attempts: BTreeMap<PermitId, Attempt>,
    asks: VecDeque<Ask>,
    asked: BTreeSet<Scope>,
    permits_made: u64,
}

impl Budget {
    /// Registers an install, or replaces its limits. What is counted stays counted.
    pub fn handle_install(&mut self, install: Install, limits: Limits, past: &Past, now: Now) {
        self.installs.insert(install, limits);
        let Shares { foreign_burst, foreign_search, foreign_daily, .. } = limits.shares;
        let windows = [
            (CostClass::Ordinary, limits.burst, foreign_burst),
            (CostClass::Search, limits.search, foreign_search),
            (CostClass::AssociationBatch, limits.association, 0),
            (CostClass::Token, limits.token, 0),
            (CostClass::Journal, limits.journal, 0),
        ];
        for (cost, rate, others) in windows {
            let scope = Scope::of(install, cost);
            self.open_window(scope, rate, others, (past, now));
            if let Some(window) = self.windows.get_mut(&scope) {
                window.assume(limits.assumed);
            }
        }
        let days = [
            (DayScope::Account(install.portal), limits.daily, foreign_daily),
            (DayScope::Association(install.portal), limits.association_daily, 0),
        ];
        for (scope, limit, others) in days {
            let Some(limit) = limit else { continue };
            let day = self.days.entry(scope).or_insert_with(|| Day::new(limit, others));
            day.assume(limits.assumed);
            if let Past::Recorded(record) | Past::Crashed { days: Some(record), .. } = past {
                record.restore_day(scope, day, now);
            }
        }
        self.asks.push_back(Ask::DayEnds { portal: install.portal });
    }

    /// Forgets an install, and the windows that no other install draws on; returns those. What of it is still on its
    /// way is counted nowhere when it comes home.
    pub fn handle_forget(&mut self, install: Install) -> Vec<Scope> {
        self.installs.remove(&install);
        let left = |scope: &Scope| {
            !self.installs.keys().any(|other| SCOPED.map(|cost| Scope::of(*other, cost)).contains(scope))
        };
        let forgotten: Vec<Scope> = SCOPED.map(|cost| Scope::of(install, cost)).into_iter().filter(left).collect();
        for scope in &forgotten {
            self.windows.remove(scope);
            self.leases.remove(scope);
            self.asked.remove(scope);
        }
        if !self.installs.keys().any(|other| other.portal == install.portal) {
            self.days.remove(&DayScope::Account(install.portal));
            self.days.remove(&DayScope::Association(install.portal));
        }
        forgotten
    }

    fn open_window(&mut self, scope: Scope, rate: Rate, others: u32, (past, now): (&Past, Now)) {
        let known = self.windows.contains_key(&scope);
        let window = self.windows.entry(scope).or_insert_with(|| Window::new(rate, others));
        match past {
            Past::Crashed { may_send_until, .. } => {
                // Whichever is earlier: the last possible call, or the restart itself.
                let rest = (window.span() + RESTART_MARGIN).saturating_sub(now.wall - *may_send_until);
                window.close(now.mono + rest);
            }
            // A window shared with an install that is already here has been restored with it.
            Past::Recorded(record) if !known => record.restore_window(scope, window, now),
            Past::Fresh | Past::Recorded(_) => {}
        }
        if !known {
            let permits = window.full_limit();
            self.asks.push_back(Ask::Lease { scope, permits });
            self.asked.insert(scope);
        }
    }

    /// Takes a lease that was asked for.
    pub fn handle_lease(&mut self, scope: Scope, lease: Lease) {
        self.asked.remove(&scope);
        let Some(window) = self.windows.get_mut(&scope) else { return };
        window.lease(lease.permits);
        match lease.until {
            Some(until) => self.leases.insert(scope, until),
            None => self.leases.remove(&scope),
        };
    }

    /// Says when the account's running day ends.
    pub fn handle_day_ends(&mut self, portal: PortalId, ends: Wall) {
        for scope in [DayScope::Account(portal), DayScope::Association(portal)] {
            if let Some(day) = self.days.get_mut(&scope) {
                day.ends_at(ends);
            }
        }
    }

    /// Whether a call may leave now.
    pub fn room(&mut self, install: Install, cost: CostClass, now: Now) -> Room {
        if !self.installs.contains_key(&install) {
            return Room::Unknown;
        }
        for scope in self.days_of(install, cost) {
            let Some(day) = self.days.get_mut(&scope) else { continue };
            if day.advance(now.wall) {
                self.asks.push_back(Ask::DayEnds { portal: install.portal });
            }
            if let Some(until) = day.spent_until(now.wall) {
                return Room::DaySpent { until };
            }
        }
        let Some(window) = self.windows.get_mut(&Scope::of(install, cost)) else { return Room::Unknown };
        window.advance(now.mono);
        match window.available() {
            0 => Room::Full { until: window.next_change() },
            free => Room::Free(free),
        }
    }

    /// Counts a call that is about to leave, and gives the right to send it; none if there is no room.
    pub fn take(&mut self, install: Install, cost: CostClass, now: Now) -> Option<Permit> {
        let Room::Free(_) = self.room(install, cost, now) else { return None };
        self.permits_made += 1;
        let permit = Permit::new(self.permits_made);
        self.each_counter(install, cost, Window::take, Day::take);
        let released = self.windows.get(&Scope::of(install, cost)).map_or(0, Window::released);
        self.attempts.insert(permit.id(), Attempt { install, cost, since: now, released });
        Some(permit)
    }

    /// The attempt never began: its permit is returned. False if the permit is not out.
    pub fn handle_unsent(&mut self, permit: PermitId) -> bool {
        let Some(attempt) = self.attempts.remove(&permit) else { return false };
        self.each_counter(attempt.install, attempt.cost, Window::untake, Day::untake);
        true
    }

    /// The attempt is over, whatever came of it. False if the permit is not out (it was taken for lost).
    pub fn handle_end(&mut self, permit: PermitId, learned: &Learned, now: Now) -> bool {
        let Some(attempt) = self.attempts.remove(&permit) else { return false };
        let Attempt { install, cost, since, released } = attempt;
        self.each_counter(install, cost, |window| window.settle(now.mono), Day::settle);
        self.learn_window(Scope::of(install, cost), released, learned, now);
        for scope in self.days_of(install, cost) {
            let Some(day) = self.days.get_mut(&scope) else { continue };
            let RateHeaders { daily, daily_remaining, .. } = learned.headers;
            if let (Some(daily), Some(left), DayScope::Account(_)) = (daily, daily_remaining, scope) {
                day.observe(daily, left, since.wall);
            }
            if learned.limited == Some(Policy::Daily) {
                day.exhausted(since.wall, now.wall);
            }
        }
        true
    }

    fn learn_window(&mut self, scope: Scope, released: u64, learned: &Learned, now: Now) {
        let Some(window) = self.windows.get_mut(&scope) else { return };
        window.advance(now.mono);
        let RateHeaders { max, remaining, .. } = learned.headers;
        if let (Some(max), Some(remaining), Scope::Burst(_)) = (max, remaining, scope) {
            window.observe((max, remaining), released, now.mono);
        }
        match (learned.limited, scope) {
            (None | Some(Policy::Daily), _) => {}
            // A window of seconds is shared with apps that we do not see: pause, then go slower for a while.
            (Some(_), Scope::Search(_) | Scope::Token(_) | Scope::Journal(_)) | (Some(Policy::Secondly), _) => {
                window.close(now.mono + SECONDLY_PAUSE);
                window.slow(now.mono);
            }
            (Some(Policy::TenSecondly), Scope::Burst(_) | Scope::Association(_)) => window.exhausted(now.mono),
        }
    }

    /// Takes attempts for lost that nobody reported, and asks for leases that ended. Returns the lost ones.
    pub fn handle_timeout(&mut self, now: Now) -> Vec<PermitId> {
        let leases: Vec<(Scope, Mono)> = self.leases.iter().map(|(scope, until)| (*scope, *until)).collect();
        for (scope, until) in leases {
            let Some(window) = self.windows.get_mut(&scope) else { continue };
            let permits = window.full_limit();
            if until <= now.mono {
                self.leases.remove(&scope);
                window.lease(0);
            }
            if until <= now.mono + LEASE_AHEAD && self.asked.insert(scope) {
                self.asks.push_back(Ask::Lease { scope, permits });
            }
        }
        // Permits are numbered in the order of their attempts: the first is the oldest.
        let overdue = |attempt: &Attempt| attempt.since.mono + ATTEMPT_MAX <= now.mono;
        self.attempts.iter().take_while(|(_, attempt)| overdue(attempt)).map(|(permit, _)| *permit).collect()
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub fn poll_timeout(&self) -> Option<Mono> {
        let overdue = self.attempts.first_key_value().map(|(_, attempt)| attempt.since.mono + ATTEMPT_MAX);
        let leases = self.leases.iter().map(|(scope, until)| {
            if self.asked.contains(scope) { *until } else { Mono(until.0.saturating_sub(LEASE_AHEAD_MICROS)) }
        });
        leases.chain(overdue).min()
    }

    /// The next thing that the shell is asked for.
    pub fn poll_ask(&mut self) -> Option<Ask> {
        self.asks.pop_front()
    }

    /// What a later process must know of this install's windows and days: for an orderly end.
    pub fn record(&self, install: Install, now: Now) -> WindowRecord {
        let mut record = WindowRecord::new(now.wall);
        for scope in SCOPED.map(|cost| Scope::of(install, cost)) {
            if let Some(window) = self.windows.get(&scope) {
                record.add_window(scope, window, now);
            }
        }
        for scope in [DayScope::Account(install.portal), DayScope::Association(install.portal)] {
            if let Some(day) = self.days.get(&scope) {
                record.add_day(scope, day);
            }
        }
        record
    }

    /// The shares of an install.
    pub fn shares(&self, install: Install) -> Shares {
        self.installs.get(&install).map_or_else(Shares::default, |limits| limits.shares)
    }

    /// Lets time pass in every window and day.
    pub fn advance(&mut self, now: Now) {
        for window in self.windows.values_mut() {
            window.advance(now.mono);
        }
        for (scope, day) in &mut self.days {
            if day.advance(now.wall) {
                let (DayScope::Account(portal) | DayScope::Association(portal)) = *scope;
                self.asks.push_back(Ask::DayEnds { portal });
            }
        }
    }

    /// Permits that count now, and the limit, of a window.
    pub fn figures(&self, scope: Scope) -> Option<(u32, u32)> {
        self.windows.get(&scope).map(|window| (window.used(), window.limit()))
    }

    /// A window, as pacing sees it. Call [`room`](Self::room) first.
    pub(super) fn view(&self, scope: Scope) -> Option<WindowView> {
        self.windows.get(&scope).map(|window| WindowView {
            limit: window.limit(),
            used: window.used(),
            available: window.available(),
            span: window.span(),
            next_release: window.next_change(),
        })
    }

    /// The days that a call counts in. An app without a day of its own, a public one, does not count in the account's.
    fn days_of(&self, install: Install, cost: CostClass) -> impl Iterator<Item = DayScope> + use<> {
        let has_day = self.installs.get(&install).is_some_and(|limits| limits.daily.is_some());
        draws_on(cost).days.iter().filter_map(move |day| match day {
            DayCounter::Account => has_day.then_some(DayScope::Account(install.portal)),
            DayCounter::Association => Some(DayScope::Association(install.portal)),
        })
    }

    fn each_counter(
        &mut self,
        install: Install,
        cost: CostClass,
        on_window: impl FnOnce(&mut Window),
        on_day: impl Fn(&mut Day),
    ) {
        if let Some(window) = self.windows.get_mut(&Scope::of(install, cost)) {
            on_window(window);
        }
        for scope in self.days_of(install, cost) {
            if let Some(day) = self.days.get_mut(&scope) {
                on_day(day);
            }
        }
    }
}
