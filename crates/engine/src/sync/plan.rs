//! Makes a plan: reads every row once, asks core what it needs, writes the operations into the queue.

use std::collections::{BTreeMap, BTreeSet};

use linchpin_core::sync::desired::{
    Desired, DesiredAssociation, DesiredValue, EntryName, Identity, Mapped, Rejection, RowId, RowWarning, SourceKey,
};
use linchpin_core::sync::diff::{decide, decide_associations};
use linchpin_core::sync::link::AssociationLink;
use linchpin_core::sync::plan::{EntryShape, PlanBuilder};
use linchpin_core::sync::run::{RejectedRow, Run, RunId};
use linchpin_mapping::{Compiled, Entry, Lookups, PortalSnapshot};
use linchpin_ports::runs::PlanChunk;
use linchpin_ports::source::{Read, RowReader, row_json};

use super::adopt::Adopter;
use super::lookup::{Known, select_of};
use super::{Context, Sources, SyncError, Watch};

/// Makes a plan and seals it. Nothing is written to HubSpot.
///
/// # Errors
/// See [`SyncError`]; the unsealed plan is discarded by the next one.
pub async fn plan(
    context: &Context,
    compiled: &Compiled,
    portal: &PortalSnapshot,
    sources: &Sources,
    watch: &dyn Watch,
) -> Result<Run, SyncError> {
    let now = context.clock.now();
    let run = RunId::new(now.wall, context.options.seed);
    context.stores.runs.begin(context.install, run, compiled.fingerprint, now.wall).await?;
    let reads_before = context.hub.calls();
    let mut planner = Planner::new(context, compiled, portal, run, watch);
    for (at, entry) in compiled.entries.iter().enumerate() {
        planner.entry(at, entry, sources).await?;
    }
    let properties: Vec<String> =
        compiled.key_properties_to_create().map(|p| format!("{}.{}", p.object_type, p.name)).collect();
    let reads = context.hub.calls() - reads_before;
    let summary = planner.builder.finish(properties, reads, context.options.pace);
    Ok(context.stores.runs.seal(context.install, run, summary).await?)
}

/// One row that the mapping accepted, waiting for its decision.
struct Accepted {
    desired: Box<Desired>,
    warnings: Vec<RowWarning>,
}

/// A page of rows, sorted by what became of them.
#[derive(Default)]
struct Page {
    accepted: Vec<Accepted>,
    rejected: Vec<RejectedRow>,
}

struct Planner<'a> {
    context: &'a Context,
    portal: &'a PortalSnapshot,
    lookups: Lookups,
    run: RunId,
    watch: &'a dyn Watch,
    builder: PlanBuilder,
    /// The keys of the rows that each entry so far will have records for: what others may refer to.
    keys: BTreeMap<EntryName, BTreeSet<SourceKey>>,
}

impl<'a> Planner<'a> {
    fn new(
        context: &'a Context,
        compiled: &Compiled,
        portal: &'a PortalSnapshot,
        run: RunId,
        watch: &'a dyn Watch,
    ) -> Self {
        let shape = |entry: &Entry| EntryShape {
            name: entry.name.clone(),
            object_type: entry.object_type.clone(),
            kinds: entry.associations.clone(),
        };
        let shapes = compiled.entries.iter().map(shape).collect();
        let lookups = Lookups::of(portal);
        let builder = PlanBuilder::new(run, shapes);
        Self { context, portal, lookups, run, watch, builder, keys: BTreeMap::new() }
    }

    async fn entry(&mut self, at: usize, entry: &Entry, sources: &Sources) -> Result<(), SyncError> {
        let mut reader = open(entry, sources).await?;
        let mut adopter = Adopter::new(self.context, entry, self.portal).await?;
        let mut identities = BTreeMap::new();
        let mut associations = Vec::new();
        self.keys.entry(entry.name.clone()).or_default();
        loop {
            let failed = |source| SyncError::Source { entry: entry.name.to_string(), source };
            let reads = reader.next(self.context.options.chunk_rows).await.map_err(failed)?;
            if reads.is_empty() {
                break;
            }
            let page = self.map(at, entry, reads, &mut identities);
            self.records(at, entry, &mut adopter, page, &mut associations).await?;
            self.watch.planning(&entry.name.0, self.builder.counts(at).rows, None);
        }
        self.associations(at, entry, &adopter, associations).await?;
        self.gone(at, entry).await
    }

