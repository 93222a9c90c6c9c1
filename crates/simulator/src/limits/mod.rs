//! The rate limits of one portal: which counters a call draws on, when it is refused, and what its headers say.
//!
//! Facts: burst per (app, portal), search and day per portal, association batch and label calls in a bucket of their
//! own. A search and an association batch draw on the day but not on the ten seconds. Every call of a known credential
//! costs one unit of the day, failed and refused ones included (748 of 751 consecutive recorded calls lowered the daily
//! counter by exactly one, whether 200, 400, 404 or 429). Public OAuth apps have no daily limit.
//!
//! No source says whether a refused call also fills the window that refused it. By default it does not; the option
//! `count_rejected` chooses the stricter reading.

mod day;
mod quota;
mod window;

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::tz::TimeZone;
use rand_core::Rng;
use serde::Serialize;

pub(crate) use day::zone;
pub use quota::{Profile, Quotas, Tier};
pub use window::WindowModel;

use crate::{
    credential::{Credential, CredentialKind},
    dice,
    wire::Millis,
};
use day::DayCounter;
use window::Window;

const BURST_SECONDS: i64 = 10;
const SEARCH_SECONDS: i64 = 1;

const DAILY: HeaderName = HeaderName::from_static("x-hubspot-ratelimit-daily");
const DAILY_REMAINING: HeaderName = HeaderName::from_static("x-hubspot-ratelimit-daily-remaining");
const INTERVAL: HeaderName = HeaderName::from_static("x-hubspot-ratelimit-interval-milliseconds");
const MAX: HeaderName = HeaderName::from_static("x-hubspot-ratelimit-max");
const REMAINING: HeaderName = HeaderName::from_static("x-hubspot-ratelimit-remaining");
const SECONDLY: HeaderName = HeaderName::from_static("x-hubspot-ratelimit-secondly");
const SECONDLY_REMAINING: HeaderName = HeaderName::from_static("x-hubspot-ratelimit-secondly-remaining");

/// Which counters a call draws on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CostClass {
    /// The ten seconds of the app, and the day.
    Standard,
    /// The second of the account, and the day.
    Search,
    /// The associations' own ten seconds and day, and the day.
    Association,
    /// Nothing: calls that carry no bearer token.
    Exempt,
}

/// A limit that refused a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The ten seconds of one app.
    TenSecondly,
    /// The ten seconds of the association calls.
    AssociationTenSecondly,
    /// The second of the searches.
    Secondly,
    /// The day, the account's or that of the association calls.
    Daily,
}

/// The buckets that one call was counted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted(u8);

impl Counted {
    /// No bucket.
    pub const NONE: Self = Self(0);
    /// The ten seconds of the app.
    pub const BURST: Self = Self(1);
    /// The second of the searches.
    pub const SEARCH: Self = Self(2);
    /// The ten seconds of the association calls.
    pub const ASSOCIATION: Self = Self(4);
    /// The day of the account.
    pub const DAY: Self = Self(8);
    /// The day of the association calls.
    pub const ASSOCIATION_DAY: Self = Self(16);

    const NAMES: [(Self, &'static str); 5] = [
        (Self::BURST, "burst"),
        (Self::SEARCH, "search"),
        (Self::ASSOCIATION, "association"),
        (Self::DAY, "day"),
        (Self::ASSOCIATION_DAY, "association_day"),
    ];

    /// Says whether all buckets of `other` are among these.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Joins two sets of buckets.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Lists the buckets by name: `burst`, `search`, `association`, `day`, `association_day`.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(bucket, _)| self.contains(*bucket)).map(|(_, name)| name)
    }
}

/// What the limits say to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The limit that refused it, if one did.
    pub refused: Option<Policy>,
    /// Where it was counted, refused or not.
    pub counted: Counted,
}

/// How one portal counts.
#[derive(Clone, Debug)]
pub(crate) struct LimitRules {
    /// The plan's numbers; `None` counts the day only and refuses nothing.
    pub(crate) quotas: Option<Quotas>,
    /// How the rolling counters remember.
    pub(crate) window: WindowModel,
    /// Whether a refused call fills the window that refused it.
    pub(crate) count_rejected: bool,
    /// How many counters share the ten seconds of an app; a call is shown the one that it met.
    pub(crate) remaining_counters: u32,
    /// Where midnight is.
    pub(crate) zone: TimeZone,
}

/// All counters of one portal.
#[derive(Clone, Debug)]
pub(crate) struct Limiter {
    rules: LimitRules,
    day: DayCounter,
    association_day: DayCounter,
    /// By app where searches are counted so, else under `None`.
    search: BTreeMap<Option<u64>, Window>,
    association: Window,
    burst: BTreeMap<u64, Window>,
    /// What each of several counters saw of an app's calls.
    shares: BTreeMap<(u64, u64), Window>,
    /// The counter that the present call meets.
    met: u64,
}

