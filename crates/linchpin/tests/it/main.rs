//! The facade against a simulator, over real sockets.

mod calls;
mod settings;
mod sync;

use linchpin::{Builder, Linchpin, Tier};
use linchpin_simulator::model::{IndexLag, PortalOptions};
use linchpin_simulator::{PORTAL_ID_DEFAULT, Running, SimOptions, Simulator, TokenSpec};

const TOKEN: &str = "pat-na1-facade";
const APP: u64 = 7;

/// A simulator whose search does not lag.
async fn simulator() -> Running {
    let portal = PortalOptions { index_lag: IndexLag::Off, ..PortalOptions::new(PORTAL_ID_DEFAULT) };
    let options = SimOptions { portal, tokens: vec![TokenSpec::new(TOKEN, APP)], ..SimOptions::default() };
    Simulator::start(&options, ([127, 0, 0, 1], 0).into()).await.expect("a simulator")
}

fn towards(simulator: &Running) -> Builder {
    Linchpin::builder().token(TOKEN.to_owned()).base_url(simulator.url()).tier(Tier::Professional)
}

/// One number of the simulator's statistics.
async fn stat(simulator: &Running, name: &str) -> u64 {
    let request = http::Request::get("/_control/stats").body(bytes::Bytes::new()).expect("a request");
    let answer = simulator.desk.call(request).await.expect("an answer");
    let stats: serde_json::Value = serde_json::from_slice(answer.body()).expect("JSON");
    stats.get(name).and_then(serde_json::Value::as_u64).expect("a number by that name")
}
