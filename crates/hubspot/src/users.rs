//! Users of the account, their roles and teams
//! (<https://developers.hubspot.com/docs/api-reference/settings-user-provisioning-v3/guide>).
//!
//! Not owners: a user becomes an owner in HubSpot, and [`crate::owners`] lists those. `Debug` shows nobody's address.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::endpoint::{endpoint, items, one, page, paged, success};
use crate::limits::sizes::{USERS_LIST_MAX, at_most};
use crate::version::Surface;
use crate::wire::{Page, null_as_default, text, text_or_none, texts};

/// One user.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Its id.
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
    /// Their role, in accounts that have roles.
    #[serde(default, deserialize_with = "text_or_none")]
    pub role_id: Option<String>,
    /// All their roles.
    #[serde(default, deserialize_with = "texts")]
    pub role_ids: Vec<String>,
    /// Their main team.
    #[serde(default, deserialize_with = "text_or_none")]
    pub primary_team_id: Option<String>,
    /// Their other teams.
    #[serde(default, deserialize_with = "texts")]
    pub secondary_team_ids: Vec<String>,
    /// Whether they may do everything.
    #[serde(default, deserialize_with = "null_as_default")]
    pub super_admin: bool,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("role_id", &self.role_id).finish_non_exhaustive()
    }
}

/// GET one page of users.
#[derive(Clone, Debug)]
pub struct List {
    /// Per page, at most [`USERS_LIST_MAX`].
    pub limit: u32,
    /// From the previous page.
    pub after: Option<String>,
}

impl Default for List {
    /// The first page, as long as it may be.
    fn default() -> Self {
        Self { limit: USERS_LIST_MAX, after: None }
    }
}

endpoint!(List => Page<User>, page("users"), |this, version| {
    Surface::Users
        .get(version, &[])
        .with_query("limit", this.limit.to_string())
        .with_some("after", this.after.as_deref())
}, check: at_most("users of a page", this.limit, USERS_LIST_MAX));

paged!(List, User);

/// What a user is asked for by.
#[derive(Clone, PartialEq, Eq)]
pub enum UserKey {
    /// Its id.
    Id(String),
    /// Their address.
    Email(String),
}

impl fmt::Debug for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "Id({id})"),
            Self::Email(_) => f.write_str("Email(***)"),
        }
    }
}

impl UserKey {
    fn apply(&self, call: impl Fn(&[&str]) -> Call) -> Call {
        match self {
            Self::Id(id) => call(&[id]),
            Self::Email(email) => call(&[email]).with_query("idProperty", "EMAIL"),
        }
    }
}

/// GET one user.
#[derive(Clone, Debug)]
pub struct Read {
    /// Which one.
    pub key: UserKey,
}

endpoint!(Read => User, one("a user"), |this, version| {
    this.key.apply(|segments| Surface::Users.get(version, segments))
});

/// A user to be invited. `Debug` shows no address.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewUser {
    /// Their address.
    pub email: String,
    /// First name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Their role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_id: Option<String>,
    /// Their main team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_team_id: Option<String>,
    /// Their other teams.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secondary_team_ids: Vec<String>,
    /// Whether HubSpot writes to them.
    pub send_welcome_email: bool,
}

impl fmt::Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUser").field("role_id", &self.role_id).finish_non_exhaustive()
    }
}

/// POST one user. Sends an invitation; never repeated blindly.
#[derive(Clone, Debug)]
pub struct Create {
    /// Who.
    pub user: NewUser,
}

endpoint!(Create => User, one("a created user"), |this, version| {
    Surface::Users.post(version, &[]).with_json(&this.user)
});

/// What shall be another in a user; what is none stays as it is.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserChange {
    /// First name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Their role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_id: Option<String>,
    /// Their main team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_team_id: Option<String>,
    /// All their other teams.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secondary_team_ids: Option<Vec<String>>,
}

impl fmt::Debug for UserChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserChange").field("role_id", &self.role_id).finish_non_exhaustive()
    }
}

/// PUT one user.
#[derive(Clone, Debug)]
pub struct Update {
    /// Which one.
    pub key: UserKey,
    /// What shall be another.
    pub change: UserChange,
}

endpoint!(Update => User, one("a changed user"), |this, version| {
    this.key.apply(|segments| Surface::Users.put(version, segments)).with_json(&this.change)
});

/// DELETE one user from the account.
#[derive(Clone, Debug)]
pub struct Delete {
    /// Which one.
    pub key: UserKey,
}

endpoint!(Delete => (), success, |this, version| {
    this.key.apply(|segments| Surface::Users.delete(version, segments))
});

/// GET the account's roles; not paged.
#[derive(Clone, Copy, Debug)]
pub struct ListRoles;

