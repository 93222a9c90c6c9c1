//! What the check says about broken mappings: all of it at once, each at its place.

use std::collections::BTreeMap;

use linchpin_mapping::{Catalog, Problem, Severity, SourceTables, compile, parse};

use crate::support::account;

fn catalog() -> Catalog {
    let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let tables = BTreeMap::from([
        ("customers".to_owned(), columns(&["id", "email", "name", "phone", "country", "plan", "company_id", "born"])),
        ("companies".to_owned(), columns(&["id", "name", "domain"])),
        ("items".to_owned(), columns(&["id", "title", "price"])),
    ]);
    let crm = SourceTables { tables: Some(tables), queries: BTreeMap::new() };
    Catalog { sources: Some(BTreeMap::from([("crm".to_owned(), crm)])) }
}

fn problems_of(text: &str) -> Vec<Problem> {
    let file = match parse(text) {
        Ok(file) => file,
        Err(problem) => return vec![problem],
    };
    compile(&file, &catalog(), Some(&account())).map_or_else(|problems| problems, |compiled| compiled.warnings)
}

fn rendered(text: &str) -> String {
    problems_of(text).iter().map(|problem| problem.render("linchpin.yaml", text) + "\n").collect()
}

const BROKEN: &str = r#"sync:
  phone_region: Atlantis
  entries:
    people:
      source: crmm
      table: customers
      key: id
      object: contcts
      identity: {unique: external_id}
      fields:
        external_id: id
    customers:
      source: crm
      table: custommers
      key: id
      where: "row.plan == 'paid' &&"
      object: contacts
      identity: {unique: lifecyclestage}
      fields:
        email: {column: email, transforms: [trimm, lower]}
        lifecyclestage: {value: gold}
        num_notes: id
        favourite: plan
    staff:
      source: crm
      table: customers
      key: [id, country]
      where: row.plan == 'paid' && row.plann != ''
      object: contacts
      identity: {unique: external_id, content: [email]}
      fields:
        email: emial
        firstname: {column: name, value: x}
        lifecyclestage: {column: plan, transforms: [{map: {values: {a: lead, b: Lead}, otherwise: vip}}]}
        date_of_birth: {column: born, transforms: [datetime]}
        jobtitle: {record_of: firms, key: company_id}
      associations:
        - {to: companies, key: [company_id, id], label: partner}
    companies:
      source: crm
      table: companies
      key: id
      object: companies
      identity: {unique: domain}
      fields:
        name: {expression: "row.name + nme"}
    things:
      source: crm
      table: items
      key: id
      object: products
      identity: {unique: thing_id}
      fields:
        name: title
"#;

#[test]
fn every_problem_of_a_broken_mapping_is_told_at_its_place() {
    insta::assert_snapshot!(rendered(BROKEN));
}

#[test]
fn an_unknown_key_is_told_with_its_line() {
    let text = "sync:\n  entries:\n    a:\n      source: crm\n      tabel: customers\n      key: id\n";
    insta::assert_snapshot!(rendered(text));
}

/// A mapping that is right, to be broken in one place.
const RIGHT: &str = "sync:
  entries:
    companies:
      source: crm
      table: companies
      key: id
      object: companies
      identity: {unique: company_key, create: {label: Key}}
      fields:
        company_key: id
        name: name
    customers:
      source: crm
      table: customers
      key: id
      object: contacts
      identity: {unique: email}
      fields:
        email: {column: email, transforms: [trim]}
      associations:
        - {to: companies, key: company_id, label: primary}
";

