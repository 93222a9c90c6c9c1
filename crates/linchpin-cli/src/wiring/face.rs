//! From a configuration to the face that other programs call.

use linchpin_core::schedule::lanes::Lane;
use linchpin_engine::gateway::{Coalesce, Gateway};
use linchpin_server::callers::{Caller, Callers};
use linchpin_server::gateway::Face;

use super::door::{self, Doors};
use super::trouble;
use crate::config::{self, Config};
use crate::failure::Failure;

/// The name under which the calls of the configured token are counted.
const TOKEN_CALLER: &str = "hubspot-token";

/// Opens the store, the door to HubSpot, asks whose token it is, and puts the face before it.
pub(crate) async fn open(config: &Config, doors: &Doors) -> Result<Face, Failure> {
    // Keys first: a wrong reference is told without asking HubSpot.
    let callers = callers(config)?;
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
    let gateway = gateway.with_witness(&doors.tasks());
    let gateway = match config.gateway().cache.metadata.lives() {
        Some(lives) => gateway.with_cache(lives),
        None => gateway,
    };
    let upstream = config.hubspot().base_url.as_str().to_owned();
    Ok(Face { gateway, dispatch, install, callers, upstream, clock })
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
