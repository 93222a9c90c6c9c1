//! The one door to HubSpot, as the configuration describes it, and its closing however a command ends.

use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use linchpin::{BaseUrlError, Error, Linchpin, Stores, Tasks, Tier as LimitTier};
use linchpin_hubspot::version::ApiVersion;

use super::trouble;
use crate::config::{Config, Tier};
use crate::console;
use crate::failure::{Code, Failure};
use crate::stop;

/// Who calls, for logs.
const CALLER: &str = "command line";

/// After this silence of HubSpot the person at the terminal is told.
const PATIENCE: Duration = Duration::from_secs(2);

/// The doors that a command has opened, so that each is closed however the command ends: a failure and Ctrl-C drop
/// whatever held one, but the tasks behind it live on.
#[derive(Default)]
pub(crate) struct Doors(Mutex<Vec<Tasks>>);

impl Doors {
    /// The tasks of a new door, or of what stands before one.
    pub(super) fn tasks(&self) -> Tasks {
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

/// Opens the door over a store, and asks whose token it is.
pub(super) async fn open(config: &Config, stores: Stores, doors: &Doors) -> Result<Linchpin, Failure> {
    let hubspot = config.hubspot();
    let version = version(config)?;
    if hubspot.tier == Some(Tier::Unlimited) && hubspot.base_url.is_hubspots() {
        return Err(Failure::new(
            Code::Setting,
            "hubspot.tier: HubSpot has limits for every account; `unlimited` is for servers of your own".to_owned(),
            "name the account's plan: free, starter, professional or enterprise",
        ));
    }
    let builder = Linchpin::builder()
        .token(config.token()?)
        .base_url(hubspot.base_url.as_str())
        .allow_plain_http(hubspot.allow_plain_http)
        .version(version)
        .tier(tier(hubspot.tier))
        .limit_increases(u32::from(hubspot.limit_increase))
        .reserve(hubspot.reserve.fraction())
        .caller(CALLER)
        .store(config.store())
        .stores(stores)
        .tasks(doors.tasks());
    let mut opened = pin!(builder.open());
    // An unreachable server is tried for some seconds.
    let opened = tokio::select! {
        opened = &mut opened => opened,
        () = tokio::time::sleep(PATIENCE) => {
            console::note(&format!("no answer from {} yet; still trying", hubspot.base_url.as_str()));
            opened.await
        }
    };
    opened.map_err(|error| match error {
        Error::BaseUrl(why) => base_url(why, hubspot.base_url.as_str()),
        error => trouble::of_facade(error, config),
    })
}

/// The version of the API.
pub(super) fn version(config: &Config) -> Result<ApiVersion, Failure> {
    config.hubspot().api_version.as_str().parse().map_err(|error| {
        Failure::new(Code::Setting, format!("hubspot.api_version: {error}"), "correct it in the configuration")
    })
}

pub(super) fn base_url(why: BaseUrlError, address: &str) -> Failure {
    if why == BaseUrlError::PlainHttp {
        return Failure::new(
            Code::Setting,
            format!("hubspot.base_url: over {address} the token would travel in the open"),
            "use https; if it is a simulator in a network of your own, set `hubspot.allow_plain_http: true`",
        );
    }
    Failure::new(Code::Setting, format!("hubspot.base_url: {why}"), "correct it in the configuration")
}

/// The configured plan; a free account when none is configured.
fn tier(tier: Option<Tier>) -> LimitTier {
    match tier {
        None | Some(Tier::Free) => LimitTier::Free,
        Some(Tier::Starter) => LimitTier::Starter,
        Some(Tier::Professional) => LimitTier::Professional,
        Some(Tier::Enterprise) => LimitTier::Enterprise,
        Some(Tier::Unlimited) => LimitTier::Unlimited,
    }
}
