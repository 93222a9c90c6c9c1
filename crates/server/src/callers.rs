//! Who may call, known by the hash of what they show.
//!
//! Invariant: no key and no token is kept, only hashes; comparing hashes tells nobody how much of a guess was right.

use std::collections::BTreeMap;
use std::fmt;

use linchpin_core::schedule::lanes::Lane;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// Whoever shows a credential that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Its name in accounts and logs.
    pub name: String,
    /// Its lane where a call names none.
    pub lane: Lane,
}

type Hash = [u8; 32];

/// All callers.
#[derive(Clone, Default)]
pub struct Callers(BTreeMap<Hash, Caller>);

impl Callers {
    /// Lets in whoever shows this credential. One that was known already is replaced.
    pub fn admit(&mut self, secret: &SecretString, caller: Caller) {
        self.0.insert(hash(secret.expose_secret()), caller);
    }

    /// Everybody, in no particular order.
    pub fn all(&self) -> impl Iterator<Item = &Caller> {
        self.0.values()
    }

    /// Who shows this credential.
    pub fn find(&self, shown: &str) -> Option<&Caller> {
        self.0.get(&hash(shown))
    }
}

impl fmt::Debug for Callers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.values().map(|caller| &caller.name)).finish()
    }
}

fn hash(secret: &str) -> Hash {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_known_by_the_whole_of_its_key_and_shown_by_its_name() {
        let mut callers = Callers::default();
        let caller = Caller { name: "billing".to_owned(), lane: Lane::Bulk };
        callers.admit(&"key-of-billing".into(), caller.clone());
        assert_eq!(callers.find("key-of-billing"), Some(&caller));
        for wrong in ["", "key-of-billin", "key-of-billing ", "KEY-OF-BILLING"] {
            assert_eq!(callers.find(wrong), None, "{wrong}");
        }
        assert_eq!(format!("{callers:?}"), r#"{"billing"}"#);
    }
}
