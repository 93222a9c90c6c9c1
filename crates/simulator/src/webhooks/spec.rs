//! What the webhooks of a simulator are told: at the start in a file, later by the control API.
//!
//! Names of HubSpot's own things are written as HubSpot writes them, those of the simulator in snake case.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::event::ChangeFlag;
use super::topic::TopicError;

/// The subscriptions of one app, as in HubSpot.
pub const SUBSCRIPTIONS_MAX: usize = 1_000;
/// The apps that may have webhooks.
pub const WEBHOOK_APPS_MAX: usize = 100;
/// The longest time that an option may ask for, in milliseconds: three days.
pub const WEBHOOK_MS_MAX: u64 = 3 * 86_400_000;
/// The most POSTs of one app at a time.
pub const CONCURRENT_MAX: u32 = 1_000;
/// The fewest POSTs at a time that HubSpot lets an app choose.
pub(super) const CONCURRENT_MIN: u32 = 6;
/// The POSTs of an app at a time that chooses nothing.
const CONCURRENT_DEFAULT: u32 = 10;

/// The part `webhooks` of a start file, and the body of `POST /_control/webhooks`. What is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookSpec {
    /// Apps, with their secrets, targets and subscriptions; a known app is replaced.
    pub apps: Vec<WebhookAppSpec>,
    /// How deliveries are made.
    pub delivery: Option<DeliverySpec>,
    /// What goes wrong with them.
    pub faults: Option<WebhookFaults>,
    /// How the journal is published.
    pub journal: Option<JournalSpec>,
    /// For so many milliseconds after its creation a record reads as not there.
    pub read_gap_ms: Option<u64>,
}

/// An app that is told of changes.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookAppSpec {
    /// Its number; that of an OAuth app or of a token, or any other.
    pub app_id: u64,
    /// What its signatures are made with; an OAuth app has one already.
    #[serde(default)]
    pub client_secret: Option<String>,
    /// Where events go.
    #[serde(default)]
    pub target_url: Option<String>,
    /// The POSTs at a time.
    #[serde(default = "concurrent_default")]
    pub max_concurrent_requests: u32,
    /// The portals of which it hears; the first one if none is named.
    #[serde(default)]
    pub portals: Vec<u64>,
    /// What it hears of.
    #[serde(default)]
    pub subscriptions: Vec<SubscriptionSpec>,
    /// A project's `webhooks-hsmeta.json` as it is: its target and subscriptions are added to those above.
    #[serde(default)]
    pub hsmeta: Option<serde_json::Value>,
}

fn concurrent_default() -> u32 {
    CONCURRENT_DEFAULT
}

impl WebhookAppSpec {
    /// An app of the first portal with a secret and a target, which hears of nothing yet.
    pub fn new(app_id: u64, client_secret: impl Into<String>, target_url: impl Into<String>) -> Self {
        Self {
            app_id,
            client_secret: Some(client_secret.into()),
            target_url: Some(target_url.into()),
            max_concurrent_requests: CONCURRENT_DEFAULT,
            portals: Vec::new(),
            subscriptions: Vec::new(),
            hsmeta: None,
        }
    }
}

impl std::fmt::Debug for WebhookAppSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookAppSpec")
            .field("app_id", &self.app_id)
            .field("target_url", &self.target_url)
            .field("subscriptions", &self.subscriptions)
            .finish_non_exhaustive()
    }
}

/// One subscription, as HubSpot's API and its app files write it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct SubscriptionSpec {
    /// `contact.creation`, `object.propertyChange`, ..
    #[serde(alias = "subscriptionType")]
    pub event_type: String,
    /// The property of a property change.
    pub property_name: Option<String>,
    /// `0-1` or `2-7`, of `object.*` events.
    #[serde(alias = "objectType")]
    pub object_type_id: Option<String>,
    /// Whether it fires; without a word it does.
    pub active: Option<bool>,
}

impl SubscriptionSpec {
    /// An active subscription.
    pub fn new(event_type: &str, property_name: Option<&str>) -> Self {
        Self {
            event_type: event_type.to_owned(),
            property_name: property_name.map(str::to_owned),
            object_type_id: None,
            active: Some(true),
        }
    }
}

