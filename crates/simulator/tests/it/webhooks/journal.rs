//! The webhooks journal: subscriptions, entries by offset, links that expire, files that leave.

use http::Method;
use linchpin_simulator::webhooks::{JournalSpec, WebhookSpec};
use serde_json::{Value, json};

use super::{Bench, PORTAL, PUBLIC, json_of};
use crate::{CONTACTS, TOKEN};

const JOURNAL: &str = "/webhooks-journal/journal/2026-03";
const SUBSCRIPTIONS: &str = "/webhooks-journal/subscriptions/2026-03";
const ALL: &str = "developer.webhooks_journal.read developer.webhooks_journal.subscriptions.read \
                   developer.webhooks_journal.subscriptions.write developer.webhooks_journal.snapshots.read \
                   developer.webhooks_journal.snapshots.write";

/// Installs the public app in the portal.
pub(super) fn install(bench: &mut Bench) {
    let form = "client_id=client-1&redirect_uri=https%3A%2F%2Fapp.example.test%2Fcallback&scope=oauth&decision=approve";
    let answer = bench.request(Method::POST, "/oauth/authorize", None, &json!(form));
    let back = answer.headers["location"].to_str().unwrap().to_owned();
    let code = back.split_once("code=").unwrap().1.split('&').next().unwrap();
    let form = format!(
        "grant_type=authorization_code&client_id=client-1&client_secret=secret-1&code={code}\
         &redirect_uri=https%3A%2F%2Fapp.example.test%2Fcallback"
    );
    assert_eq!(bench.request(Method::POST, "/oauth/v3/token", None, &json!(form)).status, 200);
}

/// The app's own token.
fn app_token(bench: &mut Bench, scopes: &str) -> String {
    let scopes = scopes.split_whitespace().collect::<Vec<_>>().join("%20");
    let form = format!("grant_type=client_credentials&client_id=client-1&client_secret=secret-1&scope={scopes}");
    let answer = bench.request(Method::POST, "/oauth/2026-03/token", None, &json!(form));
    json_of(&answer)["access_token"].as_str().unwrap().to_owned()
}

struct Reader {
    bench: Bench,
    token: String,
}

impl Reader {
    /// An installed app that has subscribed to contacts.
    fn new(journal: JournalSpec) -> Self {
        let mut bench = Bench::new(WebhookSpec { journal: Some(journal), ..WebhookSpec::default() });
        install(&mut bench);
        let token = app_token(&mut bench, ALL);
        let mut reader = Self { bench, token };
        let actions = ["CREATE", "UPDATE", "DELETE", "RESTORE", "MERGE"];
        let body = json!({"subscriptionType": "OBJECT", "portalId": PORTAL, "objectTypeId": "0-1", "actions": actions});
        assert_eq!(reader.call(Method::POST, SUBSCRIPTIONS, &body).0, 200);
        reader
    }

    fn call(&mut self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.bench.request(method, path, Some(&self.token), body);
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or(Value::Null))
    }

    fn get(&mut self, tail: &str) -> (u16, Value) {
        self.call(Method::GET, &format!("{JOURNAL}/{tail}"), &Value::Null)
    }

    /// Follows a link without any token.
    fn fetch(&mut self, link: &Value) -> (u16, Value) {
        let url = link["url"].as_str().unwrap().strip_prefix("http://sim.example.test").unwrap().to_owned();
        let answer = self.bench.request(Method::GET, &url, None, &Value::Null);
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or(Value::Null))
    }

    /// Every event from the earliest file on.
    fn read_all(&mut self) -> Vec<Value> {
        let (mut events, mut tail) = (Vec::new(), "earliest".to_owned());
        loop {
            let (status, link) = self.get(&tail);
            if status == 204 {
                return events;
            }
            let (status, file) = self.fetch(&link);
            assert_eq!((status, &file["offset"]), (200, &link["currentOffset"]));
            events.extend(file["journalEvents"].as_array().unwrap().iter().cloned());
            tail = format!("offset/{}/next", link["currentOffset"].as_str().unwrap());
        }
    }
}

fn quick() -> JournalSpec {
    JournalSpec { publish_ms: 1_000, ..JournalSpec::default() }
}

