//! What the demo came to, in numbers that were counted.

use std::fmt::Write as _;
use std::time::Duration;

use linchpin_core::sync::run::{RejectedRow, RunId};
use serde::{Deserialize, Serialize};

use super::TOKEN;
use super::changes::Change;
use super::database::Rows;
use crate::args::DemoArgs;
use crate::commands::rejected::{self, Row};
use crate::number::{count, counted, duration};
use crate::wiring::Applied;

/// Rejected rows that are fetched for the report.
pub(super) const REJECTED_MAX: usize = 1_000;
/// Rejected rows that are shown to people.
const REJECTED_SHOWN: usize = 6;

/// What the simulator counted.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Stats {
    /// All calls to HubSpot's surface.
    pub(super) requests: u64,
    /// Those that it refused for the rate.
    pub(super) rate_limited: u64,
}

/// One plan and its application.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) run: RunId,
    pub(super) one_by_one: u64,
    pub(super) planned_writes: u64,
    pub(super) applied: Applied,
}

/// A round as `--json` prints it.
#[derive(Debug, Serialize)]
struct RoundJson {
    run: String,
    planned_write_calls: u64,
    one_by_one_calls: u64,
    #[serde(flatten)]
    applied: Applied,
}

/// The demo's result.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    ok: bool,
    size: u32,
    seed: u64,
    /// Rows of the database at the start, by table.
    pub(super) rows: Option<Rows>,
    /// Records made and changed by both syncs.
    records: u64,
    associations: u64,
    /// Every call that reached the simulator, reads included.
    calls: u64,
    /// What a program that writes one record at a time would have spent on writes alone.
    one_by_one_calls: u64,
    rate_limited: u64,
    /// Time spent applying.
    seconds: f64,
    changes: Vec<Change>,
    /// Whether a third plan found nothing left to do.
    in_step: bool,
    rejected: Vec<Row>,
    #[serde(skip)]
    rejected_lines: Vec<String>,
    rounds: Vec<RoundJson>,
    /// Where everything was left behind.
    pub(super) folder: Option<String>,
}

impl Report {
    /// Adds up both rounds.
    pub(super) fn new(
        args: &DemoArgs,
        rounds: Vec<Round>,
        changes: Vec<Change>,
        in_step: bool,
        rejected: &[RejectedRow],
        stats: Stats,
    ) -> Self {
        let sum = |value: fn(&Round) -> u64| rounds.iter().map(value).sum::<u64>();
        let millis = sum(|round| round.applied.millis);
        Self {
            ok: true,
            size: args.size,
            seed: args.seed,
            rows: None,
            records: sum(|round| round.applied.created + round.applied.updated),
            associations: sum(|round| round.applied.associated + round.applied.dissociated),
            calls: stats.requests,
            one_by_one_calls: sum(|round| round.one_by_one),
            rate_limited: stats.rate_limited,
            seconds: Duration::from_millis(millis).as_secs_f64(),
            changes,
            in_step,
            rejected: rejected.iter().map(Row::from).collect(),
            rejected_lines: rejected.iter().map(rejected::line).collect(),
            rounds: rounds
                .into_iter()
                .map(|round| RoundJson {
                    run: round.run.to_string(),
                    planned_write_calls: round.planned_writes,
                    one_by_one_calls: round.one_by_one,
                    applied: round.applied,
                })
                .collect(),
            folder: None,
        }
    }

    /// For people.
    pub(super) fn render(&self) -> String {
        let mut text = String::from("\nWhat it came to\n");
        let mut line = |label: &str, value: String| {
            writeln!(text, "  {label:<26}{value}").expect("writing to a string does not fail");
        };
        line("records written", format!("{}, {}", count(self.records), counted(self.associations, "association")));
        line("calls spent", format!("{} (all of them, reads included; counted by the simulator)", count(self.calls)));
        line("one record at a time", format!("{} for the writes alone", counted(self.one_by_one_calls, "call")));
        line("refused for the rate", format!("{} (429)", count(self.rate_limited)));
        line("time for the writes", duration(Duration::from_secs_f64(self.seconds)));
        let in_step =
            if self.in_step { "yes: a third plan found nothing to do" } else { "no: a third plan is not empty" };
        line("in step", in_step.to_owned());
        line("rows still rejected", count(self.rejected_lines.len() as u64));
        for rejected in self.rejected_lines.iter().take(REJECTED_SHOWN) {
            writeln!(text, "    {rejected}").expect("writing to a string does not fail");
        }
        if self.rejected_lines.len() > REJECTED_SHOWN {
            writeln!(text, "    ...").expect("writing to a string does not fail");
        }
        text.push_str(&self.what_next());
        text
    }

    fn what_next(&self) -> String {
        match &self.folder {
            Some(folder) => format!(
                "\nWhat to try next\n  \
                 Database and configuration are in {folder}. Start a simulator, and play:\n  \
                 linchpin sim --token {TOKEN} &\n  \
                 linchpin plan --config {folder}/linchpin.yaml\n  \
                 linchpin sync --config {folder}/linchpin.yaml\n  \
                 docs/guides/getting-started.md goes on from there."
            ),
            None => "\nWhat to try next\n  \
                 linchpin demo --keep          leaves database and configuration behind to look at\n  \
                 linchpin demo --size 50000    more of everything\n  \
                 linchpin init --source YOUR.db, then check, plan and sync: docs/guides/getting-started.md"
                .to_owned(),
        }
    }
}
