//! Callers of one lane take turns by their shares.

use std::collections::BTreeMap;
use std::time::Duration;

use linchpin_hubspot::call::Family;
use proptest::prelude::*;

use super::desk::{Counting, Desk, INSTALL, call};
use crate::schedule::breaker::{Breakers, Circuit};
use crate::schedule::caller::{Caller, CallerId, Share};
use crate::schedule::coalesce::{INPUTS_MAX, Join, JoinKey};
use crate::schedule::lanes::Lane;
use crate::schedule::limits::Tier;
use crate::schedule::pool::Pool;
use crate::schedule::{End, QUEUE_MAX, Refused, Submission, Ticket};
use crate::time::Mono;

const OBJECTS: Circuit = (INSTALL, Family::Objects);

fn caller(name: &str, share: i64) -> Caller {
    Caller { id: CallerId::of(name), share: Share::try_from(share).unwrap() }
}

fn of(caller: Caller, lane: Lane) -> Submission {
    Submission { caller, ..call(lane) }
}

fn joins(caller: Caller, key: &str) -> Submission {
    let join = Join { key: JoinKey(key.to_owned()), record: None, writes: false };
    Submission { join: Some(join), ..of(caller, Lane::Bulk) }
}

/// A desk on which a caller has so many calls that wait in the bulk lane, and has used the window up.
fn flooded(flood: Caller, calls: usize) -> Desk {
    let mut desk = Desk::new(Counting::Exact, Tier::Starter, 3);
    for _ in 0..calls {
        desk.submit(of(flood, Lane::Bulk)).unwrap();
    }
    desk.run_until(Mono(30_000_000));
    desk
}

/// How many calls leave from now on until this one does.
fn sent_until(desk: &mut Desk, ticket: Ticket) -> u64 {
    let before = desk.scheduler.snapshot().totals.sent;
    let until = desk.now.0 + 60_000_000;
    while !desk.sent.contains_key(&ticket) {
        assert!(desk.now.0 < until, "it waits for ever");
        desk.run_until(Mono(desk.now.0 + 1_000));
    }
    desk.scheduler.snapshot().totals.sent - before
}

#[test]
fn a_flood_delays_another_callers_call_by_few_turns() {
    for share in [1, 100] {
        let mut desk = flooded(caller("flood", share), 10_000);
        let light = desk.submit(of(caller("light", 1), Lane::Bulk)).unwrap();
        // Its own, and one that the flood had a right to.
        let sent = sent_until(&mut desk, light);
        assert!(sent <= 2, "{sent} with a share of {share}");
    }
}

#[test]
fn whoever_shares_a_batch_with_a_flood_does_not_wait_behind_it() {
    let flood = caller("flood", 1);
    let mut desk = flooded(flood, 5_000);
    // The batch waits behind all else of the flood.
    desk.submit(joins(flood, "contacts")).unwrap();
    let light = desk.submit(joins(caller("light", 1), "contacts")).unwrap();
    let sent = sent_until(&mut desk, light);
    assert!(sent <= 2, "{sent}");
}

#[test]
fn a_flood_that_gathers_leaves_seats_to_others() {
    let flood = caller("flood", 1);
    let mut desk = flooded(flood, 200);
    for _ in 0..50 * INPUTS_MAX {
        desk.submit(joins(flood, "contacts")).unwrap();
    }
    let light = desk.submit(joins(caller("light", 1), "contacts")).unwrap();
    let before = desk.sent.len();
    sent_until(&mut desk, light);
    let calls = desk.sent.len() - before;
    assert!(calls <= 2 * INPUTS_MAX, "{calls} calls left before or with it: fifty batches waited");
}

#[test]
fn a_call_that_is_tried_again_keeps_its_turns() {
    let mut desk = flooded(caller("flood", 1), 3_000);
    desk.lose_one_in = 3;
    let light: Vec<Ticket> = (0..10).map(|_| desk.submit(of(caller("light", 1), Lane::Bulk)).unwrap()).collect();
    let before = desk.ends.len();
    while !light.iter().all(|ticket| desk.ends.contains_key(ticket)) {
        desk.run_until(Mono(desk.now.0 + 100_000));
        assert!(desk.ends.len() < before + 400, "the flood goes first");
    }
    assert!(light.iter().any(|ticket| desk.sent[ticket] > 1), "some were tried again");
}

