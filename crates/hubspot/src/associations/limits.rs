//! How many associations of a type one record may have, where the account sets that itself
//! (<https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide>, configurations).

use serde::{Deserialize, Serialize};

use crate::associations::Direction;
use crate::endpoint::{endpoint, items, maybe, one};
use crate::id::AssociationCategory;
use crate::objects::BatchOutcome;
use crate::version::Surface;
use crate::wire::Inputs;

/// GET the limits of all pairs of types.
#[derive(Clone, Copy, Debug)]
pub struct ListAllLimits;

/// GET the limits in one direction.
#[derive(Clone, Debug)]
pub struct ListLimits {
    /// Between which types.
    pub direction: Direction,
}

/// One limit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limit {
    /// Who defined the type.
    pub category: AssociationCategory,
    /// Its number in this direction.
    pub type_id: u32,
    /// What people see; none for the unlabelled type.
    #[serde(default)]
    pub label: Option<String>,
    /// How many a record may have; none where HubSpot's own limit holds.
    #[serde(default, rename = "userEnforcedMaxToObjectIds")]
    pub max: Option<u32>,
}

endpoint!(ListAllLimits => Vec<Limit>, items("association limits"), |_, version| {
    Surface::AssociationLimits.get(version, &["all"])
});

endpoint!(ListLimits => Vec<Limit>, items("association limits"), |this, version| {
    Surface::AssociationLimits.get(version, &this.direction.segments(&[]))
});

/// A limit to be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewLimit {
    /// Who defined the type.
    pub category: AssociationCategory,
    /// Its number in this direction.
    pub type_id: u32,
    /// How many a record may have.
    #[serde(rename = "maxToObjectIds")]
    pub max: u32,
}

/// POST `batch/create`: sets limits where there are none.
#[derive(Clone, Debug)]
pub struct CreateLimits {
    /// Between which types.
    pub direction: Direction,
    /// Which.
    pub limits: Vec<NewLimit>,
}

endpoint!(CreateLimits => BatchOutcome<Limit>, one("created association limits"), |this, version| {
    let inputs = Inputs { inputs: &this.limits };
    Surface::AssociationLimits.post(version, &this.direction.segments(&["batch", "create"])).with_json(&inputs)
});

/// POST `batch/update`: changes limits.
#[derive(Clone, Debug)]
pub struct UpdateLimits {
    /// Between which types.
    pub direction: Direction,
    /// Which.
    pub limits: Vec<NewLimit>,
}

endpoint!(UpdateLimits => BatchOutcome<Limit>, one("changed association limits"), |this, version| {
    let inputs = Inputs { inputs: &this.limits };
    Surface::AssociationLimits.post(version, &this.direction.segments(&["batch", "update"])).with_json(&inputs)
});

/// An association type as these calls write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitedType {
    /// Who defined the type.
    pub category: AssociationCategory,
    /// Its number in this direction.
    pub type_id: u32,
}

/// POST `batch/purge`: takes limits away.
#[derive(Clone, Debug)]
pub struct PurgeLimits {
    /// Between which types.
    pub direction: Direction,
    /// Of which types.
    pub types: Vec<LimitedType>,
}

// Errors alone; the numbered version has no body.
endpoint!(PurgeLimits => BatchOutcome<serde::de::IgnoredAny>, maybe("removed association limits"), |this, version| {
    let inputs = Inputs { inputs: &this.types };
    Surface::AssociationLimits.post(version, &this.direction.segments(&["batch", "purge"])).with_json(&inputs)
});
