//! Answers of 2025 and 2026 that amp-labs/connectors keeps for its tests. It keeps no requests: what was asked follows
//! from the name of each answer, and the account is prepared so that the answer can be the same.

use linchpin_simulator::{Profile, wire::ApiAnswer};
use serde_json::{Value, json};

use super::{
    compare::{Recorded, Tally},
    desk::Desk,
};

const CONTACTS: &str = "/crm/v3/objects/contacts";

/// An answer by the name of its file, the rules for it, its status, and how it is asked for.
type Case = (&'static str, &'static str, u16, fn(&mut Desk) -> ApiAnswer);

const CASES: &[Case] = &[
    ("batch__create__contacts__success", "amp create", 201, |desk| {
        batch(desk, "create", &[json!({"email": "a@x.test", "firstname": "Ada", "lastname": "Lovelace"})])
    }),
    ("batch__create__contacts__err-conflict", "amp", 409, |desk| {
        desk.make("contacts", &json!({"email": "a@x.test"}));
        batch(desk, "create", &[json!({"email": "a@x.test"})])
    }),
    ("batch__create__contacts__err-partial-success", "amp create", 207, |desk| {
        desk.make("contacts", &json!({"email": "a@x.test"}));
        let input = |trace: &str, email: &str| json!({"objectWriteTraceId": trace, "properties": {"email": email, "firstname": "Ada", "lastname": "L"}});
        let body = json!({"inputs": [input("0", "a@x.test"), input("1", "b@x.test")]});
        desk.send("POST", &format!("{CONTACTS}/batch/create"), &body)
    }),
    ("batch__create__contacts__err-many-invalid-properties", "amp invalid", 400, |desk| {
        let bad = json!({"first000name": "Ada", "last000name": "Lovelace"});
        batch(desk, "create", &[bad.clone(), bad])
    }),
    ("batch__update__contacts__err-many-invalid-properties", "amp invalid", 400, |desk| {
        let id = desk.make("contacts", &json!({}));
        update(desk, &[(&id, json!({"first000name": "Ada", "last000name": "Lovelace"}))])
    }),
    ("batch__update__contacts__err-partial-success", "amp update", 207, |desk| {
        let id = desk.make("contacts", &json!({}));
        let names = json!({"firstname": "Siena (updated)", "lastname": "Dyer (updated)"});
        update(desk, &[(&id, names.clone()), ("unknownIdentifier888", names)])
    }),
    ("batch__update__contacts__success", "amp update", 200, |desk| {
        let id = desk.make("contacts", &json!({}));
        update(desk, &[(&id, json!({"firstname": "Ada", "lastname": "Lovelace"}))])
    }),
    ("batch__update__contacts__err-duplicate-ids", "amp", 400, |desk| {
        update(desk, &[("123456", json!({"city": "a"})), ("123456", json!({"city": "b"}))])
    }),
    ("search__error-invalid-object", "amp", 400, |desk| {
        desk.send("POST", "/crm/v3/objects/butterflies/search", &json!({}))
    }),
    ("search__contacts__1-first-page", "amp", 200, |desk| found(desk, 2, 1, None)),
    ("search__contacts__2-second-page", "amp", 200, |desk| found(desk, 2, 1, Some("1"))),
    ("read-via-search__contacts-response", "amp", 200, |desk| found(desk, 1, 200, None)),
    ("read__objects-api__contacts-response", "amp list", 200, |desk| {
        for n in 0..4 {
            desk.make("contacts", &json!({"email": format!("c{n}@x.test")}));
        }
        desk.send("GET", &format!("{CONTACTS}?limit=3&properties=email,listId,name"), &Value::Null)
    }),
    ("read__objects-api__contacts-batch", "amp", 200, |desk| {
        let person = json!({"email": "a@x.test", "firstname": "Ada", "lastname": "Lovelace"});
        let id = desk.make("contacts", &person);
        desk.send("POST", &format!("{CONTACTS}/batch/read"), &json!({"inputs": [{"id": id}]}))
    }),
    ("search__contacts__contacts-to-companies", "amp", 207, |desk| {
        let (ada, lonely) = (desk.make("contacts", &json!({})), desk.make("contacts", &json!({})));
        let alpha = desk.make("companies", &json!({}));
        let primary = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]);
        let target = format!("/crm/v4/objects/contacts/{ada}/associations/companies/{alpha}");
        desk.prepare("PUT", &target, &primary);
        let body = json!({"inputs": [{"id": ada}, {"id": lonely}]});
        desk.send("POST", "/crm/v4/associations/contacts/companies/batch/read", &body)
    }),
    ("assoc__contact-to-company-resp", "amp", 201, |desk| {
        let (ada, alpha) = (desk.make("contacts", &json!({})), desk.make("companies", &json!({})));
        pairs(desk, "companies", &ada, &[&alpha])
    }),
    ("assoc__err-contact-to-contact", "amp", 207, |desk| {
        let ada = desk.make("contacts", &json!({}));
        pairs(desk, "contacts", &ada, &["unknown_id_123456798", &ada])
    }),
    ("assoc__contacts-schema-resp", "amp schema", 200, |desk| {
        desk.send("GET", "/crm-object-schemas/2026-03/schemas/contacts", &Value::Null)
    }),
    ("post-auth__account-info", "amp", 200, |desk| desk.send("GET", "/account-info/v3/details", &Value::Null)),
    ("metadata-err-schemas-scope", "amp", 403, |desk| {
        desk.token = "narrow";
        desk.send("GET", "/crm/v3/schemas", &Value::Null)
    }),
    ("metadata-deals-external-pipelines", "amp", 200, |desk| desk.send("GET", "/crm/v3/pipelines/deals", &Value::Null)),
    ("metadata-contacts-external-pipelines", "amp pipelines", 200, |desk| {
        desk.send("GET", "/crm/v3/pipelines/contacts", &Value::Null)
    }),
    ("metadata-deals-properties-sampled", "amp definition", 200, |desk| {
        desk.send("GET", "/crm/v3/properties/deals", &Value::Null)
    }),
    ("metadata-contacts-properties-sampled", "amp definition", 200, |desk| {
        desk.send("GET", "/crm/v3/properties/contacts", &Value::Null)
    }),
    ("custom__create__2-response-create-property-group", "amp", 201, group),
    ("custom__update__1-read-property-group", "amp", 200, |desk| {
        group(desk);
        desk.send("GET", &format!("{GROUPS}/{GROUP}"), &Value::Null)
    }),
    ("custom__create__4-response-batch-create-properties", "amp", 201, |desk| {
        group(desk);
        desk.send("POST", "/crm/v3/properties/contacts/batch/create", &json!({"inputs": [age(), interests()]}))
    }),
    ("custom__update__3-response-batch-create-properties", "amp", 207, |desk| {
        group(desk);
        desk.prepare("POST", "/crm/v3/properties/contacts", &age());
        desk.send("POST", "/crm/v3/properties/contacts/batch/create", &json!({"inputs": [age(), interests()]}))
    }),
    ("custom__update__5-response-update-property-age", "amp", 200, |desk| {
        group(desk);
        desk.prepare("POST", "/crm/v3/properties/contacts", &age());
        desk.send("PATCH", "/crm/v3/properties/contacts/age__c", &json!({"description": "How old are you?"}))
    }),
    ("custom__update__7-response-update-property-interests", "amp", 200, |desk| {
        group(desk);
        desk.prepare("POST", "/crm/v3/properties/contacts", &interests());
        desk.send("PATCH", "/crm/v3/properties/contacts/interests__c", &json!({"label": "Interests"}))
    }),
    ("read-lists-1-first-page", "amp list search", 200, first_lists),
    ("read-lists-2-second-page", "amp list search", 200, last_lists),
    ("read__campaigns__1-first-page", "amp empty", 200, |desk| {
        desk.send("GET", "/marketing/v3/campaigns", &Value::Null)
    }),
    ("read__campaigns__2-last-page", "amp empty", 200, |desk| {
        desk.send("GET", "/marketing/v3/campaigns", &Value::Null)
    }),
    ("batch__read__campaigns__ok-200", "amp", 200, |desk| {
        desk.send("POST", "/marketing/v3/campaigns/batch/read", &json!({}))
    }),
    ("batch__read__campaigns__multi-207", "amp", 207, |desk| {
        desk.send("POST", "/marketing/v3/campaigns/batch/read", &json!({}))
    }),
    ("read-via-search__campaigns-response", "amp empty", 200, |desk| {
        desk.send("GET", "/marketing/v3/campaigns", &Value::Null)
    }),
    ("read__campaigns__influenced-contacts", "amp", 200, |desk| {
        desk.send("GET", "/marketing/v3/campaigns/x/reports/contacts", &Value::Null)
    }),
    ("read__campaigns__marketing-email-assets-2-page", "amp", 200, |desk| {
        desk.send("GET", "/marketing/v3/campaigns/x/assets/e", &Value::Null)
    }),
    ("read__marketing-emails__1-first-page", "amp empty", 200, |desk| {
        desk.send("GET", "/marketing/v3/emails", &Value::Null)
    }),
    ("read__marketing-emails__2-last-page", "amp empty", 200, |desk| {
        desk.send("GET", "/marketing/v3/emails", &Value::Null)
    }),
    ("read__marketing-events", "amp empty", 200, |desk| {
        desk.send("GET", "/marketing/v3/marketing-events", &Value::Null)
    }),
    ("read__marketing-forms", "amp empty", 200, |desk| desk.send("GET", "/marketing/v3/forms", &Value::Null)),
    ("read__meeting-links", "amp empty", 200, |desk| {
        desk.send("GET", "/scheduler/v3/meetings/meeting-links", &Value::Null)
    }),
    ("read__events__e_deal_closed", "amp empty", 200, |desk| {
        desk.send("GET", "/events/v3/events?eventType=e", &Value::Null)
    }),
];

