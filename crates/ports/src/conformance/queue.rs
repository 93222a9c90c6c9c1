//! What every queue promises. Each function panics when its sentence is not kept.
#![expect(clippy::missing_panics_doc, reason = "panicking is how a conformance test fails")]

use std::collections::BTreeSet;
use std::time::Duration;

use linchpin_core::sync::operation::{Action, AssociationChange, Ended};
use linchpin_core::time::Wall;
use linchpin_hubspot::id::{ObjectType, RecordId};

use super::Home;
use super::fixtures::{
    INSTALL, NOW, again, applying, association, claim, contact, contacts, done, entry, key, link, operation,
    operation_in, person, planned, planning, rejection, run, seqs, settle, settlement,
};
use crate::mirror::MirrorRecord;
use crate::queue::{Outlook, Settlement};
use crate::store::{Refusal, StoreError};

const SECOND: Duration = Duration::from_secs(1);

/// No operation.
const NONE: [u64; 0] = [];

fn is_not_claimed(answer: &Result<(), StoreError>) -> bool {
    matches!(answer, Err(StoreError::Refused(Refusal::NotClaimed(_))))
}

/// A claim from a run that is not `Applying` is refused.
pub async fn only_a_run_in_applying_is_claimed_from<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    planning(&stores, run(1), [operation(run(1), 0)]).await;
    let refused = |answer| matches!(answer, Err(StoreError::Refused(Refusal::WrongState { .. })));
    assert!(refused(stores.queue.claim(INSTALL, run(1), 1, NOW).await));
    planned(&stores, run(2), [operation(run(2), 0)]).await;
    assert!(refused(stores.queue.claim(INSTALL, run(2), 1, NOW).await));
    stores.runs.start(INSTALL, run(2)).await.expect("a run starts");
    assert!(!refused(stores.queue.claim(INSTALL, run(2), 1, NOW).await));
}

/// A claimed operation is the planned one.
pub async fn a_claimed_operation_comes_as_it_was_planned<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let associate = Action::Associate {
        to_object: ObjectType::new("companies"),
        to: person("x"),
        kind: "people as 3".into(),
        association_type: None,
    };
    let second = linchpin_core::sync::operation::Operation { action: associate, ..operation(run(1), 8) };
    let all = [operation(run(1), 3), second];
    applying(&stores, run(1), all.clone()).await;
    let claimed = claim(&stores, run(1), 9).await;
    let operations: Vec<_> = claimed.into_iter().map(|claimed| claimed.operation).collect();
    assert_eq!(operations, all);
}

/// Operations of one claim have equal pack keys, even where another pack lies between them.
pub async fn a_batch_has_one_pack_key<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let packs = ["a", "a", "b", "a", "b"];
    applying(&stores, run(1), (0..).zip(packs).map(|(seq, pack)| operation_in(run(1), seq, 0, pack))).await;
    assert_eq!(seqs(&claim(&stores, run(1), 9).await), [0, 1, 3]);
    assert_eq!(seqs(&claim(&stores, run(1), 9).await), [2, 4]);
    assert_eq!(seqs(&claim(&stores, run(1), 9).await), NONE);
}

/// A claim takes at most `limit`.
pub async fn a_batch_is_no_larger_than_the_limit<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    applying(&stores, run(1), (0..5).map(|seq| operation(run(1), seq))).await;
    assert_eq!(seqs(&claim(&stores, run(1), 0).await), NONE);
    assert_eq!(seqs(&claim(&stores, run(1), 2).await), [0, 1]);
    assert_eq!(seqs(&claim(&stores, run(1), u16::MAX).await), [2, 3, 4]);
}

