//! What others have seen HubSpot do, one row for each behaviour, with the test that holds it here or the reason why
//! none does. The tables beside this one say what the simulator does; this one starts from the observations.
//!
//! Rows are lettered by part and numbered; a letter and number never change their meaning.

mod credentials;
mod definitions;
mod limits;
mod links;
mod reads;
mod search;
mod webhooks;
mod writes;

use std::fmt::Write;

/// One observed behaviour.
#[derive(Clone, Copy, Debug)]
pub struct Observed {
    /// Its letter and number.
    pub row: &'static str,
    /// What HubSpot does.
    pub behaviour: &'static str,
    /// Who saw it, and when.
    pub evidence: &'static str,
    /// What holds the simulator to it.
    pub held: Held,
}

/// How the simulator is held to a behaviour.
#[derive(Clone, Copy, Debug)]
pub enum Held {
    /// By tests of these names.
    By(&'static [&'static str]),
    /// By none, for a reason.
    Not(&'static str),
}

const fn row(
    row: &'static str,
    behaviour: &'static str,
    evidence: &'static str,
    tests: &'static [&'static str],
) -> Observed {
    Observed { row, behaviour, evidence, held: Held::By(tests) }
}

const fn without(row: &'static str, behaviour: &'static str, evidence: &'static str, reason: &'static str) -> Observed {
    Observed { row, behaviour, evidence, held: Held::Not(reason) }
}

const GROUPAROO: &str = "1,355 answers recorded by grouparoo/grouparoo, 2021-2022";
const HSCLI: &str = "live probes by Luigi08001/hscli, April 2026";
const KALUP: &str = "live notes of scopiousdigital/kalup, September and October 2026";
const NANGO: &str = "answers recorded by NangoHQ, 2026";
const AMP: &str = "answers recorded by amp-labs/connectors, 2025-2026";
const DOCUMENTED: &str = "HubSpot's documentation";

/// The parts in the order of their letters.
const PARTS: &[&[Observed]] = &[
    limits::ROWS,
    writes::ROWS,
    search::ROWS,
    reads::ROWS,
    links::ROWS,
    credentials::ROWS,
    webhooks::ROWS,
    definitions::ROWS,
];

/// Every row.
pub fn observations() -> impl Iterator<Item = &'static Observed> {
    PARTS.iter().copied().flatten()
}

/// What stands above the rows on the page.
const INTRODUCTION: &str = "
## Observed behaviours

What others saw HubSpot do, from their recordings, quotations and notes, each with the tests that hold the simulator \
to it.
Where no test does, the last column says why not.

| Row | HubSpot | Evidence | Held by |
|---|---|---|---|
";

/// The section of the page.
pub(super) fn markdown() -> String {
    let mut text = String::from(INTRODUCTION);
    for observed in observations() {
        let held = match observed.held {
            Held::By(tests) => tests.iter().map(|test| format!("`{test}`")).collect::<Vec<_>>().join(", "),
            Held::Not(reason) => format!("no test: {reason}"),
        };
        let row = writeln!(text, "| {} | {} | {} | {held} |", observed.row, observed.behaviour, observed.evidence);
        row.expect("invariant: writing to a String does not fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::fidelity::tests::{sources, test_named};

    /// The rows of each letter.
    const LETTERS: [(char, usize); 8] =
        [('A', 20), ('B', 38), ('C', 19), ('D', 26), ('E', 11), ('F', 12), ('G', 14), ('H', 15)];
    /// Rows that may go without a test.
    const WITHOUT_MAX: usize = 15;

    #[test]
    fn every_observed_behaviour_has_its_row_once_and_in_order() {
        let expected: Vec<String> =
            LETTERS.iter().flat_map(|(letter, count)| (1..=*count).map(move |n| format!("{letter}{n}"))).collect();
        let rows: Vec<&str> = observations().map(|observed| observed.row).collect();
        assert_eq!(rows, expected);
    }

    #[test]
    fn every_observed_behaviour_names_tests_that_run_or_one_of_few_reasons() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let code = sources(&root.join("src")) + &sources(&root.join("tests"));
        let mut without = Vec::new();
        for observed in observations() {
            assert!(!observed.behaviour.is_empty() && !observed.evidence.is_empty(), "{}", observed.row);
            match observed.held {
                Held::By([]) | Held::Not("") => panic!("{} is held by nothing", observed.row),
                Held::By(tests) => {
                    for test in tests {
                        assert_eq!(test_named(&code, test), Ok(()), "{}: {test}", observed.row);
                    }
                }
                Held::Not(_) => without.push(observed.row),
            }
        }
        assert!(without.len() <= WITHOUT_MAX, "{} rows have no test: {without:?}", without.len());
    }
}
