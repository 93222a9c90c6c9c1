//! CSV files as a source.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use linchpin_core::sync::row::Cell;
use linchpin_ports::conformance::source as promises;
use linchpin_ports::source::{Read, Select, Source, SourceError};
use linchpin_sources::{CsvOptions, CsvSource, Empty, Executor, Header};
use proptest::prelude::*;
use tempfile::TempDir;

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn table(name: &str) -> Select {
    Select::Table(name.to_owned())
}

async fn read_with(content: &[u8], options: CsvOptions) -> Vec<Read> {
    let folder = folder(&[("t.csv", content)]);
    let source = CsvSource::open("files", folder.path().join("t.csv"), options).unwrap();
    promises::read_all(&source, &table("t")).await
}

async fn read(content: &[u8]) -> Vec<Read> {
    read_with(content, CsvOptions::default()).await
}

/// Rows as texts, bad ones as their place and reason.
fn shown(reads: &[Read]) -> Vec<String> {
    reads
        .iter()
        .map(|read| match read {
            Read::Row(row) => {
                let cells: Vec<String> =
                    row.iter().map(|(_, cell)| cell.to_text().unwrap_or_else(|| "-".into())).collect();
                cells.join("|")
            }
            Read::Bad { place, reason, .. } => format!("{place}: {reason}"),
        })
        .collect()
}

async fn refusal(content: &[u8], options: CsvOptions) -> String {
    let folder = folder(&[("t.csv", content)]);
    let source = CsvSource::open("files", folder.path(), options).unwrap();
    let error = source.open(&table("t")).await.err().expect("the file is refused");
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    format!("{error}: {cause}")
}

#[tokio::test]
async fn it_keeps_what_every_source_promises() {
    let folder = folder(&[("b.csv", b"x,y\n1,2\n3,4\n5\n"), ("a.CSV", b"z\n"), ("notes.txt", b"no table")]);
    for executor in [Executor::Threads, Executor::Inline] {
        let source = CsvSource::open("files", folder.path(), CsvOptions::default()).unwrap().with_executor(executor);
        promises::tables_are_in_order_and_readable(&source).await;
        promises::an_unknown_table_names_the_known_ones(&source).await;
        for select in [table("a"), table("b")] {
            promises::rows_come_in_the_same_order_twice(&source, &select).await;
            promises::the_end_stays_the_end(&source, &select).await;
            promises::rows_have_the_columns_told(&source, &select).await;
        }
        let names: Vec<String> = source.tables().await.unwrap().into_iter().map(|table| table.name).collect();
        assert_eq!(names, ["a", "b"]);
    }
}

#[tokio::test]
async fn values_stay_text_and_quotes_are_undone() {
    let content = b"\xef\xbb\xbfid,name\r\n007,\"M\xc3\xbcller, \"\"Hans\"\"\"\r\n\r\n8,\"two\r\nlines\"\n9, spaces \n";
    let reads = read(content).await;
    assert_eq!(shown(&reads), ["007|Müller, \"Hans\"", "8|two\r\nlines", "9| spaces "]);
    let Read::Row(row) = &reads[0] else { panic!("a row") };
    assert_eq!(row.get("id"), Some(&Cell::Text("007".into())), "the mark at the beginning is no part of the name");
}

#[tokio::test]
async fn an_empty_field_is_null_or_text_as_told() {
    assert_eq!(shown(&read(b"a,b\n,\"\"\n").await), ["-|-"]);
    let options = CsvOptions { empty: Empty::Text, ..CsvOptions::default() };
    assert_eq!(shown(&read_with(b"a,b\n,\"\"\n", options).await), ["|"]);
}

#[tokio::test]
async fn delimiter_and_missing_header_are_options() {
    let options = CsvOptions { delimiter: b';', header: Header::None, ..CsvOptions::default() };
    let reads = read_with(b"1;2,5\n3;4\n", options).await;
    assert_eq!(shown(&reads), ["1|2,5", "3|4"]);
    let Read::Row(row) = &reads[0] else { panic!("a row") };
    assert_eq!(row.columns().to_vec(), ["column1", "column2"]);
}

