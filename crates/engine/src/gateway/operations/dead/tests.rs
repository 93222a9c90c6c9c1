//! Dead letters with a HubSpot of a few lines behind them, on paused time, through crashes.

use std::time::Duration;

use http::Method;
use linchpin_core::gateway::operation::{Event, TRIED, TRIES_MAX};
use linchpin_ports::faulty::{self, Fault, Method as On};
use linchpin_ports::store::Stores;

use super::super::tests::{BEGIN, Hub, LATER, Life, PATIENCE, create, live, promise, stores};
use super::super::{Promise, Taken, Waited};
use super::*;

fn refused(key: Option<&str>) -> Promise {
    promise(Method::PATCH, "/crm/v3/objects/contacts/refused", "Graz", key)
}

fn lost(key: Option<&str>) -> Promise {
    promise(Method::POST, "/crm/v3/objects/contacts/lost", "Ana", key)
}

fn poison() -> Promise {
    promise(Method::PATCH, "/crm/v3/objects/contacts/poison", "Graz", None)
}

async fn letters(life: &Life) -> Vec<WriteId> {
    let all = life.operations.letters(&Filter::default(), None, 99).await.unwrap();
    all.into_iter().map(|(_, write)| write.id).collect()
}

async fn until_ended(life: &Life, id: &WriteId, patience: Duration) {
    let waited = life.operations.wait(id, patience).await.unwrap();
    assert!(!matches!(waited, Waited::Open), "it is open");
}

#[test]
fn a_refused_write_is_understood_edited_replayed_and_gone_also_across_a_crash() {
    let (hub, stores) = (Hub::default(), stores());
    let id = live(async {
        let life = Life::begin(&hub, &stores, BEGIN).await;
        let id = life.take(refused(Some("k"))).await;
        until_ended(&life, &id, PATIENCE).await;
        let letter = life.operations.letter(&id).await.unwrap().unwrap();
        let why = letter.write.dead.unwrap();
        assert!(why.what.starts_with("HubSpot refused to update a record in contacts"), "{why:?}");
        assert_eq!(&letter.write.request.body[..], b"Graz");
        assert!(life.operations.edit(&id, Bytes::from_static(b"{}")).await.unwrap());
        id
    });
    live(async {
        let life = Life::begin(&hub, &stores, LATER).await;
        assert_eq!(letters(&life).await, std::slice::from_ref(&id));
        life.operations.replay(&id, false).await.unwrap();
        assert!(letters(&life).await.is_empty());
        assert!(matches!(life.operations.replay(&id, false).await, Err(ReplayError::NotThere)));
        assert!(matches!(life.end(&id).await, End::Answered(kept) if kept.status == 201));
        // A repeat of its caller gets the end of the edited one.
        assert_eq!(life.operations.take(refused(Some("k"))).await.unwrap(), Taken::Known(id.clone()));
    });
    assert_eq!(hub.done(), ["PATCH /crm/v3/objects/contacts/refused {}"]);
}

#[test]
fn an_unknown_creation_is_not_replayed_unless_the_operator_has_looked() {
    let (hub, stores) = (Hub::default(), stores());
    live(async {
        let life = Life::begin(&hub, &stores, BEGIN).await;
        let id = life.take(lost(None)).await;
        until_ended(&life, &id, PATIENCE).await;
        let letter = life.operations.letter(&id).await.unwrap().unwrap();
        let why = letter.write.dead.unwrap();
        assert!(why.what.contains("nobody knows whether it did: the connection ended early"), "{why:?}");
        let guarded = life.operations.replay(&id, false).await;
        assert!(matches!(guarded, Err(ReplayError::Guarded(Guard::MayExist))), "{guarded:?}");
        let all = life.operations.replay_all(&Filter::default(), false).await.unwrap();
        assert_eq!(all, Replayed { guarded: vec![id.clone()], ..Replayed::default() });
        assert_eq!(hub.done().len(), 1);
        hub.well.store(true, Ordering::Relaxed);
        life.operations.replay(&id, true).await.unwrap();
        assert!(matches!(life.end(&id).await, End::Answered(_)));
    });
    assert_eq!(hub.done().len(), 2);
}

#[test]
fn a_caller_that_waits_is_told_and_one_that_has_left_leaves_a_letter() {
    let (hub, stores) = (Hub::default(), stores());
    live(async {
        let life = Life::begin(&hub, &stores, BEGIN).await;
        let waits = |key| Promise { acknowledged: false, ..refused(Some(key)) };
        let id = life.take(waits("a")).await;
        until_ended(&life, &id, PATIENCE).await;
        assert!(letters(&life).await.is_empty(), "its caller knows");
        let id = life.take(waits("b")).await;
        assert!(matches!(life.operations.wait(&id, Duration::from_millis(1)).await.unwrap(), Waited::Open));
        tokio::time::sleep(PATIENCE).await;
        assert_eq!(letters(&life).await, [id]);
    });
}

#[test]
fn what_a_crash_makes_unknown_is_a_letter_that_says_so() {
    let (hub, stores) = (Hub::default(), stores());
    let id = live(async {
        let life = Life::begin(&hub, &stores, BEGIN).await;
        let id = life.take(create("Ana", None)).await;
        tokio::time::sleep(Duration::from_millis(75)).await;
        id
    });
    live(async {
        let life = Life::begin(&hub, &stores, LATER).await;
        let letter = life.operations.letter(&id).await.unwrap().unwrap();
        assert!(
            letter.write.dead.unwrap().what.contains("Linchpin ended while it waited"),
            "{:?}",
            letter.write.progress
        );
        assert_eq!(letter.write.progress.past, [Event::Interrupted { at: LATER }]);
    });
}

