//! How much the way in takes: deliveries of a hundred events and of one, through `linchpin serve` into its store, beside
//! a bare loop that inserts the same rows into the same tables.
//!
//! Bodies are signed and requests made beforehand; the load generator is one thread with connections that stay open.
//! Rounds alternate, each on a store of its own, and the median round counts. An acknowledgement is measured from the
//! moment at which its delivery was due, so that a server that is late is late for all that wait.

#![expect(clippy::disallowed_methods, reason = "a measurement asks the machine's clock")]
#![expect(clippy::cast_precision_loss, reason = "figures are rounded")]

use std::cell::Cell;
use std::io::Write as _;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use linchpin_core::ingress::keys::keys;
use linchpin_hubspot::event::{self, Change};
use linchpin_store_sqlite::{Options, SqliteStore};
use linchpin_trials::bench::Goals;
use linchpin_trials::bench_stub::Stub;
use linchpin_trials::binary::Running;
use linchpin_trials::deliveries::sign::Scheme;
use linchpin_trials::deliveries::{Dice, Post, events};
use linchpin_trials::figure;
use linchpin_trials::parameters::parameter;
use linchpin_trials::simulator::TOKEN;
use linchpin_trials::workplace::Workplace;
use rusqlite::params;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const APP: u64 = 7_007;
const SECRET: &str = "pat-test-secret-of-7007";
/// What HubSpot puts into one delivery at most.
const BATCH: usize = 100;
const ROUNDS: usize = 3;
/// Deliveries on their way at a time under full load: those of a few accounts, ten of each.
const BUSY: usize = 32;
/// Connections of a paced load: enough that none waits for another.
const PACED: usize = 128;
const SINGLES_PER_SECOND: f64 = 2_000.0;
/// What has to be reached at least; the server is asked to answer in time at 70% of it.
const EVENTS_PER_SECOND: f64 = 50_000.0;
const PACE: f64 = 0.7;
/// The memory for pages that the store's writer has.
const CACHE_KIB: i64 = 32 << 10;
/// The end of an answer without a body.
const END: &[u8] = b"\r\n\r\n";

/// `linchpin serve` with an app.
struct Server {
    process: Running,
    address: String,
    place: Workplace,
}

impl Server {
    fn start(hubspot: &Stub) -> Self {
        let place = Workplace::new();
        place.write_config(&format!(
            "hubspot: {{token: {TOKEN}, base_url: '{}', tier: unlimited}}\nstore: state.db\n\
             gateway: {{listen: '127.0.0.1:0'}}\nwebhooks: {{apps: {{'{APP}': {{secret: {SECRET}}}}}}}\n",
            hubspot.base()
        ));
        let (process, base) = place.serve(&[]);
        let address = base.trim_start_matches("http://").to_owned();
        Self { process, address, place }
    }

    /// Deliveries for this server, signed now.
    fn deliveries(&self, bodies: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
        let now_ms = u64::try_from(since.as_millis()).expect("a moment of this age");
        let post = |body: &Vec<u8>| Post {
            scheme: Scheme::V3,
            app: APP,
            method: "POST".to_owned(),
            base: format!("http://{}", self.address),
            target: format!("/webhooks/hubspot/{APP}"),
            headers: vec![("content-type".to_owned(), b"application/json".to_vec())],
            body: body.clone(),
        };
        bodies.iter().map(|body| post(body).signed(SECRET, now_ms).bytes()).collect()
    }

    /// Ends it, and demands that every event is in its store once.
    fn end(self, events: usize) {
        self.process.kill();
        let store = rusqlite::Connection::open(self.place.path("state.db")).expect("the store opens");
        let stored: i64 = store.query_row("select count(*) from event", (), |row| row.get(0)).expect("a count");
        assert_eq!(usize::try_from(stored).ok(), Some(events), "what was acknowledged is in the store, once");
    }
}

/// Bodies of so many events each, all different. Their moments go on as the present does under full load, and lie some
/// seconds back, in no order, as those of one delivery do.
fn bodies(count: usize, events_each: usize) -> Vec<Vec<u8>> {
    const PER_MS: u64 = 50;
    const SPREAD_MS: u64 = 3_000;
    let (mut dice, mut next) = (Dice::new(1), 0);
    let mut event = || {
        let moment = 1_767_225_600_000 + next / PER_MS + dice.roll(SPREAD_MS);
        let mut event = events::event(APP, moment, &mut next, &mut dice);
        if let Some(occurred_at) = event.get_mut("occurredAt") {
            *occurred_at = moment.into();
        }
        event
    };
    let mut body = || {
        let events: Vec<_> = (0..events_each).map(|_| event()).collect();
        serde_json::to_vec(&events).expect("events are JSON")
    };
    (0..count).map(|_| body()).collect()
}

