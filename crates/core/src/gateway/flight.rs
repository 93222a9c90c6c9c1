//! Which calls may be answered by one and the same answer, and which wait their turn.
//!
//! A read may share the answer of another that asks the very same with the same credential. As everywhere here, it
//! joins only what has not left: a call that is on its way may have been answered before the reader asked, and alone
//! the reader would have seen what was written since. Of readers that come together, the first leaves at once and all
//! others share the next call.
//!
//! A write of one record that travels alone takes its turn among all other writes of that record.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderMap, Method};
use linchpin_hubspot::id::{Install, RecordId};
use linchpin_hubspot::routes::{Operation, Route};

use super::join::named;
use crate::schedule::coalesce::{Join, JoinKey};

/// Headers of a request that HubSpot's answer does not depend on: who asks, how calls are traced, and how the answer
/// may be kept on its way. Whatever is not here keeps calls apart.
const WITHOUT_EFFECT: [&str; 9] = [
    "baggage",
    "cache-control",
    "content-type",
    "pragma",
    "priority",
    "traceparent",
    "tracestate",
    "user-agent",
    "x-request-id",
];

/// A read, as the table needs to see it.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// With whose credential it will leave.
    pub install: Install,
    /// The method.
    pub method: &'a Method,
    /// Path and query, byte for byte.
    pub target: &'a str,
    /// The headers that go along.
    pub headers: &'a HeaderMap,
    /// The body.
    pub body: &'a Bytes,
    /// Its path, read.
    pub route: &'a Route,
}

/// How a read shares its answer with others that ask the same; none if it does not.
pub fn same(wanted: &Wanted<'_>) -> Option<Join> {
    let shares = *wanted.method == Method::GET && wanted.body.is_empty() && shares(wanted.route.operation);
    let key = || format!("{} GET {:?} {}", wanted.install, wanted.target, relevant(wanted.headers));
    shares.then(|| {
        let key = key();
        // All inputs under the key are the same: one, however many they are.
        Join { key: JoinKey(key.clone()), record: Some(key), writes: false }
    })
}

/// How a write of one record waits until earlier writes of it have returned; none if the call names no record by its
/// number, or is none. `number` tells it from all others: it shares with nobody.
///
/// Not here: calls that write several records, and creations, which have no record yet.
pub fn in_turn(install: Install, route: &Route, number: u64) -> Option<Join> {
    if !matches!(route.operation, Operation::ObjectUpdate | Operation::ObjectArchive) {
        return None;
    }
    let (object_type, id) = (route.object_type.as_ref()?, route.id.as_deref()?.parse::<RecordId>().ok()?);
    let record = Some(named(install, object_type, id));
    Some(Join { key: JoinKey(format!("{install} turn {number}")), record, writes: true })
}

/// The headers that an answer may depend on, in one order. Texts are quoted, so that none runs into the next.
pub fn relevant(headers: &HeaderMap) -> String {
    let mut pairs: Vec<(&str, &[u8])> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .filter(|(name, _)| !WITHOUT_EFFECT.contains(name))
        .collect();
    // Values of one name keep their order, which may have a meaning.
    pairs.sort_by_key(|(name, _)| *name);
    let mut text = String::new();
    for (name, value) in pairs {
        let written = write!(text, "{name}=\"{}\" ", value.escape_ascii());
        written.expect("invariant: writing to a String does not fail");
    }
    text
}

