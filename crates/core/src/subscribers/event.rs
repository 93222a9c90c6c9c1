//! An event as other programs see it: one form, whatever HubSpot's own form was.
//!
//! Invariants: members are added, never renamed or removed, within a [`VERSION`]. A value that HubSpot hides is absent,
//! and `hidden` says so. The form is made from the bytes that were kept, each time anew, so an event that an older
//! program stored is told like any other.

use std::fmt;

use linchpin_hubspot::event::{Change, Event, NewValue, read_one};
use linchpin_hubspot::id::{Install, ObjectType, RecordId};
use linchpin_hubspot::value::instant_text;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::echo::Echo;
use crate::ingress::keys::ChangeKey;
use crate::time::Wall;

/// The version of the form.
pub const VERSION: u32 = 1;

/// The kind of an event that was kept without being understood.
pub const NOT_UNDERSTOOD: &str = "notUnderstood";

/// The kind of what a workflow's webhook action sent.
pub const WORKFLOW: &str = "workflow";

/// The most bytes of an event's own words (`raw`) that are told; longer ones are counted (`rawBytes`) and left out.
pub const RAW_BYTES_MAX: usize = 64 * 1024;

/// An event as it was kept.
#[derive(Clone, Copy)]
pub struct Stored<'a> {
    /// Its place in the log of its install.
    pub place: u64,
    /// When it came in.
    pub received_at: Wall,
    /// Whose it is.
    pub install: Install,
    /// `webhook`, `workflow` or `journal`.
    pub teller: &'static str,
    /// When it happened.
    pub occurred_at: Wall,
    /// Its kind; empty where it was not understood.
    pub kind: &'a str,
    /// Its type.
    pub object_type: Option<&'a ObjectType>,
    /// Its record.
    pub record: Option<RecordId>,
    /// Its property.
    pub property: Option<&'a str>,
    /// Recognises the change.
    pub change: ChangeKey,
    /// Whose write it tells of, if it is an echo.
    pub echo: Option<&'a Echo>,
    /// As it came.
    pub raw: &'a [u8],
}

/// The kind under which an event is told.
pub fn kind_of(stored: &str) -> &str {
    if stored.is_empty() { NOT_UNDERSTOOD } else { stored }
}

/// An event as it is told. `Debug` shows no values.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Normal {
    /// The version of this form.
    pub version: u32,
    /// Its place in the log of its portal and app: ascends, and names it there.
    pub id: u64,
    /// The account; 0 where nobody said.
    pub portal: u64,
    /// The app.
    pub app: u64,
    /// What kind of change it is.
    pub kind: String,
    /// The type of its record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_type: Option<String>,
    /// Its record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_id: Option<String>,
    /// The property that changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub property: Option<String>,
    /// The new value; `""` when it was cleared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// HubSpot does not say the value: it has to be read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
    /// When the change happened.
    pub occurred_at: String,
    /// When it came in.
    pub received_at: String,
    /// Who told it.
    pub teller: String,
    /// Names the change, whoever tells it.
    pub change_key: String,
    /// Whose write it is the echo of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caused_by: Option<CausedBy>,
    /// HubSpot's word for what caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// HubSpot's word for who caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_id: Option<String>,
    /// Of a merge: which records became one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge: Option<Merge>,
    /// Of an association: the other side, and what became of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub association: Option<Association>,
    /// Its own words, where it has no form here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<Box<RawValue>>,
    /// How many bytes its own words have, where they are left out for their length or are no JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_bytes: Option<usize>,
}

/// The write that an event is the echo of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CausedBy {
    /// Who wrote it, through the gateway.
    pub caller: String,
    /// When the write left, by Linchpin's clock.
    pub sent_at: String,
}

/// Which records became one. The record that is there now is the event's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Merge {
    /// The one that the person chose to keep.
    pub primary_id: String,
    /// Those that went into it.
    pub merged_ids: Vec<String>,
}

/// The other side of an association. The event's own record is the side that tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Association {
    /// The type of the other record.
    pub to_object_type: String,
    /// The other record.
    pub to_record_id: String,
    /// HubSpot's name for the type of association.
    pub name: String,
    /// HubSpot's number for it, where it says one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_id: Option<u32>,
    /// Whether it ended.
    pub removed: bool,
    /// Whether it is the primary one, where HubSpot says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
}

