//! Callers with HubSpot tokens of their own that nobody configured: guests.
//!
//! A guest's calls leave as they came, through a door that only guests use, never in a batch, each token under a budget
//! of its own. That door knows no other credential, so no caller's token can leave with another caller's call.
//!
//! Invariants: a token is kept while a call that showed it is open, and no longer; what stays is its hash, for its
//! budget. At most [`GUESTS_MAX`] hashes are kept; one is forgotten only when it has been idle for [`IDLE`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use linchpin_core::schedule::limits::{AppKind, Limits, Tier};
use linchpin_core::time::{Mono, Wall};
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::id::{AppId, Install, PortalId};
use linchpin_hubspot::routes;
use linchpin_ports::budget::{BudgetRecord, BudgetRecords};
use linchpin_ports::credentials::{CredentialKind, Credentials, CredentialsError, Token};
use linchpin_ports::store::StoreError;
use secrecy::SecretString;

use super::{Asked, Writes, request};
use crate::clock::Clock;
use crate::dispatch::{Dispatch, DispatchError, InstallError, Parts, UtcDays};
use crate::tasks::Tasks;
use crate::upstream::Upstream;

/// Tokens whose budgets are kept at once.
pub const GUESTS_MAX: usize = 256;

/// How long a guest must have been silent before its budget may be forgotten: longer than a window and than any attempt
/// ([`ATTEMPT_MAX`](linchpin_core::schedule::budget::ATTEMPT_MAX)).
pub const IDLE: Duration = Duration::from_secs(300);

/// Under which all guests are remembered together across restarts. HubSpot numbers its accounts from one.
const REMEMBERED_AS: Install = Install { portal: PortalId(0), app: AppId(1) };

/// Set in the portal of every guest: no account has so high a number.
const GUEST_BIT: u64 = 1 << 63;

/// A token that a caller shows.
pub struct Shown {
    /// Its SHA-256.
    pub hash: [u8; 32],
    /// The token.
    pub secret: SecretString,
    /// What kind it is, as far as its form tells.
    pub kind: CredentialKind,
}

/// Why a guest gets no answer of HubSpot.
#[derive(Debug, thiserror::Error)]
pub enum GuestError {
    /// As many guests as can be kept apart were here lately.
    #[error("more than {GUESTS_MAX} different unknown tokens are in use")]
    Full,
    /// There is no answer.
    #[error(transparent)]
    Dispatch(#[from] DispatchError),
}

/// What the guests' door is built from.
pub struct GuestParts {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Sends.
    pub upstream: Arc<dyn Upstream>,
    /// Where it is remembered until when guests may have called.
    pub records: Arc<dyn BudgetRecords>,
    /// The seed of the dice that spread retries.
    pub seed: u64,
    /// Where writes are noted, if anything is shown that they may change: a guest may write to any account.
    pub writes: Option<Arc<Writes>>,
}

/// The guests' way to HubSpot.
pub struct Guests {
    dispatch: Dispatch,
    book: Arc<GuestBook>,
    clock: Arc<dyn Clock>,
    writes: Option<Arc<Writes>>,
    /// Held while a guest is registered or forgotten, so that the door hears of both in their order.
    registering: tokio::sync::Mutex<()>,
}

impl Guests {
    /// Opens the guests' door.
    ///
    /// # Errors
    /// What an earlier process remembered cannot be read.
    pub async fn open(tasks: &Tasks, parts: GuestParts) -> Result<Self, StoreError> {
        let GuestParts { clock, upstream, records, seed, writes } = parts;
        let book = Arc::new(GuestBook::default());
        let records = Arc::new(OneRecord::open(records, clock.now().wall).await?);
        let credentials = Arc::clone(&book) as Arc<dyn Credentials>;
        let parts = Parts { clock: Arc::clone(&clock), upstream, credentials, records, days: Arc::new(UtcDays), seed };
        let (dispatch, registering) = (Dispatch::start(tasks, parts), tokio::sync::Mutex::new(()));
        Ok(Self { dispatch, book, clock, writes, registering })
    }

    /// Makes a guest's call with its own token. The install of `asked` does not matter.
    ///
    /// # Errors
    /// There are too many guests, or there is no answer.
    pub async fn answer(&self, shown: Shown, asked: Asked) -> Result<Answer, GuestError> {
        let install = install_of(&shown.hash);
        let _visit = self.visit(install, shown).await?;
        let route = routes::classify(&asked.method, &asked.target);
        let asked = Asked { install, ..asked };
        let write = self.writes.as_ref().and_then(|writes| writes.begin(&asked, &route));
        let outcome = self.dispatch.call(request(&asked, &route)).await;
        if let Some(write) = write {
            write.end(&outcome);
        }
        Ok(outcome?)
    }

    /// How many tokens have a budget now.
    pub fn len(&self) -> usize {
        self.book.guests().len()
    }

