//! Every path of HubSpot, read as a route: what it does, what it costs, what a repeat would do.
//!
//! One table serves both the typed calls of this crate and a gateway that receives other people's calls.
//! The version is found by its pattern anywhere in the first four segments and taken out, so that legacy and dated
//! paths meet in one row. A path that no row knows is still a route: passed through, with the effect of its method.

use std::sync::LazyLock;

use http::Method;

use crate::batch::{self, Twin};
use crate::call::{CostClass, Effect, Family};
use crate::id::ObjectType;
use crate::version::{self, ApiVersion, decoded};

/// Segments in which a version may stand. Placement differs by API: `/crm/v3/objects`, `/crm/objects/2026-03`,
/// `/automation/actions/callbacks/2026-03`.
pub const VERSION_SEGMENTS_MAX: usize = 4;

/// What a call does, independent of version and object type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each name is a row of the table below, which says it with the path")]
pub enum Operation {
    ObjectList,
    ObjectCreate,
    ObjectRead,
    ObjectUpdate,
    ObjectArchive,
    ObjectMerge,
    ObjectPrivacyDelete,
    ObjectBatchRead,
    ObjectBatchCreate,
    ObjectBatchUpdate,
    ObjectBatchUpsert,
    ObjectBatchArchive,
    Search,
    AssociationList,
    AssociateDefault,
    AssociationPut,
    AssociationDelete,
    AssociationBatchDefault,
    AssociationBatchCreate,
    AssociationBatchRead,
    AssociationBatchArchive,
    AssociationBatchLabelsArchive,
    AssociationLabelList,
    AssociationLabelCreate,
    AssociationLabelUpdate,
    AssociationLabelDelete,
    AssociationLimitList,
    AssociationLimitCreate,
    AssociationLimitUpdate,
    AssociationLimitPurge,
    AssociationDefinition,
    PropertyList,
    PropertyCreate,
    PropertyRead,
    PropertyUpdate,
    PropertyArchive,
    PropertyBatchRead,
    PropertyBatchCreate,
    PropertyBatchArchive,
    PropertyGroupList,
    PropertyGroupCreate,
    PropertyGroup,
    SchemaList,
    SchemaCreate,
    SchemaBatchRead,
    Schema,
    SchemaAssociation,
    PipelineList,
    Pipeline,
    OwnerList,
    OwnerRead,
    UserList,
    UserCreate,
    User,
    List,
    LimitUsage,
    AccountDetails,
    AccountUsage,
    Account,
    TokenIssue,
    TokenInfo,
    TokenRevoke,
    WebhookSettings,
    WebhookJournal,
    /// No row of the table: passed through as it is.
    Other,
}

/// A call as the table reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Which circuit breaker.
    pub family: Family,
    /// What it does.
    pub operation: Operation,
    /// The object type it is about, canonical (`CONTACT` and `0-1` are `contacts`).
    pub object_type: Option<ObjectType>,
    /// The other object type of an association call, canonical.
    pub to_object_type: Option<ObjectType>,
    /// The record (or property, pipeline, owner) named in the path, percent-decoded.
    pub id: Option<String>,
    /// The record at the other end of an association, percent-decoded.
    pub to_id: Option<String>,
    /// The version in the path, if there is one.
    pub version: Option<ApiVersion>,
    /// What it costs.
    pub cost: CostClass,
    /// What a repeat would do.
    pub effect: Effect,
    /// The batch call that does the same for many.
    pub twin: Option<Twin>,
}

/// One row: method (`*` for any), path without its version, what it is. `{type}` and `{to}` are object types, `{id}` and
/// `{other}` are kept, `{}` is any segment, a last `**` is any rest. Without an effect, the method decides.
struct Row(&'static str, &'static str, Operation, Family, CostClass, Option<Effect>);

