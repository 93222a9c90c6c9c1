//! Files that are made from the code and kept in the repository, so that people and editors can read them.
//!
//! `cargo xtask generate` writes them, `--check` (part of the gate) fails when one is stale. To add a file, add a row.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::run;

/// One generated file.
struct Generated {
    /// Path from the workspace's root.
    file: &'static str,
    /// Where its text comes from.
    origin: Origin,
}

/// Where the text of a generated file comes from.
enum Origin {
    /// The standard output of the binary `linchpin` with these arguments.
    Printed(&'static [&'static str]),
    /// Other files of the repository, whose root is given.
    Files(fn(&Path) -> anyhow::Result<String>),
}

/// Every generated file of the repository.
const GENERATED: &[Generated] = &[
    Generated { file: "docs/config.schema.json", origin: Origin::Printed(&["schema", "config"]) },
    Generated { file: "docs/metrics.md", origin: Origin::Printed(&["schema", "metrics"]) },
    Generated { file: "docs/openapi.json", origin: Origin::Printed(&["schema", "openapi"]) },
    Generated { file: "docs/simulator/fidelity.md", origin: Origin::Printed(&["schema", "fidelity"]) },
    Generated { file: "docs/errors/README.md", origin: Origin::Files(index_of_errors) },
];

/// Writes or compares all generated files; whether all is well.
pub(crate) fn run(root: &Path, check: bool) -> anyhow::Result<bool> {
    let binary = binary(root)?;
    let mut well = true;
    for generated in GENERATED {
        let fresh = match generated.origin {
            Origin::Printed(arguments) => {
                let mut line = vec![binary.as_str()];
                line.extend(arguments);
                run::captured(root, &line)?
            }
            Origin::Files(make) => make(root)?,
        };
        well &= one(root, generated.file, &fresh, check)?;
    }
    Ok(well)
}

/// The index of the error pages, from the first line of each.
fn index_of_errors(root: &Path) -> anyhow::Result<String> {
    let folder = root.join("docs/errors");
    let mut rows = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))? {
        let path = entry?.path();
        let Some(code) = path.file_stem().and_then(OsStr::to_str).filter(|name| name.starts_with("LP")) else {
            continue;
        };
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let title = text.lines().next().and_then(|line| line.strip_prefix(&format!("# {code}: ")));
        let title = title.with_context(|| format!("{} does not begin with `# {code}: `", path.display()))?;
        rows.push(format!("| [{code}]({code}.md) | {title} |\n"));
    }
    rows.sort();
    Ok(INDEX_HEAD.to_owned() + &rows.concat())
}

const INDEX_HEAD: &str = "\
# Error codes

Every failure that Linchpin shows has a code, and every code a page: what happened, and what to do.

| Codes | About |
|---|---|
| LP0 | the command line, the configuration, this machine |
| LP10 | the mapping, before anything is read |
| LP11 | one value of one row, while it is mapped |
| LP2 | rows and sources |
| LP3 | HubSpot and a run |
| LP4 | the store |
| LP5 | the gateway |
| LP6 | webhooks |

This page is made from the titles of the pages by `cargo xtask generate`.

| Code | What happened |
|---|---|
";

/// Writes or compares one file; whether it is well now.
fn one(root: &Path, file: &str, fresh: &str, check: bool) -> anyhow::Result<bool> {
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
        let one = |check| one(folder.path(), "a.json", "new\n", check).expect("it is written");
        assert!(!one(true));
        assert!(one(false));
        assert!(one(true));
    }

    #[test]
    fn the_index_lists_every_error_page_by_code_and_title() {
        let folder = tempfile::tempdir().expect("a folder");
        let pages = folder.path().join("docs/errors");
        std::fs::create_dir_all(&pages).expect("a folder");
        let page = |name: &str, text: &str| std::fs::write(pages.join(name), text).expect("a page");
        page("LP0002.md", "# LP0002: Second\n\nText.\n");
        page("LP0001.md", "# LP0001: First\n");
        page("README.md", "# Old\n");
        let index = index_of_errors(folder.path()).expect("an index");
        assert!(index.ends_with("| [LP0001](LP0001.md) | First |\n| [LP0002](LP0002.md) | Second |\n"), "{index}");
        page("LP0003.md", "# Third\n");
        assert!(index_of_errors(folder.path()).is_err());
    }

    #[test]
    fn the_target_folder_is_known() {
        let root = crate::workspace_root().expect("a root");
        assert!(target(&root).expect("cargo metadata runs").is_absolute());
    }
}
