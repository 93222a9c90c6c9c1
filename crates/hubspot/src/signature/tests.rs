//! Vectors that HubSpot published, that others collected, and what forgers would try.

use std::path::Path;
use std::{env, fs};

use http::HeaderValue;
use proptest::prelude::*;
use serde_json::Value;

use super::*;

const SECRET: &str = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy";
const URL: &str = "https://www.example.com/webhook_uri";
const BODY: &[u8] = b"{'example_field':'example_value'}";
const SENT: u64 = 1_693_657_560_000;
/// HubSpot's own example of version 3.
const V3: &str = "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=";
/// And of version 2, of a GET without a body.
const V2_GET: &str = "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e";

fn headers(pairs: &[(&HeaderName, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn secrets(all: &[&str]) -> Vec<SecretString> {
    all.iter().map(|secret| SecretString::from(*secret)).collect()
}

fn judge(pairs: &[(&HeaderName, &str)], least: Scheme, now_ms: u64) -> Result<Verified, NotVerified> {
    let headers = headers(pairs);
    let request = Signed { method: "POST", url: URL, headers: &headers, body: BODY };
    verify(request, &secrets(&[SECRET]), least, now_ms)
}

fn judge_newest(now_ms: u64) -> Result<Verified, NotVerified> {
    let moment = SENT.to_string();
    judge(&[(&SIGNATURE_V3, V3), (&TIMESTAMP, &moment)], Scheme::V1, now_ms)
}

#[test]
fn hubspots_own_examples_are_believed() {
    let verified = judge_newest(SENT).unwrap();
    assert_eq!(verified, Verified { scheme: Scheme::V3, secret: 0, sent_at_ms: Some(SENT) });

    let second = headers(&[(&SIGNATURE, V2_GET), (&SIGNATURE_VERSION, "v2")]);
    let request = Signed { method: "GET", url: URL, headers: &second, body: b"" };
    let verified = verify(request, &secrets(&[SECRET]), Scheme::V1, 0).unwrap();
    assert_eq!(verified, Verified { scheme: Scheme::V2, secret: 0, sent_at_ms: None });
}

#[test]
fn five_minutes_both_ways_and_not_a_millisecond_more() {
    for now in [SENT - WINDOW_MS, SENT - 1, SENT, SENT + WINDOW_MS] {
        assert!(judge_newest(now).is_ok(), "{now}");
    }
    assert_eq!(judge_newest(SENT + WINDOW_MS + 1), Err(NotVerified::Stale));
    assert_eq!(judge_newest(SENT - WINDOW_MS - 1), Err(NotVerified::Future));
}

#[test]
fn a_moment_is_a_plain_number() {
    let header = NotVerified::Header("X-HubSpot-Request-Timestamp");
    for moment in ["", "NaN", "-1", "+1693657560000", "1693657560000.0", "1e12", "0x1", "1693657560000000"] {
        assert_eq!(judge(&[(&SIGNATURE_V3, V3), (&TIMESTAMP, moment)], Scheme::V1, SENT), Err(header), "{moment}");
    }
    // The signature covers the digits as they stand.
    let padded = "01693657560000";
    let judged = judge(&[(&SIGNATURE_V3, V3), (&TIMESTAMP, padded)], Scheme::V1, SENT);
    assert_eq!(judged, Err(NotVerified::Mismatch));
}

#[test]
fn taking_a_header_away_makes_nothing_weaker() {
    let body_alone = digest(&[SECRET.as_bytes(), BODY]);
    let moment = SENT.to_string();
    let oldest = [(&SIGNATURE, body_alone.as_str()), (&SIGNATURE_VERSION, "v1")];
    assert!(judge(&oldest, Scheme::V1, SENT).is_ok());
    assert_eq!(judge(&oldest, Scheme::V2, SENT), Err(NotVerified::Downgraded));
    assert_eq!(judge(&oldest, Scheme::V3, SENT), Err(NotVerified::Downgraded));

    let half = [oldest[0], oldest[1], (&TIMESTAMP, moment.as_str())];
    assert_eq!(judge(&half, Scheme::V1, SENT), Err(NotVerified::Header("X-HubSpot-Signature-v3")));
    let other_half = [oldest[0], oldest[1], (&SIGNATURE_V3, V3)];
    assert_eq!(judge(&other_half, Scheme::V1, SENT), Err(NotVerified::Header("X-HubSpot-Request-Timestamp")));
    // A right v1 beside a wrong v3 does not help.
    let wrong = [oldest[0], oldest[1], (&SIGNATURE_V3, "AAAA"), (&TIMESTAMP, moment.as_str())];
    assert_eq!(judge(&wrong, Scheme::V1, SENT), Err(NotVerified::Mismatch));
    // A v1 signature does not pass as a v2, nor under a version that is not known.
    assert_eq!(judge(&[oldest[0], (&SIGNATURE_VERSION, "v2")], Scheme::V1, SENT), Err(NotVerified::Mismatch));
    for unknown in ["v3", "V1", "", "v1 "] {
        assert!(judge(&[oldest[0], (&SIGNATURE_VERSION, unknown)], Scheme::V1, SENT).is_err(), "{unknown:?}");
    }
    assert_eq!(judge(&[], Scheme::V1, SENT), Err(NotVerified::Missing));
    // The deliveries of 2019.
    assert!(judge(&[oldest[0]], Scheme::V1, SENT).is_ok());
}

#[test]
fn a_header_that_is_there_twice_is_refused() {
    let moment = SENT.to_string();
    for again in [(&SIGNATURE_V3, V3), (&TIMESTAMP, moment.as_str())] {
        let doubled = [(&SIGNATURE_V3, V3), (&TIMESTAMP, moment.as_str()), again];
        assert!(matches!(judge(&doubled, Scheme::V1, SENT), Err(NotVerified::Header(_))));
    }
}

#[test]
fn each_signature_has_one_spelling() {
    let hex = digest(&[SECRET.as_bytes(), BODY]);
    assert_eq!(judge(&[(&SIGNATURE, &hex.to_uppercase())], Scheme::V1, SENT), Err(NotVerified::Mismatch));
    let moment = SENT.to_string();
    for spelling in [V3.trim_end_matches('='), &V3.replace('+', "-").replace('/', "_"), &format!("{V3}=")] {
        let judged = judge(&[(&SIGNATURE_V3, spelling), (&TIMESTAMP, &moment)], Scheme::V1, SENT);
        assert_eq!(judged, Err(NotVerified::Mismatch), "{spelling}");
    }
}

#[test]
fn a_rotated_secret_is_found_at_its_place_and_no_secret_lets_nobody_in() {
    let moment = SENT.to_string();
    let headers = headers(&[(&SIGNATURE_V3, V3), (&TIMESTAMP, &moment)]);
    let request = Signed { method: "POST", url: URL, headers: &headers, body: BODY };
    assert_eq!(verify(request, &secrets(&["new", SECRET]), Scheme::V3, SENT).unwrap().secret, 1);
    assert_eq!(verify(request, &[], Scheme::V1, SENT), Err(NotVerified::Mismatch));
}

#[test]
fn twelve_escapes_are_decoded_once_and_no_others() {
    let wire = "https://a.test/p?email=a%40b.test&path=%2Fx%2fy%3A1&note=two%20words%26%3D%25%2B%";
    assert_eq!(address::decoded(wire), "https://a.test/p?email=a@b.test&path=/x/y:1&note=two%20words%26%3D%25%2B%");
    assert_eq!(address::decoded("%21%24%27%28%29%2A%2C%3B%3F"), "!$'()*,;?");
    assert_eq!(address::decoded("%2540 %é%4 é%40"), "%2540 %é%4 é@");
}

proptest! {
    #[test]
    fn whatever_is_changed_is_noticed(place in 0_usize..2_000, bit in 0_u8..8) {
        let moment = SENT.to_string();
        let mut parts = [b"POST".to_vec(), URL.as_bytes().to_vec(), BODY.to_vec(), moment.into_bytes(), V3.into()];
        let length: usize = parts.iter().map(Vec::len).sum();
        let mut place = place % length;
        for part in &mut parts {
            if let Some(byte) = part.get_mut(place) {
                *byte ^= 1 << bit;
                break;
            }
            place -= part.len();
        }
        let [method, url, body, moment, signature] = &parts;
        let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
        prop_assume!(text(method).is_some() && text(url).is_some());
        let (Ok(signature), Ok(moment)) = (HeaderValue::from_bytes(signature), HeaderValue::from_bytes(moment)) else {
            return Ok(());
        };
        let headers = HeaderMap::from_iter([(SIGNATURE_V3, signature), (TIMESTAMP, moment)]);
        let (method, url) = (text(method).unwrap(), text(url).unwrap());
        let request = Signed { method: &method, url: &url, headers: &headers, body };
        prop_assert!(verify(request, &secrets(&[SECRET]), Scheme::V1, SENT).is_err());
    }

    #[test]
    fn any_address_is_decoded_without_a_panic_and_only_ever_shorter(url in "\\PC{0,40}") {
        prop_assert!(address::decoded(&url).len() <= url.len());
    }
}

/// The vectors of the reference, where it lies beside the checkout.
#[test]
fn the_collected_vectors_are_judged_as_expected() {
    let Some(folder) = env::var_os("LINCHPIN_SHARED") else {
        return println!("skipped: LINCHPIN_SHARED is not set");
    };
    let text = fs::read_to_string(Path::new(&folder).join("hubspot/signature-vectors.json")).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    let list = |key: &str| file[key].as_array().unwrap().clone();
    let positive = list("positive");
    let believed: Vec<Value> = positive.iter().cloned().chain(list("published_by_hubspot_and_reproduced")).collect();
    for vector in &believed {
        let verified = judge_vector(vector, vector["sig"].as_str().unwrap(), vector["url"].as_str());
        assert!(verified.is_ok(), "{vector}");
    }
    for refused in list("negative") {
        let vector = &positive[usize::try_from(refused["vector"].as_u64().unwrap()).unwrap()];
        let url = refused["wire_url"].as_str().or(vector["url"].as_str());
        let judged = judge_vector(vector, refused["sig"].as_str().unwrap(), url);
        assert_eq!(judged, Err(NotVerified::Mismatch), "{refused}");
    }
    assert!(believed.len() > 10);
}

fn judge_vector(vector: &Value, signature: &str, url: Option<&str>) -> Result<Verified, NotVerified> {
    let version = vector["v"].as_str().unwrap();
    let moment = vector["timestamp"].as_u64().unwrap_or_default();
    let digits = moment.to_string();
    let headers = match version {
        "v3" => headers(&[(&SIGNATURE_V3, signature), (&TIMESTAMP, &digits)]),
        older => headers(&[(&SIGNATURE, signature), (&SIGNATURE_VERSION, older)]),
    };
    let text = |key: &str| vector[key].as_str().unwrap_or_default();
    let method = vector["method"].as_str().unwrap_or("POST");
    let request = Signed { method, url: url.unwrap_or_default(), headers: &headers, body: text("body").as_bytes() };
    verify(request, &secrets(&[text("secret")]), Scheme::V1, moment)
}
