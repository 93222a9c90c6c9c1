//! Whether two texts are one value: canonical forms by property type, for comparison only.
//!
//! Never sent: HubSpot stores a number's text as given, so rewriting it would be a change. What cannot be understood is
//! its own canonical form. Pure civil-calendar arithmetic, no time zone but UTC and written offsets.

use std::borrow::Cow;

use crate::properties::{PropertyDefinition, PropertyType};

const DAY_MS: i64 = 86_400_000;
/// Exponents beyond this are left as text, so that no short text becomes a long one.
const EXPONENT_MAX: i32 = 400;

/// Whether `a` and `b` are the same value of a property. None, `""` and a missing value are the same.
pub fn same(definition: &PropertyDefinition, a: Option<&str>, b: Option<&str>) -> bool {
    let form = |value: Option<&str>| value.and_then(|value| of_property(definition, value).map(Cow::into_owned));
    a == b || form(a) == form(b)
}

/// The canonical form under a definition: like [`canonical`], and e-mail addresses in lower case, as HubSpot stores them.
pub fn of_property<'a>(definition: &PropertyDefinition, value: &'a str) -> Option<Cow<'a, str>> {
    if definition.name == "email" {
        return (!value.is_empty()).then(|| Cow::Owned(value.to_lowercase()));
    }
    canonical(definition.property_type, &definition.field_type, value)
}

/// The canonical form of a value by its type; none when it is empty.
///
/// Numbers lose zeros that say nothing, booleans become `true` or `false`, dates `YYYY-MM-DD`, datetimes epoch
/// milliseconds, checkbox values a sorted set, line ends a bare LF.
pub fn canonical<'a>(property_type: PropertyType, field_type: &str, value: &'a str) -> Option<Cow<'a, str>> {
    if value.is_empty() {
        return None;
    }
    let form = match property_type {
        PropertyType::Number => number(value).map(Cow::Owned),
        PropertyType::Bool => boolean(value).map(Cow::Borrowed),
        PropertyType::Date => date(value).map(Cow::Owned),
        PropertyType::Datetime => instant_ms(value).map(|ms| Cow::Owned(ms.to_string())),
        PropertyType::Enumeration if field_type == "checkbox" => return set(value).map(Cow::Owned),
        PropertyType::String => value.contains("\r\n").then(|| Cow::Owned(value.replace("\r\n", "\n"))),
        PropertyType::Enumeration
        | PropertyType::PhoneNumber
        | PropertyType::Json
        | PropertyType::ObjectCoordinates
        | PropertyType::Other => None,
    };
    Some(form.unwrap_or(Cow::Borrowed(value)))
}

fn boolean(value: &str) -> Option<&'static str> {
    // Some calculated flags are written as digits (NangoHQ's recorded `hs_task_is_completed`).
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" => Some("true"),
        "false" | "0" => Some("false"),
        _ => None,
    }
}

fn set(value: &str) -> Option<String> {
    let mut options: Vec<&str> = value.split(';').filter(|option| !option.is_empty()).collect();
    options.sort_unstable();
    options.dedup();
    (!options.is_empty()).then(|| options.join(";"))
}

/// `+05.00` is `5`, `1.5E+2` is `150`, `-0` is `0`.
fn number(value: &str) -> Option<String> {
    let (negative, digits) = match value.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, value.strip_prefix('+').unwrap_or(value)),
    };
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let empty = whole.is_empty() && fraction.is_empty();
    if empty || !all_digits(whole) || !all_digits(fraction) || exponent.abs() > EXPONENT_MAX {
        return None;
    }
    let (whole, fraction) = shifted(whole, fraction, exponent);
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let mut text = String::new();
    if negative && !(whole.is_empty() && fraction.is_empty()) {
        text.push('-');
    }
    text.push_str(if whole.is_empty() { "0" } else { whole });
    if !fraction.is_empty() {
        text.push('.');
        text.push_str(fraction);
    }
    Some(text)
}

