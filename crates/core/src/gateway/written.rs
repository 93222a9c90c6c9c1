//! What was written through us, so that nobody is shown what was before.
//!
//! From when a write leaves until it has returned, and HubSpot's own lag is over, nothing that was read before that may
//! be shown of the records that it touches. A write whose outcome nobody knows may still happen, for longer than any
//! attempt lasts. Which records a call touches is read from its path, its body and its answer; where they do not name
//! them, it may have touched any.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::Method;
use linchpin_hubspot::call::{Effect, Family};
use linchpin_hubspot::id::{ObjectType, RecordId};
use linchpin_hubspot::routes::{Operation, Route};
use serde_json::Value;

use super::cache::{SETTLES, UNSURE};
use super::mirrored::AGE_MAX;
use crate::time::Mono;

/// Records that are remembered one by one; of more, the oldest are forgotten, and with them everything that was read
/// before they had settled.
pub const RECORDS_MAX: usize = 100_000;

/// Where writes are that touch no record.
const QUIET: [&str; 3] = ["cms", "files", "oauth"];

/// What a write touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touched {
    /// Records that are named, by their ids: of whatever type, since not every path says which.
    pub records: BTreeSet<RecordId>,
    /// What else.
    pub reach: Reach,
}

/// What a write touches beside the records that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Nothing.
    Named,
    /// Records of this type that it names otherwise than by their ids. Its answer may tell which.
    Type(ObjectType),
    /// Anything.
    Everything,
}

