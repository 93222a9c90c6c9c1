//! Makes a plan: reads every row once, asks core what it needs, writes the operations into the queue.

use std::collections::{BTreeMap, BTreeSet};

use linchpin_core::sync::desired::{
    Desired, DesiredAssociation, DesiredValue, EntryName, Identity, Mapped, Rejection, RowId, RowWarning, SourceKey,
};
use linchpin_core::sync::diff::{decide, decide_associations};
use linchpin_core::sync::link::{AssociationLink, Link};
use linchpin_core::sync::plan::{EntryShape, PlanBuilder};
use linchpin_core::sync::run::{RejectedRow, Run, RunId};
use linchpin_mapping::{Compiled, Entry, Lookups, PortalSnapshot};
use linchpin_ports::runs::PlanChunk;
use linchpin_ports::source::{Read, RowReader, row_json};

use super::adopt::{Adopter, Contest};
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
    // The count of calls tells two plans of one millisecond apart.
    let run = RunId::new(now.wall, context.options.seed.wrapping_add(context.hub.calls()));
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
    /// Associations that it wants to rows without a record: neither made nor removed.
    left: Vec<DesiredAssociation>,
}

/// The associations that one row wants, kept until all rows of its entry are known.
struct Wanted {
    key: SourceKey,
    associations: Vec<DesiredAssociation>,
    left: Vec<DesiredAssociation>,
}

