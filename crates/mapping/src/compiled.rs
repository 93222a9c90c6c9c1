//! A mapping that has been checked: what the engine works with.

use linchpin_core::sync::desired::{AssociationKind, EntryName, Identity};
use linchpin_hubspot::id::ObjectType;
use serde::{Deserialize, Serialize};

use crate::file::Gone;
use crate::map::RowProgram;
use crate::portal::PropertyKind;
use crate::problem::Problem;

/// A whole mapping.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The entries, each after all that it refers to; otherwise in the order of the file.
    pub entries: Vec<Entry>,
    /// The same for the same content, whatever the layout and the order of maps: plans carry it.
    pub fingerprint: u64,
    /// What a person should look at, although the mapping can be used.
    pub warnings: Vec<Problem>,
}

impl Compiled {
    /// An entry by name.
    pub fn entry(&self, name: &EntryName) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == *name)
    }

    /// The key properties that must be made before the first write, in the order of the entries.
    pub fn key_properties_to_create(&self) -> impl Iterator<Item = &KeyProperty> {
        self.entries.iter().filter_map(|entry| entry.key_property_to_create.as_ref())
    }
}

/// One entry of a mapping.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub name: EntryName,
    /// The source, by name.
    pub source: String,
    /// What to read there.
    pub select: Select,
    /// The columns that identify a row.
    pub key: Vec<String>,
    /// What its records are.
    pub object_type: ObjectType,
    /// How they are recognised.
    pub identity: Identity,
    /// The unique property to make first: set if the file asks for it and the account, where known, lacks it.
    pub key_property_to_create: Option<KeyProperty>,
    /// The kinds of associations; `DesiredAssociation::kind` is a position in this list.
    pub associations: Vec<AssociationKind>,
    /// The properties that the entry governs, by name.
    pub properties: Vec<Governed>,
    /// The entries that must be written before this one.
    pub after: Vec<EntryName>,
    /// What happens to the record of a row that is gone.
    pub gone: Gone,
    pub(crate) program: RowProgram,
}

/// A property that an entry governs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Governed {
    /// The internal name.
    pub name: String,
    /// How its values are to be compared; `None` if the account was not known.
    pub kind: Option<PropertyKind>,
}

/// What to read from a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Select {
    /// A table or view.
    Table(String),
    /// A query.
    Query(String),
}

/// A unique property to be made: single-line text. `hasUniqueValue` can be set only when a property is made, and at
/// most ten properties of a type can have it (HubSpot's properties guide).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyProperty {
    /// The object type.
    pub object_type: ObjectType,
    /// The internal name.
    pub name: String,
    /// What people see.
    pub label: String,
    /// What it is for.
    pub description: String,
    /// The property group.
    pub group: String,
}
