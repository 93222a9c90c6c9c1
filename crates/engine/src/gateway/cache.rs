//! Definitions that are asked for again and again, answered from what is kept.
//!
//! What may be kept, and until when, is decided by [`linchpin_core::gateway::cache`]; here a call meets it.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::{AGE, HeaderName, HeaderValue};
use linchpin_core::gateway::cache::{Cache, Fill, Key, Kind, Look, changed_by, names_unknown, read_by, wish};
use linchpin_core::gateway::flight::relevant;
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::id::PortalId;
use linchpin_hubspot::routes::Route;

use super::Asked;
use crate::clock::Clock;
use crate::dispatch::DispatchError;

/// Says of an answer about definitions where it comes from: `hit`, `miss` or `bypass`.
pub const CACHE_HEADER: HeaderName = HeaderName::from_static("linchpin-cache");

/// What an unknown name may be about: properties, their options, and stages. Schemas list properties.
const NAMED: [Kind; 3] = [Kind::Properties, Kind::Schemas, Kind::Pipelines];

/// What a call came back with, and whether it was made at all.
pub(super) enum Met {
    /// From here; nothing was asked.
    Kept(Answer),
    /// From HubSpot.
    Asked(Result<Answer, DispatchError>),
}

/// Whether the answer to a call may be kept.
pub(super) fn is_kept(asked: &Asked, route: &Route) -> bool {
    asked.body.is_empty() && !asked.is_once() && read_by(&asked.method, route).is_some()
}

/// The answers that are kept.
pub(super) struct Definitions {
    cache: Mutex<Cache>,
    clock: Arc<dyn Clock>,
}

impl Definitions {
    pub(super) fn new(lives: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { cache: Mutex::new(Cache::new(lives)), clock }
    }

    /// Answers a call from here, or by `travel`.
    pub(super) async fn meet(
        &self,
        asked: &Asked,
        route: &Route,
        travel: impl Future<Output = Result<Answer, DispatchError>>,
    ) -> Met {
        if let Some(kind) = read_by(&asked.method, route).filter(|_| is_kept(asked, route)) {
            return self.read(asked, kind, travel).await;
        }
        let mut change = Change::begin(self, asked.install.portal, changed_by(&asked.method, route));
        let outcome = travel.await;
        change.sure = !matches!(outcome, Err(DispatchError::Unknown(_)));
        drop(change);
        if outcome.as_ref().is_ok_and(names_unknown) {
            self.lock().forget(asked.install.portal, &NAMED);
        }
        Met::Asked(outcome)
    }

    async fn read(
        &self,
        asked: &Asked,
        kind: Kind,
        travel: impl Future<Output = Result<Answer, DispatchError>>,
    ) -> Met {
        let (headers, target) = (relevant(&asked.headers), asked.target.clone());
        let key = Key { install: asked.install, target, headers };
        let now = self.clock.now().mono;
        let look = self.lock().look(key, kind, wish(&asked.headers), now);
        let (fill, word) = match look {
            Look::Hit { mut answer, age } => {
                answer.headers.insert(AGE, HeaderValue::from(age.as_secs()));
                answer.headers.insert(CACHE_HEADER, HeaderValue::from_static("hit"));
                return Met::Kept(answer);
            }
            Look::Miss(fill) => (Some(fill), "miss"),
            Look::Bypass(fill) => (fill, "bypass"),
        };
        let outcome = travel.await.map(|mut answer| {
            self.keep(fill, &answer);
            answer.headers.insert(CACHE_HEADER, HeaderValue::from_static(word));
            answer
        });
        Met::Asked(outcome)
    }

    fn keep(&self, fill: Option<Fill>, answer: &Answer) {
        let now = self.clock.now().mono;
        if let Some(fill) = fill {
            self.lock().fill(fill, answer, now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A change that is on its way. It ends with its answer, or when its caller leaves: then it may still happen.
struct Change<'a> {
    of: &'a Definitions,
    portal: PortalId,
    kinds: &'static [Kind],
    sure: bool,
}

impl<'a> Change<'a> {
    fn begin(of: &'a Definitions, portal: PortalId, kinds: &'static [Kind]) -> Self {
        of.lock().handle_change(portal, kinds);
        Self { of, portal, kinds, sure: false }
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        let now = self.of.clock.now().mono;
        self.of.lock().handle_changed(self.portal, self.kinds, self.sure, now);
    }
}
