//! A large account in the real binary over real sockets: how much memory it takes, and how fast it answers.
//!
//! Every change runs it with few records, for the checks; the measurement sets a million. Calls follow one another on
//! one connection, the load generator beside the simulator on the same machine.

#![expect(clippy::disallowed_methods, reason = "a trial of real processes measures real time")]

use std::time::Instant;

use http::Method;
use linchpin_trials::figure;
use linchpin_trials::parameters::parameter;
use linchpin_trials::simulator::Simulator;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

const CONTACTS: &str = "/crm/v3/objects/contacts";
/// Values that each contact is given.
const FILLED: usize = 50;
/// Contacts of one seeding, so that no call takes minutes.
const SLICE: usize = 100_000;
/// Properties that every contact has beside the seeded ones, as far as a batch read asks for them.
const USUAL: [&str; 7] = ["email", "firstname", "lastname", "phone", "city", "state", "country"];

struct Place {
    simulator: Simulator,
    dice: ChaCha8Rng,
    calls: usize,
}

impl Place {
    fn post(&self, path: &str, body: &Value) -> Value {
        self.simulator.control().json(Method::POST, path, Some(body))
    }

    fn search(&self, body: &Value) -> Value {
        self.post(&format!("{CONTACTS}/search"), body)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.dice.next_u64() % bound.max(1)
    }

    /// Makes calls one after the other and tells the times that half and 99 of 100 stay below, in milliseconds.
    fn measure(&mut self, name: &str, mut call: impl FnMut(&mut Self)) -> f64 {
        let mut times: Vec<f64> = (0..self.calls)
            .map(|_| {
                let started = Instant::now();
                call(self);
                started.elapsed().as_secs_f64() * 1000.0
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let share = |of_100: usize| times.get(times.len() * of_100 / 100).copied().unwrap_or_default();
        let (half, most) = (share(50), share(99));
        figure(&format!("{name}: p50, p99 ms"), format!("{half:.2}, {most:.2}"));
        most
    }

    /// Ids from everywhere in the account, in no order.
    fn some_ids(&mut self) -> Vec<u64> {
        let end = |sort: &str| results(&self.search(&json!({"sorts": [sort], "limit": 1}))).first().map_or(0, id_of);
        let (low, high) = (end("hs_object_id"), end("-hs_object_id"));
        let mut ids = Vec::new();
        for _ in 0..20 {
            let from = low + self.below(high - low);
            let filter = json!({"propertyName": "hs_object_id", "operator": "GTE", "value": from});
            let page = self.search(&json!({"filters": [filter], "sorts": ["hs_object_id"], "limit": 200}));
            ids.extend(results(&page).iter().map(id_of));
        }
        ids.sort_unstable();
        ids.dedup();
        for last in (1..ids.len()).rev() {
            let other = usize::try_from(self.below(last as u64 + 1)).expect("a small number");
            ids.swap(last, other);
        }
        ids
    }

    fn range(&mut self) -> Value {
        let (low, width) = (self.below(900_000), 100 + self.below(100_000));
        json!({"propertyName": "seeded_2", "operator": "BETWEEN", "value": low, "highValue": low + width})
    }
}

fn results(answer: &Value) -> &[Value] {
    answer.get("results").and_then(Value::as_array).expect("results")
}

fn total(found: &Value) -> u64 {
    found.get("total").and_then(Value::as_u64).expect("a total")
}

fn id_of(record: &Value) -> u64 {
    record.get("id").and_then(Value::as_str).expect("an id").parse().expect("a number")
}

fn value<'a>(record: &'a Value, name: &str) -> Option<&'a str> {
    record.get("properties")?.get(name)?.as_str().filter(|text| !text.is_empty())
}

fn seconds(started: Instant) -> String {
    format!("{:.2}", started.elapsed().as_secs_f64())
}

/// The values that were given to every contact.
fn names() -> Vec<String> {
    let seeded = (1..=FILLED).map(|number| format!("seeded_{number}"));
    USUAL.iter().map(|name| (*name).to_owned()).chain(seeded).collect()
}

/// A batch read of a hundred of these, as text: reading it as JSON would be the generator's time.
fn batch(place: &mut Place, ids: &[u64], names: &[String]) -> String {
    let start = usize::try_from(place.below((ids.len() - 100) as u64)).expect("a small number");
    let inputs: Vec<Value> = ids.iter().skip(start).take(100).map(|id| json!({"id": id.to_string()})).collect();
    let body = json!({"properties": names, "inputs": inputs});
    place.simulator.control().text(Method::POST, &format!("{CONTACTS}/batch/read"), Some(&body))
}

fn seed(place: &Place, contacts: usize) {
    let started = Instant::now();
    for slice in (0..contacts).step_by(SLICE) {
        let count = SLICE.min(contacts - slice);
        place.simulator.seed(&json!({"contacts": count, "filled": FILLED}));
    }
    figure("contacts", contacts);
    figure("seeding, seconds", seconds(started));
    let (resident, _) = place.simulator.memory_kb();
    figure("resident memory after seeding, MB", resident / 1024);
}

