//! Writes that Linchpin has promised to make: what becomes of each, after an answer, a restart, or a repeat.
//!
//! A write is promised when its caller does not wait for it (`Prefer: respond-async`), or names it by an
//! `Idempotency-Key`. From then on it is [`State::Accepted`], then [`State::Sent`], and it ends once ([`End`]).
//!
//! Invariant: a write of which nobody knows whether it happened is sent again only if that changes nothing more.

mod board;
mod merge;
mod past;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use linchpin_hubspot::call::Effect;
use linchpin_hubspot::routes;
use rand_core::Rng;
use serde::{Deserialize, Serialize};

pub use self::board::{Board, Move, RUNNING_MAX, Start};
pub use self::merge::{Likeness, MERGED_MAX, Merge};
pub use self::past::{Came, EVENTS_MAX, Event, Progress};
use super::dead::Reason;
use crate::schedule::lanes::Lane;
use crate::schedule::retry::{LONG_BACKOFF_MIN, long_backoff, up_to};
use crate::time::Wall;
use crate::verdict;

/// How long the end of a write is kept, and with it its `Idempotency-Key`.
pub const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a write is tried whose caller does not wait.
pub const TRIED: Duration = Duration::from_secs(24 * 60 * 60);
/// The largest body of an answer that is kept, in bytes.
pub const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// The largest body of a promised write, in bytes. HubSpot's batches of 100 stay below.
pub const REQUEST_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The longest `Idempotency-Key`, in characters.
pub const KEY_CHARACTERS_MAX: usize = 255;
/// Writes that are promised and have not ended, at most.
pub const OPEN_MAX: usize = 10_000;
/// Tries of a write whose caller does not wait. Each has several attempts on the wire; the pauses between them make a
/// day of it, so that this is the end of what fails at once, time after time.
pub const TRIES_MAX: u32 = 100;
/// Writes that waited for the same moment (the day's end) are spread over this time.
const SPREAD: Duration = Duration::from_secs(30);

/// The name of a promised write, in its URL: a UUID of version 7.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WriteId(pub String);

impl fmt::Display for WriteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name that a caller gave to a write: two writes of one caller under one name are the same.
#[derive(Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// It is empty, too long, or not of visible characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to {KEY_CHARACTERS_MAX} visible ASCII characters")]
pub struct NotAKey;

impl IdempotencyKey {
    /// Takes a key as it stands.
    ///
    /// # Errors
    /// It is empty, longer than [`KEY_CHARACTERS_MAX`], or holds something else than visible ASCII characters.
    pub fn new(text: &[u8]) -> Result<Self, NotAKey> {
        let visible = text.iter().all(u8::is_ascii_graphic);
        let text = std::str::from_utf8(text).map_err(|_| NotAKey)?;
        let fits = (1..=KEY_CHARACTERS_MAX).contains(&text.len()) && visible;
        if fits { Ok(Self(text.to_owned())) } else { Err(NotAKey) }
    }

    /// The key as the caller wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A caller may have put anything there.
        f.write_str("IdempotencyKey(..)")
    }
}

/// What is to be sent. `Debug` shows no values.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// How much of a hurry.
    pub lane: Lane,
    /// How many milliseconds its caller waits, if it waits and says so.
    pub deadline_ms: Option<u64>,
    /// The method.
    pub method: String,
    /// Path and query, byte for byte.
    pub target: String,
    /// The headers that go along; no credential is among them.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body; stored beside the rest.
    #[serde(skip)]
    pub body: Bytes,
}

impl Request {
    /// Whether sending it twice leaves the same as sending it once.
    pub fn is_repeatable(&self) -> bool {
        Method::from_bytes(self.method.as_bytes())
            .is_ok_and(|method| routes::classify(&method, &self.target).effect != Effect::Unsafe)
    }

    /// What it has in common with the writes that it follows, one after the other: those of one place. Creations need
    /// not wait for each other.
    pub fn turn(&self) -> Option<String> {
        let path = self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path);
        (self.method != "POST").then(|| path.to_owned())
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("lane", &self.lane)
            .field("method", &self.method)
            .field("headers", &self.headers.len())
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A digest of method, target and body: repeats under one key are compared by it.
pub type Digest = [u8; 32];

/// A promised write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Its name.
    pub id: WriteId,
    /// Who asked, for accounts.
    pub caller: String,
    /// What the caller called it.
    pub key: Option<IdempotencyKey>,
    /// What it is, for comparing repeats.
    pub digest: Digest,
    /// Whether its caller was told 202 and has left: such a write is tried for long.
    pub acknowledged: bool,
    /// What is to be sent. Once it has ended, headers and body are gone, unless it is a dead letter.
    pub request: Request,
    /// When it was accepted.
    pub accepted: Wall,
    /// How far it is.
    pub state: State,
    /// What has happened to it.
    pub progress: Progress,
    /// Why it is a dead letter, if it is one.
    pub dead: Option<Reason>,
}

