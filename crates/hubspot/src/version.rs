//! Versions of HubSpot's API and where they stand in a path.
//!
//! Not a router: [`crate::routes`] reads paths, this module writes them.
//! Invariant: a path made here is absolute, percent-encoded, and classified by `routes` under the same version style.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A version as it is written in a path: legacy numbered (`v3`) or dated (`2026-03`, `2027-03-beta`).
///
/// Dated versions come every March and September (<https://developers.hubspot.com/changelog>). The default is
/// [`ApiVersion::V2026_03`]: same shapes as v3, without the stricter validation of 2026-09 writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ApiVersion {
    /// Legacy: `v1` to `v9`. Every surface has a number of its own; asking for any gives that surface's path.
    Numbered(u8),
    /// Date-based.
    Dated {
        /// Year of the release.
        year: u16,
        /// Month of the release, 3 or 9 so far.
        month: u8,
        /// Whether this is the unstable preview.
        beta: bool,
    },
}

impl ApiVersion {
    /// The legacy CRM version of objects, properties, pipelines and owners.
    pub const V3: Self = Self::Numbered(3);
    /// The legacy version of associations.
    pub const V4: Self = Self::Numbered(4);
    /// Supported, same shapes as v3.
    pub const V2026_03: Self = Self::Dated { year: 2026, month: 3, beta: false };
    /// Current since September 2026; enforces the account's validation rules on writes.
    pub const V2026_09: Self = Self::Dated { year: 2026, month: 9, beta: false };
}

impl Default for ApiVersion {
    fn default() -> Self {
        Self::V2026_03
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Numbered(number) => write!(f, "v{number}"),
            Self::Dated { year, month, beta } => {
                write!(f, "{year:04}-{month:02}{}", if beta { "-beta" } else { "" })
            }
        }
    }
}

/// The text is no version segment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an API version: expected v3, v4, 2026-03 or 2026-09")]
pub struct NotAVersion(pub String);

impl FromStr for ApiVersion {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        parse(text).ok_or_else(|| NotAVersion(text.to_owned()))
    }
}

/// Reads `v\d` or `\d{4}-\d{2}(-beta)?`.
fn parse(text: &str) -> Option<ApiVersion> {
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if let Some(number) = text.strip_prefix('v') {
        let fits = number.len() == 1 && digits(number);
        return fits.then(|| number.parse().ok()).flatten().map(ApiVersion::Numbered);
    }
    let (date, beta) = text.strip_suffix("-beta").map_or((text, false), |date| (date, true));
    let (year, month) = date.split_once('-')?;
    if year.len() != 4 || month.len() != 2 || !digits(year) || !digits(month) {
        return None;
    }
    let month = month.parse().ok().filter(|month| (1..=12).contains(month))?;
    Some(ApiVersion::Dated { year: year.parse().ok()?, month, beta })
}

impl Serialize for ApiVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ApiVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A group of endpoints that share the beginning of their path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Surface {
    /// CRM objects, their batches and search.
    Objects,
    /// The associations of one record.
    RecordAssociations,
    /// Association batches and labels.
    Associations,
    /// Properties and their groups.
    Properties,
    /// Pipelines and stages.
    Pipelines,
    /// Owners.
    Owners,
    /// Schemas of custom objects.
    Schemas,
    /// Account details and usage.
    Account,
}

/// Where each surface lives, legacy and dated (`{}` is the version). `/crm/schemas/{version}` does not exist, which is
/// why schemas are under `/crm-object-schemas`.
const ROOTS: [(Surface, &str, &str); 8] = [
    (Surface::Objects, "/crm/v3/objects", "/crm/objects/{}"),
    (Surface::RecordAssociations, "/crm/v4/objects", "/crm/objects/{}"),
    (Surface::Associations, "/crm/v4/associations", "/crm/associations/{}"),
    (Surface::Properties, "/crm/v3/properties", "/crm/properties/{}"),
    (Surface::Pipelines, "/crm/v3/pipelines", "/crm/pipelines/{}"),
    (Surface::Owners, "/crm/v3/owners", "/crm/owners/{}"),
    (Surface::Schemas, "/crm-object-schemas/v3/schemas", "/crm-object-schemas/{}/schemas"),
    (Surface::Account, "/account-info/v3", "/account-info/{}"),
];

