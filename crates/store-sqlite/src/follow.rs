//! Following the log: places, what is known of records, and wishes to read them.

use async_trait::async_trait;
use linchpin_core::follow::known::Known;
use linchpin_core::follow::want::Want;
use linchpin_core::ingress::latest::RecordKey;
use linchpin_core::time::Wall;
use linchpin_hubspot::id::{AppId, Install, ObjectType, RecordId};
use linchpin_ports::follow::{Follow, Outlook, Progress, Reflect, Tracked, Update, Wanted};
use linchpin_ports::store::{Refusal, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

use crate::SqliteStore;
use crate::codec::{Scope, decode, encode, integer, narrow};
use crate::fault::{Fault, Place, touched};
use crate::mirror;

pub(crate) const PLACE: &str = "
    select place
    from follow_place
    where portal = ?1 and app = ?2 and log = ?3";

pub(crate) const MOVE: &str = "
    insert into follow_place (portal, app, log, place)
    values (?1, ?2, ?3, ?4)
    on conflict (portal, app, log)
    do update set place = excluded.place";

pub(crate) const KNOWN: &str = "
    select version, known
    from followed
    where portal = ?1 and app = ?2 and object_type = ?3 and record = ?4";

pub(crate) const VERSION: &str = "
    select version
    from followed
    where portal = ?1 and app = ?2 and object_type = ?3 and record = ?4";

pub(crate) const REMEMBER: &str = "
    insert into followed (portal, app, object_type, record, version, known)
    values (?1, ?2, ?3, ?4, ?5, ?6)
    on conflict (portal, app, object_type, record)
    do update set version = excluded.version, known = excluded.known";

/// The claim of an event's wish stays, that of a read's ends.
pub(crate) const WANT: &str = "
    insert into wanted (portal, app, object_type, record, claimed, not_before, due, attempts)
    values (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7)
    on conflict (portal, app, object_type, record)
    do update set claimed = case when ?8 then claimed else 0 end, not_before = excluded.not_before,
        due = excluded.due, attempts = excluded.attempts";

pub(crate) const UNWANT: &str = "
    delete from wanted
    where portal = ?1 and app = ?2 and object_type = ?3 and record = ?4";

pub(crate) const RELEASE: &str = "
    update wanted
    set claimed = 0
    where portal = ?1 and app = ?2 and claimed = 1";

pub(crate) const START: &str = "
    insert into follow_start (portal, app, starts)
    values (?1, ?2, 1)
    on conflict (portal, app)
    do update set starts = starts + 1
    returning starts";

pub(crate) const FIRST_DUE: &str = "
    select object_type
    from wanted
    where portal = ?1 and app = ?2 and claimed = 0 and due <= ?3
    order by due
    limit 1";

pub(crate) const DUE: &str = "
    select record, not_before, due, attempts
    from wanted
    where portal = ?1 and app = ?2 and claimed = 0 and object_type = ?3 and due <= ?4 and not_before <= ?5
    order by due
    limit ?6";

pub(crate) const CLAIM: &str = "
    update wanted
    set claimed = 1
    where portal = ?1 and app = ?2 and object_type = ?3 and record = ?4";

pub(crate) const WAITING: &str = "
    select count(*)
    from wanted
    where portal = ?1 and app = ?2";

pub(crate) const NEXT_DUE: &str = "
    select due
    from wanted
    where portal = ?1 and app = ?2 and claimed = 0
    order by due
    limit 1";

fn at(tx: &Connection, scope: Scope, log: AppId) -> Result<u64, Fault> {
    let place: Option<i64> = tx
        .prepare_cached(PLACE)?
        .query_row(params![scope.portal, scope.app, integer(log.0)?], |row| row.get(0))
        .optional()?;
    narrow(place.unwrap_or(0), || Place { table: "follow_place", column: "place", key: log.0.to_string() })
}

fn known(tx: &Connection, scope: Scope, (object_type, id): &RecordKey) -> Result<Tracked, Fault> {
    let found: Option<(i64, Vec<u8>)> = tx
        .prepare_cached(KNOWN)?
        .query_row(params![scope.portal, scope.app, object_type.as_str(), integer(id.0)?], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let Some((version, blob)) = found else { return Ok(Tracked::default()) };
    let place = |column| move || Place { table: "followed", column, key: format!("{object_type}/{id}") };
    let known: Known = decode(&blob, place("known"))?;
    Ok(Tracked { version: narrow(version, place("version"))?, known })
}

fn advance(tx: &Connection, scope: Scope, progress: Progress, updates: Vec<Update>) -> Result<(), Fault> {
    let Progress { log, from, upto } = progress;
    let found = at(tx, scope, log)?;
    if found != from {
        return Err(Refusal::Moved(format!("the log of app {} is at {found}, not at {from}", log.0)).into());
    }
    tx.prepare_cached(MOVE)?.execute(params![scope.portal, scope.app, integer(log.0)?, integer(upto)?])?;
    updates.into_iter().try_for_each(|update| store(tx, scope, update, true))
}

fn store(tx: &Connection, scope: Scope, update: Update, keeps_claim: bool) -> Result<(), Fault> {
    let Update { key: (object_type, id), from, known, reflect, want } = update;
    let record = integer(id.0)?;
    let version: Option<i64> = tx
        .prepare_cached(VERSION)?
        .query_row(params![scope.portal, scope.app, object_type.as_str(), record], |row| row.get(0))
        .optional()?;
    if version.unwrap_or(0) != integer(from)? {
        return Err(Refusal::Moved(format!("more is known of {object_type} {id} by now")).into());
    }
    let rows = tx.prepare_cached(REMEMBER)?.execute(params![
        scope.portal,
        scope.app,
        object_type.as_str(),
        record,
        integer(from.saturating_add(1))?,
        encode(&known)?
    ])?;
    touched("followed", rows, 1)?;
    match reflect {
        Reflect::Nothing => {}
        Reflect::Put(shown) => mirror::put(tx, scope, vec![shown])?,
        Reflect::Archive => mirror::archive(tx, scope, &object_type, record)?,
        Reflect::Erase => mirror::erase(tx, scope, &object_type, record)?,
    }
    match want {
        Some(Want { from, due, attempts }) => {
            let (portal, app, object_type) = (scope.portal, scope.app, object_type.as_str());
            let values = params![portal, app, object_type, record, from.0, due.0, attempts, keeps_claim];
            tx.prepare_cached(WANT)?.execute(values)?;
        }
        None => {
            tx.prepare_cached(UNWANT)?.execute(params![scope.portal, scope.app, object_type.as_str(), record])?;
        }
    }
    Ok(())
}

fn claim(tx: &Connection, scope: Scope, now: Wall, soon: Wall, limit: u16) -> Result<Option<Wanted>, Fault> {
    let first: Option<String> = tx
        .prepare_cached(FIRST_DUE)?
        .query_row(params![scope.portal, scope.app, now.0], |row| row.get(0))
        .optional()?;
    let Some(object_type) = first else { return Ok(None) };
    let mut statement = tx.prepare_cached(DUE)?;
    let due = statement.query_map(params![scope.portal, scope.app, object_type, soon.0, now.0, limit], |row| {
        let want = Want { from: Wall(row.get(1)?), due: Wall(row.get(2)?), attempts: row.get(3)? };
        Ok((row.get::<_, i64>(0)?, want))
    })?;
    let mut records = Vec::new();
    for row in due {
        let (record, want) = row?;
        let place = || Place { table: "wanted", column: "record", key: format!("{object_type}/{record}") };
        records.push((RecordId(narrow(record, place)?), want));
    }
    drop(statement);
    for (id, _) in &records {
        let rows = tx.prepare_cached(CLAIM)?.execute(params![scope.portal, scope.app, object_type, integer(id.0)?])?;
        touched("wanted", rows, 1)?;
    }
    Ok(Some(Wanted { object_type: ObjectType::new(object_type), records }))
}

fn outlook(tx: &Connection, scope: Scope) -> Result<Outlook, Fault> {
    let place = || Place { table: "wanted", column: "record", key: String::new() };
    let waiting = tx.prepare_cached(WAITING)?.query_row(params![scope.portal, scope.app], |row| row.get(0))?;
    let next: Option<i64> =
        tx.prepare_cached(NEXT_DUE)?.query_row(params![scope.portal, scope.app], |row| row.get(0)).optional()?;
    Ok(Outlook { waiting: narrow(waiting, place)?, next_due: next.map(Wall) })
}

#[async_trait]
impl Follow for SqliteStore {
    async fn begin(&self, install: Install) -> Result<u64, StoreError> {
        self.write("give wishes back", move |tx| {
            let scope = Scope::of(install)?;
            tx.prepare_cached(RELEASE)?.execute(params![scope.portal, scope.app])?;
            let starts: i64 =
                tx.prepare_cached(START)?.query_row(params![scope.portal, scope.app], |row| row.get(0))?;
            narrow(starts, || Place { table: "follow_start", column: "starts", key: scope.portal.to_string() })
        })
        .await
    }

    async fn place(&self, install: Install, log: AppId) -> Result<u64, StoreError> {
        self.read("find the place in a log", move |tx| at(tx, Scope::of(install)?, log)).await
    }

    async fn known(&self, install: Install, records: &[RecordKey]) -> Result<Vec<Tracked>, StoreError> {
        let records = records.to_vec();
        self.read("look up what is known of records", move |tx| {
            let scope = Scope::of(install)?;
            records.iter().map(|key| known(tx, scope, key)).collect()
        })
        .await
    }

    async fn advance(&self, install: Install, progress: Progress, updates: Vec<Update>) -> Result<(), StoreError> {
        self.write("follow a log", move |tx| advance(tx, Scope::of(install)?, progress, updates)).await
    }

    async fn claim(&self, install: Install, now: Wall, soon: Wall, limit: u16) -> Result<Option<Wanted>, StoreError> {
        self.write("claim records to be read", move |tx| claim(tx, Scope::of(install)?, now, soon, limit)).await
    }

    async fn settle(&self, install: Install, updates: Vec<Update>) -> Result<(), StoreError> {
        self.write("store what was read", move |tx| {
            let scope = Scope::of(install)?;
            updates.into_iter().try_for_each(|update| store(tx, scope, update, false))
        })
        .await
    }

    async fn outlook(&self, install: Install) -> Result<Outlook, StoreError> {
        self.read("see what is left to be read", move |tx| outlook(tx, Scope::of(install)?)).await
    }
}
