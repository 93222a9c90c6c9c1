//! Bad input at the command line: one clear message each, the right exit code, and nothing sent when nothing should be.

use std::path::Path;
use std::time::Duration;

use linchpin_trials::binary::Ended;
use linchpin_trials::shop::{Holdings, Shop};
use linchpin_trials::simulator::Simulator;
use linchpin_trials::workplace::{SHORT, Workplace};
use rusqlite::Connection;
use serde_json::Value;

const ROWS: u32 = 60;
const SYNC_LIMIT: Duration = Duration::from_secs(120);

/// A small shop with a simulator and the configuration that fits.
struct Scene {
    simulator: Simulator,
    place: Workplace,
    config: String,
}

impl Scene {
    fn new() -> Self {
        let simulator = Simulator::start(&["--tier", "professional"]);
        let place = Workplace::new();
        Shop::with_rows(ROWS).write(&place.path("shop.sqlite"));
        let config = Shop::config(simulator.base());
        place.write_config(&config);
        Self { simulator, place, config }
    }

    /// Replaces a part of the configuration that is there.
    fn with(self, part: &str, other: &str) -> Self {
        assert!(self.config.contains(part), "{part:?} is not in the configuration");
        self.place.write_config(&self.config.replacen(part, other, 1));
        self
    }

    /// Changes the source.
    fn with_sql(self, statements: &str) -> Self {
        change(&self.place.path("shop.sqlite"), statements);
        self
    }

    fn sync(&self) -> Ended {
        self.place.sync(SYNC_LIMIT)
    }
}

fn change(database: &Path, statements: &str) {
    let database = Connection::open(database).expect("the database opens");
    database.execute_batch(statements).expect("the statements fit the shop");
}

/// Checks a failure: its code, words that must be in the message, and that it says what to do, both ways.
fn assert_failure(ended: &Ended, code: &str, words: &[&str]) {
    assert_eq!(ended.value("/ok"), false, "{}", ended.out);
    assert_eq!(ended.value("/error/code"), code, "{}", ended.out);
    assert_ne!(ended.value("/error/to_do").as_str().unwrap_or_default(), "", "{}", ended.out);
    let text = ended.value("/error").to_string();
    for word in words {
        assert!(text.contains(word), "{word:?} is not in {text}");
    }
}

#[test]
fn a_broken_file_is_shown_with_its_place_and_nothing_is_sent() {
    let scene = Scene::new().with("      fields:\n", "      feilds:\n");
    for ended in [scene.place.run(&["check"], SHORT), scene.sync()] {
        let ended = ended.with_code(2);
        assert_failure(&ended, "LP0002", &["feilds", "linchpin.yaml:17:7"]);
    }
    assert_eq!(scene.simulator.requests(), 0);
}

#[test]
fn a_missing_column_is_named_with_its_place_and_nothing_is_written() {
    let scene = Scene::new().with("firstname: first_name", "firstname: frist_name");
    let checked = scene.place.run(&["check"], SHORT).with_code(2);
    let problem = checked.value("/problems/0").to_string();
    for words in ["LP1004", "\"line\":19", "frist_name", "did you mean `first_name`?"] {
        assert!(problem.contains(words), "{words} is not in {problem}");
    }
    let ended = scene.sync().with_code(2);
    assert_failure(&ended, "LP0007", &["frist_name", "first_name"]);
    assert_eq!(scene.simulator.writes(), 0);
}

