//! HubSpot's three signatures, written from its guide
//! (<https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests>).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

/// Every header that signs.
pub const HEADERS: [&str; 4] = [SIGNATURE, VERSION, SIGNATURE_V3, TIMESTAMP];
/// Version 1 and 2: the signature.
pub const SIGNATURE: &str = "x-hubspot-signature";
/// Version 1 and 2: which.
pub const VERSION: &str = "x-hubspot-signature-version";
/// Version 3: the signature.
pub const SIGNATURE_V3: &str = "x-hubspot-signature-v3";
/// Version 3: the moment.
pub const TIMESTAMP: &str = "x-hubspot-request-timestamp";

/// What version 3 decodes of an address, and nothing else.
const DECODED: [(&str, &str); 12] = [
    ("%3A", ":"),
    ("%2F", "/"),
    ("%3F", "?"),
    ("%40", "@"),
    ("%21", "!"),
    ("%24", "$"),
    ("%27", "'"),
    ("%28", "("),
    ("%29", ")"),
    ("%2A", "*"),
    ("%2C", ","),
    ("%3B", ";"),
];

/// A way to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    /// Secret and body.
    V1,
    /// Secret, method, address and body.
    V2,
    /// HMAC of method, address, body and moment.
    V3,
}

/// The headers that sign a request.
pub fn headers(
    scheme: Scheme,
    secret: &str,
    method: &str,
    url: &str,
    body: &[u8],
    moment_ms: u64,
) -> Vec<(&'static str, String)> {
    let version = |version: &str, signature| vec![(SIGNATURE, signature), (VERSION, version.to_owned())];
    match scheme {
        Scheme::V1 => version("v1", v1(secret, body)),
        Scheme::V2 => version("v2", v2(secret, method, url, body)),
        Scheme::V3 => {
            let moment = moment_ms.to_string();
            vec![(SIGNATURE_V3, v3(secret, method, url, body, &moment)), (TIMESTAMP, moment)]
        }
    }
}

/// Version 1.
pub fn v1(secret: &str, body: &[u8]) -> String {
    hex(&digest(&[secret.as_bytes(), body]))
}

/// Version 2.
pub fn v2(secret: &str, method: &str, url: &str, body: &[u8]) -> String {
    hex(&digest(&[secret.as_bytes(), method.as_bytes(), url.as_bytes(), body]))
}

/// Version 3.
pub fn v3(secret: &str, method: &str, url: &str, body: &[u8], moment: &str) -> String {
    hmac(secret, &[method.as_bytes(), decoded(url).as_bytes(), body, moment.as_bytes()])
}

/// An HMAC of parts, in base64.
///
/// # Panics
/// Never: HMAC takes keys of any length.
pub fn hmac(secret: &str, parts: &[&[u8]]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

/// A digest of parts.
pub fn digest(parts: &[&[u8]]) -> Vec<u8> {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().to_vec()
}

/// Bytes in base64.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Bytes in lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |four: u8| char::from_digit(u32::from(four), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// An address with the twelve escapes decoded, each once.
pub fn decoded(url: &str) -> String {
    let (mut out, mut rest) = (String::new(), url);
    while let Some(next) = rest.chars().next() {
        let escape = rest.get(..3).map(str::to_ascii_uppercase);
        let meaning = DECODED.iter().find(|(code, _)| escape.as_deref() == Some(code));
        let (taken, by) = meaning.map_or_else(|| (next.to_string(), next.len_utf8()), |found| (found.1.to_owned(), 3));
        out.push_str(&taken);
        rest = rest.get(by..).unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy";
    const URL: &str = "https://www.example.com/webhook_uri";

    #[test]
    fn hubspots_own_examples_come_out() {
        let v3 = v3(SECRET, "POST", URL, b"{'example_field':'example_value'}", "1693657560000");
        assert_eq!(v3, "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=");
        let v2 = v2(SECRET, "GET", URL, b"");
        assert_eq!(v2, "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e");
    }

    #[test]
    fn twelve_escapes_are_decoded_once() {
        assert_eq!(decoded("/p?a=%40%2f%20%26é%2540%"), "/p?a=@/%20%26é%2540%");
    }
}
