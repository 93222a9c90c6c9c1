//! Paths from before version 3 that clients still call: definitions, pipelines, companies, deals and engagements.
//!
//! Read-only but for engagements: what writes to the other paths is answered as a wrong method. They speak of the same records as version 3,
//! in other words: ids are numbers, instants are epoch milliseconds, and every value carries its versions.
//!
//! Sources: HubSpot's legacy documentation, answers recorded in 2014 to 2019, and what today's clients read.

mod definitions;
mod engage;
mod engagements;
mod records;

use http::Method;
use serde_json::{Value, json};

use super::Portal;
use super::answer::{Outcome, Refusal, Reply};
use super::call::{Call, Query, unreadable_parameter};
use super::catalog::{COMPANIES, DEALS, Kind};

/// What a legacy path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Legacy<'a> {
    /// The definitions of a type's properties.
    Properties(&'a str),
    /// All pipelines of a type.
    Pipelines(&'a str),
    /// All pipelines of deals, in the oldest shape.
    DealPipelines,
    /// A page of companies or of deals.
    Page(Kind),
    /// One company or one deal.
    One(Kind, &'a str),
    /// A page of engagements, oldest first.
    Engagements,
    /// The engagements that were changed last.
    RecentEngagements,
    /// The engagements that were changed after a moment, oldest first.
    EngagementsAfter,
    /// One engagement.
    Engagement(&'a str),
    /// A list of marketing mail by the name that it has in the answer: a simulated account sends none.
    Nothing(&'static str),
}

fn recognise<'a>(segments: &[&'a str]) -> Option<Legacy<'a>> {
    Some(match *segments {
        ["properties", "v1" | "v2", name, "properties"] => Legacy::Properties(name),
        ["companies", "v2", "properties"] => Legacy::Properties("companies"),
        ["deals", "v1", "properties"] => Legacy::Properties("deals"),
        ["crm-pipelines", "v1", "pipelines", name] => Legacy::Pipelines(name),
        ["deals", "v1", "pipelines"] => Legacy::DealPipelines,
        ["companies", "v2", "companies", "paged"] => Legacy::Page(COMPANIES),
        ["companies", "v2", "companies", id] => Legacy::One(COMPANIES, id),
        ["deals", "v1", "deal", "paged"] => Legacy::Page(DEALS),
        ["deals", "v1", "deal", id] => Legacy::One(DEALS, id),
        ["engagements", "v1", "engagements", "paged"] => Legacy::Engagements,
        ["engagements", "v1", "engagements", "recent", "modified"] => Legacy::RecentEngagements,
        ["engagements", "v1", "engagements", "modified", "after"] => Legacy::EngagementsAfter,
        ["engagements", "v1", "engagements", id] => Legacy::Engagement(id),
        ["email", "public", "v1", "subscriptions"] => Legacy::Nothing("subscriptionDefinitions"),
        ["email", "public", "v1", "subscriptions", "timeline"] => Legacy::Nothing("timeline"),
        ["email", "public", "v1", "events"] => Legacy::Nothing("events"),
        ["email", "public", "v1", "campaigns"] | ["email", "public", "v1", "campaigns", "by-id"] => {
            Legacy::Nothing("campaigns")
        }
        _ => return None,
    })
}

impl Portal {
    /// Answers a legacy path; `None` where it is none.
    pub(super) fn dispatch_legacy(&mut self, segments: &[&str], call: &mut Call<'_>) -> Option<Outcome> {
        match (segments, call.method()) {
            (["engagements", "v1", "engagements"], &Method::POST) => return Some(self.create_engagement(call)),
            (["engagements", "v1", "engagements"], _) => return Some(Err(Refusal::wrong_method())),
            (["engagements", "v1", "engagements", id], &Method::PATCH) => {
                return Some(self.update_engagement(id, call));
            }
            _ => {}
        }
        let legacy = recognise(segments)?;
        Some(if call.method() == Method::GET { self.legacy(legacy, call) } else { Err(Refusal::wrong_method()) })
    }

    fn legacy(&self, legacy: Legacy<'_>, call: &Call<'_>) -> Outcome {
        match legacy {
            Legacy::Properties("form" | "forms") => Ok(Reply::ok(&definitions::form_properties())),
            Legacy::Properties(name) => Ok(Reply::ok(&self.legacy_properties(self.kind_named(name)?, call.now))),
            Legacy::Pipelines(name) => Ok(Reply::ok(&self.legacy_pipelines(self.kind_named(name)?))),
            Legacy::DealPipelines => Ok(Reply::ok(&self.legacy_deal_pipelines())),
            Legacy::Page(kind) => self.legacy_page(kind, call),
            Legacy::One(kind, id) => self.legacy_one(kind, id),
            Legacy::Engagements => self.engagements_paged(call),
            Legacy::RecentEngagements => self.engagements_recent(call),
            Legacy::EngagementsAfter => self.engagements_after(call),
            Legacy::Engagement(id) => self.engagement(id),
            Legacy::Nothing(list) => Ok(Reply::ok(&json!({"hasMore": false, "offset": "", list: []}))),
        }
    }
}

/// A page size of the legacy paths: more than the most is taken for the most.
fn page_size(query: &Query, name: &str, default: usize, most: usize) -> Outcome<usize> {
    match query.first(name).map(str::parse::<usize>) {
        None => Ok(default),
        Some(Ok(size @ 1..)) => Ok(size.min(most)),
        Some(_) => Err(unreadable_parameter(name)),
    }
}

/// A number in the query; zero when it is not given.
fn number(query: &Query, name: &str) -> Outcome<u64> {
    query.first(name).map_or(Ok(0), |text| text.parse().map_err(|_| unreadable_parameter(name)))
}

/// An id in a path; one that is none belongs to no record.
fn record_id(text: &str) -> Outcome<u64> {
    text.parse().map_err(|_| Refusal::missing())
}

fn numbers(ids: impl Iterator<Item = u64>) -> Value {
    ids.map(Value::from).collect()
}
