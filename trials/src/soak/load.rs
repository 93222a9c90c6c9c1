//! Who asks for what, and when.

use std::time::Duration;

use http::Method;
use linchpin_core::schedule::lanes::Lane;
use serde_json::json;

use super::world::Stock;
use super::{Dice, Plan, Trouble};
use crate::transparency::compare::Seen;
use crate::transparency::wanted::Wanted;

/// Calls to the second account, which is well: few, so that nothing but the first could slow them.
const CALLS_BESIDE: u64 = 24;

/// One call of one caller.
#[derive(Clone, Debug)]
pub struct Ask {
    /// To which account, 0 or 1.
    pub account: usize,
    /// When.
    pub at: Duration,
    /// After how long the caller leaves, if it does not wait.
    pub patience: Option<Duration>,
    /// How long the gateway is told that the caller waits.
    pub deadline: Option<Duration>,
    /// Its lane.
    pub lane: Lane,
    /// The call.
    pub wanted: Wanted,
    /// What becomes of it.
    pub expects: Expects,
}

/// What becomes of a call when nothing goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expects {
    /// What the reference says: it disturbs nobody, and nobody disturbs it.
    Reference,
    /// The record has the value then.
    Changed {
        /// The record.
        id: String,
        /// The new value of `city`.
        city: String,
    },
    /// There is one record more, with this value of `city` (of a company: `name`).
    Made {
        /// The value.
        marker: String,
    },
    /// The record is gone.
    Gone {
        /// The record.
        id: String,
    },
}

/// How a call ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// With an answer, after so long.
    Answered(Seen, Duration),
    /// Without one: the code, and how it reads.
    Failed(&'static str, String),
    /// Its caller had left.
    Left,
}

/// All calls of a run.
pub(super) fn asks(plan: &Plan, stock: &Stock) -> Vec<Ask> {
    let mut dice = Dice::new(plan.seed ^ 0x4c4f_4144);
    let (calls, span_ms) = plan.load;
    let mut makers = [Maker::new(0, stock), Maker::new(1, stock)];
    let mut asks = Vec::new();
    for (maker, calls, span_ms) in
        makers.iter_mut().zip([(calls, span_ms), (CALLS_BESIDE, 12_000)]).map(|(m, (c, s))| (m, c, s))
    {
        while (asks.iter().filter(|ask: &&Ask| ask.account == maker.account).count() as u64) < calls {
            let (wanted, expects) = maker.next(&mut dice, plan);
            // Several callers may want to know the same; a write is one caller's.
            let times = if expects == Expects::Reference && dice.once_in(8) { dice.between(2, 5) } else { 1 };
            for _ in 0..times {
                asks.push(ask(maker.account, plan, &mut dice, span_ms, (wanted.clone(), expects.clone())));
            }
        }
    }
    asks
}

fn ask(account: usize, plan: &Plan, dice: &mut Dice, span_ms: u64, what: (Wanted, Expects)) -> Ask {
    let (wanted, expects) = what;
    let lane = match dice.roll(10) {
        0 => Lane::Bulk,
        1 => Lane::Realtime,
        2 => Lane::Reporting,
        _ => Lane::Interactive,
    };
    // In crowds: half of the calls come in the same few moments.
    let at = if dice.once_in(2) { dice.roll(4) * span_ms / 4 } else { dice.roll(span_ms) };
    let leaves = account == 0 && dice.once_in(8);
    let patience = leaves.then(|| Duration::from_millis(dice.roll(u64::from(plan.latency_ms) * 3 + 50)));
    let in_a_hurry = account == 0 && dice.once_in(10);
    let deadline = in_a_hurry.then(|| Duration::from_millis(dice.between(1, 5_000)));
    Ask { account, at: Duration::from_millis(at), patience, deadline, lane, wanted, expects }
}

/// Makes the calls to one account.
struct Maker<'a> {
    account: usize,
    stock: &'a Stock,
    /// Records that are written, each by one call.
    left: Vec<String>,
    number: u64,
}

impl<'a> Maker<'a> {
    fn new(account: usize, stock: &'a Stock) -> Self {
        Self { account, stock, left: stock.written.clone(), number: 0 }
    }

