//! What must hold at the end of a run, whatever went wrong.
//!
//! 1: no 429 of our making, no window ever exceeded. 5: each caller has one end, and it is true: what was answered has
//! happened once, what was refused has not. 6: answers are those of the reference. 11: the well account, and the well
//! family, notice nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use super::load::{Ask, Expects, Outcome};
use super::world::World;
use super::{Plan, Trouble};
use crate::ledger::Ledger;
use crate::transparency::compare::{Renaming, Seen};
use crate::transparency::wanted::Wanted;

/// Calls in ten seconds of both accounts' apps: Starter and Professional
/// (<https://developers.hubspot.com/docs/api/usage-details>).
const LIMITS: [usize; 2] = [100, 190];
/// A simulated call takes at most so many means.
const LATENCY_TAIL: u32 = 3;
/// A call may wait for the list of properties, for a batch before its own, for its own, and then be asked again alone.
const STEPS_MAX: u32 = 5;
/// Gathering, twice.
const GATHERING: Duration = Duration::from_secs(1);

/// What was seen over all runs.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Calls that were asked for.
    pub asked: usize,
    /// Of them, compared with the reference.
    pub compared: usize,
    /// Callers that left.
    pub left: usize,
    /// Calls without an answer, by the code of the reason.
    pub failed: BTreeMap<&'static str, usize>,
    /// Calls that reached HubSpot.
    pub calls: usize,
    /// Answers that were lost after the write.
    pub lost: usize,
    /// Records that were made.
    pub made: usize,
    /// The longest that a call to the well account took, in milliseconds.
    pub slowest_beside_ms: u128,
}

/// The reference's answers, each asked for once.
struct Reference<'a> {
    world: &'a World,
    known: BTreeMap<Wanted, Seen>,
}

impl Reference<'_> {
    async fn says(&mut self, wanted: &Wanted) -> Seen {
        if let Some(known) = self.known.get(wanted) {
            return known.clone();
        }
        let seen = self.world.expected(wanted).await;
        self.known.insert(wanted.clone(), seen.clone());
        seen
    }
}

/// Judges a run.
///
/// # Errors
/// The first thing that does not hold.
pub(super) async fn all(
    plan: &Plan,
    world: &World,
    asks: &[Ask],
    ended: &[Outcome],
    counts: &mut Counts,
) -> Result<(), String> {
    budget(world, counts).await?;
    let mut reference = Reference { world, known: BTreeMap::new() };
    for account in [0, 1] {
        let state = State {
            contacts: world.marks(account, "contacts", "city").await,
            companies: world.marks(account, "companies", "name").await,
        };
        for (ask, outcome) in asks.iter().zip(ended).filter(|(ask, _)| ask.account == account) {
            counts.asked += 1;
            let judged = one(plan, ask, outcome, &state, &mut reference, counts).await;
            judged.map_err(|why| format!("{why}\n  {ask:?}\n  {outcome:?}"))?;
        }
        counts.made +=
            state.contacts.values().chain(state.companies.values()).filter(|m| m.starts_with("made-")).count();
    }
    let closed = world.is_closed().await;
    demand(closed == plan.closes_ms.is_some(), "the door has closed by itself (5)")
}

async fn budget(world: &World, counts: &mut Counts) -> Result<(), String> {
    for (account, limit) in LIMITS.into_iter().enumerate() {
        let mut ledger = Ledger(world.ledger(account).await);
        counts.calls += ledger.0.len();
        counts.lost += ledger.lost_writes();
        let ours = ledger.0.iter().filter(|entry| entry.status == Some(429) && entry.fault.is_none()).count();
        if ours > 0 {
            return Err(format!("account {account}: {ours} calls were answered 429 (invariant 1)"));
        }
        // Batches of associations have a window of their own.
        ledger.0.retain(|entry| !(entry.path.contains("/associations/") && entry.path.contains("/batch/")));
        let busiest = ledger.busiest_ten_seconds();
        if busiest > limit {
            return Err(format!("account {account}: {busiest} calls in ten seconds, of {limit} (invariant 1)"));
        }
    }
    Ok(())
}

/// The records of one account at the end, by the value that marks them.
struct State {
    contacts: BTreeMap<String, String>,
    companies: BTreeMap<String, String>,
}

impl State {
    fn marked(&self, marker: &str) -> Vec<&String> {
        let all = self.contacts.iter().chain(&self.companies);
        all.filter(|(_, mark)| *mark == marker).map(|(id, _)| id).collect()
    }
}