/// A batch holds no more operations than the smallest `pack_max` among them.
pub async fn a_batch_is_no_larger_than_the_smallest_pack_max<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    applying(&stores, run(1), (0..6).map(|seq| operation(run(1), seq))).await;
    let claimed = claim(&stores, run(1), 9).await;
    let maxima = [3, 2, 9, 9, 1, 9];
    let ended = claimed.iter().zip(maxima).map(|(claimed, max)| (claimed.operation.id, again(NOW, "p", max)));
    let settlement = Settlement { ended: ended.collect(), mirror: Vec::new() };
    stores.queue.settle(INSTALL, settlement, NOW).await.expect("a settlement is written");
    let mut batches = Vec::new();
    loop {
        let claimed = claim(&stores, run(1), 9).await;
        if claimed.is_empty() {
            break;
        }
        batches.push(seqs(&claimed));
    }
    assert_eq!(batches, [vec![0, 1], vec![2, 3], vec![4], vec![5]]);
}

/// A `pack_max` of zero is taken as one.
pub async fn a_pack_max_of_zero_still_lets_one_go<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    applying(&stores, run(1), [operation(run(1), 0), operation(run(1), 1)]).await;
    settle(&stores, &claim(&stores, run(1), 9).await, &again(NOW, "p", 0)).await;
    assert_eq!(seqs(&claim(&stores, run(1), 9).await), [0]);
}

/// Operations of a lower stage are all settled before one of a higher stage is claimed.
pub async fn a_higher_stage_waits_until_the_lower_ones_are_settled<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    // The second stage comes first in the plan: the order of stages is not that of places.
    applying(&stores, run(1), [operation_in(run(1), 0, 2, "p"), operation_in(run(1), 1, 1, "p")]).await;
    let lower = claim(&stores, run(1), 9).await;
    assert_eq!(seqs(&lower), [1]);
    assert_eq!(seqs(&claim(&stores, run(1), 9).await), NONE, "the lower stage is sent");
    settle(&stores, &lower, &Ended::Unknown).await;
    assert_eq!(seqs(&claim(&stores, run(1), 9).await), NONE, "the lower stage is unknown");
    settle(&stores, &lower, &again(NOW + SECOND, "p", 9)).await;
    assert_eq!(seqs(&claim(&stores, run(1), 9).await), NONE, "the lower stage waits");
    let lower = stores.queue.claim(INSTALL, run(1), 9, NOW + SECOND).await.expect("an answer").expect("it is due");
    settle(&stores, &lower, &Ended::Rejected(rejection("no"))).await;
    assert_eq!(seqs(&claim(&stores, run(1), 9).await), [0], "rejected is settled");
}

/// Nothing is claimed before it is due.
pub async fn nothing_is_claimed_before_it_is_due<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    applying(&stores, run(1), (0..3).map(|seq| operation(run(1), seq))).await;
    settle(&stores, &claim(&stores, run(1), 2).await, &again(NOW + SECOND, "p", 9)).await;
    assert_eq!(seqs(&claim(&stores, run(1), 9).await), [2]);
    assert_eq!(seqs(&claim(&stores, run(1), 9).await), NONE);
    let due = stores.queue.claim(INSTALL, run(1), 9, NOW + SECOND).await.expect("an answer").expect("due");
    assert_eq!(seqs(&due), [0, 1]);
}

/// First come, first served: by due time, then by `seq`.
pub async fn first_come_is_first_served<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    applying(&stores, run(1), (0..4).map(|seq| operation(run(1), seq))).await;
    let (first, second) = (claim(&stores, run(1), 1).await, claim(&stores, run(1), 1).await);
    settle(&stores, &first, &again(Wall(NOW.0 - 1), "p", 9)).await;
    settle(&stores, &second, &again(Wall(NOW.0 - 2), "p", 9)).await;
    assert_eq!(seqs(&claim(&stores, run(1), 9).await), [2, 3, 1, 0]);
}

/// A claimed operation is not claimed again.
pub async fn no_operation_is_claimed_twice<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    applying(&stores, run(1), (0..3).map(|seq| operation(run(1), seq))).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.extend(seqs(&claim(&stores, run(1), 1).await));
    }
    assert_eq!(seen, [0, 1, 2]);
}

