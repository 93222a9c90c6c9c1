//! Every kind of typed call against the simulator, through the door: what our client asks, our HubSpot answers, and
//! neither shares a line with the other.
//!
//! Each test walks one surface in every style of path that the simulator has. Not here, because the simulator has no
//! side for them: filters of journal subscriptions.

use std::collections::BTreeMap;
use std::time::Duration;

use linchpin_core::schedule::lanes::Lane;
use linchpin_core::schedule::limits::Tier;
use linchpin_engine::hub::{Hub, HubError};
use linchpin_hubspot::associations::{self, Direction, Pair, ReadInput, TypedPair, v3};
use linchpin_hubspot::endpoint::Paged;
use linchpin_hubspot::id::{AppId, AssociationCategory, AssociationType, ObjectType, RecordId};
use linchpin_hubspot::objects::{self, CreateInput, Fields, Record, UpdateInput, UpsertInput};
use linchpin_hubspot::properties::{self, PropertyType};
use linchpin_hubspot::search::{Compare, Filter, Search, Sort};
use linchpin_hubspot::version::ApiVersion;
use linchpin_hubspot::webhooks::{self, WithDeveloperKey};
use linchpin_hubspot::{account, journal, limits_tracking, lists, oauth, owners, pipelines, schemas, users};
use linchpin_simulator::{DeveloperKey, OauthAppSpec, SimOptions};
use linchpin_store_sqlite::SqliteStore;
use linchpin_trials::desk::Desk;

/// The styles that the simulator has for every surface.
const VERSIONS: [ApiVersion; 3] = [ApiVersion::V3, ApiVersion::V2026_03, ApiVersion::V2026_09];
const KEY: &str = "developer-key";

async fn desk() -> Desk {
    let options = SimOptions {
        oauth_apps: vec![OauthAppSpec::new("client-1", "secret-1", 4_242)],
        developer_key: Some(DeveloperKey(KEY.to_owned())),
        ..SimOptions::default()
    };
    let store = SqliteStore::in_memory().expect("a store");
    Desk::start(options, Tier::Professional, store.stores()).await
}

fn styles(desk: &Desk) -> impl Iterator<Item = (ApiVersion, Hub)> + '_ {
    VERSIONS.into_iter().map(|version| (version, desk.hub(Lane::Interactive).at_version(version)))
}

fn contacts() -> ObjectType {
    ObjectType::new("contacts")
}

fn companies() -> ObjectType {
    ObjectType::new("companies")
}

fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

async fn created(hub: &Hub, object_type: ObjectType, pairs: &[(&str, &str)]) -> Record {
    let input = CreateInput { properties: values(pairs), ..CreateInput::default() };
    hub.send(&objects::Create { object_type, input }).await.expect("a record")
}

/// The status of a refusal; 0 for anything else.
fn status(error: &HubError) -> u16 {
    if let HubError::Refused(refused) = error { refused.status } else { 0 }
}

/// Search follows writes after some seconds.
async fn index_has_caught_up() {
    tokio::time::sleep(Duration::from_secs(30)).await;
}

#[tokio::test(start_paused = true)]
async fn single_records_are_made_read_changed_merged_and_deleted() {
    let desk = desk().await;
    for (version, hub) in styles(&desk) {
        let mail = |name: &str| format!("{name}-{version}@example.test");
        let ada = created(&hub, contacts(), &[("email", &mail("ada")), ("city", "Oslo")]).await;
        let fields = Fields { history: vec!["city".to_owned()], ..Fields::of(["city"]) };
        let update = objects::Update {
            object_type: contacts(),
            id: mail("ada"),
            id_property: Some("email".to_owned()),
            properties: values(&[("city", "Bergen")]),
        };
        assert_eq!(hub.send(&update).await.expect("a change").value("city"), Some("Bergen"));
        let read =
            |id: String| objects::Read { object_type: contacts(), id, id_property: None, fields: fields.clone() };
        let record = hub.send(&read(ada.id.to_string())).await.expect("a record");
        let past: Vec<Option<&str>> = record.history["city"].iter().map(|entry| entry.value.as_deref()).collect();
        assert_eq!((record.value("city"), past), (Some("Bergen"), vec![Some("Bergen"), Some("Oslo")]), "{version}");
        let bo = created(&hub, contacts(), &[("email", &mail("bo"))]).await;
        let merge = objects::Merge { object_type: contacts(), primary: ada.id, merged: bo.id };
        let survivor = hub.send(&merge).await.expect("a survivor");
        assert!(survivor.id != ada.id && survivor.id != bo.id, "a merge makes a third id");
        assert_eq!(hub.send(&read(bo.id.to_string())).await.expect("the survivor").id, survivor.id);
        hub.send(&objects::Archive { object_type: contacts(), id: survivor.id }).await.expect("archived");
        let gone = hub.send(&read(survivor.id.to_string())).await.expect_err("archived");
        assert_eq!(status(&gone), 404);
        let cy = created(&hub, contacts(), &[("email", &mail("cy"))]).await;
        let delete =
            objects::PrivacyDelete { object_type: contacts(), id: mail("cy"), id_property: Some("email".to_owned()) };
        hub.send(&delete).await.expect("deleted for ever");
        assert_eq!(status(&hub.send(&read(cy.id.to_string())).await.expect_err("deleted")), 404);
    }
    desk.close().await;
}

