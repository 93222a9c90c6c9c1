//! What an app can subscribe to: the types of events, and which happening each of them means.
//!
//! The list is HubSpot's: six kinds of events for six standard types and for `object`, and some of their own. Types
//! whose records the simulator does not have (conversations, custom events) can be subscribed to and never fire.

use crate::model::{Tale, TypeName};

/// Properties that no app can subscribe to.
const UNHEARD: [&str; 2] = ["hs_lastmodifieddate", "num_unique_conversion_events"];

/// The kinds of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deed {
    Creation,
    Deletion,
    Merge,
    Restore,
    PropertyChange,
    AssociationChange,
    PrivacyDeletion,
    /// Something that never happens here.
    Elsewhere,
}

impl Deed {
    /// The kind of event that a happening is.
    pub(super) fn of(tale: &Tale<'_>) -> Self {
        match tale {
            Tale::Created { .. } => Self::Creation,
            Tale::Changed { .. } => Self::PropertyChange,
            Tale::Archived { .. } => Self::Deletion,
            Tale::Restored { .. } => Self::Restore,
            Tale::Forgotten { .. } => Self::PrivacyDeletion,
            Tale::Merged { .. } => Self::Merge,
            Tale::Linked(_) => Self::AssociationChange,
        }
    }
}

/// What one subscription asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Topic {
    /// `contact.propertyChange`
    pub(crate) event_type: String,
    pub(crate) deed: Deed,
    /// Of `object.*` events.
    pub(crate) object_type_id: Option<String>,
    /// Of property changes.
    pub(crate) property: Option<String>,
}

/// Why a subscription is refused. The texts are ours; none is recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// There is no such type of event.
    #[error("Unknown subscription type: {0}")]
    EventType(String),
    /// A property change without its property.
    #[error("propertyName must be set for subscription type {0}")]
    NoProperty(String),
    /// A property where none belongs.
    #[error("propertyName may only be set for property change subscriptions")]
    Property,
    /// The property tells of every change, so HubSpot does not offer it.
    #[error("Property {0} cannot be subscribed to")]
    Unheard(String),
    /// `object.*` without its type.
    #[error("objectTypeId must be set for subscription type {0}")]
    NoObjectType(String),
    /// A type of object where none belongs, or none such.
    #[error("objectTypeId {0} is not valid for this subscription")]
    ObjectType(String),
}

impl Topic {
    /// Reads what a subscription says. Custom objects are told to private apps only.
    pub(crate) fn new(
        event_type: &str,
        object_type_id: Option<&str>,
        property: Option<&str>,
        custom_objects: bool,
    ) -> Result<Self, TopicError> {
        let deed = parse(event_type).ok_or_else(|| TopicError::EventType(event_type.to_owned()))?;
        let generic = event_type.starts_with("object.");
        let property = property.filter(|name| !name.is_empty());
        match property {
            None if event_type.ends_with(".propertyChange") => {
                return Err(TopicError::NoProperty(event_type.to_owned()));
            }
            Some(_) if !event_type.ends_with(".propertyChange") => return Err(TopicError::Property),
            Some(name) if UNHEARD.contains(&name) => return Err(TopicError::Unheard(name.to_owned())),
            Some(_) | None => {}
        }
        match object_type_id {
            None if generic => return Err(TopicError::NoObjectType(event_type.to_owned())),
            Some(id) if !generic || !is_type_id(id) || (id.starts_with("2-") && !custom_objects) => {
                return Err(TopicError::ObjectType(id.to_owned()));
            }
            Some(_) | None => {}
        }
        Ok(Self {
            event_type: event_type.to_owned(),
            deed,
            object_type_id: object_type_id.map(str::to_owned),
            property: property.map(str::to_owned),
        })
    }

    /// The name under which the index finds the object type: `0-1` for generic events, else `contact`.
    pub(super) fn object(&self) -> &str {
        match &self.object_type_id {
            Some(id) => id,
            None => self.event_type.split('.').next().unwrap_or_default(),
        }
    }

