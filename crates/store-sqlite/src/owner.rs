//! One store has one owner: a lock file beside it, held as long as the store is open.
//!
//! The operating system lets go of the lock when the process ends, however it ends, so a crash leaves no stale lock.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use linchpin_ports::store::Refusal;

use crate::fault::Fault;

/// The proof of owning a store; dropping it gives the store up.
#[derive(Debug)]
pub(crate) struct Ownership {
    _lock: File,
}

impl Ownership {
    /// Takes the store at `path`, or says that somebody else has it.
    pub(crate) fn take(path: &Path) -> Result<Self, Fault> {
        let lock = private(OpenOptions::new().create(true).truncate(false).write(true)).open(lock_path(path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Refusal::Owned.into()),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}

/// Makes the store's file, readable by its owner alone, if it is not there: SQLite gives its side files the same mode.
pub(crate) fn make_private_file(path: &Path) -> Result<(), Fault> {
    private(OpenOptions::new().create(true).truncate(false).write(true)).open(path)?;
    Ok(())
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}
