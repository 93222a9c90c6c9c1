//! A mapping file from check to apply.

use linchpin::{CancellationToken, Error, Sources, Unwatched};

use crate::{simulator, towards};

const MAPPING: &str = r"
sync:
  entries:
    people:
      source: shop
      table: people
      key: id
      object: contacts
      identity: {unique: email}
      fields: {email: email, city: city}
";

fn shop() -> (tempfile::TempDir, Sources) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.db");
    let database = rusqlite::Connection::open(&path).expect("a database");
    let rows = "create table people (id integer primary key, email text, city text);
        insert into people values (1, 'ada@example.test', 'Oslo'), (2, 'bo@example.test', 'Bergen'), (3, 'no address', 'Oslo');";
    database.execute_batch(rows).expect("rows");
    let sources = Sources::new().sqlite("shop", &path).expect("a source");
    (folder, sources)
}

#[tokio::test]
async fn a_mapping_is_checked_planned_and_applied_and_then_there_is_nothing_to_do() {
    let simulator = simulator().await;
    let hubspot = towards(&simulator).open().await.expect("an open door");
    let (_folder, sources) = shop();
    let sync = hubspot.sync(MAPPING, sources).await.expect("a sound mapping");
    let planned = sync.plan(&Unwatched).await.expect("a plan");
    assert!(hubspot.list("contacts", &[]).all().await.expect("contacts").is_empty(), "a plan writes nothing");
    let applied = sync.apply(planned.run, &Unwatched, &CancellationToken::new()).await.expect("applied");
    assert_eq!((applied.created, applied.rejected), (2, 1));
    let rejected = hubspot.rejected(planned.run, 0, 10).await.expect("rejected rows");
    assert_eq!(rejected.len(), 1);
    assert!(hubspot.unfinished_run().await.expect("runs").is_none());
    let again = sync.plan(&Unwatched).await.expect("a plan");
    assert!(again.plan.is_empty());
    assert_eq!(hubspot.recent_runs(5).await.expect("runs")[0].id, again.run);
    simulator.stop().await;
}

#[tokio::test]
async fn a_wrong_mapping_comes_back_with_every_problem_and_its_place() {
    let simulator = simulator().await;
    let hubspot = towards(&simulator).open().await.expect("an open door");
    let (_folder, sources) = shop();
    let wrong = MAPPING.replace("city: city", "town: city, country: land");
    let Err(error) = hubspot.sync(&wrong, sources.clone()).await else { panic!("the mapping is wrong") };
    assert_eq!(error.code(), "LP0007");
    let Error::Mapping(problems) = error else { panic!("{error}") };
    assert!(problems.iter().all(|problem| problem.line == 10) && problems.len() >= 2, "{problems:?}");
    let Err(error) = hubspot.sync("sync: [", sources).await else { panic!("no YAML") };
    assert_eq!(error.code(), "LP0007");
    let missing = Sources::new().sqlite("shop", "/nowhere/shop.db").err().expect("no such file");
    assert_eq!(missing.code(), "LP0006");
    simulator.stop().await;
}
