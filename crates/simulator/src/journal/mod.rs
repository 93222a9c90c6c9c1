//! The webhooks journal: what happened, in files that an app fetches by their offsets.
//!
//! Pure, like everything behind the hub. Source: HubSpot's webhooks journal guide and its API reference; the fields of
//! a file are those that the guide shows. Invariants: a file never changes; files leave three days after they were
//! published, or earlier when more than [`JOURNAL_BYTES_MAX`] are kept, which is counted; a link works for a while and
//! for one file.

mod api;
mod rates;
mod subscription;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use rand_core::Rng;
use serde_json::{Map, Value, json};

pub(crate) use api::{recognise, recognise_file};
use rates::Rates;
use subscription::{Action, Subscription};

use crate::dice;
use crate::envelope;
use crate::model::{Tale, Told, ToldValue};
use crate::webhooks::{Audience, JournalSpec, hmac};
use crate::wire::Millis;

/// The bytes of all files that are kept.
const JOURNAL_BYTES_MAX: usize = 1 << 30;
/// How long files are kept: three days.
const JOURNAL_KEPT_MS: i64 = 3 * 86_400_000;
/// The longest file, in bytes.
const FILE_BYTES_MAX: usize = 5_000_000;
/// The snapshots whose status is remembered.
const STATUSES_MAX: usize = 10_000;

/// Events that are not published yet.
#[derive(Debug)]
struct Draft {
    since: Millis,
    events: usize,
    text: String,
    /// Snapshots that are done when this is published.
    snapshots: Vec<String>,
}

/// A published file.
#[derive(Debug)]
struct File {
    app_id: u64,
    portal_id: u64,
    offset: String,
    published: Millis,
    body: Bytes,
}

/// How far a snapshot is.
#[derive(Debug)]
struct Status {
    app_id: u64,
    initiated: Millis,
    /// When it ended, and whether its record was found.
    ended: Option<(Millis, bool)>,
}

/// A snapshot that the hub is to take: its status, the portal, the type, the record and the properties.
type Wanted = (String, u64, String, u64, Vec<String>);

/// What a record holds: names and values.
pub(crate) type Shown = Vec<(String, String)>;

/// The journal of all apps.
pub(crate) struct Journal {
    spec: JournalSpec,
    subscriptions: BTreeMap<u64, Subscription>,
    next_subscription: u64,
    drafts: BTreeMap<(u64, u64), Draft>,
    files: BTreeMap<u64, File>,
    by_offset: BTreeMap<String, u64>,
    next_file: u64,
    bytes: usize,
    /// Files that left before their time.
    dropped: u64,
    statuses: BTreeMap<String, Status>,
    wanted: Vec<Wanted>,
    rates: Rates,
    link_key: [u8; 32],
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("subscriptions", &self.subscriptions.len())
            .field("files", &self.files.len())
            .finish_non_exhaustive()
    }
}

