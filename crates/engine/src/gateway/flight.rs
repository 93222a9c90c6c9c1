//! Calls that leave as they came: reads of the very same as one, writes of a record one after the other.

use std::sync::atomic::Ordering;

use linchpin_core::gateway::flight::{Wanted, in_turn, same};
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::routes::Route;

use super::ledger::Entry;
use super::{Asked, Coalesce, Gateway, in_lane, request};
use crate::dispatch::{DispatchError, Shared};

impl Gateway {
    /// Makes a call that is no input of a batch. [`Coalesce::Off`] makes it at once and on its own.
    pub(super) async fn answer_single(
        &self,
        asked: &Asked,
        route: &Route,
        entry: &mut Entry<'_>,
    ) -> Result<Answer, DispatchError> {
        match self.single(asked, route).await? {
            Shared::Along(answer) => {
                self.counters.shared.fetch_add(1, Ordering::Relaxed);
                entry.handle_same();
                Ok(answer)
            }
            Shared::Alone(answer) => {
                entry.handle_sent();
                Ok(answer)
            }
            Shared::Place(place) => {
                entry.handle_sent();
                Ok(place.whole())
            }
            Shared::Apart => {
                let answer = self.dispatch.call(request(asked, route)).await?;
                entry.handle_sent();
                Ok(answer)
            }
        }
    }

    async fn single(&self, asked: &Asked, route: &Route) -> Result<Shared, DispatchError> {
        let Asked { install, method, target, headers, body, .. } = asked;
        if self.coalesce == Coalesce::Off {
            return self.dispatch.call(request(asked, route)).await.map(Shared::Alone);
        }
        let wanted = Wanted { install: *install, method, target, headers, body, route };
        let number = || self.turns.fetch_add(1, Ordering::Relaxed);
        let join = match same(&wanted) {
            Some(mut join) => {
                join.key = in_lane(&join.key, asked.lane);
                Some(join)
            }
            None => in_turn(*install, route, number()),
        };
        match join {
            Some(join) => self.dispatch.call_same(request(asked, route), join).await,
            None => self.dispatch.call(request(asked, route)).await.map(Shared::Alone),
        }
    }
}
