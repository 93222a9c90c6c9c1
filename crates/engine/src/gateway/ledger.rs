//! The gateway's account of its callers' calls: of what happens, or, in shadow mode, of what would have happened.
//!
//! Every call is entered when it arrives and ends with its [`Entry`], whether it is answered, refused or given up.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::header::ACCEPT;
use linchpin_core::gateway::join::{Alone, Joined};
use linchpin_core::gateway::shadow::{Arrival, CallId, Returned, Shadow};
use linchpin_core::gateway::usage::{Kind, Usage};
use linchpin_core::schedule::coalesce::Join;
use linchpin_hubspot::routes::Route;

use super::{Asked, in_lane};
use crate::clock::Clock;

/// What is counted.
enum Book {
    /// What happens.
    Live(Usage),
    /// What would have happened.
    Shadow(Box<Shadow>),
}

/// The account.
pub(super) struct Ledger {
    book: Mutex<Book>,
    shadow: bool,
    clock: Arc<dyn Clock>,
}

impl Ledger {
    pub(super) fn new(shadow: bool, clock: Arc<dyn Clock>) -> Self {
        let book = if shadow { Book::Shadow(Box::default()) } else { Book::Live(Usage::default()) };
        Self { book: Mutex::new(book), shadow, clock }
    }

    /// Whether it counts what would have happened.
    pub(super) fn is_shadow(&self) -> bool {
        self.shadow
    }

    /// What is counted so far.
    pub(super) fn usage(&self) -> Usage {
        let now = self.clock.now().mono;
        match &mut *self.lock() {
            Book::Live(usage) => usage.clone(),
            Book::Shadow(shadow) => shadow.usage(now).clone(),
        }
    }

    /// A call arrives.
    pub(super) fn enter<'a>(&'a self, asked: &Asked, route: &'a Route, joined: Result<&Joined, Alone>) -> Entry<'a> {
        let kind = Kind::new(&asked.caller, route);
        let alone = joined.err().map(Alone::name);
        let shadow = match &mut *self.lock() {
            Book::Live(_) => None,
            Book::Shadow(shadow) => {
                let join = joined
                    .ok()
                    .map(|joined| Join { key: in_lane(&joined.join.key, asked.lane), ..joined.join.clone() });
                let join = join.as_ref().ok_or(alone.unwrap_or_default());
                let arrival = Arrival { kind: kind.clone(), route, join, same: same(asked) };
                Some(shadow.handle_call(arrival, self.clock.now().mono))
            }
        };
        Entry {
            ledger: self,
            kind,
            route,
            alone,
            shadow,
            sent: 0,
            spared: Spared::Nothing,
            returned: Returned::Nothing,
        }
    }

    /// A call that is answered from the mirror, or refused because it wanted nothing else.
    pub(super) fn keep(&self, asked: &Asked, route: &Route, answered: bool) {
        let returned = if answered { Returned::Success } else { Returned::Nothing };
        let kind = Kind::new(&asked.caller, route);
        let spared = if answered { Spared::Kept } else { Spared::Nothing };
        drop(Entry { ledger: self, kind, route, alone: None, shadow: None, sent: 0, spared, returned });
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a call needed none of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spared {
    /// It needed one.
    Nothing,
    /// It left in a batch that another one had begun.
    Rode,
    /// It got the answer of another that asked the same.
    Same,
    /// It was answered from what is kept.
    Kept,
}

/// A call that is in the account; it ends when this is dropped.
pub(super) struct Entry<'a> {
    ledger: &'a Ledger,
    kind: Kind,
    route: &'a Route,
    alone: Option<&'static str>,
    shadow: Option<CallId>,
    sent: u64,
    spared: Spared,
    returned: Returned,
}

impl Entry<'_> {
    /// A call left because of this one.
    pub(super) fn handle_sent(&mut self) {
        self.sent += 1;
    }

    /// It left in a batch that another one had begun.
    pub(super) fn handle_rode(&mut self) {
        self.spared = Spared::Rode;
    }

    /// It got the answer of another that asked the same.
    pub(super) fn handle_same(&mut self) {
        self.spared = Spared::Same;
    }

    /// It was answered from what is kept.
    pub(super) fn handle_kept(&mut self) {
        self.spared = Spared::Kept;
    }

    /// HubSpot answered it with this status.
    pub(super) fn handle_answer(&mut self, status: u16) {
        self.returned = if status < 400 { Returned::Success } else { Returned::Refusal };
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        match &mut *self.ledger.lock() {
            Book::Shadow(shadow) => {
                if let Some(id) = self.shadow {
                    shadow.handle_return(id, self.returned, self.ledger.clock.now().mono);
                }
            }
            Book::Live(usage) => {
                if self.returned == Returned::Success {
                    usage.handle_success(self.route);
                }
                let row = usage.row(&self.kind);
                row.calls += 1;
                row.needed += self.sent;
                row.failed += u64::from(self.returned == Returned::Nothing);
                row.joined += u64::from(self.spared == Spared::Rode);
                row.same += u64::from(self.spared == Spared::Same);
                row.kept += u64::from(self.spared == Spared::Kept);
                // Whoever rode with others and was then sent alone has cost a call after all.
                let due = u64::from(self.spared == Spared::Nothing);
                row.repeated += self.sent.saturating_sub(due);
                if let Some(why) = self.alone {
                    *row.alone.entry(why).or_default() += 1;
                }
            }
        }
    }
}

/// What identical calls have in common, as a digest: with whose credential, what, and in which form. It is compared
/// within this process only.
fn same(asked: &Asked) -> u64 {
    let mut digest = DefaultHasher::new();
    asked.install.hash(&mut digest);
    asked.method.hash(&mut digest);
    asked.target.hash(&mut digest);
    asked.body.hash(&mut digest);
    for accept in asked.headers.get_all(ACCEPT) {
        accept.hash(&mut digest);
    }
    digest.finish()
}
