//! Webhooks that receivers wrote down, beside what the simulator delivers for the same change: keys, types, the words
//! that HubSpot chooses itself, and headers. What may differ stands in [`EXCUSES`], by capture and place.

use std::collections::{BTreeMap, BTreeSet};

use http::{HeaderMap, Method};
use linchpin_simulator::{
    InProcess, SimOptions,
    webhooks::{Delivery, DeliveryOutcome, DeliverySpec, SubscriptionSpec, WebhookAppSpec, WebhookSpec},
    wire::ApiAnswer,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::compare::{Recorded, differences};
use crate::{desk, json as json_of, options, request};

const APP: u64 = 36_665_006;
/// Fields whose values are words of HubSpot's, the same for every account.
const WORDS: [&str; 7] = [
    "subscriptionType",
    "changeFlag",
    "changeSource",
    "attemptNumber",
    "associationType",
    "associationRemoved",
    "propertyName",
];

/// A capture, a difference that it may have, and why.
const EXCUSES: &[(&str, &str, &str)] = &[
    ("deal.associationChange", "Extra subscriptionId", "the receiver's store dropped it"),
    ("deal.associationChange", "word changeSource", "only the page edits as a person, and it makes no associations"),
    ("deal.deletion", "Extra sourceId", "HubSpot deleted it by itself; here a person does"),
    ("deal.deletion", "word changeSource", "HubSpot deleted it by itself; here a person does"),
    ("deal.propertyChange", "Extra sourceId", "deliveries of 2019 had none"),
    ("deal.propertyChange", "word changeSource", "deliveries of 2019 said CRM for what is CRM_UI now"),
    ("deal.propertyChange", "Missing header accept-encoding", "the HTTP client of 2019; later captures have none"),
    ("deal.propertyChange", "Extra header *", "the capture quotes two of its headers"),
    ("contact.creation", "Extra header *", "HubSpot's page shows the headers that it verifies"),
];

/// One delivery as a receiver wrote it down.
#[derive(Deserialize)]
struct Capture {
    headers: Option<BTreeMap<String, String>>,
    body: Vec<Value>,
}

impl Capture {
    fn event(&self) -> &Value {
        &self.body[0]
    }

    fn kind(&self) -> &str {
        self.event()["subscriptionType"].as_str().unwrap()
    }

    /// The test button sends a sample of nothing that happened.
    fn is_sample(&self) -> bool {
        self.event()["propertyValue"] == "sample-value"
    }

    fn name(&self) -> &str {
        if self.is_sample() { "test button" } else { self.kind() }
    }
}

async fn answered(desk: &InProcess, method: Method, path: &str, body: &Value) -> Value {
    let response = desk.call(request(method.clone(), path, body)).await.unwrap();
    assert!(response.status().is_success(), "{method} {path}: {}", String::from_utf8_lossy(response.body()));
    json_of(&response)
}

/// What a person does in HubSpot's pages.
async fn edit(desk: &InProcess, method: Method, path: &str, properties: &Value) -> String {
    let form = json!({"user_id": 1, "properties": properties});
    let made = answered(desk, method, &format!("/_control/records/{path}"), &form).await;
    made["id"].as_str().unwrap_or_default().to_owned()
}

/// Does the change of which a capture tells.
async fn change(desk: &InProcess, capture: &Capture) {
    if capture.is_sample() {
        let order = json!({"app_id": APP});
        answered(desk, Method::POST, "/_control/webhooks/test", &order).await;
        return;
    }
    let (object, deed) = capture.kind().split_once('.').unwrap();
    let plural = format!("{object}s");
    let id = edit(desk, Method::POST, &plural, &json!({})).await;
    match deed {
        "creation" => {}
        "deletion" => drop(edit(desk, Method::DELETE, &format!("{plural}/{id}"), &json!({})).await),
        "propertyChange" => {
            let event = capture.event();
            let change = json!({event["propertyName"].as_str().unwrap(): event["propertyValue"]});
            edit(desk, Method::PATCH, &format!("{plural}/{id}"), &change).await;
        }
        "associationChange" => {
            let other = edit(desk, Method::POST, "line_items", &json!({})).await;
            let path = format!("/crm/v4/objects/{plural}/{id}/associations/default/line_items/{other}");
            answered(desk, Method::PUT, &path, &Value::Null).await;
        }
        other => panic!("nothing here does {other}"),
    }
}

/// The delivery of that change alone.
async fn delivered(capture: &Capture) -> Delivery {
    let mut options: SimOptions = options();
    options.portal.late_properties = false;
    let property = capture.event()["propertyName"].as_str();
    let subscription = SubscriptionSpec::new(capture.kind(), property);
    let app = WebhookAppSpec {
        subscriptions: vec![subscription],
        ..WebhookAppSpec::new(APP, "3f2a9c1e-7b4d-4c8e-9a10-5d6e7f809123", "http://127.0.0.1:9/hs")
    };
    let delivery = DeliverySpec { delay_ms: [0, 0], ..DeliverySpec::default() };
    options.start.webhooks = Some(WebhookSpec { apps: vec![app], delivery: Some(delivery), ..WebhookSpec::default() });
    let desk = desk(&options);
    let mut deliveries = desk.take_deliveries().await.unwrap();
    change(&desk, capture).await;
    // A new deal has a stage: its creation tells of it before the change does.
    loop {
        let delivery = deliveries.next().await.expect("the change is told");
        desk.delivery_answered(delivery.id, DeliveryOutcome::status(200)).await.unwrap();
        let events: Vec<Value> = serde_json::from_slice(&delivery.body).unwrap();
        if events.iter().any(|event| event["propertyValue"] == capture.event()["propertyValue"]) {
            desk.stop().await;
            return delivery;
        }
    }
}

/// Every way in which the two differ.
fn compared(capture: &Capture, headers: &HeaderMap, body: &[u8]) -> BTreeSet<String> {
    let own = headers;
    let theirs = capture.headers.as_ref().map(|headers| headers.keys().map(|name| name.to_lowercase()).collect());
    let recorded = Recorded { status: 200, headers: theirs, body: capture.event().clone() };
    let events: Vec<Value> = serde_json::from_slice(body).unwrap();
    assert_eq!(events.len(), 1, "{}: one change, one event", capture.name());
    let body = events[0].to_string().into();
    let ours = ApiAnswer { status: 200, headers: own.clone(), body };
    let mut found: BTreeSet<String> =
        differences(&recorded, &ours).iter().map(|one| one.to_string().trim_end().to_owned()).collect();
    let both = |name: &&&str| capture.event().get(**name).is_some() && events[0].get(**name).is_some();
    let words = WORDS.iter().filter(both).filter(|name| capture.event()[**name] != events[0][**name]);
    found.extend(words.map(|name| format!("word {name}")));
    found
}

fn excuse(name: &str, difference: &str) -> Option<usize> {
    EXCUSES.iter().position(|(capture, place, _)| {
        let fits = place.strip_suffix('*').map_or(*place == difference, |start| difference.starts_with(start));
        *capture == name && fits
    })
}

#[tokio::test(start_paused = true)]
async fn deliveries_have_the_shape_of_those_that_receivers_wrote_down() {
    let Some(text) = super::text("webhook_captures.json") else { return };
    let captures: Vec<Capture> = serde_json::from_str(&text).unwrap();
    let (mut equal, mut used, mut left) = (0, BTreeSet::new(), Vec::new());
    for capture in &captures {
        let delivery = delivered(capture).await;
        let found = compared(capture, &delivery.headers, &delivery.body);
        equal += usize::from(found.is_empty());
        for difference in found {
            match excuse(capture.name(), &difference) {
                Some(excuse) => drop(used.insert(excuse)),
                None => left.push(format!("{}: {difference}", capture.name())),
            }
        }
    }
    println!("figure: webhook captures: compared = {}, of these equal = {equal}", captures.len());
    assert!(left.is_empty(), "{left:#?}");
    let idle: Vec<_> = (0..EXCUSES.len()).filter(|at| !used.contains(at)).map(|at| EXCUSES[at]).collect();
    assert!(idle.is_empty(), "excuses that excuse nothing: {idle:#?}");
    assert!(captures.len() >= 6, "only {} captures", captures.len());
}

#[test]
fn a_delivery_that_lacks_a_field_or_says_another_word_is_told_apart() {
    let event =
        json!({"eventId": 1, "subscriptionType": "deal.creation", "changeFlag": "CREATED", "sourceId": "userId:1"});
    let capture = Capture { headers: None, body: vec![event] };
    let other = json!([{"eventId": "1", "subscriptionType": "deal.creation", "changeFlag": "NEW", "extra": 1}]);
    let found: Vec<String> = compared(&capture, &HeaderMap::new(), other.to_string().as_bytes()).into_iter().collect();
    let expected =
        ["Extra extra", "Missing sourceId", "Type eventId {\"number\"} here {\"string\"}", "word changeFlag"];
    assert_eq!(found, expected);
    assert!(found.iter().all(|difference| excuse(capture.name(), difference).is_none()));
}
