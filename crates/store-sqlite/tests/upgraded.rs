//! What an earlier release has stored is read, recognised and followed after an upgrade. The earlier store is made by
//! the migrations of its day, which never change, and by its statements as they stood.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::path::Path;

use linchpin_core::ingress::keys::{ChangeKey, DeliveryKey, keys};
use linchpin_core::time::Wall;
use linchpin_hubspot::event;
use linchpin_hubspot::fingerprint::Fingerprint;
use linchpin_hubspot::id::{AppId, Install, PortalId, RecordId};
use linchpin_hubspot::signature::Scheme;
use linchpin_ports::event_log::{Accepted, NewEvent, Teller};
use linchpin_store_sqlite::{Options, SqliteStore};
use rusqlite::{Connection, params};

const INSTALL: Install = Install { portal: PortalId(7), app: AppId(9) };
const RECEIVED: i64 = 1_767_225_600_500;
/// Schema 2 is the first that had events; their bodies were blobs of version 1.
const SCHEMA_2: [&str; 2] =
    [include_str!("../migrations/0001_initial.sql"), include_str!("../migrations/0002_events.sql")];
const TOLD: &str = r#"{"eventId":3,"subscriptionId":41,"portalId":7,"appId":9,"occurredAt":1767225600123,"subscriptionType":"contact.propertyChange","attemptNumber":0,"objectId":901,"propertyName":"city","propertyValue":"Oslo"}"#;
/// The keys of that event and of the bytes `no JSON`, as the first release made them.
const KEYS: [&str; 3] =
    ["32bbabdcc3c6c242a8e0dffb14a5b411", "60818c6a3f6261cb8495bef8fa747804", "438e36db3b017a9149a779ccb45400a5"];
const NOT_UNDERSTOOD: &[u8] = b"no JSON";

fn bytes(hex: &str) -> [u8; 16] {
    u128::from_str_radix(hex, 16).unwrap().to_be_bytes()
}

/// A store of schema 2 with an event that was understood, one that was not, and the scheme of its app.
fn earlier(path: &Path) {
    let store = Connection::open(path).unwrap();
    for migration in SCHEMA_2 {
        store.execute_batch(migration).unwrap();
    }
    store.pragma_update(None, "application_id", 0x4c4e_4348).unwrap();
    store.pragma_update(None, "user_version", 2).unwrap();
    let insert = "insert into event (portal, app, place, teller, occurred_at, received_at, kind, object_type, record,
                      property, delivery, change, body)
                  values (7, 9, ?1, 0, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let [delivery, change, of_bytes] = KEYS.map(bytes);
    let body = [b"\x01", TOLD.as_bytes()].concat();
    let moment = 1_767_225_600_123_i64;
    store
        .execute(
            insert,
            params![1, moment, RECEIVED, "propertyChange", "contacts", 901, "city", delivery, change, body],
        )
        .unwrap();
    let body = [b"\x01", NOT_UNDERSTOOD].concat();
    let none: Option<String> = None;
    store.execute(insert, params![2, RECEIVED, RECEIVED, "", none, none, none, of_bytes, of_bytes, body]).unwrap();
    store.execute("insert into signed (portal, app, scheme) values (0, 9, 3)", ()).unwrap();
}

/// What the present program makes of the same delivery.
fn told_again(attempt: u32) -> NewEvent {
    let raw = TOLD.replace("\"attemptNumber\":0", &format!("\"attemptNumber\":{attempt}"));
    let body = format!("[{raw}]");
    let event = event::read(body.as_bytes()).remove(0).event.unwrap();
    let (delivery, change) = keys(&event);
    let (object_type, record) = event.change.record().map(|(kind, id)| (kind.clone(), id)).unwrap();
    NewEvent {
        install: event.install,
        teller: Teller::Webhook,
        occurred_at: Wall(event.occurred_at_ms),
        kind: event.change.kind().to_owned(),
        object_type: Some(object_type),
        record: Some(record),
        property: Some("city".to_owned()),
        delivery,
        change,
        echo: None,
        raw: raw.into_bytes().into(),
    }
}

#[tokio::test]
async fn an_event_stored_before_an_upgrade_is_read_after_it_and_recognised() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    earlier(&path);
    let log = SqliteStore::open(&path, Options::default()).unwrap().stores().events;
    let stored = log.read(INSTALL, 0, 10).await.unwrap();
    let places: Vec<u64> = stored.iter().map(|event| event.place).collect();
    assert_eq!(places, [1, 2]);
    let (known, odd) = (&stored[0], &stored[1]);
    assert_eq!((known.received_at, known.event.record), (Wall(RECEIVED), Some(RecordId(901))));
    assert_eq!(known.event, told_again(0));
    assert_eq!((&odd.event.raw[..], odd.event.kind.as_str()), (NOT_UNDERSTOOD, ""));
    // A signature that was strong enough then is no weaker now.
    assert_eq!(log.strongest(AppId(9)).await.unwrap(), Some(Scheme::V3));

    // HubSpot repeats what it was told before the upgrade; other bytes came in at another moment.
    let later = Wall(RECEIVED + 60_000);
    let bytes_again = NewEvent { occurred_at: later, ..odd.event.clone() };
    let accepted = log.accept(vec![told_again(1), bytes_again], later).await.unwrap();
    assert_eq!(accepted, Accepted { new: 0, repeated: 2, known: 0 });
    // Another teller of the same change, and a change that is new: it has the next place.
    let teller = NewEvent { delivery: DeliveryKey(Fingerprint([7; 16])), ..told_again(0) };
    let new = NewEvent { change: ChangeKey(Fingerprint([8; 16])), ..told_again(0) };
    let accepted = log.accept(vec![teller, new], later).await.unwrap();
    assert_eq!((accepted, log.last(INSTALL).await.unwrap()), (Accepted { new: 1, repeated: 0, known: 1 }, 3));
}
