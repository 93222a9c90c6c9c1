//! The signature of an outgoing delivery, as Standard Webhooks has it: HMAC-SHA256 over id, moment and body.
//!
//! Source: the specification (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>)
//! and the vector of its reference libraries. Invariant: neither id nor moment holds a full stop, which parts them from
//! the body.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::header::HeaderName;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::Sha256;

/// Names the delivery: the same at every attempt.
pub const ID: HeaderName = HeaderName::from_static("webhook-id");
/// When this attempt was made, in seconds since 1970.
pub const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
/// The signatures, one for each secret.
pub const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// The fewest bytes of a secret.
pub const SECRET_BYTES_MIN: usize = 24;
/// The most bytes of a secret.
pub const SECRET_BYTES_MAX: usize = 64;

/// A secret to sign with. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct SigningSecret(SecretSlice<u8>);

/// What is no secret, without quoting it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not `whsec_` followed by {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes in base64")]
pub struct NotASecret;

impl SigningSecret {
    /// Reads `whsec_...`.
    ///
    /// # Errors
    /// It has another form, or too few or too many bytes.
    pub fn parse(text: &SecretString) -> Result<Self, NotASecret> {
        let encoded = text.expose_secret().strip_prefix(PREFIX).ok_or(NotASecret)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| NotASecret)?;
        if !(SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&bytes.len()) {
            return Err(NotASecret);
        }
        Ok(Self(bytes.into()))
    }

    fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.0.expose_secret()).expect("invariant: HMAC takes keys of any length");
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(..)")
    }
}

/// The value of [`SIGNATURE`]: one signature for each secret, the present one first.
pub fn signatures(secrets: &[SigningSecret], id: &str, seconds: i64, body: &[u8]) -> String {
    let each: Vec<String> = secrets.iter().map(|secret| secret.sign(id, seconds, body)).collect();
    each.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vector_of_the_reference_libraries_is_met() {
        let secret = SigningSecret::parse(&"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into()).unwrap();
        let of = |secrets: &[SigningSecret]| {
            signatures(secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#)
        };
        let one = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(of(std::slice::from_ref(&secret)), one);
        assert_eq!(of(&[secret.clone(), secret]), format!("{one} {one}"));
    }

    #[test]
    fn what_is_no_secret_is_refused_and_never_shown() {
        let encoded = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
        for good in [24, 32, 64] {
            let secret = SigningSecret::parse(&encoded(good).into()).unwrap();
            assert_eq!(format!("{secret:?}"), "SigningSecret(..)");
        }
        let short = encoded(23);
        let long = encoded(65);
        for wrong in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_***", &short, &long] {
            assert_eq!(SigningSecret::parse(&wrong.to_owned().into()).unwrap_err(), NotASecret, "{wrong}");
        }
    }
}
