//! HubSpot's webhooks keep the mirror of `linchpin serve` true, however they come, and however often it is killed.

use std::time::Duration;

use http::Method;
use linchpin_trials::hearing::{App, Hearing};
use linchpin_trials::{binary, figure};
use serde_json::{Value, json};

const APP: App = App { id: 7_007, client: "", secret: "pat-test-secret-of-7007" };
const CHANGES: u64 = 3_000;
const KILLS: u64 = 4;
const FORGOTTEN: usize = 5;
const PROPERTIES: [&str; 5] = ["city", "email", "firstname", "lastname", "phone"];
const LIMIT: Duration = Duration::from_secs(180);

fn scene() -> Hearing {
    let sections = format!(
        "webhooks: {{apps: {{'{}': {{secret: {}}}}}}}\nmirror: {{objects: {{contacts: {{properties: [{}]}}}}}}\n",
        APP.id,
        APP.secret,
        PROPERTIES.join(", ")
    );
    let scene = Hearing::new(&[], &sections);
    let fates = ["creation", "deletion", "merge", "restore", "privacyDeletion"];
    let fates = fates.map(|fate| json!({"eventType": format!("contact.{fate}")}));
    let values = PROPERTIES.map(|name| json!({"eventType": "contact.propertyChange", "propertyName": name}));
    let subscriptions: Vec<Value> = fates.into_iter().chain(values).collect();
    let faults = json!({"duplicate": 0.1, "reorder": 0.2, "span_ms": 3000, "unheard": 0.05});
    let delivery = json!({"retry_over_ms": 20_000, "delay_ms": [0, 300], "batch": 20});
    scene.subscribe(APP, &subscriptions, json!({"faults": faults, "read_gap_ms": 1500, "delivery": delivery}));
    scene
}

fn settle(scene: &Hearing) {
    scene.settle(LIMIT);
    scene.follow(LIMIT);
}

fn metric(scene: &Hearing, name: &str) -> u64 {
    let page = scene.server().text(Method::GET, "/metrics", None);
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|value| value.parse().ok()).expect("the metric is there")
}

/// Deletes some contacts for good.
fn forget(scene: &Hearing) -> Vec<String> {
    let ids: Vec<String> = scene.there(&PROPERTIES).into_keys().take(FORGOTTEN).collect();
    for id in &ids {
        let body = json!({"objectId": id});
        scene.simulator.control().text(Method::POST, "/crm/v3/objects/contacts/gdpr-delete", Some(&body));
    }
    ids
}

#[test]
fn the_mirror_ends_as_hubspot_is_however_events_come_and_whenever_it_is_killed() {
    let scene = scene();
    let mut process = scene.serve();
    // What is seeded nobody tells of; what people create is told.
    scene.churn(&json!({"creations": 300}));
    settle(&scene);
    let churn = json!({"changes": CHANGES, "creations": 200, "deletions": 80, "restorations": 40, "merges": 20,
        "per_second": 200});
    scene.churn(&churn);
    let mut forgotten = Vec::new();
    for kill in 1..=KILLS {
        // More must have come in before each kill than before the last.
        let enough = CHANGES * kill / (KILLS + 2);
        assert!(binary::until(LIMIT, || scene.told("taken") >= enough), "{}", scene.webhooks());
        forgotten.extend(forget(&scene));
        process.kill();
        process = scene.serve();
    }
    settle(&scene);
    for name in ["events_total", "direct_total", "calls_total", "asked_total", "asked_again_total", "gone_total"] {
        figure(name, metric(&scene, &format!("linchpin_follow_{name}")));
    }
    process.kill();
    scene.demand_mirror(&PROPERTIES);
    let gone = scene.mirrored(true);
    assert!(gone.values().any(|values| !values.is_empty()), "what lies in the bin keeps its values");
    assert_eq!(forgotten.len(), FORGOTTEN * usize::try_from(KILLS).expect("few"));
    let kept: Vec<&String> =
        forgotten.iter().filter(|id| gone.get(*id).is_some_and(|values| !values.is_empty())).collect();
    assert!(kept.is_empty(), "forgotten persons whose values are kept: {kept:?}");
    // Most changes cost no call.
    assert!(scene.simulator.requests() < CHANGES / 4, "{}", scene.simulator.requests());
}
