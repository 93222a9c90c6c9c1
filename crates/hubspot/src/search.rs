//! Search (<https://developers.hubspot.com/docs/api-reference/search/guide>).
//!
//! The index lags behind writes by seconds, so search never proves that a record does not exist.
//! Search draws on a budget of five calls a second for the whole account, not on the ten-second window.

use http::Method;
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::call::Call;
use crate::endpoint::{ApiError, Endpoint, body};
use crate::id::ObjectType;
use crate::objects::Record;
use crate::version::{ApiVersion, Surface};
use crate::wire::{self, Paging, null_as_default, number_or_none};

/// Largest `limit`.
pub const LIMIT_MAX: u32 = 200;
/// `after` plus `limit` may not pass this; further records need another filter.
pub const WINDOW_MAX: u64 = 10_000;
/// Groups of filters. The documentation of 2025 and 2026; a changelog of 2024 allowed more.
pub const GROUPS_MAX: usize = 5;
/// Filters in one group.
pub const FILTERS_PER_GROUP_MAX: usize = 6;
/// Filters in all groups together.
pub const FILTERS_MAX: usize = 18;
/// Characters of `query`.
pub const QUERY_CHARS_MAX: usize = 3_000;

/// One condition. Values are text; dates are epoch milliseconds; values of `In` and `NotIn` are lower case for text
/// properties.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Filter {
    property_name: String,
    operator: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    high_value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Vec<String>>,
}

/// Operators that compare with one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// Equal; text without regard to case.
    Eq,
    /// Not equal; records without the property do not match.
    Neq,
    /// Below.
    Lt,
    /// Below or equal.
    Lte,
    /// Above.
    Gt,
    /// Above or equal.
    Gte,
    /// Contains the word; `*` is a wildcard.
    ContainsToken,
    /// Does not contain the word.
    NotContainsToken,
}

impl Compare {
    fn name(self) -> &'static str {
        match self {
            Self::Eq => "EQ",
            Self::Neq => "NEQ",
            Self::Lt => "LT",
            Self::Lte => "LTE",
            Self::Gt => "GT",
            Self::Gte => "GTE",
            Self::ContainsToken => "CONTAINS_TOKEN",
            Self::NotContainsToken => "NOT_CONTAINS_TOKEN",
        }
    }
}

impl Filter {
    fn new(property: impl Into<String>, operator: &'static str) -> Self {
        Self { property_name: property.into(), operator, value: None, high_value: None, values: None }
    }

    /// Compares with one value.
    pub fn compare(property: impl Into<String>, operator: Compare, value: impl Into<String>) -> Self {
        Self { value: Some(value.into()), ..Self::new(property, operator.name()) }
    }

    /// From `low` to `high`, both included.
    pub fn between(property: impl Into<String>, low: impl Into<String>, high: impl Into<String>) -> Self {
        Self { value: Some(low.into()), high_value: Some(high.into()), ..Self::new(property, "BETWEEN") }
    }

    /// One of `values`.
    pub fn one_of(property: impl Into<String>, values: Vec<String>) -> Self {
        Self { values: Some(values), ..Self::new(property, "IN") }
    }

    /// None of `values`.
    pub fn none_of(property: impl Into<String>, values: Vec<String>) -> Self {
        Self { values: Some(values), ..Self::new(property, "NOT_IN") }
    }

    /// Has a value, or has none.
    pub fn has(property: impl Into<String>, has: bool) -> Self {
        Self::new(property, if has { "HAS_PROPERTY" } else { "NOT_HAS_PROPERTY" })
    }
}

/// Filters that all must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FilterGroup {
    /// At most [`FILTERS_PER_GROUP_MAX`].
    pub filters: Vec<Filter>,
}

/// The one order of a search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sort {
    property_name: String,
    direction: &'static str,
}

impl Sort {
    /// Smallest first.
    pub fn ascending(property: impl Into<String>) -> Self {
        Self { property_name: property.into(), direction: "ASCENDING" }
    }

    /// Largest first.
    pub fn descending(property: impl Into<String>) -> Self {
        Self { property_name: property.into(), direction: "DESCENDING" }
    }
}

