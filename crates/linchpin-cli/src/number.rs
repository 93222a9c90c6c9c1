//! Numbers for people: shares as given on the command line, counts and durations as shown.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A share of something, above 0 and at most 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct Share(f64);

impl Share {
    /// The share as a fraction of one.
    pub(crate) fn fraction(self) -> f64 {
        self.0
    }
}

impl FromStr for Share {
    type Err = String;

    /// Reads `1%`, `0.5 %` or `0.01`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (number, divisor) = match text.trim().strip_suffix('%') {
            Some(percent) => (percent.trim_end(), 100.0),
            None => (text.trim(), 1.0),
        };
        let share = number.parse::<f64>().map_err(|_| format!("{text:?} is no share: write 1% or 0.01"))? / divisor;
        if share > 0.0 && share <= 1.0 { Ok(Self(share)) } else { Err(format!("{text} is not above 0 and up to 100%")) }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", percent(self.0))
    }
}

/// A fraction as a percentage with as many digits as it needs, at most two.
pub(crate) fn percent(fraction: f64) -> String {
    let text = format!("{:.2}", fraction * 100.0);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A count with groups of three: `12,345`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 row`, `2 rows`, `1,200 rows`; for nouns that take an s.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A duration as people say it: `0.4 s`, `12.3 s`, `4 min 05 s`, `2 h 03 min`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else if seconds < 3_600 {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    } else {
        format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60)
    }
}

/// Minutes as a plan estimates them.
pub(crate) fn minutes(minutes: f64) -> String {
    let seconds = minutes * 60.0;
    if seconds < 1.0 {
        "less than a second".to_owned()
    } else {
        format!("about {}", duration(Duration::from_secs_f64(seconds)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_as_percent_or_as_fraction() {
        for (text, fraction) in [("1%", 0.01), ("0.5 %", 0.005), ("0.25", 0.25), ("100%", 1.0), ("1", 1.0)] {
            let share: Share = text.parse().unwrap();
            assert!((share.fraction() - fraction).abs() < 1e-12, "{text}");
        }
        for text in ["0", "101%", "-1%", "x", "", "%", "NaN"] {
            assert!(text.parse::<Share>().is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!([count(0), count(999), count(1_000), count(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([counted(1, "row"), counted(2_000, "row")], ["1 row", "2,000 rows"]);
        assert_eq!(percent(0.01), "1%");
        assert_eq!(percent(0.125), "12.5%");
        assert_eq!(duration(Duration::from_millis(420)), "0.4 s");
        assert_eq!(duration(Duration::from_secs(245)), "4 min 05 s");
        assert_eq!(duration(Duration::from_secs(7_380)), "2 h 03 min");
    }
}
