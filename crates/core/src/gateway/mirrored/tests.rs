//! Which reads the mirror may answer, and that a share is what HubSpot would have said.

use http::Method;
use linchpin_hubspot::id::{AppId, Install, PortalId};
use linchpin_hubspot::routes;

use super::*;

const INSTALL: Install = Install { portal: PortalId(7), app: AppId(1) };

fn objects() -> BTreeMap<ObjectType, Held> {
    let held = |names: &[&str]| Held::new(names.iter().copied());
    [
        (ObjectType::new("contacts"), held(&["city", "createdate", "email", "hs_createdate"])),
        (ObjectType::new("deals"), held(&["amount"])),
        (ObjectType::new("services"), held(&["hs_name", "createdate"])),
    ]
    .into()
}

fn held(object_type: &str) -> Held {
    objects()[&ObjectType::new(object_type)].clone()
}

fn read(method: &str, target: &str, body: &str) -> Option<Ask> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let query: Vec<(String, String)> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let (method, body) = (method.parse::<Method>().unwrap(), Bytes::copy_from_slice(body.as_bytes()));
    let route = routes::classify(&method, path);
    ask(&Incoming { install: INSTALL, route: &route, query: &query, body: &body }, &objects())
}

fn single(target: &str) -> Option<Ask> {
    read("GET", target, "")
}

fn batch(body: &str) -> Option<Ask> {
    read("POST", "/crm/v3/objects/contacts/batch/read", body)
}

