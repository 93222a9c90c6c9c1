//! Random histories of runs and claims, compared step by step with a model that is nothing but maps.
//!
//! A history that fails is made as small as possible before it is shown.

use std::collections::BTreeMap;

use linchpin_core::sync::desired::EntryName;
use linchpin_core::sync::operation::{Ended, OperationId, OperationState};
use linchpin_core::sync::run::{Plan, RunState};
use linchpin_core::time::Wall;
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::Home;
use super::fixtures::{INSTALL, NOW, again, chunk, done, operation_in, rejection, run};
use crate::queue::{Claimed, Outlook, Settlement};
use crate::store::{StoreError, Stores};

/// How many histories are tried.
const HISTORIES: usize = 60;

/// How many steps a history has at most.
const STEPS_MAX: usize = 40;

/// Runs are named by these numbers.
const RUNS: u64 = 4;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Begin(u64),
    /// Operations by stage and pack.
    Extend(u64, Vec<(u16, u8)>),
    Seal(u64),
    Start(u64),
    Finish(u64),
    Abandon(u64),
    /// At most so many, so much later.
    Claim(u64, u16, i64),
    /// How each of the operations that are sent ends, in order; the rest stays.
    Settle(u64, Vec<End>),
    Crash,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Done,
    Rejected,
    Again {
        wait: i64,
        pack: u8,
        pack_max: u16,
    },
    Unknown,
    /// Settled although it is not claimed: spoils the settlement.
    NotClaimed,
}

fn step() -> impl Strategy<Value = Step> {
    let number = || 0..RUNS;
    let end = prop_oneof![
        6 => Just(End::Done),
        1 => Just(End::Rejected),
        3 => (-2..5_i64, 0..3_u8, 0..4_u16).prop_map(|(wait, pack, pack_max)| End::Again { wait, pack, pack_max }),
        2 => Just(End::Unknown),
        1 => Just(End::NotClaimed),
    ];
    prop_oneof![
        2 => number().prop_map(Step::Begin),
        4 => (number(), prop::collection::vec((0..3_u16, 0..3_u8), 0..8)).prop_map(|(n, all)| Step::Extend(n, all)),
        2 => number().prop_map(Step::Seal),
        2 => number().prop_map(Step::Start),
        1 => number().prop_map(Step::Finish),
        1 => number().prop_map(Step::Abandon),
        8 => (number(), 0..6_u16, 0..3_i64).prop_map(|(n, limit, later)| Step::Claim(n, limit, later)),
        8 => (number(), prop::collection::vec(end, 0..6)).prop_map(|(n, ends)| Step::Settle(n, ends)),
        1 => Just(Step::Crash),
    ]
}

/// Histories that get somewhere: a run is prepared for them, and what follows is random.
fn history() -> impl Strategy<Value = Vec<Step>> {
    let operations = prop::collection::vec((0..3_u16, 0..3_u8), 1..20);
    let prepared = operations.prop_map(|all| vec![Step::Begin(0), Step::Extend(0, all), Step::Seal(0), Step::Start(0)]);
    (any::<bool>(), prepared, prop::collection::vec(step(), 1..STEPS_MAX)).prop_map(|(prepare, mut steps, random)| {
        if !prepare {
            steps.clear();
        }
        steps.extend(random);
        steps
    })
}

#[derive(Clone, Debug)]
struct ModelOperation {
    stage: u16,
    pack: String,
    pack_max: u16,
    due: i64,
    state: OperationState,
    attempts: u32,
}

#[derive(Clone, Debug)]
struct ModelRun {
    state: RunState,
    revision: u64,
    operations: BTreeMap<u64, ModelOperation>,
}

impl ModelRun {
    fn lowest_stage(&self) -> Option<u16> {
        let unsettled =
            |operation: &&ModelOperation| matches!(operation.state, OperationState::Waiting | OperationState::Sent);
        self.operations.values().filter(unsettled).map(|operation| operation.stage).min()
    }

    fn waiting_of_lowest_stage(&self) -> Vec<(i64, u64)> {
        let stage = self.lowest_stage();
        let mut waiting: Vec<(i64, u64)> = self
            .operations
            .iter()
            .filter(|(_, operation)| operation.state == OperationState::Waiting && Some(operation.stage) == stage)
            .map(|(seq, operation)| (operation.due, *seq))
            .collect();
        waiting.sort_unstable();
        waiting
    }

