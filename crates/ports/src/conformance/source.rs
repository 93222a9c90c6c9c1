//! What every source promises.

#![expect(clippy::panic, reason = "a conformance test fails by panicking")]

use crate::source::{Read, RowReader, Select, Source, SourceError};

/// Everything that a reader yields, in chunks of at most `max`.
///
/// # Panics
/// When the source fails or gives more than it was asked for.
pub async fn drain(reader: &mut dyn RowReader, max: usize) -> Vec<Read> {
    let mut all = Vec::new();
    loop {
        let chunk = reader.next(max).await.expect("the source yields rows");
        assert!(chunk.len() <= max, "{} rows for at most {max}", chunk.len());
        if chunk.is_empty() {
            return all;
        }
        all.extend(chunk);
    }
}

/// Everything that a selection yields.
///
/// # Panics
/// When the source fails.
pub async fn read_all(source: &dyn Source, select: &Select) -> Vec<Read> {
    let mut reader = source.open(select).await.expect("the selection opens");
    drain(reader.as_mut(), 1000).await
}

/// Two readers over unchanged data yield the rows in the same order, whatever the size of the chunks.
///
/// # Panics
/// When they do not.
pub async fn rows_come_in_the_same_order_twice(source: &dyn Source, select: &Select) {
    let first = read_all(source, select).await;
    for max in [1, 2, 7] {
        let mut reader = source.open(select).await.expect("the selection opens");
        assert_eq!(drain(reader.as_mut(), max).await, first, "chunks of {max}");
    }
}

/// Empty at the end, and from then on.
///
/// # Panics
/// When rows appear after the end.
pub async fn the_end_stays_the_end(source: &dyn Source, select: &Select) {
    let mut reader = source.open(select).await.expect("the selection opens");
    drain(reader.as_mut(), 3).await;
    for _ in 0..3 {
        assert_eq!(reader.next(3).await.expect("the end is no error"), []);
    }
}

/// The columns told are those that the rows have.
///
/// # Panics
/// When they differ.
pub async fn rows_have_the_columns_told(source: &dyn Source, select: &Select) {
    let columns = source.columns(select).await.expect("the columns are told");
    for read in read_all(source, select).await {
        if let Read::Row(row) = read {
            assert_eq!(row.columns().to_vec(), columns);
        }
    }
}

/// Tables come in the order of their names, and each can be read.
///
/// # Panics
/// When they do not or cannot.
pub async fn tables_are_in_order_and_readable(source: &dyn Source) {
    let tables = source.tables().await.expect("the tables are told");
    assert!(tables.is_sorted_by(|a, b| a.name < b.name), "{tables:?}");
    for table in tables {
        let columns: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
        let select = Select::Table(table.name);
        assert_eq!(source.columns(&select).await.expect("the columns are told"), columns);
        read_all(source, &select).await;
    }
}

/// A table that is not there is refused with the names of those that are.
///
/// # Panics
/// When it is not.
pub async fn an_unknown_table_names_the_known_ones(source: &dyn Source) {
    let select = Select::Table("no such table".to_owned());
    let tables = source.tables().await.expect("the tables are told");
    for error in [source.open(&select).await.err(), source.columns(&select).await.err()] {
        let Some(SourceError::NoTable { known, table, .. }) = error else {
            panic!("not refused as unknown: {error:?}")
        };
        assert_eq!(table, "no such table");
        for table in &tables {
            assert!(known.contains(&table.name), "{known} lacks {}", table.name);
        }
    }
}

/// All rows of one reader belong to the moment of its opening, whatever `change` does to the source meanwhile.
///
/// # Panics
/// When the change shows.
pub async fn rows_are_of_one_moment(source: &dyn Source, select: &Select, change: impl FnOnce()) {
    let before = read_all(source, select).await;
    let mut unread = source.open(select).await.expect("the selection opens");
    let mut begun = source.open(select).await.expect("the selection opens");
    let mut seen = begun.next(1).await.expect("the source yields rows");
    change();
    seen.extend(drain(begun.as_mut(), 2).await);
    assert_eq!(seen, before, "a reader that had begun");
    assert_eq!(drain(unread.as_mut(), 2).await, before, "a reader that was only open");
    assert_ne!(read_all(source, select).await, before, "the change is to be one of these rows");
}
