//! A SQLite database as a source, on files made for each test.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

use std::path::{Path, PathBuf};

use linchpin_core::sync::row::Cell;
use linchpin_ports::conformance::source as promises;
use linchpin_ports::source::{ForeignKey, Read, Select, Source, SourceError};
use linchpin_sources::{Executor, SqliteSource};
use rusqlite::Connection;
use tempfile::TempDir;

const SCHEMA: &str = "
    pragma journal_mode = wal;
    create table company (id integer primary key, name text not null, founded datetime, worth numeric);
    create table person (email text primary key, company integer references company, boss text references person (email));
    create table seat (room text, place integer, person text references person, primary key (room, place)) without rowid;
    create view rich as select name from company where worth > 10;
    insert into company values (3, 'Ölmühle', '2009-01-01 00:00:00', 12.5), (1, 'Acme', null, 1), (2, '', 17, 'much');
    insert into person values ('b@x.example', 1, null), ('a@x.example', 3, 'b@x.example');
    insert into seat values ('r', 2, 'a@x.example'), ('r', 1, null);
";

struct Shop {
    _folder: TempDir,
    path: PathBuf,
}

impl Shop {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.sqlite");
        Connection::open(&path).unwrap().execute_batch(SCHEMA).unwrap();
        Self { _folder: folder, path }
    }

    fn execute(&self, sql: &str) {
        Connection::open(&self.path).unwrap().execute_batch(sql).unwrap();
    }

    fn source(&self) -> SqliteSource {
        SqliteSource::open("shop", &self.path).unwrap()
    }
}

fn table(name: &str) -> Select {
    Select::Table(name.to_owned())
}

fn query(sql: &str) -> Select {
    Select::Query(sql.to_owned())
}

async fn cells(source: &SqliteSource, select: &Select) -> Vec<Vec<Cell>> {
    let rows = promises::read_all(source, select).await;
    rows.into_iter()
        .map(|read| match read {
            Read::Row(row) => row.iter().map(|(_, cell)| cell.clone()).collect(),
            bad @ Read::Bad { .. } => panic!("{bad:?}"),
        })
        .collect()
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

#[tokio::test]
async fn it_keeps_what_every_source_promises() {
    for executor in [Executor::Threads, Executor::Inline] {
        let shop = Shop::new();
        let source = shop.source().with_executor(executor);
        promises::tables_are_in_order_and_readable(&source).await;
        promises::an_unknown_table_names_the_known_ones(&source).await;
        let selections =
            [table("company"), table("person"), table("seat"), table("rich"), query("select 1 as one where 0")];
        for select in selections {
            promises::rows_come_in_the_same_order_twice(&source, &select).await;
            promises::the_end_stays_the_end(&source, &select).await;
            promises::rows_have_the_columns_told(&source, &select).await;
        }
        let change = || shop.execute("update company set name = 'changed'; delete from company where id = 2");
        promises::rows_are_of_one_moment(&source, &table("company"), change).await;
    }
}

#[tokio::test]
async fn values_come_as_they_are_stored_whatever_the_column_is_declared() {
    let shop = Shop::new();
    assert_eq!(
        cells(&shop.source(), &table("company")).await,
        [
            [Cell::Int(1), text("Acme"), Cell::Null, Cell::Int(1)],
            [Cell::Int(2), text(""), Cell::Int(17), text("much")],
            [Cell::Int(3), text("Ölmühle"), text("2009-01-01 00:00:00"), Cell::Real(12.5)],
        ]
    );
}

#[tokio::test]
async fn rows_of_a_table_come_in_the_order_of_its_key() {
    let shop = Shop::new();
    let people = cells(&shop.source(), &table("person")).await;
    assert_eq!(people[0][0], text("a@x.example"));
    let seats = cells(&shop.source(), &table("seat")).await;
    assert_eq!(seats[0][1], Cell::Int(1));
}

#[tokio::test]
async fn tables_tell_their_columns_keys_and_references() {
    let shop = Shop::new();
    let tables = shop.source().tables().await.unwrap();
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["company", "person", "rich", "seat"]);
    let [company, person, rich, seat] = &tables[..] else { panic!("four tables") };
    assert_eq!((company.rows, rich.rows), (Some(3), None));
    let declared: Vec<(&str, bool)> =
        company.columns.iter().map(|column| (column.declared.as_str(), column.nullable)).collect();
    // SQLite itself writes the types that it knows in capitals.
    assert_eq!(declared, [("INTEGER", true), ("TEXT", false), ("datetime", true), ("numeric", true)]);
    assert_eq!(company.primary_key, ["id"]);
    assert_eq!(seat.primary_key, ["room", "place"]);
    let refers = |column: &str, to_table: &str, to_column: &str| ForeignKey {
        column: column.into(),
        to_table: to_table.into(),
        to_column: to_column.into(),
    };
    assert_eq!(seat.foreign_keys, [refers("person", "person", "email")]);
    assert_eq!(person.foreign_keys.len(), 2);
    assert!(person.foreign_keys.contains(&refers("company", "company", "id")));
    assert!(person.foreign_keys.contains(&refers("boss", "person", "email")));
}

