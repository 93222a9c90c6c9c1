//! The built-in association types that a sync needs, by direction
//! (<https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide>).
//!
//! Not the whole list: labels and custom objects have types of their own, read with `associations::ListLabels`.

use crate::id::{AssociationCategory, AssociationType, ObjectType};

/// From, to, unlabelled type, primary type (0 where there is none).
const TYPES: &[(&str, &str, u32, u32)] = &[
    ("contacts", "companies", 279, 1),
    ("companies", "contacts", 280, 2),
    ("contacts", "deals", 4, 0),
    ("deals", "contacts", 3, 0),
    ("contacts", "tickets", 15, 0),
    ("tickets", "contacts", 16, 0),
    ("companies", "deals", 342, 6),
    ("deals", "companies", 341, 5),
    ("companies", "tickets", 340, 25),
    ("tickets", "companies", 339, 26),
    ("deals", "tickets", 27, 0),
    ("tickets", "deals", 28, 0),
    ("deals", "line_items", 19, 0),
    ("line_items", "deals", 20, 0),
    ("deals", "quotes", 63, 0),
    ("quotes", "deals", 64, 0),
    ("quotes", "line_items", 67, 0),
    ("line_items", "quotes", 68, 0),
    ("contacts", "quotes", 70, 0),
    ("quotes", "contacts", 69, 0),
    ("companies", "quotes", 72, 0),
    ("quotes", "companies", 71, 0),
    ("leads", "contacts", 608, 578),
    ("contacts", "leads", 609, 0),
    ("contacts", "contacts", 449, 0),
    ("companies", "companies", 450, 0),
    ("deals", "deals", 451, 0),
    ("tickets", "tickets", 452, 0),
    ("contacts", "calls", 193, 0),
    ("calls", "contacts", 194, 0),
    ("contacts", "emails", 197, 0),
    ("emails", "contacts", 198, 0),
    ("contacts", "meetings", 199, 0),
    ("meetings", "contacts", 200, 0),
    ("contacts", "notes", 201, 0),
    ("notes", "contacts", 202, 0),
    ("contacts", "tasks", 203, 0),
    ("tasks", "contacts", 204, 0),
    ("companies", "calls", 181, 0),
    ("calls", "companies", 182, 0),
    ("companies", "emails", 185, 0),
    ("emails", "companies", 186, 0),
    ("companies", "meetings", 187, 0),
    ("meetings", "companies", 188, 0),
    ("companies", "notes", 189, 0),
    ("notes", "companies", 190, 0),
    ("companies", "tasks", 191, 0),
    ("tasks", "companies", 192, 0),
    ("deals", "calls", 205, 0),
    ("calls", "deals", 206, 0),
    ("deals", "emails", 209, 0),
    ("emails", "deals", 210, 0),
    ("deals", "meetings", 211, 0),
    ("meetings", "deals", 212, 0),
    ("deals", "notes", 213, 0),
    ("notes", "deals", 214, 0),
    ("deals", "tasks", 215, 0),
    ("tasks", "deals", 216, 0),
    ("tickets", "calls", 219, 0),
    ("calls", "tickets", 220, 0),
    ("tickets", "emails", 223, 0),
    ("emails", "tickets", 224, 0),
    ("tickets", "meetings", 225, 0),
    ("meetings", "tickets", 226, 0),
    ("tickets", "notes", 227, 0),
    ("notes", "tickets", 228, 0),
    ("tickets", "tasks", 229, 0),
    ("tasks", "tickets", 230, 0),
];

/// A parent company to its child.
pub const PARENT_TO_CHILD_COMPANY: AssociationType = built_in(13);
/// A child company to its parent.
pub const CHILD_TO_PARENT_COMPANY: AssociationType = built_in(14);

const fn built_in(type_id: u32) -> AssociationType {
    AssociationType { category: AssociationCategory::HubspotDefined, type_id }
}

fn row(from: &ObjectType, to: &ObjectType) -> Option<(u32, u32)> {
    let found = TYPES.iter().find(|row| row.0 == from.as_str() && row.1 == to.as_str())?;
    Some((found.2, found.3))
}

/// The unlabelled type from one canonical object type to another.
pub fn unlabelled(from: &ObjectType, to: &ObjectType) -> Option<AssociationType> {
    row(from, to).map(|(unlabelled, _)| built_in(unlabelled))
}

/// The primary type in that direction. Setting it adds the unlabelled one and demotes the previous primary.
pub fn primary(from: &ObjectType, to: &ObjectType) -> Option<AssociationType> {
    row(from, to).map(|(_, primary)| primary).filter(|primary| *primary != 0).map(built_in)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::object::STANDARD_OBJECTS;

    #[test]
    fn every_type_is_one_direction_between_known_objects_and_has_a_way_back() {
        let mut ids = BTreeSet::new();
        for (from, to, unlabelled_id, primary_id) in TYPES {
            assert!(ids.insert(*unlabelled_id), "{unlabelled_id} stands twice");
            assert!(*primary_id == 0 || ids.insert(*primary_id), "{primary_id} stands twice");
            assert!(TYPES.iter().any(|back| back.0 == *to && back.1 == *from), "no way back from {to} to {from}");
            for name in [from, to] {
                assert!(STANDARD_OBJECTS.iter().any(|object| object.plural == *name), "{name}");
            }
        }
    }

    #[test]
    fn direction_decides_the_type() {
        let (contacts, companies) = (ObjectType::new("contacts"), ObjectType::new("companies"));
        assert_eq!(unlabelled(&contacts, &companies), Some(built_in(279)));
        assert_eq!(unlabelled(&companies, &contacts), Some(built_in(280)));
        assert_eq!(primary(&contacts, &companies), Some(built_in(1)));
        assert_eq!(primary(&contacts, &ObjectType::new("deals")), None);
        assert_eq!(unlabelled(&contacts, &ObjectType::new("2-7")), None);
    }
}
