//! The gateway's account of its callers' calls: true to what HubSpot saw, and, in shadow mode, to what would have been.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use linchpin_core::gateway::usage::Row;
use linchpin_core::schedule::lanes::Lane;
use linchpin_core::schedule::limits::Tier;
use linchpin_engine::gateway::{Asked, Coalesce, Gateway};
use linchpin_simulator::SimOptions;
use linchpin_simulator::model::IndexLag;
use linchpin_store_sqlite::SqliteStore;
use linchpin_trials::desk::Desk;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};

const SEED: u64 = 23;
const CONTACTS: usize = 120;

async fn desk() -> Desk {
    let mut options = SimOptions { seed: SEED, latency_ms: 60, ..SimOptions::default() };
    options.portal.index_lag = IndexLag::Off;
    let store = SqliteStore::in_memory().expect("a store");
    let desk = Desk::start(options, Tier::Professional, store.stores()).await;
    desk.control("POST", "/_control/seed", &json!({"contacts": CONTACTS}).to_string()).await;
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

/// Makes calls, each so many milliseconds after the first, and waits for all answers.
async fn make(gateway: &Gateway, desk: &Desk, calls: &[(u64, Method, String, String)]) {
    let calls = calls.iter().map(|(after, method, target, body)| async move {
        tokio::time::sleep(Duration::from_millis(*after)).await;
        let asked = Asked {
            install: desk.context.install,
            lane: Lane::Interactive,
            deadline: None,
            caller: "trial".to_owned(),
            method: method.clone(),
            target: target.clone(),
            headers: HeaderMap::new(),
            body: Bytes::from(body.clone()),
            joined: Arc::default(),
            passage: None,
        };
        gateway.answer(asked).await.expect("an answer");
    });
    futures_util::future::join_all(calls).await;
}

fn sum(gateway: &Gateway) -> Row {
    let mut sum = Row::default();
    gateway.usage().rows().for_each(|(_, row)| sum.add(row));
    sum
}

/// Calls that HubSpot saw, those left out that the gateway made to learn of properties.
async fn seen(desk: &Desk) -> u64 {
    let stats: Value = serde_json::from_str(&desk.control("GET", "/_control/stats", "").await).expect("JSON");
    let routes = stats.get("by_route").and_then(Value::as_object).expect("the totals count routes");
    let callers = routes.iter().filter(|(route, _)| !route.contains("properties"));
    callers.filter_map(|(_, count)| count.as_u64()).sum()
}

#[tokio::test(start_paused = true)]
async fn what_is_needed_is_what_hubspot_saw_even_of_refused_batches() {
    let desk = desk().await;
    let gateway = gateway(&desk, Coalesce::All);
    let ids = ids(&desk).await;
    let mut dice = ChaCha8Rng::seed_from_u64(SEED);
    let mut calls = Vec::new();
    for number in 0..150_u64 {
        let id = &ids[usize::try_from(dice.next_u32()).expect("an index") % ids.len()];
        let after = u64::from(dice.next_u32() % 200);
        calls.push(match number % 5 {
            0 => (after, Method::GET, format!("/crm/v3/objects/contacts/{id}?properties=email"), String::new()),
            // A record that is not there, and a read that cannot be packed.
            1 => (after, Method::GET, format!("/crm/v3/objects/contacts/9{id}?properties=email"), String::new()),
            2 => (after, Method::GET, format!("/crm/v3/objects/contacts/{id}"), String::new()),
            3 => {
                let body = json!({"properties": {"email": format!("new-{}@example.test", number % 40)}});
                (after, Method::POST, "/crm/v3/objects/contacts".to_owned(), body.to_string())
            }
            // Every other one of a value that is refused.
            _ => {
                let value = if number % 2 == 0 { "lead" } else { "no such stage" };
                let body = json!({"properties": {"lifecyclestage": value}});
                (after, Method::PATCH, format!("/crm/v3/objects/contacts/{id}"), body.to_string())
            }
        });
    }
    make(&gateway, &desk, &calls).await;
    let sum = sum(&gateway);
    assert_eq!((sum.calls, sum.failed), (150, 0));
    assert_eq!(sum.needed, seen(&desk).await);
    assert!(sum.joined > 0 && sum.repeated > 0, "the mix has both: {sum:?}");
    assert_eq!(sum.needed, sum.calls + sum.repeated - sum.joined);
}

#[tokio::test(start_paused = true)]
async fn shadow_mode_foretells_what_joining_needs() {
    let mut foretold = Vec::new();
    for (spread_ms, seed) in [(1_u64, 1), (300, 2), (2_000, 3)] {
        let mut needed = Vec::new();
        for shadow in [true, false] {
            let desk = desk().await;
            let gateway = gateway(&desk, Coalesce::Proven);
            let gateway = if shadow { gateway.in_shadow() } else { gateway };
            let mut dice = ChaCha8Rng::seed_from_u64(seed);
            let read = |id: &String, dice: &mut ChaCha8Rng| {
                let after = u64::from(dice.next_u32()) % spread_ms;
                (after, Method::GET, format!("/crm/v3/objects/contacts/{id}?properties=email"), String::new())
            };
            let calls: Vec<_> = ids(&desk).await.iter().map(|id| read(id, &mut dice)).collect();
            make(&gateway, &desk, &calls).await;
            let sum = sum(&gateway);
            assert_eq!(sum.calls, CONTACTS as u64);
            assert_eq!(seen(&desk).await, if shadow { sum.calls } else { sum.needed });
            needed.push(sum.needed);
        }
        println!("figure: spread {spread_ms} ms, needed = {} foretold, {} in earnest", needed[0], needed[1]);
        foretold.push((needed[0], needed[1]));
    }
    for (foretold, real) in foretold {
        // Latencies are thrown anew for other calls, so the two worlds are not the same to the call.
        assert!(foretold.abs_diff(real) * 4 <= real + 4, "{foretold} foretold, {real} in earnest");
    }
}
