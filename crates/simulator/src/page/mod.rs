//! The simulator's own page in the browser, at `/_control/`, and the control calls that only it makes.
//!
//! | Call | Effect |
//! |---|---|
//! | `GET /_control/` | the page; its style and its program stand beside it and are all that it loads |
//! | `GET portals` | every portal with its types, counted records and users |
//! | `GET records/{type}` | records, the newest first: `?text=`, `?before=ID`, `?limit=`, `?archived=true` |
//! | `GET records/{type}/new` | the properties that a new record may have |
//! | `GET records/{type}/{id}` | one record with all its properties, their history and its associations |
//! | `POST records/{type}`, `PATCH`, `DELETE records/{type}/{id}` | what a person does in HubSpot's pages |
//! | `GET calls` | the newest calls of the ledger: `?after=SEQ`, `?limit=`, and the totals |
//! | `GET limits` | every counter of the portal: allowed and used |
//!
//! A person's edit takes the way of an app's call, so that the same rules refuse it and the same events follow; only
//! its source is `CRM_UI`. Pure, as the rest of the control API.

mod gate;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use rand_core::Rng;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    control::{self, CONTROL_PREFIX},
    envelope,
    hub::{Hub, PortalSlot},
    model::{Browse, Caller, Missing, RecordSource, UnknownType, decode, encode},
    wire::{ApiAnswer, ApiRequest, Millis},
};

const PAGE: &str = include_str!("assets/index.html");
const HINT: &str = include_str!("assets/hint.html");
const STYLE: &str = include_str!("assets/page.css");
const ICON: &str = include_str!("assets/icon.svg");
const PROGRAM: &str = include_str!("assets/page.js");

/// Nothing but the page's own two files is loaded, nothing else is asked, and nobody frames it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// The calls that one answer shows at most.
const CALLS_MAX: usize = 500;
/// The user of an edit that names none.
const USER_ID_DEFAULT: u64 = 1;

