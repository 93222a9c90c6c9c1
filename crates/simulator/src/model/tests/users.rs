//! Users, teams, roles and owners.

use serde_json::{Value, json};

use super::Desk;
use crate::model::SeedSpec;
use crate::wire::Millis;

fn staffed() -> Desk {
    let mut desk = Desk::new();
    let spec = SeedSpec {
        owners: 3,
        teams: vec!["West".into(), "East".into()],
        roles: vec!["Sales".into()],
        ..SeedSpec::default()
    };
    let report = desk.portal.seed(&spec, Millis(desk.now), &mut super::dice(1));
    assert_eq!((report.created["teams"], report.created["roles"]), (2, 1));
    desk
}

fn list(desk: &mut Desk, path: &str) -> Vec<Value> {
    let (status, page) = desk.get(path);
    assert_eq!(status, 200, "{page}");
    page["results"].as_array().unwrap().clone()
}

#[test]
fn users_are_listed_on_all_paths_and_read_by_id_and_by_address() {
    let mut desk = staffed();
    for path in ["/settings/v3/users", "/settings/v3/users/", "/settings/users/v3", "/settings/users/2026-03"] {
        assert_eq!(list(&mut desk, path).len(), 3, "{path}");
    }
    let users = list(&mut desk, "/settings/v3/users");
    let (id, email) = (users[1]["id"].as_str().unwrap(), users[1]["email"].as_str().unwrap());
    assert_eq!(desk.get(&format!("/settings/v3/users/{id}")).1, users[1]);
    let by_email = format!("/settings/users/2026-03/{}?idProperty=EMAIL", email.to_uppercase());
    assert_eq!(desk.get(&by_email).1["id"], id);
    assert_eq!(desk.get(&format!("/settings/v3/users/{id}?idProperty=NAME")).0, 400);
    assert_eq!(desk.get("/settings/v3/users/1").0, 404);
    assert_eq!(users.iter().filter(|user| user["superAdmin"] == true).count(), 1);
    let (_, page) = desk.get("/settings/v3/users?limit=2");
    let after = page["paging"]["next"]["after"].as_str().unwrap();
    assert_eq!(list(&mut desk, &format!("/settings/v3/users?limit=2&after={after}")).len(), 1);
}

#[test]
fn a_user_that_is_made_owns_records_and_one_that_is_removed_does_not() {
    let mut desk = staffed();
    let body = json!({"email": "Rey@x.test", "firstName": "Rey", "sendWelcomeEmail": true});
    let (status, made) = desk.post("/settings/v3/users", &body.to_string());
    assert_eq!((status, &made["sendWelcomeEmail"]), (201, &json!(true)));
    assert_eq!((&made["email"], &made["superAdmin"]), (&json!("rey@x.test"), &json!(false)));
    let (status, refusal) = desk.post("/settings/v3/users", &body.to_string());
    assert_eq!((status, &refusal["category"]), (409, &json!("OBJECT_ALREADY_EXISTS")));
    let user = made["id"].as_str().unwrap();
    let (_, owner) = desk.get(&format!("/crm/v3/owners/{user}?idProperty=userId"));
    let owner_id = owner["id"].as_str().unwrap();
    assert_ne!(owner_id, user);
    desk.make("contacts", &json!({"hubspot_owner_id": owner_id}).to_string());
    assert_eq!(desk.send("DELETE", "/settings/v3/users/rey%40x.test?idProperty=EMAIL", "").0, 204);
    assert_eq!(desk.get(&format!("/settings/v3/users/{user}")).0, 404);
    assert_eq!(desk.get(&format!("/crm/v3/owners/{owner_id}")).0, 404);
    let (_, gone) = desk.get(&format!("/crm/v3/owners/{owner_id}?archived=true"));
    assert_eq!((&gone["archived"], &gone["userId"]), (&json!(true), &Value::Null));
    assert_eq!(gone["userIdIncludingInactive"].to_string(), user);
    let assign = json!({"properties": {"hubspot_owner_id": owner_id}}).to_string();
    assert_eq!(desk.post("/crm/v3/objects/contacts", &assign).0, 400);
    assert_eq!(desk.post("/settings/v3/users", &body.to_string()).0, 201, "the address is free again");
}

#[test]
fn teams_and_roles_of_a_user_exist_and_are_shown_by_owner_team_and_user() {
    let mut desk = staffed();
    let teams = list(&mut desk, "/settings/users/2026-03/teams");
    let roles = list(&mut desk, "/settings/v3/users/roles");
    assert_eq!((teams.len(), &roles[0]["requiresBillingWrite"]), (2, &json!(false)));
    assert_eq!(teams[0]["userIds"].as_array().unwrap().len(), 2, "owners are spread over the teams");
    let user = list(&mut desk, "/settings/v3/users")[0]["id"].as_str().unwrap().to_owned();
    let target = format!("/settings/v3/users/{user}");
    let change = json!({"secondaryTeamIds": [teams[1]["id"]], "roleId": roles[0]["id"], "lastName": "New"});
    let (status, changed) = desk.send("PUT", &target, &change.to_string());
    assert_eq!((status, &changed["roleIds"]), (200, &json!([roles[0]["id"]])));
    assert_eq!((&changed["primaryTeamId"], &changed["lastName"]), (&teams[0]["id"], &json!("New")));
    let (_, owner) = desk.get(&format!("/crm/v3/owners/{user}?idProperty=userId"));
    let expected = json!([{"id": teams[0]["id"], "name": "West", "primary": true},
                          {"id": teams[1]["id"], "name": "East", "primary": false}]);
    assert_eq!(owner["teams"], expected);
    assert_eq!(list(&mut desk, "/settings/v3/users/teams")[1]["secondaryUserIds"], json!([user]));
    for wrong in [json!({"roleId": "1"}), json!({"primaryTeamId": "1"}), json!({"secondaryTeamIds": [teams[0]["id"]]})]
    {
        assert_eq!(desk.send("PUT", &target, &wrong.to_string()).0, 400, "{wrong}");
    }
}

#[test]
fn seats_are_shown_by_version_3_alone() {
    let mut desk = Desk::new();
    let body = json!({"email": "a@x.test", "sendWelcomeEmail": false, "seatNames": ["core"]}).to_string();
    let (_, made) = desk.post("/settings/v3/users", &body);
    assert_eq!(made["seatNames"], json!(["core"]));
    let id = made["id"].as_str().unwrap();
    assert!(desk.get(&format!("/settings/users/2026-03/{id}")).1.get("seatNames").is_none());
    assert_eq!(desk.post("/settings/v3/users", r#"{"email":"nonsense"}"#).0, 400);
    assert_eq!(desk.post("/settings/v3/users", "{}").0, 400);
}

#[test]
fn owners_without_teams_do_not_name_them_and_pages_have_at_most_five_hundred() {
    let mut desk = Desk::new();
    let spec = SeedSpec { owners: 1, ..SeedSpec::default() };
    desk.portal.seed(&spec, Millis(desk.now), &mut super::dice(1));
    let owner = list(&mut desk, "/crm/v3/owners/?limit=500")[0].clone();
    assert!(owner.get("teams").is_none(), "{owner}");
    assert_eq!(desk.get("/crm/v3/owners?limit=501").0, 400);
    let id = owner["id"].as_str().unwrap();
    assert_eq!(desk.get(&format!("/crm/v3/owners/{id}?idProperty=id")).0, 200);
    assert_eq!(desk.get(&format!("/crm/v3/owners/{id}?idProperty=email")).0, 400);
    assert_eq!(list(&mut desk, "/crm/v3/owners?archived=True"), Vec::<Value>::new());
}
