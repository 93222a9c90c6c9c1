//! The Chinook example: the mapping in `examples/chinook` over every row of the real database.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use linchpin_core::sync::desired::{Desired, DesiredValue, Mapped, RowWarning};
use linchpin_core::sync::row::{Cell, Row};
use linchpin_mapping::{Catalog, Compiled, Entry, Lookups, Select, SourceTables, compile, json_schema, parse};

use crate::support::account;

const MAPPING: &str = include_str!("../../../../examples/chinook/linchpin.yaml");

/// The database, or the reason why there is none.
pub(crate) fn database() -> Result<rusqlite::Connection, String> {
    #[expect(clippy::disallowed_methods, reason = "where the shared data lies is told by the environment")]
    let shared = std::env::var("LINCHPIN_SHARED").map_err(|_| "LINCHPIN_SHARED is not set".to_owned())?;
    let path = PathBuf::from(shared).join("data/chinook.sqlite");
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    rusqlite::Connection::open_with_flags(path, flags).map_err(|error| error.to_string())
}

fn read(db: &rusqlite::Connection, entry: &Entry) -> Vec<Row> {
    let sql = match &entry.select {
        Select::Query(sql) => sql.clone(),
        Select::Table(table) => format!("select * from {table}"),
    };
    let mut statement = db.prepare(&sql).unwrap();
    let columns: Arc<[String]> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query([]).unwrap();
    let mut all = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let cell = |at: usize| match row.get_ref(at).unwrap() {
            rusqlite::types::ValueRef::Null => Cell::Null,
            rusqlite::types::ValueRef::Integer(value) => Cell::Int(value),
            rusqlite::types::ValueRef::Real(value) => Cell::Real(value),
            rusqlite::types::ValueRef::Text(text) => Cell::Text(String::from_utf8(text.to_vec()).unwrap()),
            rusqlite::types::ValueRef::Blob(_) => panic!("no blobs here"),
        };
        all.push(Row::new(Arc::clone(&columns), (0..columns.len()).map(cell).collect()));
    }
    all
}

/// What the database offers, as a caller would find out.
fn catalog(db: &rusqlite::Connection) -> Catalog {
    let file = parse(MAPPING).unwrap();
    let columns = |sql: &str| {
        let statement = db.prepare(sql).unwrap();
        statement.column_names().map(str::to_owned).collect()
    };
    let texts = file.entries.iter().filter_map(|(_, entry)| entry.query.as_ref());
    let queries = texts.map(|sql| (sql.value.clone(), columns(&sql.value))).collect();
    let shop = SourceTables { tables: Some(BTreeMap::new()), queries };
    Catalog { sources: Some(BTreeMap::from([("shop".to_owned(), shop)])) }
}

fn compiled(catalog: &Catalog) -> Compiled {
    let file = parse(MAPPING).unwrap_or_else(|problem| panic!("{}", problem.render("linchpin.yaml", MAPPING)));
    compile(&file, catalog, Some(&account())).unwrap_or_else(|problems| {
        let all: String = problems.iter().map(|problem| problem.render("linchpin.yaml", MAPPING)).collect();
        panic!("{all}")
    })
}

#[test]
fn the_mapping_passes_the_check_and_its_schema() {
    let compiled = compiled(&Catalog::default());
    let order: Vec<&str> = compiled.entries.iter().map(|entry| entry.name.0.as_str()).collect();
    assert_eq!(order, ["companies", "customers", "tracks", "invoices", "invoice_lines"]);
    assert_eq!(compiled.warnings, []);
    let keys: Vec<&str> = compiled.key_properties_to_create().map(|key| key.name.as_str()).collect();
    let expected = ["chinook_company_key", "chinook_customer_id", "chinook_invoice_id", "chinook_invoice_line_id"];
    assert_eq!(keys, expected);

    let document: serde_json::Value = serde_saphyr::from_str(MAPPING).unwrap();
    let schema = jsonschema::validator_for(&json_schema()).unwrap();
    let faults: Vec<String> = schema.iter_errors(&document["sync"]).map(|error| error.to_string()).collect();
    assert_eq!(faults, Vec::<String>::new());
    let mut wrong = document["sync"].clone();
    wrong["entries"]["customers"]["keys"] = "CustomerId".into();
    assert!(!schema.is_valid(&wrong), "an unknown key must not pass");
}

