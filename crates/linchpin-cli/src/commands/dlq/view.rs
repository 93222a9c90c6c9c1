//! Dead letters as people read them.

use std::fmt::Write as _;

use jiff::Timestamp;
use linchpin_server::admin::dead_letters::{DeadLetter, DeadLetterDetail, DeadLetters, HistoryEvent, ReplayedLetters};

use crate::number::{count, counted};

/// The list as text.
pub(super) fn list(letters: &DeadLetters) -> String {
    if letters.dead_letters.is_empty() {
        let all =
            if letters.total == 0 { String::new() } else { format!(" that fits; {} in all", count(letters.total)) };
        return format!("No dead letter{all}.\n");
    }
    let mut text = String::new();
    for letter in &letters.dead_letters {
        push(&mut text, &head(letter));
        push(&mut text, &format!("    {}", letter.reason));
        push(&mut text, &format!("    {}", letter.to_do));
    }
    let shown = letters.dead_letters.len() as u64;
    push(&mut text, &format!("\n{} of {}.", count(shown), counted(letters.total, "dead letter")));
    push(&mut text, "Next: linchpin dlq show, edit, replay or drop, with an id.");
    if let Some(next) = letters.next {
        push(&mut text, &format!("More: --before {next}"));
    }
    text
}

fn push(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a string does not fail");
}

