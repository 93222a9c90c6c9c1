//! Dead letters: rows of promised writes that ended without success and keep their request.

use async_trait::async_trait;
use bytes::Bytes;
use linchpin_core::gateway::operation::{Event, Request, Write, WriteId};
use linchpin_core::time::Wall;
use linchpin_hubspot::id::Install;
use linchpin_ports::dead_letters::{DeadLetters, Filter, Letter};
use linchpin_ports::store::{Refusal, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::SqliteStore;
use crate::codec::{Scope, amount, decode, encode, integer, narrow};
use crate::fault::{Fault, Place};
use crate::operations::{Stored, longer, moved, next_seq, raw, unraw};

pub(crate) const LIST: &str = "
    select seq, id, caller, idempotency_key, digest, acknowledged, accepted_at, state, ended_at, request, ending,
        null, null, tries, due_at, past, reason
    from promise
    where portal = ?1 and app = ?2 and dead = 1 and seq < ?3 and (?4 is null or status = ?4)
        and (?5 is null or caller = ?5)
    order by seq desc
    limit ?6";

pub(crate) const COUNT: &str = "
    select count(*)
    from promise
    where portal = ?1 and app = ?2 and dead = 1";

pub(crate) const LETTER: &str = "
    select seq, id, caller, idempotency_key, digest, acknowledged, accepted_at, state, ended_at, request, ending,
        request_body, answer_body, tries, due_at, past, reason, first_body
    from promise
    where portal = ?1 and app = ?2 and id = ?3 and dead = 1";

pub(crate) const BODIES: &str = "
    select length(request_body), past
    from promise
    where portal = ?1 and app = ?2 and id = ?3 and dead = 1";

pub(crate) const EDIT: &str = "
    update promise
    set first_body = coalesce(first_body, request_body), request_body = ?4, past = ?5
    where portal = ?1 and app = ?2 and id = ?3 and dead = 1";

pub(crate) const REPLAY: &str = "
    update promise
    set seq = ?4, state = 0, tries = 0, due_at = ?5, past = ?6, acknowledged = 1, ended_at = null, ending = null,
        answer_body = null, status = null, dead = 0, reason = null
    where portal = ?1 and app = ?2 and id = ?3 and dead = 1";

pub(crate) const REQUEST: &str = "
    select request
    from promise
    where portal = ?1 and app = ?2 and id = ?3 and dead = 1";

pub(crate) const DISCARD: &str = "
    update promise
    set request = ?4, request_body = ?5, first_body = null, dead = 0, reason = null
    where portal = ?1 and app = ?2 and id = ?3 and dead = 1";

pub(crate) const OLDEST: &str = "
    select id, ended_at
    from promise
    where portal = ?1 and app = ?2 and dead = 1
    order by ended_at
    limit ?3";

fn place(id: &WriteId, column: &'static str) -> Place {
    Place { table: "promise", column, key: id.0.clone() }
}

fn list(
    tx: &Connection,
    install: Install,
    filter: &Filter,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<(u64, Write)>, Fault> {
    let scope = Scope::of(install)?;
    let before = before.map_or(Ok(i64::MAX), integer)?;
    let status = filter.status.map(i64::from);
    let mut statement = tx.prepare_cached(LIST)?;
    let wanted = params![scope.portal, scope.app, before, status, filter.caller, amount(limit)];
    let rows = statement.query_map(wanted, Stored::read)?;
    rows.map(|row| row?.write()).collect()
}

fn count(tx: &Connection, install: Install) -> Result<u64, Fault> {
    let scope = Scope::of(install)?;
    let count: i64 = tx.prepare_cached(COUNT)?.query_row(params![scope.portal, scope.app], |row| row.get(0))?;
    narrow(count, || Place { table: "promise", column: "dead", key: install.to_string() })
}

fn letter(tx: &Connection, install: Install, id: &WriteId) -> Result<Option<Letter>, Fault> {
    let scope = Scope::of(install)?;
    let read = |row: &Row<'_>| Ok((Stored::read(row)?, row.get::<_, Option<Vec<u8>>>(17)?));
    let found = tx.prepare_cached(LETTER)?.query_row(params![scope.portal, scope.app, id.0], read).optional()?;
    let Some((stored, first)) = found else { return Ok(None) };
    let first_body = first.map(|body| unraw(body, || place(id, "first_body"))).transpose()?;
    Ok(Some(Letter { write: stored.write()?.1, first_body }))
}

/// The bytes of the body of a dead letter, and its history.
fn bodies(tx: &Connection, install: Install, id: &WriteId) -> Result<(u64, Option<Vec<u8>>), Fault> {
    let scope = Scope::of(install)?;
    let read = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get(1)?));
    let found = tx.prepare_cached(BODIES)?.query_row(params![scope.portal, scope.app, id.0], read).optional()?;
    let Some((length, past)) = found else { return Err(Refusal::WriteState(id.0.clone()).into()) };
    // The version byte is none of the body's.
    Ok((narrow(length.saturating_sub(1), || place(id, "request_body"))?, past))
}

