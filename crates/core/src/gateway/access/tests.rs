//! One table for each kind of limit: the call, and what becomes of it.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn types(names: &[&str]) -> BTreeSet<ObjectType> {
    names.iter().map(|name| ObjectType::new(*name)).collect()
}

fn texts(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn objects(names: &[&str]) -> Access {
    Access { objects: Some(types(names)), ..Access::default() }
}

fn verbs(verbs: &[Verb]) -> Access {
    Access { verbs: Some(verbs.iter().copied().collect()), ..Access::default() }
}

fn scopes(scopes: &[Scope]) -> Access {
    Access { scopes: Some(scopes.to_vec()), ..Access::default() }
}

/// Reads `email` and `firstname` of contacts, writes `firstname`.
fn fields() -> Access {
    let fields = Fields { read: Some(texts(&["email", "firstname"])), write: Some(texts(&["firstname"])) };
    Access { properties: [(ObjectType::new("contacts"), fields)].into(), ..Access::default() }
}

#[expect(clippy::unwrap_in_result, reason = "the method is the test's own; the result is the decision")]
fn asked(access: &Access, method: &str, target: &str, body: &[u8]) -> Result<(), Denied> {
    let method = method.parse().unwrap();
    access.allows(&Wanted { portal: PortalId(7), method: &method, target, body })
}

fn said(access: &Access, method: &str, target: &str, body: &Value) -> Result<(), Denied> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    asked(access, method, target, body.as_bytes())
}

fn unreadable(name: &str) -> Result<(), Denied> {
    Err(Denied::Unreadable(name.to_owned()))
}

fn unwritable(name: &str) -> Result<(), Denied> {
    Err(Denied::Unwritable(name.to_owned()))
}

fn object(name: &str) -> Result<(), Denied> {
    Err(Denied::Object(name.to_owned()))
}

#[test]
fn a_caller_without_limits_may_make_any_call() {
    for (method, target) in [("GET", "/crm/v3/objects/contacts"), ("POST", "/%2e%2e//x;y?z"), ("BREW", "*")] {
        assert_eq!(asked(&Access::default(), method, target, b"{"), Ok(()), "{method} {target}");
    }
}

#[test]
fn portals_are_kept_apart() {
    let access = |portal| Access { portals: Some([PortalId(portal)].into()), ..Access::default() };
    assert_eq!(asked(&access(7), "GET", "/any/path", b""), Ok(()));
    assert_eq!(asked(&access(8), "GET", "/any/path", b""), Err(Denied::Portal(PortalId(7))));
}

#[test]
fn a_type_goes_by_all_its_names_and_both_ends_of_an_association_count() {
    let access = objects(&["contacts", "deals", "2-5"]);
    for (method, target, expected) in [
        ("GET", "/crm/v3/objects/contacts/1", Ok(())),
        ("GET", "/crm/v3/objects/CONTACT/1/", Ok(())),
        ("GET", "/crm/objects/2026-03/0-1/1?properties=email", Ok(())),
        ("GET", "/crm/v3/objects/2-5/1", Ok(())),
        ("GET", "/crm/v3/objects/companies/1", object("companies")),
        ("GET", "/crm/v3/objects/0-2/1", object("companies")),
        ("GET", "/crm/v3/objects/p7_pets/1", object("p7_pets")),
        ("GET", "/crm/v3/objects/contacts/1?associations=deals", Ok(())),
        ("GET", "/crm/v3/objects/contacts/1?associations=deals,companies", object("companies")),
        ("GET", "/crm/v3/objects/contacts/1?associations=deals&%61ssociations=company", object("companies")),
        ("GET", "/crm/v4/objects/contacts/1/associations/companies", object("companies")),
        ("GET", "/crm/v4/objects/companies/1/associations/contacts", object("companies")),
        ("PUT", "/crm/v4/objects/contacts/1/associations/default/deals/2", Ok(())),
        ("POST", "/crm/v4/associations/contacts/companies/batch/read", object("companies")),
        ("GET", "/crm/v3/properties/companies", object("companies")),
        ("GET", "/crm/v3/pipelines/deals", Ok(())),
        // What names no type, or is not known, may be about any.
        ("GET", "/crm/v3/owners", Err(Denied::Unchecked)),
        ("GET", "/contacts/v1/lists/all/contacts/all", Err(Denied::Unchecked)),
        ("POST", "/collector/graphql", Err(Denied::Unchecked)),
        ("GET", "/crm/v3/objects/contacts/batch/new/thing", Err(Denied::Unchecked)),
        ("HEAD", "/crm/v3/objects/companies/1", Err(Denied::Unchecked)),
    ] {
        assert_eq!(asked(&access, method, target, b""), expected, "{method} {target}");
    }
}

