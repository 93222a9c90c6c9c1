//! What a read came to, written down.

use std::collections::BTreeMap;

use linchpin_core::follow::known::{self, Found, Held, Known, Standing};
use linchpin_core::follow::want::{Miss, PAUSE, Want, missed, uncovered};
use linchpin_core::ingress::latest::{End, Latest, RecordKey};
use linchpin_core::time::Wall;
use linchpin_hubspot::id::RecordId;
use linchpin_hubspot::objects::Record;
use linchpin_ports::follow::{Reflect, Tracked, Update};
use linchpin_ports::mirror::Body;
use linchpin_ports::store::StoreError;

use super::Worker;
use super::chunk::reflect;
use super::counts::add;
use super::read::{Landed, Question, Seen, Trouble, values_of};

impl Worker {
    /// Writes down what a call came to. Says what to ask next: those that are looked for in the recycling bin.
    pub(super) async fn settle(&self, landed: &Landed) -> Result<Option<Question>, StoreError> {
        let Landed { question, outcome } = landed;
        // Not without a configuration that has changed: then nobody wants it any more.
        let held = self.parts.objects.get(&question.object_type);
        let strangers = outcome.iter().flat_map(|seen| seen.records.keys());
        let mut ids: Vec<RecordId> = question.records.keys().chain(strangers).copied().collect();
        ids.sort_unstable();
        ids.dedup();
        let keys: Vec<RecordKey> = ids.iter().map(|id| (question.object_type.clone(), *id)).collect();
        let tracked = self.parts.follow.known(self.parts.install, &keys).await?;
        let now = self.parts.clock.now().wall;
        let (updates, missing) = (Vec::new(), BTreeMap::new());
        let mut table = Table {
            question,
            held,
            process: self.process.get().copied().unwrap_or_default(),
            now,
            updates,
            missing,
            again: 0,
            gone: 0,
        };
        for (key, tracked) in keys.into_iter().zip(tracked) {
            match outcome {
                Ok(seen) if seen.unclear.contains(&key.1) => table.put_off(key, tracked, &Trouble { until: None }),
                Ok(seen) => table.seen(key, tracked, seen),
                Err(trouble) => table.put_off(key, tracked, trouble),
            }
        }
        let Table { updates, missing, again, gone, .. } = table;
        self.parts.follow.settle(self.parts.install, updates).await?;
        add(&self.counters.again, again);
        add(&self.counters.gone, gone);
        let missed_as_of_ms = outcome.as_ref().ok().map(|seen| seen.as_of_ms);
        let object_type = question.object_type.clone();
        Ok((!missing.is_empty()).then_some(Question { object_type, records: missing, missed_as_of_ms }))
    }
}

/// The settlement of one call in the making.
struct Table<'a> {
    question: &'a Question,
    held: Option<&'a Held>,
    process: u64,
    now: Wall,
    updates: Vec<Update>,
    /// To be looked for in the recycling bin.
    missing: BTreeMap<RecordId, Want>,
    again: usize,
    gone: usize,
}

impl Table<'_> {
    fn seen(&mut self, key: RecordKey, tracked: Tracked, seen: &Seen) {
        let Some(held) = self.held else {
            return self.update(key, tracked.version, tracked.known, Reflect::Nothing, None);
        };
        let want = self.question.records.get(&key.1).copied();
        if let Some(survivor) = seen.merged.get(&key.1) {
            return self.merged(key, tracked, *survivor, held);
        }
        match (seen.records.get(&key.1), self.question.missed_as_of_ms) {
            (Some(record), None) => {
                let body = seen.body_of(key.1, self.process);
                self.found(key, tracked, (record, seen.as_of_ms, Found::There), body, held);
            }
            (Some(record), Some(as_of_ms)) => self.found(key, tracked, (record, as_of_ms, Found::Archived), None, held),
            (None, None) => self.missed(key, tracked, want.unwrap_or_else(|| self.at_once()), seen.as_of_ms, held),
            (None, Some(as_of_ms)) => self.nowhere(key, tracked, as_of_ms, held),
        }
    }

    fn at_once(&self) -> Want {
        Want { from: self.now, due: self.now, attempts: 0 }
    }

    fn found(
        &mut self,
        key: RecordKey,
        tracked: Tracked,
        (record, as_of_ms, found): (&Record, i64, Found),
        body: Option<Body>,
        held: &Held,
    ) {
        let Tracked { version, mut known } = tracked;
        let was = known.standing();
        let read = known::Read { as_of_ms, found, mark: held.mark() };
        let change = known.see(read, values_of(record, held.names()));
        self.gone += usize::from(was != Standing::Archived && known.standing() == Standing::Archived);
        // What events tell beyond the read is not in how HubSpot wrote it down.
        let body = body.filter(|_| known.standing() == Standing::There && known.latest == Latest::default());
        let reflect = reflect(&key, change, record.updated_at.clone(), body);
        let want = self.left(&known, &key, held);
        self.update(key, version, known, reflect, want);
    }

    fn nowhere(&mut self, key: RecordKey, tracked: Tracked, as_of_ms: i64, held: &Held) {
        let Tracked { version, mut known } = tracked;
        let was = known.standing();
        let change = known.see(known::Read { as_of_ms, found: Found::Nowhere, mark: held.mark() }, BTreeMap::new());
        self.gone += usize::from(was != Standing::Erased && known.standing() == Standing::Erased);
        let reflect = reflect(&key, change, None, None);
        let want = self.left(&known, &key, held);
        self.update(key, version, known, reflect, want);
    }

    /// Not found: late, or gone. Unless an event has said meanwhile what became of it.
    fn missed(&mut self, key: RecordKey, tracked: Tracked, want: Want, as_of_ms: i64, held: &Held) {
        let Tracked { version, known } = tracked;
        let next = match (known.need(held), missed(&known, want, as_of_ms, self.now)) {
            (None, _) => None,
            (Some(_), Miss::Again(next)) => {
                self.again += 1;
                Some(next)
            }
            (Some(_), Miss::LookUp) => {
                self.missing.insert(key.1, want);
                return;
            }
        };
        self.update(key, version, known, Reflect::Nothing, next);
    }

    fn merged(&mut self, key: RecordKey, tracked: Tracked, survivor: RecordId, held: &Held) {
        let Tracked { version, mut known } = tracked;
        let change = known.hear(Latest { end: Some(End::Merged(survivor)), ..Latest::default() }, held);
        self.gone += 1;
        let reflect = reflect(&key, change, None, None);
        self.update(key, version, known, reflect, None);
    }

    /// The call told nothing: the wishes stay.
    fn put_off(&mut self, key: RecordKey, tracked: Tracked, trouble: &Trouble) {
        let Some(want) = self.question.records.get(&key.1) else { return };
        let later = self.now + PAUSE;
        let due = trouble.until.map_or(later, |until| until.max(later));
        let still = self.held.is_some_and(|held| tracked.known.need(held).is_some());
        let want = still.then_some(Want { from: due, due, ..*want });
        self.update(key, tracked.version, tracked.known, Reflect::Nothing, want);
    }

    /// What has to be read still.
    fn left(&self, known: &Known, key: &RecordKey, held: &Held) -> Option<Want> {
        let before = self.question.records.get(&key.1).copied().unwrap_or_else(|| self.at_once());
        uncovered(known, held, before, self.now)
    }

    fn update(&mut self, key: RecordKey, from: u64, known: Known, reflect: Reflect, want: Option<Want>) {
        self.updates.push(Update { key, from, known, reflect, want });
    }
}
