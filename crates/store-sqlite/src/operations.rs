//! Promised writes: one row each. Bodies lie beside the rest, so that lists need not read them.

use async_trait::async_trait;
use bytes::Bytes;
use linchpin_core::gateway::operation::{End, IdempotencyKey, Kept, Request, State, Write, WriteId};
use linchpin_core::time::Wall;
use linchpin_hubspot::id::Install;
use linchpin_ports::operations::{Accepted, Operations};
use linchpin_ports::store::{Refusal, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::SqliteStore;
use crate::codec::{BLOB_VERSION, Scope, amount, decode, encode, integer, narrow};
use crate::fault::{Fault, Place, touched};

const ACCEPTED: i64 = 0;
const SENT: i64 = 1;
const ANSWERED: i64 = 2;
const UNKNOWN: i64 = 3;
const GIVEN_UP: i64 = 4;

pub(crate) const ACCEPT: &str = "
    insert into promise (portal, app, seq, id, caller, idempotency_key, digest, acknowledged, accepted_at, state,
        request, request_body)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?10, ?11)";

pub(crate) const LAST_SEQ: &str = "
    select max(seq)
    from promise
    where portal = ?1 and app = ?2";

pub(crate) const BY_KEY: &str = "
    select seq, id, caller, idempotency_key, digest, acknowledged, accepted_at, state, ended_at, request, ending,
        request_body, answer_body
    from promise
    where portal = ?1 and app = ?2 and caller = ?3 and idempotency_key = ?4";

pub(crate) const BY_ID: &str = "
    select seq, id, caller, idempotency_key, digest, acknowledged, accepted_at, state, ended_at, request, ending,
        request_body, answer_body
    from promise
    where portal = ?1 and app = ?2 and id = ?3";

pub(crate) const OPEN: &str = "
    select seq, id, caller, idempotency_key, digest, acknowledged, accepted_at, state, ended_at, request, ending,
        null, null
    from promise
    where portal = ?1 and app = ?2 and state = ?3
    order by seq";

pub(crate) const RECENT: &str = "
    select seq, id, caller, idempotency_key, digest, acknowledged, accepted_at, state, ended_at, request, ending,
        null, null
    from promise
    where portal = ?1 and app = ?2
    order by seq desc
    limit ?3";

pub(crate) const MOVE: &str = "
    update promise
    set state = ?5
    where portal = ?1 and app = ?2 and id = ?3 and state = ?4";

pub(crate) const REQUEST: &str = "
    select request
    from promise
    where portal = ?1 and app = ?2 and id = ?3 and state = 1";

pub(crate) const SETTLE: &str = "
    update promise
    set state = ?4, ended_at = ?5, request = ?6, request_body = ?7, ending = ?8, answer_body = ?9
    where portal = ?1 and app = ?2 and id = ?3 and state = 1";

pub(crate) const DROP: &str = "
    delete from promise
    where portal = ?1 and app = ?2 and id = ?3 and state = 4";

pub(crate) const FORGET: &str = "
    delete from promise
    where portal = ?1 and app = ?2 and seq in (
        select seq
        from promise
        where portal = ?1 and app = ?2 and ended_at <= ?3
        order by ended_at
        limit ?4)";

/// Bytes as a versioned blob.
fn raw(bytes: &[u8]) -> Vec<u8> {
    let mut blob = Vec::with_capacity(bytes.len() + 1);
    blob.push(BLOB_VERSION);
    blob.extend_from_slice(bytes);
    blob
}

fn unraw(blob: Vec<u8>, place: impl FnOnce() -> Place) -> Result<Bytes, Fault> {
    match blob.first() {
        Some(&BLOB_VERSION) => Ok(Bytes::from(blob).slice(1..)),
        Some(_) | None => Err(Fault::Corrupt(place())),
    }
}

/// A row as it is stored.
struct Stored {
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
}

