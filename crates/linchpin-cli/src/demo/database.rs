//! A small software company's database: companies, users, plans, subscriptions and invoice lines.
//!
//! Made up from a seed: the same seed and size make the same rows. It has what real databases have: accents, phone
//! numbers as people write them and some that are none, addresses with typing errors, two accounts with one address,
//! fields left empty, a status that nobody mapped.

use std::path::Path;

use rusqlite::{Connection, Transaction, params};
use serde::Serialize;

use super::dice::Dice;
use super::names::{BAD_EMAILS, BAD_PHONES, COMPANY_FIRST, COMPANY_SECOND, COUNTRIES, Country, INDUSTRIES, ROLES};

const SCHEMA: &str = "
create table companies (
  id integer primary key,
  name text not null,
  domain text,
  country text not null,
  city text,
  phone text,
  industry text,
  employees integer,
  created_at text not null
);
create table users (
  id integer primary key,
  company_id integer not null references companies (id),
  email text,
  first_name text,
  last_name text,
  phone text,
  country text not null,
  role text,
  created_at text not null
);
create table plans (
  id integer primary key,
  code text not null,
  name text not null,
  price_cents integer not null
);
create table subscriptions (
  id integer primary key,
  company_id integer not null references companies (id),
  admin_user_id integer references users (id),
  name text not null,
  status text not null,
  yearly_cents integer not null,
  started_at text not null
);
create table invoice_lines (
  id integer primary key,
  subscription_id integer not null references subscriptions (id),
  plan_id integer not null references plans (id),
  description text not null,
  seats integer not null,
  unit_price_cents integer not null
);
";

/// Users for each company, on average.
const USERS_PER_COMPANY: u32 = 5;

/// Plans on offer: name and price of a seat and year, in cents.
const PLANS: [(&str, &str, i64); 6] = [
    ("FREE", "Free", 0),
    ("TEAM", "Team", 9_600),
    ("TEAM+", "Team Plus", 14_400),
    ("BIZ", "Business", 22_800),
    ("BIZ+", "Business Plus", 34_800),
    ("ENT", "Enterprise", 58_800),
];

/// How many rows a database has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Rows {
    companies: u64,
    users: u64,
    plans: u64,
    subscriptions: u64,
    invoice_lines: u64,
}

impl Rows {
    /// The rows of all tables.
    pub(super) fn total(&self) -> u64 {
        self.companies + self.users + self.plans + self.subscriptions + self.invoice_lines
    }
}

/// Makes the database in a new file.
pub(super) fn make(path: &Path, users: u32, seed: u64) -> rusqlite::Result<Rows> {
    let mut connection = Connection::open(path)?;
    connection.execute_batch(SCHEMA)?;
    let transaction = connection.transaction()?;
    let mut maker = Maker { dice: Dice::new(seed), transaction: &transaction, emails: Vec::new() };
    maker.fill(users)?;
    transaction.commit()?;
    count(&connection)
}

/// Counts the rows.
pub(super) fn count(connection: &Connection) -> rusqlite::Result<Rows> {
    let of = |table: &str| {
        connection
            .query_row(&format!("select count(*) from {table}"), [], |row| row.get::<_, i64>(0))
            .map(i64::unsigned_abs)
    };
    Ok(Rows {
        companies: of("companies")?,
        users: of("users")?,
        plans: of("plans")?,
        subscriptions: of("subscriptions")?,
        invoice_lines: of("invoice_lines")?,
    })
}

struct Maker<'a> {
    dice: Dice,
    transaction: &'a Transaction<'a>,
    /// The addresses given so far; some people have two accounts.
    emails: Vec<String>,
}

