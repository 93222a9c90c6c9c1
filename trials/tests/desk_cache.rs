//! Reads that are asked again and again: shared while they are on their way, kept where they are about definitions, and
//! never older than what their caller has written.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use linchpin_core::schedule::lanes::Lane;
use linchpin_core::schedule::limits::Tier;
use linchpin_engine::gateway::{Asked, CACHE_HEADER, Coalesce, Gateway, WITNESS_DISTANCE};
use linchpin_engine::tasks::Tasks;
use linchpin_hubspot::answer::Answer;
use linchpin_simulator::SimOptions;
use linchpin_simulator::model::IndexLag;
use linchpin_store_sqlite::SqliteStore;
use linchpin_trials::desk::Desk;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};

const SEED: u64 = 23;
const LIVES: Duration = Duration::from_secs(300);
const PROPERTIES: &str = "/crm/v3/properties/contacts";

async fn desk() -> Desk {
    let mut options = SimOptions { seed: SEED, latency_ms: 80, ..SimOptions::default() };
    options.portal.index_lag = IndexLag::Off;
    let store = SqliteStore::in_memory().expect("a store");
    let desk = Desk::start(options, Tier::Professional, store.stores()).await;
    desk.control("POST", "/_control/seed", &json!({"contacts": 300}).to_string()).await;
    desk.control("POST", "/_control/reset", r#"{"stats": true}"#).await;
    desk
}

fn gateway(desk: &Desk, coalesce: Coalesce) -> Gateway {
    let (install, clock) = (desk.context.install, Arc::clone(&desk.context.clock));
    Gateway::new(desk.dispatch.clone(), install, coalesce, clock, SEED)
}

async fn ids(desk: &Desk) -> Vec<String> {
    let dump = desk.control("GET", "/_control/dump/contacts", "").await;
    let id = |line: &str| serde_json::from_str::<Value>(line).ok()?.get("id")?.as_str().map(str::to_owned);
    dump.lines().filter_map(id).collect()
}

fn asked(desk: &Desk, method: Method, target: &str, body: &Value) -> Asked {
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    Asked {
        install: desk.context.install,
        lane: Lane::Interactive,
        deadline: None,
        caller: "trial".to_owned(),
        method,
        target: target.to_owned(),
        headers,
        body,
        joined: Arc::default(),
        passage: None,
    }
}

fn get(desk: &Desk, target: &str) -> Asked {
    asked(desk, Method::GET, target, &Value::Null)
}

async fn answer(gateway: &Gateway, asked: Asked) -> Answer {
    gateway.answer(asked).await.expect("an answer")
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).expect("JSON")
}

fn header<'a>(answer: &'a Answer, name: &HeaderName) -> Option<&'a str> {
    answer.headers.get(name)?.to_str().ok()
}

fn kept(answer: &Answer) -> Option<&str> {
    header(answer, &CACHE_HEADER)
}

