//! What is known of the window after an end: in order, and not.

use std::time::Duration;

use linchpin_hubspot::call::CostClass;
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::desk::{Counting, Desk, INSTALL, call};
use crate::schedule::Scheduler;
use crate::schedule::budget::Past;
use crate::schedule::lanes::Lane;
use crate::schedule::limits::{AppKind, Limits, Tier};
use crate::schedule::record::{LEFT_VERSION, RUNNING_VERSION, Stored};
use crate::time::{Mono, Wall};

/// Runs a process for a while, ends it, and starts another one on the same server.
fn restart(counting: Counting, ran: u64, paused: u64, orderly: bool) -> Desk {
    let limits = Limits::of(Tier::Professional, AppKind::Private, 0);
    let mut desk = Desk::new(counting, Tier::Professional, ran);
    desk.saturate = Some(call(Lane::Bulk));
    desk.run_until(Mono(ran));
    let past = if orderly {
        desk.saturate = None;
        desk.scheduler.handle_shutdown(desk.moment());
        desk.run_until(Mono(ran) + Duration::from_secs(1));
        assert!(desk.scheduler.is_idle());
        let record = desk.scheduler.record(INSTALL, desk.moment());
        match Stored::from_bytes(&Stored::Left(record).to_bytes()).unwrap() {
            Stored::Left(record) => Past::Recorded(record),
            Stored::Running(_) => panic!("an orderly end is read as a crash"),
        }
    } else {
        desk.kill();
        Past::Crashed { may_send_until: desk.moment().wall, days: None }
    };
    let down_until = desk.now + Duration::from_micros(paused);
    desk.forget();
    desk.scheduler = Scheduler::new(ChaCha8Rng::seed_from_u64(1));
    desk.run_until(down_until);
    desk.install(limits, &past);
    desk.saturate = Some(call(Lane::Bulk));
    desk.run_until(down_until + Duration::from_secs(25));
    desk
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn restart_draws_no_refusal(
        seconds_counted: bool, ran in 100_000_u64..25_000_000, paused in 0_u64..12_000_000, orderly: bool,
    ) {
        let counting = if seconds_counted { Counting::Seconds } else { Counting::Exact };
        let desk = restart(counting, ran, paused, orderly);
        prop_assert_eq!(desk.server.refused, 0);
        prop_assert!(desk.server.ledger[&CostClass::Ordinary].len() > 190, "and the work goes on");
    }
}

#[test]
fn orderly_restart_does_not_wait_ten_seconds() {
    let desk = restart(Counting::Exact, 2_000_000, 0, true);
    let calls = &desk.server.ledger[&CostClass::Ordinary];
    let second_process = calls.iter().filter(|at| at.0 > 3_000_000 && at.0 < 6_000_000).count();
    assert!(second_process > 30, "{second_process} in its first three seconds");
}

#[test]
fn unclean_end_long_ago_costs_nothing() {
    let mut desk = Desk::new(Counting::Exact, Tier::Starter, 1);
    let limits = Limits::of(Tier::Starter, AppKind::Private, 0);
    for (ago_ms, leaves) in [(0, false), (5_000, false), (12_002, true), (60_000, true)] {
        desk.scheduler = Scheduler::new(ChaCha8Rng::seed_from_u64(1));
        desk.install(limits, &Past::Crashed { may_send_until: Wall(desk.moment().wall.0 - ago_ms), days: None });
        let ticket = desk.submit(call(Lane::Bulk)).unwrap();
        assert_eq!(desk.sent.remove(&ticket).is_some(), leaves, "{ago_ms} ms ago");
        desk.kill();
    }
}

#[test]
fn record_of_another_version_is_refused() {
    let record = Desk::new(Counting::Exact, Tier::Starter, 1).scheduler.record(INSTALL, crate::time::Now::default());
    for stored in [Stored::Left(record.clone()), Stored::Running(record)] {
        let mut bytes = stored.to_bytes();
        assert_eq!(Stored::from_bytes(&bytes).unwrap(), stored);
        bytes[0] = RUNNING_VERSION + 1;
        assert!(Stored::from_bytes(&bytes).is_err());
    }
    assert!(Stored::from_bytes(&[]).is_err());
    assert!(Stored::from_bytes(&[LEFT_VERSION, b'{']).is_err());
}
