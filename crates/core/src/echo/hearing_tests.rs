//! What is heard, in the orders in which writes and people's changes can cross.

use std::time::Duration;

use super::*;

fn place() -> Place {
    (ObjectType::new("contacts"), RecordId(901), "city".to_owned())
}

fn form(value: &str) -> Form {
    Form::of("city", Some(value))
}

fn stand(sent: i64, landed: i64, value: &str) -> Stand {
    Stand { sent: Wall(sent), landed: Wall(landed), value: form(value) }
}

/// What is told of a change; with the moment at which its write left, it is an echo.
struct Case<'a>(&'a str, i64, Option<i64>);

fn hears(hearing: &mut Hearing, Case(value, at, sent): Case<'_>, stands: &[Stand], now: i64) -> bool {
    let echo = sent.map(|sent| Echo { caller: "erp".to_owned(), sent_at: Wall(sent) });
    let mut ahead = hearing.ahead();
    let heard = ahead.hears(Told { place: place(), value: form(value), at: Wall(at), echo: echo.as_ref() }, stands);
    let found = ahead.found();
    hearing.handle_heard(found, Wall(now));
    heard
}

fn erp() -> Hearing {
    Hearing::new(["erp".to_owned()].into(), Wall(0))
}

#[test]
fn an_echo_is_left_out_and_news_are_heard() {
    let mut hearing = erp();
    assert!(!hears(&mut hearing, Case("Oslo", 11, Some(10)), &[], 20));
    assert!(hears(&mut hearing, Case("Rome", 30, None), &[], 31));
    // Somebody else's echo is news.
    let echo = Echo { caller: "crm".to_owned(), sent_at: Wall(40) };
    let told = Told { place: place(), value: form("Bern"), at: Wall(41), echo: Some(&echo) };
    assert!(hearing.ahead().hears(told, &[]));
}

#[test]
fn whoever_heard_of_an_older_change_after_it_wrote_hears_of_its_write() {
    let mut hearing = erp();
    // Sent at 10; Rome at 9 was heard at 15; it landed at 11.
    assert!(hears(&mut hearing, Case("Rome", 9, None), &[], 15));
    assert!(hears(&mut hearing, Case("Oslo", 11, Some(10)), &[], 20));
    // A newer change that was heard says the last word; so does the same value.
    for (value, at) in [("Rome", 12), ("Oslo", 9)] {
        let mut hearing = erp();
        assert!(hears(&mut hearing, Case(value, at, None), &[], 15));
        assert!(!hears(&mut hearing, Case("Oslo", 11, Some(10)), &[], 20), "{value}");
    }
    // So does one that was heard before the write left.
    let mut hearing = erp();
    assert!(hears(&mut hearing, Case("Rome", 5, None), &[], 8));
    assert!(!hears(&mut hearing, Case("Oslo", 11, Some(10)), &[], 20));
}

#[test]
fn a_change_that_an_own_write_has_overtaken_is_left_out() {
    // The answer said so.
    let mut hearing = erp();
    assert!(!hears(&mut hearing, Case("Rome", 9, None), &[stand(10, 11, "Oslo")], 15));
    assert!(!hears(&mut hearing, Case("Rome", 8, None), &[], 15), "the receipt is forgotten, and this is older still");
    assert!(hears(&mut hearing, Case("Rome", 11, None), &[stand(10, 11, "Oslo")], 16), "at one moment nobody knows");
    // The echo came first.
    let mut hearing = erp();
    assert!(!hears(&mut hearing, Case("Oslo", 11, Some(10)), &[], 14));
    assert!(!hears(&mut hearing, Case("Rome", 9, None), &[], 15));
    assert!(hears(&mut hearing, Case("Rome", 12, None), &[], 16));
    // Whoever has meanwhile heard of something older stands there no more.
    let mut hearing = erp();
    assert!(hears(&mut hearing, Case("Rome", 9, None), &[], 12));
    assert!(hears(&mut hearing, Case("Bern", 10, None), &[stand(10, 11, "Oslo")], 15));
}

#[test]
fn a_write_that_came_late_is_heard() {
    // Its answer was lost, the next one was done at 21, and then it came.
    let mut hearing = erp();
    assert!(hears(&mut hearing, Case("Oslo", 30, Some(10)), &[stand(10, 30, "Oslo"), stand(20, 21, "Rome")], 31));
    assert!(!hears(&mut hearing, Case("Oslo", 12, Some(11)), &[stand(20, 21, "Rome")], 32), "in good order it is not");
}

#[test]
fn what_is_being_delivered_counts_as_heard_after_everything() {
    let hearing = erp();
    let mut ahead = hearing.ahead();
    let echo = Echo { caller: "erp".to_owned(), sent_at: Wall(10) };
    let told = |value: &str, at| Told { place: place(), value: form(value), at: Wall(at), echo: None };
    assert!(ahead.hears(told("Rome", 9), &[]));
    assert!(ahead.hears(Told { echo: Some(&echo), ..told("Oslo", 11) }, &[]), "both travel in one delivery");
    // Looking alone changes nothing.
    assert!(!hearing.ahead().hears(Told { echo: Some(&echo), ..told("Oslo", 11) }, &[]));
}

#[test]
fn what_nobody_remembers_is_heard() {
    let mut hearing = Hearing::new(["erp".to_owned()].into(), Wall(100));
    assert!(hears(&mut hearing, Case("Oslo", 51, Some(50)), &[], 110), "sent before a restart");
    let mut hearing = erp();
    for id in 0..=HEARD_MAX as u64 {
        let place = (ObjectType::new("contacts"), RecordId(id), "city".to_owned());
        let mut ahead = hearing.ahead();
        assert!(ahead.hears(Told { place, value: form("Rome"), at: Wall(1), echo: None }, &[]));
        let found = ahead.found();
        hearing.handle_heard(found, Wall(0) + Duration::from_millis(id));
    }
    assert_eq!(hearing.known.len(), HEARD_MAX);
    hearing.since = hearing.since.max(Wall(10));
    assert!(hears(&mut hearing, Case("Oslo", 11, Some(10)), &[], 20));
    assert!(!hears(&mut hearing, Case("Oslo", 13, Some(12)), &[], 21));
}
