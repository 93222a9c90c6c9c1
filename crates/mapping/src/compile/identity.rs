//! How an entry's records are recognised: refusals first, for a wrong identity makes duplicates.

use linchpin_core::sync::desired::Identity;
use linchpin_hubspot::limits::sizes::UNIQUE_PROPERTIES_MAX;

use super::Checker;
use super::entry::{Draft, InAccount};
use crate::compiled::KeyProperty;
use crate::file::{At, CreateSpec, OnInvalid};
use crate::portal::PropertyKind;
use crate::problem::{Problem, help_for_unknown};

const PROPERTY_NAME_CHARACTERS_MAX: usize = 100;

impl Checker<'_> {
    pub(super) fn identity(&mut self, draft: &Draft<'_>) -> (Identity, Option<KeyProperty>) {
        let spec = &draft.spec.identity.value;
        match (&spec.unique, spec.content.is_empty()) {
            (Some(property), true) => {
                self.unique_is_possible(draft, property);
                let create = self.key_property(draft, property, spec.create.as_ref());
                (Identity::Unique { property: property.value.clone() }, create)
            }
            (None, false) => {
                for property in &spec.content {
                    self.is_mapped(draft, property);
                }
                if let Some(create) = &spec.create {
                    let message = "`create` makes a unique property; an identity by `content` has none";
                    self.problems.push(Problem::error("LP1012", create, message));
                }
                let properties = spec.content.iter().map(|property| property.value.clone()).collect();
                (Identity::Content { properties }, None)
            }
            (both, _) => {
                let message = if both.is_some() {
                    "an identity is `unique` or `content`, not both"
                } else {
                    "the identity does not say how a record is recognised"
                };
                let help = "`identity: {unique: email}`, or `identity: {content: [name, hs_sku]}` for products";
                self.problems.push(Problem::error("LP1012", &draft.spec.identity, message).help(help));
                (Identity::Content { properties: Vec::new() }, None)
            }
        }
    }

    fn is_mapped(&mut self, draft: &Draft<'_>, property: &At<String>) {
        let Some(field) = draft.spec.fields.get(property.as_str()) else {
            let known: Vec<&str> = draft.spec.fields.iter().map(|(name, _)| name.as_str()).collect();
            let message = format!("`{}` identifies the records but is not among the fields", property.value);
            let help = help_for_unknown(property.as_str(), "fields", &known);
            self.problems.push(Problem::error("LP1013", property, message).help(help));
            return;
        };
        let unique = draft.unique_property() == Some(property.as_str());
        let shared = field.0.value.value.is_some() || matches!(field.0.value.on_invalid, OnInvalid::Use(_));
        if unique && shared {
            let message = format!("`{}` identifies the records, so rows cannot share a value", property.value);
            self.problems.push(Problem::error("LP1013", &field.0, message).help("take it from a key column"));
        }
    }

    fn unique_is_possible(&mut self, draft: &Draft<'_>, property: &At<String>) {
        let object = draft.object_type.as_str();
        self.is_mapped(draft, property);
        if !draft.object_type.allows_unique_properties() {
            let message = format!("{object} cannot have a unique property: HubSpot does not allow it");
            let help = "recognise them by content: `identity: {content: [name, price, hs_sku]}`";
            self.problems.push(Problem::error("LP1014", property, message).help(help));
        }
        if let Some(why) = never_unique(object, property.as_str()) {
            let message = format!("`{}` cannot identify {object}: {why}", property.value);
            self.problems.push(Problem::error("LP1015", property, message).help(ADVICE));
        }
    }

    /// The property to make, if it has to be made; a property that exists must be fit to be a key.
    fn key_property(
        &mut self,
        draft: &Draft<'_>,
        property: &At<String>,
        create: Option<&At<CreateSpec>>,
    ) -> Option<KeyProperty> {
        let object = draft.object_type.as_str();
        let natural = draft.object_type.standard().and_then(|standard| standard.natural_key);
        let settled = natural == Some(property.as_str()) || never_unique(object, property.as_str()).is_some();
        if settled || !draft.object_type.allows_unique_properties() {
            return None;
        }
        match (self.property(&draft.object_type, property.as_str()), create) {
            (InAccount::Found(found), _) => {
                if !found.unique {
                    let message = format!("the property `{}` of {object} is not unique", property.value);
                    self.problems.push(Problem::error("LP1015", property, message).help(ADVICE));
                } else if !matches!(found.kind, PropertyKind::Text | PropertyKind::Number) {
                    let message = format!(
                        "the property `{}` of {object} holds a {}; a key is a text or a number",
                        property.value,
                        found.kind.as_str()
                    );
                    self.problems.push(Problem::error("LP1015", property, message).help(ADVICE));
                }
                None
            }
            (_, Some(create)) => {
                self.can_be_made(draft, property);
                let group = create.value.group.clone();
                Some(KeyProperty {
                    object_type: draft.object_type.clone(),
                    name: property.value.clone(),
                    label: create.value.label.clone(),
                    description: create.value.description.clone().unwrap_or_else(|| {
                        format!(
                            "Key of the row in the source that this record comes from (entry {}).",
                            draft.name.value
                        )
                    }),
                    group: group.unwrap_or_else(|| default_group(object)),
                })
            }
            (InAccount::Missing, None) => {
                let message = format!("{object} have no property `{}`", property.value);
                let help =
                    format!("let it be made: `identity: {{unique: {}, create: {{label: \"...\"}}}}`", property.value);
                self.problems.push(Problem::error("LP1017", property, message).help(help));
                None
            }
            (InAccount::NotRead, None) => None,
        }
    }

    fn can_be_made(&mut self, draft: &Draft<'_>, property: &At<String>) {
        let name = property.as_str();
        let name_ok = name.len() <= PROPERTY_NAME_CHARACTERS_MAX
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !name_ok {
            let message = format!("`{name}` is no name for a property");
            let help = "property names are lower-case letters, digits and underscores, and start with a letter";
            self.problems.push(Problem::error("LP1015", property, message).help(help));
        }
        let all = self.portal.and_then(|portal| portal.properties.get(&draft.object_type));
        let unique = all.map_or(0, |all| all.values().filter(|known| known.unique).count());
        if unique >= UNIQUE_PROPERTIES_MAX {
            let message = format!(
                "{} have {unique} unique properties already, HubSpot allows {UNIQUE_PROPERTIES_MAX}",
                draft.object_type
            );
            self.problems.push(Problem::error("LP1015", property, message).help("use one of those that exist"));
        }
    }
}

/// Why a property of HubSpot's own is no key, although its name suggests it.
fn never_unique(object: &str, property: &str) -> Option<&'static str> {
    match (object, property) {
        ("companies", "domain") => Some("the API lets two companies have the same domain"),
        (_, "hs_object_id") => Some("it is the record id, which no source knows beforehand"),
        (kind, "email") if kind != "contacts" => Some("only the e-mail address of contacts is unique"),
        _ => None,
    }
}

const ADVICE: &str = "HubSpot makes a property unique only when it is created: choose a new name and add \
                      `create: {label: \"...\"}`";

/// The information group that HubSpot gives each type.
fn default_group(object: &str) -> String {
    match object {
        "contacts" => "contactinformation".to_owned(),
        "companies" => "companyinformation".to_owned(),
        "deals" => "dealinformation".to_owned(),
        "tickets" => "ticketinformation".to_owned(),
        "products" => "productinformation".to_owned(),
        "line_items" => "lineiteminformation".to_owned(),
        other => format!("{}_information", other.trim_end_matches('s')),
    }
}