#[tokio::test(start_paused = true)]
async fn batches_answer_input_by_input() {
    let desk = desk().await;
    for (version, hub) in styles(&desk) {
        let mail = |number: usize| format!("c{number}-{version}@example.test");
        let input = |number: usize| CreateInput {
            trace_id: Some(number.to_string()),
            ..CreateInput::of([("email", mail(number)), ("city", format!("{version}"))])
        };
        let create = objects::BatchCreate { object_type: contacts(), inputs: (0..150).map(input).collect() };
        assert!(matches!(hub.send(&create).await, Err(HubError::TooLarge(_))), "151 are not sent");
        let mut ids: Vec<RecordId> = Vec::new();
        for part in create.split() {
            let outcome = hub.send(&part).await.expect("a batch");
            assert_eq!(outcome.errors.len(), 0);
            ids.extend(outcome.results.iter().map(|result| result.record.id));
        }
        assert_eq!(ids.len(), 150);
        let again = objects::BatchCreate { object_type: contacts(), inputs: vec![input(0), input(900)] };
        let partly = hub.send(&again).await.expect("a 207");
        assert_eq!((partly.results.len(), partly.errors[0].trace_ids()), (1, &["0".to_owned()][..]), "{version}");
        let asked: Vec<String> = ids.iter().take(99).map(RecordId::to_string).chain(["987654321".to_owned()]).collect();
        let read = objects::BatchRead {
            object_type: contacts(),
            ids: asked,
            id_property: None,
            properties: vec!["city".to_owned()],
            history: Vec::new(),
            archived: false,
        };
        let outcome = hub.send(&read).await.expect("a 207");
        assert_eq!((outcome.results.len(), outcome.errors[0].ids()), (99, &["987654321".to_owned()][..]));
        let update = |id: &RecordId| UpdateInput {
            id: id.to_string(),
            id_property: None,
            properties: values(&[("city", "Oslo")]),
            trace_id: None,
        };
        let update = objects::BatchUpdate { object_type: contacts(), inputs: ids.iter().take(3).map(update).collect() };
        assert_eq!(hub.send(&update).await.expect("changes").results.len(), 3);
        let upsert = |number: usize| UpsertInput {
            id: mail(number),
            id_property: "email".to_owned(),
            properties: values(&[("city", "Bergen")]),
            trace_id: Some(number.to_string()),
        };
        let upsert = objects::BatchUpsert { object_type: contacts(), inputs: vec![upsert(1), upsert(901)] };
        let outcome = hub.send(&upsert).await.expect("records");
        assert_eq!(outcome.results.iter().filter(|result| result.new == Some(true)).count(), 1);
        let archive = objects::BatchArchive { object_type: contacts(), ids: ids.iter().copied().take(100).collect() };
        hub.send(&archive).await.expect("archived");
    }
    desk.close().await;
}

#[tokio::test(start_paused = true)]
async fn pages_lead_from_the_first_record_to_the_last() {
    let desk = desk().await;
    let hub = desk.hub(Lane::Interactive);
    let input = |number: usize| CreateInput::of([("email", format!("c{number}@example.test"))]);
    for part in (objects::BatchCreate { object_type: contacts(), inputs: (0..130).map(input).collect() }).split() {
        hub.send(&part).await.expect("a batch");
    }
    index_has_caught_up().await;
    for (version, hub) in styles(&desk) {
        let list = objects::List { object_type: contacts(), limit: 50, after: None, fields: Fields::of(["email"]) };
        assert_eq!(walked(&hub, list).await, 130, "{version}");
        let search = Search::of(contacts())
            .all_of([Filter::compare("email", Compare::ContainsToken, "example.test")])
            .all_of([Filter::has("email", true), Filter::none_of("city", vec!["oslo".to_owned()])])
            .sorted(Sort::descending("hs_object_id"))
            .paged_by(60);
        assert_eq!(walked(&hub, search).await, 130, "{version}");
        let wall = Search::of(contacts()).starting_at("9900");
        assert!(matches!(hub.send(&wall).await, Err(HubError::TooLarge(_))), "HubSpot would refuse it");
        hub.send(&owners::List::default()).await.expect("owners");
    }
    desk.close().await;
}

