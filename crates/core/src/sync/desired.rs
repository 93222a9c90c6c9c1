//! What a record in HubSpot should be according to one source row: the mapping's answer.

use std::collections::BTreeMap;
use std::fmt;

use linchpin_hubspot::id::{AssociationType, ObjectType};
use serde::{Deserialize, Serialize};

/// The name of one entry of the mapping file (`customers`): the scope of source keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntryName(pub String);

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The key of a row inside its entry, as text; parts of a compound key are joined by `|` after escaping.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourceKey(pub String);

impl fmt::Display for SourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A row, by the entry that maps it and its key there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RowId {
    /// The mapping entry.
    pub entry: EntryName,
    /// The key inside it.
    pub key: SourceKey,
}

/// The value that a property should have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DesiredValue {
    /// This text (numbers, dates and booleans travel as text).
    Text(String),
    /// No value: sent as `""`, which clears; `null` would be a no-op.
    Clear,
    /// The record id of another row's record, known only when that one is linked.
    RecordOf(RowId),
}

/// A record as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// Which row wants it.
    pub row: RowId,
    /// The mapped properties, every one that the mapping governs.
    pub properties: BTreeMap<String, DesiredValue>,
    /// The associations that should exist from this record, of the kinds that the mapping governs.
    pub associations: Vec<DesiredAssociation>,
}

/// One association that should exist.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DesiredAssociation {
    /// Position of the association in its mapping entry: one kind of association each.
    pub kind: u16,
    /// The row at the other end.
    pub to: RowId,
}

/// How the records of an entry are recognised in HubSpot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// By the value of a property that HubSpot keeps unique (or `email` of contacts): written by upsert.
    Unique {
        /// The property.
        property: String,
    },
    /// By equal content, for types that cannot have a unique property (products): written by create, linked by table.
    Content {
        /// The properties whose normalised values together are the content.
        properties: Vec<String>,
    },
}

/// One kind of association of an entry, with its direction and label resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssociationKind {
    /// The entry at the other end.
    pub to_entry: EntryName,
    /// The object type at the other end.
    pub to_object: ObjectType,
    /// The directed type; `None` is HubSpot's default (unlabelled) association.
    pub association_type: Option<AssociationType>,
    /// The label as people read it, for messages.
    pub label: Option<String>,
}

impl AssociationKind {
    /// A name that stays the same when entries move about in the mapping file: agreed associations are kept under it.
    pub fn name(&self) -> String {
        match self.association_type {
            Some(kind) => format!("{} as {}", self.to_entry, kind.type_id),
            None => format!("{} by default", self.to_entry),
        }
    }
}

/// Why a row cannot be synced, found before anything is sent or told by HubSpot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// A stable code to look up (`LP....`).
    pub code: String,
    /// The property concerned, if one is.
    pub property: Option<String>,
    /// What is wrong and what to do, in one sentence. May quote the value: shown to the operator, never logged.
    pub reason: String,
}

/// Something about a row that a person should know, although the row goes through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowWarning {
    /// A stable code to look up.
    pub code: String,
    /// The property concerned, if one is.
    pub property: Option<String>,
    /// What was done instead.
    pub note: String,
}

/// What the mapping makes of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mapped {
    /// The row does not belong to the entry (its filter says no).
    Skipped,
    /// The row is fine, perhaps with remarks.
    Desired(Box<Desired>, Vec<RowWarning>),
    /// The row cannot be synced. The key is known unless the key itself is the trouble.
    Rejected(Option<SourceKey>, Vec<Rejection>),
}
