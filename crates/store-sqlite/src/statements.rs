//! Every statement is prepared on a fresh schema, and none of them scans or sorts.

use crate::{
    budget, census, changes, dead_letters, events, follow, journal, links, litter, mirror, operations, queue, rejected,
    runs, schema, subscribers, tally,
};

const STATEMENTS: &[(&str, &str)] = &[
    ("budget::LOAD", budget::LOAD),
    ("budget::SAVE", budget::SAVE),
    ("census::ADD", census::ADD),
    ("census::GET", census::GET),
    ("changes::FIND", changes::FIND),
    ("changes::INSERT", changes::INSERT),
    ("changes::DELETE", changes::DELETE),
    ("changes::SETTLED", changes::SETTLED),
    ("changes::SETTLE", changes::SETTLE),
    ("changes::UNSETTLED", changes::UNSETTLED),
    ("dead_letters::LIST", dead_letters::LIST),
    ("dead_letters::COUNT", dead_letters::COUNT),
    ("dead_letters::LETTER", dead_letters::LETTER),
    ("dead_letters::BODIES", dead_letters::BODIES),
    ("dead_letters::EDIT", dead_letters::EDIT),
    ("dead_letters::REPLAY", dead_letters::REPLAY),
    ("dead_letters::REQUEST", dead_letters::REQUEST),
    ("dead_letters::DISCARD", dead_letters::DISCARD),
    ("dead_letters::OLDEST", dead_letters::OLDEST),
    ("events::LAST", events::LAST),
    ("events::INSERT", events::INSERT),
    ("events::DELIVERY", events::DELIVERY),
    ("events::READ", events::READ),
    ("events::OLDEST", events::OLDEST),
    ("events::FORGET", events::FORGET),
    ("events::RECEIVED", events::RECEIVED),
    ("events::FIRST_INSTALL", events::FIRST_INSTALL),
    ("events::NEXT_INSTALL", events::NEXT_INSTALL),
    ("events::SIGNED", events::SIGNED),
    ("events::STRONGEST", events::STRONGEST),
    ("events::ALSO", events::ALSO),
    ("journal::LOAD", journal::LOAD),
    ("journal::SAVE", journal::SAVE),
    ("journal::NEXT_LOG", journal::NEXT_LOG),
    ("journal::COMPARED", journal::COMPARED),
    ("journal::EVENTS", journal::EVENTS),
    ("journal::ADVANCE", journal::ADVANCE),
    ("follow::PLACE", follow::PLACE),
    ("follow::MOVE", follow::MOVE),
    ("follow::KNOWN", follow::KNOWN),
    ("follow::VERSION", follow::VERSION),
    ("follow::REMEMBER", follow::REMEMBER),
    ("follow::WANT", follow::WANT),
    ("follow::UNWANT", follow::UNWANT),
    ("follow::RELEASE", follow::RELEASE),
    ("follow::START", follow::START),
    ("follow::FIRST_DUE", follow::FIRST_DUE),
    ("follow::DUE", follow::DUE),
    ("follow::CLAIM", follow::CLAIM),
    ("follow::WAITING", follow::WAITING),
    ("follow::NEXT_DUE", follow::NEXT_DUE),
    ("links::GET", links::GET),
    ("links::RECORD", links::RECORD),
    ("links::ROW", links::ROW),
    ("links::KEYS", links::KEYS),
    ("links::KEYS_AFTER", links::KEYS_AFTER),
    ("links::UPDATE", links::UPDATE),
    ("links::INSERT", links::INSERT),
    ("links::ASSOCIATIONS", links::ASSOCIATIONS),
    ("links::ASSOCIATE", links::ASSOCIATE),
    ("links::DISSOCIATE", links::DISSOCIATE),
    ("links::DISSOCIATE_ALL", links::DISSOCIATE_ALL),
    ("links::REVISION", links::REVISION),
    ("links::ADVANCE", links::ADVANCE),
    ("litter::MARK", litter::MARK),
    ("litter::NEXT", litter::NEXT),
    ("litter::BOUND", litter::BOUND),
    ("litter::DELETE_OPERATIONS", litter::DELETE_OPERATIONS),
    ("litter::DELETE_PAYLOADS", litter::DELETE_PAYLOADS),
    ("litter::DELETE_LAST_OPERATIONS", litter::DELETE_LAST_OPERATIONS),
    ("litter::DELETE_LAST_PAYLOADS", litter::DELETE_LAST_PAYLOADS),
    ("rejected::FORGET", rejected::FORGET),
    ("litter::UNMARK", litter::UNMARK),
    ("mirror::GET", mirror::GET),
    ("mirror::INSERT", mirror::INSERT),
    ("mirror::UPDATE", mirror::UPDATE),
    ("mirror::ARCHIVE", mirror::ARCHIVE),
    ("mirror::ERASE", mirror::ERASE),
    ("mirror::HIGHEST", mirror::HIGHEST),
    ("operations::ACCEPT", operations::ACCEPT),
    ("operations::LAST_SEQ", operations::LAST_SEQ),
    ("operations::BY_KEY", operations::BY_KEY),
    ("operations::BY_ID", operations::BY_ID),
    ("operations::OPEN", operations::OPEN),
    ("operations::RECENT", operations::RECENT),
    ("operations::SEND", operations::SEND),
    ("operations::PUT_BACK", operations::PUT_BACK),
    ("operations::SENT", operations::SENT),
    ("operations::SETTLE", operations::SETTLE),
    ("operations::DROP", operations::DROP),
    ("operations::FORGET", operations::FORGET),
    ("operations::FREE_KEYS", operations::FREE_KEYS),
    ("queue::FIRST_PACK", queue::FIRST_PACK),
    ("queue::NEXT_DUE", queue::NEXT_DUE),
    ("queue::CANDIDATES", queue::CANDIDATES),
    ("queue::CLAIM", queue::CLAIM),
    ("queue::GET", queue::GET),
    ("queue::SENT", queue::SENT),
    ("queue::KIND", queue::KIND),
    ("queue::SETTLE", queue::SETTLE),
    ("queue::AGAIN", queue::AGAIN),
    ("rejected::LAST_PLACE", rejected::LAST_PLACE),
    ("rejected::INSERT", rejected::INSERT),
    ("rejected::LIST", rejected::LIST),
    ("runs::INSERT", runs::INSERT),
    ("runs::GET", runs::GET),
    ("runs::STATE", runs::STATE),
    ("runs::NEWEST_IN_STATE", runs::NEWEST_IN_STATE),
    ("runs::ALL_IN_STATE", runs::ALL_IN_STATE),
    ("runs::RECENT", runs::RECENT),
    ("runs::ENDED_BEYOND", runs::ENDED_BEYOND),
    ("runs::FORGET", runs::FORGET),
    ("runs::SET_STATE", runs::SET_STATE),
    ("runs::SEAL", runs::SEAL),
    ("runs::LAST_SEQ", runs::LAST_SEQ),
    ("runs::INSERT_OPERATION", runs::INSERT_OPERATION),
    ("runs::INSERT_PAYLOAD", runs::INSERT_PAYLOAD),
    ("subscribers::GET", subscribers::GET),
    ("subscribers::SAVE", subscribers::SAVE),
    ("subscribers::BURY", subscribers::BURY),
    ("subscribers::COUNT", subscribers::COUNT),
    ("subscribers::DEAD", subscribers::DEAD),
    ("subscribers::EXHUME", subscribers::EXHUME),
    ("tally::ADD", tally::ADD),
    ("tally::ALL", tally::ALL),
    ("tally::FORGET", tally::FORGET),
];

