//! The hub's share of a snapshot: the clock, the dice, and the parts of every portal one after the other.

use std::io::{Read, Write};

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::Hub;
use crate::model::{Places, Portal};
use crate::saved::{FrameReader, FrameWriter, SnapshotError, Unfit};
use crate::wire::Millis;

/// The name of the part that every file begins with.
const SIMULATOR: &str = "simulator";

/// The clock and the dice.
#[derive(Debug, Serialize, Deserialize)]
struct Simulator {
    now: Millis,
    /// How many words the dice have given, in two halves.
    rolled: (u64, u64),
    /// The dice's own seed.
    dice: [u8; 32],
}

impl Hub {
    /// Writes everything that outlives the process, and says how many bytes and live records that is.
    ///
    /// Tokens, secrets, grants, counters, the ledger and armed faults are not in it.
    pub fn save(&self, dice: &ChaCha8Rng, out: &mut dyn Write) -> Result<(u64, u64), SnapshotError> {
        let mut frames = FrameWriter::begin(out)?;
        let rolled = dice.get_word_pos();
        let half = |number: u128| u64::try_from(number & u128::from(u64::MAX)).unwrap_or(0);
        let own = Simulator { now: self.now, rolled: (half(rolled >> 64), half(rolled)), dice: dice.get_seed() };
        let own = serde_json::to_vec(&own).map_err(|error| SnapshotError::Write(error.into()))?;
        frames.put(SIMULATOR, &own)?;
        let mut records = 0;
        for slot in self.portals.values() {
            slot.model.save(&mut frames)?;
            records += slot.model.live_records() as u64;
        }
        Ok((frames.end()?, records))
    }

    /// Puts back what [`Hub::save`] wrote, and says what the clock must not be before.
    ///
    /// Dice of the same seed roll on where they were; others stay as they are. Portals that the file does not hold are
    /// left alone. After an error the hub holds a part of the file and is of no use.
    pub fn restore(&mut self, dice: &mut ChaCha8Rng, input: &mut dyn Read) -> Result<Millis, SnapshotError> {
        let mut frames = FrameReader::begin(input)?;
        let mut portal: Option<u64> = None;
        let mut places = Places::default();
        let mut now = self.now;
        while let Some(frame) = frames.next()? {
            let unfit = |why: Unfit| why.at(&frame.part, frame.at);
            if frame.part == SIMULATOR {
                let own: Simulator =
                    serde_json::from_slice(&frame.payload).map_err(|error| unfit(Unfit::new(error)))?;
                now = now.max(own.now);
                if own.dice == dice.get_seed() {
                    dice.set_word_pos(u128::from(own.rolled.0) << 64 | u128::from(own.rolled.1));
                }
                continue;
            }
            portal = Portal::begun_by(&frame.part, &frame.payload).map_err(unfit)?.or(portal);
            let number = portal.ok_or_else(|| unfit(Unfit::new("it belongs to no portal")))?;
            let slot = self.portals.get_mut(&number);
            let slot = slot.ok_or_else(|| unfit(Unfit::new(format!("this simulator has no portal {number}"))))?;
            slot.model.load(&frame.part, &frame.payload, &mut places).map_err(unfit)?;
        }
        self.now = now;
        Ok(now)
    }
}
