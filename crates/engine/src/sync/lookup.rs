//! The surroundings of a decision: how an entry's properties compare, and which rows have which records.

use std::borrow::Cow;
use std::collections::BTreeMap;

use linchpin_core::sync::desired::RowId;
use linchpin_core::sync::diff::Surroundings;
use linchpin_hubspot::id::RecordId;
use linchpin_hubspot::properties::PropertyType;
use linchpin_hubspot::value;
use linchpin_mapping::{Entry, PropertyKind};
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

impl Known<'_> {
    /// The record of a row, if it is linked.
    pub(super) fn record(&self, row: &RowId) -> Option<RecordId> {
        self.records.get(row).copied()
    }
}

impl Surroundings for Known<'_> {
    fn canonical(&self, property: &str, value: &str) -> String {
        canonical_of(self.entry, property, value)
    }

    fn record_of(&self, row: &RowId) -> Option<RecordId> {
        self.record(row)
    }
}

/// The one text that stands for all texts of the same value of a property of the entry.
pub(super) fn canonical_of(entry: &Entry, property: &str, value: &str) -> String {
    if property == "email" {
        return value.to_lowercase();
    }
    let kind = entry.properties.iter().find(|governed| governed.name == property).and_then(|governed| governed.kind);
    let (property_type, field_type) = wire_type(kind.unwrap_or(PropertyKind::Other));
    value::canonical(property_type, field_type, value).map(Cow::into_owned).unwrap_or_default()
}

/// HubSpot's words for a kind of property.
fn wire_type(kind: PropertyKind) -> (PropertyType, &'static str) {
    match kind {
        PropertyKind::Text => (PropertyType::String, "text"),
        PropertyKind::Number => (PropertyType::Number, "number"),
        PropertyKind::Bool => (PropertyType::Bool, "booleancheckbox"),
        PropertyKind::Enumeration => (PropertyType::Enumeration, "select"),
        PropertyKind::MultiEnumeration => (PropertyType::Enumeration, "checkbox"),
        PropertyKind::Date => (PropertyType::Date, "date"),
        PropertyKind::Datetime => (PropertyType::Datetime, "date"),
        PropertyKind::Other => (PropertyType::Other, "text"),
    }
}

/// What the entry reads, in the words of the source port.
pub(super) fn select_of(entry: &Entry) -> source::Select {
    match &entry.select {
        linchpin_mapping::Select::Table(name) => source::Select::Table(name.clone()),
        linchpin_mapping::Select::Query(text) => source::Select::Query(text.clone()),
    }
}
