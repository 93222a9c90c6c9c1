//! Where tokens come from.

use async_trait::async_trait;
use linchpin_hubspot::id::Install;
use secrecy::SecretString;

/// What kind of credential a token is: limits and headers depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// A private app's token, or a service key: does not expire.
    PrivateApp,
    /// An OAuth access token: expires and is renewed.
    OAuth,
}

/// A token that may be used now. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Token {
    /// The bearer token.
    pub secret: SecretString,
    /// Its kind.
    pub kind: CredentialKind,
}

impl Token {
    /// What stands in for a token where a call carries its own proof and sends none.
    pub fn unneeded() -> Self {
        Self { secret: SecretString::from(""), kind: CredentialKind::OAuth }
    }
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// No credential is configured for the install.
    #[error("no credential is configured for portal {0}")]
    Unknown(Install),
    /// The credential is dead: a person has to act.
    #[error("the credential of portal {0} is no longer accepted: create a new token and put it into the configuration")]
    Dead(Install),
}

/// The vault, or whatever stands in for it.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// A token for the install that is valid now.
    async fn token(&self, install: Install) -> Result<Token, CredentialsError>;
}

/// One token for every install: the configuration's.
#[derive(Clone, Debug)]
pub struct StaticCredentials(Token);

impl StaticCredentials {
    /// Takes a private app token.
    pub fn private_app(secret: SecretString) -> Self {
        Self(Token { secret, kind: CredentialKind::PrivateApp })
    }
}

#[async_trait]
impl Credentials for StaticCredentials {
    async fn token(&self, _install: Install) -> Result<Token, CredentialsError> {
        Ok(self.0.clone())
    }
}
