//! A long list of slots in an order that the caller knows, in blocks, so that one more or one less moves little.
//!
//! It holds four bytes a slot and no keys: whoever asks compares through the records themselves. Invariants: no block
//! is empty, none is longer than [`BLOCK_MAX`].

/// Slots of one block.
const BLOCK_MAX: usize = if cfg!(test) { 16 } else { 2_048 };
/// Slots that a block has after building; the rest is room for more.
const BLOCK_BUILT: usize = BLOCK_MAX / 4 * 3;

/// A place in the list; the derived order is the order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    block: usize,
    within: usize,
}

/// The list.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    blocks: Vec<Vec<u32>>,
}

impl Sorted {
    /// A list of slots that stand in their order.
    pub(super) fn of(slots: &[u32]) -> Self {
        let block = |part: &[u32]| {
            let mut block = Vec::with_capacity(BLOCK_MAX);
            block.extend_from_slice(part);
            block
        };
        Self { blocks: slots.chunks(BLOCK_BUILT).map(block).collect() }
    }

    /// The start of the list.
    pub(super) fn start() -> Place {
        Place { block: 0, within: 0 }
    }

    /// The end of the list.
    pub(super) fn end(&self) -> Place {
        Place { block: self.blocks.len(), within: 0 }
    }

    /// The first place whose slot is not `before`; true ones must stand before false ones.
    pub(super) fn first_not(&self, before: impl Fn(u32) -> bool) -> Place {
        let after = self.blocks.partition_point(|block| block.first().is_some_and(|slot| before(*slot)));
        let Some(block) = after.checked_sub(1) else { return Self::start() };
        let slots = self.blocks.get(block).map_or(&[][..], Vec::as_slice);
        let within = slots.partition_point(|slot| before(*slot));
        if within == slots.len() { Place { block: after, within: 0 } } else { Place { block, within } }
    }

    /// The slot at a place.
    pub(super) fn at(&self, place: Place) -> Option<u32> {
        self.blocks.get(place.block)?.get(place.within).copied()
    }

    /// Puts a slot in at a place.
    pub(super) fn insert(&mut self, place: Place, slot: u32) {
        // Before the start of a block is behind the end of the one before, which saves making a block at the end.
        let at_start = place.within == 0 && place.block > 0;
        let (number, within) = if at_start { (place.block - 1, usize::MAX) } else { (place.block, place.within) };
        let Some(block) = self.blocks.get_mut(number) else {
            self.blocks.push(vec![slot]);
            return;
        };
        block.insert(within.min(block.len()), slot);
        if block.len() > BLOCK_MAX {
            let mut tail = Vec::with_capacity(BLOCK_MAX);
            tail.extend(block.drain(BLOCK_MAX / 2..));
            self.blocks.insert(number + 1, tail);
        }
    }

    /// Takes the slot at a place out.
    pub(super) fn remove(&mut self, place: Place) {
        let Some(block) = self.blocks.get_mut(place.block).filter(|block| place.within < block.len()) else { return };
        block.remove(place.within);
        if block.is_empty() {
            self.blocks.remove(place.block);
        }
    }

    /// The slots from one place up to another, in runs.
    pub(super) fn runs(&self, from: Place, to: Place) -> impl Iterator<Item = &[u32]> {
        let run = move |number: usize| {
            let block = self.blocks.get(number)?;
            let start = if number == from.block { from.within } else { 0 };
            let end = if number == to.block { to.within } else { block.len() };
            block.get(start..end)
        };
        (from.block..=to.block).filter_map(run)
    }

    /// The place before another.
    pub(super) fn before(&self, place: Place) -> Option<Place> {
        if let Some(within) = place.within.checked_sub(1) {
            return Some(Place { within, ..place });
        }
        let block = place.block.checked_sub(1)?;
        Some(Place { block, within: self.blocks.get(block)?.len().checked_sub(1)? })
    }

    /// The place after another.
    pub(super) fn after(&self, place: Place) -> Place {
        let len = self.blocks.get(place.block).map_or(0, Vec::len);
        if place.within + 1 < len {
            Place { within: place.within + 1, ..place }
        } else {
            Place { block: place.block + 1, within: 0 }
        }
    }

    /// Gives every slot another number; the order stays.
    pub(super) fn renumber(&mut self, number: impl Fn(u32) -> u32) {
        for slot in self.blocks.iter_mut().flatten() {
            *slot = number(*slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;
    use rand_core::Rng;

    use super::*;

    fn all(list: &Sorted) -> Vec<u32> {
        list.runs(Sorted::start(), list.end()).flatten().copied().collect()
    }

    #[test]
    fn blocks_split_and_vanish_and_the_order_stays() {
        let mut dice = ChaCha8Rng::seed_from_u64(5);
        let mut list = Sorted::of(&(0..5_000).map(|slot| slot * 4).collect::<Vec<u32>>());
        let mut expected: Vec<u32> = all(&list);
        for round in 0..30_000 {
            let slot = dice.next_u32() % 40_000;
            let place = list.first_not(|other| other < slot);
            match expected.binary_search(&slot) {
                Ok(at) if round % 3 > 0 || round > 20_000 => {
                    assert_eq!(list.at(place), Some(slot));
                    list.remove(place);
                    expected.remove(at);
                }
                Err(at) if round <= 20_000 => {
                    list.insert(place, slot);
                    expected.insert(at, slot);
                }
                Ok(_) | Err(_) => {}
            }
        }
        assert_eq!(all(&list), expected);
        assert!(list.blocks.iter().all(|block| !block.is_empty() && block.len() <= BLOCK_MAX));
        let (low, high) = (list.first_not(|slot| slot < 9_000), list.first_not(|slot| slot <= 21_000));
        let within: Vec<u32> = list.runs(low, high).flatten().copied().collect();
        assert_eq!(within, expected.iter().copied().filter(|slot| (9_000..=21_000).contains(slot)).collect::<Vec<_>>());
        let mut backwards = Vec::new();
        let mut place = list.end();
        while let Some(before) = list.before(place) {
            backwards.extend(list.at(before));
            assert_eq!(list.at(list.after(before)), list.at(place));
            place = before;
        }
        backwards.reverse();
        assert_eq!(backwards, expected);
    }

    #[test]
    fn an_empty_list_takes_its_first_slot() {
        let mut list = Sorted::default();
        assert_eq!(list.first_not(|_| true), list.end());
        list.insert(list.end(), 7);
        assert_eq!(all(&list), [7]);
        list.remove(Sorted::start());
        assert_eq!(list.at(Sorted::start()), None);
        assert!(list.blocks.is_empty());
    }
}