#[tokio::test]
async fn what_is_no_text_is_a_bad_row_that_names_the_column() {
    let shop = Shop::new();
    shop.execute("insert into company values (4, cast(x'ff41' as text), null, null), (5, 'b', x'0102', 7)");
    let rows = promises::read_all(&shop.source(), &table("company")).await;
    assert_eq!(rows.len(), 5);
    let Read::Bad { place, reason, content } = &rows[3] else { panic!("{:?}", rows[3]) };
    assert_eq!(place, "row 4 of company");
    assert!(reason.contains("column name") && reason.contains("UTF-8"), "{reason}");
    assert!(content.contains("\"id\":4"), "{content}");
    let Read::Bad { reason, content, .. } = &rows[4] else { panic!("{:?}", rows[4]) };
    assert!(reason.contains("column founded") && reason.contains("2 bytes"), "{reason}");
    assert!(content.contains("\"worth\":7"), "{content}");
}

#[tokio::test]
async fn a_query_that_yields_no_rows_or_would_write_is_refused() {
    let shop = Shop::new();
    let refused = [
        "delete from company",
        "update company set name = 'x' returning name",
        "attach ':memory:' as other",
        "select 1 as a; select 2 as b",
        "select ?1 as a",
        "select 1 as a, 2 as a",
        "selec",
        "",
    ];
    for sql in refused {
        let error = shop.source().open(&query(sql)).await.err();
        assert!(matches!(error, Some(SourceError::Query { .. })), "{sql}: {error:?}");
    }
    assert_eq!(cells(&shop.source(), &table("company")).await.len(), 3);
}

#[tokio::test]
async fn names_are_quoted_and_a_column_may_be_called_rowid() {
    let shop = Shop::new();
    shop.execute(
        "create table \"odd \"\"name\" (\"a b\", rowid, \"select\"); insert into \"odd \"\"name\" values (1, 2, 3)",
    );
    assert_eq!(cells(&shop.source(), &table("odd \"name")).await, [[Cell::Int(1), Cell::Int(2), Cell::Int(3)]]);
}

#[tokio::test]
async fn a_query_that_breaks_off_is_an_error_and_stays_one() {
    let shop = Shop::new();
    let sql = "select id, abs(case id when 3 then -9223372036854775807 - 1 else id end) as a from company order by id";
    let mut reader = shop.source().open(&query(sql)).await.unwrap();
    assert_eq!(reader.next(2).await.unwrap().len(), 2);
    assert!(matches!(reader.next(2).await, Err(SourceError::Query { .. })));
    assert!(matches!(reader.next(2).await, Err(SourceError::Query { .. })));
}

fn message(path: &Path) -> String {
    let error = SqliteSource::open("shop", path).unwrap_err();
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    format!("{error}: {cause}")
}

#[test]
fn what_cannot_be_opened_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("gone.sqlite");
    assert!(message(&missing).contains("there is no file") && message(&missing).contains("correct the path"));
    assert!(!missing.exists(), "looking for a source makes none");
    assert!(message(folder.path()).contains("is not a file"));
    let text = folder.path().join("text.sqlite");
    std::fs::write(&text, "this is certainly no database, however long it is made by writing on").unwrap();
    assert!(message(&text).contains("not a database"), "{}", message(&text));
}

#[tokio::test]
async fn the_sample_database_has_its_rows() {
    #[expect(clippy::disallowed_methods, reason = "the test is told where the shared data is")]
    let Ok(shared) = std::env::var("LINCHPIN_SHARED") else {
        println!("skipped: LINCHPIN_SHARED does not say where the Chinook database is");
        return;
    };
    let source = SqliteSource::open("chinook", Path::new(&shared).join("data/chinook.sqlite")).unwrap();
    let tables = source.tables().await.unwrap();
    let customer = tables.iter().find(|table| table.name == "Customer").unwrap();
    assert_eq!((customer.rows, customer.primary_key.clone()), (Some(59), vec!["CustomerId".to_owned()]));
    assert_eq!(cells(&source, &table("InvoiceLine")).await.len(), 2240);
}
