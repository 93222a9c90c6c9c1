//! Search (<https://developers.hubspot.com/docs/api-reference/search/guide>).
//!
//! The index lags behind writes by seconds, so search never proves that a record does not exist.
//! Search draws on a budget of five calls a second for the whole account, not on the ten-second window.

use http::Method;
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::call::Call;
use crate::endpoint::{ApiError, Endpoint, Paged, body};
use crate::id::{ObjectType, RecordId};
use crate::limits::sizes::{
    OverLimit, SEARCH_FILTERS_MAX, SEARCH_FILTERS_PER_GROUP_MAX, SEARCH_GROUPS_MAX, SEARCH_LIMIT_MAX,
    SEARCH_QUERY_CHARS_MAX, SEARCH_WINDOW_MAX, at_most,
};
use crate::objects::Record;
use crate::version::{ApiVersion, Surface};
use crate::wire::{self, Paging, null_as_default, number_or_none};

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

    /// Is associated with a record of another type. Not for custom objects
    /// (<https://developers.hubspot.com/docs/api-reference/search/guide>).
    pub fn associated(object_type: &ObjectType, id: RecordId) -> Self {
        let singular = object_type.standard().map_or(object_type.as_str(), |known| known.singular);
        Self::compare(format!("associations.{singular}"), Compare::Eq, id.to_string())
    }
}

/// Filters that all must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FilterGroup {
    /// At most [`SEARCH_FILTERS_PER_GROUP_MAX`].
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
    /// Any of these must hold; at most [`SEARCH_GROUPS_MAX`].
    pub groups: Vec<FilterGroup>,
    /// Words in the searchable properties.
    pub query: Option<String>,
    /// By default ascending by creation.
    pub sort: Option<Sort>,
    /// What to return besides ids and dates.
    pub properties: Vec<String>,
    /// Per page, at most [`SEARCH_LIMIT_MAX`].
    pub limit: u32,
    /// An offset, from the previous page.
    pub after: Option<String>,
}

impl Search {
    /// All records of a type, [`SEARCH_LIMIT_MAX`] on a page, in HubSpot's order; to be narrowed by the methods below.
    ///
    /// ```
    /// use linchpin_hubspot::endpoint::Endpoint;
    /// use linchpin_hubspot::id::ObjectType;
    /// use linchpin_hubspot::search::{Compare, Filter, Search, Sort};
    ///
    /// let search = Search::of(ObjectType::new("deals"))
    ///     .all_of([Filter::compare("amount", Compare::Gt, "1000"), Filter::has("closedate", false)])
    ///     .all_of([Filter::one_of("dealstage", vec!["closedwon".to_owned()])])
    ///     .sorted(Sort::descending("amount"))
    ///     .showing(["dealname", "amount"]);
    /// assert_eq!(search.check(), Ok(()));
    /// ```
    pub fn of(object_type: ObjectType) -> Self {
        Self {
            object_type,
            groups: Vec::new(),
            query: None,
            sort: None,
            properties: Vec::new(),
            limit: SEARCH_LIMIT_MAX,
            after: None,
        }
    }

    /// Adds a group: a record matches when **all** filters of **any** group hold.
    #[must_use]
    pub fn all_of(mut self, filters: impl IntoIterator<Item = Filter>) -> Self {
        self.groups.push(FilterGroup { filters: filters.into_iter().collect() });
        self
    }

    /// Words that the type's searchable properties must hold.
    #[must_use]
    pub fn with_words(self, words: impl Into<String>) -> Self {
        Self { query: Some(words.into()), ..self }
    }

    /// Sets the order.
    #[must_use]
    pub fn sorted(self, sort: Sort) -> Self {
        Self { sort: Some(sort), ..self }
    }

    /// Names the properties to return.
    #[must_use]
    pub fn showing<S: Into<String>>(self, properties: impl IntoIterator<Item = S>) -> Self {
        Self { properties: properties.into_iter().map(Into::into).collect(), ..self }
    }

    /// Sets how many records a page has.
    #[must_use]
    pub fn paged_by(self, limit: u32) -> Self {
        Self { limit, ..self }
    }

    /// The call for the page that `after` of the one before leads to.
    #[must_use]
    pub fn starting_at(self, after: impl Into<String>) -> Self {
        Self { after: Some(after.into()), ..self }
    }

    /// Where the page ends, counted from the first match. An `after` that is no number is left to HubSpot.
    fn end(&self) -> u64 {
        let begin = self.after.as_deref().and_then(|after| after.parse::<u64>().ok()).unwrap_or_default();
        begin.saturating_add(u64::from(self.limit))
    }
}

