//! Other people's calls through the door: fewer of them, and each answered as if it had been made alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use linchpin_core::schedule::lanes::Lane;
use linchpin_core::schedule::limits::Tier;
use linchpin_engine::gateway::{Asked, Coalesce, Gateway};
use linchpin_simulator::model::IndexLag;
use linchpin_simulator::{InProcess, SimOptions};
use linchpin_store_sqlite::SqliteStore;
use linchpin_trials::desk::{Desk, TOKEN};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};

const SEED: u64 = 11;
const CONTACTS: usize = 600;

/// A call, as both ways of making it need it.
#[derive(Clone, Debug)]
struct Wanted {
    method: Method,
    target: String,
    body: String,
}

impl Wanted {
    fn new(method: Method, target: impl Into<String>, body: &Value) -> Self {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        Self { method, target: target.into(), body }
    }
}

/// Status, body and the headers that a client may look at.
type Seen = (u16, Value, Vec<(String, String)>);

async fn desk(latency_ms: u32) -> Desk {
    let mut options = SimOptions { seed: SEED, latency_ms, ..SimOptions::default() };
    options.portal.index_lag = IndexLag::Off;
    let store = SqliteStore::in_memory().expect("a store");
    let desk = Desk::start(options, Tier::Professional, store.stores()).await;
    let seed = json!({"contacts": CONTACTS, "companies": 50, "associate": true}).to_string();
    desk.control("POST", "/_control/seed", &seed).await;
    desk.control("POST", "/_control/reset", r#"{"stats": true}"#).await;
    desk
}

fn gateway(desk: &Desk, coalesce: Coalesce) -> Gateway {
    let (install, clock) = (desk.context.install, Arc::clone(&desk.context.clock));
    Gateway::new(desk.dispatch.clone(), install, coalesce, clock, SEED)
}

async fn ids(desk: &Desk, object_type: &str) -> Vec<String> {
    let dump = desk.control("GET", &format!("/_control/dump/{object_type}"), "").await;
    let id = |line: &str| serde_json::from_str::<Value>(line).ok()?.get("id")?.as_str().map(str::to_owned);
    dump.lines().filter_map(id).collect()
}

async fn direct(simulator: &InProcess, wanted: &Wanted) -> Seen {
    let request = http::Request::builder()
        .method(wanted.method.clone())
        .uri(format!("http://simulator{}", wanted.target))
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("content-type", "application/json")
        .body(Bytes::from(wanted.body.clone()))
        .expect("a request");
    let answer = simulator.call(request).await.expect("an answer");
    let (head, body) = answer.into_parts();
    seen(head.status.as_u16(), &head.headers, &body)
}

/// All calls at once, answered in their order.
async fn through(gateway: &Gateway, desk: &Desk, calls: &[Wanted]) -> Vec<Seen> {
    let calls = calls.iter().map(|wanted| async {
        let wanted = wanted.clone();
        let asked = Asked {
            install: desk.context.install,
            lane: Lane::Interactive,
            deadline: None,
            caller: "trial".to_owned(),
            method: wanted.method,
            target: wanted.target,
            headers: HeaderMap::new(),
            body: Bytes::from(wanted.body),
            joined: Arc::default(),
            passage: None,
        };
        let answer = gateway.answer(asked).await.expect("an answer");
        seen(answer.status, &answer.headers, &answer.body)
    });
    futures_util::future::join_all(calls).await
}

fn seen(status: u16, headers: &HeaderMap, body: &[u8]) -> Seen {
    let named = ["content-type", "location", "x-hubspot-notfound"];
    let host = "http://simulator";
    let text = |name: &str| headers.get(name)?.to_str().ok().map(|value| value.replace(host, ""));
    let headers = named.into_iter().filter_map(|name| Some((name.to_owned(), text(name)?))).collect();
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(body).expect("JSON") };
    (status, body, headers)
}

/// Without what differs between any two calls: times and correlation ids; new ids under names of their own.
fn plain((status, body, headers): &Seen, names: &mut BTreeMap<String, String>) -> (u16, String, String) {
    let created = headers.iter().find(|(name, _)| name == "location").and_then(|(_, path)| path.rsplit('/').next());
    if let Some(id) = created {
        let name = format!("new-{}", names.len());
        names.insert(id.to_owned(), name);
    }
    let renamed = |text: &str| names.get(text).cloned().unwrap_or_else(|| text.to_owned());
    let mut body = body.clone();
    scrub(&mut body, &renamed);
    let mut path = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("; ");
    if let Some(id) = created {
        path = path.replace(id, &renamed(id));
    }
    (*status, body.to_string(), path)
}

