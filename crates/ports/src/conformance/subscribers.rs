//! What every memory of subscribers promises. Each function panics when its sentence is not kept.
#![expect(clippy::missing_panics_doc, reason = "panicking is how a conformance test fails")]

use linchpin_core::subscribers::deliver::{Reason, Trouble};
use linchpin_hubspot::id::Install;

use super::Home;
use super::events::event;
use super::fixtures::{INSTALL, NOW, OTHER};
use crate::event_log::NewEvent;
use crate::store::Stores;
use crate::subscribers::{Begin, Dead, Disabled, Feed, FeedState};

const NAME: &str = "billing";

async fn told(stores: &Stores, install: Install, numbers: impl IntoIterator<Item = u64>) {
    let events = numbers.into_iter().map(|number| NewEvent { install, ..event(number) });
    stores.events.accept(events.collect(), NOW).await.expect("events are accepted");
}

async fn register(stores: &Stores, name: &str, begin: Begin) {
    stores.subscribers.register(name, begin).await.expect("a subscriber is made known");
}

async fn feed(stores: &Stores, install: Install) -> Feed {
    stores.subscribers.feed(install, NAME).await.expect("a feed is looked up")
}

async fn save(stores: &Stores, feed: &Feed) -> Option<u64> {
    stores.subscribers.save(feed).await.expect("a feed is written")
}

async fn bury(stores: &Stores, first: u64) -> Feed {
    let before = feed(stores, INSTALL).await;
    let after = Feed { place: first, ..before };
    let revision = stores.subscribers.bury(&after, &dead(first)).await.expect("a dead delivery is kept");
    assert_eq!(revision, Some(after.revision + 1));
    feed(stores, INSTALL).await
}

async fn listed(stores: &Stores, after: u64, limit: u16) -> Vec<Dead> {
    stores.subscribers.dead(INSTALL, NAME, after, limit).await.expect("dead deliveries are listed")
}

fn dead(first: u64) -> Dead {
    Dead { first, last: first + 1, events: 2, status: Some(422), attempts: 6, died_at: NOW }
}

/// A feed with nothing as it is by default, but for `dead`, which is the store's.
fn rich(feed: Feed) -> Feed {
    let trouble = Trouble {
        attempts: 3,
        since: Some(NOW),
        next: Some(NOW),
        status: Some(500),
        failing_since: Some(NOW),
        dead_in_a_row: 2,
        at_most: Some(25),
    };
    let disabled = Some(Disabled { reason: Reason::Gone, since: NOW });
    let dead = feed.state.dead;
    Feed { place: 7, state: FeedState { disabled, trouble, delivered: 5, missed: 2, dead }, ..feed }
}

/// Every log that there is begins where it should.
pub async fn a_new_subscriber_begins_after_the_newest_event_or_with_the_oldest<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    told(&stores, INSTALL, 1..=3).await;
    told(&stores, OTHER, 1..=2).await;
    register(&stores, NAME, Begin::Now).await;
    assert_eq!((feed(&stores, INSTALL).await.place, feed(&stores, OTHER).await.place), (3, 2));
    register(&stores, "oldest", Begin::Oldest).await;
    let place = async |name| stores.subscribers.feed(INSTALL, name).await.expect("a feed is looked up").place;
    assert_eq!(place("oldest").await, 0);
    // What is forgotten is not missed by whoever comes after.
    let later = NOW + std::time::Duration::from_secs(1);
    assert_eq!(stores.events.forget(INSTALL, later, 2).await.expect("events are forgotten"), 2);
    register(&stores, "later", Begin::Oldest).await;
    assert_eq!(place("later").await, 2);
}

/// Registering again changes nothing.
pub async fn a_known_subscriber_stays_where_it_is<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    told(&stores, INSTALL, 1..=3).await;
    register(&stores, NAME, Begin::Oldest).await;
    register(&stores, NAME, Begin::Now).await;
    assert_eq!(feed(&stores, INSTALL).await.place, 0);
    let moved = Feed { place: 2, ..feed(&stores, INSTALL).await };
    let revision = moved.revision + 1;
    assert_eq!(save(&stores, &moved).await, Some(revision));
    register(&stores, NAME, Begin::Now).await;
    assert_eq!(feed(&stores, INSTALL).await, Feed { revision, ..moved });
}

