//! Links, agreed associations and the revision that counts their changes.

use std::collections::BTreeSet;

use async_trait::async_trait;
use linchpin_core::sync::desired::{EntryName, RowId, SourceKey};
use linchpin_core::sync::link::{AssociationLink, Link};
use linchpin_core::sync::operation::AssociationChange;
use linchpin_hubspot::id::{Install, ObjectType, RecordId};
use linchpin_ports::links::Links;
use linchpin_ports::store::StoreError;
use rusqlite::{Connection, OptionalExtension, params};

use crate::SqliteStore;
use crate::census::{Family, add as census_add, get as census_get};
use crate::codec::{Scope, amount, decode, encode, integer, narrow};
use crate::fault::{Fault, Place, touched};

pub(crate) const GET: &str = "
    select object_type, record, base
    from link
    where portal = ?1 and app = ?2 and entry = ?3 and source_key = ?4";

pub(crate) const RECORD: &str = "
    select record
    from link
    where portal = ?1 and app = ?2 and entry = ?3 and source_key = ?4";

pub(crate) const ROW: &str = "
    select entry, source_key
    from link
    where portal = ?1 and app = ?2 and object_type = ?3 and record = ?4
    order by entry, source_key
    limit 1";

pub(crate) const KEYS: &str = "
    select source_key
    from link
    where portal = ?1 and app = ?2 and entry = ?3
    order by source_key
    limit ?4";

pub(crate) const KEYS_AFTER: &str = "
    select source_key
    from link
    where portal = ?1 and app = ?2 and entry = ?3 and source_key > ?4
    order by source_key
    limit ?5";

pub(crate) const UPDATE: &str = "
    update link
    set object_type = ?5, record = ?6, base = ?7
    where portal = ?1 and app = ?2 and entry = ?3 and source_key = ?4";

pub(crate) const INSERT: &str = "
    insert into link (portal, app, entry, source_key, object_type, record, base)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

pub(crate) const ASSOCIATIONS: &str = "
    select kind, to_key
    from association
    where portal = ?1 and app = ?2 and entry = ?3 and from_key = ?4
    order by kind, to_key";

pub(crate) const ASSOCIATE: &str = "
    insert into association (portal, app, entry, from_key, kind, to_key)
    values (?1, ?2, ?3, ?4, ?5, ?6)
    on conflict (portal, app, entry, from_key, kind, to_key) do nothing";

pub(crate) const DISSOCIATE: &str = "
    delete from association
    where portal = ?1 and app = ?2 and entry = ?3 and from_key = ?4 and kind = ?5 and to_key = ?6";

pub(crate) const DISSOCIATE_ALL: &str = "
    delete from association
    where portal = ?1 and app = ?2 and entry = ?3 and from_key = ?4";

pub(crate) const REVISION: &str = "
    select revision
    from revision
    where portal = ?1 and app = ?2";

pub(crate) const ADVANCE: &str = "
    insert into revision (portal, app, revision)
    values (?1, ?2, 1)
    on conflict (portal, app)
    do update set revision = revision + 1";

struct LinkRow {
    row: RowId,
    object_type: String,
    record: i64,
    base: Vec<u8>,
}

impl TryFrom<LinkRow> for Link {
    type Error = Fault;

    fn try_from(stored: LinkRow) -> Result<Self, Fault> {
        let key = format!("{}/{}", stored.row.entry, stored.row.key);
        let place = |column| Place { table: "link", column, key };
        let base = decode(&stored.base, || place.clone()("base"))?;
        let record = narrow(stored.record, || place("record"))?;
        Ok(Self { object_type: ObjectType::new(stored.object_type), record: RecordId(record), base, row: stored.row })
    }
}

