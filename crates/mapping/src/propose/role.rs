//! What a table is, by its name and its columns.

use super::{ForeignKey, SourceTable};

/// What the rows of a table become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Companies,
    Contacts,
    Products,
    Deals,
    LineItems,
}

impl Role {
    /// The order in which entries are written to the file: what is referred to comes first.
    pub(super) const IN_ORDER: [Self; 5] =
        [Self::Companies, Self::Contacts, Self::Products, Self::Deals, Self::LineItems];

    pub(super) fn object(self) -> &'static str {
        match self {
            Self::Companies => "companies",
            Self::Contacts => "contacts",
            Self::Products => "products",
            Self::Deals => "deals",
            Self::LineItems => "line_items",
        }
    }

    /// The words that name such a table.
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Companies => &["company", "account", "organization", "organisation", "business", "firm", "tenant"],
            Self::Contacts => {
                &["customer", "contact", "person", "people", "user", "client", "member", "lead", "subscriber"]
            }
            Self::Products => &["product", "track", "article", "plan", "sku", "item", "merchandise"],
            Self::Deals => &["deal", "invoice", "order", "opportunity", "subscription", "sale", "contract"],
            Self::LineItems => &[
                "line",
                "lineitem",
                "invoiceline",
                "orderline",
                "orderitem",
                "invoiceitem",
                "orderdetail",
                "invoicedetail",
                "item",
            ],
        }
    }
}

/// The role of a table, if it looks like one.
pub(super) fn of(table: &SourceTable, tables: &[SourceTable]) -> Option<Role> {
    let has = |names: &[&str]| table.columns.iter().any(|column| names.contains(&bare(column).as_str()));
    let priced = has(&["price", "unitprice", "listprice", "amount", "mrr"]);
    let named = has(&["name", "title", "productname"]);
    let to_deal = references(table, tables)
        .iter()
        .filter_map(|reference| tables.iter().find(|other| other.name == reference.table))
        .any(|other| other.name != table.name && is_called(other, Role::Deals) && !is_called(other, Role::LineItems));
    let employees = ["employee", "staff", "salesrep"].contains(&singular(&bare(&table.name)).as_str());
    if to_deal && is_called(table, Role::LineItems) && (priced || has(&["quantity", "qty"])) {
        return Some(Role::LineItems);
    }
    if is_called(table, Role::Deals) && !is_called(table, Role::LineItems) {
        return Some(Role::Deals);
    }
    if is_called(table, Role::Companies) && (named || has(&["company", "companyname", "domain"])) {
        return Some(Role::Companies);
    }
    let email = has(&["email", "emailaddress", "mail"]);
    if !employees && (email && (is_called(table, Role::Contacts) || has(&["lastname", "surname", "firstname"]))) {
        return Some(Role::Contacts);
    }
    (is_called(table, Role::Products) && named && priced).then_some(Role::Products)
}

/// Whether the table's name, or its last word, is one of the role's.
fn is_called(table: &SourceTable, role: Role) -> bool {
    let whole = singular(&bare(&table.name));
    let last = super::plain_name(&table.name);
    let last = singular(last.rsplit('_').next().unwrap_or_default());
    role.words().contains(&whole.as_str()) || role.words().contains(&last.as_str())
}

/// Declared references, and columns that name another table and its key (`company_id`).
pub(super) fn references(table: &SourceTable, tables: &[SourceTable]) -> Vec<ForeignKey> {
    let mut found = table.foreign_keys.clone();
    for column in &table.columns {
        let bare_column = bare(column);
        let Some(stem) = bare_column.strip_suffix("id").filter(|stem| !stem.is_empty()) else { continue };
        let target = tables.iter().find(|other| other.name != table.name && singular(&bare(&other.name)) == stem);
        let Some(target) = target else { continue };
        let told = found.iter().any(|known| known.columns.contains(column));
        if !told {
            found.push(ForeignKey { columns: vec![column.clone()], table: target.name.clone() });
        }
    }
    found
}

/// A name in lower case without anything between its words.
pub(super) fn bare(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The English singular, well enough for table names.
pub(super) fn singular(word: &str) -> String {
    if let Some(stem) = word.strip_suffix("ies") {
        return format!("{stem}y");
    }
    match word.strip_suffix('s') {
        Some(stem) if !stem.ends_with('s') && stem.len() > 1 => stem.to_owned(),
        _ => word.to_owned(),
    }
}
