//! Short digests by which the same thing is known again.

use std::fmt;

use sha2::{Digest, Sha256};

/// How many bytes a fingerprint has: two different things among a million million share one by a chance below 10^-14.
pub const FINGERPRINT_BYTES: usize = 16;

/// The beginning of a SHA-256: nobody can make two things that share one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; FINGERPRINT_BYTES]);

/// A fingerprint in the making. Each part is preceded by its length, so that `["ab", "c"]` and `["a", "bc"]` differ.
#[derive(Clone, Default)]
pub struct Parts(Sha256);

impl Parts {
    /// Adds a part.
    pub fn add(&mut self, part: &[u8]) -> &mut Self {
        self.0.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        self.0.update(part);
        self
    }

    /// The fingerprint of all parts.
    pub fn finish(self) -> Fingerprint {
        let mut bytes = [0; FINGERPRINT_BYTES];
        bytes.iter_mut().zip(self.0.finalize()).for_each(|(place, byte)| *place = byte);
        Fingerprint(bytes)
    }
}

impl Fingerprint {
    /// Of a list of parts.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut all = Parts::default();
        for part in parts {
            all.add(part);
        }
        all.finish()
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_parts_have_the_same_fingerprint_and_others_do_not() {
        let of = Fingerprint::of;
        assert_eq!(of(&[b"ab", b"c"]), of(&[b"ab", b"c"]));
        let others = [of(&[b"ab", b"c"]), of(&[b"a", b"bc"]), of(&[b"abc"]), of(&[b"ab", b"c", b""]), of(&[])];
        for (place, one) in others.iter().enumerate() {
            assert!(others.iter().skip(place + 1).all(|other| other != one), "{one:?}");
        }
    }
}
