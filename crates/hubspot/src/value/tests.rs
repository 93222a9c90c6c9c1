//! Pairs that are one value, pairs that are not, and the calendar against itself.

use proptest::prelude::*;

use super::*;

fn definition(name: &str, kind: &str, field_type: &str) -> PropertyDefinition {
    let json = serde_json::json!({"name": name, "type": kind, "fieldType": field_type});
    serde_json::from_value(json).expect("a definition")
}

#[test]
fn equal_values_are_recognised_in_every_spelling() {
    let cases = [
        ("number", "number", "5.00", "5"),
        ("number", "number", "+007", "7"),
        ("number", "number", "-0.0", "0"),
        ("number", "number", ".5", "0.50"),
        ("number", "number", "1.5E+2", "150"),
        ("number", "number", "12e-3", "0.012"),
        ("bool", "booleancheckbox", "TRUE", "true"),
        ("bool", "booleancheckbox", "0", "false"),
        ("date", "date", "2026-12-31", "1798675200000"),
        ("date", "date", "2026-12-31T00:00:00Z", "2026-12-31"),
        ("datetime", "date", "2026-12-31", "2026-12-31T00:00:00Z"),
        ("datetime", "date", "2026-12-31T00:00:00.000Z", "1798675200000"),
        ("datetime", "date", "2026-12-31T01:30:00+01:30", "2026-12-31T00:00:00.0004Z"),
        ("enumeration", "checkbox", "b;a;b", ";a;b"),
        ("string", "textarea", "a\r\nb", "a\nb"),
    ];
    for (kind, field_type, a, b) in cases {
        assert!(same(&definition("x", kind, field_type), Some(a), Some(b)), "{kind}: {a} and {b}");
    }
    assert!(same(&definition("email", "string", "text"), Some("Ada@Example.test"), Some("ada@example.test")));
}

#[test]
fn unequal_values_stay_unequal() {
    let cases = [
        ("number", "number", "5", "5.01"),
        ("number", "number", "1,000", "1000"),
        ("bool", "booleancheckbox", "yes", "true"),
        ("date", "date", "2026-12-31", "1798675200001"),
        ("datetime", "date", "2026-02-30", "2026-03-02"),
        ("enumeration", "select", "a;b", "b;a"),
        ("enumeration", "checkbox", "A", "a"),
        ("string", "text", "Ada@Example.test", "ada@example.test"),
        ("string", "text", "5.0", "5"),
    ];
    for (kind, field_type, a, b) in cases {
        assert!(!same(&definition("x", kind, field_type), Some(a), Some(b)), "{kind}: {a} and {b}");
    }
}

#[test]
fn nothing_has_one_spelling() {
    for (kind, field_type) in [("string", "text"), ("number", "number"), ("enumeration", "checkbox")] {
        let definition = definition("x", kind, field_type);
        assert!(same(&definition, None, Some("")));
        assert!(!same(&definition, None, Some("0")));
    }
}

#[test]
fn known_days_are_where_they_are() {
    for (text, days) in [("1970-01-01", 0), ("2000-02-29", 11_016), ("1969-12-31", -1), ("0000-03-01", -719_468)] {
        assert_eq!(instant_ms(text), Some(days * DAY_MS), "{text}");
    }
    for text in ["", "-", "2026", "2026-1-1", "2026-13-01", "2026-02-29", "2026-01-01T", "2026-01-01T00:00", "é-01-01"]
    {
        let epoch = text.parse::<i64>().ok();
        assert_eq!(instant_ms(text), epoch, "{text}");
    }
}

proptest! {
    #[test]
    fn the_calendar_round_trips(days in -719_468_i64..2_932_896) {
        let (year, month, day) = civil_from_days(days);
        prop_assert!((1..=days_in_month(year, month)).contains(&day));
        prop_assert_eq!(days_from_civil(year, month, day), days);
        let text = format!("{year:04}-{month:02}-{day:02}");
        prop_assert_eq!(instant_ms(&text), Some(days * DAY_MS));
        prop_assert_eq!(date(&(days * DAY_MS).to_string()), Some(text));
    }

    #[test]
    fn an_instant_is_the_same_in_every_offset(ms in 0_i64..4_000_000_000_000, offset in -14_i64..=14) {
        let local = ms + offset * 3_600_000;
        let (year, month, day) = civil_from_days(local.div_euclid(DAY_MS));
        let clock = local.rem_euclid(DAY_MS);
        let sign = if offset < 0 { '-' } else { '+' };
        let text = format!(
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}{sign}{:02}:00",
            clock / 3_600_000, clock / 60_000 % 60, clock / 1_000 % 60, clock % 1_000, offset.abs()
        );
        prop_assert_eq!(instant_ms(&text), Some(ms));
    }

    #[test]
    fn canonical_forms_are_canonical(value in "[-+0-9.eE;aTZ: ]{0,14}", kind in 0_usize..6) {
        let names = ["number", "bool", "date", "datetime", "enumeration", "string"];
        let kind = PropertyType::from_name(names[kind]);
        if let Some(once) = canonical(kind, "checkbox", &value) {
            let twice = canonical(kind, "checkbox", &once).map(Cow::into_owned);
            prop_assert_eq!(twice.as_deref(), Some(once.as_ref()));
        }
    }

    #[test]
    fn numbers_compare_as_numbers(value in -1_000_000_i32..1_000_000, zeros in 0_usize..4) {
        let padded = format!("{value}.{}", "0".repeat(zeros));
        prop_assert_eq!(number(&padded), Some(value.to_string()));
    }
}