#[test]
fn a_deadline_is_refused_for_what_is_ahead_and_not_for_what_others_have() {
    let (flood, light) = (caller("flood", 1), caller("light", 1));
    let mut desk = flooded(flood, 10_000);
    let soon = Some(desk.now + Duration::from_secs(15));
    let now = desk.moment();
    let refused = desk.scheduler.handle_submit(Submission { deadline: soon, ..of(flood, Lane::Bulk) }, now);
    assert!(matches!(refused, Err(Refused::Deadline { wait }) if wait > Duration::from_secs(600)), "{refused:?}");
    let taken: Vec<Option<Ticket>> =
        (0..20).map(|_| desk.submit(Submission { deadline: soon, ..of(light, Lane::Bulk) })).collect();
    desk.run_until(Mono(desk.now.0 + 20_000_000));
    for ticket in taken {
        let end = ticket.and_then(|ticket| desk.ends.get(&ticket));
        assert!(matches!(end, Some(End::Answered(_))), "{end:?}");
    }
}

#[test]
fn a_caller_that_fills_a_lane_leaves_places_to_others() {
    let (flood, light) = (caller("flood", 1), caller("light", 1));
    let limit = *QUEUE_MAX.get(Lane::Reporting);
    let single = |caller| of(caller, Lane::Reporting);
    let joined = |caller| Submission { lane: Lane::Reporting, ..joins(caller, "contacts") };
    for call in [single as fn(Caller) -> Submission, joined] {
        let mut desk = Desk::new(Counting::Exact, Tier::Starter, 3);
        let now = desk.moment();
        let mut fill =
            |caller| (0..=2 * limit).take_while(|_| desk.scheduler.handle_submit(call(caller), now).is_ok()).count();
        // Some leave at once.
        let had = fill(flood);
        assert!((limit..2 * limit).contains(&had), "{had}");
        let found = fill(light);
        assert!((limit / 8..=limit / 4).contains(&found), "{found}");
        assert!(fill(caller("third", 1)) >= limit / 16);
        assert_eq!(fill(flood), 0);
    }
}

#[test]
fn the_lanes_have_their_turns_whoever_calls_in_them() {
    let lanes_of = |callers: i64| {
        let mut desk = Desk::new(Counting::Exact, Tier::Starter, 5);
        for (number, lane) in (0..4_000).zip(Lane::ALL.into_iter().cycle()) {
            let of_many = caller(&format!("caller {}", number % callers), 1 + number % callers % 9);
            desk.submit(of(of_many, lane)).unwrap();
        }
        desk.run_until(Mono(100_000_000));
        desk.waits.iter().map(|(lane, waits)| (*lane, waits.len())).collect::<BTreeMap<Lane, usize>>()
    };
    assert_eq!(lanes_of(1), lanes_of(40));
}

#[test]
fn callers_who_have_left_take_no_room() {
    let mut desk = Desk::new(Counting::Exact, Tier::Professional, 5);
    for number in 0..2_000 {
        desk.submit(of(caller(&format!("caller {number}"), 1 + number % 100), Lane::Realtime)).unwrap();
        desk.submit(joins(caller(&format!("caller {number}"), 1), "contacts")).unwrap();
    }
    desk.run_until(Mono(600_000_000));
    assert!(desk.scheduler.is_idle());
    for number in 0..2_i64 {
        // One turn of the lane's own time lets go of all who are behind it.
        desk.submit(of(caller("last", 1 + number), Lane::Realtime)).unwrap();
        desk.submit(of(caller("last", 1 + number), Lane::Bulk)).unwrap();
        desk.run_until(Mono(desk.now.0 + 1_000_000));
    }
    let kept: usize = desk.scheduler.pools.values().map(Pool::callers_kept).sum();
    assert!(kept <= 4, "{kept}");
}

#[test]
fn an_open_breaker_holds_up_neither_its_caller_nor_another() {
    let (one, other) = (caller("one", 1), caller("other", 1));
    let (mut pool, mut breakers) = (Pool::default(), Breakers::default());
    let shut = (INSTALL, Family::Search);
    for _ in 0..50 {
        breakers.handle_failure(shut, Mono(0));
    }
    let head = |pool: &Pool| pool.head(Lane::Bulk, &breakers, Mono(1)).next.map(|next| (next.ticket, next.caller));
    pool.push(Lane::Bulk, shut, Ticket(1), &[one]);
    assert_eq!(head(&pool), None);
    assert!(pool.head(Lane::Bulk, &breakers, Mono(1)).opens.is_some());
    pool.push(Lane::Bulk, OBJECTS, Ticket(2), &[other]);
    assert_eq!(head(&pool), Some((Ticket(2), other)));
    pool.push(Lane::Bulk, OBJECTS, Ticket(3), &[one]);
    pool.took(Lane::Bulk, other, Mono(1));
    assert_eq!(head(&pool), Some((Ticket(3), one)), "the turn is its own with what may go");
}

