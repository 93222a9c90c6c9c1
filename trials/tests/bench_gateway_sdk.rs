//! HubSpot's own Node client in eight processes on one portal, directly and through the gateway.

use std::collections::BTreeMap;

use linchpin_trials::bench::{Call, Goals, Load, Outcome, Served};
use linchpin_trials::figure;
use linchpin_trials::parameters::parameter;
use linchpin_trials::simulator::Simulator;
use serde_json::{Value, json};

const WORKERS: usize = 8;
/// Attempts that the client makes at a call: with it, a read that meets the limit waits ten and twenty seconds.
const RETRIES: u32 = 3;
/// A call of a worker in so many is invalid: one of a hundred.
const INVALID_EVERY: usize = 100;
/// Calls that the gateway may make for all valid calls of a load without the limiter.
const CALLS_MAX: u64 = 40;
/// Verbs of the mix: contacts are read, updated and created.
const VERBS: u64 = 3;
/// What each verb may cost beyond that: batches that were not full.
const FEW: u64 = 4;
/// What the client's limiter lets through in a second.
const LIMITER_PER_SECOND: f64 = 9.0;

struct Sides {
    direct: Outcome,
    through: Outcome,
    calls: u64,
    limited: u64,
}

/// Runs a load twice, each time against a simulator of its own with the same seed.
fn measure(name: &str, load: &Load) -> Sides {
    let direct = {
        let simulator = portal(load);
        let outcome = load.run(simulator.base());
        tell(&format!("{name}, direct"), &outcome, &simulator);
        outcome
    };
    let simulator = portal(load);
    let gateway = Served::start(simulator.base(), "professional", "coalesce: all");
    simulator.forget_calls();
    let through = load.run(gateway.base());
    tell(&format!("{name}, through the gateway"), &through, &simulator);
    let by_route = simulator.stats().get("by_route").and_then(Value::as_object).cloned().unwrap_or_default();
    let routes: Vec<String> = by_route.iter().map(|(route, count)| format!("{count} {route}")).collect();
    figure(&format!("{name}, through the gateway: calls by route"), routes.join(", "));
    Sides { direct, through, calls: simulator.requests(), limited: simulator.rate_limited() }
}

fn portal(load: &Load) -> Simulator {
    let latency = parameter("LATENCY_MS", 80).to_string();
    let simulator = Simulator::start(&["--tier", "professional", "--index-lag", "off", "--latency-ms", &latency]);
    simulator.seed(&json!({"contacts": load.workers.iter().map(Vec::len).sum::<usize>()}));
    simulator.forget_calls();
    simulator
}

fn tell(name: &str, outcome: &Outcome, simulator: &Simulator) {
    figure(&format!("{name}: seconds"), format_args!("{:.1}", outcome.seconds));
    figure(&format!("{name}: calls at HubSpot"), simulator.requests());
    figure(&format!("{name}: of these answered 429"), simulator.rate_limited());
    figure(&format!("{name}: 429s that reached a client"), outcome.answers(429));
    figure(&format!("{name}: calls answered as they should be"), outcome.sum(|seen| seen.done + seen.refused));
    let reasons = outcome.reasons();
    figure(&format!("{name}: failed"), format_args!("{}{}", outcome.sum(|seen| seen.failed), told(&reasons)));
}

fn told(reasons: &BTreeMap<String, u64>) -> String {
    let each: Vec<String> = reasons.iter().map(|(reason, count)| format!("{count} x {reason}")).collect();
    if each.is_empty() { String::new() } else { format!(" ({})", each.join(", ")) }
}

/// What must hold of every load through the gateway.
fn demand_answers(goals: &mut Goals, name: &str, sides: &Sides) {
    let through = &sides.through;
    goals.at_most(&format!("{name}: 429s that reach a client"), through.answers(429), 0);
    goals.at_most(&format!("{name}: 429s of HubSpot"), sides.limited, 0);
    goals.at_most(&format!("{name}: failed or mistaken calls"), through.sum(|seen| seen.failed + seen.mistaken), 0);
}

fn demand_speed(goals: &mut Goals, name: &str, sides: &Sides) {
    let faster = sides.direct.seconds / sides.through.seconds;
    goals.at_least(&format!("{name}: times faster than directly"), faster, 10.0);
}

/// The ids of the contacts that a portal of this load has: the same seed makes the same.
fn ids(count: usize) -> Vec<String> {
    let simulator = Simulator::start(&[]);
    simulator.seed(&json!({"contacts": count}));
    simulator.dump("contacts").into_iter().map(|record| record.id).collect()
}

fn read(id: &str) -> Call {
    Call::Read { id: id.to_owned(), properties: vec!["email".to_owned(), "firstname".to_owned()] }
}

fn values<const N: usize>(pairs: [(&str, String); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Of four calls two read, one updates and one creates; the first write of every hundred calls is invalid.
fn mixed(number: usize, id: &str) -> Call {
    let invalid = number % INVALID_EVERY == 2;
    let wrong = || format!("no address {id}");
    match number % 4 {
        2 if invalid => Call::Update { id: id.to_owned(), properties: values([("email", wrong())]), invalid },
        2 => Call::Update { id: id.to_owned(), properties: values([("city", format!("Graz {id}"))]), invalid },
        3 => {
            let properties = values([("email", format!("new{id}@example.test")), ("firstname", "New".to_owned())]);
            Call::Create { properties, invalid: false }
        }
        _ => read(id),
    }
}

fn load(limiter: bool, ids: &[String], call: impl Fn(usize, &str) -> Call) -> Load {
    let each = ids.len() / WORKERS;
    let calls = |ids: &[String]| ids.iter().enumerate().map(|(number, id)| call(number, id)).collect();
    Load { limiter, retries: RETRIES, in_flight: each, workers: ids.chunks(each).map(calls).collect() }
}

#[test]
fn eight_workers_of_the_node_client() {
    let each: usize = parameter("CALLS", 20);
    let judged = parameter("GOALS", 0) == 1;
    let ids = ids(each * WORKERS);
    assert_eq!(ids.len(), each * WORKERS);
    let mut goals = Goals::default();

    let name = "(a) limiter on, reads";
    let sides = measure(name, &load(true, &ids, |_, id| read(id)));
    demand_answers(&mut goals, name, &sides);
    if judged {
        let floor = f64::from(u32::try_from(each).expect("few calls") - 1) / LIMITER_PER_SECOND;
        goals.at_most(&format!("{name}: times the limiter's own floor"), sides.through.seconds / floor, 1.1);
        goals.at_most(&format!("{name}: calls"), sides.calls, 500);
    }

    let name = "(b) limiter off, reads";
    let sides = measure(name, &load(false, &ids, |_, id| read(id)));
    demand_answers(&mut goals, name, &sides);
    if judged {
        goals.at_most(&format!("{name}: calls"), sides.calls, CALLS_MAX);
        demand_speed(&mut goals, name, &sides);
    }

    let name = "(c) limiter off, reads, updates and creates";
    let mix = load(false, &ids, mixed);
    let invalid = mix.workers.iter().flatten().filter(|call| call.is_invalid()).count() as u64;
    let sides = measure(name, &mix);
    demand_answers(&mut goals, name, &sides);
    goals.at_least(&format!("{name}: invalid calls refused"), sides.through.sum(|seen| seen.refused), invalid);
    if judged {
        let most = CALLS_MAX + invalid + VERBS * FEW;
        goals.at_most(
            &format!("{name}: calls, one per invalid write and a few per verb among them"),
            sides.calls,
            most,
        );
        demand_speed(&mut goals, name, &sides);
    }
    goals.demand_all();
}
