//! The callers of the gateway, as they are written: their keys, and what each may do.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;

use linchpin_core::gateway::access::{Access, Fields, Scope, Verb};
use linchpin_core::schedule::caller::Share;
use linchpin_hubspot::call::Family;
use linchpin_hubspot::id::{ObjectType, PortalId};
use schemars::JsonSchema;
use serde::Deserialize;

use super::file::Lane;
use super::secret::SecretRef;

/// The name under which the calls of the configured token are counted.
pub(crate) const TOKEN_CALLER: &str = "hubspot-token";

/// A program that may call the gateway.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GatewayCaller {
    /// The key that it sends as `Authorization: Bearer ...`, by reference.
    pub(crate) key: SecretRef,
    /// How urgent its calls are where they do not say so themselves.
    #[serde(default)]
    pub(crate) lane: Lane,
    /// Its weight beside the other callers of a lane, from 1 to 100: while both have calls that wait, one with 3 gets
    /// three turns where one with 1 gets one. Default: 1.
    #[serde(default)]
    pub(crate) share: CallerShare,
    /// The accounts that it may use, by number. Default: all.
    #[serde(default)]
    pub(crate) portals: Option<Several<u64>>,
    /// The parts of HubSpot's API that it may use. Default: all; but a caller whose objects or properties are limited
    /// may use only what names an object type, unless a part is named here.
    #[serde(default)]
    pub(crate) scopes: Option<Several<ScopeName>>,
    /// The object types that it may use, beside those of `properties`. Default: all, or those of `properties`.
    #[serde(default)]
    pub(crate) objects: Option<Several<ObjectName>>,
    /// The properties that it may use, by object type. Reads must then name their properties.
    #[serde(default)]
    pub(crate) properties: BTreeMap<ObjectName, PropertyLists>,
    /// What it may do. Default: everything.
    #[serde(default)]
    pub(crate) verbs: Option<Several<VerbName>>,
    /// How many calls it may make in a day of the account. Default: as many as the account has.
    #[serde(default)]
    pub(crate) daily_quota: Option<NonZeroU64>,
}

impl GatewayCaller {
    /// What it may do.
    pub(crate) fn access(&self) -> Access {
        let lists = self.properties.iter().map(|(object, lists)| (object.0.clone(), lists.fields()));
        Access {
            portals: self.portals.as_ref().map(|portals| portals.0.iter().copied().map(PortalId).collect()),
            scopes: self.scopes.as_ref().map(|scopes| scopes.0.iter().map(|name| name.0.clone()).collect()),
            objects: self.objects.as_ref().map(|objects| objects.0.iter().map(|name| name.0.clone()).collect()),
            properties: lists.collect(),
            verbs: self.verbs.as_ref().map(|verbs| verbs.0.iter().flat_map(|name| name.verbs()).copied().collect()),
        }
    }
}

/// A caller's weight beside the others of its lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "f64")]
#[schemars(with = "i64", inline, extend("minimum" = 1, "maximum" = 100))]
pub(crate) struct CallerShare(Share);

impl CallerShare {
    /// The weight.
    pub(crate) fn get(self) -> Share {
        self.0
    }
}

// Through a number with a fraction: one that has any is told so in the same words.
impl TryFrom<f64> for CallerShare {
    type Error = String;

    fn try_from(number: f64) -> Result<Self, String> {
        let whole = (0..=u8::MAX).find(|whole| (f64::from(*whole) - number).abs() < f64::EPSILON);
        let share = whole.and_then(|whole| Share::try_from(i64::from(whole)).ok());
        share.map(Self).ok_or_else(|| {
            let (min, max) = (Share::MIN, Share::MAX);
            format!("`share` of a caller: {number} is no whole number from {min} to {max}; leave it out for {min}")
        })
    }
}

/// What becomes of HubSpot tokens that nobody configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum UnknownTokens {
    /// Their calls go to HubSpot with them, never in a batch, each token under a budget of its own.
    #[default]
    Pass,
    /// Their calls are refused.
    Refuse,
}

/// A list that is not empty: an empty one would read as "none" to one person and as "all" to another.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<T>")]
#[schemars(with = "Vec<T>", inline, extend("minItems" = 1))]
pub(crate) struct Several<T>(Vec<T>);

