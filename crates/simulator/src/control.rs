//! The control API under `/_control`: outside HubSpot's surface, its limits and the ledger.
//!
//! | Call | Effect |
//! |---|---|
//! | `GET stats` | totals: `requests`, `rate_limited`, `cut`, `by_status`, `by_route`, `ledger_dropped`, `in_flight`, `portals` |
//! | `GET ledger` | one JSON line a call: `time`, `route`, `status`, `credential`, `counted`, and more |
//! | `GET dump/{type}` | one JSON line a record, with properties and associations |
//! | `POST reset` | `{"stats":true}` empties the book; `{"state":true}` records, counters and revocations |
//! | `POST seed` | `{"contacts":1000,"companies":100,"deals":200,"owners":8,"associate":true}` |
//! | `GET`, `POST`, `DELETE faults` | lists, arms (a rule, a list, or `{"faults":[..]}`) and disarms fault rules |
//! | `POST revoke` | `{"token":".."}` kills a token |
//! | `GET`, `POST oauth` | lists apps and grants without their secrets; `{"expire":ID}` or `{"uninstall":ID}` ends one |
//! | `GET`, `POST clock` | says the time; `{"advance_ms":N}` moves it forward |
//!
//! `dump` and `seed` take `?portal=ID`. Pure: it reads and changes a hub. Moving the clock is asked for in the reply,
//! since only the driver owns one.

use std::iter;

use bytes::Bytes;
use http::{HeaderValue, Method, header};
use rand_core::Rng;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use thiserror::Error;

use crate::{
    envelope,
    faults::{FaultRule, FaultRuleError},
    hub::Hub,
    model::SeedSpec,
    wire::{ApiAnswer, ApiRequest, Millis},
};

/// Where the control API lives.
pub const CONTROL_PREFIX: &str = "/_control/";
/// The longest jump of the clock, in milliseconds: ten years.
pub const ADVANCE_MS_MAX: i64 = 3_660 * 86_400_000;
/// The records, owners among them, that one seeding may ask for.
pub const SEED_RECORDS_MAX: usize = 2_000_000;
/// The records of a dump that are formatted at a time.
const DUMP_CHUNK_RECORDS: usize = 500;

/// What the control API says.
pub(crate) enum Reply {
    /// The answer.
    Answer(Payload),
    /// The driver is to move its clock forward and then to answer with [`clock_answer`].
    Advance { ms: i64 },
}

/// An answer of the control API.
pub(crate) enum Payload {
    /// A small one.
    Whole(ApiAnswer),
    /// JSON lines, made chunk by chunk.
    Lines(Box<dyn Iterator<Item = Bytes> + Send>),
}

/// Why a control call is refused. The message goes to whoever wrote the call.
#[derive(Debug, Error)]
enum Complaint {
    #[error("the body cannot be read: {0}")]
    Body(#[from] serde_json::Error),
    #[error("{0}")]
    Fault(#[from] FaultRuleError),
    #[error("there is no record type `{0}`")]
    Type(String),
    #[error("there is no portal {0}")]
    Portal(String),
    #[error("there is no such token")]
    Token,
    #[error("there is no grant {0}")]
    Grant(u64),
    #[error("give {{\"expire\":ID}} or {{\"uninstall\":ID}}")]
    EmptyOauth,
    #[error("`advance_ms` must be between 0 and {ADVANCE_MS_MAX}")]
    Advance,
    #[error("one seeding makes at most {SEED_RECORDS_MAX} records")]
    Seed,
    #[error("give {{\"stats\":true}}, {{\"state\":true}} or both")]
    EmptyReset,
    #[error(
        "no such control call; there are GET stats, ledger, dump/{{type}}, clock, faults, oauth, POST reset, seed, \
         faults, clock, revoke, oauth and DELETE faults"
    )]
    Path,
}

