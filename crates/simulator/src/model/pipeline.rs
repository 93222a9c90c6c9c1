//! Pipelines and their stages, with the defaults of a new portal.
//!
//! Source of the defaults: recorded pipelines of standard accounts; they were created at the epoch.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::catalog::Kind;
use super::property::Choice;
use super::saved::Places;
use super::time;
use super::users::APP_USER;
use crate::saved::Unfit;
use crate::wire::Millis;

/// What the log of one object type's pipelines remembers.
const AUDITS_MAX: usize = 1_000;
/// Deleted pipelines of one object type that can be restored.
const ARCHIVED_MAX: usize = 100;

/// One stage.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Stage {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) display_order: i64,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) created_at: Millis,
    pub(super) updated_at: Millis,
}

impl Stage {
    pub(super) fn to_json(&self) -> Value {
        self.echo(&self.metadata)
    }

    /// The stage with the metadata that a write sent: its answer says nothing of what is derived.
    pub(super) fn echo(&self, metadata: &BTreeMap<String, String>) -> Value {
        json!({"label": self.label, "displayOrder": self.display_order, "metadata": metadata, "id": self.id,
               "createdAt": time::iso(self.created_at), "updatedAt": time::iso(self.updated_at),
               "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT", "archived": false})
    }

    /// Whether a deal or ticket in this stage is done.
    pub(super) fn is_closed(&self) -> bool {
        self.metadata.get("isClosed").is_some_and(|text| text == "true")
            || self.metadata.get("ticketState").is_some_and(|text| text == "CLOSED")
    }
}

/// One pipeline with its stages.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Pipeline {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) display_order: i64,
    pub(super) stages: Vec<Stage>,
    pub(super) created_at: Millis,
    pub(super) updated_at: Millis,
}

impl Pipeline {
    pub(super) fn to_json(&self) -> Value {
        let stages: Vec<Value> = self.stages.iter().map(Stage::to_json).collect();
        self.with_stages(&stages)
    }

    /// The pipeline with its stages as they are given.
    pub(super) fn with_stages(&self, stages: &[Value]) -> Value {
        json!({"label": self.label, "displayOrder": self.display_order, "id": self.id, "stages": stages,
               "createdAt": time::iso(self.created_at), "updatedAt": time::iso(self.updated_at), "archived": false})
    }

    pub(super) fn stage(&self, id: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.id == id)
    }
}

/// One change of a pipeline or a stage.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Audit {
    identifier: String,
    action: Cow<'static, str>,
    at: Millis,
    state: Value,
}

/// What was done to pipelines, and those that were deleted.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct PipelineLog {
    audits: BTreeMap<Kind, Vec<Audit>>,
    archived: BTreeMap<Kind, Vec<Pipeline>>,
}

impl PipelineLog {
    /// The same under the numbers that this version gives to object types.
    pub(super) fn translated(self, places: &Places) -> Result<Self, Unfit> {
        let audits = self.audits.into_iter().map(|(kind, audits)| Ok((places.kind(kind)?, audits)));
        let archived = self.archived.into_iter().map(|(kind, archived)| Ok((places.kind(kind)?, archived)));
        Ok(Self { audits: audits.collect::<Result<_, Unfit>>()?, archived: archived.collect::<Result<_, Unfit>>()? })
    }

    /// Notes a change; the oldest notes of the object type make room.
    pub(super) fn note(&mut self, kind: Kind, action: &'static str, identifier: &str, state: Value, at: Millis) {
        let audits = self.audits.entry(kind).or_default();
        if audits.len() >= AUDITS_MAX {
            audits.remove(0);
        }
        audits.push(Audit { identifier: identifier.to_owned(), action: action.into(), at, state });
    }

    /// The changes of one pipeline or stage, the newest first.
    pub(super) fn audits(&self, kind: Kind, identifier: &str, portal: u64) -> Vec<Value> {
        let own = self.audits.get(&kind).into_iter().flatten().filter(|audit| audit.identifier == identifier);
        own.rev()
            .map(|audit| {
                json!({"portalId": portal, "identifier": audit.identifier, "action": audit.action,
                       "timestamp": time::iso(audit.at), "fromUserId": APP_USER, "rawObject": audit.state})
            })
            .collect()
    }

