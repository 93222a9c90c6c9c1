//! `linchpin webhooks` against a simulated HubSpot: what is missing is made, nothing is taken away.

use http::Method;
use linchpin_trials::binary::Ended;
use linchpin_trials::simulator::{Simulator, TOKEN};
use linchpin_trials::workplace::{SHORT, Workplace};
use serde_json::{Value, json};

const KEY: &str = "pat-test-developer-1";
const APP: u64 = 7_008;
const TARGET: &str = "https://hooks.example.com/webhooks/hubspot/7008";

struct Scene {
    simulator: Simulator,
    place: Workplace,
}

impl Scene {
    /// An app that is to be told what a mapping and two lists need.
    fn new() -> Self {
        let simulator = Simulator::start(&["--oauth-app", "client-1:secret-1", "--developer-key", KEY]);
        let scene = Self { simulator, place: Workplace::new() };
        scene.configure(APP, KEY);
        scene
    }

    fn configure(&self, app: u64, key: &str) {
        self.place.write_config(&format!(
            "hubspot: {{token: {TOKEN}, base_url: '{}'}}\n\
             webhooks:\n  public_url: https://hooks.example.com/\n  apps:\n    '{app}':\n      \
             secret: pat-test-secret-1\n      developer_key: {key}\n      subscriptions:\n        \
             - {{object: deals, kinds: [creation, propertyChange], properties: [amount, hs_lastmodifieddate]}}\n        \
             - {{object: leads, kinds: [merge]}}\n        - {{object: 2-77, kinds: [creation]}}\n\
             sync:\n  entries:\n    customers: {{source: shop, table: Customer, key: Id, object: contacts, \
             identity: {{unique: email}}, fields: {{email: Email, city: City}}}}\n",
            self.simulator.base()
        ));
    }

    fn api(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let path = format!("/webhooks/v3/{APP}/{path}?hapikey={KEY}");
        self.simulator.control().json(method, &path, body)
    }

    /// The subscriptions at HubSpot, as `event type, property, whether it is on`.
    fn there(&self) -> Vec<(String, String, bool)> {
        let all = self.api(Method::GET, "subscriptions", None);
        let results = all.get("results").and_then(Value::as_array).cloned().expect("a list");
        let text = |one: &Value, name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let shown =
            |one: &Value| (text(one, "eventType"), text(one, "propertyName"), one.get("active") == Some(&json!(true)));
        let mut there: Vec<_> = results.iter().map(shown).collect();
        there.sort();
        there
    }

    fn plan(&self, code: i32) -> Value {
        self.place.run(&["webhooks", "plan", "--check"], SHORT).with_code(code).json()
    }

    fn apply(&self, more: &[&str]) -> Ended {
        self.place.run(&[&["webhooks", "apply"], more].concat(), SHORT)
    }
}

fn length(value: &Value, name: &str) -> usize {
    value.get(name).and_then(Value::as_array).map_or(0, Vec::len)
}

fn code_of(ended: &Ended) -> Value {
    ended.value("/error/code")
}

/// Contacts by the mapping, the others as listed.
const NEEDED: [(&str, &str); 10] = [
    ("contact.creation", ""),
    ("contact.deletion", ""),
    ("contact.merge", ""),
    ("contact.privacyDeletion", ""),
    ("contact.propertyChange", "city"),
    ("contact.propertyChange", "email"),
    ("contact.restore", ""),
    ("deal.creation", ""),
    ("deal.propertyChange", "amount"),
    ("object.merge", ""),
];

#[test]
fn what_is_missing_is_made_once_and_nothing_is_taken_away() {
    let scene = Scene::new();
    let plan = scene.plan(1);
    assert_eq!((length(&plan, "create"), plan.get("complete")), (NEEDED.len(), Some(&json!(false))), "{plan}");
    assert_eq!(length(&plan, "not_offered"), 2, "the property and the custom object: {plan}");
    assert!(scene.there().is_empty(), "a plan changes nothing");
    let done = scene.apply(&[]).with_code(0);
    assert_eq!(done.value("/applied"), json!(NEEDED.len() + 1));
    let needed: Vec<_> =
        NEEDED.iter().map(|(kind, property)| ((*kind).to_owned(), (*property).to_owned(), true)).collect();
    assert_eq!(scene.there(), needed);
    assert_eq!(scene.api(Method::GET, "settings", None).get("targetUrl"), Some(&json!(TARGET)));
    assert_eq!(scene.plan(0).get("fine"), Some(&json!(NEEDED.len())));
    // One is switched off, and one is there that nobody here needs.
    let all = scene.api(Method::GET, "subscriptions", None);
    let id = all.pointer("/results/0/id").map(|id| id.to_string().trim_matches('"').to_owned()).expect("an id");
    scene.api(Method::PATCH, &format!("subscriptions/{id}"), Some(&json!({"active": false})));
    scene.api(Method::POST, "subscriptions", Some(&json!({"eventType": "ticket.creation", "active": true})));
    let plan = scene.plan(1);
    let found = ["create", "activate", "superfluous"].map(|name| length(&plan, name));
    assert_eq!(found, [0, 1, 1], "{plan}");
    assert_eq!(scene.apply(&[]).with_code(0).value("/applied"), json!(1));
    assert_eq!(scene.there().len(), NEEDED.len() + 1, "what is not needed stays");
    assert!(scene.there().iter().all(|(.., active)| *active));
    assert_eq!(scene.apply(&[]).with_code(0).value("/applied"), json!(0));
    assert_eq!(scene.simulator.rate_limited(), 0);
}

