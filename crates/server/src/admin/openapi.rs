//! The description of the admin interface (OpenAPI 3.1), made from its pages and shapes.
//!
//! `docs/openapi.json` is this text, kept fresh by `cargo xtask generate`.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::shapes::{Breakers, Callers, Counters, Journals, Lanes, Operation, Operations, Portals, Problem, Usage};
use super::{BASE, Entry, PAGES, Page, dead_letters};

/// The description.
pub fn document() -> Value {
    let mut paths: Map<String, Value> =
        PAGES.iter().map(|entry| (format!("{BASE}{}", entry.path), path(entry))).collect();
    paths.insert(format!("{BASE}/operations/{{id}}"), operation());
    paths.extend(dead_letters::paths());
    paths.extend(super::openapi_telling::paths());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Linchpin's admin interface",
            "description": "What the gateway does. It changes nothing but dead letters, takes orders about subscribers, and \
                            opens to the key of `gateway.admin.key` alone; an operation also to the caller that asked \
                            for it.",
            "version": "1",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}
        },
        "security": [{"adminKey": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "adminKey": {"type": "http", "scheme": "bearer"},
                "callerKey": {"type": "http", "scheme": "bearer"}
            },
            "schemas": schemas(),
        }
    })
}

pub(super) fn problem(description: &str) -> Value {
    let content = json!({"application/problem+json": {"schema": reference("Problem")}});
    json!({"description": description, "content": content})
}

/// One operation: the only path that callers may ask, for their own.
fn operation() -> Value {
    let summary = "A write that was promised, with HubSpot's answer once it is done.";
    let content = json!({"application/json": {"schema": reference("Operation")}});
    json!({"get": {
        "operationId": "operation",
        "summary": summary,
        "security": [{"adminKey": []}, {"callerKey": []}],
        "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
        "responses": {
            "200": {"description": summary, "content": content},
            "401": problem("The credential is nobody's (LP5310)."),
            "404": problem("There is no such operation of this caller (LP5308)."),
            "503": problem("The store cannot be read (LP5309)."),
        },
    }})
}

fn path(entry: &Entry) -> Value {
    let id = entry.path.trim_start_matches('/').trim_end_matches(".json");
    if entry.page == Page::Description {
        let content = json!({"application/json": {"schema": {"type": "object"}}});
        return json!({"get": {
            "operationId": id,
            "summary": entry.summary,
            "security": [],
            "responses": {"200": {"description": "The description.", "content": content}},
        }});
    }
    let content = json!({"application/json": {"schema": reference(entry.shape)}});
    json!({"get": {
        "operationId": id,
        "summary": entry.summary,
        "responses": {
            "200": {"description": entry.summary, "content": content},
            "401": problem("No key was shown (LP5202)."),
            "403": problem("The credential is not the admin key (LP5202)."),
            "404": problem("No admin key is configured (LP5201)."),
            "503": problem("The gateway is stopping (LP5205)."),
        },
    }})
}

pub(super) fn reference(shape: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{shape}")})
}

/// Every shape, by name. OpenAPI 3.1 speaks JSON Schema of 2020-12, so they stand there as they are.
fn schemas() -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.meta_schema = None;
        settings.definitions_path = "/components/schemas".into();
    });
    let mut generator = settings.into_generator();
    generator.subschema_for::<Portals>();
    generator.subschema_for::<Callers>();
    generator.subschema_for::<Lanes>();
    generator.subschema_for::<Counters>();
    generator.subschema_for::<Breakers>();
    generator.subschema_for::<Journals>();
    generator.subschema_for::<Usage>();
    generator.subschema_for::<Operations>();
    generator.subschema_for::<Operation>();
    generator.subschema_for::<Problem>();
    dead_letters::shapes(&mut generator);
    super::openapi_telling::shapes(&mut generator);
    generator.take_definitions(true)
}

#[cfg(test)]
mod tests {
    use linchpin_core::gateway::account::Tally;
    use linchpin_core::gateway::usage::{Kind, Usage as Account};
    use linchpin_core::schedule::Snapshot;
    use linchpin_core::schedule::breaker::State as Breaker;
    use linchpin_core::schedule::budget::{DayScope, Scope};
    use linchpin_core::schedule::caller::Share;
    use linchpin_core::schedule::lanes::{Lane, PerLane};
    use linchpin_core::schedule::{DaySnapshot, WindowSnapshot};
    use linchpin_core::time::{Mono, Wall};
    use linchpin_engine::gateway::Saved;
    use linchpin_engine::ingress::Counts;
    use linchpin_engine::journal::{Report, State as Reading};
    use linchpin_hubspot::answer::Answer;
    use linchpin_hubspot::call::Family;
    use linchpin_hubspot::id::{AppId, Install, PortalId};
    use linchpin_ports::event_log::Accepted;
    use linchpin_ports::journal::{Compared, Gap};

    use super::super::{Admin, State, problem};
    use super::*;
    use crate::callers::CallerAccount;

    const INSTALL: Install = Install { portal: PortalId(48), app: AppId(7) };

    fn billing() -> CallerAccount {
        CallerAccount {
            name: "billing".to_owned(),
            lane: Lane::Bulk,
            share: Share::MAX,
            daily_quota: Some(500),
            used_today: 10,
            tally: Tally::default(),
        }
    }