/// Why a call of the page is refused.
#[derive(Debug, thiserror::Error)]
enum Complaint {
    #[error(transparent)]
    Gate(#[from] gate::Refused),
    #[error("there is no portal {0}")]
    Portal(String),
    #[error(transparent)]
    Type(#[from] UnknownType),
    #[error(transparent)]
    Missing(#[from] Missing),
    #[error("the body cannot be read: {0}")]
    Body(#[from] serde_json::Error),
    #[error("`{0}` is no record id")]
    Id(String),
}

impl Complaint {
    fn status(&self) -> u16 {
        match self {
            Self::Gate(_) => 403,
            Self::Portal(_) | Self::Type(_) | Self::Missing(_) => 404,
            Self::Body(_) | Self::Id(_) => 400,
        }
    }
}

/// What a person fills in.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Edit {
    /// Who does it; [`USER_ID_DEFAULT`] without.
    user_id: Option<u64>,
    /// The values; the empty text clears.
    properties: Map<String, Value>,
}

/// Says whether somebody opened the simulator's bare address in a browser: a hint helps, and no client is misled.
pub(crate) fn is_hint(request: &ApiRequest) -> bool {
    let accepts = request.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    request.method == Method::GET
        && matches!(request.path.as_str(), "/" | "/_control")
        && accepts.split(',').any(|kind| kind.trim().starts_with("text/html"))
}

/// Answers what belongs to the page, and refuses any control call from another site; `None` for everything else.
pub(crate) fn handle(hub: &mut Hub, request: &ApiRequest, now: Millis, dice: &mut dyn Rng) -> Option<ApiAnswer> {
    let answered = match gate::check(request) {
        Ok(()) => decide(hub, request, now, dice)?,
        Err(refused) => Err(refused.into()),
    };
    Some(
        answered
            .unwrap_or_else(|complaint| envelope::json(complaint.status(), &json!({"error": complaint.to_string()}))),
    )
}

fn decide(
    hub: &mut Hub,
    request: &ApiRequest,
    now: Millis,
    dice: &mut dyn Rng,
) -> Option<Result<ApiAnswer, Complaint>> {
    if is_hint(request) {
        return Some(Ok(file("text/html;charset=utf-8", HINT)));
    }
    let path = request.path.strip_prefix(CONTROL_PREFIX)?;
    let words: Vec<String> = path.split('/').map(|word| decode(word, false).into_owned()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let answer = match (&request.method, words.as_slice()) {
        (&Method::GET, [""]) => Ok(file("text/html;charset=utf-8", PAGE)),
        (&Method::GET, ["icon.svg"]) => Ok(file("image/svg+xml", ICON)),
        (&Method::GET, ["page.css"]) => Ok(file("text/css;charset=utf-8", STYLE)),
        (&Method::GET, ["page.js"]) => Ok(file("text/javascript;charset=utf-8", PROGRAM)),
        (&Method::GET, ["portals"]) => Ok(portals(hub)),
        (&Method::GET, ["calls"]) => Ok(calls(hub, request, now)),
        (&Method::GET, ["limits"]) => limits(hub, request, now),
        (method, ["records", rest @ ..]) => records(hub, request, method, rest, now, dice)?,
        _ => return None,
    };
    Some(answer)
}

fn records(
    hub: &mut Hub,
    request: &ApiRequest,
    method: &Method,
    rest: &[&str],
    now: Millis,
    dice: &mut dyn Rng,
) -> Option<Result<ApiAnswer, Complaint>> {
    let mut with_slot = |act: &mut dyn FnMut(&mut PortalSlot) -> Result<ApiAnswer, Complaint>| {
        let portal_id = control::asked_portal(hub, request).map_err(Complaint::Portal)?;
        act(hub.portal_mut(portal_id).ok_or_else(|| Complaint::Portal(portal_id.to_string()))?)
    };
    let answer = match (method, rest) {
        (&Method::GET, [object_type]) => {
            with_slot(&mut |slot| Ok(ok(&slot.model.browse(&browse(request, object_type))?)))
        }
        (&Method::GET, [object_type, "new"]) => with_slot(&mut |slot| Ok(ok(&slot.model.blank(object_type, now)?))),
        (&Method::GET, [object_type, id]) => with_slot(&mut |slot| {
            let id = id.parse().map_err(|_| Complaint::Id((*id).to_owned()))?;
            Ok(ok(&slot.model.inspect(object_type, id, now)?))
        }),
        (&Method::POST, [object_type]) => {
            let path = format!("/crm/v3/objects/{}", encode(object_type));
            with_slot(&mut |slot| edit(slot, request, path.clone(), now, dice))
        }
        (&Method::PATCH | &Method::DELETE, [object_type, id]) => {
            let path = format!("/crm/v3/objects/{}/{}", encode(object_type), encode(id));
            with_slot(&mut |slot| edit(slot, request, path.clone(), now, dice))
        }
        _ => return None,
    };
    Some(answer)
}

/// Does what a person does, by the call that an app would make for it.
fn edit(
    slot: &mut PortalSlot,
    request: &ApiRequest,
    path: String,
    now: Millis,
    dice: &mut dyn Rng,
) -> Result<ApiAnswer, Complaint> {
    let edit: Edit = if request.body.is_empty() { Edit::default() } else { serde_json::from_slice(&request.body)? };
    let body = json!({"properties": edit.properties}).to_string();
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let method = request.method.clone();
    let call = ApiRequest { method, path, query: String::new(), headers, body: Bytes::from(body) };
    let caller = Caller { app_id: edit.user_id.unwrap_or(USER_ID_DEFAULT), source: RecordSource::Person };
    let answer = slot.model.handle(&call, &caller, now, dice);
    if answer.status < 400 {
        let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let id = told.get("id").cloned().unwrap_or_default();
        return Ok(envelope::json(if answer.status == 204 { 200 } else { answer.status }, &json!({"id": id})));
    }
    let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let wrong: Vec<Value> = told
        .get("errors")
        .and_then(Value::as_array)
        .map(|errors| errors.iter().filter_map(|error| error.get("message").cloned()).collect())
        .unwrap_or_default();
    let message = told.get("message").and_then(Value::as_str).unwrap_or("HubSpot refuses this").to_owned();
    Ok(envelope::json(answer.status, &json!({"error": message, "reasons": wrong})))
}

fn browse(request: &ApiRequest, object_type: &str) -> Browse {
    let limit = parameter(request, "limit").and_then(|text| text.parse().ok());
    Browse {
        object_type: object_type.to_owned(),
        text: parameter(request, "text").unwrap_or_default(),
        before: parameter(request, "before").and_then(|text| text.parse().ok()),
        limit: limit.unwrap_or(25),
        archived: parameter(request, "archived").as_deref() == Some("true"),
    }
}

fn portals(hub: &mut Hub) -> ApiAnswer {
    let portals: Vec<Value> = hub.portals_mut().map(|(_, slot)| slot.model.outline()).collect();
    ok(&json!({"portals": portals}))
}

fn calls(hub: &Hub, request: &ApiRequest, now: Millis) -> ApiAnswer {
    let after = parameter(request, "after").and_then(|text| text.parse().ok());
    let limit = parameter(request, "limit").and_then(|text| text.parse().ok()).unwrap_or(100);
    let calls: Vec<Value> =
        hub.ledger().tail(after, limit.min(CALLS_MAX)).iter().map(|entry| entry.to_json()).collect();
    let stats = hub.ledger().stats();
    ok(&json!({"calls": calls, "now_ms": now.0, "in_flight": hub.in_flight(), "requests": stats.requests,
               "rate_limited": stats.rate_limited, "cut": stats.cut, "by_status": stats.by_status}))
}

fn limits(hub: &mut Hub, request: &ApiRequest, now: Millis) -> Result<ApiAnswer, Complaint> {
    let portal_id = control::asked_portal(hub, request).map_err(Complaint::Portal)?;
    let apps = hub.credentials.apps_of(portal_id);
    let slot = hub.portal_mut(portal_id).ok_or_else(|| Complaint::Portal(portal_id.to_string()))?;
    Ok(ok(&json!({"portal_id": portal_id, "now_ms": now.0, "counters": slot.limiter.uses(&apps, now)})))
}

fn parameter(request: &ApiRequest, name: &str) -> Option<String> {
    let mut pairs = request.query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| decode(value, true).into_owned())
}

fn ok(body: &Value) -> ApiAnswer {
    let mut answer = envelope::json(200, body);
    answer.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

fn file(kind: &'static str, text: &'static str) -> ApiAnswer {
    let common: [(HeaderName, &'static str); 7] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    let mut headers: HeaderMap =
        common.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    ApiAnswer { status: 200, headers, body: Bytes::from_static(text.as_bytes()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_never_makes_markup_of_text_and_asks_nobody_else() {
        for forbidden in
            ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "srcdoc"]
        {
            assert!(!PROGRAM.contains(forbidden), "{forbidden}");
        }
        for text in [PAGE, HINT, STYLE, PROGRAM] {
            assert!(!text.contains("http://") && !text.contains("https://"), "an address of somebody else");
        }
        for inline in ["<script>", "style=", "<style", "onclick", "onload"] {
            assert!(!PAGE.contains(inline) && !HINT.contains(inline), "the policy forbids {inline}");
        }
    }
}
