//! The answers about events and subscribers, as types: their schemas are in `docs/openapi.json`.
//!
//! Events hold values of records, which no other answer of ours does: docs/events.md describes them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A page of events.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EventPage {
    /// The account whose log this is.
    pub portal: u64,
    /// The app whose log this is.
    pub app: u64,
    /// The events, the oldest first, each as docs/events.md describes.
    pub events: Vec<serde_json::Value>,
    /// What to ask with as `after` for what comes next.
    pub next: u64,
    /// Whether there is more already. A page may be short, or empty, although there is.
    pub more: bool,
}

/// Who is told of events.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Subscribers {
    /// By name.
    pub subscribers: Vec<Subscriber>,
}

/// One who is told of events.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Subscriber {
    /// Its name in the configuration.
    pub name: String,
    /// Where it listens, without path and query.
    pub target: String,
    /// Its way through the log of each account and app.
    pub feeds: Vec<Feed>,
}

/// A subscriber's way through one log.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Feed {
    /// The account.
    pub portal: u64,
    /// The app.
    pub app: u64,
    /// Whether anything is sent.
    pub enabled: bool,
    /// Why not: `gone`, `keeps_failing`, `silent`, `many_dead` or `forbidden`.
    pub reason: Option<&'static str>,
    /// Since when not, in milliseconds since 1970.
    pub disabled_ms: Option<i64>,
    /// All events up to this place are dealt with.
    pub place: u64,
    /// The place of the newest event.
    pub last: u64,
    /// Events that arrived.
    pub delivered: u64,
    /// Events that were forgotten before they could be sent.
    pub missed: u64,
    /// Dead deliveries that are kept.
    pub dead: u64,
    /// Since when nothing has arrived although something was sent, in milliseconds since 1970.
    pub failing_since_ms: Option<i64>,
    /// How it stands with the delivery whose turn it is; null if it has not failed.
    pub trouble: Option<Trouble>,
}

/// A delivery that has failed and is tried again.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Trouble {
    /// Attempts that failed.
    pub attempts: u32,
    /// The last status; null if there was no answer.
    pub status: Option<u16>,
    /// When the first attempt failed, in milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// When it is tried again, in milliseconds since 1970.
    pub next_ms: Option<i64>,
}

/// Deliveries that were given up.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Dead {
    /// The oldest first, a hundred at most.
    pub dead: Vec<DeadDelivery>,
}

/// A delivery that was given up.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DeadDelivery {
    /// The account.
    pub portal: u64,
    /// The app.
    pub app: u64,
    /// The place of its first event.
    pub first: u64,
    /// The place of its last event.
    pub last: u64,
    /// How many events it has.
    pub events: u64,
    /// The last status; null if there was no answer.
    pub status: Option<u16>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up, in milliseconds since 1970.
    pub died_ms: i64,
}

/// What an order has changed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Changed {
    /// How many feeds.
    pub feeds: usize,
}

/// What became of dead deliveries that were sent once more.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Replay {
    /// Those that arrived.
    pub delivered: u64,
    /// Those whose events are not in the log any more; they are gone.
    pub forgotten: u64,
    /// Those that failed again: with the first of them it stops.
    pub failed: u64,
    /// The status of the failure; null if there was no answer, or no failure.
    pub status: Option<u16>,
}
