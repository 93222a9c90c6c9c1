//! How the world hears of what happens in the portals: webhooks, the journal, and the busy people of a proof.
//!
//! After every call and every event of a portal its feed is drained here. Invariant: portals note happenings only while
//! somebody has subscribed.

use std::collections::BTreeSet;

use rand_core::Rng;
use serde_json::Value;

use super::{Executed, Hub, InFlight};
use crate::model::ChurnSpec;
use crate::webhooks::{
    Audience, Delivery, DeliveryId, DeliveryOutcome, SendError, WebhookCounts, WebhookError, WebhookSpec, Webhooks,
    WorkflowAction,
};
use crate::wire::Millis;

/// The deeds of busy people that are done at a time.
const CHURN_SLICE: usize = 500;
/// While more events than these wait, busy people pause.
const CHURN_WAITING_MAX: usize = 20_000;
/// How long they pause, in milliseconds.
const CHURN_PAUSE_MS: i64 = 50;
/// The steps in which deeds of a given pace are done, in milliseconds.
const CHURN_STEP_MS: u64 = 20;

/// An order that is being carried out.
#[derive(Debug)]
pub(super) struct Churn {
    portal_id: u64,
    spec: ChurnSpec,
    next: Millis,
    begun: Millis,
    done: u64,
}

impl Hub {
    /// Sets webhooks up: all that the specification names, or nothing and the first reason.
    pub fn configure_webhooks(&mut self, spec: WebhookSpec) -> Result<(), WebhookError> {
        spec.journal.as_ref().map_or(Ok(()), crate::webhooks::JournalSpec::check)?;
        spec.read_gap_ms.map_or(Ok(()), |ms| crate::webhooks::check_time("read_gap_ms", ms))?;
        let mut portals: Vec<u64> = vec![self.first_portal];
        portals.extend(self.portals.keys().copied().filter(|id| *id != self.first_portal));
        let (journal, read_gap_ms) = (spec.journal.clone(), spec.read_gap_ms);
        self.webhooks.configure(spec, &portals, self.now)?;
        if let Some(journal) = journal {
            self.journal.configure(journal);
        }
        if let Some(ms) = read_gap_ms {
            for slot in self.portals.values_mut() {
                slot.model.set_read_gap(i64::try_from(ms).unwrap_or(i64::MAX));
            }
        }
        self.tune_in();
        Ok(())
    }

    /// Sends what HubSpot's test button sends.
    pub fn send_test_webhook(&mut self, app_id: u64) -> Result<(), SendError> {
        self.webhooks.send_sample(app_id, self.first_portal, self.now)
    }

    /// Fires the webhook action of a workflow.
    pub fn fire_workflow_action(&mut self, action: WorkflowAction) -> Result<(), SendError> {
        self.webhooks.fire_action(action, self.now)
    }

    /// Takes the POSTs that are to be sent since the last time, oldest first. Each ends with
    /// [`Hub::delivery_answered`], or by its own deadline.
    pub fn take_deliveries(&mut self) -> Vec<Delivery> {
        self.webhooks.take_deliveries()
    }

    /// Says how a POST ended.
    pub fn delivery_answered(&mut self, id: DeliveryId, outcome: &DeliveryOutcome, now: Millis, dice: &mut dyn Rng) {
        self.advance(now, dice);
        self.webhooks.answered(id, outcome, self.now, dice);
        self.webhooks.advance(self.now, dice);
    }

    /// The totals of all events and POSTs.
    pub fn webhook_counts(&self) -> &WebhookCounts {
        self.webhooks.counts()
    }

    /// Every event that is remembered, oldest first: `event`, its `fate`, how often it was `sent` and `taken`.
    pub fn webhook_events(&self) -> impl Iterator<Item = Value> + use<> {
        self.webhook_lines().flat_map(|chunk| {
            let lines: Vec<Value> =
                chunk.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
            lines
        })
    }

    /// Whether the portals note what happens in them: all do, or none.
    pub fn is_noting_changes(&self) -> bool {
        self.portals.values().all(|slot| slot.model.is_listening())
    }

    /// Lets people be busy in a portal; a new order takes the place of the old one.
    pub fn start_churn(&mut self, portal_id: u64, spec: ChurnSpec) -> Result<(), String> {
        let slot = self.portals.get(&portal_id).ok_or_else(|| format!("there is no portal {portal_id}"))?;
        slot.model.check_churn(&spec, self.now)?;
        self.churn = Some(Churn { portal_id, spec, next: self.now, begun: self.now, done: 0 });
        Ok(())
    }

    /// The deeds that are left of the order.
    pub fn churn_left(&self) -> u64 {
        self.churn.as_ref().map_or(0, |churn| churn.spec.left())
    }

    /// Brings an archived record back, as a person does on HubSpot's pages.
    pub fn restore_record(&mut self, portal_id: u64, object_type: &str, id: u64) -> Result<(), String> {
        let now = self.now;
        let slot = self.portals.get_mut(&portal_id).ok_or_else(|| format!("there is no portal {portal_id}"))?;
        slot.model.restore(object_type, id, now).map_err(|error| error.to_string())
    }

