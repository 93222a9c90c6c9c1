//! Records to begin with: plausible people, companies and deals, from a count of each and the dice.
//!
//! Seeded records count as old: search sees them at once.

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
use super::{Caller, Portal, RecordSource};
use crate::wire::{ApiRequest, Millis};

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
    /// Whether contacts get a company, deals a contact and a company, line items a deal.
    pub associate: bool,
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
        let (lag, late) = (self.options.index_lag, self.options.late_properties);
        (self.options.index_lag, self.options.late_properties) = (IndexLag::Off, false);
        let request = empty_request();
        let caller = Caller { app_id: 0, source: RecordSource::Integration };
        let mut call = seed_call(&request, &caller, now, dice);
        let mut report = SeedReport::default();
        self.seed_owners(spec, now, &mut report);
        let counts = [
            (COMPANIES, spec.companies),
            (CONTACTS, spec.contacts),
            (PRODUCTS, spec.products),
            (DEALS, spec.deals),
            (LINE_ITEMS, spec.line_items),
            (TICKETS, spec.tickets),
        ];
        for (kind, count) in counts {
            for place in 0..count {
                self.seed_one(kind, place, spec.associate, &mut call, &mut report);
            }
        }
        (self.options.index_lag, self.options.late_properties) = (lag, late);
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

    fn seed_one(&mut self, kind: Kind, place: usize, associate: bool, call: &mut Call<'_>, report: &mut SeedReport) {
        let mut values = self.seed_values(kind, call);
        if kind != PRODUCTS && kind != LINE_ITEMS && !self.owners.is_empty() {
            let owner = self.owners.get(place % self.owners.len()).map(|owner| owner.id.to_string());
            values.extend(owner.map(|owner| ("hubspot_owner_id", owner)));
        }
        let pairs = values.into_iter().map(|(name, value)| (name.to_owned(), Some(value))).collect();
        // What the tables above say is valid, and an address that is taken is the only conflict: then one less is made.
        let Ok(changes) = self.check_values(kind, &Properties(pairs), call.now) else { return };
        if self.find_conflict(kind, &changes, None).is_some() {
            return;
        }
        let id = self.create(kind, &changes, &Vec::new(), call);
        *report.created.entry(self.catalog.get(kind).plural.clone()).or_default() += 1;
        if !associate {
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

fn pick(list: &[&'static str], place: usize) -> &'static str {
    list.get(place % list.len().max(1)).copied().unwrap_or_default()
}
