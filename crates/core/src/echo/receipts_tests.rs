//! Receipts, by examples and by an account of what each is for.

use linchpin_hubspot::id::{AppId, Install};
use proptest::prelude::*;

use super::*;

const PORTAL: PortalId = PortalId(7);
const RECORD: RecordId = RecordId(901);
const NOW: Wall = Wall(1_700_000_000_000);

fn later(ms: i64) -> Wall {
    Wall(NOW.0 + ms)
}

fn write(record: Option<RecordId>, values: &[(&str, &str)]) -> Write {
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), Form::of(name, Some(value)))).collect();
    Write { object_type: ObjectType::new("contacts"), record, values }
}

fn city(value: &str) -> Vec<Write> {
    vec![write(Some(RECORD), &[("city", value)])]
}

fn answer(record: RecordId, values: &[(&str, &str)], updated: Wall) -> Answered {
    Answered { record, values: write(None, values).values, updated: Some(updated) }
}

fn event(at: Wall, value: &str) -> Event {
    event_of(RECORD, at, "city", NewValue::Known(value.to_owned()))
}

fn event_of(id: RecordId, at: Wall, name: &str, value: NewValue) -> Event {
    Event {
        // Events come by another app than the token's.
        install: Install { portal: PORTAL, app: AppId(9) },
        number: None,
        subscription: None,
        occurred_at_ms: at.0,
        attempt: 0,
        source: Some("CRM_UI".to_owned()),
        source_id: None,
        change: Change::Property { object_type: ObjectType::new("contacts"), id, name: name.to_owned(), value },
    }
}

/// The caller whose echo it is.
fn judged(receipts: &mut Receipts, event: &Event, now: Wall) -> Option<String> {
    receipts.judge(event, now).map(|(echo, _)| echo.caller)
}

#[test]
fn an_echo_is_known_by_record_property_value_and_time_and_not_by_hints() {
    let mut receipts = Receipts::default();
    let noted = receipts.note(PORTAL, "erp", city("Oslo"), NOW);
    let elsewhere = event_of(RecordId(902), later(50), "city", NewValue::Known("Oslo".to_owned()));
    let other = event_of(RECORD, later(50), "town", NewValue::Known("Oslo".to_owned()));
    let hidden = event_of(RECORD, later(50), "city", NewValue::Hidden);
    let mut stranger = event(later(50), "Oslo");
    stranger.install.portal = PortalId(8);
    for news in [event(later(50), "Rome"), event(later(-3_000), "Oslo"), elsewhere, other, hidden, stranger] {
        assert_eq!(receipts.judge(&news, later(100)), None, "{news:?}");
    }
    // It may come before the answer.
    let (echo, first) = receipts.judge(&event(later(50), "Oslo"), later(100)).unwrap();
    assert_eq!((echo, first), (Echo { caller: "erp".to_owned(), sent_at: NOW }, true));
    receipts.handle_done(&noted, &[answer(RECORD, &[("city", "Oslo")], later(50))], later(200));
    assert!(!receipts.judge(&event(later(50), "Oslo"), later(100)).unwrap().1, "told again, it is the same echo");
}

#[test]
fn a_receipt_is_for_one_change_and_for_the_time_of_its_write() {
    let mut receipts = Receipts::default();
    let noted = receipts.note(PORTAL, "erp", city("Oslo"), NOW);
    receipts.handle_done(&noted, &[], later(200));
    assert_eq!(judged(&mut receipts, &event(later(9_000), "Oslo"), later(9_500)), None, "somebody did it again");
    assert_eq!(judged(&mut receipts, &event(later(50), "Oslo"), later(9_500)).as_deref(), Some("erp"));
    assert_eq!(judged(&mut receipts, &event(later(60), "Oslo"), later(9_500)), None, "there and back");
    // Written twice, it is two changes.
    let again = receipts.note(PORTAL, "erp", city("Oslo"), later(10_000));
    receipts.handle_done(&again, &[], later(10_100));
    assert_eq!(judged(&mut receipts, &event(later(10_050), "Oslo"), later(11_000)).as_deref(), Some("erp"));
}

#[test]
fn of_two_who_wrote_the_same_each_is_told_once() {
    let mut receipts = Receipts::default();
    receipts.note(PORTAL, "erp", city("Oslo"), NOW);
    receipts.note(PORTAL, "crm", city("Oslo"), later(20));
    assert_eq!(judged(&mut receipts, &event(later(50), "Oslo"), later(100)).as_deref(), Some("erp"));
    assert_eq!(judged(&mut receipts, &event(later(90), "Oslo"), later(100)).as_deref(), Some("crm"));
    assert_eq!(judged(&mut receipts, &event(later(95), "Oslo"), later(100)), None);
}

#[test]
fn what_was_surely_not_done_has_no_echo_and_what_nobody_knows_has_one_late() {
    let mut receipts = Receipts::default();
    let refused = receipts.note(PORTAL, "erp", city("Oslo"), NOW);
    receipts.handle_not_done(&refused);
    assert!(receipts.is_empty());
    assert_eq!(judged(&mut receipts, &event(later(50), "Oslo"), later(100)), None);
    receipts.note(PORTAL, "erp", city("Rome"), NOW);
    assert_eq!(judged(&mut receipts, &event(later(60_000), "Rome"), later(61_000)).as_deref(), Some("erp"));
}

#[test]
fn values_as_hubspot_answers_them_are_known_as_well() {
    let mut receipts = Receipts::default();
    let noted = receipts.note(PORTAL, "erp", city("  oslo"), NOW);
    assert_eq!(judged(&mut receipts, &event(later(50), "Oslo"), later(100)), None);
    receipts.handle_done(&noted, &[answer(RECORD, &[("city", "Oslo")], later(50))], later(120));
    assert_eq!(judged(&mut receipts, &event(later(50), "Oslo"), later(200)).as_deref(), Some("erp"));
}

