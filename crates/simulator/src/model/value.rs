//! Whether a text is a value of a property, and the form in which HubSpot stores it.
//!
//! Only questions that need nothing but the definition; owners, stages and uniqueness are asked elsewhere.

use std::collections::BTreeSet;

use super::answer::LISTED_MAX;
use super::property::{Property, ValueType};
use super::time;

/// Characters that a value may have.
pub(super) const VALUE_CHARS_MAX: usize = 65_536;

/// Why a value was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Invalid {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Invalid {
    pub(super) fn new(name: &str, value: &str, code: &'static str, message: String) -> Self {
        Self { name: name.to_owned(), value: value.to_owned(), code, message }
    }
}

/// Brings a value that is not empty into its stored form.
pub(super) fn normalise(property: &Property, value: &str) -> Result<String, Invalid> {
    let refuse = |code, message| Err(Invalid::new(&property.name, value, code, message));
    if value.len() > VALUE_CHARS_MAX && value.chars().count() > VALUE_CHARS_MAX {
        let text = format!("\"{}\" has a value that is longer than {VALUE_CHARS_MAX} characters.", property.name);
        return Err(Invalid::new(&property.name, "", "PROPERTY_VALUE_TOO_LONG", text));
    }
    match property.value_type {
        ValueType::String | ValueType::Phone | ValueType::Json => Ok(value.to_owned()),
        ValueType::Number if is_number(value) => Ok(value.to_owned()),
        ValueType::Number => refuse("INVALID_INTEGER", format!("{value} was not a valid number")),
        ValueType::Bool | ValueType::Enumeration => choice(property, value),
        ValueType::Date => match time::parse(value) {
            None => refuse("INVALID_LONG", format!("{value} was not a valid long.")),
            Some(at) if time::is_midnight(at) => Ok(time::iso_day(at)),
            Some(at) => refuse("INVALID_DATE", format!("{value} is at {} UTC, not midnight!", time::time_of_day(at))),
        },
        ValueType::DateTime => match time::parse(value) {
            None => refuse("INVALID_LONG", format!("{value} was not a valid long.")),
            Some(at) => Ok(time::iso(at)),
        },
    }
}

fn choice(property: &Property, value: &str) -> Result<String, Invalid> {
    if property.holds_several() {
        let known: BTreeSet<&str> = property.choices.iter().map(|choice| choice.value.as_str()).collect();
        let appends = value.starts_with(';');
        let parts: Vec<&str> = value.split(';').map(str::trim).filter(|part| !part.is_empty()).collect();
        if let Some(unknown) = parts.iter().find(|part| !known.contains(*part)) {
            return Err(not_allowed(property, unknown));
        }
        return Ok(format!("{}{}", if appends { ";" } else { "" }, parts.join(";")));
    }
    let is_known = property.choices.iter().any(|choice| choice.value == value);
    if is_known { Ok(value.to_owned()) } else { Err(not_allowed(property, value)) }
}

/// The refusal of a value that is no option of its property.
pub(super) fn not_allowed(property: &Property, value: &str) -> Invalid {
    let labels = property.choices.iter().take(LISTED_MAX).map(|choice| choice.label.as_str());
    let labels: Vec<&str> = labels.collect();
    let message = format!("{value} was not one of the allowed options: [{}]", labels.join(", "));
    Invalid::new(&property.name, value, "INVALID_OPTION", message)
}

/// Plain decimal notation: a sign, digits, one dot; no thousands separators, no exponent.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole) && all_digits(fraction) && !(whole.is_empty() && fraction.is_empty())
}

/// The stored form of an e-mail address, or `None` when HubSpot would refuse it.
///
/// An address with a character outside ASCII is invalid here, in the local part and in the domain.
pub(super) fn email(text: &str) -> Option<String> {
    let address = text.trim().to_ascii_lowercase();
    let (local, domain) = address.split_once('@')?;
    let local_char = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~.-".contains(&byte);
    let local_fine = (1..=64).contains(&local.len())
        && local.bytes().all(local_char)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    let label_fine = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let top = domain.rsplit('.').next()?;
    let domain_fine = domain.len() <= 253
        && domain.contains('.')
        && domain.split('.').all(label_fine)
        && top.len() >= 2
        && !top.bytes().all(|byte| byte.is_ascii_digit());
    (local_fine && domain_fine).then_some(address)
}

