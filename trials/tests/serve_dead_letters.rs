//! Promised writes that fail, seen as an operator would: found, understood, edited, replayed, gone; through kill -9.

use std::process::Command;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use linchpin_core::gateway::operation::{ANSWER_BYTES_MAX, OPEN_MAX, REQUEST_BYTES_MAX, RUNNING_MAX};
use linchpin_trials::binary::Ended;
use linchpin_trials::control::{Control, WithHeaders};
use linchpin_trials::simulator::{Simulator, TOKEN};
use linchpin_trials::workplace::{SHORT, Workplace};
use linchpin_trials::{binary, figure};
use serde_json::{Value, json};

const KEY: &str = "pat-test-key-of-billing";
const ADMIN_KEY: &str = "pat-test-key-of-admin";
/// A window that counts as full after a kill, the attempts of a call that fails, and the work after it.
const WORK_LIMIT: Duration = Duration::from_secs(180);
/// How soon a failed write is to be seen.
const SEEN_LIMIT_MS: i64 = 1_000;
const CONTACTS: &str = "/crm/v3/objects/contacts";
const LETTERS: &str = "/linchpin/v1/dead-letters";
const ASYNC: &[(&str, &str)] = &[("prefer", "respond-async")];
const GOOD: usize = 100;

struct Scene {
    simulator: Simulator,
    place: Workplace,
    process: binary::Running,
    base: String,
}

