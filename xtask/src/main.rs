//! Keeps house: `cargo xtask <command>`, or `cargo x <command>`.
//!
//! What it is: the gate that every change passes (`test`, `tidy`, `generate --check`) and the long proofs (`soak`,
//! `bench`), each one command that prints what it does.
//! What it is not: part of the product. It depends on none of our crates, so it builds in seconds and still runs when
//! they do not compile.
//! Exit codes: 0 all well, 1 a check failed, 2 wrong usage or a missing prerequisite.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its user")]
#![expect(
    clippy::disallowed_methods,
    reason = "house-keeping measures real time and reads the real environment; nothing here runs inside a trial"
)]

mod arguments;
mod gate;
mod generate;
mod machine;
mod prerequisites;
mod proofs;
mod run;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

use crate::arguments::{Command, Usage};

const HELP: &str = "\
Keeps house.

Usage: cargo xtask <command> [options]        (short: cargo x <command>)

Commands:
  test [--fast] [--json]             the gate: format, tidy, lints, all tests, docs, the release binary
  tidy [--json]                      layering, headers, file sizes, words, links, error pages
  generate [--check]                 writes (or compares) the files that are made from the code
  soak [--only NAME] [--seeds N] [--seconds N]
                                     the long proofs; each writes bench/<name>.md
  bench [--only NAME]                the measurements; each writes bench/<name>.md
  help                               this text

Options:
  --fast       stops after the checks that take under a minute
  --json       the last line on standard output is one JSON object
  --only NAME  runs one entry of the list; `soak --only ?` prints the list
  --seeds N    how many seeds (or kills) a proof tries, where it tries any
  --seconds N  how long a proof runs, where it runs for a stated time

Examples:
  cargo xtask test
  cargo xtask test --fast
  cargo xtask tidy --json
  cargo xtask soak --only kill --seeds 20

Tests that compare with reference material find it through LINCHPIN_SHARED and say so when they skip.
";

fn main() -> ExitCode {
    let command = match arguments::parse(std::env::args().skip(1)) {
        Ok(command) => command,
        Err(Usage(message)) => {
            eprintln!("{message}\nRun `cargo xtask help` for the commands.");
            return ExitCode::from(2);
        }
    };
    match dispatch(&command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn dispatch(command: &Command) -> anyhow::Result<ExitCode> {
    let root = workspace_root()?;
    let well = match command {
        Command::Help => {
            print!("{HELP}");
            true
        }
        Command::Test { fast, json } => gate::run(&root, *fast, *json)?,
        Command::Tidy { json } => tidy::run(&root, *json)?,
        Command::Generate { check } => generate::run(&root, *check)?,
        Command::Soak { only, seeds, seconds } => {
            let wanted = proofs::Wanted { seeds: *seeds, seconds: *seconds };
            proofs::run(&root, proofs::SOAK, only.as_deref(), wanted)?
        }
        Command::Bench { only } => proofs::run(&root, proofs::BENCH, only.as_deref(), proofs::Wanted::default())?,
    };
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The folder that holds the workspace's `Cargo.toml`: the parent of this crate's own.
fn workspace_root() -> anyhow::Result<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = own.parent().context("xtask lives in a folder of the workspace")?;
    Ok(root.to_owned())
}
