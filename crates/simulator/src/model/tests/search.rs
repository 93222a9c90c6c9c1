//! Search and its lag.

use serde_json::{Value, json};

use super::{Desk, IndexLag};
use crate::wire::Millis;

fn search(desk: &mut Desk, body: &Value) -> (u16, Value) {
    desk.post("/crm/v3/objects/contacts/search", &body.to_string())
}

fn by_email(email: &str) -> Value {
    json!({"filterGroups": [{"filters": [{"propertyName": "email", "operator": "EQ", "value": email}]}]})
}

#[test]
fn search_sees_a_new_record_after_seconds_and_an_archived_one_never_again() {
    let mut desk = Desk::with(|options| options.index_lag = IndexLag::Recorded);
    let id = desk.make("contacts", r#"{"email":"ada@x.test"}"#);
    let made = desk.now;
    desk.now = made + 2_499;
    assert_eq!(search(&mut desk, &by_email("ada@x.test")).1["total"], 0);
    desk.now = made + 6_000;
    assert_eq!(search(&mut desk, &by_email("ADA@x.test")).1["total"], 1);
    desk.send("DELETE", &format!("/crm/v3/objects/contacts/{id}"), "");
    assert_eq!(search(&mut desk, &by_email("ada@x.test")).1["total"], 0);
}

#[test]
fn the_lag_follows_the_recorded_table() {
    let mut desk = Desk::with(|options| options.index_lag = IndexLag::Recorded);
    let made = desk.now;
    for n in 0..1_000 {
        desk.make("contacts", &format!(r#"{{"email":"c{n}@x.test"}}"#));
    }
    let mut seen = Vec::new();
    for after in [2_499, 3_500, 5_500, 6_000] {
        desk.portal.advance(Millis(made + after));
        desk.now = made + after;
        seen.push(search(&mut desk, &json!({"limit": 1})).1["total"].as_u64().unwrap());
    }
    assert_eq!((seen[0], seen[3]), (0, 1_000));
    assert!((60..130).contains(&seen[1]) && (700..800).contains(&seen[2]), "{seen:?}");
    assert_eq!(desk.portal.next_due(), None);
}

#[test]
fn pages_are_offsets_and_end_at_ten_thousand() {
    let mut desk = Desk::new();
    for n in 0..5 {
        desk.make("contacts", &format!(r#"{{"email":"c{n}@x.test","city":"City {n}"}}"#));
    }
    let (_, page) = search(&mut desk, &json!({"limit": "2", "after": "", "sorts": ["-city"], "properties": ["city"]}));
    assert_eq!((&page["total"], &page["paging"]), (&json!(5), &json!({"next": {"after": "2"}})));
    assert_eq!(page["results"][0]["properties"]["city"], "City 4");
    let (_, last) = search(&mut desk, &json!({"limit": 2, "after": 4}));
    assert!(last.get("paging").is_none());
    for body in [json!({"limit": 201}), json!({"limit": 200, "after": "9801"}), json!({"query": "x".repeat(3_001)})] {
        let (status, refusal) = search(&mut desk, &body);
        assert_eq!((status, &refusal["message"]), (400, &json!("There was a problem with the request.")));
    }
}

#[test]
fn every_operator_finds_what_it_should() {
    let mut desk = Desk::new();
    let rows = [
        r#"{"email":"ada@alpha.test","city":"Turin","hs_lead_status":"NEW","closedate":"2026-01-01"}"#,
        r#"{"email":"bob@beta.test","city":"Rome","hs_lead_status":"OPEN","closedate":"2026-02-01"}"#,
        r#"{"email":"cy@beta.test","closedate":"2026-03-01"}"#,
    ];
    for row in rows {
        desk.make("contacts", row);
    }
    let cases = [
        (json!({"propertyName": "city", "operator": "EQ", "value": "turin"}), 1),
        (json!({"propertyName": "hs_lead_status", "operator": "EQ", "value": "new"}), 0),
        (json!({"propertyName": "city", "operator": "NEQ", "value": "Turin"}), 1),
        (json!({"propertyName": "city", "operator": "IN", "values": ["turin", "rome"]}), 2),
        (json!({"propertyName": "city", "operator": "NOT_IN", "values": ["turin"]}), 1),
        (json!({"propertyName": "city", "operator": "HAS_PROPERTY"}), 2),
        (json!({"propertyName": "city", "operator": "NOT_HAS_PROPERTY"}), 1),
        (json!({"propertyName": "email", "operator": "CONTAINS_TOKEN", "value": "*beta.test"}), 2),
        (json!({"propertyName": "email", "operator": "NOT_CONTAINS_TOKEN", "value": "beta"}), 1),
        (json!({"propertyName": "closedate", "operator": "GTE", "value": "1769904000000"}), 2),
        (json!({"propertyName": "closedate", "operator": "GT", "value": "2026-02-01T00:00:00.000000Z"}), 1),
        (json!({"propertyName": "closedate", "operator": "LT", "value": "2026-02-01"}), 1),
        (json!({"propertyName": "closedate", "operator": "LTE", "value": "2026-02-01"}), 2),
        (
            json!({"propertyName": "closedate", "operator": "BETWEEN", "value": "2026-01-01", "highValue": "2026-02-01"}),
            2,
        ),
    ];
    for (filter, found) in cases {
        let (status, body) = search(&mut desk, &json!({"filters": [filter]}));
        assert_eq!((status, &body["total"]), (200, &json!(found)), "{filter}");
    }
    assert_eq!(search(&mut desk, &json!({"query": "beta"})).1["total"], 2);
    assert_eq!(search(&mut desk, &json!({"filterGroup": []})).1["total"], 3, "a misspelt key is ignored");
}

#[test]
fn searches_that_are_too_large_or_not_understood_are_refused() {
    let mut desk = Desk::new();
    let filter = json!({"propertyName": "city", "operator": "HAS_PROPERTY"});
    let group = |n: usize| json!({"filters": vec![filter.clone(); n]});
    assert_eq!(search(&mut desk, &json!({"filterGroups": vec![group(3); 5]})).0, 200);
    for groups in [vec![group(1); 6], vec![group(7)], vec![group(6), group(6), group(6), group(1)]] {
        assert_eq!(search(&mut desk, &json!({"filterGroups": groups})).0, 400);
    }
    for (filter, message) in [
        (json!({"propertyName": "nonsense", "operator": "EQ", "value": "1"}), "There was a problem with the request."),
        (
            json!({"operator": "EQ"}),
            "Invalid input JSON on line 1, column 2: Cannot build Filter, some of required attributes are not set [propertyName, operator]",
        ),
        (
            json!({"propertyName": "city", "operator": "BETWEEN", "value": "1"}),
            "Invalid input JSON on line 1, column 2: Cannot construct instance of `Filter`, problem: operator BETWEEN requires a highValue",
        ),
    ] {
        let (status, body) = search(&mut desk, &json!({"filters": [filter]}));
        assert_eq!((status, &body["message"]), (400, &json!(message)));
    }
}