impl Maker<'_> {
    fn fill(&mut self, users: u32) -> rusqlite::Result<()> {
        for (at, (code, name, price)) in (1_i64..).zip(PLANS) {
            self.transaction.execute("insert into plans values (?, ?, ?, ?)", params![at, code, name, price])?;
        }
        let companies = i64::from((users / USERS_PER_COMPANY).max(4));
        let users = i64::from(users);
        let mut user = 0;
        let mut subscription = 0;
        for company in 1..=companies {
            let country = self.company(company)?;
            let first_user = user + 1;
            // Whole users up to this company's share: sizes differ by the rounding, and the last company completes it.
            while user < users * company / companies {
                user += 1;
                self.user(user, company, country)?;
            }
            let upgrades = i64::from(self.dice.chance(125));
            for _ in 0..=upgrades {
                subscription += 1;
                self.subscription(subscription, company, first_user)?;
            }
        }
        Ok(())
    }

    fn company(&mut self, id: i64) -> rusqlite::Result<&'static Country> {
        let country = self.dice.pick(&COUNTRIES);
        let name = format!("{} {} {id}", self.dice.pick(&COMPANY_FIRST), self.dice.pick(&COMPANY_SECOND));
        let domain = (!self.dice.chance(50)).then(|| format!("{}.{}", ascii(&name), country.domain));
        let city = (!self.dice.chance(80)).then(|| *self.dice.pick(country.cities));
        let phone = self.phone(country);
        let industry = (!self.dice.chance(100)).then(|| *self.dice.pick(&INDUSTRIES));
        let employees = (!self.dice.chance(150)).then(|| self.dice.between(2, 4_000).cast_signed());
        let created = self.day();
        // Some names were typed with a blank too many.
        let name = if self.dice.chance(30) { format!(" {name} ") } else { name };
        self.transaction
            .prepare_cached("insert into companies values (?, ?, ?, ?, ?, ?, ?, ?, ?)")?
            .execute(params![id, name, domain, country.name, city, phone, industry, employees, created])?;
        Ok(country)
    }

    fn user(&mut self, id: i64, company: i64, country: &Country) -> rusqlite::Result<()> {
        let first = *self.dice.pick(country.first);
        let last = *self.dice.pick(country.last);
        let email = self.email(id, first, last, country);
        let phone = self.phone(country);
        // Some people shout.
        let (first, last) = if self.dice.chance(40) {
            (first.to_uppercase(), last.to_uppercase())
        } else {
            (first.to_owned(), last.to_owned())
        };
        let first = (!self.dice.chance(20)).then_some(first);
        let role = (!self.dice.chance(100)).then(|| *self.dice.pick(&ROLES));
        let created = self.day();
        self.transaction.prepare_cached("insert into users values (?, ?, ?, ?, ?, ?, ?, ?, ?)")?.execute(params![
            id,
            company,
            email,
            first,
            last,
            phone,
            country.code,
            role,
            created
        ])?;
        Ok(())
    }

    fn subscription(&mut self, id: i64, company: i64, first_user: i64) -> rusqlite::Result<()> {
        let status = match self.dice.below(1_000) {
            0..=3 => "paused-2019",
            4..=150 => "trial",
            151..=260 => "cancelled",
            _ => "active",
        };
        let lines = self.dice.between(1, 2);
        let mut yearly = 0;
        let started = self.day();
        self.transaction.prepare_cached("insert into subscriptions values (?, ?, ?, ?, ?, 0, ?)")?.execute(params![
            id,
            company,
            first_user,
            format!("Subscription {id}"),
            status,
            started
        ])?;
        for _ in 0..lines {
            let plan = self.dice.between(1, PLANS.len() as u64).cast_signed();
            let (_, name, price) = PLANS
                .get(usize::try_from(plan - 1).unwrap_or(0))
                .copied()
                .expect("invariant: a plan's number is its place");
            let seats = self.dice.between(1, 60).cast_signed();
            yearly += price * seats;
            self.transaction
                .prepare_cached(
                    "insert into invoice_lines (subscription_id, plan_id, description, seats, unit_price_cents)
                     values (?, ?, ?, ?, ?)",
                )?
                .execute(params![id, plan, format!("{name}, {seats} seats"), seats, price])?;
        }
        self.transaction
            .prepare_cached("update subscriptions set yearly_cents = ? where id = ?")?
            .execute(params![yearly, id])?;
        Ok(())
    }

    fn email(&mut self, id: i64, first: &str, last: &str, country: &Country) -> Option<String> {
        if self.dice.chance(8) {
            return None;
        }
        if self.dice.chance(4) {
            return Some((*self.dice.pick(&BAD_EMAILS)).to_owned());
        }
        if self.dice.chance(6) && !self.emails.is_empty() {
            // A second account with the address of the first, in other letters.
            return Some(self.dice.pick(&self.emails).to_uppercase());
        }
        let address = format!("{}.{}{id}@mail-{}.example.{}", ascii(first), ascii(last), id % 97, country.domain);
        self.emails.push(address.clone());
        Some(address)
    }

    fn phone(&mut self, country: &Country) -> Option<String> {
        if self.dice.chance(150) {
            return None;
        }
        if self.dice.chance(15) {
            return Some((*self.dice.pick(&BAD_PHONES)).to_owned());
        }
        let form = *self.dice.pick(country.phones);
        Some(form.chars().map(|c| if c == '#' { char::from(b'0' + self.digit()) } else { c }).collect())
    }

    fn digit(&mut self) -> u8 {
        u8::try_from(self.dice.below(10)).unwrap_or(0)
    }

    fn day(&mut self) -> String {
        format!("{}-{:02}-{:02}", self.dice.between(2019, 2026), self.dice.between(1, 9), self.dice.between(1, 28))
    }
}

