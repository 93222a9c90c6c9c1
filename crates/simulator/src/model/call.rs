//! One call as the handlers see it: version, decoded path segments, query parameters, and the body's shapes.
//!
//! Bodies are read leniently, as HubSpot does: unknown keys are ignored, ids may be numbers, `null` is "not set".

use std::borrow::Cow;
use std::fmt;

use http::Method;
use http::header::{CONTENT_TYPE, HOST};
use rand_core::Rng;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::Caller;
use super::answer::{Outcome, Refusal};
use super::distinct::last_of_each;
use crate::wire::{ApiRequest, Millis};

/// The API version that a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// Numbered, `v3`.
    V3,
    /// Numbered, `v4`.
    V4,
    /// Dated, `2025-09`.
    September2025,
    /// Dated, `2026-03`.
    March2026,
    /// Dated, `2026-09`.
    September2026,
}

impl Version {
    /// Reads a path segment.
    pub(super) fn parse(segment: &str) -> Option<Self> {
        match segment {
            "v3" => Some(Self::V3),
            "v4" => Some(Self::V4),
            "2025-09" => Some(Self::September2025),
            "2026-03" => Some(Self::March2026),
            "2026-09" => Some(Self::September2026),
            _ => None,
        }
    }

    /// Whether the version is written as a date.
    pub(super) fn is_dated(self) -> bool {
        match self {
            Self::V3 | Self::V4 => false,
            Self::September2025 | Self::March2026 | Self::September2026 => true,
        }
    }

    /// Status of an association batch create without errors.
    pub(super) fn association_created(self) -> u16 {
        match self {
            Self::V3 | Self::September2026 => 200,
            Self::V4 | Self::September2025 | Self::March2026 => 201,
        }
    }

    /// Whether an association batch archive answers with a body.
    pub(super) fn association_archive_has_body(self) -> bool {
        self.is_dated()
    }
}

/// One call under way.
pub(super) struct Call<'a> {
    pub(super) request: &'a ApiRequest,
    pub(super) caller: &'a Caller,
    pub(super) now: Millis,
    pub(super) dice: &'a mut dyn Rng,
    pub(super) version: Version,
    pub(super) query: Query,
}

impl Call<'_> {
    pub(super) fn method(&self) -> &Method {
        &self.request.method
    }

    /// The address that the caller asked, for absolute links.
    pub(super) fn base(&self) -> String {
        let header = |name: &str| self.request.headers.get(name).and_then(|value| value.to_str().ok());
        match header(HOST.as_str()) {
            None | Some("" | "api.hubapi.com") => "https://api.hubapi.com".to_owned(),
            Some(host) => format!("{}://{host}", header("x-forwarded-proto").unwrap_or("http")),
        }
    }

    /// The link to the next page: the caller's own query with another `after`.
    pub(super) fn next_link(&self, after: &str) -> String {
        let mut pairs: Vec<String> = self
            .request
            .query
            .split('&')
            .filter(|pair| !pair.is_empty() && pair.split('=').next() != Some("after"))
            .map(str::to_owned)
            .collect();
        pairs.push(format!("after={}", encode(after)));
        format!("{}{}?{}", self.base(), self.request.path, pairs.join("&"))
    }

    /// The body, read as `T`.
    pub(super) fn body<T: DeserializeOwned>(&self) -> Outcome<T> {
        if let Some(kind) = self.request.headers.get(CONTENT_TYPE) {
            let kind = kind.to_str().unwrap_or_default().to_ascii_lowercase();
            if !kind.starts_with("application/json") {
                return Err(Refusal::wrong_media_type());
            }
        }
        serde_json::from_slice(&self.request.body).map_err(|error| {
            let text = error.to_string();
            let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
            Refusal::bare(
                400,
                format!("Invalid input JSON on line {}, column {}: {reason}", error.line(), error.column()),
            )
        })
    }

    /// A number below `bound`; zero when `bound` is zero.
    pub(super) fn roll(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.dice.next_u64() % bound }
    }

    /// Puts a list into an order drawn from the dice.
    pub(super) fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            let other = usize::try_from(self.roll(last as u64 + 1)).unwrap_or(0);
            list.swap(last, other);
        }
    }
}

/// Query parameters, decoded, in their order.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a raw query.
    pub(super) fn parse(raw: &str) -> Self {
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name, true).into_owned(), decode(value, true).into_owned())
        };
        Self(raw.split('&').filter(|part| !part.is_empty()).map(pair).collect())
    }

    /// The first value of a parameter that is not empty.
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter, repeated or joined by commas.
    pub(super) fn list(&self, name: &str) -> Vec<&str> {
        self.0
            .iter()
            .filter(|(key, _)| key == name)
            .flat_map(|(_, value)| value.split(','))
            .map(str::trim)
            .filter(|value| !value.is_empty())
            .collect()
    }

    /// A truth value, in any case; absent is false.
    pub(super) fn flag(&self, name: &str) -> Outcome<bool> {
        match self.first(name) {
            None => Ok(false),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(_) => Err(unreadable_parameter(name)),
        }
    }

    /// A page size from 1 to `most`.
    pub(super) fn limit(&self, default: usize, most: usize) -> Outcome<usize> {
        let Some(text) = self.first("limit") else { return Ok(default) };
        let limit = text.parse::<usize>().map_err(|_| unreadable_parameter("limit"))?;
        if (1..=most).contains(&limit) {
            Ok(limit)
        } else {
            Err(Refusal::invalid(format!("limit must be between 1 and {most}, but was {limit}")))
        }
    }
}

