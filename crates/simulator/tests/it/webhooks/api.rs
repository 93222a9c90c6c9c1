//! HubSpot's management API, app files, and the control API.

use http::Method;
use linchpin_simulator::webhooks::{SUBSCRIPTIONS_MAX, WebhookSpec};
use linchpin_simulator::{SimOptions, StartFile};
use serde_json::{Value, json};

use super::{APP, Bench, KEY, PUBLIC, TARGET, at_once, json_of, keys, spec};
use crate::{TOKEN, desk, get, json, lines, post, request};

fn developer() -> Bench {
    Bench::new(WebhookSpec { delivery: Some(at_once()), ..WebhookSpec::default() })
}

/// A call with the developer key: status and body.
fn manage(bench: &mut Bench, method: Method, tail: &str, body: &Value) -> (u16, Value) {
    let answer = bench.request(method, &format!("/webhooks/v3/{PUBLIC}/{tail}?hapikey={KEY}"), None, body);
    (answer.status, serde_json::from_slice(&answer.body).unwrap_or(Value::Null))
}

fn settings() -> Value {
    json!({"targetUrl": TARGET, "throttling": {"maxConcurrentRequests": 10}})
}

#[test]
fn only_the_developer_key_opens_the_management_of_webhooks() {
    let mut bench = developer();
    for path in ["/webhooks/v3/71/subscriptions", "/webhooks/2026-03/71/settings", "/app-webhooks/2026-09/71/settings"]
    {
        for token in [Some(TOKEN), None] {
            let answer = bench.request(Method::GET, path, token, &Value::Null);
            let body = json_of(&answer);
            assert_eq!((answer.status, &body["category"]), (401, &json!("INVALID_AUTHENTICATION")), "{path}");
            assert!(body["message"].as_str().unwrap().starts_with("Authentication credentials not found."));
        }
        let answer = bench.request(Method::GET, &format!("{path}?hapikey=wrong"), None, &Value::Null);
        assert!(json_of(&answer)["message"].as_str().unwrap().starts_with("The API key provided is invalid."));
        assert_eq!(answer.status, 401);
    }
    for path in ["/webhooks/v3", "/webhooks/2026-03", "/app-webhooks/2025-09", "/app-webhooks/2026-09"] {
        let answer = bench.request(Method::GET, &format!("{path}/71/subscriptions?hapikey={KEY}"), None, &Value::Null);
        assert_eq!((answer.status, json_of(&answer)), (200, json!({"results": []})), "{path}");
    }
    let missing =
        bench.request(Method::GET, &format!("/webhooks/v3/99/subscriptions?hapikey={KEY}"), None, &Value::Null);
    assert_eq!(missing.status, 404);
    let odd = bench.request(Method::GET, &format!("/webhooks/v3/x/subscriptions?hapikey={KEY}"), None, &Value::Null);
    assert_eq!(odd.status, 400);
}

#[test]
fn settings_need_an_https_target_and_more_than_five_posts_at_a_time() {
    let mut bench = developer();
    assert_eq!(manage(&mut bench, Method::GET, "settings", &Value::Null).0, 404);
    let put = |bench: &mut Bench, target: &str, concurrent: u32| {
        let body = json!({"targetUrl": target, "throttling": {"maxConcurrentRequests": concurrent}});
        manage(bench, Method::PUT, "settings", &body).0
    };
    assert_eq!(put(&mut bench, "http://receiver.example.test/", 10), 400);
    assert_eq!(put(&mut bench, "https://receiver.example.test/", 5), 400);
    assert_eq!(put(&mut bench, "nonsense", 10), 400);
    assert_eq!(put(&mut bench, "https://receiver.example.test/", 6), 200);
    assert_eq!(manage(&mut bench, Method::PUT, "settings", &json!({"targetUrl": TARGET})).0, 400);
    let (status, body) = manage(&mut bench, Method::PUT, "settings", &settings());
    assert_eq!((status, keys(&body)), (200, vec!["createdAt", "targetUrl", "throttling", "updatedAt"]));
    assert_eq!(manage(&mut bench, Method::GET, "settings", &Value::Null), (200, body));
    assert_eq!(manage(&mut bench, Method::DELETE, "settings", &Value::Null), (204, Value::Null));
    assert_eq!(manage(&mut bench, Method::GET, "settings", &Value::Null).0, 404);
}

