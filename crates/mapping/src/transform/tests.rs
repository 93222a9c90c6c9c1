//! Tables and properties of the transforms.

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

#[test]
fn names_get_their_capitals() {
    let cases = [
        ("HUGH O'REILLY", "Hugh O'Reilly"),
        ("johannes van der berg", "Johannes van der Berg"),
        ("VAN DYKE", "Van Dyke"),
        ("anne-marie d'angelo", "Anne-Marie D'Angelo"),
        ("Ronald McDonald", "Ronald McDonald"),
        ("élodie ÜNAL", "Élodie Ünal"),
        ("são josé dos campos", "São José dos Campos"),
        ("j.r.r. tolkien", "J.R.R. Tolkien"),
        ("james's", "James's"),
        ("ﬀion", "Ffion"),
        ("", ""),
    ];
    for (from, to) in cases {
        assert_eq!(title_case(from), to, "{from}");
        assert_eq!(title_case(to), to, "{from}");
    }
}

#[test]
fn no_letter_of_any_script_makes_a_name_change_twice() {
    let cased = ('\0'..=char::MAX).filter(|c| c.is_lowercase() || c.is_uppercase() || !c.to_uppercase().eq([*c]));
    for c in cased {
        for name in ["{}", "{}'xyz", "x'{}yz", "x'{}", "a{}", "A{}b", "{}{}-{}.{}", "{} DE {}", "{}A b{} 'B"] {
            let name = name.replace("{}", &c.to_string());
            let once = title_case(&name);
            assert_eq!(title_case(&once), once, "{name}");
        }
    }
}

#[test]
fn phone_numbers_are_read_as_people_write_them() {
    let cases = [
        ("+49 030 26550280", None, Some("+493026550280")),
        ("030 26550280", Some("Germany"), Some("+493026550280")),
        ("0049 30 26550280", None, Some("+493026550280")),
        ("(650) 253-0000", Some("USA"), Some("+16502530000")),
        ("+1 (650) 253-0000", Some("DE"), Some("+16502530000")),
        ("+39 06 39733434", Some("Italy"), Some("+390639733434")),
        ("+61 (02) 9332 3633", Some("Australia"), Some("+61293323633")),
        ("+54 (0)11 4311 4333", Some("Argentina"), Some("+541143114333")),
        ("+453 3331 9991", Some("Denmark"), None),
        ("+56 (0)2 635 4444", Some("Chile"), None),
        ("+91 0124 39883988", Some("India"), None),
        ("253-0000", None, None),
        ("call me", Some("US"), None),
        ("", Some("US"), None),
    ];
    for (from, region, to) in cases {
        let region = region.map(|name| Region::named(name).expect(name));
        assert_eq!(e164(from, region).as_deref(), to, "{from}");
    }
}

#[test]
fn dates_and_moments_have_one_form() {
    let utc = TimeZone::UTC;
    let berlin = jiff::tz::TimeZoneDatabase::bundled().get("Europe/Berlin").expect("a zone");
    let cases = [
        (text("2026-11-20"), "2026-11-20", "2026-11-20T00:00:00Z", "2026-11-19T23:00:00Z"),
        (text("2021-01-01 00:00:00"), "2021-01-01", "2021-01-01T00:00:00Z", "2020-12-31T23:00:00Z"),
        (text("2026-07-01T09:15:00.250"), "2026-07-01", "2026-07-01T09:15:00.25Z", "2026-07-01T07:15:00.25Z"),
        (text("2026-11-20T23:30:00Z"), "2026-11-20", "2026-11-20T23:30:00Z", "2026-11-20T23:30:00Z"),
        (text("2026-11-20T23:30:00-05:00"), "2026-11-21", "2026-11-21T04:30:00Z", "2026-11-21T04:30:00Z"),
        (Value::Int(1_763_629_200_000), "2025-11-20", "2025-11-20T09:00:00Z", "2025-11-20T09:00:00Z"),
        (text("1763629200000"), "2025-11-20", "2025-11-20T09:00:00Z", "2025-11-20T09:00:00Z"),
    ];
    for (value, day, in_utc, in_berlin) in cases {
        assert_eq!(date(&value, &utc, None).expect(day).to_string(), day);
        assert_eq!(datetime(&value, &utc, None).as_deref(), Ok(in_utc));
        assert_eq!(datetime(&value, &berlin, None).as_deref(), Ok(in_berlin));
    }
    // The day of a moment is that of the zone.
    assert_eq!(date(&text("2026-11-20T23:30:00Z"), &berlin, None).unwrap().to_string(), "2026-11-21");
    assert_eq!(date(&text("20.11.2026"), &utc, Some("%d.%m.%Y")).unwrap().to_string(), "2026-11-20");
    for wrong in [text("20.11.2026"), text("2026-13-01"), text("soon"), Value::Int(1_763_629_200), Value::Real(1.5)] {
        assert_eq!(date(&wrong, &utc, None).map_err(|error| error.code), Err("LP1107"), "{wrong:?}");
    }
}

