//! The log of what HubSpot has told.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use async_trait::async_trait;
use bytes::Bytes;
use linchpin_core::echo::Echo;
use linchpin_core::ingress::keys::{ChangeKey, DeliveryKey};
use linchpin_core::time::Wall;
use linchpin_hubspot::fingerprint::Fingerprint;
use linchpin_hubspot::id::{AppId, Install, ObjectType, PortalId, RecordId};
use linchpin_hubspot::signature::Scheme;
use linchpin_ports::event_log::{Accepted, EventLog, LoggedEvent, NewEvent, Teller};
use linchpin_ports::store::StoreError;
use rusqlite::{Connection, OptionalExtension, Row, Statement, params};

use crate::SqliteStore;
use crate::changes::{Key, Recent};
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
                       delivery, change, body, echo_caller, echo_sent_at)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";

pub(crate) const DELIVERY: &str = "
    select delivery
    from event
    where portal = ?1 and app = ?2 and place = ?3";

/// Notes that somebody else tells a change as well.
pub(crate) const ALSO: &str = "
    update event
    set also = also | ?5
    where portal = ?1 and app = ?2 and place = ?3 and teller <> ?4 and also & ?5 = 0";

pub(crate) const READ: &str = "
    select place, teller, occurred_at, received_at, kind, object_type, record, property, delivery, change, body,
        echo_caller, echo_sent_at
    from event
    where portal = ?1 and app = ?2 and place > ?3
    order by place
    limit ?4";

pub(crate) const OLDEST: &str = "
    select place, received_at, (case when record is null then 0 else occurred_at end), change
    from event
    where portal = ?1 and app = ?2
    order by place
    limit ?3";

pub(crate) const FORGET: &str = "
    delete from event
    where portal = ?1 and app = ?2 and place <= ?3";

pub(crate) const RECEIVED: &str = "
    select place, received_at
    from event
    where portal = ?1 and app = ?2 and place >= ?3
    order by place
    limit 1";

pub(crate) const FIRST_INSTALL: &str = "
    select portal, app
    from event
    where portal >= 0
    order by portal, app
    limit 1";

pub(crate) const NEXT_INSTALL: &str = "
    select portal, app
    from event
    where (portal, app) > (?1, ?2)
    order by portal, app
    limit 1";

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

pub(crate) fn accept(tx: &Connection, recent: &mut Recent, events: &[NewEvent], now: Wall) -> Result<Accepted, Fault> {
    let (mut accepted, mut last, mut body) = (Accepted::default(), BTreeMap::new(), Vec::new());
    let mut statement = tx.prepare_cached(INSERT)?;
    for event in events {
        let key = key(event)?;
        if let Some(place) = recent.place(tx, &key)? {
            if is_repeated(tx, (key.scope, place), event)? {
                accepted.repeated += 1;
            } else {
                also(tx, (key.scope, place), event)?;
                accepted.known += 1;
            }
            continue;
        }
        let last = match last.entry(key.scope) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => free.insert(last_place(tx, key.scope)?),
        };
        *last += 1;
        insert(&mut statement, (key.scope, *last), event, now, &mut body)?;
        recent.add(key, *last);
        accepted.new += 1;
    }
    recent.settle(tx, events.len())?;
    Ok(accepted)
}

pub(crate) fn last_place(tx: &Connection, scope: Scope) -> Result<i64, Fault> {
    let last = tx.prepare_cached(LAST)?.query_row(params![scope.portal, scope.app], |row| row.get(0)).optional()?;
    Ok(last.unwrap_or(0))
}

/// The place of the oldest event; zero if there is none.
pub(crate) fn first_place(tx: &Connection, scope: Scope) -> Result<i64, Fault> {
    let first =
        tx.prepare_cached(OLDEST)?.query_row(params![scope.portal, scope.app, 1], |row| row.get(0)).optional()?;
    Ok(first.unwrap_or(0))
}

/// Appends an event. `body` is room that is used again.
fn insert(
    statement: &mut Statement<'_>,
    (scope, place): (Scope, i64),
    event: &NewEvent,
    now: Wall,
    body: &mut Vec<u8>,
) -> Result<(), Fault> {
    let DeliveryKey(Fingerprint(delivery)) = event.delivery;
    let ChangeKey(Fingerprint(change)) = event.change;
    body.clear();
    body.push(BLOB_VERSION);
    body.extend_from_slice(&event.raw);
    statement.execute(params![
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
        &*body,
        event.echo.as_ref().map(|echo| echo.caller.as_str()),
        event.echo.as_ref().map(|echo| echo.sent_at.0)
    ])?;
    Ok(())
}

fn also(tx: &Connection, (scope, place): (Scope, i64), event: &NewEvent) -> Result<(), Fault> {
    let (teller, bit) = (teller_number(event.teller), bit_of(event.teller));
    tx.prepare_cached(ALSO)?.execute(params![scope.portal, scope.app, place, teller, bit])?;
    Ok(())
}

