//! What a row needs done, from what it wants and what both sides last agreed on.

use std::collections::BTreeMap;

use linchpin_hubspot::id::RecordId;

use super::desired::{AssociationKind, Desired, DesiredAssociation, DesiredValue, Identity, RowId};
use super::link::{Agreed, AssociationLink, Link};
use super::operation::Action;

/// What comparing needs to know about the portal and about other rows.
pub trait Surroundings {
    /// The one text that stands for all texts of the same value of a property (`5` for `5.00`).
    fn canonical(&self, property: &str, value: &str) -> String;

    /// The record of another row, if it is linked.
    fn record_of(&self, row: &RowId) -> Option<RecordId>;
}

/// What to do about the record of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// There is no record yet.
    Create(Action),
    /// The record differs from what it should be.
    Update(Action),
    /// The record is as it should be.
    Unchanged,
}

/// Decides about the record of one row.
///
/// # Panics
/// If the identity property of an unlinked row is not among the desired properties: the mapping guarantees it.
pub fn decide(desired: &Desired, identity: &Identity, link: Option<&Link>, around: &dyn Surroundings) -> Decision {
    let Some(link) = link else {
        return Decision::Create(creation(desired, identity));
    };
    let changed: BTreeMap<_, _> = desired
        .properties
        .iter()
        .filter(|(name, value)| differs(name, value, link.base.get(*name), around))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if changed.is_empty() {
        Decision::Unchanged
    } else {
        Decision::Update(Action::Update { record: link.record, properties: changed })
    }
}

fn creation(desired: &Desired, identity: &Identity) -> Action {
    // A new record has nothing to clear.
    let properties: BTreeMap<_, _> = desired
        .properties
        .iter()
        .filter(|(_, value)| **value != DesiredValue::Clear)
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    match identity {
        Identity::Unique { property } => {
            let Some(DesiredValue::Text(id_value)) = properties.get(property) else { panic_without_key(property) };
            Action::Upsert { id_property: property.clone(), id_value: id_value.clone(), properties }
        }
        Identity::Content { properties: content } => Action::Create { properties, content: content.clone() },
    }
}

#[expect(clippy::panic, reason = "an invariant of the mapping: a row without its key is rejected there")]
fn panic_without_key(property: &str) -> ! {
    panic!("the mapping lets no row through without its unique property {property}")
}

fn differs(name: &str, wanted: &DesiredValue, agreed: Option<&Agreed>, around: &dyn Surroundings) -> bool {
    let Some(agreed) = agreed else {
        return *wanted != DesiredValue::Clear;
    };
    let wanted = match wanted {
        DesiredValue::Text(text) => text.clone(),
        DesiredValue::Clear => String::new(),
        DesiredValue::RecordOf(row) => match around.record_of(row) {
            Some(record) => record.to_string(),
            None => return true,
        },
    };
    let matches = |known: Option<&str>| {
        let known = known.unwrap_or("");
        known == wanted
            || (!known.is_empty()
                && !wanted.is_empty()
                && around.canonical(name, known) == around.canonical(name, &wanted))
    };
    !matches(agreed.answered.as_deref()) && !agreed.sent.as_deref().is_some_and(|sent| matches(Some(sent)))
}

/// Which associations to make and which to remove, so that the agreed ones become the desired ones.
///
/// `left` are associations that the row still wants although the row at the other end will have no record this time
/// (it was rejected, or filtered out): they are neither made nor removed.
pub fn decide_associations(
    desired: &[DesiredAssociation],
    left: &[DesiredAssociation],
    agreed: &[AssociationLink],
    kinds: &[AssociationKind],
) -> AssociationDecision {
    let mut decision = AssociationDecision::default();
    let name_of = |position: u16| kinds.get(usize::from(position)).map(AssociationKind::name);
    for wanted in desired {
        let name = name_of(wanted.kind);
        let known = agreed.iter().any(|have| Some(&have.kind) == name.as_ref() && have.to == wanted.to.key);
        if !known && !decision.make.contains(wanted) {
            decision.make.push(wanted.clone());
        }
    }
    let wants = |kind: u16, to: &RowId| desired.iter().chain(left).any(|want| want.kind == kind && want.to == *to);
    for have in agreed {
        // A kind that the mapping no longer has is not ours to remove.
        let found = kinds.iter().zip(0u16..).find(|(kind, _)| kind.name() == have.kind);
        let Some((kind, position)) = found else { continue };
        let to = RowId { entry: kind.to_entry.clone(), key: have.to.clone() };
        if wants(position, &to) {
            continue;
        }
        let otherwise = desired.iter().chain(left).any(|want| want.to == to);
        // The unlabelled type lies beneath every labelled one: taking it away would take all.
        if otherwise && kind.association_type.is_none() {
            continue;
        }
        let association = DesiredAssociation { kind: position, to };
        decision.remove.push(Removal { association, whole: !otherwise });
    }
    decision
}

