//! Other people's calls, through the one door: packed into batches where that changes nothing for their callers.
//!
//! What may travel together, how, and what each gets of the answer is decided by [`linchpin_core::gateway`]; here is who
//! waits for whom. A call that its batch could not answer is asked again alone, so that its caller always gets HubSpot's
//! own words.

mod book;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderValue, LOCATION};
use http::{HeaderMap, Method};
use linchpin_core::gateway::cut::Cut;
use linchpin_core::gateway::join::{Alone, Definitions, Incoming, Joined, join};
use linchpin_core::schedule::coalesce::JoinKey;
use linchpin_core::schedule::lanes::Lane;
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::call::Call;
use linchpin_hubspot::id::{Install, ObjectType, RecordId};
use linchpin_hubspot::routes::{self, Operation, Route};
use linchpin_hubspot::version::ApiVersion;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use self::book::Book;
pub use self::book::{BELIEVED, LISTS_MAX, UNKNOWN_BELIEVED};
use crate::clock::Clock;
use crate::dispatch::{CallRequest, Dispatch, DispatchError, Origin, Share, Shared, Unresolved};
use crate::hub::Hub;

/// How long a caller waits that does not say how long: no client waits longer, and while HubSpot cannot be reached its
/// call would only stand in line.
pub const WAIT_MAX: Duration = Duration::from_secs(600);

/// Which calls are packed into batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Coalesce {
    /// None: every call leaves as it came.
    Off,
    /// Reads, and archives: recorded answers show that a batch says the same.
    #[default]
    Proven,
    /// Updates, creations and reads of associations as well.
    All,
}

impl Coalesce {
    fn covers(self, operation: Operation) -> bool {
        match self {
            Self::Off => false,
            Self::Proven => matches!(operation, Operation::ObjectRead | Operation::ObjectArchive),
            Self::All => true,
        }
    }
}

/// A call as its caller made it.
#[derive(Clone)]
pub struct Asked {
    /// With whose credential it leaves.
    pub install: Install,
    /// How much of a hurry.
    pub lane: Lane,
    /// How long the caller waits; [`WAIT_MAX`] if it does not say.
    pub deadline: Option<Duration>,
    /// Who asks, for accounts.
    pub caller: String,
    /// The method.
    pub method: Method,
    /// Path and query, byte for byte.
    pub target: String,
    /// The headers that go along; no credential, nothing that belongs to the connection.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// What has been saved, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Calls that were asked for.
    pub asked: u64,
    /// Calls that left together with others.
    pub together: u64,
    /// Calls that were asked again alone after their batch had come back.
    pub again: u64,
}

#[derive(Default)]
struct Counters {
    asked: AtomicU64,
    together: AtomicU64,
    again: AtomicU64,
}

/// The gateway's way to HubSpot.
pub struct Gateway {
    dispatch: Dispatch,
    book: Book,
    coalesce: Coalesce,
    clock: Arc<dyn Clock>,
    dice: Mutex<ChaCha8Rng>,
    counters: Counters,
}

impl Gateway {
    /// A gateway over the door. `seed` begins the dice that name answers.
    pub fn new(dispatch: Dispatch, install: Install, coalesce: Coalesce, clock: Arc<dyn Clock>, seed: u64) -> Self {
        let hub = Hub::new(dispatch.clone(), install, ApiVersion::V3, Lane::Interactive, "gateway");
        Self {
            dispatch,
            book: Book::new(hub, Arc::clone(&clock)),
            coalesce,
            clock,
            dice: Mutex::new(ChaCha8Rng::seed_from_u64(seed)),
            counters: Counters::default(),
        }
    }

    /// What has been saved so far.
    pub fn saved(&self) -> Saved {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters { asked, together, again } = &self.counters;
        Saved { asked: read(asked), together: read(together), again: read(again) }
    }

    /// Gets a call its answer: what HubSpot would have said to it alone.
    ///
    /// # Errors
    /// There is no answer: see [`DispatchError`].
    pub async fn answer(&self, asked: Asked) -> Result<Answer, DispatchError> {
        self.counters.asked.fetch_add(1, Ordering::Relaxed);
        match self.joined(&asked).await {
            Ok(joined) => self.answer_joined(&asked, joined).await,
            Err(why) => {
                tracing::trace!(why = why.name(), "a call travels alone");
                self.dispatch.call(request(&asked)).await
            }
        }
    }

