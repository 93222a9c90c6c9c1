//! What links, mirror and budget records promise. Each function panics when its sentence is not kept.
#![expect(clippy::missing_panics_doc, reason = "panicking is how a conformance test fails")]

use linchpin_core::sync::desired::{RowId, SourceKey};
use linchpin_core::sync::link::Link;
use linchpin_core::time::Wall;
use linchpin_hubspot::id::{ObjectType, RecordId};

use super::Home;
use super::fixtures::{INSTALL, NOW, OTHER, body, contact, contacts, entry, key, link, person, run};
use crate::budget::BudgetRecord;
use crate::mirror::MirrorRecord;
use crate::runs::PlanChunk;
use crate::store::Stores;

async fn linked(stores: &Stores, links: Vec<Link>) {
    stores.runs.begin(INSTALL, run(1), 7, NOW).await.expect("a run begins");
    stores.runs.extend(INSTALL, run(1), PlanChunk { links, ..PlanChunk::default() }).await.expect("a chunk is added");
}

/// Links come in the order of the keys asked for, `None` where there is none, twice where asked twice.
pub async fn links_come_in_the_order_of_the_keys<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    linked(&stores, vec![link("a", 1, "Ann"), link("b", 2, "Bea")]).await;
    let wanted = [key("b"), key("x"), key("a"), key("b")];
    let found = stores.links.get(INSTALL, &entry("people"), &wanted).await.expect("links");
    assert_eq!(found, [Some(link("b", 2, "Bea")), None, Some(link("a", 1, "Ann")), Some(link("b", 2, "Bea"))]);
    assert_eq!(stores.links.get(INSTALL, &entry("firms"), &[key("a")]).await.expect("links"), [None]);
    assert_eq!(stores.links.get(INSTALL, &entry("people"), &[]).await.expect("links"), []);
}

/// The record of a row and the row of a record are found, of any entry and of one type.
pub async fn records_and_rows_are_found_from_either_side<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let firm = RowId { entry: entry("firms"), key: key("a") };
    let firm_link = Link { row: firm.clone(), object_type: ObjectType::new("companies"), ..link("a", 1, "Acme") };
    linked(&stores, vec![link("a", 1, "Ann"), firm_link, link("b", 2, "Bea")]).await;
    let rows = [firm.clone(), person("b"), person("x"), person("a")];
    let records = stores.links.records(INSTALL, &rows).await.expect("records");
    assert_eq!(records, [Some(RecordId(1)), Some(RecordId(2)), None, Some(RecordId(1))]);
    let wanted = [RecordId(2), RecordId(3), RecordId(1)];
    let found = stores.links.rows(INSTALL, &contacts(), &wanted).await.expect("rows");
    assert_eq!(found, [Some(person("b")), None, Some(person("a"))]);
    let found = stores.links.rows(INSTALL, &ObjectType::new("companies"), &wanted).await.expect("rows");
    assert_eq!(found, [None, None, Some(firm)]);
}

/// The keys of linked rows ascend, after `after`, at most `limit`.
pub async fn keys_come_in_pages<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    linked(&stores, ["b", "10", "ä", "a", "9", ""].map(|of| link(of, 1, of)).to_vec()).await;
    let mut all: Vec<SourceKey> = Vec::new();
    loop {
        let page = stores.links.keys(INSTALL, &entry("people"), all.last(), 2).await.expect("keys");
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        all.extend(page);
    }
    assert_eq!(all, ["", "10", "9", "a", "b", "ä"].map(key));
    assert_eq!(stores.links.keys(INSTALL, &entry("firms"), None, 2).await.expect("keys"), []);
}

/// Links are counted by entry, each row once.
pub async fn links_are_counted_by_entry<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    linked(&stores, vec![link("a", 1, "Ann"), link("b", 2, "Bea"), link("a", 3, "Ann")]).await;
    assert_eq!(stores.links.count(INSTALL, &entry("people")).await.expect("a count"), 2);
    assert_eq!(stores.links.count(INSTALL, &entry("firms")).await.expect("a count"), 0);
    assert_eq!(stores.links.count(OTHER, &entry("people")).await.expect("a count"), 0);
}

