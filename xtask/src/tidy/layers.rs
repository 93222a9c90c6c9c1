//! The arrows between our crates, and the outside crates that the pure ones may link.
//!
//! The tables are the architecture: a new arrow is a change here, with a reason in its commit. Only normal and build
//! dependencies are what a crate is made of; tests may look further, as far as their own table allows.

use std::collections::BTreeSet;

use anyhow::Context as _;
use serde::Deserialize;

use super::Finding;

const RULE: &str = "layers";

/// A crate of ours, and what it may depend on.
struct Row {
    name: &'static str,
    /// Our crates that it may link.
    may: &'static [&'static str],
    /// Our crates that its tests may link beside those.
    tests_may: &'static [&'static str],
    /// The only outside crates that it may link; `None` means any.
    outside: Option<&'static [&'static str]>,
}

const HUBSPOT: &str = "linchpin-hubspot";
const CORE: &str = "linchpin-core";
const PORTS: &str = "linchpin-ports";
const MAPPING: &str = "linchpin-mapping";
const STORE_SQLITE: &str = "linchpin-store-sqlite";
const SOURCES: &str = "linchpin-sources";
const ENGINE: &str = "linchpin-engine";
const SERVER: &str = "linchpin-server";
const SIMULATOR: &str = "linchpin-simulator";
const FACADE: &str = "linchpin";

/// What follows from what: `hubspot <- core <- ports <- stores, sources`, `mapping -> core`, `engine -> ports, mapping`.
const ROWS: &[Row] = &[
    Row {
        name: HUBSPOT,
        may: &[],
        tests_may: &[],
        // Pure: formats and types, nothing that can open a socket, a file or a clock.
        // Digests and secrets are for OAuth and for signatures of webhooks.
        outside: Some(&[
            "base64",
            "bytes",
            "hmac",
            "http",
            "secrecy",
            "serde",
            "serde_json",
            "sha2",
            "subtle",
            "thiserror",
        ]),
    },
    Row {
        name: CORE,
        may: &[HUBSPOT],
        tests_may: &[],
        // Pure as well; `rand_core` is only the trait of the dice that it is handed. Digests and secrets sign what
        // subscribers get.
        outside: Some(&[
            "base64",
            "bytes",
            "hmac",
            "http",
            "rand_core",
            "secrecy",
            "serde",
            "serde_json",
            "sha2",
            "thiserror",
        ]),
    },
    Row { name: PORTS, may: &[CORE, HUBSPOT], tests_may: &[], outside: None },
    Row { name: MAPPING, may: &[CORE, HUBSPOT], tests_may: &[], outside: None },
    Row { name: STORE_SQLITE, may: &[PORTS, CORE, HUBSPOT], tests_may: &[], outside: None },
    Row { name: SOURCES, may: &[PORTS, CORE, HUBSPOT], tests_may: &[], outside: None },
    Row {
        name: ENGINE,
        may: &[PORTS, MAPPING, CORE, HUBSPOT],
        tests_may: &[SIMULATOR, STORE_SQLITE, SOURCES],
        outside: None,
    },
    Row { name: SERVER, may: &[ENGINE, PORTS, CORE, HUBSPOT], tests_may: &[STORE_SQLITE], outside: None },
    Row { name: SIMULATOR, may: &[], tests_may: &[], outside: None },
    Row {
        name: FACADE,
        may: &[ENGINE, MAPPING, PORTS, STORE_SQLITE, SOURCES, CORE, HUBSPOT],
        tests_may: &[SIMULATOR],
        outside: None,
    },
    // What a stranger writes knows the facade alone.
    Row { name: "linchpin-embedded", may: &[FACADE], tests_may: &[SIMULATOR], outside: None },
    Row {
        name: "linchpin-cli",
        may: &[FACADE, SERVER, ENGINE, MAPPING, PORTS, STORE_SQLITE, SOURCES, SIMULATOR, CORE, HUBSPOT],
        tests_may: &[],
        outside: None,
    },
    Row {
        name: "linchpin-trials",
        may: &[FACADE, SERVER, ENGINE, MAPPING, PORTS, STORE_SQLITE, SOURCES, SIMULATOR, CORE, HUBSPOT],
        tests_may: &[],
        outside: None,
    },
    Row { name: "xtask", may: &[], tests_may: &[], outside: None },
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// `None` for a normal dependency, else `dev` or `build`.
    kind: Option<String>,
}

