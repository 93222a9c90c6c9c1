//! `linchpin serve` that HubSpot tells of changes, by webhooks, by the journal or by both, and that is killed meanwhile.
//!
//! Linchpin is looked at from outside: its store as any reader of SQL sees it, HubSpot by the simulator's own book.

#![expect(clippy::disallowed_methods, reason = "real processes are waited for in real time")]

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::binary::{self, Running};
use crate::control::Control;
use crate::records::Record;
use crate::simulator::{Simulator, TOKEN};
use crate::workplace::Workplace;

/// The account.
pub const PORTAL: u64 = 48_151_623;
/// The key of the admin interface.
pub const ADMIN_KEY: &str = "pat-test-admin-1";
/// Between two looks at a state that takes its time, so that looking costs nobody anything.
const LOOK_AGAIN: Duration = Duration::from_millis(25);
/// How long another connection's lock is waited for.
const BUSY_LIMIT: Duration = Duration::from_secs(5);

/// An app that is told of changes.
#[derive(Clone, Copy, Debug)]
pub struct App {
    /// Its number.
    pub id: u64,
    /// Its client id, of which there is one where it reads a journal.
    pub client: &'static str,
    /// Its client secret.
    pub secret: &'static str,
}

/// Looks now and then until `state` holds; whether it did before `limit`.
pub fn until(limit: Duration, mut state: impl FnMut() -> bool) -> bool {
    binary::until(limit, || {
        let holds = state();
        if !holds {
            std::thread::sleep(LOOK_AGAIN);
        }
        holds
    })
}

/// A simulator, and one user's folder whose server listens where the simulator delivers to.
#[derive(Debug)]
pub struct Hearing {
    /// HubSpot.
    pub simulator: Simulator,
    /// The folder; its store is `state.db`.
    pub place: Workplace,
    listen: String,
}

/// Ids and values: of each record, the properties that were asked for and have one.
pub type Records = BTreeMap<String, BTreeMap<String, String>>;

impl Hearing {
    /// A simulator with these flags, and a server with these sections of the configuration beside `hubspot`, `store` and
    /// `gateway`.
    ///
    /// # Panics
    /// If the simulator does not start.
    pub fn new(flags: &[&str], sections: &str) -> Self {
        let simulator = Simulator::start(&[&["--index-lag", "off"], flags].concat());
        let free = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let listen = free.local_addr().expect("it listens").to_string();
        drop(free);
        let place = Workplace::new();
        place.write_config(&format!(
            "hubspot: {{token: {TOKEN}, base_url: '{}', tier: professional}}\nstore: state.db\n\
             gateway: {{listen: '{listen}', admin: {{key: {ADMIN_KEY}}}}}\n{sections}",
            simulator.base()
        ));
        Self { simulator, place, listen }
    }

    /// Lets an app be told by webhooks; `order` says how (`faults`, `delivery`, ...).
    ///
    /// # Panics
    /// If the simulator refuses.
    pub fn subscribe(&self, app: App, subscriptions: &[Value], mut order: Value) {
        let target = format!("http://{}/webhooks/hubspot/{}", self.listen, app.id);
        let app = json!({"app_id": app.id, "client_secret": app.secret, "subscriptions": subscriptions,
            "portals": [PORTAL], "target_url": target});
        order.as_object_mut().expect("an order is an object").insert("apps".to_owned(), json!([app]));
        self.simulator.control().json(Method::POST, "/_control/webhooks", Some(&order));
    }

    /// Lets an app, which is an OAuth app of the simulator, be told of contacts by the journal.
    ///
    /// # Panics
    /// If the simulator refuses.
    pub fn subscribe_journal(&self, app: App, actions: &[&str], properties: &[&str]) {
        let App { client, secret, .. } = app;
        let scope = "developer.webhooks_journal.subscriptions.write";
        let form = format!("grant_type=client_credentials&client_id={client}&client_secret={secret}&scope={scope}");
        let issued = self.simulator.control().form("/oauth/2026-03/token", &form);
        let token = issued.get("access_token").and_then(Value::as_str).expect("a token");
        let subscription = json!({"subscriptionType": "OBJECT", "portalId": PORTAL, "objectTypeId": "0-1",
            "actions": actions, "properties": properties});
        let journal = Control::new(self.simulator.base(), token);
        journal.json(Method::POST, "/webhooks-journal/subscriptions/2026-03", Some(&subscription));
    }

    /// Starts the server and waits until it listens.
    ///
    /// # Panics
    /// If it does not in time.
    pub fn serve(&self) -> Running {
        self.place.serve(&[]).0
    }

    /// The server's client, without a key.
    pub fn server(&self) -> Control {
        Control::new(&format!("http://{}", self.listen), TOKEN)
    }

