//! What can happen to a value on its way to a property: each step a pure function.
//!
//! A null passes through every step but `default`, `map` and `concat`. A step that cannot use a value says why; the
//! field's `on_invalid` decides what becomes of the row.

mod address;
mod amount;
mod moment;
mod phone;
mod text;
mod title;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use linchpin_core::sync::row::Cell;

use crate::map::Lookups;
use crate::value::{Invalid, Value};

pub(crate) use address::FREE_MAIL;
pub use address::{domain_of, normal_email};
pub(crate) use amount::number_exact;
pub use amount::{minor_unit_digits, money, number};
pub use moment::{Day, date, datetime};
pub use phone::{Region, e164, warm_up};
pub use text::{boolean, multi_value, truncate};
pub use title::title_case;

/// A step with its settings resolved. Slots are positions in the row's cells, see [`crate::map`].
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Trim,
    Lower,
    Upper,
    TitleCase,
    Phone { region: Option<Region>, region_slot: Option<usize> },
    Date { zone: TimeZone, format: Option<String> },
    Datetime { zone: TimeZone, format: Option<String> },
    Money { digits: Option<u32>, currency_slot: Option<usize>, minor_units: bool },
    Number { decimal_comma: bool, round_digits: Option<u32> },
    Boolean,
    Map { values: BTreeMap<String, String>, otherwise: Option<String> },
    MultiValue { separator: String },
    Default(String),
    Concat { separator: String },
    Split { separator: String, take: Option<i32> },
    Replace { find: String, with: String },
    Truncate { max_characters: usize },
    OwnerByEmail,
    Domain { skip: Vec<String> },
}

/// What a step may look at beside its value.
pub(crate) struct Surroundings<'a> {
    pub cells: &'a [&'a Cell],
    pub lookups: &'a Lookups,
}

impl Surroundings<'_> {
    fn text(&self, slot: Option<usize>) -> Option<String> {
        let text = self.cells.get(slot?)?.to_text()?;
        (!text.trim().is_empty()).then_some(text)
    }
}

impl Step {
    /// Takes the step. Remarks about a value that goes through are added to the notes.
    pub(crate) fn apply(
        &self,
        value: Value,
        around: &Surroundings<'_>,
        notes: &mut Vec<(&'static str, String)>,
    ) -> Result<Value, Invalid> {
        match self {
            Self::Default(default) if value.is_empty() => return Ok(Value::Text(default.clone())),
            Self::Default(_) => return Ok(value),
            Self::Concat { separator } => return Ok(text::concat(value, separator)),
            Self::MultiValue { separator } => return Ok(text::multi_value_of(value, separator)),
            Self::Map { values, otherwise } => return text::map(&value, values, otherwise.as_deref()),
            _ if value.is_empty() => return Ok(value),
            _ => {}
        }
        if let Value::List(parts) = value {
            let parts = parts.into_iter().map(|part| self.apply(part, around, notes));
            return parts.collect::<Result<Vec<_>, _>>().map(Value::List);
        }
        self.apply_to_one(value, around, notes)
    }

    fn apply_to_one(
        &self,
        value: Value,
        around: &Surroundings<'_>,
        notes: &mut Vec<(&'static str, String)>,
    ) -> Result<Value, Invalid> {
        let text = |value: Value| value.into_text().unwrap_or_default();
        Ok(match self {
            Self::Trim => Value::Text(text(value).trim().to_owned()),
            Self::Lower => Value::Text(text(value).to_lowercase()),
            Self::Upper => Value::Text(text(value).to_uppercase()),
            Self::TitleCase => Value::Text(title_case(&text(value))),
            Self::Phone { region, region_slot } => {
                let named = around.text(*region_slot);
                phone::step(&text(value), *region, named.as_deref())?
            }
            Self::Date { zone, format } => Value::Text(date(&value, zone, format.as_deref())?.to_string()),
            Self::Datetime { zone, format } => Value::Text(datetime(&value, zone, format.as_deref())?),
            Self::Money { digits, currency_slot, minor_units } => {
                let named = around.text(*currency_slot);
                let digits = named.as_deref().map(minor_unit_digits).transpose()?.or(*digits);
                Value::Text(money(&value, digits, *minor_units)?)
            }
            Self::Number { decimal_comma, round_digits } => Value::Text(number(&value, *decimal_comma, *round_digits)?),
            Self::Boolean => Value::Bool(boolean(&value)?),
            Self::Split { separator, take } => text::split(&text(value), separator, *take),
            Self::Replace { find, with } => Value::Text(text(value).replace(find.as_str(), with)),
            Self::Truncate { max_characters } => {
                let full = text(value);
                let (kept, cut) = truncate(&full, *max_characters);
                if cut > 0 {
                    notes.push(("LP1113", format!("{cut} characters beyond {max_characters} were cut off")));
                }
                Value::Text(kept.to_owned())
            }
            Self::OwnerByEmail => owner(&text(value), around.lookups)?,
            Self::Domain { skip } => address::step(&text(value), skip)?,
            Self::Default(_) | Self::Concat { .. } | Self::MultiValue { .. } | Self::Map { .. } => value,
        })
    }
}

fn owner(email: &str, lookups: &Lookups) -> Result<Value, Invalid> {
    lookups.owner_by_email(email).map(|id| Value::Text(id.to_owned())).ok_or_else(|| {
        let reason = format!(
            "no active HubSpot owner has the e-mail address \"{email}\": invite the user, or use `on_invalid: omit`"
        );
        Invalid::new("LP1112", reason)
    })
}

#[cfg(test)]
mod tests;
