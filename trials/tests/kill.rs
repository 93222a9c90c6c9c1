//! kill -9 at random moments of a sync, with lost answers mixed in, each followed by a resume.
//!
//! How many calls may be repeated: let `needed` be the write calls of a first sync when nothing goes wrong, `lost` the
//! writes whose answers the simulator lost, `wire` the writes on the wire at a kill by the simulator's clock, and a
//! checkpoint the answers that are written down as one. A lost answer costs at most one repeat; a kill costs at most a
//! repeat of what was on the wire and of one checkpoint. So `writes <= needed + lost + sum(wire + checkpoint)`.

#![expect(clippy::disallowed_methods, reason = "a trial of real processes measures real time")]

use std::time::{Duration, Instant};

use linchpin_engine::sync::CHECKPOINT_BATCHES_MAX;
use linchpin_trials::parameters::parameter;
use linchpin_trials::shop::{Holdings, Shop};
use linchpin_trials::simulator::Simulator;
use linchpin_trials::workplace::Workplace;
use linchpin_trials::{binary, figure};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

/// Until the next kill or the end of one attempt.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(600);
/// The share of answers that are lost after the write.
const LOST_SHARE: f64 = 0.02;

#[test]
fn a_sync_that_is_killed_again_and_again_ends_complete_without_duplicates_or_refused_calls() {
    let rows: u32 = parameter("ROWS", 20_000);
    let kills: u32 = parameter("KILLS", 3);
    let seed: u64 = parameter("SEED", 1);
    println!("seed {seed}");
    let shop = Shop::with_rows(rows);
    let needed = u64::from(shop.calls_needed());
    let simulator = Simulator::start(&["--tier", "professional", "--latency-ms", "100", "--seed", &seed.to_string()]);
    simulator.lose_answers(LOST_SHARE);
    let place = Workplace::new();
    shop.write(&place.path("shop.sqlite"));
    place.write_config(&Shop::config(simulator.base()));

    let started = Instant::now();
    let killed: Vec<Killed> =
        moments(seed, kills, needed).into_iter().filter_map(|moment| kill_at(&place, &simulator, moment)).collect();
    place.sync(ATTEMPT_LIMIT).with_code(0);
    let took = started.elapsed();

    let ledger = simulator.ledger();
    let count = |number: usize| u64::try_from(number).expect("a count");
    let (writes, lost) = (count(ledger.writes().count()), count(ledger.lost_writes()));
    let on_the_wire: Vec<usize> = killed.iter().map(|kill| ledger.writes_in_flight(kill.from, kill.to)).collect();
    let repeatable: usize = on_the_wire.iter().map(|wire| wire + CHECKPOINT_BATCHES_MAX).sum();
    let allowed = needed + lost + count(repeatable);
    figure("rows", shop.rows());
    figure("kills", killed.len());
    figure("write calls needed", needed);
    figure("write calls made", writes);
    figure("write calls allowed", allowed);
    figure("answers lost after the write", lost);
    figure("writes on the wire at the kills", format!("{on_the_wire:?}"));
    figure("write calls repeated", writes.saturating_sub(needed));
    figure("busiest ten seconds, calls", ledger.busiest_ten_seconds());
    figure("calls answered 429", simulator.rate_limited());
    figure("seconds", took.as_secs());

    assert_eq!(Holdings::of(&simulator).differences(&shop.wanted()), Vec::<String>::new());
    assert_eq!(simulator.rate_limited(), 0);
    assert!(writes >= needed, "{writes} writes cannot have been enough: {:#?}", ledger.writes_by_route());
    assert!(writes <= allowed, "{writes} writes, {allowed} allowed: {:#?}", ledger.writes_by_route());
    assert_eq!(killed.len(), kills as usize, "a sync ended before its kill");
    let plan = place.plan().with_code(0);
    assert_eq!(plan.value("/empty"), true, "{}", plan.out);
}

/// The kills as numbers of write calls that have been seen, ascending: 0 is while the plan is made.
fn moments(seed: u64, kills: u32, needed: u64) -> Vec<u64> {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let mut moments: Vec<u64> = (0..kills).map(|_| dice.next_u64() % (needed * 9 / 10)).collect();
    moments.sort_unstable();
    moments
}

/// A kill happened between these two moments of the simulator's clock.
struct Killed {
    from: i64,
    to: i64,
}

/// Starts a sync and kills it when the simulator has seen so many writes; none if it had ended before.
fn kill_at(place: &Workplace, simulator: &Simulator, writes: u64) -> Option<Killed> {
    let requests = simulator.requests();
    let mut sync = place.start(&["sync", "--yes"]);
    let mut ended = false;
    let came = binary::until(ATTEMPT_LIMIT, || {
        ended = sync.has_ended();
        // At least one call of this attempt, so that a second kill at the same moment finds something to kill.
        ended || (simulator.writes() >= writes && simulator.requests() > requests)
    });
    assert!(came, "no progress to {writes} writes; out: {}; err: {}", sync.out(), sync.err());
    if ended {
        assert!(simulator.writes() >= writes, "it gave up; out: {}; err: {}", sync.out(), sync.err());
        return None;
    }
    let from = simulator.now();
    sync.kill();
    Some(Killed { from, to: simulator.now() })
}
