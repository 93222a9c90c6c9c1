//! The one door to HubSpot: limits from the configuration, windows remembered in the store, calls with the token.
//!
//! Who the account is, is asked with a stand-in install, before the real one is known. The stand-in has a small window
//! of its own, which the real one keeps free: together they never exceed the account's limit, across processes.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use linchpin_core::schedule::lanes::Lane;
use linchpin_core::schedule::limits::{AppKind, Limits, Rate, Shares, Tier as LimitTier};
use linchpin_core::sync::plan::Pace;
use linchpin_core::time::Wall;
use linchpin_engine::clock::{Clock, SystemClock};
use linchpin_engine::dispatch::{DayEnds, Dispatch, InstallError, Parts};
use linchpin_engine::hub::Hub;
use linchpin_engine::sync::{self, Account, Context, Options, SyncError};
use linchpin_engine::tasks::Tasks;
use linchpin_engine::upstream::{HttpOptions, HttpUpstream, https_connector};
use linchpin_hubspot::id::{AppId, Install, PortalId};
use linchpin_ports::credentials::StaticCredentials;
use linchpin_ports::store::Stores;
use secrecy::SecretString;

use super::acquaintance::Acquaintance;
use super::trouble;
use crate::config::{Config, Tier};
use crate::console;
use crate::failure::{Code, Failure, chain};
use crate::stop;

/// Who calls, for logs.
const CALLER: &str = "command line";

/// The install under which it is asked whose token this is.
const STAND_IN: Install = Install { portal: PortalId(0), app: AppId(0) };

/// Calls of every ten seconds that are kept for those questions: what one command asks.
const STAND_IN_PERMITS: u32 = 2;

/// After this silence of HubSpot the person at the terminal is told.
const PATIENCE: Duration = Duration::from_secs(2);

/// The doors that a command has opened, so that each is closed however the command ends: a failure and Ctrl-C drop
/// whatever held one, but the tasks behind it live on.
#[derive(Default)]
pub(crate) struct Doors(Mutex<Vec<Tasks>>);

impl Doors {
    /// The tasks of a new door.
    fn tasks(&self) -> Tasks {
        let tasks = Tasks::new();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(tasks.clone());
        tasks
    }

    /// Closes them: what is on its way is waited for, and the windows are remembered, so that the next start need not
    /// wait for a whole window. Ctrl-C ends the waiting.
    pub(crate) async fn close(&self) {
        let opened = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for tasks in opened {
            let mut shut = pin!(shut(&tasks));
            tokio::select! {
                () = &mut shut => continue,
                () = stop::signal() => return,
                () = tokio::time::sleep(PATIENCE) => {}
            }
            console::note("waiting for the answers of calls in flight (Ctrl-C stops at once)");
            tokio::select! {
                () = shut => {}
                () = stop::signal() => return,
            }
        }
    }
}

async fn shut(tasks: &Tasks) {
    if let Err(error) = tasks.shutdown().await {
        tracing::error!(%error, "not everything ended in good order");
    }
}

fn plain_http(address: &str) -> Failure {
    Failure::new(
        Code::Setting,
        format!("hubspot.base_url: over {address} the token would travel in the open"),
        "use https; if it is a simulator in a network of your own, set `hubspot.allow_plain_http: true`",
    )
}

/// The door, opened.
pub(super) struct Door {
    clock: Arc<dyn Clock>,
    days: Arc<AccountDays>,
    dispatch: Dispatch,
    hub: Hub,
    limits: Limits,
    token: SecretString,
}

