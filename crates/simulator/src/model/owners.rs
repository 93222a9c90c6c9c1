//! Owners and account details.
//!
//! Owner ids and user ids differ here on purpose: `hubspot_owner_id` takes the former, and a client that confuses
//! them must notice.

use serde_json::{Value, json};

use super::answer::{Outcome, Refusal, Reply};
use super::call::{Call, Query, unreadable_parameter};
use super::users::{Directory, Seat};
use super::{Owner, Portal, time};
use crate::wire::Millis;

/// Owners of a portal, archived ones included.
const OWNERS_MAX: usize = 100_000;
/// Owners of one page.
const PAGE_MAX: usize = 500;
/// Owners of one page when nothing is asked.
const PAGE_DEFAULT: usize = 100;

impl Owner {
    /// An owner as a read shows it; `teams` is there only for those who have some.
    fn to_json(&self, directory: &Directory) -> Value {
        let user = self.archived_at.is_none().then_some(self.user_id);
        let mut out = json!({"id": self.id.to_string(), "email": self.email, "type": "PERSON",
               "firstName": self.first_name, "lastName": self.last_name, "userId": user,
               "userIdIncludingInactive": self.user_id, "createdAt": time::iso(self.created_at),
               "updatedAt": time::iso(self.updated_at), "archived": self.archived_at.is_some()});
        let teams = directory.teams_of(&self.seat);
        if let (false, Some(out)) = (teams.is_empty(), out.as_object_mut()) {
            out.insert("teams".into(), Value::Array(teams));
        }
        out
    }
}

impl Portal {
    /// GET of all owners.
    pub(super) fn list_owners(&self, call: &Call<'_>) -> Outcome {
        let limit = call.query.limit(PAGE_DEFAULT, PAGE_MAX)?;
        let archived = call.query.flag("archived")?;
        let first: u64 = match call.query.first("after") {
            None => 0,
            Some(text) => text.parse().map_err(|_| unreadable_parameter("after"))?,
        };
        let email = call.query.first("email").map(str::to_lowercase);
        let fits = |owner: &&Owner| {
            owner.archived_at.is_some() == archived
                && owner.id >= first
                && email.as_ref().is_none_or(|email| owner.email.to_lowercase() == *email)
        };
        let mut page: Vec<&Owner> = self.owners.iter().filter(fits).take(limit + 1).collect();
        let next = if page.len() > limit { page.pop().map(|owner| owner.id.to_string()) } else { None };
        let results: Vec<Value> = page.into_iter().map(|owner| owner.to_json(&self.directory)).collect();
        let mut body = json!({"results": results});
        if let (Some(after), Some(body)) = (next, body.as_object_mut()) {
            let link = call.next_link(&after);
            body.insert("paging".into(), json!({"next": {"after": after, "link": link}}));
        }
        Ok(Reply::ok(&body))
    }

    /// GET of one owner, by owner id or by user id.
    pub(super) fn read_owner(&self, key: &str, query: &Query) -> Outcome {
        let id: u64 =
            key.parse().map_err(|_| Refusal::bare(400, "Unable to parse value for path parameter: ownerId"))?;
        let archived = query.flag("archived")?;
        let by_user = match query.first("idProperty") {
            None | Some("id") => false,
            Some("userId") => true,
            Some(_) => return Err(unreadable_parameter("idProperty")),
        };
        let fits = |owner: &&Owner| {
            (if by_user { owner.user_id } else { owner.id }) == id && owner.archived_at.is_some() == archived
        };
        let owner = self.owners.iter().find(fits).ok_or_else(Refusal::missing)?;
        Ok(Reply::ok(&owner.to_json(&self.directory)))
    }

    /// Adds an owner unless one with that address is there. The first one of a portal is its super admin.
    pub(super) fn add_owner(&mut self, email: &str, first_name: &str, last_name: &str, now: Millis) -> bool {
        let is_same = |owner: &Owner| owner.archived_at.is_none() && owner.email.eq_ignore_ascii_case(email);
        if self.owners.len() >= OWNERS_MAX || self.owners.iter().any(is_same) {
            return false;
        }
        let place = self.owners.len() as u64;
        self.owners.push(Owner {
            id: 60_158_084 + self.options.seed % 1000 + 17 * place,
            user_id: 9_901 + self.options.seed % 1000 + place,
            email: email.to_owned(),
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            created_at: now,
            updated_at: now,
            archived_at: None,
            seat: Seat::new(place == 0),
        });
        true
    }

    /// GET of the account's details.
    pub(super) fn account_details(&self, call: &Call<'_>) -> Reply {
        let options = &self.options;
        let offset = time::offset_seconds(&options.time_zone, call.now);
        let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.abs() / 60);
        let data_centre = if options.ui_domain.contains("-eu1") { "eu1" } else { "na1" };
        Reply::ok(&json!({
            "portalId": options.portal_id, "accountType": "STANDARD", "timeZone": options.time_zone,
            "companyCurrency": "USD", "additionalCurrencies": [],
            "utcOffset": format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60),
            "utcOffsetMilliseconds": offset * 1000, "uiDomain": options.ui_domain, "dataHostingLocation": data_centre,
        }))
    }
}
