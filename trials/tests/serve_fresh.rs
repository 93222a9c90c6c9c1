//! `linchpin serve` answers reads that allow an age from its mirror: fewer calls, the same words, nothing from before a
//! write, nothing that a caller may not see; and other programs read the mirror by SQL meanwhile.

use std::net::TcpListener;
use std::time::Duration;

use http::{Method, StatusCode};
use linchpin_trials::binary::{self, Running};
use linchpin_trials::control::Control;
use linchpin_trials::figure;
use linchpin_trials::simulator::{Simulator, TOKEN};
use linchpin_trials::workplace::Workplace;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

const SECRET: &str = "pat-test-secret-of-7007";
const SOON: Duration = Duration::from_secs(30);
/// May do everything.
const WIDE: &str = "pat-test-key-of-wide";
/// May read the cities of contacts.
const NARROW: &str = "pat-test-key-of-narrow";
/// A token of another app of the same account, which nobody configured.
const GUEST: &str = "pat-na1-01234567-89ab-cdef-0123-456789abcdef";
const CONTACTS: usize = 60;
const ROUNDS: usize = 5;
/// The guide whose queries are run.
const GUIDE: &str = include_str!("../../docs/guides/mirror.md");

struct Scene {
    simulator: Simulator,
    place: Workplace,
    listen: String,
}

struct Told {
    status: StatusCode,
    word: String,
    age: Option<u64>,
    body: Value,
}

impl Scene {
    fn new() -> Self {
        let simulator = Simulator::start(&["--index-lag", "off", "--token", GUEST]);
        let free = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let listen = free.local_addr().expect("it listens").to_string();
        drop(free);
        let place = Workplace::new();
        place.write_config(&format!(
            "hubspot: {{token: {TOKEN}, base_url: '{}', tier: professional}}\nstore: state.db\n\
             gateway:\n  listen: '{listen}'\n  admin: {{key: pat-test-key-of-admin}}\n  callers:\n    \
             wide: {{key: {WIDE}}}\n    narrow: {{key: {NARROW}, properties: {{contacts: {{read: [city], write: []}}}}}}\n\
             webhooks: {{apps: {{'7007': {{secret: {SECRET}}}}}}}\n\
             mirror: {{objects: {{contacts: {{properties: [city, email]}}}}}}\n",
            simulator.base()
        ));
        simulator.seed(&json!({"contacts": CONTACTS}));
        let change = |name| json!({"eventType": "contact.propertyChange", "propertyName": name});
        let app = json!({"app_id": 7007, "client_secret": SECRET,
            "subscriptions": [{"eventType": "contact.creation"}, change("city"), change("email")],
            "target_url": format!("http://{listen}/webhooks/hubspot/7007")});
        let order = json!({"apps": [app], "delivery": {"delay_ms": [0, 100]}});
        simulator.control().json(Method::POST, "/_control/webhooks", Some(&order));
        Self { simulator, place, listen }
    }

    fn serve(&self) -> Running {
        self.place.serve(&["--log", "trace"]).0
    }

    fn caller(&self, key: &str) -> Control {
        Control::new(&format!("http://{}", self.listen), key)
    }

    fn call(&self, key: &str, (method, path): (Method, &str), cache: &'static str, body: Option<Value>) -> Told {
        let headers = [("cache-control", cache)];
        let headers = if cache.is_empty() { &headers[..0] } else { &headers[..] };
        let answer = self.caller(key).exchange_together(&[(method, path, headers, body)]).remove(0);
        let text = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Told {
            status: answer.status(),
            word: text("linchpin-cache").unwrap_or_default(),
            age: text("age").and_then(|age| age.parse().ok()),
            body: serde_json::from_slice(answer.body()).unwrap_or_default(),
        }
    }

    fn read(&self, key: &str, id: &str, properties: &str, cache: &'static str) -> Told {
        let path = format!("/crm/v3/objects/contacts/{id}?properties={properties}");
        self.call(key, (Method::GET, &path), cache, None)
    }

    fn write(&self, key: &str, id: &str, city: &str) {
        let path = format!("/crm/v3/objects/contacts/{id}");
        let told = self.call(key, (Method::PATCH, &path), "", Some(json!({"properties": {"city": city}})));
        assert_eq!(told.status, StatusCode::OK, "{}", told.body);
    }