async fn one(
    plan: &Plan,
    ask: &Ask,
    outcome: &Outcome,
    state: &State,
    reference: &mut Reference<'_>,
    counts: &mut Counts,
) -> Result<(), String> {
    let troubled = match plan.trouble {
        _ if ask.account != 0 => false,
        Trouble::None => false,
        Trouble::Objects => is_object(ask),
        Trouble::Everywhere | Trouble::LostWrites => true,
    };
    let (seen, took) = match outcome {
        Outcome::Left => {
            counts.left += 1;
            return may_be_there(ask, state);
        }
        Outcome::Failed(code, _) => {
            *counts.failed.entry(code).or_default() += 1;
            return failed(plan, ask, code, troubled, state);
        }
        Outcome::Answered(seen, took) => (seen, *took),
    };
    if is_trouble(seen.status) {
        return if troubled { may_be_there(ask, state) } else { Err("a failure where nothing fails (11)".to_owned()) };
    }
    counts.compared += 1;
    if !troubled && (ask.account == 1 || plan.trouble == Trouble::Objects) {
        let bound = Duration::from_millis(u64::from(plan.latency_ms)) * LATENCY_TAIL * STEPS_MAX + GATHERING;
        if ask.account == 1 {
            counts.slowest_beside_ms = counts.slowest_beside_ms.max(took.as_millis());
        }
        if took > bound {
            return Err(format!("it took {took:?}, longer than {bound:?}, beside somebody else's trouble (11)"));
        }
    }
    match &ask.expects {
        Expects::Reference => {
            let expected = reference.says(&ask.wanted).await;
            let expected = without_host(expected);
            let same = Renaming::default().demand(&expected, seen, false);
            same.map_err(|difference| format!("not as alone (6): {difference}"))
        }
        Expects::Changed { id, city } => {
            let now = state.contacts.get(id);
            demand(seen.status == 200, "a valid update is refused (6)")?;
            demand(now == Some(city), "it was answered, and has not happened (5)")
        }
        Expects::Gone { id } => {
            demand(seen.status == 204, "a valid archive is refused (6)")?;
            demand(!state.contacts.contains_key(id), "it was answered, and has not happened (5)")
        }
        Expects::Made { marker } => {
            let there = state.marked(marker);
            // A repeat by HubSpot's own client of a creation whose first answer was lost would meet itself; ours makes none.
            demand(seen.status == 201, "a valid creation is refused (6)")?;
            demand(there.len() == 1, "a creation that was answered made none, or several (5)")?;
            let location = seen.headers.get("location").map(String::as_str).unwrap_or_default();
            let named = there.first().is_some_and(|id| location.ends_with(&format!("/{id}")));
            demand(named, "the answer names another record than the one that was made (6)")
        }
    }
}

fn failed(plan: &Plan, ask: &Ask, code: &str, troubled: bool, state: &State) -> Result<(), String> {
    match code {
        // Nobody knows, or HubSpot may have done it.
        "LP3010" if troubled || plan.closes_ms.is_some() => may_be_there(ask, state),
        "LP3011" if troubled => not_there(ask, state),
        // Where HubSpot cannot be reached, patience has an end as well.
        "LP3015" if ask.deadline.is_some() || troubled => not_there(ask, state),
        "LP3016" if plan.closes_ms.is_some() => not_there(ask, state),
        _ => Err("a call without an answer, for no reason (11)".to_owned()),
    }
}

/// A creation that nobody knows of happened once or not at all.
fn may_be_there(ask: &Ask, state: &State) -> Result<(), String> {
    let Expects::Made { marker } = &ask.expects else { return Ok(()) };
    demand(state.marked(marker).len() <= 1, "a creation was made twice (5)")
}

/// What was refused as not done was not done. A write that may be repeated without harm may have happened.
fn not_there(ask: &Ask, state: &State) -> Result<(), String> {
    let Expects::Made { marker } = &ask.expects else { return Ok(()) };
    demand(state.marked(marker).is_empty(), "a creation was made, and its caller told that it was not (5)")
}

fn is_object(ask: &Ask) -> bool {
    ask.wanted.target.starts_with("/crm/v3/objects")
}

fn is_trouble(status: u16) -> bool {
    matches!(status, 423 | 429 | 477 | 500..)
}

/// A path in place of an address: what the gateway leaves of `Location` before its face puts its own in front.
fn without_host(mut seen: Seen) -> Seen {
    if let Some(location) = seen.headers.get_mut("location") {
        *location = location.replace("http://simulator", "");
    }
    seen
}

fn demand(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}