    /// What the admin interface says of the first journal.
    ///
    /// # Panics
    /// If none is read.
    pub fn journal(&self) -> Value {
        let admin = Control::new(&format!("http://{}", self.listen), ADMIN_KEY);
        let all = admin.json(Method::GET, "/linchpin/v1/journals", None);
        all.pointer("/journals/0").cloned().expect("a journal is read")
    }

    /// Lets people be busy.
    pub fn churn(&self, order: &Value) {
        self.simulator.control().json(Method::POST, "/_control/churn", Some(order));
    }

    /// The simulator's book of webhooks.
    pub fn webhooks(&self) -> Value {
        self.simulator.control().json(Method::GET, "/_control/webhooks", None)
    }

    /// One of its totals.
    ///
    /// # Panics
    /// If there is none of that name.
    pub fn told(&self, name: &str) -> u64 {
        self.webhooks().pointer(&format!("/counts/{name}")).and_then(Value::as_u64).expect("the counts are told")
    }

    /// Waits until everything has happened that was ordered, and no event is on its way by a webhook any more.
    ///
    /// # Panics
    /// If that takes longer than `limit`.
    pub fn settle(&self, limit: Duration) {
        let settled = until(limit, || {
            let state = self.webhooks();
            let left = ["/pending/events_waiting", "/pending/posts_under_way", "/churn_left"];
            left.iter().all(|pointer| state.pointer(pointer).and_then(Value::as_u64) == Some(0))
        });
        assert!(settled, "{}", self.webhooks());
    }

    /// Waits until the server has read all that the journal tells by now.
    ///
    /// # Panics
    /// If that takes longer than `limit`.
    pub fn read_journal(&self, limit: Duration) {
        let unpublished = || self.webhooks().pointer("/journal/events_unpublished").and_then(Value::as_u64);
        assert!(until(limit, || unpublished() == Some(0)), "{}", self.webhooks());
        let published = self.simulator.now();
        let read_until = || self.journal().get("read_until_ms").and_then(Value::as_i64);
        assert!(until(limit, || read_until() > Some(published)), "{}", self.journal());
    }

    /// The store, to be read.
    ///
    /// # Panics
    /// If it cannot be opened.
    pub fn store(&self) -> rusqlite::Connection {
        let store = rusqlite::Connection::open(self.place.path("state.db")).expect("the store opens");
        store.busy_timeout(BUSY_LIMIT).expect("it waits");
        store
    }

    /// One number out of the store; none if there is no row or it is null.
    ///
    /// # Panics
    /// If the query fails.
    pub fn number(&self, query: &str) -> Option<i64> {
        self.store().query_row(query, (), |row| row.get(0)).expect("a number")
    }

    /// Waits until the mirror has followed the log to its end and nothing is left to be read.
    ///
    /// # Panics
    /// If that takes longer than `limit`.
    pub fn follow(&self, limit: Duration) {
        let queries = [
            "select (select max(place) from event where portal > 0) - (select max(place) from follow_place)",
            "select count(*) from wanted",
        ];
        let left = || queries.map(|query| self.number(query));
        assert!(until(limit, || left() == [Some(0); 2]), "{:?}", left());
    }

    /// What HubSpot holds of contacts.
    pub fn there(&self, properties: &[&str]) -> Records {
        let of = |record: Record| {
            let values = record.properties.into_iter().filter(|(name, _)| properties.contains(&name.as_str()));
            (record.id, values.collect())
        };
        self.simulator.dump("contacts").into_iter().map(of).collect()
    }

