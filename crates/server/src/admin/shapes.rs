//! The answers of the admin interface, as types: their schemas are in `docs/openapi.json`.
//!
//! Members are added, never renamed or removed, within `v1`. No answer holds a key, a token, a record's id or a value.

#![expect(clippy::struct_field_names, reason = "the names are those of the JSON, where a value says what it is of")]

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The accounts that the gateway speaks for.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Portals {
    /// One for each account and app.
    pub portals: Vec<Portal>,
}

/// One account, as one app sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Portal {
    /// The account.
    pub portal: u64,
    /// The app; 0 where HubSpot does not tell it.
    pub app: u64,
    /// The budgets of some seconds.
    pub windows: Vec<Window>,
    /// The budgets of a day.
    pub days: Vec<Day>,
    /// Calls on the wire.
    pub in_flight: usize,
    /// Calls that wait for another attempt.
    pub backing_off: usize,
    /// Calls that wait for others to share a batch with.
    pub gathering: usize,
}

/// The budget of some seconds.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Window {
    /// `burst`, `search`, `association`, `token` or `journal`.
    pub window: String,
    /// Calls that count now.
    pub used: u32,
    /// Calls that may count at a time.
    pub limit: u32,
    /// Calls that wait for it, by lane.
    pub waiting: PerLane,
}

/// The budget of a day.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Day {
    /// `account` or `association`.
    pub day: String,
    /// Calls counted today.
    pub used: u64,
    /// Calls of a day.
    pub limit: u64,
    /// When the day ends, in milliseconds since 1970; null where nobody knows.
    pub ends_ms: Option<i64>,
}

/// A number for each lane.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub struct PerLane {
    /// A person waits.
    pub interactive: u64,
    /// Something happened, and others should know soon.
    pub realtime: u64,
    /// Much to do, no hurry.
    pub bulk: u64,
    /// When nothing else is to be done.
    pub reporting: u64,
}

/// Who may call.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Callers {
    /// One for each, by name.
    pub callers: Vec<Caller>,
}

/// One who may call.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Caller {
    /// Its name in the configuration.
    pub name: String,
    /// Its lane where a call names none; null for one that has called but may not any more.
    pub lane: Option<String>,
    /// Its weight beside the other callers of a lane, from 1 to 100; null for one that may not call any more.
    pub share: Option<u64>,
    /// How many calls it has in a day of the account; null if they are not limited.
    pub daily_quota: Option<u64>,
    /// How many calls it has made today, in this process.
    pub used_today: u64,
    /// Events that have come in and tell of its own writes.
    pub echoes: u64,
    /// Its calls.
    #[serde(flatten)]
    pub calls: Calls,
}

/// What calls cost.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Calls {
    /// Calls that callers made.
    pub calls: u64,
    /// Calls that left for HubSpot because of them; in shadow mode, that would have left.
    pub needed: u64,
    /// Calls that did not have to be made; in shadow mode, that would not have been.
    pub saved: u64,
    /// Of those, calls that travelled in a batch which another one had begun.
    pub joined: u64,
    /// Of those, reads that waited for the answer of an identical one.
    pub same: u64,
    /// Of those, reads that were answered from what was known.
    pub kept: u64,
    /// Calls that were asked again after their batch.
    pub repeated: u64,
    /// Calls that have no answer of HubSpot.
    pub failed: u64,
    /// Calls that travelled alone, by the reason.
    pub alone: BTreeMap<String, u64>,
}

/// The lanes.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Lanes {
    /// The most urgent first.
    pub lanes: Vec<Lane>,
}

/// One lane.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Lane {
    /// `interactive`, `realtime`, `bulk` or `reporting`.
    pub lane: String,
    /// Its share of the turns when all lanes have work, beside the shares of the others.
    pub weight: u64,
    /// Calls that callers made in it.
    pub calls: u64,
    /// Calls that wait for their turn.
    pub waiting: u64,
}