/// A subscriber that is known misses nothing of a new log.
pub async fn a_log_that_comes_later_is_told_from_its_first_event<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    register(&stores, NAME, Begin::Now).await;
    told(&stores, INSTALL, 1..=3).await;
    // As after a restart.
    register(&stores, NAME, Begin::Now).await;
    let empty = Feed { install: INSTALL, name: NAME.to_owned(), revision: 0, place: 0, state: FeedState::default() };
    assert_eq!(feed(&stores, INSTALL).await, empty);
}

/// All of it.
pub async fn a_feed_comes_back_as_it_was_written<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let written = rich(feed(&stores, INSTALL).await);
    assert_eq!(save(&stores, &written).await, Some(1));
    assert_eq!(feed(&stores, INSTALL).await, Feed { revision: 1, ..written });
}

/// Whoever read it first and writes it last is told so, and changes nothing.
pub async fn a_feed_that_somebody_else_wrote_is_not_overwritten<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let (mine, theirs) = (feed(&stores, INSTALL).await, feed(&stores, INSTALL).await);
    assert_eq!(save(&stores, &Feed { place: 4, ..theirs }).await, Some(1));
    assert_eq!(save(&stores, &Feed { place: 9, ..mine.clone() }).await, None);
    let buried = stores.subscribers.bury(&mine, &dead(1)).await.expect("it is refused without an error");
    assert_eq!(buried, None);
    assert_eq!((feed(&stores, INSTALL).await.place, listed(&stores, 0, 9).await), (4, Vec::new()));
}

/// The feed moves on, the delivery is there, and it is counted once.
pub async fn a_dead_delivery_is_kept_with_its_feed_or_not_at_all<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    let after = bury(&stores, 3).await;
    assert_eq!((after.place, after.revision, after.state.dead), (3, 1, 1));
    assert_eq!(listed(&stores, 0, 9).await, [dead(3)]);
    // The same one again, as after the subscriber was sent back.
    assert_eq!(bury(&stores, 3).await.state.dead, 1);
    // The count is the store's own.
    let mut wrong = feed(&stores, INSTALL).await;
    wrong.state.dead = 77;
    save(&stores, &wrong).await.expect("a feed is written");
    assert_eq!(feed(&stores, INSTALL).await.state.dead, 1);
}

/// In the order of their first events.
pub async fn dead_deliveries_come_in_order_and_in_pages<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    for first in [9, 3, 5] {
        bury(&stores, first).await;
    }
    assert_eq!(listed(&stores, 0, 9).await, [dead(3), dead(5), dead(9)]);
    assert_eq!(listed(&stores, 3, 1).await, [dead(5)]);
}

/// It is counted, and whoever holds the feed has to read it again.
pub async fn a_dead_delivery_is_forgotten_once<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    bury(&stores, 3).await;
    let held = bury(&stores, 5).await;
    let exhume = async || stores.subscribers.exhume(INSTALL, NAME, 3).await.expect("it is forgotten");
    assert_eq!((exhume().await, exhume().await), (true, false));
    assert_eq!(listed(&stores, 0, 9).await, [dead(5)]);
    let after = feed(&stores, INSTALL).await;
    assert_eq!((after.state.dead, after.revision), (1, held.revision + 1));
    assert_eq!(save(&stores, &held).await, None);
}

/// Neither those of two installs, nor those of two subscribers.
pub async fn feeds_never_meet<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    bury(&stores, 3).await;
    assert_eq!(feed(&stores, OTHER).await.place, 0);
    let stranger = stores.subscribers.feed(INSTALL, "stranger").await.expect("a feed is looked up");
    assert_eq!((stranger.place, stranger.revision), (0, 0));
    for (install, name) in [(OTHER, NAME), (INSTALL, "stranger")] {
        assert!(stores.subscribers.dead(install, name, 0, 9).await.expect("they are listed").is_empty());
        assert!(!stores.subscribers.exhume(install, name, 3).await.expect("there is none"));
    }
    assert_eq!(listed(&stores, 0, 9).await.len(), 1);
}

/// All of it.
pub async fn what_was_written_survives_a_crash<H: Home>(make: impl Fn() -> H) {
    let mut home = make();
    let stores = home.open().await;
    told(&stores, INSTALL, 1..=3).await;
    register(&stores, NAME, Begin::Now).await;
    let buried = bury(&stores, 4).await;
    home.crash().await;
    drop(stores);
    let stores = home.open().await;
    assert_eq!(feed(&stores, INSTALL).await, buried);
    assert_eq!(listed(&stores, 0, 9).await, [dead(4)]);
    told(&stores, OTHER, 1..=3).await;
    register(&stores, NAME, Begin::Now).await;
    assert_eq!(feed(&stores, OTHER).await.place, 0, "it is still known");
}
