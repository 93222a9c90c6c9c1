//! The reason of a dead letter, in sentences: what happened, in which fields, and what to do.

use http::Method;
use linchpin_hubspot::errors::{HubSpotError, PropertyError};
use linchpin_hubspot::routes::{self, Operation};
use serde_json::Value;

use super::{Reason, refused_inputs};
use crate::gateway::operation::{End, Event, Kept, Request, Write};

/// Fields that a reason names, at most.
const FIELDS_MAX: usize = 10;
/// The longest name of a field that is shown. HubSpot's are shorter.
const FIELD_CHARACTERS_MAX: usize = 120;

/// Why a write that has ended so is a dead letter.
pub fn reason(write: &Write, end: &End) -> Reason {
    match end {
        End::Answered(kept) => of_answer(write, kept),
        End::Unknown => of_unknown(write),
        End::GivenUp { code } => of_given_up(write, code),
    }
}

fn plain(what: String, to_do: &str) -> Reason {
    Reason { what, to_do: to_do.to_owned(), fields: Vec::new() }
}

/// What a write is to do: `update record 901 in contacts`. An id that is no number may be a person's address.
fn act(request: &Request) -> String {
    let method = Method::from_bytes(request.method.as_bytes()).unwrap_or_default();
    let route = routes::classify(&method, &request.target);
    let place = route.object_type.as_ref().map_or_else(String::new, |kind| format!(" in {kind}"));
    let number = route.id.filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()));
    let record = number.map_or_else(|| "a record".to_owned(), |id| format!("record {id}"));
    match route.operation {
        Operation::ObjectCreate => format!("create a record{place}"),
        Operation::ObjectUpdate => format!("update {record}{place}"),
        Operation::ObjectArchive => format!("archive {record}{place}"),
        Operation::ObjectMerge => format!("merge records{place}"),
        Operation::ObjectBatchCreate => format!("create a batch of records{place}"),
        Operation::ObjectBatchUpdate => format!("update a batch of records{place}"),
        Operation::ObjectBatchUpsert => format!("create or update a batch of records{place}"),
        Operation::ObjectBatchArchive => format!("archive a batch of records{place}"),
        Operation::AssociationPut | Operation::AssociateDefault => format!("associate {record}{place}"),
        Operation::AssociationDelete => format!("remove an association of {record}{place}"),
        other => format!("do a {} call ({other:?}{place})", request.method),
    }
}

fn of_answer(write: &Write, kept: &Kept) -> Reason {
    let act = act(&write.request);
    let error = HubSpotError::from_body(kept.status, kept.body.as_deref().unwrap_or_default());
    match kept.status {
        207 => of_parts(&act, kept),
        400 | 422 => of_refusal(write, &act, &error),
        401 => plain(
            format!("HubSpot does not accept the token, so it did not {act}."),
            "Put a valid token behind `hubspot.token`, restart `linchpin serve`, then replay.",
        ),
        403 => {
            let scopes = error.required_scopes().join("`, `");
            let needed = if scopes.is_empty() { String::new() } else { format!(" (one of `{scopes}`)") };
            plain(
                format!("The token may not {act}: it lacks a scope{needed}."),
                "Add the scope to the app in HubSpot, then replay.",
            )
        }
        404 => plain(
            format!("HubSpot was asked to {act} and found nothing there: it was archived, merged, or never existed."),
            "Restore the record in HubSpot and replay, or drop this.",
        ),
        409 => {
            let owner = error.existing_id().or_else(|| error.value_owner());
            let which = owner.map_or_else(|| "another record".to_owned(), |id| format!("record {id}"));
            plain(
                format!("HubSpot was asked to {act}, but {which} has the same unique value already."),
                "Change the unique value in the body and replay, or update that record instead and drop this.",
            )
        }
        413 => plain(
            format!("HubSpot was asked to {act} and says that the body is too large."),
            "Take something out of the body and replay, or drop this.",
        ),
        423 | 429 | 477 | 500..=599 | 408 => of_trouble(write, &act, kept.status),
        status => {
            let category = error.category.map_or_else(String::new, |category| format!(" {category}"));
            plain(
                format!("HubSpot was asked to {act} and answered {status}{category}."),
                "Read HubSpot's own words, correct the body if it is to blame, then replay.",
            )
        }
    }
}

/// HubSpot passes by itself, or does not.
fn of_trouble(write: &Write, act: &str, status: u16) -> Reason {
    let why = match status {
        423 => "that the record is locked by other writes",
        429 => "that a limit of calls was reached",
        477 => "that the account is being moved",
        _ => "that it failed itself",
    };
    let tries = write.progress.tries;
    let times = if tries == 1 { "once".to_owned() } else { format!("in {tries} tries") };
    plain(
        format!(
            "HubSpot was asked to {act}, {times}, and said last ({status}) {why}. Nothing is known to be wrong with the write."
        ),
        "Replay when HubSpot is well again: status.hubspot.com and `/linchpin/v1/breakers` tell. If others pass and this does not, the body is to blame: edit it.",
    )
}