/// Which signatures event deliveries carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signatures {
    /// Version 1 and version 3, as in deliveries of 2026.
    #[default]
    V1AndV3,
    /// Version 1 alone, as before 2022.
    V1,
    /// Version 3 alone.
    V3,
}

/// How deliveries are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeliverySpec {
    /// How long a receiver may take: 10,000 by the header of recorded deliveries, 5,000 by HubSpot's documentation.
    pub timeout_ms: u64,
    /// How often a delivery is tried again.
    pub retries: u32,
    /// Over how long the retries are spread.
    pub retry_over_ms: u64,
    /// The shortest and the longest time between a change and its first delivery.
    pub delay_ms: [u64; 2],
    /// The events of one POST.
    pub batch: usize,
    /// Which signatures they carry.
    pub signatures: Signatures,
    /// What `changeFlag` says of a new record.
    pub change_flag: ChangeFlag,
}

impl Default for DeliverySpec {
    fn default() -> Self {
        Self {
            timeout_ms: 10_000,
            retries: 10,
            retry_over_ms: 86_400_000,
            delay_ms: [500, 1_500],
            batch: 100,
            signatures: Signatures::V1AndV3,
            change_flag: ChangeFlag::Created,
        }
    }
}

/// What goes wrong with deliveries, each with its probability from 0 to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookFaults {
    /// An event is never sent.
    pub lose: f64,
    /// An event is sent once more, some time later.
    pub duplicate: f64,
    /// An event is held back for a while, so that later ones overtake it.
    pub reorder: f64,
    /// How long duplicates and held-back events may take, in milliseconds.
    pub span_ms: u64,
    /// An event is sent `delay_ms` later.
    pub delay: f64,
    /// The length of that delay.
    pub delay_ms: u64,
    /// A POST is signed with another secret.
    pub wrong_signature: f64,
    /// The receiver's answer is not heard, so that everything is sent again.
    pub unheard: f64,
}

/// How the journal is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JournalSpec {
    /// How long events are gathered before a file is published.
    pub publish_ms: u64,
    /// The most events of a file.
    pub file_events: usize,
    /// How long a link to a file works.
    pub link_ms: u64,
}

impl Default for JournalSpec {
    fn default() -> Self {
        Self { publish_ms: 1_000, file_events: 10_000, link_ms: 600_000 }
    }
}

