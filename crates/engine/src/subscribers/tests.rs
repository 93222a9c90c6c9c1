//! Feeds over a store that can fail, to a receiver that answers as it is told.

use std::collections::VecDeque;

use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderMap;
use linchpin_core::echo::Echo;
use linchpin_core::subscribers::deliver::{DEAD_IN_A_ROW_MAX, REFUSED_ATTEMPTS_MAX, Reason, Trouble};
use linchpin_core::time::Wall;
use linchpin_ports::conformance::events::event;
use linchpin_ports::conformance::fixtures::{INSTALL, OTHER};
use linchpin_ports::event_log::NewEvent;
use linchpin_ports::faulty::{Fault, Method, Script, wrap};
use linchpin_ports::store::Stores;
use linchpin_store_sqlite::SqliteStore;
use serde_json::{Value, json};

use super::*;
use crate::clock::TokioClock;
use crate::news::Bell;
use crate::outbound::Way;

const NOW: Wall = Wall(1_700_000_000_000);
const NAME: &str = "billing";

/// Answers by the script, then with 204; remembers what it was sent.
#[derive(Default)]
struct Receiver {
    answers: Mutex<VecDeque<Outcome>>,
    /// Refuses whatever holds this event.
    poison: Option<u64>,
    got: Mutex<Vec<(HeaderMap, Vec<u64>)>>,
}

impl Receiver {
    fn answering(answers: impl IntoIterator<Item = Outcome>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() })
    }

    /// The places of the events of each delivery.
    fn places(&self) -> Vec<Vec<u64>> {
        self.got.lock().unwrap().iter().map(|(_, places)| places.clone()).collect()
    }

    fn ids(&self) -> Vec<String> {
        let id = |headers: &HeaderMap| headers["webhook-id"].to_str().unwrap().to_owned();
        self.got.lock().unwrap().iter().map(|(headers, _)| id(headers)).collect()
    }
}

#[async_trait]
impl Way for Receiver {
    async fn post(&self, headers: HeaderMap, body: Bytes) -> Outcome {
        let body: Value = serde_json::from_slice(&body).unwrap();
        let events =
            if body["data"].is_array() { body["data"].as_array().unwrap().clone() } else { vec![body["data"].clone()] };
        let places: Vec<u64> = events.iter().map(|event| event["id"].as_u64().unwrap()).collect();
        let poisoned = self.poison.is_some_and(|poison| places.contains(&poison));
        self.got.lock().unwrap().push((headers, places));
        match self.answers.lock().unwrap().pop_front() {
            Some(answer) => answer,
            None => answered(if poisoned { 422 } else { 204 }),
        }
    }

    fn shown(&self) -> String {
        "https://receiver.test".to_owned()
    }
}

fn answered(status: u16) -> Outcome {
    Outcome::Answered { status, retry_after: None }
}

struct Scene {
    stores: Stores,
    script: Script,
    news: Bell,
    tasks: Tasks,
    receiver: Arc<Receiver>,
    telling: Subscribers,
}

impl Scene {
    async fn new(receiver: Arc<Receiver>, batch: Option<u16>) -> Self {
        let (stores, script) = wrap(SqliteStore::in_memory().unwrap().stores());
        Self::over(stores, script, receiver, batch).await
    }

