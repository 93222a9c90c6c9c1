//! Echoes: events that tell a caller of what it has written itself.
//!
//! A write that leaves is noted as [`receipts`], one for each value; an event that tells of the same record, property and
//! value, at a moment at which that write may have happened, is its echo. Nothing is dropped for that: the log says who
//! caused an event, and a subscriber that wants no echoes is [`hearing`] what it needs to stay equal all the same.
//! HubSpot's own hints (`changeSource`, `sourceId`) decide nothing: the same source is every other program as well.

pub mod hearing;
pub mod receipts;
pub mod writes;

use std::time::Duration;

use linchpin_hubspot::fingerprint::Fingerprint;
use linchpin_hubspot::value::instant_ms;

use crate::time::Wall;

/// How long after a write its echo is recognised. Whatever is told later is news, which is the stricter of the two.
pub const LIFE: Duration = Duration::from_secs(300);

/// How far HubSpot's clock and ours may be apart. Beyond it no echo is recognised, and all is news.
pub const SKEW: Duration = Duration::from_secs(2);

/// The most receipts that are kept; the oldest are forgotten first, and their echoes are news.
pub const RECEIPTS_MAX: usize = 100_000;

/// The most properties of which somebody is remembered to have heard.
pub const HEARD_MAX: usize = 10_000;

/// Whose write an event tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Echo {
    /// The caller.
    pub caller: String,
    /// When its write left, by our clock.
    pub sent_at: Wall,
}

/// A value for comparing: no two values that HubSpot may tell apart have one form. Holds no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Form(Fingerprint);

impl Form {
    /// The form of a property's value, whatever its type: cleared and empty are one, instants are one in both spellings,
    /// and e-mail addresses are in lower case. Any other text stands for itself.
    pub fn of(property: &str, value: Option<&str>) -> Self {
        let Some(value) = value.filter(|value| !value.is_empty()) else { return Self(Fingerprint::of(&[])) };
        let instant = value.contains('T').then(|| instant_ms(value)).flatten();
        Self(match instant {
            Some(ms) => Fingerprint::of(&[ms.to_string().as_bytes()]),
            None if property == "email" => Fingerprint::of(&[value.to_lowercase().as_bytes()]),
            None => Fingerprint::of(&[value.as_bytes()]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_hubspot_writes_in_two_ways_have_one_form() {
        let form = |value| Form::of("city", Some(value));
        assert_eq!(form(""), Form::of("city", None));
        assert_eq!(form("2026-01-01T00:00:00Z"), form("1767225600000"));
        assert_eq!(Form::of("email", Some("Ada@example.test")), Form::of("email", Some("ada@example.test")));
        for (one, other) in [("Oslo", "oslo"), ("5", "5.0"), ("", "0"), ("a;b", "b;a")] {
            assert_ne!(form(one), form(other), "{one} {other}");
        }
    }
}
