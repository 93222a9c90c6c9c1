//! How long to wait before the next attempt, and how many there may be.

use std::time::Duration;

use rand_core::Rng;

/// Attempts of one call, the first among them.
pub const ATTEMPTS_MAX: u32 = 10;

/// Attempts of a call that HubSpot's application itself answers with 500: some of these are steady.
pub const INTERNAL_ERROR_ATTEMPTS_MAX: u32 = 5;

/// The first step of the backoff.
pub const BACKOFF_MIN: Duration = Duration::from_secs(1);

/// Its last step.
pub const BACKOFF_MAX: Duration = Duration::from_secs(8);

/// The first step of the backoff between tries of a durable write, each of which has several attempts.
pub const LONG_BACKOFF_MIN: Duration = Duration::from_secs(1);

/// Its last step: HubSpot is well again for no longer than this before a write notices.
pub const LONG_BACKOFF_MAX: Duration = Duration::from_secs(15 * 60);

/// The pause between tries of a durable write: steps that double up to [`LONG_BACKOFF_MAX`], of which at least half is
/// waited, so that a try that fails at once does not come again at once.
pub fn long_backoff(tries: u32, dice: &mut impl Rng) -> Duration {
    let factor = 1_u32.checked_shl(tries.saturating_sub(1)).unwrap_or(u32::MAX);
    let half = LONG_BACKOFF_MIN.saturating_mul(factor).min(LONG_BACKOFF_MAX) / 2;
    half + up_to(half, dice)
}

/// Full jitter: anything from nothing to one, two, four, then eight seconds after the first, second, third, fourth
/// attempt and all later ones.
pub fn backoff(attempt: u32, dice: &mut impl Rng) -> Duration {
    let doubled = BACKOFF_MIN * 2_u32.pow(attempt.saturating_sub(1).min(3));
    up_to(doubled.min(BACKOFF_MAX), dice)
}

/// Anything from nothing to `most`, in whole milliseconds.
pub fn up_to(most: Duration, dice: &mut impl Rng) -> Duration {
    let most = u64::try_from(most.as_millis()).unwrap_or(u64::MAX - 1);
    Duration::from_millis(dice.next_u64() % (most + 1))
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn the_long_backoff_waits_at_least_half_of_each_step_and_no_more_than_it() {
        let mut dice = ChaCha8Rng::seed_from_u64(7);
        for (tries, seconds) in [(0, 1), (1, 1), (2, 2), (3, 4), (10, 512), (11, 900), (100, 900), (u32::MAX, 900)] {
            let step = Duration::from_secs(seconds);
            let waits: Vec<Duration> = (0..500).map(|_| long_backoff(tries, &mut dice)).collect();
            assert!(waits.iter().all(|wait| (step / 2..=step).contains(wait)), "{tries}");
            assert!(waits.iter().any(|wait| *wait < step * 6 / 10), "{tries}");
            assert!(waits.iter().any(|wait| *wait > step * 9 / 10), "{tries}");
        }
    }

    #[test]
    fn backoff_uses_the_whole_of_each_step_and_no_more() {
        let mut dice = ChaCha8Rng::seed_from_u64(7);
        for (attempt, seconds) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 8), (40, 8)] {
            let step = Duration::from_secs(seconds);
            let waits: Vec<Duration> = (0..500).map(|_| backoff(attempt, &mut dice)).collect();
            assert!(waits.iter().all(|wait| *wait <= step), "{attempt}");
            assert!(waits.iter().any(|wait| *wait < step / 10), "{attempt}");
            assert!(waits.iter().any(|wait| *wait > step * 9 / 10), "{attempt}");
        }
    }
}
