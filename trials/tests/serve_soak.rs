//! Changes that webhooks tell late, twice, in any order or not at all, to a server that is killed at random moments: what
//! it acknowledged is in its log once, what nobody told it is there once the journal has been read, and its mirror is
//! what HubSpot holds.

#![expect(clippy::disallowed_methods, reason = "a trial of real processes measures real time")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use linchpin_trials::deliveries::Dice;
use linchpin_trials::figure;
use linchpin_trials::hearing::{App, Happened, Hearing, JOURNAL, Logged, until};
use linchpin_trials::parameters::parameter;
use serde_json::{Value, json};

const APP: App = App { id: 7_008, client: "client-1", secret: "pat-test-secret-of-7008" };
const PROPERTIES: [&str; 6] = ["city", "email", "firstname", "lastname", "phone", "state"];
const FATES: [&str; 4] = ["creation", "deletion", "merge", "restore"];
const ACTIONS: [&str; 5] = ["CREATE", "UPDATE", "DELETE", "MERGE", "RESTORE"];
/// Between two states of a run.
const LIMIT: Duration = Duration::from_secs(1_800);

/// How much of what.
#[derive(Clone, Copy)]
struct Size {
    /// Changes of values; what comes and goes is on top.
    events: u64,
    kills: u32,
    /// Deeds in a second.
    pace: u32,
    /// How long an event may be held back, in milliseconds.
    span_ms: u64,
    seed: u64,
}

impl Size {
    fn given() -> Self {
        Self {
            events: parameter("EVENTS", 10_000),
            kills: parameter("KILLS", 5),
            pace: parameter("PACE", 1_000),
            span_ms: parameter("SPAN_MS", 3_000),
            seed: parameter("SEED", 1),
        }
    }

    /// How many events are acknowledged when it is killed, ascending: while there is more to come.
    fn moments(self) -> Vec<u64> {
        let mut dice = Dice::new(self.seed);
        let mut moments: Vec<u64> = (0..self.kills).map(|_| dice.roll(self.events * 9 / 10)).collect();
        moments.sort_unstable();
        moments
    }

    fn scene(self) -> Hearing {
        let Self { span_ms, seed, .. } = self;
        let oauth_app = format!("{}:{}", APP.client, APP.secret);
        let scene = Hearing::new(
            &["--oauth-app", &oauth_app, "--seed", &seed.to_string()],
            &format!(
                "webhooks: {{apps: {{'{}': {{secret: {}, journal: {{client_id: {}, poll: 1s}}}}}}}}\n\
                 mirror: {{objects: {{contacts: {{properties: [{}]}}}}}}\n",
                APP.id,
                APP.secret,
                APP.client,
                PROPERTIES.join(", ")
            ),
        );
        let fates = FATES.map(|fate| json!({"eventType": format!("contact.{fate}")}));
        let values = PROPERTIES.map(|name| json!({"eventType": "contact.propertyChange", "propertyName": name}));
        let subscriptions: Vec<Value> = fates.into_iter().chain(values).collect();
        let order = json!({
            "faults": {"lose": 0.001, "duplicate": 0.02, "reorder": 0.1, "span_ms": span_ms, "delay": 0.02,
                "delay_ms": span_ms / 4, "unheard": 0.1},
            "delivery": {"retry_over_ms": 20_000, "delay_ms": [0, 300]},
            "journal": {"publish_ms": 1_000},
        });
        scene.subscribe(APP, &subscriptions, order);
        scene.subscribe_journal(APP, &ACTIONS, &PROPERTIES);
        scene
    }
}

/// What is known of one change.
#[derive(Default)]
struct Fate {
    acknowledged: bool,
    logged: u32,
}

/// What the log holds against what happened.
#[derive(Default)]
struct Judged {
    changes: BTreeMap<String, Fate>,
    /// Changes in the log that never happened.
    strange: Vec<String>,
    /// First told by the journal, and by it alone.
    by_journal: [u64; 2],
    told_by_both: u64,
    /// Changes of a value that came in after a later one of the same value.
    stale: u64,
}

impl Judged {
    fn of(scene: &Hearing) -> Self {
        let mut judged = Self::default();
        scene.happened(|Happened { change, taken, .. }| {
            judged.changes.entry(change).or_default().acknowledged |= taken > 0;
        });
        let mut newest = BTreeMap::new();
        scene.logged(|Logged { change, teller, also, occurred_at, subject }| {
            match judged.changes.get_mut(&change) {
                Some(fate) => fate.logged += 1,
                None => judged.strange.push(change),
            }
            let [first, alone] = &mut judged.by_journal;
            *first += u64::from(teller == JOURNAL);
            *alone += u64::from(teller == JOURNAL && also == 0);
            judged.told_by_both += u64::from(also != 0);
            if let Some(subject) = subject {
                let newest = newest.entry(subject).or_insert(occurred_at);
                judged.stale += u64::from(occurred_at < *newest);
                *newest = occurred_at.max(*newest);
            }
        });
        judged
    }

