//! A first sync over real sockets at the limits of the Professional tier, under both models of the rate window.

#![expect(clippy::disallowed_methods, reason = "a trial of real processes measures real time")]

use std::time::{Duration, Instant};

use linchpin_trials::figure;
use linchpin_trials::parameters::parameter;
use linchpin_trials::shop::{Holdings, Shop};
use linchpin_trials::simulator::Simulator;
use linchpin_trials::workplace::Workplace;

const SYNC_LIMIT: Duration = Duration::from_secs(1_800);

#[test]
fn no_call_is_refused_under_the_exact_window() {
    sync_without_429("exact");
}

#[test]
fn no_call_is_refused_under_the_window_of_whole_seconds() {
    sync_without_429("seconds");
}

fn sync_without_429(window: &str) {
    let shop = Shop::with_rows(parameter("ROWS", 5_000));
    let flags = ["--tier", "professional", "--latency-ms", "100", "--window", window];
    let simulator = Simulator::start(&flags);
    let place = Workplace::new();
    shop.write(&place.path("shop.sqlite"));
    place.write_config(&Shop::config(simulator.base()));
    let started = Instant::now();
    place.sync(SYNC_LIMIT).with_code(0);
    let seconds = started.elapsed().as_secs_f64();
    let ledger = simulator.ledger();
    let made = ledger.writes().count();
    figure(&format!("{window} window: rows"), shop.rows());
    figure(&format!("{window} window: write calls"), made);
    figure(&format!("{window} window: all calls"), ledger.0.len());
    figure(&format!("{window} window: busiest ten seconds, calls"), ledger.busiest_ten_seconds());
    figure(&format!("{window} window: calls answered 429"), simulator.rate_limited());
    figure(&format!("{window} window: seconds"), format!("{seconds:.1}"));
    assert_eq!(simulator.rate_limited(), 0);
    assert_eq!(ledger.with_status(429), 0);
    assert_eq!(made, shop.calls_needed() as usize, "{:#?}", ledger.writes_by_route());
    assert_eq!(Holdings::of(&simulator).differences(&shop.wanted()), Vec::<String>::new());
}
