//! Answers about definitions (properties, schemas, pipelines, owners, labels), kept for a while.
//!
//! HubSpot sends no event when one of them changes, so whatever is kept may be older than a change made elsewhere by up
//! to its time to live. A change made through us is seen at once by everybody: what is kept about its kind is dropped
//! when it leaves, and nothing is kept again until it has returned and HubSpot's own lag is over.
//!
//! Not here: who may read (decided before), and how calls that miss are made.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderMap, Method};
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::call::{Effect, Family};
use linchpin_hubspot::id::{Install, PortalId};
use linchpin_hubspot::routes::{Operation, Route};

use crate::time::Mono;

/// Answers that are kept at a time.
pub const ENTRIES_MAX: usize = 2_000;
/// Bytes of all of them: bodies, headers and keys.
pub const BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of one: the properties of a large account are some megabytes.
pub const ENTRY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long nothing is kept after a change has returned. HubSpot shows a new property after 250 to 700 ms; an answer from before, once kept, would be shown for as long as it lives.
pub const SETTLES: Duration = Duration::from_secs(10);
/// The same after a change of which nobody knows whether and when it happened: longer than any attempt lasts.
pub const UNSURE: Duration = Duration::from_secs(120);

/// Headers of an answer that are true only once.
const ONCE: [&str; 5] = ["cf-ray", "retry-after", "set-cookie", "x-hubspot-correlation-id", "x-request-id"];
/// Begins the headers that tell what is left of the budget.
const BUDGET: &str = "x-hubspot-ratelimit-";

/// What stands in the body of an answer that names a property, an option or a stage that HubSpot does not know
/// (recorded in amp-labs/connectors and segmentio/action-destinations).
const UNKNOWN: [&str; 4] =
    ["PROPERTY_DOESNT_EXIST", "INVALID_OPTION", "Property does not exist", "is not a valid pipeline stage ID"];

/// What definitions are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Properties and their groups.
    Properties,
    /// Object schemas.
    Schemas,
    /// Pipelines and their stages.
    Pipelines,
    /// Owners.
    Owners,
    /// Association labels and their limits.
    Labels,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Properties, Self::Schemas, Self::Pipelines, Self::Owners, Self::Labels];
}

/// What a call reads, if it may be answered from here: the table of cacheable routes.
pub fn read_by(method: &Method, route: &Route) -> Option<Kind> {
    if *method != Method::GET {
        return None;
    }
    match route.operation {
        Operation::PropertyList | Operation::PropertyRead | Operation::PropertyGroupList | Operation::PropertyGroup => {
            Some(Kind::Properties)
        }
        Operation::SchemaList | Operation::Schema => Some(Kind::Schemas),
        Operation::PipelineList => Some(Kind::Pipelines),
        // What stands below a pipeline may be its history, of which the newest line is wanted.
        Operation::Pipeline if route.id.is_some() => Some(Kind::Pipelines),
        Operation::OwnerList | Operation::OwnerRead => Some(Kind::Owners),
        Operation::AssociationLabelList | Operation::AssociationLimitList => Some(Kind::Labels),
        _ => None,
    }
}

/// What a call may change.
///
/// Kinds show through one another: stages are the options of a property, labels and properties stand in schemas. A call
/// that no table knows may change anything.
pub fn changed_by(method: &Method, route: &Route) -> &'static [Kind] {
    use Operation as Op;
    const SHAPES: &[Kind] = &[Kind::Properties, Kind::Schemas, Kind::Pipelines, Kind::Labels];
    if route.effect == Effect::Safe || *method == Method::GET {
        return &[];
    }
    match route.operation {
        Op::PropertyCreate
        | Op::PropertyUpdate
        | Op::PropertyArchive
        | Op::PropertyBatchCreate
        | Op::PropertyBatchArchive
        | Op::PropertyGroupCreate
        | Op::PropertyGroup => &[Kind::Properties, Kind::Schemas],
        Op::SchemaCreate | Op::Schema | Op::SchemaAssociation => SHAPES,
        Op::Pipeline => &[Kind::Pipelines, Kind::Properties, Kind::Schemas],
        Op::UserCreate | Op::User => &[Kind::Owners],
        Op::AssociationLabelCreate
        | Op::AssociationLabelUpdate
        | Op::AssociationLabelDelete
        | Op::AssociationLimitCreate
        | Op::AssociationLimitUpdate
        | Op::AssociationLimitPurge
        | Op::AssociationDefinition => &[Kind::Labels, Kind::Schemas],
        _ => match route.family {
            Family::Objects
            | Family::Search
            | Family::Associations
            | Family::Lists
            | Family::Token
            | Family::Webhooks => &[],
            Family::Schema | Family::Pipelines | Family::Owners | Family::Account | Family::Other => &Kind::ALL,
        },
    }
}

