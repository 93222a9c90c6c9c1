//! Readers over a HubSpot of a few lines, on paused time, with a store that can fail.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderMap;
use linchpin_core::schedule::Permit;
use linchpin_core::time::Wall;
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::call::{Auth, Call};
use linchpin_ports::credentials::Token;
use linchpin_ports::faulty::{Fault, Method, Script, wrap};
use linchpin_ports::store::Stores;
use linchpin_store_sqlite::SqliteStore;
use secrecy::ExposeSecret;
use serde_json::json;

use super::*;
use crate::clock::TokioClock;
use crate::upstream::Outcome;

const APP: AppId = AppId(7008);
const INSTALL: Install = Install { portal: PortalId(48), app: APP };
const START: Wall = Wall(1_800_000_000_000);
const LIFE: u64 = 1_800;

/// Tokens, entries and files.
#[derive(Default)]
struct HubSpot {
    /// Files by the number of their entry, from one.
    files: Mutex<Vec<Result<Bytes, u16>>>,
    /// The token that is believed, by its number.
    tokens: AtomicU64,
    /// Whether no token is believed until another is given.
    distrusts: AtomicBool,
    journal_calls: AtomicU64,
    fetched: AtomicU64,
}

impl HubSpot {
    fn publish(&self, file: Result<Bytes, u16>) {
        self.files.lock().unwrap().push(file);
    }

    fn entry(&self, number: usize) -> (u16, String) {
        if number >= self.files.lock().unwrap().len() {
            return (204, String::new());
        }
        let (url, offset) = (format!("https://files.test/{number}"), format!("o{number}"));
        (200, json!({"url": url, "expiresAt": "2027-01-01T00:00:00Z", "currentOffset": offset}).to_string())
    }

    fn journal(&self, call: &Call) -> (u16, String) {
        self.journal_calls.fetch_add(1, Ordering::Relaxed);
        if call.path.ends_with("/earliest") {
            return self.entry(0);
        }
        let offset = call.path.split('/').rev().nth(1).unwrap_or_default();
        match offset.strip_prefix('o').and_then(|number| number.parse::<usize>().ok()) {
            Some(number) => self.entry(number + 1),
            None => (404, "{}".to_owned()),
        }
    }
}

#[async_trait]
impl Upstream for HubSpot {
    async fn send(&self, _permit: Permit, token: &Token, call: &Call) -> Outcome {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let (status, body) = if call.path.ends_with("/token") {
            assert_eq!(call.auth, Auth::Inside);
            self.distrusts.store(false, Ordering::Relaxed);
            let number = self.tokens.fetch_add(1, Ordering::Relaxed) + 1;
            (200, json!({"access_token": format!("token-{number}"), "expires_in": LIFE}).to_string())
        } else if self.distrusts.load(Ordering::Relaxed)
            || token.secret.expose_secret() != format!("token-{}", self.tokens.load(Ordering::Relaxed))
        {
            (401, "{}".to_owned())
        } else {
            self.journal(call)
        };
        Outcome::Answered(Answer { status, headers: HeaderMap::new(), body: Bytes::from(body) })
    }
}

#[async_trait]
impl Files for HubSpot {
    async fn fetch(&self, url: &str) -> Result<Bytes, FileError> {
        self.fetched.fetch_add(1, Ordering::Relaxed);
        let number: usize = url.rsplit('/').next().unwrap().parse().unwrap();
        self.files.lock().unwrap()[number].clone().map_err(FileError::Refused)
    }
}

/// A file with a change of each of these records.
fn file(records: impl IntoIterator<Item = u64>) -> Bytes {
    let entry = |record| {
        json!({"type": "crmObject", "portalId": INSTALL.portal.0, "occurredAt": "2027-01-15T08:00:00Z",
               "action": "UPDATE", "objectTypeId": "0-1", "objectId": record, "propertyChanges": {"city": "Oslo"}})
    };
    let entries: Vec<_> = records.into_iter().map(entry).collect();
    Bytes::from(json!({"publishedAt": "2027-01-15T08:00:00Z", "journalEvents": entries}).to_string())
}

