//! Records as HubSpot last showed them.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use linchpin_core::gateway::mirrored::{Asked, Form};
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
    /// How HubSpot wrote it down, if all of it was read at once and nothing has changed since.
    pub body: Option<Body>,
}

/// A record as HubSpot wrote it down. `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Body {
    /// When it was asked for.
    pub asked: Asked,
    /// In which form.
    pub form: Form,
    /// The JSON object, byte for byte.
    pub record: String,
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("asked", &self.asked).field("form", &self.form).finish_non_exhaustive()
    }
}

impl fmt::Debug for MirrorRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MirrorRecord")
            .field("object_type", &self.object_type)
            .field("id", &self.id)
            .field("properties", &self.properties.keys())
            .field("updated_at", &self.updated_at)
            .field("archived", &self.archived)
            .field("body", &self.body)
            .finish()
    }
}

/// The mirror.
#[async_trait]
pub trait Mirror: Send + Sync {
    /// Stores records; properties that a record does not carry keep their stored values. The body is kept as it is given:
    /// without one it is forgotten.
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
            body: Some(Body {
                asked: Asked { process: 1, micros: 2 },
                form: Form("v3".to_owned()),
                record: r#"{"email":"ana@example.com"}"#.to_owned(),
            }),
        };
        let shown = format!("{record:?}");
        assert!(shown.contains("email") && !shown.contains("ana@"), "{shown}");
    }
}