impl<T> TryFrom<Vec<T>> for Several<T> {
    type Error = &'static str;

    fn try_from(items: Vec<T>) -> Result<Self, Self::Error> {
        if items.is_empty() {
            Err("this list is empty: name something, or leave the setting out")
        } else {
            Ok(Self(items))
        }
    }
}

/// The properties of one object type that a caller may use. A list that is left out stands for all.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PropertyLists {
    /// Those that it may read, search and sort by. Ids and the times of creation and change always come along.
    #[serde(default)]
    pub(crate) read: Option<Vec<PropertyName>>,
    /// Those that it may write.
    #[serde(default)]
    pub(crate) write: Option<Vec<PropertyName>>,
}

impl PropertyLists {
    fn fields(&self) -> Fields {
        let names = |list: &Option<Vec<PropertyName>>| -> Option<BTreeSet<String>> {
            list.as_ref().map(|names| names.iter().map(|name| name.0.clone()).collect())
        };
        Fields { read: names(&self.read), write: names(&self.write) }
    }
}

/// An object type: `contacts`, `deals`, or the type id of a custom object such as `2-123`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub(crate) struct ObjectName(ObjectType);

impl TryFrom<String> for ObjectName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        if is_name(&name, b"_-") {
            Ok(Self(ObjectType::canonical(&name)))
        } else {
            Err(format!("{name:?} is no object type: expected something like contacts, deals or 2-123"))
        }
    }
}

/// The internal name of a property.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub(crate) struct PropertyName(String);

impl TryFrom<String> for PropertyName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        if is_name(&name, b"_") && !name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Ok(Self(name))
        } else {
            Err(format!("{name:?} is no internal name of a property: expected something like firstname"))
        }
    }
}

fn is_name(text: &str, signs: &[u8]) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || signs.contains(&byte))
}

/// A part of HubSpot's API: `objects`, `associations`, `schema`, `pipelines`, `owners`, `lists`, `account`, `tokens`,
/// `webhooks`, or the beginning of its paths, such as `/marketing/forms`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub(crate) struct ScopeName(Scope);

/// The families of paths that have names.
const FAMILIES: [(&str, Family); 9] = [
    ("objects", Family::Objects),
    ("associations", Family::Associations),
    ("schema", Family::Schema),
    ("pipelines", Family::Pipelines),
    ("owners", Family::Owners),
    ("lists", Family::Lists),
    ("account", Family::Account),
    ("tokens", Family::Token),
    ("webhooks", Family::Webhooks),
];

impl TryFrom<String> for ScopeName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        if name.starts_with('/') {
            return Scope::path(&name).map(Self).map_err(|error| error.to_string());
        }
        let found = FAMILIES.iter().find(|(known, _)| *known == name);
        found.map(|(_, family)| Self(Scope::Family(*family))).ok_or_else(|| {
            let known = FAMILIES.map(|(known, _)| known).join(", ");
            format!("{name:?} is no part of HubSpot's API: {known}, or a path such as /marketing/forms")
        })
    }
}

/// Something that a caller may do.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum VerbName {
    /// Read, list and search.
    Read,
    /// Make and change records and associations: `create`, `update` and `associate`.
    Write,
    /// Make records.
    Create,
    /// Change records.
    Update,
    /// Make and remove associations.
    Associate,
    /// Move records into the recycle bin.
    Archive,
    /// Make one record of two, for ever.
    Merge,
    /// Delete records for ever.
    Erase,
    /// Change properties, schemas, pipelines and association labels.
    Define,
}

impl VerbName {
    fn verbs(self) -> &'static [Verb] {
        match self {
            Self::Read => &[Verb::Read],
            Self::Write => &[Verb::Create, Verb::Update, Verb::Associate],
            Self::Create => &[Verb::Create],
            Self::Update => &[Verb::Update],
            Self::Associate => &[Verb::Associate],
            Self::Archive => &[Verb::Archive],
            Self::Merge => &[Verb::Merge],
            Self::Erase => &[Verb::Erase],
            Self::Define => &[Verb::Define],
        }
    }
}
