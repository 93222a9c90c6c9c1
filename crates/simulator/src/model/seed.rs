//! Records to begin with: plausible people, companies and deals, from a count of each and the dice.
//!
//! Seeded records count as old: search sees them at once. A million of them take some ten seconds, in which nothing
//! else is answered: a seeding is one step of the machine, so that the dice decide alone what comes of it.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, Method};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_core::Rng;
use serde::{Deserialize, Serialize};

use super::call::{Call, Properties, Query, Version};
use super::catalog::{COMPANIES, CONTACTS, DEALS, Kind, LINE_ITEMS, PRODUCTS, TICKETS};
use super::links::End;
use super::options::IndexLag;
use super::property::{Choice, Property, ValueType};
use super::{Caller, Portal, RecordSource, time};
use crate::wire::{ApiRequest, Millis};

/// The records, owners among them, that one seeding may ask for.
pub const SEED_RECORDS_MAX: usize = 2_000_000;
/// The values that one seeding may ask for in each record.
pub const SEED_FILLED_MAX: usize = 250;
/// New records from which on search makes its orders anew instead of putting each record in.
const ORDERS_FORGOTTEN_FROM: usize = 10_000;

/// A seeding that asks for too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeedError {
    /// Too many records.
    #[error("one seeding makes at most {SEED_RECORDS_MAX} records")]
    Records,
    /// Too many values in a record.
    #[error("`filled` is at most {SEED_FILLED_MAX}")]
    Filled,
}

/// How many records to make.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct SeedSpec {
    /// Contacts, each with an e-mail of its own.
    pub contacts: usize,
    /// Companies.
    pub companies: usize,
    /// Deals in the default pipeline.
    pub deals: usize,
    /// Line items.
    pub line_items: usize,
    /// Products.
    pub products: usize,
    /// Tickets in the default pipeline.
    pub tickets: usize,
    /// Owners with made-up addresses.
    pub owners: usize,
    /// Owners with these addresses; an address that is known already is passed over.
    pub owner_emails: Vec<String>,
    /// Teams with these names; owners are spread over all teams.
    pub teams: Vec<String>,
    /// Roles with these names.
    pub roles: Vec<String>,
    /// Values that each record is given at least; what its usual properties do not hold goes into properties that are
    /// made for it, `seeded_1` and so on.
    pub filled: usize,
    /// Whether contacts get a company, deals a contact and a company, line items a deal.
    pub associate: bool,
}

impl SeedSpec {
    /// Whether it stays below the limits.
    pub fn check(&self) -> Result<(), SeedError> {
        let Self {
            contacts, companies, deals, line_items, products, tickets, owners, owner_emails, teams, roles, ..
        } = self;
        let counts = [*contacts, *companies, *deals, *line_items, *products, *tickets, *owners];
        let named = [owner_emails.len(), teams.len(), roles.len()];
        let sum = counts.into_iter().chain(named).try_fold(0_usize, usize::checked_add);
        if sum.is_none_or(|sum| sum > SEED_RECORDS_MAX) {
            return Err(SeedError::Records);
        }
        if self.filled > SEED_FILLED_MAX { Err(SeedError::Filled) } else { Ok(()) }
    }
}

/// What was made.
#[derive(Clone, Debug, Default, Serialize, PartialEq, Eq)]
pub struct SeedReport {
    /// New records by plural type name; `owners` among them.
    pub created: BTreeMap<String, usize>,
    /// New associations, each counted once.
    pub associations: usize,
}

const FIRST_NAMES: &[&str] = &[
    "Ada", "Grace", "Linus", "Zoë", "Søren", "Chloé", "Jürgen", "Mei", "Ravi", "Noor", "Tomás", "Ingrid", "Kwame",
    "Yuki", "Elif", "Marek", "Aoife", "Paulo", "Hana", "Omar",
];
const LAST_NAMES: &[&str] = &[
    "Lovelace",
    "Hopper",
    "Nguyen",
    "Müller",
    "García",
    "Okafor",
    "Lindqvist",
    "Rossi",
    "Kowalski",
    "Haddad",
    "Silva",
    "Tanaka",
    "O'Brien",
    "Dubois",
    "Novák",
    "Patel",
    "Kim",
    "Berg",
    "Costa",
    "Yılmaz",
];
const TRADES: &[&str] =
    &["Tools", "Foods", "Records", "Logistics", "Robotics", "Textiles", "Energy", "Press", "Labs", "Marine"];
