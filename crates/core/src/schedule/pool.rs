//! The submissions that wait for one window: queues by lane, and within a lane by caller, install and family, so that
//! an open breaker or a spent day holds up nobody else.
//!
//! Within a lane callers take turns by their shares, and within a caller the oldest submission that may go goes first.
//! A batch stands in the line of every caller who has an input in it, and leaves with whoever's turn comes first: that
//! one pays the turn, the others travel along. In the line of its oldest input alone it would stand behind everything
//! else of that caller, and with it the inputs of all others.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::breaker::{Breakers, Circuit, Gate};
use super::caller::{Caller, CallerId};
use super::lanes::{Lane, Pace, PerLane, Turns};
use super::lines::{Lines, has_place};
use super::submission::Ticket;
use super::turns::VirtualTime;
use crate::time::Mono;

/// How long permits are kept for foreground work after the last of it came.
const RESERVE_FOR: Duration = Duration::from_secs(30);

/// The queues of one window.
#[derive(Debug, Default)]
pub(super) struct Pool {
    flows: PerLane<BTreeMap<(CallerId, Circuit), BTreeSet<Ticket>>>,
    /// Submissions, each once.
    waiting: PerLane<usize>,
    /// The same by caller: a batch counts for each who has an input in it.
    lines: PerLane<Lines>,
    callers: PerLane<VirtualTime<CallerId>>,
    pub(super) turns: Turns,
    pub(super) pace: Pace,
    pub(super) wake: Option<Mono>,
    /// When a foreground submission last came.
    foreground: Option<Mono>,
}

impl Pool {
    /// Adds a submission at the place of its age, in the line of each of its callers.
    pub(super) fn push(&mut self, lane: Lane, circuit: Circuit, ticket: Ticket, callers: &[Caller]) {
        let mut is_new = false;
        for caller in callers {
            is_new |= self.stand(lane, circuit, ticket, *caller);
        }
        *self.waiting.get_mut(lane) += usize::from(is_new);
    }

    /// Has a submission that waits already stand in the line of one more caller. False if it stood there.
    pub(super) fn stand(&mut self, lane: Lane, circuit: Circuit, ticket: Ticket, caller: Caller) -> bool {
        let is_new = self.flows.get_mut(lane).entry((caller.id, circuit)).or_default().insert(ticket);
        if is_new {
            self.lines.get_mut(lane).add(caller);
        }
        is_new
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

    /// Removes a submission from the lines of all its callers.
    pub(super) fn remove(&mut self, lane: Lane, circuit: Circuit, ticket: Ticket, callers: &[Caller]) {
        let flows = self.flows.get_mut(lane);
        let mut was_here = false;
        for caller in callers {
            let Some(flow) = flows.get_mut(&(caller.id, circuit)) else { continue };
            if flow.remove(&ticket) {
                was_here = true;
                self.lines.get_mut(lane).remove(caller.id);
            }
            if flow.is_empty() {
                flows.remove(&(caller.id, circuit));
            }
        }
        *self.waiting.get_mut(lane) -= usize::from(was_here);
    }

    /// Whether one more of this caller may wait in a lane that has places for `limit`.
    pub(super) fn has_place(&self, lane: Lane, caller: CallerId, limit: usize) -> bool {
        has_place(*self.waiting.get(lane), self.lines.get(lane).of(caller), limit)
    }

    /// How many leave before the caller's next submission, at most: all of the lanes that are in more of a hurry, and of
    /// its own lane those whose turn comes before.
    pub(super) fn ahead_of(&self, lane: Lane, caller: Caller) -> usize {
        let urgent = Lane::ALL.into_iter().filter(|other| *other < lane);
        let own = self.lines.get(lane).ahead_of(caller).min(*self.waiting.get(lane));
        urgent.map(|lane| *self.waiting.get(lane)).sum::<usize>() + own
    }

    /// A submission of a lane leaves, in the turn of this caller.
    pub(super) fn took(&mut self, lane: Lane, caller: Caller, now: Mono) {
        self.turns.took(lane);
        self.callers.get_mut(lane).took(caller.id, caller.share.weight());
        if lane.is_background() {
            self.pace.took(now);
        }
    }

    /// How many wait, by lane.
    pub(super) fn waiting(&self) -> PerLane<usize> {
        self.waiting
    }

    /// The oldest submission, among those whose breaker lets them pass, of the caller whose turn it is; else when the
    /// first breaker may.
    pub(super) fn head(&self, lane: Lane, breakers: &Breakers, now: Mono) -> Head {
        let (times, mut first, mut opens) = (self.callers.get(lane), None, None);
        for ((caller, circuit), flow) in self.flows.get(lane) {
            match breakers.gate(*circuit, now) {
                Gate::Open => {
                    // Of callers who are level, the one who has waited longest.
                    let oldest = flow.first().map(|ticket| (times.pass(*caller), *ticket, *caller));
                    first = first.into_iter().chain(oldest).min();
                }
                Gate::ShutUntil(until) => opens = Some(opens.map_or(until, |at: Mono| at.min(until))),
                // The probe's end is an input of its own.
                Gate::Probing => {}
            }
        }
        let next = first.map(|(_, ticket, caller)| Next { ticket, caller: self.lines.get(lane).caller(caller) });
        Head { next, opens }
    }

    /// How many callers take room, in lines or in turns.
    #[cfg(test)]
    pub(super) fn callers_kept(&self) -> usize {
        let kept = |lane| self.lines.get(lane).len() + self.callers.get(lane).kept() + self.flows.get(lane).len();
        Lane::ALL.into_iter().map(kept).sum()
    }
}

/// The head of a lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// Who may go next.
    pub(super) next: Option<Next>,
    /// When a breaker may let another one pass.
    pub(super) opens: Option<Mono>,
}

/// Who may go next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Next {
    pub(super) ticket: Ticket,
    /// Whose turn it is.
    pub(super) caller: Caller,
}
