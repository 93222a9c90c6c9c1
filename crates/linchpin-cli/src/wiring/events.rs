//! Events of a running server, as a stream and in pages; and one that is sent once more.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use linchpin_core::outbound::Target;
use linchpin_core::subscribers::deliver::Outcome;
use linchpin_core::subscribers::event::Normal;
use linchpin_core::subscribers::message;
use linchpin_core::subscribers::sign::SigningSecret;
use linchpin_engine::clock::{Clock, SystemClock};
use linchpin_engine::outbound::Outbound;
use linchpin_engine::subscribers::deliver;
use linchpin_server::telling::shapes::EventPage;
use secrecy::SecretString;

use super::admin;
use crate::failure::Failure;

/// No event of a stream is longer.
const EVENT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The server that is asked.
pub(crate) struct Server {
    /// Its address.
    pub(crate) base: String,
    /// Its admin key.
    pub(crate) key: SecretString,
    /// What is asked: the query without where to begin.
    pub(crate) query: String,
}

/// One event of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// Its place.
    pub(crate) id: Option<u64>,
    /// What it is, where it is no event of HubSpot's.
    pub(crate) event: Option<String>,
    /// JSON; none for a sign of life.
    pub(crate) data: Option<String>,
}

/// A stream that is read.
pub(crate) struct Stream {
    body: Incoming,
    rest: Vec<u8>,
}

impl Server {
    fn path(&self, from: &str) -> String {
        let parts: Vec<&str> = [self.query.as_str(), from].into_iter().filter(|part| !part.is_empty()).collect();
        format!("/events?{}", parts.join("&"))
    }

    /// Opens a stream from a place, or from where `from` says.
    pub(crate) async fn stream(&self, from: &str, last: Option<u64>) -> Result<Stream, Failure> {
        let body = admin::open(&self.base, &self.path(from), &self.key, last).await?;
        Ok(Stream { body, rest: Vec::new() })
    }

    /// One page.
    pub(crate) async fn page(&self, from: &str) -> Result<EventPage, Failure> {
        admin::get(&self.base, &self.path(from), &self.key).await
    }

    /// An event of a page.
    pub(crate) fn event(&self, value: serde_json::Value) -> Result<Normal, Failure> {
        serde_json::from_value(value)
            .map_err(|error| admin::silent(&self.base, &format!("it says something else: {error}")))
    }
}

impl Stream {
    /// The next event; none at the end, or when the connection breaks.
    pub(crate) async fn next(&mut self) -> Option<Told> {
        loop {
            if let Some(end) = self.rest.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.rest.drain(..end + 2).collect();
                return Some(read(&String::from_utf8_lossy(&block)));
            }
            if self.rest.len() > EVENT_BYTES_MAX {
                return None;
            }
            let frame = self.body.frame().await?.ok()?;
            if let Ok(data) = frame.into_data() {
                self.rest.extend_from_slice(&data);
            }
        }
    }
}

fn read(block: &str) -> Told {
    let mut told = Told::default();
    for line in block.lines() {
        match line.split_once(": ") {
            Some(("id", id)) => told.id = id.parse().ok(),
            Some(("event", event)) => told.event = Some(event.to_owned()),
            Some(("data", data)) => told.data = Some(data.to_owned()),
            _ => {}
        }
    }
    told
}

/// A receiver that is tried out.
pub(crate) struct Receiver {
    way: Outbound,
    secrets: Vec<SigningSecret>,
    clock: SystemClock,
}

impl Receiver {
    /// A way to it.
    pub(crate) fn new(target: Target, secret: SigningSecret) -> Result<Self, Failure> {
        let way = Outbound::new(target).map_err(|error| Failure::internal("TLS cannot be set up", &error))?;
        Ok(Self { way, secrets: vec![secret], clock: SystemClock::new() })
    }

    /// Sends an event, once.
    pub(crate) async fn send(&self, event: &Normal) -> Outcome {
        deliver(&self.way, &self.secrets, &message::single(event), self.clock.now().wall).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_read_whatever_it_holds() {
        let told = |id, event: Option<&str>, data: Option<&str>| Told {
            id,
            event: event.map(str::to_owned),
            data: data.map(str::to_owned),
        };
        assert_eq!(read("id: 12\ndata: {\"a\": 1}\n\n"), told(Some(12), None, Some("{\"a\": 1}")));
        assert_eq!(read("event: missed\nid: 12\ndata: {}\n\n"), told(Some(12), Some("missed"), Some("{}")));
        assert_eq!(read("retry: 2000\n: alive\nid: 9\n\n"), told(Some(9), None, None));
    }
}
