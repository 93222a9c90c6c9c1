//! What happens to rows after the first sync: they change, move, go, collide; their records are merged and archived.

use std::sync::Arc;

use linchpin_core::schedule::limits::Tier;
use linchpin_core::sync::run::{EntryCounts, Plan, RejectedRow};
use linchpin_engine::sync::{Applied, Unwatched, apply, plan};
use linchpin_simulator::SimOptions;
use linchpin_store_sqlite::SqliteStore;
use linchpin_trials::desk::{Desk, TOKEN, compile, sources};
use linchpin_trials::tables::Tables;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

const MAPPING: &str = r"
sync:
  entries:
    firms:
      source: shop
      table: firms
      key: id
      object: companies
      identity: {unique: trial_firm, create: {label: Trial firm}}
      fields: {trial_firm: id, name: name, city: city}
    people:
      source: shop
      table: people
      key: id
      object: contacts
      identity: {unique: email}
      fields: {email: {column: email, transforms: [lower]}, firstname: name, city: city}
      associations:
        - {to: firms, key: firm}
";

struct World {
    desk: Desk,
    tables: Tables,
}

impl World {
    async fn begin() -> Self {
        let store = SqliteStore::in_memory().expect("a store");
        let desk = Desk::start(SimOptions::default(), Tier::Professional, store.stores()).await;
        let world = Self { desk, tables: Tables::default() };
        world.firms(&[&["f1", "Acme", "Oslo"], &["f2", "Bolt", "Rome"]]);
        world.people(&[&["1", "Ada@x.test", "Ada", "Oslo", "f1"], &["2", "bob@x.test", "Bob", "Rome", "f2"]]);
        let (first, applied) = world.sync().await;
        assert_eq!((applied.created, applied.associated, applied.rejected), (4, 2, 0), "{first:#?}");
        world
    }

    fn firms(&self, rows: &[&[&str]]) {
        self.tables.set("firms", &["id", "name", "city"], rows);
    }

    fn people(&self, rows: &[&[&str]]) {
        self.tables.set("people", &["id", "email", "name", "city", "firm"], rows);
    }

    async fn sync(&self) -> (Plan, Applied) {
        let (_, compiled, portal) = compile(&self.desk, MAPPING).await;
        let sources = sources("shop", Arc::new(self.tables.clone()));
        let run = plan(&self.desk.context, &compiled, &portal, &sources, &Unwatched).await.expect("a plan");
        let stop = CancellationToken::new();
        let applied = apply(&self.desk.context, &compiled, run.id, &Unwatched, &stop).await.expect("it is applied");
        (run.plan.expect("a sealed run has its plan"), applied)
    }

    async fn rejected(&self) -> Vec<RejectedRow> {
        let runs = &self.desk.context.stores.runs;
        let last = runs.recent(self.desk.context.install, 1).await.expect("the runs").remove(0);
        runs.rejected(self.desk.context.install, last.id, 0, 10).await.expect("the rejected rows")
    }

    async fn records(&self, object: &str) -> Vec<Value> {
        let text = self.desk.control("GET", &format!("/_control/dump/{object}"), "").await;
        text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
    }

    async fn contact(&self, email: &str) -> Value {
        let records = self.records("contacts").await;
        records.into_iter().find(|record| text(record, "/properties/email") == email).expect("the contact is there")
    }

