//! Reading wanted records: one call for up to a hundred of a type.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use linchpin_core::follow::known::Values;
use linchpin_core::follow::want::{Want, as_of_ms};
use linchpin_core::gateway::mirrored::{self, Asked, Form};
use linchpin_core::schedule::lanes::Lane;
use linchpin_core::time::{Mono, Wall};
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::endpoint::{ApiError, Endpoint};
use linchpin_hubspot::errors::BatchError;
use linchpin_hubspot::id::{ObjectType, RecordId};
use linchpin_hubspot::objects::{BatchOutcome, BatchRead, Fields, Read, Record};
use linchpin_ports::follow::Wanted;
use linchpin_ports::mirror::Body;

use super::Worker;
use super::counts::add;
use crate::dispatch::{CallRequest, DispatchError, Origin};

/// Who calls, for logs.
const CALLER: &str = "follow";

/// Records that are asked for alone after a call whose answer says nothing of them; the others wait.
const ALONE_MAX: usize = 10;

/// Records to be read in one call, by their wishes.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) object_type: ObjectType,
    pub(super) records: BTreeMap<RecordId, Want>,
    /// None of live records; of those that were not found, the moment that the read covered which did not find them.
    pub(super) missed_as_of_ms: Option<i64>,
}

impl Question {
    pub(super) fn live(wanted: Wanted) -> Self {
        let Wanted { object_type, records } = wanted;
        Self { object_type, records: records.into_iter().collect(), missed_as_of_ms: None }
    }
}

/// What a call came to.
#[derive(Debug)]
pub(super) struct Landed {
    pub(super) question: Question,
    pub(super) outcome: Result<Seen, Trouble>,
}

/// What a call found.
pub(super) struct Seen {
    /// The moment that it covers.
    pub(super) as_of_ms: i64,
    /// When it was asked for.
    pub(super) asked: Mono,
    /// The form of the records below.
    pub(super) form: Form,
    /// Records as HubSpot wrote them down.
    pub(super) bodies: BTreeMap<RecordId, String>,
    /// The records that it returned, also such as were not asked for: where merged ones have gone.
    pub(super) records: BTreeMap<RecordId, Record>,
    /// Which record stands for one that was asked for.
    pub(super) merged: BTreeMap<RecordId, RecordId>,
    /// Records of which nothing is known still.
    pub(super) unclear: BTreeSet<RecordId>,
}

impl Seen {
    /// What an answer about records holds.
    pub(super) fn new(moment: Moment, form: Form, answer: &Answer) -> Self {
        let Moment { as_of_ms, asked } = moment;
        let mut seen = Self {
            as_of_ms,
            asked,
            form,
            bodies: BTreeMap::new(),
            records: BTreeMap::new(),
            merged: BTreeMap::new(),
            unclear: BTreeSet::new(),
        };
        for raw in mirrored::records(&answer.body) {
            if let Ok(record) = serde_json::from_str::<Record>(raw.get()) {
                seen.bodies.insert(record.id, raw.get().to_owned());
                seen.records.insert(record.id, record);
            }
        }
        seen
    }

    /// Takes another along: together they are as old as the older one.
    pub(super) fn join(&mut self, other: Self) {
        self.as_of_ms = self.as_of_ms.min(other.as_of_ms);
        self.asked = self.asked.min(other.asked);
        self.bodies.extend(other.bodies);
        self.records.extend(other.records);
    }

    /// How HubSpot wrote a record down, as the process of this number read it.
    pub(super) fn body_of(&self, id: RecordId, process: u64) -> Option<Body> {
        let asked = Asked { process, micros: self.asked.0 };
        let record = self.bodies.get(&id)?.clone();
        Some(Body { asked, form: self.form.clone(), record })
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen")
            .field("as_of_ms", &self.as_of_ms)
            .field("asked", &self.asked)
            .field("records", &self.records.keys())
            .finish_non_exhaustive()
    }
}

/// When a read was made.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The moment of HubSpot's clock that it covers.
    pub as_of_ms: i64,
    /// When it was asked for.
    pub asked: Mono,
}

/// Why a call told nothing about records.
#[derive(Debug)]
pub(super) struct Trouble {
    /// When asking makes sense again, if that is known.
    pub(super) until: Option<Wall>,
}

impl Worker {
    /// Makes the call, and one more for each record that the answer says nothing of.
    pub(super) async fn ask(&self, question: Question) -> Landed {
        let outcome = self.look(&question).await;
        Landed { question, outcome }
    }

