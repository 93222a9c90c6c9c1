//! Promised writes: one row each. Bodies lie beside the rest, so that lists need not read them.

use async_trait::async_trait;
use bytes::Bytes;
use linchpin_core::gateway::dead::{Reason, without_secrets};
use linchpin_core::gateway::operation::{End, Event, IdempotencyKey, Kept, Progress, Request, State, Write, WriteId};
use linchpin_core::time::Wall;
use linchpin_hubspot::id::Install;
use linchpin_ports::operations::{Accepted, Ending, Operations};
use linchpin_ports::store::{Refusal, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::SqliteStore;
use crate::codec::{BLOB_VERSION, Scope, amount, decode, encode, integer, narrow};
use crate::fault::{Fault, Place, touched};

const ACCEPTED: i64 = 0;
const ON_ITS_WAY: i64 = 1;
const ANSWERED: i64 = 2;
const UNKNOWN: i64 = 3;
const GIVEN_UP: i64 = 4;

pub(crate) const ACCEPT: &str = "
    insert into promise (portal, app, seq, id, caller, idempotency_key, digest, acknowledged, accepted_at, state,
        request, request_body, tries, due_at, past)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?10, ?11, ?12, ?13, ?14)";

pub(crate) const LAST_SEQ: &str = "
    select max(seq)
    from promise
    where portal = ?1 and app = ?2";

pub(crate) const BY_KEY: &str = "
    select seq, id, caller, idempotency_key, digest, acknowledged, accepted_at, state, ended_at, request, ending,
        request_body, answer_body, tries, due_at, past, reason
    from promise
    where portal = ?1 and app = ?2 and caller = ?3 and idempotency_key = ?4";

pub(crate) const BY_ID: &str = "
    select seq, id, caller, idempotency_key, digest, acknowledged, accepted_at, state, ended_at, request, ending,
        request_body, answer_body, tries, due_at, past, reason
    from promise
    where portal = ?1 and app = ?2 and id = ?3";

pub(crate) const OPEN: &str = "
    select seq, id, caller, idempotency_key, digest, acknowledged, accepted_at, state, ended_at, request, ending,
        null, null, tries, due_at, past, reason
    from promise
    where portal = ?1 and app = ?2 and state = ?3
    order by seq";

pub(crate) const RECENT: &str = "
    select seq, id, caller, idempotency_key, digest, acknowledged, accepted_at, state, ended_at, request, ending,
        null, null, tries, due_at, past, reason
    from promise
    where portal = ?1 and app = ?2
    order by seq desc
    limit ?3";

pub(crate) const SEND: &str = "
    update promise
    set state = 1, tries = tries + 1
    where portal = ?1 and app = ?2 and id = ?3 and state = 0";

pub(crate) const PUT_BACK: &str = "
    update promise
    set state = 0, due_at = ?4, past = ?5
    where portal = ?1 and app = ?2 and id = ?3 and state = 1";

pub(crate) const SENT: &str = "
    select request, past
    from promise
    where portal = ?1 and app = ?2 and id = ?3 and state = 1";

pub(crate) const SETTLE: &str = "
    update promise
    set state = ?4, ended_at = ?5, request = ?6, request_body = iif(?11, request_body, ?7),
        first_body = iif(?11, first_body, null), ending = ?8, answer_body = ?9, status = ?10, dead = ?11, reason = ?12,
        past = ?13
    where portal = ?1 and app = ?2 and id = ?3 and state = 1";

pub(crate) const DROP: &str = "
    delete from promise
    where portal = ?1 and app = ?2 and id = ?3 and state = 4";

pub(crate) const FORGET: &str = "
    delete from promise
    where portal = ?1 and app = ?2 and seq in (
        select seq
        from promise
        where portal = ?1 and app = ?2 and ended_at <= ?3 and dead = 0
        order by ended_at
        limit ?4)";

pub(crate) const FREE_KEYS: &str = "
    update promise
    set idempotency_key = null
    where portal = ?1 and app = ?2 and ended_at <= ?3 and dead = 1 and idempotency_key is not null";

