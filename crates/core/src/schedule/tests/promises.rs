//! What the scheduler promises about limits, use and waiting.

use std::time::Duration;

use linchpin_hubspot::call::CostClass;
use proptest::prelude::*;

use super::desk::{Counting, Desk, call};
use crate::schedule::Submission;
use crate::schedule::lanes::Lane;
use crate::schedule::limits::Tier;
use crate::time::Mono;

fn seconds(seconds: u64) -> Mono {
    Mono(seconds * 1_000_000)
}

#[test]
fn bulk_alone_uses_the_window_and_is_never_refused() {
    for counting in [Counting::Exact, Counting::Seconds] {
        for seed in 0..4 {
            let mut desk = Desk::new(counting, Tier::Professional, seed);
            desk.saturate = Some(call(Lane::Bulk));
            desk.run_until(seconds(280));
            assert_eq!(desk.server.refused, 0, "{counting:?}");
            let windows = desk.server.full_windows(CostClass::Ordinary, seconds(20), seconds(280));
            let leanest = windows.iter().min().copied().unwrap();
            let mean = windows.iter().sum::<usize>() / windows.len();
            println!("{counting:?} seed {seed}: {mean} of 190 on average, {leanest} in the leanest window");
            // A permit is held for ten seconds and its latency: 190 of them give 188 calls in ten seconds. The server
            // counts at a random moment, which moves a few calls over the edges of each window.
            assert!(mean * 1_000 >= 980 * 190, "{counting:?}: {mean} of 190");
            assert!(leanest * 1_000 >= 965 * 190, "{counting:?}: {leanest} of 190");
            let side_by_side = windows.iter().step_by(10).min().copied().unwrap();
            assert!(side_by_side * 100 >= 97 * 190, "{counting:?}: {side_by_side} of 190");
        }
    }
}

#[test]
fn interactive_calls_wait_little_while_bulk_saturates() {
    for (tier, per_second) in [(Tier::Professional, 2), (Tier::Professional, 5), (Tier::Starter, 1)] {
        for counting in [Counting::Exact, Counting::Seconds] {
            let mut desk = Desk::new(counting, tier, 11);
            desk.saturate = Some(call(Lane::Bulk));
            for number in 0..200 * per_second {
                // Not evenly: now and then two or three come together.
                let at = number * 1_000_000 / per_second + (number * number * 7_919) % 700_000;
                desk.arrive(Mono(at), call(Lane::Interactive));
            }
            desk.run_until(seconds(205));
            let waits = desk.waits.get_mut(&Lane::Interactive).unwrap();
            waits.sort();
            assert!(waits.len() as u64 >= 200 * per_second - 1);
            let p99 = waits[waits.len() * 99 / 100];
            println!("{tier:?} {per_second}/s {counting:?}: p99 {p99:?}, worst {:?}", waits.last());
            assert!(p99 < Duration::from_millis(300), "{tier:?} {counting:?}: {p99:?}");
            assert_eq!(desk.server.refused, 0);
        }
    }
}

#[test]
fn searches_are_never_refused_either() {
    for counting in [Counting::Exact, Counting::Seconds] {
        let mut desk = Desk::new(counting, Tier::Starter, 5);
        desk.saturate = Some(Submission { cost: CostClass::Search, ..call(Lane::Bulk) });
        desk.run_until(seconds(60));
        assert_eq!(desk.server.refused, 0);
        let searches = desk.server.ledger[&CostClass::Search].len();
        assert!(searches > 60 * 4, "{searches} in a minute");
    }
}

#[test]
fn no_lane_starves() {
    let mut desk = Desk::new(Counting::Exact, Tier::Starter, 5);
    for _ in 0..1_500 {
        desk.submit(call(Lane::Interactive));
        desk.submit(call(Lane::Bulk));
        desk.submit(call(Lane::Reporting));
    }
    desk.run_until(seconds(100));
    let left = |lane| desk.waits.get(&lane).map_or(0, Vec::len);
    let (interactive, bulk, reporting) = (left(Lane::Interactive), left(Lane::Bulk), left(Lane::Reporting));
    println!("{interactive} interactive, {bulk} bulk, {reporting} reporting");
    assert!(interactive > 3 * bulk && bulk > 2 * reporting && reporting > 20);
}

#[test]
fn hundred_thousand_decisions_are_quick() {
    let mut desk = Desk::new(Counting::Exact, Tier::Professional, 1);
    let bulk = call(Lane::Bulk);
    let moment = desk.moment();
    let mut taken = 0;
    for _ in 0..100_000 {
        taken += u32::from(desk.scheduler.handle_submit(bulk.clone(), moment).is_ok());
    }
    assert!(taken >= 20_000, "the queue has a limit, and holds as many");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn nothing_is_refused_and_everything_ends_once(
        seed: u64,
        seconds_counted: bool,
        latency in 5_u64..4_000,
        lose_one_in in 0_u64..12,
        arrivals in prop::collection::vec((0_u64..40_000_000, 0_usize..4, 0_u8..8), 1..700),
    ) {
        let counting = if seconds_counted { Counting::Seconds } else { Counting::Exact };
        let mut desk = Desk::new(counting, Tier::Starter, seed);
        desk.latency = Duration::from_millis(latency);
        desk.lose_one_in = if lose_one_in < 3 { 0 } else { lose_one_in };
        for (at, lane, kind) in &arrivals {
            let cost = if *kind == 0 { CostClass::Search } else { CostClass::Ordinary };
            desk.arrive(Mono(*at), Submission { cost, ..call(Lane::ALL[*lane]) });
        }
        desk.run_until(seconds(4_000));
        prop_assert_eq!(desk.server.refused, 0);
        prop_assert_eq!(desk.ends.len(), arrivals.len());
        prop_assert!(desk.scheduler.is_idle());
        prop_assert_eq!(desk.scheduler.poll_timeout(), None);
    }
}
