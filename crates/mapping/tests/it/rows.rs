//! What becomes of rows, good and bad: nothing that HubSpot is known to refuse gets through.

use std::sync::Arc;

use linchpin_core::sync::desired::{Desired, DesiredValue, Mapped, Rejection, RowWarning};
use linchpin_core::sync::row::{Cell, Row};
use linchpin_mapping::{Catalog, Compiled, Entry, Lookups, compile, parse, source_key};
use proptest::prelude::*;

use crate::support::account;

fn compiled(fields: &str) -> Compiled {
    let text = format!(
        "sync:
  entries:
    people:
      source: crm
      table: people
      key: id
      where: row.active != false
      object: contacts
      identity: {{unique: person_id, create: {{label: Person}}}}
      fields:
        person_id: id
{fields}
"
    );
    let file = parse(&text).unwrap_or_else(|problem| panic!("{}", problem.render("m.yaml", &text)));
    compile(&file, &Catalog::default(), Some(&account())).unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(|problem| problem.render("m.yaml", &text)).collect::<String>())
    })
}

fn row(cells: &[(&str, Cell)]) -> Row {
    let columns: Arc<[String]> = cells.iter().map(|(name, _)| (*name).to_owned()).collect();
    Row::new(columns, cells.iter().map(|(_, cell)| cell.clone()).collect())
}

fn person(value: Cell) -> Row {
    row(&[("id", Cell::Int(7)), ("active", Cell::Bool(true)), ("value", value)])
}

fn map(entry: &Entry, row: &Row) -> Mapped {
    entry.map_row(row, &Lookups::of(&account()))
}

fn desired(mapped: Mapped) -> (Desired, Vec<RowWarning>) {
    match mapped {
        Mapped::Desired(desired, warnings) => (*desired, warnings),
        other => panic!("{other:?}"),
    }
}

fn rejections(mapped: Mapped) -> Vec<Rejection> {
    match mapped {
        Mapped::Rejected(_, rejections) => rejections,
        other => panic!("{other:?}"),
    }
}

fn text(value: &str) -> Cell {
    Cell::Text(value.to_owned())
}

#[test]
fn what_hubspot_would_refuse_is_rejected_with_its_code_and_the_value() {
    let cases = [
        ("email: value", text("stanisław@wp.pl"), "LP1105", "stanisław@wp.pl"),
        ("email: value", text("nobody"), "LP1105", "nobody"),
        ("lifecyclestage: value", text("Customer"), "LP1110", "\"customer\" differs in case only"),
        ("lifecyclestage: value", text("vip"), "LP1110", "subscriber, lead, customer, other"),
        ("interests: value", text("jazz;polka"), "LP1110", "polka"),
        ("firstname: value", text(&"x".repeat(65_537)), "LP1111", "65537"),
        ("date_of_birth: value", text("2026-11-20T09:15:00Z"), "LP1107", "midnight"),
        ("date_of_birth: value", text("20.11.2026"), "LP1107", "20.11.2026"),
        ("date_of_birth: value", Cell::Int(1_763_629_200), "LP1107", "seconds"),
        ("vip: value", text("yes"), "LP1109", "boolean"),
        ("hubspot_owner_id: value", text("999"), "LP1110", "999"),
        ("hubspot_owner_id: {column: value, transforms: [owner_by_email]}", text("x@y.test"), "LP1112", "x@y.test"),
        ("phone: {column: value, transforms: [phone]}", text("12"), "LP1106", "12"),
        ("phone: {column: value, transforms: [{phone: {region_column: value}}]}", text("Narnia"), "LP1106", "Narnia"),
        ("website: {column: value, transforms: [domain]}", text("none"), "LP1114", "none"),
        ("firstname: {column: value, transforms: [{split: {separator: ','}}]}", text("a,b"), "LP1116", "2 values"),
        ("firstname: {expression: row.value + 1}", text("a"), "LP1104", "between string and int"),
        ("jobtitle: {column: value, transforms: [{map: {values: {a: b}}}]}", text("c"), "LP1110", "\"c\""),
    ];
    for (field, cell, code, told) in cases {
        let compiled = compiled(&format!("        {field}"));
        let found = rejections(map(&compiled.entries[0], &person(cell)));
        assert_eq!(found.len(), 1, "{field}: {found:?}");
        assert_eq!(found[0].code, code, "{field}");
        assert!(found[0].reason.contains(told), "{field}: {}", found[0].reason);
    }
}