#[test]
fn a_right_mapping_has_no_problems_and_each_fault_has_its_code_and_line() {
    assert_eq!(problems_of(RIGHT), []);
    let cases = [
        ("source: crm\n      table: companies", "source: crm", "LP1005", 3),
        ("key: id\n      object: companies", "key: []\n      object: companies", "LP1005", 3),
        ("{to: companies,", "{to: compnies,", "LP1006", 21),
        ("name: name", "name: {record_of: customers, key: id}", "LP1007", 3),
        ("name: name", "name: {columns: [name, domain], column: name}", "LP1008", 11),
        ("name: name", "name: {column: name, key: id}", "LP1008", 11),
        ("[trim]", "[trum]", "LP1009", 19),
        ("[trim]", "[{phone: {region: Narnia}}]", "LP1010", 19),
        ("[trim]", "[{date: {time_zone: Mars/Base}}]", "LP1010", 19),
        ("[trim]", "[{money: {minor_units: true}}]", "LP1010", 19),
        ("[trim]", "[{split: {separator: ''}}]", "LP1010", 19),
        ("{unique: email}", "{}", "LP1012", 17),
        ("{unique: email}", "{unique: external_id}", "LP1013", 17),
        ("company_key: id", "company_key: {value: x}", "LP1013", 10),
        ("object: companies\n", "object: products\n", "LP1014", 8),
        ("{unique: company_key, create: {label: Key}}", "{unique: name}", "LP1015", 8),
        ("unique: company_key,", "unique: Company Key,", "LP1015", 8),
        ("{unique: company_key, create: {label: Key}}", "{unique: company_key}", "LP1017", 8),
        ("name: name", "nam: name", "LP1017", 11),
        ("name: name", "name: {column: name, on_invalid: {use: x}}\n        lifecyclestage: name", "LP1017", 12),
        ("label: primary", "label: friend", "LP1021", 21),
        ("key: company_id,", "key: [company_id, id],", "LP1022", 21),
        ("object: contacts", "object: contcts", "LP1023", 16),
        ("name: name", "name: naem", "LP1004", 11),
    ];
    for (from, to, code, line) in cases {
        let text = RIGHT.replacen(from, to, 1);
        assert_ne!(text, RIGHT, "{from}");
        let problems = problems_of(&text);
        let found = problems.iter().any(|problem| problem.code == code && problem.line == line);
        assert!(found, "{to}: expected {code} in line {line}, got {problems:#?}");
    }
}

#[test]
fn entries_that_wait_for_each_other_are_refused_with_the_way_round() {
    let text = RIGHT.replacen(
        "        name: name\n",
        "        name: name\n      associations: [{to: customers, key: id}]\n",
        1,
    );
    let problems = problems_of(&text);
    let cycle = problems.iter().find(|problem| problem.code == "LP1007").expect("a cycle");
    assert!(cycle.message.contains("companies -> customers -> companies"), "{}", cycle.message);
}

#[test]
fn two_entries_with_one_identity_are_refused() {
    let second = "    more:
      source: crm
      table: customers
      key: id
      object: contacts
      identity: {unique: email}
      fields: {email: email}
";
    let problems = problems_of(&format!("{RIGHT}{second}"));
    assert_eq!(problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), ["LP1016"]);
}

#[test]
fn what_is_not_known_is_not_checked() {
    let file = parse(&RIGHT.replace("label: primary", "label: friend")).unwrap();
    let compiled = compile(&file, &Catalog::default(), None).unwrap();
    let warnings: Vec<_> = compiled.warnings.iter().map(|problem| (problem.code, problem.severity)).collect();
    assert_eq!(warnings, [("LP1021", Severity::Warning)]);
    assert_eq!(compiled.key_properties_to_create().count(), 1);
}

#[test]
fn the_fingerprint_ignores_layout_and_order_but_no_content() {
    let fingerprint = |text: &str| compile(&parse(text).unwrap(), &catalog(), None).unwrap().fingerprint;
    let base = fingerprint(RIGHT);
    assert_eq!(
        base,
        fingerprint(&RIGHT.replace("company_key: id\n        name: name", "name: name\n        company_key: id"))
    );
    assert_eq!(base, fingerprint(&format!("# a comment\n{RIGHT}")));
    assert_ne!(base, fingerprint(&RIGHT.replace("[trim]", "[lower]")));
    assert_ne!(base, fingerprint(&RIGHT.replace("label: primary", "type_id: 1")));
}