/// What is gathered while the rows of one entry are read.
#[derive(Default)]
struct Gathered {
    /// The unique values so far, with the row that has each.
    identities: BTreeMap<String, SourceKey>,
    /// Keys of rows that are in the source but will have no record now.
    present: BTreeSet<SourceKey>,
    /// Rows whose record is linked to another row: decided when it is known whether that row is still there.
    contested: Vec<(Accepted, Contest)>,
    /// The associations to decide about.
    wanted: Vec<Wanted>,
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
        let mut gathered = Gathered::default();
        self.keys.entry(entry.name.clone()).or_default();
        loop {
            let failed = |source| SyncError::Source { entry: entry.name.to_string(), source };
            let reads = reader.next(self.context.options.chunk_rows).await.map_err(failed)?;
            if reads.is_empty() {
                break;
            }
            let page = self.map(at, entry, reads, &mut gathered);
            self.records(at, entry, &mut adopter, page, &mut gathered).await?;
            self.watch.planning(&entry.name.0, self.builder.counts(at).rows, None);
        }
        self.contested(at, entry, &mut adopter, &mut gathered).await?;
        self.associations(at, entry, &adopter, gathered.wanted).await?;
        self.gone(at, entry, &gathered.present).await
    }

    /// Maps a page of rows; what cannot be synced is set aside with its reason.
    fn map(&mut self, at: usize, entry: &Entry, reads: Vec<Read>, gathered: &mut Gathered) -> Page {
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
                Mapped::Skipped => {
                    self.builder.counts(at).skipped += 1;
                    gathered.present.extend(entry.key_of(&row));
                }
                Mapped::Rejected(key, reasons) => {
                    gathered.present.extend(key.clone());
                    self.reject(at, &mut page, row_of(entry, key), reasons, row_json(&row));
                }
                Mapped::Desired(desired, _) if !self.in_sample(&desired.row.key) => {
                    self.builder.counts(at).skipped += 1;
                }
                Mapped::Desired(desired, warnings) => {
                    match self.first_of_its_kind(entry, &desired, &mut gathered.identities) {
                        Ok(()) => page.accepted.push(Accepted { desired, warnings, left: Vec::new() }),
                        Err(twin) => {
                            gathered.present.insert(desired.row.key.clone());
                            self.reject(at, &mut page, desired.row, vec![twin], row_json(&row));
                        }
                    }
                }
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

    /// Finds the records of a page of rows, decides about them and stores the operations.
    async fn records(
        &mut self,
        at: usize,
        entry: &Entry,
        adopter: &mut Adopter<'_>,
        page: Page,
        gathered: &mut Gathered,
    ) -> Result<(), SyncError> {
        let Page { mut accepted, rejected } = page;
        for one in &mut accepted {
            self.drop_dangling(entry, one);
        }
        let keys: Vec<SourceKey> = accepted.iter().map(|one| one.desired.row.key.clone()).collect();
        let mut links = self.context.stores.links.get(self.context.install, &entry.name, &keys).await?;
        let mut adopted = adopter.adopt(accepted.iter().map(|one| &*one.desired), &mut links).await?;
        let mut chunk = PlanChunk { rejected, links: adopted.links, mirror: adopted.mirror, ..PlanChunk::default() };
        let mut ready = Vec::new();
        for ((position, one), link) in accepted.into_iter().enumerate().zip(links) {
            if let Some(contest) = adopted.contested.remove(&position) {
                gathered.contested.push((one, contest));
            } else if let Some(record) = adopted.aliases.remove(&position) {
                let reason =
                    format!("record {record} has this address as a second one: correct the source, or the record");
                self.refuse(at, entry, one, Rejection { code: "LP3002".into(), property: None, reason }, &mut chunk);
            } else {
                ready.push((one, link));
            }
        }
        self.decide(at, entry, ready, gathered, chunk).await
    }

    /// Decides about rows with their links, and stores the operations.
    async fn decide(
        &mut self,
        at: usize,
        entry: &Entry,
        ready: Vec<(Accepted, Option<Link>)>,
        gathered: &mut Gathered,
        mut chunk: PlanChunk,
    ) -> Result<(), SyncError> {
        let references = ready.iter().flat_map(|(one, _)| references(&one.desired));
        let known = Known::load(self.context, entry, references).await?;
        for (one, link) in ready {
            let Accepted { desired, warnings, left } = one;
            self.builder.warn(at, &desired.row.key, warnings);
            let decision = decide(&desired, &entry.identity, link.as_ref(), &known);
            let Desired { row, associations, .. } = *desired;
            gathered.wanted.push(Wanted { key: row.key.clone(), associations, left });
            chunk.operations.extend(self.builder.record(at, row, decision));
        }
        Ok(self.context.stores.runs.extend(self.context.install, self.run, chunk).await?)
    }

    /// Decides about rows whose record is linked to another row: if that row is gone from the source, its key has
    /// changed and the record goes to this row; if it is still there, this row has to wait until the record is free.
    async fn contested(
        &mut self,
        at: usize,
        entry: &Entry,
        adopter: &mut Adopter<'_>,
        gathered: &mut Gathered,
    ) -> Result<(), SyncError> {
        let (mut chunk, mut ready) = (PlanChunk::default(), Vec::new());
        for (one, contest) in std::mem::take(&mut gathered.contested) {
            let still_there = self.keys.get(&entry.name).is_some_and(|keys| keys.contains(&contest.holder))
                || gathered.present.contains(&contest.holder);
            if still_there || self.context.options.sample.is_some() {
                let Contest { holder, link } = contest;
                let reason = format!(
                    "record {} with this row's unique value is linked to row {holder}; it is free when that row's change \
                     has been synced: sync again",
                    link.record
                );
                self.refuse(at, entry, one, Rejection { code: "LP2004".into(), property: None, reason }, &mut chunk);
            } else {
                adopter.remember(&contest.link);
                chunk.links.push(contest.link.clone());
                ready.push((one, Some(contest.link)));
            }
        }
        self.decide(at, entry, ready, gathered, chunk).await
    }

    /// Rejects a row that the mapping had accepted: nobody may refer to it.
    fn refuse(&mut self, at: usize, entry: &Entry, one: Accepted, rejection: Rejection, chunk: &mut PlanChunk) {
        self.builder.counts(at).rejected += 1;
        let Desired { row, properties, .. } = *one.desired;
        if let Some(keys) = self.keys.get_mut(&entry.name) {
            keys.remove(&row.key);
        }
        let texts = properties.into_iter().filter_map(|(name, value)| match value {
            DesiredValue::Text(text) => Some((name, serde_json::Value::String(text))),
            DesiredValue::Clear | DesiredValue::RecordOf(_) => None,
        });
        let content = serde_json::Value::Object(texts.collect()).to_string();
        chunk.rejected.push(RejectedRow { row, rejection, content });
    }

    /// Leaves out what refers to rows that will have no record, with a warning.
    fn drop_dangling(&self, entry: &Entry, one: &mut Accepted) {
        let dangling = |row: &RowId| {
            // A row of the same entry may come later in the source.
            row.entry != entry.name && !self.keys.get(&row.entry).is_some_and(|keys| keys.contains(&row.key))
        };
        let warning = |property: Option<&String>, to: &RowId| RowWarning {
            code: "LP2005".into(),
            property: property.cloned(),
            note: format!("refers to rows of {} that are not there or were rejected; left as it is", to.entry),
        };
        let Accepted { desired, warnings, left } = one;
        desired.properties.retain(|name, value| match value {
            DesiredValue::RecordOf(row) if dangling(row) => {
                warnings.push(warning(Some(name), row));
                false
            }
            _ => true,
        });
        let (lost, kept) = std::mem::take(&mut desired.associations).into_iter().partition(|one| dangling(&one.to));
        desired.associations = kept;
        *left = lost;
        warnings.extend(left.iter().map(|association| warning(None, &association.to)));
    }

    /// Decides about the associations of an entry, when all its rows are known.
    async fn associations(
        &mut self,
        at: usize,
        entry: &Entry,
        adopter: &Adopter<'_>,
        wanted: Vec<Wanted>,
    ) -> Result<(), SyncError> {
        if entry.associations.is_empty() {
            return Ok(());
        }
        for page in wanted.chunks(self.context.options.chunk_rows) {
            let keys: Vec<SourceKey> = page.iter().map(|wanted| wanted.key.clone()).collect();
            let found = adopter.associations(&keys).await?;
            let stored = self.context.stores.links.associations(self.context.install, &entry.name, &keys).await?;
            let mut adopted: BTreeMap<SourceKey, Vec<AssociationLink>> = BTreeMap::new();
            for link in &found {
                adopted.entry(link.from.key.clone()).or_default().push(link.clone());
            }
            let mut chunk = PlanChunk { associations: found, ..PlanChunk::default() };
            for (Wanted { key, associations, left }, mut agreed) in page.iter().zip(stored) {
                agreed.extend(adopted.remove(key).into_iter().flatten());
                let decision = decide_associations(associations, left, &agreed, &entry.associations);
                let row = RowId { entry: entry.name.clone(), key: key.clone() };
                chunk.operations.extend(self.builder.associations(at, &row, decision));
            }
            self.context.stores.runs.extend(self.context.install, self.run, chunk).await?;
        }
        Ok(())
    }

    /// Counts linked rows that the source no longer has.
    async fn gone(&mut self, at: usize, entry: &Entry, present: &BTreeSet<SourceKey>) -> Result<(), SyncError> {
        if self.context.options.sample.is_some() {
            return Ok(());
        }
        let mut after: Option<SourceKey> = None;
        loop {
            let (install, limit) = (self.context.install, self.context.options.chunk_rows);
            let keys = self.context.stores.links.keys(install, &entry.name, after.as_ref(), limit).await?;
            let Some(last) = keys.last() else { return Ok(()) };
            let seen = self.keys.get(&entry.name);
            let is_gone = |key: &&SourceKey| !present.contains(key) && !seen.is_some_and(|seen| seen.contains(key));
            let gone = keys.iter().filter(is_gone).count() as u64;
            self.builder.counts(at).gone += gone;
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
