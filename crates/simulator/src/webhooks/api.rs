//! HubSpot's management API: settings and subscriptions of an app, opened by the developer key.
//!
//! Source: HubSpot's webhooks guide and API reference; the 401 for a private app's token is recorded. The texts of the
//! other refusals are ours where no source has them.

use http::{HeaderMap, Method};
use rand_core::Rng;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Webhooks;
use super::app::{App, Hears, Settings, Subscription, check_target, iso};
use super::spec::{CONCURRENT_MIN, SUBSCRIPTIONS_MAX};
use super::topic::Topic;
use crate::credential::Stranger;
use crate::envelope::{self, Envelope};
use crate::model::{decode, segments};
use crate::wire::{ApiAnswer, ApiRequest, Millis};

/// The inputs of a batch.
const INPUTS_MAX: usize = 100;

/// Says whether a path belongs to this API: `/webhooks/{version}/{appId}/..` or `/app-webhooks/{version}/{appId}/..`.
pub(crate) fn recognise(segments: &[&str]) -> bool {
    rest(segments).is_some()
}

/// The app and what follows it.
fn rest<'a>(segments: &'a [&'a str]) -> Option<(&'a str, &'a [&'a str])> {
    match segments {
        ["webhooks", "v3" | "2026-03", app, tail @ ..] | ["app-webhooks", "2025-09" | "2026-09", app, tail @ ..] => {
            Some((app, tail))
        }
        _ => None,
    }
}

