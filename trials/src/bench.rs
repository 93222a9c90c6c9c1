//! What the measurements of the gateway share: the gateway before an upstream, loads of HubSpot's own Node client, and
//! goals that are told one by one before any of them fails the run.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::binary::Running;
use crate::clients::{Client, Platform};
use crate::control::Control;
use crate::figure;
use crate::simulator::TOKEN;
use crate::workplace::Workplace;

/// The slowest load, through waits of the client's own: minutes.
const LOAD_LIMIT: Duration = Duration::from_secs(400);
/// The workers' program, below `trials/clients/`.
const WORKERS: Client = Client { name: "bench-gateway", platform: Platform::Node };

/// Goals of a measurement: each is a figure, and those that were missed end the run when all are told.
#[derive(Debug, Default)]
pub struct Goals {
    missed: Vec<String>,
}

impl Goals {
    /// Tells whether a goal was reached, and by what figures.
    pub fn tell(&mut self, goal: &str, reached: bool, found: impl Display) {
        figure(goal, format_args!("{}: {found}", if reached { "passed" } else { "**failed**" }));
        if !reached {
            self.missed.push(format!("{goal}: {found}"));
        }
    }

    /// A number that may be as large as `most`.
    pub fn at_most<T: PartialOrd + Display + Copy>(&mut self, goal: &str, found: T, most: T) {
        let reached = found <= most;
        self.tell(&format!("goal: {goal}"), reached, format_args!("{found:.2}, at most {most:.2}"));
    }

    /// A number that must be as large as `least`.
    pub fn at_least<T: PartialOrd + Display + Copy>(&mut self, goal: &str, found: T, least: T) {
        let reached = found >= least;
        self.tell(&format!("goal: {goal}"), reached, format_args!("{found:.2}, at least {least:.2}"));
    }

    /// Demands that none was missed.
    ///
    /// # Panics
    /// If one was.
    pub fn demand_all(self) {
        assert_eq!(self.missed, Vec::<String>::new(), "goals were missed");
    }
}

/// `linchpin serve` before an upstream. Stops with its value.
#[derive(Debug)]
pub struct Served {
    process: Running,
    base: String,
    _place: Workplace,
}

impl Served {
    /// Starts it for a tier, with further settings of the section `gateway` (`coalesce: all`).
    ///
    /// # Panics
    /// If it does not say in time where it listens.
    pub fn start(upstream: &str, tier: &str, settings: &str) -> Self {
        let place = Workplace::new();
        place.write_config(&format!(
            "hubspot: {{token: {TOKEN}, base_url: '{upstream}', tier: {tier}}}\n\
             gateway: {{listen: '127.0.0.1:0', {settings}}}\n"
        ));
        let (process, base) = place.serve(&[]);
        Self { process, base, _place: place }
    }

    /// Its address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Its client.
    pub fn control(&self) -> Control {
        Control::new(&self.base, TOKEN)
    }

    /// Its resident memory now and at its highest, in kilobytes.
    pub fn memory_kb(&self) -> (u64, u64) {
        self.process.memory_kb()
    }

    /// What it has written to standard error.
    pub fn err(&self) -> String {
        self.process.err()
    }
}

/// One call of a worker.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "verb", rename_all = "lowercase")]
pub enum Call {
    /// A read of a contact.
    Read {
        /// The contact.
        id: String,
        /// The properties that are asked for.
        properties: Vec<String>,
    },
    /// An update of a contact.
    Update {
        /// The contact.
        id: String,
        /// Its new values.
        properties: BTreeMap<String, String>,
        /// Whether HubSpot refuses it.
        invalid: bool,
    },
    /// A new contact.
    Create {
        /// Its values.
        properties: BTreeMap<String, String>,
        /// Whether HubSpot refuses it.
        invalid: bool,
    },
}

impl Call {
    /// Whether HubSpot refuses it.
    pub fn is_invalid(&self) -> bool {
        match self {
            Self::Read { .. } => false,
            Self::Update { invalid, .. } | Self::Create { invalid, .. } => *invalid,
        }
    }
}