#[tokio::test(start_paused = true)]
async fn reads_of_the_very_same_leave_as_two_calls_and_all_get_the_answer() {
    let desk = desk().await;
    let gateway = gateway(&desk, Coalesce::Proven);
    // No input of a batch: it leaves the choice of properties to HubSpot.
    let target = format!("/crm/v3/objects/contacts/{}?associations=companies", ids(&desk).await[0]);
    let mut others = get(&desk, &target);
    others.headers.insert("accept-language", HeaderValue::from_static("de"));
    let mut same = get(&desk, &target);
    same.headers.insert("user-agent", HeaderValue::from_static("another program"));
    let reads = (0..60).map(|number| if number % 2 == 0 { get(&desk, &target) } else { same.clone() });
    let reads = reads.chain([others]).map(|asked| answer(&gateway, asked));
    let answers = futures_util::future::join_all(reads).await;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.body == answers[0].body));
    assert!(answers.iter().all(|answer| kept(answer).is_none()), "records are not kept");
    assert_eq!(desk.stat("requests").await, 3, "the first, all that came while it was on its way, and the other one");
    assert_eq!(gateway.saved().shared, 58);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_shared_where_every_call_is_to_leave_as_it_came() {
    let desk = desk().await;
    let gateway = gateway(&desk, Coalesce::Off);
    let reads = (0..20).map(|_| answer(&gateway, get(&desk, "/crm/v3/pipelines/deals")));
    futures_util::future::join_all(reads).await;
    assert_eq!(desk.stat("requests").await, 20);
    assert_eq!(gateway.saved().shared, 0);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_readers_of_one_record_take_one_input() {
    let desk = desk().await;
    let gateway = gateway(&desk, Coalesce::Proven);
    let ids = ids(&desk).await;
    let target = |id: &str| format!("/crm/v3/objects/contacts/{id}?properties=email,firstname");
    let reads = (0..400).map(|number| if number % 8 == 7 { target(&ids[number % ids.len()]) } else { target(&ids[0]) });
    let targets: Vec<String> = reads.collect();
    let reads = targets.iter().map(|target| answer(&gateway, get(&desk, target)));
    let answers = futures_util::future::join_all(reads).await;
    for (target, answer) in targets.iter().zip(&answers) {
        assert_eq!(answer.status, 200);
        assert!(target.contains(json_of(answer)["id"].as_str().expect("an id")), "each its own record");
    }
    // The list of properties, the first read, and all others together: fifty records and one.
    assert_eq!(desk.stat("requests").await, 3);
}

#[tokio::test(start_paused = true)]
async fn a_reader_gets_what_it_has_written_however_many_read_the_same() {
    let desk = desk().await;
    let gateway = gateway(&desk, Coalesce::Proven);
    let ids = ids(&desk).await;
    let record = format!("/crm/v3/objects/contacts/{}", ids[0]);
    let read = format!("{record}?properties=city&associations=companies");
    let batched = format!("{record}?properties=city");
    let noise = async {
        for _ in 0..200 {
            let reads = [&read, &batched].map(|target| answer(&gateway, get(&desk, target)));
            let pause = tokio::time::sleep(Duration::from_millis(7));
            let (..) = futures_util::join!(futures_util::future::join_all(reads), pause);
        }
    };
    let second_noise = async {
        tokio::time::sleep(Duration::from_millis(31)).await;
        for _ in 0..200 {
            answer(&gateway, get(&desk, &read)).await;
        }
    };
    let writer = async {
        for number in 0..60 {
            let city = format!("Graz {number}");
            let write = asked(&desk, Method::PATCH, &record, &json!({"properties": {"city": city}}));
            assert_eq!(answer(&gateway, write).await.status, 200);
            for target in [&read, &batched] {
                let seen = json_of(&answer(&gateway, get(&desk, target)).await);
                assert_eq!(seen["properties"]["city"], city.as_str());
            }
            tokio::time::sleep(Duration::from_millis(13)).await;
        }
    };
    futures_util::join!(noise, second_noise, writer);
    assert!(gateway.saved().shared > 50, "{:?}", gateway.saved());
}

#[tokio::test(start_paused = true)]
async fn definitions_are_answered_from_what_is_kept_and_asked_again_in_time() {
    let desk = desk().await;
    let gateway = gateway(&desk, Coalesce::Proven).with_cache(LIVES);
    let first = answer(&gateway, get(&desk, PROPERTIES)).await;
    assert_eq!((first.status, kept(&first)), (200, Some("miss")));
    tokio::time::sleep(Duration::from_secs(100)).await;
    let second = answer(&gateway, get(&desk, PROPERTIES)).await;
    assert_eq!((kept(&second), header(&second, &http::header::AGE)), (Some("hit"), Some("100")));
    assert_eq!((second.status, &second.body), (200, &first.body), "byte for byte");
    assert_eq!(second.headers.get("content-type"), first.headers.get("content-type"));
    let correlation = HeaderName::from_static("x-hubspot-correlation-id");
    assert_ne!(header(&second, &correlation), header(&first, &correlation));
    assert!(header(&second, &correlation).is_some());
    assert_eq!(desk.stat("requests").await, 1);
    let mut fresh = get(&desk, PROPERTIES);
    fresh.headers.insert("cache-control", HeaderValue::from_static("no-cache"));
    assert_eq!(kept(&answer(&gateway, fresh).await), Some("bypass"));
    tokio::time::sleep(LIVES).await;
    assert_eq!(kept(&answer(&gateway, get(&desk, PROPERTIES)).await), Some("miss"));
    assert_eq!(desk.stat("requests").await, 3);
    assert_eq!(gateway.saved().cached, 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_caller_creates_every_caller_sees_at_once() {
    let desk = desk().await;
    let gateway = gateway(&desk, Coalesce::Proven).with_cache(LIVES);
    let one = format!("{PROPERTIES}/newest");
    answer(&gateway, get(&desk, PROPERTIES)).await;
    assert_eq!(answer(&gateway, get(&desk, &one)).await.status, 404);
    let property = json!({
        "name": "newest", "label": "Newest", "type": "string", "fieldType": "text", "groupName": "contactinformation",
    });
    // Somebody reads all the time, also while the creation is on its way.
    let reader = async {
        for _ in 0..40 {
            answer(&gateway, get(&desk, PROPERTIES)).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let writer = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let created = answer(&gateway, asked(&desk, Method::POST, PROPERTIES, &property)).await;
        assert_eq!(created.status, 201, "{}", String::from_utf8_lossy(&created.body));
    };
    futures_util::join!(reader, writer);
    // HubSpot's own lag is over; nothing from before may have been kept meanwhile.
    let named = |answer: &Answer| json_of(answer)["results"].as_array().unwrap().iter().any(|p| p["name"] == "newest");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let seen = answer(&gateway, get(&desk, PROPERTIES)).await;
    assert_eq!(kept(&seen), Some("bypass"), "HubSpot's lag is given time");
    assert!(named(&seen));
    assert_eq!(answer(&gateway, get(&desk, &one)).await.status, 200);
    tokio::time::sleep(Duration::from_secs(10)).await;
    answer(&gateway, get(&desk, PROPERTIES)).await;
    let seen = answer(&gateway, get(&desk, PROPERTIES)).await;
    assert_eq!(kept(&seen), Some("hit"));
    assert!(named(&seen));
    // Another kind was never dropped.
    answer(&gateway, get(&desk, "/crm/v3/owners")).await;
    assert_eq!(answer(&gateway, asked(&desk, Method::DELETE, &one, &Value::Null)).await.status, 204);
    assert_eq!(kept(&answer(&gateway, get(&desk, "/crm/v3/owners")).await), Some("hit"));
    assert!(!named(&answer(&gateway, get(&desk, PROPERTIES)).await));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_hubspot_does_not_know_makes_the_next_read_a_new_one() {
    let desk = desk().await;
    let gateway = gateway(&desk, Coalesce::Proven).with_cache(LIVES);
    answer(&gateway, get(&desk, PROPERTIES)).await;
    let record = format!("/crm/v3/objects/contacts/{}", ids(&desk).await[0]);
    for (properties, expected) in [
        (json!({"city": "Graz"}), "hit"),
        (json!({"email": "no address"}), "hit"),
        (json!({"no_such_property": "x"}), "miss"),
        (json!({"lifecyclestage": "no such option"}), "miss"),
    ] {
        answer(&gateway, asked(&desk, Method::PATCH, &record, &json!({"properties": properties}))).await;
        assert_eq!(kept(&answer(&gateway, get(&desk, PROPERTIES)).await), Some(expected), "{properties}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_witness_asks_now_and_then_and_finds_no_difference() {
    let desk = desk().await;
    let tasks = Tasks::new();
    let gateway = gateway(&desk, Coalesce::Proven).with_witness(&tasks);
    let ids = ids(&desk).await;
    let mut dice = ChaCha8Rng::seed_from_u64(SEED);
    for _ in 0..12 {
        let missing = format!("9{}", ids[0]);
        let mut chosen = || &ids[dice.next_u32() as usize % ids.len()];
        let targets: Vec<&String> = (0..80).map(|number| if number % 4 == 0 { &missing } else { chosen() }).collect();
        let targets = targets.into_iter().map(|id| format!("/crm/v3/objects/contacts/{id}?properties=email"));
        let targets: Vec<String> = targets.collect();
        futures_util::future::join_all(targets.iter().map(|target| answer(&gateway, get(&desk, target)))).await;
        tokio::time::sleep(WITNESS_DISTANCE).await;
    }
    let saved = gateway.saved();
    println!("figure: {saved:?}, calls = {}", desk.stat("requests").await);
    assert!((3..=12).contains(&saved.witnessed), "{saved:?}");
    assert_eq!(saved.differed, 0);
    assert_eq!(desk.stat("requests").await, 25 + saved.witnessed, "a list, two calls a round, and the witness");
    tasks.shutdown().await.expect("no task panics");
}
