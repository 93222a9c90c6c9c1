//! The webhooks journal: events to be fetched instead of received
//! (<https://developers.hubspot.com/docs/api-reference/webhooks-webhooks-journal-2026-03/guide>).
//!
//! Its calls need the app's own token (client credentials, [`crate::oauth::Grant::App`]) and draw on a budget of their
//! own. An entry says where a file of events can be fetched; entries are kept for **three days**. Offsets are opaque:
//! keep the last one that was dealt with, and begin at [`Entry::Earliest`] when it is too old.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::Answer;
use crate::call::Call;
use crate::endpoint::{ApiError, Endpoint, body, endpoint, one, success};
use crate::id::PortalId;
use crate::limits::sizes::{JOURNAL_BATCH_MAX, OverLimit, at_most};
use crate::objects::BatchOutcome;
use crate::version::{ApiVersion, Surface};
use crate::wire::{Inputs, null_as_default, number_or_none, text, text_or_none};

mod snapshots;
mod subscriptions;

pub use snapshots::{ReadSnapshotStatus, Snapshot, SnapshotRequest, SnapshotStatus, SnapshotTicket};
pub use subscriptions::{
    Condition, CreateFilter, DeleteFilter, DeletePortalSubscriptions, DeleteSubscription, Filter, ListFilters,
    ListSubscriptions, ReadFilter, ReadSubscription, Subscribe, Subscription, SubscriptionKind,
};

/// Which entry of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The oldest that is kept.
    Earliest,
    /// The newest.
    Latest,
    /// The one after an offset.
    After(String),
}

/// GET one entry; none at the end of the journal.
#[derive(Clone, Debug)]
pub struct Read {
    /// Which one.
    pub entry: Entry,
    /// Of one account alone.
    pub portal: Option<PortalId>,
}

/// Where the events of an entry are. The address needs no credential: `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pointer {
    /// Signed address of a [`File`].
    pub url: String,
    /// Until when the address works, ISO 8601.
    #[serde(default)]
    pub expires_at: Option<String>,
    /// The offset of this entry: what to go on from.
    #[serde(deserialize_with = "text")]
    pub current_offset: String,
}

impl fmt::Debug for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pointer")
            .field("expires_at", &self.expires_at)
            .field("current_offset", &self.current_offset)
            .finish_non_exhaustive()
    }
}

fn of_portal(call: Call, portal: Option<PortalId>) -> Call {
    call.with_some("installPortalId", portal.map(|portal| portal.0))
}

impl Endpoint for Read {
    type Output = Option<Pointer>;

    fn call(&self, version: ApiVersion) -> Call {
        let call = match &self.entry {
            Entry::Earliest => Surface::Journal.get(version, &["earliest"]),
            Entry::Latest => Surface::Journal.get(version, &["latest"]),
            Entry::After(offset) => Surface::Journal.get(version, &["offset", offset, "next"]),
        };
        of_portal(call, self.portal)
    }

    fn decode(&self, answer: &Answer) -> Result<Self::Output, ApiError> {
        success(answer)?;
        if answer.status == 204 { Ok(None) } else { body(answer, "a journal entry").map(Some) }
    }
}

/// GET several entries in a row.
#[derive(Clone, Debug)]
pub struct ReadSeveral {
    /// The first one.
    pub entry: Entry,
    /// How many, at most [`JOURNAL_BATCH_MAX`].
    pub count: u32,
    /// Of one account alone.
    pub portal: Option<PortalId>,
}

impl Endpoint for ReadSeveral {
    type Output = BatchOutcome<Pointer>;

    fn call(&self, version: ApiVersion) -> Call {
        let count = self.count.to_string();
        let call = match &self.entry {
            Entry::Earliest => Surface::Journal.get(version, &["batch", "earliest", &count]),
            Entry::Latest => Surface::Journal.get(version, &["batch", "latest", &count]),
            Entry::After(offset) => Surface::Journal.get(version, &["batch", offset, "next", &count]),
        };
        of_portal(call, self.portal)
    }

    fn decode(&self, answer: &Answer) -> Result<Self::Output, ApiError> {
        success(answer)?;
        if answer.status == 204 { Ok(BatchOutcome::default()) } else { body(answer, "journal entries") }
    }

    fn check(&self) -> Result<(), OverLimit> {
        at_most("journal entries of a call", self.count, JOURNAL_BATCH_MAX)
    }
}

/// POST `batch/read`: entries by their offsets.
#[derive(Clone, Debug)]
pub struct ReadOffsets {
    /// Which ones.
    pub offsets: Vec<String>,
    /// Of one account alone.
    pub portal: Option<PortalId>,
}

endpoint!(ReadOffsets => BatchOutcome<Pointer>, one("journal entries"), |this, version| {
    let call = Surface::Journal.post(version, &["batch", "read"]).with_json(&Inputs { inputs: &this.offsets });
    of_portal(call, this.portal)
}, check: at_most("journal entries of a call", this.offsets.len(), JOURNAL_BATCH_MAX));

/// What the address of a [`Pointer`] holds: up to ten thousand events.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// The offset of the entry.
    #[serde(default, deserialize_with = "text_or_none")]
    pub offset: Option<String>,
    /// When it was written, ISO 8601.
    #[serde(default)]
    pub published_at: Option<String>,
    /// The events.
    #[serde(default, rename = "journalEvents", deserialize_with = "null_as_default")]
    pub events: Vec<Event>,
}

/// One event. What only some kinds have is in [`Event::rest`], as HubSpot writes it; `Debug` shows none of it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// `crmObject`, `association`, `app_lifecycle_event`, …
    #[serde(default, rename = "type", deserialize_with = "null_as_default")]
    pub kind: String,
    /// The account.
    #[serde(default, deserialize_with = "number_or_none", skip_serializing_if = "Option::is_none")]
    pub portal_id: Option<u64>,
    /// `CREATE`, `UPDATE`, `ASSOCIATION_ADDED`, …
    #[serde(default, deserialize_with = "null_as_default")]
    pub action: String,
    /// When, ISO 8601.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: serde_json::Map<String, Value>,
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("kind", &self.kind)
            .field("portal_id", &self.portal_id)
            .field("action", &self.action)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