#[test]
fn escapes_do_not_slip_past() {
    let access = objects(&["contacts"]);
    for (target, expected) in [
        ("/crm/v3/objects/%63ontacts/1", Ok(())),
        ("/crm/v3/objects/%63ompanies/1", object("companies")),
        ("/%63rm/v3/%6fbjects/companies/1", object("companies")),
        ("/crm/%76%33/objects/companies/1", object("companies")),
        ("/crm/v3/objects/contacts/../companies/1", Err(Denied::Path)),
        ("/crm/v3/objects/contacts/%2e%2e/companies/1", Err(Denied::Path)),
        ("/crm/v3/objects/contacts%2f..%2fcompanies/1", Err(Denied::Path)),
        ("/crm/v3/objects/contacts/%252e%252e/companies", Err(Denied::Path)),
        ("/crm/v3/objects/contacts/..%5ccompanies/1", Err(Denied::Path)),
        ("/crm/v3/objects/contacts;type=companies/1", Err(Denied::Path)),
        ("/crm/v3/objects//contacts/1", Err(Denied::Path)),
        ("//crm/v3/objects/contacts/1", Err(Denied::Path)),
        ("/crm/v3/objects/contacts/1%3Fassociations=deals", Err(Denied::Path)),
        ("/crm/v3/objects/contacts/1%00", Err(Denied::Path)),
        ("/crm/v3/objects/contacts/%ff", Err(Denied::Path)),
        ("/crm/v3/objects/contacts/ada%40example.test?idProperty=email", Ok(())),
        ("/crm/v3/objects/contacts%20/1", object("contacts ")),
        ("crm/v3/objects/contacts/1", Err(Denied::Path)),
    ] {
        assert_eq!(asked(&access, "GET", target, b""), expected, "{target}");
    }
}

#[test]
fn a_scope_names_a_part_of_the_api() {
    let parts = [Scope::Family(Family::Objects), Scope::path("/marketing/v3/forms").unwrap()];
    for (method, target, allowed) in [
        ("GET", "/crm/v3/objects/contacts/1", true),
        ("POST", "/crm/objects/2026-03/contacts/search", true),
        ("GET", "/marketing/v3/forms", true),
        ("GET", "/marketing/forms/2026-03/5", true),
        ("GET", "/marketing/v3/formsets", false),
        ("GET", "/marketing/v3/emails", false),
        ("GET", "/crm/v3/owners", false),
        ("GET", "/crm/v4/objects/contacts/1/associations/deals", false),
    ] {
        let expected = if allowed { Ok(()) } else { Err(Denied::Scope) };
        assert_eq!(asked(&scopes(&parts), method, target, b""), expected, "{method} {target}");
    }
    for wrong in ["", "/", "marketing", "/v3", "/marketing//forms", "/marketing/%2e%2e"] {
        assert_eq!(Scope::path(wrong), Err(NotAPath(wrong.to_owned())));
    }
}

#[test]
fn a_scope_that_is_named_lets_through_what_has_no_type_but_no_other_type() {
    let parts = vec![Scope::Family(Family::Owners), Scope::path("/crm").unwrap()];
    let access = Access { scopes: Some(parts), ..objects(&["contacts"]) };
    for (target, expected) in [
        ("/crm/v3/owners", Ok(())),
        ("/crm/v3/imports/5", Ok(())),
        ("/crm/v3/objects/companies/1", object("companies")),
        ("/crm/v3/objects/companies/new/thing/5", Err(Denied::Unchecked)),
        ("/settings/v3/users", Ok(())),
        ("/files/v3/files", Err(Denied::Scope)),
    ] {
        assert_eq!(asked(&access, "GET", target, b""), expected, "{target}");
    }
}

