//! A made-up shop: a SQLite database of any size, its configuration, and what HubSpot should hold after a sync.
//!
//! A third of the rows are contacts (unique by e-mail), a third orders (deals, unique by a property of their own, each
//! associated with its contact) and a third products, which cannot have a unique property; one product in ten has
//! exactly the content of its predecessor. Rows are a function of their number: the same size makes the same shop.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, params};

use crate::records::Record;
use crate::simulator::{Simulator, TOKEN};

/// How many records one batch call takes.
const BATCH: u32 = 100;

/// A shop of a certain size.
#[derive(Clone, Copy, Debug)]
pub struct Shop {
    users: u32,
    orders: u32,
    products: u32,
}

/// What a shop has come to in HubSpot, as sorted texts that can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holdings {
    /// `email|first|last|city`
    pub contacts: Vec<String>,
    /// `number|title|amount|email of the contact`; several contacts are joined by commas.
    pub deals: Vec<String>,
    /// `name|price|description`
    pub products: Vec<String>,
}

impl Shop {
    /// A shop with so many rows in all.
    pub fn with_rows(rows: u32) -> Self {
        let third = rows / 3;
        Self { users: third, orders: third, products: rows - 2 * third }
    }

    /// Rows of all tables.
    pub fn rows(&self) -> u32 {
        self.users + self.orders + self.products
    }

    /// Write calls that a first sync needs when nothing goes wrong: full batches of records and of associations, and
    /// one call for the orders' key property.
    pub fn calls_needed(&self) -> u32 {
        let batches = |rows: u32| rows.div_ceil(BATCH);
        batches(self.users) + batches(self.products) + 2 * batches(self.orders) + 1
    }

    /// Writes the database.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, path: &Path) {
        self.fill(path).expect("a new database takes rows");
    }

    fn fill(&self, path: &Path) -> rusqlite::Result<()> {
        let mut database = Connection::open(path)?;
        let all = database.transaction()?;
        all.execute_batch(
            "create table users (id integer primary key, email text, first_name text, last_name text, city text);
             create table orders (id integer primary key, number text, title text, amount real, user_id integer);
             create table products (id integer primary key, name text, price text, description text);",
        )?;
        for id in 0..self.users {
            let [email, first, last, city] = user(id);
            all.execute("insert into users values (?, ?, ?, ?, ?)", params![id, email, first, last, city])?;
        }
        for id in 0..self.orders {
            let [number, title, amount] = order(id);
            let amount: f64 = amount.parse().unwrap_or_default();
            let user = self.buyer(id);
            all.execute("insert into orders values (?, ?, ?, ?, ?)", params![id, number, title, amount, user])?;
        }
        for id in 0..self.products {
            let [name, price, description] = product(id);
            all.execute("insert into products values (?, ?, ?, ?)", params![id, name, price, description])?;
        }
        all.commit()
    }

    /// The user who placed an order.
    fn buyer(&self, order: u32) -> u32 {
        (order * 7 + 3) % self.users
    }

    /// A configuration for the simulator at `base`, with the database `shop.sqlite` and the store `state.db`.
    pub fn config(base: &str) -> String {
        format!(
            "hubspot:
  token: {TOKEN}
  base_url: {base}
  tier: professional
store: state.db
sources:
  shop:
    sqlite: shop.sqlite
sync:
  entries:
    users:
      source: shop
      table: users
      key: id
      object: contacts
      identity: {{unique: email}}
      fields:
        email: email
        firstname: first_name
        lastname: last_name
        city: city
    products:
      source: shop
      table: products
      key: id
      object: products
      identity: {{content: [name, price, description]}}
      fields:
        name: name
        price: {{column: price, transforms: [{{money: {{currency: USD}}}}]}}
        description: description
    orders:
      source: shop
      table: orders
      key: id
      object: deals
      identity:
        unique: order_number
        create: {{label: Order number}}
      fields:
        order_number: number
        dealname: title
        amount: {{column: amount, transforms: [{{money: {{currency: USD}}}}]}}
        pipeline: {{value: default}}
        dealstage: {{value: closedwon}}
      associations:
        - {{to: users, key: user_id}}
"
        )
    }

    /// What HubSpot should hold after a sync.
    pub fn wanted(&self) -> Holdings {
        let order = |id: u32| {
            let [email, ..] = user(self.buyer(id));
            let [number, title, amount] = order(id);
            [number, title, shortest(&amount), email].join("|")
        };
        let product = |id: u32| {
            let [name, price, description] = product(id);
            [name, shortest(&price), description].join("|")
        };
        Holdings {
            contacts: sorted((0..self.users).map(|id| user(id).join("|"))),
            deals: sorted((0..self.orders).map(order)),
            products: sorted((0..self.products).map(product)),
        }
    }
}

