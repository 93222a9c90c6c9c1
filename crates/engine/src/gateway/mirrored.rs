//! Reads of records that their callers allow to be a little old, answered from the mirror.
//!
//! Which reads these are and what each gets is decided by [`linchpin_core::gateway::mirrored`], what must not be shown
//! after a write by [`linchpin_core::gateway::written`]. A read that finds nothing new enough is asked for all properties
//! that are mirrored, and what comes back goes into the mirror.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{AGE, CONTENT_TYPE, HeaderValue};
use linchpin_core::follow::known::Held;
use linchpin_core::follow::want::as_of_ms;
use linchpin_core::gateway::mirrored::{Ask, Wish, ask, reads_records, wish};
use linchpin_core::time::{Mono, Now};
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::id::{Install, ObjectType};
use linchpin_hubspot::routes::Route;
use linchpin_ports::mirror::{Mirror, MirrorRecord};

use super::writes::Writes;
use super::{Asked, CACHE_HEADER, Gateway, incoming, query};
use crate::clock::Clock;
use crate::dispatch::DispatchError;
use crate::follow::{Moment, Sighting, Sightings};

/// What the mirror answers by.
pub struct MirrorParts {
    /// The account, and the app whose credential reads; the mirror is its mirror.
    pub install: Install,
    /// What is mirrored: types, and their properties.
    pub objects: BTreeMap<ObjectType, Held>,
    /// The records.
    pub mirror: Arc<dyn Mirror>,
    /// The writes of the account, those of guests included.
    pub writes: Arc<Writes>,
    /// The way of what is read into the mirror.
    pub sightings: Sightings,
}

/// What has become of reads that allowed an age, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mirrored {
    /// Answered from the mirror.
    pub hits: u64,
    /// The records of these answers.
    pub records: u64,
    /// Asked of HubSpot, because nothing new enough was held; and held since.
    pub misses: u64,
    /// Asked of HubSpot, because something had just been written.
    pub bypassed: u64,
    /// Refused, because only what is held was wanted.
    pub refused: u64,
}

#[derive(Default)]
struct Counters {
    hits: AtomicU64,
    records: AtomicU64,
    misses: AtomicU64,
    bypassed: AtomicU64,
    refused: AtomicU64,
}

/// The mirror as the gateway sees it.
pub(super) struct Reflection {
    parts: MirrorParts,
    clock: Arc<dyn Clock>,
    counters: Counters,
    past: Once,
}

/// What there is for a read.
enum Look {
    /// This answer, of so many records.
    Hit(Answer, usize),
    /// Nothing new enough: this is to be asked.
    Miss(Whole),
    /// Nothing that may be shown, and nothing that may be held.
    Bypass,
}

/// A read of all properties that are mirrored.
struct Whole {
    ask: Ask,
    target: String,
    body: Bytes,
}

impl Reflection {
    pub(super) fn new(parts: MirrorParts, clock: Arc<dyn Clock>) -> Self {
        Self { parts, clock, counters: Counters::default(), past: Once::new() }
    }

    pub(super) fn writes(&self) -> &Writes {
        &self.parts.writes
    }

    pub(super) fn counts(&self) -> Mirrored {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters { hits, records, misses, bypassed, refused } = &self.counters;
        Mirrored {
            hits: read(hits),
            records: read(records),
            misses: read(misses),
            bypassed: read(bypassed),
            refused: read(refused),
        }
    }

    /// The number of this process, once it follows.
    fn process(&self) -> Option<u64> {
        let process = self.parts.sightings.process()?;
        self.past.call_once(|| {
            if process > 1 {
                self.parts.writes.note_past();
            }
        });
        Some(process)
    }

    /// What a call reads that is mirrored.
    fn ask(&self, asked: &Asked, route: &Route) -> Option<Ask> {
        let pairs = query(asked);
        let ask = ask(&incoming(asked, route, &pairs), &self.parts.objects);
        ask.filter(|_| asked.install == self.parts.install)
    }

