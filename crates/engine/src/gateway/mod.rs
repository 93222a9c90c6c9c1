//! Other people's calls, through the one door: packed into batches where that changes nothing for their callers.
//!
//! What may travel together, how, and what each gets of the answer is decided by [`linchpin_core::gateway`]; here is who
//! waits for whom. A call that its batch could not answer is asked again alone, so that its caller always gets HubSpot's
//! own words. Reads that ask the very same share one call, definitions may be answered from what is kept, and records from
//! the mirror if their caller allows an age.

mod book;
mod cache;
mod flight;
pub mod guests;
mod ledger;
mod mirrored;
pub mod operations;
mod resolve;
mod witness;
mod writes;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue, LOCATION};
use http::{HeaderMap, Method};
use linchpin_core::gateway::cut::Cut;
use linchpin_core::gateway::join::{Alone, Definitions, Incoming, Joined, join};
use linchpin_core::gateway::usage::Usage;
use linchpin_core::schedule::coalesce::JoinKey;
use linchpin_core::schedule::lanes::{Lane, PerLane};
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::call::{Call, Effect, Family};
use linchpin_hubspot::id::{Install, ObjectType, RecordId};
use linchpin_hubspot::routes::{self, Operation, Route};
use linchpin_hubspot::version::ApiVersion;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use self::book::Book;
pub use self::book::{BELIEVED, LISTS_MAX, UNKNOWN_BELIEVED};
pub use self::cache::CACHE_HEADER;
use self::cache::{Definitions as Kept, Met};
use self::ledger::{Entry, Ledger};
use self::mirrored::Reflection;
pub use self::mirrored::{MirrorParts, Mirrored};
use self::witness::Witness;
pub use self::witness::{DISTANCE as WITNESS_DISTANCE, ONE_IN as WITNESS_ONE_IN};
pub use self::writes::Writes;
use crate::clock::Clock;
use crate::dispatch::{CallRequest, Dispatch, DispatchError, Origin, Share, Shared, Unresolved};
use crate::hub::Hub;
use crate::tasks::Tasks;
use crate::upstream::Passage;

/// How long a caller waits that does not say how long: no client waits longer, and while HubSpot cannot be reached its
/// call would only stand in line.
pub const WAIT_MAX: Duration = Duration::from_secs(600);

/// HubSpot's header that names a request.
const CORRELATION: HeaderName = HeaderName::from_static("x-hubspot-correlation-id");

/// Before the name of a caller, in the account of its calls.
pub const CALLER_PREFIX: &str = "gateway:";

/// The name of a caller, as it stands in configurations.
pub fn caller_name(caller: &str) -> &str {
    caller.strip_prefix(CALLER_PREFIX).unwrap_or(caller)
}

/// Which calls are packed into batches, or share an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Coalesce {
    /// None: every call leaves as it came, at once, and on its own.
    Off,
    /// Reads, and archives: recorded answers show that a batch says the same.
    #[default]
    Proven,
    /// Updates, creations, and associations that are read, made without a label or removed as well.
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
    /// Set when it leaves in a batch with others; for accounts.
    pub joined: Arc<AtomicBool>,
    /// What of it may flow past; none if the caller takes nothing but whole answers.
    pub passage: Option<Arc<Passage>>,
}

impl Asked {
    /// Whether it holds so much that it leaves as it came, at once and never again.
    fn is_once(&self) -> bool {
        self.passage.as_ref().is_some_and(|passage| passage.is_once())
    }
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
    /// Calls that were asked for, by lane.
    pub lanes: PerLane<u64>,
    /// Reads that got the answer of another that asked the same.
    pub shared: u64,
    /// Reads that were answered from what is kept.
    pub cached: u64,
    /// Reads out of batches that were asked again alone to compare.
    pub witnessed: u64,
    /// Of these, those that got another answer alone.
    pub differed: u64,
    /// What has become of reads that allowed an age.
    pub mirrored: Mirrored,
}