    /// Maps a page of rows; what cannot be synced is set aside with its reason.
    fn map(
        &mut self,
        at: usize,
        entry: &Entry,
        reads: Vec<Read>,
        identities: &mut BTreeMap<String, SourceKey>,
    ) -> Page {
        let mut page = Page::default();
        for read in reads {
            self.builder.counts(at).rows += 1;
            let row = match read {
                Read::Row(row) => row,
                Read::Bad { place, reason, content } => {
                    let rejection = Rejection { code: "LP2003".into(), property: None, reason };
                    self.reject(at, &mut page, row_of(entry, Some(SourceKey(place))), vec![rejection], content);
                    continue;
                }
            };
            match entry.map_row(&row, &self.lookups) {
                Mapped::Skipped => self.builder.counts(at).skipped += 1,
                Mapped::Rejected(key, reasons) => {
                    self.reject(at, &mut page, row_of(entry, key), reasons, row_json(&row));
                }
                Mapped::Desired(desired, _) if !self.in_sample(&desired.row.key) => {
                    self.builder.counts(at).skipped += 1;
                }
                Mapped::Desired(desired, warnings) => match self.first_of_its_kind(entry, &desired, identities) {
                    Ok(()) => page.accepted.push(Accepted { desired, warnings }),
                    Err(twin) => self.reject(at, &mut page, desired.row, vec![twin], row_json(&row)),
                },
            }
        }
        page
    }

    fn in_sample(&self, key: &SourceKey) -> bool {
        self.context.options.sample.is_none_or(|share| linchpin_core::sync::plan::in_sample(key, share))
    }

    fn reject(&mut self, at: usize, page: &mut Page, row: RowId, reasons: Vec<Rejection>, content: String) {
        self.builder.counts(at).rejected += 1;
        // One row is one entry in the list: the first reason stands for it, the others are told in its text.
        let mut reasons = reasons.into_iter();
        let Some(mut first) = reasons.next() else { return };
        for other in reasons {
            first.reason = format!("{}; {}", first.reason, other.reason);
        }
        page.rejected.push(RejectedRow { row, rejection: first, content });
    }

    /// Two rows with one key, or one unique value, cannot both be the record: the first one is.
    fn first_of_its_kind(
        &mut self,
        entry: &Entry,
        desired: &Desired,
        identities: &mut BTreeMap<String, SourceKey>,
    ) -> Result<(), Rejection> {
        let twin = |property: Option<String>, reason: String| Rejection { code: "LP2004".into(), property, reason };
        let key = &desired.row.key;
        let keys = self.keys.entry(entry.name.clone()).or_default();
        if keys.contains(key) {
            return Err(twin(None, format!("an earlier row has the same key {key}")));
        }
        if let Identity::Unique { property } = &entry.identity
            && let Some(DesiredValue::Text(value)) = desired.properties.get(property)
        {
            let normal = super::lookup::canonical_of(entry, property, value);
            if let Some(first) = identities.get(&normal) {
                let reason =
                    format!("row {first} has the same {property} {value:?}; HubSpot keeps one record for each");
                return Err(twin(Some(property.clone()), reason));
            }
            identities.insert(normal, key.clone());
        }
        keys.insert(key.clone());
        Ok(())
    }

    /// Decides about the records of a page and stores the operations.
    async fn records(
        &mut self,
        at: usize,
        entry: &Entry,
        adopter: &mut Adopter<'_>,
        page: Page,
        associations: &mut Vec<(SourceKey, Vec<DesiredAssociation>)>,
    ) -> Result<(), SyncError> {
        let Page { mut accepted, rejected } = page;
        for one in &mut accepted {
            self.drop_dangling(entry, &mut one.desired, &mut one.warnings);
        }
        let keys: Vec<SourceKey> = accepted.iter().map(|one| one.desired.row.key.clone()).collect();
        let mut links = self.context.stores.links.get(self.context.install, &entry.name, &keys).await?;
        let adopted = adopter.adopt(accepted.iter().map(|one| &*one.desired), &mut links).await?;
        let references = accepted.iter().flat_map(|one| references(&one.desired));
        let known = Known::load(self.context, entry, references).await?;
        let mut chunk = PlanChunk { rejected, links: adopted.links, mirror: adopted.mirror, ..PlanChunk::default() };
        for (one, link) in accepted.into_iter().zip(links) {
            self.builder.warn(at, &one.desired.row.key, one.warnings);
            let decision = decide(&one.desired, &entry.identity, link.as_ref(), &known);
            associations.push((one.desired.row.key.clone(), one.desired.associations));
            chunk.operations.extend(self.builder.record(at, one.desired.row, decision));
        }
        Ok(self.context.stores.runs.extend(self.context.install, self.run, chunk).await?)
    }

