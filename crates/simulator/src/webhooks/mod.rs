//! Webhooks: which app is told of what, in which POST, signed how, and when it is tried again.
//!
//! A pure machine: happenings of the portals go in with [`Webhooks::hear`], POSTs come out of
//! [`Webhooks::take_deliveries`] and end with [`Webhooks::answered`]; sending them is a driver's work. Source:
//! HubSpot's webhooks guide (batches of up to 100, ten POSTs at a time, ten retries over a day, 4xx retried as well, no
//! order, event ids that are not unique) and deliveries that others recorded.
//! Invariants: nothing is made while nobody has subscribed; at most [`EVENTS_WAITING_MAX`] events wait; every POST ends,
//! by its answer or by its deadline.

mod api;
mod app;
mod book;
mod control;
mod delivery;
mod event;
mod setup;
mod sign;
mod spec;
mod topic;
mod workflow;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use rand_core::Rng;

pub use book::{EVENTS_KEPT_MAX, WebhookCounts};
pub use delivery::{Delivery, DeliveryId, DeliveryOutcome};
pub use event::ChangeFlag;
pub use setup::SendError;
pub(crate) use sign::{hex, hmac};
pub(crate) use spec::check_time;
pub use spec::{
    CONCURRENT_MAX, DeliverySpec, JournalSpec, SUBSCRIPTIONS_MAX, Signatures, SubscriptionSpec, WEBHOOK_APPS_MAX,
    WEBHOOK_MS_MAX, WebhookAppSpec, WebhookError, WebhookFaults, WebhookSpec,
};
pub use topic::TopicError;
pub use workflow::{ActionMethod, WorkflowAction};

use crate::dice;
use crate::model::{Tale, Told};
use crate::wire::Millis;
pub(crate) use api::recognise;
use app::{App, Hears, Queued};
use book::{Book, Fate};
use delivery::{Load, Post};
use event::{Detail, Event, Link};
use topic::{Deed, Topic};
use workflow::Action;

/// The events that may wait for their POST, copies and retries included.
pub const EVENTS_WAITING_MAX: usize = 4_000_000;
/// Event ids are drawn below this number, as those of recorded deliveries are.
const EVENT_IDS: u64 = 1 << 31;

/// The machine. Printing it shows no secret.
pub(crate) struct Webhooks {
    apps: BTreeMap<u64, App>,
    /// The secrets of OAuth apps, which may get webhooks by HubSpot's API.
    public: BTreeMap<u64, String>,
    developer_key: Option<String>,
    delivery: DeliverySpec,
    faults: WebhookFaults,
    book: Book,
    actions: BTreeMap<(Millis, u64), Action>,
    action_counts: control::ActionCounts,
    posts: BTreeMap<DeliveryId, Post>,
    deadlines: BTreeSet<(Millis, DeliveryId)>,
    outbox: Vec<Delivery>,
    waiting: usize,
    next_number: u64,
    next_subscription: u64,
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks")
            .field("apps", &self.apps.keys().collect::<Vec<_>>())
            .field("waiting", &self.waiting)
            .field("posts", &self.posts.len())
            .finish_non_exhaustive()
    }
}

/// Who hears of a portal's happenings, and when they are sent at the earliest.
pub(crate) struct Audience<'a> {
    pub(crate) portal_id: u64,
    /// Apps and the portals that have installed them.
    pub(crate) installed: &'a BTreeSet<(u64, u64)>,
    pub(crate) due: Millis,
}

impl Webhooks {
    /// Whether anybody would be told of anything.
    pub(crate) fn listens(&self) -> bool {
        self.apps.values().any(App::listens)
    }

    /// The events that wait for their POST.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Draws the earliest moment at which what happens now is sent: one for everything that a call does, so that it
    /// travels together.
    pub(crate) fn draw_due(&self, now: Millis, dice: &mut dyn Rng) -> Millis {
        let [from, to] = self.delivery.delay_ms;
        later(now, from.saturating_add(dice::below(dice, to.saturating_sub(from).saturating_add(1))))
    }