/// Concurrent claimers get every operation once between them.
pub async fn concurrent_claimers_share_the_work_without_overlap<H: Home>(make: impl Fn() -> H) {
    const OPERATIONS: u64 = 300;
    let mut home = make();
    let stores = home.open().await;
    applying(&stores, run(1), (0..OPERATIONS).map(|seq| operation(run(1), seq))).await;
    let claimer = async || {
        let mut mine = Vec::new();
        loop {
            let claimed = claim(&stores, run(1), 7).await;
            if claimed.is_empty() {
                return mine;
            }
            settle(&stores, &claimed, &done()).await;
            mine.extend(seqs(&claimed));
        }
    };
    let (a, b, c, d) = tokio::join!(claimer(), claimer(), claimer(), claimer());
    let all: Vec<u64> = [a, b, c, d].concat();
    assert_eq!(all.len() as u64, OPERATIONS);
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>().len() as u64, OPERATIONS);
}

/// A claim counts the attempts and remembers when it was.
pub async fn a_claim_counts_attempts_and_remembers_its_moment<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    applying(&stores, run(1), [operation(run(1), 0)]).await;
    for attempt in 1..4_u32 {
        let now = NOW + SECOND * attempt;
        let claimed = stores.queue.claim(INSTALL, run(1), 9, now).await.expect("an answer").expect("due");
        let told: Vec<_> = claimed.iter().map(|claimed| (claimed.attempts, claimed.at)).collect();
        assert_eq!(told, [(attempt, now)]);
        assert_eq!(stores.queue.in_doubt(INSTALL, run(1)).await.expect("operations"), claimed);
        settle(&stores, &claimed, &again(now, "p", 9)).await;
    }
}

/// The floor is the highest id of the object type that the mirror held at the claim.
pub async fn the_floor_is_the_highest_mirrored_id_at_the_claim<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    applying(&stores, run(1), (0..2).map(|seq| operation(run(1), seq))).await;
    let deal = MirrorRecord { object_type: ObjectType::new("deals"), ..contact(900, &[]) };
    let floors = |claimed: Vec<crate::queue::Claimed>| claimed.iter().map(|claimed| claimed.floor).collect::<Vec<_>>();
    let first = claim(&stores, run(1), 1).await;
    assert_eq!(floors(first.clone()), [RecordId(0)]);
    let mirror = vec![contact(40, &[]), contact(50, &[]), deal];
    stores.mirror.put(INSTALL, mirror).await.expect("records are stored");
    assert_eq!(floors(claim(&stores, run(1), 1).await), [RecordId(50)]);
    let doubt = stores.queue.in_doubt(INSTALL, run(1)).await.expect("operations");
    assert_eq!(floors(doubt), [RecordId(0), RecordId(50)], "the floor of an earlier claim does not rise");
}

/// A settlement with one operation that is not claimed writes nothing.
pub async fn a_settlement_is_all_or_nothing<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    applying(&stores, run(1), (0..3).map(|seq| operation(run(1), seq))).await;
    let claimed = claim(&stores, run(1), 1).await;
    let with_link = Ended::Done { link: Some(link("k0", 1, "Ann")), association: None, created: Some(true) };
    let waiting = operation(run(1), 2).id;
    let mut spoiled = settlement(&claimed, &with_link);
    spoiled.ended.push((waiting, done()));
    spoiled.mirror.push(contact(1, &[]));
    assert!(is_not_claimed(&stores.queue.settle(INSTALL, spoiled, NOW).await));
    assert_eq!(stores.queue.in_doubt(INSTALL, run(1)).await.expect("operations"), claimed);
    assert_eq!(stores.links.count(INSTALL, &entry("people")).await.expect("a count"), 0);
    assert_eq!(stores.mirror.count(INSTALL, &contacts()).await.expect("a count"), 0);
    assert_eq!(stores.links.revision(INSTALL).await.expect("a revision"), 0);
    settle(&stores, &claimed, &with_link).await;
    assert_eq!(stores.links.count(INSTALL, &entry("people")).await.expect("a count"), 1);
}

