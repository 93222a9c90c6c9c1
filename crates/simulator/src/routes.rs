//! What kind of call a path is: its template for the ledger, its cost class, the scope that it needs.
//!
//! This is not the model's router: a path that is classified here may still be unknown to the model. Templates keep the
//! API version and the object type, and put `{id}` or `{name}` where a caller's value stands, so that their number
//! stays small. Segments are decoded here as the model decodes them, so that no escape slips past a scope or a limit.

use http::Method;

use crate::{
    journal,
    limits::CostClass,
    model::{encode, segments},
    oauth::{self, OauthRoute},
    webhooks,
};

/// Versions stand in one of the first segments (`/crm/v3/..`, `/crm/objects/2026-03/..`).
const VERSION_SEGMENTS: usize = 4;

/// What the hub knows about a call before it is handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Method and path with placeholders, as `PATCH /crm/v3/objects/contacts/{id}`.
    pub template: String,
    /// The counters that it draws on.
    pub class: CostClass,
    /// Calls that the hub answers itself.
    pub(crate) own: Option<OwnRoute>,
    /// The scope without which the call is a 403, where it is known.
    pub(crate) scope: Option<RequiredScope>,
}

/// The scope that a call needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequiredScope {
    /// The one that a refusal names.
    pub(crate) named: String,
    /// Others that open the call as well.
    pub(crate) instead: Vec<String>,
    /// Where a refusal names it.
    pub(crate) shape: ScopeShape,
}

/// The two bodies of a missing scope; they differ by service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScopeShape {
    /// In the context of `errors[0]`.
    Errors,
    /// In the context of the answer itself: the service of schemas.
    Context,
}

impl RequiredScope {
    fn one(named: String) -> Self {
        Self { named, instead: Vec::new(), shape: ScopeShape::Errors }
    }

    /// Says whether one of the granted scopes opens the call.
    pub(crate) fn is_among(&self, granted: &[String]) -> bool {
        granted.iter().any(|scope| *scope == self.named || self.instead.contains(scope))
    }
}

/// Calls about apps and limits, which no portal model knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnRoute {
    /// `POST /oauth/v2/private-apps/get/access-token-info`
    TokenInfo,
    /// `GET /account-info/{version}/api-usage/daily/private-apps`
    DailyUse,
    /// The authorize page, and the calls about codes and tokens.
    Oauth(OauthRoute),
    /// `DELETE /appinstalls/{version}/external-install`
    Uninstall,
    /// Subscriptions and settings of webhooks, opened by a developer key.
    Webhooks,
    /// The webhooks journal and its files.
    Journal,
}

/// Classifies a call by its method and path.
pub fn classify(method: &Method, path: &str) -> Route {
    let decoded = segments(path);
    let segments: Vec<&str> = decoded.iter().map(|segment| &**segment).collect();
    let version = segments.iter().take(VERSION_SEGMENTS).position(|segment| is_version(segment));
    // The path without its version: the same words in legacy and dated paths.
    let words: Vec<&str> =
        segments.iter().enumerate().filter(|(at, _)| Some(*at) != version).map(|(_, word)| *word).collect();
    let template = template(method, &segments, &words, version);
    let own = oauth::recognise(method, &segments)
        .map(OwnRoute::Oauth)
        .or_else(|| own(method, &words))
        .or_else(|| of_apps(&segments));
    Route { template, class: class(method, &words), own, scope: scope(method, &words) }
}

impl Route {
    /// The path as it may be written down: without the token that some calls carry in it.
    pub(crate) fn discreet<'a>(&'a self, path: &'a str) -> &'a str {
        match self.own {
            Some(OwnRoute::Oauth(route)) if route.has_token_in_path() => {
                self.template.split_once(' ').map_or("", |(_, path)| path)
            }
            _ => path,
        }
    }
}

fn is_version(segment: &str) -> bool {
    let numbered = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let dated = segment.strip_suffix("-beta").unwrap_or(segment);
    segment.strip_prefix('v').is_some_and(numbered)
        || dated
            .split_once('-')
            .is_some_and(|(year, month)| year.len() == 4 && month.len() == 2 && numbered(year) && numbered(month))
}

/// Replaces callers' values by placeholders.
fn template(method: &Method, segments: &[&str], words: &[&str], version: Option<usize>) -> String {
    let mut text = format!("{method} ");
    let mut at_word = 0;
    for (at, segment) in segments.iter().enumerate() {
        text.push('/');
        if Some(at) == version {
            text.push_str(segment);
            continue;
        }
        // What a caller escaped is escaped again, in one way: a template is a path, and has no line breaks.
        text.push_str(&placeholder(words, at_word).map_or_else(|| encode(segment), str::to_owned));
        at_word += 1;
    }
    text
}

