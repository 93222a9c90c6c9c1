//! HubSpot's three signatures, as it computes them.
//!
//! Source: HubSpot's guide on validating requests. Version 1 and 2 are plain SHA-256 with the secret in front, in hex;
//! version 3 is an HMAC in base64 over an address of which twelve escapes are decoded.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

/// The block of SHA-256, in bytes.
const BLOCK: usize = 64;
/// The escapes that version 3 decodes in the address, and what they stand for.
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

/// Version 1: secret and body.
pub(crate) fn v1(secret: &str, body: &[u8]) -> String {
    hex(&sha256(&[secret.as_bytes(), body]))
}

/// Version 2: secret, method, address and body.
pub(crate) fn v2(secret: &str, method: &str, url: &str, body: &[u8]) -> String {
    hex(&sha256(&[secret.as_bytes(), method.as_bytes(), url.as_bytes(), body]))
}

/// Version 3: method, decoded address, body and the time of sending in milliseconds.
pub(crate) fn v3(secret: &str, method: &str, url: &str, body: &[u8], timestamp: i64) -> String {
    let (url, timestamp) = (decode(url), timestamp.to_string());
    let text = [method.as_bytes(), url.as_bytes(), body, timestamp.as_bytes()];
    STANDARD.encode(hmac(secret.as_bytes(), &text))
}

/// HMAC-SHA-256, RFC 2104.
pub(crate) fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut padded = [0_u8; BLOCK];
    let hashed = if key.len() > BLOCK { sha256(&[key]).to_vec() } else { key.to_vec() };
    for (place, byte) in padded.iter_mut().zip(hashed) {
        *place = byte;
    }
    let mask = |with: u8| padded.map(|byte| byte ^ with);
    let inner = mask(0x36);
    let all: Vec<&[u8]> = std::iter::once(inner.as_slice()).chain(parts.iter().copied()).collect();
    sha256(&[mask(0x5c).as_slice(), sha256(&all).as_slice()])
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |four: u8| char::from_digit(u32::from(four), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn decode(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    let mut rest = url;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let known = after.get(..2).and_then(|code| {
            DECODED.iter().find(|(escape, _)| escape.get(1..).is_some_and(|known| known.eq_ignore_ascii_case(code)))
        });
        out.push_str(known.map_or("%", |(_, plain)| plain));
        rest = known.and_then(|_| after.get(2..)).unwrap_or(after);
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::Path};

    use serde_json::Value;

    use super::*;

    #[test]
    fn the_signatures_that_hubspot_publishes_are_ours() {
        let (secret, uri) = ("yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "https://www.example.com/webhook_uri");
        let quoted = b"{'example_field':'example_value'}";
        assert_eq!(v1(secret, quoted), "69fc6631a867edd4f9e9e627fc5c1148e3fbdd8b21837b6d2b8901c1fa57f750");
        assert_eq!(v2(secret, "GET", uri, b""), "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e");
        assert_eq!(v2(secret, "POST", uri, quoted), "4fe4e3a7d3cf09db53be39d0a58130e2aaba074ec123a9e355b876a689a1c383");
        let signature = v3(secret, "POST", uri, quoted, 1_693_657_560_000);
        assert_eq!(signature, "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=");
    }

    /// Case 6 of RFC 4231: a key that is longer than a block.
    #[test]
    fn a_long_key_is_hashed_first() {
        let mac = hmac(&[0xaa; 131], &[b"Test Using Larger Than Block-Size Key - Hash Key First"]);
        assert_eq!(hex(&mac), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    }

    #[test]
    fn twelve_escapes_are_decoded_and_no_others() {
        let wire = "https://a.test/p?email=a%40b.test&path=%2Fx%2fy%3A1&note=two%20words%26%3D%25%2B%";
        assert_eq!(decode(wire), "https://a.test/p?email=a@b.test&path=/x/y:1&note=two%20words%26%3D%25%2B%");
        assert_eq!(decode("%21%24%27%28%29%2A%2C%3B%3F"), "!$'()*,;?");
        assert_eq!(decode("%é%4"), "%é%4");
    }

    fn signed(vector: &Value) -> String {
        let text = |name: &str| vector[name].as_str().unwrap_or_default();
        let (secret, method, url, body) = (text("secret"), text("method"), text("url"), text("body").as_bytes());
        let version = vector.get("version").or(vector.get("v")).and_then(Value::as_str).unwrap();
        match version {
            "v1" => v1(secret, body),
            "v2" => v2(secret, method, url, body),
            _ => {
                let timestamp = &vector["timestamp"];
                let timestamp = timestamp.as_i64().unwrap_or_else(|| timestamp.as_str().unwrap().parse().unwrap());
                v3(secret, method, url, body, timestamp)
            }
        }
    }

    /// Vectors of HubSpot's own clients and documentation, and generated ones that its Node client confirms.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "where the reference lies is told by the environment")]
    fn every_reference_vector_is_met() {
        let Ok(shared) = env::var("LINCHPIN_SHARED") else {
            println!("skipped: LINCHPIN_SHARED names no folder with reference vectors");
            return;
        };
        let read = |name: &str| -> Value {
            let path = Path::new(&shared).join("hubspot").join(name);
            serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
        };
        let recorded = read("recordings/webhook_signature_vectors.json");
        for vector in recorded.as_array().unwrap() {
            assert_eq!(signed(vector), vector["expected"], "{vector}");
        }
        let made = read("signature-vectors.json");
        let positive = made["positive"].as_array().unwrap();
        for vector in positive.iter().chain(made["published_by_hubspot_and_reproduced"].as_array().unwrap()) {
            assert_eq!(signed(vector), vector["sig"], "{vector}");
        }
        for wrong in made["negative"].as_array().unwrap() {
            let right = &positive[usize::try_from(wrong["vector"].as_u64().unwrap()).unwrap()];
            assert_ne!(signed(right), wrong["sig"], "{wrong}");
        }
        assert!(recorded.as_array().unwrap().len() == 8 && positive.len() == 9);
    }
}
