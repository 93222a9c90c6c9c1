//! What an older program has stored is told like anything else.

use linchpin_core::subscribers::event::Normal;
use linchpin_hubspot::id::{AppId, Install, PortalId};
use linchpin_store_sqlite::{Options, SqliteStore};
use rusqlite::Connection;

/// A store as the first program with events left it: schema 2, and the version byte 1 before each event.
const SCHEMA_2: [&str; 2] =
    [include_str!("../migrations/0001_initial.sql"), include_str!("../migrations/0002_events.sql")];
const APPLICATION_ID: i32 = 0x4c4e_4348;
const INSERT: &str = "
    insert into event (portal, app, place, teller, occurred_at, received_at, kind, object_type, record, property,
                       delivery, change, body)
    values (4711, 7007, 1, 0, 1767225600123, 1767225601000, 'propertyChange', 'contacts', 901, 'city', ?1, ?1, ?2)";

#[tokio::test]
async fn an_event_of_the_first_form_is_read_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let old = Connection::open(&path).unwrap();
    for migration in SCHEMA_2 {
        old.execute_batch(migration).unwrap();
    }
    old.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
    old.pragma_update(None, "user_version", 2).unwrap();
    let body = b"\x01{\"portalId\":4711,\"appId\":7007,\"occurredAt\":1767225600123,\"objectId\":901,\
        \"subscriptionType\":\"contact.propertyChange\",\"propertyName\":\"city\",\"propertyValue\":\"Oslo\"}";
    old.execute(INSERT, rusqlite::params![[0xab_u8; 16], body]).unwrap();
    drop(old);
    let stores = SqliteStore::open(&path, Options::default()).unwrap().stores();
    let install = Install { portal: PortalId(4711), app: AppId(7007) };
    let read = stores.events.read(install, 0, 9).await.unwrap();
    let told = serde_json::to_value(Normal::of(&read[0].stored())).unwrap();
    let expected = serde_json::json!({
        "version": 1, "id": 1, "portal": 4711, "app": 7007, "kind": "propertyChange", "objectType": "contacts",
        "recordId": "901", "property": "city", "value": "Oslo", "occurredAt": "2026-01-01T00:00:00.123Z",
        "receivedAt": "2026-01-01T00:00:01.000Z", "teller": "webhook", "changeKey": "ab".repeat(16),
    });
    assert_eq!(told, expected);
    assert_eq!(stores.subscribers.feed(install, "erp").await.unwrap().place, 0);
}
