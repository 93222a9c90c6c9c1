//! Search's own copy of the records, and the orders by which it finds them without looking at each.
//!
//! Every record has a slot; slots ascend by id, and a record that is gone leaves its slot empty. An order holds the
//! slots of all records that have a value of one property, sorted by that value. It is made when a property is first
//! searched and kept up to date from then on. Invariants: an order holds exactly the filled slots whose record has a
//! value of its property, by value and then by id; what a search finds is what looking at every record would find,
//! which a test compares, with bounds so small that it walks every path.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::bits::Bits;
use super::filter::{Filter, Key, Test, holds_words, key_at, passes};
use super::property::{PropId, ValueType};
use super::record::Snapshot;
use super::sorted::{Place, Sorted};
use crate::wire::Millis;

/// Orders that one object type keeps; the one that was not used for longest goes first.
///
/// An order costs four bytes a record, and each change of its property about ten microseconds.
const ORDERS_MAX: usize = if cfg!(test) { 3 } else { 16 };
/// Candidates that are looked at one by one before an order is made for a further filter.
const LOOKED_AT_MAX: usize = if cfg!(test) { 3 } else { 4_096 };
/// Results that are sorted on their own rather than read off an order.
const SORTED_ALONE_MAX: usize = if cfg!(test) { 3 } else { 4_096 };
/// Empty slots that are kept, beside one for each record, before all are numbered anew.
const EMPTY_SLOTS_MAX: usize = if cfg!(test) { 2 } else { 4_096 };

/// What search sees of the records of one object type.
#[derive(Debug, Default)]
pub(super) struct SearchCopy {
    slots: Vec<Slot>,
    filled: usize,
    /// The slots whose record is older than one before it: survivors of merges.
    strays: BTreeSet<u32>,
    /// The creation of the youngest record.
    youngest: Option<Millis>,
    orders: Vec<Order>,
}

#[derive(Debug)]
struct Slot {
    id: u64,
    state: Option<Arc<Snapshot>>,
}

#[derive(Debug)]
struct Order {
    property: PropId,
    value_type: ValueType,
    slots: Sorted,
}

/// By what a page is sorted.
#[derive(Clone, Copy, Debug)]
pub(super) enum SortBy {
    /// By creation, then by id.
    Creation,
    /// By the value of a property; records without one come last in both directions.
    Property { property: PropId, value_type: ValueType, descending: bool },
}

impl SearchCopy {
    /// Keeps a place for a record that search will see later, so that it is found among its neighbours.
    pub(super) fn reserve(&mut self, id: u64, created: Millis) {
        if let Err(place) = self.find(id) {
            self.make_room(place, id, created);
        }
    }

    /// Lets search see a state of a record.
    pub(super) fn insert(&mut self, id: u64, state: Arc<Snapshot>) {
        let place = match self.find(id) {
            Ok(place) => place,
            Err(place) => {
                self.make_room(place, id, state.created);
                place
            }
        };
        // A simulator that could hold more than four billion records of a type would need terabytes.
        let Ok(slot) = u32::try_from(place) else { return };
        let old = self.state(slot).map(Arc::clone);
        let moved: Vec<bool> = self.orders.iter().map(|order| order.is_moved(id, old.as_ref(), &state)).collect();
        for (order, _) in self.orders.iter_mut().zip(&moved).filter(|(_, moved)| **moved) {
            order.remove(&self.slots, slot);
        }
        if let Some(kept) = self.slots.get_mut(place) {
            kept.state = Some(state);
        }
        for (order, _) in self.orders.iter_mut().zip(&moved).filter(|(_, moved)| **moved) {
            order.insert(&self.slots, slot);
        }
        self.filled += usize::from(old.is_none());
    }

