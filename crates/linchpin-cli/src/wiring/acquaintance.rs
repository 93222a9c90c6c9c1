//! Whose token it is, remembered beside the store for a day, so that not every command has to ask.
//!
//! What is remembered is no secret: the account's numbers, and a hash by which the token and the address are recognised.
//! A file that is missing, old, of another token or damaged only means that HubSpot is asked again.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use linchpin_core::time::Wall;
use linchpin_engine::sync::Account;
use linchpin_hubspot::id::Install;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// How long an answer is believed, in milliseconds.
const BELIEVED_MS: i64 = 24 * 60 * 60 * 1_000;

#[derive(Serialize, Deserialize)]
struct Remembered {
    version: u32,
    token: u64,
    asked: Wall,
    install: Install,
    time_zone: Option<String>,
    account_type: Option<String>,
}

const VERSION: u32 = 1;

/// The memory of one store for one token.
pub(super) struct Acquaintance {
    path: PathBuf,
    token: u64,
}

impl Acquaintance {
    /// The memory beside `store`.
    pub(super) fn beside(store: &Path, token: &SecretString, base_url: &str) -> Self {
        let mut path = store.as_os_str().to_owned();
        path.push(".account");
        let mut hasher = DefaultHasher::new();
        (token.expose_secret(), base_url).hash(&mut hasher);
        Self { path: path.into(), token: hasher.finish() }
    }

    /// The account, if it was asked for within a day.
    pub(super) fn recall(&self, now: Wall) -> Option<Account> {
        let text = std::fs::read(&self.path).ok()?;
        let known: Remembered = serde_json::from_slice(&text).ok()?;
        let fresh = (0..BELIEVED_MS).contains(&(now.0 - known.asked.0));
        (known.version == VERSION && known.token == self.token && fresh).then_some(Account {
            install: known.install,
            time_zone: known.time_zone,
            kind: known.account_type,
        })
    }

    /// Remembers an answer. Not being able to is no failure: the next command asks again.
    pub(super) fn remember(&self, account: &Account, now: Wall) {
        let known = Remembered {
            version: VERSION,
            token: self.token,
            asked: now,
            install: account.install,
            time_zone: account.time_zone.clone(),
            account_type: account.kind.clone(),
        };
        let written =
            serde_json::to_vec(&known).map_err(std::io::Error::other).and_then(|text| std::fs::write(&self.path, text));
        if let Err(error) = written {
            tracing::warn!(%error, "the account cannot be remembered");
        }
    }
}

#[cfg(test)]
mod tests {
    use linchpin_hubspot::id::{AppId, PortalId};

    use super::*;

    #[test]
    fn an_answer_is_believed_for_a_day_and_for_its_token_and_address_only() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("linchpin.db");
        let beside = |token: &str, url| Acquaintance::beside(&store, &token.to_owned().into(), url);
        let account = Account {
            install: Install { portal: PortalId(7), app: AppId(8) },
            time_zone: Some("US/Eastern".to_owned()),
            kind: None,
        };
        let known = beside("pat-test-1", "https://x");
        assert_eq!(known.recall(Wall(5)), None);
        known.remember(&account, Wall(5));
        assert_eq!(known.recall(Wall(6)), Some(account));
        assert_eq!(known.recall(Wall(5 + BELIEVED_MS)), None);
        assert_eq!(known.recall(Wall(4)), None, "the clock has gone back");
        assert_eq!(beside("pat-test-2", "https://x").recall(Wall(6)), None);
        assert_eq!(beside("pat-test-1", "https://y").recall(Wall(6)), None);
        let written = std::fs::read_to_string(folder.path().join("linchpin.db.account")).unwrap();
        assert!(!written.contains("pat-test"), "{written}");
    }
}
