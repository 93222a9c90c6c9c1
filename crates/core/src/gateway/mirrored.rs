//! Reads of records that the mirror may answer: which they are, and what each gets of a record that is held.
//!
//! The mirror holds a record as HubSpot wrote it down when all properties that are held were asked for. What a caller
//! gets is cut out of that, byte for byte: the members as they came, and of the properties those that were asked for and
//! those that HubSpot adds by itself. A read that the mirror cannot answer is asked in that whole form, so that its answer
//! can be held, and its caller's share is cut out of it in the same way.
//!
//! Not here: whether what is held is new enough ([`written`](super::written), and the age that its caller allows).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use linchpin_hubspot::id::{ObjectType, RecordId};
use linchpin_hubspot::limits::sizes::BATCH_INPUTS_MAX;
use linchpin_hubspot::routes::Operation;
use linchpin_hubspot::value::instant_text;
use linchpin_hubspot::version::ApiVersion;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::cache;
use super::cut::Members;
use super::join::{Definitions, Incoming, Input, join};
use crate::follow::known::Held;
use crate::time::{Mono, Wall};

/// The longest age that counts; a longer one is taken for this.
pub const AGE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest path and query of a read that asks for all properties that are held, in bytes: more is asked as it came.
/// HubSpot's edge takes about twice that.
pub const TARGET_BYTES_MAX: usize = 4 * 1024;

/// Members that every record has.
const MEMBERS: [&str; 5] = ["id", "properties", "createdAt", "updatedAt", "archived"];

/// Properties that HubSpot adds to what was asked for, whatever the type (behaviours of recorded answers: the id, when it
/// was made and when it was changed).
const ADDED: [&str; 5] = ["createdate", "hs_createdate", "lastmodifieddate", "hs_lastmodifieddate", "hs_object_id"];

/// What a caller allows (RFC 9111, section 5.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// How old an answer may be; none if it has to be HubSpot's.
    pub age: Option<Duration>,
    /// An answer that is not held is none: nothing is asked of HubSpot.
    pub only: bool,
}

/// What the headers of a request allow: without an age nothing.
pub fn wish(headers: &HeaderMap) -> Wish {
    let age = match cache::wish(headers) {
        cache::Wish::Within(age) => Some(age.min(AGE_MAX)),
        cache::Wish::Any | cache::Wish::New | cache::Wish::Private => None,
    };
    Wish { age, only: cache::words(headers).any(|word| word.eq_ignore_ascii_case("only-if-cached")) }
}

/// Whether a call reads records in a way that the mirror could answer if it held them.
pub fn reads_records(operation: Operation) -> bool {
    matches!(operation, Operation::ObjectRead | Operation::ObjectBatchRead)
}

/// A read of records that are mirrored, by their ids, of properties that are all held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Their type.
    pub object_type: ObjectType,
    /// The form in which the answer is expected.
    pub form: Form,
    /// The records, each once.
    pub ids: Vec<RecordId>,
    /// What is asked for.
    pub properties: BTreeSet<String>,
    batch: bool,
}

/// When a record was asked for that is held: in which process, and how long after it began. By that clock its age is
/// told, which no change of the time of day moves; what another process asked for has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The number of the process that asked.
    pub process: u64,
    /// Microseconds since it began.
    pub micros: u64,
}

impl Asked {
    /// The same by the clock of a process, if it is the one that asked.
    pub fn within(self, process: u64) -> Option<Mono> {
        (self.process == process).then_some(Mono(self.micros))
    }
}

/// The form of a record: versions that write it down alike have one (their schemas are identical for `v3`, `2025-09` and
/// `2026-03`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form(pub String);

