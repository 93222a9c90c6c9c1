//! The association types between two object types, and the labels among them that an account makes for itself.

use serde::{Deserialize, Serialize};

use crate::associations::Direction;
use crate::endpoint::{endpoint, items, success};
use crate::id::{AssociationCategory, AssociationType};
use crate::version::Surface;

/// GET `labels`: every type in one direction, built-in ones as well.
#[derive(Clone, Debug)]
pub struct ListLabels {
    /// Between which types.
    pub direction: Direction,
}

/// One type, as the account knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TypeDefinition {
    /// Who defined it.
    pub category: AssociationCategory,
    /// Its number in this direction.
    pub type_id: u32,
    /// What people see; none for the unlabelled type.
    #[serde(default)]
    pub label: Option<String>,
}

impl TypeDefinition {
    /// The type in the form that writes take.
    pub fn association_type(&self) -> AssociationType {
        AssociationType { category: self.category, type_id: self.type_id }
    }
}

endpoint!(ListLabels => Vec<TypeDefinition>, items("association labels"), |this, version| {
    Surface::Associations.get(version, &this.direction.segments(&["labels"]))
});

/// POST `labels`: makes a label, at most [`crate::limits::sizes::LABELS_MAX`] for a pair of types. A repeat may be
/// refused or make a second one, so it is not repeated blindly.
#[derive(Clone, Debug)]
pub struct CreateLabel {
    /// Between which types.
    pub direction: Direction,
    /// Internal name.
    pub name: String,
    /// What people see in this direction.
    pub label: String,
    /// What people see in the other direction, if that is something else.
    pub inverse_label: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LabelBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    association_type_id: Option<u32>,
    label: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    inverse_label: Option<&'a str>,
}

// The answer holds the new types of both directions.
endpoint!(CreateLabel => Vec<TypeDefinition>, items("a created label"), |this, version| {
    let body = LabelBody {
        name: Some(&this.name),
        association_type_id: None,
        label: &this.label,
        inverse_label: this.inverse_label.as_deref(),
    };
    Surface::Associations.post(version, &this.direction.segments(&["labels"])).with_json(&body)
});

/// PUT `labels`: changes what people see.
#[derive(Clone, Debug)]
pub struct UpdateLabel {
    /// Between which types.
    pub direction: Direction,
    /// Which one, by its number in this direction.
    pub type_id: u32,
    /// What people see in this direction.
    pub label: String,
    /// What people see in the other direction.
    pub inverse_label: Option<String>,
}

endpoint!(UpdateLabel => (), success, |this, version| {
    let body = LabelBody {
        name: None,
        association_type_id: Some(this.type_id),
        label: &this.label,
        inverse_label: this.inverse_label.as_deref(),
    };
    Surface::Associations.put(version, &this.direction.segments(&["labels"])).with_json(&body)
});

/// DELETE `labels/{id}`: removes a label, and every association that has it and no other.
#[derive(Clone, Debug)]
pub struct DeleteLabel {
    /// Between which types.
    pub direction: Direction,
    /// Which one, by its number in this direction.
    pub type_id: u32,
}

endpoint!(DeleteLabel => (), success, |this, version| {
    Surface::Associations.delete(version, &this.direction.segments(&["labels", &this.type_id.to_string()]))
});