impl Holdings {
    /// What the simulator holds.
    pub fn of(simulator: &Simulator) -> Self {
        let contacts = simulator.dump("contacts");
        let emails: BTreeMap<&str, &str> =
            contacts.iter().map(|contact| (contact.id.as_str(), contact.value("email"))).collect();
        let deal = |deal: &Record| {
            let linked = deal.linked("contacts");
            let buyers: Vec<&str> = linked.iter().filter_map(|id| emails.get(id).copied()).collect();
            format!("{}|{}", values(deal, &["order_number", "dealname", "amount"]), buyers.join(","))
        };
        Self {
            contacts: sorted(contacts.iter().map(|it| values(it, &["email", "firstname", "lastname", "city"]))),
            deals: sorted(simulator.dump("deals").iter().map(deal)),
            products: sorted(simulator.dump("products").iter().map(|it| values(it, &["name", "price", "description"]))),
        }
    }

    /// The first differences in each kind, for a message; empty if both are the same.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let pairs = [
            ("contacts", &self.contacts, &other.contacts),
            ("deals", &self.deals, &other.deals),
            ("products", &self.products, &other.products),
        ];
        let describe = |(name, have, want): (&str, &Vec<String>, &Vec<String>)| {
            let extra = surplus(have, want);
            let missing = surplus(want, have);
            if extra.is_empty() && missing.is_empty() {
                return None;
            }
            let few =
                |list: &[&String]| list.iter().take(3).map(|text| format!("{text:?}")).collect::<Vec<_>>().join(", ");
            Some(format!(
                "{name}: {} too many ({}), {} missing ({})",
                extra.len(),
                few(&extra),
                missing.len(),
                few(&missing)
            ))
        };
        pairs.into_iter().filter_map(describe).collect()
    }
}

/// Texts of `have` that occur there more often than in `want`.
fn surplus<'a>(have: &'a [String], want: &[String]) -> Vec<&'a String> {
    let mut wanted: BTreeMap<&str, usize> = BTreeMap::new();
    for text in want {
        *wanted.entry(text.as_str()).or_default() += 1;
    }
    let extra = |text: &&String| match wanted.get_mut(text.as_str()) {
        Some(left) if *left > 0 => {
            *left -= 1;
            false
        }
        _ => true,
    };
    have.iter().filter(extra).collect()
}

fn user(id: u32) -> [String; 4] {
    const FIRST: [&str; 6] = ["Ana", "Björn", "Chloé", "Đorđe", "Eve", "Faïza"];
    const CITY: [&str; 4] = ["Lisboa", "København", "Köln", "Łódź"];
    let pick = |list: &[&str]| list.get(id as usize % list.len()).copied().unwrap_or_default().to_owned();
    [format!("user{id}@shop{}.example.com", id % 13), pick(&FIRST), format!("Number {id}"), pick(&CITY)]
}

fn order(id: u32) -> [String; 3] {
    [format!("A-{id:06}"), format!("Order {id}"), format!("{}.{:02}", id % 900 + 1, id % 100)]
}

fn product(id: u32) -> [String; 3] {
    let id = if id % 10 == 9 { id - 1 } else { id };
    [format!("Thing {id}"), format!("{}.{:02}", id % 50 + 1, id % 100), format!("Made of {}", id % 7)]
}

/// A decimal number without trailing zeros, as HubSpot is sent it.
fn shortest(amount: &str) -> String {
    if amount.contains('.') { amount.trim_end_matches('0').trim_end_matches('.').to_owned() } else { amount.to_owned() }
}

fn values(record: &Record, names: &[&str]) -> String {
    names.iter().map(|name| record.value(name)).collect::<Vec<_>>().join("|")
}

fn sorted(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<String> = texts.collect();
    texts.sort();
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shop_has_the_rows_that_it_was_asked_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("shop.sqlite");
        let shop = Shop::with_rows(100);
        shop.write(&path);
        let database = Connection::open(&path).expect("the database opens");
        let count = |table: &str| -> i64 {
            database.query_row(&format!("select count(*) from {table}"), [], |row| row.get(0)).expect("a table")
        };
        assert_eq!([count("users"), count("orders"), count("products")], [33, 33, 34]);
        assert_eq!(shop.rows(), 100);
        assert_eq!(Shop::with_rows(20_000).calls_needed(), 67 + 67 + 67 + 67 + 1);
    }

    #[test]
    fn some_products_are_alike_and_everything_else_is_distinct() {
        let wanted = Shop::with_rows(300).wanted();
        let distinct = |list: &[String]| {
            let mut list = list.to_vec();
            list.dedup();
            list.len()
        };
        assert_eq!((wanted.contacts.len(), distinct(&wanted.contacts)), (100, 100));
        assert_eq!((wanted.deals.len(), distinct(&wanted.deals)), (100, 100));
        assert_eq!((wanted.products.len(), distinct(&wanted.products)), (100, 90));
    }

    #[test]
    fn a_duplicate_and_a_loss_are_both_seen() {
        let wanted = Shop::with_rows(30).wanted();
        assert_eq!(wanted.differences(&wanted), Vec::<String>::new());
        let mut other = wanted.clone();
        let twice = other.products[0].clone();
        other.products.push(twice);
        other.deals.pop();
        let said = other.differences(&wanted).join("; ");
        assert!(said.contains("products: 1 too many") && said.contains("deals: 0 too many (), 1 missing"), "{said}");
    }

    #[test]
    fn amounts_are_compared_in_their_shortest_form() {
        assert_eq!(["1.50", "2.00", "30", "1.05"].map(shortest), ["1.5", "2", "30", "1.05"]);
    }
}
