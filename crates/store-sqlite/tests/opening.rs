//! Who may open a store, and what is refused.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

use std::path::PathBuf;
use std::sync::Arc;

use linchpin_core::sync::run::{Plan, RunId};
use linchpin_core::time::Wall;
use linchpin_hubspot::id::{AppId, Install, PortalId};
use linchpin_ports::budget::BudgetRecord;
use linchpin_ports::store::{Refusal, StoreError};
use linchpin_store_sqlite::{Executor, Options, SqliteStore};
use rusqlite::Connection;
use tempfile::TempDir;

const INSTALL: Install = Install { portal: PortalId(1), app: AppId(1) };

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    (folder, path)
}

fn open(path: &PathBuf) -> Result<Arc<SqliteStore>, StoreError> {
    SqliteStore::open(path, Options::default())
}

fn refusal(path: &PathBuf) -> Refusal {
    match open(path).map(|_| ()) {
        Err(StoreError::Refused(refusal)) => refusal,
        other => panic!("should have been refused: {other:?}"),
    }
}

#[test]
fn a_store_has_one_owner_and_dropping_it_gives_it_up() {
    let (_folder, path) = place();
    let owner = open(&path).unwrap();
    assert_eq!(refusal(&path), Refusal::Owned);
    let stores = owner.stores();
    drop(owner);
    assert_eq!(refusal(&path), Refusal::Owned, "its ports still hold it");
    drop(stores);
    open(&path).unwrap();
}

#[test]
fn a_store_of_a_newer_program_is_refused_and_left_alone() {
    let (_folder, path) = place();
    drop(open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    assert_eq!(refusal(&path), Refusal::TooNew { found: 99, known: 11 });
    let version: i64 = connection.query_row("pragma user_version", (), |row| row.get(0)).unwrap();
    assert_eq!(version, 99);
}

#[test]
fn another_programs_database_is_refused_and_left_alone() {
    let (_folder, path) = place();
    Connection::open(&path).unwrap().execute_batch("create table theirs (a)").unwrap();
    assert_eq!(refusal(&path), Refusal::Foreign);
    let tables: i64 =
        Connection::open(&path).unwrap().query_row("select count(*) from sqlite_schema", (), |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
}

#[test]
fn a_folder_that_is_not_there_is_unavailable() {
    let (_folder, path) = place();
    let path = path.join("deeper").join("store.sqlite");
    assert!(matches!(open(&path), Err(StoreError::Unavailable { .. })));
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = place();
    let _store = open(&path).unwrap();
    let mut files = 0;
    for file in folder.path().read_dir().unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", file.file_name());
        files += 1;
    }
    assert!(files >= 3, "the database, its log and its lock");
}

#[tokio::test]
async fn a_damaged_row_is_an_error_that_says_where() {
    let damages = [
        ("update run set plan = x'027b7d'", "plan"),
        ("update run set plan = x'01'", "plan"),
        ("update run set state = 77", "state"),
        ("update run set revision = -1", "revision"),
    ];
    for (damage, expected) in damages {
        let (_folder, path) = place();
        let run = RunId(5);
        let stores = open(&path).unwrap().stores();
        stores.runs.begin(INSTALL, run, 7, Wall(0)).await.unwrap();
        stores.runs.seal(INSTALL, run, Plan::default()).await.unwrap();
        assert_eq!(Connection::open(&path).unwrap().execute(damage, ()).unwrap(), 1);
        let error = stores.runs.get(INSTALL, run).await.unwrap_err();
        let StoreError::Corrupt { table, column, key } = error else { panic!("{damage}: {error:?}") };
        assert_eq!((table, column, key.as_str()), ("run", expected, "5"));
    }
}

#[tokio::test]
async fn a_number_that_no_sql_integer_holds_is_an_error_not_another_number() {
    let stores = SqliteStore::in_memory().unwrap().stores();
    let error = stores.runs.begin(INSTALL, RunId(u64::MAX), 7, Wall(0)).await;
    assert!(matches!(error, Err(StoreError::Unavailable { .. })));
    let portal = Install { portal: PortalId(u64::MAX), ..INSTALL };
    assert!(stores.budget.load(portal).await.is_err());
}

#[tokio::test]
async fn writes_that_meet_share_a_commit_and_a_refused_one_spoils_none() {
    const WRITERS: u64 = 200;
    let (_folder, path) = place();
    let stores = open(&path).unwrap().stores();
    stores.runs.begin(INSTALL, RunId(0), 7, Wall(0)).await.unwrap();
    let write = async |number: u64| {
        let install = Install { portal: PortalId(number), app: AppId(1) };
        let refused = stores.runs.begin(INSTALL, RunId(0), 7, Wall(0)).await;
        assert!(matches!(refused, Err(StoreError::Refused(Refusal::WrongState { .. }))));
        let record = BudgetRecord { may_send_until: Wall(1), window: None };
        stores.budget.save(install, record).await.unwrap();
    };
    futures_join_all((0..WRITERS).map(write)).await;
    for number in 0..WRITERS {
        let install = Install { portal: PortalId(number), app: AppId(1) };
        assert!(stores.budget.load(install).await.unwrap().is_some(), "{number}");
    }
}

/// Polls all futures together on this task.
async fn futures_join_all(futures: impl Iterator<Item = impl Future<Output = ()>>) {
    let mut waiting: Vec<_> = futures.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        waiting.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if waiting.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

#[test]
fn the_executor_changes_nothing_in_the_file() {
    let (_folder, path) = place();
    for executor in [Executor::Inline, Executor::Threads, Executor::Inline] {
        drop(SqliteStore::open(&path, Options { executor, readers: 0 }).unwrap());
    }
}
