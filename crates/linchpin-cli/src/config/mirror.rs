//! What of the account is kept at hand: types, and their properties.

use std::collections::{BTreeMap, BTreeSet};

use linchpin_hubspot::id::ObjectType;
use schemars::JsonSchema;
use serde::Deserialize;

/// The properties that may be held of a type: a limit of ours, so that a batch of a hundred records stays small.
pub(crate) const PROPERTIES_MAX: usize = 500;
/// The longest name of a property.
const NAME_MAX: usize = 200;

/// What of the account is kept at hand: `linchpin serve` follows the events of `webhooks.apps` into the mirror.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MirrorSection {
    /// The types of records, as in HubSpot's paths: `contacts`, `deals`, `2-123456`.
    pub(crate) objects: BTreeMap<ObjectName, MirroredObject>,
}

/// One type of records.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MirroredObject {
    /// The properties that are held, by their internal names.
    pub(crate) properties: PropertyNames,
}

/// A type of records by any of its names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub(crate) struct ObjectName(pub(crate) ObjectType);

impl TryFrom<String> for ObjectName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let object_type = ObjectType::canonical(&text);
        // Webhooks tell of custom types by their ids alone.
        let by_id = text.strip_prefix("2-").is_some_and(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()));
        if by_id || object_type.standard().is_some() {
            Ok(Self(object_type))
        } else {
            Err(format!(
                "{text:?} is no type of records: name it as `contacts`, or a custom one by its id, as `2-123456`"
            ))
        }
    }
}

/// Names of properties, each once.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<String>")]
#[schemars(with = "Vec<String>")]
pub(crate) struct PropertyNames(pub(crate) BTreeSet<String>);

impl TryFrom<Vec<String>> for PropertyNames {
    type Error = String;

    fn try_from(names: Vec<String>) -> Result<Self, String> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        let wrong = names.iter().find(|name| name.is_empty() || name.len() > NAME_MAX || !name.bytes().all(plain));
        if let Some(name) = wrong {
            return Err(format!(
                "{name:?} is no internal name of a property: those have small letters, digits and `_`"
            ));
        }
        if names.is_empty() {
            return Err("name at least one property".to_owned());
        }
        if names.len() > PROPERTIES_MAX {
            return Err(format!(
                "{} properties are too many: at most {PROPERTIES_MAX} of a type are held",
                names.len()
            ));
        }
        Ok(Self(names.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_known_by_its_names_and_a_custom_one_by_its_id() {
        let named = |text: &str| ObjectName::try_from(text.to_owned()).map(|ObjectName(name)| name.to_string());
        for name in ["contacts", "contact", "0-1"] {
            assert_eq!(named(name), Ok("contacts".to_owned()));
        }
        assert_eq!(named("2-77"), Ok("2-77".to_owned()));
        for wrong in ["", "people", "2-", "p48_cars", "2-x"] {
            assert!(named(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn properties_are_internal_names() {
        let named = |names: &[&str]| PropertyNames::try_from(names.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(named(&["city", "city", "hs_x2"]).map(|PropertyNames(names)| names.len()), Ok(2));
        for wrong in [&[][..], &["First Name"], &["E-mail"], &[""]] {
            assert!(named(wrong).is_err(), "{wrong:?}");
        }
    }
}
