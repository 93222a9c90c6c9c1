//! From bytes to events.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Change, Event, Fate, NewValue, NotUnderstood, Told};
use crate::id::{AppId, Install, ObjectType, PortalId, RecordId};

/// What HubSpot sends instead of the value of a sensitive property.
pub(super) const REDACTED: &str = "REDACTED";

/// Reads a delivery's body. Nothing of it is lost: what is not understood is an element that says why.
pub fn read(body: &[u8]) -> Vec<Told<'_>> {
    let elements: Result<Vec<&RawValue>, _> = serde_json::from_slice(body);
    match elements {
        Ok(elements) => elements.into_iter().map(told).collect(),
        Err(_) => vec![Told { raw: body, event: Err(NotUnderstood::NotAnArray) }],
    }
}

/// Reads one element of a delivery, as it was kept.
///
/// # Errors
/// It is not understood.
pub fn read_one(raw: &[u8]) -> Result<Event, NotUnderstood> {
    serde_json::from_slice::<Fields<'_>>(raw).map_err(|_| NotUnderstood::NotAnObject)?.event()
}

fn told(element: &RawValue) -> Told<'_> {
    let raw = element.get().as_bytes();
    Told { raw, event: read_one(raw) }
}

/// A field as it stands in the body: most are never read, and the others not twice.
type Field<'a> = Option<&'a RawValue>;

/// Every field that is known, of whatever JSON type it is.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Fields<'a> {
    #[serde(borrow)]
    event_id: Field<'a>,
    #[serde(borrow)]
    subscription_id: Field<'a>,
    #[serde(borrow)]
    portal_id: Field<'a>,
    #[serde(borrow)]
    app_id: Field<'a>,
    #[serde(borrow)]
    occurred_at: Field<'a>,
    #[serde(borrow)]
    subscription_type: Field<'a>,
    #[serde(borrow)]
    event_type: Field<'a>,
    #[serde(borrow)]
    attempt_number: Field<'a>,
    #[serde(borrow)]
    object_id: Field<'a>,
    #[serde(borrow)]
    object_type_id: Field<'a>,
    #[serde(borrow)]
    change_source: Field<'a>,
    #[serde(borrow)]
    source_id: Field<'a>,
    #[serde(borrow)]
    property_name: Field<'a>,
    #[serde(borrow)]
    property_value: Field<'a>,
    #[serde(borrow)]
    is_sensitive: Field<'a>,
    #[serde(borrow)]
    primary_object_id: Field<'a>,
    #[serde(borrow)]
    merged_object_ids: Field<'a>,
    #[serde(borrow)]
    new_object_id: Field<'a>,
    #[serde(borrow)]
    association_type: Field<'a>,
    #[serde(borrow)]
    association_type_id: Field<'a>,
    #[serde(borrow)]
    from_object_id: Field<'a>,
    #[serde(borrow)]
    to_object_id: Field<'a>,
    #[serde(borrow)]
    from_object_type_id: Field<'a>,
    #[serde(borrow)]
    to_object_type_id: Field<'a>,
    #[serde(borrow)]
    association_removed: Field<'a>,
    #[serde(borrow)]
    is_primary_association: Field<'a>,
}

