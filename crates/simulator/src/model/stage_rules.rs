//! What a pipeline and its stages may look like, whoever writes them: labels, places, and the metadata of a stage.
//!
//! Source: live runs of Kalup of October 2026, which quote the messages; HubSpot's pipelines guide.

use std::collections::BTreeMap;

use super::answer::{Outcome, Refusal};
use super::catalog::{DEALS, Kind, TICKETS};
use super::pipeline::Stage;

/// Stages of a pipeline.
pub(super) const STAGES_MAX: usize = 100;
/// Characters of a stage's id; a longer one is a fault of the server.
const STAGE_ID_CHARS_MAX: usize = 100;

/// What callers send and what stages keep.
pub(super) type Metadata = BTreeMap<String, String>;

/// Whether two labels count as one.
pub(super) fn is_same_label(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// Refuses the label of another stage of the pipeline.
pub(super) fn check_label<'a>(label: &str, mut others: impl Iterator<Item = &'a Stage>) -> Outcome<()> {
    if others.any(|known| is_same_label(&known.label, label)) {
        return Err(Refusal::invalid(format!("Stage with label {label} already exists"))
            .sub_category("PipelineError.STAGE_LABEL_EXISTS"));
    }
    Ok(())
}

/// Refuses a place before the first.
pub(super) fn check_order(display_order: i64) -> Outcome<()> {
    if display_order < 0 {
        return Err(Refusal::bare(400, "Pipeline display order cannot be negative"));
    }
    Ok(())
}

/// An id that is too long breaks HubSpot.
pub(super) fn check_id(id: &str) -> Outcome<()> {
    if id.chars().count() > STAGE_ID_CHARS_MAX {
        return Err(Refusal::bare(500, "internal error"));
    }
    Ok(())
}

/// A ticket pipeline keeps a closed stage; the others need none.
pub(super) fn check_closed(kind: Kind, name: &str, id: &str, stages: &[Stage]) -> Outcome<()> {
    let is_closed = |stage: &Stage| stage.metadata.get("ticketState").is_some_and(|state| state == "CLOSED");
    if kind != TICKETS || stages.iter().any(is_closed) {
        return Ok(());
    }
    Err(Refusal::invalid(format!("{name} pipeline: {id} must have at least one closed stage"))
        .sub_category("PipelineError.MISSING_CLOSED_STAGE"))
}

/// The metadata that a stage keeps of what was sent: the field of its object type, and whether it is closed.
pub(super) fn stored(kind: Kind, name: &str, sent: &Metadata) -> Outcome<Metadata> {
    if kind == DEALS {
        return deal_metadata(sent);
    }
    let field = if kind == TICKETS { "ticketState" } else { "state" };
    let state = sent.get(field).map_or("OPEN", String::as_str);
    if state != "OPEN" && state != "CLOSED" {
        return Err(Refusal::invalid(format!("Failed to deserialize metadata for object type {name}"))
            .sub_category("PipelineError.INVALID_PIPELINE_STAGE_METADATA"));
    }
    let closed = (state == "CLOSED").to_string();
    Ok([(field.to_owned(), state.to_owned()), ("isClosed".to_owned(), closed)].into())
}

fn deal_metadata(sent: &Metadata) -> Outcome<Metadata> {
    let Some(given) = sent.get("probability") else {
        return Err(Refusal::bare(400, "must specify probability when writing a dealstage"));
    };
    let chance = given.parse::<f64>().ok().filter(|chance| (0.0..=1.0).contains(chance));
    let Some(chance) = chance else {
        let message = "dealstage probability is not valid, must be between 0.0 and 1.0 (inclusive)";
        return Err(Refusal::bare(400, message));
    };
    let certain = chance <= 0.0 || chance >= 1.0;
    let printed = if certain { format!("{:.1}", chance.abs()) } else { chance.to_string() };
    Ok([("isClosed".to_owned(), certain.to_string()), ("probability".to_owned(), printed)].into())
}

/// Puts a stage among others: a free place is taken as asked; a taken one pushes it right behind its holder, and the
/// whole pipeline is numbered anew.
pub(super) fn place(stages: &mut Vec<Stage>, mut stage: Stage, display_order: i64) {
    stages.sort_by_key(|known| known.display_order);
    stage.display_order = display_order;
    let holder = stages.iter().position(|known| known.display_order == display_order);
    if let Some(holder) = holder {
        stages.insert(holder + 1, stage);
        number(stages);
    } else {
        stages.push(stage);
        stages.sort_by_key(|known| known.display_order);
    }
}

/// Stages of one request that share a place are numbered anew, the later one first; others keep their places.
pub(super) fn arrange(stages: &mut [Stage]) {
    let count = stages.len();
    stages.reverse();
    stages.sort_by_key(|known| known.display_order);
    let mut places: Vec<i64> = stages.iter().map(|known| known.display_order).collect();
    places.dedup();
    if places.len() < count {
        number(stages);
    }
}

fn number(stages: &mut [Stage]) {
    for (place, stage) in (0_i64..).zip(stages) {
        stage.display_order = place;
    }
}
