//! A call to HubSpot as data: where it goes, what it carries, what it costs, what a repeat would do.

use std::fmt;

use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};

use crate::id::ObjectType;
use crate::routes;
use crate::version::push_encoded;

/// Which counters a call draws on (<https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CostClass {
    /// The ten-second window of the app and the account's day.
    Ordinary,
    /// Five a second for the whole account, and the day; not the ten-second window.
    Search,
    /// Association batches and label calls: a ten-second window and a day of their own.
    AssociationBatch,
    /// The token endpoint: per app.
    Token,
    /// The webhooks journal: per app, neither window nor day.
    Journal,
}

/// What sending the call a second time would do, when nobody knows whether the first one arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Reads only.
    Safe,
    /// Writes, and a repeat changes nothing more (upsert, update, archive, associate).
    Idempotent,
    /// A repeat may create a second record.
    Unsafe,
}

/// The family of endpoints a call belongs to: one circuit breaker each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// CRM objects: list, single, batch.
    Objects,
    /// Search.
    Search,
    /// Associations and their labels.
    Associations,
    /// Properties, groups, schemas.
    Schema,
    /// Pipelines and stages.
    Pipelines,
    /// Owners, users, teams.
    Owners,
    /// Lists and memberships.
    Lists,
    /// Account info, limits, usage.
    Account,
    /// OAuth and token introspection.
    Token,
    /// Webhook settings and the journal.
    Webhooks,
    /// Everything else: passed through.
    Other,
}

/// One call, ready to be sent but for the credential.
///
/// `Debug` shows no body, no query values and no e-mail address: safe to log.
#[derive(Clone)]
pub struct Call {
    /// The HTTP method.
    pub method: Method,
    /// The absolute path, percent-encoded.
    pub path: String,
    /// Query pairs, not yet encoded, in order.
    pub query: Vec<(String, String)>,
    /// A JSON body, if any.
    pub body: Option<Bytes>,
    /// What it costs.
    pub cost: CostClass,
    /// What a repeat would do.
    pub effect: Effect,
    /// Which breaker it belongs to.
    pub family: Family,
    /// The object type it is about, if it is about one.
    pub object_type: Option<ObjectType>,
}

impl Call {
    /// A call without query and body; what it costs and does is looked up in [`routes`].
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        let path = path.into();
        let route = routes::classify(&method, &path);
        Self {
            method,
            path,
            query: Vec::new(),
            body: None,
            cost: route.cost,
            effect: route.effect,
            family: route.family,
            object_type: route.object_type,
        }
    }

    /// Adds a query pair.
    #[must_use]
    pub fn with_query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn with_json<T: Serialize + ?Sized>(mut self, body: &T) -> Self {
        let text = serde_json::to_vec(body)
            .expect("invariant: bodies are structs, lists, text and maps keyed by text, which always serialise");
        self.body = Some(Bytes::from(text));
        self
    }

    /// Path and query as they go on the wire.
    pub fn target(&self) -> String {
        let mut target = self.path.clone();
        for (index, (name, value)) in self.query.iter().enumerate() {
            target.push(if index == 0 { '?' } else { '&' });
            push_encoded(&mut target, name);
            target.push('=');
            push_encoded(&mut target, value);
        }
        target
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.query.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("path", &without_addresses(&self.path))
            .field("query", &names)
            .field("body_bytes", &self.body.as_ref().map(Bytes::len))
            .field("cost", &self.cost)
            .field("effect", &self.effect)
            .field("family", &self.family)
            .finish_non_exhaustive()
    }
}

/// The path with every segment that may hold an e-mail address blanked out.
fn without_addresses(path: &str) -> String {
    let blank = |segment: &str| segment.contains('@') || segment.contains("%40");
    let segments: Vec<&str> = path.split('/').map(|segment| if blank(segment) { "***" } else { segment }).collect();
    segments.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_values_nor_addresses() {
        let call = Call::new(Method::PATCH, "/crm/v3/objects/contacts/ada%40example.test")
            .with_query("idProperty", "secret-value")
            .with_json(&["secret-value"]);
        let text = format!("{call:?}");
        assert!(text.contains("/crm/v3/objects/contacts/***") && text.contains("idProperty"), "{text}");
        assert!(!text.contains("secret-value") && !text.contains("ada"), "{text}");
    }

    #[test]
    fn the_target_encodes_the_query() {
        let call = Call::new(Method::GET, "/crm/v3/owners").with_query("email", "a+b@c.d").with_query("limit", "2");
        assert_eq!(call.target(), "/crm/v3/owners?email=a%2Bb%40c.d&limit=2");
    }
}