fn moment(ms: i64) -> String {
    Timestamp::from_millisecond(ms)
        .map_or_else(|_| ms.to_string(), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

fn head(letter: &DeadLetter) -> String {
    let status = letter.status.map(|status| format!(" {status}")).unwrap_or_default();
    let code = letter.code.as_ref().map(|code| format!(" {code}")).unwrap_or_default();
    let DeadLetter { id, outcome, caller, route, .. } = letter;
    let edited = if letter.edited { ", edited" } else { "" };
    format!("{id}  {outcome}{status}{code}{edited}  {caller}  {route}  {}", moment(letter.ended_ms))
}

/// One, with all that is known of it.
pub(super) fn detail(detail: &DeadLetterDetail) -> String {
    let DeadLetterDetail { letter, said, request, first_body, answer, history } = detail;
    let mut text = format!("{}\n\n", head(letter));
    push(&mut text, &format!("What happened   {}", letter.reason));
    if let Some(said) = said {
        push(&mut text, &format!("HubSpot says    {said}"));
    }
    push(&mut text, &format!("What to do      {}", letter.to_do));
    push(
        &mut text,
        &format!("Accepted        {}, tried {}", moment(letter.accepted_ms), counted(letter.tries.into(), "time")),
    );
    push(&mut text, &format!("\nRequest: {} {}", request.method, request.target));
    for (name, value) in &request.headers {
        push(&mut text, &format!("  {name}: {value}"));
    }
    push(&mut text, &format!("{:#}", request.body));
    if let Some(first) = first_body {
        push(&mut text, &format!("\nThe body that was promised:\n{first:#}"));
    }
    if let Some(answer) = answer {
        let id = answer.correlation_id.as_ref().map(|id| format!(", correlation id {id}")).unwrap_or_default();
        push(&mut text, &format!("\nAnswer: {}{id}", answer.status));
        match &answer.body {
            Some(body) => push(&mut text, &format!("{body:#}")),
            None => push(&mut text, &format!("(a body of {} bytes was too large to keep)", answer.bytes)),
        }
    }
    push(&mut text, "\nHistory:");
    for event in history {
        push(&mut text, &line(event));
    }
    push(
        &mut text,
        &format!(
            "\nNext: linchpin dlq edit {0}\n      linchpin dlq replay {0}{1}\n      linchpin dlq drop {0}",
            letter.id,
            flag(letter)
        ),
    );
    text
}

/// What a replay of it needs.
fn flag(letter: &DeadLetter) -> &'static str {
    if letter.guard.is_some() { " --even-if-done    once you have looked in HubSpot" } else { "" }
}

fn line(event: &HistoryEvent) -> String {
    let status = event.status.map(|status| format!(" {status}")).unwrap_or_default();
    let code = event.code.as_ref().map(|code| format!(" {code}")).unwrap_or_default();
    format!("  {}  {}{status}{code}  {}", moment(event.at_ms), event.event, event.note)
}

/// What became of a replay.
pub(super) fn replayed(letters: &ReplayedLetters) -> String {
    let mut text = format!("{} again.\n", counted(letters.replayed.len() as u64, "open operation"));
    for id in letters.replayed.iter().take(10) {
        push(&mut text, &format!("  /linchpin/v1/operations/{id}"));
    }
    if !letters.guarded.is_empty() {
        push(
            &mut text,
            &format!(
                "{} left alone: HubSpot may have done it already.",
                counted(letters.guarded.len() as u64, "dead letter")
            ),
        );
        for id in &letters.guarded {
            push(&mut text, &format!("  {id}"));
        }
        push(&mut text, "Look in HubSpot, then: linchpin dlq replay ID --even-if-done, or linchpin dlq drop ID");
    }
    if letters.full {
        push(&mut text, "Too many operations are open: replay the rest when fewer are.");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use linchpin_server::admin::dead_letters::{DeadAnswer, DeadRequest};
    use serde_json::json;

    use super::*;

    fn letter() -> DeadLetter {
        DeadLetter {
            id: "01936f2e-7c1a-7d3e-8f00-2b1c5d7e9a10".to_owned(),
            url: String::new(),
            caller: "billing".to_owned(),
            lane: "bulk".to_owned(),
            route: "object_create contacts".to_owned(),
            outcome: "refused".to_owned(),
            status: Some(400),
            code: None,
            reason: "HubSpot refused to create a record in contacts: `email` has a value that is no e-mail address."
                .to_owned(),
            to_do: "Correct `email` in the body, then replay.".to_owned(),
            fields: vec!["email".to_owned()],
            accepted_ms: 1_800_000_000_000,
            ended_ms: 1_800_000_001_000,
            tries: 1,
            edited: false,
            guard: None,
        }
    }

    #[test]
    fn a_list_says_what_failed_why_and_what_to_do() {
        let letters = DeadLetters { dead_letters: vec![letter()], total: 3, next: Some(7) };
        insta::assert_snapshot!(list(&letters), @r"
        01936f2e-7c1a-7d3e-8f00-2b1c5d7e9a10  refused 400  billing  object_create contacts  2027-01-15 08:00:01 UTC
            HubSpot refused to create a record in contacts: `email` has a value that is no e-mail address.
            Correct `email` in the body, then replay.

        1 of 3 dead letters.
        Next: linchpin dlq show, edit, replay or drop, with an id.
        More: --before 7
        ");
        let none = DeadLetters { dead_letters: Vec::new(), total: 0, next: None };
        assert_eq!(list(&none), "No dead letter.\n");
    }

    #[test]
    fn one_is_shown_with_request_answer_and_history() {
        let tried = HistoryEvent {
            event: "tried".to_owned(),
            at_ms: 1_800_000_000_500,
            ended_ms: Some(1_800_000_001_000),
            status: Some(400),
            code: None,
            correlation_id: Some("c-1".to_owned()),
            note: "HubSpot answered 400 VALIDATION_ERROR".to_owned(),
        };
        let request = DeadRequest {
            method: "POST".to_owned(),
            target: "/crm/v3/objects/contacts".to_owned(),
            headers: BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]),
            bytes: 9,
            body: json!({"email": "ana@nowhere"}),
        };
        let answer =
            DeadAnswer { status: 400, correlation_id: Some("c-1".to_owned()), bytes: 2, body: Some(json!({})) };
        let shown = detail(&DeadLetterDetail {
            letter: letter(),
            said: Some("Email address ana@nowhere is invalid".to_owned()),
            request,
            first_body: None,
            answer: Some(answer),
            history: vec![tried],
        });
        for part in [
            "HubSpot says    Email address ana@nowhere is invalid",
            "Request: POST /crm/v3/objects/contacts",
            "Answer: 400, correlation id c-1",
            "2027-01-15 08:00:00 UTC  tried 400  HubSpot answered 400 VALIDATION_ERROR",
            "linchpin dlq edit 01936f2e-7c1a-7d3e-8f00-2b1c5d7e9a10",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
    }

    #[test]
    fn a_replay_says_what_is_left_and_why() {
        let letters = ReplayedLetters { replayed: vec!["a".to_owned()], guarded: vec!["b".to_owned()], full: false };
        let text = replayed(&letters);
        assert!(text.starts_with("1 open operation again.") && text.contains("1 dead letter left alone"), "{text}");
    }
}