/// Everything that is counted, since the start.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Counters {
    /// Calls that callers made.
    pub calls: u64,
    /// Calls that left in a batch with others.
    pub joined: u64,
    /// Calls that were asked again alone after their batch.
    pub repeated: u64,
    /// Calls that Linchpin itself refused, by the reason.
    pub refused: BTreeMap<String, u64>,
    /// Reads that allowed an age.
    pub mirror: MirrorReads,
    /// What left for HubSpot.
    pub upstream: Upstream,
}

/// Reads that allowed an age, since the start.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct MirrorReads {
    /// Answered from the mirror.
    pub hits: u64,
    /// The records of these answers.
    pub records: u64,
    /// Asked of HubSpot, and held since.
    pub misses: u64,
    /// Asked of HubSpot, because something had just been written.
    pub bypassed: u64,
    /// Refused, because only what is held was wanted.
    pub refused: u64,
}

/// What left for HubSpot, since the start.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Upstream {
    /// Attempts on the wire.
    pub attempts: u64,
    /// Attempts beyond a call's first.
    pub retries: u64,
    /// 429s of limits that are ours.
    pub rate_limited: u64,
    /// 429s of limits that are shared with others.
    pub rate_limited_foreign: u64,
}

/// The webhooks journals that are read.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Journals {
    /// One for each app.
    pub journals: Vec<Journal>,
}

/// What the reader of an app's journal has done since the start.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Journal {
    /// The app.
    pub app: u64,
    /// `starting`, `reading`, `caught_up`, `failing` or `no_access`.
    pub state: String,
    /// The code of what is wrong; null if nothing is.
    pub code: Option<String>,
    /// Everything that HubSpot published before this moment has been read; milliseconds since 1970.
    pub read_until_ms: Option<i64>,
    /// Files that were read.
    pub files: u64,
    /// Files that were passed over because they cannot be read.
    pub skipped: u64,
    /// Changes that the journal told first.
    pub new: u64,
    /// Changes that it told again.
    pub repeated: u64,
    /// Changes that webhooks had told.
    pub known: u64,
    /// Entries that were kept without being understood.
    pub not_understood: u64,
    /// Changes that only the journal has told, by kind.
    pub missed_by_webhooks: BTreeMap<String, u64>,
    /// Changes that only webhooks have told, by kind.
    pub missed_by_journal: BTreeMap<String, u64>,
    /// Changes that both have told.
    pub told_by_both: u64,
    /// How often entries may have been missed.
    pub gaps: u64,
    /// The last time that entries may have been missed, also before the start; null if never.
    pub last_gap: Option<Gap>,
}

/// A span of time, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Gap {
    /// From when.
    pub from_ms: i64,
    /// Until when.
    pub until_ms: i64,
}

/// The circuit breakers.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Breakers {
    /// One for each account, app and family of endpoints.
    pub breakers: Vec<Breaker>,
}

/// One circuit breaker.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Breaker {
    /// The account.
    pub portal: u64,
    /// The app.
    pub app: u64,
    /// The endpoints that it guards.
    pub family: String,
    /// Whether calls pass.
    pub state: BreakerState,
    /// Failures in a row, while it is closed.
    pub failures: u32,
    /// Milliseconds until the next call may try, while it is open.
    pub opens_in_ms: Option<u64>,
}

/// Whether calls pass a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// They do.
    Closed,
    /// One call tries, the others wait for its end.
    HalfOpen,
    /// None does for a while.
    Open,
}

/// Calls by caller and route.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Whether the gateway is in shadow mode: the numbers then say what would have been.
    pub shadow: bool,
    /// The numbers, by caller and route.
    pub rows: Vec<UsageRow>,
    /// Their sum.
    pub total: Calls,
    /// Scopes granted and used; null where HubSpot did not tell what is granted.
    pub scopes: Option<Scopes>,
}

/// The calls of one caller on one route.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct UsageRow {
    /// Who called.
    pub caller: String,
    /// What was called: the operation and the object type.
    pub route: String,
    /// The calls.
    #[serde(flatten)]
    pub calls: Calls,
}

/// What the token may do, and what was done with it since the start.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Scopes {
    /// What HubSpot says that it may do.
    pub granted: Vec<String>,
    /// What calls since the start needed, as far as their scopes are known.
    pub used: Vec<String>,
    /// What is granted and was not needed by any call whose scope is known.
    pub unused: Vec<String>,
}

