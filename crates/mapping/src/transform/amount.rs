//! Numbers and money, exactly: decimal arithmetic, never floating point.
//!
//! HubSpot keeps the text of a number as it was sent, so numbers are sent in one normal form: no exponent, no thousands
//! separators, no trailing zeros after the point.

use rust_decimal::{Decimal, RoundingStrategy};

use crate::value::{Invalid, Value};

fn invalid(value: &Value) -> Invalid {
    Invalid::new("LP1108", format!("{} is not a number", value.quoted()))
}

/// The exact decimal of a number or of a text that is one. A floating-point number is what it prints as.
pub(crate) fn decimal(value: &Value) -> Result<Decimal, Invalid> {
    let text = match value {
        Value::Int(number) => return Ok(Decimal::from(*number)),
        Value::Real(number) if number.is_finite() => number.to_string(),
        Value::Text(text) => text.trim().to_owned(),
        Value::Null | Value::Bool(_) | Value::Real(_) | Value::List(_) => return Err(invalid(value)),
    };
    let plain = text.strip_prefix('+').unwrap_or(&text);
    let looks_right = plain.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'));
    if !looks_right {
        return Err(invalid(value));
    }
    Decimal::from_str_exact(plain).map_err(|_| invalid(value))
}

/// The normal form of a number.
pub(crate) fn plain(number: Decimal) -> String {
    number.normalize().to_string()
}

/// A number as HubSpot takes it. Spaces, apostrophes and the thousands separator are dropped.
///
/// # Errors
/// `LP1108` if it is not a number.
pub fn number(value: &Value, decimal_comma: bool, round_digits: Option<u32>) -> Result<String, Invalid> {
    let number = match value {
        Value::Text(text) => {
            let (thousands, point) = if decimal_comma { ('.', ',') } else { (',', '.') };
            let bare: String = text
                .chars()
                .filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '’') && *c != thousands)
                .map(|c| if c == point { '.' } else { c })
                .collect();
            decimal(&Value::Text(bare)).map_err(|_| invalid(value))?
        }
        other => decimal(other)?,
    };
    let rounded = round_digits
        .map_or(number, |digits| number.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero));
    Ok(plain(rounded))
}

/// An amount, rounded to the minor units of its currency; with `minor_units` the source counts cents.
///
/// # Errors
/// `LP1108` if it is not a number, or if minor units are counted and no currency tells how many make one.
pub fn money(value: &Value, digits: Option<u32>, minor_units: bool) -> Result<String, Invalid> {
    let mut amount = decimal(value)?;
    if minor_units {
        let Some(digits) = digits else {
            let reason = format!("{} counts minor units of a currency that is not given", value.quoted());
            return Err(Invalid::new("LP1108", reason));
        };
        amount = amount.checked_div(Decimal::from(10_u64.pow(digits))).ok_or_else(|| invalid(value))?;
    }
    let digits = digits.unwrap_or(2);
    Ok(plain(amount.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero)))
}

/// How many digits the minor unit of a currency has (ISO 4217).
///
/// # Errors
/// `LP1108` if the text has not the form of a currency code.
pub fn minor_unit_digits(code: &str) -> Result<u32, Invalid> {
    let code = code.trim();
    let upper = code.to_ascii_uppercase();
    if upper.len() != 3 || !upper.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err(Invalid::new("LP1108", format!("\"{code}\" is no currency code: expected three letters like EUR")));
    }
    Ok(match upper.as_str() {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI" | "VND"
        | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    })
}

/// The normal form of what is a number already: nothing is taken away, HubSpot would not do it either.
pub(crate) fn number_exact(value: &Value) -> Result<String, Invalid> {
    decimal(value).map(plain).map_err(|mut invalid| {
        invalid.reason.push_str(": use the transform `number`, or correct it in the source");
        invalid
    })
}
