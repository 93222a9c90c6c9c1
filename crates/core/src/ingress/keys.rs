//! Two keys of an event: one recognises the same delivery again, the other the same change from anywhere.
//!
//! HubSpot's own number of an event is not unique, and the number of the attempt differs between deliveries of one
//! event, so neither is enough. The journal tells the same changes without any number: for it there is the second key.

use linchpin_hubspot::association_types;
use linchpin_hubspot::event::{Change, Event, Fate, NewValue};
use linchpin_hubspot::fingerprint::{self, Fingerprint};

/// Recognises a delivery that HubSpot repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryKey(pub Fingerprint);

/// Recognises a change, whichever subscription or the journal tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangeKey(pub Fingerprint);

/// The key of an event's delivery: account, app, subscription, number, moment and change; not the attempt.
pub fn delivery_key(event: &Event) -> DeliveryKey {
    keys(event).0
}

/// The key of what an event tells: account, moment, record and change; not who told it.
pub fn change_key(event: &Event) -> ChangeKey {
    let mut parts = Parts::default();
    parts.number(event.install.portal.0).number(event.occurred_at_ms.cast_unsigned());
    describe(&event.change, &mut parts);
    ChangeKey(parts.finish())
}

/// Both keys of an event.
pub fn keys(event: &Event) -> (DeliveryKey, ChangeKey) {
    let change = change_key(event);
    let ChangeKey(Fingerprint(bytes)) = &change;
    let mut parts = Parts::default();
    parts.text("delivery").bytes(bytes).number(event.install.app.0);
    parts.number(event.subscription.unwrap_or(u64::MAX)).number(event.number.unwrap_or(u64::MAX));
    (DeliveryKey(parts.finish()), change)
}

/// Both keys of an element that is not understood: its bytes.
pub fn keys_of_bytes(raw: &[u8]) -> (DeliveryKey, ChangeKey) {
    let fingerprint = Fingerprint::of(&[b"not understood", raw]);
    (DeliveryKey(fingerprint), ChangeKey(fingerprint))
}

/// Parts of a key, by what they are.
#[derive(Default)]
struct Parts(fingerprint::Parts);

impl Parts {
    fn number(&mut self, number: u64) -> &mut Self {
        self.bytes(&number.to_le_bytes())
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.add(bytes);
        self
    }

    fn finish(self) -> Fingerprint {
        self.0.finish()
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
        // Older subscriptions tell no number of the type, and `primary` only where there is a primary type at all: it
        // is the unlabelled or the primary one then, whose number the others tell.
        Change::Association { from, to, name: _, type_id, removed, primary } => {
            for (object_type, id) in [from, to] {
                parts.text(object_type.as_str()).number(id.0);
            }
            let primary = primary.unwrap_or_default();
            let built_in = || {
                let of = if primary { association_types::primary } else { association_types::unlabelled };
                of(&from.0, &to.0)
            };
            let type_id = type_id.or_else(|| built_in().map(|known| known.type_id)).unwrap_or_default();
            parts.number(u64::from(*removed)).number(u64::from(primary)).number(u64::from(type_id));
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

    /// Logs outlive a release: a delivery that is repeated after it must be recognised.
    #[test]
    fn keys_are_what_they_were_in_the_first_release() {
        let (DeliveryKey(delivery), ChangeKey(change)) = keys(&event());
        assert_eq!(
            format!("{delivery:?} {change:?}"),
            "32bbabdcc3c6c242a8e0dffb14a5b411 60818c6a3f6261cb8495bef8fa747804"
        );
        assert_eq!((delivery_key(&event()).0, change_key(&event()).0), (delivery, change));
    }

    #[test]
    fn an_association_has_one_key_with_and_without_the_number_of_its_type() {
        let association = |type_id, primary, to: &str| {
            let from = (ObjectType::new("contacts"), RecordId(901));
            let to = (ObjectType::new(to), RecordId(1));
            let change = Change::Association { from, to, name: String::new(), type_id, removed: false, primary };
            change_key(&Event { change, ..event() })
        };
        let of_companies = |type_id, primary| association(type_id, primary, "companies");
        assert_eq!(of_companies(None, Some(true)), of_companies(Some(1), Some(true)));
        assert_eq!(of_companies(None, Some(false)), of_companies(Some(279), Some(false)));
        assert_eq!(association(None, None, "deals"), association(Some(4), Some(false), "deals"));
        let all =
            [of_companies(Some(1), Some(true)), of_companies(Some(279), Some(false)), of_companies(Some(77), None)];
        assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2], "types are told apart");
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
