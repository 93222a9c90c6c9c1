//! From a configuration to those who are told of events.

use std::sync::Arc;

use linchpin::{Stores, Tasks};
use linchpin_engine::clock::Clock;
use linchpin_engine::echo::Echoes;
use linchpin_engine::news::News;
use linchpin_engine::outbound::{Outbound, Way};
use linchpin_engine::retention;
use linchpin_engine::subscribers::{Subscriber, SubscriberParts, Subscribers};
use linchpin_hubspot::id::{AppId, PortalId};
use linchpin_ports::subscribers::Begin;
use linchpin_server::telling::{Telling, TellingParts};

use super::trouble;
use crate::config::{self, Config, ResolvedSubscriber};
use crate::failure::Failure;

/// What the telling is opened with, beside the configuration.
pub(super) struct Surroundings<'a> {
    pub(super) stores: &'a Stores,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tasks: Tasks,
    pub(super) portal: PortalId,
    pub(super) apps: Vec<AppId>,
    pub(super) news: News,
    pub(super) echoes: Arc<Echoes>,
    pub(super) seed: u64,
}

/// Begins to tell and to forget.
pub(super) async fn open(
    config: &Config,
    subscribers: Vec<ResolvedSubscriber>,
    around: Surroundings<'_>,
) -> Result<Arc<Telling>, Failure> {
    let Surroundings { stores, clock, tasks, portal, apps, news, echoes, seed } = around;
    let log = Arc::clone(&stores.events);
    let known: Result<Vec<_>, Failure> = subscribers.into_iter().map(with_way).collect();
    let (memory, parts_clock) = (Arc::clone(&stores.subscribers), Arc::clone(&clock));
    let parts = SubscriberParts { log: Arc::clone(&log), memory, clock: parts_clock, news: news.clone(), echoes, seed };
    let subscribers = Subscribers::open(&tasks, known?, parts).await;
    let subscribers = subscribers.map_err(|error| trouble::of_facade(linchpin::Error::Store(error), config))?;
    let forgotten = retention::open(&tasks, Arc::clone(&log), clock, config.retention());
    Ok(Arc::new(Telling::new(TellingParts { log, portal, apps, news, subscribers, forgotten, tasks })))
}

fn with_way(subscriber: ResolvedSubscriber) -> Result<(Subscriber, Arc<dyn Way>), Failure> {
    let way = Outbound::new(subscriber.target).map_err(|error| Failure::internal("TLS cannot be set up", &error))?;
    let begin = match subscriber.begin {
        config::Begin::Now => Begin::Now,
        config::Begin::Oldest => Begin::Oldest,
    };
    let ResolvedSubscriber { name, secrets, filter, ignored_callers, batch, .. } = subscriber;
    Ok((Subscriber { name, secrets, filter, ignored_callers, batch, begin }, Arc::new(way)))
}
