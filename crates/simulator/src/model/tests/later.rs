//! Families that are not built: their lists are empty, their other paths unknown.

use serde_json::{Value, json};

use super::Desk;

#[test]
fn lists_of_families_that_come_later_are_truthfully_empty() {
    let mut desk = Desk::new();
    let results = json!({"results": []});
    let total = json!({"total": 0, "results": []});
    let table: [(&str, &Value); 25] = [
        ("/automation/v4/flows?limit=100", &results),
        ("/automation/2026-09-beta/flows", &results),
        ("/automation/v3/workflows", &json!({"workflows": []})),
        ("/automation/v4/sequences?userId=1", &total),
        ("/account-info/v3/activity/audit-logs", &results),
        ("/account-info/2026-03/activity/login", &results),
        ("/account-info/2025-09/activity/security", &results),
        ("/crm/v3/imports/", &results),
        ("/crm/imports/2026-03", &results),
        ("/marketing/v3/forms", &results),
        ("/forms/v2/forms", &json!([])),
        ("/marketing/v3/marketing-events", &results),
        ("/marketing/marketing-events/2026-03", &results),
        ("/marketing/v3/emails", &total),
        ("/marketing/campaigns/2026-09", &total),
        ("/communication-preferences/v3/definitions", &json!({"subscriptionDefinitions": []})),
        ("/conversations/v3/conversations/threads", &results),
        ("/events/v3/event-definitions", &total),
        ("/events/v3/events?objectType=contact", &results),
        ("/events/event-occurrences/2026-03?eventType=e", &results),
        ("/cms/hubdb/2026-03/tables", &total),
        ("/conversations/custom-channels/2026-03", &total),
        ("/files/v3/files/search", &results),
        ("/cms/v3/blogs/posts", &total),
        ("/scheduler/v3/meetings/meeting-links", &total),
    ];
    for (path, expected) in table {
        assert_eq!(desk.get(path), (200, expected.clone()), "{path}");
    }
    let (_, definitions) = desk.get("/communication-preferences/v4/definitions");
    assert_eq!((&definitions["status"], &definitions["results"]), (&json!("COMPLETE"), &json!([])));
}

#[test]
fn everything_else_of_them_is_an_unknown_path() {
    let mut desk = Desk::new();
    let table = [
        ("POST", "/automation/v4/flows"),
        ("GET", "/automation/v4/flows/17"),
        ("GET", "/automation/2026-03/flows"),
        ("POST", "/crm/v3/imports"),
        ("GET", "/crm/v3/imports/17"),
        ("POST", "/crm/v3/exports/export/async"),
        ("GET", "/crm/v3/exports"),
        ("POST", "/marketing/v3/forms"),
        ("POST", "/integrators/timeline/v3/events"),
    ];
    for (method, path) in table {
        let answer = desk.answer(method, path, "{}");
        assert_eq!(answer.status, 404, "{method} {path}");
        assert!(answer.body.starts_with(b"<html>"), "{method} {path}");
    }
}

#[test]
fn calls_for_developers_refuse_the_token_of_a_private_app() {
    let mut desk = Desk::new();
    for path in
        ["/automation/v4/actions/7007", "/automation/actions/2026-03/7007", "/crm/v3/extensions/calling/7007/settings"]
    {
        let (status, refusal) = desk.get(path);
        assert_eq!((status, &refusal["category"]), (401, &json!("INVALID_AUTHENTICATION")), "{path}");
    }
}

#[test]
fn lists_under_a_condition_say_what_they_miss() {
    let mut desk = Desk::new();
    let (status, refusal) = desk.get("/automation/v4/sequences/");
    assert_eq!((status, &refusal["message"]), (400, &json!("validation error")));
    assert_eq!(refusal["errors"], json!(["query param userId may not be null"]));
    let (status, refusal) = desk.get("/events/v3/events/");
    assert_eq!((status, &refusal["message"]), (400, &json!("Must specify an eventType or objectType")));
    assert_eq!(refusal["category"], "VALIDATION_ERROR");
}

#[test]
fn ids_that_cannot_be_are_refused_even_there() {
    let mut desk = Desk::new();
    let (status, refusal) = desk.get("/crm/v3/imports/0");
    assert_eq!((status, &refusal["message"]), (400, &json!("importId must be positive.")));
    assert_eq!(refusal["context"]["importId"], json!(["0"]));
    let (status, refusal) = desk.get("/automation/v3/workflows/abc");
    assert_eq!((status, &refusal["message"]), (400, &json!("Unable to parse value for path parameter: workflowId")));
}
