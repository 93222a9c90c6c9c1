//! What HubSpot's own object types are called and which properties they always have.
//!
//! Facts by object type: <https://developers.hubspot.com/docs/guides/crm/understanding-the-crm> (type ids) and
//! <https://developers.hubspot.com/docs/api-reference/search/guide> (default properties).

use crate::id::ObjectType;

/// One built-in object type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandardObject {
    /// Canonical name: plural, as in paths.
    pub plural: &'static str,
    /// Singular, as in error messages (upper case there) and association names.
    pub singular: &'static str,
    /// Type id, valid in every path instead of a name.
    pub type_id: &'static str,
    /// When the record was created.
    pub created: &'static str,
    /// When it was last changed: `lastmodifieddate` for contacts, `hs_lastmodifieddate` everywhere else.
    pub last_modified: &'static str,
    /// What a person would call the record by; empty where HubSpot does not say.
    pub display: &'static [&'static str],
    /// Returned when nothing is asked for, without created, last modified and `hs_object_id`.
    pub defaults: &'static [&'static str],
    /// Whether a custom property with `hasUniqueValue` can exist. Not on products.
    pub unique_properties: bool,
    /// A built-in property that batch upsert takes as `idProperty`.
    pub natural_key: Option<&'static str>,
}

const CREATED: &str = "createdate";
const HS_CREATED: &str = "hs_createdate";
const HS_MODIFIED: &str = "hs_lastmodifieddate";

const fn plain(
    plural: &'static str,
    singular: &'static str,
    type_id: &'static str,
    created: &'static str,
    display: &'static [&'static str],
) -> StandardObject {
    StandardObject {
        plural,
        singular,
        type_id,
        created,
        last_modified: HS_MODIFIED,
        display,
        defaults: &[],
        unique_properties: true,
        natural_key: None,
    }
}

/// The built-in types that a sync meets.
pub const STANDARD_OBJECTS: &[StandardObject] = &[
    StandardObject {
        last_modified: "lastmodifieddate",
        defaults: &["email", "firstname", "lastname"],
        natural_key: Some("email"),
        ..plain("contacts", "contact", "0-1", CREATED, &["firstname", "lastname", "email"])
    },
    StandardObject {
        defaults: &["name", "domain"],
        ..plain("companies", "company", "0-2", CREATED, &["name", "domain"])
    },
    StandardObject {
        defaults: &["dealname", "amount", "closedate", "pipeline", "dealstage"],
        ..plain("deals", "deal", "0-3", CREATED, &["dealname"])
    },
    StandardObject {
        defaults: &[
            "content",
            "hs_pipeline",
            "hs_pipeline_stage",
            "hs_ticket_category",
            "hs_ticket_priority",
            "subject",
        ],
        ..plain("tickets", "ticket", "0-5", CREATED, &["subject"])
    },
    StandardObject {
        defaults: &["name", "description", "price"],
        unique_properties: false,
        ..plain("products", "product", "0-7", CREATED, &["name"])
    },
    StandardObject {
        defaults: &["quantity", "amount", "price"],
        ..plain("line_items", "line_item", "0-8", CREATED, &["name"])
    },
    StandardObject {
        defaults: &["hs_expiration_date", "hs_public_url_key", "hs_status", "hs_title"],
        ..plain("quotes", "quote", "0-14", HS_CREATED, &["hs_title"])
    },
    plain("communications", "communication", "0-18", HS_CREATED, &["hs_communication_body"]),
    StandardObject {
        unique_properties: false,
        ..plain("feedback_submissions", "feedback_submission", "0-19", HS_CREATED, &[])
    },
    plain("tasks", "task", "0-27", HS_CREATED, &["hs_task_subject"]),
    plain("notes", "note", "0-46", HS_CREATED, &["hs_note_body"]),
    plain("meetings", "meeting", "0-47", HS_CREATED, &["hs_meeting_title"]),
    plain("calls", "call", "0-48", HS_CREATED, &["hs_call_title"]),
    plain("emails", "email", "0-49", HS_CREATED, &["hs_email_subject"]),
    plain("invoices", "invoice", "0-53", CREATED, &[]),
    StandardObject {
        unique_properties: false,
        ..plain("marketing_events", "marketing_event", "0-54", HS_CREATED, &[])
    },
    plain("subscriptions", "subscription", "0-69", HS_CREATED, &[]),
    plain("goal_targets", "goal_target", "0-74", HS_CREATED, &[]),
    plain("discounts", "discount", "0-84", CREATED, &[]),
    plain("fees", "fee", "0-85", CREATED, &[]),
    plain("taxes", "tax", "0-86", CREATED, &[]),
    plain("commerce_payments", "commerce_payment", "0-101", CREATED, &[]),
    plain("users", "user", "0-115", HS_CREATED, &[]),
    plain("postal_mail", "postal_mail", "0-116", HS_CREATED, &[]),
    plain("orders", "order", "0-123", CREATED, &["hs_order_name"]),
    plain("leads", "lead", "0-136", CREATED, &["hs_lead_name"]),
    plain("carts", "cart", "0-142", CREATED, &["hs_cart_name"]),
    plain("services", "service", "0-162", HS_CREATED, &[]),
    plain("courses", "course", "0-410", HS_CREATED, &[]),
    plain("listings", "listing", "0-420", HS_CREATED, &[]),
    plain("appointments", "appointment", "0-421", HS_CREATED, &[]),
    plain("projects", "project", "0-970", HS_CREATED, &[]),
];

