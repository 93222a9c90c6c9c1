//! What HubSpot tells us, verified and written down before it is acknowledged.
//!
//! The signature is judged over the raw bytes ([`linchpin_hubspot::signature`]); then every element of the body is in the
//! log, understood or not; then the caller hears that it is. A store that fails is told to HubSpot, which tries again.

mod error;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use linchpin_core::echo::Echo;
use linchpin_core::ingress::keys;
use linchpin_core::time::Wall;
use linchpin_hubspot::event::{self, Change, Event, Told};
use linchpin_hubspot::id::{AppId, Install, PortalId};
use linchpin_hubspot::signature::{Scheme, Signed, verify};
use linchpin_ports::event_log::{Accepted, EventLog, NewEvent, Teller};
use secrecy::SecretString;

pub use self::error::NotAccepted;
use crate::clock::Clock;
use crate::echo::Echoes;
use crate::news::Bell;

/// How long the store may take. HubSpot waits for five seconds, so it hears of a failure in time to try again.
pub const STORE_TIMEOUT: Duration = Duration::from_secs(4);

/// An app whose deliveries are accepted.
#[derive(Clone)]
pub struct App {
    /// The app.
    pub id: AppId,
    /// Its client secrets, the present one first; a second one while they are changed.
    pub secrets: Vec<SecretString>,
    /// The weakest scheme that is let in. What the app has used once it has to use ever after.
    pub least: Scheme,
}

/// A delivery as it came.
#[derive(Clone)]
pub struct Delivery {
    /// What kind of thing sent it.
    pub teller: Teller,
    /// The method, in capitals.
    pub method: String,
    /// The address that HubSpot called, as seen outside of any proxy.
    pub url: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The body, byte for byte.
    pub body: Bytes,
}

/// What has come in since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Deliveries that were acknowledged.
    pub deliveries: u64,
    /// Deliveries that were not believed.
    pub refused: u64,
    /// Deliveries that could not be stored.
    pub failed: u64,
    /// Events, by what became of them.
    pub events: Accepted,
    /// Elements that were kept without being understood.
    pub not_understood: u64,
}

#[derive(Default)]
struct Counters {
    deliveries: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    new: AtomicU64,
    repeated: AtomicU64,
    known: AtomicU64,
    not_understood: AtomicU64,
}

/// The way in.
pub struct Ingress {
    apps: BTreeMap<AppId, App>,
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    /// The strongest scheme of each app, as the log has it.
    strongest: Mutex<BTreeMap<AppId, Scheme>>,
    counters: Counters,
    bell: Bell,
    echoes: Arc<Echoes>,
}

impl Ingress {
    /// A way in for these apps. `bell` rings whenever a delivery has brought something new.
    pub fn new(apps: Vec<App>, log: Arc<dyn EventLog>, clock: Arc<dyn Clock>, bell: Bell) -> Self {
        let apps = apps.into_iter().map(|app| (app.id, app)).collect();
        let (strongest, counters, echoes) = (Mutex::default(), Counters::default(), Arc::default());
        Self { apps, log, clock, strongest, counters, bell, echoes }
    }

    /// Recognises the echoes of what is noted here. Otherwise all is news.
    #[must_use]
    pub fn with_echoes(self, echoes: Arc<Echoes>) -> Self {
        Self { echoes, ..self }
    }