    async fn over(stores: Stores, script: Script, receiver: Arc<Receiver>, batch: Option<u16>) -> Self {
        let (tasks, news) = (Tasks::new(), Bell::default());
        let subscriber = Subscriber {
            name: NAME.to_owned(),
            secrets: vec![SigningSecret::parse(&"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into()).unwrap()],
            filter: Filter::default(),
            ignored_callers: ["erp".to_owned()].into(),
            batch,
            begin: Begin::Oldest,
        };
        let parts = SubscriberParts {
            log: Arc::clone(&stores.events),
            memory: Arc::clone(&stores.subscribers),
            clock: Arc::new(TokioClock::new(NOW)),
            news: news.listen(),
            echoes: Arc::default(),
            seed: 7,
        };
        let way: Arc<dyn Way> = Arc::<Receiver>::clone(&receiver);
        let telling = Subscribers::open(&tasks, vec![(subscriber, way)], parts).await.unwrap();
        Self { stores, script, news, tasks, receiver, telling }
    }

    /// The same store after a crash, with whatever the receiver has.
    async fn again(self) -> Self {
        let Self { stores, script, tasks, receiver, .. } = self;
        tasks.shutdown().await.unwrap();
        Self::over(stores, script, receiver, None).await
    }

    async fn tell(&self, install: Install, numbers: impl IntoIterator<Item = u64>) {
        let events = numbers.into_iter().map(|number| NewEvent { install, ..event(number) });
        self.stores.events.accept(events.collect(), NOW).await.unwrap();
        self.news.ring();
    }

    async fn feed(&self) -> Feed {
        self.stores.subscribers.feed(INSTALL, NAME).await.unwrap()
    }

    /// Waits, in the time that is paused, until the feed is as it should be.
    async fn until(&self, state: impl Fn(&Feed) -> bool) -> Feed {
        for _ in 0..1_000_000 {
            let feed = self.feed().await;
            if state(&feed) {
                return feed;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("never: {:?}, {:?}", self.feed().await, self.receiver.places());
    }
}

#[tokio::test(start_paused = true)]
async fn events_arrive_once_and_in_order_and_a_restart_sends_nothing_again() {
    let scene = Scene::new(Receiver::answering([]), None).await;
    scene.tell(INSTALL, 1..=3).await;
    let feed = scene.until(|feed| feed.place == 3).await;
    assert_eq!((scene.receiver.places(), feed.state.delivered), (vec![vec![1], vec![2], vec![3]], 3));
    assert_eq!(scene.receiver.ids()[0], "evt_4711_1_1");
    let scene = scene.again().await;
    scene.tell(INSTALL, [4]).await;
    scene.until(|feed| feed.place == 4).await;
    assert_eq!(scene.receiver.places().concat(), [1, 2, 3, 4]);
    scene.tasks.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn news_wake_a_feed_at_once() {
    let scene = Scene::new(Receiver::answering([]), None).await;
    scene.tell(INSTALL, [1]).await;
    scene.until(|feed| feed.place == 1).await;
    let clock = TokioClock::new(NOW);
    scene.tell(INSTALL, [2]).await;
    while scene.receiver.places().len() < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let waited = clock.now().wall - NOW;
    assert!(waited < Duration::from_millis(100), "{waited:?}");
    scene.tasks.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_its_own_caller_wrote_is_left_out_and_nothing_else() {
    let scene = Scene::new(Receiver::answering([]), Some(10)).await;
    let echo = |caller: &str| Some(Echo { caller: caller.to_owned(), sent_at: NOW + Duration::from_secs(1) });
    let city = |number: u64, echo: Option<Echo>| {
        let raw = json!({"portalId": 4711, "occurredAt": 5, "objectId": number, "propertyName": "city",
            "subscriptionType": "contact.propertyChange", "propertyValue": "Oslo"});
        NewEvent { echo, raw: raw.to_string().into(), ..event(number) }
    };
    let hidden = NewEvent { echo: echo("erp"), ..event(4) };
    let events = vec![city(1, None), city(2, echo("erp")), city(3, echo("crm")), hidden, city(5, echo("erp"))];
    scene.stores.events.accept(events, NOW).await.unwrap();
    let feed = scene.until(|feed| feed.place == 5).await;
    assert_eq!((scene.receiver.places(), feed.state.delivered), (vec![vec![1, 3, 4]], 3));
    scene.tasks.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn batches_hold_what_waits_and_say_so() {
    let scene = Scene::new(Receiver::answering([]), Some(50)).await;
    scene.tell(INSTALL, 1..=120).await;
    scene.until(|feed| feed.place == 120).await;
    let sizes: Vec<usize> = scene.receiver.places().iter().map(Vec::len).collect();
    assert_eq!((scene.receiver.places().concat(), sizes), ((1..=120).collect(), vec![50, 50, 20]));
    scene.tasks.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_mark_was_lost_is_sent_again_under_the_same_name() {
    let scene = Scene::new(Receiver::answering([]), None).await;
    scene.script.fail(Method::SubscribersSave, Fault::Before);
    scene.tell(INSTALL, 1..=2).await;
    scene.until(|feed| feed.place == 2).await;
    assert_eq!(scene.receiver.places().concat(), [1, 1, 2]);
    let ids = scene.receiver.ids();
    assert_eq!(ids[0], ids[1]);
    assert!(scene.script.is_spent());
    scene.tasks.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_was_away_gets_everything_in_order() {
    let away = [Outcome::Silent, answered(503), answered(500), answered(429)];
    let scene = Scene::new(Receiver::answering(away), None).await;
    scene.tell(INSTALL, 1..=3).await;
    let feed = scene.until(|feed| feed.place == 3).await;
    assert_eq!(scene.receiver.places().concat(), [1, 1, 1, 1, 1, 2, 3]);
    assert_eq!((feed.state.dead, feed.state.trouble), (0, Trouble::default()));
    scene.tasks.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn poison_is_put_aside_the_rest_arrives_and_it_can_be_replayed() {
    let receiver = Arc::new(Receiver { poison: Some(2), ..Receiver::default() });
    let scene = Scene::new(Arc::clone(&receiver), Some(10)).await;
    scene.tell(INSTALL, 1..=5).await;
    let feed = scene.until(|feed| feed.place == 5).await;
    assert_eq!((feed.state.dead, feed.state.delivered), (1, 4));
    let dead = scene.telling.dead(NAME, 9).await.unwrap().unwrap();
    let (install, dead) = dead.first().cloned().unwrap();
    assert_eq!((install, dead.first, dead.last, dead.status), (INSTALL, 2, 2, Some(422)));
    assert_eq!(dead.attempts, REFUSED_ATTEMPTS_MAX);
    let alone = receiver.places().iter().filter(|places| **places == [2]).count();
    assert!(alone >= 5, "{:?}", receiver.places());
    // It is refused once more; then it arrives.
    let replayed = scene.telling.replay(NAME).await.unwrap().unwrap();
    assert_eq!(replayed, Replayed { failed: 1, status: Some(422), ..Replayed::default() });
    receiver.answers.lock().unwrap().push_back(answered(200));
    let replayed = scene.telling.replay(NAME).await.unwrap().unwrap();
    assert_eq!(replayed, Replayed { delivered: 1, ..Replayed::default() });
    assert_eq!(scene.feed().await.state.dead, 0);
    scene.tasks.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_wants_nothing_more_is_left_alone_until_it_is_enabled() {
    let scene = Scene::new(Receiver::answering([answered(204), answered(410)]), None).await;
    scene.tell(INSTALL, 1..=3).await;
    let feed = scene.until(|feed| feed.state.disabled.is_some()).await;
    assert_eq!((feed.place, feed.state.disabled.map(|disabled| disabled.reason)), (1, Some(Reason::Gone)));
    scene.tell(INSTALL, [4]).await;
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert_eq!(scene.receiver.places().concat(), [1, 2]);
    // Neither does a restart wake it.
    let scene = scene.again().await;
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert_eq!(scene.receiver.places().concat(), [1, 2]);
    assert_eq!(scene.telling.enable(NAME).await.unwrap(), Some(1));
    scene.until(|feed| feed.place == 4).await;
    assert_eq!(scene.receiver.places().concat(), [1, 2, 2, 3, 4]);
    assert_eq!(scene.telling.enable("nobody").await.unwrap(), None);
    scene.tasks.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_refuses_everything_is_disabled_with_few_dead() {
    let scene = Scene::new(Receiver::answering(vec![answered(404); 1_000]), None).await;
    scene.tell(INSTALL, 1..=50).await;
    let feed = scene.until(|feed| feed.state.disabled.is_some()).await;
    assert_eq!(feed.state.disabled.map(|disabled| disabled.reason), Some(Reason::KeepsFailing));
    assert_eq!((feed.state.dead, feed.place), (u64::from(DEAD_IN_A_ROW_MAX) - 1, 4));
    scene.tasks.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_is_sent_back_and_counts_what_is_forgotten() {
    let scene = Scene::new(Receiver::answering([]), None).await;
    scene.tell(INSTALL, 1..=5).await;
    scene.until(|feed| feed.place == 5).await;
    assert_eq!(scene.telling.resume(NAME, Moved::After(INSTALL, 3)).await.unwrap(), Some(1));
    scene.until(|feed| feed.state.delivered == 7).await;
    assert_eq!(scene.receiver.places().concat(), [1, 2, 3, 4, 5, 4, 5]);
    assert_eq!(scene.stores.events.forget(INSTALL, NOW + Duration::from_secs(1), 2).await.unwrap(), 2);
    assert_eq!(scene.telling.resume(NAME, Moved::Since(Wall(0))).await.unwrap(), Some(1));
    let feed = scene.until(|feed| feed.state.delivered == 10).await;
    assert_eq!((feed.place, feed.state.missed), (5, 0), "nobody misses what it did not ask for");
    assert_eq!(scene.telling.resume(NAME, Moved::After(INSTALL, 0)).await.unwrap(), Some(1));
    let feed = scene.until(|feed| feed.state.delivered == 13).await;
    assert_eq!(feed.state.missed, 2);
    scene.tasks.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_log_that_comes_later_is_told_and_one_in_trouble_holds_no_other_back() {
    let scene = Scene::new(Receiver::answering([Outcome::Silent]), None).await;
    scene.tell(INSTALL, [1]).await;
    while scene.receiver.places().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    scene.tell(OTHER, [1]).await;
    while scene.receiver.ids().len() < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(scene.receiver.ids(), ["evt_4711_1_1", "evt_4711_2_1"]);
    scene.until(|feed| feed.place == 1).await;
    let statuses = scene.telling.statuses().await.unwrap();
    let attempts: Vec<Attempts> = statuses.iter().map(|status| status.attempts).collect();
    assert_eq!(attempts[0], Attempts { arrived: 1, refused: 0, silent: 1 });
    assert_eq!(attempts[1], Attempts { arrived: 1, refused: 0, silent: 0 });
    scene.tasks.shutdown().await.unwrap();
}
