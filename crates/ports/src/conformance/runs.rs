//! What every book of runs promises. Each function panics when its sentence is not kept.
#![expect(clippy::missing_panics_doc, reason = "panicking is how a conformance test fails")]

use linchpin_core::sync::operation::{Ended, OperationState};
use linchpin_core::sync::run::{Cost, Plan, PlanWarning, RunState};
use linchpin_core::time::Wall;

use super::Home;
use super::fixtures::{
    INSTALL, NOW, OTHER, applying, association, chunk, claim, contact, contacts, done, entry, key, link, operation,
    planned, planning, rejected_row, rejection, run, settle,
};
use crate::runs::{ENDED_RUNS_KEPT_MAX, PlanChunk};
use crate::store::{Refusal, StoreError};

fn refusal<T: std::fmt::Debug>(answer: Result<T, StoreError>) -> Refusal {
    match answer {
        Err(StoreError::Refused(refusal)) => refusal,
        other => unreachable_answer(&other),
    }
}

fn wrong_state(found: RunState, number: u64) -> Refusal {
    Refusal::WrongState { run: run(number).to_string(), found }
}

#[expect(clippy::panic, reason = "a conformance test fails by panicking")]
fn unreachable_answer(answer: &dyn std::fmt::Debug) -> ! {
    panic!("should have been refused: {answer:?}")
}

/// `begin` opens a run in state `Planning`.
pub async fn a_begun_run_is_planning<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    stores.runs.begin(INSTALL, run(1), u64::MAX, NOW).await.expect("a run begins");
    let begun = stores.runs.get(INSTALL, run(1)).await.expect("the run is there");
    assert_eq!((begun.id, begun.state, begun.began), (run(1), RunState::Planning, NOW));
    assert_eq!((begun.mapping, begun.revision, begun.plan), (u64::MAX, 0, None));
}

/// `begin` is refused if the run exists.
pub async fn a_run_begins_once<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    planning(&stores, run(1), [operation(run(1), 0)]).await;
    assert_eq!(refusal(stores.runs.begin(INSTALL, run(1), 7, NOW).await), wrong_state(RunState::Planning, 1));
    assert_eq!(stores.runs.progress(INSTALL, run(1)).await.expect("counts").values().sum::<u64>(), 1);
}

/// Other runs in `Planning` are dropped with their operations.
pub async fn a_run_that_begins_drops_others_in_planning<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    planning(&stores, run(1), [operation(run(1), 0)]).await;
    stores.runs.begin(INSTALL, run(2), 7, NOW).await.expect("a run begins");
    assert_eq!(stores.runs.get(INSTALL, run(1)).await.expect("the run is there").state, RunState::Dropped);
    assert!(stores.runs.progress(INSTALL, run(1)).await.expect("counts").is_empty());
    let outlook = stores.queue.outlook(INSTALL, run(1)).await.expect("an outlook");
    assert_eq!((outlook.waiting, outlook.sent), (0, 0));
}

/// A run that does not exist is refused by every method that names one.
pub async fn an_unknown_run_is_refused_everywhere<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let id = run(9);
    let unknown = Refusal::UnknownRun(id.to_string());
    assert_eq!(refusal(stores.runs.extend(INSTALL, id, chunk([])).await), unknown);
    assert_eq!(refusal(stores.runs.seal(INSTALL, id, Plan::default()).await), unknown);
    assert_eq!(refusal(stores.runs.start(INSTALL, id).await), unknown);
    assert_eq!(refusal(stores.runs.finish(INSTALL, id).await), unknown);
    assert_eq!(refusal(stores.runs.get(INSTALL, id).await), unknown);
    assert_eq!(refusal(stores.runs.progress(INSTALL, id).await), unknown);
    assert_eq!(refusal(stores.runs.rejected(INSTALL, id, 0, 1).await), unknown);
    assert_eq!(refusal(stores.queue.claim(INSTALL, id, 1, NOW).await), unknown);
    assert_eq!(refusal(stores.queue.in_doubt(INSTALL, id).await), unknown);
    assert_eq!(refusal(stores.queue.outlook(INSTALL, id).await), unknown);
}

