//! Owners: who may own records (<https://developers.hubspot.com/docs/api-reference/crm-crm-owners-v3/guide>).

use std::fmt;

use serde::Deserialize;

use crate::endpoint::{endpoint, one, page, paged};
use crate::limits::sizes::{OWNERS_LIST_MAX, at_most};
use crate::version::Surface;
use crate::wire::{Page, null_as_default, number_or_none, text};

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
    /// `PERSON` or `QUEUE`.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// The user behind it; none once deactivated.
    #[serde(default, deserialize_with = "number_or_none")]
    pub user_id: Option<u64>,
    /// The user behind it, deactivated or not.
    #[serde(default, deserialize_with = "number_or_none")]
    pub user_id_including_inactive: Option<u64>,
    /// The teams that they belong to.
    #[serde(default, deserialize_with = "null_as_default")]
    pub teams: Vec<OwnerTeam>,
    /// Whether it is archived; those are listed only on request.
    #[serde(default, deserialize_with = "null_as_default")]
    pub archived: bool,
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner").field("id", &self.id).field("archived", &self.archived).finish_non_exhaustive()
    }
}

/// A team of an owner.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct OwnerTeam {
    /// Its id.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// What people see.
    #[serde(default, deserialize_with = "null_as_default")]
    pub name: String,
    /// Whether it is the main one.
    #[serde(default, deserialize_with = "null_as_default")]
    pub primary: bool,
}

/// GET one page of owners. `Debug` shows no address.
#[derive(Clone)]
pub struct List {
    /// Per page, at most [`OWNERS_LIST_MAX`].
    pub limit: u32,
    /// From the previous page.
    pub after: Option<String>,
    /// Only the one with this address.
    pub email: Option<String>,
    /// Archived ones instead of active ones.
    pub archived: bool,
}

impl Default for List {
    /// The first page of the active ones, as long as it may be.
    fn default() -> Self {
        Self { limit: OWNERS_LIST_MAX, after: None, email: None, archived: false }
    }
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List").field("after", &self.after).field("archived", &self.archived).finish_non_exhaustive()
    }
}

endpoint!(List => Page<Owner>, page("owners"), |this, version| {
    Surface::Owners
        .get(version, &[])
        .with_query("limit", this.limit.to_string())
        .with_some("after", this.after.as_deref())
        .with_some("email", this.email.as_deref())
        .with_flag("archived", this.archived)
}, check: at_most("owners of a page", this.limit, OWNERS_LIST_MAX));

paged!(List, Owner);

/// What an owner is asked for by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnerKey {
    /// What `hubspot_owner_id` holds.
    Owner(String),
    /// The user's id, as in `hs_created_by_user_id`.
    User(u64),
}

/// GET one owner.
#[derive(Clone, Debug)]
pub struct Read {
    /// Which one.
    pub key: OwnerKey,
    /// An archived one.
    pub archived: bool,
}

endpoint!(Read => Owner, one("an owner"), |this, version| {
    let (id, property) = match &this.key {
        OwnerKey::Owner(id) => (id.clone(), None),
        OwnerKey::User(id) => (id.to_string(), Some("userId")),
    };
    Surface::Owners.get(version, &[&id]).with_some("idProperty", property).with_flag("archived", this.archived)
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Endpoint;
    use crate::testing::answer;
    use crate::version::ApiVersion;

    #[test]
    fn a_page_of_owners_is_read_and_shows_nobody_in_debug() {
        let text = r#"{"results":[{"id":60158084,"email":"rep@example.test","type":"PERSON","firstName":"Rey",
            "lastName":"Doe","userId":991,"archived":false,"teams":[{"id":12,"name":"West","primary":true}]},
            {"id":"7","userId":null,"userIdIncludingInactive":992,"teams":null}],
            "paging":{"next":{"after":"NjAx","link":"https://api.hubapi.com/crm/v3/owners?after=NjAx"}}}"#;
        let list = List::default();
        let page = list.decode(&answer(200, text)).expect("a page");
        assert_eq!(page.after.as_deref(), Some("NjAx"));
        assert_eq!(page.items[0].id, "60158084");
        assert_eq!((page.items[0].user_id, page.items[1].user_id), (Some(991), None));
        assert_eq!(page.items[1].user_id_including_inactive, Some(992));
        assert_eq!(page.items[0].teams[0].name, "West");
        assert!(!format!("{page:?}").contains("rep@"));
        assert_eq!(list.call(ApiVersion::V3).target(), "/crm/v3/owners?limit=100");
        let one = List { email: Some("rep@example.test".to_owned()), archived: true, ..List::default() };
        let target = "/crm/owners/2026-03?limit=100&email=rep%40example.test&archived=true";
        assert_eq!(one.call(ApiVersion::V2026_03).target(), target);
        assert!(!format!("{one:?}").contains("rep@"));
        assert!(List { limit: 101, ..List::default() }.check().is_err());
    }

    #[test]
    fn an_owner_is_found_by_its_own_id_or_by_its_users() {
        let by = |key| Read { key, archived: false }.call(ApiVersion::V3).target();
        assert_eq!(by(OwnerKey::Owner("601".to_owned())), "/crm/v3/owners/601");
        assert_eq!(by(OwnerKey::User(991)), "/crm/v3/owners/991?idProperty=userId");
    }
}
