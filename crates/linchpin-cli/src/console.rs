//! Standard output: text for people, or one JSON object for programs.
//!
//! With `--json` nothing is printed but the object (and what another program waits for, as the simulator's address).
//! A reader that goes away (`| head`) is no failure.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::failure::Failure;

/// Where results go.
pub(crate) struct Console {
    json: bool,
    interactive: bool,
    out: Box<dyn Write + Send>,
}

impl Console {
    /// Writes to standard output.
    pub(crate) fn stdout(json: bool) -> Self {
        let interactive = !json && io::stdin().is_terminal() && io::stderr().is_terminal();
        Self { json, interactive, out: Box::new(io::stdout()) }
    }

    /// Whether results are for programs.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether a person can be asked: terminal in, terminal out, no `--json`.
    pub(crate) fn is_interactive(&self) -> bool {
        self.interactive
    }

    /// A line (or several) for people; silent with `--json`.
    pub(crate) fn say(&mut self, text: impl AsRef<str>) {
        if !self.json {
            self.line(text.as_ref());
        }
    }

    /// A line for people and programs alike.
    pub(crate) fn line(&mut self, text: &str) {
        let written = writeln!(self.out, "{text}").and_then(|()| self.out.flush());
        if let Err(error) = written {
            tracing::debug!(%error, "standard output is closed");
        }
    }

    /// The result, as the last line; silent without `--json`.
    pub(crate) fn result(&mut self, value: &impl Serialize) {
        if self.json {
            let text = serde_json::to_string(value).expect("results are plain data");
            self.line(&text);
        }
    }

    /// A failure: for people on standard error, for programs as the result.
    pub(crate) fn failure(&mut self, failure: &Failure) {
        note(&failure.render());
        self.result(&failure.json());
    }
}

/// A remark for the person at the terminal, on standard error.
pub(crate) fn note(text: &str) {
    let mut stderr = io::stderr().lock();
    if let Err(error) = writeln!(stderr, "{}", text.trim_end()) {
        tracing::debug!(%error, "standard error is closed");
    }
}
