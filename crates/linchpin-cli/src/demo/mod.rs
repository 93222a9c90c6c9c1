//! `linchpin demo`: the whole thing on this machine, without an account.
//!
//! A simulated HubSpot on a real socket, with a Professional account's real limits; a made-up database; the same
//! configuration, plan and sync that a real account gets. Every number of the report is counted, none is assumed.

mod changes;
mod database;
mod dice;
mod names;
mod report;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use linchpin::Planned;
use linchpin_simulator::{APP_ID_DEFAULT, Running, SimOptions, Simulator, TokenSpec};
use rusqlite::Connection;
use tokio_util::sync::CancellationToken;

use crate::args::DemoArgs;
use crate::commands::{plan_view, sync};
use crate::config::{Config, Environment};
use crate::console::Console;
use crate::failure::{Code, Exit, Failure};
use crate::number::{count, counted};
use crate::progress::Progress;
use crate::stop;
use crate::wiring::{Applied, Doors, Session};
use report::{Report, Round};

const TEMPLATE: &str = include_str!("linchpin.yaml");
/// Opens the demo's own simulator and nothing else.
const TOKEN: &str = "pat-test-demo";
const DATABASE: &str = "saas.db";
/// As the template names it.
const STORE: &str = "linchpin.db";
const CONFIG: &str = "linchpin.yaml";

/// Shows it.
pub(crate) async fn run(args: &DemoArgs, console: &mut Console) -> Result<Exit, Failure> {
    let stop = CancellationToken::new();
    stop::interruptible(Box::pin(demo(args, &stop, console)), &stop, "run `linchpin demo` again").await?
}

async fn demo(args: &DemoArgs, stop: &CancellationToken, console: &mut Console) -> Result<Exit, Failure> {
    let folder = Folder::make(args.keep.as_deref())?;
    let database = folder.path.join(DATABASE);
    let rows = database::make(&database, args.size, args.seed).map_err(|error| unmade(&database, &error))?;
    console.say(format!(
        "1. A made-up SaaS company: {} rows ({}).",
        count(rows.total()),
        if args.keep.is_some() { format!("{} and its configuration", database.display()) } else { "seeded".to_owned() }
    ));
    let simulator = start(args).await?;
    console.say(format!("2. A simulated HubSpot (Professional, its real limits) at {}.\n", simulator.url()));
    let doors = Doors::default();
    let shown = act(args, &folder, &simulator, (stop, &doors), console).await;
    doors.close().await;
    simulator.stop().await;
    let mut report = shown?;
    report.rows = Some(rows);
    report.folder = args.keep.as_ref().map(|_| folder.path.display().to_string());
    if args.keep.is_some() {
        folder.make_ready()?;
    }
    console.say(report.render());
    console.result(&report);
    Ok(Exit::Done)
}

/// Both syncs, with the changes between them.
async fn act(
    args: &DemoArgs,
    folder: &Folder,
    simulator: &Running,
    (stop, doors): (&CancellationToken, &Doors),
    console: &mut Console,
) -> Result<Report, Failure> {
    let path = folder.path.join(CONFIG);
    write_config(&path, &simulator.url())?;
    let config = Config::load_with(&path, &[], Environment::default())?;
    let mut session = Session::open(&config, None, doors).await?;
    console.say("3. What a sync would do (`linchpin plan`):");
    let first = round(&session, stop, console).await?;

    let database = folder.path.join(DATABASE);
    let mut connection = Connection::open(&database).map_err(|error| unmade(&database, &error))?;
    let changes = changes::make(&mut connection).map_err(|error| unmade(&database, &error))?;
    drop(connection);
    console.say("\n4. Some time passes in the database:");
    for change in &changes {
        console.say(format!("   {} {}", count(change.rows), change.what));
    }
    console.say("\n5. The next sync sends what changed, and nothing else:");
    session.refresh().await?;
    let second = round(&session, stop, console).await?;

    session.refresh().await?;
    let third = plan(&session, stop).await?;
    let in_step = third.plan.is_empty();
    let rejected = session.account.rejected(second.run, 0, report::REJECTED_MAX).await?;
    let stats = simulator_stats(simulator).await?;
    Ok(Report::new(args, vec![first, second], changes, in_step, &rejected, stats))
}