/// Every contact has as many values as it was to get, and what a range does not hold is in the other one.
fn check(place: &mut Place, ids: &[u64], contacts: usize) -> String {
    let read: Value = serde_json::from_str(&batch(place, ids, &names())).expect("an answer in JSON");
    let records = results(&read);
    assert_eq!(records.len(), 100);
    let lengths: Vec<usize> = records
        .iter()
        .flat_map(|record| names().into_iter().filter_map(|name| Some(value(record, &name)?.len())))
        .collect();
    assert_eq!(lengths.len(), 100 * FILLED, "each contact was given so many values");
    let mean = lengths.iter().sum::<usize>() / lengths.len();
    figure("mean bytes of a given value", mean);
    assert!((11..=13).contains(&mean), "values of {mean} bytes in the mean");
    let first = ids.first().copied().unwrap_or_default();
    let path = format!("{CONTACTS}/{first}?propertiesWithHistory={}", names().join(","));
    let histories = place.simulator.control().json(Method::GET, &path, None);
    let histories = histories.get("propertiesWithHistory").and_then(Value::as_object).expect("histories");
    let entries: usize = histories.values().filter_map(Value::as_array).map(Vec::len).sum();
    assert!(entries >= FILLED, "{entries} entries of history for {FILLED} values");
    let started = Instant::now();
    let below = place.search(&json!({"filters": [{"propertyName": "seeded_2", "operator": "LT", "value": 300_000}]}));
    figure("first search of a property, seconds", seconds(started));
    let above = place.search(&json!({"filters": [{"propertyName": "seeded_2", "operator": "GTE", "value": 300_000}]}));
    assert_eq!(total(&below) + total(&above), contacts as u64);
    let share = total(&below) * 100 / contacts as u64;
    assert!((20..40).contains(&share), "about three in ten are below: {share} in a hundred");
    records.first().and_then(|record| value(record, "email")).expect("an address").to_owned()
}

/// The 99th percentiles of a batch read, and of the slowest kind of search.
fn measure_reads(place: &mut Place, ids: &[u64], email: &str) -> (f64, f64) {
    let names = names();
    let batch_read = place.measure("batch read of 100 with 57 properties", |place| drop(batch(place, ids, &names)));
    let single = ids.first().copied().unwrap_or_default();
    place.measure("read of one record", |place| {
        place.simulator.control().text(Method::GET, &format!("{CONTACTS}/{single}"), None);
    });
    let range = place.measure("search by a range, with total", |place| {
        let filter = place.range();
        place.search(&json!({"filters": [filter], "limit": 100}));
    });
    let half = place.measure("search by a range that holds half, with total", |place| {
        let value = 400_000 + place.below(200_000);
        place.search(&json!({"filters": [{"propertyName": "seeded_2", "operator": "GTE", "value": value}]}));
    });
    let sorted = place.measure("search by a range and a choice, sorted", |place| {
        let choice = json!({"propertyName": "seeded_5", "operator": "EQ", "value": "labs"});
        let filter = place.range();
        place.search(&json!({"filters": [filter, choice], "sorts": ["-seeded_2"], "limit": 100}));
    });
    place.measure("search by a unique value", |place| {
        let found = place.search(&json!({"filters": [{"propertyName": "email", "operator": "EQ", "value": email}]}));
        assert_eq!(total(&found), 1);
    });
    (batch_read, range.max(half).max(sorted))
}

fn measure_creations(place: &mut Place) {
    let mut made = 0;
    place.measure("batch create of 100", |place| {
        made += 1;
        let input = |number: u64| {
            json!({"properties": {"email": format!("new{made}-{number}@linchpin.test"), "firstname": "New",
                                  "seeded_2": number.to_string()}})
        };
        let inputs: Vec<Value> = (0..100).map(input).collect();
        place.post(&format!("{CONTACTS}/batch/create"), &json!({"inputs": inputs}));
    });
}

#[test]
fn a_large_account_is_small_in_memory_and_fast_to_read_and_search() {
    let contacts: usize = parameter("CONTACTS", 3_000);
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("account.snapshot");
    let file = file.to_str().expect("a path that is text");
    let flags = ["--tier", "unlimited", "--index-lag", "off"];
    let simulator = Simulator::start(&[flags.as_slice(), &["--state", file]].concat());
    let mut place = Place { simulator, dice: ChaCha8Rng::seed_from_u64(11), calls: parameter("CALLS", 20) };
    seed(&place, contacts);
    let ids = place.some_ids();
    let email = check(&mut place, &ids, contacts);
    let (batch_read, search) = measure_reads(&mut place, &ids, &email);
    measure_creations(&mut place);

    let started = Instant::now();
    let saved = place.post("/_control/snapshot", &json!({}));
    figure("writing the snapshot, seconds", seconds(started));
    figure("snapshot, MB", saved.get("bytes").and_then(Value::as_u64).expect("a size") / 1_000_000);
    let (resident, peak) = place.simulator.memory_kb();
    figure("resident memory at the end, MB", resident / 1024);
    figure("peak memory, MB", peak / 1024);
    let known = json!({"filters": [{"propertyName": "seeded_2", "operator": "HAS_PROPERTY"}]});
    let before = total(&place.search(&known));
    drop(place);

    let started = Instant::now();
    let again = Simulator::start(&[flags.as_slice(), &["--restore", file]].concat());
    figure("starting from the snapshot, seconds", seconds(started));
    let after = again.control().json(Method::POST, &format!("{CONTACTS}/search"), Some(&known));
    assert_eq!(total(&after), before);
    if parameter("GOALS", 0) == 1 {
        assert!(peak < 2_500_000, "peak memory {peak} kB");
        assert!(batch_read < 5.0, "batch read: {batch_read} ms");
        assert!(search < 20.0, "search: {search} ms");
    }
}
