//! Who gets a seat in a batch when more want one than it has.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::caller::{Caller, CallerId, Share};
use super::coalesce::INPUTS_MAX;
use super::turns::VirtualTime;

/// A seat for a call of this caller, about this record if it names one: calls about one record share a seat.
pub(super) type Wish<'a> = (Caller, Option<&'a str>);

/// For each wish, in the order of their arrival, whether it is met.
///
/// Callers choose in turns, by their shares; each takes what came first. Thousands of reads of one caller would
/// otherwise fill batch after batch before another one's single read. Whoever wants a seat that is taken already shares
/// it, and it costs no turn.
pub(super) fn seats(wishes: &[Wish<'_>]) -> Vec<bool> {
    let mut lines: BTreeMap<CallerId, (Share, VecDeque<usize>)> = BTreeMap::new();
    for (place, (caller, _)) in wishes.iter().enumerate() {
        lines.entry(caller.id).or_insert_with(|| (caller.share, VecDeque::new())).1.push_back(place);
    }
    let mut time = VirtualTime::default();
    let mut taken: BTreeSet<Seat<'_>> = BTreeSet::new();
    while taken.len() < INPUTS_MAX {
        let firsts = lines.iter().filter_map(|(id, (_, line))| line.front().map(|place| (time.pass(*id), *place, *id)));
        let Some((_, place, id)) = firsts.min() else { break };
        let Some((share, line)) = lines.get_mut(&id) else { break };
        line.pop_front();
        if wishes.get(place).is_some_and(|(_, record)| taken.insert(Seat::of(place, *record))) {
            time.took(id, share.weight());
        }
    }
    wishes.iter().enumerate().map(|(place, (_, record))| taken.contains(&Seat::of(place, *record))).collect()
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Seat<'a> {
    /// Of all who name this record.
    Record(&'a str),
    /// Of one who names none.
    Own(usize),
}

impl<'a> Seat<'a> {
    fn of(place: usize, record: Option<&'a str>) -> Self {
        record.map_or(Self::Own(place), Self::Record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(name: &str, share: i64) -> Caller {
        Caller { id: CallerId::of(name), share: Share::try_from(share).unwrap() }
    }

    fn met(wishes: &[Wish<'_>], caller: Caller) -> usize {
        let seats = seats(wishes);
        wishes.iter().zip(seats).filter(|((of, _), seated)| *of == caller && *seated).count()
    }

    #[test]
    fn alone_the_oldest_get_the_seats() {
        let alone = caller("alone", 7);
        let wishes: Vec<Wish<'_>> = (0..250).map(|_| (alone, None)).collect();
        let seats = seats(&wishes);
        assert!(seats.iter().enumerate().all(|(place, seated)| *seated == (place < INPUTS_MAX)));
    }

    #[test]
    fn seats_are_shared_out_by_share() {
        let (flood, heavy, light) = (caller("flood", 1), caller("heavy", 3), caller("light", 1));
        let mut wishes: Vec<Wish<'_>> = (0..5_000).map(|_| (flood, None)).collect();
        wishes.extend((0..5_000).map(|_| (heavy, None)));
        wishes.push((light, None));
        assert_eq!(met(&wishes, light), 1);
        assert!((74..=76).contains(&met(&wishes, heavy)), "{}", met(&wishes, heavy));
        assert_eq!(met(&wishes, flood) + met(&wishes, heavy) + 1, INPUTS_MAX);
    }

    #[test]
    fn whoever_wants_a_seat_that_is_taken_shares_it() {
        let (flood, light) = (caller("flood", 1), caller("light", 1));
        let names: Vec<String> = (0..5_000).map(|number| number.to_string()).collect();
        let mut wishes: Vec<Wish<'_>> = names.iter().map(|name| (flood, Some(name.as_str()))).collect();
        let (first, last) = (names.first().unwrap(), names.last().unwrap());
        wishes.extend([(light, Some(first.as_str())), (light, Some(last.as_str()))]);
        let seats = seats(&wishes);
        assert_eq!(seats.iter().filter(|seated| **seated).count(), INPUTS_MAX + 2, "two seats have two on them");
        assert!(seats.ends_with(&[true, true, true]), "the last of the flood goes along with the other");
    }
}
