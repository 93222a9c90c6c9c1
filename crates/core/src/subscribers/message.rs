//! A delivery: one event or several, as a body with an id.

use serde::Serialize;

use super::event::Normal;

/// The most events of one delivery.
pub const EVENTS_MAX: u16 = 100;

/// A delivery, before it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The same at every attempt.
    pub id: String,
    /// JSON.
    pub body: Vec<u8>,
}

/// What a subscriber gets: `data` is one event, or a list of them.
#[derive(Serialize)]
struct Envelope<'a, T> {
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: &'a str,
    data: T,
}

/// A delivery of one event.
pub fn single(event: &Normal) -> Message {
    let kind = match &event.object_type {
        Some(object_type) => format!("{object_type}.{}", event.kind),
        None => event.kind.clone(),
    };
    let body = body(&Envelope { kind: &kind, timestamp: &event.occurred_at, data: event });
    Message { id: format!("evt_{}_{}_{}", event.portal, event.app, event.id), body }
}

/// A delivery of several events of one install, in their order; none of nothing.
pub fn batch(events: &[Normal]) -> Option<Message> {
    let (first, last) = events.first().zip(events.last())?;
    let body = body(&Envelope { kind: "batch", timestamp: &first.occurred_at, data: events });
    // The number of events stands in it because a filter that was changed gives other events between the same two.
    let id = format!("evts_{}_{}_{}_{}_{}", first.portal, first.app, first.id, last.id, events.len());
    Some(Message { id, body })
}

fn body(envelope: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(envelope).expect("invariant: events are plain data")
}

#[cfg(test)]
mod tests {
    use linchpin_hubspot::fingerprint::Fingerprint;
    use linchpin_hubspot::id::{AppId, Install, ObjectType, PortalId};
    use serde_json::Value;

    use super::*;
    use crate::ingress::keys::ChangeKey;
    use crate::subscribers::event::Stored;
    use crate::time::Wall;

    fn event(place: u64) -> Normal {
        Normal::of(&Stored {
            place,
            received_at: Wall(0),
            install: Install { portal: PortalId(1), app: AppId(2) },
            teller: "webhook",
            occurred_at: Wall(0),
            kind: "creation",
            object_type: Some(&ObjectType::new("deals")),
            record: None,
            property: None,
            change: ChangeKey(Fingerprint([0; 16])),
            echo: None,
            raw: b"{}",
        })
    }

    #[test]
    fn a_delivery_is_named_by_what_is_in_it() {
        let value = |message: &Message| -> Value { serde_json::from_slice(&message.body).unwrap() };
        let one = single(&event(5));
        assert_eq!(
            (one.id.as_str(), &value(&one)["type"], &value(&one)["data"]["id"]),
            ("evt_1_2_5", &"deals.creation".into(), &5.into())
        );
        let two = batch(&[event(5), event(9)]).unwrap();
        assert_eq!((two.id.as_str(), &value(&two)["type"]), ("evts_1_2_5_9_2", &"batch".into()));
        assert_eq!(value(&two)["data"].as_array().unwrap().len(), 2);
        assert_ne!(batch(&[event(5), event(6), event(9)]).unwrap().id, two.id);
        assert_eq!(batch(&[]), None);
        // The id stands between full stops when it is signed.
        assert!(!one.id.contains('.') && !two.id.contains('.'));
    }
}
