//! Records written into the journal as they are now, on request.

use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::endpoint::{ApiError, body, endpoint, one};
use crate::id::{PortalId, RecordId};
use crate::limits::sizes::{JOURNAL_BATCH_MAX, at_most};
use crate::version::Surface;
use crate::wire::{null_as_default, number_or_none, record_id, text};

/// One record to be written into the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotRequest {
    /// In which account.
    pub portal_id: PortalId,
    /// Of which type (`0-1`).
    pub object_type_id: String,
    /// Which record.
    pub object_id: RecordId,
    /// With which properties.
    pub properties: Vec<String>,
}

/// POST `crm`: asks for snapshots. They come as events with the action `SNAPSHOT`.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Of which records.
    pub requests: Vec<SnapshotRequest>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SnapshotBody<'a> {
    snapshot_requests: &'a [SnapshotRequest],
}

/// What one request can be followed by.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotTicket {
    /// Which record.
    #[serde(rename = "objectId", deserialize_with = "record_id")]
    pub record: RecordId,
    /// Of which type.
    #[serde(default, deserialize_with = "null_as_default")]
    pub object_type_id: String,
    /// What [`ReadSnapshotStatus`] takes.
    #[serde(rename = "snapshotStatusId", deserialize_with = "text")]
    pub status: String,
}

fn tickets(answer: &Answer) -> Result<Vec<SnapshotTicket>, ApiError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        #[serde(default, deserialize_with = "null_as_default")]
        snapshot_responses: Vec<SnapshotTicket>,
    }
    body::<Body>(answer, "requested snapshots").map(|body| body.snapshot_responses)
}

endpoint!(Snapshot => Vec<SnapshotTicket>, tickets, |this, version| {
    Surface::JournalSnapshots.post(version, &["crm"]).with_json(&SnapshotBody { snapshot_requests: &this.requests })
}, check: at_most("snapshots of a call", this.requests.len(), JOURNAL_BATCH_MAX));

/// GET how far a snapshot is.
#[derive(Clone, Debug)]
pub struct ReadSnapshotStatus {
    /// From [`SnapshotTicket`].
    pub id: String,
}

/// How far a snapshot is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotStatus {
    /// Its id.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// `PENDING`, `IN_PROGRESS`, `SUCCESS` (in prose `COMPLETED`), `FAILED` or `EXPIRED`.
    #[serde(default, deserialize_with = "null_as_default")]
    pub status: String,
    /// When it was asked for, epoch milliseconds.
    #[serde(default, deserialize_with = "number_or_none")]
    pub initiated_at: Option<u64>,
    /// When it was done, epoch milliseconds.
    #[serde(default, deserialize_with = "number_or_none")]
    pub completed_at: Option<u64>,
    /// Why it failed: `TIMEOUT`, `VALIDATION_ERROR`, `INTERNAL_ERROR`, `PERMISSION_DENIED`.
    #[serde(default)]
    pub error_code: Option<String>,
}

impl SnapshotStatus {
    /// Whether the record is in the journal: the specification and the guide name it differently.
    pub fn is_done(&self) -> bool {
        matches!(self.status.as_str(), "SUCCESS" | "COMPLETED")
    }
}

endpoint!(ReadSnapshotStatus => SnapshotStatus, one("the status of a snapshot"), |this, version| {
    Surface::Journal.get(version, &["status", &this.id])
});
