//! What became of a creation whose answer was lost, if a unique value tells its record from all others.
//!
//! HubSpot refuses a second record with the value, so the creation is asked again: whichever of the two arrives first
//! makes the record. A conflict then says that the value is taken; by whom, the record itself tells.

use std::collections::BTreeMap;

use linchpin_hubspot::id::RecordId;
use linchpin_hubspot::objects::Record;
use linchpin_hubspot::value::instant_ms;

/// How far HubSpot's clock may be behind ours, in milliseconds.
pub const CLOCKS_APART_MS: i64 = 5_000;

/// Whose record has the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// It is the one that was to be created.
    Ours(RecordId),
    /// It was there before.
    Elses,
    /// It is as young as ours would be, and holds something else.
    Nobodys,
}

/// Whose record it is that was read after a conflict. `values` were to be in it; `sent_ms` is when its creation was asked
/// for first, in milliseconds since 1970.
pub fn whose(read: &Record, values: &BTreeMap<String, String>, sent_ms: i64) -> Whose {
    let Some(created_ms) = read.created_at.as_deref().and_then(instant_ms) else { return Whose::Nobodys };
    if created_ms + CLOCKS_APART_MS < sent_ms {
        return Whose::Elses;
    }
    // HubSpot writes addresses and unique texts in lower case.
    let holds = |(name, value): (&String, &String)| {
        read.properties.get(name).and_then(Option::as_ref).is_some_and(|there| there.eq_ignore_ascii_case(value))
    };
    if values.iter().all(holds) { Whose::Ours(read.id) } else { Whose::Nobodys }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// 2026-01-01T00:00:00Z.
    const SENT_MS: i64 = 1_767_225_600_000;

    fn values() -> BTreeMap<String, String> {
        [("email", "Ana+1@example.test"), ("city", "Graz")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    fn read(created_at: &str, city: &str) -> Record {
        let properties = json!({"email": "ana+1@example.test", "city": city, "hs_object_id": "901"});
        serde_json::from_value(json!({"id": "901", "properties": properties, "createdAt": created_at})).unwrap()
    }

    #[test]
    fn a_record_is_ours_if_it_is_as_young_and_holds_the_same() {
        for (record, expected) in [
            (read("2026-01-01T00:00:01.000Z", "Graz"), Whose::Ours(RecordId(901))),
            // HubSpot's clock may be behind ours.
            (read("2025-12-31T23:59:56.000Z", "Graz"), Whose::Ours(RecordId(901))),
            (read("2025-12-31T23:59:54.000Z", "Graz"), Whose::Elses),
            (read("2026-01-01T00:00:01.000Z", "Linz"), Whose::Nobodys),
            (read("yesterday", "Graz"), Whose::Nobodys),
        ] {
            assert_eq!(whose(&record, &values(), SENT_MS), expected, "{:?}", record.created_at);
        }
    }
}
