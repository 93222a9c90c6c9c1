//! How far journals have been read, and what only one of webhooks and journal has told.

use async_trait::async_trait;
use linchpin_core::time::Wall;
use linchpin_hubspot::id::AppId;
use linchpin_ports::event_log::{Accepted, NewEvent, Teller};
use linchpin_ports::journal::{Checkpoint, Compared, Gap, Journals};
use linchpin_ports::store::StoreError;
use rusqlite::{Connection, OptionalExtension, params};

use crate::SqliteStore;
use crate::codec::integer;
use crate::events::{self, bit_of, teller_number};
use crate::fault::{Fault, Place};

pub(crate) const LOAD: &str = "
    select place, began_at, read_until, asked_at, gap_from, gap_until
    from journal
    where portal = 0 and app = ?1";

pub(crate) const SAVE: &str = "
    insert into journal (portal, app, place, began_at, read_until, asked_at, gap_from, gap_until)
    values (0, ?1, ?2, ?3, ?4, ?5, ?6, ?7)
    on conflict (portal, app)
    do update set place = excluded.place, began_at = excluded.began_at, read_until = excluded.read_until,
                  asked_at = excluded.asked_at, gap_from = excluded.gap_from, gap_until = excluded.gap_until";

/// The next log in the store, whoever's it is: one step in the index for each.
pub(crate) const NEXT_LOG: &str = "
    select portal, app
    from event
    where (portal, app) > (?1, ?2)
    order by portal, app
    limit 1";

pub(crate) const COMPARED: &str = "
    select place
    from journal_compared
    where portal = ?1 and app = ?2";

pub(crate) const EVENTS: &str = "
    select place, teller, also, kind, received_at
    from event
    where portal = ?1 and app = ?2 and place > ?3
    order by place
    limit ?4";

pub(crate) const ADVANCE: &str = "
    insert into journal_compared (portal, app, place)
    values (?1, ?2, ?3)
    on conflict (portal, app)
    do update set place = excluded.place";

/// The kinds of changes that webhooks and journal both tell.
const KINDS: [&str; 7] =
    ["creation", "deletion", "privacyDeletion", "restore", "propertyChange", "merge", "associationChange"];

fn load(tx: &Connection, app: AppId) -> Result<Option<Checkpoint>, Fault> {
    let row = tx.prepare_cached(LOAD)?.query_row(params![integer(app.0)?], |row| {
        let moment = |column| row.get::<_, Option<i64>>(column).map(|at| at.map(Wall));
        Ok((row.get(0)?, row.get(1)?, moment(2)?, moment(3)?, moment(4)?, moment(5)?))
    });
    let Some((offset, began_at, read_until, asked_at, gap_from, gap_until)) = row.optional()? else { return Ok(None) };
    let gap = match (gap_from, gap_until) {
        (Some(from), Some(until)) => Some(Gap { from, until }),
        (None, None) => None,
        _ => return Err(Fault::Corrupt(Place { table: "journal", column: "gap_from", key: app.0.to_string() })),
    };
    Ok(Some(Checkpoint { offset, began_at: Wall(began_at), read_until, asked_at, gap }))
}

fn save(tx: &Connection, app: AppId, checkpoint: &Checkpoint) -> Result<(), Fault> {
    let Checkpoint { offset, began_at, read_until, asked_at, gap } = checkpoint;
    tx.prepare_cached(SAVE)?.execute(params![
        integer(app.0)?,
        offset,
        began_at.0,
        read_until.map(|at| at.0),
        asked_at.map(|at| at.0),
        gap.map(|gap| gap.from.0),
        gap.map(|gap| gap.until.0)
    ])?;
    Ok(())
}

fn compare(tx: &Connection, app: AppId, since: Wall, until: Wall, limit: u16) -> Result<Compared, Fault> {
    let app = integer(app.0)?;
    let (mut compared, mut at) = (Compared::default(), (-1, -1));
    let mut next_log = tx.prepare_cached(NEXT_LOG)?;
    while let Some(log) = next_log.query_row(params![at.0, at.1], |row| Ok((row.get(0)?, row.get(1)?))).optional()? {
        at = log;
        if at.1 == app {
            compare_log(tx, at, (since, until), limit, &mut compared)?;
        }
    }
    Ok(compared)
}

fn compare_log(
    tx: &Connection,
    (portal, app): (i64, i64),
    (since, until): (Wall, Wall),
    limit: u16,
    compared: &mut Compared,
) -> Result<(), Fault> {
    let done = tx.prepare_cached(COMPARED)?.query_row(params![portal, app], |row| row.get(0)).optional()?.unwrap_or(0);
    let mut statement = tx.prepare_cached(EVENTS)?;
    let mut rows = statement.query(params![portal, app, done, limit])?;
    let (mut last, mut seen): (i64, u16) = (done, 0);
    while let Some(row) = rows.next()? {
        let (place, teller, also): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (kind, received_at): (String, i64) = (row.get(3)?, row.get(4)?);
        if received_at >= until.0 {
            break;
        }
        (last, seen) = (place, seen.saturating_add(1));
        if received_at >= since.0 && KINDS.contains(&kind.as_str()) {
            count((teller, also), kind, compared);
        }
    }
    compared.more |= seen == limit;
    if last > done {
        tx.prepare_cached(ADVANCE)?.execute(params![portal, app, last])?;
    }
    Ok(())
}

fn count((teller, also): (i64, i64), kind: String, compared: &mut Compared) {
    let told_by = |other| teller == teller_number(other) || also & bit_of(other) != 0;
    match (told_by(Teller::Webhook), told_by(Teller::Journal)) {
        (true, true) => compared.by_both += 1,
        (true, false) => *compared.by_webhooks_alone.entry(kind).or_default() += 1,
        (false, true) => *compared.by_journal_alone.entry(kind).or_default() += 1,
        // Of a workflow: neither has it.
        (false, false) => {}
    }
}

#[async_trait]
impl Journals for SqliteStore {
    async fn checkpoint(&self, app: AppId) -> Result<Option<Checkpoint>, StoreError> {
        self.read("look up how far a journal is read", move |tx| load(tx, app)).await
    }

    async fn take(
        &self,
        app: AppId,
        events: Vec<NewEvent>,
        checkpoint: Checkpoint,
        now: Wall,
    ) -> Result<Accepted, StoreError> {
        self.write_log("store an entry of a journal", move |tx, recent| {
            let accepted = events::accept(tx, recent, &events, now)?;
            save(tx, app, &checkpoint)?;
            Ok(accepted)
        })
        .await
    }

    async fn compare(&self, app: AppId, since: Wall, until: Wall, limit: u16) -> Result<Compared, StoreError> {
        self.write("compare webhooks and journal", move |tx| compare(tx, app, since, until, limit)).await
    }
}
