//! Which changes the log of events has: each is in it once.
//!
//! The table `event_change` knows them by their moments, and the moments of one delivery lie seconds apart: if every
//! event went there at once, each would write a page of its own. So the newest are known in memory, and go to the table
//! a generation at a time, those that happened first before the others: pages are filled one after the other. The log
//! itself says what memory knows; it is read again at the start, and after anything that may not have been committed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};

use crate::codec::Scope;
use crate::events;
use crate::fault::Fault;

/// How many changes are a generation. Two of them are in memory: 5 MB.
const GENERATION: usize = 32_768;

/// For each event that comes in, so many of the generation before go to the table: it is empty before the next one is
/// complete.
const SETTLED_PER_EVENT: usize = 2;

/// The most installs that one look into the log names.
const INSTALLS_MAX: u16 = 1_000;

pub(crate) const FIND: &str = "
    select place
    from event_change
    where portal = ?1 and app = ?2 and moment = ?3 and change = ?4";

pub(crate) const INSERT: &str = "
    insert into event_change (portal, app, moment, change, place)
    values (?1, ?2, ?3, ?4, ?5)";

pub(crate) const DELETE: &str = "
    delete from event_change
    where portal = ?1 and app = ?2 and moment = ?3 and change = ?4";

pub(crate) const SETTLED: &str = "
    select place
    from event_settled
    where portal = ?1 and app = ?2";

pub(crate) const SETTLE: &str = "
    insert into event_settled (portal, app, place)
    values (?1, ?2, ?3)
    on conflict (portal, app)
    do update set place = excluded.place";

pub(crate) const UNSETTLED: &str = "
    select (case when record is null then 0 else occurred_at end), change, place
    from event
    where portal = ?1 and app = ?2 and place > ?3
    order by place";

/// By what a change is found, in the order in which changes go to the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) scope: Scope,
    /// When it happened; 0 if it is about no record.
    pub(crate) moment: i64,
    pub(crate) change: [u8; 16],
}

/// The changes of a store, for those who write to its log.
pub(crate) struct Changes {
    recent: Mutex<Option<Recent>>,
    /// What was noted since the last commit is void.
    rolled_back: Arc<AtomicBool>,
    generation: usize,
}

impl Changes {
    /// The changes of the store that `writer` writes to.
    pub(crate) fn of(writer: &mut Connection) -> Result<Arc<Self>, Fault> {
        Self::with_generation(writer, GENERATION)
    }

    fn with_generation(writer: &mut Connection, generation: usize) -> Result<Arc<Self>, Fault> {
        let rolled_back = Arc::<AtomicBool>::default();
        let seen = Arc::clone(&rolled_back);
        writer.rollback_hook(Some(move || seen.store(true, Ordering::Relaxed)))?;
        Ok(Arc::new(Self { recent: Mutex::default(), rolled_back, generation }))
    }

    /// Runs work that adds to the log or takes from it.
    pub(crate) fn with<T>(
        &self,
        tx: &Connection,
        work: impl FnOnce(&mut Recent) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut held = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken out while it is worked on: work that fails, or panics, leaves nothing that its transaction takes back.
        let (rolled_back, trusted) = (self.rolled_back.swap(false, Ordering::Relaxed), held.take());
        let mut recent = match trusted.filter(|_| !rolled_back) {
            Some(recent) => recent,
            None => Recent::read(tx, self.generation)?,
        };
        let done = work(&mut recent)?;
        *held = Some(recent);
        Ok(done)
    }
}

/// What is known of the changes in the log, and where each is.
pub(crate) struct Recent {
    generation: usize,
    young: Generation,
    /// On its way to the table.
    old: Generation,
}

#[derive(Default)]
struct Generation {
    changes: BTreeMap<Key, i64>,
    /// The last place of each log.
    upto: BTreeMap<Scope, i64>,
}

impl Generation {
    fn insert(&mut self, key: Key, place: i64) {
        self.changes.insert(key, place);
        self.upto.insert(key.scope, place);
    }
}

impl Recent {
    /// Reads what the table does not have yet.
    fn read(tx: &Connection, generation: usize) -> Result<Self, Fault> {
        let mut recent = Self { generation, young: Generation::default(), old: Generation::default() };
        let mut after = None;
        loop {
            let installs = events::installs(tx, after, INSTALLS_MAX)?;
            for install in &installs {
                recent.read_log(tx, Scope::of(*install)?)?;
            }
            after = installs.last().copied();
            if installs.len() < usize::from(INSTALLS_MAX) {
                return Ok(recent);
            }
        }
    }

    fn read_log(&mut self, tx: &Connection, scope: Scope) -> Result<(), Fault> {
        let settled = tx.prepare_cached(SETTLED)?.query_row(params![scope.portal, scope.app], |row| row.get(0));
        let settled: i64 = settled.optional()?.unwrap_or(0);
        let mut statement = tx.prepare_cached(UNSETTLED)?;
        let mut rows = statement.query(params![scope.portal, scope.app, settled])?;
        while let Some(row) = rows.next()? {
            let key = Key { scope, moment: row.get(0)?, change: row.get(1)? };
            if in_table(tx, &key)?.is_none() {
                self.young.insert(key, row.get(2)?);
            }
        }
        Ok(())
    }

    /// Where the log has a change, if it has it.
    pub(crate) fn place(&self, tx: &Connection, key: &Key) -> Result<Option<i64>, Fault> {
        match self.young.changes.get(key).or_else(|| self.old.changes.get(key)) {
            Some(place) => Ok(Some(*place)),
            None => in_table(tx, key),
        }
    }

    /// A change was written to the log.
    pub(crate) fn add(&mut self, key: Key, place: i64) {
        self.young.insert(key, place);
    }

    /// A change is no longer in the log.
    pub(crate) fn forget(&mut self, tx: &Connection, key: &Key) -> Result<(), Fault> {
        if self.young.changes.remove(key).is_none() && self.old.changes.remove(key).is_none() {
            let Key { scope, moment, change } = key;
            tx.prepare_cached(DELETE)?.execute(params![scope.portal, scope.app, moment, change])?;
        }
        Ok(())
    }

    /// Brings changes to the table, as many as is due for so many events that came in.
    pub(crate) fn settle(&mut self, tx: &Connection, events: usize) -> Result<(), Fault> {
        if self.old.changes.is_empty() && self.young.changes.len() >= self.generation {
            self.old = std::mem::take(&mut self.young);
        }
        let mut insert = tx.prepare_cached(INSERT)?;
        for _ in 0..events * SETTLED_PER_EVENT {
            let Some((Key { scope, moment, change }, place)) = self.old.changes.pop_first() else { break };
            insert.execute(params![scope.portal, scope.app, moment, change, place])?;
        }
        if self.old.changes.is_empty() {
            let mut settle = tx.prepare_cached(SETTLE)?;
            for (scope, place) in std::mem::take(&mut self.old.upto) {
                settle.execute(params![scope.portal, scope.app, place])?;
            }
        }
        Ok(())
    }
}

fn in_table(tx: &Connection, key: &Key) -> Result<Option<i64>, Fault> {
    let Key { scope, moment, change } = key;
    let mut find = tx.prepare_cached(FIND)?;
    Ok(find.query_row(params![scope.portal, scope.app, moment, change], |row| row.get(0)).optional()?)
}

#[cfg(test)]
mod tests;