    /// What has come in since the start.
    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters { deliveries, refused, failed, new, repeated, known, not_understood } = &self.counters;
        Counts {
            deliveries: read(deliveries),
            refused: read(refused),
            failed: read(failed),
            events: Accepted { new: read(new), repeated: read(repeated), known: read(known) },
            not_understood: read(not_understood),
        }
    }

    /// Echoes that came in since the start, by webhook or journal, by the caller whose writes they tell of.
    pub fn echoes(&self) -> BTreeMap<String, u64> {
        self.echoes.counts()
    }

    /// Takes a delivery of an app. When this returns, all that it told is on the disk.
    ///
    /// # Errors
    /// It is not believed, or cannot be stored; nothing of it may be acknowledged then.
    pub async fn accept(&self, app: AppId, delivery: Delivery) -> Result<Accepted, NotAccepted> {
        let accepted = self.store(app, delivery).await;
        match &accepted {
            Ok(Accepted { new, repeated, known }) => {
                let Counters { deliveries, new: all_new, repeated: all_repeated, known: all_known, .. } =
                    &self.counters;
                for (counter, by) in [(deliveries, 1), (all_new, *new), (all_repeated, *repeated), (all_known, *known)]
                {
                    counter.fetch_add(by, Ordering::Relaxed);
                }
                if *new > 0 {
                    self.bell.ring();
                }
            }
            Err(NotAccepted::UnknownApp | NotAccepted::NotVerified(_)) => {
                self.counters.refused.fetch_add(1, Ordering::Relaxed);
            }
            Err(NotAccepted::Store(_) | NotAccepted::Slow) => {
                self.counters.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
        accepted
    }

    async fn store(&self, app: AppId, delivery: Delivery) -> Result<Accepted, NotAccepted> {
        let app = self.apps.get(&app).ok_or(NotAccepted::UnknownApp)?;
        let now = self.clock.now().wall;
        self.believe(app, &delivery, now).await?;
        let events = match delivery.teller {
            Teller::Workflow => vec![of_workflow(app.id, &delivery.body, now)],
            Teller::Webhook | Teller::Journal => self.of_webhook(app.id, delivery.teller, &delivery.body, now),
        };
        within(self.log.accept(events, now)).await
    }

    async fn believe(&self, app: &App, delivery: &Delivery, now: Wall) -> Result<(), NotAccepted> {
        let strongest = self.strongest(app.id).await?;
        // Workflow actions sign by the second scheme, whatever the app's webhooks do.
        let least = match delivery.teller {
            Teller::Workflow => Scheme::V2.max(app.least),
            Teller::Webhook | Teller::Journal => strongest.map_or(app.least, |used| used.max(app.least)),
        };
        let Delivery { method, url, headers, body, .. } = delivery;
        let signed = Signed { method, url, headers, body };
        let now_ms = u64::try_from(now.0).unwrap_or_default();
        let verified = verify(signed, &app.secrets, least, now_ms).map_err(NotAccepted::NotVerified)?;
        if delivery.teller != Teller::Workflow && strongest.is_none_or(|used| used < verified.scheme) {
            // Written before anything is acknowledged, so that no restart opens the weaker way again.
            let used = within(self.log.signed(app.id, verified.scheme)).await?;
            self.strongest.lock().unwrap_or_else(PoisonError::into_inner).insert(app.id, used);
        }
        Ok(())
    }

    async fn strongest(&self, app: AppId) -> Result<Option<Scheme>, NotAccepted> {
        let known = self.strongest.lock().unwrap_or_else(PoisonError::into_inner).get(&app).copied();
        match known {
            Some(known) => Ok(Some(known)),
            None => within(self.log.strongest(app)).await,
        }
    }

    fn of_webhook(&self, app: AppId, teller: Teller, body: &Bytes, now: Wall) -> Vec<NewEvent> {
        event::read(body).into_iter().map(|told| self.new_event(app, teller, body, told, now)).collect()
    }

    fn new_event(&self, app: AppId, teller: Teller, body: &Bytes, told: Told<'_>, now: Wall) -> NewEvent {
        let raw = body.slice_ref(told.raw);
        match told.event {
            // The secret says whose it is; the number inside is the sender's word.
            Ok(event) => {
                let event = Event { install: Install { app, ..event.install }, ..event };
                known(&event, teller, raw, self.echoes.judge(&event, now))
            }
            Err(why) => {
                self.counters.not_understood.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(app = app.0, %why, "an event is kept without being understood");
                unread(Install { portal: PortalId(0), app }, teller, "", raw, now)
            }
        }
    }
}

/// An event that is understood, for the log.
pub(crate) fn known(event: &Event, teller: Teller, raw: Bytes, echo: Option<Echo>) -> NewEvent {
    let (delivery, change) = keys::keys(event);
    let record = event.change.record().map(|(object_type, id)| (object_type.clone(), id));
    let (object_type, record) = record.unzip();
    let property = match &event.change {
        Change::Property { name, .. } => Some(name.clone()),
        _ => None,
    };
    NewEvent {
        install: event.install,
        teller,
        occurred_at: Wall(event.occurred_at_ms),
        kind: event.change.kind().to_owned(),
        object_type,
        record,
        property,
        delivery,
        change,
        echo,
        raw,
    }
}

/// The body of a workflow action is whatever a person has put together; HubSpot's own has the account in it.
fn of_workflow(app: AppId, body: &Bytes, now: Wall) -> NewEvent {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Account {
        portal_id: u64,
    }
    let portal = serde_json::from_slice(body).map_or(PortalId(0), |Account { portal_id }| PortalId(portal_id));
    unread(Install { portal, app }, Teller::Workflow, "workflow", body.clone(), now)
}

/// Something that is kept without being understood, for the log.
pub(crate) fn unread(install: Install, teller: Teller, kind: &str, raw: Bytes, now: Wall) -> NewEvent {
    let (delivery, change) = keys::keys_of_bytes(&raw);
    NewEvent {
        install,
        teller,
        occurred_at: now,
        kind: kind.to_owned(),
        object_type: None,
        record: None,
        property: None,
        delivery,
        change,
        echo: None,
        raw,
    }
}

async fn within<T>(
    stored: impl Future<Output = Result<T, linchpin_ports::store::StoreError>>,
) -> Result<T, NotAccepted> {
    match tokio::time::timeout(STORE_TIMEOUT, stored).await {
        Ok(stored) => stored.map_err(NotAccepted::Store),
        Err(_) => Err(NotAccepted::Slow),
    }
}
