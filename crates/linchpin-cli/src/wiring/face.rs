//! From a configuration to the face that other programs call.

use std::sync::Arc;

use linchpin_core::schedule::lanes::Lane;
use linchpin_engine::clock::Clock;
use linchpin_engine::gateway::{Coalesce, Gateway};
use linchpin_engine::ingress::{App, Ingress};
use linchpin_hubspot::id::AppId;
use linchpin_hubspot::signature::Scheme;
use linchpin_ports::event_log::EventLog;
use linchpin_server::callers::{Caller, Callers};
use linchpin_server::gateway::Face;
use linchpin_server::webhooks::{Outside, Webhooks};

use super::door::{self, Doors};
use super::trouble;
use crate::config::{self, Config};
use crate::failure::Failure;

/// The name under which the calls of the configured token are counted.
const TOKEN_CALLER: &str = "hubspot-token";

/// Opens the store, the door to HubSpot, asks whose token it is, and puts the face before it.
pub(crate) async fn open(config: &Config, doors: &Doors) -> Result<Face, Failure> {
    // Keys first: a wrong reference is told without asking HubSpot.
    let (callers, apps) = (callers(config)?, config.webhook_apps()?);
    let store = super::open_store(&config.store())?;
    let client = door::open(config, store.stores(), doors).await?;
    let install = client.install();
    let coalesce = match config.gateway().coalesce {
        config::Coalesce::Off => Coalesce::Off,
        config::Coalesce::Proven => Coalesce::Proven,
        config::Coalesce::All => Coalesce::All,
    };
    let (dispatch, clock) = (client.dispatch().clone(), client.clock());
    let dice = linchpin::dice().map_err(|error| trouble::of_facade(error, config))?;
    let gateway = Gateway::new(dispatch.clone(), install, coalesce, client.clock(), dice);
    let webhooks = webhooks(apps, config, store.stores().events, client.clock());
    let upstream = config.hubspot().base_url.as_str().to_owned();
    Ok(Face { gateway, dispatch, install, callers, upstream, clock, webhooks })
}

fn callers(config: &Config) -> Result<Callers, Failure> {
    let mut callers = Callers::default();
    let token = Caller { name: TOKEN_CALLER.to_owned(), lane: Lane::Interactive };
    callers.admit(&config.token()?, token);
    for (name, lane, key) in config.keys()? {
        let lane = match lane {
            config::Lane::Interactive => Lane::Interactive,
            config::Lane::Realtime => Lane::Realtime,
            config::Lane::Bulk => Lane::Bulk,
            config::Lane::Reporting => Lane::Reporting,
        };
        callers.admit(&key, Caller { name: name.to_owned(), lane });
    }
    Ok(callers)
}

fn webhooks(
    apps: Vec<config::ResolvedApp>,
    config: &Config,
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
) -> Option<Webhooks> {
    if apps.is_empty() {
        return None;
    }
    let settings = config.webhooks();
    let outside = match &settings.public_url {
        Some(url) => Outside::Fixed(url.0.clone()),
        None => Outside::Forwarded(settings.trusted_proxies.clone()),
    };
    let apps = apps.into_iter().map(|app| App {
        id: AppId(app.number),
        secrets: app.secrets,
        least: match app.least {
            config::Signature::V1 => Scheme::V1,
            config::Signature::V2 => Scheme::V2,
            config::Signature::V3 => Scheme::V3,
        },
    });
    Some(Webhooks::new(Ingress::new(apps.collect(), log, clock), outside))
}
