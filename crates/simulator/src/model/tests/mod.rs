//! Tests of whole calls: bodies as fixtures, sequences as properties.

mod association_rules;
mod associations;
mod bin;
mod definitions;
mod errors;
pub(super) mod finding;
mod guesses;
mod kept;
mod late_values;
mod later;
mod legacy;
mod limits;
mod lists;
mod long_lists;
mod objects;
mod observed_links;
mod observed_reads;
mod observed_writes;
mod pipelines;
mod schemas;
mod search;
mod sequences;
mod twins;
mod users;
mod values;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::Value;

use super::{Caller, IndexLag, Portal, PortalOptions, RecordSource};
use crate::wire::{ApiAnswer, ApiRequest, Millis};

/// 2026-11-20T09:15:02.417Z.
pub(super) const NINE: i64 = 1_795_166_102_417;

/// A portal with a clock and dice.
pub(super) struct Desk {
    pub(super) portal: Portal,
    pub(super) now: i64,
    dice: ChaCha8Rng,
}

impl Desk {
    pub(super) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(super) fn with(change: impl FnOnce(&mut PortalOptions)) -> Self {
        let mut options = PortalOptions::new(48_151_623);
        options.index_lag = IndexLag::Off;
        options.property_lag = false;
        options.schema_lag = false;
        options.late_properties = false;
        change(&mut options);
        Self { portal: Portal::new(options, Millis(NINE)), now: NINE, dice: ChaCha8Rng::seed_from_u64(7) }
    }

    pub(super) fn answer(&mut self, method: &str, target: &str, body: &str) -> ApiAnswer {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        let request = ApiRequest {
            method: Method::from_bytes(method.as_bytes()).unwrap(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: Bytes::copy_from_slice(body.as_bytes()),
        };
        let caller = Caller { app_id: 7007, source: RecordSource::Integration };
        self.portal.handle(&request, &caller, Millis(self.now), &mut self.dice)
    }

    /// Sends a call and returns its status and its body, `null` when it is empty or no JSON.
    pub(super) fn send(&mut self, method: &str, target: &str, body: &str) -> (u16, Value) {
        let answer = self.answer(method, target, body);
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or(Value::Null))
    }

    pub(super) fn get(&mut self, target: &str) -> (u16, Value) {
        self.send("GET", target, "")
    }

    pub(super) fn post(&mut self, target: &str, body: &str) -> (u16, Value) {
        self.send("POST", target, body)
    }

    /// Creates a record and returns its id.
    pub(super) fn make(&mut self, object_type: &str, properties: &str) -> String {
        let body = format!("{{\"properties\":{properties}}}");
        let (status, made) = self.post(&format!("/crm/v3/objects/{object_type}"), &body);
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    }
}

/// Dice of a seed.
pub(super) fn dice(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}