const SAFE: Option<Effect> = Some(Effect::Safe);
const IDEMPOTENT: Option<Effect> = Some(Effect::Idempotent);
const UNSAFE: Option<Effect> = Some(Effect::Unsafe);
const BY_METHOD: Option<Effect> = None;

use CostClass::{AssociationBatch, Journal, Ordinary, Token};
use Family::{Account, Associations, Lists, Objects, Owners, Pipelines, Schema, Webhooks};
use Operation as Op;

/// First match wins, so literal segments stand before placeholders.
///
/// Costs: HubSpot's `x-hubspot-rate-limit-exemptions` in HubSpot/HubSpot-public-api-spec-collection and
/// <https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines>. Effects: the semantics of each
/// endpoint; creating a thing whose name is its key (property, group, schema) answers a repeat with 409 and changes
/// nothing, so it counts as idempotent.
const TABLE: &[&[Row]] = &[OBJECTS, ASSOCIATIONS, PROPERTIES, METADATA, PLATFORM];

const OBJECTS: &[Row] = &[
    Row("POST", "crm/objects/{type}/search", Op::Search, Family::Search, CostClass::Search, SAFE),
    Row("POST", "crm/objects/{type}/batch/read", Op::ObjectBatchRead, Objects, Ordinary, SAFE),
    Row("POST", "crm/objects/{type}/batch/create", Op::ObjectBatchCreate, Objects, Ordinary, UNSAFE),
    Row("POST", "crm/objects/{type}/batch/update", Op::ObjectBatchUpdate, Objects, Ordinary, IDEMPOTENT),
    Row("POST", "crm/objects/{type}/batch/upsert", Op::ObjectBatchUpsert, Objects, Ordinary, IDEMPOTENT),
    Row("POST", "crm/objects/{type}/batch/archive", Op::ObjectBatchArchive, Objects, Ordinary, IDEMPOTENT),
    // A repeated merge names ids that meanwhile resolve to the survivor: never repeated blindly.
    Row("POST", "crm/objects/{type}/merge", Op::ObjectMerge, Objects, Ordinary, UNSAFE),
    Row("POST", "crm/objects/{type}/gdpr-delete", Op::ObjectPrivacyDelete, Objects, Ordinary, IDEMPOTENT),
    Row("GET", "crm/objects/{type}", Op::ObjectList, Objects, Ordinary, SAFE),
    Row("POST", "crm/objects/{type}", Op::ObjectCreate, Objects, Ordinary, UNSAFE),
    Row("GET", "crm/objects/{type}/{id}", Op::ObjectRead, Objects, Ordinary, SAFE),
    Row("PATCH", "crm/objects/{type}/{id}", Op::ObjectUpdate, Objects, Ordinary, IDEMPOTENT),
    Row("DELETE", "crm/objects/{type}/{id}", Op::ObjectArchive, Objects, Ordinary, IDEMPOTENT),
];