    fn state(caller: &CallerAccount) -> State {
        let mut usage = Account::default();
        let kind = |caller: &str| Kind { caller: caller.to_owned(), route: "object_read contacts".to_owned() };
        let row = usage.row(&kind("gateway:billing"));
        (row.calls, row.needed, row.joined) = (10, 3, 7);
        row.alone.insert("defaults", 2);
        usage.row(&kind("gateway:gone")).calls += 1;
        let waiting = PerLane::new([1, 0, 5, 0]);
        let snapshot = Snapshot {
            windows: vec![WindowSnapshot { scope: Scope::Burst(INSTALL), used: 12, limit: 190, waiting }],
            days: vec![DaySnapshot {
                scope: DayScope::Account(INSTALL.portal),
                used: 9,
                limit: 100,
                ends: Some(Wall(5)),
            }],
            breakers: vec![((INSTALL, Family::Search), Breaker::Open { until: Mono(3_000_000) })],
            ..Snapshot::default()
        };
        State {
            install: INSTALL,
            snapshot,
            saved: Saved { asked: 11, lanes: PerLane::new([4, 0, 7, 0]), ..Saved::default() },
            usage,
            shadow: true,
            callers: vec![caller.clone()],
            refused: [("deadline", 2)].into(),
            webhooks: Counts::default(),
            echoes: [("billing".to_owned(), 4)].into(),
            journals: vec![Report {
                app: INSTALL.app,
                state: Reading::NoAccess,
                code: Some("LP6201"),
                read_until: Some(Wall(7)),
                files: 1,
                skipped: 0,
                events: Accepted::default(),
                not_understood: 0,
                compared: Compared::default(),
                gaps: 1,
                last_gap: Some(Gap { from: Wall(1), until: Wall(2) }),
            }],
            follow: linchpin_engine::follow::Counts::default(),
            operations: linchpin_engine::gateway::operations::Counts::default(),
            dead_letters: Some(0),
            telling: crate::telling::Figures::default(),
            now: Mono(1_000_000),
        }
    }

    fn body(answer: &Answer) -> Value {
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Demands that a value has a shape of the description.
    fn demand(shape: &str, value: &Value) {
        let mut schema = reference(shape);
        schema["components"] = document()["components"].clone();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        if let Err(error) = validator.validate(value) {
            panic!("{shape}: {error} at {}: {value}", error.instance_path());
        }
    }

    #[test]
    fn every_answer_has_the_shape_that_the_description_says() {
        let caller = billing();
        let admin = Admin::new(&"admin-key".into(), Some(vec!["tickets".to_owned()]));
        for entry in PAGES.iter().filter(|entry| entry.page != Page::Description) {
            let answer = admin.answer(entry.page, Some(&state(&caller)));
            assert_eq!(answer.status, 200);
            demand(entry.shape, &body(&answer));
            assert_eq!(admin.answer(entry.page, None).status, 503);
        }
        for code in ["LP5201", "LP5202", "LP5203", "LP5204", "LP5205", "LP5304", "LP5311", "LP5312", "LP5313", "LP5314"]
        {
            demand("Problem", &body(&problem(&Problem::new(404, code, "why".to_owned()))));
        }
    }

    #[test]
    fn a_value_of_another_shape_is_noticed() {
        let schema = document()["components"]["schemas"]["Lane"].clone();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        assert!(validator.is_valid(&json!({"lane": "bulk", "weight": 4, "calls": 0, "waiting": 0})));
        assert!(!validator.is_valid(&json!({"lane": "bulk", "weight": 4, "calls": 0})));
        assert!(!validator.is_valid(&json!({"lane": "bulk", "weight": "4", "calls": 0, "waiting": 0})));
    }

    #[test]
    fn answers_say_what_is() {
        let caller = billing();
        let admin = Admin::new(&"admin-key".into(), Some(vec!["tickets".to_owned()]));
        let page = |page| body(&admin.answer(page, Some(&state(&caller))));
        let portals = page(Page::Portals);
        assert_eq!(portals["portals"][0]["windows"][0]["waiting"]["bulk"], 5);
        assert_eq!(portals["portals"][0]["days"][0]["ends_ms"], 5);
        let callers = page(Page::Callers);
        assert_eq!(
            (&callers["callers"][0]["name"], &callers["callers"][0]["lane"]),
            (&json!("billing"), &json!("bulk"))
        );
        assert_eq!(
            (&callers["callers"][0]["daily_quota"], &callers["callers"][0]["used_today"]),
            (&json!(500), &json!(10))
        );
        assert_eq!((&callers["callers"][0]["share"], &callers["callers"][1]["share"]), (&json!(100), &Value::Null));
        assert_eq!((&callers["callers"][0]["echoes"], &callers["callers"][1]["echoes"]), (&json!(4), &json!(0)));
        assert_eq!((&callers["callers"][1]["name"], &callers["callers"][1]["lane"]), (&json!("gone"), &Value::Null));
        let breakers = page(Page::Breakers);
        let all = breakers["breakers"].as_array().unwrap();
        let of = |family: &str| all.iter().find(|breaker| breaker["family"] == family).unwrap();
        assert_eq!((&of("search")["state"], &of("search")["opens_in_ms"]), (&json!("open"), &json!(2_000)));
        assert_eq!((&of("objects")["state"], all.len()), (&json!("closed"), 11));
        let usage = page(Page::Usage);
        assert_eq!((&usage["shadow"], &usage["total"]["saved"]), (&json!(true), &json!(7)));
        assert_eq!(usage["scopes"]["unused"], json!(["tickets"]));
        assert_eq!(page(Page::Counters)["refused"], json!({"deadline": 2}));
        assert_eq!(page(Page::Lanes)["lanes"][2]["waiting"], 5);
        let journals = page(Page::Journals);
        assert_eq!(journals["journals"][0]["state"], "no_access");
        assert_eq!(journals["journals"][0]["last_gap"], json!({"from_ms": 1, "until_ms": 2}));
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let text = document.to_string();
        let mut found = 0;
        for part in text.split(r##""$ref":"#"##).skip(1) {
            let pointer = part.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
            found += 1;
        }
        assert!(found >= 20, "only {found} references");
    }
}
