//! Tests of the limits, one counter after the other.

use super::*;

const NOON: Millis = Millis(1_763_726_400_000);

fn limiter(tier: Tier, limit_increase: bool) -> Limiter {
    rules(tier, limit_increase, false)
}

fn rules(tier: Tier, limit_increase: bool, count_rejected: bool) -> Limiter {
    let zone = zone("US/Eastern").unwrap();
    let quotas = Quotas::of(Profile::Current, tier, limit_increase);
    let rules = LimitRules { quotas, window: WindowModel::Exact, count_rejected, remaining_counters: 1, zone };
    Limiter::new(rules, NOON)
}

fn credential(kind: CredentialKind, app_id: u64) -> Credential {
    Credential { kind, app_id, ..Credential::private_app(0, app_id) }
}

fn private(app_id: u64) -> Credential {
    credential(CredentialKind::PrivateApp, app_id)
}

fn admitted(limiter: &mut Limiter, class: CostClass, credential: &Credential, now: Millis) -> u32 {
    let mut passed = 0;
    while limiter.admit(class, credential, now).refused.is_none() {
        passed += 1;
        assert!(passed < 1_000, "no limit refuses");
    }
    passed
}

#[test]
fn each_plan_refuses_after_its_own_number_of_calls() {
    let oauth = credential(CredentialKind::OAuthApp, 9);
    let table = [
        (Tier::Free, false, 100, 100),
        (Tier::Starter, false, 100, 100),
        (Tier::Professional, false, 190, 150),
        (Tier::Enterprise, false, 190, 150),
        (Tier::Professional, true, 250, 200),
        (Tier::Enterprise, true, 250, 200),
    ];
    for (tier, increase, burst, association) in table {
        let mut limiter = limiter(tier, increase);
        assert_eq!(admitted(&mut limiter, CostClass::Standard, &private(1), NOON), burst, "{tier:?}");
        assert_eq!(admitted(&mut limiter, CostClass::Standard, &private(2), NOON), burst, "another app, {tier:?}");
        assert_eq!(admitted(&mut limiter, CostClass::Standard, &oauth, NOON), 110, "{tier:?}");
        assert_eq!(admitted(&mut limiter, CostClass::Association, &private(1), NOON), association, "{tier:?}");
        assert_eq!(admitted(&mut limiter, CostClass::Search, &private(1), NOON), 5, "{tier:?}");
    }
}

#[test]
fn searches_of_all_apps_share_one_second_and_leave_the_ten_seconds_alone() {
    let mut limiter = limiter(Tier::Professional, false);
    for app in 1..=5 {
        assert_eq!(limiter.admit(CostClass::Search, &private(app), NOON).refused, None);
    }
    assert_eq!(limiter.admit(CostClass::Search, &private(6), NOON).refused, Some(Policy::Secondly));
    assert_eq!(limiter.admit(CostClass::Search, &private(6), Millis(NOON.0 + 1_000)).refused, None);
    assert_eq!(admitted(&mut limiter, CostClass::Standard, &private(1), NOON), 190);
}

#[test]
fn every_call_of_a_private_app_costs_a_unit_of_the_day_refused_ones_too() {
    let mut limiter = limiter(Tier::Free, false);
    admitted(&mut limiter, CostClass::Standard, &private(1), NOON);
    assert_eq!(limiter.day_use(NOON).used, 101);
    limiter.admit(CostClass::Search, &private(1), NOON);
    limiter.admit(CostClass::Association, &private(1), NOON);
    limiter.admit(CostClass::Exempt, &private(1), NOON);
    limiter.admit(CostClass::Standard, &credential(CredentialKind::OAuthApp, 2), NOON);
    assert_eq!(limiter.day_use(NOON).used, 103);
}

#[test]
fn the_day_refuses_a_private_app_until_midnight_and_never_an_oauth_app() {
    let mut limiter = limiter(Tier::Free, false);
    let mut now = NOON;
    for _ in 0..250_000 {
        assert_eq!(limiter.admit(CostClass::Standard, &private(1), now).refused, None);
        now.0 += 101;
    }
    assert_eq!(limiter.admit(CostClass::Search, &private(2), now).refused, Some(Policy::Daily));
    let oauth = credential(CredentialKind::OAuthApp, 3);
    assert_eq!(limiter.admit(CostClass::Standard, &oauth, now).refused, None);
    let midnight = Millis(limiter.day_use(now).resets_at);
    assert_eq!(limiter.admit(CostClass::Standard, &private(1), Millis(midnight.0 - 1)).refused, Some(Policy::Daily));
    assert_eq!(limiter.admit(CostClass::Standard, &private(1), midnight).refused, None);
}

