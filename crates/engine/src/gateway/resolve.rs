//! Creations whose outcome nobody knows, resolved by a unique value before their callers hear of them.

use linchpin_core::gateway::join::{Input, Joined};
use linchpin_core::gateway::resolve::{Whose, whose};
use linchpin_core::time::Wall;
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::endpoint::Endpoint as _;
use linchpin_hubspot::objects::{Fields, Read};
use linchpin_hubspot::routes::Route;

use super::ledger::Entry;
use super::{Asked, Gateway, located, request};
use crate::dispatch::{CallRequest, DispatchError};

/// The status of an answer that HubSpot gives to a creation.
const CREATED: u16 = 201;
/// Its status if the unique value is taken.
const CONFLICT: u16 = 409;

impl Gateway {
    /// Finds out what became of a creation that was first sent at `sent`, and whose answer was `lost`. One without a
    /// unique value stays unknown: asking again may make a second record.
    pub(super) async fn resolved(
        &self,
        asked: &Asked,
        route: &Route,
        (joined, sent): (&Joined, Wall),
        entry: &mut Entry<'_>,
        lost: DispatchError,
    ) -> Result<Answer, DispatchError> {
        let Input::Create { values, unique: Some(unique), .. } = &joined.input else { return Err(lost) };
        tracing::info!(property = unique, "the answer to a creation was lost: its unique value is asked for");
        // As long as the first one is not known, every failure leaves it unknown.
        let Ok(again) = self.answer_single(asked, route, entry).await else { return Err(lost) };
        if again.status != CONFLICT {
            let is_said = again.status < 500 && !matches!(again.status, 423 | 429 | 477);
            return if is_said { Ok(again) } else { Err(lost) };
        }
        let Some(key) = values.get(unique) else { return Err(lost) };
        let read = Read {
            object_type: joined.group.object_type.clone(),
            id: key.clone(),
            id_property: Some(unique.clone()),
            fields: Fields { properties: values.keys().cloned().collect(), ..Fields::default() },
        };
        let request = CallRequest { call: read.call(joined.group.version), passage: None, ..request(asked, route) };
        let Ok(found) = self.dispatch.call(request).await else { return Err(lost) };
        entry.handle_sent();
        let Ok(record) = read.decode(&found) else { return Err(lost) };
        match whose(&record, values, sent.0) {
            Whose::Ours(id) => Ok(located(asked, Answer { status: CREATED, ..found }, Some(id))),
            Whose::Elses => Ok(again),
            Whose::Nobodys => Err(lost),
        }
    }
}
