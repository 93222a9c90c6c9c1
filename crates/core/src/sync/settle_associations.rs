//! Gives every association operation of a batch exactly one ending.
//!
//! Making and removing associations is harmless to repeat, so whatever is unclear is simply asked again.

use std::collections::BTreeSet;

use linchpin_hubspot::errors::BatchError;
use linchpin_hubspot::id::RecordId;

use super::desired::{Rejection, SourceKey};
use super::link::AssociationLink;
use super::operation::{Action, AssociationChange, Ended};
use super::reason;
use super::settle::{ATTEMPTS_MAX, Brought, SILENT, Tried, again, narrowed, refused_whole};
use crate::time::Wall;

/// A batch of association operations with the records at both ends, in the order of the operations.
pub type Ends = [(RecordId, RecordId)];

/// What HubSpot said about a batch of associations.
#[derive(Clone, Debug, Default)]
pub struct Confirmed {
    /// The pairs that it confirmed, in the direction of the call; `None` if the answer names none (removals).
    pub pairs: Option<BTreeSet<(RecordId, RecordId)>>,
    /// What it refused.
    pub errors: Vec<BatchError>,
}

/// Ends the association operations of one batch, in their order.
pub fn settle_associations(batch: &[Tried<'_>], ends: &Ends, brought: Brought<Confirmed>, now: Wall) -> Vec<Ended> {
    let confirmed = match brought {
        Brought::Answer(confirmed) => confirmed,
        Brought::Refused(error) => return refused_whole(batch, &error, now),
        Brought::Lost(why) => return batch.iter().map(|tried| again(tried, now, &why)).collect(),
    };
    let one = |(at, (tried, pair)): (usize, (&Tried<'_>, &(RecordId, RecordId)))| {
        let done = match &confirmed.pairs {
            Some(pairs) => pairs.contains(pair),
            None => confirmed.errors.is_empty(),
        };
        if done { done_of(tried) } else { undone(batch, at, tried, *pair, &confirmed.errors, now) }
    };
    batch.iter().zip(ends).enumerate().map(one).collect()
}

fn undone(
    batch: &[Tried<'_>],
    at: usize,
    tried: &Tried<'_>,
    (from, to): (RecordId, RecordId),
    errors: &[BatchError],
    now: Wall,
) -> Ended {
    let names = |error: &&BatchError| {
        let ids: BTreeSet<&str> = error.context.values().flatten().map(String::as_str).collect();
        ids.contains(from.to_string().as_str()) || ids.contains(to.to_string().as_str())
    };
    match (errors.iter().find(names), errors.first()) {
        // The error names one end of several pairs: only a pair that stands alone is surely meant.
        (Some(error), _) | (None, Some(error)) if batch.len() == 1 => Ended::Rejected(refused(error)),
        (_, Some(error)) => narrowed(batch, at, &error.message, now),
        (_, None) if tried.attempts >= ATTEMPTS_MAX => Ended::Rejected(reason::gave_up(SILENT)),
        (_, None) => again(tried, now, SILENT),
    }
}

fn refused(error: &BatchError) -> Rejection {
    Rejection { code: reason::REFUSED.into(), property: None, reason: error.message.clone() }
}

fn done_of(tried: &Tried<'_>) -> Ended {
    let change =
        |kind: u16, to: &SourceKey| AssociationLink { from: tried.operation.row.clone(), kind, to: to.clone() };
    let association = match &tried.operation.action {
        Action::Associate { kind, to, .. } => Some(AssociationChange::Made(change(*kind, &to.key))),
        Action::Dissociate { kind, to, .. } => Some(AssociationChange::Removed(change(*kind, &to.key))),
        Action::Upsert { .. } | Action::Create { .. } | Action::Update { .. } => None,
    };
    Ended::Done { link: None, association, created: None }
}