/// `extend` adds all of a chunk or nothing.
pub async fn a_chunk_is_all_or_nothing<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    stores.runs.begin(INSTALL, run(1), 7, NOW).await.expect("a run begins");
    let spoiled = PlanChunk {
        operations: vec![operation(run(1), 0), operation(run(1), 0)],
        rejected: vec![rejected_row("a")],
        links: vec![link("a", 1, "Ann")],
        associations: vec![association("a", 0, "x")],
        mirror: vec![contact(1, &[])],
    };
    refusal(stores.runs.extend(INSTALL, run(1), spoiled.clone()).await);
    assert!(stores.runs.progress(INSTALL, run(1)).await.expect("counts").is_empty());
    assert_eq!(stores.runs.rejected(INSTALL, run(1), 0, 9).await.expect("rejected rows"), []);
    assert_eq!(stores.links.count(INSTALL, &entry("people")).await.expect("a count"), 0);
    assert_eq!(stores.mirror.count(INSTALL, &contacts()).await.expect("a count"), 0);
    let whole = PlanChunk { operations: vec![operation(run(1), 0)], ..spoiled };
    stores.runs.extend(INSTALL, run(1), whole).await.expect("a chunk is added");
    assert_eq!(stores.runs.progress(INSTALL, run(1)).await.expect("counts").len(), 1);
    assert_eq!(stores.runs.rejected(INSTALL, run(1), 0, 9).await.expect("rejected rows"), [rejected_row("a")]);
    let links = stores.links.get(INSTALL, &entry("people"), &[key("a")]).await.expect("links");
    assert_eq!(links, [Some(link("a", 1, "Ann"))]);
    assert_eq!(stores.mirror.count(INSTALL, &contacts()).await.expect("a count"), 1);
}

/// Operations that do not ascend by `seq`, over all chunks, or belong to another run are refused.
pub async fn operations_that_do_not_ascend_are_refused<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    planning(&stores, run(1), [operation(run(1), 5)]).await;
    for bad in [operation(run(1), 5), operation(run(1), 4), operation(run(2), 6)] {
        let refused = refusal(stores.runs.extend(INSTALL, run(1), chunk([bad])).await);
        assert!(matches!(refused, Refusal::OutOfOrder(_)), "{refused:?}");
    }
    stores.runs.extend(INSTALL, run(1), chunk([operation(run(1), 9)])).await.expect("gaps are allowed");
}

/// Only a run in `Planning` is extended.
pub async fn only_a_run_in_planning_is_extended<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    planned(&stores, run(1), []).await;
    let late = stores.runs.extend(INSTALL, run(1), chunk([operation(run(1), 0)])).await;
    assert_eq!(refusal(late), wrong_state(RunState::Planned, 1));
}

/// Links replace those of the same row.
pub async fn links_of_a_chunk_replace_those_of_the_row<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    stores.runs.begin(INSTALL, run(1), 7, NOW).await.expect("a run begins");
    for linked in [link("a", 1, "Ann"), link("a", 2, "Bea")] {
        let chunk = PlanChunk { links: vec![linked], ..PlanChunk::default() };
        stores.runs.extend(INSTALL, run(1), chunk).await.expect("a chunk is added");
    }
    let found = stores.links.get(INSTALL, &entry("people"), &[key("a")]).await.expect("links");
    assert_eq!(found, [Some(link("a", 2, "Bea"))]);
    assert_eq!(stores.links.count(INSTALL, &entry("people")).await.expect("a count"), 1);
}

/// Associations replace those of the same row.
pub async fn associations_of_a_chunk_replace_those_of_the_row<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    stores.runs.begin(INSTALL, run(1), 7, NOW).await.expect("a run begins");
    let first = vec![association("a", 0, "x"), association("a", 1, "y"), association("b", 0, "x")];
    let second = vec![association("a", 0, "z"), association("a", 0, "x")];
    for associations in [first, second] {
        let chunk = PlanChunk { associations, ..PlanChunk::default() };
        stores.runs.extend(INSTALL, run(1), chunk).await.expect("a chunk is added");
    }
    let wanted = [key("b"), key("a"), key("c")];
    let found = stores.links.associations(INSTALL, &entry("people"), &wanted).await.expect("associations");
    let expected = [vec![association("b", 0, "x")], vec![association("a", 0, "x"), association("a", 0, "z")], vec![]];
    assert_eq!(found, expected);
}

