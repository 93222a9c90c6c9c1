//! Two keys of an event: one recognises the same delivery again, the other the same change from anywhere.
//!
//! HubSpot's own number of an event is not unique, and the number of the attempt differs between deliveries of one
//! event, so neither is enough. The journal tells the same changes without any number: for it there is the second key.

use linchpin_hubspot::event::{Change, Event, Fate, NewValue};
use linchpin_hubspot::fingerprint::Fingerprint;

/// Recognises a delivery that HubSpot repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryKey(pub Fingerprint);

/// Recognises a change, whichever subscription or the journal tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangeKey(pub Fingerprint);

/// The key of an event's delivery: account, app, subscription, number, moment and change; not the attempt.
pub fn delivery_key(event: &Event) -> DeliveryKey {
    let numbers = [event.install.app.0, event.subscription.unwrap_or(u64::MAX), event.number.unwrap_or(u64::MAX)]
        .map(u64::to_le_bytes);
    let ChangeKey(Fingerprint(change)) = change_key(event);
    let mut parts: Vec<&[u8]> = vec![b"delivery", &change];
    parts.extend(numbers.iter().map(<[u8; 8]>::as_slice));
    DeliveryKey(Fingerprint::of(&parts))
}

/// The key of what an event tells: account, moment, record and change; not who told it.
pub fn change_key(event: &Event) -> ChangeKey {
    let mut parts = Parts::default();
    parts.number(event.install.portal.0).number(event.occurred_at_ms.cast_unsigned());
    describe(&event.change, &mut parts);
    let parts: Vec<&[u8]> = parts.0.iter().map(Vec::as_slice).collect();
    ChangeKey(Fingerprint::of(&parts))
}

/// Both keys of an element that is not understood: its bytes.
pub fn keys_of_bytes(raw: &[u8]) -> (DeliveryKey, ChangeKey) {
    let fingerprint = Fingerprint::of(&[b"not understood", raw]);
    (DeliveryKey(fingerprint), ChangeKey(fingerprint))
}

#[derive(Default)]
struct Parts(Vec<Vec<u8>>);

impl Parts {
    fn number(&mut self, number: u64) -> &mut Self {
        self.0.push(number.to_le_bytes().to_vec());
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.0.push(text.as_bytes().to_vec());
        self
    }
}

fn describe(change: &Change, parts: &mut Parts) {
    parts.text(change.kind());
    match change {
        Change::Record {
            object_type,
            id,
            fate: Fate::Created | Fate::Deleted | Fate::PrivacyDeleted | Fate::Restored,
        } => {
            parts.text(object_type.as_str()).number(id.0);
        }
        Change::Property { object_type, id, name, value } => {
            parts.text(object_type.as_str()).number(id.0).text(name);
            match value {
                NewValue::Known(value) => parts.text("known").text(value),
                NewValue::Hidden => parts.text("hidden"),
            };
        }
        Change::Merge { object_type, primary, merged, survivor } => {
            parts.text(object_type.as_str()).number(primary.0).number(survivor.0);
            let mut merged: Vec<u64> = merged.iter().map(|id| id.0).collect();
            merged.sort_unstable();
            for id in merged {
                parts.number(id);
            }
        }
        // The name and the number of an association's type are two ways to say the same: the ends, the direction and
        // the moment tell changes apart, and a type told twice (unlabelled and primary) is told apart by `primary`.
        Change::Association { from, to, name: _, type_id, removed, primary } => {
            for (object_type, id) in [from, to] {
                parts.text(object_type.as_str()).number(id.0);
            }
            let flag = |flag: bool| u64::from(flag);
            parts.number(flag(*removed)).number(primary.map_or(2, flag)).number(type_id.map_or(0, u64::from));
        }
        Change::Other { kind: _, id } => {
            parts.number(id.unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use linchpin_hubspot::id::{AppId, Install, ObjectType, PortalId, RecordId};

    use super::*;

    fn event() -> Event {
        Event {
            install: Install { portal: PortalId(7), app: AppId(9) },
            number: Some(3),
            subscription: Some(41),
            occurred_at_ms: 1_767_225_600_123,
            attempt: 0,
            source: Some("CRM_UI".to_owned()),
            source_id: None,
            change: city("Oslo"),
        }
    }

    fn city(value: &str) -> Change {
        Change::Property {
            object_type: ObjectType::new("contacts"),
            id: RecordId(901),
            name: "city".to_owned(),
            value: NewValue::Known(value.to_owned()),
        }
    }

    #[test]
    fn a_repeated_delivery_has_both_keys_of_the_first() {
        let again = Event { attempt: 4, ..event() };
        assert_eq!(delivery_key(&again), delivery_key(&event()));
        assert_eq!(change_key(&again), change_key(&event()));
    }

    #[test]
    fn another_teller_of_the_same_change_has_its_change_key_alone() {
        let journal = Event { number: None, subscription: None, source: None, ..event() };
        for other in [journal, Event { subscription: Some(42), ..event() }, Event { number: Some(4), ..event() }] {
            assert_ne!(delivery_key(&other), delivery_key(&event()));
            assert_eq!(change_key(&other), change_key(&event()));
        }
    }

    #[test]
    fn another_change_has_neither_key_even_under_the_same_number() {
        let record = |fate| Change::Record { object_type: ObjectType::new("contacts"), id: RecordId(901), fate };
        let association = |removed, primary| Change::Association {
            from: (ObjectType::new("contacts"), RecordId(901)),
            to: (ObjectType::new("companies"), RecordId(1)),
            name: String::new(),
            type_id: None,
            removed,
            primary,
        };
        let elsewhere = Install { portal: PortalId(8), app: AppId(9) };
        let all = [
            event(),
            Event { change: city("oslo"), ..event() },
            Event { change: city(""), ..event() },
            Event { occurred_at_ms: 1_767_225_600_124, ..event() },
            Event { install: elsewhere, ..event() },
            Event { change: record(Fate::Created), ..event() },
            Event { change: record(Fate::Deleted), ..event() },
            Event { change: association(true, None), ..event() },
            Event { change: association(false, None), ..event() },
            Event { change: association(false, Some(true)), ..event() },
        ];
        for (place, one) in all.iter().enumerate() {
            for other in all.iter().skip(place + 1) {
                assert_ne!(change_key(one), change_key(other), "{one:?} {other:?}");
                assert_ne!(delivery_key(one), delivery_key(other), "{one:?} {other:?}");
            }
        }
    }
}