#[test]
fn a_limit_of_others_is_waited_out_across_a_restart_with_the_tries_counted() {
    let (hub, stores) = (Hub::default(), stores());
    let busy = || promise(Method::POST, "/crm/v3/objects/contacts/busy", "Ana", None);
    let (id, before) = live(async {
        let life = Life::begin(&hub, &stores, BEGIN).await;
        let id = life.take(busy()).await;
        tokio::time::sleep(Duration::from_secs(900)).await;
        let write = life.operations.get(&id).await.unwrap().unwrap();
        life.tasks.shutdown().await.unwrap();
        (id, write.progress)
    });
    assert!(before.tries >= 3 && before.past.len() + 1 >= before.tries as usize, "{before:?}");
    assert!(matches!(&before.past[0], Event::Tried { came, .. } if came.status == Some(429)), "{before:?}");
    let after = BEGIN + Duration::from_secs(901);
    live(async {
        let life = Life::begin(&hub, &stores, after).await;
        hub.well.store(true, Ordering::Relaxed);
        until_ended(&life, &id, Duration::from_secs(2_000)).await;
        let write = life.operations.get(&id).await.unwrap().unwrap();
        assert!(write.progress.tries > before.tries, "{write:?}");
        assert!(matches!(write.state, State::Ended { end: End::Answered(kept), .. } if kept.status == 201));
        assert!(letters(&life).await.is_empty());
    });
    assert_eq!(hub.done().len(), 1);
}

#[test]
fn one_poison_among_a_hundred_good_ones_holds_back_none_and_dies_in_the_end() {
    let (hub, stores) = (Hub::default(), stores());
    live(async {
        let life = Life::begin(&hub, &stores, BEGIN).await;
        let bad = life.take(poison()).await;
        let mut good = Vec::new();
        for number in 0..100 {
            let path = format!("/crm/v3/objects/contacts/{number}");
            good.push(life.take(promise(Method::PATCH, &path, "Graz", None)).await);
        }
        for id in &good {
            assert!(matches!(life.end(id).await, End::Answered(kept) if kept.status == 201));
        }
        assert!(letters(&life).await.is_empty());
        until_ended(&life, &bad, 2 * TRIED).await;
        let letter = life.operations.letter(&bad).await.unwrap().unwrap();
        let (tries, why) = (letter.write.progress.tries, letter.write.dead.unwrap());
        assert!(tries > 20 && tries <= TRIES_MAX, "{tries}");
        assert!(why.what.contains("and said last (503)"), "{why:?}");
        let counts = life.operations.counts();
        assert_eq!((counts.accepted, counts.done, counts.refused, counts.waiting), (101, 100, 1, 0));
        // Another day of tries, and HubSpot is well.
        hub.well.store(true, Ordering::Relaxed);
        let all = life.operations.replay_all(&Filter { status: Some(503), caller: None }, false).await.unwrap();
        assert_eq!(all.again, std::slice::from_ref(&bad));
        // The breaker still counts what the poison did.
        until_ended(&life, &bad, 10 * PATIENCE).await;
        assert!(matches!(life.end(&bad).await, End::Answered(kept) if kept.status == 201));
    });
    assert_eq!(hub.done().len(), 101);
}

#[test]
fn a_store_that_loses_the_answer_to_a_replay_doubles_nothing() {
    for fault in [Fault::Before, Fault::After] {
        let (hub, (stores, script)): (Hub, (Stores, _)) = (Hub::default(), faulty::wrap(stores()));
        live(async {
            let life = Life::begin(&hub, &stores, BEGIN).await;
            let id = life.take(refused(None)).await;
            until_ended(&life, &id, PATIENCE).await;
            life.operations.edit(&id, Bytes::from_static(b"{}")).await.unwrap();
            script.fail(On::LettersReplay, fault);
            let first = life.operations.replay(&id, false).await;
            assert_eq!(first.is_ok(), fault == Fault::After, "{first:?}");
            if first.is_err() {
                life.operations.replay(&id, false).await.unwrap();
            }
            assert!(matches!(life.end(&id).await, End::Answered(_)));
        });
        assert!(script.is_spent());
        assert_eq!(hub.done().len(), 1, "{fault:?}");
    }
}

#[test]
fn a_dropped_letter_is_gone_and_its_caller_is_still_told() {
    let (hub, stores) = (Hub::default(), stores());
    live(async {
        let life = Life::begin(&hub, &stores, BEGIN).await;
        let id = life.take(refused(Some("k"))).await;
        until_ended(&life, &id, PATIENCE).await;
        assert_eq!(life.operations.letter_count().await.unwrap(), 1);
        assert!(life.operations.discard(&id).await.unwrap());
        assert!(!life.operations.discard(&id).await.unwrap());
        assert_eq!(life.operations.letter_count().await.unwrap(), 0);
        assert_eq!(life.operations.take(refused(Some("k"))).await.unwrap(), Taken::Known(id.clone()));
        assert!(matches!(life.end(&id).await, End::Answered(kept) if kept.status == 400));
    });
}

#[test]
fn old_letters_are_dropped_after_their_time() {
    let (hub, stores) = (Hub::default(), stores());
    live(async {
        let life = Life::begin(&hub, &stores, BEGIN).await;
        let id = life.take(refused(None)).await;
        until_ended(&life, &id, PATIENCE).await;
        life.tasks.shutdown().await.unwrap();
    });
    for (at, left) in [(LETTERS_KEPT / 2, 1), (LETTERS_KEPT + PATIENCE, 0)] {
        live(async {
            let life = Life::begin(&hub, &stores, BEGIN + at).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!(life.operations.letter_count().await.unwrap(), left);
            life.tasks.shutdown().await.unwrap();
        });
    }
}
