//! The budget against models that remember every call and count by looking at all of them.

use std::time::Duration;

use linchpin_hubspot::call::CostClass;
use linchpin_hubspot::id::{AppId, Install, PortalId};
use linchpin_hubspot::limits::RateHeaders;
use proptest::prelude::*;

use super::desk::INSTALL;
use crate::schedule::budget::{
    ATTEMPT_MAX, Ask, Budget, DayScope, LEASE_AHEAD, Learned, Lease, Past, Policy, Room, Scope,
};
use crate::schedule::limits::{AppKind, Limits, Rate, Tier};
use crate::schedule::{Permit, PermitId};
use crate::time::{Mono, Now, Wall};

/// Small limits, so that they are met often.
fn limits() -> Limits {
    Limits { burst: Rate::in_ten_seconds(7), daily: Some(40), ..Limits::of(Tier::Starter, AppKind::Private, 0) }
}

fn at(mono: Mono) -> Now {
    Now { mono, wall: Wall(1_000 + i64::try_from(mono.0 / 1_000).unwrap()) }
}

fn grant(budget: &mut Budget, until: Option<Mono>) {
    while let Some(ask) = budget.poll_ask() {
        if let Ask::Lease { scope, permits } = ask {
            budget.handle_lease(scope, Lease { permits, until });
        }
    }
}

fn budget(limits: Limits) -> Budget {
    let mut budget = Budget::default();
    budget.handle_install(INSTALL, limits, &Past::Fresh, at(Mono(0)));
    grant(&mut budget, None);
    budget
}

fn take(budget: &mut Budget, now: Mono) -> Option<PermitId> {
    budget.take(INSTALL, CostClass::Ordinary, at(now)).as_ref().map(Permit::id)
}

fn free(budget: &mut Budget, now: Mono) -> Room {
    budget.room(INSTALL, CostClass::Ordinary, at(now))
}

#[derive(Clone, Debug)]
enum Step {
    Take,
    End(usize),
    Unsent(usize),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Take),
        3 => (0_usize..8).prop_map(Step::End),
        1 => (0_usize..8).prop_map(Step::Unsent),
        3 => (0_u64..4_000_000).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn budget_gives_exactly_what_the_model_has_left(steps in steps()) {
        let mut budget = budget(limits());
        let mut now = Mono(0);
        let mut out: Vec<PermitId> = Vec::new();
        let mut ended: Vec<Mono> = Vec::new();
        let mut in_day = 0;
        for step in steps {
            match step {
                Step::Take => {
                    let held = out.len() + ended.iter().filter(|end| now - **end < Duration::from_millis(10_001)).count();
                    let permit = take(&mut budget, now);
                    prop_assert_eq!(permit.is_some(), held < 7 && in_day < 40, "{} held, {} in the day", held, in_day);
                    in_day += usize::from(permit.is_some());
                    out.extend(permit);
                }
                Step::End(number) if number < out.len() => {
                    prop_assert!(budget.handle_end(out.remove(number), &Learned::default(), at(now)));
                    ended.push(now);
                }
                Step::Unsent(number) if number < out.len() => {
                    let permit = out.remove(number);
                    prop_assert!(budget.handle_unsent(permit));
                    prop_assert!(!budget.handle_unsent(permit), "a permit is returned once");
                    in_day -= 1;
                }
                Step::End(_) | Step::Unsent(_) => {}
                Step::Pass(micros) => now = Mono(now.0 + micros),
            }
        }
    }

    #[test]
    fn headers_never_raise_what_is_left(
        steps in steps(), figures in prop::collection::vec((0_u32..12, 0_u32..12, 0_u64..60, 0_u64..60), 200),
    ) {
        let (mut told, mut untold) = (budget(limits()), budget(limits()));
        let mut now = Mono(0);
        let mut out: Vec<(PermitId, PermitId)> = Vec::new();
        for (step, (max, remaining, daily, daily_remaining)) in steps.into_iter().zip(figures) {
            match step {
                Step::Take => {
                    if let Some(permit) = take(&mut told, now) {
                        let other = take(&mut untold, now);
                        prop_assert!(other.is_some(), "more was left after headers than without");
                        out.push((permit, other.unwrap()));
                    }
                }
                Step::End(number) | Step::Unsent(number) if number < out.len() => {
                    let headers = RateHeaders {
                        max: Some(max), remaining: Some(remaining),
                        daily: Some(daily), daily_remaining: Some(daily_remaining),
                        ..RateHeaders::default()
                    };
                    let (permit, other) = out.remove(number);
                    told.handle_end(permit, &Learned { headers, limited: None }, at(now));
                    untold.handle_end(other, &Learned::default(), at(now));
                }
                Step::End(_) | Step::Unsent(_) => {}
                Step::Pass(micros) => now = Mono(now.0 + micros),
            }
        }
    }
}