#[test]
fn what_is_mirrored_is_subscribed_to_as_well() {
    let scene = Scene::new();
    // Contacts by the mapping and the mirror, companies by the mirror alone.
    let config = std::fs::read_to_string(scene.place.path("linchpin.yaml")).expect("the configuration is there");
    let mirror = "mirror: {objects: {contacts: {properties: [city, phone]}, companies: {properties: [domain]}}}\n";
    scene.place.write_config(&format!("{config}{mirror}"));
    scene.apply(&[]).with_code(0);
    let company = ["creation", "deletion", "merge", "restore"].map(|fate| (format!("company.{fate}"), ""));
    let changes = [("company.propertyChange".to_owned(), "domain"), ("contact.propertyChange".to_owned(), "phone")];
    let more = company.into_iter().chain(changes).map(|(kind, property)| (kind, property.to_owned(), true));
    let all = NEEDED.iter().map(|(kind, property)| ((*kind).to_owned(), (*property).to_owned(), true));
    let mut needed: Vec<_> = all.chain(more).collect();
    needed.sort();
    assert_eq!(scene.there(), needed);
    assert_eq!(scene.plan(0).get("fine"), Some(&json!(needed.len())));
}

#[test]
fn events_that_go_elsewhere_are_not_taken_away_by_mistake() {
    let scene = Scene::new();
    let elsewhere =
        json!({"targetUrl": "https://elsewhere.example.com/in", "throttling": {"maxConcurrentRequests": 20}});
    scene.api(Method::PUT, "settings", Some(&elsewhere));
    let plan = scene.plan(1);
    assert_eq!(plan.pointer("/target/other"), Some(&elsewhere["targetUrl"]), "{plan}");
    let refused = scene.apply(&[]).with_code(4);
    assert_eq!(code_of(&refused), "LP6303");
    assert!(scene.there().is_empty(), "nothing is done by halves");
    scene.apply(&["--replace-target"]).with_code(0);
    let settings = scene.api(Method::GET, "settings", None);
    assert_eq!(settings.get("targetUrl"), Some(&json!(TARGET)));
    assert_eq!(settings.pointer("/throttling/maxConcurrentRequests"), Some(&json!(20)), "{settings}");
}

#[test]
fn who_is_not_let_in_is_told_what_to_do() {
    let scene = Scene::new();
    scene.configure(APP, "pat-test-wrong-key");
    let refused = scene.place.run(&["webhooks", "plan"], SHORT).with_code(1);
    assert_eq!(code_of(&refused), "LP6301");
    assert!(!refused.out.contains("pat-test-wrong-key") && !refused.err.contains("pat-test-wrong-key"));
    scene.configure(9_999, KEY);
    let unknown = scene.place.run(&["webhooks", "plan"], SHORT).with_code(1);
    assert_eq!(code_of(&unknown), "LP6302");
    assert!(unknown.value("/error/to_do").as_str().is_some_and(|text| text.contains("--app-file")));
    let other = scene.place.run(&["webhooks", "plan", "--app", "1"], SHORT).with_code(2);
    assert_eq!(code_of(&other), "LP0014");
}

#[test]
fn an_app_file_declares_the_same_and_keeps_its_name() {
    let scene = Scene::new();
    let path = scene.place.path("webhooks-hsmeta.json");
    let write = || scene.place.run(&["webhooks", "plan", "--app-file", path.to_str().expect("text")], SHORT);
    assert_eq!(write().with_code(0).value("/subscriptions"), json!(NEEDED.len() + 1), "custom objects as well");
    assert_eq!(scene.simulator.requests(), 0, "HubSpot is not asked");
    let file: Value = serde_json::from_slice(&std::fs::read(&path).expect("a file")).expect("JSON");
    assert_eq!(file.pointer("/config/settings/targetUrl"), Some(&json!(TARGET)));
    // A simulated HubSpot takes it as it is.
    let app = json!({"apps": [{"app_id": 7_100, "client_secret": "pat-test-secret-1", "hsmeta": file}]});
    scene.simulator.control().json(Method::POST, "/_control/webhooks", Some(&app));
    let state = scene.simulator.control().json(Method::GET, "/_control/webhooks", None);
    let known = state.pointer("/apps/0/subscriptions").and_then(Value::as_array).map(Vec::len);
    assert_eq!(known, Some(NEEDED.len() + 1), "{state}");
    let named = file.to_string().replace("linchpin-webhooks", "our-webhooks");
    std::fs::write(&path, named).expect("it is written");
    write().with_code(0);
    let again: Value = serde_json::from_slice(&std::fs::read(&path).expect("a file")).expect("JSON");
    assert_eq!(again.get("uid"), Some(&json!("our-webhooks")));
    std::fs::write(&path, "{\"type\": \"app\"}").expect("it is written");
    assert_eq!(code_of(&write().with_code(1)), "LP0009");
    assert_eq!(std::fs::read_to_string(&path).expect("a file"), "{\"type\": \"app\"}");
}
