//! Who wrote what of late, for everything that calls and everything that is told.
//!
//! What is an echo, and who hears of it, is decided by [`linchpin_core::echo`]. Here is what the door, the ways in and
//! the feeds share: receipts are noted when a write leaves, closed when its answer is there, and asked when an event
//! comes in. Nothing is on the disk: after a restart all is news.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::Method;
use linchpin_core::echo::Echo;
use linchpin_core::echo::hearing::Place;
use linchpin_core::echo::receipts::{Noted, Receipts, Stand};
use linchpin_core::echo::writes::{answered, writes};
use linchpin_core::time::Wall;
use linchpin_core::verdict::Outcome;
use linchpin_hubspot::call::Call;
use linchpin_hubspot::event::Event;
use linchpin_hubspot::id::PortalId;

use crate::gateway::caller_name;

/// Receipts, shared.
#[derive(Debug, Default)]
pub struct Echoes {
    receipts: Mutex<Receipts>,
    counts: Mutex<BTreeMap<String, u64>>,
}

impl Echoes {
    /// Notes what each of some callers writes with a call that is about to leave.
    pub(crate) fn note(&self, portal: PortalId, calls: &[(String, impl AsRef<Call>)], now: Wall) -> Vec<Noted> {
        let written = |call: &Call| if call.method == Method::GET { Vec::new() } else { writes(call) };
        let all = calls.iter().map(|(caller, call)| (caller_name(caller), written(call.as_ref())));
        let all: Vec<_> = all.filter(|(_, writes)| !writes.is_empty()).collect();
        let mut receipts = self.receipts();
        all.into_iter().map(|(caller, writes)| receipts.note(portal, caller, writes, now)).collect()
    }

    /// The attempt has ended. Of one whose outcome nobody knows the receipts stay.
    pub(crate) fn handle_outcome(&self, noted: &[Noted], outcome: &Outcome, now: Wall) {
        if noted.is_empty() {
            return;
        }
        match outcome {
            Outcome::Answered(answer) if answer.is_success() => {
                let answers = answered(&answer.body);
                let mut receipts = self.receipts();
                for noted in noted {
                    receipts.handle_done(noted, &answers, now);
                }
            }
            // A timeout on HubSpot's side says nothing about what was done.
            Outcome::Answered(answer) if answer.status == 408 || !(400..500).contains(&answer.status) => {}
            Outcome::Answered(_) | Outcome::NotSent(_) => {
                let mut receipts = self.receipts();
                for noted in noted {
                    receipts.handle_not_done(noted);
                }
            }
            Outcome::Lost(_) => {}
        }
    }

    /// Whose echo an event is that has come in; counted once, however often it is told.
    pub(crate) fn judge(&self, event: &Event, now: Wall) -> Option<Echo> {
        let (echo, first) = self.receipts().judge(event, now)?;
        if first {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            *counts.entry(echo.caller.clone()).or_default() += 1;
        }
        Some(echo)
    }

    /// What some callers are known to have brought about in a property.
    pub(crate) fn stands(
        &self,
        portal: PortalId,
        (object_type, record, property): &Place,
        callers: &BTreeSet<String>,
        now: Wall,
    ) -> Vec<Stand> {
        self.receipts().stands(&(portal, object_type.clone(), *record), property, callers, now)
    }

    /// Echoes since the start, by the caller whose they are.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn receipts(&self) -> MutexGuard<'_, Receipts> {
        self.receipts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use http::HeaderMap;
    use linchpin_core::verdict::{Cause, CauseKind};
    use linchpin_hubspot::answer::Answer;
    use linchpin_hubspot::event::read_one;
    use serde_json::json;

    use super::*;

    const PORTAL: PortalId = PortalId(7);
    const NOW: Wall = Wall(1_700_000_000_000);

    fn answer(status: u16) -> Outcome {
        Outcome::Answered(Answer { status, headers: HeaderMap::new(), body: Bytes::new() })
    }

    fn cause() -> Cause {
        Cause { kind: CauseKind::Connect, detail: String::new() }
    }

    #[test]
    fn receipts_stay_unless_it_was_surely_not_done() {
        for (outcome, stays) in [
            (answer(200), true),
            (answer(207), true),
            (answer(502), true),
            (answer(408), true),
            (Outcome::Lost(cause()), true),
            (answer(400), false),
            (answer(429), false),
            (Outcome::NotSent(cause()), false),
        ] {
            let echoes = Echoes::default();
            let write = |city: &str| json!({"properties": {"city": city}});
            let call = |city| Call::new(Method::PATCH, "/crm/v3/objects/contacts/901").with_json(&write(city));
            let read = Call::new(Method::GET, "/crm/v3/objects/contacts/901");
            let calls = [("gateway:erp", call("Oslo")), ("gateway:crm", call("Rome")), ("gateway:erp", read)];
            let calls = calls.map(|(caller, call)| (caller.to_owned(), Arc::new(call)));
            let noted = echoes.note(PORTAL, &calls, NOW);
            assert_eq!(noted.len(), 2);
            echoes.handle_outcome(&noted, &outcome, NOW);
            let told = json!({"portalId": 7, "occurredAt": NOW.0, "objectId": 901, "propertyName": "city",
                "subscriptionType": "contact.propertyChange", "propertyValue": "Rome"});
            let event = read_one(told.to_string().as_bytes()).unwrap();
            let caller = echoes.judge(&event, NOW).map(|echo| echo.caller);
            assert_eq!(caller, stays.then(|| "crm".to_owned()), "{outcome:?}");
        }
    }
}
