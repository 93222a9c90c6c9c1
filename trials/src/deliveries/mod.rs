//! Deliveries as HubSpot signs them, made from a seed: what forgeries start from, and what a load is made of.
//!
//! Written from HubSpot's guide, without the crates that verify: a misreading of theirs must not pass its own test.

pub mod events;
pub mod forge;
pub mod sign;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use self::sign::Scheme;

/// Seeded dice.
#[derive(Debug)]
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// The same seed rolls the same.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0.next_u64() % sides.max(1)
    }

    /// A place in a list of this length.
    pub fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.roll(length as u64)).unwrap_or_default()
    }

    /// True once in so many rolls.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.roll(times) == 0
    }

    /// One of a list.
    ///
    /// # Panics
    /// If the list is empty.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        from.get(self.place(from.len())).expect("there is something to pick from")
    }
}

/// A delivery on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// How the genuine one is signed.
    pub scheme: Scheme,
    /// The app whose place it goes to.
    pub app: u64,
    /// The method.
    pub method: String,
    /// Scheme and host: `http://127.0.0.1:4000`.
    pub base: String,
    /// Path and query.
    pub target: String,
    /// The headers that sign it, and others; names in small letters.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Post {
    /// The address that is called.
    pub fn url(&self) -> String {
        [self.base.as_str(), &self.target].concat()
    }

    /// The first value of a header.
    pub fn header(&mut self, name: &str) -> Option<&mut Vec<u8>> {
        self.headers.iter_mut().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// The same, signed anew with a secret, at a moment if its scheme has one; other headers stay.
    #[must_use]
    pub fn signed(mut self, secret: &str, moment_ms: u64) -> Self {
        self.headers.retain(|(name, _)| !sign::HEADERS.contains(&name.as_str()));
        let signature = sign::headers(self.scheme, secret, &self.method, &self.url(), &self.body, moment_ms);
        self.headers.extend(signature.into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes())));
        self
    }

    /// The request as it goes over a connection that stays open.
    pub fn bytes(&self) -> Vec<u8> {
        let host = self.base.split_once("://").map_or(self.base.as_str(), |(_, host)| host);
        let mut bytes = format!("{} {} HTTP/1.1\r\nhost: {host}\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", self.body.len()).as_bytes());
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// An app that delivers.
#[derive(Clone, Copy, Debug)]
pub struct App {
    /// Its number.
    pub id: u64,
    /// Its client secret.
    pub secret: &'static str,
    /// How it signs.
    pub scheme: Scheme,
}

/// A genuine delivery of an app to `base`, sent within five minutes of `now_ms`; its events have numbers of their own,
/// counted on in `next`.
pub fn genuine(app: &App, base: &str, now_ms: u64, next: &mut u64, dice: &mut Dice) -> Post {
    let queries = ["", "", "?a=%2Fx%40b&c=two%20words", "?note=%25%3A%zz", "?q=zo%C3%AB"];
    // Of version 1 and 2 the moment is unused.
    let moment_ms = (now_ms + dice.roll(598_000)).saturating_sub(299_000);
    let events = events::body(app.id, now_ms, next, dice);
    let post = Post {
        scheme: app.scheme,
        app: app.id,
        method: "POST".to_owned(),
        base: base.to_owned(),
        target: format!("/webhooks/hubspot/{}{}", app.id, dice.pick(&queries)),
        headers: vec![("content-type".to_owned(), b"application/json".to_vec())],
        body: events,
    };
    post.signed(app.secret, moment_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_the_same_deliveries_again() {
        let app = App { id: 9, secret: "secret", scheme: Scheme::V3 };
        let all = |seed| {
            let (mut dice, mut next) = (Dice::new(seed), 0);
            (0..20).map(|_| genuine(&app, "http://a.test", 1_767_225_605_000, &mut next, &mut dice)).collect::<Vec<_>>()
        };
        assert_eq!(all(3), all(3));
        assert_ne!(all(3), all(4));
    }
}
