//! The memory of which row is which record, and of what both sides last agreed on.

use std::collections::BTreeMap;

use linchpin_hubspot::id::{ObjectType, RecordId};
use serde::{Deserialize, Serialize};

use super::desired::{RowId, SourceKey};

/// One row tied to one record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The row.
    pub row: RowId,
    /// The type of the record.
    pub object_type: ObjectType,
    /// The record.
    pub record: RecordId,
    /// The agreed base, by property.
    pub base: BTreeMap<String, Agreed>,
}

/// What both sides agreed on for one property.
///
/// HubSpot rewrites values (case, dates, refused lifecycle stages), so what it answered is the base; what was sent is
/// kept beside it so that an unchanged source value is recognised although HubSpot shows it differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreed {
    /// What HubSpot answered; `None` for no value.
    #[serde(rename = "a")]
    pub answered: Option<String>,
    /// What we sent, if it differs from the answer.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<String>,
}

/// One association that both sides agree on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AssociationLink {
    /// The row it starts from.
    pub from: RowId,
    /// Which kind, by [`AssociationKind::name`](super::desired::AssociationKind::name).
    pub kind: String,
    /// The key of the row at the other end (its entry follows from the kind).
    pub to: SourceKey,
}