fn is_repeated(tx: &Connection, (scope, place): (Scope, i64), event: &NewEvent) -> Result<bool, Fault> {
    let DeliveryKey(Fingerprint(delivery)) = event.delivery;
    let mut statement = tx.prepare_cached(DELIVERY)?;
    let stored: [u8; 16] = statement.query_row(params![scope.portal, scope.app, place], |row| row.get(0))?;
    Ok(stored == delivery)
}

/// By what an event is known. One about no record may be without a moment, and is found by its bytes alone.
fn key(event: &NewEvent) -> Result<Key, Fault> {
    let ChangeKey(Fingerprint(change)) = event.change;
    let moment = event.record.map_or(0, |_| event.occurred_at.0);
    Ok(Key { scope: Scope::of(event.install)?, moment, change })
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
    let echo: (Option<String>, Option<i64>) = (row.get(11)?, row.get(12)?);
    let echo = echo.0.zip(echo.1).map(|(caller, sent_at)| Echo { caller, sent_at: Wall(sent_at) });
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
        echo,
        raw,
    };
    Ok(LoggedEvent { place: narrow(number, place("place"))?, received_at: Wall(row.get(3)?), event })
}

/// Events come in in the order of their places, so that the old ones are the first ones.
pub(crate) fn forget(
    tx: &Connection,
    recent: &mut Recent,
    install: Install,
    (before, limit): (Wall, u16),
) -> Result<u64, Fault> {
    let scope = Scope::of(install)?;
    let newest = last_place(tx, scope)?;
    let (mut oldest, mut forgotten) = (tx.prepare_cached(OLDEST)?, 0);
    let mut rows = oldest.query(params![scope.portal, scope.app, limit])?;
    let mut upto = None;
    while let Some(row) = rows.next()? {
        let (place, received_at): (i64, i64) = (row.get(0)?, row.get(1)?);
        if received_at >= before.0 || place == newest {
            break;
        }
        recent.forget(tx, &Key { scope, moment: row.get(2)?, change: row.get(3)? })?;
        (upto, forgotten) = (Some(place), forgotten + 1);
    }
    if let Some(upto) = upto {
        tx.prepare_cached(FORGET)?.execute(params![scope.portal, scope.app, upto])?;
    }
    Ok(forgotten)
}

/// Moments ascend with the places, so the place is found by halves.
fn before(tx: &Connection, install: Install, moment: Wall) -> Result<u64, Fault> {
    let scope = Scope::of(install)?;
    let mut statement = tx.prepare_cached(RECEIVED)?;
    let mut at = |place: i64| {
        let columns = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
        statement.query_row(params![scope.portal, scope.app, place], columns).optional()
    };
    // All up to `low` came in before; all from `high` on did not.
    let (mut low, mut high) = ((first_place(tx, scope)? - 1).max(0), last_place(tx, scope)? + 1);
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        match at(middle)? {
            Some((place, received_at)) if place < high && received_at < moment.0 => low = place,
            // Between `middle` and the place that was found there is nothing: the oldest events are forgotten.
            Some(_) | None => high = middle,
        }
    }
    narrow(low, || Place { table: "event", column: "place", key: install.to_string() })
}

/// One look for each install: a table of events has many rows and few of them.
pub(crate) fn installs(tx: &Connection, after: Option<Install>, limit: u16) -> Result<Vec<Install>, Fault> {
    let mut found: Vec<Install> = Vec::new();
    while found.len() < usize::from(limit) {
        let columns = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
        let next = match found.last().copied().or(after) {
            None => tx.prepare_cached(FIRST_INSTALL)?.query_row((), columns).optional()?,
            Some(last) => {
                let scope = Scope::of(last)?;
                tx.prepare_cached(NEXT_INSTALL)?.query_row(params![scope.portal, scope.app], columns).optional()?
            }
        };
        let Some((portal, app)) = next else { break };
        let place = |column| move || Place { table: "event", column, key: format!("{portal}/{app}") };
        found.push(Install {
            portal: PortalId(narrow(portal, place("portal"))?),
            app: AppId(narrow(app, place("app"))?),
        });
    }
    Ok(found)
}

/// A teller among those that have told a change as well.
pub(crate) fn bit_of(teller: Teller) -> i64 {
    1 << teller_number(teller)
}

pub(crate) fn teller_number(teller: Teller) -> i64 {
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
        self.write_log("store events", move |tx, recent| accept(tx, recent, &events, now)).await
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
        self.write_log("forget old events", move |tx, recent| forget(tx, recent, install, (before, limit))).await
    }

    async fn before(&self, install: Install, moment: Wall) -> Result<u64, StoreError> {
        self.read("find a moment among events", move |tx| before(tx, install, moment)).await
    }

    async fn installs(&self, after: Option<Install>, limit: u16) -> Result<Vec<Install>, StoreError> {
        self.read("list the installs of events", move |tx| installs(tx, after, limit)).await
    }

    async fn signed(&self, app: AppId, scheme: Scheme) -> Result<Scheme, StoreError> {
        self.write("remember a signature's scheme", move |tx| signed(tx, app, scheme)).await
    }

    async fn strongest(&self, app: AppId) -> Result<Option<Scheme>, StoreError> {
        self.read("look up a signature's scheme", move |tx| strongest(tx, app)).await
    }
}
