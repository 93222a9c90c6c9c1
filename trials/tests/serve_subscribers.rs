//! Subscribers of what HubSpot delivers to `linchpin serve`: whatever fails, each gets every event, in order.

#![expect(clippy::disallowed_methods, reason = "real processes and sockets are waited for in real time")]
#![expect(clippy::indexing_slicing, reason = "a member of JSON that is not there is null")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use http::Method;
use linchpin_trials::binary::{self, Running};
use linchpin_trials::control::Control;
use linchpin_trials::simulator::{Simulator, TOKEN};
use linchpin_trials::workplace::{SHORT, Workplace};
use serde_json::{Value, json};

#[path = "subscribers/receiver.rs"]
mod receiver;

use receiver::{Receiver, SECRET};

const APP_SECRET: &str = "pat-test-secret-of-7007";
const ADMIN_KEY: &str = "pat-test-key-of-admin";
const ERP_KEY: &str = "pat-test-key-of-erp";
const CHANGES: u64 = 900;
const LIMIT: Duration = Duration::from_secs(120);

struct Scene {
    simulator: Simulator,
    place: Workplace,
    listen: String,
}

impl Scene {
    /// A simulator whose app 7007 delivers to a server that is not started yet, and tells these.
    fn new(subscribers: &str) -> Self {
        let simulator = Simulator::start(&["--index-lag", "off"]);
        let free = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let listen = free.local_addr().expect("it listens").to_string();
        drop(free);
        let place = Workplace::new();
        std::fs::write(place.path("whsec"), SECRET).expect("the trial's folder takes files");
        place.write_config(&format!(
            "hubspot: {{token: {TOKEN}, base_url: '{}', tier: professional}}\nstore: state.db\n\
             gateway: {{listen: '{listen}', admin: {{key: {ADMIN_KEY}}}, callers: {{erp: {{key: {ERP_KEY}}}}}}}\n\
             webhooks: {{apps: {{'7007': {{secret: {APP_SECRET}}}}}}}\nsubscribers: {{{subscribers}}}\n",
            simulator.base()
        ));
        let subscriptions = json!([
            {"eventType": "contact.creation"}, {"eventType": "contact.deletion"},
            {"eventType": "contact.propertyChange", "propertyName": "city"},
        ]);
        let app = json!({"app_id": 7007, "client_secret": APP_SECRET, "subscriptions": subscriptions,
            "target_url": format!("http://{listen}/webhooks/hubspot/7007")});
        let order = json!({"apps": [app], "delivery": {"retry_over_ms": 20_000, "delay_ms": [0, 0], "batch": 20}});
        simulator.control().json(Method::POST, "/_control/webhooks", Some(&order));
        Self { simulator, place, listen }
    }

    fn serve(&self) -> Running {
        self.place.serve(&[]).0
    }

    fn churn(&self, changes: u64, per_second: u64) {
        self.simulator.seed(&json!({"contacts": 40}));
        let churn = json!({"changes": changes, "creations": changes / 20, "deletions": 10, "property": "city",
            "per_second": per_second});
        self.simulator.control().json(Method::POST, "/_control/churn", Some(&churn));
    }

    fn admin(&self) -> Control {
        Control::new(&format!("http://{}", self.listen), ADMIN_KEY)
    }

    fn page(&self, path: &str) -> Value {
        self.admin().json(Method::GET, &format!("/linchpin/v1/{path}"), None)
    }

    fn order(&self, path: &str) -> Value {
        self.admin().json(Method::POST, &format!("/linchpin/v1/{path}"), None)
    }

    /// Waits until the simulator has nothing left to deliver.
    fn settle(&self) {
        let webhooks = || self.simulator.control().json(Method::GET, "/_control/webhooks", None);
        let settled = binary::until(LIMIT, || {
            let state = webhooks();
            let left = ["/pending/events_waiting", "/pending/posts_under_way", "/churn_left"];
            left.iter().all(|pointer| state.pointer(pointer).and_then(Value::as_u64) == Some(0))
        });
        assert!(settled, "{}", webhooks());
    }

    /// The one feed of a subscriber.
    fn feed(&self, name: &str) -> Value {
        let page = self.page("subscribers");
        let all = page["subscribers"].as_array().expect("subscribers are listed");
        let one = all.iter().find(|one| one["name"] == name).expect("it is listed");
        one.pointer("/feeds/0").cloned().unwrap_or_default()
    }

    /// Waits until a subscriber has been told of everything.
    fn told(&self, name: &str) {
        let told = binary::until(LIMIT, || {
            let feed = self.feed(name);
            feed["last"].as_u64() > Some(0) && feed["place"] == feed["last"]
        });
        assert!(told, "{}", self.feed(name));
    }