#[test]
fn a_refused_call_fills_the_window_only_where_the_stricter_reading_is_chosen() {
    for (count_rejected, free_again) in [(false, true), (true, false)] {
        let mut limiter = rules(Tier::Professional, false, count_rejected);
        admitted(&mut limiter, CostClass::Standard, &private(1), NOON);
        for offset in 1..=190 {
            limiter.admit(CostClass::Standard, &private(1), Millis(NOON.0 + offset));
        }
        let after = limiter.admit(CostClass::Standard, &private(1), Millis(NOON.0 + 10_000)).refused;
        assert_eq!(after.is_none(), free_again, "count_rejected {count_rejected}");
    }
}

#[test]
fn each_credential_gets_the_headers_that_were_recorded_for_it() {
    let seven = [DAILY, DAILY_REMAINING, INTERVAL, MAX, REMAINING, SECONDLY, SECONDLY_REMAINING];
    let five = [INTERVAL, MAX, REMAINING, SECONDLY, SECONDLY_REMAINING];
    let pair = [DAILY, DAILY_REMAINING];
    let table: [(CredentialKind, CostClass, &[HeaderName]); 6] = [
        (CredentialKind::PrivateApp, CostClass::Standard, &seven),
        (CredentialKind::PrivateApp, CostClass::Search, &pair),
        (CredentialKind::PrivateApp, CostClass::Association, &pair),
        (CredentialKind::OAuthApp, CostClass::Standard, &five),
        (CredentialKind::OAuthApp, CostClass::Search, &[]),
        (CredentialKind::OAuthApp, CostClass::Association, &[]),
    ];
    for (kind, class, expected) in table {
        let mut limiter = limiter(Tier::Professional, false);
        let mut headers = HeaderMap::new();
        limiter.write_headers(class, &credential(kind, 1), NOON, &mut headers);
        let mut names: Vec<HeaderName> = headers.keys().cloned().collect();
        names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        let mut expected = expected.to_vec();
        expected.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        assert_eq!(names, expected, "{kind:?} {class:?}");
    }
}

#[test]
fn header_values_follow_the_counters() {
    let mut limiter = limiter(Tier::Professional, false);
    for _ in 0..5 {
        limiter.admit(CostClass::Standard, &private(1), NOON);
    }
    let mut headers = HeaderMap::new();
    limiter.write_headers(CostClass::Standard, &private(1), NOON, &mut headers);
    let value = |name: HeaderName| headers[name].to_str().unwrap().to_owned();
    assert_eq!((value(DAILY), value(DAILY_REMAINING)), ("625000".into(), "624995".into()));
    assert_eq!((value(INTERVAL), value(MAX), value(REMAINING)), ("10000".into(), "190".into(), "185".into()));
    assert_eq!((value(SECONDLY), value(SECONDLY_REMAINING)), ("19".into(), "18".into()));
}

#[test]
fn a_portal_without_limits_refuses_nothing_and_says_nothing() {
    let mut limiter = limiter(Tier::Unlimited, false);
    for _ in 0..10_000 {
        assert_eq!(limiter.admit(CostClass::Search, &private(1), NOON).refused, None);
    }
    let mut headers = HeaderMap::new();
    limiter.write_headers(CostClass::Standard, &private(1), NOON, &mut headers);
    assert!(headers.is_empty());
    assert_eq!(limiter.day_use(NOON).used, 10_000);
}

#[test]
fn the_profile_of_2022_has_the_limits_of_the_recordings_whatever_the_plan() {
    let zone = zone("US/Eastern").unwrap();
    let quotas = Quotas::of(Profile::Recorded2022, Tier::Enterprise, true);
    let rules = LimitRules { quotas, window: WindowModel::Seconds, count_rejected: false, remaining_counters: 1, zone };
    let mut limiter = Limiter::new(rules, NOON);
    assert_eq!(admitted(&mut limiter, CostClass::Standard, &private(1), NOON), 100);
    assert_eq!(admitted(&mut limiter, CostClass::Search, &private(1), NOON), 4);
    assert_eq!(admitted(&mut limiter, CostClass::Search, &private(2), NOON), 4, "each token has its own");
    assert_eq!(limiter.day_use(NOON).limit, Some(250_000));
    assert_eq!(Quotas::of(Profile::Recorded2022, Tier::Unlimited, false), None);
}
