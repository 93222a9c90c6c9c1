//! What coalescing and caching would have saved, while every call passes through unchanged.
//!
//! The machine is told of each call when it arrives and when its answer comes, and plays what the gateway would have
//! done: an idle key sends at once, alone; others gather until it returns; an identical read that is on its way is
//! waited for; a read of metadata is answered from what is known for a while. It uses the coalescer of the real thing.
//!
//! What it does not know, it takes against itself: waiting for the budget, during which more would gather, is left out.
//! A batch that was never sent takes as long as the newest single call took.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use linchpin_hubspot::call::{Effect, Family};
use linchpin_hubspot::routes::Route;

use super::usage::{Kind, Usage};
use crate::schedule::Ticket;
use crate::schedule::coalesce::{BatchId, Coalescer, Join, JoinKey};
use crate::time::Mono;

/// How long an answer about metadata would be believed. HubSpot sends no event when it changes.
pub const METADATA_KEPT: Duration = Duration::from_secs(300);
/// Reads that are remembered; while all of them are young, further ones count as different from all others.
pub const READS_MAX: usize = 10_000;
/// What a call takes before the first answer has come.
const TOOK_FIRST: Duration = Duration::from_millis(100);

/// The name of a call that the machine was told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId(u64);

/// A call that arrives.
#[derive(Clone, Debug)]
pub struct Arrival<'a> {
    /// Whose, and of which kind.
    pub kind: Kind,
    /// Its path, read.
    pub route: &'a Route,
    /// How it would join a batch, or why it would travel alone.
    pub join: Result<&'a Join, &'static str>,
    /// What two identical calls have in common: a digest of credential, target and headers that matter.
    pub same: u64,
}

/// How a call came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// With success.
    Success,
    /// With a refusal of HubSpot.
    Refusal,
    /// Without an answer of HubSpot.
    Nothing,
}

/// What a read is about, for what a write would make old.
type Subject = (Family, Option<String>);

#[derive(Clone, Debug)]
struct Read {
    subject: Subject,
    /// The call that asks for it now.
    asking: Option<CallId>,
    /// Until when its answer would be believed.
    believed: Mono,
}

#[derive(Clone, Debug)]
struct Open {
    kind: Kind,
    route: Route,
    since: Mono,
    joins: bool,
    same: Option<u64>,
}

/// The account of what would have been.
#[derive(Clone, Debug)]
pub struct Shadow {
    usage: Usage,
    coalescer: Coalescer,
    /// Calls whose real answers have not come yet.
    open: BTreeMap<CallId, Open>,
    /// Calls that gather, in the played world.
    gathering: BTreeMap<Ticket, Kind>,
    /// Batches of one that left when they arrived: the real answer ends them.
    singles: BTreeMap<CallId, BatchId>,
    /// When the other batches come back, in the played world.
    returns: BTreeSet<(Mono, BatchId)>,
    reads: BTreeMap<u64, Read>,
    took: Duration,
    reached: Mono,
    calls_seen: u64,
}

impl Default for Shadow {
    fn default() -> Self {
        Self {
            usage: Usage::default(),
            coalescer: Coalescer::default(),
            open: BTreeMap::new(),
            gathering: BTreeMap::new(),
            singles: BTreeMap::new(),
            returns: BTreeSet::new(),
            reads: BTreeMap::new(),
            took: TOOK_FIRST,
            reached: Mono::default(),
            calls_seen: 0,
        }
    }
}

impl Shadow {
    /// A call arrives, and leaves for HubSpot as it is. Its end must be told by [`handle_return`](Self::handle_return).
    pub fn handle_call(&mut self, arrival: Arrival<'_>, now: Mono) -> CallId {
        self.advance(now);
        self.calls_seen += 1;
        let id = CallId(self.calls_seen);
        let Arrival { kind, route, join, same } = arrival;
        self.usage.row(&kind).calls += 1;
        let reads = route.effect == Effect::Safe;
        let mut open = Open { kind, route: route.clone(), since: now, joins: false, same: None };
        if !reads {
            let (family, object_type) = subject(route);
            self.reads.retain(|_, read| read.subject.0 != family || read.subject.1 != object_type);
        } else if self.is_answered_already(&open.kind, same, now) {
            self.open.insert(id, open);
            return id;
        } else if self.remember(id, same, route, now) {
            open.same = Some(same);
        }
        match join {
            Err(why) => {
                let row = self.usage.row(&open.kind);
                row.needed += 1;
                *row.alone.entry(why).or_default() += 1;
            }
            Ok(join) => {
                open.joins = true;
                let ticket = Ticket(id.0);
                self.gathering.insert(ticket, open.kind.clone());
                self.coalescer.handle_join(ticket, join, now);
                self.leave(&join.key, Some(id), now);
            }
        }
        self.open.insert(id, open);
        id
    }

