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
//! | `DELETE faults/{id}` | disarms one |
//! | `POST revoke` | `{"token":".."}` kills a token |
//! | `GET`, `POST oauth` | lists apps and grants without their secrets; `{"expire":ID}` or `{"uninstall":ID}` ends one |
//! | `POST snapshot` | writes the state into the file of `--state` |
//! | `GET`, `POST`, `DELETE webhooks` | apps, options, faults and counts; sets them up; removes the apps |
//! | `GET webhooks/events` | one JSON line an event, and what became of it |
//! | `POST webhooks/test`, `webhooks/workflow` | sends what the test button sends; fires a workflow's webhook action |
//! | `GET`, `POST churn` | how many deeds are left; `{"changes":1000}` lets people be busy |
//! | `POST restore` | `{"object_type":"contacts","id":901}` brings an archived record back |
//! | `POST settings` | `{"contact_creates_company":true}`: settings of the account, and what 2026-09 requires of records |
//! | `GET`, `POST clock` | says the time; `{"advance_ms":N}` moves it forward |
//!
//! What the page in the browser asks beside these stands in `page`. `dump`, `seed`, `restore` and `settings` take
//! `?portal=ID`. Pure: it reads and changes a hub. Moving the clock is asked for in the reply,
//! since only the driver owns one.

use std::error::Error as _;
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
    model::{ChurnSpec, Portal, PortalSettings, RequirementError, RestoreError, SeedError, SeedSpec},
    page,
    saved::{SavedReport, SnapshotError},
    webhooks::{SendError, WebhookError, WebhookSpec, WorkflowAction},
    wire::{ApiAnswer, ApiRequest, Millis},
};

/// Where the control API lives.
pub const CONTROL_PREFIX: &str = "/_control/";
/// The longest jump of the clock, in milliseconds: ten years.
pub const ADVANCE_MS_MAX: i64 = 3_660 * 86_400_000;
/// The records of a dump that are formatted at a time.
const DUMP_CHUNK_RECORDS: usize = 500;

