//! What a search asks of a record: filters that are understood, and the plain answer whether one record passes.
//!
//! How a filter is read from a request is in `search`; how records are found without looking at each is in `seen`.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::property::{CREATED, MODIFIED, OBJECT_ID, PropId, ValueType};
use super::record::Snapshot;
use super::time;

/// A filter that has been understood.
#[derive(Debug)]
pub(super) enum Filter {
    /// On the value of a property.
    Value { property: PropId, value_type: ValueType, test: Test },
    /// On being one of these records: those that are associated with what the filter names.
    Among(BTreeSet<u64>),
}

impl Filter {
    /// Whether a record passes.
    pub(super) fn fits(&self, id: u64, state: &Snapshot) -> bool {
        match self {
            Self::Among(ids) => ids.contains(&id),
            Self::Value { property, value_type, test } => passes(id, state, *property, *value_type, test),
        }
    }
}

/// What a filter compares.
#[derive(Debug)]
pub(super) enum Test {
    Is(Key),
    IsNot(Key),
    Below(Key, bool),
    Above(Key, bool),
    Between(Key, Key),
    In(BTreeSet<String>),
    NotIn(BTreeSet<String>),
    Known,
    Unknown,
    Token(Vec<String>),
    NoToken(Vec<String>),
}

/// A value in the form in which it is compared.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub(super) enum Key {
    Number(f64),
    Moment(i64),
    Word(String),
}

impl Key {
    /// The order of two values of one property.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        self.partial_cmp(other).unwrap_or(Ordering::Equal)
    }

    /// The key of a value that is [`folded`] already.
    pub(super) fn of_folded(value_type: ValueType, text: &str) -> Option<Self> {
        match key_of(value_type, text)? {
            Self::Word(_) => Some(Self::Word(text.to_owned())),
            key @ (Self::Number(_) | Self::Moment(_)) => Some(key),
        }
    }
}

/// The value of a record in comparable form; a cleared property has none.
pub(super) fn key_at(id: u64, state: &Snapshot, place: PropId, value_type: ValueType) -> Option<Key> {
    match place {
        #[expect(clippy::cast_precision_loss, reason = "ids of a simulated portal stay far below 2^53")]
        OBJECT_ID => Some(Key::Number(id as f64)),
        CREATED => Some(Key::Moment(state.created.0)),
        MODIFIED => Some(Key::Moment(state.updated.0)),
        _ => key_of(value_type, state.get(place).filter(|text| !text.is_empty())?),
    }
}

pub(super) fn key_of(value_type: ValueType, text: &str) -> Option<Key> {
    match value_type {
        ValueType::Number => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Key::Number),
        ValueType::Date | ValueType::DateTime => time::parse(text).map(|at| Key::Moment(at.0)),
        ValueType::String | ValueType::Bool | ValueType::Enumeration | ValueType::Phone | ValueType::Json => {
            Some(Key::Word(folded(value_type, text)))
        }
    }
}

/// Text as it is compared: without case, except for enumerations.
pub(super) fn folded(value_type: ValueType, text: &str) -> String {
    match value_type {
        ValueType::Bool | ValueType::Enumeration | ValueType::Number => text.to_owned(),
        ValueType::String | ValueType::Phone | ValueType::Json | ValueType::Date | ValueType::DateTime => {
            text.to_lowercase()
        }
    }
}

/// `NEQ`, `NOT_IN` and `NOT_CONTAINS_TOKEN` do not find records without a value.
pub(super) fn passes(id: u64, state: &Snapshot, place: PropId, value_type: ValueType, test: &Test) -> bool {
    let Some(own) = key_at(id, state, place, value_type) else { return matches!(test, Test::Unknown) };
    let text = || state.shown(id, place).unwrap_or_default().into_owned();
    match test {
        Test::Known => true,
        Test::Unknown => false,
        Test::Is(key) => own == *key,
        Test::IsNot(key) => own != *key,
        Test::Below(key, also) => own < *key || (*also && own == *key),
        Test::Above(key, also) => own > *key || (*also && own == *key),
        Test::Between(low, high) => own >= *low && own <= *high,
        Test::In(values) => values.contains(&folded(value_type, &text())),
        Test::NotIn(values) => !values.contains(&folded(value_type, &text())),
        Test::Token(wanted) => has_tokens(&text(), wanted),
        Test::NoToken(wanted) => !has_tokens(&text(), wanted),
    }
}

pub(super) fn tokens_of(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric() && c != '*').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// Whether every wanted token, with `*` for any characters, is a word of the text.
fn has_tokens(text: &str, wanted: &[String]) -> bool {
    let words = tokens_of(text);
    !wanted.is_empty() && wanted.iter().all(|pattern| words.iter().any(|word| matches_pattern(word, pattern)))
}

fn matches_pattern(word: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| word.strip_prefix(first)) else { return false };
    let Some(last) = pattern.rsplit('*').next().filter(|_| pattern.contains('*')) else { return rest.is_empty() };
    let middle: Vec<&str> = parts.collect();
    for part in middle.iter().take(middle.len().saturating_sub(1)) {
        let Some(found) = rest.split_once(part) else { return false };
        rest = if part.is_empty() { rest } else { found.1 };
    }
    rest.ends_with(last)
}

/// Whether every word of the free text stands in one of the properties that search reads.
pub(super) fn holds_words(state: &Snapshot, read: &[PropId], words: &[String]) -> bool {
    words.iter().all(|word| {
        read.iter().any(|property| state.get(*property).is_some_and(|text| text.to_lowercase().contains(word)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_characters() {
        for (word, pattern, fits) in [
            ("example", "example", true),
            ("example", "exam*", true),
            ("example", "*ple", true),
            ("example", "e*a*e", true),
            ("example", "exam", false),
            ("example", "*x", false),
            ("example", "*", true),
        ] {
            assert_eq!(matches_pattern(word, pattern), fits, "{word} {pattern}");
        }
    }
}
