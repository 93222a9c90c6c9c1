//! The address of the consent page.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::id::PortalId;
use crate::version::push_encoded;

/// Where people agree. Accounts in the European Union are led on to `app-eu1.hubspot.com`.
pub const AUTHORIZE_URL: &str = "https://app.hubspot.com/oauth";

/// Dice that make a verifier: 32 bytes give the 43 characters of RFC 7636, section 4.1.
pub const VERIFIER_BYTES: usize = 32;

/// The secret of Proof Key for Code Exchange (RFC 7636): kept until the code is exchanged.
#[derive(Clone, Debug)]
pub struct Verifier(SecretString);

impl Verifier {
    /// Makes one from dice; they must be good ones.
    pub fn from_dice(dice: [u8; VERIFIER_BYTES]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(dice).into())
    }

    /// One that was made earlier and kept.
    pub fn from_kept(text: SecretString) -> Self {
        Self(text)
    }

    /// What the consent page is told: the SHA-256 of the secret.
    pub fn challenge(&self) -> Challenge {
        Challenge(URL_SAFE_NO_PAD.encode(Sha256::digest(self.expose())))
    }

    /// The secret, to be kept or sent.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// What the consent page is told of a [`Verifier`], by the method `S256`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge(String);

/// What the consent page is asked for.
///
/// ```
/// use linchpin_hubspot::oauth::{AUTHORIZE_URL, Authorize};
///
/// let page = Authorize {
///     client_id: "6f1c".to_owned(),
///     redirect_uri: "https://me.example/back".to_owned(),
///     scopes: vec!["oauth".to_owned(), "crm.objects.contacts.read".to_owned()],
///     optional_scopes: Vec::new(),
///     state: "3f9a".to_owned(),
///     challenge: None,
///     portal: None,
/// };
/// let url = page.url(AUTHORIZE_URL);
/// assert!(url.starts_with("https://app.hubspot.com/oauth/authorize?client_id=6f1c&redirect_uri=https%3A%2F%2Fme"));
/// assert!(url.ends_with("&scope=oauth%20crm.objects.contacts.read&state=3f9a"));
/// ```
#[derive(Clone, Debug)]
pub struct Authorize {
    /// The app.
    pub client_id: String,
    /// Where the code is sent: registered with the app, character by character; https, but for `localhost`.
    pub redirect_uri: String,
    /// What the app must be allowed; the account is refused otherwise.
    pub scopes: Vec<String>,
    /// What it would like to be allowed, where the account has the product.
    pub optional_scopes: Vec<String>,
    /// A secret of this one attempt, from good dice: a code that comes back with another one was not asked for.
    pub state: String,
    /// Proof Key for Code Exchange. HubSpot documents it for its MCP apps; it is harmless elsewhere.
    pub challenge: Option<Challenge>,
    /// The account that shall agree, if it is known.
    pub portal: Option<PortalId>,
}

impl Authorize {
    /// The address below `base`: [`AUTHORIZE_URL`], or a simulator's `…/oauth`.
    pub fn url(&self, base: &str) -> String {
        let portal = self.portal.map(|portal| format!("/{}", portal.0)).unwrap_or_default();
        let mut url = format!("{}{portal}/authorize", base.trim_end_matches('/'));
        let (scopes, optional) = (self.scopes.join(" "), self.optional_scopes.join(" "));
        let challenge = self.challenge.as_ref().map_or("", |Challenge(text)| text);
        let pairs = [
            ("client_id", self.client_id.as_str()),
            ("redirect_uri", &self.redirect_uri),
            ("scope", &scopes),
            ("optional_scope", &optional),
            ("state", &self.state),
            ("code_challenge", challenge),
            ("code_challenge_method", if challenge.is_empty() { "" } else { "S256" }),
        ];
        let mut separator = '?';
        for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
            url.push(separator);
            separator = '&';
            url.push_str(name);
            url.push('=');
            push_encoded(&mut url, value);
        }
        url
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
