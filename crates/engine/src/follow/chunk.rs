//! A chunk of a log, folded and written down.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use linchpin_core::follow::known::{Change, Held, Standing};
use linchpin_core::follow::want::wanted;
use linchpin_core::ingress::latest::{Latest, RecordKey, told};
use linchpin_core::time::Wall;
use linchpin_hubspot::event;
use linchpin_hubspot::id::{AppId, Install, ObjectType, RecordId};
use linchpin_ports::event_log::{LoggedEvent, Teller};
use linchpin_ports::follow::{Progress, Reflect, Tracked, Update};
use linchpin_ports::mirror::{Body, MirrorRecord};
use linchpin_ports::store::StoreError;

use super::counts::add;
use super::{CHUNK_EVENTS, Worker};

impl Worker {
    /// Follows each log by a chunk; says whether there is more.
    pub(super) async fn follow_logs(&self) -> Result<bool, StoreError> {
        let (mut more, mut behind) = (false, 0);
        for log in &self.parts.logs {
            let (place, upto) = self.follow_log(*log).await?;
            let last = self.parts.events.last(self.log(*log)).await?;
            behind += last.saturating_sub(upto);
            more |= upto > place && last > upto;
        }
        self.counters.behind.store(behind, Ordering::Relaxed);
        Ok(more)
    }

    fn log(&self, app: AppId) -> Install {
        Install { app, ..self.parts.install }
    }

    /// Follows a log by a chunk; says where it was, and where it is.
    async fn follow_log(&self, log: AppId) -> Result<(u64, u64), StoreError> {
        let (follow, install) = (&self.parts.follow, self.parts.install);
        let from = follow.place(install, log).await?;
        let events = self.parts.events.read(self.log(log), from, CHUNK_EVENTS).await?;
        let Some(upto) = events.last().map(|logged| logged.place) else { return Ok((from, from)) };
        let folded: Vec<(RecordKey, Latest)> = self.fold(&events).into_iter().collect();
        let keys: Vec<RecordKey> = folded.iter().map(|(key, _)| key.clone()).collect();
        let tracked = follow.known(install, &keys).await?;
        let now = self.parts.clock.now().wall;
        let heard = folded.into_iter().zip(tracked).filter_map(|((key, latest), tracked)| {
            let held = self.parts.objects.get(&key.0)?;
            hear(key, latest, tracked, held, now)
        });
        let updates: Vec<Update> = heard.collect();
        let direct = updates.iter().filter(|update| matches!(update.reflect, Reflect::Put(_))).count();
        let gone = updates.iter().filter(|update| is_gone(update)).count();
        follow.advance(install, Progress { log, from, upto }, updates).await?;
        add(&self.counters.events, events.len());
        add(&self.counters.direct, direct);
        add(&self.counters.gone, gone);
        Ok((from, upto))
    }

    /// What events tell of the records that are mirrored. What is not understood, or is about anything else, is passed
    /// over: it stays in the log.
    fn fold(&self, events: &[LoggedEvent]) -> BTreeMap<RecordKey, Latest> {
        let mut folded: BTreeMap<RecordKey, Latest> = BTreeMap::new();
        for logged in events.iter().filter(|logged| logged.event.teller != Teller::Workflow) {
            let Ok(event) = event::read_one(&logged.event.raw) else { continue };
            for (key, latest) in told(&event) {
                if self.parts.objects.contains_key(&key.0) {
                    folded.entry(key).or_default().join(latest);
                }
            }
        }
        folded
    }
}

/// Whether an event took the record out of the mirror.
fn is_gone(update: &Update) -> bool {
    matches!(update.reflect, Reflect::Archive | Reflect::Erase)
}

/// What events about a record come to; none if they tell nothing new.
fn hear(key: RecordKey, latest: Latest, tracked: Tracked, held: &Held, now: Wall) -> Option<Update> {
    let Tracked { version: from, mut known } = tracked;
    let before = known.clone();
    let change = known.hear(latest, held);
    if known == before {
        return None;
    }
    // A record that is gone already does not go again.
    let stays =
        matches!(known.standing(), Standing::Archived | Standing::Erased) && known.standing() == before.standing();
    let reflect = if stays { Reflect::Nothing } else { reflect(&key, change, None, None) };
    let want = wanted(&known, held, now);
    Some(Update { key, from, known, reflect, want })
}

/// A change as the store takes it.
pub(super) fn reflect(
    key: &(ObjectType, RecordId),
    change: Change,
    updated_at: Option<String>,
    body: Option<Body>,
) -> Reflect {
    match change {
        Change::Nothing => Reflect::Nothing,
        Change::Put { values, archived } => {
            let (object_type, id) = key.clone();
            Reflect::Put(MirrorRecord { object_type, id, properties: values, updated_at, archived, body })
        }
        Change::Archive => Reflect::Archive,
        Change::Erase => Reflect::Erase,
    }
}