    async fn look(&self, question: &Question) -> Result<Seen, Trouble> {
        let Question { object_type, records, missed_as_of_ms } = question;
        let properties: Vec<String> = self.names(object_type);
        let read = BatchRead {
            object_type: object_type.clone(),
            ids: records.keys().map(ToString::to_string).collect(),
            id_property: None,
            properties: properties.clone(),
            history: Vec::new(),
            archived: missed_as_of_ms.is_some(),
        };
        add(&self.counters.asked, records.len());
        let (answer, moment) = self.send(&read).await?;
        let BatchOutcome { errors, .. } = self.decoded(&read, &answer)?;
        let named: BTreeSet<RecordId> =
            errors.iter().flat_map(BatchError::ids).filter_map(|id| id.parse().ok()).collect();
        let mut seen = Seen::new(moment, Form::of(self.parts.version), &answer);
        if missed_as_of_ms.is_some() {
            return Ok(seen);
        }
        let unexplained = records.keys().filter(|id| !seen.records.contains_key(id) && !named.contains(id));
        let mut unexplained: Vec<RecordId> = unexplained.copied().collect();
        seen.unclear = unexplained.split_off(unexplained.len().min(ALONE_MAX)).into_iter().collect();
        for id in unexplained {
            self.look_alone(object_type, id, &properties, &mut seen).await?;
        }
        Ok(seen)
    }

    /// A record that is in no part of an answer may answer under another id: it has been merged.
    async fn look_alone(
        &self,
        object_type: &ObjectType,
        id: RecordId,
        properties: &[String],
        seen: &mut Seen,
    ) -> Result<(), Trouble> {
        let fields = Fields::of(properties.iter().cloned());
        let read = Read { object_type: object_type.clone(), id: id.to_string(), id_property: None, fields };
        let (answer, moment) = self.send(&read).await?;
        if answer.status == 404 {
            return Ok(());
        }
        let record = self.decoded(&read, &answer)?;
        if record.id != id {
            seen.merged.insert(id, record.id);
        }
        // The batch may have held it as well, and earlier: of that this says nothing.
        seen.as_of_ms = seen.as_of_ms.min(moment.as_of_ms);
        seen.bodies.remove(&record.id);
        seen.records.insert(record.id, record);
        Ok(())
    }

    fn names(&self, object_type: &ObjectType) -> Vec<String> {
        self.parts.objects.get(object_type).map(|held| held.names().iter().cloned().collect()).unwrap_or_default()
    }

    /// One call, and the moment that its answer covers.
    async fn send(&self, endpoint: &impl Endpoint) -> Result<(Answer, Moment), Trouble> {
        let asked = self.parts.clock.now();
        let origin = Origin { caller: CALLER.to_owned(), ..Origin::default() };
        let (install, call) = (self.parts.install, endpoint.call(self.parts.version));
        let request = CallRequest { origin, ..CallRequest::new(install, Lane::Realtime, call) };
        add(&self.counters.calls, 1);
        let answer = self.parts.dispatch.call(request).await.map_err(|error| self.unanswered(&error))?;
        let took: Duration = self.parts.clock.now().mono - asked.mono;
        let as_of_ms = as_of_ms(asked.wall, took, answer.date_ms());
        Ok((answer, Moment { as_of_ms, asked: asked.mono }))
    }

    fn unanswered(&self, error: &DispatchError) -> Trouble {
        add(&self.counters.failed, 1);
        let until = match error {
            DispatchError::DayExhausted { until } | DispatchError::Migrating { until } => Some(*until),
            _ => None,
        };
        tracing::warn!(code = error.code(), %error, "records of the mirror cannot be read (LP6006): they are asked for later");
        Trouble { until }
    }

    fn decoded<E: Endpoint>(&self, endpoint: &E, answer: &Answer) -> Result<E::Output, Trouble> {
        endpoint.decode(answer).map_err(|error: ApiError| {
            add(&self.counters.failed, 1);
            let status = answer.status;
            tracing::warn!(code = "LP6006", status, %error, "records of the mirror cannot be read: they are asked for later");
            Trouble { until: None }
        })
    }
}

/// The values that are held of a record that was read.
pub(super) fn values_of(record: &Record, names: &BTreeSet<String>) -> Values {
    let held = record.properties.iter().filter(|(name, _)| names.contains(*name));
    held.map(|(name, value)| (name.clone(), value.clone())).collect()
}
