//! Typed calls, pages and batches.

use std::time::Duration;

use futures_util::TryStreamExt;
use linchpin::hubspot::id::{ObjectType, RecordId};
use linchpin::hubspot::objects::{CreateInput, UpdateInput, UpsertInput};
use linchpin::hubspot::search::{Compare, Filter, Search, Sort};
use linchpin::hubspot::version::ApiVersion;
use linchpin::hubspot::{account, owners};
use linchpin::{Error, Lane, Tier};

use crate::{APP, simulator, stat, towards};

fn contact(number: usize) -> CreateInput {
    CreateInput::of([("email", format!("c{number}@example.test")), ("city", "Bergen".to_owned())])
}

#[tokio::test]
async fn a_record_lives_from_create_to_archive() {
    let simulator = simulator().await;
    let hubspot = towards(&simulator).open().await.expect("an open door");
    assert_eq!(hubspot.install().app.0, APP);
    let made = hubspot.create("contact", [("email", "ada@example.test")]).await.expect("a record");
    let changed = hubspot.update("contacts", made.id, [("city", "Oslo")]).await.expect("a change");
    assert_eq!(changed.id, made.id);
    let read = hubspot.at_version(ApiVersion::V3).read("0-1", made.id, &["city"]).await.expect("a record");
    assert_eq!(read.value("city"), Some("Oslo"));
    hubspot.archive("contacts", made.id).await.expect("archived");
    let gone = hubspot.read("contacts", made.id, &[]).await.expect_err("archived");
    assert_eq!((gone.code(), gone.refusal().map(|refused| refused.status)), ("LP3030", Some(404)));
    let details = hubspot.send(&account::Details).await.expect("details");
    assert_eq!(details.portal_id, hubspot.install().portal);
    hubspot.close().await.expect("closed in good order");
    simulator.stop().await;
}

#[tokio::test]
async fn a_known_address_is_a_conflict_that_names_the_record() {
    let simulator = simulator().await;
    let hubspot = towards(&simulator).open().await.expect("an open door");
    let made = hubspot.create("contacts", [("email", "ada@example.test")]).await.expect("a record");
    let again = hubspot.create("contacts", [("email", "Ada@example.test")]).await.expect_err("known");
    let refusal = again.refusal().expect("HubSpot refused");
    assert_eq!((refusal.status, refusal.existing_id()), (409, Some(made.id)));
    simulator.stop().await;
}

#[tokio::test]
async fn batches_and_pages_hold_any_number_of_records() {
    let simulator = simulator().await;
    let hubspot = towards(&simulator).open().await.expect("an open door");
    let made = hubspot.create_all("contacts", (0..250).map(contact).collect()).await;
    assert!(made.is_complete() && made.results.len() == 250, "{:?}", made.failed);
    let before = stat(&simulator, "requests").await;
    let ids: Vec<RecordId> = made.results.iter().map(|result| result.record.id).collect();
    let read = hubspot.read_all("contacts", &ids, &["email"]).await;
    assert_eq!((read.results.len(), read.is_complete()), (250, true));
    assert_eq!(stat(&simulator, "requests").await - before, 3, "three calls for 250 records");
    let one_more = [ids.as_slice(), &[RecordId(999_999_999)]].concat();
    let partly = hubspot.read_all("contacts", &one_more, &[]).await;
    assert_eq!((partly.results.len(), partly.errors.len()), (250, 1));
    let listed = hubspot.list("contacts", &["email"]).all().await.expect("all pages");
    assert!(listed.len() == 250 && listed.is_sorted_by_key(|record| record.id));
    let search = || Search::of(ObjectType::new("contacts")).all_of([Filter::compare("city", Compare::Eq, "Bergen")]);
    let sorted = search().sorted(Sort::ascending("hs_object_id")).paged_by(100);
    let found: Vec<_> = hubspot.pages(sorted).into_stream().try_collect().await.expect("all pages");
    assert_eq!(found.len(), 250);
    assert_eq!(hubspot.pages(owners::List::default()).all().await.expect("owners"), []);
    let update = |id: &RecordId| UpdateInput {
        id: id.to_string(),
        id_property: None,
        properties: [("city".to_owned(), "Oslo".to_owned())].into(),
        trace_id: None,
    };
    assert_eq!(hubspot.update_all("contacts", ids.iter().map(update).collect()).await.results.len(), 250);
    let upsert = |number: usize| UpsertInput {
        id: format!("c{number}@example.test"),
        id_property: "email".to_owned(),
        properties: [("firstname".to_owned(), "C".to_owned())].into(),
        trace_id: Some(number.to_string()),
    };
    let upserted = hubspot.upsert_all("contacts", (200..300).map(upsert).collect()).await;
    assert_eq!(upserted.results.iter().filter(|result| result.new == Some(true)).count(), 50);
    hubspot.archive_all("contacts", ids).await.expect("archived");
    assert_eq!(hubspot.list("contacts", &[]).all().await.expect("the rest").len(), 50);
    assert_eq!(stat(&simulator, "rate_limited").await, 0);
    simulator.stop().await;
}

#[tokio::test]
async fn a_batch_that_fails_says_which_inputs_it_held() {
    let simulator = simulator().await;
    let hubspot = towards(&simulator).open().await.expect("an open door");
    let mut inputs: Vec<CreateInput> = (0..150).map(contact).collect();
    inputs[120].properties.insert("no_such_property".to_owned(), "x".to_owned());
    let made = hubspot.create_all("contacts", inputs).await;
    assert_eq!(made.results.len(), 100);
    assert_eq!((made.failed[0].first, made.failed[0].inputs, made.failed[0].error.code()), (100, 50, "LP3030"));
    simulator.stop().await;
}

#[tokio::test]
async fn what_is_too_large_is_not_sent() {
    let simulator = simulator().await;
    let hubspot = towards(&simulator).open().await.expect("an open door");
    let before = stat(&simulator, "requests").await;
    let search = Search::of(ObjectType::new("contacts")).all_of(vec![Filter::has("email", true); 7]);
    let refused = hubspot.send(&search).await.expect_err("seven filters");
    assert_eq!(refused.code(), "LP3033");
    assert!(matches!(refused, Error::Call(_)) && refused.refusal().is_none());
    assert_eq!(stat(&simulator, "requests").await, before);
    simulator.stop().await;
}

#[tokio::test]
async fn lanes_and_deadlines_are_the_callers() {
    let simulator = simulator().await;
    let hubspot = towards(&simulator).tier(Tier::Free).open().await.expect("an open door");
    let bulk = hubspot.in_lane(Lane::Bulk).within(Duration::from_secs(30));
    bulk.create("contacts", [("email", "ada@example.test")]).await.expect("a record");
    // Once the window is spent, whoever cannot wait is told so at once instead of meeting a 429.
    let hurried = hubspot.within(Duration::from_millis(500));
    let mut refused = None;
    for _ in 0..100 {
        refused = hurried.send(&account::Details).await.err();
        if refused.is_some() {
            break;
        }
    }
    assert_eq!(refused.expect("a window has an end").code(), "LP3015");
    assert_eq!(stat(&simulator, "rate_limited").await, 0);
    simulator.stop().await;
}
