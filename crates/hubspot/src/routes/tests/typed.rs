//! Every typed call, in every style of path, against the row of the table that it must meet.

use std::collections::BTreeMap;

use super::*;
use crate::call::Call;
use crate::endpoint::Endpoint;
use crate::id::{AppId, PortalId, RecordId};
use crate::{
    account, associations, journal, limits_tracking, lists, oauth, objects, owners, pipelines, properties, schemas,
    search, users, webhooks,
};

const VERSIONS: [ApiVersion; 4] = [ApiVersion::V3, ApiVersion::V2025_09, ApiVersion::V2026_03, ApiVersion::V2026_09];
const ONE: RecordId = RecordId(1);
const APP: AppId = AppId(7007);

/// A family and its cost, and for each of its calls what the table must say.
struct Group {
    family: Family,
    cost: CostClass,
    calls: Vec<(Vec<Call>, Operation, Effect)>,
}

impl Group {
    fn of(family: Family, cost: CostClass) -> Self {
        Self { family, cost, calls: Vec::new() }
    }

    #[expect(clippy::needless_pass_by_value, reason = "the table reads better without a reference in every row")]
    fn with(mut self, operation: Operation, effect: Effect, endpoint: impl Endpoint) -> Self {
        self.calls.push((VERSIONS.map(|version| endpoint.call(version)).to_vec(), operation, effect));
        self
    }

    fn check(self) {
        for (calls, operation, effect) in self.calls {
            for call in calls {
                let route = at(&call.method, &call.path);
                let found = (route.operation, route.family, route.cost, route.effect);
                assert_eq!(found, (operation, self.family, self.cost, effect), "{} {}", call.method, call.path);
                assert_eq!((call.family, call.cost, call.effect), (self.family, self.cost, effect));
            }
        }
    }
}

fn id() -> String {
    "8".to_owned()
}

fn deals() -> ObjectType {
    ObjectType::new("deals")
}

use Effect::{Idempotent, Safe, Unsafe};

#[test]
fn objects_are_objects() {
    use objects::*;
    let object_type = deals;
    let fields = Fields::default;
    let (properties, inputs) = (BTreeMap::new(), Vec::new());
    Group::of(Objects, Ordinary)
        .with(Op::ObjectList, Safe, List { object_type: object_type(), limit: 1, after: None, fields: fields() })
        .with(Op::ObjectRead, Safe, Read { object_type: object_type(), id: id(), id_property: None, fields: fields() })
        .with(Op::ObjectCreate, Unsafe, Create { object_type: object_type(), input: CreateInput::default() })
        .with(
            Op::ObjectUpdate,
            Idempotent,
            Update { object_type: object_type(), id: id(), id_property: None, properties },
        )
        .with(Op::ObjectArchive, Idempotent, Archive { object_type: object_type(), id: ONE })
        .with(Op::ObjectMerge, Unsafe, Merge { object_type: object_type(), primary: ONE, merged: ONE })
        .with(
            Op::ObjectPrivacyDelete,
            Idempotent,
            PrivacyDelete { object_type: object_type(), id: id(), id_property: None },
        )
        .with(
            Op::ObjectBatchRead,
            Safe,
            BatchRead {
                object_type: object_type(),
                ids: Vec::new(),
                id_property: None,
                properties: Vec::new(),
                history: Vec::new(),
                archived: false,
            },
        )
        .with(Op::ObjectBatchCreate, Unsafe, BatchCreate { object_type: object_type(), inputs })
        .with(Op::ObjectBatchUpdate, Idempotent, BatchUpdate { object_type: object_type(), inputs: Vec::new() })
        .with(Op::ObjectBatchUpsert, Idempotent, BatchUpsert { object_type: object_type(), inputs: Vec::new() })
        .with(Op::ObjectBatchArchive, Idempotent, BatchArchive { object_type: object_type(), ids: Vec::new() })
        .check();
    Group::of(Family::Search, CostClass::Search).with(Op::Search, Safe, search::Search::of(deals())).check();
}

