//! Small draws from the dice that a caller passes in.
//!
//! Nothing here owns a generator: whoever drives the simulator owns the one generator, so that a seed decides every
//! draw and its order.

use rand_core::Rng;

use crate::wire::Millis;

/// Draws a number in `0..bound`; 0 when the bound is 0. The bias is below 2^-32 for the bounds used here.
pub(crate) fn below(dice: &mut dyn Rng, bound: u64) -> u64 {
    let product = u128::from(dice.next_u64()) * u128::from(bound);
    u64::try_from(product >> 64).expect("invariant: the high half of a 128-bit product fits 64 bits")
}

/// Says yes with the given probability; 0 and less is never, 1 and more is always. Rolls only in between.
pub(crate) fn chance(dice: &mut dyn Rng, probability: f64) -> bool {
    if probability <= 0.0 {
        return false;
    }
    if probability >= 1.0 {
        return true;
    }
    f64::from(dice.next_u32()) < probability * (f64::from(u32::MAX) + 1.0)
}

/// Makes a version 7 UUID: HubSpot's correlation ids are of this version by 2026.
pub(crate) fn uuid_v7(now: Millis, dice: &mut dyn Rng) -> String {
    let clock = now.0.max(0).cast_unsigned() & 0xffff_ffff_ffff;
    format_uuid(clock, dice, 7)
}

/// Makes a version 4 UUID, the tail of a private app token.
pub(crate) fn uuid_v4(dice: &mut dyn Rng) -> String {
    let head = dice.next_u64() >> 16;
    format_uuid(head, dice, 4)
}

fn format_uuid(head: u64, dice: &mut dyn Rng, version: u8) -> String {
    let random = dice.next_u64();
    let tail = dice.next_u32();
    let middle = random & 0x0fff;
    let variant = 0x8000 | ((random >> 12) & 0x3fff);
    let node = ((random >> 26) << 32 | u64::from(tail)) & 0xffff_ffff_ffff;
    format!("{:08x}-{:04x}-{version:x}{middle:03x}-{variant:04x}-{node:012x}", head >> 16, head & 0xffff)
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn a_uuid_carries_its_version_its_variant_and_the_clock() {
        let mut dice = ChaCha8Rng::seed_from_u64(1);
        let id = uuid_v7(Millis(0x0198_0000_0001), &mut dice);
        assert!(id.starts_with("01980000-0001-7"), "{id}");
        assert_eq!(id.len(), 36);
        assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{id}");
        assert_eq!(uuid_v4(&mut dice).as_bytes()[14], b'4');
    }

    #[test]
    fn draws_stay_below_their_bound_and_reach_both_ends() {
        let mut dice = ChaCha8Rng::seed_from_u64(2);
        let draws: Vec<u64> = (0..200).map(|_| below(&mut dice, 5)).collect();
        assert_eq!(draws.iter().min(), Some(&0));
        assert_eq!(draws.iter().max(), Some(&4));
        assert_eq!(below(&mut dice, 0), 0);
    }

    #[test]
    fn certain_and_impossible_events_roll_no_dice() {
        let mut dice = ChaCha8Rng::seed_from_u64(3);
        let untouched = dice.clone().next_u64();
        assert!(chance(&mut dice, 1.0));
        assert!(!chance(&mut dice, 0.0));
        assert_eq!(dice.next_u64(), untouched);
    }
}
