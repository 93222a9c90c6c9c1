//! Which ends make a dead letter, and what is said about it.

use bytes::Bytes;

use super::*;
use crate::gateway::operation::{Came, Event, Progress, Request, State, WriteId};
use crate::schedule::lanes::Lane;
use crate::time::Wall;

pub(crate) fn write(method: &str, target: &str) -> Write {
    Write {
        id: WriteId("1".to_owned()),
        caller: "billing".to_owned(),
        key: None,
        digest: [1; 32],
        acknowledged: true,
        request: Request {
            lane: Lane::Bulk,
            deadline_ms: None,
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Bytes::from_static(br#"{"properties":{"email":"ana@nowhere"}}"#),
        },
        accepted: Wall(0),
        state: State::Sent,
        progress: Progress { tries: 3, ..Progress::default() },
        dead: None,
    }
}

fn create() -> Write {
    write("POST", "/crm/v3/objects/contacts")
}

fn answered(status: u16, body: &str) -> End {
    End::Answered(Kept::of(status, Vec::new(), Bytes::from(body.to_owned())))
}

const REFUSAL: &str = r#"{"status":"error","message":"Property values were not valid: [{\"isValid\":false,\"message\":\"Email address ana@nowhere is invalid\",\"error\":\"INVALID_EMAIL\",\"name\":\"email\"}]","correlationId":"c-1","category":"VALIDATION_ERROR","errors":[{"message":"Email address ana@nowhere is invalid","code":"INVALID_EMAIL","context":{"propertyName":["email"]}}]}"#;

#[test]
fn only_an_end_with_all_done_is_a_success() {
    let partly = r#"{"status":"COMPLETE","results":[{"id":"1"}],"numErrors":1,"errors":[{"status":"error"}]}"#;
    for (end, success) in [
        (answered(200, "{}"), true),
        (answered(201, "{}"), true),
        (answered(204, ""), true),
        (answered(207, r#"{"results":[]}"#), true),
        (answered(207, partly), false),
        (answered(400, REFUSAL), false),
        (answered(503, "<html>"), false),
        (End::Unknown, false),
        (End::GivenUp { code: "LP3011".to_owned() }, false),
    ] {
        assert_eq!(is_success(&end), success, "{end:?}");
    }
}

#[test]
fn a_refused_value_is_told_by_its_field_without_the_value() {
    let why = reason(&create(), &answered(400, REFUSAL));
    assert_eq!(
        why.what,
        "HubSpot refused to create a record in contacts: `email` has a value that is no e-mail address."
    );
    assert_eq!(
        (why.to_do.as_str(), &why.fields),
        ("Correct `email` in the body, then replay.", &vec!["email".to_owned()])
    );
    let End::Answered(kept) = answered(400, REFUSAL) else { panic!("it is an answer") };
    assert!(said(&kept).unwrap().contains("ana@nowhere"));
    assert_eq!(correlation(&kept).as_deref(), Some("c-1"));
}

#[test]
fn every_reason_says_what_happened_and_what_to_do_and_holds_no_value() {
    let update = || write("PATCH", "/crm/v3/objects/contacts/ana@nowhere?idProperty=email");
    let taken = r#"{"message":"Contact already exists. Existing ID: 901","category":"CONFLICT"}"#;
    let scopes = r#"{"category":"MISSING_SCOPES","errors":[{"message":"m","context":{"requiredGranularScopes":["crm.objects.contacts.write"]}}]}"#;
    let mut broken = create();
    broken.request.body = Bytes::from_static(b"{\"properties\": ana@nowhere}");
    for (write, end, part) in [
        (
            update(),
            answered(404, r#"{"message":"resource not found"}"#),
            "update a record in contacts and found nothing",
        ),
        (create(), answered(409, taken), "record 901 has the same unique value"),
        (create(), answered(403, scopes), "`crm.objects.contacts.write`"),
        (create(), answered(401, "{}"), "does not accept the token"),
        (update(), answered(503, ""), "in 3 tries, and said last (503)"),
        (update(), answered(429, ""), "a limit of calls"),
        (broken, answered(400, "{}"), "the body is no JSON (line 1, column 16)"),
        (create(), answered(400, r#"{"category":"VALIDATION_ERROR","message":"ana@nowhere"}"#), "names no field"),
        (create(), answered(418, r#"{"category":"TEA","message":"ana@nowhere"}"#), "answered 418 TEA"),
        (create(), End::Unknown, "nobody knows whether it did: Linchpin ended"),
        (create(), End::GivenUp { code: "LP3011".to_owned() }, "could not be reached (LP3011), in 3 tries"),
        (
            write("POST", "/crm/v3/objects/contacts/batch/create"),
            answered(207, r#"{"results":[{}],"errors":[{},{}]}"#),
            "1 done, 2 refused",
        ),
    ] {
        let why = reason(&write, &end);
        assert!(why.what.contains(part), "{part}: {}", why.what);
        assert!(!why.what.contains("ana@") && !why.to_do.contains("ana@"), "{why:?}");
        assert!(why.what.ends_with('.') && why.to_do.ends_with(['.', ')']), "{why:?}");
    }
}

#[test]
fn what_cannot_be_a_name_of_a_property_is_not_shown_as_one() {
    let body = r#"{"message":"m","category":"VALIDATION_ERROR","errors":[{"message":"m","code":"PROPERTY_DOESNT_EXIST","context":{"propertyName":["ana@nowhere"]}}]}"#;
    let why = reason(&create(), &answered(400, body));
    assert!(why.what.ends_with("`(a name that no property has)` is no property of this object type."), "{why:?}");
    assert!(!format!("{why:?}").contains("ana@"), "{why:?}");
}

#[test]
fn an_unknown_end_tells_the_cause_of_the_last_try() {
    let mut write = create();
    let note = "the connection ended early".to_owned();
    write.progress.push(Event::Tried { at: Wall(1), came: Came { note, ..Came::default() } });
    assert!(reason(&write, &End::Unknown).what.contains("nobody knows whether it did: the connection ended early."));
}

#[test]
fn a_replay_is_guarded_where_it_could_do_something_twice() {
    let batch = || write("POST", "/crm/v3/objects/contacts/batch/create");
    let partly = || answered(207, r#"{"results":[{}],"errors":[{}]}"#);
    let mut edited = batch();
    edited.progress.push(Event::Edited { at: Wall(1), bytes_before: 1, bytes_after: 2 });
    let mut edited_unknown = create();
    edited_unknown.progress.push(Event::Edited { at: Wall(1), bytes_before: 1, bytes_after: 2 });
    for (write, end, expected) in [
        (create(), End::Unknown, Some(Guard::MayExist)),
        (edited_unknown, End::Unknown, Some(Guard::MayExist)),
        (write("PATCH", "/crm/v3/objects/contacts/1"), End::Unknown, None),
        (batch(), partly(), Some(Guard::PartlyDone)),
        (edited, partly(), None),
        (create(), answered(400, REFUSAL), None),
        (create(), End::GivenUp { code: "LP3011".to_owned() }, None),
    ] {
        assert_eq!(guard(&write, &end), expected, "{end:?}");
    }
}

#[test]
fn what_may_be_a_secret_is_not_kept_and_not_shown() {
    let names = ["content-type", "Authorization", "x-api-key", "x-auth-token", "Cookie", "x-source"];
    let headers = names.map(|name| (name.to_owned(), b"v".to_vec())).to_vec();
    let kept: Vec<String> = without_secrets(headers).into_iter().map(|(name, _)| name).collect();
    assert_eq!(kept, ["content-type", "x-source"]);
    assert_eq!(shown_target("/a?hapikey=1&b=2&access_token=3"), "/a?hapikey=...&b=2&access_token=...");
    assert_eq!(shown_target("/a"), "/a");
}