const GROUPS: &str = "/crm/v3/properties/contacts/groups";
const GROUP: &str = "integrationcreatedproperties";

fn batch(desk: &mut Desk, verb: &str, properties: &[Value]) -> ApiAnswer {
    let inputs: Vec<Value> = properties.iter().map(|one| json!({ "properties": one })).collect();
    desk.send("POST", &format!("{CONTACTS}/batch/{verb}"), &json!({ "inputs": inputs }))
}

fn update(desk: &mut Desk, inputs: &[(&str, Value)]) -> ApiAnswer {
    let inputs: Vec<Value> =
        inputs.iter().map(|(id, properties)| json!({"id": id, "properties": properties})).collect();
    desk.send("POST", &format!("{CONTACTS}/batch/update"), &json!({ "inputs": inputs }))
}

fn found(desk: &mut Desk, records: usize, limit: usize, after: Option<&str>) -> ApiAnswer {
    for n in 0..records {
        let phone = if n == 0 { json!(null) } else { json!("9199767082") };
        let names = json!({"email": format!("c{n}@x.test"), "firstname": "Ada", "lastname": "L", "phone": phone});
        desk.make("contacts", &names);
    }
    desk.settle();
    let names = ["company", "email", "firstname", "lastname", "phone", "website"];
    let body = json!({"limit": limit.to_string(), "properties": names, "after": after});
    desk.send("POST", &format!("{CONTACTS}/search"), &body)
}

