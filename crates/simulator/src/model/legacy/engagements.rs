//! Engagements: calls, emails, meetings, notes and tasks as one kind of record.
//!
//! Cursors are made of ids and places in the table of types, since here the five types count their ids each by
//! themselves; to a client they are numbers and texts that it sends back.

use serde_json::{Map, Value, json};

use super::super::Portal;
use super::super::answer::{Outcome, Refusal, Reply};
use super::super::call::{Call, unreadable_parameter};
use super::super::catalog::{COMPANIES, CONTACTS, DEALS, Kind, TICKETS};
use super::super::links::End;
use super::super::record::Record;
use super::super::time;
use super::{number, numbers, page_size, record_id};
use crate::wire::Millis;

/// Engagements of one page of the whole list.
const PAGE_MAX: usize = 250;
/// Engagements of one page of the last changed ones.
const RECENT_PAGE_MAX: usize = 100;
/// The same when nothing is asked.
const RECENT_PAGE_DEFAULT: usize = 20;
/// How many of the last changed ones can be read.
const RECENT_MAX: usize = 10_000;
/// How far the last changed ones reach back, in milliseconds: thirty days.
const RECENT_MS: i64 = 30 * 86_400_000;
/// Engagements of one page of those changed after a moment.
const AFTER_PAGE_MAX: usize = 1_000;
/// Engagements of one page when nothing is asked.
const PAGE_DEFAULT: usize = 100;

/// Name of a field of the metadata, the property that it shows, and whether it is a number.
pub(super) type Field = (&'static str, &'static str, bool);

/// The types that are engagements, and what their metadata say.
pub(super) const TYPES: [(&str, &[Field]); 5] = [
    ("notes", &[("body", "hs_note_body", false)]),
    (
        "tasks",
        &[
            ("body", "hs_task_body", false),
            ("subject", "hs_task_subject", false),
            ("status", "hs_task_status", false),
            ("priority", "hs_task_priority", false),
            ("taskType", "hs_task_type", false),
            ("forObjectType", "hs_task_for_object_type", false),
        ],
    ),
    (
        "meetings",
        &[
            ("body", "hs_meeting_body", false),
            ("title", "hs_meeting_title", false),
            ("startTime", "hs_meeting_start_time", true),
            ("endTime", "hs_meeting_end_time", true),
        ],
    ),
    (
        "calls",
        &[
            ("body", "hs_call_body", false),
            ("title", "hs_call_title", false),
            ("status", "hs_call_status", false),
            ("toNumber", "hs_call_to_number", false),
            ("fromNumber", "hs_call_from_number", false),
            ("durationMilliseconds", "hs_call_duration", true),
            ("recordingUrl", "hs_call_recording_url", false),
            ("disposition", "hs_call_disposition", false),
        ],
    ),
    (
        "emails",
        &[
            ("subject", "hs_email_subject", false),
            ("html", "hs_email_html", false),
            ("text", "hs_email_text", false),
            ("status", "hs_email_status", false),
        ],
    ),
];

/// One engagement among all of them.
#[derive(Clone, Copy)]
struct Engagement<'a> {
    id: u64,
    /// Its type's place in [`TYPES`].
    place: u64,
    kind: Kind,
    fields: &'static [Field],
    record: &'a Record,
}

impl Engagement<'_> {
    /// Its place in the whole list; greater than that of every older one of any type.
    fn cursor(&self) -> u64 {
        self.id.saturating_mul(10).saturating_add(self.place)
    }

    fn updated(&self) -> Millis {
        self.record.state.updated
    }
}