/// `seal` completes the plan at the links' present revision.
pub async fn a_sealed_run_is_planned_at_the_present_revision<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    applying(&stores, run(1), [operation(run(1), 0)]).await;
    planning(&stores, run(2), []).await;
    settle(&stores, &claim(&stores, run(1), 1).await, &done()).await;
    let sealed = stores.runs.seal(INSTALL, run(2), Plan::default()).await.expect("a plan is sealed");
    let revision = stores.links.revision(INSTALL).await.expect("a revision");
    assert!(revision > 0);
    assert_eq!((sealed.state, sealed.revision, sealed.plan), (RunState::Planned, revision, Some(Plan::default())));
}

/// A plan comes back as it was sealed.
pub async fn a_plan_comes_back_as_it_was<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let warning = PlanWarning {
        code: "LP0001".to_owned(),
        entry: entry("people"),
        property: Some("phone".to_owned()),
        note: "Ein Hinweis: ü".to_owned(),
        rows: 3,
        examples: vec!["a".to_owned()],
    };
    let cost = Cost { write_calls: 7, minutes: 1.5, ..Cost::default() };
    let plan = Plan { warnings: vec![warning], cost, ..Plan::default() };
    stores.runs.begin(INSTALL, run(1), 7, NOW).await.expect("a run begins");
    let sealed = stores.runs.seal(INSTALL, run(1), plan.clone()).await.expect("a plan is sealed");
    assert_eq!(sealed.plan.as_ref(), Some(&plan));
    assert_eq!(stores.runs.get(INSTALL, run(1)).await.expect("the run is there"), sealed);
}

/// Other runs in `Planned` are dropped with their operations.
pub async fn a_sealed_run_drops_other_planned_ones_with_their_operations<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    planned(&stores, run(1), [operation(run(1), 0)]).await;
    planned(&stores, run(2), [operation(run(2), 0)]).await;
    assert_eq!(stores.runs.get(INSTALL, run(1)).await.expect("the run is there").state, RunState::Dropped);
    assert!(stores.runs.progress(INSTALL, run(1)).await.expect("counts").is_empty());
    assert_eq!(refusal(stores.runs.start(INSTALL, run(1)).await), wrong_state(RunState::Dropped, 1));
    assert_eq!(stores.runs.progress(INSTALL, run(2)).await.expect("counts").values().sum::<u64>(), 1);
}

/// From `seal` on the plan never changes.
pub async fn a_sealed_plan_never_changes<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let sealed = planned(&stores, run(1), [operation(run(1), 0)]).await;
    let other = Plan { properties_to_create: vec!["contacts.x".to_owned()], ..Plan::default() };
    assert_eq!(refusal(stores.runs.seal(INSTALL, run(1), other).await), wrong_state(RunState::Planned, 1));
    assert_eq!(stores.runs.get(INSTALL, run(1)).await.expect("the run is there"), sealed);
}

/// `start` refuses a plan as stale if the links' revision is not the plan's.
pub async fn a_stale_plan_is_refused<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    applying(&stores, run(1), [operation(run(1), 0)]).await;
    planned(&stores, run(2), []).await;
    settle(&stores, &claim(&stores, run(1), 1).await, &done()).await;
    stores.runs.finish(INSTALL, run(1)).await.expect("a run finishes");
    assert_eq!(refusal(stores.runs.start(INSTALL, run(2)).await), Refusal::Stale { planned: 0, current: 1 });
    assert_eq!(stores.runs.get(INSTALL, run(2)).await.expect("the run is there").state, RunState::Planned);
}

/// Starting a run that is being applied already is harmless.
pub async fn a_started_run_may_be_started_again<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let started = applying(&stores, run(1), [operation(run(1), 0), operation(run(1), 1)]).await;
    assert_eq!(started.state, RunState::Applying);
    settle(&stores, &claim(&stores, run(1), 1).await, &done()).await;
    assert_eq!(stores.runs.start(INSTALL, run(1)).await.expect("harmless, though the revision has moved"), started);
}

