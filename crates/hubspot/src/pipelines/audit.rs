//! Who changed a pipeline or a stage, and when.

use serde::Deserialize;

use crate::endpoint::{endpoint, items};
use crate::id::ObjectType;
use crate::version::Surface;
use crate::wire::{null_as_default, number_or_none, text_or_none};

/// GET the changes of one pipeline, newest first.
#[derive(Clone, Debug)]
pub struct Audit {
    /// Of which type.
    pub object_type: ObjectType,
    /// Of which pipeline.
    pub id: String,
}

endpoint!(Audit => Vec<AuditEntry>, items("the audit of a pipeline"), |this, version| {
    Surface::Pipelines.get(version, &[this.object_type.as_str(), &this.id, "audit"])
});

/// GET the changes of one stage, newest first.
#[derive(Clone, Debug)]
pub struct AuditStage {
    /// Of which type.
    pub object_type: ObjectType,
    /// Of which pipeline.
    pub pipeline: String,
    /// Of which stage.
    pub id: String,
}

endpoint!(AuditStage => Vec<AuditEntry>, items("the audit of a stage"), |this, version| {
    Surface::Pipelines.get(version, &[this.object_type.as_str(), &this.pipeline, "stages", &this.id, "audit"])
});

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// `CREATE`, `UPDATE`, `DELETE`.
    #[serde(default, deserialize_with = "null_as_default")]
    pub action: String,
    /// The pipeline or stage.
    #[serde(default, deserialize_with = "text_or_none")]
    pub identifier: Option<String>,
    /// When, ISO 8601.
    #[serde(default)]
    pub timestamp: Option<String>,
    /// Which user; none for apps.
    #[serde(default, rename = "fromUserId", deserialize_with = "number_or_none")]
    pub user_id: Option<u64>,
}