/// Says what stands for the word at `at`, if it is a caller's value. The words up to it decide.
fn placeholder(words: &[&str], at: usize) -> Option<&'static str> {
    match words.get(..=at)? {
        ["crm", "objects", _, "batch" | "search" | "merge" | "gdpr-delete"]
        | ["crm", "properties", _, "groups" | "batch"]
        | ["crm", "objects", _, _, "associations", "default", _] => None,
        ["crm", "objects", _, _, "associations", "default", _, _]
        | ["crm", "objects", _, _, "associations", _, _]
        | ["crm", "objects" | "pipelines", _, _]
        | ["crm", "pipelines", _, _, "stages", _]
        | ["crm", "owners", _] => Some("{id}"),
        ["crm", "objects", _, _, "associations", _, _, _] => Some("{type}"),
        ["crm", "properties" | "property-validations", _, _]
        | ["crm", "properties", _, "groups", _]
        | ["crm", "lists", "object-type-id", _, "name", _] => Some("{name}"),
        ["oauth", "access-tokens" | "refresh-tokens", _, ..] => Some("{token}"),
        [.., word] if is_value(word) => Some("{id}"),
        _ => None,
    }
}

/// Ids, e-mail addresses and UUIDs are values wherever they stand. Type ids (`0-1`, `2-123`) are not.
fn is_value(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    digits == word.len() || word.contains('@') || (word.len() == 36 && digits >= 8)
}

fn class(method: &Method, words: &[&str]) -> CostClass {
    match words {
        ["oauth" | "webhooks" | "app-webhooks" | "webhooks-journal" | "_journal", ..] => CostClass::Exempt,
        ["crm", "objects", _, "search"] if *method == Method::POST => CostClass::Search,
        ["crm", "associations", rest @ ..] if rest.iter().any(|word| is_association_bucket(word)) => {
            CostClass::Association
        }
        _ => CostClass::Standard,
    }
}

/// Batch calls, labels and their legacy name `types`, and definitions have the bucket; single associations have not.
fn is_association_bucket(word: &str) -> bool {
    matches!(word, "batch" | "labels" | "types" | "definitions")
}

fn own(method: &Method, words: &[&str]) -> Option<OwnRoute> {
    match words {
        ["oauth", "private-apps", "get", "access-token-info"] if *method == Method::POST => Some(OwnRoute::TokenInfo),
        ["account-info", "api-usage", "daily", "private-apps"] if *method == Method::GET => Some(OwnRoute::DailyUse),
        ["appinstalls", "external-install"] if *method == Method::DELETE => Some(OwnRoute::Uninstall),
        _ => None,
    }
}

/// Calls of apps themselves, in whatever method.
fn of_apps(segments: &[&str]) -> Option<OwnRoute> {
    if webhooks::recognise(segments) {
        return Some(OwnRoute::Webhooks);
    }
    (journal::recognise(segments) || journal::recognise_file(segments)).then_some(OwnRoute::Journal)
}

fn scope(method: &Method, words: &[&str]) -> Option<RequiredScope> {
    let (family, object_type, right) = match words {
        ["crm", "objects", object_type, "search"] | ["crm", "objects", object_type, "batch", "read"] => {
            ("objects", *object_type, "read")
        }
        // What does not begin with `crm` is a legacy path.
        ["properties", object_type, "properties"] | [object_type @ ("companies" | "deals"), "properties"] => {
            ("schemas", *object_type, "read")
        }
        ["crm", "objects", object_type, ..]
        | ["crm-pipelines", "pipelines", object_type]
        | [object_type @ ("companies" | "deals"), ..] => ("objects", *object_type, right_of(method)),
        ["engagements", "engagements", ..] => ("objects", "contacts", right_of(method)),
        ["crm", "properties", object_type, ..] => ("schemas", *object_type, right_of(method)),
        ["crm" | "crm-object-schemas", "schemas", ..] => return Some(schema_scope(right_of(method))),
        ["crm", "owners", ..] => return Some(RequiredScope::one("crm.objects.owners.read".into())),
        ["crm", "lists", rest @ ..] => return Some(list_scope(method, rest)),
        ["crm", "limits", rest @ ..] => return Some(limit_scope(rest)),
        ["settings", "users", rest @ ..] => return Some(user_scope(method, rest)),
        ["account-info", "activity", ..] => return Some(RequiredScope::one("account-info.security.read".into())),
        ["crm", "imports", ..] => return Some(RequiredScope::one("crm.import".into())),
        ["automation", "flows", ..] => return Some(RequiredScope::one("automation".into())),
        _ => return None,
    };
    // The model finds a type in any case.
    let object_type = object_type.to_ascii_lowercase();
    let (object_type, older) = match object_type.as_str() {
        "contact" | "contacts" | "0-1" => ("contacts", None),
        "company" | "companies" | "0-2" => ("companies", None),
        "deal" | "deals" | "0-3" => ("deals", None),
        "ticket" | "tickets" | "0-5" => return Some(RequiredScope::one("tickets".into())),
        "product" | "products" | "0-7" => ("products", Some("e-commerce")),
        "line_item" | "line_items" | "0-8" => ("line_items", Some("e-commerce")),
        other if is_custom(other) => ("custom", None),
        _ => return None,
    };
    let own = format!("crm.{family}.{object_type}.{right}");
    let Some(older) = older else {
        let sensitive =
            ["sensitive", "highly_sensitive"].map(|kind| format!("crm.objects.{object_type}.{kind}.{right}.v2"));
        let instead = if family == "objects" { sensitive.into() } else { Vec::new() };
        return Some(RequiredScope { named: own, instead, shape: ScopeShape::Errors });
    };
    Some(RequiredScope { named: older.into(), instead: vec![own], shape: ScopeShape::Errors })
}

