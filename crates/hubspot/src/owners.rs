//! Owners: who may own records (<https://developers.hubspot.com/docs/api-reference/crm-crm-owners-v3/guide>).

use std::fmt;

use http::Method;
use serde::Deserialize;

use crate::answer::Answer;
use crate::call::Call;
use crate::endpoint::{ApiError, Endpoint, body};
use crate::version::{ApiVersion, Surface};
use crate::wire::{Page, PageBody, null_as_default, number_or_none, text};

/// Owners per page; HubSpot's default. A larger maximum is only said by third parties.
pub const LIST_MAX: u32 = 100;

/// One owner. `Debug` shows no name and no address.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// What `hubspot_owner_id` holds.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// Their address.
    #[serde(default)]
    pub email: Option<String>,
    /// First name.
    #[serde(default)]
    pub first_name: Option<String>,
    /// Last name.
    #[serde(default)]
    pub last_name: Option<String>,
    /// The user behind it; none once deactivated.
    #[serde(default, deserialize_with = "number_or_none")]
    pub user_id: Option<u64>,
    /// Whether it is archived; those are listed only on request.
    #[serde(default, deserialize_with = "null_as_default")]
    pub archived: bool,
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner").field("id", &self.id).field("archived", &self.archived).finish_non_exhaustive()
    }
}

/// GET one page of owners.
#[derive(Clone, Debug)]
pub struct List {
    /// Per page, at most [`LIST_MAX`].
    pub limit: u32,
    /// From the previous page.
    pub after: Option<String>,
    /// Archived ones instead of active ones.
    pub archived: bool,
}

impl Endpoint for List {
    type Output = Page<Owner>;

    fn call(&self, version: ApiVersion) -> Call {
        let mut call =
            Call::new(Method::GET, Surface::Owners.path(version, &[])).with_query("limit", self.limit.to_string());
        if let Some(after) = &self.after {
            call = call.with_query("after", after);
        }
        if self.archived { call.with_query("archived", "true") } else { call }
    }

    fn decode(&self, answer: &Answer) -> Result<Self::Output, ApiError> {
        body::<PageBody<Owner>>(answer, "owners").map(PageBody::into_page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::answer;

    #[test]
    fn a_page_of_owners_is_read_and_shows_nobody_in_debug() {
        let text = r#"{"results":[{"id":60158084,"email":"rep@example.test","type":"PERSON","firstName":"Rey",
            "lastName":"Doe","userId":991,"archived":false,"teams":[]},{"id":"7","userId":null}],
            "paging":{"next":{"after":"NjAx","link":"https://api.hubapi.com/crm/v3/owners?after=NjAx"}}}"#;
        let list = List { limit: 100, after: None, archived: false };
        let page = list.decode(&answer(200, text)).expect("a page");
        assert_eq!(page.after.as_deref(), Some("NjAx"));
        assert_eq!(page.items[0].id, "60158084");
        assert_eq!((page.items[0].user_id, page.items[1].user_id), (Some(991), None));
        assert!(!format!("{page:?}").contains("rep@"));
        assert_eq!(list.call(ApiVersion::V3).target(), "/crm/v3/owners?limit=100");
    }
}