/// What is settled is no longer claimed: a repeated settlement is refused, also inside one settlement.
pub async fn what_is_settled_cannot_be_settled_again<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    applying(&stores, run(1), (0..3).map(|seq| operation(run(1), seq))).await;
    for ended in [done(), Ended::Rejected(rejection("no")), again(NOW + SECOND, "p", 9)] {
        let claimed = claim(&stores, run(1), 1).await;
        let mut twice = settlement(&claimed, &ended);
        twice.ended.extend(twice.ended.clone());
        assert!(is_not_claimed(&stores.queue.settle(INSTALL, twice, NOW).await));
        settle(&stores, &claimed, &ended).await;
        assert!(is_not_claimed(&stores.queue.settle(INSTALL, settlement(&claimed, &ended), NOW).await));
    }
}

/// `Unknown` operations stay `Sent`, and may be settled later.
pub async fn an_unknown_operation_stays_sent<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    applying(&stores, run(1), [operation(run(1), 0)]).await;
    let claimed = claim(&stores, run(1), 1).await;
    settle(&stores, &claimed, &Ended::Unknown).await;
    assert_eq!(stores.queue.in_doubt(INSTALL, run(1)).await.expect("operations"), claimed);
    assert_eq!(seqs(&claim(&stores, run(1), 1).await), NONE);
    settle(&stores, &claimed, &done()).await;
    assert_eq!(stores.queue.in_doubt(INSTALL, run(1)).await.expect("operations"), []);
}

/// An operation that goes again has its new pack key and due time.
pub async fn an_operation_that_goes_again_has_its_new_pack_and_due_time<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    applying(&stores, run(1), (0..3).map(|seq| operation(run(1), seq))).await;
    settle(&stores, &claim(&stores, run(1), 1).await, &again(NOW, "narrow", 9)).await;
    assert_eq!(seqs(&claim(&stores, run(1), 9).await), [1, 2]);
    let again = claim(&stores, run(1), 9).await;
    let packs: Vec<_> = again.iter().map(|claimed| claimed.operation.pack.as_str()).collect();
    assert_eq!((seqs(&again), packs), (vec![0], vec!["narrow"]));
}

/// A rejected operation is kept with its reason, its row and what was to be written.
pub async fn a_rejected_operation_is_kept_with_its_reason<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    applying(&stores, run(1), [operation(run(1), 0)]).await;
    settle(&stores, &claim(&stores, run(1), 1).await, &Ended::Rejected(rejection("too long"))).await;
    let kept = stores.runs.rejected(INSTALL, run(1), 0, 9).await.expect("rejected rows");
    let kept: Vec<_> = kept.iter().map(|kept| (&kept.row, &kept.rejection, kept.content.contains("name 0"))).collect();
    assert_eq!(kept, [(&person("k0"), &rejection("too long"), true)]);
}

/// A settlement leaves behind its links, associations and records.
pub async fn a_settlement_leaves_its_links_associations_and_records<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    applying(&stores, run(1), (0..3).map(|seq| operation(run(1), seq))).await;
    let ends = async |ended: Ended, mirror: Vec<MirrorRecord>| {
        let claimed = claim(&stores, run(1), 1).await;
        let settlement = Settlement { mirror, ..settlement(&claimed, &ended) };
        stores.queue.settle(INSTALL, settlement, NOW).await.expect("a settlement is written");
    };
    let linked = Ended::Done { link: Some(link("a", 8, "Ann")), association: None, created: Some(true) };
    ends(linked, vec![contact(8, &[("firstname", Some("Ann"))])]).await;
    let found = stores.links.get(INSTALL, &entry("people"), &[key("a")]).await.expect("links");
    assert_eq!(found, [Some(link("a", 8, "Ann"))]);
    let mirrored = stores.mirror.get(INSTALL, &contacts(), &[RecordId(8)]).await.expect("records");
    assert_eq!(mirrored, [Some(contact(8, &[("firstname", Some("Ann"))]))]);

    let associations = async || {
        let found = stores.links.associations(INSTALL, &entry("people"), &[key("a")]).await.expect("associations");
        found.concat()
    };
    let change = |change| Ended::Done { link: None, association: Some(change), created: None };
    ends(change(AssociationChange::Made(association("a", 1, "x"))), Vec::new()).await;
    assert_eq!(associations().await, [association("a", 1, "x")]);
    ends(change(AssociationChange::Removed(association("a", 1, "x"))), Vec::new()).await;
    assert_eq!(associations().await, []);
}

