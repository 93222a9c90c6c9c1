//! OAuth: the address where a person agrees, and the calls of the token endpoint
//! (<https://developers.hubspot.com/docs/api-reference/auth-oauth-v3/guide>).
//!
//! Secrets are [`SecretString`]: no `Debug` shows one, and none stands in a path. The calls prove by their form who
//! asks, so no token goes with them. The first version of these paths puts tokens into addresses, where logs find them,
//! and ends in February 2027: it is not offered.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::endpoint::{endpoint, one, success};
use crate::id::{AppId, PortalId};
use crate::version::Surface;
use crate::wire::{null_as_default, number_or_none, text_or_none, texts};

mod authorize;

pub use authorize::{AUTHORIZE_URL, Authorize, Challenge, VERIFIER_BYTES, Verifier};

/// An app's own name and secret.
#[derive(Clone)]
pub struct Client {
    /// Its client id; no secret.
    pub id: String,
    /// Its client secret.
    pub secret: SecretString,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What a token is given for. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub enum Grant {
    /// The code that came back from the consent page. It works once, and soon not at all.
    Code {
        /// The code.
        code: SecretString,
        /// The address that the consent page sent it to, exactly.
        redirect_uri: String,
        /// If the consent page was given its challenge.
        verifier: Option<Verifier>,
    },
    /// A refresh token. HubSpot says neither when it ends nor whether it is replaced: keep whatever comes back.
    Refresh(SecretString),
    /// The app itself, for the journal: no account, no refresh token.
    App {
        /// Such as `developer.webhooks_journal.read`.
        scopes: Vec<String>,
    },
}

/// POST `token`. Never repeated blindly: a code works once, and a refresh may replace the token it was given.
#[derive(Clone, Debug)]
pub struct Issue {
    /// The app.
    pub client: Client,
    /// What for.
    pub grant: Grant,
}

/// Tokens as they were issued. `Debug` shows neither.
#[derive(Clone, Debug, Deserialize)]
pub struct Tokens {
    /// What calls are made with; up to 512 characters.
    pub access_token: SecretString,
    /// What the next one is asked for with; none for the app itself.
    #[serde(default)]
    pub refresh_token: Option<SecretString>,
    /// Seconds until the access token ends; 1,800 as a rule. Believe it instead of a constant.
    #[serde(deserialize_with = "crate::wire::number")]
    pub expires_in: u64,
    /// The account; dated versions and v3 say it.
    #[serde(default, rename = "hub_id")]
    pub portal: Option<PortalId>,
    /// What it may do; dated versions and v3 say it.
    #[serde(default, deserialize_with = "texts")]
    pub scopes: Vec<String>,
    /// The user who agreed.
    #[serde(default, deserialize_with = "number_or_none")]
    pub user_id: Option<u64>,
}

endpoint!(Issue => Tokens, one("issued tokens"), |this, version| {
    let Client { id, secret } = &this.client;
    let mut form = vec![("client_id", id.as_str()), ("client_secret", secret.expose_secret())];
    let joined;
    match &this.grant {
        Grant::Code { code, redirect_uri, verifier } => {
            form.push(("grant_type", "authorization_code"));
            form.push(("code", code.expose_secret()));
            form.push(("redirect_uri", redirect_uri));
            form.extend(verifier.as_ref().map(|verifier| ("code_verifier", verifier.expose())));
        }
        Grant::Refresh(token) => {
            form.push(("grant_type", "refresh_token"));
            form.push(("refresh_token", token.expose_secret()));
        }
        Grant::App { scopes } => {
            joined = scopes.join(" ");
            form.push(("grant_type", "client_credentials"));
            form.push(("scope", &joined));
        }
    }
    Surface::OAuth.post(version, &["token"]).with_form(&form)
});

/// Which of the two tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// `access_token`.
    Access,
    /// `refresh_token`.
    Refresh,
}

impl TokenKind {
    fn name(self) -> &'static str {
        match self {
            Self::Access => "access_token",
            Self::Refresh => "refresh_token",
        }
    }
}

/// A form about one token. The specification calls its field `token`, the guide's examples by its kind: both are sent.
fn about<'a>(client: &'a Client, kind: TokenKind, token: &'a SecretString) -> [(&'a str, &'a str); 5] {
    [
        ("client_id", &client.id),
        ("client_secret", client.secret.expose_secret()),
        ("token", token.expose_secret()),
        (kind.name(), token.expose_secret()),
        ("token_type_hint", kind.name()),
    ]
}

/// POST `token/introspect`: what a token is, and whether it still is.
#[derive(Clone, Debug)]
pub struct Introspect {
    /// The app.
    pub client: Client,
    /// Which of the two.
    pub kind: TokenKind,
    /// The token.
    pub token: SecretString,
}

/// What a token is. It repeats the token in HubSpot's answer; here it is left out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TokenState {
    /// Whether it can be used.
    #[serde(default, deserialize_with = "null_as_default")]
    pub active: bool,
    /// The account.
    #[serde(default, rename = "hub_id")]
    pub portal: Option<PortalId>,
    /// The account's domain.
    #[serde(default)]
    pub hub_domain: Option<String>,
    /// The app.
    #[serde(default, rename = "app_id")]
    pub app: Option<AppId>,
    /// The app's client id.
    #[serde(default, deserialize_with = "text_or_none")]
    pub client_id: Option<String>,
    /// `access_token`, `refresh_token` or `client_credentials`.
    #[serde(default)]
    pub token_use: Option<String>,
    /// What it may do.
    #[serde(default, deserialize_with = "texts")]
    pub scopes: Vec<String>,
    /// Seconds that an access token has left.
    #[serde(default, deserialize_with = "number_or_none")]
    pub expires_in: Option<u64>,
    /// The user who agreed.
    #[serde(default, deserialize_with = "number_or_none")]
    pub user_id: Option<u64>,
}

endpoint!(Introspect => TokenState, one("the state of a token"), |this, version| {
    Surface::OAuth.post(version, &["token", "introspect"]).with_form(&about(&this.client, this.kind, &this.token))
});

/// POST `token/revoke`. A refresh token that is revoked does not uninstall the app.
#[derive(Clone, Debug)]
pub struct Revoke {
    /// The app.
    pub client: Client,
    /// Which of the two.
    pub kind: TokenKind,
    /// The token.
    pub token: SecretString,
}

endpoint!(Revoke => (), success, |this, version| {
    Surface::OAuth.post(version, &["token", "revoke"]).with_form(&about(&this.client, this.kind, &this.token))
});

#[cfg(test)]
mod tests;
