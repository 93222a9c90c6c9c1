//! A hub for one exchange, prepared as the recorded account was.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use linchpin_simulator::{
    Credential, Hub, PORTAL_ID_DEFAULT, Profile, SimOptions, TokenSpec, WindowModel,
    hub::Outcome,
    wire::{ApiAnswer, ApiRequest, Millis},
};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde_json::Value;

/// 17 February 2022, 19:00 UTC.
const START: i64 = 1_645_124_400_000;

pub(super) struct Desk {
    hub: Hub,
    dice: ChaCha8Rng,
    now: i64,
    pub(super) token: &'static str,
}

impl Desk {
    pub(super) fn new(profile: Profile) -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(1);
        let mut options = SimOptions {
            profile,
            window: WindowModel::Seconds,
            tokens: vec![
                TokenSpec::new("key", 1),
                TokenSpec { scopes: Some(vec!["oauth".to_owned()]), ..TokenSpec::new("narrow", 3) },
            ],
            ..SimOptions::default()
        };
        options.portal.property_lag = false;
        options.portal.late_properties = false;
        let mut hub = Hub::new(&options, Millis(START), &mut dice).unwrap();
        hub.add_credential("oauth".to_owned(), Credential::oauth_app(PORTAL_ID_DEFAULT, 2));
        Self { hub, dice, now: START, token: "key" }
    }

    /// One call; a `token` that is empty sends none.
    pub(super) fn send(&mut self, method: &str, target: &str, body: &Value) -> ApiAnswer {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers = HeaderMap::new();
        if !self.token.is_empty() {
            headers.insert("authorization", HeaderValue::try_from(format!("Bearer {}", self.token)).unwrap());
        }
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let request = ApiRequest {
            method: Method::from_bytes(method.as_bytes()).unwrap(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body,
        };
        self.hub.arrive(request, Millis(self.now), &mut self.dice);
        self.hub.advance(Millis(self.now), &mut self.dice);
        match self.hub.take_answers().remove(0).1 {
            Outcome::Answered(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    /// A call that prepares something.
    pub(super) fn prepare(&mut self, method: &str, target: &str, body: &Value) -> Value {
        let token = std::mem::replace(&mut self.token, "key");
        let answer = self.send(method, target, body);
        self.token = token;
        assert!(answer.status < 300, "{method} {target} {body}: {}", String::from_utf8_lossy(&answer.body));
        serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
    }

    /// A new record's id.
    pub(super) fn make(&mut self, object_type: &str, properties: &Value) -> String {
        let body = serde_json::json!({ "properties": properties });
        self.prepare("POST", &format!("/crm/v3/objects/{object_type}"), &body)["id"].as_str().unwrap().to_owned()
    }

    /// Forgets the calls that prepared: they are as old as a minute.
    pub(super) fn settle(&mut self) {
        self.now += 60_000;
    }

    pub(super) fn arm(&mut self, fault: &Value) {
        self.hub.arm_faults(vec![serde_json::from_value(fault.clone()).unwrap()]).unwrap();
    }
}