const PLACES: &[(&str, &str, &str)] = &[
    ("Boston", "MA", "United States"),
    ("Berlin", "BE", "Germany"),
    ("Lyon", "ARA", "France"),
    ("São Paulo", "SP", "Brazil"),
    ("Prague", "", "Czech Republic"),
    ("Dublin", "", "Ireland"),
];
const STAGES: &[&str] =
    &["appointmentscheduled", "qualifiedtobuy", "presentationscheduled", "contractsent", "closedwon", "closedlost"];

impl Portal {
    /// Makes records as `spec` says, beside those that are there; calls of the same spec add more.
    pub fn seed(&mut self, spec: &SeedSpec, now: Millis, dice: &mut dyn Rng) -> SeedReport {
        // Seeded records are old: nobody is told of them.
        let listening = self.is_listening();
        self.listen(false);
        let (lag, late) = (self.options.index_lag, self.options.late_properties);
        (self.options.index_lag, self.options.late_properties) = (IndexLag::Off, false);
        let request = empty_request();
        let caller = Caller { app_id: 0, source: RecordSource::Integration };
        let mut call = seed_call(&request, &caller, now, dice);
        let mut report = SeedReport::default();
        self.seed_owners(spec, now, &mut report);
        self.seed_teams(spec, &mut report);
        let counts = [
            (COMPANIES, spec.companies),
            (CONTACTS, spec.contacts),
            (PRODUCTS, spec.products),
            (DEALS, spec.deals),
            (LINE_ITEMS, spec.line_items),
            (TICKETS, spec.tickets),
        ];
        for (kind, count) in counts {
            if count >= ORDERS_FORGOTTEN_FROM {
                self.catalog.get_mut(kind).records.index.forget_orders();
            }
            for place in 0..count {
                self.seed_one(kind, place, spec, &mut call, &mut report);
            }
        }
        self.settle_rollups(&mut call);
        (self.options.index_lag, self.options.late_properties) = (lag, late);
        self.listen(listening);
        report
    }

    fn seed_owners(&mut self, spec: &SeedSpec, now: Millis, report: &mut SeedReport) {
        let mut made = 0;
        for place in 0..spec.owners {
            let (first, last) = (pick(FIRST_NAMES, place), pick(LAST_NAMES, place));
            made +=
                usize::from(self.add_owner(&format!("rep{}@linchpin.test", self.owners.len() + 1), first, last, now));
        }
        for email in &spec.owner_emails {
            let name = email.split('@').next().unwrap_or_default();
            let (first, last) = name.split_once('.').unwrap_or((name, ""));
            made += usize::from(self.add_owner(email, first, last, now));
        }
        if made > 0 {
            report.created.insert("owners".to_owned(), made);
        }
    }

    fn seed_teams(&mut self, spec: &SeedSpec, report: &mut SeedReport) {
        let teams = spec.teams.iter().filter(|name| self.directory.add_team(name)).count();
        let roles = spec.roles.iter().filter(|name| self.directory.add_role(name)).count();
        for (place, owner) in self.owners.iter_mut().enumerate() {
            owner.seat.primary_team = owner.seat.primary_team.or_else(|| self.directory.team_at(place));
        }
        for (name, count) in [("teams", teams), ("roles", roles)] {
            if count > 0 {
                report.created.insert(name.to_owned(), count);
            }
        }
    }

