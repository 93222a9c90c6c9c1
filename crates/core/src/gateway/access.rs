//! May this caller make this call? Decided from method, path, query and body, before anything is sent.
//!
//! A caller without limits may make any call. For one with limits, whatever cannot be checked is refused, and the refusal
//! says what to do: a path that is not in the plain form, a path that no row of [`routes`] knows, a parameter or a part
//! of a body that Linchpin does not know, a read that leaves the choice of properties to HubSpot.
//!
//! Not here: how many calls a caller has ([`account`](super::account)), and what HubSpot's own token may do.

mod fields;
mod json;
#[cfg(test)]
mod tests;
mod verbs;

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use linchpin_hubspot::call::Family;
use linchpin_hubspot::id::{ObjectType, PortalId};
use linchpin_hubspot::routes::{self, Route, VERSION_SEGMENTS_MAX};
use linchpin_hubspot::version::{ApiVersion, decoded};

pub use self::verbs::Verb;

/// Most letters of a caller's own text that a refusal repeats.
const SHOWN_MAX: usize = 80;

/// What a caller may do. The default is everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// The accounts; all if none are named.
    pub portals: Option<BTreeSet<PortalId>>,
    /// The parts of the API; all if none are named.
    pub scopes: Option<Vec<Scope>>,
    /// The object types, canonical; all if none are named here or in `properties`.
    pub objects: Option<BTreeSet<ObjectType>>,
    /// The properties, by object type. A type that stands here may be touched as if `objects` named it.
    pub properties: BTreeMap<ObjectType, Fields>,
    /// What may be done; anything if nothing is named.
    pub verbs: Option<BTreeSet<Verb>>,
}

/// The properties of one object type that a caller may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// Those it may read, search and sort by; all if none are named.
    pub read: Option<BTreeSet<String>>,
    /// Those it may write; all if none are named.
    pub write: Option<BTreeSet<String>>,
}

/// A part of HubSpot's API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A family of paths, wherever versions put them. Search belongs to objects.
    Family(Family),
    /// All paths that begin with these segments; versions do not count (`/marketing/v3/forms` is `marketing`, `forms`).
    Path(Vec<String>),
}

/// The text is no path of HubSpot's API.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no beginning of a path: expected something like /marketing/forms, in plain letters")]
pub struct NotAPath(pub String);

impl Scope {
    /// The scope of all paths that begin as this one.
    ///
    /// # Errors
    /// It does not begin with a slash, names nothing but a version, or holds signs that a plain path has not.
    pub fn path(text: &str) -> Result<Self, NotAPath> {
        let wrong = || NotAPath(text.to_owned());
        let mut segments = text.strip_prefix('/').and_then(plain_segments).ok_or_else(wrong)?;
        take_version(&mut segments);
        if segments.is_empty() { Err(wrong()) } else { Ok(Self::Path(segments)) }
    }

    fn covers(&self, seen: &Seen) -> bool {
        match self {
            Self::Family(family) => family_of(seen.route.family) == family_of(*family),
            Self::Path(beginning) => seen.segments.starts_with(beginning),
        }
    }
}

/// Search is a way to read objects.
fn family_of(family: Family) -> Family {
    if family == Family::Search { Family::Objects } else { family }
}

/// A call that somebody wants to make.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// In which account.
    pub portal: PortalId,
    /// The method.
    pub method: &'a Method,
    /// Path and query as they came.
    pub target: &'a str,
    /// The body as it came.
    pub body: &'a [u8],
}

/// Why a caller may not make a call, and what would help. Never holds a value of a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The account is not one of the caller's.
    #[error("this caller may not use portal {}", .0.0)]
    Portal(PortalId),
    /// The path could be read in two ways.
    #[error("the path is not in plain form: send it without `.` and `..`, empty parts, and escaped slashes or signs")]
    Path,
    /// The part of the API is not one of the caller's.
    #[error("this caller may not use this part of HubSpot's API: its `scopes` do not name it")]
    Scope,
    /// What is not known to be about one object type.
    #[error(
        "this caller's objects are limited, and Linchpin cannot tell which this call is about: use the paths below \
         /crm/objects, or let the caller's `scopes` name this part of the API"
    )]
    Unchecked,
    /// The object type is not one of the caller's.
    #[error("this caller may not use the object type `{0}`")]
    Object(String),
    /// The caller may not do this.
    #[error("this caller may not {0}: its `verbs` do not name it")]
    Verb(&'static str),
    /// Nobody knows what the call does.
    #[error("Linchpin does not know what this call changes, and this caller's `verbs` do not name all")]
    UnknownChange,
    /// A property that the caller may not read.
    #[error("this caller may not read the property `{0}`: leave it out")]
    Unreadable(String),
    /// A property that the caller may not write.
    #[error("this caller may not write the property `{0}`: leave it out")]
    Unwritable(String),
    /// HubSpot would choose the properties.
    #[error("this caller's properties are limited: name those that the call shall read in `properties`")]
    Unnamed,
    /// A search for a text in properties that HubSpot chooses.
    #[error("this caller's properties are limited: search with filters on named properties instead of `query`")]
    FreeText,
    /// A parameter that is not known.
    #[error("this caller is limited, and Linchpin does not know the parameter `{0}` of this call: leave it out")]
    Parameter(String),
    /// A part of the body that is not known.
    #[error("this caller is limited, and Linchpin does not know the member `{0}` of this body: leave it out")]
    Member(String),
    /// A body that cannot be checked.
    #[error("this caller is limited, and this body cannot be checked: {0}")]
    Body(&'static str),
    /// An association whose other end is not known.
    #[error(
        "this caller's objects are limited, and the types of an association do not tell its other end: make the record \
         first, and associate it with a call that names both types in its path"
    )]
    Association,
    /// A merge moves all values.
    #[error("this caller's properties are limited, and a merge moves all of them")]
    Merge,
    /// Definitions are everybody's.
    #[error("this caller's properties are limited, and it may not change definitions of this object type")]
    Definition,
}