/// `start` is refused while another run of the install is being applied.
pub async fn only_one_run_is_applied_at_a_time<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    applying(&stores, run(1), []).await;
    planned(&stores, run(2), []).await;
    assert_eq!(refusal(stores.runs.start(INSTALL, run(2)).await), wrong_state(RunState::Applying, 1));
    stores.runs.finish(INSTALL, run(1)).await.expect("a run finishes");
    stores.runs.start(INSTALL, run(2)).await.expect("a run starts");
}

/// `finish` is refused while an operation is waiting or sent.
pub async fn a_run_with_unsettled_operations_does_not_finish<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    applying(&stores, run(1), [operation(run(1), 0)]).await;
    assert_eq!(refusal(stores.runs.finish(INSTALL, run(1)).await), wrong_state(RunState::Applying, 1));
    let claimed = claim(&stores, run(1), 1).await;
    assert_eq!(refusal(stores.runs.finish(INSTALL, run(1)).await), wrong_state(RunState::Applying, 1));
    settle(&stores, &claimed, &done()).await;
    let finished = stores.runs.finish(INSTALL, run(1)).await.expect("a run finishes");
    assert_eq!(finished.state, RunState::Finished);
    assert_eq!(stores.runs.finish(INSTALL, run(1)).await.expect("harmless"), finished);
    planned(&stores, run(2), []).await;
    assert_eq!(refusal(stores.runs.finish(INSTALL, run(2)).await), wrong_state(RunState::Planned, 2));
}

/// `abandon` drops a run with its operations, those in doubt among them; what it has linked stays, and the way is free.
pub async fn an_abandoned_run_leaves_its_links_and_nothing_else<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    applying(&stores, run(1), (0..3).map(|seq| operation(run(1), seq))).await;
    let linked = Ended::Done { link: Some(link("k0", 1, "Ann")), association: None, created: Some(true) };
    settle(&stores, &claim(&stores, run(1), 1).await, &linked).await;
    let in_doubt = claim(&stores, run(1), 1).await;
    let dropped = stores.runs.abandon(INSTALL, run(1)).await.expect("a run is abandoned");
    assert_eq!(dropped.state, RunState::Dropped);
    assert_eq!(stores.runs.abandon(INSTALL, run(1)).await.expect("harmless"), dropped);
    assert!(stores.runs.progress(INSTALL, run(1)).await.expect("counts").is_empty());
    assert_eq!(stores.queue.in_doubt(INSTALL, run(1)).await.expect("nothing is in doubt"), []);
    refusal(stores.queue.claim(INSTALL, run(1), 1, NOW).await);
    refusal(stores.queue.settle(INSTALL, super::fixtures::settlement(&in_doubt, &done()), NOW).await);
    assert_eq!(stores.links.count(INSTALL, &entry("people")).await.expect("a count"), 1);
    assert_eq!(stores.runs.open_run(INSTALL).await.expect("an answer"), None);
    planned(&stores, run(2), [operation(run(2), 0)]).await;
    home.crash().await;
    drop(stores);
    let stores = home.open().await;
    assert_eq!(stores.runs.get(INSTALL, run(1)).await.expect("the run is there").state, RunState::Dropped);
    stores.runs.start(INSTALL, run(2)).await.expect("the next run starts");
}

/// `abandon` takes planned runs as well, and refuses those that are being planned, are finished, or unknown.
pub async fn only_an_open_run_is_abandoned<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    assert_eq!(refusal(stores.runs.abandon(INSTALL, run(1)).await), Refusal::UnknownRun(run(1).to_string()));
    planning(&stores, run(1), [operation(run(1), 0)]).await;
    assert_eq!(refusal(stores.runs.abandon(INSTALL, run(1)).await), wrong_state(RunState::Planning, 1));
    stores.runs.seal(INSTALL, run(1), Plan::default()).await.expect("a plan is sealed");
    assert_eq!(stores.runs.abandon(INSTALL, run(1)).await.expect("a plan is dropped").state, RunState::Dropped);
    assert!(stores.runs.progress(INSTALL, run(1)).await.expect("counts").is_empty());
    applying(&stores, run(2), []).await;
    stores.runs.finish(INSTALL, run(2)).await.expect("a run finishes");
    assert_eq!(refusal(stores.runs.abandon(INSTALL, run(2)).await), wrong_state(RunState::Finished, 2));
}

