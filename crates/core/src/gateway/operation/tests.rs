//! What becomes of promised writes, as tables.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;
use crate::time::Mono;

const NOW: Wall = Wall(1_800_000_000_000);
const DIGEST: Digest = [1; 32];

fn request(method: &str, target: &str) -> Request {
    Request {
        lane: Lane::Bulk,
        deadline_ms: None,
        method: method.to_owned(),
        target: target.to_owned(),
        headers: Vec::new(),
        body: Bytes::from_static(b"{\"email\":\"ana@example.test\"}"),
    }
}

fn create() -> Request {
    request("POST", "/crm/v3/objects/contacts")
}

fn update() -> Request {
    request("PATCH", "/crm/v3/objects/contacts/901?idProperty=email")
}

fn write(request: Request, state: State) -> Write {
    Write {
        id: WriteId("1".to_owned()),
        caller: "billing".to_owned(),
        key: Some(IdempotencyKey::new(b"invoice-7").unwrap()),
        digest: DIGEST,
        acknowledged: true,
        request,
        accepted: NOW,
        state,
        progress: Progress::default(),
        dead: None,
    }
}

fn ended(end: End) -> State {
    State::Ended { at: NOW, end }
}

fn answered() -> End {
    End::Answered(Kept::of(201, Vec::new(), Bytes::from_static(b"{}")))
}

fn given_up() -> End {
    End::GivenUp { code: "LP3011".to_owned() }
}

#[test]
fn a_restart_sends_again_what_a_second_sending_does_not_do_twice() {
    let archive = request("DELETE", "/crm/v3/objects/contacts/901");
    let associate = request("PUT", "/crm/v4/objects/contacts/1/associations/default/companies/2");
    let upsert = request("POST", "/crm/v3/objects/contacts/batch/upsert");
    let unheard_of = request("POST", "/some/thing/new");
    let cases = [
        (create(), State::Accepted, Restart::Send),
        (update(), State::Accepted, Restart::Send),
        (create(), State::Sent, Restart::Unknown),
        (request("POST", "/crm/v3/objects/contacts/batch/create"), State::Sent, Restart::Unknown),
        (unheard_of, State::Sent, Restart::Unknown),
        (update(), State::Sent, Restart::Send),
        (archive, State::Sent, Restart::Send),
        (associate, State::Sent, Restart::Send),
        (upsert, State::Sent, Restart::Send),
        (create(), ended(answered()), Restart::Leave),
        (update(), ended(End::Unknown), Restart::Leave),
        (create(), ended(given_up()), Restart::Leave),
    ];
    for (request, state, expected) in cases {
        let write = write(request, state);
        assert_eq!(restart(&write), expected, "{} {} {:?}", write.request.method, write.request.target, write.state);
    }
}

#[test]
fn a_repeat_gets_the_same_end_and_another_write_under_the_key_is_refused() {
    let (just, late) = (NOW + Duration::from_secs(1), NOW + KEPT);
    let other: Digest = [2; 32];
    let cases = [
        (State::Accepted, DIGEST, just, Repeat::Wait),
        (State::Sent, DIGEST, just, Repeat::Wait),
        (State::Sent, DIGEST, late, Repeat::Wait),
        (State::Accepted, other, just, Repeat::Other),
        (ended(answered()), DIGEST, just, Repeat::Told),
        (ended(answered()), other, just, Repeat::Other),
        (ended(answered()), other, late, Repeat::New),
        (ended(End::Unknown), DIGEST, just, Repeat::Told),
        (ended(given_up()), DIGEST, just, Repeat::Again),
        (ended(given_up()), other, just, Repeat::Other),
        (ended(answered()), DIGEST, Wall(late.0 - 1), Repeat::Told),
        (ended(answered()), DIGEST, late, Repeat::New),
    ];
    for (state, digest, now, expected) in cases {
        let known = write(create(), state);
        assert_eq!(repeat(&known, &digest, now), expected, "{:?} at {now:?}", known.state);
    }
}

fn tried(write: &Write, tried: Tried, tries: u32, now: Wall) -> Next {
    handle_try(write, tried, tries, now, &mut ChaCha8Rng::seed_from_u64(7))
}

