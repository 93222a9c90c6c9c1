//! One app that is told of changes: its target, its subscriptions, and the events that wait for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::event::Event;
use super::spec::{CONCURRENT_MAX, WebhookError};
use super::topic::{Deed, Topic};
use crate::envelope;
use crate::wire::Millis;

/// The portals of which an app hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hears {
    /// Those that have installed it.
    Installed,
    /// These.
    Listed(BTreeSet<u64>),
}

/// One subscription.
#[derive(Clone, Debug)]
pub(super) struct Subscription {
    pub(super) id: u64,
    pub(super) topic: Arc<Topic>,
    pub(super) active: bool,
    pub(super) created_at: Millis,
    pub(super) updated_at: Option<Millis>,
}

/// An event that waits for its turn.
#[derive(Clone, Debug)]
pub(super) struct Queued {
    pub(super) event: Arc<Event>,
    pub(super) attempt: u32,
}

/// Where events go, and how many POSTs at a time.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) target: String,
    pub(super) concurrent: u32,
    pub(super) created_at: Millis,
    pub(super) updated_at: Option<Millis>,
}

/// Active subscriptions by kind of event and object type.
type Index = BTreeMap<Deed, BTreeMap<String, Vec<(u64, Arc<Topic>)>>>;

/// An app.
pub(super) struct App {
    pub(super) id: u64,
    pub(super) secret: String,
    pub(super) settings: Option<Settings>,
    pub(super) hears: Hears,
    pub(super) subscriptions: BTreeMap<u64, Subscription>,
    index: Index,
    /// By the time of their next attempt, then by their age.
    pub(super) queue: BTreeMap<(Millis, u64), Queued>,
    pub(super) in_flight: usize,
}

impl App {
    pub(super) fn new(id: u64, secret: String, hears: Hears) -> Self {
        Self {
            id,
            secret,
            settings: None,
            hears,
            subscriptions: BTreeMap::new(),
            index: BTreeMap::new(),
            queue: BTreeMap::new(),
            in_flight: 0,
        }
    }

    /// Whether any change would be told to it.
    pub(super) fn listens(&self) -> bool {
        self.settings.is_some() && !self.index.is_empty()
    }

    /// The active subscriptions to a kind of event about an object type, known under two names.
    pub(super) fn hears_of(&self, deed: Deed, names: [&str; 2]) -> impl Iterator<Item = &(u64, Arc<Topic>)> {
        let of_deed = self.index.get(&deed);
        names.into_iter().flat_map(move |name| of_deed.and_then(|known| known.get(name)).into_iter().flatten())
    }

    /// The subscription that asks for the same, if there is one.
    pub(super) fn twin_of(&self, topic: &Topic) -> Option<&Subscription> {
        self.subscriptions.values().find(|known| *known.topic == *topic)
    }

    /// Finds the active subscriptions anew; to be called after every change of them.
    pub(super) fn reindex(&mut self) {
        let mut index = Index::new();
        for known in self.subscriptions.values().filter(|known| known.active) {
            let topics = index.entry(known.topic.deed).or_default().entry(known.topic.object().to_owned()).or_default();
            topics.push((known.id, Arc::clone(&known.topic)));
        }
        index.remove(&Deed::Elsewhere);
        self.index = index;
    }

    /// How many POSTs may be under way.
    pub(super) fn concurrent(&self) -> usize {
        self.settings.as_ref().map_or(0, |settings| usize::try_from(settings.concurrent).unwrap_or(usize::MAX))
    }

    /// Settings as HubSpot shows them.
    pub(super) fn settings_json(&self) -> Option<Value> {
        let settings = self.settings.as_ref()?;
        let mut out = Map::new();
        out.insert("targetUrl".into(), settings.target.as_str().into());
        out.insert("throttling".into(), json!({"maxConcurrentRequests": settings.concurrent}));
        out.insert("createdAt".into(), iso(settings.created_at));
        out.extend(settings.updated_at.map(|at| ("updatedAt".to_owned(), iso(at))));
        Some(Value::Object(out))
    }
}

impl Subscription {
    /// The subscription as HubSpot shows it.
    pub(super) fn json(&self) -> Value {
        let mut out = Map::new();
        out.insert("id".into(), self.id.to_string().into());
        out.insert("eventType".into(), self.topic.event_type.as_str().into());
        out.extend(self.topic.property.as_ref().map(|name| ("propertyName".to_owned(), name.as_str().into())));
        out.extend(self.topic.object_type_id.as_ref().map(|id| ("objectTypeId".to_owned(), id.as_str().into())));
        out.insert("active".into(), self.active.into());
        out.insert("createdAt".into(), iso(self.created_at));
        out.extend(self.updated_at.map(|at| ("updatedAt".to_owned(), iso(at))));
        Value::Object(out)
    }
}

/// An instant as HubSpot prints it.
pub(super) fn iso(at: Millis) -> Value {
    jiff::Timestamp::from_millisecond(at.0).map_or(Value::Null, |at| envelope::iso(at).into())
}

/// Refuses what is no address to post to.
pub(super) fn check_target(url: &str) -> Result<(), WebhookError> {
    let wrong = || WebhookError::Target(url.to_owned());
    let uri: http::Uri = url.parse().map_err(|_| wrong())?;
    let has_host = uri.host().is_some_and(|host| !host.is_empty());
    if matches!(uri.scheme_str(), Some("http" | "https")) && has_host && !url.contains('#') {
        Ok(())
    } else {
        Err(wrong())
    }
}

/// Refuses a number of POSTs at a time that no machine bears.
pub(super) fn check_concurrent(concurrent: u32) -> Result<(), WebhookError> {
    if (1..=CONCURRENT_MAX).contains(&concurrent) { Ok(()) } else { Err(WebhookError::Concurrent(concurrent)) }
}
