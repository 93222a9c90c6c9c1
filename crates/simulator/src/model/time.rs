//! HubSpot's way with time: how instants are printed and which texts it reads as a date or an instant.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::wire::Millis;

const DAY_MS: i64 = 86_400_000;
/// Instants outside the years 1 to 9999 are refused everywhere, so that printing cannot fail.
const INSTANT_MS: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

/// Prints an instant as HubSpot does: three fraction digits, none when the milliseconds are zero.
pub(super) fn iso(at: Millis) -> String {
    let (year, month, day) = civil(at.0.div_euclid(DAY_MS));
    let of_day = at.0.rem_euclid(DAY_MS);
    let mut out = String::with_capacity(24);
    push_digits(&mut out, year, 4);
    for (before, number) in
        [('-', month), ('-', day), ('T', of_day / 3_600_000), (':', of_day / 60_000 % 60), (':', of_day / 1000 % 60)]
    {
        out.push(before);
        push_digits(&mut out, number, 2);
    }
    let milli = of_day % 1000;
    if milli != 0 {
        out.push('.');
        push_digits(&mut out, milli, 3);
    }
    out.push('Z');
    out
}

/// Appends a number with leading zeros; every answer prints several instants, so this does without formatting.
fn push_digits(out: &mut String, number: i64, width: u32) {
    for place in (0..width).rev() {
        let digit = number / 10_i64.pow(place) % 10;
        out.push(char::from(b'0' + u8::try_from(digit.unsigned_abs()).unwrap_or(0)));
    }
}

/// Prints the UTC day of an instant, `YYYY-MM-DD`.
pub(super) fn iso_day(at: Millis) -> String {
    let (year, month, day) = civil(at.0.div_euclid(DAY_MS));
    format!("{year:04}-{month:02}-{day:02}")
}

/// Prints the time of day of an instant, for the message about dates that are not midnight.
pub(super) fn time_of_day(at: Millis) -> String {
    let of_day = at.0.rem_euclid(DAY_MS);
    let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (second, milli) = (of_day / 1000 % 60, of_day % 1000);
    if milli == 0 {
        format!("{hour:02}:{minute:02}:{second:02}")
    } else {
        format!("{hour:02}:{minute:02}:{second:02}.{milli:03}")
    }
}

/// Whether an instant is the start of a UTC day.
pub(super) fn is_midnight(at: Millis) -> bool {
    at.0.rem_euclid(DAY_MS) == 0
}

/// Reads epoch milliseconds, an ISO day, or an ISO instant; a time without a zone is UTC.
pub(super) fn parse(text: &str) -> Option<Millis> {
    let ms = if let Ok(ms) = text.parse::<i64>() {
        ms
    } else if let Ok(at) = text.parse::<jiff::Timestamp>() {
        at.as_millisecond()
    } else if text.len() == 10 {
        utc(text.parse::<Date>().ok()?.to_datetime(jiff::civil::Time::midnight()))?
    } else {
        utc(text.parse::<DateTime>().ok()?)?
    };
    INSTANT_MS.contains(&ms).then_some(Millis(ms))
}

fn utc(at: DateTime) -> Option<i64> {
    Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

/// The offset of a time zone at an instant, in seconds east of UTC; an unknown zone counts as UTC.
pub(super) fn offset_seconds(zone: &str, at: Millis) -> i64 {
    let Ok(timestamp) = jiff::Timestamp::from_millisecond(at.0) else {
        return 0;
    };
    TimeZone::get(zone).map_or(0, |zone| i64::from(zone.to_offset(timestamp).seconds()))
}

/// Year, month and day of a day number since 1970-01-01, after Howard Hinnant's `civil_from_days`.
fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fraction_is_left_out_when_the_milliseconds_are_zero() {
        assert_eq!(iso(Millis(1_773_309_600_000)), "2026-03-12T10:00:00Z");
        assert_eq!(iso(Millis(1_773_309_600_007)), "2026-03-12T10:00:00.007Z");
        assert_eq!(iso(Millis(0)), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn printing_and_reading_agree_on_every_day_of_four_centuries() {
        for day in (-80_000..80_000).step_by(7) {
            let at = Millis(day * DAY_MS + 12_345);
            assert_eq!(parse(&iso(at)), Some(at));
            assert_eq!(parse(&iso_day(at)), Some(Millis(day * DAY_MS)));
        }
    }

    #[test]
    fn texts_that_are_no_time_are_refused() {
        for text in ["", "soon", "2026-13-01", "31.12.2026", "99999999999999999999"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
