//! The gateway under random load, on one simulated clock: two accounts, of which one may be in trouble; callers that
//! leave or set deadlines; answers that are lost; a door that closes in the middle.
//!
//! Everything of a run follows from its seed. What must hold at its end is in `judge`.

mod judge;
mod load;
mod world;

use linchpin_simulator::WindowModel;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

pub use self::judge::Counts;
pub use self::load::{Ask, Expects, Outcome};

/// Dice that count from nothing to a number of sides.
#[derive(Debug)]
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0.next_u64() % sides.max(1)
    }

    pub(crate) fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.roll(to.saturating_sub(from) + 1)
    }

    /// True once in so many rolls.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.roll(times) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let at = usize::try_from(self.roll(from.len() as u64)).ok()?;
        from.get(at)
    }
}

/// What goes wrong in the first account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// A little of everything, everywhere.
    Everywhere,
    /// Records cannot be reached; everything else can.
    Objects,
    /// Writes lose their answers, and some happen long after.
    LostWrites,
}

impl Trouble {
    const fn rules(self) -> &'static str {
        match self {
            Self::None => "[]",
            Self::Everywhere => {
                r#"[{"method": "POST", "path": "/crm", "probability": 0.08, "fault": {"kind": "lost_answer"}},
                    {"probability": 0.04, "fault": {"kind": "reset"}},
                    {"probability": 0.04, "fault": {"kind": "status", "status": 502}},
                    {"probability": 0.03, "fault": {"kind": "status", "status": 500, "executed": true}},
                    {"probability": 0.03, "fault": {"kind": "status", "status": 423}},
                    {"probability": 0.02, "fault": {"kind": "rate_limit", "policy": "ten_secondly"}},
                    {"probability": 0.02, "fault": {"kind": "latency", "ms": 4000}}]"#
            }
            Self::Objects => {
                r#"[{"path": "/crm/v3/objects", "probability": 0.9, "fault": {"kind": "status", "status": 503}},
                    {"path": "/crm/v3/objects", "fault": {"kind": "reset"}}]"#
            }
            Self::LostWrites => {
                r#"[{"method": "POST", "path": "/crm/v3/objects/**", "probability": 0.3,
                     "fault": {"kind": "lost_answer", "executed_after_ms": 4000}},
                    {"method": "POST", "path": "/crm/v3/objects/**", "probability": 0.3, "fault": {"kind": "lost_answer"}},
                    {"method": "PATCH", "probability": 0.2, "fault": {"kind": "lost_answer"}},
                    {"method": "DELETE", "probability": 0.2, "fault": {"kind": "lost_answer"}}]"#
            }
        }
    }
}

/// What a seed makes of a run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// What goes wrong in the first account.
    pub trouble: Trouble,
    /// How both simulators count.
    pub window: WindowModel,
    /// Whether only safe calls are packed.
    pub proven_only: bool,
    /// The mean latency of both simulators, in milliseconds.
    pub latency_ms: u32,
    /// Calls to the first account, and in how many milliseconds they come.
    pub load: (u64, u64),
    /// When the door closes, if it does in the middle.
    pub closes_ms: Option<u64>,
}

impl Plan {
    /// The run of a seed.
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed ^ 0x0050_414b);
        let trouble = match dice.roll(8) {
            0 | 1 => Trouble::None,
            2 => Trouble::Objects,
            3 | 4 => Trouble::LostWrites,
            _ => Trouble::Everywhere,
        };
        let window = if dice.once_in(2) { WindowModel::Exact } else { WindowModel::Seconds };
        let proven_only = dice.once_in(6);
        let latency = [5, 40, 120, 400];
        let latency_ms = dice.pick(&latency).copied().unwrap_or(40);
        // Where families are to be told apart, the window they share must have room.
        let calls = if trouble == Trouble::Objects { dice.between(10, 30) } else { dice.between(20, 240) };
        let load = (calls, dice.between(200, 6_000));
        let closes_ms = dice.once_in(10).then(|| dice.between(10, 8_000));
        Self { seed, trouble, window, proven_only, latency_ms, load, closes_ms }
    }
}

/// Runs one seed.
///
/// # Errors
/// An invariant does not hold: which, and where.
pub async fn run(plan: &Plan, counts: &mut Counts) -> Result<(), String> {
    let (world, stock) = world::World::start(plan).await;
    let asks = load::asks(plan, &stock);
    let ended = world.run(plan, &asks).await?;
    judge::all(plan, &world, &asks, &ended, counts).await
}
