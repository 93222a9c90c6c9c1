//! What the store of promised writes promises. Each function panics when its sentence is not kept.
#![expect(clippy::missing_panics_doc, reason = "panicking is how a conformance test fails")]

use bytes::Bytes;
use linchpin_core::gateway::operation::{
    ANSWER_BYTES_MAX, Came, End, Event, IdempotencyKey, Kept, Progress, Request, State, Write, WriteId,
};
use linchpin_core::schedule::lanes::Lane;
use linchpin_core::time::Wall;

use super::Home;
use super::fixtures::{INSTALL, NOW, OTHER};
use crate::operations::{Accepted, Ending};
use crate::store::{Refusal, StoreError, Stores};

pub(super) fn id(number: u8) -> WriteId {
    WriteId(format!("write-{number}"))
}

pub(super) fn write(number: u8, key: Option<&str>) -> Write {
    Write {
        id: id(number),
        caller: "billing".to_owned(),
        key: key.map(|key| IdempotencyKey::new(key.as_bytes()).expect("a key")),
        digest: [number; 32],
        acknowledged: number.is_multiple_of(2),
        request: Request {
            lane: Lane::Bulk,
            deadline_ms: Some(u64::from(number)),
            method: "POST".to_owned(),
            target: "/crm/v3/objects/contacts?archived=false".to_owned(),
            headers: vec![("content-type".to_owned(), b"application/json".to_vec()), ("x-odd".to_owned(), vec![0xe9])],
            body: Bytes::from_static(b"{\"properties\":{\"city\":\"Graz\"}}"),
        },
        accepted: NOW,
        state: State::Accepted,
        progress: Progress { tries: 0, due: NOW, past: Vec::new() },
        dead: None,
    }
}

pub(super) async fn accepted(stores: &Stores, write: Write) -> u64 {
    let accepted = stores.operations.accept(INSTALL, write).await.expect("a write is accepted");
    let seq = if let Accepted::New(seq) = accepted { Some(seq) } else { None };
    seq.expect("the write is new")
}

pub(super) async fn found(stores: &Stores, number: u8) -> Option<Write> {
    stores.operations.get(INSTALL, &id(number)).await.expect("an answer")
}

async fn ended(stores: &Stores, number: u8, end: End, at: Wall) {
    accepted(stores, write(number, None)).await;
    stores.operations.send(INSTALL, &id(number)).await.expect("it is sent");
    stores.operations.settle(INSTALL, &id(number), Ending::of(end), at).await.expect("it ends");
}

pub(super) fn answer(bytes: usize) -> End {
    End::Answered(Kept::of(201, vec![("location".to_owned(), b"/1".to_vec())], Bytes::from(vec![b'x'; bytes])))
}

pub(super) fn given_up() -> End {
    End::GivenUp { code: "LP3011".to_owned() }
}

/// A write comes back with everything that it was accepted with; one that is unknown is none.
pub async fn an_accepted_write_comes_back_as_it_was<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    for (number, key) in [(1, None), (2, Some("invoice-7"))] {
        accepted(&stores, write(number, key)).await;
        assert_eq!(found(&stores, number).await, Some(write(number, key)));
    }
    assert_eq!(found(&stores, 3).await, None);
}

/// Numbers ascend, and open writes come in their order, without bodies.
pub async fn writes_are_numbered_in_the_order_of_acceptance<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let first = accepted(&stores, write(9, None)).await;
    let second = accepted(&stores, write(3, None)).await;
    let third = accepted(&stores, write(7, None)).await;
    let fourth = accepted(&stores, write(5, None)).await;
    assert!(first < second && second < third && third < fourth);
    stores.operations.send(INSTALL, &id(3)).await.expect("it is sent");
    stores.operations.send(INSTALL, &id(7)).await.expect("it is sent");
    stores.operations.settle(INSTALL, &id(7), Ending::of(End::Unknown), NOW).await.expect("it ends");
    let open = stores.operations.open(INSTALL).await.expect("open writes");
    let bodiless = |number, state| {
        let write = write(number, None);
        let progress = Progress { tries: u32::from(state == State::Sent), ..write.progress };
        Write { request: Request { body: Bytes::new(), ..write.request }, state, progress, ..write }
    };
    let expected = [bodiless(9, State::Accepted), bodiless(3, State::Sent), bodiless(5, State::Accepted)];
    assert_eq!(open.iter().map(|(_, write)| write.clone()).collect::<Vec<_>>(), expected);
    assert_eq!(open.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [first, second, fourth]);
}

