//! Records as HubSpot last showed them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use linchpin_core::gateway::mirrored::{Asked, Form};
use linchpin_hubspot::id::{Install, ObjectType, RecordId};
use linchpin_ports::mirror::{Body, Mirror, MirrorRecord};
use linchpin_ports::store::StoreError;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::SqliteStore;
use crate::census::{self, Family};
use crate::codec::{Scope, decode, encode, integer, narrow};
use crate::fault::{Fault, Place, touched};

pub(crate) const GET: &str = "
    select properties, updated_at, archived, body
    from mirror
    where portal = ?1 and app = ?2 and object_type = ?3 and record = ?4";

pub(crate) const INSERT: &str = "
    insert into mirror (portal, app, object_type, record, properties, updated_at, archived, body)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

pub(crate) const UPDATE: &str = "
    update mirror
    set properties = ?5, updated_at = ?6, archived = ?7, body = ?8
    where portal = ?1 and app = ?2 and object_type = ?3 and record = ?4";

pub(crate) const ARCHIVE: &str = "
    update mirror
    set archived = 1, body = null
    where portal = ?1 and app = ?2 and object_type = ?3 and record = ?4";

pub(crate) const ERASE: &str = "
    update mirror
    set archived = 1, properties = ?5, updated_at = null, body = null
    where portal = ?1 and app = ?2 and object_type = ?3 and record = ?4";

pub(crate) const HIGHEST: &str = "
    select record
    from mirror
    where portal = ?1 and app = ?2 and object_type = ?3
    order by record desc
    limit 1";

struct MirrorRow {
    object_type: ObjectType,
    id: RecordId,
    properties: Vec<u8>,
    updated_at: Option<String>,
    archived: bool,
    body: Option<Vec<u8>>,
}

/// A body as it is stored: what HubSpot wrote stays as it is inside.
#[derive(Serialize, Deserialize)]
struct StoredBody {
    asked: Asked,
    form: Form,
    record: Box<RawValue>,
}

impl TryFrom<MirrorRow> for MirrorRecord {
    type Error = Fault;

    fn try_from(stored: MirrorRow) -> Result<Self, Fault> {
        let MirrorRow { object_type, id, properties, updated_at, archived, body } = stored;
        let place = |column| Place { table: "mirror", column, key: format!("{object_type}/{id}") };
        let properties: BTreeMap<_, _> = decode(&properties, || place("properties"))?;
        let body: Option<StoredBody> = body.map(|body| decode(&body, || place("body"))).transpose()?;
        let body = body.map(|StoredBody { asked, form, record }| Body { asked, form, record: record.get().to_owned() });
        Ok(Self { object_type, id, properties, updated_at, archived, body })
    }
}

/// Stores records; what a record does not carry keeps its stored value.
pub(crate) fn put(tx: &Connection, scope: Scope, records: Vec<MirrorRecord>) -> Result<(), Fault> {
    records.into_iter().try_for_each(|record| put_one(tx, scope, record))
}

fn put_one(tx: &Connection, scope: Scope, record: MirrorRecord) -> Result<(), Fault> {
    let known = get(tx, scope, &record.object_type, record.id)?;
    let (sql, properties, updated_at) = match known {
        None => (INSERT, record.properties, record.updated_at),
        Some(known) => {
            let mut properties = known.properties;
            properties.extend(record.properties);
            (UPDATE, properties, record.updated_at.or(known.updated_at))
        }
    };
    let body = record.body.map(|Body { asked, form, record }| {
        encode(&StoredBody { asked, form, record: RawValue::from_string(record)? })
    });
    let rows = tx.prepare_cached(sql)?.execute(params![
        scope.portal,
        scope.app,
        record.object_type.as_str(),
        integer(record.id.0)?,
        encode(&properties)?,
        updated_at,
        record.archived,
        body.transpose()?
    ])?;
    touched("mirror", rows, 1)?;
    if sql == INSERT {
        census::add(tx, scope, Family::Mirror, record.object_type.as_str())?;
    }
    Ok(())
}

/// Marks a record as archived, if it is held.
pub(crate) fn archive(tx: &Connection, scope: Scope, object_type: &ObjectType, record: i64) -> Result<(), Fault> {
    tx.prepare_cached(ARCHIVE)?.execute(params![scope.portal, scope.app, object_type.as_str(), record])?;
    Ok(())
}

/// Removes the values of a record, if it is held.
pub(crate) fn erase(tx: &Connection, scope: Scope, object_type: &ObjectType, record: i64) -> Result<(), Fault> {
    let none = encode(&BTreeMap::<String, Option<String>>::new())?;
    tx.prepare_cached(ERASE)?.execute(params![scope.portal, scope.app, object_type.as_str(), record, none])?;
    Ok(())
}

fn get(tx: &Connection, scope: Scope, object_type: &ObjectType, id: RecordId) -> Result<Option<MirrorRecord>, Fault> {
    let found = tx
        .prepare_cached(GET)?
        .query_row(params![scope.portal, scope.app, object_type.as_str(), integer(id.0)?], |row| {
            Ok(MirrorRow {
                object_type: object_type.clone(),
                id,
                properties: row.get(0)?,
                updated_at: row.get(1)?,
                archived: row.get(2)?,
                body: row.get(3)?,
            })
        })
        .optional()?;
    found.map(MirrorRecord::try_from).transpose()
}

/// The highest id seen of a type, as stored; zero when none.
pub(crate) fn highest(tx: &Connection, scope: Scope, object_type: &str) -> Result<i64, Fault> {
    let found: Option<i64> = tx
        .prepare_cached(HIGHEST)?
        .query_row(params![scope.portal, scope.app, object_type], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or(0))
}

#[async_trait]
impl Mirror for SqliteStore {
    async fn put(&self, install: Install, records: Vec<MirrorRecord>) -> Result<(), StoreError> {
        self.write("store records", move |tx| put(tx, Scope::of(install)?, records)).await
    }

    async fn get(
        &self,
        install: Install,
        object_type: &ObjectType,
        ids: &[RecordId],
    ) -> Result<Vec<Option<MirrorRecord>>, StoreError> {
        let (object_type, ids) = (object_type.clone(), ids.to_vec());
        self.read("look up records", move |tx| {
            let scope = Scope::of(install)?;
            ids.iter().map(|id| get(tx, scope, &object_type, *id)).collect()
        })
        .await
    }

    async fn highest(&self, install: Install, object_type: &ObjectType) -> Result<RecordId, StoreError> {
        let object_type = object_type.clone();
        self.read("find the highest record id", move |tx| {
            let id = highest(tx, Scope::of(install)?, object_type.as_str())?;
            let place = || Place { table: "mirror", column: "record", key: object_type.to_string() };
            narrow(id, place).map(RecordId)
        })
        .await
    }

    async fn count(&self, install: Install, object_type: &ObjectType) -> Result<u64, StoreError> {
        let object_type = object_type.clone();
        self.read("count records", move |tx| census::get(tx, Scope::of(install)?, Family::Mirror, object_type.as_str()))
            .await
    }
}
