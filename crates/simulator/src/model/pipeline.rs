//! Pipelines and their stages, with the defaults of a new portal.
//!
//! Source of the defaults: recorded pipelines of standard accounts; they were created at the epoch.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::time;
use crate::wire::Millis;

/// One stage.
#[derive(Clone, Debug)]
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
        json!({"label": self.label, "displayOrder": self.display_order, "metadata": self.metadata, "id": self.id,
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
#[derive(Clone, Debug)]
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
        json!({"label": self.label, "displayOrder": self.display_order, "id": self.id, "stages": stages,
               "createdAt": time::iso(self.created_at), "updatedAt": time::iso(self.updated_at), "archived": false})
    }

    pub(super) fn stage(&self, id: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.id == id)
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
    let metadata = |state: &str| [("ticketState".to_owned(), state.to_owned())].into();
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
