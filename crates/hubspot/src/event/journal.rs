//! What the journal tells: a file of entries, as the events that webhooks tell of the same changes.
//!
//! An entry is about one record and may hold several changes: each is an event of its own, as each has a subscription
//! of its own among webhooks. Entries have no number, no subscription and no source, and their moment is ISO 8601.
//! Source: HubSpot's webhooks journal guide. It shows no merge: one is read if it names its records as webhooks do.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::read::REDACTED;
use super::{Change, Event, Fate, NewValue, NotUnderstood};
use crate::id::{AppId, Install, ObjectType, PortalId, RecordId};
use crate::value::instant_ms;

/// The most entries that HubSpot puts into one file.
pub const ENTRIES_PER_FILE: usize = 10_000;

/// One file.
#[derive(Clone, Debug)]
pub struct Page<'a> {
    /// When it was published, in milliseconds since 1970, if it says so.
    pub published_at_ms: Option<i64>,
    /// Its entries.
    pub entries: Vec<Entry<'a>>,
}

/// One entry.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// As it came, byte for byte. Holds personal values.
    pub raw: &'a [u8],
    /// Its changes, at least one; none if it is not understood.
    pub events: Result<Vec<Event>, NotUnderstood>,
}

/// The text is no file of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no JSON object with a list `journalEvents`")]
pub struct NotAPage;

/// Reads a file of an app's journal. Nothing of it is lost: what is not understood is an entry that says why.
///
/// # Errors
/// The text is no file of the journal.
pub fn read(app: AppId, body: &[u8]) -> Result<Page<'_>, NotAPage> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body<'a> {
        #[serde(default)]
        published_at: Value,
        #[serde(borrow)]
        journal_events: Vec<&'a RawValue>,
    }
    let body: Body<'_> = serde_json::from_slice(body).map_err(|_| NotAPage)?;
    let entries = body.journal_events.into_iter().map(|entry| Entry {
        raw: entry.get().as_bytes(),
        events: match serde_json::from_str::<Fields>(entry.get()) {
            Ok(fields) => fields.events(app),
            Err(_) => Err(NotUnderstood::NotAnObject),
        },
    });
    Ok(Page { published_at_ms: text(&body.published_at).as_deref().and_then(instant_ms), entries: entries.collect() })
}

/// Every field that is known, of whatever JSON type it is.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Fields {
    #[serde(rename = "type")]
    kind: Value,
    portal_id: Value,
    occurred_at: Value,
    action: Value,
    object_type_id: Value,
    object_id: Value,
    property_changes: Option<Map<String, Value>>,
    primary_object_id: Value,
    merged_object_ids: Value,
    new_object_id: Value,
    from_object_id: Value,
    to_object_id: Value,
    from_object_type_id: Value,
    to_object_type_id: Value,
    association_type_id: Value,
    is_primary: Value,
}

impl Fields {
    fn events(self, app: AppId) -> Result<Vec<Event>, NotUnderstood> {
        let portal = number(&self.portal_id).ok_or(NotUnderstood::Field("portalId"))?;
        let install = Install { portal: PortalId(portal), app };
        let occurred_at_ms = text(&self.occurred_at).as_deref().and_then(instant_ms);
        let occurred_at_ms = occurred_at_ms.ok_or(NotUnderstood::Field("occurredAt"))?;
        let changes = self.changes()?;
        let event = |change| Event {
            install,
            number: None,
            subscription: None,
            occurred_at_ms,
            attempt: 0,
            source: None,
            source_id: None,
            change,
        };
        Ok(changes.into_iter().map(event).collect())
    }

    fn changes(&self) -> Result<Vec<Change>, NotUnderstood> {
        let kind = text(&self.kind).ok_or(NotUnderstood::Field("type"))?;
        let action = text(&self.action).ok_or(NotUnderstood::Field("action"))?;
        let fate = match (kind.as_str(), action.as_str()) {
            ("crmObject", "CREATE") => Fate::Created,
            ("crmObject", "DELETE") => Fate::Deleted,
            ("crmObject", "RESTORE") => Fate::Restored,
            (_, "GDPR_DELETE") if record(&self.object_id).is_some() => Fate::PrivacyDeleted,
            ("crmObject", "UPDATE") => {
                let changes = self.properties()?;
                return if changes.is_empty() { Err(NotUnderstood::Field("propertyChanges")) } else { Ok(changes) };
            }
            ("crmObject", "MERGE") => return Ok(vec![self.merge()?]),
            ("association", "ASSOCIATION_ADDED") => return Ok(vec![self.association(false)?]),
            ("association", "ASSOCIATION_REMOVED") => return Ok(vec![self.association(true)?]),
            _ => return Ok(vec![Change::Other { id: number(&self.object_id), kind: format!("{kind}.{action}") }]),
        };
        let (object_type, id) = (self.object_type()?, record(&self.object_id).ok_or(NotUnderstood::Field("objectId"))?);
        let mut changes = vec![Change::Record { object_type, id, fate }];
        if fate == Fate::Created {
            // Webhooks tell the first values of a record as changes.
            changes.extend(self.properties()?);
        }
        Ok(changes)
    }