#[test]
fn values_take_the_form_in_which_hubspot_answers() {
    let cases = [
        ("email: value", text(" Ada@Example.TEST"), Some("ada@example.test")),
        ("interests: value", text("rock; jazz;rock"), Some("jazz;rock")),
        ("date_of_birth: value", text("1990-05-01"), Some("1990-05-01")),
        ("date_of_birth: value", Cell::Int(641_520_000_000), Some("1990-05-01")),
        ("vip: value", Cell::Bool(true), Some("true")),
        ("firstname: value", text(&"ü".repeat(65_536)), Some("ü")),
        ("firstname: value", Cell::Null, None),
        ("firstname: {column: value, transforms: [trim]}", text("  "), None),
        ("firstname: {column: value, transforms: [{default: x}]}", Cell::Null, Some("x")),
        ("firstname: {columns: [value, id], transforms: [concat]}", text("a"), Some("a 7")),
        ("firstname: {columns: [value, id], transforms: [concat]}", Cell::Null, Some("7")),
        (
            "lifecyclestage: {column: value, transforms: [{map: {values: {2: lead}, otherwise: other}}]}",
            Cell::Int(2),
            Some("lead"),
        ),
        (
            "lifecyclestage: {column: value, transforms: [{map: {values: {2: lead}, otherwise: other}}]}",
            Cell::Int(3),
            Some("other"),
        ),
        (
            "lifecyclestage: {column: value, transforms: [{map: {values: {2: lead}, otherwise: other}}]}",
            Cell::Null,
            None,
        ),
        ("hubspot_owner_id: {column: value, transforms: [owner_by_email]}", text("STEVE@chinookcorp.com"), Some("103")),
        ("website: {column: value, transforms: [{domain: {skip_free_mail: true}}]}", text("a@gmail.com"), None),
    ];
    for (field, cell, expected) in cases {
        let compiled = compiled(&format!("        {field}"));
        let (record, warnings) = desired(map(&compiled.entries[0], &person(cell)));
        assert_eq!(warnings, [], "{field}");
        let name = field.split(':').next().unwrap();
        match (&record.properties[name], expected) {
            (DesiredValue::Text(text), Some(expected)) => assert!(text.starts_with(expected), "{field}: {text}"),
            (DesiredValue::Clear, None) => {}
            other => panic!("{field}: {other:?}"),
        }
    }
}

#[test]
fn on_invalid_decides_between_the_row_the_property_and_another_value() {
    let omit = compiled("        email: {column: value, on_invalid: omit}");
    let (record, warnings) = desired(map(&omit.entries[0], &person(text("nobody"))));
    assert!(!record.properties.contains_key("email"));
    assert_eq!((warnings[0].code.as_str(), warnings[0].property.as_deref()), ("LP1105", Some("email")));
    let instead = compiled("        lifecyclestage: {column: value, on_invalid: {use: other}}");
    let (record, warnings) = desired(map(&instead.entries[0], &person(text("vip"))));
    assert_eq!(record.properties["lifecyclestage"], DesiredValue::Text("other".to_owned()));
    assert_eq!(warnings.len(), 1);
    let cut = compiled("        firstname: {column: value, transforms: [{truncate: {max_characters: 3}}]}");
    let (record, warnings) = desired(map(&cut.entries[0], &person(text("Adalbert"))));
    assert_eq!(record.properties["firstname"], DesiredValue::Text("Ada".to_owned()));
    assert_eq!(warnings[0].code, "LP1113");
}

