//! `linchpin rejected`: the rows that a run could not sync, with the reasons and what they hold.

use linchpin_core::sync::run::{RejectedRow, Run, RunState};
use serde::Serialize;
use serde_json::Value;

use crate::args::RejectedArgs;
use crate::config::Config;
use crate::console::Console;
use crate::failure::{Exit, Failure};
use crate::number::counted;
use crate::stop;
use crate::wiring::{Account, Doors};

/// The store's own code for it.
pub(crate) const UNKNOWN_RUN: &str = "LP4006";

#[derive(Serialize)]
struct Outcome {
    ok: bool,
    run: Option<String>,
    rows: Vec<Row>,
    more: bool,
}

/// A rejected row as `--json` prints it.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    entry: String,
    key: String,
    code: String,
    property: Option<String>,
    reason: String,
    content: Value,
}

impl From<&RejectedRow> for Row {
    fn from(rejected: &RejectedRow) -> Self {
        Self {
            entry: rejected.row.entry.to_string(),
            key: rejected.row.key.to_string(),
            code: rejected.rejection.code.clone(),
            property: rejected.rejection.property.clone(),
            reason: rejected.rejection.reason.clone(),
            content: serde_json::from_str(&rejected.content)
                .unwrap_or_else(|_| Value::String(rejected.content.clone())),
        }
    }
}

/// Lists the rows.
pub(crate) async fn run(args: &RejectedArgs, console: &mut Console) -> Result<Exit, Failure> {
    let doors = Doors::default();
    let ended =
        stop::droppable(list(args, console, &doors), "run `linchpin rejected` again; nothing was changed").await;
    doors.close().await;
    ended?
}

async fn list(args: &RejectedArgs, console: &mut Console, doors: &Doors) -> Result<Exit, Failure> {
    let config = Config::load(&args.config)?;
    let account = Account::open(&config, doors).await?;
    let runs = account.recent().await?;
    let Some(run) = choose(&runs, args.run.as_deref())? else {
        console.say("No run so far: nothing was rejected.");
        console.result(&Outcome { ok: true, run: None, rows: Vec::new(), more: false });
        return Ok(Exit::Done);
    };
    // One more than is shown tells whether there are more.
    let limit = args.limit as usize;
    let mut rows = account.rejected(run.id, args.skip as usize, limit + 1).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    for row in &rows {
        console.say(line(row));
        console.say(format!("    {}", row.content));
    }
    let of = format!("run {}", run.id);
    if rows.is_empty() {
        console.say(format!("No row was rejected by {of}."));
    } else if more {
        let next = args.skip as usize + limit;
        console.say(format!("More rows were rejected by {of}: go on with --skip {next}."));
    } else {
        console.say(format!(
            "{} rejected by {of}. Correct them in the source (or the mapping) and sync again.",
            counted(rows.len() as u64, "row")
        ));
    }
    let rows = rows.iter().map(Row::from).collect();
    console.result(&Outcome { ok: true, run: Some(run.id.to_string()), rows, more });
    Ok(Exit::Done)
}

/// One rejected row in one line, without its content.
pub(crate) fn line(rejected: &RejectedRow) -> String {
    let property = rejected.rejection.property.as_ref().map(|name| format!(".{name}")).unwrap_or_default();
    let key = if rejected.row.key.0.is_empty() { "(no key)" } else { &rejected.row.key.0 };
    format!("{} {key}{property}: {} [{}]", rejected.row.entry, rejected.rejection.reason, rejected.rejection.code)
}

/// The run that is asked for, or the last one that has a plan.
fn choose<'a>(runs: &'a [Run], asked: Option<&str>) -> Result<Option<&'a Run>, Failure> {
    match asked {
        None => Ok(runs.iter().find(|run| !matches!(run.state, RunState::Planning | RunState::Dropped))),
        Some(name) => runs.iter().find(|run| run.id.to_string() == name).map(Some).ok_or_else(|| unknown(name, runs)),
    }
}

/// The failure for a run that is not there.
pub(crate) fn unknown(name: &str, runs: &[Run]) -> Failure {
    let known: Vec<String> = runs.iter().map(|run| run.id.to_string()).collect();
    let known = if known.is_empty() { "there are none yet".to_owned() } else { known.join(", ") };
    Failure::of(
        UNKNOWN_RUN,
        Exit::Usage,
        format!("there is no run {name}"),
        format!("take one of the last runs ({known}), or make a plan with `linchpin plan`"),
    )
}

#[cfg(test)]
mod tests {
    use linchpin_core::sync::desired::{EntryName, Rejection, RowId, SourceKey};
    use linchpin_core::sync::run::RunId;
    use linchpin_core::time::Wall;

    use super::*;

    fn run(id: u64, state: RunState) -> Run {
        Run { id: RunId(id), state, began: Wall(0), mapping: 0, revision: 0, plan: None }
    }

    #[test]
    fn the_last_run_that_counts_is_taken() {
        let runs = [run(4, RunState::Planning), run(3, RunState::Dropped), run(2, RunState::Finished)];
        assert_eq!(choose(&runs, None).unwrap().map(|run| run.id), Some(RunId(2)));
        assert_eq!(choose(&runs, Some("r3")).unwrap().map(|run| run.id), Some(RunId(3)));
        let failure = choose(&runs, Some("r9")).unwrap_err();
        assert!(failure.render().contains("r4, r3, r2"), "{}", failure.render());
        assert_eq!(choose(&[], None).unwrap(), None);
    }

    #[test]
    fn a_rejected_row_is_one_line() {
        let rejected = RejectedRow {
            row: RowId { entry: EntryName("users".into()), key: SourceKey("49".into()) },
            rejection: Rejection {
                code: "LP1201".into(),
                property: Some("email".into()),
                reason: "\"anna@\" is no e-mail address".into(),
            },
            content: r#"{"id":49}"#.into(),
        };
        assert_eq!(line(&rejected), "users 49.email: \"anna@\" is no e-mail address [LP1201]");
        assert_eq!(Row::from(&rejected).content, serde_json::json!({"id": 49}));
    }
}