/// Whether an answer shows that definitions have changed: somebody was wrong about a property, an option or a stage.
pub fn names_unknown(answer: &Answer) -> bool {
    let looks = matches!(answer.status, 207 | 400);
    looks && std::str::from_utf8(&answer.body).is_ok_and(|text| UNKNOWN.iter().any(|known| text.contains(known)))
}

/// What a caller allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A kept answer will do.
    Any,
    /// A kept answer will do that is not older.
    Within(Duration),
    /// A new answer, which may be kept for others.
    New,
    /// A new answer, which is nobody else's.
    Private,
}

/// What the headers of a request ask for (RFC 9111, section 5.2.1). A request with conditions or ranges wants an answer
/// of its own; of several ages the least counts, and one that cannot be read allows nothing.
pub fn wish(headers: &HeaderMap) -> Wish {
    let own = ["if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range", "range"];
    if own.iter().any(|name| headers.contains_key(*name)) {
        return Wish::Private;
    }
    let mut most: Option<Duration> = None;
    for word in words(headers) {
        if word.eq_ignore_ascii_case("no-store") {
            return Wish::Private;
        }
        let age = match word.split_once('=') {
            _ if word.eq_ignore_ascii_case("no-cache") => Duration::ZERO,
            Some((name, seconds)) if name.trim().eq_ignore_ascii_case("max-age") => {
                seconds.trim().trim_matches('"').parse().map_or(Duration::ZERO, Duration::from_secs)
            }
            _ => continue,
        };
        most = Some(most.map_or(age, |most| most.min(age)));
    }
    match most {
        None => Wish::Any,
        Some(Duration::ZERO) => Wish::New,
        Some(most) => Wish::Within(most),
    }
}

/// The directives of a request about caches.
pub(super) fn words(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all("cache-control").iter().chain(headers.get_all("pragma"));
    values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim)
}

/// What is asked: equal keys have equal answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// With whose credential: rights decide what an answer shows.
    pub install: Install,
    /// Path and query, byte for byte.
    pub target: String,
    /// The headers that an answer may depend on ([`relevant`](super::flight::relevant)).
    pub headers: String,
}

/// The right to keep an answer that is being fetched; worthless once something has changed meanwhile.
#[derive(Clone, Debug)]
pub struct Fill {
    key: Key,
    kind: Kind,
    generation: u64,
    since: Mono,
}

/// What is there for a read.
#[derive(Debug)]
pub enum Look {
    /// This answer, which was asked for so long ago.
    Hit {
        /// The answer, without what was true only once.
        answer: Answer,
        /// Its age.
        age: Duration,
    },
    /// Nothing: ask, and offer the answer.
    Miss(Fill),
    /// Nothing that may be used: ask; the answer may be offered if there is a right to.
    Bypass(Option<Fill>),
}

#[derive(Clone, Debug)]
struct Entry {
    kind: Kind,
    since: Mono,
    serial: u64,
    bytes: usize,
    answer: Answer,
}

/// What is known about changes of one kind in one account.
#[derive(Clone, Copy, Debug, Default)]
struct Changes {
    /// Those that are on their way.
    out: u32,
    /// Grows with each that begins or ends.
    generation: u64,
    /// Until when HubSpot may still show what was before.
    settles: Mono,
}

/// The answers that are kept.
#[derive(Debug)]
pub struct Cache {
    lives: Duration,
    entries: BTreeMap<Key, Entry>,
    /// Keys by age, oldest first.
    ages: BTreeMap<u64, Key>,
    changes: BTreeMap<(PortalId, Kind), Changes>,
    bytes: usize,
    kept: u64,
}

impl Cache {
    /// Keeps nothing yet; whatever it keeps lives that long.
    pub fn new(lives: Duration) -> Self {
        Self { lives, entries: BTreeMap::new(), ages: BTreeMap::new(), changes: BTreeMap::new(), bytes: 0, kept: 0 }
    }