/// What came of a load.
struct Outcome {
    seconds: f64,
    /// In milliseconds, ascending.
    latencies: Vec<f64>,
}

impl Outcome {
    fn percentile(&self, percent: f64) -> f64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
        let place = (self.latencies.len() as f64 * percent / 100.0) as usize;
        self.latencies.get(place.min(self.latencies.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
    }
}

/// Sends prepared requests over connections that stay open: each when it is due, or as fast as they are answered.
fn load(address: &str, requests: Vec<Vec<u8>>, connections: usize, per_second: Option<f64>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let tasks = tokio::task::LocalSet::new();
    let next = Rc::new(Cell::new(0_usize));
    let requests = Rc::new(requests);
    tasks.block_on(&runtime, async {
        let mut sockets = Vec::new();
        for _ in 0..connections.min(requests.len()) {
            let socket = TcpStream::connect(address).await.expect("it listens");
            socket.set_nodelay(true).expect("a socket takes options");
            sockets.push(socket);
        }
        let began = Instant::now();
        let workers: Vec<_> = sockets
            .into_iter()
            .map(|socket| {
                tokio::task::spawn_local(work(socket, Rc::clone(&requests), Rc::clone(&next), began, per_second))
            })
            .collect();
        let mut latencies = Vec::with_capacity(requests.len());
        for worker in workers {
            latencies.extend(worker.await.expect("a worker ends well"));
        }
        let seconds = began.elapsed().as_secs_f64();
        latencies.sort_by(f64::total_cmp);
        Outcome { seconds, latencies }
    })
}

async fn work(
    mut socket: TcpStream,
    requests: Rc<Vec<Vec<u8>>>,
    next: Rc<Cell<usize>>,
    began: Instant,
    per_second: Option<f64>,
) -> Vec<f64> {
    let (mut latencies, mut answer) = (Vec::new(), vec![0; 4_096]);
    loop {
        let number = next.get();
        let Some(request) = requests.get(number) else { return latencies };
        next.set(number + 1);
        let due = match per_second {
            Some(rate) => {
                let due = began + Duration::from_secs_f64(number as f64 / rate);
                tokio::time::sleep_until(due.into()).await;
                due
            }
            None => Instant::now(),
        };
        socket.write_all(request).await.expect("the server reads");
        let mut size = 0;
        while !answer.get(..size).is_some_and(|answer| answer.ends_with(END)) {
            let room = answer.get_mut(size..).expect("an answer without a body is short");
            let more = socket.read(room).await.expect("the server answers");
            assert!(more > 0, "the server closed the connection");
            size += more;
        }
        latencies.push(due.elapsed().as_secs_f64() * 1_000.0);
        let head = answer.get(..12).unwrap_or_default();
        assert_eq!(head, b"HTTP/1.1 204", "{}", String::from_utf8_lossy(answer.get(..size).unwrap_or_default()));
    }
}

/// A row, as the store writes it.
struct Row {
    occurred_at: i64,
    kind: String,
    object_type: Option<String>,
    record: Option<i64>,
    property: Option<String>,
    delivery: [u8; 16],
    change: [u8; 16],
    body: Vec<u8>,
}

fn rows(bodies: &[Vec<u8>]) -> Vec<Vec<Row>> {
    let row = |told: event::Told<'_>| {
        let event = told.event.expect("the events of a measurement are understood");
        let (delivery, change) = keys(&event);
        let record = event.change.record();
        Row {
            occurred_at: event.occurred_at_ms,
            kind: event.change.kind().to_owned(),
            object_type: record.map(|(object_type, _)| object_type.as_str().to_owned()),
            record: record.map(|(_, id)| id.0.cast_signed()),
            property: match &event.change {
                Change::Property { name, .. } => Some(name.clone()),
                _ => None,
            },
            delivery: delivery.0.0,
            change: change.0.0,
            body: [&[1], told.raw].concat(),
        }
    };
    bodies.iter().map(|body| event::read(body).into_iter().map(row).collect()).collect()
}

/// Inserts the rows of each delivery in a transaction of its own, as durably as the store does; rows a second.
fn bare(deliveries: &[Vec<Row>]) -> f64 {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("store.sqlite");
    drop(SqliteStore::open(&path, Options::default()).expect("a store"));
    let store = durable(&path);
    let began = Instant::now();
    let (mut place, mut inserted) = (0_i64, 0);
    for rows in deliveries {
        store.execute_batch("begin immediate").expect("a transaction");
        let mut insert = store
            .prepare_cached(
                "insert into event (portal, app, place, teller, occurred_at, received_at, kind, object_type, record,
                     property, delivery, change, body)
                 values (48151623, 7007, ?1, 0, ?2, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )
            .expect("a statement");
        let mut know = store
            .prepare_cached(
                "insert into event_change (portal, app, moment, change, place)
                 values (48151623, 7007, ?1, ?2, ?3)",
            )
            .expect("a statement");
        for row in rows {
            place += 1;
            let Row { occurred_at, kind, object_type, record, property, delivery, change, body } = row;
            inserted += insert
                .execute(params![place, occurred_at, kind, object_type, record, property, delivery, change, body])
                .expect("a row");
            know.execute(params![occurred_at, change, place]).expect("a row");
        }
        store.execute_batch("commit").expect("a commit");
    }
    inserted as f64 / began.elapsed().as_secs_f64()
}

