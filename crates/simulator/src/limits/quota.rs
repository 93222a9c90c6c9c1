//! What each plan allows, as data.
//!
//! Numbers are those of HubSpot's usage guidelines (developers.hubspot.com, "API usage guidelines and limits" and the
//! associations guide); the live values 100, 110, 190 and 250,000 are also seen in public recordings.

use serde::{Deserialize, Serialize};

/// The plan of a portal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// A free account.
    Free,
    /// Starter: the limits of a free account.
    Starter,
    /// Professional.
    #[default]
    Professional,
    /// Enterprise.
    Enterprise,
    /// No limits and no rate-limit headers; HubSpot has no such plan.
    Unlimited,
}

/// Which generation of limits a portal lives under.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Profile {
    /// The limits of 2025 and 2026.
    #[default]
    #[serde(rename = "current")]
    Current,
    /// Those of the recordings of 2021 and 2022, whatever the plan: 100 calls per ten seconds, 250,000 a day, four
    /// searches per second and token, and a search 429 with `category` in place of `errorType`.
    #[serde(rename = "2022")]
    Recorded2022,
}

/// The numbers that a plan stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Calls per ten seconds for each private app.
    pub burst: u32,
    /// Calls per ten seconds for each public OAuth app; no plan and no add-on raises it.
    pub oauth_burst: u32,
    /// Searches per second, all apps of the account together unless `search_per_app`.
    pub search: u32,
    /// Whether each app has searches of its own, as until 2024.
    pub search_per_app: bool,
    /// Association batch and label calls per ten seconds.
    pub association: u32,
    /// Calls per day of the account, searches and association calls included.
    pub daily: u64,
    /// Association batch and label calls per day.
    pub association_daily: u64,
}

impl Quotas {
    const RECORDED_2022: Self = Self {
        burst: 100,
        oauth_burst: 100,
        search: 4,
        search_per_app: true,
        association: 100,
        daily: 250_000,
        association_daily: 250_000,
    };

    /// Looks up a plan; `None` is a plan without limits.
    ///
    /// Professional has 625,000 calls a day in the documentation and 650,000 in one change log: the stricter is taken.
    /// The documentation gives no daily association limit below Professional; the account's whole day is taken.
    pub fn of(profile: Profile, tier: Tier, limit_increase: bool) -> Option<Self> {
        let (burst, association, daily, association_daily) = match tier {
            Tier::Free | Tier::Starter => (100, 100, 250_000, 250_000),
            Tier::Professional => (190, 150, 625_000, 500_000),
            Tier::Enterprise => (190, 150, 1_000_000, 500_000),
            Tier::Unlimited => return None,
        };
        if profile == Profile::Recorded2022 {
            return Some(Self::RECORDED_2022);
        }
        let plain =
            Self { burst, oauth_burst: 110, search: 5, search_per_app: false, association, daily, association_daily };
        if !limit_increase {
            return Some(plain);
        }
        Some(Self { burst: 250, association: 200, daily: daily + 1_000_000, association_daily: 1_000_000, ..plain })
    }
}