    /// What is in the log: record, property and value of each event by its place.
    fn logged(&self) -> BTreeMap<u64, [Value; 3]> {
        let store = rusqlite::Connection::open(self.place.path("state.db")).expect("the store opens");
        let mut rows = store.prepare("select place, substr(body, 2) from event order by place").expect("a query");
        let rows = rows.query_map((), |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))).expect("rows");
        let read = |(place, body): (i64, Vec<u8>)| {
            let body: Value = serde_json::from_slice(&body).expect("an event is JSON");
            let id = body["objectId"].as_u64().expect("it has a record").to_string();
            (
                u64::try_from(place).expect("places ascend from one"),
                [Value::from(id), body["propertyName"].clone(), body["propertyValue"].clone()],
            )
        };
        rows.map(|row| read(row.expect("a row"))).collect()
    }
}

/// What arrived, against what is in the log: all of it, as it is, and each for the first time in the order of the log.
fn demand_all(arrived: &[Value], logged: &BTreeMap<u64, [Value; 3]>) {
    let (mut seen, mut newest) = (BTreeMap::new(), 0);
    for event in arrived {
        let place = event["id"].as_u64().expect("an event has an id");
        let known = [event["recordId"].clone(), event["property"].clone(), event["value"].clone()];
        if seen.insert(place, known).is_none() {
            assert!(place > newest, "{place} arrived after {newest}");
            newest = place;
        }
    }
    assert_eq!(&seen, logged);
}

fn subscriber(name: &str, receiver: &Receiver, more: &str) -> String {
    format!("{name}: {{url: '{}', secret: 'file:whsec', from: oldest{more}}}", receiver.url(name))
}

#[test]
fn every_event_arrives_in_order_whatever_fails_and_is_signed() {
    let mut receiver = Receiver::start();
    let subscribers = [subscriber("single", &receiver, ""), subscriber("batches", &receiver, ", batch: 25")];
    let scene = Scene::new(&subscribers.join(", "));
    let mut process = scene.serve();
    scene.churn(CHANGES, 150);
    let arrived = |receiver: &Receiver, least: usize| {
        assert!(binary::until(LIMIT, || receiver.taken("single").len() >= least), "{}", scene.page("subscribers"));
    };
    arrived(&receiver, 20);
    // It breaks, is slow, is not there, and comes again; the server is killed in between.
    receiver.answer(500);
    let failures = |receiver: &Receiver| receiver.got("single").iter().filter(|got| got.status == 500).count();
    assert!(binary::until(LIMIT, || failures(&receiver) > 0));
    receiver.answer(204);
    receiver.delay(Duration::from_millis(15));
    arrived(&receiver, 60);
    process.kill();
    process = scene.serve();
    arrived(&receiver, 120);
    receiver.stop();
    let failing = binary::until(LIMIT, || scene.feed("single")["trouble"]["attempts"].as_u64() > Some(0));
    assert!(failing, "{}", scene.page("subscribers"));
    process.kill();
    receiver.delay(Duration::ZERO);
    receiver.restart();
    process = scene.serve();
    scene.settle();
    scene.told("single");
    scene.told("batches");
    let logged = scene.logged();
    assert!(logged.len() as u64 > CHANGES, "{}", logged.len());
    demand_all(&receiver.taken("single"), &logged);
    demand_all(&receiver.taken("batches"), &logged);
    let together = receiver.got("batches").iter().map(|got| got.events().len()).max();
    assert!(together > Some(1), "nothing was delivered together");
    assert!(receiver.verify_all() >= logged.len());
    // A delivery that is tried again has the id that it had.
    let failed = receiver.got("single").into_iter().find(|got| got.status == 500).expect("one has failed");
    let again = receiver.got("single").into_iter().find(|got| got.status == 204 && got.body == failed.body);
    assert_eq!(again.map(|got| got.id), Some(failed.id));
    process.kill();
}

