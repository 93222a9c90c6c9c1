//! The coalescer alone against a model that looks at everything, and inside the scheduler.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use linchpin_hubspot::answer::Answer;
use proptest::prelude::*;

use super::desk::{Counting, Desk, call};
use crate::schedule::coalesce::{Batch, Coalescer, GATHER_MAX, INPUTS_MAX, Join, JoinKey};
use crate::schedule::lanes::Lane;
use crate::schedule::limits::Tier;
use crate::schedule::{Action, Cancelled, End, PermitId, QUEUE_MAX, Submission, Ticket};
use crate::time::{Mono, Now};
use crate::verdict::{Cause, CauseKind, Outcome};

fn key(number: u8) -> JoinKey {
    JoinKey(format!("contacts/{number}"))
}

fn join(key_number: u8, record: Option<u8>, writes: bool) -> Join {
    Join { key: key(key_number), record: record.map(|record| record.to_string()), writes }
}

#[test]
fn idle_key_sends_at_once_and_the_next_batch_gathers() {
    let mut coalescer = Coalescer::default();
    coalescer.handle_join(Ticket(1), &join(0, None, false), Mono(0));
    let first = coalescer.seal(&key(0), Mono(0)).unwrap();
    assert_eq!(first.tickets, [Ticket(1)]);
    for number in 2..5 {
        coalescer.handle_join(Ticket(number), &join(0, None, false), Mono(number));
        assert!(coalescer.seal(&key(0), Mono(number)).is_none());
    }
    coalescer.handle_return(first.id);
    assert_eq!(coalescer.due(Mono(9)), [key(0)]);
    assert_eq!(coalescer.seal(&key(0), Mono(9)).unwrap().tickets, [2, 3, 4].map(Ticket));
}

#[test]
fn full_or_old_batch_leaves_beside_another() {
    let mut coalescer = Coalescer::default();
    coalescer.handle_join(Ticket(0), &join(0, None, false), Mono(0));
    coalescer.seal(&key(0), Mono(0)).unwrap();
    for number in 1..=101 {
        coalescer.handle_join(Ticket(number), &join(0, None, false), Mono(1));
    }
    assert_eq!(coalescer.seal(&key(0), Mono(1)).unwrap().tickets.len(), INPUTS_MAX);
    assert!(coalescer.seal(&key(0), Mono(1)).is_none());
    assert_eq!(coalescer.poll_timeout(), Some(Mono(1) + GATHER_MAX));
    assert_eq!(coalescer.seal(&key(0), Mono(1) + GATHER_MAX).unwrap().tickets, [Ticket(101)]);
}

#[derive(Clone, Debug)]
enum Step {
    Join { key: u8, record: Option<u8>, writes: bool },
    Seal(u8),
    Return(usize),
    Cancel(u64),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0_u8..3, prop::option::of(0_u8..6), any::<bool>())
            .prop_map(|(key, record, writes)| Step::Join { key, record, writes }),
        3 => (0_u8..3).prop_map(Step::Seal),
        3 => (0_usize..4).prop_map(Step::Return),
        1 => (0_u64..60).prop_map(Step::Cancel),
        1 => (0_u64..400_000).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..160)
}

/// Everything that ever happened, in lists.
#[derive(Default)]
struct Model {
    waiting: Vec<(Ticket, Join, Mono)>,
    out: Vec<(Batch, JoinKey, Vec<Join>)>,
}

impl Model {
    fn writes_out(&self) -> BTreeSet<String> {
        let joins = self.out.iter().flat_map(|(_, _, joins)| joins).filter(|join| join.writes);
        joins.filter_map(|join| join.record.clone()).collect()
    }

    /// Whether an earlier write of the record waits, under any key.
    fn would_overtake(&self, ticket: Ticket, record: &str) -> bool {
        let earlier = self.waiting.iter().take_while(|(other, ..)| *other != ticket);
        earlier.filter(|(_, join, _)| join.writes).any(|(_, join, _)| join.record.as_deref() == Some(record))
    }

