//! Calls about pipelines and stages: of deals, tickets and custom objects; the lifecycle of contacts and companies can
//! be read.
//!
//! Sources: HubSpot's pipelines guide; what live runs of Kalup of October 2026 saw and quote, the refusals above all.
//! A write is answered with the metadata that was sent, a read with what is kept.

use std::collections::BTreeMap;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Portal;
use super::answer::{Outcome, Refusal, Reply};
use super::call::{Call, Text};
use super::catalog::{COMPANIES, CONTACTS, Kind};
use super::pipeline::{Pipeline, Stage, lifecycle};
use super::stage_rules::{self as rules, Metadata, STAGES_MAX};
use super::write::pipeline_names;
use crate::wire::Millis;

/// Pipelines of an object type.
pub(super) const PIPELINES_MAX: usize = 100;
/// Records that the refusal of a deletion names.
const NAMED_RECORDS_MAX: usize = 100;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PipelineInput {
    id: Option<Text>,
    pipeline_id: Option<Text>,
    label: Option<String>,
    display_order: Option<i64>,
    archived: Option<bool>,
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

impl StageInput {
    fn given_id(&self) -> Option<&str> {
        self.stage_id.as_ref().or(self.id.as_ref()).map(|id| id.0.as_str())
    }

    fn sent(&self) -> Metadata {
        self.metadata.iter().flatten().map(|(name, value)| (name.clone(), value.0.clone())).collect()
    }
}

impl Portal {
    /// Calls below `pipelines/`.
    pub(super) fn dispatch_pipelines(&mut self, rest: &[&str], call: &mut Call<'_>) -> Outcome {
        let Some((name, tail)) = rest.split_first() else { return Err(Refusal::no_such_path()) };
        let kind = self.kind_named(name)?;
        if pipeline_names(kind).is_none() && self.catalog.get(kind).custom.is_none() {
            return self.read_lifecycle(kind, tail, call);
        }
        match tail {
            [] | [_] | [_, "audit"] => self.dispatch_pipeline(kind, tail, call),
            [id, "stages", tail @ ..] => self.dispatch_stages(kind, id, tail, call),
            _ => Err(Refusal::no_such_path()),
        }
    }

    fn dispatch_pipeline(&mut self, kind: Kind, tail: &[&str], call: &mut Call<'_>) -> Outcome {
        let method = call.method().clone();
        match (tail, &method) {
            ([], &Method::GET) => {
                let results: Vec<Value> = self.pipelines_of(kind).iter().map(Pipeline::to_json).collect();
                Ok(Reply::ok(&json!({"results": results})))
            }
            ([], &Method::POST) => self.create_pipeline(kind, call),
            ([id], &Method::GET) => Ok(Reply::ok(&self.pipeline(kind, id)?.to_json())),
            ([id], &Method::PATCH) => self.update_pipeline(kind, id, call),
            ([id], &Method::PUT) => self.replace_pipeline(kind, id, call),
            ([id], &Method::DELETE) => self.delete_pipeline(kind, id, call),
            ([id, "audit"], &Method::GET) => Ok(self.read_audits(kind, id)),
            _ => Err(Refusal::wrong_method()),
        }
    }

    fn dispatch_stages(&mut self, kind: Kind, id: &str, tail: &[&str], call: &mut Call<'_>) -> Outcome {
        let method = call.method().clone();
        match (tail, &method) {
            ([], &Method::GET) => {
                let results: Vec<Value> = self.pipeline(kind, id)?.stages.iter().map(Stage::to_json).collect();
                Ok(Reply::ok(&json!({"results": results})))
            }
            ([], &Method::POST) => self.create_stage(kind, id, call),
            ([stage], &Method::GET) => {
                let stage = self.pipeline(kind, id)?.stage(stage).ok_or_else(Refusal::missing)?;
                Ok(Reply::ok(&stage.to_json()))
            }
            ([stage], &Method::PATCH | &Method::PUT) => self.change_stage(kind, id, stage, call),
            ([stage], &Method::DELETE) => self.delete_stage(kind, id, stage, call),
            ([stage, "audit"], &Method::GET) => Ok(self.read_audits(kind, &stage_key(id, stage))),
            ([] | [_] | [_, "audit"], _) => Err(Refusal::wrong_method()),
            _ => Err(Refusal::no_such_path()),
        }
    }

    /// Contacts and companies show their lifecycle as a pipeline that no call changes; other types have none.
    fn read_lifecycle(&self, kind: Kind, tail: &[&str], call: &Call<'_>) -> Outcome {
        let object_type = self.catalog.get(kind);
        let stages =
            object_type.properties.live("lifecyclestage", call.now).filter(|_| matches!(kind, CONTACTS | COMPANIES));
        let own =
            stages.map(|(_, known)| lifecycle(&format!("{}-lifecycle-pipeline", object_type.plural), &known.choices));
        let find = |id: &str| own.as_ref().filter(|own| own.id == id).ok_or_else(Refusal::missing);
        match (tail, call.method()) {
            ([], &Method::GET) => {
                let results: Vec<Value> = own.iter().map(Pipeline::to_json).collect();
                Ok(Reply::ok(&json!({"results": results})))
            }
            ([id], &Method::GET) => Ok(Reply::ok(&find(id)?.to_json())),
            ([id, "stages"], &Method::GET) => {
                let results: Vec<Value> = find(id)?.stages.iter().map(Stage::to_json).collect();
                Ok(Reply::ok(&json!({"results": results})))
            }
            ([id, "stages", stage], &Method::GET) => {
                Ok(Reply::ok(&find(id)?.stage(stage).ok_or_else(Refusal::missing)?.to_json()))
            }
            _ => Err(Refusal::invalid(format!("Pipelines of object type {} cannot be changed", object_type.plural))),
        }
    }

    fn pipeline(&self, kind: Kind, id: &str) -> Outcome<&Pipeline> {
        self.pipelines_of(kind).iter().find(|known| known.id == id).ok_or_else(Refusal::missing)
    }

    fn pipeline_mut(&mut self, kind: Kind, id: &str) -> Outcome<&mut Pipeline> {
        let pipelines = self.pipelines.entry(kind).or_default();
        pipelines.iter_mut().find(|known| known.id == id).ok_or_else(Refusal::missing)
    }

    fn read_audits(&self, kind: Kind, identifier: &str) -> Reply {
        let results = self.pipeline_log.audits(kind, identifier, self.options.portal_id);
        Reply::ok(&json!({"results": results}))
    }

    fn create_pipeline(&mut self, kind: Kind, call: &mut Call<'_>) -> Outcome {
        let input: PipelineInput = call.body()?;
        let (label, display_order, inputs) = whole(input.label, input.display_order, input.stages)?;
        if inputs.is_empty() {
            return Err(Refusal::invalid("Pipeline must have at least one stage"));
        }
        let id = match input.pipeline_id.or(input.id) {
            Some(Text(id)) => id,
            None => self.fresh_id(call),
        };
        let known = self.pipelines_of(kind);
        if known.len() >= PIPELINES_MAX {
            return Err(Refusal::invalid(format!("No more than {PIPELINES_MAX} pipelines are allowed")));
        }
        if known.iter().any(|known| known.id == id) {
            return Err(Refusal::invalid(format!("There's another pipeline in this portal with pipelineId ({id}).")));
        }
        let elsewhere = self.pipelines.values().flatten().any(|known| known.id == id);
        if elsewhere || inputs.iter().any(|input| input.given_id().is_some_and(|id| self.has_stage(kind, id, None))) {
            return Err(stage_taken());
        }
        self.check_pipeline(kind, &label, display_order, None)?;
        let stages = self.stages_from(kind, &id, &inputs, &[], call)?;
        let (created_at, updated_at) = (call.now, call.now);
        let pipeline = Pipeline { id: id.clone(), label, display_order, stages, created_at, updated_at };
        let reply = Reply::json(201, &echo(&pipeline, &inputs));
        self.pipeline_log.forget(kind, &id);
        self.pipeline_log.note(kind, "CREATE", &id, pipeline.to_json(), call.now);
        for stage in &pipeline.stages {
            self.pipeline_log.note(kind, "CREATE", &stage_key(&id, &stage.id), stage.to_json(), call.now);
        }
        self.pipelines.entry(kind).or_default().push(pipeline);
        Ok(reply)
    }

    /// Refuses a label that another pipeline of the type has, and a place before the first.
    fn check_pipeline(&self, kind: Kind, label: &str, display_order: i64, own: Option<&str>) -> Outcome<()> {
        rules::check_order(display_order)?;
        let mut others = self.pipelines_of(kind).iter().filter(|known| own != Some(known.id.as_str()));
        if others.any(|known| rules::is_same_label(&known.label, label)) {
            return Err(Refusal::invalid(format!("An active pipeline with label {label} already exists.")));
        }
        Ok(())
    }

    /// Whether a pipeline of the type, other than `own`, has a stage of this id.
    fn has_stage(&self, kind: Kind, id: &str, own: Option<&str>) -> bool {
        let others = self.pipelines_of(kind).iter().filter(|known| own != Some(known.id.as_str()));
        others.into_iter().any(|known| known.stage(id).is_some())
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

    /// The stages of a whole pipeline; those that it has already keep the date of their creation.
    fn stages_from(
        &self,
        kind: Kind,
        pipeline: &str,
        inputs: &[StageInput],
        old: &[Stage],
        call: &mut Call<'_>,
    ) -> Outcome<Vec<Stage>> {
        if inputs.len() > STAGES_MAX {
            return Err(Refusal::invalid(format!("No more than {STAGES_MAX} stages are allowed in a pipeline")));
        }
        let mut stages: Vec<Stage> = Vec::with_capacity(inputs.len());
        for input in inputs {
            let mut stage = self.stage_from(kind, input, &stages, call)?;
            if stages.iter().any(|known| known.id == stage.id) {
                return Err(Refusal::invalid(format!("Stage ID {} is given twice", stage.id)));
            }
            if let Some(known) = old.iter().find(|known| known.id == stage.id) {
                stage.created_at = known.created_at;
            }
            stages.push(stage);
        }
        rules::check_closed(kind, &self.catalog.get(kind).plural, pipeline, &stages)?;
        rules::arrange(&mut stages);
        Ok(stages)
    }

    fn stage_from(&self, kind: Kind, input: &StageInput, others: &[Stage], call: &mut Call<'_>) -> Outcome<Stage> {
        let fields = [("label", input.label.is_none()), ("displayOrder", input.display_order.is_none())];
        let (Some(label), Some(display_order)) = (input.label.clone(), input.display_order) else {
            let unset: Vec<&str> = fields.iter().filter(|(_, unset)| *unset).map(|(name, _)| *name).collect();
            return Err(Refusal::unset_fields(&unset));
        };
        rules::check_label(&label, others.iter())?;
        rules::check_order(display_order)?;
        let metadata = rules::stored(kind, &self.catalog.get(kind).plural, &input.sent())?;
        let id = input.given_id().map_or_else(|| self.fresh_id(call), str::to_owned);
        rules::check_id(&id)?;
        Ok(Stage { id, label, display_order, metadata, created_at: call.now, updated_at: call.now })
    }

    /// PATCH: label and place; or, for a deleted pipeline, `archived: false` brings it back.
    fn update_pipeline(&mut self, kind: Kind, id: &str, call: &Call<'_>) -> Outcome {
        let input: PipelineInput = call.body()?;
        if let Some(archived) = input.archived {
            return self.restore_pipeline(kind, id, archived, call.now);
        }
        let known = self.pipeline(kind, id)?;
        let label = input.label.unwrap_or_else(|| known.label.clone());
        let display_order = input.display_order.unwrap_or(known.display_order);
        self.check_pipeline(kind, &label, display_order, Some(id))?;
        let pipeline = self.pipeline_mut(kind, id)?;
        pipeline.label = label;
        pipeline.display_order = display_order;
        pipeline.updated_at = call.now;
        for stage in &mut pipeline.stages {
            stage.updated_at = call.now;
        }
        let shown = pipeline.to_json();
        self.pipeline_log.note(kind, "UPDATE", id, shown.clone(), call.now);
        Ok(Reply::ok(&shown))
    }

    fn restore_pipeline(&mut self, kind: Kind, id: &str, archived: bool, now: Millis) -> Outcome {
        let is_live = self.pipeline(kind, id).is_ok();
        let Some(mut pipeline) = self.pipeline_log.archived(kind, id).filter(|_| !is_live && !archived).cloned() else {
            let known = is_live || self.pipeline_log.archived(kind, id).is_some();
            let wrong = Refusal::invalid("archived may only be given, as false, to restore an archived pipeline");
            return Err(if known { wrong } else { Refusal::missing() });
        };
        self.check_pipeline(kind, &pipeline.label, pipeline.display_order, None)?;
        if pipeline.stages.iter().any(|stage| self.has_stage(kind, &stage.id, None)) {
            return Err(stage_taken());
        }
        pipeline.updated_at = now;
        let shown = pipeline.to_json();
        self.pipeline_log.forget(kind, id);
        self.pipeline_log.note(kind, "UPDATE", id, shown.clone(), now);
        self.pipelines.entry(kind).or_default().push(pipeline);
        Ok(Reply::ok(&shown))
    }

    /// PUT: everything anew; stages that are not named are gone.
    fn replace_pipeline(&mut self, kind: Kind, id: &str, call: &mut Call<'_>) -> Outcome {
        let input: PipelineInput = call.body()?;
        let old = self.pipeline(kind, id)?.stages.clone();
        let (label, display_order, inputs) = whole(input.label, input.display_order, input.stages)?;
        if inputs.is_empty() {
            return Err(Refusal::invalid("Pipeline must have at least one stage"));
        }
        asks_for_checks(call)?;
        let kept = |stage: &Stage| inputs.iter().any(|input| input.given_id() == Some(stage.id.as_str()));
        let gone: Vec<String> = old.iter().filter(|stage| !kept(stage)).map(|stage| stage.id.clone()).collect();
        self.refuse_used_stages(kind, &gone)?;
        if inputs.iter().any(|input| input.given_id().is_some_and(|stage| self.has_stage(kind, stage, Some(id)))) {
            return Err(stage_taken());
        }
        self.check_pipeline(kind, &label, display_order, Some(id))?;
        let stages = self.stages_from(kind, id, &inputs, &old, call)?;
        let pipeline = self.pipeline_mut(kind, id)?;
        pipeline.label = label;
        pipeline.display_order = display_order;
        pipeline.stages = stages;
        pipeline.updated_at = call.now;
        let (reply, shown) = (Reply::ok(&echo(pipeline, &inputs)), pipeline.to_json());
        self.pipeline_log.note(kind, "UPDATE", id, shown, call.now);
        Ok(reply)
    }

    fn delete_pipeline(&mut self, kind: Kind, id: &str, call: &Call<'_>) -> Outcome {
        let Ok(pipeline) = self.pipeline(kind, id).cloned() else {
            return Err(Refusal::bare(404, format!("No pipeline found with id {id}")).category("OBJECT_NOT_FOUND"));
        };
        if asks_for_checks(call)? {
            let stages: Vec<String> = pipeline.stages.iter().map(|stage| stage.id.clone()).collect();
            self.refuse_used_stages(kind, &stages)?;
        }
        self.pipelines.entry(kind).or_default().retain(|known| known.id != id);
        self.pipeline_log.note(kind, "DELETE", id, pipeline.to_json(), call.now);
        self.pipeline_log.archive(kind, pipeline);
        Ok(Reply::no_content())
    }

    fn create_stage(&mut self, kind: Kind, id: &str, call: &mut Call<'_>) -> Outcome {
        let input: StageInput = call.body()?;
        let others = self.pipeline(kind, id)?.stages.clone();
        if let Some(given) = input.given_id() {
            if self.has_stage(kind, given, Some(id)) {
                let message = format!("An existing active stage in another pipeline is already using stage id {given}");
                return Err(Refusal::bare(400, message));
            }
            if others.iter().any(|known| known.id == given) {
                return Err(Refusal::invalid(format!("Stage ID {given} is given twice")));
            }
        }
        if others.len() >= STAGES_MAX {
            return Err(Refusal::invalid(format!("No more than {STAGES_MAX} stages are allowed in a pipeline")));
        }
        let stage = self.stage_from(kind, &input, &others, call)?;
        let (stage_id, display_order) = (stage.id.clone(), stage.display_order);
        let pipeline = self.pipeline_mut(kind, id)?;
        rules::place(&mut pipeline.stages, stage, display_order);
        pipeline.updated_at = call.now;
        let made = pipeline.stage(&stage_id).ok_or_else(Refusal::missing)?;
        let (reply, shown) = (Reply::json(201, &made.echo(&input.sent())), made.to_json());
        self.pipeline_log.note(kind, "CREATE", &stage_key(id, &stage_id), shown, call.now);
        Ok(reply)
    }

    /// PATCH adds to what a stage has, PUT must name everything.
    fn change_stage(&mut self, kind: Kind, id: &str, key: &str, call: &Call<'_>) -> Outcome {
        let input: StageInput = call.body()?;
        let pipeline = self.pipeline(kind, id)?;
        let old = pipeline.stage(key).ok_or_else(Refusal::missing)?.clone();
        let replaces = call.method() == Method::PUT;
        if replaces && (input.label.is_none() || input.display_order.is_none() || input.metadata.is_none()) {
            return Err(Refusal::unset_fields(&["label", "displayOrder", "metadata"]));
        }
        let mut sent = if replaces { Metadata::new() } else { old.metadata.clone() };
        sent.extend(input.sent());
        let name = &self.catalog.get(kind).plural;
        let label = input.label.unwrap_or_else(|| old.label.clone());
        rules::check_label(&label, pipeline.stages.iter().filter(|known| known.id != key))?;
        rules::check_order(input.display_order.unwrap_or(0))?;
        let stage = Stage { label, metadata: rules::stored(kind, name, &sent)?, updated_at: call.now, ..old.clone() };
        let mut stages: Vec<Stage> = pipeline.stages.iter().filter(|known| known.id != key).cloned().collect();
        let moved = input.display_order.filter(|order| *order != old.display_order);
        let order = moved.unwrap_or(old.display_order);
        rules::place(&mut stages, stage, order);
        rules::check_closed(kind, name, id, &stages)?;
        let pipeline = self.pipeline_mut(kind, id)?;
        pipeline.stages = stages;
        let changed = pipeline.stage(key).ok_or_else(Refusal::missing)?;
        let (reply, shown) = (Reply::ok(&changed.echo(&sent)), changed.to_json());
        self.pipeline_log.note(kind, "UPDATE", &stage_key(id, key), shown, call.now);
        Ok(reply)
    }

    /// DELETE of a stage: 204 for whatever does not exist.
    fn delete_stage(&mut self, kind: Kind, id: &str, key: &str, call: &Call<'_>) -> Outcome {
        call.query.flag("validateReferencesBeforeDelete")?;
        let Ok(pipeline) = self.pipeline(kind, id) else { return Ok(Reply::no_content()) };
        let Some(shown) = pipeline.stage(key).map(Stage::to_json) else { return Ok(Reply::no_content()) };
        let rest: Vec<Stage> = pipeline.stages.iter().filter(|known| known.id != key).cloned().collect();
        if rest.is_empty() {
            return Err(Refusal::bare(400, "Pipeline must have at least one stage"));
        }
        rules::check_closed(kind, &self.catalog.get(kind).plural, id, &rest)?;
        self.refuse_used_stages(kind, &[key.to_owned()])?;
        self.pipeline_mut(kind, id)?.stages = rest;
        self.pipeline_log.note(kind, "DELETE", &stage_key(id, key), shown, call.now);
        Ok(Reply::no_content())
    }

    /// Refuses to lose stages in which records are.
    fn refuse_used_stages(&self, kind: Kind, stages: &[String]) -> Outcome<()> {
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

/// What a create and a replacement must name.
fn whole<T>(label: Option<String>, order: Option<i64>, stages: Option<Vec<T>>) -> Outcome<(String, i64, Vec<T>)> {
    let fields = [("label", label.is_none()), ("displayOrder", order.is_none()), ("stages", stages.is_none())];
    if let (Some(label), Some(order), Some(stages)) = (label, order, stages) {
        return Ok((label, order, stages));
    }
    let unset: Vec<&str> = fields.iter().filter(|(_, unset)| *unset).map(|(name, _)| *name).collect();
    Err(Refusal::unset_fields(&unset))
}

/// Whether the caller wants used stages to stop a deletion; both flags must be readable.
fn asks_for_checks(call: &Call<'_>) -> Outcome<bool> {
    let references = call.query.flag("validateReferencesBeforeDelete")?;
    Ok(call.query.flag("validateDealStageUsagesBeforeDelete")? || references)
}

/// The pipeline as the answer to a write: each stage with the metadata that was sent for it.
fn echo(pipeline: &Pipeline, inputs: &[StageInput]) -> Value {
    let sent = |stage: &Stage| {
        let label = |input: &&StageInput| input.label.as_deref() == Some(stage.label.as_str());
        inputs.iter().find(label).map_or_else(Metadata::new, StageInput::sent)
    };
    let stages: Vec<Value> = pipeline.stages.iter().map(|stage| stage.echo(&sent(stage))).collect();
    pipeline.with_stages(&stages)
}

fn stage_taken() -> Refusal {
    Refusal::bare(409, "There's another pipeline in this portal with one of the same stages")
        .category("OBJECT_ALREADY_EXISTS")
        .sub_category("PipelineError.STAGE_ID_EXISTS_IN_ANOTHER_PIPELINE")
}

fn stage_key(pipeline: &str, stage: &str) -> String {
    format!("{pipeline}/{stage}")
}