    /// Lets search forget a record.
    pub(super) fn remove(&mut self, id: u64) {
        let Ok(place) = self.find(id) else { return };
        let Ok(slot) = u32::try_from(place) else { return };
        if self.state(slot).is_none() {
            return;
        }
        for order in &mut self.orders {
            order.remove(&self.slots, slot);
        }
        if let Some(kept) = self.slots.get_mut(place) {
            kept.state = None;
        }
        self.filled -= 1;
        if self.slots.len() - self.filled > self.filled + EMPTY_SLOTS_MAX {
            self.close_ranks();
        }
    }

    /// What search sees of a record.
    pub(super) fn get(&self, id: u64) -> Option<&Arc<Snapshot>> {
        self.slots.get(self.find(id).ok()?)?.state.as_ref()
    }

    /// What search sees, by ascending id.
    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Arc<Snapshot>)> {
        self.slots.iter().filter_map(|slot| Some((slot.id, slot.state.as_ref()?)))
    }

    /// Drops every order, before many records are put in: making an order again is cheaper than a million additions.
    pub(super) fn forget_orders(&mut self) {
        self.orders.clear();
    }

    /// The records that pass all filters of one group and hold every word in one of the properties.
    pub(super) fn hits(&mut self, groups: &[Vec<Filter>], words: &[String], read: &[PropId]) -> Bits {
        let mut hits = match groups {
            [] => self.everything(),
            [group] => self.hits_of_group(group),
            several => {
                let mut all = Bits::none(self.slots.len());
                for group in several {
                    all.unite(&self.hits_of_group(group));
                }
                all
            }
        };
        if !words.is_empty() {
            let slots = &self.slots;
            hits.retain(|slot| state_of(slots, slot).is_some_and(|(_, state)| holds_words(state, read, words)));
        }
        hits
    }

    /// The ids of one page of hits, with what search sees of them.
    pub(super) fn page(&mut self, hits: &Bits, by: SortBy, offset: usize, limit: usize) -> Vec<(u64, Arc<Snapshot>)> {
        let reach = offset + limit;
        let slots: Vec<u32> = match by {
            SortBy::Creation => self.by_creation(hits, reach),
            SortBy::Property { property, value_type, descending } => {
                self.by_property(hits, (property, value_type), descending, reach)
            }
        };
        let page = slots.into_iter().skip(offset).take(limit);
        page.filter_map(|slot| state_of(&self.slots, slot).map(|(id, state)| (id, Arc::clone(state)))).collect()
    }

    fn find(&self, id: u64) -> Result<usize, usize> {
        match self.slots.last() {
            Some(last) if last.id < id => Err(self.slots.len()),
            _ => self.slots.binary_search_by_key(&id, |slot| slot.id),
        }
    }

    fn state(&self, slot: u32) -> Option<&Arc<Snapshot>> {
        state_of(&self.slots, slot).map(|(_, state)| state)
    }

    /// Puts an empty slot in; ids are given upwards, so that it is nearly always the last one.
    fn make_room(&mut self, place: usize, id: u64, created: Millis) {
        let is_last = place == self.slots.len();
        self.slots.insert(place, Slot { id, state: None });
        let Ok(slot) = u32::try_from(place) else { return };
        if !is_last {
            let after = |other: u32| if other >= slot { other.saturating_add(1) } else { other };
            self.strays = self.strays.iter().map(|stray| after(*stray)).collect();
            self.orders.iter_mut().for_each(|order| order.slots.renumber(after));
        }
        let in_time = is_last && self.youngest.is_none_or(|youngest| youngest <= created);
        if in_time {
            self.youngest = Some(created);
        } else {
            self.strays.insert(slot);
        }
    }

    /// Numbers the slots anew without the empty ones.
    fn close_ranks(&mut self) {
        let mut numbers = Vec::with_capacity(self.slots.len());
        let mut next = 0_u32;
        for slot in &self.slots {
            numbers.push(next);
            next += u32::from(slot.state.is_some());
        }
        let number = |slot: u32| usize::try_from(slot).ok().and_then(|place| numbers.get(place)).copied().unwrap_or(0);
        self.strays =
            self.strays.iter().filter(|stray| self.state(**stray).is_some()).map(|stray| number(*stray)).collect();
        self.orders.iter_mut().for_each(|order| order.slots.renumber(number));
        self.slots.retain(|slot| slot.state.is_some());
    }

    fn everything(&self) -> Bits {
        let mut all = Bits::none(self.slots.len());
        let filled = (0_u32..).zip(&self.slots).filter(|(_, slot)| slot.state.is_some());
        filled.for_each(|(slot, _)| all.add(slot));
        all
    }

    /// Filters that an order answers come first; the others look at what is left, or get an order if that is much.
    fn hits_of_group(&mut self, group: &[Filter]) -> Bits {
        let (now, later): (Vec<&Filter>, Vec<&Filter>) = group.iter().partition(|filter| match filter {
            Filter::Among(_) => true,
            Filter::Value { property, .. } => self.orders.iter().any(|order| order.property == *property),
        });
        let mut hits: Option<Bits> = None;
        for (filter, is_first) in
            now.into_iter().map(|one| (one, true)).chain(later.into_iter().map(|one| (one, false)))
        {
            let few = hits.as_ref().is_some_and(|hits| hits.count() <= LOOKED_AT_MAX);
            let found = match filter {
                Filter::Among(ids) => Some(self.among(ids)),
                Filter::Value { property, value_type, test } if is_first || !few => {
                    self.found_by_order(*property, *value_type, test)
                }
                Filter::Value { .. } => None,
            };
            let left = match (hits.take(), found) {
                (Some(mut hits), Some(found)) => {
                    hits.keep(&found);
                    hits
                }
                (None, Some(found)) => found,
                (hits, None) => self.looked_at(hits, filter),
            };
            hits = Some(left);
        }
        hits.unwrap_or_else(|| self.everything())
    }

    /// Those of the hits so far that pass a filter, each looked at.
    fn looked_at(&self, hits: Option<Bits>, filter: &Filter) -> Bits {
        let mut left = hits.unwrap_or_else(|| self.everything());
        left.retain(|slot| state_of(&self.slots, slot).is_some_and(|(id, state)| filter.fits(id, state)));
        left
    }

    fn among(&self, ids: &BTreeSet<u64>) -> Bits {
        let mut found = Bits::none(self.slots.len());
        let places = ids.iter().filter_map(|id| self.find(*id).ok());
        for slot in places.filter_map(|place| u32::try_from(place).ok()) {
            if self.state(slot).is_some() {
                found.add(slot);
            }
        }
        found
    }

    /// Sees to it that the last order is that of a property.
    fn use_order(&mut self, property: PropId, value_type: ValueType) {
        let known = self.orders.iter().position(|order| order.property == property);
        let order = known.map(|place| self.orders.remove(place)).filter(|order| order.value_type == value_type);
        let order = order.unwrap_or_else(|| Order::make(property, value_type, &self.slots));
        if self.orders.len() >= ORDERS_MAX {
            self.orders.remove(0);
        }
        self.orders.push(order);
    }

    /// What a test of a value finds by the order of its property; nothing if no order can tell.
    fn found_by_order(&mut self, property: PropId, value_type: ValueType, test: &Test) -> Option<Bits> {
        if matches!(test, Test::Token(_) | Test::NoToken(_)) {
            return None;
        }
        self.use_order(property, value_type);
        let (order, slots) = (self.orders.last()?, self.slots.as_slice());
        let (start, end) = (Sorted::start(), order.slots.end());
        let mut found = Bits::none(slots.len());
        let mut take = |from: Place, to: Place| order.slots.runs(from, to).flatten().for_each(|slot| found.add(*slot));
        match test {
            Test::Is(key) | Test::IsNot(key) => take(order.first(slots, key), order.behind(slots, key)),
            Test::Below(key, false) => take(start, order.first(slots, key)),
            Test::Below(key, true) => take(start, order.behind(slots, key)),
            Test::Above(key, false) => take(order.behind(slots, key), end),
            Test::Above(key, true) => take(order.first(slots, key), end),
            Test::Between(low, high) => take(order.first(slots, low), order.behind(slots, high)),
            Test::Known | Test::Unknown => take(start, end),
            Test::In(values) | Test::NotIn(values) => {
                let keys: Option<Vec<Key>> = values.iter().map(|text| Key::of_folded(value_type, text)).collect();
                match &keys {
                    Some(keys) => keys.iter().for_each(|key| take(order.first(slots, key), order.behind(slots, key))),
                    // A text that is no value may still be how one is written.
                    None => take(start, end),
                }
                let are_words = keys.is_some_and(|keys| keys.iter().all(|key| matches!(key, Key::Word(_))));
                if !are_words {
                    // Values that are equal can be written in several ways, and these two tests compare what is written.
                    let fits = |id, state: &Snapshot| passes(id, state, property, value_type, test);
                    let is_in = |id, state: &Snapshot| fits(id, state) == matches!(test, Test::In(_));
                    found.retain(|slot| state_of(slots, slot).is_some_and(|(id, state)| is_in(id, state)));
                }
            }
            Test::Token(_) | Test::NoToken(_) => return None,
        }
        let without = |mut all: Bits| {
            all.lose(&found);
            all
        };
        Some(match test {
            Test::IsNot(_) | Test::NotIn(_) => without(order.everything(slots.len())),
            Test::Unknown => without(self.everything()),
            _ => found,
        })
    }

    /// The first hits by creation. Slots ascend by creation but for the strays, which are put between them.
    fn by_creation(&self, hits: &Bits, reach: usize) -> Vec<u32> {
        if self.strays.is_empty() {
            return hits.iter().take(reach).collect();
        }
        let age = |slot: u32| state_of(&self.slots, slot).map(|(id, state)| (state.created, id));
        let mut strays: Vec<u32> = self.strays.iter().copied().filter(|slot| hits.has(*slot)).collect();
        strays.sort_by_key(|slot| age(*slot));
        let mut strays = strays.into_iter().peekable();
        let mut regular = hits.iter().filter(|slot| !self.strays.contains(slot)).peekable();
        let next = || match (regular.peek(), strays.peek()) {
            (Some(one), Some(stray)) if age(*stray) < age(*one) => strays.next(),
            (Some(_), _) => regular.next(),
            (None, _) => strays.next(),
        };
        std::iter::from_fn(next).take(reach).collect()
    }

    fn by_property(
        &mut self,
        hits: &Bits,
        (property, value_type): (PropId, ValueType),
        descending: bool,
        reach: usize,
    ) -> Vec<u32> {
        if hits.count() <= SORTED_ALONE_MAX {
            let mut found: Vec<u32> = hits.iter().collect();
            let key = |slot| {
                let key = state_of(&self.slots, slot).and_then(|(id, state)| key_at(id, state, property, value_type));
                SortKey(key, slot, descending)
            };
            found.sort_by_cached_key(|slot| key(*slot));
            return found;
        }
        self.use_order(property, value_type);
        let Some(order) = self.orders.last() else { return Vec::new() };
        let mut found = if descending {
            order.backwards(&self.slots, hits, reach)
        } else {
            let all = order.slots.runs(Sorted::start(), order.slots.end()).flatten().copied();
            all.filter(|slot| hits.has(*slot)).take(reach).collect()
        };
        if found.len() < reach {
            let mut rest = hits.clone();
            rest.lose(&order.everything(self.slots.len()));
            found.extend(rest.iter().take(reach - found.len()));
        }
        found
    }
}

