//! The tables, and the cache against what it must never do: show what was before a change.

use bytes::Bytes;
use linchpin_hubspot::id::AppId;
use linchpin_hubspot::routes;
use proptest::prelude::*;

use super::*;

const INSTALL: Install = Install { portal: PortalId(7), app: AppId(1) };
const LIVES: Duration = Duration::from_secs(300);

fn key(target: &str) -> Key {
    Key { install: INSTALL, target: target.to_owned(), headers: String::new() }
}

fn answer(body: &str) -> Answer {
    Answer { status: 200, headers: HeaderMap::new(), body: Bytes::copy_from_slice(body.as_bytes()) }
}

fn at(seconds: u64) -> Mono {
    Mono(seconds * 1_000_000)
}

fn look(cache: &mut Cache, now: Mono) -> Look {
    cache.look(key("/a"), Kind::Properties, Wish::Any, now)
}

fn missed(look: Look) -> Fill {
    match look {
        Look::Miss(fill) => fill,
        other => panic!("{other:?}"),
    }
}

fn hit(look: &Look) -> Option<(&[u8], u64)> {
    match look {
        Look::Hit { answer, age } => Some((&answer.body, age.as_secs())),
        Look::Miss(_) | Look::Bypass(_) => None,
    }
}

#[test]
fn definitions_are_kept_and_records_never() {
    let rows = [
        ("/crm/v3/properties/contacts", Some(Kind::Properties)),
        ("/crm/properties/2026-03/contacts/email", Some(Kind::Properties)),
        ("/crm/v3/properties/contacts/groups", Some(Kind::Properties)),
        ("/crm/v3/schemas", Some(Kind::Schemas)),
        ("/crm-object-schemas/v3/schemas/2-123", Some(Kind::Schemas)),
        ("/crm/v3/pipelines/deals", Some(Kind::Pipelines)),
        ("/crm/v3/pipelines/deals/default", Some(Kind::Pipelines)),
        ("/crm/v3/pipelines/deals/default/audit", None),
        ("/crm/v3/owners", Some(Kind::Owners)),
        ("/crm/v3/owners/42", Some(Kind::Owners)),
        ("/crm/v4/associations/contacts/companies/labels", Some(Kind::Labels)),
        ("/crm/v3/objects/contacts/1", None),
        ("/crm/v3/objects/contacts", None),
        ("/crm/v4/objects/contacts/1/associations/companies", None),
        ("/crm/v3/lists/1", None),
        ("/account-info/v3/api-usage/daily/private-apps", None),
        ("/oauth/v1/access-tokens/x", None),
        ("/anything/else", None),
    ];
    for (path, expected) in rows {
        assert_eq!(read_by(&Method::GET, &routes::classify(&Method::GET, path)), expected, "{path}");
        assert_eq!(read_by(&Method::POST, &routes::classify(&Method::POST, path)), None, "{path}");
    }
}

#[test]
fn a_change_drops_all_that_shows_it() {
    use Kind::{Labels, Owners, Pipelines, Properties, Schemas};
    let rows: [(&str, &str, &[Kind]); 14] = [
        ("POST", "/crm/v3/properties/contacts", &[Properties, Schemas]),
        ("PATCH", "/crm/v3/properties/contacts/x", &[Properties, Schemas]),
        ("POST", "/crm/v3/properties/contacts/batch/archive", &[Properties, Schemas]),
        ("DELETE", "/crm/v3/schemas/2-1", &[Properties, Schemas, Pipelines, Labels]),
        ("PATCH", "/crm/v3/pipelines/deals/1/stages/2", &[Pipelines, Properties, Schemas]),
        ("PUT", "/crm/v4/associations/contacts/companies/labels", &[Labels, Schemas]),
        ("PUT", "/settings/v3/users/1", &[Owners]),
        ("POST", "/properties/v1/contacts/properties", &Kind::ALL),
        ("POST", "/crm/v3/properties/contacts/batch/read", &[]),
        ("POST", "/crm/v3/objects/contacts", &[]),
        ("POST", "/crm/v3/objects/contacts/search", &[]),
        ("PUT", "/crm/v4/objects/contacts/1/associations/default/companies/2", &[]),
        ("GET", "/crm/v3/properties/contacts", &[]),
        ("GET", "/anything/else", &[]),
    ];
    for (method, path, expected) in rows {
        let method: Method = method.parse().unwrap();
        assert_eq!(changed_by(&method, &routes::classify(&method, path)), expected, "{method} {path}");
    }
    // Whatever can be kept under a path is dropped by a write to it.
    for path in ["/crm/v3/properties/contacts/x", "/crm/v3/schemas/2-1", "/crm/v3/pipelines/deals/1", "/crm/v3/owners"]
    {
        let kept = read_by(&Method::GET, &routes::classify(&Method::GET, path)).unwrap();
        for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::POST] {
            assert!(changed_by(&method, &routes::classify(&method, path)).contains(&kept), "{method} {path}");
        }
    }
}