#[derive(Default)]
struct Counters {
    asked: AtomicU64,
    together: AtomicU64,
    again: AtomicU64,
    lanes: PerLane<AtomicU64>,
    shared: AtomicU64,
    cached: AtomicU64,
    witnessed: AtomicU64,
    differed: AtomicU64,
}

/// The gateway's way to HubSpot.
pub struct Gateway {
    dispatch: Dispatch,
    book: Book,
    coalesce: Coalesce,
    clock: Arc<dyn Clock>,
    dice: Mutex<ChaCha8Rng>,
    counters: Arc<Counters>,
    ledger: Ledger,
    kept: Option<Kept>,
    reflection: Option<Reflection>,
    witness: Option<Witness>,
    turns: AtomicU64,
}

impl Gateway {
    /// A gateway over the door. `seed` begins the dice that name answers.
    pub fn new(dispatch: Dispatch, install: Install, coalesce: Coalesce, clock: Arc<dyn Clock>, seed: u64) -> Self {
        let hub = Hub::new(dispatch.clone(), install, ApiVersion::V3, Lane::Interactive, "gateway");
        Self {
            dispatch,
            book: Book::new(hub, Arc::clone(&clock)),
            coalesce,
            ledger: Ledger::new(false, Arc::clone(&clock)),
            clock,
            dice: Mutex::new(ChaCha8Rng::seed_from_u64(seed)),
            counters: Arc::default(),
            kept: None,
            reflection: None,
            witness: None,
            turns: AtomicU64::new(0),
        }
    }

    /// Keeps answers about definitions for so long: what is changed elsewhere shows that much later.
    #[must_use]
    pub fn with_cache(mut self, lives: Duration) -> Self {
        self.kept = Some(Kept::new(lives, Arc::clone(&self.clock)));
        self
    }

    /// Answers reads that allow an age from the mirror, as far as it holds what they ask for.
    #[must_use]
    pub fn with_mirror(mut self, parts: MirrorParts) -> Self {
        self.reflection = Some(Reflection::new(parts, Arc::clone(&self.clock)));
        self
    }

    /// Compares a small share of what batches answer with what HubSpot says to a single call, while the budget is idle.
    #[must_use]
    pub fn with_witness(mut self, tasks: &Tasks) -> Self {
        let (dispatch, clock) = (self.dispatch.clone(), Arc::clone(&self.clock));
        self.witness = Some(Witness::new(tasks.clone(), dispatch, clock, Arc::clone(&self.counters)));
        self
    }

    /// The same in shadow mode: every call passes through as it came, and what joining and keeping would have saved is
    /// counted instead.
    #[must_use]
    pub fn in_shadow(self) -> Self {
        Self { ledger: Ledger::new(true, Arc::clone(&self.clock)), ..self }
    }

    /// Whether it is in shadow mode.
    pub fn is_shadow(&self) -> bool {
        self.ledger.is_shadow()
    }

    /// What has been saved so far.
    pub fn saved(&self) -> Saved {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters { asked, together, again, lanes, shared, cached, witnessed, differed } = self.counters.as_ref();
        Saved {
            asked: read(asked),
            together: read(together),
            again: read(again),
            lanes: PerLane::new(Lane::ALL.map(|lane| read(lanes.get(lane)))),
            shared: read(shared),
            cached: read(cached),
            witnessed: read(witnessed),
            differed: read(differed),
            mirrored: self.reflection.as_ref().map(Reflection::counts).unwrap_or_default(),
        }
    }

    /// The calls so far, by caller and route: what they cost, or in shadow mode what they would have cost; and the
    /// scopes that were in use, the gateway's own reads of properties included.
    pub fn usage(&self) -> Usage {
        let mut usage = self.ledger.usage();
        // The gateway's own reads need their scopes, too.
        for object_type in self.book.object_types() {
            usage.handle_success(&routes::classify(&Method::GET, &format!("/crm/v3/properties/{object_type}")));
        }
        usage
    }

