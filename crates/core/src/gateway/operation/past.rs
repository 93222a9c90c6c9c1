//! What has happened to a promised write so far: every try and what came of it, and what an operator did.
//!
//! Invariant: no event holds a value of a record; whoever may see the list of dead letters may see these.

use serde::{Deserialize, Serialize};

use crate::time::Wall;

/// Events that are kept of one write; of more, the oldest go.
pub const EVENTS_MAX: usize = 250;

/// How far a promised write has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How often it has been tried since it was accepted, or replayed.
    pub tries: u32,
    /// When it is due; a moment that is past means now.
    pub due: Wall,
    /// What has happened, the oldest first.
    pub past: Vec<Event>,
}

impl Progress {
    /// Adds an event. Of more than [`EVENTS_MAX`] the oldest go.
    pub fn push(&mut self, event: Event) {
        if self.past.len() >= EVENTS_MAX {
            self.past.drain(..=self.past.len() - EVENTS_MAX);
        }
        self.past.push(event);
    }

    /// Since when it is tried: since it was accepted, or since an operator replayed it.
    pub fn since(&self, accepted: Wall) -> Wall {
        let replayed = self.past.iter().rev().find_map(|event| match event {
            Event::Replayed { at } => Some(*at),
            Event::Tried { .. } | Event::Interrupted { .. } | Event::Edited { .. } => None,
        });
        replayed.unwrap_or(accepted)
    }

    /// Whether an operator has changed the body since it was last sent.
    pub fn is_edited(&self) -> bool {
        matches!(self.past.last(), Some(Event::Edited { .. }))
    }
}

/// Something that happened to a promised write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// It was tried.
    Tried {
        /// When the try began.
        at: Wall,
        /// What came of it.
        came: Came,
    },
    /// Linchpin ended while it was on its way.
    Interrupted {
        /// When this was found, at the next start.
        at: Wall,
    },
    /// An operator gave it another body.
    Edited {
        /// When.
        at: Wall,
        /// How many bytes the body had.
        bytes_before: u64,
        /// How many it has.
        bytes_after: u64,
    },
    /// An operator sent it again.
    Replayed {
        /// When.
        at: Wall,
    },
}

/// What came of one try. It may stand for several attempts on the wire, which follow each other within a minute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Came {
    /// When the try ended.
    pub at: Wall,
    /// HubSpot's status, if it answered.
    pub status: Option<u16>,
    /// Why there is no answer: a code.
    pub code: Option<String>,
    /// HubSpot's name for its answer, which its support asks for.
    pub correlation: Option<String>,
    /// In words, without values of records.
    pub note: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_events_the_newest_stay() {
        let mut progress = Progress::default();
        for at in 0..EVENTS_MAX + 3 {
            progress.push(Event::Interrupted { at: Wall(i64::try_from(at).unwrap()) });
        }
        assert_eq!(progress.past.len(), EVENTS_MAX);
        assert_eq!(progress.past.first(), Some(&Event::Interrupted { at: Wall(3) }));
    }

    #[test]
    fn time_counts_from_the_last_replay() {
        let mut progress = Progress::default();
        assert_eq!(progress.since(Wall(5)), Wall(5));
        progress.push(Event::Replayed { at: Wall(70) });
        progress.push(Event::Tried { at: Wall(71), came: Came::default() });
        assert_eq!(progress.since(Wall(5)), Wall(70));
        assert!(!progress.is_edited());
        progress.push(Event::Edited { at: Wall(72), bytes_before: 1, bytes_after: 2 });
        assert!(progress.is_edited());
    }
}
