//! Setting webhooks up: apps with their subscriptions, options and faults; test deliveries and workflow actions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use http::Method;

use super::app::{App, Hears, Settings, Subscription, check_concurrent, check_target};
use super::delivery::{self, Delivery, DeliveryId, Load};
use super::event::ChangeFlag;
use super::spec::{SUBSCRIPTIONS_MAX, SubscriptionSpec, WEBHOOK_APPS_MAX, WebhookAppSpec, WebhookError, WebhookSpec};
use super::topic::Topic;
use super::workflow::{ACTIONS_MAX, Action, ActionMethod, WorkflowAction};
use super::{Book, Webhooks, control};
use crate::oauth::OauthAppSpec;
use crate::wire::Millis;

/// The number of the first subscription.
const FIRST_SUBSCRIPTION: u64 = 1_000_001;

/// Why something cannot be sent by hand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// There is no such app.
    #[error("app {0} has no webhooks; set them up with POST /_control/webhooks")]
    App(u64),
    /// The app has no target, or no subscription.
    #[error("app {0} needs a target and a subscription before a test delivery can be sent")]
    Bare(u64),
    /// The address is none.
    #[error("{0}")]
    Target(WebhookError),
    /// Too many are under way.
    #[error("at most {ACTIONS_MAX} workflow actions can wait at once")]
    TooMany,
}

impl Webhooks {
    /// Webhooks that nobody has subscribed to; the OAuth apps may do so with the developer key.
    pub(crate) fn new(oauth_apps: &[OauthAppSpec], developer_key: Option<String>) -> Self {
        Self {
            apps: BTreeMap::new(),
            public: oauth_apps.iter().map(|app| (app.app_id, app.client_secret.clone())).collect(),
            developer_key,
            delivery: super::DeliverySpec::default(),
            faults: super::WebhookFaults::default(),
            book: Book::default(),
            actions: BTreeMap::new(),
            action_counts: control::ActionCounts::default(),
            posts: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            outbox: Vec::new(),
            waiting: 0,
            next_number: 0,
            next_subscription: FIRST_SUBSCRIPTION,
        }
    }

    /// Sets up what a specification names: all of it, or nothing and the first reason.
    pub(crate) fn configure(&mut self, spec: WebhookSpec, portals: &[u64], now: Millis) -> Result<(), WebhookError> {
        spec.delivery.as_ref().map_or(Ok(()), super::DeliverySpec::check)?;
        spec.faults.as_ref().map_or(Ok(()), super::WebhookFaults::check)?;
        let mut made = Vec::new();
        for app in spec.apps {
            made.push(self.make_app(app.with_file()?, portals, now)?);
        }
        let ids: BTreeSet<u64> = self.apps.keys().copied().chain(made.iter().map(|app| app.id)).collect();
        if ids.len() > WEBHOOK_APPS_MAX {
            return Err(WebhookError::TooManyApps);
        }
        for mut app in made {
            app.reindex();
            // What waits or is under way for the app goes on under its new settings.
            if let Some(old) = self.apps.remove(&app.id) {
                app.queue = old.queue;
                app.in_flight = old.in_flight;
            }
            self.apps.insert(app.id, app);
        }
        self.delivery = spec.delivery.unwrap_or_else(|| self.delivery.clone());
        self.faults = spec.faults.unwrap_or_else(|| self.faults.clone());
        Ok(())
    }

    fn make_app(&mut self, spec: WebhookAppSpec, portals: &[u64], now: Millis) -> Result<App, WebhookError> {
        let id = spec.app_id;
        let is_plain = |text: &String| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let secret = spec.client_secret.or_else(|| self.public.get(&id).cloned());
        let secret = secret.filter(is_plain).ok_or(WebhookError::Secret(id))?;
        if let Some(unknown) = spec.portals.iter().find(|portal| !portals.contains(portal)) {
            return Err(WebhookError::Portal(*unknown));
        }
        let hears = match (spec.portals.is_empty(), self.public.contains_key(&id)) {
            (true, true) => Hears::Installed,
            (true, false) => Hears::Listed(portals.first().copied().into_iter().collect()),
            (false, _) => Hears::Listed(spec.portals.into_iter().collect()),
        };
        let private = hears != Hears::Installed;
        let mut app = App::new(id, secret, hears);
        check_concurrent(spec.max_concurrent_requests)?;
        if let Some(target) = spec.target_url {
            check_target(&target)?;
            let concurrent = spec.max_concurrent_requests;
            app.settings = Some(Settings { target, concurrent, created_at: now, updated_at: None });
        }
        if spec.subscriptions.len() > SUBSCRIPTIONS_MAX {
            return Err(WebhookError::TooManySubscriptions(id));
        }
        for wanted in spec.subscriptions {
            let SubscriptionSpec { event_type, property_name, object_type_id, active } = wanted;
            let topic = Topic::new(&event_type, object_type_id.as_deref(), property_name.as_deref(), private)
                .map_err(|why| WebhookError::Topic { app_id: id, why })?;
            if app.twin_of(&topic).is_none() {
                self.subscribe(&mut app, topic, active.unwrap_or(true), now);
            }
        }
        Ok(app)
    }

