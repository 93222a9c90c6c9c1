//! `linchpin serve`: a HubSpot for other programs, until it is stopped.

use std::net::SocketAddr;
use std::sync::Arc;

use linchpin_server::listen::Listening;
use linchpin_server::workers::Workers;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::args::ServeArgs;
use crate::config::Config;
use crate::console::{self, Console};
use crate::failure::{Code, Exit, Failure};
use crate::stop;
use crate::wiring::{self, Doors};
use crate::{WORKER_STACK_BYTES, processors};

/// Threads that serve connections: as many as the machine has processors, but no more than this. Each opens connections to HubSpot of its own, and the first call on one waits for a
/// TLS handshake: more threads than passing calls on keeps busy would only cost time.
const WORKERS_MAX: usize = 4;

#[derive(Serialize)]
struct Outcome {
    ok: bool,
    url: String,
    portal: u64,
    callers: Vec<String>,
}

/// Serves.
pub(crate) async fn run(args: &ServeArgs, console: &mut Console) -> Result<Exit, Failure> {
    let doors = Doors::default();
    let workers = Workers::start(processors().min(WORKERS_MAX), WORKER_STACK_BYTES)
        .map_err(|error| Failure::internal("cannot start the threads that serve connections", &error))?;
    let ended = serve(args, console, &doors, &workers).await;
    // What they have on its way is waited for before they end.
    doors.close().await;
    drop(workers);
    ended
}

async fn serve(args: &ServeArgs, console: &mut Console, doors: &Doors, workers: &Workers) -> Result<Exit, Failure> {
    let config = Config::load(&args.config)?;
    let address = args.listen.unwrap_or(config.gateway().listen);
    // The port first: nothing is asked of HubSpot for a server that cannot listen.
    let listening = Listening::on(address).map_err(|error| unheard(address, &error))?;
    if !address.ip().is_loopback() {
        console::note(
            "other machines can reach this address, and keys travel in the open: put an https proxy before it",
        );
    }
    let opened = stop::droppable(wiring::open_face(&config, doors), "run `linchpin serve` again").await?;
    let face = Arc::new(opened?);
    let url = format!("http://{}", listening.addr);
    console.say(format!("Portal {}. Set the base URL of your HubSpot client to {url}.", face.install.portal.0));
    if face.gateway.is_shadow() {
        console.say(
            "Shadow mode: every call passes through as it came. `linchpin audit usage` shows what would be saved.",
        );
    }
    // Other programs wait for this line, with --json too.
    console.line(&format!("listening on {url}"));
    if console.is_json() {
        let callers = config.gateway().callers.keys().cloned().collect();
        console.result(&Outcome { ok: true, url, portal: face.install.portal.0, callers });
    }
    let stopping = CancellationToken::new();
    let served = listening.serve(face, workers, stopping.clone());
    stop::interruptible(served, &stopping, "run `linchpin serve` again").await?;
    Ok(Exit::Done)
}

fn unheard(address: SocketAddr, error: &std::io::Error) -> Failure {
    Failure::new(
        Code::Listen,
        format!("cannot listen on {address}: {error}"),
        "stop the program that uses the port, or take another: --listen 127.0.0.1:0 picks a free one",
    )
}
