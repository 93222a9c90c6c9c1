//! Which webhook subscriptions an app needs, and what is to be done about those that it has.
//!
//! A subscription is known by what it tells: the kind of change, the type of the record, the property. HubSpot has two
//! names for most of them (`contact.creation`, and `object.creation` of type `0-1`): either is enough. Made is the
//! older name where there is one, since every kind of app has it. Nothing is ever deleted here.

use std::collections::{BTreeMap, BTreeSet};

use linchpin_hubspot::id::ObjectType;
use linchpin_hubspot::webhooks::{NewSubscription, Settings, Subscription};
use serde_json::{Value, json};

/// Properties that no app can subscribe to.
pub const UNHEARD: [&str; 2] = ["hs_lastmodifieddate", "num_unique_conversion_events"];

/// POSTs at once, where an app says nothing else: HubSpot's default.
pub const CONCURRENT: u32 = 10;

/// What may happen to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// It was made.
    Creation,
    /// It went to the recycling bin.
    Deletion,
    /// It became one with another.
    Merge,
    /// It came back from the recycling bin.
    Restore,
    /// It was deleted for good, at the wish of the person; contacts only.
    PrivacyDeletion,
    /// An association came or went.
    AssociationChange,
    /// A property has a new value.
    PropertyChange,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Creation,
        Self::Deletion,
        Self::Merge,
        Self::Restore,
        Self::PrivacyDeletion,
        Self::AssociationChange,
        Self::PropertyChange,
    ];

    /// HubSpot's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Creation => "creation",
            Self::Deletion => "deletion",
            Self::Merge => "merge",
            Self::Restore => "restore",
            Self::PrivacyDeletion => "privacyDeletion",
            Self::AssociationChange => "associationChange",
            Self::PropertyChange => "propertyChange",
        }
    }
}

/// What one subscription tells.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Topic {
    /// The type of the record.
    pub object: ObjectType,
    /// What happens to it.
    pub kind: Kind,
    /// The property of a change.
    pub property: Option<String>,
}

/// A topic that HubSpot does not offer, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotOffered {
    /// The topic.
    pub topic: Topic,
    /// Why.
    pub why: &'static str,
}

impl Topic {
    /// What an existing subscription tells; none if it is of something else.
    pub fn of(subscription: &Subscription) -> Option<Self> {
        let (subject, verb) = subscription.event_type.split_once('.')?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == verb)?;
        let object = match subject {
            "object" => subscription.object_type_id.as_deref()?,
            older => Some(older).filter(|older| OLDER.contains(older))?,
        };
        let property = subscription.property_name.clone().filter(|name| !name.is_empty());
        Some(Self { object: ObjectType::canonical(object), kind, property })
    }

    /// The subscription to be made for it: active from the beginning.
    pub fn subscription(&self) -> NewSubscription {
        let older = self.older();
        NewSubscription {
            event_type: format!("{}.{}", older.unwrap_or("object"), self.kind.name()),
            property_name: self.property.clone(),
            object_type_id: if older.is_none() { Some(type_id(&self.object)) } else { None },
            active: true,
        }
    }

    /// The subject of its older name, where it has one.
    fn older(&self) -> Option<&'static str> {
        let singular = self.object.standard()?.singular;
        OLDER
            .into_iter()
            .find(|older| *older == singular && !(*older == "product" && self.kind == Kind::AssociationChange))
    }

    /// Why no app of this kind can have it.
    fn refusal(&self, custom: bool) -> Option<&'static str> {
        if self.property.as_deref().is_some_and(|name| UNHEARD.contains(&name)) {
            return Some("HubSpot offers no subscription to this property");
        }
        if self.kind == Kind::PrivacyDeletion && self.object.as_str() != "contacts" {
            return Some("HubSpot tells privacy deletions of contacts alone");
        }
        if self.object.is_custom() && !custom {
            return Some("HubSpot tells changes of custom objects to private apps alone: write an app file instead");
        }
        if self.object.standard().is_none() && !self.object.is_custom() {
            return Some("HubSpot has no such type of records");
        }
        None
    }
}

/// Subjects of the older names.
const OLDER: [&str; 6] = ["contact", "company", "deal", "ticket", "product", "line_item"];

fn type_id(object: &ObjectType) -> String {
    object.standard().map_or(object.as_str(), |standard| standard.type_id).to_owned()
}

/// Tells what can be had from what cannot. `custom` says whether the app may hear of custom objects.
pub fn offered(wanted: BTreeSet<Topic>, custom: bool) -> (BTreeSet<Topic>, Vec<NotOffered>) {
    let (mut offered, mut not) = (BTreeSet::new(), Vec::new());
    for topic in wanted {
        match topic.refusal(custom) {
            Some(why) => not.push(NotOffered { topic, why }),
            None => drop(offered.insert(topic)),
        }
    }
    (offered, not)
}

