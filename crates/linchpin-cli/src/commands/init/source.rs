//! The source that a configuration is made for: what kind it is, and what is in it.

use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use linchpin_mapping::{ForeignKey, SourceTable};
use linchpin_ports::source::Table;

use super::questions::Questions;
use crate::args::InitArgs;
use crate::config::{Csv, Source, Sqlite};
use crate::failure::{Code, Failure};
use crate::wiring;

/// How every SQLite database begins (<https://www.sqlite.org/fileformat.html>).
const SQLITE_MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// A source that has been found.
pub(super) struct Found {
    /// Where.
    pub(super) path: PathBuf,
    /// What the configuration calls it.
    pub(super) name: String,
    /// `sqlite` or `csv`.
    pub(super) kind: &'static str,
}

impl Found {
    /// Takes the path from the command line, or asks for it.
    pub(super) fn ask<R: BufRead>(args: &InitArgs, questions: &mut Questions<R>) -> Result<Self, Failure> {
        let path = if let Some(path) = &args.source {
            path.clone()
        } else {
            let question = "Where is the source? (a SQLite file, a CSV file, or a folder of CSV files)";
            PathBuf::from(questions.text(question, "--source PATH")?)
        };
        let kind = kind(&path)?;
        Ok(Self { name: name(&path), path, kind })
    }

    /// The tables, as a proposal needs them.
    pub(super) async fn tables(&self) -> Result<Vec<SourceTable>, Failure> {
        let described = match self.kind {
            "sqlite" => Source::Sqlite(Sqlite::from(self.path.clone())),
            _ => Source::Csv(Csv::at(self.path.clone())),
        };
        let source = wiring::open_source(&self.name, &described)?;
        let tables = wiring::tables(source.as_ref()).await?;
        Ok(tables.into_iter().map(described_table).collect())
    }

    /// The path as the configuration has to write it: relative paths start there.
    pub(super) fn in_file(&self, out: &Path) -> String {
        let beside = out.parent().is_none_or(|folder| folder.as_os_str().is_empty());
        let path = if beside || self.path.is_absolute() {
            self.path.clone()
        } else {
            std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone())
        };
        path.display().to_string()
    }
}

fn described_table(table: Table) -> SourceTable {
    SourceTable {
        name: table.name,
        columns: table.columns.into_iter().map(|column| column.name).collect(),
        primary_key: table.primary_key,
        foreign_keys: table
            .foreign_keys
            .into_iter()
            .map(|key| ForeignKey { columns: vec![key.column], table: key.to_table })
            .collect(),
    }
}

fn kind(path: &Path) -> Result<&'static str, Failure> {
    let failed = |why: &str| {
        Failure::new(
            Code::Source,
            format!("{}: {why}", path.display()),
            "name a SQLite file, a CSV file, or a folder of CSV files with --source PATH",
        )
    };
    let what = std::fs::metadata(path).map_err(|error| failed(&error.to_string()))?;
    if what.is_dir() {
        return Ok("csv");
    }
    let mut start = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| failed(&error.to_string()))?;
    file.take(SQLITE_MAGIC.len() as u64).read_to_end(&mut start).map_err(|error| failed(&error.to_string()))?;
    if start == SQLITE_MAGIC {
        Ok("sqlite")
    } else if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv")) {
        Ok("csv")
    } else {
        Err(failed("this is neither a SQLite database nor a CSV file"))
    }
}

/// A short name from the file's: letters, digits and underscores.
fn name(path: &Path) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
    let plain: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let plain = plain.trim_matches('_');
    match plain.chars().next() {
        Some(first) if first.is_ascii_alphabetic() => plain.to_owned(),
        _ => "source".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        for (path, plain) in
            [("shop.db", "shop"), ("/x/My Shop-2.sqlite", "my_shop_2"), ("2026.csv", "source"), ("/", "source")]
        {
            assert_eq!(name(Path::new(path)), plain, "{path}");
        }
    }

    #[test]
    fn the_kind_is_seen_from_the_content() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str, content: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            path
        };
        assert_eq!(kind(&at("a.csv", b"id,name\n")).unwrap(), "csv");
        assert_eq!(kind(&at("b.csv", b"SQLite format 3\0 and more")).unwrap(), "sqlite");
        assert_eq!(kind(folder.path()).unwrap(), "csv");
        for wrong in [at("c.txt", b"hello"), folder.path().join("absent")] {
            assert_eq!(kind(&wrong).unwrap_err().code(), Code::Source.as_str());
        }
    }
}