/// Custom types are called by their number, by `p_` and their name, and by their full name, `p{portal}_{name}`.
fn is_custom(object_type: &str) -> bool {
    let full = object_type.strip_prefix('p').map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    object_type.starts_with("2-") || full.is_some_and(|rest| rest.starts_with('_'))
}

/// Searches and batch reads of lists are reads although they are POSTs.
fn list_scope(method: &Method, rest: &[&str]) -> RequiredScope {
    let reads = *method == Method::GET
        || matches!(rest, ["search" | "idmapping"] | ["records", "memberships", "batch", "read"]);
    RequiredScope::one(format!("crm.lists.{}", if reads { "read" } else { "write" }))
}

/// Limits are told to whoever may see or change records of any type; the schemas' scopes open one call alone.
fn limit_scope(rest: &[&str]) -> RequiredScope {
    if rest.first() == Some(&"custom-object-types") {
        let instead = ["crm.schemas.custom.write", "crm.objects.custom.read", "crm.objects.custom.write"];
        let instead = instead.map(str::to_owned).into();
        return RequiredScope { named: "crm.schemas.custom.read".into(), instead, shape: ScopeShape::Errors };
    }
    let types = ["contacts", "companies", "deals", "custom", "leads", "orders", "quotes", "line_items", "products"];
    let mut instead: Vec<String> = vec!["tickets".into(), "e-commerce".into()];
    for object_type in types {
        instead.extend(["read", "write"].map(|right| format!("crm.objects.{object_type}.{right}")));
    }
    RequiredScope { named: "crm.objects.contacts.read".into(), instead, shape: ScopeShape::Errors }
}

fn user_scope(method: &Method, rest: &[&str]) -> RequiredScope {
    if rest.first() == Some(&"teams") {
        return RequiredScope::one("settings.users.teams.read".into());
    }
    let right = right_of(method);
    let instead = vec![format!("crm.objects.users.{right}")];
    RequiredScope { named: format!("settings.users.{right}"), instead, shape: ScopeShape::Errors }
}

/// Schemas name their scopes as they were called once; today's names open them as well.
fn schema_scope(right: &str) -> RequiredScope {
    let instead = vec![format!("crm.schemas.custom.{right}")];
    RequiredScope { named: format!("custom-object-{right}"), instead, shape: ScopeShape::Context }
}

