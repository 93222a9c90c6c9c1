//! Bodies of deliveries: arrays of events as HubSpot sends them, in all spellings that JSON has for one thing.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Dice;

const KINDS: [&str; 6] = [
    "contact.creation",
    "contact.propertyChange",
    "deal.propertyChange",
    "company.deletion",
    "contact.privacyDeletion",
    "object.propertyChange",
];
const VALUES: [&str; 9] =
    ["", "Oslo", "Zoë & Søn — 10 €", "a/b\\c\"d", "1767225600000", "REDACTED", "日本語", "🦀", "line\nline\ttab"];

/// A body with a few events; their records have the numbers from `next` on, so that no event is twice.
pub fn body(app: u64, now_ms: u64, next: &mut u64, dice: &mut Dice) -> Vec<u8> {
    let events: Vec<Value> = (0..=dice.roll(4)).map(|_| event(app, now_ms, next, dice)).collect();
    let events = Value::from(events);
    let text = match dice.roll(4) {
        0 => serde_json::to_string_pretty(&events).unwrap_or_default(),
        1 => escaped(&events.to_string()),
        2 => format!(" {} ", events.to_string().replace("\":", "\" : ")),
        _ => events.to_string(),
    };
    text.into_bytes()
}

/// One event about a record of its own.
pub fn event(app: u64, now_ms: u64, next: &mut u64, dice: &mut Dice) -> Value {
    *next += 1;
    let kind = *dice.pick(&KINDS);
    let mut event = json!({
        "eventId": dice.roll(1 << 31), "subscriptionId": 41_000 + dice.roll(9), "portalId": 48_151_623, "appId": app,
        "occurredAt": now_ms.saturating_sub(dice.roll(60_000)), "subscriptionType": kind,
        "attemptNumber": dice.roll(3), "objectId": *next, "changeSource": "CRM_UI", "sourceId": "userId:55",
    });
    if let Some(event) = event.as_object_mut() {
        if kind.ends_with("propertyChange") {
            event.insert("propertyName".to_owned(), json!("city"));
            event.insert("propertyValue".to_owned(), json!(dice.pick(&VALUES)));
        }
        if kind.starts_with("object") {
            event.insert("objectTypeId".to_owned(), json!("0-5"));
        }
    }
    event
}

/// JSON text with everything beyond ASCII escaped, as some writers do.
pub fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() {
            out.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                // A string takes every write.
                write!(out, "\\u{unit:04x}").unwrap_or_default();
            }
        }
    }
    out
}