#[test]
fn a_subscription_is_made_switched_and_deleted_and_only_its_switch_can_change() {
    let mut bench = developer();
    let wanted = json!({"eventType": "contact.propertyChange", "propertyName": "city"});
    let (status, made) = manage(&mut bench, Method::POST, "subscriptions", &wanted);
    assert_eq!((status, &made["active"]), (201, &json!(false)), "inactive without a word");
    assert_eq!(keys(&made), ["active", "createdAt", "eventType", "id", "propertyName"]);
    let one = format!("subscriptions/{}", made["id"].as_str().unwrap());
    assert_eq!(manage(&mut bench, Method::GET, &one, &Value::Null), (200, made));
    let (status, twin) = manage(&mut bench, Method::POST, "subscriptions", &wanted);
    assert_eq!((status, &twin["category"]), (409, &json!("CONFLICT")));
    let change = json!({"active": true, "propertyName": "phone"});
    let (status, changed) = manage(&mut bench, Method::PATCH, &one, &change);
    assert_eq!((status, &changed["active"], &changed["propertyName"]), (200, &json!(true), &json!("city")));
    assert_eq!(manage(&mut bench, Method::PATCH, &one, &json!({})).0, 400);
    let (_, listed) = manage(&mut bench, Method::GET, "subscriptions", &Value::Null);
    assert_eq!(listed, json!({"results": [changed]}));
    assert_eq!(manage(&mut bench, Method::PUT, &one, &change).0, 405);
    assert_eq!(manage(&mut bench, Method::DELETE, &one, &Value::Null).0, 204);
    assert_eq!(manage(&mut bench, Method::GET, &one, &Value::Null).0, 404);
    assert_eq!(manage(&mut bench, Method::GET, "nothing", &Value::Null).0, 404);
}

#[test]
fn a_batch_switches_what_it_finds_and_names_what_it_does_not() {
    let mut bench = developer();
    let wanted = json!({"eventType": "contact.creation"});
    let (_, made) = manage(&mut bench, Method::POST, "subscriptions", &wanted);
    let id = made["id"].as_str().unwrap();
    let batch = |bench: &mut Bench, inputs: Value| {
        manage(bench, Method::POST, "subscriptions/batch/update", &json!({"inputs": inputs}))
    };
    let number: u64 = id.parse().unwrap();
    let (status, body) = batch(&mut bench, json!([{"id": number, "active": true}]));
    assert_eq!((status, &body["results"][0]["active"], &body["status"]), (200, &json!(true), &json!("COMPLETE")));
    let (status, body) = batch(&mut bench, json!([{"id": id, "active": false}, {"id": 5, "active": true}]));
    assert_eq!((status, &body["numErrors"], &body["errors"][0]["context"]["ids"]), (207, &json!(1), &json!(["5"])));
    assert_eq!(body["results"][0]["active"], false);
    assert_eq!(batch(&mut bench, json!([{"id": id, "active": true}, {"id": id}])).0, 400);
    let (_, listed) = manage(&mut bench, Method::GET, "subscriptions", &Value::Null);
    assert_eq!(listed["results"][0]["active"], false, "a batch that cannot be read changes nothing");
    let many: Vec<Value> = (0..101).map(|_| json!({"id": id, "active": true})).collect();
    assert_eq!(batch(&mut bench, json!(many)).0, 400);
}

#[test]
fn a_wrong_subscription_and_the_one_above_the_limit_are_refused() {
    let mut bench = developer();
    let refused = |bench: &mut Bench, body: Value, part: &str| {
        let (status, body) = manage(bench, Method::POST, "subscriptions", &body);
        assert_eq!(status, 400, "{body}");
        assert!(body["message"].as_str().unwrap().contains(part), "{body}");
    };
    refused(&mut bench, json!({}), "[eventType]");
    refused(&mut bench, json!({"eventType": "contact.explosion"}), "contact.explosion");
    refused(&mut bench, json!({"eventType": "contact.propertyChange"}), "propertyName");
    refused(&mut bench, json!({"eventType": "object.creation", "objectTypeId": "2-7"}), "objectTypeId");
    for number in 0..SUBSCRIPTIONS_MAX {
        let body = json!({"eventType": "contact.propertyChange", "propertyName": format!("p{number}")});
        assert_eq!(manage(&mut bench, Method::POST, "subscriptions", &body).0, 201);
    }
    let text =
        "Couldn't create another subscription. You've reached the maximum number allowed per application (1000).";
    refused(&mut bench, json!({"eventType": "contact.creation"}), text);
}

#[test]
fn a_public_app_hears_of_the_portals_that_installed_it_and_of_no_other() {
    let mut bench = developer();
    assert_eq!(manage(&mut bench, Method::PUT, "settings", &settings()).0, 200);
    let wanted = json!({"eventType": "contact.creation", "active": true});
    assert_eq!(manage(&mut bench, Method::POST, "subscriptions", &wanted).0, 201);
    bench.create("contacts", &json!({}));
    assert!(bench.told().is_empty(), "nobody has installed it");
    super::journal::install(&mut bench);
    bench.create("contacts", &json!({}));
    let told = bench.told();
    assert_eq!((told.len(), &told[0]["appId"]), (1, &json!(PUBLIC)));
    assert!(bench.hub.uninstall(PUBLIC, super::PORTAL));
    bench.create("contacts", &json!({}));
    assert!(bench.told().is_empty());
}