/// The associations of one row that have to change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssociationDecision {
    /// To make.
    pub make: Vec<DesiredAssociation>,
    /// To remove.
    pub remove: Vec<Removal>,
}

/// An association to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// Which one.
    pub association: DesiredAssociation,
    /// Everything between the two records, since no other kind ties them; otherwise only the kind's own type.
    pub whole: bool,
}

#[cfg(test)]
mod tests {
    use linchpin_hubspot::id::{AssociationCategory, AssociationType, ObjectType};
    use proptest::prelude::*;

    use super::super::desired::{EntryName, SourceKey};
    use super::*;

    struct Plain;

    impl Surroundings for Plain {
        fn canonical(&self, _property: &str, value: &str) -> String {
            value.to_ascii_lowercase()
        }

        fn record_of(&self, row: &RowId) -> Option<RecordId> {
            (row.key.0 == "linked").then_some(RecordId(77))
        }
    }

    fn row(key: &str) -> RowId {
        RowId { entry: EntryName("users".into()), key: SourceKey(key.into()) }
    }

    fn desired(properties: &[(&str, DesiredValue)]) -> Desired {
        Desired {
            row: row("1"),
            properties: properties.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            associations: Vec::new(),
        }
    }

    fn text(value: &str) -> DesiredValue {
        DesiredValue::Text(value.into())
    }

    fn link(base: &[(&str, Option<&str>, Option<&str>)]) -> Link {
        let agreed = |answered: Option<&str>, sent: Option<&str>| Agreed {
            answered: answered.map(str::to_owned),
            sent: sent.map(str::to_owned),
        };
        Link {
            row: row("1"),
            object_type: ObjectType::new("contacts"),
            record: RecordId(5),
            base: base.iter().map(|(name, answered, sent)| ((*name).to_owned(), agreed(*answered, *sent))).collect(),
        }
    }

    fn unique() -> Identity {
        Identity::Unique { property: "key".into() }
    }

    #[test]
    fn a_row_without_link_is_created_by_its_key_and_clears_nothing() {
        let decision = decide(&desired(&[("key", text("k1")), ("city", DesiredValue::Clear)]), &unique(), None, &Plain);
        let properties = BTreeMap::from([("key".to_owned(), text("k1"))]);
        let expected = Action::Upsert { id_property: "key".into(), id_value: "k1".into(), properties };
        assert_eq!(decision, Decision::Create(expected));
    }

    #[test]
    fn only_what_differs_from_the_agreed_base_is_written() {
        let base = link(&[("email", Some("ada@x.test"), Some("Ada@X.test")), ("city", Some("Rome"), None)]);
        let wanted = desired(&[("email", text("ADA@x.test")), ("city", text("Oslo"))]);
        let properties = BTreeMap::from([("city".to_owned(), text("Oslo"))]);
        let expected = Decision::Update(Action::Update { record: RecordId(5), properties });
        assert_eq!(decide(&wanted, &unique(), Some(&base), &Plain), expected);
    }

    #[test]
    fn a_value_that_hubspot_shows_differently_but_was_sent_so_is_unchanged() {
        let base = link(&[("lifecyclestage", Some("customer"), Some("lead"))]);
        let wanted = desired(&[("lifecyclestage", text("lead"))]);
        assert_eq!(decide(&wanted, &unique(), Some(&base), &Plain), Decision::Unchanged);
    }

    #[test]
    fn a_cleared_value_equals_an_empty_and_an_unset_one() {
        let wanted = desired(&[("city", DesiredValue::Clear), ("zip", DesiredValue::Clear)]);
        let base = link(&[("city", Some(""), None)]);
        assert_eq!(decide(&wanted, &unique(), Some(&base), &Plain), Decision::Unchanged);
        let filled = link(&[("city", Some("Rome"), None)]);
        assert!(matches!(decide(&wanted, &unique(), Some(&filled), &Plain), Decision::Update(_)));
    }

