//! How a command fails: one code, one clear message, one thing to do.
//!
//! Every code has a page in `docs/errors/`; a test compares the two.
//! Messages hold no secret; they may quote what the operator wrote or what a row holds, so they are shown, never logged.

use std::error::Error;
use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Serialize;

/// How the program ended. Outside programs rely on the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// Done, but some rows were rejected.
    Rejected = 3,
    /// Stopped by a guard.
    Guarded = 4,
}

impl Exit {
    /// Done, or done with rejected rows.
    pub(crate) fn of_rejected(rejected: u64) -> Self {
        if rejected == 0 { Self::Done } else { Self::Rejected }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal => $exit:ident,)*) => {
        /// What went wrong in the command line itself, as a code to look up. The other crates have codes of their own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// All codes of the command line.
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code as shown (`LP0001`).
            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// How a command ends that fails with it.
            fn exit(self) -> Exit {
                match self { $(Self::$name => Exit::$exit,)* }
            }
        }
    };
}

codes! {
    /// The configuration file is not there or cannot be read.
    ConfigMissing = "LP0001" => Usage,
    /// The configuration file is no valid YAML, or holds a wrong key or value.
    ConfigBroken = "LP0002" => Usage,
    /// An environment variable or flag that overrides a setting does not fit.
    Override = "LP0003" => Usage,
    /// A secret reference leads nowhere.
    SecretMissing = "LP0004" => Usage,
    /// A token stands in the file itself.
    SecretLiteral = "LP0005" => Usage,
    /// A source cannot be opened or read.
    Source = "LP0006" => Usage,
    /// The mapping has problems.
    MappingProblems = "LP0007" => Usage,
    /// A question could not be asked, or was answered with no.
    Unanswered = "LP0008" => Usage,
    /// A file or folder cannot be written.
    Write = "LP0009" => Failed,
    /// The simulator cannot listen on its port.
    Listen = "LP0010" => Failed,
    /// Interrupted before the end.
    Interrupted = "LP0011" => Failed,
    /// Something that should not happen.
    Internal = "LP0012" => Failed,
    /// The guard against large changes stopped the run.
    Guard = "LP0013" => Guarded,
    /// A setting that this command needs is missing.
    Setting = "LP0014" => Usage,
}

/// A command's end that is not success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    code: &'static str,
    exit: Exit,
    what: String,
    to_do: String,
    details: Vec<String>,
}

/// A failure as `--json` prints it.
#[derive(Serialize)]
struct FailureJson<'a> {
    ok: bool,
    error: Body<'a>,
}

#[derive(Serialize)]
struct Body<'a> {
    code: &'a str,
    message: &'a str,
    to_do: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    details: &'a [String],
}

impl Failure {
    /// What went wrong and what to do about it, each one sentence without a full stop.
    pub(crate) fn new(code: Code, what: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self::of(code.as_str(), code.exit(), what, to_do)
    }

    /// The same for a code of another crate.
    pub(crate) fn of(code: &'static str, exit: Exit, what: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { code, exit, what: what.into(), to_do: to_do.into(), details: Vec::new() }
    }

    /// A failure that is nobody's fault outside this program.
    pub(crate) fn internal(what: &str, cause: &dyn Error) -> Self {
        Self::new(
            Code::Internal,
            format!("{what}: {}", chain(cause)),
            "try again with --log debug; if it happens again, please report it with that output",
        )
    }

    /// Adds text that is shown as it stands below the message (snippets, lists).
    pub(crate) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    /// Its code.
    #[cfg(test)]
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// How the program ends.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// The message for people.
    pub(crate) fn render(&self) -> String {
        let mut text = format!("error[{}]: {}\n", self.code, self.what);
        for detail in &self.details {
            for line in detail.lines() {
                writeln!(text, "  {line}").expect("writing to a string does not fail");
            }
        }
        writeln!(text, "  what to do: {}", self.to_do).expect("writing to a string does not fail");
        text
    }

    /// The message for programs.
    pub(crate) fn json(&self) -> serde_json::Value {
        let body = Body { code: self.code, message: &self.what, to_do: &self.to_do, details: &self.details };
        serde_json::to_value(FailureJson { ok: false, error: body }).expect("a failure has only text")
    }
}

/// An error with its causes, joined by colons; a cause that only repeats what was said is left out.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let said = next.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_code_has_a_page_that_says_what_why_and_what_to_do() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors");
        let mut seen = BTreeSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.as_str()), "{} is used twice", code.as_str());
            let page = folder.join(format!("{}.md", code.as_str()));
            let text = std::fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
            for heading in ["**What happened.**", "**Why.**", "**What to do.**"] {
                assert!(text.contains(heading), "{} lacks {heading:?}", code.as_str());
            }
        }
    }

    #[test]
    fn a_failure_reads_as_one_message_with_one_thing_to_do() {
        let failure = Failure::new(Code::Source, "cannot open the source app", "check `sources.app`")
            .with_detail("line one\nline two");
        insta::assert_snapshot!(failure.render(), @r"
        error[LP0006]: cannot open the source app
          line one
          line two
          what to do: check `sources.app`
        ");
        assert_eq!(
            failure.json().to_string(),
            r#"{"ok":false,"error":{"code":"LP0006","message":"cannot open the source app","to_do":"check `sources.app`","details":["line one\nline two"]}}"#
        );
    }

    #[test]
    fn exit_codes_are_those_that_programs_rely_on() {
        assert_eq!(
            [Exit::Done as u8, Exit::Failed as u8, Exit::Usage as u8, Exit::Rejected as u8, Exit::Guarded as u8],
            [0, 1, 2, 3, 4]
        );
        assert_eq!(Failure::new(Code::Guard, "", "").exit(), Exit::Guarded);
        assert_eq!(Failure::new(Code::ConfigBroken, "", "").exit(), Exit::Usage);
    }
}
