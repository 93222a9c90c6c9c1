//! Pipelines and their stages (<https://developers.hubspot.com/docs/api-reference/crm-pipelines-v3/guide>).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::endpoint::{endpoint, items, one, success};
use crate::id::ObjectType;
use crate::limits::sizes::{STAGES_MAX, at_most};
use crate::version::Surface;
use crate::wire::{null_as_default, properties, text};

mod audit;
mod stages;

pub use audit::{Audit, AuditEntry, AuditStage};
pub use stages::{CreateStage, DeleteStage, ListStages, NewStage, ReadStage, ReplaceStage, StageChange, UpdateStage};

/// One pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pipeline {
    /// What the pipeline property holds.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// What people see.
    #[serde(default, deserialize_with = "null_as_default")]
    pub label: String,
    /// Order; the list is not sorted.
    #[serde(default, deserialize_with = "null_as_default")]
    pub display_order: i32,
    /// Its stages, not sorted.
    #[serde(default, deserialize_with = "null_as_default")]
    pub stages: Vec<Stage>,
    /// Whether it is archived.
    #[serde(default, deserialize_with = "null_as_default")]
    pub archived: bool,
}

/// One stage.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    /// What the stage property holds.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// What people see.
    #[serde(default, deserialize_with = "null_as_default")]
    pub label: String,
    /// Order.
    #[serde(default, deserialize_with = "null_as_default")]
    pub display_order: i32,
    /// Deals: `probability` (`0.0` is lost, `1.0` is won) and `isClosed`; tickets: `ticketState`.
    #[serde(default, deserialize_with = "properties")]
    pub metadata: BTreeMap<String, Option<String>>,
    /// Whether it is archived.
    #[serde(default, deserialize_with = "null_as_default")]
    pub archived: bool,
}

impl Stage {
    /// Whether a record in it counts as closed.
    pub fn is_closed(&self) -> bool {
        let said = |key: &str| self.metadata.get(key).and_then(|value| value.as_deref());
        said("isClosed") == Some("true") || said("ticketState") == Some("CLOSED")
    }
}

/// GET all pipelines of a type; not paged.
#[derive(Clone, Debug)]
pub struct List {
    /// Of which type.
    pub object_type: ObjectType,
}

endpoint!(List => Vec<Pipeline>, items("pipelines"), |this, version| {
    Surface::Pipelines.get(version, &[this.object_type.as_str()])
});

/// GET one pipeline.
#[derive(Clone, Debug)]
pub struct Read {
    /// Of which type.
    pub object_type: ObjectType,
    /// Its id.
    pub id: String,
}

endpoint!(Read => Pipeline, one("a pipeline"), |this, version| {
    Surface::Pipelines.get(version, &[this.object_type.as_str(), &this.id])
});

/// A pipeline to be made, or to stand in another's place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewPipeline {
    /// What people see; no two of a type share it.
    pub label: String,
    /// Order.
    pub display_order: i32,
    /// Its stages, at most [`STAGES_MAX`].
    pub stages: Vec<NewStage>,
}

/// POST one pipeline. A repeat may make a second one.
#[derive(Clone, Debug)]
pub struct Create {
    /// Of which type.
    pub object_type: ObjectType,
    /// What it shall be.
    pub pipeline: NewPipeline,
}

endpoint!(Create => Pipeline, one("a created pipeline"), |this, version| {
    Surface::Pipelines.post(version, &[this.object_type.as_str()]).with_json(&this.pipeline)
}, check: at_most("stages of a pipeline", this.pipeline.stages.len(), STAGES_MAX));

/// What HubSpot looks at before stages go away. Without them, records keep stages that do not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Safeguards {
    /// Refuse (400 `PipelineError.STAGE_ID_IN_USE`) while records are in a stage that goes.
    pub references: bool,
    /// The same for deals.
    pub deal_stages: bool,
}

impl Safeguards {
    /// Look at everything.
    pub const ALL: Self = Self { references: true, deal_stages: true };

    fn apply(self, call: Call) -> Call {
        call.with_flag("validateReferencesBeforeDelete", self.references)
            .with_flag("validateDealStageUsagesBeforeDelete", self.deal_stages)
    }
}

