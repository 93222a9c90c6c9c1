//! From an event back to an element of a delivery: what the journal tells is kept in the shape of webhooks.

use serde_json::{Map, Value, json};

use super::read::{GENERIC, REDACTED};
use super::{Change, Event, Fate, NewValue};
use crate::id::ObjectType;

impl Event {
    /// The event as a generic subscription (`object.*`) would have delivered it: [`read`](super::read()) makes the same
    /// event of it. Holds personal values.
    pub fn element(&self) -> Vec<u8> {
        let mut element = Map::new();
        let mut put = |name: &str, value: Value| drop(element.insert(name.to_owned(), value));
        put("portalId", self.install.portal.0.into());
        put("appId", self.install.app.0.into());
        put("occurredAt", self.occurred_at_ms.into());
        put("subscriptionType", self.change.subscription().into());
        put("attemptNumber", self.attempt.into());
        for (name, number) in [("eventId", self.number), ("subscriptionId", self.subscription)] {
            if let Some(number) = number {
                put(name, number.into());
            }
        }
        for (name, hint) in [("changeSource", &self.source), ("sourceId", &self.source_id)] {
            if let Some(hint) = hint {
                put(name, hint.as_str().into());
            }
        }
        for (name, value) in self.change.fields() {
            put(name, value);
        }
        Value::Object(element).to_string().into_bytes()
    }
}

impl Change {
    /// HubSpot's name for it, as generic subscriptions write it.
    fn subscription(&self) -> String {
        match self {
            Self::Other { kind, .. } => kind.clone(),
            Self::Record { .. } | Self::Property { .. } | Self::Merge { .. } | Self::Association { .. } => {
                format!("{GENERIC}.{}", self.kind())
            }
        }
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        match self {
            Self::Record {
                object_type,
                id,
                fate: Fate::Created | Fate::Deleted | Fate::PrivacyDeleted | Fate::Restored,
            } => {
                vec![("objectTypeId", type_id(object_type)), ("objectId", id.0.into())]
            }
            Self::Property { object_type, id, name, value } => {
                let (value, hidden) = match value {
                    NewValue::Known(value) => (value.as_str(), false),
                    NewValue::Hidden => (REDACTED, true),
                };
                vec![
                    ("objectTypeId", type_id(object_type)),
                    ("objectId", id.0.into()),
                    ("propertyName", name.as_str().into()),
                    ("propertyValue", value.into()),
                    ("isSensitive", hidden.into()),
                ]
            }
            Self::Merge { object_type, primary, merged, survivor } => vec![
                ("objectTypeId", type_id(object_type)),
                ("objectId", primary.0.into()),
                ("primaryObjectId", primary.0.into()),
                ("mergedObjectIds", json!(merged)),
                ("newObjectId", survivor.0.into()),
            ],
            Self::Association { from, to, name, type_id: number, removed, primary } => {
                let mut fields = vec![
                    ("fromObjectTypeId", type_id(&from.0)),
                    ("fromObjectId", from.1.0.into()),
                    ("toObjectTypeId", type_id(&to.0)),
                    ("toObjectId", to.1.0.into()),
                    ("associationType", name.as_str().into()),
                    ("associationRemoved", (*removed).into()),
                ];
                fields.extend(number.map(|number| ("associationTypeId", number.into())));
                fields.extend(primary.map(|primary| ("isPrimaryAssociation", primary.into())));
                fields
            }
            Self::Other { id, .. } => id.map(|id| ("objectId", id.into())).into_iter().collect(),
        }
    }
}

/// The id of a built-in type, the text of any other.
fn type_id(object_type: &ObjectType) -> Value {
    object_type.standard().map_or(object_type.as_str(), |standard| standard.type_id).into()
}