#[test]
fn rows_that_hubspot_would_refuse_are_kept_with_their_reasons_and_the_rest_goes_through() {
    let long = "x".repeat(70_000);
    let scene = Scene::new()
        .with("dealstage: {value: closedwon}", "dealstage: stage")
        .with_sql("alter table orders add column stage text default 'closedwon'")
        .with_sql("update users set email = 'no address at all' where id = 3")
        .with_sql("update orders set stage = 'no such stage' where id = 5")
        .with_sql(&format!("update products set description = '{long}' where id = 4"));
    let ended = scene.sync().with_code(3);
    // Every order of the user without an address is still a deal; only its association is missing.
    let json = ended.json();
    assert_eq!(json["rejected"], 3, "{}", ended.out);
    let rows = rejected(&scene.place);
    assert_reason(&rows, "users", "3", "email");
    assert_reason(&rows, "orders", "5", "dealstage");
    assert_reason(&rows, "products", "4", "description");
    assert_eq!(rows.len(), 3, "{rows:?}");
    let have = Holdings::of(&scene.simulator);
    assert_eq!((have.contacts.len(), have.deals.len(), have.products.len()), (19, 19, 19));
    assert!(!ended.err.contains(&long) && !ended.out.contains(&long), "the long value is not shown");
}

#[test]
fn a_key_that_two_rows_share_makes_one_record_and_is_reported() {
    let scene =
        Scene::new().with_sql("update users set email = (select upper(email) from users where id = 1) where id = 2");
    let ended = scene.sync().with_code(3);
    assert_eq!(ended.json()["rejected"], 1, "{}", ended.out);
    let rows = rejected(&scene.place);
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_reason(&rows, "users", "2", "email");
    assert_eq!(Holdings::of(&scene.simulator).contacts.len(), 19);
}

#[test]
fn a_dead_token_is_said_once_and_ends_the_run() {
    let scene = Scene::new();
    scene.simulator.revoke_token();
    let ended = scene.sync().with_code(1);
    assert_failure(&ended, "LP3012", &["token"]);
    assert_eq!(scene.simulator.ledger().writes().filter(|call| call.status != Some(401)).count(), 0);
    assert!(scene.simulator.requests() <= 5, "a dead token is not tried again and again");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let scene = Scene::new();
    // Bound and let go: nobody listens there now.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let nowhere = scene.with("base_url: http", &format!("base_url: http://{address} #"));
    let ended = nowhere.sync().with_code(1);
    assert_failure(&ended, "LP3011", &[&address]);
    assert_eq!(nowhere.simulator.requests(), 0);
}

#[test]
fn a_change_of_too_many_records_is_stopped_by_the_guard_until_it_is_forced() {
    let scene = Scene::new();
    scene.sync().with_code(0);
    let scene = scene.with_sql("update users set city = city || ' (moved)'");
    let before = scene.simulator.writes();
    let ended = scene.sync().with_code(4);
    assert_failure(&ended, "LP0013", &["users", "--force"]);
    assert_eq!(scene.simulator.writes(), before);
    scene.place.run(&["sync", "--yes", "--force"], SYNC_LIMIT).with_code(0);
    assert!(Holdings::of(&scene.simulator).contacts.iter().all(|contact| contact.ends_with(" (moved)")));
}

#[test]
fn a_missing_file_and_a_wrong_flag_are_wrong_usage() {
    let place = Workplace::new();
    assert_failure(&place.sync(SHORT).with_code(2), "LP0001", &["linchpin init"]);
    let ended = place.run(&["sync", "--fast-please"], SHORT).with_code(2);
    assert!(ended.err.contains("--fast-please"), "{}", ended.err);
}

/// The rows that `linchpin rejected` lists.
fn rejected(place: &Workplace) -> Vec<Value> {
    let ended = place.run(&["rejected"], SHORT).with_code(0);
    ended.value("/rows").as_array().cloned().unwrap_or_default()
}

fn assert_reason(rows: &[Value], entry: &str, key: &str, property: &str) {
    let text = |row: &Value, name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let found: Vec<&Value> = rows.iter().filter(|row| text(row, "entry") == entry && text(row, "key") == key).collect();
    assert_eq!(found.len(), 1, "{entry} {key} among {rows:?}");
    for row in found {
        assert_eq!(text(row, "property"), property, "{row}");
        assert!(text(row, "code").starts_with("LP"), "{row}");
        assert!(!text(row, "reason").is_empty(), "{row}");
    }
}