#[test]
fn associations_of_one_record_cost_like_any_call_and_batches_do_not() {
    use associations::*;
    let direction = || Direction { from: deals(), to: ObjectType::new("companies") };
    let pair = Pair { from: ONE, to: ONE };
    let kind = crate::id::AssociationType { category: crate::id::AssociationCategory::UserDefined, type_id: 1 };
    let name = id;
    Group::of(Associations, Ordinary)
        .with(Op::AssociationList, Safe, ListOf { direction: direction(), from: ONE, limit: 1, after: None })
        .with(Op::AssociationPut, Idempotent, Put { direction: direction(), pair, types: vec![kind] })
        .with(Op::AssociateDefault, Idempotent, Put { direction: direction(), pair, types: Vec::new() })
        .with(Op::AssociationDelete, Idempotent, Remove { direction: direction(), pair })
        .with(Op::AssociationPut, Idempotent, v3::Put { direction: direction(), pair, name: name() })
        .with(Op::AssociationDelete, Idempotent, v3::Remove { direction: direction(), pair, name: name() })
        .check();
    let label = || "l".to_owned();
    Group::of(Associations, AssociationBatch)
        .with(Op::AssociationBatchDefault, Idempotent, BatchAssociate { direction: direction(), pairs: Vec::new() })
        .with(Op::AssociationBatchCreate, Idempotent, BatchCreate { direction: direction(), inputs: Vec::new() })
        .with(Op::AssociationBatchRead, Safe, BatchRead { direction: direction(), inputs: Vec::new() })
        .with(Op::AssociationBatchArchive, Idempotent, BatchArchive { direction: direction(), inputs: Vec::new() })
        .with(
            Op::AssociationBatchLabelsArchive,
            Idempotent,
            BatchArchiveLabels { direction: direction(), inputs: Vec::new() },
        )
        .with(Op::AssociationLabelList, Safe, ListLabels { direction: direction() })
        .with(
            Op::AssociationLabelCreate,
            Unsafe,
            CreateLabel { direction: direction(), name: label(), label: label(), inverse_label: None },
        )
        .with(
            Op::AssociationLabelUpdate,
            Idempotent,
            UpdateLabel { direction: direction(), type_id: 1, label: label(), inverse_label: None },
        )
        .with(Op::AssociationLabelDelete, Idempotent, DeleteLabel { direction: direction(), type_id: 1 })
        .with(Op::AssociationLimitList, Safe, ListAllLimits)
        .with(Op::AssociationLimitList, Safe, ListLimits { direction: direction() })
        .with(Op::AssociationLimitCreate, Unsafe, CreateLimits { direction: direction(), limits: Vec::new() })
        .with(Op::AssociationLimitUpdate, Idempotent, UpdateLimits { direction: direction(), limits: Vec::new() })
        .with(Op::AssociationLimitPurge, Idempotent, PurgeLimits { direction: direction(), types: Vec::new() })
        .with(Op::AssociationBatchCreate, Idempotent, v3::BatchCreate { direction: direction(), pairs: Vec::new() })
        .with(Op::AssociationBatchArchive, Idempotent, v3::BatchArchive { direction: direction(), pairs: Vec::new() })
        .with(Op::AssociationBatchRead, Safe, v3::BatchRead { direction: direction(), ids: Vec::new() })
        .with(Op::AssociationLabelList, Safe, v3::ListTypes { direction: direction() })
        .check();
}