    /// Whether nobody unknown has called lately.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    async fn visit(&self, install: Install, shown: Shown) -> Result<Visit, GuestError> {
        let kind = shown.kind;
        if let Some(visit) = self.enter(install, &shown) {
            return Ok(visit);
        }
        let _registering = self.registering.lock().await;
        self.make_room(install).await?;
        self.book.guests().entry(install).or_insert_with(|| Guest::new(&shown, self.clock.now().mono));
        // The kind of app stays private: nobody here could renew an access token.
        let registered = self.dispatch.install(install, AppKind::Private, limits(kind)).await;
        registered.map_err(|error| match error {
            InstallError::Shutdown => DispatchError::Shutdown,
            InstallError::Store(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a guest cannot be let in");
                DispatchError::UnknownInstall
            }
        })?;
        if let Some(guest) = self.book.guests().get_mut(&install) {
            guest.registered = true;
        }
        self.enter(install, &shown).ok_or(GuestError::Full)
    }

    /// A guest that the door knows comes in.
    fn enter(&self, install: Install, shown: &Shown) -> Option<Visit> {
        let mut guests = self.book.guests();
        // Two tokens with one install would share a budget, and one another's calls: the second stays outside.
        let guest = guests.get_mut(&install).filter(|guest| guest.registered && guest.hash == shown.hash)?;
        guest.calls += 1;
        guest.token = Some(Token { secret: shown.secret.clone(), kind: shown.kind });
        Some(Visit { book: Arc::clone(&self.book), clock: Arc::clone(&self.clock), install })
    }

    /// Forgets the guest that has been silent longest, if there are too many.
    async fn make_room(&self, install: Install) -> Result<(), GuestError> {
        let now = self.clock.now().mono;
        let silent = {
            let mut guests = self.book.guests();
            if guests.len() < GUESTS_MAX || guests.contains_key(&install) {
                return Ok(());
            }
            let idle = guests.iter().filter(|(_, guest)| guest.calls == 0 && now - guest.seen >= IDLE);
            let silent = idle.min_by_key(|(_, guest)| guest.seen).map(|(install, _)| *install);
            let silent = silent.ok_or(GuestError::Full)?;
            // Should it come back meanwhile, it waits until it may register anew.
            if let Some(guest) = guests.get_mut(&silent) {
                guest.registered = false;
            }
            silent
        };
        self.dispatch.forget(silent).await;
        self.book.guests().remove(&silent);
        Ok(())
    }
}

/// What is assumed of an account of which nothing is known: the strictest limits. Answers may correct them.
fn limits(kind: CredentialKind) -> Limits {
    let app = match kind {
        CredentialKind::PrivateApp => AppKind::Private,
        CredentialKind::OAuth => AppKind::Public,
    };
    Limits { assumed: true, ..Limits::of(Tier::Free, app, 0) }
}

/// The install under which a token's calls are counted: 127 bits of its hash, apart from every account's number.
fn install_of(hash: &[u8; 32]) -> Install {
    let number = |at: usize| hash.iter().skip(at).take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    Install { portal: PortalId(number(0) | GUEST_BIT), app: AppId(number(8)) }
}

struct Guest {
    hash: [u8; 32],
    /// Only while calls are open.
    token: Option<Token>,
    calls: usize,
    seen: Mono,
    /// The door knows it.
    registered: bool,
}

impl Guest {
    fn new(shown: &Shown, seen: Mono) -> Self {
        Self { hash: shown.hash, token: None, calls: 0, seen, registered: false }
    }
}

#[derive(Default)]
struct GuestBook(Mutex<BTreeMap<Install, Guest>>);

impl GuestBook {
    fn guests(&self) -> MutexGuard<'_, BTreeMap<Install, Guest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Credentials for GuestBook {
    async fn token(&self, install: Install) -> Result<Token, CredentialsError> {
        let token = self.guests().get(&install).and_then(|guest| guest.token.clone());
        token.ok_or(CredentialsError::Unknown(install))
    }
}

/// An open call of a guest.
struct Visit {
    book: Arc<GuestBook>,
    clock: Arc<dyn Clock>,
    install: Install,
}

impl Drop for Visit {
    fn drop(&mut self) {
        let now = self.clock.now().mono;
        if let Some(guest) = self.book.guests().get_mut(&self.install) {
            guest.calls -= 1;
            guest.seen = now;
            if guest.calls == 0 {
                guest.token = None;
            }
        }
    }
}

/// All guests under one record: a row for each token that ever came would be litter for ever.
struct OneRecord {
    records: Arc<dyn BudgetRecords>,
    /// Until when an earlier process may have called for any guest.
    past: Option<BudgetRecord>,
}

impl OneRecord {
    async fn open(records: Arc<dyn BudgetRecords>, now: Wall) -> Result<Self, StoreError> {
        let past = records.load(REMEMBERED_AS).await?;
        // Nobody has called for guests after the beginning of this process but itself.
        let past = past.map(|past| BudgetRecord { may_send_until: past.may_send_until.min(now), window: None });
        Ok(Self { records, past })
    }
}

#[async_trait]
impl BudgetRecords for OneRecord {
    async fn load(&self, _install: Install) -> Result<Option<BudgetRecord>, StoreError> {
        Ok(self.past.clone())
    }

    async fn save(&self, _install: Install, record: BudgetRecord) -> Result<(), StoreError> {
        self.records.save(REMEMBERED_AS, BudgetRecord { window: None, ..record }).await
    }
}

#[cfg(test)]
mod tests;