    /// Adds a subscription and returns its number.
    pub(super) fn subscribe(&mut self, app: &mut App, topic: Topic, active: bool, now: Millis) -> u64 {
        let id = self.next_subscription;
        self.next_subscription += 1;
        let topic = Arc::new(topic);
        app.subscriptions.insert(id, Subscription { id, topic, active, created_at: now, updated_at: None });
        app.reindex();
        id
    }

    /// Removes every app with what waits for it; options, faults and the book stay.
    pub(crate) fn remove_apps(&mut self) {
        self.apps.clear();
        self.waiting = 0;
    }

    /// Forgets what waits and is under way, for all apps, which stay.
    pub(crate) fn forget_waiting(&mut self) {
        for app in self.apps.values_mut() {
            app.queue.clear();
            app.in_flight = 0;
        }
        self.actions.clear();
        self.posts.clear();
        self.deadlines.clear();
        self.outbox.clear();
        self.waiting = 0;
    }

    /// Forgets the fate of all events and every total.
    pub(crate) fn clear_book(&mut self) {
        self.book.clear();
        self.action_counts = control::ActionCounts::default();
    }

    /// Sends what HubSpot's test button sends.
    pub(crate) fn send_sample(&mut self, app_id: u64, portal_id: u64, now: Millis) -> Result<(), SendError> {
        let app = self.apps.get_mut(&app_id).ok_or(SendError::App(app_id))?;
        let (Some(settings), Some(first)) = (&app.settings, app.subscriptions.values().next()) else {
            return Err(SendError::Bare(app_id));
        };
        let mut event = serde_json::json!({
            "eventId": 100, "subscriptionId": first.id, "portalId": portal_id, "appId": app_id, "occurredAt": now.0,
            "subscriptionType": first.topic.event_type, "attemptNumber": 0, "objectId": 123, "changeSource": "CRM",
        });
        let more = match first.topic.property {
            Some(_) => [("propertyName", "message"), ("propertyValue", "sample-value")].as_slice(),
            None => [("changeFlag", "NEW")].as_slice(),
        };
        if let Some(event) = event.as_object_mut() {
            event.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())));
        }
        let (url, body) = (settings.target.clone(), Bytes::from(serde_json::json!([event]).to_string()));
        let timeout_ms = self.delivery.timeout_ms;
        let headers = delivery::event_headers((&app.secret, &url, &body), self.delivery.signatures, now, timeout_ms);
        app.in_flight += 1;
        let id = DeliveryId(self.number());
        self.post(Delivery { id, method: Method::POST, url, headers, body, timeout_ms }, Load::Sample { app_id }, now);
        Ok(())
    }

    /// Fires the webhook action of a workflow.
    pub(crate) fn fire_action(&mut self, order: WorkflowAction, now: Millis) -> Result<(), SendError> {
        let WorkflowAction { app_id, url, method, body } = order;
        check_target(&url).map_err(SendError::Target)?;
        let known = self.apps.get(&app_id).map(|app| app.secret.clone());
        let secret = known.or_else(|| self.public.get(&app_id).cloned()).ok_or(SendError::App(app_id))?;
        if self.actions.len() >= ACTIONS_MAX {
            return Err(SendError::TooMany);
        }
        let (method, body) = match method {
            ActionMethod::Get => (Method::GET, Bytes::new()),
            ActionMethod::Post => (Method::POST, Bytes::from(body.to_string())),
        };
        self.action_counts.fired += 1;
        let number = self.number();
        self.actions.insert((now, number), Action { secret, method, url, body, begun: now, attempt: 0 });
        Ok(())
    }

    /// The apps that are told of certain portals without an installation.
    pub(crate) fn listed(&self) -> impl Iterator<Item = (u64, u64)> {
        self.apps.values().flat_map(|app| match &app.hears {
            Hears::Installed => Vec::new(),
            Hears::Listed(portals) => portals.iter().map(|portal| (app.id, *portal)).collect(),
        })
    }

    pub(super) fn change_flag(&self) -> ChangeFlag {
        self.delivery.change_flag
    }
}
