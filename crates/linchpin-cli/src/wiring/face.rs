//! From a configuration to the face that other programs call.

use linchpin::Linchpin;
use linchpin_core::schedule::lanes::Lane;
use linchpin_engine::gateway::{Coalesce, Gateway};
use linchpin_hubspot::account::TokenInfo;
use linchpin_server::admin::Admin;
use linchpin_server::callers::{Caller, Callers};
use linchpin_server::gateway::{Face, Refusals};
use secrecy::{ExposeSecret, SecretString};

use super::door::{self, Doors};
use super::trouble;
use crate::config::{self, Config};
use crate::failure::{Code, Failure};

/// The name under which the calls of the configured token are counted.
const TOKEN_CALLER: &str = "hubspot-token";

/// Opens the store, the door to HubSpot, asks whose token it is, and puts the face before it.
pub(crate) async fn open(config: &Config, doors: &Doors) -> Result<Face, Failure> {
    // Keys first: a wrong reference is told without asking HubSpot.
    let callers = callers(config)?;
    let admin_key = admin_key(config, &callers)?;
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
    let gateway = if config.gateway().shadow { gateway.in_shadow() } else { gateway };
    let admin = match admin_key {
        Some(key) => Admin::new(&key, granted(config, &client).await?),
        None => Admin::closed(),
    };
    let upstream = config.hubspot().base_url.as_str().to_owned();
    Ok(Face { gateway, dispatch, install, callers, upstream, clock, admin, refusals: Refusals::default() })
}

/// The key of the admin interface, which must be nobody else's.
fn admin_key(config: &Config, callers: &Callers) -> Result<Option<SecretString>, Failure> {
    let key = config.admin_key()?;
    match key.as_ref().and_then(|key| callers.find(key.expose_secret())) {
        None => Ok(key),
        Some(caller) => Err(Failure::new(
            Code::Setting,
            format!("gateway.admin.key is also the key of {}", caller.name),
            "make a key of its own for the admin interface: callers are not to see each other's calls",
        )),
    }
}

/// What the token may do. Nobody knows it of service keys.
async fn granted(config: &Config, client: &Linchpin) -> Result<Option<Vec<String>>, Failure> {
    let token = config.token()?;
    match client.send(&TokenInfo::new(token.expose_secret())).await {
        Ok(app) => Ok(Some(app.scopes)),
        Err(error) => {
            tracing::info!(code = error.code(), "HubSpot does not tell the token's scopes: they are not compared");
            Ok(None)
        }
    }
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
