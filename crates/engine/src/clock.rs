//! The clock that everything else is given.
//!
//! The only place that asks the machine for the time. Waiting is tokio's business (`sleep` for the difference of two
//! moments), so that a trial with paused time moves both together.

use std::time::{Duration, Instant, SystemTime};

use linchpin_core::time::{Mono, Now, Wall};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The present, on both clocks. The monotonic one never goes back.
    fn now(&self) -> Now;
}

/// The machine's clocks.
#[derive(Debug)]
pub struct SystemClock {
    began: Instant,
}

impl SystemClock {
    /// The monotonic clock starts now.
    #[expect(clippy::disallowed_methods, reason = "this is the injected clock")]
    pub fn new() -> Self {
        Self { began: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the injected clock")]
    fn now(&self) -> Now {
        let wall = match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => Wall(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
            Err(before) => Wall(-i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX)),
        };
        Now { mono: Mono(micros(self.began.elapsed())), wall }
    }
}

/// Tokio's clock, which trials can pause and which then jumps from one wait to the next; the wall clock follows it.
#[derive(Debug)]
pub struct TokioClock {
    began: tokio::time::Instant,
    wall: Wall,
}

impl TokioClock {
    /// Both clocks start now; the wall clock shows `wall`.
    #[expect(clippy::disallowed_methods, reason = "this is the injected clock")]
    pub fn new(wall: Wall) -> Self {
        Self { began: tokio::time::Instant::now(), wall }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Now {
        let since = self.began.elapsed();
        Now { mono: Mono(micros(since)), wall: self.wall + since }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn paused_clock_moves_by_what_is_waited_for() {
        let clock = TokioClock::new(Wall(1_000));
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        assert_eq!(clock.now(), Now { mono: Mono(3_600_000_000), wall: Wall(3_601_000) });
    }

    #[test]
    fn system_clock_never_goes_back() {
        let clock = SystemClock::new();
        let (first, second) = (clock.now(), clock.now());
        assert!(first.mono <= second.mono);
        assert!(first.wall > Wall(1_600_000_000_000), "after 2020");
    }
}
