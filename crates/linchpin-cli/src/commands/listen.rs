//! `linchpin listen`: what HubSpot delivers, live; and stored events sent once more.

use std::time::Duration;

use linchpin_core::outbound::{Policy, Target};
use linchpin_core::subscribers::deliver::Outcome;
use linchpin_core::subscribers::event::Normal;
use serde::Serialize;

use super::audit;
use crate::args::ListenArgs;
use crate::config::Config;
use crate::console::{self, Console};
use crate::failure::{Code, Exit, Failure};
use crate::stop;
use crate::wiring::events::{Receiver, Server, Told};

/// The wait before a stream that broke is opened again.
const REOPEN_AFTER: Duration = Duration::from_secs(2);
/// How often in a row that is tried.
const REOPEN_MAX: u32 = 30;
/// Events of a page.
const PAGE: u16 = 100;

#[derive(Serialize)]
struct Replayed {
    ok: bool,
    sent: u64,
    last: u64,
}

/// Listens, or replays.
pub(crate) async fn run(args: &ListenArgs, console: &mut Console) -> Result<Exit, Failure> {
    let config = Config::load(&args.config)?;
    let (base, key) = audit::reach(&config, args.url.as_ref())?;
    let server = Server { base, key, query: query(args) };
    if let (Some(from), Some(to)) = (&args.replay, &args.to) {
        let work = replay(args, &config, &server, (from, to), console);
        return stop::droppable(work, "run it again; what was sent is sent again").await?;
    }
    tokio::select! {
        ended = follow(args, &server, console) => ended?,
        // This is how it ends when all is well.
        () = stop::signal() => {}
    }
    Ok(Exit::Done)
}

/// What is asked, but for where to begin.
fn query(args: &ListenArgs) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, values) in [("objectType", &args.object_type), ("kind", &args.kind), ("property", &args.property)] {
        for value in values {
            query.append_pair(name, value);
        }
    }
    for (name, number) in [("portal", args.portal), ("app", args.app)] {
        if let Some(number) = number {
            query.append_pair(name, &number.to_string());
        }
    }
    query.finish()
}

fn pair(name: &str, value: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish()
}

/// Shows events until the server is gone for good.
async fn follow(args: &ListenArgs, server: &Server, console: &mut Console) -> Result<(), Failure> {
    let from = match (&args.since, args.after) {
        (Some(since), _) => pair("since", since),
        (None, Some(after)) => pair("after", &after.to_string()),
        (None, None) => String::new(),
    };
    // The first failure is a wrong address or key, or no server: told at once.
    let mut stream = server.stream(&from, None).await?;
    let mut last = None;
    console.say("Listening; Ctrl-C ends it.");
    loop {
        while let Some(told) = stream.next().await {
            last = told.id.or(last);
            show(server, told, console)?;
        }
        console::note("the connection is gone: it is opened again");
        let mut tries = 0;
        stream = loop {
            tokio::time::sleep(REOPEN_AFTER).await;
            tries += 1;
            match server.stream(&from, last).await {
                Ok(stream) => break stream,
                Err(failure) if tries >= REOPEN_MAX => return Err(failure),
                Err(_) => {}
            }
        };
    }
}

fn show(server: &Server, told: Told, console: &mut Console) -> Result<(), Failure> {
    let Some(data) = told.data else { return Ok(()) };
    if console.is_json() {
        console.line(&data);
        return Ok(());
    }
    if told.event.is_some() {
        console.say(format!("(events were forgotten before they could be shown: {data})"));
        return Ok(());
    }
    let value = serde_json::from_str(&data).unwrap_or_default();
    console.say(line(&server.event(value)?));
    Ok(())
}

