//! Runs one command, shows its output as it comes, and keeps what the summary needs.
//!
//! Output and errors share one pipe, so that a log reads in the order in which things happened.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// Tests that ran, as their runners reported them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Tests that passed.
    pub(crate) passed: u64,
    /// Tests that failed or timed out.
    pub(crate) failed: u64,
}

impl Count {
    /// Adds another runner's count.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// One command that has ended.
pub(crate) struct Ended {
    /// Whether it ended with exit code 0.
    pub(crate) well: bool,
    /// How long it ran.
    pub(crate) took: Duration,
    /// What its test runners counted.
    pub(crate) count: Count,
    /// What stood behind [`FIGURE`] in its lines.
    pub(crate) figures: Vec<String>,
}

/// What follows this in a line is a figure for a proof's report: `figure: name = value`.
pub(crate) const FIGURE: &str = "figure: ";

/// Starts a command in `root`. `cargo` means the cargo that runs us.
pub(crate) fn command(root: &Path, line: &[&str], environment: &[(&str, String)]) -> anyhow::Result<Command> {
    let (program, arguments) = line.split_first().context("a command names its program")?;
    let program = if *program == "cargo" { cargo() } else { (*program).to_owned() };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root).envs(environment.iter().map(|(name, value)| (*name, value)));
    // `cargo run` tells its child about the crate that it ran; the commands below have nothing to do with that one.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
    Ok(command)
}

/// Runs a command to its end, showing every line on standard output.
pub(crate) fn shown(root: &Path, line: &[&str], environment: &[(&str, String)]) -> anyhow::Result<Ended> {
    copied(root, line, environment, &mut std::io::stdout().lock())
}

/// Runs a command to its end, copying every line to `out`.
fn copied(
    root: &Path,
    line: &[&str],
    environment: &[(&str, String)],
    out: &mut impl std::io::Write,
) -> anyhow::Result<Ended> {
    let start = Instant::now();
    let (reader, writer) = std::io::pipe().context("making a pipe")?;
    let mut command = command(root, line, environment)?;
    command.stdout(writer.try_clone().context("sharing a pipe")?).stderr(writer);
    let mut child = command.spawn().with_context(|| format!("starting `{}`", line.join(" ")))?;
    // The command value holds our copies of the writing end; without this the pipe would never end.
    drop(command);
    let mut ended = Ended { well: false, took: Duration::ZERO, count: Count::default(), figures: Vec::new() };
    let mut reader = BufReader::new(reader);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes).context("reading a command's output")? > 0 {
        out.write_all(&bytes).context("copying a command's output")?;
        let text = String::from_utf8_lossy(&bytes);
        let text = plain(text.trim_end());
        ended.count.add(counted(&text));
        // Anywhere in the line: the runner may have written the test's name in front of its first words.
        ended.figures.extend(text.split_once(FIGURE).map(|(_, figure)| figure.to_owned()));
        bytes.clear();
    }
    ended.well = child.wait().context("waiting for a command")?.success();
    ended.took = start.elapsed();
    Ok(ended)
}

/// The standard output of a command that says nothing else, or its error text as the error.
pub(crate) fn captured(root: &Path, line: &[&str]) -> anyhow::Result<String> {
    let output = command(root, line, &[])?.output().with_context(|| format!("starting `{}`", line.join(" ")))?;
    if !output.status.success() {
        anyhow::bail!("`{}` failed: {}", line.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{}` wrote bytes that are no text", line.join(" ")))
}

fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// What one line of a test runner counts: a `test result:` line of libtest, or the `Summary` line of nextest.
fn counted(line: &str) -> Count {
    let line = line.trim();
    let nextest = line.starts_with("Summary [") && line.contains(" run: ");
    if !nextest && !line.starts_with("test result: ") {
        return Count::default();
    }
    let words: Vec<&str> = line.split(|letter: char| letter.is_whitespace() || ",;:()".contains(letter)).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let mut count = Count::default();
    for pair in words.windows(2) {
        let [number, word] = pair else { continue };
        let Ok(number) = number.parse::<u64>() else { continue };
        match *word {
            "passed" => count.passed += number,
            // nextest: "1 timed out" stands beside "1 failed".
            "failed" | "timed" => count.failed += number,
            _ => {}
        }
    }
    count
}

/// A line without terminal colours.
fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        if letter == '\u{1b}' {
            // An escape sequence ends with its first letter.
            letters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            text.push(letter);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_runners_are_counted() {
        let cases = [
            ("test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s", 5, 0),
            ("test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out", 3, 2),
            ("     Summary [   0.123s] 12 tests run: 12 passed, 3 skipped", 12, 0),
            ("     Summary [   1.5s] 12 tests run: 9 passed (1 slow), 2 failed, 1 timed out, 0 skipped", 9, 3),
            ("     Summary [   1.5s] 4/12 tests run: 3 passed, 1 failed, 0 skipped", 3, 1),
            ("running 5 tests", 0, 0),
            ("a test says: 7 passed, 1 failed", 0, 0),
        ];
        for (line, passed, failed) in cases {
            assert_eq!(counted(line), Count { passed, failed }, "{line}");
        }
    }

    #[test]
    fn colours_do_not_hide_a_count() {
        let line =
            "\u{1b}[32;1m     Summary\u{1b}[0m [   0.1s] \u{1b}[1m2\u{1b}[0m tests run: \u{1b}[1m2\u{1b}[0m passed";
        assert_eq!(counted(&plain(line)), Count { passed: 2, failed: 0 });
    }

    #[test]
    fn output_errors_figures_and_the_exit_code_of_a_command_are_seen() {
        let script = "echo 'test a ... figure: calls = 7'; echo 'test result: ok. 2 passed; 1 failed;' >&2; exit 3";
        let mut out = Vec::new();
        let ended = copied(Path::new("."), &["sh", "-c", script], &[], &mut out).expect("a shell runs");
        assert_eq!(
            String::from_utf8_lossy(&out),
            "test a ... figure: calls = 7\ntest result: ok. 2 passed; 1 failed;\n"
        );
        assert!(!ended.well);
        assert_eq!(ended.figures, ["calls = 7"]);
        assert_eq!(ended.count, Count { passed: 2, failed: 1 });
    }

    #[test]
    fn a_command_that_fails_gives_its_error_text() {
        let error = captured(Path::new("."), &["sh", "-c", "echo no good >&2; exit 1"]).expect_err("it failed");
        assert!(error.to_string().ends_with("no good"), "{error}");
    }
}