impl Normal {
    /// The form of an event that was kept.
    pub fn of(stored: &Stored<'_>) -> Self {
        let Install { portal, app } = stored.install;
        let mut normal = Self {
            version: VERSION,
            id: stored.place,
            portal: portal.0,
            app: app.0,
            kind: kind_of(stored.kind).to_owned(),
            object_type: stored.object_type.map(ToString::to_string),
            record_id: stored.record.map(|id| id.0.to_string()),
            property: stored.property.map(str::to_owned),
            value: None,
            hidden: false,
            occurred_at: instant_text(stored.occurred_at.0),
            received_at: instant_text(stored.received_at.0),
            teller: stored.teller.to_owned(),
            change_key: format!("{:?}", stored.change.0),
            caused_by: stored
                .echo
                .map(|echo| CausedBy { caller: echo.caller.clone(), sent_at: instant_text(echo.sent_at.0) }),
            source: None,
            source_id: None,
            merge: None,
            association: None,
            raw: None,
            raw_bytes: None,
        };
        let understood = !matches!(stored.kind, "" | WORKFLOW);
        match understood.then(|| read_one(stored.raw)) {
            Some(Ok(event)) => normal.tell(event, stored.raw),
            // What has no form of HubSpot's webhooks: a workflow's body, or another teller's words.
            Some(Err(_)) | None => normal.quote(stored.raw),
        }
        normal
    }

    fn tell(&mut self, event: Event, raw: &[u8]) {
        (self.source, self.source_id) = (event.source, event.source_id);
        match event.change {
            Change::Record { .. } => {}
            Change::Property { value: NewValue::Known(value), .. } => self.value = Some(value),
            Change::Property { value: NewValue::Hidden, .. } => self.hidden = true,
            Change::Merge { primary, merged, .. } => {
                let merged_ids = merged.iter().map(|id| id.0.to_string()).collect();
                self.merge = Some(Merge { primary_id: primary.0.to_string(), merged_ids });
            }
            Change::Association { to: (to_type, to), name, type_id, removed, primary, .. } => {
                self.association = Some(Association {
                    to_object_type: to_type.to_string(),
                    to_record_id: to.0.to_string(),
                    name,
                    type_id,
                    removed,
                    primary,
                });
            }
            Change::Other { id, .. } => {
                self.record_id = self.record_id.take().or_else(|| id.map(|id| id.to_string()));
                self.quote(raw);
            }
        }
    }

    /// Its own words, unless they hold what HubSpot calls sensitive, are no JSON, or are too long.
    fn quote(&mut self, raw: &[u8]) {
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        struct Marks {
            is_sensitive: serde_json::Value,
            property_value: serde_json::Value,
        }
        let marks: Marks = serde_json::from_slice(raw).unwrap_or_default();
        if marks.is_sensitive == serde_json::Value::Bool(true) || marks.property_value == "REDACTED" {
            self.hidden = true;
            return;
        }
        let text = std::str::from_utf8(raw).ok().filter(|text| text.len() <= RAW_BYTES_MAX);
        self.raw = text.and_then(|text| RawValue::from_string(text.trim().to_owned()).ok());
        self.raw_bytes = self.raw.is_none().then_some(raw.len());
    }
}