/// Compares the output of `cargo metadata --no-deps` with the tables.
pub(super) fn check(metadata: &str) -> anyhow::Result<Vec<Finding>> {
    let metadata: Metadata = serde_json::from_str(metadata).context("reading cargo metadata")?;
    let ours: BTreeSet<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    let mut findings = Vec::new();
    for package in &metadata.packages {
        match ROWS.iter().find(|row| row.name == package.name) {
            Some(row) => check_package(row, package, &ours, &mut findings),
            None => findings.push(finding(&package.name, "is in no row of the layering table; add one".to_owned())),
        }
    }
    let gone = ROWS.iter().filter(|row| !ours.contains(row.name));
    findings.extend(gone.map(|row| finding(row.name, "is in the layering table but not in the workspace".to_owned())));
    Ok(findings)
}

fn check_package(row: &Row, package: &Package, ours: &BTreeSet<&str>, findings: &mut Vec<Finding>) {
    for dependency in &package.dependencies {
        let name = dependency.name.as_str();
        let for_tests = dependency.kind.as_deref() == Some("dev");
        if ours.contains(name) {
            let allowed = row.may.contains(&name) || (for_tests && row.tests_may.contains(&name));
            if !allowed {
                let whose = if for_tests { "tests" } else { "code" };
                findings.push(finding(row.name, format!("its {whose} may not depend on {name}")));
            }
        } else if !for_tests && row.outside.is_some_and(|outside| !outside.contains(&name)) {
            findings.push(finding(row.name, format!("is pure: the outside crate {name} is not on its list")));
        }
    }
}

fn finding(package: &str, message: String) -> Finding {
    Finding::new(RULE, &format!("{package} (Cargo.toml)"), 0, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace of all rows, in which `package` has one more dependency.
    fn workspace(package: &str, dependency: &str, kind: Option<&str>) -> String {
        let packages: Vec<serde_json::Value> = ROWS
            .iter()
            .map(|row| {
                let extra = serde_json::json!([{ "name": dependency, "kind": kind }]);
                let none = serde_json::json!([]);
                serde_json::json!({ "name": row.name, "dependencies": if row.name == package { extra } else { none } })
            })
            .collect();
        serde_json::json!({ "packages": packages }).to_string()
    }

    fn messages(metadata: &str) -> Vec<String> {
        check(metadata).expect("well-formed metadata").into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn arrows_are_allowed_or_refused_by_the_table() {
        let cases: &[(&str, &str, Option<&str>, &[&str])] = &[
            ("linchpin-core", "linchpin-hubspot", None, &[]),
            ("linchpin-hubspot", "linchpin-core", None, &["its code may not depend on linchpin-core"]),
            ("linchpin-core", "linchpin-ports", Some("dev"), &["its tests may not depend on linchpin-ports"]),
            ("linchpin-core", "linchpin-ports", Some("build"), &["its code may not depend on linchpin-ports"]),
            ("linchpin-engine", "linchpin-simulator", Some("dev"), &[]),
            ("linchpin-engine", "linchpin-simulator", None, &["its code may not depend on linchpin-simulator"]),
            ("linchpin-simulator", "linchpin-hubspot", None, &["its code may not depend on linchpin-hubspot"]),
            ("linchpin-core", "tokio", None, &["is pure: the outside crate tokio is not on its list"]),
            ("linchpin-core", "proptest", Some("dev"), &[]),
            ("linchpin-ports", "tokio", None, &[]),
        ];
        for (package, dependency, kind, expected) in cases {
            assert_eq!(messages(&workspace(package, dependency, *kind)), *expected, "{package} -> {dependency}");
        }
    }

    #[test]
    fn the_table_and_the_workspace_name_the_same_crates() {
        let metadata = workspace("xtask", "serde", None).replace("linchpin-sources", "linchpin-wells");
        let found = check(&metadata).expect("well-formed metadata");
        let found: Vec<(&str, &str)> = found.iter().map(|f| (f.path.as_str(), f.message.as_str())).collect();
        assert_eq!(
            found,
            [
                ("linchpin-wells (Cargo.toml)", "is in no row of the layering table; add one"),
                ("linchpin-sources (Cargo.toml)", "is in the layering table but not in the workspace"),
            ]
        );
    }
}
