//! What search finds by its orders is what looking at every record finds: any records, changes and searches.

use std::cmp::Ordering;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Desk, IndexLag};
use crate::model::filter::{Filter, holds_words, key_at};
use crate::model::record::Snapshot;
use crate::model::seen::{SearchCopy, SortBy};

/// Every record looked at and everything found sorted: how search worked before it had orders.
pub(in crate::model) fn by_looking_at_all(
    copy: &SearchCopy,
    groups: &[Vec<Filter>],
    words: &[String],
    read: &[crate::model::property::PropId],
    by: SortBy,
) -> Vec<u64> {
    let fits = |id: u64, state: &Snapshot| {
        let group_fits = |group: &Vec<Filter>| group.iter().all(|filter| filter.fits(id, state));
        (groups.is_empty() || groups.iter().any(group_fits)) && holds_words(state, read, words)
    };
    let mut hits: Vec<(u64, &Snapshot)> =
        copy.iter().map(|(id, state)| (id, &**state)).filter(|(id, state)| fits(*id, state)).collect();
    match by {
        SortBy::Creation => hits.sort_by_key(|(id, state)| (state.created, *id)),
        SortBy::Property { property, value_type, descending } => hits.sort_by(|(id, state), (other_id, other)| {
            let keys = (key_at(*id, state, property, value_type), key_at(*other_id, other, property, value_type));
            let by_value = match &keys {
                (Some(one), Some(other)) if descending => other.order(one),
                (Some(one), Some(other)) => one.order(other),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => Ordering::Equal,
            };
            by_value.then(id.cmp(other_id))
        }),
    }
    hits.into_iter().map(|(id, _)| id).collect()
}

/// Names and values that often meet: numbers written in several ways, cases, dates, options, nothing.
fn value() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop_oneof![
        3 => prop::sample::select(vec!["1", "1.0", "-2", "10", "9", "0", "-0", ""]).prop_map(|text| ("points", text)),
        2 => prop::sample::select(vec!["Rome", "rome", "Turin", "İzmir", "ΟΔΟΣ", "new york", ""])
            .prop_map(|text| ("city", text)),
        2 => prop::sample::select(vec!["2026-01-01", "2026-02-01", "1769904000000", ""])
            .prop_map(|text| ("closedate", text)),
        1 => prop::sample::select(vec!["NEW", "OPEN", ""]).prop_map(|text| ("hs_lead_status", text)),
        1 => prop::sample::select(vec!["a@x.test", "b@x.test", "c@y.test"]).prop_map(|text| ("email", text)),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Make(Vec<(&'static str, &'static str)>),
    Change(usize, Vec<(&'static str, &'static str)>),
    Archive(usize),
    Merge(usize, usize),
    Link(usize, usize),
    Wait(i64),
    Search(Value),
}

fn filter() -> impl Strategy<Value = Value> {
    let operator = prop::sample::select(vec![
        "EQ",
        "NEQ",
        "LT",
        "LTE",
        "GT",
        "GTE",
        "BETWEEN",
        "IN",
        "NOT_IN",
        "HAS_PROPERTY",
        "NOT_HAS_PROPERTY",
        "CONTAINS_TOKEN",
        "NOT_CONTAINS_TOKEN",
    ]);
    let own = (operator, value(), value(), prop::collection::vec(value(), 0..3)).prop_map(
        |(operator, (name, value), other, more)| {
            let mut values: Vec<&str> = more.into_iter().filter(|(of, _)| *of == name).map(|(_, text)| text).collect();
            values.push(value);
            let high = if other.0 == name { other.1 } else { value };
            json!({"propertyName": name, "operator": operator, "value": value, "highValue": high, "values": values})
        },
    );
    let bookkeeping = (prop::sample::select(vec!["createdate", "lastmodifieddate"]), any::<bool>(), 0_i64..20_000)
        .prop_map(|(name, above, after)| {
            json!({"propertyName": name, "operator": if above { "GTE" } else { "LT" },
                   "value": (super::NINE + after).to_string()})
        });
    let id = (1001_u64..1100).prop_map(|id| json!({"propertyName": "hs_object_id", "operator": "GT", "value": id}));
    let linked =
        (2001_u64..2040).prop_map(|id| json!({"propertyName": "associations.company", "operator": "EQ", "value": id}));
    prop_oneof![8 => own, 2 => bookkeeping, 1 => id, 1 => linked]
}

fn search() -> impl Strategy<Value = Value> {
    let groups = prop::collection::vec(prop::collection::vec(filter(), 0..4), 0..3);
    let sort = prop_oneof![
        2 => Just(json!([])),
        3 => prop::sample::select(vec![
            "points", "-points", "city", "-city", "closedate", "-createdate", "-hs_object_id", "-lastmodifieddate",
        ])
        .prop_map(|sort| json!([sort])),
    ];
    let query = prop::sample::select(vec!["", "", "", "", "rome", "x.test"]);
    (groups, sort, query, 0_usize..6, 0_usize..6).prop_map(|(groups, sorts, query, limit, after)| {
        let groups: Vec<Value> = groups.into_iter().map(|filters| json!({"filters": filters})).collect();
        json!({"filterGroups": groups, "sorts": sorts, "query": query, "limit": limit, "after": after})
    })
}

