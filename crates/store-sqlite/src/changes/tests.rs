//! Against a model: a change is in the log once, whatever is taken back, forgotten or read again at a start.

use std::collections::BTreeMap;

use linchpin_core::ingress::keys::{ChangeKey, DeliveryKey};
use linchpin_core::time::Wall;
use linchpin_hubspot::fingerprint::Fingerprint;
use linchpin_hubspot::id::{AppId, Install, ObjectType, PortalId, RecordId};
use linchpin_ports::event_log::{Accepted, NewEvent, Teller};
use proptest::prelude::*;

use super::*;
use crate::fault::Place;
use crate::schema;

/// Small, so that a few events go through all that happens to many.
const SMALL: usize = 6;

fn install(portal: u8) -> Install {
    Install { portal: PortalId(u64::from(portal)), app: AppId(9) }
}

/// An event of a few that there are: its number is its change.
fn event((portal, number): (u8, u8)) -> NewEvent {
    let about = (number % 5 != 0).then_some(RecordId(u64::from(number % 7)));
    NewEvent {
        install: install(portal),
        teller: Teller::Webhook,
        // Moments come in no order.
        occurred_at: Wall(i64::from(number.wrapping_mul(37))),
        kind: "propertyChange".to_owned(),
        object_type: about.map(|_| ObjectType::new("contacts")),
        record: about,
        property: None,
        delivery: DeliveryKey(Fingerprint([number; 16])),
        change: ChangeKey(Fingerprint([number; 16])),
        echo: None,
        raw: vec![number].into(),
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// Events come in.
    Accept(Vec<(u8, u8)>),
    /// The same, and its transaction is taken back.
    Refuse(Vec<(u8, u8)>),
    /// The same in a savepoint of a transaction that goes on.
    Undo(Vec<(u8, u8)>),
    /// All but so many of a log's events are old.
    Forget(u8, u8),
    /// The process ends and starts again.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let events = || prop::collection::vec((0_u8..3, any::<u8>()), 0..12);
    let step = prop_oneof![
        6 => events().prop_map(Step::Accept),
        1 => events().prop_map(Step::Refuse),
        1 => events().prop_map(Step::Undo),
        1 => (0_u8..3, 1_u8..9).prop_map(|(portal, left)| Step::Forget(portal, left)),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..60)
}

struct Store {
    connection: Connection,
    changes: Arc<Changes>,
    /// The places of each log's changes, by number.
    model: BTreeMap<u8, BTreeMap<u8, i64>>,
    clock: i64,
}

impl Store {
    fn new() -> Self {
        let mut connection = schema::open_memory().unwrap();
        let changes = Changes::with_generation(&mut connection, SMALL).unwrap();
        Self { connection, changes, model: BTreeMap::new(), clock: 0 }
    }

    fn accept(&self, events: &[(u8, u8)]) -> Accepted {
        let events: Vec<NewEvent> = events.iter().copied().map(event).collect();
        let accept = |recent: &mut Recent| events::accept(&self.connection, recent, &events, Wall(self.clock));
        self.changes.with(&self.connection, accept).unwrap()
    }

    fn run(&mut self, sql: &str) {
        self.connection.execute_batch(sql).unwrap();
    }

    fn take(&mut self, step: &Step) {
        self.clock += 1;
        match step {
            Step::Accept(events) => {
                self.run("begin immediate");
                let accepted = self.accept(events);
                self.run("commit");
                self.expect(events, accepted);
            }
            Step::Refuse(events) => {
                self.run("begin immediate");
                self.accept(events);
                self.run("rollback");
            }
            Step::Undo(events) => {
                self.run("begin immediate; savepoint request");
                let (all, now) = (events.iter().copied().map(event).collect::<Vec<_>>(), Wall(self.clock));
                let refused: Result<(), Fault> = self.changes.with(&self.connection, |recent| {
                    events::accept(&self.connection, recent, &all, now)?;
                    Err(Fault::Corrupt(Place { table: "event", column: "body", key: String::new() }))
                });
                assert!(refused.is_err());
                self.run("rollback to request; release request; commit");
            }
            Step::Forget(portal, left) => self.forget(*portal, usize::from(*left)),
            Step::Restart => self.changes = Changes::with_generation(&mut self.connection, SMALL).unwrap(),
        }
    }

    fn expect(&mut self, events: &[(u8, u8)], accepted: Accepted) {
        let mut expected = Accepted::default();
        for (portal, number) in events {
            let log = self.model.entry(*portal).or_default();
            let next = log.values().max().unwrap_or(&0) + 1;
            if log.contains_key(number) {
                expected.repeated += 1;
            } else {
                log.insert(*number, next);
                expected.new += 1;
            }
        }
        assert_eq!(accepted, expected);
    }

    fn forget(&mut self, portal: u8, left: usize) {
        let Some(log) = self.model.get_mut(&portal) else { return };
        let mut places: Vec<i64> = log.values().copied().collect();
        places.sort_unstable();
        let upto = places.len().checked_sub(left + 1).map_or(0, |place| places[place]);
        log.retain(|_, place| *place > upto);
        // What came in later than the last event to forget is kept: so all events are as old as their places.
        let age = format!("update event set received_at = place where portal = {portal}");
        self.run(&age);
        self.run("begin immediate");
        let forget =
            |recent: &mut Recent| events::forget(&self.connection, recent, install(portal), (Wall(upto + 1), 1_000));
        self.changes.with(&self.connection, forget).unwrap();
        self.run("commit");
    }

    fn in_table(&self) -> usize {
        let count = self.connection.query_row("select count(*) from event_change", (), |row| row.get::<_, u32>(0));
        usize::try_from(count.unwrap()).unwrap()
    }

    fn check(&self) {
        let mut stored: BTreeMap<u8, BTreeMap<u8, i64>> = BTreeMap::new();
        let mut rows = self.connection.prepare("select portal, change, place from event").unwrap();
        let rows = rows.query_map((), |row| Ok((row.get(0)?, row.get::<_, [u8; 16]>(1)?[0], row.get(2)?))).unwrap();
        for (portal, number, place) in rows.map(Result::unwrap) {
            assert_eq!(stored.entry(portal).or_default().insert(number, place), None, "a change is in the log once");
        }
        let model: BTreeMap<_, _> = self.model.iter().filter(|(_, log)| !log.is_empty()).collect();
        assert_eq!(stored.iter().collect::<BTreeMap<_, _>>(), model);
        let many = self.in_table();
        let all: usize = stored.values().map(BTreeMap::len).sum();
        assert!(many <= all, "the table knows {many} changes of {all}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_change_is_in_the_log_once(steps in steps()) {
        let mut store = Store::new();
        for step in &steps {
            store.take(step);
            store.check();
        }
    }
}

#[test]
fn memory_holds_two_generations_and_the_table_the_rest() {
    let mut store = Store::new();
    for number in 0..=u8::MAX {
        store.take(&Step::Accept(vec![(1, number)]));
        let held = store.changes.recent.lock().unwrap();
        let held = held.as_ref().map_or(0, |recent| recent.young.changes.len() + recent.old.changes.len());
        let many = store.in_table();
        assert!(held <= 2 * SMALL, "{held}");
        assert_eq!(held + many, usize::from(number) + 1);
    }
    // A start reads no more than what memory held.
    let settled: u32 = store.connection.query_row("select place from event_settled", (), |row| row.get(0)).unwrap();
    assert!(usize::try_from(settled).unwrap() >= 256 - 2 * SMALL, "{settled}");
}

#[test]
fn what_happened_first_goes_to_the_table_first() {
    let mut store = Store::new();
    let numbers: Vec<(u8, u8)> = (1..=4).map(|number| (1, number)).collect();
    store.take(&Step::Accept(numbers.clone()));
    store.take(&Step::Accept((6..=9).map(|number| (1, number)).collect()));
    store.take(&Step::Accept(vec![(1, 11)]));
    let mut rows = store.connection.prepare("select moment from event_change").unwrap();
    let settled: Vec<i64> = rows.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut first: Vec<i64> =
        numbers.iter().chain(&[(1, 6), (1, 7), (1, 8), (1, 9)]).map(|number| event(*number).occurred_at.0).collect();
    first.sort_unstable();
    first.truncate(settled.len());
    assert_eq!(settled, first);
}