#[test]
fn the_journal_tells_what_happened_in_the_shape_of_the_guide() {
    let mut reader = Reader::new(quick());
    let privacy = json!({"subscriptionType": "GDPR_PRIVACY_DELETION", "portalId": PORTAL, "objectTypeId": "0-1",
                         "actions": ["GDPR_DELETE"]});
    assert_eq!(reader.call(Method::POST, SUBSCRIPTIONS, &privacy).0, 200);
    let links = json!({"subscriptionType": "ASSOCIATION", "portalId": PORTAL, "objectTypeId": "0-1",
                       "associatedObjectTypeIds": ["0-2"], "actions": ["ASSOCIATION_ADDED", "ASSOCIATION_REMOVED"]});
    assert_eq!(reader.call(Method::POST, SUBSCRIPTIONS, &links).0, 200);
    assert_eq!(reader.get("earliest").0, 204);
    let bench = &mut reader.bench;
    let ada = bench.create("contacts", &json!({"city": "Berlin"}));
    bench.update(ada, &json!({"city": "Lyon", "phone": "1"}));
    let company = bench.create("companies", &json!({"name": "Alpha"}));
    let path = format!("/crm/v4/objects/contacts/{ada}/associations/default/companies/{company}");
    bench.call(Method::PUT, &path, &Value::Null);
    bench.delete(ada);
    let bob = bench.create("contacts", &json!({}));
    bench.call(Method::POST, &format!("{CONTACTS}/gdpr-delete"), &json!({"objectId": bob.to_string()}));
    assert_eq!(reader.get("latest").0, 204, "not published yet");
    reader.bench.later(1_000);
    let events = reader.read_all();
    let actions: Vec<&Value> = events.iter().map(|event| &event["action"]).collect();
    let expected = ["CREATE", "UPDATE", "ASSOCIATION_ADDED", "DELETE", "CREATE", "DELETE", "GDPR_DELETE"];
    assert_eq!(actions, expected);
    let update = &events[1];
    assert_eq!(update["propertyChanges"], json!({"city": "Lyon", "phone": "1"}));
    assert_eq!(
        (&update["type"], &update["objectTypeId"], &update["objectId"]),
        (&json!("crmObject"), &json!("0-1"), &json!(ada))
    );
    assert_eq!((&update["portalId"], &update["occurredAt"]), (&json!(PORTAL), &json!("2025-11-21T12:00:00Z")));
    assert!(update.get("eventId").is_none());
    let link = &events[2];
    assert_eq!(
        (&link["type"], &link["fromObjectId"], &link["toObjectId"]),
        (&json!("association"), &json!(ada), &json!(company))
    );
    assert_eq!((&link["associationTypeId"], &link["isPrimary"]), (&json!(279), &json!(false)));
    assert_eq!((&link["fromObjectTypeId"], &link["toObjectTypeId"]), (&json!("0-1"), &json!("0-2")));
}

#[test]
fn only_the_properties_and_records_that_are_asked_for_are_told() {
    let mut reader = Reader::new(quick());
    let ada = reader.bench.create("contacts", &json!({}));
    let bob = reader.bench.create("contacts", &json!({}));
    // The same type again is an update of the subscription, not a second one.
    let body = json!({"subscriptionType": "OBJECT", "portalId": PORTAL, "objectTypeId": "0-1", "actions": ["UPDATE"],
                      "properties": ["city"], "objectIds": [ada]});
    let (status, shown) = reader.call(Method::POST, SUBSCRIPTIONS, &body);
    assert_eq!((status, &shown["properties"], &shown["appId"]), (200, &json!(["city"]), &json!(PUBLIC)));
    let (_, listed) = reader.call(Method::GET, SUBSCRIPTIONS, &Value::Null);
    assert_eq!(listed["results"].as_array().unwrap().len(), 1);
    reader.bench.later(1_000);
    let before = reader.read_all().len();
    reader.bench.update(ada, &json!({"city": "Lyon", "phone": "1"}));
    reader.bench.update(ada, &json!({"phone": "2"}));
    reader.bench.update(bob, &json!({"city": "Lyon"}));
    reader.bench.later(1_000);
    let events = reader.read_all().split_off(before);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["propertyChanges"], json!({"city": "Lyon"}));
}