    /// The answer to a call has come, or will never come.
    pub fn handle_return(&mut self, id: CallId, returned: Returned, now: Mono) {
        self.advance(now);
        let Some(open) = self.open.remove(&id) else { return };
        match returned {
            Returned::Success => self.usage.handle_success(&open.route),
            Returned::Refusal => {}
            Returned::Nothing => self.usage.row(&open.kind).failed += 1,
        }
        if open.joins {
            self.took = now - open.since;
        }
        if let Some(same) = open.same
            && let Some(read) = self.reads.get_mut(&same).filter(|read| read.asking == Some(id))
        {
            read.asking = None;
            if returned == Returned::Success {
                read.believed = now + kept(&open.route);
            }
        }
        if let Some(batch) = self.singles.remove(&id) {
            self.coalescer.handle_return(batch);
            self.leave_due(now);
        }
    }

    /// What would have been, up to now.
    pub fn usage(&mut self, now: Mono) -> &Usage {
        self.advance(now);
        &self.usage
    }

    /// Whether an identical read would have answered this one.
    fn is_answered_already(&mut self, kind: &Kind, same: u64, now: Mono) -> bool {
        let Some(read) = self.reads.get(&same) else { return false };
        let (asked, believed) = (read.asking.is_some(), read.believed > now);
        if asked {
            self.usage.row(kind).same += 1;
        } else if believed {
            self.usage.row(kind).kept += 1;
        }
        asked || believed
    }

    /// Remembers a read that leaves now. False if there is no room.
    fn remember(&mut self, id: CallId, same: u64, route: &Route, now: Mono) -> bool {
        if self.reads.len() >= READS_MAX {
            self.reads.retain(|_, read| read.asking.is_some() || read.believed > now);
        }
        let room = self.reads.len() < READS_MAX || self.reads.contains_key(&same);
        if room {
            self.reads.insert(same, Read { subject: subject(route), asking: Some(id), believed: Mono::default() });
        }
        room
    }

    /// Plays everything that would have happened by now, in its order.
    fn advance(&mut self, now: Mono) {
        loop {
            let back = self.returns.first().copied().filter(|(at, _)| *at <= now);
            // What had waited long enough before, and still waits, waits for a write: a return is its only way out.
            let full = self.coalescer.poll_timeout().filter(|at| *at <= now && *at > self.reached);
            let Some(at) = back.map(|(at, _)| at).into_iter().chain(full).min() else { break };
            self.reached = self.reached.max(at);
            if let Some((when, batch)) = back.filter(|(when, _)| *when == at) {
                self.returns.remove(&(when, batch));
                self.coalescer.handle_return(batch);
            }
            self.leave_due(at);
        }
        self.reached = self.reached.max(now);
        self.leave_due(now);
    }

    fn leave_due(&mut self, now: Mono) {
        for key in self.coalescer.due(now) {
            self.leave(&key, None, now);
        }
    }

    /// Lets the batches of a key leave that may. A call that leaves alone as it arrives is the real one.
    fn leave(&mut self, key: &JoinKey, arrived: Option<CallId>, now: Mono) {
        while let Some(batch) = self.coalescer.seal(key, now) {
            self.count(&batch.tickets);
            match arrived.filter(|id| batch.tickets == [Ticket(id.0)]) {
                Some(id) => drop(self.singles.insert(id, batch.id)),
                None => drop(self.returns.insert((now + self.took, batch.id))),
            }
        }
    }

    /// A batch is put down to whoever came first.
    fn count(&mut self, tickets: &[Ticket]) {
        let mut kinds = tickets.iter().filter_map(|ticket| self.gathering.remove(ticket));
        if let Some(first) = kinds.next() {
            self.usage.row(&first).needed += 1;
        }
        for kind in kinds {
            self.usage.row(&kind).joined += 1;
        }
    }
}