/// Properties that a record does not carry keep their stored values; those it carries replace them.
pub async fn a_mirrored_record_keeps_properties_it_does_not_carry<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let first = contact(1, &[("a", Some("1")), ("b", Some("2")), ("c", Some("3"))]);
    let second = MirrorRecord {
        archived: true,
        updated_at: Some("later".to_owned()),
        ..contact(1, &[("b", None), ("c", Some("4"))])
    };
    stores.mirror.put(INSTALL, vec![first]).await.expect("records are stored");
    stores.mirror.put(INSTALL, vec![second.clone()]).await.expect("records are stored");
    let found = stores.mirror.get(INSTALL, &contacts(), &[RecordId(1)]).await.expect("records");
    let merged = MirrorRecord {
        properties: contact(1, &[("a", Some("1")), ("b", None), ("c", Some("4"))]).properties,
        ..second
    };
    assert_eq!(found, [Some(merged)]);
}

/// A body comes back byte for byte, and is forgotten when the record is stored without one.
pub async fn a_body_is_kept_byte_for_byte_until_the_record_is_stored_without_one<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let whole = body(r#"{"id":"1", "properties" : {"name":"Z\u00fcrich \/ ü","n":1.50}}"#);
    let record = MirrorRecord { body: Some(whole), ..contact(1, &[]) };
    for (put, kept) in [(record.clone(), record.clone()), (contact(1, &[]), contact(1, &[])), (record.clone(), record)]
    {
        stores.mirror.put(INSTALL, vec![put]).await.expect("a record is stored");
        let found = stores.mirror.get(INSTALL, &contacts(), &[RecordId(1)]).await.expect("records");
        assert_eq!(found, [Some(kept)]);
    }
}

/// Mirrored records come in the order of the ids asked for.
pub async fn mirrored_records_come_in_the_order_of_the_ids<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    stores.mirror.put(INSTALL, vec![contact(1, &[]), contact(2, &[])]).await.expect("records are stored");
    let wanted = [RecordId(2), RecordId(9), RecordId(1)];
    let found = stores.mirror.get(INSTALL, &contacts(), &wanted).await.expect("records");
    assert_eq!(found, [Some(contact(2, &[])), None, Some(contact(1, &[]))]);
    let found = stores.mirror.get(INSTALL, &ObjectType::new("deals"), &wanted).await.expect("records");
    assert_eq!(found, [None, None, None]);
}

/// The highest id of a type is zero when none is known.
pub async fn the_highest_id_is_zero_when_none_is_known<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let highest = async || stores.mirror.highest(INSTALL, &contacts()).await.expect("an id");
    assert_eq!(highest().await, RecordId(0));
    let deal = MirrorRecord { object_type: ObjectType::new("deals"), ..contact(99, &[]) };
    stores.mirror.put(INSTALL, vec![contact(10, &[]), contact(9, &[]), deal]).await.expect("records are stored");
    assert_eq!(highest().await, RecordId(10));
}

/// Mirrored records are counted once, however often they are stored.
pub async fn mirrored_records_are_counted_once<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    for _ in 0..2 {
        let records = vec![contact(1, &[]), contact(2, &[]), contact(1, &[])];
        stores.mirror.put(INSTALL, records).await.expect("records are stored");
    }
    assert_eq!(stores.mirror.count(INSTALL, &contacts()).await.expect("a count"), 2);
    assert_eq!(stores.mirror.count(INSTALL, &ObjectType::new("deals")).await.expect("a count"), 0);
}

/// A budget record is replaced as a whole, belongs to one install, and survives a crash.
pub async fn a_budget_record_is_replaced_and_survives_a_crash<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    assert_eq!(stores.budget.load(INSTALL).await.expect("an answer"), None);
    let first = BudgetRecord { may_send_until: Wall(5), window: Some(vec![1, 0, 255]) };
    let second = BudgetRecord { may_send_until: Wall(-6), window: None };
    stores.budget.save(INSTALL, first.clone()).await.expect("a record is saved");
    assert_eq!(stores.budget.load(INSTALL).await.expect("an answer"), Some(first));
    stores.budget.save(INSTALL, second.clone()).await.expect("a record is saved");
    home.crash().await;
    drop(stores);
    let stores = home.open().await;
    assert_eq!(stores.budget.load(INSTALL).await.expect("an answer"), Some(second));
    assert_eq!(stores.budget.load(OTHER).await.expect("an answer"), None);
}
