//! House rules that no compiler checks.
//!
//! Each rule is a pure function from text to [`Finding`]s with tests of its own; this module reads the files and prints.
//! A rule that cannot read what it needs is an error, never a pass.

mod codes;
mod headers;
mod layers;
mod links;
mod words;

use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use crate::run;

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Finding {
    /// Path from the workspace's root, with slashes.
    pub(crate) path: String,
    /// Line, from 1; 0 for the file as a whole.
    pub(crate) line: usize,
    /// The rule's short name.
    pub(crate) rule: &'static str,
    /// What is wrong and what to do.
    pub(crate) message: String,
}

impl Finding {
    fn new(rule: &'static str, path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule, message: message.into() }
    }
}

/// One text file of the repository.
pub(crate) struct Text {
    /// Path from the workspace's root, with slashes.
    pub(crate) path: String,
    /// Its content.
    pub(crate) text: String,
}

impl Text {
    fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }

    fn is_markdown(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "md")
    }
}

/// Runs every rule and prints what it found; whether all is well.
pub(crate) fn run(root: &Path, json: bool) -> anyhow::Result<bool> {
    let paths = tracked(root)?;
    let texts = texts(root, &paths)?;
    let metadata = run::captured(root, &["cargo", "metadata", "--format-version", "1", "--no-deps"])?;
    let mut findings = layers::check(&metadata)?;
    findings.extend(headers::check(&texts));
    findings.extend(words::check(&texts));
    findings.extend(links::check(&texts, &paths));
    findings.extend(codes::check(&texts));
    findings.sort();
    for finding in &findings {
        println!("{}:{}: {}: {}", finding.path, finding.line, finding.rule, finding.message);
    }
    if json {
        println!("{}", serde_json::json!({ "files": paths.len(), "findings": findings }));
    } else {
        println!("tidy: {} files, {} findings", paths.len(), findings.len());
    }
    Ok(findings.is_empty())
}

/// Every file that is or could be committed: a rule must bite before the commit, not after.
fn tracked(root: &Path) -> anyhow::Result<Vec<String>> {
    let list = run::captured(root, &["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
    let mut paths: Vec<String> = list.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    paths.retain(|path| root.join(path).exists());
    paths.sort();
    paths.dedup();
    Ok(paths)
}

/// The files that are text.
fn texts(root: &Path, paths: &[String]) -> anyhow::Result<Vec<Text>> {
    let mut texts = Vec::new();
    for path in paths {
        let bytes = std::fs::read(root.join(path)).with_context(|| format!("reading {path}"))?;
        if let Ok(text) = String::from_utf8(bytes)
            && !text.contains('\0')
        {
            texts.push(Text { path: path.clone(), text });
        }
    }
    Ok(texts)
}

/// How many leading lines of a Rust file are not its unit tests: everything before a final `#[cfg(test)] mod … {`.
///
/// By convention unit tests close a file, so the first such marker that opens a module body ends the count.
fn code_lines(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let opens_tests = |pair: &[&str]| match pair {
        [marker, module] => *marker == "#[cfg(test)]" && module.contains("mod ") && module.ends_with(" {"),
        _ => false,
    };
    lines.windows(2).position(opens_tests).unwrap_or(lines.len())
}

/// Whether a Rust file holds only tests. A conformance suite is one, although it is compiled as code for others to run.
fn is_test_file(path: &str) -> bool {
    path.contains("/tests/") || path.contains("/conformance/") || path.ends_with("/tests.rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_tests_at_the_end_are_no_code() {
        assert_eq!(code_lines("//! A.\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n}\n"), 3);
        assert_eq!(code_lines("//! A.\nfn a() {}\n#[cfg(test)]\npub(crate) mod tests {\n}\n"), 2);
        assert_eq!(code_lines("//! A.\n#[cfg(test)]\nmod tests;\nfn a() {}\n"), 4);
        assert_eq!(code_lines("//! A.\n#[cfg(test)]\nfn helper() {}\nfn a() {}\n"), 4);
    }

    #[test]
    fn files_of_tests_are_known_by_their_place() {
        assert!(is_test_file("crates/core/src/sync/tests.rs"));
        assert!(is_test_file("trials/tests/chinook.rs"));
        assert!(is_test_file("crates/ports/src/conformance/fixtures.rs"));
        assert!(!is_test_file("crates/core/src/contests.rs"));
    }

    #[test]
    fn this_repository_is_tidy() {
        let root = crate::workspace_root().expect("a root");
        assert!(run(&root, false).expect("tidy runs"), "see the findings above");
    }
}
