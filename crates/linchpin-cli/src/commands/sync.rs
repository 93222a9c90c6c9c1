//! `linchpin sync`: goes on with an interrupted run, plans, shows, asks, applies exactly the plan.

use std::io::BufRead;
use std::time::Duration;

use linchpin_core::sync::run::{Run, RunState};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::plan::planned;
use super::{plan_view, rejected};
use crate::args::SyncArgs;
use crate::config::Config;
use crate::console::{self, Console};
use crate::failure::{Code, Exit, Failure};
use crate::number::{count, counted, duration};
use crate::progress::Progress;
use crate::stop;
use crate::wiring::{Applied, Session};

/// Rejected rows that are shown at the end; `linchpin rejected` lists them all.
const REJECTED_SHOWN: usize = 10;

/// A sync as `--json` prints it.
#[derive(Default, Serialize)]
struct Outcome {
    ok: bool,
    dry_run: bool,
    /// The interrupted run that was gone on with.
    resumed: Option<RunOutcome>,
    /// The run that was planned (or named) and applied.
    run: Option<RunOutcome>,
    rejected: u64,
}

/// One run that was applied.
#[derive(Serialize)]
struct RunOutcome {
    run: String,
    #[serde(flatten)]
    applied: Applied,
}

/// Syncs.
pub(crate) async fn run(args: &SyncArgs, console: &mut Console) -> Result<Exit, Failure> {
    let config = Config::load(&args.config)?;
    let how_to_go_on = format!("run `linchpin sync{}` to go on: what was done is remembered", config.flag());
    let stop = CancellationToken::new();
    stop::interruptible(Box::pin(sync(args, &config, &stop, console)), &stop, &how_to_go_on).await?
}

async fn sync(
    args: &SyncArgs,
    config: &Config,
    stop: &CancellationToken,
    console: &mut Console,
) -> Result<Exit, Failure> {
    let mut session = Session::open(config, args.sample).await?;
    let mut outcome = Outcome { ok: true, dry_run: args.dry_run, ..Outcome::default() };
    if !args.dry_run {
        outcome.resumed = Syncing { args, config, session: &session, stop, console }.resume().await?;
    }
    if outcome.resumed.is_some() {
        session.refresh().await?;
    }
    let mut syncing = Syncing { args, config, session: &session, stop, console };
    let resumed_the_named_one =
        outcome.resumed.as_ref().is_some_and(|resumed| args.plan.as_ref() == Some(&resumed.run));
    if !resumed_the_named_one {
        outcome.run = syncing.plan_and_apply().await?;
    }
    outcome.rejected = [&outcome.resumed, &outcome.run].into_iter().flatten().map(|one| one.applied.rejected).sum();
    console.result(&outcome);
    session.account.close().await;
    Ok(Exit::of_rejected(outcome.rejected))
}

struct Syncing<'a> {
    args: &'a SyncArgs,
    config: &'a Config,
    session: &'a Session<'a>,
    stop: &'a CancellationToken,
    console: &'a mut Console,
}

impl Syncing<'_> {
    /// Goes on with a run that was interrupted, if there is one.
    async fn resume(&mut self) -> Result<Option<RunOutcome>, Failure> {
        let Some(run) = self.session.account.unfinished().await? else { return Ok(None) };
        self.console.say(format!("Going on with run {}, which was interrupted.", run.id));
        self.apply(&run).await.map(Some)
    }

    /// Plans (or takes the named plan), shows it, and applies it unless somebody or something objects.
    async fn plan_and_apply(&mut self) -> Result<Option<RunOutcome>, Failure> {
        let run = match &self.args.plan {
            Some(name) => self.named(name).await?,
            None => self.plan().await?,
        };
        let plan = planned(&run)?;
        self.console.say(plan_view::render(plan));
        if let Some(said) = plan_view::guarded(plan, self.config.guard()).filter(|_| !self.args.force) {
            return Err(guard(&said));
        }
        if self.args.dry_run {
            self.console.say(format!("Nothing was applied: --dry-run. This is plan {}.", run.id));
            return Ok(None);
        }
        if !plan.is_empty() && !self.agreed()? {
            self.console.say(format!(
                "Nothing was applied. `linchpin sync{} --plan {}` applies this plan later.",
                self.config.flag(),
                run.id
            ));
            return Ok(None);
        }
        self.apply(&run).await.map(Some)
    }

    async fn named(&self, name: &str) -> Result<Run, Failure> {
        let runs = self.session.account.recent().await?;
        let Some(run) = runs.iter().find(|run| run.id.to_string() == name) else {
            return Err(rejected::unknown(name, &runs));
        };
        match run.state {
            RunState::Planned | RunState::Applying => Ok(run.clone()),
            RunState::Planning | RunState::Finished | RunState::Dropped => Err(Failure::of(
                rejected::UNKNOWN_RUN,
                Exit::Usage,
                format!("plan {name} cannot be applied: it is {:?}", run.state).to_lowercase(),
                "make a new plan with `linchpin plan`",
            )),
        }
    }

    async fn plan(&self) -> Result<Run, Failure> {
        let progress = Progress::new();
        let run = tokio::select! {
            run = self.session.plan(&progress) => run,
            () = self.stop.cancelled() => Err(stop::interrupted("run it again; nothing was changed")),
        };
        progress.done();
        run
    }

    /// Asks, where somebody can answer and has not already.
    fn agreed(&mut self) -> Result<bool, Failure> {
        if self.args.yes || self.args.plan.is_some() || !self.console.is_interactive() {
            return Ok(true);
        }
        console::note("Apply this plan? [y/N] ");
        let mut answer = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut answer)
            .map_err(|error| Failure::new(Code::Unanswered, format!("cannot read the answer: {error}"), "use --yes"))?;
        Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    async fn apply(&mut self, run: &Run) -> Result<RunOutcome, Failure> {
        let progress = Progress::new();
        let applied = self.session.apply(run.id, &progress, self.stop).await;
        progress.done();
        let applied = applied?;
        self.console.say(summary(&applied));
        if applied.rejected > 0 {
            self.show_rejected(run, applied.rejected).await?;
        }
        Ok(RunOutcome { run: run.id.to_string(), applied })
    }

    async fn show_rejected(&mut self, run: &Run, all: u64) -> Result<(), Failure> {
        self.console.say(format!("{} rejected, the rest went through:", counted(all, "row")));
        for row in self.session.account.rejected(run.id, 0, REJECTED_SHOWN).await? {
            self.console.say(format!("  {}", rejected::line(&row)));
        }
        self.console.say(format!("`linchpin rejected{}` lists them with their content.", self.config.flag()));
        Ok(())
    }
}

fn guard(said: &str) -> Failure {
    Failure::new(
        Code::Guard,
        format!("the guard stopped this sync before it changed anything: {said}"),
        "if that is what you want, run it again with --force; else look at what changed in the source, or at the \
         mapping",
    )
}

/// What applying did, in one sentence.
pub(crate) fn summary(applied: &Applied) -> String {
    let mut done = vec![
        format!("{} created", count(applied.created)),
        format!("{} updated", count(applied.updated)),
        format!("{} made", counted(applied.associated, "association")),
    ];
    if applied.dissociated > 0 {
        done.push(format!("{} removed", counted(applied.dissociated, "association")));
    }
    if applied.recovered > 0 {
        done.push(format!("{} found after a lost answer", count(applied.recovered)));
    }
    let time = duration(Duration::from_millis(applied.millis));
    format!("Done in {time} with {}: {}.", counted(applied.calls, "call"), done.join(", "))
}
