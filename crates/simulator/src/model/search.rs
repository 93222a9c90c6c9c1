//! Search: filters, free text, order and offset pages over search's own copy of the records.
//!
//! What a write changed is seen only when the index has caught up (see `events`), what was archived is gone at once.
//! Source of the limits: HubSpot's guide to CRM search; the wording of most refusals is the one seen live,
//! "There was a problem with the request.", without a category.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::Portal;
use super::answer::{Outcome, Refusal, Reply};
use super::call::{Call, Text};
use super::catalog::Kind;
use super::json::{push_key, push_text};
use super::links::End;
use super::property::{CREATED, MODIFIED, OBJECT_ID, PropId, ValueType};
use super::record::Snapshot;
use super::time;

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

/// What a filter compares.
#[derive(Debug)]
enum Test {
    Is(Key),
    IsNot(Key),
    Below(Key, bool),
    Above(Key, bool),
    Between(Key, Key),
    In(BTreeSet<String>),
    NotIn(BTreeSet<String>),
    Known,
    Unknown,
    Token(Vec<String>),
    NoToken(Vec<String>),
}

/// A filter that has been understood.
#[derive(Debug)]
enum Filter {
    Property { place: PropId, value_type: ValueType, test: Test },
    LinkedTo { to: Kind, ids: BTreeSet<u64> },
}

/// A value in the form in which it is compared.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
enum Key {
    Number(f64),
    Moment(i64),
    Word(String),
}

fn problem() -> Refusal {
    Refusal::bare(400, "There was a problem with the request.")
}

fn unbound(reason: &str) -> Refusal {
    Refusal::bare(400, format!("Invalid input JSON on line 1, column 2: {reason}"))
}