    /// Makes the events that a happening means, one for each subscription.
    pub(crate) fn hear(&mut self, told: &Told<'_>, audience: &Audience<'_>, dice: &mut dyn Rng) {
        let made = self.events_of(told, audience);
        let mut ids = BTreeMap::new();
        for (app_id, subscription, topic, detail) in made {
            // One number for one change of one thing, whoever hears of it.
            let key = match &detail {
                Detail::Value { name, .. } => name.to_string(),
                Detail::Record { .. } | Detail::Merge { .. } | Detail::Link(_) => String::new(),
            };
            let number = *ids
                .entry(key)
                .or_insert_with(|| u32::try_from(1 + dice::below(dice, EVENT_IDS - 1)).unwrap_or(u32::MAX));
            let (occurred, origin, portal_id) = (told.at, told.origin, audience.portal_id);
            let seq = self.book.next_seq();
            let event = Event { seq, number, subscription, portal_id, app_id, occurred, origin, topic, detail };
            self.enqueue(Arc::new(event), audience.due, dice);
        }
    }

    /// What an app, by which subscription, is told of a happening.
    fn events_of(&self, told: &Told<'_>, audience: &Audience<'_>) -> Vec<(u64, u64, Arc<Topic>, Detail)> {
        let deeds = match Deed::of(&told.what) {
            // A creation says its first values as well.
            Deed::Creation => [Some(Deed::Creation), Some(Deed::PropertyChange)],
            other => [Some(other), None],
        };
        let hears = |app: &&App| match &app.hears {
            _ if app.settings.is_none() => false,
            Hears::Installed => audience.installed.contains(&(app.id, audience.portal_id)),
            Hears::Listed(portals) => portals.contains(&audience.portal_id),
        };
        let mut made = Vec::new();
        for app in self.apps.values().filter(hears) {
            for deed in deeds.into_iter().flatten() {
                let topics = app.hears_of(deed, topic::names(told.object));
                made.extend(topics.filter_map(|(subscription, topic)| {
                    let detail = detail(deed, told, topic.property.as_deref())?;
                    Some((app.id, *subscription, Arc::clone(topic), detail))
                }));
            }
        }
        made
    }

    /// Lets an event wait for its first POST, with what the faults do to it.
    fn enqueue(&mut self, event: Arc<Event>, due: Millis, dice: &mut dyn Rng) {
        self.book.add(&event);
        let WebhookFaults { lose, duplicate, reorder, span_ms, delay, delay_ms, .. } = self.faults;
        if dice::chance(dice, lose) {
            self.book.ended(event.seq, Fate::Lost);
            return;
        }
        let mut due = due;
        if dice::chance(dice, reorder) {
            self.book.counts.reordered += 1;
            due = later(due, dice::below(dice, span_ms.saturating_add(1)));
        }
        if dice::chance(dice, delay) {
            self.book.counts.delayed += 1;
            due = later(due, delay_ms);
        }
        if dice::chance(dice, duplicate) {
            self.book.counts.duplicated += 1;
            let copy_due = later(due, 1 + dice::below(dice, span_ms.saturating_add(1)));
            self.wait(Queued { event: Arc::clone(&event), attempt: 0 }, copy_due);
        }
        self.wait(Queued { event, attempt: 0 }, due);
    }

    fn wait(&mut self, queued: Queued, due: Millis) {
        if self.waiting >= EVENTS_WAITING_MAX {
            self.book.ended(queued.event.seq, Fate::Dropped);
            return;
        }
        let number = self.number();
        if let Some(app) = self.apps.get_mut(&queued.event.app_id) {
            app.queue.insert((due, number), queued);
            self.waiting += 1;
        }
    }

