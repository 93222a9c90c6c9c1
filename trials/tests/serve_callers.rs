//! What each caller of `linchpin serve` may do, and what becomes of tokens that nobody configured.

use std::time::Duration;

use http::{Method, StatusCode};
use linchpin_trials::binary;
use linchpin_trials::control::Control;
use linchpin_trials::simulator::{Simulator, TOKEN};
use linchpin_trials::workplace::Workplace;
use serde_json::{Value, json};

/// May read and write little of contacts, and see deals.
const NARROW: &str = "pat-test-key-of-narrow";
/// May make three calls a day.
const FEW: &str = "pat-test-key-of-few";
/// May do everything.
const WIDE: &str = "pat-test-key-of-wide";
/// May do everything, and has three turns where the others have one.
const HEAVY: &str = "pat-test-key-of-heavy";
/// The key of whoever may look.
const ADMIN_KEY: &str = "pat-test-key-of-admin";
/// How long anything here may take: two windows, on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);
/// A token of another app of the same account: the simulator takes it, and nobody configured it.
const GUEST: &str = "pat-na1-01234567-89ab-cdef-0123-456789abcdef";
/// A token that HubSpot does not know either.
const STRANGER: &str = "pat-na1-ffffffff-89ab-cdef-0123-456789abcdef";

const CALLERS: &str = "
    narrow:
      key: pat-test-key-of-narrow
      objects: [deals]
      properties: {contacts: {read: [email, firstname], write: [firstname]}}
      verbs: [read, write]
    few: {key: pat-test-key-of-few, daily_quota: 3}
    wide: {key: pat-test-key-of-wide}
    heavy: {key: pat-test-key-of-heavy, share: 3}
";

struct Scene {
    simulator: Simulator,
    process: binary::Running,
    base: String,
    _place: Workplace,
}

impl Scene {
    fn start(more: &str) -> Self {
        let simulator = Simulator::start(&["--token", GUEST, "--index-lag", "off"]);
        let place = Workplace::new();
        place.write_config(&format!(
            "hubspot: {{token: {TOKEN}, base_url: '{}', tier: professional}}\n\
             gateway:\n  listen: '127.0.0.1:0'\n{more}  callers:{CALLERS}",
            simulator.base()
        ));
        let (process, base) = place.serve(&["--log", "trace"]);
        Self { simulator, process, base, _place: place }
    }

