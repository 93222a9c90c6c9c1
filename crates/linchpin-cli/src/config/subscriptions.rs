//! What an app is to be told: from the configuration, from the mapping, and from what is mirrored.

use std::collections::BTreeSet;

use linchpin_core::ingress::subscriptions::{Kind, Topic};
use linchpin_hubspot::id::ObjectType;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

use super::Config;
use super::mirror::ObjectName;
use super::webhooks::{AppNumber, WebhookApp};
use crate::failure::{Code, Failure};

/// What an app is to be told about one type of records.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookSubscription {
    /// The type: `contacts`, `deals`, or the id of a custom one (`2-123`).
    pub(crate) object: String,
    /// What happens to a record. Without a word: creation, deletion, merge and restore, privacy deletion of contacts,
    /// and changes of the properties below.
    #[serde(default)]
    pub(crate) kinds: Vec<SubscriptionKind>,
    /// The properties whose changes are told.
    #[serde(default)]
    pub(crate) properties: Vec<String>,
}

/// What may happen to a record, in HubSpot's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum SubscriptionKind {
    /// It is made.
    Creation,
    /// It goes to the recycling bin.
    Deletion,
    /// It becomes one with another.
    Merge,
    /// It comes back from the recycling bin.
    Restore,
    /// It is deleted for good, at the wish of the person.
    PrivacyDeletion,
    /// An association comes or goes.
    AssociationChange,
    /// A property that is named below changes.
    PropertyChange,
}

impl SubscriptionKind {
    fn kind(self) -> Kind {
        match self {
            Self::Creation => Kind::Creation,
            Self::Deletion => Kind::Deletion,
            Self::Merge => Kind::Merge,
            Self::Restore => Kind::Restore,
            Self::PrivacyDeletion => Kind::PrivacyDeletion,
            Self::AssociationChange => Kind::AssociationChange,
            Self::PropertyChange => Kind::PropertyChange,
        }
    }
}

/// The fates of a record that whoever follows it has to know.
const FATES: [Kind; 4] = [Kind::Creation, Kind::Deletion, Kind::Merge, Kind::Restore];

impl WebhookSubscription {
    fn topics(&self, place: &str) -> Result<Vec<Topic>, Failure> {
        let object = ObjectType::canonical(self.object.trim());
        let topic = |kind, property| Topic { object: object.clone(), kind, property };
        let kinds: Vec<Kind> = self.kinds.iter().copied().map(SubscriptionKind::kind).collect();
        let told = kinds.contains(&Kind::PropertyChange);
        if told == self.properties.is_empty() && (told || !kinds.is_empty()) {
            let (what, to_do) = if told {
                ("asks for changes of properties and names none", "name them below `properties`")
            } else {
                ("names properties and does not ask for their changes", "add `propertyChange` to `kinds`")
            };
            return Err(Failure::new(Code::Setting, format!("`{place}` {what}"), to_do));
        }
        let mut topics = if kinds.is_empty() { fates(&object) } else { Vec::new() };
        topics.extend(kinds.into_iter().filter(|kind| *kind != Kind::PropertyChange).map(|kind| topic(kind, None)));
        topics.extend(self.properties.iter().map(|name| topic(Kind::PropertyChange, Some(name.trim().to_owned()))));
        Ok(topics)
    }
}

fn fates(object: &ObjectType) -> Vec<Topic> {
    let privacy = (object.as_str() == "contacts").then_some(Kind::PrivacyDeletion);
    let topic = |kind| Topic { object: object.clone(), kind, property: None };
    FATES.into_iter().chain(privacy).map(topic).collect()
}

/// All that whoever follows records has to be told of them.
fn followed(object: &ObjectType, properties: impl Iterator<Item = String>) -> Vec<Topic> {
    let change = |name| Topic { object: object.clone(), kind: Kind::PropertyChange, property: Some(name) };
    properties.map(change).chain(fates(object)).collect()
}

/// An app whose webhooks are managed.
pub(crate) struct ManagedApp {
    /// Its number.
    pub(crate) number: u64,
    /// Where its events are to go.
    pub(crate) target: String,
    /// What it is to be told.
    pub(crate) wanted: BTreeSet<Topic>,
    /// The key of the developer account, if there is one.
    pub(crate) developer_key: Option<SecretString>,
}

impl Config {
    /// The app that is meant: the only one, or the one that is named.
    pub(crate) fn managed_app(&self, named: Option<u64>) -> Result<ManagedApp, Failure> {
        let apps = &self.webhooks().apps;
        let (AppNumber(number), app) = match named {
            Some(number) => apps.iter().find(|(AppNumber(known), _)| *known == number),
            None => apps.iter().next().filter(|_| apps.len() == 1),
        }
        .ok_or_else(|| {
            let known: Vec<String> = apps.keys().map(|AppNumber(number)| number.to_string()).collect();
            let (what, to_do) = match (known.as_slice(), named) {
                ([], _) => {
                    ("no app is configured below `webhooks.apps`".to_owned(), "add the app with its secret".to_owned())
                }
                (_, Some(number)) => (
                    format!("no app {number} is configured below `webhooks.apps`"),
                    format!("name one of {}", known.join(", ")),
                ),
                (_, None) => {
                    ("several apps are configured".to_owned(), format!("name one with --app: {}", known.join(", ")))
                }
            };
            Failure::new(Code::Setting, what, to_do)
        })?;
        let Some(public) = &self.webhooks().public_url else {
            return Err(Failure::new(
                Code::Setting,
                "`webhooks.public_url` is not set, so nobody knows where events are to go",
                "set it to the address under which HubSpot reaches this server, as https://hooks.example.com",
            ));
        };
        let developer_key = app.developer_key.as_ref().map(|key| {
            key.resolve(&format!("webhooks.apps.{number}.developer_key"), self.base(), &self.environment, false)
        });
        Ok(ManagedApp {
            number: *number,
            target: format!("{}/webhooks/hubspot/{number}", public.0),
            wanted: self.wanted(*number, app)?,
            developer_key: developer_key.transpose()?,
        })
    }

    /// What the configuration says, and what the mapping and the mirror need.
    fn wanted(&self, number: u64, app: &WebhookApp) -> Result<BTreeSet<Topic>, Failure> {
        let mut wanted = BTreeSet::new();
        for (at, subscription) in app.subscriptions.iter().enumerate() {
            wanted.extend(subscription.topics(&format!("webhooks.apps.{number}.subscriptions[{at}]"))?);
        }
        for (_, entry) in self.sync.entries.iter() {
            let object = ObjectType::canonical(&entry.object.value);
            let identity = entry.identity.value.unique.iter().chain(&entry.identity.value.content);
            let names = identity.map(|name| name.value.clone());
            let fields = entry.fields.iter().map(|(name, _)| name.value.clone());
            wanted.extend(followed(&object, names.chain(fields)));
        }
        for (ObjectName(object), mirrored) in &self.mirror().objects {
            wanted.extend(followed(object, mirrored.properties.0.iter().cloned()));
        }
        Ok(wanted)
    }
}