impl Form {
    /// The form of a version.
    pub fn of(version: ApiVersion) -> Self {
        let like = match version {
            ApiVersion::V2025_09 | ApiVersion::V2026_03 => ApiVersion::V3,
            other => other,
        };
        Self(like.to_string())
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct BatchBody {
    inputs: Vec<BatchInput>,
    properties: Vec<String>,
    #[serde(default, rename = "propertiesWithHistory")]
    history: Vec<String>,
    #[serde(default, rename = "idProperty", skip_serializing_if = "Option::is_none")]
    id_property: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct BatchInput {
    id: String,
}

/// Every property that is held is harmless; none is known to be unique.
impl Definitions for Held {
    fn is_plain(&self, _object_type: &ObjectType, property: &str) -> bool {
        self.names().contains(property)
    }

    fn is_unique(&self, _object_type: &ObjectType, _property: &str) -> bool {
        false
    }
}

/// Reads a call; none if the mirror holds no such thing: other types and properties, associations, history, archived
/// records, records by anything but their ids, HubSpot's own choice of properties.
pub fn ask(call: &Incoming<'_>, objects: &BTreeMap<ObjectType, Held>) -> Option<Ask> {
    let object_type = call.route.object_type.clone()?;
    let form = Form::of(call.route.version?);
    let held = objects.get(&object_type)?;
    match call.route.operation {
        Operation::ObjectRead => {
            let joined = join(call, held).ok().filter(|joined| !joined.group.archived)?;
            let Input::Record(id) = joined.input else { return None };
            let properties = joined.group.properties.into_iter().collect();
            Some(Ask { object_type, form, ids: vec![id], properties, batch: false })
        }
        Operation::ObjectBatchRead => {
            let live = |(name, value): &(String, String)| name == "archived" && value == "false";
            let body: BatchBody = serde_json::from_slice(call.body).ok()?;
            let BatchBody { inputs, properties, history, id_property } = body;
            let plain = call.query.iter().all(live) && history.is_empty() && id_property.is_none();
            let ids: Vec<RecordId> = inputs.iter().map(|input| input.id.parse().ok()).collect::<Option<_>>()?;
            let distinct: BTreeSet<RecordId> = ids.iter().copied().collect();
            let few = !ids.is_empty() && distinct.len() == ids.len() && ids.len() <= BATCH_INPUTS_MAX;
            let properties: BTreeSet<String> = properties.into_iter().collect();
            let known = !properties.is_empty() && properties.is_subset(held.names());
            (plain && few && known).then_some(Ask { object_type, form, ids, properties, batch: true })
        }
        _ => None,
    }
}

impl Ask {
    /// The same read for all properties that are held: path and query, and body. None if that is too long to be asked.
    pub fn whole(&self, target: &str, held: &Held) -> Option<(String, Bytes)> {
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        let names = held.names().iter().cloned();
        if self.batch {
            let inputs = self.ids.iter().map(|id| BatchInput { id: id.to_string() }).collect();
            let body = BatchBody { inputs, properties: names.collect(), history: Vec::new(), id_property: None };
            return Some((path.to_owned(), Bytes::from(serde_json::to_vec(&body).ok()?)));
        }
        let names: Vec<String> = names.collect();
        let target = format!("{path}?properties={}", names.join(","));
        (target.len() <= TARGET_BYTES_MAX).then_some((target, Bytes::new()))
    }

    /// The caller's share of an answer to the whole read. None if it cannot be told what of it is the caller's.
    pub fn cut(&self, body: &Bytes, held: &Held) -> Option<Bytes> {
        if !self.batch {
            return self.share(std::str::from_utf8(body).ok()?, held).map(Bytes::from);
        }
        let Members(members) = serde_json::from_slice(body).ok()?;
        let member = |(name, value): (String, &RawValue)| {
            if name != "results" {
                return Some((name, value.get().to_owned()));
            }
            let results: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
            let shares: Vec<String> =
                results.into_iter().map(|record| self.share(record.get(), held)).collect::<Option<_>>()?;
            Some((name, format!("[{}]", shares.join(","))))
        };
        let members: Vec<(String, String)> = members.into_iter().map(member).collect::<Option<_>>()?;
        Some(Bytes::from(object(&members)))
    }

    /// The answer to it from records that are held, in the order of its ids. The frame of a batch says when it was made:
    /// here, and now. None if one of them is not a whole record.
    pub fn answer(&self, records: &[&str], held: &Held, now: Wall) -> Option<Bytes> {
        let mut shares: Vec<String> = records.iter().map(|record| self.share(record, held)).collect::<Option<_>>()?;
        if !self.batch {
            return shares.pop().map(Bytes::from);
        }
        // HubSpot writes no fraction where it is zero.
        let (now, shares) = (instant_text(now.0).replace(".000Z", "Z"), shares.join(","));
        let body = format!(r#"{{"completedAt":"{now}","status":"COMPLETE","startedAt":"{now}","results":[{shares}]}}"#);
        Some(Bytes::from(body))
    }

    /// What a caller gets of a record that was read with all properties that are held.
    fn share(&self, record: &str, held: &Held) -> Option<String> {
        let Members(members) = serde_json::from_str(record).ok()?;
        if !MEMBERS.iter().all(|name| members.iter().any(|(member, _)| member == name)) {
            return None;
        }
        let member = |(name, value): (String, &RawValue)| {
            let value = if name == "properties" { self.properties(value, held)? } else { value.get().to_owned() };
            Some((name, value))
        };
        let members: Vec<(String, String)> = members.into_iter().map(member).collect::<Option<_>>()?;
        Some(object(&members))
    }

    fn properties(&self, values: &RawValue, held: &Held) -> Option<String> {
        let Members(values) = serde_json::from_str(values.get()).ok()?;
        let mut kept = Vec::with_capacity(values.len());
        for (name, value) in values {
            let added = ADDED.contains(&name.as_str());
            let shown = match added_to(&self.object_type) {
                _ if self.properties.contains(&name) || !held.names().contains(&name) => true,
                Some(names) => names.contains(&name.as_str()),
                // Nobody knows whether it is there because it is held, or anyway.
                None if added => return None,
                None => false,
            };
            if shown {
                kept.push((name, value.get().to_owned()));
            }
        }
        Some(object(&kept))
    }
}

/// What HubSpot adds to the properties that were asked for, where that is known of the type.
fn added_to(object_type: &ObjectType) -> Option<[&'static str; 3]> {
    let created = match object_type.as_str() {
        "contacts" => return Some(["createdate", "hs_object_id", "lastmodifieddate"]),
        "companies" | "deals" | "tickets" | "line_items" | "products" | "carts" | "discounts" | "fees" | "invoices"
        | "leads" | "orders" | "taxes" => "createdate",
        "quotes" | "calls" | "emails" | "meetings" | "notes" | "tasks" => "hs_createdate",
        custom if custom.starts_with("2-") => "hs_createdate",
        _ => return None,
    };
    Some([created, "hs_lastmodifieddate", "hs_object_id"])
}

fn object(members: &[(String, String)]) -> String {
    let members: Vec<String> =
        members.iter().map(|(name, value)| format!("{}:{value}", serde_json::Value::from(name.as_str()))).collect();
    format!("{{{}}}", members.join(","))
}

/// The records of an answer to a single read or a batch, as HubSpot wrote them down.
pub fn records(body: &[u8]) -> Vec<&RawValue> {
    #[derive(Deserialize)]
    struct Results<'a> {
        #[serde(borrow)]
        results: Vec<&'a RawValue>,
    }
    match serde_json::from_slice(body) {
        Ok(Results { results }) => results,
        Err(_) => serde_json::from_slice(body).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests;