/// The last promised writes.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Operations {
    /// The newest first, without answers.
    pub operations: Vec<Operation>,
}

/// A promised write.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Operation {
    /// Its name.
    pub id: String,
    /// Where it is.
    pub url: String,
    /// `accepted`, `sent`, `done`, `unknown` or `given_up`.
    pub state: String,
    /// Who asked for it.
    pub caller: String,
    /// In which lane.
    pub lane: String,
    /// What was called: the operation and the object type.
    pub route: String,
    /// When it was accepted, in milliseconds since 1970.
    pub accepted_ms: i64,
    /// When it ended, in milliseconds since 1970.
    pub ended_ms: Option<i64>,
    /// How often it has been tried.
    pub tries: u32,
    /// When it is tried again, in milliseconds since 1970; null if nothing holds it back, or it has ended.
    pub due_ms: Option<i64>,
    /// Whether it ended without success and waits for a person among the dead letters.
    pub dead_letter: bool,
    /// Why it is unknown or given up: a code, with a page in docs/errors.
    pub code: Option<String>,
    /// HubSpot's answer, once it is done; not in lists. The one shape here that holds records, for it is theirs who asked.
    pub answer: Option<OperationAnswer>,
}

/// HubSpot's answer to a promised write.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OperationAnswer {
    /// The status.
    pub status: u16,
    /// How many bytes the body had.
    pub bytes: u64,
    /// Whether headers and body are here: a large answer is kept without them.
    pub kept: bool,
    /// The headers.
    pub headers: BTreeMap<String, String>,
    /// The body: JSON as it is, anything else as text.
    pub body: Option<serde_json::Value>,
}

/// Why there is no answer (RFC 9457).
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Problem {
    /// Names the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem, in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What happened.
    pub detail: String,
    /// The code, with a page in docs/errors.
    pub code: &'static str,
    /// What to do about it.
    pub to_do: &'static str,
}

impl Problem {
    /// A problem. Title and advice belong to its code.
    pub(crate) fn new(status: u16, code: &'static str, detail: String) -> Self {
        let (title, to_do) = match code {
            "LP5201" => (
                "The admin interface is closed",
                "set `gateway.admin.key` in the configuration to a reference such as `env:LINCHPIN_ADMIN_KEY`, and restart",
            ),
            "LP5202" => (
                "Not the admin key",
                "send the key of `gateway.admin.key` as `Authorization: Bearer ...`; the keys of callers do not open it",
            ),
            "LP5203" => ("Nothing is there", "GET /linchpin/v1/openapi.json lists every path"),
            "LP5204" => {
                ("Wrong method", "most of the admin interface is for looking only: use GET, or what `Allow` names")
            }
            "LP5304" => {
                ("Too many operations are open", "replay the rest when fewer are open: GET /linchpin/v1/operations")
            }
            "LP5311" => (
                "No such dead letter",
                "GET /linchpin/v1/dead-letters lists those that there are; one that was replayed is an operation again",
            ),
            "LP5312" => (
                "A replay could do something twice",
                "look in HubSpot; if it is not there, replay with {\"even_if_done\": true}, else drop the letter or edit it",
            ),
            "LP5313" => ("Not a usable body", "send JSON as HubSpot expects it for this call"),
            "LP5314" => ("Not understood", "GET /linchpin/v1/openapi.json describes parameters and bodies"),
            "LP5308" => (
                "No such operation",
                "look at the `url` of the 202: an operation is kept for a day after its end, for the caller that asked for it",
            ),
            "LP5309" => ("The store cannot be read", "ask again; if it stays so, look at the disk of the store"),
            "LP5310" => (
                "Not the key of a caller",
                "send the key that the operation was asked for with, or the admin key, as `Authorization: Bearer ...`",
            ),
            code => crate::telling::words(code).unwrap_or(("The gateway is stopping", "ask again when it runs")),
        };
        Self { kind: format!("urn:linchpin:problem:{code}"), title, status, detail, code, to_do }
    }
}
