//! Groups of properties: how HubSpot's web application arranges them.

use serde::{Deserialize, Serialize};

use super::last;
use crate::endpoint::{endpoint, items, one, success};
use crate::id::ObjectType;
use crate::version::Surface;
use crate::wire::null_as_default;

/// A group of properties.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PropertyGroup {
    /// Internal name.
    pub name: String,
    /// What people see.
    #[serde(default, deserialize_with = "null_as_default")]
    pub label: String,
    /// Order; -1 means after the others.
    #[serde(default = "last")]
    pub display_order: i32,
}

/// GET the groups of a type; not paged.
#[derive(Clone, Debug)]
pub struct ListGroups {
    /// Of which type.
    pub object_type: ObjectType,
}

endpoint!(ListGroups => Vec<PropertyGroup>, items("property groups"), |this, version| {
    Surface::Properties.get(version, &[this.object_type.as_str(), "groups"])
});

/// GET one group.
#[derive(Clone, Debug)]
pub struct ReadGroup {
    /// Of which type.
    pub object_type: ObjectType,
    /// Its internal name.
    pub name: String,
}

endpoint!(ReadGroup => PropertyGroup, one("a property group"), |this, version| {
    Surface::Properties.get(version, &[this.object_type.as_str(), "groups", &this.name])
});

/// POST one group. A repeat is a 409.
#[derive(Clone, Debug)]
pub struct CreateGroup {
    /// Of which type.
    pub object_type: ObjectType,
    /// What it shall be.
    pub group: PropertyGroup,
}

endpoint!(CreateGroup => PropertyGroup, one("a created property group"), |this, version| {
    Surface::Properties.post(version, &[this.object_type.as_str(), "groups"]).with_json(&this.group)
});

/// What shall be another in a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupChange {
    /// What people see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Order; -1 means after the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_order: Option<i32>,
}

/// PATCH one group.
#[derive(Clone, Debug)]
pub struct UpdateGroup {
    /// Of which type.
    pub object_type: ObjectType,
    /// Its internal name.
    pub name: String,
    /// What shall be another.
    pub change: GroupChange,
}

endpoint!(UpdateGroup => PropertyGroup, one("a changed property group"), |this, version| {
    Surface::Properties.patch(version, &[this.object_type.as_str(), "groups", &this.name]).with_json(&this.change)
});

/// DELETE one group.
#[derive(Clone, Debug)]
pub struct ArchiveGroup {
    /// Of which type.
    pub object_type: ObjectType,
    /// Its internal name.
    pub name: String,
}

endpoint!(ArchiveGroup => (), success, |this, version| {
    Surface::Properties.delete(version, &[this.object_type.as_str(), "groups", &this.name])
});