/// After `finish` the rejected rows and the counts stay.
pub async fn a_finished_run_keeps_its_rejected_rows_and_counts<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    applying(&stores, run(1), (0..3).map(|seq| operation(run(1), seq))).await;
    settle(&stores, &claim(&stores, run(1), 2).await, &done()).await;
    let refused = Ended::Rejected(rejection("no"));
    settle(&stores, &claim(&stores, run(1), 1).await, &refused).await;
    stores.runs.finish(INSTALL, run(1)).await.expect("a run finishes");
    let progress = stores.runs.progress(INSTALL, run(1)).await.expect("counts");
    let kind = |state| (0, entry("people"), "upsert".to_owned(), state);
    let counts: Vec<_> = progress.into_iter().collect();
    assert_eq!(counts, [(kind(OperationState::Done), 2), (kind(OperationState::Rejected), 1)]);
    let rejected = stores.runs.rejected(INSTALL, run(1), 0, 9).await.expect("rejected rows");
    assert_eq!(rejected.len(), 1);
}

/// `begin` forgets ended runs beyond the newest ones, with their rejected rows.
pub async fn of_the_ended_runs_the_newest_stay<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let kept = u64::try_from(ENDED_RUNS_KEPT_MAX).expect("a small number");
    for number in 1..=kept + 2 {
        planning(&stores, run(number), []).await;
        let chunk = PlanChunk { rejected: vec![rejected_row("a")], ..PlanChunk::default() };
        stores.runs.extend(INSTALL, run(number), chunk).await.expect("a chunk");
        stores.runs.seal(INSTALL, run(number), Plan::default()).await.expect("a plan is sealed");
        stores.runs.start(INSTALL, run(number)).await.expect("a run starts");
        stores.runs.finish(INSTALL, run(number)).await.expect("a run finishes");
    }
    planning(&stores, run(kept + 3), []).await;
    for forgotten in [1, 2] {
        assert_eq!(refusal(stores.runs.get(INSTALL, run(forgotten)).await), unknown(forgotten));
        assert_eq!(refusal(stores.runs.rejected(INSTALL, run(forgotten), 0, 9).await), unknown(forgotten));
    }
    assert_eq!(stores.runs.rejected(INSTALL, run(3), 0, 9).await.expect("rejected rows").len(), 1);
    assert_eq!(stores.runs.recent(INSTALL, usize::MAX).await.expect("runs").len(), ENDED_RUNS_KEPT_MAX + 1);
}

fn unknown(number: u64) -> Refusal {
    Refusal::UnknownRun(run(number).to_string())
}

/// The open run is the one being applied, else the newest planned one.
pub async fn the_open_run_is_the_one_being_applied_then_the_newest_planned<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let open = async || stores.runs.open_run(INSTALL).await.expect("an answer").map(|open| open.id);
    assert_eq!(open().await, None);
    planning(&stores, run(1), []).await;
    assert_eq!(open().await, None);
    stores.runs.seal(INSTALL, run(1), Plan::default()).await.expect("a plan is sealed");
    assert_eq!(open().await, Some(run(1)));
    stores.runs.start(INSTALL, run(1)).await.expect("a run starts");
    planned(&stores, run(2), []).await;
    assert_eq!(open().await, Some(run(1)));
    stores.runs.finish(INSTALL, run(1)).await.expect("a run finishes");
    assert_eq!(open().await, Some(run(2)));
}

/// The last runs come newest first.
pub async fn recent_runs_come_newest_first<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    for number in [2, 1, 3] {
        stores.runs.begin(INSTALL, run(number), number, Wall(0)).await.expect("a run begins");
    }
    let recent = async |limit| -> Vec<u64> {
        let runs = stores.runs.recent(INSTALL, limit).await.expect("runs");
        runs.into_iter().map(|run| run.mapping).collect()
    };
    assert_eq!(recent(2).await, [3, 2]);
    assert_eq!(recent(9).await, [3, 2, 1]);
    assert!(recent(0).await.is_empty());
}

