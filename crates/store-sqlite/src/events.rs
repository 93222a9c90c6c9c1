//! The log of what HubSpot has told.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use async_trait::async_trait;
use bytes::Bytes;
use linchpin_core::ingress::keys::{ChangeKey, DeliveryKey};
use linchpin_core::time::Wall;
use linchpin_hubspot::fingerprint::Fingerprint;
use linchpin_hubspot::id::{AppId, Install, ObjectType, RecordId};
use linchpin_hubspot::signature::Scheme;
use linchpin_ports::event_log::{Accepted, EventLog, LoggedEvent, NewEvent, Teller};
use linchpin_ports::store::StoreError;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::SqliteStore;
use crate::codec::{BLOB_VERSION, Scope, integer, narrow};
use crate::fault::{Fault, Place};

pub(crate) const LAST: &str = "
    select place
    from event
    where portal = ?1 and app = ?2
    order by place desc
    limit 1";

pub(crate) const INSERT: &str = "
    insert into event (portal, app, place, teller, occurred_at, received_at, kind, object_type, record, property,
                       delivery, change, body)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
    on conflict (portal, app, change) do nothing";

pub(crate) const DELIVERY: &str = "
    select delivery
    from event
    where portal = ?1 and app = ?2 and change = ?3";

pub(crate) const READ: &str = "
    select place, teller, occurred_at, received_at, kind, object_type, record, property, delivery, change, body
    from event
    where portal = ?1 and app = ?2 and place > ?3
    order by place
    limit ?4";

pub(crate) const OLDEST: &str = "
    select place, received_at
    from event
    where portal = ?1 and app = ?2
    order by place
    limit ?3";

pub(crate) const FORGET: &str = "
    delete from event
    where portal = ?1 and app = ?2 and place <= ?3";

pub(crate) const SIGNED: &str = "
    insert into signed (portal, app, scheme)
    values (0, ?1, ?2)
    on conflict (portal, app)
    do update set scheme = max(scheme, excluded.scheme)
    returning scheme";

pub(crate) const STRONGEST: &str = "
    select scheme
    from signed
    where portal = 0 and app = ?1";

fn accept(tx: &Connection, events: &[NewEvent], now: Wall) -> Result<Accepted, Fault> {
    let (mut accepted, mut last) = (Accepted::default(), BTreeMap::new());
    for event in events {
        let scope = Scope::of(event.install)?;
        let last = match last.entry(event.install) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => free.insert(last_place(tx, scope)?),
        };
        if insert(tx, scope, *last + 1, event, now)? {
            *last += 1;
            accepted.new += 1;
        } else if is_repeated(tx, scope, event)? {
            accepted.repeated += 1;
        } else {
            accepted.known += 1;
        }
    }
    Ok(accepted)
}

fn last_place(tx: &Connection, scope: Scope) -> Result<i64, Fault> {
    let last = tx.prepare_cached(LAST)?.query_row(params![scope.portal, scope.app], |row| row.get(0)).optional()?;
    Ok(last.unwrap_or(0))
}

/// Whether the change is new.
fn insert(tx: &Connection, scope: Scope, place: i64, event: &NewEvent, now: Wall) -> Result<bool, Fault> {
    let DeliveryKey(Fingerprint(delivery)) = event.delivery;
    let ChangeKey(Fingerprint(change)) = event.change;
    let mut body = Vec::with_capacity(event.raw.len() + 1);
    body.push(BLOB_VERSION);
    body.extend_from_slice(&event.raw);
    let rows = tx.prepare_cached(INSERT)?.execute(params![
        scope.portal,
        scope.app,
        place,
        teller_number(event.teller),
        event.occurred_at.0,
        now.0,
        event.kind,
        event.object_type.as_ref().map(ObjectType::as_str),
        event.record.map(|id| integer(id.0)).transpose()?,
        event.property,
        delivery,
        change,
        body
    ])?;
    Ok(rows > 0)
}

fn is_repeated(tx: &Connection, scope: Scope, event: &NewEvent) -> Result<bool, Fault> {
    let ChangeKey(Fingerprint(change)) = event.change;
    let DeliveryKey(Fingerprint(delivery)) = event.delivery;
    let stored: [u8; 16] =
        tx.prepare_cached(DELIVERY)?.query_row(params![scope.portal, scope.app, change], |row| row.get(0))?;
    Ok(stored == delivery)
}

fn read(tx: &Connection, install: Install, after: u64, limit: u16) -> Result<Vec<LoggedEvent>, Fault> {
    let scope = Scope::of(install)?;
    let mut statement = tx.prepare_cached(READ)?;
    let mut rows = statement.query(params![scope.portal, scope.app, integer(after)?, limit])?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        events.push(logged(row, install)?);
    }
    Ok(events)
}

