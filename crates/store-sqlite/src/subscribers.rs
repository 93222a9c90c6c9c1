//! How far subscribers have come, and what could not be delivered to them.

use async_trait::async_trait;
use linchpin_hubspot::id::{AppId, Install, PortalId};
use linchpin_ports::store::StoreError;
use linchpin_ports::subscribers::{Begin, Dead, Feed, FeedState, Subscribers};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::SqliteStore;
use crate::codec::{Scope, decode, encode, integer, narrow};
use crate::events;
use crate::fault::{Fault, Place};

/// Says by its row that a subscriber is known.
const NOBODY: Install = Install { portal: PortalId(0), app: AppId(0) };
/// Installs that are listed at a time.
const PAGE: u16 = 1_000;

pub(crate) const GET: &str = "
    select revision, place, dead, state
    from subscriber
    where portal = ?1 and app = ?2 and name = ?3";

pub(crate) const SAVE: &str = "
    insert into subscriber (portal, app, name, revision, place, dead, state)
    values (?1, ?2, ?3, ?4, ?5, 0, ?6)
    on conflict (portal, app, name)
    do update set revision = excluded.revision, place = excluded.place, state = excluded.state";

pub(crate) const BURY: &str = "
    insert into dead_delivery (portal, app, name, first, body)
    values (?1, ?2, ?3, ?4, ?5)
    on conflict (portal, app, name, first)
    do update set body = excluded.body";

pub(crate) const COUNT: &str = "
    update subscriber
    set dead = dead + ?4, revision = revision + ?5
    where portal = ?1 and app = ?2 and name = ?3";

pub(crate) const DEAD: &str = "
    select first, body
    from dead_delivery
    where portal = ?1 and app = ?2 and name = ?3 and first > ?4
    order by first
    limit ?5";

pub(crate) const EXHUME: &str = "
    delete from dead_delivery
    where portal = ?1 and app = ?2 and name = ?3 and first = ?4";

fn register(tx: &Connection, name: &str, begin: Begin) -> Result<(), Fault> {
    if get(tx, NOBODY, name)?.revision > 0 {
        return Ok(());
    }
    write(tx, &Feed { revision: 1, ..new(NOBODY, name) })?;
    let mut after = None;
    loop {
        let page = events::installs(tx, after, PAGE)?;
        for install in &page {
            let scope = Scope::of(*install)?;
            let place = match begin {
                Begin::Now => events::last_place(tx, scope)?,
                Begin::Oldest => events::first_place(tx, scope)?.saturating_sub(1),
            };
            let place = narrow(place, || place_of("place", *install, name))?;
            write(tx, &Feed { revision: 1, place, ..new(*install, name) })?;
        }
        after = page.last().copied();
        if page.len() < usize::from(PAGE) {
            return Ok(());
        }
    }
}

fn new(install: Install, name: &str) -> Feed {
    Feed { install, name: name.to_owned(), revision: 0, place: 0, state: FeedState::default() }
}

fn place_of(column: &'static str, install: Install, name: &str) -> Place {
    Place { table: "subscriber", column, key: format!("{install} {name}") }
}

fn get(tx: &Connection, install: Install, name: &str) -> Result<Feed, Fault> {
    let scope = Scope::of(install)?;
    let columns = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    let row = tx.prepare_cached(GET)?.query_row(params![scope.portal, scope.app, name], columns).optional()?;
    let Some((revision, place, dead, state)): Option<(i64, i64, i64, Vec<u8>)> = row else {
        return Ok(new(install, name));
    };
    let state: FeedState = decode(&state, || place_of("state", install, name))?;
    Ok(Feed {
        revision: narrow(revision, || place_of("revision", install, name))?,
        place: narrow(place, || place_of("place", install, name))?,
        state: FeedState { dead: narrow(dead, || place_of("dead", install, name))?, ..state },
        ..new(install, name)
    })
}

fn write(tx: &Connection, feed: &Feed) -> Result<(), Fault> {
    let (scope, state) = (Scope::of(feed.install)?, encode(&feed.state)?);
    tx.prepare_cached(SAVE)?.execute(params![
        scope.portal,
        scope.app,
        feed.name,
        integer(feed.revision)?,
        integer(feed.place)?,
        state
    ])?;
    Ok(())
}

/// The new revision, if nobody else has written the feed.
fn save(tx: &Connection, feed: &Feed) -> Result<Option<u64>, Fault> {
    if get(tx, feed.install, &feed.name)?.revision != feed.revision {
        return Ok(None);
    }
    let next = feed.revision + 1;
    write(tx, &Feed { revision: next, ..feed.clone() })?;
    Ok(Some(next))
}

fn bury(tx: &Connection, feed: &Feed, dead: &Dead) -> Result<Option<u64>, Fault> {
    let Some(revision) = save(tx, feed)? else { return Ok(None) };
    let scope = Scope::of(feed.install)?;
    let known = listed(tx, feed.install, &feed.name, dead.first.saturating_sub(1), 1)?;
    let new = known.first().is_none_or(|known| known.first != dead.first);
    let first = integer(dead.first)?;
    tx.prepare_cached(BURY)?.execute(params![scope.portal, scope.app, feed.name, first, encode(dead)?])?;
    tx.prepare_cached(COUNT)?.execute(params![scope.portal, scope.app, feed.name, i64::from(new), 0])?;
    Ok(Some(revision))
}

fn listed(tx: &Connection, install: Install, name: &str, after: u64, limit: u16) -> Result<Vec<Dead>, Fault> {
    let scope = Scope::of(install)?;
    let mut statement = tx.prepare_cached(DEAD)?;
    let mut rows = statement.query(params![scope.portal, scope.app, name, integer(after)?, limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (first, body): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let place = || Place { table: "dead_delivery", column: "body", key: format!("{install} {name} {first}") };
        found.push(decode(&body, place)?);
    }
    Ok(found)
}

fn exhume(tx: &Connection, install: Install, name: &str, first: u64) -> Result<bool, Fault> {
    let scope = Scope::of(install)?;
    let gone = tx.prepare_cached(EXHUME)?.execute(params![scope.portal, scope.app, name, integer(first)?])?;
    if gone > 0 {
        tx.prepare_cached(COUNT)?.execute(params![scope.portal, scope.app, name, -1, 1])?;
    }
    Ok(gone > 0)
}

#[async_trait]
impl Subscribers for SqliteStore {
    async fn register(&self, name: &str, begin: Begin) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.write("make a subscriber known", move |tx| register(tx, &name, begin)).await
    }

    async fn feed(&self, install: Install, name: &str) -> Result<Feed, StoreError> {
        let name = name.to_owned();
        self.read("look up a subscriber", move |tx| get(tx, install, &name)).await
    }

    async fn save(&self, feed: &Feed) -> Result<Option<u64>, StoreError> {
        let feed = feed.clone();
        self.write("write down how far a subscriber has come", move |tx| save(tx, &feed)).await
    }

    async fn bury(&self, feed: &Feed, dead: &Dead) -> Result<Option<u64>, StoreError> {
        let (feed, dead) = (feed.clone(), dead.clone());
        self.write("keep a dead delivery", move |tx| bury(tx, &feed, &dead)).await
    }

    async fn dead(&self, install: Install, name: &str, after: u64, limit: u16) -> Result<Vec<Dead>, StoreError> {
        let name = name.to_owned();
        self.read("list dead deliveries", move |tx| listed(tx, install, &name, after, limit)).await
    }

    async fn exhume(&self, install: Install, name: &str, first: u64) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.write("forget a dead delivery", move |tx| exhume(tx, install, &name, first)).await
    }
}
