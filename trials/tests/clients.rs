//! HubSpot's own clients and other people's connectors, unmodified and pinned, against the simulator.
//!
//! Each program below `trials/clients/` does what an application does with its client and checks every answer.

use linchpin_trials::clients::{Client, Platform};
use linchpin_trials::figure;
use linchpin_trials::simulator::Simulator;
use serde_json::json;

// Search that lags is tested elsewhere; here it would only be waited for. Most clients do not wait for a limit that they
// meet, so there is room for every call of a program on a fast machine.
const FLAGS: [&str; 5] = ["--tier", "professional", "--limit-increase", "--index-lag", "off"];
/// The app that HubSpot's own clients install, as an account's administrator would.
const APP: [&str; 2] = ["--oauth-app", "client-1:secret-1"];

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

#[test]
fn the_mcp_server_works() {
    all_checks_pass(Client { name: "mcp-server", platform: Platform::Node });
}

#[test]
fn airbytes_source_reads_a_whole_account() {
    all_checks_pass_behind_tls(Client { name: "airbyte", platform: Platform::Python311 });
}

#[test]
fn singers_tap_reads_a_whole_account() {
    all_checks_pass_behind_tls(Client { name: "singer", platform: Platform::Python });
}

#[test]
fn meltanos_tap_reads_a_whole_account() {
    all_checks_pass_behind_tls(Client { name: "meltano", platform: Platform::Python });
}

/// The account of HubSpot's own clients has owners from the beginning.
fn all_checks_pass(client: Client) {
    let simulator = Simulator::start(&[&FLAGS[..], &APP[..]].concat());
    simulator.seed(&json!({"owners": 3}));
    judge(client, &simulator);
}

/// These have a fixed host, and fill the account themselves.
fn all_checks_pass_behind_tls(client: Client) {
    judge(client, &Simulator::start_with_tls(&FLAGS));
}

fn judge(client: Client, simulator: &Simulator) {
    let report = client.run(simulator);
    figure(&format!("{}: checks", client.name), report.planned);
    figure(&format!("{}: calls", client.name), simulator.requests());
    report.demand_all();
}
