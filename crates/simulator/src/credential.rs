//! Who calls: the tokens a portal knows, and how a call without a good one is answered.
//!
//! Invariant: a token is never printed; a credential goes by its kind and app (`private_app:7007`).

use std::{collections::BTreeMap, fmt};

use http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;
use rand_core::Rng;
use serde_json::json;

use crate::{
    dice,
    envelope::{self, Envelope},
    wire::{ApiAnswer, Millis},
};

const NO_CREDENTIALS: &str = "Authentication credentials not found. This API supports OAuth 2.0 authentication and you \
                              can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview";

/// The kind of a credential; limits and headers depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// A private app, a service key or a privately distributed app.
    PrivateApp,
    /// A public app that was installed with OAuth.
    OAuthApp,
}

/// What a token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Its kind.
    pub kind: CredentialKind,
    /// The portal that it opens.
    pub portal_id: u64,
    /// The app that it belongs to; two tokens of one app share the app's ten seconds.
    pub app_id: u64,
    /// The user who made it.
    pub user_id: u64,
    /// The granted scopes; `None` grants everything.
    pub scopes: Option<Vec<String>>,
    /// Since when it is dead, if it was revoked.
    pub dead_since: Option<Millis>,
    /// When it dies by itself: the access tokens of OAuth apps do, those of private apps do not.
    pub expires_at: Option<Millis>,
}

impl Credential {
    /// Makes a private app's credential with every scope.
    pub fn private_app(portal_id: u64, app_id: u64) -> Self {
        Self {
            kind: CredentialKind::PrivateApp,
            portal_id,
            app_id,
            user_id: 1,
            scopes: None,
            dead_since: None,
            expires_at: None,
        }
    }

    /// Makes an OAuth app's credential with every scope, which does not expire.
    pub fn oauth_app(portal_id: u64, app_id: u64) -> Self {
        Self { kind: CredentialKind::OAuthApp, ..Self::private_app(portal_id, app_id) }
    }

    /// Says since when it is dead: the earlier of its revocation and its expiry, if that has come.
    pub fn dead_by(&self, now: Millis) -> Option<Millis> {
        [self.dead_since, self.expires_at].into_iter().flatten().filter(|since| *since <= now).min()
    }

    /// The name in the ledger.
    pub fn name(&self) -> String {
        match self.kind {
            CredentialKind::PrivateApp => format!("private_app:{}", self.app_id),
            CredentialKind::OAuthApp => format!("oauth_app:{}", self.app_id),
        }
    }
}

/// The tokens of all portals.
#[derive(Clone, Default)]
pub(crate) struct Credentials {
    by_token: BTreeMap<String, Credential>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.by_token.values()).finish()
    }
}

/// Why a call is nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stranger {
    /// It shows no bearer token.
    Missing,
    /// It shows a string that is no token.
    Unknown,
    /// It shows a token that was good once.
    Dead { since: Millis },
}

impl Stranger {
    /// The name in the ledger.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Missing => "none",
            Self::Unknown => "unknown",
            Self::Dead { .. } => "dead",
        }
    }

    /// The 401 that HubSpot gives. A string that is no token is told that it expired in 1970 (recorded in public
    /// issues of 2025); a dead one, how long ago it died.
    pub(crate) fn answer(self, now: Millis, dice: &mut dyn Rng) -> ApiAnswer {
        let mut answer = match self {
            Self::Missing => {
                Envelope::new(401, NO_CREDENTIALS).with("category", "INVALID_AUTHENTICATION").answer(now, dice)
            }
            Self::Unknown => expired(Millis(0), now, dice),
            Self::Dead { since } => expired(since, now, dice),
        };
        answer.headers.insert("x-hubspot-auth-failure", HeaderValue::from_static("401 Unauthorized"));
        answer
    }
}

impl Credentials {
    pub(crate) fn insert(&mut self, token: String, credential: Credential) {
        self.by_token.insert(token, credential);
    }

    pub(crate) fn find(&self, token: &str) -> Option<&Credential> {
        self.by_token.get(token)
    }

    pub(crate) fn tokens(&self) -> impl Iterator<Item = &str> {
        self.by_token.keys().map(String::as_str)
    }

    /// The apps that can call a portal, each once.
    pub(crate) fn apps_of(&self, portal_id: u64) -> Vec<(CredentialKind, u64)> {
        let mut apps: Vec<(CredentialKind, u64)> = Vec::new();
        for credential in self.by_token.values().filter(|credential| credential.portal_id == portal_id) {
            let app = (credential.kind, credential.app_id);
            if !apps.contains(&app) {
                apps.push(app);
            }
        }
        apps
    }

    /// Kills a token; false when it is unknown.
    pub(crate) fn revoke(&mut self, token: &str, now: Millis) -> bool {
        let Some(credential) = self.by_token.get_mut(token) else { return false };
        credential.dead_since.get_or_insert(now);
        true
    }