#[test]
fn every_statement_is_prepared_on_a_fresh_schema() {
    let connection = schema::open_memory().unwrap();
    for (name, sql) in STATEMENTS {
        if let Err(error) = connection.prepare(sql) {
            panic!("{name}: {error}");
        }
    }
}

#[test]
fn the_table_of_statements_misses_none() {
    let sources = [
        include_str!("budget.rs"),
        include_str!("census.rs"),
        include_str!("changes.rs"),
        include_str!("dead_letters.rs"),
        include_str!("events.rs"),
        include_str!("follow.rs"),
        include_str!("journal.rs"),
        include_str!("links.rs"),
        include_str!("litter.rs"),
        include_str!("mirror.rs"),
        include_str!("operations.rs"),
        include_str!("queue.rs"),
        include_str!("rejected.rs"),
        include_str!("runs.rs"),
        include_str!("subscribers.rs"),
        include_str!("tally.rs"),
    ];
    let written: usize = sources.iter().map(|source| source.matches(": &str = \"").count()).sum();
    assert_eq!(STATEMENTS.len(), written);
    assert!(written < schema::STATEMENTS_MAX, "none is prepared twice");
}

#[test]
fn no_statement_scans_a_table_or_sorts() {
    let connection = schema::open_memory().unwrap();
    for (name, sql) in STATEMENTS {
        let mut explain = connection.prepare(&format!("explain query plan {sql}")).unwrap();
        let blanks = vec![rusqlite::types::Null; explain.parameter_count()];
        let steps = explain.query_map(rusqlite::params_from_iter(blanks), |row| row.get::<_, String>(3)).unwrap();
        for step in steps.map(Result::unwrap) {
            assert!(!step.starts_with("SCAN") && !step.contains("TEMP B-TREE"), "{name}: {step}");
        }
    }
}