impl Fields<'_> {
    fn event(self) -> Result<Event, NotUnderstood> {
        let portal = number(self.portal_id).ok_or(NotUnderstood::Field("portalId"))?;
        let occurred_at_ms = number(self.occurred_at).and_then(|moment| i64::try_from(moment).ok());
        Ok(Event {
            install: Install { portal: PortalId(portal), app: AppId(number(self.app_id).unwrap_or_default()) },
            number: number(self.event_id),
            subscription: number(self.subscription_id),
            occurred_at_ms: occurred_at_ms.ok_or(NotUnderstood::Field("occurredAt"))?,
            attempt: number(self.attempt_number).and_then(|number| u32::try_from(number).ok()).unwrap_or_default(),
            source: text(self.change_source),
            source_id: text(self.source_id),
            change: self.change()?,
        })
    }

    fn change(self) -> Result<Change, NotUnderstood> {
        let kind = text(self.subscription_type).or_else(|| text(self.event_type));
        let kind = kind.ok_or(NotUnderstood::Field("subscriptionType"))?;
        let Some((subject, what)) = kind.split_once('.').filter(|(subject, _)| has_records(subject)) else {
            return Ok(Change::Other { id: number(self.object_id), kind });
        };
        let fate = match what {
            "creation" => Fate::Created,
            "deletion" => Fate::Deleted,
            "privacyDeletion" => Fate::PrivacyDeleted,
            "restore" => Fate::Restored,
            "propertyChange" => return self.property(subject),
            "merge" => return self.merge(subject),
            "associationChange" => return self.association(subject),
            _ => return Ok(Change::Other { id: number(self.object_id), kind }),
        };
        Ok(Change::Record { object_type: self.object_type(subject)?, id: self.object()?, fate })
    }

    fn property(self, subject: &str) -> Result<Change, NotUnderstood> {
        let name = text(self.property_name).ok_or(NotUnderstood::Field("propertyName"))?;
        let hidden = truth(self.is_sensitive) == Some(true);
        let value = text(self.property_value).filter(|value| !hidden && value != REDACTED);
        Ok(Change::Property {
            object_type: self.object_type(subject)?,
            id: self.object()?,
            name,
            value: value.map_or(NewValue::Hidden, NewValue::Known),
        })
    }

    fn merge(self, subject: &str) -> Result<Change, NotUnderstood> {
        // A generic delivery may name the record that is left by `objectId` alone.
        let primary = record(self.primary_object_id).map_or_else(|| self.object(), Ok)?;
        let merged = self.merged_object_ids.and_then(|ids| serde_json::from_str::<Vec<&RawValue>>(ids.get()).ok());
        let merged = merged.map(|ids| ids.into_iter().map(|id| record(Some(id))).collect::<Option<Vec<_>>>());
        Ok(Change::Merge {
            object_type: self.object_type(subject)?,
            primary,
            merged: merged.flatten().ok_or(NotUnderstood::Field("mergedObjectIds"))?,
            survivor: record(self.new_object_id).unwrap_or(primary),
        })
    }

    fn association(self, subject: &str) -> Result<Change, NotUnderstood> {
        let name = text(self.association_type).unwrap_or_default();
        let (near, far) = name.split_once("_TO_").unwrap_or(("", ""));
        let side = |id: Field<'_>, named: &str| {
            let named = text(id).or_else(|| (!named.is_empty()).then(|| named.to_owned()));
            named.map(|named| ObjectType::canonical(&named))
        };
        let from_type = side(self.from_object_type_id, near)
            .or_else(|| (subject != GENERIC).then(|| ObjectType::canonical(subject)))
            .ok_or(NotUnderstood::Field("fromObjectTypeId"))?;
        let to_type = side(self.to_object_type_id, far).ok_or(NotUnderstood::Field("associationType"))?;
        let from = record(self.from_object_id).ok_or(NotUnderstood::Field("fromObjectId"))?;
        let to = record(self.to_object_id).ok_or(NotUnderstood::Field("toObjectId"))?;
        Ok(Change::Association {
            from: (from_type, from),
            to: (to_type, to),
            type_id: number(self.association_type_id).and_then(|number| u32::try_from(number).ok()),
            removed: truth(self.association_removed).ok_or(NotUnderstood::Field("associationRemoved"))?,
            primary: truth(self.is_primary_association),
            name,
        })
    }

    fn object_type(&self, subject: &str) -> Result<ObjectType, NotUnderstood> {
        match text(self.object_type_id) {
            Some(id) => Ok(ObjectType::canonical(&id)),
            None if subject == GENERIC => Err(NotUnderstood::Field("objectTypeId")),
            None => Ok(ObjectType::canonical(subject)),
        }
    }

    fn object(&self) -> Result<RecordId, NotUnderstood> {
        record(self.object_id).ok_or(NotUnderstood::Field("objectId"))
    }
}

/// The subject of generic subscriptions: the type stands in `objectTypeId`.
pub(super) const GENERIC: &str = "object";

fn has_records(subject: &str) -> bool {
    matches!(subject, "contact" | "company" | "deal" | "ticket" | "product" | "line_item" | GENERIC)
}

/// A number that travels as a number or as text.
fn number(field: Field<'_>) -> Option<u64> {
    let raw = field?.get();
    if raw.starts_with('"') { string(raw)?.parse().ok() } else { raw.parse().ok() }
}

fn record(field: Field<'_>) -> Option<RecordId> {
    number(field).filter(|id| *id > 0).map(RecordId)
}

fn truth(field: Field<'_>) -> Option<bool> {
    field?.get().parse().ok()
}

/// A text that travels as text, number or truth value.
fn text(field: Field<'_>) -> Option<String> {
    let raw = field?.get();
    match raw.as_bytes().first()? {
        b'"' => string(raw).map(Cow::into_owned),
        b't' | b'f' => Some(raw.to_owned()),
        b'{' | b'[' | b'n' => None,
        _ if raw.len() < EXACT_DIGITS && raw.bytes().all(|byte| byte.is_ascii_digit()) => Some(raw.to_owned()),
        // Other numbers have several spellings, of which one is known by.
        _ => serde_json::from_str::<Value>(raw).ok().map(|number| number.to_string()),
    }
}

/// So many digits are a number that every reader of JSON keeps as it is.
const EXACT_DIGITS: usize = 19;

/// The text of a JSON string; none if it is no text after all (half of a character).
fn string(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str::<String>(raw).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}
