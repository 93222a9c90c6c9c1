//! Phone numbers in E.164 form.
//!
//! The plan of each country decides: a number that is possible but in no range of its country is not valid. Values are
//! read as they are written by people: spaces, brackets, a trunk zero after the country code.

use phonenumber::country;

use crate::country::iso_code;
use crate::value::{Invalid, Value};

/// A region with a numbering plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region(country::Id);

impl Region {
    /// By ISO 3166 code (two or three letters) or by the country's English name.
    pub fn named(text: &str) -> Option<Self> {
        iso_code(text).and_then(|code| code.parse().ok()).map(Self)
    }
}

/// Reads the numbering plans (some 60 ms), so that the first number is as quick as the others.
pub fn warm_up() {
    let _ = e164("+49 30 26550280", None);
}

/// A phone number in E.164 form; `None` if it is not valid.
///
/// A number with a country code (`+` or `00`) is taken at its word, whatever the region; only others need the region.
pub fn e164(text: &str, region: Option<Region>) -> Option<String> {
    let trimmed = text.trim();
    let international = trimmed
        .strip_prefix("00")
        .filter(|rest| rest.chars().find(|c| !c.is_whitespace()) != Some('0'))
        .map(|rest| format!("+{rest}"));
    let text = international.as_deref().unwrap_or(trimmed);
    let own = region.filter(|region| !text.starts_with('+') || has_code_of(text, *region));
    let parsed = phonenumber::parse(own.map(|region| region.0), text).ok()?;
    if !phonenumber::is_valid(&parsed) {
        return None;
    }
    Some(parsed.format().mode(phonenumber::Mode::E164).to_string())
}

/// Whether a number with a country code has that of the region: only then may the region's rules for trunk digits be
/// used on it.
fn has_code_of(text: &str, region: Region) -> bool {
    phonenumber::metadata::DATABASE.by_id(region.0.as_ref()).is_some_and(|plan| {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        digits.starts_with(&plan.country_code().to_string())
    })
}

pub(crate) fn step(text: &str, region: Option<Region>, named: Option<&str>) -> Result<Value, Invalid> {
    let by_column = named.map(Region::named);
    if by_column == Some(None) && !text.trim_start().starts_with('+') {
        let name = named.unwrap_or_default();
        let reason = format!("\"{name}\" is no country that is known, so the phone number \"{text}\" cannot be read");
        return Err(Invalid::new("LP1106", reason));
    }
    let region = by_column.flatten().or(region);
    if let Some(number) = e164(text, region) {
        return Ok(Value::Text(number));
    }
    let place = match (named, region) {
        (Some(name), _) => format!(" in {name}"),
        (None, Some(region)) => format!(" in {}", region.0.as_ref()),
        (None, None) => " without a region (set `region` or `region_column`)".to_owned(),
    };
    Err(Invalid::new("LP1106", format!("\"{text}\" is no valid phone number{place}: correct it in the source")))
}