#[test]
fn a_two_way_program_does_not_hear_itself_and_everybody_else_does() {
    const CONTACTS: &str = "/crm/v3/objects/contacts";
    let receiver = Receiver::start();
    let subscribers = [subscriber("erp", &receiver, ", ignore_echoes_of: [erp]"), subscriber("audit", &receiver, "")];
    let scene = Scene::new(&subscribers.join(", "));
    let process = scene.serve();
    let erp = Control::new(&format!("http://{}", scene.listen), ERP_KEY);
    let person = Control::new(scene.simulator.base(), TOKEN);
    let made = person.json(Method::POST, CONTACTS, Some(&json!({"properties": {"lastname": "Ada"}})));
    let id = made["id"].as_str().expect("a record has an id").to_owned();
    let city = |value: &str| json!({"properties": {"city": value}});
    let batch = json!({"inputs": [{"id": id, "properties": {"city": "Bern"}}]});
    let (one, many) = (format!("{CONTACTS}/{id}"), format!("{CONTACTS}/batch/update"));
    // Back and forth: the same value by another hand is news.
    let changes = [
        (&erp, Method::PATCH, &one, city("Oslo")),
        (&person, Method::PATCH, &one, city("Rome")),
        (&person, Method::PATCH, &one, city("Oslo")),
        (&erp, Method::POST, &many, batch),
    ];
    for (who, method, path, body) in changes {
        who.json(method, path, Some(&body));
        scene.settle();
        scene.told("erp");
        scene.told("audit");
    }
    let heard = |name: &str| -> Vec<(Value, Value)> {
        let cities = receiver.taken(name).into_iter().filter(|event| event["property"] == "city");
        cities.map(|event| (event["value"].clone(), event["causedBy"]["caller"].clone())).collect()
    };
    let told = |value: &str, caller: Option<&str>| (json!(value), json!(caller));
    assert_eq!(heard("erp"), [told("Rome", None), told("Oslo", None)]);
    assert_eq!(
        heard("audit"),
        [told("Oslo", Some("erp")), told("Rome", None), told("Oslo", None), told("Bern", Some("erp"))]
    );
    let callers = scene.page("callers");
    let callers = callers["callers"].as_array().expect("callers are listed");
    let row = callers.iter().find(|row| row["name"] == "erp").expect("it is listed");
    assert_eq!(row["echoes"], 2);
    let metrics = scene.admin().text(Method::GET, "/metrics", None);
    assert!(metrics.contains("linchpin_echoes_total{caller=\"erp\"} 2\n"), "{metrics}");
    process.kill();
}

#[test]
fn a_receiver_that_is_gone_is_left_alone_and_can_be_enabled_and_sent_back() {
    let receiver = Receiver::start();
    let scene = Scene::new(&subscriber("erp", &receiver, ", kinds: [propertyChange], object_types: [contact]"));
    let process = scene.serve();
    receiver.answer(410);
    scene.churn(30, 100);
    scene.settle();
    let disabled = || scene.feed("erp")["reason"] == "gone";
    assert!(binary::until(LIMIT, disabled), "{}", scene.page("subscribers"));
    let metrics = scene.admin().text(Method::GET, "/metrics", None);
    assert!(metrics.contains("linchpin_subscriber_disabled{subscriber=\"erp\",portal="), "{metrics}");
    let tried = receiver.got("erp").len();
    assert_eq!(tried, 1, "410 ends it at once");
    receiver.answer(200);
    assert_eq!(scene.order("subscribers/erp/enable"), json!({"feeds": 1}));
    scene.told("erp");
    let wanted: BTreeMap<_, _> =
        scene.logged().into_iter().filter(|(_, [_, property, _])| !property.is_null()).collect();
    assert!(!wanted.is_empty() && wanted.len() < scene.logged().len());
    demand_all(&receiver.taken("erp"), &wanted);
    // And once more from the beginning.
    assert_eq!(scene.order("subscribers/erp/resume?after=0"), json!({"feeds": 1}));
    assert!(binary::until(LIMIT, || receiver.taken("erp").len() == 2 * wanted.len()), "{}", scene.page("subscribers"));
    assert_eq!(scene.page("subscribers/erp/dead"), json!({"dead": []}));
    let strange = scene.admin().call(Method::POST, "/linchpin/v1/subscribers/nobody/enable", None);
    assert_eq!(strange.0.as_u16(), 404, "{}", strange.1);
    let shut = Control::new(&format!("http://{}", scene.listen), "pat-test-another");
    for (method, path) in
        [(Method::POST, "subscribers/erp/enable"), (Method::GET, "events"), (Method::GET, "subscribers")]
    {
        let (status, text) = shut.call(method, &format!("/linchpin/v1/{path}"), None);
        assert_eq!(status.as_u16(), 403, "{path}: {text}");
    }
    process.kill();
}

/// Reads a stream of events until `most` have come or the connection ends; gives them with their ids.
fn stream(listen: &str, query: &str, last: Option<u64>, most: usize) -> Vec<(u64, Value)> {
    let Ok(mut socket) = TcpStream::connect(listen) else { return Vec::new() };
    socket.set_read_timeout(Some(Duration::from_secs(3))).expect("a socket takes a timeout");
    let last = last.map(|last| format!("last-event-id: {last}\r\n")).unwrap_or_default();
    // HTTP/1.0 has no chunks.
    let head = format!("GET /linchpin/v1/events?{query} HTTP/1.0\r\nauthorization: Bearer {ADMIN_KEY}\r\n{last}\r\n");
    if socket.write_all(head.as_bytes()).is_err() {
        return Vec::new();
    }
    let (mut events, mut id) = (Vec::new(), 0);
    for line in BufReader::new(socket).lines() {
        let Ok(line) = line else { break };
        match line.split_once(": ") {
            Some(("id", text)) => id = text.parse().expect("an id is a number"),
            Some(("data", data)) => events.push((id, serde_json::from_str(data).expect("data is JSON"))),
            _ => {}
        }
        if events.len() >= most {
            break;
        }
    }
    events
}

