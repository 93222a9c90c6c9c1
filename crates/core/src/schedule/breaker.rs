//! Stops calling what does not answer: one circuit breaker for each install and family of endpoints.
//!
//! Closed: everything passes. Open after [`FAILURES_MAX`] failures in a row: nothing passes for a while that doubles.
//! Half-open: one probe passes; its end closes the breaker or opens it again. The trouble of one family or portal
//! never stops another.

use std::collections::BTreeMap;
use std::time::Duration;

use linchpin_hubspot::call::Family;
use linchpin_hubspot::id::Install;

use crate::time::Mono;

/// Failures in a row that open a breaker.
pub const FAILURES_MAX: u32 = 8;

/// How long a breaker stays open the first time.
pub const OPEN_MIN: Duration = Duration::from_secs(2);

/// How long it stays open at most.
pub const OPEN_MAX: Duration = Duration::from_secs(60);

/// What a breaker guards.
pub type Circuit = (Install, Family);

/// Whether a call may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// It may.
    Open,
    /// Not before this moment.
    ShutUntil(Mono),
    /// A probe is on its way; its end decides.
    Probing,
}

/// The state of one breaker, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Calls pass; so many failures in a row.
    Closed {
        /// Failures in a row.
        failures: u32,
    },
    /// Nothing passes before this moment; then one probe.
    Open {
        /// When the probe may leave.
        until: Mono,
    },
    /// A probe is on its way.
    HalfOpen,
}

#[derive(Clone, Copy, Debug)]
struct Breaker {
    state: State,
    open_for: Duration,
}

/// All breakers. One that never failed takes no room.
#[derive(Clone, Debug, Default)]
pub struct Breakers(BTreeMap<Circuit, Breaker>);

impl Breakers {
    /// Whether a call may pass now.
    pub fn gate(&self, circuit: Circuit, now: Mono) -> Gate {
        match self.0.get(&circuit).map(|breaker| breaker.state) {
            Some(State::Open { until }) if until > now => Gate::ShutUntil(until),
            Some(State::HalfOpen) => Gate::Probing,
            None | Some(State::Closed { .. } | State::Open { .. }) => Gate::Open,
        }
    }

    /// A call passes: it is the probe if the breaker was open.
    pub fn handle_send(&mut self, circuit: Circuit) {
        if let Some(breaker) = self.0.get_mut(&circuit) {
            breaker.state = match breaker.state {
                State::Open { .. } | State::HalfOpen => State::HalfOpen,
                closed @ State::Closed { .. } => closed,
            };
        }
    }

    /// The call never left, or nobody saw its end: if it was the probe, another one may go.
    pub fn handle_unseen(&mut self, circuit: Circuit, now: Mono) {
        if let Some(breaker) = self.0.get_mut(&circuit).filter(|breaker| breaker.state == State::HalfOpen) {
            breaker.state = State::Open { until: now };
        }
    }

    /// Forgets what is known of an install.
    pub fn forget(&mut self, install: Install) {
        self.0.retain(|(of, _), _| *of != install);
    }

    /// HubSpot answered something that shows it is alive.
    pub fn handle_success(&mut self, circuit: Circuit) {
        self.0.remove(&circuit);
    }

    /// No answer, or one that shows trouble on HubSpot's side.
    pub fn handle_failure(&mut self, circuit: Circuit, now: Mono) {
        let fresh = Breaker { state: State::Closed { failures: 0 }, open_for: OPEN_MIN };
        let breaker = self.0.entry(circuit).or_insert(fresh);
        breaker.state = match breaker.state {
            State::Closed { failures } if failures + 1 < FAILURES_MAX => State::Closed { failures: failures + 1 },
            State::Closed { .. } => State::Open { until: now + breaker.open_for },
            State::HalfOpen => {
                breaker.open_for = (breaker.open_for * 2).min(OPEN_MAX);
                State::Open { until: now + breaker.open_for }
            }
            // A call that left before the breaker opened.
            open @ State::Open { .. } => open,
        };
    }

    /// The breakers that are not closed, or have failures.
    pub fn iter(&self) -> impl Iterator<Item = (Circuit, State)> {
        self.0.iter().map(|(circuit, breaker)| (*circuit, breaker.state))
    }
}

#[cfg(test)]
mod tests {
    use linchpin_hubspot::id::{AppId, PortalId};
    use proptest::prelude::*;

    use super::*;

    const INSTALL: Install = Install { portal: PortalId(1), app: AppId(2) };
    const OBJECTS: Circuit = (INSTALL, Family::Objects);
    const SEARCH: Circuit = (INSTALL, Family::Search);

    fn tripped() -> Breakers {
        let mut breakers = Breakers::default();
        for _ in 0..FAILURES_MAX {
            assert_eq!(breakers.gate(OBJECTS, Mono(0)), Gate::Open);
            breakers.handle_failure(OBJECTS, Mono(0));
        }
        breakers
    }

    #[test]
    fn failures_in_a_row_open_one_breaker_and_no_other() {
        let breakers = tripped();
        assert_eq!(breakers.gate(OBJECTS, Mono(1)), Gate::ShutUntil(Mono(0) + OPEN_MIN));
        assert_eq!(breakers.gate(SEARCH, Mono(1)), Gate::Open);
        let other = Install { portal: PortalId(9), app: AppId(2) };
        assert_eq!(breakers.gate((other, Family::Objects), Mono(1)), Gate::Open);
    }

    #[test]
    fn one_probe_passes_and_its_end_decides() {
        let mut breakers = tripped();
        let later = Mono(0) + OPEN_MIN;
        assert_eq!(breakers.gate(OBJECTS, later), Gate::Open);
        breakers.handle_send(OBJECTS);
        assert_eq!(breakers.gate(OBJECTS, later), Gate::Probing);
        let mut unseen = breakers.clone();
        unseen.handle_unseen(OBJECTS, later);
        assert_eq!(unseen.gate(OBJECTS, later), Gate::Open, "another probe may go");
        let mut healed = breakers.clone();
        healed.handle_success(OBJECTS);
        assert_eq!(healed.gate(OBJECTS, later), Gate::Open);
        breakers.handle_failure(OBJECTS, later);
        assert_eq!(breakers.gate(OBJECTS, later), Gate::ShutUntil(later + OPEN_MIN * 2));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn breaker_is_shut_exactly_while_the_model_says_so(ends in prop::collection::vec(any::<bool>(), 1..60)) {
            let mut breakers = Breakers::default();
            let mut now = Mono(0);
            let (mut failures, mut open_for) = (0, OPEN_MIN);
            for alive in ends {
                // One call at a time: whenever the gate is shut, wait for it.
                if let Gate::ShutUntil(until) = breakers.gate(OBJECTS, now) {
                    prop_assert!(failures >= FAILURES_MAX);
                    prop_assert_eq!(until - now, open_for);
                    now = until;
                }
                prop_assert_eq!(breakers.gate(OBJECTS, now), Gate::Open);
                breakers.handle_send(OBJECTS);
                if alive {
                    breakers.handle_success(OBJECTS);
                    (failures, open_for) = (0, OPEN_MIN);
                } else {
                    breakers.handle_failure(OBJECTS, now);
                    failures += 1;
                    if failures > FAILURES_MAX {
                        open_for = (open_for * 2).min(OPEN_MAX);
                    }
                }
                now = now + Duration::from_millis(0);
            }
        }
    }
}
