//! The calls of the journal: entries by offset, subscriptions, snapshots, and the links to files.
//!
//! Opened by an app's own token (`client_credentials`) with the journal's scopes; any other token is a 401, as for the
//! other APIs of apps.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use rand_core::Rng;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::rates::Family;
use super::subscription::{Input, JOURNAL_SUBSCRIPTIONS_MAX, Subscription};
use super::{File, Journal, STATUSES_MAX, Status, iso};
use crate::credential::Stranger;
use crate::dice;
use crate::envelope::{self, Envelope};
use crate::model::segments;
use crate::oauth::Authority;
use crate::webhooks::{hex, hmac};
use crate::wire::{ApiAnswer, ApiRequest, Millis};

/// Where the links to files lead.
const FILES: &str = "_journal";
/// The entries, offsets or snapshots of one call.
const BATCH_MAX: usize = 100;

/// Says whether a path belongs to the journal.
pub(crate) fn recognise(segments: &[&str]) -> bool {
    rest(segments).is_some()
}

/// Says whether a path is a link to a file.
pub(crate) fn recognise_file(segments: &[&str]) -> bool {
    matches!(segments, [first, _] if *first == FILES)
}

/// The family and what follows it, in the legacy and the dated form.
fn rest<'a>(segments: &'a [&'a str]) -> Option<(&'a str, &'a [&'a str])> {
    let (family, tail) = match segments {
        ["webhooks", "v4", family, tail @ ..]
        | ["webhooks-journal", family, "v4" | "2026-03" | "2026-09", tail @ ..] => (*family, tail),
        _ => return None,
    };
    matches!(family, "journal" | "journal-local" | "subscriptions" | "snapshots").then_some((family, tail))
}

/// An answer, and the app that it was given to.
pub(crate) struct Handled {
    pub(crate) answer: ApiAnswer,
    pub(crate) app_id: Option<u64>,
}

type Outcome<T = ApiAnswer> = Result<T, Envelope>;

#[derive(Debug, Deserialize)]
struct Offsets {
    inputs: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SnapshotInput {
    snapshot_requests: Option<Vec<SnapshotRequest>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SnapshotRequest {
    portal_id: u64,
    object_type_id: String,
    object_id: u64,
    #[serde(default)]
    properties: Vec<String>,
}

/// One call under way.
struct Call<'a> {
    request: &'a ApiRequest,
    app_id: u64,
    /// Only entries of this portal.
    portal: Option<u64>,
    portals: &'a BTreeSet<u64>,
    now: Millis,
}

impl Journal {
    /// Answers one call.
    pub(crate) fn handle(
        &mut self,
        request: &ApiRequest,
        authority: &Authority,
        portals: &BTreeSet<u64>,
        now: Millis,
        dice: &mut dyn Rng,
    ) -> Handled {
        let decoded = segments(&request.path);
        let segments: Vec<&str> = decoded.iter().map(|segment| &**segment).collect();
        if let [_, offset] = segments.as_slice()
            && recognise_file(&segments)
        {
            return Handled { answer: self.file(offset, request, now), app_id: None };
        }
        let token = request.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = token.and_then(|value| value.split_once(' ')).map(|(_, token)| token.trim());
        let Some((app_id, scopes)) = token.and_then(|token| authority.app_token(token, now)) else {
            return Handled { answer: Stranger::Missing.answer(now, dice), app_id: None };
        };
        let answer = match rest(&segments) {
            Some((family, tail)) => {
                let portal = request.query.split('&').find_map(|pair| pair.strip_prefix("installPortalId="));
                let call = Call { request, app_id, portal: portal.and_then(|id| id.parse().ok()), portals, now };
                let allowed = allow(family, tail, request, scopes).and_then(|family| self.count(app_id, family, now));
                allowed.and_then(|()| self.dispatch(family, tail, &call, dice))
            }
            None => Ok(envelope::html(404, "Not Found")),
        };
        let answer = answer.unwrap_or_else(|refusal| refusal.answer(now, dice));
        Handled { answer, app_id: Some(app_id) }
    }

    fn count(&mut self, app_id: u64, family: Family, now: Millis) -> Outcome<()> {
        if self.rates.admit(app_id, family, now) {
            return Ok(());
        }
        let refusal = Envelope::new(429, "You have reached your secondly limit.").error_type("RATE_LIMIT");
        Err(refusal.with("policyName", "SECONDLY"))
    }