    fn claim(&mut self, limit: u16, now: i64) -> Vec<u64> {
        let mut taken: Vec<u64> = Vec::new();
        let mut pack = None;
        let mut room = usize::from(limit);
        for (due, seq) in self.waiting_of_lowest_stage() {
            let Some(operation) = self.operations.get_mut(&seq) else { continue };
            if due > now || *pack.get_or_insert_with(|| operation.pack.clone()) != operation.pack {
                continue;
            }
            room = room.min(usize::from(operation.pack_max.max(1)));
            if taken.len() >= room {
                break;
            }
            taken.push(seq);
        }
        for seq in &taken {
            if let Some(operation) = self.operations.get_mut(seq) {
                operation.state = OperationState::Sent;
                operation.attempts += 1;
            }
        }
        taken
    }

    fn sent(&self) -> Vec<u64> {
        let sent =
            |(seq, operation): (&u64, &ModelOperation)| (operation.state == OperationState::Sent).then_some(*seq);
        self.operations.iter().filter_map(sent).collect()
    }
}

#[derive(Clone, Debug, Default)]
struct Model {
    runs: BTreeMap<u64, ModelRun>,
    revision: u64,
    now: i64,
}

type Verdict = Result<(), String>;

impl Model {
    fn is(&self, number: u64, state: RunState) -> bool {
        self.runs.get(&number).is_some_and(|run| run.state == state)
    }

    fn drop_all(&mut self, state: RunState) {
        for run in self.runs.values_mut().filter(|run| run.state == state) {
            run.state = RunState::Dropped;
            run.operations.clear();
        }
    }

    fn begin(&mut self, number: u64) -> bool {
        if self.runs.contains_key(&number) {
            return false;
        }
        self.drop_all(RunState::Planning);
        let run = ModelRun { state: RunState::Planning, revision: self.revision, operations: BTreeMap::new() };
        self.runs.insert(number, run);
        true
    }

    fn next_seq(&self, number: u64) -> u64 {
        let last = self.runs.get(&number).and_then(|run| run.operations.last_key_value());
        last.map_or(0, |(seq, _)| seq + 1)
    }

    fn extend(&mut self, number: u64, operations: &[(u16, u8)]) -> bool {
        let first = self.next_seq(number);
        let Some(run) = self.runs.get_mut(&number).filter(|run| run.state == RunState::Planning) else { return false };
        run.operations.extend((first..).zip(operations).map(|(seq, (stage, pack))| {
            let state = OperationState::Waiting;
            let pack = pack.to_string();
            (seq, ModelOperation { stage: *stage, pack, pack_max: u16::MAX, due: 0, state, attempts: 0 })
        }));
        true
    }

    fn seal(&mut self, number: u64) -> bool {
        if !self.is(number, RunState::Planning) {
            return false;
        }
        self.drop_all(RunState::Planned);
        let revision = self.revision;
        self.move_to(number, RunState::Planned);
        if let Some(run) = self.runs.get_mut(&number) {
            run.revision = revision;
        }
        true
    }

    fn start(&mut self, number: u64) -> bool {
        if self.is(number, RunState::Applying) {
            return true;
        }
        let fresh = self.runs.get(&number).is_some_and(|run| run.revision == self.revision);
        let busy = self.runs.values().any(|run| run.state == RunState::Applying);
        let allowed = self.is(number, RunState::Planned) && fresh && !busy;
        if allowed {
            self.move_to(number, RunState::Applying);
        }
        allowed
    }

    fn finish(&mut self, number: u64) -> bool {
        if self.is(number, RunState::Finished) {
            return true;
        }
        let settled = self.runs.get(&number).is_some_and(|run| run.lowest_stage().is_none());
        let allowed = self.is(number, RunState::Applying) && settled;
        if allowed {
            self.move_to(number, RunState::Finished);
        }
        allowed
    }

    fn abandon(&mut self, number: u64) -> bool {
        if self.is(number, RunState::Dropped) {
            return true;
        }
        let allowed = self.is(number, RunState::Planned) || self.is(number, RunState::Applying);
        if allowed {
            self.move_to(number, RunState::Dropped);
            if let Some(run) = self.runs.get_mut(&number) {
                run.operations.clear();
            }
        }
        allowed
    }

