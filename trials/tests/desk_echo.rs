//! A second side that writes back what it hears, over seeds: writes stay bounded by changes, and both sides end equal.
//! Without receipts they do not.

use linchpin_trials::two_sides::{Ended, Plan, Side, run};
use linchpin_trials::{figure, parameters::parameter};

/// Writes for each change by a person, at most: one to bring it over, and one for each that crossed another.
const WRITES_PER_EDIT_MAX: u64 = 2;

fn is_bounded(ended: &Ended) -> bool {
    ended.rests && ended.writes <= WRITES_PER_EDIT_MAX * ended.edits
}

#[test]
fn writes_are_bounded_by_changes_and_both_sides_end_equal() {
    let (first, seeds) = (parameter("SEED", 0_u64), parameter("SEEDS", 300_u64));
    let (mut all, mut failures, mut most) = (Ended::default(), Vec::new(), 0);
    for seed in first..first + seeds {
        let plan = Plan::of(seed, true);
        let ended = run(plan.clone());
        if !is_bounded(&ended) || !ended.equal {
            println!(
                "seed {seed}: {ended:?}\n  {plan:?}\n  repeat: LINCHPIN_TRIAL_SEED={seed} LINCHPIN_TRIAL_SEEDS=1 cargo \
                 test --release --workspace --test desk_echo -- --nocapture"
            );
            failures.push(seed);
        }
        most = most.max(ended.writes * 100 / ended.edits.max(1));
        all.edits += ended.edits;
        all.writes += ended.writes;
        all.changes += ended.changes;
        all.heard += ended.heard;
        all.lost += ended.lost;
    }
    figure("seeds", seeds);
    figure("failing seeds", failures.len());
    figure("changes by people", all.edits);
    figure("writes", all.writes);
    figure("writes for 100 changes, in the worst run", most);
    figure("writes that changed something", all.changes);
    figure("events heard", all.heard);
    figure("answers lost", all.lost);
    assert_eq!(failures, Vec::<u64>::new(), "seeds that fail");
    assert!(all.heard < all.edits && all.lost > 0, "nothing went wrong: {all:?}");
}

/// The same without receipts: what is proven above is no property of the model.
#[test]
fn without_receipts_writes_are_not_bounded() {
    let plans = (0..parameter("CONTROL", 100_u64)).map(|seed| Plan::of(seed, false));
    let naive: Vec<Ended> = plans.filter(|plan| plan.side == Side::Naive).map(run).collect();
    let unbounded = naive.iter().filter(|ended| !is_bounded(ended)).count();
    figure("runs without receipts", naive.len());
    figure("of these, those without bound or rest", unbounded);
    assert!(unbounded * 2 > naive.len(), "{unbounded} of {}", naive.len());
}

#[test]
fn the_same_seed_is_the_same_run() {
    let twice = [7, 7].map(|seed| format!("{:?}", run(Plan::of(seed, true))));
    assert_eq!(twice[0], twice[1]);
}