impl Portal {
    /// POST of a search.
    pub(super) fn search(&self, kind: Kind, call: &Call<'_>) -> Outcome {
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
        let index = &self.catalog.get(kind).records.index;
        let mut hits: Vec<(u64, &Snapshot)> = index
            .iter()
            .filter(|(id, state)| {
                let fits = |group: &Vec<Filter>| group.iter().all(|filter| self.fits(kind, **id, state, filter));
                (groups.is_empty() || groups.iter().any(fits)) && self.reads(kind, state, &words)
            })
            .map(|(id, state)| (*id, &**state))
            .collect();
        self.sort(kind, &mut hits, input.sorts.as_deref().unwrap_or_default(), call)?;
        let total = hits.len();
        let names = self.search_names(kind, input.properties.as_deref().unwrap_or_default(), call);
        let page: Vec<Vec<u8>> = hits
            .iter()
            .skip(offset)
            .take(limit)
            .map(|(id, state)| self.search_entry(kind, *id, state, &names))
            .collect();
        let end = offset + page.len();
        Ok(Reply::written(200, page_body(total, &page, (end < total && !page.is_empty()).then_some(end))))
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
            let ids = given.map(|text| text.0.parse()).collect::<Result<_, _>>().map_err(|_| problem())?;
            return match operator.as_str() {
                "EQ" | "IN" if self.catalog.get(to).custom.is_none() => Ok(Filter::LinkedTo { to, ids }),
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
        Ok(Filter::Property { place, value_type, test })
    }

    fn fits(&self, kind: Kind, id: u64, state: &Snapshot, filter: &Filter) -> bool {
        match filter {
            Filter::LinkedTo { to, ids } => {
                self.links.of(End { kind, id }, *to, 0).any(|(other, _)| ids.contains(&other.id))
            }
            Filter::Property { place, value_type, test } => passes(id, state, *place, *value_type, test),
        }
    }

    /// Whether every word of the free text begins a word of, or stands in, a searchable property.
    fn reads(&self, kind: Kind, state: &Snapshot, words: &[String]) -> bool {
        let object_type = self.catalog.get(kind);
        words.iter().all(|word| {
            object_type.searchable_names.iter().any(|name| {
                let text = object_type.properties.find(name).and_then(|place| state.get(place));
                text.is_some_and(|text| text.to_lowercase().contains(word))
            })
        })
    }

    fn sort(&self, kind: Kind, hits: &mut [(u64, &Snapshot)], sorts: &[SortInput], call: &Call<'_>) -> Outcome<()> {
        match sorts {
            [] => hits.sort_by_key(|(id, state)| (state.created, *id)),
            [sort] => {
                let live = self.catalog.get(kind).properties.live(&sort.property, call.now);
                let (place, property) = live.ok_or_else(problem)?;
                let value_type = property.value_type;
                let key = |id, state: &Snapshot| SortKey(key_at(id, state, place, value_type), id, sort.descending);
                hits.sort_by_cached_key(|(id, state)| key(*id, state));
            }
            _ => return Err(problem()),
        }
        Ok(())
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

/// Order of a sort: records without a value come last in both directions, equal ones by id.
#[derive(PartialEq)]
struct SortKey(Option<Key>, u64, bool);

impl Eq for SortKey {}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SortKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_value = match (&self.0, &other.0) {
            (Some(own), Some(others)) => {
                let order = own.partial_cmp(others).unwrap_or(Ordering::Equal);
                if self.2 { order.reverse() } else { order }
            }
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        by_value.then(self.1.cmp(&other.1))
    }
}

/// The value of a record in comparable form; a cleared property has none.
fn key_at(id: u64, state: &Snapshot, place: PropId, value_type: ValueType) -> Option<Key> {
    match place {
        #[expect(clippy::cast_precision_loss, reason = "ids of a simulated portal stay far below 2^53")]
        OBJECT_ID => Some(Key::Number(id as f64)),
        CREATED => Some(Key::Moment(state.created.0)),
        MODIFIED => Some(Key::Moment(state.updated.0)),
        _ => key_of(value_type, state.get(place).filter(|text| !text.is_empty())?),
    }
}

fn key_of(value_type: ValueType, text: &str) -> Option<Key> {
    match value_type {
        ValueType::Number => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Key::Number),
        ValueType::Date | ValueType::DateTime => time::parse(text).map(|at| Key::Moment(at.0)),
        ValueType::String | ValueType::Bool | ValueType::Enumeration | ValueType::Phone | ValueType::Json => {
            Some(Key::Word(folded(value_type, text)))
        }
    }
}

/// Text as it is compared: without case, except for enumerations.
fn folded(value_type: ValueType, text: &str) -> String {
    match value_type {
        ValueType::Bool | ValueType::Enumeration | ValueType::Number => text.to_owned(),
        ValueType::String | ValueType::Phone | ValueType::Json | ValueType::Date | ValueType::DateTime => {
            text.to_lowercase()
        }
    }
}

/// `NEQ`, `NOT_IN` and `NOT_CONTAINS_TOKEN` do not find records without a value.
fn passes(id: u64, state: &Snapshot, place: PropId, value_type: ValueType, test: &Test) -> bool {
    let Some(own) = key_at(id, state, place, value_type) else { return matches!(test, Test::Unknown) };
    let text = || state.shown(id, place).unwrap_or_default().into_owned();
    match test {
        Test::Known => true,
        Test::Unknown => false,
        Test::Is(key) => own == *key,
        Test::IsNot(key) => own != *key,
        Test::Below(key, also) => own < *key || (*also && own == *key),
        Test::Above(key, also) => own > *key || (*also && own == *key),
        Test::Between(low, high) => own >= *low && own <= *high,
        Test::In(values) => values.contains(&folded(value_type, &text())),
        Test::NotIn(values) => !values.contains(&folded(value_type, &text())),
        Test::Token(wanted) => has_tokens(&text(), wanted),
        Test::NoToken(wanted) => !has_tokens(&text(), wanted),
    }
}

fn tokens_of(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric() && c != '*').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// Whether every wanted token, with `*` for any characters, is a word of the text.
fn has_tokens(text: &str, wanted: &[String]) -> bool {
    let words = tokens_of(text);
    !wanted.is_empty() && wanted.iter().all(|pattern| words.iter().any(|word| matches_pattern(word, pattern)))
}

fn matches_pattern(word: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| word.strip_prefix(first)) else { return false };
    let Some(last) = pattern.rsplit('*').next().filter(|_| pattern.contains('*')) else { return rest.is_empty() };
    let middle: Vec<&str> = parts.collect();
    for part in middle.iter().take(middle.len().saturating_sub(1)) {
        let Some(found) = rest.split_once(part) else { return false };
        rest = if part.is_empty() { rest } else { found.1 };
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_characters() {
        for (word, pattern, fits) in [
            ("example", "example", true),
            ("example", "exam*", true),
            ("example", "*ple", true),
            ("example", "e*a*e", true),
            ("example", "exam", false),
            ("example", "*x", false),
            ("example", "*", true),
        ] {
            assert_eq!(matches_pattern(word, pattern), fits, "{word} {pattern}");
        }
    }
}