/// What a call touches; none if nothing. `body` is none where nobody has read it.
pub fn touched_by(method: &Method, route: &Route, target: &str, body: Option<&Bytes>) -> Option<Touched> {
    if route.effect == Effect::Safe || *method == Method::GET || *method == Method::HEAD || is_setting(route) {
        return None;
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let everything = Touched { records: BTreeSet::new(), reach: Reach::Everything };
    let mut records: BTreeSet<RecordId> = path.split('/').filter_map(|part| part.parse().ok()).collect();
    let told = body.and_then(|body| serde_json::from_slice::<Value>(body).ok());
    if let Some(told) = &told {
        name(told, &mut records);
    }
    let unread = body.is_none_or(|body| !body.is_empty() && told.is_none());
    let by_id = !unread && !query.contains("idProperty") && told.as_ref().is_none_or(|told| !has_id_property(told));
    match (route.family, route.operation, &route.object_type) {
        (Family::Other, ..) => {
            let place = path.trim_start_matches('/').split('/').next().unwrap_or_default();
            (!QUIET.contains(&place)).then_some(everything)
        }
        (Family::Objects, Operation::ObjectCreate | Operation::ObjectBatchCreate, _) if !unread => {
            Some(Touched { records, reach: Reach::Named })
        }
        (
            Family::Objects,
            Operation::ObjectUpdate
            | Operation::ObjectArchive
            | Operation::ObjectBatchUpdate
            | Operation::ObjectBatchArchive,
            Some(_),
        ) if by_id && !records.is_empty() => Some(Touched { records, reach: Reach::Named }),
        (Family::Objects, _, Some(object_type)) if !unread => {
            Some(Touched { records, reach: Reach::Type(object_type.clone()) })
        }
        (Family::Associations | Family::Lists, ..) if !unread && !records.is_empty() => {
            Some(Touched { records, reach: Reach::Named })
        }
        _ => Some(everything),
    }
}

/// Whether a call is about settings, and about no record.
fn is_setting(route: &Route) -> bool {
    matches!(route.family, Family::Account | Family::Token | Family::Webhooks | Family::Search)
        || matches!(
            route.operation,
            Operation::AssociationLabelCreate
                | Operation::AssociationLabelUpdate
                | Operation::AssociationLabelDelete
                | Operation::AssociationLimitCreate
                | Operation::AssociationLimitUpdate
                | Operation::AssociationLimitPurge
                | Operation::AssociationDefinition
        )
}

impl Touched {
    /// What it turns out to have touched, by its answer: a type is narrowed down to the records that the answer names. A
    /// record that is written under an id from before a merge answers under the one that it has now.
    #[must_use]
    pub fn narrowed(mut self, answer: &Bytes) -> Self {
        let mut answered = BTreeSet::new();
        if let Ok(told) = serde_json::from_slice(answer) {
            name(&told, &mut answered);
        }
        if matches!(self.reach, Reach::Type(_)) && !answered.is_empty() {
            self.reach = Reach::Named;
        }
        self.records.extend(answered);
        self
    }
}

/// The ids that a body names: whatever looks like one, but for values of properties.
fn name(told: &Value, records: &mut BTreeSet<RecordId>) {
    match told {
        Value::Object(members) => {
            members.iter().filter(|(member, _)| *member != "properties").for_each(|(_, told)| name(told, records));
        }
        Value::Array(all) => all.iter().for_each(|told| name(told, records)),
        Value::String(text) => records.extend(text.parse::<RecordId>()),
        Value::Number(number) => records.extend(number.as_u64().map(RecordId)),
        Value::Null | Value::Bool(_) => {}
    }
}

fn has_id_property(told: &Value) -> bool {
    match told {
        Value::Object(members) => {
            members.get("idProperty").is_some_and(|named| !named.is_null())
                || members.iter().any(|(member, told)| member != "properties" && has_id_property(told))
        }
        Value::Array(all) => all.iter().any(has_id_property),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// What is known about writes of one thing.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    /// Those that are on their way.
    out: u32,
    /// What was asked for before says nothing.
    from: Mono,
}

impl Mark {
    fn leave(&mut self) {
        self.out += 1;
    }

    fn settle(&mut self, from: Mono) {
        self.out = self.out.saturating_sub(1);
        self.from = self.from.max(from);
    }

    fn allows(&self, asked: Mono) -> bool {
        self.out == 0 && asked >= self.from
    }
}

/// The writes of an account that are on their way, or have not settled in all that is held.
#[derive(Debug, Default)]
pub struct Written {
    records: BTreeMap<RecordId, Mark>,
    /// Those of which nothing is on its way, by the moment from which reads show them.
    settled: BTreeSet<(Mono, RecordId)>,
    /// All types that matter.
    types: BTreeMap<ObjectType, Mark>,
    everything: Mark,
}

impl Written {
    /// Nothing was written yet. Only records of these types are ever shown.
    pub fn new(types: impl IntoIterator<Item = ObjectType>) -> Self {
        let types = types.into_iter().map(|object_type| (object_type, Mark::default())).collect();
        Self { types, ..Self::default() }
    }

    /// An earlier process may have left writes on their way: they may still happen.
    pub fn handle_past(&mut self, began: Mono) {
        self.everything.from = self.everything.from.max(began + UNSURE);
    }

    /// Whether what was asked for then may be shown of a record.
    pub fn allows(&self, object_type: &ObjectType, id: RecordId, asked: Mono) -> bool {
        let record = self.records.get(&id).is_none_or(|mark| mark.allows(asked));
        let of_type = self.types.get(object_type).is_some_and(|mark| mark.allows(asked));
        record && of_type && self.everything.allows(asked)
    }

    /// A write leaves. Each is followed by [`handle_written`](Self::handle_written).
    pub fn handle_write(&mut self, touched: &Touched) {
        for id in &touched.records {
            let mark = self.records.entry(*id).or_default();
            self.settled.remove(&(mark.from, *id));
            mark.leave();
        }
        match &touched.reach {
            Reach::Named => {}
            Reach::Type(object_type) => {
                if let Some(mark) = self.types.get_mut(object_type) {
                    mark.leave();
                }
            }
            Reach::Everything => self.everything.leave(),
        }
    }

    /// A write has returned. `touched` is what was said when it left, and `turned_out` what its answer told. `sure` says
    /// that nothing of it is on its way any more.
    pub fn handle_written(&mut self, touched: &Touched, turned_out: &Touched, sure: bool, now: Mono) {
        let from = now + if sure { SETTLES } else { UNSURE };
        for id in touched.records.union(&turned_out.records) {
            let mark = self.records.entry(*id).or_default();
            self.settled.remove(&(mark.from, *id));
            if touched.records.contains(id) {
                mark.settle(from);
            } else {
                mark.from = mark.from.max(from);
            }
            if mark.out == 0 {
                self.settled.insert((mark.from, *id));
            }
        }
        // What is narrowed down says nothing about the others of its type.
        let beside = if turned_out.reach == touched.reach { from } else { Mono(0) };
        match &touched.reach {
            Reach::Named => {}
            Reach::Type(object_type) => {
                if let Some(mark) = self.types.get_mut(object_type) {
                    mark.settle(beside);
                }
            }
            Reach::Everything => self.everything.settle(beside),
        }
        self.forget(now);
    }

    /// Forgets what no longer matters, since nothing so old is ever shown, and the oldest of too many.
    fn forget(&mut self, now: Mono) {
        while let Some((from, id)) = self.settled.first().copied() {
            let over = from + AGE_MAX <= now;
            if !over && self.records.len() <= RECORDS_MAX {
                return;
            }
            if !over {
                self.everything.from = self.everything.from.max(from);
            }
            self.settled.pop_first();
            self.records.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests;