    /// When something happens next.
    pub(crate) fn next_due(&self) -> Option<Millis> {
        let queues = self.apps.values().filter(|app| app.in_flight < app.concurrent());
        let first_of = |app: &App| app.queue.first_key_value().map(|((at, _), _)| *at);
        let deadline = self.deadlines.first().map(|(at, _)| *at);
        let action = self.actions.first_key_value().map(|((at, _), _)| *at);
        queues.filter_map(first_of).chain(deadline).chain(action).min()
    }

    /// Lets everything happen that is due by now: deadlines first, then POSTs.
    pub(crate) fn advance(&mut self, now: Millis, dice: &mut dyn Rng) {
        while let Some((at, id)) = self.deadlines.first().copied().filter(|(at, _)| *at <= now) {
            self.answered(id, &DeliveryOutcome::TimedOut, at, dice);
        }
        while let Some(entry) = self.actions.first_entry().filter(|entry| entry.key().0 <= now) {
            let action = entry.remove();
            self.send_action(action, now);
        }
        let ids: Vec<u64> = self.apps.keys().copied().collect();
        for id in ids {
            while self.send_batch(id, now, dice) {}
        }
    }

    /// Sends one POST of an app, if it has something due and may.
    fn send_batch(&mut self, app_id: u64, now: Millis, dice: &mut dyn Rng) -> bool {
        let Some(app) = self.apps.get_mut(&app_id) else { return false };
        let Some(settings) = app.settings.as_ref().filter(|_| app.in_flight < app.concurrent()) else { return false };
        let mut events = Vec::new();
        let mut body = String::from("[");
        while events.len() < self.delivery.batch
            && let Some(entry) = app.queue.first_entry().filter(|entry| entry.key().0 <= now)
        {
            let queued = entry.remove();
            if !events.is_empty() {
                body.push(',');
            }
            queued.event.write(queued.attempt, self.delivery.change_flag, &mut body);
            self.book.sent(queued.event.seq);
            events.push(queued);
        }
        if events.is_empty() {
            return false;
        }
        body.push(']');
        self.waiting -= events.len();
        app.in_flight += 1;
        let (url, body) = (settings.target.clone(), Bytes::from(body));
        let forged = dice::chance(dice, self.faults.wrong_signature);
        self.book.counts.wrong_signatures += u64::from(forged);
        let secret = if forged { format!("{}-forged", app.secret) } else { app.secret.clone() };
        let timeout_ms = self.delivery.timeout_ms;
        let headers = delivery::event_headers((&secret, &url, &body), self.delivery.signatures, now, timeout_ms);
        let id = DeliveryId(self.number());
        self.post(
            Delivery { id, method: Method::POST, url, headers, body, timeout_ms },
            Load::Events { app_id, events },
            now,
        );
        true
    }

    fn send_action(&mut self, action: Action, now: Millis) {
        let Action { secret, method, url, body, .. } = &action;
        let timeout_ms = workflow::ACTION_TIMEOUT_MS;
        let headers = delivery::action_headers(secret, method, url, body, timeout_ms);
        let (method, url, body) = (method.clone(), url.clone(), body.clone());
        let id = DeliveryId(self.number());
        self.post(Delivery { id, method, url, headers, body, timeout_ms }, Load::Action(Box::new(action)), now);
    }

    fn post(&mut self, delivery: Delivery, load: Load, now: Millis) {
        let deadline = later(now, delivery.timeout_ms);
        self.book.counts.posts += 1;
        self.deadlines.insert((deadline, delivery.id));
        self.posts.insert(delivery.id, Post { load, deadline });
        self.outbox.push(delivery);
    }

    /// Takes the POSTs since the last time, oldest first.
    pub(crate) fn take_deliveries(&mut self) -> Vec<Delivery> {
        std::mem::take(&mut self.outbox)
    }

