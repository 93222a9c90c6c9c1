//! What `linchpin serve` shows of itself: the admin interface, the metrics, the breakers, and shadow mode.

use std::time::Duration;

use http::{Method, StatusCode};
use linchpin_trials::binary;
use linchpin_trials::control::Control;
use linchpin_trials::simulator::{Simulator, TOKEN};
use linchpin_trials::workplace::{SHORT, Workplace};
use serde_json::{Value, json};

/// The key of the one caller.
const KEY: &str = "pat-test-key-of-billing";
/// The key of whoever may look.
const ADMIN_KEY: &str = "pat-test-key-of-admin";
const START_LIMIT: Duration = Duration::from_secs(60);
/// Fewer than a window lets pass.
const READS: usize = 150;
/// Twice as many as open a breaker.
const CALLS_THAT_FAIL: usize = 16;

struct Scene {
    simulator: Simulator,
    place: Workplace,
    process: binary::Running,
    base: String,
}

impl Scene {
    /// A simulator and a gateway with these settings of `gateway:`.
    fn start(flags: &[&str], gateway: &str) -> Self {
        let simulator = Simulator::start(flags);
        let place = Workplace::new();
        place.write_config(&format!(
            "hubspot: {{token: {TOKEN}, base_url: '{}', tier: professional}}\n\
             gateway: {{listen: '127.0.0.1:0', callers: {{billing: {{key: {KEY}, lane: bulk}}}}{gateway}}}\n",
            simulator.base()
        ));
        let (process, base) = place.serve(&[]);
        Self { simulator, place, process, base }
    }

    fn watched(flags: &[&str], gateway: &str) -> Self {
        Self::start(flags, &format!(", admin: {{key: {ADMIN_KEY}}}{gateway}"))
    }

    fn client(&self, credential: &str) -> Control {
        Control::new(&self.base, credential)
    }

    fn page(&self, name: &str) -> Value {
        self.client(ADMIN_KEY).json(Method::GET, &format!("/linchpin/v1/{name}"), None)
    }

    fn reads(&self) -> Vec<String> {
        self.simulator.seed(&json!({"contacts": READS}));
        let path = |id: &str| format!("/crm/v3/objects/contacts/{id}?properties=email");
        let paths: Vec<String> = self.simulator.dump("contacts").iter().map(|record| path(&record.id)).collect();
        assert_eq!(paths.len(), READS);
        self.simulator.forget_calls();
        paths
    }

    /// The state of a breaker.
    fn breaker(&self, family: &str) -> String {
        let page = self.page("breakers");
        let all = page.get("breakers").and_then(Value::as_array).expect("a list of breakers");
        let is = |breaker: &&Value| breaker.get("family").and_then(Value::as_str) == Some(family);
        let state = all.iter().find(is).and_then(|breaker| breaker.get("state")).and_then(Value::as_str);
        state.expect("every family has a breaker").to_owned()
    }
}

fn number(value: &Value, pointer: &str) -> u64 {
    let number = value.pointer(pointer).and_then(Value::as_u64);
    assert!(number.is_some(), "no number at {pointer} of {value}");
    number.unwrap_or_default()
}

/// Demands that an answer has the shape that the gateway's own description says.
fn demand(description: &Value, path: &str, status: StatusCode, kind: &str, answer: &Value) {
    let (path, kind) = (path.replace('/', "~1"), kind.replace('/', "~1"));
    let pointer = format!("/paths/{path}/get/responses/{}/content/{kind}/schema", status.as_u16());
    let schema = description.pointer(&pointer).cloned();
    assert!(schema.is_some(), "{pointer} is not described");
    let mut schema = schema.unwrap_or_default();
    let components = description.get("components").cloned().expect("shapes");
    schema.as_object_mut().expect("a schema").insert("components".to_owned(), components);
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    let errors: Vec<String> = validator.iter_errors(answer).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{path}: {errors:?}: {answer}");
}