    fn properties(&self) -> Result<Vec<Change>, NotUnderstood> {
        let (object_type, id) = (self.object_type()?, record(&self.object_id).ok_or(NotUnderstood::Field("objectId"))?);
        let changes = self.property_changes.iter().flatten().map(|(name, value)| {
            let value = text(value).filter(|value| value != REDACTED);
            let value = value.map_or(NewValue::Hidden, NewValue::Known);
            Change::Property { object_type: object_type.clone(), id, name: name.clone(), value }
        });
        Ok(changes.collect())
    }

    fn merge(&self) -> Result<Change, NotUnderstood> {
        let primary = record(&self.primary_object_id).or_else(|| record(&self.object_id));
        let primary = primary.ok_or(NotUnderstood::Field("primaryObjectId"))?;
        let merged = self.merged_object_ids.as_array().map(|ids| ids.iter().map(record).collect::<Option<Vec<_>>>());
        Ok(Change::Merge {
            object_type: self.object_type()?,
            primary,
            merged: merged.flatten().ok_or(NotUnderstood::Field("mergedObjectIds"))?,
            survivor: record(&self.new_object_id).unwrap_or(primary),
        })
    }

    fn association(&self, removed: bool) -> Result<Change, NotUnderstood> {
        let side = |object_type: &Value, id: &Value, names: [&'static str; 2]| {
            let object_type = text(object_type).ok_or(NotUnderstood::Field(names[0]))?;
            let id = record(id).ok_or(NotUnderstood::Field(names[1]))?;
            Ok((ObjectType::canonical(&object_type), id))
        };
        Ok(Change::Association {
            from: side(&self.from_object_type_id, &self.from_object_id, ["fromObjectTypeId", "fromObjectId"])?,
            to: side(&self.to_object_type_id, &self.to_object_id, ["toObjectTypeId", "toObjectId"])?,
            name: String::new(),
            type_id: number(&self.association_type_id).and_then(|number| u32::try_from(number).ok()),
            removed,
            primary: self.is_primary.as_bool(),
        })
    }

    fn object_type(&self) -> Result<ObjectType, NotUnderstood> {
        let id = text(&self.object_type_id).ok_or(NotUnderstood::Field("objectTypeId"))?;
        Ok(ObjectType::canonical(&id))
    }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::id::RecordId;

    const APP: AppId = AppId(7008);

    fn entry(further: &Value) -> Value {
        let mut entry = json!({"type": "crmObject", "portalId": 48, "occurredAt": "2026-11-20T11:59:59.123Z",
            "objectTypeId": "0-1", "objectId": 901});
        entry.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
        entry
    }

    fn one(entry: &Value) -> Result<Vec<Event>, NotUnderstood> {
        let body = json!({"offset": "a", "publishedAt": "2026-11-20T12:00:00Z", "journalEvents": [entry]}).to_string();
        let Ok(mut page) = read(APP, body.as_bytes()) else { panic!("it is a page") };
        assert_eq!(page.published_at_ms, Some(1_795_176_000_000));
        let Entry { raw, events } = page.entries.remove(0);
        assert_eq!(serde_json::from_slice::<Value>(raw).ok().as_ref(), Some(entry));
        events
    }

    fn changes(further: &Value) -> Vec<Change> {
        one(&entry(further)).unwrap().into_iter().map(|event| event.change).collect()
    }

    fn contact() -> ObjectType {
        ObjectType::new("contacts")
    }

    fn property(name: &str, value: NewValue) -> Change {
        Change::Property { object_type: contact(), id: RecordId(901), name: name.to_owned(), value }
    }

    #[test]
    fn an_entry_is_as_many_events_as_it_tells_changes() {
        let values = json!({"action": "CREATE", "propertyChanges": {"city": "Oslo", "ssn": "REDACTED", "zip": ""}});
        let known = |value: &str| NewValue::Known(value.to_owned());
        let created = Change::Record { object_type: contact(), id: RecordId(901), fate: Fate::Created };
        let told = [property("city", known("Oslo")), property("ssn", NewValue::Hidden), property("zip", known(""))];
        assert_eq!(changes(&values), [vec![created], told.to_vec()].concat());
        let update = json!({"action": "UPDATE", "propertyChanges": {"city": "Rome", "age": 7, "gone": null}});
        let told = [property("age", known("7")), property("city", known("Rome")), property("gone", NewValue::Hidden)];
        let mut read = changes(&update);
        read.sort_by_key(
            |change| if let Change::Property { name, .. } = change { name.clone() } else { String::new() },
        );
        assert_eq!(read, told);
        let events = one(&entry(&update)).unwrap();
        let install = Install { portal: PortalId(48), app: APP };
        assert!(events.iter().all(|event| event.install == install && event.occurred_at_ms == 1_795_175_999_123));
        assert!(events.iter().all(|event| event.number.is_none() && event.subscription.is_none()));
    }

