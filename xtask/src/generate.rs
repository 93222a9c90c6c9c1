//! Files that are made from the code and kept in the repository, so that people and editors can read them.
//!
//! `cargo xtask generate` writes them, `--check` (part of the gate) fails when one is stale. To add a file, add a row.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::run;

/// One generated file and the arguments of the binary `linchpin` that print it.
struct Generated {
    /// Path from the workspace's root.
    file: &'static str,
    /// Arguments of `linchpin` whose standard output is the file.
    arguments: &'static [&'static str],
}

/// Every generated file of the repository.
const GENERATED: &[Generated] = &[Generated { file: "docs/config.schema.json", arguments: &["schema", "config"] }];

/// Writes or compares all generated files; whether all is well.
pub(crate) fn run(root: &Path, check: bool) -> anyhow::Result<bool> {
    let binary = binary(root)?;
    let mut well = true;
    for generated in GENERATED {
        let mut line = vec![binary.as_str()];
        line.extend(generated.arguments);
        well &= one(root, generated.file, &line, check)?;
    }
    Ok(well)
}

/// Writes or compares one file; whether it is well now.
fn one(root: &Path, file: &str, line: &[&str], check: bool) -> anyhow::Result<bool> {
    let fresh = run::captured(root, line)?;
    let path = root.join(file);
    if !check {
        std::fs::write(&path, fresh).with_context(|| format!("writing {file}"))?;
        println!("{file}: written");
        return Ok(true);
    }
    let kept = std::fs::read_to_string(&path).with_context(|| format!("reading {file}"))?;
    let same = kept == fresh;
    println!("{file}: {}", if same { "fresh" } else { "stale: run `cargo xtask generate` and commit" });
    Ok(same)
}

/// Builds the binary in the same form as the gate (so that nothing is built twice) and says where it is.
fn binary(root: &Path) -> anyhow::Result<String> {
    let built = run::shown(root, BUILD, &[])?;
    anyhow::ensure!(built.well, "the workspace does not build");
    let path = target(root)?.join("debug").join("linchpin");
    path.into_os_string().into_string().map_err(|path| anyhow::anyhow!("not a readable path: {}", path.display()))
}

/// The one form in which the workspace is built for tests: another selection of packages would choose other features
/// of shared dependencies and build them again.
pub(crate) const BUILD: &[&str] = &["cargo", "build", "--workspace", "--all-targets"];

/// Where cargo puts what it builds.
pub(crate) fn target(root: &Path) -> anyhow::Result<PathBuf> {
    let text = run::captured(root, &["cargo", "metadata", "--format-version", "1", "--no-deps"])?;
    let metadata: serde_json::Value = serde_json::from_str(&text).context("reading cargo metadata")?;
    let folder = metadata.get("target_directory").and_then(serde_json::Value::as_str);
    Ok(PathBuf::from(folder.context("cargo metadata names the target directory")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_file_is_found_and_written_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a.json"), "old\n").expect("a file");
        let line = ["echo", "new"];
        let one = |check| one(folder.path(), "a.json", &line, check).expect("echo runs");
        assert!(!one(true));
        assert!(one(false));
        assert!(one(true));
    }

    #[test]
    fn the_target_folder_is_known() {
        let root = crate::workspace_root().expect("a root");
        assert!(target(&root).expect("cargo metadata runs").is_absolute());
    }
}