#[test]
fn reads_by_id_of_properties_that_are_held_are_understood_in_every_version() {
    for target in [
        "/crm/v3/objects/contacts/7?properties=email,city",
        "/crm/objects/2026-03/contacts/7?properties=city&properties=email",
        "/crm/v3/objects/0-1/7?properties=email,city,email&archived=false",
    ] {
        let ask = single(target).unwrap_or_else(|| panic!("{target}"));
        assert_eq!((ask.ids, ask.form), (vec![RecordId(7)], Form("v3".to_owned())), "{target}");
        assert_eq!(ask.properties, ["city".to_owned(), "email".to_owned()].into());
    }
    let newer = single("/crm/objects/2026-09/contacts/7?properties=email").unwrap();
    assert_eq!(newer.form, Form("2026-09".to_owned()), "it may be written down otherwise");
    let all = batch(r#"{"inputs":[{"id":"7"},{"id":"5"}],"properties":["email"],"propertiesWithHistory":[]}"#).unwrap();
    assert_eq!(all.ids, [RecordId(7), RecordId(5)]);
    assert!(batch(r#"{"properties":["email"],"idProperty":null,"inputs":[{"id":"7"}]}"#).is_some());
}

#[test]
fn whatever_else_a_read_asks_for_is_hubspots_to_answer() {
    for target in [
        "/crm/v3/objects/contacts/7",
        "/crm/v3/objects/contacts/7?properties=email,phone",
        "/crm/v3/objects/contacts/7?properties=email&associations=companies",
        "/crm/v3/objects/contacts/7?properties=email&propertiesWithHistory=email",
        "/crm/v3/objects/contacts/7?properties=email&archived=true",
        "/crm/v3/objects/contacts/ana@example.com?properties=email&idProperty=email",
        "/crm/v3/objects/contacts/7?properties=email&idProperty=hs_object_id",
        "/crm/v3/objects/contacts/07?properties=email",
        "/crm/v3/objects/contacts?properties=email",
        "/crm/v3/objects/companies/7?properties=domain",
        "/crm/v3/objects/contacts/7/associations/companies?properties=email",
    ] {
        assert_eq!(single(target), None, "{target}");
    }
    for body in [
        r#"{"inputs":[{"id":"7"}]}"#,
        r#"{"inputs":[{"id":"7"}],"properties":[]}"#,
        r#"{"inputs":[{"id":"7"}],"properties":["phone"]}"#,
        r#"{"inputs":[{"id":"7"}],"properties":["email"],"propertiesWithHistory":["email"]}"#,
        r#"{"inputs":[{"id":"ana@example.com"}],"properties":["email"],"idProperty":"email"}"#,
        r#"{"inputs":[{"id":"7"},{"id":"7"}],"properties":["email"]}"#,
        r#"{"inputs":[],"properties":["email"]}"#,
        r#"{"inputs":[{"id":"7","more":1}],"properties":["email"]}"#,
        r#"{"inputs":[{"id":"7"}],"properties":["email"],"associations":["companies"]}"#,
        "",
    ] {
        assert_eq!(batch(body), None, "{body}");
    }
    let many: Vec<String> = (1..=101).map(|id| format!(r#"{{"id":"{id}"}}"#)).collect();
    assert_eq!(batch(&format!(r#"{{"inputs":[{}],"properties":["email"]}}"#, many.join(","))), None);
    let body = r#"{"inputs":[{"id":"7"}],"properties":["email"]}"#;
    assert_eq!(read("POST", "/crm/v3/objects/contacts/batch/read?archived=true", body), None);
    assert_eq!(read("PATCH", "/crm/v3/objects/contacts/7?properties=email", ""), None);
}

const WHOLE: &str = r#"{"id":"7","properties":{"city":"Z\u00fcrich","createdate":"2026-01-01T00:00:00Z","email":"a@b.c","hs_createdate":null,"hs_object_id":"7","lastmodifieddate":"2026-01-02T00:00:00Z"},"createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-02T00:00:00Z","archived":false,"url":"https://x/7","new_member":{"a":[1.50]}}"#;
const SHARE: &str = r#"{"id":"7","properties":{"createdate":"2026-01-01T00:00:00Z","email":"a@b.c","hs_object_id":"7","lastmodifieddate":"2026-01-02T00:00:00Z"},"createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-02T00:00:00Z","archived":false,"url":"https://x/7","new_member":{"a":[1.50]}}"#;

#[test]
fn a_share_has_what_was_asked_for_and_what_hubspot_adds_byte_for_byte() {
    let held = held("contacts");
    let email = single("/crm/v3/objects/contacts/7?properties=email").unwrap();
    let now = Wall(1_767_268_800_000);
    assert_eq!(email.answer(&[WHOLE], &held, now).unwrap(), SHARE);
    assert_eq!(email.cut(&Bytes::from(WHOLE), &held).unwrap(), SHARE, "a fresh answer is cut in the same way");
    let all = single("/crm/v3/objects/contacts/7?properties=city,email,hs_createdate").unwrap();
    assert_eq!(all.answer(&[WHOLE], &held, now).unwrap(), WHOLE, "escapes stay as they are");
    let both = batch(r#"{"inputs":[{"id":"7"},{"id":"8"}],"properties":["email"]}"#).unwrap();
    let frame = |time: &str, shares: &str| {
        format!(r#"{{"completedAt":"{time}","status":"COMPLETE","startedAt":"{time}","results":[{shares}]}}"#)
    };
    let expected = frame("2026-01-01T12:00:00Z", &format!("{SHARE},{SHARE}"));
    assert_eq!(both.answer(&[WHOLE, WHOLE], &held, now).unwrap(), expected);
    let partly =
        r#"{"completedAt":"t","status":"COMPLETE","results":[WHOLE],"errors":[{"status":"error"}],"numErrors":1}"#;
    let cut = both.cut(&Bytes::from(partly.replace("WHOLE", WHOLE)), &held).unwrap();
    assert_eq!(cut, partly.replace("WHOLE", SHARE), "what is missing is told as HubSpot told it");
}

#[test]
fn nothing_is_made_up_and_nothing_more_is_shown() {
    let now = Wall(0);
    let email = single("/crm/v3/objects/contacts/7?properties=email").unwrap();
    for member in MEMBERS {
        let without = WHOLE.replace(&format!(r#""{member}":"#), r#""other":"#);
        assert_eq!(email.answer(&[&without], &held("contacts"), now), None, "{member}");
        assert_eq!(email.cut(&Bytes::from(without), &held("contacts")), None, "{member}");
    }
    assert_eq!(email.cut(&Bytes::from_static(b"<html>"), &held("contacts")), None);
    // Of this type it is not known whether HubSpot adds the date of its creation by itself.
    let service = single("/crm/v3/objects/services/7?properties=hs_name").unwrap();
    assert_eq!(service.answer(&[WHOLE], &held("services"), now), None);
    let service = single("/crm/v3/objects/services/7?properties=hs_name,createdate").unwrap();
    assert!(service.answer(&[WHOLE], &held("services"), now).is_some());
}

#[test]
fn a_read_is_asked_for_with_all_that_is_held() {
    let (target, body) = single("/crm/v3/objects/0-1/7?archived=false&properties=email")
        .and_then(|ask| ask.whole("/crm/v3/objects/0-1/7?archived=false&properties=email", &held("contacts")))
        .unwrap();
    assert_eq!(
        (target.as_str(), body.len()),
        ("/crm/v3/objects/0-1/7?properties=city,createdate,email,hs_createdate", 0)
    );
    let ask = batch(r#"{"inputs":[{"id":"7"}],"properties":["email"]}"#).unwrap();
    let (target, body) = ask.whole("/crm/v3/objects/contacts/batch/read?archived=false", &held("contacts")).unwrap();
    assert_eq!(target, "/crm/v3/objects/contacts/batch/read");
    let expected = r#"{"inputs":[{"id":"7"}],"properties":["city","createdate","email","hs_createdate"],"propertiesWithHistory":[]}"#;
    assert_eq!(body, expected);
    let wide = Held::new((0..500).map(|number| format!("property_{number}")));
    let ask = single("/crm/v3/objects/contacts/7?properties=email").unwrap();
    assert_eq!(ask.whole("/crm/v3/objects/contacts/7", &wide), None, "longer than an address may be");
}

#[test]
fn only_what_a_caller_allows_counts() {
    let wished = |values: &[&'static str]| {
        let headers = values.iter().map(|value| (http::header::CACHE_CONTROL, http::HeaderValue::from_static(value)));
        wish(&headers.collect())
    };
    let age = |seconds| Wish { age: Some(Duration::from_secs(seconds)), only: false };
    assert_eq!(wished(&[]), Wish::default());
    assert_eq!(wished(&["max-age=60"]), age(60));
    assert_eq!(wished(&["foo, Max-Age = \"5\""]), age(5));
    assert_eq!(wished(&["max-age=60", "max-age=7"]), age(7));
    assert_eq!(wished(&["max-age=99999999999"]), Wish { age: Some(AGE_MAX), only: false });
    for none in [
        "max-age=0",
        "max-age=x",
        "max-age=-1",
        "max-age",
        "max-stale=60",
        "max-age=60, no-cache",
        "no-store, max-age=9",
    ] {
        assert_eq!(wished(&[none]), Wish::default(), "{none}");
    }
    assert_eq!(wished(&["only-if-cached, max-age=9"]), Wish { only: true, ..age(9) });
    assert_eq!(wished(&["only-if-cached"]), Wish { age: None, only: true });
    let mut conditional: HeaderMap = HeaderMap::new();
    conditional.insert("cache-control", http::HeaderValue::from_static("max-age=60"));
    conditional.insert("if-none-match", http::HeaderValue::from_static("\"x\""));
    assert_eq!(wish(&conditional), Wish::default());
}