    /// Looks for an answer.
    pub fn look(&mut self, key: Key, kind: Kind, wish: Wish, now: Mono) -> Look {
        let changes = self.changes.get(&(key.install.portal, kind)).copied().unwrap_or_default();
        if wish == Wish::Private || changes.out > 0 || now < changes.settles {
            return Look::Bypass(None);
        }
        let most = match wish {
            Wish::Any => Some(self.lives),
            Wish::Within(most) => Some(most),
            Wish::New | Wish::Private => None,
        };
        if let Some((entry, most)) = self.entries.get(&key).zip(most) {
            let age = now - entry.since;
            if age < self.lives && age <= most {
                return Look::Hit { answer: entry.answer.clone(), age };
            }
        }
        let fill = Fill { key, kind, generation: changes.generation, since: now };
        if most.is_some() { Look::Miss(fill) } else { Look::Bypass(Some(fill)) }
    }

    /// Keeps an answer, if it is whole and nothing has changed since it was asked for.
    pub fn fill(&mut self, fill: Fill, answer: &Answer, now: Mono) {
        let Fill { key, kind, generation, since } = fill;
        let changes = self.changes.get(&(key.install.portal, kind)).copied().unwrap_or_default();
        let bytes = size(&key, answer);
        if answer.status != 200 || changes.generation != generation || bytes > ENTRY_BYTES_MAX {
            return;
        }
        self.remove(&key);
        while self.entries.len() >= ENTRIES_MAX || self.bytes + bytes > BYTES_MAX || self.oldest_is_over(now) {
            let Some((_, oldest)) = self.ages.pop_first() else { break };
            self.remove(&oldest);
        }
        self.kept += 1;
        self.bytes += bytes;
        self.ages.insert(self.kept, key.clone());
        self.entries.insert(key, Entry { kind, since, serial: self.kept, bytes, answer: lasting(answer) });
    }

    /// A change leaves. Each is followed by [`handle_changed`](Self::handle_changed).
    pub fn handle_change(&mut self, portal: PortalId, kinds: &[Kind]) {
        for kind in kinds {
            self.changes.entry((portal, *kind)).or_default().out += 1;
        }
        self.forget(portal, kinds);
    }

    /// A change has returned; `sure` says that nothing of it is on its way any more.
    pub fn handle_changed(&mut self, portal: PortalId, kinds: &[Kind], sure: bool, now: Mono) {
        let settles = now + if sure { SETTLES } else { UNSURE };
        for kind in kinds {
            let changes = self.changes.entry((portal, *kind)).or_default();
            changes.out = changes.out.saturating_sub(1);
            changes.settles = changes.settles.max(settles);
        }
        self.forget(portal, kinds);
    }

    /// Drops what is kept about an account's definitions, and what is being fetched now.
    pub fn forget(&mut self, portal: PortalId, kinds: &[Kind]) {
        for kind in kinds {
            self.changes.entry((portal, *kind)).or_default().generation += 1;
        }
        let dropped = |(key, entry): &(&Key, &Entry)| key.install.portal == portal && kinds.contains(&entry.kind);
        let dropped: Vec<Key> = self.entries.iter().filter(dropped).map(|(key, _)| key.clone()).collect();
        for key in dropped {
            self.remove(&key);
        }
    }

    /// How many answers are kept, and their bytes.
    pub fn size(&self) -> (usize, usize) {
        (self.entries.len(), self.bytes)
    }

    fn oldest_is_over(&self, now: Mono) -> bool {
        let oldest = self.ages.first_key_value().and_then(|(_, key)| self.entries.get(key));
        oldest.is_some_and(|entry| entry.since + self.lives <= now)
    }

    fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            self.ages.remove(&entry.serial);
            self.bytes -= entry.bytes;
        }
    }
}

fn size(key: &Key, answer: &Answer) -> usize {
    let headers: usize = answer.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    answer.body.len() + headers + 2 * (key.target.len() + key.headers.len())
}

/// The answer without what was true only once.
fn lasting(answer: &Answer) -> Answer {
    let mut answer = answer.clone();
    let names: Vec<_> = answer.headers.keys().cloned().collect();
    for name in names.into_iter().filter(|name| ONCE.contains(&name.as_str()) || name.as_str().starts_with(BUDGET)) {
        answer.headers.remove(name);
    }
    answer
}

#[cfg(test)]
mod tests;
