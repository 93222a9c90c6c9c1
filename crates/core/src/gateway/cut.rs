//! Each caller's share of a batch's answer.
//!
//! Bytes are cut out, never written anew: numbers, order and spaces of what HubSpot said stay as they were. Results are
//! matched by id, by our names for the inputs or by content, never by place: HubSpot returns them in any order.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, TRANSFER_ENCODING};
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::id::RecordId;
use linchpin_hubspot::routes::Operation;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::compose::place;
use super::join::{Group, Input};

mod pairs;

/// HubSpot's header that names a request; equal to `correlationId` of an error's body.
const CORRELATION: HeaderName = HeaderName::from_static("x-hubspot-correlation-id");
/// HubSpot's header of a 404 that means a record, not a path.
const NOT_FOUND: HeaderName = HeaderName::from_static("x-hubspot-notfound");

/// What becomes of all inputs of a batch.
#[derive(Debug)]
pub enum Parts {
    /// One for each input, in their order.
    Each(Vec<Cut>),
    /// The batch as a whole was refused and nothing was done: one of its inputs is to blame. Ask again in two halves, a
    /// single input alone.
    Refused,
    /// The answer would have been the same for each alone: a missing right, a failure of HubSpot.
    Same,
}

/// What becomes of one input.
#[derive(Clone, Debug)]
pub enum Cut {
    /// What HubSpot would have answered to it alone.
    Answer {
        /// The answer, without a `Location`.
        answer: Answer,
        /// The record that was created: `Location` is the caller's path and this.
        created: Option<RecordId>,
    },
    /// To be asked again alone, which is harmless: it was a read or an idempotent write, or nothing was written, and
    /// only HubSpot knows the exact words.
    Alone,
    /// A creation that is in neither results nor errors: look before it is asked again.
    Unresolved,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    results: Vec<&'a RawValue>,
    #[serde(default)]
    errors: Vec<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    context: Context,
}

#[derive(Default, Deserialize)]
struct Context {
    #[serde(default)]
    ids: Vec<String>,
    #[serde(default, rename = "objectWriteTraceId")]
    traces: Vec<String>,
}

/// What is needed of a result to know whose it is.
#[derive(Deserialize)]
struct Known<'a> {
    #[serde(default)]
    id: Option<String>,
    #[serde(default, rename = "objectWriteTraceId")]
    trace: Option<String>,
    #[serde(default)]
    properties: BTreeMap<String, Option<String>>,
    #[serde(borrow, default)]
    from: Option<From<'a>>,
    #[serde(borrow, default)]
    to: Option<&'a RawValue>,
    #[serde(borrow, default)]
    paging: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct From<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

/// Gives each input its share. `correlation` makes a new id for every answer.
pub fn cut(group: &Group, inputs: &[&Input], answer: &Answer, correlation: &mut dyn FnMut() -> String) -> Parts {
    match answer.status {
        200..=299 => {}
        // Not the inputs' fault, or not for this caller to mend.
        401 | 403 | 423 | 429 | 477 | 500.. => return Parts::Same,
        _ => return Parts::Refused,
    }
    let mut share = Share { answer, correlation };
    match group.operation {
        Operation::ObjectArchive => return Parts::Each(inputs.iter().map(|_| share.of(204, Bytes::new())).collect()),
        Operation::AssociateDefault => return Parts::Each(pairs::made(inputs, &mut share)),
        Operation::AssociationDelete => return Parts::Each(pairs::removed(inputs, &mut share)),
        _ => {}
    }
    let Ok(body) = serde_json::from_slice::<Body<'_>>(&answer.body) else {
        return Parts::Each(inputs.iter().map(|input| left_out(input)).collect());
    };
    let mut owned = owners(inputs, &body.results);
    let missing = missing(&body.errors);
    let failed: Vec<usize> =
        body.errors.iter().flat_map(|error| &error.context.traces).filter_map(|t| place(t)).collect();
    let mut each = Vec::with_capacity(inputs.len());
    for (index, input) in inputs.iter().enumerate() {
        each.push(match owned.remove(&index) {
            Some(found) => share.result(group, &found),
            None if failed.contains(&index) => Cut::Alone,
            None => match input {
                Input::Record(id) if group.operation == Operation::ObjectRead && missing.contains(id) => {
                    share.missing()
                }
                _ => left_out(input),
            },
        });
    }
    Parts::Each(each)
}

/// An input that the answer does not mention. A read may have been answered under another id (a merged record), an
/// update changes nothing more when it is repeated; a creation may have taken place.
fn left_out(input: &Input) -> Cut {
    match input {
        Input::Record(_) | Input::Pair(_) | Input::Update { .. } => Cut::Alone,
        Input::Create { .. } => Cut::Unresolved,
    }
}

/// The ids that a read did not find. The one error that needs no details: alone, each is the plain 404.
fn missing(errors: &[Failure]) -> Vec<RecordId> {
    let not_found = errors.iter().filter(|error| error.category.as_deref() == Some("OBJECT_NOT_FOUND"));
    not_found.flat_map(|error| &error.context.ids).filter_map(|id| id.parse().ok()).collect()
}

/// A result and what was read of it.
struct Found<'a> {
    raw: &'a RawValue,
    known: Known<'a>,
}

