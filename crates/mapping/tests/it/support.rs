//! An account and helpers for tests.

use std::collections::BTreeMap;

use linchpin_hubspot::id::ObjectType;
use linchpin_mapping::{Choice, Owner, Pipeline, PortalSnapshot, Property, PropertyKind, Stage};

/// A property that can be written.
pub(crate) fn property(kind: PropertyKind, options: &[&str]) -> Property {
    let options: Vec<Choice> =
        options.iter().map(|value| Choice { value: (*value).to_owned(), label: value.to_uppercase() }).collect();
    Property {
        label: String::new(),
        kind,
        options: (!options.is_empty()).then_some(options),
        owner: false,
        unique: false,
        read_only: false,
    }
}

fn texts(names: &[&str]) -> BTreeMap<String, Property> {
    names.iter().map(|name| ((*name).to_owned(), property(PropertyKind::Text, &[]))).collect()
}

/// An account as HubSpot makes it, as far as the tests need it, with three owners.
pub(crate) fn account() -> PortalSnapshot {
    let read_only = |kind| Property { read_only: true, ..property(kind, &[]) };
    let mut contacts = texts(&[
        "email",
        "firstname",
        "lastname",
        "company",
        "phone",
        "address",
        "city",
        "state",
        "zip",
        "country",
        "jobtitle",
        "website",
    ]);
    let stages = ["subscriber", "lead", "customer", "other"];
    contacts.insert("lifecyclestage".into(), property(PropertyKind::Enumeration, &stages));
    let owner = Property { owner: true, ..property(PropertyKind::Enumeration, &[]) };
    contacts.insert("hubspot_owner_id".into(), owner);
    contacts.insert("hs_object_id".into(), read_only(PropertyKind::Number));
    contacts.insert("num_notes".into(), read_only(PropertyKind::Number));
    contacts.insert("interests".into(), property(PropertyKind::MultiEnumeration, &["jazz", "rock", "blues"]));
    contacts.insert("date_of_birth".into(), property(PropertyKind::Date, &[]));
    contacts.insert("vip".into(), property(PropertyKind::Bool, &["true", "false"]));
    let unique = Property { unique: true, ..property(PropertyKind::Text, &[]) };
    contacts.insert("external_id".into(), unique);
    let mut deals = texts(&["dealname"]);
    deals.insert("amount".into(), property(PropertyKind::Number, &[]));
    deals.insert("closedate".into(), property(PropertyKind::Datetime, &[]));
    deals.insert("pipeline".into(), property(PropertyKind::Enumeration, &[]));
    deals.insert("dealstage".into(), property(PropertyKind::Enumeration, &[]));
    let mut products = texts(&["name", "description", "hs_sku"]);
    products.insert("price".into(), property(PropertyKind::Number, &[]));
    let mut lines = texts(&["name", "hs_product_id"]);
    lines.insert("price".into(), property(PropertyKind::Number, &[]));
    lines.insert("quantity".into(), property(PropertyKind::Number, &[]));
    let companies = texts(&["name", "domain", "phone", "city", "country", "website"]);
    let types = [
        ("contacts", contacts),
        ("companies", companies),
        ("deals", deals),
        ("products", products),
        ("line_items", lines),
    ];
    let stage = |id: &str| Stage { id: id.to_owned(), label: id.to_owned() };
    let pipeline = Pipeline {
        id: "default".into(),
        label: "Sales Pipeline".into(),
        stages: vec![stage("appointmentscheduled"), stage("closedwon"), stage("closedlost")],
    };
    let owner = |id: &str, email: &str| Owner { id: id.to_owned(), email: Some(email.to_owned()), archived: false };
    PortalSnapshot {
        properties: types.into_iter().map(|(name, properties)| (ObjectType::new(name), properties)).collect(),
        owners: vec![
            owner("101", "jane@chinookcorp.com"),
            owner("102", "margaret@chinookcorp.com"),
            owner("103", "Steve@chinookcorp.com"),
        ],
        pipelines: BTreeMap::from([(ObjectType::new("deals"), vec![pipeline])]),
        association_labels: BTreeMap::new(),
    }
}