    pub(super) fn seed_one(
        &mut self,
        kind: Kind,
        place: usize,
        spec: &SeedSpec,
        call: &mut Call<'_>,
        report: &mut SeedReport,
    ) {
        let mut values = self.seed_values(kind, call);
        if kind != PRODUCTS && kind != LINE_ITEMS && !self.owners.is_empty() {
            let owner = self.owners.get(place % self.owners.len()).map(|owner| owner.id.to_string());
            values.extend(owner.map(|owner| ("hubspot_owner_id", owner)));
        }
        let lacking = spec.filled.saturating_sub(values.iter().filter(|(_, value)| !value.is_empty()).count());
        let mut pairs: Vec<(String, Option<String>)> =
            values.into_iter().map(|(name, value)| (name.to_owned(), Some(value))).collect();
        for number in 1..=lacking {
            let name = format!("seeded_{number}");
            self.define_seeded(kind, &name, number, call.now);
            pairs.push((name, Some(seeded_value(number, call))));
        }
        // What the tables above say is valid, and an address that is taken is the only conflict: then one less is made.
        let Ok(changes) = self.check_values(kind, &Properties(pairs), call.now) else { return };
        if self.find_conflict(kind, &changes, None).is_some() {
            return;
        }
        let id = self.create(kind, &changes, &Vec::new(), call);
        *report.created.entry(self.catalog.get(kind).plural.clone()).or_default() += 1;
        if !spec.associate {
            return;
        }
        let targets: &[(Kind, &[u32])] = match kind {
            CONTACTS => &[(COMPANIES, &[1])],
            DEALS => &[(CONTACTS, &[]), (COMPANIES, &[5])],
            LINE_ITEMS => &[(DEALS, &[])],
            TICKETS => &[(CONTACTS, &[])],
            _ => &[],
        };
        for (to, types) in targets {
            let live = &self.catalog.get(*to).records.live;
            // Ids leave gaps, so a place is drawn from the range and the next record after it is taken.
            let bounds = live.first_key_value().zip(live.last_key_value()).map(|((low, _), (high, _))| (*low, *high));
            let Some((low, high)) = bounds else { continue };
            let drawn = low + call.roll(high - low + 1);
            if let Some((other, _)) = self.catalog.get(*to).records.live.range(drawn..).next() {
                let to = End { kind: *to, id: *other };
                self.links.connect(End { kind, id }, to, types);
                report.associations += 1;
            }
        }
    }

    /// Makes a property for values that the usual ones do not hold, unless it is there.
    fn define_seeded(&mut self, kind: Kind, name: &str, number: usize, now: Millis) {
        let object_type = self.catalog.get_mut(kind);
        if object_type.properties.find(name).is_some() {
            return;
        }
        let (value_type, field_type) = seeded_type(number);
        let label = format!("Seeded {number}");
        let mut property = Property::standard(name, &label, value_type, field_type, "seeded_information");
        property.hubspot_defined = false;
        (property.created_at, property.updated_at) = (now, now);
        if value_type == ValueType::Enumeration {
            let choice = |(value, display_order): (&&str, i64)| Choice {
                label: (*value).to_owned(),
                value: value.to_lowercase(),
                description: None,
                display_order,
                hidden: false,
            };
            property.choices = TRADES.iter().zip(0..).map(choice).collect();
        }
        object_type.define(property);
    }

    fn seed_values(&self, kind: Kind, call: &mut Call<'_>) -> Vec<(&'static str, String)> {
        let number = self.catalog.get(kind).records.last_id + 1;
        let roll = |call: &mut Call<'_>, bound: usize| usize::try_from(call.roll(bound as u64)).unwrap_or(0);
        let first = pick(FIRST_NAMES, roll(call, FIRST_NAMES.len()));
        let last = pick(LAST_NAMES, roll(call, LAST_NAMES.len()));
        let trade = pick(TRADES, roll(call, TRADES.len()));
        let (city, state, country) = PLACES.get(roll(call, PLACES.len())).copied().unwrap_or_default();
        let price = format!("{}.{:02}", 1 + roll(call, 900), roll(call, 100));
        match kind {
            CONTACTS => vec![
                ("email", format!("contact{number}@{}.test", trade.to_lowercase())),
                ("firstname", first.to_owned()),
                ("lastname", last.to_owned()),
                ("phone", format!("+1617555{:04}", roll(call, 10_000))),
                ("city", city.to_owned()),
                ("state", state.to_owned()),
                ("country", country.to_owned()),
            ],
            COMPANIES => vec![
                ("name", format!("{last} {trade} {number}")),
                ("domain", format!("company{number}.test")),
                ("city", city.to_owned()),
                ("country", country.to_owned()),
                ("numberofemployees", (5 + roll(call, 5_000)).to_string()),
            ],
            DEALS => vec![
                ("dealname", format!("{last} {trade} renewal {number}")),
                ("amount", price),
                ("pipeline", "default".to_owned()),
                ("dealstage", pick(STAGES, roll(call, STAGES.len())).to_owned()),
            ],
            PRODUCTS => {
                vec![("name", format!("{trade} kit {number}")), ("price", price), ("hs_sku", format!("SKU-{number}"))]
            }
            LINE_ITEMS => {
                vec![("name", format!("{trade} kit")), ("price", price), ("quantity", (1 + roll(call, 9)).to_string())]
            }
            TICKETS => vec![
                ("subject", format!("Question {number} about {}", trade.to_lowercase())),
                ("hs_pipeline", "0".to_owned()),
                ("hs_pipeline_stage", (1 + roll(call, 4)).to_string()),
            ],
            _ => Vec::new(),
        }
    }