    #[test]
    fn every_action_is_read() {
        for (action, fate) in
            [("DELETE", Fate::Deleted), ("RESTORE", Fate::Restored), ("GDPR_DELETE", Fate::PrivacyDeleted)]
        {
            let expected = Change::Record { object_type: contact(), id: RecordId(901), fate };
            assert_eq!(changes(&json!({"action": action})), [expected]);
        }
        let merge =
            json!({"action": "MERGE", "objectId": 7, "primaryObjectId": 5, "mergedObjectIds": [6], "newObjectId": 7});
        let (primary, merged, survivor) = (RecordId(5), vec![RecordId(6)], RecordId(7));
        assert_eq!(changes(&merge), [Change::Merge { object_type: contact(), primary, merged, survivor }]);
        let association = json!({"type": "association", "action": "ASSOCIATION_REMOVED", "fromObjectId": 901,
            "toObjectId": 5501, "fromObjectTypeId": "0-1", "toObjectTypeId": "0-2", "associationTypeId": 1,
            "associationCategory": "HUBSPOT_DEFINED", "isPrimary": true});
        let expected = Change::Association {
            from: (contact(), RecordId(901)),
            to: (ObjectType::new("companies"), RecordId(5501)),
            name: String::new(),
            type_id: Some(1),
            removed: true,
            primary: Some(true),
        };
        assert_eq!(changes(&association), [expected]);
        for (kind, action) in [("crmObject", "SNAPSHOT"), ("app_lifecycle_event", "APP_INSTALL")] {
            let expected = Change::Other { kind: format!("{kind}.{action}"), id: Some(901) };
            assert_eq!(changes(&json!({"type": kind, "action": action})), [expected]);
        }
    }

    #[test]
    fn what_is_not_understood_says_why() {
        let why = |further: Value| one(&entry(&further)).unwrap_err();
        let field = NotUnderstood::Field;
        assert_eq!(why(json!({"action": "UPDATE"})), field("propertyChanges"));
        assert_eq!(why(json!({"action": "CREATE", "objectId": "x"})), field("objectId"));
        assert_eq!(why(json!({"action": "DELETE", "objectTypeId": null})), field("objectTypeId"));
        assert_eq!(why(json!({"action": "MERGE"})), field("mergedObjectIds"));
        assert_eq!(why(json!({"action": "DELETE", "occurredAt": "yesterday"})), field("occurredAt"));
        assert_eq!(why(json!({})), field("action"));
        assert_eq!(one(&json!("x")).unwrap_err(), NotUnderstood::NotAnObject);
        for body in ["", "[]", "{}", r#"{"journalEvents":{}}"#, r#"{"journalEvents":[{]}"#] {
            assert_eq!(read(APP, body.as_bytes()).unwrap_err(), NotAPage, "{body}");
        }
        assert!(
            !format!("{:?}", one(&entry(&json!({"action": "UPDATE", "propertyChanges": {"city": "Oslo"}}))))
                .contains("Oslo")
        );
    }

    #[test]
    fn what_is_written_as_an_element_is_read_as_the_same_event() {
        let merge = json!({"action": "MERGE", "primaryObjectId": 5, "mergedObjectIds": [6, 8], "newObjectId": 7});
        let link = |primary: Value| {
            json!({"type": "association", "action": "ASSOCIATION_ADDED", "fromObjectId": 901,
            "toObjectId": 2, "fromObjectTypeId": "2-77", "toObjectTypeId": "0-2", "associationTypeId": 9, "isPrimary": primary})
        };
        let values = json!({"action": "CREATE", "propertyChanges": {"city": "O\"slo\u{1f600}", "ssn": "REDACTED"}});
        let fates = ["DELETE", "RESTORE", "GDPR_DELETE"].map(|action| json!({"action": action}));
        let snapshot = json!({"action": "SNAPSHOT"});
        let all = [merge, link(true.into()), link(Value::Null), values, snapshot].into_iter().chain(fates);
        for event in all.flat_map(|further| one(&entry(&further)).unwrap()) {
            let body = [b"[", event.element().as_slice(), b"]"].concat();
            let told = super::super::read(&body);
            assert_eq!(told.len(), 1);
            assert_eq!(told[0].event.as_ref(), Ok(&event));
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in r#"[\[\]{}",:a-zA-Z0-9 ]{0,80}"#) {
            drop(read(APP, text.as_bytes()));
            drop(read(APP, format!(r#"{{"journalEvents":[{text}]}}"#).as_bytes()));
        }
    }
}
