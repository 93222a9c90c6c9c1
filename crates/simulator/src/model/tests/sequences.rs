//! What holds after any sequence of calls.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::{Desk, IndexLag, Portal};
use crate::model::SeedSpec;
use crate::model::property::PropId;
use crate::wire::Millis;

/// Fragments from which calls are put together; some fit each other, many do not.
fn call() -> impl Strategy<Value = (&'static str, String, String)> {
    let method =
        prop_oneof![6 => Just("POST"), 2 => Just("GET"), 2 => Just("PATCH"), 1 => Just("DELETE"), 1 => Just("PUT")];
    let object = prop_oneof![4 => Just("contacts"), 1 => Just("0-3"), 1 => Just("COMPANY"), 1 => Just("line_items"), 1 => Just("nope")];
    let id = (1001_u64..1040).prop_map(|id| id.to_string());
    let tail = prop_oneof![
        3 => Just(String::new()),
        3 => id.clone().prop_map(|id| format!("/{id}")),
        1 => Just("/a1@x.test?idProperty=email".to_owned()),
        4 => prop::sample::select(vec!["read", "create", "update", "upsert", "archive", "%zz"]).prop_map(|verb| format!("/batch/{verb}")),
        1 => Just("/search".to_owned()),
        1 => Just("/merge".to_owned()),
        1 => (id.clone(), id.clone()).prop_map(|(a, b)| format!("/{a}/associations/default/contacts/{b}")),
    ];
    let prefix =
        prop_oneof![4 => Just("/crm/v3/objects/"), 1 => Just("/crm/objects/2026-09/"), 1 => Just("/crm/v4/objects/")];
    let properties = (0..6_u8, any::<bool>(), ".{0,3}").prop_map(|(n, bad, text)| {
        let mut properties = json!({"email": format!("A{n}@x.test"), "firstname": text});
        if bad {
            properties["nope"] = json!(n);
        }
        properties
    });
    let input = (id.clone(), 0..6_u8, properties, 0..3_u8).prop_map(|(id, n, properties, form)| match form {
        0 => json!({"id": id, "properties": properties}),
        1 => json!({"id": format!("a{n}@x.test"), "idProperty": "email", "properties": properties, "objectWriteTraceId": id}),
        _ => json!({"properties": properties, "objectWriteTraceId": n}),
    });
    let body = prop_oneof![
        6 => prop::collection::vec(input.clone(), 0..4).prop_map(|inputs| json!({"inputs": inputs}).to_string()),
        4 => input.prop_map(|input| input.to_string()),
        2 => (id.clone(), id).prop_map(|(a, b)| json!({"primaryObjectId": a, "objectIdToMerge": b}).to_string()),
        1 => ".{0,20}",
    ];
    (method, prefix, object, tail, body)
        .prop_map(|(method, prefix, object, tail, body)| (method, format!("{prefix}{object}{tail}"), body))
}

/// The unique values that the records have.
fn keys_of_records(portal: &Portal) -> BTreeMap<(PropId, String), u64> {
    let kind = portal.catalog.find("contacts").unwrap();
    let contacts = portal.catalog.get(kind);
    let email = contacts.properties.find("email").unwrap();
    let others = contacts.properties.find("hs_additional_emails").unwrap();
    let mut keys = BTreeMap::new();
    for (id, record) in &contacts.records.live {
        let all = record.state.get(others).unwrap_or_default().split(';').chain(record.state.get(email));
        for address in all.filter(|address| !address.is_empty()) {
            assert_eq!(keys.insert((email, address.to_owned()), *id), None, "two records have {address}");
        }
    }
    keys
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_calls_breaks_the_portal(calls in prop::collection::vec((call(), 0_i64..3_000), 1..40)) {
        let start = || Desk::with(|options| options.index_lag = IndexLag::Recorded);
        let (mut desk, mut twin) = (start(), start());
        for ((method, target, body), pause) in calls {
            desk.now += pause;
            twin.now += pause;
            let (one, other) = (desk.answer(method, &target, &body), twin.answer(method, &target, &body));
            prop_assert_eq!(one.status, other.status);
            prop_assert_eq!(one.body, other.body, "the same calls and dice gave other bytes");
        }
        let kind = desk.portal.catalog.find("contacts").unwrap();
        let contacts = &desk.portal.catalog.get(kind).records;
        let index: BTreeMap<(PropId, String), u64> =
            contacts.unique_entries().map(|(id, key, record)| ((id, key.to_owned()), record)).collect();
        prop_assert_eq!(index, keys_of_records(&desk.portal));
        prop_assert!(contacts.index.iter().all(|(id, _)| contacts.live.contains_key(&id)));
        let live: Vec<String> = contacts.live.keys().map(u64::to_string).collect();
        let (_, list) = desk.get("/crm/v3/objects/contacts?limit=100");
        let listed: Vec<String> =
            list["results"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
        prop_assert_eq!(listed, live);
    }

    #[test]
    fn no_path_or_body_panics(path in "/[a-z0-9/%-]{0,40}", query in ".{0,20}", body in any::<String>()) {
        let mut desk = Desk::new();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let status = desk.answer(method, &format!("{path}?{query}"), &body).status;
            prop_assert!((200..600).contains(&status));
        }
    }
}

#[test]
fn seeding_makes_what_it_was_asked_for_and_clearing_removes_it() {
    let mut desk = Desk::new();
    let spec = SeedSpec {
        contacts: 50,
        companies: 5,
        deals: 20,
        line_items: 30,
        products: 10,
        tickets: 3,
        owners: 4,
        associate: true,
        ..SeedSpec::default()
    };
    let mut dice = super::dice(3);
    let report = desk.portal.seed(&spec, Millis(desk.now), &mut dice);
    let expected = [
        ("contacts", 50),
        ("companies", 5),
        ("deals", 20),
        ("line_items", 30),
        ("products", 10),
        ("tickets", 3),
        ("owners", 4),
    ];
    assert_eq!(report.created, expected.map(|(name, count)| (name.to_owned(), count)).into());
    assert_eq!(report.associations, 50 + 2 * 20 + 30 + 3);
    let dump = desk.portal.dump("contacts").unwrap();
    assert_eq!(dump.len(), 50);
    assert_eq!(dump[0]["associations"][0]["toObjectType"], "companies");
    assert!(desk.portal.dump("butterflies").is_err());
    let filled = SeedSpec { contacts: 20, filled: 50, ..SeedSpec::default() };
    desk.portal.seed(&filled, Millis(desk.now), &mut dice);
    let dump = desk.portal.dump("contacts").unwrap();
    let given = |one: &serde_json::Value| {
        let all = one["properties"].as_object().unwrap();
        let usual = ["email", "firstname", "lastname", "phone", "city", "state", "country", "hubspot_owner_id"];
        let given = all.iter().filter(|(name, _)| name.starts_with("seeded_") || usual.contains(&name.as_str()));
        given.map(|(_, value)| value.as_str().unwrap().len()).collect::<Vec<_>>()
    };
    let lengths: Vec<usize> = dump[50..].iter().flat_map(given).collect();
    let mean = lengths.iter().sum::<usize>() / dump[50..].len() / 50;
    assert_eq!(lengths.len(), 50 * 20);
    assert!((11..=13).contains(&mean), "{mean}");
    let found = desk.post(
        "/crm/v3/objects/contacts/search",
        r#"{"filters":[{"propertyName":"seeded_2","operator":"LT","value":"500000"}]}"#,
    );
    assert!((1..20).contains(&found.1["total"].as_u64().unwrap()), "{}", found.1);
    desk.portal.clear_records();
    assert!(desk.portal.record_counts().is_empty());
}