fn step() -> impl Strategy<Value = Step> {
    let values = || prop::collection::vec(value(), 0..4);
    prop_oneof![
        6 => values().prop_map(Step::Make),
        5 => (any::<prop::sample::Index>(), values()).prop_map(|(at, values)| Step::Change(at.index(64), values)),
        2 => any::<prop::sample::Index>().prop_map(|at| Step::Archive(at.index(64))),
        1 => (0_usize..64, 0_usize..64).prop_map(|(one, other)| Step::Merge(one, other)),
        1 => (0_usize..64, 0_usize..64).prop_map(|(one, other)| Step::Link(one, other)),
        3 => (0_i64..4_000).prop_map(Step::Wait),
        8 => search().prop_map(Step::Search),
    ]
}

fn body(values: &[(&'static str, &'static str)]) -> String {
    let mut properties = json!({});
    for (name, value) in values {
        properties[*name] = json!(value);
    }
    json!({"properties": properties}).to_string()
}

fn check(desk: &mut Desk, search: &Value) -> Result<(), TestCaseError> {
    let (status, found) = desk.post("/crm/v3/objects/contacts/search", &search.to_string());
    let expected = desk.portal.search_by_looking_at_all("contacts", &search.to_string(), desk.now);
    let Some(expected) = expected else {
        prop_assert_eq!(status, 400);
        return Ok(());
    };
    prop_assert_eq!(status, 200);
    prop_assert_eq!(found["total"].as_u64(), Some(expected.len() as u64), "{}", search);
    let ids: Vec<u64> =
        found["results"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().parse().unwrap()).collect();
    let part = |name: &str| usize::try_from(search[name].as_u64().unwrap()).unwrap();
    let page: Vec<u64> = expected.into_iter().skip(part("after")).take(part("limit")).collect();
    prop_assert_eq!(ids, page, "{}", search);
    Ok(())
}

fn play(desk: &mut Desk, step: Step) -> Result<(), TestCaseError> {
    let ids: Vec<u64> = {
        let kind = desk.portal.catalog.find("contacts").unwrap();
        desk.portal.catalog.get(kind).records.live.keys().copied().collect()
    };
    let pick = |at: usize| ids.get(at % ids.len().max(1)).copied().unwrap_or(1);
    match step {
        Step::Make(values) => drop(desk.post("/crm/v3/objects/contacts", &body(&values))),
        Step::Change(at, values) => {
            drop(desk.send("PATCH", &format!("/crm/v3/objects/contacts/{}", pick(at)), &body(&values)));
        }
        Step::Archive(at) => drop(desk.send("DELETE", &format!("/crm/v3/objects/contacts/{}", pick(at)), "")),
        Step::Merge(one, other) => {
            let body = json!({"primaryObjectId": pick(one).to_string(), "objectIdToMerge": pick(other).to_string()});
            desk.post("/crm/v3/objects/contacts/merge", &body.to_string());
        }
        Step::Link(one, company) => {
            let target =
                format!("/crm/v4/objects/contacts/{}/associations/default/companies/{}", pick(one), 2_001 + company);
            desk.send("PUT", &target, "");
        }
        Step::Wait(ms) => desk.now += ms,
        Step::Search(search) => check(desk, &search)?,
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_search_finds_what_looking_at_every_record_finds(
        lag in any::<bool>(),
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut desk = Desk::with(|options| {
            options.index_lag = if lag { IndexLag::Recorded } else { IndexLag::Off };
            options.late_properties = true;
        });
        let number = json!({"name": "points", "label": "Points", "type": "number", "fieldType": "number",
                            "groupName": "contactinformation"});
        prop_assert_eq!(desk.post("/crm/v3/properties/contacts", &number.to_string()).0, 201);
        for n in 0..5 {
            desk.make("companies", &format!(r#"{{"name":"Company {n}"}}"#));
        }
        for step in steps {
            play(&mut desk, step)?;
        }
        for name in ["points", "-city", "createdate", "-lastmodifieddate"] {
            check(&mut desk, &json!({"sorts": [name], "limit": 100, "after": 0}))?;
        }
    }
}

#[test]
fn records_that_come_back_or_come_late_are_found_in_their_order() {
    use std::sync::Arc;

    use crate::model::property::OBJECT_ID;
    use crate::wire::Millis;

    let mut copy = SearchCopy::default();
    let state = |created| Arc::new(Snapshot::new(Millis(created)));
    let ids = |copy: &mut SearchCopy, by| {
        let hits = copy.hits(&[], &[], &[]);
        copy.page(&hits, by, 0, 100).into_iter().map(|(id, _)| id).collect::<Vec<u64>>()
    };
    let upwards = SortBy::Property {
        property: OBJECT_ID,
        value_type: crate::model::property::ValueType::Number,
        descending: false,
    };
    for id in [10, 20, 30, 40] {
        copy.insert(id, state(i64::try_from(id).unwrap()));
    }
    assert_eq!(ids(&mut copy, upwards), [10, 20, 30, 40]);
    copy.insert(50, state(15));
    copy.insert(25, state(25));
    assert_eq!(ids(&mut copy, SortBy::Creation), [10, 50, 20, 25, 30, 40]);
    for id in [10, 20, 30, 40, 25] {
        copy.remove(id);
    }
    copy.insert(20, state(20));
    copy.insert(10, state(10));
    assert_eq!(ids(&mut copy, SortBy::Creation), [10, 50, 20]);
    assert_eq!(ids(&mut copy, upwards), [10, 20, 50]);
    assert!(copy.get(30).is_none());
}
