//! Exchanges that HubspotCommunity/hubspot-ruby recorded from 2013 to 2019, all of versions before 3, where the
//! simulator still serves their paths; and those of hull/hull-connectors, of which it serves none.

use std::collections::BTreeSet;

use linchpin_simulator::Profile;
use serde_json::{Map, Value, json};

use super::{
    compare::{Recorded, Tally},
    desk::Desk,
};

/// Property values of an old answer, those that a write may set.
fn writable(body: &Value, names: &[&str]) -> Value {
    let value = |name: &&str| {
        let value = body["properties"][*name]["value"].as_str().filter(|value| !value.is_empty())?;
        Some(((*name).to_owned(), json!(value)))
    };
    Value::Object(names.iter().filter_map(value).collect::<Map<_, _>>())
}

/// Brings the account into the state of the recorded answer; the path with the id of the record that was made, or of the
/// first page.
fn prepare(desk: &mut Desk, target: &str, answer: &Value) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (rest, last) = path.rsplit_once('/').unwrap_or((path, ""));
    let made = match rest {
        "/companies/v2/companies" if last == "paged" => {
            for _ in 0..=answer["companies"].as_array().map_or(0, Vec::len) {
                desk.make("companies", &json!({}));
            }
            None
        }
        "/companies/v2/companies" if answer["companyId"].is_u64() => {
            Some(desk.make("companies", &writable(answer, &["name", "domain", "website"])))
        }
        "/deals/v1/deal" if answer["dealId"].is_u64() => {
            let deal = desk.make("deals", &writable(answer, &["dealname", "amount", "description"]));
            let associated = &answer["associations"];
            for (name, object_type) in [("associatedVids", "contacts"), ("associatedCompanyIds", "companies")] {
                for _ in associated[name].as_array().into_iter().flatten() {
                    let other = desk.make(object_type, &json!({}));
                    let target = format!("/crm/v4/objects/deals/{deal}/associations/default/{object_type}/{other}");
                    desk.prepare("PUT", &target, &Value::Null);
                }
            }
            Some(deal)
        }
        "/engagements/v1/engagements" if answer["engagement"].is_object() => {
            let (object_type, body) = if answer["engagement"]["type"] == "CALL" {
                ("calls", "hs_call_body")
            } else {
                ("notes", "hs_note_body")
            };
            Some(desk.make(object_type, &json!({"hs_timestamp": "2022-01-01T00:00:00Z", body: "x"})))
        }
        _ => None,
    };
    let first_page = || format!("{path}?{}", query.split_once("&offset=").map_or(query, |(before, _)| before));
    made.map_or_else(first_page, |id| format!("{rest}/{id}?{query}"))
}

#[test]
fn answers_have_the_shape_of_those_recorded_before_where_their_paths_are_served() {
    let Some(text) = super::text("hubspot-ruby_vcr_2013-2019.jsonl") else { return };
    let mut tally = Tally::default();
    for line in text.lines() {
        let exchange: Value = serde_json::from_str(line).unwrap();
        let uri = exchange["req"]["uri"].as_str().unwrap();
        let target = uri.split_once("api.hubapi.com").map_or(uri, |(_, target)| target);
        let (method, answer) = (exchange["req"]["method"].as_str().unwrap(), &exchange["res"]);
        if method != "GET" {
            tally.excuse("it writes, and old paths are read only");
            continue;
        }
        if answer["status"] == 200 && answer["body"] == "" {
            tally.excuse("the recording leaves the body out");
            continue;
        }
        let mut desk = Desk::new(Profile::Recorded2022);
        let target = prepare(&mut desk, target, &answer["body"]);
        desk.settle();
        let ours = desk.send(method, &target, &exchange["req"]["body"]);
        let status = u16::try_from(answer["status"].as_u64().unwrap()).unwrap();
        let recorded = Recorded { status, headers: None::<BTreeSet<String>>, body: answer["body"].clone() };
        tally.compare("ruby", &format!("{method} {target}"), &recorded, &ours);
    }
    for _ in std::fs::read_dir(super::folder().unwrap().join("hull_v1_2019-2021")).unwrap() {
        tally.excuse("it writes, and old paths are read only");
    }
    tally.finish("hubspot-ruby and hull", 15);
}
