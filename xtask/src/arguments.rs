//! The command line as data.
//!
//! Written by hand: five commands and five options do not pay for a parser that takes longer to build than to run.

/// What the user asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Prints the help text.
    Help,
    /// Runs the gate; `fast` stops after the cheap checks.
    Test { fast: bool, json: bool },
    /// Runs the house rules alone.
    Tidy { json: bool },
    /// Writes the generated files, or compares them.
    Generate { check: bool },
    /// Runs the long proofs.
    Soak { only: Option<String>, seeds: Option<u32>, seconds: Option<u32> },
    /// Runs the measurements.
    Bench { only: Option<String> },
}

/// A command line that makes no sense, with the sentence for the user.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Usage(pub(crate) String);

/// Options as they were given, before a command says which it takes.
#[derive(Default)]
struct Given {
    fast: bool,
    json: bool,
    check: bool,
    only: Option<String>,
    seeds: Option<u32>,
    seconds: Option<u32>,
}

/// Reads the arguments after the program's name.
pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Command, Usage> {
    let mut arguments = arguments.peekable();
    let Some(name) = arguments.next() else { return Ok(Command::Help) };
    let allowed: &[&str] = match name.as_str() {
        "help" | "--help" | "-h" => return Ok(Command::Help),
        "test" => &["--fast", "--json"],
        "tidy" => &["--json"],
        "generate" => &["--check"],
        "soak" => &["--only", "--seeds", "--seconds"],
        "bench" => &["--only"],
        other => return Err(Usage(format!("unknown command `{other}`"))),
    };
    let mut given = Given::default();
    while let Some(option) = arguments.next() {
        if matches!(option.as_str(), "--help" | "-h") {
            return Ok(Command::Help);
        }
        if !allowed.contains(&option.as_str()) {
            return Err(Usage(format!("`{name}` does not take `{option}`")));
        }
        match option.as_str() {
            "--fast" => given.fast = true,
            "--json" => given.json = true,
            "--check" => given.check = true,
            "--only" => given.only = Some(value(&option, arguments.next())?),
            "--seconds" => given.seconds = Some(number(&option, &value(&option, arguments.next())?)?),
            _ => given.seeds = Some(number(&option, &value(&option, arguments.next())?)?),
        }
    }
    Ok(match name.as_str() {
        "test" => Command::Test { fast: given.fast, json: given.json },
        "tidy" => Command::Tidy { json: given.json },
        "generate" => Command::Generate { check: given.check },
        "soak" => Command::Soak { only: given.only, seeds: given.seeds, seconds: given.seconds },
        _ => Command::Bench { only: given.only },
    })
}

fn value(option: &str, next: Option<String>) -> Result<String, Usage> {
    next.ok_or_else(|| Usage(format!("`{option}` needs a value")))
}

fn number(option: &str, text: &str) -> Result<u32, Usage> {
    match text.parse() {
        Ok(0) | Err(_) => Err(Usage(format!("`{option}` needs a whole number above zero, not `{text}`"))),
        Ok(number) => Ok(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, Usage> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn every_command_is_understood_with_its_options() {
        let cases = [
            ("", Command::Help),
            ("help", Command::Help),
            ("soak --help", Command::Help),
            ("test", Command::Test { fast: false, json: false }),
            ("test --fast --json", Command::Test { fast: true, json: true }),
            ("tidy --json", Command::Tidy { json: true }),
            ("generate --check", Command::Generate { check: true }),
            (
                "soak --only kill --seeds 20",
                Command::Soak { only: Some("kill".into()), seeds: Some(20), seconds: None },
            ),
            (
                "soak --only fuzz --seconds 120",
                Command::Soak { only: Some("fuzz".into()), seeds: None, seconds: Some(120) },
            ),
            ("bench", Command::Bench { only: None }),
        ];
        for (line, expected) in cases {
            assert_eq!(parsed(line), Ok(expected), "{line}");
        }
    }

    #[test]
    fn a_wrong_line_names_the_word_that_is_wrong() {
        let cases = [
            ("tset", "unknown command `tset`"),
            ("tidy --fast", "`tidy` does not take `--fast`"),
            ("soak --only", "`--only` needs a value"),
            ("soak --seeds 0", "`--seeds` needs a whole number above zero, not `0`"),
            ("soak --seeds few", "`--seeds` needs a whole number above zero, not `few`"),
        ];
        for (line, expected) in cases {
            assert_eq!(parsed(line), Err(Usage(expected.to_owned())), "{line}");
        }
    }
}