#[test]
fn a_stream_goes_on_where_it_stopped_and_misses_nothing() {
    let scene = Scene::new("");
    let mut process = scene.serve();
    scene.churn(300, 100);
    let (mut events, mut last, begin) = (Vec::new(), None, Instant::now());
    // Readers come and go; the server is killed twice.
    let mut kills = 0;
    while events.len() < 200 {
        assert!(begin.elapsed() < LIMIT, "{} events only", events.len());
        let some = stream(&scene.listen, "after=0", last, 37);
        last = some.last().map(|(id, _)| *id).or(last);
        events.extend(some.into_iter().map(|(_, event)| event));
        if kills < 2 && events.len() > 70 * (kills + 1) {
            process.kill();
            process = scene.serve();
            kills += 1;
        }
    }
    scene.settle();
    let all = scene.logged().len();
    while events.len() < all {
        assert!(begin.elapsed() < LIMIT, "{} events of {all}", events.len());
        let some = stream(&scene.listen, "after=0", last, all - events.len());
        last = some.last().map(|(id, _)| *id).or(last);
        events.extend(some.into_iter().map(|(_, event)| event));
    }
    assert_eq!(events.len(), all, "each event once");
    demand_all(&events, &scene.logged());
    // The same in pages, and only what is asked for.
    let (mut paged, mut next) = (Vec::new(), 0);
    loop {
        let call = (
            Method::GET,
            &*format!("/linchpin/v1/events?after={next}&limit=50"),
            &[("accept", "application/json")][..],
            None,
        );
        let answers = scene.admin().exchange_together(&[call]);
        let page: Value = serde_json::from_slice(answers[0].body()).expect("a page is JSON");
        paged.extend(page["events"].as_array().expect("it has events").clone());
        next = page["next"].as_u64().expect("it says how to go on");
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(paged, events);
    let created = stream(&scene.listen, "after=0&kind=creation&objectType=contacts", None, 5);
    assert!(created.len() == 5 && created.iter().all(|(_, event)| event["kind"] == "creation"), "{created:?}");
    // News come at once: a reader who waits is told within far less than the poll.
    let listen = scene.listen.clone();
    let waiting = std::thread::spawn(move || (stream(&listen, "", None, 1), Instant::now()));
    assert!(binary::until(LIMIT, || scene
        .admin()
        .text(Method::GET, "/metrics", None)
        .contains("linchpin_subscriber_streams 1")));
    let told = Instant::now();
    scene.churn(20, 1_000);
    let (first, came) = waiting.join().expect("the reader ends");
    assert_eq!(first.len(), 1);
    assert!(came - told < Duration::from_secs(3), "{:?}", came - told);
    process.kill();
}

#[test]
fn listen_follows_and_replays_to_a_receiver_that_is_being_written() {
    let receiver = Receiver::start();
    let scene = Scene::new("");
    let process = scene.serve();
    let following = scene.place.start(&["listen", "--after", "0", "--object-type", "contacts"]);
    scene.churn(40, 200);
    scene.settle();
    let logged = scene.logged();
    let lines = || following.out().lines().filter(|line| line.ends_with('}')).count();
    assert!(binary::until(LIMIT, || lines() == logged.len()), "{} of {}: {}", lines(), logged.len(), following.err());
    let shown: Vec<Value> =
        following.out().lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    demand_all(&shown, &logged);
    following.kill();
    let url = receiver.url("new");
    let replay = |from: &str| {
        let words = ["listen", "--replay", from, "--to", &url, "--secret", "file:whsec"];
        scene.place.run(&words, SHORT)
    };
    let ended = replay("3").with_code(0);
    let rest = logged.len() as u64 - 2;
    assert_eq!((ended.value("/sent"), ended.value("/last")), (json!(rest), json!(logged.len())));
    assert_eq!(receiver.verify_all() as u64, rest);
    assert_eq!(replay("2020-01-01").with_code(0).value("/sent"), json!(logged.len()));
    receiver.answer(400);
    let failed = replay("5").with_code(1);
    assert_eq!(failed.value("/error/code"), "LP5406");
    assert!(failed.err.contains("--replay 5"), "{}", failed.err);
    process.kill();
}
