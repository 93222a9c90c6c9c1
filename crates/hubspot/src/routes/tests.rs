//! Paths of every style against what they are.

use proptest::prelude::*;

use super::*;

mod typed;

fn at(method: &Method, path: &str) -> Route {
    classify(method, path)
}

#[test]
fn one_call_is_the_same_route_in_every_version() {
    let paths = [
        ("/crm/v3/objects/CONTACT/batch/upsert", "v3"),
        ("/crm/objects/2025-09/contacts/batch/upsert", "2025-09"),
        ("/crm/objects/2026-09/0-1/batch/upsert?x=1", "2026-09"),
        ("/crm/objects/2027-03-beta/contact/batch/upsert/", "2027-03-beta"),
    ];
    for (path, version) in paths {
        let route = at(&Method::POST, path);
        assert_eq!(route.operation, Operation::ObjectBatchUpsert);
        assert_eq!(route.object_type, Some(ObjectType::new("contacts")));
        assert_eq!(route.version.map(|version| version.to_string()).as_deref(), Some(version));
        assert_eq!(route.effect, Effect::Idempotent);
    }
}

#[test]
fn the_table_says_what_each_path_costs_and_does() {
    use Effect::{Idempotent, Safe, Unsafe};
    let cases = [
        ("GET", "/crm/v3/objects/contacts", Op::ObjectList, Ordinary, Safe),
        ("POST", "/crm/v3/objects/contacts", Op::ObjectCreate, Ordinary, Unsafe),
        ("PATCH", "/crm/v3/objects/contacts/1", Op::ObjectUpdate, Ordinary, Idempotent),
        ("DELETE", "/crm/objects/2026-03/contacts/1", Op::ObjectArchive, Ordinary, Idempotent),
        ("POST", "/crm/objects/2026-03/deals/search", Op::Search, CostClass::Search, Safe),
        ("POST", "/crm/v3/objects/deals/merge", Op::ObjectMerge, Ordinary, Unsafe),
        ("POST", "/crm/v4/associations/a/b/batch/read", Op::AssociationBatchRead, AssociationBatch, Safe),
        ("POST", "/crm/v3/associations/a/b/batch/create", Op::AssociationBatchCreate, AssociationBatch, Idempotent),
        ("GET", "/crm/associations/v4/a/b/labels", Op::AssociationLabelList, AssociationBatch, Safe),
        ("POST", "/crm/v4/associations/a/b/labels", Op::AssociationLabelCreate, AssociationBatch, Unsafe),
        (
            "GET",
            "/crm/associations/v4/definitions/configurations/all",
            Op::AssociationLimitList,
            AssociationBatch,
            Safe,
        ),
        ("GET", "/crm/v4/objects/a/1/associations/b", Op::AssociationList, Ordinary, Safe),
        ("PUT", "/crm/v4/objects/a/1/associations/default/b/2", Op::AssociateDefault, Ordinary, Idempotent),
        ("PUT", "/crm/v3/objects/a/1/associations/b/2/279", Op::AssociationPut, Ordinary, Idempotent),
        ("POST", "/crm/v3/properties/contacts", Op::PropertyCreate, Ordinary, Idempotent),
        ("GET", "/crm/properties/2026-03/contacts/groups", Op::PropertyGroupList, Ordinary, Safe),
        ("GET", "/crm/properties/2026-03/contacts/email", Op::PropertyRead, Ordinary, Safe),
        ("GET", "/crm/v3/schemas", Op::SchemaList, Ordinary, Safe),
        ("GET", "/crm-object-schemas/2026-03/schemas/2-1", Op::Schema, Ordinary, Safe),
        ("GET", "/crm/owners/2026-03", Op::OwnerList, Ordinary, Safe),
        ("GET", "/account-info/v3/api-usage/daily/private-apps", Op::AccountUsage, Ordinary, Safe),
        ("POST", "/oauth/v1/token", Op::TokenIssue, Token, Unsafe),
        ("POST", "/oauth/2026-03/token/introspect", Op::TokenInfo, Token, Safe),
        ("GET", "/webhooks-journal/journal/2026-03/earliest", Op::WebhookJournal, Journal, Safe),
        ("GET", "/webhooks/v4/journal/earliest", Op::WebhookJournal, Journal, Safe),
        ("PUT", "/webhooks/v3/7007/settings", Op::WebhookSettings, Ordinary, Idempotent),
        ("POST", "/crm/v3/lists/search", Op::List, Ordinary, Safe),
        ("PATCH", "/marketing/v3/forms/1", Op::Other, Ordinary, Unsafe),
    ];
    for (method, path, operation, cost, effect) in cases {
        let route = at(&method.parse().expect("a method"), path);
        assert_eq!((route.operation, route.cost, route.effect), (operation, cost, effect), "{method} {path}");
    }
}

#[test]
fn ids_and_both_types_are_found() {
    let route = at(&Method::PUT, "/crm/objects/2026-03/0-1/a%40b.c/associations/default/company/5");
    assert_eq!((route.id.as_deref(), route.to_id.as_deref()), (Some("a@b.c"), Some("5")));
    assert_eq!(route.object_type, Some(ObjectType::new("contacts")));
    assert_eq!(route.to_object_type, Some(ObjectType::new("companies")));
}

#[test]
fn reads_have_a_twin_and_labelled_writes_have_none() {
    let twin = |method, path| at(&method, path).twin.map(|twin| twin.operation);
    assert_eq!(twin(Method::GET, "/crm/v3/objects/deals/1"), Some(Operation::ObjectBatchRead));
    assert_eq!(twin(Method::PUT, "/crm/v4/objects/a/1/associations/b/2"), None);
}

#[test]
fn a_version_beyond_the_fourth_segment_is_a_name() {
    let route = at(&Method::GET, "/crm/objects/contacts/1/v3");
    assert_eq!((route.version, route.operation), (None, Operation::Other));
}

#[test]
fn every_row_is_reached_by_a_path_made_from_it() {
    for row in TABLE.iter().copied().flatten() {
        let path = row.1.replace("{type}", "2-1").replace("{to}", "2-2").replace("{id}", "9");
        let path = path.replace("{other}", "7").replace("{}", "8");
        let method = if row.0 == "*" { "OPTIONS" } else { row.0 };
        let route = at(&method.parse().expect("a method"), &path.replace("**", "rest/of/it"));
        assert_eq!(route.operation, row.2, "{} {}", row.0, row.1);
    }
}

proptest! {
    #[test]
    fn any_path_is_a_route(path in "(/[a-z0-9%{}-]{0,12}){0,8}\\??.{0,5}") {
        let route = at(&Method::GET, &path);
        prop_assert_eq!(route.effect, Effect::Safe);
    }
}