    /// Everything that the control API shows of webhooks.
    pub(crate) fn webhooks_overview(&self) -> Value {
        let mut overview = self.webhooks.overview();
        if let Some(fields) = overview.as_object_mut() {
            fields.insert("journal".into(), self.journal.overview());
            fields.insert("churn_left".into(), self.churn_left().into());
            let dropped: u64 = self.portals.values().map(|slot| slot.model.feed_dropped()).sum();
            fields.insert("happenings_dropped".into(), dropped.into());
        }
        overview
    }

    pub(crate) fn webhooks_mut(&mut self) -> &mut Webhooks {
        &mut self.webhooks
    }

    pub(crate) fn webhook_lines(&self) -> impl Iterator<Item = bytes::Bytes> + Send + use<> {
        self.webhooks.event_lines()
    }

    /// Removes every app with webhooks.
    pub(crate) fn remove_webhooks(&mut self) {
        self.webhooks.remove_apps();
        self.tune_in();
    }

    /// Forgets what is on its way to the world.
    pub(crate) fn forget_news(&mut self) {
        self.webhooks.forget_waiting();
        self.journal.clear();
        self.churn = None;
    }

    /// Lets portals note what happens, or stop it, as there are subscriptions.
    pub(super) fn tune_in(&mut self) {
        let open = self.webhooks.listens() || self.journal.listens();
        for slot in self.portals.values_mut() {
            slot.model.listen(open);
        }
    }

    /// When something of this is due.
    pub(super) fn next_news(&self) -> Option<Millis> {
        let churn = self.churn.as_ref().map(|churn| churn.next);
        // What happened without a call, by a control call for one, is told at once.
        let news = self.portals.values().any(|slot| slot.model.has_news()).then_some(self.now);
        [self.webhooks.next_due(), self.journal.next_due(), churn, news].into_iter().flatten().min()
    }

    /// Lets happen what is due by now.
    pub(super) fn advance_news(&mut self, dice: &mut dyn Rng) {
        self.churn(dice);
        self.hear(dice);
        self.webhooks.advance(self.now, dice);
        self.journal.advance(self.now, dice);
    }

    /// Tells webhooks and the journal what has happened.
    pub(super) fn hear(&mut self, dice: &mut dyn Rng) {
        if !self.portals.values().any(|slot| slot.model.has_news()) {
            return;
        }
        let mut installed: BTreeSet<(u64, u64)> =
            self.authority.grants().map(|grant| (grant.app_id, grant.portal_id)).collect();
        installed.extend(self.webhooks.listed());
        let due = self.webhooks.draw_due(self.now, dice);
        let Self { portals, webhooks, journal, now, .. } = self;
        for (portal_id, slot) in portals {
            let audience = Audience { portal_id: *portal_id, installed: &installed, due };
            slot.model.drain_feed(&mut |told| {
                webhooks.hear(told, &audience, dice);
                journal.hear(told, &audience, *now, dice);
            });
        }
    }

    fn churn(&mut self, dice: &mut dyn Rng) {
        let Some(mut churn) = self.churn.take().filter(|churn| churn.spec.left() > 0) else { return };
        if churn.next > self.now {
            self.churn = Some(churn);
            return;
        }
        let elapsed = u64::try_from(self.now.0 - churn.begun.0).unwrap_or(0);
        let (deeds, pause) = match churn.spec.per_second {
            Some(pace) => {
                let owed = (u64::from(pace) * elapsed.saturating_add(CHURN_STEP_MS) / 1_000).saturating_sub(churn.done);
                (usize::try_from(owed).unwrap_or(usize::MAX), i64::try_from(CHURN_STEP_MS).unwrap_or(1))
            }
            None if self.webhooks.waiting() > CHURN_WAITING_MAX => (0, CHURN_PAUSE_MS),
            None => (CHURN_SLICE, 1),
        };
        if let Some(slot) = self.portals.get_mut(&churn.portal_id) {
            for _ in 0..deeds {
                if !slot.model.churn(&mut churn.spec, self.now, dice) {
                    break;
                }
                churn.done += 1;
            }
        }
        churn.next = Millis(self.now.0.saturating_add(pause));
        self.churn = Some(churn);
    }

    /// Answers a call of the webhooks' management API.
    pub(super) fn run_webhooks(&mut self, call: &InFlight, dice: &mut dyn Rng) -> Executed {
        let answer = self.webhooks.handle(&call.request, self.now, dice);
        self.tune_in();
        Executed::outside(answer, "developer")
    }

    /// Answers a call of the journal.
    pub(super) fn run_journal(&mut self, call: &InFlight, dice: &mut dyn Rng) -> Executed {
        let Self { authority, journal, portals, now, .. } = self;
        let portals: BTreeSet<u64> = portals.keys().copied().collect();
        let handled = journal.handle(&call.request, authority, &portals, *now, dice);
        let wanted = self.journal.take_snapshots();
        for (status, portal_id, object_type, id, names) in wanted {
            let found = self.portals.get(&portal_id).and_then(|slot| slot.model.peek(&object_type, id, &names));
            self.journal.snapshot_taken((&status, portal_id, &object_type, id), found, self.now, dice);
        }
        self.tune_in();
        let name = handled.app_id.map_or_else(|| "none".to_owned(), |app_id| format!("app:{app_id}"));
        Executed::outside(handled.answer, &name)
    }
}
