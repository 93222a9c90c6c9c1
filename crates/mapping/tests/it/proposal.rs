//! The first mapping that is proposed: it passes the check, whatever the tables are called.

use std::collections::BTreeMap;

use linchpin_mapping::{
    Catalog, Compiled, ForeignKey, PortalSnapshot, SourceTable, SourceTables, compile, parse, propose,
};
use proptest::prelude::*;

use crate::chinook::database;
use crate::support::account;

fn table(name: &str, columns: &[&str], key: &[&str], foreign: &[(&str, &str)]) -> SourceTable {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    SourceTable {
        name: name.to_owned(),
        columns: owned(columns),
        primary_key: owned(key),
        foreign_keys: foreign
            .iter()
            .map(|(column, to)| ForeignKey { columns: owned(&[column]), table: (*to).to_owned() })
            .collect(),
    }
}

fn checked(source: &str, tables: &[SourceTable], text: &str, portal: Option<&PortalSnapshot>) -> Compiled {
    let file = parse(text).unwrap_or_else(|problem| panic!("{}\n{text}", problem.render("init.yaml", text)));
    let tables = tables.iter().map(|table| (table.name.clone(), table.columns.clone())).collect();
    let known = SourceTables { tables: Some(tables), queries: BTreeMap::new() };
    let catalog = Catalog { sources: Some(BTreeMap::from([(source.to_owned(), known)])) };
    compile(&file, &catalog, portal).unwrap_or_else(|problems| {
        let all: String = problems.iter().map(|problem| problem.render("init.yaml", text)).collect();
        panic!("{all}\n{text}")
    })
}

#[test]
fn a_small_saas_database_gets_a_mapping_that_passes_the_check() {
    let tables = [
        table("companies", &["id", "name", "domain", "city", "country"], &["id"], &[]),
        table(
            "users",
            &["id", "company_id", "email", "full_name", "phone", "Country", "interests", "vip"],
            &["id"],
            &[],
        ),
        table(
            "subscriptions",
            &["id", "company_id", "plan_id", "mrr", "started_at"],
            &["id"],
            &[("company_id", "companies")],
        ),
        table("plans", &["id", "name", "price"], &["id"], &[]),
        table(
            "subscription items",
            &["id", "subscription_id", "plan_id", "quantity", "unit price"],
            &["id"],
            &[("subscription_id", "subscriptions"), ("plan_id", "plans")],
        ),
        table("sessions", &["token", "user_id"], &["token"], &[]),
    ];
    let text = propose("app", &tables, Some(&account())).expect("a proposal");
    insta::assert_snapshot!(text);
    let compiled = checked("app", &tables, &text, Some(&account()));
    assert_eq!(compiled.entries.len(), 5);
    checked("app", &tables, &propose("app", &tables, None).expect("a proposal"), None);
}

#[test]
fn tables_that_are_nothing_for_hubspot_get_no_proposal() {
    assert_eq!(propose("app", &[table("sessions", &["token"], &["token"], &[])], None), None);
    assert_eq!(propose("app", &[], None), None);
}

#[test]
fn the_chinook_database_is_recognised() {
    let db = match database() {
        Ok(db) => db,
        Err(why) => return println!("skipped: {why}"),
    };
    let names: Vec<String> = {
        let mut statement = db.prepare("select name from sqlite_master where type = 'table' order by name").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let tables: Vec<SourceTable> = names
        .iter()
        .map(|name| {
            let mut info = db.prepare("select name, pk from pragma_table_info(?1)").unwrap();
            let columns: Vec<(String, i64)> =
                info.query_map([name], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
            let mut keys = db.prepare("select \"from\", \"table\" from pragma_foreign_key_list(?1)").unwrap();
            let foreign =
                keys.query_map([name], |row| Ok(ForeignKey { columns: vec![row.get(0)?], table: row.get(1)? }));
            SourceTable {
                name: name.clone(),
                primary_key: columns.iter().filter(|(_, key)| *key > 0).map(|(name, _)| name.clone()).collect(),
                columns: columns.into_iter().map(|(name, _)| name).collect(),
                foreign_keys: foreign.unwrap().map(Result::unwrap).collect(),
            }
        })
        .collect();
    let text = propose("shop", &tables, Some(&account())).expect("a proposal");
    let compiled = checked("shop", &tables, &text, Some(&account()));
    let found: Vec<(String, String)> =
        compiled.entries.iter().map(|entry| (entry.name.0.clone(), entry.object_type.to_string())).collect();
    let expected =
        [("customer", "contacts"), ("track", "products"), ("invoice", "deals"), ("invoice_line", "line_items")];
    assert_eq!(found, expected.map(|(name, object)| (name.to_owned(), object.to_owned())));
    let lines = &compiled.entries[3];
    assert!(lines.properties.iter().any(|property| property.name == "hs_product_id"), "{text}");
    assert_eq!(lines.associations.len(), 1);
}

fn some_name() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "id",
        "users",
        "Customer",
        "customer_id",
        "companies",
        "company_id",
        "orders",
        "order_items",
        "order_id",
        "products",
        "product_id",
        "price",
        "email",
        "name",
        "Phone",
        "no",
        "plans",
        "title",
        "amount",
        "interests",
    ]);
    prop_oneof![8 => known.prop_map(str::to_owned), 1 => "[ -~]{1,8}", 1 => any::<String>().prop_filter("some", |s| !s.is_empty())]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn every_proposal_passes_the_check_and_is_the_same_twice(
        shapes in prop::collection::vec((some_name(), prop::collection::btree_set(some_name(), 1..8), any::<bool>()), 1..7),
        with_account in any::<bool>(),
    ) {
        let mut tables: Vec<SourceTable> = Vec::new();
        for (name, columns, keyed) in shapes {
            if tables.iter().any(|table| table.name == name) {
                continue;
            }
            let columns: Vec<String> = columns.into_iter().collect();
            let primary_key = if keyed { columns[..1].to_vec() } else { vec![] };
            tables.push(SourceTable { name, columns, primary_key, foreign_keys: vec![] });
        }
        let account = account();
        let portal = with_account.then_some(&account);
        if let Some(text) = propose("app", &tables, portal) {
            checked("app", &tables, &text, portal);
            prop_assert_eq!(propose("app", &tables, portal), Some(text));
        }
    }
}
