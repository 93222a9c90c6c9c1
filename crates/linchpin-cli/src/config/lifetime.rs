//! How long something is kept, as people write it.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

/// The longest life of what is kept.
const LIVES_MAX: Duration = Duration::from_secs(24 * 3_600);

/// A time to live, or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", extend("pattern" = "^(off|[1-9][0-9]*[smh])$"))]
pub(crate) struct Lifetime(Option<Duration>);

impl Lifetime {
    /// How long; none if nothing is kept.
    pub(crate) fn lives(self) -> Option<Duration> {
        self.0
    }
}

impl TryFrom<String> for Lifetime {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self(None));
        }
        let unit = |letter| match letter {
            's' => Some(1),
            'm' => Some(60),
            'h' => Some(3_600),
            _ => None,
        };
        let digits = text.trim_end_matches(['s', 'm', 'h']);
        let seconds = digits.parse().ok().filter(|_| text.len() == digits.len() + 1);
        let seconds = seconds.zip(text.chars().next_back().and_then(unit));
        let lives = seconds.and_then(|(number, unit): (u64, u64)| number.checked_mul(unit)).map(Duration::from_secs);
        match lives.filter(|lives| !lives.is_zero() && *lives <= LIVES_MAX) {
            Some(lives) => Ok(Self(Some(lives))),
            None => Err(format!("{text:?} is no time from 1s to 24h, such as 300s, 5m or 1h, and not off")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit_and_an_end() {
        let read = |text: &str| Lifetime::try_from(text.to_owned()).map(Lifetime::lives);
        let seconds = |number| Ok(Some(Duration::from_secs(number)));
        assert_eq!(read("off"), Ok(None));
        assert_eq!(read("300s"), seconds(300));
        assert_eq!(read("5m"), seconds(300));
        assert_eq!(read("24h"), seconds(86_400));
        assert_eq!(Lifetime::default().lives(), None, "nothing is kept where nothing is said");
        for wrong in ["", "s", "0s", "300", "25h", "-1s", "1.5h", "5ms", "5 m", "on", "99999999999999999999h"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
