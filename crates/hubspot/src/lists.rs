//! Lists of records (<https://developers.hubspot.com/docs/api-reference/crm-lists-v3/guide>).
//!
//! Members of manual and snapshot lists can be changed; a dynamic list follows its filters. Lists are searched by
//! offset, members are paged by cursor.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::Answer;
use crate::call::Call;
use crate::endpoint::{ApiError, Endpoint, Paged, body, endpoint, success};
use crate::limits::sizes::{LIST_SEARCH_MAX, OverLimit, at_most};
use crate::version::{ApiVersion, Surface};
use crate::wire::{null_as_default, number_or_none, text, text_or_none};

mod memberships;

pub use memberships::{
    AddFromList, BatchReadMemberships, ChangeMembers, Member, Members, MembersChanged, Membership, MembershipsOf,
    Order, RecordKey, RecordMemberships, RemoveAllMembers,
};

/// Who decides which records are in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Processing {
    /// Whoever adds and removes records.
    Manual,
    /// Its filters, always.
    Dynamic,
    /// Its filters once, then whoever adds and removes records.
    Snapshot,
}

/// One list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct List {
    /// Its id.
    #[serde(rename = "listId", deserialize_with = "text")]
    pub id: String,
    /// What people see; no two lists of a type share it.
    #[serde(default, deserialize_with = "null_as_default")]
    pub name: String,
    /// Type id of its members.
    #[serde(default, deserialize_with = "text_or_none")]
    pub object_type_id: Option<String>,
    /// `MANUAL`, `DYNAMIC` or `SNAPSHOT`.
    #[serde(default, deserialize_with = "null_as_default")]
    pub processing_type: String,
    /// `COMPLETE` once its members are known.
    #[serde(default)]
    pub processing_status: Option<String>,
    /// Counts changes of the list.
    #[serde(default, rename = "listVersion", deserialize_with = "number_or_none")]
    pub version: Option<u64>,
    /// How many members; a search has it as `hs_list_size` of [`List::additional_properties`].
    #[serde(default, deserialize_with = "number_or_none")]
    pub size: Option<u64>,
    /// Its filters, when they are asked for, in HubSpot's own form.
    #[serde(default)]
    pub filter_branch: Option<Value>,
    /// When it was made, ISO 8601.
    #[serde(default)]
    pub created_at: Option<String>,
    /// When it was last changed, ISO 8601.
    #[serde(default)]
    pub updated_at: Option<String>,
    /// When it was deleted, ISO 8601; it can be restored for 90 days.
    #[serde(default)]
    pub deleted_at: Option<String>,
    /// What a search adds: `hs_list_size`, `hs_list_reference_count`, … all text.
    #[serde(default, deserialize_with = "crate::wire::properties")]
    pub additional_properties: std::collections::BTreeMap<String, Option<String>>,
}

/// `{"list": {…}}`, and `updatedList` after a change.
#[derive(Deserialize)]
struct ListBody {
    #[serde(alias = "updatedList")]
    list: List,
}

fn list(what: &'static str) -> impl Fn(&Answer) -> Result<List, ApiError> {
    move |answer| body::<ListBody>(answer, what).map(|body| body.list)
}

/// A list to be made.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewList {
    /// What people see.
    pub name: String,
    /// Type id of its members (`0-1`).
    pub object_type_id: String,
    /// Who decides about its members.
    pub processing_type: Processing,
    /// Filters in HubSpot's own form; dynamic and snapshot lists need them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter_branch: Option<Value>,
}

/// POST one list. A repeat is refused, because the name exists; it is not repeated blindly all the same.
#[derive(Clone, Debug)]
pub struct Create {
    /// What it shall be.
    pub list: NewList,
}

endpoint!(Create => List, list("a created list"), |this, version| {
    Surface::Lists.post(version, &[]).with_json(&this.list)
});

/// GET one list.
#[derive(Clone, Debug)]
pub struct Read {
    /// Its id.
    pub id: String,
    /// With its filters.
    pub filters: bool,
}

endpoint!(Read => List, list("a list"), |this, version| {
    Surface::Lists.get(version, &[&this.id]).with_flag("includeFilters", this.filters)
});

/// GET one list by its name.
#[derive(Clone, Debug)]
pub struct ReadByName {
    /// Type id of its members (`0-1`).
    pub object_type_id: String,
    /// What people see.
    pub name: String,
    /// With its filters.
    pub filters: bool,
}

endpoint!(ReadByName => List, list("a list"), |this, version| {
    Surface::Lists
        .get(version, &["object-type-id", &this.object_type_id, "name", &this.name])
        .with_flag("includeFilters", this.filters)
});

/// GET many lists by id. Ids that do not exist are left out.
#[derive(Clone, Debug)]
pub struct ReadMany {
    /// Which.
    pub ids: Vec<String>,
    /// With their filters.
    pub filters: bool,
}

#[derive(Deserialize)]
struct ListsBody {
    #[serde(default, deserialize_with = "null_as_default")]
    lists: Vec<List>,
}