#[test]
fn verbs_tell_reading_from_each_way_of_changing() {
    use Verb::{Archive, Associate, Create, Define, Erase, Merge, Read, Update};
    for (method, target, needed) in [
        ("GET", "/crm/v3/objects/contacts", &[Read][..]),
        ("POST", "/crm/v3/objects/contacts/search", &[Read]),
        ("POST", "/crm/v3/objects/contacts/batch/read", &[Read]),
        ("POST", "/crm/v4/associations/contacts/deals/batch/read", &[Read]),
        ("GET", "/not/known", &[Read]),
        ("POST", "/crm/v3/objects/contacts", &[Create]),
        ("POST", "/crm/v3/objects/contacts/batch/create", &[Create]),
        ("PATCH", "/crm/v3/objects/contacts/1", &[Update]),
        ("POST", "/crm/v3/objects/contacts/batch/update", &[Update]),
        ("POST", "/crm/v3/objects/contacts/batch/upsert", &[Create, Update]),
        ("DELETE", "/crm/v3/objects/contacts/1", &[Archive]),
        ("POST", "/crm/v3/objects/contacts/batch/archive", &[Archive]),
        ("POST", "/crm/v3/objects/contacts/merge", &[Merge]),
        ("POST", "/crm/v3/objects/contacts/gdpr-delete", &[Erase]),
        ("PUT", "/crm/v4/objects/contacts/1/associations/deals/2", &[Associate]),
        ("DELETE", "/crm/v4/objects/contacts/1/associations/deals/2", &[Associate]),
        ("POST", "/crm/v4/associations/contacts/deals/batch/archive", &[Associate]),
        ("POST", "/crm/v3/properties/contacts", &[Define]),
        ("DELETE", "/crm/v3/properties/contacts/shoe_size", &[Define]),
        ("GET", "/crm/v3/properties/contacts", &[Read]),
        ("DELETE", "/crm/v3/pipelines/deals/5", &[Define]),
        // Nobody knows what these change.
        ("POST", "/not/known", &Verb::ALL),
        ("DELETE", "/contacts/v1/contact/vid/5", &Verb::ALL),
        ("BREW", "/crm/v3/objects/contacts", &Verb::ALL),
    ] {
        assert_eq!(asked(&verbs(needed), method, target, b""), Ok(()), "{method} {target}");
        for missing in needed {
            let others: Vec<Verb> = Verb::ALL.into_iter().filter(|verb| verb != missing).collect();
            let known = needed.len() < Verb::ALL.len();
            let expected = if known { Denied::Verb(missing.name()) } else { Denied::UnknownChange };
            assert_eq!(asked(&verbs(&others), method, target, b""), Err(expected), "{method} {target}");
        }
    }
}

#[test]
fn a_read_names_properties_of_the_list_and_no_other() {
    let contacts = "/crm/v3/objects/contacts";
    for (target, expected) in [
        ("/1?properties=email", Ok(())),
        ("/1?properties=email,firstname&properties=hs_object_id", Ok(())),
        ("?limit=5&after=7&archived=false&properties=email", Ok(())),
        ("/1", Err(Denied::Unnamed)),
        ("?limit=5", Err(Denied::Unnamed)),
        ("/1?properties=", Err(Denied::Unnamed)),
        ("/1?properties=,", Err(Denied::Unnamed)),
        ("/1?propertiesWithHistory=email", Err(Denied::Unnamed)),
        ("/1?properties=email,iban", unreadable("iban")),
        ("/1?properties=email%2Ciban", unreadable("iban")),
        ("/1?properties=email&properties=iban", unreadable("iban")),
        ("/1?properties=email&%70roperties=iban", unreadable("iban")),
        ("/1?properties=email;properties=iban", unreadable("email;properties=iban")),
        ("/1?properties=email&propertiesWithHistory=iban", unreadable("iban")),
        ("/1?properties=EMAIL", unreadable("EMAIL")),
        ("/a%40b.test?idProperty=email&properties=email", Ok(())),
        ("/1?idProperty=iban&properties=email", unreadable("iban")),
        ("/1?properties=email&Properties=iban", Err(Denied::Parameter("Properties".to_owned()))),
        ("/1?properties=email&property=iban", Err(Denied::Parameter("property".to_owned()))),
        ("/1?properties=email&associations=companies", object("companies")),
    ] {
        assert_eq!(asked(&fields(), "GET", &format!("{contacts}{target}"), b""), expected, "{target}");
    }
    let with_body = asked(&fields(), "GET", "/crm/v3/objects/contacts/1?properties=email", b"{}");
    assert_eq!(with_body, Err(Denied::Body("a read has none")));
    assert_eq!(asked(&fields(), "GET", "/crm/v3/objects/deals/1?properties=amount", b""), object("deals"));
}