    /// Forgets a token: from now on it is a string like any other.
    pub(crate) fn forget(&mut self, token: &str) {
        self.by_token.remove(token);
    }

    /// Brings revoked tokens back to life.
    pub(crate) fn restore_all(&mut self) {
        for credential in self.by_token.values_mut() {
            credential.dead_since = None;
        }
    }

    /// Finds who calls.
    pub(crate) fn identify(&self, headers: &HeaderMap, now: Millis) -> Result<&Credential, Stranger> {
        let value =
            headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or(Stranger::Missing)?;
        let (scheme, token) = value.split_once(' ').ok_or(Stranger::Missing)?;
        if !scheme.eq_ignore_ascii_case("bearer") || token.trim().is_empty() {
            return Err(Stranger::Missing);
        }
        let credential = self.find(token.trim()).ok_or(Stranger::Unknown)?;
        match credential.dead_by(now) {
            Some(since) => Err(Stranger::Dead { since }),
            None => Ok(credential),
        }
    }
}

/// Makes a private app token of the usual form, `pat-na1-<uuid>`.
pub(crate) fn make_token(dice: &mut dyn Rng) -> String {
    format!("pat-na1-{}", dice::uuid_v4(dice))
}

fn expired(since: Millis, now: Millis, dice: &mut dyn Rng) -> ApiAnswer {
    let seconds = (now.0 - since.0).max(0) / 1000;
    let age = if seconds >= 86_400 { format!("{} day(s)", seconds / 86_400) } else { format!("{seconds} second(s)") };
    let moment = Timestamp::from_millisecond(since.0).map_or_else(|_| "1970-01-01T00:00:00Z".into(), envelope::iso);
    Envelope::new(401, format!("The OAuth token used to make this call expired {age} ago."))
        .with("category", "EXPIRED_AUTHENTICATION")
        .with("context", json!({"expire time": [moment]}))
        .answer(now, dice)
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;
    use serde_json::Value;

    use super::*;

    const NOW: Millis = Millis(1_757_030_400_000);

    fn headers(authorization: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn known() -> Credentials {
        let mut credentials = Credentials::default();
        credentials.insert("pat-na1-good".into(), Credential::private_app(1, 7007));
        credentials
    }

    #[test]
    fn a_call_is_identified_by_its_bearer_token_alone() {
        let credentials = known();
        let table = [
            (None, Err(Stranger::Missing)),
            (Some("Basic abc"), Err(Stranger::Missing)),
            (Some("Bearer "), Err(Stranger::Missing)),
            (Some("Bearer nonsense"), Err(Stranger::Unknown)),
            (Some("bearer pat-na1-good"), Ok("private_app:7007".to_owned())),
        ];
        for (value, expected) in table {
            let found = credentials.identify(&headers(value), NOW).map(Credential::name);
            assert_eq!(found, expected, "{value:?}");
        }
    }

    #[test]
    fn each_stranger_gets_the_recorded_401() {
        let mut dice = ChaCha8Rng::seed_from_u64(1);
        let mut body = |stranger: Stranger| -> Value {
            let answer = stranger.answer(NOW, &mut dice);
            assert_eq!(answer.status, 401);
            serde_json::from_slice(&answer.body).unwrap()
        };
        assert_eq!(body(Stranger::Missing)["category"], "INVALID_AUTHENTICATION");
        let unknown = body(Stranger::Unknown);
        assert_eq!(unknown["message"], "The OAuth token used to make this call expired 20336 day(s) ago.");
        assert_eq!(unknown["context"]["expire time"][0], "1970-01-01T00:00:00Z");
        assert_eq!(unknown["category"], "EXPIRED_AUTHENTICATION");
        let dead = body(Stranger::Dead { since: Millis(NOW.0 - 75_500) });
        assert_eq!(dead["message"], "The OAuth token used to make this call expired 75 second(s) ago.");
    }

    #[test]
    fn a_revoked_token_is_dead_until_the_state_is_reset() {
        let mut credentials = known();
        let good = headers(Some("Bearer pat-na1-good"));
        assert!(credentials.revoke("pat-na1-good", NOW));
        assert!(!credentials.revoke("pat-na1-other", NOW));
        assert_eq!(credentials.identify(&good, NOW).unwrap_err(), Stranger::Dead { since: NOW });
        credentials.restore_all();
        assert!(credentials.identify(&good, NOW).is_ok());
    }

    #[test]
    fn printing_the_credentials_shows_no_token() {
        let mut dice = ChaCha8Rng::seed_from_u64(1);
        let token = make_token(&mut dice);
        assert!(token.starts_with("pat-na1-") && token.len() == 44, "{token}");
        let mut credentials = known();
        credentials.insert(token.clone(), Credential::private_app(1, 8));
        let printed = format!("{credentials:?}");
        assert!(!printed.contains(&token) && !printed.contains("pat-na1"), "{printed}");
    }
}