/// What is to be done about an app's webhooks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The settings to be written, if those there are do not fit.
    pub settings: Option<Settings>,
    /// The address that events go to now, if it is another one.
    pub other_target: Option<String>,
    /// Subscriptions to be made.
    pub create: Vec<Topic>,
    /// Subscriptions to be switched on.
    pub activate: Vec<Subscription>,
    /// Subscriptions that nobody here needs: only shown.
    pub superfluous: Vec<Subscription>,
    /// Subscriptions that are as they should be.
    pub fine: usize,
}

impl Plan {
    /// Whether nothing is missing.
    pub fn is_done(&self) -> bool {
        self.settings.is_none() && self.create.is_empty() && self.activate.is_empty()
    }
}

/// Compares what is wanted with what is there.
pub fn plan(wanted: &BTreeSet<Topic>, target: &str, settings: Option<&Settings>, there: &[Subscription]) -> Plan {
    let mut plan = Plan::default();
    if settings.is_none_or(|settings| settings.target_url != target) {
        let mut right = settings.cloned().unwrap_or_else(|| Settings {
            target_url: String::new(),
            throttling: linchpin_hubspot::webhooks::Throttling { max_concurrent_requests: CONCURRENT },
        });
        target.clone_into(&mut right.target_url);
        plan.settings = Some(right);
        plan.other_target = settings.map(|settings| settings.target_url.clone());
    }
    let mut known: BTreeMap<Topic, Vec<&Subscription>> = BTreeMap::new();
    for subscription in there {
        match Topic::of(subscription).filter(|topic| wanted.contains(topic)) {
            Some(topic) => known.entry(topic).or_default().push(subscription),
            None => plan.superfluous.push(subscription.clone()),
        }
    }
    for topic in wanted {
        match known.get(topic).map(Vec::as_slice) {
            None | Some([]) => plan.create.push(topic.clone()),
            Some(those) if those.iter().any(|subscription| subscription.active) => plan.fine += 1,
            Some([first, ..]) => plan.activate.push((*first).clone()),
        }
    }
    plan
}

/// The file that declares the webhooks of a developer-platform app (`webhooks-hsmeta.json`).
pub fn app_file(uid: &str, target: &str, wanted: &BTreeSet<Topic>) -> Value {
    let (mut objects, mut hub) = (Vec::new(), Vec::new());
    for Topic { object, kind, property } in wanted {
        if *kind == Kind::PrivacyDeletion {
            hub.push(json!({"subscriptionType": "contact.privacyDeletion", "active": true}));
            continue;
        }
        // HubSpot's examples name these six; of the others nobody says what they are called there.
        let named = object.standard().map(|standard| standard.singular).filter(|singular| OLDER.contains(singular));
        let name = named.map_or_else(|| type_id(object), str::to_owned);
        let told = format!("object.{}", kind.name());
        let one = match property {
            Some(property) => {
                json!({"subscriptionType": told, "objectType": name, "propertyName": property, "active": true})
            }
            None => json!({"subscriptionType": told, "objectType": name, "active": true}),
        };
        objects.push(one);
    }
    json!({
        "uid": uid,
        "type": "webhooks",
        "config": {
            "settings": {"targetUrl": target, "maxConcurrentRequests": CONCURRENT},
            "subscriptions": {"crmObjects": objects, "legacyCrmObjects": [], "hubEvents": hub},
        },
    })
}

#[cfg(test)]
mod tests {
    use linchpin_hubspot::webhooks::Throttling;

    use super::*;

    const TARGET: &str = "https://hooks.test/webhooks/hubspot/7008";

    fn topic(object: &str, kind: Kind, property: Option<&str>) -> Topic {
        Topic { object: ObjectType::canonical(object), kind, property: property.map(str::to_owned) }
    }

    fn there(id: &str, event_type: &str, object: Option<&str>, property: Option<&str>, active: bool) -> Subscription {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let (property_name, object_type_id) = (text(property), text(object));
        Subscription { id: id.to_owned(), event_type: event_type.to_owned(), property_name, object_type_id, active }
    }

    fn settings(target: &str) -> Settings {
        Settings { target_url: target.to_owned(), throttling: Throttling { max_concurrent_requests: 17 } }
    }

