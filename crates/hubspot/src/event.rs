//! What a webhook tells: the events of one delivery, read without losing any.
//!
//! Source: HubSpot's webhooks guide (<https://developers.hubspot.com/docs/api-reference/webhooks-webhooks-v3/guide>) and
//! deliveries that public projects captured between 2017 and 2026. They differ: the guide's table calls the kind
//! `eventType`, deliveries call it `subscriptionType`; association events have no `objectId`; `changeFlag` and
//! `changeSource` are open sets. So everything is read that is understood, and the rest is kept as it came.

pub mod journal;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{Install, ObjectType, RecordId};

pub use self::read::{read, read_one};

/// The most events that HubSpot puts into one delivery.
pub const EVENTS_PER_DELIVERY: usize = 100;

/// One element of a delivery.
#[derive(Clone, Debug)]
pub struct Told<'a> {
    /// As it came, byte for byte. Holds personal values.
    pub raw: &'a [u8],
    /// What it says; none if it is not understood.
    pub event: Result<Event, NotUnderstood>,
}

/// Why an element of a delivery is kept but not acted upon.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotUnderstood {
    /// The body is no JSON array; the whole of it is one element.
    #[error("the body is no JSON array of events")]
    NotAnArray,
    /// The element is no object.
    #[error("the element is no object")]
    NotAnObject,
    /// A field is missing, or is not what it has to be.
    #[error("its field {0} is missing or malformed")]
    Field(&'static str),
}

/// One event. `Debug` shows no value of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The account and the app; app 0 where the delivery names none.
    pub install: Install,
    /// HubSpot's number for it. Not unique.
    pub number: Option<u64>,
    /// The subscription that it comes from.
    pub subscription: Option<u64>,
    /// When the change happened, in milliseconds since 1970.
    pub occurred_at_ms: i64,
    /// How often it had been delivered before.
    pub attempt: u32,
    /// What caused the change (`CRM_UI`, `API`, `INTEGRATION` ...): a hint, and an open set.
    pub source: Option<String>,
    /// Who caused it (`userId:55`, an app's number ...): a hint.
    pub source_id: Option<String>,
    /// What has changed.
    pub change: Change,
}

/// What has changed. `Debug` shows no values.
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// A record came or went.
    Record {
        /// Its type.
        object_type: ObjectType,
        /// The record.
        id: RecordId,
        /// What happened to it.
        fate: Fate,
    },
    /// A property has a new value.
    Property {
        /// The record's type.
        object_type: ObjectType,
        /// The record.
        id: RecordId,
        /// The property.
        name: String,
        /// The new value; `""` when it was cleared.
        value: NewValue,
    },
    /// Records became one.
    Merge {
        /// Their type.
        object_type: ObjectType,
        /// The one that the person chose to keep.
        primary: RecordId,
        /// Those that went into it.
        merged: Vec<RecordId>,
        /// The record that is there now: a third id since 2025, `primary` where the event names none.
        survivor: RecordId,
    },
    /// Two records are, or are no longer, associated. Each direction tells its own.
    Association {
        /// The record from whose side this is.
        from: (ObjectType, RecordId),
        /// The other one.
        to: (ObjectType, RecordId),
        /// HubSpot's name for it, as `CONTACT_TO_COMPANY`.
        name: String,
        /// The number of its type; only generic events carry it.
        type_id: Option<u32>,
        /// Whether it ended.
        removed: bool,
        /// Whether it is the primary one.
        primary: Option<bool>,
    },
    /// Something that has no record in the CRM, or that is new.
    Other {
        /// HubSpot's name for it.
        kind: String,
        /// Its `objectId`.
        id: Option<u64>,
    },
}

/// What may happen to a record as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// It was made.
    Created,
    /// It went to the recycling bin.
    Deleted,
    /// It was deleted for good at the wish of the person whom it was about; a [`Fate::Deleted`] comes as well, before
    /// or after.
    PrivacyDeleted,
    /// It came back from the recycling bin.
    Restored,
}

/// The value that an event carries.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum NewValue {
    /// The value.
    Known(String),
    /// HubSpot does not say it (`REDACTED` for sensitive properties, or none at all): it has to be read.
    Hidden,
}

impl Change {
    /// The record that it is about; of an association, the one from whose side it is told.
    pub fn record(&self) -> Option<(&ObjectType, RecordId)> {
        match self {
            Self::Record { object_type, id, .. }
            | Self::Property { object_type, id, .. }
            | Self::Merge { object_type, survivor: id, .. }
            | Self::Association { from: (object_type, id), .. } => Some((object_type, *id)),
            Self::Other { .. } => None,
        }
    }

    /// What kind of change it is, in a word that is stored and shown.
    pub fn kind(&self) -> &str {
        match self {
            Self::Record { fate: Fate::Created, .. } => "creation",
            Self::Record { fate: Fate::Deleted, .. } => "deletion",
            Self::Record { fate: Fate::PrivacyDeleted, .. } => "privacyDeletion",
            Self::Record { fate: Fate::Restored, .. } => "restore",
            Self::Property { .. } => "propertyChange",
            Self::Merge { .. } => "merge",
            Self::Association { .. } => "associationChange",
            Self::Other { kind, .. } => kind,
        }
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Change");
        shown.field("kind", &self.kind());
        if let Some((object_type, id)) = self.record() {
            shown.field("object_type", object_type).field("id", &id);
        }
        if let Self::Property { name, .. } = self {
            shown.field("property", name);
        }
        shown.finish_non_exhaustive()
    }
}

impl fmt::Debug for NewValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if matches!(self, Self::Known(_)) { "Known(..)" } else { "Hidden" })
    }
}