fn pairs(desk: &mut Desk, to_type: &str, from: &str, to: &[&str]) -> ApiAnswer {
    let id = if to_type == "companies" { 279 } else { 449 };
    let types = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": id}]);
    let inputs: Vec<Value> =
        to.iter().map(|to| json!({"from": {"id": from}, "to": {"id": to}, "types": types})).collect();
    desk.send("POST", &format!("/crm/v4/associations/contacts/{to_type}/batch/create"), &json!({ "inputs": inputs }))
}

fn group(desk: &mut Desk) -> ApiAnswer {
    desk.send("POST", GROUPS, &json!({"name": GROUP, "label": "Integration Created Properties"}))
}

fn age() -> Value {
    json!({"name": "age__c", "label": "Age", "groupName": GROUP, "type": "number", "fieldType": "number",
           "description": "How many years.", "formField": true, "dataSensitivity": "non_sensitive"})
}

fn interests() -> Value {
    let choice = |name: &str| json!({"label": name, "value": name, "description": name});
    json!({"name": "interests__c", "label": "Interests", "groupName": GROUP, "type": "enumeration",
           "fieldType": "select", "description": "Topics.", "formField": true, "options": [choice("art"), choice("travel")]})
}

/// Three lists, of which the first has a member.
fn prepare_lists(desk: &mut Desk) {
    let made = desk.make("contacts", &json!({}));
    for (name, object_type, processing) in
        [("Test list", "0-1", "MANUAL"), ("Static companies", "0-2", "SNAPSHOT"), ("Static contacts", "0-1", "MANUAL")]
    {
        let body = json!({"name": name, "objectTypeId": object_type, "processingType": processing});
        desk.prepare("POST", "/crm/v3/lists", &body);
    }
    desk.prepare("PUT", "/crm/v3/lists/1/memberships/add", &json!([made]));
}

fn first_lists(desk: &mut Desk) -> ApiAnswer {
    prepare_lists(desk);
    desk.send("POST", "/crm/v3/lists/search", &json!({"offset": 0, "count": 2}))
}

fn last_lists(desk: &mut Desk) -> ApiAnswer {
    prepare_lists(desk);
    desk.send("POST", "/crm/v3/lists/search", &json!({"offset": 2, "count": 2}))
}

#[test]
fn answers_have_the_shape_of_those_kept_in_2025_and_2026() {
    let Some(folder) = super::folder() else { return };
    let folder = folder.join("amp-labs_connectors");
    let mut tally = Tally::default();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let name = file.trim_end_matches(".json");
        let Some((_, source, status, ask)) = CASES.iter().find(|(of, ..)| *of == name) else {
            assert!(name.contains("payload"), "{name} is not in the table");
            tally.excuse("it is a request");
            continue;
        };
        let body = serde_json::from_str(&std::fs::read_to_string(folder.join(&file)).unwrap()).unwrap();
        let recorded = Recorded { status: *status, headers: None, body };
        let mut desk = Desk::new(Profile::Current);
        let ours = ask(&mut desk);
        tally.compare(source, name, &recorded, &ours);
    }
    tally.finish("amp-labs", 28);
}