/// Puts a link in place of the row's former one.
pub(crate) fn put(tx: &Connection, scope: Scope, link: &Link) -> Result<(), Fault> {
    let record = integer(link.record.0)?;
    let base = encode(&link.base)?;
    let values =
        params![scope.portal, scope.app, link.row.entry.0, link.row.key.0, link.object_type.as_str(), record, base];
    if tx.prepare_cached(UPDATE)?.execute(values)? == 1 {
        return Ok(());
    }
    touched("link", tx.prepare_cached(INSERT)?.execute(values)?, 1)?;
    census_add(tx, scope, Family::Links, &link.row.entry.0)
}

/// Puts associations in place of all former ones of their rows.
pub(crate) fn replace_associations(
    tx: &Connection,
    scope: Scope,
    associations: &[AssociationLink],
) -> Result<(), Fault> {
    let mut forget = tx.prepare_cached(DISSOCIATE_ALL)?;
    let rows: BTreeSet<&RowId> = associations.iter().map(|association| &association.from).collect();
    for row in rows {
        forget.execute(params![scope.portal, scope.app, row.entry.0, row.key.0])?;
    }
    associations.iter().try_for_each(|association| associate(tx, scope, association))
}

/// Follows a change of the agreed associations; one that holds already is no error.
pub(crate) fn change_association(tx: &Connection, scope: Scope, change: &AssociationChange) -> Result<(), Fault> {
    match change {
        AssociationChange::Made(association) => associate(tx, scope, association),
        AssociationChange::Removed(AssociationLink { from, kind, to }) => {
            tx.prepare_cached(DISSOCIATE)?.execute(params![
                scope.portal,
                scope.app,
                from.entry.0,
                from.key.0,
                kind,
                to.0
            ])?;
            Ok(())
        }
    }
}

fn associate(tx: &Connection, scope: Scope, association: &AssociationLink) -> Result<(), Fault> {
    let AssociationLink { from, kind, to } = association;
    tx.prepare_cached(ASSOCIATE)?.execute(params![scope.portal, scope.app, from.entry.0, from.key.0, kind, to.0])?;
    Ok(())
}

/// The present revision.
pub(crate) fn revision(tx: &Connection, scope: Scope) -> Result<u64, Fault> {
    let stored: Option<i64> =
        tx.prepare_cached(REVISION)?.query_row(params![scope.portal, scope.app], |row| row.get(0)).optional()?;
    let place = || Place { table: "revision", column: "revision", key: format!("{}/{}", scope.portal, scope.app) };
    narrow(stored.unwrap_or(0), place)
}

/// Moves the revision on.
pub(crate) fn advance(tx: &Connection, scope: Scope) -> Result<(), Fault> {
    touched("revision", tx.prepare_cached(ADVANCE)?.execute(params![scope.portal, scope.app])?, 1)
}

fn get(tx: &Connection, scope: Scope, entry: &EntryName, key: SourceKey) -> Result<Option<Link>, Fault> {
    let mut statement = tx.prepare_cached(GET)?;
    let found = statement
        .query_row(params![scope.portal, scope.app, entry.0, key.0], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, Vec<u8>>(2)?))
        })
        .optional()?;
    let row = RowId { entry: entry.clone(), key };
    found.map(|(object_type, record, base)| LinkRow { row, object_type, record, base }.try_into()).transpose()
}

fn record(tx: &Connection, scope: Scope, row: &RowId) -> Result<Option<RecordId>, Fault> {
    let found: Option<i64> = tx
        .prepare_cached(RECORD)?
        .query_row(params![scope.portal, scope.app, row.entry.0, row.key.0], |stored| stored.get(0))
        .optional()?;
    let place = || Place { table: "link", column: "record", key: format!("{}/{}", row.entry, row.key) };
    found.map(|id| narrow(id, place).map(RecordId)).transpose()
}

fn row_of(tx: &Connection, scope: Scope, object_type: &ObjectType, id: RecordId) -> Result<Option<RowId>, Fault> {
    let row = tx
        .prepare_cached(ROW)?
        .query_row(params![scope.portal, scope.app, object_type.as_str(), integer(id.0)?], |row| {
            Ok(RowId { entry: EntryName(row.get(0)?), key: SourceKey(row.get(1)?) })
        })
        .optional()?;
    Ok(row)
}

