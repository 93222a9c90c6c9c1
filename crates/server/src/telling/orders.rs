//! Subscribers: how it stands with each, and what an operator orders.

use linchpin_engine::subscribers::{Moved, Replayed, Status};
use linchpin_hubspot::answer::Answer;
use linchpin_ports::store::StoreError;

use super::query::{From, Query};
use super::shapes::{self, DeadDelivery, Feed};
use super::{DEAD_LISTED, Telling, malformed, trouble, unknown, unread};
use crate::admin;
use crate::admin::shapes::Problem;

impl Telling {
    pub(super) async fn listed(&self) -> Result<Answer, Problem> {
        let subscribers = &self.parts.subscribers;
        let statuses = subscribers.statuses().await.map_err(|error| unread(&error))?;
        let each = subscribers.names().into_iter().map(|name| shapes::Subscriber {
            name: name.to_owned(),
            target: subscribers.target(name).unwrap_or_default(),
            feeds: statuses.iter().filter(|status| status.feed.name == name).map(feed).collect(),
        });
        Ok(ok(&shapes::Subscribers { subscribers: each.collect() }))
    }

    pub(super) async fn dead(&self, name: &str) -> Result<Answer, Problem> {
        let dead = found(name, self.parts.subscribers.dead(name, DEAD_LISTED).await)?;
        let dead = dead.into_iter().map(|(install, dead)| DeadDelivery {
            portal: install.portal.0,
            app: install.app.0,
            first: dead.first,
            last: dead.last,
            events: dead.events,
            status: dead.status,
            attempts: dead.attempts,
            died_ms: dead.died_at.0,
        });
        Ok(ok(&shapes::Dead { dead: dead.collect() }))
    }

    pub(super) async fn enable(&self, name: &str) -> Result<Answer, Problem> {
        let feeds = found(name, self.parts.subscribers.enable(name).await)?;
        tracing::info!(subscriber = name, "a subscriber is enabled");
        Ok(ok(&shapes::Changed { feeds }))
    }

    pub(super) async fn resume(&self, name: &str, head: &http::request::Parts) -> Result<Answer, Problem> {
        let query = Query::read(head.uri.query().unwrap_or_default()).map_err(|why| malformed(&why))?;
        let to = match query.from {
            Some(From::Since(moment)) => Moved::Since(moment),
            Some(From::After(place)) => Moved::After(self.install(&query)?, place),
            None => return Err(malformed("say where to go on: after=PLACE, or since=MOMENT")),
        };
        let feeds = found(name, self.parts.subscribers.resume(name, to).await)?;
        if feeds == 0 {
            return Err(malformed("there is no such log: portal and app say which one is meant"));
        }
        tracing::info!(subscriber = name, ?to, "a subscriber goes on elsewhere");
        Ok(ok(&shapes::Changed { feeds }))
    }

    pub(super) async fn replay(&self, name: &str) -> Result<Answer, Problem> {
        let replayed = found(name, self.parts.subscribers.replay(name).await)?;
        let Replayed { delivered, forgotten, failed, status } = replayed;
        Ok(ok(&shapes::Replay { delivered, forgotten, failed, status }))
    }
}

fn ok(shape: &impl serde::Serialize) -> Answer {
    admin::json(200, "application/json", shape)
}

/// What was found of a subscriber that there is.
fn found<T>(name: &str, answer: Result<Option<T>, StoreError>) -> Result<T, Problem> {
    answer.map_err(|error| unread(&error))?.ok_or_else(|| unknown(name))
}

fn feed(status: &Status) -> Feed {
    let (feed, state) = (&status.feed, &status.feed.state);
    Feed {
        portal: feed.install.portal.0,
        app: feed.install.app.0,
        enabled: state.disabled.is_none(),
        reason: state.disabled.map(|disabled| disabled.reason.name()),
        disabled_ms: state.disabled.map(|disabled| disabled.since.0),
        place: feed.place,
        last: status.last,
        delivered: state.delivered,
        missed: state.missed,
        dead: state.dead,
        failing_since_ms: state.trouble.failing_since.map(|since| since.0),
        trouble: trouble(status),
    }
}
