//! Versions of HubSpot's API and where they stand in a path.
//!
//! Not a router: [`crate::routes`] reads paths, this module writes them.
//! Invariant: a path made here is absolute, percent-encoded, and classified by `routes` under the same version style.

use std::fmt;
use std::str::FromStr;

use http::Method;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::call::Call;

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
    /// The first dated release; supported, same shapes as v3.
    pub const V2025_09: Self = Self::Dated { year: 2025, month: 9, beta: false };
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
pub(crate) fn parse(text: &str) -> Option<ApiVersion> {
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
    /// Association batches and types by name, as v3 has them; there is no dated form.
    LegacyAssociations,
    /// How many associations of a type a record may have.
    AssociationLimits,
    /// Properties and their groups.
    Properties,
    /// Pipelines and stages.
    Pipelines,
    /// Owners.
    Owners,
    /// Users, roles and teams.
    Users,
    /// Schemas of custom objects.
    Schemas,
    /// Lists and memberships.
    Lists,
    /// What the account has of what it may have.
    LimitsTracking,
    /// Account details and usage.
    Account,
    /// Tokens.
    OAuth,
    /// Webhook settings and subscriptions of an app.
    Webhooks,
    /// The webhooks journal.
    Journal,
    /// What the journal reports.
    JournalSubscriptions,
    /// Snapshots in the journal.
    JournalSnapshots,
}