#[test]
fn every_answer_is_as_described_and_opens_to_the_admin_key_alone() {
    let scene = Scene::watched(&["--latency-ms", "30", "--index-lag", "off"], "");
    let answers = scene.client(KEY).get_together(&scene.reads());
    assert!(answers.iter().all(|(status, _)| *status == StatusCode::OK));
    let description = scene.client("").json(Method::GET, "/linchpin/v1/openapi.json", None);
    let kept = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json")).expect("a file");
    assert_eq!(description, serde_json::from_str::<Value>(&kept).expect("JSON"), "docs/openapi.json is what is served");
    let paths = description.get("paths").and_then(Value::as_object).expect("paths");
    // Events flow until somebody hangs up: they have a trial of their own.
    let others = ["/openapi.json", "/events"];
    let is_page = |path: &str, methods: &Value| {
        let is_other = others.iter().any(|other| path.ends_with(other));
        methods.get("get").is_some() && !is_other && !path.contains('{')
    };
    let pages: Vec<&String> =
        paths.iter().filter(|(path, methods)| is_page(path, methods)).map(|(path, _)| path).collect();
    assert_eq!(pages.len(), 10);
    for path in pages {
        let page = scene.client(ADMIN_KEY).json(Method::GET, path, None);
        demand(&description, path, StatusCode::OK, "application/json", &page);
        let text = page.to_string();
        assert!(![KEY, ADMIN_KEY, TOKEN, "@"].iter().any(|secret| text.contains(secret)), "{text}");
        for (credential, expected) in [(KEY, StatusCode::FORBIDDEN), (TOKEN, StatusCode::FORBIDDEN)] {
            let (status, text) = scene.client(credential).call(Method::GET, path, None);
            assert_eq!(status, expected, "{path}");
            let problem: Value = serde_json::from_str(&text).expect("JSON");
            demand(&description, path, status, "application/problem+json", &problem);
            assert_eq!(problem.get("code"), Some(&json!("LP5202")));
        }
    }
    // The admin key is no key of a caller.
    let (status, _) = scene.client(ADMIN_KEY).call(Method::GET, "/crm/v3/objects/contacts", None);
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let usage = scene.page("usage");
    assert_eq!((number(&usage, "/total/calls"), usage.get("shadow")), (READS as u64, Some(&json!(false))));
    let (needed, saved) = (number(&usage, "/total/needed"), number(&usage, "/total/saved"));
    assert_eq!(needed + saved, READS as u64);
    // The property list that the gateway reads for itself is nobody's call, nor is what its witness asks again.
    let own = scene.simulator.requests() - needed;
    assert!((1..=2).contains(&own), "{own}");
    let counters = scene.page("counters");
    assert_eq!(number(&counters, "/calls"), READS as u64);
    assert_eq!(number(&counters, "/refused/credential"), 1);
    let metrics = scene.client("").text(Method::GET, "/metrics", None);
    for line in [
        format!("linchpin_gateway_lane_calls_total{{lane=\"bulk\"}} {READS}\n"),
        format!("linchpin_gateway_saved_total{{how=\"joined\"}} {saved}\n"),
        "linchpin_gateway_refused_total{reason=\"credential\"} 1\n".to_owned(),
    ] {
        assert!(metrics.contains(&line), "{line} is not in\n{metrics}");
    }
    let limit = metrics.lines().find(|line| line.starts_with("linchpin_budget_limit{window=\"burst\""));
    assert!(limit.is_some_and(|line| !line.ends_with(" 0")), "{metrics}");
    assert!(!scene.process.err().contains(ADMIN_KEY));
}

#[test]
fn without_a_key_nobody_looks_and_the_refusal_says_what_to_do() {
    let scene = Scene::start(&[], "");
    for credential in ["", KEY, TOKEN] {
        let (status, text) = scene.client(credential).call(Method::GET, "/linchpin/v1/usage", None);
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(text.contains("LP5201") && text.contains("gateway.admin.key"), "{text}");
    }
    let ended = scene.place.run(&["audit", "usage"], SHORT).with_code(2);
    assert_eq!(ended.value("/error/code"), "LP5201");
}

#[test]
fn a_key_that_a_caller_has_is_refused_for_the_admin_interface() {
    let simulator = Simulator::start(&[]);
    let place = Workplace::new();
    place.write_config(&format!(
        "hubspot: {{token: {TOKEN}, base_url: '{}'}}\n\
         gateway: {{listen: '127.0.0.1:0', callers: {{billing: {{key: {KEY}}}}}, admin: {{key: {KEY}}}}}\n",
        simulator.base()
    ));
    let ended = place.run(&["serve"], SHORT).with_code(2);
    assert_eq!(ended.value("/error/code"), "LP0014");
    assert!(!ended.err.contains(KEY));
}

#[test]
fn a_gateway_that_does_not_run_is_named_with_what_to_do() {
    let place = Workplace::new();
    place.write_config(&format!(
        "hubspot: {{token: {TOKEN}}}\ngateway: {{listen: '127.0.0.1:9', admin: {{key: {ADMIN_KEY}}}}}\n"
    ));
    let ended = place.run(&["audit", "usage"], SHORT).with_code(1);
    assert_eq!(ended.value("/error/code"), "LP5206");
    assert!(ended.value("/error/to_do").as_str().is_some_and(|to_do| to_do.contains("linchpin serve")));
}

