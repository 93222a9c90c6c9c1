//! Calendar days and moments.
//!
//! HubSpot keeps a `date` as a day at midnight UTC and a `datetime` as a moment; it answers `YYYY-MM-DD` and
//! `YYYY-MM-DDTHH:MM:SS[.mmm]Z`, the fraction only where there is one, and so do we. Epoch seconds are not understood
//! by HubSpot (it reads 1970), so whole numbers that look like seconds are refused instead of misread.

use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit, Zoned};

use crate::value::{Invalid, Value};

/// Milliseconds below this (March 1973) are taken for seconds that somebody forgot to multiply.
const SMALLEST_MILLIS: u64 = 100_000_000_000;

/// A calendar day.
pub type Day = Date;

enum Read {
    Day(Date),
    Civil(DateTime),
    Moment(Timestamp),
}

fn invalid(value: &Value, expected: &str) -> Invalid {
    Invalid::new("LP1107", format!("{} is no date: expected {expected}", value.quoted()))
}

fn read(value: &Value, format: Option<&str>) -> Result<Read, Invalid> {
    let text = match value {
        Value::Int(millis) => return from_millis(value, *millis),
        Value::Text(text) => text.trim(),
        Value::Null | Value::Bool(_) | Value::Real(_) | Value::List(_) => {
            return Err(invalid(value, "ISO 8601, like 2026-11-20 or 2026-11-20T09:15:00Z"));
        }
    };
    if let Some(format) = format {
        return read_as(text, format).ok_or_else(|| invalid(value, &format!("the form `{format}`")));
    }
    if let Ok(millis) = text.parse::<i64>()
        && text.len() > 8
    {
        return from_millis(value, millis);
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(Read::Moment(moment));
    }
    if let Ok(moment) = text.parse::<Zoned>() {
        return Ok(Read::Moment(moment.timestamp()));
    }
    // A date alone is also a date and time to the parser, so the longer form is told by its length.
    let day = text.parse::<Date>();
    match (text.len() > 10).then(|| text.parse::<DateTime>()) {
        Some(Ok(civil)) => Ok(Read::Civil(civil)),
        Some(Err(_)) => Err(invalid(value, "ISO 8601, like 2026-11-20 or 2026-11-20T09:15:00Z")),
        None => {
            day.map(Read::Day).map_err(|_| invalid(value, "ISO 8601, like 2026-11-20; give `format` for other forms"))
        }
    }
}

fn from_millis(value: &Value, millis: i64) -> Result<Read, Invalid> {
    if millis.unsigned_abs() < SMALLEST_MILLIS && millis != 0 {
        let reason = format!("{} looks like seconds; expected ISO 8601 or milliseconds since 1970", value.quoted());
        return Err(Invalid::new("LP1107", reason));
    }
    Timestamp::from_millisecond(millis)
        .map(Read::Moment)
        .map_err(|_| invalid(value, "a time between year -9999 and 9999"))
}

fn read_as(text: &str, format: &str) -> Option<Read> {
    let parsed = strtime::parse(format, text).ok()?;
    if let Ok(moment) = parsed.to_timestamp() {
        return Some(Read::Moment(moment));
    }
    if let Ok(civil) = parsed.to_datetime() {
        return Some(Read::Civil(civil));
    }
    parsed.to_date().ok().map(Read::Day)
}

/// The calendar day of a value: of the value as it is written if it carries no time zone, else in the given zone.
///
/// # Errors
/// `LP1107` if the value is no date.
pub fn date(value: &Value, zone: &TimeZone, format: Option<&str>) -> Result<Day, Invalid> {
    Ok(match read(value, format)? {
        Read::Day(day) => day,
        Read::Civil(civil) => civil.date(),
        Read::Moment(moment) => zone.to_datetime(moment).date(),
    })
}

/// The moment of a value in HubSpot's form; a value without a time zone is in the given one, a day is its midnight.
///
/// # Errors
/// `LP1107` if the value is no date or time.
pub fn datetime(value: &Value, zone: &TimeZone, format: Option<&str>) -> Result<String, Invalid> {
    let civil = match read(value, format)? {
        Read::Moment(moment) => return Ok(hubspot_form(moment)),
        Read::Day(day) => day.to_datetime(Time::midnight()),
        Read::Civil(civil) => civil,
    };
    let moment = zone.to_timestamp(civil).map_err(|_| invalid(value, "a time that exists"))?;
    Ok(hubspot_form(moment))
}

/// HubSpot keeps milliseconds; finer parts are dropped.
fn hubspot_form(moment: Timestamp) -> String {
    let round = jiff::TimestampRound::new().smallest(Unit::Millisecond).mode(jiff::RoundMode::Floor);
    moment.round(round).unwrap_or(moment).to_string()
}
