//! The file that keeps a simulator's state, from outside.

use http::StatusCode;
use linchpin_simulator::{InProcess, SimOptions, SnapshotError, StartError, StartFile};
use serde_json::{Value, json};

use crate::{CONTACTS, NOON, desk, get, json, lines, options, post};

fn with_file(folder: &tempfile::TempDir) -> SimOptions {
    let mut options = SimOptions { state: Some(folder.path().join("account.snapshot")), ..options() };
    options.start =
        StartFile::parse(r#"{"seed":{"contacts":5,"companies":2,"associate":true}}"#).expect("it can be read");
    options
}

async fn make(desk: &InProcess, email: &str) -> Value {
    json(&desk.call(post(CONTACTS, &json!({"properties": {"email": email}}))).await.expect("an answer"))
}

#[tokio::test(start_paused = true)]
async fn a_simulator_that_starts_again_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let options = with_file(&folder);
    let first = desk(&options);
    make(&first, "one@x.test").await;
    first.call(post("/_control/clock", &json!({"advance_ms": 86_400_000}))).await.unwrap();
    let saved = json(&first.call(post("/_control/snapshot", &Value::Null)).await.unwrap());
    assert_eq!((&saved["records"], saved["bytes"].as_u64().unwrap() > 1_000), (&json!(8), true));
    let next = make(&first, "next@x.test").await;
    first.stop().await;

    let second = desk(&options);
    let clock = json(&second.call(get("/_control/clock")).await.unwrap());
    assert_eq!(clock["now"], "2025-11-22T12:00:00Z");
    assert_eq!(lines(&second.call(get("/_control/dump/contacts")).await.unwrap()).len(), 6, "nothing is seeded twice");
    let again = make(&second, "next@x.test").await;
    assert_eq!(again["id"], next["id"]);
    let report = second.save().await.unwrap();
    assert_eq!(report.records, 9);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left in the folder");

    let reader = SimOptions { restore: options.state.clone(), state: None, ..options.clone() };
    let third = desk(&reader);
    assert_eq!(lines(&third.call(get("/_control/dump/contacts")).await.unwrap()).len(), 7);
    let refused = third.call(post("/_control/snapshot", &Value::Null)).await.unwrap();
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert!(json(&refused)["error"].as_str().unwrap().contains("--state"));
}

#[tokio::test(start_paused = true)]
async fn no_token_is_in_the_file_and_a_bad_file_is_no_start() {
    let folder = tempfile::tempdir().unwrap();
    let options = with_file(&folder);
    let path = options.state.clone().unwrap();
    let desk = desk(&options);
    desk.save().await.unwrap();
    let file = std::fs::read(&path).unwrap();
    assert!(!file.windows(crate::TOKEN.len()).any(|part| part == crate::TOKEN.as_bytes()));
    std::fs::write(&path, &file[..file.len() / 2]).unwrap();
    let error = InProcess::start(&options, NOON).unwrap_err();
    assert!(matches!(&error, StartError::Restore { source: SnapshotError::Short { .. }, .. }), "{error}");
    std::fs::remove_file(&path).unwrap();
    let reader = SimOptions { restore: Some(path.clone()), state: None, ..options.clone() };
    let error = InProcess::start(&reader, NOON).unwrap_err();
    assert!(matches!(&error, StartError::Restore { source: SnapshotError::Missing, .. }), "{error}");
    let both = SimOptions { restore: Some(path), ..options };
    assert!(matches!(InProcess::start(&both, NOON).unwrap_err(), StartError::RestoreAndState));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_written_leaves_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = with_file(&folder);
    options.state = Some(folder.path().join("no such folder").join("account.snapshot"));
    let desk = desk(&options);
    let failed = desk.call(post("/_control/snapshot", &Value::Null)).await.unwrap();
    assert_eq!(failed.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(json(&failed)["error"].as_str().unwrap().contains("cannot be written: "));
}
