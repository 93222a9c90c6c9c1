//! What HubSpot should hold after a sync of the Chinook database, computed from the database alone.
//!
//! Written from the text of `examples/chinook/` with SQL and plain Rust of its own: it shares nothing with the code
//! that reads the mapping, so that a mistake there cannot hide here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

/// A record that should be there.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expected {
    /// Every mapped property that has a value. A mapped property that is not here must have none.
    pub values: BTreeMap<&'static str, String>,
    /// The records that it is associated with: type and key.
    pub linked: BTreeSet<(&'static str, String)>,
}

/// All records of one type.
#[derive(Clone, Debug)]
pub struct Kind {
    /// The type's name in a dump.
    pub object_type: &'static str,
    /// The property by which a record is recognised.
    pub key: &'static str,
    /// Every property that the mapping fills.
    pub mapped: &'static [&'static str],
    /// The records by key.
    pub records: BTreeMap<String, Expected>,
}

/// Customers whose numbers are in no range of their countries.
pub const BAD_PHONES: [&str; 3] = ["9", "57", "58"];
/// The customer whose e-mail address has a letter that HubSpot refuses.
pub const BAD_EMAIL: &str = "49";

/// Opens the database for reading.
///
/// # Errors
/// If it does not open.
pub fn open(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// The e-mail addresses of the employees, who are the owners.
///
/// # Errors
/// If the database is another one.
pub fn employees(database: &Connection) -> rusqlite::Result<Vec<String>> {
    let rows = texts(database, "select lower(Email) from Employee order by EmployeeId")?;
    Ok(rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect())
}

/// Everything that should be there. `owners` are HubSpot's ids of the employees by e-mail address.
///
/// # Errors
/// If the database is another one.
pub fn expected(database: &Connection, owners: &BTreeMap<String, String>) -> rusqlite::Result<Vec<Kind>> {
    Ok(vec![companies(database)?, contacts(database, owners)?, products(database)?, deals(database)?, lines(database)?])
}

fn companies(database: &Connection) -> rusqlite::Result<Kind> {
    let rows = texts(database, "select distinct Company from Customer where Company <> ''")?;
    let record = |row: Vec<Option<String>>| {
        let name = row.into_iter().next().flatten().unwrap_or_default();
        (name.clone(), record([("chinook_company_key", Some(name.clone())), ("name", Some(name))], []))
    };
    Ok(Kind {
        object_type: "companies",
        key: "chinook_company_key",
        mapped: &["chinook_company_key", "name"],
        records: rows.into_iter().map(record).collect(),
    })
}

fn contacts(database: &Connection, owners: &BTreeMap<String, String>) -> rusqlite::Result<Kind> {
    const CONTACTS: &str = "
        select c.CustomerId, c.FirstName, c.LastName, c.Company, c.Address, c.City, c.State, c.Country, c.PostalCode,
               c.Phone, c.Email, lower(e.Email)
        from Customer c left join Employee e on e.EmployeeId = c.SupportRepId";
    let mut records = BTreeMap::new();
    for row in texts(database, CONTACTS)? {
        let [id, first, last, company, address, city, state, country, zip, phone, email, agent] = row_of(row);
        let id = id.unwrap_or_default();
        let trimmed = |text: Option<String>| text.map(|text| text.trim().to_owned());
        let phone = phone.filter(|_| !BAD_PHONES.contains(&id.as_str())).map(|text| e164(&text));
        let email = email.filter(|_| id != BAD_EMAIL).map(|text| text.trim().to_lowercase());
        let values = [
            ("chinook_customer_id", Some(id.clone())),
            ("firstname", trimmed(first)),
            ("lastname", trimmed(last)),
            ("company", company.clone()),
            ("address", address),
            ("city", trimmed(city)),
            ("state", state),
            ("country", country),
            ("zip", zip),
            ("phone", phone),
            ("email", email),
            ("lifecyclestage", Some("customer".to_owned())),
            ("hubspot_owner_id", agent.and_then(|agent| owners.get(&agent).cloned())),
        ];
        records.insert(id, record(values, [company.map(|name| ("companies", name))]));
    }
    Ok(Kind {
        object_type: "contacts",
        key: "chinook_customer_id",
        mapped: &[
            "chinook_customer_id",
            "firstname",
            "lastname",
            "company",
            "address",
            "city",
            "state",
            "country",
            "zip",
            "phone",
            "email",
            "lifecyclestage",
            "hubspot_owner_id",
        ],
        records,
    })
}

fn products(database: &Connection) -> rusqlite::Result<Kind> {
    const PRODUCTS: &str = "
        select t.TrackId, trim(t.Name), t.UnitPrice, a.Title, t.Composer
        from Track t left join Album a on a.AlbumId = t.AlbumId";
    let mut records = BTreeMap::new();
    for row in texts(database, PRODUCTS)? {
        let [id, name, price, album, composer] = row_of(row);
        let id = id.unwrap_or_default();
        let parts: Vec<String> = [album, composer].into_iter().flatten().filter(|part| !part.is_empty()).collect();
        let description = (!parts.is_empty()).then(|| parts.join(" / "));
        let values =
            [("hs_sku", Some(id.clone())), ("name", name), ("price", price.map(cents)), ("description", description)];
        records.insert(id, record(values, []));
    }
    let mapped = &["hs_sku", "name", "price", "description"];
    Ok(Kind { object_type: "products", key: "hs_sku", mapped, records })
}

fn deals(database: &Connection) -> rusqlite::Result<Kind> {
    const DEALS: &str = "
        select i.InvoiceId, i.CustomerId, substr(i.InvoiceDate, 1, 10), substr(i.InvoiceDate, 12), i.Total, c.Company
        from Invoice i join Customer c using (CustomerId)";
    let mut records = BTreeMap::new();
    for row in texts(database, DEALS)? {
        let [id, customer, day, time, total, company] = row_of(row);
        let id = id.unwrap_or_default();
        let closed = day.zip(time).map(|(day, time)| format!("{day}T{time}Z"));
        let values = [
            ("chinook_invoice_id", Some(id.clone())),
            ("dealname", Some(format!("Chinook invoice {id}"))),
            ("amount", total.map(cents)),
            ("closedate", closed),
            ("pipeline", Some("default".to_owned())),
            ("dealstage", Some("closedwon".to_owned())),
        ];
        let linked = [customer.map(|customer| ("contacts", customer)), company.map(|name| ("companies", name))];
        records.insert(id, record(values, linked));
    }
    Ok(Kind {
        object_type: "deals",
        key: "chinook_invoice_id",
        mapped: &["chinook_invoice_id", "dealname", "amount", "closedate", "pipeline", "dealstage"],
        records,
    })
}

/// Line items. The product that one refers to stands as `hs_sku` of the product, for its id is HubSpot's choice.
fn lines(database: &Connection) -> rusqlite::Result<Kind> {
    const LINES: &str = "
        select l.InvoiceLineId, l.InvoiceId, l.TrackId, l.UnitPrice, l.Quantity, trim(t.Name)
        from InvoiceLine l join Track t using (TrackId)";
    let mut records = BTreeMap::new();
    for row in texts(database, LINES)? {
        let [id, invoice, track, price, quantity, name] = row_of(row);
        let id = id.unwrap_or_default();
        let values = [
            ("chinook_invoice_line_id", Some(id.clone())),
            ("name", name),
            ("price", price.map(cents)),
            ("quantity", quantity),
            ("hs_product_id", track),
        ];
        records.insert(id, record(values, [invoice.map(|invoice| ("deals", invoice))]));
    }
    Ok(Kind {
        object_type: "line_items",
        key: "chinook_invoice_line_id",
        mapped: &["chinook_invoice_line_id", "name", "price", "quantity", "hs_product_id"],
        records,
    })
}

fn record<const V: usize, const L: usize>(
    values: [(&'static str, Option<String>); V],
    linked: [Option<(&'static str, String)>; L],
) -> Expected {
    let value = |(name, value): (&'static str, Option<String>)| {
        value.filter(|value| !value.is_empty()).map(|value| (name, value))
    };
    Expected { values: values.into_iter().filter_map(value).collect(), linked: linked.into_iter().flatten().collect() }
}

/// All rows of a query as texts.
fn texts(database: &Connection, query: &str) -> rusqlite::Result<Vec<Vec<Option<String>>>> {
    let mut statement = database.prepare(query)?;
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        let text = |column| {
            let cell: rusqlite::types::Value = row.get(column)?;
            Ok(match cell {
                rusqlite::types::Value::Null | rusqlite::types::Value::Blob(_) => None,
                rusqlite::types::Value::Integer(number) => Some(number.to_string()),
                rusqlite::types::Value::Real(number) => Some(number.to_string()),
                rusqlite::types::Value::Text(text) => Some(text),
            })
        };
        (0..columns).map(text).collect()
    })?;
    rows.collect()
}

fn row_of<const N: usize>(row: Vec<Option<String>>) -> [Option<String>; N] {
    row.try_into().unwrap_or_else(|_| std::array::from_fn(|_| None))
}

/// An amount in dollars and cents without trailing zeros.
fn cents(text: String) -> String {
    let Ok(amount) = text.parse::<f64>() else { return text };
    let rounded = format!("{amount:.2}");
    rounded.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The number in E.164 form, by hand: the digits, without the trunk zero that people write behind the country code.
/// Only Italy dials the zero from abroad.
fn e164(text: &str) -> String {
    const CODES: [&str; 24] = [
        "1", "31", "32", "33", "34", "351", "353", "358", "36", "39", "420", "43", "44", "45", "46", "47", "48", "49",
        "54", "55", "56", "61", "91", "41",
    ];
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let code = CODES.iter().filter(|code| digits.starts_with(**code)).max_by_key(|code| code.len());
    let Some(code) = code else { return format!("+{digits}") };
    let rest = digits.get(code.len()..).unwrap_or_default();
    let rest = if *code == "39" { rest } else { rest.strip_prefix('0').unwrap_or(rest) };
    format!("+{code}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lose_their_trunk_zero_and_their_punctuation() {
        let cases = [
            ("+55 (12) 3923-5555", "+551239235555"),
            ("+49 0711 2842222", "+497112842222"),
            ("+420 2 4172 5555", "+420241725555"),
            ("+39 06 39733434", "+390639733434"),
            ("+353 01 6792424", "+35316792424"),
            ("+54 (0)11 4311 4333", "+541143114333"),
            ("+1 (780) 434-4554", "+17804344554"),
        ];
        for (text, expected) in cases {
            assert_eq!(e164(text), expected);
        }
    }

    #[test]
    fn amounts_have_no_trailing_zeros() {
        assert_eq!(
            ["0.99", "1.9800000000000002", "13.86", "2.0"].map(|text| cents(text.into())),
            ["0.99", "1.98", "13.86", "2"]
        );
    }

    #[test]
    fn the_database_comes_to_the_known_numbers() {
        let Some(shared) = crate::parameters::shared("the expectation of Chinook") else { return };
        let database = open(&shared.join("data/chinook.sqlite")).expect("the database opens");
        let owners: BTreeMap<String, String> = employees(&database)
            .expect("employees")
            .into_iter()
            .zip(1..)
            .map(|(it, id)| (it, id.to_string()))
            .collect();
        assert_eq!(owners.len(), 8);
        let kinds = expected(&database, &owners).expect("the database is Chinook");
        let counts: Vec<usize> = kinds.iter().map(|kind| kind.records.len()).collect();
        assert_eq!(counts, [10, 59, 3_503, 412, 2_240]);
        let links = |from: usize, to: &str| {
            kinds[from].records.values().flat_map(|record| &record.linked).filter(|(it, _)| *it == to).count()
        };
        assert_eq!(
            [links(1, "companies"), links(3, "contacts"), links(3, "companies"), links(4, "deals")],
            [10, 412, 70, 2_240]
        );
        let contacts = &kinds[1].records;
        let without = |name: &str| -> Vec<&str> {
            contacts.iter().filter(|(_, it)| !it.values.contains_key(name)).map(|(id, _)| id.as_str()).collect()
        };
        assert_eq!(without("email"), ["49"]);
        assert_eq!(without("phone"), ["45", "57", "58", "9"]);
        assert_eq!(without("hubspot_owner_id"), Vec::<&str>::new());
        for kind in &kinds {
            for name in kind.records.values().flat_map(|record| record.values.keys()) {
                assert!(kind.mapped.contains(name), "{name} is not among the mapped properties");
            }
        }
    }
}
