//! What an administrator requires of records, and which version 2026-09 of the API enforces: properties of the form
//! that creates a record, and properties that another one's value makes required.
//!
//! Source: HubSpot's changelog of August 2026 on the enforcement of write validation. No call sets these rules: they
//! are made in HubSpot's pages, and here by the control API.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::answer::Refusal;
use super::catalog::Kind;
use super::property::PropId;
use super::saved::Places;
use super::write::Changes;
use super::{Portal, UnknownType};
use crate::saved::Unfit;

/// Rules of one kind that a portal may have.
pub const REQUIREMENTS_MAX: usize = 1_000;

/// A property that must have a value, always or on a condition.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// The object type, by any of its names.
    pub object_type: String,
    /// The property that is required.
    pub property: String,
    /// The condition; without one the property is required of every new record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
}

/// The value of another property that makes one required.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The other property.
    pub property: String,
    /// Any of these values.
    pub is: Vec<String>,
}

/// Why a rule cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequirementError {
    /// No such object type.
    #[error(transparent)]
    Type(#[from] UnknownType),
    /// No such property.
    #[error("{object_type} have no property {property}")]
    Property {
        /// The object type that was asked for.
        object_type: String,
        /// The property that it lacks.
        property: String,
    },
    /// Too many of them.
    #[error("a portal has at most {REQUIREMENTS_MAX} required properties")]
    TooMany,
}

/// A rule whose names are resolved.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Required {
    kind: Kind,
    place: PropId,
    when: Option<(PropId, Vec<String>)>,
}

impl Required {
    /// The same under the numbers that this version gives to object types and properties.
    pub(super) fn translated(self, places: &Places) -> Result<Self, Unfit> {
        let (kind, place) = places.property(self.kind, self.place)?;
        let when = self.when.map(|(other, values)| Ok((places.property(self.kind, other)?.1, values)));
        Ok(Self { kind, place, when: when.transpose()? })
    }
}

/// A value that a write of version 2026-09 lacks.
pub(super) struct Lacking {
    name: String,
    code: &'static str,
    message: String,
}

impl Portal {
    /// Replaces the rules about required properties, or leaves them all as they are when one of them is wrong.
    pub fn require(&mut self, rules: &[Requirement]) -> Result<(), RequirementError> {
        if rules.len() > REQUIREMENTS_MAX {
            return Err(RequirementError::TooMany);
        }
        let resolved: Result<Vec<Required>, RequirementError> = rules.iter().map(|rule| self.resolve(rule)).collect();
        self.requirements = resolved?;
        Ok(())
    }

    fn resolve(&self, rule: &Requirement) -> Result<Required, RequirementError> {
        let name = &rule.object_type;
        let kind = self.catalog.find(name).ok_or_else(|| UnknownType { name: name.clone() })?;
        let find = |property: &str| {
            let place = self.catalog.get(kind).properties.find(property);
            place.ok_or_else(|| RequirementError::Property { object_type: name.clone(), property: property.to_owned() })
        };
        let when = match &rule.when {
            Some(condition) => Some((find(&condition.property)?, condition.is.clone())),
            None => None,
        };
        Ok(Required { kind, place: find(&rule.property)?, when })
    }

    /// What a write lacks of what is required; nothing in versions before 2026-09.
    ///
    /// A condition counts when the write sets the other property, or takes the required one away.
    pub(super) fn lacking(&self, kind: Kind, changes: &Changes, own: Option<u64>) -> Vec<Lacking> {
        if !self.enforces_requirements {
            return Vec::new();
        }
        let object_type = self.catalog.get(kind);
        let before = own.and_then(|id| object_type.records.live.get(&id)).map(|record| &record.state);
        let written = |place: PropId| changes.iter().find(|(one, _)| *one == place).map(|(_, value)| value.as_str());
        let after = |place: PropId| {
            written(place).or_else(|| before.and_then(|state| state.get(place))).filter(|value| !value.is_empty())
        };
        let name = |place: PropId| object_type.properties.get(place).map_or("", |known| known.name.as_str()).to_owned();
        let mut lacking = Vec::new();
        for rule in self.requirements.iter().filter(|rule| rule.kind == kind && after(rule.place).is_none()) {
            let (own_name, code, message) = match &rule.when {
                None if own.is_some() => continue,
                None => {
                    let name = name(rule.place);
                    let message = format!("A value for {name} must be provided");
                    (name, "MISSING_REQUIRED_PROPERTY", message)
                }
                Some((other, values)) => {
                    let concerned = written(*other).is_some() || written(rule.place).is_some();
                    let holds = after(*other).is_some_and(|value| values.iter().any(|one| one == value));
                    if !concerned || !holds {
                        continue;
                    }
                    let (name, other) = (name(rule.place), name(*other));
                    let message =
                        format!("{name} is required because of a conditional property rule based on [{other}]");
                    (name, "MISSING_CONDITIONAL_REQUIRED_PROPERTY", message)
                }
            };
            lacking.push(Lacking { name: own_name, code, message });
        }
        lacking
    }
}

/// The text of a refusal for values that are required.
pub(super) const LACKING_TEXT: &str = "The property values provided are invalid";

/// The refusal of a write that lacks required values.
pub(super) fn refuse_lacking(lacking: &[Lacking]) -> Refusal {
    let errors = lacking
        .iter()
        .map(|one| json!({"message": one.message, "code": one.code, "context": {"propertyName": [one.name]}}));
    Refusal::invalid(LACKING_TEXT).errors(errors)
}
