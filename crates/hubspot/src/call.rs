//! A call to HubSpot as data: where it goes, what it carries, what it costs, what a repeat would do.

use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};

use crate::id::ObjectType;

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
#[derive(Clone, Debug)]
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