impl Stored {
    fn read(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
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
        })
    }

    fn write(self) -> Result<(u64, Write), Fault> {
        let name = self.id.clone();
        let place = |column| Place { table: "promise", column, key: name.clone() };
        let mut request: Request = decode(&self.request, || place("request"))?;
        if let Some(body) = self.request_body {
            request.body = unraw(body, || place("request_body"))?;
        }
        let state = match (self.state, self.ended, self.ending) {
            (ACCEPTED, None, None) => State::Accepted,
            (SENT, None, None) => State::Sent,
            (ANSWERED | UNKNOWN | GIVEN_UP, Some(at), Some(ending)) => {
                let mut end: End = decode(&ending, || place("ending"))?;
                if let (End::Answered(kept), Some(body)) = (&mut end, self.answer_body) {
                    kept.body = Some(unraw(body, || place("answer_body"))?);
                }
                State::Ended { at: Wall(at), end }
            }
            _ => return Err(Fault::Corrupt(place("state"))),
        };
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
    let last: Option<i64> =
        tx.prepare_cached(LAST_SEQ)?.query_row(params![scope.portal, scope.app], |row| row.get(0))?;
    let seq: u64 = narrow(last.unwrap_or(0), || Place { table: "promise", column: "seq", key: install.to_string() })?;
    let seq = seq + 1;
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
    ])?;
    touched("promise", rows, 1)?;
    Ok(Accepted::New(seq))
}

fn step(tx: &Connection, install: Install, id: &WriteId, from: i64, to: i64) -> Result<(), Fault> {
    let scope = Scope::of(install)?;
    let rows = tx.prepare_cached(MOVE)?.execute(params![scope.portal, scope.app, id.0, from, to])?;
    if rows == 1 { Ok(()) } else { Err(Refusal::WriteState(id.0.clone()).into()) }
}

fn settle(tx: &Connection, install: Install, id: &WriteId, end: &End, now: Wall) -> Result<(), Fault> {
    let scope = Scope::of(install)?;
    let request: Option<Vec<u8>> =
        tx.prepare_cached(REQUEST)?.query_row(params![scope.portal, scope.app, id.0], |row| row.get(0)).optional()?;
    let Some(request) = request else { return Err(Refusal::WriteState(id.0.clone()).into()) };
    let request: Request = decode(&request, || Place { table: "promise", column: "request", key: id.0.clone() })?;
    let request = Request { headers: Vec::new(), ..request };
    let (state, body) = match end {
        End::Answered(Kept { body, .. }) => (ANSWERED, body.as_deref().map(raw)),
        End::Unknown => (UNKNOWN, None),
        End::GivenUp { .. } => (GIVEN_UP, None),
    };
    let rows = tx.prepare_cached(SETTLE)?.execute(params![
        scope.portal,
        scope.app,
        id.0,
        state,
        now.0,
        encode(&request)?,
        raw(&[]),
        encode(end)?,
        body,
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
    for state in [ACCEPTED, SENT] {
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
    let rows = tx.prepare_cached(DROP)?.execute(params![scope.portal, scope.app, id.0])?;
    if rows == 1 { Ok(()) } else { Err(Refusal::WriteState(id.0.clone()).into()) }
}

fn forget(tx: &Connection, install: Install, until: Wall, limit: usize) -> Result<usize, Fault> {
    let scope = Scope::of(install)?;
    Ok(tx.prepare_cached(FORGET)?.execute(params![scope.portal, scope.app, until.0, amount(limit)])?)
}

#[async_trait]
impl Operations for SqliteStore {
    async fn accept(&self, install: Install, write: Write) -> Result<Accepted, StoreError> {
        self.write("accept a write", move |tx| accept(tx, install, &write)).await
    }

    async fn send(&self, install: Install, id: &WriteId) -> Result<(), StoreError> {
        let id = id.clone();
        self.write("note that a write is sent", move |tx| step(tx, install, &id, ACCEPTED, SENT)).await
    }

    async fn put_back(&self, install: Install, id: &WriteId) -> Result<(), StoreError> {
        let id = id.clone();
        self.write("put a write back", move |tx| step(tx, install, &id, SENT, ACCEPTED)).await
    }

    async fn settle(&self, install: Install, id: &WriteId, end: End, now: Wall) -> Result<(), StoreError> {
        let id = id.clone();
        self.write("write the end of a write", move |tx| settle(tx, install, &id, &end, now)).await
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
