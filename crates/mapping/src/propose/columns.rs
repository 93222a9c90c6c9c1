//! Which column goes to which property, with which transforms.

use linchpin_hubspot::id::ObjectType;

use super::role::{Role, bare, singular};
use super::{SourceTable, writable};
use crate::portal::{PortalSnapshot, Property, PropertyKind};

/// A property and the right side of its field, as YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub property: String,
    /// The column that it takes.
    pub column: String,
    pub field: String,
}

/// What a property wants of its column.
#[derive(Clone, Copy)]
enum Shape {
    Text,
    Email,
    Phone,
    Domain,
    Money,
    Number,
    Datetime,
    FirstWord,
    LastWord,
}

type Wish = (&'static str, Shape, &'static [&'static str]);

const CONTACT: &[Wish] = &[
    ("email", Shape::Email, &["email", "emailaddress", "mail"]),
    ("firstname", Shape::Text, &["firstname", "first", "givenname", "forename"]),
    ("lastname", Shape::Text, &["lastname", "last", "surname", "familyname"]),
    ("firstname", Shape::FirstWord, &["name", "fullname"]),
    ("lastname", Shape::LastWord, &["name", "fullname"]),
    ("phone", Shape::Phone, &["phone", "phonenumber", "telephone", "tel"]),
    ("mobilephone", Shape::Phone, &["mobile", "mobilephone", "cell", "cellphone"]),
    ("company", Shape::Text, &["company", "companyname", "organization", "organisation"]),
    ("jobtitle", Shape::Text, &["jobtitle", "title", "position"]),
    ("address", Shape::Text, &["address", "street", "addressline1", "address1"]),
    ("city", Shape::Text, &["city", "town"]),
    ("state", Shape::Text, &["state", "province"]),
    ("zip", Shape::Text, &["zip", "zipcode", "postalcode", "postcode"]),
    ("country", Shape::Text, &["country", "countryname"]),
];
const COMPANY: &[Wish] = &[
    ("name", Shape::Text, &["name", "companyname", "company", "title"]),
    ("domain", Shape::Domain, &["domain", "website", "url", "homepage"]),
    ("phone", Shape::Phone, &["phone", "phonenumber", "telephone", "tel"]),
    ("address", Shape::Text, &["address", "street", "addressline1", "address1"]),
    ("city", Shape::Text, &["city", "town"]),
    ("state", Shape::Text, &["state", "province"]),
    ("zip", Shape::Text, &["zip", "zipcode", "postalcode", "postcode"]),
    ("country", Shape::Text, &["country", "countryname"]),
    ("numberofemployees", Shape::Number, &["employees", "numberofemployees", "headcount", "seats"]),
];
const PRODUCT: &[Wish] = &[
    ("name", Shape::Text, &["name", "productname", "title"]),
    ("price", Shape::Money, &["price", "unitprice", "listprice", "amount"]),
    ("description", Shape::Text, &["description", "summary", "details"]),
];
const DEAL: &[Wish] = &[
    ("dealname", Shape::Text, &["name", "title", "subject", "dealname"]),
    ("amount", Shape::Money, &["amount", "total", "totalamount", "grandtotal", "value", "sum", "mrr", "price"]),
    (
        "closedate",
        Shape::Datetime,
        &["closedate", "closedat", "invoicedate", "orderdate", "startedat", "startdate", "date", "createdat"],
    ),
];
const LINE: &[Wish] = &[
    ("name", Shape::Text, &["name", "title", "description", "productname"]),
    ("price", Shape::Money, &["price", "unitprice", "amount"]),
    ("quantity", Shape::Number, &["quantity", "qty", "count"]),
];

/// The pairs of a table: first the properties that every account has, then those with the column's own name.
pub(super) fn pairs(table: &SourceTable, role: Role, portal: Option<&PortalSnapshot>) -> Vec<Pair> {
    let wishes = match role {
        Role::Companies => COMPANY,
        Role::Contacts => CONTACT,
        Role::Products => PRODUCT,
        Role::Deals => DEAL,
        Role::LineItems => LINE,
    };
    let mut pairs: Vec<Pair> = Vec::new();
    for (property, shape, names) in wishes {
        let told = pairs.iter().any(|pair| pair.property == *property);
        if told || !writable(role, property, portal) || !fits(*shape, role, property, portal) {
            continue;
        }
        let column = names.iter().find_map(|name| table.columns.iter().find(|column| own_name(table, column) == *name));
        if let Some(column) = column {
            let field = field(*shape, column, table);
            pairs.push(Pair { property: (*property).to_owned(), column: column.clone(), field });
        }
    }
    pairs.extend(by_equal_name(table, role, &pairs, portal));
    pairs
}

/// A column's bare name without the table's in front: `customer_email` of `customers` is `email`.
fn own_name(table: &SourceTable, column: &str) -> String {
    let name = bare(column);
    let prefix = singular(&bare(&table.name));
    match name.strip_prefix(&prefix) {
        Some(rest) if !rest.is_empty() && rest != "id" => rest.to_owned(),
        _ => name,
    }
}

fn definition<'a>(role: Role, property: &str, portal: Option<&'a PortalSnapshot>) -> Option<&'a Property> {
    portal?.properties.get(&ObjectType::new(role.object()))?.get(property)
}