/// Rejected rows come in the order of rejection, after the first `skip`.
pub async fn rejected_rows_come_in_order_and_in_pages<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    stores.runs.begin(INSTALL, run(1), 7, NOW).await.expect("a run begins");
    for rows in [["b", "a"], ["d", "a"]] {
        let chunk = PlanChunk { rejected: rows.map(rejected_row).to_vec(), ..PlanChunk::default() };
        stores.runs.extend(INSTALL, run(1), chunk).await.expect("a chunk is added");
    }
    let page = async |skip, limit| stores.runs.rejected(INSTALL, run(1), skip, limit).await.expect("rejected rows");
    assert_eq!(page(0, 9).await, ["b", "a", "d", "a"].map(rejected_row));
    assert_eq!(page(1, 2).await, ["a", "d"].map(rejected_row));
    assert_eq!(page(4, 2).await, []);
}

/// (portal, app) leads every key: nothing of one install is seen, counted or changed by another.
pub async fn installs_never_meet<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    applying(&stores, run(1), [operation(run(1), 0)]).await;
    stores.mirror.put(INSTALL, vec![contact(5, &[])]).await.expect("records are stored");
    assert_eq!(refusal(stores.runs.get(OTHER, run(1)).await), Refusal::UnknownRun(run(1).to_string()));
    stores.runs.begin(OTHER, run(1), 8, NOW).await.expect("the same number is free");
    stores.runs.extend(OTHER, run(1), chunk([operation(run(1), 0)])).await.expect("a chunk is added");
    stores.runs.seal(OTHER, run(1), Plan::default()).await.expect("a plan is sealed");
    stores.runs.start(OTHER, run(1)).await.expect("each install applies a run of its own");
    let claimed = claim(&stores, run(1), 9).await;
    let stolen = stores.queue.settle(OTHER, super::fixtures::settlement(&claimed, &done()), NOW).await;
    assert!(matches!(refusal(stolen), Refusal::NotClaimed(_)));
    assert_eq!(stores.queue.outlook(OTHER, run(1)).await.expect("an outlook").waiting, 1);
    assert_eq!(stores.mirror.count(OTHER, &contacts()).await.expect("a count"), 0);
    settle(&stores, &claimed, &done()).await;
    assert_eq!(stores.links.revision(OTHER).await.expect("a revision"), 0);
}

/// What a method returned as written survives a crash.
pub async fn what_was_written_survives_a_crash<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let found = PlanChunk {
        operations: vec![operation(run(1), 0)],
        rejected: vec![rejected_row("r")],
        links: vec![link("a", 1, "Ann")],
        associations: vec![association("a", 0, "x")],
        mirror: vec![contact(1, &[("firstname", Some("Ann"))])],
    };
    stores.runs.begin(INSTALL, run(1), 7, NOW).await.expect("a run begins");
    stores.runs.extend(INSTALL, run(1), found).await.expect("a chunk is added");
    let sealed = stores.runs.seal(INSTALL, run(1), Plan::default()).await.expect("a plan is sealed");
    home.crash().await;
    drop(stores);
    let stores = home.open().await;
    assert_eq!(stores.runs.open_run(INSTALL).await.expect("an answer"), Some(sealed));
    assert_eq!(stores.runs.rejected(INSTALL, run(1), 0, 9).await.expect("rejected rows"), [rejected_row("r")]);
    let links = stores.links.get(INSTALL, &entry("people"), &[key("a")]).await.expect("links");
    assert_eq!(links, [Some(link("a", 1, "Ann"))]);
    let associations = stores.links.associations(INSTALL, &entry("people"), &[key("a")]).await.expect("associations");
    assert_eq!(associations, [vec![association("a", 0, "x")]]);
    let mirrored =
        stores.mirror.get(INSTALL, &contacts(), &[linchpin_hubspot::id::RecordId(1)]).await.expect("records");
    assert_eq!(mirrored, [Some(contact(1, &[("firstname", Some("Ann"))]))]);
    stores.runs.start(INSTALL, run(1)).await.expect("a run starts");
    assert_eq!(claim(&stores, run(1), 9).await.len(), 1);
}