/// Bytes as a versioned blob.
pub(crate) fn raw(bytes: &[u8]) -> Vec<u8> {
    let mut blob = Vec::with_capacity(bytes.len() + 1);
    blob.push(BLOB_VERSION);
    blob.extend_from_slice(bytes);
    blob
}

pub(crate) fn unraw(blob: Vec<u8>, place: impl FnOnce() -> Place) -> Result<Bytes, Fault> {
    match blob.first() {
        Some(&BLOB_VERSION) => Ok(Bytes::from(blob).slice(1..)),
        Some(_) | None => Err(Fault::Corrupt(place())),
    }
}

/// A row as it is stored.
pub(crate) struct Stored {
    seq: i64,
    id: String,
    caller: String,
    key: Option<String>,
    digest: Vec<u8>,
    acknowledged: bool,
    accepted: i64,
    state: i64,
    ended: Option<i64>,
    request: Vec<u8>,
    ending: Option<Vec<u8>>,
    request_body: Option<Vec<u8>>,
    answer_body: Option<Vec<u8>>,
    tries: i64,
    due: i64,
    past: Option<Vec<u8>>,
    reason: Option<Vec<u8>>,
}

impl Stored {
    pub(crate) fn read(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            seq: row.get(0)?,
            id: row.get(1)?,
            caller: row.get(2)?,
            key: row.get(3)?,
            digest: row.get(4)?,
            acknowledged: row.get(5)?,
            accepted: row.get(6)?,
            state: row.get(7)?,
            ended: row.get(8)?,
            request: row.get(9)?,
            ending: row.get(10)?,
            request_body: row.get(11)?,
            answer_body: row.get(12)?,
            tries: row.get(13)?,
            due: row.get(14)?,
            past: row.get(15)?,
            reason: row.get(16)?,
        })
    }

    pub(crate) fn write(self) -> Result<(u64, Write), Fault> {
        let name = self.id.clone();
        let place = |column| Place { table: "promise", column, key: name.clone() };
        let mut request: Request = decode(&self.request, || place("request"))?;
        if let Some(body) = self.request_body {
            request.body = unraw(body, || place("request_body"))?;
        }
        let state = match (self.state, self.ended, self.ending) {
            (ACCEPTED, None, None) => State::Accepted,
            (ON_ITS_WAY, None, None) => State::Sent,
            (ANSWERED | UNKNOWN | GIVEN_UP, Some(at), Some(ending)) => {
                let mut end: End = decode(&ending, || place("ending"))?;
                if let (End::Answered(kept), Some(body)) = (&mut end, self.answer_body) {
                    kept.body = Some(unraw(body, || place("answer_body"))?);
                }
                State::Ended { at: Wall(at), end }
            }
            _ => return Err(Fault::Corrupt(place("state"))),
        };
        let progress = Progress {
            tries: narrow(self.tries, || place("tries"))?,
            due: Wall(self.due),
            past: history(self.past.as_deref(), &name)?,
        };
        let dead: Option<Reason> = self.reason.map(|reason| decode(&reason, || place("reason"))).transpose()?;
        let key = self.key.map(|key| IdempotencyKey::new(key.as_bytes())).transpose();
        let write = Write {
            id: WriteId(self.id.clone()),
            caller: self.caller,
            key: key.map_err(|_| Fault::Corrupt(place("idempotency_key")))?,
            digest: self.digest.try_into().map_err(|_| Fault::Corrupt(place("digest")))?,
            acknowledged: self.acknowledged,
            request,
            accepted: Wall(self.accepted),
            state,
            progress,
            dead,
        };
        Ok((narrow(self.seq, || place("seq"))?, write))
    }
}

fn accept(tx: &Connection, install: Install, write: &Write) -> Result<Accepted, Fault> {
    let scope = Scope::of(install)?;
    let key = write.key.as_ref().map(IdempotencyKey::as_str);
    if let Some(key) = key {
        let known = tx
            .prepare_cached(BY_KEY)?
            .query_row(params![scope.portal, scope.app, write.caller, key], Stored::read)
            .optional()?;
        if let Some(known) = known {
            return Ok(Accepted::Known(Box::new(known.write()?.1)));
        }
    }
    let seq = next_seq(tx, install)?;
    let rows = tx.prepare_cached(ACCEPT)?.execute(params![
        scope.portal,
        scope.app,
        integer(seq)?,
        write.id.0,
        write.caller,
        key,
        write.digest.as_slice(),
        write.acknowledged,
        write.accepted.0,
        encode(&write.request)?,
        raw(&write.request.body),
        i64::from(write.progress.tries),
        write.progress.due.0,
        encode(&write.progress.past)?,
    ])?;
    touched("promise", rows, 1)?;
    Ok(Accepted::New(seq))
}

