//! Everything that a person can get wrong ends with one code, one thing to do, and the promised exit code.

use linchpin_store_sqlite::{Options, SqliteStore};

use crate::command::{Place, Simulator};

#[test]
fn each_failure_has_its_code_and_exit_code() {
    let simulator = Simulator::start();
    let place = Place::new().with_shop().with_config(&simulator.url);
    std::fs::write(place.path("broken.yaml"), "hubspot: [\n").unwrap();
    let cases: &[(&[&str], i32, &str)] = &[
        (&["sync", "--plan", "r1"], 2, "LP4006"),
        (&["plan", "--config", "absent.yaml"], 2, "LP0001"),
        (&["plan", "--config", "broken.yaml"], 2, "LP0002"),
        (&["plan", "--set", "hubspot.tear=free"], 2, "LP0003"),
        (&["plan", "--set", "hubspot.token=env:NOT_SET_ANYWHERE"], 2, "LP0004"),
        (&["plan", "--set", "hubspot.token=pat-na1-live"], 2, "LP0005"),
        (&["check", "--offline", "--set", "sources.shop.sqlite=absent.db"], 2, "LP0006"),
        (&["plan", "--set", "hubspot.token=pat-test-dead"], 1, "LP3012"),
        (&["plan", "--set", "store=shop.db"], 2, "LP4008"),
        (&["check", "--set", "store=shop.db"], 2, "LP4008"),
        (&["check", "--set", "hubspot.base_url=http://sim.test:4010"], 2, "LP0014"),
    ];
    for (words, code, page) in cases {
        let ended = place.run(words);
        assert_eq!(ended.code(), *code, "{words:?}: {}", ended.err());
        assert!(ended.err().contains(&format!("error[{page}]")), "{words:?}: {}", ended.err());
        assert!(ended.err().contains("what to do: "), "{words:?}: {}", ended.err());
        assert!(!ended.err().contains("pat-na1") && !ended.err().contains("pat-test"), "{words:?}: {}", ended.err());
        let json = place.run(&[words, ["--json"].as_slice()].concat()).json();
        assert_eq!(json.pointer("/error/code").and_then(|code| code.as_str()), Some(*page), "{words:?}");
    }
}

#[test]
fn a_broken_mapping_shows_every_problem_at_its_place() {
    let place = Place::new().with_shop().with_config("http://127.0.0.1:9");
    let path = place.path("linchpin.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("first_name", "first_nam").replace("key: id", "key: idd")).unwrap();
    let ended = place.run(&["check", "--offline"]);
    assert_eq!(ended.code(), 2);
    for part in ["linchpin.yaml:9:12", "linchpin.yaml:12:41", "did you mean `first_name`?", "2 problems"] {
        assert!(ended.out().contains(part), "{part} is not in {}", ended.out());
    }
}

#[test]
fn a_check_beside_the_owner_of_the_store_is_refused_and_works_offline() {
    let simulator = Simulator::start();
    let place = Place::new().with_shop().with_config(&simulator.url);
    let owner = SqliteStore::open(place.path("linchpin.db"), Options::default()).unwrap();
    let refused = place.run(&["check"]);
    assert_eq!(refused.code(), 1, "{}", refused.err());
    assert!(refused.err().contains("error[LP4003]") && refused.err().contains("--offline"), "{}", refused.err());
    assert_eq!(place.run(&["check", "--offline"]).code(), 0);
    drop(owner);
    assert_eq!(place.run(&["check"]).code(), 0);
}

#[test]
fn plain_http_to_another_machine_needs_leave() {
    let place = Place::new().with_shop().with_config("http://127.0.0.1:9");
    let refused = place.run(&["check", "--set", "hubspot.base_url=http://sim.invalid"]);
    assert!(refused.err().contains("allow_plain_http"), "{}", refused.err());
    let words = ["check", "--set", "hubspot.base_url=http://sim.invalid", "--set", "hubspot.allow_plain_http=true"];
    assert!(!place.run(&words).err().contains("LP0014"));
}

#[test]
fn wrong_usage_is_two_and_help_is_nought() {
    let place = Place::new();
    assert_eq!(place.run(&["plan", "--nonsense"]).code(), 2);
    assert_eq!(place.run(&["--help"]).code(), 0);
    assert_eq!(place.run(&["completions", "bash"]).code(), 0);
}