/// Settling an operation as done moves the links' revision, anything else leaves it.
pub async fn a_settlement_moves_the_revision_only_if_something_was_done<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    applying(&stores, run(1), (0..4).map(|seq| operation(run(1), seq))).await;
    let revision = async || stores.links.revision(INSTALL).await.expect("a revision");
    let mut before = revision().await;
    for (ended, moves) in [
        (Ended::Rejected(rejection("no")), false),
        (done(), true),
        (Ended::Unknown, false),
        (again(NOW + SECOND, "p", 1), false),
    ] {
        settle(&stores, &claim(&stores, run(1), 1).await, &ended).await;
        let after = revision().await;
        assert_eq!(after > before, moves, "{ended:?}");
        before = after;
    }
}

/// After a crash, `in_doubt` gives the operations that were sent, in order.
pub async fn operations_in_doubt_come_back_after_a_crash_in_order<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let packs = ["a", "b", "a", "b"];
    applying(&stores, run(1), (0..).zip(packs).map(|(seq, pack)| operation_in(run(1), seq, 0, pack))).await;
    let mut claimed = claim(&stores, run(1), 9).await;
    claimed.extend(claim(&stores, run(1), 1).await);
    assert_eq!(seqs(&claimed), [0, 2, 1]);
    home.crash().await;
    drop(stores);
    let stores = home.open().await;
    claimed.sort_by_key(|claimed| claimed.operation.id);
    assert_eq!(stores.queue.in_doubt(INSTALL, run(1)).await.expect("operations"), claimed);
    assert_eq!(seqs(&claim(&stores, run(1), 9).await), [3], "what waited still waits");
}

/// The outlook counts what waits and what is sent, and names the next due time of the lowest unsettled stage.
pub async fn the_outlook_counts_and_names_the_next_due_time<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let stages = [0, 0, 1];
    applying(&stores, run(1), (0..).zip(stages).map(|(seq, stage)| operation_in(run(1), seq, stage, "p"))).await;
    let outlook = async || stores.queue.outlook(INSTALL, run(1)).await.expect("an outlook");
    let fresh = outlook().await;
    assert_eq!((fresh.waiting, fresh.sent), (3, 0));
    assert!(fresh.next_due.is_some_and(|due| due <= NOW));
    let claimed = claim(&stores, run(1), 9).await;
    assert_eq!(outlook().await, Outlook { waiting: 1, sent: 2, next_due: None });
    settle(&stores, &claimed, &again(NOW + SECOND, "p", 9)).await;
    assert_eq!(outlook().await, Outlook { waiting: 3, sent: 0, next_due: Some(NOW + SECOND) });
    let claimed = stores.queue.claim(INSTALL, run(1), 9, NOW + SECOND).await.expect("an answer").expect("due");
    settle(&stores, &claimed, &done()).await;
    settle(&stores, &claim(&stores, run(1), 9).await, &done()).await;
    assert_eq!(outlook().await, Outlook::default());
}

/// A settlement survives a crash.
pub async fn a_settlement_survives_a_crash<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    applying(&stores, run(1), (0..2).map(|seq| operation(run(1), seq))).await;
    let linked = Ended::Done { link: Some(link("k0", 8, "Ann")), association: None, created: Some(true) };
    settle(&stores, &claim(&stores, run(1), 1).await, &linked).await;
    home.crash().await;
    drop(stores);
    let stores = home.open().await;
    let found = stores.links.records(INSTALL, &[person("k0")]).await.expect("records");
    assert_eq!(found, [Some(RecordId(8))]);
    assert_eq!(stores.links.revision(INSTALL).await.expect("a revision"), 1);
    let outlook = stores.queue.outlook(INSTALL, run(1)).await.expect("an outlook");
    assert_eq!((outlook.waiting, outlook.sent), (1, 0));
}
