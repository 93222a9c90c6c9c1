//! A million deliveries that are not HubSpot's: none is believed, in process nor through the real server; the genuine
//! ones that they are made from are, and a genuine one that comes again has no second effect.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue};
use linchpin_core::time::{Mono, Now, Wall};
use linchpin_engine::clock::Clock;
use linchpin_engine::ingress::{self, Delivery, Ingress};
use linchpin_engine::news::Bell;
use linchpin_hubspot::id::{AppId, Install, PortalId};
use linchpin_hubspot::signature;
use linchpin_ports::event_log::{Accepted, EventLog, Teller};
use linchpin_store_sqlite::SqliteStore;
use linchpin_trials::bench_stub::Stub;
use linchpin_trials::binary::Running;
use linchpin_trials::deliveries::forge::{Class, FORGERS_SECRET, Material, forge};
use linchpin_trials::deliveries::sign::Scheme;
use linchpin_trials::deliveries::{App, Dice, Post, genuine};
use linchpin_trials::figure;
use linchpin_trials::parameters::parameter;
use linchpin_trials::raw::Connection;
use linchpin_trials::simulator::TOKEN;
use linchpin_trials::workplace::Workplace;

const NOW_MS: u64 = 1_767_225_605_000;
const BASE: &str = "http://hooks.example.test";
const APPS: [App; 3] = [
    App { id: 7_007, secret: "pat-test-secret-of-7007", scheme: Scheme::V3 },
    App { id: 7_008, secret: "pat-test-secret-of-7008", scheme: Scheme::V2 },
    App { id: 7_009, secret: "pat-test-secret-of-7009", scheme: Scheme::V1 },
];
/// Genuine deliveries of each app, from which forgeries are made.
const ORIGINALS: usize = 200;
/// After so many forgeries a genuine delivery comes again.
const REPLAY_EVERY: u64 = 10;
/// One request in so many goes through the real server as well.
const SHARE_ON_A_SOCKET: u64 = 50;
/// The largest body that the server reads.
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The server looks at its clock a little later than the forger.
const SLACK_MS: u64 = 60_000;

struct Still;

impl Clock for Still {
    fn now(&self) -> Now {
        Now { mono: Mono(0), wall: Wall(NOW_MS.cast_signed()) }
    }
}

/// What a campaign found.
#[derive(Default)]
struct Found {
    refused: BTreeMap<Class, u64>,
    codes: BTreeMap<String, u64>,
    /// Forgeries that were believed.
    believed: Vec<(Class, Post)>,
    replays: u64,
    /// Replays that were refused, or that had an effect.
    wrong_replays: u64,
}

/// Whoever takes deliveries.
trait Receiver {
    /// The code or status of a refusal, or how many events were new.
    fn take(&mut self, post: &Post) -> Result<u64, String>;
    /// The present that it will look at.
    fn now_ms(&self) -> u64;
    /// Where it is.
    fn base(&self) -> &str;
    /// How far its clock may be ahead of the forger's.
    fn slack_ms(&self) -> u64;
    /// Whether a forgery can be told from its original there.
    fn can_tell(&self, original: &Post, forged: &Post) -> bool;
    /// The events in its log.
    fn logged(&self) -> u64;
}

struct InProcess {
    runtime: tokio::runtime::Runtime,
    ingress: Ingress,
    log: Arc<dyn EventLog>,
}

impl InProcess {
    fn new(further_secrets: &[&str]) -> Self {
        let log = SqliteStore::in_memory().expect("a store").stores().events;
        let app = |app: &App| ingress::App {
            id: AppId(app.id),
            secrets: [app.secret].iter().chain(further_secrets).map(|secret| (*secret).into()).collect(),
            least: signature::Scheme::V1,
        };
        let ingress = Ingress::new(APPS.iter().map(app).collect(), Arc::clone(&log), Arc::new(Still), Bell::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { runtime, ingress, log }
    }
}

impl Receiver for InProcess {
    fn take(&mut self, post: &Post) -> Result<u64, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in &post.headers {
            // What is no header cannot reach the verifier.
            let name: HeaderName = name.parse().map_err(|_| "no header".to_owned())?;
            headers.append(name, HeaderValue::from_bytes(value).map_err(|_| "no header".to_owned())?);
        }
        let delivery = Delivery {
            teller: Teller::Webhook,
            method: post.method.clone(),
            url: post.url(),
            headers,
            body: post.body.clone().into(),
        };
        let accepted = self.runtime.block_on(self.ingress.accept(AppId(post.app), delivery));
        accepted.map(|Accepted { new, .. }| new).map_err(|refused| refused.code().to_owned())
    }

