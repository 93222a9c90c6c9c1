//! One user's folder: a configuration, a source, a store, and the commands that are run there.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::binary::{self, Ended, Running};

/// A command that has nothing to wait for ends within this.
pub const SHORT: Duration = Duration::from_secs(120);

/// A folder with a configuration.
#[derive(Debug)]
pub struct Workplace {
    folder: TempDir,
    config: PathBuf,
    flags: Vec<String>,
}

impl Default for Workplace {
    fn default() -> Self {
        Self::new()
    }
}

impl Workplace {
    /// An empty folder.
    ///
    /// # Panics
    /// If none can be made.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let config = folder.path().join("linchpin.yaml");
        Self { folder, config, flags: Vec::new() }
    }

    /// A folder whose commands use a configuration that lies elsewhere, with some settings replaced (`--set`).
    pub fn with_config(config: &Path, settings: &[(&str, &str)]) -> Self {
        let mut place = Self::new();
        config.clone_into(&mut place.config);
        place.set("store", place.path("state.db").to_str().expect("temporary folders have plain names"));
        for (name, value) in settings {
            place.set(name, value);
        }
        place
    }

    /// Replaces a setting for every following command.
    pub fn set(&mut self, name: &str, value: &str) {
        self.flags.extend(["--set".to_owned(), format!("{name}={value}")]);
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the configuration.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write_config(&self, text: &str) {
        std::fs::write(&self.config, text).expect("the trial's folder takes files");
    }

    /// Starts `linchpin <words> --config ... --json`.
    pub fn start(&self, words: &[&str]) -> Running {
        let config = self.config.to_str().expect("temporary folders have plain names");
        let tail = ["--config", config, "--json"];
        let flags = self.flags.iter().map(String::as_str);
        let command = binary::command(words.iter().copied().chain(tail).chain(flags));
        Running::start(command, self.folder.path(), words.first().copied().unwrap_or("linchpin"))
    }

    /// Starts `linchpin serve <more>` and waits until it says where it listens: `http://127.0.0.1:4110`.
    pub fn serve(&self, more: &[&str]) -> (Running, String) {
        let words: Vec<&str> = ["serve"].into_iter().chain(more.iter().copied()).collect();
        let mut process = self.start(&words);
        let base = process.address();
        (process, base)
    }

    /// Runs `linchpin <words> --config ... --json` to its end.
    pub fn run(&self, words: &[&str], limit: Duration) -> Ended {
        self.start(words).wait(limit)
    }

    /// Runs `linchpin sync`, asking nothing.
    pub fn sync(&self, limit: Duration) -> Ended {
        self.run(&["sync", "--yes"], limit)
    }

    /// Runs `linchpin plan`.
    pub fn plan(&self) -> Ended {
        self.run(&["plan"], SHORT)
    }

    /// Deletes the store with everything that belongs to it.
    ///
    /// # Panics
    /// If there is no store.
    pub fn forget(&self) {
        let mut removed = 0;
        for entry in std::fs::read_dir(self.folder.path()).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with("state.db") {
                std::fs::remove_file(&path).expect("the store can be deleted");
                removed += 1;
            }
        }
        assert!(removed > 0, "there was no store to delete");
    }
}