    /// Gets a call its answer: what HubSpot would have said to it alone. If that flows past, it is the head; the body
    /// lies in the call's passage.
    ///
    /// # Errors
    /// There is no answer: see [`DispatchError`].
    pub async fn answer(&self, asked: Asked) -> Result<Answer, DispatchError> {
        self.counters.asked.fetch_add(1, Ordering::Relaxed);
        self.counters.lanes.get(asked.lane).fetch_add(1, Ordering::Relaxed);
        let route = routes::classify(&asked.method, path(&asked));
        match self.reflection.as_ref().filter(|_| !self.is_shadow()) {
            Some(reflection) => Box::pin(self.reflected(reflection, asked, &route)).await,
            None => self.ask(asked, &route).await,
        }
    }

    /// Makes a call, or answers it from what is kept.
    async fn ask(&self, mut asked: Asked, route: &Route) -> Result<Answer, DispatchError> {
        let joined = match self.alone(&asked, route) {
            Some(why) => Err(why),
            None => Box::pin(self.joined(&asked, route)).await,
        };
        let mut entry = self.ledger.enter(&asked, route, joined.as_ref().map_err(|why| *why));
        let kept = self.kept.as_ref().filter(|_| !self.is_shadow());
        if kept.is_some() && cache::is_kept(&asked, route) {
            // What is to be kept is held.
            asked.passage = None;
        }
        let travel = self.travel(&asked, route, joined, &mut entry);
        let met = match kept {
            Some(kept) => Box::pin(kept.meet(&asked, route, travel)).await,
            None => Met::Asked(travel.await),
        };
        if route.family == Family::Schema && route.effect != Effect::Safe {
            self.book.forget(asked.install.portal);
        }
        let answer = match met {
            Met::Kept(answer) => {
                self.counters.cached.fetch_add(1, Ordering::Relaxed);
                entry.handle_kept();
                Ok(self.told_again(answer))
            }
            Met::Asked(outcome) => outcome,
        };
        if let Ok(answer) = &answer {
            entry.handle_answer(answer.status);
        }
        answer
    }

    /// A kept answer under a new correlation id.
    fn told_again(&self, mut answer: Answer) -> Answer {
        if let Ok(value) = HeaderValue::from_str(&self.correlation()) {
            answer.headers.insert(CORRELATION, value);
        }
        answer
    }

    async fn travel(
        &self,
        asked: &Asked,
        route: &Route,
        joined: Result<Joined, Alone>,
        entry: &mut Entry<'_>,
    ) -> Result<Answer, DispatchError> {
        match joined {
            _ if self.is_shadow() || asked.is_once() => {
                let answer = self.dispatch.call(request(asked, route)).await?;
                entry.handle_sent();
                Ok(answer)
            }
            Ok(joined) => {
                let sent = self.clock.now().wall;
                match Box::pin(self.answer_joined(asked, route, joined.clone(), entry)).await {
                    Err(lost @ DispatchError::Unknown(_)) => {
                        Box::pin(self.resolved(asked, route, (&joined, sent), entry, lost)).await
                    }
                    outcome => outcome,
                }
            }
            Err(why) => {
                tracing::trace!(why = why.name(), "a call travels by itself");
                self.answer_single(asked, route, entry).await
            }
        }
    }

    /// Whether pending changes of one record may be sent as one.
    fn merges(&self) -> bool {
        self.coalesce != Coalesce::Off
    }

    /// Why a call travels by itself, if that is plain from its route.
    fn alone(&self, asked: &Asked, route: &Route) -> Option<Alone> {
        if asked.is_once() || route.object_type.is_none() || !Coalesce::All.covers(route.operation) {
            return Some(Alone::NoBatch);
        }
        (!self.coalesce.covers(route.operation)).then_some(Alone::Setting)
    }