fn logged(row: &Row<'_>, install: Install) -> Result<LoggedEvent, Fault> {
    let number: i64 = row.get(0)?;
    let place = |column| move || Place { table: "event", column, key: format!("{install} {number}") };
    let record: Option<i64> = row.get(6)?;
    let body: Vec<u8> = row.get(10)?;
    let raw = match body.split_first() {
        Some((&BLOB_VERSION, raw)) => Bytes::copy_from_slice(raw),
        Some(_) | None => return Err(Fault::Corrupt(place("body")())),
    };
    let event = NewEvent {
        install,
        teller: teller(row.get(1)?).ok_or_else(|| Fault::Corrupt(place("teller")()))?,
        occurred_at: Wall(row.get(2)?),
        kind: row.get(4)?,
        object_type: row.get::<_, Option<String>>(5)?.map(ObjectType::new),
        record: record.map(|id| narrow(id, place("record")).map(RecordId)).transpose()?,
        property: row.get(7)?,
        delivery: DeliveryKey(Fingerprint(row.get(8)?)),
        change: ChangeKey(Fingerprint(row.get(9)?)),
        raw,
    };
    Ok(LoggedEvent { place: narrow(number, place("place"))?, received_at: Wall(row.get(3)?), event })
}

/// Events come in in the order of their places, so that the old ones are the first ones.
fn forget(tx: &Connection, install: Install, before: Wall, limit: u16) -> Result<u64, Fault> {
    let scope = Scope::of(install)?;
    let newest = last_place(tx, scope)?;
    let mut statement = tx.prepare_cached(OLDEST)?;
    let oldest = statement.query_map(params![scope.portal, scope.app, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut upto = None;
    for row in oldest {
        let (place, received_at): (i64, i64) = row?;
        if received_at >= before.0 || place == newest {
            break;
        }
        upto = Some(place);
    }
    let Some(upto) = upto else { return Ok(0) };
    let rows = tx.prepare_cached(FORGET)?.execute(params![scope.portal, scope.app, upto])?;
    Ok(u64::try_from(rows).unwrap_or(u64::MAX))
}

fn teller_number(teller: Teller) -> i64 {
    match teller {
        Teller::Webhook => 0,
        Teller::Workflow => 1,
        Teller::Journal => 2,
    }
}

fn teller(number: i64) -> Option<Teller> {
    [Teller::Webhook, Teller::Workflow, Teller::Journal].into_iter().find(|teller| teller_number(*teller) == number)
}

fn scheme_number(scheme: Scheme) -> i64 {
    match scheme {
        Scheme::V1 => 1,
        Scheme::V2 => 2,
        Scheme::V3 => 3,
    }
}

fn scheme(number: i64, app: AppId) -> Result<Scheme, Fault> {
    let found = [Scheme::V1, Scheme::V2, Scheme::V3].into_iter().find(|scheme| scheme_number(*scheme) == number);
    found.ok_or_else(|| Fault::Corrupt(Place { table: "signed", column: "scheme", key: app.0.to_string() }))
}

fn signed(tx: &Connection, app: AppId, by: Scheme) -> Result<Scheme, Fault> {
    let mut statement = tx.prepare_cached(SIGNED)?;
    let strongest: i64 = statement.query_row(params![integer(app.0)?, scheme_number(by)], |row| row.get(0))?;
    scheme(strongest, app)
}

fn strongest(tx: &Connection, app: AppId) -> Result<Option<Scheme>, Fault> {
    let number: Option<i64> =
        tx.prepare_cached(STRONGEST)?.query_row(params![integer(app.0)?], |row| row.get(0)).optional()?;
    number.map(|number| scheme(number, app)).transpose()
}

#[async_trait]
impl EventLog for SqliteStore {
    async fn accept(&self, events: Vec<NewEvent>, now: Wall) -> Result<Accepted, StoreError> {
        self.write("store events", move |tx| accept(tx, &events, now)).await
    }

    async fn read(&self, install: Install, after: u64, limit: u16) -> Result<Vec<LoggedEvent>, StoreError> {
        self.read("read events", move |tx| read(tx, install, after, limit)).await
    }

    async fn last(&self, install: Install) -> Result<u64, StoreError> {
        self.read("find the newest event", move |tx| {
            let place = || Place { table: "event", column: "place", key: install.to_string() };
            narrow(last_place(tx, Scope::of(install)?)?, place)
        })
        .await
    }

    async fn forget(&self, install: Install, before: Wall, limit: u16) -> Result<u64, StoreError> {
        self.write("forget old events", move |tx| forget(tx, install, before, limit)).await
    }

    async fn signed(&self, app: AppId, scheme: Scheme) -> Result<Scheme, StoreError> {
        self.write("remember a signature's scheme", move |tx| signed(tx, app, scheme)).await
    }

    async fn strongest(&self, app: AppId) -> Result<Option<Scheme>, StoreError> {
        self.read("look up a signature's scheme", move |tx| strongest(tx, app)).await
    }
}
