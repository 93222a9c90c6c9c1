//! What a call does, in the words in which callers are limited.

use std::collections::BTreeSet;

use http::Method;
use linchpin_hubspot::call::Effect;
use linchpin_hubspot::routes::{Operation as Op, Route};

use super::Denied;

/// Something that a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// Read, list and search.
    Read,
    /// Make records.
    Create,
    /// Change records.
    Update,
    /// Make and remove associations.
    Associate,
    /// Move records into the recycle bin.
    Archive,
    /// Make one record of two, for ever.
    Merge,
    /// Delete records for ever (privacy deletion).
    Erase,
    /// Change properties, schemas, pipelines and association labels.
    Define,
}

impl Verb {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Read,
        Self::Create,
        Self::Update,
        Self::Associate,
        Self::Archive,
        Self::Merge,
        Self::Erase,
        Self::Define,
    ];

    /// Its name in configuration and refusals.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Update => "update",
            Self::Associate => "associate",
            Self::Archive => "archive",
            Self::Merge => "merge",
            Self::Erase => "erase",
            Self::Define => "define",
        }
    }
}

/// Whether these verbs cover a call. Associations in the body of a creation are looked at with the body.
pub(super) fn check(verbs: &BTreeSet<Verb>, route: &Route, method: &Method) -> Result<(), Denied> {
    match needed(route, method) {
        Some(needed) => match needed.iter().find(|verb| !verbs.contains(verb)) {
            Some(missing) => Err(Denied::Verb(missing.name())),
            None => Ok(()),
        },
        None if Verb::ALL.iter().all(|verb| verbs.contains(verb)) => Ok(()),
        None => Err(Denied::UnknownChange),
    }
}

/// What a call does; none if it may do anything. A row that is safe reads; of the others, the table knows what they
/// change, or nobody does.
pub(super) fn needed(route: &Route, method: &Method) -> Option<&'static [Verb]> {
    if route.effect == Effect::Safe {
        return Some(&[Verb::Read]);
    }
    let reads = *method == Method::GET || *method == Method::HEAD;
    Some(match route.operation {
        Op::ObjectCreate | Op::ObjectBatchCreate => &[Verb::Create],
        Op::ObjectUpdate | Op::ObjectBatchUpdate => &[Verb::Update],
        Op::ObjectBatchUpsert => &[Verb::Create, Verb::Update],
        Op::ObjectArchive | Op::ObjectBatchArchive => &[Verb::Archive],
        Op::ObjectMerge => &[Verb::Merge],
        Op::ObjectPrivacyDelete => &[Verb::Erase],
        Op::AssociateDefault
        | Op::AssociationPut
        | Op::AssociationDelete
        | Op::AssociationBatchDefault
        | Op::AssociationBatchCreate
        | Op::AssociationBatchArchive
        | Op::AssociationBatchLabelsArchive => &[Verb::Associate],
        Op::AssociationLabelCreate
        | Op::AssociationLabelUpdate
        | Op::AssociationLabelDelete
        | Op::AssociationLimitCreate
        | Op::AssociationLimitUpdate
        | Op::AssociationLimitPurge
        | Op::AssociationDefinition
        | Op::PropertyCreate
        | Op::PropertyUpdate
        | Op::PropertyArchive
        | Op::PropertyBatchCreate
        | Op::PropertyBatchArchive
        | Op::PropertyGroupCreate
        | Op::PropertyGroup
        | Op::SchemaCreate
        | Op::Schema
        | Op::SchemaAssociation
        | Op::Pipeline => &[Verb::Define],
        _ if reads => &[Verb::Read],
        _ => return None,
    })
}