    /// Leaves out what refers to rows that will have no record, with a warning.
    fn drop_dangling(&self, entry: &Entry, desired: &mut Desired, warnings: &mut Vec<RowWarning>) {
        let dangling = |row: &RowId| {
            // A row of the same entry may come later in the source.
            row.entry != entry.name && !self.keys.get(&row.entry).is_some_and(|keys| keys.contains(&row.key))
        };
        let warning = |property: Option<&String>, to: &RowId| RowWarning {
            code: "LP2005".into(),
            property: property.cloned(),
            note: format!("refers to rows of {} that are not there or were rejected; left out", to.entry),
        };
        desired.properties.retain(|name, value| match value {
            DesiredValue::RecordOf(row) if dangling(row) => {
                warnings.push(warning(Some(name), row));
                false
            }
            _ => true,
        });
        desired.associations.retain(|association| {
            let lost = dangling(&association.to);
            if lost {
                warnings.push(warning(None, &association.to));
            }
            !lost
        });
    }

    /// Decides about the associations of an entry, when all its rows are known.
    async fn associations(
        &mut self,
        at: usize,
        entry: &Entry,
        adopter: &Adopter<'_>,
        wanted: Vec<(SourceKey, Vec<DesiredAssociation>)>,
    ) -> Result<(), SyncError> {
        if entry.associations.is_empty() {
            return Ok(());
        }
        for page in wanted.chunks(self.context.options.chunk_rows) {
            let keys: Vec<SourceKey> = page.iter().map(|(key, _)| key.clone()).collect();
            let found = adopter.associations(&keys).await?;
            let stored = self.context.stores.links.associations(self.context.install, &entry.name, &keys).await?;
            let mut adopted: BTreeMap<SourceKey, Vec<AssociationLink>> = BTreeMap::new();
            for link in &found {
                adopted.entry(link.from.key.clone()).or_default().push(link.clone());
            }
            let mut chunk = PlanChunk { associations: found, ..PlanChunk::default() };
            for ((key, desired), mut agreed) in page.iter().zip(stored) {
                agreed.extend(adopted.remove(key).into_iter().flatten());
                let mut decision = decide_associations(desired, &agreed, &entry.associations);
                if self.context.options.sample.is_some() {
                    // What a sampled row refers to may merely be outside the sample.
                    decision.remove.clear();
                }
                let row = RowId { entry: entry.name.clone(), key: key.clone() };
                chunk.operations.extend(self.builder.associations(at, &row, decision));
            }
            self.context.stores.runs.extend(self.context.install, self.run, chunk).await?;
        }
        Ok(())
    }

    /// Counts linked rows that the source no longer has.
    async fn gone(&mut self, at: usize, entry: &Entry) -> Result<(), SyncError> {
        if self.context.options.sample.is_some() {
            return Ok(());
        }
        let seen = self.keys.get(&entry.name).cloned().unwrap_or_default();
        let mut after: Option<SourceKey> = None;
        loop {
            let (install, limit) = (self.context.install, self.context.options.chunk_rows);
            let keys = self.context.stores.links.keys(install, &entry.name, after.as_ref(), limit).await?;
            let Some(last) = keys.last() else { return Ok(()) };
            self.builder.counts(at).gone += keys.iter().filter(|key| !seen.contains(key)).count() as u64;
            after = Some(last.clone());
        }
    }
}

async fn open(entry: &Entry, sources: &Sources) -> Result<Box<dyn RowReader>, SyncError> {
    let Some(source) = sources.get(&entry.source) else {
        return Err(SyncError::NoSource { entry: entry.name.to_string(), source_name: entry.source.clone() });
    };
    let failed = |source| SyncError::Source { entry: entry.name.to_string(), source };
    source.open(&select_of(entry)).await.map_err(failed)
}

/// A row by its key; empty when the key itself is the trouble.
fn row_of(entry: &Entry, key: Option<SourceKey>) -> RowId {
    RowId { entry: entry.name.clone(), key: key.unwrap_or_else(|| SourceKey(String::new())) }
}

fn references(desired: &Desired) -> impl Iterator<Item = &RowId> {
    desired.properties.values().filter_map(|value| match value {
        DesiredValue::RecordOf(row) => Some(row),
        DesiredValue::Text(_) | DesiredValue::Clear => None,
    })
}
