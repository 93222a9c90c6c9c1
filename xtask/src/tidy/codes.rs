//! Every error code that the code can show has a page, and every page a code.
//!
//! A code is `LP` and four digits; its page is `docs/errors/<code>.md` and begins with the code. Unit tests are not
//! read: they may make codes up.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, Text, code_lines, is_test_file};

const RULE: &str = "codes";
const PAGES: &str = "docs/errors/";

/// Compares the codes in the sources with the pages.
pub(super) fn check(texts: &[Text]) -> Vec<Finding> {
    let used = used(texts);
    let mut findings = Vec::new();
    let mut pages = BTreeSet::new();
    for page in texts {
        let Some(code) = page.path.strip_prefix(PAGES).and_then(|name| name.strip_suffix(".md")) else { continue };
        if codes(code).next() != Some(code) || code.len() != CODE_LENGTH {
            continue;
        }
        pages.insert(code.to_owned());
        if !used.contains_key(code) {
            findings.push(Finding::new(RULE, &page.path, 0, "no source shows this code; remove the page"));
        }
        if !page.text.lines().next().is_some_and(|line| line.starts_with(&format!("# {code}"))) {
            findings.push(Finding::new(RULE, &page.path, 1, format!("does not begin with `# {code}`")));
        }
    }
    for (code, (path, line)) in &used {
        if !pages.contains(code) {
            findings.push(Finding::new(RULE, path, *line, format!("{code} has no page {PAGES}{code}.md")));
        }
    }
    findings
}

/// The first place of every code in the sources, unit tests and this tool apart.
fn used(texts: &[Text]) -> BTreeMap<String, (String, usize)> {
    let mut used = BTreeMap::new();
    let ours = |file: &&Text| file.is_rust() && !is_test_file(&file.path) && !file.path.starts_with("xtask/");
    for file in texts.iter().filter(ours) {
        for (index, line) in file.text.lines().take(code_lines(&file.text)).enumerate() {
            for code in codes(line) {
                used.entry(code.to_owned()).or_insert_with(|| (file.path.clone(), index + 1));
            }
        }
    }
    used
}

const CODE_LENGTH: usize = "LP0000".len();

/// Every `LP` with exactly four digits in a line.
fn codes(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("LP").filter_map(move |(at, _)| {
        let code = line.get(at..at + CODE_LENGTH)?;
        let before = line.get(..at)?.chars().next_back();
        let after = line.get(at + CODE_LENGTH..)?.chars().next();
        let whole = before.is_none_or(|letter| !letter.is_alphanumeric()) && after.is_none_or(|l| !l.is_alphanumeric());
        let digits = code.get(2..)?.bytes().all(|byte| byte.is_ascii_digit());
        (whole && digits).then_some(code)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_files(files: &[(&str, &str)]) -> Vec<(String, String)> {
        let texts: Vec<Text> =
            files.iter().map(|(path, text)| Text { path: (*path).into(), text: (*text).into() }).collect();
        check(&texts).into_iter().map(|finding| (finding.path, finding.message)).collect()
    }

    #[test]
    fn a_code_and_its_page_belong_together() {
        let source = ("crates/a/src/x.rs", "//! A.\nconst CODE: &str = \"LP0101\";\n");
        let page = ("docs/errors/LP0101.md", "# LP0101: the mapping is broken\n");
        assert_eq!(check_files(&[source, page]), []);
        assert_eq!(
            check_files(&[source]),
            [(source.0.to_owned(), "LP0101 has no page docs/errors/LP0101.md".to_owned())]
        );
        assert_eq!(
            check_files(&[page]),
            [(page.0.to_owned(), "no source shows this code; remove the page".to_owned())]
        );
        assert_eq!(
            check_files(&[source, (page.0, "# Broken\n")]),
            [(page.0.to_owned(), "does not begin with `# LP0101`".to_owned())]
        );
    }

    #[test]
    fn tests_and_lookalikes_show_no_code() {
        let tests = "//! A.\n#[cfg(test)]\nmod tests {\n    const CODE: &str = \"LP9999\";\n}\n";
        assert_eq!(check_files(&[("crates/a/src/x.rs", tests), ("crates/a/tests/y.rs", "LP9998")]), []);
        assert_eq!(codes("HELP0101 LP010 LP01011 xLP0102 LPabcd").count(), 0);
        assert_eq!(codes("[LP0101] LP0102: LP0103").collect::<Vec<_>>(), ["LP0101", "LP0102", "LP0103"]);
        assert_eq!(check_files(&[("docs/errors/README.md", "# All codes\n")]), []);
    }
}