/// PUT one pipeline: what is not named goes, stages as well.
#[derive(Clone, Debug)]
pub struct Replace {
    /// Of which type.
    pub object_type: ObjectType,
    /// Its id.
    pub id: String,
    /// What it shall be.
    pub pipeline: NewPipeline,
    /// What to look at before.
    pub safeguards: Safeguards,
}

endpoint!(Replace => Pipeline, one("a replaced pipeline"), |this, version| {
    let call = Surface::Pipelines.put(version, &[this.object_type.as_str(), &this.id]).with_json(&this.pipeline);
    this.safeguards.apply(call)
}, check: at_most("stages of a pipeline", this.pipeline.stages.len(), STAGES_MAX));

/// What shall be another in a pipeline; what is none stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PipelineChange {
    /// What people see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_order: Option<i32>,
    /// False brings an archived one back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
}

/// PATCH one pipeline; its stages stay.
#[derive(Clone, Debug)]
pub struct Update {
    /// Of which type.
    pub object_type: ObjectType,
    /// Its id.
    pub id: String,
    /// What shall be another.
    pub change: PipelineChange,
}

endpoint!(Update => Pipeline, one("a changed pipeline"), |this, version| {
    Surface::Pipelines.patch(version, &[this.object_type.as_str(), &this.id]).with_json(&this.change)
});

/// DELETE one pipeline.
#[derive(Clone, Debug)]
pub struct Delete {
    /// Of which type.
    pub object_type: ObjectType,
    /// Its id.
    pub id: String,
    /// What to look at before.
    pub safeguards: Safeguards,
}

