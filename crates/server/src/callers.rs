//! Who may call, known by the hash of what they show; what each may do, and what it has done.
//!
//! Invariant: no key and no token is kept, only hashes; comparing hashes tells nobody how much of a guess was right.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use linchpin_core::gateway::access::Access;
use linchpin_core::gateway::account::{Account, Tally};
use linchpin_core::schedule::caller::Share;
use linchpin_core::schedule::lanes::Lane;
use linchpin_core::time::Wall;
use linchpin_engine::gateway::CALLER_PREFIX;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// The name under which the calls of all unknown tokens are counted.
pub const UNKNOWN_TOKENS: &str = "unknown-tokens";

/// Whoever shows a credential that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Its name in accounts and logs.
    pub name: String,
    /// Its lane where a call names none.
    pub lane: Lane,
    /// Its part of a lane's turns, beside the parts of the others.
    pub share: Share,
    /// What it may do.
    pub access: Access,
    /// How many calls it has in a day of the account; none for as many as the account has.
    pub daily_quota: Option<u64>,
}

impl Caller {
    /// A caller that may do everything, with the least share.
    pub fn new(name: impl Into<String>, lane: Lane) -> Self {
        Self { name: name.into(), lane, share: Share::MIN, access: Access::default(), daily_quota: None }
    }
}

/// What a caller has done since the start, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerAccount {
    /// Its name; [`UNKNOWN_TOKENS`] for all tokens that nobody configured.
    pub name: String,
    /// Its lane where a call names none.
    pub lane: Lane,
    /// Its part of a lane's turns, beside the parts of the others.
    pub share: Share,
    /// How many calls it has in a day of the account, if they are limited.
    pub daily_quota: Option<u64>,
    /// How many of them it has made today; in memory, so from the start of the process on.
    pub used_today: u64,
    /// What became of its calls.
    pub tally: Tally,
}

pub(crate) type Hash = [u8; 32];

/// A caller and its account.
pub(crate) struct Known {
    pub(crate) caller: Caller,
    /// Under which it is counted and logged.
    pub(crate) label: String,
    account: Mutex<Account>,
}

impl Known {
    fn new(caller: Caller) -> Self {
        let account = Mutex::new(Account::new(caller.daily_quota));
        let label = format!("{CALLER_PREFIX}{}", caller.name);
        Self { caller, label, account }
    }

    pub(crate) fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn summary(&self, now: Wall) -> CallerAccount {
        let account = self.account();
        let Caller { ref name, lane, share, .. } = self.caller;
        let (daily_quota, used_today, tally) = (account.quota(), account.used(now), account.tally());
        CallerAccount { name: name.clone(), lane, share, daily_quota, used_today, tally }
    }
}

/// All callers.
pub struct Callers {
    known: BTreeMap<Hash, Known>,
    unknown: Known,
}

impl Default for Callers {
    fn default() -> Self {
        let unknown = Known::new(Caller::new(UNKNOWN_TOKENS, Lane::Interactive));
        Self { known: BTreeMap::new(), unknown }
    }
}

impl Callers {
    /// Lets in whoever shows this credential. False if somebody shows the same already: nobody new is let in then.
    #[must_use]
    pub fn admit(&mut self, secret: &SecretString, caller: Caller) -> bool {
        let hash = hash(secret.expose_secret());
        let new = !self.known.contains_key(&hash);
        if new {
            self.known.insert(hash, Known::new(caller));
        }
        new
    }

    /// The name of whoever shows this credential.
    pub fn name(&self, shown: &str) -> Option<&str> {
        self.find(shown).map(|known| known.caller.name.as_str())
    }

    /// Who shows this credential.
    pub(crate) fn find(&self, shown: &str) -> Option<&Known> {
        self.known.get(&hash(shown))
    }

    /// All that show tokens which nobody configured.
    pub(crate) fn unknown(&self) -> &Known {
        &self.unknown
    }

    /// What each has of a lane's turns, by the name that its calls carry.
    pub fn shares(&self) -> BTreeMap<String, Share> {
        self.known.values().map(|known| (known.label.clone(), known.caller.share)).collect()
    }

    /// What each has done, by name; unknown tokens last.
    pub fn accounts(&self, now: Wall) -> Vec<CallerAccount> {
        let mut accounts: Vec<CallerAccount> = self.known.values().map(|known| known.summary(now)).collect();
        accounts.sort_by(|one, other| one.name.cmp(&other.name));
        accounts.push(self.unknown.summary(now));
        accounts
    }
}

impl fmt::Debug for Callers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.known.values().map(|known| &known.caller.name)).finish()
    }
}

pub(crate) fn hash(secret: &str) -> Hash {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_known_by_the_whole_of_its_key_and_shown_by_its_name() {
        let mut callers = Callers::default();
        let caller = Caller::new("billing", Lane::Bulk);
        assert!(callers.admit(&"key-of-billing".into(), caller.clone()));
        assert_eq!(callers.find("key-of-billing").map(|known| &known.caller), Some(&caller));
        for wrong in ["", "key-of-billin", "key-of-billing ", "KEY-OF-BILLING"] {
            assert!(callers.find(wrong).is_none(), "{wrong}");
        }
        assert_eq!(format!("{callers:?}"), r#"{"billing"}"#);
    }

    #[test]
    fn two_callers_do_not_share_a_key() {
        let mut callers = Callers::default();
        assert!(callers.admit(&"key".into(), Caller::new("first", Lane::Bulk)));
        assert!(!callers.admit(&"key".into(), Caller::new("second", Lane::Bulk)));
        assert_eq!(callers.find("key").map(|known| known.caller.name.as_str()), Some("first"));
    }

    #[test]
    fn accounts_are_told_by_name() {
        let mut callers = Callers::default();
        for name in ["nightly", "billing"] {
            let caller = Caller { daily_quota: Some(5), ..Caller::new(name, Lane::Bulk) };
            assert!(callers.admit(&format!("key-of-{name}").into(), caller));
        }
        let mut account = callers.find("key-of-billing").unwrap().account();
        account.handle_asked();
        account.take(Wall(1), |_| Wall(10)).unwrap();
        account.handle_answer(200, true);
        drop(account);
        let accounts = callers.accounts(Wall(2));
        let names: Vec<&str> = accounts.iter().map(|account| account.name.as_str()).collect();
        assert_eq!(names, ["billing", "nightly", UNKNOWN_TOKENS]);
        let tally = Tally { asked: 1, joined: 1, answered: [0, 1, 0, 0, 0], ..Tally::default() };
        assert_eq!((accounts[0].daily_quota, accounts[0].used_today, accounts[0].tally), (Some(5), 1, tally));
        assert_eq!(callers.accounts(Wall(10))[0].used_today, 0);
    }
}
