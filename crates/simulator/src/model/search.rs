//! Search: filters, free text, order and offset pages over search's own copy of the records (see `seen`).
//!
//! What a write changed is seen only when the index has caught up (see `events`), what was archived is gone at once.
//! Source of the limits: HubSpot's guide to CRM search; the wording of most refusals is the one seen live,
//! "There was a problem with the request.", without a category.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::Portal;
use super::answer::{Outcome, Refusal, Reply};
use super::call::{Call, Text};
use super::catalog::Kind;
use super::filter::{Filter, Test, folded, key_of, tokens_of};
use super::json::{push_key, push_text};
use super::links::End;
use super::property::{CREATED, MODIFIED, OBJECT_ID, PropId};
use super::record::Snapshot;
use super::seen::SortBy;

/// Groups of one search.
const GROUPS_MAX: usize = 5;
/// Filters of one group.
const FILTERS_PER_GROUP_MAX: usize = 6;
/// Filters of one search.
const FILTERS_MAX: usize = 18;
/// Results of one page.
const PAGE_MAX: usize = 200;
/// Results that paging can reach.
const REACH_MAX: usize = 10_000;
/// Characters of the free text and of the whole body.
const BODY_CHARS_MAX: usize = 3_000;
/// Values of one `IN`.
const VALUES_MAX: usize = 100;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SearchInput {
    filter_groups: Option<Vec<GroupInput>>,
    filters: Option<Vec<FilterInput>>,
    sorts: Option<Vec<SortInput>>,
    query: Option<String>,
    properties: Option<Vec<String>>,
    limit: Option<Text>,
    after: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GroupInput {
    filters: Option<Vec<FilterInput>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct FilterInput {
    property_name: Option<String>,
    operator: Option<String>,
    value: Option<Text>,
    high_value: Option<Text>,
    values: Option<Vec<Text>>,
}

/// One sort, as an object or as a name with an optional minus.
#[derive(Debug, Deserialize)]
#[serde(from = "Value")]
struct SortInput {
    property: String,
    descending: bool,
}

impl From<Value> for SortInput {
    fn from(given: Value) -> Self {
        if let Some(text) = given.as_str() {
            let name = text.strip_prefix('-');
            return Self { property: name.unwrap_or(text).to_owned(), descending: name.is_some() };
        }
        let text = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
        Self { property: text("propertyName").to_owned(), descending: text("direction") == "DESCENDING" }
    }
}

fn problem() -> Refusal {
    Refusal::bare(400, "There was a problem with the request.")
}

fn unbound(reason: &str) -> Refusal {
    Refusal::bare(400, format!("Invalid input JSON on line 1, column 2: {reason}"))
}

impl Portal {
    /// POST of a search.
    pub(super) fn search(&mut self, kind: Kind, call: &Call<'_>) -> Outcome {
        let body = &call.request.body;
        if body.len() > BODY_CHARS_MAX && String::from_utf8_lossy(body).chars().count() > BODY_CHARS_MAX {
            return Err(problem());
        }
        let input: SearchInput = call.body()?;
        let groups = self.understand_groups(kind, &input, call)?;
        let words = words_of(input.query.as_deref());
        let limit = number(input.limit.as_ref(), 10)?;
        let offset = number(input.after.as_ref(), 0)?;
        if limit > PAGE_MAX || offset.saturating_add(limit) > REACH_MAX {
            return Err(problem());
        }
        let sort = self.sort_by(kind, input.sorts.as_deref().unwrap_or_default(), call)?;
        let read = self.read_by_search(kind);
        let index = &mut self.catalog.get_mut(kind).records.index;
        let hits = index.hits(&groups, &words, &read);
        let total = hits.count();
        let page = index.page(&hits, sort, offset, limit);
        let names = self.search_names(kind, input.properties.as_deref().unwrap_or_default(), call);
        let entry = |(id, seen): &(u64, Arc<Snapshot>)| {
            self.search_entry(kind, *id, self.present(kind, *id).unwrap_or(seen), &names)
        };
        let page: Vec<Vec<u8>> = page.iter().map(entry).collect();
        let end = offset + page.len();
        Ok(Reply::written(200, page_body(total, &page, (end < total && !page.is_empty()).then_some(end))))
    }

    /// A search finds by what its index holds and shows what the record holds now: recorded results had the values of
    /// updates that were a second old, beside a filter that those values no longer fit.
    fn present(&self, kind: Kind, id: u64) -> Option<&Snapshot> {
        self.catalog.get(kind).records.live.get(&id).map(|record| &*record.state)
    }

    /// The ids of all that a search finds, in its order, found by looking at every record; nothing if it is refused.
    #[cfg(test)]
    pub(super) fn search_by_looking_at_all(&self, object_type: &str, body: &str, now: i64) -> Option<Vec<u64>> {
        use super::{Caller, RecordSource, call::Query, call::Version, tests::finding};
        use crate::wire::{ApiRequest, Millis};

        let request = ApiRequest {
            method: http::Method::POST,
            path: String::new(),
            query: String::new(),
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::copy_from_slice(body.as_bytes()),
        };
        let caller = Caller { app_id: 0, source: RecordSource::Integration };
        let mut dice = super::tests::dice(0);
        let (request, caller, now) = (&request, &caller, Millis(now));
        let call = Call { request, caller, now, dice: &mut dice, version: Version::V3, query: Query::default() };
        let kind = self.catalog.find(object_type)?;
        let input: SearchInput = call.body().ok()?;
        let groups = self.understand_groups(kind, &input, &call).ok()?;
        let words = words_of(input.query.as_deref());
        let sort = self.sort_by(kind, input.sorts.as_deref().unwrap_or_default(), &call).ok()?;
        let copy = &self.catalog.get(kind).records.index;
        Some(finding::by_looking_at_all(copy, &groups, &words, &self.read_by_search(kind), sort))
    }

    fn understand_groups(&self, kind: Kind, input: &SearchInput, call: &Call<'_>) -> Outcome<Vec<Vec<Filter>>> {
        let mut groups: Vec<&[FilterInput]> = Vec::new();
        for group in input.filter_groups.iter().flatten() {
            groups.push(group.filters.as_deref().unwrap_or_default());
        }
        if let Some(filters) = input.filters.as_deref().filter(|filters| !filters.is_empty()) {
            groups.push(filters);
        }
        let count: usize = groups.iter().map(|group| group.len()).sum();
        if groups.len() > GROUPS_MAX
            || count > FILTERS_MAX
            || groups.iter().any(|group| group.len() > FILTERS_PER_GROUP_MAX)
        {
            return Err(Refusal::invalid(format!(
                "A search may have at most {GROUPS_MAX} filter groups with {FILTERS_PER_GROUP_MAX} filters each and \
                 {FILTERS_MAX} filters in all"
            )));
        }
        let understand =
            |group: &[FilterInput]| group.iter().map(|filter| self.understand(kind, filter, call)).collect();
        groups.into_iter().map(understand).collect()
    }

    fn understand(&self, kind: Kind, filter: &FilterInput, call: &Call<'_>) -> Outcome<Filter> {
        let (Some(name), Some(operator)) = (&filter.property_name, &filter.operator) else {
            return Err(unbound(
                "Cannot build Filter, some of required attributes are not set [propertyName, operator]",
            ));
        };
        if let Some(target) = name.strip_prefix("associations.") {
            let to = self.catalog.find(target).ok_or_else(problem)?;
            let given = filter.value.iter().chain(filter.values.iter().flatten());
            let ids: Vec<u64> = given.map(|text| text.0.parse()).collect::<Result<_, _>>().map_err(|_| problem())?;
            return match operator.as_str() {
                "EQ" | "IN" if self.catalog.get(to).custom.is_none() => Ok(self.linked_to(kind, to, &ids)),
                _ => Err(problem()),
            };
        }
        let (place, property) = self.catalog.get(kind).properties.live(name, call.now).ok_or_else(problem)?;
        let value_type = property.value_type;
        let key = |text: &Option<Text>| {
            let text = text.as_ref().filter(|text| !text.0.is_empty()).ok_or_else(|| no_value(operator))?;
            key_of(value_type, &text.0).ok_or_else(problem)
        };
        let set = || {
            let values = filter.values.as_ref().filter(|values| !values.is_empty()).ok_or_else(|| {
                unbound(&format!("Cannot construct instance of `Filter`, problem: operator {operator} requires values"))
            })?;
            if values.len() > VALUES_MAX {
                return Err(problem());
            }
            Ok(values.iter().map(|text| folded(value_type, &text.0)).collect::<BTreeSet<_>>())
        };
        let tokens = || filter.value.as_ref().map(|text| tokens_of(&text.0)).ok_or_else(|| no_value(operator));
        let test = match operator.as_str() {
            "EQ" => Test::Is(key(&filter.value)?),
            "NEQ" => Test::IsNot(key(&filter.value)?),
            "LT" => Test::Below(key(&filter.value)?, false),
            "LTE" => Test::Below(key(&filter.value)?, true),
            "GT" => Test::Above(key(&filter.value)?, false),
            "GTE" => Test::Above(key(&filter.value)?, true),
            "BETWEEN" => {
                if filter.high_value.is_none() {
                    return Err(unbound(
                        "Cannot construct instance of `Filter`, problem: operator BETWEEN requires a highValue",
                    ));
                }
                Test::Between(key(&filter.value)?, key(&filter.high_value)?)
            }
            "IN" => Test::In(set()?),
            "NOT_IN" => Test::NotIn(set()?),
            "HAS_PROPERTY" => Test::Known,
            "NOT_HAS_PROPERTY" => Test::Unknown,
            "CONTAINS_TOKEN" => Test::Token(tokens()?),
            "NOT_CONTAINS_TOKEN" => Test::NoToken(tokens()?),
            other => {
                return Err(unbound(&format!(
                    "Cannot deserialize value of type `OperatorEnum` from String \"{other}\""
                )));
            }
        };
        Ok(Filter::Value { property: place, value_type, test })
    }

    /// The filter on the records that are associated with one of these; every edge is kept from both sides.
    fn linked_to(&self, kind: Kind, to: Kind, ids: &[u64]) -> Filter {
        let others = ids.iter().flat_map(|id| self.links.of(End { kind: to, id: *id }, kind, 0));
        Filter::Among(others.map(|(end, _)| end.id).collect())
    }

    /// The properties in which the words of the free text may stand.
    fn read_by_search(&self, kind: Kind) -> Vec<PropId> {
        let object_type = self.catalog.get(kind);
        object_type.searchable_names.iter().filter_map(|name| object_type.properties.find(name)).collect()
    }

    fn sort_by(&self, kind: Kind, sorts: &[SortInput], call: &Call<'_>) -> Outcome<SortBy> {
        match sorts {
            [] => Ok(SortBy::Creation),
            [sort] => {
                let live = self.catalog.get(kind).properties.live(&sort.property, call.now);
                let (property, definition) = live.ok_or_else(problem)?;
                let (value_type, descending) = (definition.value_type, sort.descending);
                Ok(SortBy::Property { property, value_type, descending })
            }
            _ => Err(problem()),
        }
    }

    fn search_names(&self, kind: Kind, asked: &[String], call: &Call<'_>) -> Vec<(String, PropId)> {
        let object_type = self.catalog.get(kind);
        let asked = if asked.is_empty() { &object_type.default_names } else { asked };
        let live = |name: &String| Some((name.clone(), object_type.properties.live(name, call.now)?.0));
        let always = [OBJECT_ID, CREATED, MODIFIED].into_iter();
        let always = always.filter_map(|id| Some((object_type.properties.get(id)?.name.clone(), id)));
        let mut names: Vec<(String, PropId)> = asked.iter().filter_map(live).chain(always).collect();
        names.sort();
        names.dedup();
        names
    }
}

fn words_of(query: Option<&str>) -> Vec<String> {
    query.unwrap_or_default().split_whitespace().map(str::to_lowercase).collect()
}

fn no_value(operator: &str) -> Refusal {
    unbound(&format!("Cannot construct instance of `Filter`, problem: operator {operator} requires a value"))
}

/// A number that may be written as text; the empty text counts as absent.
fn number(given: Option<&Text>, default: usize) -> Outcome<usize> {
    match given.map(|text| text.0.as_str()) {
        None | Some("") => Ok(default),
        Some(text) => {
            text.parse().map_err(|_| unbound(&format!("Cannot deserialize value of type `int` from String \"{text}\"")))
        }
    }
}

fn page_body(total: usize, page: &[Vec<u8>], after: Option<usize>) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + page.iter().map(|entry| entry.len() + 1).sum::<usize>());
    out.push(b'{');
    push_key(&mut out, "total");
    out.extend_from_slice(total.to_string().as_bytes());
    out.extend_from_slice(b",\"results\":[");
    for (place, entry) in page.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        out.extend_from_slice(entry);
    }
    out.push(b']');
    if let Some(after) = after {
        out.extend_from_slice(b",\"paging\":{\"next\":{\"after\":");
        push_text(&mut out, &after.to_string());
        out.extend_from_slice(b"}}");
    }
    out.push(b'}');
    out
}
