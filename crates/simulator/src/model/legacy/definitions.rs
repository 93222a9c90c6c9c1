//! Definitions of properties and pipelines as the legacy paths show them.

use serde_json::{Map, Value, json};

use super::super::Portal;
use super::super::catalog::{DEALS, Kind};
use super::super::defaults::build;
use super::super::further_types::FORMS;
use super::super::pipeline::{Pipeline, Stage};
use super::super::property::{Choice, Property};
use crate::wire::Millis;

impl Portal {
    /// Every property of a type as a bare array, in alphabetical order.
    pub(super) fn legacy_properties(&self, kind: Kind, now: Millis) -> Value {
        let table = &self.catalog.get(kind).properties;
        let live = table.by_name().filter(|(_, property)| property.is_live(now));
        live.map(|(_, property)| property_json(&self.with_pipeline_choices(kind, property))).collect()
    }

    /// The pipelines of a type.
    pub(super) fn legacy_pipelines(&self, kind: Kind) -> Value {
        let object_type = self.catalog.get(kind);
        let (shout, type_id) = (&object_type.shout, &object_type.type_id);
        let pipelines = self.pipelines_of(kind).iter().map(|pipeline| pipeline_json(pipeline, shout, type_id));
        json!({"results": pipelines.collect::<Vec<_>>()})
    }

    /// The pipelines of deals as the oldest path shows them, a bare array.
    pub(super) fn legacy_deal_pipelines(&self) -> Value {
        self.pipelines_of(DEALS).iter().map(deal_pipeline_json).collect()
    }
}

/// Every property of forms.
pub(super) fn form_properties() -> Value {
    let forms = build(&FORMS);
    forms.properties.by_name().map(|(_, property)| property_json(property)).collect()
}

fn property_json(property: &Property) -> Value {
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| out.insert(name.to_owned(), value);
    put("name", property.name.as_str().into());
    put("label", property.label.as_str().into());
    put("description", property.description.as_str().into());
    put("groupName", property.group.as_str().into());
    put("type", property.value_type.name().into());
    put("fieldType", property.field_type.as_str().into());
    put("options", property.choices.iter().map(choice_json).collect());
    // Properties of HubSpot's own carry no dates here.
    let dated = (!property.hubspot_defined).then_some(property);
    put("createdAt", json!(dated.map(|property| property.created_at.0)));
    put("updatedAt", json!(dated.map(|property| property.updated_at.0)));
    put("hubspotDefined", json!(property.hubspot_defined.then_some(true)));
    put("deleted", json!((!property.hubspot_defined).then_some(false)));
    put("hidden", property.hidden.into());
    put("formField", property.form_field.into());
    put("displayOrder", property.display_order.into());
    put("readOnlyValue", property.read_only_value.into());
    put("readOnlyDefinition", property.hubspot_defined.into());
    put("mutableDefinitionNotDeletable", false.into());
    put("calculated", property.calculated.into());
    put("externalOptions", property.external_options.into());
    put("displayMode", "current_value".into());
    put("hasUniqueValue", property.unique.into());
    put("referencedObjectType", json!(property.referenced_type));
    Value::Object(out)
}

fn choice_json(choice: &Choice) -> Value {
    json!({"label": choice.label, "value": choice.value, "description": choice.description,
           "displayOrder": choice.display_order, "hidden": choice.hidden, "readOnly": false, "doubleData": 0.0})
}

fn pipeline_json(pipeline: &Pipeline, object_type: &str, type_id: &str) -> Value {
    let stage = |stage: &Stage| {
        json!({"stageId": stage.id, "label": stage.label, "displayOrder": stage.display_order,
               "metadata": stage.metadata, "active": true,
               "createdAt": stage.created_at.0, "updatedAt": stage.updated_at.0})
    };
    json!({"pipelineId": pipeline.id, "label": pipeline.label, "displayOrder": pipeline.display_order,
           "objectType": object_type, "objectTypeId": type_id, "active": true,
           "stages": pipeline.stages.iter().map(stage).collect::<Vec<_>>(), "default": is_default(pipeline),
           "createdAt": pipeline.created_at.0, "updatedAt": pipeline.updated_at.0})
}

fn deal_pipeline_json(pipeline: &Pipeline) -> Value {
    let stage = |stage: &Stage| {
        let chance: f64 = stage.metadata.get("probability").and_then(|text| text.parse().ok()).unwrap_or(0.0);
        json!({"stageId": stage.id, "label": stage.label, "probability": chance, "active": true,
               "displayOrder": stage.display_order, "closedWon": chance >= 1.0})
    };
    json!({"pipelineId": pipeline.id, "stages": pipeline.stages.iter().map(stage).collect::<Vec<_>>(),
           "label": pipeline.label, "active": true, "displayOrder": pipeline.display_order,
           "staticDefault": is_default(pipeline)})
}

fn is_default(pipeline: &Pipeline) -> bool {
    pipeline.id == "default" || pipeline.id == "0"
}