impl Door {
    /// Opens it; nothing is sent yet.
    pub(super) fn open(config: &Config, token: SecretString, stores: &Stores, doors: &Doors) -> Result<Self, Failure> {
        let hubspot = config.hubspot();
        if hubspot.base_url.is_open_to_others() && !hubspot.allow_plain_http {
            return Err(plain_http(hubspot.base_url.as_str()));
        }
        let wrong = |why: String| {
            Failure::new(Code::Setting, format!("hubspot.base_url: {why}"), "correct it in the configuration")
        };
        let base = hubspot.base_url.as_str().parse().map_err(|error| wrong(chain(&error)))?;
        let connector = https_connector().map_err(|error| Failure::internal("cannot set up TLS", &error))?;
        let tasks = doors.tasks();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let days = Arc::new(AccountDays::default());
        let parts = Parts {
            clock: Arc::clone(&clock),
            upstream: Arc::new(HttpUpstream::new(connector, base, HttpOptions::default())),
            credentials: Arc::new(StaticCredentials::private_app(token.clone())),
            records: Arc::clone(&stores.budget),
            days: Arc::<AccountDays>::clone(&days),
            seed: dice()?,
        };
        let dispatch = Dispatch::start(&tasks, parts);
        let version = hubspot.api_version.as_str().parse().map_err(|error| {
            Failure::new(Code::Setting, format!("hubspot.api_version: {error}"), "correct it in the configuration")
        })?;
        let hub = Hub::new(dispatch.clone(), STAND_IN, version, Lane::Bulk, CALLER);
        Ok(Self { clock, days, dispatch, hub, limits: limits(config), token })
    }

    /// Finds out whose token it is, and lets calls for that account through from now on.
    pub(super) async fn identify(&self, config: &Config) -> Result<Account, Failure> {
        let store = config.store();
        let known = Acquaintance::beside(&store, &self.token, config.hubspot().base_url.as_str());
        let now = self.clock.now().wall;
        let account = if let Some(account) = known.recall(now) {
            account
        } else {
            let few =
                Limits { burst: Rate::in_ten_seconds(STAND_IN_PERMITS), shares: Shares::default(), ..self.limits };
            self.register(STAND_IN, few).await?;
            let account = self.ask(config).await.map_err(|error| trouble::of_sync(&error, config))?;
            // Without a store (a check) nothing is left behind.
            if store.exists() {
                known.remember(&account, now);
            }
            account
        };
        self.days.learn(account.time_zone.as_deref());
        self.register(account.install, self.limits).await?;
        Ok(account)
    }

    /// Says so when the answer takes long: an unreachable server is tried for half a minute.
    async fn ask(&self, config: &Config) -> Result<Account, SyncError> {
        let mut asked = pin!(sync::identify(&self.hub, &self.token));
        tokio::select! {
            account = &mut asked => return account,
            () = tokio::time::sleep(PATIENCE) => {}
        }
        console::note(&format!("no answer from {} yet; still trying", config.hubspot().base_url.as_str()));
        asked.await
    }

    async fn register(&self, install: Install, limits: Limits) -> Result<(), Failure> {
        self.dispatch.install(install, AppKind::Private, limits).await.map_err(|error| match error {
            InstallError::Store(error) => trouble::of_store(error),
            InstallError::Shutdown => Failure::internal("the door to HubSpot is closed", &error),
        })
    }

    /// What planning and applying work with.
    pub(super) fn context(&self, install: Install, stores: Stores, sample: Option<f64>) -> Result<Context, Failure> {
        let options = Options { sample, pace: pace(&self.limits), seed: dice()?, ..Options::default() };
        let hub = self.hub.for_install(install);
        Ok(Context { install, stores, hub, clock: Arc::clone(&self.clock), options })
    }
}

/// The limits of the configured plan; those of a free account when none is configured.
fn limits(config: &Config) -> Limits {
    let hubspot = config.hubspot();
    let tier = match hubspot.tier {
        None | Some(Tier::Free) => LimitTier::Free,
        Some(Tier::Starter) => LimitTier::Starter,
        Some(Tier::Professional) => LimitTier::Professional,
        Some(Tier::Enterprise) => LimitTier::Enterprise,
    };
    let limits = Limits::of(tier, AppKind::Private, u32::from(hubspot.limit_increase));
    let shares = Shares {
        foreign_burst: STAND_IN_PERMITS + share_of(limits.burst, hubspot.reserve.fraction()),
        ..limits.shares
    };
    Limits { shares, ..limits }
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
fn dice() -> Result<u64, Failure> {
    getrandom::u64().map_err(|error| {
        Failure::internal("the operating system gives no random numbers", &std::io::Error::other(error.to_string()))
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