    fn acknowledged(&self) -> usize {
        self.changes.values().filter(|fate| fate.acknowledged).count()
    }

    /// Each change that happened is in the log once, whether a webhook was acknowledged or the journal told it.
    fn demand(&self) {
        let wrong = |acknowledged| {
            let fates = self.changes.iter().filter(move |(_, fate)| fate.acknowledged == acknowledged);
            fates.filter(|(_, fate)| fate.logged != 1).map(|(change, fate)| (change, fate.logged)).collect::<Vec<_>>()
        };
        for (acknowledged, what) in [(true, "acknowledged"), (false, "left to the journal")] {
            let wrong = wrong(acknowledged);
            assert!(wrong.is_empty(), "{} that were {what} are not there once: {:?}", wrong.len(), wrong.first());
        }
        assert!(self.strange.is_empty(), "{} never happened: {:?}", self.strange.len(), self.strange.first());
    }
}

fn tell(scene: &Hearing, judged: &Judged) {
    let book = scene.webhooks();
    let count = |name: &str| book.pointer(&format!("/counts/{name}")).and_then(Value::as_u64).expect("a count");
    for (title, name) in [
        ("events", "events"),
        ("events sent, copies and retries included", "sent"),
        ("POSTs", "posts"),
        ("POSTs whose connection failed", "failed_connections"),
        ("POSTs not answered in time", "timed_out"),
        ("POSTs whose answer the fault swallowed", "unheard"),
        ("events duplicated by the fault", "duplicated"),
        ("events reordered by the fault", "reordered"),
        ("events delayed by the fault", "delayed"),
        ("events lost by the fault", "lost"),
        ("events given up after the last retry", "failed"),
        ("events acknowledged", "delivered"),
    ] {
        figure(title, count(name));
    }
    figure("events acknowledged again", count("taken") - count("delivered"));
    let [first, alone] = judged.by_journal;
    figure("different changes", judged.changes.len());
    figure("different changes acknowledged", judged.acknowledged());
    figure("changes in the log", judged.changes.values().map(|fate| u64::from(fate.logged)).sum::<u64>());
    figure("changes in the log that webhook and journal told", judged.told_by_both);
    figure("changes in the log that the journal told first", first);
    figure("changes in the log that the journal alone told: repaired", alone);
    figure("values that came in after a later one: stale", judged.stale);
    for (name, least) in [("lost", 1), ("duplicated", 1), ("reordered", 1), ("delayed", 1), ("unheard", 1)] {
        assert!(count(name) >= least, "nothing was {name}");
    }
    assert!(judged.stale > 0 && alone >= count("lost"), "{} stale, {alone} from the journal alone", judged.stale);
}

#[test]
fn every_acknowledged_change_is_in_the_log_once_and_the_mirror_ends_as_hubspot_is() {
    let size = Size::given();
    let began = Instant::now();
    let scene = size.scene();
    let mut process = scene.serve();
    // What people create is told, so the mirror knows every record by events alone.
    scene.churn(&json!({"creations": size.events / 100, "per_second": size.pace}));
    let populated = until(LIMIT, || scene.webhooks().get("churn_left").and_then(Value::as_u64) == Some(0));
    assert!(populated, "{}", scene.webhooks());
    let some = size.events / 200;
    scene.churn(&json!({"changes": size.events, "creations": some, "deletions": some, "restorations": some / 2,
        "merges": some / 5, "per_second": size.pace}));
    let mut longest = Duration::ZERO;
    for acknowledged in size.moments() {
        assert!(until(LIMIT, || scene.told("taken") >= acknowledged), "{}", scene.webhooks());
        process.kill();
        let killed = Instant::now();
        process = scene.serve();
        longest = longest.max(killed.elapsed());
    }
    scene.settle(LIMIT);
    figure("seconds until the last webhook ended", began.elapsed().as_secs());
    scene.read_journal(LIMIT);
    scene.follow(LIMIT);
    figure("seconds until the journal was read and followed", began.elapsed().as_secs());
    let (_, memory_kb) = process.memory_kb();
    process.kill();

    let judged = Judged::of(&scene);
    figure("seed", size.seed);
    figure("kills", size.kills);
    figure("starts", size.kills + 1);
    figure("longest time from a kill to the next start that listens, ms", longest.as_millis());
    tell(&scene, &judged);
    figure("contacts in the mirror and in HubSpot", scene.mirrored(false).len());
    figure("contacts in the bin", scene.mirrored(true).len());
    figure("calls to HubSpot", scene.simulator.requests());
    figure("calls answered 429", scene.simulator.rate_limited());
    figure("memory of the last process at its highest, MB", memory_kb / 1_024);
    judged.demand();
    scene.demand_mirror(&PROPERTIES);
    assert_eq!(scene.simulator.rate_limited(), 0);
}
