//! A user's day: init, check, plan, sync, change, guard, rejected rows.

use linchpin_core::schedule::record::Stored;
use linchpin_core::sync::run::RunId;
use linchpin_hubspot::id::Install;
use linchpin_store_sqlite::{Executor, Options, SqliteStore};
use serde_json::Value;

use crate::command::{Place, Simulator, TOKEN};

fn number(json: &Value, pointer: &str) -> u64 {
    json.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("{pointer} is not in {json}"))
}

#[test]
fn a_plan_is_applied_exactly_and_then_nothing_is_left() {
    let simulator = Simulator::start();
    let place = Place::new().with_shop().with_config(&simulator.url);
    assert_eq!(place.run(&["check"]).code(), 0);

    let plan = place.run(&["plan", "--json"]).json();
    assert_eq!((number(&plan, "/entries/0/creates"), number(&plan, "/entries/0/rejected")), (3, 1));
    let id = plan.pointer("/run").and_then(Value::as_str).unwrap().to_owned();
    let synced = place.run(&["sync", "--plan", &id, "--json"]);
    assert_eq!(synced.code(), 3, "{}", synced.err());
    assert_eq!((number(&synced.json(), "/run/created"), number(&synced.json(), "/rejected")), (3, 1));

    let rejected = place.run(&["rejected", "--json"]).json();
    assert_eq!(rejected.pointer("/rows/0/key").and_then(Value::as_str), Some("4"));
    assert_eq!(rejected.pointer("/rows/0/content/email").and_then(Value::as_str), Some("no address"));

    let again = place.run(&["plan", "--json"]).json();
    assert_eq!(again.pointer("/empty"), Some(&Value::Bool(true)), "{again}");
}

#[test]
fn an_update_changes_only_what_changed_and_is_remembered() {
    let simulator = Simulator::start();
    let place = Place::new().with_shop().with_config(&simulator.url);
    assert_eq!(place.run(&["sync"]).code(), 3);
    place
        .sql("update people set city = 'Faro' where id = 1; update people set email = 'dora@example.com' where id = 4");
    let synced = place.run(&["sync", "--json"]);
    assert_eq!(synced.code(), 0, "{}", synced.err());
    assert_eq!((number(&synced.json(), "/run/created"), number(&synced.json(), "/run/updated")), (1, 1));
    let again = place.run(&["plan", "--json"]).json();
    assert_eq!(again.pointer("/empty"), Some(&Value::Bool(true)), "{again}");
}

#[test]
fn the_guard_stops_a_large_change_unless_it_is_forced() {
    let simulator = Simulator::start();
    let place = Place::new().with_shop().with_config(&simulator.url);
    assert_eq!(place.run(&["sync"]).code(), 3);
    place.sql("update people set city = 'Nowhere'");
    let stopped = place.run(&["sync", "--json"]);
    assert_eq!(stopped.code(), 4, "{}", stopped.err());
    assert_eq!(stopped.json().pointer("/error/code").and_then(Value::as_str), Some("LP0013"));
    let forced = place.run(&["sync", "--force", "--json"]);
    assert_eq!(forced.code(), 3, "{}", forced.err());
    assert_eq!(number(&forced.json(), "/run/updated"), 3);
}

#[test]
fn a_sample_removes_no_association() {
    let simulator = Simulator::start();
    let place = Place::new();
    assert_eq!(place.run(&["demo", "--size", "60", "--keep", "kept"]).code(), 0);
    let base = format!("hubspot.base_url={}", simulator.url);
    let token = format!("hubspot.token={TOKEN}");
    let flags = ["--config", "kept/linchpin.yaml", "--set", &base, "--set", &token, "--json"];
    assert_eq!(place.run(&[["sync"].as_slice(), &flags].concat()).code(), 3);
    let sampled = place.run(&[["sync", "--sample", "30%", "--dry-run"].as_slice(), &flags].concat());
    assert_eq!(sampled.code(), 0, "{}", sampled.err());
    let applied = place.run(&[["sync", "--sample", "30%"].as_slice(), &flags].concat());
    assert_eq!(number(&applied.json(), "/run/dissociated"), 0, "{}", applied.err());
}

/// Leaves a plan behind as a process does that is killed as soon as it applies it.
fn interrupt(place: &Place, plan: &str) {
    let run = RunId(u64::from_str_radix(plan.trim_start_matches('r'), 16).unwrap());
    let options = Options { executor: Executor::Inline, ..Options::default() };
    let runs = SqliteStore::open(place.path("linchpin.db"), options).unwrap().stores().runs;
    in_place(runs.start(install(place), run)).unwrap();
}

/// The account that the commands have found.
fn install(place: &Place) -> Install {
    let account = std::fs::read_to_string(place.path("linchpin.db.account")).unwrap();
    let account: Value = serde_json::from_str(&account).unwrap();
    serde_json::from_value(account.pointer("/install").unwrap().clone()).unwrap()
}

fn in_place<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