/// What the control API says.
pub(crate) enum Reply {
    /// The answer.
    Answer(Payload),
    /// The driver is to move its clock forward and then to answer with [`clock_answer`].
    Advance { ms: i64 },
    /// The driver is to write the snapshot and then to answer with [`save_answer`].
    Save,
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
    #[error("there is no fault rule {0}; GET /_control/faults lists them with their ids")]
    FaultId(String),
    #[error("{0}")]
    Restore(#[from] RestoreError),
    #[error("{0}")]
    Required(#[from] RequirementError),
    #[error("there is no such token")]
    Token,
    #[error("there is no grant {0}")]
    Grant(u64),
    #[error("give {{\"expire\":ID}} or {{\"uninstall\":ID}}")]
    EmptyOauth,
    #[error("`advance_ms` must be between 0 and {ADVANCE_MS_MAX}")]
    Advance,
    #[error("{0}")]
    Webhooks(#[from] WebhookError),
    #[error("{0}")]
    Send(#[from] SendError),
    #[error("{0}")]
    Order(String),
    #[error("{0}")]
    Seed(#[from] SeedError),
    #[error("give {{\"stats\":true}}, {{\"state\":true}} or both")]
    EmptyReset,
    #[error(
        "no such control call; there are the page at /_control/, GET stats, ledger, dump/{{type}}, clock, faults, \
         oauth, webhooks, webhooks/events, churn, POST reset, seed, faults, clock, revoke, oauth, snapshot, restore, \
         settings, webhooks, webhooks/test, webhooks/workflow, churn and DELETE faults, faults/{{id}}, webhooks"
    )]
    Path,
}

impl Complaint {
    fn status(&self) -> u16 {
        match self {
            Self::Restore(RestoreError::Taken { .. }) => 409,
            Self::Required(_)
            | Self::Body(_)
            | Self::Fault(_)
            | Self::Advance
            | Self::EmptyReset
            | Self::EmptyOauth
            | Self::Seed(_)
            | Self::Webhooks(_)
            | Self::Send(_)
            | Self::Order(_) => 400,
            Self::Restore(_)
            | Self::FaultId(_)
            | Self::Type(_)
            | Self::Portal(_)
            | Self::Token
            | Self::Grant(_)
            | Self::Path => 404,
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

/// Which record to bring back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Restore {
    object_type: String,
    id: Value,
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
pub(crate) fn is_control(request: &ApiRequest) -> bool {
    request.path.starts_with(CONTROL_PREFIX) || page::is_hint(request)
}

/// Answers one control call.
pub(crate) fn handle(hub: &mut Hub, request: &ApiRequest, now: Millis, dice: &mut dyn Rng) -> Reply {
    hub.advance(now, dice);
    if let Some(answer) = page::handle(hub, request, now, dice) {
        return whole(answer);
    }
    let reply = decide(hub, request, now, dice);
    reply
        .unwrap_or_else(|complaint| whole(envelope::json(complaint.status(), &json!({"error": complaint.to_string()}))))
}

/// What the clock says.
pub(crate) fn clock_answer(now: Millis) -> ApiAnswer {
    envelope::json(200, &json!({"now": instant(now), "now_ms": now.0}))
}

/// What came of a snapshot.
pub(crate) fn save_answer(saved: Result<SavedReport, SnapshotError>) -> ApiAnswer {
    match saved {
        Ok(report) => envelope::json(200, &json!(report)),
        Err(error @ SnapshotError::NoFile) => envelope::json(400, &json!({"error": error.to_string()})),
        Err(error) => {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            envelope::json(500, &json!({"error": format!("{error}{cause}")}))
        }
    }
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
        (&Method::POST, ["restore"]) => restore(hub, request, now),
        (&Method::POST, ["settings"]) => {
            let settings: PortalSettings = body(request)?;
            model_of(hub, request)?.change_settings(&settings)?;
            Ok(whole(envelope::json(200, &json!({"changed": true}))))
        }
        (&Method::GET, ["faults"]) => Ok(faults(hub)),
        (&Method::POST, ["faults"]) => {
            hub.arm_faults(fault_rules(&request.body)?)?;
            Ok(faults(hub))
        }
        (&Method::DELETE, ["faults"]) => {
            hub.clear_faults();
            Ok(faults(hub))
        }
        (&Method::DELETE, ["faults", id]) => {
            if !id.parse().is_ok_and(|id| hub.faults.disarm(id)) {
                return Err(Complaint::FaultId((*id).to_owned()));
            }
            Ok(faults(hub))
        }
        (&Method::POST, ["snapshot"]) => Ok(Reply::Save),
        (&Method::POST, ["revoke"]) => {
            let Revoke { token } = body(request)?;
            if !hub.revoke(&token) {
                return Err(Complaint::Token);
            }
            Ok(whole(envelope::json(200, &json!({"revoked": true}))))
        }
        (&Method::GET, ["oauth"]) => Ok(oauth(hub, now)),
        (&Method::POST, ["oauth"]) => change_grant(hub, &body(request)?, now),
        (_, ["webhooks", ..] | ["churn"]) => news(hub, request, words.as_slice()),
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
    spec.check()?;
    let portal_id = portal_of(hub, request)?;
    let slot = hub.portal_mut(portal_id).ok_or_else(|| Complaint::Portal(portal_id.to_string()))?;
    let report = slot.model.seed(&spec, now, dice);
    Ok(whole(envelope::json(200, &json!(report))))
}

/// Brings an archived record back; its id may be a text or a number, as in HubSpot's answers.
fn restore(hub: &mut Hub, request: &ApiRequest, now: Millis) -> Result<Reply, Complaint> {
    let Restore { object_type, id } = body(request)?;
    let number = id.as_u64().or_else(|| id.as_str()?.parse().ok()).unwrap_or(0);
    model_of(hub, request)?.restore(&object_type, number, now)?;
    Ok(whole(envelope::json(200, &json!({"restored": number.to_string()}))))
}

fn model_of<'a>(hub: &'a mut Hub, request: &ApiRequest) -> Result<&'a mut Portal, Complaint> {
    let portal_id = portal_of(hub, request)?;
    let slot = hub.portal_mut(portal_id).ok_or_else(|| Complaint::Portal(portal_id.to_string()))?;
    Ok(&mut slot.model)
}

/// Clears the book, or records, counters, revocations and grants of every portal. Fault rules stay: they have a DELETE.
fn reset(hub: &mut Hub, what: &Reset, now: Millis) -> Result<Reply, Complaint> {
    if !what.stats && !what.state {
        return Err(Complaint::EmptyReset);
    }
    if what.stats {
        hub.ledger.clear();
        hub.webhooks_mut().clear_book();
    }
    if what.state {
        hub.reset_credentials();
        hub.forget_late_writes();
        hub.forget_news();
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

/// Which app a test delivery is for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TestOrder {
    app_id: u64,
}

/// Calls about webhooks, and about what they tell of.
fn news(hub: &mut Hub, request: &ApiRequest, words: &[&str]) -> Result<Reply, Complaint> {
    match (&request.method, words) {
        (&Method::GET, ["webhooks"]) => {}
        (&Method::POST, ["webhooks"]) => hub.configure_webhooks(body::<WebhookSpec>(request)?)?,
        (&Method::DELETE, ["webhooks"]) => hub.remove_webhooks(),
        (&Method::GET, ["webhooks", "events"]) => return Ok(lines(hub.webhook_lines())),
        (&Method::POST, ["webhooks", "test"]) => hub.send_test_webhook(body::<TestOrder>(request)?.app_id)?,
        (&Method::POST, ["webhooks", "workflow"]) => hub.fire_workflow_action(body::<WorkflowAction>(request)?)?,
        (&Method::POST, ["churn"]) => {
            let portal_id = portal_of(hub, request)?;
            hub.start_churn(portal_id, body::<ChurnSpec>(request)?).map_err(Complaint::Order)?;
            return Ok(churn_left(hub));
        }
        (&Method::GET, ["churn"]) => return Ok(churn_left(hub)),
        _ => return Err(Complaint::Path),
    }
    Ok(whole(envelope::json(200, &hub.webhooks_overview())))
}

fn churn_left(hub: &Hub) -> Reply {
    whole(envelope::json(200, &json!({"left": hub.churn_left()})))
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
    asked_portal(hub, request).map_err(Complaint::Portal)
}

/// As [`portal_of`]; the error is what was given for a number.
pub(crate) fn asked_portal(hub: &Hub, request: &ApiRequest) -> Result<u64, String> {
    let asked = request.query.split('&').find_map(|pair| pair.strip_prefix("portal="));
    asked.map_or_else(|| Ok(hub.first_portal()), |id| id.parse().map_err(|_| id.to_owned()))
}

fn body<T: DeserializeOwned>(request: &ApiRequest) -> Result<T, Complaint> {
    Ok(serde_json::from_slice(&request.body)?)
}
