//! The base URL of HubSpot's API, or of a simulator.
//!
//! Invariant: a token is not sent over plain `http` to another machine unless somebody has said so by name
//! ([`BaseUrl::allowing_plain_http`]).

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, Scheme};

/// `http` or `https`, a host, an optional port and path prefix; no credentials, no query.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl {
    /// Without a slash at the end.
    text: String,
    host: String,
    scheme: Scheme,
    authority: Authority,
    /// Before every path, without a slash at the end.
    prefix: String,
}

/// The text cannot be a base URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// Not a URL with scheme and host.
    #[error("the base URL is no URL: write it like https://api.hubapi.com or http://127.0.0.1:8080")]
    Malformed,
    /// Neither http nor https.
    #[error("the base URL must begin with https:// (or http:// for a simulator)")]
    Scheme,
    /// A user or password in it.
    #[error("the base URL must not hold a user or password: the token is configured apart")]
    Credentials,
    /// A query in it.
    #[error("the base URL must end before any '?'")]
    Query,
    /// Plain http to another machine.
    #[error("over plain http the token would travel in the open: use https, or allow it for a simulator")]
    PlainHttp,
}

impl BaseUrl {
    /// Host and port, for messages.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The URL of an absolute path with query.
    ///
    /// # Errors
    /// It holds characters that are no part of a URL.
    pub(super) fn join(&self, target: &str) -> Result<Uri, http::Error> {
        let target =
            if self.prefix.is_empty() { Cow::Borrowed(target) } else { format!("{}{target}", self.prefix).into() };
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(target.parse()?);
        Ok(Uri::from_parts(parts)?)
    }
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, BaseUrlError> {
        let (base, uri) = Self::read(text)?;
        let open = uri.scheme_str() == Some("http") && !is_this_machine(uri.host().unwrap_or_default());
        if open { Err(BaseUrlError::PlainHttp) } else { Ok(base) }
    }
}

/// Names and addresses that never leave this machine.
fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl BaseUrl {
    /// Reads an address that may be plain `http` to another machine, where everybody on the way can read the token:
    /// for a simulator in a network of one's own.
    ///
    /// # Errors
    /// See [`BaseUrlError`].
    pub fn allowing_plain_http(text: &str) -> Result<Self, BaseUrlError> {
        Self::read(text).map(|(base, _)| base)
    }

    fn read(text: &str) -> Result<(Self, Uri), BaseUrlError> {
        let uri: Uri = text.parse().map_err(|_| BaseUrlError::Malformed)?;
        let authority = uri.authority().ok_or(BaseUrlError::Malformed)?;
        let scheme = uri.scheme().ok_or(BaseUrlError::Malformed)?;
        if !matches!(scheme.as_str(), "http" | "https") {
            return Err(BaseUrlError::Scheme);
        }
        if authority.as_str().contains('@') {
            return Err(BaseUrlError::Credentials);
        }
        if uri.query().is_some() {
            return Err(BaseUrlError::Query);
        }
        let base = Self {
            text: text.trim_end_matches('/').to_owned(),
            host: authority.to_string(),
            scheme: scheme.clone(),
            authority: authority.clone(),
            prefix: uri.path().trim_end_matches('/').to_owned(),
        };
        Ok((base, uri))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_keeps_its_prefix_and_loses_its_slash() {
        let base: BaseUrl = "http://127.0.0.1:8080/hub/".parse().expect("a base URL");
        let joined = base.join("/crm/v3/owners?limit=1").expect("a URL");
        assert_eq!(joined, "http://127.0.0.1:8080/hub/crm/v3/owners?limit=1");
        assert!(base.join("/crm/v3/a b").is_err());
        assert_eq!(base.host(), "127.0.0.1:8080");
    }

    #[test]
    fn plain_http_leaves_this_machine_only_when_somebody_says_so() {
        for text in ["http://sim.test", "http://10.0.0.7:4010", "http://[2001:db8::1]:80", "http://localhost.evil.test"]
        {
            assert_eq!(text.parse::<BaseUrl>(), Err(BaseUrlError::PlainHttp), "{text}");
            assert_eq!(BaseUrl::allowing_plain_http(text).map(|base| base.to_string()), Ok(text.to_owned()));
        }
        for text in ["https://sim.test", "http://127.0.0.1:1", "http://127.8.8.8", "http://[::1]:1", "http://LocalHost"]
        {
            assert!(text.parse::<BaseUrl>().is_ok(), "{text}");
        }
        assert_eq!(BaseUrl::allowing_plain_http("ftp://sim.test"), Err(BaseUrlError::Scheme));
    }

    #[test]
    fn what_is_no_base_url_says_why() {
        let cases = [
            ("api.hubapi.com", BaseUrlError::Malformed),
            ("", BaseUrlError::Malformed),
            ("ftp://api.hubapi.com", BaseUrlError::Scheme),
            ("https://user:secret@api.hubapi.com", BaseUrlError::Credentials),
            ("https://api.hubapi.com?hapikey=1", BaseUrlError::Query),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<BaseUrl>(), Err(expected), "{text}");
        }
    }
}