const ASSOCIATIONS: &[Row] = &[
    // Calls about one record cost like any other; batches, labels and definitions have a budget of their own.
    Row("GET", "crm/objects/{type}/{id}/associations/{to}", Op::AssociationList, Associations, Ordinary, SAFE),
    Row(
        "PUT",
        "crm/objects/{type}/{id}/associations/default/{to}/{other}",
        Op::AssociateDefault,
        Associations,
        Ordinary,
        IDEMPOTENT,
    ),
    Row(
        "PUT",
        "crm/objects/{type}/{id}/associations/{to}/{other}",
        Op::AssociationPut,
        Associations,
        Ordinary,
        IDEMPOTENT,
    ),
    Row(
        "DELETE",
        "crm/objects/{type}/{id}/associations/{to}/{other}",
        Op::AssociationDelete,
        Associations,
        Ordinary,
        IDEMPOTENT,
    ),
    // v3 names the association type in the path.
    Row(
        "PUT",
        "crm/objects/{type}/{id}/associations/{to}/{}/{}",
        Op::AssociationPut,
        Associations,
        Ordinary,
        IDEMPOTENT,
    ),
    Row(
        "DELETE",
        "crm/objects/{type}/{id}/associations/{to}/{}/{}",
        Op::AssociationDelete,
        Associations,
        Ordinary,
        IDEMPOTENT,
    ),
    Row(
        "GET",
        "crm/associations/definitions/configurations/all",
        Op::AssociationLimitList,
        Associations,
        AssociationBatch,
        SAFE,
    ),
    Row(
        "GET",
        "crm/associations/definitions/configurations/{type}/{to}",
        Op::AssociationLimitList,
        Associations,
        AssociationBatch,
        SAFE,
    ),
    Row(
        "POST",
        "crm/associations/definitions/configurations/{type}/{to}/batch/create",
        Op::AssociationLimitCreate,
        Associations,
        AssociationBatch,
        UNSAFE,
    ),
    Row(
        "POST",
        "crm/associations/definitions/configurations/{type}/{to}/batch/update",
        Op::AssociationLimitUpdate,
        Associations,
        AssociationBatch,
        IDEMPOTENT,
    ),
    Row(
        "POST",
        "crm/associations/definitions/configurations/{type}/{to}/batch/purge",
        Op::AssociationLimitPurge,
        Associations,
        AssociationBatch,
        IDEMPOTENT,
    ),
    Row("*", "crm/associations/definitions/**", Op::AssociationDefinition, Associations, AssociationBatch, BY_METHOD),
    Row("*", "crm/associations/usage/**", Op::Other, Associations, Ordinary, BY_METHOD),
    Row(
        "POST",
        "crm/associations/{type}/{to}/batch/associate/default",
        Op::AssociationBatchDefault,
        Associations,
        AssociationBatch,
        IDEMPOTENT,
    ),
    Row(
        "POST",
        "crm/associations/{type}/{to}/batch/create",
        Op::AssociationBatchCreate,
        Associations,
        AssociationBatch,
        IDEMPOTENT,
    ),
    Row(
        "POST",
        "crm/associations/{type}/{to}/batch/read",
        Op::AssociationBatchRead,
        Associations,
        AssociationBatch,
        SAFE,
    ),
    Row(
        "POST",
        "crm/associations/{type}/{to}/batch/archive",
        Op::AssociationBatchArchive,
        Associations,
        AssociationBatch,
        IDEMPOTENT,
    ),
    Row(
        "POST",
        "crm/associations/{type}/{to}/batch/labels/archive",
        Op::AssociationBatchLabelsArchive,
        Associations,
        AssociationBatch,
        IDEMPOTENT,
    ),
    Row("GET", "crm/associations/{type}/{to}/labels", Op::AssociationLabelList, Associations, AssociationBatch, SAFE),
    Row("GET", "crm/associations/{type}/{to}/types", Op::AssociationLabelList, Associations, AssociationBatch, SAFE),
    Row(
        "POST",
        "crm/associations/{type}/{to}/labels",
        Op::AssociationLabelCreate,
        Associations,
        AssociationBatch,
        UNSAFE,
    ),
    Row(
        "PUT",
        "crm/associations/{type}/{to}/labels",
        Op::AssociationLabelUpdate,
        Associations,
        AssociationBatch,
        IDEMPOTENT,
    ),
    Row(
        "DELETE",
        "crm/associations/{type}/{to}/labels/{id}",
        Op::AssociationLabelDelete,
        Associations,
        AssociationBatch,
        IDEMPOTENT,
    ),
];