fn of_parts(act: &str, kept: &Kept) -> Reason {
    let body = kept.body.as_deref().and_then(|body| serde_json::from_slice::<Value>(body).ok()).unwrap_or_default();
    let done = body.get("results").and_then(Value::as_array).map_or(0, Vec::len);
    plain(
        format!("HubSpot was asked to {act} and did a part: {done} done, {} refused.", refused_inputs(kept)),
        "Take what is done out of the body and correct the rest, then replay. `errors` in the answer says what was refused.",
    )
}

fn of_refusal(write: &Write, act: &str, error: &HubSpotError) -> Reason {
    if let Err(wrong) = serde_json::from_slice::<Value>(&write.request.body)
        && !write.request.body.is_empty()
    {
        let (line, column) = (wrong.line(), wrong.column());
        return plain(
            format!("HubSpot refused to {act}: the body is no JSON (line {line}, column {column})."),
            "Correct the body, then replay.",
        );
    }
    let found: Vec<&PropertyError> = error.property_errors().iter().take(FIELDS_MAX).collect();
    if let Some(id) = error.value_owner().or_else(|| error.existing_id()) {
        return plain(
            format!("HubSpot refused to {act}: record {id} has the same unique value already."),
            "Change the unique value in the body and replay, or update that record instead and drop this.",
        );
    }
    if found.is_empty() {
        let category = error.category.as_deref().unwrap_or("no category");
        let status = error.status;
        return plain(
            format!(
                "HubSpot refused to {act}: it does not accept the body ({status}, {category}), and names no field."
            ),
            "Read HubSpot's own words, correct the body, then replay.",
        );
    }
    let fields: Vec<String> = found.iter().map(|one| field(&one.name)).collect();
    let wrongs: Vec<String> = found.iter().map(|one| wrong(one)).collect();
    let to_do = format!("Correct {} in the body, then replay.", listed(&fields));
    Reason { what: format!("HubSpot refused to {act}: {}.", wrongs.join("; ")), to_do, fields }
}

/// A field as it is shown. What cannot be the name of a property may be somebody's value in its place.
fn field(name: &str) -> String {
    let fits =
        name.len() <= FIELD_CHARACTERS_MAX && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if fits { name.to_owned() } else { "(a name that no property has)".to_owned() }
}

fn listed(fields: &[String]) -> String {
    fields.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", ")
}

/// What is wrong with one field: HubSpot's code in words.
fn wrong(error: &PropertyError) -> String {
    let name = field(&error.name);
    let what = match error.code.as_str() {
        "PROPERTY_DOESNT_EXIST" => "is no property of this object type",
        "INVALID_OPTION" => "has a value that is not one of its options",
        "INVALID_INTEGER" | "INVALID_NUMERIC" => "has a value that is no number",
        "INVALID_LONG" => "has a value that is no number or date",
        "INVALID_DATE" => "has a value that is no date (a day is `YYYY-MM-DD`, or midnight UTC)",
        "INVALID_EMAIL" => "has a value that is no e-mail address",
        "INVALID_EMAIL_DOMAIN" => "has an e-mail address of a domain that is not allowed",
        "INVALID_ALPHA" => "may have letters only",
        "READ_ONLY_VALUE" => "is set by HubSpot itself and cannot be written: leave it out",
        "MISSING_REQUIRED_PROPERTY" | "MISSING_CONDITIONAL_REQUIRED_PROPERTY" => "is required and missing",
        code => return format!("the value of `{name}` is refused ({code})"),
    };
    format!("`{name}` {what}")
}

fn of_unknown(write: &Write) -> Reason {
    let act = act(&write.request);
    let cause = match write.progress.past.last() {
        Some(Event::Tried { came, .. }) if !came.note.is_empty() => came.note.clone(),
        _ => "Linchpin ended while it waited for the answer".to_owned(),
    };
    let what = format!("HubSpot was asked to {act}, and nobody knows whether it did: {cause}.");
    if write.request.is_repeatable() {
        return plain(what, "Replay: doing it twice changes nothing more.");
    }
    plain(
        what,
        "Look for it in HubSpot. If it is there, drop this; if it is not, replay and say that you have looked (--even-if-done).",
    )
}

fn of_given_up(write: &Write, code: &str) -> Reason {
    let (act, tries) = (act(&write.request), write.progress.tries);
    let (why, to_do) = match code {
        "LP3011" => ("HubSpot could not be reached", "Look at the network and at status.hubspot.com, then replay."),
        "LP3012" => (
            "there is no token that HubSpot accepts",
            "Put a valid token behind `hubspot.token`, restart `linchpin serve`, then replay.",
        ),
        "LP3013" => (
            "the account's calls of the day were used up",
            "Replay after midnight in the account's time zone, or ask what uses them: linchpin audit usage.",
        ),
        "LP3014" => ("HubSpot is moving the account", "Replay in an hour."),
        "LP3015" => {
            ("its turn would have come after the time that its caller gave it", "Replay: there is more time now.")
        }
        "LP3017" => ("too many calls waited already", "Replay when less is going on: `/linchpin/v1/lanes` tells."),
        _ => ("it could not be made", "Look up the code in docs/errors, then replay."),
    };
    plain(format!("HubSpot was not asked to {act}, or did nothing: {why} ({code}), in {tries} tries."), to_do)
}
