//! The gateway under random load, faults, lost answers and callers that leave: seeds by the thousand.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use linchpin_trials::soak::{Counts, Plan, run};
use linchpin_trials::{figure, parameters::parameter};

/// Failing seeds that are told before the rest is left alone.
const FAILURES_MAX: usize = 5;

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_the_invariants_hold() {
    let (first, seeds) = (parameter("SEED", 0_u64), parameter("SEEDS", 30_u64));
    let (mut counts, mut failures) = (Counts::default(), Vec::new());
    for seed in first..first + seeds {
        let plan = Plan::of(seed);
        let ended = AssertUnwindSafe(run(&plan, &mut counts)).catch_unwind().await;
        let ended = ended.unwrap_or_else(|_| Err("it panicked".to_owned()));
        if let Err(why) = ended {
            println!(
                "seed {seed}: {why}\n  {plan:?}\n  repeat: LINCHPIN_TRIAL_SEED={seed} LINCHPIN_TRIAL_SEEDS=1 cargo test \
                 --release --workspace --test desk_gateway_soak -- --nocapture"
            );
            failures.push(seed);
        }
        if failures.len() >= FAILURES_MAX {
            break;
        }
    }
    figure("seeds", seeds);
    figure("failing seeds", failures.len());
    figure("calls asked for", counts.asked);
    figure("calls that reached HubSpot", counts.calls);
    figure("answers compared with the reference or the state", counts.compared);
    figure("callers that left", counts.left);
    figure("calls without an answer, by code", format!("{:?}", counts.failed));
    figure("answers lost after the write", counts.lost);
    figure("records made", counts.made);
    figure("slowest call to the account beside, ms", counts.slowest_beside_ms);
    assert_eq!(failures, Vec::<u64>::new(), "seeds that fail");
    assert!(counts.lost > 0 && counts.left > 0 && counts.made > 0, "nothing went wrong: {counts:?}");
}