const PROPERTIES: &[Row] = &[
    Row("GET", "crm/properties/{type}", Op::PropertyList, Schema, Ordinary, SAFE),
    Row("POST", "crm/properties/{type}", Op::PropertyCreate, Schema, Ordinary, IDEMPOTENT),
    Row("POST", "crm/properties/{type}/batch/read", Op::PropertyBatchRead, Schema, Ordinary, SAFE),
    Row("POST", "crm/properties/{type}/batch/create", Op::PropertyBatchCreate, Schema, Ordinary, IDEMPOTENT),
    Row("POST", "crm/properties/{type}/batch/archive", Op::PropertyBatchArchive, Schema, Ordinary, IDEMPOTENT),
    Row("GET", "crm/properties/{type}/groups", Op::PropertyGroupList, Schema, Ordinary, SAFE),
    Row("POST", "crm/properties/{type}/groups", Op::PropertyGroupCreate, Schema, Ordinary, IDEMPOTENT),
    Row("PATCH", "crm/properties/{type}/groups/{id}", Op::PropertyGroup, Schema, Ordinary, IDEMPOTENT),
    Row("*", "crm/properties/{type}/groups/{id}", Op::PropertyGroup, Schema, Ordinary, BY_METHOD),
    Row("GET", "crm/properties/{type}/{id}", Op::PropertyRead, Schema, Ordinary, SAFE),
    Row("PATCH", "crm/properties/{type}/{id}", Op::PropertyUpdate, Schema, Ordinary, IDEMPOTENT),
    Row("DELETE", "crm/properties/{type}/{id}", Op::PropertyArchive, Schema, Ordinary, IDEMPOTENT),
    Row("*", "crm/property-validations/**", Op::Other, Schema, Ordinary, BY_METHOD),
    // The specification says `/crm-object-schemas`, the documentation `/crm/v3/schemas`: both answer.
    Row("GET", "crm-object-schemas/schemas", Op::SchemaList, Schema, Ordinary, SAFE),
    Row("GET", "crm/schemas", Op::SchemaList, Schema, Ordinary, SAFE),
    Row("POST", "crm-object-schemas/schemas", Op::SchemaCreate, Schema, Ordinary, IDEMPOTENT),
    Row("POST", "crm/schemas", Op::SchemaCreate, Schema, Ordinary, IDEMPOTENT),
    Row("POST", "crm-object-schemas/schemas/batch/read", Op::SchemaBatchRead, Schema, Ordinary, SAFE),
    Row("PATCH", "crm-object-schemas/schemas/{type}", Op::Schema, Schema, Ordinary, IDEMPOTENT),
    Row("PATCH", "crm/schemas/{type}", Op::Schema, Schema, Ordinary, IDEMPOTENT),
    Row("*", "crm-object-schemas/schemas/{type}", Op::Schema, Schema, Ordinary, BY_METHOD),
    Row("*", "crm/schemas/{type}", Op::Schema, Schema, Ordinary, BY_METHOD),
    Row("*", "crm-object-schemas/schemas/{type}/associations/**", Op::SchemaAssociation, Schema, Ordinary, BY_METHOD),
    Row("*", "crm/schemas/{type}/associations/**", Op::SchemaAssociation, Schema, Ordinary, BY_METHOD),
    Row("*", "crm-object-schemas/**", Op::Other, Schema, Ordinary, BY_METHOD),
    Row("*", "crm/schemas/**", Op::Other, Schema, Ordinary, BY_METHOD),
];

