//! Layering, places of errors, paths and the schema.

use std::path::Path;

use secrecy::ExposeSecret;

use super::file::BaseUrl;
use super::*;

const SYNC: &str = "sync: {entries: {}}\n";

#[expect(clippy::unwrap_in_result, reason = "the folder is the test's own; the result is the configuration's")]
fn load(text: &str, flags: &[(&str, &str)], environment: Environment) -> Result<Config, Failure> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("linchpin.yaml");
    std::fs::write(&path, text).unwrap();
    let flags: Vec<_> = flags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Config::load_with(&path, &flags, environment)
}

/// The rendered failure with the temporary folder left out.
fn failure(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("linchpin.yaml");
    std::fs::write(&path, text).unwrap();
    let Err(failure) = Config::load_with(&path, &[], Environment::default()) else { panic!("this is accepted") };
    failure.render().replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn flags_win_over_the_environment_which_wins_over_the_file() {
    let text = format!("hubspot: {{tier: starter, limit_increase: false}}\nstore: '7'\n{SYNC}");
    let tier = |flags: &[(&str, &str)], environment| load(&text, flags, environment).unwrap().hubspot().tier;
    let environment = || Environment::of([("LINCHPIN__HUBSPOT__TIER", "enterprise"), ("LINCHPIN_LOG", "info")]);
    assert_eq!(tier(&[], Environment::default()), Some(Tier::Starter));
    assert_eq!(tier(&[], environment()), Some(Tier::Enterprise));
    assert_eq!(tier(&[("hubspot.tier", "free")], environment()), Some(Tier::Free));
}

#[test]
fn overrides_take_the_type_of_the_setting() {
    let environment = Environment::of([
        ("LINCHPIN__GUARD__MAX_CHANGE_SHARE", "0.25"),
        ("LINCHPIN__HUBSPOT__LIMIT_INCREASE", "true"),
        ("LINCHPIN__SOURCES__APP__SQLITE", "12"),
        ("LINCHPIN__HUBSPOT__TOKEN", "pat-test-9"),
    ]);
    let config = load(SYNC, &[], environment).unwrap();
    assert!((config.guard().max_change_share.fraction() - 0.25).abs() < f64::EPSILON);
    assert!(config.hubspot().limit_increase);
    assert_eq!(config.sources().get("app"), Some(&Source::Sqlite(config.base().join("12").into())));
    assert_eq!(config.token().unwrap().expose_secret(), "pat-test-9");
}

#[test]
fn an_override_that_fits_nowhere_is_refused() {
    for (name, value, words) in [
        ("LINCHPIN__HUBSPOT__TEIR", "free", "unknown field `teir`"),
        ("LINCHPIN__HUBSPOT__TIER", "gold", "unknown variant `gold`"),
        ("LINCHPIN__SYNC__CONTACTS", "x", "only be changed in the file"),
        ("LINCHPIN__HUBSPOT__", "x", "empty"),
        ("LINCHPIN__GUARD__MAX_CHANGE_SHARE", "2", "not between 0 and 1"),
    ] {
        let Err(failure) = load(SYNC, &[], Environment::of([(name, value)])) else { panic!("{name} is accepted") };
        assert_eq!(failure.code(), Code::Override.as_str(), "{name}");
        assert!(failure.render().contains(words), "{name}: {}", failure.render());
        assert!(failure.render().contains(name), "{name}: {}", failure.render());
    }
}

#[test]
fn relative_paths_are_relative_to_the_file() {
    let text = format!(
        "store: state/l.db\nsources:\n  app: {{sqlite: app.db}}\n  old: {{sqlite: {{path: old.db}}}}\n  crm:\n    csv: {{path: /abs, delimiter: ;}}\n{SYNC}"
    );
    let config = load(&text, &[], Environment::default()).unwrap();
    let base = config.base().to_owned();
    assert_eq!(config.store(), base.join("state/l.db"));
    assert_eq!(config.sources().get("app"), Some(&Source::Sqlite(base.join("app.db").into())));
    assert_eq!(config.sources().get("old"), Some(&Source::Sqlite(base.join("old.db").into())));
    assert_eq!(config.sources().get("crm"), Some(&Source::Csv(Csv { delimiter: b';', ..Csv::at("/abs".into()) })));
    assert_eq!(load(SYNC, &[], Environment::default()).unwrap().store().file_name().unwrap(), "linchpin.db");
}

#[test]
fn a_missing_file_says_how_to_make_one() {
    let Err(failure) = Config::load_with(Path::new("/nowhere/linchpin.yaml"), &[], Environment::default()) else {
        panic!("there is no such file")
    };
    insta::assert_snapshot!(failure.render());
}

#[test]
fn broken_yaml_is_shown_with_its_place() {
    insta::assert_snapshot!(failure("version: 1\nhubspot:\n  tier: [free\nsync: {entries: {}}\n"));
}

#[test]
fn an_unknown_key_is_shown_with_the_known_ones() {
    insta::assert_snapshot!(failure("version: 1\nhubspot:\n  tokn: env:X\nsync: {entries: {}}\n"));
}

#[test]
fn a_wrong_value_is_shown_with_its_place() {
    insta::assert_snapshot!(failure("version: 1\nhubspot:\n  base_url: api.hubapi.com/crm\nsync: {entries: {}}\n"));
}

#[test]
fn a_source_of_two_kinds_is_refused_with_its_place() {
    insta::assert_snapshot!(failure(
        "version: 1\nsources:\n  app:\n    sqlite: a.db\n    csv: b\nsync: {entries: {}}\n"
    ));
}

#[test]
fn a_newer_version_of_the_file_is_refused() {
    insta::assert_snapshot!(failure("version: 2\nsync: {entries: {}}\n"));
}

#[test]
fn a_token_near_an_error_is_not_shown() {
    let shown = failure("hubspot:\n  token: pat-na1-0000\n  oops: 1\nsync: {entries: {}}\n");
    assert!(!shown.contains("0000"), "{shown}");
    assert!(shown.contains("[hidden]"), "{shown}");
}

#[test]
fn addresses_are_scheme_host_and_port() {
    for good in ["https://api.hubapi.com", "http://127.0.0.1:4010", "http://localhost:4010/", "http://sim.test"] {
        assert!(BaseUrl::try_from(good.to_owned()).is_ok(), "{good}");
    }
    for bad in [
        "",
        "api.hubapi.com",
        "ftp://x",
        "https://",
        "https://x/crm",
        "https://u:p@x",
        "http://api.hubapi.com",
        "http://API.HubAPI.com",
    ] {
        assert!(BaseUrl::try_from(bad.to_owned()).is_err(), "{bad}");
    }
}

#[test]
fn hubspots_own_address_is_known() {
    let is_hubspots = |text: &str| BaseUrl::try_from(text.to_owned()).unwrap().is_hubspots();
    assert!(is_hubspots("https://api.hubapi.com") && is_hubspots("https://API.hubspot.com:443"));
    assert!(!is_hubspots("http://127.0.0.1:4010") && !is_hubspots("http://sim.test"));
}

#[test]
fn the_schema_in_the_documentation_is_the_one_of_this_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/config.schema.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let documented: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(documented, schema(), "write it again: linchpin schema config > docs/config.schema.json");
}