#[test]
fn an_answer_lives_for_its_time_and_tells_its_age() {
    let mut cache = Cache::new(LIVES);
    let fill = missed(look(&mut cache, at(0)));
    cache.fill(fill, &answer("old"), at(2));
    assert_eq!(hit(&look(&mut cache, at(299))), Some((b"old".as_slice(), 299)), "from when it was asked for");
    let fill = missed(look(&mut cache, at(300)));
    cache.fill(fill, &answer("new"), at(301));
    assert_eq!(hit(&look(&mut cache, at(301))), Some((b"new".as_slice(), 1)));
    assert_eq!(cache.size().0, 1);
}

#[test]
fn only_successes_are_kept_and_without_what_was_true_once() {
    let mut cache = Cache::new(LIVES);
    for status in [201, 204, 301, 403, 404, 429, 500] {
        let fill = missed(look(&mut cache, at(0)));
        cache.fill(fill, &Answer { status, ..answer("no") }, at(0));
    }
    let fill = missed(look(&mut cache, at(0)));
    let mut whole = answer("yes");
    for name in ["x-hubspot-ratelimit-remaining", "x-hubspot-ratelimit-daily", "set-cookie", "x-hubspot-correlation-id"]
    {
        whole.headers.insert(name, "1".parse().unwrap());
    }
    whole.headers.insert("content-type", "application/json".parse().unwrap());
    cache.fill(fill, &whole, at(0));
    let Look::Hit { answer, .. } = look(&mut cache, at(1)) else { panic!("it was kept") };
    assert_eq!(answer.headers.keys().collect::<Vec<_>>(), ["content-type"]);
}

#[test]
fn credentials_and_headers_keep_answers_apart() {
    let mut cache = Cache::new(LIVES);
    let fill = missed(look(&mut cache, at(0)));
    cache.fill(fill, &answer("mine"), at(0));
    let other_app = Key { install: Install { app: AppId(2), ..INSTALL }, ..key("/a") };
    let other_headers = Key { headers: "accept-language=\"de\"".to_owned(), ..key("/a") };
    for other in [other_app, other_headers, key("/a?archived=true")] {
        missed(cache.look(other, Kind::Properties, Wish::Any, at(1)));
    }
}

#[test]
fn an_unknown_name_drops_what_is_kept_and_what_is_being_fetched() {
    let mut cache = Cache::new(LIVES);
    let fill = missed(look(&mut cache, at(0)));
    let late = missed(look(&mut cache, at(0)));
    cache.fill(fill, &answer("old"), at(0));
    cache.forget(INSTALL.portal, &[Kind::Properties]);
    cache.fill(late, &answer("old"), at(1));
    missed(look(&mut cache, at(1)));
}