endpoint!(Delete => (), success, |this, version| {
    this.safeguards.apply(Surface::Pipelines.delete(version, &[this.object_type.as_str(), &this.id]))
});

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::endpoint::Endpoint;
    use crate::testing::{answer, recording};
    use crate::version::ApiVersion;

    #[test]
    fn the_recorded_pipeline_of_deals_closes_in_two_stages() {
        let Some(text) = recording("amp-labs_connectors/metadata-deals-external-pipelines.json") else { return };
        let list = List { object_type: ObjectType::new("deals") };
        let pipelines = list.decode(&answer(200, &text)).expect("pipelines");
        let closed: Vec<&str> =
            pipelines[0].stages.iter().filter(|stage| stage.is_closed()).map(|stage| stage.id.as_str()).collect();
        assert_eq!((pipelines[0].id.as_str(), closed), ("default", vec!["closedwon", "closedlost"]));
        assert_eq!(list.call(ApiVersion::V3).path, "/crm/v3/pipelines/deals");
    }

    fn deals() -> ObjectType {
        ObjectType::new("deals")
    }

    fn sent(call: &Call) -> Value {
        serde_json::from_slice(call.body.as_ref().expect("a body")).expect("JSON")
    }

    fn stage(label: &str) -> NewStage {
        let metadata = BTreeMap::from([("probability".to_owned(), "0.5".to_owned())]);
        NewStage { label: label.to_owned(), display_order: 0, metadata }
    }

    #[test]
    fn a_pipeline_is_made_replaced_changed_and_deleted() {
        let pipeline = NewPipeline { label: "Renewals".to_owned(), display_order: 1, stages: vec![stage("Open")] };
        let body = json!({"label": "Renewals", "displayOrder": 1,
            "stages": [{"label": "Open", "displayOrder": 0, "metadata": {"probability": "0.5"}}]});
        let create = Create { object_type: deals(), pipeline: pipeline.clone() };
        let call = create.call(ApiVersion::V2026_03);
        assert_eq!((call.target().as_str(), sent(&call)), ("/crm/pipelines/2026-03/deals", body.clone()));
        let made = r#"{"id":"9","label":"Renewals","displayOrder":1,"archived":false,"createdAt":"2026-11-20T10:00:00Z",
            "stages":[{"id":7,"label":"Open","displayOrder":0,"metadata":{"probability":"0.5","isClosed":false},
            "writePermissions":"CRM_PERMISSIONS_ENFORCEMENT"}]}"#;
        let made = create.decode(&answer(201, made)).expect("a pipeline");
        assert_eq!((made.stages[0].id.as_str(), made.stages[0].is_closed()), ("7", false));
        let id = || "9".to_owned();
        let replace = Replace { object_type: deals(), id: id(), pipeline, safeguards: Safeguards::ALL };
        let call = replace.call(ApiVersion::V3);
        assert_eq!((call.method.as_str(), sent(&call)), ("PUT", body));
        let flags = "?validateReferencesBeforeDelete=true&validateDealStageUsagesBeforeDelete=true";
        assert_eq!(call.target(), format!("/crm/v3/pipelines/deals/9{flags}"));
        let change = PipelineChange { label: Some("R".to_owned()), ..PipelineChange::default() };
        let call = Update { object_type: deals(), id: id(), change }.call(ApiVersion::V3);
        assert_eq!((call.method.as_str(), sent(&call)), ("PATCH", json!({"label": "R"})));
        let call = Delete { object_type: deals(), id: id(), safeguards: Safeguards::default() }.call(ApiVersion::V3);
        assert_eq!((call.method.as_str(), call.target().as_str()), ("DELETE", "/crm/v3/pipelines/deals/9"));
        let full = NewPipeline { label: String::new(), display_order: 0, stages: vec![stage("x"); 101] };
        assert!(Create { object_type: deals(), pipeline: full }.check().is_err());
    }

    #[test]
    fn stages_have_calls_of_their_own() {
        let (object_type, pipeline, id) = (deals, || "9".to_owned(), || "7".to_owned());
        let base = "/crm/v3/pipelines/deals/9/stages";
        let list = ListStages { object_type: object_type(), pipeline: pipeline() };
        assert_eq!(list.call(ApiVersion::V3).target(), base);
        let read = ReadStage { object_type: object_type(), pipeline: pipeline(), id: id() };
        assert_eq!(read.call(ApiVersion::V3).target(), format!("{base}/7"));
        let create = CreateStage { object_type: object_type(), pipeline: pipeline(), stage: stage("Won") };
        let call = create.call(ApiVersion::V3);
        let body = json!({"label": "Won", "displayOrder": 0, "metadata": {"probability": "0.5"}});
        assert_eq!((call.method.as_str(), call.target().as_str(), sent(&call)), ("POST", base, body.clone()));
        let made = r#"{"id":"7","label":"Won","displayOrder":0,"metadata":{"isClosed":"true"}}"#;
        assert!(create.decode(&answer(201, made)).expect("a stage").is_closed());
        let replace = ReplaceStage { object_type: object_type(), pipeline: pipeline(), id: id(), stage: stage("Won") };
        assert_eq!((replace.call(ApiVersion::V3).method.as_str(), sent(&replace.call(ApiVersion::V3))), ("PUT", body));
        let change = StageChange { label: Some("W".to_owned()), ..StageChange::default() };
        let update = UpdateStage { object_type: object_type(), pipeline: pipeline(), id: id(), change };
        // The specification wants `metadata` in every change.
        assert_eq!(sent(&update.call(ApiVersion::V3)), json!({"label": "W", "metadata": {}}));
        let delete = DeleteStage { object_type: object_type(), pipeline: pipeline(), id: id(), check_references: true };
        let target = format!("{base}/7?validateReferencesBeforeDelete=true");
        assert_eq!(delete.call(ApiVersion::V3).target(), target);
    }

    #[test]
    fn the_audit_says_who_changed_what() {
        let audit = Audit { object_type: deals(), id: "9".to_owned() };
        assert_eq!(audit.call(ApiVersion::V3).target(), "/crm/v3/pipelines/deals/9/audit");
        let text = r#"{"results":[{"identifier":"9","action":"CREATE","timestamp":"2026-11-20T10:00:00Z",
            "fromUserId":991,"portalId":48151623,"message":null,"rawObject":{"label":"x"}}]}"#;
        let entries = audit.decode(&answer(200, text)).expect("an audit");
        assert_eq!((entries[0].action.as_str(), entries[0].user_id), ("CREATE", Some(991)));
        let stage = AuditStage { object_type: deals(), pipeline: "9".to_owned(), id: "7".to_owned() };
        assert_eq!(stage.call(ApiVersion::V2026_09).target(), "/crm/pipelines/2026-09/deals/9/stages/7/audit");
    }
}
