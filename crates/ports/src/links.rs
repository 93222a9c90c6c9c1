//! The memory of which row is which record.

use async_trait::async_trait;
use linchpin_core::sync::desired::{EntryName, RowId, SourceKey};
use linchpin_core::sync::link::{AssociationLink, Link};
use linchpin_hubspot::id::{Install, ObjectType, RecordId};

use crate::store::StoreError;

/// Links and agreed associations. Written through [`crate::queue::Queue::settle`] and [`crate::runs::Runs::extend`].
#[async_trait]
pub trait Links: Send + Sync {
    /// The links of rows of one entry, in the order of the keys.
    async fn get(
        &self,
        install: Install,
        entry: &EntryName,
        keys: &[SourceKey],
    ) -> Result<Vec<Option<Link>>, StoreError>;

    /// The record ids of rows of any entries, in their order.
    async fn records(&self, install: Install, rows: &[RowId]) -> Result<Vec<Option<RecordId>>, StoreError>;

    /// The rows that are linked to records of one type, in the order of the ids.
    async fn rows(
        &self,
        install: Install,
        object_type: &ObjectType,
        records: &[RecordId],
    ) -> Result<Vec<Option<RowId>>, StoreError>;

    /// The agreed associations that start from rows of one entry, in the order of the keys.
    async fn associations(
        &self,
        install: Install,
        entry: &EntryName,
        keys: &[SourceKey],
    ) -> Result<Vec<Vec<AssociationLink>>, StoreError>;

    /// The keys of the linked rows of one entry, ascending, after `after`.
    async fn keys(
        &self,
        install: Install,
        entry: &EntryName,
        after: Option<&SourceKey>,
        limit: usize,
    ) -> Result<Vec<SourceKey>, StoreError>;

    /// How many rows of one entry are linked.
    async fn count(&self, install: Install, entry: &EntryName) -> Result<u64, StoreError>;

    /// A number that grows with every settlement of operations that are done; zero before the first.
    async fn revision(&self, install: Install) -> Result<u64, StoreError>;
}
