//! The right to put one call on the wire, as a type that only the scheduler can make.
//!
//! Invariants: a permit is made by the budget alone (private field), cannot be copied, and is moved into the one
//! attempt it allows. Its id outlives it, so that the attempt's end can be reported.

/// The name of a permit: how the end of its attempt is reported to the scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PermitId(u64);

/// The right to one attempt on the wire. Already counted against every limit that its call draws on.
///
/// Whoever sends takes it by value: a second attempt, a re-sending client or a followed redirect would each need
/// another one. An attempt that never began is reported as [`Outcome::NotSent`](crate::verdict::Outcome::NotSent), and
/// the permit is returned.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a permit counts against the limits until its attempt is reported"]
pub struct Permit(PermitId);

impl Permit {
    /// Made by the budget when it has counted the call.
    pub(super) fn new(number: u64) -> Self {
        Self(PermitId(number))
    }

    /// The name under which the end of the attempt is reported.
    pub fn id(&self) -> PermitId {
        self.0
    }
}