    /// Whether the event is one of `object.*`, which say more.
    pub(super) fn is_generic(&self) -> bool {
        self.object_type_id.is_some()
    }
}

/// The two names under which subscriptions may know an object type.
pub(super) fn names(object: TypeName<'_>) -> [&str; 2] {
    [object.singular, object.type_id]
}

fn parse(event_type: &str) -> Option<Deed> {
    let (subject, verb) = event_type.split_once('.')?;
    let deed = match verb {
        "creation" => Deed::Creation,
        "deletion" => Deed::Deletion,
        "merge" => Deed::Merge,
        "restore" => Deed::Restore,
        "propertyChange" => Deed::PropertyChange,
        "associationChange" => Deed::AssociationChange,
        "privacyDeletion" => Deed::PrivacyDeletion,
        "newMessage" | "completed" => Deed::Elsewhere,
        _ => return None,
    };
    match (subject, deed) {
        ("contact", Deed::PrivacyDeletion) => Some(deed),
        ("conversation", Deed::Creation | Deed::Deletion | Deed::PrivacyDeletion | Deed::PropertyChange) => {
            Some(Deed::Elsewhere)
        }
        ("conversation", Deed::Elsewhere) if verb == "newMessage" => Some(deed),
        ("event", Deed::Elsewhere) if verb == "completed" => Some(deed),
        ("product", Deed::AssociationChange) | (_, Deed::PrivacyDeletion | Deed::Elsewhere) => None,
        ("contact" | "company" | "deal" | "ticket" | "line_item" | "product" | "object", _) => Some(deed),
        _ => None,
    }
}

fn is_type_id(text: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('-').is_some_and(|(family, number)| matches!(family, "0" | "2") && is_number(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_forty_eight_types_of_events() {
        let subjects =
            ["contact", "company", "deal", "ticket", "line_item", "product", "object", "conversation", "event"];
        let verbs = [
            "creation",
            "deletion",
            "merge",
            "restore",
            "propertyChange",
            "associationChange",
            "privacyDeletion",
            "newMessage",
            "completed",
        ];
        let all = subjects.iter().flat_map(|subject| verbs.iter().map(move |verb| format!("{subject}.{verb}")));
        let known: Vec<String> = all.filter(|name| parse(name).is_some()).collect();
        assert_eq!(known.len(), 48, "{known:?}");
        assert!(!known.contains(&"product.associationChange".to_owned()));
        assert!(parse("contact").is_none() && parse("quote.creation").is_none());
    }

    #[test]
    fn a_subscription_names_what_its_type_needs_and_nothing_else() {
        let wrong = |event_type: &str, object: Option<&str>, property: Option<&str>, part: &str| {
            let error = Topic::new(event_type, object, property, false).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        };
        wrong("contact.propertyChange", None, None, "propertyName must be set");
        wrong("contact.propertyChange", None, Some(""), "propertyName must be set");
        wrong("contact.creation", None, Some("email"), "may only be set");
        wrong("contact.propertyChange", None, Some("hs_lastmodifieddate"), "cannot be subscribed to");
        wrong("deal.propertyChange", None, Some("num_unique_conversion_events"), "cannot be subscribed to");
        wrong("object.creation", None, None, "objectTypeId must be set");
        wrong("object.creation", Some("contacts"), None, "objectTypeId contacts");
        wrong("object.creation", Some("2-7"), None, "objectTypeId 2-7");
        wrong("contact.creation", Some("0-1"), None, "objectTypeId 0-1");
        wrong("contact.explosion", None, None, "Unknown subscription type");
        assert!(Topic::new("object.creation", Some("2-7"), None, true).is_ok());
        assert_eq!(Topic::new("contact.creation", None, None, false).unwrap().object(), "contact");
    }
}