/// How far a write is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits for its turn.
    Accepted,
    /// It is on its way, or may be.
    Sent,
    /// It has ended.
    Ended {
        /// When.
        at: Wall,
        /// How.
        end: End,
    },
}

/// How a write ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// HubSpot answered it.
    Answered(Kept),
    /// Nobody knows whether HubSpot did it.
    Unknown,
    /// HubSpot did not do it, and it is not tried any more.
    GivenUp {
        /// The code of the last reason.
        code: String,
    },
}

/// HubSpot's answer, as far as it is kept. `Debug` shows no values.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// How many bytes the body had.
    pub bytes: u64,
    /// The body, if it was not too large to keep; stored beside the rest.
    #[serde(skip)]
    pub body: Option<Bytes>,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("status", &self.status).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Kept {
    /// What is kept of an answer: all of it, or all but a body of more than [`ANSWER_BYTES_MAX`].
    pub fn of(status: u16, headers: Vec<(String, Vec<u8>)>, body: Bytes) -> Self {
        let bytes = body.len() as u64;
        Self { status, headers, bytes, body: (body.len() <= ANSWER_BYTES_MAX).then_some(body) }
    }
}

/// What a try has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    /// HubSpot answered.
    Answered(Kept),
    /// Nobody knows whether HubSpot did it.
    Unknown,
    /// HubSpot did not do it, for a reason with a code.
    Failed {
        /// The code.
        code: &'static str,
        /// When it makes sense to try again, where that is known.
        until: Option<Wall>,
        /// Whether another try would fail the same way.
        hopeless: bool,
    },
}

/// What follows a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It has ended.
    End(End),
    /// Again, after a pause.
    Again(Duration),
}

/// What follows a try. `tries` counts those so far, this one included. A caller who waits is told at once that it
/// failed, and decides itself.
pub fn handle_try(write: &Write, tried: Tried, tries: u32, now: Wall, dice: &mut impl Rng) -> Next {
    let since = write.progress.since(write.accepted);
    let again = write.acknowledged && tries < TRIES_MAX && now - since < TRIED;
    let pause = long_backoff(tries, dice);
    match tried {
        Tried::Answered(kept) => match verdict::passes(kept.status, write.request.is_repeatable()) {
            Some(least) if again => Next::Again(pause.max(least)),
            Some(_) | None => Next::End(End::Answered(kept)),
        },
        Tried::Unknown => Next::End(End::Unknown),
        Tried::Failed { code, hopeless, .. } if hopeless || !again => Next::End(End::GivenUp { code: code.to_owned() }),
        Tried::Failed { until: Some(until), .. } => Next::Again(pause.max(until - now + up_to(SPREAD, dice))),
        Tried::Failed { until: None, .. } => Next::Again(pause.max(LONG_BACKOFF_MIN / 2)),
    }
}

/// What a restart does with an open write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// It is sent, for the first time or again.
    Send,
    /// It may have happened, and a repeat would do it twice.
    Unknown,
    /// Nothing: it has ended.
    Leave,
}

/// What a restart does with a write.
pub fn restart(write: &Write) -> Restart {
    match write.state {
        State::Accepted => Restart::Send,
        // One that ends the process time after time must not do so for ever.
        State::Sent if write.request.is_repeatable() && write.progress.tries < TRIES_MAX => Restart::Send,
        State::Sent => Restart::Unknown,
        State::Ended { .. } => Restart::Leave,
    }
}

/// What a caller gets who uses a key again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// The key stands for another write: a mistake of the caller.
    Other,
    /// The same write, which is open: its end.
    Wait,
    /// The same write, which has ended: what it came to.
    Told,
    /// The same write, which was given up: HubSpot did not do it, so it is tried again.
    Again,
    /// A write that need not be remembered any more: this one is new.
    New,
}

/// What a caller gets who uses the key of `known` for a write with this digest.
pub fn repeat(known: &Write, digest: &Digest, now: Wall) -> Repeat {
    match &known.state {
        State::Ended { at, .. } if is_over(*at, now) => Repeat::New,
        _ if known.digest != *digest => Repeat::Other,
        State::Accepted | State::Sent => Repeat::Wait,
        State::Ended { end: End::GivenUp { .. }, .. } => Repeat::Again,
        State::Ended { end: End::Answered(_) | End::Unknown, .. } => Repeat::Told,
    }
}

/// Whether a write that ended at a moment need not be remembered any more.
pub fn is_over(ended: Wall, now: Wall) -> bool {
    now - ended >= KEPT
}

#[cfg(test)]
mod tests;
