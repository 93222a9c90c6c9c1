//! How long a call takes.
//!
//! Twenty equally likely shares of the mean, most of them a little below it and a long tail: the shape of an API behind
//! an edge. They add up to twenty means, and fractions of a millisecond are rounded by the dice, so the mean is exactly
//! the option's value. Whole numbers only: the same on every machine.

use rand_core::Rng;

use crate::dice;

/// Percent of the mean, one per twentieth of the calls.
const SHARES: [u64; 20] = [52, 56, 60, 63, 66, 69, 72, 75, 78, 81, 85, 89, 94, 100, 108, 118, 132, 152, 185, 265];

/// Draws a latency in milliseconds with the given mean; a mean of 0 rolls no dice.
pub(crate) fn draw(mean_ms: u32, dice: &mut dyn Rng) -> i64 {
    if mean_ms == 0 {
        return 0;
    }
    let at = usize::try_from(dice::below(dice, SHARES.len() as u64)).unwrap_or_default();
    let share = SHARES.get(at).copied().unwrap_or(100);
    let hundredths = u64::from(mean_ms) * share + dice::below(dice, 100);
    i64::try_from(hundredths / 100).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn the_mean_is_the_option_and_the_tail_is_long() {
        assert_eq!(SHARES.iter().sum::<u64>(), 2_000);
        let mut dice = ChaCha8Rng::seed_from_u64(1);
        for mean in [1, 7, 100, 250] {
            let draws: Vec<i64> = (0..40_000).map(|_| draw(mean, &mut dice)).collect();
            let sum: i64 = draws.iter().sum();
            let average_percent = sum * 100 / (40_000 * i64::from(mean));
            assert!((98..=101).contains(&average_percent), "mean {mean}: {average_percent} %");
            assert!(draws.iter().max().unwrap() > &(i64::from(mean) * 2), "mean {mean}");
        }
        assert_eq!(draw(0, &mut dice), 0);
    }
}
