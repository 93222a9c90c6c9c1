//! Installs that come and go, of which nothing is known.

use std::collections::BTreeMap;

use linchpin_hubspot::call::CostClass;
use linchpin_hubspot::id::{AppId, Install, PortalId};
use linchpin_hubspot::limits::RateHeaders;

use super::desk::{Counting, Desk, INSTALL, call};
use crate::schedule::budget::{Ask, Budget, Learned, Lease, Past, Room, Scope};
use crate::schedule::lanes::Lane;
use crate::schedule::limits::{AppKind, Limits, Tier};
use crate::schedule::{End, Submission};
use crate::time::{Mono, Now, Wall};

fn limits(assumed: bool) -> Limits {
    Limits { assumed, ..Limits::of(Tier::Free, AppKind::Private, 0) }
}

fn at(mono: u64) -> Now {
    Now { mono: Mono(mono), wall: Wall(i64::try_from(mono / 1_000).unwrap()) }
}

fn grant(budget: &mut Budget) {
    while let Some(ask) = budget.poll_ask() {
        if let Ask::Lease { scope, permits } = ask {
            budget.handle_lease(scope, Lease { permits, until: Some(Mono(60_000_000)) });
        }
    }
}

/// What is left after an answer that names a burst limit and a limit of the day, at once and after the next lease.
fn left_after(assumed: bool, max: u32, daily: u64) -> (Room, Room) {
    let mut budget = Budget::default();
    budget.handle_install(INSTALL, limits(assumed), &Past::Fresh, at(0));
    grant(&mut budget);
    let permit = budget.take(INSTALL, CostClass::Ordinary, at(0)).unwrap();
    let headers = RateHeaders {
        max: Some(max),
        remaining: Some(max - 1),
        daily: Some(daily),
        daily_remaining: Some(daily - 1),
        ..RateHeaders::default()
    };
    budget.handle_end(permit.id(), &Learned { headers, limited: None }, at(0));
    let at_once = budget.room(INSTALL, CostClass::Ordinary, at(1));
    budget.handle_timeout(at(55_000_000));
    grant(&mut budget);
    (at_once, budget.room(INSTALL, CostClass::Ordinary, at(55_000_000)))
}

#[test]
fn headers_raise_a_limit_only_if_it_was_assumed() {
    assert_eq!(left_after(true, 190, 650_000), (Room::Free(99), Room::Free(190)));
    assert_eq!(left_after(false, 190, 650_000), (Room::Free(99), Room::Free(100)));
    assert_eq!(left_after(true, 50, 650_000), (Room::Free(49), Room::Free(50)), "they lower any");
    let spent = |assumed| matches!(left_after(assumed, 100, 1), (Room::DaySpent { .. }, _));
    assert!(spent(true) && spent(false));
}

#[test]
fn a_forgotten_install_leaves_nothing_behind_and_may_come_back() {
    let mut desk = Desk::new(Counting::Exact, Tier::Free, 1);
    let guest = Install { portal: PortalId(1 << 63), app: AppId(9) };
    desk.install_as(guest, limits(true));
    let of_guest = || Submission { install: guest, ..call(Lane::Interactive) };
    let sent: Vec<_> = (0..101).filter_map(|_| desk.submit(of_guest())).collect();
    assert_eq!(desk.sent.len(), 100, "one waits for room");
    desk.scheduler.handle_forget(guest, desk.moment());
    desk.run_until(Mono(1_000_000));
    let ends: BTreeMap<bool, usize> = sent.iter().fold(BTreeMap::new(), |mut ends, ticket| {
        *ends.entry(matches!(desk.ends.get(ticket), Some(End::Cancelled))).or_default() += 1;
        ends
    });
    assert_eq!(ends, BTreeMap::from([(false, 100), (true, 1)]), "what is on its way comes home");
    assert!(desk.scheduler.is_idle());
    let scopes: Vec<Scope> = desk.scheduler.snapshot().windows.iter().map(|window| window.scope).collect();
    assert!(!scopes.contains(&Scope::Burst(guest)), "{scopes:?}");
    assert!(desk.submit(of_guest()).is_none(), "nobody knows it any more");
    desk.install_as(guest, limits(true));
    assert!(desk.submit(of_guest()).is_some());
}

#[test]
fn what_another_install_draws_on_stays() {
    let mut budget = Budget::default();
    let second = Install { app: AppId(2), ..INSTALL };
    for install in [INSTALL, second] {
        budget.handle_install(install, limits(false), &Past::Fresh, at(0));
    }
    grant(&mut budget);
    assert!(budget.take(INSTALL, CostClass::Search, at(0)).is_some());
    assert_eq!(budget.handle_forget(second).len(), 3, "its burst, its token calls, its journal");
    assert_eq!(
        budget.room(INSTALL, CostClass::Search, at(0)),
        Room::Free(4),
        "the account's searches are still counted"
    );
    assert_eq!(budget.room(second, CostClass::Search, at(0)), Room::Unknown);
    assert_eq!(budget.handle_forget(INSTALL).len(), 5);
}
