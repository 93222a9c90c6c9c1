//! Finds the records that rows without a link already have in HubSpot: after the store was lost, or when another
//! program made them. Reads only.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use linchpin_core::sync::content::{Content, ContentIndex};
use linchpin_core::sync::desired::{AssociationKind, Desired, DesiredValue, Identity, RowId, SourceKey};
use linchpin_core::sync::diff::Surroundings;
use linchpin_core::sync::link::{Agreed, AssociationLink, Link};
use linchpin_hubspot::associations::{BatchRead as AssociationRead, Direction, ReadInput, Target};
use linchpin_hubspot::errors::{BatchError, category};
use linchpin_hubspot::id::{ObjectType, RecordId};
use linchpin_hubspot::limits::sizes::{BATCH_INPUTS_MAX, LIST_MAX};
use linchpin_hubspot::objects::{BatchRead, Fields, List, Read, Record};
use linchpin_mapping::{Entry, PortalSnapshot};
use linchpin_ports::mirror::MirrorRecord;

use super::lookup::Known;
use super::{Context, SyncError};
use crate::hub::HubError;

/// What adopting found for one page of rows.
#[derive(Default)]
pub(super) struct Adopted {
    pub(super) links: Vec<Link>,
    pub(super) mirror: Vec<MirrorRecord>,
    /// By position in the page: rows whose record is linked to another row of the entry.
    pub(super) contested: BTreeMap<usize, Contest>,
    /// By position in the page: rows whose unique value is a second one of this record (a secondary e-mail address).
    pub(super) aliases: BTreeMap<usize, RecordId>,
}

/// A record that one row holds and another one claims.
pub(super) struct Contest {
    /// The row that is linked to it.
    pub(super) holder: SourceKey,
    /// The link that the claiming row would get.
    pub(super) link: Link,
}

/// A record that was found for the row at a position of the page.
struct Found<'d> {
    at: usize,
    row: &'d RowId,
    record: Record,
}

/// Finds records for the rows of one entry.
pub(super) struct Adopter<'a> {
    context: &'a Context,
    entry: &'a Entry,
    /// Whether there can be anything to find at all.
    possible: bool,
    /// Unlinked records by content, listed once, when first needed.
    listed: Option<ContentIndex<Record>>,
    /// The records adopted so far, for their associations.
    adopted: BTreeMap<SourceKey, RecordId>,
}

impl<'a> Adopter<'a> {
    pub(super) async fn new(
        context: &'a Context,
        entry: &'a Entry,
        portal: &PortalSnapshot,
    ) -> Result<Self, SyncError> {
        // A key property that does not exist yet is on no record.
        let key_exists = match &entry.identity {
            Identity::Unique { property } => {
                portal.properties.get(&entry.object_type).is_none_or(|properties| properties.contains_key(property))
            }
            Identity::Content { .. } => true,
        };
        let possible = key_exists && any_record(context, &entry.object_type).await?;
        Ok(Self { context, entry, possible, listed: None, adopted: BTreeMap::new() })
    }