#[test]
fn a_projects_file_says_target_and_subscriptions() {
    let file = json!({
        "uid": "hooks", "type": "webhooks",
        "config": {
            "settings": {"targetUrl": TARGET, "maxConcurrentRequests": 3},
            "subscriptions": {
                "crmObjects": [
                    {"subscriptionType": "object.propertyChange", "objectType": "contact", "propertyName": "city",
                     "active": true},
                    {"subscriptionType": "object.creation", "objectType": "0-2", "active": false},
                ],
                "legacyCrmObjects": [{"subscriptionType": "contact.creation", "active": true}],
                "hubEvents": [{"subscriptionType": "contact.privacyDeletion", "active": true}],
            },
        },
    });
    let whole = json!({"apps": [{"app_id": APP, "client_secret": "s", "hsmeta": file}], "delivery": at_once()});
    let mut bench = Bench::new(serde_json::from_value(whole).unwrap());
    bench.create("contacts", &json!({"city": "Berlin"}));
    bench.create("companies", &json!({"name": "Alpha"}));
    let mut kinds: Vec<String> =
        bench.told().iter().map(|event| event["subscriptionType"].as_str().unwrap().to_owned()).collect();
    kinds.sort();
    assert_eq!(kinds, ["contact.creation", "object.propertyChange"]);
    let wrong = json!({"apps": [{"app_id": APP, "client_secret": "s", "hsmeta": {"config": {"settings": 5}}}]});
    let error = bench.hub.configure_webhooks(serde_json::from_value(wrong).unwrap()).unwrap_err();
    assert!(error.to_string().contains("hsmeta"), "{error}");
}

