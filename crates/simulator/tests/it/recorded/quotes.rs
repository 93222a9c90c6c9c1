//! Bodies of refusals that issues and logs quote, and the answers of a live probe, whose report cut them short.

use linchpin_simulator::{Profile, wire::ApiAnswer};
use serde_json::{Value, json};

use super::{
    compare::{Recorded, Tally},
    desk::Desk,
};

const CONTACTS: &str = "/crm/v3/objects/contacts";

/// How a quoted refusal is asked for: its status and the beginning of what it was about, then the call.
type Case = (u16, &'static str, Profile, fn(&mut Desk) -> ApiAnswer);

const NOW: Profile = Profile::Current;

const CASES: &[Case] = &[
    (409, "POST /crm/v3/objects/contacts", NOW, |desk| {
        desk.make("contacts", &json!({"email": "a@x.test"}));
        desk.send("POST", CONTACTS, &json!({"properties": {"email": "a@x.test"}}))
    }),
    (409, "POST /crm/v3/objects/contacts/batch/create", NOW, |desk| {
        desk.make("contacts", &json!({"email": "a@x.test"}));
        desk.send(
            "POST",
            &format!("{CONTACTS}/batch/create"),
            &json!({"inputs": [{"properties": {"email": "a@x.test"}}]}),
        )
    }),
    (400, "batch/* with >100", NOW, |desk| {
        desk.send("POST", &format!("{CONTACTS}/batch/read"), &inputs(101, &json!([])))
    }),
    (400, "batch/read with propertiesWithHistory", NOW, |desk| {
        desk.send("POST", &format!("{CONTACTS}/batch/read"), &inputs(51, &json!(["email"])))
    }),
    (500, "search", NOW, |desk| {
        desk.arm(&json!({"fault": {"kind": "rate_limit", "policy": "secondly", "as_500": true}}));
        desk.send("POST", &format!("{CONTACTS}/search"), &json!({}))
    }),
    (429, "any (private app)", NOW, |desk| limited(desk, "ten_secondly")),
    (429, "any", NOW, |desk| limited(desk, "ten_secondly")),
    (401, "any, no credential", NOW, |desk| {
        desk.token = "";
        list(desk)
    }),
    (401, "any, credential that is not a token", NOW, |desk| {
        desk.token = "nonsense";
        list(desk)
    }),
    (401, "any", NOW, |desk| {
        desk.token = "nonsense";
        list(desk)
    }),
    (403, "any", NOW, |desk| {
        desk.token = "narrow";
        list(desk)
    }),
    (404, "GET /crm/v3/objects/{type}", NOW, |desk| desk.send("GET", &format!("{CONTACTS}/0"), &Value::Null)),
    (404, "PATCH /crm/v3/objects/contacts/{email}", NOW, |desk| {
        desk.send("PATCH", &format!("{CONTACTS}/a@x.test?idProperty=email"), &json!({"properties": {"city": "x"}}))
    }),
    (400, "PATCH with {}", NOW, |desk| {
        let id = desk.make("contacts", &json!({}));
        desk.send("PATCH", &format!("{CONTACTS}/{id}"), &json!({}))
    }),
    (400, "POST /crm/v3/objects/calls", NOW, |desk| desk.send("POST", "/crm/v3/objects/calls", &json!({}))),
    (400, "POST merge", NOW, |desk| desk.send("POST", &format!("{CONTACTS}/merge"), &json!({}))),
    (400, "unknown property on create", NOW, |desk| create(desk, "contacts", &json!({"x": "1"}))),
    (400, "unknown dealstage", NOW, |desk| create(desk, "deals", &json!({"dealstage": "registered"}))),
    (400, "invalid enum", NOW, |desk| create(desk, "contacts", &json!({"hs_lead_status": "NAM Only"}))),
    (400, "invalid email", NOW, |desk| create(desk, "contacts", &json!({"email": "dsfsafas@"}))),
    (400, "unknown object type", NOW, |desk| desk.send("GET", "/crm/v3/objects/butterflies", &Value::Null)),
    (400, "body cannot be parsed", NOW, |desk| search(desk, &json!({"filterGroups": [{"filters": [{}]}]}))),
    (400, "search BETWEEN", NOW, |desk| {
        search(desk, &json!({"filters": [{"propertyName": "city", "operator": "BETWEEN", "value": "1"}]}))
    }),
    (400, "search, filterGroups not a list", NOW, |desk| search(desk, &json!({"filterGroups": {}}))),
    (400, "search (many causes", NOW, |desk| search(desk, &json!({"limit": 201}))),
    (414, "GET list", NOW, |desk| {
        desk.send("GET", &format!("{CONTACTS}?properties={}", "a,".repeat(10_000)), &Value::Null)
    }),
    (524, "any", NOW, |desk| {
        desk.arm(&json!({"fault": {"kind": "status", "status": 524}}));
        list(desk)
    }),
    (437, "POST association label", NOW, |desk| {
        let labels = "/crm/v4/associations/contacts/companies/labels";
        let label = |n: usize| json!({"name": format!("l{n}"), "label": format!("L{n}")});
        for n in 0..50 {
            desk.prepare("POST", labels, &label(n));
        }
        desk.send("POST", labels, &label(50))
    }),
    (404, "GET /contacts/v1", NOW, |desk| {
        desk.send("GET", "/contacts/v1/contact/email/someone@example.com/profile", &Value::Null)
    }),
    (400, "POST /contacts/v1", NOW, |desk| {
        let body = json!({"properties": [{"property": "closedate", "value": "asd000"}]});
        desk.send("POST", "/contacts/v1/contact/createOrUpdate/email/a@x.test", &body)
    }),
    (409, "POST /contacts/v1", NOW, |desk| desk.send("POST", "/contacts/v1/contact", &json!({"properties": []}))),
    (500, "GET /cms", NOW, |desk| desk.send("GET", "/cms/v3/blogs/posts/0", &Value::Null)),
];

fn inputs(count: usize, histories: &Value) -> Value {
    let inputs: Vec<Value> = (1..=count).map(|id| json!({"id": id.to_string()})).collect();
    json!({"inputs": inputs, "propertiesWithHistory": histories})
}

fn list(desk: &mut Desk) -> ApiAnswer {
    desk.send("GET", CONTACTS, &Value::Null)
}

fn search(desk: &mut Desk, body: &Value) -> ApiAnswer {
    desk.send("POST", &format!("{CONTACTS}/search"), body)
}

fn create(desk: &mut Desk, object_type: &str, properties: &Value) -> ApiAnswer {
    desk.send("POST", &format!("/crm/v3/objects/{object_type}"), &json!({ "properties": properties }))
}

fn limited(desk: &mut Desk, policy: &str) -> ApiAnswer {
    desk.arm(&json!({"fault": {"kind": "rate_limit", "policy": policy}}));
    list(desk)
}

/// The call of a quotation; the limit, the profile and the age of an account decide about some that read alike.
fn asked(status: u16, about: &str, body: &Value) -> Option<ApiAnswer> {
    let message = body["message"].as_str().unwrap_or_default();
    let mut desk = Desk::new(if body["category"] == "RATE_LIMITS" { Profile::Recorded2022 } else { NOW });
    match (status, message) {
        (429, text) if text.contains("secondly limit") && about == "search" => {
            desk.arm(&json!({"fault": {"kind": "rate_limit", "policy": "secondly"}}));
            return Some(search(&mut desk, &json!({})));
        }
        (429, text) if text.contains("daily") => return Some(limited(&mut desk, "daily")),
        _ => {}
    }
    let (.., profile, ask) = CASES
        .iter()
        .filter(|(of, start, ..)| *of == status && about.starts_with(start))
        .max_by_key(|(_, start, ..)| start.len())?;
    let mut desk = if *profile == NOW { desk } else { Desk::new(*profile) };
    Some(ask(&mut desk))
}

#[test]
fn refusals_have_the_shape_of_those_quoted_in_public() {
    let Some(text) = super::text("error_bodies.json") else { return };
    let quotes: Vec<Value> = serde_json::from_str(&text).unwrap();
    let mut tally = Tally::default();
    for quote in quotes {
        let status = u16::try_from(quote["status"].as_u64().unwrap()).unwrap();
        let about = quote["op"].as_str().unwrap();
        let mut body = quote["body"].clone();
        if body["policyName"] == "SECONDLY" {
            tally.excuse("a limit of 2018 that is gone");
            continue;
        }
        if about.starts_with("oauth") {
            tally.excuse("held by the tests of OAuth");
            continue;
        }
        if let Some(entries) = body.as_object_mut() {
            // What the report cut or marked as a remark is not there to be compared.
            entries.retain(|key, value| !key.starts_with('_') && *value != "(cut)");
        }
        let is_cut = quote["body"].get("_rest").is_some() || quote["body"]["context"] == "(cut)";
        let Some(ours) = asked(status, about, &body) else { panic!("{status} {about} is not in the table") };
        if body.is_string() {
            assert_eq!(ours.status, status, "{about}");
            let text = String::from_utf8_lossy(&ours.body).into_owned();
            assert!(text.contains(&format!("{status} ")) && text.starts_with("<html>"), "{text}");
            body = Value::Null;
        }
        let source =
            if is_cut || quote["quality"].as_str().unwrap().contains("cut") { "quoted in part" } else { "quoted" };
        tally.compare(source, &format!("{status} {about}"), &Recorded { status, headers: None, body }, &ours);
    }
    tally.finish("quoted bodies", 25);
}

/// The message that a cut body begins with.
fn message_of(cut: &str) -> Option<&str> {
    let start = cut.split_once("\"message\":\"")?.1;
    Some(start.split_once("\",").map_or(start, |(message, _)| message))
}

/// Reads `/crm/v3/objects/calls/{id} {}`: the path with its placeholders filled in, and the body.
fn filled(desk: &mut Desk, path: &str) -> (String, Value) {
    // The probe says of one path that it was misspelt, and not how.
    if path.starts_with("/crm/v3/limits/custom-properties style misspelt") {
        return ("/crm/v3/limits/custom-property".to_owned(), Value::Null);
    }
    let (path, body) = path.split_once(' ').unwrap_or((path, ""));
    let call = desk.make("calls", &json!({"hs_timestamp": "2026-01-01T00:00:00Z"}));
    let path = path
        .replace("/crm/v3/objects/calls/{id}", &format!("/crm/v3/objects/calls/{call}"))
        .replace("{type}", "contacts")
        .replace("{a}/{b}", "contacts/companies")
        .replace("{x}", "nobody")
        .replace("{appId}", "7")
        .replace("{id}", "1");
    let body = match body {
        "" => Value::Null,
        "{properties:{name}}" => json!({"properties": {"name": "x"}}),
        _ => json!({}),
    };
    (path, body)
}

#[test]
fn a_live_probe_of_2026_gets_the_answers_that_it_got() {
    let Some(text) = super::text("hscli_live_probe_2026-04.json") else { return };
    let probe: Value = serde_json::from_str(&text).unwrap();
    let (mut compared, mut unserved) = (0, Vec::new());
    for entry in probe["read"].as_array().unwrap().iter().chain(probe["write"].as_array().unwrap()) {
        let field = |place: usize| entry[place].as_str().unwrap_or_default();
        let (method, status) = (field(0), u16::try_from(entry[2].as_u64().unwrap()).unwrap());
        let mut desk = Desk::new(Profile::Current);
        let (path, body) = filled(&mut desk, field(1));
        desk.settle();
        if status == 429 {
            for _ in 0..5 {
                search(&mut desk, &json!({}));
            }
        }
        let ours = desk.send(method, &path, &body);
        let text = String::from_utf8_lossy(&ours.body).into_owned();
        let is_page = text.starts_with("<html>") || text.starts_with("<!DOCTYPE");
        let told = field(3);
        let told_a_page = told.contains("HTML page") || told.contains("Jetty");
        let unknown_type = text.contains("Unable to infer object type");
        if (is_page && !(told_a_page && ours.status == status)) || (unknown_type && !told.contains("Unable to infer")) {
            unserved.push(format!("{method} {path}"));
            continue;
        }
        assert_eq!((ours.status, is_page), (status, told_a_page), "{method} {path}: {text}");
        let message = message_of(told)
            .or_else(|| (!told.starts_with('{') && !told.starts_with("same body") && !told_a_page).then_some(told));
        if let Some(message) = message {
            let known = message.split("...").next().unwrap().split(" (").next().unwrap().trim_end();
            let ours: Value = serde_json::from_slice(&ours.body).unwrap();
            let message = ours["message"].as_str().unwrap().to_owned();
            assert!(message.starts_with(&known.replace("\\\"", "\"")), "{method} {path}: {message} is not {known}");
        }
        compared += 1;
    }
    println!("figure: live probe: compared = {compared}, not served = {}", unserved.len());
    println!("  {}", unserved.join(", "));
    assert!(compared >= 10, "only {compared} were compared");
}
