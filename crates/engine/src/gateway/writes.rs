//! The writes that are on their way, so that nobody is shown what was before them.
//!
//! What a write touches, and for how long, is decided by [`linchpin_core::gateway::written`]; here each is noted from
//! when it leaves until it has returned, or its caller has left.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use linchpin_core::gateway::written::{Touched, Written, touched_by};
use linchpin_core::time::Mono;
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::id::{ObjectType, RecordId};
use linchpin_hubspot::routes::Route;

use super::Asked;
use crate::clock::Clock;

/// The writes of an account, whoever makes them.
pub struct Writes {
    written: Mutex<Written>,
    clock: Arc<dyn Clock>,
}

impl Writes {
    /// None yet. Only records of these types are ever shown.
    pub fn new(types: impl IntoIterator<Item = ObjectType>, clock: Arc<dyn Clock>) -> Self {
        Self { written: Mutex::new(Written::new(types)), clock }
    }

    /// Notes a call that leaves, if it may write.
    pub(super) fn begin(&self, asked: &Asked, route: &Route) -> Option<Write<'_>> {
        let body = (!asked.is_once()).then_some(&asked.body);
        let touched = touched_by(&asked.method, route, &asked.target, body)?;
        self.lock().handle_write(&touched);
        Some(Write { of: self, turned_out: touched.clone(), touched, sure: false })
    }

    /// An earlier process may have left writes on their way.
    pub(super) fn note_past(&self) {
        let now = self.clock.now().mono;
        self.lock().handle_past(now);
    }

    /// Whether what was asked for then may be shown of a record.
    pub(super) fn allows(&self, object_type: &ObjectType, id: RecordId, asked: Mono) -> bool {
        self.lock().allows(object_type, id, asked)
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A write that is on its way. It ends with its answer, or when its caller leaves: then it may still happen.
pub(super) struct Write<'a> {
    of: &'a Writes,
    touched: Touched,
    turned_out: Touched,
    sure: bool,
}

impl Write<'_> {
    /// It has returned. Only HubSpot's own answer says for sure that nothing of it is on its way any more.
    pub(super) fn end<E>(mut self, outcome: &Result<Answer, E>) {
        if let Ok(answer) = outcome {
            self.sure = answer.status < 500;
            self.turned_out = self.touched.clone().narrowed(&answer.body);
        }
    }
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        let now = self.of.clock.now().mono;
        self.of.lock().handle_written(&self.touched, &self.turned_out, self.sure, now);
    }
}