fn failed(until: Option<Wall>) -> Tried {
    Tried::Failed { code: "LP3011", until, hopeless: false }
}

fn status(status: u16) -> Tried {
    Tried::Answered(Kept::of(status, Vec::new(), Bytes::new()))
}

#[test]
fn a_failed_try_is_repeated_with_growing_pauses_and_given_up_in_the_end() {
    let acknowledged = write(create(), State::Sent);
    let pause = |tries, until| match tried(&acknowledged, failed(until), tries, NOW) {
        Next::Again(pause) => pause.as_millis(),
        Next::End(end) => panic!("{end:?}"),
    };
    for (tries, step) in [(1, 1_000), (2, 2_000), (3, 4_000), (6, 32_000), (11, 900_000), (40, 900_000)] {
        assert!((step / 2..=step).contains(&pause(tries, None)), "{tries}");
    }
    assert!((3_600_000..=3_630_000).contains(&pause(1, Some(NOW + Duration::from_secs(3_600)))));
    assert_eq!(tried(&acknowledged, failed(None), TRIES_MAX, NOW), Next::End(given_up()));
    assert_eq!(tried(&acknowledged, failed(None), 9, NOW + TRIED), Next::End(given_up()));
    let mut replayed = acknowledged.clone();
    replayed.progress.push(Event::Replayed { at: NOW + TRIED });
    assert!(matches!(tried(&replayed, failed(None), 9, NOW + TRIED), Next::Again(_)), "it has another day");
    let hopeless = Tried::Failed { code: "LP3011", until: None, hopeless: true };
    assert_eq!(tried(&acknowledged, hopeless, 1, NOW), Next::End(given_up()));
    let waited = Write { acknowledged: false, ..acknowledged.clone() };
    assert_eq!(tried(&waited, failed(None), 1, NOW), Next::End(given_up()));
    assert_eq!(tried(&acknowledged, Tried::Unknown, 1, NOW), Next::End(End::Unknown));
}

#[test]
fn an_answer_that_passes_by_itself_is_waited_for_and_a_refusal_is_not() {
    let (creation, change) = (write(create(), State::Sent), write(update(), State::Sent));
    for (write, code, least) in [
        (&creation, 429, Some(10_000)),
        (&creation, 423, Some(2_000)),
        (&creation, 477, Some(60_000)),
        (&change, 503, Some(500)),
        (&change, 500, Some(500)),
        // A creation may have happened.
        (&creation, 503, None),
        (&change, 400, None),
        (&change, 404, None),
        (&change, 200, None),
    ] {
        let pause = match tried(write, status(code), 1, NOW) {
            Next::Again(pause) => Some(pause.as_millis()),
            Next::End(end) => {
                assert!(matches!(end, End::Answered(kept) if kept.status == code), "{code}");
                None
            }
        };
        assert_eq!(pause.is_some(), least.is_some(), "{code}");
        assert!(pause >= least, "{code}: {pause:?}");
    }
    assert!(matches!(tried(&change, status(503), TRIES_MAX, NOW), Next::End(End::Answered(_))));
    let waited = Write { acknowledged: false, ..change };
    assert!(matches!(tried(&waited, status(503), 1, NOW), Next::End(End::Answered(_))), "its caller decides");
}

#[test]
fn a_write_that_ends_the_process_time_after_time_is_not_sent_for_ever() {
    let mut poison = write(update(), State::Sent);
    poison.progress.tries = TRIES_MAX - 1;
    assert_eq!(restart(&poison), Restart::Send);
    poison.progress.tries = TRIES_MAX;
    assert_eq!(restart(&poison), Restart::Unknown);
}

#[test]
fn what_is_known_from_before_keeps_its_tries_and_its_due_time() {
    let mut board = Board::default();
    board.add(1, &known("1", update()), true);
    board.handle_known(1, 4, Mono(500));
    assert_eq!(board.next(Mono(0)), Move::Wait(Mono(500)));
    assert_eq!(board.next(Mono(500)), Move::Start(vec![Start { seq: 1, id: WriteId("1".to_owned()), tries: 5 }]));
}

