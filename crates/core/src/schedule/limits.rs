//! The limits that an install is held to, and what is kept back of them for others.
//!
//! HubSpot's own numbers are facts of [`linchpin_hubspot::limits`]; here they become rates. Where HubSpot is silent,
//! the value is ours, named, and the stricter one.

use std::time::Duration;

use linchpin_hubspot::limits as facts;
pub use linchpin_hubspot::limits::{AppKind, Tier};

/// The span of the burst window.
pub const BURST_SPAN: Duration = Duration::from_millis(facts::BURST_WINDOW_MS);

/// The span of the windows that are counted by the second.
pub const SECOND: Duration = Duration::from_millis(facts::SEARCH_WINDOW_MS);

/// Calls to the token endpoint in a second. HubSpot documents none; ours.
pub const TOKEN_PER_SECOND: u32 = 5;

/// Calls to the webhooks journal in a second and app: one window holds all of them, so the strictest of its limits.
pub const JOURNAL_PER_SECOND: u32 = facts::JOURNAL_SNAPSHOTS_PER_SECOND_MAX;

/// A number of calls in a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub permits: u32,
    /// In how long.
    pub per: Duration,
}

impl Rate {
    /// So many calls in ten seconds.
    pub const fn in_ten_seconds(permits: u32) -> Self {
        Self { permits, per: BURST_SPAN }
    }

    /// So many calls in a second.
    pub const fn in_a_second(permits: u32) -> Self {
        Self { permits, per: SECOND }
    }
}

/// How the budget is shared between our own lanes and with programs that we do not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    /// The percentage of a window that bulk work may use at once, before it is paced.
    pub bulk_burst_percent: u32,
    /// Permits of a window that background work leaves free while interactive work comes in. Small: every one is lost
    /// to bulk work. Nothing is kept without interactive work, or in windows of fewer than fifty permits.
    pub reserve: u32,
    /// Permits of the burst window left to other holders of the same credential.
    pub foreign_burst: u32,
    /// Searches in a second left to the account's other apps.
    pub foreign_search: u32,
    /// Calls of the day left to the account's other apps.
    pub foreign_daily: u64,
}

impl Default for Shares {
    fn default() -> Self {
        Self { bulk_burst_percent: 8, reserve: 2, foreign_burst: 0, foreign_search: 0, foreign_daily: 0 }
    }
}

/// Every limit of one install.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Ordinary calls of the app in the account.
    pub burst: Rate,
    /// Searches of all apps of the account.
    pub search: Rate,
    /// Association batches and label calls.
    pub association: Rate,
    /// Ordinary calls and searches of the account in its day; none for public apps.
    pub daily: Option<u64>,
    /// Association batches and label calls of the account in its day.
    pub association_daily: Option<u64>,
    /// Calls of the token endpoint, per app.
    pub token: Rate,
    /// Calls of the webhooks journal, per app.
    pub journal: Rate,
    /// What is kept back, and for whom.
    pub shares: Shares,
    /// Nobody has said what the account pays for: answers that name higher limits are believed.
    pub assumed: bool,
}

impl Limits {
    /// The limits of an app in an account of a tier, with default shares.
    ///
    /// `limit_increases` is the number of API limit increases bought; HubSpot sells at most
    /// [two](facts::INCREASES_MAX).
    pub fn of(tier: Tier, app: AppKind, limit_increases: u32) -> Self {
        let allowed = facts::Limits::of(tier, app, limit_increases);
        Self {
            burst: Rate::in_ten_seconds(allowed.burst),
            search: Rate::in_a_second(allowed.search),
            association: Rate::in_ten_seconds(allowed.association_burst),
            daily: allowed.per_day,
            association_daily: Some(allowed.association_per_day),
            token: Rate::in_a_second(TOKEN_PER_SECOND),
            journal: Rate::in_a_second(JOURNAL_PER_SECOND),
            shares: Shares::default(),
            assumed: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_becomes_the_rate_of_its_own_window() {
        let limits = Limits::of(Tier::Professional, AppKind::Private, 0);
        let expected = Limits {
            burst: Rate { permits: 190, per: Duration::from_secs(10) },
            search: Rate { permits: 5, per: Duration::from_secs(1) },
            association: Rate { permits: 150, per: Duration::from_secs(10) },
            daily: Some(625_000),
            association_daily: Some(500_000),
            token: Rate { permits: 5, per: Duration::from_secs(1) },
            journal: Rate { permits: 10, per: Duration::from_secs(1) },
            shares: Shares::default(),
            assumed: false,
        };
        assert_eq!(limits, expected);
        assert_eq!(Limits::of(Tier::Professional, AppKind::Public, 0).daily, None);
    }
}
