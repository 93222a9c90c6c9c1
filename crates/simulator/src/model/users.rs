//! Users, teams and roles of the account, as its settings know them. A user is an owner seen from the settings.
//!
//! Sources: HubSpot's user provisioning guide and reference; the bodies of its refusals are not documented.
//! Invariant: the teams and the role of a user exist; user ids differ from owner ids.

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::{Outcome, Refusal, Reply};
use super::call::{Call, Text, Version, encode, unreadable_parameter};
use super::{Owner, Portal, value};

/// The user whom an app's writes name.
pub(super) const APP_USER: u64 = 9_901;

/// Teams of a portal, and roles of one.
const TEAMS_MAX: usize = 1_000;
/// Users of one page.
const PAGE_MAX: usize = 100;

/// What somebody is as a user.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Seat {
    pub(super) primary_team: Option<u64>,
    secondary_teams: Vec<u64>,
    role: Option<u64>,
    super_admin: bool,
    products: Vec<String>,
}

impl Seat {
    /// Somebody without teams and roles.
    pub(super) fn new(super_admin: bool) -> Self {
        Self { super_admin, ..Self::default() }
    }
}

/// A team or a role.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Named {
    id: u64,
    name: String,
}

/// The teams and roles of a portal.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Directory {
    teams: Vec<Named>,
    roles: Vec<Named>,
}

impl Directory {
    /// Adds a team unless one with that name is there.
    pub(super) fn add_team(&mut self, name: &str) -> bool {
        add_named(&mut self.teams, name, 48_001)
    }

    /// Adds a role unless one with that name is there.
    pub(super) fn add_role(&mut self, name: &str) -> bool {
        add_named(&mut self.roles, name, 7_301)
    }

    /// The team for the owner at a place, so that all teams get some.
    pub(super) fn team_at(&self, place: usize) -> Option<u64> {
        self.teams.get(place.checked_rem(self.teams.len())?).map(|team| team.id)
    }

    /// The teams of a person as an owner shows them.
    pub(super) fn teams_of(&self, seat: &Seat) -> Vec<Value> {
        let all = seat.primary_team.iter().map(|id| (id, true));
        let all = all.chain(seat.secondary_teams.iter().map(|id| (id, false)));
        let known = all.filter_map(|(id, primary)| Some((self.teams.iter().find(|team| team.id == *id)?, primary)));
        known.map(|(team, primary)| json!({"id": team.id.to_string(), "name": team.name, "primary": primary})).collect()
    }
}

