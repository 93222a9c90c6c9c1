//! Every Rust file says what it is, and stays short enough to be read.

use super::{Finding, Text, code_lines, is_test_file};

/// Most lines of code in one file, its unit tests apart. The aim is a few hundred; this is the wall.
const LINES_MAX: usize = 800;

/// Files that may be longer, each with a reason beside it. None so far.
const LONGER: &[&str] = &[];

/// Checks the header and the length of every Rust file.
pub(super) fn check(texts: &[Text]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in texts.iter().filter(|file| file.is_rust()) {
        if !file.text.starts_with("//! ") {
            let message = "begins without a `//!` header: what this is, what it is not, its invariants";
            findings.push(Finding::new("header", &file.path, 1, message));
        }
        let lines = code_lines(&file.text);
        if lines > LINES_MAX && !is_test_file(&file.path) && !LONGER.contains(&file.path.as_str()) {
            let message = format!("{lines} lines of code, more than {LINES_MAX}: split it by what it decides");
            findings.push(Finding::new("length", &file.path, 0, message));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: String) -> Vec<&'static str> {
        check(&[Text { path: path.to_owned(), text }]).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn a_file_needs_a_header_with_words() {
        assert_eq!(rules("a.rs", "//! Says what it is.\n".into()), Vec::<&str>::new());
        assert_eq!(rules("a.rs", "use std::fs;\n".into()), ["header"]);
        assert_eq!(rules("a.rs", "// A comment.\n".into()), ["header"]);
        assert_eq!(rules("a.md", "text".into()), Vec::<&str>::new());
    }

    #[test]
    fn code_is_counted_and_tests_are_not() {
        let code = |lines: usize| format!("//! A.\n{}", "fn a() {}\n".repeat(lines - 1));
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "fn a() {}\n".repeat(900));
        assert_eq!(rules("a.rs", code(800)), Vec::<&str>::new());
        assert_eq!(rules("a.rs", code(801)), ["length"]);
        assert_eq!(rules("a.rs", code(800) + &tests), Vec::<&str>::new());
        assert_eq!(rules("crates/x/tests/it.rs", code(2000)), Vec::<&str>::new());
    }
}
