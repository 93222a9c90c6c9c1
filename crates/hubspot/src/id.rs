//! Names of things in HubSpot, as types that cannot be mixed up.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A HubSpot account, by its portal id (also called hub id).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PortalId(pub u64);

/// The app whose credential is used; 0 when HubSpot does not tell (service keys).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AppId(pub u64);

/// One app installed in one portal: what every key, table, metric and counter leads with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Install {
    /// The account.
    pub portal: PortalId,
    /// The app.
    pub app: AppId,
}

impl fmt::Display for Install {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.portal.0, self.app.0)
    }
}

/// A CRM object type in the form that Linchpin uses in paths and keys: the plural name (`contacts`), or a type id
/// (`2-123`) for custom objects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectType(String);

impl ObjectType {
    /// Takes a canonical name as it stands.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as it goes into a path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id that HubSpot gave to a record. Travels as a decimal string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordId(pub u64);

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The text is no canonical positive decimal id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a record id: expected a positive decimal number without leading zeros")]
pub struct NotARecordId(pub String);

impl FromStr for RecordId {
    type Err = NotARecordId;

    fn from_str(text: &str) -> Result<Self, NotARecordId> {
        let canonical = !text.is_empty() && !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
        if !canonical {
            return Err(NotARecordId(text.to_owned()));
        }
        text.parse().map(Self).map_err(|_| NotARecordId(text.to_owned()))
    }
}

/// Who defined an association type (HubSpot's `associationCategory`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AssociationCategory {
    /// Built in.
    HubspotDefined,
    /// A label made in the account.
    UserDefined,
    /// Made by an app.
    IntegratorDefined,
    /// Internal to HubSpot's work objects.
    Work,
}

/// One directed association type: 279 is valid only from contact to company, 280 only back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssociationType {
    /// Who defined it.
    #[serde(rename = "associationCategory")]
    pub category: AssociationCategory,
    /// Its number in that direction.
    #[serde(rename = "associationTypeId")]
    pub type_id: u32,
}