/// Reads of the CRM. Not tokens, whose paths are secrets; not the journal, which one reader follows; not paths that no
/// row of the table knows, as nothing is known about their size.
fn shares(operation: Operation) -> bool {
    use Operation as Op;
    matches!(
        operation,
        Op::ObjectList
            | Op::ObjectRead
            | Op::AssociationList
            | Op::AssociationLabelList
            | Op::AssociationLimitList
            | Op::AssociationDefinition
            | Op::PropertyList
            | Op::PropertyRead
            | Op::PropertyGroupList
            | Op::PropertyGroup
            | Op::SchemaList
            | Op::Schema
            | Op::PipelineList
            | Op::Pipeline
            | Op::OwnerList
            | Op::OwnerRead
            | Op::UserList
            | Op::User
            | Op::List
            | Op::LimitUsage
            | Op::AccountDetails
            | Op::AccountUsage
            | Op::Account
    )
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use linchpin_hubspot::id::{AppId, PortalId};
    use linchpin_hubspot::routes;

    use super::*;

    const INSTALL: Install = Install { portal: PortalId(7), app: AppId(1) };

    fn key(method: &Method, target: &str, headers: &HeaderMap, body: &'static str) -> Option<String> {
        let route = routes::classify(method, target);
        let body = Bytes::from_static(body.as_bytes());
        let wanted = Wanted { install: INSTALL, method, target, headers, body: &body, route: &route };
        same(&wanted).map(|join| join.key.0)
    }

    #[test]
    fn reads_share_and_nothing_else_does() {
        let rows = [
            ("GET", "/crm/v3/objects/contacts/901?associations=companies", true),
            ("GET", "/crm/v3/objects/contacts?limit=100", true),
            ("GET", "/crm/v3/owners/?email=ada@example.test", true),
            ("GET", "/crm/v3/pipelines/deals", true),
            ("GET", "/account-info/v3/details", true),
            ("HEAD", "/crm/v3/pipelines/deals", false),
            ("POST", "/crm/v3/objects/contacts/search", false),
            ("PATCH", "/crm/v3/objects/contacts/901", false),
            ("GET", "/oauth/v1/access-tokens/secret", false),
            ("GET", "/webhooks-journal/journal/2026-03/earliest", false),
            ("GET", "/files/v3/files/1/download", false),
        ];
        for (method, target, expected) in rows {
            let method = method.parse().unwrap();
            assert_eq!(key(&method, target, &HeaderMap::new(), "").is_some(), expected, "{method} {target}");
        }
        assert_eq!(key(&Method::GET, "/crm/v3/pipelines/deals", &HeaderMap::new(), "{}"), None);
    }

    #[test]
    fn only_what_cannot_change_the_answer_may_differ() {
        let target = "/crm/v3/pipelines/deals";
        let with = |name: &'static str, value: &'static str| {
            let headers = HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_static(value))]);
            key(&Method::GET, target, &headers, "").unwrap()
        };
        let plain = key(&Method::GET, target, &HeaderMap::new(), "").unwrap();
        for name in WITHOUT_EFFECT {
            assert_eq!(with(name, "x"), plain, "{name}");
        }
        for name in ["accept", "accept-encoding", "accept-language", "if-none-match", "x-anything"] {
            assert_ne!(with(name, "x"), plain, "{name}");
            assert_ne!(with(name, "x"), with(name, "y"), "{name}");
        }
        assert_ne!(key(&Method::GET, "/crm/v3/pipelines/deals?archived=true", &HeaderMap::new(), ""), Some(plain));
    }

    #[test]
    fn secret_and_strange_values_keep_calls_apart() {
        let with = |value: &[u8]| {
            let mut value = HeaderValue::from_bytes(value).unwrap();
            value.set_sensitive(true);
            relevant(&HeaderMap::from_iter([("x-tenant".parse().unwrap(), value)]))
        };
        assert_ne!(with(b"a"), with(b"b"));
        assert_ne!(with(b"\xff"), with(b"\xfe"));
        assert_ne!(with(b"a\" y=\"b"), with(b"a"));
    }

    #[test]
    fn writes_of_one_record_take_turns_whatever_version_and_name_they_use() {
        let record = |method: Method, path: &str| in_turn(INSTALL, &routes::classify(&method, path), 1)?.record;
        let ours = record(Method::PATCH, "/crm/v3/objects/contacts/901");
        assert!(ours.is_some());
        assert_eq!(record(Method::PATCH, "/crm/objects/2026-03/0-1/901"), ours);
        assert_eq!(record(Method::DELETE, "/crm/v3/objects/CONTACT/901"), ours);
        assert_ne!(record(Method::PATCH, "/crm/v3/objects/companies/901"), ours);
        assert_eq!(record(Method::GET, "/crm/v3/objects/contacts/901"), None);
        assert_eq!(record(Method::PATCH, "/crm/v3/objects/contacts/ada@example.test"), None);
        assert_eq!(record(Method::POST, "/crm/v3/objects/contacts"), None);
        let key = |number| in_turn(INSTALL, &routes::classify(&Method::PATCH, "/crm/v3/objects/contacts/901"), number);
        assert_ne!(key(1).map(|join| join.key), key(2).map(|join| join.key));
    }
}
