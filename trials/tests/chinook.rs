//! Chinook, the real input: from the database to the simulator's dump by `examples/chinook/`, and nothing twice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use linchpin_trials::chinook::{self, Kind};
use linchpin_trials::records::Record;
use linchpin_trials::simulator::Simulator;
use linchpin_trials::workplace::Workplace;
use linchpin_trials::{figure, parameters};
use serde_json::json;

const SYNC_LIMIT: Duration = Duration::from_secs(300);
/// Write calls that the whole first sync may take: 96 full batches, and ten for properties and what else comes up.
const WRITES_MAX: usize = 106;

#[test]
fn chinook_is_in_hubspot_as_the_mapping_says_and_a_second_plan_is_empty() {
    let Some(shared) = parameters::shared("Chinook") else { return };
    let database_path = shared.join("data/chinook.sqlite");
    let database = chinook::open(&database_path).expect("the database opens");
    let employees = chinook::employees(&database).expect("the database is Chinook");
    let simulator = Simulator::start(&["--tier", "professional", "--latency-ms", "40", "--seed", "11"]);
    simulator.seed(&json!({"owner_emails": employees}));
    let owners = simulator.owners();
    assert_eq!(owners.len(), 8, "{owners:?}");
    simulator.forget_calls();

    let place = workplace(&database_path, simulator.base());
    let synced = place.sync(SYNC_LIMIT).with_code(0);
    let ledger = simulator.ledger();
    let writes = ledger.writes().count();
    figure("write calls", writes);
    assert!(writes <= WRITES_MAX, "{writes} write calls: {:#?}", ledger.writes_by_route());
    assert_eq!(simulator.rate_limited(), 0);
    assert_eq!(synced.value("/rejected"), 0, "{}", synced.out);

    let kinds = chinook::expected(&database, &owners).expect("the database is Chinook");
    compare(&simulator, &kinds);

    assert_nothing_to_do(&place, &simulator);
    place.forget();
    assert_nothing_to_do(&place, &simulator);
    place.sync(SYNC_LIMIT).with_code(0);
    compare(&simulator, &kinds);
}

fn workplace(database: &Path, base: &str) -> Workplace {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/chinook/linchpin.yaml");
    let database = database.to_str().expect("a plain path");
    let token = linchpin_trials::simulator::TOKEN;
    Workplace::with_config(
        &example,
        &[
            ("sources.shop.sqlite", database),
            ("hubspot.base_url", base),
            ("hubspot.token", token),
            ("hubspot.tier", "professional"),
        ],
    )
}

fn assert_nothing_to_do(place: &Workplace, simulator: &Simulator) {
    let before = simulator.writes();
    let plan = place.plan().with_code(0);
    assert_eq!(plan.value("/empty"), true, "{}", plan.out);
    assert_eq!(simulator.writes(), before, "a plan writes nothing");
}

/// Compares every record of every type with its expectation, in both directions.
fn compare(simulator: &Simulator, kinds: &[Kind]) {
    let dumps: Vec<(&Kind, Vec<Record>)> = kinds.iter().map(|kind| (kind, simulator.dump(kind.object_type))).collect();
    let key = |kind: &Kind, record: &Record| record.value(kind.key).to_owned();
    let keys: BTreeMap<(&str, &str), String> = dumps
        .iter()
        .flat_map(|(kind, records)| records.iter().map(|it| ((kind.object_type, it.id.as_str()), key(kind, it))))
        .collect();
    let mut wrong = Vec::new();
    for (kind, records) in &dumps {
        assert_eq!(records.len(), kind.records.len(), "{}", kind.object_type);
        let found: BTreeSet<&str> = records.iter().map(|record| record.value(kind.key)).collect();
        assert_eq!(found.len(), records.len(), "every {} has a key of its own", kind.object_type);
        wrong.extend(records.iter().filter_map(|record| difference(kind, record, &keys)));
    }
    assert!(wrong.is_empty(), "{} records differ, first: {:#?}", wrong.len(), wrong.iter().take(5).collect::<Vec<_>>());
}

/// What is wrong with one record, if anything is.
fn difference(kind: &Kind, record: &Record, keys: &BTreeMap<(&str, &str), String>) -> Option<String> {
    let key = record.value(kind.key);
    let Some(expected) = kind.records.get(key) else {
        return Some(format!("{} {key:?}: unexpected", kind.object_type));
    };
    let values: BTreeMap<&str, String> = kind
        .mapped
        .iter()
        .map(|name| (*name, shown(name, record.value(name), keys)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    // Only links that the mapping makes: from the entry that declares them.
    let declared: BTreeSet<&str> = match kind.object_type {
        "contacts" => ["companies"].into(),
        "deals" => ["contacts", "companies"].into(),
        "line_items" => ["deals"].into(),
        _ => BTreeSet::new(),
    };
    let linked: BTreeSet<(&str, String)> = declared
        .iter()
        .flat_map(|to| {
            record.linked(to).into_iter().map(|id| (*to, keys.get(&(*to, id)).map_or(id, String::as_str).to_owned()))
        })
        .collect();
    let primary = kind.object_type != "contacts"
        || expected.linked.is_empty()
        || record.associations.iter().any(|link| link.to_type == "companies" && link.type_id == 1);
    let same_values =
        values.iter().map(|(name, value)| (*name, value)).eq(expected.values.iter().map(|(n, v)| (*n, v)));
    let same_links = linked.iter().map(|(to, key)| (*to, key)).eq(expected.linked.iter().map(|(to, key)| (*to, key)));
    (!(same_values && same_links && primary))
        .then(|| format!("{} {key}: {values:?} {linked:?} primary {primary}, expected {expected:?}", kind.object_type))
}

/// A value in the form of the expectation: products by their key, moments without milliseconds.
fn shown(name: &str, value: &str, keys: &BTreeMap<(&str, &str), String>) -> String {
    match name {
        "hs_product_id" => keys.get(&("products", value)).map_or(value, String::as_str).to_owned(),
        "closedate" => value.replace(".000Z", "Z"),
        _ => value.to_owned(),
    }
}
