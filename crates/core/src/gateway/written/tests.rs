//! What calls touch, and that nothing from before a write is shown after it.

use std::time::Duration;

use linchpin_hubspot::routes;
use proptest::prelude::*;

use super::*;

fn contacts() -> ObjectType {
    ObjectType::new("contacts")
}

fn touched(method: &str, target: &str, body: &str) -> Option<Touched> {
    let method: Method = method.parse().unwrap();
    let route = routes::classify(&method, target.split_once('?').map_or(target, |(path, _)| path));
    touched_by(&method, &route, target, Some(&Bytes::copy_from_slice(body.as_bytes())))
}

fn named(ids: &[u64], reach: Reach) -> Touched {
    Touched { records: ids.iter().copied().map(RecordId).collect(), reach }
}

#[test]
fn a_write_touches_what_it_names() {
    let patch = r#"{"properties":{"city":"Rome","amount":"99"}}"#;
    let rows: [(&str, &str, &str, Option<Touched>); 17] = [
        ("GET", "/crm/v3/objects/contacts/7", "", None),
        ("POST", "/crm/v3/objects/contacts/search", r#"{"limit":7}"#, None),
        ("POST", "/crm/v3/objects/contacts/batch/read", r#"{"inputs":[{"id":"7"}]}"#, None),
        ("PATCH", "/crm/v3/objects/contacts/7", patch, Some(named(&[7], Reach::Named))),
        ("PATCH", "/crm/objects/2026-09/contacts/7", patch, Some(named(&[7], Reach::Named))),
        ("DELETE", "/crm/v3/objects/contacts/7", "", Some(named(&[7], Reach::Named))),
        ("PATCH", "/crm/v3/objects/contacts/a@b.c?idProperty=email", patch, Some(named(&[], Reach::Type(contacts())))),
        ("PATCH", "/crm/v3/objects/contacts/7?idProperty=number", patch, Some(named(&[7], Reach::Type(contacts())))),
        (
            "POST",
            "/crm/v3/objects/contacts/batch/update",
            r#"{"inputs":[{"id":"7","properties":{"a":"1"}},{"id":"8","properties":{}}]}"#,
            Some(named(&[7, 8], Reach::Named)),
        ),
        (
            "POST",
            "/crm/v3/objects/contacts/batch/upsert",
            r#"{"inputs":[{"id":"x","idProperty":"external"}]}"#,
            Some(named(&[], Reach::Type(contacts()))),
        ),
        (
            "POST",
            "/crm/v3/objects/deals",
            r#"{"properties":{"amount":"5"},"associations":[{"to":{"id":"7"},"types":[]}]}"#,
            Some(named(&[7], Reach::Named)),
        ),
        (
            "POST",
            "/crm/v3/objects/contacts/merge",
            r#"{"primaryObjectId":"7","objectIdToMerge":"8"}"#,
            Some(named(&[7, 8], Reach::Type(contacts()))),
        ),
        ("PUT", "/crm/v4/objects/contacts/7/associations/default/companies/9", "", Some(named(&[7, 9], Reach::Named))),
        (
            "POST",
            "/crm/v4/associations/contacts/companies/batch/create",
            r#"{"inputs":[{"from":{"id":"7"},"to":{"id":9}}]}"#,
            Some(named(&[7, 9], Reach::Named)),
        ),
        ("POST", "/crm/v3/imports", "--boundary", Some(named(&[], Reach::Everything))),
        ("POST", "/files/v3/files", "--boundary", None),
        ("POST", "/crm/v3/objects/contacts/batch/update", "not json", Some(named(&[], Reach::Everything))),
    ];
    for (method, target, body, expected) in rows {
        assert_eq!(touched(method, target, body), expected, "{method} {target}");
    }
    let route = routes::classify(&Method::POST, "/crm/v3/objects/contacts/batch/update");
    let unread = touched_by(&Method::POST, &route, "/crm/v3/objects/contacts/batch/update", None);
    assert_eq!(unread, Some(named(&[], Reach::Everything)), "a body that flowed past");
    let upsert = named(&[], Reach::Type(contacts()));
    let answer = Bytes::from_static(br#"{"results":[{"id":"31","properties":{"amount":"5"},"new":false}]}"#);
    assert_eq!(Some(upsert.clone().narrowed(&answer)), Some(named(&[31], Reach::Named)), "its answer tells");
    assert_eq!(upsert.clone().narrowed(&Bytes::new()), upsert, "nothing is told");
}

const TYPES: [&str; 2] = ["contacts", "deals"];

/// What is written: a record by its id, one of a type whose id nobody knows, or anything.
fn target() -> impl Strategy<Value = Touched> {
    prop_oneof![
        6 => (1_u64..5).prop_map(|id| named(&[id], Reach::Named)),
        1 => (0..TYPES.len()).prop_map(|at| named(&[], Reach::Type(ObjectType::new(TYPES[at])))),
        1 => Just(named(&[], Reach::Everything)),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Write(Touched),
    /// It has returned: nobody knows what became of it, or its answer names this record.
    Return(usize, Option<u64>),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => target().prop_map(Step::Write),
        2 => (0_usize..4, prop::option::weighted(0.8, 1_u64..5)).prop_map(|(at, told)| Step::Return(at, told)),
        2 => (0_u64..40).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..80)
}

proptest! {
    /// Of a record that a write may touch, nothing is shown while it is on its way, and nothing afterwards that was asked
    /// for before it had returned.
    #[test]
    fn nothing_from_before_a_write_is_shown_after_it(steps in steps()) {
        let mut written = Written::new(TYPES.map(ObjectType::new));
        let mut now = Mono(1_000_000_000);
        let mut out: Vec<Touched> = Vec::new();
        // The last moment at which a write of a record was on its way, by what it touched in truth.
        let mut last: BTreeMap<(&str, u64), Mono> = BTreeMap::new();
        for step in steps {
            let hits = |touched: &Touched, object_type: &str, id: u64| match &touched.reach {
                Reach::Named => touched.records.contains(&RecordId(id)),
                Reach::Type(of) => of.as_str() == object_type,
                Reach::Everything => true,
            };
            match step {
                Step::Write(touched) => {
                    written.handle_write(&touched);
                    out.push(touched);
                }
                Step::Return(at, told) if at < out.len() => {
                    let touched = out.remove(at);
                    let answer = told.map(|id| Bytes::from(format!(r#"{{"id":"{id}"}}"#))).unwrap_or_default();
                    let turned_out = touched.clone().narrowed(&answer);
                    for (object_type, id) in TYPES.iter().flat_map(|kind| (1..5).map(move |id| (*kind, id))) {
                        // What it named, and what its answer named; of the whole type only if nothing was named.
                        if hits(&turned_out, object_type, id) || turned_out.records.contains(&RecordId(id)) {
                            last.insert((object_type, id), now);
                        }
                    }
                    written.handle_written(&touched, &turned_out, told.is_some(), now);
                }
                Step::Return(..) => {}
                Step::Pass(seconds) => now = now + Duration::from_secs(seconds),
            }
            for (object_type, id) in TYPES.iter().flat_map(|kind| (1..5).map(move |id| (*kind, id))) {
                let allows = |asked| written.allows(&ObjectType::new(object_type), RecordId(id), asked);
                if out.iter().any(|touched| hits(touched, object_type, id)) {
                    prop_assert!(!allows(now + UNSURE * 2), "{object_type} {id} is being written");
                }
                if let Some(last) = last.get(&(object_type, id)) {
                    prop_assert!(!allows(*last) && !allows(*last + Duration::from_secs(1)), "{object_type} {id}");
                }
            }
        }
    }
}

#[test]
fn reads_show_again_once_writes_have_settled() {
    let mut written = Written::new([contacts()]);
    let at = |seconds: u64| Mono(seconds * 1_000_000);
    let allows = |written: &Written, asked| written.allows(&contacts(), RecordId(7), asked);
    assert!(allows(&written, at(0)));
    assert!(!written.allows(&ObjectType::new("deals"), RecordId(7), at(0)), "never shown at all");
    let write = named(&[7], Reach::Named);
    written.handle_write(&write);
    written.handle_write(&write);
    written.handle_written(&write, &write, true, at(10));
    assert!(!allows(&written, at(1_000)), "one is still on its way");
    written.handle_written(&write, &write, false, at(20));
    assert!(!allows(&written, at(19) + UNSURE) && allows(&written, at(20) + UNSURE));
    assert!(written.allows(&contacts(), RecordId(8), at(0)), "others are shown as ever");
    written.handle_past(at(500));
    assert!(!written.allows(&contacts(), RecordId(8), at(619)) && written.allows(&contacts(), RecordId(8), at(620)));
}

#[test]
fn too_many_records_are_forgotten_with_all_that_was_read_before() {
    let mut written = Written::new([contacts()]);
    let count = u64::try_from(RECORDS_MAX).unwrap();
    for id in 1..=count + 1 {
        let write = named(&[id], Reach::Named);
        written.handle_write(&write);
        written.handle_written(&write, &write, true, Mono(id));
    }
    assert_eq!((written.records.len(), written.settled.len()), (RECORDS_MAX, RECORDS_MAX));
    let settled = Mono(1) + SETTLES;
    let before = Mono(settled.0 - 1);
    assert!(
        !written.allows(&contacts(), RecordId(1), before) && !written.allows(&contacts(), RecordId(count + 9), before)
    );
    assert!(written.allows(&contacts(), RecordId(1), settled));
    // What is so old that nothing from before it is ever shown is forgotten without a trace.
    let write = named(&[count + 2], Reach::Named);
    written.handle_write(&write);
    written.handle_written(&write, &write, true, Mono(count) + AGE_MAX + SETTLES + SETTLES);
    assert_eq!(written.records.len(), 1);
}
