//! A call to HubSpot as data: where it goes, what it carries, what it costs, what a repeat would do.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde::{Deserialize, Serialize};

use crate::id::ObjectType;
use crate::routes::{self, Route};
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

/// What the body of a call is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Content {
    /// `application/json`.
    #[default]
    Json,
    /// `application/x-www-form-urlencoded`: the token endpoint.
    Form,
}

impl Content {
    /// The value of `Content-Type`.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Form => "application/x-www-form-urlencoded",
        }
    }
}

/// How a call says on whose behalf it is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Auth {
    /// By the install's token, in the header `Authorization`.
    #[default]
    Bearer,
    /// By what the call holds itself (a client secret in its form, a developer key in its query): no header is sent.
    Inside,
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
    /// The body, if any.
    pub body: Option<Bytes>,
    /// What the body is.
    pub content: Content,
    /// Whether the install's token goes with it.
    pub auth: Auth,
    /// What it costs.
    pub cost: CostClass,
    /// What a repeat would do.
    pub effect: Effect,
    /// Which breaker it belongs to.
    pub family: Family,
    /// The object type it is about, if it is about one.
    pub object_type: Option<ObjectType>,
    /// How somebody else wrote it, if it is passed on for them.
    pub verbatim: Option<Box<Verbatim>>,
}

/// A call as somebody else wrote it: passed on byte for byte.
#[derive(Clone)]
pub struct Verbatim {
    /// Path and query.
    pub target: String,
    /// The headers that go along; no credential.
    pub headers: HeaderMap,
}

impl Call {
    /// A call without query and body; what it costs and does is looked up in [`routes`].
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        let path = path.into();
        let route = routes::classify(&method, &path);
        Self::of_route(method, path, route)
    }

    fn of_route(method: Method, path: String, route: Route) -> Self {
        Self {
            method,
            path,
            query: Vec::new(),
            body: None,
            content: Content::Json,
            auth: Auth::Bearer,
            cost: route.cost,
            effect: route.effect,
            family: route.family,
            object_type: route.object_type,
            verbatim: None,
        }
    }

    /// A call that is passed on as it was written, with the route that its path was read as. `headers` must hold no
    /// credential and nothing that belongs to a connection.
    pub fn verbatim(method: Method, target: String, headers: HeaderMap, body: Option<Bytes>, route: Route) -> Self {
        let path = target.split_once('?').map_or(target.as_str(), |(path, _)| path);
        let call = Self::of_route(method, path.to_owned(), route);
        Self { body, verbatim: Some(Box::new(Verbatim { target, headers })), ..call }
    }

    /// Adds a query pair.
    #[must_use]
    pub fn with_query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Adds a query pair if there is a value.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with_query(name, value.to_string()),
            None => self,
        }
    }

    /// Adds `name=true` if it is so; HubSpot's flags are false where they are not given.
    #[must_use]
    pub fn with_flag(self, name: &str, set: bool) -> Self {
        if set { self.with_query(name, "true") } else { self }
    }

    /// Sets a form as the body; the call then proves by it who asks, and no token goes with it.
    #[must_use]
    pub fn with_form(mut self, fields: &[(&str, &str)]) -> Self {
        let mut text = String::new();
        for (name, value) in fields {
            if !text.is_empty() {
                text.push('&');
            }
            push_encoded(&mut text, name);
            text.push('=');
            push_encoded(&mut text, value);
        }
        self.body = Some(Bytes::from(text));
        self.content = Content::Form;
        self.auth = Auth::Inside;
        self
    }

    /// Sets a JSON body.
    #[must_use]
    pub fn with_json<T: Serialize + ?Sized>(mut self, body: &T) -> Self {
        let text = serde_json::to_vec(body)
            .expect("invariant: bodies are structs, lists, text and maps keyed by text, which always serialise");
        self.body = Some(Bytes::from(text));
        self
    }

    /// Path and query as they go on the wire.
    pub fn target(&self) -> String {
        if let Some(verbatim) = &self.verbatim {
            return verbatim.target.clone();
        }
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
    fn a_form_is_encoded_and_takes_no_token_along() {
        let call = Call::new(Method::POST, "/oauth/2026-03/token").with_form(&[("a", "x y&z"), ("b", "\u{fc}")]);
        assert_eq!(call.body.as_deref(), Some(&b"a=x%20y%26z&b=%C3%BC"[..]));
        assert_eq!((call.content.media_type(), call.auth), ("application/x-www-form-urlencoded", Auth::Inside));
        assert_eq!(call.cost, CostClass::Token);
    }

    #[test]
    fn the_target_encodes_the_query() {
        let call = Call::new(Method::GET, "/crm/v3/owners").with_query("email", "a+b@c.d").with_query("limit", "2");
        assert_eq!(call.target(), "/crm/v3/owners?email=a%2Bb%40c.d&limit=2");
    }
}