    async fn joined(&self, asked: &Asked) -> Result<Joined, Alone> {
        let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
        let route = routes::classify(&asked.method, path);
        let Some(object_type) = route.object_type.as_ref().filter(|_| self.coalesce.covers(route.operation)) else {
            return Err(Alone::NoBatch);
        };
        let query: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let incoming = incoming(asked, &route, &query);
        // Most calls travel alone for what they are, and need no list of properties to know it.
        if let Err(why) = join(&incoming, &Anything)
            && why != Alone::Property
        {
            return Err(why);
        }
        let page = self.book.page(asked.install, object_type).await;
        match join(&incoming, page.as_ref()) {
            Err(Alone::Property) => join(&incoming, self.book.newer_page(asked.install, object_type).await.as_ref()),
            decided => decided,
        }
    }

    async fn answer_joined(&self, asked: &Asked, joined: Joined) -> Result<Answer, DispatchError> {
        let mut joined = joined;
        // Lanes keep apart: whoever is in a hurry does not wait behind others' bulk.
        let JoinKey(key) = &mut joined.join.key;
        key.push_str(match asked.lane {
            Lane::Interactive => " interactive",
            Lane::Realtime => " realtime",
            Lane::Bulk => " bulk",
            Lane::Reporting => " reporting",
        });
        loop {
            let shared = self.dispatch.call_joined(request(asked), joined.clone()).await?;
            let place = match shared {
                Shared::Alone(answer) => return Ok(answer),
                Shared::Place(place) => place,
            };
            self.counters.together.fetch_add(1, Ordering::Relaxed);
            match place.share(&mut || self.correlation()) {
                Share::Same(answer) => return Ok(answer),
                Share::Cut(Cut::Answer { answer, created }) => return Ok(located(asked, answer, created)),
                Share::Cut(Cut::Unresolved) => {
                    return Err(DispatchError::Unknown(Box::new(Unresolved { answer: None, cause: None })));
                }
                Share::Refused { second, size } if size > 1 => {
                    // Those of a half find each other again under a key of their own.
                    let JoinKey(key) = joined.join.key;
                    joined.join.key = JoinKey(format!("{key}{}", if second { "+" } else { "-" }));
                }
                Share::Cut(Cut::Alone) | Share::Refused { .. } => break,
            }
        }
        self.counters.again.fetch_add(1, Ordering::Relaxed);
        self.dispatch.call(request(asked)).await
    }

    /// A new correlation id: a UUID of version 7, as HubSpot's are.
    pub fn correlation(&self) -> String {
        let millis = self.clock.now().wall.0.unsigned_abs();
        let mut random = [0_u8; 10];
        self.dice.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut random);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().to_string()
    }
}

/// For a first look, which costs nothing.
struct Anything;

impl Definitions for Anything {
    fn is_plain(&self, _object_type: &ObjectType, _property: &str) -> bool {
        true
    }

    fn is_unique(&self, _object_type: &ObjectType, _property: &str) -> bool {
        false
    }
}

fn incoming<'a>(asked: &'a Asked, route: &'a Route, query: &'a [(String, String)]) -> Incoming<'a> {
    Incoming { install: asked.install, route, query, body: &asked.body }
}

fn request(asked: &Asked) -> CallRequest {
    let Asked { install, lane, deadline, caller, method, target, headers, body } = asked.clone();
    let body = (!body.is_empty()).then_some(body);
    let deadline = deadline.or(Some(WAIT_MAX));
    let origin = Origin { caller, ..Origin::default() };
    CallRequest { install, lane, call: Call::verbatim(method, target, headers, body), deadline, origin }
}

/// HubSpot names the place of a new record by the path that it was created under.
fn located(asked: &Asked, mut answer: Answer, created: Option<RecordId>) -> Answer {
    let path = asked.target.split_once('?').map_or(asked.target.as_str(), |(path, _)| path);
    let location = created.map(|id| format!("{}/{id}", path.trim_end_matches('/')));
    if let Some(value) = location.and_then(|location| HeaderValue::from_str(&location).ok()) {
        answer.headers.insert(LOCATION, value);
    }
    answer
}
