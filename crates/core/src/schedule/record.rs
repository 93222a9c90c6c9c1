//! What a process leaves behind about its windows and days when it ends in order.
//!
//! The bytes begin with a version. A record is good for one start: whoever reads it replaces it before sending.

use serde::{Deserialize, Serialize};

use super::budget::{DayScope, Scope};
use super::day::Day;
use super::window::Window;
use crate::time::{Now, Wall};

/// The first byte of a stored record.
pub const RECORD_VERSION: u8 = 1;

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
    #[error("a window record of version {0:?}: this program reads version {RECORD_VERSION}")]
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

    pub(super) fn restore_day(&self, scope: DayScope, day: &mut Day) {
        for (_, used, ends) in self.days.iter().filter(|(of, _, _)| *of == scope) {
            day.restore(*used, *ends);
        }
    }

    /// The record as bytes to store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![RECORD_VERSION];
        bytes.extend(serde_json::to_vec(self).unwrap_or_default());
        bytes
    }

    /// Reads stored bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotARecord> {
        match bytes.split_first() {
            Some((&RECORD_VERSION, rest)) => Ok(serde_json::from_slice(rest)?),
            other => Err(NotARecord::Version(other.map(|(version, _)| *version))),
        }
    }
}
