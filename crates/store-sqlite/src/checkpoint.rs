//! Moves pages from the write-ahead log into the store, beside the writer instead of inside its commits.
//!
//! SQLite by itself moves them within the commit that makes the log a thousand pages long, and whoever waits for that
//! commit waits for two more flushes of the disk. Here a thread with a connection of its own moves nearly all of them
//! while the writer goes on; the writer moves the few that came meanwhile, between two commits, since only a log of
//! which nothing is left is begun anew. Nothing of this touches durability: a commit is on the disk in the log.
//!
//! Pages that cannot be moved (a full disk, a long reading) stay in the log, where they are read and from where they are
//! moved another time: so the outcome of a move is told to nobody.

use std::ffi::c_int;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rusqlite::Connection;
use rusqlite::hooks::Wal;
use rusqlite::wal::CheckpointMode;

use crate::fault::Fault;
use crate::schema;

/// The pages of the log from which on they are moved: 16 MB of the 64 that the log's file keeps.
const MOVE_FROM_PAGES: i32 = 4_000;
/// How few pages are left to the writer.
const LEFT_MAX_PAGES: i32 = 400;
/// How often in a row the thread moves what has come meanwhile, before the writer has to do with more than a few pages.
const PASSES_MAX: u32 = 8;

/// What both know.
#[derive(Default)]
struct Log {
    /// Its length at the last commit, in pages.
    pages: AtomicI32,
    /// Whether all but a few are moved.
    nearly_moved: AtomicBool,
}

/// The writer's part.
pub(crate) struct Rest {
    log: Arc<Log>,
}

/// The thread's part.
pub(crate) struct Mover {
    connection: Connection,
    log: Arc<Log>,
    long: Receiver<()>,
}

/// Takes the moving of pages out of the writer's commits. The mover ends when the writer's connection is closed.
pub(crate) fn beside(writer: &mut Connection, path: &Path) -> Result<(Rest, Mover), Fault> {
    let (log, (tell, long)) = (Arc::<Log>::default(), sync_channel(1));
    let connection = schema::open_mover(path)?;
    let seen = Arc::clone(&log);
    writer.wal_hook(Some(move |_: &mut Wal, pages| {
        note(&seen, &tell, pages);
        Ok(())
    }))?;
    Ok((Rest { log: Arc::clone(&log) }, Mover { connection, log, long }))
}

fn note(log: &Log, tell: &SyncSender<()>, pages: c_int) {
    log.pages.store(pages, Ordering::Relaxed);
    if pages >= MOVE_FROM_PAGES && !log.nearly_moved.load(Ordering::Relaxed) {
        // One that is told already comes to it.
        tell.try_send(()).unwrap_or_default();
    }
}

impl Rest {
    /// Moves the last pages, if the others are moved. For the time between two commits.
    pub(crate) fn finish(&self, writer: &Connection) {
        if self.log.nearly_moved.swap(false, Ordering::Relaxed) {
            moved(writer);
        }
    }
}

impl Mover {
    /// Works until the writer is gone.
    pub(crate) fn run(&self) {
        while self.long.recv().is_ok() {
            for _ in 0..PASSES_MAX {
                let moved = moved(&self.connection);
                if self.log.pages.load(Ordering::Relaxed) - moved <= LEFT_MAX_PAGES {
                    break;
                }
            }
            self.log.nearly_moved.store(true, Ordering::Relaxed);
        }
    }
}

/// Moves what can be moved without anybody waiting; how many pages of the log are moved.
fn moved(connection: &Connection) -> i32 {
    connection.wal_checkpoint_v2(None::<&str>, CheckpointMode::PASSIVE).map_or(0, |(_, moved)| moved)
}