const METADATA: &[Row] = &[
    Row("GET", "crm/pipelines/{type}", Op::PipelineList, Pipelines, Ordinary, SAFE),
    Row("POST", "crm/pipelines/{type}", Op::Pipeline, Pipelines, Ordinary, UNSAFE),
    Row("PATCH", "crm/pipelines/{type}/{id}", Op::Pipeline, Pipelines, Ordinary, IDEMPOTENT),
    Row("*", "crm/pipelines/{type}/{id}", Op::Pipeline, Pipelines, Ordinary, BY_METHOD),
    Row("PATCH", "crm/pipelines/{type}/{id}/stages/{}", Op::Pipeline, Pipelines, Ordinary, IDEMPOTENT),
    Row("*", "crm/pipelines/**", Op::Pipeline, Pipelines, Ordinary, BY_METHOD),
    Row("GET", "crm/owners", Op::OwnerList, Owners, Ordinary, SAFE),
    Row("GET", "crm/owners/{id}", Op::OwnerRead, Owners, Ordinary, SAFE),
    Row("GET", "settings/users", Op::UserList, Owners, Ordinary, SAFE),
    Row("POST", "settings/users", Op::UserCreate, Owners, Ordinary, UNSAFE),
    Row("*", "settings/users/{id}", Op::User, Owners, Ordinary, BY_METHOD),
    Row("POST", "crm/lists/search", Op::List, Lists, Ordinary, SAFE),
    Row("POST", "crm/lists/records/memberships/batch/read", Op::List, Lists, Ordinary, SAFE),
    Row("*", "crm/lists/**", Op::List, Lists, Ordinary, BY_METHOD),
    Row("GET", "account-info/details", Op::AccountDetails, Account, Ordinary, SAFE),
    Row("GET", "account-info/api-usage/daily/private-apps", Op::AccountUsage, Account, Ordinary, SAFE),
    Row("*", "account-info/**", Op::Account, Account, Ordinary, BY_METHOD),
    Row("*", "crm/limits/**", Op::LimitUsage, Account, Ordinary, BY_METHOD),
    Row("*", "crm/object-library/**", Op::Account, Account, Ordinary, BY_METHOD),
];

const PLATFORM: &[Row] = &[
    // A refresh may replace the token it was given: not repeated blindly.
    Row("POST", "oauth/token", Op::TokenIssue, Family::Token, Token, UNSAFE),
    Row("POST", "oauth/token/introspect", Op::TokenInfo, Family::Token, Token, SAFE),
    Row("POST", "oauth/token/revoke", Op::TokenRevoke, Family::Token, Token, IDEMPOTENT),
    Row("POST", "oauth/private-apps/get/access-token-info", Op::TokenInfo, Family::Token, Token, SAFE),
    Row("GET", "oauth/access-tokens/{}", Op::TokenInfo, Family::Token, Token, SAFE),
    Row("GET", "oauth/refresh-tokens/{}", Op::TokenInfo, Family::Token, Token, SAFE),
    Row("DELETE", "oauth/refresh-tokens/{}", Op::TokenRevoke, Family::Token, Token, IDEMPOTENT),
    Row("*", "oauth/**", Op::Other, Family::Token, Token, BY_METHOD),
    Row("POST", "webhooks-journal/journal/batch/read", Op::WebhookJournal, Webhooks, Journal, SAFE),
    // A second subscription to the same changes the first.
    Row("POST", "webhooks-journal/subscriptions", Op::WebhookJournal, Webhooks, Journal, IDEMPOTENT),
    Row("*", "webhooks-journal/**", Op::WebhookJournal, Webhooks, Journal, BY_METHOD),
    Row("POST", "webhooks/journal/batch/read", Op::WebhookJournal, Webhooks, Journal, SAFE),
    Row("POST", "webhooks/subscriptions", Op::WebhookJournal, Webhooks, Journal, IDEMPOTENT),
    Row("*", "webhooks/journal/**", Op::WebhookJournal, Webhooks, Journal, BY_METHOD),
    Row("*", "webhooks/subscriptions/**", Op::WebhookJournal, Webhooks, Journal, BY_METHOD),
    Row("*", "webhooks/snapshots/**", Op::WebhookJournal, Webhooks, Journal, BY_METHOD),
    Row("PATCH", "webhooks/{}/subscriptions/{id}", Op::WebhookSettings, Webhooks, Ordinary, IDEMPOTENT),
    Row("POST", "webhooks/{}/subscriptions/batch/update", Op::WebhookSettings, Webhooks, Ordinary, IDEMPOTENT),
    Row("PATCH", "app-webhooks/{}/subscriptions/{id}", Op::WebhookSettings, Webhooks, Ordinary, IDEMPOTENT),
    Row("POST", "app-webhooks/{}/subscriptions/batch/update", Op::WebhookSettings, Webhooks, Ordinary, IDEMPOTENT),
    Row("*", "webhooks/**", Op::WebhookSettings, Webhooks, Ordinary, BY_METHOD),
    Row("*", "app-webhooks/**", Op::WebhookSettings, Webhooks, Ordinary, BY_METHOD),
];