#[test]
fn what_a_caller_may_do_is_read_in_plain_words() {
    use linchpin_core::gateway::access::{Access, Fields, Scope, Verb};
    use linchpin_hubspot::call::Family;
    use linchpin_hubspot::id::{ObjectType, PortalId};

    let text = "gateway:\n  callers:\n    plain: {key: pat-test-1}\n    narrow:\n      key: pat-test-2\n      portals: [7]\n      \
                scopes: [objects, /marketing/v3/forms]\n      objects: [DEAL, 2-5]\n      properties:\n        contact: {read: \
                [email], write: []}\n      verbs: [read, write]\n      daily_quota: 5\n      share: 3\n";
    let config = load(text, &[], Environment::default()).unwrap();
    let callers = &config.gateway().callers;
    assert!(callers["plain"].access().is_unlimited());
    let narrow = &callers["narrow"];
    let fields = Fields { read: Some(["email".to_owned()].into()), write: Some([].into()) };
    let expected = Access {
        portals: Some([PortalId(7)].into()),
        scopes: Some(vec![
            Scope::Family(Family::Objects),
            Scope::Path(vec!["marketing".to_owned(), "forms".to_owned()]),
        ]),
        objects: Some([ObjectType::new("deals"), ObjectType::new("2-5")].into()),
        properties: [(ObjectType::new("contacts"), fields)].into(),
        verbs: Some([Verb::Read, Verb::Create, Verb::Update, Verb::Associate].into()),
    };
    assert_eq!(narrow.access(), expected);
    assert_eq!(narrow.daily_quota.map(u64::from), Some(5));
    assert_eq!([&callers["plain"], narrow].map(|caller| caller.share.get().weight()), [1, 3]);
}

#[test]
fn a_mistake_in_a_callers_limits_has_its_place() {
    for (setting, words) in [
        ("objects: []", "this list is empty"),
        ("objects: [my deals]", "is no object type"),
        ("properties: {contacts: {read: [Email]}}", "is no internal name of a property"),
        ("properties: {contacts: {reads: [email]}}", "unknown field `reads`"),
        ("verbs: [reed]", "unknown variant `reed`"),
        ("scopes: [crm]", "is no part of HubSpot's API"),
        ("scopes: [/crm/../x]", "is no beginning of a path"),
        ("daily_quota: 0", "nonzero"),
        ("share: 0", "`share` of a caller: 0 is no whole number from 1 to 100; leave it out for 1"),
        ("share: 101", "101 is no whole number from 1 to 100"),
        ("share: 1.5", "1.5 is no whole number from 1 to 100"),
        ("portals: [eu]", "invalid"),
    ] {
        let said = failure(&format!("gateway:\n  callers:\n    one:\n      key: pat-test-1\n      {setting}\n"));
        assert!(said.contains(words), "{setting}: {said}");
        assert!(said.contains("linchpin.yaml:5:"), "{setting}: {said}");
    }
}
