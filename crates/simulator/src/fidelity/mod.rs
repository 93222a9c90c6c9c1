//! How true the simulator is to HubSpot, and what it guesses: limits, credentials, records, search, faults, time.
//!
//! A table, so that it can be printed and checked: every row that is built names the test that holds it. Evidence is
//! public: HubSpot's documentation, recorded answers in other projects' tests, quotations in issues.

mod associations;
mod credentials;
mod definitions;
mod edge;
mod legacy;
mod limits;
mod lists;
mod objects;
mod observed;
mod recordings;
mod webhooks;

use std::fmt::Write;

pub use observed::{Held, Observed, observations};

/// How a behaviour stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// As recorded or documented.
    Known,
    /// Built from an inference, or by choosing the stricter side of a silence.
    Guessed,
    /// Not built.
    Absent,
}

/// One behaviour.
#[derive(Clone, Copy, Debug)]
pub struct Fact {
    /// The part of HubSpot.
    pub area: &'static str,
    /// What it does.
    pub behaviour: &'static str,
    /// How well it is known.
    pub status: Status,
    /// Why we think so.
    pub evidence: &'static str,
    /// The test that holds it; empty where nothing is built.
    pub test: &'static str,
}

const fn known(area: &'static str, behaviour: &'static str, evidence: &'static str, test: &'static str) -> Fact {
    Fact { area, behaviour, status: Status::Known, evidence, test }
}

const fn guessed(area: &'static str, behaviour: &'static str, evidence: &'static str, test: &'static str) -> Fact {
    Fact { area, behaviour, status: Status::Guessed, evidence, test }
}

const fn absent(area: &'static str, behaviour: &'static str, evidence: &'static str) -> Fact {
    Fact { area, behaviour, status: Status::Absent, evidence, test: "" }
}

const RECORDED: &str = "recorded answers in the tests of grouparoo/grouparoo, 2021-2022";
const GUIDELINES: &str = "HubSpot's usage guidelines, 2024-2026";

/// What the simulator does, part by part; a row is added to the file of its part.
const PARTS: &[&[Fact]] = &[
    limits::FACTS,
    credentials::FACTS,
    definitions::FACTS,
    lists::FACTS,
    objects::FACTS,
    associations::FACTS,
    webhooks::FACTS,
    legacy::FACTS,
    edge::FACTS,
    recordings::FACTS,
];

/// Every behaviour, in the order of the page.
pub fn facts() -> impl Iterator<Item = &'static Fact> {
    PARTS.iter().copied().flatten()
}

/// What stands above the table.
const INTRODUCTION: &str = "\
# How true the simulator is

What `linchpin sim` does, how well it is known that HubSpot does the same, and the test that holds it.
The evidence is public: HubSpot's documentation, answers recorded in other projects' tests, quotations in issues.
A behaviour is `known` if it is documented or recorded, `guessed` if it was inferred or the stricter side of a silence \
was chosen, `absent` if it is not built.
[The simulator's guide](../guides/simulator.md) says how to use it.
The first table says what the simulator does, part by part.
The second, [observed behaviours](#observed-behaviours), starts from the other side: everything that others are known \
to have seen HubSpot do, and what holds the simulator to it.

This page is made from the tables below `crates/simulator/src/fidelity` by `cargo xtask generate`.

| Area | Behaviour | Status | Evidence | Test |
|---|---|---|---|---|
";

/// The page `docs/simulator/fidelity.md`.
pub fn markdown() -> String {
    let mut text = String::from(INTRODUCTION);
    for fact in facts() {
        let status = match fact.status {
            Status::Known => "known",
            Status::Guessed => "guessed",
            Status::Absent => "absent",
        };
        let test = if fact.test.is_empty() { String::new() } else { format!("`{}`", fact.test) };
        let row = writeln!(text, "| {} | {} | {status} | {} | {test} |", fact.area, fact.behaviour, fact.evidence);
        row.expect("invariant: writing to a String does not fail");
    }
    text.push_str(&observed::markdown());
    text
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    pub(super) fn sources(folder: &Path) -> String {
        let mut text = String::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                text.push_str(&sources(&path));
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&fs::read_to_string(path).unwrap());
            }
        }
        text
    }

    /// How the functions of one name stand: one of them is a test that every run runs, or why none is.
    pub(super) fn test_named(code: &str, name: &str) -> Result<(), &'static str> {
        let mut found = Err("there is no such function");
        for (start, _) in code.match_indices(&format!("fn {name}(")) {
            // Attributes stand between the end of what is above and the function.
            let above = code.get(..start).unwrap_or_default();
            let block = above.rfind("\n\n").max(above.rfind("}\n")).max(above.rfind("{\n")).unwrap_or(0);
            let attributes = above.get(block..).unwrap_or_default();
            let is_test = attributes.contains("#[test]") || attributes.contains("#[tokio::test");
            let is_ignored = attributes.contains("#[ignore") || attributes.contains(", ignore");
            match (is_test, is_ignored) {
                (true, false) => return Ok(()),
                (true, true) => found = Err("it is ignored"),
                (false, _) => found = Err("it is no test"),
            }
        }
        found
    }

    #[test]
    fn every_built_behaviour_names_a_test_that_runs() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let code = sources(&root.join("src")) + &sources(&root.join("tests"));
        for fact in facts() {
            let built = fact.status != Status::Absent;
            assert_eq!(built, !fact.test.is_empty(), "{}", fact.behaviour);
            let state = if built { test_named(&code, fact.test) } else { Ok(()) };
            assert_eq!(state, Ok(()), "{}", fact.test);
        }
    }

    #[test]
    fn a_test_that_is_ignored_or_none_holds_nothing() {
        let code = "\
fn helper() {}

#[test]
fn plain() {}

#[tokio::test(start_paused = true)]
async fn paused() {}

    #[test]
    #[expect(clippy::too_many_lines, reason = \"a table\")]
    fn inside(seed in any::<u64>()) {}

#[tokio::test]
#[ignore = \"runs for minutes\"]
async fn slow() {}

#[ignore]
#[test]
fn slower() {
}
#[test]
#[cfg_attr(debug_assertions, ignore)]
fn sometimes() {}

fn twin() {}

#[test]
fn twin() {}
";
        for name in ["plain", "paused", "inside", "twin"] {
            assert_eq!(test_named(code, name), Ok(()), "{name}");
        }
        for name in ["slow", "slower", "sometimes"] {
            assert_eq!(test_named(code, name), Err("it is ignored"), "{name}");
        }
        assert_eq!(test_named(code, "helper"), Err("it is no test"));
        assert_eq!(test_named(code, "nobody"), Err("there is no such function"));
    }

    #[test]
    fn the_table_prints_one_row_for_each_fact() {
        let rows = markdown().lines().filter(|line| line.starts_with("| ")).count();
        let headings = 2;
        assert_eq!(rows, headings + facts().count() + observations().count());
    }
}