/// An exact decimal number, for the amounts that HubSpot computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    units: i128,
    scale: u32,
}

impl Decimal {
    /// Reads plain decimal notation.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let units = format!("{whole}{fraction}").parse().ok()?;
        Some(Self { units, scale: u32::try_from(fraction.len()).ok()? })
    }

    /// The product, or nothing when it does not fit.
    pub(super) fn times(self, other: Self) -> Option<Self> {
        Some(Self { units: self.units.checked_mul(other.units)?, scale: self.scale.checked_add(other.scale)? })
    }

    /// The sum, or nothing when it does not fit.
    pub(super) fn plus(self, other: Self) -> Option<Self> {
        self.minus(Self { units: other.units.checked_neg()?, scale: other.scale })
    }

    /// The difference, or nothing when it does not fit.
    pub(super) fn minus(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let widen = |number: Self| number.units.checked_mul(10_i128.checked_pow(scale - number.scale)?);
        Some(Self { units: widen(self)?.checked_sub(widen(other)?)?, scale })
    }

    /// Whether it is above zero.
    pub(super) fn is_positive(self) -> bool {
        self.units > 0
    }

    /// Whether it is below zero.
    pub(super) fn is_negative(self) -> bool {
        self.units < 0
    }

    /// Plain notation without zeros at the end of the fraction.
    pub(super) fn print(self) -> String {
        let (mut units, mut scale) = (self.units, self.scale);
        while scale > 0 && units % 10 == 0 {
            units /= 10;
            scale -= 1;
        }
        let scale = usize::try_from(scale).unwrap_or(0);
        let digits = format!("{:0>width$}", units.unsigned_abs(), width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        let sign = if units < 0 { "-" } else { "" };
        if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }
}

/// A probability as HubSpot prints its calculated numbers: every digit of the nearest binary fraction.
pub(super) fn exact_double(text: &str) -> Option<String> {
    let number: f64 = text.parse().ok()?;
    let digits = format!("{number:.60}");
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    Some(if digits.is_empty() { "0".to_owned() } else { digits.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_is_lowered_and_needs_an_ascii_local_part_and_a_domain_with_a_dot() {
        assert_eq!(email(" Ada@Example.TEST ").as_deref(), Some("ada@example.test"));
        for bad in ["ada", "ada@", "@x.test", "ada@x", "a b@x.test", "zoë@x.test", "a..b@x.test", "a@x.1", "a@@x.test"]
        {
            assert_eq!(email(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_are_plain_decimals() {
        for good in ["0", "-1.50", "5000.00", ".5", "+3"] {
            assert!(is_number(good), "{good}");
        }
        for bad in ["", ".", "1,000", "1e3", "0x10", "1.2.3", " 1", "NaN", "-"] {
            assert!(!is_number(bad), "{bad}");
        }
    }

    #[test]
    fn products_and_differences_are_exact() {
        let times = |a, b| Decimal::parse(a).unwrap().times(Decimal::parse(b).unwrap()).unwrap().print();
        assert_eq!(times("0.99", "3"), "2.97");
        assert_eq!(times("-1.50", "2"), "-3");
        assert_eq!(times("0.05", "0.1"), "0.005");
        assert_eq!(Decimal::parse("2").unwrap().minus(Decimal::parse("0.25").unwrap()).unwrap().print(), "1.75");
    }

    #[test]
    fn a_probability_shows_every_digit_of_its_double() {
        assert_eq!(exact_double("0.4").unwrap(), "0.40000000000000002220446049250313080847263336181640625");
        assert_eq!(exact_double("1.0").unwrap(), "1");
    }

    #[test]
    fn dates_must_be_midnight_and_say_when_they_are_not() {
        let date = Property::standard("d", "D", ValueType::Date, "date", "g");
        assert_eq!(normalise(&date, "1767225600000").unwrap(), "2026-01-01");
        let refused = normalise(&date, "1767225601865").unwrap_err();
        assert_eq!(
            (refused.code, refused.message.as_str()),
            ("INVALID_DATE", "1767225601865 is at 00:00:01.865 UTC, not midnight!")
        );
        let datetime = Property::standard("t", "T", ValueType::DateTime, "date", "g");
        assert_eq!(normalise(&datetime, "2026-12-31").unwrap(), "2026-12-31T00:00:00Z");
        assert_eq!(normalise(&datetime, "tomorrow").unwrap_err().message, "tomorrow was not a valid long.");
    }
}