    fn now_ms(&self) -> u64 {
        NOW_MS
    }

    fn base(&self) -> &str {
        BASE
    }

    fn slack_ms(&self) -> u64 {
        0
    }

    fn can_tell(&self, _original: &Post, _forged: &Post) -> bool {
        true
    }

    fn logged(&self) -> u64 {
        let last = |app: &App, portal| {
            let install = Install { portal: PortalId(portal), app: AppId(app.id) };
            self.runtime.block_on(self.log.last(install)).expect("the log answers")
        };
        APPS.iter().map(|app| last(app, 48_151_623) + last(app, 0)).sum()
    }
}

/// `linchpin serve` on a socket.
struct Served {
    process: Running,
    connection: Connection,
    base: String,
    store: rusqlite::Connection,
    /// The events in its log when it was last looked at.
    seen: u64,
    _place: Workplace,
    _hubspot: Stub,
}

impl Served {
    fn start() -> Self {
        let (place, hubspot) = (Workplace::new(), Stub::start());
        let apps = APPS.map(|App { id, secret, .. }| format!("'{id}': {{secret: {secret}}}")).join(", ");
        place.write_config(&format!(
            "hubspot: {{token: {TOKEN}, base_url: '{}', tier: unlimited}}\nstore: state.db\n\
             gateway: {{listen: '127.0.0.1:0'}}\nwebhooks: {{apps: {{{apps}}}}}\n",
            hubspot.base()
        ));
        let (process, base) = place.serve(&[]);
        let connection = connection(&base);
        let store = rusqlite::Connection::open(place.path("state.db")).expect("the store opens");
        Self { process, connection, base, store, seen: 0, _place: place, _hubspot: hubspot }
    }

    fn events(&self) -> u64 {
        let count: i64 = self.store.query_row("select count(*) from event", (), |row| row.get(0)).expect("a count");
        count.unsigned_abs()
    }
}

fn connection(base: &str) -> Connection {
    Connection::open(base.trim_start_matches("http://")).expect("it listens")
}

