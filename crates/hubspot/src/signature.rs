//! Whether a request to us is from HubSpot: its three signatures, over the raw bytes.
//!
//! Source: HubSpot's guide on validating requests
//! (<https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests>). Where it and the official
//! SDK's helper differ, the guide and the stricter reading rule: the helper accepts moments in the future and moments
//! that are no numbers, and does not decode the address.
//!
//! Invariants: bytes are compared in constant time; a request that carries any part of version 3 is judged by version 3
//! alone, so that nobody makes it weaker by taking a header away.

mod address;
#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::header::{HeaderMap, HeaderName};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// How far the moment of a version 3 request may lie in the past, or in the future, in milliseconds: five minutes.
pub const WINDOW_MS: u64 = 300_000;
/// The longest moment that is read, in digits: far beyond any year that matters.
const MOMENT_DIGITS_MAX: usize = 15;

/// Version 1 and 2: the signature.
pub const SIGNATURE: HeaderName = HeaderName::from_static("x-hubspot-signature");
/// Version 1 and 2: which.
pub const SIGNATURE_VERSION: HeaderName = HeaderName::from_static("x-hubspot-signature-version");
/// Version 3: the signature.
pub const SIGNATURE_V3: HeaderName = HeaderName::from_static("x-hubspot-signature-v3");
/// Version 3: when HubSpot sent it, in milliseconds since 1970.
pub const TIMESTAMP: HeaderName = HeaderName::from_static("x-hubspot-request-timestamp");

/// A way to sign, from the weakest to the strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// SHA-256 of secret and body, in hex: webhook subscriptions.
    V1,
    /// SHA-256 of secret, method, address and body, in hex: workflow actions.
    V2,
    /// HMAC of method, address, body and moment, in base64.
    V3,
}

/// A request as it came, before anything was parsed.
#[derive(Clone, Copy)]
pub struct Signed<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// Scheme, host, path and query as HubSpot called them: those outside of any proxy.
    pub url: &'a str,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// The body, byte for byte.
    pub body: &'a [u8],
}

/// A request that is HubSpot's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// By which signature.
    pub scheme: Scheme,
    /// Which of the secrets fits, counted from zero: during a rotation there are two.
    pub secret: usize,
    /// When HubSpot sent it, in milliseconds since 1970; only version 3 says so.
    pub sent_at_ms: Option<u64>,
}

/// Why a request is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotVerified {
    /// No signature at all.
    #[error("it carries no signature")]
    Missing,
    /// A header is there twice, or is no text, or its counterpart is missing.
    #[error("its header {0} is missing, double, or not readable")]
    Header(&'static str),
    /// A version that is neither v1 nor v2 in the header that names them.
    #[error("its signature is of a version that is not known")]
    Version,
    /// The moment lies outside of the window.
    #[error("it was sent more than five minutes ago")]
    Stale,
    /// The moment lies in the future by more than the window.
    #[error("it claims to be sent more than five minutes from now")]
    Future,
    /// Weaker than what is required here.
    #[error("it is signed by a weaker scheme than this app has to use")]
    Downgraded,
    /// The signature is of another secret, address, method, body or moment.
    #[error("its signature does not fit")]
    Mismatch,
}

/// Judges a request. `secrets` are the app's client secrets, the present one first; `least` is the weakest scheme that
/// is let in; `now_ms` is the present in milliseconds since 1970.
///
/// # Errors
/// The first reason not to believe it.
pub fn verify(
    request: Signed<'_>,
    secrets: &[SecretString],
    least: Scheme,
    now_ms: u64,
) -> Result<Verified, NotVerified> {
    let claim = claim(request.headers)?;
    if claim.scheme < least {
        return Err(NotVerified::Downgraded);
    }
    let sent_at_ms = claim.moment.map(|moment| in_window(moment, now_ms)).transpose()?;
    let mut found = None;
    for (place, secret) in secrets.iter().enumerate() {
        let computed = compute(request, secret, claim);
        // All secrets are tried, so that the time tells nobody which one is in use.
        if bool::from(same(computed.as_bytes(), claim.signature.as_bytes())) && found.is_none() {
            found = Some(place);
        }
    }
    let secret = found.ok_or(NotVerified::Mismatch)?;
    Ok(Verified { scheme: claim.scheme, secret, sent_at_ms })
}