    fn dispatch(&mut self, family: &str, tail: &[&str], call: &Call<'_>, dice: &mut dyn Rng) -> Outcome {
        let method = &call.request.method;
        match (family, tail, method) {
            ("journal" | "journal-local", tail, _) => self.read(tail, call),
            ("subscriptions", [], &Method::GET) => {
                let own = self.subscriptions.values().filter(|known| known.app_id == call.app_id);
                let results: Vec<Value> = own.map(Subscription::json).collect();
                Ok(envelope::json(200, &json!({"results": results})))
            }
            ("subscriptions", [], &Method::POST) => self.subscribe(call),
            ("subscriptions", ["portals", portal], &Method::DELETE) => {
                let portal: u64 = portal.parse().map_err(|_| unreadable("portalId"))?;
                let app_id = call.app_id;
                self.subscriptions.retain(|_, known| known.app_id != app_id || known.portal_id != Some(portal));
                Ok(no_content())
            }
            ("subscriptions", [id], &Method::GET) => {
                let known = self.own(id, call.app_id)?;
                Ok(envelope::json(200, &known.json()))
            }
            ("subscriptions", [id], &Method::DELETE) => {
                let id = self.own(id, call.app_id)?.id;
                self.subscriptions.remove(&id);
                Ok(no_content())
            }
            ("snapshots", ["crm"], &Method::POST) => self.order_snapshots(call, dice),
            ("subscriptions", [] | [_] | ["portals", _], _) | ("snapshots", ["crm"], _) => {
                Ok(envelope::html(405, "Method Not Allowed"))
            }
            _ => Ok(envelope::html(404, "Not Found")),
        }
    }

    fn own(&self, id: &str, app_id: u64) -> Outcome<&Subscription> {
        let id: u64 = id.parse().map_err(|_| unreadable("subscriptionId"))?;
        self.subscriptions.get(&id).filter(|known| known.app_id == app_id).ok_or_else(missing)
    }

    fn subscribe(&mut self, call: &Call<'_>) -> Outcome {
        let input: Input = body(call.request)?;
        let mut made =
            Subscription::new(input, call.app_id, self.next_subscription, call.now).map_err(|why| invalid(&why))?;
        if made.portal_id.is_some_and(|portal| !call.portals.contains(&portal)) {
            return Err(invalid("The app is not installed in this portal"));
        }
        if let Some(old) = self.subscriptions.values().find(|known| known.is_about_the_same(&made)) {
            (made.id, made.created_at) = (old.id, old.created_at);
        } else {
            let own = self.subscriptions.values().filter(|known| known.app_id == call.app_id).count();
            if own >= JOURNAL_SUBSCRIPTIONS_MAX {
                let message = format!("An app has at most {JOURNAL_SUBSCRIPTIONS_MAX} journal subscriptions");
                return Err(invalid(&message));
            }
            self.next_subscription += 1;
        }
        let shown = made.json();
        self.subscriptions.insert(made.id, made);
        Ok(envelope::json(200, &shown))
    }

    /// Calls about entries.
    fn read(&self, tail: &[&str], call: &Call<'_>) -> Outcome {
        let is_post = call.request.method == Method::POST;
        match tail {
            ["batch", "read"] if is_post => self.read_offsets(call),
            _ if call.request.method != Method::GET => Ok(envelope::html(405, "Method Not Allowed")),
            ["earliest"] => Ok(one(self.entries(call).next().map(|file| self.link(file, call)))),
            ["latest"] => Ok(one(self.entries(call).next_back().map(|file| self.link(file, call)))),
            ["offset", offset, "next"] => {
                let next = self.after(offset, call)?.next();
                Ok(one(next.map(|file| self.link(file, call))))
            }
            ["batch", "earliest", count] => Ok(self.many(self.entries(call).take(number(count)?), call)),
            ["batch", "latest", count] => {
                let mut latest: Vec<&File> = self.entries(call).rev().take(number(count)?).collect();
                latest.reverse();
                Ok(self.many(latest.into_iter(), call))
            }
            ["batch", offset, "next", count] => {
                let count = number(count)?;
                Ok(self.many(self.after(offset, call)?.take(count), call))
            }
            ["status", id] => self.status(id, call),
            _ => Ok(envelope::html(404, "Not Found")),
        }
    }

    /// The published files that the app may read, oldest first.
    fn entries<'a>(&'a self, call: &Call<'_>) -> impl DoubleEndedIterator<Item = &'a File> + use<'a> {
        let (app_id, portal) = (call.app_id, call.portal);
        let is_own = move |file: &&File| file.app_id == app_id && portal.is_none_or(|id| id == file.portal_id);
        self.files.values().filter(is_own)
    }