/// One role.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    /// Its id.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// What people see.
    #[serde(default, deserialize_with = "null_as_default")]
    pub name: String,
    /// Whether giving it takes the right to change what the account pays.
    #[serde(default, deserialize_with = "null_as_default")]
    pub requires_billing_write: bool,
}

endpoint!(ListRoles => Vec<Role>, items("roles"), |_, version| Surface::Users.get(version, &["roles"]));

/// GET the account's teams; not paged.
#[derive(Clone, Copy, Debug)]
pub struct ListTeams;

/// One team.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Team {
    /// Its id.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// What people see.
    #[serde(default, deserialize_with = "null_as_default")]
    pub name: String,
    /// Users whose main team it is.
    #[serde(default, deserialize_with = "texts")]
    pub user_ids: Vec<String>,
    /// Users who belong to it besides.
    #[serde(default, deserialize_with = "texts")]
    pub secondary_user_ids: Vec<String>,
}

endpoint!(ListTeams => Vec<Team>, items("teams"), |_, version| Surface::Users.get(version, &["teams"]));

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::call::{Effect, Family};
    use crate::endpoint::Endpoint;
    use crate::testing::answer;
    use crate::version::ApiVersion;

    fn sent(call: &Call) -> Value {
        serde_json::from_slice(call.body.as_ref().expect("a body")).expect("JSON")
    }

    #[test]
    fn users_are_listed_and_nobody_shows_in_debug() {
        let list = List::default();
        assert_eq!(list.call(ApiVersion::V3).target(), "/settings/v3/users?limit=100");
        let text = r#"{"results":[{"id":991,"email":"rep@example.test","firstName":"Rey","roleIds":[5,"6"],
            "primaryTeamId":12,"secondaryTeamIds":null,"superAdmin":true}],"paging":{"next":{"after":"991"}}}"#;
        let page = list.decode(&answer(200, text)).expect("a page");
        assert_eq!((page.items[0].id.as_str(), page.after.as_deref()), ("991", Some("991")));
        assert_eq!(page.items[0].role_ids, ["5", "6"]);
        assert!(page.items[0].super_admin && page.items[0].secondary_team_ids.is_empty());
        let by_email = Read { key: UserKey::Email("rep@example.test".to_owned()) };
        let call = by_email.call(ApiVersion::V2026_03);
        assert_eq!(call.target(), "/settings/users/2026-03/rep%40example.test?idProperty=EMAIL");
        assert_eq!((call.family, call.effect), (Family::Owners, Effect::Safe));
        let user = NewUser { email: "rep@example.test".to_owned(), ..NewUser::default() };
        assert!(!format!("{page:?} {by_email:?} {call:?} {user:?}").contains("rep"));
    }

    #[test]
    fn users_are_invited_changed_and_removed() {
        let user =
            NewUser { email: "rep@example.test".to_owned(), role_id: Some("5".to_owned()), ..NewUser::default() };
        let create = Create { user }.call(ApiVersion::V2026_03);
        assert_eq!((create.method.as_str(), create.path.as_str()), ("POST", "/settings/users/2026-03"));
        assert_eq!(sent(&create), json!({"email": "rep@example.test", "roleId": "5", "sendWelcomeEmail": false}));
        assert_eq!(create.effect, Effect::Unsafe);
        let key = || UserKey::Id("991".to_owned());
        let change = UserChange { primary_team_id: Some("12".to_owned()), ..UserChange::default() };
        let update = Update { key: key(), change }.call(ApiVersion::V3);
        assert_eq!((update.method.as_str(), sent(&update)), ("PUT", json!({"primaryTeamId": "12"})));
        let delete = Delete { key: key() }.call(ApiVersion::V3);
        assert_eq!((delete.method.as_str(), delete.target().as_str()), ("DELETE", "/settings/v3/users/991"));
    }

    #[test]
    fn roles_and_teams_are_lists_of_their_own() {
        assert_eq!(ListRoles.call(ApiVersion::V3).target(), "/settings/v3/users/roles");
        let roles =
            ListRoles.decode(&answer(200, r#"{"results":[{"id":"5","name":"Sales","requiresBillingWrite":false}]}"#));
        assert_eq!(roles.expect("roles")[0].name, "Sales");
        assert_eq!(ListTeams.call(ApiVersion::V2026_09).target(), "/settings/users/2026-03/teams");
        let teams = r#"{"results":[{"id":"12","name":"West","userIds":["991"],"secondaryUserIds":[992]}]}"#;
        let teams = ListTeams.decode(&answer(200, teams)).expect("teams");
        assert_eq!((teams[0].user_ids.len(), teams[0].secondary_user_ids[0].as_str()), (1, "992"));
    }
}
