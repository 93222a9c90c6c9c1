//! Whether a batch said what a single call says: the only witness against the real HubSpot.
//!
//! A read that a batch has answered is asked again alone, and both answers are compared byte for byte but for
//! correlation ids.

use http::HeaderName;
use http::header::{CONTENT_TYPE, LOCATION};
use linchpin_hubspot::answer::Answer;
use serde::Deserialize;

/// The headers that belong to what is said, not to the connection or the budget.
const COMPARED: [HeaderName; 3] = [CONTENT_TYPE, LOCATION, HeaderName::from_static("x-hubspot-notfound")];

/// What a comparison brought to light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Both say the same.
    Same,
    /// They differ; the first part that does. A record that was archived or restored just between both calls shows as
    /// another status.
    Differs(Part),
    /// Nothing can be said: the record was changed in between, or the second call failed for a reason of its own.
    Nothing,
}

/// A part of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The status.
    Status,
    /// A header that belongs to what is said.
    Header,
    /// The body.
    Body,
}

#[derive(Default, Deserialize)]
struct Known {
    #[serde(default, rename = "correlationId")]
    correlation: Option<String>,
    #[serde(default, rename = "updatedAt")]
    updated_at: Option<String>,
}

/// Compares what a caller was told with HubSpot's answer to the same call made alone.
pub fn compare(told: &Answer, alone: &Answer) -> Finding {
    if matches!(alone.status, 401 | 403 | 423 | 429 | 477 | 500..) {
        return Finding::Nothing;
    }
    if told.status != alone.status {
        return Finding::Differs(Part::Status);
    }
    let (theirs, ours) = (known(alone), known(told));
    if theirs.updated_at != ours.updated_at {
        return Finding::Nothing;
    }
    if COMPARED.iter().any(|name| told.headers.get(name) != alone.headers.get(name)) {
        return Finding::Differs(Part::Header);
    }
    if plain(told, &ours) == plain(alone, &theirs) { Finding::Same } else { Finding::Differs(Part::Body) }
}

/// What can be read of a body; nothing of one that is no object.
fn known(answer: &Answer) -> Known {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

/// The body without its correlation id, whose letters differ always.
fn plain(answer: &Answer, known: &Known) -> Vec<u8> {
    match (&known.correlation, std::str::from_utf8(&answer.body)) {
        (Some(id), Ok(text)) if !id.is_empty() => text.replace(id.as_str(), "").into_bytes(),
        _ => answer.body.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

    fn answer(status: u16, body: &'static str) -> Answer {
        Answer { status, headers: HeaderMap::new(), body: Bytes::from_static(body.as_bytes()) }
    }

    #[test]
    fn every_byte_counts_but_those_of_the_correlation_id() {
        let record = r#"{"id":"1","properties":{"city":"Graz"},"updatedAt":"2026-01-01T00:00:00Z"}"#;
        let rows = [
            (answer(200, record), Finding::Same),
            (answer(404, record), Finding::Differs(Part::Status)),
            (
                answer(200, r#"{"id":"1", "properties":{"city":"Graz"},"updatedAt":"2026-01-01T00:00:00Z"}"#),
                Finding::Differs(Part::Body),
            ),
            (
                answer(200, r#"{"id":"1","properties":{"city":"Linz"},"updatedAt":"2026-01-01T00:00:00Z"}"#),
                Finding::Differs(Part::Body),
            ),
            // Somebody wrote it in between.
            (
                answer(200, r#"{"id":"1","properties":{"city":"Linz"},"updatedAt":"2026-01-01T00:00:01Z"}"#),
                Finding::Nothing,
            ),
            (answer(429, "{}"), Finding::Nothing),
            (answer(502, ""), Finding::Nothing),
        ];
        for (alone, expected) in rows {
            assert_eq!(compare(&answer(200, record), &alone), expected, "{}", alone.status);
        }
        let missing = answer(404, r#"{"message":"resource not found","correlationId":"a-1"}"#);
        let same = answer(404, r#"{"message":"resource not found","correlationId":"b-22"}"#);
        let other = answer(404, r#"{"message":"not found","correlationId":"b-22"}"#);
        assert_eq!(compare(&missing, &same), Finding::Same);
        assert_eq!(compare(&missing, &other), Finding::Differs(Part::Body));
    }

    #[test]
    fn a_header_that_belongs_to_what_is_said_counts() {
        let mut told = answer(404, "{}");
        told.headers.insert("x-hubspot-ratelimit-remaining", "7".parse().unwrap());
        assert_eq!(compare(&told, &answer(404, "{}")), Finding::Same);
        told.headers.insert("x-hubspot-notfound", "true".parse().unwrap());
        assert_eq!(compare(&told, &answer(404, "{}")), Finding::Differs(Part::Header));
    }
}
