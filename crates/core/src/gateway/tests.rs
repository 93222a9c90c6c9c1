//! The table of who travels alone, and the cutting of answers, with answers written by hand.

use bytes::Bytes;
use http::{HeaderMap, Method};
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::id::{AppId, Install, ObjectType, PortalId};
use linchpin_hubspot::routes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::compose::compose;
use super::cut::{Cut, Parts, cut};
use super::join::{Alone, Definitions, INPUT_BYTES_MAX, Incoming, Input, Joined, join};

const INSTALL: Install = Install { portal: PortalId(48_151_623), app: AppId(7_007) };

/// Everything is known but `unheard_of` and names that begin with `secret`; `email` is unique.
struct Book;

impl Definitions for Book {
    fn is_plain(&self, _object_type: &ObjectType, property: &str) -> bool {
        property != "unheard_of" && !property.starts_with("secret")
    }

    fn is_unique(&self, _object_type: &ObjectType, property: &str) -> bool {
        property == "email"
    }
}

fn joined(method: &Method, target: &str, body: &str) -> Result<Joined, Alone> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let query: Vec<(String, String)> = pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let route = routes::classify(method, path);
    let body = Bytes::copy_from_slice(body.as_bytes());
    join(&Incoming { install: INSTALL, route: &route, query: &query, body: &body }, &Book)
}

const DEFAULT: &str = "/crm/v4/objects/contacts/901/associations/default/companies/5501";

/// The association of two records, or with DELETE its end.
fn pair(method: &Method, from: &str, to: &str) -> Joined {
    let default = if method == Method::PUT { "default/" } else { "" };
    let (from_type, from_id) = from.split_once('/').unwrap();
    let target = format!("/crm/v4/objects/{from_type}/{from_id}/associations/{default}{to}");
    joined(method, &target, "").unwrap()
}

#[test]
fn a_pair_stands_in_a_batch_once_from_whichever_end() {
    let record = |from, to| pair(&Method::PUT, from, to).join.record;
    let one = record("contacts/901", "companies/5501");
    assert!(pair(&Method::PUT, "contacts/901", "companies/5501").join.writes);
    assert_eq!(record("companies/5501", "contacts/901"), one);
    assert_eq!(pair(&Method::DELETE, "0-2/5501", "0-1/901").join.record, one);
    // Numbers the other way round: its results would read like the first pair's.
    assert_eq!(record("contacts/5501", "companies/901"), one);
    assert_ne!(record("contacts/901", "companies/5502"), one);
    assert_ne!(record("contacts/901", "deals/5501"), one);
}

