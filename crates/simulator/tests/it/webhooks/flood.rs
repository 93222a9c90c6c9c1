//! Many events at once, with losses, copies and overtaking: every one comes to an end, and the receiver's own count agrees.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::sockets::{Log, receiver, start, verify};
use crate::fuzz::number;
use crate::{get, json, post};

/// The part of an event that tells it from every other.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "camelCase")]
struct Told {
    object_id: u64,
    occurred_at: i64,
    event_id: u64,
    property_value: String,
}

/// What a receiver counts by itself, without a look into the simulator's book.
#[derive(Default)]
struct Seen {
    arrivals: u64,
    /// Arrivals after a later change of the same record.
    overtaken: u64,
    newest: BTreeMap<u64, i64>,
    distinct: BTreeSet<Told>,
}

impl Seen {
    fn note(&mut self, log: &Log, addr: SocketAddr) {
        for received in log.take() {
            verify(&received, addr);
            for told in serde_json::from_slice::<Vec<Told>>(&received.body).unwrap() {
                self.arrivals += 1;
                let newest = self.newest.entry(told.object_id).or_insert(told.occurred_at);
                self.overtaken += u64::from(told.occurred_at < *newest);
                *newest = told.occurred_at.max(*newest);
                self.distinct.insert(told);
            }
        }
    }
}

/// Whether nothing will happen any more: no change is to be made, no event waits, no POST is under way. How the events
/// ended does not matter: one that was given up after its last retry is not waited for.
fn is_over(shown: &Value) -> bool {
    let pending = &shown["pending"];
    [&shown["churn_left"], &pending["events_waiting"], &pending["posts_under_way"]].iter().all(|left| **left == 0)
}

/// Makes so many changes and waits until all of their events have ended.
async fn flood(changes: u64, refused_posts: usize, whole: Value) -> (Value, Seen) {
    let log = Arc::new(Log::default());
    log.refuse.store(refused_posts, Ordering::SeqCst);
    let addr = receiver(Arc::clone(&log)).await;
    let subscriptions = json!([{"eventType": "contact.propertyChange", "propertyName": "city"}]);
    let running = start(&format!("http://{addr}/"), json!({"delay_ms": [0, 0]}), subscriptions).await;
    for (path, order) in [
        ("/_control/webhooks", whole),
        ("/_control/seed", json!({"contacts": 1000})),
        ("/_control/churn", json!({"changes": changes, "property": "city"})),
    ] {
        assert_eq!(running.desk.call(post(path, &order)).await.unwrap().status(), 200, "{path}");
    }
    let mut seen = Seen::default();
    let shown = loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        seen.note(&log, addr);
        let shown = json(&running.desk.call(get("/_control/webhooks")).await.unwrap());
        if is_over(&shown) {
            break shown;
        }
    };
    seen.note(&log, addr);
    running.stop().await;
    (shown["counts"].clone(), seen)
}

fn count(counts: &Value, name: &str) -> u64 {
    counts[name].as_u64().unwrap_or_else(|| panic!("{name} is no count: {counts}"))
}

/// Holds the simulator's book against the receiver's own, and prints both.
fn agree(changes: u64, counts: &Value, seen: &Seen) {
    let count = |name: &str| count(counts, name);
    assert_eq!(count("events"), changes);
    assert_eq!(count("delivered") + count("lost") + count("failed") + count("dropped"), changes, "{counts}");
    assert_eq!(count("dropped"), 0);
    // A POST that was not answered in time may have been read all the same, so its events may be more at the receiver.
    let distinct = u64::try_from(seen.distinct.len()).unwrap();
    assert!((count("delivered")..=changes - count("lost")).contains(&distinct), "{distinct}: {counts}");
    assert!((count("taken")..=count("sent")).contains(&seen.arrivals), "{}: {counts}", seen.arrivals);
    if count("timed_out") + count("failed_connections") == 0 {
        assert_eq!((distinct, seen.arrivals), (count("delivered"), count("taken")), "{counts}");
    }
    for (title, name) in [
        ("events", "events"),
        ("delivered", "delivered"),
        ("lost by the fault", "lost"),
        ("given up after the last retry", "failed"),
        ("duplicated by the fault", "duplicated"),
        ("reordered by the fault", "reordered"),
        ("POSTs", "posts"),
        ("POSTs not answered in time", "timed_out"),
    ] {
        println!("figure: {title} = {}", count(name));
    }
    println!("figure: different events at the receiver = {distinct}");
    println!("figure: second arrivals at the receiver = {}", seen.arrivals - distinct);
    println!("figure: arrivals after a later change of the same record = {}", seen.overtaken);
}

/// One in a thousand is lost, one in a hundred comes twice, one in ten is overtaken: with many draws the counts are
/// close to that, whatever the dice.
async fn everything_finds_its_end(changes: u64) {
    let whole = json!({
        "delivery": {"delay_ms": [0, 0], "retry_over_ms": 2000},
        "faults": {"lose": 0.001, "duplicate": 0.01, "reorder": 0.1, "span_ms": 5000},
    });
    let (counts, seen) = flood(changes, 0, whole).await;
    agree(changes, &counts, &seen);
    assert_eq!(counts["wrong_signatures"], 0);
    for (name, expected, percent) in
        [("lost", changes / 1000, 50), ("duplicated", changes / 100, 20), ("reordered", changes / 10, 5)]
    {
        let told = count(&counts, name);
        assert!(told.abs_diff(expected) * 100 <= expected * percent, "{name}: {told} of about {expected}");
    }
    assert!(seen.overtaken > 0, "holding events back lets others overtake them");
}

#[tokio::test]
#[ignore = "a million events take minutes: cargo xtask soak --only webhooks"]
async fn a_million_events_with_losses_copies_and_overtaking_all_find_their_end() {
    everything_finds_its_end(number("LINCHPIN_TRIAL_EVENTS", 1_000_000)).await;
}

#[tokio::test]
async fn events_that_are_given_up_are_not_waited_for() {
    let delivery = json!({"delivery": {"delay_ms": [0, 0], "retries": 1, "retry_over_ms": 20, "batch": 10}});
    let (counts, seen) = flood(500, usize::MAX, delivery).await;
    assert_eq!((count(&counts, "failed"), count(&counts, "delivered")), (500, 0), "{counts}");
    assert_eq!((count(&counts, "sent"), seen.arrivals, seen.distinct.len()), (1_000, 1_000, 500), "each twice");
}
