//! What the store of dead letters promises. Each function panics when its sentence is not kept.
#![expect(clippy::missing_panics_doc, reason = "panicking is how a conformance test fails")]

use bytes::Bytes;
use linchpin_core::gateway::dead::Reason;
use linchpin_core::gateway::operation::{Came, End, Event, Kept, Progress, Request, State, Write};
use linchpin_core::time::Wall;

use super::Home;
use super::fixtures::{INSTALL, NOW, OTHER};
use super::operations::{accepted, answer, found, given_up, id, write};
use crate::dead_letters::{Filter, Letter};
use crate::operations::{Accepted, Ending};
use crate::store::{Refusal, StoreError, Stores};

fn reason() -> Reason {
    Reason { what: "it was refused".to_owned(), to_do: "correct it".to_owned(), fields: vec!["email".to_owned()] }
}

fn event() -> Event {
    Event::Tried { at: NOW, came: Came { at: NOW, status: Some(400), ..Came::default() } }
}

fn refusal(status: u16) -> End {
    End::Answered(Kept::of(status, Vec::new(), Bytes::from_static(b"{\"message\":\"no\"}")))
}

async fn dies(stores: &Stores, write: Write, end: End, at: Wall) {
    let id = write.id.clone();
    accepted(stores, write).await;
    stores.operations.send(INSTALL, &id).await.expect("it is sent");
    let ending = Ending { end, event: Some(event()), dead: Some(reason()) };
    stores.operations.settle(INSTALL, &id, ending, at).await.expect("it ends");
}

async fn dead(stores: &Stores, number: u8, end: End, at: Wall) {
    dies(stores, write(number, None), end, at).await;
}

async fn letter(stores: &Stores, number: u8) -> Option<Letter> {
    stores.dead_letters.letter(INSTALL, &id(number)).await.expect("an answer")
}

async fn listed(stores: &Stores, filter: &Filter, before: Option<u64>, limit: usize) -> Vec<(u64, Write)> {
    stores.dead_letters.list(INSTALL, filter, before, limit).await.expect("a list")
}

async fn names(stores: &Stores, filter: &Filter) -> Vec<String> {
    listed(stores, filter, None, 99).await.into_iter().map(|(_, write)| write.id.0).collect()
}

async fn count(stores: &Stores) -> u64 {
    stores.dead_letters.count(INSTALL).await.expect("a count")
}

/// Request, answer, reason and history come back; headers that may be secrets do not.
pub async fn a_dead_letter_keeps_its_request_without_secrets_and_its_reason<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let before = write(1, Some("k"));
    let mut promised = before.clone();
    promised.request.headers.push(("x-api-key".to_owned(), b"secret".to_vec()));
    dies(&stores, promised, refusal(400), NOW).await;
    let state = State::Ended { at: NOW, end: refusal(400) };
    let progress = Progress { tries: 1, due: NOW, past: vec![event()] };
    let expected = Write { state, progress, dead: Some(reason()), ..before };
    assert_eq!(letter(&stores, 1).await, Some(Letter { write: expected.clone(), first_body: None }));
    assert_eq!(found(&stores, 1).await, Some(expected));
}

/// Writes that are open, or have ended well, are none.
pub async fn only_dead_letters_are_listed_and_counted<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    accepted(&stores, write(1, None)).await;
    accepted(&stores, write(2, None)).await;
    stores.operations.send(INSTALL, &id(2)).await.expect("it is sent");
    stores.operations.settle(INSTALL, &id(2), Ending::of(answer(2)), NOW).await.expect("it ends");
    assert_eq!((count(&stores).await, names(&stores, &Filter::default()).await), (0, Vec::new()));
    assert_eq!(letter(&stores, 2).await, None);
    dead(&stores, 3, End::Unknown, NOW).await;
    assert_eq!((count(&stores).await, names(&stores, &Filter::default()).await), (1, vec![id(3).0]));
}

