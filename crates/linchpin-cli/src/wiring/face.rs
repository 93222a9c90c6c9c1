//! From a configuration to the face that other programs call.

use std::sync::Arc;

use linchpin::{Linchpin, Stores, Tasks};
use linchpin_core::schedule::lanes::Lane;
use linchpin_engine::echo::Echoes;
use linchpin_engine::gateway::guests::{GuestParts, Guests};
use linchpin_engine::gateway::operations::{OperationParts, Operations};
use linchpin_engine::gateway::{Coalesce, Gateway, MirrorParts, Writes};
use linchpin_engine::journal::Journals;
use linchpin_engine::news::Bell;
use linchpin_engine::upstream::{BaseUrl, HttpOptions, HttpUpstream, https_connector};
use linchpin_hubspot::account::TokenInfo;
use linchpin_hubspot::id::AppId;
use linchpin_server::admin::Admin;
use linchpin_server::callers::{Caller, Callers};
use linchpin_server::gateway::{Face, Refusals};
use linchpin_server::telling::Telling;
use linchpin_server::webhooks::Webhooks;
use secrecy::{ExposeSecret, SecretString};

use super::door::{self, Doors};
use super::{follow, telling, trouble};
use crate::config::{self, Config, ResolvedApp, ResolvedJournal, ResolvedSubscriber, TOKEN_CALLER, UnknownTokens};
use crate::failure::{Code, Failure};

/// Opens the store, the door to HubSpot, asks whose token it is, and puts the face before it.
pub(crate) async fn open(config: &Config, doors: &Doors) -> Result<Face, Failure> {
    // Keys first: a wrong reference is told without asking HubSpot.
    let callers = callers(config)?;
    let apps = config.webhook_apps()?;
    let named = Named { journals: config.journals(&apps)?, apps, subscribers: config.resolved_subscribers()? };
    let mirrored = follow::objects(config)?;
    let admin_key = admin_key(config, &callers)?;
    let stores = super::open_store(&config.store())?.stores();
    let client = door::open(config, stores.clone(), doors).await?;
    let install = client.install();
    // Whoever follows the log hears of what comes in by webhooks and by the journal alike.
    let bell = Bell::default();
    let follow = follow::start(config, mirrored.clone(), &client, &stores, (&doors.tasks(), bell.listen()))?;
    let mirror = follow.as_ref().map(|follow| MirrorParts {
        install,
        writes: Arc::new(Writes::new(mirrored.keys().cloned(), client.clock())),
        objects: mirrored,
        mirror: Arc::clone(&stores.mirror),
        sightings: follow.sightings(),
    });
    let guests = match config.gateway().unknown_tokens {
        UnknownTokens::Pass => {
            let writes = mirror.as_ref().map(|mirror| Arc::clone(&mirror.writes));
            Some(guests(config, &client, &stores, (&doors.tasks(), writes)).await?)
        }
        UnknownTokens::Refuse => None,
    };
    let (dispatch, clock, days) = (client.dispatch().clone(), client.clock(), client.days());
    dispatch.share_turns(callers.shares()).await;
    let gateway = Arc::new(gateway(config, &client, doors, mirror)?);
    let parts = OperationParts {
        gateway: Arc::clone(&gateway),
        install,
        store: Arc::clone(&stores.operations),
        letters: Arc::clone(&stores.dead_letters),
        clock: client.clock(),
        seed: dice(config)?,
    };
    let operations = Operations::open(&doors.tasks(), parts).await;
    let operations = Some(operations.map_err(|error| trouble::of_facade(linchpin::Error::Store(error), config))?);
    let admin = match admin_key {
        Some(key) => Admin::new(&key, granted(config, &client).await?),
        None => Admin::closed(),
    };
    let Events { journal, webhooks, telling } = events(config, named, (&client, &stores), &doors.tasks(), bell).await?;
    let upstream = config.hubspot().base_url.as_str().to_owned();
    let refusals = Refusals::default();
    Ok(Face {
        gateway,
        operations,
        dispatch,
        install,
        callers,
        guests,
        days,
        upstream,
        clock,
        admin,
        refusals,
        webhooks,
        journal,
        follow,
        telling: Some(telling),
    })
}

/// What the configuration names of events: who tells, and who is told.
struct Named {
    apps: Vec<ResolvedApp>,
    journals: Vec<ResolvedJournal>,
    subscribers: Vec<ResolvedSubscriber>,
}

/// The ways of events in and out.
struct Events {
    journal: Journals,
    webhooks: Option<Webhooks>,
    telling: Arc<Telling>,
}

