//! Associations: the entry at the other end, the key that leads there, the directed type.

use linchpin_core::sync::desired::{AssociationKind, EntryName};
use linchpin_hubspot::association_types;
use linchpin_hubspot::id::{AssociationCategory, AssociationType, ObjectType};

use super::Checker;
use super::entry::Draft;
use crate::file::{AssociationSpec, At, Columns};
use crate::map::LinkProgram;
use crate::problem::{Problem, help_for_unknown};

impl Checker<'_> {
    pub(super) fn associations(&mut self, draft: &mut Draft<'_>) -> Vec<AssociationKind> {
        let specs = &draft.spec.associations;
        let mut kinds = Vec::with_capacity(specs.len());
        for (index, spec) in specs.iter().enumerate() {
            let Some(to_object) = self.other_end(draft, &spec.value.to, &spec.value.key) else { continue };
            let key = spec.value.key.0.iter().map(|column| self.slot(draft, column)).collect();
            let to = EntryName(spec.value.to.value.clone());
            if to.0 != draft.name.value && !draft.after.contains(&to) {
                draft.after.push(to.clone());
            }
            let kind = u16::try_from(index).unwrap_or(u16::MAX);
            draft.program.associations.push(LinkProgram { kind, to: to.clone(), key });
            kinds.push(AssociationKind {
                association_type: self.association_type(draft, &spec.value, &to_object),
                label: spec.value.label.as_ref().map(|label| label.value.clone()),
                to_entry: to,
                to_object,
            });
        }
        kinds
    }

    /// The object type of another entry; an unknown entry, and a key that cannot fit it, are reported.
    pub(super) fn other_end(&mut self, draft: &Draft<'_>, to: &At<String>, key: &Columns) -> Option<ObjectType> {
        let Some(other) = self.file.entries.get(to.as_str()) else {
            let known: Vec<&str> = self.file.entries.iter().map(|(name, _)| name.as_str()).collect();
            let message = format!("`{}` refers to an entry `{}` that does not exist", draft.name.value, to.value);
            let help = help_for_unknown(to.as_str(), "entries", &known);
            self.problems.push(Problem::error("LP1006", to, message).help(help));
            return None;
        };
        if other.key.0.len() != key.0.len() {
            let message =
                format!("the key of `{}` has {} columns, here are {}", to.value, other.key.0.len(), key.0.len());
            let names: Vec<&str> = other.key.0.iter().map(At::as_str).collect();
            let help = format!("name the columns that hold {}, in this order", names.join(", "));
            self.problems.push(Problem::error("LP1022", to, message).help(help));
        }
        Some(ObjectType::canonical(other.object.as_str()))
    }

    fn association_type(
        &mut self,
        draft: &Draft<'_>,
        spec: &AssociationSpec,
        to: &ObjectType,
    ) -> Option<AssociationType> {
        let from = &draft.object_type;
        let labels = self.portal.and_then(|portal| portal.association_labels.get(&(from.clone(), to.clone())));
        if let Some(number) = &spec.type_id {
            let category = labels
                .and_then(|labels| labels.iter().find(|label| label.association_type.type_id == number.value))
                .map(|label| label.association_type.category);
            if labels.is_some() && category.is_none() {
                let message = format!("there is no association type {} from {from} to {to}", number.value);
                let help = "types are directed: the number of the other direction does not fit";
                self.problems.push(Problem::error("LP1021", number, message).help(help));
            }
            let category = category.unwrap_or(AssociationCategory::HubspotDefined);
            return Some(AssociationType { category, type_id: number.value });
        }
        let label = spec.label.as_ref()?;
        let known = labels.map_or(&[][..], Vec::as_slice);
        let same =
            |text: &Option<String>| text.as_ref().is_some_and(|text| text.to_lowercase() == label.value.to_lowercase());
        if let Some(found) = known.iter().find(|one| same(&one.label)) {
            return Some(found.association_type);
        }
        if label.value.eq_ignore_ascii_case("primary")
            && let Some(primary) = association_types::primary(from, to)
        {
            return Some(primary);
        }
        self.unknown_label(label, from, to, labels.is_some(), known);
        None
    }

    fn unknown_label(
        &mut self,
        label: &At<String>,
        from: &ObjectType,
        to: &ObjectType,
        account_known: bool,
        known: &[crate::portal::AssociationLabel],
    ) {
        if label.value.eq_ignore_ascii_case("primary") || account_known {
            let names: Vec<&str> = known.iter().filter_map(|one| one.label.as_deref()).collect();
            let message = format!("there is no association label `{}` from {from} to {to}", label.value);
            let help = help_for_unknown(label.as_str(), "labels", &names);
            self.problems.push(Problem::error("LP1021", label, message).help(help));
        } else {
            let message = format!("the label `{}` is not checked: the account was not read", label.value);
            self.problems.push(Problem::warning("LP1021", label, message));
        }
    }
}