    fn move_to(&mut self, number: u64, state: RunState) {
        if let Some(run) = self.runs.get_mut(&number) {
            run.state = state;
        }
    }

    /// The settlement that the step describes, and whether it may be written; writes it if so.
    fn settle(&mut self, number: u64, ends: &[End]) -> (Settlement, bool) {
        let id = |seq| OperationId { run: run(number), seq };
        let now = self.now;
        let mut ended = Vec::new();
        let mut after = self.clone();
        let sent = self.runs.get(&number).map(ModelRun::sent).unwrap_or_default();
        let mut allowed = true;
        let mut moved = false;
        for (seq, end) in sent.into_iter().zip(ends) {
            let Some(operation) = after.runs.get_mut(&number).and_then(|run| run.operations.get_mut(&seq)) else {
                continue;
            };
            match *end {
                End::Unknown => ended.push((id(seq), Ended::Unknown)),
                End::Done => {
                    operation.state = OperationState::Done;
                    moved = true;
                    ended.push((id(seq), done()));
                }
                End::Rejected => {
                    operation.state = OperationState::Rejected;
                    ended.push((id(seq), Ended::Rejected(rejection("no"))));
                }
                End::Again { wait, pack, pack_max } => {
                    let due = now + wait;
                    operation.state = OperationState::Waiting;
                    (operation.due, operation.pack, operation.pack_max) = (due, pack.to_string(), pack_max);
                    ended.push((id(seq), again(Wall(due), &pack.to_string(), pack_max)));
                }
                End::NotClaimed => {
                    ended.push((id(u64::from(u32::MAX)), done()));
                    allowed = false;
                }
            }
        }
        if allowed {
            *self = after;
            self.revision += u64::from(moved);
        }
        (Settlement { ended, mirror: Vec::new() }, allowed)
    }
}

/// The history of steps leads to the same answers and the same state as in the model.
///
/// # Panics
/// When it does not; the message tells the shortest history found.
#[expect(clippy::panic, reason = "a conformance test fails by panicking")]
pub async fn random_histories_agree_with_the_model<H: Home>(make: impl Fn() -> H) {
    let mut runner = TestRunner::default();
    for _ in 0..HISTORIES {
        let mut tree = history().new_tree(&mut runner).expect("histories can be made");
        let Err(mut failure) = live(make(), &tree.current()).await else { continue };
        let mut shortest = tree.current();
        let mut moved = tree.simplify();
        while moved {
            if let Err(simpler) = live(make(), &tree.current()).await {
                (failure, shortest) = (simpler, tree.current());
                moved = tree.simplify();
            } else {
                moved = tree.complicate();
            }
        }
        panic!("{failure}\nafter {shortest:#?}");
    }
}

async fn live<H: Home>(mut home: H, steps: &[Step]) -> Verdict {
    let mut stores = home.open().await;
    let mut model = Model { now: NOW.0, ..Model::default() };
    for (at, step) in steps.iter().enumerate() {
        if matches!(step, Step::Crash) {
            home.crash().await;
            drop(stores);
            stores = home.open().await;
        } else {
            take(&stores, &mut model, step).await.map_err(|error| format!("step {at}: {error}"))?;
        }
        compare(&stores, &model).await.map_err(|error| format!("after step {at}: {error}"))?;
    }
    Ok(())
}

async fn take(stores: &Stores, model: &mut Model, step: &Step) -> Verdict {
    match step {
        Step::Begin(n) => agree(&stores.runs.begin(INSTALL, run(*n), 7, NOW).await, model.begin(*n)),
        Step::Extend(n, operations) => {
            let first = model.next_seq(*n);
            let operations_of = (first..)
                .zip(operations)
                .map(|(seq, (stage, pack))| operation_in(run(*n), seq, *stage, &pack.to_string()));
            let answer = stores.runs.extend(INSTALL, run(*n), chunk(operations_of)).await;
            agree(&answer, model.extend(*n, operations))
        }
        Step::Seal(n) => agree(&stores.runs.seal(INSTALL, run(*n), Plan::default()).await, model.seal(*n)),
        Step::Start(n) => agree(&stores.runs.start(INSTALL, run(*n)).await, model.start(*n)),
        Step::Finish(n) => agree(&stores.runs.finish(INSTALL, run(*n)).await, model.finish(*n)),
        Step::Abandon(n) => agree(&stores.runs.abandon(INSTALL, run(*n)).await, model.abandon(*n)),
        Step::Claim(n, limit, later) => claim(stores, model, *n, *limit, *later).await,
        Step::Settle(n, ends) => {
            let (settlement, allowed) = model.settle(*n, ends);
            agree(&stores.queue.settle(INSTALL, settlement, Wall(model.now)).await, allowed)
        }
        Step::Crash => Ok(()),
    }
}

