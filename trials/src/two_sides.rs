//! Two sides that write back what they hear: a small HubSpot, a second side, and the way between them under one clock.
//!
//! People edit both sides at random. Whatever changes in HubSpot is told late, twice and out of order; whatever the second
//! side hears or is told by its people it writes to HubSpot, over calls that fail, whose answers are lost, and that come
//! late. Receipts and hearing are the real ones; feeds, calls and both sides are models.
//!
//! Not here: HubSpot's rules (the simulator has them). What matters is when which value is where.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use http::Method;
use linchpin_core::echo::hearing::{Hearing, Told};
use linchpin_core::echo::receipts::{Noted, Receipts};
use linchpin_core::echo::writes::{answered, writes};
use linchpin_core::echo::{Echo, Form};
use linchpin_core::time::Wall;
use linchpin_hubspot::call::Call;
use linchpin_hubspot::event::{Change, Event, NewValue};
use linchpin_hubspot::id::{AppId, Install, ObjectType, PortalId, RecordId};
use linchpin_hubspot::value::instant_text;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::json;

const INSTALL: Install = Install { portal: PortalId(7), app: AppId(9) };
const CALLER: &str = "erp";
const BEGIN: i64 = 1_700_000_000_000;
/// Records, properties of each, and values that people choose from: few, so that they come back.
const RECORDS: u64 = 2;
const PROPERTIES: [&str; 2] = ["city", "town"];
const VALUES: u64 = 4;
/// Edits of each side, and the time in which they happen.
const EDITS: u64 = 15;
const EDITING_MS: u64 = 40_000;
/// After so many steps a run is taken to go on for ever.
const STEPS_MAX: u64 = 20_000;

/// A property of a record.
type Place = (u64, &'static str);

/// How the second side behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It writes back whatever it hears, and does not look at when it happened.
    Naive,
    /// The same, but it takes no notice of what is older than what it has heard.
    Comparing,
    /// It writes back nothing that it hears, and takes no notice of what is older. Where Linchpin is started anew, and
    /// cannot know what is older than the side's own writes, it goes by the answers to these as well.
    Careful,
}

/// A run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its seed.
    pub seed: u64,
    /// How the second side behaves.
    pub side: Side,
    /// Whether echoes are recognised.
    pub receipts: bool,
    /// How far HubSpot's clock is ahead.
    skew: i64,
    /// When Linchpin is started anew, if it is.
    restart: Option<i64>,
    /// How many events a delivery holds at most.
    batch: usize,
}

impl Plan {
    /// The plan of a seed.
    pub fn of(seed: u64, receipts: bool) -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let mut below = |most: u64| dice.next_u64() % most;
        let side = match below(3) {
            0 => Side::Naive,
            1 => Side::Comparing,
            _ => Side::Careful,
        };
        let skew = i64::try_from(below(3_000)).unwrap_or(0) - 1_500;
        let restart = (below(3) == 0).then(|| i64::try_from(below(EDITING_MS)).unwrap_or(0));
        let batch = if below(2) == 0 { 1 } else { 5 };
        Self { seed, side, receipts, skew, restart, batch }
    }
}

/// What a run has come to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ended {
    /// Changes by people, on both sides.
    pub edits: u64,
    /// Writes of the second side to HubSpot; one that is tried again counts once.
    pub writes: u64,
    /// Of these, those that changed something.
    pub changes: u64,
    /// Events that were heard.
    pub heard: u64,
    /// Answers that were lost.
    pub lost: u64,
    /// Whether it came to rest.
    pub rests: bool,
    /// Whether both sides ended equal.
    pub equal: bool,
}

#[derive(Clone, Debug)]
struct Logged {
    event: Event,
    place: Place,
    value: String,
    echo: Option<Echo>,
}

/// A write on its way.
#[derive(Clone, Debug)]
struct Write {
    place: Place,
    value: String,
    note: u64,
}

#[derive(Clone, Debug)]
enum Step {
    PersonInHubSpot(Place, String),
    PersonBeside(Place, String),
    Told(Event, Place, String),
    Feed,
    Hears(Vec<Logged>),
    Delivered { upto: usize, arrived: bool, begun: u64 },
    Leaves(u64),
    Lands(Write, bool),
    Answers(Write, Option<Vec<u8>>),
    Gives(Write),
    Restart,
}

