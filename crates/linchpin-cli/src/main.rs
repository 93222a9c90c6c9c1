//! The binary `linchpin`: reads the command line and the configuration, wires the parts together, runs one command.
//!
//! What it is not: it decides nothing about HubSpot or about syncing; it asks, shows and reports.
//! Standard output carries results, standard error carries progress, logs and failures.
//! The exit code says how it ended; see [`failure::Exit`].

mod args;
mod commands;
mod config;
mod console;
mod demo;
mod failure;
mod logging;
mod number;
mod progress;
mod stop;
mod wiring;

use std::num::NonZero;
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};
use crate::console::Console;
use crate::failure::{Exit, Failure};

/// A call through the gateway takes and gives back some hundred small pieces of memory: glibc's own allocator spends a
/// sixth of the gateway's time on that (`cargo xtask bench --only gateway-pass` measures the whole).
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Large enough for async work: compiled expressions recurse.
const WORKER_STACK_BYTES: usize = 8 * 1024 * 1024;

/// The async workers of all but the connections of `linchpin serve`, which have threads of their own: half as many as the
/// machine has processors (docs/decisions/0013).
fn workers() -> usize {
    processors().div_ceil(2)
}

/// How many processors the machine has for us; one if it does not say.
fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    logging::start(&cli.global);
    let mut console = Console::stdout(cli.global.json);
    match run(cli, &mut console) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            console.failure(&failure);
            failure.exit().into()
        }
    }
}

/// What clap has to say: help and version are results, everything else is wrong usage.
fn usage(error: &clap::Error) -> ExitCode {
    let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
    match error.print() {
        Ok(()) => exit.into(),
        Err(_closed_pipe) => Exit::Failed.into(),
    }
}

fn run(cli: Cli, console: &mut Console) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(workers())
        .thread_stack_size(WORKER_STACK_BYTES)
        .build()
        .map_err(|error| Failure::internal("cannot start the runtime", &error))?;
    let exit = runtime.block_on(dispatch(cli, console));
    // A second Ctrl-C must end the program at once, whatever still runs.
    runtime.shutdown_background();
    exit
}

async fn dispatch(cli: Cli, console: &mut Console) -> Result<Exit, Failure> {
    match cli.command {
        Command::Demo(args) => Box::pin(demo::run(&args, console)).await,
        Command::Init(args) => Box::pin(commands::init::run(&args, console)).await,
        Command::Check(args) => Box::pin(commands::check::run(&args, console)).await,
        Command::Plan(args) => Box::pin(commands::plan::run(&args, console)).await,
        Command::Sync(args) => Box::pin(commands::sync::run(&args, console)).await,
        Command::Rejected(args) => Box::pin(commands::rejected::run(&args, console)).await,
        Command::Sim(args) => Box::pin(commands::sim::run(&args, console)).await,
        Command::Serve(args) => Box::pin(commands::serve::run(&args, console)).await,
        Command::Audit(args) => commands::audit::run(&args, console).await,
        Command::Webhooks(args) => Box::pin(commands::webhooks::run(&args, console)).await,
        Command::Dlq(args) => commands::dlq::run(&args, console).await,
        Command::Listen(args) => Box::pin(commands::listen::run(&args, console)).await,
        Command::Schema(args) => commands::schema::run(&args, console),
        Command::Completions(args) => commands::completions::run(&args, console),
    }
}