#[test]
fn an_interrupted_run_whose_mapping_has_changed_is_abandoned_on_request() {
    let simulator = Simulator::start();
    let place = Place::new().with_shop().with_config(&simulator.url);
    let plan = place.run(&["plan", "--json"]).json();
    let id = plan.pointer("/run").and_then(Value::as_str).unwrap();
    interrupt(&place, id);
    let path = place.path("linchpin.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace(", city: city", "")).unwrap();

    let stuck = place.run(&["sync", "--json"]);
    assert_eq!(stuck.json().pointer("/error/code").and_then(Value::as_str), Some("LP3041"), "{}", stuck.err());
    assert!(stuck.err().contains("linchpin sync --abandon"), "{}", stuck.err());
    let freed = place.run(&["sync", "--abandon", "--json"]);
    assert_eq!(freed.code(), 3, "{}", freed.err());
    let outcome = freed.json();
    assert_eq!(outcome.pointer("/abandoned").and_then(Value::as_str), Some(id));
    assert_eq!(number(&outcome, "/run/created"), 3);
    let again = place.run(&["sync", "--abandon", "--json"]).json();
    assert_eq!((again.pointer("/abandoned"), number(&again, "/run/created")), (Some(&Value::Null), 0), "{again}");
}

/// What the last process wrote down of its windows.
fn left_behind(place: &Place) -> Stored {
    let options = Options { executor: Executor::Inline, ..Options::default() };
    let budget = SqliteStore::open(place.path("linchpin.db"), options).unwrap().stores().budget;
    let record = in_place(budget.load(install(place))).unwrap();
    Stored::from_bytes(&record.unwrap().window.unwrap()).unwrap()
}

#[test]
fn a_command_that_fails_leaves_an_exact_picture_of_its_windows() {
    let simulator = Simulator::start();
    let place = Place::new().with_shop().with_config(&simulator.url);
    assert_eq!(place.run(&["sync"]).code(), 3);
    place.sql("update people set city = 'Nowhere'");
    assert_eq!(place.run(&["sync"]).code(), 4, "the guard");
    assert!(matches!(left_behind(&place), Stored::Left(_)));
}

#[cfg(unix)]
#[test]
fn a_command_that_is_interrupted_leaves_an_exact_picture_of_its_windows() {
    let simulator = Simulator::start_with(&["--latency-ms", "400"]);
    let place = Place::new().with_shop().with_config(&simulator.url);
    let mut plan = place.start(&["plan"]);
    while !place.path("linchpin.db.account").exists() {
        assert!(plan.try_wait().unwrap().is_none(), "it ended before it was interrupted");
        std::thread::yield_now();
    }
    // The account is known now, and its windows are opened next; every call takes longer than this.
    assert!(std::process::Command::new("sleep").arg("0.2").status().unwrap().success());
    let killed = std::process::Command::new("kill").args(["-INT", &plan.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(plan.wait().unwrap().code(), Some(1));
    assert!(matches!(left_behind(&place), Stored::Left(_)));
}

#[test]
fn keys_that_have_changed_are_stopped_by_the_guard() {
    let simulator = Simulator::start();
    let place = Place::new().with_shop().with_config(&simulator.url);
    assert_eq!(place.run(&["sync"]).code(), 3);
    place.sql("update people set id = id + 100, email = 'new-' || email");
    let stopped = place.run(&["sync", "--json"]);
    assert_eq!(stopped.code(), 4, "{}", stopped.err());
    let said = stopped.json().pointer("/error/message").and_then(Value::as_str).unwrap().to_owned();
    assert!(said.contains("keys in the source have probably changed"), "{said}");
}

#[test]
fn a_dry_run_changes_nothing() {
    let simulator = Simulator::start();
    let place = Place::new().with_shop().with_config(&simulator.url);
    let dry = place.run(&["sync", "--dry-run", "--json"]);
    assert_eq!((dry.code(), dry.json().pointer("/run")), (0, Some(&Value::Null)), "{}", dry.err());
    assert_eq!(number(&place.run(&["plan", "--json"]).json(), "/entries/0/creates"), 3);
}

#[test]
fn init_writes_a_file_that_passes_the_check_and_never_overwrites_unasked() {
    let simulator = Simulator::start();
    let place = Place::new().with_shop();
    let words = ["init", "--source", "shop.db", "--base-url", &simulator.url];
    let made = place.run(&[words.as_slice(), &["--yes"]].concat());
    assert_eq!(made.code(), 0, "{}", made.err());
    assert_eq!(place.run(&["check"]).code(), 0, "{}", place.run(&["check"]).out());
    let before = std::fs::read_to_string(place.path("linchpin.yaml")).unwrap();
    assert_eq!(place.run(&words).code(), 2);
    assert_eq!(std::fs::read_to_string(place.path("linchpin.yaml")).unwrap(), before);
}

#[test]
fn a_small_demo_ends_in_step_without_a_single_429() {
    let place = Place::new();
    let ended = place.run(&["demo", "--size", "60", "--json", "--keep", "kept"]);
    assert_eq!(ended.code(), 0, "{}", ended.err());
    let report = ended.json();
    assert_eq!(report.pointer("/in_step"), Some(&Value::Bool(true)), "{report}");
    assert_eq!(number(&report, "/rate_limited"), 0);
    assert!(number(&report, "/calls") < number(&report, "/one_by_one_calls"), "{report}");
    assert!(place.path("kept/saas.db").exists() && place.path("kept/linchpin.yaml").exists());
    assert_eq!(place.run(&["check", "--offline", "--config", "kept/linchpin.yaml"]).code(), 0);
}
