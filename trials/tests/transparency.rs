//! HubSpot's own clients, every call of theirs made twice: directly, and through the gateway. Both answers are the same.

use linchpin_trials::clients::{Client, Platform};
use linchpin_trials::figure;
use linchpin_trials::transparency::twins::Twins;

const NODE: Client = Client { name: "node", platform: Platform::Node };
const PYTHON: Client = Client { name: "python", platform: Platform::Python };
const PYTHON_SDK: Client = Client { name: "python-sdk", platform: Platform::Python };

/// Calls that a program's faults strike: those are no words of HubSpot's.
const STRUCK_MAX: usize = 24;

#[test]
fn the_node_clients_calls_are_answered_alike_alone() {
    judge(NODE, false);
}

#[test]
fn the_node_clients_calls_are_answered_alike_in_a_crowd() {
    judge(NODE, true);
}

#[test]
fn the_python_clients_calls_are_answered_alike_alone() {
    judge(PYTHON, false);
}

#[test]
fn the_python_clients_calls_are_answered_alike_in_a_crowd() {
    judge(PYTHON, true);
}

#[test]
fn the_python_sdks_calls_are_answered_alike_alone() {
    judge(PYTHON_SDK, false);
}

#[test]
fn the_python_sdks_calls_are_answered_alike_in_a_crowd() {
    judge(PYTHON_SDK, true);
}

fn judge(client: Client, crowded: bool) {
    let twins = Twins::start(crowded);
    let report = client.run_at(twins.base(), None);
    let judged = twins.judged();
    let name = format!("{}, {}", client.name, if crowded { "among 64" } else { "alone" });
    figure(&format!("{name}: calls compared"), judged.compared);
    figure(&format!("{name}: struck by a fault of the program's, not compared"), judged.struck);
    figure(&format!("{name}: met a limit directly, not compared"), judged.limited);
    figure(&format!("{name}: of other credentials, not compared"), judged.strangers);
    figure(&format!("{name}: together with others, the crowd included"), judged.together);
    figure(&format!("{name}: ids that are others there"), judged.renamed);
    assert!(judged.differences.is_empty(), "answers differ:\n{}", judged.differences.join("\n\n"));
    report.demand_all();
    assert!(judged.compared > report.planned, "each check makes a call: {judged:?}");
    assert!(judged.struck <= STRUCK_MAX, "{judged:?}");
    assert!(!crowded || judged.together > judged.compared as u64, "the crowd did not gather: {judged:?}");
}