#[derive(Clone, Debug, Default)]
struct Record {
    values: BTreeMap<&'static str, String>,
    updated: i64,
}

struct World {
    plan: Plan,
    dice: ChaCha8Rng,
    now: i64,
    steps: BTreeMap<(i64, u64), Step>,
    turns: u64,
    hubspot: BTreeMap<u64, Record>,
    beside: BTreeMap<Place, (String, i64)>,
    /// What is to be written, by record: one at a time.
    to_write: BTreeMap<u64, VecDeque<(Place, String)>>,
    writing: BTreeSet<u64>,
    notes: BTreeMap<u64, Noted>,
    receipts: Receipts,
    hearing: Hearing,
    found: Option<(u64, linchpin_core::echo::hearing::Found)>,
    log: Vec<Logged>,
    known: BTreeSet<(Place, i64, String)>,
    taken: BTreeSet<(Place, i64, String)>,
    place: usize,
    ended: Ended,
}

/// Makes a run.
pub fn run(plan: Plan) -> Ended {
    let dice = ChaCha8Rng::seed_from_u64(plan.seed ^ 0x5eed);
    let mut world = World {
        dice,
        now: BEGIN,
        steps: BTreeMap::new(),
        turns: 0,
        hubspot: BTreeMap::new(),
        beside: BTreeMap::new(),
        to_write: BTreeMap::new(),
        writing: BTreeSet::new(),
        notes: BTreeMap::new(),
        receipts: Receipts::default(),
        hearing: hearing(&plan, BEGIN - 1),
        found: None,
        log: Vec::new(),
        known: BTreeSet::new(),
        taken: BTreeSet::new(),
        place: 0,
        ended: Ended::default(),
        plan,
    };
    world.prepare();
    for _ in 0..STEPS_MAX {
        let Some(((at, _), step)) = world.steps.pop_first() else {
            world.ended.rests = true;
            break;
        };
        world.now = at;
        world.act(step);
    }
    world.ended.equal = (0..RECORDS).all(|record| {
        PROPERTIES.iter().all(|name| {
            let here = world.hubspot.get(&record).and_then(|record| record.values.get(name));
            here == world.beside.get(&(record, *name)).map(|(value, _)| value)
        })
    });
    world.ended
}

fn hearing(plan: &Plan, now: i64) -> Hearing {
    let callers = plan.receipts.then(|| CALLER.to_owned());
    Hearing::new(callers.into_iter().collect(), Wall(now))
}