async fn events(
    config: &Config,
    named: Named,
    (client, stores): (&Linchpin, &Stores),
    tasks: &Tasks,
    bell: Bell,
) -> Result<Events, Failure> {
    let Named { apps, journals, subscribers } = named;
    let echoes = Arc::<Echoes>::default();
    if !apps.is_empty() {
        // Nobody else is told of what is written.
        client.dispatch().note_writes(Arc::clone(&echoes)).await;
    }
    let journal = super::journal::open(config, journals, (client, stores, &echoes), (tasks, bell.clone())).await?;
    let around = telling::Surroundings {
        stores,
        clock: client.clock(),
        tasks: tasks.clone(),
        portal: client.install().portal,
        apps: apps.iter().map(|app| AppId(app.number)).collect(),
        news: bell.listen(),
        echoes: Arc::clone(&echoes),
        seed: dice(config)?,
    };
    let telling = telling::open(config, subscribers, around).await?;
    let log = (Arc::clone(&stores.events), echoes);
    let webhooks = super::webhooks::open(apps, config.webhooks(), log, client.clock(), bell);
    Ok(Events { journal, webhooks, telling })
}

fn gateway(config: &Config, client: &Linchpin, doors: &Doors, mirror: Option<MirrorParts>) -> Result<Gateway, Failure> {
    let coalesce = match config.gateway().coalesce {
        config::Coalesce::Off => Coalesce::Off,
        config::Coalesce::Proven => Coalesce::Proven,
        config::Coalesce::All => Coalesce::All,
    };
    let dispatch = client.dispatch().clone();
    let gateway = Gateway::new(dispatch, client.install(), coalesce, client.clock(), dice(config)?);
    let gateway = gateway.with_witness(&doors.tasks());
    let gateway = match config.gateway().cache.metadata.lives() {
        Some(lives) => gateway.with_cache(lives),
        None => gateway,
    };
    let gateway = match mirror {
        Some(mirror) => gateway.with_mirror(mirror),
        None => gateway,
    };
    Ok(if config.gateway().shadow { gateway.in_shadow() } else { gateway })
}

/// The key of the admin interface, which must be nobody else's.
fn admin_key(config: &Config, callers: &Callers) -> Result<Option<SecretString>, Failure> {
    let key = config.admin_key()?;
    match key.as_ref().and_then(|key| callers.name(key.expose_secret())) {
        None => Ok(key),
        Some(caller) => Err(Failure::new(
            Code::Setting,
            format!("gateway.admin.key is also the key of {caller}"),
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
    let mut admit = |secret, caller: Caller| {
        let name = caller.name.clone();
        if callers.admit(&secret, caller) {
            return Ok(());
        }
        Err(Failure::new(
            Code::Setting,
            format!("`gateway.callers.{name}.key` is another caller's key, or the HubSpot token"),
            "give each caller a key of its own: calls are counted, and limited, by it",
        ))
    };
    admit(config.token()?, Caller::new(TOKEN_CALLER, Lane::Interactive))?;
    for (name, caller, key) in config.keys()? {
        let lane = match caller.lane {
            config::Lane::Interactive => Lane::Interactive,
            config::Lane::Realtime => Lane::Realtime,
            config::Lane::Bulk => Lane::Bulk,
            config::Lane::Reporting => Lane::Reporting,
        };
        let (access, daily_quota) = (caller.access(), caller.daily_quota.map(u64::from));
        admit(key, Caller { name: name.to_owned(), lane, share: caller.share.get(), access, daily_quota })?;
    }
    Ok(callers)
}

/// The door of tokens that nobody configured: apart from the one door of those that are, but to the same HubSpot.
async fn guests(
    config: &Config,
    client: &Linchpin,
    stores: &Stores,
    (tasks, writes): (&Tasks, Option<Arc<Writes>>),
) -> Result<Guests, Failure> {
    let connector = https_connector().map_err(|error| Failure::internal("TLS cannot be set up", &error))?;
    let hubspot = config.hubspot();
    let address = hubspot.base_url.as_str();
    // The address has served the configured token a moment ago.
    let address = if hubspot.allow_plain_http { BaseUrl::allowing_plain_http(address) } else { address.parse() };
    let address = address.map_err(|error| door::base_url(error, hubspot.base_url.as_str()))?;
    let parts = GuestParts {
        clock: client.clock(),
        upstream: Arc::new(HttpUpstream::new(connector, address, HttpOptions::default())),
        records: Arc::clone(&stores.budget),
        seed: dice(config)?,
        writes,
    };
    Guests::open(tasks, parts).await.map_err(|error| trouble::of_facade(linchpin::Error::Store(error), config))
}

fn dice(config: &Config) -> Result<u64, Failure> {
    linchpin::dice().map_err(|error| trouble::of_facade(error, config))
}
