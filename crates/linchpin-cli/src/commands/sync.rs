//! `linchpin sync`: goes on with an interrupted run, plans, shows, asks, applies exactly the plan.

use std::io::{self, BufRead};
use std::time::Duration;

use linchpin::{Planned, RunId, RunState};
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
use crate::wiring::{Applied, Doors, Session};

/// Rejected rows that are shown at the end; `linchpin rejected` lists them all.
const REJECTED_SHOWN: usize = 10;

/// A sync as `--json` prints it.
#[derive(Default, Serialize)]
struct Outcome {
    ok: bool,
    dry_run: bool,
    /// The interrupted run that was given up.
    abandoned: Option<String>,
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
    let doors = Doors::default();
    let work = Box::pin(sync(args, &config, &stop, &doors, console));
    // A second Ctrl-C has been promised to stop at once: then nothing is waited for any more.
    let ended = stop::interruptible(work, &stop, &how_to_go_on).await?;
    doors.close().await;
    ended
}

async fn sync(
    args: &SyncArgs,
    config: &Config,
    stop: &CancellationToken,
    doors: &Doors,
    console: &mut Console,
) -> Result<Exit, Failure> {
    let mut session = Session::open(config, args.sample, doors).await?;
    let mut outcome = Outcome { ok: true, dry_run: args.dry_run, ..Outcome::default() };
    if args.abandon {
        outcome.abandoned = Syncing { args, config, session: &session, stop, console }.abandon().await?;
    } else if !args.dry_run {
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
        self.apply(run.id).await.map(Some)
    }

    /// Gives up a run that was interrupted, if there is one.
    async fn abandon(&mut self) -> Result<Option<String>, Failure> {
        let Some(run) = self.session.account.unfinished().await? else {
            self.console.say("No run was interrupted: there is nothing to abandon.");
            return Ok(None);
        };
        let progress = Progress::new();
        let abandoned = tokio::select! {
            abandoned = self.session.abandon(run.id, &progress) => abandoned,
            () = self.stop.cancelled() => Err(stop::interrupted("run it again; the run is still there")),
        };
        progress.done();
        abandoned?;
        self.console.say(format!(
            "Gave up run {}, which was interrupted: what it did stays, the rest is planned anew.",
            run.id
        ));
        Ok(Some(run.id.to_string()))
    }

    /// Plans (or takes the named plan), shows it, and applies it unless somebody or something objects.
    async fn plan_and_apply(&mut self) -> Result<Option<RunOutcome>, Failure> {
        let Planned { run, plan } = match &self.args.plan {
            Some(name) => self.named(name).await?,
            None => self.plan().await?,
        };
        self.console.say(plan_view::render(&plan));
        if let Some(said) = plan_view::guarded(&plan, self.config.guard()).filter(|_| !self.args.force) {
            return Err(guard(&said));
        }
        if self.args.dry_run {
            self.console.say(format!("Nothing was applied: --dry-run. This is plan {run}."));
            return Ok(None);
        }
        if !plan.is_empty() && !self.agreed().await? {
            self.console.say(format!(
                "Nothing was applied. `linchpin sync{} --plan {}` applies this plan later.",
                self.config.flag(),
                run
            ));
            return Ok(None);
        }
        self.apply(run).await.map(Some)
    }

    async fn named(&self, name: &str) -> Result<Planned, Failure> {
        let runs = self.session.account.recent().await?;
        let Some(run) = runs.iter().find(|run| run.id.to_string() == name) else {
            return Err(rejected::unknown(name, &runs));
        };
        match run.state {
            RunState::Planned | RunState::Applying => planned(run.clone()),
            RunState::Planning | RunState::Finished | RunState::Dropped => Err(Failure::of(
                rejected::UNKNOWN_RUN,
                Exit::Usage,
                format!("plan {name} cannot be applied: it is {:?}", run.state).to_lowercase(),
                "make a new plan with `linchpin plan`",
            )),
        }
    }

    async fn plan(&self) -> Result<Planned, Failure> {
        let progress = Progress::new();
        let planned = tokio::select! {
            planned = self.session.plan(&progress) => planned,
            () = self.stop.cancelled() => Err(stop::interrupted("run it again; nothing was changed")),
        };
        progress.done();
        planned
    }

    /// Asks, where somebody can answer and has not already.
    async fn agreed(&mut self) -> Result<bool, Failure> {
        if self.args.yes || self.args.plan.is_some() || !self.console.is_interactive() {
            return Ok(true);
        }
        console::note("Apply this plan? [y/N] ");
        let how_to_go_on = format!("run `linchpin sync{}` again; this plan was not applied", self.config.flag());
        let line = || {
            let mut line = String::new();
            io::stdin().lock().read_line(&mut line).map(|_| line)
        };
        tokio::select! {
            answer = answered(line) => answer,
            () = self.stop.cancelled() => Err(stop::interrupted(&how_to_go_on)),
        }
    }

    async fn apply(&mut self, run: RunId) -> Result<RunOutcome, Failure> {
        let progress = Progress::new();
        let applied = self.session.apply(run, &progress, self.stop).await;
        progress.done();
        let applied = applied?;
        self.console.say(summary(&applied));
        if applied.rejected > 0 {
            self.show_rejected(run, applied.rejected).await?;
        }
        Ok(RunOutcome { run: run.to_string(), applied })
    }

    async fn show_rejected(&mut self, run: RunId, all: u64) -> Result<(), Failure> {
        self.console.say(format!("{} rejected, the rest went through:", counted(all, "row")));
        for row in self.session.account.rejected(run, 0, REJECTED_SHOWN).await? {
            self.console.say(format!("  {}", rejected::line(&row)));
        }
        self.console.say(format!("`linchpin rejected{}` lists them with their content.", self.config.flag()));
        Ok(())
    }
}

/// Whether the line that is read says yes. Reading blocks, so it has a thread of its own: Ctrl-C is heard meanwhile. A
/// thread that still waits for its line does not hold up the end of the program.
#[expect(clippy::disallowed_methods, reason = "a person at a terminal is no part of any simulation")]
pub(super) async fn answered(read: impl FnOnce() -> io::Result<String> + Send + 'static) -> Result<bool, Failure> {
    let line = tokio::task::spawn_blocking(read).await.map_err(io::Error::other).flatten();
    let line =
        line.map_err(|error| Failure::new(Code::Unanswered, format!("cannot read the answer: {error}"), "use --yes"))?;
    Ok(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_yes_is_one() {
        for (line, yes) in [("y\n", true), (" YES \n", true), ("n\n", false), ("", false), ("yesterday\n", false)] {
            assert_eq!(answered(move || Ok(line.to_owned())).await, Ok(yes), "{line:?}");
        }
        let failed = answered(|| Err(io::Error::other("closed"))).await.unwrap_err();
        assert_eq!(failed.code(), Code::Unanswered.as_str());
    }

    #[tokio::test]
    async fn a_stop_is_heard_while_nobody_answers() {
        let (hold, held) = std::sync::mpsc::channel::<String>();
        let stop = CancellationToken::new();
        let nobody = answered(move || held.recv().map_err(io::Error::other));
        let stopped = async {
            stop.cancel();
            stop.cancelled().await;
        };
        tokio::select! {
            biased;
            answer = nobody => panic!("nobody answered, but {answer:?} was heard"),
            () = stopped => {}
        }
        drop(hold);
    }
}