    fn metric(&self, name: &str) -> u64 {
        let page = self.caller(WIDE).text(Method::GET, "/metrics", None);
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).expect("the metric is there")
    }

    /// Reads until what was read has arrived in the mirror.
    fn until_held(&self, id: &str) {
        let held = || self.read(WIDE, id, "city", "max-age=300").word.starts_with("hit");
        assert!(binary::until(SOON, held), "it is not held");
    }

    /// The store as another program opens it.
    fn store(&self) -> Connection {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        Connection::open_with_flags(self.place.path("state.db"), flags).expect("the store opens")
    }

    fn city_by_sql(&self, id: &str) -> Option<String> {
        let query = "select value from record_values where object_type = 'contacts' and id = ?1 and property = 'city'";
        self.store().query_row(query, [id.parse::<i64>().expect("an id")], |row| row.get(0)).ok()
    }
}

#[test]
fn reads_that_allow_an_age_save_calls_and_show_every_write() {
    let scene = Scene::new();
    let mut process = scene.serve();
    let ids: Vec<String> = scene.simulator.dump("contacts").into_iter().map(|record| record.id).collect();
    assert_eq!(ids.len(), CONTACTS);
    let before = scene.simulator.requests();
    for _ in 0..ROUNDS {
        for id in &ids {
            let told = scene.read(WIDE, id, "email", "max-age=300");
            assert_eq!(told.status, StatusCode::OK, "{}", told.body);
        }
        scene.until_held(&ids[CONTACTS - 1]);
    }
    let cost = scene.simulator.requests() - before;
    figure("reads", ROUNDS * CONTACTS);
    figure("calls", cost);
    // One for each record, and the list of properties; a batch of them all needs none.
    assert!(cost <= u64::try_from(CONTACTS).expect("few") + 5, "{cost}");
    let inputs: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
    let batch = json!({"inputs": inputs, "properties": ["city"]});
    let told = scene.call(WIDE, (Method::POST, "/crm/v3/objects/contacts/batch/read"), "max-age=300", Some(batch));
    assert_eq!(
        (told.word.as_str(), told.body["results"].as_array().map(Vec::len)),
        ("hit; source=mirror", Some(CONTACTS))
    );
    assert!(told.age.is_some_and(|age| age < 300) && scene.simulator.requests() - before == cost);
    assert!(scene.metric("linchpin_gateway_mirror_reads_total{outcome=\"hit\"}") >= 4 * 60);
    let counters = scene.caller("pat-test-key-of-admin").json(Method::GET, "/linchpin/v1/counters", None);
    assert!(counters["mirror"]["records"].as_u64() >= Some(5 * 60), "{counters}");
    assert_eq!(scene.read(WIDE, &ids[0], "email", "").word, "", "without a word HubSpot answers");

    // A write is seen by everybody, also if a token wrote it that nobody configured.
    for (writer, city, id) in [(WIDE, "Rome", &ids[0]), (GUEST, "Bern", &ids[1])] {
        assert!(scene.read(NARROW, id, "city", "max-age=300").word.starts_with("hit"));
        scene.write(writer, id, city);
        let told = scene.read(NARROW, id, "city", "max-age=300");
        assert_eq!((told.word.as_str(), &told.body["properties"]["city"]), ("bypass; source=mirror", &json!(city)));
    }
    // What somebody writes elsewhere is seen when its webhook has come.
    let elsewhere = format!("/crm/v3/objects/contacts/{}", ids[2]);
    scene.simulator.control().json(Method::PATCH, &elsewhere, Some(&json!({"properties": {"city": "Oslo"}})));
    let seen = || scene.read(WIDE, &ids[2], "city", "max-age=300").body["properties"]["city"] == json!("Oslo");
    assert!(binary::until(SOON, seen));
    // After a crash writes of the last process may still be on their way.
    process.kill();
    process = scene.serve();
    assert_eq!(scene.read(WIDE, &ids[5], "city", "max-age=300").word, "bypass; source=mirror");
    let only = scene.read(WIDE, &ids[5], "city", "max-age=300, only-if-cached");
    assert_eq!((only.status, only.age), (StatusCode::GATEWAY_TIMEOUT, None));
    assert!(only.body["message"].as_str().is_some_and(|text| text.contains("LP5104")), "{}", only.body);
    process.kill();
}

