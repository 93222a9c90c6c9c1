//! `linchpin serve` in front of the simulator, as another program meets it.

use std::time::Duration;

use http::{Method, StatusCode};
use linchpin_trials::binary;
use linchpin_trials::control::Control;
use linchpin_trials::simulator::{Simulator, TOKEN};
use linchpin_trials::workplace::Workplace;
use serde_json::{Value, json};

/// The key of the one caller.
const KEY: &str = "pat-test-key-of-billing";
const READS: usize = 600;

struct Scene {
    simulator: Simulator,
    place: Workplace,
    process: binary::Running,
    base: String,
}

impl Scene {
    fn start(flags: &[&str]) -> Self {
        let simulator = Simulator::start(flags);
        let place = Workplace::new();
        place.write_config(&format!(
            "hubspot: {{token: {TOKEN}, base_url: '{}', tier: professional}}\n\
             gateway: {{listen: '127.0.0.1:0', callers: {{billing: {{key: {KEY}, lane: bulk}}}}}}\n",
            simulator.base()
        ));
        let (process, base) = place.serve(&[]);
        Self { simulator, place, process, base }
    }

    fn client(&self, credential: &str) -> Control {
        Control::new(&self.base, credential)
    }
}

#[test]
fn a_program_that_reads_one_by_one_costs_a_few_calls() {
    let scene = Scene::start(&["--latency-ms", "60", "--index-lag", "off"]);
    scene.simulator.seed(&json!({"contacts": READS}));
    let client = scene.client(KEY);
    let paths: Vec<String> = scene
        .simulator
        .dump("contacts")
        .iter()
        .map(|record| format!("/crm/v3/objects/contacts/{}?properties=email", record.id))
        .collect();
    assert_eq!(paths.len(), READS);
    scene.simulator.forget_calls();
    let answers = client.get_together(&paths);
    let failed = answers.iter().filter(|(status, _)| *status != StatusCode::OK).count();
    assert_eq!(failed, 0);
    for (path, (_, text)) in paths.iter().zip(&answers) {
        let body: Value = serde_json::from_str(text).expect("JSON");
        let id = body.get("id").and_then(Value::as_str).unwrap_or_default();
        assert!(path.contains(&format!("/{id}?")), "{path} was answered {text}");
    }
    let calls = scene.simulator.requests();
    println!("figure: calls = {calls} for {READS} reads");
    // Six full batches, some that were not full, the list of properties.
    assert!(calls <= 20, "{calls} calls");
    assert_eq!(scene.simulator.rate_limited(), 0);
    let metrics = client.text(Method::GET, "/metrics", None);
    assert!(metrics.contains(&format!("linchpin_gateway_calls_total {READS}\n")), "{metrics}");
}

#[test]
fn a_key_and_the_token_open_it_and_nothing_else_does() {
    let scene = Scene::start(&[]);
    let create = json!({"properties": {"email": "ada@example.test"}});
    let (status, text) = scene.client(KEY).call(Method::POST, "/crm/v3/objects/contacts", Some(&create));
    assert_eq!(status, StatusCode::CREATED, "{text}");
    let list = "/crm/v3/objects/contacts?limit=1";
    assert_eq!(scene.client(TOKEN).call(Method::GET, list, None).0, StatusCode::OK);
    let before = scene.simulator.requests();
    for stranger in ["", "pat-test-other", "pat-test-key-of-billin"] {
        let (status, text) = scene.client(stranger).call(Method::GET, list, None);
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert!(text.contains("gateway.callers"), "it says what to do: {text}");
    }
    assert_eq!(scene.simulator.requests(), before, "nothing of a stranger reaches HubSpot");
    assert_eq!(scene.client("").text(Method::GET, "/healthz", None), "ok\n");
    assert_eq!(scene.client("").text(Method::GET, "/readyz", None), "ready\n");
    assert!(!scene.process.err().contains(KEY) && !scene.process.err().contains(TOKEN));
}

#[test]
fn links_lead_back_and_refusals_are_hubspots_own() {
    let scene = Scene::start(&[]);
    scene.simulator.seed(&json!({"contacts": 30}));
    let client = scene.client(KEY);
    let page = client.json(Method::GET, "/crm/v3/objects/contacts?limit=10&properties=email", None);
    let link = page.pointer("/paging/next/link").and_then(Value::as_str).unwrap_or_default();
    assert!(link.starts_with(&format!("{}/crm/v3/objects/contacts?", scene.base)), "{link}");
    let (status, text) = client.call(Method::GET, "/crm/v3/objects/contacts/99999999?properties=email", None);
    let (direct, said) =
        scene.simulator.control().call(Method::GET, "/crm/v3/objects/contacts/99999999?properties=email", None);
    let message = |text: &str| serde_json::from_str::<Value>(text).ok()?.get("message").cloned();
    assert_eq!((status, message(&text)), (direct, message(&said)));
    let (status, text) = client.call(Method::GET, "/no/such/path", None);
    assert_eq!((status, text.contains("<html")), (StatusCode::NOT_FOUND, true), "{text}");
}

#[test]
fn a_configuration_without_a_mapping_serves_but_does_not_sync() {
    let scene = Scene::start(&[]);
    let ended = scene.place.run(&["plan"], Duration::from_secs(60)).with_code(2);
    assert_eq!(ended.value("/error/code"), "LP0002");
}
