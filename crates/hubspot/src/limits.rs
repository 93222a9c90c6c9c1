//! HubSpot's limits as data: how fast and how often one may call, how much a call may hold, and what answers say about it
//! (<https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines>; for associations their own guide).
//!
//! The one place for these numbers. A typed call is compared with [`sizes`] before it leaves
//! ([`crate::endpoint::Endpoint::check`]). Counting against them is `core::schedule::budget`; what is kept back for others,
//! and limits where HubSpot names none, are `core::schedule::limits`.

use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::call::CostClass;

pub mod sizes;

/// The burst window. HubSpot calls it rolling; whether it is exact or counts whole seconds is unknown.
pub const BURST_WINDOW_MS: u64 = 10_000;
/// Search calls in [`SEARCH_WINDOW_MS`], for the whole account.
pub const SEARCH_MAX: u32 = 5;
/// The window of search.
pub const SEARCH_WINDOW_MS: u64 = 1_000;
/// Calls of the webhooks journal in one second, per app.
pub const JOURNAL_PER_SECOND_MAX: u32 = 100;
/// Of these, calls about subscriptions.
pub const JOURNAL_SUBSCRIPTIONS_PER_SECOND_MAX: u32 = 50;
/// Of these, calls for snapshots.
pub const JOURNAL_SNAPSHOTS_PER_SECOND_MAX: u32 = 10;
/// API limit increases that add to the day; the burst rises once.
pub const INCREASES_MAX: u32 = 2;
/// What one increase adds to the day.
pub const INCREASE_PER_DAY: u64 = 1_000_000;

/// What the account pays for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Free tools.
    Free,
    /// Any Starter hub.
    Starter,
    /// Any Professional hub.
    Professional,
    /// Any Enterprise hub.
    Enterprise,
    /// None of HubSpot's: what no program reaches, for a server that has no limits.
    Unlimited,
}

/// Calls in any window of [`Tier::Unlimited`]: a hundred thousand in a second.
pub const UNLIMITED: u32 = 1_000_000;
/// Calls in a day of [`Tier::Unlimited`].
pub const UNLIMITED_PER_DAY: u64 = 10_000_000_000;

/// What kind of credential calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppKind {
    /// A private app, a service key or a privately distributed app.
    Private,
    /// An app of the marketplace, with OAuth.
    Public,
}

/// The numbers that hold for one app in one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Calls of this app in [`BURST_WINDOW_MS`].
    pub burst: u32,
    /// Calls of all private apps of the account in a day of its time zone; public apps have no such limit.
    pub per_day: Option<u64>,
    /// Search calls of the account in [`SEARCH_WINDOW_MS`].
    pub search: u32,
    /// Association batch and label calls in [`BURST_WINDOW_MS`].
    pub association_burst: u32,
    /// Association batch and label calls in a day.
    pub association_per_day: u64,
}

impl Limits {
    /// The limits of a tier. `increases` is how many API limit increases the account has bought.
    ///
    /// Where sources differ the smaller number stands: 625,000 a day for Professional (a changelog says 650,000). The
    /// documentation gives no daily number of association calls below Professional: Professional's is taken, or the
    /// account's own day where that is smaller.
    pub fn of(tier: Tier, kind: AppKind, increases: u32) -> Self {
        let (burst, per_day, association_burst) = match tier {
            Tier::Free | Tier::Starter => (100, 250_000, 100),
            Tier::Professional => (190, 625_000, 150),
            Tier::Enterprise => (190, 1_000_000, 150),
            Tier::Unlimited => return Self::unlimited(kind),
        };
        let increases = increases.min(INCREASES_MAX);
        let raised = increases > 0;
        let per_day = per_day + u64::from(increases) * INCREASE_PER_DAY;
        Self {
            burst: match kind {
                AppKind::Public => 110,
                AppKind::Private if raised => 250,
                AppKind::Private => burst,
            },
            per_day: (kind == AppKind::Private).then_some(per_day),
            search: SEARCH_MAX,
            association_burst: if raised { 200 } else { association_burst },
            association_per_day: if raised { 1_000_000 } else { 500_000.min(per_day) },
        }
    }

    fn unlimited(kind: AppKind) -> Self {
        Self {
            burst: UNLIMITED,
            per_day: (kind == AppKind::Private).then_some(UNLIMITED_PER_DAY),
            search: UNLIMITED,
            association_burst: UNLIMITED,
            association_per_day: UNLIMITED_PER_DAY,
        }
    }
}

/// A counter that forgets after seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RollingCounter {
    /// Ten seconds, per app in the account.
    Burst,
    /// One second, per account.
    Search,
    /// Ten seconds of association batches and labels, per account.
    Association,
    /// The token endpoint, per app.
    Token,
    /// The journal, per app.
    Journal,
}

/// A counter that starts again with the account's day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DayCounter {
    /// The calls of all private apps.
    Account,
    /// Association batches and labels.
    Association,
}

/// The counters that a call draws on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// The one that limits how fast.
    pub rolling: RollingCounter,
    /// Those that limit how many in a day.
    pub days: &'static [DayCounter],
}

