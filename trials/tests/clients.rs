//! HubSpot's own clients, unmodified and pinned, against the simulator.
//!
//! Each program below `trials/clients/` does what an application does with its client and checks every answer.

use linchpin_trials::clients::{Client, Platform};
use linchpin_trials::figure;
use linchpin_trials::simulator::Simulator;
use serde_json::json;

#[test]
fn the_node_client_works() {
    all_checks_pass(Client { name: "node", platform: Platform::Node });
}

#[test]
fn the_python_client_works() {
    all_checks_pass(Client { name: "python", platform: Platform::Python });
}

#[test]
fn the_python_sdk_of_the_dated_paths_works() {
    all_checks_pass(Client { name: "python-sdk", platform: Platform::Python });
}

fn all_checks_pass(client: Client) {
    // Search that lags is tested elsewhere; here it would only be waited for. Most clients do not wait for a limit that
    // they meet, so there is room for every call of a program on a fast machine.
    let simulator = Simulator::start(&["--tier", "professional", "--limit-increase", "--index-lag", "off"]);
    simulator.seed(&json!({"owners": 3}));
    let report = client.run(&simulator);
    figure(&format!("{}: checks", client.name), report.planned);
    figure(&format!("{}: calls", client.name), simulator.requests());
    report.demand_all();
}
