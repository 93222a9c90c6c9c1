//! Stages of one pipeline.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Stage;
use crate::endpoint::{endpoint, items, one, success};
use crate::id::ObjectType;
use crate::version::Surface;

/// A stage to be made, or to stand in another's place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewStage {
    /// What people see; no two of a pipeline share it.
    pub label: String,
    /// Order.
    pub display_order: i32,
    /// Deals need `probability` (`0.0` to `1.0` in tenths: `1.0` is won, `0.0` is lost); tickets may have
    /// `ticketState` (`OPEN` or `CLOSED`).
    pub metadata: BTreeMap<String, String>,
}

/// What shall be another in a stage; what is none stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StageChange {
    /// What people see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_order: Option<i32>,
    /// Keys to set; the specification demands it even when it is empty.
    pub metadata: BTreeMap<String, String>,
}

/// GET the stages; not paged, not sorted.
#[derive(Clone, Debug)]
pub struct ListStages {
    /// Of which type.
    pub object_type: ObjectType,
    /// Of which pipeline.
    pub pipeline: String,
}

endpoint!(ListStages => Vec<Stage>, items("stages"), |this, version| {
    Surface::Pipelines.get(version, &[this.object_type.as_str(), &this.pipeline, "stages"])
});

/// GET one stage.
#[derive(Clone, Debug)]
pub struct ReadStage {
    /// Of which type.
    pub object_type: ObjectType,
    /// Of which pipeline.
    pub pipeline: String,
    /// Its id.
    pub id: String,
}

endpoint!(ReadStage => Stage, one("a stage"), |this, version| {
    Surface::Pipelines.get(version, &[this.object_type.as_str(), &this.pipeline, "stages", &this.id])
});

/// POST one stage. A repeat may make a second one.
#[derive(Clone, Debug)]
pub struct CreateStage {
    /// Of which type.
    pub object_type: ObjectType,
    /// Of which pipeline.
    pub pipeline: String,
    /// What it shall be.
    pub stage: NewStage,
}

endpoint!(CreateStage => Stage, one("a created stage"), |this, version| {
    let segments = [this.object_type.as_str(), &this.pipeline, "stages"];
    Surface::Pipelines.post(version, &segments).with_json(&this.stage)
});

/// PUT one stage.
#[derive(Clone, Debug)]
pub struct ReplaceStage {
    /// Of which type.
    pub object_type: ObjectType,
    /// Of which pipeline.
    pub pipeline: String,
    /// Its id.
    pub id: String,
    /// What it shall be.
    pub stage: NewStage,
}

endpoint!(ReplaceStage => Stage, one("a replaced stage"), |this, version| {
    let segments = [this.object_type.as_str(), &this.pipeline, "stages", &this.id];
    Surface::Pipelines.put(version, &segments).with_json(&this.stage)
});

/// PATCH one stage.
#[derive(Clone, Debug)]
pub struct UpdateStage {
    /// Of which type.
    pub object_type: ObjectType,
    /// Of which pipeline.
    pub pipeline: String,
    /// Its id.
    pub id: String,
    /// What shall be another.
    pub change: StageChange,
}

endpoint!(UpdateStage => Stage, one("a changed stage"), |this, version| {
    let segments = [this.object_type.as_str(), &this.pipeline, "stages", &this.id];
    Surface::Pipelines.patch(version, &segments).with_json(&this.change)
});

/// DELETE one stage.
#[derive(Clone, Debug)]
pub struct DeleteStage {
    /// Of which type.
    pub object_type: ObjectType,
    /// Of which pipeline.
    pub pipeline: String,
    /// Its id.
    pub id: String,
    /// Refuse while records are in it; else they keep a stage that does not exist.
    pub check_references: bool,
}

endpoint!(DeleteStage => (), success, |this, version| {
    let segments = [this.object_type.as_str(), &this.pipeline, "stages", &this.id];
    Surface::Pipelines.delete(version, &segments).with_flag("validateReferencesBeforeDelete", this.check_references)
});
