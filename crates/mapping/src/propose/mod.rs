//! A first mapping for `linchpin init`: a guess, written so that a person can correct it.
//!
//! Tables are recognised by their names and columns, columns are paired with properties by name and type, associations
//! follow foreign keys. What is proposed passes the check against the same account. The same input gives the same text.

mod columns;
mod role;
mod write;

use linchpin_hubspot::id::ObjectType;
use linchpin_hubspot::limits::sizes::UNIQUE_PROPERTIES_MAX;

use crate::portal::PortalSnapshot;
use columns::{Pair, pairs};
use role::Role;

/// A table, as a source describes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceTable {
    /// Its name.
    pub name: String,
    /// Its columns, in order.
    pub columns: Vec<String>,
    /// The columns of its primary key, if it has one.
    pub primary_key: Vec<String>,
    /// Its declared references to other tables.
    pub foreign_keys: Vec<ForeignKey>,
}

/// A reference from one table to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    /// The columns that hold the other row's key.
    pub columns: Vec<String>,
    /// The other table.
    pub table: String,
}

/// One entry of the proposal.
struct Candidate<'a> {
    table: &'a SourceTable,
    /// The entry's name: unique, plain letters.
    name: String,
    role: Role,
    key: Vec<String>,
    identity: Identity,
    pairs: Vec<Pair>,
    /// The entry at the other end, the columns that lead there, whether it is the primary company.
    links: Vec<(String, Vec<String>, bool)>,
    /// The entry of the products, with the column that leads there.
    product: Option<(String, Vec<String>)>,
}

/// How the records of a candidate are recognised.
enum Identity {
    /// By a unique property that is made.
    Made(String),
    /// By a property that the account keeps unique already, filled from the key.
    Exists(String),
    /// By the e-mail address.
    Email,
    /// By content.
    Content,
}

/// Proposes the `sync:` section for the tables of a source, as commented YAML.
///
/// `None` if no table looks like something that HubSpot holds.
pub fn propose(source: &str, tables: &[SourceTable], portal: Option<&PortalSnapshot>) -> Option<String> {
    let roles: Vec<(&SourceTable, Option<Role>)> =
        tables.iter().map(|table| (table, role::of(table, tables))).collect();
    let mut entries: Vec<Candidate<'_>> = Vec::new();
    for role in Role::IN_ORDER {
        for (table, _) in roles.iter().filter(|(_, found)| *found == Some(role)) {
            if let Some(entry) = candidate(source, table, role, &entries, portal) {
                entries.push(entry);
            }
        }
    }
    if entries.is_empty() {
        return None;
    }
    let links: Vec<_> = entries.iter().map(|entry| links(entry, &entries, tables)).collect();
    for (entry, (found, product)) in entries.iter_mut().zip(links) {
        entry.links = found;
        entry.product = product.filter(|_| writable(entry.role, "hs_product_id", portal));
    }
    Some(write::yaml(source, &entries, tables, portal))
}

fn candidate<'a>(
    source: &str,
    table: &'a SourceTable,
    role: Role,
    others: &[Candidate<'_>],
    portal: Option<&PortalSnapshot>,
) -> Option<Candidate<'a>> {
    let key = key_of(table)?;
    let mut name = plain_name(&table.name);
    while others.iter().any(|other| other.name == name) {
        name.push_str("_2");
    }
    let pairs = pairs(table, role, portal);
    let identity = identity(source, &name, role, others, &pairs, portal)?;
    Some(Candidate { table, name, role, key, identity, pairs, links: Vec::new(), product: None })
}

/// The primary key, or else a column whose name says that it is one.
fn key_of(table: &SourceTable) -> Option<Vec<String>> {
    if !table.primary_key.is_empty() {
        return Some(table.primary_key.clone());
    }
    let own = [role::bare(&table.name), role::singular(&role::bare(&table.name))];
    let is_key = |column: &&String| {
        let bare = role::bare(column);
        bare == "id"
            || own
                .iter()
                .any(|name| ["id", "key", "no", "number", "code"].iter().any(|end| bare == format!("{name}{end}")))
    };
    table.columns.iter().find(is_key).map(|column| vec![column.clone()])
}

fn identity(
    source: &str,
    name: &str,
    role: Role,
    others: &[Candidate<'_>],
    pairs: &[Pair],
    portal: Option<&PortalSnapshot>,
) -> Option<Identity> {
    let object = ObjectType::new(role.object());
    if !object.allows_unique_properties() {
        // Two entries cannot both be told apart by the same properties.
        let taken = others.iter().any(|other| other.role == role);
        return (!taken && !pairs.is_empty()).then_some(Identity::Content);
    }
    let all = portal.and_then(|portal| portal.properties.get(&object));
    let mut property = plain_name(&format!("{source}_{name}_id"));
    loop {
        match all.and_then(|all| all.get(&property)) {
            None => break,
            Some(known) if known.unique && known.kind == crate::portal::PropertyKind::Text => {
                return Some(Identity::Exists(property));
            }
            Some(_) => property.push_str("_2"),
        }
    }
    let unique = all.map_or(0, |all| all.values().filter(|known| known.unique).count());
    let made = others.iter().filter(|other| other.role == role && matches!(other.identity, Identity::Made(_))).count();
    if unique + made < UNIQUE_PROPERTIES_MAX {
        return Some(Identity::Made(property));
    }
    let by_email = role == Role::Contacts
        && pairs.iter().any(|pair| pair.property == "email")
        && !others.iter().any(|other| matches!(other.identity, Identity::Email));
    by_email.then_some(Identity::Email)
}

type Links = (Vec<(String, Vec<String>, bool)>, Option<(String, Vec<String>)>);

/// The associations and the product of an entry, along declared and evident references.
fn links(entry: &Candidate<'_>, entries: &[Candidate<'_>], tables: &[SourceTable]) -> Links {
    let mut found = Vec::new();
    let mut product = None;
    for reference in role::references(entry.table, tables) {
        let Some(other) = entries.iter().find(|other| other.table.name == reference.table) else { continue };
        if other.key.len() != reference.columns.len() {
            continue;
        }
        let associated = matches!(
            (entry.role, other.role),
            (Role::Contacts, Role::Companies)
                | (Role::Deals, Role::Contacts | Role::Companies)
                | (Role::LineItems, Role::Deals)
        );
        let again = found.iter().any(|(name, _, _)| *name == other.name);
        if associated && !again {
            let primary = (entry.role, other.role) == (Role::Contacts, Role::Companies);
            found.push((other.name.clone(), reference.columns.clone(), primary));
        }
        if entry.role == Role::LineItems && other.role == Role::Products && product.is_none() {
            product = Some((other.name.clone(), reference.columns.clone()));
        }
    }
    (found, product)
}

/// Whether a property can be written; without an account, HubSpot's own are taken for granted.
fn writable(role: Role, property: &str, portal: Option<&PortalSnapshot>) -> bool {
    let all = portal.and_then(|portal| portal.properties.get(&ObjectType::new(role.object())));
    all.is_none_or(|all| all.get(property).is_some_and(|known| !known.read_only))
}

/// A name of lower-case letters, digits and underscores that begins with a letter, of at most 60 characters.
fn plain_name(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut name = String::new();
    let mut small_before = false;
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            if c.is_ascii_uppercase() && small_before {
                name.push('_');
            }
            name.push(c.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        small_before = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    let name: String = name.trim_matches('_').chars().take(LONGEST).collect();
    if name.starts_with(|c: char| c.is_ascii_lowercase()) { name } else { format!("t_{name}") }
}