/// The newest first, without bodies; a page goes on before the last number of the one before.
pub async fn letters_are_listed_by_filter_in_pages<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    dead(&stores, 1, refusal(400), NOW).await;
    dead(&stores, 2, refusal(404), NOW).await;
    dies(&stores, Write { caller: "nightly".to_owned(), ..write(3, None) }, refusal(400), NOW).await;
    dead(&stores, 4, given_up(), NOW).await;
    let by = |status, caller: Option<&str>| Filter { status, caller: caller.map(str::to_owned) };
    let named = |numbers: &[u8]| numbers.iter().map(|number| id(*number).0).collect::<Vec<_>>();
    assert_eq!(names(&stores, &by(None, None)).await, named(&[4, 3, 2, 1]));
    assert_eq!(names(&stores, &by(Some(400), None)).await, named(&[3, 1]));
    assert_eq!(names(&stores, &by(None, Some("billing"))).await, named(&[4, 2, 1]));
    assert_eq!(names(&stores, &by(Some(400), Some("nightly"))).await, named(&[3]));
    let first = listed(&stores, &by(None, None), None, 3).await;
    assert!(first.iter().all(|(_, write)| write.request.body.is_empty() && write.dead.is_some()), "{first:?}");
    let rest = listed(&stores, &by(None, None), first.last().map(|(seq, _)| *seq), 3).await;
    assert_eq!(rest.into_iter().map(|(_, write)| write.id.0).collect::<Vec<_>>(), named(&[1]));
}

/// However often it is edited: the first body stays, the last one counts, and every edit is in the history.
pub async fn an_edit_keeps_the_first_body_and_is_noted<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    dead(&stores, 1, refusal(400), NOW).await;
    let promised = write(1, None).request.body;
    let (one, two) = (Bytes::from_static(b"{\"a\":1}"), Bytes::from_static(b"{}"));
    for (body, at) in [(&one, NOW), (&two, Wall(NOW.0 + 1))] {
        stores.dead_letters.edit(INSTALL, &id(1), body.clone(), at).await.expect("it is edited");
    }
    let letter = letter(&stores, 1).await.expect("a letter");
    assert_eq!((letter.write.request.body, letter.first_body), (two, Some(promised.clone())));
    let edited = |at, bytes_before: usize, bytes_after: u64| Event::Edited {
        at,
        bytes_before: bytes_before as u64,
        bytes_after,
    };
    let past = [event(), edited(NOW, promised.len(), 7), edited(Wall(NOW.0 + 1), 7, 2)];
    assert_eq!(letter.write.progress.past, past);
}

/// It has its name, its key, its new body and its history, and comes after all others.
pub async fn a_replayed_letter_is_an_accepted_write_again<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    dies(&stores, write(1, Some("k")), refusal(400), NOW).await;
    let last = accepted(&stores, write(2, None)).await;
    stores.dead_letters.edit(INSTALL, &id(1), Bytes::from_static(b"{}"), NOW).await.expect("it is edited");
    let at = Wall(NOW.0 + 9);
    let seq = stores.dead_letters.replay(INSTALL, &id(1), at).await.expect("it is replayed");
    assert!(seq > last);
    let write = found(&stores, 1).await.expect("a write");
    assert_eq!((&write.state, &write.dead, write.acknowledged), (&State::Accepted, &None, true));
    assert_eq!(write.request.body, Bytes::from_static(b"{}"));
    assert_eq!((write.progress.tries, write.progress.due, write.progress.past.len()), (0, at, 3));
    assert_eq!(write.progress.past.last(), Some(&Event::Replayed { at }));
    assert_eq!((count(&stores).await, letter(&stores, 1).await), (0, None));
    let open = stores.operations.open(INSTALL).await.expect("open writes");
    assert_eq!(
        open.iter().map(|(seq, write)| (*seq, write.id.clone())).collect::<Vec<_>>(),
        [(last, id(2)), (seq, id(1))]
    );
    let again = stores.operations.accept(INSTALL, super::operations::write(3, Some("k"))).await.expect("an answer");
    assert!(matches!(again, Accepted::Known(_)), "its key is still its own: {again:?}");
    stores.operations.send(INSTALL, &id(1)).await.expect("it is sent");
    stores.operations.settle(INSTALL, &id(1), Ending::of(answer(2)), at).await.expect("it ends");
    let write = found(&stores, 1).await.expect("a write");
    assert!(write.request.body.is_empty() && write.request.headers.is_empty(), "{write:?}");
}

/// Its end is still told, and forgotten like others.
pub async fn a_discarded_letter_leaves_a_write_that_has_ended<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    dead(&stores, 1, refusal(400), NOW).await;
    stores.dead_letters.discard(INSTALL, &id(1)).await.expect("it is discarded");
    assert_eq!((count(&stores).await, letter(&stores, 1).await), (0, None));
    let write = found(&stores, 1).await.expect("a write");
    assert_eq!((write.state, write.dead), (State::Ended { at: NOW, end: refusal(400) }, None));
    assert!(write.request.body.is_empty() && write.request.headers.is_empty());
    assert_eq!(stores.operations.forget(INSTALL, NOW, 9).await.expect("a count"), 1);
}