/// How long an answer would be believed: definitions, pipelines and owners are configuration, records are not.
fn kept(route: &Route) -> Duration {
    match route.family {
        Family::Schema | Family::Pipelines | Family::Owners => METADATA_KEPT,
        Family::Objects
        | Family::Search
        | Family::Associations
        | Family::Lists
        | Family::Account
        | Family::Token
        | Family::Webhooks
        | Family::Other => Duration::ZERO,
    }
}

fn subject(route: &Route) -> Subject {
    (route.family, route.object_type.as_ref().map(|object_type| object_type.as_str().to_owned()))
}

#[cfg(test)]
mod tests {
    use http::Method;
    use linchpin_hubspot::routes::classify;
    use proptest::prelude::*;

    use super::*;
    use crate::gateway::usage::Row;
    use crate::schedule::coalesce::INPUTS_MAX;

    const MS: u64 = 1_000;

    /// A world in which calls take a hundred milliseconds.
    #[derive(Default)]
    struct World {
        shadow: Shadow,
        ends: BTreeSet<(u64, CallId)>,
    }

    impl World {
        fn pass(&mut self, at: u64) {
            while let Some((end, id)) = self.ends.first().copied().filter(|(end, _)| *end <= at) {
                self.ends.remove(&(end, id));
                self.shadow.handle_return(id, Returned::Success, Mono(end * MS));
            }
        }

        fn call(&mut self, at: u64, (method, path): (Method, &str), join: Result<&Join, &'static str>, same: u64) {
            self.pass(at);
            let route = classify(&method, path);
            let arrival = Arrival { kind: Kind::new("billing", &route), route: &route, join, same };
            let id = self.shadow.handle_call(arrival, Mono(at * MS));
            self.ends.insert((at + 100, id));
        }

        fn read(&mut self, at: u64, record: u64) {
            let join =
                Join { key: JoinKey("contacts".to_owned()), record: Some(format!("contacts:{record}")), writes: false };
            let path = format!("/crm/v3/objects/contacts/{record}?properties=email");
            self.call(at, (Method::GET, &path), Ok(&join), record);
        }

        fn sum(&mut self, at: u64) -> Row {
            self.pass(at);
            let mut sum = Row::default();
            self.shadow.usage(Mono(at * MS)).rows().for_each(|(_, row)| sum.add(row));
            assert_eq!(sum.calls, sum.needed + sum.joined + sum.same + sum.kept, "every call is somewhere: {sum:?}");
            sum
        }
    }

    #[test]
    fn a_lone_caller_saves_nothing() {
        let mut world = World::default();
        for turn in 0..10 {
            world.read(turn * 200, turn);
        }
        let sum = world.sum(10_000);
        assert_eq!((sum.calls, sum.needed, sum.saved()), (10, 10, 0));
    }

    #[test]
    fn an_idle_key_sends_alone_and_the_others_gather_until_it_returns() {
        let mut world = World::default();
        for record in 0..60 {
            world.read(record, record);
        }
        // One at once; when it returns after 100 ms the other 59 are one batch.
        let sum = world.sum(10_000);
        assert_eq!((sum.calls, sum.needed, sum.joined), (60, 2, 58));
        world.read(20_000, 7);
        assert_eq!(world.sum(30_000).needed, 3, "the key is idle again");
    }

    #[test]
    fn a_full_batch_does_not_wait() {
        let mut world = World::default();
        let reads = 2 * INPUTS_MAX as u64 + 1;
        for record in 0..reads {
            world.read(0, record);
        }
        let sum = world.sum(10_000);
        assert_eq!((sum.calls, sum.needed), (reads, 3));
    }

    #[test]
    fn identical_reads_at_once_are_one_and_later_ones_are_not() {
        let mut world = World::default();
        for _ in 0..5 {
            world.read(0, 7);
        }
        world.read(200, 7);
        let sum = world.sum(10_000);
        assert_eq!((sum.calls, sum.needed, sum.same, sum.kept), (6, 2, 4, 0));
    }

    #[test]
    fn metadata_is_believed_for_a_while_and_until_it_is_written() {
        let mut world = World::default();
        let path = "/crm/v3/properties/contacts";
        let list = (Method::GET, path);
        let kept_ms = u64::try_from(METADATA_KEPT.as_millis()).unwrap();
        for at in [0, 200, 1_000, kept_ms + 200, kept_ms + 400] {
            world.call(at, list.clone(), Err("no_batch"), 1);
        }
        let before = world.sum(kept_ms + 1_000);
        assert_eq!((before.calls, before.needed, before.kept), (5, 2, 3));
        assert_eq!(before.alone, [("no_batch", 2)].into(), "only what leaves travels alone");
        world.call(kept_ms + 2_000, (Method::POST, path), Err("no_batch"), 2);
        world.call(kept_ms + 3_000, list, Err("no_batch"), 1);
        assert_eq!(world.sum(kept_ms + 4_000).needed, 4, "the write, and the read after it");
    }