#[test]
fn all_faults_of_a_row_are_told_at_once() {
    let compiled = compiled("        email: value\n        lifecyclestage: value\n        vip: value");
    let found = rejections(map(&compiled.entries[0], &person(text("x"))));
    let codes: Vec<&str> = found.iter().map(|rejection| rejection.code.as_str()).collect();
    assert_eq!(codes, ["LP1105", "LP1110", "LP1109"]);
}

#[test]
fn filters_keys_and_missing_columns_each_have_their_answer() {
    let compiled = compiled("        firstname: value");
    let entry = &compiled.entries[0];
    let cells = |id: Cell, active: Cell| row(&[("id", id), ("active", active), ("value", text("a"))]);
    assert_eq!(map(entry, &cells(Cell::Int(1), Cell::Bool(false))), Mapped::Skipped);
    let without_key = map(entry, &cells(Cell::Null, Cell::Bool(true)));
    assert!(matches!(&without_key, Mapped::Rejected(None, why) if why[0].code == "LP1101"), "{without_key:?}");
    let short = map(entry, &row(&[("id", Cell::Int(1)), ("active", Cell::Bool(true))]));
    assert!(matches!(&short, Mapped::Rejected(None, why) if why[0].code == "LP1115"), "{short:?}");
    // Another order of columns, after the first has been seen.
    let turned = row(&[("value", text("b")), ("active", Cell::Bool(true)), ("id", Cell::Int(2))]);
    let (record, _) = desired(map(entry, &turned));
    assert_eq!(
        (record.row.key.0.as_str(), &record.properties["firstname"]),
        ("2", &DesiredValue::Text("b".to_owned()))
    );
    assert_eq!(entry.key_of(&turned), Some(record.row.key));
}

#[test]
fn a_record_without_an_identity_is_not_sent() {
    let text_of = "sync:
  entries:
    people:
      source: crm
      table: people
      key: id
      object: contacts
      identity: {unique: email}
      fields: {email: {column: value, on_invalid: omit}}
";
    let compiled = compile(&parse(text_of).unwrap(), &Catalog::default(), None).unwrap();
    for bad in [text("nobody"), Cell::Null] {
        let found = rejections(map(&compiled.entries[0], &person(bad)));
        assert_eq!((found.len(), found[0].code.as_str()), (1, "LP1102"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn different_compound_keys_have_different_texts(a in "[a|\\\\]{1,4}", b in "[a|\\\\]{1,4}", c in "[a|\\\\]{1,4}", d in "[a|\\\\]{1,4}") {
        let key = |x: &str, y: &str| source_key([&text(x), &text(y)]);
        prop_assert_eq!(key(&a, &b) == key(&c, &d), a == c && b == d);
    }

    #[test]
    fn no_row_stops_the_mapping(value in any::<String>(), number in any::<f64>()) {
        let compiled = compiled(
            "        email: {column: value, on_invalid: omit}
        phone: {column: value, transforms: [trim, {phone: {region: US}}], on_invalid: omit}
        firstname: {expression: 'row.value + row.value', on_invalid: omit}
        jobtitle: {column: value, transforms: [title_case, {truncate: {max_characters: 3}}]}
        date_of_birth: {column: value, transforms: [date], on_invalid: omit}",
        );
        for cell in [text(&value), Cell::Real(number), Cell::Bool(true)] {
            let (record, _) = desired(map(&compiled.entries[0], &person(cell)));
            prop_assert_eq!(record.row.key.0, "7");
        }
    }
}

#[test]
fn debug_output_shows_no_address() {
    let account = account();
    for shown in [format!("{account:?}"), format!("{:?}", Lookups::of(&account))] {
        assert!(!shown.contains("chinookcorp"), "{shown}");
    }
}
