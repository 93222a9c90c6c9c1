//! Lenient pieces of JSON: what HubSpot writes as text in one answer and as a number in the next.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::RecordId;

/// Text, number or boolean of the wire, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Text(pub(crate) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar;
        impl Visitor<'_> for Scalar {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text, a number or a boolean")
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<Text, E> {
                Ok(Text(value.to_owned()))
            }
            fn visit_string<E: Error>(self, value: String) -> Result<Text, E> {
                Ok(Text(value))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
        }
        deserializer.deserialize_any(Scalar)
    }
}

/// A record id, text or number.
pub(crate) fn record_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RecordId, D::Error> {
    let Text(text) = Text::deserialize(deserializer)?;
    text.parse().map_err(|_| D::Error::invalid_value(Unexpected::Other("other text"), &"a positive decimal record id"))
}

/// Text, number or boolean, as text; null as none.
pub(crate) fn text_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<Text>::deserialize(deserializer)?.map(|Text(text)| text))
}

/// Text, number or boolean, as text.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Text::deserialize(deserializer).map(|Text(text)| text)
}

/// A list of texts, numbers or booleans, as text; null as an empty one.
pub(crate) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let list = Option::<Vec<Text>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(list.into_iter().map(|Text(text)| text).collect())
}

/// Whole number, as a number or as text; anything else as none.
pub(crate) fn number_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(text_or_none(deserializer)?.and_then(|text| text.parse().ok()))
}

/// Whole number, as a number or as text.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let Text(text) = Text::deserialize(deserializer)?;
    text.parse().map_err(|_| D::Error::invalid_value(Unexpected::Other("other text"), &"a whole number"))
}

/// Null as the default.
pub(crate) fn null_as_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Property values: text as it stands, null as none, numbers and booleans as text, anything deeper as its JSON.
pub(crate) fn properties<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Option<String>>, D::Error> {
    let given = Option::<BTreeMap<String, PropertyValue>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(given.into_iter().map(|(name, PropertyValue(value))| (name, value)).collect())
}

/// One property value; read without a detour through [`Value`], because answers hold thousands of them.
struct PropertyValue(Option<String>);

impl<'de> Deserialize<'de> for PropertyValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = PropertyValue;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a property value")
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<PropertyValue, E> {
                Ok(PropertyValue(Some(value.to_owned())))
            }
            fn visit_string<E: Error>(self, value: String) -> Result<PropertyValue, E> {
                Ok(PropertyValue(Some(value)))
            }
            fn visit_unit<E: Error>(self) -> Result<PropertyValue, E> {
                Ok(PropertyValue(None))
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<PropertyValue, E> {
                Ok(PropertyValue(Some(value.to_string())))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<PropertyValue, E> {
                Ok(PropertyValue(Some(value.to_string())))
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<PropertyValue, E> {
                Ok(PropertyValue(Some(value.to_string())))
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<PropertyValue, E> {
                Ok(PropertyValue(Some(value.to_string())))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<PropertyValue, A::Error> {
                Value::deserialize(SeqAccessDeserializer::new(list)).map(|value| PropertyValue(scalar(value)))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PropertyValue, A::Error> {
                Value::deserialize(MapAccessDeserializer::new(map)).map(|value| PropertyValue(scalar(value)))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// One JSON value as the text of a property.
pub(crate) fn scalar(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => Some(other.to_string()),
    }
}

/// `{"next": {"after": "…"}}`; absent on the last page.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Paging {
    #[serde(default)]
    next: Option<Next>,
}

#[derive(Debug, Deserialize)]
struct Next {
    #[serde(default, deserialize_with = "text_or_none")]
    after: Option<String>,
}

/// One page of anything.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub(crate) struct PageBody<T> {
    #[serde(default = "Vec::new", deserialize_with = "null_as_default")]
    pub(crate) results: Vec<T>,
    #[serde(default)]
    pub(crate) paging: Option<Paging>,
}

impl<T> PageBody<T> {
    /// The items and where the next page begins.
    pub(crate) fn into_page(self) -> Page<T> {
        Page { after: after(self.paging), items: self.results }
    }
}

/// Where the next page begins.
pub(crate) fn after(paging: Option<Paging>) -> Option<String> {
    paging.and_then(|paging| paging.next).and_then(|next| next.after).filter(|after| !after.is_empty())
}

/// One page of a paged answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items; may be few or none although more follow.
    pub items: Vec<T>,
    /// What to pass as `after` for the next page; none on the last.
    pub after: Option<String>,
}

/// `{"inputs": […]}`, the body of most batches.
#[derive(Debug, Serialize)]
pub(crate) struct Inputs<'a, T> {
    pub(crate) inputs: &'a [T],
}