#[test]
fn while_one_family_fails_the_others_flow() {
    let scene = Scene::watched(&["--index-lag", "off"], ", coalesce: 'off'");
    scene.simulator.seed(&json!({"contacts": 5, "owners": 2}));
    let fault = json!({"path": "/crm/v3/owners", "fault": {"kind": "status", "status": 503}});
    scene.simulator.control().json(Method::POST, "/_control/faults", Some(&fault));
    let owners = vec!["/crm/v3/owners".to_owned(); CALLS_THAT_FAIL];
    let waited_for = std::thread::scope(|scope| {
        let failing = scope.spawn(|| scene.client(KEY).get_together(&owners));
        assert!(binary::until(START_LIMIT, || scene.breaker("owners") != "closed"), "the breaker stays closed");
        let client = scene.client(KEY);
        for path in ["/crm/v3/objects/contacts?limit=1", "/crm/v3/properties/contacts"] {
            assert_eq!(client.call(Method::GET, path, None).0, StatusCode::OK, "{path}");
        }
        let body = json!({"limit": 1});
        assert_eq!(client.call(Method::POST, "/crm/v3/objects/contacts/search", Some(&body)).0, StatusCode::OK);
        let metrics = client.text(Method::GET, "/metrics", None);
        let open = |family: &str| {
            let start = format!("linchpin_breaker_state{{family=\"{family}\"");
            let line = metrics.lines().find(|line| line.starts_with(&start)).expect("every family has a line");
            !line.ends_with(" 0")
        };
        let families = ["owners", "objects", "search", "schema"];
        assert_eq!(families.map(open), [true, false, false, false], "{metrics}");
        assert_ne!(scene.breaker("owners"), "closed");
        for family in ["objects", "search", "schema"] {
            assert_eq!(scene.breaker(family), "closed", "{family}");
        }
        // When the family works again, one call finds out, and whoever waited is answered.
        scene.simulator.control().text(Method::DELETE, "/_control/faults", None);
        failing.join().expect("the calls are answered")
    });
    assert!(waited_for.iter().all(|(status, _)| *status == StatusCode::OK), "{waited_for:?}");
    assert_eq!(scene.breaker("owners"), "closed");
}

#[test]
fn shadow_mode_changes_nothing_and_says_what_would_be_saved() {
    let scene = Scene::watched(&["--latency-ms", "40", "--index-lag", "off"], ", shadow: true");
    let paths = scene.reads();
    let client = scene.client(KEY);
    let answers = client.get_together(&paths);
    assert!(answers.iter().all(|(status, _)| *status == StatusCode::OK));
    let list = "/crm/v3/properties/companies";
    for _ in 0..3 {
        assert_eq!(client.call(Method::GET, list, None).0, StatusCode::OK);
    }
    // One of its own: the properties of contacts, to know which reads could be packed.
    assert_eq!(scene.simulator.requests(), READS as u64 + 3 + 1, "every call went to HubSpot as it came");
    let usage = scene.page("usage");
    assert_eq!(usage.get("shadow"), Some(&json!(true)));
    assert_eq!(number(&usage, "/total/calls"), READS as u64 + 3);
    let (needed, joined, kept) =
        (number(&usage, "/total/needed"), number(&usage, "/total/joined"), number(&usage, "/total/kept"));
    println!("figure: needed = {needed} of {} calls", READS + 3);
    assert!(needed <= 20, "{needed} calls would have been needed");
    assert_eq!(kept, 2, "the second and third list would have been known");
    assert_eq!(needed + joined + kept, READS as u64 + 3);
    let ended = scene.place.run(&["audit", "usage", "--url", &scene.base], SHORT).with_code(0);
    assert_eq!(ended.value("/usage/total/needed"), json!(needed));
    let granted = ended.value("/usage/scopes/granted");
    let unused = ended.value("/usage/scopes/unused");
    let has = |list: &Value, scope: &str| list.as_array().is_some_and(|all| all.contains(&json!(scope)));
    assert!(has(&granted, "crm.objects.contacts.read") && !has(&unused, "crm.objects.contacts.read"), "{unused}");
    assert!(has(&unused, "crm.objects.deals.write"), "{unused}");
    // The gateway's own read of the properties.
    assert!(has(&granted, "crm.schemas.contacts.read") && !has(&unused, "crm.schemas.contacts.read"), "{unused}");
}
