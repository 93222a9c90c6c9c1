//! The one door to HubSpot: limits as configured, windows remembered in the store, calls with the credential.
//!
//! Whose token it is, is asked with a stand-in install, before the real one is known. The stand-in has a small window
//! of its own, which the real one keeps free: together they never exceed the account's limit, across processes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use linchpin_core::schedule::lanes::Lane;
use linchpin_core::schedule::limits::{AppKind, Limits, Rate, Shares};
use linchpin_core::sync::plan::Pace;
use linchpin_core::time::Wall;
use linchpin_engine::clock::{Clock, SystemClock};
use linchpin_engine::dispatch::{DayEnds, Dispatch, InstallError, Parts};
use linchpin_engine::hub::Hub;
use linchpin_engine::sync::{self, Account, Context, Options};
use linchpin_engine::tasks::Tasks;
use linchpin_engine::upstream::{HttpOptions, HttpUpstream, https_connector};
use linchpin_hubspot::account::Details;
use linchpin_hubspot::id::{AppId, Install, PortalId};
use linchpin_ports::credentials::{Credentials, StaticCredentials};
use linchpin_ports::store::Stores;

use crate::acquaintance::Acquaintance;
use crate::builder::{Identity, Settings};
use crate::error::Error;

/// The install under which it is asked whose token this is.
const STAND_IN: Install = Install { portal: PortalId(0), app: AppId(0) };

/// Calls of every ten seconds that are kept for those questions: what one start asks.
const STAND_IN_PERMITS: u32 = 2;

/// How long a server that cannot be reached is tried, before anything else is done.
const INTRODUCTION_MAX: Duration = Duration::from_secs(10);

/// The door, opened; nothing is sent yet.
pub(crate) struct Door {
    clock: Arc<dyn Clock>,
    days: Arc<AccountDays>,
    dispatch: Dispatch,
    hub: Hub,
    limits: Limits,
}

impl Door {
    pub(crate) fn open(settings: &Settings, stores: &Stores, tasks: &Tasks) -> Result<Self, Error> {
        let connector =
            https_connector().map_err(|error| Error::Machine { what: "set up TLS", source: Box::new(error) })?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let days = Arc::new(AccountDays::default());
        let credentials: Arc<dyn Credentials> = match &settings.identity {
            Identity::Token(token) => Arc::new(StaticCredentials::private_app(token.clone())),
            Identity::Credentials { credentials, .. } => Arc::clone(credentials),
        };
        let parts = Parts {
            clock: Arc::clone(&clock),
            upstream: Arc::new(HttpUpstream::new(connector, settings.base_url.clone(), HttpOptions::default())),
            credentials,
            records: Arc::clone(&stores.budget),
            days: Arc::<AccountDays>::clone(&days),
            seed: dice()?,
        };
        let dispatch = Dispatch::start(tasks, parts);
        let hub = Hub::new(dispatch.clone(), STAND_IN, settings.version, Lane::Bulk, &settings.caller);
        Ok(Self { clock, days, dispatch, hub, limits: limits(settings) })
    }

    /// Finds out whose credential it is, and lets calls for that account through from now on.
    pub(crate) async fn identify(&self, settings: &Settings) -> Result<Account, Error> {
        let account = match &settings.identity {
            Identity::Token(token) => {
                let store = settings.store.as_deref();
                let known = store.map(|store| Acquaintance::beside(store, token, &settings.base_url.to_string()));
                let now = self.clock.now().wall;
                if let Some(account) = known.as_ref().and_then(|known| known.recall(now)) {
                    account
                } else {
                    let account = self.ask(token).await?;
                    // Without a store nothing is left behind.
                    if let Some(known) = known.filter(|_| store.is_some_and(std::path::Path::exists)) {
                        known.remember(&account, now);
                    }
                    account
                }
            }
            Identity::Credentials { install, .. } => {
                self.register(*install, settings.identity.kind(), self.limits).await?;
                let details = self.hub.for_install(*install).within(INTRODUCTION_MAX).send(&Details).await?;
                Account { install: *install, time_zone: details.time_zone, kind: details.account_type }
            }
        };
        self.days.learn(account.time_zone.as_deref());
        self.register(account.install, settings.identity.kind(), self.limits).await?;
        Ok(account)
    }