    #[test]
    fn a_reference_is_compared_by_the_record_it_stands_for() {
        let wanted = desired(&[("product", DesiredValue::RecordOf(row("linked")))]);
        let same = link(&[("product", Some("77"), None)]);
        let other = link(&[("product", Some("78"), None)]);
        assert_eq!(decide(&wanted, &unique(), Some(&same), &Plain), Decision::Unchanged);
        assert!(matches!(decide(&wanted, &unique(), Some(&other), &Plain), Decision::Update(_)));
    }

    /// Kind 0 is unlabelled, kind 1 has a label; both lead to users.
    fn kinds() -> Vec<AssociationKind> {
        let labelled = AssociationType { category: AssociationCategory::UserDefined, type_id: 36 };
        let kind = |association_type| AssociationKind {
            to_entry: EntryName("users".into()),
            to_object: ObjectType::new("contacts"),
            association_type,
            label: None,
        };
        vec![kind(None), kind(Some(labelled))]
    }

    fn agreed(to: &str, kind: &str) -> AssociationLink {
        AssociationLink { from: row("1"), kind: kind.to_owned(), to: SourceKey(to.into()) }
    }

    fn wanted(kind: u16, to: &str) -> DesiredAssociation {
        DesiredAssociation { kind, to: row(to) }
    }

    #[test]
    fn what_is_left_for_another_time_is_neither_made_nor_removed() {
        let agreed = [agreed("x", "users by default")];
        let decision = decide_associations(&[], &[wanted(0, "x"), wanted(0, "y")], &agreed, &kinds());
        assert_eq!(decision, AssociationDecision::default());
    }

    #[test]
    fn a_kind_keeps_its_associations_when_it_moves_in_the_mapping() {
        let mut moved = kinds();
        moved.reverse();
        let agreed = [agreed("x", "users as 36")];
        assert_eq!(decide_associations(&[wanted(0, "x")], &[], &agreed, &moved), AssociationDecision::default());
    }

    #[test]
    fn the_unlabelled_type_is_not_taken_from_beneath_a_label() {
        let both = [agreed("x", "users by default"), agreed("x", "users as 36")];
        let decision = decide_associations(&[wanted(1, "x")], &[], &both, &kinds());
        assert_eq!(decision, AssociationDecision::default());
        let label = decide_associations(&[wanted(0, "x")], &[], &both, &kinds());
        assert_eq!(label.remove, [Removal { association: wanted(1, "x"), whole: false }]);
        let all = decide_associations(&[], &[], &both, &kinds());
        assert!(all.remove.iter().all(|removal| removal.whole), "{all:?}");
    }

    #[test]
    fn an_agreed_association_of_an_unknown_kind_is_left_alone() {
        let agreed = [agreed("x", "former entry by default")];
        assert_eq!(decide_associations(&[], &[], &agreed, &kinds()), AssociationDecision::default());
    }

    proptest! {
        #[test]
        fn applying_the_association_decision_gives_the_desired_set(
            want in proptest::collection::btree_set("[a-d]", 0..4),
            have in proptest::collection::btree_set("[a-d]", 0..4),
        ) {
            let desired: Vec<_> = want.iter().map(|k| DesiredAssociation { kind: 0, to: row(k) }).collect();
            let agreed: Vec<_> = have.iter().map(|key| agreed(key, "users by default")).collect();
            let decision = decide_associations(&desired, &[], &agreed, &kinds());
            let mut result = have;
            for gone in &decision.remove {
                prop_assert!(result.remove(&gone.association.to.key.0));
            }
            for made in &decision.make {
                prop_assert!(result.insert(made.to.key.0.clone()));
            }
            prop_assert_eq!(result, want);
        }

        #[test]
        fn a_second_look_after_an_update_finds_nothing(value in "[a-z]{0,3}", shown in "[a-z]{0,3}") {
            let wanted = desired(&[("city", text(&value))]);
            let base = link(&[("city", Some(&shown), Some(&value))]);
            prop_assert_eq!(decide(&wanted, &unique(), Some(&base), &Plain), Decision::Unchanged);
        }
    }
}
