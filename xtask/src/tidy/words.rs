//! Words that tell of one machine rather than of the product: its paths and its package registries.
//!
//! They break a clone anywhere else, or tell a reader what is none of their business.

use super::{Finding, Text};

const RULE: &str = "words";

/// Starts of absolute paths that exist on somebody's machine only. Split, so that this file passes its own rule.
const PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Use", "rs/")];

/// Hosts of package registries and their mirrors: lock files name the registry, never a host of ours.
const HOSTS: &[&str] = &[
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("registry.", "npmjs.org"),
    concat!("registry.", "yarnpkg.com"),
    concat!("pypi.", "org/simple"),
    concat!("files.", "pythonhosted.org"),
    concat!("artifact", "ory"),
];

/// Where a lock file of cargo may say that a crate comes from.
const CARGO_SOURCE: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";

/// Checks every line of every text file.
pub(super) fn check(texts: &[Text]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in texts {
        let is_lock = file.path.ends_with("Cargo.lock");
        for (index, line) in file.text.lines().enumerate() {
            let mut found = |message: String| findings.push(Finding::new(RULE, &file.path, index + 1, message));
            if let Some(path) = PATHS.iter().find(|path| names_path(line, path)) {
                found(format!("names a folder of one machine (`{path}`)"));
            }
            if let Some(host) = HOSTS.iter().find(|host| line.contains(**host)) {
                found(format!("names a package registry's host (`{host}`)"));
            }
            if is_lock && line.starts_with("source = ") && line != CARGO_SOURCE {
                found("a crate comes from somewhere else than the public registry".to_owned());
            }
        }
    }
    findings
}

/// Whether `line` holds `path` as the start of an absolute path, and not as a part of an address or a longer path.
fn names_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        before.is_none_or(|letter| !(letter.is_alphanumeric() || "._-/~}>".contains(letter)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        check(&[Text { path: path.to_owned(), text: text.to_owned() }]).len()
    }

    #[test]
    fn folders_of_one_machine_are_found_and_lookalikes_are_not() {
        let work = PATHS[0];
        assert_eq!(found("a.md", &format!("see {work}x")), 1);
        assert_eq!(found("a.yaml", &format!("path: \"{work}x\"")), 1);
        assert_eq!(found("a.md", &format!("{work}x")), 1);
        assert_eq!(found("a.md", &format!("https://example.com{work}x")), 0);
        assert_eq!(found("a.md", &format!("./target{work}x")), 0);
    }

    #[test]
    fn registry_hosts_and_foreign_sources_are_found() {
        assert_eq!(found("package-lock.json", &format!("\"resolved\": \"https://{}/x\"", HOSTS[2])), 1);
        assert_eq!(found("Cargo.lock", &format!("{CARGO_SOURCE}\n")), 0);
        assert_eq!(found("Cargo.lock", "source = \"registry+https://mirror.example/index\"\n"), 1);
        assert_eq!(found("notes.md", "source = \"anything\"\n"), 0);
    }
}
