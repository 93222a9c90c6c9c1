//! What is sent at once, and the sending of it.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use linchpin_core::echo::Form;
use linchpin_core::echo::hearing::{Ahead, Found, Hearing, Told};
use linchpin_core::subscribers::deliver::Outcome;
use linchpin_core::subscribers::event::{Normal, Stored};
use linchpin_core::subscribers::message::{self, EVENTS_MAX, Message};
use linchpin_core::subscribers::sign::{ID, SIGNATURE, SigningSecret, TIMESTAMP, signatures};
use linchpin_core::time::Wall;
use linchpin_hubspot::id::Install;
use linchpin_ports::event_log::{EventLog, LoggedEvent, NewEvent};
use linchpin_ports::store::StoreError;

use super::Subscriber;
use crate::echo::Echoes;
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
    /// What is heard with them, to be remembered once they have arrived.
    pub(super) found: Found,
}

/// One who looks at a log.
pub(super) struct Looker<'a> {
    pub(super) subscriber: &'a Subscriber,
    pub(super) install: Install,
    pub(super) log: &'a dyn EventLog,
    pub(super) echoes: &'a Echoes,
    pub(super) hearing: &'a Hearing,
}

/// Looks at the events beyond a place, up to a page and as many as are sent at once. None if there are none.
pub(super) async fn look(looker: &Looker<'_>, after: u64, most: u16, now: Wall) -> Result<Option<Look>, StoreError> {
    let page = looker.log.read(looker.install, after, PAGE).await?;
    let Some(first) = page.first() else { return Ok(None) };
    let (mut upto, mut events, mut bytes) = (after, Vec::new(), 0);
    let mut ahead = looker.hearing.ahead();
    for logged in &page {
        let stored: Stored<'_> = LoggedEvent::stored(logged);
        if looker.subscriber.filter.passes(&stored) {
            bytes += logged.event.raw.len();
            let full = events.len() >= usize::from(most) || bytes > BATCH_BYTES_MAX;
            if full && !events.is_empty() {
                break;
            }
            let normal = Normal::of(&stored);
            if looker.hears(&mut ahead, logged, &normal, now) {
                events.push(normal);
            }
        }
        upto = logged.place;
    }
    let missed = first.place.saturating_sub(after.saturating_add(1));
    Ok(Some(Look { missed, upto, events, found: ahead.found() }))
}

impl Looker<'_> {
    /// Whether an event is told to one who wants no echoes. Whatever is no change of a property's value is.
    fn hears(&self, ahead: &mut Ahead<'_>, logged: &LoggedEvent, normal: &Normal, now: Wall) -> bool {
        let NewEvent { object_type, record, property, occurred_at, echo, .. } = &logged.event;
        let callers = self.hearing.callers();
        let (Some(object_type), Some(record), Some(property)) = (object_type, record, property) else { return true };
        let Some(value) = normal.value.as_deref().filter(|_| !callers.is_empty()) else { return true };
        let value = Form::of(property, Some(value));
        let place = (object_type.clone(), *record, property.clone());
        let stands = self.echoes.stands(self.install.portal, &place, callers, now);
        ahead.hears(Told { place, value, at: *occurred_at, echo: echo.as_ref() }, &stands)
    }
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
