//! Webhooks and their journal, driven by hand: a hub, its dice, and a receiver that is this test.

mod api;
mod delivery;
mod events;
mod flood;
mod journal;
mod sockets;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use linchpin_simulator::hub::Outcome;
use linchpin_simulator::webhooks::{
    Delivery, DeliveryOutcome, DeliverySpec, SubscriptionSpec, WebhookAppSpec, WebhookSpec,
};
use linchpin_simulator::wire::{ApiAnswer, ApiRequest, Millis};
use linchpin_simulator::{DeveloperKey, Hub, OauthAppSpec, SimOptions, Tier, TokenSpec};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use serde_json::{Value, json};

use crate::{CONTACTS, NOON, TOKEN};

/// A private app that is told of the first portal.
const APP: u64 = 36_665_006;
/// A public app.
const PUBLIC: u64 = 71;
const SECRET: &str = "3f2a9c1e-7b4d-4c8e-9a10-5d6e7f809123";
const TARGET: &str = "http://127.0.0.1:9/hs/webhooks";
const PORTAL: u64 = 48_151_623;
const KEY: &str = "developer-key-1";

/// A hub that is driven by hand.
struct Bench {
    hub: Hub,
    dice: ChaCha8Rng,
    now: i64,
}

fn options() -> SimOptions {
    let mut options = SimOptions {
        tokens: vec![TokenSpec::new(TOKEN, 7)],
        oauth_apps: vec![OauthAppSpec::new("client-1", "secret-1", PUBLIC)],
        developer_key: Some(DeveloperKey(KEY.into())),
        tier: Tier::Unlimited,
        seed: 7,
        ..SimOptions::default()
    };
    // What HubSpot fills in later would be told as well.
    options.portal.late_properties = false;
    options
}

/// The app with subscriptions `type` or `type:property`, `object.*` ones as `0-1/object.creation`.
fn app(subscriptions: &[&str]) -> WebhookAppSpec {
    let subscriptions = subscriptions.iter().map(|text| {
        let (object, text) = text.split_once('/').map_or((None, *text), |(object, rest)| (Some(object), rest));
        let (event_type, property) = text.split_once(':').map_or((text, None), |(kind, name)| (kind, Some(name)));
        SubscriptionSpec { object_type_id: object.map(str::to_owned), ..SubscriptionSpec::new(event_type, property) }
    });
    WebhookAppSpec { subscriptions: subscriptions.collect(), ..WebhookAppSpec::new(APP, SECRET, TARGET) }
}

/// Deliveries that leave at once.
fn at_once() -> DeliverySpec {
    DeliverySpec { delay_ms: [0, 0], ..DeliverySpec::default() }
}

fn spec(subscriptions: &[&str]) -> WebhookSpec {
    WebhookSpec { apps: vec![app(subscriptions)], delivery: Some(at_once()), ..WebhookSpec::default() }
}

impl Bench {
    fn new(spec: WebhookSpec) -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(7);
        let mut hub = Hub::new(&options(), NOON, &mut dice).unwrap();
        hub.configure_webhooks(spec).unwrap();
        Self { hub, dice, now: NOON.0 }
    }

    fn listening_to(subscriptions: &[&str]) -> Self {
        Self::new(spec(subscriptions))
    }

    fn request(&mut self, method: Method, path: &str, token: Option<&str>, body: &Value) -> ApiAnswer {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::HOST, HeaderValue::from_static("sim.example.test"));
        if let Some(token) = token {
            headers.insert(header::AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}")).unwrap());
        }
        let body = match body {
            Value::Null => Bytes::new(),
            Value::String(form) => {
                let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
                headers.insert(header::CONTENT_TYPE, kind);
                Bytes::from(form.clone())
            }
            other => Bytes::from(other.to_string()),
        };
        let request = ApiRequest { method, path: path.into(), query: query.into(), headers, body };
        self.hub.arrive(request, Millis(self.now), &mut self.dice);
        self.hub.advance(Millis(self.now), &mut self.dice);
        match self.hub.take_answers().remove(0).1 {
            Outcome::Answered(answer) => answer,
            other => panic!("no answer: {other:?}"),
        }
    }

    /// One call with the portal's token, which must succeed.
    fn call(&mut self, method: Method, path: &str, body: &Value) -> Value {
        let answer = self.request(method, path, Some(TOKEN), body);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!((200..300).contains(&answer.status), "{} {path}: {text}", answer.status);
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    fn create(&mut self, object_type: &str, properties: &Value) -> u64 {
        let body = json!({"properties": properties});
        let made = self.call(Method::POST, &format!("/crm/v3/objects/{object_type}"), &body);
        made["id"].as_str().unwrap().parse().unwrap()
    }

    fn update(&mut self, id: u64, properties: &Value) {
        self.call(Method::PATCH, &format!("{CONTACTS}/{id}"), &json!({"properties": properties}));
    }

    fn delete(&mut self, id: u64) {
        self.call(Method::DELETE, &format!("{CONTACTS}/{id}"), &Value::Null);
    }

    /// Lets time pass and takes the POSTs that it brings.
    fn later(&mut self, ms: i64) -> Vec<Delivery> {
        self.now += ms;
        self.hub.advance(Millis(self.now), &mut self.dice);
        self.hub.take_deliveries()
    }

    /// Lets time pass until something is sent.
    fn next_posts(&mut self) -> Vec<Delivery> {
        loop {
            let due = self.hub.next_due().expect("something is under way");
            let deliveries = self.later((due.0 - self.now).max(0));
            if !deliveries.is_empty() {
                return deliveries;
            }
        }
    }

    fn end(&mut self, delivery: &Delivery, outcome: &DeliveryOutcome) {
        self.hub.delivery_answered(delivery.id, outcome, Millis(self.now), &mut self.dice);
    }

    fn answer(&mut self, delivery: &Delivery, status: u16) {
        self.end(delivery, &DeliveryOutcome::status(status));
    }

    /// Everything that is sent now, every POST answered with 200.
    fn told(&mut self) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let deliveries = self.later(0);
            if deliveries.is_empty() {
                return events;
            }
            for delivery in deliveries {
                events.extend(body(&delivery));
                self.answer(&delivery, 200);
            }
        }
    }
}

fn body(delivery: &Delivery) -> Vec<Value> {
    serde_json::from_slice(&delivery.body).unwrap()
}

fn json_of(answer: &ApiAnswer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

fn keys(event: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = event.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}
