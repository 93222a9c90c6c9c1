//! HubSpot's rate limits as data, and what answers say about them
//! (<https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines>).
//!
//! Numbers only; counting against them is `core::schedule::budget`.

use http::HeaderMap;
use serde::{Deserialize, Serialize};

use crate::call::CostClass;

/// The burst window. HubSpot calls it rolling; whether it is exact or counts whole seconds is unknown.
pub const BURST_WINDOW_MS: u64 = 10_000;
/// Search calls in [`SEARCH_WINDOW_MS`], for the whole account.
pub const SEARCH_MAX: u32 = 5;
/// The window of search.
pub const SEARCH_WINDOW_MS: u64 = 1_000;
/// Calls of the webhooks journal in one second, per app.
pub const JOURNAL_PER_SECOND_MAX: u32 = 100;
/// API limit increases that add to the day; the burst rises once.
pub const INCREASES_MAX: u8 = 2;
/// What one increase adds to the day.
pub const INCREASE_PER_DAY: u64 = 1_000_000;

/// What the account pays for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Free and Starter.
    Starter,
    /// Professional.
    Professional,
    /// Enterprise.
    Enterprise,
}

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
    /// documentation gives no daily number of association calls below Professional; Professional's is taken.
    pub fn of(tier: Tier, kind: AppKind, increases: u8) -> Self {
        let (burst, per_day, association_burst) = match tier {
            Tier::Starter => (100, 250_000, 100),
            Tier::Professional => (190, 625_000, 150),
            Tier::Enterprise => (190, 1_000_000, 150),
        };
        let increases = increases.min(INCREASES_MAX);
        let raised = increases > 0;
        Self {
            burst: match kind {
                AppKind::Public => 110,
                AppKind::Private if raised => 250,
                AppKind::Private => burst,
            },
            per_day: (kind == AppKind::Private).then(|| per_day + u64::from(increases) * INCREASE_PER_DAY),
            search: SEARCH_MAX,
            association_burst: if raised { 200 } else { association_burst },
            association_per_day: if raised { 1_000_000 } else { 500_000 },
        }
    }
}

/// One counter of HubSpot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counter {
    /// Ten seconds, per app in the account.
    Burst,
    /// The day, per account.
    Day,
    /// One second, per account.
    Search,
    /// Ten seconds of association batches and labels.
    AssociationBurst,
    /// The day of association batches and labels.
    AssociationDay,
    /// The token endpoint, per app.
    Token,
    /// The journal, per app.
    Journal,
}

/// Which counters a call draws on. Search and association batches are exempt from the ten-second window but not from
/// the day (`x-hubspot-rate-limit-exemptions` in HubSpot/HubSpot-public-api-spec-collection; the day's counter fell by
/// one with every search in grouparoo/grouparoo's recordings).
pub const fn draws_on(cost: CostClass) -> &'static [Counter] {
    match cost {
        CostClass::Ordinary => &[Counter::Burst, Counter::Day],
        CostClass::Search => &[Counter::Search, Counter::Day],
        CostClass::AssociationBatch => &[Counter::AssociationBurst, Counter::AssociationDay, Counter::Day],
        CostClass::Token => &[Counter::Token],
        CostClass::Journal => &[Counter::Journal],
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
        fn number<T: std::str::FromStr>(headers: &HeaderMap, name: &str) -> Option<T> {
            headers.get(name)?.to_str().ok()?.trim().parse().ok()
        }
        Self {
            max: number(headers, "x-hubspot-ratelimit-max"),
            remaining: number(headers, "x-hubspot-ratelimit-remaining"),
            interval_ms: number(headers, "x-hubspot-ratelimit-interval-milliseconds"),
            daily: number(headers, "x-hubspot-ratelimit-daily"),
            daily_remaining: number(headers, "x-hubspot-ratelimit-daily-remaining"),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn every_tier_has_its_numbers() {
        let burst_and_day = |tier, kind, increases| {
            let limits = Limits::of(tier, kind, increases);
            (limits.burst, limits.per_day, limits.association_burst)
        };
        assert_eq!(burst_and_day(Tier::Starter, AppKind::Private, 0), (100, Some(250_000), 100));
        assert_eq!(burst_and_day(Tier::Professional, AppKind::Private, 0), (190, Some(625_000), 150));
        assert_eq!(burst_and_day(Tier::Enterprise, AppKind::Private, 9), (250, Some(3_000_000), 200));
        assert_eq!(burst_and_day(Tier::Enterprise, AppKind::Public, 0), (110, None, 150));
    }

    #[test]
    fn search_and_association_batches_spare_the_window_but_not_the_day() {
        for cost in [CostClass::Search, CostClass::AssociationBatch] {
            assert!(!draws_on(cost).contains(&Counter::Burst) && draws_on(cost).contains(&Counter::Day));
        }
    }

    #[test]
    fn headers_may_be_missing_or_broken() {
        let mut headers = HeaderMap::new();
        headers.insert("X-HubSpot-RateLimit-Max", HeaderValue::from_static("190"));
        headers.insert("X-HubSpot-RateLimit-Remaining", HeaderValue::from_static("many"));
        let read = RateHeaders::read(&headers);
        assert_eq!(read, RateHeaders { max: Some(190), ..RateHeaders::default() });
    }
}
