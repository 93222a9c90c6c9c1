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
    let is_done = |pair: &(RecordId, RecordId)| match &confirmed.pairs {
        Some(pairs) => pairs.contains(pair),
        None => confirmed.errors.is_empty(),
    };
    let end = |(at, (tried, pair)): (usize, (&Tried<'_>, &(RecordId, RecordId)))| {
        if is_done(pair) { done(tried) } else { undone(batch, at, *pair, &confirmed.errors, now) }
    };
    batch.iter().zip(ends).enumerate().map(end).collect()
}

fn undone(batch: &[Tried<'_>], at: usize, (from, to): (RecordId, RecordId), errors: &[BatchError], now: Wall) -> Ended {
    let Some(tried) = batch.get(at) else { return Ended::Unknown };
    let names = |error: &&BatchError| {
        let ids: BTreeSet<&str> = error.context.values().flatten().map(String::as_str).collect();
        ids.contains(from.to_string().as_str()) || ids.contains(to.to_string().as_str())
    };
    match errors.iter().find(names).or(errors.first()) {
        // An error names one end of perhaps several pairs: only a pair that stands alone is surely meant.
        Some(error) if batch.len() == 1 => Ended::Rejected(refused(error)),
        Some(error) => narrowed(batch, at, &error.message, now),
        None if tried.attempts >= ATTEMPTS_MAX => Ended::Rejected(reason::gave_up(SILENT)),
        None => again(tried, now, SILENT),
    }
}

fn refused(error: &BatchError) -> Rejection {
    Rejection { code: reason::REFUSED.into(), property: None, reason: error.message.clone() }
}

fn done(tried: &Tried<'_>) -> Ended {
    let change = |kind: &str, to: &SourceKey| AssociationLink {
        from: tried.operation.row.clone(),
        kind: kind.to_owned(),
        to: to.clone(),
    };
    let association = match &tried.operation.action {
        Action::Associate { kind, to, .. } => Some(AssociationChange::Made(change(kind, &to.key))),
        Action::Dissociate { kind, to, .. } => Some(AssociationChange::Removed(change(kind, &to.key))),
        Action::Upsert { .. } | Action::Create { .. } | Action::Update { .. } => None,
    };
    Ended::Done { link: None, association, created: None }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use linchpin_hubspot::id::ObjectType;

    use super::super::desired::{EntryName, RowId};
    use super::super::operation::{Operation, OperationId};
    use super::super::run::RunId;
    use super::*;

    fn row(entry: &str, key: u64) -> RowId {
        RowId { entry: EntryName(entry.into()), key: SourceKey(key.to_string()) }
    }

    fn operation(seq: u64, make: bool) -> Operation {
        let (to_object, to) = (ObjectType::new("companies"), row("firms", seq));
        let action = if make {
            Action::Associate { to_object, to, kind: "firms by default".into(), association_type: None }
        } else {
            Action::Dissociate { to_object, to, kind: "firms by default".into(), association_type: None }
        };
        let id = OperationId { run: RunId(1), seq };
        Operation {
            id,
            row: row("users", seq),
            object_type: ObjectType::new("contacts"),
            stage: 3,
            pack: "p".into(),
            action,
        }
    }

    fn settle(operations: &[Operation], confirmed: Confirmed) -> Vec<Ended> {
        let nothing = BTreeMap::new();
        let tried: Vec<_> =
            operations.iter().map(|operation| Tried { operation, attempts: 1, sent: &nothing }).collect();
        let ends: Vec<_> = operations.iter().map(|one| (RecordId(one.id.seq), RecordId(100 + one.id.seq))).collect();
        settle_associations(&tried, &ends, Brought::Answer(confirmed), Wall(0))
    }

    fn error(id: u64) -> BatchError {
        let body = format!(
            r#"{{"message":"{id} is not a valid ID","category":"VALIDATION_ERROR","context":{{"id":["{id}"]}}}}"#
        );
        serde_json::from_str(&body).expect("an error of a batch")
    }

    #[test]
    fn confirmed_pairs_are_made_and_unconfirmed_ones_are_asked_again() {
        let batch = [operation(1, true), operation(2, true)];
        let confirmed = Confirmed { pairs: Some(BTreeSet::from([(RecordId(2), RecordId(102))])), errors: Vec::new() };
        let ended = settle(&batch, confirmed);
        assert!(matches!(&ended[0], Ended::Again { .. }));
        let made =
            AssociationLink { from: row("users", 2), kind: "firms by default".into(), to: SourceKey("2".into()) };
        let expected = Ended::Done { link: None, association: Some(AssociationChange::Made(made)), created: None };
        assert_eq!(ended[1], expected);
    }

    #[test]
    fn a_refused_pair_is_narrowed_down_and_rejected_when_it_stands_alone() {
        let batch = [operation(1, true), operation(2, true)];
        let confirmed =
            || Confirmed { pairs: Some(BTreeSet::from([(RecordId(2), RecordId(102))])), errors: vec![error(1)] };
        assert!(matches!(&settle(&batch, confirmed())[0], Ended::Again { pack_max: 1, .. }));
        assert!(matches!(&settle(&batch[..1], confirmed())[0], Ended::Rejected(_)));
    }

    #[test]
    fn a_removal_without_errors_is_done() {
        let ended = settle(&[operation(1, false)], Confirmed::default());
        assert!(matches!(&ended[0], Ended::Done { association: Some(AssociationChange::Removed(_)), .. }));
    }
}
