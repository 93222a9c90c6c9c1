//! Writes that `linchpin serve` has promised, as other programs meet them, through kill -9.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use linchpin_core::gateway::operation::RUNNING_MAX;
use linchpin_trials::control::{Control, WithHeaders};
use linchpin_trials::simulator::{Simulator, TOKEN};
use linchpin_trials::workplace::Workplace;
use linchpin_trials::{binary, figure};
use serde_json::{Value, json};

const KEY: &str = "pat-test-key-of-billing";
const OTHER_KEY: &str = "pat-test-key-of-nightly";
const ADMIN_KEY: &str = "pat-test-key-of-admin";
/// A window that counts as full after a kill, and the work after it.
const WORK_LIMIT: Duration = Duration::from_secs(60);
const CONTACTS: &str = "/crm/v3/objects/contacts";
const ASYNC: &[(&str, &str)] = &[("prefer", "respond-async")];
/// More than are on their way at once.
const CREATIONS: usize = RUNNING_MAX + 36;

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
             gateway:\n  listen: '127.0.0.1:0'\n  admin: {{key: {ADMIN_KEY}}}\n  callers:\n\
             \x20   billing: {{key: {KEY}, lane: bulk}}\n    nightly: {{key: {OTHER_KEY}}}\n",
            simulator.base()
        ));
        let (process, base) = place.serve(&[]);
        Self { simulator, place, process, base }
    }

    /// Kills it as power loss would, and starts it again.
    fn kill_and_start_again(self) -> Self {
        let Self { simulator, place, process, base: _ } = self;
        process.kill();
        let (process, base) = place.serve(&[]);
        Self { simulator, place, process, base }
    }

    fn client(&self, credential: &str) -> Control {
        Control::new(&self.base, credential)
    }

    fn write(&self, headers: &[(&'static str, &str)], method: Method, path: &str, body: Value) -> Response<Bytes> {
        let mut answers = self.client(KEY).exchange_together(&[(method, path, headers, Some(body))]);
        answers.remove(0)
    }

    /// The end of an operation.
    fn ended(&self, url: &str) -> Value {
        let client = self.client(KEY);
        let mut seen = Value::Null;
        binary::until(WORK_LIMIT, || {
            seen = client.json(Method::GET, url, None);
            !["accepted", "sent"].contains(&text(&seen, "/state").as_str())
        });
        seen
    }

    /// How many contacts have each e-mail.
    fn contacts(&self) -> BTreeMap<String, usize> {
        let mut count = BTreeMap::new();
        for contact in self.simulator.dump("contacts") {
            *count.entry(contact.value("firstname").to_owned()).or_default() += 1;
        }
        count
    }
}

/// Without an e-mail, so that HubSpot itself would not notice a second one.
fn person(name: &str) -> Value {
    json!({"properties": {"firstname": name}})
}

fn read(answer: &Response<Bytes>) -> Value {
    serde_json::from_slice(answer.body()).expect("JSON")
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn header<'a>(answer: &'a Response<Bytes>, name: &str) -> &'a str {
    answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[test]
fn what_was_promised_is_there_once_after_kill_9() {
    let scene = Scene::start(&["--latency-ms", "1500", "--index-lag", "off"]);
    scene.simulator.seed(&json!({"contacts": 1}));
    let path = format!("{CONTACTS}/{}", scene.simulator.dump("contacts").first().expect("a contact").id);
    let names: Vec<String> = (0..CREATIONS).map(|number| format!("Person {number}")).collect();
    let mut calls: Vec<WithHeaders<'_>> = vec![(Method::PATCH, &path, ASYNC, Some(person("Changed")))];
    calls.extend(names.iter().map(|name| -> WithHeaders<'_> { (Method::POST, CONTACTS, ASYNC, Some(person(name))) }));
    let answers = scene.client(KEY).exchange_together(&calls);
    assert!(answers.iter().all(|answer| answer.status() == StatusCode::ACCEPTED), "{answers:?}");
    let urls: Vec<String> = answers.iter().map(|answer| text(&read(answer), "/url")).collect();
    let scene = scene.kill_and_start_again();
    let ends: Vec<Value> = urls.iter().map(|url| scene.ended(url)).collect();
    let there = scene.contacts();
    // The update is safe to repeat, so it is made whatever the moment of the kill.
    assert_eq!(ends.first().map(|end| text(end, "/state")).as_deref(), Some("done"));
    assert_eq!(there.get("Changed"), Some(&1), "{there:?}");
    let (mut done, mut unknown) = (0, 0);
    for (name, end) in names.iter().zip(ends.iter().skip(1)) {
        let count = there.get(name).copied().unwrap_or_default();
        match text(end, "/state").as_str() {
            "done" => {
                assert_eq!(count, 1, "{name}: {end}");
                assert_eq!(end.pointer("/answer/status"), Some(&json!(201)), "{end}");
                done += 1;
            }
            "unknown" => {
                assert!(count <= 1, "{name} is there {count} times");
                unknown += 1;
            }
            other => panic!("{other}: {end}"),
        }
    }
    figure("creations that are done", done);
    figure("creations that the kill made unknown", unknown);
    assert!(unknown <= RUNNING_MAX, "{unknown}");
    assert_eq!(done + unknown, CREATIONS);
}

#[test]
fn an_operation_tells_its_answer_to_its_caller_and_to_no_other() {
    let scene = Scene::start(&["--latency-ms", "200", "--index-lag", "off"]);
    let answer = scene.write(ASYNC, Method::POST, CONTACTS, person("Ana"));
    let body = read(&answer);
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    assert_eq!((header(&answer, "preference-applied"), text(&body, "/state").as_str()), ("respond-async", "accepted"));
    let url = header(&answer, "location").to_owned();
    assert_eq!(url, format!("/linchpin/v1/operations/{}", text(&body, "/id")));
    let end = scene.ended(&url);
    let contact = scene.simulator.dump("contacts").first().expect("a contact").id.clone();
    assert_eq!((text(&end, "/state"), text(&end, "/answer/body/id")), ("done".to_owned(), contact));
    assert_eq!(scene.client(ADMIN_KEY).json(Method::GET, &url, None), end);
    for (credential, status, code) in
        [(OTHER_KEY, StatusCode::NOT_FOUND, "LP5308"), ("pat-test-nobody", StatusCode::UNAUTHORIZED, "LP5310")]
    {
        let (found, text) = scene.client(credential).call(Method::GET, &url, None);
        assert!(found == status && text.contains(code), "{found} {text}");
    }
    let (found, text) = scene.client(KEY).call(Method::DELETE, &url, None);
    assert!(found == StatusCode::METHOD_NOT_ALLOWED && text.contains("LP5204"), "{found} {text}");
    let refused = scene.write(ASYNC, Method::PATCH, &format!("{CONTACTS}/999999"), person("Ana"));
    let end = scene.ended(header(&refused, "location"));
    assert_eq!((end.pointer("/state"), end.pointer("/answer/status")), (Some(&json!("done")), Some(&json!(404))));
    let list = scene.client(ADMIN_KEY).json(Method::GET, "/linchpin/v1/operations", None);
    assert_eq!(list.pointer("/operations/1/id"), body.pointer("/id"), "{list}");
    assert!(!list.to_string().contains("Ana") && list.pointer("/operations/0/answer") == Some(&Value::Null), "{list}");
    // A preference is no order: a read is answered as always.
    let read = scene.write(ASYNC, Method::GET, &format!("{CONTACTS}?limit=1"), Value::Null);
    assert_eq!(read.status(), StatusCode::OK);
}

#[test]
fn fifty_changes_of_a_record_cost_a_few_calls_and_a_wrong_one_stops_only_itself() {
    let scene = Scene::start(&["--latency-ms", "1000", "--index-lag", "off"]);
    scene.simulator.seed(&json!({"contacts": 1}));
    let id = scene.simulator.dump("contacts").first().expect("a contact").id.clone();
    let path = format!("{CONTACTS}/{id}");
    let before = scene.simulator.requests();
    let change = |number: usize| json!({"properties": {"city": format!("City {number}"), "zip": number.to_string()}});
    let promised = |change: Value| {
        let answer = scene.write(ASYNC, Method::PATCH, &path, change);
        assert_eq!(answer.status(), StatusCode::ACCEPTED, "{answer:?}");
        header(&answer, "location").to_owned()
    };
    let mut urls: Vec<String> = (0..49).map(|number| promised(change(number))).collect();
    urls.push(promised(json!({"properties": {"jobtitle": "Engineer"}})));
    for url in &urls {
        let end = scene.ended(url);
        assert_eq!((end.pointer("/state"), end.pointer("/answer/status")), (Some(&json!("done")), Some(&json!(200))));
    }
    let calls = scene.simulator.requests() - before;
    figure("calls for fifty changes of a record", calls);
    assert!(calls <= 5, "{calls} calls");
    let contact = scene.simulator.dump("contacts").into_iter().find(|contact| contact.id == id).expect("it is there");
    let values = ["city", "zip", "jobtitle"].map(|name| contact.value(name).to_owned());
    assert_eq!(values, ["City 48", "48", "Engineer"]);
    let changes = [change(50), json!({"properties": {"nosuch": "x"}}), change(51)];
    let ends = changes.map(promised).map(|url| scene.ended(&url));
    let statuses = ends.each_ref().map(|end| end.pointer("/answer/status").and_then(Value::as_u64));
    assert_eq!(statuses, [Some(200), Some(400), Some(200)], "{ends:?}");
    assert_eq!(
        scene.simulator.dump("contacts").first().map(|contact| contact.value("zip").to_owned()).as_deref(),
        Some("51")
    );
}

#[test]
fn a_repeat_with_the_same_key_is_harmless_and_another_call_with_it_is_refused() {
    let scene = Scene::start(&["--latency-ms", "200", "--index-lag", "off"]);
    let key = [("idempotency-key", "\"invoice-7\"")];
    let call = || -> WithHeaders<'_> { (Method::POST, CONTACTS, &key, Some(person("Ana"))) };
    let answers = scene.client(KEY).exchange_together(&[call(), call(), call(), call()]);
    assert!(answers.iter().all(|answer| answer.status() == StatusCode::CREATED), "{answers:?}");
    assert!(answers.iter().all(|answer| answer.body() == answers[0].body()));
    let replayed = answers.iter().filter(|answer| header(answer, "idempotency-replayed") == "true").count();
    assert_eq!(replayed, 3);
    let other = scene.write(&key, Method::POST, CONTACTS, person("Bea"));
    assert!(other.status() == StatusCode::UNPROCESSABLE_ENTITY && text(&read(&other), "/message").contains("LP5301"));
    assert_eq!(header(&other, "x-should-retry"), "false");
    // Another caller's key is another key.
    let answer = scene.client(OTHER_KEY).exchange_together(&[(Method::POST, CONTACTS, &key, Some(person("Bea")))]);
    assert_eq!(header(&answer[0], "idempotency-replayed"), "");
    let scene = scene.kill_and_start_again();
    let again = scene.write(&key, Method::POST, CONTACTS, person("Ana"));
    assert_eq!((again.status(), again.body()), (StatusCode::CREATED, answers[0].body()));
    assert_eq!(header(&again, "idempotency-replayed"), "true");
    assert_eq!(scene.contacts(), BTreeMap::from([("Ana".to_owned(), 1), ("Bea".to_owned(), 1)]));
    let bad = scene.write(&[("idempotency-key", "a b")], Method::POST, CONTACTS, person("Eva"));
    assert!(bad.status() == StatusCode::BAD_REQUEST && text(&read(&bad), "/message").contains("LP5303"), "{bad:?}");
    assert!(!scene.process.err().contains("invoice-7"));
}

#[test]
fn a_repeat_while_the_first_is_made_waits_no_longer_than_it_says() {
    let scene = Scene::start(&["--latency-ms", "3000", "--index-lag", "off"]);
    let key = [("idempotency-key", "k")];
    let hasty = [("idempotency-key", "k"), ("x-linchpin-deadline-ms", "300")];
    let later = scene.write(&[("idempotency-key", "k"), ASYNC[0]], Method::POST, CONTACTS, person("Ana"));
    assert_eq!(later.status(), StatusCode::ACCEPTED);
    let early = scene.write(&hasty, Method::POST, CONTACTS, person("Ana"));
    assert!(early.status() == StatusCode::CONFLICT && text(&read(&early), "/message").contains("LP5305"), "{early:?}");
    assert_eq!((header(&early, "retry-after"), header(&early, "x-should-retry")), ("1", ""));
    let told = scene.write(&key, Method::POST, CONTACTS, person("Ana"));
    assert_eq!((told.status(), header(&told, "idempotency-replayed")), (StatusCode::CREATED, "true"));
    assert_eq!(scene.contacts(), BTreeMap::from([("Ana".to_owned(), 1)]));
}

#[test]
fn an_unknown_token_gets_no_promise_and_nothing_is_sent() {
    let scene = Scene::start(&[]);
    let stranger = scene.client("pat-na1-11111111-2222-3333-4444-555555555555");
    let before = scene.simulator.requests();
    let answers = stranger.exchange_together(&[(Method::POST, CONTACTS, ASYNC, Some(person("Ana")))]);
    assert_eq!(answers[0].status(), StatusCode::BAD_REQUEST);
    assert!(text(&read(&answers[0]), "/message").contains("LP5302"), "{answers:?}");
    assert_eq!(scene.simulator.requests(), before);
}
