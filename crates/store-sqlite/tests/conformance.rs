//! The contracts of the ports, asked of this store with threads and inline.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use linchpin_ports::conformance::Home;
use linchpin_ports::store::Stores;
use linchpin_store_sqlite::{Executor, Options, SqliteStore};
use tempfile::TempDir;

/// A folder per life of the store: a crash leaves a copy of the files as they are at that moment, never closed.
struct Folder {
    root: TempDir,
    life: u32,
    executor: Executor,
}

impl Folder {
    fn new(executor: Executor) -> Self {
        Self { root: tempfile::tempdir().unwrap(), life: 0, executor }
    }

    fn path(&self, life: u32) -> PathBuf {
        self.root.path().join(life.to_string()).join("store.sqlite")
    }
}

#[async_trait]
impl Home for Folder {
    async fn open(&mut self) -> Stores {
        let path = self.path(self.life);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let options = Options { executor: self.executor, ..Options::default() };
        SqliteStore::open(&path, options).unwrap().stores()
    }

    async fn crash(&mut self) {
        let (from, to) = (self.path(self.life), self.path(self.life + 1));
        copy_files(from.parent().unwrap(), to.parent().unwrap());
        self.life += 1;
    }
}

fn copy_files(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    let mut copied = 0;
    for file in from.read_dir().unwrap() {
        let file = file.unwrap();
        // The index of the log is shared memory: it does not survive, and neither does the lock.
        if ["store.sqlite-shm", "store.sqlite.lock"].iter().any(|name| file.file_name() == *name) {
            continue;
        }
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
        copied += 1;
    }
    assert_eq!(copied, 2, "the database and its log");
}

mod threads {
    use super::{Executor, Folder};

    linchpin_ports::store_tests!(Folder::new(Executor::Threads));
}

mod inline {
    use super::{Executor, Folder};

    linchpin_ports::store_tests!(Folder::new(Executor::Inline));
}
