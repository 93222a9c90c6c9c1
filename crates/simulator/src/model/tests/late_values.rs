//! What HubSpot computes by itself: from associated records, from deals, from a contact's address.

use serde_json::{Value, json};

use super::{Desk, NINE};
use crate::wire::Millis;

fn tie(desk: &mut Desk, from: (&str, &str), to: (&str, &str)) {
    let target = format!("/crm/v4/objects/{}/{}/associations/default/{}/{}", from.0, from.1, to.0, to.1);
    assert_eq!(desk.send("PUT", &target, "").0, 200);
}

fn value(desk: &mut Desk, object: (&str, &str), name: &str) -> Value {
    desk.get(&format!("/crm/v3/objects/{}/{}?properties={name}", object.0, object.1)).1["properties"][name].clone()
}

fn won(desk: &mut Desk, amount: &str, closed: &str) -> String {
    let properties = json!({"amount": amount, "closedate": closed, "dealstage": "closedwon", "dealname": "d"});
    desk.make("deals", &properties.to_string())
}

#[test]
fn counts_of_associated_records_follow_the_associations() {
    let mut desk = Desk::new();
    let (ada, bob) = (desk.make("contacts", "{}"), desk.make("contacts", "{}"));
    let (alpha, deal) = (desk.make("companies", "{}"), desk.make("deals", "{}"));
    assert_eq!(value(&mut desk, ("companies", &alpha), "num_associated_contacts"), Value::Null);
    for contact in [&ada, &bob] {
        tie(&mut desk, ("contacts", contact), ("companies", &alpha));
        tie(&mut desk, ("contacts", contact), ("deals", &deal));
    }
    assert_eq!(value(&mut desk, ("companies", &alpha), "num_associated_contacts"), "2");
    assert_eq!(value(&mut desk, ("deals", &deal), "num_associated_contacts"), "2");
    assert_eq!(value(&mut desk, ("contacts", &ada), "num_associated_deals"), "1");
    desk.send("DELETE", &format!("/crm/v3/objects/contacts/{bob}"), "");
    assert_eq!(value(&mut desk, ("companies", &alpha), "num_associated_contacts"), "1");
    desk.send("DELETE", &format!("/crm/v4/objects/contacts/{ada}/associations/companies/{alpha}"), "");
    assert_eq!(value(&mut desk, ("companies", &alpha), "num_associated_contacts"), "0");
}

