//! The proposal as YAML with comments.

use linchpin_hubspot::id::ObjectType;

use super::role::Role;
use super::{Candidate, Identity, SourceTable, writable};
use crate::portal::{PortalSnapshot, PropertyKind};

/// A text as a YAML value: plain where that is safe, quoted otherwise.
pub(super) fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let word = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    if plain && !word.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    serde_json::Value::from(text).to_string()
}

/// A text that stands in a comment: one line.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn columns(key: &[String]) -> String {
    match key {
        [one] => scalar(one),
        several => format!("[{}]", several.iter().map(|column| scalar(column)).collect::<Vec<_>>().join(", ")),
    }
}

pub(super) fn yaml(
    source: &str,
    entries: &[Candidate<'_>],
    tables: &[SourceTable],
    portal: Option<&PortalSnapshot>,
) -> String {
    let mut lines = vec![
        "# Proposed from the tables of the source. Read it, correct it, then run `linchpin check`.".to_owned(),
        "sync:".to_owned(),
        "  # Dates and times without a time zone are in this one.".to_owned(),
        "  time_zone: UTC".to_owned(),
        "  entries:".to_owned(),
    ];
    for entry in entries {
        lines.push(String::new());
        lines.extend(entry_lines(source, entry, portal));
    }
    let left: Vec<String> = tables
        .iter()
        .filter(|table| !entries.iter().any(|entry| entry.table.name == table.name))
        .map(|table| comment(&table.name))
        .collect();
    if !left.is_empty() {
        lines.extend([String::new(), format!("# Tables without an entry: {}", left.join(", "))]);
    }
    lines.join("\n") + "\n"
}

fn entry_lines(source: &str, entry: &Candidate<'_>, portal: Option<&PortalSnapshot>) -> Vec<String> {
    let object = entry.role.object();
    let mut lines = vec![
        format!("    # The rows of {} become {object}.", comment(&entry.table.name)),
        format!("    {}:", scalar(&entry.name)),
        format!("      source: {}", scalar(source)),
        format!("      table: {}", scalar(&entry.table.name)),
        format!("      key: {}", columns(&entry.key)),
        format!("      object: {object}"),
    ];
    let fields = fields(entry, portal);
    lines.extend(identity_lines(entry, &fields));
    lines.push("      fields:".to_owned());
    lines.extend(fields.iter().map(|(property, field)| format!("        {}: {field}", scalar(property))));
    if !entry.links.is_empty() {
        lines.push("      associations:".to_owned());
    }
    for (to, key, primary) in &entry.links {
        let label = if *primary { ", label: primary" } else { "" };
        lines.push(format!("        - {{to: {}, key: {}{label}}}", scalar(to), columns(key)));
    }
    let used = |column: &String| {
        let linked = entry.links.iter().any(|(_, key, _)| key.contains(column));
        let product = entry.product.iter().any(|(_, key)| key.contains(column));
        linked || product || entry.key.contains(column) || entry.pairs.iter().any(|pair| pair.column == *column)
    };
    let unused: Vec<String> =
        entry.table.columns.iter().filter(|column| !used(column)).map(|column| comment(column)).collect();
    if !unused.is_empty() {
        lines.push(format!("      # Columns that are not mapped: {}", unused.join(", ")));
    }
    lines
}

fn identity_lines(entry: &Candidate<'_>, fields: &[(String, String)]) -> Vec<String> {
    match &entry.identity {
        Identity::Made(property) => {
            let label = format!("{} key", property.trim_end_matches("_id").replace('_', " "));
            vec![
                "      # HubSpot's own record ids are not known to the source: a unique property of ours is made."
                    .to_owned(),
                "      identity:".to_owned(),
                format!("        unique: {property}"),
                "        create:".to_owned(),
                format!("          label: {}", scalar(&label)),
                "          description: Key of the row in the source. Filled by Linchpin.".to_owned(),
            ]
        }
        Identity::Exists(property) => vec![format!("      identity: {{unique: {}}}", scalar(property))],
        Identity::Email => vec!["      identity: {unique: email}".to_owned()],
        Identity::Content => {
            let content = fields.iter().map(|(property, _)| property.as_str());
            let content: Vec<&str> = content.filter(|property| *property != "description").collect();
            vec![
                "      # HubSpot allows no unique property here, so records are recognised by their content."
                    .to_owned(),
                format!("      identity: {{content: [{}]}}", content.join(", ")),
            ]
        }
    }
}

/// The fields in order: key, pairs, and what the type needs beside.
fn fields(entry: &Candidate<'_>, portal: Option<&PortalSnapshot>) -> Vec<(String, String)> {
    let key = match entry.key.as_slice() {
        [one] => scalar(one),
        several => {
            let parts: Vec<String> = several.iter().map(|column| scalar(column)).collect();
            format!("{{columns: [{}], transforms: [{{concat: {{separator: \"|\"}}}}]}}", parts.join(", "))
        }
    };
    let mut fields = Vec::new();
    match &entry.identity {
        Identity::Made(property) | Identity::Exists(property) => fields.push((property.clone(), key.clone())),
        Identity::Content if writable(entry.role, "hs_sku", portal) => fields.push(("hs_sku".to_owned(), key.clone())),
        Identity::Content | Identity::Email => {}
    }
    fields.extend(entry.pairs.iter().map(|pair| (pair.property.clone(), pair.field.clone())));
    if entry.role == Role::Deals {
        if writable(Role::Deals, "dealname", portal) && !fields.iter().any(|(name, _)| name == "dealname") {
            fields.push(("dealname".to_owned(), key));
        }
        fields.extend(stage(portal));
    }
    if let Some((to, key)) = &entry.product {
        fields.push(("hs_product_id".to_owned(), format!("{{record_of: {}, key: {}}}", scalar(to), columns(key))));
    }
    fields
}

/// The pipeline and stage of sales that have happened: the won stage if the account has one by HubSpot's own id, else
/// the last of the first pipeline.
fn stage(portal: Option<&PortalSnapshot>) -> Vec<(String, String)> {
    let deals = ObjectType::new("deals");
    let known = |property: &str| {
        portal.and_then(|portal| portal.properties.get(&deals)).is_none_or(|all| {
            all.get(property).is_some_and(|one| !one.read_only && one.kind == PropertyKind::Enumeration)
        })
    };
    if !known("pipeline") || !known("dealstage") {
        return Vec::new();
    }
    let chosen = match portal.and_then(|portal| portal.pipelines.get(&deals)) {
        None => portal.is_none().then(|| ("default".to_owned(), "closedwon".to_owned())),
        Some(pipelines) => pipelines.iter().find_map(|pipeline| {
            let won = pipeline.stages.iter().find(|stage| stage.id == "closedwon").or(pipeline.stages.last())?;
            Some((pipeline.id.clone(), won.id.clone()))
        }),
    };
    chosen.map_or_else(Vec::new, |(pipeline, stage)| {
        let constant = |value: &str| format!("{{value: {}}}", scalar(value));
        vec![
            ("pipeline".to_owned(), constant(&pipeline)),
            ("dealstage".to_owned(), format!("{} # for every row: correct it if not all are won", constant(&stage))),
        ]
    })
}