fn associations(tx: &Connection, scope: Scope, from: &RowId) -> Result<Vec<AssociationLink>, Fault> {
    let mut statement = tx.prepare_cached(ASSOCIATIONS)?;
    let found = statement.query_map(params![scope.portal, scope.app, from.entry.0, from.key.0], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    found
        .map(|row| {
            let (kind, to) = row?;
            Ok(AssociationLink { from: from.clone(), kind, to: SourceKey(to) })
        })
        .collect()
}

fn keys(
    tx: &Connection,
    scope: Scope,
    entry: &EntryName,
    after: Option<&SourceKey>,
    limit: usize,
) -> Result<Vec<SourceKey>, Fault> {
    let key = |row: &rusqlite::Row<'_>| row.get(0).map(SourceKey);
    let limit = amount(limit);
    let keys = match after {
        None => tx
            .prepare_cached(KEYS)?
            .query_map(params![scope.portal, scope.app, entry.0, limit], key)?
            .collect::<Result<_, _>>()?,
        Some(after) => tx
            .prepare_cached(KEYS_AFTER)?
            .query_map(params![scope.portal, scope.app, entry.0, after.0, limit], key)?
            .collect::<Result<_, _>>()?,
    };
    Ok(keys)
}

#[async_trait]
impl Links for SqliteStore {
    async fn get(
        &self,
        install: Install,
        entry: &EntryName,
        wanted: &[SourceKey],
    ) -> Result<Vec<Option<Link>>, StoreError> {
        let (entry, wanted) = (entry.clone(), wanted.to_vec());
        self.read("look up links", move |tx| {
            let scope = Scope::of(install)?;
            wanted.into_iter().map(|key| get(tx, scope, &entry, key)).collect()
        })
        .await
    }

    async fn records(&self, install: Install, rows: &[RowId]) -> Result<Vec<Option<RecordId>>, StoreError> {
        let rows = rows.to_vec();
        self.read("look up the records of rows", move |tx| {
            let scope = Scope::of(install)?;
            rows.iter().map(|row| record(tx, scope, row)).collect()
        })
        .await
    }

    async fn rows(
        &self,
        install: Install,
        object_type: &ObjectType,
        records: &[RecordId],
    ) -> Result<Vec<Option<RowId>>, StoreError> {
        let (object_type, records) = (object_type.clone(), records.to_vec());
        self.read("look up the rows of records", move |tx| {
            let scope = Scope::of(install)?;
            records.iter().map(|id| row_of(tx, scope, &object_type, *id)).collect()
        })
        .await
    }

    async fn associations(
        &self,
        install: Install,
        entry: &EntryName,
        wanted: &[SourceKey],
    ) -> Result<Vec<Vec<AssociationLink>>, StoreError> {
        let (entry, wanted) = (entry.clone(), wanted.to_vec());
        self.read("look up associations", move |tx| {
            let scope = Scope::of(install)?;
            wanted.into_iter().map(|key| associations(tx, scope, &RowId { entry: entry.clone(), key })).collect()
        })
        .await
    }

    async fn keys(
        &self,
        install: Install,
        entry: &EntryName,
        after: Option<&SourceKey>,
        limit: usize,
    ) -> Result<Vec<SourceKey>, StoreError> {
        let (entry, after) = (entry.clone(), after.cloned());
        self.read("list linked rows", move |tx| keys(tx, Scope::of(install)?, &entry, after.as_ref(), limit)).await
    }

    async fn count(&self, install: Install, entry: &EntryName) -> Result<u64, StoreError> {
        let entry = entry.clone();
        self.read("count links", move |tx| census_get(tx, Scope::of(install)?, Family::Links, &entry.0)).await
    }

    async fn revision(&self, install: Install) -> Result<u64, StoreError> {
        self.read("read the links' revision", move |tx| revision(tx, Scope::of(install)?)).await
    }
}
