//! Runs the binary.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

pub(crate) const TOKEN: &str = "pat-test-it";

/// A folder with a database and a configuration.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes `shop.db`: people with and without flaws.
    pub(crate) fn with_shop(self) -> Self {
        self.sql(
            "create table people (id integer primary key, email text, first_name text, city text);
             insert into people values
               (1, 'ana@example.com', 'Ana', 'Porto'), (2, 'bjorn@example.com', 'Björn', 'Malmö'),
               (3, 'carla@example.com', 'Carla', null), (4, 'no address', 'Dora', 'Köln');",
        );
        self
    }

    pub(crate) fn sql(&self, text: &str) {
        rusqlite::Connection::open(self.path("shop.db")).unwrap().execute_batch(text).unwrap();
    }

    pub(crate) fn with_config(self, base_url: &str) -> Self {
        let text = format!(
            "hubspot: {{token: {TOKEN}, base_url: '{base_url}', tier: professional}}
sources: {{shop: {{sqlite: shop.db}}}}
guard: {{max_change_share: 0.4}}
sync:
  entries:
    people:
      source: shop
      table: people
      key: id
      object: contacts
      identity: {{unique: email}}
      fields: {{email: email, firstname: first_name, city: city}}
"
        );
        std::fs::write(self.path("linchpin.yaml"), text).unwrap();
        self
    }

    /// Starts a command in the folder.
    #[cfg(unix)]
    pub(crate) fn start(&self, words: &[&str]) -> Child {
        command(self.folder.path(), words).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Runs a command in the folder.
    pub(crate) fn run(&self, words: &[&str]) -> Ended {
        let output = command(self.folder.path(), words).stdin(Stdio::null()).output().unwrap();
        Ended(output)
    }
}

fn command(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_linchpin"));
    command.args(words).current_dir(folder).env_remove("LINCHPIN_LOG").env("HUBSPOT_TOKEN", TOKEN);
    command
}

/// A command that has ended.
pub(crate) struct Ended(Output);

impl Ended {
    pub(crate) fn code(&self) -> i32 {
        self.0.status.code().unwrap()
    }

    pub(crate) fn out(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    pub(crate) fn err(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    /// The last line of standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.out().lines().last().unwrap_or_default()).unwrap_or_else(|error| {
            panic!("{error}; out: {}; err: {}", self.out(), self.err());
        })
    }
}

/// A simulator that runs as long as the value lives.
pub(crate) struct Simulator {
    process: Child,
    pub(crate) url: String,
}

impl Simulator {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(more: &[&str]) -> Self {
        let words = [["sim", "--port", "0", "--token", TOKEN, "--index-lag", "off"].as_slice(), more].concat();
        let mut process = command(Path::new("."), &words).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line}")).to_owned();
        Self { process, url }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}
