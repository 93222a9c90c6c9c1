//! From settings to an open [`Linchpin`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use linchpin_core::schedule::limits::{AppKind, Tier};
use linchpin_engine::tasks::Tasks;
use linchpin_engine::upstream::{BASE_URL, BaseUrl};
use linchpin_hubspot::id::Install;
use linchpin_hubspot::version::ApiVersion;
use linchpin_ports::credentials::Credentials;
use linchpin_ports::store::Stores;
use linchpin_store_sqlite::SqliteStore;
use secrecy::SecretString;

use crate::client::Linchpin;
use crate::error::Error;

/// The largest share of calls that can be left to others.
const RESERVE_MAX: f64 = 0.9;

/// Settings of a [`Linchpin`]; made by [`Linchpin::builder`].
///
/// All but the token have defaults: HubSpot's own address, a store in memory, version `2026-03`, the limits of a free
/// account.
pub struct Builder {
    identity: Option<Identity>,
    base_url: String,
    plain_http: bool,
    version: ApiVersion,
    tier: Tier,
    limit_increases: u32,
    reserve: f64,
    caller: String,
    store: Option<PathBuf>,
    stores: Option<Stores>,
    tasks: Option<Tasks>,
}

/// Whose calls they are.
#[derive(Clone)]
pub(crate) enum Identity {
    /// A private app's token: HubSpot says to which account it belongs.
    Token(SecretString),
    /// Credentials that come from elsewhere, for an install that is known.
    Credentials { install: Install, kind: AppKind, credentials: Arc<dyn Credentials> },
}

impl Identity {
    pub(crate) fn kind(&self) -> AppKind {
        match self {
            Self::Token(_) => AppKind::Private,
            Self::Credentials { kind, .. } => *kind,
        }
    }
}

/// What a builder has settled.
pub(crate) struct Settings {
    pub(crate) identity: Identity,
    pub(crate) base_url: BaseUrl,
    pub(crate) version: ApiVersion,
    pub(crate) tier: Tier,
    pub(crate) limit_increases: u32,
    pub(crate) reserve: f64,
    pub(crate) caller: String,
    pub(crate) store: Option<PathBuf>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            identity: None,
            base_url: BASE_URL.to_owned(),
            plain_http: false,
            version: ApiVersion::default(),
            tier: Tier::Free,
            limit_increases: 0,
            reserve: 0.0,
            caller: "embedded".to_owned(),
            store: None,
            stores: None,
            tasks: None,
        }
    }
}

impl Builder {
    /// The token of a private app, or a service key. HubSpot is asked once whose it is.
    #[must_use]
    pub fn token(self, token: impl Into<SecretString>) -> Self {
        Self { identity: Some(Identity::Token(token.into())), ..self }
    }

    /// Credentials from elsewhere (a vault, OAuth) for an install that is known, and the kind of app, which decides
    /// about limits.
    #[must_use]
    pub fn credentials(self, install: Install, kind: AppKind, credentials: Arc<dyn Credentials>) -> Self {
        Self { identity: Some(Identity::Credentials { install, kind, credentials }), ..self }
    }

    /// Where HubSpot is: a simulator's address, for trying things out. Plain `http` is refused to any machine but this
    /// one, because the token would travel in the open.
    #[must_use]
    pub fn base_url(self, base_url: impl Into<String>) -> Self {
        Self { base_url: base_url.into(), ..self }
    }

    /// Lets the token travel over plain `http` to another machine: for a simulator in a network of one's own.
    #[must_use]
    pub fn allow_plain_http(self, allow: bool) -> Self {
        Self { plain_http: allow, ..self }
    }

    /// The style of paths, and from `2026-09` on the stricter validation of writes.
    #[must_use]
    pub fn version(self, version: ApiVersion) -> Self {
        Self { version, ..self }
    }

    /// What the account pays for, which decides about its limits
    /// (<https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines>).
    #[must_use]
    pub fn tier(self, tier: Tier) -> Self {
        Self { tier, ..self }
    }

    /// How many API limit increases the account has bought, at most two.
    #[must_use]
    pub fn limit_increases(self, limit_increases: u32) -> Self {
        Self { limit_increases, ..self }
    }

    /// Share of the ten-second window that is left to others who use the same token, from 0 to 0.9.
    #[must_use]
    pub fn reserve(self, share: f64) -> Self {
        Self { reserve: share, ..self }
    }

    /// The name under which calls are logged.
    #[must_use]
    pub fn caller(self, caller: impl Into<String>) -> Self {
        Self { caller: caller.into(), ..self }
    }

    /// Remembers in the file at `path`, so that a restart knows how much of the limits is spent, and a sync goes on
    /// where it stopped. Made if it is not there; one process owns it at a time. Without it everything is in memory,
    /// and two processes with one token may together exceed the account's limits.
    #[must_use]
    pub fn store(self, path: impl Into<PathBuf>) -> Self {
        Self { store: Some(path.into()), ..self }
    }

    /// Remembers in stores that somebody else has opened. [`Builder::store`] then only says beside which file it is
    /// remembered whose token this is.
    #[must_use]
    pub fn stores(self, stores: Stores) -> Self {
        Self { stores: Some(stores), ..self }
    }

    /// Runs in tasks that somebody else shuts down: the door then outlives the [`Linchpin`].
    #[must_use]
    pub fn tasks(self, tasks: Tasks) -> Self {
        Self { tasks: Some(tasks), ..self }
    }

    /// Opens the store and the door, and asks HubSpot whose token it is.
    ///
    /// # Errors
    /// A base URL that cannot be used (`LP0014`), no token (`LP0004`), a store that another process owns (`LP4003`) or
    /// that cannot be opened, a token that HubSpot does not accept (`LP3012`), HubSpot out of reach (`LP3011`).
    pub async fn open(self) -> Result<Linchpin, Error> {
        let Self { stores, tasks, .. } = &self;
        let (stores, tasks) = (stores.clone(), tasks.clone());
        let settings = self.settle()?;
        let stores = match stores {
            Some(stores) => stores,
            None => open_store(settings.store.as_deref())?.stores(),
        };
        Linchpin::open(&settings, stores, tasks).await
    }

    fn settle(self) -> Result<Settings, Error> {
        let base_url =
            if self.plain_http { BaseUrl::allowing_plain_http(&self.base_url)? } else { self.base_url.parse()? };
        if !(0.0..=RESERVE_MAX).contains(&self.reserve) {
            return Err(Error::Reserve(self.reserve));
        }
        Ok(Settings {
            identity: self.identity.ok_or(Error::NoToken)?,
            base_url,
            version: self.version,
            tier: self.tier,
            limit_increases: self.limit_increases,
            reserve: self.reserve,
            caller: self.caller,
            store: self.store,
        })
    }
}

fn open_store(path: Option<&Path>) -> Result<Arc<SqliteStore>, Error> {
    Ok(match path {
        Some(path) => SqliteStore::open(path, linchpin_store_sqlite::Options::default())?,
        None => SqliteStore::in_memory()?,
    })
}