/// POST a search.
#[derive(Clone, Debug)]
pub struct Search {
    /// Of which type.
    pub object_type: ObjectType,
    /// Any of these must hold; at most [`GROUPS_MAX`].
    pub groups: Vec<FilterGroup>,
    /// Words in the searchable properties.
    pub query: Option<String>,
    /// By default ascending by creation.
    pub sort: Option<Sort>,
    /// What to return besides ids and dates.
    pub properties: Vec<String>,
    /// Per page, at most [`LIMIT_MAX`].
    pub limit: u32,
    /// An offset, from the previous page.
    pub after: Option<String>,
}

/// One page of a search. It may be short although more follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchPage {
    /// How many match in all.
    pub total: u64,
    /// The records of this page; never archived ones, never associations.
    pub records: Vec<Record>,
    /// The offset of the next page; none on the last.
    pub after: Option<String>,
}

impl Endpoint for Search {
    type Output = SearchPage;

    fn call(&self, version: ApiVersion) -> Call {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body<'a> {
            filter_groups: &'a [FilterGroup],
            #[serde(skip_serializing_if = "Option::is_none")]
            query: Option<&'a str>,
            sorts: &'a [Sort],
            properties: &'a [String],
            limit: u32,
            #[serde(skip_serializing_if = "Option::is_none")]
            after: Option<&'a str>,
        }
        let body = Body {
            filter_groups: &self.groups,
            query: self.query.as_deref(),
            sorts: self.sort.as_slice(),
            properties: &self.properties,
            limit: self.limit,
            after: self.after.as_deref(),
        };
        let path = Surface::Objects.path(version, &[self.object_type.as_str(), "search"]);
        Call::new(Method::POST, path).with_json(&body)
    }

    fn decode(&self, answer: &Answer) -> Result<SearchPage, ApiError> {
        #[derive(Deserialize)]
        struct Body {
            #[serde(default, deserialize_with = "number_or_none")]
            total: Option<u64>,
            #[serde(default, deserialize_with = "null_as_default")]
            results: Vec<Record>,
            #[serde(default)]
            paging: Option<Paging>,
        }
        let page: Body = body(answer, "search results")?;
        Ok(SearchPage { total: page.total.unwrap_or_default(), records: page.results, after: wire::after(page.paging) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::call::{CostClass, Effect};
    use crate::testing::{answer, recording};

    fn search() -> Search {
        let filters = vec![
            Filter::compare("lastmodifieddate", Compare::Gte, "1763542800000"),
            Filter::between("amount", "1", "2"),
            Filter::one_of("city", vec!["oslo".to_owned()]),
            Filter::has("email", false),
        ];
        Search {
            object_type: ObjectType::new("contacts"),
            groups: vec![FilterGroup { filters }],
            query: None,
            sort: Some(Sort::ascending("lastmodifieddate")),
            properties: vec!["email".to_owned()],
            limit: LIMIT_MAX,
            after: Some("200".to_owned()),
        }
    }

    #[test]
    fn each_operator_takes_its_own_fields() {
        let call = search().call(ApiVersion::V2026_03);
        let body: Value = serde_json::from_slice(&call.body.expect("a body")).expect("JSON");
        assert_eq!((call.cost, call.effect), (CostClass::Search, Effect::Safe));
        assert_eq!(call.path, "/crm/objects/2026-03/contacts/search");
        assert_eq!(
            body,
            json!({
                "filterGroups": [{"filters": [
                    {"propertyName": "lastmodifieddate", "operator": "GTE", "value": "1763542800000"},
                    {"propertyName": "amount", "operator": "BETWEEN", "value": "1", "highValue": "2"},
                    {"propertyName": "city", "operator": "IN", "values": ["oslo"]},
                    {"propertyName": "email", "operator": "NOT_HAS_PROPERTY"},
                ]}],
                "sorts": [{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}],
                "properties": ["email"], "limit": 200, "after": "200",
            })
        );
    }

    #[test]
    fn recorded_pages_lead_to_the_next_until_the_last() {
        let Some(first) = recording("amp-labs_connectors/search__contacts__1-first-page.json") else { return };
        let Some(last) = recording("amp-labs_connectors/search__contacts__2-second-page.json") else { return };
        let first = search().decode(&answer(200, &first)).expect("a page");
        let last = search().decode(&answer(200, &last)).expect("a page");
        assert!(first.total > 0 && !first.records.is_empty() && first.after.is_some());
        assert_eq!(last.after, None);
    }
}
