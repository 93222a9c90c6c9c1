//! Calls that travel together: who sits where in a batch, and each one's share when it comes back.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use linchpin_core::gateway::compose::compose;
use linchpin_core::gateway::cut::{Cut, Parts, cut};
use linchpin_core::gateway::join::{Input, Joined};
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::call::Call;

/// The calls of one batch, in the order of its inputs. The answer is cut once, by whoever looks first.
#[derive(Debug)]
pub(super) struct Ride {
    /// One for each input: of those that read one record, the first.
    inputs: Vec<Arc<Joined>>,
    parts: OnceLock<Parts>,
}

impl Ride {
    /// A batch of these calls, and the place of each one's input: reads of one record have the same.
    pub(super) fn new(members: impl Iterator<Item = Arc<Joined>>) -> (Self, Vec<usize>) {
        let mut inputs: Vec<Arc<Joined>> = Vec::new();
        let mut reads: BTreeMap<String, usize> = BTreeMap::new();
        let mut places = Vec::new();
        for member in members {
            let read = member.join.record.clone().filter(|_| !member.join.writes);
            let known = read.as_ref().and_then(|record| reads.get(record).copied());
            let place = known.unwrap_or(inputs.len());
            if known.is_none() {
                reads.extend(read.map(|record| (record, place)));
                inputs.push(member);
            }
            places.push(place);
        }
        (Self { inputs, parts: OnceLock::new() }, places)
    }

    fn inputs(&self) -> Vec<&Input> {
        self.inputs.iter().map(|member| &member.input).collect()
    }

    /// The batch call; none if there is nobody on board.
    pub(super) fn call(&self) -> Option<Call> {
        compose(&self.inputs.first()?.group, &self.inputs())
    }
}

/// What a call that may join others came back with.
#[derive(Clone, Debug)]
pub enum Shared {
    /// It left alone: HubSpot's answer to it.
    Alone(Answer),
    /// Another asked the same, and this is HubSpot's answer to it.
    Along(Answer),
    /// It left with others.
    Place(Place),
    /// Another asked the same, and the answer flows past to that one alone: ask again.
    Apart,
}

/// One call's place in a batch that came back.
#[derive(Clone, Debug)]
pub struct Place {
    pub(super) ride: Arc<Ride>,
    pub(super) index: usize,
    pub(super) first: bool,
    pub(super) answer: Answer,
}

/// What became of one call of a batch.
#[derive(Clone, Debug)]
pub enum Share {
    /// As [`Cut`] says.
    Cut(Cut),
    /// Nothing was done: the batch was refused for one of its calls. Ask again with the half of them that this flag
    /// names, or alone if it was the only one.
    Refused {
        /// Whether it is in the second half.
        second: bool,
        /// How many inputs the batch had.
        size: usize,
    },
    /// HubSpot's answer to the batch is its answer to each.
    Same(Answer),
}

impl Place {
    /// Whether the batch was begun by this call.
    pub fn is_first(&self) -> bool {
        self.first
    }

    /// HubSpot's answer to the batch.
    pub(crate) fn whole(self) -> Answer {
        self.answer
    }

    /// This call's share. `correlation` makes a new id for each answer.
    pub fn share(&self, correlation: &mut dyn FnMut() -> String) -> Share {
        let (ride, size) = (&self.ride, self.ride.inputs.len());
        let Some(first) = ride.inputs.first() else { return Share::Same(self.answer.clone()) };
        match ride.parts.get_or_init(|| cut(&first.group, &ride.inputs(), &self.answer, correlation)) {
            Parts::Each(each) => Share::Cut(each.get(self.index).cloned().unwrap_or(Cut::Alone)),
            Parts::Refused => Share::Refused { second: self.index * 2 >= size, size },
            Parts::Same => Share::Same(self.answer.clone()),
        }
    }
}