/// Where a surface lives: legacy, and dated where it exists (`{}` is the version).
struct Root(Surface, &'static str, &'static str, &'static [ApiVersion]);

const ALL: &[ApiVersion] = &[ApiVersion::V2025_09, ApiVersion::V2026_03, ApiVersion::V2026_09];
const SINCE_MARCH: &[ApiVersion] = &[ApiVersion::V2026_03, ApiVersion::V2026_09];
const MARCH: &[ApiVersion] = &[ApiVersion::V2026_03];
const BUT_MARCH: &[ApiVersion] = &[ApiVersion::V2025_09, ApiVersion::V2026_09];

/// Paths of HubSpot/HubSpot-public-api-spec-collection (August 2026), where also stands which release has which.
/// `/crm/schemas/{version}` does not exist, which is why schemas are under `/crm-object-schemas`.
const ROOTS: &[Root] = &[
    Root(Surface::Objects, "/crm/v3/objects", "/crm/objects/{}", ALL),
    Root(Surface::RecordAssociations, "/crm/v4/objects", "/crm/objects/{}", ALL),
    Root(Surface::Associations, "/crm/v4/associations", "/crm/associations/{}", ALL),
    Root(Surface::LegacyAssociations, "/crm/v3/associations", "/crm/v3/associations", ALL),
    Root(
        Surface::AssociationLimits,
        "/crm/associations/v4/definitions/configurations",
        "/crm/associations/{}/definitions/configurations",
        ALL,
    ),
    Root(Surface::Properties, "/crm/v3/properties", "/crm/properties/{}", ALL),
    Root(Surface::Pipelines, "/crm/v3/pipelines", "/crm/pipelines/{}", ALL),
    Root(Surface::Owners, "/crm/v3/owners", "/crm/owners/{}", ALL),
    Root(Surface::Users, "/settings/v3/users", "/settings/users/{}", MARCH),
    Root(Surface::Schemas, "/crm-object-schemas/v3/schemas", "/crm-object-schemas/{}/schemas", ALL),
    Root(Surface::Lists, "/crm/v3/lists", "/crm/lists/{}", ALL),
    Root(Surface::LimitsTracking, "/crm/v3/limits", "/crm/limits/{}", ALL),
    Root(Surface::Account, "/account-info/v3", "/account-info/{}", ALL),
    Root(Surface::OAuth, "/oauth/v3", "/oauth/{}", SINCE_MARCH),
    Root(Surface::Webhooks, "/webhooks/v3", "/app-webhooks/{}", BUT_MARCH),
    Root(Surface::Webhooks, "/webhooks/v3", "/webhooks/{}", MARCH),
    Root(Surface::Journal, "/webhooks/v4/journal", "/webhooks-journal/journal/{}", MARCH),
    Root(Surface::JournalSubscriptions, "/webhooks/v4/subscriptions", "/webhooks-journal/subscriptions/{}", MARCH),
    Root(Surface::JournalSnapshots, "/webhooks/v4/snapshots", "/webhooks-journal/snapshots/{}", MARCH),
];

impl Surface {
    /// The absolute path of `segments` below this surface in the style of `version`; segments are percent-encoded.
    ///
    /// A release that does not have the surface gets the newest one before it that has, else the legacy path. Versions
    /// that the table does not know (previews, later releases) are written as they are.
    pub fn path(self, version: ApiVersion, segments: &[&str]) -> String {
        let mut path = self.root(version);
        for segment in segments {
            path.push('/');
            push_encoded(&mut path, segment);
        }
        path
    }

    fn root(self, version: ApiVersion) -> String {
        let rows = || ROOTS.iter().filter(|row| row.0 == self);
        let releases = rows().flat_map(|row| row.3.iter().map(move |release| (*release, row)));
        let known = ALL.contains(&version);
        let dated = matches!(version, ApiVersion::Dated { .. });
        let found = releases.filter(|(release, _)| dated && *release <= version).max_by_key(|(release, _)| *release);
        let row = found.or_else(|| rows().next().map(|row| (version, row)));
        let (release, row) = row.expect("invariant: the table has a row for every surface, by the test below");
        if dated && !known {
            row.2.replace("{}", &version.to_string())
        } else if found.is_some() {
            row.2.replace("{}", &release.to_string())
        } else {
            row.1.to_owned()
        }
    }

    /// A GET of `segments` below this surface.
    pub fn get(self, version: ApiVersion, segments: &[&str]) -> Call {
        Call::new(Method::GET, self.path(version, segments))
    }

    /// A POST to them.
    pub fn post(self, version: ApiVersion, segments: &[&str]) -> Call {
        Call::new(Method::POST, self.path(version, segments))
    }

    /// A PUT to them.
    pub fn put(self, version: ApiVersion, segments: &[&str]) -> Call {
        Call::new(Method::PUT, self.path(version, segments))
    }

    /// A PATCH of them.
    pub fn patch(self, version: ApiVersion, segments: &[&str]) -> Call {
        Call::new(Method::PATCH, self.path(version, segments))
    }

    /// A DELETE of them.
    pub fn delete(self, version: ApiVersion, segments: &[&str]) -> Call {
        Call::new(Method::DELETE, self.path(version, segments))
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
pub fn decoded(text: &str) -> String {
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
        for (surface, legacy, dated) in cases {
            assert_eq!(surface.path(ApiVersion::V3, &["contacts"]), legacy);
            assert_eq!(surface.path(ApiVersion::V2026_03, &["contacts"]), dated);
        }
    }

    #[test]
    fn a_release_without_a_surface_gets_the_one_before_or_the_legacy_path() {
        use ApiVersion as V;
        let preview = V::Dated { year: 2027, month: 3, beta: true };
        let cases = [
            (Surface::LegacyAssociations, V::V2026_09, "/crm/v3/associations"),
            (Surface::AssociationLimits, V::V4, "/crm/associations/v4/definitions/configurations"),
            (Surface::AssociationLimits, V::V2026_09, "/crm/associations/2026-09/definitions/configurations"),
            (Surface::Users, V::V3, "/settings/v3/users"),
            (Surface::Users, V::V2025_09, "/settings/v3/users"),
            (Surface::Users, V::V2026_03, "/settings/users/2026-03"),
            (Surface::Users, V::V2026_09, "/settings/users/2026-03"),
            (Surface::Lists, V::V3, "/crm/v3/lists"),
            (Surface::Lists, V::V2025_09, "/crm/lists/2025-09"),
            (Surface::LimitsTracking, V::V2026_03, "/crm/limits/2026-03"),
            (Surface::LimitsTracking, V::V3, "/crm/v3/limits"),
            (Surface::OAuth, V::V2025_09, "/oauth/v3"),
            (Surface::OAuth, V::V2026_09, "/oauth/2026-09"),
            (Surface::Webhooks, V::V3, "/webhooks/v3"),
            (Surface::Webhooks, V::V2025_09, "/app-webhooks/2025-09"),
            (Surface::Webhooks, V::V2026_03, "/webhooks/2026-03"),
            (Surface::Webhooks, V::V2026_09, "/app-webhooks/2026-09"),
            (Surface::Webhooks, preview, "/app-webhooks/2027-03-beta"),
            (Surface::Journal, V::V4, "/webhooks/v4/journal"),
            (Surface::Journal, V::V2026_09, "/webhooks-journal/journal/2026-03"),
            (Surface::Journal, preview, "/webhooks-journal/journal/2027-03-beta"),
            (Surface::JournalSubscriptions, V::V2026_03, "/webhooks-journal/subscriptions/2026-03"),
            (Surface::JournalSnapshots, V::V2026_03, "/webhooks-journal/snapshots/2026-03"),
            (Surface::Objects, preview, "/crm/objects/2027-03-beta"),
        ];
        for (surface, version, expected) in cases {
            assert_eq!(surface.path(version, &[]), expected, "{surface:?} {version}");
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
