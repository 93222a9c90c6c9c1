//! What the rate headers of an answer say.
//!
//! Private apps get the day and the interval, OAuth apps the interval only, searches at most the day. The
//! `Secondly` pair is a derived number and no limit; it is not read.

use http::HeaderMap;

/// The figures of one answer, each if present and a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateHeaders {
    /// `X-HubSpot-RateLimit-Max`: calls allowed in the interval.
    pub max: Option<u32>,
    /// `X-HubSpot-RateLimit-Remaining`: left in it. Jumps: HubSpot reads several counters.
    pub remaining: Option<u32>,
    /// `X-HubSpot-RateLimit-Daily`: calls allowed in the day.
    pub daily: Option<u64>,
    /// `X-HubSpot-RateLimit-Daily-Remaining`: left in it.
    pub daily_remaining: Option<u64>,
}

impl RateHeaders {
    /// Reads what is there; whatever is missing or malformed is none.
    pub fn read(headers: &HeaderMap) -> Self {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        let small = |name: &str| number(name).and_then(|value| u32::try_from(value).ok());
        Self {
            max: small("x-hubspot-ratelimit-max"),
            remaining: small("x-hubspot-ratelimit-remaining"),
            daily: number("x-hubspot-ratelimit-daily"),
            daily_remaining: number("x-hubspot-ratelimit-daily-remaining"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_and_nonsense_is_none() {
        let mut headers = HeaderMap::new();
        headers.insert("X-HubSpot-RateLimit-Max", "190".parse().unwrap());
        headers.insert("X-HubSpot-RateLimit-Remaining", " 17 ".parse().unwrap());
        headers.insert("X-HubSpot-RateLimit-Daily", "many".parse().unwrap());
        let read = RateHeaders::read(&headers);
        assert_eq!(read, RateHeaders { max: Some(190), remaining: Some(17), daily: None, daily_remaining: None });
    }
}