/// What workers do: each is a process of its own, and all begin at one moment.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Load {
    /// Whether the client's own limiter is on.
    pub limiter: bool,
    /// The attempts that the client makes at a call.
    pub retries: u32,
    /// Calls that a worker has in flight; its limiter may allow fewer.
    pub in_flight: usize,
    /// The calls of each.
    pub workers: Vec<Vec<Call>>,
}

/// What one worker saw.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Seen {
    /// Calls that were answered as they should be.
    pub done: u64,
    /// Invalid calls that were refused.
    pub refused: u64,
    /// Calls that brought no answer of use, after all retries.
    pub failed: u64,
    /// Calls that were answered with something else than was asked for.
    pub mistaken: u64,
    /// All answers on the wire by status, those included that the client's retries hide.
    pub statuses: BTreeMap<u16, u64>,
    /// Why calls failed, and how many.
    pub reasons: BTreeMap<String, u64>,
}

/// What came of a load.
#[derive(Clone, Debug, Deserialize)]
pub struct Outcome {
    /// From the common beginning to the last end.
    pub seconds: f64,
    /// Each worker's.
    pub seen: Vec<Seen>,
}

impl Outcome {
    /// A number of all workers together.
    pub fn sum(&self, number: impl Fn(&Seen) -> u64) -> u64 {
        self.seen.iter().map(number).sum()
    }

    /// The answers of a status, of all workers together.
    pub fn answers(&self, status: u16) -> u64 {
        self.sum(|seen| seen.statuses.get(&status).copied().unwrap_or_default())
    }

    /// Why calls failed.
    pub fn reasons(&self) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        for (reason, count) in self.seen.iter().flat_map(|seen| &seen.reasons) {
            *all.entry(reason.clone()).or_default() += count;
        }
        all
    }
}

impl Load {
    /// Sends the load to a server.
    ///
    /// # Panics
    /// If the workers cannot be installed or started, or one of them breaks off.
    pub fn run(&self, base: &str) -> Outcome {
        let home = WORKERS.install();
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("load.json");
        std::fs::write(&path, serde_json::to_vec(self).expect("a load is JSON")).expect("the folder takes files");
        let mut command = std::process::Command::new("node");
        command.arg("main.js").current_dir(home).env_clear().stdin(Stdio::null());
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.env("HUBSPOT_BASE_URL", base).env("HUBSPOT_TOKEN", TOKEN).env("LOAD", path);
        let ended = Running::start(command, folder.path(), "workers").wait(LOAD_LIMIT).with_code(0);
        let outcome: Outcome =
            serde_json::from_value(ended.json()).expect("the workers report in the form that is documented");
        let heard = outcome.sum(|seen| seen.statuses.values().sum());
        let answered = outcome.sum(|seen| seen.done + seen.refused);
        assert!(heard >= answered && answered > 0, "the workers did not hear every answer: {heard} of {answered}");
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_that_are_reached_satisfy() {
        let mut goals = Goals::default();
        goals.at_most("calls", 3, 3);
        goals.at_least("times faster", 10.5, 10.0);
        goals.demand_all();
    }

    #[test]
    #[should_panic(expected = "goal: calls: 4, at most 3")]
    fn one_missed_goal_fails_the_run_after_all_are_told() {
        let mut goals = Goals::default();
        goals.at_most("calls", 4, 3);
        goals.tell("answers", true, 7);
        goals.demand_all();
    }

    #[test]
    fn what_workers_saw_is_added_up() {
        let seen = r#"{"done": 2, "refused": 1, "failed": 1, "mistaken": 0,
            "statuses": {"200": 2, "429": 3}, "reasons": {"429": 1}}"#;
        let outcome: Outcome =
            serde_json::from_str(&format!(r#"{{"seconds": 1.5, "seen": [{seen}, {seen}]}}"#)).expect("an outcome");
        assert_eq!((outcome.sum(|seen| seen.done), outcome.answers(429), outcome.answers(500)), (4, 6, 0));
        assert_eq!(outcome.reasons(), BTreeMap::from([("429".to_owned(), 2)]));
    }
}