impl Access {
    /// Whether there is nothing that this caller may not do.
    pub fn is_unlimited(&self) -> bool {
        let Self { portals, scopes, verbs, .. } = self;
        portals.is_none() && scopes.is_none() && verbs.is_none() && !self.is_confined()
    }

    /// Whether it is limited to some object types.
    fn is_confined(&self) -> bool {
        self.objects.is_some() || !self.properties.is_empty()
    }

    /// Whether this caller may make this call.
    ///
    /// # Errors
    /// It may not, or nobody can tell.
    pub fn allows(&self, wanted: &Wanted<'_>) -> Result<(), Denied> {
        if self.is_unlimited() {
            return Ok(());
        }
        if self.portals.as_ref().is_some_and(|portals| !portals.contains(&wanted.portal)) {
            return Err(Denied::Portal(wanted.portal));
        }
        let seen = Seen::of(wanted)?;
        if let Some(verbs) = &self.verbs {
            verbs::check(verbs, &seen.route, wanted.method)?;
        }
        let named = self.scopes.as_ref().map(|scopes| scopes.iter().any(|scope| scope.covers(&seen)));
        if named == Some(false) {
            return Err(Denied::Scope);
        }
        if self.is_confined() {
            self.allows_types(&seen, named == Some(true))?;
            fields::check(self, &seen, wanted)?;
        }
        Ok(())
    }

    fn allows_types(&self, seen: &Seen, named: bool) -> Result<(), Denied> {
        let Route { object_type, to_object_type, .. } = &seen.route;
        if object_type.is_none() && (!named || seen.is_below_objects()) {
            return Err(Denied::Unchecked);
        }
        object_type.iter().chain(to_object_type).try_for_each(|object_type| self.allows_type(object_type))
    }

    fn allows_type(&self, object_type: &ObjectType) -> Result<(), Denied> {
        let named = self.objects.as_ref().is_some_and(|objects| objects.contains(object_type));
        if !self.is_confined() || named || self.properties.contains_key(object_type) {
            Ok(())
        } else {
            Err(Denied::Object(shown(object_type.as_str())))
        }
    }
}

/// A call, read.
#[derive(Debug)]
struct Seen {
    route: Route,
    /// The path, decoded, without its version.
    segments: Vec<String>,
    /// The query pairs, decoded.
    query: Vec<(String, String)>,
}

impl Seen {
    fn of(wanted: &Wanted<'_>) -> Result<Self, Denied> {
        let (path, query) = wanted.target.split_once('?').unwrap_or((wanted.target, ""));
        let mut segments = path.strip_prefix('/').and_then(plain_segments).ok_or(Denied::Path)?;
        let route = routes::classify(wanted.method, &segments.join("/"));
        take_version(&mut segments);
        Ok(Self { route, segments, query: pairs(query) })
    }

    /// Where every path is about records of some type, whether its row is known or not.
    fn is_below_objects(&self) -> bool {
        matches!(self.segments.as_slice(), [first, second, ..] if first == "crm" && second == "objects")
    }
}

/// The decoded parts of a path, if no server can read it in another way. One slash at the end is left out.
fn plain_segments(path: &str) -> Option<Vec<String>> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let segments = path.split('/').map(decoded);
    segments.map(|segment| is_plain(&segment).then_some(segment)).collect()
}

/// `%` left after decoding would be decoded once more by a second server; `;` begins parameters of a part of a path.
fn is_plain(segment: &str) -> bool {
    const UNCLEAR: &str = "/\\%;?#\u{fffd}";
    let unclear = |letter: char| letter.is_control() || UNCLEAR.contains(letter);
    !matches!(segment, "" | "." | "..") && !segment.chars().any(unclear)
}

fn take_version(segments: &mut Vec<String>) {
    let is_version = |segment: &String| segment.parse::<ApiVersion>().is_ok();
    if let Some(index) = segments.iter().take(VERSION_SEGMENTS_MAX).position(is_version) {
        segments.remove(index);
    }
}

/// The pairs of a query, in which a plus is a blank.
fn pairs(query: &str) -> Vec<(String, String)> {
    let text = |raw: &str| decoded(&raw.replace('+', " "));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

/// A caller's own text, cut.
fn shown(text: &str) -> String {
    text.chars().take(SHOWN_MAX).collect()
}
