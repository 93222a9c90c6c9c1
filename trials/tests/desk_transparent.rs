//! Seeded mixes of valid, missing, merged, archived, duplicate and invalid calls: whoever makes one among many gets what
//! it would have got alone.
//!
//! The reference is a second simulator of the same seed that gets the same calls one at a time. Calls of a mix commute:
//! each writes a record of its own, so that any order means the same. Callers of one and the same write cannot be told
//! apart; of them, as many as alone get each answer.

#![expect(clippy::indexing_slicing, reason = "a mix is indexed by its own places")]

use std::collections::BTreeMap;

use http::Method;
use linchpin_core::schedule::limits::Tier;
use linchpin_engine::gateway::Coalesce;
use linchpin_simulator::model::IndexLag;
use linchpin_simulator::{SimOptions, WindowModel};
use linchpin_store_sqlite::SqliteStore;
use linchpin_trials::desk::Desk;
use linchpin_trials::transparency::compare::{Renaming, Seen};
use linchpin_trials::transparency::wanted::{Wanted, direct, face, together};
use linchpin_trials::{figure, parameters::parameter};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};

const CONTACTS: usize = 160;
const CALLS: usize = 140;

/// What the calls of a mix are about.
struct Portal {
    /// Only read, by any number of calls.
    read: Vec<String>,
    /// Written, each by one call: used up from the end, as are the merged and the archived.
    live: Vec<String>,
    merged: Vec<(String, String)>,
    archived: Vec<String>,
    companies: Vec<String>,
    emails: Vec<String>,
}

async fn desk(seed: u64, latency_ms: u32) -> (Desk, Portal) {
    let mut options = SimOptions { seed, latency_ms, window: WindowModel::Exact, ..SimOptions::default() };
    options.portal.index_lag = IndexLag::Off;
    let store = SqliteStore::in_memory().expect("a store");
    let desk = Desk::start(options, Tier::Professional, store.stores()).await;
    let seeded = json!({"contacts": CONTACTS, "companies": 30, "associate": true}).to_string();
    desk.control("POST", "/_control/seed", &seeded).await;
    let portal = prepare(&desk).await;
    (desk, portal)
}

/// Merges and archives a few, in both worlds alike.
async fn prepare(desk: &Desk) -> Portal {
    let mut live = ids(desk, "contacts", "/id").await;
    let mut emails = ids(desk, "contacts", "/properties/email").await;
    let companies = ids(desk, "companies", "/id").await;
    let (mut merged, mut archived) = (Vec::new(), Vec::new());
    for _ in 0..6 {
        let (winner, loser) = (live.remove(0), live.remove(0));
        emails.drain(..2);
        let body = json!({"primaryObjectId": winner, "objectIdToMerge": loser});
        let done = direct(&desk.simulator, &Wanted::new(&Method::POST, "/crm/v3/objects/contacts/merge", &body)).await;
        assert_eq!(done.status, 200);
        merged.push((winner, loser));
    }
    for _ in 0..12 {
        let id = live.remove(0);
        emails.remove(0);
        let gone = Wanted::new(&Method::DELETE, format!("/crm/v3/objects/contacts/{id}"), &Value::Null);
        assert_eq!(direct(&desk.simulator, &gone).await.status, 204);
        archived.push(id);
    }
    let read: Vec<String> = live.drain(..live.len() / 2).collect();
    emails.truncate(read.len());
    Portal { read, live, merged, archived, companies, emails }
}

async fn ids(desk: &Desk, object_type: &str, pointer: &str) -> Vec<String> {
    let dump = desk.control("GET", &format!("/_control/dump/{object_type}"), "").await;
    let text = |line: &str| serde_json::from_str::<Value>(line).ok()?.pointer(pointer)?.as_str().map(str::to_owned);
    dump.lines().filter_map(text).collect()
}

/// A generator of calls about one portal.
struct Mix {
    dice: ChaCha8Rng,
    portal: Portal,
    number: usize,
}

