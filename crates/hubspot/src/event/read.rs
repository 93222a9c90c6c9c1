//! From bytes to events.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Change, Event, Fate, NewValue, NotUnderstood, Told};
use crate::id::{AppId, Install, ObjectType, PortalId, RecordId};

/// What HubSpot sends instead of the value of a sensitive property.
const REDACTED: &str = "REDACTED";

/// Reads a delivery's body. Nothing of it is lost: what is not understood is an element that says why.
pub fn read(body: &[u8]) -> Vec<Told<'_>> {
    let elements: Result<Vec<&RawValue>, _> = serde_json::from_slice(body);
    match elements {
        Ok(elements) => elements.into_iter().map(told).collect(),
        Err(_) => vec![Told { raw: body, event: Err(NotUnderstood::NotAnArray) }],
    }
}

fn told(element: &RawValue) -> Told<'_> {
    let raw = element.get();
    let event = match serde_json::from_str::<Fields>(raw) {
        Ok(fields) => fields.event(),
        Err(_) => Err(NotUnderstood::NotAnObject),
    };
    Told { raw: raw.as_bytes(), event }
}

/// Every field that is known, of whatever JSON type it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Fields {
    event_id: Value,
    subscription_id: Value,
    portal_id: Value,
    app_id: Value,
    occurred_at: Value,
    subscription_type: Value,
    event_type: Value,
    attempt_number: Value,
    object_id: Value,
    object_type_id: Value,
    change_source: Value,
    source_id: Value,
    property_name: Value,
    property_value: Value,
    is_sensitive: Value,
    primary_object_id: Value,
    merged_object_ids: Value,
    new_object_id: Value,
    association_type: Value,
    association_type_id: Value,
    from_object_id: Value,
    to_object_id: Value,
    from_object_type_id: Value,
    to_object_type_id: Value,
    association_removed: Value,
    is_primary_association: Value,
}

impl Fields {
    fn event(self) -> Result<Event, NotUnderstood> {
        let portal = number(&self.portal_id).ok_or(NotUnderstood::Field("portalId"))?;
        let occurred_at_ms = number(&self.occurred_at).and_then(|moment| i64::try_from(moment).ok());
        Ok(Event {
            install: Install { portal: PortalId(portal), app: AppId(number(&self.app_id).unwrap_or_default()) },
            number: number(&self.event_id),
            subscription: number(&self.subscription_id),
            occurred_at_ms: occurred_at_ms.ok_or(NotUnderstood::Field("occurredAt"))?,
            attempt: number(&self.attempt_number).and_then(|number| u32::try_from(number).ok()).unwrap_or_default(),
            source: text(&self.change_source),
            source_id: text(&self.source_id),
            change: self.change()?,
        })
    }

    fn change(self) -> Result<Change, NotUnderstood> {
        let kind = text(&self.subscription_type).or_else(|| text(&self.event_type));
        let kind = kind.ok_or(NotUnderstood::Field("subscriptionType"))?;
        let Some((subject, what)) = kind.split_once('.').filter(|(subject, _)| has_records(subject)) else {
            return Ok(Change::Other { id: number(&self.object_id), kind });
        };
        let fate = match what {
            "creation" => Fate::Created,
            "deletion" => Fate::Deleted,
            "privacyDeletion" => Fate::PrivacyDeleted,
            "restore" => Fate::Restored,
            "propertyChange" => return self.property(subject),
            "merge" => return self.merge(subject),
            "associationChange" => return self.association(subject),
            _ => return Ok(Change::Other { id: number(&self.object_id), kind }),
        };
        Ok(Change::Record { object_type: self.object_type(subject)?, id: self.object()?, fate })
    }

    fn property(self, subject: &str) -> Result<Change, NotUnderstood> {
        let name = text(&self.property_name).ok_or(NotUnderstood::Field("propertyName"))?;
        let hidden = self.is_sensitive == Value::Bool(true);
        let value = text(&self.property_value).filter(|value| !hidden && value != REDACTED);
        Ok(Change::Property {
            object_type: self.object_type(subject)?,
            id: self.object()?,
            name,
            value: value.map_or(NewValue::Hidden, NewValue::Known),
        })
    }

    fn merge(self, subject: &str) -> Result<Change, NotUnderstood> {
        // A generic delivery may name the record that is left by `objectId` alone.
        let primary = record(&self.primary_object_id).map_or_else(|| self.object(), Ok)?;
        let merged = self.merged_object_ids.as_array().map(|ids| ids.iter().map(record).collect::<Option<Vec<_>>>());
        Ok(Change::Merge {
            object_type: self.object_type(subject)?,
            primary,
            merged: merged.flatten().ok_or(NotUnderstood::Field("mergedObjectIds"))?,
            survivor: record(&self.new_object_id).unwrap_or(primary),
        })
    }

    fn association(self, subject: &str) -> Result<Change, NotUnderstood> {
        let name = text(&self.association_type).unwrap_or_default();
        let (near, far) = name.split_once("_TO_").unwrap_or(("", ""));
        let side = |id: &Value, named: &str| {
            let named = text(id).or_else(|| (!named.is_empty()).then(|| named.to_owned()));
            named.map(|named| ObjectType::canonical(&named))
        };
        let from_type = side(&self.from_object_type_id, near)
            .or_else(|| (subject != GENERIC).then(|| ObjectType::canonical(subject)))
            .ok_or(NotUnderstood::Field("fromObjectTypeId"))?;
        let to_type = side(&self.to_object_type_id, far).ok_or(NotUnderstood::Field("associationType"))?;
        let from = record(&self.from_object_id).ok_or(NotUnderstood::Field("fromObjectId"))?;
        let to = record(&self.to_object_id).ok_or(NotUnderstood::Field("toObjectId"))?;
        Ok(Change::Association {
            from: (from_type, from),
            to: (to_type, to),
            type_id: number(&self.association_type_id).and_then(|number| u32::try_from(number).ok()),
            removed: self.association_removed.as_bool().ok_or(NotUnderstood::Field("associationRemoved"))?,
            primary: self.is_primary_association.as_bool(),
            name,
        })
    }

    fn object_type(&self, subject: &str) -> Result<ObjectType, NotUnderstood> {
        match text(&self.object_type_id) {
            Some(id) => Ok(ObjectType::canonical(&id)),
            None if subject == GENERIC => Err(NotUnderstood::Field("objectTypeId")),
            None => Ok(ObjectType::canonical(subject)),
        }
    }

    fn object(&self) -> Result<RecordId, NotUnderstood> {
        record(&self.object_id).ok_or(NotUnderstood::Field("objectId"))
    }
}

/// The subject of generic subscriptions: the type stands in `objectTypeId`.
const GENERIC: &str = "object";

fn has_records(subject: &str) -> bool {
    matches!(subject, "contact" | "company" | "deal" | "ticket" | "product" | "line_item" | GENERIC)
}

/// A number that travels as a number or as text.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn record(value: &Value) -> Option<RecordId> {
    number(value).filter(|id| *id > 0).map(RecordId)
}

/// A text that travels as text, number or truth value.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}