/// A second write under the key of its caller is not written, whatever it is; another caller's key is another key.
pub async fn one_caller_uses_a_key_once<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    accepted(&stores, write(1, Some("k"))).await;
    let again = stores.operations.accept(INSTALL, write(2, Some("k"))).await.expect("an answer");
    assert_eq!(again, Accepted::Known(Box::new(write(1, Some("k")))));
    assert_eq!(found(&stores, 2).await, None);
    accepted(&stores, Write { caller: "nightly".to_owned(), ..write(3, Some("k")) }).await;
    accepted(&stores, write(4, Some("K"))).await;
}

/// Of two that come at once under one key, one is new and the other knows it.
pub async fn of_two_that_come_at_once_one_is_new<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let one = stores.operations.accept(INSTALL, write(1, Some("k")));
    let other = stores.operations.accept(INSTALL, write(2, Some("k")));
    let both = tokio::join!(one, other);
    let both = [both.0.expect("an answer"), both.1.expect("an answer")];
    assert_eq!(both.iter().filter(|accepted| matches!(accepted, Accepted::New(_))).count(), 1, "{both:?}");
    assert_eq!(stores.operations.open(INSTALL).await.expect("open writes").len(), 1);
}

/// Every step is refused where the state is another.
pub async fn only_what_is_in_the_state_for_it_moves<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let operations = &stores.operations;
    accepted(&stores, write(1, None)).await;
    let refused = |result: Result<(), StoreError>| {
        assert!(matches!(&result, Err(StoreError::Refused(Refusal::WriteState(of))) if *of == id(1).0), "{result:?}");
    };
    refused(operations.put_back(INSTALL, &id(1), NOW, None).await);
    refused(operations.settle(INSTALL, &id(1), Ending::of(End::Unknown), NOW).await);
    operations.send(INSTALL, &id(1)).await.expect("it is sent");
    refused(operations.send(INSTALL, &id(1)).await);
    refused(operations.drop_given_up(INSTALL, &id(1)).await);
    operations.put_back(INSTALL, &id(1), NOW, None).await.expect("it waits again");
    assert_eq!(found(&stores, 1).await.map(|found| found.state), Some(State::Accepted));
    operations.send(INSTALL, &id(1)).await.expect("it is sent");
    operations.settle(INSTALL, &id(1), Ending::of(answer(2)), NOW).await.expect("it ends");
    refused(operations.settle(INSTALL, &id(1), Ending::of(End::Unknown), NOW).await);
    refused(operations.put_back(INSTALL, &id(1), NOW, None).await);
    refused(operations.drop_given_up(INSTALL, &id(1)).await);
    assert!(operations.send(INSTALL, &id(2)).await.is_err(), "there is none");
}

/// The end comes back as it was, with its moment; headers and body of the request are gone.
pub async fn an_end_is_kept_without_the_request<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    for (number, end) in [(1, answer(2)), (2, End::Unknown), (3, given_up())] {
        let at = Wall(NOW.0 + i64::from(number));
        ended(&stores, number, end.clone(), at).await;
        let kept = write(number, None);
        let request = Request { headers: Vec::new(), body: Bytes::new(), ..kept.request };
        let progress = Progress { tries: 1, ..kept.progress };
        let expected = Write { request, state: State::Ended { at, end }, progress, ..kept };
        assert_eq!(found(&stores, number).await, Some(expected));
    }
}

/// A body of more than the limit is not kept; its status and size are.
pub async fn a_large_answer_is_kept_without_its_body<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    ended(&stores, 1, answer(ANSWER_BYTES_MAX + 1), NOW).await;
    let found = found(&stores, 1).await.expect("a write");
    let kept = if let State::Ended { end: End::Answered(kept), .. } = found.state { Some(kept) } else { None };
    let kept = kept.expect("it is answered");
    assert_eq!((kept.status, kept.bytes, kept.body), (201, ANSWER_BYTES_MAX as u64 + 1, None));
}

/// The key of a write that was given up can be used again once it is dropped.
pub async fn what_was_given_up_makes_room_for_its_key<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    accepted(&stores, write(1, Some("k"))).await;
    stores.operations.send(INSTALL, &id(1)).await.expect("it is sent");
    stores.operations.settle(INSTALL, &id(1), Ending::of(given_up()), NOW).await.expect("it ends");
    stores.operations.drop_given_up(INSTALL, &id(1)).await.expect("it is dropped");
    assert_eq!(found(&stores, 1).await, None);
    accepted(&stores, write(2, Some("k"))).await;
}