/// Reads any path of HubSpot; a query and a trailing slash are ignored.
pub fn classify(method: &Method, path: &str) -> Route {
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let mut segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let version = take_version(&mut segments);
    for pattern in PATTERNS.iter() {
        let row = pattern.row;
        if pattern.fits(&segments) && (row.0 == method.as_str() || row.0 == "*") {
            let found = found(&pattern.segments, &segments);
            return Route {
                family: row.3,
                operation: row.2,
                object_type: found.object_type,
                to_object_type: found.to_object_type,
                id: found.id,
                to_id: found.to_id,
                version,
                cost: row.4,
                effect: row.5.unwrap_or_else(|| by_method(method)),
                twin: batch::twin(row.2),
            };
        }
    }
    Route {
        family: Family::Other,
        operation: Operation::Other,
        object_type: None,
        to_object_type: None,
        id: None,
        to_id: None,
        version,
        cost: Ordinary,
        effect: by_method(method),
        twin: None,
    }
}

/// RFC 9110, section 9.2; PATCH of an unknown path counts as unsafe.
fn by_method(method: &Method) -> Effect {
    if *method == Method::GET || *method == Method::HEAD || *method == Method::OPTIONS {
        Effect::Safe
    } else if *method == Method::PUT || *method == Method::DELETE {
        Effect::Idempotent
    } else {
        Effect::Unsafe
    }
}

/// Takes the first segment that looks like a version out of the path.
fn take_version(segments: &mut Vec<&str>) -> Option<ApiVersion> {
    let found = segments
        .iter()
        .take(VERSION_SEGMENTS_MAX)
        .enumerate()
        .find_map(|(index, segment)| version::parse(segment).map(|version| (index, version)));
    let (index, version) = found?;
    segments.remove(index);
    Some(version)
}

#[derive(Default)]
struct Found {
    object_type: Option<ObjectType>,
    to_object_type: Option<ObjectType>,
    id: Option<String>,
    to_id: Option<String>,
}

/// A row with the segments of its path: every call of every caller is looked up.
struct Pattern {
    row: &'static Row,
    segments: Vec<&'static str>,
    /// Whether any rest may follow.
    open: bool,
}

static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| TABLE.iter().copied().flatten().map(Pattern::new).collect());

impl Pattern {
    fn new(row: &'static Row) -> Self {
        let (path, open) = row.1.strip_suffix("/**").map_or((row.1, false), |path| (path, true));
        Self { row, segments: path.split('/').collect(), open }
    }

    /// Whether a path is one of it. Most are not, so nothing is read out yet.
    fn fits(&self, given: &[&str]) -> bool {
        let long_enough = given.len() == self.segments.len() || self.open && given.len() > self.segments.len();
        let fits = |(expected, given): (&&str, &&str)| expected.starts_with('{') || expected == given;
        long_enough && self.segments.iter().zip(given).all(fits)
    }
}

/// What a path holds in the places of a pattern that it fits.
fn found(pattern: &[&str], segments: &[&str]) -> Found {
    let mut found = Found::default();
    for (expected, segment) in pattern.iter().zip(segments) {
        match *expected {
            "{type}" => found.object_type = Some(ObjectType::canonical(&decoded(segment))),
            "{to}" => found.to_object_type = Some(ObjectType::canonical(&decoded(segment))),
            "{id}" => found.id = Some(decoded(segment)),
            "{other}" => found.to_id = Some(decoded(segment)),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests;
