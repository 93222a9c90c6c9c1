//! The app's own token: got with its client secret, kept in memory until shortly before it ends, asked for once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use linchpin_core::time::Mono;
use linchpin_hubspot::id::{AppId, Install};
use linchpin_hubspot::oauth::{Client, Grant, Issue};
use linchpin_ports::credentials::{CredentialKind, Credentials, CredentialsError, Token};

use crate::clock::Clock;
use crate::hub::{Hub, HubError};

/// What the journal's reader may do with its token.
pub const SCOPES: [&str; 1] = ["developer.webhooks_journal.read"];

/// How long before its end a token is replaced; a token that lives for less than twice as long, at half of its life.
pub const RENEW_BEFORE: Duration = Duration::from_secs(300);

struct Held {
    token: Token,
    until: Mono,
}

/// The token of one app.
pub(super) struct AppToken {
    client: Client,
    clock: Arc<dyn Clock>,
    held: Mutex<Option<Held>>,
    /// Held by whoever asks for a token; the others wait, and find it.
    asking: tokio::sync::Mutex<()>,
}

impl AppToken {
    pub(super) fn new(client: Client, clock: Arc<dyn Clock>) -> Self {
        Self { client, clock, held: Mutex::default(), asking: tokio::sync::Mutex::new(()) }
    }

    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn current(&self) -> Option<Token> {
        let now = self.clock.now().mono;
        self.held().as_ref().filter(|held| now < held.until).map(|held| held.token.clone())
    }

    /// Makes sure that there is a token for some time.
    pub(super) async fn ensure(&self, hub: &Hub) -> Result<(), HubError> {
        if self.current().is_some() {
            return Ok(());
        }
        let _turn = self.asking.lock().await;
        if self.current().is_some() {
            return Ok(());
        }
        let scopes = SCOPES.map(str::to_owned).to_vec();
        let issued = hub.send(&Issue { client: self.client.clone(), grant: Grant::App { scopes } }).await?;
        let life = Duration::from_secs(issued.expires_in);
        let until = self.clock.now().mono + life.saturating_sub(RENEW_BEFORE.min(life / 2));
        let token = Token { secret: issued.access_token, kind: CredentialKind::OAuth };
        *self.held() = Some(Held { token, until });
        Ok(())
    }

    /// Forgets a token that HubSpot has refused.
    pub(super) fn forget(&self) {
        *self.held() = None;
    }
}

/// The tokens of all apps, for the door that only their journals use.
pub(super) struct AppTokens(pub(super) BTreeMap<AppId, Arc<AppToken>>);

#[async_trait]
impl Credentials for AppTokens {
    async fn token(&self, install: Install) -> Result<Token, CredentialsError> {
        let known = self.0.get(&install.app).ok_or(CredentialsError::Unknown(install))?;
        // One that has just ended is renewed before the next call.
        let held = known.held().as_ref().map(|held| held.token.clone());
        held.ok_or(CredentialsError::Unknown(install))
    }
}