    /// The two contacts and the company that a fresh account holds.
    pub(super) fn seed_samples(&mut self, now: Millis) {
        let lag = std::mem::replace(&mut self.options.index_lag, IndexLag::Off);
        let late = std::mem::replace(&mut self.options.late_properties, false);
        let request = empty_request();
        let caller = Caller { app_id: 0, source: RecordSource::Integration };
        let mut dice = ChaCha8Rng::seed_from_u64(self.options.seed);
        let mut call = seed_call(&request, &caller, now, &mut dice);
        let samples: [(Kind, &[(&str, &str)]); 3] = [
            (COMPANIES, &[("name", "HubSpot"), ("domain", "hubspot.com")]),
            (
                CONTACTS,
                &[("email", "bh@hubspot.com"), ("firstname", "Brian"), ("lastname", "Halligan (Sample Contact)")],
            ),
            (
                CONTACTS,
                &[
                    ("email", "emailmaria@hubspot.com"),
                    ("firstname", "Maria"),
                    ("lastname", "Johnson (Sample Contact)"),
                ],
            ),
        ];
        let mut company = None;
        for (kind, values) in samples {
            let pairs = values.iter().map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned()))).collect();
            let Ok(changes) = self.check_values(kind, &Properties(pairs), now) else { continue };
            let edges = company.map(|end| (end, vec![1])).into_iter().collect();
            let id = self.create(kind, &changes, &edges, &mut call);
            company = company.or(Some(End { kind, id }));
        }
        self.settle_rollups(&mut call);
        (self.options.index_lag, self.options.late_properties) = (lag, late);
    }
}

fn empty_request() -> ApiRequest {
    ApiRequest {
        method: Method::POST,
        path: String::new(),
        query: String::new(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
    }
}

fn seed_call<'a>(request: &'a ApiRequest, caller: &'a Caller, now: Millis, dice: &'a mut dyn Rng) -> Call<'a> {
    Call { request, caller, now, dice, version: Version::V3, query: Query::default() }
}

/// Text, number, date, text, choice, and so on.
fn seeded_type(number: usize) -> (ValueType, &'static str) {
    match number % 5 {
        2 => (ValueType::Number, "number"),
        3 => (ValueType::Date, "date"),
        0 => (ValueType::Enumeration, "select"),
        _ => (ValueType::String, "text"),
    }
}

/// A value of a seeded property; all together have twelve bytes in the mean.
fn seeded_value(number: usize, call: &mut Call<'_>) -> String {
    let roll = |call: &mut Call<'_>, bound: usize| usize::try_from(call.roll(bound as u64)).unwrap_or(0);
    match seeded_type(number).0 {
        ValueType::Number => format!("{}.{:02}", call.roll(1_000_000), call.roll(100)),
        ValueType::Date => {
            let day = 18_000 + i64::try_from(call.roll(2_000)).unwrap_or(0);
            time::iso_day(Millis(day * 86_400_000))
        }
        ValueType::Enumeration => pick(TRADES, roll(call, TRADES.len())).to_lowercase(),
        _ => {
            let first = pick(FIRST_NAMES, roll(call, FIRST_NAMES.len()));
            let last = pick(LAST_NAMES, roll(call, LAST_NAMES.len()));
            format!("{first} {last} {}", pick(TRADES, roll(call, TRADES.len())))
        }
    }
}

fn pick(list: &[&'static str], place: usize) -> &'static str {
    list.get(place % list.len().max(1)).copied().unwrap_or_default()
}