#[test]
fn bodies_of_reads_are_looked_at_as_well() {
    let one = json!([{"id": "1"}]);
    let filter = |name: &str| json!([{"filters": [{"propertyName": name, "operator": "EQ", "value": "x"}]}]);
    for (path, body, expected) in [
        ("batch/read", json!({"inputs": one, "properties": ["email"]}), Ok(())),
        ("batch/read", json!({"inputs": one}), Err(Denied::Unnamed)),
        ("batch/read", json!({"inputs": one, "properties": []}), Err(Denied::Unnamed)),
        ("batch/read", json!({"inputs": one, "properties": ["email", "iban"]}), unreadable("iban")),
        (
            "batch/read",
            json!({"inputs": one, "properties": ["email"], "propertiesWithHistory": ["iban"]}),
            unreadable("iban"),
        ),
        ("batch/read", json!({"inputs": one, "properties": ["email"], "idProperty": "iban"}), unreadable("iban")),
        ("batch/read", json!({"inputs": one, "properties": "iban"}), Err(Denied::Body("a list is expected"))),
        (
            "batch/read",
            json!({"inputs": one, "properties": ["email"], "Properties": ["iban"]}),
            Err(Denied::Member("Properties".to_owned())),
        ),
        ("search", json!({"properties": ["email"], "filterGroups": filter("email"), "sorts": ["-email"]}), Ok(())),
        ("search", json!({"properties": ["email"], "filterGroups": filter("iban")}), unreadable("iban")),
        ("search", json!({"properties": ["email"], "filters": filter("iban")[0]["filters"]}), unreadable("iban")),
        ("search", json!({"properties": ["email"], "sorts": ["iban"]}), unreadable("iban")),
        (
            "search",
            json!({"properties": ["email"], "sorts": [{"propertyName": "iban", "direction": "ASCENDING"}]}),
            unreadable("iban"),
        ),
        ("search", json!({"filterGroups": filter("email")}), Err(Denied::Unnamed)),
        ("search", json!({"properties": ["email"], "query": "DE44"}), Err(Denied::FreeText)),
        (
            "search",
            json!({"properties": ["email"], "filterGroups": filter("associations.company")}),
            object("companies"),
        ),
    ] {
        let target = format!("/crm/v3/objects/contacts/{path}");
        assert_eq!(said(&fields(), "POST", &target, &body), expected, "{path} {body}");
    }
}

#[test]
fn a_write_names_properties_of_its_own_list() {
    let input = |name: &str| json!({"properties": {"firstname": "Ada", name: "x"}});
    let mut keyed = input("firstname");
    keyed["idProperty"] = json!("email");
    keyed["id"] = json!("a@b.test");
    for (method, path, body, expected) in [
        ("POST", "", input("firstname"), Ok(())),
        ("POST", "", input("email"), unwritable("email")),
        ("PATCH", "/1", input("firstname"), Ok(())),
        ("PATCH", "/1", input("iban"), unwritable("iban")),
        ("PATCH", "/a@b.test?idProperty=email", input("firstname"), Ok(())),
        ("PATCH", "/1?idProperty=iban", input("firstname"), unreadable("iban")),
        ("PATCH", "/1", json!({"properties": ["iban"]}), Err(Denied::Body("`properties` of a write is an object"))),
        ("PATCH", "/1", json!({"iban": "x"}), Err(Denied::Member("iban".to_owned()))),
        ("POST", "/batch/create", json!({"inputs": [input("firstname"), input("iban")]}), unwritable("iban")),
        ("POST", "/batch/update", json!({"inputs": [keyed.clone()]}), Ok(())),
        ("POST", "/batch/update", json!({"inputs": [input("iban")]}), unwritable("iban")),
        // An upsert writes its key as well.
        ("POST", "/batch/upsert", json!({"inputs": [keyed]}), unwritable("email")),
        ("POST", "/merge", json!({"primaryObjectId": "1", "objectIdToMerge": "2"}), Err(Denied::Merge)),
        ("POST", "/gdpr-delete", json!({"objectId": "1", "idProperty": "iban"}), unreadable("iban")),
        ("POST", "/batch/archive", json!({"inputs": [{"id": "1"}]}), Ok(())),
    ] {
        let target = format!("/crm/v3/objects/contacts{path}");
        assert_eq!(said(&fields(), method, &target, &body), expected, "{method} {path} {body}");
    }
    assert_eq!(asked(&fields(), "DELETE", "/crm/v3/properties/contacts/iban", b""), Err(Denied::Definition));
    assert_eq!(asked(&fields(), "GET", "/crm/v3/properties/contacts/iban", b""), Ok(()));
}

