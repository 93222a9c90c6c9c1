//! The write-ahead log stays short however much is written, without a pause in which it could be moved at leisure.

use bytes::Bytes;
use linchpin_ports::conformance::events::event;
use linchpin_ports::conformance::fixtures::{INSTALL, NOW};
use linchpin_ports::event_log::NewEvent;
use linchpin_store_sqlite::{Options, SqliteStore};

const EVENTS: u64 = 2_400;
const EVENTS_TOGETHER: usize = 20;
const EVENT_BYTES: usize = 64 << 10;
/// The length at which moving begins, and what may come while pages are moved.
const LOG_BYTES_MAX: u64 = 80 << 20;

#[tokio::test]
async fn the_log_is_begun_anew_while_writes_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.sqlite");
    let store = SqliteStore::open(&path, Options::default()).expect("a store");
    let events = store.stores().events;
    let raw = Bytes::from(vec![b'x'; EVENT_BYTES]);
    let all: Vec<NewEvent> = (1..=EVENTS).map(|number| NewEvent { raw: raw.clone(), ..event(number) }).collect();
    for together in all.chunks(EVENTS_TOGETHER) {
        let accepted = events.accept(together.to_vec(), NOW).await.expect("events are accepted");
        assert_eq!(accepted.new, together.len() as u64);
    }
    let bytes = |name: &str| folder.path().join(name).metadata().expect("a file").len();
    let (log, moved) = (bytes("store.sqlite-wal"), bytes("store.sqlite"));
    let written = EVENTS * EVENT_BYTES as u64;
    assert!(log < LOG_BYTES_MAX && log + moved > written, "{log} bytes of {written} are in the log, {moved} are moved");
    let last = events.read(INSTALL, EVENTS - 1, 1).await.expect("the log is read");
    assert!(last.iter().all(|last| last.place == EVENTS && last.event.raw == raw) && last.len() == 1);
}
