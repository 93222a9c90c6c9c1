//! What HubSpot allows, and what we keep back for others.
//!
//! Facts from HubSpot's usage guidelines
//! (<https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines>) and, for associations, from the
//! associations guide. Where HubSpot is silent, the value is ours, named, and the stricter one.

use std::time::Duration;

/// The span of the burst window.
pub const BURST_SPAN: Duration = Duration::from_secs(10);

/// The span of the windows that are counted by the second.
pub const SECOND: Duration = Duration::from_secs(1);

/// Calls to the token endpoint in a second. HubSpot documents none; ours.
pub const TOKEN_PER_SECOND: u32 = 5;

/// Calls to the webhooks journal in a second and app; snapshots are the strictest of its three limits.
pub const JOURNAL_PER_SECOND: u32 = 10;

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

/// The subscription of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// Free tools.
    Free,
    /// Any Starter hub.
    Starter,
    /// Any Professional hub.
    Professional,
    /// Any Enterprise hub.
    Enterprise,
}

/// What kind of app a credential belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AppKind {
    /// A private app, a service key, a privately distributed app: the account's limits.
    Private,
    /// A public OAuth app: 110 calls in ten seconds per account, and no day.
    Public,
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
}

impl Limits {
    /// The limits of an app in an account of a tier, with default shares.
    ///
    /// `limit_increases` is the number of API limit increases bought: the first lifts the burst windows, and each
    /// adds a million to the day (HubSpot sells at most two).
    pub fn of(tier: Tier, app: AppKind, limit_increases: u32) -> Self {
        let increased = limit_increases > 0;
        let (burst, association, day) = match tier {
            Tier::Free | Tier::Starter => (100, 100, 250_000),
            Tier::Professional => (190, 150, 625_000),
            Tier::Enterprise => (190, 150, 1_000_000),
        };
        let burst = if increased { 250 } else { burst };
        let association = if increased { 200 } else { association };
        let day = day + 1_000_000 * u64::from(limit_increases.min(2));
        // HubSpot names no association day for Free and Starter: the account's own day is the stricter reading.
        let association_day = if increased { 1_000_000 } else { 500_000.min(day) };
        let (burst, daily) = match app {
            AppKind::Private => (burst, Some(day)),
            AppKind::Public => (110, None),
        };
        Self {
            burst: Rate::in_ten_seconds(burst),
            search: Rate::in_a_second(5),
            association: Rate::in_ten_seconds(association),
            daily,
            association_daily: Some(association_day),
            token: Rate::in_a_second(TOKEN_PER_SECOND),
            journal: Rate::in_a_second(JOURNAL_PER_SECOND),
            shares: Shares::default(),
        }
    }
}

#[cfg(test)]
mod tests {
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
            (Tier::Professional, AppKind::Public, 1, 110, 200, None, 1_000_000),
        ];
        for (tier, app, increases, burst, association, daily, association_daily) in table {
            let limits = Limits::of(tier, app, increases);
            let case = format!("{tier:?} {app:?} {increases}");
            assert_eq!(limits.burst, Rate::in_ten_seconds(burst), "{case}");
            assert_eq!(limits.association, Rate::in_ten_seconds(association), "{case}");
            assert_eq!(limits.search, Rate::in_a_second(5), "{case}");
            assert_eq!(limits.daily, daily, "{case}");
            assert_eq!(limits.association_daily, Some(association_daily), "{case}");
        }
    }
}
