//! The submissions that wait for one window: queues by lane, and within a lane by install and family, so that an open
//! breaker or a spent day holds up nobody else. Within a lane the oldest submission that may go goes first.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::breaker::{Breakers, Circuit, Gate};
use super::lanes::{Lane, Pace, PerLane, Turns};
use super::submission::Ticket;
use crate::time::Mono;

/// How long permits are kept for foreground work after the last of it came.
const RESERVE_FOR: Duration = Duration::from_secs(30);

/// The queues of one window.
#[derive(Debug, Default)]
pub(super) struct Pool {
    flows: PerLane<BTreeMap<Circuit, BTreeSet<Ticket>>>,
    waiting: PerLane<usize>,
    pub(super) turns: Turns,
    pub(super) pace: Pace,
    pub(super) wake: Option<Mono>,
    /// When a foreground submission last came.
    foreground: Option<Mono>,
}

impl Pool {
    /// Adds a submission at the place of its age.
    pub(super) fn push(&mut self, lane: Lane, circuit: Circuit, ticket: Ticket) {
        if self.flows.get_mut(lane).entry(circuit).or_default().insert(ticket) {
            *self.waiting.get_mut(lane) += 1;
        }
    }

    /// A submission arrives for the first time.
    pub(super) fn note_arrival(&mut self, lane: Lane, now: Mono) {
        if !lane.is_background() {
            self.foreground = Some(now);
        }
    }

    /// Whether foreground work came lately: only then is a reserve worth its price.
    pub(super) fn expects_foreground(&self, now: Mono) -> bool {
        self.foreground.is_some_and(|last| now - last < RESERVE_FOR)
    }

    /// Removes a submission.
    pub(super) fn remove(&mut self, lane: Lane, circuit: Circuit, ticket: Ticket) {
        let flows = self.flows.get_mut(lane);
        let Some(flow) = flows.get_mut(&circuit) else { return };
        if flow.remove(&ticket) {
            *self.waiting.get_mut(lane) -= 1;
        }
        if flow.is_empty() {
            flows.remove(&circuit);
        }
    }

    /// How many wait, by lane.
    pub(super) fn waiting(&self) -> PerLane<usize> {
        self.waiting
    }

    /// The oldest submission of a lane whose breaker lets it pass; else when the first breaker may.
    pub(super) fn head(&self, lane: Lane, breakers: &Breakers, now: Mono) -> Head {
        let mut head = Head { ticket: None, opens: None };
        for (circuit, flow) in self.flows.get(lane) {
            match breakers.gate(*circuit, now) {
                Gate::Open => {
                    let oldest = flow.first().copied();
                    head.ticket = match head.ticket {
                        Some(other) => oldest.map(|ticket| ticket.min(other)).or(Some(other)),
                        None => oldest,
                    };
                }
                Gate::ShutUntil(until) => head.opens = Some(head.opens.map_or(until, |at: Mono| at.min(until))),
                // The probe's end is an input of its own.
                Gate::Probing => {}
            }
        }
        head
    }
}

/// The head of a lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// Who may go next.
    pub(super) ticket: Option<Ticket>,
    /// When a breaker may let another one pass.
    pub(super) opens: Option<Mono>,
}