#[test]
fn calls_of_others_lower_what_is_left_and_our_own_in_flight_do_not() {
    let mut budget = budget(limits());
    let permits: Vec<PermitId> = (0..4).map(|_| take(&mut budget, Mono(0)).unwrap()).collect();
    let told = |remaining| Learned {
        headers: RateHeaders { max: Some(7), remaining: Some(remaining), ..RateHeaders::default() },
        limited: None,
    };
    budget.handle_end(permits[0], &told(3), at(Mono(1)));
    assert_eq!(free(&mut budget, Mono(1)), Room::Free(3), "the four are ours");
    budget.handle_end(permits[1], &told(1), at(Mono(2)));
    assert_eq!(free(&mut budget, Mono(2)), Room::Free(1), "two are not");
    budget.handle_end(permits[2], &told(6), at(Mono(3)));
    assert_eq!(free(&mut budget, Mono(3)), Room::Free(1), "a counter that jumps up proves nothing");
}

#[test]
fn permit_that_came_back_while_a_call_was_under_way_is_nobody_elses() {
    let mut budget = budget(limits());
    for _ in 0..3 {
        let early = take(&mut budget, Mono(0)).unwrap();
        budget.handle_end(early, &Learned::default(), at(Mono(0)));
    }
    // HubSpot counts this call while the three are still in its window; its answer comes when they no longer are.
    let late = take(&mut budget, Mono(9_900_000)).unwrap();
    let headers = RateHeaders { max: Some(7), remaining: Some(3), ..RateHeaders::default() };
    budget.handle_end(late, &Learned { headers, limited: None }, at(Mono(10_100_000)));
    assert_eq!(free(&mut budget, Mono(10_100_000)), Room::Free(6));
}

#[test]
fn search_refused_for_others_slows_down_for_a_while() {
    let mut budget = budget(limits());
    let search = |budget: &mut Budget, now| budget.room(INSTALL, CostClass::Search, at(now));
    let permit = budget.take(INSTALL, CostClass::Search, at(Mono(0))).unwrap();
    let learned = Learned { limited: Some(Policy::Secondly), ..Learned::default() };
    budget.handle_end(permit.id(), &learned, at(Mono(0)));
    assert!(matches!(search(&mut budget, Mono(900_000)), Room::Full { .. }));
    assert_eq!(search(&mut budget, Mono(2_000_000)), Room::Free(4));
    assert_eq!(search(&mut budget, Mono(61_000_000)), Room::Free(5));
    assert_eq!(free(&mut budget, Mono(0)), Room::Free(7), "other windows do not care");
}

#[test]
fn scopes_are_shared_as_hubspot_shares_them() {
    let mut budget = budget(limits());
    let second_app = Install { app: AppId(2), ..INSTALL };
    let other_portal = Install { portal: PortalId(8), ..INSTALL };
    for install in [second_app, other_portal] {
        budget.handle_install(install, limits(), &Past::Fresh, at(Mono(0)));
    }
    grant(&mut budget, None);
    for cost in [CostClass::Ordinary, CostClass::Search] {
        assert!(budget.take(INSTALL, cost, at(Mono(0))).is_some());
    }
    let room = |budget: &mut Budget, install, cost| budget.room(install, cost, at(Mono(0)));
    assert_eq!(room(&mut budget, second_app, CostClass::Ordinary), Room::Free(7), "bursts belong to the app");
    assert_eq!(room(&mut budget, second_app, CostClass::Search), Room::Free(4), "searches to the account");
    assert_eq!(room(&mut budget, other_portal, CostClass::Search), Room::Free(5));
    assert_eq!(budget.days[&DayScope::Account(INSTALL.portal)].figures().0, 2, "the day to the account");
    assert_eq!(budget.figures(Scope::Burst(second_app)), Some((0, 7)));
}

#[test]
fn nothing_leaves_without_a_lease_or_after_its_end() {
    let mut budget = Budget::default();
    budget.handle_install(INSTALL, limits(), &Past::Fresh, at(Mono(0)));
    assert_eq!(take(&mut budget, Mono(0)), None);
    let end = Mono(60_000_000);
    grant(&mut budget, Some(end));
    assert!(take(&mut budget, Mono(1)).is_some());
    let ask_again = budget.poll_timeout().unwrap();
    assert_eq!(ask_again + LEASE_AHEAD, end);
    budget.handle_timeout(at(Mono(50_000_000)));
    assert!(take(&mut budget, Mono(50_000_000)).is_some(), "asked again, and still good");
    budget.handle_timeout(at(end));
    assert_eq!(take(&mut budget, end), None);
    grant(&mut budget, None);
    assert!(take(&mut budget, end).is_some());
}

#[test]
fn attempt_that_nobody_reports_is_given_up() {
    let mut budget = budget(limits());
    let permit = take(&mut budget, Mono(5)).unwrap();
    let overdue = Mono(5) + ATTEMPT_MAX;
    assert_eq!(budget.poll_timeout(), Some(overdue));
    assert_eq!(budget.handle_timeout(at(overdue)), [permit]);
}

#[test]
fn unregistered_install_has_no_room() {
    let stranger = Install { portal: PortalId(99), app: AppId(99) };
    assert_eq!(budget(limits()).room(stranger, CostClass::Ordinary, at(Mono(0))), Room::Unknown);
}