fn right_of(method: &Method) -> &'static str {
    if *method == Method::GET { "read" } else { "write" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_keep_version_and_type_and_hide_values() {
        let table = [
            ("GET", "/crm/v3/objects/contacts", "GET /crm/v3/objects/contacts"),
            ("GET", "/crm/objects/2026-03/contacts/17", "GET /crm/objects/2026-03/contacts/{id}"),
            ("PATCH", "/crm/v3/objects/contacts/a@b.example", "PATCH /crm/v3/objects/contacts/{id}"),
            ("PATCH", "/crm/v3/objects/2-17/external-key", "PATCH /crm/v3/objects/2-17/{id}"),
            ("POST", "/crm/v3/objects/deals/batch/upsert", "POST /crm/v3/objects/deals/batch/upsert"),
            ("POST", "/crm/v3/objects/deals/search", "POST /crm/v3/objects/deals/search"),
            (
                "PUT",
                "/crm/v4/objects/deals/1/associations/default/contacts/2",
                "PUT /crm/v4/objects/deals/{id}/associations/default/contacts/{id}",
            ),
            (
                "PUT",
                "/crm/v4/objects/deals/1/associations/contacts/2",
                "PUT /crm/v4/objects/deals/{id}/associations/contacts/{id}",
            ),
            (
                "DELETE",
                "/crm/v3/objects/deals/1/associations/contacts/2/deal_to_contact",
                "DELETE /crm/v3/objects/deals/{id}/associations/contacts/{id}/{type}",
            ),
            (
                "GET",
                "/crm/v4/objects/deals/1/associations/contacts",
                "GET /crm/v4/objects/deals/{id}/associations/contacts",
            ),
            ("GET", "/crm/v3/properties/contacts/email", "GET /crm/v3/properties/contacts/{name}"),
            ("POST", "/crm/v3/properties/contacts/batch/create", "POST /crm/v3/properties/contacts/batch/create"),
            ("GET", "/crm/v3/properties/contacts/groups/x", "GET /crm/v3/properties/contacts/groups/{name}"),
            (
                "PATCH",
                "/crm/pipelines/2026-09/deals/default/stages/won",
                "PATCH /crm/pipelines/2026-09/deals/{id}/stages/{id}",
            ),
            ("GET", "/crm/v3/owners/55", "GET /crm/v3/owners/{id}"),
            ("PUT", "/crm/v3/lists/12/memberships/add-from/13", "PUT /crm/v3/lists/{id}/memberships/add-from/{id}"),
            (
                "GET",
                "/crm/lists/2026-03/object-type-id/0-1/name/Mine",
                "GET /crm/lists/2026-03/object-type-id/0-1/name/{name}",
            ),
            ("GET", "/settings/v3/users/rey%40x.test", "GET /settings/v3/users/{id}"),
            ("GET", "/nowhere/12/else", "GET /nowhere/{id}/else"),
            ("GET", "/oauth/v1/access-tokens/CKsecret", "GET /oauth/v1/access-tokens/{token}"),
            ("GET", "/oauth/48/authorize", "GET /oauth/{id}/authorize"),
            ("POST", "/crm/%763/objects/%63ontacts/%73earch", "POST /crm/v3/objects/contacts/search"),
            ("GET", "/oauth/v1/%61ccess-tokens/CKsecret", "GET /oauth/v1/access-tokens/{token}"),
            ("GET", "/nowhere/a%0Ab%2fc", "GET /nowhere/a%0Ab%2Fc"),
        ];
        for (method, path, expected) in table {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            assert_eq!(classify(&method, path).template, expected);
        }
    }

    #[test]
    fn only_searches_association_batches_and_labels_leave_the_ten_seconds() {
        let table = [
            ("POST", "/crm/v3/objects/contacts/search", CostClass::Search),
            ("POST", "/crm/objects/2026-09/2-5/search", CostClass::Search),
            ("POST", "/crm/v3/lists/search", CostClass::Standard),
            ("POST", "/crm/v4/associations/deals/contacts/batch/create", CostClass::Association),
            ("POST", "/crm/associations/2026-03/deals/contacts/batch/read", CostClass::Association),
            ("GET", "/crm/v3/associations/deals/contacts/types", CostClass::Association),
            ("GET", "/crm/v4/associations/deals/contacts/labels", CostClass::Association),
            ("GET", "/crm/associations/v4/definitions/configurations/all", CostClass::Association),
            ("PUT", "/crm/v4/objects/deals/1/associations/default/contacts/2", CostClass::Standard),
            ("POST", "/crm/v3/objects/contacts/batch/read", CostClass::Standard),
            ("POST", "/oauth/v2/private-apps/get/access-token-info", CostClass::Exempt),
            ("POST", "/crm/v3/objects/contacts/%73earch", CostClass::Search),
            ("POST", "/crm/%76%33/%6f%62jects/%63ontacts/search", CostClass::Search),
            ("POST", "/crm/v4/%61ssociations/deals/contacts/%62atch/create", CostClass::Association),
            ("POST", "/%6fauth/v2/private-apps/get/access-token-info", CostClass::Exempt),
        ];
        for (method, path, expected) in table {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            assert_eq!(classify(&method, path).class, expected, "{method} {path}");
        }
    }

    #[test]
    fn the_scope_follows_type_and_direction() {
        let table = [
            ("GET", "/crm/v3/objects/contacts/1", Some("crm.objects.contacts.read")),
            ("POST", "/crm/v3/objects/contacts/batch/read", Some("crm.objects.contacts.read")),
            ("POST", "/crm/objects/2026-03/0-3/search", Some("crm.objects.deals.read")),
            ("POST", "/crm/v3/objects/companies/batch/upsert", Some("crm.objects.companies.write")),
            ("POST", "/crm/v3/properties/contacts", Some("crm.schemas.contacts.write")),
            ("POST", "/crm/v3/objects/products", Some("e-commerce")),
            ("GET", "/crm/v3/objects/tickets", Some("tickets")),
            ("GET", "/crm/v3/schemas", Some("custom-object-read")),
            ("POST", "/crm-object-schemas/2026-03/schemas", Some("custom-object-write")),
            ("GET", "/account-info/v3/details", None),
            ("GET", "/account-info/v3/activity/login", Some("account-info.security.read")),
            ("POST", "/crm/lists/2026-03/search", Some("crm.lists.read")),
            ("POST", "/crm/v3/lists/records/memberships/batch/read", Some("crm.lists.read")),
            ("PUT", "/crm/v3/lists/1/memberships/add", Some("crm.lists.write")),
            ("GET", "/crm/v3/limits/custom-object-types", Some("crm.schemas.custom.read")),
            ("GET", "/crm/limits/2026-03/records", Some("crm.objects.contacts.read")),
            ("GET", "/settings/users/2026-03/teams", Some("settings.users.teams.read")),
            ("POST", "/settings/v3/users", Some("settings.users.write")),
            ("GET", "/automation/v4/flows", Some("automation")),
            ("GET", "/crm/v3/imports", Some("crm.import")),
            ("GET", "/properties/v2/deal/properties", Some("crm.schemas.deals.read")),
            ("GET", "/companies/v2/properties", Some("crm.schemas.companies.read")),
            ("GET", "/companies/v2/companies/paged", Some("crm.objects.companies.read")),
            ("GET", "/deals/v1/pipelines", Some("crm.objects.deals.read")),
            ("GET", "/crm-pipelines/v1/pipelines/tickets", Some("tickets")),
            ("GET", "/engagements/v1/engagements/modified/after", Some("crm.objects.contacts.read")),
            ("POST", "/crm/v3/objects/%63ontacts/search", Some("crm.objects.contacts.read")),
            ("GET", "/crm/v3/%6fbjects/deals/1", Some("crm.objects.deals.read")),
            ("GET", "/crm/%763/objects/%30-2/1", Some("crm.objects.companies.read")),
            ("GET", "/crm/v3/objects/CONTACTS/1", Some("crm.objects.contacts.read")),
            ("GET", "/crm/v3/objects/P_Pets/1", Some("crm.objects.custom.read")),
            ("GET", "/crm/v3/objects/p48151623_pets/1", Some("crm.objects.custom.read")),
            ("GET", "/crm/v3/schema%73", Some("custom-object-read")),
            ("PUT", "/crm/v3/list%73/1/memberships/add", Some("crm.lists.write")),
            ("GET", "/settings/v3/%75sers/%74eams", Some("settings.users.teams.read")),
        ];
        for (method, path, expected) in table {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let scope = classify(&method, path).scope.map(|scope| scope.named);
            assert_eq!(scope.as_deref(), expected, "{method} {path}");
        }
    }

    #[test]
    fn one_of_several_scopes_is_enough() {
        let table = [
            ("/crm/v3/objects/contacts", "crm.objects.contacts.read", true),
            ("/crm/v3/objects/contacts", "crm.objects.contacts.highly_sensitive.read.v2", true),
            ("/crm/v3/objects/contacts", "crm.objects.contacts.sensitive.write.v2", false),
            ("/crm/v3/objects/line_items", "e-commerce", true),
            ("/crm/v3/objects/line_items", "crm.objects.line_items.read", true),
            ("/crm/v3/objects/line_items", "crm.objects.products.read", false),
            ("/crm/v3/properties/contacts", "crm.schemas.contacts.read", true),
            ("/crm/v3/properties/contacts", "crm.objects.contacts.sensitive.read.v2", false),
            ("/crm/v3/schemas", "crm.schemas.custom.read", true),
            ("/crm/v3/limits/custom-properties", "crm.objects.deals.write", true),
            ("/crm/v3/limits/custom-properties", "crm.schemas.companies.read", false),
            ("/settings/v3/users", "crm.objects.users.read", true),
        ];
        for (path, granted, expected) in table {
            let scope = classify(&Method::GET, path).scope.unwrap();
            assert_eq!(scope.is_among(&[granted.to_owned()]), expected, "{path} {granted}");
        }
    }
}