/// Whether the property has the type that HubSpot gives it; an account may differ.
fn fits(shape: Shape, role: Role, property: &str, portal: Option<&PortalSnapshot>) -> bool {
    let Some(known) = definition(role, property, portal) else { return true };
    match shape {
        Shape::Money | Shape::Number => matches!(known.kind, PropertyKind::Number | PropertyKind::Text),
        Shape::Datetime => known.kind == PropertyKind::Datetime,
        Shape::Text | Shape::Email | Shape::Phone | Shape::Domain | Shape::FirstWord | Shape::LastWord => {
            known.kind == PropertyKind::Text
        }
    }
}

fn field(shape: Shape, column: &str, table: &SourceTable) -> String {
    let name = super::write::scalar(column);
    let with = |transforms: &str, invalid: &str| format!("{{column: {name}, transforms: [{transforms}]{invalid}}}");
    let omit = ", on_invalid: omit";
    match shape {
        Shape::Text => with("trim", ""),
        Shape::Email => with("trim, lower", omit),
        Shape::Phone => match country(table) {
            Some(country) => with(&format!("{{phone: {{region_column: {}}}}}", super::write::scalar(country)), omit),
            None => with("phone", omit),
        },
        Shape::Domain => with("domain", omit),
        Shape::Money => with("money", ""),
        Shape::Number => with("number", ""),
        Shape::Datetime => with("datetime", omit),
        Shape::FirstWord => with("trim, {split: {separator: \" \", take: 1}}", ""),
        Shape::LastWord => with("trim, {split: {separator: \" \", take: -1}}", ""),
    }
}

fn country(table: &SourceTable) -> Option<&str> {
    let named = |column: &&String| ["country", "countryname", "countrycode"].contains(&bare(column).as_str());
    table.columns.iter().find(named).map(String::as_str)
}

/// Columns that bear the name or the label of a property that is not taken yet, where the type is no riddle.
fn by_equal_name(table: &SourceTable, role: Role, taken: &[Pair], portal: Option<&PortalSnapshot>) -> Vec<Pair> {
    let object = ObjectType::new(role.object());
    let Some(all) = portal.and_then(|portal| portal.properties.get(&object)) else { return Vec::new() };
    let settled = ["pipeline", "dealstage", "hs_sku", "hs_product_id", "hubspot_owner_id", "dealname"];
    let mut found: Vec<Pair> = Vec::new();
    for column in &table.columns {
        let bare_column = bare(column);
        let used = taken.iter().any(|pair| pair.column == *column) || table.primary_key.contains(column);
        if used || bare_column.is_empty() {
            continue;
        }
        let free = |name: &str| !taken.iter().chain(&found).any(|pair| pair.property == name);
        let pair = all.iter().find_map(|(name, property)| {
            let same = bare(name) == bare_column || bare(&property.label) == bare_column;
            let usable = same && !property.read_only && !property.owner && !property.unique && free(name);
            if !usable || settled.contains(&name.as_str()) {
                return None;
            }
            let field = plain_field(property.kind, column)?;
            Some(Pair { property: name.clone(), column: column.clone(), field })
        });
        found.extend(pair);
    }
    found
}

fn plain_field(kind: PropertyKind, column: &str) -> Option<String> {
    let column = super::write::scalar(column);
    let transform = match kind {
        PropertyKind::Text => "trim",
        PropertyKind::Number => "number",
        PropertyKind::Bool => "boolean",
        PropertyKind::Date => "date",
        PropertyKind::Datetime => "datetime",
        // Options need a person who knows which value stands for which.
        PropertyKind::Enumeration | PropertyKind::MultiEnumeration | PropertyKind::Other => return None,
    };
    Some(format!("{{column: {column}, transforms: [{transform}], on_invalid: omit}}"))
}