/// The number after the highest.
pub(crate) fn next_seq(tx: &Connection, install: Install) -> Result<u64, Fault> {
    let scope = Scope::of(install)?;
    let last: Option<i64> =
        tx.prepare_cached(LAST_SEQ)?.query_row(params![scope.portal, scope.app], |row| row.get(0))?;
    let seq: u64 = narrow(last.unwrap_or(0), || Place { table: "promise", column: "seq", key: install.to_string() })?;
    Ok(seq + 1)
}

/// Refused, if the one row that was meant was not in the state for it.
pub(crate) fn moved(rows: usize, id: &WriteId) -> Result<(), Fault> {
    if rows == 1 { Ok(()) } else { Err(Refusal::WriteState(id.0.clone()).into()) }
}

/// What has happened to a write. Those of an earlier schema have no history.
pub(crate) fn history(past: Option<&[u8]>, id: &str) -> Result<Vec<Event>, Fault> {
    let place = || Place { table: "promise", column: "past", key: id.to_owned() };
    past.map_or_else(|| Ok(Vec::new()), |past| decode(past, place))
}

/// A history with one event more.
pub(crate) fn longer(past: Option<&[u8]>, event: Option<Event>, id: &WriteId) -> Result<Vec<u8>, Fault> {
    let mut progress = Progress { past: history(past, &id.0)?, ..Progress::default() };
    if let Some(event) = event {
        progress.push(event);
    }
    encode(&progress.past)
}

fn send(tx: &Connection, install: Install, id: &WriteId) -> Result<(), Fault> {
    let scope = Scope::of(install)?;
    moved(tx.prepare_cached(SEND)?.execute(params![scope.portal, scope.app, id.0])?, id)
}

/// Request and history of a sent write.
fn sent(tx: &Connection, install: Install, id: &WriteId) -> Result<(Request, Option<Vec<u8>>), Fault> {
    let scope = Scope::of(install)?;
    let read = |row: &Row<'_>| Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?));
    let found = tx.prepare_cached(SENT)?.query_row(params![scope.portal, scope.app, id.0], read).optional()?;
    let Some((request, past)) = found else { return Err(Refusal::WriteState(id.0.clone()).into()) };
    Ok((decode(&request, || Place { table: "promise", column: "request", key: id.0.clone() })?, past))
}

fn put_back(tx: &Connection, install: Install, id: &WriteId, due: Wall, event: Option<Event>) -> Result<(), Fault> {
    let scope = Scope::of(install)?;
    let (_, past) = sent(tx, install, id)?;
    let past = longer(past.as_deref(), event, id)?;
    moved(tx.prepare_cached(PUT_BACK)?.execute(params![scope.portal, scope.app, id.0, due.0, past])?, id)
}

fn settle(tx: &Connection, install: Install, id: &WriteId, ending: Ending, now: Wall) -> Result<(), Fault> {
    let scope = Scope::of(install)?;
    let (request, past) = sent(tx, install, id)?;
    let Ending { end, event, dead } = ending;
    let headers = if dead.is_some() { without_secrets(request.headers) } else { Vec::new() };
    let request = Request { headers, ..request };
    let (state, status, body) = match &end {
        End::Answered(Kept { status, body, .. }) => (ANSWERED, Some(i64::from(*status)), body.as_deref().map(raw)),
        End::Unknown => (UNKNOWN, None, None),
        End::GivenUp { .. } => (GIVEN_UP, None, None),
    };
    let rows = tx.prepare_cached(SETTLE)?.execute(params![
        scope.portal,
        scope.app,
        id.0,
        state,
        now.0,
        encode(&request)?,
        raw(&[]),
        encode(&end)?,
        body,
        status,
        dead.is_some(),
        dead.map(|reason| encode(&reason)).transpose()?,
        longer(past.as_deref(), event, id)?,
    ])?;
    touched("promise", rows, 1)
}

