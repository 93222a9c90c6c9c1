//! Pending changes to one record, sent as one.
//!
//! While a change waits (for an earlier one of its record, for the budget, for its next try), others may come behind it.
//! What they leave together is the last value of each property, so one call that says it does the work of all. Each of
//! them still ends by itself, with the answer of that call.
//!
//! Only changes whose callers do not wait for an answer, of one caller, in one lane. Not merged is what leaves more
//! behind than its last value, see [`leaves_more`]; it goes in its turn, and nothing is merged across it. A value that a
//! later change replaces is never sent, so HubSpot does not judge it.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Method;
use linchpin_hubspot::id::RecordId;
use linchpin_hubspot::routes::{self, Operation};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Request, Write};
use crate::gateway::join;
use crate::schedule::lanes::Lane;

/// Changes that are sent as one, at most.
pub const MERGED_MAX: usize = 100;

/// Properties of which the way counts as well as its end. A lifecycle stage goes back only after a write that empties it
/// (<https://developers.hubspot.com/docs/guides/crm/using-object-apis>). Of the others HubSpot may
/// keep the date of each stage, or earlier addresses and domains; it does not say, so they go alone as well.
const KEPT_WAYS: [&str; 8] = [
    "dealstage",
    "domain",
    "email",
    "hs_lead_status",
    "hs_pipeline",
    "hs_pipeline_stage",
    "lifecyclestage",
    "pipeline",
];

/// What changes have in common that may be sent as one, as far as it is known without their bodies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Likeness {
    caller: String,
    lane: Lane,
    target: String,
}

impl Likeness {
    /// Of a write that may be sent with others. None of one that goes alone.
    pub fn of(write: &Write) -> Option<Self> {
        let Request { lane, method, target, .. } = &write.request;
        let route = routes::classify(&Method::from_bytes(method.as_bytes()).ok()?, target);
        let names_a_record = route.id.is_some_and(|id| id.parse::<RecordId>().is_ok()) && !target.contains('?');
        let merges = write.acknowledged && route.operation == Operation::ObjectUpdate && names_a_record;
        merges.then(|| Self { caller: write.caller.clone(), lane: *lane, target: target.clone() })
    }
}

/// Whether setting a property leaves more behind than this value: HubSpot keeps the way, or adds a value that begins with
/// a semicolon to those that are there.
fn leaves_more(name: &str, value: &str) -> bool {
    KEPT_WAYS.contains(&name) || value.starts_with(';')
}

/// Changes that are sent as one.
#[derive(Debug)]
pub struct Merge {
    likeness: Option<Likeness>,
    last: Request,
    changes: usize,
    values: BTreeMap<String, Box<RawValue>>,
}

#[derive(Serialize)]
struct Body {
    properties: BTreeMap<String, Box<RawValue>>,
}

impl Merge {
    /// Begins with a write, whatever it is.
    pub fn new(first: &Write) -> Self {
        let (likeness, values) = Likeness::of(first).zip(values(&first.request)).unzip();
        Self { likeness, last: first.request.clone(), changes: 1, values: values.unwrap_or_default() }
    }

    /// Adds the next one. False if it has to go in a call of its own, after this one.
    pub fn add(&mut self, next: &Write) -> bool {
        let Some(values) = values(&next.request) else { return false };
        let fits = self.likeness.is_some() && self.likeness == Likeness::of(next);
        if fits {
            (self.last, self.changes) = (next.request.clone(), self.changes + 1);
            self.values.extend(values);
        }
        fits
    }

    /// The request that leaves what they leave one after the other: a single write's as it was written.
    pub fn into_request(self) -> Request {
        match serde_json::to_vec(&Body { properties: self.values }) {
            Ok(body) if self.changes > 1 => Request { body: Bytes::from(body), ..self.last },
            Ok(_) | Err(_) => self.last,
        }
    }
}

/// The values of a change, byte for byte. None if it leaves more than them, or says more.
fn values(change: &Request) -> Option<BTreeMap<String, Box<RawValue>>> {
    let (properties, values) = join::values(&change.body).ok()?;
    if values.iter().any(|(name, value)| leaves_more(name, value.as_deref().unwrap_or_default())) {
        return None;
    }
    serde_json::from_str(properties.get()).ok()
}

#[cfg(test)]
mod tests;