#[test]
fn limits_of_callers_hold_for_what_comes_out_of_the_mirror() {
    let scene = Scene::new();
    let process = scene.serve();
    let mut ids: Vec<String> = scene.simulator.dump("contacts").into_iter().map(|record| record.id).collect();
    let (id, other) = (ids.remove(0), ids.remove(0));
    // From now on it follows.
    scene.until_held(&other);
    let properties = |told: &Told| -> Vec<String> {
        told.body["properties"].as_object().map(|all| all.keys().cloned().collect()).unwrap_or_default()
    };
    // The whole is asked of HubSpot, and nobody gets more than was asked for: the first time, and out of the mirror.
    let added = ["city", "createdate", "hs_object_id", "lastmodifieddate"];
    let first = scene.read(NARROW, &id, "city", "max-age=300");
    assert_eq!((first.word.as_str(), properties(&first)), ("miss; source=mirror", added.map(str::to_owned).to_vec()));
    scene.until_held(&id);
    assert!(scene.read(WIDE, &id, "city,email", "max-age=300").word.starts_with("hit"));
    let held = scene.read(NARROW, &id, "city", "max-age=300");
    assert_eq!((held.word.as_str(), properties(&held)), ("hit; source=mirror", added.map(str::to_owned).to_vec()));
    let batch = |name: &str| Some(json!({"inputs": [{"id": id}], "properties": [name]}));
    let refused = [
        scene.read(NARROW, &id, "email", "max-age=300"),
        scene.read(NARROW, &id, "city,email", "max-age=300, only-if-cached"),
        scene.call(NARROW, (Method::POST, "/crm/v3/objects/contacts/batch/read"), "max-age=300", batch("email")),
        scene.read("pat-test-key-of-nobody", &id, "city", "max-age=300"),
        scene.read(GUEST, &id, "email", "max-age=300, only-if-cached"),
    ];
    let seen: Vec<u16> = refused.iter().map(|told| told.status.as_u16()).collect();
    // The guest's read is HubSpot's to answer: the mirror was read with another token.
    assert_eq!(seen, [403, 403, 403, 401, 200]);
    assert!(refused.iter().all(|told| !told.word.contains("mirror") && told.age.is_none()));
    let words = format!("{}{}", process.out(), process.err());
    let email = scene.read(WIDE, &id, "email", "").body["properties"]["email"].as_str().expect("an address").to_owned();
    assert!(!words.contains(&email) && !words.contains(WIDE), "a log tells no values and no keys");
    process.kill();
}

/// What stands between two marks of the guide.
fn quoted<'a>(begin: &str, end: &str) -> &'a str {
    let rest = GUIDE.split_once(begin).map(|(_, rest)| rest).expect("the guide has it");
    rest.split_once(end).map(|(query, _)| query).expect("it ends")
}

#[test]
fn other_programs_read_the_mirror_by_sql_while_it_is_written() {
    let scene = Scene::new();
    let process = scene.serve();
    let ids: Vec<String> = scene.simulator.dump("contacts").into_iter().map(|record| record.id).collect();
    let change = |id: &str, city: &str| {
        let path = format!("/crm/v3/objects/contacts/{id}");
        scene.simulator.control().json(Method::PATCH, &path, Some(&json!({"properties": {"city": city}})));
    };
    for (place, id) in ids.iter().take(9).enumerate() {
        change(id, if place < 5 { "Z\u{fc}rich" } else { "Oslo" });
    }
    let by_sql = || ids.iter().take(9).all(|id| scene.city_by_sql(id).is_some());
    assert!(binary::until(SOON, by_sql), "webhooks bring the records");
    let store = scene.store();
    let first = quoted("linchpin.db \"\n", "\"\n```");
    let mut query = store.prepare(first).expect("the guide's first query");
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?));
    let rows: Vec<_> = query.query_map((), row).expect("rows").map(|row| row.expect("a row")).collect();
    assert_eq!(rows.len(), 9);
    let truth = scene.simulator.dump("contacts");
    for (id, email, city) in rows {
        let record = truth.iter().find(|record| record.id == id.to_string()).expect("HubSpot has it");
        assert_eq!((record.properties.get("email"), record.properties.get("city")), (Some(&email), Some(&city)));
    }
    let counts = || -> Vec<(String, i64)> {
        let mut query = store.prepare(quoted("```sql\n", "```")).expect("the guide's second query");
        let rows = query.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
        rows.map(|row| row.expect("a row")).collect()
    };
    assert_eq!(counts(), [("Z\u{fc}rich".to_owned(), 5), ("Oslo".to_owned(), 4)]);
    // A reader that is in the middle of something sees one moment, and holds up nobody.
    store.execute_batch("begin").expect("it begins");
    assert_eq!(counts().len(), 2);
    change(&ids[0], "Oslo");
    assert!(binary::until(SOON, || scene.city_by_sql(&ids[0]).as_deref() == Some("Oslo")), "it is followed meanwhile");
    assert_eq!(counts(), [("Z\u{fc}rich".to_owned(), 5), ("Oslo".to_owned(), 4)]);
    store.execute_batch("commit").expect("it ends");
    assert_eq!(counts(), [("Oslo".to_owned(), 5), ("Z\u{fc}rich".to_owned(), 4)]);
    let until: i64 =
        store.query_row("select min(complete_until) from records", (), |row| row.get(0)).expect("it is known");
    assert!(until > 1_600_000_000_000, "{until}");
    assert!(store.execute("delete from mirror", ()).is_err(), "nobody writes by accident");
    process.kill();
}
