//! What every event log promises. Each function panics when its sentence is not kept.
#![expect(clippy::missing_panics_doc, reason = "panicking is how a conformance test fails")]

use std::time::Duration;

use bytes::Bytes;
use linchpin_core::echo::Echo;
use linchpin_core::ingress::keys::{ChangeKey, DeliveryKey};
use linchpin_core::time::Wall;
use linchpin_hubspot::fingerprint::Fingerprint;
use linchpin_hubspot::id::{AppId, Install, PortalId, RecordId};
use linchpin_hubspot::signature::Scheme;

use super::Home;
use super::fixtures::{INSTALL, NOW, OTHER, contacts};
use crate::event_log::{Accepted, LoggedEvent, NewEvent, Teller};
use crate::store::Stores;

/// An event whose change is `number`, told by delivery `delivery`.
fn told_by(number: u64, delivery: u64) -> NewEvent {
    NewEvent {
        install: INSTALL,
        teller: Teller::Webhook,
        occurred_at: NOW,
        kind: "propertyChange".to_owned(),
        object_type: Some(contacts()),
        record: Some(RecordId(number)),
        property: Some("city".to_owned()),
        delivery: DeliveryKey(Fingerprint::of(&[b"delivery", &delivery.to_le_bytes()])),
        change: ChangeKey(Fingerprint::of(&[b"change", &number.to_le_bytes()])),
        echo: None,
        raw: Bytes::from(format!("{{\"number\":{number}}}")),
    }
}

/// An event whose change is `number`.
pub fn event(number: u64) -> NewEvent {
    told_by(number, number)
}

async fn accept(stores: &Stores, events: impl IntoIterator<Item = NewEvent>) -> Accepted {
    stores.events.accept(events.into_iter().collect(), NOW).await.expect("events are accepted")
}

async fn all(stores: &Stores, install: Install) -> Vec<LoggedEvent> {
    stores.events.read(install, 0, u16::MAX).await.expect("the log is read")
}

fn new(count: u64) -> Accepted {
    Accepted { new: count, ..Accepted::default() }
}

/// What was accepted comes back as it was, in order, with its place and its moment.
pub async fn an_event_comes_back_as_it_was_accepted<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    // Whatever came, text or not.
    let odd = NewEvent {
        teller: Teller::Workflow,
        kind: String::new(),
        object_type: None,
        record: None,
        property: None,
        raw: Bytes::from_static(b"\xff\x00 no JSON"),
        ..event(2)
    };
    assert_eq!(accept(&stores, [event(1), odd.clone()]).await, new(2));
    let echo = Some(Echo { caller: "erp".to_owned(), sent_at: NOW });
    let journal = NewEvent { teller: Teller::Journal, echo, ..event(3) };
    assert_eq!(accept(&stores, [journal.clone()]).await, new(1));
    let logged = |place, event| LoggedEvent { place, received_at: NOW, event };
    assert_eq!(all(&stores, INSTALL).await, [logged(1, event(1)), logged(2, odd), logged(3, journal)]);
    assert_eq!(stores.events.last(INSTALL).await.expect("the log is read"), 3);
}

/// A change is in the log once, whoever tells it; a repeated delivery is told from another teller.
pub async fn a_change_is_in_the_log_once<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let first = accept(&stores, [event(1), event(1), told_by(1, 2), event(3)]).await;
    assert_eq!(first, Accepted { new: 2, repeated: 1, known: 1 });
    let second = accept(&stores, [event(3), told_by(3, 9), event(4)]).await;
    assert_eq!(second, Accepted { new: 1, repeated: 1, known: 1 });
    let records: Vec<_> = all(&stores, INSTALL).await.into_iter().map(|logged| logged.event.record).collect();
    assert_eq!(records, [1, 3, 4].map(|id| Some(RecordId(id))));
}

/// One call may hold events of several installs; their logs never meet.
pub async fn logs_of_installs_never_meet<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let other = NewEvent { install: OTHER, ..event(1) };
    assert_eq!(accept(&stores, [event(1), other.clone(), event(2)]).await, new(3));
    let places = |logged: Vec<LoggedEvent>| logged.into_iter().map(|logged| logged.place).collect::<Vec<_>>();
    assert_eq!(places(all(&stores, INSTALL).await), [1, 2]);
    assert_eq!(all(&stores, OTHER).await, [LoggedEvent { place: 1, received_at: NOW, event: other }]);
}

/// The log is read in pages.
pub async fn a_log_is_read_beyond_a_place<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    accept(&stores, (1..=5).map(event)).await;
    let page = stores.events.read(INSTALL, 2, 2).await.expect("the log is read");
    assert_eq!(page.iter().map(|logged| logged.place).collect::<Vec<_>>(), [3, 4]);
    assert!(stores.events.read(INSTALL, 5, 9).await.expect("the log is read").is_empty());
}

