//! One of each: lists that callers write, freed of repetitions without comparing all with all.
//!
//! A body of some megabytes holds hundreds of thousands of names, so every list of names goes through here or through
//! a set. Invariant: the number of comparisons grows with the length of a list, not with its square.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// One pair of each key: at the place of its first, with the value of its last.
pub(super) fn last_of_each<K: Ord, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Vec<(K, V)> {
    let mut known: BTreeMap<K, (usize, V)> = BTreeMap::new();
    for (place, (key, value)) in pairs.into_iter().enumerate() {
        match known.entry(key) {
            Entry::Occupied(mut entry) => entry.get_mut().1 = value,
            Entry::Vacant(entry) => drop(entry.insert((place, value))),
        }
    }
    let mut placed: Vec<(usize, (K, V))> =
        known.into_iter().map(|(key, (place, value))| (place, (key, value))).collect();
    placed.sort_unstable_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, pair)| pair).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::cmp::Ordering;

    use proptest::prelude::*;

    use super::*;

    /// A key that counts how often it is compared.
    struct Counted<'a>(usize, &'a Cell<usize>);

    impl Ord for Counted<'_> {
        fn cmp(&self, other: &Self) -> Ordering {
            self.1.set(self.1.get() + 1);
            self.0.cmp(&other.0)
        }
    }

    impl PartialOrd for Counted<'_> {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }

    impl PartialEq for Counted<'_> {
        fn eq(&self, other: &Self) -> bool {
            self.cmp(other) == Ordering::Equal
        }
    }

    impl Eq for Counted<'_> {}

    #[test]
    fn ten_thousand_names_are_not_compared_with_each_other() {
        let comparisons = Cell::new(0);
        let names = 10_000;
        let pairs = (0..names).map(|number| (Counted(number * 7_919 % names, &comparisons), ()));
        assert_eq!(last_of_each(pairs).len(), names);
        assert!(comparisons.get() < names * 100, "{} comparisons of {names} names", comparisons.get());
    }

    proptest! {
        #[test]
        fn the_first_place_and_the_last_value_stay(pairs in proptest::collection::vec((0_u8..6, any::<u8>()), 0..30)) {
            let mut expected: Vec<(u8, u8)> = Vec::new();
            for (key, value) in &pairs {
                match expected.iter_mut().find(|(known, _)| known == key) {
                    Some(entry) => entry.1 = *value,
                    None => expected.push((*key, *value)),
                }
            }
            prop_assert_eq!(last_of_each(pairs), expected);
        }
    }
}