#[test]
fn records_that_only_the_answer_names_are_told_apart_by_their_content() {
    let mut receipts = Receipts::default();
    let writes = ["Oslo", "Rome"].map(|value| write(None, &[("city", value)])).to_vec();
    let noted = receipts.note(PORTAL, "erp", writes, NOW);
    assert!(receipts.is_empty());
    let answers = [("Rome", 2), ("Oslo", 1)].map(|(value, id)| answer(RecordId(id), &[("city", value)], later(50)));
    receipts.handle_done(&noted, &answers, later(100));
    let mut of = |id, value: &str| {
        let event = event_of(RecordId(id), later(50), "city", NewValue::Known(value.to_owned()));
        judged(&mut receipts, &event, later(200))
    };
    assert_eq!((of(1, "Oslo").as_deref(), of(2, "Rome").as_deref()), (Some("erp"), Some("erp")));
    assert_eq!((of(1, "Rome"), of(2, "Oslo")), (None, None));
    // A record that went into another one is told under that one's id, whatever became of its values.
    let merged = receipts.note(PORTAL, "erp", city("Bern"), later(300));
    receipts.handle_done(&merged, &[answer(RecordId(3), &[("city", "BERN")], later(350))], later(400));
    let event = event_of(RecordId(3), later(350), "city", NewValue::Known("BERN".to_owned()));
    assert_eq!(judged(&mut receipts, &event, later(500)).as_deref(), Some("erp"));
}

#[test]
fn receipts_live_for_minutes_and_there_are_only_so_many() {
    let mut receipts = Receipts::default();
    receipts.note(PORTAL, "erp", city("Oslo"), NOW);
    assert_eq!(judged(&mut receipts, &event(later(50), "Oslo"), NOW + LIFE), None, "late is news");
    receipts.note(PORTAL, "erp", Vec::new(), NOW + LIFE);
    assert!(receipts.is_empty());
    for id in 1..=RECEIPTS_MAX as u64 + 1 {
        receipts.note(PORTAL, "erp", vec![write(Some(RecordId(id)), &[("city", "Oslo")])], NOW);
    }
    assert_eq!(receipts.len(), RECEIPTS_MAX);
    let of = |id| event_of(RecordId(id), later(50), "city", NewValue::Known("Oslo".to_owned()));
    assert_eq!(judged(&mut receipts, &of(1), later(100)), None, "the oldest goes first");
    assert_eq!(judged(&mut receipts, &of(2), later(100)).as_deref(), Some("erp"));
}

#[test]
fn what_a_caller_has_brought_about_is_known_once_it_is_answered() {
    let (mut receipts, erp) = (Receipts::default(), BTreeSet::from(["erp".to_owned()]));
    let record = (PORTAL, ObjectType::new("contacts"), RECORD);
    for (caller, value, sent) in [("erp", "Oslo", 0), ("erp", "Rome", 1_000), ("crm", "Bern", 2_000)] {
        let noted = receipts.note(PORTAL, caller, city(value), later(sent));
        let before = receipts.stands(&record, "city", &erp, later(sent));
        assert!(before.iter().all(|stand| stand.sent < later(sent)), "not before it is answered");
        receipts.handle_done(&noted, &[answer(RECORD, &[("city", value)], later(sent + 50))], later(sent + 100));
    }
    let stand =
        |value, sent: i64| Stand { sent: later(sent), landed: later(sent + 50), value: Form::of("city", Some(value)) };
    assert_eq!(receipts.stands(&record, "city", &erp, later(3_000)), [stand("Oslo", 0), stand("Rome", 1_000)]);
    assert_eq!(receipts.stands(&record, "town", &erp, later(3_000)), []);
    assert_eq!(receipts.stands(&record, "city", &erp, NOW + LIFE), [stand("Rome", 1_000)]);
}

#[derive(Clone, Debug)]
enum Step {
    Write { caller: u8, value: u8, took: i64 },
    Person { value: u8 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_u8..2, 0_u8..3, 1_i64..400).prop_map(|(caller, value, took)| Step::Write { caller, value, took }),
        (0_u8..3).prop_map(|value| Step::Person { value }),
    ]
}

proptest! {
    /// Seconds lie between the steps: beyond the clocks' skew nothing is left to luck. Every change by a caller is its
    /// echo, whatever the order in which events come, and every change by a person is news.
    #[test]
    fn with_time_between_them_each_change_is_its_makers(
        steps in prop::collection::vec(step(), 1..12),
        order in prop::collection::vec(any::<prop::sample::Index>(), 24),
    ) {
        let (mut receipts, mut value, mut changes) = (Receipts::default(), None, Vec::new());
        for (nth, step) in (0..).zip(&steps) {
            let sent = later(nth * 5_000);
            let (new, maker) = match step {
                Step::Write { caller, value, took } => {
                    let name = format!("caller {caller}");
                    let noted = receipts.note(PORTAL, &name, city(&value.to_string()), sent);
                    receipts.handle_done(&noted, &[], Wall(sent.0 + took));
                    (*value, Some(name))
                }
                Step::Person { value } => (*value, None),
            };
            // What changes nothing is not told.
            if value.replace(new) != Some(new) {
                changes.push((event(Wall(sent.0 + 1), &new.to_string()), maker));
            }
        }
        let end = later(12 * 5_000);
        let mut told = changes.clone();
        for index in order.iter().filter(|_| !changes.is_empty()) {
            let again = changes[index.index(changes.len())].clone();
            told.insert(index.index(told.len() + 1), again);
        }
        for (event, maker) in &told {
            prop_assert_eq!(&judged(&mut receipts, event, end), maker);
        }
    }
}
