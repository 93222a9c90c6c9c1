//! Steps over text and lists of texts.

use std::collections::{BTreeMap, BTreeSet};

use crate::value::{Invalid, Value};

/// The values of a list as one text, empty ones left out; a single value stays as it is.
pub(crate) fn concat(value: Value, separator: &str) -> Value {
    let Value::List(parts) = value else { return value };
    let texts: Vec<String> =
        parts.into_iter().filter_map(Value::into_text).filter(|text| !text.trim().is_empty()).collect();
    if texts.is_empty() { Value::Null } else { Value::Text(texts.join(separator)) }
}

/// A text cut at each separator, or one part of it: 1 is the first, -1 the last.
pub(crate) fn split(text: &str, separator: &str, take: Option<i32>) -> Value {
    let parts: Vec<&str> = text.split(separator).map(str::trim).collect();
    let Some(take) = take else {
        return Value::List(parts.into_iter().map(|part| Value::Text(part.to_owned())).collect());
    };
    let distance = usize::try_from(take.unsigned_abs()).unwrap_or(usize::MAX);
    let index = if take > 0 { Some(distance - 1) } else { parts.len().checked_sub(distance) };
    index.and_then(|at| parts.get(at)).map_or(Value::Null, |part| Value::Text((*part).to_owned()))
}

/// Several values as HubSpot's checkbox properties hold them: joined by semicolons, each once. They are a set; sorting
/// makes equal sets equal texts.
pub fn multi_value<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    let set: BTreeSet<&str> = values.into_iter().map(str::trim).filter(|value| !value.is_empty()).collect();
    set.into_iter().collect::<Vec<_>>().join(";")
}

pub(crate) fn multi_value_of(value: Value, separator: &str) -> Value {
    let texts: Vec<String> = match value {
        Value::List(parts) => parts.into_iter().filter_map(Value::into_text).collect(),
        single => single.into_text().into_iter().collect(),
    };
    let joined = multi_value(texts.iter().flat_map(|text| text.split(separator)));
    if joined.is_empty() { Value::Null } else { Value::Text(joined) }
}

/// One value for another. A null, and an empty text, stand for the key `""`.
pub(crate) fn map(value: &Value, values: &BTreeMap<String, String>, otherwise: Option<&str>) -> Result<Value, Invalid> {
    if let Value::List(parts) = value {
        return parts.iter().map(|part| map(part, values, otherwise)).collect::<Result<_, _>>().map(Value::List);
    }
    let text = value.clone().into_text().unwrap_or_default();
    if let Some(found) = values.get(text.trim()) {
        return Ok(Value::Text(found.clone()));
    }
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    otherwise.map(|other| Value::Text(other.to_owned())).ok_or_else(|| {
        let known: Vec<&str> = values.keys().map(String::as_str).collect();
        let reason = format!(
            "{} is not among the mapped values ({}): add it, or give `otherwise`",
            value.quoted(),
            crate::problem::first_few(&known)
        );
        Invalid::new("LP1110", reason)
    })
}

/// The first characters of a text, and how many were cut off.
pub fn truncate(text: &str, max_characters: usize) -> (&str, usize) {
    match text.char_indices().nth(max_characters) {
        None => (text, 0),
        Some((end, _)) => {
            let (kept, cut) = text.split_at(end);
            (kept, cut.chars().count())
        }
    }
}

/// A truth value in one of the usual spellings.
///
/// # Errors
/// `LP1109` for anything else: no guess is made.
pub fn boolean(value: &Value) -> Result<bool, Invalid> {
    let invalid = || {
        let reason =
            format!("{} is no truth value: expected true/false, yes/no, y/n, t/f, on/off or 1/0", value.quoted());
        Invalid::new("LP1109", reason)
    };
    match value {
        Value::Bool(known) => Ok(*known),
        Value::Int(1) => Ok(true),
        Value::Int(0) => Ok(false),
        Value::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "y" | "t" | "on" | "1" => Ok(true),
            "false" | "no" | "n" | "f" | "off" | "0" => Ok(false),
            _ => Err(invalid()),
        },
        Value::Null | Value::Int(_) | Value::Real(_) | Value::List(_) => Err(invalid()),
    }
}
