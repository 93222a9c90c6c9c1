//! The simulated wall clock: a start, what the runtime's timer says since, and the jumps that were asked for.
//!
//! Under a paused runtime the timer stands still until every task waits, so a run over hours takes milliseconds. This
//! is the only place of the crate that asks a machine for the time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::wire::Millis;

/// A clock that can be read and moved forward.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
    /// The wall time at `origin`, jumps included.
    base: i64,
}

impl Clock {
    /// Starts at `base`.
    #[expect(clippy::disallowed_methods, reason = "the simulator's one clock; paused in trials")]
    pub(crate) fn start(base: Millis) -> Self {
        Self { origin: Instant::now(), base: base.0 }
    }

    #[expect(clippy::disallowed_methods, reason = "the simulator's one clock; paused in trials")]
    pub(crate) fn now(&self) -> Millis {
        let elapsed = Instant::now().duration_since(self.origin).as_millis();
        Millis(self.base.saturating_add(i64::try_from(elapsed).unwrap_or(i64::MAX)))
    }

    /// Says when the runtime's timer will reach a wall time; at once for a past one.
    pub(crate) fn instant(&self, at: Millis) -> Instant {
        self.origin + Duration::from_millis(u64::try_from(at.0.saturating_sub(self.base)).unwrap_or(0))
    }

    pub(crate) fn jump(&mut self, ms: i64) {
        self.base = self.base.saturating_add(ms);
    }
}

/// The machine's wall clock.
#[expect(clippy::disallowed_methods, reason = "a simulator on a desk starts at the real time")]
pub(crate) fn wall() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