/// The oldest events go first, and the newest stays, so that no place is used twice.
pub async fn the_oldest_events_are_forgotten_and_no_place_is_used_again<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    accept(&stores, (1..=3).map(event)).await;
    let later = NOW + Duration::from_secs(1);
    let forget =
        async |before, limit| stores.events.forget(INSTALL, before, limit).await.expect("events are forgotten");
    assert_eq!(forget(NOW, u16::MAX).await, 0);
    assert_eq!(forget(later, 1).await, 1);
    assert_eq!(forget(later, u16::MAX).await, 1);
    assert_eq!(forget(later, u16::MAX).await, 0);
    assert_eq!(accept(&stores, [event(4)]).await, new(1));
    let places: Vec<_> = all(&stores, INSTALL).await.into_iter().map(|logged| logged.place).collect();
    assert_eq!(places, [3, 4]);
    // Its change is forgotten with it.
    assert_eq!(accept(&stores, [event(1)]).await, new(1));
}

/// Reading beyond the place of a moment begins with the first event that came in then.
pub async fn a_moment_is_found_among_events<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let before = async |ms: i64| stores.events.before(INSTALL, Wall(NOW.0 + ms)).await.expect("the log is read");
    assert_eq!(before(0).await, 0);
    for (number, ms) in [(1, 0), (2, 0), (3, 10), (4, 20), (5, 20), (6, 20), (7, 30)] {
        stores.events.accept(vec![event(number)], Wall(NOW.0 + ms)).await.expect("events are accepted");
    }
    let found = [(-5, 0), (0, 0), (1, 2), (10, 2), (11, 3), (20, 3), (21, 6), (30, 6), (31, 7), (900, 7)];
    for (ms, place) in found {
        assert_eq!(before(ms).await, place, "{ms}");
    }
    // What is forgotten is passed over.
    let forgotten = stores.events.forget(INSTALL, Wall(NOW.0 + 20), u16::MAX).await.expect("events are forgotten");
    assert_eq!(forgotten, 3);
    assert_eq!(before(0).await, 3);
    for (ms, place) in found {
        let read = stores.events.read(INSTALL, before(ms).await, 1).await.expect("the log is read");
        let expected = (place < 7).then_some(place.max(3) + 1);
        assert_eq!(read.first().map(|event| event.place), expected, "{ms}");
    }
    assert_eq!(stores.events.before(OTHER, NOW).await.expect("the log is read"), 0);
}

/// Each install that has events is listed once, in pages.
pub async fn installs_with_events_are_listed_in_order<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let listed = async |after, limit| stores.events.installs(after, limit).await.expect("the installs are listed");
    assert!(listed(None, 9).await.is_empty());
    let nobody = Install { portal: PortalId(0), app: AppId(1) };
    let far = Install { portal: PortalId(9_999), app: AppId(1) };
    let all = [nobody, INSTALL, OTHER, far];
    for number in 1..=3 {
        for install in all.into_iter().rev() {
            accept(&stores, [NewEvent { install, ..event(number) }]).await;
        }
    }
    assert_eq!(listed(None, 9).await, all);
    assert_eq!(listed(None, 2).await, [nobody, INSTALL]);
    assert_eq!(listed(Some(INSTALL), 9).await, [OTHER, far]);
    assert!(listed(Some(far), 9).await.is_empty());
}

/// What an app has signed by is remembered, and never a weaker one.
pub async fn the_strongest_signature_of_an_app_is_remembered<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let strongest = async |stores: &Stores, app| stores.events.strongest(AppId(app)).await.expect("it is read");
    assert_eq!(strongest(&stores, 9).await, None);
    for (scheme, expected) in [(Scheme::V1, Scheme::V1), (Scheme::V3, Scheme::V3), (Scheme::V2, Scheme::V3)] {
        assert_eq!(stores.events.signed(AppId(9), scheme).await.expect("it is written"), expected);
    }
    home.crash().await;
    drop(stores);
    let stores = home.open().await;
    assert_eq!(strongest(&stores, 9).await, Some(Scheme::V3));
    assert_eq!(strongest(&stores, 8).await, None);
}

/// What was accepted survives a crash, and is recognised after it.
pub async fn accepted_events_survive_a_crash<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    accept(&stores, (1..=3).map(event)).await;
    home.crash().await;
    drop(stores);
    let stores = home.open().await;
    assert_eq!(all(&stores, INSTALL).await.len(), 3);
    assert_eq!(accept(&stores, [event(3), event(4)]).await, Accepted { new: 1, repeated: 1, known: 0 });
}
