//! Sets of slots, one bit each: how search counts and combines what its filters find.
//!
//! A million slots are 125 kB, so a set is filled, cut and counted in well under a millisecond. Invariant: no bit is
//! set beyond the length that the set was made with.

/// Slots of one word.
const WORD_BITS: usize = 64;

/// A set of slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bits {
    words: Vec<u64>,
}

impl Bits {
    /// The empty set below a length.
    pub(super) fn none(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(WORD_BITS)] }
    }

    fn place(slot: u32) -> (usize, u64) {
        let slot = usize::try_from(slot).unwrap_or(usize::MAX);
        (slot / WORD_BITS, 1 << (slot % WORD_BITS))
    }

    /// Adds a slot; one beyond the length is passed over.
    pub(super) fn add(&mut self, slot: u32) {
        let (word, bit) = Self::place(slot);
        if let Some(word) = self.words.get_mut(word) {
            *word |= bit;
        }
    }

    pub(super) fn has(&self, slot: u32) -> bool {
        let (word, bit) = Self::place(slot);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Adds everything of another set.
    pub(super) fn unite(&mut self, other: &Self) {
        self.combine(other, |own, others| own | others);
    }

    /// Keeps what another set has too.
    pub(super) fn keep(&mut self, other: &Self) {
        self.combine(other, |own, others| own & others);
    }

    /// Takes away what another set has.
    pub(super) fn lose(&mut self, other: &Self) {
        self.combine(other, |own, others| own & !others);
    }

    fn combine(&mut self, other: &Self, with: impl Fn(u64, u64) -> u64) {
        for (own, others) in self.words.iter_mut().zip(&other.words) {
            *own = with(*own, *others);
        }
    }

    /// Keeps the slots that pass a test.
    pub(super) fn retain(&mut self, mut passes: impl FnMut(u32) -> bool) {
        let found: Vec<u32> = self.iter().filter(|slot| !passes(*slot)).collect();
        for slot in found {
            let (word, bit) = Self::place(slot);
            if let Some(word) = self.words.get_mut(word) {
                *word &= !bit;
            }
        }
    }

    /// How many slots are in the set.
    pub(super) fn count(&self) -> usize {
        self.words.iter().map(|word| usize::try_from(word.count_ones()).unwrap_or(0)).sum()
    }

    /// The slots, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let bits = |(place, word): (u32, &u64)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros())?;
                rest &= rest - 1;
                Some(place + bit)
            })
        };
        (0_u32..).step_by(WORD_BITS).zip(&self.words).flat_map(bits)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn bits(of: &BTreeSet<u32>) -> Bits {
        let mut bits = Bits::none(300);
        for slot in of {
            bits.add(*slot);
        }
        bits
    }

    proptest! {
        #[test]
        fn bits_are_a_set(
            one in prop::collection::btree_set(0_u32..300, 0..60),
            other in prop::collection::btree_set(0_u32..300, 0..60),
        ) {
            let check = |bits: &Bits, expected: BTreeSet<u32>| {
                assert_eq!(bits.iter().collect::<BTreeSet<_>>(), expected);
                assert_eq!(bits.count(), expected.len());
            };
            check(&bits(&one), one.clone());
            for slot in 0..310 {
                prop_assert_eq!(bits(&one).has(slot), one.contains(&slot));
            }
            let mut both = bits(&one);
            both.unite(&bits(&other));
            check(&both, &one | &other);
            let mut common = bits(&one);
            common.keep(&bits(&other));
            check(&common, &one & &other);
            let mut rest = bits(&one);
            rest.lose(&bits(&other));
            check(&rest, &one - &other);
            let mut even = bits(&one);
            even.retain(|slot| slot % 2 == 0);
            check(&even, one.iter().copied().filter(|slot| slot % 2 == 0).collect());
        }
    }
}
