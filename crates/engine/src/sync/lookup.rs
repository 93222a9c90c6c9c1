//! The surroundings of a decision: how an entry's properties compare, and which rows have which records.

use std::collections::BTreeMap;

use linchpin_core::sync::desired::RowId;
use linchpin_core::sync::diff::Surroundings;
use linchpin_hubspot::id::RecordId;
use linchpin_mapping::Entry;
use linchpin_ports::source;
use linchpin_ports::store::StoreError;

use super::Context;

/// What is known around the rows of one entry.
pub(super) struct Known<'a> {
    entry: &'a Entry,
    records: BTreeMap<RowId, RecordId>,
}

impl<'a> Known<'a> {
    /// Knows how to compare, and no records.
    pub(super) fn of(entry: &'a Entry) -> Self {
        Self { entry, records: BTreeMap::new() }
    }

    /// Looks up the records of the rows that are referred to.
    pub(super) async fn load(
        context: &Context,
        entry: &'a Entry,
        rows: impl Iterator<Item = &RowId>,
    ) -> Result<Self, StoreError> {
        let mut rows: Vec<RowId> = rows.cloned().collect();
        rows.sort();
        rows.dedup();
        if rows.is_empty() {
            return Ok(Self::of(entry));
        }
        let found = context.stores.links.records(context.install, &rows).await?;
        let records = rows.into_iter().zip(found).filter_map(|(row, record)| Some((row, record?))).collect();
        Ok(Self { entry, records })
    }
}

impl Surroundings for Known<'_> {
    fn canonical(&self, property: &str, value: &str) -> String {
        canonical_of(self.entry, property, value)
    }

    fn record_of(&self, row: &RowId) -> Option<RecordId> {
        self.records.get(row).copied()
    }
}

/// The one text that stands for all texts of the same value of a property of the entry.
pub(super) fn canonical_of(entry: &Entry, property: &str, value: &str) -> String {
    entry.canonical(property, value)
}

/// What the entry reads, in the words of the source port.
pub(super) fn select_of(entry: &Entry) -> source::Select {
    match &entry.select {
        linchpin_mapping::Select::Table(name) => source::Select::Table(name.clone()),
        linchpin_mapping::Select::Query(text) => source::Select::Query(text.clone()),
    }
}