#[test]
fn a_body_of_more_than_the_limit_is_not_kept_but_counted() {
    for (bytes, kept) in [(0, true), (ANSWER_BYTES_MAX, true), (ANSWER_BYTES_MAX + 1, false)] {
        let of = Kept::of(200, Vec::new(), Bytes::from(vec![b'x'; bytes]));
        assert_eq!((of.status, of.bytes, of.body.is_some()), (200, bytes as u64, kept));
    }
}

#[test]
fn a_key_is_of_visible_characters_and_not_shown() {
    for good in ["a", "\"8e03978e-40d5\"", &"k".repeat(KEY_CHARACTERS_MAX)] {
        assert_eq!(IdempotencyKey::new(good.as_bytes()).unwrap().as_str(), good);
    }
    for bad in ["", "a b", "schlüssel", "\t", &"k".repeat(KEY_CHARACTERS_MAX + 1)] {
        assert_eq!(IdempotencyKey::new(bad.as_bytes()), Err(NotAKey), "{bad:?}");
    }
    let shown = format!("{:?} {:?}", write(update(), State::Accepted), write(create(), ended(answered())));
    assert!(!shown.contains("ana@") && !shown.contains("invoice-7") && !shown.contains("idProperty"), "{shown}");
}

fn started(board: &mut Board, now: Mono) -> Vec<u64> {
    std::iter::from_fn(|| match board.next(now) {
        Move::Start(starts) => Some(starts.into_iter().map(|start| start.seq)),
        Move::Wait(_) | Move::Idle => None,
    })
    .flatten()
    .collect()
}

#[test]
fn writes_of_one_place_follow_each_other_even_while_the_first_waits_for_its_second_try() {
    let mut board = Board::default();
    let archive = request("DELETE", "/crm/v3/objects/contacts/901");
    for (seq, request) in [(1, update()), (2, create()), (3, archive), (4, create())] {
        board.add(seq, &known(&seq.to_string(), request), true);
    }
    assert_eq!(started(&mut board, Mono(0)), [1, 2, 4]);
    board.handle_again(1, Duration::from_secs(1), Mono(0));
    assert_eq!(board.next(Mono(999_999)), Move::Wait(Mono(1_000_000)));
    let again = Start { seq: 1, id: WriteId("1".to_owned()), tries: 2 };
    assert_eq!(board.next(Mono(1_000_000)), Move::Start(vec![again]));
    assert!(started(&mut board, Mono(1_000_000)).is_empty());
    board.handle_end(1);
    assert_eq!(started(&mut board, Mono(1_000_000)), [3]);
    for seq in [2, 3, 4] {
        board.handle_end(seq);
    }
    assert!(board.is_empty());
    assert_eq!(board.next(Mono(1_000_000)), Move::Idle);
}

fn known(id: &str, request: Request) -> Write {
    Write { id: WriteId(id.to_owned()), ..write(request, State::Accepted) }
}

#[test]
fn a_lane_that_is_full_leaves_room_to_the_others() {
    let mut board = Board::default();
    let (mut seq, mut taken) = (0, Vec::new());
    for number in 0..200 {
        for _ in 0..RUNNING_MAX {
            seq += 1;
            let caller = format!("caller {number}");
            board.add(seq, &Write { caller, ..known(&seq.to_string(), create()) }, true);
        }
        taken.push(started(&mut board, Mono(0)).len());
    }
    // Each takes half of what it finds, until nothing is left.
    assert_eq!(taken[..8], [64, 32, 16, 8, 4, 2, 1, 1]);
    assert!(taken[8..].iter().all(|more| *more == 0));
    board.add(seq + 1, &known("hurry", Request { lane: Lane::Interactive, ..create() }), true);
    assert_eq!(started(&mut board, Mono(0)), [seq + 1]);
    // What one gives back is for whoever has least.
    board.handle_end(3);
    let next = started(&mut board, Mono(0));
    assert!(next.len() == 1 && next[0] > 8 * RUNNING_MAX as u64, "{next:?}");
    assert_eq!(board.len() as u64, seq);
}
