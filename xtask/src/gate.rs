//! The gate: every check that a change must pass, cheapest first.
//!
//! Stops at the first step that fails. Every step builds with the same selection of packages (`--workspace`), because
//! another selection chooses other features of shared dependencies and builds them again; `linchpin-core` alone is the
//! exception, since it is tested in seconds before the rest is built.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::generate::BUILD;
use crate::run::{self, Count, Ended};
use crate::{generate, prerequisites, tidy};

/// What a step does.
enum Work {
    /// Runs the house rules in this process.
    Tidy,
    /// Compares the generated files in this process.
    Generated,
    /// Runs all tests but those of processes; by nextest where it is installed.
    Tests,
    /// Runs the tests that start the release binary.
    Processes,
    /// Runs a command.
    Line(&'static [&'static str]),
    /// Runs a command with warnings of rustdoc as errors.
    Docs(&'static [&'static str]),
}

/// One step of the gate.
struct Step {
    name: &'static str,
    /// Part of `--fast`.
    fast: bool,
    work: Work,
}

// The two halves of all tests. The second half starts real processes that bring their own load, so it waits for the
// release binary and runs one test at a time. Without nextest the halves are cut elsewhere (all integration tests are in
// the second), because cargo can choose targets but not packages without choosing other features.
const TESTS_NEXTEST: &[&str] =
    &["cargo", "nextest", "run", "--workspace", "-E", "not (package(linchpin-trials) and kind(test))"];
const PROCESSES_NEXTEST: &[&str] = &[
    "cargo",
    "nextest",
    "run",
    "--workspace",
    "--test-threads",
    "1",
    "--no-tests",
    "pass",
    "-E",
    "package(linchpin-trials) and kind(test)",
];
const TESTS_CARGO: &[&str] = &["cargo", "test", "--workspace", "--lib", "--bins"];
const PROCESSES_CARGO: &[&str] =
    &["cargo", "test", "--workspace", "--no-fail-fast", "--test", "*", "--", "--test-threads", "1"];

