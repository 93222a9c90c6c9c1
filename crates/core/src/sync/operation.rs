//! One durable piece of work on HubSpot, and how it ends.

use std::collections::BTreeMap;

use linchpin_hubspot::id::{AssociationType, ObjectType, RecordId};
use serde::{Deserialize, Serialize};

use super::desired::{DesiredValue, Rejection, RowId};
use super::link::{AssociationLink, Link};
use super::run::RunId;
use crate::time::Wall;

/// Names one operation; ascends in the order of planning inside a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OperationId {
    /// The run that planned it.
    pub run: RunId,
    /// Its place in the run's plan, from 0.
    pub seq: u64,
}

/// What an operation does. The verbs are those of HubSpot's batch endpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
pub enum Action {
    /// Create or update by a unique property: harmless to repeat.
    Upsert {
        /// The unique property.
        id_property: String,
        /// Its value, normalised as HubSpot does.
        id_value: String,
        /// What to write, the unique property included.
        properties: BTreeMap<String, DesiredValue>,
    },
    /// Create a record of a type without unique properties: a lost answer is resolved before any repeat.
    Create {
        /// What to write.
        properties: BTreeMap<String, DesiredValue>,
        /// The properties whose normalised values identify the record by content.
        content: Vec<String>,
    },
    /// Update a linked record by its id.
    Update {
        /// The record.
        record: RecordId,
        /// Only what differs from the agreed base.
        properties: BTreeMap<String, DesiredValue>,
    },
    /// Make an association. Both ends are looked up among the links when it is sent.
    Associate {
        /// The type of the record at the other end.
        to_object: ObjectType,
        /// The row at the other end.
        to: RowId,
        /// Which kind, by its name.
        kind: String,
        /// The directed type; `None` is the default.
        association_type: Option<AssociationType>,
    },
    /// Remove an association that the source no longer has.
    Dissociate {
        /// The type of the record at the other end.
        to_object: ObjectType,
        /// The row at the other end.
        to: RowId,
        /// Which kind, by its name.
        kind: String,
        /// The type to take away; `None` removes everything between the two records.
        association_type: Option<AssociationType>,
    },
}

/// One planned operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its name.
    pub id: OperationId,
    /// The row it serves.
    pub row: RowId,
    /// The type of the row's record.
    pub object_type: ObjectType,
    /// Operations of a lower stage are all settled before one of this stage is claimed.
    pub stage: u16,
    /// Only operations with equal pack keys share a batch.
    pub pack: String,
    /// What to do.
    pub action: Action,
}

/// Where an operation stands in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationState {
    /// Waits for its stage, its due time or a worker.
    Waiting,
    /// Claimed: it may be on the wire. After a crash its outcome is unknown.
    Sent,
    /// Has its effect.
    Done,
    /// Will never have it; the rejection says why. Kept for the operator.
    Rejected,
}

/// How one operation of a claimed batch ended. Every claimed operation ends as exactly one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Done; the link and the association that it leaves behind.
    Done {
        /// The new or renewed link of the row, for record operations.
        link: Option<Link>,
        /// The association made or removed, for association operations.
        association: Option<AssociationChange>,
        /// For reports: did HubSpot say that the record is new?
        created: Option<bool>,
    },
    /// Will not be done.
    Rejected(Rejection),
    /// To be claimed again, not before `due`, in batches of at most `pack_max`, together only with the same `pack`.
    Again {
        /// Not before.
        due: Wall,
        /// The (perhaps narrower) pack key.
        pack: String,
        /// At most so many in one batch.
        pack_max: u16,
        /// Why, for people.
        why: String,
        /// Whether this claim was an attempt; not, if the run stopped for a reason of its own.
        counts: bool,
    },
    /// Nobody knows whether it was done (an answer was lost): stays in state `Sent` until resolved.
    Unknown,
}

/// A change of the agreed associations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AssociationChange {
    /// It exists now.
    Made(AssociationLink),
    /// It is gone.
    Removed(AssociationLink),
}
