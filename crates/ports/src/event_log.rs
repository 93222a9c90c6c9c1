//! The log of what HubSpot has told: written before it is acknowledged, and never changed.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use linchpin_core::echo::Echo;
use linchpin_core::ingress::keys::{ChangeKey, DeliveryKey};
use linchpin_core::subscribers::event::Stored;
use linchpin_core::time::Wall;
use linchpin_hubspot::id::{AppId, Install, ObjectType, RecordId};
use linchpin_hubspot::signature::Scheme;

use crate::store::StoreError;

/// Who told an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Teller {
    /// A webhook subscription.
    Webhook,
    /// The webhook action of a workflow.
    Workflow,
    /// The webhooks journal.
    Journal,
}

impl Teller {
    /// The word for it, as other programs are told.
    pub fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Workflow => "workflow",
            Self::Journal => "journal",
        }
    }
}

/// An event that is to be remembered. `Debug` shows no value.
#[derive(Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Whose it is; portal 0 where the delivery does not tell.
    pub install: Install,
    /// Who told it.
    pub teller: Teller,
    /// When the change happened; when it came in, where it does not say.
    pub occurred_at: Wall,
    /// What kind of change it is, as `propertyChange`; empty where it was not understood.
    pub kind: String,
    /// The type of its record, if it has one.
    pub object_type: Option<ObjectType>,
    /// Its record, if it has one.
    pub record: Option<RecordId>,
    /// Its property, if it is about one.
    pub property: Option<String>,
    /// Recognises the delivery.
    pub delivery: DeliveryKey,
    /// Recognises the change. Events that share it and have a record share `occurred_at` as well.
    pub change: ChangeKey,
    /// Whose write it tells of, if it is an echo. Kept as the first teller's event has it.
    pub echo: Option<Echo>,
    /// As it came, byte for byte.
    pub raw: Bytes,
}

impl fmt::Debug for NewEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewEvent")
            .field("install", &self.install)
            .field("kind", &self.kind)
            .field("object_type", &self.object_type)
            .field("record", &self.record)
            .field("property", &self.property)
            .field("change", &self.change)
            .finish_non_exhaustive()
    }
}

/// An event in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedEvent {
    /// Its place in the log of its install, from one; places ascend in the order of acceptance and are never used again.
    pub place: u64,
    /// When it came in.
    pub received_at: Wall,
    /// The event.
    pub event: NewEvent,
}

impl LoggedEvent {
    /// What is told of it to other programs is made from this.
    pub fn stored(&self) -> Stored<'_> {
        let Self { place, received_at, event } = self;
        Stored {
            place: *place,
            received_at: *received_at,
            install: event.install,
            teller: event.teller.name(),
            occurred_at: event.occurred_at,
            kind: &event.kind,
            object_type: event.object_type.as_ref(),
            record: event.record,
            property: event.property.as_deref(),
            change: event.change,
            echo: event.echo.as_ref(),
            raw: &event.raw,
        }
    }
}

/// What became of the events of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Those that were new.
    pub new: u64,
    /// Those that the same delivery had told before.
    pub repeated: u64,
    /// Those whose change somebody else had told before: another subscription, or the journal.
    pub known: u64,
}

/// The log.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Stores events: all of them or none. A change that the log of its install holds already is counted and not stored
    /// again; so is one that is twice among `events`. They may belong to several installs.
    async fn accept(&self, events: Vec<NewEvent>, now: Wall) -> Result<Accepted, StoreError>;

    /// Up to `limit` events of an install beyond a place, in order.
    async fn read(&self, install: Install, after: u64, limit: u16) -> Result<Vec<LoggedEvent>, StoreError>;

    /// The place of an install's newest event; zero if there is none.
    async fn last(&self, install: Install) -> Result<u64, StoreError>;

    /// Forgets an install's oldest events: those that came in before a moment, up to `limit` of them, from the first on
    /// and never the newest one. Says how many.
    async fn forget(&self, install: Install, before: Wall, limit: u16) -> Result<u64, StoreError>;

    /// The place before the first event of an install that came in at or after a moment: reading beyond it begins there.
    /// It is the newest event's place if all came in before, and zero if there is none. Where the clock was set back
    /// between two events, it is one of the places where the moments cross.
    async fn before(&self, install: Install, moment: Wall) -> Result<u64, StoreError>;

    /// Up to `limit` installs that have events, beyond one, in order.
    async fn installs(&self, after: Option<Install>, limit: u16) -> Result<Vec<Install>, StoreError>;

    /// Remembers that an app has signed by a scheme, unless it has used a stronger one. Gives the strongest so far.
    async fn signed(&self, app: AppId, scheme: Scheme) -> Result<Scheme, StoreError>;

    /// The strongest scheme that an app has signed by, if it ever did.
    async fn strongest(&self, app: AppId) -> Result<Option<Scheme>, StoreError>;
}