impl Complaint {
    fn status(&self) -> u16 {
        match self {
            Self::Body(_) | Self::Fault(_) | Self::Advance | Self::EmptyReset | Self::EmptyOauth | Self::Seed => 400,
            Self::Type(_) | Self::Portal(_) | Self::Token | Self::Grant(_) | Self::Path => 404,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Reset {
    stats: bool,
    state: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_ms: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoke {
    token: String,
}

/// What to do to which grant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OauthOrder {
    expire: Option<u64>,
    uninstall: Option<u64>,
}

/// One rule, a list of them, or an object that holds the list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultList {
    faults: Vec<FaultRule>,
}

/// Says whether a path belongs to the control API.
pub(crate) fn is_control(path: &str) -> bool {
    path.starts_with(CONTROL_PREFIX)
}

/// Answers one control call.
pub(crate) fn handle(hub: &mut Hub, request: &ApiRequest, now: Millis, dice: &mut dyn Rng) -> Reply {
    hub.advance(now, dice);
    let reply = decide(hub, request, now, dice);
    reply
        .unwrap_or_else(|complaint| whole(envelope::json(complaint.status(), &json!({"error": complaint.to_string()}))))
}

/// What the clock says.
pub(crate) fn clock_answer(now: Millis) -> ApiAnswer {
    envelope::json(200, &json!({"now": instant(now), "now_ms": now.0}))
}

fn instant(at: Millis) -> Option<String> {
    jiff::Timestamp::from_millisecond(at.0).ok().map(envelope::iso)
}

/// The headers of an answer of JSON lines.
pub(crate) fn lines_type() -> (header::HeaderName, HeaderValue) {
    (header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"))
}

fn decide(hub: &mut Hub, request: &ApiRequest, now: Millis, dice: &mut dyn Rng) -> Result<Reply, Complaint> {
    let path = request.path.strip_prefix(CONTROL_PREFIX).unwrap_or_default();
    let words: Vec<&str> = path.split('/').collect();
    match (&request.method, words.as_slice()) {
        (&Method::GET, ["stats"]) => Ok(whole(stats(hub, now))),
        (&Method::GET, ["ledger"]) => Ok(lines(hub.ledger().snapshot().into_lines())),
        (&Method::GET, ["dump", object_type]) => dump(hub, portal_of(hub, request)?, object_type),
        (&Method::POST, ["seed"]) => seed(hub, request, now, dice),
        (&Method::POST, ["reset"]) => reset(hub, &body(request)?, now),
        (&Method::GET, ["faults"]) => Ok(faults(hub)),
        (&Method::POST, ["faults"]) => {
            hub.arm_faults(fault_rules(&request.body)?)?;
            Ok(faults(hub))
        }
        (&Method::DELETE, ["faults"]) => {
            hub.clear_faults();
            Ok(faults(hub))
        }
        (&Method::POST, ["revoke"]) => {
            let Revoke { token } = body(request)?;
            if !hub.revoke(&token) {
                return Err(Complaint::Token);
            }
            Ok(whole(envelope::json(200, &json!({"revoked": true}))))
        }
        (&Method::GET, ["oauth"]) => Ok(oauth(hub, now)),
        (&Method::POST, ["oauth"]) => change_grant(hub, &body(request)?, now),
        (&Method::GET, ["clock"]) => Ok(whole(clock_answer(now))),
        (&Method::POST, ["clock"]) => match body(request)? {
            Advance { advance_ms: ms @ 0..=ADVANCE_MS_MAX } => Ok(Reply::Advance { ms }),
            Advance { .. } => Err(Complaint::Advance),
        },
        _ => Err(Complaint::Path),
    }
}

fn whole(answer: ApiAnswer) -> Reply {
    Reply::Answer(Payload::Whole(answer))
}

fn lines(chunks: impl Iterator<Item = Bytes> + Send + 'static) -> Reply {
    Reply::Answer(Payload::Lines(Box::new(chunks)))
}

fn stats(hub: &mut Hub, now: Millis) -> ApiAnswer {
    let mut body = json!(hub.ledger().stats());
    let portals: Vec<Value> = hub
        .portals_mut()
        .map(|(id, slot)| {
            json!({"portal_id": id, "records": slot.model.record_counts(), "day": slot.limiter.day_use(now)})
        })
        .collect();
    if let Some(body) = body.as_object_mut() {
        body.insert("in_flight".into(), hub.in_flight().into());
        body.insert("portals".into(), portals.into());
    }
    envelope::json(200, &body)
}

fn dump(hub: &Hub, portal_id: u64, object_type: &str) -> Result<Reply, Complaint> {
    let portal = hub.portal(portal_id).ok_or_else(|| Complaint::Portal(portal_id.to_string()))?;
    let records = portal.dump(object_type).map_err(|_| Complaint::Type(object_type.to_owned()))?;
    let mut records = records.into_iter();
    let chunks = iter::from_fn(move || {
        let mut text = Vec::new();
        for record in records.by_ref().take(DUMP_CHUNK_RECORDS) {
            text.extend_from_slice(record.to_string().as_bytes());
            text.push(b'\n');
        }
        (!text.is_empty()).then(|| Bytes::from(text))
    });
    Ok(lines(chunks))
}

fn seed(hub: &mut Hub, request: &ApiRequest, now: Millis, dice: &mut dyn Rng) -> Result<Reply, Complaint> {
    let spec: SeedSpec = body(request)?;
    let SeedSpec { contacts, companies, deals, line_items, products, tickets, owners, owner_emails, associate: _ } =
        &spec;
    let counts = [*contacts, *companies, *deals, *line_items, *products, *tickets, *owners, owner_emails.len()];
    if counts.into_iter().fold(0, usize::saturating_add) > SEED_RECORDS_MAX {
        return Err(Complaint::Seed);
    }
    let portal_id = portal_of(hub, request)?;
    let slot = hub.portal_mut(portal_id).ok_or_else(|| Complaint::Portal(portal_id.to_string()))?;
    let report = slot.model.seed(&spec, now, dice);
    Ok(whole(envelope::json(200, &json!(report))))
}

/// Clears the book, or records, counters, revocations and grants of every portal. Fault rules stay: they have a DELETE.
fn reset(hub: &mut Hub, what: &Reset, now: Millis) -> Result<Reply, Complaint> {
    if !what.stats && !what.state {
        return Err(Complaint::EmptyReset);
    }
    if what.stats {
        hub.ledger.clear();
    }
    if what.state {
        hub.reset_credentials();
        for (_, slot) in hub.portals_mut() {
            slot.reset(now);
        }
    }
    Ok(whole(envelope::json(200, &json!({"stats": what.stats, "state": what.state}))))
}

/// Apps and grants; neither secrets nor tokens are shown.
fn oauth(hub: &Hub, now: Millis) -> Reply {
    let apps: Vec<Value> = hub
        .authority
        .apps()
        .map(|app| {
            json!({
                "client_id": app.client_id, "app_id": app.app_id, "redirect_uris": app.redirect_uris,
                "scopes": app.scopes,
            })
        })
        .collect();
    let grants: Vec<Value> = hub
        .authority
        .grants()
        .map(|grant| {
            let expiries = hub.authority.expiries(grant.id, &hub.credentials, now);
            json!({
                "id": grant.id, "client_id": grant.client_id, "app_id": grant.app_id, "portal_id": grant.portal_id,
                "user_id": grant.user_id, "scopes": grant.scopes, "granted_at": instant(grant.made),
                "refresh_token": if grant.is_revoked { "revoked" } else { "live" },
                "access_tokens_expire_at": expiries.into_iter().map(instant).collect::<Vec<_>>(),
            })
        })
        .collect();
    whole(envelope::json(200, &json!({"apps": apps, "grants": grants})))
}

fn change_grant(hub: &mut Hub, order: &OauthOrder, now: Millis) -> Result<Reply, Complaint> {
    match order {
        OauthOrder { expire: Some(id), uninstall: None } => {
            if !hub.authority.expire(*id, &mut hub.credentials, now) {
                return Err(Complaint::Grant(*id));
            }
        }
        OauthOrder { expire: None, uninstall: Some(id) } => {
            let grant = hub.authority.grant(*id).ok_or(Complaint::Grant(*id))?;
            let (app_id, portal_id) = (grant.app_id, grant.portal_id);
            hub.uninstall(app_id, portal_id);
        }
        OauthOrder { .. } => return Err(Complaint::EmptyOauth),
    }
    Ok(oauth(hub, now))
}

fn faults(hub: &Hub) -> Reply {
    whole(envelope::json(200, &json!({"faults": hub.faults.list()})))
}

fn fault_rules(body: &[u8]) -> Result<Vec<FaultRule>, Complaint> {
    let value: Value = serde_json::from_slice(body)?;
    if value.is_array() {
        return Ok(serde_json::from_value(value)?);
    }
    if value.get("faults").is_some() {
        let FaultList { faults } = serde_json::from_value(value)?;
        return Ok(faults);
    }
    Ok(vec![serde_json::from_value(value)?])
}

/// The portal that a control call is about: `?portal=ID`, else the first.
fn portal_of(hub: &Hub, request: &ApiRequest) -> Result<u64, Complaint> {
    let asked = request.query.split('&').find_map(|pair| pair.strip_prefix("portal="));
    asked.map_or_else(|| Ok(hub.first_portal()), |id| id.parse().map_err(|_| Complaint::Portal(id.to_owned())))
}

fn body<T: DeserializeOwned>(request: &ApiRequest) -> Result<T, Complaint> {
    Ok(serde_json::from_slice(&request.body)?)
}