    /// The files after an offset; one that is not kept any more is unknown.
    fn after<'a>(&'a self, offset: &str, call: &Call<'_>) -> Outcome<impl Iterator<Item = &'a File> + use<'a>> {
        let place = self.place(offset, call).ok_or_else(missing)?;
        let (app_id, portal) = (call.app_id, call.portal);
        let is_own = move |file: &&File| file.app_id == app_id && portal.is_none_or(|id| id == file.portal_id);
        Ok(self.files.range(place + 1..).map(|(_, file)| file).filter(is_own))
    }

    fn place(&self, offset: &str, call: &Call<'_>) -> Option<u64> {
        let place = *self.by_offset.get(offset)?;
        self.files.get(&place).filter(|file| file.app_id == call.app_id).map(|_| place)
    }

    fn link(&self, file: &File, call: &Call<'_>) -> Value {
        let expires = call.now.0.saturating_add(i64::try_from(self.spec.link_ms).unwrap_or(i64::MAX));
        let signature = self.sign(&file.offset, expires);
        let url = format!("{}/{FILES}/{}?expires={expires}&signature={signature}", base(call.request), file.offset);
        json!({"url": url, "expiresAt": iso(Millis(expires)), "currentOffset": file.offset})
    }

    fn sign(&self, offset: &str, expires: i64) -> String {
        hex(&hmac(&self.link_key, &[offset.as_bytes(), expires.to_string().as_bytes()]))
    }

    fn many<'a>(&self, files: impl Iterator<Item = &'a File>, call: &Call<'_>) -> ApiAnswer {
        let results: Vec<Value> = files.map(|file| self.link(file, call)).collect();
        envelope::json(200, &batch(&results, call.now))
    }

    fn read_offsets(&self, call: &Call<'_>) -> Outcome {
        let inputs = body::<Offsets>(call.request)?.inputs.ok_or_else(|| unset("inputs"))?;
        if inputs.len() > BATCH_MAX {
            return Err(invalid(&format!("The maximum number of inputs supported in a batch is {BATCH_MAX}.")));
        }
        let (mut results, mut unknown) = (Vec::new(), Vec::new());
        for offset in inputs {
            match self.place(&offset, call).and_then(|place| self.files.get(&place)) {
                Some(file) => results.push(self.link(file, call)),
                None => unknown.push(offset),
            }
        }
        let mut answer = batch(&results, call.now);
        if unknown.is_empty() {
            return Ok(envelope::json(200, &answer));
        }
        if let Some(fields) = answer.as_object_mut() {
            let error = json!({"status": "error", "category": "OBJECT_NOT_FOUND", "message": "Offsets not found",
                               "context": {"ids": unknown}});
            fields.insert("numErrors".into(), 1.into());
            fields.insert("errors".into(), json!([error]));
        }
        Ok(envelope::json(207, &answer))
    }

    fn status(&self, id: &str, call: &Call<'_>) -> Outcome {
        let status = self.statuses.get(id).filter(|status| status.app_id == call.app_id).ok_or_else(missing)?;
        let mut out = json!({"id": id, "status": "PENDING", "initiatedAt": iso(status.initiated)});
        if let (Some((at, found)), Some(fields)) = (status.ended, out.as_object_mut()) {
            fields.insert("status".into(), if found { "SUCCESS" } else { "FAILED" }.into());
            fields.insert("completedAt".into(), iso(at));
            if !found {
                fields.insert("errorCode".into(), "VALIDATION_ERROR".into());
                fields.insert("message".into(), "There is no such record".into());
            }
        }
        Ok(envelope::json(200, &out))
    }

    fn order_snapshots(&mut self, call: &Call<'_>, dice: &mut dyn Rng) -> Outcome {
        let input: SnapshotInput = body(call.request)?;
        let requests = input.snapshot_requests.ok_or_else(|| unset("snapshotRequests"))?;
        if requests.len() > BATCH_MAX {
            return Err(invalid(&format!("At most {BATCH_MAX} snapshots can be requested at once")));
        }
        let mut responses = Vec::new();
        for SnapshotRequest { portal_id, object_type_id, object_id, properties } in requests {
            let id = dice::uuid_v7(call.now, dice);
            if self.statuses.len() >= STATUSES_MAX {
                // Ids begin with their time, so the first is the oldest.
                self.statuses.pop_first();
            }
            self.statuses.insert(id.clone(), Status { app_id: call.app_id, initiated: call.now, ended: None });
            responses.push(json!({"portalId": portal_id, "objectTypeId": object_type_id, "objectId": object_id,
                                  "snapshotStatusId": id}));
            self.wanted.push((id, portal_id, object_type_id, object_id, properties));
        }
        Ok(envelope::json(200, &json!({"snapshotResponses": responses})))
    }

    /// The file that a link leads to, as from a store of files: no JSON envelope around its refusals.
    fn file(&self, offset: &str, request: &ApiRequest, now: Millis) -> ApiAnswer {
        let field = |name: &str| {
            let found = request.query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
            found.map(|(_, value)| value)
        };
        let expires: Option<i64> = field("expires").and_then(|text| text.parse().ok());
        let signed = expires.filter(|at| field("signature") == Some(&self.sign(offset, *at)));
        let Some(expires) = signed else { return refused("SignatureDoesNotMatch") };
        if now.0 >= expires {
            return refused("AccessDenied");
        }
        let Some(file) = self.by_offset.get(offset).and_then(|place| self.files.get(place)) else {
            return envelope::html(404, "Not Found");
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        ApiAnswer { status: 200, headers, body: file.body.clone() }
    }
}

