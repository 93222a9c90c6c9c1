//! The snapshot file: a simulator's portals, written down and read again.
//!
//! The file is a line that says what it is, a format number, and then frames: the name of a part, a length, a checksum,
//! the bytes. The last frame is the end mark, with the number of frames before it, so that a file that was cut short is
//! known as such. A part may take any number of frames, and no frame is larger than a few megabytes unless a single
//! record is, so that neither side ever holds the whole file.
//!
//! What is in it: definitions, records, history, associations, pipelines, owners, what search has not seen yet, the
//! clock and the dice. What is not: tokens, secrets and grants, counters of limits, the ledger, armed faults.
//!
//! **A new part** is one row in `PARTS` of `model/saved.rs` (state of a portal): a name, a function that writes it and
//! one that reads one frame of it; `json` and `read_json` do the work for whatever derives `Serialize` and
//! `Deserialize`. Ids of object types go through `Places`, since another version may number them
//! otherwise. A file without a part leaves what a new portal has; a file with an unknown part is refused, as it holds
//! what this version would lose. New fields of a written type get `#[serde(default)]`. The format number changes only
//! with the frames themselves.

mod frames;
mod pack;
mod store;

use std::fmt;

use thiserror::Error;

pub(crate) use frames::{FrameReader, FrameWriter};
pub(crate) use pack::{Packer, Unpacker};
pub use store::SavedReport;
pub(crate) use store::{StateFile, furnish};

/// The number of the frames' format.
pub const SNAPSHOT_FORMAT: u32 = 1;

/// Why a snapshot cannot be written or read. The message names the part and the place in the file.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// Some other file.
    #[error("the file is no snapshot of a simulator")]
    Foreign,
    /// A format that is not ours.
    #[error("the snapshot has format {0}, and this simulator reads format {SNAPSHOT_FORMAT}")]
    Format(u32),
    /// Bytes that are not what was written, or what this version cannot hold.
    #[error("part `{part}` at byte {at}: {reason}")]
    Broken {
        /// The name of the part.
        part: String,
        /// Where its frame begins.
        at: u64,
        /// What is wrong.
        reason: String,
    },
    /// The end is missing.
    #[error("the snapshot is cut short: it ends at byte {at} without its end mark")]
    Short {
        /// Where the frame begins that is not whole.
        at: u64,
    },
    /// The file cannot be read.
    #[error("the snapshot cannot be read at byte {at}")]
    Read {
        /// How far reading came.
        at: u64,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("the snapshot cannot be written")]
    Write(#[source] std::io::Error),
    /// A part is larger than a frame may be.
    #[error("part `{0}` is too large for a snapshot")]
    TooLarge(String),
    /// The file that was to be read is not there.
    #[error("there is no such file")]
    Missing,
    /// No file was named at the start.
    #[error("no file is named to keep the state in: start with --state FILE")]
    NoFile,
    /// The simulator has stopped.
    #[error("the simulator has stopped")]
    Stopped,
}

/// Why a part cannot be taken in, before its place in the file is known.
#[derive(Debug)]
pub(crate) struct Unfit(pub(crate) String);

impl Unfit {
    pub(crate) fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string())
    }

    pub(crate) fn at(self, part: &str, at: u64) -> SnapshotError {
        SnapshotError::Broken { part: part.to_owned(), at, reason: self.0 }
    }
}
