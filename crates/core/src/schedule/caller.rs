//! Who makes calls, and with what share of a lane's turns.
//!
//! The scheduler needs no names: a caller is told from another by a number that its name gives. The engine's own work
//! is a caller as any other.

use std::fmt;

/// Tells one caller from another.
///
/// It is a hash of the caller's name, so that nobody keeps a list of names. Two names with one hash would share their
/// turns, and nothing else would happen; a configuration of a thousand callers has such a pair with a chance of one
/// in thirty million million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallerId(u64);

impl CallerId {
    /// The caller of this name.
    pub fn of(name: &str) -> Self {
        // FNV-1a: <https://datatracker.ietf.org/doc/html/draft-eastlake-fnv>.
        const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0100_0000_01b3;
        Self(name.bytes().fold(BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME)))
    }
}

/// A caller's weight beside the others of its lane: one with 3 gets three turns where one with 1 gets one, as long as
/// both have calls that wait. From [`Share::MIN`] to [`Share::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u8);

/// A number that is no share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no share: expected a whole number from {min} to {max}", min = Share::MIN, max = Share::MAX)]
pub struct NotAShare(pub i64);

impl Share {
    /// The least, and what a caller has of whom nothing is said.
    pub const MIN: Self = Self(1);
    /// The most.
    pub const MAX: Self = Self(100);

    /// The weight.
    pub const fn weight(self) -> u64 {
        self.0 as u64
    }
}

impl Default for Share {
    fn default() -> Self {
        Self::MIN
    }
}

impl TryFrom<i64> for Share {
    type Error = NotAShare;

    fn try_from(number: i64) -> Result<Self, NotAShare> {
        let share = u8::try_from(number).map(Self).map_err(|_| NotAShare(number))?;
        if (Self::MIN..=Self::MAX).contains(&share) { Ok(share) } else { Err(NotAShare(number)) }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A caller and its share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Caller {
    /// Which one.
    pub id: CallerId,
    /// Its weight. Calls of one caller that name several count with the newest.
    pub share: Share,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_whole_number_from_one_to_a_hundred() {
        for number in [1, 3, 100] {
            assert_eq!(Share::try_from(number).map(|share| share.to_string()), Ok(number.to_string()));
        }
        for number in [-1, 0, 101, 257, i64::MAX] {
            assert_eq!(Share::try_from(number), Err(NotAShare(number)));
        }
        assert!(NotAShare(0).to_string().contains("from 1 to 100"), "{}", NotAShare(0));
    }

    #[test]
    fn names_tell_callers_apart() {
        assert_eq!(CallerId::of("gateway:billing"), CallerId::of("gateway:billing"));
        assert_ne!(CallerId::of("gateway:billing"), CallerId::of("billing"));
        assert_ne!(CallerId::of(""), CallerId::default());
    }
}
