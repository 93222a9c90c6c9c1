//! Dead letters: promised writes that ended otherwise than with success, and of whose end nobody was told.
//!
//! They are kept with all that an operator needs to understand them without looking anything up, to correct them, and to
//! send them again. What is decided here: which end makes one, what is kept, what its reason is, and whether a replay
//! could do something twice.
//!
//! Invariant: [`Reason`] holds no value of a record, so that lists may show it; HubSpot's own words ([`said`]) may.

mod reason;

use std::time::Duration;

use linchpin_hubspot::errors::HubSpotError;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::reason::reason;
use super::operation::{End, Kept, Write};

/// How long a dead letter is kept.
pub const LETTERS_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Dead letters that are kept of one install, at most; of more, the oldest go.
pub const LETTERS_MAX: usize = 10_000;
/// How long the words of HubSpot are that are shown, in characters.
pub const SAID_CHARACTERS_MAX: usize = 2_000;

/// Parts of a header's name that say that its value is for nobody's eyes.
const SECRET_NAMES: [&str; 8] = ["auth", "cookie", "credential", "hapikey", "password", "secret", "signature", "token"];

/// Why a write is a dead letter, for a person who has nothing else at hand. Holds no value of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// What happened, and in which fields.
    pub what: String,
    /// What to do about it.
    pub to_do: String,
    /// The fields that it is about, by their names in HubSpot.
    pub fields: Vec<String>,
}

/// Whether HubSpot did all that a write asked for.
pub fn is_success(end: &End) -> bool {
    match end {
        End::Answered(kept) => kept.status < 400 && refused_inputs(kept) == 0,
        End::Unknown | End::GivenUp { .. } => false,
    }
}

/// How many inputs of a batch were refused that was done in part.
pub(crate) fn refused_inputs(kept: &Kept) -> usize {
    if kept.status != 207 {
        return 0;
    }
    let body = kept.body.as_deref().and_then(|body| serde_json::from_slice::<Value>(body).ok()).unwrap_or_default();
    let listed = body.get("errors").and_then(Value::as_array).map_or(0, Vec::len);
    let counted = body.get("numErrors").and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok());
    // A 207 that cannot be read (it was too large to keep) has errors, or it were a 200.
    let unread = usize::from(kept.body.is_none());
    listed.max(counted.unwrap_or_default()).max(unread)
}

/// HubSpot's own words about a refusal. They quote values.
pub fn said(kept: &Kept) -> Option<String> {
    let error = HubSpotError::from_body(kept.status, kept.body.as_deref()?);
    let message = error.message.trim();
    (!message.is_empty()).then(|| message.chars().take(SAID_CHARACTERS_MAX).collect())
}

/// What HubSpot calls its answer, for its support.
pub fn correlation(kept: &Kept) -> Option<String> {
    let told = kept.body.as_deref().and_then(|body| HubSpotError::from_body(kept.status, body).correlation_id);
    let header = || {
        let found = kept.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-hubspot-correlation-id"));
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    };
    told.or_else(header)
}

/// What a replay could do twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// What it creates may be there already.
    MayExist,
    /// A part of the batch is done.
    PartlyDone,
}

/// What a replay of a dead letter could do twice, if anything.
pub fn guard(write: &Write, end: &End) -> Option<Guard> {
    if write.request.is_repeatable() {
        return None;
    }
    match end {
        End::Unknown => Some(Guard::MayExist),
        // An operator who has changed the body has taken out what is done.
        End::Answered(kept) if refused_inputs(kept) > 0 && !write.progress.is_edited() => Some(Guard::PartlyDone),
        End::Answered(_) | End::GivenUp { .. } => None,
    }
}

/// The headers that are kept of a dead letter: what may be a secret goes.
pub fn without_secrets(headers: Vec<(String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
    let is_plain = |name: &str| {
        let name = name.to_ascii_lowercase();
        !SECRET_NAMES.iter().any(|part| name.contains(part)) && !name.ends_with("key")
    };
    headers.into_iter().filter(|(name, _)| is_plain(name)).collect()
}

/// Path and query as they are shown: the value of a parameter that may be a secret is not.
pub fn shown_target(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    let shown = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if SECRET_NAMES.iter().any(|part| name.to_ascii_lowercase().contains(part)) => {
            format!("{name}=...")
        }
        Some(_) | None => pair.to_owned(),
    });
    format!("{path}?{}", shown.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
pub(crate) mod tests;