#[test]
fn a_batch_counts_once_in_its_lane_and_leaves_every_line() {
    let (one, other) = (caller("one", 1), caller("other", 2));
    let mut pool = Pool::default();
    pool.push(Lane::Bulk, OBJECTS, Ticket(1), &[one]);
    assert!(pool.stand(Lane::Bulk, OBJECTS, Ticket(1), other));
    assert!(!pool.stand(Lane::Bulk, OBJECTS, Ticket(1), other));
    assert_eq!(*pool.waiting().get(Lane::Bulk), 1);
    assert_eq!(pool.ahead_of(Lane::Bulk, caller("third", 1)), 1);
    pool.remove(Lane::Bulk, OBJECTS, Ticket(1), &[one, other]);
    assert_eq!((*pool.waiting().get(Lane::Bulk), pool.callers_kept()), (0, 0));
}

/// What happens to a lane.
#[derive(Clone, Debug)]
enum Step {
    Come { caller: usize, calls: u64 },
    Leave { caller: usize },
    Turns(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_usize..5, 1_u64..30).prop_map(|(caller, calls)| Step::Come { caller, calls }),
        (0_usize..5).prop_map(|caller| Step::Leave { caller }),
        (1_usize..40).prop_map(Step::Turns),
    ]
}

/// A lane, and for each caller the turns that all have had since it last came.
struct Model {
    pool: Pool,
    callers: Vec<Caller>,
    waiting: Vec<Vec<Ticket>>,
    turns: Vec<Vec<u64>>,
    tickets: u64,
}

impl Model {
    fn new(shares: &[i64]) -> Self {
        let callers: Vec<Caller> =
            shares.iter().enumerate().map(|(number, share)| caller(&format!("caller {number}"), *share)).collect();
        let (waiting, turns) = (vec![Vec::new(); callers.len()], vec![vec![0; callers.len()]; callers.len()]);
        Self { pool: Pool::default(), callers, waiting, turns, tickets: 0 }
    }

    fn come(&mut self, caller: usize, calls: u64) {
        if self.waiting[caller].is_empty() {
            self.turns[caller].fill(0);
        }
        for _ in 0..calls {
            self.tickets += 1;
            self.pool.push(Lane::Bulk, OBJECTS, Ticket(self.tickets), &[self.callers[caller]]);
            self.waiting[caller].push(Ticket(self.tickets));
        }
    }

    fn leave(&mut self, caller: usize) {
        for ticket in self.waiting[caller].drain(..) {
            self.pool.remove(Lane::Bulk, OBJECTS, ticket, &[self.callers[caller]]);
        }
    }

    fn turn(&mut self) -> Result<(), TestCaseError> {
        let waits = self.waiting.iter().any(|waiting| !waiting.is_empty());
        let next = self.pool.head(Lane::Bulk, &Breakers::default(), Mono(0)).next;
        prop_assert_eq!(next.is_some(), waits, "somebody goes as long as anybody waits");
        let Some(next) = next else { return Ok(()) };
        let who = self.callers.iter().position(|caller| *caller == next.caller).unwrap();
        prop_assert_eq!(self.waiting[who].remove(0), next.ticket, "the oldest goes first");
        self.pool.remove(Lane::Bulk, OBJECTS, next.ticket, &[next.caller]);
        self.pool.took(Lane::Bulk, next.caller, Mono(0));
        for turns in &mut self.turns {
            turns[who] += 1;
        }
        self.demand_shares()
    }

    /// While a caller waits, no other gets more than its share beside it, and two turns: one for where the lane's time
    /// stood when the caller came, and one that may just have begun.
    fn demand_shares(&self) -> Result<(), TestCaseError> {
        let weight = |caller: usize| self.callers[caller].share.weight();
        for one in (0..self.callers.len()).filter(|one| !self.waiting[*one].is_empty()) {
            let own = self.turns[one][one];
            for other in (0..self.callers.len()).filter(|other| *other != one) {
                let due = (own + 1) * weight(other) / weight(one) + 2;
                let had = self.turns[one][other];
                prop_assert!(had <= due, "{other} had {had} of {due} while {one} had {own}: {:?}", self.callers);
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_caller_gets_its_share_whoever_comes_and_goes(
        shares in prop::collection::vec(prop_oneof![1_i64..=4, 1_i64..=100], 5),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut model = Model::new(&shares);
        for step in steps {
            match step {
                Step::Come { caller, calls } => model.come(caller, calls),
                Step::Leave { caller } => model.leave(caller),
                Step::Turns(turns) => for _ in 0..turns {
                    model.turn()?;
                },
            }
        }
        for caller in 0..shares.len() {
            model.leave(caller);
        }
        prop_assert_eq!(*model.pool.waiting().get(Lane::Bulk), 0);
    }
}