endpoint!(ReadMany => Vec<List>, |answer| body::<ListsBody>(answer, "lists").map(|body| body.lists),
|this, version| {
    let call = Surface::Lists.get(version, &[]);
    let call = this.ids.iter().fold(call, |call, id| call.with_query("listIds", id));
    call.with_flag("includeFilters", this.filters)
});

/// POST a search for lists.
#[derive(Clone, Debug)]
pub struct Search {
    /// Words in their names; all lists without any.
    pub query: Option<String>,
    /// Type id of their members.
    pub object_type_id: Option<String>,
    /// Who decides about their members; none for all.
    pub processing_types: Vec<Processing>,
    /// Of which ids; none for all.
    pub list_ids: Vec<String>,
    /// What else to return.
    pub additional_properties: Vec<String>,
    /// Where the page begins: [`SearchPage::next`].
    pub offset: u64,
    /// Lists of a page, at most [`LIST_SEARCH_MAX`].
    pub count: u32,
}

impl Default for Search {
    /// The first page of all lists, as long as it may be.
    fn default() -> Self {
        Self {
            query: None,
            object_type_id: None,
            processing_types: Vec::new(),
            list_ids: Vec::new(),
            additional_properties: Vec::new(),
            offset: 0,
            count: LIST_SEARCH_MAX,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SearchBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_type_id: Option<&'a str>,
    #[serde(skip_serializing_if = "<[Processing]>::is_empty")]
    processing_types: &'a [Processing],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    list_ids: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    additional_properties: &'a [String],
    offset: u64,
    count: u32,
}

impl Paged for Search {
    type Item = List;

    fn turn(&self, page: SearchPage) -> (Vec<List>, Option<Self>) {
        (page.lists, page.next.map(|offset| Self { offset, ..self.clone() }))
    }
}

/// One page of lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchPage {
    /// The lists.
    pub lists: Vec<List>,
    /// The offset of the next page; none on the last.
    pub next: Option<u64>,
    /// How many match in all.
    pub total: Option<u64>,
}

impl Endpoint for Search {
    type Output = SearchPage;

    fn call(&self, version: ApiVersion) -> Call {
        let body = SearchBody {
            query: self.query.as_deref(),
            object_type_id: self.object_type_id.as_deref(),
            processing_types: &self.processing_types,
            list_ids: &self.list_ids,
            additional_properties: &self.additional_properties,
            offset: self.offset,
            count: self.count,
        };
        Surface::Lists.post(version, &["search"]).with_json(&body)
    }

    fn decode(&self, answer: &Answer) -> Result<SearchPage, ApiError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Body {
            #[serde(default, deserialize_with = "null_as_default")]
            lists: Vec<List>,
            #[serde(default, deserialize_with = "null_as_default")]
            has_more: bool,
            #[serde(default, deserialize_with = "number_or_none")]
            offset: Option<u64>,
            #[serde(default, deserialize_with = "number_or_none")]
            total: Option<u64>,
        }
        let page: Body = body(answer, "lists")?;
        // An offset that does not move would be asked for again without end.
        let next = page.offset.filter(|offset| page.has_more && *offset > self.offset);
        Ok(SearchPage { lists: page.lists, next, total: page.total })
    }

    fn check(&self) -> Result<(), OverLimit> {
        at_most("lists of a page", self.count, LIST_SEARCH_MAX)
    }
}

/// PUT another name.
#[derive(Clone, Debug)]
pub struct Rename {
    /// Of which list.
    pub id: String,
    /// The name.
    pub name: String,
}

endpoint!(Rename => List, list("a renamed list"), |this, version| {
    Surface::Lists.put(version, &[&this.id, "update-list-name"]).with_query("listName", &this.name)
});

/// PUT other filters. Only dynamic lists have any to change.
#[derive(Clone, Debug)]
pub struct Refilter {
    /// Of which list.
    pub id: String,
    /// Filters in HubSpot's own form.
    pub filter_branch: Value,
    /// Whether records that become members are enrolled in workflows.
    pub enroll: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RefilterBody<'a> {
    filter_branch: &'a Value,
}

endpoint!(Refilter => List, list("a changed list"), |this, version| {
    Surface::Lists
        .put(version, &[&this.id, "update-list-filters"])
        .with_flag("enrollObjectsInWorkflows", this.enroll)
        .with_json(&RefilterBody { filter_branch: &this.filter_branch })
});

/// DELETE one list; [`Restore`] brings it back for 90 days.
#[derive(Clone, Debug)]
pub struct Delete {
    /// Which one.
    pub id: String,
}

endpoint!(Delete => (), success, |this, version| Surface::Lists.delete(version, &[&this.id]));

/// PUT a deleted list back.
#[derive(Clone, Debug)]
pub struct Restore {
    /// Which one.
    pub id: String,
}

endpoint!(Restore => (), success, |this, version| Surface::Lists.put(version, &[&this.id, "restore"]));

#[cfg(test)]
mod tests;
