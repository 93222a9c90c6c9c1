//! Calls about pipelines and stages of deals and tickets.
//!
//! Source: HubSpot's pipelines guide; the refusal of a stage in use is documented, its status 400 is seen live.

use std::collections::BTreeMap;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Portal;
use super::answer::{Outcome, Refusal, Reply};
use super::call::{Call, Text};
use super::catalog::{DEALS, Kind};
use super::pipeline::{Pipeline, Stage};
use super::write::pipeline_names;
use crate::wire::Millis;

/// Pipelines of an object type.
const PIPELINES_MAX: usize = 100;
/// Stages of a pipeline.
const STAGES_MAX: usize = 100;
/// Records that the refusal of a deletion names.
const NAMED_RECORDS_MAX: usize = 100;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PipelineInput {
    id: Option<Text>,
    pipeline_id: Option<Text>,
    label: Option<String>,
    display_order: Option<i64>,
    stages: Option<Vec<StageInput>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct StageInput {
    id: Option<Text>,
    stage_id: Option<Text>,
    label: Option<String>,
    display_order: Option<i64>,
    metadata: Option<BTreeMap<String, Text>>,
}

impl Portal {
    /// Calls below `pipelines/`.
    pub(super) fn dispatch_pipelines(&mut self, rest: &[&str], call: &mut Call<'_>) -> Outcome {
        let method = call.method().clone();
        let Some((name, tail)) = rest.split_first() else { return Err(Refusal::no_such_path()) };
        let kind = self.kind_named(name)?;
        if pipeline_names(kind).is_none() {
            return match (tail, &method) {
                ([], &Method::GET) => Ok(Reply::ok(&json!({"results": []}))),
                _ => Err(Refusal::invalid(format!("Object type {name} has no pipelines"))),
            };
        }
        match (tail, &method) {
            ([], &Method::GET) => {
                let results: Vec<Value> = self.pipelines_of(kind).iter().map(Pipeline::to_json).collect();
                Ok(Reply::ok(&json!({"results": results})))
            }
            ([], &Method::POST) => self.create_pipeline(kind, call),
            ([id], &Method::GET) => Ok(Reply::ok(&self.pipeline(kind, id)?.to_json())),
            ([id], &Method::PATCH | &Method::PUT) => self.change_pipeline(kind, id, call),
            ([id], &Method::DELETE) => self.delete_pipeline(kind, id, call),
            ([id, "stages"], &Method::GET) => {
                let results: Vec<Value> = self.pipeline(kind, id)?.stages.iter().map(Stage::to_json).collect();
                Ok(Reply::ok(&json!({"results": results})))
            }
            ([id, "stages"], &Method::POST) => self.create_stage(kind, id, call),
            ([id, "stages", stage], &Method::GET) => {
                let stage = self.pipeline(kind, id)?.stage(stage).ok_or_else(Refusal::missing)?;
                Ok(Reply::ok(&stage.to_json()))
            }
            ([id, "stages", stage], &Method::PATCH | &Method::PUT) => self.change_stage(kind, id, stage, call),
            ([id, "stages", stage], &Method::DELETE) => self.delete_stage(kind, id, stage, call),
            ([] | [_] | [_, "stages"] | [_, "stages", _], _) => Err(Refusal::wrong_method()),
            _ => Err(Refusal::no_such_path()),
        }
    }

    fn pipeline(&self, kind: Kind, id: &str) -> Outcome<&Pipeline> {
        self.pipelines_of(kind).iter().find(|known| known.id == id).ok_or_else(Refusal::missing)
    }

    fn pipeline_mut(&mut self, kind: Kind, id: &str) -> Outcome<&mut Pipeline> {
        let pipelines = self.pipelines.entry(kind).or_default();
        pipelines.iter_mut().find(|known| known.id == id).ok_or_else(Refusal::missing)
    }

    fn create_pipeline(&mut self, kind: Kind, call: &mut Call<'_>) -> Outcome {
        let input: PipelineInput = call.body()?;
        let (Some(label), Some(display_order), Some(stages)) = (input.label, input.display_order, input.stages) else {
            return Err(Refusal::unset_fields(&["label", "displayOrder", "stages"]));
        };
        if stages.is_empty() {
            return Err(Refusal::invalid("A pipeline needs at least one stage"));
        }
        let id = match input.id.or(input.pipeline_id) {
            Some(Text(id)) => id,
            None => self.fresh_id(call),
        };
        let known = self.pipelines_of(kind);
        if known.len() >= PIPELINES_MAX {
            return Err(Refusal::invalid(format!("No more than {PIPELINES_MAX} pipelines are allowed")));
        }
        if known.iter().any(|known| known.id == id || known.label == label) {
            return Err(Refusal::bare(409, format!("A pipeline named '{label}' already exists.")).category("CONFLICT"));
        }
        let stages = self.stages_from(kind, stages, call)?;
        let (created_at, updated_at) = (call.now, call.now);
        let pipeline = Pipeline { id, label, display_order, stages, created_at, updated_at };
        let reply = Reply::json(201, &pipeline.to_json());
        self.pipelines.entry(kind).or_default().push(pipeline);
        Ok(reply)
    }

    /// An id that no pipeline and no stage has: those of new ones are numbers.
    fn fresh_id(&self, call: &mut Call<'_>) -> String {
        loop {
            let id = (90_000_000 + call.roll(10_000_000)).to_string();
            let mut all = self.pipelines.values().flatten();
            if !all.any(|known| known.id == id || known.stage(&id).is_some()) {
                return id;
            }
        }
    }

    fn stages_from(&self, kind: Kind, inputs: Vec<StageInput>, call: &mut Call<'_>) -> Outcome<Vec<Stage>> {
        if inputs.len() > STAGES_MAX {
            return Err(Refusal::invalid(format!("No more than {STAGES_MAX} stages are allowed in a pipeline")));
        }
        let mut stages: Vec<Stage> = Vec::with_capacity(inputs.len());
        for input in inputs {
            let stage = self.stage_from(kind, input, call)?;
            if stages.iter().any(|known| known.id == stage.id || known.label == stage.label) {
                return Err(Refusal::invalid(format!("Stage {} is given twice", stage.label)));
            }
            stages.push(stage);
        }
        Ok(stages)
    }

    fn stage_from(&self, kind: Kind, input: StageInput, call: &mut Call<'_>) -> Outcome<Stage> {
        let (Some(label), Some(display_order)) = (input.label, input.display_order) else {
            return Err(Refusal::unset_fields(&["label", "displayOrder"]));
        };
        let given: BTreeMap<String, Text> = input.metadata.unwrap_or_default();
        let metadata = check_metadata(kind, given.into_iter().map(|(name, value)| (name, value.0)).collect())?;
        let id = match input.id.or(input.stage_id) {
            Some(Text(id)) if id.len() > 100 => return Err(Refusal::bare(500, "internal error")),
            Some(Text(id)) => id,
            None => self.fresh_id(call),
        };
        if self.pipelines_of(kind).iter().any(|known| known.stage(&id).is_some()) {
            return Err(Refusal::bare(409, format!("A stage with ID '{id}' already exists.")).category("CONFLICT"));
        }
        Ok(Stage { id, label, display_order, metadata, created_at: call.now, updated_at: call.now })
    }

    fn change_pipeline(&mut self, kind: Kind, id: &str, call: &mut Call<'_>) -> Outcome {
        let input: PipelineInput = call.body()?;
        let replaces = call.method() == Method::PUT;
        let old: Vec<String> = self.pipeline(kind, id)?.stages.iter().map(|stage| stage.id.clone()).collect();
        let stages = match (replaces, input.stages) {
            (true, None) => return Err(Refusal::unset_fields(&["stages"])),
            (true, Some(inputs)) => {
                let keeps = |stage: &String| {
                    inputs
                        .iter()
                        .any(|input| input.id.as_ref().or(input.stage_id.as_ref()).is_some_and(|id| id.0 == *stage))
                };
                let gone: Vec<String> = old.into_iter().filter(|stage| !keeps(stage)).collect();
                self.refuse_used_stages(kind, &gone, call)?;
                // The kept ids belong to this very pipeline, so they are looked up with it out of the way.
                let own = std::mem::take(&mut self.pipeline_mut(kind, id)?.stages);
                let made = self.stages_from(kind, inputs, call);
                self.pipeline_mut(kind, id)?.stages = own;
                Some(made?)
            }
            (false, _) => None,
        };
        let now = call.now;
        let pipeline = self.pipeline_mut(kind, id)?;
        pipeline.label = input.label.unwrap_or_else(|| pipeline.label.clone());
        pipeline.display_order = input.display_order.unwrap_or(pipeline.display_order);
        pipeline.stages = stages.unwrap_or_else(|| std::mem::take(&mut pipeline.stages));
        pipeline.updated_at = now;
        Ok(Reply::ok(&pipeline.to_json()))
    }

    fn delete_pipeline(&mut self, kind: Kind, id: &str, call: &Call<'_>) -> Outcome {
        let stages: Vec<String> = match self.pipeline(kind, id) {
            Ok(pipeline) => pipeline.stages.iter().map(|stage| stage.id.clone()).collect(),
            Err(_) => return Ok(Reply::no_content()),
        };
        let asked = call.query.flag("validateReferencesBeforeDelete")?
            || call.query.flag("validateDealStageUsagesBeforeDelete")?;
        if asked {
            self.refuse_used_stages(kind, &stages, call)?;
        }
        self.pipelines.entry(kind).or_default().retain(|known| known.id != id);
        Ok(Reply::no_content())
    }

    fn create_stage(&mut self, kind: Kind, id: &str, call: &mut Call<'_>) -> Outcome {
        let input: StageInput = call.body()?;
        let stage = self.stage_from(kind, input, call)?;
        let pipeline = self.pipeline_mut(kind, id)?;
        if pipeline.stages.len() >= STAGES_MAX {
            return Err(Refusal::invalid(format!("No more than {STAGES_MAX} stages are allowed in a pipeline")));
        }
        if pipeline.stages.iter().any(|known| known.label == stage.label) {
            return Err(Refusal::invalid(format!("Stage {} exists already", stage.label)));
        }
        let reply = Reply::json(201, &stage.to_json());
        pipeline.stages.push(stage);
        Ok(reply)
    }

    fn change_stage(&mut self, kind: Kind, id: &str, stage: &str, call: &Call<'_>) -> Outcome {
        let input: StageInput = call.body()?;
        let now: Millis = call.now;
        let pipeline = self.pipeline_mut(kind, id)?;
        let known = pipeline.stages.iter_mut().find(|known| known.id == stage).ok_or_else(Refusal::missing)?;
        if let Some(given) = input.metadata {
            let mut merged = known.metadata.clone();
            merged.extend(given.into_iter().map(|(name, value)| (name, value.0)));
            known.metadata = check_metadata(kind, merged)?;
        }
        known.label = input.label.unwrap_or_else(|| known.label.clone());
        known.display_order = input.display_order.unwrap_or(known.display_order);
        known.updated_at = now;
        Ok(Reply::ok(&known.to_json()))
    }

    fn delete_stage(&mut self, kind: Kind, id: &str, stage: &str, call: &Call<'_>) -> Outcome {
        self.refuse_used_stages(kind, &[stage.to_owned()], call)?;
        if let Ok(pipeline) = self.pipeline_mut(kind, id) {
            pipeline.stages.retain(|known| known.id != stage);
        }
        Ok(Reply::no_content())
    }

    /// Refuses to lose stages in which records are.
    fn refuse_used_stages(&self, kind: Kind, stages: &[String], _call: &Call<'_>) -> Outcome<()> {
        let object_type = self.catalog.get(kind);
        let place = pipeline_names(kind).and_then(|(_, stage)| object_type.properties.find(stage));
        let Some(place) = place else { return Ok(()) };
        let (mut used, mut records) = (Vec::new(), Vec::new());
        for (id, record) in &object_type.records.live {
            let Some(stage) = record.state.get(place).filter(|stage| stages.iter().any(|one| one == stage)) else {
                continue;
            };
            if !used.contains(&stage) {
                used.push(stage);
            }
            if records.len() < NAMED_RECORDS_MAX {
                records.push(id.to_string());
            }
        }
        if used.is_empty() {
            return Ok(());
        }
        let (used, records) = (used.join(", "), records.join(", "));
        Err(Refusal::invalid(format!("Stage IDs: [{used}] are being referenced by object IDs: [{records}]"))
            .sub_category("PipelineError.STAGE_ID_IN_USE")
            .context("stageIds", vec![format!("[{used}]")])
            .context("objectIds", vec![format!("[{records}]")]))
    }
}

/// A deal stage needs a probability from 0 to 1; closed is what is certain.
fn check_metadata(kind: Kind, mut metadata: BTreeMap<String, String>) -> Outcome<BTreeMap<String, String>> {
    if kind == DEALS {
        let chance = metadata.get("probability").and_then(|text| text.parse::<f64>().ok());
        let Some(chance) = chance.filter(|chance| (0.0..=1.0).contains(chance)) else {
            return Err(Refusal::invalid("metadata.probability must be set to a number from 0.0 to 1.0"));
        };
        let closed = chance <= 0.0 || chance >= 1.0;
        metadata.entry("isClosed".to_owned()).or_insert_with(|| closed.to_string());
    } else if metadata.get("ticketState").is_some_and(|state| state != "OPEN" && state != "CLOSED") {
        return Err(Refusal::invalid("metadata.ticketState must be OPEN or CLOSED"));
    }
    Ok(metadata)
}