/// What is none is refused, and so is what was one before.
pub async fn only_dead_letters_are_changed<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let letters = &stores.dead_letters;
    accepted(&stores, write(1, None)).await;
    let refused = |result: Result<(), StoreError>| {
        assert!(matches!(&result, Err(StoreError::Refused(Refusal::WriteState(_)))), "{result:?}");
    };
    for number in [1, 2] {
        refused(letters.edit(INSTALL, &id(number), Bytes::new(), NOW).await);
        refused(letters.replay(INSTALL, &id(number), NOW).await.map(drop));
        refused(letters.discard(INSTALL, &id(number)).await);
    }
    dead(&stores, 3, refusal(400), NOW).await;
    letters.replay(INSTALL, &id(3), NOW).await.expect("it is replayed");
    refused(letters.replay(INSTALL, &id(3), NOW).await.map(drop));
    refused(letters.edit(INSTALL, &id(3), Bytes::new(), NOW).await);
}

/// The oldest first, and no more than asked for.
pub async fn old_letters_and_those_beyond_the_limit_are_discarded<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    for number in 1..=6 {
        dead(&stores, number, End::Unknown, Wall(NOW.0 + i64::from(number))).await;
    }
    let until = Wall(NOW.0 + 3);
    let discard =
        async |keep, limit| stores.dead_letters.discard_old(INSTALL, until, keep, limit).await.expect("a count");
    assert_eq!(discard(9, 2).await, 2);
    assert_eq!(discard(9, 2).await, 1);
    assert_eq!(discard(9, 2).await, 0);
    assert_eq!(discard(2, 9).await, 1);
    assert_eq!(names(&stores, &Filter::default()).await, [id(6).0, id(5).0]);
}

/// When writes that ended then are forgotten, a dead letter stays, and its key can be used again.
pub async fn a_letter_outlives_its_key<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    dies(&stores, write(1, Some("k")), refusal(400), NOW).await;
    assert_eq!(stores.operations.forget(INSTALL, Wall(NOW.0 - 1), 9).await.expect("a count"), 0);
    assert!(letter(&stores, 1).await.expect("a letter").write.key.is_some());
    assert_eq!(stores.operations.forget(INSTALL, NOW, 9).await.expect("a count"), 0);
    assert!(letter(&stores, 1).await.expect("a letter").write.key.is_none());
    accepted(&stores, write(2, Some("k"))).await;
}

/// Another install has its own letters.
pub async fn installs_never_meet<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let letters = &stores.dead_letters;
    dead(&stores, 1, refusal(400), NOW).await;
    assert_eq!(letters.count(OTHER).await.expect("a count"), 0);
    assert_eq!(letters.list(OTHER, &Filter::default(), None, 9).await.expect("a list"), []);
    assert_eq!(letters.letter(OTHER, &id(1)).await.expect("an answer"), None);
    assert!(letters.edit(OTHER, &id(1), Bytes::new(), NOW).await.is_err());
    assert!(letters.replay(OTHER, &id(1), NOW).await.is_err());
    assert!(letters.discard(OTHER, &id(1)).await.is_err());
    assert_eq!(letters.discard_old(OTHER, NOW, 0, 9).await.expect("a count"), 0);
    assert!(letter(&stores, 1).await.is_some());
}

/// A letter, an edit, a replay and a discard are there after a crash.
pub async fn every_step_survives_a_crash<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    for number in 1..=4 {
        dead(&stores, number, refusal(400), NOW).await;
    }
    stores.dead_letters.edit(INSTALL, &id(2), Bytes::from_static(b"{}"), NOW).await.expect("it is edited");
    stores.dead_letters.replay(INSTALL, &id(3), NOW).await.expect("it is replayed");
    stores.dead_letters.discard(INSTALL, &id(4)).await.expect("it is discarded");
    home.crash().await;
    drop(stores);
    let stores = home.open().await;
    assert_eq!(names(&stores, &Filter::default()).await, [id(2).0, id(1).0]);
    let edited = letter(&stores, 2).await.expect("a letter");
    assert_eq!((edited.write.request.body, edited.first_body.is_some()), (Bytes::from_static(b"{}"), true));
    assert_eq!(found(&stores, 3).await.expect("a write").state, State::Accepted);
    assert_eq!(found(&stores, 3).await.expect("a write").request, Request { ..write(3, None).request });
    assert!(matches!(found(&stores, 4).await.expect("a write").state, State::Ended { .. }));
}
