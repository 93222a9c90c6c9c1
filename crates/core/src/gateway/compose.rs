//! One batch of several calls.

use http::Method;
use linchpin_hubspot::call::Call;
use linchpin_hubspot::id::RecordId;
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
    from: Option<End>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Ends>,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<&'a RawValue>,
    #[serde(rename = "objectWriteTraceId", skip_serializing_if = "Option::is_none")]
    trace: Option<String>,
}

#[derive(Serialize)]
struct End {
    id: String,
}

/// What a record is associated with: one, or of a removal several.
#[derive(Serialize)]
#[serde(untagged)]
enum Ends {
    One(End),
    Several([End; 1]),
}

/// The batch call that does what all inputs ask for, in their order.
///
/// None if the group has no batch, which [`join`](super::join::join) never lets happen.
pub fn compose(group: &Group, inputs: &[&Input]) -> Option<Call> {
    let verb: &[&str] = match group.operation {
        Operation::ObjectRead | Operation::AssociationList => &["read"],
        Operation::ObjectUpdate => &["update"],
        Operation::ObjectCreate => &["create"],
        Operation::ObjectArchive | Operation::AssociationDelete => &["archive"],
        Operation::AssociateDefault => &["associate", "default"],
        _ => return None,
    };
    let own = group.object_type.as_str();
    let path = match &group.to_object_type {
        Some(other) => Surface::Associations.path(group.version, &[&[own, other.as_str(), "batch"], verb].concat()),
        None => Surface::Objects.path(group.version, &[&[own, "batch"], verb].concat()),
    };
    let reads = group.operation == Operation::ObjectRead;
    let body = Body {
        inputs: inputs.iter().enumerate().map(|(place, input)| entry(group, place, input)).collect(),
        properties: reads.then_some(&group.properties),
        history: reads.then_some(&[]),
    };
    let call = Call::new(Method::POST, path).with_json(&body);
    Some(if group.archived { call.with_query("archived", "true") } else { call })
}

fn entry<'a>(group: &Group, place: usize, input: &'a Input) -> Entry<'a> {
    let none = Entry { id: None, from: None, to: None, properties: None, trace: None };
    let end = |id: &RecordId| End { id: id.to_string() };
    match input {
        Input::Record(id) => Entry { id: Some(id.to_string()), ..none },
        Input::Pair { from, to } => {
            let removes = group.operation == Operation::AssociationDelete;
            let to = if removes { Ends::Several([end(to)]) } else { Ends::One(end(to)) };
            Entry { from: Some(end(from)), to: Some(to), ..none }
        }
        Input::Update { id, properties } => {
            Entry { id: Some(id.to_string()), properties: Some(properties), trace: Some(trace(place)), ..none }
        }
        Input::Create { properties, .. } => Entry { properties: Some(properties), trace: Some(trace(place)), ..none },
    }
}