fn state_of(slots: &[Slot], slot: u32) -> Option<(u64, &Arc<Snapshot>)> {
    let slot = slots.get(usize::try_from(slot).ok()?)?;
    Some((slot.id, slot.state.as_ref()?))
}

impl Order {
    fn make(property: PropId, value_type: ValueType, slots: &[Slot]) -> Self {
        let key =
            |(slot, kept): (u32, &Slot)| Some((key_at(kept.id, kept.state.as_ref()?, property, value_type)?, slot));
        let mut keys: Vec<(Key, u32)> = (0_u32..).zip(slots).filter_map(key).collect();
        keys.sort_unstable_by(|(one, slot), (other, other_slot)| one.order(other).then(slot.cmp(other_slot)));
        let sorted: Vec<u32> = keys.into_iter().map(|(_, slot)| slot).collect();
        Self { property, value_type, slots: Sorted::of(&sorted) }
    }

    /// Every record that has a value of the property.
    fn everything(&self, len: usize) -> Bits {
        let mut all = Bits::none(len);
        self.slots.runs(Sorted::start(), self.slots.end()).flatten().for_each(|slot| all.add(*slot));
        all
    }

    fn key(&self, slots: &[Slot], slot: u32) -> Option<Key> {
        let (id, state) = state_of(slots, slot)?;
        key_at(id, state, self.property, self.value_type)
    }