#[test]
fn nothing_is_kept_or_shown_while_a_change_is_out_and_until_it_has_settled() {
    let mut cache = Cache::new(LIVES);
    let before = missed(look(&mut cache, at(0)));
    cache.handle_change(INSTALL.portal, &[Kind::Properties]);
    cache.handle_change(INSTALL.portal, &[Kind::Properties]);
    cache.fill(before, &answer("old"), at(1));
    cache.handle_changed(INSTALL.portal, &[Kind::Properties], true, at(2));
    for (second, ends) in [(2, false), (100, true), (109, false)] {
        assert!(matches!(look(&mut cache, at(second)), Look::Bypass(None)), "{second}");
        missed(cache.look(key("/b"), Kind::Owners, Wish::Any, at(second)));
        if ends {
            cache.handle_changed(INSTALL.portal, &[Kind::Properties], true, at(second));
        }
    }
    missed(look(&mut cache, at(110)));
    cache.handle_change(INSTALL.portal, &[Kind::Properties]);
    cache.handle_changed(INSTALL.portal, &[Kind::Properties], false, at(200));
    assert!(matches!(look(&mut cache, at(319)), Look::Bypass(None)), "nobody knows when it happens");
    missed(look(&mut cache, at(320)));
}

#[test]
fn what_is_said_about_unknown_names_is_recognised() {
    let told = |status, body: &str| names_unknown(&Answer { status, ..answer(body) });
    assert!(told(400, r#"{"errors":[{"code":"PROPERTY_DOESNT_EXIST"}]}"#));
    assert!(told(400, r#"{"message":"[{\"error\":\"INVALID_OPTION\"}]"}"#));
    assert!(told(207, r#"{"errors":[{"message":"'x' Property does not exist"}]}"#));
    assert!(told(400, r#"{"message":"9 is not a valid pipeline stage ID. Valid options are: []"}"#));
    assert!(!told(400, r#"{"errors":[{"code":"INVALID_EMAIL"}]}"#));
    assert!(!told(200, r#"{"properties":{"note":"INVALID_OPTION"}}"#));
}

#[test]
fn a_caller_may_ask_for_a_new_answer() {
    let wished = |pairs: &[(&'static str, &'static str)]| {
        wish(&pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect())
    };
    assert_eq!(wished(&[]), Wish::Any);
    assert_eq!(wished(&[("cache-control", "max-stale=9")]), Wish::Any);
    assert_eq!(wished(&[("cache-control", "foo, No-Cache")]), Wish::New);
    assert_eq!(wished(&[("cache-control", "max-age=60, Max-Age=\"9\"")]), Wish::Within(Duration::from_secs(9)));
    for none in ["max-age=0", "max-age=x", "max-age=60, no-cache", "max-age="] {
        assert_eq!(wished(&[("cache-control", none)]), Wish::New, "{none}");
    }
    assert_eq!(wished(&[("pragma", "no-cache")]), Wish::New);
    assert_eq!(wished(&[("cache-control", "no-cache, no-store")]), Wish::Private);
    assert_eq!(wished(&[("if-none-match", "\"x\"")]), Wish::Private);
    let mut cache = Cache::new(LIVES);
    let fill = missed(look(&mut cache, at(0)));
    cache.fill(fill, &answer("old"), at(0));
    let Look::Bypass(Some(fill)) = cache.look(key("/a"), Kind::Properties, Wish::New, at(1)) else { panic!("a hit") };
    cache.fill(fill, &answer("new"), at(1));
    assert_eq!(hit(&look(&mut cache, at(2))), Some((b"new".as_slice(), 1)), "others get the new one");
    assert!(matches!(cache.look(key("/a"), Kind::Properties, Wish::Private, at(2)), Look::Bypass(None)));
    let within = |cache: &mut Cache, seconds| {
        cache.look(key("/a"), Kind::Properties, Wish::Within(Duration::from_secs(seconds)), at(10))
    };
    assert!(hit(&within(&mut cache, 9)).is_some());
    missed(within(&mut cache, 8));
}

#[test]
fn room_is_bounded_by_entries_and_by_bytes_and_the_oldest_goes() {
    let mut cache = Cache::new(LIVES);
    let keep = |cache: &mut Cache, number: usize, body: &Answer| {
        let fill = missed(cache.look(key(&format!("/{number}")), Kind::Owners, Wish::Any, at(0)));
        cache.fill(fill, body, at(0));
    };
    for number in 0..ENTRIES_MAX + 5 {
        keep(&mut cache, number, &answer("x"));
    }
    assert_eq!(cache.size().0, ENTRIES_MAX);
    assert!(hit(&cache.look(key("/4"), Kind::Owners, Wish::Any, at(0))).is_none());
    assert!(hit(&cache.look(key("/5"), Kind::Owners, Wish::Any, at(0))).is_some());
    let large = Answer { body: Bytes::from(vec![b' '; ENTRY_BYTES_MAX / 2]), ..answer("") };
    for number in 10_000..10_040 {
        keep(&mut cache, number, &large);
    }
    assert!(cache.size().1 <= BYTES_MAX && cache.size().0 < 20, "{:?}", cache.size());
    let huge = Answer { body: Bytes::from(vec![b' '; ENTRY_BYTES_MAX + 1]), ..answer("") };
    keep(&mut cache, 20_000, &huge);
    assert!(hit(&cache.look(key("/20000"), Kind::Owners, Wish::Any, at(0))).is_none());
}

#[derive(Clone, Debug)]
enum Step {
    Read(u8),
    ReadReturns,
    Change(u8),
    ChangeReturns { sure: bool },
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0_u8..3).prop_map(Step::Read),
        4 => Just(Step::ReadReturns),
        1 => (0_u8..2).prop_map(Step::Change),
        2 => any::<bool>().prop_map(|sure| Step::ChangeReturns { sure }),
        3 => (0_u64..120).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..120)
}

proptest! {
    /// A world in which a change takes effect at any moment between its leaving and its return plus HubSpot's lag, and
    /// in which a read shows the world of any moment between its leaving and its return. No hit may show a world from
    /// before a change that had returned surely, or that was made longer ago than the life of an answer.
    #[test]
    fn nobody_is_shown_what_was_before_a_change(steps in steps()) {
        const LAG: Duration = Duration::from_millis(700);
        let kinds = [Kind::Properties, Kind::Owners];
        let mut cache = Cache::new(LIVES);
        let mut now = at(1_000);
        let mut reads: Vec<(Fill, Mono)> = Vec::new();
        let mut changes: Vec<(u8, Mono)> = Vec::new();
        // For each kind, since when every new read shows the last change that returned.
        let mut certain = [Mono(0); 2];
        for step in steps {
            match step {
                Step::Read(number) => {
                    let kind = kinds[usize::from(number % 2)];
                    match cache.look(key(&format!("/{number}")), kind, Wish::Any, now) {
                        Look::Hit { answer, age } => {
                            let shown = Mono(std::str::from_utf8(&answer.body).unwrap().parse().unwrap());
                            prop_assert!(shown >= certain[usize::from(number % 2)].min(now), "shown before the change");
                            prop_assert!(age < LIVES && now - shown < LIVES);
                        }
                        Look::Miss(fill) => reads.push((fill, now)),
                        Look::Bypass(fill) => prop_assert!(fill.is_none()),
                    }
                }
                Step::ReadReturns => {
                    if let Some((fill, left)) = reads.pop() {
                        // The worst of what it may show: the world as it was when it left.
                        cache.fill(fill, &answer(&left.0.to_string()), now);
                    }
                }
                Step::Change(kind) => {
                    cache.handle_change(INSTALL.portal, &[kinds[usize::from(kind)]]);
                    changes.push((kind, now));
                }
                Step::ChangeReturns { sure } => {
                    if let Some((kind, _)) = changes.pop() {
                        cache.handle_changed(INSTALL.portal, &[kinds[usize::from(kind)]], sure, now);
                        let certain = &mut certain[usize::from(kind)];
                        *certain = (*certain).max(now + if sure { LAG } else { Duration::from_secs(60) });
                    }
                }
                Step::Pass(seconds) => now = now + Duration::from_secs(seconds),
            }
        }
    }
}
