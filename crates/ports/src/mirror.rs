//! Records as HubSpot last showed them.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use linchpin_hubspot::id::{Install, ObjectType, RecordId};

use crate::store::StoreError;

/// One record as read or answered; only the properties that were asked for or written. `Debug` shows the names of
/// properties, not their values.
#[derive(Clone, PartialEq, Eq)]
pub struct MirrorRecord {
    /// Its type.
    pub object_type: ObjectType,
    /// Its id.
    pub id: RecordId,
    /// The properties seen.
    pub properties: BTreeMap<String, Option<String>>,
    /// HubSpot's `updatedAt`, as text.
    pub updated_at: Option<String>,
    /// Whether it is archived.
    pub archived: bool,
}

impl fmt::Debug for MirrorRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MirrorRecord")
            .field("object_type", &self.object_type)
            .field("id", &self.id)
            .field("properties", &self.properties.keys())
            .field("updated_at", &self.updated_at)
            .field("archived", &self.archived)
            .finish()
    }
}

/// The mirror.
#[async_trait]
pub trait Mirror: Send + Sync {
    /// Stores records; properties that a record does not carry keep their stored values.
    async fn put(&self, install: Install, records: Vec<MirrorRecord>) -> Result<(), StoreError>;

    /// Records by id, in the order of the ids.
    async fn get(
        &self,
        install: Install,
        object_type: &ObjectType,
        ids: &[RecordId],
    ) -> Result<Vec<Option<MirrorRecord>>, StoreError>;

    /// The highest id seen of a type; zero when none.
    async fn highest(&self, install: Install, object_type: &ObjectType) -> Result<RecordId, StoreError>;

    /// How many records of a type are held.
    async fn count(&self, install: Install, object_type: &ObjectType) -> Result<u64, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_names_and_no_values() {
        let record = MirrorRecord {
            object_type: ObjectType::new("contacts"),
            id: RecordId(7),
            properties: [("email".to_owned(), Some("ana@example.com".to_owned()))].into(),
            updated_at: None,
            archived: false,
        };
        let shown = format!("{record:?}");
        assert!(shown.contains("email") && !shown.contains("ana@"), "{shown}");
    }
}
