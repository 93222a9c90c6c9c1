//! What a machine needs beside Rust, and how to get it.
//!
//! The product itself needs only a C compiler (SQLite is built from source, bundled); Python and Node are for the tests
//! that drive other people's clients. Services that a later test needs (a database server, say) belong in this table
//! too, with the step that starts them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::run;

/// One program that must be on the path.
struct Need {
    /// Any of these names will do.
    programs: &'static [&'static str],
    /// Arguments with which it must succeed; none where it is enough that it is there.
    proof: &'static [&'static str],
    /// What it is for, as the message says it.
    why: &'static str,
    /// The Debian packages that bring it.
    packages: &'static [&'static str],
}

const NEEDS: &[Need] = &[
    Need {
        programs: &["cc", "gcc", "clang"],
        proof: &[],
        why: "a C compiler: SQLite is built from source",
        packages: &["gcc", "libc6-dev"],
    },
    Need { programs: &["curl"], proof: &[], why: "curl: types what the guide says", packages: &["curl"] },
    Need { programs: &["git"], proof: &[], why: "git: tidy asks it which files are ours", packages: &["git"] },
    Need {
        programs: &["python3"],
        // Debian keeps it, and with it new virtual environments, out of Python's own package.
        proof: &["-c", "import ensurepip"],
        why: "Python with venv: for the tests that drive Python clients",
        packages: &["python3", "python3-venv"],
    },
    Need {
        programs: &["python3.11", "python3.10", "python3"],
        proof: &["-c", "import ensurepip, sys; sys.exit(not (3, 10) <= sys.version_info < (3, 12))"],
        why: "Python 3.11 with venv: for a client under test (airbyte-source-hubspot) that refuses Python 3.12",
        packages: &["python3.11", "python3.11-venv"],
    },
    Need { programs: &["node"], proof: &[], why: "Node: for the tests that drive Node clients", packages: &["nodejs"] },
    Need { programs: &["npm"], proof: &[], why: "npm: installs the Node clients under test", packages: &["npm"] },
    Need {
        programs: &["chromium", "chromium-browser", "google-chrome"],
        proof: &[],
        why: "Chromium: for the test of the simulator's page",
        packages: &["chromium"],
    },
];

/// Makes sure that everything is there: installs it where we may, else says in one line each what is missing.
pub(crate) fn ensure(root: &Path) -> anyhow::Result<()> {
    let folders = path_folders();
    let missing = missing(&folders, succeeds);
    if missing.is_empty() {
        return Ok(());
    }
    if may_install() {
        install(root, &missing)?;
    }
    let still: Vec<String> = self::missing(&folders, succeeds).iter().map(|need| sentence(need)).collect();
    if still.is_empty() {
        return Ok(());
    }
    anyhow::bail!("the tests need more than this machine has:\n{}", still.join("\n"))
}

fn sentence(need: &Need) -> String {
    format!("  {} is missing; on Debian: apt-get install {}", need.why, need.packages.join(" "))
}

fn path_folders() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// The needs without a program in `folders` that passes its proof; `succeeds` runs a program and says how it ended.
fn missing(folders: &[PathBuf], succeeds: fn(&Path, &[&str]) -> bool) -> Vec<&'static Need> {
    let found = |program: &&str| folders.iter().map(|folder| folder.join(program)).find(|path| path.is_file());
    let met = |need: &Need| {
        let mut programs = need.programs.iter().filter_map(found);
        programs.any(|program| need.proof.is_empty() || succeeds(&program, need.proof))
    };
    NEEDS.iter().filter(|need| !met(need)).collect()
}

fn succeeds(program: &Path, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Only root on a Debian-like system may install: anywhere else the choice is the user's.
fn may_install() -> bool {
    Path::new("/etc/debian_version").exists() && std::fs::read_to_string("/proc/self/status").is_ok_and(|s| is_root(&s))
}

/// Reads the effective user id from `/proc/self/status` (`Uid: real effective saved filesystem`).
fn is_root(status: &str) -> bool {
    status.lines().find_map(|line| line.strip_prefix("Uid:")).and_then(|ids| ids.split_whitespace().nth(1)) == Some("0")
}

fn install(root: &Path, missing: &[&Need]) -> anyhow::Result<()> {
    let environment = [("DEBIAN_FRONTEND", "noninteractive".to_owned())];
    println!("installing: {}", missing.iter().map(|need| need.packages.join(" ")).collect::<Vec<_>>().join(" "));
    run::shown(root, &["apt-get", "update", "--quiet"], &environment).context("refreshing the package lists")?;
    let mut line = vec!["apt-get", "install", "--yes", "--quiet", "--no-install-recommends"];
    line.extend(missing.iter().flat_map(|need| need.packages));
    run::shown(root, &line, &environment).context("installing packages")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_machine_misses_everything_and_hears_what_to_do() {
        let all = missing(&[PathBuf::from("/nowhere")], |_, _| true);
        assert_eq!(all.len(), NEEDS.len());
        let first = sentence(all[0]);
        assert_eq!(
            first,
            "  a C compiler: SQLite is built from source is missing; on Debian: apt-get install gcc libc6-dev"
        );
    }

    #[test]
    fn one_of_several_names_is_enough() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["clang", "curl", "git", "python3", "node", "npm", "google-chrome"] {
            std::fs::write(folder.path().join(name), "").expect("a file");
        }
        let folders = [folder.path().to_owned()];
        assert!(missing(&folders, |_, _| true).is_empty());
        let unproven: Vec<String> = missing(&folders, |_, _| false).into_iter().map(sentence).collect();
        let wanted = [
            "  Python with venv: for the tests that drive Python clients is missing; \
             on Debian: apt-get install python3 python3-venv",
            "  Python 3.11 with venv: for a client under test (airbyte-source-hubspot) that refuses Python 3.12 is \
             missing; on Debian: apt-get install python3.11 python3.11-venv",
        ];
        assert_eq!(unproven, wanted);
    }

    #[test]
    fn root_is_known_by_the_effective_id() {
        assert!(is_root("Name:\tx\nUid:\t1000\t0\t0\t0\n"));
        assert!(!is_root("Name:\tx\nUid:\t0\t1000\t0\t0\n"));
        assert!(!is_root("Name:\tx\n"));
    }
}