impl Scene {
    fn start(flags: &[&str]) -> Self {
        let simulator = Simulator::start(flags);
        let place = configured(&simulator);
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

    fn admin(&self) -> Control {
        Control::new(&self.base, ADMIN_KEY)
    }

    fn write(&self, headers: &[(&'static str, &str)], method: Method, path: &str, body: Value) -> Response<Bytes> {
        let mut answers = Control::new(&self.base, KEY).exchange_together(&[(method, path, headers, Some(body))]);
        answers.remove(0)
    }

    /// Promises a write, and gives the name of its operation.
    fn promise(&self, method: Method, path: &str, body: Value) -> String {
        let answer = self.write(ASYNC, method, path, body);
        assert_eq!(answer.status(), StatusCode::ACCEPTED, "{answer:?}");
        text(&read(&answer), "/id")
    }

    fn operation(&self, id: &str) -> Value {
        self.admin().json(Method::GET, &format!("/linchpin/v1/operations/{id}"), None)
    }

    /// An operation once it has ended.
    fn ended(&self, id: &str) -> Value {
        let mut seen = Value::Null;
        binary::until(WORK_LIMIT, || {
            seen = self.operation(id);
            !["accepted", "sent"].contains(&text(&seen, "/state").as_str())
        });
        seen
    }

    fn letters(&self) -> Vec<Value> {
        let page = self.admin().json(Method::GET, LETTERS, None);
        page.pointer("/dead_letters").and_then(Value::as_array).cloned().expect("a list")
    }

    /// Runs `linchpin dlq <words>`.
    fn dlq(&self, words: &[&str]) -> Ended {
        let words: Vec<&str> = ["dlq"].iter().chain(words).copied().chain(["--url", self.base.as_str()]).collect();
        self.place.run(&words, SHORT)
    }

    /// What `linchpin dlq <words>` says to a person.
    fn said(&self, words: &[&str], editor: Option<&str>) -> String {
        let config = self.place.path("linchpin.yaml");
        let tail = ["--config", config.to_str().expect("a plain path"), "--url", self.base.as_str()];
        let mut command = binary::command(["dlq"].into_iter().chain(words.iter().copied()).chain(tail));
        command.envs(editor.map(|editor| ("EDITOR", editor)));
        let done = command.output().expect("the binary runs");
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    /// Whether a line comes to stand in the metrics.
    fn metric(&self, line: &str) -> bool {
        binary::until(SHORT, || self.admin().text(Method::GET, "/metrics", None).lines().any(|found| found == line))
    }
}

fn configured(simulator: &Simulator) -> Workplace {
    let place = Workplace::new();
    place.write_config(&format!(
        "hubspot: {{token: {TOKEN}, base_url: '{}', tier: professional}}\n\
         gateway:\n  listen: '127.0.0.1:0'\n  admin: {{key: {ADMIN_KEY}}}\n  callers:\n\
         \x20   billing: {{key: {KEY}, lane: bulk}}\n",
        simulator.base()
    ));
    place
}

fn person(email: &str) -> Value {
    json!({"properties": {"firstname": "Ana", "email": email}})
}

fn read(answer: &Response<Bytes>) -> Value {
    serde_json::from_slice(answer.body()).expect("JSON")
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn number(value: &Value, pointer: &str) -> i64 {
    value.pointer(pointer).and_then(Value::as_i64).unwrap_or(-1)
}

#[expect(clippy::disallowed_methods, reason = "a real process is looked at in real time")]
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is after 1970");
    i64::try_from(since.as_millis()).expect("the time fits")
}

/// The command line says of the one dead letter what the interface says.
fn demand_the_same_of_the_command_line(scene: &Scene, id: &str) {
    let list = scene.said(&["list", "--status", "400", "--caller", "billing"], None);
    assert!(list.contains(id) && list.contains("`email` has a value") && !list.contains("not-an-address"), "{list}");
    assert!(scene.said(&["list", "--caller", "nightly"], None).starts_with("No dead letter that fits"));
    let shown = scene.said(&["show", id], None);
    assert!(shown.contains("HubSpot says") && shown.contains("not-an-address"), "{shown}");
    assert!(scene.metric("linchpin_operations_dead_letters 1"));
    assert!(scene.metric("linchpin_operations_ended_total{outcome=\"refused\"} 1"));
}

#[test]
fn a_failed_write_is_found_within_a_second_understood_edited_replayed_and_gone() {
    let scene = Scene::start(&["--index-lag", "off"]);
    let id = scene.promise(Method::POST, CONTACTS, person("not-an-address"));
    let mut letters = Vec::new();
    binary::until(WORK_LIMIT, || {
        letters = scene.letters();
        !letters.is_empty()
    });
    let seen = now_ms();
    let letter = letters.first().cloned().unwrap_or_default();
    // Understood from its text alone.
    assert_eq!(
        (text(&letter, "/id"), text(&letter, "/reason"), text(&letter, "/to_do")),
        (
            id.clone(),
            "HubSpot refused to create a record in contacts: `email` has a value that is no e-mail address.".to_owned(),
            "Correct `email` in the body, then replay.".to_owned()
        )
    );
    assert!(!letter.to_string().contains("not-an-address"), "a list holds no value: {letter}");
    let detail = scene.admin().json(Method::GET, &format!("{LETTERS}/{id}"), None);
    let late = seen - number(&detail, "/history/0/ended_ms");
    figure("milliseconds from HubSpot's answer to the list of dead letters", late);
    assert!(late <= SEEN_LIMIT_MS, "{late} ms");
    assert_eq!(number(&detail, "/answer/status"), 400);
    assert_eq!(text(&detail, "/answer/correlation_id"), text(&detail, "/history/0/correlation_id"));
    assert!(!text(&detail, "/answer/correlation_id").is_empty());
    assert_eq!(detail.pointer("/request/body"), Some(&person("not-an-address")));
    assert!(!detail.to_string().contains(KEY), "{detail}");
    demand_the_same_of_the_command_line(&scene, &id);
    // Edited: by a program that is no editor for people, and first by one that breaks it.
    let broken = scene.place.path("broken.json");
    std::fs::write(&broken, "{\"properties\": }").expect("a file");
    let refused = scene.dlq(&["edit", &id, "--body", broken.to_str().expect("a plain path")]).with_code(2);
    assert_eq!(text(&refused.json(), "/error/code"), "LP5313");
    let edited = scene.said(&["edit", &id], Some("sed -i s/not-an-address/ana@example.com/"));
    assert!(edited.contains("Edited"), "{edited}");
    // Killed between edit and replay.
    let scene = scene.kill_and_start_again();
    let detail = scene.dlq(&["show", &id]).with_code(0).json();
    assert_eq!(detail.pointer("/dead_letter/request/body"), Some(&person("ana@example.com")));
    assert_eq!(detail.pointer("/dead_letter/first_body"), Some(&person("not-an-address")), "the original is kept");
    assert_eq!(text(&detail, "/dead_letter/history/1/event"), "edited");
    assert_eq!(scene.dlq(&["replay", &id]).with_code(0).value("/replayed/0"), json!(id));
    let end = scene.ended(&id);
    assert_eq!((text(&end, "/state"), number(&end, "/answer/status")), ("done".to_owned(), 201), "{end}");
    let contacts = scene.simulator.dump("contacts");
    assert_eq!(contacts.iter().map(|contact| contact.value("email")).collect::<Vec<_>>(), ["ana@example.com"]);
    // Gone.
    assert!(scene.letters().is_empty());
    assert_eq!(text(&scene.dlq(&["show", &id]).with_code(1).json(), "/error/code"), "LP5311");
    assert_eq!(text(&scene.dlq(&["replay", &id]).with_code(1).json(), "/error/code"), "LP5311");
    assert!(scene.metric("linchpin_operations_dead_letters 0"));
    let log = scene.process.err();
    assert!(!log.contains("not-an-address") && !log.contains("ana@example.com"), "{log}");
}

#[test]
fn what_hubspot_may_have_done_is_not_replayed_by_accident_and_dropped_only_on_demand() {
    let scene = Scene::start(&["--index-lag", "off"]);
    let rule = json!({"method": "POST", "path": CONTACTS, "times": 1, "fault": {"kind": "lost_answer"}});
    scene.simulator.control().json(Method::POST, "/_control/faults", Some(&rule));
    let id = scene.promise(Method::POST, CONTACTS, person("bea@example.com"));
    assert_eq!(text(&scene.ended(&id), "/state"), "unknown");
    let letter = scene.letters().first().cloned().unwrap_or_default();
    assert!(text(&letter, "/reason").contains("nobody knows whether it did"), "{letter}");
    assert!(text(&letter, "/to_do").contains("Look for it in HubSpot"), "{letter}");
    assert_eq!(text(&letter, "/guard"), "may_exist");
    let before = scene.simulator.writes();
    let guarded = scene.dlq(&["replay", &id]).with_code(4).json();
    assert_eq!(text(&guarded, "/error/code"), "LP5312");
    let (status, problem) = scene.admin().call(Method::POST, &format!("{LETTERS}/{id}/replay"), None);
    assert!(status == StatusCode::CONFLICT && problem.contains("LP5312"), "{status} {problem}");
    let all = scene.dlq(&["replay", "--all"]).with_code(4).json();
    assert_eq!((all.pointer("/guarded/0"), all.pointer("/replayed")), (Some(&json!(id)), Some(&json!([]))));
    assert_eq!(scene.simulator.writes(), before, "nothing was sent");
    assert_eq!(text(&scene.dlq(&["drop", &id]).with_code(2).json(), "/error/code"), "LP0008");
    assert_eq!(scene.letters().len(), 1);
    scene.dlq(&["drop", &id, "--yes"]).with_code(0);
    assert!(scene.letters().is_empty());
    assert_eq!(text(&scene.ended(&id), "/state"), "unknown", "its caller is still told");
    assert_eq!(scene.simulator.dump("contacts").len(), 1);
    // Who has looked may replay: here it does exist, and HubSpot says so.
    scene.simulator.control().json(Method::POST, "/_control/faults", Some(&rule));
    let id = scene.promise(Method::POST, CONTACTS, person("eva@example.com"));
    assert_eq!(text(&scene.ended(&id), "/state"), "unknown");
    scene.dlq(&["replay", &id, "--even-if-done"]).with_code(0);
    let end = scene.ended(&id);
    assert_eq!(number(&end, "/answer/status"), 409, "{end}");
    assert_eq!(text(&scene.letters().first().cloned().unwrap_or_default(), "/outcome"), "refused");
}

#[test]
fn one_poison_among_a_hundred_good_writes_blocks_none_and_many_are_replayed_at_once() {
    let scene = Scene::start(&["--index-lag", "off"]);
    scene.simulator.seed(&json!({"contacts": GOOD + 1}));
    let paths: Vec<String> =
        scene.simulator.dump("contacts").iter().map(|contact| format!("{CONTACTS}/{}", contact.id)).collect();
    let (poison, good) = paths.split_first().expect("contacts");
    let rule = json!({"method": "PATCH", "path": poison, "fault": {"kind": "status", "status": 503}});
    scene.simulator.control().json(Method::POST, "/_control/faults", Some(&rule));
    let changed = || Some(json!({"properties": {"city": "Graz"}}));
    let bad = scene.promise(Method::PATCH, poison, changed().unwrap_or_default());
    let calls: Vec<WithHeaders<'_>> =
        good.iter().map(|path| -> WithHeaders<'_> { (Method::PATCH, path, ASYNC, changed()) }).collect();
    let answers = Control::new(&scene.base, KEY).exchange_together(&calls);
    for answer in &answers {
        let end = scene.ended(&text(&read(answer), "/id"));
        assert_eq!((text(&end, "/state"), number(&end, "/answer/status")), ("done".to_owned(), 200), "{end}");
    }
    assert!(["accepted", "sent"].contains(&text(&scene.operation(&bad), "/state").as_str()), "it is tried for long");
    // Another kind of poison is dead at once: ten writes to records that are not there.
    let nowhere: Vec<String> = (0..10).map(|number| format!("{CONTACTS}/99999{number}")).collect();
    let calls: Vec<WithHeaders<'_>> =
        nowhere.iter().map(|path| -> WithHeaders<'_> { (Method::PATCH, path, ASYNC, changed()) }).collect();
    let ids: Vec<String> = Control::new(&scene.base, KEY)
        .exchange_together(&calls)
        .iter()
        .map(|answer| text(&read(answer), "/id"))
        .collect();
    scene.simulator.control().text(Method::DELETE, "/_control/faults", None);
    for id in &ids {
        let end = scene.ended(id);
        assert_eq!((number(&end, "/answer/status"), end.pointer("/dead_letter")), (404, Some(&json!(true))), "{end}");
    }
    // HubSpot is well again, and so is what was taken for poison.
    let end = scene.ended(&bad);
    assert_eq!((text(&end, "/state"), number(&end, "/answer/status")), ("done".to_owned(), 200), "{end}");
    assert_eq!(scene.letters().len(), 10);
    assert_eq!(scene.dlq(&["replay", "--status", "400"]).with_code(0).value("/replayed"), json!([]));
    let replayed = scene.dlq(&["replay", "--status", "404", "--caller", "billing"]).with_code(0);
    assert_eq!(replayed.value("/replayed").as_array().map(Vec::len), Some(10));
    for id in &ids {
        assert_eq!(number(&scene.ended(id), "/answer/status"), 404, "they are still not there");
    }
    assert_eq!(scene.letters().len(), 10);
    assert!(scene.metric("linchpin_operations_accepted_total 121"));
    assert!(scene.metric("linchpin_operations_ended_total{outcome=\"done\"} 101"));
    assert!(scene.metric("linchpin_operations_waiting 0"));
}

#[test]
fn a_write_that_waits_for_the_day_to_end_keeps_its_due_time_across_kill_9() {
    let scene = Scene::start(&["--index-lag", "off"]);
    let rule = json!({"method": "POST", "path": CONTACTS, "fault": {"kind": "rate_limit", "policy": "daily"}});
    scene.simulator.control().json(Method::POST, "/_control/faults", Some(&rule));
    let id = scene.promise(Method::POST, CONTACTS, person("ana@example.com"));
    let due = |scene: &Scene| {
        let mut operation = Value::Null;
        binary::until(WORK_LIMIT, || {
            operation = scene.operation(&id);
            number(&operation, "/due_ms") > 0
        });
        (text(&operation, "/state"), number(&operation, "/tries"), number(&operation, "/due_ms"))
    };
    let before = due(&scene);
    assert!(before.0 == "accepted" && before.1 == 1 && before.2 > now_ms(), "{before:?}");
    let scene = scene.kill_and_start_again();
    assert_eq!(due(&scene), before);
    assert!(scene.letters().is_empty());
}

#[test]
fn what_cannot_be_promised_is_refused_with_its_own_code() {
    let scene = Scene::start(&["--index-lag", "off"]);
    // A body beyond the limit is not sent.
    let before = scene.simulator.writes();
    let large = person(&"x".repeat(REQUEST_BYTES_MAX));
    let answer = scene.write(ASYNC, Method::POST, CONTACTS, large);
    let message = text(&read(&answer), "/message");
    assert!(answer.status() == StatusCode::PAYLOAD_TOO_LARGE && message.contains("LP5307"), "{answer:?}");
    assert_eq!(scene.simulator.writes(), before);
    // An answer beyond the limit is told once.
    let company = "x".repeat(ANSWER_BYTES_MAX / 80);
    let inputs: Vec<Value> = (0..100).map(|_| json!({"properties": {"company": company}})).collect();
    let (key, path) = ([("idempotency-key", "large")], format!("{CONTACTS}/batch/create"));
    let batch = || json!({"inputs": inputs});
    let first = scene.write(&key, Method::POST, &path, batch());
    assert!(first.status() == StatusCode::CREATED && first.body().len() > ANSWER_BYTES_MAX, "{}", first.status());
    let again = scene.write(&key, Method::POST, &path, batch());
    assert!(again.status() == StatusCode::GONE && text(&read(&again), "/message").contains("LP5306"), "{again:?}");
    assert_eq!(scene.simulator.dump("contacts").len(), 100);
}

#[test]
fn a_store_that_cannot_keep_a_promise_refuses_it_and_nothing_is_sent() {
    let simulator = Simulator::start(&["--index-lag", "off"]);
    let place = configured(&simulator);
    let config = place.path("linchpin.yaml");
    // The disk is full after some megabytes: for this process no file grows further.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 16000; exec \"$0\" \"$@\""]).arg(binary::path());
    command.args(["serve", "--json", "--config", config.to_str().expect("a plain path")]).current_dir(place.path("."));
    let mut process = binary::Running::start(command, &place.path("."), "serve");
    let base = process.address();
    let client = Control::new(&base, KEY);
    let mut sent = 0;
    let refused = (0..20).find_map(|number| {
        let body =
            json!({"properties": {"firstname": format!("{number}"), "company": "x".repeat(REQUEST_BYTES_MAX / 2)}});
        let answer = client.exchange_together(&[(Method::POST, CONTACTS, ASYNC, Some(body))]).remove(0);
        sent += 1;
        (answer.status() != StatusCode::ACCEPTED).then_some(answer)
    });
    let refused = refused.expect("the store is full at some time");
    let message = text(&read(&refused), "/message");
    assert!(refused.status() == StatusCode::SERVICE_UNAVAILABLE && message.contains("LP5309"), "{refused:?}");
    assert!(sent > 1, "the first was kept");
    assert!(process.err().contains("an operation cannot be kept"), "{}", process.err());
}

#[test]
fn more_open_operations_than_the_limit_are_refused() {
    let scene = Scene::start(&["--index-lag", "off"]);
    let rule = json!({"method": "POST", "path": CONTACTS, "fault": {"kind": "latency", "ms": 600_000}});
    scene.simulator.control().json(Method::POST, "/_control/faults", Some(&rule));
    let client = Control::new(&scene.base, KEY);
    let (mut accepted, mut refused) = (0, None);
    while refused.is_none() && accepted < 2 * OPEN_MAX {
        let call = |_| -> WithHeaders<'_> { (Method::POST, CONTACTS, ASYNC, Some(person("ana@example.com"))) };
        let calls: Vec<WithHeaders<'_>> = (0..250).map(call).collect();
        for answer in client.exchange_together(&calls) {
            if answer.status() == StatusCode::ACCEPTED {
                accepted += 1;
            } else {
                refused = Some(answer);
            }
        }
    }
    let refused = refused.expect("the limit is met");
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "{refused:?}");
    assert!(text(&read(&refused), "/message").contains("LP5304"), "{refused:?}");
    assert!(refused.headers().contains_key("retry-after"));
    // The few that were on their way may have ended meanwhile.
    figure("operations that were accepted before the limit", accepted);
    assert!((OPEN_MAX..OPEN_MAX + 10 * RUNNING_MAX).contains(&accepted), "{accepted}");
}