fn add_named(list: &mut Vec<Named>, name: &str, first: u64) -> bool {
    if name.is_empty() || list.len() >= TEAMS_MAX || list.iter().any(|known| known.name == name) {
        return false;
    }
    let id = first + list.len() as u64;
    list.push(Named { id, name: name.to_owned() });
    true
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct UserInput {
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    primary_team_id: Option<Text>,
    secondary_team_ids: Option<Vec<Text>>,
    role_id: Option<Text>,
    seat_names: Option<Vec<String>>,
    send_welcome_email: Option<bool>,
}

impl Portal {
    /// Calls below `settings/users`.
    pub(super) fn dispatch_users(&mut self, rest: &[&str], call: &mut Call<'_>) -> Outcome {
        let method = call.method().clone();
        match (rest, &method) {
            ([], &Method::GET) => self.list_users(call),
            ([], &Method::POST) => self.create_user(call),
            (["roles"], &Method::GET) => Ok(self.list_roles()),
            (["teams"], &Method::GET) => Ok(self.list_teams()),
            ([key], &Method::GET) => {
                let owner = self.owners.get(self.user_place(key, call)?).ok_or_else(Refusal::missing)?;
                Ok(Reply::ok(&user_json(owner, call.version)))
            }
            ([key], &Method::PUT) => self.update_user(key, call),
            ([key], &Method::DELETE) => self.delete_user(key, call),
            ([] | [_], _) => Err(Refusal::wrong_method()),
            _ => Err(Refusal::no_such_path()),
        }
    }

    fn list_users(&self, call: &Call<'_>) -> Outcome {
        let limit = call.query.limit(PAGE_MAX, PAGE_MAX)?;
        let first = match call.query.first("after") {
            None => 0,
            Some(text) => text.parse().map_err(|_| unreadable_parameter("after"))?,
        };
        let live = self.owners.iter().filter(|owner| owner.archived_at.is_none() && owner.user_id >= first);
        let mut page: Vec<&Owner> = live.take(limit + 1).collect();
        let next = if page.len() > limit { page.pop().map(|owner| owner.user_id.to_string()) } else { None };
        let results: Vec<Value> = page.into_iter().map(|owner| user_json(owner, call.version)).collect();
        let mut body = json!({"results": results});
        if let (Some(after), Some(body)) = (next, body.as_object_mut()) {
            let link = call.next_link(&after);
            body.insert("paging".into(), json!({"next": {"after": after, "link": link}}));
        }
        Ok(Reply::ok(&body))
    }

    fn list_roles(&self) -> Reply {
        let roles = self.directory.roles.iter();
        let roles: Vec<Value> = roles
            .map(|role| json!({"id": role.id.to_string(), "name": role.name, "requiresBillingWrite": false}))
            .collect();
        Reply::ok(&json!({"results": roles}))
    }

    fn list_teams(&self) -> Reply {
        let live = || self.owners.iter().filter(|owner| owner.archived_at.is_none());
        let ids = |fits: &dyn Fn(&Seat) -> bool| {
            live().filter(|owner| fits(&owner.seat)).map(|owner| owner.user_id.to_string()).collect::<Vec<String>>()
        };
        let teams = self.directory.teams.iter().map(|team| {
            json!({"id": team.id.to_string(), "name": team.name,
                   "userIds": ids(&|seat| seat.primary_team == Some(team.id)),
                   "secondaryUserIds": ids(&|seat| seat.secondary_teams.contains(&team.id))})
        });
        Reply::ok(&json!({"results": teams.collect::<Vec<Value>>()}))
    }

    /// The place of a live user, by user id or by e-mail.
    fn user_place(&self, key: &str, call: &Call<'_>) -> Outcome<usize> {
        let fits: Box<dyn Fn(&Owner) -> bool> = match call.query.first("idProperty") {
            None | Some("USER_ID") => {
                let id: u64 =
                    key.parse().map_err(|_| Refusal::bare(400, "Unable to parse value for path parameter: userId"))?;
                Box::new(move |owner| owner.user_id == id)
            }
            Some("EMAIL") => Box::new(move |owner| owner.email.eq_ignore_ascii_case(key)),
            Some(_) => return Err(unreadable_parameter("idProperty")),
        };
        let place = self.owners.iter().position(|owner| owner.archived_at.is_none() && fits(owner));
        place.ok_or_else(Refusal::missing)
    }

    fn create_user(&mut self, call: &Call<'_>) -> Outcome {
        let input: UserInput = call.body()?;
        let Some(given) = input.email.as_deref() else { return Err(Refusal::unset_fields(&["email"])) };
        let Some(email) = value::email(given) else {
            return Err(Refusal::invalid(format!("Email address {given} is invalid")));
        };
        let seat = self.seat_from(&input, Seat::default())?;
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        if !self.add_owner(&email, &text(&input.first_name), &text(&input.last_name), call.now) {
            return Err(Refusal::bare(409, format!("A user with the email {email} already exists"))
                .category("OBJECT_ALREADY_EXISTS"));
        }
        let Some(owner) = self.owners.last_mut() else { return Err(Refusal::missing()) };
        owner.seat = Seat { super_admin: owner.seat.super_admin, ..seat };
        let mut body = user_json(owner, call.version);
        if let Some(body) = body.as_object_mut() {
            body.insert("sendWelcomeEmail".into(), input.send_welcome_email.unwrap_or(false).into());
        }
        let mut reply = Reply::json(201, &body);
        let path = call.request.path.trim_end_matches('/');
        reply.location = Some(format!("{}{path}/{}", call.base(), encode(&owner.user_id.to_string())));
        Ok(reply)
    }

    /// What a write leaves of a seat: given fields replace, others stay.
    fn seat_from(&self, input: &UserInput, old: Seat) -> Outcome<Seat> {
        let find = |list: &[Named], key: &str, what: &str| {
            let known = list.iter().find(|known| known.id.to_string() == key).map(|known| known.id);
            known.ok_or_else(|| Refusal::invalid(format!("{what} {key} does not exist")))
        };
        let team = |key: &Text| find(&self.directory.teams, &key.0, "Team");
        let mut seat = old;
        if let Some(key) = &input.primary_team_id {
            seat.primary_team = Some(team(key)?);
        }
        if let Some(keys) = &input.secondary_team_ids {
            seat.secondary_teams = keys.iter().map(team).collect::<Outcome<_>>()?;
        }
        if let Some(key) = &input.role_id {
            seat.role = Some(find(&self.directory.roles, &key.0, "Role")?);
        }
        if let Some(names) = &input.seat_names {
            seat.products.clone_from(names);
        }
        if let Some(primary) = seat.primary_team.filter(|team| seat.secondary_teams.contains(team)) {
            return Err(Refusal::invalid(format!("Team {primary} cannot be primary and additional at once")));
        }
        Ok(seat)
    }

    fn update_user(&mut self, key: &str, call: &Call<'_>) -> Outcome {
        let place = self.user_place(key, call)?;
        let input: UserInput = call.body()?;
        let old = self.owners.get(place).map(|owner| owner.seat.clone()).ok_or_else(Refusal::missing)?;
        let seat = self.seat_from(&input, old)?;
        let Some(owner) = self.owners.get_mut(place) else { return Err(Refusal::missing()) };
        owner.seat = seat;
        owner.first_name = input.first_name.unwrap_or_else(|| owner.first_name.clone());
        owner.last_name = input.last_name.unwrap_or_else(|| owner.last_name.clone());
        owner.updated_at = call.now;
        Ok(Reply::ok(&user_json(owner, call.version)))
    }

    /// DELETE of a user: the owner stays, archived.
    fn delete_user(&mut self, key: &str, call: &Call<'_>) -> Outcome {
        let place = self.user_place(key, call)?;
        if let Some(owner) = self.owners.get_mut(place) {
            owner.archived_at = Some(call.now);
            owner.updated_at = call.now;
            owner.seat = Seat::default();
        }
        Ok(Reply::no_content())
    }
}

/// A user as a read shows it; dated versions know no seats.
fn user_json(owner: &Owner, version: Version) -> Value {
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| out.insert(name.to_owned(), value);
    let seat = &owner.seat;
    let role = seat.role.map(|id| id.to_string());
    put("id", owner.user_id.to_string().into());
    put("email", owner.email.as_str().into());
    put("firstName", owner.first_name.as_str().into());
    put("lastName", owner.last_name.as_str().into());
    put("roleIds", role.iter().cloned().collect());
    if let Some(role) = role {
        put("roleId", role.into());
    }
    if let Some(team) = seat.primary_team {
        put("primaryTeamId", team.to_string().into());
    }
    if !seat.secondary_teams.is_empty() {
        put("secondaryTeamIds", seat.secondary_teams.iter().map(u64::to_string).collect());
    }
    if !version.is_dated() && !seat.products.is_empty() {
        put("seatNames", seat.products.iter().map(String::as_str).collect());
    }
    put("superAdmin", seat.super_admin.into());
    Value::Object(out)
}