/// The 400 for a query parameter of the wrong type.
pub(super) fn unreadable_parameter(name: &str) -> Refusal {
    Refusal::bare(400, format!("Unable to parse value for query parameter: {name}"))
}

/// The segments of a path, each decoded once; slashes at its ends are none.
///
/// Whoever asks what a path means asks here: a check that read the escapes themselves could be slipped past by
/// `/crm/v3/objects/%63ontacts`. An escaped slash stays inside its segment.
pub(crate) fn segments(path: &str) -> Vec<Cow<'_, str>> {
    path.trim_matches('/').split('/').map(|segment| decode(segment, false)).collect()
}

/// Decodes percent escapes; a broken escape stands for itself, bytes that are no UTF-8 become U+FFFD.
pub(crate) fn decode(text: &str, plus_is_space: bool) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte != b'%' && (byte != b'+' || !plus_is_space);
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, tail) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0);
                out.push(u8::try_from(digit(*high) * 16 + digit(*low)).unwrap_or(0));
                rest = after;
            }
            (b'+', _) if plus_is_space => out.push(b' '),
            _ => out.push(byte),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// Encodes everything but unreserved characters.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for digit in [byte >> 4, byte & 0xf] {
                out.extend(char::from_digit(u32::from(digit), 16).map(|digit| digit.to_ascii_uppercase()));
            }
        }
    }
    out
}

/// A string that may also be written as a number or a truth value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text(pub(super) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = Text;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a string, a number or a truth value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Text, E> {
        Ok(Text(text))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Text, E> {
        Ok(Text(serde_json::Number::from_f64(value).map_or_else(|| value.to_string(), |number| number.to_string())))
    }
}

/// The `properties` of a write, in the caller's order; a name given twice keeps its last value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Properties(pub(super) Vec<(String, Option<String>)>);

impl<'de> Deserialize<'de> for Properties {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Properties;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object of property values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Properties, A::Error> {
                let mut entries: Vec<(String, Option<String>)> = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Option<Text>>()? {
                    entries.push((name, value.map(|text| text.0)));
                }
                Ok(Properties(last_of_each(entries)))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// The body of a single create or update, and one input of a batch write.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct WriteInput {
    pub(super) id: Option<Text>,
    pub(super) id_property: Option<String>,
    pub(super) properties: Option<Properties>,
    pub(super) associations: Option<Vec<InlineAssociation>>,
    pub(super) object_write_trace_id: Option<Text>,
}

/// An association given with a create.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct InlineAssociation {
    pub(super) to: Option<IdInput>,
    pub(super) types: Option<Vec<TypeInput>>,
}

/// An association type in a request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct TypeInput {
    pub(super) association_category: Option<String>,
    pub(super) association_type_id: Option<u32>,
}

/// An id on its own, with the page token of an association read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct IdInput {
    pub(super) id: Option<Text>,
    pub(super) after: Option<Text>,
}

/// The body of a batch; a missing or misspelt `inputs` counts as empty.
#[derive(Clone, Debug, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(super) struct BatchInput<T> {
    #[serde(default = "Option::default")]
    pub(super) inputs: Option<Vec<T>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_truth_values_become_their_text() {
        let read: Properties =
            serde_json::from_str(r#"{"a":47,"b":true,"c":"5000.00","d":null,"e":19.99,"a":48}"#).unwrap();
        let expected =
            [("a", Some("48")), ("b", Some("true")), ("c", Some("5000.00")), ("d", None), ("e", Some("19.99"))];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.map(str::to_owned)));
        assert_eq!(read.0, expected);
    }

    #[test]
    fn lists_may_be_repeated_or_joined() {
        let query = Query::parse("properties=a,b&properties=c&archived=True&x=1%202+3");
        assert_eq!(query.list("properties"), ["a", "b", "c"]);
        assert!(query.flag("archived").unwrap());
        assert_eq!(query.first("x"), Some("1 2 3"));
    }

    #[test]
    fn a_path_is_decoded_once_and_an_escaped_slash_parts_nothing() {
        assert_eq!(segments("//crm/v3/%6fbjects/a%2Fb//%2563/"), ["crm", "v3", "objects", "a/b", "", "%63"]);
        assert_eq!(segments("/"), [""]);
    }

    #[test]
    fn broken_escapes_stand_for_themselves() {
        assert_eq!(decode("a%4", false), "a%4");
        assert_eq!(decode("%zz%40", false), "%zz@");
    }
}