    #[test]
    fn a_topic_is_made_under_the_older_name_where_there_is_one() {
        for (wanted, event_type, object) in [
            (topic("contacts", Kind::Creation, None), "contact.creation", None),
            (topic("line_items", Kind::Restore, None), "line_item.restore", None),
            (topic("products", Kind::AssociationChange, None), "object.associationChange", Some("0-7")),
            (topic("leads", Kind::Merge, None), "object.merge", Some("0-136")),
            (topic("2-77", Kind::Deletion, None), "object.deletion", Some("2-77")),
        ] {
            let made = wanted.subscription();
            assert_eq!((made.event_type.as_str(), made.object_type_id.as_deref()), (event_type, object));
            assert!(made.active);
            let again = there("1", event_type, object, None, true);
            assert_eq!(Topic::of(&again), Some(wanted));
        }
        let change = topic("0-1", Kind::PropertyChange, Some("city"));
        assert_eq!(change.subscription().property_name.as_deref(), Some("city"));
        for other in ["conversation.creation", "event.completed", "contact", "contact.newMessage"] {
            assert_eq!(Topic::of(&there("1", other, None, None, true)), None, "{other}");
        }
    }

    #[test]
    fn what_is_not_offered_says_why() {
        let wanted = [
            topic("contacts", Kind::PrivacyDeletion, None),
            topic("deals", Kind::PrivacyDeletion, None),
            topic("contacts", Kind::PropertyChange, Some("hs_lastmodifieddate")),
            topic("2-77", Kind::Creation, None),
            topic("dragons", Kind::Creation, None),
        ];
        let objects = |not: &[NotOffered]| not.iter().map(|not| not.topic.object.to_string()).collect::<Vec<_>>();
        let (had, not) = offered(wanted.clone().into(), false);
        assert_eq!(had, [wanted[0].clone()].into());
        assert_eq!(objects(&not), ["2-77", "contacts", "deals", "dragons"]);
        let (had, not) = offered(wanted.into(), true);
        assert_eq!((had.len(), not.len()), (2, 3), "a private app hears of custom objects");
    }

    #[test]
    fn a_plan_makes_and_switches_on_what_is_missing_and_deletes_nothing() {
        let wanted = [
            topic("contacts", Kind::Creation, None),
            topic("contacts", Kind::Deletion, None),
            topic("contacts", Kind::PropertyChange, Some("city")),
            topic("deals", Kind::Creation, None),
        ];
        let subscriptions = [
            there("1", "contact.creation", None, None, false),
            there("2", "object.creation", Some("0-1"), None, true),
            there("3", "contact.deletion", None, None, false),
            there("4", "contact.propertyChange", None, Some("zip"), true),
            there("5", "conversation.creation", None, None, true),
        ];
        let plan = plan(&wanted.clone().into(), TARGET, Some(&settings(TARGET)), &subscriptions);
        assert_eq!(plan.create, wanted[2..]);
        assert_eq!(plan.activate, subscriptions[2..3]);
        assert_eq!(plan.superfluous, subscriptions[3..]);
        assert_eq!((plan.fine, plan.settings.as_ref(), plan.is_done()), (1, None, false));
    }

    #[test]
    fn the_target_is_set_and_the_rest_of_the_settings_stays() {
        let wanted = BTreeSet::new();
        let first = plan(&wanted, TARGET, None, &[]);
        assert_eq!(
            first.settings.as_ref().map(|settings| settings.throttling.max_concurrent_requests),
            Some(CONCURRENT)
        );
        assert_eq!((first.other_target.as_ref(), first.is_done()), (None, false));
        let moved = plan(&wanted, TARGET, Some(&settings("https://elsewhere.test")), &[]);
        assert_eq!(moved.settings, Some(settings(TARGET)));
        assert_eq!(moved.other_target.as_deref(), Some("https://elsewhere.test"));
        assert!(plan(&wanted, TARGET, Some(&settings(TARGET)), &[]).is_done());
    }

    #[test]
    fn an_app_file_has_the_shape_of_the_developer_platform() {
        let wanted = [
            topic("contacts", Kind::PropertyChange, Some("city")),
            topic("contacts", Kind::PrivacyDeletion, None),
            topic("2-77", Kind::Creation, None),
            topic("leads", Kind::Merge, None),
        ];
        let expected = json!({
            "uid": "linchpin-webhooks", "type": "webhooks",
            "config": {
                "settings": {"targetUrl": TARGET, "maxConcurrentRequests": 10},
                "subscriptions": {
                    "crmObjects": [
                        {"subscriptionType": "object.creation", "objectType": "2-77", "active": true},
                        {"subscriptionType": "object.propertyChange", "objectType": "contact", "propertyName": "city",
                         "active": true},
                        {"subscriptionType": "object.merge", "objectType": "0-136", "active": true},
                    ],
                    "legacyCrmObjects": [],
                    "hubEvents": [{"subscriptionType": "contact.privacyDeletion", "active": true}],
                },
            },
        });
        assert_eq!(app_file("linchpin-webhooks", TARGET, &wanted.into()), expected);
    }
}