impl Paged for Search {
    type Item = Record;

    fn turn(&self, page: SearchPage) -> (Vec<Record>, Option<Self>) {
        (page.records, page.after.map(|after| self.clone().starting_at(after)))
    }
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

    fn check(&self) -> Result<(), OverLimit> {
        at_most("groups of filters", self.groups.len(), SEARCH_GROUPS_MAX)?;
        let filters = || self.groups.iter().map(|group| group.filters.len());
        at_most("filters of one group", filters().max().unwrap_or_default(), SEARCH_FILTERS_PER_GROUP_MAX)?;
        at_most("filters of a search", filters().sum::<usize>(), SEARCH_FILTERS_MAX)?;
        let words = self.query.as_deref().unwrap_or_default();
        at_most("characters of the words searched for", words.chars().count(), SEARCH_QUERY_CHARS_MAX)?;
        at_most("records of a page", self.limit, SEARCH_LIMIT_MAX)?;
        at_most("records that a search can reach", self.end(), SEARCH_WINDOW_MAX)
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
            limit: SEARCH_LIMIT_MAX,
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
    fn every_operator_of_hubspot_has_a_filter() {
        use Compare::{ContainsToken, Eq, Gt, Gte, Lt, Lte, Neq, NotContainsToken};
        let one = ["EQ", "NEQ", "LT", "LTE", "GT", "GTE", "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"];
        for (operator, name) in [Eq, Neq, Lt, Lte, Gt, Gte, ContainsToken, NotContainsToken].into_iter().zip(one) {
            let filter = serde_json::to_value(Filter::compare("x", operator, "1")).expect("JSON");
            assert_eq!(filter, json!({"propertyName": "x", "operator": name, "value": "1"}));
        }
        let others = [
            (Filter::between("x", "1", "2"), json!({"operator": "BETWEEN", "value": "1", "highValue": "2"})),
            (Filter::one_of("x", vec!["a".to_owned()]), json!({"operator": "IN", "values": ["a"]})),
            (Filter::none_of("x", vec!["a".to_owned()]), json!({"operator": "NOT_IN", "values": ["a"]})),
            (Filter::has("x", true), json!({"operator": "HAS_PROPERTY"})),
            (Filter::has("x", false), json!({"operator": "NOT_HAS_PROPERTY"})),
        ];
        for (filter, mut expected) in others {
            expected["propertyName"] = json!("x");
            assert_eq!(serde_json::to_value(filter).expect("JSON"), expected);
        }
        let associated = Filter::associated(&ObjectType::new("companies"), RecordId(7));
        let expected = json!({"propertyName": "associations.company", "operator": "EQ", "value": "7"});
        assert_eq!(serde_json::to_value(associated).expect("JSON"), expected);
    }

    #[test]
    fn what_hubspot_would_refuse_for_its_size_is_found_before() {
        let group = |filters: usize| vec![Filter::has("x", true); filters];
        let many = |groups: &[usize]| {
            groups.iter().fold(Search::of(ObjectType::new("deals")), |search, filters| search.all_of(group(*filters)))
        };
        let over = |search: Search| search.check().err().map(|over| (over.what, over.found, over.max));
        assert_eq!(over(many(&[6, 6, 6])), None);
        assert_eq!(over(many(&[1, 1, 1, 1, 1, 1])), Some(("groups of filters", 6, 5)));
        assert_eq!(over(many(&[7])), Some(("filters of one group", 7, 6)));
        assert_eq!(over(many(&[5, 5, 5, 4])), Some(("filters of a search", 19, 18)));
        assert_eq!(over(many(&[]).paged_by(201)), Some(("records of a page", 201, 200)));
        assert_eq!(over(many(&[]).starting_at("9800")), None);
        assert_eq!(over(many(&[]).starting_at("9801")), Some(("records that a search can reach", 10_001, 10_000)));
        assert_eq!(over(many(&[]).with_words("ö".repeat(3_000))), None);
        let words = over(many(&[]).with_words("x".repeat(3_001))).map(|(_, found, max)| (found, max));
        assert_eq!(words, Some((3_001, 3_000)));
    }

    #[test]
    fn a_page_leads_to_the_call_for_the_next() {
        let page = SearchPage { total: 300, records: Vec::new(), after: Some("200".to_owned()) };
        let (_, next) = search().starting_at("0").turn(page);
        assert_eq!(next.and_then(|next| next.after).as_deref(), Some("200"));
        let last = SearchPage { total: 300, records: Vec::new(), after: None };
        assert!(search().turn(last).1.is_none());
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