#[tokio::test]
async fn what_is_no_row_is_reported_with_its_line() {
    let reads = read(b"a,b\n1,2\n3\n4,5,6\n\"x\ny\",7\n\xff,8\n\"q\"r,9\n10,11\n12,\"open\n13,14\n").await;
    assert_eq!(
        shown(&reads),
        [
            "1|2",
            "line 3: the line has 1 fields, but there are 2 columns",
            "line 4: the line has 3 fields, but there are 2 columns",
            "x\ny|7",
            "line 7: column a holds text that is not valid UTF-8",
            "line 8: text follows the closing quote of field 1",
            "10|11",
            "line 10: the quote that opens in line 10 is never closed",
        ]
    );
    let Read::Bad { content, .. } = &reads[7] else { panic!("a bad line") };
    assert_eq!(content, "12,\"open\n13,14\n");
}

#[tokio::test]
async fn a_record_without_end_is_cut_and_reported() {
    let mut content = b"a,b\n1,\"".to_vec();
    content.resize(6 << 20, b'x');
    content.extend(b"\"\n2,3\n");
    let shown = shown(&read(&content).await);
    assert_eq!(shown.len(), 2);
    assert!(shown[0].starts_with("line 2: the record is longer than"), "{}", shown[0]);
    assert_eq!(shown[1], "2|3");
}

#[tokio::test]
async fn a_header_that_names_no_columns_is_refused() {
    let default = CsvOptions::default;
    assert!(refusal(b"a,b,a\n1,2,3\n", default()).await.contains("two columns \"a\""));
    assert!(refusal(b"", default()).await.contains("is empty"));
    assert!(refusal(b"\xff\xfea\0", default()).await.contains("UTF-16"));
    assert!(refusal(b"\"a,b\n", default()).await.contains("never closed"));
    assert!(refusal(b"a\xff\n", default()).await.contains("column 1 is not valid UTF-8"));
}

#[tokio::test]
async fn an_empty_file_without_a_header_has_no_rows() {
    let options = CsvOptions { header: Header::None, ..CsvOptions::default() };
    assert_eq!(read_with(b"", options).await, []);
}

#[tokio::test]
async fn a_query_is_refused() {
    let folder = folder(&[("t.csv", b"a\n")]);
    let source = CsvSource::open("files", folder.path(), CsvOptions::default()).unwrap();
    let error = source.open(&Select::Query("select 1".into())).await.err();
    assert!(matches!(error, Some(SourceError::Query { .. })), "{error:?}");
}

#[test]
fn what_cannot_be_opened_says_what_to_do() {
    let folder = folder(&[("notes.txt", b"")]);
    let message = |path: std::path::PathBuf, options| {
        let error = CsvSource::open("files", path, options).unwrap_err();
        std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default()
    };
    let default = CsvOptions::default();
    assert!(message(folder.path().join("gone"), default).contains("correct the path"));
    assert!(message(folder.path().to_path_buf(), default).contains("no .csv file"));
    let quote = CsvOptions { delimiter: b'"', ..default };
    assert!(message(folder.path().to_path_buf(), quote).contains("delimiter"));
}

/// The records of a content, as an independent parser counts and reads them.
fn reference(content: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(content);
    let mut record = csv::ByteRecord::new();
    let mut records = Vec::new();
    while reader.read_byte_record(&mut record).unwrap() {
        records.push(record.iter().map(<[u8]>::to_vec).collect());
    }
    records
}

fn csv_bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => prop::sample::select(b",\"\n\r".to_vec()),
        2 => prop::sample::select(b"ab 7".to_vec()),
        1 => any::<u8>(),
    ];
    prop::collection::vec(byte, 0..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_record_is_lost_whatever_the_bytes_are(content in csv_bytes()) {
        let utf16 = content.starts_with(&[0xff, 0xfe]) || content.starts_with(&[0xfe, 0xff]);
        prop_assume!(!utf16);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let options = CsvOptions { header: Header::None, empty: Empty::Text, ..CsvOptions::default() };
        let reads = runtime.block_on(read_with(&content, options));
        let records = reference(&content);
        prop_assert_eq!(reads.len(), records.len());
        for (read, record) in reads.iter().zip(&records) {
            if let Read::Row(row) = read {
                let cells: Vec<Vec<u8>> =
                    row.iter().map(|(_, cell)| cell.to_text().unwrap().into_bytes()).collect();
                prop_assert_eq!(&cells, record);
            }
        }
    }
}