fn scrub(value: &mut Value, renamed: &dyn Fn(&str) -> String) {
    const TIMES: [&str; 6] =
        ["createdAt", "updatedAt", "lastmodifieddate", "hs_lastmodifieddate", "createdate", "correlationId"];
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                if TIMES.contains(&name.as_str()) || name.ends_with("_date") {
                    *member = Value::from("-");
                } else {
                    scrub(member, renamed);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| scrub(item, renamed)),
        Value::String(text) => {
            let url = text.rsplit_once('/').map(|(front, id)| format!("{front}/{}", renamed(id)));
            *text = url.filter(|_| text.starts_with("https://")).unwrap_or_else(|| renamed(text));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[tokio::test(start_paused = true)]
async fn thousands_of_single_reads_leave_as_a_few_batches() {
    let desk = desk(80).await;
    let ids = ids(&desk, "contacts").await;
    let reads: Vec<Wanted> = (0..2_400)
        .map(|index| format!("/crm/v3/objects/contacts/{}?properties=email,firstname", ids[index % ids.len()]))
        .map(|target| Wanted::new(Method::GET, target, &Value::Null))
        .collect();
    let gateway = gateway(&desk, Coalesce::Proven);
    let answers = through(&gateway, &desk, &reads).await;
    assert!(answers.iter().all(|(status, ..)| *status == 200));
    let calls = desk.stat("requests").await;
    println!("figure: calls = {calls} for {} reads; {:?}", reads.len(), gateway.saved());
    assert!(calls <= 40, "{calls} calls");
    assert_eq!(desk.stat("rate_limited").await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_lone_read_leaves_at_once_and_as_it_came() {
    let desk = desk(80).await;
    let id = ids(&desk, "contacts").await.remove(0);
    let gateway = gateway(&desk, Coalesce::Proven);
    let read = Wanted::new(Method::GET, format!("/crm/v3/objects/contacts/{id}?properties=email"), &Value::Null);
    for _ in 0..3 {
        assert_eq!(through(&gateway, &desk, std::slice::from_ref(&read)).await[0].0, 200);
    }
    // Three reads, and the list of properties once.
    assert_eq!(desk.stat("requests").await, 4);
    assert_eq!(gateway.saved().together, 0);
}

#[tokio::test(start_paused = true)]
async fn a_creation_whose_caller_has_left_before_it_could_leave_is_not_made() {
    let desk = desk(80).await;
    let gateway = gateway(&desk, Coalesce::All);
    let before = ids(&desk, "contacts").await.len();
    let create = |name: &str| {
        let body = json!({"properties": {"email": format!("{name}@example.test"), "firstname": name}});
        Wanted::new(Method::POST, "/crm/v3/objects/contacts", &body)
    };
    // The list of properties is read first; then one creation is on its way while the others gather behind it.
    through(&gateway, &desk, &[create("warm")]).await;
    let (first, second, third) = ([create("first")], [create("second")], [create("third")]);
    let one = through(&gateway, &desk, &first);
    let left = async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let gone = tokio::time::timeout(Duration::from_millis(5), through(&gateway, &desk, &second)).await;
        assert!(gone.is_err(), "it had no time to leave");
    };
    let stays = async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        through(&gateway, &desk, &third).await
    };
    let (one, (), stays) = futures_util::join!(one, left, stays);
    assert_eq!((one.len(), stays.len()), (1, 1));
    assert!(one.iter().chain(&stays).all(|(status, ..)| *status == 201));
    assert_eq!(ids(&desk, "contacts").await.len(), before + 3, "warm, first and third");
}

/// Thirty creations at once, of which one has an address that is taken; the answer to their batch is lost.
async fn lost(executed_after_ms: u32) {
    let desk = desk(80).await;
    let gateway = gateway(&desk, Coalesce::All);
    let create = |name: &str| {
        let body = json!({"properties": {"email": format!("{name}@Example.test"), "firstname": name}});
        Wanted::new(Method::POST, "/crm/v3/objects/contacts", &body)
    };
    through(&gateway, &desk, &[create("taken")]).await;
    let before = ids(&desk, "contacts").await.len();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let fault = json!([{"method": "POST", "path": "/crm/**/contacts/batch/create", "times": 1,
        "fault": {"kind": "lost_answer", "executed_after_ms": executed_after_ms}}]);
    desk.control("POST", "/_control/faults", &fault.to_string()).await;
    let mut wanted: Vec<Wanted> = (0..30).map(|number| create(&format!("new{number}"))).collect();
    wanted.push(create("taken"));
    let seen = through(&gateway, &desk, &wanted).await;
    let (taken, new) = seen.split_last().expect("answers");
    assert_eq!(taken.0, 409, "{taken:?}");
    let there = ids(&desk, "contacts").await;
    for (status, body, headers) in new {
        assert_eq!(*status, 201, "{body}");
        let id = body.get("id").and_then(Value::as_str).expect("an id");
        let named = |(name, value): &(String, String)| name == "location" && value.ends_with(&format!("/{id}"));
        assert!(headers.iter().any(named), "{headers:?}");
        assert!(there.iter().any(|known| known == id), "{body}");
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(ids(&desk, "contacts").await.len(), before + 30, "the lost batch happened once");
    let ledger = desk.control("GET", "/_control/ledger", "").await;
    assert_eq!(ledger.matches("lost_answer").count(), 1, "the answer to one batch is lost");
}

#[tokio::test(start_paused = true)]
async fn creations_whose_answer_was_lost_are_resolved_by_their_unique_value() {
    lost(0).await;
}

#[tokio::test(start_paused = true)]
async fn creations_that_happen_after_their_answer_was_lost_are_not_made_twice() {
    lost(400).await;
}

/// A mix of calls about different records, so that their order does not matter.
fn mix(dice: &mut ChaCha8Rng, contacts: &[String], companies: &[String], count: usize) -> Vec<Wanted> {
    let mut calls = Vec::new();
    for (number, own) in contacts.iter().take(count).enumerate() {
        let contact = format!("/crm/v3/objects/contacts/{own}");
        calls.push(match dice.next_u32() % 14 {
            0..=3 => Wanted::new(Method::GET, format!("{contact}?properties=email,lastname"), &Value::Null),
            4 => Wanted::new(Method::GET, format!("/crm/v3/objects/contacts/9{own}?properties=email"), &Value::Null),
            5 => Wanted::new(Method::GET, format!("{contact}?properties=email,no_such_property"), &Value::Null),
            6 => Wanted::new(Method::PATCH, contact, &json!({"properties": {"city": format!("Graz {number}")}})),
            7 => Wanted::new(Method::PATCH, contact, &json!({"properties": {"email": "no address"}})),
            8 => Wanted::new(Method::PATCH, format!("{contact}0"), &json!({"properties": {"city": "Graz"}})),
            9 => {
                let email = format!("new{number}@example.test");
                let body = json!({"properties": {"email": email, "firstname": "New"}});
                Wanted::new(Method::POST, "/crm/v3/objects/contacts", &body)
            }
            10 => {
                let body = json!({"properties": {"email": "no address", "firstname": format!("Wrong {number}")}});
                Wanted::new(Method::POST, "/crm/v3/objects/contacts", &body)
            }
            11 => Wanted::new(Method::DELETE, contact, &Value::Null),
            12 => {
                let body = json!({"properties": {"name": format!("Company {number}"), "city": "Linz"}});
                Wanted::new(Method::POST, "/crm/v3/objects/companies", &body)
            }
            _ => {
                let target = format!("/crm/v4/objects/contacts/{own}/associations/companies");
                Wanted::new(Method::GET, target, &Value::Null)
            }
        });
    }
    let company = format!("/crm/v3/objects/companies/{}?properties=name,domain", companies.first().expect("a company"));
    calls.push(Wanted::new(Method::GET, company, &Value::Null));
    calls
}

#[tokio::test(start_paused = true)]
async fn every_caller_gets_what_it_would_have_got_alone() {
    for round in 0..12 {
        let (alone, crowd) = (desk(0).await, desk(80).await);
        let (contacts, companies) = (ids(&alone, "contacts").await, ids(&alone, "companies").await);
        assert_eq!(contacts, ids(&crowd, "contacts").await, "the same seed makes the same portal");
        let mut dice = ChaCha8Rng::seed_from_u64(SEED + round);
        let calls = mix(&mut dice, &contacts, &companies, 120);
        let mut expected = Vec::new();
        for wanted in &calls {
            expected.push(direct(&alone.simulator, wanted).await);
        }
        let gateway = gateway(&crowd, Coalesce::All);
        let got = through(&gateway, &crowd, &calls).await;
        let (mut theirs, mut ours) = (BTreeMap::new(), BTreeMap::new());
        for ((wanted, expected), got) in calls.iter().zip(&expected).zip(&got) {
            assert_eq!(plain(got, &mut ours), plain(expected, &mut theirs), "round {round}: {wanted:?}");
        }
        assert!(gateway.saved().together > 60, "{:?}", gateway.saved());
    }
}
