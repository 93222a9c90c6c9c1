//! Whose token it is, remembered beside the store for a day, so that not every command has to ask.
//!
//! What is remembered is no secret: the account's numbers, and a hash by which the token and the address are recognised.
//! A file that is missing, old, of another token or damaged only means that HubSpot is asked again. That HubSpot named
//! no app (0) is never remembered: a wrong answer would hide the store for a day. The file is its owner's alone, as the
//! store is.

use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use linchpin_core::time::Wall;
use linchpin_engine::sync::Account;
use linchpin_hubspot::id::{AppId, Install};
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
pub(crate) struct Acquaintance {
    path: PathBuf,
    token: u64,
}

impl Acquaintance {
    /// The memory beside `store`.
    pub(crate) fn beside(store: &Path, token: &SecretString, base_url: &str) -> Self {
        let mut path = store.as_os_str().to_owned();
        path.push(".account");
        let mut hasher = DefaultHasher::new();
        (token.expose_secret(), base_url).hash(&mut hasher);
        Self { path: path.into(), token: hasher.finish() }
    }

    /// The account, if it was asked for within a day.
    pub(crate) fn recall(&self, now: Wall) -> Option<Account> {
        let text = std::fs::read(&self.path).ok()?;
        let known: Remembered = serde_json::from_slice(&text).ok()?;
        let fresh = (0..BELIEVED_MS).contains(&(now.0 - known.asked.0));
        let certain = known.install.app != AppId(0);
        (known.version == VERSION && known.token == self.token && fresh && certain).then_some(Account {
            install: known.install,
            time_zone: known.time_zone,
            kind: known.account_type,
        })
    }

    /// Remembers an answer. Not being able to is no failure: the next command asks again.
    pub(crate) fn remember(&self, account: &Account, now: Wall) {
        if account.install.app == AppId(0) {
            return;
        }
        let known = Remembered {
            version: VERSION,
            token: self.token,
            asked: now,
            install: account.install,
            time_zone: account.time_zone.clone(),
            account_type: account.kind.clone(),
        };
        let written = serde_json::to_vec(&known).map_err(io::Error::other).and_then(|text| self.write(&text));
        if let Err(error) = written {
            tracing::warn!(%error, "the account cannot be remembered");
        }
    }

    fn write(&self, text: &[u8]) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&self.path)?;
        keep_private(&file)?;
        file.write_all(text)
    }
}

/// A file that was there before keeps its mode when it is opened.
#[cfg(unix)]
fn keep_private(file: &File) -> io::Result<()> {
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))
}

#[cfg(not(unix))]
fn keep_private(_file: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use linchpin_hubspot::id::PortalId;

    use super::*;

    fn account(app: u64) -> Account {
        Account { install: Install { portal: PortalId(7), app: AppId(app) }, time_zone: None, kind: None }
    }

    #[test]
    fn an_account_without_an_app_is_neither_remembered_nor_recalled() {
        let folder = tempfile::tempdir().unwrap();
        let known = Acquaintance::beside(&folder.path().join("l.db"), &"pat-test-1".to_owned().into(), "https://x");
        known.remember(&account(0), Wall(5));
        assert!(!known.path.exists());
        known.remember(&account(8), Wall(5));
        let text = std::fs::read_to_string(&known.path).unwrap();
        std::fs::write(&known.path, text.replace(":8", ":0")).unwrap();
        assert_eq!(known.recall(Wall(6)), None, "left behind by an older version");
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let known = Acquaintance::beside(&folder.path().join("l.db"), &"pat-test-1".to_owned().into(), "https://x");
        std::fs::write(&known.path, "as an older version left it").unwrap();
        std::fs::set_permissions(&known.path, std::fs::Permissions::from_mode(0o644)).unwrap();
        known.remember(&account(8), Wall(5));
        assert_eq!(std::fs::metadata(&known.path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(known.recall(Wall(6)).is_some());
    }

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