    /// A call as another program would make it.
    async fn call(&self, method: &str, path: &str, body: &str) -> u16 {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("http://simulator{path}"))
            .header("authorization", format!("Bearer {TOKEN}"))
            .header("content-type", "application/json")
            .body(body.to_owned().into())
            .expect("a request");
        self.desk.simulator.call(request).await.expect("an answer").status().as_u16()
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The names of the companies that a contact is associated with.
async fn firms_of(world: &World, contact: &Value) -> Vec<String> {
    let companies = world.records("companies").await;
    let ends = contact.pointer("/associations").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut names: Vec<String> = ends
        .iter()
        .filter_map(|end| companies.iter().find(|company| text(company, "/id") == text(end, "/toObjectId")))
        .map(|company| text(company, "/properties/name").to_owned())
        .collect();
    names.sort();
    names.dedup();
    names
}

fn counts(plan: &Plan, entry: usize) -> EntryCounts {
    plan.entries.get(entry).expect("the entry is in the plan").counts
}

#[tokio::test(start_paused = true)]
async fn only_what_changed_is_written_and_then_nothing() {
    let world = World::begin().await;
    world.people(&[&["1", "ada@X.test", "Ada", "Lima", "f1"], &["2", "bob@x.test", "Bob", "", "f2"]]);
    let (changed, applied) = world.sync().await;
    assert_eq!((counts(&changed, 1).updates, counts(&changed, 1).unchanged), (2, 0));
    assert_eq!((applied.updated, applied.created, applied.associated), (2, 0, 0));
    assert_eq!(text(&world.contact("ada@x.test").await, "/properties/city"), "Lima");
    assert_eq!(text(&world.contact("bob@x.test").await, "/properties/city"), "", "a null clears");
    assert!(world.sync().await.0.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_person_who_changes_firms_loses_one_association_and_gets_another() {
    let world = World::begin().await;
    world.people(&[&["1", "ada@x.test", "Ada", "Oslo", "f2"], &["2", "bob@x.test", "Bob", "Rome", ""]]);
    let (_, applied) = world.sync().await;
    assert_eq!((applied.associated, applied.dissociated, applied.updated), (1, 2, 0));
    let (ada, bob) = (world.contact("ada@x.test").await, world.contact("bob@x.test").await);
    assert_eq!(firms_of(&world, &ada).await, ["Bolt"]);
    assert_eq!(firms_of(&world, &bob).await, Vec::<String>::new());
    assert!(world.sync().await.0.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_row_that_is_gone_is_reported_and_its_record_stays() {
    let world = World::begin().await;
    world.people(&[&["1", "ada@x.test", "Ada", "Oslo", "f1"]]);
    let (plan, _) = world.sync().await;
    assert_eq!(counts(&plan, 1).gone, 1);
    assert!(plan.is_empty());
    assert_eq!(world.records("contacts").await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn rows_that_hubspot_would_refuse_are_listed_and_the_rest_goes_through() {
    let world = World::begin().await;
    let long = "x".repeat(70_000);
    world.people(&[
        &["1", "ada@x.test", "Ada", "Oslo", "f1"],
        &["2", "bob@x.test", "Bob", "Rome", "f2"],
        &["3", "no address", "Cy", "Oslo", "f1"],
        &["4", "ADA@x.test", "Twin", "Oslo", "f1"],
        &["5", "eve@x.test", &long, "Oslo", "f1"],
        &["6", "fay@x.test", "Fay", "Oslo", "f1"],
    ]);
    let (plan, applied) = world.sync().await;
    assert_eq!((counts(&plan, 1).rejected, applied.created, applied.rejected), (3, 1, 3));
    let rejected = world.rejected().await;
    let seen: Vec<(&str, &str)> =
        rejected.iter().map(|one| (one.row.key.0.as_str(), one.rejection.code.as_str())).collect();
    assert_eq!(seen.iter().map(|(key, _)| *key).collect::<Vec<_>>(), ["3", "4", "5"], "{rejected:#?}");
    assert!(seen.contains(&("4", "LP2004")));
    assert!(rejected.iter().all(|one| !one.rejection.reason.is_empty() && one.content.contains("Oslo")));
}

#[tokio::test(start_paused = true)]
async fn a_merged_record_is_followed_to_its_survivor() {
    let world = World::begin().await;
    let body = r#"{"properties": {"email": "other@x.test", "firstname": "Other"}}"#;
    assert_eq!(world.call("POST", "/crm/v3/objects/contacts", body).await, 201);
    let (ada, other) = (world.contact("ada@x.test").await, world.contact("other@x.test").await);
    let merge =
        format!(r#"{{"primaryObjectId": "{}", "objectIdToMerge": "{}"}}"#, text(&ada, "/id"), text(&other, "/id"));
    assert_eq!(world.call("POST", "/crm/v3/objects/contacts/merge", &merge).await, 200);
    world.people(&[&["1", "ada@x.test", "Ada", "Lima", "f1"], &["2", "bob@x.test", "Bob", "Rome", "f2"]]);
    let (_, applied) = world.sync().await;
    assert_eq!((applied.updated, applied.rejected), (1, 0));
    let survivor = world.contact("ada@x.test").await;
    assert_ne!(text(&survivor, "/id"), text(&ada, "/id"), "a merge makes a third record");
    assert_eq!(text(&survivor, "/properties/city"), "Lima");
    assert!(world.sync().await.0.is_empty(), "the link follows the survivor");
}

#[tokio::test(start_paused = true)]
async fn an_archived_record_is_told_and_not_made_again() {
    let world = World::begin().await;
    let bob = world.contact("bob@x.test").await;
    let path = format!("/crm/v3/objects/contacts/{}", text(&bob, "/id"));
    assert_eq!(world.call("DELETE", &path, "").await, 204);
    world.people(&[&["1", "ada@x.test", "Ada", "Oslo", "f1"], &["2", "bob@x.test", "Bob", "Lima", "f2"]]);
    let (_, applied) = world.sync().await;
    assert_eq!((applied.updated, applied.rejected), (0, 1));
    let rejected = world.rejected().await;
    assert_eq!(rejected.first().map(|one| one.rejection.code.as_str()), Some("LP3004"));
    assert_eq!(world.records("contacts").await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_person_whom_somebody_else_made_is_found_and_not_made_twice() {
    let world = World::begin().await;
    let body = r#"{"properties": {"email": "gus@x.test", "firstname": "Gustav"}}"#;
    assert_eq!(world.call("POST", "/crm/v3/objects/contacts", body).await, 201);
    world.people(&[
        &["1", "ada@x.test", "Ada", "Oslo", "f1"],
        &["2", "bob@x.test", "Bob", "Rome", "f2"],
        &["7", "Gus@x.test", "Gus", "Oslo", "f1"],
    ]);
    let (plan, applied) = world.sync().await;
    assert_eq!((counts(&plan, 1).creates, counts(&plan, 1).updates), (0, 1));
    assert_eq!((applied.created, applied.updated, applied.associated), (0, 1, 1));
    assert_eq!(text(&world.contact("gus@x.test").await, "/properties/firstname"), "Gus");
}

#[tokio::test(start_paused = true)]
async fn a_firm_that_is_rejected_today_keeps_its_people() {
    let world = World::begin().await;
    world.firms(&[&["f1", &"x".repeat(70_000), "Oslo"], &["f2", "Bolt", "Rome"]]);
    let (plan, applied) = world.sync().await;
    assert_eq!((counts(&plan, 0).rejected, counts(&plan, 0).gone, applied.dissociated), (1, 0, 0));
    let ada = world.contact("ada@x.test").await;
    assert_eq!(firms_of(&world, &ada).await, ["Acme"]);
    assert!(plan.warnings.iter().any(|warning| warning.code == "LP2005"), "{:#?}", plan.warnings);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_moves_to_a_new_row_waits_until_its_record_is_free() {
    let world = World::begin().await;
    world.people(&[
        &["1", "ada.new@x.test", "Ada", "Oslo", "f1"],
        &["2", "bob@x.test", "Bob", "Rome", "f2"],
        &["3", "ada@x.test", "Third", "Lima", "f2"],
    ]);
    let (plan, applied) = world.sync().await;
    assert_eq!((counts(&plan, 1).updates, counts(&plan, 1).rejected, applied.created), (1, 1, 0));
    assert_eq!(text(&world.contact("ada.new@x.test").await, "/properties/firstname"), "Ada");
    let (second, applied) = world.sync().await;
    assert_eq!((counts(&second, 1).creates, applied.created, applied.rejected), (1, 1, 0), "{second:#?}");
    assert_eq!(text(&world.contact("ada@x.test").await, "/properties/firstname"), "Third");
    assert!(world.sync().await.0.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_row_whose_key_changed_takes_its_record_along() {
    let world = World::begin().await;
    world.people(&[&["one", "ada@x.test", "Ada", "Lima", "f1"], &["2", "bob@x.test", "Bob", "Rome", "f2"]]);
    let (plan, applied) = world.sync().await;
    assert_eq!((counts(&plan, 1).creates, counts(&plan, 1).updates, applied.rejected), (0, 1, 0), "{plan:#?}");
    assert_eq!(world.records("contacts").await.len(), 2);
    assert_eq!(firms_of(&world, &world.contact("ada@x.test").await).await, ["Acme"]);
    assert!(world.sync().await.0.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_second_address_of_a_record_makes_no_second_record_and_overwrites_nothing() {
    let world = World::begin().await;
    let body = r#"{"properties": {"email": "second@x.test", "firstname": "Other"}}"#;
    assert_eq!(world.call("POST", "/crm/v3/objects/contacts", body).await, 201);
    let (ada, other) = (world.contact("ada@x.test").await, world.contact("second@x.test").await);
    let merge =
        format!(r#"{{"primaryObjectId": "{}", "objectIdToMerge": "{}"}}"#, text(&ada, "/id"), text(&other, "/id"));
    assert_eq!(world.call("POST", "/crm/v3/objects/contacts/merge", &merge).await, 200);
    world.people(&[
        &["1", "ada@x.test", "Ada", "Oslo", "f1"],
        &["2", "bob@x.test", "Bob", "Rome", "f2"],
        &["3", "second@x.test", "Intruder", "Lima", "f2"],
    ]);
    let (_, applied) = world.sync().await;
    assert_eq!((applied.created, applied.rejected), (0, 1));
    assert_eq!(world.rejected().await.first().map(|one| one.rejection.code.as_str()), Some("LP3002"));
    assert_eq!(text(&world.contact("ada@x.test").await, "/properties/firstname"), "Ada");
}