impl fmt::Debug for Normal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Normal")
            .field("portal", &self.portal)
            .field("app", &self.app)
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("object_type", &self.object_type)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use linchpin_hubspot::fingerprint::Fingerprint;
    use linchpin_hubspot::id::{AppId, PortalId};
    use serde_json::{Value, json};

    use super::*;

    const CHANGE: ChangeKey = ChangeKey(Fingerprint([0xab; 16]));

    /// What is told of a body under the columns that ingress would have kept for it.
    fn told(raw: &str) -> Value {
        let event = read_one(raw.as_bytes());
        let (kind, record, property) = match &event {
            Ok(event) => {
                let property = match &event.change {
                    Change::Property { name, .. } => Some(name.clone()),
                    _ => None,
                };
                let record = event.change.record().map(|(object_type, id)| (object_type.clone(), id));
                (event.change.kind().to_owned(), record, property)
            }
            Err(_) => (String::new(), None, None),
        };
        let (object_type, record) = record.unzip();
        told_as(raw.as_bytes(), &kind, object_type.as_ref(), record, property.as_deref())
    }

    fn told_as(
        raw: &[u8],
        kind: &str,
        object_type: Option<&ObjectType>,
        record: Option<RecordId>,
        property: Option<&str>,
    ) -> Value {
        told_with(None, raw, kind, (object_type, record, property))
    }

    fn told_with(
        echo: Option<&Echo>,
        raw: &[u8],
        kind: &str,
        (object_type, record, property): (Option<&ObjectType>, Option<RecordId>, Option<&str>),
    ) -> Value {
        let normal = Normal::of(&Stored {
            place: 12,
            received_at: Wall(1_767_225_601_000),
            install: Install { portal: PortalId(4711), app: AppId(7007) },
            teller: "webhook",
            occurred_at: Wall(1_767_225_600_123),
            kind,
            object_type,
            record,
            property,
            change: CHANGE,
            echo,
            raw,
        });
        serde_json::to_value(normal).unwrap()
    }

    /// What every event has, and what this one has beside it.
    fn expected(more: &Value) -> Value {
        let mut all = json!({"version": 1, "id": 12, "portal": 4711, "app": 7007,
            "occurredAt": "2026-01-01T00:00:00.123Z", "receivedAt": "2026-01-01T00:00:01.000Z", "teller": "webhook",
            "changeKey": "ab".repeat(16)});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    }

    #[test]
    fn every_kind_has_its_members_and_no_others() {
        let body = |more: &Value| {
            let mut body = json!({"portalId": 4711, "occurredAt": 1_767_225_600_123_i64, "objectId": 901});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body.to_string()
        };
        let record = json!({"objectType": "contacts", "recordId": "901"});
        let with = |more: Value| {
            let mut all = record.clone();
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            expected(&all)
        };
        let property = json!({"subscriptionType": "contact.propertyChange", "propertyName": "city",
            "propertyValue": "Oslo", "changeSource": "CRM_UI", "sourceId": "userId:55"});
        assert_eq!(
            told(&body(&property)),
            with(json!({"kind": "propertyChange", "property": "city", "value": "Oslo", "source": "CRM_UI",
                "sourceId": "userId:55"}))
        );
        for fate in ["creation", "deletion", "privacyDeletion", "restore"] {
            let event = json!({"subscriptionType": format!("contact.{fate}")});
            assert_eq!(told(&body(&event)), with(json!({"kind": fate})));
        }
        let merge = json!({"subscriptionType": "contact.merge", "primaryObjectId": 901, "mergedObjectIds": [902],
            "newObjectId": 903});
        assert_eq!(
            told(&body(&merge)),
            expected(&json!({"kind": "merge", "objectType": "contacts", "recordId": "903",
                "merge": {"primaryId": "901", "mergedIds": ["902"]}}))
        );
        let association = json!({"subscriptionType": "contact.associationChange", "fromObjectId": 901,
            "toObjectId": 77, "associationType": "CONTACT_TO_COMPANY", "associationRemoved": false,
            "isPrimaryAssociation": true});
        assert_eq!(
            told(&body(&association)),
            with(json!({"kind": "associationChange", "association": {"toObjectType": "companies",
                "toRecordId": "77", "name": "CONTACT_TO_COMPANY", "removed": false, "primary": true}}))
        );
        let generic = json!({"subscriptionType": "object.creation", "objectTypeId": "2-123"});
        assert_eq!(
            told(&body(&generic)),
            expected(&json!({"kind": "creation", "objectType": "2-123", "recordId": "901"}))
        );
        let other = body(&json!({"subscriptionType": "conversation.newMessage", "messageId": "m1"}));
        let raw: Value = serde_json::from_str(&other).unwrap();
        assert_eq!(told(&other), expected(&json!({"kind": "conversation.newMessage", "recordId": "901", "raw": raw})));
    }

    #[test]
    fn an_echo_says_who_caused_it() {
        let echo = Echo { caller: "erp".to_owned(), sent_at: Wall(1_767_225_600_000) };
        let contacts = ObjectType::new("contacts");
        let told = told_with(Some(&echo), b"{}", "propertyChange", (Some(&contacts), Some(RecordId(9)), Some("city")));
        assert_eq!(told["causedBy"], json!({"caller": "erp", "sentAt": "2026-01-01T00:00:00.000Z"}));
    }

    #[test]
    fn a_hidden_value_is_absent_wherever_it_stands() {
        for (name, value) in [("propertyValue", json!("REDACTED")), ("isSensitive", json!(true))] {
            let mut body = json!({"portalId": 4711, "occurredAt": 5, "objectId": 901, "propertyName": "ssn",
                "subscriptionType": "contact.propertyChange", "propertyValue": "secret-1"});
            body[name] = value;
            let told = told(&body.to_string());
            assert_eq!((&told["hidden"], told.get("value")), (&json!(true), None), "{name}");
            // Nor is it told where the event as a whole is not understood.
            body.as_object_mut().unwrap().remove("portalId");
            let told = told_as(body.to_string().as_bytes(), "", None, None, None);
            assert_eq!((&told["hidden"], told.get("raw")), (&json!(true), None), "{name}");
            assert!(!told.to_string().contains("secret-1"));
        }
    }

    #[test]
    fn what_has_no_form_keeps_its_own_words_within_bounds() {
        let workflow = told_as(br#" {"vid": 5} "#, WORKFLOW, None, None, None);
        assert_eq!(workflow, expected(&json!({"kind": "workflow", "raw": {"vid": 5}})));
        let strange = told_as(b"\xff\x00 no JSON", "", None, None, None);
        assert_eq!(strange, expected(&json!({"kind": "notUnderstood", "rawBytes": 10})));
        let long = format!("\"{}\"", "x".repeat(RAW_BYTES_MAX));
        let long_told = told_as(long.as_bytes(), "", None, None, None);
        assert_eq!(long_told, expected(&json!({"kind": "notUnderstood", "rawBytes": long.len()})));
        // Another teller's words under a kind that was understood then.
        let (contacts, city) = (ObjectType::new("contacts"), Some("city"));
        let journal = told_as(br#"{"type":"x"}"#, "propertyChange", Some(&contacts), Some(RecordId(9)), city);
        assert_eq!(
            journal,
            expected(&json!({"kind": "propertyChange", "objectType": "contacts", "recordId": "9", "property": "city",
                "raw": {"type": "x"}}))
        );
    }
}