    fn call(&self, key: &str, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let (status, text) = Control::new(&self.base, key).call(method, path, body);
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    fn get(&self, key: &str, path: &str) -> (StatusCode, Value) {
        self.call(key, Method::GET, path, None)
    }
}

#[test]
fn a_caller_with_limits_gets_what_it_may_have_and_nothing_else_is_sent() {
    let scene = Scene::start("");
    scene.simulator.seed(&json!({"contacts": 3, "companies": 2, "deals": 2}));
    let id = scene.simulator.dump("contacts").first().expect("a contact").id.clone();
    let contact = format!("/crm/v3/objects/contacts/{id}");
    let (status, body) = scene.get(NARROW, &format!("{contact}?properties=email"));
    assert_eq!(status, StatusCode::OK, "{body}");
    assert!(body.pointer("/properties/email").is_some_and(Value::is_string), "{body}");
    let name = json!({"properties": {"firstname": "Ada"}});
    assert_eq!(scene.call(NARROW, Method::PATCH, &contact, Some(&name)).0, StatusCode::OK);
    assert_eq!(scene.get(NARROW, "/crm/v3/objects/deals?limit=1").0, StatusCode::OK);

    let before = scene.simulator.requests();
    let phone = json!({"properties": {"phone": "1"}});
    let search = json!({"properties": ["email"], "filterGroups": [
        {"filters": [{"propertyName": "phone", "operator": "HAS_PROPERTY"}]}]});
    let batch = json!({"inputs": [{"id": id}], "properties": ["phone"]});
    let of_contacts = |rest: &str| format!("/crm/v3/objects/contacts{rest}");
    for (method, path, body, words) in [
        (Method::GET, contact.clone(), None, "name those that the call shall read"),
        (Method::GET, format!("{contact}?properties=email,phone"), None, "`phone`"),
        (Method::GET, format!("{contact}?properties=email&%70roperties=phone"), None, "`phone`"),
        (Method::PATCH, contact.clone(), Some(&phone), "may not write the property `phone`"),
        (Method::POST, of_contacts("/search"), Some(&search), "may not read the property `phone`"),
        (Method::POST, of_contacts("/batch/read"), Some(&batch), "may not read the property `phone`"),
        (Method::DELETE, contact, None, "may not archive"),
        (Method::GET, "/crm/v3/objects/companies?limit=1".to_owned(), None, "`companies`"),
        (Method::GET, "/crm/v3/objects/%63ompanies?limit=1".to_owned(), None, "`companies`"),
        (Method::GET, "/crm/v3/objects/deals/..%2fcompanies".to_owned(), None, "plain form"),
        (Method::GET, "/crm/v3/owners".to_owned(), None, "`scopes`"),
    ] {
        let (status, answer) = scene.call(NARROW, method.clone(), &path, body);
        assert_eq!((status, &answer["category"]), (StatusCode::FORBIDDEN, &json!("MISSING_SCOPES")), "{method} {path}");
        let message = answer["message"].as_str().unwrap_or_default();
        assert!(message.starts_with("Linchpin LP5101: ") && message.contains(words), "{method} {path}: {message}");
    }
    assert_eq!(scene.simulator.requests(), before, "nothing that was refused reaches HubSpot");
    assert_eq!(scene.get(WIDE, "/crm/v3/objects/companies?limit=1").0, StatusCode::OK, "others are not limited");
}

#[test]
fn a_quota_is_one_callers_and_lasts_for_the_day() {
    let scene = Scene::start("");
    let list = "/crm/v3/objects/contacts?limit=1";
    for _ in 0..3 {
        assert_eq!(scene.get(FEW, list).0, StatusCode::OK);
    }
    let before = scene.simulator.requests();
    for _ in 0..2 {
        let (status, body) = scene.get(FEW, list);
        assert_eq!((status, &body["policyName"]), (StatusCode::TOO_MANY_REQUESTS, &json!("DAILY")), "{body}");
        assert!(body["message"].as_str().is_some_and(|message| message.starts_with("Linchpin LP5102: ")), "{body}");
    }
    assert_eq!(scene.simulator.requests(), before);
    assert_eq!(scene.get(WIDE, list).0, StatusCode::OK, "others go on");
}

/// Calls of a type's records that wait at the gateway until the limit lets them leave.
fn reads(scene: &Scene, object_type: &str) -> Vec<String> {
    let records = scene.simulator.dump(object_type);
    records
        .iter()
        .map(|record| format!("/crm/v3/objects/{object_type}/{}?properties=hs_object_id", record.id))
        .collect()
}

#[test]
fn callers_of_one_lane_take_turns_by_their_shares() {
    let scene = Scene::start(&format!("  coalesce: off\n  admin: {{key: {ADMIN_KEY}}}\n"));
    scene.simulator.seed(&json!({"contacts": 400, "deals": 90}));
    let (flood, heavy) = (reads(&scene, "contacts"), reads(&scene, "deals"));
    scene.simulator.forget_calls();
    let make = |key, paths: &[String]| {
        let answers = Control::new(&scene.base, key).get_together(paths);
        assert!(answers.iter().all(|(status, _)| *status == StatusCode::OK), "{:?}", answers.first());
    };
    let waits = |calls: u64| {
        let lanes = Control::new(&scene.base, ADMIN_KEY).json(Method::GET, "/linchpin/v1/lanes", None);
        lanes.pointer("/lanes/0/waiting").and_then(Value::as_u64).is_some_and(|waiting| waiting >= calls)
    };
    // The window is used up, and half of the flood waits when the other comes.
    std::thread::scope(|scope| {
        scope.spawn(|| make(WIDE, &flood));
        assert!(binary::until(LIMIT, || waits(200)), "the flood does not wait");
        make(HEAVY, &heavy);
    });
    let ledger = scene.simulator.ledger();
    let is_heavy = |path: &str| path.contains("/deals/");
    let order: Vec<bool> = ledger.0.iter().map(|entry| is_heavy(&entry.path)).collect();
    let first = order.iter().position(|heavy| *heavy).expect("a call of the heavy caller");
    let last = order.iter().rposition(|heavy| *heavy).expect("a call of the heavy caller");
    let between = last + 1 - first - 90;
    println!("{between} calls of the flood beside 90 of a caller with a share of three");
    // Thirty, and what a busy machine brings out of order. By age it would be none between, and all of them before.
    assert!((15..=50).contains(&between), "{between}");
    let after = order.len() - 1 - last;
    assert!(after >= 100, "{after} of the flood came after");
    let callers = Control::new(&scene.base, ADMIN_KEY).json(Method::GET, "/linchpin/v1/callers", None);
    let share = |name: &str| {
        let callers = callers.pointer("/callers").and_then(Value::as_array)?;
        callers.iter().find(|caller| caller["name"] == name)?.get("share")?.as_u64()
    };
    assert_eq!((share("heavy"), share("wide")), (Some(3), Some(1)));
}

#[test]
fn an_unknown_token_passes_with_itself_alone_and_leaves_no_trace() {
    let scene = Scene::start("");
    scene.simulator.seed(&json!({"contacts": 60}));
    let paths: Vec<String> = scene
        .simulator
        .dump("contacts")
        .iter()
        .map(|record| format!("/crm/v3/objects/contacts/{}?properties=email", record.id))
        .collect();
    scene.simulator.forget_calls();
    let answers = Control::new(&scene.base, GUEST).get_together(&paths);
    assert!(answers.iter().all(|(status, _)| *status == StatusCode::OK), "{:?}", answers.first());
    assert_eq!(scene.simulator.requests(), 60, "none of them in a batch");
    let (status, body) = scene.get(STRANGER, &paths[0]);
    let direct = Control::new(scene.simulator.base(), STRANGER).call(Method::GET, &paths[0], None);
    let said: Value = serde_json::from_str(&direct.1).expect("JSON");
    assert_eq!((status, &body["message"]), (direct.0, &said["message"]), "HubSpot's own words");
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    // The other app's budget: the ledger names the credential of each call.
    let credentials: Vec<String> = scene.simulator.control().lines("/_control/ledger").iter().map(credential).collect();
    assert_eq!(credentials.iter().filter(|name| credentials[0] == **name).count(), 60, "{credentials:?}");
    assert_eq!(scene.get(WIDE, &paths[0]).0, StatusCode::OK);
    let last = scene.simulator.control().lines("/_control/ledger").last().map(credential);
    assert_ne!(last.as_ref(), credentials.first(), "a caller's call leaves with the configured token");
    for secret in [GUEST, STRANGER, WIDE, TOKEN] {
        assert!(!scene.process.err().contains(secret) && !scene.process.out().contains(secret), "a token in the log");
    }
}

fn credential(line: &Value) -> String {
    line.get("credential").and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[test]
fn unknown_tokens_can_be_refused() {
    let scene = Scene::start("  unknown_tokens: refuse\n");
    let before = scene.simulator.requests();
    let (status, body) = scene.get(GUEST, "/crm/v3/objects/contacts?limit=1");
    assert_eq!((status, &body["category"]), (StatusCode::UNAUTHORIZED, &json!("INVALID_AUTHENTICATION")));
    assert_eq!(scene.simulator.requests(), before);
}

#[test]
fn a_key_that_looks_like_a_token_or_is_used_twice_stops_the_start() {
    for (callers, words) in [
        ("{one: {key: 'file:key'}}", "has the form of a HubSpot token"),
        ("{one: {key: pat-test-same}, two: {key: pat-test-same}}", "is another caller's key"),
        ("{one: {key: pat-test-trials}}", "or the HubSpot token"),
    ] {
        let place = Workplace::new();
        place.write_config(&format!("hubspot: {{token: {TOKEN}}}\ngateway: {{callers: {callers}}}\n"));
        std::fs::write(place.path("key"), GUEST).expect("the trial's folder takes files");
        let ended = place.run(&["serve", "--listen", "127.0.0.1:0"], Duration::from_secs(60)).with_code(2);
        assert_eq!(ended.value("/error/code"), "LP0014", "{callers}");
        assert!(ended.value("/error/message").as_str().is_some_and(|message| message.contains(words)), "{callers}");
    }
}