    async fn look(&self, asked: &Asked, ask: Ask, held: &Held, age: Duration) -> Look {
        let Some(process) = self.process() else { return Look::Bypass };
        let Ask { object_type, ids, .. } = &ask;
        let records = match self.parts.mirror.get(self.parts.install, object_type, ids).await {
            Ok(records) => records,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(code = "LP6007", error, "the mirror cannot be read: HubSpot is asked");
                return Look::Bypass;
            }
        };
        // Looked at after the records: what was written meanwhile counts.
        let now = self.clock.now();
        if !ids.iter().all(|id| self.parts.writes.allows(object_type, *id, now.mono)) {
            return Look::Bypass;
        }
        match self.answered(&ask, &records, held, (process, now, age)) {
            Some(answer) => Look::Hit(answer, ids.len()),
            None => match ask.whole(&asked.target, held) {
                Some((target, body)) => Look::Miss(Whole { ask, target, body }),
                None => Look::Bypass,
            },
        }
    }

    /// The answer, if all records are held and new enough.
    fn answered(
        &self,
        ask: &Ask,
        records: &[Option<MirrorRecord>],
        held: &Held,
        (process, now, most): (u64, Now, Duration),
    ) -> Option<Answer> {
        let (mut shown, mut age) = (Vec::with_capacity(records.len()), Duration::ZERO);
        for (id, record) in ask.ids.iter().zip(records) {
            let record = record.as_ref().filter(|record| !record.archived)?;
            let body = record.body.as_ref().filter(|body| body.form == ask.form)?;
            let asked: Mono = body.asked.within(process)?;
            let is_new = now.mono - asked <= most && self.parts.writes.allows(&ask.object_type, *id, asked);
            if !is_new {
                return None;
            }
            shown.push(body.record.as_str());
            age = age.max(now.mono - asked);
        }
        let body = ask.answer(&shown, held, now.wall)?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=utf-8"));
        headers.insert(AGE, HeaderValue::from(age.as_secs()));
        headers.insert(CACHE_HEADER, HeaderValue::from_static("hit; source=mirror"));
        Some(Answer { status: 200, headers, body })
    }

    /// Hands an answer to the mirror.
    fn tell(&self, ask: &Ask, asked: Now, answer: &Answer) {
        let as_of_ms = as_of_ms(asked.wall, self.clock.now().mono - asked.mono, answer.date_ms());
        let moment = Moment { as_of_ms, asked: asked.mono };
        self.parts.sightings.tell(Sighting::new(ask.object_type.clone(), ask.form.clone(), moment, answer));
    }
}

fn count(counter: &AtomicU64, more: usize) {
    counter.fetch_add(u64::try_from(more).unwrap_or(u64::MAX), Ordering::Relaxed);
}

impl Gateway {
    /// Answers a call from the mirror if its caller allows that, and asks for it otherwise.
    pub(super) async fn reflected(
        &self,
        reflection: &Reflection,
        asked: Asked,
        route: &Route,
    ) -> Result<Answer, DispatchError> {
        let Wish { age, only } = wish(&asked.headers);
        let reads = (age.is_some() || only) && reads_records(route.operation) && !asked.is_once();
        let ask = if reads { reflection.ask(&asked, route) } else { None };
        let held = ask.as_ref().and_then(|ask| reflection.parts.objects.get(&ask.object_type));
        let look = match (ask, held, age) {
            (Some(ask), Some(held), Some(age)) => Some(reflection.look(&asked, ask, held, age).await),
            _ => None,
        };
        let counters = &reflection.counters;
        match (look, held) {
            (Some(Look::Hit(answer, records)), _) => {
                count(&counters.hits, 1);
                count(&counters.records, records);
                self.ledger.keep(&asked, route, true);
                Ok(self.told_again(answer))
            }
            _ if reads && only => {
                count(&counters.refused, 1);
                self.ledger.keep(&asked, route, false);
                Err(DispatchError::NotHeld)
            }
            (Some(Look::Miss(whole)), Some(held)) => {
                count(&counters.misses, 1);
                self.ask_whole(reflection, asked, route, whole, held).await
            }
            (Some(_), _) => {
                count(&counters.bypassed, 1);
                self.ask(asked, route).await.map(|answer| told(answer, "bypass; source=mirror"))
            }
            (None, _) => {
                let write = reflection.writes().begin(&asked, route);
                let outcome = self.ask(asked, route).await;
                if let Some(write) = write {
                    write.end(&outcome);
                }
                outcome
            }
        }
    }

    /// Asks for all properties that are mirrored, and cuts the caller's share out of the answer.
    async fn ask_whole(
        &self,
        reflection: &Reflection,
        asked: Asked,
        route: &Route,
        whole: Whole,
        held: &Held,
    ) -> Result<Answer, DispatchError> {
        let Whole { ask, target, body } = whole;
        let began = self.clock.now();
        // What is to be held does not flow past.
        let wider = Asked { target, body, passage: None, ..asked.clone() };
        let mut answer = self.ask(wider, route).await?;
        if !matches!(answer.status, 200 | 207) {
            return Ok(told(answer, "miss; source=mirror"));
        }
        let Some(share) = ask.cut(&answer.body, held) else {
            // In another form than was expected: nobody gets more than was asked for.
            return self.ask(asked, route).await;
        };
        reflection.tell(&ask, began, &answer);
        answer.body = share;
        Ok(told(answer, "miss; source=mirror"))
    }
}

fn told(mut answer: Answer, word: &'static str) -> Answer {
    answer.headers.insert(CACHE_HEADER, HeaderValue::from_static(word));
    answer
}
