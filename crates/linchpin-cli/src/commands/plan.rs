//! `linchpin plan`: what a sync would do, and what it would cost.

use linchpin::{Plan, Planned, Run};
use serde::Serialize;

use super::plan_view;
use crate::args::PlanArgs;
use crate::config::Config;
use crate::console::Console;
use crate::failure::{Exit, Failure};
use crate::progress::Progress;
use crate::stop;
use crate::wiring::{Doors, Session};

/// A plan as `--json` prints it.
#[derive(Serialize)]
pub(crate) struct Outcome<'a> {
    ok: bool,
    run: String,
    empty: bool,
    #[serde(flatten)]
    plan: &'a Plan,
    /// What the guard would say.
    guarded: Option<String>,
}

/// Makes a plan and shows it. Writes nothing to HubSpot.
pub(crate) async fn run(args: &PlanArgs, console: &mut Console) -> Result<Exit, Failure> {
    let doors = Doors::default();
    let ended = stop::droppable(plan(args, console, &doors), "run `linchpin plan` again; nothing was changed").await;
    doors.close().await;
    ended?
}

async fn plan(args: &PlanArgs, console: &mut Console, doors: &Doors) -> Result<Exit, Failure> {
    let config = Config::load(&args.config)?;
    let session = Session::open(&config, None, doors).await?;
    if let Some(open) = session.account.unfinished().await? {
        console.say(format!(
            "Run {} was interrupted; `linchpin sync{flag}` goes on with it first, `linchpin sync{flag} --abandon` gives it \
             up. This plan starts from what it has done so far.\n",
            open.id,
            flag = config.flag()
        ));
    }
    let progress = Progress::new();
    let planned = session.plan(&progress).await;
    progress.done();
    show(&planned?, &config, console);
    Ok(Exit::Done)
}

/// Shows a plan and how to apply exactly it.
fn show(planned: &Planned, config: &Config, console: &mut Console) {
    let Planned { run, plan } = planned;
    let guarded = plan_view::guarded(plan, config.guard());
    console.say(plan_view::render(plan));
    if let Some(said) = &guarded {
        console.say(format!("The guard will stop this: {said}. `linchpin sync --force` overrides it."));
    }
    if !plan.is_empty() {
        console.say(format!(
            "This is plan {}. `linchpin sync{} --plan {}` applies exactly it.",
            run,
            config.flag(),
            run
        ));
    }
    console.result(&Outcome { ok: true, run: run.to_string(), empty: plan.is_empty(), plan, guarded });
}

/// The plan of a run that is sealed.
pub(crate) fn planned(run: Run) -> Result<Planned, Failure> {
    let id = run.id.to_string();
    Planned::of(run)
        .ok_or_else(|| Failure::internal("the store has a run without its plan", &std::io::Error::other(id)))
}
