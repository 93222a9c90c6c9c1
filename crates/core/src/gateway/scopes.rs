//! Which scope a call needs: for comparing what a token may do with what is done with it.
//!
//! Source: HubSpot's page of scopes (<https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/scopes>).
//! Where HubSpot takes one of several, the narrowest that is known. A route whose scope is not known needs none here, so
//! a granted scope that looks unused is a question for a person, never a reason to take it away by machine.

use linchpin_hubspot::call::{Effect, Family};
use linchpin_hubspot::id::ObjectType;
use linchpin_hubspot::routes::{Operation, Route};

/// The scope that a call needs, as far as it is known.
pub fn needed(route: &Route) -> Option<String> {
    let object_type = route.object_type.as_ref().map(ObjectType::as_str);
    let verb = if route.effect == Effect::Safe { "read" } else { "write" };
    match route.family {
        Family::Objects | Family::Search | Family::Associations => object(object_type?, verb),
        // Properties and schemas of a type: reading either is allowed by the type's own scope as well.
        Family::Schema | Family::Pipelines => schema(object_type?, verb),
        Family::Lists => Some(format!("crm.lists.{verb}")),
        Family::Owners => match route.operation {
            Operation::OwnerList | Operation::OwnerRead => Some("crm.objects.owners.read".to_owned()),
            _ => None,
        },
        Family::Account | Family::Token | Family::Webhooks | Family::Other => None,
    }
}

fn object(object_type: &str, verb: &str) -> Option<String> {
    match object_type {
        "tickets" => Some("tickets".to_owned()),
        custom if is_custom(custom) => Some(format!("crm.objects.custom.{verb}")),
        known if OWN_SCOPES.contains(&known) => Some(format!("crm.objects.{known}.{verb}")),
        // Notes, calls, tasks and the like are allowed by the scopes of contacts.
        engagement if ENGAGEMENTS.contains(&engagement) => Some(format!("crm.objects.contacts.{verb}")),
        _ => None,
    }
}

fn schema(object_type: &str, verb: &str) -> Option<String> {
    match object_type {
        "tickets" => Some("tickets".to_owned()),
        custom if is_custom(custom) => Some(format!("crm.schemas.custom.{verb}")),
        "contacts" | "companies" | "deals" => Some(format!("crm.schemas.{object_type}.{verb}")),
        _ => None,
    }
}

/// Types with a scope of their own name.
const OWN_SCOPES: [&str; 11] = [
    "carts",
    "companies",
    "contacts",
    "deals",
    "invoices",
    "leads",
    "line_items",
    "orders",
    "products",
    "quotes",
    "subscriptions",
];

const ENGAGEMENTS: [&str; 6] = ["calls", "communications", "meetings", "notes", "postal_mail", "tasks"];

/// Custom types are named `2-123` or `p123_name`.
fn is_custom(object_type: &str) -> bool {
    object_type.starts_with("2-")
        || object_type.strip_prefix('p').is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use http::Method;
    use linchpin_hubspot::routes::classify;

    use super::*;

    #[test]
    fn a_call_needs_the_scope_of_its_type_and_verb() {
        for (method, path, scope) in [
            (Method::GET, "/crm/v3/objects/contacts/1", Some("crm.objects.contacts.read")),
            (Method::PATCH, "/crm/v3/objects/deals/1", Some("crm.objects.deals.write")),
            (Method::POST, "/crm/v3/objects/contacts/batch/read", Some("crm.objects.contacts.read")),
            (Method::POST, "/crm/v3/objects/companies/search", Some("crm.objects.companies.read")),
            (Method::POST, "/crm/v3/objects/2-77/batch/create", Some("crm.objects.custom.write")),
            (Method::GET, "/crm/v3/objects/tickets/1", Some("tickets")),
            (Method::GET, "/crm/v3/properties/contacts", Some("crm.schemas.contacts.read")),
            (Method::GET, "/crm/v3/owners", Some("crm.objects.owners.read")),
            (Method::GET, "/crm/v3/objects/unheard_of/1", None),
            (Method::GET, "/account-info/v3/details", None),
        ] {
            assert_eq!(needed(&classify(&method, path)).as_deref(), scope, "{method} {path}");
        }
    }
}