#[test]
fn every_row_of_the_database_is_mapped_and_only_four_values_are_left_out() {
    let db = match database() {
        Ok(db) => db,
        Err(why) => return println!("skipped: {why}"),
    };
    let compiled = compiled(&catalog(&db));
    let lookups = Lookups::of(&account());
    let mut records: BTreeMap<&str, Vec<Desired>> = BTreeMap::new();
    let mut links: BTreeMap<String, usize> = BTreeMap::new();
    let mut warnings: Vec<(String, RowWarning)> = Vec::new();
    for entry in &compiled.entries {
        for row in read(&db, entry) {
            match entry.map_row(&row, &lookups) {
                Mapped::Desired(desired, remarks) => {
                    for link in &desired.associations {
                        let to = &entry.associations[usize::from(link.kind)].to_object;
                        *links.entry(format!("{} to {to}", entry.object_type)).or_default() += 1;
                    }
                    warnings.extend(remarks.into_iter().map(|remark| (desired.row.key.0.clone(), remark)));
                    records.entry(entry.name.0.as_str()).or_default().push(*desired);
                }
                other => panic!("{}: {other:?}", entry.name),
            }
        }
    }
    let counts: BTreeMap<&str, usize> = records.iter().map(|(name, all)| (*name, all.len())).collect();
    let expected = [("companies", 10), ("customers", 59), ("invoice_lines", 2240), ("invoices", 412), ("tracks", 3503)];
    assert_eq!(counts, BTreeMap::from(expected));
    let expected = [
        ("contacts to companies", 10),
        ("deals to companies", 70),
        ("deals to contacts", 412),
        ("line_items to deals", 2240),
    ];
    assert_eq!(links, expected.into_iter().map(|(name, count)| (name.to_owned(), count)).collect());
    let told: Vec<(&str, &str, &str)> = warnings
        .iter()
        .map(|(key, warning)| (key.as_str(), warning.property.as_deref().unwrap_or(""), warning.code.as_str()))
        .collect();
    let expected =
        [("9", "phone", "LP1106"), ("49", "email", "LP1105"), ("57", "phone", "LP1106"), ("58", "phone", "LP1106")];
    assert_eq!(told, expected, "{warnings:#?}");
    check_values(&records);
}

fn check_values(records: &BTreeMap<&str, Vec<Desired>>) {
    let value = |entry: &str, key: &str, property: &str| {
        let record = records[entry].iter().find(|record| record.row.key.0 == key).unwrap();
        match record.properties.get(property) {
            Some(DesiredValue::Text(text)) => text.clone(),
            Some(DesiredValue::Clear) => "(clear)".to_owned(),
            Some(DesiredValue::RecordOf(row)) => format!("{}/{}", row.entry, row.key),
            None => "(untouched)".to_owned(),
        }
    };
    let expected = [
        ("customers", "1", "phone", "+551239235555"),
        ("customers", "2", "phone", "+497112842222"),
        ("customers", "34", "phone", "+351213466111"),
        ("customers", "45", "phone", "(clear)"),
        ("customers", "47", "phone", "+390639733434"),
        ("customers", "52", "phone", "+442077070707"),
        ("customers", "55", "phone", "+61293323633"),
        ("customers", "56", "phone", "+541143114333"),
        ("customers", "57", "phone", "(untouched)"),
        ("customers", "49", "email", "(untouched)"),
        ("customers", "1", "hubspot_owner_id", "101"),
        ("customers", "5", "hubspot_owner_id", "102"),
        ("customers", "2", "hubspot_owner_id", "103"),
        ("customers", "54", "city", "Edinburgh"),
        ("tracks", "1", "price", "0.99"),
        ("tracks", "1", "hs_sku", "1"),
        ("invoices", "1", "closedate", "2021-01-01T00:00:00Z"),
        ("invoices", "5", "amount", "13.86"),
        ("invoices", "5", "dealname", "Chinook invoice 5"),
        ("invoice_lines", "1", "hs_product_id", "tracks/2"),
        ("invoice_lines", "1", "quantity", "1"),
    ];
    for (entry, key, property, text) in expected {
        assert_eq!(value(entry, key, property), text, "{entry} {key} {property}");
    }
    let phones = records["customers"].iter().filter_map(|record| record.properties.get("phone"));
    let numbers = phones.filter(|value| matches!(value, DesiredValue::Text(text) if text.starts_with('+')));
    assert_eq!(numbers.count(), 55, "59 customers, one without a number, three with none that is valid");
}