#[test]
fn numbers_and_amounts_are_exact() {
    let number_cases = [
        ("1,234.50", false, None, Ok("1234.5")),
        ("1.234,5", true, None, Ok("1234.5")),
        ("1 234", false, None, Ok("1234")),
        ("2.5", false, Some(0), Ok("3")),
        ("-0.00", false, None, Ok("0")),
        ("1e3", false, None, Err("LP1108")),
        ("12 pieces", false, None, Err("LP1108")),
        ("", false, None, Err("LP1108")),
    ];
    for (from, comma, digits, expected) in number_cases {
        let result = number(&text(from), comma, digits).map_err(|error| error.code);
        assert_eq!(result.as_deref().map_err(|code| *code), expected, "{from}");
    }
    assert_eq!(money(&Value::Real(13.86), Some(2), false).as_deref(), Ok("13.86"));
    assert_eq!(money(&Value::Real(0.1 + 0.2), Some(2), false).as_deref(), Ok("0.3"));
    assert_eq!(money(&Value::Int(1999), Some(2), true).as_deref(), Ok("19.99"));
    assert_eq!(money(&Value::Int(1999), Some(0), true).as_deref(), Ok("1999"));
    assert_eq!(money(&text("10.005"), Some(2), false).as_deref(), Ok("10.01"));
    assert_eq!(minor_unit_digits("jpy"), Ok(0));
    assert_eq!(minor_unit_digits("KWD"), Ok(3));
    assert!(minor_unit_digits("euro").is_err());
}

#[test]
fn addresses_are_judged_as_hubspot_does() {
    assert_eq!(normal_email(" Ada@Example.TEST ").as_deref(), Ok("ada@example.test"));
    let wrong = [
        "stanisław.wójcik@wp.pl",
        "ada@exämple.test",
        "ada",
        "ada@localhost",
        "@example.test",
        "a b@example.test",
        "a..b@example.test",
        "ada@-x.test",
        "ada@example.1",
        "ada@b@example.test",
    ];
    for address in wrong {
        assert_eq!(normal_email(address).map_err(|error| error.code), Err("LP1105"), "{address}");
    }
    let domains = [
        ("https://shop.example.co.uk/a?b#c", Some("example.co.uk")),
        ("luisg@embraer.com.br", Some("embraer.com.br")),
        ("www.Example.com:8080", Some("example.com")),
        ("192.168.0.1", None),
        ("co.uk", None),
        ("no domain", None),
        ("", None),
    ];
    for (from, to) in domains {
        assert_eq!(domain_of(from).as_deref(), to, "{from}");
    }
}

#[test]
fn sets_and_parts_and_truth_values() {
    assert_eq!(multi_value(["rock", " jazz", "", "rock"]), "jazz;rock");
    assert_eq!(text::split("a, b,c", ",", Some(2)), text("b"));
    assert_eq!(text::split("a, b,c", ",", Some(-1)), text("c"));
    assert_eq!(text::split("a", ",", Some(2)), Value::Null);
    assert_eq!(text::split("a", ",", Some(-2)), Value::Null);
    assert_eq!(truncate("äöü", 2), ("äö", 1));
    assert_eq!(boolean(&text("Yes")), Ok(true));
    assert_eq!(boolean(&Value::Int(0)), Ok(false));
    assert_eq!(boolean(&text("maybe")).map_err(|error| error.code), Err("LP1109"));
    assert_eq!(boolean(&Value::Int(2)).map_err(|error| error.code), Err("LP1109"));
}

/// Every step that may be taken twice without a second effect.
fn twice_is_once() -> Vec<Step> {
    vec![
        Step::Trim,
        Step::Lower,
        Step::TitleCase,
        Step::Phone { region: Region::named("US"), region_slot: None },
        Step::Date { zone: TimeZone::UTC, format: None },
        Step::Datetime { zone: TimeZone::UTC, format: None },
        Step::Money { digits: Some(2), currency_slot: None, minor_units: false },
        Step::Number { decimal_comma: false, round_digits: Some(3) },
        Step::Boolean,
        Step::MultiValue { separator: ";".to_owned() },
        Step::Default("x".to_owned()),
        Step::Truncate { max_characters: 5 },
        Step::Domain { skip: vec![] },
    ]
}

fn inputs() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<String>().prop_map(Value::Text),
        "[+0-9 ()-]{3,18}".prop_map(Value::Text),
        "[A-Za-z' -]{0,20}".prop_map(Value::Text),
        "[a-z]{1,6}(;[a-z]{1,6}){0,4}".prop_map(Value::Text),
        "(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]".prop_map(Value::Text),
        "[a-z.]{1,9}@[a-z.-]{1,12}".prop_map(Value::Text),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_map(Value::Real),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_step_panics_and_most_are_settled_by_one_application(value in inputs()) {
        let lookups = Lookups::default();
        let around = Surroundings { cells: &[], lookups: &lookups };
        for step in twice_is_once() {
            let Ok(once) = step.apply(value.clone(), &around, &mut Vec::new()) else { continue };
            let twice = step.apply(once.clone(), &around, &mut Vec::new());
            prop_assert_eq!(twice, Ok(once), "{:?} of {:?}", step, value);
        }
    }

    #[test]
    fn a_phone_number_is_plus_and_digits_and_needs_no_region_the_second_time(value in "[+0-9 ()-]{3,18}") {
        if let Some(number) = e164(&value, Region::named("DE")) {
            prop_assert!(number.starts_with('+') && number.bytes().skip(1).all(|b| b.is_ascii_digit()));
            prop_assert_eq!(e164(&number, None), Some(number));
        }
    }

    #[test]
    fn whole_cents_survive(cents in -1_000_000_000_i64..1_000_000_000) {
        let amount = money(&Value::Int(cents), Some(2), true).unwrap();
        prop_assert_eq!(amount.parse::<rust_decimal::Decimal>().unwrap(), rust_decimal::Decimal::new(cents, 2));
    }
}