impl Surface {
    /// The absolute path of `segments` below this surface in the style of `version`; segments are percent-encoded.
    pub fn path(self, version: ApiVersion, segments: &[&str]) -> String {
        let (_, legacy, dated) = ROOTS
            .iter()
            .find(|(surface, ..)| *surface == self)
            .expect("invariant: the table has a row for every surface, by the test below");
        let mut path = match version {
            ApiVersion::Numbered(_) => (*legacy).to_owned(),
            ApiVersion::Dated { .. } => dated.replace("{}", &version.to_string()),
        };
        for segment in segments {
            path.push('/');
            push_encoded(&mut path, segment);
        }
        path
    }
}

/// Appends `text` percent-encoded: everything but RFC 3986's unreserved characters becomes `%XX`.
pub(crate) fn push_encoded(out: &mut String, text: &str) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
            continue;
        }
        out.push('%');
        out.extend([byte >> 4, byte & 15].iter().filter_map(|nibble| HEX.get(usize::from(*nibble))));
    }
}

/// Undoes [`push_encoded`]; broken escapes and bytes that are no UTF-8 stay recognisably wrong instead of failing.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escape = match (first, tail) {
            (b'%', [high, low, after @ ..]) => hex(*high).zip(hex(*low)).map(|(h, l)| (h * 16 + l, after)),
            _ => None,
        };
        let (byte, after) = escape.unwrap_or((first, tail));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn versions_read_as_they_are_written() {
        for text in ["v1", "v3", "v4", "2025-09", "2026-03", "2026-09", "2026-09-beta", "2027-03-beta"] {
            let version: ApiVersion = text.parse().expect("a version");
            assert_eq!(version.to_string(), text);
        }
        assert_eq!(ApiVersion::default().to_string(), "2026-03");
    }

    #[test]
    fn other_segments_are_no_versions() {
        for text in ["", "v", "v12", "vx", "contacts", "2026", "2026-3", "2026-13", "0-1", "2-123", "2026-03-rc", "é"]
        {
            assert_eq!(text.parse::<ApiVersion>(), Err(NotAVersion(text.to_owned())));
        }
    }

    #[test]
    fn a_surface_puts_the_version_where_hubspot_wants_it() {
        let cases = [
            (Surface::Objects, "/crm/v3/objects/contacts", "/crm/objects/2026-03/contacts"),
            (Surface::RecordAssociations, "/crm/v4/objects/contacts", "/crm/objects/2026-03/contacts"),
            (Surface::Associations, "/crm/v4/associations/contacts", "/crm/associations/2026-03/contacts"),
            (Surface::Properties, "/crm/v3/properties/contacts", "/crm/properties/2026-03/contacts"),
            (Surface::Pipelines, "/crm/v3/pipelines/contacts", "/crm/pipelines/2026-03/contacts"),
            (Surface::Owners, "/crm/v3/owners/contacts", "/crm/owners/2026-03/contacts"),
            (
                Surface::Schemas,
                "/crm-object-schemas/v3/schemas/contacts",
                "/crm-object-schemas/2026-03/schemas/contacts",
            ),
            (Surface::Account, "/account-info/v3/contacts", "/account-info/2026-03/contacts"),
        ];
        assert_eq!(cases.len(), ROOTS.len());
        for (surface, legacy, dated) in cases {
            assert_eq!(surface.path(ApiVersion::V3, &["contacts"]), legacy);
            assert_eq!(surface.path(ApiVersion::V2026_03, &["contacts"]), dated);
        }
    }

    proptest! {
        #[test]
        fn encoding_round_trips_and_leaves_only_safe_bytes(text in any::<String>()) {
            let mut encoded = String::new();
            push_encoded(&mut encoded, &text);
            prop_assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)));
            prop_assert_eq!(decoded(&encoded), text);
        }

        #[test]
        fn decoding_never_fails(text in any::<String>()) {
            let _ = decoded(&text);
        }
    }
}