impl Journal {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            spec: JournalSpec::default(),
            subscriptions: BTreeMap::new(),
            next_subscription: 1,
            drafts: BTreeMap::new(),
            files: BTreeMap::new(),
            by_offset: BTreeMap::new(),
            next_file: 0,
            bytes: 0,
            dropped: 0,
            statuses: BTreeMap::new(),
            wanted: Vec::new(),
            rates: Rates::default(),
            link_key: hmac(b"links of the journal", &[&seed.to_be_bytes()]),
        }
    }

    /// Changes how files are published from now on.
    pub(crate) fn configure(&mut self, spec: JournalSpec) {
        self.spec = spec;
    }

    /// Whether anybody has subscribed.
    pub(crate) fn listens(&self) -> bool {
        !self.subscriptions.is_empty()
    }

    /// Forgets files and drafts; subscriptions stay.
    pub(crate) fn clear(&mut self) {
        self.drafts.clear();
        self.files.clear();
        self.by_offset.clear();
        self.statuses.clear();
        self.wanted.clear();
        self.bytes = 0;
    }

    /// What the control API shows.
    pub(crate) fn overview(&self) -> Value {
        let drafts: usize = self.drafts.values().map(|draft| draft.events).sum();
        json!({
            "subscriptions": self.subscriptions.len(), "files": self.files.len(), "bytes": self.bytes,
            "events_unpublished": drafts, "files_published": self.next_file, "files_dropped": self.dropped,
            "options": self.spec,
        })
    }

    /// Notes a happening for every app that has subscribed to it, once for each app.
    pub(crate) fn hear(&mut self, told: &Told<'_>, audience: &Audience<'_>, now: Millis, dice: &mut dyn Rng) {
        let mut readers: BTreeMap<u64, Option<BTreeSet<String>>> = BTreeMap::new();
        for known in self.subscriptions.values().filter(|known| known.hears(told, audience)) {
            let wanted = readers.entry(known.app_id).or_insert_with(|| Some(BTreeSet::new()));
            match wanted {
                Some(names) if !known.properties.is_empty() => names.extend(known.properties.iter().cloned()),
                Some(_) | None => *wanted = None,
            }
        }
        for (app_id, names) in readers {
            let text = entry(told, audience.portal_id, names.as_ref()).to_string();
            self.note((app_id, audience.portal_id), &text, now, dice);
        }
    }

    fn note(&mut self, of: (u64, u64), text: &str, now: Millis, dice: &mut dyn Rng) {
        let draft = self.drafts.entry(of).or_insert_with(|| Draft {
            since: now,
            events: 0,
            text: String::new(),
            snapshots: Vec::new(),
        });
        if draft.events > 0 {
            draft.text.push(',');
        }
        draft.text.push_str(text);
        draft.events += 1;
        if draft.events >= self.spec.file_events || draft.text.len() >= FILE_BYTES_MAX {
            self.publish(of, now, dice);
        }
    }

    /// When a draft is due.
    pub(crate) fn next_due(&self) -> Option<Millis> {
        self.drafts.values().map(|draft| self.due(draft)).min()
    }

    fn due(&self, draft: &Draft) -> Millis {
        Millis(draft.since.0.saturating_add(i64::try_from(self.spec.publish_ms).unwrap_or(i64::MAX)))
    }

    /// Publishes what is due and forgets what is old.
    pub(crate) fn advance(&mut self, now: Millis, dice: &mut dyn Rng) {
        let due: Vec<(u64, u64)> =
            self.drafts.iter().filter(|(_, draft)| self.due(draft) <= now).map(|(of, _)| *of).collect();
        for of in due {
            self.publish(of, now, dice);
        }
        while let Some(entry) = self.files.first_entry() {
            let old = entry.get().published.0.saturating_add(JOURNAL_KEPT_MS) <= now.0;
            let full = self.bytes > JOURNAL_BYTES_MAX;
            if !old && !full {
                return;
            }
            let file = entry.remove();
            self.dropped += u64::from(!old);
            self.bytes -= file.body.len();
            self.by_offset.remove(&file.offset);
        }
    }

    fn publish(&mut self, (app_id, portal_id): (u64, u64), now: Millis, dice: &mut dyn Rng) {
        let Some(draft) = self.drafts.remove(&(app_id, portal_id)) else { return };
        let offset = dice::uuid_v7(now, dice);
        let text = draft.text;
        let body = format!("{{\"offset\":\"{offset}\",\"publishedAt\":{},\"journalEvents\":[{text}]}}", iso(now));
        let body = Bytes::from(body);
        self.bytes += body.len();
        self.by_offset.insert(offset.clone(), self.next_file);
        self.files.insert(self.next_file, File { app_id, portal_id, offset, published: now, body });
        self.next_file += 1;
        for id in draft.snapshots {
            if let Some(status) = self.statuses.get_mut(&id) {
                status.ended = Some((now, true));
            }
        }
    }

    /// The snapshots that are to be taken now.
    pub(crate) fn take_snapshots(&mut self) -> Vec<Wanted> {
        std::mem::take(&mut self.wanted)
    }

    /// Notes a snapshot, or that there is no such record.
    pub(crate) fn snapshot_taken(
        &mut self,
        (id, portal_id, object_type, record): (&str, u64, &str, u64),
        found: Option<Shown>,
        now: Millis,
        dice: &mut dyn Rng,
    ) {
        let Some(status) = self.statuses.get_mut(id) else { return };
        let Some(shown) = found else {
            status.ended = Some((now, false));
            return;
        };
        let of = (status.app_id, portal_id);
        let values: Map<String, Value> = shown.into_iter().map(|(name, value)| (name, value.into())).collect();
        let text = json!({
            "type": "crmObject", "portalId": portal_id, "occurredAt": iso(now), "action": "SNAPSHOT",
            "objectTypeId": object_type, "objectId": record, "propertyChanges": values,
        });
        // The draft is there, or has just been published with the event in it.
        let before = self.next_file;
        self.note(of, &text.to_string(), now, dice);
        match self.drafts.get_mut(&of).filter(|_| self.next_file == before) {
            Some(draft) => draft.snapshots.push(id.to_owned()),
            None => {
                if let Some(status) = self.statuses.get_mut(id) {
                    status.ended = Some((now, true));
                }
            }
        }
    }
}

/// A happening as a file shows it; `names` are the properties that are asked for, all if nothing is said.
fn entry(told: &Told<'_>, portal_id: u64, names: Option<&BTreeSet<String>>) -> Value {
    let changes = |values: &[ToldValue<'_>]| -> Map<String, Value> {
        let wanted = values.iter().filter(|value| names.is_none_or(|names| names.contains(value.name)));
        wanted.map(|one| (one.name.to_owned(), if one.sensitive { "REDACTED" } else { one.value }.into())).collect()
    };
    let action = Action::of(&told.what);
    if let Tale::Linked(link) = &told.what {
        return json!({
            "type": "association", "portalId": portal_id, "occurredAt": iso(told.at), "action": action,
            "fromObjectId": link.from, "toObjectId": link.to, "fromObjectTypeId": told.object.type_id,
            "toObjectTypeId": link.to_object.type_id, "associationTypeId": link.type_id,
            "associationCategory": link.category, "isPrimary": link.primary,
        });
    }
    let (id, more) = match &told.what {
        Tale::Created { id, values } | Tale::Changed { id, values } => {
            (*id, vec![("propertyChanges", Value::Object(changes(values)))])
        }
        Tale::Archived { id } | Tale::Restored { id } | Tale::Forgotten { id } => (*id, Vec::new()),
        Tale::Merged { primary, merged, survivor, moved } => (
            *survivor,
            vec![
                ("primaryObjectId", json!(primary)),
                ("mergedObjectIds", json!([merged])),
                ("newObjectId", json!(survivor)),
                ("numberOfPropertiesMoved", json!(moved)),
            ],
        ),
        Tale::Linked(_) => (0, Vec::new()),
    };
    let mut out = json!({
        "type": "crmObject", "portalId": portal_id, "occurredAt": iso(told.at), "action": action,
        "objectTypeId": told.object.type_id, "objectId": id,
    });
    if let Some(fields) = out.as_object_mut() {
        fields.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
    }
    out
}

/// An instant as HubSpot prints it.
fn iso(at: Millis) -> Value {
    jiff::Timestamp::from_millisecond(at.0).map_or(Value::Null, |at| envelope::iso(at).into())
}