    async fn ask(&self, token: &secrecy::SecretString) -> Result<Account, Error> {
        let few = Limits { burst: Rate::in_ten_seconds(STAND_IN_PERMITS), shares: Shares::default(), ..self.limits };
        self.register(STAND_IN, AppKind::Private, few).await?;
        Ok(sync::identify(&self.hub.within(INTRODUCTION_MAX), token).await?)
    }

    async fn register(&self, install: Install, kind: AppKind, limits: Limits) -> Result<(), Error> {
        self.dispatch.install(install, kind, limits).await.map_err(|error| match error {
            InstallError::Store(error) => Error::Store(error),
            InstallError::Shutdown => Error::Closed,
        })
    }

    /// The door itself.
    pub(crate) fn dispatch(&self) -> Dispatch {
        self.dispatch.clone()
    }

    /// When the account's days end.
    pub(crate) fn days(&self) -> Arc<dyn DayEnds> {
        Arc::<AccountDays>::clone(&self.days)
    }

    /// What planning and applying work with.
    pub(crate) fn context(&self, install: Install, stores: Stores) -> Result<Context, Error> {
        let options = Options { pace: pace(&self.limits), seed: dice()?, ..Options::default() };
        let hub = self.hub.for_install(install);
        Ok(Context { install, stores, hub, clock: Arc::clone(&self.clock), options })
    }
}

fn limits(settings: &Settings) -> Limits {
    let limits = Limits::of(settings.tier, settings.identity.kind(), settings.limit_increases);
    let foreign_burst = STAND_IN_PERMITS + share_of(limits.burst, settings.reserve);
    Limits { shares: Shares { foreign_burst, ..limits.shares }, ..limits }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a small positive number")]
fn share_of(rate: Rate, share: f64) -> u32 {
    (f64::from(rate.permits) * share).floor() as u32
}

fn pace(limits: &Limits) -> Pace {
    let per_second = |rate: Rate, kept: u32| f64::from(rate.permits.saturating_sub(kept)) / rate.per.as_secs_f64();
    Pace {
        ordinary: per_second(limits.burst, limits.shares.foreign_burst),
        associations: per_second(limits.association, 0),
    }
}

/// Dice from the operating system.
///
/// # Errors
/// [`Error::Machine`]: it has none.
pub fn dice() -> Result<u64, Error> {
    getrandom::u64().map_err(|error| Error::Machine {
        what: "get random numbers from the operating system",
        source: error.to_string().into(),
    })
}

/// When the day of the one account ends: at midnight in its time zone once that is known, in UTC before.
#[derive(Debug, Default)]
struct AccountDays(Mutex<Option<TimeZone>>);

impl AccountDays {
    fn learn(&self, zone: Option<&str>) {
        let known = zone.and_then(|name| TimeZone::get(name).ok());
        if known.is_none() {
            tracing::warn!(zone, "the account's time zone is not known: its day is taken to end at midnight UTC");
        }
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }
}

impl DayEnds for AccountDays {
    fn day_ends(&self, _portal: PortalId, now: Wall) -> Option<Wall> {
        let zone = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or(TimeZone::UTC);
        next_midnight(&zone, now)
    }
}

fn next_midnight(zone: &TimeZone, now: Wall) -> Option<Wall> {
    let local = Timestamp::from_millisecond(now.0).ok()?.to_zoned(zone.clone());
    let midnight = local.checked_add(1.day()).ok()?.start_of_day().ok()?;
    Some(Wall(midnight.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight_in_the_accounts_zone() {
        let at = |text: &str| Wall(text.parse::<Timestamp>().unwrap().as_millisecond());
        for (zone, now, ends) in [
            ("UTC", "2026-11-20T23:59:59Z", "2026-11-21T00:00:00Z"),
            ("US/Eastern", "2026-11-20T23:59:59Z", "2026-11-21T05:00:00Z"),
            ("US/Eastern", "2026-11-21T05:00:00Z", "2026-11-22T05:00:00Z"),
            // The day on which clocks go back has 25 hours.
            ("Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        ] {
            assert_eq!(next_midnight(&TimeZone::get(zone).unwrap(), at(now)), Some(at(ends)), "{zone} {now}");
        }
    }

    #[test]
    fn an_unknown_zone_is_utc() {
        let days = AccountDays::default();
        days.learn(Some("Nowhere/Land"));
        assert_eq!(days.day_ends(PortalId(1), Wall(1)), Some(Wall(86_400_000)));
    }
}