impl Receiver for Served {
    fn take(&mut self, post: &Post) -> Result<u64, String> {
        let answered = self.connection.ask(&post.bytes());
        let closes = answered.as_ref().map_or(true, |answered| answered.closes);
        if closes {
            self.connection = connection(&self.base);
        }
        match answered {
            Ok(answered) if answered.status == 204 => {
                let logged = self.events();
                Ok(logged - std::mem::replace(&mut self.seen, logged))
            }
            Ok(answered) => Err(answered.status.to_string()),
            Err(_) => Err("the connection was closed".to_owned()),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the server looks at the machine's clock")]
    fn now_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
        u64::try_from(since.as_millis()).expect("a moment of this age")
    }

    fn base(&self) -> &str {
        &self.base
    }

    fn slack_ms(&self) -> u64 {
        SLACK_MS
    }

    /// The scheme of an address is not on the wire.
    fn can_tell(&self, original: &Post, forged: &Post) -> bool {
        original.bytes() != forged.bytes()
    }

    fn logged(&self) -> u64 {
        self.events()
    }
}

/// Sends genuine deliveries, then forgeries of them with replays in between.
fn campaign(receiver: &mut impl Receiver, requests: u64, seed: u64) -> Found {
    let (mut dice, mut next) = (Dice::new(seed), 0);
    let (base, mut found) = (receiver.base().to_owned(), Found::default());
    let mut originals = BTreeMap::new();
    for app in &APPS {
        let now_ms = receiver.now_ms();
        let posts: Vec<Post> = (0..ORIGINALS).map(|_| genuine(app, &base, now_ms, &mut next, &mut dice)).collect();
        for post in &posts {
            let taken = receiver.take(post);
            assert!(
                matches!(taken, Ok(new) if new > 0),
                "seed {seed}: a genuine delivery is refused: {taken:?} {post:?}"
            );
        }
        originals.insert(app.id, posts);
    }
    assert_eq!(receiver.logged(), next, "every event of a genuine delivery is in the log");
    let mut sent = 0;
    while sent < requests {
        let app = dice.pick(&APPS);
        let posts = originals.get(&app.id).expect("each app has its deliveries");
        let now_ms = receiver.now_ms();
        // Signed anew: what was made at the start of a long campaign is stale by itself.
        let post = dice.pick(posts).clone().signed(app.secret, now_ms);
        let class = *dice.pick(&Class::ALL);
        let from = Material { post: &post, other: dice.pick(posts), app, now_ms, slack_ms: receiver.slack_ms() };
        let Some(forged) = forge(class, from, &mut dice) else { continue };
        if !receiver.can_tell(&post, &forged) {
            continue;
        }
        sent += 1;
        match receiver.take(&forged) {
            Ok(_) => found.believed.push((class, forged)),
            Err(code) => {
                *found.refused.entry(class).or_default() += 1;
                *found.codes.entry(code).or_default() += 1;
            }
        }
        if sent % REPLAY_EVERY == 0 {
            found.replays += 1;
            found.wrong_replays += u64::from(receiver.take(&post) != Ok(0));
        }
    }
    assert_eq!(receiver.logged(), next, "seed {seed}: nothing else is in the log");
    found
}

fn tell(place: &str, requests: u64, found: &Found) {
    figure(&format!("{place}: requests that are not HubSpot's"), requests);
    for class in Class::ALL {
        let refused = found.refused.get(&class).copied().unwrap_or_default();
        figure(&format!("{place}: {class:?}, refused"), refused);
        assert!(refused > 0, "{class:?} was never tried");
    }
    for (code, count) in &found.codes {
        figure(&format!("{place}: refused by {code}"), count);
    }
    figure(&format!("{place}: believed"), found.believed.len());
    figure(&format!("{place}: genuine ones that came again, acknowledged without an effect"), found.replays);
    let first = found.believed.first();
    assert!(first.is_none(), "{} were believed; the first: {first:?}", found.believed.len());
    assert_eq!((found.wrong_replays, found.replays > 0), (0, true));
}

#[test]
fn nothing_that_is_forged_is_believed_and_a_replay_has_no_effect() {
    let (requests, seed) = (parameter("REQUESTS", 20_000), parameter("SEED", 1));
    figure("seed", seed);
    tell("in process", requests, &campaign(&mut InProcess::new(&[]), requests, seed));
}

#[test]
fn the_server_on_a_socket_believes_none_of_them_either() {
    let (requests, seed) = (parameter("REQUESTS", 20_000_u64) / SHARE_ON_A_SOCKET, parameter("SEED", 1));
    let mut served = Served::start();
    tell("on a socket", requests, &campaign(&mut served, requests, seed));
    // Signed right, and larger than anything that is read; a byte less is taken.
    let app = &APPS[0];
    let (mut dice, mut next) = (Dice::new(seed), 1 << 40);
    for (length, is_taken) in [(BODY_BYTES_MAX, true), (BODY_BYTES_MAX + 1, false), (2 * BODY_BYTES_MAX, false)] {
        let (now_ms, before) = (served.now_ms(), served.events());
        let mut post = genuine(app, served.base(), now_ms, &mut next, &mut dice);
        post.body.resize(length, b' ');
        let taken = served.take(&post.signed(app.secret, now_ms));
        // It may close the connection before its answer is read.
        assert_eq!((taken.is_ok(), served.events() > before), (is_taken, is_taken), "{length}: {taken:?}");
    }
    assert!(!served.process.has_ended());
}

#[test]
fn a_verifier_that_believes_a_forger_is_found_out() {
    let found = campaign_of_a_gullible_one();
    assert!(!found.is_empty() && found.iter().all(|class| *class == Class::AnotherSecret), "{found:?}");
}

/// An ingress that takes the forger's secret for its own: what the campaign must find.
fn campaign_of_a_gullible_one() -> Vec<Class> {
    let mut gullible = InProcess::new(&[FORGERS_SECRET]);
    campaign(&mut gullible, 2_000, 1).believed.into_iter().map(|(class, _)| class).collect()
}