async fn walked<E: Paged>(hub: &Hub, first: E) -> usize {
    let (mut next, mut seen) = (Some(first), 0);
    while let Some(call) = next {
        let page = hub.send(&call).await.expect("a page");
        let (items, following) = call.turn(page);
        seen += items.len();
        next = following;
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn associations_have_types_labels_and_pages() {
    let desk = desk().await;
    let direction = || Direction { from: contacts(), to: companies() };
    for (version, hub) in styles(&desk) {
        let contact = created(&hub, contacts(), &[("email", &format!("a-{version}@example.test"))]).await.id;
        let alone = created(&hub, contacts(), &[("email", &format!("b-{version}@example.test"))]).await.id;
        let (one, two) = (
            created(&hub, companies(), &[("name", "One")]).await.id,
            created(&hub, companies(), &[("name", "Two")]).await.id,
        );
        let pair = |to| Pair { from: contact, to };
        let associate = associations::BatchAssociate { direction: direction(), pairs: vec![pair(one), pair(two)] };
        assert!(hub.send(&associate).await.expect("associations").results.len() >= 2);
        let name = format!("partner_{}", version.to_string().replace('-', "_"));
        let create = associations::CreateLabel {
            direction: direction(),
            label: format!("Partner {version}"),
            name,
            inverse_label: None,
        };
        let label = hub.send(&create).await.expect("a label");
        let listed = hub.send(&associations::ListLabels { direction: direction() }).await.expect("labels");
        let known = listed.iter().find(|found| found.label.as_deref() == Some(&*create.label)).expect("the new label");
        assert!(label.iter().any(|made| made.type_id == known.type_id));
        let kind = AssociationType { category: AssociationCategory::UserDefined, type_id: known.type_id };
        let typed = TypedPair { pair: pair(one), types: vec![kind] };
        let create = associations::BatchCreate { direction: direction(), inputs: vec![typed.clone()] };
        assert_eq!(hub.send(&create).await.expect("a labelled one").results[0].to_object_id, one);
        let inputs = vec![ReadInput::first(contact), ReadInput::first(alone)];
        let read = hub.send(&associations::BatchRead { direction: direction(), inputs }).await.expect("a 207");
        assert_eq!((read.results[0].to.len(), read.empty, read.errors.len()), (2, vec![alone], 0), "{version}");
        let of = associations::ListOf { direction: direction(), from: contact, limit: 1, after: None };
        assert_eq!(walked(&hub, of).await, 2);
        let archive = associations::BatchArchiveLabels { direction: direction(), inputs: vec![typed] };
        assert_eq!(hub.send(&archive).await.expect("archived").errors.len(), 0);
        let put = associations::Put { direction: direction(), pair: pair(two), types: vec![kind] };
        hub.send(&put).await.expect("labelled");
        hub.send(&associations::Remove { direction: direction(), pair: pair(two) }).await.expect("removed");
        let input = associations::ArchiveInput { from: contact, to: vec![one] };
        let archive = associations::BatchArchive { direction: direction(), inputs: vec![input] };
        assert_eq!(hub.send(&archive).await.expect("archived").errors.len(), 0);
        let (category, type_id) = (kind.category, kind.type_id);
        let limit = associations::NewLimit { category, type_id, max: 3 };
        let limits = associations::CreateLimits { direction: direction(), limits: vec![limit] };
        assert_eq!(hub.send(&limits).await.expect("limits").results[0].max, Some(3));
        let limit = associations::NewLimit { max: 5, ..limit };
        let limits = associations::UpdateLimits { direction: direction(), limits: vec![limit] };
        assert_eq!(hub.send(&limits).await.expect("limits").results[0].max, Some(5));
        let set = hub.send(&associations::ListLimits { direction: direction() }).await.expect("limits");
        assert!(set.iter().any(|limit| limit.type_id == type_id && limit.max == Some(5)));
        hub.send(&associations::ListAllLimits).await.expect("limits");
        let types = vec![associations::LimitedType { category, type_id }];
        let purge = associations::PurgeLimits { direction: direction(), types };
        assert_eq!(hub.send(&purge).await.expect("removed").errors.len(), 0);
        let label = format!("Ally {version}");
        let update =
            associations::UpdateLabel { direction: direction(), type_id: kind.type_id, label, inverse_label: None };
        hub.send(&update).await.expect("renamed");
        let delete = associations::DeleteLabel { direction: direction(), type_id: kind.type_id };
        hub.send(&delete).await.expect("deleted");
        let named = vec![v3::NamedPair { pair: pair(one), name: "contact_to_company".to_owned() }];
        let create = v3::BatchCreate { direction: direction(), pairs: named.clone() };
        assert_eq!(hub.send(&create).await.expect("a pair").results[0].to, one);
        let read = hub.send(&v3::BatchRead { direction: direction(), ids: vec![contact] }).await.expect("a read");
        assert_eq!(read.results[0].to[0].id, one);
        hub.send(&v3::BatchArchive { direction: direction(), pairs: named }).await.expect("archived");
        hub.send(&v3::ListTypes { direction: direction() }).await.expect("types");
    }
    desk.close().await;
}

#[tokio::test(start_paused = true)]
async fn properties_and_groups_are_made_changed_and_archived() {
    let desk = desk().await;
    for (version, hub) in styles(&desk) {
        let suffix = version.to_string().replace('-', "_");
        let (object_type, group_name) = (contacts, format!("group_{suffix}"));
        let group =
            properties::PropertyGroup { name: group_name.clone(), label: format!("G {suffix}"), display_order: -1 };
        hub.send(&properties::CreateGroup { object_type: object_type(), group }).await.expect("a group");
        let new = |name: &str| properties::NewProperty {
            name: format!("{name}_{suffix}"),
            label: format!("{name} {suffix}"),
            property_type: PropertyType::String,
            field_type: "text".to_owned(),
            group_name: group_name.clone(),
            description: String::new(),
            options: Vec::new(),
            has_unique_value: name == "key",
        };
        let made = hub.send(&properties::Create { object_type: object_type(), property: new("key") }).await;
        assert!(made.expect("a property").has_unique_value);
        let twice = hub.send(&properties::Create { object_type: object_type(), property: new("key") }).await;
        assert_eq!(status(&twice.expect_err("it exists")), 409);
        let batch = properties::BatchCreate { object_type: object_type(), properties: vec![new("a"), new("key")] };
        let partly = hub.send(&batch).await.expect("a 207");
        assert_eq!((partly.results.len(), partly.errors.len()), (1, 1));
        tokio::time::sleep(Duration::from_secs(2)).await;
        let name = || format!("a_{suffix}");
        let change = properties::PropertyChange { label: Some("Changed".to_owned()), ..Default::default() };
        let update = properties::Update { object_type: object_type(), name: name(), change };
        assert_eq!(hub.send(&update).await.expect("a change").label, "Changed");
        let names = vec![name(), "no_such_property".to_owned()];
        let sensitivity = properties::Sensitivity::NonSensitive;
        let read = properties::BatchRead { object_type: object_type(), names, archived: false, sensitivity };
        let outcome = hub.send(&read).await.expect("a 207");
        assert_eq!((outcome.results.len(), outcome.errors.len()), (1, 1), "{version}");
        hub.send(&properties::Read { object_type: object_type(), name: name() }).await.expect("a property");
        hub.send(&properties::Archive { object_type: object_type(), name: name() }).await.expect("archived");
        let names = vec![format!("key_{suffix}")];
        hub.send(&properties::BatchArchive { object_type: object_type(), names }).await.expect("archived");
        let list = properties::List { object_type: object_type(), archived: false };
        assert!(hub.send(&list).await.expect("properties").iter().all(|property| property.name != name()));
        let groups = hub.send(&properties::ListGroups { object_type: object_type() }).await.expect("groups");
        assert!(groups.iter().any(|group| group.name == group_name));
        let of = |name: &str| (object_type(), name.to_owned());
        let (object_type, name) = of(&group_name);
        hub.send(&properties::ReadGroup { object_type, name }).await.expect("a group");
        let (object_type, name) = of(&group_name);
        let change = properties::GroupChange { label: Some("Other".to_owned()), display_order: None };
        assert_eq!(
            hub.send(&properties::UpdateGroup { object_type, name, change }).await.expect("a group").label,
            "Other"
        );
        let (object_type, name) = of(&group_name);
        hub.send(&properties::ArchiveGroup { object_type, name }).await.expect("archived");
    }
    desk.close().await;
}

#[tokio::test(start_paused = true)]
async fn schemas_and_pipelines_are_made_changed_and_deleted() {
    let desk = desk().await;
    for (version, hub) in styles(&desk) {
        let name = format!("car_{}", version.to_string().replace('-', "_"));
        let property = schemas::NewSchemaProperty {
            name: "plate".to_owned(),
            label: "Plate".to_owned(),
            property_type: PropertyType::String,
            field_type: "text".to_owned(),
            options: Vec::new(),
            has_unique_value: true,
        };
        let labels = |text: &str| schemas::Labels { singular: Some(text.to_owned()), plural: Some(format!("{text}s")) };
        let schema = schemas::NewSchema {
            name: name.clone(),
            labels: labels(&name),
            description: None,
            primary_display_property: Some("plate".to_owned()),
            secondary_display_properties: Vec::new(),
            searchable_properties: vec!["plate".to_owned()],
            required_properties: vec!["plate".to_owned()],
            properties: vec![property],
            associated_objects: vec!["CONTACT".to_owned()],
        };
        let made = hub.send(&schemas::Create { schema }).await.expect("a schema");
        let car = made.object_type();
        tokio::time::sleep(Duration::from_secs(90)).await;
        let include = schemas::Include::DEFINITIONS;
        let listed = hub.send(&schemas::List { archived: false, include }).await.expect("schemas");
        assert!(listed.iter().any(|schema| schema.name == name), "{version}");
        let read = hub.send(&schemas::Read { object_type: car.clone(), include }).await.expect("a schema");
        assert!(read.properties.iter().any(|property| property.name == "plate"));
        let change = schemas::SchemaChange { labels: Some(labels("Van")), ..Default::default() };
        hub.send(&schemas::Update { object_type: car.clone(), change }).await.expect("a change");
        let record = created(&hub, car.clone(), &[("plate", "X 1")]).await;
        hub.send(&objects::Archive { object_type: car.clone(), id: record.id }).await.expect("archived");
        hub.send(&schemas::Delete { object_type: car, purge: false }).await.expect("deleted");
        pipelines_of(&hub, version).await;
    }
    desk.close().await;
}

async fn pipelines_of(hub: &Hub, version: ApiVersion) {
    let deals = || ObjectType::new("deals");
    let stage = |label: &str| pipelines::NewStage {
        label: label.to_owned(),
        display_order: 0,
        metadata: values(&[("probability", "0.5")]),
    };
    let stages = vec![stage("Open"), stage("Late")];
    let pipeline = pipelines::NewPipeline { label: format!("Renewals {version}"), display_order: 1, stages };
    let made = hub.send(&pipelines::Create { object_type: deals(), pipeline: pipeline.clone() }).await.expect("one");
    let id = || made.id.clone();
    let all = hub.send(&pipelines::List { object_type: deals() }).await.expect("pipelines");
    assert!(all.iter().any(|pipeline| pipeline.id == made.id), "{version}");
    assert_eq!(hub.send(&pipelines::Read { object_type: deals(), id: id() }).await.expect("one").stages.len(), 2);
    let change = pipelines::PipelineChange { display_order: Some(3), ..Default::default() };
    let changed = hub.send(&pipelines::Update { object_type: deals(), id: id(), change }).await.expect("a change");
    assert_eq!(changed.display_order, 3);
    let create = pipelines::CreateStage { object_type: deals(), pipeline: id(), stage: stage("New") };
    let new = hub.send(&create).await.expect("a stage");
    let change = pipelines::StageChange { label: Some("Newer".to_owned()), ..Default::default() };
    let update = pipelines::UpdateStage { object_type: deals(), pipeline: id(), id: new.id.clone(), change };
    assert_eq!(hub.send(&update).await.expect("a change").label, "Newer");
    let read = pipelines::ReadStage { object_type: deals(), pipeline: id(), id: new.id.clone() };
    assert_eq!(hub.send(&read).await.expect("a stage").label, "Newer");
    let replace =
        pipelines::ReplaceStage { object_type: deals(), pipeline: id(), id: new.id.clone(), stage: stage("Newest") };
    assert_eq!(hub.send(&replace).await.expect("a stage").label, "Newest");
    let list = pipelines::ListStages { object_type: deals(), pipeline: id() };
    assert_eq!(hub.send(&list).await.expect("stages").len(), 3);
    let delete = pipelines::DeleteStage { object_type: deals(), pipeline: id(), id: new.id, check_references: true };
    hub.send(&delete).await.expect("deleted");
    let audit = hub.send(&pipelines::Audit { object_type: deals(), id: id() }).await.expect("an audit");
    assert!(!audit.is_empty());
    let safeguards = pipelines::Safeguards::ALL;
    let replace = pipelines::Replace { object_type: deals(), id: id(), pipeline, safeguards };
    assert_eq!(hub.send(&replace).await.expect("replaced").stages.len(), 2);
    hub.send(&pipelines::Delete { object_type: deals(), id: id(), safeguards }).await.expect("deleted");
}

#[tokio::test(start_paused = true)]
async fn the_account_and_its_tokens_make_themselves_known() {
    let desk = desk().await;
    for (_, hub) in styles(&desk) {
        let details = hub.send(&account::Details).await.expect("details");
        assert_eq!(details.portal_id, desk.context.install.portal);
        let app = hub.send(&account::TokenInfo::new(linchpin_trials::desk::TOKEN)).await.expect("an app");
        assert_eq!(app.app_id, desk.context.install.app);
        let client = || oauth::Client { id: "client-1".to_owned(), secret: "secret-1".into() };
        let scopes = vec!["developer.webhooks_journal.read".to_owned()];
        let issue = oauth::Issue { client: client(), grant: oauth::Grant::App { scopes } };
        let tokens = hub.send(&issue).await.expect("an app's token");
        assert!(tokens.expires_in > 0 && tokens.refresh_token.is_none());
        let (kind, token) = (oauth::TokenKind::Access, tokens.access_token.clone());
        let state = hub.send(&oauth::Introspect { client: client(), kind, token }).await.expect("a state");
        assert_eq!((state.active, state.app), (true, Some(AppId(4_242))));
        let dead = oauth::Issue { client: client(), grant: oauth::Grant::Refresh("nonsense".into()) };
        let HubError::Refused(refused) = hub.send(&dead).await.expect_err("a dead token") else { panic!("no answer") };
        assert_eq!((refused.status, refused.status_text.as_deref()), (400, Some("BAD_REFRESH_TOKEN")));
    }
    desk.close().await;
}

#[tokio::test(start_paused = true)]
async fn webhooks_are_managed_with_the_developers_key() {
    let desk = desk().await;
    let app = AppId(4_242);
    for (version, hub) in styles(&desk) {
        let settings = webhooks::Settings {
            target_url: "https://hooks.example.test/in".to_owned(),
            throttling: webhooks::Throttling { max_concurrent_requests: 10 },
        };
        let put = keyed(webhooks::PutSettings { app, settings: settings.clone() });
        assert_eq!(hub.send(&put).await.expect("settings"), settings, "{version}");
        assert_eq!(hub.send(&keyed(webhooks::ReadSettings { app })).await.expect("settings"), settings);
        let subscription = webhooks::NewSubscription {
            event_type: "contact.creation".to_owned(),
            property_name: None,
            object_type_id: None,
            active: false,
        };
        let made = hub.send(&keyed(webhooks::CreateSubscription { app, subscription })).await.expect("a subscription");
        let id = || made.id.clone();
        let switched = hub.send(&keyed(webhooks::SwitchSubscription { app, id: id(), active: true })).await;
        assert!(switched.expect("a change").active);
        let inputs = vec![webhooks::Switch { id: made.id.parse().expect("a number"), active: false }];
        let switched = hub.send(&keyed(webhooks::SwitchSubscriptions { app, inputs })).await.expect("changes");
        assert!(!switched.results[0].active);
        let listed = hub.send(&keyed(webhooks::ListSubscriptions { app })).await.expect("subscriptions");
        assert!(listed.iter().any(|subscription| subscription.id == made.id));
        hub.send(&keyed(webhooks::ReadSubscription { app, id: id() })).await.expect("a subscription");
        hub.send(&keyed(webhooks::DeleteSubscription { app, id: id() })).await.expect("deleted");
        hub.send(&keyed(webhooks::DeleteSettings { app })).await.expect("deleted");
    }
    desk.close().await;
}

fn keyed<E>(inner: E) -> WithDeveloperKey<E> {
    WithDeveloperKey { key: KEY.into(), inner }
}

#[tokio::test(start_paused = true)]
async fn lists_have_members_that_come_and_go() {
    let desk = desk().await;
    for (version, hub) in styles(&desk) {
        let ada = created(&hub, contacts(), &[("email", &format!("a-{version}@example.test"))]).await.id;
        let bo = created(&hub, contacts(), &[("email", &format!("b-{version}@example.test"))]).await.id;
        let name = format!("Fleet {version}");
        let new = |name: &str| lists::NewList {
            name: name.to_owned(),
            object_type_id: "0-1".to_owned(),
            processing_type: lists::Processing::Manual,
            filter_branch: None,
        };
        let made = hub.send(&lists::Create { list: new(&name) }).await.expect("a list");
        assert_eq!((made.name.as_str(), made.processing_type.as_str()), (name.as_str(), "MANUAL"), "{version}");
        let id = || made.id.clone();
        assert!(hub.send(&lists::Create { list: new(&name) }).await.is_err(), "the name exists");
        let change = |add: &[RecordId], remove: &[RecordId]| lists::ChangeMembers {
            id: id(),
            add: add.to_vec(),
            remove: remove.to_vec(),
        };
        let changed = hub.send(&change(&[ada, bo, RecordId(987_654_321)], &[])).await.expect("members");
        assert_eq!((changed.added().len(), changed.missing()), (2, vec![RecordId(987_654_321)]));
        let page = lists::Members { id: id(), order: lists::Order::Id, limit: 1, after: None };
        assert_eq!(walked(&hub, page).await, 2);
        let of = lists::MembershipsOf { object_type_id: "0-1".to_owned(), record: ada };
        assert_eq!(hub.send(&of).await.expect("lists")[0].list_id, made.id);
        let records = vec![lists::RecordKey::new("0-1", ada)];
        let batch = hub.send(&lists::BatchReadMemberships { records }).await.expect("lists");
        assert_eq!(batch.results[0].memberships.len(), 1);
        let other = hub.send(&lists::Create { list: new(&format!("Other {version}")) }).await.expect("a list");
        hub.send(&lists::AddFromList { id: other.id.clone(), source: id() }).await.expect("copied");
        assert_eq!(hub.send(&change(&[], &[bo])).await.expect("members").removed(), [bo]);
        hub.send(&change(&[bo], &[ada])).await.expect("both at once");
        hub.send(&lists::RemoveAllMembers { id: id() }).await.expect("emptied");
        let renamed = hub.send(&lists::Rename { id: id(), name: format!("Cars {version}") }).await.expect("renamed");
        assert_eq!(renamed.name, format!("Cars {version}"));
        let by_name =
            lists::ReadByName { object_type_id: "0-1".to_owned(), name: renamed.name.clone(), filters: false };
        assert_eq!(hub.send(&by_name).await.expect("a list").id, made.id);
        let many = lists::ReadMany { ids: vec![id(), other.id.clone()], filters: false };
        assert_eq!(hub.send(&many).await.expect("lists").len(), 2);
        let search = lists::Search { query: Some("Cars".to_owned()), count: 1, ..lists::Search::default() };
        assert!(walked(&hub, search).await >= 1);
        hub.send(&lists::Delete { id: id() }).await.expect("deleted");
        assert_eq!(status(&hub.send(&lists::Read { id: id(), filters: false }).await.expect_err("deleted")), 404);
        hub.send(&lists::Restore { id: id() }).await.expect("restored");
        hub.send(&lists::Read { id: id(), filters: true }).await.expect("a list");
    }
    desk.close().await;
}

#[tokio::test(start_paused = true)]
async fn users_owners_and_teams_are_people() {
    let desk = desk().await;
    desk.control("POST", "/_control/seed", r#"{"owners": 4, "teams": ["West", "East"], "roles": ["Sales"]}"#).await;
    for (version, hub) in styles(&desk) {
        let email = format!("new-{version}@example.test");
        let user = users::NewUser { email: email.clone(), ..users::NewUser::default() };
        let made = hub.send(&users::Create { user }).await.expect("a user");
        let key = || users::UserKey::Email(email.clone());
        assert_eq!(hub.send(&users::Read { key: key() }).await.expect("a user").id, made.id, "{version}");
        let teams = hub.send(&users::ListTeams).await.expect("teams");
        assert_eq!(teams.len(), 2);
        assert_eq!(hub.send(&users::ListRoles).await.expect("roles")[0].name, "Sales");
        let change = users::UserChange { primary_team_id: Some(teams[0].id.clone()), ..users::UserChange::default() };
        let key_by_id = users::UserKey::Id(made.id.clone());
        let changed = hub.send(&users::Update { key: key_by_id, change }).await.expect("a change");
        assert_eq!(changed.primary_team_id.as_ref(), Some(&teams[0].id));
        assert!(walked(&hub, users::List { limit: 2, after: None }).await >= 5);
        let all = hub.send(&owners::List::default()).await.expect("owners");
        let owner = all.items.first().expect("an owner");
        let read = owners::Read { key: owners::OwnerKey::User(owner.user_id.expect("a user")), archived: false };
        assert_eq!(hub.send(&read).await.expect("the owner").id, owner.id);
        hub.send(&users::Delete { key: key() }).await.expect("removed");
        assert_eq!(status(&hub.send(&users::Read { key: key() }).await.expect_err("removed")), 404);
    }
    desk.close().await;
}

#[tokio::test(start_paused = true)]
async fn the_account_says_how_much_it_has_of_what_it_may_have() {
    let desk = desk().await;
    for (version, hub) in styles(&desk) {
        created(&hub, contacts(), &[("email", &format!("a-{version}@example.test"))]).await;
        let records = hub.send(&limits_tracking::Records).await.expect("usage");
        let of_contacts = records.standard.iter().find(|usage| usage.object_type_id == "0-1").expect("contacts");
        assert!(of_contacts.usage >= Some(1) && of_contacts.limit > of_contacts.usage, "{version}");
        hub.send(&limits_tracking::Pipelines).await.expect("usage");
        hub.send(&limits_tracking::CustomProperties).await.expect("usage");
        hub.send(&limits_tracking::CalculatedProperties).await.expect("usage");
        assert!(hub.send(&limits_tracking::CustomObjectTypes).await.expect("usage").overall_limit.is_some());
        hub.send(&limits_tracking::AssociationLabels::default()).await.expect("usage");
        assert_eq!(hub.send(&limits_tracking::CrowdedTypes::default()).await.expect("types"), []);
        let crowded = limits_tracking::CrowdedRecords { from: "0-1".to_owned(), to: "0-2".to_owned() };
        assert!(hub.send(&crowded).await.expect("a crowd").limit.is_some());
        let usage = hub.send(&account::DailyUsage).await.expect("usage of the day");
        assert!(usage[0].limit > usage[0].used && usage[0].used >= Some(1));
    }
    desk.close().await;
}

#[tokio::test(start_paused = true)]
async fn the_journal_is_read_with_the_apps_own_token() {
    let desk = desk().await;
    let portal = desk.context.install.portal;
    let app = format!(r#"{{"apps": [{{"app_id": 4242, "portals": [{}]}}]}}"#, portal.0);
    desk.control("POST", "/_control/webhooks", &app).await;
    let hub = desk.hub(Lane::Interactive);
    let client = oauth::Client { id: "client-1".to_owned(), secret: "secret-1".into() };
    let scope = |name: &str| format!("developer.webhooks_journal.{name}");
    let names = ["read", "subscriptions.read", "subscriptions.write", "snapshots.read", "snapshots.write"];
    let grant = oauth::Grant::App { scopes: names.map(scope).to_vec() };
    let token = hub.send(&oauth::Issue { client, grant }).await.expect("an app's token").access_token;
    let store = SqliteStore::in_memory().expect("a store");
    let own = Desk::with_token(desk.simulator.clone(), 1, Tier::Professional, store.stores(), token).await;
    for version in [ApiVersion::V4, ApiVersion::V2026_03] {
        let hub = own.hub(Lane::Interactive).at_version(version);
        let kind = journal::SubscriptionKind::Object {
            portal_id: portal,
            object_type_id: "0-1".to_owned(),
            actions: vec!["CREATE".to_owned()],
            properties: vec!["email".to_owned()],
            object_ids: Vec::new(),
        };
        let made = hub.send(&journal::Subscribe { kind }).await.expect("a subscription");
        let id = || made.id.clone();
        let listed = hub.send(&journal::ListSubscriptions).await.expect("subscriptions");
        assert!(listed.iter().any(|subscription| subscription.id == made.id), "{version}");
        hub.send(&journal::ReadSubscription { id: id() }).await.expect("a subscription");
        created(&desk.hub(Lane::Interactive), contacts(), &[("email", &format!("j-{version}@example.test"))]).await;
        tokio::time::sleep(Duration::from_secs(120)).await;
        let read = |entry| journal::Read { entry, portal: Some(portal) };
        let first = hub.send(&read(journal::Entry::Earliest)).await.expect("an answer").expect("an entry");
        let several = journal::ReadSeveral { entry: journal::Entry::Earliest, count: 10, portal: None };
        let pointers = hub.send(&several).await.expect("entries").results;
        assert_eq!(pointers[0].current_offset, first.current_offset);
        let last = pointers.last().expect("an entry").current_offset.clone();
        let offsets = journal::ReadOffsets { offsets: vec![last.clone()], portal: None };
        assert_eq!(hub.send(&offsets).await.expect("entries").results[0].current_offset, last);
        let latest = hub.send(&read(journal::Entry::Latest)).await.expect("an answer").expect("an entry");
        let beyond = hub.send(&read(journal::Entry::After(latest.current_offset))).await.expect("an answer");
        assert_eq!(beyond, None, "the journal ends");
        hub.send(&journal::DeleteSubscription { id: id() }).await.expect("deleted");
    }
    let refused = desk.hub(Lane::Interactive).send(&journal::ListSubscriptions).await;
    assert!(refused.is_err(), "a token of an account is not the app's");
    own.close().await;
    desk.close().await;
}