const QUERIES: [&str; 9] = [
    "?properties=email,lastname",
    "?properties=lastname&properties=email",
    "?properties=firstname",
    "",
    "?properties=email,no_such_property",
    "?properties=email&archived=true",
    "?properties=email&archived=false",
    "?propertiesWithHistory=email",
    "?properties=email&associations=companies",
];

impl Mix {
    fn roll(&mut self, sides: usize) -> usize {
        usize::try_from(self.dice.next_u64() % sides as u64).expect("a small number")
    }

    fn pick(&mut self, from: &[String]) -> String {
        let at = self.roll(from.len());
        from[at].clone()
    }

    /// Somebody's id, in whatever state, or none's: for reads, which disturb nobody.
    fn any_id(&mut self) -> String {
        let read = self.portal.read.clone();
        match self.roll(12) {
            // The first ones are never written.
            0 => {
                let at = self.roll(4);
                self.portal.archived[at].clone()
            }
            1 => "99999999".to_owned(),
            2 | 3 => {
                let at = self.roll(3);
                let (winner, loser) = self.portal.merged[at].clone();
                if self.roll(2) == 0 { winner } else { loser }
            }
            4 => ["0", "-5", "007", "abc", "1e3", "99999999999999999999999", "%20"][self.roll(7)].to_owned(),
            _ => self.pick(&read),
        }
    }

    /// An id that no other call of the mix is about.
    fn own_id(&mut self) -> String {
        match self.roll(12) {
            0 if self.portal.archived.len() > 4 => self.portal.archived.pop(),
            1 if self.portal.merged.len() > 3 => self
                .portal
                .merged
                .pop()
                .map(|(winner, loser)| if self.number.is_multiple_of(2) { winner } else { loser }),
            2 => Some(format!("8{:07}", self.number)),
            _ => None,
        }
        .or_else(|| self.portal.live.pop())
        .unwrap_or_else(|| format!("7{:07}", self.number))
    }

    fn read(&mut self) -> Wanted {
        let query = QUERIES[self.roll(QUERIES.len()).min(self.roll(QUERIES.len()))];
        if self.roll(15) == 0 {
            let emails = self.portal.emails.clone();
            let email = self.pick(&emails);
            return Wanted::get(format!("/crm/v3/objects/contacts/{email}?idProperty=email&properties=email"));
        }
        let base = ["/crm/v3/objects/contacts", "/crm/objects/2026-03/contacts", "/crm/v3/objects/0-1"];
        Wanted::get(format!("{}/{}{query}", base[self.roll(5).min(2)], self.any_id()))
    }

    fn update(&mut self) -> Wanted {
        let (id, number) = (self.own_id(), self.number);
        let taken = self.portal.emails.first().cloned().unwrap_or_default();
        let body = match self.roll(14) {
            0 => json!({"properties": {"email": "no address"}}),
            1 => json!({"properties": {"email": taken}}),
            2 => json!({"properties": {"no_such_property": "x"}}),
            3 => json!({"properties": {"lifecyclestage": "no_such_stage"}}),
            4 => json!({"properties": {"createdate": "2020-01-01T00:00:00Z"}}),
            5 => json!({"properties": {"city": null}}),
            6 => json!({"properties": {}}),
            7 => json!({"properties": {"city": 5, "firstname": true}}),
            8 => json!({"properties": {"city": ["a"]}}),
            9 => json!({"properties": {"city": ""}}),
            10 => json!([]),
            _ => json!({"properties": {"city": format!("Graz {number}"), "firstname": "É"}}),
        };
        Wanted::new(&Method::PATCH, format!("/crm/v3/objects/contacts/{id}"), &body)
    }