async fn claim(stores: &Stores, model: &mut Model, number: u64, limit: u16, later: i64) -> Verdict {
    model.now += later;
    let now = model.now;
    let answer = stores.queue.claim(INSTALL, run(number), limit, Wall(now)).await;
    let Some(applying) = model.runs.get_mut(&number).filter(|run| run.state == RunState::Applying) else {
        return agree(&answer, false);
    };
    let expected = applying.claim(limit, now);
    let claimed = answer.map_err(|error| format!("the claim failed: {error}"))?;
    same("an empty claim is None", &claimed.is_none(), &expected.is_empty())?;
    let told = |claimed: &Claimed| (claimed.operation.id.seq, claimed.operation.pack.clone(), claimed.attempts);
    let claimed: Vec<_> = claimed.unwrap_or_default().iter().map(told).collect();
    let expected: Vec<_> = expected
        .iter()
        .filter_map(|seq| {
            applying.operations.get(seq).map(|operation| (*seq, operation.pack.clone(), operation.attempts))
        })
        .collect();
    same("the claim", &claimed, &expected)
}

fn agree<T: std::fmt::Debug>(answer: &Result<T, StoreError>, allowed: bool) -> Verdict {
    match (answer, allowed) {
        (Ok(_), true) | (Err(StoreError::Refused(_)), false) => Ok(()),
        (Ok(_) | Err(_), _) => Err(format!("allowed: {allowed}, answered: {answer:?}")),
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, store: &T, model: &T) -> Verdict {
    if store == model { Ok(()) } else { Err(format!("{what}: the store says {store:?}, the model {model:?}")) }
}

async fn compare(stores: &Stores, model: &Model) -> Verdict {
    let failed = |error: StoreError| format!("a reading failed: {error}");
    same("the revision", &stores.links.revision(INSTALL).await.map_err(failed)?, &model.revision)?;
    let open = stores.runs.open_run(INSTALL).await.map_err(failed)?.map(|open| open.id);
    let in_state = |state| model.runs.iter().rev().find(|(_, run)| run.state == state).map(|(number, _)| run(*number));
    same("the open run", &open, &in_state(RunState::Applying).or_else(|| in_state(RunState::Planned)))?;
    for (number, expected) in &model.runs {
        let id = run(*number);
        same("the state", &stores.runs.get(INSTALL, id).await.map_err(failed)?.state, &expected.state)?;
        let mut counts = BTreeMap::new();
        for operation in expected.operations.values() {
            let kind = (operation.stage, EntryName("people".to_owned()), "upsert".to_owned(), operation.state);
            *counts.entry(kind).or_insert(0_u64) += 1;
        }
        same("the counts", &stores.runs.progress(INSTALL, id).await.map_err(failed)?, &counts)?;
        let doubt = stores.queue.in_doubt(INSTALL, id).await.map_err(failed)?;
        let doubt: Vec<u64> = doubt.iter().map(|claimed| claimed.operation.id.seq).collect();
        same("what is in doubt", &doubt, &expected.sent())?;
        let count = |state| expected.operations.values().filter(|operation| operation.state == state).count() as u64;
        let outlook = Outlook {
            waiting: count(OperationState::Waiting),
            sent: count(OperationState::Sent),
            next_due: expected.waiting_of_lowest_stage().first().map(|(due, _)| Wall(*due)),
        };
        same("the outlook", &stores.queue.outlook(INSTALL, id).await.map_err(failed)?, &outlook)?;
        let rejected = stores.runs.rejected(INSTALL, id, 0, 1000).await.map_err(failed)?.len() as u64;
        same("the rejected rows", &rejected, &count(OperationState::Rejected))?;
    }
    Ok(())
}