/// A connection as durable as the store's, and with as much memory.
fn durable(path: &Path) -> rusqlite::Connection {
    let store = rusqlite::Connection::open(path).expect("the store opens");
    store.pragma_update(None, "synchronous", "full").expect("a setting");
    store.pragma_update(None, "cache_size", -CACHE_KIB).expect("a setting");
    store
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

fn tell(name: &str, numbers: &[f64], unit: &str) -> f64 {
    let each: Vec<String> = numbers.iter().map(|number| format!("{number:.1}")).collect();
    let middle = median(numbers.to_vec());
    figure(name, format_args!("{middle:.1} {unit} (rounds: {})", each.join(", ")));
    middle
}

#[test]
#[ignore = "a measurement, for release builds"]
fn deliveries_are_taken_as_fast_as_they_come() {
    let (events, seconds) = (parameter("EVENTS", 200_000), parameter("SECONDS", 5_usize));
    let (hubspot, mut goals) = (Stub::start(), Goals::default());
    let (mut loops, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let bodies = bodies(events / BATCH, BATCH);
        loops.push(bare(&rows(&bodies)));
        let server = Server::start(&hubspot);
        let outcome = load(&server.address, server.deliveries(&bodies), BUSY, None);
        rates.push((bodies.len() * BATCH) as f64 / outcome.seconds);
        server.end(bodies.len() * BATCH);
    }
    figure("deliveries of 100 events in a round", events / BATCH);
    let bare = tell("a bare loop of transactions of 100 rows", &loops, "rows/s");
    let rate = tell("through the server, 32 deliveries at a time", &rates, "events/s");
    goals.at_least("share of the bare loop", rate / bare, 0.5);
    goals.at_least("events a second", rate, EVENTS_PER_SECOND);

    flushes();

    let asked = EVENTS_PER_SECOND * PACE / BATCH as f64;
    let reached = rate * PACE / BATCH as f64;
    let paces = [(asked, BATCH), (reached, BATCH), (SINGLES_PER_SECOND, 1)];
    let mut slowest = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        for ((per_second, events_each), slowest) in paces.into_iter().zip(&mut slowest) {
            slowest.push(paced_round(&hubspot, seconds, events_each, per_second));
        }
    }
    let [asked, reached, single] = slowest;
    let asked = tell("at 35,000 events a second, acknowledged within (99 of 100)", &asked, "ms");
    goals.at_most("p99 at 35,000 events a second, ms", asked, 25.0);
    tell("at 70% of what the server reached, acknowledged within (99 of 100)", &reached, "ms");
    let single = tell("2,000 single events a second, acknowledged within (99 of 100)", &single, "ms");
    goals.at_most("p99 of single events, ms", single, 10.0);
    goals.demand_all();
}

/// What the disk itself takes to make a page durable: no acknowledgement is faster.
fn flushes() {
    let mut file = tempfile::tempfile().expect("a file can be made");
    let flush = |_| {
        let began = Instant::now();
        file.write_all(&[7; 4_096]).and_then(|()| file.sync_data()).expect("the disk takes a page");
        began.elapsed().as_secs_f64() * 1_000.0
    };
    let mut latencies: Vec<f64> = (0..200).map(flush).collect();
    latencies.sort_by(f64::total_cmp);
    let disk = Outcome { seconds: 0.0, latencies };
    let [median, most] = [50.0, 99.0].map(|percent| disk.percentile(percent));
    figure("the disk alone, a page made durable", format_args!("{median:.2} ms, 99 of 100 within {most:.2} ms"));
}

/// The 99th percentile of a paced load on a server of its own, in milliseconds.
fn paced_round(hubspot: &Stub, seconds: usize, events_each: usize, per_second: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of deliveries")]
    let count = (per_second * seconds as f64) as usize;
    let server = Server::start(hubspot);
    let bodies = bodies(count, events_each);
    let outcome = load(&server.address, server.deliveries(&bodies), PACED, Some(per_second));
    server.end(count * events_each);
    let all: Vec<String> = [50.0, 90.0, 99.0, 99.9].map(|percent| format!("{:.1}", outcome.percentile(percent))).into();
    figure(
        &format!("{per_second:.0} deliveries of {events_each} a second: 50, 90, 99, 99.9 of 100 within ms"),
        all.join(", "),
    );
    outcome.percentile(99.0)
}