impl Portal {
    fn engagements(&self) -> Vec<Engagement<'_>> {
        let mut all = Vec::new();
        for (place, (name, fields)) in (0_u64..).zip(TYPES) {
            let Some(kind) = self.catalog.find(name) else { continue };
            let records = self.catalog.get(kind).records.live.iter();
            all.extend(records.map(|(id, record)| Engagement { id: *id, place, kind, fields, record }));
        }
        all
    }

    /// All engagements, page by page.
    pub(super) fn engagements_paged(&self, call: &Call<'_>) -> Outcome {
        let limit = page_size(&call.query, "limit", PAGE_DEFAULT, PAGE_MAX)?;
        let offset = number(&call.query, "offset")?;
        let mut all = self.engagements();
        all.retain(|one| one.cursor() > offset);
        all.sort_by_key(Engagement::cursor);
        let has_more = all.len() > limit;
        all.truncate(limit);
        let offset = all.last().map_or(offset, Engagement::cursor);
        Ok(Reply::ok(&json!({"results": self.engagement_list(&all), "hasMore": has_more, "offset": offset})))
    }

    /// The engagements that were changed last, the latest first; the offset is a count.
    pub(super) fn engagements_recent(&self, call: &Call<'_>) -> Outcome {
        let count = page_size(&call.query, "count", RECENT_PAGE_DEFAULT, RECENT_PAGE_MAX)?;
        let offset = usize::try_from(number(&call.query, "offset")?).unwrap_or(usize::MAX);
        let since = i64::try_from(number(&call.query, "since")?).map_err(|_| unreadable_parameter("since"))?;
        let mut all = self.engagements();
        all.retain(|one| one.updated().0 >= since.max(call.now.0.saturating_sub(RECENT_MS)));
        let total = all.len();
        all.sort_by_key(|one| (std::cmp::Reverse(one.updated()), one.cursor()));
        all.truncate(RECENT_MAX);
        let page: Vec<Engagement<'_>> = all.iter().skip(offset).take(count).copied().collect();
        let offset = offset.saturating_add(page.len());
        Ok(Reply::ok(&json!({"results": self.engagement_list(&page), "hasMore": offset < all.len(),
                             "offset": offset, "total": total})))
    }

    /// The engagements that were changed after a moment or after a cursor, oldest change first.
    pub(super) fn engagements_after(&self, call: &Call<'_>) -> Outcome {
        let limit = page_size(&call.query, "limit", PAGE_DEFAULT, AFTER_PAGE_MAX)?;
        let after = call.query.first("after").unwrap_or("0");
        let from = parse_after(after).ok_or_else(|| unreadable_parameter("after"))?;
        let mut all = self.engagements();
        all.retain(|one| (one.updated(), one.cursor()) > from);
        all.sort_by_key(|one| (one.updated(), one.cursor()));
        let has_more = all.len() > limit;
        all.truncate(limit);
        let after = all.last().map_or_else(|| after.to_owned(), |one| format!("{}-{}", one.updated().0, one.cursor()));
        Ok(Reply::ok(&json!({"results": self.engagement_list(&all), "hasMore": has_more, "after": after})))
    }

    /// One engagement whose type is known.
    pub(super) fn engagement_of(&self, kind: Kind, id: u64) -> Outcome<Value> {
        let all = self.engagements();
        let found = all.iter().find(|one| one.kind == kind && one.id == id).ok_or_else(Refusal::missing)?;
        Ok(self.engagement_json(found))
    }

    /// One engagement.
    pub(super) fn engagement(&self, id: &str) -> Outcome {
        let id = record_id(id)?;
        let all = self.engagements();
        let found = all.iter().find(|one| one.id == id).ok_or_else(Refusal::missing)?;
        Ok(Reply::ok(&self.engagement_json(found)))
    }

    fn engagement_list(&self, page: &[Engagement<'_>]) -> Vec<Value> {
        page.iter().map(|one| self.engagement_json(one)).collect()
    }

    fn engagement_json(&self, one: &Engagement<'_>) -> Value {
        let object_type = self.catalog.get(one.kind);
        let value = |name: &str| {
            let place = object_type.properties.find(name)?;
            one.record.state.shown(one.id, place).filter(|text| !text.is_empty())
        };
        let linked =
            |to: Kind| numbers(self.links.of(End { kind: one.kind, id: one.id }, to, 0).map(|(end, _)| end.id));
        let owner = value("hubspot_owner_id").and_then(|text| text.parse::<u64>().ok());
        let happened = value("hs_timestamp").and_then(|text| time::parse(&text)).unwrap_or(one.record.state.created);
        let mut engagement = Map::new();
        let mut put = |name: &str, value: Value| engagement.insert(name.to_owned(), value);
        put("id", one.id.into());
        put("portalId", self.options.portal_id.into());
        put("active", true.into());
        put("createdAt", one.record.state.created.0.into());
        put("lastUpdated", one.updated().0.into());
        if let Some(owner) = owner {
            put("ownerId", owner.into());
        }
        put("type", object_type.shout.as_str().into());
        put("timestamp", happened.0.into());
        let metadata: Map<String, Value> = one
            .fields
            .iter()
            .filter_map(|(name, property, is_number)| Some(((*name).to_owned(), field(&value(property)?, *is_number))))
            .collect();
        json!({
            "engagement": engagement,
            "associations": {
                "contactIds": linked(CONTACTS), "companyIds": linked(COMPANIES), "dealIds": linked(DEALS),
                "ownerIds": [], "workflowIds": [], "ticketIds": linked(TICKETS),
            },
            "attachments": [], "metadata": metadata,
        })
    }
}

/// A number or an instant is a number, everything else a text.
fn field(text: &str, is_number: bool) -> Value {
    let number = || text.parse::<i64>().ok().or_else(|| time::parse(text).map(|at| at.0));
    is_number.then(number).flatten().map_or_else(|| text.into(), Value::from)
}

/// Reads epoch milliseconds, which admit what happened in that millisecond, or a cursor, which does not admit its own.
fn parse_after(text: &str) -> Option<(Millis, u64)> {
    match text.split_once('-') {
        None => Some((Millis(text.parse().ok()?), 0)),
        Some((at, cursor)) => Some((Millis(at.parse().ok()?), cursor.parse().ok()?)),
    }
}