    fn next(&mut self, dice: &mut Dice, plan: &Plan) -> (Wanted, Expects) {
        self.number += 1;
        if plan.trouble == Trouble::Objects && dice.once_in(2) {
            return (other_family(dice), Expects::Reference);
        }
        let roll = dice.roll(20);
        match roll {
            0..=7 => (self.read(dice), Expects::Reference),
            8 | 9 => (self.refused(dice), Expects::Reference),
            10 => (other_family(dice), Expects::Reference),
            11 => {
                let id = dice.pick(&self.stock.read).cloned().unwrap_or_default();
                (Wanted::get(format!("/crm/v4/objects/contacts/{id}/associations/companies")), Expects::Reference)
            }
            12..=15 => self.create(dice),
            16 => (self.link(dice), Expects::Reference),
            _ => match self.left.pop() {
                None => (self.read(dice), Expects::Reference),
                Some(id) if roll == 17 => {
                    let wanted = Wanted::new(&Method::DELETE, contact(&id), &serde_json::Value::Null);
                    (wanted, Expects::Gone { id })
                }
                Some(id) => {
                    let city = format!("moved-{}", self.number);
                    let wanted = Wanted::new(&Method::PATCH, contact(&id), &json!({"properties": {"city": city}}));
                    (wanted, Expects::Changed { id, city })
                }
            },
        }
    }

    fn read(&self, dice: &mut Dice) -> Wanted {
        let id = match dice.roll(8) {
            0 => "88888888".to_owned(),
            1 => self.stock.merged.clone(),
            2 => self.stock.archived.clone(),
            _ => dice.pick(&self.stock.read).cloned().unwrap_or_default(),
        };
        let queries = ["?properties=email", "?properties=email,firstname", "", "?properties=email,no_such_property"];
        // Mostly the first, so that they meet.
        let at = dice.roll(4).min(dice.roll(4));
        let query = usize::try_from(at).ok().and_then(|at| queries.get(at)).copied().unwrap_or_default();
        Wanted::get(format!("{}{query}", contact(&id)))
    }

    /// An association that is nobody else's business: it may be made again, and says the same.
    fn link(&mut self, dice: &mut Dice) -> Wanted {
        let (Some(one), Some(other)) = (self.left.pop(), self.left.pop()) else { return self.read(dice) };
        let other = if dice.once_in(6) { "88888888" } else { other.as_str() };
        let target = format!("/crm/v4/objects/contacts/{one}/associations/default/contacts/{other}");
        Wanted::new(&Method::PUT, target, &serde_json::Value::Null)
    }

    /// What is refused, and changes nothing.
    fn refused(&self, dice: &mut Dice) -> Wanted {
        let id = dice.pick(&self.stock.read).cloned().unwrap_or_default();
        let taken = &self.stock.email;
        match dice.roll(5) {
            0 => Wanted::new(&Method::PATCH, contact(&id), &json!({"properties": {"email": "no address"}})),
            1 => Wanted::new(&Method::PATCH, contact("88888888"), &json!({"properties": {"city": "Graz"}})),
            2 => Wanted::new(&Method::POST, CONTACTS, &json!({"properties": {"email": taken, "city": "Graz"}})),
            3 => Wanted::new(&Method::POST, CONTACTS, &json!({"properties": {"email": "wrong", "city": "Graz"}})),
            _ => Wanted::new(&Method::POST, CONTACTS, &json!({"properties": {"no_such_property": "x"}})),
        }
    }

    fn create(&self, dice: &mut Dice) -> (Wanted, Expects) {
        let marker = format!("made-{}", self.number);
        let wanted = match dice.roll(3) {
            0 => Wanted::new(&Method::POST, "/crm/v3/objects/companies", &json!({"properties": {"name": marker}})),
            1 => Wanted::new(&Method::POST, CONTACTS, &json!({"properties": {"city": marker}})),
            _ => {
                let email = format!("{marker}@example.test");
                Wanted::new(&Method::POST, CONTACTS, &json!({"properties": {"city": marker, "email": email}}))
            }
        };
        (wanted, Expects::Made { marker })
    }
}

const CONTACTS: &str = "/crm/v3/objects/contacts";

fn contact(id: &str) -> String {
    format!("{CONTACTS}/{id}")
}

/// Something that is no record: its breaker is another one.
fn other_family(dice: &mut Dice) -> Wanted {
    let targets = ["/crm/v3/owners?limit=10", "/crm/v3/pipelines/deals", "/crm/v3/properties/contacts/email"];
    Wanted::get(dice.pick(&targets).copied().unwrap_or_default())
}
