//! What every memory of journals promises. Each function panics when its sentence is not kept.
#![expect(clippy::missing_panics_doc, reason = "panicking is how a conformance test fails")]

use std::collections::BTreeMap;
use std::time::Duration;

use linchpin_core::ingress::keys::DeliveryKey;
use linchpin_core::time::Wall;
use linchpin_hubspot::fingerprint::Fingerprint;
use linchpin_hubspot::id::{AppId, Install, PortalId};

use super::Home;
use super::events::event;
use super::fixtures::{INSTALL, NOW};
use crate::event_log::{Accepted, NewEvent, Teller};
use crate::journal::{Checkpoint, Compared, Gap};
use crate::store::Stores;

const APP: AppId = INSTALL.app;

fn by_journal(number: u64) -> NewEvent {
    let delivery = DeliveryKey(Fingerprint::of(&[b"journal", &number.to_le_bytes()]));
    NewEvent { teller: Teller::Journal, delivery, ..event(number) }
}

fn full() -> Checkpoint {
    Checkpoint {
        offset: Some("4f0d-1".to_owned()),
        began_at: NOW,
        read_until: Some(Wall(NOW.0 + 1)),
        asked_at: Some(Wall(NOW.0 + 4)),
        gap: Some(Gap { from: Wall(NOW.0 + 2), until: Wall(NOW.0 + 3) }),
    }
}

async fn take(stores: &Stores, events: Vec<NewEvent>, checkpoint: Checkpoint) -> Accepted {
    stores.journals.take(APP, events, checkpoint, NOW).await.expect("an entry is stored")
}

async fn checkpoint(stores: &Stores, app: AppId) -> Option<Checkpoint> {
    stores.journals.checkpoint(app).await.expect("it is read")
}

async fn compare(stores: &Stores, since: Wall, until: Wall, limit: u16) -> Compared {
    stores.journals.compare(APP, since, until, limit).await.expect("it is compared")
}

/// A checkpoint replaces the one before, is of one app, and survives a crash with its events.
pub async fn a_checkpoint_and_its_events_survive_a_crash<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    assert_eq!(checkpoint(&stores, APP).await, None);
    take(&stores, Vec::new(), Checkpoint::begin(NOW)).await;
    assert_eq!(checkpoint(&stores, APP).await, Some(Checkpoint::begin(NOW)));
    let accepted = take(&stores, vec![by_journal(1), by_journal(1), by_journal(2)], full()).await;
    assert_eq!(accepted, Accepted { new: 2, repeated: 1, known: 0 });
    home.crash().await;
    drop(stores);
    let stores = home.open().await;
    assert_eq!(checkpoint(&stores, APP).await, Some(full()));
    assert_eq!(checkpoint(&stores, AppId(APP.0 + 1)).await, None);
    assert_eq!(stores.events.last(INSTALL).await.expect("the log is read"), 2);
}

/// A change is in the one log once, whichever of the two told it first.
pub async fn webhooks_and_journal_feed_one_log<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    stores.events.accept(vec![event(1)], NOW).await.expect("events are accepted");
    let accepted = take(&stores, vec![by_journal(1), by_journal(2)], full()).await;
    assert_eq!(accepted, Accepted { new: 1, repeated: 0, known: 1 });
    let later = stores.events.accept(vec![event(2)], NOW).await.expect("events are accepted");
    assert_eq!(later, Accepted { new: 0, repeated: 0, known: 1 });
    let log = stores.events.read(INSTALL, 0, u16::MAX).await.expect("the log is read");
    assert_eq!(log.iter().map(|logged| logged.event.teller).collect::<Vec<_>>(), [Teller::Webhook, Teller::Journal]);
}

/// What only one has told is counted once, in all logs of the app and in no other, whoever was first.
pub async fn what_only_one_has_told_is_counted_once<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let elsewhere = |event: NewEvent| NewEvent {
        install: Install { portal: PortalId(INSTALL.portal.0 + 1), app: APP },
        kind: "merge".to_owned(),
        ..event
    };
    let of_another_app = NewEvent { install: Install { portal: INSTALL.portal, app: AppId(APP.0 + 1) }, ..event(9) };
    let workflow = NewEvent { teller: Teller::Workflow, ..event(7) };
    let not_understood = NewEvent { kind: String::new(), ..event(8) };
    let webhooks = vec![event(1), event(2), elsewhere(event(1)), of_another_app, workflow, not_understood];
    stores.events.accept(webhooks, NOW).await.expect("events are accepted");
    take(&stores, vec![by_journal(2), by_journal(3), by_journal(4)], full()).await;
    // The webhook may come after the journal, and any number of times.
    stores.events.accept(vec![event(4), event(4), event(1)], NOW).await.expect("events are accepted");
    let later = NOW + Duration::from_secs(1);
    let counted = |kind: &str| BTreeMap::from([(kind.to_owned(), 1)]);
    let both = [counted("propertyChange"), counted("merge")].into_iter().flatten().collect();
    let expected =
        Compared { by_journal_alone: counted("propertyChange"), by_webhooks_alone: both, by_both: 2, more: false };
    assert_eq!(compare(&stores, NOW, later, 100).await, expected);
    assert_eq!(compare(&stores, NOW, later, 100).await, Compared::default());
}

/// Only what came in between two moments is counted, and what came in later waits.
pub async fn what_is_too_new_is_compared_later<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let at = |seconds| NOW + Duration::from_secs(seconds);
    for (number, seconds) in [(1, 0), (2, 10), (3, 20), (4, 30)] {
        stores.events.accept(vec![event(number)], at(seconds)).await.expect("events are accepted");
    }
    let alone = |compared: &Compared| compared.by_webhooks_alone.values().sum::<u64>();
    let first = compare(&stores, at(10), at(30), 100).await;
    assert_eq!((alone(&first), first.more), (2, false));
    home.crash().await;
    drop(stores);
    let stores = home.open().await;
    let second = compare(&stores, at(10), at(31), 100).await;
    assert_eq!((alone(&second), second.more), (1, false));
}

/// A comparison goes in steps.
pub async fn a_long_log_is_compared_in_steps<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    stores.events.accept((1..=5).map(event).collect(), NOW).await.expect("events are accepted");
    let later = NOW + Duration::from_secs(1);
    let mut counted = Vec::new();
    loop {
        let compared = compare(&stores, NOW, later, 2).await;
        counted.push(compared.by_webhooks_alone.values().sum::<u64>());
        if !compared.more {
            break;
        }
    }
    assert_eq!(counted, [2, 2, 1]);
}