/// The day's state, for the usage endpoint and the control API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DayUse {
    /// Calls that the day allows; `None` without a limit.
    pub limit: Option<u64>,
    /// Calls spent.
    pub used: u64,
    /// When the day ends, in milliseconds since the epoch.
    pub resets_at: i64,
}

/// How one counter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Use {
    /// `burst`, `search`, `association`, `day` or `association_day`, as in the ledger.
    pub(crate) counter: &'static str,
    /// Whose, if it is not the whole account's.
    pub(crate) app_id: Option<u64>,
    /// What it allows; `None` without a limit.
    pub(crate) limit: Option<u64>,
    /// What it holds.
    pub(crate) used: u64,
    /// Over how many seconds it counts, or until when.
    pub(crate) seconds: Option<i64>,
    /// When it starts again, in milliseconds since the epoch.
    pub(crate) resets_at: Option<i64>,
}

impl Limiter {
    /// Says how every counter stands, those of the given apps included.
    pub(crate) fn uses(&mut self, apps: &[(CredentialKind, u64)], now: Millis) -> Vec<Use> {
        let quotas = self.rules.quotas;
        let rolling = |counter, app_id, limit: Option<u32>, used: u32, seconds| Use {
            counter,
            app_id,
            limit: limit.map(u64::from),
            used: used.into(),
            seconds: Some(seconds),
            resets_at: None,
        };
        let mut uses = Vec::new();
        for (kind, app_id) in apps {
            let limit = quotas.map(|quotas| burst_max(quotas, *kind));
            uses.push(rolling("burst", Some(*app_id), limit, self.burst_window(*app_id).used(now), BURST_SECONDS));
        }
        if self.search.is_empty() {
            uses.push(rolling("search", None, quotas.map(|quotas| quotas.search), 0, SEARCH_SECONDS));
        }
        for (app_id, window) in &mut self.search {
            let limit = quotas.map(|quotas| quotas.search);
            uses.push(rolling("search", *app_id, limit, window.used(now), SEARCH_SECONDS));
        }
        let association = quotas.map(|quotas| quotas.association);
        uses.push(rolling("association", None, association, self.association.used(now), BURST_SECONDS));
        let days = [
            ("day", quotas.map(|quotas| quotas.daily), &mut self.day),
            ("association_day", quotas.map(|quotas| quotas.association_daily), &mut self.association_day),
        ];
        for (counter, limit, day) in days {
            let (used, resets_at) = (day.used(now), Some(day.ends(now).0));
            uses.push(Use { counter, app_id: None, limit, used, seconds: None, resets_at });
        }
        uses
    }

    pub(crate) fn new(rules: LimitRules, now: Millis) -> Self {
        let day = DayCounter::new(rules.zone.clone(), now);
        Self {
            association_day: day.clone(),
            day,
            search: BTreeMap::new(),
            association: Window::new(rules.window, BURST_SECONDS),
            burst: BTreeMap::new(),
            shares: BTreeMap::new(),
            met: 0,
            rules,
        }
    }

    /// Empties every counter.
    pub(crate) fn reset(&mut self, now: Millis) {
        *self = Self::new(self.rules.clone(), now);
    }

    /// Sends the next call to one of several counters; with one counter nothing is drawn.
    pub(crate) fn choose_counter(&mut self, dice: &mut dyn Rng) {
        if self.rules.remaining_counters > 1 {
            self.met = dice::below(dice, self.rules.remaining_counters.into());
        }
    }

    /// Counts one call and says whether it may pass.
    pub(crate) fn admit(&mut self, class: CostClass, credential: &Credential, now: Millis) -> Admission {
        if class == CostClass::Exempt {
            return Admission { refused: None, counted: Counted::NONE };
        }
        let refused = self.refusal(class, credential, now);
        let mut counted = self.count_day(credential, now);
        match refused {
            None => counted = counted.and(self.count_windows(class, credential, now)),
            Some(Policy::Daily) => {}
            Some(Policy::TenSecondly | Policy::AssociationTenSecondly | Policy::Secondly) => {
                if self.rules.count_rejected {
                    counted = counted.and(self.count_windows(class, credential, now));
                }
            }
        }
        Admission { refused, counted }
    }

    /// Counts a call that a forced 429 refuses: a unit of the day, as any refused call.
    pub(crate) fn count_forced_refusal(&mut self, class: CostClass, credential: &Credential, now: Millis) -> Counted {
        if class == CostClass::Exempt { Counted::NONE } else { self.count_day(credential, now) }
    }

    /// Says how the day stands.
    pub(crate) fn day_use(&mut self, now: Millis) -> DayUse {
        let limit = self.rules.quotas.map(|quotas| quotas.daily);
        DayUse { limit, used: self.day.used(now), resets_at: self.day.ends(now).0 }
    }