fn get(tx: &Connection, install: Install, id: &WriteId) -> Result<Option<Write>, Fault> {
    let scope = Scope::of(install)?;
    let found = tx.prepare_cached(BY_ID)?.query_row(params![scope.portal, scope.app, id.0], Stored::read).optional()?;
    found.map(|found| Ok(found.write()?.1)).transpose()
}

fn open(tx: &Connection, install: Install) -> Result<Vec<(u64, Write)>, Fault> {
    let scope = Scope::of(install)?;
    let mut all = Vec::new();
    for state in [ACCEPTED, ON_ITS_WAY] {
        let mut statement = tx.prepare_cached(OPEN)?;
        for row in statement.query_map(params![scope.portal, scope.app, state], Stored::read)? {
            all.push(row?.write()?);
        }
    }
    all.sort_unstable_by_key(|(seq, _)| *seq);
    Ok(all)
}

fn recent(tx: &Connection, install: Install, limit: usize) -> Result<Vec<Write>, Fault> {
    let scope = Scope::of(install)?;
    let mut statement = tx.prepare_cached(RECENT)?;
    let rows = statement.query_map(params![scope.portal, scope.app, amount(limit)], Stored::read)?;
    rows.map(|row| Ok(row?.write()?.1)).collect()
}

fn drop_given_up(tx: &Connection, install: Install, id: &WriteId) -> Result<(), Fault> {
    let scope = Scope::of(install)?;
    moved(tx.prepare_cached(DROP)?.execute(params![scope.portal, scope.app, id.0])?, id)
}

fn forget(tx: &Connection, install: Install, until: Wall, limit: usize) -> Result<usize, Fault> {
    let scope = Scope::of(install)?;
    tx.prepare_cached(FREE_KEYS)?.execute(params![scope.portal, scope.app, until.0])?;
    Ok(tx.prepare_cached(FORGET)?.execute(params![scope.portal, scope.app, until.0, amount(limit)])?)
}

#[async_trait]
impl Operations for SqliteStore {
    async fn accept(&self, install: Install, write: Write) -> Result<Accepted, StoreError> {
        self.write("accept a write", move |tx| accept(tx, install, &write)).await
    }

    async fn send(&self, install: Install, id: &WriteId) -> Result<(), StoreError> {
        let id = id.clone();
        self.write("note that a write is sent", move |tx| send(tx, install, &id)).await
    }

    async fn put_back(
        &self,
        install: Install,
        id: &WriteId,
        due: Wall,
        event: Option<Event>,
    ) -> Result<(), StoreError> {
        let id = id.clone();
        self.write("put a write back", move |tx| put_back(tx, install, &id, due, event)).await
    }

    async fn settle(&self, install: Install, id: &WriteId, ending: Ending, now: Wall) -> Result<(), StoreError> {
        let id = id.clone();
        self.write("write the end of a write", move |tx| settle(tx, install, &id, ending, now)).await
    }

    async fn drop_given_up(&self, install: Install, id: &WriteId) -> Result<(), StoreError> {
        let id = id.clone();
        self.write("drop a write that was given up", move |tx| drop_given_up(tx, install, &id)).await
    }

    async fn get(&self, install: Install, id: &WriteId) -> Result<Option<Write>, StoreError> {
        let id = id.clone();
        self.read("look a write up", move |tx| get(tx, install, &id)).await
    }

    async fn open(&self, install: Install) -> Result<Vec<(u64, Write)>, StoreError> {
        self.read("list open writes", move |tx| open(tx, install)).await
    }

    async fn recent(&self, install: Install, limit: usize) -> Result<Vec<Write>, StoreError> {
        self.read("list the last writes", move |tx| recent(tx, install, limit)).await
    }

    async fn forget(&self, install: Install, until: Wall, limit: usize) -> Result<usize, StoreError> {
        self.write("forget old writes", move |tx| forget(tx, install, until, limit)).await
    }
}