fn edit(tx: &Connection, install: Install, id: &WriteId, body: &[u8], now: Wall) -> Result<(), Fault> {
    let scope = Scope::of(install)?;
    let (bytes_before, past) = bodies(tx, install, id)?;
    let event = Event::Edited { at: now, bytes_before, bytes_after: body.len() as u64 };
    let past = longer(past.as_deref(), Some(event), id)?;
    moved(tx.prepare_cached(EDIT)?.execute(params![scope.portal, scope.app, id.0, raw(body), past])?, id)
}

fn replay(tx: &Connection, install: Install, id: &WriteId, now: Wall) -> Result<u64, Fault> {
    let scope = Scope::of(install)?;
    let (_, past) = bodies(tx, install, id)?;
    let past = longer(past.as_deref(), Some(Event::Replayed { at: now }), id)?;
    let seq = next_seq(tx, install)?;
    let values = params![scope.portal, scope.app, id.0, integer(seq)?, now.0, past];
    moved(tx.prepare_cached(REPLAY)?.execute(values)?, id)?;
    Ok(seq)
}

fn discard(tx: &Connection, install: Install, id: &WriteId) -> Result<(), Fault> {
    let scope = Scope::of(install)?;
    let found: Option<Vec<u8>> =
        tx.prepare_cached(REQUEST)?.query_row(params![scope.portal, scope.app, id.0], |row| row.get(0)).optional()?;
    let Some(request) = found else { return Err(Refusal::WriteState(id.0.clone()).into()) };
    let request: Request = decode(&request, || place(id, "request"))?;
    let request = encode(&Request { headers: Vec::new(), ..request })?;
    moved(tx.prepare_cached(DISCARD)?.execute(params![scope.portal, scope.app, id.0, request, raw(&[])])?, id)
}

fn discard_old(tx: &Connection, install: Install, until: Wall, keep: usize, limit: usize) -> Result<usize, Fault> {
    let scope = Scope::of(install)?;
    let there = usize::try_from(count(tx, install)?).unwrap_or(usize::MAX);
    let beyond = there.saturating_sub(keep);
    let read = |row: &Row<'_>| Ok((WriteId(row.get(0)?), Wall(row.get(1)?)));
    let mut statement = tx.prepare_cached(OLDEST)?;
    let oldest = statement.query_map(params![scope.portal, scope.app, amount(limit)], read)?;
    let oldest: Vec<(WriteId, Wall)> = oldest.collect::<Result<_, _>>()?;
    let mut discarded = 0;
    for (place, (id, ended)) in oldest.iter().enumerate() {
        if *ended <= until || place < beyond {
            discard(tx, install, id)?;
            discarded += 1;
        }
    }
    Ok(discarded)
}

#[async_trait]
impl DeadLetters for SqliteStore {
    async fn list(
        &self,
        install: Install,
        filter: &Filter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Write)>, StoreError> {
        let filter = filter.clone();
        self.read("list dead letters", move |tx| list(tx, install, &filter, before, limit)).await
    }

    async fn count(&self, install: Install) -> Result<u64, StoreError> {
        self.read("count dead letters", move |tx| count(tx, install)).await
    }

    async fn letter(&self, install: Install, id: &WriteId) -> Result<Option<Letter>, StoreError> {
        let id = id.clone();
        self.read("look a dead letter up", move |tx| letter(tx, install, &id)).await
    }

    async fn edit(&self, install: Install, id: &WriteId, body: Bytes, now: Wall) -> Result<(), StoreError> {
        let id = id.clone();
        self.write("edit a dead letter", move |tx| edit(tx, install, &id, &body, now)).await
    }

    async fn replay(&self, install: Install, id: &WriteId, now: Wall) -> Result<u64, StoreError> {
        let id = id.clone();
        self.write("replay a dead letter", move |tx| replay(tx, install, &id, now)).await
    }

    async fn discard(&self, install: Install, id: &WriteId) -> Result<(), StoreError> {
        let id = id.clone();
        self.write("discard a dead letter", move |tx| discard(tx, install, &id)).await
    }

    async fn discard_old(&self, install: Install, until: Wall, keep: usize, limit: usize) -> Result<usize, StoreError> {
        self.write("discard old dead letters", move |tx| discard_old(tx, install, until, keep, limit)).await
    }
}
