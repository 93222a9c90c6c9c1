//! One batch of several calls.

use http::Method;
use linchpin_hubspot::associations::{ArchiveInput, BatchArchive, BatchAssociate, Direction, Pair};
use linchpin_hubspot::call::Call;
use linchpin_hubspot::endpoint::Endpoint as _;
use linchpin_hubspot::routes::Operation;
use linchpin_hubspot::version::Surface;
use serde::Serialize;
use serde_json::value::RawValue;

use super::join::{Group, Input};

/// Begins every name that we give to an input.
const TRACE: &str = "linchpin-";

/// The name of the input at a place; HubSpot returns it with the input's errors.
fn trace(place: usize) -> String {
    format!("{TRACE}{place}")
}

/// The place that a name stands for.
pub(super) fn place(trace: &str) -> Option<usize> {
    trace.strip_prefix(TRACE)?.parse().ok()
}

#[derive(Serialize)]
struct Body<'a> {
    inputs: Vec<Entry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<&'a [String]>,
    #[serde(rename = "propertiesWithHistory", skip_serializing_if = "Option::is_none")]
    history: Option<&'a [String]>,
}

#[derive(Serialize)]
struct Entry<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<&'a RawValue>,
    #[serde(rename = "objectWriteTraceId", skip_serializing_if = "Option::is_none")]
    trace: Option<String>,
}

/// The batch call that does what all inputs ask for, in their order.
///
/// None if the group has no batch, which [`join`](super::join::join) never lets happen.
pub fn compose(group: &Group, inputs: &[&Input]) -> Option<Call> {
    let verb = match group.operation {
        Operation::ObjectRead | Operation::AssociationList => "read",
        Operation::ObjectUpdate => "update",
        Operation::ObjectCreate => "create",
        Operation::ObjectArchive => "archive",
        Operation::AssociateDefault | Operation::AssociationDelete => return pairs(group, inputs),
        _ => return None,
    };
    let own = group.object_type.as_str();
    let path = match &group.to_object_type {
        Some(other) => Surface::Associations.path(group.version, &[own, other.as_str(), "batch", verb]),
        None => Surface::Objects.path(group.version, &[own, "batch", verb]),
    };
    let reads = group.operation == Operation::ObjectRead;
    let body = Body {
        inputs: inputs.iter().enumerate().filter_map(|(place, input)| entry(place, input)).collect(),
        properties: reads.then_some(&group.properties),
        history: reads.then_some(&[]),
    };
    let call = Call::new(Method::POST, path).with_json(&body);
    Some(if group.archived { call.with_query("archived", "true") } else { call })
}

/// The batch call that makes or removes associations.
fn pairs(group: &Group, inputs: &[&Input]) -> Option<Call> {
    let direction = Direction { from: group.object_type.clone(), to: group.to_object_type.clone()? };
    let pairs = inputs.iter().filter_map(|input| if let Input::Pair(pair) = input { Some(*pair) } else { None });
    Some(if group.operation == Operation::AssociateDefault {
        BatchAssociate { direction, pairs: pairs.collect() }.call(group.version)
    } else {
        let inputs = pairs.map(|Pair { from, to }| ArchiveInput { from, to: vec![to] }).collect();
        BatchArchive { direction, inputs }.call(group.version)
    })
}

/// An input about one record; none for a pair, which [`pairs`] writes.
fn entry(place: usize, input: &Input) -> Option<Entry<'_>> {
    Some(match input {
        Input::Pair(_) => return None,
        Input::Record(id) => Entry { id: Some(id.to_string()), properties: None, trace: None },
        Input::Update { id, properties } => {
            Entry { id: Some(id.to_string()), properties: Some(properties), trace: Some(trace(place)) }
        }
        Input::Create { properties, .. } => Entry { id: None, properties: Some(properties), trace: Some(trace(place)) },
    })
}