#[test]
fn definitions_are_schema() {
    use properties::*;
    let object_type = deals;
    let property = || NewProperty {
        name: id(),
        label: id(),
        property_type: PropertyType::String,
        field_type: id(),
        group_name: id(),
        description: String::new(),
        options: Vec::new(),
        has_unique_value: false,
    };
    let group = PropertyGroup { name: id(), label: id(), display_order: -1 };
    let read = BatchRead {
        object_type: object_type(),
        names: Vec::new(),
        archived: false,
        sensitivity: Sensitivity::NonSensitive,
    };
    let change = PropertyChange::default();
    let group_change = GroupChange::default();
    Group::of(Schema, Ordinary)
        .with(Op::PropertyList, Safe, List { object_type: object_type(), archived: false })
        .with(Op::PropertyRead, Safe, Read { object_type: object_type(), name: id() })
        .with(Op::PropertyCreate, Idempotent, Create { object_type: object_type(), property: property() })
        .with(Op::PropertyUpdate, Idempotent, Update { object_type: object_type(), name: id(), change })
        .with(Op::PropertyArchive, Idempotent, Archive { object_type: object_type(), name: id() })
        .with(Op::PropertyBatchRead, Safe, read)
        .with(
            Op::PropertyBatchCreate,
            Idempotent,
            BatchCreate { object_type: object_type(), properties: vec![property()] },
        )
        .with(Op::PropertyBatchArchive, Idempotent, BatchArchive { object_type: object_type(), names: Vec::new() })
        .with(Op::PropertyGroupList, Safe, ListGroups { object_type: object_type() })
        .with(Op::PropertyGroupCreate, Idempotent, CreateGroup { object_type: object_type(), group })
        .with(Op::PropertyGroup, Safe, ReadGroup { object_type: object_type(), name: id() })
        .with(
            Op::PropertyGroup,
            Idempotent,
            UpdateGroup { object_type: object_type(), name: id(), change: group_change },
        )
        .with(Op::PropertyGroup, Idempotent, ArchiveGroup { object_type: object_type(), name: id() })
        .check();
}

#[test]
fn object_types_are_schema() {
    use schemas::*;
    let object_type = deals;
    let include = Include::NOTHING;
    let schema = NewSchema {
        name: id(),
        labels: Labels::default(),
        description: None,
        primary_display_property: None,
        secondary_display_properties: Vec::new(),
        searchable_properties: Vec::new(),
        required_properties: Vec::new(),
        properties: Vec::new(),
        associated_objects: Vec::new(),
    };
    let change = SchemaChange::default();
    Group::of(Schema, Ordinary)
        .with(Op::SchemaList, Safe, List { archived: false, include })
        .with(Op::Schema, Safe, Read { object_type: object_type(), include })
        .with(Op::SchemaCreate, Idempotent, Create { schema })
        .with(Op::Schema, Idempotent, Update { object_type: object_type(), change })
        .with(Op::Schema, Idempotent, Delete { object_type: object_type(), purge: true })
        .with(Op::SchemaBatchRead, Safe, BatchRead { object_types: Vec::new(), include })
        .with(Op::SchemaAssociation, Unsafe, Associate { object_type: object_type(), from: id(), to: id(), name: None })
        .with(Op::SchemaAssociation, Idempotent, Dissociate { object_type: object_type(), id: id() })
        .check();
}

#[test]
fn pipelines_and_stages_are_pipelines() {
    use pipelines::*;
    let object_type = deals;
    let (pipeline, safeguards) = (id, Safeguards::ALL);
    let new = || NewPipeline { label: id(), display_order: 0, stages: Vec::new() };
    let (stage, change) = (NewStage::default, StageChange::default());
    let object = object_type;
    Group::of(Pipelines, Ordinary)
        .with(Op::PipelineList, Safe, List { object_type: object() })
        .with(Op::Pipeline, Safe, Read { object_type: object(), id: id() })
        .with(Op::Pipeline, Unsafe, Create { object_type: object(), pipeline: new() })
        .with(Op::Pipeline, Idempotent, Replace { object_type: object(), id: id(), pipeline: new(), safeguards })
        .with(Op::Pipeline, Idempotent, Update { object_type: object(), id: id(), change: PipelineChange::default() })
        .with(Op::Pipeline, Idempotent, Delete { object_type: object(), id: id(), safeguards })
        .with(Op::Pipeline, Safe, Audit { object_type: object(), id: id() })
        .with(Op::Pipeline, Safe, ListStages { object_type: object(), pipeline: pipeline() })
        .with(Op::Pipeline, Safe, ReadStage { object_type: object(), pipeline: pipeline(), id: id() })
        .with(Op::Pipeline, Unsafe, CreateStage { object_type: object(), pipeline: pipeline(), stage: stage() })
        .with(
            Op::Pipeline,
            Idempotent,
            ReplaceStage { object_type: object(), pipeline: pipeline(), id: id(), stage: stage() },
        )
        .with(Op::Pipeline, Idempotent, UpdateStage { object_type: object(), pipeline: pipeline(), id: id(), change })
        .with(
            Op::Pipeline,
            Idempotent,
            DeleteStage { object_type: object(), pipeline: pipeline(), id: id(), check_references: true },
        )
        .with(Op::Pipeline, Safe, AuditStage { object_type: object(), pipeline: pipeline(), id: id() })
        .check();
}