    fn compare(&self, slots: &[Slot], slot: u32, key: &Key) -> Ordering {
        self.key(slots, slot).map_or(Ordering::Less, |own| own.order(key))
    }

    /// The first place with this key or a higher one.
    fn first(&self, slots: &[Slot], key: &Key) -> Place {
        self.slots.first_not(|slot| self.compare(slots, slot, key).is_lt())
    }

    /// The first place with a higher key.
    fn behind(&self, slots: &[Slot], key: &Key) -> Place {
        self.slots.first_not(|slot| self.compare(slots, slot, key).is_le())
    }

    /// The place where a filled slot stands or should stand.
    fn place(&self, slots: &[Slot], slot: u32) -> Option<Place> {
        let key = self.key(slots, slot)?;
        Some(self.slots.first_not(|other| self.compare(slots, other, &key).then(other.cmp(&slot)).is_lt()))
    }

    fn insert(&mut self, slots: &[Slot], slot: u32) {
        if let Some(place) = self.place(slots, slot) {
            self.slots.insert(place, slot);
        }
    }

    /// Takes a slot out, whose state must still be the one under which it was put in.
    fn remove(&mut self, slots: &[Slot], slot: u32) {
        if let Some(place) = self.place(slots, slot).filter(|place| self.slots.at(*place) == Some(slot)) {
            self.slots.remove(place);
        }
    }