/// What a request says of itself.
#[derive(Clone, Copy)]
struct Claim<'a> {
    scheme: Scheme,
    signature: &'a str,
    /// As it stands in the header: the signature covers its digits.
    moment: Option<&'a str>,
}

fn claim(headers: &HeaderMap) -> Result<Claim<'_>, NotVerified> {
    let (newest, moment) = (only(headers, &SIGNATURE_V3)?, only(headers, &TIMESTAMP)?);
    match (newest, moment) {
        (Some(signature), Some(_)) => return Ok(Claim { scheme: Scheme::V3, signature, moment }),
        (Some(_), None) => return Err(NotVerified::Header("X-HubSpot-Request-Timestamp")),
        (None, Some(_)) => return Err(NotVerified::Header("X-HubSpot-Signature-v3")),
        (None, None) => {}
    }
    let Some(signature) = only(headers, &SIGNATURE)? else { return Err(NotVerified::Missing) };
    // Deliveries of 2019 name no version; they are of the first.
    let scheme = match only(headers, &SIGNATURE_VERSION)? {
        Some("v1") | None => Scheme::V1,
        Some("v2") => Scheme::V2,
        Some(_) => return Err(NotVerified::Version),
    };
    Ok(Claim { scheme, signature, moment: None })
}

/// The one value of a header: two would let a proxy and us read different ones.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, NotVerified> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    match (value.to_str(), values.next()) {
        (Ok(text), None) => Ok(Some(text)),
        _ => Err(NotVerified::Header(shown(name))),
    }
}

fn shown(name: &HeaderName) -> &'static str {
    match name.as_str() {
        "x-hubspot-signature" => "X-HubSpot-Signature",
        "x-hubspot-signature-version" => "X-HubSpot-Signature-Version",
        "x-hubspot-signature-v3" => "X-HubSpot-Signature-v3",
        _ => "X-HubSpot-Request-Timestamp",
    }
}

fn in_window(moment: &str, now_ms: u64) -> Result<u64, NotVerified> {
    let plain = (1..=MOMENT_DIGITS_MAX).contains(&moment.len()) && moment.bytes().all(|byte| byte.is_ascii_digit());
    let sent = moment.parse::<u64>().ok().filter(|_| plain);
    let sent = sent.ok_or(NotVerified::Header("X-HubSpot-Request-Timestamp"))?;
    if now_ms.saturating_sub(sent) > WINDOW_MS {
        Err(NotVerified::Stale)
    } else if sent.saturating_sub(now_ms) > WINDOW_MS {
        Err(NotVerified::Future)
    } else {
        Ok(sent)
    }
}

fn compute(request: Signed<'_>, secret: &SecretString, claim: Claim<'_>) -> String {
    let Signed { method, url, body, .. } = request;
    let secret = secret.expose_secret().as_bytes();
    match claim.scheme {
        Scheme::V1 => digest(&[secret, body]),
        Scheme::V2 => digest(&[secret, method.as_bytes(), url.as_bytes(), body]),
        Scheme::V3 => {
            let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("invariant: HMAC takes keys of any length");
            mac.update(method.as_bytes());
            mac.update(address::decoded(url).as_bytes());
            mac.update(body);
            mac.update(claim.moment.unwrap_or_default().as_bytes());
            STANDARD.encode(mac.finalize().into_bytes())
        }
    }
}

/// The digest in lower-case hex.
fn digest(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    let digit = |four: u8| char::from_digit(u32::from(four), 16).unwrap_or('0');
    hasher.finalize().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Texts are compared, not what they decode to: each signature has one spelling.
fn same(computed: &[u8], shown: &[u8]) -> Choice {
    computed.ct_eq(shown)
}