/// Whatever their state, at most as many as asked for.
pub async fn the_last_writes_come_newest_first<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    accepted(&stores, write(1, None)).await;
    ended(&stores, 2, answer(2), NOW).await;
    accepted(&stores, write(3, None)).await;
    let recent = async |limit| {
        let recent = stores.operations.recent(INSTALL, limit).await.expect("writes");
        recent.into_iter().map(|write| write.id).collect::<Vec<_>>()
    };
    assert_eq!(recent(2).await, [id(3), id(2)]);
    assert_eq!(recent(9).await, [id(3), id(2), id(1)]);
}

/// What ended at the moment or before goes, the oldest first and no more than asked for; what is open stays.
pub async fn old_ends_are_forgotten_and_open_writes_never<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    accepted(&stores, write(1, None)).await;
    for number in 2..=5 {
        ended(&stores, number, End::Unknown, Wall(NOW.0 + i64::from(number))).await;
    }
    let until = Wall(NOW.0 + 4);
    assert_eq!(stores.operations.forget(INSTALL, until, 2).await.expect("a count"), 2);
    assert!(found(&stores, 3).await.is_none() && found(&stores, 4).await.is_some());
    assert_eq!(stores.operations.forget(INSTALL, until, 2).await.expect("a count"), 1);
    assert_eq!(stores.operations.forget(INSTALL, until, 2).await.expect("a count"), 0);
    let left = stores.operations.recent(INSTALL, 9).await.expect("writes");
    assert_eq!(left.into_iter().map(|write| write.id).collect::<Vec<_>>(), [id(5), id(1)]);
}

/// Another install has its own writes, keys and numbers.
pub async fn installs_never_meet<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    accepted(&stores, write(1, Some("k"))).await;
    let other = stores.operations.accept(OTHER, write(1, Some("k"))).await.expect("an answer");
    assert!(matches!(other, Accepted::New(_)), "{other:?}");
    stores.operations.send(OTHER, &id(1)).await.expect("it is sent");
    assert_eq!(found(&stores, 1).await, Some(write(1, Some("k"))));
    stores.operations.settle(OTHER, &id(1), Ending::of(End::Unknown), NOW).await.expect("it ends");
    assert_eq!(stores.operations.forget(INSTALL, NOW, 9).await.expect("a count"), 0);
    assert_eq!(stores.operations.open(OTHER).await.expect("open writes"), []);
}

/// Every sending is counted, every step back leaves its due time and its event, and the end leaves its own.
pub async fn tries_are_counted_and_their_history_is_kept<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let operations = &stores.operations;
    accepted(&stores, write(1, None)).await;
    let event = |at: i64| {
        let came = Came { at: Wall(at + 1), status: Some(503), note: "it failed".to_owned(), ..Came::default() };
        Event::Tried { at: Wall(at), came }
    };
    let due = Wall(NOW.0 + 70_000);
    operations.send(INSTALL, &id(1)).await.expect("it is sent");
    operations.put_back(INSTALL, &id(1), due, Some(event(1))).await.expect("it waits again");
    operations.send(INSTALL, &id(1)).await.expect("it is sent");
    operations.put_back(INSTALL, &id(1), due, None).await.expect("it waits again");
    let open = operations.open(INSTALL).await.expect("open writes");
    let progress = Progress { tries: 2, due, past: vec![event(1)] };
    assert_eq!(open.first().map(|(_, write)| &write.progress), Some(&progress));
    operations.send(INSTALL, &id(1)).await.expect("it is sent");
    let ending = Ending { event: Some(event(2)), ..Ending::of(answer(2)) };
    operations.settle(INSTALL, &id(1), ending, NOW).await.expect("it ends");
    let progress = found(&stores, 1).await.expect("a write").progress;
    assert_eq!((progress.tries, progress.past), (3, vec![event(1), event(2)]));
}

/// What was acknowledged is there after a crash, in its last state.
pub async fn every_step_survives_a_crash<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    for number in 1..=3 {
        accepted(&stores, write(number, None)).await;
    }
    stores.operations.send(INSTALL, &id(2)).await.expect("it is sent");
    stores.operations.send(INSTALL, &id(3)).await.expect("it is sent");
    stores.operations.settle(INSTALL, &id(3), Ending::of(answer(5)), NOW).await.expect("it ends");
    home.crash().await;
    drop(stores);
    let stores = home.open().await;
    let mut states = Vec::new();
    for number in 1..=3 {
        states.push(found(&stores, number).await.expect("a write").state);
    }
    assert_eq!(states, [State::Accepted, State::Sent, State::Ended { at: NOW, end: answer(5) }]);
}
