//! A public app as it is registered: who it is, where its codes may be sent, what it may ask for.
//!
//! Rules of addresses are those of HubSpot's OAuth documentation: https, or http on localhost; no IP address; a code is
//! sent only to an address that is registered to the letter.

use std::{fmt, net::IpAddr};

use crate::{oauth::scope, options::StartError};

/// A public app that portals may install through the consent page.
#[derive(Clone, PartialEq, Eq)]
pub struct OauthAppSpec {
    /// The public half of its identity.
    pub client_id: String,
    /// The secret half.
    pub client_secret: String,
    /// The app; its tokens share the app's ten seconds in each portal.
    pub app_id: u64,
    /// Where codes may be sent; without any, to every address of an allowed form.
    pub redirect_uris: Vec<String>,
    /// What it may ask for; `None` is every scope that the simulator knows.
    pub scopes: Option<Vec<String>>,
}

impl OauthAppSpec {
    /// An app that may ask for every scope and send its codes to every allowed address.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<String>, app_id: u64) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret: client_secret.into(),
            app_id,
            redirect_uris: Vec::new(),
            scopes: None,
        }
    }

    /// Says what is wrong with it, if anything is.
    pub(super) fn check(&self) -> Result<(), StartError> {
        let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_plain(&self.client_id) || !is_plain(&self.client_secret) {
            return Err(StartError::OauthApp);
        }
        match self.redirect_uris.iter().find(|uri| !is_allowed(uri)) {
            Some(uri) => Err(StartError::RedirectUri(uri.clone())),
            None => Ok(()),
        }
    }

    /// Says whether a code may be sent to an address.
    pub(super) fn accepts(&self, uri: &str) -> bool {
        is_allowed(uri) && (self.redirect_uris.is_empty() || self.redirect_uris.iter().any(|known| known == uri))
    }

    /// Says whether it may ask for a scope.
    pub(super) fn may_ask_for(&self, name: &str) -> bool {
        match &self.scopes {
            Some(scopes) => name == scope::BASIC || scopes.iter().any(|known| known == name),
            None => scope::is_known(name),
        }
    }
}

impl fmt::Debug for OauthAppSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OauthAppSpec")
            .field("client_id", &self.client_id)
            .field("app_id", &self.app_id)
            .field("redirect_uris", &self.redirect_uris)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// https on a named host, or http on localhost; no user, no fragment, no blanks.
fn is_allowed(uri: &str) -> bool {
    let Some((scheme, rest)) = uri.split_once("://") else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
    let is_clean = uri.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    let is_named = !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
        && host.parse::<IpAddr>().is_err();
    let is_encrypted = scheme == "https" || (scheme == "http" && host == "localhost");
    is_clean && is_named && is_encrypted && port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sent_to_https_or_to_localhost_and_to_no_number() {
        let table = [
            ("https://app.example.test/callback", true),
            ("https://app.example.test:8443?from=hubspot", true),
            ("http://localhost:3000/callback", true),
            ("http://localhost", true),
            ("http://app.example.test/callback", false),
            ("http://127.0.0.1:3000/callback", false),
            ("https://127.0.0.1/callback", false),
            ("https://[::1]/callback", false),
            ("https://user@app.example.test/", false),
            ("http://localhost@app.example.test/", false),
            ("https://app.example.test/#part", false),
            ("https://app.example.test/a b", false),
            ("javascript:alert(1)", false),
            ("https:///callback", false),
        ];
        for (uri, expected) in table {
            assert_eq!(is_allowed(uri), expected, "{uri}");
        }
    }

    #[test]
    fn a_registered_address_is_met_to_the_letter() {
        let redirect_uris = vec!["https://app.example.test/callback".to_owned()];
        let app = OauthAppSpec { redirect_uris, ..OauthAppSpec::new("id", "secret", 1) };
        assert!(app.accepts("https://app.example.test/callback"));
        assert!(!app.accepts("https://app.example.test/callback/"));
        assert!(!app.accepts("https://app.example.test/callback?x=1"));
    }

    #[test]
    fn printing_an_app_shows_no_secret() {
        assert!(!format!("{:?}", OauthAppSpec::new("id", "hidden-half", 1)).contains("hidden"));
    }
}