    #[test]
    fn a_call_that_never_comes_back_holds_nobody_up() {
        let mut world = World::default();
        world.read(0, 1);
        let (_, lost) = world.ends.pop_first().unwrap();
        for record in 2..12 {
            world.read(1, record);
        }
        // The longest wait ends the gathering, whatever became of the first.
        assert_eq!(world.sum(5_000).needed, 2);
        world.shadow.handle_return(lost, Returned::Nothing, Mono(6_000 * MS));
        let sum = world.sum(7_000);
        assert_eq!((sum.failed, sum.needed), (1, 2));
        world.read(8_000, 1);
        assert_eq!(world.sum(9_000).same, 0, "the lost read is no answer to anybody");
    }

    #[test]
    fn writes_of_one_record_stay_apart() {
        let mut world = World::default();
        let join = Join { key: JoinKey("update".to_owned()), record: Some("contacts:1".to_owned()), writes: true };
        for _ in 0..4 {
            world.call(0, (Method::PATCH, "/crm/v3/objects/contacts/1"), Ok(&join), 1);
        }
        assert_eq!(world.sum(10_000).needed, 4);
        let scopes = world.shadow.usage(Mono(u64::MAX)).scopes();
        assert_eq!(scopes.iter().map(String::as_str).collect::<Vec<_>>(), ["crm.objects.contacts.write"]);
    }

    /// One call of a random world: its time after the last, its kind, its record, and how long it takes.
    type Step = (u64, u8, u64, u64);

    fn step() -> impl Strategy<Value = Step> {
        (0_u64..80, 0_u8..5, 0_u64..6, 1_u64..900)
    }

    fn play(steps: &[Step]) -> (Shadow, u64) {
        let mut shadow = Shadow::default();
        let mut ends = BTreeSet::new();
        let mut at = 0;
        for (after, what, record, takes) in steps {
            at += after;
            while let Some((end, id, returned)) = ends.first().copied().filter(|(end, _, _)| *end <= at) {
                ends.remove(&(end, id, returned));
                let returned = [Returned::Success, Returned::Refusal, Returned::Nothing][returned];
                shadow.handle_return(id, returned, Mono(end * MS));
            }
            let (method, path) = match what {
                0 | 1 => (Method::GET, format!("/crm/v3/objects/contacts/{record}")),
                2 => (Method::PATCH, format!("/crm/v3/objects/contacts/{record}")),
                3 => (Method::GET, "/crm/v3/owners".to_owned()),
                _ => (Method::POST, "/crm/v3/objects/contacts/search".to_owned()),
            };
            let route = classify(&method, &path);
            let writes = *what == 2;
            let join = Join { key: JoinKey(format!("{writes}")), record: Some(format!("contacts:{record}")), writes };
            let join = if *what <= 2 { Ok(&join) } else { Err("no_batch") };
            let same = u64::from(*what) << 32 | record;
            let arrival = Arrival { kind: Kind::new("billing", &route), route: &route, join, same };
            let id = shadow.handle_call(arrival, Mono(at * MS));
            ends.insert((at + takes, id, usize::try_from(takes % 3).unwrap()));
        }
        for (end, id, returned) in ends {
            let returned = [Returned::Success, Returned::Refusal, Returned::Nothing][returned];
            shadow.handle_return(id, returned, Mono(end * MS));
        }
        (shadow, at + 3_600_000)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn every_call_is_counted_once_and_nothing_is_left_behind(steps in prop::collection::vec(step(), 1..200)) {
            let (mut shadow, end) = play(&steps);
            let mut sum = Row::default();
            shadow.usage(Mono(end * MS)).rows().for_each(|(_, row)| sum.add(row));
            prop_assert_eq!(sum.calls, steps.len() as u64);
            prop_assert_eq!(sum.calls, sum.needed + sum.joined + sum.same + sum.kept);
            prop_assert!(shadow.open.is_empty() && shadow.gathering.is_empty() && shadow.singles.is_empty());
            prop_assert!(shadow.returns.is_empty());
            prop_assert_eq!(shadow.coalescer.waiting(), 0);
        }
    }
}
