//! From a configuration to the task that follows events into the mirror.

use std::collections::BTreeMap;
use std::sync::Arc;

use linchpin::{Linchpin, Stores, Tasks};
use linchpin_core::follow::known::Held;
use linchpin_engine::follow::{FollowParts, Follower};
use linchpin_engine::news::News;
use linchpin_hubspot::id::{AppId, ObjectType};

use super::door;
use crate::config::Config;
use crate::failure::{Code, Failure};

/// What is mirrored. Without anybody who tells of changes it would not stay true.
pub(super) fn objects(config: &Config) -> Result<BTreeMap<ObjectType, Held>, Failure> {
    let objects = &config.mirror().objects;
    if !objects.is_empty() && config.webhooks().apps.is_empty() {
        return Err(Failure::new(
            Code::Setting,
            "`mirror.objects` names records to keep at hand, but `webhooks.apps` no app that tells of changes"
                .to_owned(),
            "configure the app whose webhooks come here, or remove `mirror`",
        ));
    }
    Ok(objects.iter().map(|(name, object)| (name.0.clone(), Held::new(object.properties.0.clone()))).collect())
}

/// Begins to follow, if there is anything to mirror.
pub(super) fn start(
    config: &Config,
    objects: BTreeMap<ObjectType, Held>,
    client: &Linchpin,
    stores: &Stores,
    (tasks, news): (&Tasks, News),
) -> Result<Option<Follower>, Failure> {
    if objects.is_empty() {
        return Ok(None);
    }
    let parts = FollowParts {
        install: client.install(),
        logs: config.webhooks().apps.keys().map(|app| AppId(app.0)).collect(),
        objects,
        events: Arc::clone(&stores.events),
        follow: Arc::clone(&stores.follow),
        dispatch: client.dispatch().clone(),
        version: door::version(config)?,
        clock: client.clock(),
        news,
    };
    Ok(Some(Follower::start(tasks, parts)))
}