    /// Writes the rate-limit headers that this credential really gets.
    ///
    /// A private app: seven on ordinary calls, the daily pair alone on searches. OAuth: the same without the daily pair
    /// (recorded: 409 of 409, 353 of 353, 235 of 235 and 358 of 358 answers). Association batches are treated as
    /// searches, being exempt from the ten seconds as well.
    pub(crate) fn write_headers(
        &mut self,
        class: CostClass,
        credential: &Credential,
        now: Millis,
        headers: &mut HeaderMap,
    ) {
        let Some(quotas) = self.rules.quotas else { return };
        match credential.kind {
            CredentialKind::PrivateApp => {
                let left = quotas.daily.saturating_sub(self.day.used(now));
                put(headers, DAILY, quotas.daily);
                put(headers, DAILY_REMAINING, left);
            }
            CredentialKind::OAuthApp => {}
        }
        if class != CostClass::Standard {
            return;
        }
        let max = burst_max(quotas, credential.kind);
        let left = max.saturating_sub(self.seen_by_the_met(credential.app_id, now));
        put(headers, INTERVAL, 10_000);
        put(headers, MAX, max.into());
        put(headers, REMAINING, left.into());
        // Derived numbers, not a limiter of their own: 644 of 644 recorded answers.
        put(headers, SECONDLY, (max / 10).into());
        put(headers, SECONDLY_REMAINING, (left / 10).into());
    }

    fn refusal(&mut self, class: CostClass, credential: &Credential, now: Millis) -> Option<Policy> {
        let quotas = self.rules.quotas?;
        let has_day = credential.kind == CredentialKind::PrivateApp;
        if has_day && self.day.used(now) >= quotas.daily {
            return Some(Policy::Daily);
        }
        match class {
            CostClass::Standard => {
                let max = burst_max(quotas, credential.kind);
                (self.burst_window(credential.app_id).used(now) >= max).then_some(Policy::TenSecondly)
            }
            CostClass::Search => {
                (self.search_window(credential).used(now) >= quotas.search).then_some(Policy::Secondly)
            }
            CostClass::Association if self.association_day.used(now) >= quotas.association_daily => Some(Policy::Daily),
            CostClass::Association => {
                (self.association.used(now) >= quotas.association).then_some(Policy::AssociationTenSecondly)
            }
            CostClass::Exempt => None,
        }
    }

    fn count_day(&mut self, credential: &Credential, now: Millis) -> Counted {
        match credential.kind {
            CredentialKind::PrivateApp => {
                self.day.add(now);
                Counted::DAY
            }
            CredentialKind::OAuthApp => Counted::NONE,
        }
    }

    fn count_windows(&mut self, class: CostClass, credential: &Credential, now: Millis) -> Counted {
        match class {
            CostClass::Standard => {
                self.burst_window(credential.app_id).add(now);
                if self.rules.remaining_counters > 1 {
                    self.share(credential.app_id).add(now);
                }
                Counted::BURST
            }
            CostClass::Search => {
                self.search_window(credential).add(now);
                Counted::SEARCH
            }
            CostClass::Association => {
                self.association.add(now);
                self.association_day.add(now);
                Counted::ASSOCIATION.and(Counted::ASSOCIATION_DAY)
            }
            CostClass::Exempt => Counted::NONE,
        }
    }

    fn search_window(&mut self, credential: &Credential) -> &mut Window {
        let own = self.rules.quotas.is_some_and(|quotas| quotas.search_per_app);
        let model = self.rules.window;
        self.search.entry(own.then_some(credential.app_id)).or_insert_with(|| Window::new(model, SEARCH_SECONDS))
    }

    /// The calls of an app that the headers of the present answer know of.
    fn seen_by_the_met(&mut self, app_id: u64, now: Millis) -> u32 {
        let window = if self.rules.remaining_counters > 1 { self.share(app_id) } else { self.burst_window(app_id) };
        window.used(now)
    }

    fn share(&mut self, app_id: u64) -> &mut Window {
        let model = self.rules.window;
        self.shares.entry((app_id, self.met)).or_insert_with(|| Window::new(model, BURST_SECONDS))
    }

    fn burst_window(&mut self, app_id: u64) -> &mut Window {
        let model = self.rules.window;
        self.burst.entry(app_id).or_insert_with(|| Window::new(model, BURST_SECONDS))
    }
}

fn burst_max(quotas: Quotas, kind: CredentialKind) -> u32 {
    match kind {
        CredentialKind::PrivateApp => quotas.burst,
        CredentialKind::OAuthApp => quotas.oauth_burst,
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: u64) {
    headers.insert(name, HeaderValue::from(value));
}

#[cfg(test)]
mod tests;
