//! Recognises records by equal content, for types that cannot have a unique property.
//!
//! Two rows with the same content are interchangeable: each takes one of the records that have it.

use std::collections::{BTreeMap, VecDeque};

use linchpin_hubspot::id::RecordId;

use super::diff::Surroundings;

/// The canonical values of the content properties, in their order; `None` for no value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Content(Vec<Option<String>>);

impl Content {
    /// Reads the content out of properties; a missing one counts as no value.
    pub fn of<'a>(names: &[String], value: impl Fn(&str) -> Option<&'a str>, around: &dyn Surroundings) -> Self {
        let canonical = |name: &String| {
            let text = value(name)?;
            (!text.is_empty()).then(|| around.canonical(name, text))
        };
        Self(names.iter().map(canonical).collect())
    }
}

/// Things (records, operations) by content, first come first served.
#[derive(Debug)]
pub struct ContentIndex<T> {
    by_content: BTreeMap<Content, VecDeque<T>>,
}

impl<T> Default for ContentIndex<T> {
    fn default() -> Self {
        Self { by_content: BTreeMap::new() }
    }
}

impl<T> ContentIndex<T> {
    /// Adds one.
    pub fn add(&mut self, content: Content, thing: T) {
        self.by_content.entry(content).or_default().push_back(thing);
    }

    /// Takes the first one with that content.
    pub fn take(&mut self, content: &Content) -> Option<T> {
        let things = self.by_content.get_mut(content)?;
        let first = things.pop_front();
        if things.is_empty() {
            self.by_content.remove(content);
        }
        first
    }
}

/// Matches wanted contents against records: each record is used once, in ascending order of id.
pub fn match_up(wanted: &[Content], records: impl IntoIterator<Item = (RecordId, Content)>) -> Vec<Option<RecordId>> {
    let mut sorted: Vec<_> = records.into_iter().collect();
    sorted.sort();
    let mut index = ContentIndex::default();
    for (id, content) in sorted {
        index.add(content, id);
    }
    wanted.iter().map(|content| index.take(content)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn content(text: &str) -> Content {
        Content(vec![Some(text.to_owned())])
    }

    proptest! {
        #[test]
        fn no_record_is_used_twice_and_none_that_fits_is_left_while_one_is_wanted(
            wanted in proptest::collection::vec("[ab]", 0..8),
            have in proptest::collection::vec("[abc]", 0..8),
        ) {
            let contents: Vec<_> = wanted.iter().map(|text| content(text)).collect();
            let records = have.iter().zip(1..).map(|(text, id)| (RecordId(id), content(text)));
            let matched = match_up(&contents, records);
            let used: Vec<_> = matched.iter().flatten().collect();
            prop_assert_eq!(used.iter().collect::<BTreeSet<_>>().len(), used.len());
            for letter in ["a", "b"] {
                let count = |texts: &[String]| texts.iter().filter(|text| text.as_str() == letter).count();
                let hits = wanted.iter().zip(&matched).filter(|(text, hit)| text.as_str() == letter && hit.is_some());
                prop_assert_eq!(hits.count(), count(&wanted).min(count(&have)));
            }
        }
    }
}
