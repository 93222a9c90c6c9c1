//! The simulator's page in a real browser, from the first click to a fault that strikes.
//!
//! The program is `trials/clients/page`; the browser is the machine's Chromium without a window.

use linchpin_trials::clients::{Client, Platform};
use linchpin_trials::figure;
use linchpin_trials::simulator::Simulator;

#[test]
fn the_page_works_in_a_browser() {
    let simulator = Simulator::start(&["--index-lag", "off", "--oauth-app", "client-1:secret-1"]);
    let report = Client { name: "page", platform: Platform::Node }.run(&simulator);
    figure("page: checks", report.planned);
    report.demand_all();
}