    /// Those of a key's inputs that may share one batch.
    fn chosen(&self, mine: &[&(Ticket, Join, Mono)]) -> Vec<Ticket> {
        let (mut closed, mut read) = (self.writes_out(), BTreeSet::new());
        let (mut taken, mut inputs) = (Vec::new(), 0);
        for (ticket, join, _) in mine {
            // One that names no record is about one of its own.
            let record = join.record.clone().unwrap_or_else(|| format!("nameless {ticket:?}"));
            let shares = read.contains(&record) && !join.writes && !closed.contains(&record);
            let is_new = !read.contains(&record) && !closed.contains(&record);
            let begins = is_new && inputs < INPUTS_MAX && !(join.writes && self.would_overtake(*ticket, &record));
            if shares || begins {
                taken.push(*ticket);
                inputs += usize::from(begins);
            }
            let reads_on = (shares || begins) && !join.writes;
            if reads_on {
                read.insert(record)
            } else {
                closed.insert(record)
            };
        }
        taken
    }

    /// What must leave now under a key, worked out from the lists.
    fn expected(&self, key: &JoinKey, now: Mono) -> Option<Vec<Ticket>> {
        let mine: Vec<_> = self.waiting.iter().filter(|(_, join, _)| join.key == *key).collect();
        let busy = self.out.iter().any(|(_, other, _)| other == key);
        let oldest = mine.first()?.2;
        let named: BTreeSet<_> = mine.iter().filter_map(|(_, join, _)| join.record.as_ref()).collect();
        let inputs = named.len() + mine.iter().filter(|(_, join, _)| join.record.is_none()).count();
        if busy && inputs < INPUTS_MAX && now < oldest + GATHER_MAX {
            return None;
        }
        let taken = self.chosen(&mine);
        Some(taken).filter(|taken| !taken.is_empty())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn coalescer_does_what_the_model_says(steps in steps()) {
        let (mut coalescer, mut model) = (Coalescer::default(), Model::default());
        let (mut now, mut tickets) = (Mono(0), 0);
        // Keys that whoever drives the coalescer knows to be due.
        let mut known = BTreeSet::new();
        for step in steps {
            match step {
                Step::Join { key, record, writes } => {
                    let join = join(key, record, writes);
                    coalescer.handle_join(Ticket(tickets), &join, now);
                    if coalescer.is_due(&join.key, now) {
                        known.insert(join.key.clone());
                    }
                    model.waiting.push((Ticket(tickets), join, now));
                    tickets += 1;
                }
                Step::Seal(number) => {
                    let expected = model.expected(&key(number), now);
                    prop_assert_eq!(coalescer.is_due(&key(number), now), expected.is_some());
                    known.remove(&key(number));
                    let batch = coalescer.seal(&key(number), now);
                    prop_assert_eq!(batch.as_ref().map(|batch| batch.tickets.clone()), expected);
                    let Some(batch) = batch else { continue };
                    let (left, kept): (Vec<_>, Vec<_>) =
                        model.waiting.into_iter().partition(|(ticket, _, _)| batch.tickets.contains(ticket));
                    model.waiting = kept;
                    model.out.push((batch, key(number), left.into_iter().map(|(_, join, _)| join).collect()));
                }
                Step::Return(number) if number < model.out.len() => {
                    let (batch, _, _) = model.out.remove(number);
                    coalescer.handle_return(batch.id);
                }
                Step::Return(_) => {}
                Step::Cancel(number) => {
                    let waits = model.waiting.iter().any(|(ticket, _, _)| *ticket == Ticket(number));
                    prop_assert_eq!(coalescer.handle_cancel(Ticket(number)), waits, "only before sending");
                    model.waiting.retain(|(ticket, _, _)| *ticket != Ticket(number));
                }
                Step::Pass(micros) => now = Mono(now.0 + micros),
            }
            prop_assert_eq!(coalescer.waiting(), model.waiting.len());
            known.extend(coalescer.due(now));
            for number in 0..3 {
                let forgotten = coalescer.is_due(&key(number), now) && !known.contains(&key(number));
                prop_assert!(!forgotten, "{:?} is due, and nobody was told", key(number));
            }
        }
    }
}

fn joined(lane: Lane, key_number: u8, record: Option<u8>, writes: bool) -> Submission {
    Submission { join: Some(join(key_number, record, writes)), ..call(lane) }
}

#[test]
fn joined_calls_share_permits_and_each_ends_once() {
    let mut desk = Desk::new(Counting::Exact, Tier::Starter, 1);
    let tickets: Vec<Ticket> =
        (0..250).map(|_| desk.submit(joined(Lane::Interactive, 0, None, false)).unwrap()).collect();
    desk.run_until(Mono(5_000_000));
    assert_eq!(desk.ends.len(), 250);
    assert!(tickets.iter().all(|ticket| matches!(desk.ends[ticket], End::Answered(_)) && desk.sent[ticket] == 1));
    let totals = desk.scheduler.snapshot().totals;
    assert_eq!(totals.sent, 4, "one alone, two full ones, and the rest");
    assert!(desk.scheduler.is_idle());
}

#[test]
fn calls_gather_when_answers_come_fast_and_the_window_fills_up() {
    let mut desk = Desk::new(Counting::Exact, Tier::Professional, 1);
    desk.latency = Duration::from_millis(4);
    // Seventy-two a second, as eight clients send with nine each: four times what the limit lets through one by one.
    let calls = 2_400;
    for number in 0..calls {
        desk.arrive(Mono(number * 1_000_000 / 72), joined(Lane::Interactive, 0, None, false));
    }
    desk.run_until(Mono(60_000_000));
    assert_eq!(desk.ends.len() as u64, calls);
    let sent = desk.scheduler.snapshot().totals.sent;
    assert!(sent <= 500, "{sent} calls");
    assert_eq!(desk.server.refused, 0);
}

#[test]
fn a_call_whose_deadline_is_near_is_not_held_back() {
    let mut desk = Desk::new(Counting::Exact, Tier::Professional, 1);
    desk.latency = Duration::from_millis(4);
    for number in 0..100 {
        desk.arrive(Mono(number * 60_000), joined(Lane::Interactive, 0, None, false));
    }
    // The last answer is here, and the interval after it still runs.
    desk.run_until(Mono(99 * 60_000 + 15_000));
    assert_eq!(desk.ends.len(), 100);
    let hurried = Submission {
        deadline: Some(desk.moment().mono + Duration::from_millis(20)),
        ..joined(Lane::Interactive, 0, None, false)
    };
    let ticket = desk.submit(hurried).unwrap();
    desk.run_until(Mono(20_000_000));
    assert!(matches!(desk.ends[&ticket], End::Answered(_)), "{:?}", desk.ends[&ticket]);
}

/// Found by the seed 2451 of the gateway's soak.
#[test]
fn a_read_that_is_held_back_leaves_after_a_write_that_left_in_the_meantime() {
    let mut desk = Desk::new(Counting::Exact, Tier::Professional, 1);
    desk.latency = Duration::from_millis(4);
    for number in 0..100 {
        desk.arrive(Mono(number * 60_000), joined(Lane::Interactive, 0, None, false));
    }
    desk.run_until(Mono(99 * 60_000 + 15_000));
    let read = desk.submit(joined(Lane::Interactive, 0, Some(1), false)).unwrap();
    desk.latency = Duration::from_millis(300);
    let write = desk.submit(joined(Lane::Interactive, 1, Some(1), true)).unwrap();
    desk.run_until(Mono(20_000_000));
    for ticket in [write, read] {
        assert!(matches!(desk.ends.get(&ticket), Some(End::Answered(_))), "{ticket:?}: {:?}", desk.ends.get(&ticket));
    }
}

#[test]
fn writes_of_one_record_follow_one_another() {
    let mut desk = Desk::new(Counting::Exact, Tier::Starter, 1);
    for _ in 0..6 {
        desk.submit(joined(Lane::Realtime, 0, Some(1), true)).unwrap();
    }
    desk.run_until(Mono(300_000));
    assert!(desk.scheduler.snapshot().in_flight <= 1);
    desk.run_until(Mono(9_000_000));
    assert_eq!(desk.ends.len(), 6);
    assert_eq!(desk.scheduler.snapshot().totals.sent, 6);
}

#[test]
fn reads_of_one_record_share_an_input_and_are_never_full() {
    let mut coalescer = Coalescer::default();
    coalescer.handle_join(Ticket(0), &join(0, Some(1), false), Mono(0));
    let first = coalescer.seal(&key(0), Mono(0)).unwrap();
    for number in 1..=300 {
        coalescer.handle_join(Ticket(number), &join(0, Some(1), false), Mono(1));
    }
    assert!(
        coalescer.seal(&key(0), Mono(1)).is_none(),
        "what has left is not joined, and one record is not a full batch"
    );
    coalescer.handle_return(first.id);
    assert_eq!(coalescer.seal(&key(0), Mono(2)).unwrap().tickets.len(), 300);
}

#[test]
fn a_read_joins_no_batch_that_left_before_it_came() {
    let mut coalescer = Coalescer::default();
    coalescer.handle_join(Ticket(0), &join(0, Some(1), false), Mono(0));
    let before = coalescer.seal(&key(0), Mono(0)).unwrap();
    coalescer.handle_join(Ticket(1), &join(1, Some(1), true), Mono(1));
    let write = coalescer.seal(&key(1), Mono(1)).unwrap();
    coalescer.handle_join(Ticket(2), &join(0, Some(1), false), Mono(2));
    coalescer.handle_return(before.id);
    assert!(coalescer.seal(&key(0), Mono(3)).is_none(), "its record is being written");
    coalescer.handle_return(write.id);
    assert_eq!(coalescer.seal(&key(0), Mono(4)).unwrap().tickets, [Ticket(2)]);
}

#[test]
fn a_write_overtakes_no_earlier_write_of_its_record_under_another_key() {
    let mut coalescer = Coalescer::default();
    coalescer.handle_join(Ticket(0), &join(0, Some(9), true), Mono(0));
    let busy = coalescer.seal(&key(0), Mono(0)).unwrap();
    coalescer.handle_join(Ticket(1), &join(0, Some(1), true), Mono(1));
    coalescer.handle_join(Ticket(2), &join(1, Some(1), true), Mono(2));
    assert!(coalescer.seal(&key(1), Mono(2)).is_none(), "the update that came first gathers still");
    coalescer.handle_return(busy.id);
    let update = coalescer.seal(&key(0), Mono(3)).unwrap();
    assert!(coalescer.seal(&key(1), Mono(3)).is_none(), "it is being written");
    coalescer.handle_return(update.id);
    assert_eq!(coalescer.seal(&key(1), Mono(4)).unwrap().tickets, [Ticket(2)]);
}

#[test]
fn what_gathers_in_one_lane_fills_no_other() {
    let mut desk = Desk::new(Counting::Exact, Tier::Professional, 1);
    let now = Now { mono: desk.now, wall: desk.epoch };
    let named = |lane, name: String| {
        let join = Join { key: JoinKey(name.clone()), record: Some(name), writes: false };
        Submission { join: Some(join), ..call(lane) }
    };
    let full = *QUEUE_MAX.get(Lane::Interactive);
    for number in 0..full + 500 {
        desk.scheduler.handle_submit(named(Lane::Bulk, format!("bulk {number}")), now).unwrap();
    }
    // One key gathers behind its first.
    let one = || named(Lane::Interactive, "one".to_owned());
    let accepted = (0..full + 500).take_while(|_| desk.scheduler.handle_submit(one(), now).is_ok()).count();
    assert!((full..full + 2).contains(&accepted), "{accepted}");
}

#[test]
fn a_write_goes_on_when_the_one_before_it_is_taken_back() {
    let mut desk = Desk::new(Counting::Exact, Tier::Professional, 1);
    let now = Now { mono: desk.now, wall: desk.epoch };
    let write =
        |key_number, record| Submission { join: Some(join(key_number, Some(record), true)), ..call(Lane::Interactive) };
    desk.scheduler.handle_submit(write(0, 9), now).unwrap();
    assert!(next_send(&mut desk).is_some(), "the key is busy from here on");
    let update = desk.scheduler.handle_submit(write(0, 1), now).unwrap();
    let archive = desk.scheduler.handle_submit(write(1, 1), now).unwrap();
    assert!(next_send(&mut desk).is_none(), "one gathers, the other waits for it");
    assert_eq!(desk.scheduler.handle_cancel(update, now), Cancelled::Removed);
    assert_eq!(next_send(&mut desk).map(|(_, tickets)| tickets), Some(vec![archive]));
}

#[test]
fn cancelled_input_leaves_its_batch_only_before_it_is_sent() {
    let mut desk = Desk::new(Counting::Exact, Tier::Starter, 1);
    let sent = desk.submit(joined(Lane::Interactive, 0, None, false)).unwrap();
    let waits = desk.submit(joined(Lane::Interactive, 0, None, false)).unwrap();
    let now = desk.moment();
    assert_eq!(desk.scheduler.handle_cancel(sent, now), Cancelled::OnItsWay);
    assert_eq!(desk.scheduler.handle_cancel(waits, now), Cancelled::Removed);
    desk.run_until(Mono(2_000_000));
    assert!(matches!(desk.ends[&waits], End::Cancelled));
    assert!(matches!(desk.ends[&sent], End::Answered(_)));
    assert!(!desk.sent.contains_key(&waits));
    assert_eq!(desk.scheduler.handle_cancel(sent, now), Cancelled::Ended);
}

#[test]
fn a_batch_that_waits_for_another_attempt_ends_with_its_deadline() {
    let mut desk = Desk::new(Counting::Exact, Tier::Professional, 1);
    desk.lose_one_in = 1;
    let deadline = Some(Mono(25_000_000));
    let joined = desk.submit(Submission { deadline, ..joined(Lane::Interactive, 0, None, false) }).unwrap();
    // Whatever else wants to leave shuts the breaker again and again.
    for _ in 0..60 {
        desk.submit(call(Lane::Interactive)).unwrap();
    }
    desk.run_until(Mono(26_000_000));
    assert!(desk.sent[&joined] > 0, "it had left once");
    let end = desk.ends.get(&joined);
    assert!(matches!(end, Some(End::Unreachable(_) | End::Deadline)), "{end:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn joined_and_single_calls_all_end_once_under_losses(
        seed: u64,
        calls in prop::collection::vec((0_u64..20_000_000, 0_u8..3, prop::option::of(0_u8..9), any::<bool>(), any::<bool>()), 1..400),
    ) {
        let mut desk = Desk::new(Counting::Seconds, Tier::Starter, seed);
        desk.lose_one_in = 6;
        let mut deadlines = BTreeMap::new();
        for (at, key, record, writes, hurried) in &calls {
            let deadline = hurried.then(|| Mono(*at) + Duration::from_secs(2));
            *deadlines.entry(deadline.is_some()).or_insert(0) += 1;
            desk.arrive(Mono(*at), Submission { deadline, ..joined(Lane::Realtime, *key, *record, *writes) });
        }
        desk.run_until(Mono(600_000_000));
        prop_assert_eq!(desk.server.refused, 0);
        prop_assert!(desk.scheduler.is_idle());
        prop_assert_eq!(desk.scheduler.poll_timeout(), None);
        let refused = usize::try_from(desk.scheduler.snapshot().totals.refused).unwrap();
        prop_assert_eq!(desk.ends.len() + refused, calls.len(), "{:?}", deadlines);
    }
}

/// The permit that leaves next, with those who leave under it.
fn next_send(desk: &mut Desk) -> Option<(PermitId, Vec<Ticket>)> {
    while let Some(action) = desk.scheduler.poll_action() {
        if let Action::Send { permit, tickets, .. } = action {
            return Some((permit.id(), tickets));
        }
    }
    None
}

#[test]
fn whoever_gathers_when_the_day_is_spent_is_told_so() {
    let mut desk = Desk::new(Counting::Exact, Tier::Professional, 1);
    let now = Now { mono: desk.now, wall: desk.epoch };
    let joined = || Submission { join: Some(join(0, None, false)), ..call(Lane::Interactive) };
    let tickets: Vec<Ticket> = (0..4).map(|_| desk.scheduler.handle_submit(joined(), now).unwrap()).collect();
    let (permit, first) = next_send(&mut desk).expect("an idle key sends at once");
    assert_eq!(first, [tickets[0]]);
    let body = r#"{"status":"error","errorType":"RATE_LIMIT","policyName":"DAILY","message":"spent"}"#;
    let spent = Answer { status: 429, headers: HeaderMap::new(), body: Bytes::from_static(body.as_bytes()) };
    desk.scheduler.handle_outcome(permit, Outcome::Answered(spent), now);
    let mut ended = BTreeSet::new();
    while let Some(action) = desk.scheduler.poll_action() {
        assert!(!matches!(action, Action::Send { .. }), "nothing leaves on a spent day");
        if let Action::Finish { ticket, end } = action {
            assert!(matches!(end, End::Parked { .. }), "{end:?}");
            ended.insert(ticket);
        }
    }
    assert_eq!(ended.into_iter().collect::<Vec<_>>(), tickets);
    assert!(desk.scheduler.is_idle());
}

#[test]
fn a_door_that_closes_lets_nothing_more_leave() {
    let mut desk = Desk::new(Counting::Exact, Tier::Professional, 1);
    let now = Now { mono: desk.now, wall: desk.epoch };
    let write = || Submission { join: Some(join(0, Some(1), true)), ..call(Lane::Interactive) };
    let first = desk.scheduler.handle_submit(write(), now).unwrap();
    let (permit, _) = next_send(&mut desk).expect("it leaves");
    let waits = desk.scheduler.handle_submit(write(), now).unwrap();
    // The first is to be tried again; its record is still taken.
    let cause = Cause { kind: CauseKind::Closed, detail: String::new() };
    desk.scheduler.handle_outcome(permit, Outcome::Lost(cause), now);
    desk.scheduler.handle_shutdown(now);
    let mut ended = BTreeSet::new();
    while let Some(action) = desk.scheduler.poll_action() {
        assert!(!matches!(action, Action::Send { .. }), "{action:?}");
        if let Action::Finish { ticket, end } = action {
            assert!(matches!(end, End::Shutdown) && ended.insert(ticket), "{ticket:?}: {end:?}");
        }
    }
    assert_eq!(ended, BTreeSet::from([first, waits]));
    assert!(desk.scheduler.is_idle());
}

#[test]
fn a_batch_that_nobody_wants_any_more_frees_its_permit_and_its_records() {
    let mut desk = Desk::new(Counting::Exact, Tier::Professional, 1);
    let now = Now { mono: desk.now, wall: desk.epoch };
    let write = || Submission { join: Some(join(0, Some(1), true)), ..call(Lane::Interactive) };
    let left = desk.scheduler.handle_submit(write(), now).unwrap();
    let (permit, _) = next_send(&mut desk).expect("it leaves");
    desk.scheduler.handle_withdrawn(permit, now);
    let ended = desk.scheduler.poll_action();
    assert!(matches!(ended, Some(Action::Finish { ticket, end: End::Cancelled }) if ticket == left), "{ended:?}");
    let again = desk.scheduler.handle_submit(write(), now).unwrap();
    assert_eq!(next_send(&mut desk).map(|(_, tickets)| tickets), Some(vec![again]), "the record is free");
}