/// Why webhooks cannot be set up so.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WebhookError {
    /// There are too many apps.
    #[error("at most {WEBHOOK_APPS_MAX} apps can have webhooks; remove some with DELETE /_control/webhooks")]
    TooManyApps,
    /// An app has too many subscriptions.
    #[error("at most {SUBSCRIPTIONS_MAX} subscriptions are allowed for app {0}")]
    TooManySubscriptions(u64),
    /// A secret is missing or cannot be used.
    #[error("app {0} needs a `client_secret` of visible ASCII text: its deliveries are signed with it")]
    Secret(u64),
    /// A target is no address.
    #[error("`{0}` is no target: give an http or https address without a fragment")]
    Target(String),
    /// Too many or too few POSTs at a time.
    #[error("`max_concurrent_requests` must be between 1 and {CONCURRENT_MAX}, not {0}")]
    Concurrent(u32),
    /// There is no such portal.
    #[error("there is no portal {0}")]
    Portal(u64),
    /// A subscription is wrong.
    #[error("a subscription of app {app_id} is wrong: {why}")]
    Topic {
        /// The app.
        app_id: u64,
        /// What is wrong.
        why: TopicError,
    },
    /// An app file cannot be read.
    #[error("the `hsmeta` of app {app_id} cannot be read: {why}")]
    File {
        /// The app.
        app_id: u64,
        /// What is wrong.
        why: String,
    },
    /// A time is too long.
    #[error("`{0}` must be at most {WEBHOOK_MS_MAX} ms")]
    Time(&'static str),
    /// A number is outside its bounds.
    #[error("`{0}` is outside its bounds: {1}")]
    Bounds(&'static str, &'static str),
    /// A probability is none.
    #[error("`{0}` must be a probability between 0 and 1")]
    Probability(&'static str),
}

impl DeliverySpec {
    pub(super) fn check(&self) -> Result<(), WebhookError> {
        let [from, to] = self.delay_ms;
        for (name, ms) in [
            ("timeout_ms", self.timeout_ms),
            ("retry_over_ms", self.retry_over_ms),
            ("delay_ms", from),
            ("delay_ms", to),
        ] {
            check_time(name, ms)?;
        }
        if from > to {
            return Err(WebhookError::Bounds("delay_ms", "give the shorter time first"));
        }
        if !(1..=100).contains(&self.batch) {
            return Err(WebhookError::Bounds("batch", "1 to 100 events"));
        }
        if self.timeout_ms == 0 || self.retries > 100 {
            return Err(WebhookError::Bounds("timeout_ms and retries", "at least 1 ms, at most 100 retries"));
        }
        Ok(())
    }
}

impl WebhookFaults {
    pub(super) fn check(&self) -> Result<(), WebhookError> {
        let chances = [
            ("lose", self.lose),
            ("duplicate", self.duplicate),
            ("reorder", self.reorder),
            ("delay", self.delay),
            ("wrong_signature", self.wrong_signature),
            ("unheard", self.unheard),
        ];
        match chances.iter().find(|(_, chance)| !(0.0..=1.0).contains(chance)) {
            Some((name, _)) => Err(WebhookError::Probability(name)),
            None => check_time("span_ms", self.span_ms).and_then(|()| check_time("delay_ms", self.delay_ms)),
        }
    }
}

impl JournalSpec {
    pub(crate) fn check(&self) -> Result<(), WebhookError> {
        if !(1..=10_000).contains(&self.file_events) {
            return Err(WebhookError::Bounds("file_events", "1 to 10,000 events"));
        }
        check_time("publish_ms", self.publish_ms).and_then(|()| check_time("link_ms", self.link_ms))
    }
}

/// Refuses times that are too long.
pub(crate) fn check_time(name: &'static str, ms: u64) -> Result<(), WebhookError> {
    if ms > WEBHOOK_MS_MAX { Err(WebhookError::Time(name)) } else { Ok(()) }
}

/// A project's `webhooks-hsmeta.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AppFile {
    config: AppFileConfig,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AppFileConfig {
    settings: AppFileSettings,
    subscriptions: AppFileSubscriptions,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AppFileSettings {
    target_url: Option<String>,
    max_concurrent_requests: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AppFileSubscriptions {
    crm_objects: Vec<SubscriptionSpec>,
    legacy_crm_objects: Vec<SubscriptionSpec>,
    hub_events: Vec<SubscriptionSpec>,
}

/// The type ids of the names that an app file may use.
const TYPE_IDS: [(&str, &str); 6] = [
    ("contact", "0-1"),
    ("company", "0-2"),
    ("deal", "0-3"),
    ("ticket", "0-5"),
    ("product", "0-7"),
    ("line_item", "0-8"),
];

impl WebhookAppSpec {
    /// The same app with what its file says.
    pub(super) fn with_file(mut self) -> Result<Self, WebhookError> {
        let Some(file) = self.hsmeta.take() else { return Ok(self) };
        let file: AppFile = serde_json::from_value(file)
            .map_err(|error| WebhookError::File { app_id: self.app_id, why: error.to_string() })?;
        let AppFileConfig { settings, subscriptions } = file.config;
        self.target_url = settings.target_url.or(self.target_url);
        self.max_concurrent_requests = settings.max_concurrent_requests.unwrap_or(self.max_concurrent_requests);
        let AppFileSubscriptions { crm_objects, legacy_crm_objects, hub_events } = subscriptions;
        for mut spec in crm_objects.into_iter().chain(legacy_crm_objects).chain(hub_events) {
            let name = spec.object_type_id.as_deref().unwrap_or_default().to_ascii_lowercase();
            if let Some((_, id)) = TYPE_IDS.iter().find(|(known, _)| *known == name) {
                spec.object_type_id = Some((*id).to_owned());
            }
            self.subscriptions.push(spec);
        }
        Ok(self)
    }
}