    /// Ends a POST. One that has ended already is passed over: its deadline was earlier.
    pub(crate) fn answered(&mut self, id: DeliveryId, outcome: &DeliveryOutcome, now: Millis, dice: &mut dyn Rng) {
        let Some(post) = self.posts.remove(&id) else { return };
        self.deadlines.remove(&(post.deadline, id));
        match outcome {
            DeliveryOutcome::Answered { status, .. } => *self.book.counts.by_status.entry(*status).or_default() += 1,
            DeliveryOutcome::Failed => self.book.counts.failed_connections += 1,
            DeliveryOutcome::TimedOut => self.book.counts.timed_out += 1,
        }
        match post.load {
            Load::Action(action) => self.action_answered(*action, outcome, now),
            Load::Sample { app_id } => self.release(app_id),
            Load::Events { app_id, events } => {
                self.release(app_id);
                self.events_answered(events, outcome, now, dice);
            }
        }
    }

    fn release(&mut self, app_id: u64) {
        if let Some(app) = self.apps.get_mut(&app_id) {
            app.in_flight = app.in_flight.saturating_sub(1);
        }
    }

    fn events_answered(&mut self, events: Vec<Queued>, outcome: &DeliveryOutcome, now: Millis, dice: &mut dyn Rng) {
        let success = outcome.is_success();
        let unheard = success && dice::chance(dice, self.faults.unheard);
        self.book.counts.unheard += u64::from(unheard);
        for Queued { event, attempt } in events {
            if success {
                self.book.taken(event.seq);
            }
            if success && !unheard {
                continue;
            }
            if attempt >= self.delivery.retries {
                self.book.ended(event.seq, Fate::Failed);
                continue;
            }
            let due = later(now, self.retry_gap(attempt, dice));
            self.wait(Queued { event, attempt: attempt + 1 }, due);
        }
    }

    /// The pause before the next attempt: each longer than the one before, all of them within the whole time, each
    /// event on its own so that they do not come back together.
    fn retry_gap(&self, attempt: u32, dice: &mut dyn Rng) -> u64 {
        let square = |number: u32| u128::from(number) * u128::from(number);
        let all: u128 = (1..=self.delivery.retries).map(square).sum();
        let longest = u128::from(self.delivery.retry_over_ms) * square(attempt + 1) / all.max(1);
        let longest = u64::try_from(longest).unwrap_or(u64::MAX);
        longest / 2 + dice::below(dice, longest / 2 + 1)
    }

    fn action_answered(&mut self, mut action: Action, outcome: &DeliveryOutcome, now: Millis) {
        match action.next(outcome, self.delivery.retry_over_ms, now) {
            workflow::Next::Done => self.action_counts.done += 1,
            workflow::Next::Failed => self.action_counts.failed += 1,
            workflow::Next::Again(at) => {
                action.attempt += 1;
                self.action_counts.retried += 1;
                let number = self.number();
                self.actions.insert((at, number), action);
            }
        }
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}

/// What an event says of a happening, if the subscription is about that part of it.
fn detail(deed: Deed, told: &Told<'_>, property: Option<&str>) -> Option<Detail> {
    match &told.what {
        Tale::Created { id, .. } if deed == Deed::Creation => Some(Detail::Record { id: *id }),
        Tale::Created { id, values } | Tale::Changed { id, values } => {
            let value = values.iter().find(|value| Some(value.name) == property)?;
            let shown = if value.sensitive { "" } else { value.value };
            Some(Detail::Value { id: *id, name: value.name.into(), value: shown.into(), sensitive: value.sensitive })
        }
        Tale::Archived { id } | Tale::Restored { id } | Tale::Forgotten { id } => Some(Detail::Record { id: *id }),
        Tale::Merged { primary, merged, survivor, moved } => {
            Some(Detail::Merge { primary: *primary, merged: *merged, survivor: *survivor, moved: *moved })
        }
        Tale::Linked(link) => Some(Detail::Link(Box::new(Link::new(told.object.type_id, link)))),
    }
}

fn later(at: Millis, ms: u64) -> Millis {
    Millis(at.0.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX)))
}