/// Plans, shows the plan, applies it.
async fn round(session: &Session<'_>, stop: &CancellationToken, console: &mut Console) -> Result<Round, Failure> {
    let Planned { run, plan } = plan(session, stop).await?;
    console.say(plan_view::render(&plan));
    let progress = Progress::new();
    let applied = session.apply(run, &progress, stop).await;
    progress.done();
    let applied: Applied = applied?;
    console.say(format!("   {}", sync::summary(&applied)));
    Ok(Round { run, one_by_one: plan.cost.one_by_one, planned_writes: plan.cost.write_calls, applied })
}

async fn plan(session: &Session<'_>, stop: &CancellationToken) -> Result<Planned, Failure> {
    let progress = Progress::new();
    let planned = tokio::select! {
        planned = session.plan(&progress) => planned,
        () = stop.cancelled() => Err(stop::interrupted("run `linchpin demo` again")),
    };
    progress.done();
    planned
}

async fn start(args: &DemoArgs) -> Result<Running, Failure> {
    let tokens = vec![TokenSpec::new(TOKEN, APP_ID_DEFAULT)];
    let options = SimOptions { seed: args.seed, tokens, ..SimOptions::default() };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Simulator::start(&options, address).await.map_err(|error| {
        Failure::new(Code::Listen, crate::failure::chain(&error), "allow this program to listen on 127.0.0.1")
    })
}

/// Asks the simulator what it counted, as any program would.
async fn simulator_stats(simulator: &Running) -> Result<report::Stats, Failure> {
    let request = http::Request::get("/_control/stats")
        .body(bytes::Bytes::new())
        .map_err(|error| Failure::internal("the request for the simulator's counts cannot be made", &error))?;
    let answer = simulator.desk.call(request).await.map_err(|error| {
        Failure::internal("the simulator does not tell its counts", &std::io::Error::other(format!("{error:?}")))
    })?;
    serde_json::from_slice(answer.body())
        .map_err(|error| Failure::internal("the simulator's counts cannot be read", &error))
}

fn write_config(path: &Path, base_url: &str) -> Result<(), Failure> {
    let text = TEMPLATE.replace("@TOKEN@", TOKEN).replace("@BASE_URL@", base_url);
    std::fs::write(path, text).map_err(|error| unwritten(path, &error))
}

/// Where the demo lives: a folder that is taken away at the end, or one to keep.
struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    fn make(keep: Option<&Path>) -> Result<Self, Failure> {
        let path = match keep {
            Some(path) => path.to_owned(),
            None => std::env::temp_dir().join(format!("linchpin-demo-{}", std::process::id())),
        };
        std::fs::create_dir_all(&path).map_err(|error| unwritten(&path, &error))?;
        let mut entries = std::fs::read_dir(&path).map_err(|error| unwritten(&path, &error))?;
        if entries.next().is_some() {
            return Err(Failure::new(
                Code::Write,
                format!("the folder {} is not empty", path.display()),
                "name a folder that is empty or does not exist yet, or empty it",
            ));
        }
        Ok(Self { path, temporary: keep.is_none() })
    }
}

impl Folder {
    /// Leaves the folder as a user would want to find it: the configuration points to a simulator that can be started,
    /// and the store, which remembers records of one that is gone, is away.
    fn make_ready(&self) -> Result<(), Failure> {
        write_config(&self.path.join(CONFIG), &format!("http://127.0.0.1:{}", crate::args::SIM_PORT))?;
        let entries = std::fs::read_dir(&self.path).map_err(|error| unwritten(&self.path, &error))?;
        for entry in entries {
            let path = entry.map_err(|error| unwritten(&self.path, &error))?.path();
            let of_the_store =
                path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(STORE));
            if of_the_store {
                std::fs::remove_file(&path).map_err(|error| unwritten(&path, &error))?;
            }
        }
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            tracing::debug!(%error, "the demo's folder stays behind");
        }
    }
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        Code::Write,
        format!("cannot write {}: {error}", path.display()),
        "choose a folder that this user may write to, with --keep FOLDER",
    )
}

fn unmade(path: &Path, error: &rusqlite::Error) -> Failure {
    Failure::new(
        Code::Write,
        format!("cannot make the database {}: {error}", path.display()),
        format!("make room for {}, or choose another folder with --keep", counted(100, "megabyte")),
    )
}