    async fn joined(&self, asked: &Asked, route: &Route) -> Result<Joined, Alone> {
        let Some(object_type) = &route.object_type else { return Err(Alone::NoBatch) };
        let query = query(asked);
        let incoming = incoming(asked, route, &query);
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

    async fn answer_joined(
        &self,
        asked: &Asked,
        route: &Route,
        mut joined: Joined,
        entry: &mut Entry<'_>,
    ) -> Result<Answer, DispatchError> {
        joined.join.key = in_lane(&joined.join.key, asked.lane);
        loop {
            let shared = self.dispatch.call_joined(request(asked, route), joined.clone()).await?;
            let place = match shared {
                Shared::Alone(answer) => {
                    entry.handle_sent();
                    return Ok(answer);
                }
                Shared::Along(answer) => {
                    entry.handle_same();
                    return Ok(answer);
                }
                Shared::Place(place) => place,
                Shared::Apart => break,
            };
            if place.is_first() {
                entry.handle_sent();
            } else {
                entry.handle_rode();
            }
            self.counters.together.fetch_add(1, Ordering::Relaxed);
            asked.joined.store(true, Ordering::Relaxed);
            match place.share(&mut || self.correlation()) {
                Share::Same(answer) => return Ok(answer),
                Share::Cut(Cut::Answer { answer, created }) => {
                    self.bear_witness(asked, route, &answer);
                    return Ok(located(asked, answer, created));
                }
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
        self.answer_single(asked, route, entry).await
    }

    fn bear_witness(&self, asked: &Asked, route: &Route, told: &Answer) {
        let reads = matches!(route.operation, Operation::ObjectRead | Operation::AssociationList);
        if let Some(witness) = self.witness.as_ref().filter(|_| reads) {
            let dice = self.dice.lock().unwrap_or_else(PoisonError::into_inner).next_u32();
            witness.look(asked, route, told, dice);
        }
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

/// The path of a call.
fn path(asked: &Asked) -> &str {
    asked.target.split_once('?').map_or(asked.target.as_str(), |(path, _)| path)
}

/// The query of a call, decoded, in order.
fn query(asked: &Asked) -> Vec<(String, String)> {
    let query = asked.target.split_once('?').map_or("", |(_, query)| query);
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// Lanes keep apart: whoever is in a hurry does not wait behind others' bulk.
fn in_lane(JoinKey(key): &JoinKey, lane: Lane) -> JoinKey {
    let lane = match lane {
        Lane::Interactive => "interactive",
        Lane::Realtime => "realtime",
        Lane::Bulk => "bulk",
        Lane::Reporting => "reporting",
    };
    JoinKey(format!("{key} {lane}"))
}

fn incoming<'a>(asked: &'a Asked, route: &'a Route, query: &'a [(String, String)]) -> Incoming<'a> {
    Incoming { install: asked.install, route, query, body: &asked.body }
}

fn request(asked: &Asked, route: &Route) -> CallRequest {
    let Asked { install, lane, deadline, caller, method, target, headers, body, joined: _, passage } = asked.clone();
    let body = (!body.is_empty()).then_some(body);
    let deadline = deadline.or(Some(WAIT_MAX));
    let origin = Origin { caller, ..Origin::default() };
    let call = Call::verbatim(method, target, headers, body, route.clone());
    CallRequest { install, lane, call, deadline, origin, passage, drives: true }
}

/// HubSpot names the place of a new record by the path that it was created under.
fn located(asked: &Asked, mut answer: Answer, created: Option<RecordId>) -> Answer {
    let location = created.map(|id| format!("{}/{id}", path(asked).trim_end_matches('/')));
    if let Some(value) = location.and_then(|location| HeaderValue::from_str(&location).ok()) {
        answer.headers.insert(LOCATION, value);
    }
    answer
}

#[cfg(test)]
mod tests;