    fn create(&mut self) -> Wanted {
        let number = self.number;
        let contacts = "/crm/v3/objects/contacts";
        let taken = self.portal.emails.first().cloned().unwrap_or_default();
        let company = self.portal.companies.first().cloned().unwrap_or_default();
        let link = json!([{"to": {"id": company}, "types": [
            {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]}]);
        let (path, body) = match self.roll(13) {
            0 => (contacts, json!({"properties": {"email": taken, "firstname": "Taken"}})),
            1 => (contacts, json!({"properties": {"email": "no address", "firstname": "Wrong"}})),
            2 => (contacts, json!({"properties": {"firstname": format!("Nobody {number}"), "lastname": "N"}})),
            3 => (contacts, json!({"properties": {"firstname": format!("X {number}"), "no_such_property": "N"}})),
            4 => (contacts, json!({"properties": {}})),
            5 => (contacts, json!({"properties": {"firstname": format!("L {number}")}, "associations": link})),
            6 => (contacts, json!({"properties": {"firstname": "I", "lifecyclestage": "no_such_stage"}})),
            7 => ("/crm/v3/objects/companies", json!({"properties": {"name": format!("Co {number}"), "city": "Linz"}})),
            8 => (
                "/crm/v3/objects/deals",
                json!({"properties": {"dealname": format!("Deal {number}"), "amount": "12.50"}}),
            ),
            9 => ("/crm/v3/objects/no_such_type", json!({"properties": {"name": "x"}})),
            _ => {
                let email = format!("New{number}@Example.test");
                (contacts, json!({"properties": {"email": email, "firstname": "New"}}))
            }
        };
        Wanted::new(&Method::POST, path, &body)
    }

    fn associations(&mut self) -> Wanted {
        let id = self.any_id();
        Wanted::get(match self.roll(6) {
            0 => format!("/crm/v3/objects/contacts/{id}/associations/companies"),
            1 => format!("/crm/v4/objects/contacts/{id}/associations/companies?limit=1"),
            2 => format!("/crm/objects/2026-03/contacts/{id}/associations/companies"),
            3 => format!("/crm/v4/objects/contacts/{id}/associations/deals"),
            _ => format!("/crm/v4/objects/contacts/{id}/associations/companies"),
        })
    }

    /// A write of an association of a record that no other call is about.
    fn link(&mut self) -> Wanted {
        let (id, companies) = (self.own_id(), self.portal.companies.clone());
        let company = match self.roll(10) {
            0 => "99999999".to_owned(),
            1 => ["0", "abc", "007"][self.roll(3)].to_owned(),
            _ => self.pick(&companies),
        };
        let base = ["/crm/v4/objects/contacts", "/crm/objects/2026-03/contacts", "/crm/v4/objects/0-1"];
        let base = format!("{}/{id}/associations", base[self.roll(5).saturating_sub(2)]);
        let (method, path) = match self.roll(12) {
            0 => (Method::PUT, format!("{base}/default/contacts/{id}")),
            1 => (Method::PUT, format!("{base}/default/no_such_type/{company}")),
            2 => (Method::PUT, format!("/crm/v4/objects/companies/{company}/associations/default/contacts/{id}")),
            3..=5 => (Method::DELETE, format!("{base}/companies/{company}")),
            _ => (Method::PUT, format!("{base}/default/companies/{company}")),
        };
        Wanted::new(&method, path, &Value::Null)
    }

    fn next(&mut self) -> Wanted {
        self.number += 1;
        match self.roll(24) {
            20..=23 => self.link(),
            0..=7 => self.read(),
            8..=10 => self.update(),
            11..=14 => self.create(),
            15 => Wanted::new(&Method::DELETE, format!("/crm/v3/objects/contacts/{}", self.own_id()), &Value::Null),
            16..=18 => self.associations(),
            _ => Wanted::get("/crm/v3/objects/companies/0?properties=name"),
        }
    }

    /// The calls; now and then several callers want the same.
    fn calls(mut self) -> Vec<Wanted> {
        let mut calls = Vec::new();
        while calls.len() < CALLS {
            let wanted = self.next();
            let times = if self.roll(6) == 0 { 1 + self.roll(4) } else { 1 };
            calls.extend(std::iter::repeat_n(wanted, times));
        }
        // Not in the order in which records were taken.
        for at in (1..calls.len()).rev() {
            let other = self.roll(at + 1);
            calls.swap(at, other);
        }
        calls
    }
}

/// Puts the answers to one and the same write into an order of their own.
fn settled(calls: &[Wanted], answers: Vec<Seen>) -> Vec<Seen> {
    let mut twins: BTreeMap<&Wanted, Vec<Seen>> = BTreeMap::new();
    for (wanted, seen) in calls.iter().zip(&answers).filter(|(wanted, _)| wanted.is_write()) {
        twins.entry(wanted).or_default().push(seen.clone());
    }
    for seen in twins.values_mut() {
        // Taken from the end.
        seen.sort_by_key(|seen| std::cmp::Reverse(seen.status));
    }
    let pairs = calls.iter().zip(answers);
    pairs.map(|(wanted, seen)| twins.get_mut(wanted).and_then(Vec::pop).unwrap_or(seen)).collect()
}

/// Every record of a type without what differs between any two worlds.
async fn census(desk: &Desk, object_type: &str) -> BTreeMap<String, usize> {
    let dump = desk.control("GET", &format!("/_control/dump/{object_type}"), "").await;
    let mut census = BTreeMap::new();
    for line in dump.lines() {
        let record: Value = serde_json::from_str(line).expect("a record");
        let value = |name: &str| record.pointer(&format!("/properties/{name}")).cloned().unwrap_or_default();
        let names = ["email", "firstname", "lastname", "city", "name", "dealname", "amount"];
        *census.entry(names.map(|name| value(name).to_string()).join("|")).or_default() += 1;
    }
    census
}

struct Figures {
    calls: usize,
    together: u64,
    again: u64,
    statuses: BTreeMap<u16, usize>,
}

async fn round(seed: u64, figures: &mut Figures) {
    let ((alone, portal), (crowd, _)) = (desk(seed, 0).await, desk(seed, 80).await);
    let mix = Mix { dice: ChaCha8Rng::seed_from_u64(seed), portal, number: 0 };
    let calls = mix.calls();
    let mut expected = Vec::new();
    for wanted in &calls {
        // At the pace of the limit: the reference meets no 429.
        tokio::time::sleep(std::time::Duration::from_millis(60)).await;
        expected.push(direct(&alone.simulator, wanted).await);
    }
    let face = face(&crowd, Coalesce::All, seed);
    let got = together(&face, &calls).await;
    let mut renaming = Renaming::default();
    let (expected, got) = (settled(&calls, expected), settled(&calls, got));
    // New records first: their ids are learned from the answers to their creations.
    let mut order: Vec<usize> = (0..calls.len()).collect();
    order.sort_by_key(|at| expected[*at].status != 201);
    for at in order {
        *figures.statuses.entry(expected[at].status).or_default() += 1;
        let same = renaming.demand(&expected[at], &got[at], false);
        assert_eq!(same, Ok(()), "{:?}; repeat with LINCHPIN_TRIAL_SEED={seed} LINCHPIN_TRIAL_MIXES=1", calls[at]);
    }
    for object_type in ["contacts", "companies", "deals"] {
        let repeat = "repeat with LINCHPIN_TRIAL_SEED";
        assert_eq!(census(&crowd, object_type).await, census(&alone, object_type).await, "{repeat}={seed}");
    }
    assert_eq!(crowd.stat("rate_limited").await, 0, "a 429 of our making; LINCHPIN_TRIAL_SEED={seed}");
    figures.calls += calls.len();
    figures.together += face.gateway.saved().together;
    figures.again += face.gateway.saved().again;
}

#[tokio::test(start_paused = true)]
async fn whoever_calls_among_many_gets_what_it_would_have_got_alone() {
    let (first, seeds) = (parameter("SEED", 0_u64), parameter("MIXES", 12_u64));
    let mut figures = Figures { calls: 0, together: 0, again: 0, statuses: BTreeMap::new() };
    for seed in first..first + seeds {
        round(seed, &mut figures).await;
    }
    figure("mixes of calls", seeds);
    figure("calls compared", figures.calls);
    figure("of them together with others", figures.together);
    figure("asked again alone", figures.again);
    figure("statuses", format!("{:?}", figures.statuses));
    assert!(figures.together * 4 > figures.calls as u64, "too few travelled together");
    for status in [200, 201, 204, 400, 404, 409] {
        assert!(figures.statuses.get(&status).is_some_and(|count| *count > 0), "no {status}");
    }
}