/// Whose each result is, by the place of the input. What fits no input, or several, is nobody's.
fn owners<'a>(inputs: &[&Input], results: &[&'a RawValue]) -> BTreeMap<usize, Found<'a>> {
    let ids: BTreeMap<RecordId, usize> = inputs.iter().enumerate().filter_map(|(at, i)| Some((i.id()?, at))).collect();
    let mut owned = BTreeMap::new();
    for raw in results {
        let Ok(known) = serde_json::from_str::<Known<'a>>(raw.get()) else { continue };
        let id = known.from.as_ref().map(|from| from.id.as_ref()).or(known.id.as_deref());
        let by_id = id.and_then(|id| ids.get(&id.parse().ok()?).copied());
        let by_trace = known.trace.as_deref().and_then(place).filter(|place| *place < inputs.len());
        if let Some(owner) = by_id.or(by_trace).or_else(|| by_content(inputs, &known)) {
            owned.insert(owner, Found { raw, known });
        }
    }
    owned
}

impl Input {
    fn id(&self) -> Option<RecordId> {
        match self {
            Self::Record(id) | Self::Update { id, .. } => Some(*id),
            Self::Pair(_) | Self::Create { .. } => None,
        }
    }

    /// Whether a new record is the one that this input asked for.
    fn made(&self, record: &Known<'_>) -> bool {
        let Self::Create { values, unique, .. } = self else { return false };
        let equal = |name: &String| {
            let found = record.properties.get(name).and_then(Option::as_ref);
            found.zip(values.get(name)).is_some_and(|(found, asked)| found.to_lowercase() == asked.to_lowercase())
        };
        unique.as_ref().map_or_else(|| values.keys().all(equal), equal)
    }
}

/// The one input whose content a new record has.
fn by_content(inputs: &[&Input], record: &Known<'_>) -> Option<usize> {
    let mut fitting = inputs.iter().enumerate().filter(|(_, input)| input.made(record)).map(|(place, _)| place);
    let first = fitting.next()?;
    fitting.next().is_none().then_some(first)
}

/// Makes single answers in the frame of the batch's.
struct Share<'a> {
    answer: &'a Answer,
    correlation: &'a mut dyn FnMut() -> String,
}

impl Share<'_> {
    fn result(&mut self, group: &Group, found: &Found<'_>) -> Cut {
        let whole = || self.answer.body.slice_ref(found.raw.get().as_bytes());
        match group.operation {
            Operation::AssociationList => match (found.known.to, found.known.paging) {
                // The next page is asked for in another way alone.
                (Some(to), None) => self.of(200, Bytes::from(format!("{{\"results\":{}}}", to.get()))),
                _ => Cut::Alone,
            },
            Operation::ObjectRead => {
                let body = whole();
                self.of(200, body)
            }
            operation => {
                let body = if found.known.trace.is_some() { without_trace(found.raw) } else { whole() };
                let created = operation == Operation::ObjectCreate;
                let id = found.known.id.as_deref().and_then(|id| id.parse().ok()).filter(|_| created);
                match self.of(if created { 201 } else { 200 }, body) {
                    Cut::Answer { answer, .. } => Cut::Answer { answer, created: id },
                    other => other,
                }
            }
        }
    }

    /// The 404 of a single read (recorded in grouparoo/grouparoo and in segmentio/action-destinations).
    fn missing(&mut self) -> Cut {
        let id = (self.correlation)();
        let body = format!(r#"{{"status":"error","message":"resource not found","correlationId":"{id}"}}"#);
        let mut answer = self.framed(404, Bytes::from(body), &id);
        answer.headers.insert(NOT_FOUND, HeaderValue::from_static("true"));
        Cut::Answer { answer, created: None }
    }

    fn of(&mut self, status: u16, body: Bytes) -> Cut {
        let id = (self.correlation)();
        Cut::Answer { answer: self.framed(status, body, &id), created: None }
    }

    fn framed(&self, status: u16, body: Bytes, correlation: &str) -> Answer {
        let mut headers = self.answer.headers.clone();
        for own in [CONTENT_LENGTH, TRANSFER_ENCODING, LOCATION, NOT_FOUND, CORRELATION] {
            headers.remove(own);
        }
        if body.is_empty() {
            headers.remove(CONTENT_TYPE);
        } else if !headers.contains_key(CONTENT_TYPE) {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=utf-8"));
        }
        if let Ok(value) = HeaderValue::from_str(correlation) {
            headers.insert(CORRELATION, value);
        }
        Answer { status, headers, body }
    }
}

/// The record without our name for the input, which its caller never gave; all other bytes as they were.
fn without_trace(raw: &RawValue) -> Bytes {
    let Ok(Members(members)) = serde_json::from_str::<Members<'_>>(raw.get()) else {
        return Bytes::copy_from_slice(raw.get().as_bytes());
    };
    let kept = members.into_iter().filter(|(name, _)| name != "objectWriteTraceId");
    object(kept.map(|(name, value)| (name, value.get())))
}

/// An object of these members, each a name and its value as it was written.
fn object<'a>(members: impl Iterator<Item = (String, &'a str)>) -> Bytes {
    let members: Vec<String> =
        members.map(|(name, value)| format!("{}:{value}", serde_json::Value::from(name))).collect();
    Bytes::from(format!("{{{}}}", members.join(",")))
}

/// The members of an object in their order.
pub(super) struct Members<'a>(pub(super) Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}
