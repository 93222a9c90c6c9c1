//! The rate-limit headers of 1,355 recorded calls, in the order of time, against profile `2022`.
//!
//! Recorded times are whole seconds and tell when the answer was made, so where a second turns the two sides may
//! disagree; and recorded `Remaining` jumps up inside bursts as from several counters. Hence the stated tolerance.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use linchpin_simulator::{
    Credential, Hub, PORTAL_ID_DEFAULT, Profile, SimOptions, TokenSpec, WindowModel,
    hub::Outcome,
    wire::{ApiAnswer, ApiRequest, Millis},
};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// The limit headers in the order of the recording's columns.
const HEADERS: [&str; 7] = [
    "x-hubspot-ratelimit-daily",
    "x-hubspot-ratelimit-daily-remaining",
    "x-hubspot-ratelimit-interval-milliseconds",
    "x-hubspot-ratelimit-max",
    "x-hubspot-ratelimit-remaining",
    "x-hubspot-ratelimit-secondly",
    "x-hubspot-ratelimit-secondly-remaining",
];

struct Recorded {
    second: i64,
    is_oauth: bool,
    method: Method,
    path: String,
    status: u16,
    headers: [Option<u64>; 7],
}

impl Recorded {
    fn is_search(&self) -> bool {
        self.path.ends_with("/search")
    }
}

fn recorded() -> Option<Vec<Recorded>> {
    let text = super::text("grouparoo_ratelimit_timeline.csv")?;
    let row = |line: &str| {
        let columns: Vec<&str> = line.split(',').collect();
        let date: jiff::Timestamp = columns[0].parse().unwrap();
        Recorded {
            second: date.as_second(),
            is_oauth: columns[2] == "oauth",
            method: columns[3].parse().unwrap(),
            path: columns[4].to_owned(),
            status: columns[5].parse().unwrap(),
            headers: std::array::from_fn(|place| columns[6 + place].parse().ok()),
        }
    };
    let mut rows: Vec<Recorded> = text.lines().skip(1).map(row).collect();
    rows.sort_by_key(|row| row.second);
    Some(rows)
}

/// A hub as the recorded account was, with its API key and its OAuth app.
fn hub(dice: &mut ChaCha8Rng) -> Hub {
    let options = SimOptions {
        profile: Profile::Recorded2022,
        window: WindowModel::Seconds,
        tokens: vec![TokenSpec::new("key", 1)],
        ..SimOptions::default()
    };
    let mut hub = Hub::new(&options, Millis(0), dice).unwrap();
    hub.add_credential("oauth".to_owned(), Credential::oauth_app(PORTAL_ID_DEFAULT, 2));
    hub
}

fn play(hub: &mut Hub, dice: &mut ChaCha8Rng, call: &Recorded) -> ApiAnswer {
    let token = if call.is_oauth { "Bearer oauth" } else { "Bearer key" };
    let mut headers = HeaderMap::new();
    headers.insert("authorization", HeaderValue::from_static(token));
    let request = ApiRequest {
        method: call.method.clone(),
        path: call.path.clone(),
        query: String::new(),
        headers,
        body: Bytes::from_static(b"{}"),
    };
    let at = Millis(call.second * 1_000);
    hub.arrive(request, at, dice);
    hub.advance(at, dice);
    match hub.take_answers().remove(0).1 {
        Outcome::Answered(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn told(answer: &ApiAnswer, name: &str) -> Option<u64> {
    answer.headers.get(name).map(|value| value.to_str().unwrap().parse().unwrap())
}

#[test]
fn the_recorded_rate_limits_of_2022_replay_within_the_stated_tolerance() {
    let Some(calls) = recorded() else { return };
    let mut dice = ChaCha8Rng::seed_from_u64(1);
    let mut hub = hub(&mut dice);
    let mut gaps: BTreeMap<i64, usize> = BTreeMap::new();
    let (mut both, mut missed, mut added) = (BTreeSet::new(), 0, 0);
    let mut day_left: Option<u64> = None;
    for (place, call) in calls.iter().enumerate() {
        let answer = play(&mut hub, &mut dice, call);
        let told: [Option<u64>; 7] = HEADERS.map(|name| told(&answer, name));
        let sets = (told.map(|value| value.is_some()), call.headers.map(|value| value.is_some()));
        assert_eq!(sets.0, sets.1, "the header set of call {place}, {}", call.path);
        // Limits are equal to the unit: the day's, the interval, the maximum and the derived tenth.
        for column in [0, 2, 3, 5] {
            assert_eq!(told[column], call.headers[column], "{} of call {place}", HEADERS[column]);
        }
        assert_eq!(told[6], told[4].map(|left| left / 10));
        assert_eq!(call.headers[6], call.headers[4].map(|left| left / 10));
        if let Some(left) = told[1] {
            // Recorded: by one in 750 of 757 steps; the others are gaps between recordings.
            let fell_by_one = day_left.is_none_or(|before| before == left + 1 || left == 249_999);
            assert!(fell_by_one, "every call costs a unit of the day, refused ones too");
            day_left = Some(left);
        }
        if let (Some(ours), Some(theirs)) = (told[4], call.headers[4]) {
            *gaps.entry(theirs.cast_signed() - ours.cast_signed()).or_default() += 1;
        }
        assert!(call.is_search() || (answer.status != 429 && call.status != 429), "only searches were refused");
        match (answer.status == 429, call.status == 429) {
            (true, true) => drop(both.insert(place)),
            (false, true) => missed += 1,
            (true, false) => added += 1,
            (false, false) => {}
        }
    }
    let within = |most: i64| gaps.iter().filter(|(gap, _)| gap.abs() <= most).map(|(_, count)| count).sum::<usize>();
    let lower = gaps.range(..0).map(|(_, count)| count).sum::<usize>();
    let counted: usize = gaps.values().sum();
    println!("figure: calls = {}", calls.len());
    println!("figure: Remaining equal = {} of {counted}", within(0));
    println!("figure: Remaining within two = {} of {counted}", within(2));
    println!("figure: Remaining recorded lower = {lower} of {counted}");
    println!("figure: 429 in both = {}, only recorded = {missed}, only here = {added}", both.len());
    assert_eq!((calls.len(), counted), (1_355, 644));
    assert_eq!((within(0), within(2), lower), (447, 533, 18));
    assert_eq!((both.len(), missed, added), (63, 6, 17));
}
