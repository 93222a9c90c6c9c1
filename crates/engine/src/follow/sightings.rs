//! Records that callers' reads have brought, on their way into the mirror.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use linchpin_core::gateway::mirrored::Form;
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::id::ObjectType;
use tokio::sync::mpsc;

use super::read::{Landed, Moment, Question, Seen};

/// Answers that wait to be written down. What comes while so many wait is not held, and is asked for again.
pub const SIGHTINGS_MAX: usize = 1_000;

/// An answer about live records, which were asked for with all properties that are mirrored.
#[derive(Debug)]
pub struct Sighting {
    pub(super) object_type: ObjectType,
    pub(super) seen: Seen,
}

impl Sighting {
    /// The records of an answer.
    pub fn new(object_type: ObjectType, form: Form, moment: Moment, answer: &Answer) -> Self {
        Self { object_type, seen: Seen::new(moment, form, answer) }
    }

    /// Whether both can be written down as one.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.object_type == other.object_type && self.seen.form == other.seen.form
    }

    /// Takes another along that is like it.
    pub(super) fn join(&mut self, other: Self) {
        self.seen.join(other.seen);
    }

    /// How many records it holds.
    pub(super) fn len(&self) -> usize {
        self.seen.records.len()
    }

    /// As an answer to a question that nobody of the mirror's own has asked.
    pub(super) fn landed(self) -> Landed {
        let Self { object_type, seen } = self;
        let question = Question { object_type, records: BTreeMap::new(), missed_as_of_ms: None };
        Landed { question, outcome: Ok(seen) }
    }
}

/// The way of callers' reads into the mirror.
#[derive(Clone, Debug)]
pub struct Sightings {
    pub(super) process: Arc<OnceLock<u64>>,
    pub(super) to: mpsc::Sender<Sighting>,
}

impl Sightings {
    /// The number of this process among those that have followed; none until it has begun to.
    pub fn process(&self) -> Option<u64> {
        self.process.get().copied()
    }

    /// Hands records to the mirror, unless it is busy with too many.
    pub fn tell(&self, sighting: Sighting) {
        if self.to.try_send(sighting).is_err() {
            tracing::debug!("the mirror is busy: what was read is not held");
        }
    }
}