    fn is_moved(&self, id: u64, old: Option<&Arc<Snapshot>>, new: &Snapshot) -> bool {
        old.is_none_or(|old| old.shown(id, self.property) != new.shown(id, self.property))
    }

    /// The first hits from the highest value down; equal values keep the order of their ids.
    fn backwards(&self, slots: &[Slot], hits: &Bits, reach: usize) -> Vec<u32> {
        let mut found: Vec<u32> = Vec::new();
        let mut end = self.slots.end();
        while found.len() < reach {
            let mut last = self.slots.before(end);
            while let Some(place) = last.filter(|place| !self.slots.at(*place).is_some_and(|slot| hits.has(slot))) {
                last = self.slots.before(place);
            }
            let Some(last) = last else { break };
            let Some(key) = self.slots.at(last).and_then(|slot| self.key(slots, slot)) else { break };
            // Most values stand alone; only a run of equal ones is worth a search for its start.
            let alone = self.slots.before(last).and_then(|place| self.slots.at(place));
            let alone = alone.is_none_or(|slot| self.compare(slots, slot, &key).is_ne());
            let start = if alone { last } else { self.first(slots, &key) };
            let run = self.slots.runs(start, self.slots.after(last)).flatten().copied();
            found.extend(run.filter(|slot| hits.has(*slot)).take(reach - found.len()));
            end = start;
        }
        found
    }
}

/// Order of a sort: records without a value come last in both directions, equal ones by slot and so by id.
#[derive(PartialEq)]
struct SortKey(Option<Key>, u32, bool);

impl Eq for SortKey {}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SortKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_value = match (&self.0, &other.0) {
            (Some(own), Some(others)) => {
                let order = own.order(others);
                if self.2 { order.reverse() } else { order }
            }
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        by_value.then(self.1.cmp(&other.1))
    }
}