#[test]
fn a_body_that_could_be_read_otherwise_is_refused() {
    let unclear = Err(Denied::Body("it is no JSON, or names something twice"));
    for body in [
        &b""[..],
        b"properties=iban",
        b"\xff\xfe{\0}\0",
        br#"{"properties": {"firstname": "x"}, "properties": {"iban": "x"}}"#,
        br#"{"properties": {"firstname": "x", "firstname": "y"}}"#,
    ] {
        assert_eq!(asked(&fields(), "PATCH", "/crm/v3/objects/contacts/1", body), unclear);
    }
}

#[test]
fn associations_of_a_new_record_count() {
    let body = |type_id: u32| {
        let kind = json!({"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id});
        json!({"properties": {"email": "a@b.test"}, "associations": [{"to": {"id": "5"}, "types": [kind]}]})
    };
    let contacts = "/crm/v3/objects/contacts";
    // From contact: 4 to a deal, 279 to a company.
    let access = objects(&["contacts", "deals"]);
    assert_eq!(said(&access, "POST", contacts, &body(4)), Ok(()));
    assert_eq!(said(&access, "POST", contacts, &body(279)), Err(Denied::Association));
    let untyped = json!({"properties": {}, "associations": [{"to": {"id": "5"}}]});
    assert_eq!(said(&access, "POST", contacts, &untyped), Err(Denied::Association));
    let only_create = Access { verbs: Some([Verb::Create].into()), ..access };
    assert_eq!(said(&only_create, "POST", contacts, &body(4)), Err(Denied::Verb("associate")));
}

#[test]
fn refusals_say_what_to_do_and_repeat_little() {
    assert!(Denied::Unnamed.to_string().contains("name those that the call shall read in `properties`"));
    let long = format!("/crm/v3/objects/contacts/1?properties={}", "x".repeat(10_000));
    let refusal = asked(&fields(), "GET", &long, b"").unwrap_err().to_string();
    assert!(refusal.len() < 200, "{refusal}");
}

/// One letter of a path, as it is or escaped.
fn escaped(path: &str, which: &[bool]) -> String {
    let letter = |(letter, escape): (u8, &bool)| match (letter, escape) {
        (b'/', _) | (_, false) => char::from(letter).to_string(),
        (letter, true) => format!("%{letter:02x}"),
    };
    path.bytes().zip(which.iter().cycle()).map(letter).collect()
}

proptest! {
    #[test]
    fn however_a_path_is_escaped_it_is_the_same_path(which in prop::collection::vec(any::<bool>(), 1..40)) {
        for path in ["/crm/v3/objects/companies/1", "/crm/v4/objects/contacts/1/associations/companies"] {
            let target = escaped(path, &which);
            prop_assert_eq!(asked(&objects(&["contacts"]), "GET", &target, b""), object("companies"), "{}", target);
        }
    }

    #[test]
    fn whatever_is_let_through_is_about_the_one_type(target in "\\PC{0,60}", body in any::<Vec<u8>>(), method in "(GET|POST|PATCH)") {
        let below = format!("/crm/v3/objects/contacts/{target}");
        prop_assert!(asked(&fields(), &method, &target, &body).is_err(), "{}", target);
        // Of what has no body that is JSON, a read by id with parameters may pass, and no text of chance names them.
        let allowed = asked(&fields(), &method, &below, &body).is_ok();
        prop_assert!(!allowed || below.contains("properties=") || serde_json::from_slice::<Value>(&body).is_ok(), "{}", below);
    }
}