const STEPS: &[Step] = &[
    Step { name: "format", fast: true, work: Work::Line(&["cargo", "fmt", "--all", "--check"]) },
    Step { name: "tidy", fast: true, work: Work::Tidy },
    Step {
        name: "lints",
        fast: true,
        work: Work::Line(&["cargo", "clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
    },
    Step { name: "core", fast: true, work: Work::Line(&["cargo", "test", "-p", "linchpin-core"]) },
    Step { name: "build", fast: false, work: Work::Line(BUILD) },
    Step { name: "generated files", fast: false, work: Work::Generated },
    Step { name: "tests", fast: false, work: Work::Tests },
    Step { name: "examples in docs", fast: false, work: Work::Line(&["cargo", "test", "--workspace", "--doc"]) },
    Step { name: "docs", fast: false, work: Work::Docs(&["cargo", "doc", "--workspace", "--no-deps"]) },
    // Exactly what `cargo run --release -- demo` builds, the first command of the README.
    Step { name: "release binary", fast: false, work: Work::Line(&["cargo", "build", "--release"]) },
    Step { name: "process tests", fast: false, work: Work::Processes },
];

/// A step that has run.
struct Done {
    name: &'static str,
    well: bool,
    took: Duration,
    count: Count,
}

/// Runs the gate; whether all is well.
pub(crate) fn run(root: &Path, fast: bool, json: bool) -> anyhow::Result<bool> {
    prerequisites::ensure(root)?;
    match std::env::var_os("LINCHPIN_SHARED") {
        Some(_) => println!("reference material: found through LINCHPIN_SHARED"),
        None => println!("reference material: LINCHPIN_SHARED is not set, tests that compare with it are skipped"),
    }
    let mut done: Vec<Done> = Vec::new();
    for step in STEPS.iter().filter(|step| step.fast || !fast) {
        println!("\n=== {}", step.name);
        let start = Instant::now();
        let ended = work(root, &step.work)?;
        let took = start.elapsed();
        println!("=== {}: {} in {:.1} s", step.name, if ended.well { "ok" } else { "FAILED" }, took.as_secs_f64());
        done.push(Done { name: step.name, well: ended.well, took, count: ended.count });
        if !ended.well {
            break;
        }
    }
    println!("{}", summary(&done));
    if json {
        println!("{}", as_json(&done));
    }
    Ok(done.iter().all(|step| step.well))
}

/// The seed of proptest: the gate says the same of the same code each time it runs. `cargo test` draws anew.
const SEED: (&str, &str) = ("PROPTEST_RNG_SEED", "20261121");

fn work(root: &Path, work: &Work) -> anyhow::Result<Ended> {
    let seed = (SEED.0, std::env::var(SEED.0).unwrap_or_else(|_| SEED.1.to_owned()));
    match work {
        Work::Tidy => Ok(quiet(tidy::run(root, false)?)),
        Work::Generated => Ok(quiet(generate::run(root, true)?)),
        Work::Line(line) => run::shown(root, line, &[seed]),
        Work::Docs(line) => run::shown(root, line, &[("RUSTDOCFLAGS", "-D warnings".to_owned())]),
        Work::Tests => run::shown(root, if has_nextest(root) { TESTS_NEXTEST } else { TESTS_CARGO }, &[seed]),
        Work::Processes => {
            let binary = generate::target(root)?.join("release").join("linchpin");
            let environment = [seed, ("LINCHPIN_TRIAL_BINARY", binary.to_string_lossy().into_owned())];
            run::shown(root, if has_nextest(root) { PROCESSES_NEXTEST } else { PROCESSES_CARGO }, &environment)
        }
    }
}

/// The end of a step that ran in this process.
fn quiet(well: bool) -> Ended {
    Ended { well, took: Duration::ZERO, count: Count::default(), figures: Vec::new() }
}

fn has_nextest(root: &Path) -> bool {
    run::captured(root, &["cargo", "nextest", "--version"]).is_ok()
}

/// The tests of all steps together. A step that failed without counting a test counts as one failure, so that a broken
/// build never reads "0 failed".
fn total(done: &[Done]) -> Count {
    let mut total = Count::default();
    for step in done {
        total.add(step.count);
        if !step.well && step.count.failed == 0 {
            total.failed += 1;
        }
    }
    total
}

fn summary(done: &[Done]) -> String {
    let mut lines = vec![String::from("\nsummary")];
    for step in done {
        let state = if step.well { "ok" } else { "FAILED" };
        let tests = match step.count {
            Count { passed: 0, failed: 0 } => String::new(),
            Count { passed, failed } => format!("  {passed} passed, {failed} failed"),
        };
        lines.push(format!("  {:<18} {state:<7} {:>7.1} s{tests}", step.name, step.took.as_secs_f64()));
    }
    let total = total(done);
    // A line of its own, for programs that read the log.
    lines.push(format!("\n{} passed, {} failed", total.passed, total.failed));
    lines.join("\n")
}

fn as_json(done: &[Done]) -> serde_json::Value {
    let total = total(done);
    let steps: Vec<serde_json::Value> = done
        .iter()
        .map(|step| {
            serde_json::json!({
                "name": step.name,
                "ok": step.well,
                "seconds": step.took.as_secs_f64(),
                "passed": step.count.passed,
                "failed": step.count.failed,
            })
        })
        .collect();
    serde_json::json!({ "passed": total.passed, "failed": total.failed, "steps": steps })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(well: bool, passed: u64, failed: u64) -> Done {
        Done { name: "tests", well, took: Duration::from_millis(1500), count: Count { passed, failed } }
    }

    #[test]
    fn the_summary_ends_with_the_sum_on_a_line_of_its_own() {
        let text = summary(&[done(true, 5, 0), done(false, 3, 2)]);
        assert_eq!(text.lines().last(), Some("8 passed, 2 failed"));
        assert!(text.contains("  tests              FAILED      1.5 s  3 passed, 2 failed"), "{text}");
    }

    #[test]
    fn a_failed_step_without_tests_is_one_failure() {
        assert_eq!(total(&[done(true, 5, 0), done(false, 0, 0)]), Count { passed: 5, failed: 1 });
        assert_eq!(as_json(&[done(false, 0, 0)])["failed"], 1);
    }

    #[test]
    fn the_cheap_steps_come_first() {
        let first_slow = STEPS.iter().position(|step| !step.fast).expect("a slow step");
        assert!(STEPS.iter().skip(first_slow).all(|step| !step.fast));
    }
}