/// Which counters a call draws on. Search and association batches are exempt from the ten-second window but not from
/// the day (`x-hubspot-rate-limit-exemptions` in HubSpot/HubSpot-public-api-spec-collection; the day's counter fell by
/// one with every search in grouparoo/grouparoo's recordings).
pub const fn draws_on(cost: CostClass) -> Draw {
    const ACCOUNT: &[DayCounter] = &[DayCounter::Account];
    match cost {
        CostClass::Ordinary => Draw { rolling: RollingCounter::Burst, days: ACCOUNT },
        CostClass::Search => Draw { rolling: RollingCounter::Search, days: ACCOUNT },
        CostClass::AssociationBatch => {
            Draw { rolling: RollingCounter::Association, days: &[DayCounter::Account, DayCounter::Association] }
        }
        CostClass::Token => Draw { rolling: RollingCounter::Token, days: &[] },
        CostClass::Journal => Draw { rolling: RollingCounter::Journal, days: &[] },
    }
}

/// What an answer's headers say. OAuth answers lack the day; search answers lack the window.
///
/// `X-HubSpot-RateLimit-Secondly` is not read: it is derived from the window and limits nothing. `remaining` comes from
/// several counters and may rise inside a burst: good for lowering one's own count, not for raising it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateHeaders {
    /// `X-HubSpot-RateLimit-Max`.
    pub max: Option<u32>,
    /// `X-HubSpot-RateLimit-Remaining`.
    pub remaining: Option<u32>,
    /// `X-HubSpot-RateLimit-Interval-Milliseconds`.
    pub interval_ms: Option<u64>,
    /// `X-HubSpot-RateLimit-Daily`.
    pub daily: Option<u64>,
    /// `X-HubSpot-RateLimit-Daily-Remaining`.
    pub daily_remaining: Option<u64>,
}

impl RateHeaders {
    /// Reads what is there; a value that is no number counts as absent.
    pub fn read(headers: &HeaderMap) -> Self {
        fn number<T: std::str::FromStr>(value: &HeaderValue) -> Option<T> {
            value.to_str().ok()?.trim().parse().ok()
        }
        let mut read = Self::default();
        // Of a header that comes twice, the first counts.
        for name in headers.keys() {
            let Some(what) = name.as_str().strip_prefix("x-hubspot-ratelimit-") else { continue };
            let Some(value) = headers.get(name) else { continue };
            match what {
                "max" => read.max = number(value),
                "remaining" => read.remaining = number(value),
                "interval-milliseconds" => read.interval_ms = number(value),
                "daily" => read.daily = number(value),
                "daily-remaining" => read.daily_remaining = number(value),
                _ => {}
            }
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn limits_are_those_of_the_guidelines() {
        let table = [
            (Tier::Free, AppKind::Private, 0, 100, 100, Some(250_000), 250_000),
            (Tier::Starter, AppKind::Private, 0, 100, 100, Some(250_000), 250_000),
            (Tier::Professional, AppKind::Private, 0, 190, 150, Some(625_000), 500_000),
            (Tier::Enterprise, AppKind::Private, 0, 190, 150, Some(1_000_000), 500_000),
            (Tier::Enterprise, AppKind::Private, 1, 250, 200, Some(2_000_000), 1_000_000),
            (Tier::Enterprise, AppKind::Private, 5, 250, 200, Some(3_000_000), 1_000_000),
            (Tier::Starter, AppKind::Public, 0, 110, 100, None, 250_000),
            (Tier::Professional, AppKind::Public, 1, 110, 200, None, 1_000_000),
        ];
        for (tier, kind, increases, burst, association_burst, per_day, association_per_day) in table {
            let expected = Limits { burst, per_day, search: 5, association_burst, association_per_day };
            assert_eq!(Limits::of(tier, kind, increases), expected, "{tier:?} {kind:?} {increases}");
        }
    }

    #[test]
    fn without_a_plan_no_window_is_ever_full() {
        let limits = Limits::of(Tier::Unlimited, AppKind::Private, 0);
        assert!([limits.burst, limits.search, limits.association_burst].into_iter().all(|limit| limit == UNLIMITED));
        assert_eq!(limits.per_day, Some(UNLIMITED_PER_DAY));
    }

    #[test]
    fn search_and_association_batches_spare_the_burst_but_not_the_day() {
        for cost in [CostClass::Search, CostClass::AssociationBatch] {
            let draw = draws_on(cost);
            assert!(draw.rolling != RollingCounter::Burst && draw.days.contains(&DayCounter::Account), "{cost:?}");
        }
    }

    #[test]
    fn headers_may_be_missing_or_broken() {
        let mut headers = HeaderMap::new();
        headers.insert("X-HubSpot-RateLimit-Max", HeaderValue::from_static("190"));
        headers.insert("X-HubSpot-RateLimit-Remaining", HeaderValue::from_static(" 17 "));
        headers.insert("X-HubSpot-RateLimit-Daily", HeaderValue::from_static("many"));
        let read = RateHeaders::read(&headers);
        assert_eq!(read, RateHeaders { max: Some(190), remaining: Some(17), ..RateHeaders::default() });
    }
}
