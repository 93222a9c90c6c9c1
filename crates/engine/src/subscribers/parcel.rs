//! What is sent at once, and the sending of it.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use linchpin_core::subscribers::deliver::Outcome;
use linchpin_core::subscribers::event::{Normal, Stored};
use linchpin_core::subscribers::message::{self, EVENTS_MAX, Message};
use linchpin_core::subscribers::sign::{ID, SIGNATURE, SigningSecret, TIMESTAMP, signatures};
use linchpin_core::time::Wall;
use linchpin_hubspot::id::Install;
use linchpin_ports::event_log::{EventLog, LoggedEvent};
use linchpin_ports::store::StoreError;

use super::Subscriber;
use crate::outbound::Way;

/// Events that are read at a time.
pub(super) const PAGE: u16 = 200;
/// A batch takes no further event beyond this many bytes of HubSpot's own words.
pub(super) const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// What a look beyond a place has found.
#[derive(Debug)]
pub(super) struct Look {
    /// Events that were forgotten before they could be looked at.
    pub(super) missed: u64,
    /// All events up to here were looked at; those of `events` are among them.
    pub(super) upto: u64,
    /// Those that are wanted, in order.
    pub(super) events: Vec<Normal>,
}

/// Looks at the events beyond a place, up to a page and as many as are sent at once. None if there are none.
pub(super) async fn look(
    log: &dyn EventLog,
    subscriber: &Subscriber,
    install: Install,
    after: u64,
    most: u16,
) -> Result<Option<Look>, StoreError> {
    let page = log.read(install, after, PAGE).await?;
    let Some(first) = page.first() else { return Ok(None) };
    let mut look =
        Look { missed: first.place.saturating_sub(after.saturating_add(1)), upto: after, events: Vec::new() };
    let mut bytes = 0;
    for logged in &page {
        let stored: Stored<'_> = LoggedEvent::stored(logged);
        if subscriber.filter.passes(&stored) {
            bytes += logged.event.raw.len();
            let full = look.events.len() >= usize::from(most) || bytes > BATCH_BYTES_MAX;
            if full && !look.events.is_empty() {
                break;
            }
            look.events.push(Normal::of(&stored));
        }
        look.upto = logged.place;
    }
    Ok(Some(look))
}

/// How many events a subscriber gets at once.
pub(super) fn size(subscriber: &Subscriber, at_most: Option<u16>) -> u16 {
    let wanted = subscriber.batch.unwrap_or(1).clamp(1, EVENTS_MAX);
    at_most.map_or(wanted, |at_most| wanted.min(at_most).max(1))
}

/// Events as a subscriber gets them; none of nothing.
pub(super) fn message(subscriber: &Subscriber, events: &[Normal]) -> Option<Message> {
    match (subscriber.batch, events) {
        (None, [one]) => Some(message::single(one)),
        _ => message::batch(events),
    }
}

/// Signs a message and sends it once.
pub async fn deliver(way: &dyn Way, secrets: &[SigningSecret], message: &Message, now: Wall) -> Outcome {
    let seconds = now.0.div_euclid(1_000);
    let signed = signatures(secrets, &message.id, seconds, &message.body);
    let mut headers = HeaderMap::new();
    let values = [(ID, message.id.clone()), (TIMESTAMP, seconds.to_string()), (SIGNATURE, signed)];
    for (name, value) in values {
        let value = HeaderValue::from_str(&value).expect("invariant: ids, numbers and base64 fit into headers");
        headers.insert(name, value);
    }
    way.post(headers, Bytes::copy_from_slice(&message.body)).await
}