    /// Fills in the links of rows that have a record already.
    pub(super) async fn adopt<'d>(
        &mut self,
        rows: impl Iterator<Item = &'d Desired>,
        links: &mut [Option<Link>],
    ) -> Result<Adopted, SyncError> {
        if !self.possible {
            return Ok(Adopted::default());
        }
        let unlinked: Vec<(usize, &Desired)> =
            rows.enumerate().filter(|(at, _)| links.get(*at).is_some_and(Option::is_none)).collect();
        if unlinked.is_empty() {
            return Ok(Adopted::default());
        }
        let mut adopted = Adopted::default();
        let found = match &self.entry.identity {
            Identity::Unique { property } => self.by_key(property, &unlinked, &mut adopted.aliases).await?,
            Identity::Content { properties } => self.by_content(properties, &unlinked).await?,
        };
        let ids: Vec<RecordId> = found.iter().map(|found| found.record.id).collect();
        let holders = self.context.stores.links.rows(self.context.install, &self.entry.object_type, &ids).await?;
        for (Found { at, row, record }, holder) in found.into_iter().zip(holders) {
            let link = self.link(row, &record);
            adopted.mirror.push(mirrored(&self.entry.object_type, record));
            if let Some(holder) = holder.filter(|holder| holder.entry == self.entry.name) {
                adopted.contested.insert(at, Contest { holder: holder.key, link });
                continue;
            }
            self.remember(&link);
            adopted.links.push(link.clone());
            if let Some(slot) = links.get_mut(at) {
                *slot = Some(link);
            }
        }
        Ok(adopted)
    }

    /// Takes note of an adopted record, for its associations.
    pub(super) fn remember(&mut self, link: &Link) {
        self.adopted.insert(link.row.key.clone(), link.record);
    }

    fn link(&self, row: &RowId, record: &Record) -> Link {
        let governed = self.entry.properties.iter();
        let agreed = |name: &String| Agreed { answered: record.properties.get(name).cloned().flatten(), sent: None };
        let base = governed.map(|property| (property.name.clone(), agreed(&property.name))).collect();
        Link { row: row.clone(), object_type: self.entry.object_type.clone(), record: record.id, base }
    }

    fn property_names(&self) -> Vec<String> {
        self.entry.properties.iter().map(|property| property.name.clone()).collect()
    }

    async fn by_key<'d>(
        &self,
        property: &str,
        unlinked: &[(usize, &'d Desired)],
        aliases: &mut BTreeMap<usize, RecordId>,
    ) -> Result<Vec<Found<'d>>, SyncError> {
        let around = Known::of(self.entry);
        let mut wanted: BTreeMap<String, (usize, &RowId)> = BTreeMap::new();
        let mut ids = Vec::new();
        for (at, desired) in unlinked {
            let Some(DesiredValue::Text(value)) = desired.properties.get(property) else { continue };
            wanted.insert(around.canonical(property, value), (*at, &desired.row));
            ids.push(value.clone());
        }
        let reads = ids.chunks(BATCH_INPUTS_MAX).map(|ids| self.read(property, ids.to_vec()));
        let records: Vec<Vec<Record>> =
            stream::iter(reads).buffered(self.context.options.reads_in_flight).try_collect().await?;
        let (mut found, mut strangers) = (Vec::new(), 0);
        for record in records.into_iter().flatten() {
            let own = record.value(property).and_then(|value| wanted.remove(&around.canonical(property, value)));
            match own {
                Some((at, row)) => found.push(Found { at, row, record }),
                None => strangers += 1,
            }
        }
        if strangers > 0 {
            // A record that answers to a value which is not its own has it as a second one: which, is asked alone.
            for (value, (at, _)) in wanted {
                aliases.extend(self.owner_of(property, &value).await?.map(|record| (at, record)));
            }
        }
        Ok(found)
    }

    /// The record that answers to a unique value, if any does.
    async fn owner_of(&self, property: &str, value: &str) -> Result<Option<RecordId>, SyncError> {
        let read = Read {
            object_type: self.entry.object_type.clone(),
            id: value.to_owned(),
            id_property: Some(property.to_owned()),
            fields: Fields::default(),
        };
        match self.context.hub.send(&read).await {
            Ok(record) => Ok(Some(record.id)),
            Err(HubError::Refused(error)) if error.status == 404 => Ok(None),
            Err(source) => Err(self.failed(source)),
        }
    }

    async fn read(&self, property: &str, ids: Vec<String>) -> Result<Vec<Record>, SyncError> {
        let mut properties = self.property_names();
        if !properties.iter().any(|name| name == property) {
            properties.push(property.to_owned());
        }
        let read = BatchRead {
            object_type: self.entry.object_type.clone(),
            ids,
            id_property: Some(property.to_owned()),
            properties,
            history: Vec::new(),
            archived: false,
        };
        let outcome = self.context.hub.send(&read).await.map_err(|source| self.failed(source))?;
        match outcome.errors.into_iter().find(|error| !error.is(category::OBJECT_NOT_FOUND)) {
            Some(error) => Err(self.partial(error)),
            None => Ok(outcome.results.into_iter().map(|result| result.record).collect()),
        }
    }

    fn partial(&self, error: BatchError) -> SyncError {
        SyncError::Partial { entry: self.entry.name.to_string(), reason: error.message }
    }

    fn failed(&self, source: HubError) -> SyncError {
        SyncError::Hub { step: format!("compare {} with HubSpot", self.entry.name), source }
    }

    async fn by_content<'d>(
        &mut self,
        properties: &[String],
        unlinked: &[(usize, &'d Desired)],
    ) -> Result<Vec<Found<'d>>, SyncError> {
        if self.listed.is_none() {
            self.listed = Some(self.list(properties).await?);
        }
        let around = Known::of(self.entry);
        let Some(listed) = &mut self.listed else { return Ok(Vec::new()) };
        let matched = unlinked.iter().filter_map(|(at, desired)| {
            let text = |name: &str| match desired.properties.get(name) {
                Some(DesiredValue::Text(text)) => Some(text.as_str()),
                _ => None,
            };
            let record = listed.take(&Content::of(properties, text, &around))?;
            Some(Found { at: *at, row: &desired.row, record })
        });
        Ok(matched.collect())
    }

    /// All records of the type that no row is linked to, by content.
    async fn list(&self, properties: &[String]) -> Result<ContentIndex<Record>, SyncError> {
        let around = Known::of(self.entry);
        let mut index = ContentIndex::default();
        let mut after = None;
        loop {
            let list = List {
                object_type: self.entry.object_type.clone(),
                limit: LIST_MAX,
                after,
                fields: Fields::of(self.property_names()),
            };
            let page = self.context.hub.send(&list).await.map_err(|source| self.failed(source))?;
            let ids: Vec<RecordId> = page.items.iter().map(|record| record.id).collect();
            let linked = self.context.stores.links.rows(self.context.install, &self.entry.object_type, &ids).await?;
            for (record, row) in page.items.into_iter().zip(linked) {
                if row.is_none() {
                    let content = Content::of(properties, |name| record.value(name), &around);
                    index.add(content, record);
                }
            }
            after = page.after;
            if after.is_none() {
                return Ok(index);
            }
        }
    }

    /// The associations of the entry's kinds that adopted rows have in HubSpot, to rows that are linked.
    pub(super) async fn associations(&self, keys: &[SourceKey]) -> Result<Vec<AssociationLink>, SyncError> {
        let records: BTreeMap<RecordId, &SourceKey> =
            keys.iter().filter_map(|key| Some((*self.adopted.get(key)?, key))).collect();
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        let targets: BTreeSet<&ObjectType> = self.entry.associations.iter().map(|kind| &kind.to_object).collect();
        for target in targets {
            for (from, to, types) in self.read_associations(target, records.keys().copied()).await? {
                let Some(key) = records.get(&from) else { continue };
                let kinds = self.entry.associations.iter().zip(0u16..);
                for (kind, at) in kinds.filter(|(kind, _)| kind.to_object == *target && has_type(kind, &types)) {
                    found.push((key, at, kind, to));
                }
            }
        }
        self.to_rows(found).await
    }

    async fn to_rows(
        &self,
        found: Vec<(&&SourceKey, u16, &AssociationKind, RecordId)>,
    ) -> Result<Vec<AssociationLink>, SyncError> {
        let mut links = Vec::new();
        for (target, at) in self.entry.associations.iter().zip(0u16..) {
            let of_kind: Vec<_> = found.iter().filter(|(_, kind, _, _)| *kind == at).collect();
            let ids: Vec<RecordId> = of_kind.iter().map(|(_, _, _, to)| *to).collect();
            let rows = self.context.stores.links.rows(self.context.install, &target.to_object, &ids).await?;
            for ((key, ..), row) in of_kind.into_iter().zip(rows) {
                if let Some(row) = row.filter(|row| row.entry == target.to_entry) {
                    let from = RowId { entry: self.entry.name.clone(), key: (**key).clone() };
                    links.push(AssociationLink { from, kind: target.name(), to: row.key });
                }
            }
        }
        Ok(links)
    }

    async fn read_associations(
        &self,
        target: &ObjectType,
        records: impl Iterator<Item = RecordId>,
    ) -> Result<Vec<(RecordId, RecordId, Vec<u32>)>, SyncError> {
        let mut found = Vec::new();
        let mut open: Vec<ReadInput> = records.map(ReadInput::first).collect();
        while !open.is_empty() {
            let rest = open.split_off(open.len().min(BATCH_INPUTS_MAX));
            let direction = Direction { from: self.entry.object_type.clone(), to: target.clone() };
            let read = AssociationRead { direction, inputs: open };
            let outcome = self.context.hub.send(&read).await.map_err(|source| self.failed(source))?;
            if let Some(error) = outcome.errors.into_iter().next() {
                return Err(self.partial(error));
            }
            open = rest;
            for result in outcome.results {
                let types = |to: &Target| to.association_types.iter().map(|one| one.type_id).collect();
                found.extend(result.to.iter().map(|to| (result.from, to.to_object_id, types(to))));
                open.extend(result.after.map(|after| ReadInput::next(result.from, after)));
            }
        }
        Ok(found)
    }
}

/// The unlabelled association stands beside every labelled one, so any type will do for it.
fn has_type(kind: &AssociationKind, types: &[u32]) -> bool {
    kind.association_type.is_none_or(|wanted| types.contains(&wanted.type_id))
}

async fn any_record(context: &Context, object_type: &ObjectType) -> Result<bool, SyncError> {
    let list = List { object_type: object_type.clone(), limit: 1, after: None, fields: Fields::default() };
    let failed = |source| SyncError::Hub { step: format!("list {object_type}"), source };
    Ok(!context.hub.send(&list).await.map_err(failed)?.items.is_empty())
}

/// A record as the mirror keeps it.
pub(super) fn mirrored(object_type: &ObjectType, record: Record) -> MirrorRecord {
    MirrorRecord {
        object_type: object_type.clone(),
        id: record.id,
        properties: record.properties,
        updated_at: record.updated_at,
        archived: record.archived,
        body: None,
    }
}
