//! The object types of a portal and the names under which calls may ask for them.
//!
//! A type keeps its place for the life of the portal, also after its schema is deleted.

use std::collections::BTreeMap;

use super::defaults;
use super::property::{Group, PropId, Property, PropertyTable};
use super::record::Records;
use crate::wire::Millis;

/// The place of an object type in the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(super) struct Kind(pub(super) u16);

/// Contacts have the first place.
pub(super) const CONTACTS: Kind = Kind(0);
/// Companies have the second place.
pub(super) const COMPANIES: Kind = Kind(1);
/// Deals have the third place.
pub(super) const DEALS: Kind = Kind(2);
/// Tickets have the fourth place.
pub(super) const TICKETS: Kind = Kind(3);
/// Products have the fifth place.
pub(super) const PRODUCTS: Kind = Kind(4);
/// Line items have the sixth place.
pub(super) const LINE_ITEMS: Kind = Kind(5);

/// Notes, tasks, meetings, calls and emails have the next five places.
pub(super) const ENGAGEMENTS: [Kind; 5] = [Kind(6), Kind(7), Kind(8), Kind(9), Kind(10)];

/// What a custom object's schema adds to a type.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Custom {
    pub(super) singular_label: String,
    pub(super) plural_label: String,
    pub(super) description: Option<String>,
    pub(super) primary_display: Option<String>,
    pub(super) secondary_display: Vec<String>,
    pub(super) allows_sensitive: bool,
    pub(super) created_at: Millis,
    pub(super) updated_at: Millis,
    pub(super) archived: bool,
}

/// One object type with all that belongs to it.
#[derive(Debug)]
pub(super) struct ObjectType {
    /// `0-1`, or `2-N` for a custom one.
    pub(super) type_id: String,
    /// `contact`, or the short name of a custom one.
    pub(super) singular: String,
    /// `contacts`, or `p48151623_name`.
    pub(super) plural: String,
    /// `CONTACT`, or `p48151623_name`: how messages call it.
    pub(super) shout: String,
    pub(super) properties: PropertyTable,
    pub(super) groups: BTreeMap<String, Group>,
    pub(super) records: Records,
    /// What a read without `properties` returns, beside the three that always come.
    pub(super) default_names: Vec<String>,
    /// What `query` of search looks at.
    pub(super) searchable_names: Vec<String>,
    /// What a create must set.
    pub(super) required_names: Vec<String>,
    pub(super) custom: Option<Custom>,
}

impl ObjectType {
    /// Whether the type can be used.
    pub(super) fn is_live(&self) -> bool {
        self.custom.as_ref().is_none_or(|custom| !custom.archived)
    }

    /// What people call one record and several: a schema says it, standard types are called after their names.
    pub(super) fn labels(&self) -> (String, String) {
        let told = |name: &str| {
            let mut words = name.replace('_', " ");
            if let Some(first) = words.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            words
        };
        match &self.custom {
            Some(custom) => (custom.singular_label.clone(), custom.plural_label.clone()),
            None => (told(&self.singular), told(&self.plural)),
        }
    }

    /// The name under which associations of other records list this type.
    pub(super) fn association_key(&self) -> &str {
        if self.type_id == "0-8" { "line items" } else { &self.plural }
    }

    /// Adds a property that HubSpot or a schema defines.
    pub(super) fn define(&mut self, property: Property) -> Option<PropId> {
        if !self.groups.contains_key(&property.group) {
            let display_order = i64::try_from(self.groups.len()).unwrap_or(i64::MAX);
            let name = property.group.clone();
            let group =
                Group { label: defaults::group_label(&name), name: name.clone(), display_order, archived: false };
            self.groups.insert(name, group);
        }
        self.properties.add(property)
    }
}

/// All object types.
#[derive(Debug)]
pub(super) struct Catalog {
    places: Vec<ObjectType>,
    names: BTreeMap<String, Kind>,
}

impl Catalog {
    /// The standard types with their default properties.
    pub(super) fn standard(seed: u64) -> Self {
        let mut catalog = Self { places: Vec::new(), names: BTreeMap::new() };
        for (place, mut object_type) in (0_u64..).zip(defaults::object_types()) {
            object_type.records.last_id = 1000 * (place + 1) + seed % 1000;
            catalog.add(object_type);
        }
        catalog
    }

    /// Adds a type under all its names.
    pub(super) fn add(&mut self, object_type: ObjectType) -> Option<Kind> {
        let kind = Kind(u16::try_from(self.places.len()).ok()?);
        let names = [&object_type.type_id, &object_type.plural, &object_type.shout];
        for name in names {
            self.names.insert(name.to_ascii_lowercase(), kind);
        }
        if object_type.custom.is_some() {
            self.names.insert(format!("p_{}", object_type.singular).to_ascii_lowercase(), kind);
        } else {
            self.names.insert(object_type.singular.clone(), kind);
        }
        self.places.push(object_type);
        Some(kind)
    }

    /// Takes the names of a type away, so that another may have them.
    pub(super) fn forget_names(&mut self, kind: Kind) {
        self.names.retain(|_, known| *known != kind);
    }

    /// The type that a path names, in any case.
    pub(super) fn find(&self, name: &str) -> Option<Kind> {
        let kind = self.find_archived(name)?;
        self.get(kind).is_live().then_some(kind)
    }

    /// As [`Self::find`], with archived custom types.
    pub(super) fn find_archived(&self, name: &str) -> Option<Kind> {
        self.names.get(&name.to_ascii_lowercase()).copied()
    }

    pub(super) fn get(&self, kind: Kind) -> &ObjectType {
        self.places.get(usize::from(kind.0)).expect("invariant: a kind is made by the catalog, which never shrinks")
    }

    pub(super) fn get_mut(&mut self, kind: Kind) -> &mut ObjectType {
        self.places.get_mut(usize::from(kind.0)).expect("invariant: a kind is made by the catalog, which never shrinks")
    }

    /// All types with their places.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Kind, &ObjectType)> {
        (0_u16..).map(Kind).zip(self.places.iter())
    }

    /// All types, to change them.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut ObjectType> {
        self.places.iter_mut()
    }
}