    /// What the mirror holds of contacts, of those that are there or of those that are not.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn mirrored(&self, archived: bool) -> Records {
        let store = self.store();
        let query = "select record, substr(properties, 2) from mirror where object_type = 'contacts' and archived = ?1";
        let mut rows = store.prepare(query).expect("a query");
        let rows =
            rows.query_map([archived], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))).expect("rows");
        let values = |blob: Vec<u8>| {
            let values: BTreeMap<String, Option<String>> = serde_json::from_slice(&blob).expect("values are JSON");
            let values = values.into_iter();
            values.filter_map(|(name, value)| Some((name, value.filter(|text| !text.is_empty())?))).collect()
        };
        rows.map(|row| row.map(|(id, blob)| (id.to_string(), values(blob))).expect("a row")).collect()
    }

    /// Demands that the mirror holds the contacts that are there, each with these values.
    ///
    /// # Panics
    /// If it does not; says what the log and the follower have of some that differ.
    pub fn demand_mirror(&self, properties: &[&str]) {
        const SHOWN: usize = 5;
        let (there, mirrored) = (self.there(properties), self.mirrored(false));
        let mut differ: Vec<&String> = there.keys().chain(mirrored.keys()).collect();
        differ.retain(|id| there.get(*id) != mirrored.get(*id));
        let shown = differ.iter().take(SHOWN);
        let shown: Vec<_> = shown.map(|id| (id, there.get(*id), mirrored.get(*id), self.story(id))).collect();
        assert!(differ.is_empty(), "{} of {} differ: {shown:?}", differ.len(), there.len());
    }

    /// What the log, the follower and the simulator have of a record.
    fn story(&self, id: &str) -> Vec<String> {
        let store = self.store();
        let query = "select place || ' ' || kind || ' ' || coalesce(property, '') || ' ' || occurred_at from event
            where record = ?1 union all select cast(substr(known, 2) as text) from followed where record = ?1";
        let mut lines = store.prepare(query).expect("a query");
        let lines = lines.query_map([id.parse::<i64>().expect("an id")], |row| row.get(0)).expect("rows");
        let told = self.simulator.control().lines("/_control/webhooks/events");
        let told = told
            .iter()
            .filter(|line| line.pointer("/event/objectId").is_some_and(|found| found.as_u64() == id.parse().ok()));
        lines.map(|line| line.expect("a row")).chain(told.map(ToString::to_string)).collect()
    }

    /// Hands over every change that happened, as the simulator's book has it.
    ///
    /// # Panics
    /// If the book cannot be read.
    pub fn happened(&self, mut each: impl FnMut(Happened)) {
        #[derive(Deserialize)]
        struct Line<'a> {
            #[serde(borrow)]
            event: &'a RawValue,
            fate: String,
            taken: u32,
        }
        let lines = self.simulator.control().text(Method::GET, "/_control/webhooks/events", None);
        for line in lines.lines() {
            let Line { event, fate, taken } = serde_json::from_str(line).expect("each line is of the documented form");
            each(Happened { change: change(event.get().as_bytes()), fate, taken });
        }
    }

    /// Hands over every change in the log, in the order in which they came in.
    ///
    /// # Panics
    /// If the log cannot be read.
    pub fn logged(&self, mut each: impl FnMut(Logged)) {
        let store = self.store();
        let query = "select teller, also, occurred_at, record, property, substr(body, 2) from event order by place";
        let mut rows = store.prepare(query).expect("a query");
        let mut rows = rows.query(()).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            let logged = || {
                let subject = row.get::<_, Option<i64>>(3)?.zip(row.get(4)?);
                let (teller, also, occurred_at) = (row.get(0)?, row.get(1)?, row.get(2)?);
                let body: Vec<u8> = row.get(5)?;
                Ok::<_, rusqlite::Error>(Logged { change: change(&body), teller, also, occurred_at, subject })
            };
            each(logged().expect("a row of the log"));
        }
    }
}

/// The number of [`Logged::teller`] that means the journal.
pub const JOURNAL: i64 = 2;

/// A change that happened.
#[derive(Clone, Debug)]
pub struct Happened {
    /// The change.
    pub change: String,
    /// What became of the webhook's event: `delivered`, `lost`, ...
    pub fate: String,
    /// How often it was acknowledged.
    pub taken: u32,
}

/// A change in the log.
#[derive(Clone, Debug)]
pub struct Logged {
    /// The change.
    pub change: String,
    /// Who told it first.
    pub teller: i64,
    /// Who told it as well: the sum of `1 << teller`.
    pub also: i64,
    /// When it happened, in milliseconds.
    pub occurred_at: i64,
    /// Record and property, if it is about a value.
    pub subject: Option<(i64, String)>,
}

/// An event without what differs between those who tell it: its kind, record, moment, property and value.
fn change(event: &[u8]) -> String {
    let event: Value = serde_json::from_slice(event).expect("an event is JSON");
    let kind = event.get("subscriptionType").and_then(Value::as_str).expect("an event says what it is");
    let mut change = kind.split_once('.').map_or(kind, |(_, what)| what).to_owned();
    for member in ["objectId", "occurredAt", "propertyName", "propertyValue"] {
        change.push(' ');
        change.push_str(&event.get(member).map(Value::to_string).unwrap_or_default());
    }
    change
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_the_same_whoever_tells_it() {
        let webhook = br#"{"subscriptionType":"contact.propertyChange","objectId":7,"occurredAt":5,"eventId":1,
            "propertyName":"city","propertyValue":"Oslo"}"#;
        let journal = br#"{"propertyName":"city","propertyValue":"Oslo","occurredAt":5,"objectId":7,
            "subscriptionType":"object.propertyChange"}"#;
        assert_eq!(change(webhook), r#"propertyChange 7 5 "city" "Oslo""#);
        assert_eq!(change(journal), change(webhook));
        let deletion = br#"{"subscriptionType":"contact.deletion","objectId":7,"occurredAt":5}"#;
        assert_ne!(change(deletion), change(&[b"{\"x\":1,", &webhook[1..]].concat()));
    }
}