#[test]
fn who_associates_gets_the_results_of_its_pair_and_nobody_elses() {
    let calls = ["companies/11", "companies/12", "companies/13", "companies/14"]
        .map(|to| pair(&Method::PUT, "contacts/901", to));
    let calls: Vec<&Joined> = calls.iter().collect();
    let call = compose(&calls[0].group, &[&calls[0].input, &calls[1].input]).unwrap();
    assert_eq!(call.target(), "/crm/v4/associations/contacts/companies/batch/associate/default");
    let written = r#"{"inputs":[{"from":{"id":"901"},"to":{"id":"11"}},{"from":{"id":"901"},"to":{"id":"12"}}]}"#;
    assert_eq!((call.cost, call.body.as_deref()), (calls[0].cost, Some(written.as_bytes())));
    let body = r#"{"completedAt":"c","status":"COMPLETE","results":[{"from":{"id":"12"},"to":{"id":"901"}, "n":1.50},
        {"from":{"id":"901"},"to":{"id":"11"}},{"from":{"id":"901"},"to":{"id":"12"}},{"from":{"id":"14"},"to":{"id":"901"}},
        {"from":{"id":"77"},"to":{"id":"13"}}],"startedAt":"s","errors":[{"category":"OBJECT_NOT_FOUND"}],"numErrors":1}"#;
    for odd in [json!([]), json!({"results": 5}), json!({"status": "COMPLETE"})] {
        assert!(matches!(each(&calls, &answer(200, &odd))[0], Cut::Alone), "{odd}");
    }
    let each = each(&calls, &Answer { body: Bytes::from(body), ..answer(207, &Value::Null) });
    let framed =
        |results: &str| format!(r#"{{"completedAt":"c","status":"COMPLETE","results":[{results}],"startedAt":"s"}}"#);
    assert_eq!(share(&each[0]), (200, framed(r#"{"from":{"id":"901"},"to":{"id":"11"}}"#)));
    let both = r#"{"from":{"id":"12"},"to":{"id":"901"}, "n":1.50},{"from":{"id":"901"},"to":{"id":"12"}}"#;
    assert_eq!(share(&each[1]), (200, framed(both)));
    assert!(matches!(each[2], Cut::Alone), "it failed, or answers under another id");
    assert!(matches!(each[3], Cut::Alone), "only the other direction");
}

#[test]
fn who_parts_two_records_hears_nothing_unless_something_went_wrong() {
    let calls = ["companies/11", "companies/12"].map(|to| pair(&Method::DELETE, "contacts/901", to));
    let calls: Vec<&Joined> = calls.iter().collect();
    let call = compose(&calls[0].group, &[&calls[0].input]).unwrap();
    assert_eq!(call.target(), "/crm/v4/associations/contacts/companies/batch/archive");
    assert_eq!(call.body.unwrap(), r#"{"inputs":[{"from":{"id":"901"},"to":[{"id":"11"}]}]}"#);
    for status in [200, 204] {
        let each = each(&calls, &answer(status, &json!({"status": "COMPLETE"})));
        assert!(each.iter().all(|cut| share(cut) == (204, String::new())));
    }
    assert!(each(&calls, &answer(207, &json!({"errors": [{}]}))).iter().all(|cut| matches!(cut, Cut::Alone)));
}

#[test]
fn associations_do_not_wait_for_a_write_of_values() {
    let list = get("/crm/v4/objects/contacts/901/associations/companies").unwrap().join.record;
    let read = get("/crm/v3/objects/contacts/901?properties=email").unwrap().join.record;
    let write = patch(r#"{"properties":{"city":"Graz"}}"#).unwrap().join.record;
    assert_eq!(read, write);
    assert_ne!(list, write);
}

#[test]
fn records_of_other_accounts_are_other_records() {
    let route = routes::classify(&Method::DELETE, "/crm/v3/objects/contacts/901");
    let record = |portal: u64| {
        let install = Install { portal: PortalId(portal), app: AppId(7_007) };
        let call = Incoming { install, route: &route, query: &[], body: &Bytes::new() };
        join(&call, &Book).unwrap().join.record
    };
    assert_ne!(record(1), record(2));
    assert_eq!(record(1), record(1));
}

fn get(target: &str) -> Result<Joined, Alone> {
    joined(&Method::GET, target, "")
}

fn post(body: &str) -> Result<Joined, Alone> {
    joined(&Method::POST, "/crm/v3/objects/contacts", body)
}

fn patch(body: &str) -> Result<Joined, Alone> {
    joined(&Method::PATCH, "/crm/v3/objects/contacts/901", body)
}

fn answer(status: u16, body: &Value) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert("x-hubspot-correlation-id", "of-the-batch".parse().unwrap());
    headers.insert("content-length", "7".parse().unwrap());
    headers.insert("x-hubspot-ratelimit-max", "190".parse().unwrap());
    Answer { status, headers, body: Bytes::from(body.to_string()) }
}

/// Cuts the answer to a batch of these calls.
fn parts(calls: &[&Joined], answer: &Answer) -> Parts {
    let inputs: Vec<&Input> = calls.iter().map(|call| &call.input).collect();
    let mut made = 0;
    cut(&calls[0].group, &inputs, answer, &mut || {
        made += 1;
        format!("id-{made}")
    })
}

fn each(calls: &[&Joined], answer: &Answer) -> Vec<Cut> {
    let Parts::Each(each) = parts(calls, answer) else { panic!("the batch was answered input by input") };
    each
}

fn share(cut: &Cut) -> (u16, String) {
    let Cut::Answer { answer, .. } = cut else { panic!("not an answer: {cut:?}") };
    (answer.status, String::from_utf8(answer.body.to_vec()).unwrap())
}

#[test]
fn the_table_says_who_travels_alone() {
    let read = "/crm/v3/objects/contacts/901?properties=email";
    assert!(get(read).is_ok());
    let reads = [
        ("/crm/v3/objects/contacts/901", Alone::Defaults),
        ("/crm/v3/objects/contacts/901?properties=", Alone::Defaults),
        ("/crm/v3/objects/contacts/901?properties=email&associations=companies", Alone::Parameter),
        ("/crm/v3/objects/contacts/901?properties=email&propertiesWithHistory=email", Alone::Parameter),
        ("/crm/v3/objects/contacts/901?properties=email&idProperty=email", Alone::Parameter),
        ("/crm/v3/objects/contacts/901?properties=email&archived=maybe", Alone::Parameter),
        ("/crm/v3/objects/contacts/0?properties=email", Alone::Id),
        ("/crm/v3/objects/contacts/0901?properties=email", Alone::Id),
        ("/crm/v3/objects/contacts/ada%40example.test?properties=email", Alone::Id),
        ("/crm/v3/objects/contacts/901?properties=email,unheard_of", Alone::Property),
        ("/crm/v3/objects/contacts/901?properties=secret_number", Alone::Property),
        ("/crm/v3/objects/contacts", Alone::NoBatch),
        ("/crm/v3/owners/5", Alone::NoBatch),
        ("/crm/v3/objects/contacts/901/associations/companies", Alone::NoBatch),
        ("/crm/v4/objects/contacts/901/associations/companies?after=5", Alone::Parameter),
    ];
    for (target, why) in reads {
        assert_eq!(get(target).err(), Some(why), "{target}");
    }
    let pairs = [
        (Method::PUT, "/crm/v4/objects/contacts/901/associations/companies/5501", Alone::NoBatch),
        (Method::PUT, "/crm/v3/objects/contacts/901/associations/default/companies/5501", Alone::NoBatch),
        (Method::PUT, "/crm/v4/objects/contacts/901/associations/default/companies/abc", Alone::Id),
        (Method::PUT, "/crm/v4/objects/contacts/0901/associations/default/companies/5501", Alone::Id),
        (Method::PUT, "/crm/v4/objects/contacts/901/associations/default/companies/5501?x=y", Alone::Parameter),
        (Method::DELETE, "/crm/v3/objects/contacts/901/associations/companies/5501", Alone::NoBatch),
        (Method::DELETE, "/crm/v3/objects/contacts/901/associations/companies/5501/279", Alone::NoBatch),
        (Method::DELETE, "/crm/v4/objects/contacts/901/associations/companies/5501/279", Alone::Id),
    ];
    for (method, target, why) in pairs {
        assert_eq!(joined(&method, target, "").err(), Some(why), "{method} {target}");
    }
    assert_eq!(joined(&Method::PUT, DEFAULT, "[]").err(), Some(Alone::Body));
    let long = format!(r#"{{"properties":{{"email":"{}"}}}}"#, "x".repeat(INPUT_BYTES_MAX));
    let writes = [
        ("", Alone::Body),
        ("{}", Alone::Body),
        (r#"{"properties":{}}"#, Alone::Body),
        (r#"{"properties":{"email":["a"]}}"#, Alone::Body),
        (r#"{"properties":{"email":"a","email":"b"}}"#, Alone::Body),
        (r#"{"properties":{"email":"a"},"associations":[]}"#, Alone::Body),
        (r#"{"properties":{"unheard_of":"a"}}"#, Alone::Property),
        (&long, Alone::Body),
    ];
    for (body, why) in writes {
        assert_eq!(post(body).err(), Some(why), "{body}");
        assert_eq!(patch(body).err(), Some(why), "{body}");
    }
    let by_email = "/crm/v3/objects/contacts/ada%40example.test?idProperty=email";
    assert_eq!(joined(&Method::PATCH, by_email, r#"{"properties":{"city":"Graz"}}"#).err(), Some(Alone::Parameter));
}

#[test]
fn null_and_the_empty_text_may_be_written_but_not_created() {
    for value in ["null", r#""""#] {
        let body = format!(r#"{{"properties":{{"city":{value}}}}}"#);
        assert!(patch(&body).is_ok(), "{value}");
        assert_eq!(post(&body).err(), Some(Alone::Body), "{value}");
    }
}

#[test]
fn only_what_asks_for_the_same_shares_a_key() {
    let key = |target: &str| get(target).unwrap().join.key;
    let one = key("/crm/v3/objects/contacts/901?properties=email,city");
    let same = [
        "/crm/v3/objects/contacts/902?properties=city&properties=email",
        "/crm/v3/objects/0-1/902?properties=email,city,email",
        "/crm/v3/objects/CONTACT/902?properties=city,email&archived=false",
    ];
    for target in same {
        assert_eq!(key(target), one, "{target}");
    }
    let other = [
        "/crm/v3/objects/companies/901?properties=email,city",
        "/crm/objects/2026-03/contacts/901?properties=email,city",
        "/crm/v3/objects/contacts/901?properties=email",
        "/crm/v3/objects/contacts/901?properties=email,city&archived=true",
        "/crm/v4/objects/contacts/901/associations/companies",
    ];
    for target in other {
        assert_ne!(key(target), one, "{target}");
    }
}

#[test]
fn creations_that_could_be_taken_for_each_other_share_no_batch() {
    let record = |body: &str| post(body).unwrap().join.record;
    let ada = record(r#"{"properties":{"email":"ada@example.test","city":"Graz"}}"#);
    assert_eq!(ada, record(r#"{"properties":{"city":"Linz","email":"Ada@Example.test"}}"#));
    assert_ne!(ada, record(r#"{"properties":{"email":"bob@example.test","city":"Graz"}}"#));
    let plain = record(r#"{"properties":{"firstname":"Ada","age":47}}"#);
    assert_eq!(plain, record(r#"{"properties":{"age":"47","firstname":"ADA"}}"#));
    // Values that run into each other stay apart.
    assert_ne!(record(r#"{"properties":{"a":"x&b=y","b":"z"}}"#), record(r#"{"properties":{"a":"x","b":"y&b=z"}}"#));
    // Other names, another batch: one content might contain the other.
    let key = |body: &str| post(body).unwrap().join.key;
    assert_ne!(key(r#"{"properties":{"firstname":"Ada"}}"#), key(r#"{"properties":{"firstname":"Ada","age":"47"}}"#));
}

#[test]
fn a_batch_carries_what_its_callers_wrote() {
    let one = patch(r#"{"properties":{"amount": 5000.00,"city":"\u00e9"}}"#).unwrap();
    let call = compose(&one.group, &[&one.input]).unwrap();
    assert_eq!(call.target(), "/crm/v3/objects/contacts/batch/update");
    let written = r#"{"inputs":[{"id":"901","properties":{"amount": 5000.00,"city":"\u00e9"},"objectWriteTraceId":"linchpin-0"}]}"#;
    assert_eq!(call.body.unwrap(), written);
    let read = get("/crm/objects/2026-03/deals/7?properties=amount&archived=true").unwrap();
    let call = compose(&read.group, &[&read.input]).unwrap();
    assert_eq!(call.target(), "/crm/objects/2026-03/deals/batch/read?archived=true");
    assert_eq!(call.body.unwrap(), r#"{"inputs":[{"id":"7"}],"properties":["amount"],"propertiesWithHistory":[]}"#);
    let links = get("/crm/v4/objects/contacts/901/associations/companies").unwrap();
    let call = compose(&links.group, &[&links.input]).unwrap();
    assert_eq!(call.target(), "/crm/v4/associations/contacts/companies/batch/read");
    assert_eq!((call.cost, call.body.as_deref()), (links.cost, Some(r#"{"inputs":[{"id":"901"}]}"#.as_bytes())));
}

#[test]
fn a_read_gets_its_record_byte_for_byte_the_missing_404_and_the_rest_is_asked_again() {
    let reads: Vec<Joined> =
        (901..=903).map(|id| get(&format!("/crm/v3/objects/contacts/{id}?properties=email")).unwrap()).collect();
    let body = r#"{"status":"COMPLETE","results":[{ "id" : "902","properties":{"n":"1.50"} ,"archived":false}],
        "errors":[{"status":"error","category":"OBJECT_NOT_FOUND","message":"m","context":{"ids":["901"]}}],"numErrors":1}"#;
    let whole = Answer { body: Bytes::from(body), ..answer(207, &Value::Null) };
    let each = each(&reads.iter().collect::<Vec<_>>(), &whole);
    assert_eq!(
        share(&each[0]),
        (404, r#"{"status":"error","message":"resource not found","correlationId":"id-1"}"#.to_owned())
    );
    let Cut::Answer { answer, .. } = &each[0] else { panic!() };
    assert_eq!(answer.headers["x-hubspot-notfound"], "true");
    assert_eq!(answer.headers["x-hubspot-correlation-id"], "id-1");
    assert_eq!(share(&each[1]), (200, r#"{ "id" : "902","properties":{"n":"1.50"} ,"archived":false}"#.to_owned()));
    let Cut::Answer { answer, .. } = &each[1] else { panic!() };
    assert!(!answer.headers.contains_key("content-length"));
    assert_eq!(answer.headers["x-hubspot-ratelimit-max"], "190");
    // A merged record answers under another id.
    assert!(matches!(each[2], Cut::Alone), "{:?}", each[2]);
}

#[test]
fn creations_are_known_by_name_by_unique_value_or_by_content() {
    let inputs = [
        r#"{"properties":{"email":"Ada@Example.test","city":"Graz"}}"#,
        r#"{"properties":{"email":"bob@example.test","city":"Graz"}}"#,
        r#"{"properties":{"email":"eve@example.test","city":"Graz"}}"#,
        r#"{"properties":{"email":"zoe@example.test","city":"Graz"}}"#,
    ];
    let calls: Vec<Joined> = inputs.iter().map(|body| post(body).unwrap()).collect();
    let whole = answer(
        207,
        &json!({"results": [
            {"id": "12", "properties": {"email": "somebody@example.test"}, "objectWriteTraceId": "linchpin-1"},
            {"id": "11", "properties": {"city": "Graz", "email": "ada@example.test"}},
        ], "errors": [{"category": "VALIDATION_ERROR", "context": {"objectWriteTraceId": ["linchpin-2"]}}]}),
    );
    let each = each(&calls.iter().collect::<Vec<_>>(), &whole);
    assert_eq!(share(&each[0]), (201, r#"{"id":"11","properties":{"city":"Graz","email":"ada@example.test"}}"#.into()));
    assert!(matches!(&each[0], Cut::Answer { created: Some(id), .. } if id.0 == 11));
    assert_eq!(share(&each[1]), (201, r#"{"id":"12","properties":{"email":"somebody@example.test"}}"#.into()));
    assert!(matches!(each[2], Cut::Alone), "it wrote nothing, and only HubSpot knows the exact words");
    assert!(matches!(each[3], Cut::Unresolved), "it may have been created");
}

#[test]
fn an_update_that_the_answer_leaves_out_is_asked_again() {
    let call = patch(r#"{"properties":{"city":"Graz"}}"#).unwrap();
    for body in [json!({"status": "COMPLETE", "results": []}), json!("no object"), json!({"results": [{"id": "5"}]})] {
        assert!(matches!(each(&[&call], &answer(200, &body))[0], Cut::Alone), "{body}");
    }
}

#[test]
fn associations_lose_their_frame_and_a_second_page_is_asked_alone() {
    let calls: Vec<Joined> =
        (1..=3).map(|id| get(&format!("/crm/v4/objects/contacts/{id}/associations/companies")).unwrap()).collect();
    let none = json!({"status": "error", "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND", "context": {"fromObjectId": ["3"]}});
    let whole = answer(
        207,
        &json!({"results": [
            {"from": {"id": "2"}, "to": [], "paging": {"next": {"after": "x"}}},
            {"from": {"id": "1"}, "to": [{"toObjectId": 5501, "associationTypes": []}]},
        ], "errors": [none]}),
    );
    let each = each(&calls.iter().collect::<Vec<_>>(), &whole);
    assert_eq!(share(&each[0]), (200, r#"{"results":[{"toObjectId":5501,"associationTypes":[]}]}"#.into()));
    assert!(matches!(each[1], Cut::Alone));
    // Whether the record itself exists is not said.
    assert!(matches!(each[2], Cut::Alone));
}

#[test]
fn a_refused_batch_is_taken_apart_and_a_failure_of_hubspot_is_everybodys() {
    let call = get("/crm/v3/objects/contacts/901?properties=email").unwrap();
    for status in [400, 404, 409, 413, 414] {
        assert!(matches!(parts(&[&call], &answer(status, &json!({}))), Parts::Refused), "{status}");
    }
    for status in [401, 403, 423, 429, 477, 500, 502, 524] {
        assert!(matches!(parts(&[&call], &answer(status, &json!({}))), Parts::Same), "{status}");
    }
}

#[test]
fn archived_records_have_no_content() {
    let call = joined(&Method::DELETE, "/crm/v3/objects/contacts/901", "").unwrap();
    assert!(call.join.writes);
    assert_eq!(share(&each(&[&call], &answer(204, &Value::Null))[0]), (204, String::new()));
}

proptest! {
    #[test]
    fn no_answer_makes_cutting_fail_and_every_input_gets_one_ending(status in 100_u16..600, body in ".{0,200}") {
        let read = get("/crm/v3/objects/contacts/901?properties=email").unwrap();
        let write = patch(r#"{"properties":{"city":"Graz"}}"#).unwrap();
        for call in [&read, &write] {
            let whole = Answer { body: Bytes::from(body.clone()), ..answer(status, &Value::Null) };
            if let Parts::Each(each) = parts(&[call, call], &whole) {
                prop_assert_eq!(each.len(), 2);
            }
        }
    }

    #[test]
    fn no_body_makes_joining_fail(body in ".{0,200}", target in "/crm/v3/objects/[a-z0-9%/?&=,]{0,60}") {
        for method in [Method::GET, Method::POST, Method::PATCH, Method::DELETE] {
            drop(joined(&method, &target, &body));
        }
    }
}
