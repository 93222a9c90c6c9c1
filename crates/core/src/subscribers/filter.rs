//! Which events somebody wants.

use std::collections::BTreeSet;

use linchpin_hubspot::id::ObjectType;

use super::event::{Stored, kind_of};

/// The most names in one list of a filter.
pub const NAMES_MAX: usize = 100;

/// Which events somebody wants. An empty list lets all pass; several lists must all let an event pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    object_types: BTreeSet<ObjectType>,
    kinds: BTreeSet<String>,
    properties: BTreeSet<String>,
}

impl Filter {
    /// A filter by these names. Object types may be named in any way that HubSpot names them.
    pub fn new(
        object_types: impl IntoIterator<Item = String>,
        kinds: impl IntoIterator<Item = String>,
        properties: impl IntoIterator<Item = String>,
    ) -> Self {
        Self {
            object_types: object_types.into_iter().map(|name| ObjectType::canonical(&name)).collect(),
            kinds: kinds.into_iter().collect(),
            properties: properties.into_iter().collect(),
        }
    }

    /// Whether an event passes. Properties judge only changes of properties: a deletion passes a filter that names some.
    pub fn passes(&self, event: &Stored<'_>) -> bool {
        let typed = event.object_type.is_some_and(|object_type| self.object_types.contains(object_type));
        let property = event.property.is_none_or(|name| self.properties.contains(name));
        (self.object_types.is_empty() || typed)
            && (self.kinds.is_empty() || self.kinds.contains(kind_of(event.kind)))
            && (self.properties.is_empty() || property)
    }
}

#[cfg(test)]
mod tests {
    use linchpin_hubspot::fingerprint::Fingerprint;
    use linchpin_hubspot::id::{AppId, Install, PortalId, RecordId};

    use super::*;
    use crate::ingress::keys::ChangeKey;
    use crate::time::Wall;

    fn passes(filter: &Filter, object_type: Option<&str>, kind: &str, property: Option<&str>) -> bool {
        filter.passes(&Stored {
            place: 1,
            received_at: Wall(0),
            install: Install { portal: PortalId(1), app: AppId(1) },
            teller: "webhook",
            occurred_at: Wall(0),
            kind,
            object_type: object_type.map(ObjectType::new).as_ref(),
            record: Some(RecordId(1)),
            property,
            change: ChangeKey(Fingerprint([0; 16])),
            echo: None,
            raw: b"",
        })
    }

    fn filter(object_types: &[&str], kinds: &[&str], properties: &[&str]) -> Filter {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        Filter::new(owned(object_types), owned(kinds), owned(properties))
    }

    #[test]
    fn every_list_must_let_an_event_pass() {
        let change = (Some("contacts"), "propertyChange", Some("city"));
        for (filter, expected) in [
            (filter(&[], &[], &[]), true),
            (filter(&["contact"], &[], &[]), true),
            (filter(&["0-1"], &["propertyChange"], &["city", "name"]), true),
            (filter(&["deals"], &[], &[]), false),
            (filter(&["contacts"], &["creation"], &[]), false),
            (filter(&["contacts"], &[], &["name"]), false),
        ] {
            assert_eq!(passes(&filter, change.0, change.1, change.2), expected, "{filter:?}");
        }
        assert!(passes(&filter(&[], &[], &["city"]), Some("contacts"), "deletion", None));
        assert!(passes(&filter(&[], &["notUnderstood"], &[]), None, "", None));
        assert!(!passes(&filter(&["contacts"], &[], &[]), None, "", None));
    }
}