#[test]
fn a_start_file_sets_webhooks_up_and_a_bad_one_says_why() {
    let text = format!(
        r#"{{"webhooks": {{"apps": [{{"app_id": 1, "client_secret": "s", "target_url": "{TARGET}",
             "subscriptions": [{{"eventType": "contact.creation"}}]}}], "faults": {{"lose": 0.5}}}}}}"#
    );
    let file = StartFile::parse(&text).unwrap();
    assert_eq!(file.webhooks.as_ref().map(|spec| spec.apps.len()), Some(1));
    let options = SimOptions { start: file, ..super::options() };
    let mut dice = <rand_chacha::ChaCha8Rng as rand_core::SeedableRng>::seed_from_u64(1);
    let mut hub = linchpin_simulator::Hub::new(&options, crate::NOON, &mut dice).unwrap();
    hub.send_test_webhook(1).unwrap();
    assert_eq!(hub.take_deliveries().len(), 1);
    let mut bad = options;
    bad.start.webhooks.as_mut().unwrap().apps[0].client_secret = None;
    let error = linchpin_simulator::Hub::new(&bad, crate::NOON, &mut dice).unwrap_err();
    assert!(format!("{error:?}").contains("Secret"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn the_control_api_sets_up_shows_and_removes_webhooks() {
    let desk = desk(&super::options());
    let mut deliveries = desk.take_deliveries().await.unwrap();
    let whole = json!({
        "apps": [{"app_id": APP, "client_secret": "hidden-half", "target_url": TARGET,
                  "subscriptions": [{"eventType": "contact.creation"}]}],
        "delivery": {"retry_over_ms": 3000, "delay_ms": [0, 0]},
    });
    let shown = json(&desk.call(post("/_control/webhooks", &whole)).await.unwrap());
    assert_eq!(shown["apps"][0]["subscriptions"][0]["eventType"], "contact.creation");
    assert_eq!((&shown["delivery"]["retry_over_ms"], &shown["delivery"]["retries"]), (&json!(3000), &json!(10)));
    assert!(!shown.to_string().contains("hidden-half"));
    desk.call(post(crate::CONTACTS, &json!({"properties": {"city": "Berlin"}}))).await.unwrap();
    let delivery = deliveries.next().await.unwrap();
    desk.delivery_answered(delivery.id, linchpin_simulator::webhooks::DeliveryOutcome::status(200)).await.unwrap();
    let shown = json(&desk.call(get("/_control/webhooks")).await.unwrap());
    assert_eq!((&shown["counts"]["events"], &shown["counts"]["delivered"]), (&json!(1), &json!(1)));
    assert_eq!(shown["counts"]["by_status"], json!({"200": 1}));
    let events = lines(&desk.call(get("/_control/webhooks/events")).await.unwrap());
    assert_eq!((events.len(), &events[0]["fate"]), (1, &json!("delivered")));

    let order = json!({"app_id": APP, "url": "http://127.0.0.1:9/flow", "body": {"a": 1}});
    assert_eq!(desk.call(post("/_control/webhooks/workflow", &order)).await.unwrap().status(), 200);
    assert_eq!(deliveries.next().await.unwrap().url, "http://127.0.0.1:9/flow");
    desk.call(post("/_control/webhooks/test", &json!({"app_id": APP}))).await.unwrap();
    assert_eq!(super::body(&deliveries.next().await.unwrap())[0]["eventId"], 100);

    let churned = desk.call(post("/_control/churn", &json!({"creations": 3, "deletions": 1}))).await.unwrap();
    assert_eq!(json(&churned)["left"], 4);
    let mut made = 0;
    while made < 3 {
        let delivery = deliveries.next().await.unwrap();
        made += super::body(&delivery).len();
        desk.delivery_answered(delivery.id, linchpin_simulator::webhooks::DeliveryOutcome::status(200)).await.unwrap();
    }
    assert_eq!(json(&desk.call(get("/_control/churn")).await.unwrap())["left"], 0);

    let first = lines(&desk.call(get("/_control/dump/contacts")).await.unwrap())[0]["id"].clone();
    let id: u64 = first.as_str().unwrap().parse().unwrap();
    desk.call(request(Method::DELETE, &format!("{}/{id}", crate::CONTACTS), &Value::Null)).await.unwrap();
    let restore = json!({"object_type": "contacts", "id": id});
    assert_eq!(desk.call(post("/_control/restore", &restore)).await.unwrap().status(), 200);

    for (path, body, part) in [
        ("/_control/webhooks", json!({"faults": {"lose": 2.0}}), "lose"),
        ("/_control/webhooks", json!({"apps": [{"app_id": 5}]}), "client_secret"),
        ("/_control/webhooks", json!({"aps": []}), "aps"),
        ("/_control/webhooks/test", json!({"app_id": 5}), "app 5"),
        ("/_control/webhooks/workflow", json!({"app_id": APP, "url": "nowhere"}), "nowhere"),
        ("/_control/churn", json!({"changes": 1, "type": "ghosts"}), "ghosts"),
        ("/_control/churn", json!({"changes": u64::MAX}), "at most"),
    ] {
        let answer = desk.call(post(path, &body)).await.unwrap();
        assert_eq!(answer.status(), 400, "{path}");
        assert!(json(&answer)["error"].as_str().unwrap().contains(part), "{:?}", answer.body());
    }

    desk.call(post("/_control/reset", &json!({"stats": true, "state": true}))).await.unwrap();
    let shown = json(&desk.call(get("/_control/webhooks")).await.unwrap());
    assert_eq!((&shown["counts"]["events"], shown["apps"].as_array().unwrap().len()), (&json!(0), 1));
    let removed = desk.call(request(Method::DELETE, "/_control/webhooks", &Value::Null)).await.unwrap();
    assert_eq!(json(&removed)["apps"], json!([]));
}

#[test]
fn a_fault_can_strike_the_management_of_webhooks() {
    let mut bench = Bench::new(spec(&[]));
    let rule = json!({"path": "/webhooks", "times": 1, "fault": {"kind": "status", "status": 503}});
    bench.hub.arm_faults(vec![serde_json::from_value(rule).unwrap()]).unwrap();
    assert_eq!(manage(&mut bench, Method::GET, "subscriptions", &Value::Null).0, 503);
    assert_eq!(manage(&mut bench, Method::GET, "subscriptions", &Value::Null).0, 200);
}

#[tokio::test(start_paused = true)]
async fn what_a_person_does_on_the_simulators_page_is_told_as_done_by_a_person() {
    let desk = desk(&super::options());
    let mut deliveries = desk.take_deliveries().await.unwrap();
    let whole = json!({
        "apps": [{"app_id": APP, "client_secret": "s", "target_url": TARGET,
                  "subscriptions": [{"eventType": "contact.creation"}]}],
    });
    desk.call(post("/_control/webhooks", &whole)).await.unwrap();
    let made = desk.call(post("/_control/records/contacts", &json!({"properties": {"city": "Berlin"}}))).await.unwrap();
    let event = super::body(&deliveries.next().await.unwrap()).remove(0);
    assert_eq!(event["objectId"].to_string(), json(&made)["id"].as_str().unwrap());
    assert_eq!(event["changeSource"], "CRM_UI");
    assert!(event["sourceId"].as_str().unwrap().starts_with("userId:"));
}