/// The scope that a call needs, and what it counts as.
fn allow(family: &str, tail: &[&str], request: &ApiRequest, scopes: &[String]) -> Outcome<Family> {
    let (scope, family) = match (family, &request.method) {
        ("subscriptions", &Method::GET) => ("developer.webhooks_journal.subscriptions.read", Family::Subscriptions),
        ("subscriptions", _) => ("developer.webhooks_journal.subscriptions.write", Family::Subscriptions),
        ("snapshots", _) => ("developer.webhooks_journal.snapshots.write", Family::Snapshots),
        _ if matches!(tail, ["status", _]) => ("developer.webhooks_journal.snapshots.read", Family::Journal),
        _ => ("developer.webhooks_journal.read", Family::Journal),
    };
    if scopes.iter().any(|granted| granted == scope) {
        return Ok(family);
    }
    let message = "This app hasn't been granted all required scopes to make this call. Read more about required scopes \
                   here: https://developers.hubspot.com/scopes.";
    let error = json!({"message": "One or more of the following scopes are required.",
                       "context": {"requiredGranularScopes": [scope]}});
    Err(Envelope::new(403, message).with("errors", json!([error])).with("category", "MISSING_SCOPES"))
}

fn one(link: Option<Value>) -> ApiAnswer {
    link.map_or_else(no_content, |link| envelope::json(200, &link))
}

fn batch(results: &[Value], now: Millis) -> Value {
    json!({"status": "COMPLETE", "results": results, "startedAt": iso(now), "completedAt": iso(now)})
}

fn number(text: &str) -> Outcome<usize> {
    let count: usize = text.parse().map_err(|_| unreadable("count"))?;
    if (1..=BATCH_MAX).contains(&count) {
        Ok(count)
    } else {
        Err(invalid(&format!("count must be between 1 and {BATCH_MAX}")))
    }
}

fn body<T: DeserializeOwned>(request: &ApiRequest) -> Outcome<T> {
    serde_json::from_slice(&request.body).map_err(|error| {
        let text = error.to_string();
        let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
        Envelope::new(400, format!("Invalid input JSON on line {}, column {}: {reason}", error.line(), error.column()))
    })
}

/// The address that the caller asked, for links.
fn base(request: &ApiRequest) -> String {
    let field = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    match field("host") {
        None | Some("" | "api.hubapi.com") => "https://api.hubapi.com".to_owned(),
        Some(host) => format!("{}://{host}", field("x-forwarded-proto").unwrap_or("http")),
    }
}

fn refused(code: &str) -> ApiAnswer {
    envelope::verbatim(403, format!("<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code></Error>\n"))
}

fn unset(field: &str) -> Envelope {
    Envelope::new(400, format!("Invalid input JSON on line 1, column 1: Some required fields were not set: [{field}]"))
}

fn invalid(message: &str) -> Envelope {
    Envelope::new(400, message).with("category", "VALIDATION_ERROR")
}

fn unreadable(name: &str) -> Envelope {
    Envelope::new(400, format!("Unable to parse value for path parameter: {name}"))
}

fn missing() -> Envelope {
    Envelope::new(404, "resource not found")
}

fn no_content() -> ApiAnswer {
    ApiAnswer { status: 204, headers: HeaderMap::new(), body: Bytes::new() }
}