impl ObjectType {
    /// The canonical form of any name that HubSpot takes in a path: upper or lower case, singular or plural, or a type
    /// id (`CONTACT`, `contact`, `0-1` are `contacts`). Custom types keep their text in lower case.
    pub fn canonical(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let known = STANDARD_OBJECTS
            .iter()
            .find(|object| object.plural == name || object.singular == name || object.type_id == name);
        Self::new(known.map_or(name, |object| object.plural.to_owned()))
    }

    /// What is known about a built-in type.
    pub fn standard(&self) -> Option<&'static StandardObject> {
        STANDARD_OBJECTS.iter().find(|object| object.plural == self.as_str())
    }

    /// Whether the account defined the type (`2-…` or `p…_…`).
    pub fn is_custom(&self) -> bool {
        let name = self.as_str();
        let qualified = name.strip_prefix('p').and_then(|rest| rest.split_once('_'));
        name.starts_with("2-")
            || qualified.is_some_and(|(portal, _)| !portal.is_empty() && portal.bytes().all(|b| b.is_ascii_digit()))
    }

    /// The property that tells when a record last changed.
    pub fn last_modified_property(&self) -> &'static str {
        self.standard().map_or(HS_MODIFIED, |object| object.last_modified)
    }

    /// The property that tells when a record was created; custom types have `hs_createdate`.
    pub fn created_property(&self) -> &'static str {
        self.standard().map_or(HS_CREATED, |object| object.created)
    }

    /// Every property that is returned when none is asked for.
    pub fn default_properties(&self) -> Vec<&'static str> {
        let mut names = vec![self.created_property(), self.last_modified_property(), "hs_object_id"];
        names.extend(self.standard().map_or(&[][..], |object| object.defaults));
        names.sort_unstable();
        names
    }

    /// Whether the type can have custom properties with unique values.
    pub fn allows_unique_properties(&self) -> bool {
        self.standard().is_none_or(|object| object.unique_properties)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_spelling_of_a_type_has_one_canonical_form() {
        for name in ["CONTACT", "contact", "contacts", "Contacts", "0-1"] {
            assert_eq!(ObjectType::canonical(name).as_str(), "contacts");
        }
        assert_eq!(ObjectType::canonical("2-123").as_str(), "2-123");
        assert!(ObjectType::canonical("P48_car").is_custom());
        assert!(!ObjectType::canonical("products").is_custom());
        assert!(!ObjectType::canonical("postal_mail").is_custom());
    }

    #[test]
    fn no_name_or_type_id_is_listed_twice() {
        let names: BTreeSet<&str> = STANDARD_OBJECTS.iter().map(|object| object.plural).collect();
        let ids: BTreeSet<&str> = STANDARD_OBJECTS.iter().map(|object| object.type_id).collect();
        assert_eq!((names.len(), ids.len()), (STANDARD_OBJECTS.len(), STANDARD_OBJECTS.len()));
    }

    #[test]
    fn contacts_differ_in_their_dates_and_products_in_their_keys() {
        let type_of = ObjectType::new;
        assert_eq!(type_of("contacts").last_modified_property(), "lastmodifieddate");
        assert_eq!(type_of("deals").last_modified_property(), "hs_lastmodifieddate");
        assert_eq!(type_of("2-7").created_property(), "hs_createdate");
        assert!(!type_of("products").allows_unique_properties());
        assert!(type_of("line_items").allows_unique_properties());
        assert_eq!(
            type_of("contacts").default_properties(),
            ["createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"]
        );
    }
}