#[test]
fn lists_are_lists() {
    use lists::*;
    let list = NewList {
        name: id(),
        object_type_id: "0-1".to_owned(),
        processing_type: Processing::Manual,
        filter_branch: None,
    };
    let change =
        |add: &[RecordId], remove: &[RecordId]| ChangeMembers { id: id(), add: add.into(), remove: remove.into() };
    let members = |order| Members { id: id(), order, limit: 1, after: None };
    let object_type_id = || "0-1".to_owned();
    Group::of(Lists, Ordinary)
        .with(Op::List, Unsafe, Create { list })
        .with(Op::List, Safe, Read { id: id(), filters: true })
        .with(Op::List, Safe, ReadByName { object_type_id: object_type_id(), name: id(), filters: false })
        .with(Op::List, Safe, ReadMany { ids: vec![id()], filters: false })
        .with(Op::List, Safe, Search::default())
        .with(Op::List, Idempotent, Rename { id: id(), name: id() })
        .with(Op::List, Idempotent, Refilter { id: id(), filter_branch: serde_json::Value::Null, enroll: false })
        .with(Op::List, Idempotent, Delete { id: id() })
        .with(Op::List, Idempotent, Restore { id: id() })
        .with(Op::List, Safe, members(Order::Id))
        .with(Op::List, Safe, members(Order::Joined))
        .with(Op::List, Idempotent, change(&[ONE], &[]))
        .with(Op::List, Idempotent, change(&[], &[ONE]))
        .with(Op::List, Idempotent, change(&[ONE], &[ONE]))
        .with(Op::List, Idempotent, AddFromList { id: id(), source: id() })
        .with(Op::List, Idempotent, RemoveAllMembers { id: id() })
        .with(Op::List, Safe, MembershipsOf { object_type_id: object_type_id(), record: ONE })
        .with(Op::List, Safe, BatchReadMemberships { records: Vec::new() })
        .check();
}

#[test]
fn people_are_owners() {
    let key = || users::UserKey::Id(id());
    Group::of(Owners, Ordinary)
        .with(Op::OwnerList, Safe, owners::List::default())
        .with(Op::OwnerRead, Safe, owners::Read { key: owners::OwnerKey::User(1), archived: false })
        .with(Op::UserList, Safe, users::List::default())
        .with(Op::UserCreate, Unsafe, users::Create { user: users::NewUser::default() })
        .with(Op::User, Safe, users::Read { key: key() })
        .with(Op::User, Idempotent, users::Update { key: key(), change: users::UserChange::default() })
        .with(Op::User, Idempotent, users::Delete { key: key() })
        .with(Op::User, Safe, users::ListRoles)
        .with(Op::User, Safe, users::ListTeams)
        .check();
}

