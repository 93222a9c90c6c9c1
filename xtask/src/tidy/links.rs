//! Relative links of Markdown files lead somewhere: to a file or folder of the repository, and to a heading in it.
//!
//! Addresses of the web are not followed: a gate that needs the network is a gate that fails on Sundays.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, Text};

const RULE: &str = "links";

/// Checks every relative link of every Markdown file.
pub(super) fn check(texts: &[Text], paths: &[String]) -> Vec<Finding> {
    let files: BTreeSet<&str> = paths.iter().map(String::as_str).collect();
    let markdown: BTreeMap<&str, &str> =
        texts.iter().filter(|file| file.is_markdown()).map(|file| (file.path.as_str(), file.text.as_str())).collect();
    let mut findings = Vec::new();
    for (path, text) in &markdown {
        for (line, target) in targets(text) {
            if let Some(message) = broken(path, &target, &files, &markdown) {
                findings.push(Finding::new(RULE, path, line, message));
            }
        }
    }
    findings
}

/// Why a link is broken, if it is.
fn broken(from: &str, target: &str, files: &BTreeSet<&str>, markdown: &BTreeMap<&str, &str>) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (place, anchor) = target.split_once('#').map_or((target, None), |(place, anchor)| (place, Some(anchor)));
    let Some(resolved) = resolve(from, place) else {
        return Some(format!("`{target}` leaves the repository"));
    };
    let folder = format!("{resolved}/");
    let is_folder = resolved.is_empty() || files.iter().any(|file| file.starts_with(&folder));
    if !is_folder && !files.contains(resolved.as_str()) {
        return Some(format!("`{target}` leads nowhere"));
    }
    let text = markdown.get(resolved.as_str())?;
    let anchor = anchor.filter(|anchor| !anchor.is_empty())?;
    let known = headings(text).any(|heading| heading == anchor);
    (!known).then(|| format!("`{target}`: no such heading"))
}

/// The path that `place` means when it stands in the file `from`; `None` when it climbs out of the repository.
fn resolve(from: &str, place: &str) -> Option<String> {
    if place.is_empty() {
        return Some(from.to_owned());
    }
    let mut parts: Vec<&str> = if place.starts_with('/') { Vec::new() } else { from.split('/').collect() };
    parts.pop();
    for part in place.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Lines of Markdown that are not code, with their numbers from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        (!fence && !fenced).then_some((index + 1, line))
    })
}

/// Every `](target)` outside code, with its line.
fn targets(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in prose(text) {
        // Text between back-ticks is code: every other part.
        let spoken: String = line.split('`').step_by(2).collect::<Vec<_>>().join("``");
        for (at, opening) in spoken.match_indices("](") {
            let rest = spoken.get(at + opening.len()..).unwrap_or_default();
            let Some((target, _)) = rest.split_once(')') else { continue };
            let target = target.split_whitespace().next().unwrap_or_default();
            found.push((number, target.trim_matches(['<', '>']).to_owned()));
        }
    }
    found
}

/// The anchors of a file's headings, as GitHub makes them.
fn headings(text: &str) -> impl Iterator<Item = String> {
    prose(text).filter_map(|(_, line)| {
        let title = line.trim_start_matches('#');
        let is_heading = title.len() < line.len() && title.starts_with(' ');
        is_heading.then(|| slug(title.trim()))
    })
}

fn slug(title: &str) -> String {
    let lower = title.to_lowercase();
    let kept = lower.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(text: &str) -> Vec<String> {
        let files = [("docs/a.md", text), ("docs/b.md", "# One, two: `three`\n"), ("README.md", "# Top\n")];
        let texts: Vec<Text> =
            files.iter().map(|(path, text)| Text { path: (*path).into(), text: (*text).into() }).collect();
        let mut paths: Vec<String> = texts.iter().map(|file| file.path.clone()).collect();
        paths.push("crates/core/src/lib.rs".into());
        check(&texts, &paths).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        for text in [
            "[b](b.md), [b](./b.md#one-two-three), [top](../README.md \"title\")",
            "[root](/README.md) [folder](../crates/core/) [file](../crates/core/src/lib.rs)",
            "[web](https://example.com/x) [post](mailto:a@example.com)",
            "# Here\n[here](#here)",
            "`[code](nowhere.md)`\n```\n[code](nowhere.md)\n```\n",
        ] {
            assert_eq!(messages(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        assert_eq!(messages("[x](nowhere.md)"), ["`nowhere.md` leads nowhere"]);
        assert_eq!(messages("[x](../../up.md)"), ["`../../up.md` leaves the repository"]);
        assert_eq!(messages("[x](b.md#four)"), ["`b.md#four`: no such heading"]);
        assert_eq!(messages("[x](../crates/co)"), ["`../crates/co` leads nowhere"]);
        assert_eq!(messages("`a` [x](no.md) `b`"), ["`no.md` leads nowhere"]);
    }
}
