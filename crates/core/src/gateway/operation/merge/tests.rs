//! Changes that are sent as one leave what they leave one after the other.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::gateway::operation::{Board, Move, Progress, State, WriteId};
use crate::time::{Mono, Wall};

const RECORD: &str = "/crm/v3/objects/contacts/901";

fn write(target: &str, body: &Value) -> Write {
    Write {
        id: WriteId("1".to_owned()),
        caller: "billing".to_owned(),
        key: None,
        digest: [0; 32],
        acknowledged: true,
        request: Request {
            lane: Lane::Bulk,
            deadline_ms: None,
            method: "PATCH".to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Bytes::from(body.to_string()),
        },
        accepted: Wall(0),
        state: State::Accepted,
        progress: Progress::default(),
        dead: None,
    }
}

fn change(properties: &Value) -> Write {
    write(RECORD, &json!({ "properties": properties }))
}

/// The request for all of them, if they go as one.
fn merged(writes: &[Write]) -> Option<Request> {
    let mut merge = Merge::new(&writes[0]);
    writes[1..].iter().all(|write| merge.add(write)).then(|| merge.into_request())
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

#[test]
fn the_last_value_of_each_property_is_sent_as_it_was_written() {
    let raw = |text: &'static str| {
        let mut raw = change(&json!({}));
        raw.request.body = Bytes::from_static(text.as_bytes());
        raw
    };
    let writes = [
        raw(r#"{"properties":{"city":"Graz","amount":1.50,"zip":null}}"#),
        raw(r#"{"properties":{"city":"","na\u006de":"x"}}"#),
        raw(r#"{ "properties" : { "zip" : "8010" } }"#),
    ];
    let request = merged(&writes).unwrap();
    assert_eq!(request.body, r#"{"properties":{"amount":1.50,"city":"","name":"x","zip":"8010"}}"#);
    assert_eq!((request.method.as_str(), request.target.as_str()), ("PATCH", RECORD));
}

#[test]
fn what_leaves_more_than_its_last_value_goes_alone() {
    let plain = change(&json!({"city": "Graz"}));
    assert!(merged(&[plain.clone(), plain.clone()]).is_some());
    let with = |alter: fn(&mut Write)| {
        let mut other = plain.clone();
        alter(&mut other);
        other
    };
    let ways = KEPT_WAYS.iter().map(|name| change(&json!({"city": "Graz", *name: "x"})));
    let others = [
        change(&json!({"colours": ";red"})),
        change(&json!({"colours": ["red"]})),
        change(&json!({})),
        write(RECORD, &json!({"properties": {"city": "Graz"}, "associations": []})),
        write("/crm/v3/objects/contacts/901?idProperty=email", &json!({"properties": {"city": "Graz"}})),
        write("/crm/v3/objects/contacts/ana%40example.test", &json!({"properties": {"city": "Graz"}})),
        write("/crm/v3/objects/contacts/batch/update", &json!({"properties": {"city": "Graz"}})),
        with(|write| write.acknowledged = false),
        with(|write| write.request.method = "DELETE".to_owned()),
        with(|write| write.request.method = "POST".to_owned()),
        with(|write| write.request.body = Bytes::from_static(br#"{"properties":{"a":"1","a":"2"}}"#)),
    ];
    for other in ways.chain(others) {
        assert_eq!(merged(&[plain.clone(), other.clone()]), None, "{:?}", other.request.body);
        assert_eq!(merged(&[other.clone(), plain.clone()]), None, "{:?}", other.request.body);
        assert_eq!(merged(std::slice::from_ref(&other)), Some(other.request), "alone it is as it was");
    }
    for other in [
        with(|write| write.caller = "nightly".to_owned()),
        with(|write| write.request.lane = Lane::Interactive),
        with(|write| write.request.target = "/crm/v3/objects/contacts/902".to_owned()),
        with(|write| write.request.target = "/crm/objects/2026-03/contacts/901".to_owned()),
    ] {
        assert!(Likeness::of(&other).is_some());
        assert_eq!(merged(&[plain.clone(), other]), None, "they are not alike");
    }
}

/// What a HubSpot keeps of one record: values, the ways that some of them went, and what else happened.
#[derive(Debug, Default, PartialEq, Eq)]
struct Kept {
    values: BTreeMap<String, String>,
    ways: Vec<(String, String)>,
}

impl Kept {
    fn handle(&mut self, request: &Request) {
        if request.method == "DELETE" {
            self.values.clear();
            self.ways.push(("archived".to_owned(), String::new()));
            return;
        }
        let body = body(request);
        for (name, value) in body["properties"].as_object().unwrap() {
            let value = value.as_str().unwrap();
            let kept = self.values.entry(name.clone()).or_default();
            if KEPT_WAYS.contains(&name.as_str()) && *kept != value {
                self.ways.push((name.clone(), value.to_owned()));
            }
            *kept = if value.starts_with(';') { format!("{kept}{value}") } else { value.to_owned() };
        }
    }

    /// HubSpot refuses a value, and with it all that stands beside it.
    fn refuses(request: &Request) -> bool {
        request.method == "PATCH" && body(request)["properties"]["age"] == json!("bad")
    }
}

fn writes() -> impl Strategy<Value = Vec<(Write, bool)>> {
    let property = prop_oneof![
        3 => (Just("city"), prop_oneof!["[abc]", Just(String::new())]),
        2 => (Just("zip"), "[1-3]"),
        1 => (Just("dealstage"), "[xyz]"),
        1 => (Just("colours"), ";?[rgb]"),
        1 => (Just("age"), Just("bad".to_owned())),
    ];
    let properties = proptest::collection::vec(property, 1..4);
    let one = (properties, 0..8_u8, any::<bool>(), any::<bool>()).prop_map(|(properties, kind, waits, fails)| {
        let named: BTreeMap<&str, String> = properties.into_iter().collect();
        let mut write = change(&json!(named));
        write.acknowledged = kind != 0 || !waits;
        if kind == 1 {
            write.request.method = "DELETE".to_owned();
            write.request.body = Bytes::new();
        }
        if kind == 2 {
            write.caller = "nightly".to_owned();
        }
        (write, fails)
    });
    proptest::collection::vec(one, 1..24)
}

proptest! {
    #[test]
    fn merged_changes_leave_what_they_leave_one_after_the_other(writes in writes(), at_once in 1..12_usize) {
        let mut alone = Kept::default();
        for (write, _) in &writes {
            if !Kept::refuses(&write.request) {
                alone.handle(&write.request);
            }
        }
        let (mut together, mut board, mut ended, mut fails) = (Kept::default(), Board::default(), Vec::new(), Vec::new());
        let (mut coming, mut seq, mut calls) = (writes.iter(), 0, 0);
        let at = |seq: u64| &writes[usize::try_from(seq).unwrap()].0;
        loop {
            for (write, first_try_fails) in coming.by_ref().take(at_once) {
                board.add(seq, &Write { id: WriteId(seq.to_string()), ..write.clone() }, true);
                fails.push(*first_try_fails);
                seq += 1;
            }
            let Move::Start(starts) = board.next(Mono(0)) else { break };
            let mut merge = Merge::new(at(starts[0].seq));
            let more = starts[1..].iter().take_while(|start| merge.add(at(start.seq))).count();
            let (starts, not_sent) = starts.split_at(1 + more);
            let request = merge.into_request();
            calls += 1;
            let refused = Kept::refuses(&request);
            let first = usize::try_from(starts[0].seq).unwrap();
            // A try that came to nothing, after which all go again.
            let failed = std::mem::take(&mut fails[first]);
            if !refused && !failed {
                together.handle(&request);
            }
            for start in not_sent {
                board.handle_not_sent(start.seq);
            }
            for start in starts {
                match (failed, refused && starts.len() > 1) {
                    (true, _) => board.handle_again(start.seq, Duration::ZERO, Mono(0)),
                    (false, true) => board.handle_alone(start.seq, Mono(0)),
                    (false, false) => {
                        board.handle_end(start.seq);
                        ended.push(start.seq);
                    }
                }
            }
        }
        prop_assert_eq!(together, alone);
        prop_assert!(ended.iter().copied().eq(0..writes.len() as u64), "each ends once, in order: {:?}", ended);
        prop_assert!(calls <= 3 * writes.len());
    }
}

#[test]
fn what_waits_goes_as_one_call_and_no_more_than_a_hundred() {
    let mut board = Board::default();
    let plain = change(&json!({"city": "Graz"}));
    for seq in 0..=MERGED_MAX as u64 + 1 {
        board.add(seq, &Write { id: WriteId(seq.to_string()), ..plain.clone() }, true);
    }
    let Move::Start(first) = board.next(Mono(0)) else { panic!("they are due") };
    assert_eq!(first.len(), MERGED_MAX);
    assert_eq!(board.next(Mono(0)), Move::Idle, "the rest waits for them");
    for start in first {
        board.handle_end(start.seq);
    }
    assert!(matches!(board.next(Mono(0)), Move::Start(rest) if rest.len() == 2));
}
