//! Bodies, read so that HubSpot cannot read them otherwise: text in UTF-8, no name twice in one object.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::{Denied, shown};

/// Reads a body.
pub(super) fn parse(body: &[u8]) -> Result<Value, Denied> {
    let Tree(value) =
        serde_json::from_slice(body).map_err(|_| Denied::Body("it is no JSON, or names something twice"))?;
    Ok(value)
}

/// An object that holds nothing but members of these names.
pub(super) fn object<'a>(value: &'a Value, known: &[&str]) -> Result<&'a Map<String, Value>, Denied> {
    let map = value.as_object().ok_or(Denied::Body("an object is expected"))?;
    match map.keys().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => Err(Denied::Member(shown(unknown))),
        None => Ok(map),
    }
}

/// The items of a list; none where it is left out or null.
pub(super) fn list<'a>(map: &'a Map<String, Value>, name: &str) -> Result<&'a [Value], Denied> {
    match map.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(Denied::Body("a list is expected")),
    }
}

/// A text; none where it is left out or null.
pub(super) fn text<'a>(map: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Denied> {
    match map.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Denied::Body("a text is expected")),
    }
}

/// The texts of a list.
pub(super) fn texts<'a>(map: &'a Map<String, Value>, name: &str) -> Result<Vec<&'a str>, Denied> {
    let text = |item: &'a Value| item.as_str().ok_or(Denied::Body("a list of texts is expected"));
    list(map, name)?.iter().map(text).collect()
}

struct Tree(Value);

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor).map(Self)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON in which no object has a name twice")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Number::from_f64(number).map(Value::Number).ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Tree(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((name, Tree(value))) = members.next_entry::<String, Tree>()? {
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom("a name that stands there twice"));
            }
        }
        Ok(Value::Object(map))
    }
}