/// An event for people.
fn line(event: &Normal) -> String {
    let record = [&event.object_type, &event.record_id].into_iter().flatten().cloned().collect::<Vec<_>>().join(" ");
    let what = match (&event.property, &event.value) {
        (Some(property), Some(value)) => format!("{property} = {value:?}"),
        (Some(property), None) if event.hidden => format!("{property} (hidden by HubSpot)"),
        (Some(property), None) => property.clone(),
        (None, _) => String::new(),
    };
    let merged = event.merge.as_ref().map(|merge| format!("from {}", merge.merged_ids.join(", ")));
    let linked = event.association.as_ref().map(|association| {
        let verb = if association.removed { "no longer with" } else { "with" };
        format!("{verb} {} {} ({})", association.to_object_type, association.to_record_id, association.name)
    });
    let raw = event.raw.as_ref().map(|raw| raw.get().replace(['\n', '\r'], " "));
    let more = merged.or(linked).or(raw).unwrap_or_default();
    let parts = [event.id.to_string(), event.occurred_at.clone(), event.kind.clone(), record, what, more];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
}

async fn replay(
    args: &ListenArgs,
    config: &Config,
    server: &Server,
    (from, to): (&str, &str),
    console: &mut Console,
) -> Result<Exit, Failure> {
    let target = Target::new(to, Policy::default()).map_err(|why| {
        Failure::new(Code::Setting, format!("--to: {why}"), "give a public https address, or one of this machine")
    })?;
    let Some(secret) = &args.secret else {
        return Err(Failure::new(Code::Setting, "--to wants a --secret", "give `--secret env:NAME` or `file:PATH`"));
    };
    let receiver = Receiver::new(target, config.signing_secret(secret, "--secret")?)?;
    // The event that is named is sent, too.
    let mut from = match from.parse::<u64>() {
        Ok(id) => pair("after", &id.saturating_sub(1).to_string()),
        Err(_) => pair("since", from),
    };
    let (mut sent, mut last) = (0_u64, 0);
    loop {
        let page = server.page(&format!("{from}&limit={PAGE}")).await?;
        for value in page.events {
            let event = server.event(value)?;
            match receiver.send(&event).await {
                Outcome::Answered { status: 200..=299, .. } => {
                    (sent, last) = (sent + 1, event.id);
                    console.say(line(&event));
                }
                outcome => return Err(not_taken(&event, outcome, sent)),
            }
        }
        from = pair("after", &page.next.to_string());
        if !page.more {
            break;
        }
    }
    console.say(format!("Sent {sent} to {to}."));
    console.result(&Replayed { ok: true, sent, last });
    Ok(Exit::Done)
}

fn not_taken(event: &Normal, outcome: Outcome, sent: u64) -> Failure {
    let how = match outcome {
        Outcome::Answered { status, .. } => format!("answered {status}"),
        Outcome::Silent => "gave no answer".to_owned(),
        Outcome::Forbidden => "is at an address that is not allowed".to_owned(),
    };
    Failure::of(
        "LP5406",
        Exit::Failed,
        format!("the receiver {how} to event {}; {sent} were sent before", event.id),
        format!("look at the receiver, and go on with --replay {}", event.id),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(more: &serde_json::Value) -> String {
        let mut event = json!({"version": 1, "id": 12, "portal": 1, "app": 2, "kind": "propertyChange",
            "objectType": "contacts", "recordId": "901", "occurredAt": "2026-01-01T00:00:00.123Z",
            "receivedAt": "2026-01-01T00:00:01.000Z", "teller": "webhook", "changeKey": "ab"});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        line(&serde_json::from_value(event).unwrap())
    }

    #[test]
    fn an_event_is_one_line() {
        let head = "12  2026-01-01T00:00:00.123Z";
        assert_eq!(
            shown(&json!({"property": "city", "value": "Oslo"})),
            format!("{head}  propertyChange  contacts 901  city = \"Oslo\"")
        );
        assert_eq!(
            shown(&json!({"property": "ssn", "hidden": true})),
            format!("{head}  propertyChange  contacts 901  ssn (hidden by HubSpot)")
        );
        assert_eq!(
            shown(&json!({"kind": "merge", "merge": {"primaryId": "901", "mergedIds": ["902", "903"]}})),
            format!("{head}  merge  contacts 901  from 902, 903")
        );
        assert_eq!(
            shown(&json!({"kind": "workflow", "raw": {"vid": 5}})),
            format!("{head}  workflow  contacts 901  {{\"vid\":5}}")
        );
    }
}