/// A refusal, before it has a correlation id.
type Outcome<T = ApiAnswer> = Result<T, Envelope>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SettingsInput {
    target_url: Option<String>,
    throttling: Option<Throttling>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Throttling {
    max_concurrent_requests: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CreateInput {
    event_type: Option<String>,
    property_name: Option<String>,
    object_type_id: Option<String>,
    active: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ActiveInput {
    active: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct BatchInput {
    inputs: Option<Vec<BatchOne>>,
}

#[derive(Debug, Deserialize)]
struct BatchOne {
    id: Option<Value>,
    active: Option<bool>,
}

impl Webhooks {
    /// Answers one call of the management API.
    pub(crate) fn handle(&mut self, request: &ApiRequest, now: Millis, dice: &mut dyn Rng) -> ApiAnswer {
        if let Some(refusal) = self.refuse_stranger(request, now, dice) {
            return refusal;
        }
        let decoded = segments(&request.path);
        let segments: Vec<&str> = decoded.iter().map(|segment| &**segment).collect();
        let Some((app_id, tail)) = rest(&segments) else { return envelope::html(404, "Not Found") };
        match self.dispatch(app_id, tail, request, now) {
            Ok(answer) => answer,
            Err(refusal) => refusal.answer(now, dice),
        }
    }

    /// Nothing for the developer key; a wrong key and no key are refused differently.
    fn refuse_stranger(&self, request: &ApiRequest, now: Millis, dice: &mut dyn Rng) -> Option<ApiAnswer> {
        let given = request.query.split('&').find_map(|pair| pair.strip_prefix("hapikey="));
        let Some(given) = given.filter(|key| !key.is_empty()) else {
            return Some(Stranger::Missing.answer(now, dice));
        };
        if self.developer_key.as_deref() == Some(&*decode(given, true)) {
            return None;
        }
        let message = "The API key provided is invalid. View or manage your API key here: \
                       https://app.hubspot.com/l/api-key/";
        Some(Envelope::new(401, message).with("category", "INVALID_AUTHENTICATION").answer(now, dice))
    }

    fn dispatch(&mut self, app_id: &str, tail: &[&str], request: &ApiRequest, now: Millis) -> Outcome {
        let id: u64 =
            app_id.parse().map_err(|_| Envelope::new(400, "Unable to parse value for path parameter: appId"))?;
        self.open_app(id)?;
        match (tail, &request.method) {
            (["settings"], &Method::GET) => {
                let shown = self.app(id)?.settings_json();
                shown.map(|body| envelope::json(200, &body)).ok_or_else(missing)
            }
            (["settings"], &Method::PUT) => self.put_settings(id, request, now),
            (["settings"], &Method::DELETE) => {
                self.app_mut(id)?.settings = None;
                Ok(no_content())
            }
            (["subscriptions"], &Method::GET) => {
                let all: Vec<Value> = self.app(id)?.subscriptions.values().map(Subscription::json).collect();
                Ok(envelope::json(200, &json!({"results": all})))
            }
            (["subscriptions"], &Method::POST) => self.create_subscription(id, request, now),
            (["subscriptions", "batch", "update"], &Method::POST) => self.update_batch(id, request, now),
            (["subscriptions", one], &Method::GET) => {
                let one = self.app(id)?.subscriptions.get(&number(one)?).ok_or_else(missing)?;
                Ok(envelope::json(200, &one.json()))
            }
            (["subscriptions", one], &Method::PATCH) => {
                let input: ActiveInput = body(request)?;
                let active = input.active.ok_or_else(|| unset("active"))?;
                let shown = self.activate(id, number(one)?, active, now)?;
                Ok(envelope::json(200, &shown))
            }
            (["subscriptions", one], &Method::DELETE) => {
                let one = number(one)?;
                let app = self.app_mut(id)?;
                app.subscriptions.remove(&one).ok_or_else(missing)?;
                app.reindex();
                Ok(no_content())
            }
            (["settings" | "subscriptions"] | ["subscriptions", ..], _) if tail.len() < 3 => {
                Ok(envelope::html(405, "Method Not Allowed"))
            }
            _ => Ok(envelope::html(404, "Not Found")),
        }
    }

    /// Makes room for an OAuth app that has not had webhooks before.
    fn open_app(&mut self, id: u64) -> Outcome<()> {
        if self.apps.contains_key(&id) {
            return Ok(());
        }
        let secret = self.public.get(&id).cloned().ok_or_else(missing)?;
        self.apps.insert(id, App::new(id, secret, Hears::Installed));
        Ok(())
    }

    fn app(&self, id: u64) -> Outcome<&App> {
        self.apps.get(&id).ok_or_else(missing)
    }

    fn app_mut(&mut self, id: u64) -> Outcome<&mut App> {
        self.apps.get_mut(&id).ok_or_else(missing)
    }

    fn put_settings(&mut self, id: u64, request: &ApiRequest, now: Millis) -> Outcome {
        let input: SettingsInput = body(request)?;
        let target = input.target_url.ok_or_else(|| unset("targetUrl"))?;
        let throttling = input.throttling.ok_or_else(|| unset("throttling"))?;
        let concurrent = throttling.max_concurrent_requests.ok_or_else(|| unset("maxConcurrentRequests"))?;
        if check_target(&target).is_err() || !is_private(&target) {
            return Err(invalid("targetUrl must be an https URL"));
        }
        if concurrent < CONCURRENT_MIN || super::app::check_concurrent(concurrent).is_err() {
            return Err(invalid("maxConcurrentRequests must be greater than 5"));
        }
        let app = self.app_mut(id)?;
        let created_at = app.settings.as_ref().map_or(now, |settings| settings.created_at);
        app.settings = Some(Settings { target, concurrent, created_at, updated_at: Some(now) });
        let shown = app.settings_json().ok_or_else(missing)?;
        Ok(envelope::json(200, &shown))
    }

    fn create_subscription(&mut self, id: u64, request: &ApiRequest, now: Millis) -> Outcome {
        let input: CreateInput = body(request)?;
        let event_type = input.event_type.ok_or_else(|| unset("eventType"))?;
        let custom = self.app(id)?.hears != Hears::Installed;
        let topic = Topic::new(&event_type, input.object_type_id.as_deref(), input.property_name.as_deref(), custom)
            .map_err(|error| invalid(error.to_string()))?;
        let app = self.app(id)?;
        if app.subscriptions.len() >= SUBSCRIPTIONS_MAX {
            return Err(invalid(format!(
                "Couldn't create another subscription. You've reached the maximum number allowed per application \
                 ({SUBSCRIPTIONS_MAX})."
            )));
        }
        if let Some(twin) = app.twin_of(&topic) {
            let message = format!("A subscription to {event_type} already exists. Existing ID: {}", twin.id);
            return Err(Envelope::new(409, message).with("category", "CONFLICT"));
        }
        let Some(mut app) = self.apps.remove(&id) else { return Err(missing()) };
        let made = self.subscribe(&mut app, topic, input.active.unwrap_or(false), now);
        let shown = app.subscriptions.get(&made).map(Subscription::json).ok_or_else(missing);
        self.apps.insert(id, app);
        shown.map(|body| envelope::json(201, &body))
    }

    /// Switches a subscription on or off, the only thing about it that can change.
    fn activate(&mut self, app_id: u64, id: u64, active: bool, now: Millis) -> Outcome<Value> {
        let app = self.app_mut(app_id)?;
        let known = app.subscriptions.get_mut(&id).ok_or_else(missing)?;
        known.active = active;
        known.updated_at = Some(now);
        let shown = known.json();
        app.reindex();
        Ok(shown)
    }

    fn update_batch(&mut self, app_id: u64, request: &ApiRequest, now: Millis) -> Outcome {
        let inputs = body::<BatchInput>(request)?.inputs.unwrap_or_default();
        if inputs.len() > INPUTS_MAX {
            return Err(invalid(format!(
                "The maximum number of inputs supported in a batch is {INPUTS_MAX}. Please reduce the number of items \
                 and try again"
            )));
        }
        if inputs.iter().any(|input| input.active.is_none()) {
            return Err(unset("active"));
        }
        let (mut results, mut unknown) = (Vec::new(), Vec::new());
        for input in inputs {
            let text = input.id.map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned)).unwrap_or_default();
            let id = text.parse().ok().zip(input.active);
            let done = id.and_then(|(id, active)| self.activate(app_id, id, active, now).ok());
            match done {
                Some(shown) => results.push(shown),
                None => unknown.push(text),
            }
        }
        let status = if unknown.is_empty() { 200 } else { 207 };
        let mut answer =
            json!({"status": "COMPLETE", "results": results, "startedAt": iso(now), "completedAt": iso(now)});
        if let (false, Some(fields)) = (unknown.is_empty(), answer.as_object_mut()) {
            let error = json!({"status": "error", "category": "OBJECT_NOT_FOUND", "message": "Subscriptions not found",
                               "context": {"ids": unknown}});
            fields.insert("numErrors".into(), 1.into());
            fields.insert("errors".into(), json!([error]));
        }
        Ok(envelope::json(status, &answer))
    }
}

/// https, or a receiver on the same desk: a simulator that could not reach one would be of no use.
fn is_private(url: &str) -> bool {
    let uri: Option<http::Uri> = url.parse().ok();
    uri.is_some_and(|uri| {
        uri.scheme_str() == Some("https") || matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]"))
    })
}

fn number(text: &str) -> Outcome<u64> {
    text.parse().map_err(|_| Envelope::new(400, "Unable to parse value for path parameter: subscriptionId"))
}

fn body<T: DeserializeOwned>(request: &ApiRequest) -> Outcome<T> {
    serde_json::from_slice(&request.body).map_err(|error| {
        let text = error.to_string();
        let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
        Envelope::new(400, format!("Invalid input JSON on line {}, column {}: {reason}", error.line(), error.column()))
    })
}

fn unset(field: &str) -> Envelope {
    Envelope::new(400, format!("Invalid input JSON on line 1, column 1: Some required fields were not set: [{field}]"))
}

fn invalid(message: impl Into<String>) -> Envelope {
    Envelope::new(400, message).with("category", "VALIDATION_ERROR")
}

fn missing() -> Envelope {
    Envelope::new(404, "resource not found")
}

fn no_content() -> ApiAnswer {
    ApiAnswer { status: 204, headers: HeaderMap::new(), body: bytes::Bytes::new() }
}