#[test]
fn files_are_found_by_offset_one_by_one_and_in_batches() {
    let mut reader = Reader::new(JournalSpec { file_events: 2, ..quick() });
    for _ in 0..7 {
        reader.bench.create("contacts", &json!({}));
    }
    reader.bench.later(1_000);
    let (_, all) = reader.get("batch/earliest/100");
    let offsets: Vec<String> = all["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["currentOffset"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!((offsets.len(), &all["status"]), (4, &json!("COMPLETE")));
    let of = |body: &Value| -> Vec<String> {
        let results = body["results"].as_array().unwrap().iter();
        results.map(|one| one["currentOffset"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(of(&reader.get("batch/latest/2").1), offsets[2..]);
    assert_eq!(of(&reader.get(&format!("batch/{}/next/2", offsets[0])).1), offsets[1..3]);
    assert_eq!(reader.get("latest").1["currentOffset"], json!(offsets[3]));
    assert_eq!(reader.get(&format!("offset/{}/next", offsets[3])).0, 204);
    assert_eq!(reader.get("offset/019aa000-0000-7000-8000-000000000000/next").0, 404);
    assert_eq!(reader.get("batch/earliest/101").0, 400);
    assert_eq!(reader.get(&format!("earliest?installPortalId={PORTAL}")).0, 200);
    assert_eq!(reader.get("earliest?installPortalId=5").0, 204);
    let read = format!("{JOURNAL}/batch/read");
    let (status, body) = reader.call(Method::POST, &read, &json!({"inputs": [offsets[1]]}));
    assert_eq!((status, of(&body)), (200, vec![offsets[1].clone()]));
    let (status, body) = reader.call(Method::POST, &read, &json!({"inputs": [offsets[1], "gone"]}));
    assert_eq!((status, &body["errors"][0]["context"]["ids"]), (207, &json!(["gone"])));
    for path in ["/webhooks/v4/journal", "/webhooks-journal/journal-local/2026-03", "/webhooks-journal/journal/2026-09"]
    {
        assert_eq!(reader.call(Method::GET, &format!("{path}/earliest"), &Value::Null).0, 200, "{path}");
    }
}

#[test]
fn a_link_expires_and_cannot_be_forged() {
    let mut reader = Reader::new(JournalSpec { link_ms: 60_000, ..quick() });
    reader.bench.create("contacts", &json!({}));
    reader.bench.later(1_000);
    let (_, link) = reader.get("latest");
    assert_eq!(link["expiresAt"], "2025-11-21T12:01:01Z");
    assert_eq!(reader.fetch(&link).0, 200);
    let forged = json!({"url": link["url"].as_str().unwrap().replace("expires=1", "expires=9")});
    assert_eq!(reader.fetch(&forged).0, 403);
    reader.bench.later(59_999);
    assert_eq!(reader.fetch(&link).0, 200);
    reader.bench.later(1);
    assert_eq!(reader.fetch(&link).0, 403);
    let (_, fresh) = reader.get("latest");
    assert_eq!(reader.fetch(&fresh).0, 200);
}

#[test]
fn files_leave_after_three_days_and_the_reader_meets_a_gap() {
    let mut reader = Reader::new(quick());
    reader.bench.create("contacts", &json!({}));
    reader.bench.later(1_000);
    let (_, old) = reader.get("latest");
    reader.bench.later(2 * 86_400_000);
    reader.bench.create("contacts", &json!({}));
    reader.bench.later(1_000);
    reader.bench.later(86_400_000);
    reader.token = app_token(&mut reader.bench, ALL);
    let offset = old["currentOffset"].as_str().unwrap();
    assert_eq!(reader.get(&format!("offset/{offset}/next")).0, 404);
    let (status, earliest) = reader.get("earliest");
    assert_eq!(status, 200);
    assert_ne!(earliest["currentOffset"], old["currentOffset"]);
}

#[test]
fn a_snapshot_comes_as_an_event_and_its_status_can_be_asked() {
    let mut reader = Reader::new(quick());
    let ada = reader.bench.create("contacts", &json!({"city": "Berlin", "phone": "1"}));
    let wanted =
        |id: u64| json!({"portalId": PORTAL, "objectTypeId": "0-1", "objectId": id, "properties": ["city", "zip"]});
    let body = json!({"snapshotRequests": [wanted(ada), wanted(5)]});
    let (status, answer) = reader.call(Method::POST, "/webhooks-journal/snapshots/2026-03/crm", &body);
    assert_eq!(status, 200);
    let id = |place: usize| answer["snapshotResponses"][place]["snapshotStatusId"].as_str().unwrap().to_owned();
    assert_eq!(reader.get(&format!("status/{}", id(0))).1["status"], "PENDING");
    let lost = reader.get(&format!("status/{}", id(1))).1;
    assert_eq!((&lost["status"], &lost["errorCode"]), (&json!("FAILED"), &json!("VALIDATION_ERROR")));
    reader.bench.later(1_000);
    assert_eq!(reader.get(&format!("status/{}", id(0))).1["status"], "SUCCESS");
    let events = reader.read_all();
    let snapshot = events.iter().find(|event| event["action"] == "SNAPSHOT").unwrap();
    assert_eq!(
        (&snapshot["objectId"], &snapshot["propertyChanges"]),
        (&json!(ada), &json!({"city": "Berlin", "zip": ""}))
    );
}

#[test]
fn the_journal_opens_for_an_apps_own_token_with_the_right_scope_and_for_nobody_else() {
    let mut reader = Reader::new(quick());
    for token in [None, Some(TOKEN), Some("nonsense")] {
        let answer = reader.bench.request(Method::GET, &format!("{JOURNAL}/earliest"), token, &Value::Null);
        assert_eq!((answer.status, &json_of(&answer)["category"]), (401, &json!("INVALID_AUTHENTICATION")));
    }
    let good = reader.token.clone();
    reader.token = app_token(&mut reader.bench, "developer.webhooks_journal.read");
    assert_eq!(reader.get("earliest").0, 204);
    let (status, body) = reader.call(Method::GET, SUBSCRIPTIONS, &Value::Null);
    assert_eq!((status, &body["category"]), (403, &json!("MISSING_SCOPES")));
    let needed = &body["errors"][0]["context"]["requiredGranularScopes"];
    assert_eq!(needed, &json!(["developer.webhooks_journal.subscriptions.read"]));
    let own = reader.bench.request(Method::GET, CONTACTS, Some(&reader.token.clone()), &Value::Null);
    assert_eq!(own.status, 401, "an app's own token opens no portal");
    reader.token = good;
    reader.bench.later(1_800_000);
    assert_eq!(reader.get("earliest").0, 401, "it lives for half an hour");
}

#[test]
fn a_journal_subscription_is_read_deleted_and_checked() {
    let mut reader = Reader::new(quick());
    let (_, listed) = reader.call(Method::GET, SUBSCRIPTIONS, &Value::Null);
    let id = listed["results"][0]["id"].as_u64().unwrap();
    let one = format!("{SUBSCRIPTIONS}/{id}");
    assert_eq!(reader.call(Method::GET, &one, &Value::Null).1["subscriptionType"], "OBJECT");
    for (body, part) in [
        (json!({}), "subscriptionType"),
        (json!({"subscriptionType": "OBJECT", "portalId": PORTAL, "actions": ["CREATE"]}), "objectTypeId"),
        (json!({"subscriptionType": "OBJECT", "objectTypeId": "0-1", "actions": ["CREATE"]}), "portalId"),
        (json!({"subscriptionType": "OBJECT", "portalId": PORTAL, "objectTypeId": "0-1"}), "actions"),
        (
            json!({"subscriptionType": "OBJECT", "portalId": 5, "objectTypeId": "0-1", "actions": ["CREATE"]}),
            "installed",
        ),
        (
            json!({"subscriptionType": "OBJECT", "portalId": PORTAL, "objectTypeId": "0-1", "actions": ["GDPR_DELETE"]}),
            "GDPR_DELETE",
        ),
    ] {
        let (status, answer) = reader.call(Method::POST, SUBSCRIPTIONS, &body);
        assert_eq!(status, 400, "{answer}");
        assert!(answer["message"].as_str().unwrap().contains(part), "{answer}");
    }
    assert_eq!(reader.call(Method::DELETE, &one, &Value::Null).0, 204);
    assert_eq!(reader.call(Method::GET, &one, &Value::Null).0, 404);
    reader.bench.create("contacts", &json!({}));
    reader.bench.later(1_000);
    assert_eq!(reader.get("earliest").0, 204);
    assert!(!reader.bench.hub.is_noting_changes());
    let body = json!({"subscriptionType": "OBJECT", "portalId": PORTAL, "objectTypeId": "0-2", "actions": ["CREATE"]});
    reader.call(Method::POST, SUBSCRIPTIONS, &body);
    assert_eq!(reader.call(Method::DELETE, &format!("{SUBSCRIPTIONS}/portals/{PORTAL}"), &Value::Null).0, 204);
    assert_eq!(reader.call(Method::GET, SUBSCRIPTIONS, &Value::Null).1, json!({"results": []}));
}

#[test]
fn an_app_may_read_its_journal_a_hundred_times_a_second_and_its_subscriptions_fifty_times() {
    let mut reader = Reader::new(quick());
    reader.bench.later(1_000);
    let count = |reader: &mut Reader, path: &str| {
        (0..200).filter(|_| reader.call(Method::GET, path, &Value::Null).0 != 429).count()
    };
    assert_eq!(count(&mut reader, &format!("{JOURNAL}/earliest")), 100);
    assert_eq!(count(&mut reader, SUBSCRIPTIONS), 50);
    let (status, body) = reader.get("earliest");
    assert_eq!((status, &body["message"]), (429, &json!("You have reached your secondly limit.")));
    reader.bench.later(1_000);
    assert_eq!(reader.get("earliest").0, 204);
    let snapshots = (0..20).filter(|_| {
        let body = json!({"snapshotRequests": []});
        reader.call(Method::POST, "/webhooks-journal/snapshots/2026-03/crm", &body).0 == 200
    });
    assert_eq!(snapshots.count(), 10);
}