#[test]
fn the_account_and_its_tokens_are_apart() {
    use limits_tracking::*;
    Group::of(Account, Ordinary)
        .with(Op::AccountDetails, Safe, account::Details)
        .with(Op::AccountUsage, Safe, account::DailyUsage)
        .with(Op::LimitUsage, Safe, Records)
        .with(Op::LimitUsage, Safe, Pipelines)
        .with(Op::LimitUsage, Safe, CustomProperties)
        .with(Op::LimitUsage, Safe, CalculatedProperties)
        .with(Op::LimitUsage, Safe, CustomObjectTypes)
        .with(Op::LimitUsage, Safe, AssociationLabels::default())
        .with(Op::LimitUsage, Safe, CrowdedTypes::default())
        .with(Op::LimitUsage, Safe, CrowdedTypes { from: Some(id()) })
        .with(Op::LimitUsage, Safe, CrowdedRecords { from: id(), to: id() })
        .check();
    let client = || oauth::Client { id: id(), secret: "s".into() };
    let kind = oauth::TokenKind::Access;
    Group::of(Family::Token, Token)
        .with(Op::TokenIssue, Unsafe, oauth::Issue { client: client(), grant: oauth::Grant::Refresh("r".into()) })
        .with(Op::TokenInfo, Safe, oauth::Introspect { client: client(), kind, token: "t".into() })
        .with(Op::TokenRevoke, Idempotent, oauth::Revoke { client: client(), kind, token: "t".into() })
        .with(Op::TokenInfo, Safe, account::TokenInfo::new("t"))
        .check();
}

#[test]
fn webhook_settings_are_ordinary_calls() {
    let settings =
        webhooks::Settings { target_url: id(), throttling: webhooks::Throttling { max_concurrent_requests: 10 } };
    let subscription =
        webhooks::NewSubscription { event_type: id(), property_name: None, object_type_id: None, active: true };
    Group::of(Webhooks, Ordinary)
        .with(Op::WebhookSettings, Safe, webhooks::ReadSettings { app: APP })
        .with(Op::WebhookSettings, Idempotent, webhooks::PutSettings { app: APP, settings })
        .with(Op::WebhookSettings, Idempotent, webhooks::DeleteSettings { app: APP })
        .with(Op::WebhookSettings, Safe, webhooks::ListSubscriptions { app: APP })
        .with(Op::WebhookSettings, Safe, webhooks::ReadSubscription { app: APP, id: id() })
        .with(Op::WebhookSettings, Unsafe, webhooks::CreateSubscription { app: APP, subscription })
        .with(Op::WebhookSettings, Idempotent, webhooks::SwitchSubscription { app: APP, id: id(), active: true })
        .with(Op::WebhookSettings, Idempotent, webhooks::DeleteSubscription { app: APP, id: id() })
        .with(Op::WebhookSettings, Idempotent, webhooks::SwitchSubscriptions { app: APP, inputs: Vec::new() })
        .check();
}

#[test]
fn the_journal_has_a_budget_of_its_own() {
    use journal::*;
    let kind = SubscriptionKind::AppLifecycleEvent { event_type_id: id(), properties: Vec::new() };
    let after = || Entry::After("4f0d6a1e-0000".to_owned());
    let portal = None;
    Group::of(Webhooks, Journal)
        .with(Op::WebhookJournal, Safe, Read { entry: Entry::Earliest, portal })
        .with(Op::WebhookJournal, Safe, Read { entry: after(), portal })
        .with(Op::WebhookJournal, Safe, ReadSeveral { entry: Entry::Latest, count: 1, portal })
        .with(Op::WebhookJournal, Safe, ReadSeveral { entry: after(), count: 1, portal })
        .with(Op::WebhookJournal, Safe, ReadOffsets { offsets: Vec::new(), portal })
        .with(Op::WebhookJournal, Safe, ReadSnapshotStatus { id: id() })
        .with(Op::WebhookJournal, Unsafe, Snapshot { requests: Vec::new() })
        .with(Op::WebhookJournal, Safe, ListSubscriptions)
        .with(Op::WebhookJournal, Safe, ReadSubscription { id: id() })
        .with(Op::WebhookJournal, Idempotent, Subscribe { kind })
        .with(Op::WebhookJournal, Idempotent, DeleteSubscription { id: id() })
        .with(Op::WebhookJournal, Idempotent, DeletePortalSubscriptions { portal: PortalId(1) })
        .with(Op::WebhookJournal, Unsafe, CreateFilter { subscription: 1, conditions: Vec::new() })
        .with(Op::WebhookJournal, Safe, ReadFilter { id: id() })
        .with(Op::WebhookJournal, Safe, ListFilters { subscription: id() })
        .with(Op::WebhookJournal, Idempotent, DeleteFilter { id: id() })
        .check();
}
