//! The file on the disk: read once at the start, replaced as a whole when it is written.
//!
//! Invariant: under its name there is always a whole snapshot; a new one is written beside it, brought to the disk, and
//! only then given the name.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::SnapshotError;
use crate::hub::Hub;
use crate::options::{SimOptions, StartError, StartFile};
use crate::wire::Millis;

/// Bytes that are collected before the operating system is asked to write.
const BUFFER_BYTES: usize = 1 << 20;

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SavedReport {
    /// The file.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// Live records by portal.
    pub records: u64,
}

/// A hub with all that it is to begin with.
pub(crate) struct Furnished {
    pub(crate) hub: Hub,
    /// What its clock says: never less than in the file, so that time does not run backwards.
    pub(crate) now: Millis,
    pub(crate) state: Option<StateFile>,
}

/// Makes a hub, from a snapshot where there is one.
pub(crate) fn furnish(options: &SimOptions, base: Millis, dice: &mut ChaCha8Rng) -> Result<Furnished, StartError> {
    let state = options.state.as_deref().map(StateFile::new);
    let source = match (&options.restore, &state) {
        (Some(_), Some(_)) => return Err(StartError::RestoreAndState),
        (Some(path), None) => Some(StateFile::new(path)),
        (None, state) => state.clone(),
    };
    let Some(source) = source else { return Ok(Furnished { hub: Hub::new(options, base, dice)?, now: base, state }) };
    let broken = |error| StartError::Restore { file: source.path.clone(), source: error };
    match source.open().map_err(broken)? {
        Some(mut input) => {
            // What a fresh account begins with is in the file, or was taken away before it was written.
            let start = StartFile { seed: None, ..options.start.clone() };
            let mut hub = Hub::new(&SimOptions { start, ..options.clone() }, base, dice)?;
            let now = hub.restore(dice, &mut *input).map_err(broken)?;
            Ok(Furnished { hub, now, state })
        }
        None if options.restore.is_some() => Err(broken(SnapshotError::Missing)),
        None => Ok(Furnished { hub: Hub::new(options, base, dice)?, now: base, state }),
    }
}

/// A file that holds a snapshot, or will.
#[derive(Clone, Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
}

impl StateFile {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Opens the file; nothing if it is not there.
    pub(crate) fn open(&self) -> Result<Option<Box<dyn Read>>, SnapshotError> {
        match File::open(&self.path) {
            Ok(file) => Ok(Some(Box::new(BufReader::with_capacity(BUFFER_BYTES, file)))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(SnapshotError::Read { at: 0, source }),
        }
    }

    /// Replaces the file by what `write` writes, or leaves it as it is.
    pub(crate) fn replace(
        &self,
        write: impl FnOnce(&mut dyn Write) -> Result<(u64, u64), SnapshotError>,
    ) -> Result<SavedReport, SnapshotError> {
        let mut beside = self.path.clone().into_os_string();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        let written = Self::write_whole(&beside, write);
        if written.is_err() {
            // What could not be written whole is of use to nobody; if it cannot even be removed, the first error counts.
            drop(fs::remove_file(&beside));
        }
        let (bytes, records) = written?;
        fs::rename(&beside, &self.path).map_err(SnapshotError::Write)?;
        Ok(SavedReport { file: self.path.display().to_string(), bytes, records })
    }

    fn write_whole(
        path: &Path,
        write: impl FnOnce(&mut dyn Write) -> Result<(u64, u64), SnapshotError>,
    ) -> Result<(u64, u64), SnapshotError> {
        let file = File::create(path).map_err(SnapshotError::Write)?;
        let mut out = BufWriter::with_capacity(BUFFER_BYTES, file);
        let written = write(&mut out)?;
        let file = out.into_inner().map_err(|error| SnapshotError::Write(error.into_error()))?;
        file.sync_all().map_err(SnapshotError::Write)?;
        Ok(written)
    }
}