impl World {
    fn below(&mut self, most: u64) -> i64 {
        i64::try_from(self.dice.next_u64() % most).unwrap_or(0)
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    fn after(&mut self, wait: i64, step: Step) {
        self.turns += 1;
        self.steps.insert((self.now + wait, self.turns), step);
    }

    fn prepare(&mut self) {
        for nth in 0..2 * EDITS {
            let wait = self.below(EDITING_MS);
            let record = self.below(RECORDS).unsigned_abs();
            let name = if self.one_in(2) { PROPERTIES[0] } else { PROPERTIES[1] };
            let value = format!("value {}", self.below(VALUES));
            let place = (record, name);
            let step =
                if nth % 2 == 0 { Step::PersonInHubSpot(place, value) } else { Step::PersonBeside(place, value) };
            self.after(wait, step);
        }
        if let Some(wait) = self.plan.restart {
            self.after(wait, Step::Restart);
        }
    }

    fn act(&mut self, step: Step) {
        match step {
            Step::PersonInHubSpot(place, value) => {
                if self.set(place, &value) {
                    self.ended.edits += 1;
                }
            }
            Step::PersonBeside(place, value) => {
                if self.beside.get(&place).is_none_or(|(old, _)| *old != value) {
                    self.ended.edits += 1;
                    let heard = self.beside.get(&place).map_or(0, |(_, heard)| *heard);
                    self.beside.insert(place, (value.clone(), heard));
                    self.write(place, value);
                }
            }
            Step::Told(event, place, value) => self.take(event, place, value),
            Step::Feed => self.feed(),
            Step::Hears(events) => events.into_iter().for_each(|event| self.hear(event)),
            Step::Delivered { upto, arrived, begun } => self.delivered(upto, arrived, begun),
            Step::Leaves(record) => self.leave(record),
            Step::Lands(write, told) => self.land(write, told),
            Step::Answers(write, answer) => self.answer(&write, answer),
            Step::Gives(write) => self.again(write),
            Step::Restart => self.restart(),
        }
    }

    /// Changes a value in HubSpot, and tells it. Says whether it is another one.
    fn set(&mut self, (record, name): Place, value: &str) -> bool {
        let now = self.now + self.plan.skew;
        let kept = self.hubspot.entry(record).or_default();
        if kept.values.get(name).is_some_and(|old| old == value) {
            return false;
        }
        kept.values.insert(name, value.to_owned());
        kept.updated = now.max(kept.updated + 1);
        let at = kept.updated;
        let change = Change::Property {
            object_type: ObjectType::new("contacts"),
            id: RecordId(record + 1),
            name: name.to_owned(),
            value: NewValue::Known(value.to_owned()),
        };
        let event = Event {
            install: INSTALL,
            number: None,
            subscription: None,
            occurred_at_ms: at,
            attempt: 0,
            source: None,
            source_id: None,
            change,
        };
        for _ in 0..if self.one_in(5) { 2 } else { 1 } {
            // Mostly soon, sometimes late, and now and then beyond the life of receipts.
            let wait = match self.below(100) {
                0 => 400_000,
                1..10 => self.below(30_000),
                _ => 20 + self.below(2_000),
            };
            self.after(wait, Step::Told(event.clone(), (record, name), value.to_owned()));
        }
        true
    }

    /// The way in: each change is in the log once.
    fn take(&mut self, event: Event, place: Place, value: String) {
        let echo = self.receipts.judge(&event, Wall(self.now)).map(|(echo, _)| echo);
        if self.known.insert((place, event.occurred_at_ms, value.clone())) {
            let echo = echo.filter(|_| self.plan.receipts);
            self.log.push(Logged { event, place, value, echo });
            if self.found.is_none() {
                self.after(1, Step::Feed);
            }
        }
    }

    /// The feed: one delivery at a time.
    fn feed(&mut self) {
        if self.found.is_some() || self.place >= self.log.len() {
            return;
        }
        let (mut ahead, mut upto, mut heard) = (self.hearing.ahead(), self.place, Vec::new());
        while let Some(logged) = self.log.get(upto).filter(|_| heard.len() < self.plan.batch) {
            let place = (ObjectType::new("contacts"), RecordId(logged.place.0 + 1), logged.place.1.to_owned());
            let record = (INSTALL.portal, place.0.clone(), place.1);
            let stands = self.receipts.stands(&record, &place.2, self.hearing.callers(), Wall(self.now));
            let (at, value) = (Wall(logged.event.occurred_at_ms), Form::of(&place.2, Some(&logged.value)));
            if ahead.hears(Told { place, value, at, echo: logged.echo.as_ref() }, &stands) {
                heard.push(logged.clone());
            }
            upto += 1;
        }
        self.turns += 1;
        let (found, begun) = (ahead.found(), self.turns);
        self.found = Some((begun, found));
        let slow = self.one_in(10);
        let took = 5 + self.below(if slow { 5_000 } else { 200 });
        let arrived = heard.is_empty() || !self.one_in(20);
        let processed = self.below(took.unsigned_abs());
        if !heard.is_empty() {
            self.after(processed, Step::Hears(heard));
        }
        self.after(took, Step::Delivered { upto, arrived, begun });
    }

    fn delivered(&mut self, upto: usize, arrived: bool, begun: u64) {
        let Some((_, found)) = self.found.take_if(|(of, _)| *of == begun) else { return };
        // One that failed was taken all the same here.
        self.hearing.handle_heard(found, Wall(self.now));
        if arrived {
            self.place = upto;
        }
        self.after(if arrived { 1 } else { 500 }, Step::Feed);
    }

    fn hear(&mut self, Logged { event, place, value, .. }: Logged) {
        self.ended.heard += 1;
        let at = event.occurred_at_ms;
        let newest = self.beside.get(&place).map_or(0, |(_, newest)| *newest);
        if self.plan.side != Side::Naive && at < newest {
            return;
        }
        // Deliveries have names, by which a receiver knows what it has taken already.
        if !self.taken.insert((place, at, value.clone())) && self.plan.side != Side::Naive {
            return;
        }
        self.beside.insert(place, (value.clone(), at.max(newest)));
        if self.plan.side != Side::Careful {
            self.write(place, value);
        }
    }

    fn write(&mut self, place: Place, value: String) {
        self.ended.writes += 1;
        self.to_write.entry(place.0).or_default().push_back((place, value));
        let wait = 1 + self.below(50);
        self.after(wait, Step::Leaves(place.0));
    }

    /// Writes of a record leave one after the other.
    fn leave(&mut self, record: u64) {
        if self.writing.contains(&record) {
            return;
        }
        let Some((place, value)) = self.to_write.entry(record).or_default().pop_front() else { return };
        self.writing.insert(record);
        // Whoever writes back nothing sends what it has now.
        let careful = self.plan.side == Side::Careful;
        let value = self.beside.get(&place).filter(|_| careful).map_or(value, |(value, _)| value.clone());
        self.send(place, value);
    }

    fn send(&mut self, place: Place, value: String) {
        let (record, name) = place;
        let path = format!("/crm/v3/objects/contacts/{}", record + 1);
        let call = Call::new(Method::PATCH, path).with_json(&json!({"properties": {name: value}}));
        let noted = self.receipts.note(INSTALL.portal, CALLER, writes(&call), Wall(self.now));
        self.turns += 1;
        self.notes.insert(self.turns, noted);
        let write = Write { place, value, note: self.turns };
        let there = 5 + self.below(150);
        match self.below(100) {
            // Refused, and surely not done.
            0..3 => self.after(there, Step::Gives(write)),
            // Nobody knows; it is not done, or much later.
            3..5 => {
                if self.one_in(2) {
                    let late = 1_000 + self.below(4_000);
                    self.after(late, Step::Lands(write.clone(), false));
                }
                self.after(1_000, Step::Answers(write, None));
            }
            _ => self.after(there, Step::Lands(write, true)),
        }
    }

    fn land(&mut self, write: Write, told: bool) {
        if self.set(write.place, &write.value) {
            self.ended.changes += 1;
        }
        if !told {
            return;
        }
        let (record, name) = write.place;
        let updated = self.hubspot.get(&record).map_or(0, |record| record.updated);
        let answer = json!({"id": (record + 1).to_string(), "properties": {name: write.value},
            "updatedAt": instant_text(updated)});
        let back = 5 + self.below(150);
        let lost = self.one_in(30);
        self.after(
            if lost { 1_000 } else { back },
            Step::Answers(write, (!lost).then(|| answer.to_string().into_bytes())),
        );
    }

    fn answer(&mut self, write: &Write, answer: Option<Vec<u8>>) {
        let noted = self.notes.remove(&write.note);
        let (Some(body), Some(noted)) = (answer, noted) else {
            // Or written before a restart: nobody remembers it, and its answer goes nowhere.
            self.ended.lost += 1;
            return self.resend(write.clone());
        };
        let answers = answered(&body);
        self.receipts.handle_done(&noted, &answers, Wall(self.now));
        let updated = answers.iter().filter_map(|answer| answer.updated).max();
        if let Some(own) = self.beside.get_mut(&write.place).filter(|_| self.plan.restart.is_some()) {
            own.1 = own.1.max(updated.map_or(0, |Wall(at)| at));
        }
        self.written(write.place.0);
    }

    fn again(&mut self, write: Write) {
        if let Some(noted) = self.notes.remove(&write.note) {
            self.receipts.handle_not_done(&noted);
        }
        self.resend(write);
    }

    fn resend(&mut self, write: Write) {
        let careful = self.plan.side == Side::Careful;
        let value = self.beside.get(&write.place).filter(|_| careful).map_or(write.value, |(value, _)| value.clone());
        self.send(write.place, value);
    }

    fn written(&mut self, record: u64) {
        self.writing.remove(&record);
        self.after(1, Step::Leaves(record));
    }

    fn restart(&mut self) {
        self.receipts = Receipts::default();
        self.hearing = hearing(&self.plan, self.now);
        self.notes.clear();
        self.found = None;
        self.after(10, Step::Feed);
    }
}