/// Letters and digits of a name as they go into addresses: without accents, lower case.
fn ascii(name: &str) -> String {
    name.chars()
        .filter_map(|letter| match letter.to_lowercase().next().unwrap_or(letter) {
            plain @ ('a'..='z' | '0'..='9') => Some(plain),
            'á' | 'â' | 'ã' | 'ä' | 'å' | 'à' | 'ą' => Some('a'),
            'ç' | 'ć' => Some('c'),
            'é' | 'è' | 'ê' | 'ë' | 'ę' => Some('e'),
            'í' | 'î' | 'ï' | 'ı' => Some('i'),
            'ł' => Some('l'),
            'ñ' | 'ń' => Some('n'),
            'ó' | 'ô' | 'õ' | 'ö' | 'ø' => Some('o'),
            'ś' | 'ß' => Some('s'),
            'ú' | 'ü' | 'û' => Some('u'),
            'ź' | 'ż' => Some('z'),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dump(users: u32, seed: u64) -> (Rows, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("saas.db");
        let rows = make(&path, users, seed).unwrap();
        let connection = Connection::open(&path).unwrap();
        let mut lines = Vec::new();
        for table in ["companies", "users", "plans", "subscriptions", "invoice_lines"] {
            let mut statement = connection.prepare(&format!("select * from {table} order by id")).unwrap();
            let columns = statement.column_count();
            let mut read = statement.query([]).unwrap();
            while let Some(row) = read.next().unwrap() {
                let cells: Vec<_> = (0..columns).map(|at| shown(row.get_ref(at).unwrap())).collect();
                lines.push(format!("{table}: {}", cells.join(" ")));
            }
        }
        (rows, lines)
    }

    fn shown(value: rusqlite::types::ValueRef<'_>) -> String {
        value.as_str_or_null().map_or_else(
            |_| format!("{value:?}"),
            |text| text.map_or_else(|| "null".to_owned(), |text| format!("{text:?}")),
        )
    }

    #[test]
    fn the_same_seed_makes_the_same_rows() {
        assert_eq!(dump(300, 7), dump(300, 7));
        assert_ne!(dump(300, 7).1, dump(300, 8).1);
    }

    #[test]
    fn size_is_the_number_of_users() {
        for users in [20, 333, 2_000] {
            let (rows, lines) = dump(users, 7);
            assert_eq!(rows.users, u64::from(users));
            assert_eq!(rows.companies, u64::from(users / 5));
            assert_eq!(rows.total(), lines.len() as u64);
        }
    }

    #[test]
    fn it_has_what_real_databases_have() {
        let (_, lines) = dump(2_000, 7);
        let users: Vec<_> = lines.iter().filter(|line| line.starts_with("users")).collect();
        for flaw in ["null", "anna@", "n/a", "é", "ß", "ł", "@MAIL-"] {
            assert!(users.iter().any(|line| line.contains(flaw)), "no user has {flaw}");
        }
        assert!(lines.iter().any(|line| line.contains("paused-2019")), "no unknown status");
    }
}