#[test]
fn revenue_is_the_sum_of_won_deals_and_follows_their_changes() {
    let mut desk = Desk::new();
    let ada = desk.make("contacts", "{}");
    let (first, last) = (won(&mut desk, "100.50", "2026-11-21"), won(&mut desk, "20", "2026-12-01"));
    let open = desk.make("deals", r#"{"amount":"7","dealstage":"contractsent"}"#);
    for deal in [&first, &last, &open] {
        tie(&mut desk, ("deals", deal), ("contacts", &ada));
    }
    let own = ("contacts", ada.as_str());
    assert_eq!(value(&mut desk, own, "total_revenue"), "120.5");
    assert_eq!(value(&mut desk, own, "recent_deal_amount"), "20");
    assert_eq!(value(&mut desk, own, "recent_deal_close_date"), "2026-12-01T00:00:00Z");
    assert_eq!(value(&mut desk, own, "hs_num_open_deals"), "1");
    assert_eq!(value(&mut desk, own, "first_deal_created_date"), "2026-11-20T09:15:02.417Z");
    desk.send("PATCH", &format!("/crm/v3/objects/deals/{last}"), r#"{"properties":{"amount":"30"}}"#);
    assert_eq!(value(&mut desk, own, "total_revenue"), "130.5");
    desk.send("PATCH", &format!("/crm/v3/objects/deals/{last}"), r#"{"properties":{"dealstage":"closedlost"}}"#);
    assert_eq!(value(&mut desk, own, "total_revenue"), "100.5");
    assert_eq!(value(&mut desk, own, "recent_deal_amount"), "100.50");
}

#[test]
fn a_closed_deal_tells_how_many_days_it_took() {
    let mut desk = Desk::new();
    let deal = won(&mut desk, "1", "2026-11-30");
    assert_eq!(value(&mut desk, ("deals", &deal), "days_to_close"), "9");
    let early = won(&mut desk, "1", "2026-01-01");
    assert_eq!(value(&mut desk, ("deals", &early), "days_to_close"), "0");
    let open = desk.make("deals", r#"{"closedate":"2026-11-30","dealstage":"contractsent"}"#);
    assert_eq!(value(&mut desk, ("deals", &open), "days_to_close"), Value::Null);
}

#[test]
fn activities_primary_company_and_family_of_companies_are_told() {
    let mut desk = Desk::new();
    let (ada, alpha, beta) = (desk.make("contacts", "{}"), desk.make("companies", "{}"), desk.make("companies", "{}"));
    let (note, task) = (
        desk.make("notes", r#"{"hs_timestamp":"2026-11-20"}"#),
        desk.make("tasks", r#"{"hs_timestamp":"2026-11-20"}"#),
    );
    tie(&mut desk, ("notes", &note), ("contacts", &ada));
    tie(&mut desk, ("tasks", &task), ("contacts", &ada));
    assert_eq!(value(&mut desk, ("contacts", &ada), "num_notes"), "2");
    let put = |desk: &mut Desk, target: String, id: u64| {
        let body = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": id}]).to_string();
        assert_eq!(desk.send("PUT", &target, &body).0, 201);
    };
    put(&mut desk, format!("/crm/v4/objects/contacts/{ada}/associations/companies/{beta}"), 1);
    assert_eq!(value(&mut desk, ("contacts", &ada), "associatedcompanyid"), json!(beta));
    put(&mut desk, format!("/crm/v4/objects/companies/{alpha}/associations/companies/{beta}"), 13);
    assert_eq!(value(&mut desk, ("companies", &beta), "hs_parent_company_id"), json!(alpha));
    assert_eq!(value(&mut desk, ("companies", &alpha), "hs_num_child_companies"), "1");
}

#[test]
fn computed_values_come_one_to_eighteen_seconds_later_as_calculated_changes() {
    for seed in 0..20 {
        let mut desk = Desk::with(|options| {
            options.late_properties = true;
            options.seed = seed;
        });
        let (ada, alpha) = (desk.make("contacts", "{}"), desk.make("companies", "{}"));
        desk.now += 30_000;
        let tied = desk.now;
        tie(&mut desk, ("contacts", &ada), ("companies", &alpha));
        desk.now = tied + 999;
        assert_eq!(value(&mut desk, ("companies", &alpha), "num_associated_contacts"), Value::Null);
        desk.now = tied + 18_000;
        assert_eq!(value(&mut desk, ("companies", &alpha), "num_associated_contacts"), "1");
        let (_, read) =
            desk.get(&format!("/crm/v3/objects/companies/{alpha}?propertiesWithHistory=num_associated_contacts"));
        let version = &read["propertiesWithHistory"]["num_associated_contacts"][0];
        assert_eq!((&version["sourceType"], &version["value"]), (&json!("CALCULATED"), &json!("1")));
        assert_eq!(read["updatedAt"], read["createdAt"], "a computed change does not move the modified date");
    }
}

#[test]
fn a_computed_change_moves_the_modified_date_only_where_the_portal_is_told_so() {
    for moves in [false, true] {
        let mut desk = Desk::with(|options| options.calculated_moves_modified = moves);
        let (ada, alpha) = (desk.make("contacts", "{}"), desk.make("companies", "{}"));
        desk.now += 5_000;
        tie(&mut desk, ("contacts", &ada), ("companies", &alpha));
        let (_, read) = desk.get(&format!("/crm/v3/objects/companies/{alpha}"));
        assert_eq!(read["updatedAt"] != read["createdAt"], moves);
    }
}

#[test]
fn search_sees_a_computed_value() {
    let mut desk = Desk::with(|options| {
        options.late_properties = true;
        options.index_lag = crate::model::IndexLag::Recorded;
    });
    let (ada, alpha) = (desk.make("contacts", "{}"), desk.make("companies", "{}"));
    tie(&mut desk, ("contacts", &ada), ("companies", &alpha));
    let body = json!({"filterGroups": [{"filters": [
        {"propertyName": "num_associated_contacts", "operator": "EQ", "value": "1"}]}]});
    let total = |desk: &mut Desk| desk.post("/crm/v3/objects/companies/search", &body.to_string()).1["total"].clone();
    assert_eq!(total(&mut desk), 0);
    desk.now += 18_000 + 6_000;
    assert_eq!(total(&mut desk), 1);
}

#[test]
fn deals_move_the_lifecycle_stage_on_where_the_account_says_so() {
    for follows in [false, true] {
        let mut desk = Desk::with(|options| options.lifecycle_follows_deals = follows);
        let (ada, deal) = (desk.make("contacts", "{}"), desk.make("deals", r#"{"dealstage":"contractsent"}"#));
        desk.now += 1_000;
        tie(&mut desk, ("contacts", &ada), ("deals", &deal));
        let stage = |desk: &mut Desk| value(desk, ("contacts", &ada), "lifecyclestage");
        assert_eq!(stage(&mut desk), if follows { "opportunity" } else { "lead" });
        desk.send("PATCH", &format!("/crm/v3/objects/deals/{deal}"), r#"{"properties":{"dealstage":"closedwon"}}"#);
        assert_eq!(stage(&mut desk), if follows { "customer" } else { "lead" });
        desk.send("PATCH", &format!("/crm/v3/objects/deals/{deal}"), r#"{"properties":{"dealstage":"contractsent"}}"#);
        assert_eq!(stage(&mut desk), if follows { "customer" } else { "lead" }, "never back");
    }
}

#[test]
fn every_lifecycle_stage_leaves_the_date_of_its_first_entry() {
    let mut desk = Desk::new();
    let body = r#"{"properties":{"lifecyclestage":"subscriber"}}"#;
    let (_, made) = desk.post("/crm/v3/objects/contacts", body);
    let printed = &made["properties"]["hs_lifecyclestage_subscriber_date"];
    assert_eq!(printed, &json!(NINE.to_string()), "a create prints milliseconds, a read an instant");
    let (_, batch) = desk.post("/crm/v3/objects/contacts/batch/create", &format!("{{\"inputs\":[{body}]}}"));
    assert_eq!(&batch["results"][0]["properties"]["hs_lifecyclestage_subscriber_date"], printed);
    let ada = made["id"].as_str().unwrap().to_owned();
    let target = format!("/crm/v3/objects/contacts/{ada}");
    for stage in ["opportunity", "evangelist"] {
        desk.now += 1_000;
        desk.send("PATCH", &target, &json!({"properties": {"lifecyclestage": stage}}).to_string());
    }
    let at = |millis: i64| json!(crate::model::time::iso(Millis(millis)));
    for (name, expected) in [("subscriber", 0), ("opportunity", 1_000), ("evangelist", 2_000)] {
        let name = format!("hs_lifecyclestage_{name}_date");
        assert_eq!(value(&mut desk, ("contacts", &ada), &name), at(NINE + expected));
    }
    assert_eq!(value(&mut desk, ("contacts", &ada), "hs_lifecyclestage_lead_date"), Value::Null);
    desk.send("PATCH", &target, r#"{"properties":{"lifecyclestage":""}}"#);
    desk.now += 1_000;
    desk.send("PATCH", &target, r#"{"properties":{"lifecyclestage":"opportunity"}}"#);
    assert_eq!(value(&mut desk, ("contacts", &ada), "hs_lifecyclestage_opportunity_date"), at(NINE + 1_000));
}

#[test]
fn a_contact_finds_or_makes_the_company_of_its_domain_where_the_account_says_so() {
    let mut desk = Desk::with(|options| options.contact_creates_company = true);
    let ada = desk.make("contacts", r#"{"email":"ada@acme.test"}"#);
    let bob = desk.make("contacts", r#"{"email":"bob@acme.test"}"#);
    desk.make("contacts", r#"{"email":"eve@gmail.com"}"#);
    let (_, companies) = desk.get(
        "/crm/v3/objects/companies?properties=domain,hs_object_source,hs_object_source_label,num_associated_contacts",
    );
    assert_eq!(companies["results"].as_array().unwrap().len(), 1);
    let company = &companies["results"][0]["properties"];
    assert_eq!((&company["domain"], &company["hs_object_source"]), (&json!("acme.test"), &json!("COMPANIES")));
    assert_eq!(company["hs_object_source_label"], "CRM_SETTING");
    assert_eq!(company["num_associated_contacts"], "2");
    for contact in [&ada, &bob] {
        let own = value(&mut desk, ("contacts", contact), "associatedcompanyid");
        assert_eq!(own, companies["results"][0]["id"]);
    }
    let mut plain = Desk::new();
    plain.make("contacts", r#"{"email":"ada@acme.test"}"#);
    assert!(!plain.portal.record_counts().contains_key("companies"));
}

#[test]
fn seeded_records_have_their_computed_values() {
    let mut desk = Desk::new();
    let spec = crate::model::SeedSpec { contacts: 20, companies: 3, deals: 10, associate: true, ..Default::default() };
    desk.portal.seed(&spec, Millis(desk.now), &mut super::dice(3));
    let (_, companies) = desk.get("/crm/v3/objects/companies?properties=num_associated_contacts");
    let counts = companies["results"].as_array().unwrap().iter();
    let sum: u64 =
        counts.filter_map(|one| one["properties"]["num_associated_contacts"].as_str()?.parse::<u64>().ok()).sum();
    assert_eq!(sum, 20);
}

fn calculation(desk: &mut Desk, formula: &str) -> (u16, Value) {
    let body = json!({"name": "score", "label": "Score", "type": "number", "fieldType": "calculation_equation",
                      "groupName": "dealinformation", "calculationFormula": formula});
    desk.post("/crm/v3/properties/deals", &body.to_string())
}

#[test]
fn a_calculation_property_follows_its_record() {
    let mut desk = Desk::new();
    let before = desk.make("deals", r#"{"amount":"100"}"#);
    let (status, made) = calculation(&mut desk, "if is_present(amount) then hs_arr + 0.4 else 0 endif");
    assert_eq!((status, &made["calculated"]), (201, &json!(true)), "{made}");
    assert_eq!(value(&mut desk, ("deals", &before), "score"), Value::Null, "hs_arr has no value");
    desk.send("PATCH", &format!("/crm/v3/objects/deals/{before}"), r#"{"properties":{"hs_arr":"0"}}"#);
    let exact = "0.40000000000000002220446049250313080847263336181640625";
    assert_eq!(value(&mut desk, ("deals", &before), "score"), exact);
    let after = desk.make("deals", r#"{"hs_arr":"12"}"#);
    assert_eq!(value(&mut desk, ("deals", &after), "score"), "0", "what is only asked for may be missing");
    let (status, refused) = desk.post("/crm/v3/objects/deals", r#"{"properties":{"score":"1"}}"#);
    assert_eq!((status, &refused["errors"][0]["code"]), (400, &json!("READ_ONLY_VALUE")));
}

#[test]
fn a_wrong_formula_is_refused_when_the_property_is_made() {
    let mut desk = Desk::new();
    for (formula, why) in [("1 +", "the formula ends too early"), ("nonsense * 2", "there is no property nonsense")] {
        let (status, refused) = calculation(&mut desk, formula);
        assert_eq!((status, &refused["message"]), (400, &json!(format!("Calculation formula is not valid: {why}"))));
    }
    let bare = json!({"name": "score", "label": "Score", "type": "number", "fieldType": "calculation_equation",
                      "groupName": "dealinformation"});
    assert_eq!(desk.post("/crm/v3/properties/deals", &bare.to_string()).0, 400);
}

#[test]
fn a_calculated_value_comes_seventy_to_a_hundred_and_thirty_seconds_later() {
    let mut desk = Desk::with(|options| options.late_properties = true);
    let old = desk.make("deals", r#"{"amount":"3"}"#);
    calculation(&mut desk, "amount * 2");
    let made = desk.now;
    desk.now = made + 69_999;
    assert_eq!(value(&mut desk, ("deals", &old), "score"), Value::Null);
    desk.now = made + 130_000;
    assert_eq!(value(&mut desk, ("deals", &old), "score"), "6", "records of before are calculated as well");
    desk.send("PATCH", &format!("/crm/v3/objects/deals/{old}"), r#"{"properties":{"amount":"4"}}"#);
    assert_eq!(value(&mut desk, ("deals", &old), "score"), "6");
    desk.now += 130_000;
    assert_eq!(value(&mut desk, ("deals", &old), "score"), "8");
    let (_, read) = desk.get(&format!("/crm/v3/objects/deals/{old}?propertiesWithHistory=score"));
    assert_eq!(read["propertiesWithHistory"]["score"][0]["sourceType"], "CALCULATED");
}

#[test]
fn a_changed_formula_is_calculated_anew() {
    let mut desk = Desk::new();
    let deal = desk.make("deals", r#"{"amount":"3"}"#);
    calculation(&mut desk, "amount * 2");
    assert_eq!(value(&mut desk, ("deals", &deal), "score"), "6");
    let patch = |desk: &mut Desk, formula: &str| {
        desk.send("PATCH", "/crm/v3/properties/deals/score", &json!({"calculationFormula": formula}).to_string())
    };
    assert_eq!(patch(&mut desk, "amount *").0, 400);
    let (status, changed) = patch(&mut desk, "amount * 3");
    assert_eq!((status, &changed["calculationFormula"]), (200, &json!("amount * 3")));
    assert_eq!(value(&mut desk, ("deals", &deal), "score"), "9");
}
