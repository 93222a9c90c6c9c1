//! What a call writes, and what HubSpot answers that it wrote.

use std::collections::BTreeMap;

use linchpin_hubspot::call::Call;
use linchpin_hubspot::id::{ObjectType, RecordId};
use linchpin_hubspot::routes::{self, Operation};
use linchpin_hubspot::value::instant_ms;
use serde::Deserialize;
use serde_json::Value;

use super::Form;
use crate::time::Wall;

/// Values by property.
pub type Forms = BTreeMap<String, Form>;

/// The values that a call writes to one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The record's type.
    pub object_type: ObjectType,
    /// The record; none before the answer names it: it does not exist yet, or is named by another property.
    pub record: Option<RecordId>,
    /// The values as they were sent.
    pub values: Forms,
}

/// A record as HubSpot answers after a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The record.
    pub record: RecordId,
    /// The values that it has now, as far as they are answered.
    pub values: Forms,
    /// When it was last changed, by HubSpot's clock. A write that changes nothing does not move it.
    pub updated: Option<Wall>,
}

#[derive(Deserialize)]
struct Input {
    #[serde(default)]
    id: Value,
    #[serde(default, rename = "idProperty")]
    id_property: Option<String>,
    #[serde(default)]
    properties: BTreeMap<String, Value>,
}

/// What a call writes: of single and batch creations, updates and upserts, one for each record. Nothing of any other
/// call, nor of a body that is not understood.
pub fn writes(call: &Call) -> Vec<Write> {
    let Some(body) = &call.body else { return Vec::new() };
    let route = routes::classify(&call.method, &call.path);
    let Some(object_type) = route.object_type else { return Vec::new() };
    let by_id = !call.target().contains("idProperty=");
    let write = |input: Input, names: bool| Write {
        object_type: object_type.clone(),
        record: input.id.as_str().filter(|_| names && input.id_property.is_none()).and_then(|id| id.parse().ok()),
        values: forms(input.properties),
    };
    let single = || serde_json::from_slice::<Input>(body).ok();
    let batch = |names| match serde_json::from_slice::<Inputs<Input>>(body) {
        Ok(Inputs { inputs }) => inputs.into_iter().map(|input| write(input, names)).collect(),
        Err(_) => Vec::new(),
    };
    let mut all: Vec<Write> = match route.operation {
        Operation::ObjectCreate => single().map(|input| write(input, false)).into_iter().collect(),
        Operation::ObjectUpdate => {
            let named = route.id.filter(|_| by_id).and_then(|id| id.parse().ok());
            single().map(|input| Write { record: named, ..write(input, false) }).into_iter().collect()
        }
        Operation::ObjectBatchUpdate => batch(by_id),
        Operation::ObjectBatchCreate | Operation::ObjectBatchUpsert => batch(false),
        _ => Vec::new(),
    };
    all.retain(|write| !write.values.is_empty());
    all
}

#[derive(Deserialize)]
struct Inputs<T> {
    inputs: Vec<T>,
}

/// The records of an answer to a write, single or batch; none of one that is not understood.
pub fn answered(body: &[u8]) -> Vec<Answered> {
    #[derive(Deserialize)]
    struct Record {
        id: String,
        #[serde(default)]
        properties: BTreeMap<String, Value>,
        #[serde(default, rename = "updatedAt")]
        updated_at: Option<String>,
    }
    #[derive(Deserialize)]
    struct Results {
        results: Vec<Record>,
    }
    let records = match serde_json::from_slice(body) {
        Ok(Results { results }) => results,
        Err(_) => serde_json::from_slice(body).into_iter().collect(),
    };
    let answered = |record: Record| {
        let updated = record.updated_at.as_deref().and_then(instant_ms).map(Wall);
        Some(Answered { record: record.id.parse().ok()?, values: forms(record.properties), updated })
    };
    records.into_iter().filter_map(answered).collect()
}

/// HubSpot takes numbers and booleans for values as well. What is no plain value is left out.
fn forms(values: BTreeMap<String, Value>) -> Forms {
    let form = |(name, value): (String, Value)| {
        let form = match value {
            Value::Null => Form::of(&name, None),
            Value::String(text) => Form::of(&name, Some(&text)),
            Value::Bool(truth) => Form::of(&name, Some(&truth.to_string())),
            Value::Number(number) => Form::of(&name, Some(&number.to_string())),
            Value::Array(_) | Value::Object(_) => return None,
        };
        Some((name, form))
    };
    values.into_iter().filter_map(form).collect()
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json;

    use super::*;

    fn written(method: Method, target: &str, body: &Value) -> Vec<(Option<u64>, usize)> {
        let mut call = Call::new(method, target.split('?').next().unwrap()).with_json(body);
        if let Some((name, value)) = target.split_once('?').and_then(|(_, query)| query.split_once('=')) {
            call = call.with_query(name, value);
        }
        writes(&call).into_iter().map(|write| (write.record.map(|id| id.0), write.values.len())).collect()
    }

    #[test]
    fn writes_of_values_are_found_in_every_call_that_makes_them() {
        let one = json!({"properties": {"city": "Oslo", "age": 5, "vip": true, "fax": null}});
        let batch = json!({"inputs": [{"id": "7", "properties": {"city": "Oslo"}},
            {"id": "a@b.test", "idProperty": "email", "properties": {"city": "Rome"}}]});
        let path = "/crm/v3/objects/contacts";
        for (method, target, body, expected) in [
            (Method::PATCH, format!("{path}/7"), &one, vec![(Some(7), 4)]),
            (Method::PATCH, format!("{path}/a@b.test?idProperty=email"), &one, vec![(None, 4)]),
            (Method::PATCH, format!("{path}/7?idProperty=number"), &one, vec![(None, 4)]),
            (Method::POST, path.to_owned(), &one, vec![(None, 4)]),
            (Method::POST, format!("{path}/batch/update"), &batch, vec![(Some(7), 1), (None, 1)]),
            (Method::POST, format!("{path}/batch/upsert"), &batch, vec![(None, 1), (None, 1)]),
            (Method::POST, "/crm/objects/2026-03/0-1/batch/create".to_owned(), &batch, vec![(None, 1), (None, 1)]),
            (Method::POST, format!("{path}/batch/read"), &batch, vec![]),
            (Method::POST, format!("{path}/search"), &one, vec![]),
            (Method::PATCH, format!("{path}/7"), &json!(["no object"]), vec![]),
        ] {
            assert_eq!(written(method, &target, body), expected, "{target}");
        }
    }

    #[test]
    fn answers_of_one_and_of_many_are_read_alike() {
        let one = json!({"id": "7", "properties": {"city": "Oslo"}, "updatedAt": "1970-01-01T00:00:00.009Z"});
        let expected = Answered {
            record: RecordId(7),
            values: [("city".to_owned(), Form::of("city", Some("Oslo")))].into(),
            updated: Some(Wall(9)),
        };
        assert_eq!(answered(one.to_string().as_bytes()), std::slice::from_ref(&expected));
        let many = json!({"status": "COMPLETE", "results": [one, {"id": "none"}], "errors": []});
        assert_eq!(answered(many.to_string().as_bytes()), [expected]);
        assert_eq!(answered(b"<html>"), []);
    }
}