    /// Keeps a deleted pipeline; the oldest ones make room.
    pub(super) fn archive(&mut self, kind: Kind, pipeline: Pipeline) {
        let archived = self.archived.entry(kind).or_default();
        archived.retain(|known| known.id != pipeline.id);
        if archived.len() >= ARCHIVED_MAX {
            archived.remove(0);
        }
        archived.push(pipeline);
    }

    /// A deleted pipeline.
    pub(super) fn archived(&self, kind: Kind, id: &str) -> Option<&Pipeline> {
        self.archived.get(&kind)?.iter().find(|known| known.id == id)
    }

    /// Forgets a deleted pipeline: it was restored, or another one took its id.
    pub(super) fn forget(&mut self, kind: Kind, id: &str) {
        if let Some(archived) = self.archived.get_mut(&kind) {
            archived.retain(|known| known.id != id);
        }
    }
}

/// The lifecycle stages of contacts and companies as the pipeline that reads show.
pub(super) fn lifecycle(id: &str, stages: &[Choice]) -> Pipeline {
    let metadata = [("isClosed", "false"), ("state", "OPEN")];
    let stage = |choice: &Choice| Stage {
        id: choice.value.clone(),
        label: choice.label.clone(),
        display_order: choice.display_order,
        metadata: metadata.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        created_at: Millis(0),
        updated_at: Millis(0),
    };
    Pipeline {
        id: id.to_owned(),
        label: "Lifecycle Stage Pipeline".to_owned(),
        display_order: 0,
        stages: stages.iter().map(stage).collect(),
        created_at: Millis(0),
        updated_at: Millis(0),
    }
}

/// The sales pipeline of a new portal.
pub(super) fn deal_default() -> Pipeline {
    let stages = [
        ("appointmentscheduled", "Appointment Scheduled", "0.2"),
        ("qualifiedtobuy", "Qualified To Buy", "0.4"),
        ("presentationscheduled", "Presentation Scheduled", "0.6"),
        ("decisionmakerboughtin", "Decision Maker Bought-In", "0.8"),
        ("contractsent", "Contract Sent", "0.9"),
        ("closedwon", "Closed Won", "1.0"),
        ("closedlost", "Closed Lost", "0.0"),
    ];
    let metadata = |probability: &str| {
        let closed = matches!(probability, "1.0" | "0.0");
        [("isClosed".to_owned(), closed.to_string()), ("probability".to_owned(), probability.to_owned())].into()
    };
    standard("default", "Sales Pipeline", stages.map(|(id, label, chance)| (id, label, metadata(chance))))
}

/// The support pipeline of a new portal.
pub(super) fn ticket_default() -> Pipeline {
    let stages = [
        ("1", "New", "OPEN"),
        ("2", "Waiting on contact", "OPEN"),
        ("3", "Waiting on us", "OPEN"),
        ("4", "Closed", "CLOSED"),
    ];
    let metadata = |state: &str| {
        let closed = (state == "CLOSED").to_string();
        [("ticketState".to_owned(), state.to_owned()), ("isClosed".to_owned(), closed)].into()
    };
    standard("0", "Support Pipeline", stages.map(|(id, label, state)| (id, label, metadata(state))))
}

fn standard<const N: usize>(id: &str, label: &str, stages: [(&str, &str, BTreeMap<String, String>); N]) -> Pipeline {
    let stages = (0_i64..).zip(stages).map(|(display_order, (id, label, metadata))| Stage {
        id: id.to_owned(),
        label: label.to_owned(),
        display_order,
        metadata,
        created_at: Millis(0),
        updated_at: Millis(0),
    });
    Pipeline {
        id: id.to_owned(),
        label: label.to_owned(),
        display_order: 0,
        stages: stages.collect(),
        created_at: Millis(0),
        updated_at: Millis(0),
    }
}