/// Moves the decimal point by `exponent` places.
fn shifted(whole: &str, fraction: &str, exponent: i32) -> (String, String) {
    let places = usize::try_from(exponent.unsigned_abs()).unwrap_or_default();
    if exponent >= 0 {
        let padded = format!("{fraction:0<places$}");
        let (moved, rest) = padded.split_at(places);
        return (format!("{whole}{moved}"), rest.to_owned());
    }
    let padded = format!("{whole:0>places$}");
    let (rest, moved) = padded.split_at(padded.len() - places);
    (rest.to_owned(), format!("{moved}{fraction}"))
}

/// A date from `YYYY-MM-DD`, from epoch milliseconds at midnight UTC, or from an instant at midnight UTC.
fn date(value: &str) -> Option<String> {
    let ms = instant_ms(value)?;
    if ms.rem_euclid(DAY_MS) != 0 {
        return None;
    }
    let (year, month, day) = civil_from_days(ms.div_euclid(DAY_MS));
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

/// Milliseconds since 1970 of an ISO 8601 instant, a date (its midnight UTC), or epoch milliseconds as text. Parts below
/// the millisecond are cut off, as HubSpot does. Years 0 to 9999.
///
/// ```
/// use linchpin_hubspot::value::instant_ms;
/// assert_eq!(instant_ms("1970-01-02"), Some(86_400_000));
/// assert_eq!(instant_ms("1970-01-01T01:00:00.5+01:00"), Some(500));
/// assert_eq!(instant_ms("500"), Some(500));
/// ```
pub fn instant_ms(value: &str) -> Option<i64> {
    let epoch = value.strip_prefix('-').unwrap_or(value);
    if !epoch.is_empty() && epoch.bytes().all(|b| b.is_ascii_digit()) {
        return value.parse().ok();
    }
    let (day, time) = match value.split_once(['T', 't', ' ']) {
        Some((day, time)) => (day, Some(time)),
        None => (value, None),
    };
    let mut parts = day.split('-');
    let (year, month, day) = (fixed(parts.next()?, 4)?, fixed(parts.next()?, 2)?, fixed(parts.next()?, 2)?);
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) {
        return None;
    }
    let time = time.map_or(Some(0), time_ms)?;
    Some(days_from_civil(year, month, day) * DAY_MS + time)
}

/// An instant as text, in UTC and with milliseconds: what [`instant_ms`] reads back. Years beyond 0 to 9999 have more
/// digits, or a sign.
///
/// ```
/// use linchpin_hubspot::value::instant_text;
/// assert_eq!(instant_text(86_400_001), "1970-01-02T00:00:00.001Z");
/// ```
pub fn instant_text(ms: i64) -> String {
    let (year, month, day) = civil_from_days(ms.div_euclid(DAY_MS));
    let within = ms.rem_euclid(DAY_MS);
    let (hour, minute, second) = (within / 3_600_000, within / 60_000 % 60, within / 1_000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", within % 1_000)
}

/// Milliseconds of `HH:MM[:SS[.fff]]` with `Z` or an offset, against midnight UTC.
fn time_ms(text: &str) -> Option<i64> {
    let zone_at = text.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = text.split_at_checked(zone_at)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut parts = clock.split(':');
    let hour = fixed(parts.next()?, 2)?;
    let minute = fixed(parts.next()?, 2)?;
    let second = parts.next().map_or(Some(0), |second| fixed(second, 2))?;
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let millis: String = fraction.chars().chain("000".chars()).take(3).collect();
    let local = ((hour * 60 + minute) * 60 + second) * 1_000 + millis.parse::<i64>().ok()?;
    Some(local - offset_ms(zone)?)
}

/// Milliseconds of `Z`, `+HH:MM`, `+HHMM` or `+HH`.
fn offset_ms(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let digits: String = zone.get(1..)?.chars().filter(|c| *c != ':').collect();
    let (hours, minutes) = digits.split_at_checked(2)?;
    let minutes = if minutes.is_empty() { 0 } else { fixed(minutes, 2)? };
    Some(sign * (fixed(hours, 2)? * 60 + minutes) * 60_000)
}

fn fixed(text: &str, digits: usize) -> Option<i64> {
    let fits = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, counted in eras of 400 years that begin in March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = (from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests;