struct Scene {
    hubspot: Arc<HubSpot>,
    stores: Stores,
    script: Script,
    tasks: Tasks,
    journals: Journals,
    clock: Arc<TokioClock>,
    bell: Bell,
}

impl Scene {
    async fn new(files: Vec<Result<Bytes, u16>>) -> Self {
        let (stores, script) = wrap(SqliteStore::in_memory().unwrap().stores());
        let hubspot = Arc::new(HubSpot { files: Mutex::new(files), ..HubSpot::default() });
        let clock = Arc::new(TokioClock::new(START));
        let tasks = Tasks::new();
        let bell = Bell::default();
        let journals = start(&tasks, &hubspot, &stores, &clock, &bell).await;
        Self { hubspot, stores, script, tasks, journals, clock, bell }
    }

    fn report(&self) -> Report {
        self.journals.reports().remove(0)
    }

    /// Lets time pass until something holds.
    async fn until(&self, what: &str, holds: impl Fn(&Report) -> bool) -> Report {
        for _ in 0..10_000 {
            let report = self.report();
            if holds(&report) {
                return report;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        panic!("{what}: {:?}", self.report());
    }

    async fn records(&self) -> Vec<u64> {
        let log = self.stores.events.read(INSTALL, 0, u16::MAX).await.unwrap();
        log.into_iter().filter_map(|logged| logged.event.record.map(|record| record.0)).collect()
    }
}

async fn start(
    tasks: &Tasks,
    hubspot: &Arc<HubSpot>,
    stores: &Stores,
    clock: &Arc<TokioClock>,
    bell: &Bell,
) -> Journals {
    let app = App {
        id: APP,
        client: Client { id: "client-1".to_owned(), secret: "secret-of-the-app".into() },
        poll: Duration::from_secs(10),
        compare_after: Duration::from_secs(900),
    };
    let parts = JournalParts {
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        upstream: Arc::clone(hubspot) as Arc<dyn Upstream>,
        files: Arc::clone(hubspot) as Arc<dyn Files>,
        records: Arc::clone(&stores.budget),
        store: Arc::clone(&stores.journals),
        echoes: Arc::default(),
        version: ApiVersion::V2026_03,
        bell: bell.clone(),
        seed: 1,
    };
    Journals::start(tasks, vec![app], parts).await.unwrap()
}

fn caught_up(report: &Report) -> bool {
    report.state == State::CaughtUp
}

#[tokio::test(start_paused = true)]
async fn one_token_serves_until_shortly_before_its_end() {
    let scene = Scene::new(vec![Ok(file([1])), Ok(file([2, 3]))]).await;
    let report = scene.until("all is read", caught_up).await;
    assert_eq!((report.files, report.events.new, report.code), (2, 3, None));
    assert_eq!(scene.records().await, [1, 2, 3]);
    assert_eq!(scene.hubspot.tokens.load(Ordering::Relaxed), 1);
    tokio::time::sleep(Duration::from_secs(LIFE - 2 * RENEW_BEFORE.as_secs())).await;
    assert_eq!(scene.hubspot.tokens.load(Ordering::Relaxed), 1, "it is asked every ten seconds meanwhile");
    assert!(scene.hubspot.journal_calls.load(Ordering::Relaxed) > 100);
    tokio::time::sleep(RENEW_BEFORE + Duration::from_secs(30)).await;
    assert_eq!(scene.hubspot.tokens.load(Ordering::Relaxed), 2);
    assert_eq!(scene.report().state, State::CaughtUp);
    scene.tasks.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_follows_the_log_hears_what_the_journal_told_and_only_what_is_new() {
    let scene = Scene::new(Vec::new()).await;
    scene.until("there is nothing", caught_up).await;
    let mut news = scene.bell.listen();
    scene.hubspot.publish(Ok(file([1, 2])));
    news.wait(Duration::from_secs(60)).await;
    // It is on the disk when it is told.
    assert_eq!(scene.records().await, [1, 2]);
    news.note();
    scene.hubspot.publish(Ok(file([1, 2])));
    scene.until("it is read", |report| report.files == 2).await;
    assert!(!news.is_new(), "nothing of it was new");
    scene.tasks.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_refused_early_is_replaced_once() {
    let scene = Scene::new(vec![Ok(file([1]))]).await;
    scene.until("all is read", caught_up).await;
    scene.hubspot.distrusts.store(true, Ordering::Relaxed);
    scene.hubspot.publish(Ok(file([2])));
    scene.until("the next one is read", |report| report.files == 2).await;
    assert_eq!(scene.hubspot.tokens.load(Ordering::Relaxed), 2);
    scene.tasks.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_none_is_passed_over_in_the_end_and_is_a_gap() {
    let scene = Scene::new(vec![Ok(file([1])), Ok(Bytes::from_static(b"<html>")), Ok(file([2]))]).await;
    let report = scene.until("the last one is read", |report| report.files == 2).await;
    assert_eq!((report.skipped, report.gaps), (1, 1));
    assert!(report.last_gap.is_some());
    assert_eq!(scene.records().await, [1, 2]);
    // The two that can be read once each, the other as often as is said.
    assert_eq!(scene.hubspot.fetched.load(Ordering::Relaxed), 2 + u64::from(FILE_ATTEMPTS));
    scene.tasks.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_refused_for_a_while_is_waited_for() {
    let scene = Scene::new(vec![Err(503), Ok(file([2]))]).await;
    let report = scene.until("it fails", |report| report.state == State::Failing).await;
    assert_eq!(report.code, Some("LP6203"));
    tokio::time::sleep(Duration::from_secs(7_200)).await;
    assert_eq!((scene.report().files, scene.report().skipped), (0, 0));
    scene.hubspot.files.lock().unwrap()[0] = Ok(file([1]));
    scene.until("all is read", caught_up).await;
    assert_eq!(scene.records().await, [1, 2]);
    scene.tasks.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_the_store_did_not_take_is_read_again_and_told_once() {
    let many = u64::try_from(EVENTS_AT_ONCE).unwrap() + 5;
    for fault in [Fault::Before, Fault::After] {
        let scene = Scene::new(Vec::new()).await;
        scene.until("there is nothing", caught_up).await;
        // The first part is taken; the last one, with the checkpoint, is not, or the answer is lost.
        scene.script.pass(Method::JournalsTake, 1);
        scene.script.fail(Method::JournalsTake, fault);
        scene.hubspot.publish(Ok(file(1..=many)));
        scene.hubspot.publish(Ok(file([many, many + 1])));
        let report = scene.until("both are read", |report| report.files > 0 && caught_up(report)).await;
        assert!(scene.script.is_spent());
        assert_eq!(scene.records().await, (1..=many + 1).collect::<Vec<_>>(), "{fault:?}: {report:?}");
        scene.tasks.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_goes_on_behind_the_checkpoint_and_notices_a_long_absence() {
    let scene = Scene::new(vec![Ok(file([1])), Ok(file([2]))]).await;
    scene.until("all is read", caught_up).await;
    scene.tasks.shutdown().await.unwrap();
    let hubspot = Arc::clone(&scene.hubspot);
    let fetched = || hubspot.fetched.load(Ordering::Relaxed);
    assert_eq!(fetched(), 2);
    scene.hubspot.publish(Ok(file([3])));
    tokio::time::sleep(Duration::from_secs(86_400)).await;
    let tasks = Tasks::new();
    let journals = start(&tasks, &scene.hubspot, &scene.stores, &scene.clock, &scene.bell).await;
    let scene = Scene { tasks, journals, ..scene };
    let report = scene.until("the third one is read", |report| report.files == 1).await;
    assert_eq!((fetched(), report.gaps), (3, 0), "the first two are not fetched again");
    scene.tasks.shutdown().await.unwrap();
    // Longer than entries are kept: whatever HubSpot still has is read from the oldest on.
    tokio::time::sleep(linchpin_core::ingress::journal::KEPT).await;
    let tasks = Tasks::new();
    let journals = start(&tasks, &scene.hubspot, &scene.stores, &scene.clock, &scene.bell).await;
    let scene = Scene { tasks, journals, ..scene };
    let report = scene.until("all is read", caught_up).await;
    assert_eq!((report.files, report.gaps, report.events.new), (3, 1, 0));
    assert_eq!(scene.records().await, [1, 2, 3]);
    scene.tasks.shutdown().await.unwrap();
}
