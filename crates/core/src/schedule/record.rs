//! What a process leaves behind about its windows and days: an exact picture when it ends in order, and while it runs
//! one of which only the days hold.
//!
//! The bytes begin with a version, which also tells the two apart. A record is good for one start: whoever reads it
//! replaces it before sending.

use serde::{Deserialize, Serialize};

use super::budget::{DayScope, Scope};
use super::day::Day;
use super::window::Window;
use crate::time::{Now, Wall};

/// The first byte of a record that an orderly end left. A program that knows no other takes the rest for a crash.
pub const LEFT_VERSION: u8 = 1;

/// The first byte of a record that was written while the process went on sending.
pub const RUNNING_VERSION: u8 = 2;

/// When the permits that still counted were answered, on the wall clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowRecord {
    taken_at: Wall,
    windows: Vec<(Scope, Vec<(Wall, u32)>)>,
    days: Vec<(DayScope, u64, Option<Wall>)>,
}

/// The bytes are no record of a known version.
#[derive(Debug, thiserror::Error)]
pub enum NotARecord {
    /// Written by another version.
    #[error("a window record of version {0:?}: this program reads versions {LEFT_VERSION} and {RUNNING_VERSION}")]
    Version(Option<u8>),
    /// The rest cannot be read.
    #[error("a window record that cannot be read")]
    Corrupt(#[from] serde_json::Error),
}

impl WindowRecord {
    pub(super) fn new(taken_at: Wall) -> Self {
        Self { taken_at, windows: Vec::new(), days: Vec::new() }
    }

    pub(super) fn add_window(&mut self, scope: Scope, window: &Window, now: Now) {
        let answered = |at: crate::time::Mono| {
            // It expires one span after its answer.
            let left = at - now.mono;
            let ago = window.span().saturating_sub(left);
            Wall(now.wall.0 - i64::try_from(ago.as_millis()).unwrap_or(0))
        };
        let mut permits: Vec<(Wall, u32)> =
            window.settled.iter().chain(window.foreign.iter()).map(|(at, count)| (answered(at), count)).collect();
        // Whatever is still out counts as answered now; its true end was never seen.
        permits.push((now.wall, window.in_flight()));
        self.windows.push((scope, permits));
    }

    pub(super) fn add_day(&mut self, scope: DayScope, day: &Day) {
        let (used, _, ends) = day.figures();
        self.days.push((scope, used, ends));
    }

    pub(super) fn restore_window(&self, scope: Scope, window: &mut Window, now: Now) {
        if self.taken_at > now.wall {
            // The wall clock went back: nothing in the record can be placed.
            window.close(now.mono + window.span());
            return;
        }
        for (answered, count) in self.windows.iter().filter(|(of, _)| *of == scope).flat_map(|(_, permits)| permits) {
            // The wall clock has milliseconds: one is added for what was cut off.
            let ago = now.wall - Wall(answered.0 + 1);
            let left = window.span().saturating_sub(ago);
            if !left.is_zero() {
                window.settled.add(now.mono + left, *count);
            }
        }
    }

    pub(super) fn restore_day(&self, scope: DayScope, day: &mut Day, now: Now) {
        // What was used of a day that is over says nothing of today.
        let running = |ends: &Option<Wall>| ends.is_none_or(|ends| ends > now.wall);
        for (_, used, ends) in self.days.iter().filter(|(of, _, ends)| *of == scope && running(ends)) {
            day.restore(*used, *ends);
        }
    }
}

/// A record as it is stored, with when it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// At an orderly end: windows and days are exact.
    Left(WindowRecord),
    /// While the process went on sending: the days hold, the windows do not.
    Running(WindowRecord),
}

impl Stored {
    /// The bytes to store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (version, record) = match self {
            Self::Left(record) => (LEFT_VERSION, record),
            Self::Running(record) => (RUNNING_VERSION, record),
        };
        let mut bytes = vec![version];
        bytes.extend(serde_json::to_vec(record).unwrap_or_default());
        bytes
    }

    /// Reads stored bytes.
    ///
    /// # Errors
    /// See [`NotARecord`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotARecord> {
        match bytes.split_first() {
            Some((&LEFT_VERSION, rest)) => Ok(Self::Left(serde_json::from_slice(rest)?)),
            Some((&RUNNING_VERSION, rest)) => Ok(Self::Running(serde_json::from_slice(rest)?)),
            other => Err(NotARecord::Version(other.map(|(version, _)| *version))),
        }
    }
}
